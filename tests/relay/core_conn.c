/* core_conn.c - one connection: its slab, its pauses, its place in the directory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "relay/core/machine.h"
#include "tests/relay/sim.h"
#include "tests/row.h"

static const char ping[] = "MSRP ping SEND\r\nTo-Path: %s\r\nFrom-Path: %s\r\nMessage-ID: mmmm\r\n"
                           "-------ping$\r\n";

static struct relay_conn *conn_of(struct sim *sim, unsigned c)
{
    return relay_conn_find(sim->relay, c + 1);
}

/* More octets than a slab holds, in requests of every size: all answered, whatever the border. */
static void test_slabs(void **state)
{
    (void)state;
    for (size_t pad = 1; pad < 4000; pad += 371) {
        struct sim sim;
        char filler[4001];
        unsigned answers = 0;

        memset(filler, 'x', sizeof filler);
        filler[pad] = '\0';
        sim_init(&sim);
        sim_start(&sim);
        unsigned c = sim_user(&sim, SIM_ALICE);
        char *all = NULL;
        size_t n = 0;
        for (unsigned i = 0; i < 200; i++) {
            char one[5000];
            int k =
                snprintf(one, sizeof one,
                         "MSRP r%07u SEND\r\nTo-Path: %s\r\nFrom-Path: %s\r\nMessage-ID: mmmm\r\n"
                         "X-Filler: %s\r\n-------r%07u$\r\n",
                         i, sim.conns[c].use_path, sim.conns[c].remote, filler, i);
            all = sim_alloc(all, n + (size_t)k);
            memcpy(all + n, one, (size_t)k);
            n += (size_t)k;
        }
        sim_say_n(&sim, c, all, n);
        for (const char *p = sim_heard(&sim, c); (p = strstr(p, " 200 OK\r\n")); p++)
            answers++;
        assert_int_equal(answers, 200);
        assert_int_equal(relay_counts(sim.relay)->slab_bytes, 0);
        free(all);
        sim_done(&sim);
    }
}

/* A pause stops reading in the middle of a segment; what was read waits; pauses are counted. */
static void test_pause(void **state)
{
    struct sim sim;
    char two[2048];

    (void)state;
    sim_init(&sim);
    sim_start(&sim);
    unsigned c = sim_user(&sim, SIM_ALICE);
    struct relay_conn *conn = conn_of(&sim, c);
    relay_conn_pause(conn);
    relay_conn_pause(conn);
    sim_pump(&sim);
    assert_true(sim.conns[c].is_paused);
    size_t n;
    assert_null(relay_buffer(sim.relay, c + 1, &n));
    snprintf(two, sizeof two, ping, sim.conns[c].use_path, sim.conns[c].remote);
    sim_say(&sim, c, two); /* the simulator keeps it */
    relay_conn_resume(conn);
    sim_pass(&sim, 250);
    assert_true(sim.conns[c].is_paused);
    assert_string_equal(sim_heard(&sim, c), "");
    relay_conn_resume(conn);
    relay_conn_resume(conn); /* one too many: nothing */
    sim_pass(&sim, 250);
    assert_false(sim.conns[c].is_paused);
    assert_int_equal(strncmp(sim_heard(&sim, c), "MSRP ping 200", 13), 0);

    /* a pause and its resume before the driver looks: it hears of neither */
    relay_conn_pause(conn);
    relay_conn_resume(conn);
    struct relay_want want;
    while (relay_take(sim.relay, &want))
        assert_true(want.kind != RELAY_WANT_PAUSE && want.kind != RELAY_WANT_RESUME);
    /* time does not count against a peer that is not read */
    relay_conn_pause(conn);
    sim_pass(&sim, 200000);
    assert_false(sim.conns[c].is_closing);
    relay_conn_resume(conn);
    sim_done(&sim);
}

/* A peer that does not take its answers is not read any more, and read again when it does. */
static void test_clogged(void **state)
{
    struct sim sim;
    unsigned answers = 0, said = 0;

    (void)state;
    sim_init(&sim);
    sim_start(&sim);
    unsigned c = sim_user(&sim, SIM_ALICE);
    sim.conns[c].is_deaf = true;
    while (!sim.conns[c].is_paused) {
        sim_sayf(&sim, c,
                 "MSRP r%07u SEND\r\nTo-Path: %s\r\nFrom-Path: %s\r\nMessage-ID: mmmm\r\n"
                 "-------r%07u$\r\n",
                 said, sim.conns[c].use_path, sim.conns[c].remote, said);
        assert_true(++said < 100000);
    }
    struct relay_conn *conn = conn_of(&sim, c);
    assert_true(conn->out.bytes >= sim.conf.out_high && conn->out.bytes < sim.conf.out_high + 1000);
    sim.conns[c].is_deaf = false;
    sim_pass(&sim, 250);
    assert_false(sim.conns[c].is_paused);
    for (const char *p = sim_heard(&sim, c); (p = strstr(p, " 200 OK\r\n")); p++)
        answers++;
    assert_int_equal(answers, said);
    sim_done(&sim);
}

/* No memory to read into: the driver is told to wait, and time does not count. */
static void test_starved(void **state)
{
    struct sim sim;
    size_t n;

    (void)state;
    sim_init(&sim);
    sim_start(&sim);
    unsigned c = sim_user(&sim, SIM_ALICE);
    sim.relay->slabs.bytes_max = 1000;
    sim_say(&sim, c, "MSRP ");
    assert_null(relay_buffer(sim.relay, c + 1, &n));
    assert_int_equal(n, 0);
    sim.relay->slabs.bytes_max = 1000000;
    sim_pass(&sim, 250);
    assert_int_equal(relay_counts(sim.relay)->slab_bytes, RELAY_SLAB_SIZE); /* "MSRP " */
    sim_done(&sim);
}

static void test_directory(void **state)
{
    struct sim sim;
    struct msrp_str alice = MSRP_STR(SIM_ALICE);

    (void)state;
    sim_init(&sim);
    sim_start(&sim);
    assert_null(relay_conns_of_user(sim.relay, alice));
    unsigned c[5];
    for (int i = 0; i < 4; i++)
        c[i] = sim_user(&sim, SIM_ALICE);
    struct relay_conn *conn = relay_conns_of_user(sim.relay, MSRP_STR("SIP:alice@IOPS.example"));
    for (int i = 0; i < 4; i++, conn = conn->next_same_user)
        assert_ptr_equal(conn, conn_of(&sim, c[i])); /* oldest first */
    assert_null(conn);

    /* the fifth is one too many */
    c[4] = sim_open(&sim, true);
    assert_false(sim_login(&sim, c[4], SIM_ALICE));
    assert_int_equal(sim.last_refusal, RELAY_E_CONNS_USER);
    assert_non_null(strstr(sim_heard(&sim, c[4]), " 403 Forbidden\r\n"));
    assert_true(sim_login(&sim, c[4], SIM_BOB)); /* it was nobody's */
    sim_closed(&sim, c[1]);
    conn = relay_conns_of_user(sim.relay, alice);
    assert_ptr_equal(conn->next_same_user, conn_of(&sim, c[2]));
    assert_null(relay_conns_of_user(sim.relay, MSRP_STR("alice")));

    /* a closing one is not listed, though the driver has not closed it yet */
    sim_say(&sim, c[0], "x");
    assert_true(sim.conns[c[0]].is_closing);
    assert_ptr_equal(relay_conns_of_user(sim.relay, alice), conn_of(&sim, c[2]));
    sim_done(&sim);
}

static void test_admit(void **state)
{
    struct sim sim;
    struct relay_in drain = {.kind = RELAY_IN_DRAIN};

    (void)state;
    sim_init(&sim);
    sim_start(&sim);
    unsigned c = sim_user(&sim, SIM_ALICE);
    unsigned other = sim_user(&sim, SIM_ALICE), bob = sim_user(&sim, SIM_BOB);
    for (unsigned i = 0; i < sim.conf.rate_messages_burst; i++)
        assert_int_equal(relay_conn_admit(conn_of(&sim, i % 2 ? c : other)), 0);
    /* the bucket is the user's, not the connection's */
    assert_int_equal(relay_conn_admit(conn_of(&sim, c)), RELAY_E_RATE);
    assert_int_equal(relay_conn_admit(conn_of(&sim, other)), RELAY_E_RATE);
    assert_int_equal(relay_conn_admit(conn_of(&sim, bob)), 0);
    sim_closed(&sim, c);
    c = sim_user(&sim, SIM_ALICE); /* leaving does not refill it */
    assert_int_equal(relay_conn_admit(conn_of(&sim, c)), RELAY_E_RATE);
    sim_pass(&sim, 1000);
    assert_int_equal(relay_conn_admit(conn_of(&sim, c)), 0);

    sim.relay->slabs.bytes = (size_t)sim.conf.memory_max / 100 * 91;
    assert_int_equal(relay_conn_admit(conn_of(&sim, c)), RELAY_E_MEMORY);
    sim.relay->slabs.bytes = 0;
    sim_feed(&sim, &drain);
    assert_int_equal(relay_conn_admit(conn_of(&sim, c)), RELAY_E_DRAINING);
    sim_done(&sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slabs),     cmocka_unit_test(test_pause),
        cmocka_unit_test(test_clogged),   cmocka_unit_test(test_starved),
        cmocka_unit_test(test_directory), cmocka_unit_test(test_admit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
