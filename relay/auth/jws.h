/* jws.h - a signed token in compact form (RFC 7515), checked before anything in it is believed.
 *
 * Two steps: relay_jws_split reads the header, relay_jws_verify checks the signature under a key
 * that the caller has found by the kid, and only then gives the payload. */
#ifndef RELAY_AUTH_JWS_H
#define RELAY_AUTH_JWS_H

#include <stddef.h>
#include <stdint.h>

#include "msrp/str.h"
#include "relay/auth/json.h"
#include "relay/auth/jwk.h"

#define RELAY_JWS_MAX      16384 /* characters of a token */
#define RELAY_JWS_HEAD_MAX 2048  /* octets of its decoded header */
#define RELAY_JWS_SIG_MAX  1024  /* octets of its signature: RSA of 8192 bits */

/* A token taken apart. Plain data; `input` and `payload` are borrowed from the token. */
struct relay_jws {
    struct msrp_str input;       /* header.payload: what is signed */
    struct msrp_str payload;     /* strict base64url */
    char kid[RELAY_KID_MAX + 1]; /* "" when the header has none */
    char alg[16];                /* as the header says; believed by nobody */
    size_t sig_n;
    uint8_t sig[RELAY_JWS_SIG_MAX];
};

/* Takes a token apart and checks its header. In this order: RELAY_E_JWS_SIZE; RELAY_E_JWS_FORM (not
 * three non-empty parts; the header is no object); RELAY_E_JWS_BASE64;
 * RELAY_E_JSON_* (TYPE: a member of the wrong type) and RELAY_E_NOMEM for the header;
 * RELAY_E_JWS_CRIT (any `crit`; RFC 7515 4.1.11); RELAY_E_JWS_B64 (any `b64`; RFC 7797);
 * RELAY_E_JWS_KEY_INSIDE (jku, jwk, x5u, x5c, x5t, x5t#S256); RELAY_E_JWS_TYP (`typ` is there and
 * is none of at+jwt, application/at+jwt and JWT, case ignored; `cty` or `zip` is there);
 * RELAY_E_JWS_ALG_BARRED (none, HS*, in any case; no `alg`); RELAY_E_JWS_KID_FORM;
 * RELAY_E_JWS_SIG_SIZE (longer than any key's). 0 on success. */
int relay_jws_split(struct msrp_str token, struct relay_jws *jws)
    __attribute__((warn_unused_result));

/* Checks the signature of a token that was split, under `key` and its one algorithm. On success
 * *claims is the payload, a JSON object to be freed; else NULL. Returns 0; RELAY_E_JWS_ALG (header
 * and key differ); RELAY_E_JWS_SIG_SIZE (ES256: not 64 octets, RFC 7518 3.4; RSA: not the modulus
 * length); RELAY_E_JWS_SIG_RANGE (r or s is 0 or >= n); RELAY_E_JWS_SIG; then for the payload
 * RELAY_E_JSON_*, RELAY_E_JWS_FORM (no object); RELAY_E_NOMEM. */
int relay_jws_verify(const struct relay_jws *jws, const struct relay_jwk *key,
                     struct relay_json **claims) __attribute__((warn_unused_result));

#endif
