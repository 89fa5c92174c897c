#include "relay/auth/jwk.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "relay/auth/base64.h"
#include "relay/auth/json.h"
#include "relay/err.h"

#define KEYS_MAX       64
#define RSA_OCTETS_MIN 256  /* 2048 bits (RFC 7518 3.3) */
#define RSA_OCTETS_MAX 1024 /* 8192 bits: more is only a burden */

struct relay_jwks {
    size_t n;
    struct relay_jwk keys[];
};

const char *relay_alg_name(enum relay_alg alg)
{
    static const char *const names[] = {"ES256", "RS256", "PS256"};

    return names[alg];
}

bool relay_kid_is_plain(struct msrp_str kid)
{
    for (size_t i = 0; i < kid.n; i++) {
        char c = kid.p[i];
        bool alnum = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!alnum && !memchr("._~-", c, 4))
            return false;
    }
    return kid.n > 0 && kid.n <= RELAY_KID_MAX;
}

int relay_jwk_failure(int err)
{
    unsigned long code;

    while ((code = ERR_get_error()))
        if (ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE)
            err = RELAY_E_NOMEM;
    return err;
}

static int build_key(const char *type, const OSSL_PARAM *params, int refusal, EVP_PKEY **out)
{
    EVP_PKEY_CTX *make = EVP_PKEY_CTX_new_from_name(NULL, type, NULL), *check = NULL;
    int err = refusal;

    if (make && EVP_PKEY_fromdata_init(make) == 1 &&
        EVP_PKEY_fromdata(make, out, EVP_PKEY_PUBLIC_KEY, (OSSL_PARAM *)(uintptr_t)params) == 1 &&
        (check = EVP_PKEY_CTX_new_from_pkey(NULL, *out, NULL)) && EVP_PKEY_public_check(check) == 1)
        err = 0;
    EVP_PKEY_CTX_free(make);
    EVP_PKEY_CTX_free(check);
    return err ? relay_jwk_failure(err) : 0;
}

/* One base64url member as octets. */
static ssize_t member_octets(const struct relay_json_value *jwk, const char *name, uint8_t *out,
                             size_t room)
{
    struct msrp_str text;

    if (relay_json_string(relay_json_get(jwk, name), &text))
        return -1;
    return relay_base64_decode(text.p, text.n, out, room);
}

/* rfc7518#6.2.1 */
static int read_ec(const struct relay_json_value *jwk, struct relay_jwk *key)
{
    uint8_t point[65] = {0x04};
    char group[] = "P-256";
    struct msrp_str crv;
    OSSL_PARAM params[3] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point),
        OSSL_PARAM_construct_end()};

    if (relay_json_string(relay_json_get(jwk, "crv"), &crv) || !msrp_str_is(crv, "P-256"))
        return RELAY_E_JWK_KTY;
    if (key->alg != RELAY_ALG_ES256)
        return RELAY_E_JWK_ALG;
    /* rfc7518#6.2.1.2: always the full 32 octets */
    if (member_octets(jwk, "x", point + 1, 32) != 32 ||
        member_octets(jwk, "y", point + 33, 32) != 32)
        return RELAY_E_JWK_POINT;
    return build_key("EC", params, RELAY_E_JWK_POINT, &key->pkey);
}

/* rfc7518#6.3.1 */
static int read_rsa(const struct relay_json_value *jwk, struct relay_jwk *key)
{
    uint8_t n[RSA_OCTETS_MAX], e[8];
    ssize_t n_n = member_octets(jwk, "n", n, sizeof n);
    ssize_t e_n = member_octets(jwk, "e", e, sizeof e);
    OSSL_PARAM_BLD *bld = NULL;
    OSSL_PARAM *params = NULL;
    BIGNUM *bn_n = NULL, *bn_e = NULL;
    int err = RELAY_E_NOMEM;

    if (key->alg == RELAY_ALG_ES256)
        return RELAY_E_JWK_ALG;
    /* rfc7518#2 Base64urlUInt: no leading zero octet. An exponent of 1 signs nothing. */
    if (n_n < RSA_OCTETS_MIN || !(n[0] & 0x80) || !(n[n_n - 1] & 1) || e_n < 1 || e[0] == 0 ||
        !(e[e_n - 1] & 1) || (e_n == 1 && e[0] < 3))
        return RELAY_E_JWK_RSA;
    bld = OSSL_PARAM_BLD_new();
    bn_n = BN_bin2bn(n, (int)n_n, NULL);
    bn_e = BN_bin2bn(e, (int)e_n, NULL);
    if (bld && bn_n && bn_e && OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, bn_n) == 1 &&
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, bn_e) == 1 &&
        (params = OSSL_PARAM_BLD_to_param(bld)))
        err = build_key("RSA", params, RELAY_E_JWK_RSA, &key->pkey);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(bld);
    BN_free(bn_n);
    BN_free(bn_e);
    return err;
}

/* rfc7517#4.2, 4.3 */
static bool is_for_signatures(const struct relay_json_value *jwk)
{
    const struct relay_json_value *use = relay_json_get(jwk, "use");
    const struct relay_json_value *ops = relay_json_get(jwk, "key_ops");
    struct msrp_str text;

    if (use && (relay_json_string(use, &text) || !msrp_str_is(text, "sig")))
        return false;
    if (!ops)
        return true;
    if (relay_json_type(ops) != RELAY_JSON_ARRAY)
        return false;
    for (ops = relay_json_first(ops); ops; ops = relay_json_next(ops))
        if (relay_json_string(ops, &text) == 0 && msrp_str_is(text, "verify"))
            return true;
    return false;
}

static int read_key(const struct relay_json_value *jwk, struct relay_jwk *key)
{
    static const char *const private[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};
    struct msrp_str kty, kid, alg;
    size_t i;

    if (relay_json_type(jwk) != RELAY_JSON_OBJECT)
        return RELAY_E_JWK_FORM;
    for (i = 0; i < sizeof private / sizeof *private; i++)
        if (relay_json_get(jwk, private[i]))
            return RELAY_E_JWK_PRIVATE;
    if (relay_json_string(relay_json_get(jwk, "kty"), &kty))
        return RELAY_E_JWK_KTY;
    if (relay_json_string(relay_json_get(jwk, "kid"), &kid) || !relay_kid_is_plain(kid))
        return RELAY_E_JWK_KID;
    memcpy(key->kid, kid.p, kid.n); /* the rest is zero */
    if (!is_for_signatures(jwk))
        return RELAY_E_JWK_USE;
    if (relay_json_string(relay_json_get(jwk, "alg"), &alg))
        return RELAY_E_JWK_ALG;
    for (i = 0; i <= RELAY_ALG_PS256; i++)
        if (msrp_str_is(alg, relay_alg_name((enum relay_alg)i)))
            break;
    if (i > RELAY_ALG_PS256)
        return RELAY_E_JWK_ALG;
    key->alg = (enum relay_alg)i;
    if (msrp_str_is(kty, "EC"))
        return read_ec(jwk, key);
    return msrp_str_is(kty, "RSA") ? read_rsa(jwk, key) : RELAY_E_JWK_KTY;
}

int relay_jwks_parse(const char *p, size_t n, struct relay_jwks **out)
{
    const struct relay_json_value *keys, *jwk;
    struct relay_jwks *jwks = NULL;
    struct relay_json *json;
    size_t count = 0;
    int err;

    *out = NULL;
    if ((err = relay_json_parse(p, n, RELAY_JSON_JWKS_MAX, &json)))
        return err;
    err = RELAY_E_JWK_FORM;
    keys = relay_json_get(relay_json_root(json), "keys");
    if (!keys || relay_json_type(keys) != RELAY_JSON_ARRAY)
        goto out;
    for (jwk = relay_json_first(keys); jwk; jwk = relay_json_next(jwk))
        count++;
    err = RELAY_E_JWK_COUNT;
    if (count == 0 || count > KEYS_MAX)
        goto out;
    err = RELAY_E_NOMEM;
    jwks = calloc(1, sizeof *jwks + count * sizeof *jwks->keys);
    if (!jwks)
        goto out;
    err = 0;
    for (jwk = relay_json_first(keys); jwk && !err; jwk = relay_json_next(jwk)) {
        struct relay_jwk *key = &jwks->keys[jwks->n];
        err = read_key(jwk, key);
        if (!err && relay_jwks_find(jwks, msrp_str_of(key->kid)))
            err = RELAY_E_JWK_TWICE;
        jwks->n++; /* also after an error: the key may hold a pkey to free */
    }
out:
    relay_json_free(json);
    if (err)
        relay_jwks_free(jwks);
    else
        *out = jwks;
    return err;
}

void relay_jwks_free(struct relay_jwks *jwks)
{
    for (size_t i = 0; jwks && i < jwks->n; i++)
        EVP_PKEY_free(jwks->keys[i].pkey);
    free(jwks);
}

const struct relay_jwk *relay_jwks_find(const struct relay_jwks *jwks, struct msrp_str kid)
{
    for (size_t i = 0; i < jwks->n; i++)
        if (msrp_str_is(kid, jwks->keys[i].kid))
            return &jwks->keys[i];
    return NULL;
}

const struct relay_jwk *relay_jwks_at(const struct relay_jwks *jwks, size_t i)
{
    return i < jwks->n ? &jwks->keys[i] : NULL;
}
