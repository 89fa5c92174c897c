/* arrival.h - one message on its way in, and the ids of those that have ended. Private to
 * relay/client.
 *
 * Chunks of any size and order; the octets go straight to the caller with their place, so nothing
 * is held here. */
#ifndef RELAY_CLIENT_ARRIVAL_H
#define RELAY_CLIENT_ARRIVAL_H

#include "msrp/msrp.h"
#include "relay/client/endpoint.h"

struct relay_arrival {
    struct relay_arrival *next;
    uint64_t id, session, peer;
    char message_id[MSRP_IDENT_MAX + 1];
    char content_type[RELAY_ENDPOINT_TYPE_MAX + 1];
    bool wants_success;
    enum msrp_asked failure;
    struct msrp_run runs[MSRP_RANGE_RUNS];
    struct msrp_join join;
    int64_t touched_ms;
};

/* A message that has ended: how its chunks are answered from now on. */
struct relay_bygone {
    char message_id[MSRP_IDENT_MAX + 1];
    uint64_t peer, total;
    int code; /* 200: it was complete */
};

enum { RELAY_BYGONES = 256 };

struct relay_arrivals {
    struct relay_arrival *first;
    size_t n;
    uint64_t next_id;
    struct relay_bygone bygone[RELAY_BYGONES];
    size_t bygone_at;
};

/* Which one a chunk of `peer` belongs to; NULL: none that is open. */
struct relay_arrival *relay_arrivals_find(const struct relay_arrivals *all, uint64_t peer,
                                          struct msrp_str message_id);
const struct relay_bygone *relay_arrivals_bygone(const struct relay_arrivals *all, uint64_t peer,
                                                 struct msrp_str message_id);

/* A new one, of the head of its first chunk. NULL with *code: 413 or 415. */
struct relay_arrival *relay_arrivals_add(struct relay_arrivals *all, uint64_t peer,
                                         const struct msrp_head *head, uint64_t max_size, int *code)
    __attribute__((warn_unused_result));

/* It has ended: its chunks get `code` from now on. */
void relay_arrivals_end(struct relay_arrivals *all, struct relay_arrival *arrival, int code);
void relay_arrivals_done(struct relay_arrivals *all);

/* Does this head ask for the same reports? rfc4975#7.1.1, row 28 */
bool relay_arrival_is_same(const struct relay_arrival *arrival, const struct msrp_head *head);

/* Is this type one of those accepted, or a container that everybody takes (row C16)? */
bool relay_arrival_accepts(const struct relay_endpoint_conf *conf, struct msrp_str content_type);

#endif
