#include "relay/tls/ctx.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "relay/tls/inside.h"

enum {
    HOST_FLAGS = X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS,
};

struct relay_ctx {
    SSL_CTX *ssl;
    unsigned refs;
    unsigned host_flags;
};

SSL_CTX *relay_ctx_ssl(struct relay_ctx *ctx)
{
    return ctx->ssl;
}

unsigned relay_ctx_host_flags(const struct relay_ctx *ctx)
{
    return ctx->host_flags;
}

/* An IPv4 or IPv6 address, with or without brackets? */
static bool is_address(const char *name)
{
    unsigned char sa[sizeof(struct in6_addr)];
    char bare[INET6_ADDRSTRLEN];
    size_t n = strlen(name);

    if (n >= 2 && name[0] == '[' && name[n - 1] == ']' && n - 2 < sizeof bare) {
        memcpy(bare, name + 1, n - 2);
        bare[n - 2] = '\0';
        name = bare;
    }
    return inet_pton(AF_INET, name, sa) == 1 || inet_pton(AF_INET6, name, sa) == 1;
}

static struct relay_ctx *ctx_new(const SSL_METHOD *method)
{
    struct relay_ctx *ctx = calloc(1, sizeof *ctx);
    SSL_CTX *ssl = ctx ? SSL_CTX_new(method) : NULL;

    if (!ssl) {
        free(ctx);
        ERR_clear_error();
        return NULL;
    }
    ctx->ssl = ssl;
    ctx->refs = 1;
    ctx->host_flags = HOST_FLAGS;
    SSL_CTX_set_security_level(ssl, 2);
    /* no automatic chain: the peers' CA is no part of what we show */
    SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE |
                                 SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_max_cert_list(ssl, RELAY_CTX_CHAIN_OCTETS);
    /* verify_depth counts the certificates between the leaf and the anchor */
    SSL_CTX_set_verify_depth(ssl, RELAY_CTX_CHAIN_MAX - 2);
    SSL_CTX_set_read_ahead(ssl, 0); /* OpenSSL keeps no more than the record under way */
    if (SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_num_tickets(ssl, 0) != 1 ||
        SSL_CTX_set_cipher_list(ssl, "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL") != 1 ||
        SSL_CTX_set_ciphersuites(ssl, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
                                      "TLS_CHACHA20_POLY1305_SHA256") != 1 ||
        SSL_CTX_set1_groups_list(ssl, "X25519:P-256:P-384") != 1) {
        relay_ctx_unref(ctx);
        ERR_clear_error();
        return NULL;
    }
    return ctx;
}

/* What OpenSSL says about its latest failure, without file and line of its own. */
static const char *reason(void)
{
    const char *text = ERR_reason_error_string(ERR_peek_last_error());

    return text ? text : "no reason given";
}

static int no_password(char *buf, int size, int rwflag, void *ctx)
{
    (void)buf, (void)size, (void)rwflag, (void)ctx;
    return -1; /* never ask the terminal */
}

static X509 *pem_cert(BIO *bio)
{
    return PEM_read_bio_X509(bio, NULL, no_password, NULL);
}

static BIO *pem_bio(const struct relay_pem *pem)
{
    return pem->n > 0 && pem->n <= 1024 * 1024 ? BIO_new_mem_buf(pem->p, (int)pem->n) : NULL;
}

/* The certificate, then its intermediates. */
static int use_chain(SSL_CTX *ssl, const struct relay_pem *pem, char *why, size_t why_n)
{
    int err = RELAY_E_CONF;
    BIO *bio = pem_bio(pem);
    X509 *cert = bio ? pem_cert(bio) : NULL;
    size_t n = 1;

    if (!cert) {
        snprintf(why, why_n,
                 "%s: holds no certificate (%s); give a PEM file with the relay's certificate "
                 "first, then the intermediates",
                 pem->name, reason());
        goto out;
    }
    if (SSL_CTX_use_certificate(ssl, cert) != 1) {
        snprintf(why, why_n, "%s: the certificate is not usable (%s); issue one with a P-256 key",
                 pem->name, reason());
        goto out;
    }
    for (X509 *more; (more = pem_cert(bio)); n++) {
        if (n == RELAY_CTX_CHAIN_MAX || SSL_CTX_add0_chain_cert(ssl, more) != 1) {
            X509_free(more);
            snprintf(why, why_n, "%s: more than %d certificates; leave out the trust anchor",
                     pem->name, RELAY_CTX_CHAIN_MAX);
            goto out;
        }
    }
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
        snprintf(why, why_n, "%s: certificate %zu does not read (%s)", pem->name, n + 1, reason());
        goto out;
    }
    err = 0;
out:
    X509_free(cert);
    BIO_free(bio);
    ERR_clear_error();
    return err;
}

static int use_key(SSL_CTX *ssl, const struct relay_pem *pem, const struct relay_pem *cert,
                   char *why, size_t why_n)
{
    int err = RELAY_E_CONF;
    BIO *bio = pem_bio(pem);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;

    if (!key) {
        snprintf(why, why_n,
                 "%s: holds no private key that reads (%s); give a PEM file with the key of %s, "
                 "without a pass phrase",
                 pem->name, reason(), cert->name);
    } else if (SSL_CTX_use_PrivateKey(ssl, key) != 1 || SSL_CTX_check_private_key(ssl) != 1) {
        snprintf(why, why_n,
                 "%s: is not the key of the certificate in %s (%s); give the two that belong "
                 "together",
                 pem->name, cert->name, reason());
    } else {
        err = 0;
    }
    EVP_PKEY_free(key);
    BIO_free(bio);
    ERR_clear_error();
    return err;
}

/* rfc4976#4.2: the host of our URIs is an FQDN that stands in the certificate */
static int check_name(SSL_CTX *ssl, const struct relay_pem *pem, const char *name, char *why,
                      size_t why_n)
{
    X509 *cert = SSL_CTX_get0_certificate(ssl);

    if (is_address(name)) {
        snprintf(why, why_n,
                 "name: %s is an IP address; give the host name that stands in the certificate "
                 "(clients without DNS use --connect)",
                 name);
        return RELAY_E_CONF;
    }
    if (X509_check_host(cert, name, 0, HOST_FLAGS, NULL) != 1) {
        snprintf(why, why_n,
                 "%s: the certificate is not for %s; issue one with DNS:%s in its subjectAltName, "
                 "or change name",
                 pem->name, name, name);
        return RELAY_E_CONF;
    }
    return 0;
}

/* Who we are: certificate, key, and the name that they must fit. */
static int use_identity(SSL_CTX *ssl, const struct relay_pem *cert, const struct relay_pem *key,
                        const char *name, char *why, size_t why_n)
{
    int err = use_chain(ssl, cert, why, why_n);

    err = err < 0 ? err : check_name(ssl, cert, name, why, why_n);
    return err < 0 ? err : use_key(ssl, key, cert, why, why_n);
}

/* Hands the finished context over, or ends it. */
static int finish(struct relay_ctx **out, struct relay_ctx *ctx, int err, char *why)
{
    ERR_clear_error();
    if (err < 0) {
        relay_ctx_unref(ctx);
        return err;
    }
    why[0] = '\0';
    *out = ctx;
    return 0;
}

int relay_ctx_server(struct relay_ctx **out, const struct relay_pem *cert,
                     const struct relay_pem *key, const char *name, char *why, size_t why_n)
{
    struct relay_ctx *ctx = ctx_new(TLS_server_method());

    *out = NULL;
    snprintf(why, why_n, "out of memory");
    if (!ctx)
        return RELAY_E_NOMEM;
    return finish(out, ctx, use_identity(ctx->ssl, cert, key, name, why, why_n), why);
}

static int use_anchors(SSL_CTX *ssl, const struct relay_pem *pem, char *why, size_t why_n)
{
    X509_STORE *store = SSL_CTX_get_cert_store(ssl);
    BIO *bio = pem_bio(pem);
    size_t n = 0;
    bool bad = !bio;

    for (X509 *cert; !bad && (cert = pem_cert(bio)); n++) {
        bad = X509_STORE_add_cert(store, cert) != 1;
        X509_free(cert);
    }
    bad = bad || ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE;
    if (n == 0 || bad)
        snprintf(why, why_n, "%s: certificate %zu does not read (%s); give a PEM file with the CA",
                 pem->name, n + 1, reason());
    BIO_free(bio);
    ERR_clear_error();
    return n == 0 || bad ? RELAY_E_CONF : 0;
}

int relay_ctx_client(struct relay_ctx **out, const struct relay_pem *ca, char *why, size_t why_n)
{
    struct relay_ctx *ctx = ctx_new(TLS_client_method());
    int err = 0;

    *out = NULL;
    snprintf(why, why_n, "out of memory");
    if (!ctx)
        return RELAY_E_NOMEM;
    SSL_CTX_set_verify(ctx->ssl, SSL_VERIFY_PEER, NULL);
    if (ca)
        err = use_anchors(ctx->ssl, ca, why, why_n);
    else if (SSL_CTX_set_default_verify_paths(ctx->ssl) != 1)
        err = RELAY_E_NOMEM;
    return finish(out, ctx, err, why);
}

int relay_ctx_peer(struct relay_ctx **out, const struct relay_pem *cert,
                   const struct relay_pem *key, const char *name, const struct relay_pem *ca,
                   char *why, size_t why_n)
{
    struct relay_ctx *ctx;
    int err = relay_ctx_client(&ctx, ca, why, why_n);

    *out = NULL;
    if (err < 0)
        return err;
    ctx->host_flags = X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_WILDCARDS;
    err = use_identity(ctx->ssl, cert, key, name, why, why_n);
    /* the far relay would take us for a client */
    if (err == 0 &&
        X509_check_purpose(SSL_CTX_get0_certificate(ctx->ssl), X509_PURPOSE_SSL_CLIENT, 0) != 1) {
        snprintf(why, why_n,
                 "%s: the certificate is not for TLS clients, and peers are dialled with it; issue "
                 "one with serverAuth and clientAuth in its extendedKeyUsage",
                 cert->name);
        err = RELAY_E_CONF;
    }
    return finish(out, ctx, err, why);
}

/* rfc4976#6.1: certificates of clients are ignored, and so is what is none of a peer's: the verdict
 * stays with the connection, and the handshake goes on. */
static int note_verdict(X509_STORE_CTX *verdict, void *arg)
{
    (void)arg;
    if (X509_verify_cert(verdict) != 1 && X509_STORE_CTX_get_error(verdict) == X509_V_OK)
        X509_STORE_CTX_set_error(verdict, X509_V_ERR_UNSPECIFIED);
    ERR_clear_error();
    return 1;
}

/* The names of the anchors, so that clients do not send certificates of others. */
static int use_hints(SSL_CTX *ssl)
{
    STACK_OF(X509_OBJECT) *anchors = X509_STORE_get0_objects(SSL_CTX_get_cert_store(ssl));

    for (int i = 0; i < sk_X509_OBJECT_num(anchors); i++) {
        X509 *cert = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(anchors, i));

        if (cert && SSL_CTX_add_client_CA(ssl, cert) != 1)
            return RELAY_E_NOMEM;
    }
    return 0;
}

int relay_ctx_ask(struct relay_ctx *ctx, const struct relay_pem *ca, char *why, size_t why_n)
{
    int err = use_anchors(ctx->ssl, ca, why, why_n);

    if (err == 0 && (err = use_hints(ctx->ssl)) < 0)
        snprintf(why, why_n, "out of memory");
    ERR_clear_error();
    if (err < 0)
        return err;
    SSL_CTX_set_verify(ctx->ssl, SSL_VERIFY_PEER, NULL); /* who has none may go on */
    SSL_CTX_set_cert_verify_callback(ctx->ssl, note_verdict, NULL);
    why[0] = '\0';
    return 0;
}

struct relay_ctx *relay_ctx_ref(struct relay_ctx *ctx)
{
    ctx->refs++;
    return ctx;
}

void relay_ctx_unref(struct relay_ctx *ctx)
{
    if (!ctx || --ctx->refs > 0)
        return;
    SSL_CTX_free(ctx->ssl);
    free(ctx);
}

void relay_ctx_cleanse(void *ssl_ctx)
{
    (void)SSL_CTX_set_options(ssl_ctx, SSL_OP_CLEANSE_PLAINTEXT);
}
