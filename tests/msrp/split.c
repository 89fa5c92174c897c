/* split.c - tests of msrp/split.c. */
#include "tests/msrp/test.h"

/* row C3: positions from 1; the end is '*' when the chunk may be interrupted. */
static void c3_byte_range(void **state)
{
    struct msrp_split s;
    struct msrp_chunk c;
    char flag;

    (void)state;
    msrp_split_init(&s, 5000);
    msrp_split_open(&s, &c, 2048);
    assert_true(c.from == 0 && c.octets == 2048);
    assert_true(c.range.start == 1 && c.range.end == 2048 && c.range.total == 5000);
    assert_int_equal(msrp_split_close(&s, 2048, &flag), 0);
    assert_int_equal(flag, '+');
    msrp_split_open(&s, &c, 0);
    assert_true(c.from == 2048 && c.octets == 2952);
    assert_true(c.range.start == 2049 && c.range.end == MSRP_UNKNOWN && c.range.total == 5000);
    assert_int_equal(msrp_split_close(&s, 2952, &flag), 0);
    assert_int_equal(flag, '$');
    assert_true(msrp_split_is_done(&s));
    /* total not known yet: both are '*' */
    msrp_split_init(&s, MSRP_UNKNOWN);
    msrp_split_open(&s, &c, 100);
    assert_true(c.range.start == 1 && c.range.end == MSRP_UNKNOWN &&
                c.range.total == MSRP_UNKNOWN && c.octets == 100);
    assert_int_equal(msrp_split_close(&s, 100, &flag), 0);
    assert_int_equal(flag, '+');
    msrp_split_open(&s, &c, 0);
    assert_true(c.octets == MSRP_UNKNOWN);
    msrp_split_set_total(&s, 130);
    assert_true(msrp_split_may_cut(&s, 30));
    assert_int_equal(msrp_split_close(&s, 31, &flag), MSRP_E_SPLIT_CUT);
    assert_int_equal(msrp_split_close(&s, 30, &flag), 0);
    assert_int_equal(flag, '$');
    row_passed("C3");
}

/* row C4: a chunk of more than 2048 octets is interruptible, one of at most 2048 is not. */
static void c4_2048(void **state)
{
    (void)state;
    for (uint64_t n = 2046; n <= 2050; n++) {
        struct msrp_split s;
        struct msrp_chunk c;
        char flag;

        msrp_split_init(&s, n);
        msrp_split_open(&s, &c, 0);
        assert_int_equal(c.octets, n);
        assert_int_equal(c.range.end == MSRP_UNKNOWN, n > 2048);
        assert_true(n > 2048 || c.range.end == n);
        assert_int_equal(msrp_split_close(&s, n + 1, &flag), MSRP_E_SPLIT_CUT);
        assert_int_equal(msrp_split_close(&s, n - 1, &flag), n > 2048 ? 0 : MSRP_E_SPLIT_CUT);
        assert_int_equal(msrp_split_is_done(&s), false);
    }
    row_passed("C4");
}

/* rows C5, C6: one big chunk while nothing waits; when a response waits, a running chunk can be
 * cut from 2048 octets on, and the message goes on behind it. */
static void c5_c6_interruption(void **state)
{
    struct msrp_split s;
    struct msrp_chunk c;
    char flag;

    (void)state;
    msrp_split_init(&s, 1000000);
    msrp_split_open(&s, &c, 0);
    assert_int_equal(c.octets, 1000000); /* C5: few big chunks */
    assert_false(msrp_split_may_cut(&s, 0));
    assert_false(msrp_split_may_cut(&s, 2047));
    assert_true(msrp_split_may_cut(&s, 2048));
    assert_true(msrp_split_may_cut(&s, 77777));
    assert_true(msrp_split_may_cut(&s, 1000000));
    assert_int_equal(msrp_split_close(&s, 77777, &flag), 0); /* C6: cut for another frame */
    assert_int_equal(flag, '+');
    msrp_split_open(&s, &c, 0);
    assert_true(c.from == 77777 && c.range.start == 77778 && c.octets == 1000000 - 77777);
    assert_int_equal(msrp_split_close(&s, c.octets, &flag), 0);
    assert_int_equal(flag, '$');
    row_passed("C5");
    row_passed("C6");
}

/* row C7: two messages share a connection: neither is more than one step ahead. */
static void c7_fair_sharing(void **state)
{
    struct msrp_split s[2];
    uint64_t sent[2] = {0, 0};

    (void)state;
    msrp_split_init(&s[0], 100000);
    msrp_split_init(&s[1], 100000);
    for (unsigned turn = 0; !msrp_split_is_done(&s[0]) || !msrp_split_is_done(&s[1]); turn++) {
        struct msrp_split *one = &s[turn % 2];
        uint64_t written = MSRP_CHUNK_STEP;
        struct msrp_chunk c;
        char flag;

        msrp_split_open(one, &c, 0);
        written = c.octets < written ? c.octets : written;
        assert_true(msrp_split_may_cut(one, written));
        assert_int_equal(msrp_split_close(one, written, &flag), 0);
        sent[turn % 2] += written;
        assert_true(sent[0] >= sent[1] && sent[0] - sent[1] <= MSRP_CHUNK_STEP);
    }
    assert_true(sent[0] == 100000 && sent[1] == 100000);
    row_passed("C7");
}

/* row C8: chunks come in order without holes, whatever the cuts; row C2 in prop/msrp_chunks. */
static void c8_in_order(void **state)
{
    uint32_t seed = 3;

    (void)state;
    for (unsigned round = 0; round < 500; round++) {
        struct msrp_split s;
        struct msrp_chunk c;
        uint64_t total, at = 0;
        char flag = 0;

        seed = seed * 1664525u + 1013904223u;
        total = (seed >> 8) % 9000;
        msrp_split_init(&s, total);
        do {
            uint64_t written;

            seed = seed * 1664525u + 1013904223u;
            msrp_split_open(&s, &c, (seed >> 8) % 5000);
            assert_true(c.from == at && c.range.start == at + 1);
            written = c.octets;
            if (written > 2048 && (seed & 1)) {
                written = 2048 + (seed >> 16) % (written - 2047);
            }
            assert_true(msrp_split_may_cut(&s, written));
            assert_int_equal(msrp_split_close(&s, written, &flag), 0);
            at += written;
            assert_int_equal(flag, at == total ? '$' : '+');
        } while (!msrp_split_is_done(&s));
        assert_int_equal(at, total);
    }
    row_passed("C8");
}

/* row C11: a message of no octets is one chunk, 1-0/0. */
static void c11_empty(void **state)
{
    struct msrp_split s;
    struct msrp_chunk c;
    char text[MSRP_RANGE_TEXT], flag;

    (void)state;
    msrp_split_init(&s, 0);
    assert_false(msrp_split_is_done(&s));
    msrp_split_open(&s, &c, 0);
    assert_int_equal(c.octets, 0);
    assert_true(msrp_range_print(&c.range, text, sizeof(text)) > 0);
    assert_string_equal(text, "1-0/0");
    assert_int_equal(msrp_split_close(&s, 0, &flag), 0);
    assert_int_equal(flag, '$');
    assert_true(msrp_split_is_done(&s));
    row_passed("C11");
}

static void aborts_and_resumes(void **state)
{
    struct msrp_split s;
    struct msrp_chunk c;
    char text[MSRP_RANGE_TEXT], flag;

    (void)state;
    msrp_split_init(&s, 9000);
    msrp_split_open(&s, &c, 0);
    assert_int_equal(msrp_split_close(&s, 3000, &flag), 0);
    assert_int_equal(msrp_split_abort(&s, &c), '#');
    assert_true(msrp_split_is_done(&s));
    assert_true(msrp_range_print(&c.range, text, sizeof(text)) > 0);
    assert_string_equal(text, "3001-*/9000");
    assert_int_equal(c.octets, 0);
    /* what another connection carried is not sent again */
    msrp_split_init(&s, 9000);
    msrp_split_resume(&s, 8000);
    msrp_split_open(&s, &c, 0);
    assert_true(c.from == 8000 && c.octets == 1000 && c.range.start == 8001 && c.range.end == 9000);
    assert_int_equal(msrp_split_close(&s, 1000, &flag), 0);
    assert_int_equal(flag, '$');
    assert_int_equal(msrp_split_abort(&s, NULL), '#');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(c3_byte_range),      cmocka_unit_test(c4_2048),
        cmocka_unit_test(c5_c6_interruption), cmocka_unit_test(c7_fair_sharing),
        cmocka_unit_test(c8_in_order),        cmocka_unit_test(c11_empty),
        cmocka_unit_test(aborts_and_resumes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
