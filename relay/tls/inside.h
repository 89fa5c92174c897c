/* inside.h - what the files of this room share. Private to relay/tls. */
#ifndef RELAY_TLS_INSIDE_H
#define RELAY_TLS_INSIDE_H

#include <openssl/types.h>

#include "relay/tls/ctx.h"

struct relay_tls; /* relay/tls/tls.h */

/* Borrowed. */
SSL_CTX *relay_ctx_ssl(struct relay_ctx *ctx);
SSL *relay_tls_ssl(const struct relay_tls *tls);

/* X509_CHECK_FLAG_: how a client looks for the host in the server's certificate. */
unsigned relay_ctx_host_flags(const struct relay_ctx *ctx);

#endif
