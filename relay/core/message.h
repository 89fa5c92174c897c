/* message.h - one message on its way through the service. Private to sds.c and message.c.
 *
 *   OPEN  chunks are expected; its first octets may be on their way to recipients already
 *   DEAD  refused, aborted or given up: remembered so that later chunks get the same answer
 *   SENT  complete and accepted; deliveries are under way
 *
 * OPEN and DEAD messages hang on their connection and end with it (class V); a SENT one goes on
 * without its sender. */
#ifndef RELAY_CORE_MESSAGE_H
#define RELAY_CORE_MESSAGE_H

#include "relay/core/disp.h"
#include "relay/core/fan.h"
#include "relay/core/flow.h"
#include "relay/core/sds.h"

enum {
    RELAY_MESSAGE_DEAD_MAX = 64,  /* refused messages remembered on one connection */
    RELAY_MESSAGE_FRAGS_MAX = 128 /* runs held behind gaps, of one message */
};

struct sds {
    struct relay *relay;
    struct sds_message *all; /* newest first */
    unsigned open, sent;
    struct relay_disp *disp;
    char target[RELAY_ID_MAX + 1]; /* of the last refusal, for the log */
    char scratch[RELAY_FAN_LABEL_MAX];
};

enum relay_message_state { RELAY_MESSAGE_OPEN, RELAY_MESSAGE_DEAD, RELAY_MESSAGE_SENT };

/* Where the reading is. */
enum relay_message_phase {
    RELAY_PHASE_LABEL,
    RELAY_PHASE_PAYLOAD, /* in part 4 */
    RELAY_PHASE_BETWEEN, /* behind part 4 */
    RELAY_PHASE_MIKEY,   /* in part 5 */
    RELAY_PHASE_BEHIND,  /* behind part 5 */
    RELAY_PHASE_END,     /* behind the close delimiter */
    RELAY_PHASE_UPLOAD,  /* no multipart: a CSK upload (csk.h) */
};

/* What came out of order. */
struct relay_fragment {
    uint64_t from;
    struct relay_span run; /* counted */
};

/* What is needed while the message is open. */
struct relay_message_body {
    struct msrp_join join;
    struct msrp_run runs[MSRP_RANGE_RUNS];
    struct relay_slab *kept; /* copies of small runs behind a gap */
    struct relay_fragment *frags;
    unsigned frags_n, frags_cap;
    struct relay_walk walk;
    struct relay_label label; /* moved into the fan where there is one */
    struct relay_guard guard;
    enum relay_message_phase phase;
    int over;       /* the refusal for too many octets, once the target is known */
    bool is_repeat; /* sent before: only swallowed and compared */
    bool has_digest;
    uint64_t base;          /* octets of the fan before the part being read */
    struct relay_slab *key; /* part 5 of a key-only message, or the upload */
    uint8_t digest[RELAY_DIGEST_N], before[RELAY_DIGEST_N];
};

struct sds_message {
    struct sds_message *all_next, *all_prev;
    struct sds_message *next, *prev; /* on the connection */
    struct sds *sds;
    struct relay_conn *conn;       /* NULL once the sender is gone */
    struct relay_session *session; /* NULL once it has ended */
    struct relay_chunk *chunk;     /* of it that is being received now */
    enum relay_message_state state;
    int err; /* why it is dead */
    unsigned late;
    int64_t dead_ms, touched_ms;
    bool success, failure; /* which reports are owed; failure: not `no` */
    enum msrp_asked success_asked, failure_asked;
    uint64_t octets;                  /* that have come, counted to the highest */
    uint64_t total;                   /* MSRP_UNKNOWN until known */
    struct relay_message_body *body;  /* while open */
    struct fan *fan;                  /* once accepted */
    struct relay_disp_record *record; /* while open and accepted */
    struct relay_flow flow;
    bool is_group;
    char id[MSRP_IDENT_MAX + 1];
    char target[RELAY_ID_MAX + 1]; /* "" until known */
    char sender[RELAY_ID_MAX + 1];
};

/* --- message.c: from octets to recipients --- */

/* The next n octets of an open message, in order. 0, or the refusal of the message. */
int relay_message_take(struct sds_message *message, struct relay_slab *slab, const char *p,
                       size_t n) __attribute__((warn_unused_result));
/* The last octet is there and its chunk has ended. 0: the message is SENT (or was a repeated one,
 * and is over); RELAY_SDS_LATER for an upload; else the refusal. */
int relay_message_complete(struct sds_message *message) __attribute__((warn_unused_result));
/* May it still go on? Looks at the policy of now for an open message: 0 or the refusal. Deliveries
 * to those who may not have it any more are dropped. */
int relay_message_recheck(struct sds_message *message) __attribute__((warn_unused_result));

/* Is it lost, then it is new when it is sent again. */
void relay_message_forget(struct sds_message *message);

/* --- life.c: where it hangs, how it ends, who is told --- */

/* A new OPEN one of the chunk's sender, on its connection; NULL without memory. */
struct sds_message *relay_life_new(struct sds *sds, struct relay_conn *conn,
                                   struct relay_chunk *chunk) __attribute__((warn_unused_result));
void relay_life_free(struct sds_message *message); /* its deliveries end, its record goes */
/* Onto the list of a connection, off the list of its own. */
void relay_life_hang_on(struct sds_message *message, struct relay_conn *conn);
void relay_life_take_off(struct sds_message *message);
/* It and the chunk that is being received know each other no more. */
void relay_life_part(struct sds_message *message);
/* Forgets the oldest DEAD one of a connection when there are too many. */
void relay_life_trim(struct relay_conn *conn);

/* From now on every chunk of it gets `err`; what was begun ends with `#`. Nobody is told. */
void relay_life_kill(struct sds_message *message, int err);
/* Refused by what its running chunk brought: the answer to the chunk tells it. Returns err. */
int relay_life_refuse(struct sds_message *message, int err);
/* Given up for another reason: told once, by the answer to the chunk that is coming in, else by a
 * REPORT of `status`. */
void relay_life_give_up(struct sds_message *message, int err, int status);
/* Complete and accepted: SENT, or over if it goes to nobody. It may be freed. */
void relay_life_accept(struct sds_message *message);
/* SENT, and all its deliveries are over: tells and frees it. */
void relay_life_finish(struct sds_message *message);
/* Looks at its slowest receivers. It may be DEAD after it. */
void relay_life_look(struct sds_message *message);
/* One REPORT to the sender, where there is still one. */
void relay_life_report(struct sds_message *message, int status, int err);

#endif
