/* core_hop.c - our own transactions: matched on their connection, timed from their last octet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "relay/core/machine.h"
#include "tests/relay/sim.h"
#include "tests/row.h"

static struct relay_conn *conn_of(struct sim *sim, unsigned c)
{
    return relay_conn_find(sim->relay, c + 1);
}

/* While the relay does not read, an answer may wait in its socket: the time does not count. */
static void test_paused(void **state)
{
    struct sim sim;
    char tid[64];

    (void)state;
    sim_init(&sim);
    sim_start(&sim);
    unsigned c = sim_user(&sim, SIM_ALICE);
    sim_pass(&sim, 60500);
    assert_int_equal(sscanf(sim_heard(&sim, c), "MSRP %40s SEND", tid), 1);
    assert_int_equal(conn_of(&sim, c)->hops_n, 1);
    sim_pass(&sim, 20000);
    relay_conn_pause(conn_of(&sim, c));
    sim_pass(&sim, 50000);
    assert_int_equal(conn_of(&sim, c)->hops_n, 1);
    relay_conn_resume(conn_of(&sim, c));
    sim_pump(&sim);
    sim_sayf(&sim, c, "MSRP %s 200 OK\r\nTo-Path: %s\r\nFrom-Path: %s\r\n-------%s$\r\n", tid,
             sim.conns[c].use_path, sim.conns[c].remote, tid);
    assert_int_equal(conn_of(&sim, c)->hops_n, 0);
    assert_int_equal(relay_counts(sim.relay)->late_responses, 0);
    sim_done(&sim);
}

/* The keep-alive: sent after 60 s of silence, well formed, answered or the end. profile 2.9 */
static void test_keepalive(void **state)
{
    (void)state;
    for (int kind = 0; kind < 5; kind++) {
        struct sim sim;
        char tid[64], want[2048], message_id[64];

        sim_init(&sim);
        sim_start(&sim);
        unsigned c = sim_user(&sim, SIM_ALICE);
        sim_pass(&sim, 59500);
        assert_string_equal(sim_heard(&sim, c), "");
        sim_pass(&sim, 1000);
        assert_int_equal(sscanf(sim_heard(&sim, c), "MSRP %40s SEND", tid), 1);
        assert_int_equal(strlen(tid), MSRP_IDENT_MADE);
        const char *id = strstr(sim_heard(&sim, c), "Message-ID: ");
        assert_non_null(id);
        assert_int_equal(sscanf(id, "Message-ID: %40s", message_id), 1);
        snprintf(want, sizeof want,
                 "MSRP %s SEND\r\nTo-Path: %s\r\nFrom-Path: %s\r\nMessage-ID: %s\r\n-------%s$\r\n",
                 tid, sim.conns[c].remote, sim.conns[c].use_path, message_id, tid);
        assert_string_equal(sim_heard(&sim, c), want);
        assert_string_not_equal(tid, message_id);
        sim_clear_all(&sim);
        assert_int_equal(conn_of(&sim, c)->hops_n, 1);

        switch (kind) {
        case 0: /* silence */
            sim_pass(&sim, 29000);
            assert_false(sim.conns[c].is_closing);
            sim_pass(&sim, 1250);
            assert_true(sim.conns[c].is_closing);
            assert_int_equal(sim.last_refusal, RELAY_E_IDLE);
            assert_string_equal(sim_heard(&sim, c), "");
            break;
        case 1: /* the answer */
            sim_sayf(&sim, c, "MSRP %s 200 OK\r\nTo-Path: %s\r\nFrom-Path: %s\r\n-------%s$\r\n",
                     tid, sim.conns[c].use_path, sim.conns[c].remote, tid);
            assert_int_equal(conn_of(&sim, c)->hops_n, 0);
            assert_int_equal(relay_counts(sim.relay)->late_responses, 0);
            /* a second answer to the same is nobody's */
            sim_sayf(&sim, c, "MSRP %s 200 OK\r\nTo-Path: %s\r\nFrom-Path: %s\r\n-------%s$\r\n",
                     tid, sim.conns[c].use_path, sim.conns[c].remote, tid);
            assert_int_equal(relay_counts(sim.relay)->late_responses, 1);
            sim_pass(&sim, 59000);
            assert_false(sim.conns[c].is_closing);
            assert_string_equal(sim_heard(&sim, c), "");
            break;
        case 4: /* an answer that is for somebody else */
            sim_sayf(&sim, c,
                     "MSRP %s 200 OK\r\nTo-Path: msrps://next.invalid:1/x;tcp\r\nFrom-Path: "
                     "%s\r\n-------%s$\r\n",
                     tid, sim.conns[c].remote, tid);
            assert_int_equal(conn_of(&sim, c)->hops_n, 1);
            assert_int_equal(relay_counts(sim.relay)->late_responses, 1);
            break;
        case 2: /* a refusal is a sign of life too */
            sim_sayf(&sim, c, "MSRP %s 481 No\r\nTo-Path: %s\r\nFrom-Path: %s\r\n-------%s$\r\n",
                     tid, sim.conns[c].use_path, sim.conns[c].remote, tid);
            sim_pass(&sim, 40000);
            assert_false(sim.conns[c].is_closing);
            break;
        default: { /* the answer on another connection is not the answer: row F13 */
            unsigned other = sim_user(&sim, SIM_BOB);
            sim_sayf(&sim, other,
                     "MSRP %s 200 OK\r\nTo-Path: %s\r\nFrom-Path: %s\r\n-------%s$\r\n", tid,
                     sim.conns[other].use_path, sim.conns[other].remote, tid);
            assert_int_equal(relay_counts(sim.relay)->late_responses, 1);
            assert_int_equal(conn_of(&sim, c)->hops_n, 1);
            sim_pass(&sim, 30250);
            assert_true(sim.conns[c].is_closing);
            assert_false(sim.conns[other].is_closing);
        }
        }
        sim_done(&sim);
    }
    row_passed("F13");
}

/* Every id of ours is new, and carries more than 64 random bits. */
static void test_ids(void **state)
{
    char seen[200][33];

    (void)state;
    struct sim sim;
    sim_init(&sim);
    sim_start(&sim);
    unsigned c = sim_user(&sim, SIM_ALICE);
    for (int i = 0; i < 100; i++) {
        struct relay_conn *conn = conn_of(&sim, c);
        relay_hop_ping(conn, conn->sessions);
        sim_pump(&sim);
        assert_int_equal(sscanf(sim_heard(&sim, c), "MSRP %32s SEND", seen[2 * i]), 1);
        assert_int_equal(
            sscanf(strstr(sim_heard(&sim, c), "Message-ID: "), "Message-ID: %32s", seen[2 * i + 1]),
            1);
        sim_clear(&sim, c);
    }
    for (int i = 0; i < 200; i++)
        for (int k = 0; k < i; k++)
            assert_string_not_equal(seen[i], seen[k]);
    sim_done(&sim);
    row_passed("F3");
}

/* The ring: bounded, in any order of answers, timed from the last octet sent. */
static void test_ring(void **state)
{
    struct sim sim;
    char tid[33];

    (void)state;
    sim_init(&sim);
    sim.conf.hops_max = 50;
    sim_start(&sim);
    unsigned c = sim_user(&sim, SIM_ALICE);
    struct relay_conn *conn = conn_of(&sim, c);
    for (unsigned round = 0; round < 20; round++) {
        for (unsigned i = 0; i < 50; i++) {
            assert_true(relay_conn_has_hop_room(conn));
            snprintf(tid, sizeof tid, "tid-%u-%u", round, i);
            assert_int_equal(relay_conn_hop(conn, tid, NULL, 1, 0), 0);
        }
        assert_false(relay_conn_has_hop_room(conn));
        assert_int_equal(relay_conn_hop(conn, "onemore", NULL, 1, 0), RELAY_E_NOMEM);
        for (unsigned k = 0; k < 50; k++) {
            unsigned i = round % 2 ? 49 - k : (k * 7 + round) % 50;
            snprintf(tid, sizeof tid, "tid-%u-%u", round, i);
            assert_true(relay_hop_answered(conn, msrp_str_of(tid), 200));
            assert_false(relay_hop_answered(conn, msrp_str_of(tid), 200));
        }
        assert_int_equal(conn->hops_n, 0);
        assert_null(conn->hops); /* an idle connection holds none */
    }

    /* not sent yet: no time runs */
    sim.conns[c].is_deaf = true;
    relay_hop_ping(conn, conn->sessions);
    sim_pump(&sim);
    assert_false(relay_timer_is_armed(&conn->hops->timer));
    sim.now.mono_ms += 20000;
    sim.conns[c].sip = conn->out.bytes - 1;
    sim.conns[c].is_deaf = false;
    sim_hear(&sim, c);
    assert_false(relay_timer_is_armed(&conn->hops->timer)); /* its last octet is not out */
    sim_hear(&sim, c);
    assert_int_equal(conn->hops->timer.due_ms, sim.now.mono_ms + 30000);
    sim_pass(&sim, 29500);
    assert_int_equal(conn->hops_n, 1);
    sim_pass(&sim, 750);
    assert_int_equal(conn->hops_n, 0);
    sim_done(&sim);
}

/* A random source that fails costs the keep-alive, not the program. */
static void test_no_random(void **state)
{
    struct sim sim;

    (void)state;
    sim_init(&sim);
    sim_start(&sim);
    unsigned c = sim_user(&sim, SIM_ALICE);
    sim.is_random_broken = true;
    sim.relay->pool_n = 0;
    sim_pass(&sim, 61000);
    assert_string_equal(sim_heard(&sim, c), "");
    unsigned other = sim_open(&sim, true);
    assert_false(sim_login(&sim, other, SIM_BOB));
    assert_non_null(strstr(sim_heard(&sim, other), " 413 "));
    sim_done(&sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paused), cmocka_unit_test(test_keepalive), cmocka_unit_test(test_ids),
        cmocka_unit_test(test_ring),   cmocka_unit_test(test_no_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
