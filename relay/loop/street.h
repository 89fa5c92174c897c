/* street.h - what the files of a loop share. Private to relay/loop. */
#ifndef RELAY_LOOP_STREET_H
#define RELAY_LOOP_STREET_H

#include <uv.h>

#include "relay/loop/loop.h"

struct relay_stream;
struct relay_link;
struct relay_street_ring;
struct relay_http;

enum {
    RELAY_STREET_CIPHER = 64 * 1024, /* the shared read buffer of TLS connections */
    RELAY_STREET_BATCH = 64 * 1024,  /* octets read before their output is written */
    RELAY_STREET_TURN = 64 * 1024,   /* octets read from a connection before the others' turn */
    RELAY_STREET_PLUG = 16 * 1024,   /* octets a connection waits with for a full socket */
    /* octets of a connection in the kernel, not sent yet: what comes next waits behind them. To a
     * reader of 100 MB/s on loopback that was 40 ms without a limit, 5 ms with this one, and 12 ms
     * with an eighth of it, which lets the socket run dry */
    RELAY_STREET_UNSENT = 128 * 1024,
    RELAY_STREET_LISTENERS = 32,
    RELAY_STREET_ADDRESSES = 16, /* of a peer that are tried */
};

/* A FIFO of streams whose deadlines are all the same distance away. */
struct relay_queue {
    struct relay_stream *first, *last;
    uint32_t n;
};

struct relay_listener {
    uv_tcp_t tcp;
    struct relay_loop *loop;
    struct relay_http *http; /* HTTP: no tcp of ours */
    bool tls, loopback;
    bool stuck; /* no memory for a connection that waits: accepted by the poll timer */
    uint16_t port;
};

/* One connection. Freed in its close callback only. */
struct relay_stream {
    uv_tcp_t tcp;
    uv_write_t write;
    uv_shutdown_t shutdown;
    uv_connect_t connect;
    struct relay_loop *loop;
    struct relay_link *link;       /* the dial that it belongs to until the relay knows it */
    char source[INET6_ADDRSTRLEN]; /* the peer's address */
    uint64_t id;                   /* serial << 24 | slot */
    struct relay_tls *tls;
    char *in_flight;           /* what uv_write sends now */
    uint64_t round;            /* of the loop in which it was read last */
    size_t round_n;            /* octets read in it */
    size_t plain_n;            /* octets of relay_output inside in_flight or the TLS output */
    int64_t due_ms;            /* when its queue drops it */
    struct relay_queue *queue; /* the queue it stands in, or NULL */
    struct relay_stream *prev, *next;
    unsigned dialled; /* 1 + index of the peer that we dialled, until it says a word */
    bool loopback;
    bool open;      /* the relay knows it */
    bool paused;    /* the relay wants no reading */
    bool starved;   /* the relay had no room */
    bool reading;   /* uv reads */
    bool writing;   /* a uv_write is under way */
    bool closing;   /* WANT_CLOSE: write the rest, then close */
    bool lingering; /* all written; input is discarded until the peer closes */
    bool gone;      /* uv_close was called */
};

/* Where a name was found. */
struct relay_found {
    size_t n;
    union relay_sockaddr {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } v[RELAY_STREET_ADDRESSES];
};

struct relay_loop {
    uv_loop_t uv;
    struct relay *relay;
    struct relay_loop_conf conf;
    struct relay_loop_hooks hooks;
    struct relay_ctx *tls, *peer_tls;
    struct relay_link *links;       /* dials under way */
    union relay_sockaddr *reached;  /* where peer i was reached last; family 0: never */
    struct relay_street_ring *ring; /* NULL: none */
    struct relay_loop_counts counts;

    struct relay_listener *listeners[RELAY_STREET_LISTENERS];
    size_t listeners_n;

    struct relay_stream **slots;
    uint32_t slots_n, slots_free; /* slots_free: hint where to look */
    uint64_t serial;
    unsigned starved_n;
    struct relay_queue shaking, ending;

    uv_check_t check;
    uv_prepare_t prepare;
    uv_timer_t timer, poll, watchdog;
    uv_signal_t term, intr, hup;
    int64_t armed_ms; /* when timer fires, -1: never */
    int64_t drain_ms; /* when draining ends, -1: not draining */
    bool settling, ended;

    size_t batch;           /* octets read since the last settle */
    uint64_t round;         /* counts waits for something to happen */
    struct relay_want want; /* large: not on the stack */
    char *cipher, *plain;   /* shared buffers */
};

/* loop.c */
struct relay_now relay_loop_now(struct relay_loop *loop);
/* Does what the relay wants until it wants nothing, and arms the timer. Happens by itself after
 * each round of input and before each wait, so that one round makes one write per connection. */
void relay_loop_settle(struct relay_loop *loop);
void relay_loop_note(struct relay_loop *loop, bool is_error, const char *what, const char *format,
                     ...) __attribute__((format(printf, 4, 5)));

/* stream.c: takes the waiting connection of a listener. */
void relay_stream_accept(struct relay_listener *listener);
/* Starts to connect for a link; TLS with our certificate when tls_host names the peer. What comes
 * of it is relay_link_up or relay_link_lost, once and never from inside this call. NULL: *err is
 * libuv's. */
struct relay_stream *relay_stream_dial(struct relay_loop *loop, struct relay_link *link,
                                       const struct sockaddr *address, bool loopback,
                                       const char *tls_host, int *err);
void relay_stream_close(struct relay_stream *stream);  /* WANT_CLOSE */
void relay_stream_pause(struct relay_stream *stream);  /* WANT_PAUSE */
void relay_stream_resume(struct relay_stream *stream); /* WANT_RESUME */
void relay_stream_retry(struct relay_stream *stream);  /* TICK: perhaps there is room again */
void relay_stream_drop(struct relay_stream *stream);   /* at once, whatever is left */
void relay_stream_reset(struct relay_stream *stream);  /* the same: the peer is gone */
void relay_stream_linger(struct relay_stream *stream); /* everything is written: the end */

/* write.c */
void relay_stream_write(struct relay_stream *stream); /* WANT_WRITE */

/* link.c: WANT_DIAL. From it comes OPEN or UNDIALLED, once. */
void relay_link_dial(struct relay_loop *loop, unsigned peer);
/* Its stream stands: the link is gone. The index of the peer. */
unsigned relay_link_up(struct relay_link *link);
/* Its stream does not come to stand: `why`, unless relay_link_refuse said so before. */
void relay_link_lost(struct relay_link *link, const char *why);
void relay_link_refuse(struct relay_link *link, const struct relay_tls *tls); /* TLS failed */
/* The same after relay_link_up: with TLS 1.3 a peer looks at our certificate last of all. */
void relay_link_expelled(struct relay_loop *loop, unsigned peer, const char *why);
/* Every dial under way ends as UNDIALLED. */
void relay_link_stop(struct relay_loop *loop);

/* resolve.c: looks a name up on a thread of its own: a name server that is silent holds up neither
 * the loop nor a stop. done is called from the loop, once, with what was found, or with n 0 and why
 * not; not after relay_resolve_drop. NULL without memory or thread. */
struct relay_resolve;
struct relay_resolve *relay_resolve_start(struct relay_loop *loop, const char *name, uint16_t port,
                                          void (*done)(void *ctx, const struct relay_found *found,
                                                       const char *why),
                                          void *ctx);
void relay_resolve_drop(struct relay_resolve *resolve); /* NULL is allowed */

/* listen.c */
bool relay_listen_is_loopback(const struct sockaddr *address);
/* "ADDRESS:PORT", IPv6 in brackets. */
void relay_listen_text(const struct sockaddr *address, char *text, size_t n);
void relay_listen_close(struct relay_loop *loop);

/* timer.c */
int relay_timer_start(struct relay_loop *loop) __attribute__((warn_unused_result));
/* Sets the timer for whatever is due first. */
void relay_timer_arm(struct relay_loop *loop);
/* Puts a stream at the end of a queue that drops it `ms` from now; relay_timer_leave takes it out
 * again (nothing when it stands in none). */
void relay_timer_join(struct relay_stream *stream, struct relay_queue *queue, uint32_t ms);
void relay_timer_leave(struct relay_stream *stream);

/* work.c: WANT_UPLOAD. */
void relay_work_upload(struct relay_loop *loop, struct relay_upload *upload);
/* One user of the ring less; the last one frees it. NULL is allowed. */
void relay_work_drop(struct relay_street_ring *ring);

/* signal.c */
int relay_signal_start(struct relay_loop *loop) __attribute__((warn_unused_result));

/* http.c: /metrics and /healthz. NULL when it cannot listen; why says so. */
struct relay_http *relay_http_open(struct relay_loop *loop, const struct sockaddr *address,
                                   uint16_t *port, char *why, size_t why_n);
void relay_http_close(struct relay_http *http); /* freed in its close callbacks */

/* notify.c: one datagram to the service manager, nothing without NOTIFY_SOCKET. */
void relay_notify_send(const char *state);
/* How often WATCHDOG=1 is due, in ms; 0: never. */
uint64_t relay_notify_watchdog_ms(void);

#endif
