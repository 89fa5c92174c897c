/* digest.c - tests of msrp/digest.c. */
#include "tests/msrp/test.h"

static bool is(struct msrp_str s, const char *text)
{
    return s.p && msrp_str_is(s, text);
}

/* The headers of rfc4976#5.1, unfolded. */
static void headers_of_the_rfc(void **state)
{
    struct msrp_digest_challenge challenge;
    struct msrp_digest_credentials c;
    struct msrp_digest_info info;

    (void)state;
    assert_int_equal(msrp_digest_challenge_parse(
                         &challenge, MSRP_STR("Digest realm=\"intra.example.com\", qop=\"auth\", "
                                              "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\"")),
                     0);
    assert_true(is(challenge.realm, "intra.example.com"));
    assert_true(is(challenge.nonce, "dcd98b7102dd2f0e8b11d0f600bfb0c093"));
    assert_true(challenge.has_auth && !challenge.is_stale && !challenge.opaque.p);
    assert_int_equal(challenge.algorithm, MSRP_DIGEST_MD5);

    assert_int_equal(msrp_digest_credentials_parse(
                         &c, MSRP_STR("Digest username=\"Alice\", realm=\"intra.example.com\", "
                                      "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", qop=auth, "
                                      "nc=00000001, cnonce=\"0a4f113b\", "
                                      "response=\"6629fae49393a05397450978507c4ef1\"")),
                     0);
    assert_true(is(c.username, "Alice") && is(c.realm, "intra.example.com"));
    assert_true(is(c.qop, "auth") && is(c.nc, "00000001") && c.nc_value == 1);
    assert_true(is(c.cnonce, "0a4f113b") && is(c.response, "6629fae49393a05397450978507c4ef1"));
    assert_true(!c.uri.p && !c.opaque.p && c.algorithm == MSRP_DIGEST_MD5);

    assert_int_equal(
        msrp_digest_info_parse(
            &info, MSRP_STR("nextnonce=\"40f2e879449675f288476d772627370a\",rspauth="
                            "\"7327570c586207eca2afae94fc20903d\", cnonce=\"0a4f113b\", "
                            "nc=00000001, qop=auth")),
        0);
    assert_true(is(info.nextnonce, "40f2e879449675f288476d772627370a"));
    assert_true(is(info.rspauth, "7327570c586207eca2afae94fc20903d"));
    assert_true(is(info.cnonce, "0a4f113b") && is(info.qop, "auth") && info.nc_value == 1);
}

/* What clients of the field write, and what nobody may. */
static void credentials(void **state)
{
#define U "username=\"u\",realm=\"r\",nonce=\"n\",response=\"0a\""
    static const struct {
        const char *text;
        int err;
    } rows[] = {
        {"Digest " U, 0},
        {"digest " U, 0},
        {"Digest   " U, 0},
        {"Digest username=\"u\" ,\t realm=\"r\",nonce=\"n\",  response=\"0a\"", 0},
        {"Digest USERNAME=\"u\",Realm=\"r\",nOnce=\"n\",response=\"0a\"", 0},
        {"Digest " U ",qop=\"auth\",nc=\"00000001\",algorithm=\"md5\"", 0},
        {"Digest " U ",later=x,later=\"y\"", 0},
        {"Digest username=\"\",realm=\"\",nonce=\"\",response=\"0a\"", 0},
        {"Digest username=\"a\\\"b\\\\\",realm=\"r\",nonce=\"n\",response=\"0a\"", 0},
        {"Digest username=\"\xc3\xa9\",realm=\"r\",nonce=\"n\",response=\"0a\"", 0},
        {"Digest " U ",nc=ffffffff", 0},
        {"Basic YTpi", MSRP_E_DIGEST_SCHEME},
        {"Digest", MSRP_E_DIGEST_SCHEME},
        {"Digest\t" U, MSRP_E_DIGEST_SCHEME},
        {"Digestion " U, MSRP_E_DIGEST_SCHEME},
        {"", MSRP_E_DIGEST_SCHEME},
        {"Digest ", MSRP_E_DIGEST_FORM},
        {"Digest x", MSRP_E_DIGEST_FORM},
        {"Digest ," U, MSRP_E_DIGEST_FORM},
        {"Digest " U ",", MSRP_E_DIGEST_FORM},
        {"Digest " U ",,qop=auth", MSRP_E_DIGEST_FORM},
        {"Digest " U " qop=auth", MSRP_E_DIGEST_FORM},
        {"Digest " U ",qop =auth", MSRP_E_DIGEST_FORM},
        {"Digest " U ",qop= auth", MSRP_E_DIGEST_FORM},
        {"Digest " U ",qop=\"\"", MSRP_E_DIGEST_FORM},
        {"Digest " U ",qop=\"auth,auth-int\"", MSRP_E_DIGEST_FORM},
        {"Digest " U ",qop=", MSRP_E_DIGEST_FORM},
        {"Digest " U ",=x", MSRP_E_DIGEST_FORM},
        {"Digest " U ",cnonce=abc", MSRP_E_DIGEST_FORM},
        {"Digest " U ",cnonce=\"abc", MSRP_E_DIGEST_FORM},
        {"Digest " U ",cnonce=\"abc\\", MSRP_E_DIGEST_FORM},
        {"Digest " U ",cnonce=\"abc\\\"", MSRP_E_DIGEST_FORM},
        {"Digest " U ",cnonce=\"a\x01\"", MSRP_E_DIGEST_FORM},
        {"Digest " U ",cnonce=\"a\\\x01\"", MSRP_E_DIGEST_FORM},
        {"Digest " U ",cnonce=\"a\"b", MSRP_E_DIGEST_FORM},
        {"Digest " U ",nc=1", MSRP_E_DIGEST_FORM},
        {"Digest " U ",nc=000000001", MSRP_E_DIGEST_FORM},
        {"Digest " U ",nc=0000000A", MSRP_E_DIGEST_FORM},
        {"Digest " U ",nc=\"\"", MSRP_E_DIGEST_FORM},
        {"Digest username=u,realm=\"r\",nonce=\"n\",response=\"0a\"", MSRP_E_DIGEST_FORM},
        {"Digest username=\"u\",realm=\"r\",nonce=\"n\",response=\"0A\"", MSRP_E_DIGEST_FORM},
        {"Digest username=\"u\",realm=\"r\",nonce=\"n\",response=\"\"", MSRP_E_DIGEST_FORM},
        {"Digest username=\"u\",realm=\"r\",nonce=\"n\",response=0a", MSRP_E_DIGEST_FORM},
        {"Digest " U ",nonce=\"n\"", MSRP_E_DIGEST_TWICE},
        {"Digest " U ",NONCE=\"other\"", MSRP_E_DIGEST_TWICE},
        {"Digest " U ",qop=auth,qop=auth", MSRP_E_DIGEST_TWICE},
        {"Digest username=\"\",username=\"u\",realm=\"r\",nonce=\"n\",response=\"0a\"",
         MSRP_E_DIGEST_TWICE},
        {"Digest realm=\"r\",nonce=\"n\",response=\"0a\"", MSRP_E_DIGEST_MISSING},
        {"Digest username=\"u\",nonce=\"n\",response=\"0a\"", MSRP_E_DIGEST_MISSING},
        {"Digest username=\"u\",realm=\"r\",response=\"0a\"", MSRP_E_DIGEST_MISSING},
        {"Digest username=\"u\",realm=\"r\",nonce=\"n\"", MSRP_E_DIGEST_MISSING},
    };
    struct msrp_digest_credentials c;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        int err = msrp_digest_credentials_parse(&c, msrp_str_of(rows[i].text));
        if (err != rows[i].err)
            fail_msg("%s: %s", rows[i].text, err_name(err));
    }
    /* escapes stay as they stand: the digest is computed over these octets */
    assert_int_equal(msrp_digest_credentials_parse(&c, msrp_str_of(rows[8].text)), 0);
    assert_true(is(c.username, "a\\\"b\\\\"));
    assert_int_equal(msrp_digest_credentials_parse(&c, msrp_str_of(rows[7].text)), 0);
    assert_true(is(c.username, "") && !c.uri.p);
    assert_int_equal(msrp_digest_credentials_parse(&c, msrp_str_of(rows[10].text)), 0);
    assert_int_equal(c.nc_value, UINT32_MAX);
    assert_int_equal(
        msrp_digest_credentials_parse(
            &c, MSRP_STR("Digest " U ",qop=auth-int,algorithm=MD5-sess,uri=\"msrps://x;tcp\"")),
        0);
    assert_true(is(c.qop, "auth-int") && is(c.uri, "msrps://x;tcp"));
    assert_int_equal(c.algorithm, MSRP_DIGEST_OTHER);
}

static void challenges(void **state)
{
#define R "Digest realm=\"r\",nonce=\"n\""
    static const struct {
        const char *text;
        int err;
        bool has_auth, is_stale;
        enum msrp_digest_algorithm algorithm;
    } rows[] = {
        {R ",qop=\"auth\"", 0, true, false, MSRP_DIGEST_MD5},
        {R ",qop=\"auth-int,auth\",stale=TRUE,algorithm=SHA-256", 0, true, true,
         MSRP_DIGEST_SHA256},
        {R ",qop=\"auth-int\",stale=false,algorithm=MD5-sess", 0, false, false, MSRP_DIGEST_OTHER},
        {R ",qop=\"x, auth\",algorithm=\"sha-256\",domain=\"a b\"", 0, true, false,
         MSRP_DIGEST_SHA256},
        {R ",qop=auth", MSRP_E_DIGEST_FORM, false, false, 0},
        {R, MSRP_E_DIGEST_MISSING, false, false, 0},
        {"Digest realm=\"r\",qop=\"auth\"", MSRP_E_DIGEST_MISSING, false, false, 0},
        {"Digest nonce=\"n\",qop=\"auth\"", MSRP_E_DIGEST_MISSING, false, false, 0},
        {"Bearer realm=\"r\", scope=\"s\"", MSRP_E_DIGEST_SCHEME, false, false, 0},
        {R ",qop=\"auth\",opaque=\"\",opaque=\"\"", MSRP_E_DIGEST_TWICE, false, false, 0},
    };
    struct msrp_digest_challenge c;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        int err = msrp_digest_challenge_parse(&c, msrp_str_of(rows[i].text));
        if (err != rows[i].err)
            fail_msg("%s: %s", rows[i].text, err_name(err));
        if (err)
            continue;
        assert_int_equal(c.has_auth, rows[i].has_auth);
        assert_int_equal(c.is_stale, rows[i].is_stale);
        assert_int_equal(c.algorithm, rows[i].algorithm);
    }
}

static void infos(void **state)
{
#define I "rspauth=\"0a\", cnonce=\"c\", nc=00000001, qop=auth"
    static const struct {
        const char *text;
        int err;
    } rows[] = {
        {I, 0},
        {"rspauth=\"\",cnonce=\"c\",nc=00000001,qop=auth", 0}, /* *LHEX */
        {I ",nextnonce=\"n\",more=x", 0},
        {"Digest " I, MSRP_E_DIGEST_FORM},
        {"", MSRP_E_DIGEST_FORM},
        {I ",qop=auth", MSRP_E_DIGEST_TWICE},
        {"rspauth=\"0g\",cnonce=\"c\",nc=00000001,qop=auth", MSRP_E_DIGEST_FORM},
        {"rspauth=\"0a\",cnonce=\"c\",nc=1,qop=auth", MSRP_E_DIGEST_FORM},
        {"cnonce=\"c\",nc=00000001,qop=auth", MSRP_E_DIGEST_MISSING},
        {"rspauth=\"0a\",nc=00000001,qop=auth", MSRP_E_DIGEST_MISSING},
        {"rspauth=\"0a\",cnonce=\"c\",qop=auth", MSRP_E_DIGEST_MISSING},
        {"rspauth=\"0a\",cnonce=\"c\",nc=00000001", MSRP_E_DIGEST_MISSING},
    };
    struct msrp_digest_info info;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        int err = msrp_digest_info_parse(&info, msrp_str_of(rows[i].text));
        if (err != rows[i].err)
            fail_msg("%s: %s", rows[i].text, err_name(err));
    }
}

static void caps(void **state)
{
    struct msrp_digest_credentials c;
    char text[4096];

    (void)state;
    for (int n = 511; n <= 513; n++) {
        snprintf(text, sizeof text, "Digest " U ",uri=\"%0*d\"", n, 0);
        assert_int_equal(msrp_digest_credentials_parse(&c, msrp_str_of(text)),
                         n > MSRP_DIGEST_VALUE_MAX ? MSRP_E_DIGEST_LONG : 0);
        snprintf(text, sizeof text, "Digest " U ",x=%0*d", n, 0); /* skipped ones too */
        assert_int_equal(msrp_digest_credentials_parse(&c, msrp_str_of(text)),
                         n > MSRP_DIGEST_VALUE_MAX ? MSRP_E_DIGEST_LONG : 0);
    }
    for (int n = 4; n <= 25; n++) { /* U holds 4 */
        strcpy(text, "Digest " U);
        for (int i = 4; i < n; i++)
            strcat(text, ",x=y");
        assert_int_equal(msrp_digest_credentials_parse(&c, msrp_str_of(text)),
                         n > MSRP_DIGEST_PARAMETERS_MAX ? MSRP_E_DIGEST_LONG : 0);
    }
    for (int n = 64; n <= 65; n++) {
        snprintf(text, sizeof text,
                 "Digest username=\"u\",realm=\"r\",nonce=\"n\",response=\"%0*d\"", n, 0);
        assert_int_equal(msrp_digest_credentials_parse(&c, msrp_str_of(text)),
                         n > 64 ? MSRP_E_DIGEST_FORM : 0);
    }
}

/* Row A4: what is written obeys rfc4976#9.1; and it reads back. */
static void a4_printed(void **state)
{
    char out[512], again[512];
    struct msrp_digest_challenge challenge = {
        .realm = MSRP_STR("r"), .nonce = MSRP_STR("n"), .opaque = MSRP_STR("o")};
    struct msrp_digest_credentials c = {.username = MSRP_STR("u"),
                                        .realm = MSRP_STR("r"),
                                        .nonce = MSRP_STR("n"),
                                        .response = MSRP_STR("0a"),
                                        .uri = MSRP_STR("msrps://x;tcp"),
                                        .cnonce = MSRP_STR("c"),
                                        .qop = MSRP_STR("auth"),
                                        .nc_value = 0xabcdef};
    struct msrp_digest_info info = {.rspauth = MSRP_STR("0a"),
                                    .cnonce = MSRP_STR("c"),
                                    .nextnonce = MSRP_STR("m"),
                                    .qop = MSRP_STR("auth"),
                                    .nc_value = 1};
    ssize_t n = msrp_digest_challenge_print(&challenge, out, sizeof out);

    (void)state;
    out[n] = '\0';
    assert_string_equal(out, "Digest realm=\"r\", qop=\"auth\", nonce=\"n\", opaque=\"o\"");
    challenge.is_stale = true;
    challenge.algorithm = MSRP_DIGEST_SHA256;
    n = msrp_digest_challenge_print(&challenge, out, sizeof out);
    out[n] = '\0';
    assert_string_equal(out, "Digest realm=\"r\", qop=\"auth\", nonce=\"n\", opaque=\"o\", "
                             "algorithm=SHA-256, stale=true");
    assert_int_equal(msrp_digest_challenge_parse(&challenge, msrp_str_of(out)), 0);
    assert_true(challenge.is_stale && challenge.has_auth);

    n = msrp_digest_credentials_print(&c, out, sizeof out);
    out[n] = '\0';
    assert_string_equal(out, "Digest username=\"u\", realm=\"r\", nonce=\"n\", "
                             "uri=\"msrps://x;tcp\", qop=auth, nc=00abcdef, cnonce=\"c\", "
                             "response=\"0a\"");
    assert_int_equal(msrp_digest_credentials_parse(&c, msrp_str_of(out)), 0);
    assert_int_equal(c.nc_value, 0xabcdef);
    assert_int_equal(msrp_digest_credentials_print(&c, again, sizeof again), n);
    assert_memory_equal(out, again, n);

    n = msrp_digest_info_print(&info, out, sizeof out);
    out[n] = '\0';
    assert_string_equal(out,
                        "nextnonce=\"m\", rspauth=\"0a\", cnonce=\"c\", nc=00000001, qop=auth");
    assert_int_equal(msrp_digest_info_parse(&info, msrp_str_of(out)), 0);
    info.nextnonce = (struct msrp_str){NULL, 0};
    n = msrp_digest_info_print(&info, out, sizeof out);
    assert_int_equal(n, strlen("rspauth=\"0a\", cnonce=\"c\", nc=00000001, qop=auth"));

    /* every shorter buffer is too small, and nothing is written behind it */
    for (size_t cap = 0; cap < (size_t)n; cap++) {
        memset(again, 'x', sizeof again);
        assert_int_equal(msrp_digest_info_print(&info, again, cap), MSRP_E_SPACE);
        assert_int_equal(again[cap], 'x');
    }
    row_passed("A4");
}

/* Nothing that would end its string early is written. */
static void printed_never_breaks_out(void **state)
{
    static const char *const bad[] = {"a\"b", "a\rb", "a\nb", "a\\", "\x7f", "a\\\x01"};
    struct msrp_digest_challenge c = {.nonce = MSRP_STR("n")};
    char out[128];

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        c.realm = msrp_str_of(bad[i]);
        assert_false(msrp_digest_is_quotable(c.realm));
        assert_int_equal(msrp_digest_challenge_print(&c, out, sizeof out), MSRP_E_OCTET);
    }
    c.realm = MSRP_STR("a\\\"b");
    assert_true(msrp_digest_is_quotable(c.realm));
    assert_true(msrp_digest_challenge_print(&c, out, sizeof out) > 0);
    c.algorithm = MSRP_DIGEST_OTHER;
    assert_int_equal(msrp_digest_challenge_print(&c, out, sizeof out), MSRP_E_DIGEST_FORM);
    struct msrp_digest_info info = {.qop = MSRP_STR("a b")};
    assert_int_equal(msrp_digest_info_print(&info, out, sizeof out), MSRP_E_OCTET);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_of_the_rfc),
        cmocka_unit_test(credentials),
        cmocka_unit_test(challenges),
        cmocka_unit_test(infos),
        cmocka_unit_test(caps),
        cmocka_unit_test(a4_printed),
        cmocka_unit_test(printed_never_breaks_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
