/* jwk.h - the public keys of one token issuer (RFC 7517), read once, then immutable.
 *
 * A key says by its own entry for which one algorithm it may be used; no token can change that
 * (RFC 8725 3.1). Allowed: P-256 for ES256, RSA of 2048 to 8192 bits for RS256 or PS256. */
#ifndef RELAY_AUTH_JWK_H
#define RELAY_AUTH_JWK_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/types.h>

#include "msrp/str.h"

#define RELAY_KID_MAX 128 /* characters of [A-Za-z0-9._~-] */

enum relay_alg { RELAY_ALG_ES256, RELAY_ALG_RS256, RELAY_ALG_PS256 };

struct relay_jwk {
    char kid[RELAY_KID_MAX + 1];
    enum relay_alg alg;
    EVP_PKEY *pkey; /* public part only */
};

struct relay_jwks; /* a key set */

/* "ES256", "RS256" or "PS256". Static storage. */
const char *relay_alg_name(enum relay_alg alg);

/* Is it 1 to 128 characters of [A-Za-z0-9._~-]? */
bool relay_kid_is_plain(struct msrp_str kid);

/* The reason for a failed call of libcrypto: RELAY_E_NOMEM when its error queue says so, else
 * `err`. Empties the queue of this thread. */
int relay_jwk_failure(int err) __attribute__((warn_unused_result));

/* Reads a JWKS document of n octets. Each key needs `kty`, `kid` and `alg`; `use` must be "sig" and
 * `key_ops` must hold "verify" where present; private members are refused; at least one key, at
 * most 64. Nothing of p is kept. On success *out is a key set to be freed, and may be used by many
 * threads at once; on error it is NULL. Returns 0, one of RELAY_E_JSON_*, RELAY_E_JWK_* or
 * RELAY_E_NOMEM. */
int relay_jwks_parse(const char *p, size_t n, struct relay_jwks **out)
    __attribute__((warn_unused_result));
void relay_jwks_free(struct relay_jwks *jwks); /* NULL is allowed */

/* The key with this kid, or NULL. Borrowed from the set. */
const struct relay_jwk *relay_jwks_find(const struct relay_jwks *jwks, struct msrp_str kid);

/* Key i in the order of the document, NULL past the last. Borrowed from the set. */
const struct relay_jwk *relay_jwks_at(const struct relay_jwks *jwks, size_t i);

#endif
