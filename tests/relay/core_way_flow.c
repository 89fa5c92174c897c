/* core_way_flow.c - back pressure of path relaying; large transfers among small messages; rows
 * C5-C7, threats T16, T17; reliability section 4 (slow receivers). */
#include "tests/relay/way_kit.h"

enum { CHUNK = 16000 };

/* The sender says chunk after chunk of one message until it is stopped. Returns octets said. */
static uint64_t pour(struct way_site *site, const char *id, uint64_t from, unsigned chunks)
{
    static char body[CHUNK];
    char tid[32], range[64];
    uint64_t said = from;

    for (unsigned i = 0; i < chunks && !site->sim.conns[site->a].later_n; i++) {
        snprintf(tid, sizeof tid, "t%llu", (unsigned long long)said + 100);
        snprintf(range, sizeof range, "%llu-*/*", (unsigned long long)said + 1);
        way_send(site, tid, id, range, "", body, CHUNK, '+');
        said += CHUNK;
    }
    return said;
}

static uint64_t held(const struct way_site *site)
{
    return relay_counts(site->sim.relay)->slab_bytes;
}

/* A receiver that takes nothing: the sender's connection is stopped near the high mark, goes on at
 * the low one, and nothing is lost. */
static void test_pause(void **state)
{
    struct way_site site;
    struct way_got got = {.body = NULL};

    (void)state;
    way_start(&site, false);
    const struct relay_conf *conf = &site.sim.relay->conf;
    site.sim.conns[site.b].is_deaf = true;
    uint64_t said = pour(&site, "mmmm", 0, 100);
    assert_true(said < 100 * CHUNK);
    assert_true(site.sim.conns[site.a].is_paused);
    assert_true(held(&site) < conf->out_high + 4 * RELAY_SLAB_SIZE + RELAY_STAGE_MAX);
    sim_pass(&site.sim, 5000);
    assert_true(site.sim.conns[site.a].is_paused);
    /* it reads: everything comes, and the sender goes on */
    site.sim.conns[site.b].is_deaf = false;
    for (int i = 0; i < 40; i++) {
        sim_pass(&site.sim, 250);
        way_gather_more(&site, site.b, &got, 200);
    }
    assert_false(site.sim.conns[site.a].is_paused);
    said = pour(&site, "mmmm", said, 3);
    way_gather_more(&site, site.b, &got, 200);
    sim_pass(&site.sim, 250);
    way_gather_more(&site, site.b, &got, 200);
    assert_int_equal(got.n, said);
    assert_int_equal(site.sim.refusals, 0);
    way_got_done(&got);
    way_done(&site);
}

/* It never reads again: lost after conf.pause_max_ms, told once, and the sender goes on. */
static void test_lost(void **state)
{
    struct way_site site;

    (void)state;
    way_start(&site, false);
    site.sim.conns[site.b].is_deaf = true;
    pour(&site, "mmmm", 0, 100);
    sim_clear(&site.sim, site.a);
    sim_pass(&site.sim, 9500);
    assert_null(strstr(sim_heard(&site.sim, site.a), "413"));
    sim_pass(&site.sim, 1000);
    assert_false(site.sim.conns[site.a].is_paused);
    assert_int_equal(site.sim.last_refusal, RELAY_E_SLOW_RECEIVER);
    const char *first = strstr(sim_heard(&site.sim, site.a), " 413 ");
    assert_non_null(first);
    assert_null(strstr(sim_heard(&site.sim, site.a), "REPORT")); /* a chunk told it: once */
    sim_clear(&site.sim, site.a);
    way_send(&site, "tnext", "mmmm", "900000-*/*", "", "x", 1, '+');
    way_want_answer(&site, site.a, "tnext", 413);
    way_done(&site);
    row_passed("10.39");
}

/* A slow receiver that takes something now and then loses nothing, however long it takes. */
static void test_trickle(void **state)
{
    struct way_site site;
    struct way_got got = {.body = NULL};

    (void)state;
    way_start(&site, false);
    site.sim.conns[site.b].is_deaf = true;
    uint64_t said = pour(&site, "mmmm", 0, 100);
    for (int i = 0; i < 15; i++) { /* less than it takes to have a chunk to answer, and 30 s */
        sim_pass(&site.sim, 4000);
        sim_sayf(&site.sim, site.b, /* it is alive, and answers keep-alives */
                 "MSRP alive SEND\r\nTo-Path: %s\r\nFrom-Path: %s\r\nMessage-ID: keep\r\n"
                 "Failure-Report: no\r\n-------alive$\r\n",
                 way_use(&site, site.b), way_uri(&site, site.b));
        site.sim.conns[site.b].sip = 1500;
        site.sim.conns[site.b].is_deaf = false;
        (void)sim_hear(&site.sim, site.b);
        site.sim.conns[site.b].is_deaf = true;
    }
    assert_int_equal(site.sim.refusals, 0);
    site.sim.conns[site.b].sip = 0;
    site.sim.conns[site.b].is_deaf = false;
    for (int i = 0; i < 40; i++) {
        sim_pass(&site.sim, 250);
        way_gather_more(&site, site.b, &got, 200);
    }
    assert_true(got.n >= said);
    way_got_done(&got);
    way_done(&site);
}

/* With two messages under way the connection is not stopped at the high mark: their answers wait
 * instead. One that does not wait for them is stopped half way to the hard mark, so that a burst
 * loses nothing; after five seconds the message is lost, and the other goes on. */
static void test_shared(void **state)
{
    struct way_site site;
    char tid[32], range[64];
    static char body[CHUNK];

    (void)state;
    way_start(&site, false);
    const struct relay_conf *conf = &site.sim.relay->conf;
    unsigned c = sim_user(&site.sim, SIM_CAROL), b = site.b;
    site.sim.conns[b].is_deaf = true;
    site.b = c;
    way_send(&site, "open1", "other", "1-*/*", "", "abc", 3, '+');
    site.b = b;
    sim_clear_all(&site.sim);
    unsigned answers = 0;
    for (unsigned i = 0; i < 200 && !site.sim.conns[site.a].is_paused; i++) {
        snprintf(tid, sizeof tid, "tid%u", i);
        snprintf(range, sizeof range, "%u-*/*", i * CHUNK + 1);
        sim_clear(&site.sim, site.a);
        assert_true(held(&site) < conf->out_hard + 2 * RELAY_SLAB_SIZE);
        way_send(&site, tid, "mmmm", range, "", body, CHUNK, '+');
        answers += strstr(sim_heard(&site.sim, site.a), " 200 ") != NULL;
    }
    assert_true(site.sim.conns[site.a].is_paused);
    assert_true(held(&site) > (conf->out_high + conf->out_hard) / 2 - RELAY_SLAB_SIZE);
    assert_true(answers < 40); /* those beyond the high mark were held back */
    sim_pass(&site.sim, 4500);
    assert_int_equal(site.sim.refusals, 0);
    sim_pass(&site.sim, 1000);
    assert_int_equal(site.sim.last_refusal, RELAY_E_SLOW_RECEIVER);
    assert_false(site.sim.conns[site.a].is_paused);
    /* the other message goes on as if nothing had happened */
    sim_clear_all(&site.sim);
    site.b = c;
    way_send(&site, "open2", "other", "4-6/6", "", "def", 3, '$');
    assert_non_null(strstr(sim_heard(&site.sim, c), "def"));
    assert_non_null(strstr(sim_heard(&site.sim, site.a), "MSRP open2 200"));
    way_done(&site);
}

/* One chunk of any size and a second session beside it: nothing is lost when the receiver reads on.
 * rows C5, C6 */
static void test_burst(void **state)
{
    enum { N = 3 * 1024 * 1024 };
    static char body[N];
    struct way_site site;
    struct way_got got = {.body = NULL};
    char token[2048];

    (void)state;
    for (size_t i = 0; i < N; i++)
        body[i] = (char)(i * 7 + i / 251);
    way_start(&site, false);
    token[sim_token(&site.sim, SIM_ALICE, token, sizeof token)] = '\0';
    sim_sayf(&site.sim, site.a,
             "MSRP second AUTH\r\nTo-Path: " SIM_URI "\r\n"
             "From-Path: msrps://client.invalid:9/second;tcp\r\n"
             "Authorization: Bearer %s\r\n-------second$\r\n",
             token);
    assert_non_null(strstr(sim_heard(&site.sim, site.a), " 200 OK\r\n"));
    sim_clear_all(&site.sim);
    site.sim.conns[site.b].is_deaf = true;
    way_send(&site, "tidx", "mmmm", "1-*/*", "", body, N, '$');
    assert_int_equal(site.sim.refusals, 0);
    assert_true(site.sim.conns[site.a].is_paused);
    assert_true(held(&site) < site.sim.conf.out_hard + 2 * RELAY_SLAB_SIZE);
    sim_pass(&site.sim, 3000);
    site.sim.conns[site.b].is_deaf = false;
    for (int i = 0; i < 1000 && !got.is_complete; i++) {
        sim_pass(&site.sim, 10);
        way_gather_more(&site, site.b, &got, 200);
    }
    assert_true(got.is_complete);
    assert_int_equal(got.n, N);
    assert_memory_equal(got.body, body, N);
    assert_false(site.sim.conns[site.a].is_paused);
    way_want_answer(&site, site.a, "tidx", 200);
    way_got_done(&got);
    way_done(&site);
}

/* Answers that were held back come when their chunks have left; after 10 s in any case. */
static void test_held_answers(void **state)
{
    struct way_site site;
    static char body[CHUNK];
    char tid[32], range[64];

    (void)state;
    for (int reads = 0; reads < 2; reads++) {
        way_start(&site, false);
        unsigned b = site.b, c = sim_user(&site.sim, SIM_CAROL);
        site.b = c;
        way_send(&site, "open1", "other", "1-*/*", "", "abc", 3, '+');
        site.b = b;
        site.sim.conns[b].is_deaf = true;
        sim_clear_all(&site.sim);
        for (unsigned i = 0; i < 30; i++) {
            snprintf(tid, sizeof tid, "tid%u", i);
            snprintf(range, sizeof range, "%u-*/*", i * CHUNK + 1);
            way_send(&site, tid, "mmmm", range, "", body, CHUNK, '+');
        }
        assert_null(strstr(sim_heard(&site.sim, site.a), "tid29"));
        assert_true(relay_counts(site.sim.relay)->answers_held > 10);
        if (reads) {
            struct way_got got = {.body = NULL};
            site.sim.conns[b].is_deaf = false;
            for (int i = 0; i < 20; i++) {
                sim_pass(&site.sim, 250);
                way_gather_more(&site, b, &got, 200);
            }
            assert_non_null(strstr(sim_heard(&site.sim, site.a), "MSRP tid29 200"));
            assert_int_equal(got.n, 30 * CHUNK);
            way_got_done(&got);
        } else {
            sim_pass(&site.sim, 4500); /* the time of a shared sender is 5 s */
            assert_null(strstr(sim_heard(&site.sim, site.a), "tid29"));
            sim_pass(&site.sim, 1000);
            assert_non_null(strstr(sim_heard(&site.sim, site.a), "MSRP tid29 413"));
        }
        way_done(&site);
    }
}

/* A small message does not wait for a large one: of the same session, and of another. rows C6, C7
 */
static void test_overtake(void **state)
{
    struct way_site site;
    char tid[64];

    (void)state;
    way_start(&site, false);
    unsigned c = sim_user(&site.sim, SIM_CAROL), a = site.a;
    sim_clear_all(&site.sim);
    site.sim.conns[site.b].is_deaf = true;
    pour(&site, "bulk", 0, 12);
    way_send(&site, "small1", "sml1", "1-5/5", "", "hello", 5, '$');
    site.a = c;
    way_send(&site, "small2", "sml2", "1-5/5", "", "hello", 5, '$');
    site.a = a;
    /* what was staged already goes first: at most RELAY_STAGE_MAX and one chunk of each */
    site.sim.conns[site.b].is_deaf = false;
    sim_pass(&site.sim, 250);
    const char *heard = sim_heard(&site.sim, site.b);
    size_t n = site.sim.conns[site.b].heard_n;
    const char *one = memmem(heard, n, "Message-ID: sml1", 16);
    const char *two = memmem(heard, n, "Message-ID: sml2", 16);
    assert_non_null(one);
    assert_non_null(two);
    assert_true(one - heard < RELAY_STAGE_MAX + 3 * 17000);
    assert_true(two - heard < RELAY_STAGE_MAX + 4 * 17000);
    way_tid(&site, site.b, tid);
    way_done(&site);
    row_passed("C5");
    row_passed("C6");
    row_passed("C7");
}

/* REPORTs of a flooder do not fill the queue of one who does not read, and do not close it. */
static void test_report_flood(void **state)
{
    struct way_site site;

    (void)state;
    way_start(&site, false);
    site.sim.conns[site.b].is_deaf = true;
    for (unsigned i = 0; i < 3000; i++)
        sim_sayf(&site.sim, site.a,
                 "MSRP rep%u REPORT\r\nTo-Path: %s %s %s\r\nFrom-Path: %s\r\nMessage-ID: mmmm\r\n"
                 "Byte-Range: 1-5/5\r\nStatus: 000 200 OK\r\n-------rep%u$\r\n",
                 i, way_use(&site, site.a), way_use(&site, site.b), way_uri(&site, site.b),
                 way_uri(&site, site.a), i);
    assert_true(relay_counts(site.sim.relay)->errands_dropped > 0);
    assert_false(site.sim.conns[site.b].is_closing);
    assert_true(held(&site) < site.sim.relay->conf.out_high + 4 * RELAY_SLAB_SIZE);
    way_done(&site);
}

/* Answers the SENDs among what c has heard; the octets of their bodies. */
static uint64_t answer(struct way_site *site, unsigned c)
{
    struct msrp_reader reader;
    struct msrp_event ev;
    size_t n = site->sim.conns[c].heard_n, at = 0;
    char *text = sim_alloc(NULL, n + 1), tid[64] = "", from[600] = "";
    bool is_send = false;
    uint64_t octets = 0;
    ssize_t used;

    memcpy(text, site->sim.conns[c].heard, n);
    sim_clear(&site->sim, c);
    msrp_reader_init(&reader, NULL);
    while (at < n && (used = msrp_reader_next(&reader, text + at, n - at, &ev)) >= 0 &&
           ev.kind != MSRP_EV_MORE) {
        at += (size_t)used;
        if (ev.kind == MSRP_EV_HEAD) {
            is_send = !ev.head->is_response;
            snprintf(tid, sizeof tid, "%.*s", (int)ev.head->tid.n, ev.head->tid.p);
            snprintf(from, sizeof from, "%.*s", (int)ev.head->from.first.n, ev.head->from.first.p);
        } else if (ev.kind == MSRP_EV_BODY) {
            octets += ev.body.n;
        } else if (is_send) {
            sim_sayf(&site->sim, c, "MSRP %s 200\r\nTo-Path: %s\r\nFrom-Path: %s\r\n-------%s$\r\n",
                     tid, from, way_uri(site, c), tid);
        }
    }
    free(text);
    return octets;
}

static void swap(struct way_site *site)
{
    unsigned a = site->a;

    site->a = site->b;
    site->b = a;
}

/* Two clients send a large message to each other at once. Their answers stand in the stream behind
 * their own octets, which are not read while the other one owes answers: neither may wait for ever.
 * Chunks of a size each: few large ones, and so many small ones that the transactions run out. */
static void test_both_ways(void **state)
{
    static const unsigned sizes[] = {CHUNK, 2000};
    static char body[CHUNK];
    enum { ALL = 2 * 1024 * 1024 };

    (void)state;
    for (unsigned k = 0; k < 2; k++) {
        struct way_site site;
        char tid[32], range[64];
        uint64_t said = 0, got_a = 0, got_b = 0;
        unsigned n = sizes[k];

        way_start(&site, false);
        /* neither reads at first: so much is on its way in both directions before any answer */
        while (said + n <= ALL) {
            bool is_last = said + 2 * (uint64_t)n > ALL;
            snprintf(tid, sizeof tid, "t%llu", (unsigned long long)said + 100);
            snprintf(range, sizeof range, "%llu-*/*", (unsigned long long)said + 1);
            for (int back = 0; back < 2; back++) {
                way_send(&site, tid, "mmmm", range, "", body, n, is_last ? '$' : '+');
                swap(&site);
            }
            said += n;
        }
        for (int i = 0; i < 400 && (got_a < said || got_b < said); i++) {
            got_a += answer(&site, site.a);
            got_b += answer(&site, site.b);
            sim_pass(&site.sim, 250);
        }
        answer(&site, site.a);
        answer(&site, site.b);
        assert_int_equal(got_b, said);
        assert_int_equal(got_a, said);
        assert_int_equal(site.sim.refusals, 0);
        assert_true(relay_is_quiet(site.sim.relay));
        way_done(&site);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pause),     cmocka_unit_test(test_lost),
        cmocka_unit_test(test_trickle),   cmocka_unit_test(test_shared),
        cmocka_unit_test(test_burst),     cmocka_unit_test(test_held_answers),
        cmocka_unit_test(test_overtake),  cmocka_unit_test(test_report_flood),
        cmocka_unit_test(test_both_ways),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
