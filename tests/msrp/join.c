/* join.c - tests of msrp/join.c. */
#include "tests/msrp/test.h"

#define SIZE_MAX_OF_TEST 1000000

/* A message being joined, with octets: what a caller of join holds. */
struct box {
    struct msrp_join j;
    struct msrp_run runs[MSRP_RANGE_RUNS];
    char held[4096];      /* by offset */
    char delivered[4096]; /* in order */
    size_t n;
    size_t dups;
};

static void box_init(struct box *b, uint64_t held_max)
{
    memset(b, 0, sizeof(*b));
    msrp_join_init(&b->j, b->runs, COUNT(b->runs), SIZE_MAX_OF_TEST, held_max);
}

/* One chunk; body may be longer than the range tells. Returns the first error. */
static int chunk(struct box *b, const char *range, const char *body, char flag)
{
    struct msrp_byte_range r;
    struct msrp_piece piece;
    struct msrp_run run;
    size_t n = strlen(body);
    int rc;

    if (range) {
        assert_int_equal(msrp_range_parse(&r, msrp_str_of(range)), 0);
    }
    rc = msrp_join_begin(&b->j, range ? &r : NULL, 1000);
    if (rc < 0) {
        return rc;
    }
    while (n > 0) {
        rc = msrp_join_feed(&b->j, n, &piece);
        if (rc < 0) {
            return rc;
        }
        assert_true(piece.n > 0 && piece.n <= n);
        if (piece.kind == MSRP_JOIN_DELIVER) {
            assert_int_equal(piece.from, b->n);
            memcpy(b->delivered + b->n, body, piece.n);
            b->n += piece.n;
        } else if (piece.kind == MSRP_JOIN_HOLD) {
            memcpy(b->held + piece.from, body, piece.n);
        } else {
            b->dups += piece.n;
        }
        body += piece.n;
        n -= piece.n;
        while (msrp_join_take(&b->j, &run)) {
            assert_int_equal(run.from, b->n);
            memcpy(b->delivered + b->n, b->held + run.from, run.to - run.from);
            b->n = run.to;
        }
    }
    return msrp_join_end(&b->j, flag, 2000);
}

static void expect_whole(const struct box *b, const char *text)
{
    assert_true(msrp_join_is_complete(&b->j));
    assert_int_equal(b->n, strlen(text));
    assert_memory_equal(b->delivered, text, b->n);
    assert_int_equal(b->j.held, 0);
    assert_int_equal(b->j.delivered, b->n);
}

/* row C9: any size, out of order, `$` before some `+`. */
static void c9_any_order(void **state)
{
    struct box b;

    (void)state;
    box_init(&b, 1000);
    assert_int_equal(chunk(&b, "7-9/9", "ghi", '$'), 0);
    assert_false(msrp_join_is_complete(&b.j));
    assert_int_equal(b.j.total, 9);
    assert_int_equal(chunk(&b, "4-6/9", "def", '+'), 0);
    assert_int_equal(b.n, 0);
    assert_int_equal(b.j.held, 6);
    assert_int_equal(chunk(&b, "4-3/9", "", '+'), 0); /* no octets at all */
    assert_int_equal(chunk(&b, "1-*/*", "abc", '+'), 0);
    expect_whole(&b, "abcdefghi");

    /* one octet each, backwards */
    box_init(&b, 1000);
    for (int i = 8; i >= 0; i--) {
        char range[32], body[] = {"abcdefghi"[i], '\0'};

        snprintf(range, sizeof(range), "%d-%d/*", i + 1, i + 1);
        assert_int_equal(chunk(&b, range, body, i == 8 ? '$' : '+'), 0);
    }
    expect_whole(&b, "abcdefghi");

    /* the declared total is complete with the last octet, whatever the flags */
    box_init(&b, 1000);
    assert_int_equal(chunk(&b, "1-3/6", "abc", '+'), 0);
    assert_false(msrp_join_is_complete(&b.j));
    assert_int_equal(chunk(&b, "4-6/6", "def", '+'), 0);
    expect_whole(&b, "abcdef");
    row_passed("C9");
}

/* rows C10, 36: the first octets win; duplicates are told, counted and not delivered again. */
static void c10_overlap(void **state)
{
    struct box b;

    (void)state;
    box_init(&b, 1000);
    assert_int_equal(chunk(&b, "1-3/9", "abc", '+'), 0);
    assert_int_equal(chunk(&b, "7-7/9", "g", '+'), 0);
    assert_int_equal(chunk(&b, "2-9/9", "XXdefXhi", '$'), 0);
    assert_int_equal(b.dups, 3);
    assert_int_equal(b.j.duplicates, 3);
    expect_whole(&b, "abcdefghi");
    /* the whole of it again, from its start or a part */
    assert_int_equal(chunk(&b, "1-9/9", "XXXXXXXXX", '$'), 0);
    assert_int_equal(chunk(&b, "5-6/9", "YY", '+'), 0);
    assert_int_equal(b.j.duplicates, 14);
    expect_whole(&b, "abcdefghi");
    row_passed("C10");
    row_passed("10.36");
}

/* row C11 on receipt: 1-0/0 is a whole message of no octets. */
static void c11_empty(void **state)
{
    struct box b;

    (void)state;
    box_init(&b, 1000);
    assert_false(msrp_join_is_complete(&b.j));
    assert_int_equal(chunk(&b, "1-0/0", "", '$'), 0);
    expect_whole(&b, "");
    box_init(&b, 1000);
    assert_int_equal(chunk(&b, NULL, "", '$'), 0);
    expect_whole(&b, "");
    box_init(&b, 1000);
    assert_int_equal(chunk(&b, "1-0/0", "x", '$'), MSRP_E_JOIN_OVER);
    row_passed("C11");
}

/* rows F14, 32: the octets received are what counts. */
static void f14_real_length(void **state)
{
    struct box b;

    (void)state;
    box_init(&b, 1000);
    assert_int_equal(chunk(&b, "1-25/25", "Twenty-three octets now", '$'), 0);
    expect_whole(&b, "Twenty-three octets now");
    box_init(&b, 1000);
    assert_int_equal(chunk(&b, "1-5/9", "abc", '+'), 0); /* short: 4 and 5 are still missing */
    assert_int_equal(chunk(&b, "6-9/9", "fghi", '$'), 0);
    assert_false(msrp_join_is_complete(&b.j));
    assert_int_equal(chunk(&b, "4-5/9", "de", '+'), 0);
    expect_whole(&b, "abcdefghi");
    row_passed("F14");
    row_passed("10.32");
}

/* row 31: the total changes, or the `$` chunk does not end there. */
static void row_31(void **state)
{
    struct box b;

    (void)state;
    box_init(&b, 1000);
    assert_int_equal(chunk(&b, "1-3/9", "abc", '+'), 0);
    assert_int_equal(chunk(&b, "4-6/8", "def", '+'), MSRP_E_JOIN_TOTAL);
    assert_int_equal(chunk(&b, "4-6/9", "def", '+'), MSRP_E_JOIN_TOTAL); /* it is over */
    box_init(&b, 1000);
    assert_int_equal(chunk(&b, "1-3/9", "abc", '$'), MSRP_E_JOIN_END);
    box_init(&b, 1000);
    assert_int_equal(chunk(&b, "1-*/9", "abc", '$'), MSRP_E_JOIN_END);
    /* `$` said 3, then there is a total of 5; or octets behind 3 */
    box_init(&b, 1000);
    assert_int_equal(chunk(&b, "1-3/*", "abc", '$'), 0);
    assert_int_equal(chunk(&b, "1-3/5", "abc", '$'), MSRP_E_JOIN_TOTAL);
    /* a total one below what is there: told as the chunk begins */
    box_init(&b, 1000);
    assert_int_equal(chunk(&b, "1-5/*", "abcde", '+'), 0);
    assert_int_equal(msrp_join_begin(&b.j, &(struct msrp_byte_range){1, 4, 4}, 1000),
                     MSRP_E_JOIN_TOTAL);
    box_init(&b, 1000);
    assert_int_equal(chunk(&b, "1-5/*", "abcde", '+'), 0);
    assert_int_equal(msrp_join_begin(&b.j, &(struct msrp_byte_range){6, 5, 5}, 1000), 0);
    box_init(&b, 1000);
    assert_int_equal(chunk(&b, "1-3/*", "abc", '$'), 0);
    assert_int_equal(chunk(&b, "5-6/*", "ef", '+'), MSRP_E_JOIN_TOTAL);
    box_init(&b, 1000);
    assert_int_equal(chunk(&b, "5-6/*", "ef", '+'), 0);
    assert_int_equal(chunk(&b, "1-3/*", "abc", '$'), MSRP_E_JOIN_TOTAL);
    box_init(&b, 1000);
    assert_int_equal(chunk(&b, "5-6/*", "ef", '+'), 0);
    assert_int_equal(chunk(&b, "1-3/4", "abc", '+'), MSRP_E_JOIN_TOTAL);
    assert_int_equal(msrp_err_status(MSRP_E_JOIN_TOTAL), 400);
    assert_int_equal(msrp_err_status(MSRP_E_JOIN_END), 400);
    row_passed("10.31");
}

/* row 33: more octets than a numeric end tells. */
static void row_33(void **state)
{
    struct box b;

    (void)state;
    box_init(&b, 1000);
    assert_int_equal(chunk(&b, "1-3/9", "abcd", '+'), MSRP_E_JOIN_OVER);
    assert_int_equal(b.n, 3); /* nothing above the end was sorted */
    box_init(&b, 1000);
    assert_int_equal(chunk(&b, "1-*/3", "abcd", '$'), MSRP_E_JOIN_OVER);
    assert_int_equal(msrp_err_status(MSRP_E_JOIN_OVER), 400);
    row_passed("10.33");
}

/* row 34: a numeric end above 2048 octets is accepted. */
static void row_34(void **state)
{
    char body[3001];
    struct box b;

    (void)state;
    memset(body, 'x', 3000);
    body[3000] = '\0';
    box_init(&b, 1000);
    assert_int_equal(chunk(&b, "1-3000/3000", body, '$'), 0);
    expect_whole(&b, body);
    row_passed("10.34");
}

/* row 35: only the first chunk may come without Byte-Range. */
static void row_35(void **state)
{
    struct box b;

    (void)state;
    box_init(&b, 1000);
    assert_int_equal(chunk(&b, NULL, "abc", '$'), 0);
    expect_whole(&b, "abc");
    box_init(&b, 1000);
    assert_int_equal(chunk(&b, NULL, "abc", '+'), 0);
    assert_int_equal(chunk(&b, NULL, "def", '$'), MSRP_E_JOIN_NO_RANGE);
    assert_int_equal(chunk(&b, "4-6/6", "def", '$'), 0); /* the message lives on */
    expect_whole(&b, "abcdef");
    row_passed("10.35");
}

/* row 37: declared or running size above the cap. Nothing is sized by a declared total (T17). */
static void row_37(void **state)
{
    struct msrp_byte_range r;
    struct msrp_piece piece;
    struct box b;

    (void)state;
    box_init(&b, 1000);
    assert_int_equal(chunk(&b, "1-*/1000001", "a", '+'), MSRP_E_JOIN_SIZE);
    box_init(&b, 1000);
    assert_int_equal(chunk(&b, "1-*/9223372036854775807", "a", '+'), MSRP_E_JOIN_SIZE);
    box_init(&b, 1000);
    assert_int_equal(chunk(&b, "1-1000001/*", "a", '+'), MSRP_E_JOIN_SIZE);
    box_init(&b, 1000);
    assert_int_equal(chunk(&b, "9223372036854775807-*/*", "a", '+'), MSRP_E_JOIN_SIZE);
    /* running: the octet above the cap */
    box_init(&b, 1000);
    assert_int_equal(msrp_range_parse(&r, MSRP_STR("1-*/*")), 0);
    assert_int_equal(msrp_join_begin(&b.j, &r, 0), 0);
    assert_int_equal(msrp_join_feed(&b.j, SIZE_MAX_OF_TEST + 5, &piece), 0);
    assert_int_equal(piece.n, SIZE_MAX_OF_TEST);
    assert_int_equal(msrp_join_feed(&b.j, 5, &piece), MSRP_E_JOIN_SIZE);
    assert_int_equal(msrp_err_status(MSRP_E_JOIN_SIZE), 413);
    /* the cap itself */
    box_init(&b, 1000);
    assert_int_equal(msrp_range_parse(&r, MSRP_STR("1-1000000/1000000")), 0);
    assert_int_equal(msrp_join_begin(&b.j, &r, 0), 0);
    assert_int_equal(msrp_join_feed(&b.j, SIZE_MAX_OF_TEST, &piece), 0);
    assert_int_equal(msrp_join_end(&b.j, '$', 0), 0);
    assert_true(msrp_join_is_complete(&b.j));
    row_passed("10.37");
}

/* row 38: gaps and held octets. T25 */
static void row_38(void **state)
{
    struct box b;
    int rc = 0;

    (void)state;
    box_init(&b, 1000);
    assert_int_equal(chunk(&b, "1-1/*", "x", '+'), 0);
    for (int i = 1; i <= 65 && rc == 0; i++) {
        char range[32];

        snprintf(range, sizeof(range), "%d-%d/*", 2 * i + 1, 2 * i + 1);
        rc = chunk(&b, range, "x", '+');
        assert_int_equal(rc, i <= 64 ? 0 : MSRP_E_JOIN_GAPS);
    }
    box_init(&b, 4);
    assert_int_equal(chunk(&b, "3-6/*", "cdef", '+'), 0); /* the cap itself */
    assert_int_equal(chunk(&b, "7-7/*", "g", '+'), MSRP_E_JOIN_HELD);
    box_init(&b, 4);
    assert_int_equal(chunk(&b, "3-7/*", "cdefg", '+'), MSRP_E_JOIN_HELD);
    /* what the gap's end gives back can be used again */
    box_init(&b, 4);
    assert_int_equal(chunk(&b, "3-6/*", "cdef", '+'), 0);
    assert_int_equal(chunk(&b, "1-2/*", "ab", '+'), 0);
    assert_int_equal(chunk(&b, "8-11/11", "hijk", '$'), 0);
    assert_int_equal(chunk(&b, "7-7/11", "g", '+'), 0);
    expect_whole(&b, "abcdefghijk");
    assert_int_equal(msrp_err_status(MSRP_E_JOIN_GAPS), 413);
    assert_int_equal(msrp_err_status(MSRP_E_JOIN_HELD), 413);
    row_passed("10.38");
}

/* row 40: `#` ends it for good, with and without octets. */
static void row_40(void **state)
{
    struct box b;

    (void)state;
    box_init(&b, 1000);
    assert_int_equal(chunk(&b, "1-3/9", "abc", '+'), 0);
    assert_int_equal(chunk(&b, "4-*/9", "", '#'), MSRP_E_JOIN_ABORTED);
    assert_true(b.j.is_aborted);
    assert_false(msrp_join_is_complete(&b.j));
    assert_int_equal(chunk(&b, "4-9/9", "defghi", '$'), MSRP_E_JOIN_ABORTED);
    assert_int_equal(msrp_err_status(MSRP_E_JOIN_ABORTED), 413);
    box_init(&b, 1000);
    assert_int_equal(chunk(&b, "1-*/9", "abc", '#'), MSRP_E_JOIN_ABORTED);
    row_passed("10.40");
}

static void over_is_over(void **state)
{
    struct msrp_piece piece;
    struct box b;

    (void)state;
    box_init(&b, 1000);
    assert_int_equal(chunk(&b, "1-3/9", "abcd", '+'), MSRP_E_JOIN_OVER);
    assert_int_equal(msrp_join_feed(&b.j, 1, &piece), MSRP_E_JOIN_OVER);
    assert_int_equal(msrp_join_end(&b.j, '$', 0), MSRP_E_JOIN_OVER);
    assert_int_equal(msrp_join_begin(&b.j, NULL, 0), MSRP_E_JOIN_OVER);
    assert_false(msrp_join_is_complete(&b.j));
}

static void stale(void **state)
{
    struct box b;

    (void)state;
    box_init(&b, 1000);
    assert_false(msrp_join_is_stale(&b.j, 1000000, 60000));
    assert_int_equal(chunk(&b, "1-3/9", "abc", '+'), 0); /* touched at 2000 */
    assert_false(msrp_join_is_stale(&b.j, 62000, 60000));
    assert_true(msrp_join_is_stale(&b.j, 62001, 60000));
    assert_int_equal(chunk(&b, "4-9/9", "defghi", '$'), 0);
    assert_false(msrp_join_is_stale(&b.j, 1000000, 60000));
}

/* T24: the grid of small ranges, flags and body lengths: no call breaks an invariant. */
static void range_lies(void **state)
{
    static const char body[] = "123456";

    (void)state;
    for (unsigned first = 0; first < 7 * 8 * 8 * 3 * 7; first++) {
        unsigned v = first;
        unsigned start = v % 7;
        unsigned end = (v /= 7) % 8;
        unsigned total = (v /= 8) % 8;
        char flag = "$+#"[(v /= 8) % 3];
        size_t n = (v / 3) % 7;
        char text[64], e[4] = "*", t[4] = "*", cut[8];
        struct msrp_byte_range r;
        struct box b;

        snprintf(e, sizeof(e), end == 7 ? "*" : "%u", end);
        snprintf(t, sizeof(t), total == 7 ? "*" : "%u", total);
        snprintf(text, sizeof(text), "%u-%s/%s", start, e, t);
        if (msrp_range_parse(&r, msrp_str_of(text)) < 0) {
            continue;
        }
        snprintf(cut, sizeof(cut), "%.*s", (int)n, body);
        box_init(&b, 3);
        (void)!chunk(&b, "2-2/*", "b", '+');
        (void)!chunk(&b, text, cut, flag);
        (void)!chunk(&b, "1-1/*", "a", '+');
        assert_true(b.j.delivered == b.n && b.j.held <= 3);
        assert_true(b.j.delivered + b.j.held == msrp_range_octets(&b.j.got));
        if (msrp_join_is_complete(&b.j)) {
            assert_int_equal(b.n, b.j.total);
            assert_int_equal(b.j.held, 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(c9_any_order), cmocka_unit_test(c10_overlap),
        cmocka_unit_test(c11_empty),    cmocka_unit_test(f14_real_length),
        cmocka_unit_test(row_31),       cmocka_unit_test(row_33),
        cmocka_unit_test(row_34),       cmocka_unit_test(row_35),
        cmocka_unit_test(row_37),       cmocka_unit_test(row_38),
        cmocka_unit_test(row_40),       cmocka_unit_test(over_is_over),
        cmocka_unit_test(stale),        cmocka_unit_test(range_lies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
