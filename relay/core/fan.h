/* fan.h - one body to many, shared, immutable, counted. Private to relay/core.
 *
 * A fan holds the checked octets of part 4 (and the closing delimiter) as spans of the slabs they
 * arrived in. Each delivery is a cursor in it plus its own label (its multipart head: mcdata-info
 * for this recipient, signalling for this recipient), written only when its connection can send.
 * Octets that every cursor has passed are let go. A delivery chunk is whole when it is staged: its
 * end-line is absent from it by choice of the transaction id (rfc4975#7.1), so responses and
 * REPORTs always stand between chunks.
 *
 * A delivery is done when each of its chunks has its 200 (profile section 5). What ends it before
 * is a refusal or silence from its recipient, the end of its session or connection, or relay_fan_
 * abort and relay_fan_drop; if any octet of it has left by then it ends with an empty chunk `#`. */
#ifndef RELAY_CORE_FAN_H
#define RELAY_CORE_FAN_H

#include "relay/core/conn.h"
#include "relay/core/label.h"

enum {
    RELAY_FAN_CHUNK = 16 * 1024,     /* most body octets of one delivery chunk */
    RELAY_FAN_LABEL_MAX = 24 * 1024, /* longest label that is written */
    RELAY_FAN_PER_CONN = 256,        /* deliveries that wait for one connection */
    RELAY_FAN_COPY = 128,            /* shorter runs are put together: they would keep more alive
                                        than they are, and make a thousand members' small chunks */
};

/* What the octets of one span cost and who still needs them. */
struct fan_span {
    struct relay_span run; /* counted */
    uint64_t end;          /* octets of the fan up to its end */
    uint64_t cost;         /* slab octets that all spans before it keep alive */
    uint32_t waiting;      /* cursors at or before it */
};

struct fan {
    struct fan *next, *prev; /* all fans of the relay */
    struct relay *relay;
    struct sds_message *message; /* told when a delivery ends or a cursor moves */
    const char *sender;          /* MCData ID; lives as long as the message */
    struct relay_label label;
    char boundary[RELAY_BOUNDARY_N + 1];
    struct relay_slab *glue; /* where short runs, and what we write ourselves, stand */

    struct fan_span *spans; /* [spans_at, spans_n) are held */
    unsigned spans_at, spans_n, spans_cap;
    uint64_t first;          /* number of spans[spans_at], counted from the first span ever */
    struct relay_slab *last; /* slab of the newest span, for the cost; not counted */
    uint64_t cost;           /* slab octets of all spans ever */
    uint64_t end, passed;    /* octets appended; octets of them that may be sent */
    bool is_complete;

    struct fan_delivery *deliveries; /* not over yet */
    unsigned sending;                /* of them, those whose cursor is not at the end */
    unsigned started, done, failed;
    int status; /* of the last delivery that failed */
};

/* One connection of one recipient. */
struct fan_delivery {
    struct fan *fan; /* NULL: it is over but for its `#` */
    struct relay_conn *conn;
    struct relay_session *session;
    struct fan_delivery *next, *prev;         /* on the connection */
    struct fan_delivery *fan_next, *fan_prev; /* of the fan */
    uint64_t span, at; /* cursor: number of the span, octets of the fan before it */
    uint64_t staged;   /* octets of its message handed to the connection, label included */
    uint32_t label_n;  /* octets of its label, once staged */
    uint16_t in_flight;
    bool has_begun, is_staged;
    char message_id[MSRP_IDENT_MADE + 1];
    char boundary[RELAY_BOUNDARY_N + 1]; /* the fan's: its `#` may outlive it */
};
_Static_assert(sizeof(struct fan_delivery) <= 256, "a slow member costs a cursor, not a copy");

/* A fan for a message of `sender` with its label, which is moved in. 0 and *fan, or RELAY_E_NOMEM,
 * RELAY_E_RANDOM (then the label stays the caller's). */
int relay_fan_new(struct fan **fan, struct sds_message *message, struct relay *relay,
                  const char *sender, struct relay_label *label)
    __attribute__((warn_unused_result));
/* Forgets it; what is under way to a connection ends first (relay_fan_abort). NULL is allowed. */
void relay_fan_free(struct fan *fan);

/* Starts a delivery on the connection's oldest live session. 0, or why it failed at once (it then
 * counts as started and failed): RELAY_E_SLOW_RECEIVER (more waits for the connection than
 * conf.out_hard octets or RELAY_FAN_PER_CONN deliveries), RELAY_E_NOMEM, RELAY_E_RANDOM. */
int relay_fan_add(struct fan *fan, struct relay_conn *conn) __attribute__((warn_unused_result));

/* Ends all deliveries that are not over, or one; status is what is told. The message is not told:
 * the caller knows. */
void relay_fan_abort(struct fan *fan, int status);
void relay_fan_drop(struct fan_delivery *delivery, int status);

/* The connection is gone, or one session of it (NULL: all): its deliveries fail, without a `#`. */
void relay_fan_gone(struct relay_conn *conn, const struct relay_session *session);

/* request.c calls this when the connection can send and no control octet waits: stages the next
 * chunk of one of conn's deliveries (round robin) with relay_out_* and relay_conn_hop. Returns true
 * when something was staged. */
bool relay_fan_stage(struct relay_conn *conn);

/* True when relay_fan_stage would have something for the connection now. */
bool relay_fan_is_ready(const struct relay_conn *conn);

/* The answer to one of our transactions: an MSRP status, or 408 when none came in time. */
void relay_fan_answered(struct relay_conn *conn, struct fan_delivery *delivery, uint64_t start,
                        uint64_t end, int status);

/* There is something new: connections with a chunk to make want to write. For body.c. */
void relay_fan_wake(struct fan *fan);

/* --- body.c: the octets --- */

/* Appends octets, by reference (runs below RELAY_FAN_COPY: by copy, once for all); they wait until
 * relay_body_pass. 0 or RELAY_E_NOMEM. */
int relay_body_append(struct fan *fan, struct relay_slab *slab, const char *p, size_t n)
    __attribute__((warn_unused_result));
/* Appends octets of ours, by copy (at most 128): what stands between and behind parts. */
int relay_body_glue(struct fan *fan, const char *p, size_t n) __attribute__((warn_unused_result));
/* Octets [0, upto) of the fan may be sent. */
void relay_body_pass(struct fan *fan, uint64_t upto);
/* Nothing more comes; all of it may be sent. */
void relay_body_finish(struct fan *fan);
void relay_body_done(struct fan *fan); /* gives everything back */

/* Slab octets kept alive for the slowest cursor; for this one. */
uint64_t relay_body_lag(const struct fan *fan);
uint64_t relay_body_lag_of(const struct fan_delivery *delivery);

/* The span of a number that is still held; one past the newest number. */
struct fan_span *relay_body_span(const struct fan *fan, uint64_t number);
uint64_t relay_body_span_end(const struct fan *fan);
/* The cursor goes n octets on. The delivery takes no more. */
void relay_body_advance(struct fan_delivery *delivery, uint64_t n);
void relay_body_leave(struct fan_delivery *delivery);

#endif
