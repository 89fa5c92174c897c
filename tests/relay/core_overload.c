/* core_overload.c - the overload ladder: each step at its mark, one below it, and back at 70 %. */
#include "tests/relay/way_kit.h"

enum { MAX = 100 * RELAY_SLAB_SIZE };

/* The relay holds so many percent of its memory. */
struct ballast {
    struct relay_slab *slabs[100];
    unsigned n;
};

static void hold(struct way_site *site, struct ballast *ballast, unsigned percent)
{
    while (site->sim.relay->slabs.bytes / RELAY_SLAB_SIZE < percent)
        assert_non_null(ballast->slabs[ballast->n++] =
                            relay_slab_new(&site->sim.relay->slabs, RELAY_SLAB_SIZE));
    while (ballast->n && site->sim.relay->slabs.bytes / RELAY_SLAB_SIZE > percent)
        relay_slab_unref(ballast->slabs[--ballast->n]);
}

static void start(struct way_site *site, struct ballast *ballast)
{
    ballast->n = 0;
    sim_init(&site->sim);
    site->sim.conf.memory_max = MAX;
    sim_start(&site->sim);
    site->a = sim_user(&site->sim, SIM_ALICE);
    site->b = sim_user(&site->sim, SIM_BOB);
    sim_clear_all(&site->sim);
}

static void done(struct way_site *site, struct ballast *ballast)
{
    hold(site, ballast, 0);
    way_done(site);
}

static enum relay_overload step(struct way_site *site)
{
    sim_pass(&site->sim, 250);
    return (enum relay_overload)relay_counts(site->sim.relay)->overload;
}

static void test_marks(void **state)
{
    static const struct {
        unsigned percent;
        enum relay_overload step;
    } rows[] = {
        {74, RELAY_OVERLOAD_NONE},      {75, RELAY_OVERLOAD_HURRY},
        {84, RELAY_OVERLOAD_HURRY},     {85, RELAY_OVERLOAD_STRANGERS},
        {89, RELAY_OVERLOAD_STRANGERS}, {90, RELAY_OVERLOAD_MESSAGES},
        {94, RELAY_OVERLOAD_MESSAGES},
    };
    struct way_site site;
    struct ballast ballast;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        start(&site, &ballast);
        hold(&site, &ballast, rows[i].percent);
        assert_int_equal(step(&site), rows[i].step);
        /* it stays until less than 70 % is used */
        hold(&site, &ballast, 70);
        assert_int_equal(step(&site), rows[i].step);
        hold(&site, &ballast, 69);
        assert_int_equal(step(&site), RELAY_OVERLOAD_NONE);
        done(&site, &ballast);
    }
}

/* 75 %: a head may take less and less time. */
static void test_hurry(void **state)
{
    static const struct {
        unsigned percent;
        int64_t alive_ms, dead_ms;
    } rows[] = {{74, 9500, 10500}, {75, 9500, 10500}, {84, 6750, 7500}};
    struct way_site site;
    struct ballast ballast;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        start(&site, &ballast);
        sim_say(&site.sim, site.a, "MSRP slow");
        hold(&site, &ballast, rows[i].percent);
        sim_pass(&site.sim, rows[i].alive_ms);
        assert_false(site.sim.conns[site.a].is_closing);
        sim_pass(&site.sim, rows[i].dead_ms - rows[i].alive_ms);
        assert_true(site.sim.conns[site.a].is_closing);
        assert_int_equal(site.sim.last_refusal, RELAY_E_HEAD_SLOW);
        done(&site, &ballast);
    }
}

/* 85 %: no strangers, but those who are in go on. */
static void test_strangers(void **state)
{
    struct way_site site;
    struct ballast ballast;

    (void)state;
    start(&site, &ballast);
    hold(&site, &ballast, 84);
    unsigned c = sim_open(&site.sim, true);
    assert_false(site.sim.conns[c].is_closing);
    hold(&site, &ballast, 85);
    c = sim_open(&site.sim, true);
    assert_true(site.sim.conns[c].is_closing);
    assert_int_equal(site.sim.last_refusal, RELAY_E_OVERLOAD);
    way_send(&site, "tidx", "mmmm", "1-5/5", "", "hello", 5, '$');
    way_want_answer(&site, site.a, "tidx", 200);
    assert_int_equal(sim_answer_all(&site.sim, site.b, 200), 1);
    done(&site, &ballast);
}

/* 90 %: new messages get 413, one that is under way is finished. row 44 */
static void test_messages(void **state)
{
    struct way_site site;
    struct ballast ballast;

    (void)state;
    start(&site, &ballast);
    way_send(&site, "tid1", "mmmm", "1-5/9", "", "hello", 5, '+');
    way_want_answer(&site, site.a, "tid1", 200);
    hold(&site, &ballast, 91);
    way_send(&site, "tid2", "nnnn", "1-5/5", "", "hello", 5, '$');
    way_want_answer(&site, site.a, "tid2", 413);
    assert_int_equal(site.sim.last_refusal, RELAY_E_MEMORY);
    way_send(&site, "tid3", "mmmm", "6-9/9", "", "help", 4, '$');
    way_want_answer(&site, site.a, "tid3", 200);
    assert_int_equal(sim_answer_all(&site.sim, site.b, 200), 2);
    hold(&site, &ballast, 60);
    sim_pass(&site.sim, 250);
    way_send(&site, "tid4", "oooo", "1-5/5", "", "hello", 5, '$');
    way_want_answer(&site, site.a, "tid4", 200);
    done(&site, &ballast);
    row_passed("10.44");
}

/* 95 %: who holds most goes, then who was silent for longest; one each tick, and no more below. */
static void test_close(void **state)
{
    static char body[80000];
    struct way_site site;
    struct ballast ballast;

    (void)state;
    start(&site, &ballast);
    site.sim.conns[site.b].is_deaf = true;
    way_send(&site, "tidx", "mmmm", "1-*/*", "", body, sizeof body, '$');
    hold(&site, &ballast, 94);
    sim_pass(&site.sim, 1000);
    assert_false(site.sim.conns[site.b].is_closing);
    hold(&site, &ballast, 97);
    sim_pass(&site.sim, 250);
    assert_true(site.sim.conns[site.b].is_closing);
    assert_int_equal(site.sim.refusals, 2); /* the connection, and what was on its way to it */
    assert_int_equal(site.sim.last_refusal, RELAY_E_UNDELIVERED);
    assert_false(site.sim.conns[site.a].is_closing);
    sim_closed(&site.sim, site.b);
    hold(&site, &ballast, 97);
    sim_pass(&site.sim, 250);
    assert_true(site.sim.conns[site.a].is_closing);
    done(&site, &ballast);
}

/* row R20: who answers a sign of life is kept, a link to a peer also when it is silent for more
 * than an hour; when memory runs out, the one that was silent for longest is closed. rfc4976#6.5 */
static void test_kept(void **state)
{
    static const struct relay_peer_conf peers[] = {
        {.name = "peer.example", .port = 2855, .tls = true}};
    struct way_site site;
    struct ballast ballast = {.n = 0};

    (void)state;
    sim_init(&site.sim);
    site.sim.conf.memory_max = MAX;
    site.sim.conf.expires_default_s = 7200;
    site.sim.conf.peers = peers;
    site.sim.conf.peers_n = 1;
    sim_start(&site.sim);
    unsigned p = sim_open_peer(&site.sim, "peer.example");
    site.a = sim_user(&site.sim, SIM_ALICE);
    sim_sayf(&site.sim, p,
             "MSRP tidx SEND\r\nTo-Path: %s %s\r\n"
             "From-Path: msrps://peer.example:2855/p;tcp msrps://far.example:9/f;tcp\r\n"
             "Message-ID: mmmm\r\nContent-Type: text/plain\r\n\r\nhi\r\n-------tidx$\r\n",
             way_use(&site, site.a), way_uri(&site, site.a)); /* no probation behind it */
    unsigned asked = 0;
    for (int s = 0; s < 4500; s += 15) {
        sim_pass(&site.sim, 15000);
        asked += sim_answer_all(&site.sim, site.a, 200);
    }
    assert_true(asked > 10);
    assert_false(site.sim.conns[site.a].is_closing);
    assert_false(site.sim.conns[p].is_closing);
    assert_int_equal(relay_counts(site.sim.relay)->conns_now, 2);
    hold(&site, &ballast, 96);
    sim_pass(&site.sim, 250);
    assert_true(site.sim.conns[p].is_closing);
    assert_false(site.sim.conns[site.a].is_closing);
    done(&site, &ballast);
    row_passed("R20");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_marks),     cmocka_unit_test(test_hurry),
        cmocka_unit_test(test_strangers), cmocka_unit_test(test_messages),
        cmocka_unit_test(test_close),     cmocka_unit_test(test_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
