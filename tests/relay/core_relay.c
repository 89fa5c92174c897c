/* core_relay.c - the machine as its driver sees it: numbers, wants, events, policy, the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/relay/sim.h"

static const char ping[] = "MSRP ping SEND\r\nTo-Path: %s\r\nFrom-Path: %s\r\nMessage-ID: mmmm\r\n"
                           "-------ping$\r\n";

static bool is_alive(struct sim *sim, unsigned c)
{
    sim_clear(sim, c);
    sim_sayf(sim, c, ping, sim->conns[c].use_path, sim->conns[c].remote);
    return !strncmp(sim_heard(sim, c), "MSRP ping 200 OK\r\n", 18);
}

static void test_conf(void **state)
{
    static const struct {
        const char *name, *service;
    } bad[] = {
        {"relay iops", SIM_SERVICE},
        {SIM_NAME, "msrps://other.example:2855/sds;tcp"},
        {SIM_NAME, "msrps://" SIM_NAME ":2855;tcp"},
        {SIM_NAME, "sds"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct sim sim;
        sim_init(&sim);
        sim.conf.name = bad[i].name;
        sim.conf.service = bad[i].service;
        sim_start(&sim);
        assert_null(sim.relay);
        sim_done(&sim);
    }

    /* a head that could not be kept in one slab, and a random source that fails */
    for (int kind = 0; kind < 2; kind++) {
        struct sim sim;
        sim_init(&sim);
        sim.conf.head.block = kind ? 16384 : 40000;
        sim.is_random_broken = kind;
        sim_start(&sim);
        assert_null(sim.relay);
        sim_done(&sim);
    }
}

/* What a driver may get wrong must not hurt. */
static void test_driver(void **state)
{
    struct sim sim;
    struct relay_in in = {.kind = RELAY_IN_DATA, .conn = 77, .n = 10};
    struct relay_iov iov[4];
    size_t n;

    (void)state;
    sim_init(&sim);
    sim_start(&sim);
    assert_int_equal(relay_next_ms(sim.relay), -1); /* nothing to time */
    sim_feed(&sim, &in);
    in.kind = RELAY_IN_CLOSED;
    sim_feed(&sim, &in);
    assert_null(relay_buffer(sim.relay, 77, &n));
    assert_int_equal(n, 0);
    assert_int_equal(relay_output(sim.relay, 77, &sim.now, iov, 4), 0);
    relay_sent(sim.relay, 77, &sim.now, 10);

    unsigned c = sim_user(&sim, SIM_ALICE);
    assert_int_equal(relay_next_ms(sim.relay), SIM_MONO_MS + 250);
    in = (struct relay_in){.kind = RELAY_IN_OPEN, .conn = c + 1};
    sim_feed(&sim, &in); /* the same number again: the first one stays */
    assert_int_equal(relay_counts(sim.relay)->conns_now, 1);
    in = (struct relay_in){.kind = RELAY_IN_DATA, .conn = c + 1, .n = 1000};
    sim_feed(&sim, &in); /* octets that no buffer was asked for */
    assert_non_null(relay_buffer(sim.relay, c + 1, &n));
    in.n = 0;
    sim_feed(&sim, &in); /* nothing came after all: the slab is given back */
    assert_int_equal(relay_counts(sim.relay)->slab_bytes, 0);
    relay_sent(sim.relay, c + 1, &sim.now, 1000);
    assert_true(is_alive(&sim, c));
    sim_closed(&sim, c);
    assert_int_equal(relay_next_ms(sim.relay), -1);
    sim_done(&sim);
    relay_free(NULL);
}

/* An idle authorised connection holds no slab, and little else. */
static void test_idle(void **state)
{
    struct sim sim;

    (void)state;
    sim_init(&sim);
    sim.conf.unauth_percent_max = 100;
    sim_start(&sim);
    for (unsigned i = 0; i < 600; i++) {
        char user[64];
        snprintf(user, sizeof user, "sip:u%u@iops.example", i);
        unsigned c = sim_user(&sim, user);
        assert_true(is_alive(&sim, c));
    }
    const struct relay_counts *counts = relay_counts(sim.relay);
    assert_int_equal(counts->slab_bytes, 0);
    assert_int_equal(counts->conns_now, 600);
    assert_int_equal(counts->conns_authorised_now, 600);
    assert_int_equal(counts->sessions_now, 600);
    assert_true(relay_is_quiet(sim.relay));
    for (unsigned c = 0; c < 600; c += 2)
        sim_closed(&sim, c);
    for (unsigned c = 1; c < 600; c += 2)
        assert_true(is_alive(&sim, c));
    counts = relay_counts(sim.relay);
    assert_int_equal(counts->conns_now, 300);
    assert_int_equal(counts->conns, 600);
    assert_int_equal(counts->sessions_now, 300);
    sim_done(&sim);
}

static void test_door(void **state)
{
    struct sim sim;

    (void)state;
    /* in all */
    sim_init(&sim);
    sim.conf.conns_max = 3;
    sim.conf.unauth_percent_max = 100;
    sim_start(&sim);
    for (int i = 0; i < 3; i++)
        sim_user(&sim, SIM_ALICE);
    unsigned c = sim_open(&sim, true);
    assert_true(sim.conns[c].is_closing);
    assert_int_equal(sim.last_refusal, RELAY_E_CONNS_TOTAL);
    assert_int_equal(relay_counts(sim.relay)->conns_now, 3);
    sim_closed(&sim, 0);
    c = sim_open(&sim, true);
    assert_false(sim.conns[c].is_closing);
    sim_done(&sim);

    /* strangers: a tenth */
    sim_init(&sim);
    sim.conf.conns_max = 20;
    sim_start(&sim);
    sim_open(&sim, true);
    sim_open(&sim, true);
    c = sim_open(&sim, true);
    assert_true(sim.conns[c].is_closing);
    assert_int_equal(sim.last_refusal, RELAY_E_CONNS_UNAUTH);
    assert_true(sim_login(&sim, 0, SIM_ALICE)); /* one is known now */
    c = sim_open(&sim, true);
    assert_false(sim.conns[c].is_closing);
    sim_done(&sim);

    /* strangers from one address */
    sim_init(&sim);
    sim.conf.conns_unauth_per_source_max = 2;
    sim_start(&sim);
    sim_open_from(&sim, true, "192.0.2.1");
    sim_open_from(&sim, true, "192.0.2.1");
    c = sim_open_from(&sim, true, "192.0.2.1");
    assert_true(sim.conns[c].is_closing);
    assert_int_equal(sim.last_refusal, RELAY_E_CONNS_UNAUTH);
    c = sim_open_from(&sim, true, "192.0.2.2");
    assert_false(sim.conns[c].is_closing);
    assert_true(sim_login(&sim, 0, SIM_ALICE));
    c = sim_open_from(&sim, true, "192.0.2.1");
    assert_false(sim.conns[c].is_closing);
    sim_done(&sim);
}

/* A revoked user is out at once, on sessions that stand; so is one whose issuer, key or domain is
 * no longer accepted. profile 2.8 */
static void test_policy(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        struct sim sim;
        struct relay_in in = {.kind = RELAY_IN_POLICY};
        struct relay_auth other;
        static const char *const domains[] = {"else.example"};

        sim_init(&sim);
        sim_start(&sim);
        unsigned a = sim_user(&sim, SIM_ALICE), b = sim_user(&sim, SIM_BOB);
        struct relay_policy *policy = relay_policy_new();
        other = sim.auth;
        if (kind == 0) {
            relay_policy_add_user(policy, SIM_ALICE)->revoked = true;
            in.policy = policy;
        } else {
            in.kind = RELAY_IN_AUTH;
            in.auth = &other;
            if (kind == 1)
                other.iops_domains = (struct relay_list){domains, 1};
            else
                in.auth = NULL;
        }
        assert_int_equal(relay_policy_seal(policy), 0);
        sim_feed(&sim, &in);
        sim_pump(&sim);
        relay_policy_unref(policy);
        assert_false(is_alive(&sim, a));
        assert_non_null(strstr(sim_heard(&sim, a), "MSRP ping 481 "));
        assert_int_equal(is_alive(&sim, b), kind == 0);
        assert_int_equal(relay_counts(sim.relay)->conns_authorised_now, kind == 0);
        assert_false(sim_login(&sim, a, SIM_ALICE));
        assert_int_equal(sim_login(&sim, b, SIM_BOB), kind == 0);
        sim_done(&sim);
    }
}

static void test_policy_of_nobody(void **state)
{
    struct sim sim;
    struct relay_in in = {.kind = RELAY_IN_POLICY, .policy = NULL};

    (void)state;
    sim_init(&sim);
    sim_start(&sim);
    unsigned c = sim_user(&sim, SIM_ALICE);
    sim_feed(&sim, &in);
    assert_true(is_alive(&sim, c));
    sim_done(&sim);
}

/* Nobody takes the events: the ring is bounded, the rest is counted. */
static void test_events(void **state)
{
    struct sim sim;
    struct relay_in in = {.kind = RELAY_IN_OPEN};

    (void)state;
    sim_init(&sim);
    sim.conf.conns_max = 1;
    sim.conf.unauth_percent_max = 100;
    sim_start(&sim);
    for (unsigned i = 0; i < 5000; i++) {
        in.conn = 10000 + i;
        in.open.source = "192.0.2.7";
        sim_feed(&sim, &in);
    }
    assert_int_equal(relay_counts(sim.relay)->events_lost, 5000 - 4096);
    struct relay_want want;
    unsigned events = 0, closes = 0;
    while (relay_take(sim.relay, &want)) {
        events += want.kind == RELAY_WANT_EVENT;
        closes += want.kind == RELAY_WANT_CLOSE;
        if (want.kind == RELAY_WANT_EVENT)
            assert_string_equal(want.event.source, "192.0.2.7");
    }
    assert_int_equal(want.kind, RELAY_WANT_NONE);
    assert_int_equal(events, 4096);
    assert_true(closes >= 1);
    sim_done(&sim);
}

/* A driver that is slow to close: what was queued can still be fetched, nothing new comes. */
static void test_close_flushes(void **state)
{
    struct sim sim;

    (void)state;
    sim_init(&sim);
    sim_start(&sim);
    unsigned c = sim_user(&sim, SIM_ALICE);
    sim.conns[c].is_deaf = true;
    sim_sayf(&sim, c, ping, sim.conns[c].use_path, sim.conns[c].remote);
    sim_say(&sim, c,
            "MSRP oops SEND\r\nTo-Path: " SIM_URI
            "\r\nFrom-Path: msrps://c.invalid:1/s;tcp\r\nX:y\r\n-------oops$\r\n");
    assert_true(sim.conns[c].is_closing);
    assert_string_equal(sim_heard(&sim, c), "");
    sim_pass(&sim, 500);
    sim.conns[c].is_deaf = false;
    sim.conns[c].sip = 7;
    for (int i = 0; i < 200; i++)
        sim_hear(&sim, c);
    assert_non_null(strstr(sim_heard(&sim, c), "MSRP ping 200 OK\r\n"));
    assert_non_null(strstr(sim_heard(&sim, c), "MSRP oops 400 Bad Request\r\n"));
    sim_done(&sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conf),   cmocka_unit_test(test_driver),
        cmocka_unit_test(test_idle),   cmocka_unit_test(test_door),
        cmocka_unit_test(test_policy), cmocka_unit_test(test_policy_of_nobody),
        cmocka_unit_test(test_events), cmocka_unit_test(test_close_flushes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
