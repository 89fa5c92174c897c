/* auth_token.h - makes keys, key sets and tokens, good ones and broken ones, for the auth tests.
 *
 * A token is described by a struct spec whose empty members mean "as in a good token"; a row of the
 * attack matrix is a spec with one fault, the reason it must earn, and its twin: the nearest spec
 * without the fault, which must be accepted. */
#ifndef TESTS_RELAY_AUTH_TOKEN_H
#define TESTS_RELAY_AUTH_TOKEN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "relay/auth/base64.h"
#include "relay/auth/claims.h"
#include "relay/auth/jws.h"
#include "relay/err.h"

#define NOW        1700000000 /* the tests' clock; the text below is NOW plus and minus */
#define NOW_TEXT   "1700000000"
#define LATER_TEXT "1700003600"

#define KID_LONG                                                                                   \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"                             \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde~" /* 128 */

/* Who signs, and how. */
enum signer {
    SIGN_EC,       /* ES256, key "ec-1" */
    SIGN_EC_OTHER, /* ES256, a key nobody knows */
    SIGN_EC_B,     /* ES256, key "ec-b" of the issuer for b.example */
    SIGN_RS,       /* RS256, key "rs-1" */
    SIGN_PS,       /* PS256, key "ps-1" */
    SIGN_HMAC_EC,  /* HS256 under the DER of the EC public key */
    SIGN_HMAC_RSA, /* HS256 under the DER of the RSA public key */
};

/* What happens to the raw signature before it is encoded. */
enum sig_fault {
    SIG_AS_IS,
    SIG_R_ZERO,
    SIG_S_ZERO,
    SIG_R_ORDER,
    SIG_S_ORDER,
    SIG_R_FULL,
    SIG_S_OVER,
    SIG_SWAPPED,
    SIG_HIGH_S,
    SIG_DER,
    SIG_CUT,
    SIG_LONGER,
    SIG_FLIP_FIRST,
    SIG_FLIP_LAST,
    SIG_ONE_OCTET,
    SIG_ZEROS,
    SIG_HUGE,
};

/* What happens to the finished text. */
enum text_fault {
    TEXT_AS_IS,
    TEXT_PAD,      /* '=' behind the signature */
    TEXT_PAD_HEAD, /* '=' behind the header */
    TEXT_SPACE_BEFORE,
    TEXT_NEWLINE_AFTER,
    TEXT_SPACE_INSIDE, /* in the signature */
    TEXT_PLUS,         /* a character of plain base64 in place of a good one */
    TEXT_SLASH,
    TEXT_TAIL_BITS, /* the unused bits of the last character set */
    TEXT_FOUR_PARTS,
    TEXT_TWO_PARTS,
    TEXT_DOT_BEFORE,
    TEXT_DOT_AFTER,
    TEXT_NO_SIG,
    TEXT_NO_PAYLOAD,
    TEXT_NUL_AFTER,
    TEXT_ODD,           /* one character more */
    TEXT_OTHER_PAYLOAD, /* the payload replaced after signing */
    TEXT_OTHER_HEAD,    /* the header replaced after signing */
    TEXT_HUGE,
};

struct raw {
    const char *p;
    size_t n;
};
#define RAW(lit)                                                                                   \
    {                                                                                              \
        (lit), sizeof(lit) - 1                                                                     \
    }
#define NONE "-" /* leaves the member out */

/* JSON texts of the members; NULL: the good value; NONE: absent. */
struct spec {
    const char *alg, *kid, *typ;
    const char *head_more; /* more members, `"a":1,` */
    const char *iss, *aud, *exp, *nbf, *iat, *scope, *client_id, *mcdata_id;
    const char *more;         /* more claims, `"a":1,` */
    struct raw head, payload; /* instead of all that */
    enum signer signer;
    enum sig_fault sig;
    enum text_fault text;
};

struct row {
    const char *name;
    int want;
    struct spec fault, twin;
};

static EVP_PKEY *key_ec, *key_ec_other, *key_ec_b, *key_rsa;
static struct relay_jwks *keys_a, *keys_b;

static const char *const token_domains[] = {"iops.example", "field.example"};
static const char *const token_domains_b[] = {"b.example"};
static const char *const token_users[] = {"sip:Guest@visitor.example", "tel:+1-201-555-0123"};
static const char *const token_revoked[] = {"SIP:mallory@IOPS.example"};
static struct relay_issuer token_issuers[2];
static struct relay_auth token_auth;

/* --- keys ------------------------------------------------------------------------------------- */

static void print_number(EVP_PKEY *key, const char *param, size_t n, char *out)
{
    uint8_t octets[512];
    BIGNUM *bn = NULL;

    assert_int_equal(EVP_PKEY_get_bn_param(key, param, &bn), 1);
    n = n ? n : (size_t)BN_num_bytes(bn);
    assert_int_equal(BN_bn2binpad(bn, octets, (int)n), n);
    relay_base64_encode(octets, n, out);
    BN_free(bn);
}

static void print_ec(EVP_PKEY *key, const char *kid, char *out, size_t room)
{
    char x[64], y[64];

    print_number(key, OSSL_PKEY_PARAM_EC_PUB_X, 32, x);
    print_number(key, OSSL_PKEY_PARAM_EC_PUB_Y, 32, y);
    snprintf(out, room,
             "{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"ES256\",\"use\":\"sig\","
             "\"kid\":\"%s\",\"x\":\"%s\",\"y\":\"%s\"}",
             kid, x, y);
}

static void print_rsa(EVP_PKEY *key, const char *kid, const char *alg, char *out, size_t room)
{
    char n[1400], e[16];

    print_number(key, OSSL_PKEY_PARAM_RSA_N, 0, n);
    print_number(key, OSSL_PKEY_PARAM_RSA_E, 0, e);
    snprintf(out, room, "{\"kty\":\"RSA\",\"alg\":\"%s\",\"kid\":\"%s\",\"n\":\"%s\",\"e\":\"%s\"}",
             alg, kid, n, e);
}

static inline int token_setup(void **state)
{
    char ec[512], ec_long[512], rs[2048], ps[2048], set[8192];
    const char *why;

    (void)state;
    key_ec = EVP_EC_gen("P-256");
    key_ec_other = EVP_EC_gen("P-256");
    key_ec_b = EVP_EC_gen("P-256");
    key_rsa = EVP_RSA_gen(2048);
    assert_true(key_ec && key_ec_other && key_ec_b && key_rsa);
    print_ec(key_ec, "ec-1", ec, sizeof ec);
    print_ec(key_ec, KID_LONG, ec_long, sizeof ec_long);
    print_rsa(key_rsa, "rs-1", "RS256", rs, sizeof rs);
    print_rsa(key_rsa, "ps-1", "PS256", ps, sizeof ps);
    snprintf(set, sizeof set, "{\"keys\":[%s,%s,%s,%s]}", ec, ec_long, rs, ps);
    assert_int_equal(relay_jwks_parse(set, strlen(set), &keys_a), 0);
    print_ec(key_ec_b, "ec-b", ec, sizeof ec);
    snprintf(set, sizeof set, "{\"keys\":[%s]}", ec);
    assert_int_equal(relay_jwks_parse(set, strlen(set), &keys_b), 0);
    token_issuers[0] = (struct relay_issuer){"https://idms.iops.example", keys_a, {NULL, 0}};
    token_issuers[1] =
        (struct relay_issuer){"https://idms.b.example", keys_b, {token_domains_b, 1}};
    static const char *const domains_a[] = {"iops.example", "field.example", "visitor.example",
                                            "outside.example"};
    token_issuers[0].domains = (struct relay_list){domains_a, 4};
    token_auth = (struct relay_auth){
        .issuers = token_issuers,
        .issuers_n = 2,
        .scope = RELAY_SCOPE_DATA,
        .audience = "relay.iops.example",
        .skew_s = RELAY_SKEW_S,
        .iops = true,
        .iops_domains = {token_domains, 2},
        .iops_users = {token_users, 2},
        .revoked = {token_revoked, 1},
    };
    assert_int_equal(relay_auth_check(&token_auth, &why), 0);
    return 0;
}

static inline int token_teardown(void **state)
{
    (void)state;
    relay_jwks_free(keys_a);
    relay_jwks_free(keys_b);
    EVP_PKEY_free(key_ec);
    EVP_PKEY_free(key_ec_other);
    EVP_PKEY_free(key_ec_b);
    EVP_PKEY_free(key_rsa);
    return 0;
}

/* --- signatures ------------------------------------------------------------------------------- */

static size_t sign_digest(EVP_PKEY *key, bool pss, const char *input, size_t n, uint8_t *out,
                          size_t room)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx = NULL;

    assert_int_equal(EVP_DigestSignInit_ex(ctx, &pctx, "SHA256", NULL, NULL, key, NULL), 1);
    if (pss) {
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST), 1);
    }
    assert_int_equal(EVP_DigestSign(ctx, out, &room, (const uint8_t *)input, n), 1);
    EVP_MD_CTX_free(ctx);
    return room;
}

static size_t sign_hmac(EVP_PKEY *key, const char *input, size_t n, uint8_t *out)
{
    uint8_t *der = NULL;
    int der_n = i2d_PUBKEY(key, &der);
    unsigned made = 0;

    assert_non_null(HMAC(EVP_sha256(), der, der_n, (const uint8_t *)input, n, out, &made));
    OPENSSL_free(der);
    return made;
}

static const char order_hex[] = "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551";

/* ES256: the DER of libcrypto becomes r || s, with the fault that needs r and s. */
static size_t raw_of_der(uint8_t *sig, size_t n, enum sig_fault fault)
{
    const uint8_t *p = sig;
    ECDSA_SIG *parsed = d2i_ECDSA_SIG(NULL, &p, (long)n);
    BIGNUM *order = NULL, *s = BN_dup(ECDSA_SIG_get0_s(parsed));

    BN_hex2bn(&order, order_hex);
    if (fault == SIG_HIGH_S)
        BN_sub(s, order, s);
    BN_bn2binpad(ECDSA_SIG_get0_r(parsed), sig, 32);
    BN_bn2binpad(s, sig + 32, 32);
    if (fault == SIG_R_ORDER)
        BN_bn2binpad(order, sig, 32);
    if (fault == SIG_S_ORDER)
        BN_bn2binpad(order, sig + 32, 32);
    BN_add_word(order, 1);
    if (fault == SIG_S_OVER)
        BN_bn2binpad(order, sig + 32, 32);
    BN_free(order);
    BN_free(s);
    ECDSA_SIG_free(parsed);
    return 64;
}

static size_t spoil_sig(uint8_t *sig, size_t n, size_t room, enum sig_fault fault)
{
    uint8_t half[32];

    switch (fault) {
    case SIG_R_ZERO:
        memset(sig, 0, 32);
        return n;
    case SIG_S_ZERO:
        memset(sig + 32, 0, 32);
        return n;
    case SIG_R_FULL:
        memset(sig, 0xff, 32);
        return n;
    case SIG_SWAPPED:
        memcpy(half, sig, 32);
        memcpy(sig, sig + 32, 32);
        memcpy(sig + 32, half, 32);
        return n;
    case SIG_CUT:
        return n - 1;
    case SIG_LONGER:
        sig[n] = 0;
        return n + 1;
    case SIG_FLIP_FIRST:
        sig[0] ^= 1;
        return n;
    case SIG_FLIP_LAST:
        sig[n - 1] ^= 0x80;
        return n;
    case SIG_ONE_OCTET:
        return 1;
    case SIG_ZEROS:
        memset(sig, 0, n);
        return n;
    case SIG_HUGE:
        memset(sig, 1, room);
        return room;
    default:
        return n;
    }
}

static size_t sign(const struct spec *spec, const char *input, size_t n, uint8_t *sig, size_t room)
{
    size_t sig_n;

    switch (spec->signer) {
    case SIGN_RS:
        sig_n = sign_digest(key_rsa, false, input, n, sig, room);
        break;
    case SIGN_PS:
        sig_n = sign_digest(key_rsa, true, input, n, sig, room);
        break;
    case SIGN_HMAC_EC:
        sig_n = sign_hmac(key_ec, input, n, sig);
        break;
    case SIGN_HMAC_RSA:
        sig_n = sign_hmac(key_rsa, input, n, sig);
        break;
    default:
        sig_n = sign_digest(spec->signer == SIGN_EC     ? key_ec
                            : spec->signer == SIGN_EC_B ? key_ec_b
                                                        : key_ec_other,
                            false, input, n, sig, room);
        if (spec->sig != SIG_DER)
            sig_n = raw_of_der(sig, sig_n, spec->sig);
    }
    return spoil_sig(sig, sig_n, room, spec->sig);
}

/* --- texts ------------------------------------------------------------------------------------ */

static void add_member(char *out, size_t room, const char *name, const char *given,
                       const char *good)
{
    size_t n = strlen(out);

    given = given ? given : good;
    if (strcmp(given, NONE) != 0)
        snprintf(out + n, room - n, "%s\"%s\":%s", out[n - 1] == '{' ? "" : ",", name, given);
}

static void add_more(char *out, size_t room, const char *more)
{
    size_t n = strlen(out);

    if (more)
        snprintf(out + n, room - n, "%s%s", out[n - 1] == '{' ? "" : ",", more);
}

static size_t print_head(const struct spec *spec, char *out, size_t room)
{
    static const char *const kids[] = {"\"ec-1\"", "\"ec-1\"", "\"ec-b\"", "\"rs-1\"",
                                       "\"ps-1\"", "\"ec-1\"", "\"rs-1\""};
    static const char *const algs[] = {"\"ES256\"", "\"ES256\"", "\"ES256\"", "\"RS256\"",
                                       "\"PS256\"", "\"HS256\"", "\"HS256\""};

    if (spec->head.p) {
        memcpy(out, spec->head.p, spec->head.n);
        return spec->head.n;
    }
    strcpy(out, "{");
    add_member(out, room, "typ", spec->typ, "\"at+jwt\"");
    add_member(out, room, "alg", spec->alg, algs[spec->signer]);
    add_member(out, room, "kid", spec->kid, kids[spec->signer]);
    add_more(out, room, spec->head_more);
    strcat(out, "}");
    return strlen(out);
}

static size_t print_payload(const struct spec *spec, char *out, size_t room)
{
    bool b = spec->signer == SIGN_EC_B;

    if (spec->payload.p) {
        memcpy(out, spec->payload.p, spec->payload.n);
        return spec->payload.n;
    }
    strcpy(out, "{");
    add_member(out, room, "iss", spec->iss,
               b ? "\"https://idms.b.example\"" : "\"https://idms.iops.example\"");
    add_member(out, room, "aud", spec->aud, "\"relay.iops.example\"");
    add_member(out, room, "exp", spec->exp, LATER_TEXT);
    add_member(out, room, "nbf", spec->nbf, NONE);
    add_member(out, room, "iat", spec->iat, NOW_TEXT);
    add_member(out, room, "scope", spec->scope, "\"openid 3gpp:mc:data_service\"");
    add_member(out, room, "client_id", spec->client_id, "\"mcdata-client\"");
    add_member(out, room, "mcdata_id", spec->mcdata_id,
               b ? "\"sip:bob@b.example\"" : "\"sip:alice@iops.example\"");
    add_more(out, room, spec->more);
    strcat(out, "}");
    return strlen(out);
}

static size_t insert(char *text, size_t n, size_t at, const char *what)
{
    size_t k = strlen(what);

    memmove(text + at + k, text + at, n - at);
    memcpy(text + at, what, k);
    return n + k;
}

static size_t spoil_text(char *text, size_t n, size_t room, enum text_fault fault)
{
    size_t dot1 = (size_t)((char *)memchr(text, '.', n) - text);
    size_t dot2 = dot1 + 1 + (size_t)((char *)memchr(text + dot1 + 1, '.', n) - text - dot1 - 1);

    switch (fault) {
    case TEXT_PAD:
        return insert(text, n, n, "==");
    case TEXT_PAD_HEAD:
        return insert(text, n, dot1, "=");
    case TEXT_SPACE_BEFORE:
        return insert(text, n, 0, " ");
    case TEXT_NEWLINE_AFTER:
        return insert(text, n, n, "\n");
    case TEXT_SPACE_INSIDE:
        return insert(text, n, dot2 + 20, "\r\n\t ");
    case TEXT_PLUS:
        text[dot2 + 5] = '+';
        return n;
    case TEXT_SLASH:
        text[dot2 + 5] = '/';
        return n;
    case TEXT_TAIL_BITS: /* 64 octets end in a character of which 4 bits are unused */
        text[n - 1] = (char)(text[n - 1] + 1);
        return n;
    case TEXT_FOUR_PARTS:
        return insert(text, n, n, ".AAAA");
    case TEXT_TWO_PARTS:
        return dot2;
    case TEXT_DOT_BEFORE:
        return insert(text, n, 0, ".");
    case TEXT_DOT_AFTER:
        return insert(text, n, n, ".");
    case TEXT_NO_SIG:
        return dot2 + 1;
    case TEXT_NO_PAYLOAD:
        memmove(text + dot1 + 1, text + dot2, n - dot2);
        return n - (dot2 - dot1 - 1);
    case TEXT_NUL_AFTER:
        text[n] = '\0';
        return n + 1;
    case TEXT_ODD:
        return insert(text, n, n, "AAA"); /* 86 + 3 = 1 over a multiple of 4 */
    case TEXT_OTHER_PAYLOAD:              /* base64url of {"iss" begins with eyJp */
        text[dot1 + 3] = text[dot1 + 3] == 'p' ? 'q' : 'p';
        return n;
    case TEXT_OTHER_HEAD: { /* the same header with one more space in front: other octets, same
                               meaning */
        uint8_t head[RELAY_JWS_HEAD_MAX];
        char again[RELAY_JWS_HEAD_MAX * 2];
        ssize_t k = relay_base64_decode(text, dot1, head + 1, sizeof head - 1);
        head[0] = ' ';
        size_t made = relay_base64_encode(head, (size_t)k + 1, again);
        memmove(text + made, text + dot1, n - dot1);
        memcpy(text, again, made);
        return n + made - dot1;
    }
    case TEXT_HUGE:
        memset(text + n, 'A', room - n);
        return room;
    default:
        return n;
    }
}

#define TOKEN_ROOM (1 << 20)

/* Makes the token of a spec in `out`, which has room for TOKEN_ROOM octets. */
static inline struct msrp_str token_make(const struct spec *spec, char *out)
{
    static char head[65536], payload[65536];
    uint8_t sig[2000];
    size_t n = relay_base64_encode(head, print_head(spec, head, sizeof head), out);

    out[n++] = '.';
    n += relay_base64_encode(payload, print_payload(spec, payload, sizeof payload), out + n);
    size_t sig_n = sign(spec, out, n, sig, sizeof sig);
    out[n++] = '.';
    n += relay_base64_encode(sig, sig_n, out + n);
    return (struct msrp_str){out, spoil_text(out, n, TOKEN_ROOM, spec->text)};
}

/* One verdict over one spec. The token stands in an exact heap block, so that a read past it shows.
 */
static inline int token_judge(const struct spec *spec, struct relay_claims *claims)
{
    static char text[TOKEN_ROOM];
    struct msrp_str token = token_make(spec, text);
    char *exact = malloc(token.n ? token.n : 1);

    assert_non_null(exact);
    memcpy(exact, token.p, token.n);
    int err = relay_auth_token(&token_auth, (struct msrp_str){exact, token.n}, NOW, claims);
    free(exact);
    return err;
}

/* The reasons that the matrices of this program have met. */
static int token_reasons[64], token_reasons_n;

static void note_reason(int err)
{
    for (int i = 0; i < token_reasons_n; i++)
        if (token_reasons[i] == err)
            return;
    token_reasons[token_reasons_n++] = err;
}

/* Every fault gets exactly its reason, every twin is accepted; at least `least` rows. */
static inline void token_matrix(const struct row *rows, size_t n, size_t least)
{
    static const struct relay_claims empty;
    struct relay_claims claims;

    assert_true(n >= least);
    for (size_t i = 0; i < n; i++) {
        int got = token_judge(&rows[i].fault, &claims);
        if (got != rows[i].want)
            fail_msg("%s: got %s, want %s", rows[i].name, relay_err_row(got)->name,
                     relay_err_row(rows[i].want)->name);
        note_reason(got);
        assert_memory_equal(&claims, &empty, sizeof claims);
        /* profile 2.5 */
        int status = relay_err_row(got)->status;
        assert_true(status == 401 || status == 403);
        got = token_judge(&rows[i].twin, &claims);
        if (got != 0)
            fail_msg("twin of %s: got %s", rows[i].name, relay_err_row(got)->name);
        assert_true(claims.mcdata_id[0] && claims.exp > NOW - 60);
    }
}

#endif
