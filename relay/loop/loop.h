/* loop.h - the street: one libuv loop that moves octets between sockets and the relay.
 *
 * It owns every socket and both clocks. What happens goes into the relay (relay_feed), what the
 * relay wants is done at once. It knows no configuration file and no log: events, metrics and
 * reloads go through the hooks, which relay/cmd ties to relay/ops.
 *
 * Handshake: at most handshake_ms, at most RELAY_TLS_SHAKE_MAX octets in. Connections over
 * conns_max are closed right after accept, and so are those that come while descriptors are short
 * (libuv keeps one in reserve so that the listener does not spin). SIGTERM and SIGINT stop: no new
 * connection, the relay drains for at most drain_ms, the loop ends. SIGHUP calls the reload hook.
 *
 * A peer that the relay wants is dialled at `connect`, else at every address of its name in turn,
 * within handshake_ms (row U5). A note says why one is not reached. */
#ifndef RELAY_LOOP_LOOP_H
#define RELAY_LOOP_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "relay/core/relay.h"
#include "relay/route/peer.h"
#include "relay/tls/tls.h"

/* What the street itself counts: X(NAME, "label"). Failed handshakes count by RELAY_TLS_FAILS. */
#define RELAY_LOOP_COUNTS(X)                                                                       \
    X(ACCEPTED, "accepted")                                                                        \
    X(CLOSED, "closed")                                                                            \
    X(REFUSED_MAX, "refused_conns_max")                                                            \
    X(ACCEPT_FAILED, "accept_failed")                                                              \
    X(SHAKE_OK, "handshake_ok")                                                                    \
    X(SHAKE_TIMEOUT, "handshake_timeout")                                                          \
    X(DIALLED, "dialled")                                                                          \
    X(DIAL_FAILED, "dial_failed")                                                                  \
    X(RESET, "reset")                                                                              \
    X(RELOADS, "reloads")

enum relay_loop_count {
#define X(name, label) RELAY_LOOP_##name,
    RELAY_LOOP_COUNTS(X)
#undef X
        RELAY_LOOP_COUNT_N
};

struct relay_loop_counts {
    uint64_t n[RELAY_LOOP_COUNT_N];
    uint64_t tls_fail[RELAY_TLS_FAIL_N];
    uint64_t conns_now;
};

enum relay_listen {
    RELAY_LISTEN_TLS,
    RELAY_LISTEN_PLAIN, /* MSRP without TLS */
    RELAY_LISTEN_HTTP,  /* /metrics and /healthz */
};

struct relay_loop_conf {
    uint32_t conns_max;   /* connections at once */
    uint32_t shaking_max; /* of them in their TLS handshake: who only opens sockets takes no more */
    uint32_t source_max;  /* of those from one address */
    uint32_t handshake_ms; /* 10000; a dial, with the lookup of the name, has as long in all */
    uint32_t drain_ms;     /* 5000 */
    uint32_t flush_ms;     /* 1000: output of a connection that is being closed */
    uint32_t poll_ms;      /* 1000: how often the poll hook is called */
    const struct relay_peer_conf *peers; /* those of the relay; outlive the loop */
    size_t peers_n;
};

/* All hooks are called from the loop; none may be NULL. */
struct relay_loop_hooks {
    void *ctx;
    void (*event)(void *ctx, const struct relay_event *event); /* a row of the core */
    void (*note)(void *ctx, bool is_error, const char *what, const char *text); /* one of ours */
    char *(*metrics)(void *ctx); /* the whole text, malloced; NULL: 503 */
    void (*reload)(void *ctx);   /* SIGHUP: read everything anew */
    void (*poll)(void *ctx);     /* every poll_ms: read anew what changed */
};

struct relay_loop;
struct dpp_ring; /* dpp/keys/ring.h */

/* A loop that drives `relay` (borrowed; outlives the loop). NULL without memory or when libuv
 * refuses. */
struct relay_loop *relay_loop_new(struct relay *relay, const struct relay_loop_conf *conf,
                                  const struct relay_loop_hooks *hooks)
    __attribute__((warn_unused_result));

/* Fills with the defaults named above; conns_max, shaking_max and source_max are
 * min(wanted, half the descriptor limit - 256).
 */
void relay_loop_default(struct relay_loop_conf *conf, uint32_t conns_wanted);

/* Binds and listens. `loopback_only` refuses any other address; HTTP always does (T40). TLS needs
 * relay_loop_tls before. 0, or RELAY_E_IO and `why` says what failed and what to do. */
int relay_loop_listen(struct relay_loop *loop, const struct sockaddr *address,
                      enum relay_listen kind, bool loopback_only, char *why, size_t why_n)
    __attribute__((warn_unused_result));

/* The port that listener i (in the order of the calls) is bound to, 0 when there is none. */
uint16_t relay_loop_port(const struct relay_loop *loop, size_t i);

/* New values for what the relay and new handshakes use from now on. tls (of the listeners),
 * peer_tls (relay_ctx_peer: to dial with) and policy: a reference of its own is taken; auth: as
 * RELAY_IN_AUTH. */
void relay_loop_tls(struct relay_loop *loop, struct relay_ctx *ctx);
void relay_loop_peer_tls(struct relay_loop *loop, struct relay_ctx *ctx);
void relay_loop_policy(struct relay_loop *loop, struct relay_policy *policy);
void relay_loop_auth(struct relay_loop *loop, const struct relay_auth *auth);

/* The same for Digest; NULL: none is offered. */
void relay_loop_digest(struct relay_loop *loop, const struct relay_digest_rules *digest);

/* The relay's own keys, with which CSK uploads are opened from now on; NULL: they are refused. The
 * loop takes the ring over: it is freed when the last job that began with it has ended. 0, or
 * RELAY_E_NOMEM: then it is still the caller's and nothing has changed. */
int relay_loop_ring(struct relay_loop *loop, struct dpp_ring *ring)
    __attribute__((warn_unused_result));
/* The ring in force, borrowed until the next relay_loop_ring; NULL: none. */
const struct dpp_ring *relay_loop_ring_now(const struct relay_loop *loop);

/* Calls run on another thread, then done on the loop. Both are called, once, in any case: a stop
 * waits. 0 or RELAY_E_NOMEM (neither is called). From the loop only. */
int relay_loop_work(struct relay_loop *loop, void *ctx, void (*run)(void *ctx),
                    void (*done)(void *ctx)) __attribute__((warn_unused_result));

/* Runs until stopped and drained: 0. Tells systemd READY, WATCHDOG and STOPPING when NOTIFY_SOCKET
 * is set. RELAY_E_IO when signals cannot be watched. */
int relay_loop_run(struct relay_loop *loop) __attribute__((warn_unused_result));
void relay_loop_stop(struct relay_loop *loop); /* as SIGTERM; from a hook or a test */

/* Closes what is left, waits for jobs that run, and frees the loop. */
void relay_loop_free(struct relay_loop *loop);

const struct relay_loop_counts *relay_loop_counts(const struct relay_loop *loop);

#endif
