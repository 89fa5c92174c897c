/* directory.h - MCData ID -> the connections of that user on this loop. */
#ifndef RELAY_ROUTE_DIRECTORY_H
#define RELAY_ROUTE_DIRECTORY_H

#include <stddef.h>
#include <stdint.h>

#include "msrp/str.h"
#include "relay/route/hash.h"
#include "relay/route/limit.h"

struct relay_conn; /* relay/core/conn.h; only carried here */

/* CSK uploads of a user, each some milliseconds of work and an hour of memory against replay. */
enum { RELAY_UPLOADS_PER_S = 1, RELAY_UPLOADS_BURST = 16 };

/* One user that is, or was a moment ago, connected. */
struct relay_presence {
    struct relay_presence *next_in_row;
    struct relay_conn *first; /* chained by the core through next_same_user */
    unsigned conns;
    /* these outlive a connection, so that leaving does not refill them */
    struct relay_bucket messages, auths, uploads, deliveries;
    size_t user_n;
    char user[]; /* NUL-terminated */
};

struct relay_directory {
    struct relay_presence **rows;
    size_t rows_n, n;
    struct relay_hash key;
};

/* An empty directory; 0 or RELAY_E_NOMEM. */
int relay_directory_init(struct relay_directory *dir, const struct relay_hash *key)
    __attribute__((warn_unused_result));
void relay_directory_done(struct relay_directory *dir); /* frees every entry */

/* The entry of a user, NULL when there is none (find) or no memory (get, which makes one). Valid
 * until relay_directory_sweep takes it away: never while conns is not 0. */
struct relay_presence *relay_directory_find(const struct relay_directory *dir,
                                            struct msrp_str user);
struct relay_presence *relay_directory_get(struct relay_directory *dir, struct msrp_str user)
    __attribute__((warn_unused_result));

/* Drops the entries of users without a connection whose buckets have filled up again. */
void relay_directory_sweep(struct relay_directory *dir, int64_t now_ms, uint32_t rate_per_s,
                           uint32_t deliveries_per_s);

#endif
