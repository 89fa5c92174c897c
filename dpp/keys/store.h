/* store.h - the keys that somebody holds: key ID -> key, capped. */
#ifndef DPP_KEYS_STORE_H
#define DPP_KEYS_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dpp/keys/key.h"

#define DPP_URI_MAX 255 /* octets of a user, peer or group URI */

/* A key and whom it is for. `owner` is the user that made it or for whom it was made. `peer` is the
 * other user of a PCK, the group of a GMK, and for a CSK the server's identity or "". */
struct dpp_keyed {
    struct dpp_key *key;
    char owner[DPP_URI_MAX + 1];
    char peer[DPP_URI_MAX + 1];
};

struct dpp_store;

/* An empty store for at most `cap` keys (1 to 65535), all memory taken now; NULL without memory. */
struct dpp_store *dpp_store_new(size_t cap) __attribute__((warn_unused_result));
void dpp_store_free(struct dpp_store *store); /* frees its keys; NULL is allowed */

/* Puts a key in; owner and peer are copied (peer may be NULL: ""). On success the store owns the
 * key; on an error the caller still does. Returns 0, DPP_E_KEY_TWICE (its key ID is there),
 * DPP_E_KEY_FULL or DPP_E_LONG (a URI over DPP_URI_MAX). */
int dpp_store_add(struct dpp_store *store, struct dpp_key *key, const char *owner, const char *peer)
    __attribute__((warn_unused_result));
/* Puts in a copy of a row of another store, which keeps its own. As dpp_store_add and
 * dpp_key_copy. */
int dpp_store_add_copy(struct dpp_store *store, const struct dpp_keyed *row)
    __attribute__((warn_unused_result));

/* Wipes one key. 0 or DPP_E_KEY_ABSENT. */
int dpp_store_remove(struct dpp_store *store, uint32_t id) __attribute__((warn_unused_result));

/* Takes one key out: it is the caller's now. NULL when it is not there. Cheapest from the end. */
struct dpp_key *dpp_store_take(struct dpp_store *store, uint32_t id)
    __attribute__((warn_unused_result));

/* Lookups: the row, borrowed until the next add or remove, or NULL. */
const struct dpp_keyed *dpp_store_find(const struct dpp_store *store, uint32_t id);
const struct dpp_keyed *dpp_store_find_role(const struct dpp_store *store, uint32_t id,
                                            enum dpp_role role);

/* The key for speaking from `owner` to `peer` at now_s: a PCK of these two users (either may stand
 * as the owner), a GMK of the group `peer` (whoever the owner is), else a key of this owner. owner
 * or peer may be NULL: any. Of several usable keys the one activated last. URIs compare octet by
 * octet. NULL when there is none. */
const struct dpp_keyed *dpp_store_for(const struct dpp_store *store, enum dpp_role role,
                                      const char *owner, const char *peer, int64_t now_s);

/* The GMK of `group` (NULL: any) that a DPPK-ID of group traffic means: `id` is the GMK-ID itself
 * or the GUK-ID that `user` has under it (the sender of the message; NULL: GMK-ID only).
 * ts33180#F.1.3; profile section 8, dpp.group_id. NULL when there is none. */
const struct dpp_keyed *dpp_store_find_group(const struct dpp_store *store, uint32_t id,
                                             const char *group, const char *user);

size_t dpp_store_count(const struct dpp_store *store);
const struct dpp_keyed *dpp_store_at(const struct dpp_store *store, size_t i); /* i < count */

#endif
