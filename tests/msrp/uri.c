/* uri.c - tests of msrp/uri.c. */
#include "tests/msrp/test.h"

static bool same(const char *a, const char *b)
{
    bool forth = msrp_uri_is_same_text(msrp_str_of(a), msrp_str_of(b));

    assert_int_equal(forth, msrp_uri_is_same_text(msrp_str_of(b), msrp_str_of(a)));
    return forth;
}

static int parse(const char *text)
{
    struct msrp_uri uri;

    return msrp_uri_parse(&uri, msrp_str_of(text));
}

/* row U1: comparison. rfc4975#6.1 */
static void u1_compare(void **state)
{
    static const char base[] = "msrp://host.example:8493/asfd34;tcp";
    static const char *equal[] = {
        "MSRP://host.example:8493/asfd34;tcp",     "msrp://HOST.Example:8493/asfd34;tcp",
        "msrp://h%6fst.ex%41mple:8493/asfd34;tcp", "msrp://alice@host.example:8493/asfd34;tcp",
        "msrp://host.example:8493/asfd34;TCP",     "msrp://host.example:8493/asfd34;tcp;a=b",
        "msrp://host.example:08493/asfd34;tcp"};
    static const char *different[] = {
        "msrps://host.example:8493/asfd34;tcp", "msrp://host.example/asfd34;tcp",
        "msrp://host.example:8494/asfd34;tcp",  "msrp://host.example:8493/ASFD34;tcp",
        "msrp://host.example:8493;tcp",         "msrp://host.example:8493/asfd34;ws",
        "msrp://hosts.example:8493/asfd34;tcp", "not a uri"};

    (void)state;
    assert_true(same(base, base));
    for (size_t i = 0; i < COUNT(equal); i++) {
        assert_true(same(base, equal[i]));
    }
    for (size_t i = 0; i < COUNT(different); i++) {
        assert_false(same(base, different[i]));
    }
    /* addresses by value */
    assert_true(same("msrp://[2001:db8::1]:1/s;tcp", "msrp://[2001:0DB8:0:0::0001]:1/s;tcp"));
    assert_false(same("msrp://[2001:db8::1]:1/s;tcp", "msrp://[2001:db8::2]:1/s;tcp"));
    assert_true(same("msrp://192.0.2.1:1/s;tcp", "msrp://192.0.2.1:1/s;tcp"));
    assert_false(same("msrp://192.0.2.1:1/s;tcp", "msrp://192.0.2.2:1/s;tcp"));
    assert_false(same("msrp://192.0.2.1:1/s;tcp", "msrp://[::ffff:192.0.2.1]:1/s;tcp"));
    assert_false(same("msrp://192.0.2.1:1/s;tcp", "msrp://x192.0.2.1:1/s;tcp"));
    /* no port is no port, also when the other is the registered one */
    assert_false(same("msrp://a.example;tcp", "msrp://a.example:2855;tcp"));
    assert_true(same("msrp://a.example;tcp", "msrp://A.example;tcp"));
    row_passed("U1");
}

/* row U2: form. rfc4975#6, #9 */
static void u2_form(void **state)
{
    static const char *good[] = {
        "msrp://a.example:1/s;tcp",
        "msrps://a.example:65535/s+a=b-c_d.e~f/g;tcp",
        "msrps://alice@a.example:1/s;tcp",
        "msrps://al%69ce;x=y@a.example:1/s;tcp",
        "msrp://[::1]:1/s;tcp",
        "msrp://[2001:db8::192.0.2.33]:1/s;tcp",
        "msrp://127.0.0.1:1/s;tcp",
        "msrp://a.example;tcp",
        "msrp://a:1/s;tcp;p;q=r;tok!=v~",
        "msrp://a:1/s;sctp",
        "msrp://1a:1/s;tcp",
    };
    static const struct {
        const char *text;
        int err;
    } bad[] = {
        {"", MSRP_E_URI_SCHEME},
        {"msrp:", MSRP_E_URI_SCHEME},
        {"msrp:/a:1/s;tcp", MSRP_E_URI_SCHEME},
        {"http://a:1/s;tcp", MSRP_E_URI_SCHEME},
        {"msrpss://a:1/s;tcp", MSRP_E_URI_SCHEME},
        {"msrp://a:1/s;t p", MSRP_E_URI_FORM},
        {"msrp://a:1/s;tcp\x01", MSRP_E_URI_FORM},
        {"msrp://\xc3\xa4:1/s;tcp", MSRP_E_URI_FORM},
        {"msrp://a:1/s", MSRP_E_URI_TRANSPORT},
        {"msrp://a:1", MSRP_E_URI_TRANSPORT},
        {"msrp://a:1/s;", MSRP_E_URI_TRANSPORT},
        {"msrp://a:1/s;t-p", MSRP_E_URI_TRANSPORT},
        {"msrp://a:1/s;tcp;", MSRP_E_URI_FORM},
        {"msrp://a:1/s;tcp;=b", MSRP_E_URI_FORM},
        {"msrp://a:1/s;tcp;a=", MSRP_E_URI_FORM},
        {"msrp://a:1/s;tcp;a=b=c", MSRP_E_URI_FORM},
        {"msrp://a:1x/s;tcp", MSRP_E_URI_FORM},
        {"msrp://;tcp", MSRP_E_URI_HOST},
        {"msrp://:1/s;tcp", MSRP_E_URI_HOST},
        {"msrp://a_b!:1/s;tcp", MSRP_E_URI_HOST},
        {"msrp://a%00b:1/s;tcp", MSRP_E_URI_HOST},
        {"msrp://a%2fb:1/s;tcp", MSRP_E_URI_HOST},
        {"msrp://a%zz:1/s;tcp", MSRP_E_URI_HOST},
        {"msrp://a%2:1/s;tcp", MSRP_E_URI_HOST},
        {"msrp://127.1:1/s;tcp", MSRP_E_URI_HOST},
        {"msrp://2130706433:1/s;tcp", MSRP_E_URI_HOST},
        {"msrp://256.0.0.1:1/s;tcp", MSRP_E_URI_HOST},
        {"msrp://%31%32%37.0.0.1:1/s;tcp", MSRP_E_URI_HOST},
        {"msrp://[::1:1/s;tcp", MSRP_E_URI_HOST},
        {"msrp://[::1%25eth0]:1/s;tcp", MSRP_E_URI_HOST},
        {"msrp://[fe80::1%eth0]:1/s;tcp", MSRP_E_URI_HOST},
        {"msrp://[127.0.0.1]:1/s;tcp", MSRP_E_URI_HOST},
        {"msrp://[]:1/s;tcp", MSRP_E_URI_HOST},
        {"msrp://[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa]:1/s;tcp", MSRP_E_URI_HOST},
        {"msrp://a:/s;tcp", MSRP_E_URI_PORT},
        {"msrp://a:0/s;tcp", MSRP_E_URI_PORT},
        {"msrp://a:65536/s;tcp", MSRP_E_URI_PORT},
        {"msrp://a:000001/s;tcp", MSRP_E_URI_PORT},
        {"msrp://a:-1/s;tcp", MSRP_E_URI_PORT},
        {"msrp://127.0.0.1/s;tcp", MSRP_E_URI_PORT_NONE},
        {"msrp://[::1]/s;tcp", MSRP_E_URI_PORT_NONE},
        {"msrp://a:1/;tcp", MSRP_E_URI_SESSION},
        {"msrp://a:1/s%41;tcp", MSRP_E_URI_SESSION},
        {"msrp://a:1/s?q;tcp", MSRP_E_URI_SESSION},
        {"msrp://@a:1/s;tcp", MSRP_E_URI_USERINFO},
        {"msrp://u:pw@a:1/s;tcp", MSRP_E_URI_USERINFO},
        {"msrp://a:1/s@b;tcp", MSRP_E_URI_USERINFO},
    };
    struct msrp_uri uri;

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        if (parse(good[i]) != 0) {
            fail_msg("%s: %s", good[i], err_name(parse(good[i])));
        }
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        if (parse(bad[i].text) != bad[i].err) {
            fail_msg("%s: %s", bad[i].text, err_name(parse(bad[i].text)));
        }
    }
    assert_int_equal(msrp_uri_parse(&uri, MSRP_STR("msrps://bob@[::1]:7/s/1;Tcp;x=y")), 0);
    assert_true(uri.is_secure && uri.is_ip6 && uri.has_userinfo && uri.has_port && uri.has_session);
    assert_false(uri.is_ip4);
    assert_int_equal(uri.port, 7);
    assert_true(msrp_str_is(uri.userinfo, "bob"));
    assert_true(msrp_str_is(uri.host, "::1"));
    assert_true(msrp_str_is(uri.session, "s/1"));
    assert_true(msrp_str_is(uri.transport, "Tcp"));
    assert_true(msrp_str_is(uri.parameters, ";x=y"));
    assert_int_equal(msrp_uri_parse(&uri, MSRP_STR("msrp://127.0.0.1:7;tcp")), 0);
    assert_true(uri.is_ip4 && !uri.is_secure && !uri.has_session && !uri.has_userinfo);
    row_passed("U2");
}

/* row U3: 2855 is no default that is filled in. rfc4975#6 */
static void u3_no_default_port(void **state)
{
    char text[64];
    struct msrp_uri uri;

    (void)state;
    assert_int_equal(msrp_uri_parse(&uri, MSRP_STR("msrps://relay.example;tcp")), 0);
    assert_false(uri.has_port);
    assert_int_equal(uri.port, 0);
    assert_true(msrp_uri_print(&uri, text, sizeof(text)) > 0);
    assert_string_equal(text, "msrps://relay.example;tcp");
    row_passed("U3");
}

/* row U4: a made session id carries 128 random bits and stands in a URI. rfc4975#14.1 */
static void u4_session_id(void **state)
{
    uint8_t rnd[16];
    char id[MSRP_IDENT_MADE + 1], seen[256][MSRP_IDENT_MADE + 1], text[128];
    struct msrp_uri uri;

    (void)state;
    for (unsigned i = 0; i < 256; i++) {
        memset(rnd, 0xa5, sizeof(rnd));
        rnd[i % 16] = (uint8_t)i;
        rnd[(i + 1) % 16] = (uint8_t)(i * 7);
        msrp_str_ident_make(id, rnd);
        strcpy(seen[i], id);
        for (unsigned k = 0; k < i; k++) {
            assert_string_not_equal(seen[k], id);
        }
        snprintf(text, sizeof(text), "msrps://relay.example:2855/%s;tcp", id);
        assert_int_equal(msrp_uri_parse(&uri, msrp_str_of(text)), 0);
        assert_true(msrp_str_is(uri.session, id));
    }
    /* 26 characters of 5 bits hold all 128: no two of the 2^128 inputs share an output, which the
     * single-bit test of str.c shows for each bit */
    assert_true(MSRP_IDENT_MADE * 5 >= 128);
    row_passed("U4");
}

static void prints_and_parses_back(void **state)
{
    static const char *texts[][2] = {
        {"MSRPS://Al@Host.Example:02855/Abc;TCP;X=Y", "msrps://Al@host.example:2855/Abc;tcp;X=Y"},
        {"msrp://[2001:DB8::1]:1;tcp", "msrp://[2001:db8::1]:1;tcp"},
        {"msrp://H%6Fst:1/s;tcp", "msrp://h%6fst:1/s;tcp"},
    };
    struct msrp_uri uri, again;
    char out[MSRP_URI_MAX + 1];

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        size_t n = strlen(texts[i][1]);

        assert_int_equal(msrp_uri_parse(&uri, msrp_str_of(texts[i][0])), 0);
        assert_int_equal(msrp_uri_print(&uri, out, sizeof(out)), n);
        assert_string_equal(out, texts[i][1]);
        assert_int_equal(msrp_uri_parse(&again, msrp_str_of(out)), 0);
        assert_true(msrp_uri_is_same(&uri, &again));
        assert_int_equal(msrp_uri_print(&uri, out, n + 1), n);
        assert_int_equal(msrp_uri_print(&uri, out, n), MSRP_E_SPACE);
        assert_int_equal(msrp_uri_print(&uri, out, 0), MSRP_E_SPACE);
    }
}

static void longest(void **state)
{
    char text[MSRP_URI_MAX + 2];
    struct msrp_uri uri;

    (void)state;
    memset(text, 'a', sizeof(text));
    memcpy(text, "msrp://", 7);
    memcpy(text + MSRP_URI_MAX - 4, ";tcp", 4);
    assert_int_equal(msrp_uri_parse(&uri, (struct msrp_str){text, MSRP_URI_MAX}), 0);
    assert_true(msrp_uri_is_same(&uri, &uri));
    memcpy(text + MSRP_URI_MAX - 4, "atcp;tcp", 5);
    assert_int_equal(msrp_uri_parse(&uri, (struct msrp_str){text, MSRP_URI_MAX + 1}),
                     MSRP_E_URI_LONG);
}

static void same_place(void **state)
{
    struct msrp_uri a, b;

    (void)state;
    assert_int_equal(msrp_uri_parse(&a, MSRP_STR("msrp://h:1/s;tcp")), 0);
    assert_int_equal(msrp_uri_parse(&b, MSRP_STR("msrp://H:1;tcp")), 0);
    assert_true(msrp_uri_is_same_place(&a, &b));
    assert_false(msrp_uri_is_same(&a, &b));
    assert_int_equal(msrp_uri_parse(&b, MSRP_STR("msrp://h:2/s;tcp")), 0);
    assert_false(msrp_uri_is_same_place(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(u1_compare),
        cmocka_unit_test(u2_form),
        cmocka_unit_test(u3_no_default_port),
        cmocka_unit_test(u4_session_id),
        cmocka_unit_test(prints_and_parses_back),
        cmocka_unit_test(longest),
        cmocka_unit_test(same_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
