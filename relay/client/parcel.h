/* parcel.h - one message on its way out, over as many sessions as it takes. Private to
 * relay/client.
 *
 * It knows which of its octets have their 200; a session goes over the others in order, in runs.
 * What was refused a place in the set of runs is sent once more at the end. */
#ifndef RELAY_CLIENT_PARCEL_H
#define RELAY_CLIENT_PARCEL_H

#include "msrp/msrp.h"
#include "relay/client/endpoint.h"

enum relay_parcel_state {
    RELAY_PARCEL_OPEN,
    RELAY_PARCEL_SENT,    /* every octet has its 200 */
    RELAY_PARCEL_REFUSED, /* see status, err, text */
};

struct relay_parcel {
    struct relay_parcel *next;
    uint64_t id, session;
    struct relay_parcel_conf conf;
    char content_type[RELAY_ENDPOINT_TYPE_MAX + 1];
    char message_id[MSRP_IDENT_MADE + 1];

    struct msrp_run runs[MSRP_RANGE_RUNS];
    struct msrp_range answered;
    struct msrp_run reported_runs[MSRP_RANGE_RUNS];
    struct msrp_range reported; /* by success REPORTs */
    struct msrp_split split;    /* sent: where the next chunk begins */
    size_t waiting;             /* chunks without answer */
    bool is_empty_out;          /* of no octets: its one chunk is out */
    bool is_answered;           /* the same: and answered */
    bool is_begun;              /* a chunk went out in this session */
    bool is_again;              /* it was resumed */
    int64_t report_ms;          /* everything goes out once more then; -1: never */

    enum relay_parcel_state state;
    bool is_told, is_reported, is_reported_told, owes_abort;
    int status, err;
    char text[256];
};

/* A parcel for a session. NULL with *err: RELAY_E_CONF, RELAY_E_RANDOM, RELAY_E_NOMEM. */
struct relay_parcel *relay_parcel_new(const struct relay_parcel_conf *conf, uint64_t session,
                                      const struct relay_client_random *random, int *err)
    __attribute__((warn_unused_result));

/* Are its octets answered for? False for Failure-Report no and partial. */
bool relay_parcel_is_answered_for(const struct relay_parcel *parcel);

/* Has it a chunk to be sent? Then split stands where it begins, and *most is how many octets up to
 * the next that have their 200 already. */
bool relay_parcel_wants(struct relay_parcel *parcel, uint64_t *most);

/* Octets [from, to) got their 200, or were handed over where none comes. */
void relay_parcel_answered(struct relay_parcel *parcel, uint64_t from, uint64_t to);

/* They were lost after all: they have to be sent again. */
void relay_parcel_unanswered(struct relay_parcel *parcel, uint64_t from, uint64_t to);

/* The far endpoint has [from, to), says a success REPORT. */
void relay_parcel_reported(struct relay_parcel *parcel, uint64_t from, uint64_t to);

/* The session is gone: what is unanswered goes out again in the next one. */
void relay_parcel_rewind(struct relay_parcel *parcel);

/* No chunk waits and none is due: the parcel is SENT, or begins again with what is missing. */
void relay_parcel_settle(struct relay_parcel *parcel);

/* Ends it as refused, unless it has ended so already; text NULL: that of err or status. */
void relay_parcel_refuse(struct relay_parcel *parcel, int status, int err, const char *text);

#endif
