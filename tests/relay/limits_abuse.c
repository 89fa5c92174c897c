/* limits_abuse.c - who abuses path relaying: what it costs is bounded and counted, and others do
 * not feel it. Threats T16, T17, T25, T37. */
#include "tests/relay/limits_kit.h"

#include "relay/core/machine.h"

#define PEER     "relay2.iops.example"
#define PEER_URI "msrps://" PEER ":2855/x7;tcp"

static void defaults(struct relay_conf *conf)
{
    (void)conf;
}

static void no_rate(struct relay_conf *conf)
{
    conf->rate_messages_per_s = 0;
}

static struct relay_conn *conn_of(struct way_site *site, unsigned c)
{
    return relay_conn_find(site->sim.relay, c + 1);
}

static uint64_t held(struct way_site *site)
{
    return relay_counts(site->sim.relay)->slab_bytes;
}

/* The slabs that the messages in front of a connection keep alive, each once. */
static uint64_t kept_alive(const struct relay_lane *lane)
{
    static const struct relay_slab *seen[65536];
    uint64_t n = 0, octets = 0;

    for (const struct relay_way *way = lane->ways; way; way = way->next_to) {
        for (const struct way_chunk *chunk = way->chunks; chunk; chunk = chunk->next) {
            const struct way_run *run = chunk->runs;
            for (const struct relay_slab *slab = chunk->head_slab; slab;
                 slab = run ? run->slab : NULL, run = run ? run->next : NULL) {
                uint64_t i = 0;
                while (i < n && seen[i] != slab)
                    i++;
                if (i < n)
                    continue;
                assert_true(n < sizeof seen / sizeof *seen);
                seen[n++] = slab;
                octets += slab->cap;
            }
        }
    }
    return octets;
}

/* n octets that leave nothing behind. */
static void pad(struct way_site *site, unsigned c, size_t n)
{
    char ping[1024];
    int one = snprintf(ping, sizeof ping,
                       "MSRP alive SEND\r\nTo-Path: %s\r\nFrom-Path: %s\r\nMessage-ID: keep\r\n"
                       "Failure-Report: no\r\n-------alive$\r\n",
                       way_use(site, c), way_uri(site, c));

    for (; n > (size_t)one; n -= (size_t)one)
        sim_say_n(&site->sim, c, ping, (size_t)one);
}

/* One octet keeps 32 KiB alive, and so does a head: whatever comes between, and in whatever order
 * it goes, it is counted; no more of it waits than the hard mark. Threat T17 */
static void one_octet(void **state)
{
    static const char *const bodies[] = {"x", "", "xy"};
    struct way_site site;
    uint32_t seed = 1;
    unsigned refused = 0, taken = 0;
    char id[16];

    (void)state;
    limit_start(&site, no_rate);
    site.sim.relay->conf.hops_max = 4; /* b answers when the test says so */
    const struct relay_lane *lane = conn_of(&site, site.b)->lane;
    for (unsigned i = 0; i < 400; i++) {
        seed = seed * 1664525 + 1013904223;
        snprintf(id, sizeof id, "mess%u", i);
        pad(&site, site.a, (seed >> 8) % 40000);
        sim_clear(&site.sim, site.a);
        way_send(&site, "tidx", id, "1-*/*", "", bodies[i % 3], i % 3, '$');
        int code = limit_code(&site.sim, site.a, "tidx");
        assert_true(code == 200 || code == 413);
        refused += code == 413;
        taken += code == 200;
        assert_int_equal(lane->cost, kept_alive(lane));
        assert_true(lane->cost < site.sim.relay->conf.out_hard + 2 * RELAY_SLAB_SIZE);
        assert_true(held(&site) < lane->cost + RELAY_STAGE_MAX + 8 * RELAY_SLAB_SIZE);
        if (i > 300 && i % 2)
            (void)sim_answer_all(&site.sim, site.b, 200);
        if (i % 50 == 49)
            sim_pass(&site.sim, 250);
        assert_int_equal(lane->cost, kept_alive(lane));
    }
    assert_true(taken > 30);
    assert_true(refused > 100);
    while (sim_answer_all(&site.sim, site.b, 200))
        ;
    assert_int_equal(lane->cost, 0);
    assert_true(relay_is_quiet(site.sim.relay));
    way_done(&site);
}

/* The same with a first part that never comes: such a message is not sent on, cannot be waited for,
 * and ends. Threats T17, T25 */
static void never_a_part(void **state)
{
    struct way_site site;
    char id[16];

    (void)state;
    limit_start(&site, defaults);
    const struct relay_lane *lane = conn_of(&site, site.b)->lane;
    for (unsigned i = 0; i < 7; i++) { /* and the eighth may come and go */
        snprintf(id, sizeof id, "mess%u", i);
        pad(&site, site.a, 40000);
        sim_clear(&site.sim, site.a);
        sim_sayf(&site.sim, site.a,
                 "MSRP tidx SEND\r\nTo-Path: %s %s %s\r\nFrom-Path: %s\r\nMessage-ID: %s\r\n"
                 "Byte-Range: 1-1/*\r\nContent-Type: multipart/mixed;boundary=b\r\n\r\n-\r\n"
                 "-------tidx+\r\n",
                 way_use(&site, site.a), way_use(&site, site.b), way_uri(&site, site.b),
                 way_uri(&site, site.a), id);
        assert_int_equal(limit_code(&site.sim, site.a, "tidx"), 200);
        /* one that is sent at once does not take the cost of the one that stays with it */
        way_send(&site, "tidy", "other", "1-1/1", "Failure-Report: no\r\n", "x", 1, '$');
        assert_int_equal(lane->cost, kept_alive(lane));
        assert_true(lane->cost >= (i + 1) * RELAY_SLAB_SIZE);
    }
    assert_string_equal(sim_heard(&site.sim, site.a), "");
    sim_clear(&site.sim, site.b);
    for (unsigned i = 0; i < 3; i++) {
        way_keep_alive(&site, site.a, 20000);
        way_keep_alive(&site, site.b, 250);
    }
    assert_int_equal(site.sim.refusals, 7);
    assert_int_equal(site.sim.last_refusal, RELAY_E_STALE);
    unsigned reports = 0;
    for (const char *at = sim_heard(&site.sim, site.a); (at = strstr(at, "Status: 000 413")); at++)
        reports++;
    assert_int_equal(reports, 7);
    assert_string_equal(sim_heard(&site.sim, site.b), "");
    assert_int_equal(lane->cost, 0);
    way_done(&site);
}

/* --- one receiver, many messages -------------------------------------------------------------- */

struct end {
    char use[600], remote[128];
};

static void add_session(struct way_site *site, unsigned c, unsigned i, struct end *end)
{
    char token[2048];

    token[sim_token(&site->sim, SIM_ALICE, token, sizeof token)] = '\0';
    snprintf(end->remote, sizeof end->remote, "msrps://client.invalid:9/more%u;tcp", i);
    sim_clear(&site->sim, c);
    sim_sayf(&site->sim, c,
             "MSRP auth AUTH\r\nTo-Path: " SIM_URI "\r\nFrom-Path: %s\r\n"
             "Authorization: Bearer %s\r\n-------auth$\r\n",
             end->remote, token);
    const char *use = strstr(sim_heard(&site->sim, c), "Use-Path: ");
    assert_non_null(use);
    assert_int_equal(sscanf(use, "Use-Path: %599s", end->use), 1);
    sim_clear(&site->sim, c);
}

static void become(struct way_site *site, unsigned c, const struct end *end)
{
    memcpy(site->sim.conns[c].use_path, end->use, sizeof end->use);
    memcpy(site->sim.conns[c].remote, end->remote, sizeof end->remote);
}

/* Where the octets stand in what b hears from now on; it answers all. SIZE_MAX: they never came. */
static size_t comes_behind(struct way_site *site, unsigned b, const char *what)
{
    size_t before = 0;

    for (unsigned i = 0; i < 200; i++) {
        sim_pass(&site->sim, 10);
        const char *heard = sim_heard(&site->sim, b);
        size_t n = site->sim.conns[b].heard_n;
        const char *at = memmem(heard, n, what, strlen(what));
        if (at)
            return before + (size_t)(at - heard);
        before += n;
        (void)sim_answer_all(&site->sim, b, 200);
    }
    return SIZE_MAX;
}

/* 64 sessions with 8 open messages each, all to one who reads nothing: what waits is bounded; who
 * sends to others, or to the same one, has his turn. */
static void many_to_one(void **state)
{
    static char body[2100];
    static struct end ends[63];
    struct way_site site;
    char id[16];
    unsigned begun = 0;

    (void)state;
    limit_start(&site, no_rate);
    unsigned a = site.a, b = site.b, c = sim_user(&site.sim, SIM_CAROL);
    unsigned d = sim_user(&site.sim, "sip:dave@iops.example");
    for (unsigned s = 0; s < 63; s++)
        add_session(&site, a, s, &ends[s]);
    site.sim.conns[b].is_deaf = true;
    for (unsigned s = 0; s < 63 && !site.sim.conns[a].is_paused; s++) {
        become(&site, a, &ends[s]);
        for (unsigned i = 0; i < 8; i++) {
            snprintf(id, sizeof id, "mess%u.%u", s, i);
            way_send(&site, "tidx", id, "1-*/*", "", body, sizeof body, '+');
            begun++;
            assert_true(held(&site) < site.sim.relay->conf.out_hard + 8 * RELAY_SLAB_SIZE);
        }
    }
    assert_true(begun > 250);
    limit_refused(&site.sim, 0);
    site.a = c;
    site.b = d; /* somebody else to somebody else */
    way_send(&site, "tid1", "small", "1-5/5", "", "hello", 5, '$');
    way_want_answer(&site, c, "tid1", 200);
    assert_non_null(strstr(sim_heard(&site.sim, d), "hello"));
    site.b = b; /* somebody else to the same one: behind what waits, and no more comes before it */
    way_send(&site, "tid2", "small", "1-5/5", "", "world", 5, '$');
    way_want_answer(&site, c, "tid2", 200);
    site.sim.conns[b].is_deaf = false;
    assert_true(comes_behind(&site, b, "world") < begun * (sizeof body + 600));
    way_done(&site);
}

/* Two clients send each other REPORTs as fast as they can: nothing grows, a message gets through.
 * Threat T37 */
static void report_storm(void **state)
{
    struct way_site site;
    unsigned ends[2];

    (void)state;
    for (int deaf = 0; deaf < 2; deaf++) {
        limit_start(&site, defaults);
        ends[0] = site.a;
        ends[1] = site.b;
        unsigned c = sim_user(&site.sim, SIM_CAROL);
        for (unsigned k = 0; k < 2; k++)
            site.sim.conns[ends[k]].is_deaf = deaf;
        for (unsigned i = 0; i < 4000; i++) {
            unsigned from = ends[i % 2], to = ends[1 - i % 2];
            sim_sayf(&site.sim, from,
                     "MSRP rep%u REPORT\r\nTo-Path: %s %s %s\r\nFrom-Path: %s\r\n"
                     "Message-ID: mmmm\r\nByte-Range: 1-5/5\r\nStatus: 000 200 OK\r\n"
                     "Content-Type: text/plain\r\n\r\nx\r\n-------rep%u$\r\n",
                     i, way_use(&site, from), way_use(&site, to), way_uri(&site, to),
                     way_uri(&site, from), i);
            if (i % 50 == 0)
                pad(&site, from, 33000);
            if (i % 100 == 0)
                assert_true(held(&site) <
                            2 * (site.sim.relay->conf.out_high + 4 * RELAY_SLAB_SIZE));
        }
        const struct relay_counts *counts = relay_counts(site.sim.relay);
        assert_int_equal(counts->errands_dropped > 0, deaf);
        site.a = c;
        sim_clear_all(&site.sim);
        for (unsigned k = 0; k < 2; k++)
            site.sim.conns[ends[k]].is_deaf = false;
        way_send(&site, "tidx", "small", "1-5/5", "", "hello", 5, '$');
        way_want_answer(&site, c, "tidx", 200);
        sim_pass(&site.sim, 250);
        counts = relay_counts(site.sim.relay);
        assert_int_equal(counts->errands + counts->errands_dropped, 4000);
        assert_non_null(
            memmem(site.sim.conns[site.b].heard, site.sim.conns[site.b].heard_n, "hello", 5));
        way_done(&site);
    }
}

/* A receiver that reads and never answers: its transactions fill up, and that is felt by nobody but
 * those who send to it; each message is told once as lost. */
static void never_answers(void **state)
{
    struct way_site site;
    char id[16];

    (void)state;
    limit_start(&site, no_rate);
    unsigned a = site.a, b = site.b, c = sim_user(&site.sim, SIM_CAROL);
    for (unsigned i = 0; i < 300; i++) {
        snprintf(id, sizeof id, "mess%u", i);
        way_send(&site, "tidx", id, "1-5/5", "", "hello", 5, '$');
        assert_int_equal(limit_code(&site.sim, a, "tidx"), 200);
    }
    assert_int_equal(conn_of(&site, b)->hops_n, site.sim.relay->conf.hops_max);
    assert_false(site.sim.conns[a].is_paused);
    site.b = c;
    for (unsigned i = 0; i < 300; i++) {
        snprintf(id, sizeof id, "good%u", i);
        way_send(&site, "tidx", id, "1-5/5", "", "hello", 5, '$');
        assert_int_equal(limit_code(&site.sim, a, "tidx"), 200);
        assert_int_equal(sim_answer_all(&site.sim, c, 200), 1);
    }
    limit_refused(&site.sim, 0);
    unsigned reports = 0;
    for (unsigned i = 0; i < 14; i++) {
        way_keep_alive(&site, a, 2500);
        way_keep_alive(&site, b, 2500);
        for (const char *at = sim_heard(&site.sim, a); (at = strstr(at, "Status: 000 408")); at++)
            reports++;
        sim_clear_all(&site.sim);
    }
    assert_int_equal(reports, 300);
    assert_int_equal(conn_of(&site, b)->hops_n, 0);
    way_done(&site);
}

/* Failure-Report partial: no answer is a good answer, so the oldest transaction makes room; an
 * error that comes late is told as long as it is remembered. */
static void partial(void **state)
{
    struct way_site site;
    char id[16], first[64], last[64];

    (void)state;
    limit_start(&site, no_rate);
    for (unsigned i = 0; i < 2000; i++) {
        snprintf(id, sizeof id, "mess%u", i);
        way_send(&site, "tidx", id, "1-5/5", "Failure-Report: partial\r\n", "hello", 5, '$');
        assert_string_equal(sim_heard(&site.sim, site.a), "");
        way_tid(&site, site.b, i ? last : first);
        sim_clear(&site.sim, site.b);
        assert_true(conn_of(&site, site.b)->hops_n <= site.sim.relay->conf.hops_max);
    }
    assert_true(site.sim.relay->ways_moving <= site.sim.relay->conf.hops_max);
    for (unsigned i = 0; i < 2; i++) {
        sim_sayf(
            &site.sim, site.b, "MSRP %s 415 x\r\nTo-Path: %s\r\nFrom-Path: %s\r\n-------%s$\r\n",
            i ? last : first, way_use(&site, site.b), way_uri(&site, site.b), i ? last : first);
        assert_int_equal(strstr(sim_heard(&site.sim, site.a), "Status: 000 415") != NULL, i);
        limit_refused(&site.sim, i ? RELAY_E_UNDELIVERED : 0);
    }
    way_done(&site);
}

/* --- the link of a peer ----------------------------------------------------------------------- */

static const struct relay_peer_conf peers[] = {{.name = PEER, .port = 2855, .tls = true}};

static void with_peer(struct relay_conf *conf)
{
    no_rate(conf);
    conf->peers = peers;
    conf->peers_n = 1;
}

/* A first part, so that it goes on. */
#define PART "--b\r\nContent-Type: text/plain\r\n\r\n"

static void from_far(struct way_site *site, unsigned p, unsigned far, unsigned to,
                     const char *range, const char *body, size_t n, char flag)
{
    char *text = sim_alloc(NULL, n + 2048);
    int at = snprintf(text, 2048,
                      "MSRP tidx SEND\r\nTo-Path: %s %s\r\nFrom-Path: " PEER_URI
                      " msrps://far.invalid:7/f%u;tcp\r\nMessage-ID: m%u\r\nByte-Range: %s\r\n"
                      "Content-Type: multipart/mixed;boundary=b\r\n\r\n",
                      way_use(site, to), way_uri(site, to), far, far + 100, range);

    memcpy(text + at, body, n);
    at += (int)n;
    at += snprintf(text + at, 64, "\r\n-------tidx%c\r\n", flag);
    sim_say_n(&site->sim, p, text, (size_t)at);
    free(text);
}

/* A link carries the messages of 2,000 sessions, one of which is a flood to a receiver that takes a
 * little now and then: the link stands still for five seconds at most, and not again for a minute.
 */
static void one_of_many(void **state)
{
    static char body[16000];
    struct way_site site;
    char range[64];
    unsigned floods = 0;

    (void)state;
    memcpy(body, PART, sizeof PART - 1);
    limit_start(&site, with_peer);
    unsigned c = sim_user(&site.sim, SIM_CAROL), p = sim_open_peer(&site.sim, PEER);
    for (unsigned far = 0; far < 2000; far++)
        from_far(&site, p, far, c, "1-33/37", PART, 33, '+');
    (void)sim_answer_all(&site.sim, c, 200);
    while (sim_answer_all(&site.sim, c, 200))
        ;
    assert_int_equal(conn_of(&site, p)->ways_n, 2000);
    limit_mark(&site.sim);
    site.sim.conns[site.b].is_deaf = true;
    int64_t began_ms = site.sim.now.mono_ms, stopped_ms = 0;
    unsigned far = 3000;
    uint64_t said = 0;
    while (site.sim.now.mono_ms - began_ms < 40000) {
        for (unsigned i = 0; i < 100 && !site.sim.conns[p].is_paused; i++) {
            snprintf(range, sizeof range, "%llu-*/*", (unsigned long long)said + 1);
            sim_clear(&site.sim, p);
            from_far(&site, p, far, site.b, range, body, sizeof body, '+');
            said += sizeof body;
            if (strstr(sim_heard(&site.sim, p), " 413 ")) {
                far++; /* stopped: another one */
                said = 0;
                floods++;
                break;
            }
        }
        assert_true(held(&site) < site.sim.relay->conf.out_hard + 8 * RELAY_SLAB_SIZE);
        stopped_ms += site.sim.conns[p].is_paused ? 250 : 0;
        if (!site.sim.conns[p].is_paused && floods) { /* the others go on */
            sim_clear(&site.sim, c);
            from_far(&site, p, floods % 2000, c, "34-37/37", "help", 4, '$');
            assert_non_null(strstr(sim_heard(&site.sim, c), "help"));
            (void)sim_answer_all(&site.sim, c, 200);
        }
        site.sim.conns[site.b].is_deaf = false;
        site.sim.conns[site.b].sip = 100; /* 400 octets a second: no stall */
        sim_hear(&site.sim, site.b);
        site.sim.conns[site.b].is_deaf = true;
        sim_pass(&site.sim, 250);
        way_keep_alive(&site, site.b, 1);
    }
    assert_in_range(stopped_ms, 1000, 5500);
    assert_true(floods > 2);
    /* and there is an end to how many it may have at once */
    conn_of(&site, p)->ways_n += RELAY_WAYS_MAX / 2;
    limit_mark(&site.sim);
    sim_clear(&site.sim, p);
    from_far(&site, p, 9999, c, "1-33/33", PART, 33, '$');
    assert_int_equal(limit_code(&site.sim, p, "tidx"), 413);
    limit_refused(&site.sim, RELAY_E_TOO_MANY_OPEN);
    conn_of(&site, p)->ways_n -= RELAY_WAYS_MAX / 2;
    way_done(&site);
}

/* A peer like us waits for answers: a slow receiver behind it costs time, but neither its message
 * nor a stop of the link. */
static void slow_but_honest(void **state)
{
    enum { CHUNK = 8000, CHUNKS = 250 };
    static char body[CHUNK];
    struct way_site site;
    struct kit_heard got = {0};
    char range[64];
    unsigned said = 0, answered = 0;

    (void)state;
    memcpy(body, PART, sizeof PART - 1);
    limit_start(&site, with_peer);
    unsigned p = sim_open_peer(&site.sim, PEER);
    limit_mark(&site.sim);
    for (unsigned i = 0; i < 2000 && (!got.n || got.got[0].flag != '$'); i++) {
        while (said < CHUNKS && (said - answered) * CHUNK < RELAY_WAY_PEER_FLIGHT_MAX) {
            snprintf(range, sizeof range, "%u-*/%u", said * CHUNK + 1, CHUNKS * CHUNK);
            from_far(&site, p, 1, site.b, range, body, CHUNK, ++said == CHUNKS ? '$' : '+');
        }
        assert_false(site.sim.conns[p].is_paused);
        site.sim.conns[site.b].is_deaf = false;
        site.sim.conns[site.b].sip = CHUNK; /* 32,000 octets a second */
        sim_hear(&site.sim, site.b);
        site.sim.conns[site.b].is_deaf = true;
        kit_hear(&site.sim, site.b, &got, 200);
        sim_pass(&site.sim, 250);
        for (const char *at = sim_heard(&site.sim, p); (at = strstr(at, " 200 OK")); at++)
            answered++;
        sim_clear(&site.sim, p);
    }
    assert_int_equal(got.n, 1);
    assert_int_equal(got.got[0].n, CHUNKS * CHUNK);
    assert_int_equal(got.got[0].flag, '$');
    limit_refused(&site.sim, 0);
    kit_free(&got);
    way_done(&site);
}

/* What was refused is remembered, of each connection no more than so many. */
static void dead_ones(void **state)
{
    struct way_site site;
    char id[16];

    (void)state;
    limit_start(&site, no_rate);
    site.sim.relay->conf.path_message_max = 4;
    for (unsigned i = 0; i < 300; i++) {
        snprintf(id, sizeof id, "mess%u", i);
        way_send(&site, "tidx", id, "1-*/*", "", "hello", 5, '+');
        assert_int_equal(limit_code(&site.sim, site.a, "tidx"), 413);
        assert_true(conn_of(&site, site.a)->ways_n <= RELAY_WAY_DEAD_MAX + 1);
        assert_int_equal(conn_of(&site, site.a)->ways_n, conn_of(&site, site.a)->ways_dead);
    }
    way_done(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_octet),     cmocka_unit_test(never_a_part),
        cmocka_unit_test(many_to_one),   cmocka_unit_test(report_storm),
        cmocka_unit_test(never_answers), cmocka_unit_test(partial),
        cmocka_unit_test(one_of_many),   cmocka_unit_test(slow_but_honest),
        cmocka_unit_test(dead_ones),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
