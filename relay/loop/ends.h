/* ends.h - the street for endpoints: a plain MSRP endpoint (relay/client/endpoint.h) with its
 * connections, made and accepted, on the loop of a dial. */
#ifndef RELAY_LOOP_ENDS_H
#define RELAY_LOOP_ENDS_H

#include "relay/client/endpoint.h"
#include "relay/loop/dial.h"

struct relay_ends;

struct relay_ends_conf {
    struct relay_endpoint_conf endpoint; /* strings borrowed until relay_ends_free */
    /* What happened; valid for the call, which may name the endpoint and everything in this header
     * but relay_ends_free. A connection that cannot be made, or is lost, comes as FAILED of each
     * session that was opened on its link. */
    void (*event)(void *ctx, const struct relay_endpoint_event *event);
    void *ctx;
};

/* Where to listen. */
struct relay_ends_listen {
    const char *address;           /* "ADDR:PORT" or "[ADDR]:PORT"; port 0: any */
    const char *certificate, *key; /* PEM files; NULL: plain TCP */
    const char *name;              /* the certificate is for it */
};

/* An endpoint on the dial's loop; freed before the dial. NULL with *err: RELAY_E_CONF. */
struct relay_ends *relay_ends_new(struct relay_dial *dial, const struct relay_ends_conf *conf,
                                  int *err) __attribute__((warn_unused_result));
void relay_ends_free(struct relay_ends *ends); /* NULL is allowed */
struct relay_endpoint *relay_ends_endpoint(const struct relay_ends *ends);

/* Now, for the calls that ask for it. */
struct relay_client_now relay_ends_now(const struct relay_ends *ends);

/* Connects to the host and port of a URI, or to `connect` ("ADDR:PORT") instead; msrps: is TLS with
 * the URI's host as the certificate's name. NULL with *err as relay_line_open. The link stays the
 * street's. */
struct relay_wire *relay_ends_connect(struct relay_ends *ends, const char *uri, const char *connect,
                                      int *err) __attribute__((warn_unused_result));

/* Takes connections, at one place only; *port is where. 0; RELAY_E_CONF or RELAY_E_IO and `why`
 * says what. */
int relay_ends_listen(struct relay_ends *ends, const struct relay_ends_listen *conf, uint16_t *port,
                      char *why, size_t why_n) __attribute__((warn_unused_result));

/* The endpoint was given something to do from outside the event hook. */
void relay_ends_wake(struct relay_ends *ends);

/* Listens no more, and ends each connection once it is quiet (at most 5 s). */
void relay_ends_close(struct relay_ends *ends);

#endif
