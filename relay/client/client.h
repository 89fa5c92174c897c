/* client.h - an MCData client as a machine: AUTH, keying, send, receive, dispositions.
 *
 * Same shape as relay/core/relay.h and for the same reason: no clock, no socket, no file, no random
 * source. Whoever drives it (relay/loop/dial, a test, a simulator) does four things:
 *
 *   1. tells what happened                 relay_client_feed
 *   2. asks what came of it, until false   relay_client_take
 *   3. moves octets                        relay_client_buffer -> feed DATA,
 *                                          relay_client_output -> relay_client_sent
 *   4. comes back in time                  relay_client_next_ms -> feed TICK
 *
 * It works on the plain octets of the MSRP stream; TLS stands between it and the wire. Received
 * octets are read inside relay_client_take, one event at a time: an event that is not taken keeps
 * its octets in the buffer, which is all the back pressure there is. One client is one connection
 * and one session (profile section 2); after CLOSED make a new one. */
#ifndef RELAY_CLIENT_CLIENT_H
#define RELAY_CLIENT_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "dpp/keys/mikey.h"
#include "dpp/seal/payload.h"

struct relay_client;

enum {
    RELAY_CLIENT_DATA_MAX = (int)DPP_PAYLOAD_MAX, /* data octets of one SDS: 255 frames */
    RELAY_CLIENT_QUEUE_MAX = 64,   /* messages of the caller that may wait or be under way */
    RELAY_CLIENT_OPEN_MAX = 16,    /* messages that may be arriving at the same time */
    RELAY_CLIENT_ANSWER_MS = 30000 /* a transaction without answer has failed (rfc4975#7.1.1) */
};

/* Randomness is an argument: fills n octets; 0, or negative when the source failed. */
struct relay_client_random {
    int (*fill)(void *ctx, void *p, size_t n);
    void *ctx;
};

/* Both clocks, read once by the driver for every call. */
struct relay_client_now {
    int64_t mono_ms; /* monotonic milliseconds: timers */
    int64_t unix_s;  /* wall clock: dates, key validity */
};

enum relay_client_answer {
    RELAY_CLIENT_ANSWER_NONE,      /* dispositions are never answered */
    RELAY_CLIENT_ANSWER_DELIVERED, /* DELIVERED where delivery was asked */
    RELAY_CLIENT_ANSWER_READ,      /* a complete message counts as read at once: DELIVERED, READ, or
                                      both in one, as asked (24.282 clause 12) */
};

/* All strings and keys are borrowed and outlive the client.
 *
 * With a ring the client keys by itself (profile section 7): a one-to-one SDS for whom `keys` has
 * no PCK gets a fresh one, which goes to the peer as part 5 of that SDS, or as a key-only message
 * before it when the SDS is larger than one frame, until the service took one of them; keys that
 * arrive are put into `keys`; a PCK-ID that nobody knows is answered with a fresh PCK, at most one
 * per peer in 10 s. Each change of `keys` is told as KEYED before anything under that key leaves.
 */
struct relay_client_conf {
    const char *relay;      /* "msrps://NAME:PORT;tcp" (msrp: on a plain test listener) */
    const char *service;    /* service URI; NULL: the relay's scheme, host and port with /sds;tcp */
    const char *me;         /* own MCData ID: expected as target of what arrives */
    const char *token;      /* access token; the Bearer credential */
    struct dpp_store *keys; /* PCK and GMK to open with, written with a ring (room for keys
                               that come); NULL: nothing opens, no ring */
    const struct dpp_key *csk;   /* protects signalling both ways; NULL: plain both ways */
    const struct dpp_ring *ring; /* own MIKEY-SAKKE identity; NULL: no keying */
    const char *mdsi;            /* with a ring: the relay's identity; a fresh CSK is made for this
                                    connection and uploaded before READY. NULL: no upload */
    const char *const *managers; /* MCData IDs whose GMKs are accepted; none: no GMK is */
    size_t managers_n;
    unsigned tolerance;                    /* enum dpp_mikey_tolerance */
    struct dpp_mikey_replay *mikey_replay; /* with a ring; shared by all clients of the user */
    enum relay_client_answer answer;
    bool accepts_plain;       /* take unprotected payloads too; else they are LOST */
    uint32_t expires_s;       /* session lifetime to ask for; 0: the relay's default */
    uint32_t replay_frames;   /* room of the replay window, in frames; 0: 65536 (about 3 MiB) */
    uint32_t replay_window_s; /* how far a frame's date may lie from our clock; 0: 3600 */
};

/* What to send: text or octets, to one user or one group. */
struct relay_client_sds {
    const char *to;            /* target user, or NULL */
    const char *group;         /* target group, or NULL: exactly one of the two */
    const struct dpp_key *key; /* PCK (one-to-one) or GMK (group), borrowed for the call; NULL: with
                                  a ring the client's choice, else an unprotected payload */
    uint8_t disposition;       /* 0 none, 1 DELIVERY, 2 READ, 3 both (24.282 15.2.3) */
    uint8_t content_type;      /* payload content type: 1 TEXT, 2 BINARY ... (24.282 15.2.13) */
    uint64_t size;             /* data octets, at most RELAY_CLIENT_DATA_MAX */
    const void *data;          /* the data (copied when it fits one frame, else it must stay until
                                  SENT or REFUSED), or NULL */
    /* ...or where it comes from: gives 1..n octets, in order; 0 or negative before `size` octets
     * aborts the message. Called from relay_client_output, one frame at a time (from
     * relay_client_send when all fits one frame), so a large file is never in memory. */
    ssize_t (*read)(void *ctx, void *p, size_t n);
    void *ctx;
    bool ids_given;           /* conversation and message stand already (a resend) */
    uint8_t conversation[16]; /* else filled by relay_client_send */
    uint8_t message[16];
};

enum relay_client_in_kind {
    RELAY_CLIENT_IN_OPEN,   /* the connection stands (after its TLS handshake): AUTH goes out */
    RELAY_CLIENT_IN_DATA,   /* n octets were written to the front of relay_client_buffer() */
    RELAY_CLIENT_IN_CLOSED, /* the connection is gone */
    RELAY_CLIENT_IN_TICK,   /* time passed */
};

struct relay_client_in {
    enum relay_client_in_kind kind;
    struct relay_client_now now;
    size_t n;         /* DATA */
    int err;          /* CLOSED: why, told on with CLOSED; 0: the peer just ended it */
    const char *text; /* CLOSED: a sentence for it (borrowed for the call), or NULL */
};

enum relay_client_event_kind {
    RELAY_CLIENT_READY,   /* the session stands or was renewed: expires_s */
    RELAY_CLIENT_SENT,    /* every octet of message `id` was accepted by the service */
    RELAY_CLIENT_REFUSED, /* message `id` failed: status, warning, text. May follow SENT when the
                             failure came back later as a REPORT. id 0: an answer of ours, that is
                             a disposition or a key */
    RELAY_CLIENT_MESSAGE, /* an SDS arrives: from, group, ids, date, disposition */
    RELAY_CLIENT_DATA, /* the next `n` data octets of it, opened and verified one frame at a time;
                          order is kept, but the message is whole only at DONE. content_type is
                          that of the piece */
    RELAY_CLIENT_DONE, /* it is complete; `bytes` data octets in all. The disposition that was asked
                          for goes out with the next take: by then keep it, or disown it */
    RELAY_CLIENT_LOST, /* what arrived as `id` will never be complete or does not open: err */
    RELAY_CLIENT_NOTIFICATION, /* a disposition: from, group, notification, conversation, message */
    RELAY_CLIENT_KEYED, /* conf.keys has changed: role, key_id, from, group; is_dropped: the key is
                           gone (revoked, or made by us and never delivered). The caller seals it
                           before he takes the next event */
    RELAY_CLIENT_KEY_REFUSED, /* an I_MESSAGE of `from` was not accepted: err, text */
    RELAY_CLIENT_KEY_WANTED,  /* with a ring: message `id` is under a key that conf.keys lacks:
                                 key_id, from, group. The caller may add it before the next take */
    RELAY_CLIENT_CLOSED, /* the last event: nothing works any more; status or err say why, both 0
                            when the peer just ended the connection */
};

/* One thing that happened. Pointers are valid until the next call that names the client. */
struct relay_client_event {
    enum relay_client_event_kind kind;
    uint64_t id;    /* SENT, REFUSED: as relay_client_send gave it (0: an answer of ours);
                       MESSAGE, DATA, DONE, LOST, KEY_WANTED: number of the arriving message */
    int err;        /* project error, or 0 */
    int status;     /* MSRP status, or 0 */
    int warning;    /* 3GPP warning code, or 0 */
    char text[256]; /* one sentence for a person: "116 user is not part of ..." */
    char from[DPP_URI_MAX + 1];  /* the relay's mcdata-calling-user-id, which it took from the
                                    sender's token; never a path of the message */
    char group[DPP_URI_MAX + 1]; /* "" when one-to-one */
    uint8_t conversation[16], message[16];
    int64_t date_s;       /* unix seconds from the signalling */
    uint8_t disposition;  /* MESSAGE: what is asked for, 0..3 */
    uint8_t notification; /* NOTIFICATION: 1..5 (24.282 15.2.5) */
    uint8_t content_type; /* DATA */
    uint32_t key_id;      /* KEYED, KEY_WANTED */
    enum dpp_role role;   /* KEYED */
    bool is_dropped;      /* KEYED */
    const uint8_t *data;  /* DATA */
    size_t n;
    uint64_t bytes;     /* DONE, SENT: data octets of the message */
    uint32_t expires_s; /* READY */
};

struct relay_client_counts {
    uint64_t bytes_in, bytes_out; /* MSRP octets */
    uint64_t sent, refused, received, lost, duplicates, replays, notifications;
    uint64_t data_out; /* data octets sealed so far of all messages: for a progress bar */
};

/* A client; conf is copied. NULL without memory or when conf is unusable (a URI that does not
 * parse). */
struct relay_client *relay_client_new(const struct relay_client_conf *conf,
                                      const struct relay_client_random *random)
    __attribute__((warn_unused_result));
void relay_client_free(struct relay_client *client); /* NULL is allowed */

/* Queues an SDS; it goes out once the session stands. Fills the ids unless given, and *id with the
 * number that SENT and REFUSED will carry (>= 1). sds itself is borrowed for the call, see its
 * members for the data. 0; RELAY_E_TOO_MANY_OPEN when the queue is full; RELAY_E_TOO_LARGE;
 * RELAY_E_SDS_TARGET; RELAY_E_SDS_NO_CSK with an mdsi before the first READY; DPP_E_KEY_ABSENT
 * when a group's GMK is not held; RELAY_E_RANDOM; RELAY_E_NOMEM; what relay_keying_print says;
 * RELAY_E_END after CLOSED. */
int relay_client_send(struct relay_client *client, const struct relay_client_now *now,
                      struct relay_client_sds *sds, uint64_t *id)
    __attribute__((warn_unused_result));

/* Queues a key-only message: the n octets of an I_MESSAGE (copied) for the user `to`. As
 * relay_client_send. */
int relay_client_send_key(struct relay_client *client, const char *to, const void *mikey, size_t n,
                          uint64_t *id) __attribute__((warn_unused_result));

/* Tells what happened; cannot fail: what goes wrong becomes an event. Call take until it is false
 * after every feed. */
void relay_client_feed(struct relay_client *client, const struct relay_client_in *in);

/* Reads on until something happened. False when nothing more can come of what was fed. */
bool relay_client_take(struct relay_client *client, const struct relay_client_now *now,
                       struct relay_client_event *event);

/* The message of the DONE that was taken last could not be kept: no disposition goes out for it. */
void relay_client_disown(struct relay_client *client);

/* Where to write received octets: *n octets of room. NULL after CLOSED or while untaken events
 * hold the buffer. */
char *relay_client_buffer(struct relay_client *client, size_t *n);

/* The next octets to send, or NULL when there are none now. The same octets come again until
 * relay_client_sent says they are gone; a running message is cut here when a response waits. */
const char *relay_client_output(struct relay_client *client, const struct relay_client_now *now,
                                size_t *n);
void relay_client_sent(struct relay_client *client, const struct relay_client_now *now, size_t n);

/* True when nothing waits to be sent or answered (dispositions still to come do not count). */
bool relay_client_is_quiet(const struct relay_client *client);

/* The monotonic time at which TICK is due, or -1. */
int64_t relay_client_next_ms(const struct relay_client *client);

const struct relay_client_counts *relay_client_counts(const struct relay_client *client);

#endif
