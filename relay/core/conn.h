/* conn.h - one peer: what the rooms of the core know of a connection. Private to relay/core.
 *
 * conn.c owns the reading: it turns slab octets into reader events, checks paths and sessions, and
 * answers. What it finds to be for the MCData service goes to sds.h chunk by chunk; what the service
 * wants to send comes back through out.h and hop.h. */
#ifndef RELAY_CORE_CONN_H
#define RELAY_CORE_CONN_H

#include "dpp/seal/seal.h"
#include "msrp/msrp.h"
#include "relay/core/out.h"
#include "relay/core/relay.h"
#include "relay/core/slab.h"
#include "relay/route/group.h"

struct sds_message; /* sds.h */
struct fan_delivery; /* fan.h */

/* One authorised session: a Use-Path URI of ours, alive on one connection. */
struct relay_session {
    struct relay_session *next; /* on the connection, oldest first */
    char id[33];                /* 128 random bits as hex: the session part of the Use-Path URI */
    char *remote;               /* the From-Path of its AUTH: To-Path of what we send (<= 513) */
    int64_t dead_s;             /* unix second at which it dies (expiry; skew is added on check) */
    uint32_t hash;              /* keyed hash of id, for logs */
    uint32_t open_messages;
};

/* One transaction of ours that waits for its response on this connection. */
struct relay_hop {
    char tid[33];
    int64_t sent_ms;               /* when its last octet was handed to the driver; -1: not yet */
    struct fan_delivery *delivery; /* NULL: a keep-alive */
    uint64_t start, end;           /* the delivery's octets in this chunk, 1-based inclusive */
};

/* The chunk that is being received now. Its head's spans point into head_slab. */
struct relay_chunk {
    struct msrp_head head;
    struct relay_slab *head_slab;  /* counted while the chunk lasts */
    struct relay_session *session; /* the sender's session, NULL for a refused head */
    struct sds_message *message;   /* set by sds_begin */
    uint64_t body;                 /* body octets so far */
    int err;                       /* the refusal, answered after the end-line; 0: none yet */
};

struct relay_conn {
    struct relay *relay;
    uint64_t id; /* the driver's number */
    struct relay_conn *next_same_user; /* directory chain */
    char source[64];
    bool tls, loopback, closing, paused, want_listed;
    char *user;                  /* MCData ID from the token; NULL before the first AUTH */
    const struct dpp_key *csk;   /* the connection's CSK, NULL: none; follows the policy */
    struct relay_session *sessions;
    unsigned sessions_n;

    struct msrp_reader reader;
    struct relay_slab *in; /* receive slab, NULL while nothing is unconsumed */
    uint32_t in_rd;        /* first octet not consumed */
    struct relay_chunk chunk;

    struct relay_out out;
    struct relay_hop *hops; /* ring of at most conf.hops_max, grown as needed, oldest first */
    unsigned hops_n, hops_at, hops_cap;
    struct fan_delivery *deliveries; /* being sent to this connection, oldest first (fan.h) */

    /* deadlines and counts kept by conn.c; see conn.c for their meaning */
    int64_t opened_ms, heard_ms, head_since_ms, body_since_ms, ping_ms, stall_ms, fail_since_ms;
    uint64_t body_since_bytes;
    unsigned fails;
    bool good; /* a request was answered 200: probation is over */
};

/* --- what sds.c and fan.c may ask of the machine (implemented in conn.c, relay.c) --- */

/* The relay's parts. */
const struct relay_conf *relay_conf_of(const struct relay *relay);
const struct relay_policy *relay_policy_of(const struct relay *relay);
struct relay_now relay_now_of(const struct relay *relay);
struct relay_slabs *relay_slabs_of(struct relay *relay);
struct relay_counts *relay_counts_of(struct relay *relay);
struct sds *relay_sds_of(struct relay *relay);
/* Fills p with n random octets (buffered from the driver's source). 0 or RELAY_E_RANDOM. */
int relay_random_fill(struct relay *relay, void *p, size_t n) __attribute__((warn_unused_result));

/* Connections of a user (directory), NULL when absent; follow next_same_user. A connection that is
 * closing is not listed. Every listed one has at least one live session. */
struct relay_conn *relay_conns_of_user(struct relay *relay, struct msrp_str user);
/* The session that deliveries to the connection use: its oldest live one, or NULL. */
struct relay_session *relay_conn_session(const struct relay_conn *conn);
/* Number of connected users (for tests and metrics). */

/* There is output: the driver gets a WRITE want. */
void relay_conn_wants_write(struct relay_conn *conn);
/* Stop or resume reading a connection (back pressure). Unparsed octets wait in its slab. Counted:
 * each pause needs its resume. */
void relay_conn_pause(struct relay_conn *conn);
void relay_conn_resume(struct relay_conn *conn);

/* Notes a transaction of ours: the response comes back as fan_answered. 0 or RELAY_E_NOMEM when
 * conf.hops_max are in flight. */
int relay_conn_hop(struct relay_conn *conn, const char *tid, struct fan_delivery *delivery,
                   uint64_t start, uint64_t end) __attribute__((warn_unused_result));

/* A REPORT owed to the sender of a message, on the connection the message came on (when it still
 * lives). Queued as control output. Spans are borrowed for the call. */
struct relay_report {
    struct msrp_str to_path;    /* the whole From-Path of the SEND */
    struct msrp_str from_uri;   /* our URI: the Use-Path URI of the session, as in its To-Path */
    struct msrp_str message_id;
    uint64_t start, end;        /* Byte-Range; end 0 with start 1: the empty message 1-0/0 */
    uint64_t total;             /* UINT64_MAX: unknown, '*' */
    int status;                 /* 000 <status> */
    int err;                    /* for the Warning header and the counters; 0 for success */
};
void relay_conn_report(struct relay_conn *conn, const struct relay_report *report);

/* The only way to say no (reliability section 9): counts the reason, emits one REFUSED event. Does
 * not write: the answer itself is written by conn.c after the chunk's end-line, or by
 * relay_conn_report. target may be empty. */
void relay_refuse(struct relay *relay, const struct relay_conn *conn, int err, int status,
                  struct msrp_str target, uint64_t bytes);
/* Another event; the struct is copied, source/user/session are filled from conn (may be NULL). */
void relay_emit(struct relay *relay, const struct relay_conn *conn, struct relay_event *event);

/* 3GPP warning code and text of a refusal (24.282 table 4.9-1; profile section 4 table), 0 when it
 * has none. Carried as `Warning: 399 <name> "<code> <text>"` by the answer and by any REPORT. */
int relay_warning_of(int err, const char **text);

#endif
