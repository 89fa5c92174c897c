#include "tests/relay/auth_token.h"

#define GOOD                                                                                       \
    "\"iss\":\"https://idms.iops.example\",\"aud\":\"relay.iops.example\",\"exp\":" LATER_TEXT     \
    ",\"scope\":\"3gpp:mc:data_service\",\"client_id\":\"c\""
#define ALICE "\"mcdata_id\":\"sip:alice@iops.example\""
#define MORE(text)                                                                                 \
    {                                                                                              \
        .more = text                                                                               \
    }
#define D15 "[[[[[[[[[[[[[[["
#define E15 "]]]]]]]]]]]]]]]"

/* T09: JSON that two readers read in two ways. What cJSON alone would do with the first rows: keep
 * the first of two members, find "MCDATA_ID", cut at the NUL, read infinity, stop early. */
static const struct row t09[] = {
    {"mcdata_id twice", RELAY_E_JSON_DUPLICATE,
     .fault = MORE("\"mcdata_id\":\"sip:bob@iops.example\""),
     MORE("\"mcdata_id2\":\"sip:bob@iops.example\"")},
    {"twice, the same value", RELAY_E_JSON_DUPLICATE, .fault = MORE("\"exp\":" LATER_TEXT)},
    {"twice, escaped", RELAY_E_JSON_DUPLICATE,
     .fault = MORE("\"mcdata\\u005Fid\":\"sip:bob@iops.example\"")},
    {"twice, deep inside", RELAY_E_JSON_DUPLICATE,
     .fault = MORE("\"a\":[{\"b\":{\"c\":1,\"d\":2,\"c\":1}}]"),
     MORE("\"a\":[{\"b\":{\"c\":1,\"d\":2,\"C\":1}}]")},
    {"twice, empty names", RELAY_E_JSON_DUPLICATE, .fault = MORE("\"\":1,\"\":2"), MORE("\"\":1")},
    {"an escaped NUL",
     RELAY_E_JSON_NUL,
     .fault = {.mcdata_id = "\"sip:alice@iops.example\\u0000@evil.example\""},
     {.mcdata_id = "\"sip:alice@iops\\u002eexample\""}},
    {"an escaped NUL in a name", RELAY_E_JSON_NUL, .fault = MORE("\"mcdata_id\\u0000\":1")},
    {"a NUL",
     RELAY_E_JSON_NUL,
     .fault = {.payload = RAW("{" GOOD "," ALICE "}\0")},
     {.payload = RAW("{" GOOD "," ALICE "}")}},
    {"a NUL inside",
     RELAY_E_JSON_NUL,
     .fault = {.payload = RAW("{" GOOD ",\0" ALICE "}")},
     {.payload = RAW("{" GOOD ",\r\n\t " ALICE "}")}},
    {"1e400", RELAY_E_JSON_NUMBER, .fault = MORE("\"n\":1e400"), MORE("\"n\":1e300")},
    {"-1e400", RELAY_E_JSON_NUMBER, .fault = {.exp = "-1e400"}},
    {"64 digits", RELAY_E_JSON_NUMBER,
     .fault = MORE("\"n\":1234567890123456789012345678901234567890123456789012345678901234"),
     MORE("\"n\":123456789012345678901234567890123456789012345678901234567890123")},
    {"a leading 0", RELAY_E_JSON_SYNTAX, .fault = {.iat = "01"}, {.iat = "0"}},
    {"a plus", RELAY_E_JSON_SYNTAX, .fault = MORE("\"n\":+1"), MORE("\"n\":1e+1")},
    {"no digit behind the point", RELAY_E_JSON_SYNTAX, .fault = MORE("\"n\":1."),
     MORE("\"n\":1.0")},
    {"no digit before the point", RELAY_E_JSON_SYNTAX, .fault = MORE("\"n\":.5"),
     MORE("\"n\":0.5")},
    {"no exponent", RELAY_E_JSON_SYNTAX, .fault = MORE("\"n\":1e"), MORE("\"n\":1E-1")},
    {"hexadecimal", RELAY_E_JSON_SYNTAX, .fault = MORE("\"n\":0x10")},
    {"minus alone", RELAY_E_JSON_SYNTAX, .fault = MORE("\"n\":-"), MORE("\"n\":-0")},
    {"NaN", RELAY_E_JSON_SYNTAX, .fault = MORE("\"n\":NaN"), MORE("\"n\":null")},
    {"Infinity", RELAY_E_JSON_SYNTAX, .fault = MORE("\"n\":Infinity")},
    {"True", RELAY_E_JSON_SYNTAX, .fault = MORE("\"n\":True"), MORE("\"n\":true")},
    {"a cut word", RELAY_E_JSON_SYNTAX, .fault = MORE("\"n\":fals"), MORE("\"n\":false")},
    {"17 deep", RELAY_E_JSON_DEPTH, .fault = MORE("\"n\":" D15 "[]" E15), MORE("\"n\":" D15 E15)},
    {"16 deep in objects", RELAY_E_JSON_DEPTH,
     .fault =
         MORE("\"n\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{"
              "\"a\":{"
              "\"a\":{\"a\":{\"a\":{}}}}}}}}}}}}}}}}")},
    {"a second value",
     RELAY_E_JSON_TRAILING,
     .fault = {.payload = RAW("{" GOOD "," ALICE "}{}")},
     {.payload = RAW("{" GOOD "," ALICE "} \n")}},
    {"a second token's payload", RELAY_E_JSON_TRAILING,
     .fault = {.payload = RAW("{" GOOD "," ALICE "}\n{" GOOD "}")}},
    {"one brace too many", RELAY_E_JSON_TRAILING,
     .fault = {.payload = RAW("{" GOOD "," ALICE "}}")}},
    {"a lone continuation octet", RELAY_E_JSON_UTF8, .fault = MORE("\"a\":\"\x80\""),
     MORE("\"a\":\"\xc2\x80\"")},
    {"an overlong NUL", RELAY_E_JSON_UTF8, .fault = MORE("\"a\":\"\xc0\x80\"")},
    {"an overlong slash", RELAY_E_JSON_UTF8, .fault = MORE("\"a\":\"\xe0\x80\xaf\"")},
    {"a surrogate in UTF-8", RELAY_E_JSON_UTF8, .fault = MORE("\"a\":\"\xed\xa0\x80\""),
     MORE("\"a\":\"\xed\x9f\xbf\"")},
    {"over U+10FFFF", RELAY_E_JSON_UTF8, .fault = MORE("\"a\":\"\xf4\x90\x80\x80\""),
     MORE("\"a\":\"\xf4\x8f\xbf\xbf\"")},
    {"0xff", RELAY_E_JSON_UTF8, .fault = MORE("\"a\":\"\xff\"")},
    {"a cut sequence", RELAY_E_JSON_UTF8,
     .fault = {.payload = RAW("{" GOOD "," ALICE ",\"a\":\"\xe2\x82")}},
    {"a lone high surrogate", RELAY_E_JSON_UTF8, .fault = MORE("\"a\":\"\\ud83d\""),
     MORE("\"a\":\"\\ud83d\\ude00\"")},
    {"a lone low surrogate", RELAY_E_JSON_UTF8, .fault = MORE("\"a\":\"\\ude00\"")},
    {"surrogates in the wrong order", RELAY_E_JSON_UTF8, .fault = MORE("\"a\":\"\\ude00\\ud83d\"")},
    {"two high surrogates", RELAY_E_JSON_UTF8, .fault = MORE("\"a\":\"\\ud83d\\ud83d\"")},
    {"high surrogate, then another escape", RELAY_E_JSON_UTF8,
     .fault = MORE("\"a\":\"\\ud83d\\n00000\"")},
    {"a byte order mark", RELAY_E_JSON_SYNTAX,
     .fault = {.payload = RAW("\xef\xbb\xbf{" GOOD "," ALICE "}")}},
    {"UTF-16", RELAY_E_JSON_NUL, .fault = {.payload = RAW("\0{\0}")}},
    {"a comment", RELAY_E_JSON_SYNTAX, .fault = {.payload = RAW("{" GOOD "," ALICE "/*x*/}")}},
    {"a comma too many", RELAY_E_JSON_SYNTAX, .fault = {.payload = RAW("{" GOOD "," ALICE ",}")}},
    {"a comma too few", RELAY_E_JSON_SYNTAX, .fault = {.payload = RAW("{" GOOD " " ALICE "}")}},
    {"a comma in front", RELAY_E_JSON_SYNTAX, .fault = {.payload = RAW("{," GOOD "," ALICE "}")}},
    {"no colon", RELAY_E_JSON_SYNTAX, .fault = MORE("\"a\" 1"), MORE("\"a\" : 1")},
    {"a name without quotes", RELAY_E_JSON_SYNTAX, .fault = MORE("a:1")},
    {"single quotes", RELAY_E_JSON_SYNTAX, .fault = MORE("'a':1")},
    {"a line end in a string", RELAY_E_JSON_SYNTAX, .fault = MORE("\"a\":\"\n\""),
     MORE("\"a\":\"\\n\"")},
    {"an unknown escape", RELAY_E_JSON_SYNTAX, .fault = MORE("\"a\":\"\\x41\""),
     MORE("\"a\":\"\\u0041\"")},
    {"a short escape", RELAY_E_JSON_SYNTAX, .fault = MORE("\"a\":\"\\u41\"")},
    {"form feed as space", RELAY_E_JSON_SYNTAX,
     .fault = {.payload = RAW("{" GOOD ",\f" ALICE "}")}},
    {"no end", RELAY_E_JSON_SYNTAX, .fault = {.payload = RAW("{" GOOD "," ALICE)}},
    {"no end of a string", RELAY_E_JSON_SYNTAX,
     .fault = {.payload = RAW("{" GOOD "," ALICE ",\"a")}},
    {"an end of another kind", RELAY_E_JSON_SYNTAX,
     .fault = {.payload = RAW("{" GOOD "," ALICE "]")}},
    {"an array", RELAY_E_JWS_FORM, .fault = {.payload = RAW("[{" GOOD "," ALICE "}]")}},
    {"a string", RELAY_E_JWS_FORM, .fault = {.payload = RAW("\"x\"")}},
    {"null", RELAY_E_JWS_FORM, .fault = {.payload = RAW("null")}},
};

static void test_t09(void **state)
{
    (void)state;
    token_matrix(t09, sizeof t09 / sizeof *t09, 12);
    assert_true(token_reasons_n >= 8);
}

static int parse(const char *p, size_t n, struct relay_json **out)
{
    char *exact = malloc(n ? n : 1); /* a read past the end shows */
    int err;

    memcpy(exact, p, n);
    err = relay_json_parse(exact, n, RELAY_JSON_JWKS_MAX, out);
    free(exact);
    return err;
}

/* The caps at their last good and first bad value. */
static void test_caps(void **state)
{
    static char text[RELAY_JSON_JWKS_MAX + 2];
    struct relay_json *json;
    (void)state;

    memset(text, ' ', sizeof text);
    memcpy(text, "[]", 2);
    assert_int_equal(relay_json_parse(text, RELAY_JSON_JWKS_MAX, RELAY_JSON_JWKS_MAX, &json), 0);
    relay_json_free(json);
    assert_int_equal(relay_json_parse(text, RELAY_JSON_JWKS_MAX + 1, RELAY_JSON_JWKS_MAX, &json),
                     RELAY_E_JSON_SIZE);
    assert_null(json);
    /* the outer array is a value too */
    for (int nodes = RELAY_JSON_NODES_MAX; nodes <= RELAY_JSON_NODES_MAX + 1; nodes++) {
        size_t n = 0;
        text[n++] = '[';
        for (int i = 1; i < nodes; i++)
            n += (size_t)sprintf(text + n, i > 1 ? ",0" : "0");
        text[n++] = ']';
        assert_int_equal(parse(text, n, &json),
                         nodes <= RELAY_JSON_NODES_MAX ? 0 : RELAY_E_JSON_NODES);
        relay_json_free(json);
    }
    /* a million brackets cost 17 steps */
    memset(text, '[', sizeof text);
    assert_int_equal(parse(text, RELAY_JSON_JWKS_MAX, &json), RELAY_E_JSON_DEPTH);
    assert_int_equal(parse("", 0, &json), RELAY_E_JSON_SYNTAX);
    relay_json_free(NULL);
}

/* As many members as fit, all different, then the first name again at the end. */
static void test_many_names(void **state)
{
    static char text[65536];
    struct relay_json *json;
    size_t n = 0;
    (void)state;

    n += (size_t)sprintf(text, "{\"n0\":0");
    for (int i = 1; i < RELAY_JSON_NODES_MAX - 2; i++)
        n += (size_t)sprintf(text + n, ",\"n%d\":0", i);
    sprintf(text + n, ",\"m\":0}");
    assert_int_equal(parse(text, strlen(text), &json), 0);
    relay_json_free(json);
    sprintf(text + n, ",\"n0\":0}");
    assert_int_equal(parse(text, strlen(text), &json), RELAY_E_JSON_DUPLICATE);
}

static const char tree[] =
    "{\"s\":\"a\\\"\\u00e9\\ud83d\\ude00\",\"i\":-12,\"big\":9007199254740993,"
    "\"f\":1.5,\"e\":1e3,\"t\":true,\"n\":null,\"a\":[1,[],{\"x\":\"\"}],"
    "\"S\":\"other\"}";

static void test_values(void **state)
{
    const struct relay_json_value *root, *a;
    struct relay_json *json;
    struct msrp_str s;
    int64_t i;
    bool b;
    (void)state;

    assert_int_equal(parse(tree, sizeof tree - 1, &json), 0);
    root = relay_json_root(json);
    assert_int_equal(relay_json_type(root), RELAY_JSON_OBJECT);
    assert_int_equal(relay_json_string(relay_json_get(root, "s"), &s), 0);
    assert_true(msrp_str_is(s, "a\"\xc3\xa9\xf0\x9f\x98\x80"));
    assert_int_equal(s.p[s.n], 0);
    assert_int_equal(relay_json_string(relay_json_get(root, "S"), &s), 0);
    assert_true(msrp_str_is(s, "other"));
    assert_null(relay_json_get(root, "I")); /* case counts */
    assert_int_equal(relay_json_integer(relay_json_get(root, "i"), &i), 0);
    assert_int_equal(i, -12);
    assert_int_equal(relay_json_integer(relay_json_get(root, "e"), &i), 0);
    assert_int_equal(i, 1000);
    /* a double cannot tell 2^53 + 1 from 2^53 */
    assert_int_equal(relay_json_integer(relay_json_get(root, "big"), &i), 0);
    assert_int_equal(i, RELAY_JSON_INT_MAX);
    assert_int_equal(relay_json_integer(relay_json_get(root, "f"), &i), RELAY_E_JSON_NUMBER);
    assert_int_equal(relay_json_integer(relay_json_get(root, "s"), &i), RELAY_E_JSON_TYPE);
    assert_int_equal(relay_json_integer(NULL, &i), RELAY_E_JSON_TYPE);
    assert_int_equal(relay_json_bool(relay_json_get(root, "t"), &b), 0);
    assert_true(b);
    assert_int_equal(relay_json_bool(relay_json_get(root, "i"), &b), RELAY_E_JSON_TYPE);
    assert_int_equal(relay_json_string(relay_json_get(root, "n"), &s), RELAY_E_JSON_TYPE);
    assert_int_equal(relay_json_type(relay_json_get(root, "n")), RELAY_JSON_NULL);
    assert_int_equal(relay_json_type(relay_json_get(root, "f")), RELAY_JSON_NUMBER);
    assert_int_equal(relay_json_type(relay_json_get(root, "t")), RELAY_JSON_BOOL);
    assert_int_equal(relay_json_type(relay_json_get(root, "s")), RELAY_JSON_STRING);

    a = relay_json_get(root, "a");
    assert_int_equal(relay_json_type(a), RELAY_JSON_ARRAY);
    assert_true(msrp_str_is(relay_json_name(a), "a"));
    assert_null(relay_json_get(a, "x"));
    a = relay_json_first(a);
    assert_int_equal(relay_json_integer(a, &i), 0);
    assert_null(relay_json_first(a));
    assert_int_equal(relay_json_name(a).n, 0);
    a = relay_json_next(a);
    assert_int_equal(relay_json_type(a), RELAY_JSON_ARRAY);
    assert_null(relay_json_first(a));
    a = relay_json_next(a);
    assert_int_equal(relay_json_string(relay_json_get(a, "x"), &s), 0);
    assert_int_equal(s.n, 0);
    assert_null(relay_json_next(a));
    relay_json_free(json);
}

/* Every cut of a good text is refused without a read past its end. */
static void test_every_cut(void **state)
{
    struct relay_json *json;
    (void)state;

    for (size_t n = 0; n < sizeof tree - 1; n++) {
        assert_int_not_equal(parse(tree, n, &json), 0);
        assert_null(json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_t09),        cmocka_unit_test(test_caps),
        cmocka_unit_test(test_many_names), cmocka_unit_test(test_values),
        cmocka_unit_test(test_every_cut),
    };
    return cmocka_run_group_tests(tests, token_setup, token_teardown);
}
