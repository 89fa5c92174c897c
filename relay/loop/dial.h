/* dial.h - the street for clients: many MCData clients on one libuv loop.
 *
 * A dial owns a loop, one TLS context and any number of lines; a line is one TCP connection (TLS or
 * plain) with one client machine (relay/client/client.h) behind it. Used by `mcrelay send` and
 * `recv` with one line, by the load tests with a thousand. One dial belongs to one thread. */
#ifndef RELAY_LOOP_DIAL_H
#define RELAY_LOOP_DIAL_H

#include "relay/client/client.h"

struct relay_dial;
struct relay_line;

struct relay_line_conf {
    struct relay_client_conf client; /* strings and keys borrowed until CLOSED */
    const char *connect;             /* "ADDR:PORT" or "[ADDR]:PORT"; NULL: the host and port of
                                        client.relay through the resolver. Without a port: its SRV
                                        records of _msrps._tcp, else port 2855 (rfc4976#8) */
    const char *dns;                 /* name server for SRV, "ADDR:PORT"; NULL: the system's */
    uint32_t read_per_s;   /* read at most so many octets of the wire in a second; 0: no limit */
    uint32_t handshake_ms; /* TCP and TLS must stand by then; 0: 10000 */
    /* What came of the line, from inside relay_dial_run. The event is valid for the call.
     * Everything in this header but relay_dial_free and relay_dial_run may be called from it.
     * CLOSED comes exactly once and is the last event; the line is gone when the call returns. */
    void (*event)(void *ctx, struct relay_line *line, const struct relay_client_event *event);
    void *ctx;
};

/* A dial. ca_file: PEM certificates that the relay's chain must end in (NULL: the system's). NULL
 * with *err set: RELAY_E_TLS when the file does not load, RELAY_E_NOMEM. */
struct relay_dial *relay_dial_new(const char *ca_file, int *err)
    __attribute__((warn_unused_result));
/* Closes every line (without events) and frees all. NULL is allowed. */
void relay_dial_free(struct relay_dial *dial);

/* As relay_client_disown, from the event hook: the message of this DONE could not be kept. */
void relay_line_disown(struct relay_line *line);

/* Starts to connect. TLS when client.relay begins with "msrps:": 1.2 or 1.3, server name and
 * certificate check against the URI's host. Plain TCP for "msrp:". Failures after the return come
 * as CLOSED with err and a sentence in text. NULL with *err when it cannot even start. */
struct relay_line *relay_line_open(struct relay_dial *dial, const struct relay_line_conf *conf,
                                   int *err) __attribute__((warn_unused_result));
/* relay_client_send on the line, then wakes its writer. */
int relay_line_send(struct relay_line *line, struct relay_client_sds *sds, uint64_t *id)
    __attribute__((warn_unused_result));
/* relay_client_send_key on the line, then wakes its writer. */
int relay_line_send_key(struct relay_line *line, const char *to, const void *mikey, size_t n,
                        uint64_t *id) __attribute__((warn_unused_result));
/* Ends the line once the client is quiet, that is, what it owes is sent and answered (at most 5 s):
 * CLOSED follows. */
void relay_line_close(struct relay_line *line);
const struct relay_client *relay_line_client(const struct relay_line *line);

/* Calls fn once after ms (0: in the next turn), or on each SIGINT and SIGTERM. At most one of each
 * at a time; a second call replaces the first. 0 or RELAY_E_IO. */
int relay_dial_after(struct relay_dial *dial, uint64_t ms, void (*fn)(void *ctx), void *ctx)
    __attribute__((warn_unused_result));
/* The same with another timer, for what has to be tried again. */
int relay_dial_later(struct relay_dial *dial, uint64_t ms, void (*fn)(void *ctx), void *ctx)
    __attribute__((warn_unused_result));
int relay_dial_on_stop(struct relay_dial *dial, void (*fn)(void *ctx, int signal), void *ctx)
    __attribute__((warn_unused_result));

/* Runs until relay_dial_stop, or until no line is left, nobody listens and nothing is to be tried
 * again later. Returns the code given to stop, else 0. May
 * be called again. */
int relay_dial_run(struct relay_dial *dial);
void relay_dial_stop(struct relay_dial *dial, int code);

#endif
