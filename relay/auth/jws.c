#include "relay/auth/jws.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "relay/auth/base64.h"
#include "relay/err.h"

/* The order of P-256 (FIPS 186-4 D.1.2.3). */
static const uint8_t p256_order[32] = {
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};

/* An absent member leaves *out empty. */
static int optional_string(const struct relay_json_value *head, const char *name,
                           struct msrp_str *out)
{
    const struct relay_json_value *member = relay_json_get(head, name);

    *out = (struct msrp_str){NULL, 0};
    return member ? relay_json_string(member, out) : 0;
}

/* Members by which a token would choose how it is checked. None is ever followed; a token that has
 * one was not made for us. */
static int check_members(const struct relay_json_value *head)
{
    static const char *const inside[] = {"jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256"};

    if (relay_json_get(head, "crit"))
        return RELAY_E_JWS_CRIT; /* rfc7515#4.1.11: we know no extension */
    if (relay_json_get(head, "b64"))
        return RELAY_E_JWS_B64;
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++)
        if (relay_json_get(head, inside[i]))
            return RELAY_E_JWS_KEY_INSIDE;
    return 0;
}

/* rfc9068#2.1, rfc8725#3.11. An absent typ and "JWT" pass: table B.2.2.3-1 predates at+jwt. */
static int check_typ(const struct relay_json_value *head)
{
    struct msrp_str typ;
    int err = optional_string(head, "typ", &typ);

    if (err)
        return err;
    if (relay_json_get(head, "cty") || relay_json_get(head, "zip"))
        return RELAY_E_JWS_TYP; /* a token in a token, a packed token */
    if (!typ.p || msrp_str_is_nocase(typ, "at+jwt") ||
        msrp_str_is_nocase(typ, "application/at+jwt") || msrp_str_is_nocase(typ, "JWT"))
        return 0;
    return RELAY_E_JWS_TYP;
}

static int read_head(const struct relay_json_value *head, struct relay_jws *jws)
{
    struct msrp_str alg, kid;
    int err;

    if (relay_json_type(head) != RELAY_JSON_OBJECT)
        return RELAY_E_JWS_FORM;
    if ((err = check_members(head)) || (err = check_typ(head)) ||
        (err = optional_string(head, "alg", &alg)) || (err = optional_string(head, "kid", &kid)))
        return err;
    /* rfc8725#3.1, 3.2: no key of ours is ever an HMAC key, so no such token may get near one */
    if (alg.n == 0 || msrp_str_is_nocase(alg, "none") || msrp_str_has_prefix_nocase(alg, "HS"))
        return RELAY_E_JWS_ALG_BARRED;
    if (kid.p && !relay_kid_is_plain(kid))
        return RELAY_E_JWS_KID_FORM;
    memcpy(jws->kid, kid.n ? kid.p : "", kid.n);
    if (alg.n < sizeof jws->alg) /* a longer one stays empty and fits no key */
        memcpy(jws->alg, alg.p, alg.n);
    return 0;
}

int relay_jws_split(struct msrp_str token, struct relay_jws *jws)
{
    char head[RELAY_JWS_HEAD_MAX];
    struct msrp_str head64, rest, sig64;
    struct relay_json *json = NULL;
    ssize_t n;
    int err;

    memset(jws, 0, sizeof *jws);
    if (token.n > RELAY_JWS_MAX)
        return RELAY_E_JWS_SIZE;
    if (!msrp_str_cut(token, '.', &head64, &rest) ||
        !msrp_str_cut(rest, '.', &jws->payload, &sig64) || memchr(sig64.p, '.', sig64.n) ||
        head64.n == 0 || jws->payload.n == 0 || sig64.n == 0)
        return RELAY_E_JWS_FORM;
    jws->input = (struct msrp_str){token.p, head64.n + 1 + jws->payload.n};
    if (relay_base64_decode(head64.p, head64.n, NULL, 0) < 0 ||
        relay_base64_decode(jws->payload.p, jws->payload.n, NULL, 0) < 0 ||
        relay_base64_decode(sig64.p, sig64.n, NULL, 0) < 0)
        return RELAY_E_JWS_BASE64;
    n = relay_base64_decode(head64.p, head64.n, head, sizeof head);
    if (n < 0)
        return RELAY_E_JSON_SIZE;
    if ((err = relay_json_parse(head, (size_t)n, sizeof head, &json)) ||
        (err = read_head(relay_json_root(json), jws)))
        goto out;
    n = relay_base64_decode(sig64.p, sig64.n, jws->sig, sizeof jws->sig);
    if (n < 0)
        err = RELAY_E_JWS_SIG_SIZE;
    else
        jws->sig_n = (size_t)n;
out:
    relay_json_free(json);
    return err;
}

/* rfc7518#3.4: r and s, 32 octets each, become the DER that libcrypto reads. Returns its length in
 * `der` or the reason. */
static int der_of_raw(const uint8_t *raw, uint8_t der[80])
{
    static const uint8_t zero[32];
    ECDSA_SIG *sig = NULL;
    BIGNUM *r = NULL, *s = NULL;
    uint8_t *to = der;
    int n = RELAY_E_NOMEM;

    for (int i = 0; i < 64; i += 32)
        if (memcmp(raw + i, zero, 32) == 0 || memcmp(raw + i, p256_order, 32) >= 0)
            return RELAY_E_JWS_SIG_RANGE;
    sig = ECDSA_SIG_new();
    r = BN_bin2bn(raw, 32, NULL);
    s = BN_bin2bn(raw + 32, 32, NULL);
    if (sig && r && s && ECDSA_SIG_set0(sig, r, s) == 1) {
        r = s = NULL; /* the signature owns them now */
        n = i2d_ECDSA_SIG(sig, &to);
        if (n <= 0)
            n = RELAY_E_NOMEM;
    }
    ECDSA_SIG_free(sig);
    BN_free(r);
    BN_free(s);
    return n;
}

static int check_signature(const struct relay_jws *jws, const struct relay_jwk *key)
{
    const uint8_t *sig = jws->sig;
    size_t sig_n = jws->sig_n;
    EVP_PKEY_CTX *pctx = NULL;
    EVP_MD_CTX *ctx = NULL;
    uint8_t der[80]; /* 2 + 2 * (2 + 33) at most */
    int n, err = RELAY_E_JWS_SIG;

    if (key->alg == RELAY_ALG_ES256) {
        if (sig_n != 64)
            return RELAY_E_JWS_SIG_SIZE;
        n = der_of_raw(sig, der);
        if (n < 0)
            return n;
        sig = der;
        sig_n = (size_t)n;
    } else if (sig_n != (size_t)EVP_PKEY_get_size(key->pkey)) {
        return RELAY_E_JWS_SIG_SIZE;
    }
    ctx = EVP_MD_CTX_new();
    if (!ctx)
        return RELAY_E_NOMEM;
    if (EVP_DigestVerifyInit_ex(ctx, &pctx, "SHA256", NULL, NULL, key->pkey, NULL) == 1 &&
        /* rfc7518#3.5: MGF1 with SHA-256 (libcrypto's default), a salt as long as the digest */
        (key->alg != RELAY_ALG_PS256 ||
         (EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1 &&
          EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST) == 1)) &&
        EVP_DigestVerify(ctx, sig, sig_n, (const uint8_t *)jws->input.p, jws->input.n) == 1)
        err = 0;
    EVP_MD_CTX_free(ctx);
    return err ? relay_jwk_failure(err) : 0;
}

int relay_jws_verify(const struct relay_jws *jws, const struct relay_jwk *key,
                     struct relay_json **claims)
{
    size_t room = RELAY_BASE64_OCTETS(jws->payload.n);
    char *payload;
    ssize_t n;
    int err;

    *claims = NULL;
    if (strcmp(jws->alg, relay_alg_name(key->alg)) != 0)
        return RELAY_E_JWS_ALG;
    if ((err = check_signature(jws, key)))
        return err;
    payload = malloc(room + 1);
    if (!payload)
        return RELAY_E_NOMEM;
    n = relay_base64_decode(jws->payload.p, jws->payload.n, payload, room);
    err = n < 0 ? (int)n : relay_json_parse(payload, (size_t)n, RELAY_JSON_JWT_MAX, claims);
    if (!err && relay_json_type(relay_json_root(*claims)) != RELAY_JSON_OBJECT) {
        relay_json_free(*claims);
        *claims = NULL;
        err = RELAY_E_JWS_FORM;
    }
    OPENSSL_cleanse(payload, room);
    free(payload);
    return err;
}
