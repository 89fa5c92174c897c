#include "tests/relay/auth_token.h"

#define ALG(text)  .fault = {.alg = "\"" text "\""}
#define KIDS(text) .fault = {.kid = "\"" text "\""}
#define HEAD(text) .fault = {.head_more = text}

/* T05: the token chooses how it is checked. rfc8725#2.1, 3.1 */
static const struct row t05[] = {
    {"none", RELAY_E_JWS_ALG_BARRED, ALG("none")},
    {"None", RELAY_E_JWS_ALG_BARRED, ALG("None")},
    {"NONE", RELAY_E_JWS_ALG_BARRED, ALG("NONE")},
    {"nOnE", RELAY_E_JWS_ALG_BARRED, ALG("nOnE")},
    {"none, signature of one octet", RELAY_E_JWS_ALG_BARRED,
     .fault = {.alg = "\"none\"", .sig = SIG_ONE_OCTET}},
    {"none, no signature", RELAY_E_JWS_FORM, .fault = {.alg = "\"none\"", .text = TEXT_NO_SIG}},
    {"no alg", RELAY_E_JWS_ALG_BARRED, .fault = {.alg = NONE}},
    {"empty alg", RELAY_E_JWS_ALG_BARRED, ALG("")},
    {"HS256 under the EC public key", RELAY_E_JWS_ALG_BARRED, .fault = {.signer = SIGN_HMAC_EC}},
    {"HS256 under the RSA public key", RELAY_E_JWS_ALG_BARRED, .fault = {.signer = SIGN_HMAC_RSA},
     .twin = {.signer = SIGN_RS}},
    {"hs256", RELAY_E_JWS_ALG_BARRED, .fault = {.signer = SIGN_HMAC_EC, .alg = "\"hs256\""}},
    {"HS384", RELAY_E_JWS_ALG_BARRED, ALG("HS384")},
    {"HS512", RELAY_E_JWS_ALG_BARRED, ALG("HS512")},
    {"HMAC said to be ES256", RELAY_E_JWS_SIG_SIZE,
     .fault = {.signer = SIGN_HMAC_EC, .alg = "\"ES256\""}},
    {"HMAC said to be RS256", RELAY_E_JWS_SIG_SIZE,
     .fault = {.signer = SIGN_HMAC_RSA, .alg = "\"RS256\""}, .twin = {.signer = SIGN_RS}},
    {"es256", RELAY_E_JWS_ALG, ALG("es256")},
    {"Es256", RELAY_E_JWS_ALG, ALG("Es256")},
    {"ES256 and a space", RELAY_E_JWS_ALG, ALG("ES256 ")},
    {"ES256K", RELAY_E_JWS_ALG, ALG("ES256K")},
    {"ES384", RELAY_E_JWS_ALG, ALG("ES384")},
    {"EdDSA", RELAY_E_JWS_ALG, ALG("EdDSA")},
    {"a very long alg", RELAY_E_JWS_ALG, ALG("ES256ES256ES256ES256ES256")},
    {"ES256 under the RSA key's kid", RELAY_E_JWS_ALG, KIDS("rs-1")},
    {"RS256 under the EC key's kid", RELAY_E_JWS_ALG,
     .fault = {.signer = SIGN_RS, .kid = "\"ec-1\""}, .twin = {.signer = SIGN_RS}},
    {"RS256 under the PS256 key's kid", RELAY_E_JWS_ALG,
     .fault = {.signer = SIGN_RS, .kid = "\"ps-1\""}, .twin = {.signer = SIGN_RS}},
    {"PS256 under the RS256 key's kid", RELAY_E_JWS_ALG,
     .fault = {.signer = SIGN_PS, .kid = "\"rs-1\""}, .twin = {.signer = SIGN_PS}},
    {"RS512", RELAY_E_JWS_ALG, .fault = {.signer = SIGN_RS, .alg = "\"RS512\""},
     .twin = {.signer = SIGN_RS}},
    {"PS signature said to be RS256", RELAY_E_JWS_SIG,
     .fault = {.signer = SIGN_PS, .alg = "\"RS256\"", .kid = "\"rs-1\""},
     .twin = {.signer = SIGN_RS}},
    {"RS signature said to be PS256", RELAY_E_JWS_SIG,
     .fault = {.signer = SIGN_RS, .alg = "\"PS256\"", .kid = "\"ps-1\""},
     .twin = {.signer = SIGN_PS}},
    {"alg a number", RELAY_E_JSON_TYPE, .fault = {.alg = "256"}},
    {"alg null", RELAY_E_JSON_TYPE, .fault = {.alg = "null"}},
    {"alg an array", RELAY_E_JSON_TYPE, .fault = {.alg = "[\"ES256\"]"}},
    {"alg twice", RELAY_E_JSON_DUPLICATE, HEAD("\"alg\":\"none\"")},
    {"Alg beside none", RELAY_E_JWS_ALG_BARRED,
     .fault = {.alg = "\"none\"", .head_more = "\"Alg\":\"ES256\""},
     .twin = {.head_more = "\"Alg\":\"none\""}},
};

/* T06: the header injects. rfc7515#4.1, rfc8725#3.10 */
static const struct row t06[] = {
    {"a path", RELAY_E_JWS_KID_FORM, KIDS("../../../../dev/null")},
    {"a file", RELAY_E_JWS_KID_FORM, KIDS("/etc/hostname")},
    {"SQL", RELAY_E_JWS_KID_FORM, KIDS("' OR 1=1 --")},
    {"a command", RELAY_E_JWS_KID_FORM, KIDS("$(id)")},
    {"a NUL", RELAY_E_JSON_NUL, KIDS("ec-1\\u0000x")},
    {"a line end", RELAY_E_JWS_KID_FORM, KIDS("ec-1\\r\\nX: y")},
    {"not ASCII", RELAY_E_JWS_KID_FORM, KIDS("ec-\xc3\xa9")},
    {"empty", RELAY_E_JWS_KID_FORM, KIDS("")},
    {"129 characters", RELAY_E_JWS_KID_FORM, KIDS(KID_LONG "x"),
     .twin = {.kid = "\"" KID_LONG "\""}},
    {"unknown", RELAY_E_JWS_KID, KIDS("ec-2")},
    {"another case", RELAY_E_JWS_KID, KIDS("EC-1")},
    {"a prefix", RELAY_E_JWS_KID, KIDS("ec-")},
    {"absent", RELAY_E_JWS_KID, .fault = {.kid = NONE}},
    {"a number", RELAY_E_JSON_TYPE, .fault = {.kid = "1"}},
    {"an object", RELAY_E_JSON_TYPE, .fault = {.kid = "{\"ec-1\":1}"}},
    {"twice", RELAY_E_JSON_DUPLICATE, HEAD("\"kid\":\"ec-b\"")},
    {"twice, escaped", RELAY_E_JSON_DUPLICATE, HEAD("\"k\\u0069d\":\"ec-b\"")},
    {"KID is another member", RELAY_E_JWS_KID,
     .fault = {.kid = NONE, .head_more = "\"KID\":\"ec-1\""},
     .twin = {.head_more = "\"KID\":\"ec-2\""}},
    {"the kid of another issuer", RELAY_E_JWS_SIG, KIDS("ec-b")},
    {"jku", RELAY_E_JWS_KEY_INSIDE, HEAD("\"jku\":\"https://evil.example/jwks\""),
     .twin = {.head_more = "\"x-jku\":\"https://evil.example/jwks\""}},
    {"jwk", RELAY_E_JWS_KEY_INSIDE, HEAD("\"jwk\":{\"kty\":\"oct\",\"k\":\"AA\"}")},
    {"jwk null", RELAY_E_JWS_KEY_INSIDE, HEAD("\"jwk\":null")},
    {"x5u", RELAY_E_JWS_KEY_INSIDE, HEAD("\"x5u\":\"https://evil.example/c.pem\"")},
    {"x5c", RELAY_E_JWS_KEY_INSIDE, HEAD("\"x5c\":[\"MIIB\"]")},
    {"x5t", RELAY_E_JWS_KEY_INSIDE, HEAD("\"x5t\":\"AAAA\"")},
    {"x5t#S256", RELAY_E_JWS_KEY_INSIDE, HEAD("\"x5t#S256\":\"AAAA\"")},
    {"crit of a claim", RELAY_E_JWS_CRIT, HEAD("\"crit\":[\"exp\"],\"exp\":1"),
     .twin = {.head_more = "\"exp\":1"}},
    {"crit empty", RELAY_E_JWS_CRIT, HEAD("\"crit\":[]")},
    {"crit null", RELAY_E_JWS_CRIT, HEAD("\"crit\":null")},
    {"crit b64", RELAY_E_JWS_CRIT, HEAD("\"b64\":false,\"crit\":[\"b64\"]")},
    {"b64 false", RELAY_E_JWS_B64, HEAD("\"b64\":false")},
    {"b64 true", RELAY_E_JWS_B64, HEAD("\"b64\":true")},
    {"a token in a token", RELAY_E_JWS_TYP, HEAD("\"cty\":\"JWT\"")},
    {"packed", RELAY_E_JWS_TYP, HEAD("\"zip\":\"DEF\"")},
    {"the header is an array", RELAY_E_JWS_FORM, .fault = {.head = RAW("[\"alg\",\"ES256\"]")}},
    {"the header is a string", RELAY_E_JWS_FORM, .fault = {.head = RAW("\"ES256\"")}},
    {"the header is nothing", RELAY_E_JSON_SYNTAX, .fault = {.head = RAW("   ")}},
    {"1 MiB", RELAY_E_JWS_SIZE, .fault = {.text = TEXT_HUGE}},
};

/* T07: the edges of signatures and of their texts. rfc7515#2, rfc7518#3.4 */
static const struct row t07[] = {
    {"r is 0", RELAY_E_JWS_SIG_RANGE, .fault = {.sig = SIG_R_ZERO}},
    {"s is 0", RELAY_E_JWS_SIG_RANGE, .fault = {.sig = SIG_S_ZERO}},
    {"both are 0", RELAY_E_JWS_SIG_RANGE, .fault = {.sig = SIG_ZEROS}},
    {"r is n", RELAY_E_JWS_SIG_RANGE, .fault = {.sig = SIG_R_ORDER}},
    {"s is n", RELAY_E_JWS_SIG_RANGE, .fault = {.sig = SIG_S_ORDER}},
    {"r is 2^256 - 1", RELAY_E_JWS_SIG_RANGE, .fault = {.sig = SIG_R_FULL}},
    {"s is n + 1", RELAY_E_JWS_SIG_RANGE, .fault = {.sig = SIG_S_OVER}},
    {"r and s change places", RELAY_E_JWS_SIG, .fault = {.sig = SIG_SWAPPED}},
    {"DER", RELAY_E_JWS_SIG_SIZE, .fault = {.sig = SIG_DER}},
    {"63 octets", RELAY_E_JWS_SIG_SIZE, .fault = {.sig = SIG_CUT}},
    {"65 octets", RELAY_E_JWS_SIG_SIZE, .fault = {.sig = SIG_LONGER}},
    {"1 octet", RELAY_E_JWS_SIG_SIZE, .fault = {.sig = SIG_ONE_OCTET}},
    {"2000 octets", RELAY_E_JWS_SIG_SIZE, .fault = {.sig = SIG_HUGE}},
    {"the first bit", RELAY_E_JWS_SIG, .fault = {.sig = SIG_FLIP_FIRST}},
    {"the last octet", RELAY_E_JWS_SIG, .fault = {.sig = SIG_FLIP_LAST}},
    {"another key", RELAY_E_JWS_SIG, .fault = {.signer = SIGN_EC_OTHER}},
    {"RSA, 255 octets", RELAY_E_JWS_SIG_SIZE, .fault = {.signer = SIGN_RS, .sig = SIG_CUT},
     .twin = {.signer = SIGN_RS}},
    {"RSA, 257 octets", RELAY_E_JWS_SIG_SIZE, .fault = {.signer = SIGN_PS, .sig = SIG_LONGER},
     .twin = {.signer = SIGN_PS}},
    {"RSA, all 0", RELAY_E_JWS_SIG, .fault = {.signer = SIGN_RS, .sig = SIG_ZEROS},
     .twin = {.signer = SIGN_RS}},
    {"RSA, a bit", RELAY_E_JWS_SIG, .fault = {.signer = SIGN_PS, .sig = SIG_FLIP_LAST},
     .twin = {.signer = SIGN_PS}},
    {"the payload changed", RELAY_E_JWS_SIG, .fault = {.text = TEXT_OTHER_PAYLOAD}},
    {"the header changed", RELAY_E_JWS_SIG, .fault = {.text = TEXT_OTHER_HEAD}},
    {"padding", RELAY_E_JWS_BASE64, .fault = {.text = TEXT_PAD}},
    {"padding in the header", RELAY_E_JWS_BASE64, .fault = {.text = TEXT_PAD_HEAD}},
    {"a space before", RELAY_E_JWS_BASE64, .fault = {.text = TEXT_SPACE_BEFORE}},
    {"a line end behind", RELAY_E_JWS_BASE64, .fault = {.text = TEXT_NEWLINE_AFTER}},
    {"white space inside", RELAY_E_JWS_BASE64, .fault = {.text = TEXT_SPACE_INSIDE}},
    {"a plus", RELAY_E_JWS_BASE64, .fault = {.text = TEXT_PLUS}},
    {"a slash", RELAY_E_JWS_BASE64, .fault = {.text = TEXT_SLASH}},
    {"tail bits", RELAY_E_JWS_BASE64, .fault = {.text = TEXT_TAIL_BITS}},
    {"a lone character", RELAY_E_JWS_BASE64, .fault = {.text = TEXT_ODD}},
    {"a NUL behind", RELAY_E_JWS_BASE64, .fault = {.text = TEXT_NUL_AFTER}},
    {"four parts", RELAY_E_JWS_FORM, .fault = {.text = TEXT_FOUR_PARTS}},
    {"two parts", RELAY_E_JWS_FORM, .fault = {.text = TEXT_TWO_PARTS}},
    {"a dot before", RELAY_E_JWS_FORM, .fault = {.text = TEXT_DOT_BEFORE}},
    {"a dot behind", RELAY_E_JWS_FORM, .fault = {.text = TEXT_DOT_AFTER}},
    {"no signature", RELAY_E_JWS_FORM, .fault = {.text = TEXT_NO_SIG}},
    {"no payload", RELAY_E_JWS_FORM, .fault = {.text = TEXT_NO_PAYLOAD}},
};

static void test_t05(void **state)
{
    (void)state;
    token_matrix(t05, sizeof t05 / sizeof *t05, 12);
}

static void test_t06(void **state)
{
    (void)state;
    token_matrix(t06, sizeof t06 / sizeof *t06, 12);
}

static void test_t07(void **state)
{
    (void)state;
    token_matrix(t07, sizeof t07 / sizeof *t07, 12);
}

/* The three matrices show many faults, not one fault many times. */
static void test_reasons(void **state)
{
    (void)state;
    assert_true(token_reasons_n >= 18);
}

/* The token cap and the header cap, at the octet. */
static void test_caps(void **state)
{
    static char text[TOKEN_ROOM], pad[RELAY_JWS_MAX + 64];
    struct spec spec = {.more = pad};
    struct relay_claims claims;
    struct relay_jws jws;
    size_t seen = 0;
    (void)state;

    for (size_t n = 11600; n < 12000 && seen != 3; n++) { /* payload octets */
        snprintf(pad, sizeof pad, "\"x\":\"%0*d\"", (int)n, 0);
        struct msrp_str token = token_make(&spec, text);
        int err = relay_auth_token(&token_auth, token, NOW, &claims);
        assert_int_equal(err, token.n <= RELAY_JWS_MAX ? 0 : RELAY_E_JWS_SIZE);
        if (token.n == RELAY_JWS_MAX)
            seen |= 1;
        if (token.n > RELAY_JWS_MAX)
            seen |= 2;
    }
    assert_true(seen & 2);
    spec = (struct spec){.head_more = pad};
    for (size_t n = RELAY_JWS_HEAD_MAX - 80; n < RELAY_JWS_HEAD_MAX; n++) {
        char head[65536];
        snprintf(pad, sizeof pad, "\"x\":\"%0*d\"", (int)n, 0);
        size_t octets = print_head(&spec, head, sizeof head);
        int err = relay_jws_split(token_make(&spec, text), &jws);
        assert_int_equal(err, octets <= RELAY_JWS_HEAD_MAX ? 0 : RELAY_E_JSON_SIZE);
    }
}

/* rfc9068#2.1, rfc8725#3.11 */
static void test_typ(void **state)
{
    static const char *const good[] = {NONE,         "\"JWT\"",    "\"jwt\"",
                                       "\"at+jwt\"", "\"AT+JWT\"", "\"application/at+jwt\""};
    struct relay_claims claims;
    (void)state;

    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(token_judge(&(struct spec){.typ = good[i]}, &claims), 0);
}

/* ECDSA itself does not know a low s: both are the same signature, and the token is not a name. */
static void test_high_s(void **state)
{
    struct relay_claims claims;
    (void)state;

    assert_int_equal(token_judge(&(struct spec){.sig = SIG_HIGH_S}, &claims), 0);
}

/* --- RFC 7515 A.2 and A.3 --------------------------------------------------------------------- */

#define PAYLOAD_A                                                                                  \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl" \
    "fQ"
static const char rfc_a2[] =
    "eyJhbGciOiJSUzI1NiJ9." PAYLOAD_A
    ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5"
    "jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L"
    "07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUi"
    "pUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
static const char rfc_a3[] =
    "eyJhbGciOiJFUzI1NiJ9." PAYLOAD_A
    ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
static const char rfc_keys[] =
    "{\"keys\":[{\"kty\":\"RSA\",\"alg\":\"RS256\",\"kid\":\"a2\",\"e\":\"AQAB\",\"n\":\""
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4"
    "QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdb"
    "BYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-D"
    "WNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ\"},"
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"ES256\",\"kid\":\"a3\","
    "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}";

static void test_rfc7515(void **state)
{
    static const struct {
        const char *token, *kid;
    } rows[] = {{rfc_a2, "a2"}, {rfc_a3, "a3"}};
    struct relay_jwks *keys;
    (void)state;

    assert_int_equal(relay_jwks_parse(rfc_keys, sizeof rfc_keys - 1, &keys), 0);
    for (size_t i = 0; i < 2; i++) {
        struct relay_json *claims;
        struct relay_jws jws;
        struct msrp_str iss;
        int64_t exp;
        bool root;
        assert_int_equal(relay_jws_split(msrp_str_of(rows[i].token), &jws), 0);
        assert_string_equal(jws.kid, "");
        const struct relay_jwk *key = relay_jwks_find(keys, msrp_str_of(rows[i].kid));
        assert_int_equal(relay_jws_verify(&jws, key, &claims), 0);
        const struct relay_json_value *all = relay_json_root(claims);
        assert_int_equal(relay_json_string(relay_json_get(all, "iss"), &iss), 0);
        assert_true(msrp_str_is(iss, "joe"));
        assert_int_equal(relay_json_integer(relay_json_get(all, "exp"), &exp), 0);
        assert_int_equal(exp, 1300819380);
        assert_int_equal(relay_json_bool(relay_json_get(all, "http://example.com/is_root"), &root),
                         0);
        assert_true(root);
        relay_json_free(claims);
        /* the other key's algorithm is refused before its mathematics */
        key = relay_jwks_find(keys, msrp_str_of(rows[1 - i].kid));
        assert_int_equal(relay_jws_verify(&jws, key, &claims), RELAY_E_JWS_ALG);
        assert_null(claims);
    }
    relay_jwks_free(keys);
}

/* Each single bit of a token matters (but for the case of nothing: base64url is canonical). */
static void test_every_bit(void **state)
{
    static char text[TOKEN_ROOM];
    struct msrp_str token = token_make(&(struct spec){0}, text);
    struct relay_claims claims;
    (void)state;

    for (size_t i = 0; i < token.n; i++) {
        text[i] ^= 1;
        assert_int_not_equal(relay_auth_token(&token_auth, token, NOW, &claims), 0);
        text[i] ^= 1;
    }
    assert_int_equal(relay_auth_token(&token_auth, token, NOW, &claims), 0);
}

/* A token cut short at any character is refused; empty is three parts less than needed. */
static void test_every_cut(void **state)
{
    static char text[TOKEN_ROOM];
    struct msrp_str token = token_make(&(struct spec){0}, text);
    struct relay_claims claims;
    (void)state;

    for (size_t n = 0; n < token.n; n++) {
        char *exact = malloc(n ? n : 1);
        memcpy(exact, text, n);
        int err = relay_auth_token(&token_auth, (struct msrp_str){exact, n}, NOW, &claims);
        assert_int_equal(relay_err_row(err)->status, 401);
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_t05),       cmocka_unit_test(test_t06),
        cmocka_unit_test(test_t07),       cmocka_unit_test(test_reasons),
        cmocka_unit_test(test_caps),      cmocka_unit_test(test_typ),
        cmocka_unit_test(test_high_s),    cmocka_unit_test(test_rfc7515),
        cmocka_unit_test(test_every_bit), cmocka_unit_test(test_every_cut),
    };
    return cmocka_run_group_tests(tests, token_setup, token_teardown);
}
