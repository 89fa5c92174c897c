/* core_wheel.c - tests of relay/core/wheel.c, most of them beside a list that is searched whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "relay/core/wheel.h"

enum { TIMERS = 300, HOUR_MS = 3600000 };

static uint64_t seed;

static uint32_t draw(uint32_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((seed >> 33) % below);
}

/* The wheel, and what it must be equal to. */
static struct model {
    struct relay_wheel wheel;
    struct relay_timer timers[TIMERS];
    struct {
        bool is_armed, is_late; /* late: armed for a time that a call had seen */
        int64_t due_ms;
        unsigned turn; /* of its arming */
    } rows[TIMERS];
    int64_t now_ms, seen_ms;
    unsigned turns;
} m;

static void start(int64_t now_ms)
{
    m = (struct model){.now_ms = now_ms, .seen_ms = now_ms};
    relay_wheel_init(&m.wheel, now_ms);
}

static void add(size_t i, int64_t due_ms)
{
    relay_wheel_add(&m.wheel, &m.timers[i], due_ms);
    m.rows[i].is_armed = true;
    m.rows[i].is_late = due_ms <= m.seen_ms;
    m.rows[i].due_ms = due_ms;
    m.rows[i].turn = ++m.turns;
}

static void cancel(size_t i)
{
    relay_wheel_cancel(&m.wheel, &m.timers[i]);
    m.rows[i].is_armed = false;
}

static void check_armed(void)
{
    size_t n = 0;

    for (size_t i = 0; i < TIMERS; i++) {
        assert_int_equal(relay_timer_is_armed(&m.timers[i]), m.rows[i].is_armed);
        n += m.rows[i].is_armed;
    }
    assert_int_equal(m.wheel.armed, n);
}

/* Does row i come before row k, both being ripe? */
static bool is_before(size_t i, size_t k)
{
    if (m.rows[i].is_late != m.rows[k].is_late)
        return m.rows[k].is_late;
    if (!m.rows[i].is_late && m.rows[i].due_ms != m.rows[k].due_ms)
        return m.rows[i].due_ms < m.rows[k].due_ms;
    return m.rows[i].turn < m.rows[k].turn;
}

/* The row that must come next of those that were due when last looked, or -1. */
static int first_ripe(void)
{
    int first = -1;

    for (size_t i = 0; i < TIMERS; i++)
        if (m.rows[i].is_armed && m.rows[i].due_ms <= m.seen_ms &&
            (first < 0 || is_before(i, (size_t)first)))
            first = (int)i;
    return first;
}

/* One step: the timer's number, or -1 when none is due; it is the model's. */
static int expire(void)
{
    int want = first_ripe();

    if (want < 0 && m.now_ms > m.seen_ms) {
        m.seen_ms = m.now_ms;
        want = first_ripe();
    }
    const struct relay_timer *timer = relay_wheel_expire(&m.wheel, m.now_ms);
    assert_int_equal(timer ? timer - m.timers : -1, want);
    if (want < 0)
        return -1;
    assert_false(relay_timer_is_armed(timer));
    assert_true(timer->due_ms == m.rows[want].due_ms);
    m.rows[want].is_armed = false;
    return want;
}

static void test_one(void **state)
{
    static const int64_t starts[] = {0, 1, 249, 250, 31999, 32000, 1000000007};
    static const int64_t waits[] = {1, 249, 250, 251, 30000, 31999, 32000, 32001, 64000, 1000000};

    (void)state;
    for (size_t s = 0; s < sizeof starts / sizeof *starts; s++) {
        for (size_t w = 0; w < sizeof waits / sizeof *waits; w++) {
            start(starts[s]);
            assert_int_equal(expire(), -1);
            add(7, m.now_ms + waits[w]);
            check_armed();
            /* a tick at a time, and never early by a millisecond */
            while (m.now_ms + 250 < starts[s] + waits[w]) {
                m.now_ms += 250;
                assert_int_equal(expire(), -1);
            }
            m.now_ms = starts[s] + waits[w] - 1;
            assert_int_equal(expire(), -1);
            m.now_ms++;
            assert_int_equal(expire(), 7);
            assert_int_equal(expire(), -1);
            check_armed();
        }
    }
}

/* Zeroed timers are not armed; cancelling those is nothing, arming one twice is moving it. */
static void test_states(void **state)
{
    (void)state;
    start(1000);
    cancel(0);
    assert_false(relay_timer_is_armed(&m.timers[0]));
    add(0, 5000);
    add(0, 90000); /* later */
    m.now_ms = 5000;
    assert_int_equal(expire(), -1);
    add(0, 5100); /* sooner */
    check_armed();
    m.now_ms = 5100;
    assert_int_equal(expire(), 0);
    assert_int_equal(expire(), -1);
    m.now_ms = 90000;
    assert_int_equal(expire(), -1);
    add(0, 90000); /* now */
    add(1, 0);     /* long ago */
    add(2, 90000);
    cancel(2);
    cancel(2);
    check_armed();
    assert_int_equal(expire(), 0);
    assert_int_equal(expire(), 1);
    assert_int_equal(expire(), -1);
    add(3, INT64_MAX); /* never comes, and is in nobody's way */
    m.now_ms = INT64_MAX - 1;
    assert_int_equal(expire(), -1);
    cancel(3);
    check_armed();
}

/* In the order of their times through one slot of several rounds, and over all slots after a jump;
 * equal times in the order of arming. */
static void test_order(void **state)
{
    (void)state;
    start(100000);
    for (unsigned round = 0; round < 2; round++) {
        for (size_t i = 0; i < TIMERS; i++)
            add(i, 200000 + (round ? draw(HOUR_MS) : draw(3) * 32000 + draw(20)));
        m.now_ms = 200000 + HOUR_MS;
        for (size_t i = 0; i < TIMERS; i++)
            assert_true(expire() >= 0);
        assert_int_equal(expire(), -1);
        start(100000);
    }
}

/* A clock that goes back stands still; what has been found stays found. */
static void test_back(void **state)
{
    (void)state;
    start(10000);
    add(0, 10500);
    add(1, 10600);
    m.now_ms = 11000;
    assert_int_equal(expire(), 0);
    assert_ptr_equal(relay_wheel_expire(&m.wheel, 9000), &m.timers[1]);
    relay_wheel_add(&m.wheel, &m.timers[2], 10900);
    assert_ptr_equal(relay_wheel_expire(&m.wheel, 9000), &m.timers[2]);
    relay_wheel_add(&m.wheel, &m.timers[2], 11001);
    assert_null(relay_wheel_expire(&m.wheel, 9000));
    assert_null(relay_wheel_expire(&m.wheel, 11000));
    assert_ptr_equal(relay_wheel_expire(&m.wheel, 11001), &m.timers[2]);
}

static int64_t some_wait(void)
{
    switch (draw(8)) {
    case 0:
        return -(int64_t)draw(2000);
    case 1:
        return draw(2);
    case 2:
        return draw(HOUR_MS);
    case 3:
        return 250 * (int64_t)draw(300);
    default:
        return draw(40000);
    }
}

static void some_change(void)
{
    size_t i = draw(TIMERS);

    if (draw(3))
        add(i, m.now_ms + some_wait());
    else
        cancel(i);
}

static int64_t some_time(void)
{
    switch (draw(40)) {
    case 0:
        return HOUR_MS * (int64_t)draw(50);
    case 1:
        return 32000 * (int64_t)draw(4);
    case 2:
    case 3:
        return 0;
    case 4:
    case 5:
    case 6:
        return draw(5000);
    default:
        return draw(500);
    }
}

/* Any changes at any time, also between two timers of one tick, also when the rest is left. */
static void test_random(void **state)
{
    unsigned came = 0, left = 0;

    (void)state;
    for (seed = 1; seed < 40;) {
        uint64_t run = seed;
        start(draw(1000000));
        for (unsigned step = 0; step < 3000; step++) {
            for (unsigned n = draw(6); n; n--)
                some_change();
            m.now_ms += some_time();
            bool is_whole = draw(4) != 0;
            unsigned budget = is_whole ? UINT32_MAX : draw(3), changes = 0;
            for (; budget; budget--) {
                if (expire() < 0)
                    break;
                came++;
                if (draw(3) == 0 && changes++ < 50)
                    some_change();
            }
            left += !budget;
            if (step % 16 == 0)
                check_armed();
        }
        seed = run + 1;
    }
    assert_true(came > 100000 && left > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one),  cmocka_unit_test(test_states), cmocka_unit_test(test_order),
        cmocka_unit_test(test_back), cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
