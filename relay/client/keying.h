/* keying.h - MIKEY-SAKKE for a client: keys made, I_MESSAGEs made of them, opened ones put into a
 * store. No client in sight: `mcrelay group rekey` uses it without one. Profile section 7. */
#ifndef RELAY_CLIENT_KEYING_H
#define RELAY_CLIENT_KEYING_H

#include "relay/client/client.h"

enum {
    RELAY_KEYING_KEEP = 4, /* keys kept of one pair or group: what was sealed under the one before
                              still opens */
    RELAY_KEYING_SLACK_S = 300, /* a new key is valid a little earlier: clocks differ */
};

/* A fresh key of 16 random octets with an ID that stands in no row of the store (NULL: any), valid
 * from RELAY_KEYING_SLACK_S ago, for ttl_s seconds from now (0: without end). 0 and *key (the
 * caller's), RELAY_E_RANDOM, or what dpp_key_new says. */
int relay_keying_make(struct dpp_key **key, enum dpp_role role, const struct dpp_store *store,
                      int64_t now_s, uint32_t ttl_s, const struct relay_client_random *random)
    __attribute__((warn_unused_result));

/* An I_MESSAGE from the ring's user that carries the key to `responder`; group: of a GMK, else
 * NULL. Returns its octets (at most DPP_MIKEY_MAX), or RELAY_E_RANDOM and what dpp_mikey_make says.
 * May run on any thread when `random` may. */
ssize_t relay_keying_print(const struct dpp_ring *ring, const struct dpp_key *key,
                           const char *responder, const char *group, int64_t now_s,
                           const struct relay_client_random *random, uint8_t *out, size_t cap)
    __attribute__((warn_unused_result));

/* Puts a PCK or GMK into a store so that it is the one to speak with from now on: the others of its
 * pair or group stay for what is on its way, with an activation before its own; of more than
 * RELAY_KEYING_KEEP in all the oldest go. The same key ID for the same pair or group is replaced. 0
 * and the store owns the key; else the caller does: DPP_E_KEY_TWICE (the ID is that of another pair
 * or group), DPP_E_KEY_FULL, DPP_E_LONG, DPP_E_SECURE_HEAP. */
int relay_keying_put(struct dpp_store *store, struct dpp_key *key, const char *owner,
                     const char *peer) __attribute__((warn_unused_result));

/* Makes `to` agree with `from` about one key: put as relay_keying_put when `from` holds it, else
 * removed. 0 or what relay_keying_put says. */
int relay_keying_copy(struct dpp_store *to, const struct dpp_store *from, uint32_t id)
    __attribute__((warn_unused_result));

/* Opens an I_MESSAGE that came from `from` (the user whom the relay names) and puts its key into
 * conf->keys: a PCK from anybody, a GMK of one group from one of conf->managers. A revoked key is
 * removed. Fills event: KEYED (key_id, role, from, group, is_dropped) or KEY_REFUSED (err, text,
 * from). */
void relay_keying_take(const struct relay_client_conf *conf, const char *from, int64_t now_s,
                       const void *p, size_t n, struct relay_client_event *event);

#endif
