#include "tests/load/stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <netinet/tcp.h>
#include <openssl/err.h>

enum { RECORD = 16384 };

void stream_die(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    vfprintf(stderr, format, ap);
    va_end(ap);
    fputc('\n', stderr);
    exit(1);
}

uint64_t stream_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static const char *reason(void)
{
    const char *text = ERR_reason_error_string(ERR_peek_last_error());

    return text ? text : strerror(errno);
}

static SSL_CTX *tls_new(const SSL_METHOD *method)
{
    SSL_CTX *tls = SSL_CTX_new(method);

    if (!tls || SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_ciphersuites(tls, "TLS_AES_128_GCM_SHA256") != 1)
        stream_die("no TLS: %s", reason());
    SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(tls, 1); /* one read for many records */
    SSL_CTX_set_default_read_buffer_len(tls, 256 * 1024);
    return tls;
}

SSL_CTX *stream_client_tls(const char *ca)
{
    SSL_CTX *tls = tls_new(TLS_client_method());

    if (SSL_CTX_load_verify_locations(tls, ca, NULL) != 1)
        stream_die("%s: %s", ca, reason());
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
    return tls;
}

SSL_CTX *stream_server_tls(const char *cert, const char *key)
{
    SSL_CTX *tls = tls_new(TLS_server_method());

    SSL_CTX_set_num_tickets(tls, 0);
    if (SSL_CTX_use_certificate_chain_file(tls, cert) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1)
        stream_die("%s, %s: %s", cert, key, reason());
    return tls;
}

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
}

int stream_listen(uint16_t *port)
{
    struct sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    int door = socket(AF_INET, SOCK_STREAM, 0);

    if (door < 0 || bind(door, (struct sockaddr *)&address, size) < 0 || listen(door, 1024) < 0 ||
        getsockname(door, (struct sockaddr *)&address, &size) < 0)
        stream_die("cannot listen: %s", strerror(errno));
    *port = ntohs(address.sin_port);
    return door;
}

static void take(struct stream *s, int fd, SSL_CTX *tls)
{
    int one = 1;

    s->fd = fd;
    s->ssl = tls ? SSL_new(tls) : NULL;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (tls && (!s->ssl || SSL_set_fd(s->ssl, fd) != 1))
        stream_die("no TLS: %s", reason());
}

void stream_connect(struct stream *s, uint16_t port, SSL_CTX *tls, const char *name)
{
    struct sockaddr_in address = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        stream_die("cannot connect to port %u: %s", port, strerror(errno));
    take(s, fd, tls);
    if (s->ssl && (SSL_set_tlsext_host_name(s->ssl, name) != 1 ||
                   SSL_set1_host(s->ssl, name) != 1 || SSL_connect(s->ssl) != 1))
        stream_die("no TLS to port %u: %s", port, reason());
}

void stream_accept(struct stream *s, int door, SSL_CTX *tls)
{
    int fd = accept(door, NULL, NULL);

    if (fd < 0)
        stream_die("cannot accept: %s", strerror(errno));
    take(s, fd, tls);
    if (s->ssl && SSL_accept(s->ssl) != 1)
        stream_die("no TLS from the other side: %s", reason());
}

void stream_go(struct stream *s)
{
    if (fcntl(s->fd, F_SETFL, O_NONBLOCK) < 0)
        stream_die("fcntl: %s", strerror(errno));
}

void stream_close(struct stream *s)
{
    SSL_free(s->ssl);
    close(s->fd);
    *s = (struct stream){.fd = -1};
}

static ssize_t tls_outcome(struct stream *s, int done)
{
    switch (SSL_get_error(s->ssl, done)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return STREAM_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    default:
        return STREAM_BROKEN;
    }
}

ssize_t stream_read(struct stream *s, char *p, size_t n)
{
    size_t at = 0;

    if (!s->ssl) {
        ssize_t done = read(s->fd, p, n);
        return done >= 0 ? done : errno == EAGAIN ? STREAM_AGAIN : STREAM_BROKEN;
    }
    ERR_clear_error();
    /* all that is decrypted already: epoll does not know of it */
    while (at < n) {
        int done = SSL_read(s->ssl, p + at, (int)(n - at));
        if (done <= 0)
            return at ? (ssize_t)at : tls_outcome(s, done);
        at += (size_t)done;
        if (!SSL_has_pending(s->ssl))
            break; /* spares a read that finds nothing */
    }
    return (ssize_t)at;
}

/* Copies up to one record of the runs behind the first `skip` octets. */
static size_t gather(char record[RECORD], const struct iovec *runs, int n, size_t skip)
{
    size_t at = 0;

    for (int i = 0; i < n && at < RECORD; i++) {
        size_t from = skip < runs[i].iov_len ? skip : runs[i].iov_len;
        size_t more = runs[i].iov_len - from;

        skip -= from;
        more = more < RECORD - at ? more : RECORD - at;
        memcpy(record + at, (const char *)runs[i].iov_base + from, more);
        at += more;
    }
    return at;
}

ssize_t stream_write(struct stream *s, const struct iovec *runs, int n)
{
    static char record[RECORD];
    size_t all = 0, more;

    if (!s->ssl) {
        ssize_t done = writev(s->fd, runs, n);
        return done >= 0 ? done : errno == EAGAIN ? 0 : STREAM_BROKEN;
    }
    ERR_clear_error();
    while ((more = gather(record, runs, n, all)) > 0) {
        int done = SSL_write(s->ssl, record, (int)more);
        if (done <= 0)
            return tls_outcome(s, done) == STREAM_AGAIN ? (ssize_t)all : STREAM_BROKEN;
        all += (size_t)done;
    }
    return (ssize_t)all;
}
