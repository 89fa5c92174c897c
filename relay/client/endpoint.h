/* endpoint.h - a plain RFC 4975 endpoint, and RFC 4976 client, as a machine.
 *
 * Knows messages of any type and size, and nothing of MCData. Same shape as client.h: no clock, no
 * socket, no file, no random source. An endpoint has sessions, messages on their way out and in,
 * and any number of links; a link is one connection, to a relay or to a peer, that somebody made or
 * accepted. Who drives it does, for each link, what client.h says of its four steps:
 *
 *   relay_wire_feed; relay_endpoint_take until false; relay_wire_buffer, relay_wire_output and
 *   relay_wire_sent; relay_wire_next_ms -> feed TICK
 *
 * A link that is lost ends its sessions (row U10), but no message: what was under way waits in the
 * endpoint. With a new link, new URIs and a new session, relay_endpoint_resume sends what was not
 * yet answered, under the same Message-ID; and what comes from the same peer under a Message-ID
 * that stands open goes on where it stopped (rfc4975#5.4, row C17). */
#ifndef RELAY_CLIENT_ENDPOINT_H
#define RELAY_CLIENT_ENDPOINT_H

#include "msrp/head.h"
#include "relay/client/client.h"

struct relay_endpoint;
struct relay_wire;

enum {
    RELAY_ENDPOINT_PATH = 4096,          /* octets of a path */
    RELAY_ENDPOINT_WINDOW = 1024 * 1024, /* octets of a link that may wait for their 200 */
    RELAY_ENDPOINT_OPEN_MAX = 16,        /* messages that may be arriving at the same time */
    RELAY_ENDPOINT_QUEUE_MAX = 1024,     /* messages that may wait or be under way */
    RELAY_ENDPOINT_RELAYS_MAX = 4,       /* relays of one chain */
    RELAY_ENDPOINT_TYPE_MAX = 255,       /* octets of a Content-Type */
};

/* All strings are borrowed and outlive the endpoint. */
struct relay_endpoint_conf {
    const char *host; /* of own URIs; NULL: client.invalid, which is right behind a relay */
    uint16_t port;    /* of own URIs; 0: 2855, or what relay_endpoint_at says */
    bool is_secure;   /* own URIs are msrps: */
    const char *const *accept; /* media types that are taken ("text/plain", "text/" + "*"); the
                                  containers of row C16 are taken anyway */
    size_t accept_n;           /* 0: all */
    uint64_t max_size;         /* octets of one message; 0: no limit. Beyond it: 413 */
    uint64_t window;           /* 0: RELAY_ENDPOINT_WINDOW; at least 8192 */
    uint64_t chunk;       /* body octets of one chunk, at least 2048; 0: a quarter of the window.
                             For relays of the field that hold whole frames */
    uint32_t keepalive_s; /* a session without traffic for so long sends a bodiless SEND; 0:
                             never */
    uint32_t keep_s;      /* a message that stopped arriving is kept for so long; 0: 600 */
};

/* A relay and what opens it: a token (Bearer), or user and password (Digest, rfc4976#9.1), or
 * nothing. Borrowed until the session is dropped. */
struct relay_endpoint_relay {
    const char *uri; /* "msrps://NAME:PORT;tcp" */
    const char *token;
    const char *user, *password;
    uint32_t expires_s; /* lifetime to ask for; 0: the relay's default */
};

struct relay_talk_conf {
    struct relay_wire *link; /* to the first relay or to the peer; NULL: passive, the link on which
                                the first request to this session comes (row U9) */
    const struct relay_endpoint_relay *relays; /* AUTH goes through them in this order; copied */
    size_t relays_n;                           /* 0: no relay of ours */
    const char *peer_path; /* what the peer published; copied. NULL: passive, the From-Path of the
                              first request */
    const char *peer;      /* who is there, for messages that go on in another session; copied;
                              NULL: nobody in particular */
    bool takes_all; /* passive behind a relay: requests of any sender are taken, not only those of
                       the first */
};

/* What to send. */
struct relay_parcel_conf {
    const char *content_type; /* copied */
    uint64_t size;            /* octets, 0..2^63-1 */
    const void *data;         /* all of them, or NULL; borrowed until REFUSED, SENT or, with
                                 wants_success, REPORTED: a resumed message may be read again */
    /* ...or where they come from: writes 1..n octets that stand at offset `at`; 0 or negative ends
     * the message. The same octets may be asked for again. */
    ssize_t (*read)(void *ctx, uint64_t at, void *p, size_t n);
    void *ctx;
    bool wants_success;      /* Success-Report: yes */
    enum msrp_asked failure; /* Failure-Report: MSRP_ABSENT and MSRP_YES (each octet is answered for
                                and may be sent again in another session), MSRP_NO, MSRP_PARTIAL */
};

enum relay_endpoint_event_kind {
    RELAY_ENDPOINT_READY,    /* the session may be used; behind relays its path stands or is new */
    RELAY_ENDPOINT_BOUND,    /* the peer is there: it answered, or wrote first */
    RELAY_ENDPOINT_FAILED,   /* the session is over: status, err, text. Its messages wait for
                                relay_endpoint_resume or _drop */
    RELAY_ENDPOINT_SENT,     /* every octet of parcel `id` has its 200 (with Failure-Report no or
                                partial: was handed over) */
    RELAY_ENDPOINT_REPORTED, /* the far endpoint has all of it (Success-Report yes) */
    RELAY_ENDPOINT_REFUSED,  /* parcel `id` failed: status, err, text. May follow SENT */
    RELAY_ENDPOINT_MESSAGE,  /* a message arrives: id, content_type, message_id, total */
    RELAY_ENDPOINT_DATA,     /* n octets of it belong at offset `at`; later ones for the same place
                                replace them (row C10) */
    RELAY_ENDPOINT_DONE,     /* all `total` octets are there. Its last 200 and its success REPORT go
                                out with the next take: by then keep it, or disown it */
    RELAY_ENDPOINT_LOST,     /* what arrived as `id` will never be complete: err */
};

/* One thing that happened. Pointers are valid until the next call that names the endpoint or one of
 * its links. */
struct relay_endpoint_event {
    enum relay_endpoint_event_kind kind;
    uint64_t session; /* all kinds; 0 where the session is gone */
    uint64_t id;    /* SENT, REPORTED, REFUSED: the parcel; MESSAGE, DATA, DONE, LOST: its number */
    int err;        /* project error, or 0 */
    int status;     /* MSRP status, or 0 */
    char text[256]; /* a sentence for a person */
    char message_id[MSRP_IDENT_MAX + 1];
    const char *content_type; /* MESSAGE, DONE */
    uint64_t total;           /* MESSAGE (MSRP_UNKNOWN: not told yet), DONE, SENT: octets */
    uint64_t at;              /* DATA */
    const char *data;
    size_t n;
    bool was_begun; /* MESSAGE: never; DATA: the message was begun in an earlier session */
};

struct relay_endpoint_counts {
    uint64_t body_in, body_out; /* body octets of all messages, those sent twice included */
    uint64_t bytes_in, bytes_out;
    uint64_t sent, refused, received, lost, duplicates;
};

/* An endpoint; conf is copied. NULL without memory or when conf makes no URI. */
struct relay_endpoint *relay_endpoint_new(const struct relay_endpoint_conf *conf,
                                          const struct relay_client_random *random)
    __attribute__((warn_unused_result));
void relay_endpoint_free(struct relay_endpoint *endpoint); /* with all links; NULL is allowed */

/* The port of own URIs made from now on, where conf.port left it open. */
void relay_endpoint_at(struct relay_endpoint *endpoint, uint16_t port);

/* A connection, before it stands; freed by relay_wire_free or with the endpoint. NULL without
 * memory. It is over when it has stood for 30 s and no session was on it. */
struct relay_wire *relay_wire_new(struct relay_endpoint *endpoint)
    __attribute__((warn_unused_result));
/* The connection is gone: its sessions have failed. NULL is allowed. */
void relay_wire_free(struct relay_wire *link);

void relay_wire_feed(struct relay_wire *link, const struct relay_client_in *in);
char *relay_wire_buffer(struct relay_wire *link, size_t *n);
/* An end-line is never split over two of these runs (trap 15), and none is longer than 16 KiB. */
const char *relay_wire_output(struct relay_wire *link, const struct relay_client_now *now,
                              size_t *n);
void relay_wire_sent(struct relay_wire *link, const struct relay_client_now *now, size_t n);
/* Nothing waits to be sent or answered. */
bool relay_wire_is_quiet(const struct relay_wire *link);
/* The link is of no use any more and has nothing left to say: close the connection. */
bool relay_wire_is_over(const struct relay_wire *link);
int64_t relay_wire_next_ms(const struct relay_wire *link);

/* Opens a session with a URI of its own (128 random bits, rows U4, A10); *session is its number. A
 * session with a peer_path is active: it sends at once (row U8). 0; RELAY_E_CONF for a path or URI
 * that does not parse, a passive session without relay that has a link, or more relays than
 * RELAY_ENDPOINT_RELAYS_MAX; RELAY_E_RANDOM; RELAY_E_NOMEM; RELAY_E_END on a dead link. */
int relay_endpoint_open(struct relay_endpoint *endpoint, const struct relay_client_now *now,
                        const struct relay_talk_conf *conf, uint64_t *session)
    __attribute__((warn_unused_result));

/* The path that the peer has to put into To-Path: reverse of Use-Path, own URI (row A9). NULL
 * before READY where a relay is in it, or for an unknown session. */
const char *relay_endpoint_path(const struct relay_endpoint *endpoint, uint64_t session);

/* Queues a message; conf is borrowed for the call but for its data. 0; RELAY_E_SESSION for an
 * unknown session or one that knows no peer yet; RELAY_E_END when it has failed;
 * RELAY_E_TOO_MANY_OPEN; RELAY_E_CONF for an unusable Content-Type; RELAY_E_RANDOM;
 * RELAY_E_NOMEM. */
int relay_endpoint_send(struct relay_endpoint *endpoint, uint64_t session,
                        const struct relay_parcel_conf *conf, uint64_t *id)
    __attribute__((warn_unused_result));

/* Moves what the failed session `from` had not finished to the session `to`, and drops `from`. A
 * message whose octets are not answered for (Failure-Report no, partial) is refused instead. 0 or
 * RELAY_E_SESSION. */
int relay_endpoint_resume(struct relay_endpoint *endpoint, uint64_t from, uint64_t to)
    __attribute__((warn_unused_result));

/* Forgets a session; what it had not finished is refused. */
void relay_endpoint_drop(struct relay_endpoint *endpoint, uint64_t session);

/* Ends a parcel: with `#` when a part of it is out. */
void relay_endpoint_cancel(struct relay_endpoint *endpoint, uint64_t id);

bool relay_endpoint_take(struct relay_endpoint *endpoint, const struct relay_client_now *now,
                         struct relay_endpoint_event *event);

/* The message of the event (MESSAGE, DATA, DONE) that was taken last is not wanted or could not be
 * kept: it is refused with `status` (413, 415, 403). No event follows for it. */
void relay_endpoint_disown(struct relay_endpoint *endpoint, int status);

/* Body octets of a parcel that have their 200, for a progress bar. */
uint64_t relay_endpoint_answered(const struct relay_endpoint *endpoint, uint64_t id);
const struct relay_endpoint_counts *relay_endpoint_counts(const struct relay_endpoint *endpoint);

#endif
