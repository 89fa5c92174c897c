/* str.c - tests of msrp/str.c. */
#include "tests/msrp/test.h"

static void compares(void **state)
{
    (void)state;
    assert_true(msrp_str_is(MSRP_STR("abc"), "abc"));
    assert_false(msrp_str_is(MSRP_STR("abc"), "abC"));
    assert_false(msrp_str_is(MSRP_STR("abc"), "ab"));
    assert_true(msrp_str_is((struct msrp_str){NULL, 0}, ""));
    assert_true(msrp_str_is_nocase(MSRP_STR("To-PATH"), "tO-path"));
    assert_false(msrp_str_is_nocase(MSRP_STR("a@"), "a`")); /* 0x40 and 0x60 do not fold */
    assert_false(msrp_str_is_nocase(MSRP_STR("a["), "a{"));
    assert_true(msrp_str_has_prefix(MSRP_STR("MSRP x"), "MSRP "));
    assert_false(msrp_str_has_prefix(MSRP_STR("MSR"), "MSRP"));
    assert_true(msrp_str_has_prefix_nocase(MSRP_STR("content-ID"), "Content-"));
    assert_int_equal(msrp_str_of(NULL).n, 0);
    assert_int_equal(msrp_str_of("abc").n, 3);
}

static void trims_and_cuts(void **state)
{
    struct msrp_str left, right;

    (void)state;
    assert_true(msrp_str_is(msrp_str_trim(MSRP_STR(" \t a b\t ")), "a b"));
    assert_int_equal(msrp_str_trim(MSRP_STR(" \t ")).n, 0);
    assert_true(msrp_str_cut(MSRP_STR("a:b:c"), ':', &left, &right));
    assert_true(msrp_str_is(left, "a"));
    assert_true(msrp_str_is(right, "b:c"));
    assert_false(msrp_str_cut(MSRP_STR("abc"), ':', &left, &right));
    assert_true(msrp_str_is(left, "abc"));
    assert_int_equal(right.n, 0);
    assert_true(msrp_str_cut(MSRP_STR(":"), ':', NULL, NULL));
    assert_false(msrp_str_cut((struct msrp_str){NULL, 0}, ':', &left, NULL));
}

static void finds(void **state)
{
    struct msrp_str mark = MSRP_STR("\r\n--B");

    (void)state;
    assert_int_equal(msrp_str_find(MSRP_STR("xxabc"), MSRP_STR("abc")), 2);
    assert_true(msrp_str_find(MSRP_STR("xxab"), MSRP_STR("abc")) == SIZE_MAX);
    assert_int_equal(msrp_str_find(MSRP_STR("x"), MSRP_STR("")), 0);
    assert_true(msrp_str_find((struct msrp_str){NULL, 0}, MSRP_STR("a")) == SIZE_MAX);
    assert_int_equal(msrp_str_find_mark(MSRP_STR("ab\r\n--Bcd"), mark), 2);
    assert_int_equal(msrp_str_find_mark(MSRP_STR("ab\r\r\n--"), mark), 3); /* ends inside it */
    assert_int_equal(msrp_str_find_mark(MSRP_STR("ab\r"), mark), 2);
    assert_int_equal(msrp_str_find_mark(MSRP_STR("ab\r\n--C"), mark), 7);
    assert_int_equal(msrp_str_find_mark(MSRP_STR("abc"), mark), 3);
}

/* Many false beginnings: found all the same, and not found behind the end. */
static void finds_among_many(void **state)
{
    char text[512];

    (void)state;
    memset(text, '-', sizeof(text));
    for (size_t at = 0; at + 8 <= sizeof(text); at++) {
        memcpy(text + at, "-------x", 8);
        assert_int_equal(msrp_str_find((struct msrp_str){text, sizeof(text)}, MSRP_STR("-------x")),
                         at);
        assert_true(msrp_str_find((struct msrp_str){text, at + 7}, MSRP_STR("-------x")) ==
                    SIZE_MAX);
        text[at + 7] = '-';
    }
}

/* All octets, at each of the places that are looked at eight at a time. */
static void sets(void **state)
{
    static const struct {
        enum msrp_set set;
        const char *more; /* beside letters and digits */
    } words[] = {
        {MSRP_SET_ALNUM, ""},
        {MSRP_SET_IDENT, ".-+%="},
        {MSRP_SET_TOKEN, "!#$%&'*+-.^_`{|}~"}, /* rfc4975#9: %x21, %x23-27, %x2A-2B, %x2D-2E, ... */
        {MSRP_SET_HOST, "-._~"},
        {MSRP_SET_SESSION, "-._~+=/"},
        {MSRP_SET_USER, "-._~%!$&'()*+,;="},
        {MSRP_SET_GRAPH, "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"},
    };

    (void)state;
    for (int c = 0; c < 256; c++) {
        bool is_alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        char one = (char)c;

        for (size_t i = 0; i < COUNT(words); i++) {
            bool is_in = is_alnum || (c != 0 && strchr(words[i].more, c) != NULL);

            assert_int_equal(msrp_str_holds((struct msrp_str){&one, 1}, words[i].set), is_in);
        }
        for (size_t n = 1; n < 20; n++) {
            for (size_t at = 0; at < n; at++) {
                char text[20] = "abcdefghijklmnopqrs";

                text[at] = one;
                assert_int_equal(msrp_str_is_plain((struct msrp_str){text, n}),
                                 c >= 0x20 && c <= 0x7e);
            }
        }
    }
    assert_true(msrp_str_holds((struct msrp_str){NULL, 0}, MSRP_SET_ALNUM));
    assert_true(msrp_str_is_plain((struct msrp_str){NULL, 0}));
    assert_false(msrp_str_holds(MSRP_STR("abc-"), MSRP_SET_ALNUM));
}

static void numbers(void **state)
{
    uint64_t v = 7;

    (void)state;
    assert_int_equal(msrp_str_u64(MSRP_STR("0"), &v), 0);
    assert_int_equal(v, 0);
    assert_int_equal(msrp_str_u64(MSRP_STR("9223372036854775807"), &v), 0);
    assert_true(v == MSRP_U63_MAX);
    v = 7;
    assert_int_equal(msrp_str_u64(MSRP_STR("9223372036854775808"), &v), MSRP_E_RANGE_VALUE);
    assert_int_equal(msrp_str_u64(MSRP_STR("9999999999999999999"), &v), MSRP_E_RANGE_VALUE);
    assert_int_equal(msrp_str_u64(MSRP_STR("18446744073709551615"), &v), MSRP_E_RANGE_DIGITS);
    assert_int_equal(msrp_str_u64(MSRP_STR("00000000000000000001"), &v), MSRP_E_RANGE_DIGITS);
    assert_int_equal(msrp_str_u64(MSRP_STR(""), &v), MSRP_E_NUMBER);
    assert_int_equal(msrp_str_u64(MSRP_STR("-1"), &v), MSRP_E_NUMBER);
    assert_int_equal(msrp_str_u64(MSRP_STR("+1"), &v), MSRP_E_NUMBER);
    assert_int_equal(msrp_str_u64(MSRP_STR(" 1"), &v), MSRP_E_NUMBER);
    assert_int_equal(msrp_str_u64(MSRP_STR("1:"), &v), MSRP_E_NUMBER);
    assert_int_equal(v, 7);
}

/* row F2: 4-32 characters, the first alphanumeric, then also . - + % = */
static void f2_ident(void **state)
{
    static const char others[] = ".-+%=";
    char text[34];

    (void)state;
    memset(text, 'a', sizeof(text));
    for (size_t n = 0; n <= 33; n++) {
        assert_int_equal(msrp_str_is_ident((struct msrp_str){text, n}), n >= 4 && n <= 32);
    }
    for (int c = 0; c < 256; c++) {
        bool is_alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        char first[] = {(char)c, 'b', 'c', 'd'}, third[] = {'a', 'b', (char)c, 'd'};

        assert_int_equal(msrp_str_is_ident((struct msrp_str){first, 4}), is_alnum);
        assert_int_equal(msrp_str_is_ident((struct msrp_str){third, 4}),
                         is_alnum || (c != 0 && strchr(others, c)));
    }
    row_passed("F2");
}

static void tokens(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        char s[] = {(char)c};
        bool is_token = c == 0x21 || (c >= 0x23 && c <= 0x27) || (c >= 0x2a && c <= 0x2b) ||
                        (c >= 0x2d && c <= 0x2e) || (c >= 0x30 && c <= 0x39) ||
                        (c >= 0x41 && c <= 0x5a) || (c >= 0x5e && c <= 0x7e);

        assert_int_equal(msrp_str_is_token((struct msrp_str){s, 1}), is_token);
    }
    assert_false(msrp_str_is_token(MSRP_STR("")));
}

static void utf8(void **state)
{
    static const char *good[] = {"",
                                 "a",
                                 "\xc2\x80",
                                 "\xdf\xbf",
                                 "\xe0\xa0\x80",
                                 "\xed\x9f\xbf",
                                 "\xee\x80\x80",
                                 "\xef\xbf\xbf",
                                 "\xf0\x90\x80\x80",
                                 "\xf4\x8f\xbf\xbf"};
    static const char *bad[] = {"\x80",
                                "\xbf",
                                "\xc0\xaf",
                                "\xc1\xbf",
                                "\xc3",
                                "\xc3(",
                                "\xe0\x9f\xbf",
                                "\xed\xa0\x80",
                                "\xe2\x82",
                                "\xe2\x28\xa1",
                                "\xe2\x82\x28",
                                "\xf0\x8f\xbf\xbf",
                                "\xf4\x90\x80\x80",
                                "\xf0\x9f\x98",
                                "\xf5\x80\x80\x80",
                                "\xf8\x88\x80\x80\x80",
                                "\xff"};

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        assert_true(msrp_str_is_utf8(msrp_str_of(good[i])));
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_false(msrp_str_is_utf8(msrp_str_of(bad[i])));
    }
}

/* Every one of the 128 bits shows, and the result is an ident. */
static void makes_idents(void **state)
{
    char base[MSRP_IDENT_MADE + 1], other[MSRP_IDENT_MADE + 1];
    uint8_t rnd[16] = {0};

    (void)state;
    msrp_str_ident_make(base, rnd);
    assert_int_equal(strlen(base), MSRP_IDENT_MADE);
    for (size_t bit = 0; bit < 128; bit++) {
        memset(rnd, 0, sizeof(rnd));
        rnd[bit / 8] = (uint8_t)(1u << (bit % 8));
        msrp_str_ident_make(other, rnd);
        assert_true(msrp_str_is_ident(msrp_str_of(other)));
        assert_string_not_equal(base, other);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares), cmocka_unit_test(trims_and_cuts),
        cmocka_unit_test(finds),    cmocka_unit_test(finds_among_many),
        cmocka_unit_test(sets),     cmocka_unit_test(numbers),
        cmocka_unit_test(f2_ident), cmocka_unit_test(tokens),
        cmocka_unit_test(utf8),     cmocka_unit_test(makes_idents),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
