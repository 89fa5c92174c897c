/* jwksdir.h - the token rules: settings and JWKS files -> one struct relay_auth.
 *
 * A set of rules is immutable. The relay borrows it, so an old set lives until the relay has been
 * told about the new one. */
#ifndef RELAY_OPS_JWKSDIR_H
#define RELAY_OPS_JWKSDIR_H

#include "relay/auth/claims.h"
#include "relay/ops/conf.h"

enum { RELAY_JWKSDIR_OCTETS = 256 * 1024 }; /* of one JWKS file */

struct relay_rules; /* a struct relay_auth and what it borrows */

/* Reads every issuer's JWKS file and checks the whole. The settings outlive the rules. On failure
 * *out is NULL and `why` is `FILE: what is wrong; what to do`. 0, RELAY_E_CONF, RELAY_E_IO,
 * RELAY_E_NOMEM, RELAY_E_JSON_..., RELAY_E_JWK_... */
int relay_jwksdir_load(const struct relay_settings *settings, struct relay_rules **out, char *why,
                       size_t why_n) __attribute__((warn_unused_result));
const struct relay_auth *relay_rules_auth(const struct relay_rules *rules);
void relay_rules_free(struct relay_rules *rules); /* NULL is allowed */

/* A number that changes when any of those files does: for the poll. */
uint64_t relay_jwksdir_stamp(const struct relay_settings *settings);

#endif
