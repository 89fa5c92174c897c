/* machine.h - the relay itself and what its own files ask of each other. Private to relay/core:
 * relay.c conn.c deadline.c request.c login.c hop.c refuse.c and path relaying (way.h). The service
 * (sds.h and below) sees conn.h only. */
#ifndef RELAY_CORE_MACHINE_H
#define RELAY_CORE_MACHINE_H

#include "relay/auth/claims.h"
#include "relay/auth/digest.h"
#include "relay/core/conn.h"
#include "relay/core/overload.h"
#include "relay/core/pool.h"
#include "relay/core/way.h"
#include "relay/err.h"

enum {
    RELAY_TICK_MS = 250,     /* the one coarse timer */
    RELAY_EVENTS_MAX = 4096, /* events that wait to be taken; more are counted as lost */
    RELAY_STAGE_MAX = 65536, /* octets of deliveries staged ahead of the driver */
    RELAY_TURNED_AWAY_MAX = 16,
    RELAY_WAY_ROWS = 4096,
    RELAY_ERRANDS_MAX = 64, /* requests that wait for one link */
};

/* Sessions of clients behind peers, by peer and From-Path; see chained.c. */
struct relay_chained {
    struct relay_session **rows; /* chained by session->next; NULL before the first */
    size_t rows_n, n;
    int64_t swept_s;
};

struct relay {
    struct relay_conf conf;
    struct relay_now now;
    struct relay_policy *policy;
    struct relay_random random;
    uint8_t pool[256]; /* random octets not used yet: the last pool_n */
    size_t pool_n;
    struct relay_slabs slabs;
    struct relay_counts counts;
    uint64_t *refused;
    struct sds *sds;
    bool draining;
    enum relay_overload overload;

    struct relay_hash key;
    struct relay_conn **rows; /* by number */
    size_t rows_n;
    struct relay_sessions sessions;
    struct relay_directory directory;
    struct relay_sources sources;
    struct relay_digest digest;
    struct relay_chained chained;
    int64_t tick_ms; /* of the last tick */
    int64_t gone_ms; /* between it and the one before */

    struct relay_wheel wheel; /* of the hops */
    struct relay_pool hops, ways, chunks, runs, errands;
    unsigned ways_moving;        /* not dead */
    unsigned dials;              /* waits that want one */
    struct relay_way **way_rows; /* RELAY_WAY_ROWS of them, by key */
    struct relay_peers peers;
    struct relay_lane *waits; /* by peer: what waits for a link */
    uint64_t paths_changed;   /* what was found about a path before this counts no more */

    struct relay_event *events; /* ring */
    unsigned events_n, events_at, events_cap;
    struct relay_conn *wants, **wants_end;
    struct relay_conn *ready, **ready_end;
    struct dpp_mikey_replay *seen;               /* CSK uploads; NULL before the first */
    struct relay_upload *jobs, **jobs_end;       /* not taken by the driver yet */
    uint64_t uploads;                            /* serial number of the last one */
    uint64_t turned_away[RELAY_TURNED_AWAY_MAX]; /* refused at the door: close them */
    unsigned turned_away_n;

    char own_text[MSRP_URI_MAX + 1]; /* msrps://NAME:PORT;tcp */
    struct msrp_uri own, service;
};

/* --- relay.c --- */
struct relay_conn *relay_conn_find(const struct relay *relay, uint64_t id);
/* The driver gets a want for the connection. */
void relay_conn_wants(struct relay_conn *conn);
/* It is about to be freed: off every list. */
void relay_conn_wants_nothing(struct relay_conn *conn);

/* --- conn.c --- */
/* A new connection; NULL without memory. The caller puts it into the table. */
struct relay_conn *relay_conn_new(struct relay *relay, const struct relay_in *in)
    __attribute__((warn_unused_result));
/* It is out of the table: forgets everything. */
void relay_conn_free(struct relay_conn *conn);
/* The user is known: into the directory (again), under its CSK. 0, RELAY_E_CONNS_USER or
 * RELAY_E_NOMEM. */
int relay_conn_login(struct relay_conn *conn, struct msrp_str user)
    __attribute__((warn_unused_result));
/* Hears nothing more; what is queued still goes out; the driver is asked to close it. err is the
 * cause when it is one of its own (a row whose status is 0): then it is counted as a refusal; else
 * 0. Not to be called from inside the service. */
void relay_conn_close(struct relay_conn *conn, int err);
/* Ends one session: its table row stays for its 481 until the connection goes. */
void relay_conn_end_session(struct relay_conn *conn, struct relay_session *session);
/* Reads what is in the slab, until it is used up or reading has to stop. */
void relay_conn_read(struct relay_conn *conn);
/* The frame is over: gives its head back. */
void relay_chunk_done(struct relay_conn *conn);
/* The receive slab goes when nothing in it is unread and nobody else needs it. */
void relay_conn_trim(struct relay_conn *conn);

/* --- deadline.c --- */
/* Everything that time can do to one connection; may close it. */
void relay_conn_tick(struct relay_conn *conn);

/* --- request.c --- */
void relay_request_head(struct relay_conn *conn, const struct msrp_head *head, int err);
void relay_request_body(struct relay_conn *conn, struct msrp_str body);
void relay_request_end(struct relay_conn *conn, char flag, int err);
/* The request in conn->chunk, which relay_sds_end left for later, is decided: answers it and reads
 * on. */
void relay_request_late(struct relay_conn *conn, int err);
/* The reader failed for good: answers where an answer is possible, and closes. */
void relay_request_broken(struct relay_conn *conn, int err);
/* Is it a URI of this relay, whatever its session? A missing port counts as ours. */
bool relay_uri_is_ours(const struct relay *relay, const struct msrp_uri *uri);
/* Is the first To-Path URI, as the reader gave it? */
bool relay_first_is_ours(const struct relay *relay, const struct msrp_head *head);
/* The URI we speak as in an answer to this head: its first To-Path URI where that is ours. */
struct msrp_str relay_own_uri(const struct relay *relay, const struct msrp_head *head);
/* The same URIs in the same order, by the rules of rfc4975#6.1? */
bool relay_path_is_same(struct msrp_str a, struct msrp_str b);

/* --- login.c --- */
/* What a good AUTH has asked for, and who asks. */
struct relay_wish {
    struct relay_claims claims; /* of a token; of Digest: mcdata_id, exp for ever, iss "" */
    const char *kid;            /* key of the token; of Digest: the user's tag, borrowed */
    char info[512];             /* Authentication-Info; "" for a token */
    int64_t expires_s;          /* granted */
    bool renews;                /* the session was there */
};
/* The AUTH in conn->chunk is complete: answers it. */
void relay_login(struct relay_conn *conn);
/* An AUTH with credentials that the connection's client sent on through us (to another relay) came
 * back 401 without stale=true. Counts like a failed one of ours, and closes the connection when
 * that is one too many; never that of a peer. Not to be called for an AUTH without credentials:
 * to be challenged is no failure. rfc4976#6.3, row A15 */
void relay_login_forward_failed(struct relay_conn *conn);
/* Are tokens refused on this connection because anybody could read them? row 57 */
bool relay_login_is_barred(const struct relay_conn *conn);
/* New rules or a new policy: ends the sessions that could not be opened now; renews the CSK. */
void relay_login_recheck(struct relay_conn *conn);

/* --- credentials.c --- */
enum { RELAY_CHALLENGES_MAX = 3 };
/* Judges the credentials of the AUTH in conn->chunk: whose they are, and whether that user may come
 * in at all. 0, or the refusal. */
int relay_credentials_check(struct relay_conn *conn, struct relay_wish *wish)
    __attribute__((warn_unused_result));
/* Would a session that these credentials opened for the user still be opened? */
bool relay_credentials_hold(const struct relay *relay, const char *user, const char *iss,
                            const char *kid);
/* Does the 401 say that the credentials were right and only their nonce too old? */
bool relay_credentials_are_stale(const struct msrp_head *head);
/* The WWW-Authenticate headers of a 401 for err, in the order of profile 2.2; texts has the room
 * they stand in. Returns how many. */
size_t relay_credentials_challenges(struct relay *relay, int err,
                                    char texts[RELAY_CHALLENGES_MAX][512],
                                    struct msrp_field fields[RELAY_CHALLENGES_MAX]);

/* --- chained.c: sessions of clients behind a peer. rfc4976#5.1, #6.3, row A11 --- */
/* The live session of this From-Path behind the connection's peer, or a new one. 0 or a refusal. */
int relay_chained_open(struct relay_conn *conn, struct relay_wish *wish, struct relay_session **out)
    __attribute__((warn_unused_result));
/* Use-Path of such a session: the inner relays in the order the client writes them, then us. Octets
 * written, without a NUL; 0 when out[0..cap) is too small. */
size_t relay_chained_use_path(const struct relay *relay, const struct relay_session *session,
                              char *out, size_t cap);
/* Ends those whose time is over; frees those that ended before. Called with every tick. */
void relay_chained_tick(struct relay *relay);
/* New rules or a new policy: ends those that could not be opened now. */
void relay_chained_recheck(struct relay *relay);
/* Forgets all. */
void relay_chained_done(struct relay *relay);

/* --- refuse.c --- */
/* Room for a frame of control octets; NULL (and the connection will close) without memory, or when
 * the peer has left conf.out_hard octets unread. */
char *relay_control_room(struct relay_conn *conn, size_t cap);
/* Queues n octets written there, and asks the driver to write. */
void relay_control_add(struct relay_conn *conn, long n);
/* As relay_refuse, for an event that has its own words: err and what conn, which may be NULL, does
 * not tell. */
void relay_refuse_event(struct relay *relay, const struct relay_conn *conn,
                        struct relay_event *event);
/* Writes the response to the request in conn->chunk (none where G1 or G2 forbid it): code, the
 * fields, and for err its Warning. */
void relay_answer(struct relay_conn *conn, int code, int err, const struct msrp_field *fields,
                  size_t fields_n);
/* The same for a head that is not conn->chunk's (its spans alive). */
void relay_answer_head(struct relay_conn *conn, const struct msrp_head *head, int code, int err,
                       const struct msrp_field *fields, size_t fields_n);
/* Counts the refusal of the request in conn->chunk and answers it with its row's status, or with
 * chunk->status where there is one. */
void relay_answer_refused(struct relay_conn *conn, int err, const struct msrp_field *fields,
                          size_t fields_n);

/* --- hop.c --- */
/* The response in conn->chunk came: finds its hop. False when there is none. */
bool relay_hop_answered(struct relay_conn *conn, struct msrp_str tid, int code);
/* As relay_conn_hop, for a chunk of a way. */
int relay_hop_way(struct relay_conn *conn, const char *tid, struct relay_way *way, uint64_t start,
                  uint64_t end) __attribute__((warn_unused_result));
/* As relay_conn_hop, for a request of `source` that is no SEND: its transaction id there, and
 * whether it has credentials. */
int relay_hop_errand(struct relay_conn *conn, const char *tid, const struct relay_conn *source,
                     struct msrp_str their_tid, bool is_login) __attribute__((warn_unused_result));
/* The way is over: the answers to its chunks in flight are dropped when they come. Gives the first
 * octet of them, 1-based; UINT64_MAX: none. */
uint64_t relay_hop_unway(struct relay_conn *conn, const struct relay_way *way);
/* All hops of a connection that is gone. */
void relay_hop_forget(struct relay_conn *conn);
/* The frames staged until now end here in the stream. */
void relay_hop_staged(struct relay_conn *conn);
/* More octets are gone: stamps the hops whose end-line went with them. */
void relay_hop_sent(struct relay_conn *conn);
/* Hops whose answer is overdue: 408. */
void relay_hop_tick(struct relay *relay);
/* Queues a SEND without a body on the connection's session. */
void relay_hop_ping(struct relay_conn *conn, const struct relay_session *session);

#endif
