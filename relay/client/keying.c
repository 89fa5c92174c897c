#include "relay/client/keying.h"

#include <string.h>

#include <openssl/crypto.h>

#include "relay/client/say.h"
#include "relay/err.h"

enum { DRAWS = 16 /* octets that do not serve have a chance of 2^-32 each time */ };

int relay_keying_make(struct dpp_key **key, enum dpp_role role, const struct dpp_store *store,
                      int64_t now_s, uint32_t ttl_s, const struct relay_client_random *random)
{
    DPP_SCRUB(octets, 16);
    uint32_t id = 0;
    bool taken = true;
    *key = NULL;
    for (int i = 0; i < DRAWS && taken; i++) {
        if (random->fill(random->ctx, &id, sizeof(id)) < 0) {
            return RELAY_E_RANDOM;
        }
        id = dpp_role_make_id(role, id);
        taken = store != NULL && dpp_store_find(store, id) != NULL;
    }
    if (taken || random->fill(random->ctx, octets.p, sizeof(octets.p)) < 0) {
        return RELAY_E_RANDOM;
    }
    return dpp_key_new(key, id, octets.p, sizeof(octets.p), now_s - RELAY_KEYING_SLACK_S,
                       ttl_s != 0 ? now_s + (int64_t)ttl_s : 0);
}

ssize_t relay_keying_print(const struct dpp_ring *ring, const struct dpp_key *key,
                           const char *responder, const char *group, int64_t now_s,
                           const struct relay_client_random *random, uint8_t *out, size_t cap)
{
    struct dpp_mikey_draft draft = {
        .key = key,
        .responder = responder,
        .groups = &group,
        .groups_n = group != NULL ? 1 : 0,
        .time_s = now_s,
    };
    struct dpp_mikey_random drawn;
    ssize_t n = DPP_E_RETRY;
    for (int i = 0; i < DRAWS && n == DPP_E_RETRY; i++) {
        n = random->fill(random->ctx, &drawn, sizeof(drawn)) < 0
                ? RELAY_E_RANDOM
                : dpp_mikey_make(ring, &draft, &drawn, out, cap);
    }
    OPENSSL_cleanse(&drawn, sizeof(drawn));
    return n;
}

/* Are these keys for the same two users, or the same group? */
static bool is_same_use(const struct dpp_keyed *row, enum dpp_role role, const char *owner,
                        const char *peer)
{
    if (dpp_key_role(row->key) != role) {
        return false;
    }
    if (role != DPP_ROLE_PCK) {
        return strcmp(row->peer, peer) == 0;
    }
    return (strcmp(row->owner, owner) == 0 && strcmp(row->peer, peer) == 0) ||
           (strcmp(row->owner, peer) == 0 && strcmp(row->peer, owner) == 0);
}

/* The same key with an earlier activation. dpp_store_for speaks with the one activated last, and
 * clocks of two users differ: what comes last has to win whatever its date. */
static int age(struct dpp_store *store, uint32_t id, int64_t activation_s)
{
    struct dpp_keyed row = *dpp_store_find(store, id);
    struct dpp_key *older;
    size_t n;
    const uint8_t *octets = dpp_key_octets(row.key, &n);
    int rc = dpp_key_new(&older, id, octets, n, activation_s, dpp_key_expiry_s(row.key));
    if (rc != 0) {
        return rc;
    }
    rc = dpp_store_remove(store, id);
    rc = rc != 0 ? rc : dpp_store_add(store, older, row.owner, row.peer);
    if (rc != 0) {
        dpp_key_free(older);
    }
    return rc;
}

/* The one activated last of this use that is not among the `n` chosen; NULL when there is none. */
static const struct dpp_keyed *newest(const struct dpp_store *store, const struct dpp_key *key,
                                      const char *owner, const char *peer, const uint32_t *chosen,
                                      size_t n)
{
    const struct dpp_keyed *best = NULL;
    for (size_t i = 0; i < dpp_store_count(store); i++) {
        const struct dpp_keyed *row = dpp_store_at(store, i);
        bool is_chosen = !is_same_use(row, dpp_key_role(key), owner, peer);
        for (size_t j = 0; j < n; j++) {
            is_chosen = is_chosen || chosen[j] == dpp_key_id(row->key);
        }
        if (!is_chosen &&
            (best == NULL || dpp_key_activation_s(row->key) > dpp_key_activation_s(best->key))) {
            best = row;
        }
    }
    return best;
}

/* Of the others of this use the newest stay, in their order and before the new one; the rest goes.
 */
static int make_way(struct dpp_store *store, const struct dpp_key *key, const char *owner,
                    const char *peer)
{
    const struct dpp_keyed *row;
    uint32_t chosen[RELAY_KEYING_KEEP - 1];
    int64_t before_s = dpp_key_activation_s(key);
    size_t n = 0;
    int rc = 0;
    while (rc == 0 && (row = newest(store, key, owner, peer, chosen, n)) != NULL) {
        uint32_t id = dpp_key_id(row->key);
        if (n == RELAY_KEYING_KEEP - 1) {
            rc = dpp_store_remove(store, id);
            continue;
        }
        chosen[n++] = id;
        if (dpp_key_activation_s(row->key) >= before_s && before_s > 0) {
            rc = age(store, id, before_s - 1);
        }
        before_s = dpp_key_activation_s(dpp_store_find(store, id)->key);
    }
    return rc;
}

int relay_keying_put(struct dpp_store *store, struct dpp_key *key, const char *owner,
                     const char *peer)
{
    const struct dpp_keyed *same = dpp_store_find(store, dpp_key_id(key));
    int rc = 0;
    if (same != NULL) {
        rc = is_same_use(same, dpp_key_role(key), owner, peer)
                 ? dpp_store_remove(store, dpp_key_id(key))
                 : DPP_E_KEY_TWICE;
    }
    rc = rc != 0 ? rc : make_way(store, key, owner, peer);
    return rc != 0 ? rc : dpp_store_add(store, key, owner, peer);
}

int relay_keying_copy(struct dpp_store *to, const struct dpp_store *from, uint32_t id)
{
    const struct dpp_keyed *row = dpp_store_find(from, id);
    struct dpp_key *key;
    if (row == NULL) {
        return dpp_store_find(to, id) != NULL ? dpp_store_remove(to, id) : 0;
    }
    int rc = dpp_key_copy(&key, row->key);
    if (rc == 0) {
        rc = relay_keying_put(to, key, row->owner, row->peer);
        if (rc != 0) {
            dpp_key_free(key);
        }
    }
    return rc;
}

static bool is_manager(const struct relay_client_conf *conf, const char *from)
{
    for (size_t i = 0; i < conf->managers_n; i++) {
        if (strcmp(conf->managers[i], from) == 0) {
            return true;
        }
    }
    return false;
}

/* What opened goes into the store. The purpose tag decides whose a key may be, so that nobody
 * touches a key of others by its ID. */
static int keep(const struct relay_client_conf *conf, const char *from, struct dpp_mikey_got *got)
{
    const char *peer = got->role == DPP_ROLE_GMK ? got->groups[0] : conf->me;
    const struct dpp_keyed *row = dpp_store_find(conf->keys, got->key_id);
    if (got->role == DPP_ROLE_GMK && got->groups_n != 1) {
        return DPP_E_MIKEY_GROUP;
    }
    if (got->is_revoked) {
        if (row != NULL && !is_same_use(row, got->role, from, peer)) {
            return DPP_E_KEY_TWICE;
        }
        return row != NULL ? dpp_store_remove(conf->keys, got->key_id) : 0;
    }
    int rc = relay_keying_put(conf->keys, got->key, from, peer);
    if (rc == 0) {
        got->key = NULL;
    }
    return rc;
}

void relay_keying_take(const struct relay_client_conf *conf, const char *from, int64_t now_s,
                       const void *p, size_t n, struct relay_client_event *event)
{
    struct dpp_mikey_want want = {
        .now_s = now_s,
        .roles = 1u << DPP_ROLE_PCK,
        .initiator = from,
        .tolerance = conf->tolerance,
        .replay = conf->mikey_replay,
    };
    struct dpp_mikey_got got = {0};
    struct dpp_mikey mikey;
    *event = (struct relay_client_event){0};
    memcpy(event->from, from, strlen(from) + 1);
    int rc = conf->ring == NULL || conf->keys == NULL ? RELAY_E_KEY_IDENTITY : 0;
    rc = rc != 0 ? rc : dpp_mikey_parse(&mikey, p, n);
    if (rc == 0 && mikey.csb_id >> 28 == DPP_ROLE_GMK) {
        want.roles = 1u << DPP_ROLE_GMK;
        rc = is_manager(conf, from) ? 0 : RELAY_E_KEY_MANAGER;
    }
    rc = rc != 0 ? rc : dpp_mikey_open(conf->ring, p, n, &want, &got);
    rc = rc != 0 ? rc : keep(conf, from, &got);
    if (rc == 0) {
        event->kind = RELAY_CLIENT_KEYED;
        event->key_id = got.key_id;
        event->role = got.role;
        event->is_dropped = got.is_revoked;
        if (got.role == DPP_ROLE_GMK) {
            memcpy(event->group, got.groups[0], sizeof(event->group));
        }
    } else {
        event->kind = RELAY_CLIENT_KEY_REFUSED;
        event->err = rc;
        relay_say(event->text, sizeof(event->text), "%s", relay_strerror(rc));
    }
    dpp_key_free(got.key);
}
