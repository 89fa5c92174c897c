/* ends.h - an endpoint from inside: what endpoint.c, talk.c, wire.c, ear.c, carry.c and
 * entry.c share. Private to relay/client. */
#ifndef RELAY_CLIENT_ENDS_H
#define RELAY_CLIENT_ENDS_H

#include "relay/client/arrival.h"
#include "relay/client/digest.h"
#include "relay/client/mark.h"
#include "relay/client/octets.h"
#include "relay/client/parcel.h"

/* AUTH through the relays of a session, one after the other. */
struct relay_entry {
    size_t hop;                             /* the relay whose answer is awaited */
    char way[RELAY_ENDPOINT_PATH + 1];      /* To-Path of the AUTH under way */
    char use_path[RELAY_ENDPOINT_PATH + 1]; /* what the last relay gave */
    struct relay_client_digest digest[RELAY_ENDPOINT_RELAYS_MAX];
    uint32_t expires_s[RELAY_ENDPOINT_RELAYS_MAX]; /* asked for; 0: the relay's default */
    unsigned tries;                                /* AUTHs to this relay in this round */
    bool is_bounded;                               /* 423 was heeded once */
    uint32_t least_s;                              /* the shortest life given */
    int64_t renew_ms;                              /* -1: never */
};

enum relay_talk_state {
    RELAY_TALK_NEW,   /* waits for its link or its first request */
    RELAY_TALK_LOGIN, /* AUTH is under way */
    RELAY_TALK_READY,
    RELAY_TALK_FAILED,
};

struct relay_talk {
    struct relay_talk *next;
    uint64_t id, peer;
    struct relay_wire *link; /* NULL: passive and not bound, or failed */
    struct relay_endpoint_relay relays[RELAY_ENDPOINT_RELAYS_MAX];
    size_t relays_n;
    bool is_active, takes_all;
    bool is_bound, owes_binding;
    bool tells_ready, tells_bound, tells_failed;
    enum relay_talk_state state;
    char own[MSRP_URI_MAX + 1];
    char path[RELAY_ENDPOINT_PATH + 1];        /* to be published */
    char peer_path[RELAY_ENDPOINT_PATH + 1];   /* "" until it is known */
    char to_path[2 * RELAY_ENDPOINT_PATH + 2]; /* Use-Path and peer_path */
    struct relay_entry entry;
    int64_t heard_ms; /* when traffic of the session was last seen or sent */
    int status, err;
    char text[256];
};

enum relay_asked_kind {
    RELAY_ASKED_CHUNK,
    RELAY_ASKED_BINDING, /* a bodiless SEND: the first one, or a keep-alive */
    RELAY_ASKED_AUTH,
};

enum {
    RELAY_ASKED_MAX =
        4096, /* requests of a link that may wait for their answer; chunks of parcels */
    RELAY_ASKED_SPARE = 16, /* leave room for others */
};

/* A request that waits for its response. */
struct relay_asked {
    enum relay_asked_kind kind;
    char tid[MSRP_IDENT_MADE + 1];
    uint64_t session, parcel;
    uint64_t from, to; /* CHUNK: its octets */
    uint64_t end;      /* position of its last octet + 1 in the whole output stream */
    int64_t sent_ms;   /* when that octet was handed over; -1: not yet */
    bool is_timed;     /* no answer in 30 s is a failure (row P4) */
};

/* The request that is being received: what its answer needs, when its head is gone. */
struct relay_incoming {
    struct msrp_head head; /* flags and numbers only: its spans are dead */
    char tid[MSRP_IDENT_MAX + 1];
    char to[RELAY_ENDPOINT_PATH + 1];   /* of the answer */
    char from[RELAY_ENDPOINT_PATH + 1]; /* its whole From-Path: where a REPORT goes */
    char message_id[MSRP_IDENT_MAX + 1];
    int code;           /* the answer; 0: none is due */
    uint64_t session;   /* 0: none */
    uint64_t arrival;   /* 0: none */
    uint64_t dup_total; /* of a message that was complete before: its size; else MSRP_UNKNOWN */
    bool tells;         /* MESSAGE is to be given */
    bool is_continued;
};

struct relay_wire {
    struct relay_wire *next;
    struct relay_endpoint *endpoint;
    bool is_open, is_dead;
    bool is_wanted;   /* a session was on it once */
    int64_t open_ms;  /* since when it stands */
    int64_t heard_ms; /* the last octet that came */

    struct msrp_reader reader;
    char *in;
    size_t in_at, in_n;
    struct relay_incoming request;
    struct msrp_str body; /* of the request, inside `in`, not given yet */
    bool owes_answer;     /* DONE was given: the answer goes out with the next take */

    struct relay_octets out, control;
    uint64_t made, sent; /* octets ever put into out; of them handed over */
    struct relay_asked *asked;
    size_t asked_n, asked_cap;
    uint64_t unanswered; /* body octets that wait for their 200 */

    struct relay_parcel *open; /* whose chunk is being written */
    uint64_t open_session;     /* in which session */
    struct relay_mark mark;
    uint64_t chunk_from, written, most;
    uint64_t last_session; /* whose chunk was written last: the others come first (row C7) */
};

struct relay_endpoint {
    struct relay_endpoint_conf conf;
    struct relay_client_random random;
    struct relay_endpoint_counts counts;
    char base[MSRP_URI_MAX + 1]; /* own URI without a session */
    struct relay_wire *links;
    struct relay_talk *sessions;
    struct relay_parcel *parcels;
    struct relay_arrivals arrivals;
    uint64_t next_session, next_parcel;
    struct relay_wire *told;     /* whose event was given last */
    uint64_t told_arrival;       /* the message it was about */
    uint64_t lost, lost_session; /* a LOST to be given, 0: none */
    int lost_err;
};

/* --- talk.c --- */
struct relay_talk *relay_talk_find(const struct relay_endpoint *endpoint, uint64_t id);
/* The one that this To-Path names; NULL: none. */
struct relay_talk *relay_talk_named(const struct relay_endpoint *endpoint, struct msrp_str uri);
/* The link stands, or the last AUTH was granted: the session may be used. */
void relay_talk_begin(struct relay_talk *session, int64_t now_ms);
/* The peer's path has become known. */
void relay_talk_meet(struct relay_talk *session, struct msrp_str from_path);
void relay_talk_fail(struct relay_talk *session, int status, int err, const char *text);

/* --- entry.c --- */
void relay_entry_start(struct relay_talk *session, int64_t now_ms);
void relay_entry_answered(struct relay_talk *session, const struct msrp_head *head, int64_t now_ms);

/* --- wire.c --- */
/* Ends a link and its sessions; what is in `out` may still go. */
void relay_wire_end(struct relay_wire *link, int status, int err, const char *text);
/* Queues a whole frame. It is `asked` and waits for its answer where asked is not NULL; its tid,
 * session and kind are filled in. False: without memory, the link was ended. */
bool relay_wire_say(struct relay_wire *link, const char *frame, size_t n,
                    const struct relay_asked *asked);
int relay_wire_ask(struct relay_wire *link, const struct relay_asked *asked)
    __attribute__((warn_unused_result));
/* Takes the request off the list that this response to the session is for; false: none (row F13).
 */
bool relay_wire_answered(struct relay_wire *link, uint64_t session, struct msrp_str tid,
                         struct relay_asked *asked);
/* A fresh id into tid; false: the random source failed, the link was ended. */
bool relay_wire_tid(struct relay_wire *link, char tid[MSRP_IDENT_MADE + 1]);

/* --- ear.c: what comes in --- */
/* The answer that was held back until the caller had taken DONE. */
void relay_ear_settle(struct relay_wire *link);
/* Reads on until something happened. False when it needs more octets. */
bool relay_ear_take(struct relay_wire *link, int64_t now_ms, struct relay_endpoint_event *event);
/* Ends an arrival as lost; its chunks get `code`. tells: LOST follows. */
void relay_ear_lose(struct relay_endpoint *endpoint, struct relay_arrival *arrival, int code,
                    int err, bool tells);

/* --- carry.c: what goes out --- */
/* Makes octets until enough are ahead. */
void relay_carry_pump(struct relay_wire *link);
/* The link ends: its open chunk does, too, and the frames that wait go out behind it. */
void relay_carry_last(struct relay_wire *link);
/* A bodiless SEND of the session. */
void relay_carry_ping(struct relay_talk *session);
/* Ends a parcel; when the far side has a part of it, `#` tells that the rest will not come. rows
 * C14, C15 */
void relay_carry_refuse(struct relay_parcel *parcel, const struct relay_wire *link, int status,
                        int err, const char *text);
struct relay_parcel *relay_parcel_find(const struct relay_endpoint *endpoint, uint64_t id);

#endif
