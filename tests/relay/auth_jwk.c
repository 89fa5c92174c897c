#include "tests/relay/auth_token.h"

/* rfc7515#A.3.1: a point that is on the curve */
#define X        "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define Y        "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define Z        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define EC(more) "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "\",\"y\":\"" Y "\"" more "}"
#define POINT(x, y)                                                                                \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"a\",\"alg\":\"ES256\",\"x\":" x ",\"y\":" y "}"
#define GOOD       EC(",\"kid\":\"a\",\"alg\":\"ES256\"")
#define SET(keys)  "{\"keys\":[" keys "]}"
#define WITH(more) SET(EC(",\"kid\":\"a\",\"alg\":\"ES256\"," more))

static int parse(const char *text)
{
    struct relay_jwks *keys;
    int err = relay_jwks_parse(text, strlen(text), &keys);

    assert_int_equal(err == 0, keys != NULL);
    relay_jwks_free(keys);
    return err;
}

/* Every refusal stands beside the nearest set that is accepted. */
static void test_refusals(void **state)
{
    static const struct {
        int want;
        const char *bad, *good;
    } rows[] = {
        {RELAY_E_JWK_FORM, "[]", SET(GOOD)},
        {RELAY_E_JWK_FORM, GOOD, SET(GOOD)},
        {RELAY_E_JWK_FORM, "{\"keys\":{}}", "{\"x\":1,\"keys\":[" GOOD "]}"},
        {RELAY_E_JWK_FORM, "{\"Keys\":[" GOOD "]}", SET(GOOD)},
        {RELAY_E_JWK_FORM, SET("1"), SET(GOOD)},
        {RELAY_E_JWK_COUNT, SET(""), SET(GOOD)},
        {RELAY_E_JWK_KTY, SET("{\"kid\":\"a\",\"alg\":\"ES256\"}"), SET(GOOD)},
        {RELAY_E_JWK_KTY, SET("{\"kty\":\"OKP\",\"kid\":\"a\",\"alg\":\"ES256\"}"), SET(GOOD)},
        {RELAY_E_JWK_KTY, SET("{\"kty\":\"ec\",\"kid\":\"a\",\"alg\":\"ES256\"}"), SET(GOOD)},
        {RELAY_E_JWK_KTY,
         SET("{\"kty\":\"EC\",\"crv\":\"P-384\",\"kid\":\"a\",\"alg\":\"ES256\",\"x\":\"" X
             "\",\"y\":\"" Y "\"}"),
         SET(GOOD)},
        {RELAY_E_JWK_KTY, SET("{\"kty\":\"EC\",\"kid\":\"a\",\"alg\":\"ES256\"}"), SET(GOOD)},
        {RELAY_E_JWK_ALG, SET(EC(",\"kid\":\"a\"")), SET(GOOD)},
        {RELAY_E_JWK_ALG, SET(EC(",\"kid\":\"a\",\"alg\":\"RS256\"")), SET(GOOD)},
        {RELAY_E_JWK_ALG, SET(EC(",\"kid\":\"a\",\"alg\":\"HS256\"")), SET(GOOD)},
        {RELAY_E_JWK_ALG, SET(EC(",\"kid\":\"a\",\"alg\":\"none\"")), SET(GOOD)},
        {RELAY_E_JWK_ALG, SET(EC(",\"kid\":\"a\",\"alg\":\"es256\"")), SET(GOOD)},
        {RELAY_E_JWK_ALG, SET(EC(",\"kid\":\"a\",\"alg\":[\"ES256\"]")), SET(GOOD)},
        {RELAY_E_JWK_KID, SET(EC(",\"alg\":\"ES256\"")), SET(GOOD)},
        {RELAY_E_JWK_KID, SET(EC(",\"alg\":\"ES256\",\"kid\":\"\"")), SET(GOOD)},
        {RELAY_E_JWK_KID, SET(EC(",\"alg\":\"ES256\",\"kid\":1")), SET(GOOD)},
        {RELAY_E_JWK_KID, SET(EC(",\"alg\":\"ES256\",\"kid\":\"a/b\"")),
         SET(EC(",\"alg\":\"ES256\",\"kid\":\"A-z.0_9~\""))},
        {RELAY_E_JWK_KID, SET(EC(",\"alg\":\"ES256\",\"kid\":\"" KID_LONG "x\"")),
         SET(EC(",\"alg\":\"ES256\",\"kid\":\"" KID_LONG "\""))},
        {RELAY_E_JWK_TWICE, SET(GOOD "," GOOD),
         SET(GOOD "," EC(",\"kid\":\"A\",\"alg\":\"ES256\""))},
        {RELAY_E_JWK_USE, WITH("\"use\":\"enc\""), WITH("\"use\":\"sig\"")},
        {RELAY_E_JWK_USE, WITH("\"use\":1"), WITH("\"use\":\"sig\"")},
        {RELAY_E_JWK_USE, WITH("\"key_ops\":[\"sign\"]"),
         WITH("\"key_ops\":[\"sign\",\"verify\"]")},
        {RELAY_E_JWK_USE, WITH("\"key_ops\":\"verify\""), WITH("\"key_ops\":[\"verify\"]")},
        {RELAY_E_JWK_USE, WITH("\"key_ops\":[]"), WITH("\"key_ops\":[7,\"verify\"]")},
        {RELAY_E_JWK_PRIVATE, WITH("\"d\":\"AA\""), WITH("\"D\":\"AA\"")},
        {RELAY_E_JWK_PRIVATE, SET("{\"kty\":\"oct\",\"kid\":\"a\",\"k\":\"AA\"}"), SET(GOOD)},
        {RELAY_E_JWK_PRIVATE, WITH("\"p\":1"), SET(GOOD)},
        {RELAY_E_JWK_PRIVATE, WITH("\"oth\":[]"), SET(GOOD)},
        {RELAY_E_JWK_POINT, SET(POINT("\"" Y "\"", "\"" X "\"")), SET(GOOD)},
        {RELAY_E_JWK_POINT, SET(POINT("\"" X "\"", "\"" X "\"")), SET(GOOD)},
        {RELAY_E_JWK_POINT, SET(POINT("\"" Z "\"", "\"" Z "\"")), SET(GOOD)}, /* infinity? no */
        {RELAY_E_JWK_POINT, SET(POINT("\"" X "\"", "\"" Y "=\"")), SET(GOOD)},
        {RELAY_E_JWK_POINT, SET(POINT("\"" X "\"", "\"AA\"")), SET(GOOD)},
        {RELAY_E_JWK_POINT, SET(POINT("\"" X "\"", "\"" Y "AAAA\"")), SET(GOOD)},
        {RELAY_E_JWK_POINT, SET(POINT("\"" X "\"", "5")), SET(GOOD)},
        {RELAY_E_JSON_DUPLICATE, WITH("\"alg\":\"ES256\""), WITH("\"Alg\":\"RS256\"")},
        {RELAY_E_JSON_TRAILING, SET(GOOD) "x", SET(GOOD) "\n"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int got = parse(rows[i].bad);
        if (got != rows[i].want)
            fail_msg("%s: got %s, want %s", rows[i].bad, relay_err_row(got)->name,
                     relay_err_row(rows[i].want)->name);
        got = parse(rows[i].good);
        if (got != 0)
            fail_msg("%s: got %s", rows[i].good, relay_err_row(got)->name);
    }
}

static int parse_rsa(const uint8_t *n, size_t n_n, const uint8_t *e, size_t e_n, const char *alg)
{
    char n64[1600], e64[64], set[4096];

    relay_base64_encode(n, n_n, n64);
    relay_base64_encode(e, e_n, e64);
    snprintf(set, sizeof set,
             SET("{\"kty\":\"RSA\",\"kid\":\"a\",\"alg\":\"%s\",\"n\":\"%s\",\"e\":\"%s\"}"), alg,
             n64, e64);
    return parse(set);
}

/* rfc7518#3.3: 2048 bits at least; the sizes at their edges. */
static void test_rsa(void **state)
{
    static const uint8_t e3[] = {3}, e1[] = {1}, e_even[] = {1, 0, 0}, e_zero[] = {0, 3};
    static const uint8_t e[] = {1, 0, 1}, e_huge[] = {1, 0, 0, 0, 0, 0, 0, 0, 1};
    uint8_t n[1030] = {0};
    BIGNUM *bn = NULL;
    (void)state;

    assert_int_equal(EVP_PKEY_get_bn_param(key_rsa, OSSL_PKEY_PARAM_RSA_N, &bn), 1);
    BN_bn2bin(bn, n);
    BN_free(bn);
    assert_int_equal(parse_rsa(n, 256, e, 3, "RS256"), 0);
    assert_int_equal(parse_rsa(n, 256, e, 3, "PS256"), 0);
    assert_int_equal(parse_rsa(n, 256, e, 3, "ES256"), RELAY_E_JWK_ALG);
    assert_int_equal(parse_rsa(n, 256, e3, 1, "RS256"), 0);
    assert_int_equal(parse_rsa(n, 256, e1, 1, "RS256"), RELAY_E_JWK_RSA);
    assert_int_equal(parse_rsa(n, 256, e_even, 3, "RS256"), RELAY_E_JWK_RSA);
    assert_int_equal(parse_rsa(n, 256, e_zero, 2, "RS256"), RELAY_E_JWK_RSA);
    assert_int_equal(parse_rsa(n, 256, e_huge, 9, "RS256"), RELAY_E_JWK_RSA);
    assert_int_equal(parse_rsa(n, 256, e, 0, "RS256"), RELAY_E_JWK_RSA);
    assert_int_equal(parse_rsa(n, 255, e, 3, "RS256"), RELAY_E_JWK_RSA);
    assert_int_equal(parse_rsa(n, 1025, e, 3, "RS256"), RELAY_E_JWK_RSA);
    n[255] ^= 1; /* an even modulus */
    assert_int_equal(parse_rsa(n, 256, e, 3, "RS256"), RELAY_E_JWK_RSA);
    n[255] ^= 1;
    n[0] &= 0x7f; /* 2047 bits */
    assert_int_equal(parse_rsa(n, 256, e, 3, "RS256"), RELAY_E_JWK_RSA);
}

static void test_find(void **state)
{
    static const char set[] = SET(EC(",\"kid\":\"b\",\"alg\":\"ES256\"") "," GOOD);
    struct relay_jwks *keys;
    (void)state;

    assert_int_equal(relay_jwks_parse(set, sizeof set - 1, &keys), 0);
    assert_ptr_equal(relay_jwks_find(keys, MSRP_STR("b")), relay_jwks_at(keys, 0));
    assert_ptr_equal(relay_jwks_find(keys, MSRP_STR("a")), relay_jwks_at(keys, 1));
    assert_null(relay_jwks_at(keys, 2));
    assert_null(relay_jwks_find(keys, MSRP_STR("A")));
    assert_null(relay_jwks_find(keys, MSRP_STR("")));
    assert_null(relay_jwks_find(keys, MSRP_STR("ab")));
    assert_int_equal(relay_jwks_at(keys, 0)->alg, RELAY_ALG_ES256);
    assert_string_equal(relay_alg_name(RELAY_ALG_PS256), "PS256");
    relay_jwks_free(keys);
}

/* 64 keys are the most. */
static void test_count(void **state)
{
    static char set[32768];
    (void)state;

    for (int count = 64; count <= 65; count++) {
        size_t n = (size_t)sprintf(set, "{\"keys\":[");
        for (int i = 0; i < count; i++)
            n += (size_t)sprintf(set + n, "%s" EC(",\"kid\":\"k%d\",\"alg\":\"ES256\""),
                                 i ? "," : "", i);
        sprintf(set + n, "]}");
        assert_int_equal(parse(set), count == 64 ? 0 : RELAY_E_JWK_COUNT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_rsa),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_count),
    };
    return cmocka_run_group_tests(tests, token_setup, token_teardown);
}
