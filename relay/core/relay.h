/* relay.h - the relay as a machine: things happen, it wants things.
 *
 * The machine has no clock, no socket, no file and no random source of its own. Whoever drives it
 * (relay/loop, the simulator, a fuzzer) does four things:
 *
 *   1. tells what happened                relay_feed
 *   2. asks what it wants, until nothing  relay_take
 *   3. moves octets                       relay_buffer -> relay_feed DATA, relay_output ->
 * relay_sent
 *   4. comes back in time                 relay_next_ms -> relay_feed TICK
 *
 * It works on the plain octets of the MSRP stream; TLS is between it and the wire (relay/tls).
 * One relay belongs to one thread. */
#ifndef RELAY_CORE_RELAY_H
#define RELAY_CORE_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/core/conf.h"
#include "relay/core/event.h"

struct relay;
struct relay_upload; /* relay/auth/upload.h */
struct relay_policy; /* relay/route/group.h: users, groups, provisioned CSKs */

/* Randomness is an argument: fills n octets with cryptographic randomness; 0, or negative when the
 * source failed (the relay then refuses what needed it). */
struct relay_random {
    int (*fill)(void *ctx, void *p, size_t n);
    void *ctx;
};

/* Both clocks, read once by the driver for every feed. */
struct relay_now {
    int64_t mono_ms; /* monotonic milliseconds: all timers */
    int64_t unix_s;  /* wall clock: tokens, dates, keys */
};

enum relay_in_kind {
    RELAY_IN_OPEN,   /* a connection was accepted (after its TLS handshake): open.* */
    RELAY_IN_DATA,   /* `n` octets were written to the front of relay_buffer() */
    RELAY_IN_CLOSED, /* the connection is gone; the number is never used again */
    RELAY_IN_TICK,   /* time passed */
    RELAY_IN_POLICY, /* new users and groups: policy (counted; the relay takes its own reference) */
    RELAY_IN_AUTH,   /* new token rules: auth (must outlive the relay or the next replacement) */
    RELAY_IN_DIGEST, /* new Digest rules: digest (NULL: off), which outlives them in the same way */
    RELAY_IN_UPLOADED,  /* upload: a job that is done; the relay takes it back */
    RELAY_IN_UNDIALLED, /* peer: WANT_DIAL did not lead to a connection */
    RELAY_IN_DRAIN,     /* the relay is stopping: new messages get 413, open ones may finish */
};

struct relay_in {
    enum relay_in_kind kind;
    struct relay_now now; /* set for every kind */
    uint64_t conn;        /* OPEN, DATA, CLOSED: a number chosen by the driver, unique, not 0 */
    size_t n;             /* DATA */
    struct {
        const char *source; /* peer address text without the port, copied */
        bool tls;           /* the stream came through TLS */
        bool loopback;      /* the listener, or the address dialled, is loopback */
        unsigned dialled;   /* 1 + index of the peer that was dialled (WANT_DIAL); 0: accepted */
        const char *const *names; /* dNSNames of the verified client certificate of an accepted TLS
                                     connection; borrowed for the call */
        size_t names_n;           /* 0: it sent none */
    } open;
    unsigned peer; /* UNDIALLED: index in conf.peers */
    struct relay_policy *policy;
    const struct relay_auth *auth;
    const struct relay_digest_rules *digest;
    struct relay_upload *upload;
};

enum relay_want_kind {
    RELAY_WANT_NONE,   /* nothing more */
    RELAY_WANT_WRITE,  /* the connection has output: call relay_output until it is empty or blocked
                        */
    RELAY_WANT_CLOSE,  /* write what relay_output gives (at most 1 s), then close; feed CLOSED */
    RELAY_WANT_PAUSE,  /* stop reading the connection */
    RELAY_WANT_RESUME, /* read again */
    RELAY_WANT_EVENT,  /* event: for the log */
    RELAY_WANT_DIAL, /* peer: connect to conf.peers[peer] (TLS with our certificate, theirs checked
                        against its name, unless tls is off); then feed OPEN with open.dialled,
                        or UNDIALLED, exactly once */
    RELAY_WANT_UPLOAD, /* upload: the driver's until it feeds it back with its result, once; at the
                          end of all relay_upload_free does too */
};

struct relay_want {
    enum relay_want_kind kind;
    uint64_t conn;
    unsigned peer;            /* DIAL: index in conf.peers */
    struct relay_event event; /* EVENT only */
    struct relay_upload *upload;
};

struct relay_iov {
    const char *p;
    size_t n;
};

/* Counters, monotonic, for /metrics and tests. */
struct relay_counts {
    uint64_t conns, conns_now, conns_authorised_now, sessions_now;
    uint64_t bytes_in, bytes_out, requests, responses;
    uint64_t messages_in, messages_delivered, deliveries, deliveries_failed, notifications;
    uint64_t relayed_chunks;           /* SENDs that went on: rfc4976#6.4 */
    uint64_t answers_held;             /* 200s that waited for a next hop that was behind */
    uint64_t errands, errands_dropped; /* REPORTs and other requests that went on, or could not */
    uint64_t duplicates, overlap_octets, late_responses, pauses, resumes, events_lost;
    uint64_t uploads, uploads_refused; /* CSKs taken; I_MESSAGEs not taken */
    uint64_t uploads_now;              /* jobs that wait or run */
    uint64_t slab_bytes;               /* now held */
    uint64_t overload;                 /* step of the ladder, 0: none (overload.h) */
    uint64_t answers[1000];            /* by MSRP status sent */
    const uint64_t *refused;           /* by index i of relay_err_at(i) */
    size_t refused_n;
};

/* A relay, or NULL without memory. conf is copied (its strings are borrowed); policy may be NULL
 * (no users, no groups), else the relay takes a reference of its own. */
struct relay *relay_new(const struct relay_conf *conf, struct relay_policy *policy,
                        const struct relay_random *random) __attribute__((warn_unused_result));
void relay_free(struct relay *relay); /* NULL is allowed; every connection is forgotten */

/* Tells the relay that something happened. Nothing it does can fail: what goes wrong inside becomes
 * a refusal, an event or a close. An unknown connection number is ignored. */
void relay_feed(struct relay *relay, const struct relay_in *in);

/* Takes the next want. Returns false (and kind NONE) when there is none. */
bool relay_take(struct relay *relay, struct relay_want *want);

/* Where to write the next received octets of a connection: at least 1, at most *n octets of room.
 * NULL when reading must pause (memory budget, paused, closing, unknown): try again after the next
 * TICK or RESUME. Valid until the next call that names the connection or feeds a TICK. */
char *relay_buffer(struct relay *relay, uint64_t conn, size_t *n);

/* The octets that the connection has to send, up to `max` runs. Returns the number of runs; 0 when
 * there is nothing now. The same octets come again until relay_sent says they are gone. Valid until
 * the next call that names the connection or feeds the relay. */
size_t relay_output(struct relay *relay, uint64_t conn, const struct relay_now *now,
                    struct relay_iov *iov, size_t max);
void relay_sent(struct relay *relay, uint64_t conn, const struct relay_now *now, size_t n);

/* The monotonic time at which TICK is due, or -1 for never. */
int64_t relay_next_ms(const struct relay *relay);

const struct relay_counts *relay_counts(struct relay *relay);

/* True when no message is open and no delivery is under way (used by a clean stop). */
bool relay_is_quiet(const struct relay *relay);

#endif
