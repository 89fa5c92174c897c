/* range.c - tests of msrp/range.c. */
#include "tests/msrp/test.h"

static int parse(const char *text)
{
    struct msrp_byte_range r = {7, 7, 7};
    int rc = msrp_range_parse(&r, msrp_str_of(text));

    assert_true(rc == 0 || (r.start == 7 && r.end == 7 && r.total == 7));
    return rc;
}

/* row 29: syntax, start 0, more than 19 digits, above 2^63-1. */
static void row_29(void **state)
{
    static const struct {
        const char *text;
        int err;
    } bad[] = {{"", MSRP_E_RANGE_FORM},
               {"1", MSRP_E_RANGE_FORM},
               {"1-2", MSRP_E_RANGE_FORM},
               {"1/2", MSRP_E_RANGE_FORM},
               {"/-", MSRP_E_RANGE_FORM},
               {"-/", MSRP_E_RANGE_FORM},
               {"1-/2", MSRP_E_RANGE_FORM},
               {"1-2/", MSRP_E_RANGE_FORM},
               {"*-2/2", MSRP_E_RANGE_FORM},
               {"1-**/2", MSRP_E_RANGE_FORM},
               {"1-2/2 ", MSRP_E_RANGE_FORM},
               {" 1-2/2", MSRP_E_RANGE_FORM},
               {"1--2/2", MSRP_E_RANGE_FORM},
               {"1-2/2/2", MSRP_E_RANGE_FORM},
               {"a-2/2", MSRP_E_RANGE_FORM},
               {"+1-2/2", MSRP_E_RANGE_FORM},
               {"0-2/2", MSRP_E_RANGE_ZERO},
               {"00-2/2", MSRP_E_RANGE_ZERO},
               {"10000000000000000000-*/*", MSRP_E_RANGE_DIGITS},
               {"1-10000000000000000000/*", MSRP_E_RANGE_DIGITS},
               {"1-*/10000000000000000000", MSRP_E_RANGE_DIGITS},
               {"9223372036854775808-*/*", MSRP_E_RANGE_VALUE},
               {"1-9223372036854775808/*", MSRP_E_RANGE_VALUE},
               {"1-*/9223372036854775808", MSRP_E_RANGE_VALUE}};

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        if (parse(bad[i].text) != bad[i].err) {
            fail_msg("%s: %s", bad[i].text, err_name(parse(bad[i].text)));
        }
        assert_int_equal(msrp_err_status(bad[i].err), 400);
        assert_false(msrp_err_is_fatal(bad[i].err));
    }
    row_passed("10.29");
}

/* row 30: end < start-1, end > total, start > total+1; the whole grid 0..6. T24 */
static void row_30(void **state)
{
    (void)state;
    for (int start = 0; start <= 6; start++) {
        for (int end = -1; end <= 6; end++) {
            for (int total = -1; total <= 6; total++) {
                bool is_good = start >= 1 && (end < 0 || end >= start - 1) &&
                               (end < 0 || total < 0 || end <= total) &&
                               (total < 0 || start <= total + 1);
                char text[64], e[4] = "*", t[4] = "*";

                snprintf(e, sizeof(e), end < 0 ? "*" : "%d", end);
                snprintf(t, sizeof(t), total < 0 ? "*" : "%d", total);
                snprintf(text, sizeof(text), "%d-%s/%s", start, e, t);
                if ((parse(text) == 0) != is_good) {
                    fail_msg("%s", text);
                }
            }
        }
    }
    assert_int_equal(parse("5-3/10"), MSRP_E_RANGE_END_LOW);
    assert_int_equal(parse("1-11/10"), MSRP_E_RANGE_END_HIGH);
    assert_int_equal(parse("12-*/10"), MSRP_E_RANGE_START_HIGH);
    row_passed("10.30");
}

/* row F15: checked before anything is sized by it; the extremes do not overflow. */
static void f15_no_overflow(void **state)
{
    struct msrp_byte_range r;

    (void)state;
    assert_int_equal(msrp_range_parse(&r, MSRP_STR("9223372036854775807-9223372036854775806/*")),
                     0);
    assert_int_equal(msrp_range_parse(&r, MSRP_STR("9223372036854775807-*/9223372036854775806")),
                     0);
    assert_int_equal(msrp_range_parse(&r, MSRP_STR("1-9223372036854775807/9223372036854775807")),
                     0);
    assert_true(r.end == MSRP_U63_MAX && r.total == MSRP_U63_MAX);
    row_passed("F15");
}

static void prints(void **state)
{
    static const char *texts[] = {"1-5/5", "1-*/*", "1-0/0", "2049-*/5000",
                                  "9223372036854775807-9223372036854775807/9223372036854775807"};
    struct msrp_byte_range r;
    char out[MSRP_RANGE_TEXT];

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        size_t n = strlen(texts[i]);

        assert_int_equal(msrp_range_parse(&r, msrp_str_of(texts[i])), 0);
        assert_int_equal(msrp_range_print(&r, out, sizeof(out)), n);
        assert_string_equal(out, texts[i]);
        assert_int_equal(msrp_range_print(&r, out, n), MSRP_E_SPACE);
    }
}

static void adds_and_joins(void **state)
{
    struct msrp_run runs[4], fresh;
    struct msrp_range r;

    (void)state;
    msrp_range_init(&r, runs, COUNT(runs));
    assert_true(msrp_range_is_complete(&r, 0));
    assert_int_equal(msrp_range_first_missing(&r), 0);
    assert_int_equal(msrp_range_end(&r), 0);
    assert_int_equal(msrp_range_add(&r, 5, 5, &fresh), 0);
    assert_int_equal(msrp_range_add(&r, 10, 20, &fresh), 1);
    assert_true(fresh.from == 10 && fresh.to == 20);
    assert_false(msrp_range_is_complete(&r, 0));
    assert_int_equal(msrp_range_add(&r, 30, 40, &fresh), 1);
    assert_int_equal(msrp_range_first_missing(&r), 0);
    assert_int_equal(msrp_range_end(&r), 40);
    assert_int_equal(msrp_range_octets(&r), 20);
    /* over both: the new pieces one by one */
    assert_int_equal(msrp_range_add(&r, 5, 50, &fresh), 1);
    assert_true(fresh.from == 5 && fresh.to == 10);
    assert_int_equal(r.n, 2);
    assert_int_equal(msrp_range_add(&r, 10, 50, &fresh), 1);
    assert_true(fresh.from == 20 && fresh.to == 30);
    assert_int_equal(r.n, 1);
    assert_int_equal(msrp_range_add(&r, 30, 50, &fresh), 1);
    assert_true(fresh.from == 40 && fresh.to == 50);
    assert_int_equal(msrp_range_add(&r, 5, 50, &fresh), 0);
    assert_true(msrp_range_covers(&r, 5, 50));
    assert_false(msrp_range_covers(&r, 4, 50));
    assert_false(msrp_range_covers(&r, 5, 51));
    assert_int_equal(msrp_range_add(&r, 0, 5, &fresh), 1);
    assert_true(msrp_range_is_complete(&r, 50));
    assert_false(msrp_range_is_complete(&r, 51));
    assert_false(msrp_range_is_complete(&r, 49));
}

static void full_array_is_told(void **state)
{
    struct msrp_run runs[MSRP_RANGE_RUNS], fresh;
    struct msrp_range r;

    (void)state;
    msrp_range_init(&r, runs, COUNT(runs));
    for (uint64_t i = 0; i < MSRP_RANGE_RUNS; i++) {
        assert_int_equal(msrp_range_add(&r, i * 2, i * 2 + 1, &fresh), 1); /* 64 gaps at the end */
    }
    assert_int_equal(msrp_range_add(&r, 1000, 1001, &fresh), MSRP_E_JOIN_GAPS);
    assert_int_equal(r.n, MSRP_RANGE_RUNS);
    assert_int_equal(msrp_range_octets(&r), MSRP_RANGE_RUNS);
    /* what needs no run of its own still fits */
    assert_int_equal(msrp_range_add(&r, 1, 2, &fresh), 1);
    assert_int_equal(r.n, MSRP_RANGE_RUNS - 1);
    assert_int_equal(msrp_range_add(&r, 1000, 1001, &fresh), 1);
}

/* Against a bit per octet, with a seed. */
static void agrees_with_bitmap(void **state)
{
    uint32_t seed = 1;

    (void)state;
    for (unsigned round = 0; round < 300; round++) {
        struct msrp_run runs[16], fresh;
        struct msrp_range r;
        bool bits[64] = {false};

        msrp_range_init(&r, runs, COUNT(runs));
        for (unsigned step = 0; step < 30; step++) {
            uint64_t from, to;
            size_t first = 0, count = 0, n = 0;
            int rc;

            seed = seed * 1664525u + 1013904223u;
            from = (seed >> 8) % 64;
            to = from + (seed >> 20) % (65 - from);
            while ((rc = msrp_range_add(&r, from, to, &fresh)) > 0) {
                assert_true(fresh.from >= from && fresh.to <= to && fresh.from < fresh.to);
                for (uint64_t i = from; i < fresh.to; i++) {
                    assert_int_equal(bits[i], i < fresh.from);
                    bits[i] = true;
                }
                from = fresh.to;
            }
            if (rc < 0) {
                assert_int_equal(rc, MSRP_E_JOIN_GAPS);
                assert_int_equal(r.n, COUNT(runs));
                break;
            }
            for (size_t i = 0; i < 64; i++) {
                count += bits[i];
                n += bits[i] && (i == 0 || !bits[i - 1]);
                assert_int_equal(msrp_range_covers(&r, i, i + 1), bits[i]);
            }
            while (first < 64 && bits[first]) {
                first++;
            }
            assert_int_equal(msrp_range_octets(&r), count);
            assert_int_equal(r.n, n);
            assert_int_equal(msrp_range_first_missing(&r), first);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(row_29),
        cmocka_unit_test(row_30),
        cmocka_unit_test(f15_no_overflow),
        cmocka_unit_test(prints),
        cmocka_unit_test(adds_and_joins),
        cmocka_unit_test(full_array_is_told),
        cmocka_unit_test(agrees_with_bitmap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
