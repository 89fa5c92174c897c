/* https.h - a small HTTPS server with a thread of its own: libmicrohttpd and its TLS. For the
 * embedded KMS; the relay's own page is relay/loop/http.c. */
#ifndef RELAY_LOOP_HTTPS_H
#define RELAY_LOOP_HTTPS_H

#include <stddef.h>
#include <stdint.h>

#include "relay/err.h"

/* A request; borrowed for the call. */
struct relay_https_ask {
    const char *method;
    const char *path;          /* as it came: not decoded, without its query */
    const char *authorization; /* NULL when there is none */
    const char *body;
    size_t body_n;
};

/* Its answer. The body is malloced, wiped and freed by the server; NULL: none. */
struct relay_https_answer {
    int status;
    char *body; /* application/xml */
    size_t body_n;
};

struct relay_https_conf {
    const char *listen;      /* ADDR:PORT, [ADDR]:PORT; port 0: any */
    const char *certificate; /* PEM text, the chain */
    const char *key;         /* PEM text; may be wiped after _open */
    size_t body_max;         /* a larger body is 413 */
    void *ctx;
    void (*answer)(void *ctx, const struct relay_https_ask *ask, struct relay_https_answer *answer);
};

struct relay_https;

/* Listens: TLS 1.2 or newer, at most 64 connections, 10 s of silence each. Every answer has
 * Cache-Control: no-store, and 405 has Allow: POST. `answer` is called from one thread at a time.
 * conf is borrowed until _close. 0 and *https, or RELAY_E_CONF (address), RELAY_E_IO (the port is
 * in use, or certificate and key do not fit), RELAY_E_NOMEM. */
int relay_https_open(struct relay_https **https, const struct relay_https_conf *conf,
                     uint16_t *port) __attribute__((warn_unused_result));
void relay_https_close(struct relay_https *https); /* waits for its thread; NULL is allowed */

#endif
