#include "relay/client/pair.h"

#include <stdlib.h>
#include <string.h>

#include "relay/client/keying.h"
#include "relay/err.h"

void relay_pairs_done(struct relay_pairs *pairs)
{
    free(pairs->rows);
    *pairs = (struct relay_pairs){0};
}

static struct relay_pair *find(const struct relay_pairs *pairs, uint32_t id)
{
    for (size_t i = 0; i < pairs->n; i++) {
        if (pairs->rows[i].id == id) {
            return &pairs->rows[i];
        }
    }
    return NULL;
}

/* The last one made for this peer. */
static struct relay_pair *find_peer(const struct relay_pairs *pairs, const char *peer)
{
    for (size_t i = 0; i < pairs->n; i++) {
        if (strcmp(pairs->rows[i].peer, peer) == 0) {
            return &pairs->rows[i];
        }
    }
    return NULL;
}

/* A row to write into: that of the peer, a new one, or one whose turn it is. */
static int make_row(struct relay_pairs *pairs, const char *peer, struct relay_pair **row)
{
    *row = find_peer(pairs, peer);
    if (*row == NULL && pairs->rows == NULL) {
        pairs->rows = calloc(RELAY_PAIR_MAX, sizeof(*pairs->rows));
        if (pairs->rows == NULL) {
            return RELAY_E_NOMEM;
        }
    }
    if (*row == NULL && pairs->n < RELAY_PAIR_MAX) {
        *row = &pairs->rows[pairs->n++];
    }
    for (size_t i = 0; *row == NULL && i < RELAY_PAIR_MAX; i++) {
        struct relay_pair *next = &pairs->rows[pairs->turns++ % RELAY_PAIR_MAX];
        *row = next->owes_event ? NULL : next;
    }
    return *row == NULL || (*row)->owes_event ? RELAY_E_TOO_MANY_OPEN : 0;
}

/* A fresh PCK for the pair, in store and table. */
static int make(struct relay_pairs *pairs, const struct relay_pair_of *of, const char *peer,
                struct relay_pair **row)
{
    struct dpp_key *key;
    if (strlen(peer) > DPP_URI_MAX) {
        return RELAY_E_SDS_TARGET;
    }
    int rc = make_row(pairs, peer, row);
    rc = rc != 0
             ? rc
             : relay_keying_make(&key, DPP_ROLE_PCK, of->conf->keys, of->now.unix_s, 0, of->random);
    if (rc != 0) {
        return rc;
    }
    uint32_t id = dpp_key_id(key);
    rc = relay_keying_put(of->conf->keys, key, of->conf->me, peer);
    if (rc != 0) {
        dpp_key_free(key);
        return rc;
    }
    **row = (struct relay_pair){.id = id, .answered_ms = -1, .owes_event = true};
    memcpy((*row)->peer, peer, strlen(peer) + 1);
    return 0;
}

/* The I_MESSAGE of a row's key. */
static int print(const struct relay_pair_of *of, const struct relay_pair *row,
                 uint8_t octets[DPP_MIKEY_MAX], struct relay_letter_mikey *mikey)
{
    const struct dpp_keyed *held = dpp_store_find(of->conf->keys, row->id);
    if (held == NULL) {
        return DPP_E_KEY_ABSENT;
    }
    ssize_t n = relay_keying_print(of->conf->ring, held->key, row->peer, NULL, of->now.unix_s,
                                   of->random, octets, DPP_MIKEY_MAX);
    if (n < 0) {
        return (int)n;
    }
    *mikey = (struct relay_letter_mikey){octets, (size_t)n, row->id};
    return 0;
}

/* A key that nobody else has goes at once. */
static void drop(struct relay_pair *row, const struct relay_client_conf *conf)
{
    row->is_dropped = row->owes_event = true;
    if (dpp_store_find(conf->keys, row->id) != NULL && dpp_store_remove(conf->keys, row->id) != 0) {
        row->is_dropped = false;
    }
}

int relay_pair_key(struct relay_pairs *pairs, const struct relay_pair_of *of, const char *to,
                   const struct dpp_key **key, uint8_t octets[DPP_MIKEY_MAX],
                   struct relay_letter_mikey *mikey)
{
    const struct dpp_keyed *held =
        dpp_store_for(of->conf->keys, DPP_ROLE_PCK, of->conf->me, to, of->now.unix_s);
    struct relay_pair *row = held != NULL ? find(pairs, dpp_key_id(held->key)) : NULL;
    int rc = 0;
    *mikey = (struct relay_letter_mikey){0};
    if (held == NULL) {
        rc = make(pairs, of, to, &row);
    }
    if (rc == 0 && row != NULL && !row->is_held) {
        rc = print(of, row, octets, mikey);
        if (rc != 0 && held == NULL) {
            drop(row, of->conf); /* no KMS serves him, say */
        }
    }
    if (rc == 0) {
        *key = held != NULL ? held->key : dpp_store_find(of->conf->keys, row->id)->key;
    }
    return rc;
}

int relay_pair_answer(struct relay_pairs *pairs, const struct relay_pair_of *of, const char *from,
                      uint8_t octets[DPP_MIKEY_MAX], struct relay_letter_mikey *mikey)
{
    struct relay_pair *row = find_peer(pairs, from);
    int rc = 0;
    *mikey = (struct relay_letter_mikey){0};
    if (row != NULL && row->answered_ms >= 0 &&
        of->now.mono_ms - row->answered_ms < RELAY_PAIR_ANSWER_MS) {
        return 0;
    }
    if (row == NULL || row->is_used || row->is_dropped ||
        dpp_store_find(of->conf->keys, row->id) == NULL) {
        rc = make(pairs, of, from, &row);
    }
    if (rc == 0) {
        row->answered_ms = of->now.mono_ms; /* whatever comes of it: signing costs something */
        rc = print(of, row, octets, mikey);
    }
    if (rc != 0 && row != NULL && row->owes_event) {
        drop(row, of->conf);
    }
    return rc;
}

void relay_pair_used(struct relay_pairs *pairs, uint32_t id)
{
    struct relay_pair *row = find(pairs, id);
    if (row != NULL) {
        row->is_held = row->is_used = true;
    }
}

void relay_pair_ended(struct relay_pairs *pairs, const struct relay_client_conf *conf, uint32_t id,
                      bool is_sent, bool others)
{
    struct relay_pair *row = find(pairs, id);
    if (row == NULL || row->is_dropped) {
        return;
    }
    if (is_sent) {
        row->is_held = true;
    } else if (!row->is_held && !others) {
        drop(row, conf);
    }
}

bool relay_pair_next(struct relay_pairs *pairs, struct relay_client_event *event)
{
    for (size_t i = 0; i < pairs->n; i++) {
        struct relay_pair *row = &pairs->rows[i];
        if (row->owes_event) {
            row->owes_event = false;
            *event = (struct relay_client_event){.kind = RELAY_CLIENT_KEYED,
                                                 .key_id = row->id,
                                                 .role = DPP_ROLE_PCK,
                                                 .is_dropped = row->is_dropped};
            memcpy(event->from, row->peer, sizeof(event->from));
            return true;
        }
    }
    return false;
}

bool relay_pair_is_due(const struct relay_pairs *pairs)
{
    for (size_t i = 0; i < pairs->n; i++) {
        if (pairs->rows[i].owes_event) {
            return true;
        }
    }
    return false;
}
