#include "relay/auth/claims.h"

#include <string.h>

#include <openssl/crypto.h>

#include "relay/auth/jws.h"
#include "relay/err.h"

static int64_t skew_of(const struct relay_auth *auth)
{
    return auth->skew_s < RELAY_SKEW_MAX_S ? auth->skew_s : RELAY_SKEW_MAX_S;
}

/* Visible ASCII and space (rfc6749#A.1 VSCHAR): fit for a log line. */
static bool is_printable(struct msrp_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < 0x20 || s.p[i] > 0x7e)
            return false;
    return true;
}

/* An absent member leaves *out alone. */
static int optional_time(const struct relay_json_value *claims, const char *name, int64_t *out)
{
    const struct relay_json_value *member = relay_json_get(claims, name);

    return member ? relay_json_integer(member, out) : 0;
}

/* rfc7519#4.1.4, 4.1.5, 4.1.6: at the second of exp plus skew the token is over. */
static int check_times(const struct relay_json_value *claims, int64_t now_s, int64_t skew_s,
                       struct relay_claims *out)
{
    int64_t nbf = INT64_MIN, iat = INT64_MIN;
    int err;

    if (!relay_json_get(claims, "exp"))
        return RELAY_E_CLAIM_EXP_NONE;
    if ((err = optional_time(claims, "exp", &out->exp)))
        return err;
    if (now_s - skew_s >= out->exp)
        return RELAY_E_CLAIM_EXP;
    if ((err = optional_time(claims, "nbf", &nbf)))
        return err;
    if (now_s + skew_s < nbf)
        return RELAY_E_CLAIM_NBF;
    if ((err = optional_time(claims, "iat", &iat)))
        return err;
    if (now_s + skew_s < iat)
        return RELAY_E_CLAIM_IAT;
    out->iat = iat == INT64_MIN ? 0 : iat;
    return 0;
}

/* rfc7519#4.1.3: one string or an array of them. */
static bool is_for_us(const struct relay_json_value *aud, const char *audience)
{
    struct msrp_str text;
    bool found = false;

    if (relay_json_string(aud, &text) == 0)
        return msrp_str_is(text, audience);
    if (!aud || relay_json_type(aud) != RELAY_JSON_ARRAY)
        return false;
    for (aud = relay_json_first(aud); aud; aud = relay_json_next(aud)) {
        if (relay_json_string(aud, &text))
            return false;
        found |= msrp_str_is(text, audience);
    }
    return found;
}

/* rfc6749#3.3: words between single spaces, case counts. */
static bool has_scope(const struct relay_json_value *claims, const char *scope)
{
    struct msrp_str list, word;

    if (relay_json_string(relay_json_get(claims, "scope"), &list))
        return false;
    while (list.n) {
        msrp_str_cut(list, ' ', &word, &list);
        if (msrp_str_is(word, scope))
            return true;
    }
    return false;
}

/* Copies a claim that must be there as 1..255 printable characters. */
static bool take_name(const struct relay_json_value *claims, const char *name,
                      char out[RELAY_CLAIM_MAX + 1])
{
    struct msrp_str text;

    if (relay_json_string(relay_json_get(claims, name), &text) || text.n == 0 ||
        text.n > RELAY_CLAIM_MAX || !is_printable(text))
        return false;
    memcpy(out, text.p, text.n + 1);
    return true;
}

static int check_user(const struct relay_auth *auth, const struct relay_issuer *issuer,
                      const struct relay_json_value *claims, struct relay_claims *out)
{
    struct msrp_str id;
    int err;

    if (relay_json_string(relay_json_get(claims, "mcdata_id"), &id) || id.n == 0)
        return RELAY_E_CLAIM_MCDATA_ID;
    if ((err = relay_mcdata_id_parse(id, out->mcdata_id)))
        return err;
    if (issuer->domains.n && !relay_domain_has(issuer->domains, out->mcdata_id))
        return RELAY_E_ISSUER_DOMAIN;
    if (auth->iops && (err = relay_iops_check(auth->iops_domains, auth->iops_users, out->mcdata_id,
                                              relay_json_get(claims, "mcvideo_id") != NULL,
                                              relay_json_get(claims, "mcrec_id") != NULL)))
        return err;
    out->has_mcptt_id = relay_json_get(claims, "mcptt_id") != NULL;
    return relay_mcdata_id_is_in(auth->revoked, out->mcdata_id) ? RELAY_E_REVOKED : 0;
}

/* The order is that of profile 2.4. */
static int check_claims(const struct relay_auth *auth, const struct relay_issuer *issuer,
                        const struct relay_json_value *claims, int64_t now_s,
                        struct relay_claims *out)
{
    struct msrp_str jti;
    int err;

    if ((err = check_times(claims, now_s, skew_of(auth), out)))
        return err;
    /* the issuer is the owner of the key, whatever the token says (rfc8725#3.8) */
    if (!take_name(claims, "iss", out->iss) || strcmp(out->iss, issuer->iss) != 0)
        return RELAY_E_CLAIM_ISS;
    if (auth->audience && !is_for_us(relay_json_get(claims, "aud"), auth->audience))
        return RELAY_E_CLAIM_AUD;
    if (!has_scope(claims, auth->scope))
        return RELAY_E_CLAIM_SCOPE;
    if (!take_name(claims, "client_id", out->client_id))
        return RELAY_E_CLAIM_CLIENT;
    if ((err = check_user(auth, issuer, claims, out)))
        return err;
    if (relay_json_string(relay_json_get(claims, "jti"), &jti) == 0 && jti.n < sizeof out->jti &&
        is_printable(jti))
        memcpy(out->jti, jti.p, jti.n + 1);
    return 0;
}

static const struct relay_issuer *issuer_of_kid(const struct relay_auth *auth, const char *kid,
                                                const struct relay_jwk **key)
{
    for (size_t i = 0; i < auth->issuers_n; i++)
        if ((*key = relay_jwks_find(auth->issuers[i].keys, msrp_str_of(kid))))
            return &auth->issuers[i];
    return NULL;
}

int relay_auth_token(const struct relay_auth *auth, struct msrp_str token, int64_t now_s,
                     struct relay_claims *out)
{
    const struct relay_issuer *issuer;
    const struct relay_jwk *key;
    struct relay_json *claims = NULL;
    struct relay_jws jws;
    int err;

    memset(out, 0, sizeof *out);
    if ((err = relay_jws_split(token, &jws)))
        goto out;
    err = RELAY_E_JWS_KID;
    issuer = issuer_of_kid(auth, jws.kid, &key);
    if (!issuer || (err = relay_jws_verify(&jws, key, &claims)))
        goto out;
    err = check_claims(auth, issuer, relay_json_root(claims), now_s, out);
    memcpy(out->kid, key->kid, sizeof out->kid);
out:
    relay_json_free(claims);
    OPENSSL_cleanse(&jws, sizeof jws);
    if (err)
        memset(out, 0, sizeof *out);
    return err;
}

int relay_auth_recheck(const struct relay_auth *auth, const struct relay_claims *claims,
                       int64_t now_s)
{
    const struct relay_issuer *issuer;
    const struct relay_jwk *key;

    if (now_s - skew_of(auth) >= claims->exp)
        return RELAY_E_CLAIM_EXP;
    issuer = issuer_of_kid(auth, claims->kid, &key);
    if (!issuer)
        return RELAY_E_JWS_KID;
    if (strcmp(issuer->iss, claims->iss) != 0)
        return RELAY_E_CLAIM_ISS;
    if (issuer->domains.n && !relay_domain_has(issuer->domains, claims->mcdata_id))
        return RELAY_E_ISSUER_DOMAIN;
    /* what mcvideo_id and mcrec_id the token had was judged when it came */
    return relay_auth_user(auth, claims->mcdata_id);
}

int relay_auth_user(const struct relay_auth *auth, const char *mcdata_id)
{
    if (!auth)
        return 0;
    if (auth->iops &&
        relay_iops_check(auth->iops_domains, auth->iops_users, mcdata_id, false, false))
        return RELAY_E_IOPS_DOMAIN;
    return relay_mcdata_id_is_in(auth->revoked, mcdata_id) ? RELAY_E_REVOKED : 0;
}

/* --- the configuration itself --------------------------------------------------------------- */

static bool is_id_list(struct relay_list ids)
{
    char id[RELAY_MCDATA_ID_MAX + 1];

    for (size_t i = 0; i < ids.n; i++)
        if (relay_mcdata_id_parse(msrp_str_of(ids.p[i]), id))
            return false;
    return true;
}

static const char *fault_of_issuer(const struct relay_auth *auth, const struct relay_issuer *issuer)
{
    const struct relay_jwk *key;
    size_t n = issuer->iss ? strlen(issuer->iss) : 0;

    if (n == 0 || n > RELAY_CLAIM_MAX)
        return "an issuer needs a name of 1 to 255 octets";
    if (!issuer->keys)
        return "an issuer has no keys";
    if (auth->issuers_n > 1 && issuer->domains.n == 0)
        return "with several issuers each needs the domains it may speak for";
    for (const struct relay_issuer *other = auth->issuers; other < issuer; other++) {
        if (strcmp(other->iss, issuer->iss) == 0)
            return "an issuer stands twice";
        for (size_t i = 0; (key = relay_jwks_at(issuer->keys, i)); i++)
            if (relay_jwks_find(other->keys, msrp_str_of(key->kid)))
                return "two issuers have keys with the same kid";
    }
    return NULL;
}

static const char *fault_of_auth(const struct relay_auth *auth)
{
    const char *fault;

    if (auth->issuers_n == 0 && !auth->is_tokenless)
        return "no token issuer is configured";
    for (size_t i = 0; i < auth->issuers_n; i++)
        if ((fault = fault_of_issuer(auth, &auth->issuers[i])))
            return fault;
    if (!auth->scope || !*auth->scope || strchr(auth->scope, ' '))
        return "the scope is not one word";
    if (auth->audience && !*auth->audience)
        return "the audience is empty";
    if (auth->skew_s > RELAY_SKEW_MAX_S)
        return "the clock skew is over 60 s";
    if (auth->iops && auth->iops_domains.n == 0 && auth->iops_users.n == 0)
        return "IOPS mode needs domains or users";
    if (!is_id_list(auth->iops_users))
        return "an IOPS user is not a sip: or tel: URI";
    return is_id_list(auth->revoked) ? NULL : "a revoked user is not a sip: or tel: URI";
}

int relay_auth_check(const struct relay_auth *auth, const char **why)
{
    *why = fault_of_auth(auth);
    return *why ? RELAY_E_CONF : 0;
}
