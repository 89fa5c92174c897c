#include "relay/tls/tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "relay/tls/inside.h"

struct relay_tls {
    SSL *ssl;
    const char *in; /* unread input: the caller's octets, or held */
    size_t in_n;
    char *held; /* heap copy that `in` points into, NULL: borrowed */
    char *out;  /* ciphertext to send: out[out_at..out_n) */
    size_t out_at, out_n, out_cap;
    int64_t now_ms, updates_since_ms;
    uint32_t shake_in;
    uint8_t updates, fail;
    bool broken, bye, no_memory;
    char *host; /* a client's: the name that the server proves; NULL: we are the server */
    unsigned host_flags;
    bool proven;
    long verify;        /* X509_V_ code of the peer's certificate */
    const char *reason; /* OpenSSL's own static text, NULL */
};

SSL *relay_tls_ssl(const struct relay_tls *tls)
{
    return tls->ssl;
}

/* --- the BIO: reads from `in`, writes to `out` --- */

static int bio_read(BIO *bio, char *p, size_t n, size_t *done)
{
    struct relay_tls *tls = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    *done = n < tls->in_n ? n : tls->in_n;
    if (*done == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    /* only what the handshake takes is counted: what follows it may come in the same segment */
    if (!SSL_is_init_finished(tls->ssl)) {
        tls->shake_in += (uint32_t)*done;
        if (tls->shake_in > RELAY_TLS_SHAKE_MAX) {
            tls->fail = RELAY_TLS_FAIL_SHAKE_SIZE;
            tls->broken = true;
            return 0;
        }
    }
    memcpy(p, tls->in, *done);
    tls->in += *done;
    tls->in_n -= *done;
    return 1;
}

static int bio_write(BIO *bio, const char *p, size_t n, size_t *done)
{
    struct relay_tls *tls = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    if (tls->out_cap - tls->out_n < n) {
        char *out = realloc(tls->out, tls->out_n + n);

        if (!out) {
            tls->no_memory = true;
            return 0;
        }
        tls->out = out;
        tls->out_cap = tls->out_n + n;
    }
    memcpy(tls->out + tls->out_n, p, n);
    tls->out_n += n;
    *done = n;
    return 1;
}

static long bio_ctrl(BIO *bio, int cmd, long n, void *p)
{
    (void)bio, (void)n, (void)p;
    return cmd == BIO_CTRL_FLUSH; /* whoever owns the socket flushes */
}

static int bio_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

/* One method for the process; never freed, like the tables of OpenSSL itself. */
static const BIO_METHOD *bio_method(void)
{
    static BIO_METHOD *method;

    if (!method) {
        BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "relay");

        if (!m || BIO_meth_set_read_ex(m, bio_read) != 1 ||
            BIO_meth_set_write_ex(m, bio_write) != 1 || BIO_meth_set_ctrl(m, bio_ctrl) != 1 ||
            BIO_meth_set_create(m, bio_create) != 1) {
            BIO_meth_free(m);
            return NULL;
        }
        method = m;
    }
    return method;
}

/* --- floods --- */

/* SSL_OP_NO_RENEGOTIATION does not stop a peer that sends KeyUpdate after KeyUpdate, each of which
 * costs us a key derivation (T13). */
static void count_updates(int write_p, int version, int type, const void *p, size_t n, SSL *ssl,
                          void *arg)
{
    struct relay_tls *tls = arg;

    (void)version, (void)ssl;
    if (write_p || type != SSL3_RT_HANDSHAKE || n == 0 ||
        ((const unsigned char *)p)[0] != SSL3_MT_KEY_UPDATE)
        return;
    if (tls->updates == 0 || tls->now_ms - tls->updates_since_ms >= RELAY_TLS_KEY_UPDATES_MS) {
        tls->updates = 0;
        tls->updates_since_ms = tls->now_ms;
    }
    if (++tls->updates > RELAY_TLS_KEY_UPDATES) {
        tls->fail = RELAY_TLS_FAIL_KEY_UPDATE;
        tls->broken = true;
        tls->in_n = 0; /* nothing after it is looked at */
    }
}

/* --- making and ending --- */

static struct relay_tls *tls_new(struct relay_ctx *ctx)
{
    struct relay_tls *tls = calloc(1, sizeof *tls);
    const BIO_METHOD *method = bio_method();
    BIO *bio = tls && method ? BIO_new(method) : NULL;

    if (!bio || !(tls->ssl = SSL_new(relay_ctx_ssl(ctx)))) {
        BIO_free(bio);
        free(tls);
        ERR_clear_error();
        return NULL;
    }
    BIO_set_data(bio, tls);
    SSL_set_bio(tls->ssl, bio, bio);
    SSL_set_msg_callback(tls->ssl, count_updates);
    SSL_set_msg_callback_arg(tls->ssl, tls);
    return tls;
}

struct relay_tls *relay_tls_server(struct relay_ctx *ctx)
{
    struct relay_tls *tls = tls_new(ctx);

    if (tls)
        SSL_set_accept_state(tls->ssl);
    return tls;
}

struct relay_tls *relay_tls_client(struct relay_ctx *ctx, const char *host)
{
    struct relay_tls *tls = tls_new(ctx);
    char sni[256]; /* OpenSSL's macro takes no const */

    if (!tls)
        return NULL;
    if (!(tls->host = strdup(host))) {
        relay_tls_free(tls);
        return NULL;
    }
    tls->host_flags = relay_ctx_host_flags(ctx);
    snprintf(sni, sizeof sni, "%s", host);
    SSL_set_connect_state(tls->ssl);
    SSL_set_hostflags(tls->ssl, relay_ctx_host_flags(ctx));
    if (SSL_set1_host(tls->ssl, host) != 1 || SSL_set_tlsext_host_name(tls->ssl, sni) != 1) {
        ERR_clear_error();
        relay_tls_free(tls);
        return NULL;
    }
    return tls;
}

void relay_tls_free(struct relay_tls *tls)
{
    if (!tls)
        return;
    SSL_free(tls->ssl);
    free(tls->host);
    free(tls->held);
    free(tls->out);
    free(tls);
}

/* --- failure --- */

static enum relay_tls_fail fail_of(unsigned long code)
{
    int reason = ERR_GET_REASON(code);

    if (ERR_GET_LIB(code) != ERR_LIB_SSL)
        return RELAY_TLS_FAIL_OTHER;
    if (reason >= SSL_AD_REASON_OFFSET)
        return RELAY_TLS_FAIL_ALERT;
    switch (reason) {
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
    case SSL_R_UNKNOWN_PROTOCOL:
        return RELAY_TLS_FAIL_VERSION;
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
    case SSL_R_EXCESSIVE_MESSAGE_SIZE:
        return RELAY_TLS_FAIL_CERT;
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SHARED_GROUPS:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
        return RELAY_TLS_FAIL_CIPHER;
    case SSL_R_TOO_MANY_WARN_ALERTS:
    case SSL_R_RECORD_TOO_SMALL:
        return RELAY_TLS_FAIL_EMPTY;
    case SSL_R_NO_RENEGOTIATION:
    case SSL_R_RENEGOTIATION_MISMATCH:
        return RELAY_TLS_FAIL_RENEGOTIATION;
    default:
        return RELAY_TLS_FAIL_OTHER;
    }
}

/* Notes why an SSL_ call failed; the first reason stays. */
static ssize_t failed(struct relay_tls *tls)
{
    unsigned long code = ERR_peek_last_error();

    tls->broken = true;
    tls->in_n = 0;
    if (tls->fail == RELAY_TLS_FAIL_NONE) {
        tls->fail = tls->no_memory || ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE
                        ? RELAY_TLS_FAIL_NOMEM
                        : (uint8_t)fail_of(code);
        tls->verify = SSL_get_verify_result(tls->ssl);
        tls->reason = ERR_reason_error_string(code);
    }
    ERR_clear_error();
    return tls->fail == RELAY_TLS_FAIL_NOMEM ? RELAY_E_NOMEM : RELAY_E_TLS;
}

enum relay_tls_fail relay_tls_fail(const struct relay_tls *tls)
{
    return (enum relay_tls_fail)tls->fail;
}

const char *relay_tls_fail_label(enum relay_tls_fail fail)
{
    static const char *const labels[] = {
#define X(name, label) label,
        RELAY_TLS_FAILS(X)
#undef X
    };

    return labels[fail < RELAY_TLS_FAIL_N ? fail : RELAY_TLS_FAIL_OTHER];
}

const char *relay_tls_error(const struct relay_tls *tls)
{
    if (tls->fail == RELAY_TLS_FAIL_CERT && tls->verify != X509_V_OK)
        return X509_verify_cert_error_string(tls->verify);
    if (tls->fail == RELAY_TLS_FAIL_KEY_UPDATE)
        return "too many key updates";
    if (tls->fail == RELAY_TLS_FAIL_SHAKE_SIZE)
        return "the handshake is too large";
    return tls->reason ? tls->reason : relay_tls_fail_label((enum relay_tls_fail)tls->fail);
}

/* --- input --- */

static void input_done(struct relay_tls *tls)
{
    free(tls->held);
    tls->held = NULL;
    tls->in = NULL;
    tls->in_n = 0;
}

int relay_tls_feed(struct relay_tls *tls, const char *p, size_t n)
{
    if (tls->broken)
        return 0; /* the next read says so */
    if (tls->in_n > 0) {
        char *both = malloc(tls->in_n + n);

        if (!both)
            return RELAY_E_NOMEM;
        memcpy(both, tls->in, tls->in_n);
        memcpy(both + tls->in_n, p, n);
        free(tls->held);
        tls->held = both;
        tls->in = both;
        tls->in_n += n;
        return 0;
    }
    input_done(tls);
    tls->in = p;
    tls->in_n = n;
    return 0;
}

int relay_tls_hold(struct relay_tls *tls)
{
    char *copy;

    if (tls->in_n == 0) {
        input_done(tls);
        return 0;
    }
    if (tls->held)
        return 0;
    copy = malloc(tls->in_n);
    if (!copy)
        return RELAY_E_NOMEM;
    memcpy(copy, tls->in, tls->in_n);
    tls->held = copy;
    tls->in = copy;
    return 0;
}

bool relay_tls_is_ready(const struct relay_tls *tls)
{
    return SSL_is_init_finished(tls->ssl) && (!tls->host || tls->proven);
}

/* What an SSL_ call that read came to: `got` octets, or the way it stopped. */
static ssize_t outcome(struct relay_tls *tls, int ok, size_t got)
{
    int what = ok == 1 ? SSL_ERROR_NONE : SSL_get_error(tls->ssl, ok);
    ssize_t err;

    if (what == SSL_ERROR_NONE && !tls->broken)
        return (ssize_t)got;
    if (tls->broken) { /* a flood: what was read in the same go is dropped with the connection */
        ERR_clear_error();
        err = RELAY_E_TLS;
    } else if (what == SSL_ERROR_ZERO_RETURN) {
        err = RELAY_E_END;
    } else {
        err = what == SSL_ERROR_WANT_READ && !tls->no_memory ? 0 : failed(tls);
    }
    input_done(tls);
    return err;
}

/* OpenSSL has looked at the server's name already, unless it had no memory for the name: then it
 * looks at none and goes on. So it is looked at once more. */
static bool prove(struct relay_tls *tls)
{
    X509 *cert = SSL_get0_peer_certificate(tls->ssl);

    tls->proven = cert && SSL_get_verify_result(tls->ssl) == X509_V_OK &&
                  X509_check_host(cert, tls->host, 0, tls->host_flags, NULL) == 1;
    ERR_clear_error();
    if (tls->proven)
        return true;
    tls->broken = true;
    tls->fail = RELAY_TLS_FAIL_CERT;
    tls->verify = X509_V_ERR_HOSTNAME_MISMATCH;
    input_done(tls);
    return false;
}

/* 1: ready to read; else the outcome. */
static ssize_t shake(struct relay_tls *tls, int64_t now_ms)
{
    ssize_t err;

    if (tls->broken)
        return tls->fail == RELAY_TLS_FAIL_NOMEM ? RELAY_E_NOMEM : RELAY_E_TLS;
    tls->now_ms = now_ms;
    ERR_clear_error();
    if (relay_tls_is_ready(tls))
        return 1;
    err = outcome(tls, SSL_do_handshake(tls->ssl), 1);
    return err == 1 && tls->host && !prove(tls) ? RELAY_E_TLS : err;
}

ssize_t relay_tls_read(struct relay_tls *tls, int64_t now_ms, char *p, size_t n)
{
    ssize_t err = shake(tls, now_ms);
    size_t got = 0;
    int ok;

    if (err != 1 || !p)
        return err == 1 ? 0 : err;
    ok = SSL_read_ex(tls->ssl, p, n, &got);
    return outcome(tls, ok, got);
}

int relay_tls_poll(struct relay_tls *tls, int64_t now_ms)
{
    ssize_t err = shake(tls, now_ms);
    size_t got = 0;
    char c;

    return (int)(err != 1 ? err : outcome(tls, SSL_peek_ex(tls->ssl, &c, 1, &got), 1));
}

/* --- output --- */

ssize_t relay_tls_write(struct relay_tls *tls, const char *p, size_t n)
{
    size_t done = 0;

    if (tls->broken)
        return RELAY_E_TLS;
    if (n == 0)
        return 0;
    if (n > RELAY_TLS_RECORD)
        n = RELAY_TLS_RECORD;
    if (!tls->out) { /* room for the record and its frame in one go */
        tls->out_cap = n + 64;
        if (!(tls->out = malloc(tls->out_cap)))
            return RELAY_E_NOMEM;
    }
    ERR_clear_error();
    if (SSL_write_ex(tls->ssl, p, n, &done) != 1)
        return failed(tls);
    return (ssize_t)done;
}

size_t relay_tls_output(const struct relay_tls *tls, const char **p)
{
    *p = tls->out ? tls->out + tls->out_at : NULL;
    return tls->out_n - tls->out_at;
}

void relay_tls_sent(struct relay_tls *tls, size_t n)
{
    tls->out_at += n < tls->out_n - tls->out_at ? n : tls->out_n - tls->out_at;
    if (tls->out_at < tls->out_n)
        return;
    free(tls->out);
    tls->out = NULL;
    tls->out_at = tls->out_n = tls->out_cap = 0;
}

char *relay_tls_take(struct relay_tls *tls, size_t *skip, size_t *end)
{
    char *out = tls->out;

    *skip = tls->out_at;
    *end = tls->out_n;
    tls->out = NULL;
    tls->out_at = tls->out_n = tls->out_cap = 0;
    return out;
}

void relay_tls_bye(struct relay_tls *tls)
{
    if (tls->bye || tls->broken || !relay_tls_is_ready(tls))
        return;
    tls->bye = true;
    ERR_clear_error();
    (void)SSL_shutdown(tls->ssl);
    ERR_clear_error();
}
