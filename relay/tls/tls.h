/* tls.h - TLS as bytes in, bytes out.
 *
 * Whoever owns the socket does this:
 *
 *   octets arrived     relay_tls_feed(tls, p, n); then relay_tls_read until it gives 0; when the
 *                      plaintext has no room yet, relay_tls_hold instead, and read again later
 *   after every call   send what relay_tls_output gives; relay_tls_sent says how much went out
 *   to send plaintext  while relay_tls_output is empty: relay_tls_write, at most one record
 *
 * Nothing is buffered while nothing is under way: input is borrowed from the caller, output lives
 * only until it is sent, and OpenSSL's own buffers are released when idle. At most one record of
 * ciphertext waits per connection as long as the caller writes only when the output is empty.
 *
 * One connection belongs to one thread. Time is an argument (monotonic milliseconds). */
#ifndef RELAY_TLS_TLS_H
#define RELAY_TLS_TLS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "relay/tls/ctx.h"

enum {
    RELAY_TLS_RECORD = 16 * 1024,    /* plaintext octets of one record */
    RELAY_TLS_SHAKE_MAX = 32 * 1024, /* octets a peer may send before the handshake is done */
    RELAY_TLS_KEY_UPDATES = 8,       /* KeyUpdates allowed within RELAY_TLS_KEY_UPDATES_MS */
    RELAY_TLS_KEY_UPDATES_MS = 10000,
    RELAY_TLS_NAMES_MAX = 32, /* dNSNames of a certificate that are looked at */
    RELAY_TLS_NAMES_OCTETS = 4096,
};

/* Why a connection failed, for the counters: X(NAME, "label"). */
#define RELAY_TLS_FAILS(X)                                                                         \
    X(NONE, "none")                                                                                \
    X(ALERT, "alert")                /* the peer sent a fatal alert */                             \
    X(VERSION, "version")            /* no common version */                                       \
    X(CERT, "cert")                  /* the peer's certificate does not verify */                  \
    X(CIPHER, "cipher")              /* no common cipher suite or group */                         \
    X(SHAKE_SIZE, "handshake_size")  /* over RELAY_TLS_SHAKE_MAX */                                \
    X(KEY_UPDATE, "keyupdate_flood") /* over RELAY_TLS_KEY_UPDATES */                              \
    X(EMPTY, "empty_flood")          /* too many empty records or warnings */                      \
    X(RENEGOTIATION, "reneg")        /* the peer wants to renegotiate */                           \
    X(NOMEM, "nomem")                                                                              \
    X(OTHER, "other")

enum relay_tls_fail {
#define X(name, label) RELAY_TLS_FAIL_##name,
    RELAY_TLS_FAILS(X)
#undef X
        RELAY_TLS_FAIL_N
};

struct relay_tls;

/* The two ends of a connection; the context is kept as long as needed. The client checks the
 * server's certificate against `host` (a DNS name; also sent as SNI, row R21). NULL without memory.
 */
struct relay_tls *relay_tls_server(struct relay_ctx *ctx) __attribute__((warn_unused_result));
struct relay_tls *relay_tls_client(struct relay_ctx *ctx, const char *host)
    __attribute__((warn_unused_result));
void relay_tls_free(struct relay_tls *tls); /* NULL is allowed */

/* Gives received ciphertext. The octets are borrowed until relay_tls_read has returned 0 or a
 * negative number, or relay_tls_hold has copied the rest. Fed while earlier input is still held:
 * appended to it. 0 or RELAY_E_NOMEM. */
int relay_tls_feed(struct relay_tls *tls, const char *p, size_t n)
    __attribute__((warn_unused_result));

/* Drives the handshake, then reads plaintext into p (n >= 1). Returns the octets written, or 0 when
 * more ciphertext is needed (all input is then consumed), RELAY_E_END after the peer's
 * close_notify, RELAY_E_TLS on failure (relay_tls_fail, relay_tls_error; an alert may be waiting in
 * the output), RELAY_E_NOMEM. A client calls it once without input to start. While
 * relay_tls_is_ready is false nothing but the handshake happens and p may be NULL with n 0; the
 * call that completes the handshake returns 0 too if p is NULL, and may leave input: look at
 * relay_tls_is_ready and call again with room. */
ssize_t relay_tls_read(struct relay_tls *tls, int64_t now_ms, char *p, size_t n)
    __attribute__((warn_unused_result));

/* Drives the connection as far as its input goes without taking plaintext: 1 when plaintext waits
 * (the next relay_tls_read gives some), 0 when more ciphertext is needed, else as relay_tls_read.
 * For callers that want to find room only when there is something to put into it. */
int relay_tls_poll(struct relay_tls *tls, int64_t now_ms) __attribute__((warn_unused_result));

/* Copies the input that was not consumed yet, so that the caller's buffer is free again. 0 or
 * RELAY_E_NOMEM. Bounded by what was fed since the last read that returned 0. */
int relay_tls_hold(struct relay_tls *tls) __attribute__((warn_unused_result));

/* Is the handshake complete? */
bool relay_tls_is_ready(const struct relay_tls *tls);

/* The dNSNames in the peer's certificate (rfc4976#9.2, row R17), none when it sent no certificate
 * or one that does not verify. From subjectAltName only, never the CN; names with wildcards, of no
 * printable text or beyond the room here are left out. Once the handshake is complete. */
struct relay_tls_names {
    size_t n;
    const char *v[RELAY_TLS_NAMES_MAX]; /* into octets */
    char octets[RELAY_TLS_NAMES_OCTETS];
};
void relay_tls_names(const struct relay_tls *tls, struct relay_tls_names *names);

/* Why a server did not take the certificate that the client showed: static text. NULL: it showed
 * none, or it verified. */
const char *relay_tls_stranger(const struct relay_tls *tls);

/* Encrypts plaintext, at most RELAY_TLS_RECORD octets of it, as one record. Call when ready and the
 * output is empty. Returns the octets taken, RELAY_E_TLS or RELAY_E_NOMEM. */
ssize_t relay_tls_write(struct relay_tls *tls, const char *p, size_t n)
    __attribute__((warn_unused_result));

/* Ciphertext to send: *p and its length, 0 when none. Valid until the next call on tls. */
size_t relay_tls_output(const struct relay_tls *tls, const char **p);
void relay_tls_sent(struct relay_tls *tls, size_t n); /* the first n octets are gone */

/* Takes the whole output away from tls (for a write that lasts): the caller frees it with free().
 * *skip is where it starts, the return value its end. NULL and 0 when empty. */
char *relay_tls_take(struct relay_tls *tls, size_t *skip, size_t *end);

/* Queues close_notify (once; nothing while the handshake is under way). */
void relay_tls_bye(struct relay_tls *tls);

/* Why it failed. The text is for a person: static or owned by tls, printable ASCII, no secret. */
enum relay_tls_fail relay_tls_fail(const struct relay_tls *tls);
const char *relay_tls_fail_label(enum relay_tls_fail fail);
const char *relay_tls_error(const struct relay_tls *tls);

#endif
