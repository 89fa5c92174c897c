/* auth.c - key sets and tokens with every allocation refused in turn, those of cJSON and libcrypto
 * included: the answer is the right one or a refusal, never a crash, a leak or a half-read token.
 */
#include <cjson/cJSON.h>

#include "tests/oom/crypto.h"
#include "tests/relay/auth_token.h"

/* Until a call is refused nothing, twice: all allocations fail from the i-th on; only the i-th. */
#define EACH_REFUSAL(call, err, refused)                                                           \
    for (int once = 0; once < 2; once++)                                                           \
        for (long i = 0, refused = 1;                                                              \
             refused && (oom_begin(i, once), err = (call), refused = oom_stop(), true); i++)

static void test_json(void **state)
{
    static const char text[] =
        "{\"a\":[1,true,{\"b\":\"c\\u00e9\"}],\"d\":null,\"e\":{\"x\":1,\"y\":2}}";
    static const char twice[] = "{\"a\":{\"b\":1,\"c\":2,\"b\":3}}";
    struct relay_json *json;
    int err, refusals = 0;
    (void)state;

    EACH_REFUSAL(relay_json_parse(text, sizeof text - 1, 100, &json), err, refused)
    {
        assert_int_equal(err, refused ? RELAY_E_NOMEM : 0);
        assert_int_equal(err == 0, json != NULL);
        relay_json_free(json);
        refusals += refused != 0;
    }
    assert_true(refusals > 30);
    EACH_REFUSAL(relay_json_parse(twice, sizeof twice - 1, 100, &json), err, refused)
    {
        assert_int_equal(err, refused ? RELAY_E_NOMEM : RELAY_E_JSON_DUPLICATE);
    }
}

/* libcrypto may lose the reason on its way up (its error queue allocates too): then the key is
 * refused as a bad key. It is never accepted half. */
static void test_jwks(void **state)
{
    char ec[512], rsa[2048], set[4096];
    struct relay_jwks *keys;
    int err, nomem = 0;
    (void)state;

    print_ec(key_ec, "a", ec, sizeof ec);
    print_rsa(key_rsa, "b", "PS256", rsa, sizeof rsa);
    snprintf(set, sizeof set, "{\"keys\":[%s,%s]}", ec, rsa);
    EACH_REFUSAL(relay_jwks_parse(set, strlen(set), &keys), err, refused)
    {
        if (!refused)
            assert_int_equal(err, 0);
        assert_int_equal(err == 0, keys != NULL);
        assert_true(err == 0 || err == RELAY_E_NOMEM || err == RELAY_E_JWK_POINT ||
                    err == RELAY_E_JWK_RSA);
        if (err == 0)
            assert_true(relay_jwks_at(keys, 0)->pkey && relay_jwks_at(keys, 1)->pkey);
        nomem += err == RELAY_E_NOMEM;
        relay_jwks_free(keys);
    }
    assert_true(nomem > 100);
}

static void check_token(const struct spec *spec, int want)
{
    static char text[TOKEN_ROOM];
    struct relay_claims right, claims;
    static const struct relay_claims empty;
    struct msrp_str token = token_make(spec, text);
    int err, nomem = 0;

    assert_int_equal(relay_auth_token(&token_auth, token, NOW, &right), want);
    EACH_REFUSAL(relay_auth_token(&token_auth, token, NOW, &claims), err, refused)
    {
        if (!refused)
            assert_int_equal(err, want);
        assert_true(err == want || err == RELAY_E_NOMEM || err == RELAY_E_JWS_SIG);
        assert_memory_equal(&claims, err ? &empty : &right, sizeof claims);
        nomem += err == RELAY_E_NOMEM;
    }
    assert_true(nomem > 20);
}

static void test_token(void **state)
{
    (void)state;
    check_token(&(struct spec){0}, 0);
    check_token(&(struct spec){.signer = SIGN_RS}, 0);
    check_token(&(struct spec){.signer = SIGN_PS}, 0);
}

/* No refusal of memory turns a bad token into a good one. */
static void test_bad_token(void **state)
{
    (void)state;
    check_token(&(struct spec){.sig = SIG_FLIP_LAST}, RELAY_E_JWS_SIG);
    check_token(&(struct spec){.signer = SIGN_PS, .sig = SIG_FLIP_LAST}, RELAY_E_JWS_SIG);
    check_token(&(struct spec){.more = "\"mcvideo_id\":\"x\""}, RELAY_E_IOPS_MCVIDEO);
    check_token(&(struct spec){.more = "\"exp\":1"}, RELAY_E_JSON_DUPLICATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_jwks),
        cmocka_unit_test(test_token),
        cmocka_unit_test(test_bad_token),
    };
    cJSON_Hooks hooks = {oom_malloc, free};

    if (!oom_crypto())
        return 2; /* libcrypto has allocated already: nothing would be refused */
    cJSON_InitHooks(&hooks);
    return cmocka_run_group_tests(tests, token_setup, token_teardown);
}
