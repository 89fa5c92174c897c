/* core_link.c - links to peer relays: dialled, accepted, lost, over quota; AUTH through us; rows
 * R1, R11-R13, R17, A11, 10.16-10.18, threats T10, T11, T19. */
#include "tests/relay/link_kit.h"

/* The peer answers the first frame it has heard. */
static void answer_far(struct way_site *site, unsigned p, int code)
{
    char tid[64];

    way_tid(site, p, tid);
    sim_sayf(&site->sim, p,
             "MSRP %s %d x\r\nTo-Path: %s\r\nFrom-Path: " PEER_URI "\r\n-------%s$\r\n", tid, code,
             way_use(site, site->a), tid);
}

/* A link is made when something goes there, and used again. row R11 */
static void test_dial(void **state)
{
    struct way_site site;

    (void)state;
    link_start(&site);
    assert_int_equal(site.sim.dials, 0);
    link_send(&site, "tid1", "mmmm", "one");
    way_want_answer(&site, site.a, "tid1", 200);
    link_send(&site, "tid2", "nnnn", "two");
    assert_int_equal(site.sim.dials, 1);
    unsigned p = sim_dialled(&site.sim);
    assert_non_null(strstr(sim_heard(&site.sim, p), "one"));
    assert_non_null(strstr(sim_heard(&site.sim, p), "two"));
    sim_clear_all(&site.sim);
    link_send(&site, "tid3", "oooo", "three");
    link_want(&site, p, "oooo", "three");
    assert_int_equal(site.sim.dials, 1);
    /* a link without a request of theirs is no stranger: it stays */
    way_keep_alive(&site, site.a, 200000);
    assert_false(site.sim.conns[p].is_closing);
    way_done(&site);
    row_passed("R11");
}

/* Nobody answers the dial: 408 after the time for it; dialled again with growing waits. */
static void test_unreachable(void **state)
{
    struct way_site site;

    (void)state;
    link_start(&site);
    link_send(&site, "tid1", "mmmm", "one");
    way_want_answer(&site, site.a, "tid1", 200);
    for (unsigned i = 1; i < 4; i++) {
        assert_int_equal(site.sim.dials, i);
        sim_undialled(&site.sim);
        sim_pass(&site.sim, i == 1 ? 1500 : i == 2 ? 2750 : 3000);
    }
    assert_string_equal(sim_heard(&site.sim, site.a), "");
    sim_pass(&site.sim, 4000);
    way_want_report(&site, 408, "1-3/3");
    assert_int_equal(site.sim.last_refusal, RELAY_E_UNDELIVERED);
    way_done(&site);
}

/* The link breaks with something in flight and something staged: each is told once. */
static void test_broken(void **state)
{
    struct way_site site;

    (void)state;
    link_start(&site);
    link_send(&site, "tid0", "llll", "nil");
    unsigned p = sim_dialled(&site.sim);
    answer_far(&site, p, 200);
    link_send(&site, "tid1", "mmmm", "one");
    sim_clear_all(&site.sim);
    sim_closed(&site.sim, p);
    way_want_report(&site, 408, "1-3/3");
    link_send(&site, "tid2", "nnnn", "two"); /* a new one is made */
    assert_int_equal(site.sim.dials, 2);
    p = sim_dialled(&site.sim);
    link_want(&site, p, "nnnn", "two");
    way_done(&site);
}

/* A peer that accepts and hangs up at once is one that cannot be reached: the waits grow. One that
 * has answered 2xx, or asked for something, or stayed for a minute, is dialled again at once. */
static void test_flapping(void **state)
{
    static const int64_t waits_ms[] = {1000, 2000, 4000};
    struct way_site site;
    unsigned p, dials;

    (void)state;
    link_start(&site);
    link_send(&site, "tidx", "mmmm", "one");
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(site.sim.dials, i + 1);
        p = sim_dialled(&site.sim);
        assert_non_null(strstr(sim_heard(&site.sim, p), "one"));
        if (i == 1)
            answer_far(&site, p, 413); /* that proves nothing */
        sim_closed(&site.sim, p);
        link_send(&site, "tidx", "mmmm", "one");
        int64_t ms = 0;
        for (; site.sim.dials == i + 1 && ms < 20000; ms += 250)
            sim_pass(&site.sim, 250);
        assert_in_range(ms, waits_ms[i], waits_ms[i] * 5 / 4 + 500);
    }
    for (int proof = 0; proof < 3; proof++) {
        p = sim_dialled(&site.sim);
        if (proof == 0)
            answer_far(&site, p, 200);
        else if (proof == 1)
            sim_sayf(&site.sim, p,
                     "MSRP tidx SEND\r\nTo-Path: %s %s\r\nFrom-Path: " PEER_URI " " FAR "\r\n"
                     "Message-ID: mmmm\r\nContent-Type: text/plain\r\n\r\nhi\r\n-------tidx$\r\n",
                     way_use(&site, site.b), way_uri(&site, site.b));
        else
            way_keep_alive(&site, site.a, 60000);
        sim_closed(&site.sim, p);
        dials = site.sim.dials;
        link_send(&site, "tidx", "mmmm", "one");
        assert_int_equal(site.sim.dials, dials + 1);
    }
    sim_dialled(&site.sim);
    way_done(&site);
}

/* A dialled peer is no stranger; where it cannot be taken in, the dial has failed, and there will
 * be another. */
static void test_full_house(void **state)
{
    struct way_site site;

    (void)state;
    link_start(&site);
    site.sim.relay->conf.conns_max = 2; /* both are there: no strangers at all */
    link_send(&site, "tid1", "mmmm", "one");
    unsigned p = sim_dialled(&site.sim);
    assert_true(site.sim.conns[p].is_closing);
    assert_int_equal(site.sim.last_refusal, RELAY_E_CONNS_TOTAL);
    site.sim.relay->conf.conns_max = 4;
    unsigned c = sim_open(&site.sim, true); /* the one stranger that may be there */
    assert_false(site.sim.conns[c].is_closing);
    sim_pass(&site.sim, 1500);
    assert_int_equal(site.sim.dials, 2);
    p = sim_dialled(&site.sim);
    assert_false(site.sim.conns[p].is_closing);
    link_want(&site, p, "mmmm", "one");
    way_done(&site);
}

/* From a peer to a client of ours. rows R2, R17, 10.18 */
static void test_accepted(void **state)
{
    struct way_site site;
    char want[2048], tid[64];
    static const char *const from[] = {PEER_URI " " FAR, "msrps://evil.example:2855/x7;tcp " FAR};

    (void)state;
    for (int i = 0; i < 2; i++) {
        link_start(&site);
        unsigned p = sim_open_peer(&site.sim, PEER);
        sim_sayf(&site.sim, p,
                 "MSRP tidx SEND\r\nTo-Path: %s %s\r\nFrom-Path: %s\r\nMessage-ID: mmmm\r\n"
                 "Byte-Range: 1-2/2\r\nContent-Type: text/plain\r\n\r\nhi\r\n-------tidx$\r\n",
                 way_use(&site, site.b), way_uri(&site, site.b), from[i]);
        const char *first = i ? "msrps://evil.example:2855/x7;tcp" : PEER_URI;
        snprintf(want, sizeof want,
                 "MSRP tidx %s\r\nTo-Path: %s\r\nFrom-Path: %s\r\n-------tidx$\r\n",
                 i ? "403 Forbidden" : "200 OK", first, way_use(&site, site.b));
        assert_string_equal(sim_heard(&site.sim, p), want);
        if (!i) {
            way_tid(&site, site.b, tid);
            snprintf(want, sizeof want,
                     "MSRP %s SEND\r\nTo-Path: %s\r\nFrom-Path: %s " PEER_URI " " FAR "\r\n"
                     "Message-ID: mmmm\r\nByte-Range: 1-2/2\r\nContent-Type: text/plain\r\n\r\n"
                     "hi\r\n-------%s$\r\n",
                     tid, way_uri(&site, site.b), way_use(&site, site.b), tid);
            assert_string_equal(sim_heard(&site.sim, site.b), want);
            /* and what fails is told over the link, to the whole path */
            sim_clear_all(&site.sim);
            sim_closed(&site.sim, site.b);
            way_tid(&site, p, tid);
            snprintf(want, sizeof want,
                     "MSRP %s REPORT\r\nTo-Path: " PEER_URI " " FAR "\r\nFrom-Path: %s\r\n"
                     "Message-ID: mmmm\r\nByte-Range: 1-2/2\r\nStatus: 000 408 Timeout\r\n"
                     "-------%s$\r\n",
                     tid, way_use(&site, site.b), tid);
            assert_string_equal(sim_heard(&site.sim, p), want);
        } else {
            assert_string_equal(sim_heard(&site.sim, site.b), "");
            assert_int_equal(site.sim.last_refusal, RELAY_E_IDENT);
        }
        way_done(&site);
    }
    row_passed("R17");
}

/* Where a path may not go: each is discarded, told with a REPORT, and nothing is dialled. */
static void test_barred(void **state)
{
    static const struct {
        const char *to; /* behind the Use-Path; %B: Use-Path of b, %b: its own URI */
        int status;
    } rows[] = {
        {"msrps://evil.example:2855/x;tcp", 403},
        {"msrps://" PEER ":2856/x;tcp", 403},
        {"msrps://192.0.2.1:2855/x;tcp", 403},
        {"msrps://127.0.0.1:2899/x;tcp", 403}, /* that peer speaks msrp: */
        {"msrps://127.0.0.1:9855/x;tcp", 403},
        {"msrps://[::1]:2855/x;tcp", 403},
        {"msrps://[::ffff:127.0.0.1]:22/x;tcp", 403},
        {"msrps://0.0.0.0:2855/x;tcp", 403},
        {"%B " FAR, 403}, /* not where b is */
        {"%B", 403},
        {"%b", 403}, /* past its Use-Path */
        {"msrps://" SIM_NAME ":2855/aaaaaaaaaaaaaaaaaaaaaaaaaa;tcp " FAR, 481},
        {"msrps://" SIM_NAME ":2855/short;tcp " FAR, 481},
        {"msrps://" SIM_NAME ":2855;tcp " FAR, 481},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct way_site site;
        char to[1024];
        size_t n = 0;

        link_start(&site);
        for (const char *p = rows[i].to; *p; p++) {
            if (*p == '%')
                n +=
                    (size_t)snprintf(to + n, sizeof to - n, "%s",
                                     *++p == 'B' ? way_use(&site, site.b) : way_uri(&site, site.b));
            else
                to[n++] = *p;
        }
        to[n] = '\0';
        sim_sayf(&site.sim, site.a,
                 "MSRP tidx SEND\r\nTo-Path: %s %s\r\nFrom-Path: %s\r\nMessage-ID: mmmm\r\n"
                 "Byte-Range: 1-2/2\r\nContent-Type: text/plain\r\n\r\nhi\r\n-------tidx$\r\n",
                 way_use(&site, site.a), to, way_uri(&site, site.a));
        way_want_report(&site, rows[i].status, "1-2/2");
        assert_string_equal(sim_heard(&site.sim, site.b), "");
        assert_int_equal(site.sim.dials, 0);
        way_done(&site);
    }
    row_passed("R3");
}

/* rows A11, R13: an AUTH goes on from a session, its answer comes back by the transaction */
static void test_auth_through(void **state)
{
    struct way_site site;
    char want[4096], tid[64];

    (void)state;
    link_start(&site);
    sim_sayf(&site.sim, site.a,
             "MSRP tidx AUTH\r\nTo-Path: %s msrps://" PEER ":2855;tcp\r\nFrom-Path: %s\r\n"
             "Authorization: Bearer abc\r\n-------tidx$\r\n",
             way_use(&site, site.a), way_uri(&site, site.a));
    assert_string_equal(sim_heard(&site.sim, site.a), "");
    unsigned p = sim_dialled(&site.sim);
    way_tid(&site, p, tid);
    snprintf(want, sizeof want,
             "MSRP %s AUTH\r\nTo-Path: msrps://" PEER ":2855;tcp\r\nFrom-Path: %s %s\r\n"
             "Authorization: Bearer abc\r\n-------%s$\r\n",
             tid, way_use(&site, site.a), way_uri(&site, site.a), tid);
    assert_string_equal(sim_heard(&site.sim, p), want);
    sim_sayf(&site.sim, p,
             "MSRP %s 200 OK\r\nTo-Path: %s %s\r\nFrom-Path: msrps://" PEER ":2855;tcp\r\n"
             "Use-Path: %s " PEER_URI "\r\nExpires: 900\r\n-------%s$\r\n",
             tid, way_use(&site, site.a), way_uri(&site, site.a), way_use(&site, site.a), tid);
    snprintf(want, sizeof want,
             "MSRP tidx 200 OK\r\nTo-Path: %s\r\nFrom-Path: %s msrps://" PEER ":2855;tcp\r\n"
             "Use-Path: %s " PEER_URI "\r\nExpires: 900\r\n-------tidx$\r\n",
             way_uri(&site, site.a), way_use(&site, site.a), way_use(&site, site.a));
    assert_string_equal(sim_heard(&site.sim, site.a), want);
    /* the transaction is over: the same answer again goes nowhere */
    sim_clear_all(&site.sim);
    sim_sayf(&site.sim, p,
             "MSRP %s 200 OK\r\nTo-Path: %s %s\r\nFrom-Path: msrps://" PEER ":2855;tcp\r\n"
             "-------%s$\r\n",
             tid, way_use(&site, site.a), way_uri(&site, site.a), tid);
    assert_string_equal(sim_heard(&site.sim, site.a), "");
    way_done(&site);
    row_passed("R13");
}

/* row R13: an answer whose To-Path ends with us is for nobody else */
static void test_answer_ends_here(void **state)
{
    struct way_site site;
    char tid[64];

    (void)state;
    link_start(&site);
    sim_sayf(&site.sim, site.a,
             "MSRP tidx AUTH\r\nTo-Path: %s msrps://" PEER ":2855;tcp\r\nFrom-Path: %s\r\n"
             "-------tidx$\r\n",
             way_use(&site, site.a), way_uri(&site, site.a));
    unsigned p = sim_dialled(&site.sim);
    way_tid(&site, p, tid);
    sim_sayf(&site.sim, p,
             "MSRP %s 401 x\r\nTo-Path: %s\r\nFrom-Path: msrps://" PEER ":2855;tcp\r\n"
             "-------%s$\r\n",
             tid, way_use(&site, site.a), tid);
    assert_string_equal(sim_heard(&site.sim, site.a), "");
    assert_int_equal(relay_counts(site.sim.relay)->errands_dropped, 1);
    way_done(&site);
}

/* An AUTH names its relay without a port: the configuration knows it. rfc4976#8 */
static void test_auth_port(void **state)
{
    struct way_site site;

    (void)state;
    link_start(&site);
    sim_sayf(&site.sim, site.a,
             "MSRP tidx AUTH\r\nTo-Path: %s msrps://relay3.iops.example;tcp\r\nFrom-Path: %s\r\n"
             "-------tidx$\r\n",
             way_use(&site, site.a), way_uri(&site, site.a));
    assert_int_equal(site.sim.dialled, 3);
    unsigned p = sim_dialled(&site.sim);
    assert_non_null(
        strstr(sim_heard(&site.sim, p), "To-Path: msrps://relay3.iops.example;tcp\r\n"));
    way_done(&site);
}

/* row R12: the one who asked has gone */
static void test_auth_orphan(void **state)
{
    struct way_site site;
    char tid[64], use[600];

    (void)state;
    link_start(&site);
    snprintf(use, sizeof use, "%s", way_use(&site, site.a));
    sim_sayf(&site.sim, site.a,
             "MSRP tidx AUTH\r\nTo-Path: %s msrps://" PEER ":2855;tcp\r\nFrom-Path: %s\r\n"
             "-------tidx$\r\n",
             use, way_uri(&site, site.a));
    unsigned p = sim_dialled(&site.sim);
    way_tid(&site, p, tid);
    sim_closed(&site.sim, site.a);
    sim_sayf(&site.sim, p,
             "MSRP %s 401 x\r\nTo-Path: %s %s\r\nFrom-Path: msrps://" PEER ":2855;tcp\r\n"
             "-------%s$\r\n",
             tid, use, way_uri(&site, site.a), tid);
    assert_int_equal(relay_counts(site.sim.relay)->errands_dropped, 1);
    assert_false(site.sim.conns[p].is_closing);
    way_done(&site);
    row_passed("R12");
}

/* A peer without TLS is known by its loopback address and its first From-Path URI. */
static void test_plain_peer(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct way_site site;
        char use[600] = "msrp", want[1024];

        link_start(&site);
        struct relay_in in = {.n = 0};
        in.open.source = "127.0.0.1";
        in.open.loopback = i == 0;
        unsigned p = sim_open_as(&site.sim, in);
        snprintf(use + 4, sizeof use - 4, "%s", way_use(&site, site.b) + 5);
        sim_sayf(&site.sim, p,
                 "MSRP tidx SEND\r\nTo-Path: %s %s\r\nFrom-Path: msrp://127.0.0.1:2899/k;tcp " FAR
                 "\r\nMessage-ID: mmmm\r\nByte-Range: 1-2/2\r\nContent-Type: text/plain\r\n\r\n"
                 "hi\r\n-------tidx$\r\n",
                 use, way_uri(&site, site.b));
        if (i == 0) {
            snprintf(want, sizeof want,
                     "MSRP tidx 200 OK\r\nTo-Path: msrp://127.0.0.1:2899/k;tcp\r\nFrom-Path: %s\r\n"
                     "-------tidx$\r\n",
                     use);
            assert_string_equal(sim_heard(&site.sim, p), want);
            assert_non_null(strstr(sim_heard(&site.sim, site.b), "hi"));
        } else {
            assert_string_equal(sim_heard(&site.sim, site.b), "");
        }
        way_done(&site);
    }
}

/* A peer over its quota: 413 for what begins, what runs goes on. */
static void test_quota(void **state)
{
    struct way_site site;
    unsigned taken = 0;

    (void)state;
    peers[0].messages_per_s = 2;
    peers[0].messages_burst = 5;
    link_start(&site);
    unsigned p = sim_open_peer(&site.sim, PEER);
    for (int i = 0; i < 8; i++) {
        sim_clear(&site.sim, p);
        sim_sayf(&site.sim, p,
                 "MSRP tidx%d SEND\r\nTo-Path: %s %s\r\nFrom-Path: " PEER_URI " " FAR
                 "\r\nMessage-ID: mmm%d\r\nByte-Range: 1-2/2\r\nContent-Type: text/plain\r\n\r\n"
                 "hi\r\n-------tidx%d$\r\n",
                 i, way_use(&site, site.b), way_uri(&site, site.b), i, i);
        taken += strstr(sim_heard(&site.sim, p), " 200 OK") != NULL;
        if (!strstr(sim_heard(&site.sim, p), " 200 OK"))
            assert_non_null(strstr(sim_heard(&site.sim, p), " 413 "));
    }
    assert_int_equal(taken, 5);
    assert_int_equal(site.sim.last_refusal, RELAY_E_PEER_RATE);
    peers[0].messages_per_s = peers[0].messages_burst = 0;
    way_done(&site);
}

/* A session ends while its message waits for a link: the message is lost, and counted as such. */
static void test_ends_while_waiting(void **state)
{
    struct way_site site;
    struct relay_policy *policy = relay_policy_new();
    struct relay_in in = {.kind = RELAY_IN_POLICY, .policy = policy};
    struct relay_user *alice = relay_policy_add_user(policy, SIM_ALICE);

    (void)state;
    alice->revoked = true;
    assert_int_equal(relay_policy_seal(policy), 0);
    link_start(&site);
    link_send(&site, "tid1", "mmmm", "one");
    way_want_answer(&site, site.a, "tid1", 200);
    assert_false(relay_is_quiet(site.sim.relay));
    assert_int_equal(site.sim.refusals, 0);
    sim_feed(&site.sim, &in);
    sim_pump(&site.sim);
    assert_int_equal(site.sim.refusals, 1);
    assert_int_equal(site.sim.last_refusal, RELAY_E_SESSION_EXPIRED);
    assert_string_equal(sim_heard(&site.sim, site.a), ""); /* no REPORT on a dead session */
    assert_true(relay_is_quiet(site.sim.relay));
    relay_policy_unref(policy);
    way_done(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dial),
        cmocka_unit_test(test_unreachable),
        cmocka_unit_test(test_broken),
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_barred),
        cmocka_unit_test(test_auth_through),
        cmocka_unit_test(test_auth_port),
        cmocka_unit_test(test_auth_orphan),
        cmocka_unit_test(test_plain_peer),
        cmocka_unit_test(test_quota),
        cmocka_unit_test(test_flapping),
        cmocka_unit_test(test_full_house),
        cmocka_unit_test(test_ends_while_waiting),
        cmocka_unit_test(test_answer_ends_here),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
