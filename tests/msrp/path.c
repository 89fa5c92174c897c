/* path.c - tests of msrp/path.c. */
#include "tests/msrp/test.h"

static const struct msrp_limits limits = MSRP_LIMITS_DEFAULT;

#define A "msrps://a.example:1/a;tcp"
#define B "msrps://b.example:1/b;tcp"
#define C "msrps://c.example:1/c;tcp"

static void parses(void **state)
{
    struct msrp_path path;

    (void)state;
    assert_int_equal(msrp_path_parse(&path, MSRP_STR(A " " B " " C), &limits), 0);
    assert_int_equal(path.count, 3);
    assert_true(msrp_str_is(path.first, A));
    assert_true(msrp_str_is(path.last, C));
    assert_int_equal(msrp_path_parse(&path, MSRP_STR(A), &limits), 0);
    assert_true(msrp_str_is(path.first, A) && msrp_str_is(path.last, A));
    assert_int_equal(msrp_path_parse(&path, MSRP_STR(A " x"), &limits), MSRP_E_TO_URI);
    assert_int_equal(path.count, 0);
    assert_int_equal(msrp_path_parse(&path, MSRP_STR(" " A), &limits), MSRP_E_TO_URI);
    assert_int_equal(msrp_path_parse(&path, MSRP_STR(A " "), &limits), MSRP_E_TO_URI);
    assert_int_equal(msrp_path_parse(&path, MSRP_STR(A "\t" B), &limits), MSRP_E_TO_URI);
    assert_int_equal(msrp_path_parse(&path, MSRP_STR(" "), &limits), MSRP_E_TO_URI);
    assert_int_equal(msrp_path_parse(&path, MSRP_STR(""), &limits), MSRP_E_TO_URI);
}

static void walks_pops_pushes(void **state)
{
    struct msrp_str rest = MSRP_STR(A " " B " " C), uri;
    struct msrp_writer w;
    char out[256];

    (void)state;
    assert_true(msrp_path_next(&rest, &uri) && msrp_str_is(uri, A));
    assert_true(msrp_path_next(&rest, &uri) && msrp_str_is(uri, B));
    assert_true(msrp_path_next(&rest, &uri) && msrp_str_is(uri, C));
    assert_false(msrp_path_next(&rest, &uri));
    assert_true(msrp_str_is(msrp_path_pop(MSRP_STR(A " " B " " C), 2), C));
    assert_true(msrp_str_is(msrp_path_pop(MSRP_STR(A " " B), 0), A " " B));
    assert_int_equal(msrp_path_pop(MSRP_STR(A " " B), 2).n, 0);
    assert_int_equal(msrp_path_pop(MSRP_STR(A), 9).n, 0);

    msrp_writer_init(&w, out, sizeof(out));
    msrp_path_push(&w, "From-Path", MSRP_STR(A), MSRP_STR(B " " C));
    msrp_path_push(&w, "To-Path", MSRP_STR(A), MSRP_STR(""));
    assert_int_equal(w.err, 0);
    assert_true(msrp_str_is((struct msrp_str){out, w.n},
                            "From-Path: " A " " B " " C "\r\nTo-Path: " A "\r\n"));
}

/* row 19: more than 8 URIs; the same full URI twice over To-Path and From-Path. */
static void row_19(void **state)
{
    char text[512] = "", uri[64];
    struct msrp_path path;

    (void)state;
    for (unsigned i = 1; i <= 9; i++) {
        snprintf(uri, sizeof(uri), "%smsrp://h%u:1/s;tcp", i > 1 ? " " : "", i);
        strcat(text, uri);
        assert_int_equal(msrp_path_parse(&path, msrp_str_of(text), &limits),
                         i <= 8 ? 0 : MSRP_E_URIS_MANY);
        assert_int_equal(path.count, i);
    }
    assert_false(msrp_err_is_fatal(MSRP_E_URIS_MANY));
    assert_int_equal(msrp_err_status(MSRP_E_URIS_MANY), 400);

    assert_false(msrp_path_has_loop(MSRP_STR(A " " B), MSRP_STR(C)));
    assert_true(msrp_path_has_loop(MSRP_STR(A " " B " " A), MSRP_STR(C)));
    assert_true(msrp_path_has_loop(MSRP_STR(A " " B), MSRP_STR(C " " B)));
    assert_true(msrp_path_has_loop(MSRP_STR(A), MSRP_STR(B " " C " " C)));
    /* the same by comparison, not by octets; another session is another URI */
    assert_true(msrp_path_has_loop(MSRP_STR("msrps://A.example:1/a;TCP"), MSRP_STR(A)));
    assert_false(msrp_path_has_loop(MSRP_STR("msrps://a.example:1/x;tcp"), MSRP_STR(A)));
    row_passed("10.19");
}

/* The kept path is given again, and only it; whatever came between. */
static void keeps(void **state)
{
    static const char *const good[] = {A, A " " B, B " " A " " C, A " " B};
    static const char *const bad[] = {"", A " ", A " x", A ";", "x"};
    struct msrp_path_kept kept = {.n = 0};
    char text[512], longer[512];

    (void)state;
    for (size_t i = 0; i < COUNT(good) * 2; i++) {
        struct msrp_path want, got;

        strcpy(text, good[i / 2]); /* each is read, then found */
        assert_int_equal(msrp_path_parse(&want, msrp_str_of(text), &limits), 0);
        assert_int_equal(msrp_path_parse_next(&got, msrp_str_of(text), &limits, &kept), 0);
        assert_int_equal(kept.n, strlen(text));
        assert_true(got.text.p == want.text.p && got.text.n == want.text.n);
        assert_true(got.first.p == want.first.p && got.first.n == want.first.n);
        assert_true(got.last.p == want.last.p && got.last.n == want.last.n);
        assert_int_equal(got.count, want.count);
        for (size_t k = 0; k < COUNT(bad); k++) {
            assert_int_equal(msrp_path_parse_next(&got, msrp_str_of(bad[k]), &limits, &kept),
                             MSRP_E_TO_URI);
            assert_int_equal(got.count, 0);
        }
        assert_int_equal(kept.n, strlen(text));
        strcpy(longer, text);
        longer[10] ^= 1; /* as long, but another */
        (void)!msrp_path_parse_next(&got, msrp_str_of(longer), &limits, &kept);
        assert_true(got.count == 0 || memcmp(kept.text, longer, kept.n) == 0);
        kept.n = i % 2 ? 0 : kept.n;
        assert_int_equal(msrp_path_parse_next(&got, msrp_str_of(text), &limits, &kept), 0);
    }
    /* too long to be kept: read each time, and the one before stays */
    snprintf(longer, sizeof(longer), "msrps://%0250d.example:2855/a;tcp", 1);
    for (int i = 0; i < 2; i++) {
        struct msrp_path got;

        assert_int_equal(msrp_path_parse_next(&got, msrp_str_of(longer), &limits, &kept), 0);
        assert_int_equal(got.count, 1);
        assert_int_equal(kept.n, strlen(text));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps),
        cmocka_unit_test(parses),
        cmocka_unit_test(walks_pops_pushes),
        cmocka_unit_test(row_19),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
