/* way.h - one message on its way through us: from the connection it comes in on to the next hop.
 * rfc4976#6.4. Private to relay/core.
 *
 *   connection --- frames ---> way --- pieces ---> lane of the next hop --- chunks ---> connection
 *
 * A way is what one Message-ID of one sender needs while it passes: where it goes, who is told when
 * it fails, what waits. Body octets stay in the slabs they arrived in. A lane is the queue in front
 * of one connection (or of a peer that is being dialled): its ways take turns, one whole chunk of
 * at most RELAY_FAN_CHUNK octets each (fewer to a peer), so that a response, a REPORT or another
 * message never waits for more than that (rows C5-C7). A chunk is staged whole and its end-line is
 * absent from it by choice of the transaction id (row F8).
 *
 *   OPEN  chunks may come; what came is queued, staged or in flight
 *   DEAD  it failed and that was told: later chunks get the same answer and are swallowed
 *
 * A way that has had its last chunk and has nothing queued and nothing in flight is over. */
#ifndef RELAY_CORE_WAY_H
#define RELAY_CORE_WAY_H

#include "msrp/report.h"
#include "relay/core/conn.h"
#include "relay/core/sniff.h"

enum {
    RELAY_WAY_TEXT = 400,            /* paths up to here need no slab */
    RELAY_WAY_DEAD_MAX = 64,         /* remembered of one connection */
    RELAY_WAY_PEER_CHUNK = 8 * 1024, /* most body octets of a chunk to a peer: there are relays that
                                        hold whole frames, and of 11 KiB at most (Kamailio) */
    RELAY_WAY_IN_FLIGHT_MAX = 1024 * 1024, /* octets of one way without an answer; they hold no
                                              memory, and 50 ms to the next hop allow 20 MB/s */
    RELAY_WAY_PEER_FLIGHT_MAX =
        512 * 1024,               /* the same to a peer, which holds them when its own next
                                     hop is slow: beside its high mark below its hard */
    RELAY_WAY_COPY = 1024,        /* shorter chunks are copied: they would keep more alive */
    RELAY_LINK_SPARED_MS = 60000, /* a link that was stopped in vain is not stopped for so long */
    RELAY_WAYS_MAX = 65536,
};

/* Octets in order. What waits in a lane costs the slabs that it keeps alive, whole: those of one
 * lane in one slab are chained, one of them bears the cost and leaves it to another. */
struct way_run {
    struct way_run *next;    /* first: see relay_lane_append */
    struct relay_slab *slab; /* counted */
    const char *p;
    size_t n;
    struct relay_way *way;         /* whose it is; NULL: not counted in a lane */
    struct way_run *older, *newer; /* in the same slab */
    size_t cost;                   /* octets of the slab, or 0: another bears them */
};

/* One chunk as it came in: its head as a template, its octets that have not left yet. */
struct way_chunk {
    struct way_chunk *next;       /* first: see relay_lane_newest */
    struct relay_slab *head_slab; /* counted; the spans below point into it */
    struct way_run hold;          /* for its cost; no octets, in no list */
    struct msrp_head head;        /* of it: tid, method, from, flags (spans alive) */
    struct msrp_str own;          /* our URIs at the front of its To-Path */
    unsigned own_n;               /* how many */
    struct msrp_str rest;         /* the To-Path behind them */
    struct way_run *runs, **runs_end;
    uint64_t have;   /* octets in the runs */
    uint64_t staged; /* octets that have left */
    int64_t came_ms; /* when its end-line came */
    char flag;       /* of its end-line; 0: it is still coming in */
    bool owes;       /* its 200 waits until it has left */
};

/* Where a request goes on to: what nexthop.c found. */
struct relay_onward {
    struct relay_session *sender; /* its session here; NULL: it came over a peer */
    struct relay_session *target; /* the session the next hop owns; NULL: a peer by its name */
    struct relay_peer *peer;      /* the next hop; NULL: a client */
    struct msrp_str own;          /* our URIs at the front of the To-Path */
    unsigned own_n;
    struct msrp_str rest;
    uint64_t hash; /* keyed, of both paths */
};

/* A request that is no SEND: gathered whole, then it goes on. */
struct relay_errand {
    struct relay_errand *next; /* of those that wait for a link */
    struct way_chunk *chunk;
    uint64_t source; /* connection */
    int64_t came_ms;
};

struct relay_way {
    struct relay_way *next_in_row;            /* of the table */
    struct relay_way *next_from, **link_from; /* on its source */
    struct relay_way *next_to, **link_to;     /* on its lane */
    struct relay_way *next_turn, *prev_turn;  /* of the lane's ready ring */
    struct relay *relay;
    struct relay_conn *source;     /* NULL: it is gone */
    struct relay_peer *via;        /* the source is, or was, a connection of this peer */
    struct relay_session *session; /* its sender's; NULL: ended, or a peer's without one */
    struct relay_session *target;  /* its receiver's; NULL: ended, or a peer by its name */
    struct relay_lane *lane;       /* NULL: dead */
    struct relay_chunk *chunk;     /* of it that is being received now */
    uint64_t paths;                /* hash of both, as in relay_onward */
    uint64_t key;                  /* in the table; 0: not in it */
    struct way_chunk *chunks, **chunks_end;
    uint64_t cost;      /* of all runs queued */
    uint64_t flying;    /* octets that have left and are not answered yet */
    unsigned in_flight; /* transactions */
    uint64_t octets;    /* highest octet that came */
    uint64_t lost_from; /* first octet that was in flight when the next hop went; 0: none */
    uint64_t total;
    int64_t made_ms, touched_ms, since_ms, paused_ms, dead_ms;
    int err, status; /* why it is dead */
    unsigned late;
    enum msrp_asked success, failure;
    bool is_open; /* counted in session->open_messages */
    bool is_dead, has_last, is_ready, is_over, is_paused;
    struct relay_sniff sniff;
    char id[MSRP_IDENT_MAX + 1];
    struct relay_slab *long_text; /* where the texts stand when they are long */
    uint32_t own_n, path_n;       /* octets: our URI as the sender knows it; its From-Path */
    char text[RELAY_WAY_TEXT];
};

/* What waits in front of one connection, or of a peer that is not connected yet. */
struct relay_lane {
    struct relay_conn *conn;             /* NULL: waiting for a link */
    struct relay_way *ways;              /* all */
    struct relay_way *turns, *turns_end; /* ready, in the order of their turns */
    uint64_t cost;                       /* slab octets kept alive by what waits */
    struct way_run *last;                /* the newest that is counted, or one in its slab */
    int64_t moved_ms;                    /* when the connection last took octets */
    bool wants_dial;                     /* the driver is to be asked for a link */
    bool is_over;                        /* somebody waits for it to come down to the low mark */
    struct relay_errand *errands, **errands_end; /* waiting for a link */
    unsigned errands_n;
};

/* --- nexthop.c: rfc4976#6.4, rows R1-R3, R17; profile section 3 --- */

/* Judges the To-Path and From-Path of conn->chunk, whose first URI is ours and whose path goes on.
 * 0 and *onward (spans into the head); RELAY_E_PATH_SESSION (481), RELAY_E_PATH_FOREIGN (403),
 * RELAY_E_IDENT (403 as a response). */
int relay_nexthop(struct relay_conn *conn, struct relay_onward *onward)
    __attribute__((warn_unused_result));
/* Are the paths of conn->chunk those of its last request that went on, and nothing has changed? */
bool relay_nexthop_is_known(const struct relay_conn *conn);
/* The lane in front of the next hop; dials a peer that is not linked. NULL: the session is gone. */
struct relay_lane *relay_nexthop_lane(struct relay *relay, const struct relay_onward *onward);

/* --- way.c: SENDs that go on --- */

/* A chunk begins. Finds or makes its way. 0: feed the body; negative: the refusal, the body is
 * swallowed and relay_way_end is not called (RELAY_E_STOPPED_STILL: close the connection). */
int relay_way_begin(struct relay_conn *conn, const struct relay_onward *onward)
    __attribute__((warn_unused_result));
/* Its octets, inside conn->in. 0 or the refusal. */
int relay_way_body(struct relay_conn *conn, const char *p, size_t n)
    __attribute__((warn_unused_result));
/* Its end-line came. 0: answer 200; RELAY_WAY_LATER: the answer follows by itself; else the
 * refusal. */
int relay_way_end(struct relay_conn *conn, char flag) __attribute__((warn_unused_result));
enum { RELAY_WAY_LATER = 2 };
/* A header's value where absence counts as `absent`. row P1 */
enum msrp_asked relay_way_asked(enum msrp_asked asked, enum msrp_asked absent);

/* --- way_life.c: made, found, failed, ended --- */

/* The way that the SEND in conn->chunk continues, or NULL: the same Message-ID over the same paths,
 * as one to somebody else is another message. paths: relay_onward.hash. */
struct relay_way *relay_way_find(const struct relay_conn *conn, uint64_t paths);
/* A new one for the SEND in conn->chunk, in no lane yet; NULL and *err. */
struct relay_way *relay_way_make(struct relay_conn *conn, const struct relay_onward *on, int *err)
    __attribute__((warn_unused_result));
void relay_way_free(struct relay_way *way);
void relay_way_trim(struct relay_conn *conn);   /* too many dead ones: the oldest is forgotten */
void relay_way_remember(struct relay_way *way); /* more chunks of it may come */
void relay_way_uncount(struct relay_way *way);  /* it is not open any more */
void relay_way_part(struct relay_way *way); /* it and the chunk coming in know each other no more */
/* What is owed for it, as bits of enum msrp_duty. */
unsigned relay_way_duty(const struct relay_way *way, enum msrp_fate fate);
/* Refused by what its running chunk brought: the answer to that tells it. Returns err; it may be
 * freed. */
int relay_way_refuse(struct relay_way *way, int err);
/* One of its transactions is over: status of the next hop's answer; 408: there was none. */
void relay_way_answered(struct relay_way *way, uint64_t start, uint64_t end, int status);

/* It fails: told once. start, end: the octets that did not arrive, 1-based inclusive; start 0: all
 * of them that are not known to have arrived. It may be freed. */
void relay_way_fail(struct relay_way *way, int err, int status, uint64_t start, uint64_t end);

/* --- way_flow.c: back pressure --- */

/* Does so much wait in front of the next hop, and so much of it of this one, that it must wait? */
bool relay_way_is_heavy(const struct relay_way *way);
/* Has so much of it left without an answer that it must wait for one? Not while we do not read the
 * connection that the answers come on: two that send to each other would wait for ever. */
bool relay_way_is_unanswered(const struct relay_way *way);
/* Has the sender's connection messages in the lane, but this one (or NULL)? */
bool relay_way_has_others(const struct relay_conn *source, const struct relay_lane *lane,
                          const struct relay_way *but);
void relay_way_look(struct relay_way *way); /* it may fail */
void relay_way_resume(struct relay_way *way);
/* The lane has come down to the low mark: those that waited go on. */
void relay_ways_relax(struct relay_lane *lane);
/* The chunk has left: what it owes is answered. */
void relay_way_left(struct relay_way *way, struct way_chunk *chunk);
/* Frees it when it is over. False: it is still there. */
bool relay_way_is_over(struct relay_way *way);

/* The connection is gone: as a source and as a next hop. */
void relay_ways_gone(struct relay_conn *conn);
/* A session has ended: nothing more goes on from it or to it. */
void relay_ways_session_gone(struct relay *relay, const struct relay_session *session);
/* Time passed for what the connection sends on. */
void relay_ways_tick(struct relay_conn *conn);

/* --- lane.c --- */

/* n octets of `slab` join a chunk. NULL: no memory. */
struct way_run *relay_lane_append(struct relay *relay, struct way_chunk *chunk,
                                  struct relay_slab *slab, const char *p, size_t n)
    __attribute__((warn_unused_result));
/* The newest chunk of a way, NULL when none waits. */
struct way_chunk *relay_lane_newest(const struct relay_way *way);
/* The chunk waits in the lane of the way: what its head keeps alive is counted there. */
void relay_lane_hold(struct relay_way *way, struct way_chunk *chunk);
/* n octets of `slab` join the newest chunk of the way. 0, RELAY_E_NOMEM. */
int relay_lane_put(struct relay_way *way, struct relay_slab *slab, const char *p, size_t n)
    __attribute__((warn_unused_result));
/* The way may have become ready, or not any more. */
void relay_lane_ready(struct relay_way *way);
/* So may all of the lane: its connection is not read any more. */
void relay_lane_wake(struct relay_lane *lane);
void relay_lane_join(struct relay_lane *lane, struct relay_way *way);
void relay_lane_leave(struct relay_way *way);
/* Drops the oldest chunk of a way, or all. */
void relay_lane_drop_chunk(struct relay_way *way);
void relay_lane_drop(struct relay_way *way);
/* Stages the next chunk of one way, as relay_fan_stage. */
bool relay_lane_stage(struct relay_conn *conn);
bool relay_lane_is_ready(const struct relay_conn *conn);
/* Frees the octets of a chunk that is in no way. */
void relay_lane_free_chunk(struct relay *relay, struct way_chunk *chunk);
/* The message head behind the paths, rewritten: To-Path, From-Path, all lines as they were; range
 * NULL: the Byte-Range line as it is. */
void relay_lane_head(struct msrp_writer *w, const struct way_chunk *chunk, const char *tid,
                     const struct msrp_byte_range *range);
/* To-Path `rest`, and From-Path: the URIs of ours (one or two) that stood in front of it, each put
 * in front of the one before, then `from`. rfc4976#6.4.1 */
void relay_lane_paths(struct msrp_writer *w, struct msrp_str own, struct msrp_str rest,
                      struct msrp_str from);
/* The lines behind both paths, which the reader wants to stand first and second. */
struct msrp_str relay_lane_lines(const struct msrp_head *head);
/* Room that relay_lane_head needs at most. */
size_t relay_lane_head_cap(const struct way_chunk *chunk);

/* --- errand.c: what is no SEND and goes on (rows R13, R15, R16) --- */

/* A REPORT, an AUTH or an unknown method begins; it is gathered in conn->errand. Where it goes is
 * looked up once more at its end. */
int relay_errand_begin(struct relay_conn *conn, const struct relay_onward *onward)
    __attribute__((warn_unused_result));
int relay_errand_body(struct relay_conn *conn, const char *p, size_t n)
    __attribute__((warn_unused_result));
/* It is complete: goes on, or is dropped. */
void relay_errand_end(struct relay_conn *conn);
void relay_errand_drop(struct relay_conn *conn);
/* Those that waited for a link: go on over it; are too late. */
void relay_errands_move(struct relay_lane *wait, struct relay_conn *to);
void relay_errands_expire(struct relay *relay, struct relay_lane *wait, int64_t before_ms);
/* The next one that waits, taken off; NULL: none. */
struct relay_errand *relay_errand_next(struct relay_lane *lane);
/* The response in conn->chunk belongs to this hop of ours: takes it to where the request came
 * from. */
void relay_errand_answered(struct relay_conn *conn, const struct relay_hop *hop);

/* --- link.c: peers (rows R11, R17) --- */

int relay_links_init(struct relay *relay) __attribute__((warn_unused_result));
void relay_links_done(struct relay *relay);
/* The connection proved, or was dialled as, this peer. */
void relay_link_open(struct relay_conn *conn, struct relay_peer *peer);
void relay_link_closed(struct relay_conn *conn);
/* A dial ended: it failed, or what it led to was of use, or was not. */
void relay_link_dialled(struct relay *relay, unsigned index, bool is_up);
/* The peer has answered a request, or made one: the dial was a success. */
void relay_link_proven(struct relay_conn *conn);
/* A request on a plain loopback connection: is it one of a peer without TLS? */
void relay_link_guess(struct relay_conn *conn);
struct relay_lane *relay_link_lane(struct relay *relay, struct relay_peer *peer);
void relay_links_tick(struct relay *relay);
/* Does anything wait for a link? */
bool relay_links_wait(const struct relay *relay);
/* The next peer to be dialled: 1 + its index, or 0. */
unsigned relay_link_next(struct relay *relay);

#endif
