/* core_deadline.c - what the rows 59 and 60 (answers_auth.c) and the keep-alive (core_hop.c) leave.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "relay/core/machine.h"
#include "tests/relay/sim.h"

/* Answers wait for a peer that takes `sip` octets every half second, for 30 s. */
static void take_slowly(size_t sip, unsigned answers, int err)
{
    struct sim sim;

    sim_init(&sim);
    sim_start(&sim);
    unsigned c = sim_user(&sim, SIM_ALICE);
    sim.conns[c].is_deaf = true;
    for (unsigned i = 0; i < answers; i++)
        sim_sayf(&sim, c,
                 "MSRP ping%u SEND\r\nTo-Path: %s\r\nFrom-Path: %s\r\nMessage-ID: mmmm\r\n"
                 "-------ping%u$\r\n",
                 i, sim.conns[c].use_path, sim.conns[c].remote, i);
    for (int i = 0; i < 63; i++) {
        assert_false(i < 59 && sim.conns[c].is_closing);
        sim_pass(&sim, 500);
        sim.conns[c].is_deaf = sip == 0;
        sim.conns[c].sip = sip;
        sim_hear(&sim, c);
        sim.conns[c].is_deaf = true;
    }
    assert_int_equal(sim.conns[c].is_closing, err != 0);
    assert_int_equal(sim.last_refusal, err);
    sim_done(&sim);
}

/* Output that nobody takes for 30 s ends the connection, and so does one that takes less than 128
 * octets a second while more is there. */
static void test_write_stall(void **state)
{
    (void)state;
    take_slowly(0, 1, RELAY_E_WRITE_STALL);
    take_slowly(1, 1, RELAY_E_WRITE_SLOW);
    take_slowly(60, 100, RELAY_E_WRITE_SLOW);
    take_slowly(70, 100, 0);
    take_slowly(10, 1, 0); /* slow, but that was all */
}

/* A head that comes slowly is one head: each new one has its own ten seconds. */
static void test_heads(void **state)
{
    struct sim sim;
    char one[1024];

    (void)state;
    sim_init(&sim);
    sim_start(&sim);
    unsigned c = sim_user(&sim, SIM_ALICE);
    int n = snprintf(one, sizeof one,
                     "MSRP ping SEND\r\nTo-Path: %s\r\nFrom-Path: %s\r\nMessage-ID: mmmm\r\n"
                     "-------ping$\r\n",
                     sim.conns[c].use_path, sim.conns[c].remote);
    sim_say_n(&sim, c, one, 20);
    for (int i = 0; i < 10; i++) { /* a new head begins every 8 s, always before the old one ends */
        sim_pass(&sim, 8000);
        sim_say_n(&sim, c, one + 20, (size_t)n - 20);
        sim_say_n(&sim, c, one, 20);
        assert_false(sim.conns[c].is_closing);
    }
    sim_pass(&sim, 9000);
    assert_false(sim.conns[c].is_closing);
    sim_pass(&sim, 1250);
    assert_true(sim.conns[c].is_closing);
    assert_int_equal(sim.last_refusal, RELAY_E_HEAD_SLOW);
    sim_done(&sim);
}

/* One that is authorised no more, and silent, is closed in the end. */
static void test_no_session_left(void **state)
{
    struct sim sim;

    (void)state;
    sim_init(&sim);
    sim.conf.expires_default_s = 10;
    sim_start(&sim);
    unsigned c = sim_user(&sim, SIM_ALICE);
    sim_pass(&sim, 60000);
    assert_false(sim.conns[c].is_closing);
    sim_pass(&sim, 31000);
    assert_true(sim.conns[c].is_closing);
    assert_int_equal(sim.last_refusal, RELAY_E_IDLE);
    assert_string_equal(sim_heard(&sim, c), "");
    sim_done(&sim);
}

/* Ticks come every quarter of a second while somebody is connected, and never otherwise; one that
 * comes too early changes nothing. */
static void test_ticks(void **state)
{
    struct sim sim;
    struct relay_in in = {.kind = RELAY_IN_TICK};

    (void)state;
    sim_init(&sim);
    sim_start(&sim);
    assert_int_equal(relay_next_ms(sim.relay), -1);
    unsigned c = sim_user(&sim, SIM_ALICE);
    int64_t due_ms = relay_next_ms(sim.relay);
    assert_int_equal(due_ms, sim.now.mono_ms + 250);
    sim.now.mono_ms += 100;
    sim_feed(&sim, &in);
    assert_int_equal(relay_next_ms(sim.relay), due_ms);
    sim.now.mono_ms += 1000;
    sim_feed(&sim, &in);
    assert_int_equal(relay_next_ms(sim.relay), sim.now.mono_ms + 250);
    sim_closed(&sim, c);
    assert_int_equal(relay_next_ms(sim.relay), -1);
    sim_done(&sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write_stall),
        cmocka_unit_test(test_heads),
        cmocka_unit_test(test_no_session_left),
        cmocka_unit_test(test_ticks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
