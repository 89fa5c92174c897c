/* limit.h - token buckets, and how many strangers stand at the door from one address. */
#ifndef RELAY_ROUTE_LIMIT_H
#define RELAY_ROUTE_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/route/hash.h"

/* A bucket in thousandths of a token. Zeroed it is full at its first use. */
struct relay_bucket {
    int64_t filled_ms; /* when `spent` was true */
    uint64_t spent;    /* thousandths missing from a full bucket */
};

/* Takes one token; false when there is none. rate_per_s 0: no limit. burst is its size in tokens.
 */
bool relay_bucket_take(struct relay_bucket *bucket, int64_t now_ms, uint32_t rate_per_s,
                       uint32_t burst);
/* For what comes in lots: is there a token at all? Then the lot may go, whatever its size, and its
 * n tokens are spent, if need be into debt: a group of a thousand is served, and waited for. */
bool relay_bucket_is_open(const struct relay_bucket *bucket, int64_t now_ms, uint32_t rate_per_s,
                          uint32_t burst);
void relay_bucket_spend(struct relay_bucket *bucket, int64_t now_ms, uint32_t rate_per_s,
                        uint32_t n);
/* Has it filled up again? */
bool relay_bucket_is_full(const struct relay_bucket *bucket, int64_t now_ms, uint32_t rate_per_s);

/* What strangers do, by source address: unauthorised connections and failed AUTHs. */
struct relay_source {
    struct relay_source *next_in_row;
    unsigned unauth;
    unsigned fails; /* since fails_ms; they outlive a connection */
    int64_t fails_ms;
    char text[]; /* NUL-terminated */
};

struct relay_sources {
    struct relay_source **rows;
    size_t rows_n, n;
    size_t failed; /* entries with failures: nothing to sweep without */
    struct relay_hash key;
};

/* An empty table; 0 or RELAY_E_NOMEM. */
int relay_sources_init(struct relay_sources *table, const struct relay_hash *key)
    __attribute__((warn_unused_result));
void relay_sources_done(struct relay_sources *table);

/* Counts one more from `source`. 0; RELAY_E_CONNS_UNAUTH when there are max already; RELAY_E_NOMEM.
 */
int relay_sources_add(struct relay_sources *table, const char *source, unsigned max)
    __attribute__((warn_unused_result));
/* One less: it is gone, or authorised now. */
void relay_sources_drop(struct relay_sources *table, const char *source);

/* Counts a failed AUTH from `source`. True when it is the max'th, or a later one, of the window
 * that began with the first; without memory too. */
bool relay_sources_fail(struct relay_sources *table, const char *source, int64_t now_ms,
                        unsigned max, uint32_t window_ms);
/* Forgets the failures whose window is over. */
void relay_sources_sweep(struct relay_sources *table, int64_t now_ms, uint32_t window_ms);

#endif
