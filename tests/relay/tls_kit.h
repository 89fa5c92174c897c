/* tls_kit.h - certificates made on the spot, and a plain OpenSSL peer in memory. */
#ifndef TESTS_RELAY_TLS_KIT_H
#define TESTS_RELAY_TLS_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "relay/tls/tls.h"

#define KIT_NAME "relay.iops.example"

struct kit_cert {
    EVP_PKEY *key;
    X509 *cert;
    char *cert_pem, *key_pem;
};

static inline char *kit_pem(BIO *bio)
{
    char *p, *copy;
    long n = BIO_get_mem_data(bio, &p);

    copy = calloc(1, (size_t)n + 1);
    memcpy(copy, p, (size_t)n);
    BIO_free(bio);
    return copy;
}

static inline void kit_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *extension;

    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(cert, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

/* What a certificate shall be. */
struct kit_wish {
    const char *cn;
    const char *san;           /* "DNS:..."; "": none; NULL: a CA */
    const struct kit_cert *ca; /* signs it; NULL: it does itself */
    const char *use;           /* extendedKeyUsage, NULL: none */
    long ends_s;               /* seconds from now */
};

static inline struct kit_cert kit_make(const struct kit_wish *wish)
{
    struct kit_cert made = {.key = EVP_EC_gen("P-256"), .cert = X509_new()};
    X509_NAME *name = X509_get_subject_name(made.cert);
    X509 *issuer = wish->ca ? wish->ca->cert : made.cert;
    static long serial;
    BIO *bio;

    assert_non_null(made.key);
    X509_set_version(made.cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made.cert), ++serial);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)wish->cn, -1, -1,
                               0);
    X509_gmtime_adj(X509_getm_notBefore(made.cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(made.cert), wish->ends_s);
    X509_set_issuer_name(made.cert, X509_get_subject_name(issuer));
    X509_set_pubkey(made.cert, made.key);
    kit_extension(made.cert, issuer, NID_basic_constraints,
                  wish->san ? "critical,CA:FALSE" : "critical,CA:TRUE");
    if (wish->san && *wish->san)
        kit_extension(made.cert, issuer, NID_subject_alt_name, wish->san);
    if (wish->use)
        kit_extension(made.cert, issuer, NID_ext_key_usage, wish->use);
    assert_true(X509_sign(made.cert, wish->ca ? wish->ca->key : made.key, EVP_sha256()) > 0);
    bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, made.cert);
    made.cert_pem = kit_pem(bio);
    bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, made.key, NULL, NULL, 0, NULL, NULL);
    made.key_pem = kit_pem(bio);
    return made;
}

/* A certificate for `san` ("DNS:..."; NULL: a CA), signed by `ca` (NULL: by itself). */
static inline struct kit_cert kit_cert(const char *cn, const char *san, const struct kit_cert *ca)
{
    return kit_make(&(struct kit_wish){.cn = cn, .san = san, .ca = ca, .ends_s = 3600});
}

static inline void kit_cert_free(struct kit_cert *cert)
{
    EVP_PKEY_free(cert->key);
    X509_free(cert->cert);
    free(cert->cert_pem);
    free(cert->key_pem);
}

static inline struct relay_pem kit_file(const char *name, const char *text)
{
    return (struct relay_pem){name, text, strlen(text)};
}

static inline struct relay_ctx *kit_server_ctx(const struct kit_cert *leaf)
{
    struct relay_pem cert = kit_file("relay.pem", leaf->cert_pem);
    struct relay_pem key = kit_file("relay.key", leaf->key_pem);
    struct relay_ctx *ctx;
    char why[RELAY_CTX_WHY];

    assert_int_equal(relay_ctx_server(&ctx, &cert, &key, KIT_NAME, why, sizeof why), 0);
    return ctx;
}

static inline struct relay_ctx *kit_client_ctx(const struct kit_cert *ca)
{
    struct relay_pem pem = kit_file("ca.pem", ca->cert_pem);
    struct relay_ctx *ctx;
    char why[RELAY_CTX_WHY];

    assert_int_equal(relay_ctx_client(&ctx, &pem, why, sizeof why), 0);
    return ctx;
}

/* The context with which the relay `leaf` dials relays of `ca`. */
static inline struct relay_ctx *kit_peer_ctx(const struct kit_cert *leaf, const struct kit_cert *ca)
{
    struct relay_pem cert = kit_file("relay.pem", leaf->cert_pem);
    struct relay_pem key = kit_file("relay.key", leaf->key_pem);
    struct relay_pem pem = kit_file("peers.pem", ca->cert_pem);
    struct relay_ctx *ctx;
    char why[RELAY_CTX_WHY];

    assert_int_equal(relay_ctx_peer(&ctx, &cert, &key, KIT_NAME, &pem, why, sizeof why), 0);
    return ctx;
}

/* Makes a server's context ask for certificates of `ca`. */
static inline void kit_ask(struct relay_ctx *ctx, const struct kit_cert *ca)
{
    struct relay_pem pem = kit_file("peers.pem", ca->cert_pem);
    char why[RELAY_CTX_WHY];

    assert_int_equal(relay_ctx_ask(ctx, &pem, why, sizeof why), 0);
}

/* A client that is not ours, so that it can misbehave. */
struct kit_peer {
    SSL_CTX *ctx;
    SSL *ssl;
    BIO *in, *out; /* owned by ssl */
};

static inline struct kit_peer kit_peer(void)
{
    struct kit_peer peer = {.ctx = SSL_CTX_new(TLS_client_method())};

    SSL_CTX_set_security_level(peer.ctx, 0);
    peer.ssl = SSL_new(peer.ctx);
    peer.in = BIO_new(BIO_s_mem());
    peer.out = BIO_new(BIO_s_mem());
    SSL_set_bio(peer.ssl, peer.in, peer.out);
    SSL_set_connect_state(peer.ssl);
    return peer;
}

static inline void kit_peer_free(struct kit_peer *peer)
{
    SSL_free(peer->ssl);
    SSL_CTX_free(peer->ctx);
    ERR_clear_error();
}

/* Moves what tls has to say into the peer. */
static inline size_t kit_to_peer(struct relay_tls *tls, struct kit_peer *peer)
{
    const char *p;
    size_t n = relay_tls_output(tls, &p);

    if (n > 0)
        assert_int_equal(BIO_write(peer->in, p, (int)n), (int)n);
    relay_tls_sent(tls, n);
    return n;
}

/* Moves what the peer has to say into tls and drives it. Returns what relay_tls_poll said last. */
static inline int kit_from_peer(struct relay_tls *tls, struct kit_peer *peer, int64_t now_ms)
{
    char *p;
    long n = BIO_get_mem_data(peer->out, &p);
    int err = 0;

    if (n > 0) {
        assert_int_equal(relay_tls_feed(tls, p, (size_t)n), 0);
        err = relay_tls_poll(tls, now_ms);
        assert_int_equal(relay_tls_hold(tls), 0);
        (void)BIO_reset(peer->out);
    }
    return err;
}

/* Both ends talk until the handshake stands (0) or breaks (negative). */
static inline int kit_shake(struct relay_tls *tls, struct kit_peer *peer)
{
    for (int i = 0; i < 10; i++) {
        int err;

        (void)SSL_do_handshake(peer->ssl);
        if ((err = kit_from_peer(tls, peer, 0)) < 0)
            return err;
        kit_to_peer(tls, peer);
        if (SSL_is_init_finished(peer->ssl) && relay_tls_is_ready(tls))
            return 0;
    }
    return -1;
}

#endif
