/* ctx.h - TLS contexts: what we offer, who we are, whom we trust.
 *
 * One context serves every connection made from it; connections keep it alive, so a new context can
 * replace it at any time (reload) and only new handshakes see the change.
 *
 * Offered: TLS 1.3, and TLS 1.2 with ECDHE and AEAD. Never: renegotiation, compression, tickets,
 * session resumption, 0-RTT. The CBC suite of rfc4976#9.2 is not offered (rfc9325).
 *
 * The room opens no file: certificates come as PEM octets with the name of where they came from,
 * which the error texts use. */
#ifndef RELAY_TLS_CTX_H
#define RELAY_TLS_CTX_H

#include <stddef.h>

#include "relay/err.h"

enum {
    RELAY_CTX_CHAIN_MAX = 4,            /* certificates of a chain, the trust anchor included */
    RELAY_CTX_CHAIN_OCTETS = 16 * 1024, /* octets of a chain on the wire */
    RELAY_CTX_WHY = 512,                /* room for an error text */
};

struct relay_ctx;

/* PEM octets and the name of the file they came from. */
struct relay_pem {
    const char *name;
    const char *p;
    size_t n;
};

/* A server's context: `cert` holds its certificate, then the intermediates; `key` the private key.
 * The certificate must be valid for `name` by a DNS SAN; a `name` that is an IP address is refused
 * (rfc4976#4.2). Expired and not-yet-valid certificates are loaded (a field box may have no clock
 * yet). On failure *out is NULL and `why` (why_n octets) says which file is wrong and what to do.
 * 0, RELAY_E_CONF, RELAY_E_NOMEM. Release with relay_ctx_unref. */
int relay_ctx_server(struct relay_ctx **out, const struct relay_pem *cert,
                     const struct relay_pem *key, const char *name, char *why, size_t why_n)
    __attribute__((warn_unused_result));

/* A client's context: servers must chain to one of the certificates in `ca` (NULL: to one that the
 * system trusts). Same errors. */
int relay_ctx_client(struct relay_ctx **out, const struct relay_pem *ca, char *why, size_t why_n)
    __attribute__((warn_unused_result));

/* Lets a server's context ask for a client certificate that chains to one of `ca`, the CA of the
 * relays we are linked with (rfc4976#6.1, rows R17, R18). Who shows none, or one that does not
 * verify, is an ordinary client: its handshake goes on (relay_tls_names, relay_tls_stranger).
 * Before the first connection. 0, RELAY_E_CONF (why), RELAY_E_NOMEM. */
int relay_ctx_ask(struct relay_ctx *ctx, const struct relay_pem *ca, char *why, size_t why_n)
    __attribute__((warn_unused_result));

/* The context with which a relay dials another: it shows the certificate that it has as a server,
 * which must be good for clients too, and takes none that does not chain to one of `ca` or does not
 * hold the host as a dNSName, wildcards not counted. Arguments and errors of relay_ctx_server. */
int relay_ctx_peer(struct relay_ctx **out, const struct relay_pem *cert,
                   const struct relay_pem *key, const char *name, const struct relay_pem *ca,
                   char *why, size_t why_n) __attribute__((warn_unused_result));

struct relay_ctx *relay_ctx_ref(struct relay_ctx *ctx);
void relay_ctx_unref(struct relay_ctx *ctx); /* NULL is allowed */

/* Makes a context of another library (an SSL_CTX of libssl) wipe what it decrypted. */
void relay_ctx_cleanse(void *ssl_ctx);

#endif
