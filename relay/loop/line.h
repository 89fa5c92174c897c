/* line.h - what dial.c, ends.c and line.c share: one TCP connection and the machine behind it.
 * Private to relay/loop. */
#ifndef RELAY_LOOP_LINE_H
#define RELAY_LOOP_LINE_H

#include <uv.h>

#include "msrp/uri.h"
#include "relay/loop/dial.h"
#include "relay/loop/srv.h"
#include "relay/tls/tls.h"

enum { RELAY_LINE_CIPHER = 32 * 1024 /* the read buffer that all TLS lines share */ };

struct relay_dial {
    uv_loop_t uv;
    uv_timer_t after, later;
    uv_signal_t term, intr;
    struct relay_ctx *tls;
    struct relay_line *lines;
    unsigned listeners; /* they keep the loop running without a line */
    bool stopped;
    int code;
    void (*after_fn)(void *ctx);
    void *after_ctx;
    void (*later_fn)(void *ctx);
    void *later_ctx;
    void (*stop_fn)(void *ctx, int signal);
    void *stop_ctx;
    char cipher[RELAY_LINE_CIPHER];
};

/* What a line asks of its machine: a client, or a link of an endpoint. As in client.h. */
struct relay_line_kind {
    void (*feed)(void *machine, const struct relay_client_in *in);
    bool (*drain)(struct relay_line *line); /* tells the caller what came of it; false: the machine
                                               is over */
    char *(*buffer)(void *machine, size_t *n);
    const char *(*output)(void *machine, const struct relay_client_now *now, size_t *n);
    void (*sent)(void *machine, const struct relay_client_now *now, size_t n);
    bool (*is_quiet)(const void *machine);
    int64_t (*next_ms)(const void *machine);
    void (*free)(void *machine); /* NULL is allowed */
    bool goes_at_once;           /* freed when the line is dropped, not with the last callback */
};

struct relay_line {
    struct relay_line *prev, *next;
    struct relay_dial *dial;
    const struct relay_line_kind *kind;
    void *machine;
    struct relay_ends *ends;     /* whose link the machine is; NULL: a client */
    struct relay_line_conf conf; /* without `client` for a link */
    char host[MSRP_URI_MAX + 1]; /* of the far side's URI */
    struct relay_tls *tls;

    uv_tcp_t tcp;
    uv_timer_t timer;
    uv_getaddrinfo_t resolve;
    uv_connect_t connect;
    uv_write_t write;
    struct addrinfo *found, *trying;
    struct relay_srv *srv; /* what is left of them: srv[srv_at..srv_n); NULL: none */
    size_t srv_n, srv_at;
    unsigned busy;   /* handles and requests that still call back; freed at 0 */
    char *in_flight; /* what uv_write sends */
    size_t plain_n;  /* octets of the client's output in there, or in the TLS output */

    int64_t shake_ms; /* handshake deadline, -1 once it stands */
    int64_t close_ms; /* deadline of a close, -1 */
    int64_t read_ms;  /* next time a throttled line reads, -1 */
    size_t read_left; /* octets it may read until then */
    bool has_tcp, open, reading, writing, closing, draining, gone;
};

/* The random source of every machine on the street. */
int relay_dial_random(void *ctx, void *p, size_t n);

struct relay_client_now relay_line_now(const struct relay_dial *dial);

/* A line that does nothing yet; it takes the machine, also when it fails (NULL: out of memory). */
struct relay_line *relay_line_new(struct relay_dial *dial, const struct relay_line_kind *kind,
                                  void *machine, const struct relay_line_conf *conf)
    __attribute__((warn_unused_result));
/* Starts to connect to conf.connect, or to the host and port of `uri`. The line is gone after an
 * error: RELAY_E_CONF, RELAY_E_NOMEM, RELAY_E_IO. */
int relay_line_connect(struct relay_line *line, const char *uri)
    __attribute__((warn_unused_result));
/* TCP stands: TLS begins, or the machine is told. */
void relay_line_stands(struct relay_line *line);
/* Cuts "ADDR:PORT" or "[ADDR]:PORT". */
bool relay_line_cut_address(const char *text, char host[256], char port[8]);
/* Tells the caller what came of it. The line may be gone afterwards. */
void relay_line_drain(struct relay_line *line);

/* Tells the client, and the caller what came of it. The line may be gone afterwards. */
void relay_line_feed(struct relay_line *line, enum relay_client_in_kind kind, size_t n);

/* The line is over: CLOSED with this reason. */
void relay_line_fail(struct relay_line *line, int err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

void relay_line_read(struct relay_line *line);  /* reads on, if it does not yet */
void relay_line_write(struct relay_line *line); /* writes what there is, arms the timer */
void relay_line_arm(struct relay_line *line);
void relay_line_wake(struct relay_line *line); /* relay_line_write in the next turn */

/* Gives ciphertext; n 0 starts the handshake. */
void relay_line_cipher(struct relay_line *line, const char *p, size_t n);

/* Closes without a word; the memory goes when nothing calls back any more (relay_line_release, once
 * for each count of busy). */
void relay_line_drop(struct relay_line *line);
void relay_line_release(struct relay_line *line);

#endif
