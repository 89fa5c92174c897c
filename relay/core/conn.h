/* conn.h - one peer: what the rooms of the core know of a connection. Private to relay/core.
 *
 * conn.c owns the reading: it turns slab octets into reader events, checks paths and sessions, and
 * answers. What it finds to be for the MCData service goes to sds.h chunk by chunk; what the
 * service wants to send comes back through out.h and hop.h. */
#ifndef RELAY_CORE_CONN_H
#define RELAY_CORE_CONN_H

#include "dpp/seal/seal.h"
#include "msrp/msrp.h"
#include "relay/core/out.h"
#include "relay/core/relay.h"
#include "relay/core/slab.h"
#include "relay/core/wheel.h"
#include "relay/route/directory.h"
#include "relay/route/group.h"
#include "relay/route/peer.h"
#include "relay/route/session.h"

struct sds_message;  /* sds.h */
struct fan_delivery; /* fan.h */
struct relay_way;    /* way.h, and the three below */
struct relay_lane;
struct relay_errand;
struct relay_route;

/* One transaction of ours that waits for its response on this connection. */
struct relay_hop {
    struct relay_timer timer;      /* armed when its last octet was handed to the driver */
    struct relay_hop *next, *prev; /* on the connection, in stream order */
    struct relay_conn *conn;
    char tid[MSRP_IDENT_MAX + 1];
    bool is_quiet;                 /* no answer is a good answer: Failure-Report partial */
    int64_t unread_ms;             /* conn->unread_ms as it was then */
    uint64_t end_at;               /* out.queued behind its end-line; 0: not staged to the end */
    struct fan_delivery *delivery; /* one of the two, or neither: a keep-alive, an errand, or */
    struct relay_way *way;         /* nobody cares any more */
    uint64_t start, end;           /* octets of the message in this chunk, 1-based inclusive */
    uint64_t source;               /* errand: the connection it came from, else 0 */
    char source_tid[MSRP_IDENT_MAX + 1];
    bool is_login; /* errand: with credentials */
};

/* What will be done with the frame that is being received. */
enum relay_aim {
    RELAY_AIM_NONE,     /* swallow it */
    RELAY_AIM_REFUSE,   /* swallow it, then answer chunk.err */
    RELAY_AIM_DISCARD,  /* swallow it, then a REPORT of chunk.err */
    RELAY_AIM_PING,     /* a SEND without a body: 200 */
    RELAY_AIM_SERVICE,  /* for the MCData service */
    RELAY_AIM_WAY,      /* a SEND that goes on: way.h */
    RELAY_AIM_ERRAND,   /* another request that goes on */
    RELAY_AIM_AUTH,     /* login.c */
    RELAY_AIM_RESPONSE, /* to one of our hops */
};

/* The frame that is being received now. Its head's spans point into head_slab. */
struct relay_chunk {
    struct msrp_head head;
    struct relay_slab *head_slab;  /* counted while the frame lasts; NULL between frames */
    struct relay_session *session; /* the sender's session, NULL for a refused head */
    struct sds_message *message;   /* set by relay_sds_begin */
    struct relay_way *way;         /* set by relay_way_begin */
    const char *target;            /* set by the service once known, for the log: the user or group;
                                      borrowed, valid until the service is called again */
    uint64_t body;                 /* body octets so far, the ones now being given included */
    int err;                       /* the refusal, answered after the end-line; 0: none yet */
    int status;                    /* its code; 0: that of err's row */
    enum relay_aim aim;
};

/* A request whose response has not left yet: its transaction id is in use (row 4). */
struct relay_live {
    uint64_t tid;    /* keyed hash */
    uint64_t end_at; /* out.queued behind its response */
};

enum { RELAY_LIVE_MAX = 16 };

struct relay_conn {
    struct relay *relay;
    uint64_t id;                       /* the driver's number */
    struct relay_conn *next_in_row;    /* the machine's table */
    struct relay_conn *next_same_user; /* directory chain, oldest first */
    struct relay_conn *next_want, *next_ready;
    char source[64];
    bool tls, loopback;
    bool closing;    /* says no more than what is queued, hears nothing */
    bool good;       /* a request was answered 200: probation is over */
    bool clogged;    /* reading is paused for its own unread answers */
    bool told_pause; /* what the driver knows */
    bool starved;    /* the last relay_buffer found no memory */
    bool at_door;    /* counted among the unauthorised of its source */
    bool listed;     /* in the directory's chain: has a live session and is not closing */
    bool is_untried; /* we dialled it, and nothing has come of that yet (link.c) */
    bool wants_write, wants_close, want_listed, ready_listed;
    unsigned paused; /* pauses without their resume */
    struct relay_presence
        *presence;           /* the directory's entry, kept till the end; NULL before AUTH */
    const char *user;        /* MCData ID from the token; NULL before AUTH */
    struct relay_peer *peer; /* the relay at the other end, proven; NULL: a client */
    struct relay_conn *next_same_peer; /* chain of peer->first, oldest first */
    const struct dpp_key *csk;         /* the CSK in force (csk.h), NULL: none */
    struct dpp_key *uploaded;          /* the one that its client uploaded */
    uint64_t upload;                   /* serial number of the upload that waits, 0: none */
    bool is_keyed;                     /* a CSK was uploaded at some time */
    struct relay_session *sessions;    /* oldest first, ended ones too */
    unsigned sessions_n;

    struct msrp_reader reader;
    struct relay_slab *in; /* receive slab, NULL while nothing is unconsumed */
    uint32_t in_rd;        /* first octet not consumed */
    struct relay_chunk chunk;

    struct relay_out out;
    struct relay_live live[RELAY_LIVE_MAX]; /* ring, newest at live_at - 1 */
    unsigned live_at;
    struct relay_hop *hops, *hops_last; /* in stream order */
    unsigned hops_n;                    /* at most conf.hops_max, times 16 to a peer or unread */
    struct relay_lane *lane;            /* what is relayed to it waits here (way.h) */
    struct relay_way *ways;             /* what it sends on */
    unsigned ways_n, ways_dead;         /* all; those of them that are dead */
    struct relay_errand *errand;        /* the request that is no SEND and is being received */
    struct relay_route *route;          /* what was found about the paths of its last request */
    struct fan_delivery *deliveries;    /* being sent to this connection, oldest first (fan.h) */
    struct fan_delivery *staged;        /* sent to the last octet, their answers still to come */
    struct sds_message *messages;       /* received on it, open or refused (message.h) */

    /* deadlines, all monotonic milliseconds; 0: not running. See deadline.c. */
    int64_t opened_ms, heard_ms, head_since_ms, body_since_ms, ping_ms, stall_ms;
    int64_t out_since_ms;
    int64_t unread_ms; /* how long in all we did not read it */
    int64_t spared_ms; /* not stopped for a slow next hop before that (way_flow.c) */
    uint64_t body_since_bytes, out_since_bytes, bytes_in;
};

/* --- what sds.c and fan.c may ask of the machine (implemented in parts.c, conn.c, login.c) --- */

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
/* Writes the Use-Path URI of a session with a NUL; returns its octets (at most MSRP_URI_MAX). */
size_t relay_session_uri(const struct relay *relay, const struct relay_session *session,
                         char uri[MSRP_URI_MAX + 1]);

/* May a new message begin on the connection? Asked once per new message, by relay_sds_begin; takes
 * a token of the user's rate. 0, RELAY_E_DRAINING, RELAY_E_MEMORY (over 90 % of the budget) or
 * RELAY_E_RATE. */
int relay_conn_admit(struct relay_conn *conn) __attribute__((warn_unused_result));

/* There is output: the driver gets a WRITE want. */
void relay_conn_wants_write(struct relay_conn *conn);
/* Stop or resume reading a connection (back pressure). Unparsed octets wait in its slab. Counted:
 * each pause needs its resume. A connection that closes forgets its pauses. Reading goes on only
 * after the call that fed the relay has come back to the machine: never inside resume. */
void relay_conn_pause(struct relay_conn *conn);
void relay_conn_resume(struct relay_conn *conn);

/* Notes a transaction of ours whose frame is being staged now (in the same relay_fan_stage, before
 * or after its octets): the response comes back as relay_fan_answered, once. 0, or RELAY_E_NOMEM
 * when conf.hops_max are in flight or there is no memory: then do not stage it. */
int relay_conn_hop(struct relay_conn *conn, const char *tid, struct fan_delivery *delivery,
                   uint64_t start, uint64_t end) __attribute__((warn_unused_result));

/* True when relay_conn_hop would not refuse for conf.hops_max. */
bool relay_conn_has_hop_room(const struct relay_conn *conn);
/* The delivery is over: the answers to its chunks in flight are dropped when they come. */
void relay_conn_unhop(struct relay_conn *conn, const struct fan_delivery *delivery);

/* A REPORT owed to the sender of a message, on the connection the message came on (when it still
 * lives). Queued as control output. Spans are borrowed for the call. */
struct relay_report {
    struct msrp_str to_path;  /* the whole From-Path of the SEND */
    struct msrp_str from_uri; /* our URI: the Use-Path URI of the session, as in its To-Path */
    struct msrp_str message_id;
    uint64_t start, end; /* Byte-Range; end 0 with start 1: the empty message 1-0/0 */
    uint64_t total;      /* UINT64_MAX: unknown, '*' */
    int status;          /* 000 <status> */
    int err;             /* for the Warning header and the counters; 0 for success */
};
void relay_conn_report(struct relay_conn *conn, const struct relay_report *report);

/* The only way to say no (reliability section 9): counts the reason, emits one REFUSED event. Does
 * not write: the answer itself is written by request.c after the chunk's end-line, or by
 * relay_conn_report. The core calls it for every refusal that relay_sds_begin, _body or _end
 * return, and relay_conn_report for none: the service calls it itself for what it refuses outside
 * of them (a REPORT, a delivery). target may be empty. */
void relay_refuse(struct relay *relay, const struct relay_conn *conn, int err, int status,
                  struct msrp_str target, uint64_t bytes);
/* Another event; the struct is copied, source/user/session are filled from conn (may be NULL). */
void relay_emit(struct relay *relay, const struct relay_conn *conn, struct relay_event *event);

/* 3GPP warning code and text of a refusal (24.282 table 4.9-1; profile section 4 table), 0 when it
 * has none. Carried as `Warning: 399 <name> "<code> <text>"` by the answer and by any REPORT. */
int relay_warning_of(int err, const char **text);

#endif
