/* stream.h - one socket, with or without TLS 1.3, for the load generators. Loopback only. */
#ifndef TESTS_LOAD_STREAM_H
#define TESTS_LOAD_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <openssl/ssl.h>

struct stream {
    int fd;
    SSL *ssl; /* NULL: plain */
};

enum { STREAM_AGAIN = -1, STREAM_BROKEN = -2 };

/* TLS 1.3 with TLS_AES_128_GCM_SHA256 and nothing else. The client's trusts the certificates in ca;
 * the server's shows cert. Exit on failure, as everything here that cannot go on. */
SSL_CTX *stream_client_tls(const char *ca);
SSL_CTX *stream_server_tls(const char *cert, const char *key);

/* Listens on 127.0.0.1, any port; *port says which. */
int stream_listen(uint16_t *port);
/* Both block until the handshake is over. tls NULL: none. name: what the certificate must say. */
void stream_connect(struct stream *s, uint16_t port, SSL_CTX *tls, const char *name);
void stream_accept(struct stream *s, int door, SSL_CTX *tls);
/* From now on reads and writes do not block. */
void stream_go(struct stream *s);
void stream_close(struct stream *s);

/* Reads what is there, at most n octets: > 0, 0 at the end of the stream, or one of the enum. */
ssize_t stream_read(struct stream *s, char *p, size_t n);
/* Writes as much of the runs as the socket takes: octets >= 0, or STREAM_BROKEN. What was offered
 * and not taken must be offered again, unchanged, first. */
ssize_t stream_write(struct stream *s, const struct iovec *runs, int n);

/* Nanoseconds of the monotonic clock. */
uint64_t stream_now(void);
/* Prints a message and exits 1. */
void stream_die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
