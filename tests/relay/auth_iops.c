#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "relay/auth/iops.h"
#include "relay/err.h"

static int parse(const char *text, char out[RELAY_MCDATA_ID_MAX + 1])
{
    size_t n = strlen(text);
    char *exact = malloc(n ? n : 1);
    int err;

    memcpy(exact, text, n);
    err = relay_mcdata_id_parse((struct msrp_str){exact, n}, out);
    free(exact);
    return err;
}

static void test_parse(void **state)
{
    static const char *const good[][2] = {
        {"sip:alice@iops.example", "sip:alice@iops.example"},
        {"SIP:Alice@IOPS.Example", "sip:Alice@iops.example"},
        {"sip:a@b", "sip:a@b"},
        {"sip:+1-201;x=y?/&$,!~*'().=_%4a@10.0.0.1", "sip:+1-201;x=y?/&$,!~*'().=_%4a@10.0.0.1"},
        {"sip:a@xn--bcher-kva.example", "sip:a@xn--bcher-kva.example"},
        {"tel:+12015550123", "tel:+12015550123"},
        {"TEL:+1-201-(555).0123", "tel:+1-201-(555).0123"},
    };
    static const char *const bad[] = {
        "",
        "sip",
        "sip:",
        "sip:@a",
        "sip:a@",
        "sip:a",
        "sips:a@b",
        "sip:a@b:1",
        "sip:a@b;x",
        "sip:a@b?x",
        "sip:a@-b",
        "sip:a@b-",
        "sip:a@b.",
        "sip:a@.b",
        "sip:a@b..c",
        "sip:a@b-.c",
        "sip:a@b.-c",
        "sip:a@b_c",
        "sip:a@[::1]",
        "sip:a@b c",
        "sip:a b@c",
        "sip:a\n@b",
        "sip:a%@b",
        "sip:a%4@b",
        "sip:a%zz@b",
        "sip:a%00@b",
        "sip:\xc3\xa9@b",
        "sip:a\"b@c",
        "sip:<a>@b",
        "sip:a:b@c",
        "sip:a@b@c",
        " sip:a@b",
        "sip:a@b ",
        "tel:1201",
        "tel:+",
        "tel:+-",
        "tel:+12a",
        "tel:+1;x=y",
        "tel:12@b",
        "mailto:a@b",
        "http://a@b",
        ":a@b",
        "sip:a@aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff0123.x",
    };
    char out[RELAY_MCDATA_ID_MAX + 1];
    (void)state;

    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(parse(good[i][0], out), 0);
        assert_string_equal(out, good[i][1]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (parse(bad[i], out) != RELAY_E_CLAIM_MCDATA_URI)
            fail_msg("accepted: %s", bad[i]);
    assert_int_equal(relay_mcdata_id_parse((struct msrp_str){"sip:a\0@b", 8}, out),
                     RELAY_E_CLAIM_MCDATA_URI);
    assert_int_equal(relay_mcdata_id_parse((struct msrp_str){"sip:a@b\0", 8}, out),
                     RELAY_E_CLAIM_MCDATA_URI);
    assert_int_equal(relay_mcdata_id_parse((struct msrp_str){"tel:+1\0", 7}, out),
                     RELAY_E_CLAIM_MCDATA_URI);
}

/* ts33180#B.2.2.3 NOTE, ts33180#X.1 */
static void test_rule(void **state)
{
    static const char *const domain_list[] = {"iops.example", "Field.Example"};
    static const char *const user_list[] = {"SIP:Guest@Visitor.example", "tel:+1-201"};
    struct relay_list domains = {domain_list, 2}, users = {user_list, 2}, none = {NULL, 0};
    (void)state;

    assert_int_equal(relay_iops_check(domains, users, "sip:a@iops.example", false, false), 0);
    assert_int_equal(relay_iops_check(domains, none, "sip:a@field.example", false, false), 0);
    assert_int_equal(relay_iops_check(none, users, "sip:Guest@visitor.example", false, false), 0);
    assert_int_equal(relay_iops_check(none, users, "tel:+1-201", false, false), 0);
    /* neither suffix, prefix, sub-domain nor another case of the user */
    static const char *const out[] = {
        "sip:a@evil-iops.example",
        "sip:a@x.iops.example",
        "sip:a@iops.example.evil",
        "sip:a@iops.exampl",
        "sip:guest@visitor.example",
        "sip:Guest@visitor.exampl",
        "sip:Guest@visitor.example2",
        "tel:+1-2011",
        "tel:+1201",
        "sip:iops.example@evil",
    };
    for (size_t i = 0; i < sizeof out / sizeof *out; i++)
        assert_int_equal(relay_iops_check(domains, users, out[i], false, false),
                         RELAY_E_IOPS_DOMAIN);
    assert_int_equal(relay_iops_check(none, none, "sip:a@iops.example", false, false),
                     RELAY_E_IOPS_DOMAIN);
    assert_int_equal(relay_iops_check(domains, users, "sip:a@iops.example", true, false),
                     RELAY_E_IOPS_MCVIDEO);
    assert_int_equal(relay_iops_check(domains, users, "sip:a@iops.example", false, true),
                     RELAY_E_IOPS_MCREC);
    assert_true(msrp_str_is(relay_mcdata_id_domain("sip:a@b.example"), "b.example"));
    assert_int_equal(relay_mcdata_id_domain("tel:+1").n, 0);
    assert_false(relay_domain_has((struct relay_list){(const char *[]){""}, 1}, "tel:+1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
