/* limits.c - the limits of sizes and numbers: at one below, at the limit and at one above it, with
 * the answer and the counter. limits_time.c has those of time and rates.
 *
 *   limit                           tested by (file:function; here where none is named)
 *   start line, header line         header_block; tests/msrp/reader.c:row_6
 *   header count, block             header_block; tests/msrp/reader.c:row_6
 *   transaction id                  header_block; tests/msrp/reader.c:row_3
 *   Message-ID                      header_block
 *   URI, URIs per path              header_block; tests/msrp/path.c:row_19
 *   non-SEND body                   header_block; tests/msrp/reader.c:f11_other_methods
 *   message size, SDS               sds_size; of group and user: answers_sds.c:row_37
 *   message size, path              path_size; in later chunks: core_way_rows.c:test_size
 *   open messages                   open_messages
 *   gaps, octets behind them        gaps
 *   sessions per connection         doors; renewal at the limit: core_login.c:test_many
 *   sessions per peer               core_chained.c:test_many
 *   connections per user            doors
 *   strangers per source, in all    doors
 *   connections                     doors; handshakes: loop_loop.c:connections_over_the_cap_...
 *   handshakes: time, size, chain   loop_loop.c:a_slow_handshake_is_closed,
 *                                   tls_flood.c:a_handshake_has_a_size, :a_chain_has_an_end
 *   output: high, low, hard         output
 *   lane of a next hop: hard        lane; high and low: core_way_flow.c:test_pause
 *   transactions in flight          in_flight; of the service: core_fan.c:over_full
 *   memory                          core_overload.c:test_marks; core_slab.c:test_budget
 *   late chunks of what was refused answers_message.c:test_row_37, core_way_rows.c:test_late_chunks
 *   label, I_MESSAGE, uploads       core_label.c:label_cap, core_upload.c:too_long, :too_many
 *   messages remembered of a sender core_disp.c:bounds */
#include "tests/relay/limits_kit.h"

#include "relay/core/conn.h"

/* --- the header block ------------------------------------------------------------------------- */

/* A frame in which what is limited has n octets, or n times. Returns its octets. */
struct frame {
    struct sim *sim;
    unsigned c;
    char *out;
    size_t n;
};

static void put(struct frame *f, const char *text)
{
    size_t n = strlen(text);

    memcpy(f->out + f->n, text, n + 1);
    f->n += n;
}

static void fill(struct frame *f, size_t n)
{
    memset(f->out + f->n, 'y', n);
    f->n += n;
    f->out[f->n] = '\0';
}

static void put_paths(struct frame *f)
{
    put(f, "To-Path: ");
    put(f, f->sim->conns[f->c].use_path);
    put(f, "\r\nFrom-Path: ");
    put(f, f->sim->conns[f->c].remote);
    put(f, "\r\n");
}

static void ping(struct frame *f)
{
    put(f, "MSRP tidx SEND\r\n");
    put_paths(f);
    put(f, "Message-ID: mmmm\r\n");
}

static void end(struct frame *f)
{
    put(f, "-------tidx$\r\n");
}

static void line(struct frame *f, size_t n)
{
    ping(f);
    put(f, "X: ");
    fill(f, n - 3);
    put(f, "\r\n");
    end(f);
}

static void start_line(struct frame *f, size_t n)
{
    put(f, "MSRP tidx 200 ");
    fill(f, n - 14);
    put(f, "\r\n");
    put_paths(f);
    end(f);
}

static void lines(struct frame *f, size_t n)
{
    ping(f);
    for (size_t i = 3; i < n; i++)
        put(f, "X: y\r\n");
    end(f);
}

static void block(struct frame *f, size_t n)
{
    ping(f);
    while (n > f->n) {
        size_t rest = n - f->n, step = rest < 4006 ? rest : 4000;
        put(f, "X: ");
        fill(f, step - 5);
        put(f, "\r\n");
    }
    end(f);
}

static void tid(struct frame *f, size_t n)
{
    put(f, "MSRP ");
    fill(f, n);
    put(f, " SEND\r\n");
    put_paths(f);
    put(f, "Message-ID: mmmm\r\n-------");
    fill(f, n);
    put(f, "$\r\n");
}

static void message_id(struct frame *f, size_t n)
{
    put(f, "MSRP tidx SEND\r\n");
    put_paths(f);
    put(f, "Message-ID: ");
    fill(f, n);
    put(f, "\r\n");
    end(f);
}

static void auth(struct frame *f, const char *from, size_t body)
{
    char token[2048];

    put(f, "MSRP tidx AUTH\r\nTo-Path: " SIM_URI "\r\nFrom-Path: ");
    put(f, from);
    put(f, "\r\nAuthorization: Bearer ");
    token[sim_token(f->sim, SIM_ALICE, token, sizeof token)] = '\0';
    put(f, token);
    put(f, "\r\n");
    if (body) {
        put(f, "Content-Type: text/plain\r\n\r\n");
        fill(f, body);
        put(f, "\r\n");
    }
    end(f);
}

static void from_uri(struct frame *f, size_t n)
{
    char uri[1024];

    memset(uri, 'y', sizeof uri);
    memcpy(uri, "msrps://c.invalid:9/", 20);
    strcpy(uri + n - 4, ";tcp");
    auth(f, uri, 0);
}

static void to_uri(struct frame *f, size_t n)
{
    put(f, "MSRP tidx SEND\r\nTo-Path: ");
    put(f, f->sim->conns[f->c].use_path);
    put(f, " msrps://c.invalid:9/");
    fill(f, n - 24);
    put(f, ";tcp\r\nFrom-Path: ");
    put(f, f->sim->conns[f->c].remote);
    put(f, "\r\nMessage-ID: mmmm\r\n");
    end(f);
}

static void uris(struct frame *f, size_t n)
{
    char from[1024] = "";

    for (size_t i = 0; i < n; i++)
        snprintf(from + strlen(from), 64, "%smsrps://c%zu.invalid:9/s;tcp", i ? " " : "", i);
    auth(f, from, 0);
}

static void auth_body(struct frame *f, size_t n)
{
    auth(f, f->sim->conns[f->c].remote, n);
}

static void report_body(struct frame *f, size_t n)
{
    put(f, "MSRP tidx REPORT\r\n");
    put_paths(f);
    put(f, "Message-ID: mmmm\r\nStatus: 000 200 OK\r\nContent-Type: text/plain\r\n\r\n");
    fill(f, n);
    put(f, "\r\n");
    end(f);
}

static void header_block(void **state)
{
    static const struct {
        const char *name;
        void (*make)(struct frame *f, size_t n);
        size_t limit;
        bool is_min;
        int good, good_err;
        int code, err;
        bool closes;
    } rows[] = {
        {"start line", start_line, 4096, false, 0, 0, 0, MSRP_E_LINE_LONG, true},
        {"header line", line, 4096, false, 200, 0, 400, MSRP_E_LINE_LONG, true},
        {"header count", lines, 32, false, 200, 0, 400, MSRP_E_HEADERS_MANY, true},
        {"header block", block, 16384, false, 200, 0, 400, MSRP_E_BLOCK_LONG, true},
        {"shortest id", tid, 4, true, 200, 0, 0, MSRP_E_TID, true},
        {"longest id", tid, 32, false, 200, 0, 0, MSRP_E_TID, true},
        {"shortest Message-ID", message_id, 4, true, 200, 0, 400, MSRP_E_MESSAGE_ID, false},
        {"longest Message-ID", message_id, 32, false, 200, 0, 400, MSRP_E_MESSAGE_ID, false},
        {"From-Path URI", from_uri, 512, false, 200, 0, 0, MSRP_E_FROM_URI, true},
        {"To-Path URI", to_uri, 512, false, 0, RELAY_E_PATH_FOREIGN, 400, MSRP_E_TO_URI, false},
        {"URIs", uris, 8, false, 200, 0, 400, MSRP_E_URIS_MANY, false},
        {"body of AUTH", auth_body, 10240, false, 200, 0, 400, MSRP_E_BODY_LONG, false},
        {"body of REPORT", report_body, 10240, false, 0, 0, 0, MSRP_E_BODY_LONG, false},
        {"huge body of AUTH", auth_body, 16384, false, 400, MSRP_E_BODY_LONG, 400, MSRP_E_BODY_HUGE,
         true},
        {"huge body of REPORT", report_body, 16384, false, 0, MSRP_E_BODY_LONG, 0, MSRP_E_BODY_HUGE,
         true},
    };
    static char out[65536];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        EACH_SIDE(side)
        {
            bool is_over = rows[i].is_min ? side < 0 : side > 0;
            struct sim sim;
            char their_tid[64];
            int code = 0;

            sim_init(&sim);
            sim_start(&sim);
            unsigned c = sim_user(&sim, SIM_ALICE);
            struct frame f = {.sim = &sim, .c = c, .out = out};
            rows[i].make(&f, (size_t)((int)rows[i].limit + side));
            limit_mark(&sim);
            sim_say_n(&sim, c, out, f.n);
            sscanf(sim_heard(&sim, c), "MSRP %40s %d", their_tid, &code);
            if (code != (is_over ? rows[i].code : rows[i].good) ||
                sim.conns[c].is_closing != (is_over && rows[i].closes))
                fail_msg("%s, %d: %d, closing %d", rows[i].name, side, code,
                         sim.conns[c].is_closing);
            limit_refused(&sim, is_over ? rows[i].err : rows[i].good_err);
            sim_done(&sim);
        }
    }
}

/* --- messages --------------------------------------------------------------------------------- */

static void sds_size(void **state)
{
    struct kit_sds sds = kit_sds(SIM_BOB, "a message as large as it may be");
    struct kit_text body = kit_body(&sds);

    (void)state;
    EACH_SIDE(side)
    {
        struct sim sim;
        char range[64];

        sim_init(&sim);
        sim.conf.message_max = body.n - (size_t)side; /* what it has is the limit and side */
        sim_start(&sim);
        unsigned a = sim_user(&sim, SIM_ALICE);
        sim_user(&sim, SIM_BOB);
        limit_mark(&sim);
        assert_int_equal(kit_send(&sim, a, &sds, "mid1"), side > 0 ? 413 : 200);
        limit_refused(&sim, side > 0 ? MSRP_E_JOIN_SIZE : 0);
        sim_done(&sim);

        /* the service's own limit, as declared */
        sim_init(&sim);
        sim_start(&sim);
        a = sim_user(&sim, SIM_ALICE);
        sim_user(&sim, SIM_BOB);
        limit_mark(&sim);
        snprintf(range, sizeof range, "1-100/%d", 15 * 1024 * 1024 + side);
        const char *t = kit_chunk(&sim, a, "mid1", "", range, &body, 0, 100, '+');
        assert_int_equal(kit_code(&sim, a, t), side > 0 ? 413 : 200);
        limit_refused(&sim, side > 0 ? MSRP_E_JOIN_SIZE : 0);
        sim_done(&sim);
    }
    free(body.p);
}

static void small_path(struct relay_conf *conf)
{
    conf->path_message_max = 2000;
}

static void path_size(void **state)
{
    static char octets[2001];
    struct way_site site;
    char range[64];

    (void)state;
    for (int declared = 0; declared < 2; declared++) {
        EACH_SIDE(side)
        {
            limit_start(&site, small_path);
            snprintf(range, sizeof range, "1-*/%d", 2000 + side);
            way_send(&site, "tidx", "mmmm", declared ? range : "1-*/*", "", octets,
                     (size_t)(2000 + side), '$');
            assert_int_equal(limit_code(&site.sim, site.a, "tidx"), side > 0 ? 413 : 200);
            limit_refused(&site.sim, side > 0 ? RELAY_E_TOO_LARGE : 0);
            way_done(&site);
        }
    }
}

/* Of one session, on the path and towards the service. */
static void open_messages(void **state)
{
    struct kit_sds sds = kit_sds(SIM_BOB, "open");
    struct kit_text body = kit_body(&sds);

    (void)state;
    for (int is_path = 0; is_path < 2; is_path++) {
        struct way_site site;
        char id[16], their_tid[16];

        way_start(&site, false);
        for (int i = 1; i <= 9; i++) {
            limit_mark(&site.sim);
            snprintf(id, sizeof id, "mess%d", i);
            snprintf(their_tid, sizeof their_tid, "tidx%d", i);
            const char *t = their_tid;
            if (is_path)
                way_send(&site, t, id, "1-5/9", "", "hello", 5, '+');
            else
                t = kit_chunk(&site.sim, site.a, id, "", NULL, &body, 0, 10, '+');
            assert_int_equal(limit_code(&site.sim, site.a, t), i > 8 ? 413 : 200);
            limit_refused(&site.sim, i > 8 ? RELAY_E_TOO_MANY_OPEN : 0);
        }
        way_done(&site);
    }
    free(body.p);
}

static void gaps(void **state)
{
    static char data[70000];
    struct kit_sds sds = kit_sds(SIM_BOB, "");
    sds.data = data;
    sds.data_n = sizeof data;
    struct kit_text body = kit_body(&sds);
    struct way_site site;

    (void)state;
    way_start(&site, false);
    (void)kit_chunk(&site.sim, site.a, "mid1", "", NULL, &body, 0, 5, '+');
    limit_mark(&site.sim);
    for (size_t i = 1; i <= 65; i++) {
        const char *t = kit_chunk(&site.sim, site.a, "mid1", "", NULL, &body, 10 + 2 * i, 1, '+');
        assert_int_equal(kit_code(&site.sim, site.a, t), i > 64 ? 413 : 200);
        limit_refused(&site.sim, i > 64 ? MSRP_E_JOIN_GAPS : 0);
    }
    way_done(&site);

    EACH_SIDE(side)
    {
        way_start(&site, false);
        limit_mark(&site.sim);
        const char *t =
            kit_chunk(&site.sim, site.a, "mid1", "", NULL, &body, 10, (size_t)(65536 + side), '+');
        assert_int_equal(kit_code(&site.sim, site.a, t), side > 0 ? 413 : 200);
        limit_refused(&site.sim, side > 0 ? MSRP_E_JOIN_HELD : 0);
        way_done(&site);
    }
    free(body.p);
}

/* --- connections and sessions ----------------------------------------------------------------- */

static void count(struct sim *sim, bool is_in, bool is_over, int err)
{
    assert_int_equal(is_in, !is_over);
    limit_refused(sim, is_over ? err : 0);
}

static void doors(void **state)
{
    static char out[8192];
    struct sim sim;
    char text[64];

    (void)state;
    /* sessions of a connection */
    sim_init(&sim);
    sim_start(&sim);
    unsigned c = sim_open(&sim, true);
    limit_mark(&sim);
    for (int i = 1; i <= 65; i++) {
        struct frame f = {.sim = &sim, .c = c, .out = out};
        snprintf(text, sizeof text, "msrps://c.invalid:9/s%d;tcp", i);
        auth(&f, text, 0);
        sim_say_n(&sim, c, out, f.n);
        int code = limit_code(&sim, c, "tidx");
        assert_true(code == (i > 64 ? 403 : 200));
        count(&sim, code == 200, i > 64, RELAY_E_SESSIONS);
    }
    sim_done(&sim);

    /* connections of a user */
    sim_init(&sim);
    sim_start(&sim);
    limit_mark(&sim);
    for (int i = 1; i <= 5; i++) {
        c = sim_open(&sim, true);
        bool is_in = sim_login(&sim, c, SIM_ALICE);
        assert_int_equal(relay_counts(sim.relay)->answers[403], i > 4);
        count(&sim, is_in, i > 4, RELAY_E_CONNS_USER);
    }
    sim_done(&sim);

    /* strangers of a source; others are not touched */
    sim_init(&sim);
    sim_start(&sim);
    limit_mark(&sim);
    for (int i = 1; i <= 65; i++) {
        c = sim_open_from(&sim, true, "192.0.2.1");
        count(&sim, !sim.conns[c].is_closing, i > 64, RELAY_E_CONNS_UNAUTH);
    }
    c = sim_open_from(&sim, true, "192.0.2.2");
    count(&sim, !sim.conns[c].is_closing, false, 0);
    sim_done(&sim);

    /* strangers: a tenth; all */
    for (int all = 0; all < 2; all++) {
        sim_init(&sim);
        sim.conf.conns_max = all ? 20 : 200;
        sim.conf.unauth_percent_max = all ? 100 : 10;
        sim_start(&sim);
        limit_mark(&sim);
        for (int i = 1; i <= 21; i++) {
            c = sim_open(&sim, true);
            count(&sim, !sim.conns[c].is_closing, i > 20,
                  all ? RELAY_E_CONNS_TOTAL : RELAY_E_CONNS_UNAUTH);
            assert_string_equal(sim_heard(&sim, c), "");
        }
        sim_done(&sim);
    }
}

/* --- output ----------------------------------------------------------------------------------- */

/* A sign of life, whose answer has always the same size. */
static void say_ping(struct sim *sim, unsigned c)
{
    sim_sayf(sim, c,
             "MSRP tidx SEND\r\nTo-Path: %s\r\nFrom-Path: %s\r\nMessage-ID: mmmm\r\n"
             "-------tidx$\r\n",
             sim->conns[c].use_path, sim->conns[c].remote);
}

/* Who does not read ten answers of a known size. */
static unsigned deaf_one(struct sim *sim, size_t *answers)
{
    sim_init(sim);
    sim_start(sim);
    unsigned c = sim_user(sim, SIM_ALICE);
    say_ping(sim, c);
    size_t one = sim->conns[c].heard_n;
    sim_clear(sim, c);
    sim->conns[c].is_deaf = true;
    for (int i = 0; i < 10; i++) {
        sim->now.mono_ms++;
        relay_conn_find(sim->relay, c + 1)->live_at = 0; /* the id is free again */
        memset(relay_conn_find(sim->relay, c + 1)->live, 0, sizeof(struct relay_live) * 16);
        if (i < 9)
            say_ping(sim, c);
    }
    *answers = 10 * one;
    limit_mark(sim);
    return c;
}

static void output(void **state)
{
    struct sim sim;
    size_t answers;

    (void)state;
    EACH_SIDE(side)
    {
        /* the high mark stops reading, the low one starts it again */
        unsigned c = deaf_one(&sim, &answers);
        sim.relay->conf.out_high = (uint32_t)answers - (uint32_t)side;
        sim.relay->conf.out_low = 1000;
        say_ping(&sim, c);
        struct relay_conn *conn = relay_conn_find(sim.relay, c + 1);
        assert_int_equal(conn->out.bytes, answers);
        assert_int_equal(sim.conns[c].is_paused, side >= 0);
        if (side >= 0) {
            sim.conns[c].is_deaf = false;
            sim.conns[c].sip = answers - 1001;
            sim_hear(&sim, c);
            sim_pump(&sim);
            assert_true(conn->out.bytes <= 1001);
            assert_int_equal(relay_counts(sim.relay)->resumes, conn->out.bytes <= 1000);
            sim.conns[c].sip = 1;
            sim_hear(&sim, c);
            sim_pump(&sim);
            assert_int_equal(relay_counts(sim.relay)->resumes, 1);
            assert_false(sim.conns[c].is_paused);
        }
        limit_refused(&sim, 0);
        sim_done(&sim);

        /* over the hard mark nothing more is queued: the connection ends */
        c = deaf_one(&sim, &answers);
        say_ping(&sim, c);
        sim.relay->conf.out_hard = (uint32_t)answers - (uint32_t)side;
        memset(relay_conn_find(sim.relay, c + 1)->live, 0, sizeof(struct relay_live) * 16);
        say_ping(&sim, c);
        assert_int_equal(sim.conns[c].is_closing, side > 0);
        limit_refused(&sim, side > 0 ? RELAY_E_NOMEM : 0);
        sim_done(&sim);
    }
}

static void defaults(struct relay_conf *conf)
{
    (void)conf;
}

/* What waits in front of a next hop: at the hard mark nothing new begins. */
static void lane(void **state)
{
    static char octets[200000];
    struct way_site site;

    (void)state;
    EACH_SIDE(side)
    {
        limit_start(&site, defaults);
        site.sim.conns[site.b].is_deaf = true;
        way_send(&site, "tid1", "mmmm", "1-*/*", "", octets, sizeof octets, '$');
        sim_clear(&site.sim, site.a);
        uint64_t cost = relay_conn_find(site.sim.relay, site.b + 1)->lane->cost;
        assert_true(cost > 32768);
        site.sim.relay->conf.out_hard = (uint32_t)cost - (uint32_t)side;
        way_send(&site, "tid2", "nnnn", "1-5/5", "", "hello", 5, '$');
        assert_int_equal(limit_code(&site.sim, site.a, "tid2"), side >= 0 ? 413 : 200);
        limit_refused(&site.sim, side >= 0 ? RELAY_E_SLOW_RECEIVER : 0);
        way_done(&site);
    }
}

static void few_hops(struct relay_conf *conf)
{
    conf->hops_max = 3;
}

static unsigned heard_sends(struct way_site *site)
{
    unsigned n = 0;

    for (const char *at = sim_heard(&site->sim, site->b); (at = strstr(at, " SEND\r\n")); at++)
        n++;
    return n;
}

/* Over the limit nothing is refused: it waits for an answer to what is in flight. */
static void in_flight(void **state)
{
    struct way_site site;
    char id[16];

    (void)state;
    limit_start(&site, few_hops);
    for (unsigned i = 1; i <= 4; i++) {
        snprintf(id, sizeof id, "mess%u", i);
        way_send(&site, "tidx", id, "1-5/5", "", "hello", 5, '$');
        assert_int_equal(limit_code(&site.sim, site.a, "tidx"), 200);
        assert_int_equal(heard_sends(&site), i < 3 ? i : 3);
    }
    assert_int_equal(sim_answer_all(&site.sim, site.b, 200), 3);
    assert_int_equal(heard_sends(&site), 1);
    limit_refused(&site.sim, 0);
    way_done(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_block),  cmocka_unit_test(sds_size), cmocka_unit_test(path_size),
        cmocka_unit_test(open_messages), cmocka_unit_test(gaps),     cmocka_unit_test(doors),
        cmocka_unit_test(output),        cmocka_unit_test(lane),     cmocka_unit_test(in_flight),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
