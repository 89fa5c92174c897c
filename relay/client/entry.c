/* entry.c - AUTH of a session with its relays, one through the other. rfc4976#5.1, rows A9, A11 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "relay/client/ends.h"
#include "relay/client/say.h"
#include "relay/err.h"

enum { DIGEST_VALUE = 4096, TRIES_MAX = 4 };

/* The value of Authorization; n 0: none. */
static ssize_t credentials(struct relay_talk *talk, char *out, size_t cap)
{
    const struct relay_endpoint_relay *relay = &talk->relays[talk->entry.hop];
    struct relay_client_digest *digest = &talk->entry.digest[talk->entry.hop];
    struct relay_client_random *random = &talk->link->endpoint->random;
    uint8_t rnd[16];
    if (relay->token != NULL) {
        int n = snprintf(out, cap, "Bearer %s", relay->token);
        return n < 0 || (size_t)n >= cap ? MSRP_E_SPACE : n;
    }
    if (relay->user == NULL || digest->nonce[0] == '\0') {
        return 0;
    }
    if (random->fill(random->ctx, rnd, sizeof(rnd)) < 0) {
        return RELAY_E_RANDOM;
    }
    return relay_client_digest_print(digest, relay->user, relay->password, msrp_str_of(relay->uri),
                                     rnd, out, cap);
}

/* AUTH to relay number entry.hop. */
static void ask(struct relay_talk *talk)
{
    struct relay_entry *entry = &talk->entry;
    const struct relay_endpoint_relay *relay = &talk->relays[entry->hop];
    struct relay_asked asked = {.kind = RELAY_ASKED_AUTH, .session = talk->id, .is_timed = true};
    size_t cap = (relay->token != NULL ? strlen(relay->token) : 0) + DIGEST_VALUE;
    size_t frame_cap = cap + 2 * RELAY_ENDPOINT_PATH;
    char *value = malloc(cap), *frame = malloc(frame_cap);
    entry->tries++;
    ssize_t n = value != NULL && frame != NULL ? credentials(talk, value, cap) : RELAY_E_NOMEM;
    if (n >= 0 && relay_wire_tid(talk->link, asked.tid)) {
        struct msrp_str tid = msrp_str_of(asked.tid);
        struct msrp_str way[2] = {msrp_str_of(entry->way), msrp_str_of(relay->uri)};
        struct msrp_writer w;
        msrp_writer_init(&w, frame, frame_cap);
        msrp_writer_request(&w, tid, "AUTH");
        msrp_writer_header_list(&w, "To-Path", way, 2);
        msrp_writer_header(&w, "From-Path", msrp_str_of(talk->own));
        if (n > 0) {
            msrp_writer_header(&w, "Authorization", (struct msrp_str){value, (size_t)n});
        }
        if (entry->expires_s[entry->hop] != 0) {
            msrp_writer_header_u64(&w, "Expires", entry->expires_s[entry->hop]);
        }
        msrp_writer_end(&w, tid, '$', false);
        n = msrp_writer_done(&w);
        if (n >= 0) {
            (void)relay_wire_say(talk->link, frame, (size_t)n, &asked);
        }
    }
    if (n < 0) {
        relay_talk_fail(talk, 0, (int)n, NULL);
    }
    if (value != NULL) {
        OPENSSL_cleanse(value, cap);
    }
    if (frame != NULL) {
        OPENSSL_cleanse(frame, frame_cap);
    }
    free(value);
    free(frame);
}

void relay_entry_start(struct relay_talk *talk, int64_t now_ms)
{
    (void)now_ms;
    talk->entry.hop = 0;
    talk->entry.way[0] = '\0';
    talk->entry.is_bounded = false;
    talk->entry.tries = 0;
    talk->entry.least_s = UINT32_MAX;
    talk->entry.renew_ms = -1;
    ask(talk);
}

/* Granted by the last relay. */
static void finish(struct relay_talk *talk, int64_t now_ms)
{
    struct relay_entry *entry = &talk->entry;
    snprintf(entry->use_path, sizeof(entry->use_path), "%s", entry->way);
    /* renewed with a quarter of its life left */
    entry->renew_ms = entry->least_s != UINT32_MAX ? now_ms + (int64_t)entry->least_s * 750 : -1;
    relay_talk_begin(talk, now_ms);
}

/* Has the relay that says 200 shown who it is? With Digest it proves that it knows the password
 * (row A6). Some relays say nothing (Kamailio): the certificate of the one we are connected to has
 * proven it; a proof that is there must be right anyway. */
static bool is_proven(struct relay_talk *talk, const struct msrp_head *head)
{
    struct relay_entry *entry = &talk->entry;
    const struct relay_endpoint_relay *relay = &talk->relays[entry->hop];
    struct msrp_str info;
    struct msrp_uri uri;

    if (relay->token != NULL || relay->user == NULL) {
        return true;
    }
    if (entry->hop == 0 && !msrp_head_find(head, "Authentication-Info", &info) &&
        msrp_uri_parse(&uri, msrp_str_of(relay->uri)) == 0 && uri.is_secure) {
        return true;
    }
    return relay_client_digest_proves(&entry->digest[entry->hop], head);
}

static void granted(struct relay_talk *talk, const struct msrp_head *head, int64_t now_ms)
{
    struct relay_entry *entry = &talk->entry;
    struct msrp_limits limits = MSRP_LIMITS_DEFAULT;
    struct msrp_path path;
    if (!is_proven(talk, head)) {
        relay_talk_fail(talk, 0, RELAY_E_TLS,
                        "the relay does not prove that it knows the password");
        return;
    }
    if (head->use_path.n > RELAY_ENDPOINT_PATH ||
        msrp_path_parse(&path, head->use_path, &limits) != 0) {
        relay_talk_fail(talk, 0, RELAY_E_SESSION, "the relay gave no usable Use-Path");
        return;
    }
    memcpy(entry->way, head->use_path.p, head->use_path.n);
    entry->way[head->use_path.n] = '\0';
    if (head->expires.has && head->expires.value > 0 && head->expires.value < entry->least_s) {
        entry->least_s = (uint32_t)head->expires.value;
    }
    entry->is_bounded = false;
    entry->tries = 0;
    if (++entry->hop < talk->relays_n) {
        ask(talk);
    } else {
        finish(talk, now_ms);
    }
}

void relay_entry_answered(struct relay_talk *talk, const struct msrp_head *head, int64_t now_ms)
{
    struct relay_entry *entry = &talk->entry;
    const struct relay_endpoint_relay *relay = &talk->relays[entry->hop];
    struct relay_client_digest *digest = &entry->digest[entry->hop];
    bool stale = false;
    char text[256];
    if (head->code == 200) {
        granted(talk, head, now_ms);
        return;
    }
    if (head->code == 401 && relay->token == NULL && relay->user != NULL &&
        relay_client_digest_challenged(digest, head, &stale) &&
        (entry->tries == 1 || (stale && entry->tries < TRIES_MAX))) {
        ask(talk);
        return;
    }
    const struct msrp_seconds *bound =
        head->min_expires.has ? &head->min_expires : &head->max_expires;
    if (head->code == 423 && !entry->is_bounded && bound->has && bound->value > 0 &&
        bound->value <= UINT32_MAX) {
        entry->is_bounded = true;
        entry->expires_s[entry->hop] = (uint32_t)bound->value;
        ask(talk);
        return;
    }
    relay_say_auth(text, sizeof(text), head);
    relay_talk_fail(talk, (int)head->code, 0, text);
}
