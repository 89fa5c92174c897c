#include "tests/relay/auth_token.h"

#define ID(text)                                                                                   \
    {                                                                                              \
        .mcdata_id = "\"" text "\""                                                                \
    }
#define TEN      "aaaaaaaaaa"
#define HUNDRED  TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define LONG_238 HUNDRED HUNDRED TEN TEN TEN "aaaaaaaa"

/* T08: another issuer, audience, kind, scope, user; out of its time. rfc7519#4.1, rfc9068#4,
 * ts33180#B.2.2 */
static const struct row t08[] = {
    {"another issuer", RELAY_E_CLAIM_ISS, .fault = {.iss = "\"https://idms.evil.example\""}},
    {"the other issuer's name", RELAY_E_CLAIM_ISS, .fault = {.iss = "\"https://idms.b.example\""}},
    {"a slash behind", RELAY_E_CLAIM_ISS, .fault = {.iss = "\"https://idms.iops.example/\""}},
    {"the issuer's case", RELAY_E_CLAIM_ISS, .fault = {.iss = "\"https://IDMS.iops.example\""}},
    {"no issuer", RELAY_E_CLAIM_ISS, .fault = {.iss = NONE}},
    {"issuer a number", RELAY_E_CLAIM_ISS, .fault = {.iss = "1"}},
    {"another audience", RELAY_E_CLAIM_AUD, .fault = {.aud = "\"other.example\""}},
    {"no audience", RELAY_E_CLAIM_AUD, .fault = {.aud = NONE}},
    {"audience an empty array", RELAY_E_CLAIM_AUD, .fault = {.aud = "[]"}},
    {"audiences without us", RELAY_E_CLAIM_AUD, .fault = {.aud = "[\"a\",\"b\"]"},
     .twin = {.aud = "[\"a\",\"relay.iops.example\"]"}},
    {"an audience that is a number", RELAY_E_CLAIM_AUD,
     .fault = {.aud = "[1,\"relay.iops.example\"]"},
     .twin = {.aud = "[\"1\",\"relay.iops.example\"]"}},
    {"audience an object", RELAY_E_CLAIM_AUD, .fault = {.aud = "{\"a\":\"relay.iops.example\"}"}},
    {"audiences in one string", RELAY_E_CLAIM_AUD, .fault = {.aud = "\"a relay.iops.example\""}},
    {"an ID token by its typ", RELAY_E_JWS_TYP, .fault = {.typ = "\"id+jwt\""},
     .twin = {.typ = "\"JWT\""}},
    {"a logout token", RELAY_E_JWS_TYP, .fault = {.typ = "\"logout+jwt\""}},
    {"a DPoP proof", RELAY_E_JWS_TYP, .fault = {.typ = "\"dpop+jwt\""}},
    {"an empty typ", RELAY_E_JWS_TYP, .fault = {.typ = "\"\""}, .twin = {.typ = NONE}},
    {"typ a number", RELAY_E_JSON_TYPE, .fault = {.typ = "1"}},
    {"an ID token by its claims", RELAY_E_CLAIM_AUD,
     .fault = {.typ = "\"JWT\"", .aud = "\"mcdata-client\"", .scope = NONE, .client_id = NONE}},
    {"no scope", RELAY_E_CLAIM_SCOPE, .fault = {.scope = NONE}},
    {"an empty scope", RELAY_E_CLAIM_SCOPE, .fault = {.scope = "\"\""}},
    {"another service", RELAY_E_CLAIM_SCOPE, .fault = {.scope = "\"openid 3gpp:mc:ptt_service\""},
     .twin = {.scope = "\"3gpp:mc:ptt_service 3gpp:mc:data_service\""}},
    {"key management only", RELAY_E_CLAIM_SCOPE,
     .fault = {.scope = "\"3gpp:mc:data_key_management_service\""}},
    {"a longer word", RELAY_E_CLAIM_SCOPE, .fault = {.scope = "\"3gpp:mc:data_service_admin\""}},
    {"the end of a word", RELAY_E_CLAIM_SCOPE, .fault = {.scope = "\"x3gpp:mc:data_service\""}},
    {"commas", RELAY_E_CLAIM_SCOPE, .fault = {.scope = "\"openid,3gpp:mc:data_service\""}},
    {"a tab", RELAY_E_CLAIM_SCOPE, .fault = {.scope = "\"openid\\t3gpp:mc:data_service\""}},
    {"the scope's case", RELAY_E_CLAIM_SCOPE, .fault = {.scope = "\"3GPP:MC:DATA_SERVICE\""}},
    {"scope an array", RELAY_E_CLAIM_SCOPE, .fault = {.scope = "[\"3gpp:mc:data_service\"]"}},
    {"Scope", RELAY_E_CLAIM_SCOPE,
     .fault = {.scope = NONE, .more = "\"Scope\":\"3gpp:mc:data_service\""},
     .twin = {.more = "\"Scope\":\"x\""}},
    {"no client_id", RELAY_E_CLAIM_CLIENT, .fault = {.client_id = NONE}},
    {"an empty client_id", RELAY_E_CLAIM_CLIENT, .fault = {.client_id = "\"\""}},
    {"client_id a number", RELAY_E_CLAIM_CLIENT, .fault = {.client_id = "1"}},
    {"client_id with a line end", RELAY_E_CLAIM_CLIENT, .fault = {.client_id = "\"a\\nb\""}},
    {"client_id of 256", RELAY_E_CLAIM_CLIENT,
     .fault = {.client_id = "\"" LONG_238 TEN "aaaaaaaa\""},
     .twin = {.client_id = "\"" LONG_238 TEN "aaaaaaa\""}},
    {"no mcdata_id", RELAY_E_CLAIM_MCDATA_ID, .fault = {.mcdata_id = NONE}},
    {"an empty mcdata_id", RELAY_E_CLAIM_MCDATA_ID, .fault = ID("")},
    {"mcdata_id a number", RELAY_E_CLAIM_MCDATA_ID, .fault = {.mcdata_id = "7"}},
    {"mcdata_id null", RELAY_E_CLAIM_MCDATA_ID, .fault = {.mcdata_id = "null"}},
    {"only mcptt_id", RELAY_E_CLAIM_MCDATA_ID,
     .fault = {.mcdata_id = NONE, .more = "\"mcptt_id\":\"sip:alice@iops.example\""},
     .twin = {.more = "\"mcptt_id\":\"sip:alice@iops.example\""}},
    {"a bare name", RELAY_E_CLAIM_MCDATA_URI, .fault = ID("alice")},
    {"no host", RELAY_E_CLAIM_MCDATA_URI, .fault = ID("sip:alice@")},
    {"no user", RELAY_E_CLAIM_MCDATA_URI, .fault = ID("sip:iops.example")},
    {"another scheme", RELAY_E_CLAIM_MCDATA_URI, .fault = ID("https://alice@iops.example")},
    {"a port", RELAY_E_CLAIM_MCDATA_URI, .fault = ID("sip:alice@iops.example:5060")},
    {"a parameter", RELAY_E_CLAIM_MCDATA_URI, .fault = ID("sip:alice@iops.example;gr=1")},
    {"a header", RELAY_E_CLAIM_MCDATA_URI, .fault = ID("sip:alice@iops.example?a=b")},
    {"two hosts", RELAY_E_CLAIM_MCDATA_URI, .fault = ID("sip:alice@evil.example@iops.example")},
    {"a password", RELAY_E_CLAIM_MCDATA_URI, .fault = ID("sip:alice:x@iops.example")},
    {"a space", RELAY_E_CLAIM_MCDATA_URI, .fault = ID("sip:al ice@iops.example"),
     .twin = ID("sip:al%20ice@iops.example")},
    {"an escaped NUL", RELAY_E_CLAIM_MCDATA_URI, .fault = ID("sip:alice%00@iops.example")},
    {"256 octets", RELAY_E_CLAIM_MCDATA_URI, .fault = ID("sip:a" LONG_238 "@iops.example"),
     .twin = ID("sip:" LONG_238 "@iops.example")},
    {"outside the IOPS domains", RELAY_E_IOPS_DOMAIN, .fault = ID("sip:eve@outside.example"),
     .twin = ID("sip:eve@field.example")},
    {"not in the directory", RELAY_E_IOPS_DOMAIN, .fault = ID("sip:stranger@visitor.example"),
     .twin = ID("SIP:Guest@VISITOR.example")},
    {"the directory's case", RELAY_E_IOPS_DOMAIN, .fault = ID("sip:guest@visitor.example"),
     .twin = ID("sip:Guest@visitor.example")},
    {"mcvideo_id", RELAY_E_IOPS_MCVIDEO, .fault = {.more = "\"mcvideo_id\":\"sip:v@iops.example\""},
     .twin = {.more = "\"mcptt_id\":\"sip:v@iops.example\""}},
    {"mcvideo_id null", RELAY_E_IOPS_MCVIDEO, .fault = {.more = "\"mcvideo_id\":null"}},
    {"mcrec_id", RELAY_E_IOPS_MCREC, .fault = {.more = "\"mcrec_id\":\"sip:v@iops.example\""}},
    {"mcrec_id empty", RELAY_E_IOPS_MCREC, .fault = {.more = "\"mcrec_id\":\"\""}},
    {"no exp", RELAY_E_CLAIM_EXP_NONE, .fault = {.exp = NONE}},
    {"expired by the skew", RELAY_E_CLAIM_EXP, .fault = {.exp = "1699999970"},
     .twin = {.exp = "1699999971"}},
    {"expired long ago", RELAY_E_CLAIM_EXP, .fault = {.exp = "0"}},
    {"exp below 0", RELAY_E_CLAIM_EXP, .fault = {.exp = "-9007199254740992"}},
    {"exp a string", RELAY_E_JSON_TYPE, .fault = {.exp = "\"" LATER_TEXT "\""}},
    {"exp null", RELAY_E_JSON_TYPE, .fault = {.exp = "null"}},
    {"exp a fraction", RELAY_E_JSON_NUMBER, .fault = {.exp = LATER_TEXT ".5"}},
    {"exp over 2^53", RELAY_E_JSON_NUMBER, .fault = {.exp = "9007199254740994"},
     .twin = {.exp = "9007199254740992"}},
    {"nbf too far", RELAY_E_CLAIM_NBF, .fault = {.nbf = "1700000031"},
     .twin = {.nbf = "1700000030"}},
    {"nbf a string", RELAY_E_JSON_TYPE, .fault = {.nbf = "\"0\""}, .twin = {.nbf = "0"}},
    {"iat too far", RELAY_E_CLAIM_IAT, .fault = {.iat = "1700000031"},
     .twin = {.iat = "1700000030"}},
    {"iat true", RELAY_E_JSON_TYPE, .fault = {.iat = "true"}, .twin = {.iat = NONE}},
    /* T10 */
    {"another domain's user", RELAY_E_ISSUER_DOMAIN, .fault = ID("sip:bob@b.example")},
    {"revoked", RELAY_E_REVOKED, .fault = ID("sip:mallory@iops.example"),
     .twin = ID("sip:Mallory@iops.example")},
};

static void test_t08(void **state)
{
    (void)state;
    token_matrix(t08, sizeof t08 / sizeof *t08, 12);
    assert_true(token_reasons_n >= 18);
}

/* T10: each issuer speaks for its own domains, under its own keys. */
static void test_issuers(void **state)
{
    struct relay_claims claims;
    const char *why;
    (void)state;

    assert_int_equal(token_judge(&(struct spec){.signer = SIGN_EC_B}, &claims),
                     RELAY_E_IOPS_DOMAIN);
    token_auth.iops = false;
    assert_int_equal(relay_auth_check(&token_auth, &why), 0);
    assert_int_equal(token_judge(&(struct spec){.signer = SIGN_EC_B}, &claims), 0);
    assert_string_equal(claims.iss, "https://idms.b.example");
    assert_string_equal(claims.kid, "ec-b");
    assert_int_equal(
        token_judge(&(struct spec){.signer = SIGN_EC_B, .mcdata_id = "\"sip:alice@iops.example\""},
                    &claims),
        RELAY_E_ISSUER_DOMAIN);
    assert_int_equal(
        token_judge(&(struct spec){.signer = SIGN_EC_B, .iss = "\"https://idms.iops.example\""},
                    &claims),
        RELAY_E_CLAIM_ISS);
    /* a tel: URI has no domain that an issuer could own */
    assert_int_equal(token_judge(&(struct spec){.mcdata_id = "\"tel:+1-201-555-0123\""}, &claims),
                     RELAY_E_ISSUER_DOMAIN);
    /* outside IOPS the other services' identities may stand in the token */
    assert_int_equal(
        token_judge(&(struct spec){.more = "\"mcvideo_id\":\"sip:v@iops.example\""}, &claims), 0);
    token_auth.iops = true;
}

/* What an accepted token tells the core. */
static void test_claims(void **state)
{
    struct relay_claims claims;
    (void)state;

    assert_int_equal(token_judge(&(struct spec){.mcdata_id = "\"SIP:Alice.B@IOPS.Example\"",
                                                .more = "\"mcptt_id\":\"sip:p@iops.example\","
                                                        "\"jti\":\"t-1\",\"sub\":\"s\""},
                                 &claims),
                     0);
    assert_string_equal(claims.mcdata_id, "sip:Alice.B@iops.example");
    assert_string_equal(claims.client_id, "mcdata-client");
    assert_string_equal(claims.iss, "https://idms.iops.example");
    assert_string_equal(claims.kid, "ec-1");
    assert_string_equal(claims.jti, "t-1");
    assert_int_equal(claims.exp, NOW + 3600);
    assert_int_equal(claims.iat, NOW);
    assert_true(claims.has_mcptt_id);
    assert_int_equal(token_judge(&(struct spec){.iat = NONE, .more = "\"jti\":\"a\\nb\""}, &claims),
                     0);
    assert_string_equal(claims.jti, "");
    assert_int_equal(claims.iat, 0);
    assert_false(claims.has_mcptt_id);
}

/* Without a configured audience any will do; the skew is capped. */
static void test_audience_and_skew(void **state)
{
    struct relay_auth auth = token_auth;
    static char text[TOKEN_ROOM];
    struct relay_claims claims;
    struct msrp_str token = token_make(&(struct spec){.aud = NONE}, text);
    (void)state;

    assert_int_equal(relay_auth_token(&auth, token, NOW, &claims), RELAY_E_CLAIM_AUD);
    auth.audience = NULL;
    assert_int_equal(relay_auth_token(&auth, token, NOW, &claims), 0);
    assert_int_equal(relay_auth_token(&auth, token, NOW + 3629, &claims), 0);
    assert_int_equal(relay_auth_token(&auth, token, NOW + 3630, &claims), RELAY_E_CLAIM_EXP);
    auth.skew_s = 1000000;
    assert_int_equal(relay_auth_token(&auth, token, NOW + 3659, &claims), 0);
    assert_int_equal(relay_auth_token(&auth, token, NOW + 3660, &claims), RELAY_E_CLAIM_EXP);
    auth.skew_s = 0;
    assert_int_equal(relay_auth_token(&auth, token, NOW - 1, &claims), RELAY_E_CLAIM_IAT);
    assert_int_equal(relay_auth_token(&auth, token, NOW, &claims), 0);
    assert_int_equal(relay_auth_token(&auth, token, NOW + 3600, &claims), RELAY_E_CLAIM_EXP);
}

/* profile 2.8: rules that change hold for tokens accepted before. */
static void test_recheck(void **state)
{
    static const char *const alice[] = {"sip:alice@iops.example"};
    static const char *const elsewhere[] = {"elsewhere.example"};
    struct relay_issuer issuers[2] = {token_issuers[0], token_issuers[1]};
    struct relay_auth auth = token_auth;
    struct relay_claims claims;
    (void)state;

    auth.issuers = issuers;
    assert_int_equal(token_judge(&(struct spec){0}, &claims), 0);
    assert_int_equal(relay_auth_recheck(&auth, &claims, NOW), 0);
    assert_int_equal(relay_auth_recheck(&auth, &claims, NOW + 3629), 0);
    assert_int_equal(relay_auth_recheck(&auth, &claims, NOW + 3630), RELAY_E_CLAIM_EXP);
    auth.revoked = (struct relay_list){alice, 1};
    assert_int_equal(relay_auth_recheck(&auth, &claims, NOW), RELAY_E_REVOKED);
    auth.iops_domains = (struct relay_list){elsewhere, 1};
    assert_int_equal(relay_auth_recheck(&auth, &claims, NOW), RELAY_E_IOPS_DOMAIN);
    issuers[0].domains = (struct relay_list){elsewhere, 1};
    assert_int_equal(relay_auth_recheck(&auth, &claims, NOW), RELAY_E_ISSUER_DOMAIN);
    issuers[0].iss = "https://renamed.example";
    assert_int_equal(relay_auth_recheck(&auth, &claims, NOW), RELAY_E_CLAIM_ISS);
    issuers[0].keys = issuers[1].keys;
    assert_int_equal(relay_auth_recheck(&auth, &claims, NOW), RELAY_E_JWS_KID);
}

static void wrong(struct relay_auth auth)
{
    const char *why = NULL;

    assert_int_equal(relay_auth_check(&auth, &why), RELAY_E_CONF);
    assert_non_null(why);
}

static void test_check(void **state)
{
    static const char *const bad_id[] = {"alice"};
    struct relay_issuer issuers[2] = {token_issuers[0], token_issuers[1]};
    struct relay_auth auth = token_auth;
    const char *why;
    char name[300] = "";
    (void)state;

    auth.issuers = issuers;
    assert_int_equal(relay_auth_check(&auth, &why), 0);
    assert_null(why);
#define WRONG(member, value)                                                                       \
    do {                                                                                           \
        struct relay_auth changed = auth;                                                          \
        changed.member = value;                                                                    \
        wrong(changed);                                                                            \
    } while (0)
    WRONG(issuers_n, 0);
    WRONG(scope, NULL);
    WRONG(scope, "");
    WRONG(scope, "a b");
    WRONG(audience, "");
    WRONG(skew_s, 61);
    WRONG(revoked, ((struct relay_list){bad_id, 1}));
    WRONG(iops_users, ((struct relay_list){bad_id, 1}));
    auth.iops_domains.n = auth.iops_users.n = 0;
    wrong(auth);
    auth.iops = false;
    assert_int_equal(relay_auth_check(&auth, &why), 0);
    issuers[0].iss = NULL;
    wrong(auth);
    issuers[0].iss = "";
    wrong(auth);
    memset(name, 'x', 256);
    issuers[0].iss = name;
    wrong(auth);
    name[255] = '\0';
    assert_int_equal(relay_auth_check(&auth, &why), 0);
    issuers[0].iss = issuers[1].iss;
    wrong(auth);
    issuers[0] = token_issuers[0];
    issuers[0].domains.n = 0;
    wrong(auth);
    auth.issuers_n = 1;
    assert_int_equal(relay_auth_check(&auth, &why), 0);
    auth.issuers_n = 2;
    issuers[0] = token_issuers[0];
    issuers[1].keys = issuers[0].keys; /* the same kids twice */
    wrong(auth);
    issuers[1].keys = NULL;
    wrong(auth);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_t08),     cmocka_unit_test(test_issuers),
        cmocka_unit_test(test_claims),  cmocka_unit_test(test_audience_and_skew),
        cmocka_unit_test(test_recheck), cmocka_unit_test(test_check),
    };
    return cmocka_run_group_tests(tests, token_setup, token_teardown);
}
