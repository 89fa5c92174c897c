#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "dpp/seal/replay.h"

static const uint8_t secret[16] = "not so random";

static struct dpp_frame frame(uint64_t time_s, uint32_t id, uint32_t iv)
{
    struct dpp_frame f = {.time_s = time_s, .dppk_id = id};

    memcpy(f.iv, &iv, sizeof iv);
    return f;
}

static void test_seen_once(void **state)
{
    struct dpp_replay *r = dpp_replay_new(100, 300, secret);
    struct dpp_frame a = frame(1000, 1, 1), other_iv = frame(1000, 1, 2), other_id = a;

    (void)state;
    other_id.dppk_id = 2;
    assert_int_equal(dpp_replay_add(r, 1000, &a), 0);
    assert_int_equal(dpp_replay_add(r, 1000, &a), DPP_E_REPLAY);
    assert_int_equal(dpp_replay_add(r, 1000, &other_iv), 0);
    assert_int_equal(dpp_replay_add(r, 1000, &other_id), 0);
    assert_int_equal(dpp_replay_add(r, 1001, &other_id), DPP_E_REPLAY);
    dpp_replay_free(r);
    dpp_replay_free(NULL);
}

/* A frame is never taken twice, however long one waits and whatever date it bears. */
static void test_never_twice(void **state)
{
    (void)state;
    for (int64_t ahead = -11; ahead <= 11; ahead++) {
        struct dpp_replay *r = dpp_replay_new(4, 10, secret);
        struct dpp_frame f = frame((uint64_t)(1000 + ahead), 1, 1);
        int rc = dpp_replay_add(r, 1000, &f);
        assert_int_equal(rc, ahead < -10 || ahead > 10 ? DPP_E_REPLAY_TIME : 0);
        for (int64_t now = 1001; rc == 0 && now < 1100; now++) {
            int again = dpp_replay_add(r, now, &f);
            assert_true(again == DPP_E_REPLAY || again == DPP_E_REPLAY_TIME);
            assert_int_equal(again == DPP_E_REPLAY_TIME, now - (1000 + ahead) > 10);
        }
        dpp_replay_free(r);
    }
}

/* Full means refuse, not forget; what fell due makes room. */
static void test_full(void **state)
{
    struct dpp_replay *r = dpp_replay_new(7, 10, secret);

    (void)state;
    for (uint32_t round = 0; round < 5; round++) {
        int64_t now = 1000 + 21 * (int64_t)round;
        for (uint32_t i = 0; i < 7; i++) {
            struct dpp_frame f = frame((uint64_t)now, 1, round * 100 + i);
            assert_int_equal(dpp_replay_add(r, now, &f), 0);
        }
        struct dpp_frame more = frame((uint64_t)now, 1, 0xffffffff), old;
        assert_int_equal(dpp_replay_add(r, now, &more), DPP_E_REPLAY_FULL);
        for (uint32_t i = 0; i < 7; i++) {
            old = frame((uint64_t)now, 1, round * 100 + i);
            assert_int_equal(dpp_replay_add(r, now, &old), DPP_E_REPLAY);
        }
    }
    dpp_replay_free(r);
}

/* The clock set back brings no old frame back (reliability T32). */
static void test_clock_set_back(void **state)
{
    struct dpp_replay *r = dpp_replay_new(16, 10, secret);
    struct dpp_frame f = frame(1000, 1, 1), late = frame(1100, 1, 2);

    (void)state;
    assert_int_equal(dpp_replay_add(r, 1000, &f), 0);
    assert_int_equal(dpp_replay_add(r, 1100, &late), 0);
    assert_int_equal(dpp_replay_add(r, 1000, &f), DPP_E_REPLAY_TIME);
    assert_int_equal(dpp_replay_add(r, 0, &late), DPP_E_REPLAY);
    dpp_replay_free(r);
}

/* Many entries over a moving window, against a plain list. */
static void test_against_a_list(void **state)
{
    enum { CAP = 64, ROUNDS = 4000 };
    struct dpp_replay *r = dpp_replay_new(CAP, 5, secret);
    static struct {
        uint32_t iv;
        int64_t until;
    } list[ROUNDS];
    size_t list_n = 0;
    uint32_t seed = 12345;

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        int64_t now = 1000 + i / 10;
        seed = seed * 1103515245 + 12345;
        uint32_t iv = (seed >> 16) % 200;
        struct dpp_frame f = frame((uint64_t)now, 1, iv);
        size_t live = 0;
        bool seen = false;
        for (size_t k = 0; k < list_n; k++) {
            if (list[k].until >= now) {
                live++;
                seen |= list[k].iv == iv;
            }
        }
        int expected = seen ? DPP_E_REPLAY : live == CAP ? DPP_E_REPLAY_FULL : 0;
        assert_int_equal(dpp_replay_add(r, now, &f), expected);
        if (expected == 0) {
            list[list_n].iv = iv;
            list[list_n++].until = now + 10;
        }
    }
    dpp_replay_free(r);
}

static void test_caps(void **state)
{
    (void)state;
    assert_null(dpp_replay_new(0, 1, secret));
    assert_null(dpp_replay_new((1 << 20) + 1, 1, secret));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seen_once),      cmocka_unit_test(test_never_twice),
        cmocka_unit_test(test_full),           cmocka_unit_test(test_clock_set_back),
        cmocka_unit_test(test_against_a_list), cmocka_unit_test(test_caps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
