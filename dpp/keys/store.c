#include "dpp/keys/store.h"

#include <stdlib.h>
#include <string.h>

#include "dpp/seal/kdf.h"

#define CAP_MAX 65535

/* `order` is a permutation of all rows: the first `count` are in use, sorted by key ID, and the
 * others are free. So neither adding nor removing ever allocates. */
struct dpp_store {
    size_t cap, count;
    struct dpp_keyed **order;
    struct dpp_keyed rows[];
};

struct dpp_store *dpp_store_new(size_t cap)
{
    if (cap < 1 || cap > CAP_MAX)
        return NULL;
    struct dpp_store *s = calloc(1, sizeof *s + cap * sizeof s->rows[0]);
    if (!s)
        return NULL;
    s->order = calloc(cap, sizeof *s->order);
    if (!s->order) {
        free(s);
        return NULL;
    }
    s->cap = cap;
    for (size_t i = 0; i < cap; i++)
        s->order[i] = &s->rows[i];
    return s;
}

void dpp_store_free(struct dpp_store *store)
{
    if (!store)
        return;
    for (size_t i = 0; i < store->count; i++)
        dpp_key_free(store->order[i]->key);
    free(store->order);
    free(store);
}

/* The place of `id`, or the place where it would stand. */
static size_t place(const struct dpp_store *store, uint32_t id)
{
    size_t low = 0, high = store->count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (dpp_key_id(store->order[mid]->key) < id)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static bool stands_at(const struct dpp_store *store, size_t at, uint32_t id)
{
    return at < store->count && dpp_key_id(store->order[at]->key) == id;
}

int dpp_store_add(struct dpp_store *store, struct dpp_key *key, const char *owner, const char *peer)
{
    uint32_t id = dpp_key_id(key);
    size_t at = place(store, id);

    if (!peer)
        peer = "";
    if (strlen(owner) > DPP_URI_MAX || strlen(peer) > DPP_URI_MAX)
        return DPP_E_LONG;
    if (stands_at(store, at, id))
        return DPP_E_KEY_TWICE;
    if (store->count == store->cap)
        return DPP_E_KEY_FULL;

    struct dpp_keyed *row = store->order[store->count];
    memmove(&store->order[at + 1], &store->order[at], (store->count - at) * sizeof *store->order);
    store->order[at] = row;
    store->count++;
    row->key = key;
    memcpy(row->owner, owner, strlen(owner) + 1);
    memcpy(row->peer, peer, strlen(peer) + 1);
    return 0;
}

int dpp_store_add_copy(struct dpp_store *store, const struct dpp_keyed *row)
{
    struct dpp_key *copy;
    int rc = dpp_key_copy(&copy, row->key);

    if (rc == 0 && (rc = dpp_store_add(store, copy, row->owner, row->peer)) != 0)
        dpp_key_free(copy);
    return rc;
}

struct dpp_key *dpp_store_take(struct dpp_store *store, uint32_t id)
{
    size_t at = place(store, id);

    if (!stands_at(store, at, id))
        return NULL;
    struct dpp_keyed *row = store->order[at];
    struct dpp_key *key = row->key;
    memset(row, 0, sizeof *row);
    store->count--;
    memmove(&store->order[at], &store->order[at + 1], (store->count - at) * sizeof *store->order);
    store->order[store->count] = row;
    return key;
}

int dpp_store_remove(struct dpp_store *store, uint32_t id)
{
    struct dpp_key *key = dpp_store_take(store, id);

    dpp_key_free(key);
    return key ? 0 : DPP_E_KEY_ABSENT;
}

const struct dpp_keyed *dpp_store_find(const struct dpp_store *store, uint32_t id)
{
    size_t at = place(store, id);

    return stands_at(store, at, id) ? store->order[at] : NULL;
}

const struct dpp_keyed *dpp_store_find_role(const struct dpp_store *store, uint32_t id,
                                            enum dpp_role role)
{
    const struct dpp_keyed *row = dpp_store_find(store, id);

    return row && dpp_key_role(row->key) == role ? row : NULL;
}

static bool is_uri(const char *stored, const char *wanted)
{
    return !wanted || strcmp(stored, wanted) == 0;
}

static bool is_between(const struct dpp_keyed *row, const char *owner, const char *peer)
{
    switch (dpp_key_role(row->key)) {
    case DPP_ROLE_PCK: /* both ends hold the same key, in files that say the same */
        return (is_uri(row->owner, owner) && is_uri(row->peer, peer)) ||
               (is_uri(row->peer, owner) && is_uri(row->owner, peer));
    case DPP_ROLE_GMK:
        return is_uri(row->peer, peer);
    default:
        return is_uri(row->owner, owner) && is_uri(row->peer, peer);
    }
}

const struct dpp_keyed *dpp_store_for(const struct dpp_store *store, enum dpp_role role,
                                      const char *owner, const char *peer, int64_t now_s)
{
    const struct dpp_keyed *best = NULL;

    for (size_t i = 0; i < store->count; i++) {
        const struct dpp_keyed *row = store->order[i];
        if (dpp_key_role(row->key) != role || dpp_key_check(row->key, now_s) != 0 ||
            !is_between(row, owner, peer))
            continue;
        if (!best || dpp_key_activation_s(row->key) > dpp_key_activation_s(best->key))
            best = row;
    }
    return best;
}

const struct dpp_keyed *dpp_store_find_group(const struct dpp_store *store, uint32_t id,
                                             const char *group, const char *user)
{
    const struct dpp_keyed *row = dpp_store_find_role(store, id, DPP_ROLE_GMK);

    if (row && is_uri(row->peer, group))
        return row;
    /* the GMK-ID behind a GUK-ID depends on the GMK itself, so every GMK has to be tried; they
     * stand first, because their tag is 0 */
    for (size_t i = 0; user && i < store->count; i++) {
        uint32_t guk_id;
        size_t n;
        row = store->order[i];
        if (dpp_key_role(row->key) != DPP_ROLE_GMK)
            break;
        const uint8_t *gmk = dpp_key_octets(row->key, &n);
        if (is_uri(row->peer, group) &&
            dpp_kdf_guk_id(gmk, n, dpp_key_id(row->key), user, &guk_id) == 0 && guk_id == id)
            return row;
    }
    return NULL;
}

size_t dpp_store_count(const struct dpp_store *store)
{
    return store->count;
}

const struct dpp_keyed *dpp_store_at(const struct dpp_store *store, size_t i)
{
    return store->order[i];
}
