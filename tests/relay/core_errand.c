/* core_errand.c - requests that are no SEND and go on: rfc4976#6.4.2; rows R12, R16. */
#include "tests/relay/way_kit.h"

/* The first part of a REPORT of the receiver that has a body, and the rest. */
static const char rest[] = "rest of it\r\n-------repx$\r\n";

static void begin_report(struct way_site *site)
{
    sim_sayf(&site->sim, site->b,
             "MSRP repx REPORT\r\nTo-Path: %s %s %s\r\nFrom-Path: %s\r\nMessage-ID: mmmm\r\n"
             "Byte-Range: 1-5/5\r\nStatus: 000 200 OK\r\nContent-Type: text/plain\r\n\r\nfirst ",
             way_use(site, site->b), way_use(site, site->a), way_uri(site, site->a),
             way_uri(site, site->b));
}

/* Its receiver goes while it is still coming in: nothing of it is looked at again. */
static void test_target_gone(void **state)
{
    (void)state;
    for (int expires = 0; expires < 2; expires++) {
        struct way_site site;

        way_start(&site, false);
        begin_report(&site);
        if (expires)
            relay_conn_end_session(relay_conn_find(site.sim.relay, site.a + 1),
                                   relay_conn_find(site.sim.relay, site.a + 1)->sessions);
        else
            sim_closed(&site.sim, site.a);
        sim_say(&site.sim, site.b, rest);
        assert_int_equal(relay_counts(site.sim.relay)->errands, 0);
        assert_int_equal(relay_counts(site.sim.relay)->errands_dropped, 1);
        assert_false(site.sim.conns[site.b].is_closing);
        way_done(&site);
    }
}

/* It is there: the REPORT goes on in one piece. */
static void test_whole(void **state)
{
    struct way_site site;

    (void)state;
    way_start(&site, false);
    begin_report(&site);
    assert_string_equal(sim_heard(&site.sim, site.a), "");
    sim_say(&site.sim, site.b, rest);
    assert_non_null(strstr(sim_heard(&site.sim, site.a), "\r\n\r\nfirst rest of it\r\n-------"));
    assert_int_equal(relay_counts(site.sim.relay)->errands, 1);
    way_done(&site);
}

/* A REPORT does not wait behind what waits for its receiver, nor is it lost for that: what waits
 * there is a reason to be told, not one to be silent. row R16 */
static void test_busy(void **state)
{
    enum { CHUNK = 16000 };
    static char body[CHUNK];
    struct way_site site;
    char tid[32], range[64];

    (void)state;
    way_start(&site, false);
    site.sim.conns[site.b].is_deaf = true;
    for (unsigned i = 0; i < 60 && !site.sim.conns[site.a].later_n; i++) {
        snprintf(tid, sizeof tid, "tid%u", i);
        snprintf(range, sizeof range, "%u-*/*", i / 2 * CHUNK + 1);
        way_send(&site, tid, i % 2 ? "mmmm" : "nnnn", range, "", body, CHUNK, '+');
    }
    struct relay_conn *to = relay_conn_find(site.sim.relay, site.b + 1);
    assert_true(to->lane->cost > site.sim.relay->conf.out_high);
    unsigned c = sim_user(&site.sim, SIM_CAROL);
    sim_sayf(&site.sim, c,
             "MSRP repx REPORT\r\nTo-Path: %s %s %s\r\nFrom-Path: %s\r\nMessage-ID: other\r\n"
             "Byte-Range: 1-5/5\r\nStatus: 000 413 Stop\r\n-------repx$\r\n",
             way_use(&site, c), way_use(&site, site.b), way_uri(&site, site.b), way_uri(&site, c));
    assert_int_equal(relay_counts(site.sim.relay)->errands, 1);
    assert_int_equal(relay_counts(site.sim.relay)->errands_dropped, 0);
    way_done(&site);
}

/* An AUTH for another relay whose end is wrong: 400, and the connection lives. row F11 */
static void test_broken_auth(void **state)
{
    struct way_site site;

    (void)state;
    way_start(&site, false);
    sim_sayf(&site.sim, site.a,
             "MSRP tidx AUTH\r\nTo-Path: %s %s %s\r\nFrom-Path: %s\r\n"
             "Authorization: Bearer abcdefgh\r\n-------tidx+\r\n",
             way_use(&site, site.a), way_use(&site, site.b), way_uri(&site, site.b),
             way_uri(&site, site.a));
    assert_non_null(strstr(sim_heard(&site.sim, site.a), "MSRP tidx 400 Bad Request\r\nTo-Path: "));
    assert_false(site.sim.conns[site.a].is_closing);
    assert_string_equal(sim_heard(&site.sim, site.b), "");
    way_done(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_target_gone),
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_busy),
        cmocka_unit_test(test_broken_auth),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
