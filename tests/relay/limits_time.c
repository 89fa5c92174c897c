/* limits_time.c - the limits of times and rates: just before, and when they are reached, with the
 * answer and the counter. limits.c has those of sizes and numbers.
 *
 *   limit                           tested by (file:function; here where none is named)
 *   TLS handshake                   loop_loop.c:a_slow_handshake_is_closed
 *   first request, header           deadlines; each head anew: core_deadline.c:test_heads
 *   write stall                     deadlines
 *   keep-alive and its answer       deadlines
 *   idle open message               deadlines; of the path: core_way_rows.c:test_idle
 *   transaction                     transaction; paused: core_hop.c:test_paused
 *   minimum rates of body, output   rates; core_deadline.c:test_write_stall
 *   pause of a sender               core_flow.c:pauses_add_up, core_way_flow.c:test_lost
 *   wait for a link to a peer       core_link.c:test_unreachable
 *   messages of a user              buckets
 *   messages of a peer              buckets
 *   deliveries of a user            buckets
 *   AUTHs of a user                 buckets
 *   failed AUTHs of a source        buckets; the window: answers_auth.c:test_fails_fade
 *   failed digests of a user        auth_digest.c:waiting
 *   CSK uploads                     core_upload.c:replay, :too_many
 *   KeyUpdates, empty records ...   tls_flood.c:a_flood_of_... */
#include "tests/relay/limits_kit.h"

#include "relay/core/conn.h"

#define PEER     "relay2.iops.example"
#define PEER_URI "msrps://" PEER ":2855/x7;tcp"

static void defaults(struct relay_conf *conf)
{
    (void)conf;
}

/* --- deadlines -------------------------------------------------------------------------------- */

static void say_head(struct way_site *site, unsigned c)
{
    sim_say(&site->sim, c, "MSRP tidx SEND\r\nTo-");
}

static void take_nothing(struct way_site *site, unsigned c)
{
    site->sim.conns[c].is_deaf = true;
    sim_sayf(&site->sim, c,
             "MSRP tidx SEND\r\nTo-Path: %s\r\nFrom-Path: %s\r\nMessage-ID: mmmm\r\n"
             "-------tidx$\r\n",
             way_use(site, c), way_uri(site, c));
}

static void answer_nothing(struct way_site *site, unsigned c)
{
    sim_pass(&site->sim, 59999);
    assert_string_equal(sim_heard(&site->sim, c), "");
    sim_pass(&site->sim, 1);
    assert_non_null(strstr(sim_heard(&site->sim, c), " SEND\r\n"));
}

static void deadlines(void **state)
{
    static const struct {
        const char *name;
        void (*begin)(struct way_site *site, unsigned c);
        int64_t ms;
        int err;
        bool is_stranger;
    } rows[] = {
        {"first request", NULL, 30000, RELAY_E_PROBATION, true},
        {"header", say_head, 10000, RELAY_E_HEAD_SLOW, false},
        {"write stall", take_nothing, 30000, RELAY_E_WRITE_STALL, false},
        {"keep-alive", answer_nothing, 30000, RELAY_E_IDLE, false},
        {"keep-alive without a session", NULL, 90000, RELAY_E_IDLE, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct way_site site;

        limit_start(&site, defaults);
        sim_closed(&site.sim, site.b);
        unsigned c = site.a;
        if (rows[i].is_stranger)
            c = sim_open(&site.sim, true);
        else if (!rows[i].begin)
            relay_conn_find(site.sim.relay, c + 1)->sessions->dead_s = 0;
        limit_mark(&site.sim);
        if (rows[i].begin)
            rows[i].begin(&site, c);
        sim_clear(&site.sim, c);
        sim_pass(&site.sim, rows[i].ms - 1);
        if (site.sim.conns[c].is_closing)
            fail_msg("%s: too early", rows[i].name);
        limit_refused(&site.sim, 0);
        sim_pass(&site.sim, 501); /* two ticks: the one that sees, and the one that ends it */
        if (!site.sim.conns[c].is_closing)
            fail_msg("%s: too late", rows[i].name);
        limit_refused(&site.sim, rows[i].err);
        assert_string_equal(sim_heard(&site.sim, c), "");
        way_done(&site);
    }
}

/* A message of the service that nobody goes on with: its next chunk is told. */
static void idle_message(void **state)
{
    struct kit_sds sds = kit_sds(SIM_BOB, "open");
    struct kit_text body = kit_body(&sds);

    (void)state;
    EACH_SIDE(side)
    {
        struct way_site site;

        limit_start(&site, defaults);
        kit_chunk(&site.sim, site.a, "mid1", "", NULL, &body, 0, 10, '+');
        way_keep_alive(&site, site.a, 60000 + side * 500);
        limit_mark(&site.sim);
        const char *t = kit_chunk(&site.sim, site.a, "mid1", "", NULL, &body, 10, 10, '+');
        int code = kit_code(&site.sim, site.a, t);
        if (side)
            assert_int_equal(code, side > 0 ? 413 : 200);
        if (side)
            limit_refused(&site.sim, side > 0 ? RELAY_E_STALE : 0);
        way_done(&site);
    }
    free(body.p);
}

/* 30 s from the last octet: then silence is a failure, told once. */
static void transaction(void **state)
{
    struct way_site site;

    (void)state;
    limit_start(&site, defaults);
    way_send(&site, "tidx", "mmmm", "1-5/5", "", "hello", 5, '$');
    way_want_answer(&site, site.a, "tidx", 200);
    sim_pass(&site.sim, 29999);
    limit_refused(&site.sim, 0);
    assert_string_equal(sim_heard(&site.sim, site.a), "");
    sim_pass(&site.sim, 501);
    limit_refused(&site.sim, RELAY_E_UNDELIVERED);
    way_want_report(&site, 408, "1-5/5");
    way_done(&site);
}

/* --- minimum rates ---------------------------------------------------------------------------- */

/* 128 octets a second over 30 seconds are 3,840. */
static void rates(void **state)
{
    static char octets[4000];
    struct way_site site;

    (void)state;
    memset(octets, 'x', sizeof octets);
    EACH_SIDE(side)
    {
        limit_start(&site, defaults);
        sim_sayf(&site.sim, site.a,
                 "MSRP tidx SEND\r\nTo-Path: %s %s\r\nFrom-Path: %s\r\nMessage-ID: mmmm\r\n"
                 "Content-Type: text/plain\r\n\r\n",
                 way_use(&site, site.a), SIM_SERVICE, way_uri(&site, site.a));
        sim_pass(&site.sim, 250); /* the window begins */
        sim_say_n(&site.sim, site.a, octets, (size_t)(3840 + side));
        sim_pass(&site.sim, 29750);
        assert_false(site.sim.conns[site.a].is_closing);
        sim_pass(&site.sim, 500);
        assert_int_equal(site.sim.conns[site.a].is_closing, side < 0);
        limit_refused(&site.sim, side < 0 ? RELAY_E_BODY_SLOW : 0);
        way_done(&site);
    }
    EACH_SIDE(side)
    {
        limit_start(&site, defaults);
        site.sim.conns[site.a].is_deaf = true;
        for (unsigned i = 0; i < 100; i++)
            sim_sayf(&site.sim, site.a,
                     "MSRP ping%u SEND\r\nTo-Path: %s\r\nFrom-Path: %s\r\nMessage-ID: mmmm\r\n"
                     "-------ping%u$\r\n",
                     i, way_use(&site, site.a), way_uri(&site, site.a), i);
        sim_pass(&site.sim, 250);
        site.sim.conns[site.a].is_deaf = false;
        size_t left = (size_t)(3840 + side);
        while (left) { /* as it comes, in runs */
            site.sim.conns[site.a].sip = left > 1 ? left - 1 : 1;
            size_t before = site.sim.conns[site.a].heard_n;
            sim_hear(&site.sim, site.a);
            left -= site.sim.conns[site.a].heard_n - before;
        }
        site.sim.conns[site.a].is_deaf = true;
        sim_pass(&site.sim, 15000);
        site.sim.conns[site.a].is_deaf = false;
        site.sim.conns[site.a].sip = 1; /* so that it does not stall; counted too */
        relay_conn_find(site.sim.relay, site.a + 1)->out_since_bytes++;
        sim_hear(&site.sim, site.a);
        site.sim.conns[site.a].is_deaf = true;
        sim_pass(&site.sim, 14500);
        assert_false(site.sim.conns[site.a].is_closing);
        sim_pass(&site.sim, 750);
        assert_int_equal(site.sim.conns[site.a].is_closing, side < 0);
        limit_refused(&site.sim, side < 0 ? RELAY_E_WRITE_SLOW : 0);
        way_done(&site);
    }
}

/* --- token buckets ---------------------------------------------------------------------------- */

static int try_path(struct way_site *site, unsigned i)
{
    char id[16];

    snprintf(id, sizeof id, "mess%u", i);
    way_send(site, "tidx", id, "1-5/5", "", "hello", 5, '$');
    return limit_code(&site->sim, site->a, "tidx");
}

static int try_sds(struct way_site *site, unsigned i)
{
    struct kit_sds sds = kit_sds(SIM_BOB, "hello");
    char id[16];

    snprintf(id, sizeof id, "mess%u", i);
    sds.message = (uint8_t)i;
    int code = kit_send(&site->sim, site->a, &sds, id);
    sim_clear(&site->sim, site->a);
    return code;
}

static int try_auth(struct way_site *site, unsigned i)
{
    (void)i;
    return sim_login(&site->sim, site->a, SIM_ALICE) ? 200 : 403;
}

static int try_peer(struct way_site *site, unsigned i)
{
    static unsigned p;

    if (i == 1)
        p = sim_open_peer(&site->sim, PEER);
    sim_sayf(&site->sim, p,
             "MSRP tidx SEND\r\nTo-Path: %s %s\r\nFrom-Path: " PEER_URI
             " msrps://far.invalid:7/f1;tcp\r\nMessage-ID: mess%u\r\nByte-Range: 1-2/2\r\n"
             "Content-Type: text/plain\r\n\r\nhi\r\n-------tidx$\r\n",
             way_use(site, site->b), way_uri(site, site->b), i);
    return limit_code(&site->sim, p, "tidx");
}

static int try_bad_auth(struct way_site *site, unsigned i)
{
    unsigned c = sim_open_from(&site->sim, true, "192.0.2.1");

    (void)i;
    sim_say(&site->sim, c,
            "MSRP tidx AUTH\r\nTo-Path: " SIM_URI "\r\nFrom-Path: msrps://c.invalid:1/s;tcp\r\n"
            "Authorization: Bearer x\r\n-------tidx$\r\n");
    int code = limit_code(&site->sim, c, "tidx");
    assert_int_equal(site->sim.conns[c].is_closing, code == 0);
    return code;
}

static void three_deliveries(struct relay_conf *conf)
{
    conf->rate_deliveries_per_s = 50;
    conf->rate_deliveries_burst = 3;
}

static void three_of_a_peer(struct relay_conf *conf)
{
    static const struct relay_peer_conf peer = {
        .name = PEER, .port = 2855, .tls = true, .messages_per_s = 50, .messages_burst = 3};

    conf->peers = &peer;
    conf->peers_n = 1;
}

static void buckets(void **state)
{
    static const struct {
        void (*set)(struct relay_conf *conf);
        int (*try)(struct way_site *site, unsigned i);
        unsigned burst;
        int good, good_err, code, err;
        int64_t refill_ms; /* for one more; 0: not here */
    } rows[] = {
        {defaults, try_path, 200, 200, 0, 413, RELAY_E_RATE, 20},
        {defaults, try_sds, 200, 200, 0, 413, RELAY_E_RATE, 20},
        {defaults, try_auth, 200, 200, 0, 403, RELAY_E_AUTH_RATE, 20},
        {three_deliveries, try_sds, 3, 200, 0, 413, RELAY_E_FAN_OUT, 20},
        {three_of_a_peer, try_peer, 3, 200, 0, 413, RELAY_E_PEER_RATE, 20},
        {defaults, try_bad_auth, 4, 401, RELAY_E_JWS_FORM, 0, RELAY_E_AUTH_FAILS, 60000},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct way_site site;
        unsigned k;

        limit_start(&site, rows[i].set);
        for (k = 1; k <= rows[i].burst; k++) {
            assert_int_equal(rows[i].try(&site, k), rows[i].good);
            limit_refused(&site.sim, rows[i].good_err);
        }
        assert_int_equal(rows[i].try(&site, k++), rows[i].code);
        limit_refused(&site.sim, rows[i].err);
        site.sim.now.mono_ms += rows[i].refill_ms - 1;
        assert_int_equal(rows[i].try(&site, k++), rows[i].code);
        limit_refused(&site.sim, rows[i].err);
        site.sim.now.mono_ms += 1;
        assert_int_equal(rows[i].try(&site, k++), rows[i].good);
        limit_refused(&site.sim, rows[i].good_err);
        way_done(&site);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deadlines), cmocka_unit_test(idle_message), cmocka_unit_test(transaction),
        cmocka_unit_test(rates),     cmocka_unit_test(buckets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
