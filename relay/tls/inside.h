/* inside.h - what the files of this room share. Private to relay/tls. */
#ifndef RELAY_TLS_INSIDE_H
#define RELAY_TLS_INSIDE_H

#include <openssl/types.h>

#include "relay/tls/ctx.h"

/* Borrowed. */
SSL_CTX *relay_ctx_ssl(struct relay_ctx *ctx);

#endif
