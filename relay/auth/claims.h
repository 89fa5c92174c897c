/* claims.h - from a token to a user: the one question the core asks of this room. */
#ifndef RELAY_AUTH_CLAIMS_H
#define RELAY_AUTH_CLAIMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "msrp/str.h"
#include "relay/auth/iops.h"
#include "relay/auth/json.h"
#include "relay/auth/jwk.h"

#define RELAY_SCOPE_DATA "3gpp:mc:data_service"
#define RELAY_SKEW_S     30 /* default */
#define RELAY_SKEW_MAX_S 60
#define RELAY_CLAIM_MAX  255 /* octets of client_id and iss */

/* One token issuer: its name, its keys, and the domains it may speak for. */
struct relay_issuer {
    const char *iss;               /* compared octet by octet with the claim */
    const struct relay_jwks *keys; /* only these keys sign for this issuer */
    struct relay_list domains;     /* empty: any domain (allowed for a single issuer only) */
};

/* The token rules of the relay. Plain values, borrowed and immutable while anybody uses them: a
 * change is a new struct. */
struct relay_auth {
    const struct relay_issuer *issuers;
    size_t issuers_n;
    bool is_tokenless;    /* there is no issuer, and that is meant: users come in by Digest only */
    const char *scope;    /* RELAY_SCOPE_DATA */
    const char *audience; /* NULL: `aud` is not looked at */
    uint32_t skew_s;      /* 0..RELAY_SKEW_MAX_S */
    bool iops;            /* the IOPS rule holds */
    struct relay_list iops_domains, iops_users;
    struct relay_list revoked; /* MCData IDs */
};

/* What a token that was accepted says. Copies: valid for ever. No part of the token itself. */
struct relay_claims {
    char mcdata_id[RELAY_MCDATA_ID_MAX + 1]; /* scheme and host in lower case */
    char client_id[RELAY_CLAIM_MAX + 1];
    char iss[RELAY_CLAIM_MAX + 1];
    char kid[RELAY_KID_MAX + 1];
    char jti[129]; /* "" when absent, longer, or not printable */
    int64_t exp;   /* seconds since 1970 */
    int64_t iat;   /* 0 when absent */
    bool has_mcptt_id;
};

/* Is this configuration usable? At least one issuer, unless is_tokenless; names of 1..255 octets,
 * unequal; keys there; no kid in two issuers' sets (a kid must name one issuer); domains for each
 * issuer when there are several; a scope; skew within its cap; in IOPS mode a domain or a user;
 * every listed ID well formed. Returns 0 or RELAY_E_CONF, then *why is a sentence (static storage)
 * for the operator. */
int relay_auth_check(const struct relay_auth *auth, const char **why)
    __attribute__((warn_unused_result));

/* Checks an access token of a Bearer credential, in the order of profile 2.4: form and header,
 * signature, exp, nbf, iat, iss, aud, scope, client_id, mcdata_id, its URI, issuer and domain, the
 * IOPS rule (only when auth->iops), revocation. The first fault is the answer. `auth` has passed
 * relay_auth_check; now_s is seconds since 1970. On success fills *out, else *out is all zero.
 * Returns 0, or the RELAY_E_ reason whose row says 401 or 403 (profile 2.5); RELAY_E_NOMEM. Copies
 * of the token are wiped. Does not write to *auth: many threads may ask at once. */
int relay_auth_token(const struct relay_auth *auth, struct msrp_str token, int64_t now_s,
                     struct relay_claims *out) __attribute__((warn_unused_result));

/* Would the token behind `claims`, accepted before, still be accepted now, under rules that may
 * have changed? Looks at exp plus skew, issuer and key (still configured), issuer and domain, IOPS
 * domain, revocation. Cheap: no cryptography, no allocation. Returns 0 or the reason:
 * RELAY_E_CLAIM_EXP, RELAY_E_CLAIM_ISS, RELAY_E_JWS_KID, RELAY_E_ISSUER_DOMAIN,
 * RELAY_E_IOPS_DOMAIN, RELAY_E_REVOKED. (profile 2.8) */
int relay_auth_recheck(const struct relay_auth *auth, const struct relay_claims *claims,
                       int64_t now_s) __attribute__((warn_unused_result));

/* The part of that which holds for a user however it came in: the IOPS domain, revocation. The ID
 * is one that relay_mcdata_id_parse gave; auth may be NULL. 0, RELAY_E_IOPS_DOMAIN or
 * RELAY_E_REVOKED. */
int relay_auth_user(const struct relay_auth *auth, const char *mcdata_id)
    __attribute__((warn_unused_result));

#endif
