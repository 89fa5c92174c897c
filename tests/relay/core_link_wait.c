/* core_link_wait.c - what waits for a link, and what a link is spared; rows 10.63, R11, threats
 * T16, T17. */
#include "tests/relay/link_kit.h"

/* A large message to a peer that is not there yet: its sender is stopped as by a slow receiver, and
 * one that cannot be stopped is told; nothing grows. threat T17 */
static void test_large_wait(void **state)
{
    enum { CHUNK = 16000, CHUNKS = 200 };
    static char body[CHUNK + 1];

    (void)state;
    memset(body, 'x', CHUNK);
    for (int is_up = 0; is_up < 2; is_up++) {
        struct way_site site;
        char tid[32];

        link_start(&site);
        const struct relay_conf *conf = &site.sim.relay->conf;
        for (unsigned i = 0; i < CHUNKS; i++) {
            snprintf(tid, sizeof tid, "tid%u", i);
            sim_sayf(&site.sim, site.a,
                     "MSRP %s SEND\r\nTo-Path: %s " PEER_URI " " FAR "\r\nFrom-Path: %s\r\n"
                     "Message-ID: mmmm\r\nByte-Range: %u-*/%u\r\nContent-Type: text/plain\r\n\r\n"
                     "%s\r\n-------%s%c\r\n",
                     tid, way_use(&site, site.a), way_uri(&site, site.a), i * CHUNK + 1,
                     CHUNKS * CHUNK, body, tid, i == CHUNKS - 1 ? '$' : '+');
        }
        assert_true(site.sim.conns[site.a].is_paused);
        assert_true(relay_counts(site.sim.relay)->slab_bytes <
                    conf->out_high + 4 * RELAY_SLAB_SIZE);
        sim_pass(&site.sim, 9000);
        assert_int_equal(site.sim.refusals, 0);
        if (is_up) {
            unsigned p = sim_dialled(&site.sim);
            snprintf(site.sim.conns[p].remote, sizeof site.sim.conns[p].remote, "%s", PEER_URI);
            for (unsigned i = 0; i < 400 && sim_answer_all(&site.sim, p, 200); i++)
                sim_pass(&site.sim, 250);
            assert_int_equal(site.sim.refusals, 0);
            assert_true(relay_counts(site.sim.relay)->relayed_chunks >= CHUNKS);
        } else {
            sim_pass(&site.sim, 1500);
            assert_int_equal(site.sim.last_refusal, RELAY_E_UNDELIVERED);
            assert_non_null(strstr(sim_heard(&site.sim, site.a), "408"));
        }
        assert_false(site.sim.conns[site.a].is_paused);
        assert_true(relay_is_quiet(site.sim.relay));
        way_done(&site);
    }
}

/* An AUTH may name a relay without a port; a SEND over the same path may not. row 10.63 */
static void test_port_of_send(void **state)
{
    struct way_site site;

    (void)state;
    link_start(&site);
    for (int after = 0; after < 2; after++) {
        sim_sayf(&site.sim, site.a,
                 "MSRP tidx SEND\r\nTo-Path: %s msrps://relay3.iops.example;tcp\r\n"
                 "From-Path: %s\r\nMessage-ID: mmmm\r\n-------tidx$\r\n",
                 way_use(&site, site.a), way_uri(&site, site.a));
        way_want_answer(&site, site.a, "tidx", 400);
        sim_sayf(&site.sim, site.a,
                 "MSRP tidy AUTH\r\nTo-Path: %s msrps://relay3.iops.example;tcp\r\n"
                 "From-Path: %s\r\n-------tidy$\r\n",
                 way_use(&site, site.a), way_uri(&site, site.a));
        assert_string_equal(sim_heard(&site.sim, site.a), "");
    }
    sim_pass(&site.sim, RELAY_PEER_WAIT_MS + 500);
    way_done(&site);
}

/* The last one has gone, and his message waits for a link: time goes on, it is dialled again. */
static void test_nobody_left(void **state)
{
    struct way_site site;

    (void)state;
    link_start(&site);
    link_send(&site, "tid1", "mmmm", "one");
    sim_closed(&site.sim, site.a);
    sim_closed(&site.sim, site.b);
    sim_undialled(&site.sim);
    assert_true(relay_next_ms(site.sim.relay) >= 0);
    sim_pass(&site.sim, 1500);
    assert_int_equal(site.sim.dials, 2);
    unsigned p = sim_dialled(&site.sim);
    assert_non_null(strstr(sim_heard(&site.sim, p), "one"));
    way_done(&site);
}

/* Each message has its own time to wait: a late one is not lost with an early one. */
static void test_late_comer(void **state)
{
    struct way_site site;

    (void)state;
    link_start(&site);
    link_send(&site, "tid1", "mmmm", "one");
    sim_pass(&site.sim, 9000);
    sim_clear_all(&site.sim);
    link_send(&site, "tid2", "nnnn", "two");
    way_want_answer(&site, site.a, "tid2", 200);
    sim_pass(&site.sim, 1500);
    way_want_report(&site, 408, "1-3/3");
    sim_pass(&site.sim, 7000);
    assert_string_equal(sim_heard(&site.sim, site.a), "");
    unsigned p = sim_dialled(&site.sim);
    link_want(&site, p, "nnnn", "two");
    way_done(&site);
}

/* A client behind a peer goes on with a message that was stopped: each chunk is refused, and the
 * link of the others is not closed for it (that of a client is: row 10.37). */
static void test_stopped_behind(void **state)
{
    struct way_site site;
    char tid[32];

    (void)state;
    link_start(&site);
    unsigned p = sim_open_peer(&site.sim, PEER);
    for (unsigned i = 0; i < 20; i++) {
        snprintf(tid, sizeof tid, "tid%u", i);
        sim_clear_all(&site.sim);
        sim_sayf(&site.sim, p,
                 "MSRP %s SEND\r\nTo-Path: %s %s\r\nFrom-Path: " PEER_URI " " FAR
                 "\r\nMessage-ID: mmmm\r\nByte-Range: %u-%u/*\r\nContent-Type: text/plain\r\n\r\n"
                 "hi\r\n-------%s+\r\n",
                 tid, way_use(&site, site.b), way_uri(&site, site.b), 2 * i + 1, 2 * i + 2, tid);
        assert_non_null(strstr(sim_heard(&site.sim, p), i ? " 413 " : " 200 "));
        if (!i) {
            assert_int_equal(sim_answer_all(&site.sim, site.b, 413), 1);
            way_keep_alive(&site, site.b, 31000);
        }
    }
    assert_false(site.sim.conns[p].is_closing);
    way_done(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_large_wait),     cmocka_unit_test(test_port_of_send),
        cmocka_unit_test(test_nobody_left),    cmocka_unit_test(test_late_comer),
        cmocka_unit_test(test_stopped_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
