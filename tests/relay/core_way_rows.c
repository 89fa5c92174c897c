/* core_way_rows.c - rows of the answer table that need a relayed
 * message: 10.20, 10.21, 10.28-10.40, and what becomes of it when sender, session or patience end.
 */
#include "tests/relay/way_kit.h"

/* One chunk, then another: what the second one earns, and whether the message goes on. */
static void test_second_chunk(void **state)
{
    static const struct {
        const char *first, *second, *more;
        size_t n;
        char flag;
        int code, err;
    } rows[] = {
        {"1-5/*", "6-9/9", "Success-Report: yes\r\n", 4, '$', 400, RELAY_E_FLAGS_DIFFER},
        {"1-5/*", "6-9/9", "Failure-Report: yes\r\n", 4, '$', 200, 0}, /* absent is yes */
        {"1-5/9", "6-9/10", "", 4, '$', 400, MSRP_E_JOIN_TOTAL},
        {"1-5/*", "6-9/10", "", 4, '$', 400, MSRP_E_JOIN_END},
        {"1-5/9", "6-*/9", "", 3, '$', 400, MSRP_E_JOIN_END},
        {"1-5/9", "6-8/9", "", 4, '+', 400, MSRP_E_JOIN_OVER},
        {"1-5/9", "6-*/9", "", 5, '+', 400, MSRP_E_JOIN_OVER}, /* over the total */
        {"1-5/9", "6-*/*", "", 5, '+', 400, MSRP_E_JOIN_OVER}, /* which an earlier one told */
        {"1-5/9", "11-*/*", "", 1, '+', 400, MSRP_E_JOIN_TOTAL},
        {"1-*/*", "2-3/4", "", 2, '+', 400, MSRP_E_JOIN_TOTAL}, /* less than came already */
        {"1-5/9", NULL, "", 4, '$', 400, MSRP_E_JOIN_NO_RANGE},
        {"1-5/9", "6-9/9", "", 2, '+', 200, 0}, /* shorter than it says: row 32 */
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct way_site site;

        way_start(&site, false);
        way_send(&site, "tid1", "mmmm", rows[i].first, "", "hello", 5, '+');
        way_want_answer(&site, site.a, "tid1", 200);
        way_send(&site, "tid2", "mmmm", rows[i].second, rows[i].more, "helpers", rows[i].n,
                 rows[i].flag);
        way_want_answer(&site, site.a, "tid2", rows[i].code);
        assert_int_equal(site.sim.last_refusal, rows[i].err);
        way_done(&site);
    }
}

/* path.message: at the limit it goes, one octet more is 413 and so are later chunks; `#` is 200 */
static void test_size(void **state)
{
    static const struct {
        const char *range;
        size_t n;
        int code;
    } rows[] = {
        {"1-*/*", 2000, 200},     {"1-*/*", 2001, 413},
        {"1-*/2000", 10, 200},    {"1-*/2001", 10, 413},
        {"1991-2000/*", 10, 200}, {"1991-2001/*", 10, 413},
        {"2001-*/*", 0, 200},     {"2002-*/*", 0, 413},
        {NULL, 2001, 413},        {"1-*/9223372036854775807", 10, 413},
    };
    static char body[2001];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct way_site site;

        sim_init(&site.sim);
        site.sim.conf.path_message_max = 2000;
        sim_start(&site.sim);
        site.a = sim_user(&site.sim, SIM_ALICE);
        site.b = sim_user(&site.sim, SIM_BOB);
        sim_clear_all(&site.sim);
        way_send(&site, "tid1", "mmmm", rows[i].range, "", body, rows[i].n, '+');
        way_want_answer(&site, site.a, "tid1", rows[i].code);
        way_send(&site, "tid2", "mmmm", "2-3/*", "", "xx", 2, '+');
        if (rows[i].code == 413 && rows[i].n == 2001) { /* the message was begun: it is dead */
            way_want_answer(&site, site.a, "tid2", 413);
            way_send(&site, "tid3", "mmmm", "4-5/*", "", "xx", 2, '#');
            way_want_answer(&site, site.a, "tid3", 200);
        }
        way_done(&site);
    }
}

/* The ninth chunk that begins more than 30 s after a refusal closes. row 37 */
static void test_late_chunks(void **state)
{
    struct way_site site;
    char tid[16];

    (void)state;
    way_start(&site, false);
    way_send(&site, "tid1", "mmmm", "1-5/9", "", "hello", 5, '+');
    sim_answer_all(&site.sim, site.b, 413);
    sim_clear_all(&site.sim);
    way_keep_alive(&site, site.b, 31000);
    for (unsigned i = 0; i < 9; i++) {
        snprintf(tid, sizeof tid, "late%u", i);
        way_send(&site, tid, "mmmm", "6-7/9", "", "xx", 2, '+');
        if (i < 8)
            way_want_answer(&site, site.a, tid, 413);
    }
    assert_true(site.sim.conns[site.a].is_closing);
    assert_int_equal(site.sim.last_refusal, RELAY_E_STOPPED_STILL);
    way_done(&site);
}

/* `#` goes on as it is, with or without a body. row 40, C14, trap 5 */
static void test_abort(void **state)
{
    struct way_site site;

    (void)state;
    for (int body = 0; body < 2; body++) {
        way_start(&site, false);
        way_send(&site, "tid1", "mmmm", "1-5/9", "", "hello", 5, '+');
        sim_answer_all(&site.sim, site.b, 200);
        sim_clear_all(&site.sim);
        if (body)
            way_send(&site, "tid2", "mmmm", "6-*/9", "", "he", 2, '#');
        else
            sim_sayf(&site.sim, site.a,
                     "MSRP tid2 SEND\r\nTo-Path: %s %s %s\r\nFrom-Path: %s\r\nMessage-ID: mmmm\r\n"
                     "Byte-Range: 6-*/9\r\n-------tid2#\r\n",
                     way_use(&site, site.a), way_use(&site, site.b), way_uri(&site, site.b),
                     way_uri(&site, site.a));
        way_want_answer(&site, site.a, "tid2", 200);
        const char *heard = sim_heard(&site.sim, site.b);
        assert_non_null(strstr(heard, "#\r\n"));
        assert_non_null(strstr(heard, body ? "Byte-Range: 6-7/9\r\n" : "Byte-Range: 6-*/9\r\n"));
        sim_answer_all(&site.sim, site.b, 200);
        way_done(&site);
    }
}

/* A path that is not the session's own: 403 at once. row 21 */
static void test_forged(void **state)
{
    struct way_site site;
    char want[1024];

    (void)state;
    way_start(&site, false);
    sim_sayf(&site.sim, site.a,
             "MSRP tidx SEND\r\nTo-Path: %s %s %s\r\nFrom-Path: msrps://other.invalid:1/x;tcp\r\n"
             "Message-ID: mmmm\r\nContent-Type: text/plain\r\n\r\nhi\r\n-------tidx$\r\n",
             way_use(&site, site.a), way_use(&site, site.b), way_uri(&site, site.b));
    snprintf(
        want, sizeof want,
        "MSRP tidx 403 Forbidden\r\nTo-Path: msrps://other.invalid:1/x;tcp\r\nFrom-Path: %s\r\n"
        "-------tidx$\r\n",
        way_use(&site, site.a));
    assert_string_equal(sim_heard(&site.sim, site.a), want);
    assert_string_equal(sim_heard(&site.sim, site.b), "");
    way_done(&site);
}

/* The sender is gone: chunks that had their 200 still go on, and so does what came of the last. */
static void test_sender_gone(void **state)
{
    struct way_site site;
    struct way_got got = {.body = NULL};

    (void)state;
    way_start(&site, false);
    site.sim.conns[site.b].is_deaf = true;
    way_send(&site, "tid1", "mmmm", "1-5/20", "", "hello", 5, '+');
    way_want_answer(&site, site.a, "tid1", 200);
    sim_sayf(&site.sim, site.a,
             "MSRP tid2 SEND\r\nTo-Path: %s %s %s\r\nFrom-Path: %s\r\nMessage-ID: mmmm\r\n"
             "Byte-Range: 6-*/20\r\nContent-Type: application/octet-stream\r\n\r\nwor",
             way_use(&site, site.a), way_use(&site, site.b), way_uri(&site, site.b),
             way_uri(&site, site.a));
    sim_closed(&site.sim, site.a);
    site.sim.conns[site.b].is_deaf = false;
    sim_pass(&site.sim, 250);
    way_gather_more(&site, site.b, &got, 200);
    assert_true(got.n >= 5 && got.n <= 8);
    assert_memory_equal(got.body, "hellowor", got.n);
    assert_false(got.is_complete);
    assert_true(relay_is_quiet(site.sim.relay));
    way_got_done(&got);
    way_done(&site);
}

/* A user is revoked: nothing goes on from him or to him, within the tick. threat T04 */
static void test_revoked(void **state)
{
    (void)state;
    for (int receiver = 0; receiver < 2; receiver++) {
        struct way_site site;

        way_start(&site, false);
        site.sim.conns[site.b].is_deaf = true;
        way_send(&site, "tid1", "mmmm", "1-5/9", "", "hello", 5, '+');
        sim_clear_all(&site.sim);
        struct relay_session *session =
            relay_conn_find(site.sim.relay, (receiver ? site.b : site.a) + 1)->sessions;
        session->dead_s = 0; /* as its expiry, or a policy, would */
        sim_pass(&site.sim, 250);
        site.sim.conns[site.b].is_deaf = false;
        sim_pass(&site.sim, 250);
        assert_string_equal(sim_heard(&site.sim, site.b), "");
        way_send(&site, "tid2", "mmmm", "6-9/9", "", "help", 4, '$');
        assert_string_equal(sim_heard(&site.sim, site.b), "");
        assert_non_null(strstr(sim_heard(&site.sim, site.a), "481"));
        way_done(&site);
    }
}

/* An open message nobody continues is let go; a late chunk goes on as a new one: nothing is lost.
 */
static void test_idle(void **state)
{
    struct way_site site;

    (void)state;
    way_start(&site, false);
    way_send(&site, "tid1", "mmmm", "1-5/9", "", "hello", 5, '+');
    sim_answer_all(&site.sim, site.b, 200);
    assert_false(relay_is_quiet(site.sim.relay));
    for (int i = 0; i < 3; i++) {
        way_keep_alive(&site, site.a, 25000);
        way_keep_alive(&site, site.b, 250);
    }
    assert_true(relay_is_quiet(site.sim.relay));
    sim_clear_all(&site.sim);
    way_send(&site, "tid2", "mmmm", "6-9/9", "", "help", 4, '$');
    way_want_answer(&site, site.a, "tid2", 200);
    assert_non_null(strstr(sim_heard(&site.sim, site.b), "Byte-Range: 6-9/9"));
    way_done(&site);
}

/* The ninth open message of a session: 413; complete ones do not count. row 38 */
static void test_open_messages(void **state)
{
    struct way_site site;
    char tid[16], id[16];

    (void)state;
    way_start(&site, false);
    for (unsigned i = 0; i < 30; i++) {
        snprintf(tid, sizeof tid, "done%u", i);
        snprintf(id, sizeof id, "mmm%02u", i);
        way_send(&site, tid, id, "1-5/5", "", "hello", 5, '$');
        way_want_answer(&site, site.a, tid, 200);
    }
    for (unsigned i = 0; i < 9; i++) {
        snprintf(tid, sizeof tid, "open%u", i);
        snprintf(id, sizeof id, "ooo%02u", i);
        way_send(&site, tid, id, "1-5/9", "", "hello", 5, '+');
        way_want_answer(&site, site.a, tid, i < 8 ? 200 : 413);
    }
    assert_int_equal(site.sim.last_refusal, RELAY_E_TOO_MANY_OPEN);
    way_done(&site);
}

/* path.methods: forward, path.foreign: allow, path.relaying: off. rows R15, 10.12, 10.18 */
static void test_switches(void **state)
{
    struct way_site site;
    char tid[64];

    (void)state;
    for (int on = 0; on < 2; on++) {
        sim_init(&site.sim);
        site.sim.conf.path_methods = on;
        site.sim.conf.path_foreign = on;
        sim_start(&site.sim);
        site.a = sim_user(&site.sim, SIM_ALICE);
        site.b = sim_user(&site.sim, SIM_BOB);
        sim_clear_all(&site.sim);
        sim_sayf(&site.sim, site.a,
                 "MSRP tidx NICKNAME\r\nTo-Path: %s %s %s\r\nFrom-Path: %s\r\n"
                 "Use-Nickname: \"Al\"\r\n-------tidx$\r\n",
                 way_use(&site, site.a), way_use(&site, site.b), way_uri(&site, site.b),
                 way_uri(&site, site.a));
        if (on) {
            way_tid(&site, site.b, tid);
            assert_non_null(strstr(sim_heard(&site.sim, site.b), " NICKNAME\r\n"));
            assert_non_null(strstr(sim_heard(&site.sim, site.b), "Use-Nickname: \"Al\"\r\n"));
            sim_sayf(&site.sim, site.b,
                     "MSRP %s 425 x\r\nTo-Path: %s %s %s\r\nFrom-Path: %s\r\n-------%s$\r\n", tid,
                     way_use(&site, site.b), way_use(&site, site.a), way_uri(&site, site.a),
                     way_uri(&site, site.b), tid);
            char want[2048];
            snprintf(want, sizeof want,
                     "MSRP tidx 425 Nickname Already In Use\r\nTo-Path: %s\r\n"
                     "From-Path: %s %s %s\r\n-------tidx$\r\n",
                     way_uri(&site, site.a), way_use(&site, site.a), way_use(&site, site.b),
                     way_uri(&site, site.b));
            assert_string_equal(sim_heard(&site.sim, site.a), want);
        } else {
            way_want_answer(&site, site.a, "tidx", 501);
            assert_string_equal(sim_heard(&site.sim, site.b), "");
        }
        sim_clear_all(&site.sim);
        unsigned c = sim_open(&site.sim, true);
        sim_sayf(&site.sim, c,
                 "MSRP tidy SEND\r\nTo-Path: %s %s\r\nFrom-Path: msrps://x.invalid:5/y;tcp\r\n"
                 "Message-ID: mmmm\r\nContent-Type: text/plain\r\n\r\nhi\r\n-------tidy$\r\n",
                 way_use(&site, site.b), way_uri(&site, site.b));
        assert_int_equal(site.sim.conns[site.b].heard_n > 0, on);
        way_done(&site);
    }
    sim_init(&site.sim);
    site.sim.conf.path_off = true;
    sim_start(&site.sim);
    site.a = sim_user(&site.sim, SIM_ALICE);
    site.b = sim_user(&site.sim, SIM_BOB);
    sim_clear_all(&site.sim);
    way_send(&site, "tid1", "mmmm", "1-5/5", "", "hello", 5, '$');
    way_want_report(&site, 403, "1-5/5");
    assert_string_equal(sim_heard(&site.sim, site.b), "");
    way_done(&site);
    row_passed("R15");
    row_passed("10.62");
}

/* Traffic without a body through the path: row b8.11 */
static void test_bodyless(void **state)
{
    struct way_site site;

    (void)state;
    way_start(&site, false);
    sim_sayf(&site.sim, site.a,
             "MSRP tidx SEND\r\nTo-Path: %s %s %s\r\nFrom-Path: %s\r\nMessage-ID: mmmm\r\n"
             "Byte-Range: 1-0/0\r\n-------tidx$\r\n",
             way_use(&site, site.a), way_use(&site, site.b), way_uri(&site, site.b),
             way_uri(&site, site.a));
    way_want_answer(&site, site.a, "tidx", 200);
    assert_non_null(strstr(sim_heard(&site.sim, site.b), "Byte-Range: 1-0/0\r\n-------"));
    sim_answer_all(&site.sim, site.b, 200);
    way_done(&site);
}

/* The same Message-ID to somebody else is another message: each goes to whom its path names. */
static void test_two_receivers(void **state)
{
    struct way_site site;
    unsigned b, c;

    (void)state;
    way_start(&site, false);
    b = site.b;
    c = sim_user(&site.sim, SIM_CAROL);
    sim_clear_all(&site.sim);
    way_send(&site, "tid1", "mmmm", "1-5/10", "", "hello", 5, '+');
    site.b = c;
    way_send(&site, "tid2", "mmmm", "6-10/10", "", "world", 5, '$');
    site.b = b;
    assert_non_null(strstr(sim_heard(&site.sim, b), "hello"));
    assert_null(strstr(sim_heard(&site.sim, b), "world"));
    assert_null(strstr(sim_heard(&site.sim, b), way_uri(&site, c)));
    assert_non_null(strstr(sim_heard(&site.sim, c), "world"));
    assert_null(strstr(sim_heard(&site.sim, c), "hello"));
    way_done(&site);
}

/* What may not go round the service does not do so in another order either: each chunk's own type
 * counts, and a multipart is looked at from its first octet on. profile section 3 */
static void test_types_in_chunks(void **state)
{
    static const char part[] =
        "--b\r\nContent-Type: application/vnd.3gpp.mcdata-signalling\r\n\r\nx";
    static const char multipart[] = "multipart/mixed;boundary=b";
    static const char ours[] = "application/vnd.3gpp.mcdata-payload";
    static const struct {
        const char *name;
        struct chunk {
            const char *type;
            size_t at, n;
        } chunks[4];
    } rows[] = {
        {"the type comes with the second chunk", {{"text/plain", 1, 4}, {ours, 0, 4}}},
        {"and it begins again", {{"text/plain", 0, 4}, {ours, 0, 4}}},
        {"the multipart begins in the middle", {{multipart, 4, 8}, {multipart, 0, 4}}},
        {"the rest comes first",
         {{multipart, 0, 4}, {multipart, 50, 2}, {multipart, 4, sizeof part - 1 - 4}}},
        {"a plain one becomes a multipart",
         {{"text/plain", 20, 4}, {multipart, 0, sizeof part - 1}}},
        {"it is another one",
         {{"multipart/mixed;boundary=c", 0, 4}, {multipart, 0, sizeof part - 1}}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int ends = 0; ends < 2; ends++) { /* by its last chunk, or by the sender's end */
            struct way_site site;

            way_start(&site, false);
            for (const struct chunk *k = rows[i].chunks; k->type; k++) {
                bool is_last = !ends && !k[1].type;
                sim_sayf(&site.sim, site.a,
                         "MSRP tid%zu SEND\r\nTo-Path: %s %s %s\r\nFrom-Path: %s\r\n"
                         "Message-ID: mmmm\r\nByte-Range: %zu-*/*\r\nContent-Type: %s\r\n\r\n"
                         "%.*s\r\n-------tid%zu%c\r\n",
                         k->at + k->n, way_use(&site, site.a), way_use(&site, site.b),
                         way_uri(&site, site.b), way_uri(&site, site.a), k->at + 1, k->type,
                         (int)k->n, part + k->at, k->at + k->n, is_last ? '$' : '+');
            }
            if (ends)
                sim_closed(&site.sim, site.a);
            sim_pass(&site.sim, 250);
            if (strstr(sim_heard(&site.sim, site.b), "mcdata") ||
                (!ends && !strstr(sim_heard(&site.sim, site.a), " 415 ")))
                fail_msg("%s (%d): %s\n%s", rows[i].name, ends, sim_heard(&site.sim, site.b),
                         sim_heard(&site.sim, site.a));
            way_done(&site);
        }
    }
}

/* Whether somebody else's session is alive is nobody's business, whatever stands behind it: the
 * REPORT is that of an unknown one. row 10.14, threat T35 */
static void test_no_oracle(void **state)
{
    static const char nobody[] = "msrps://" SIM_NAME ":2855/abcdefghijklmnopqrstuvwxyz;tcp";
    struct way_site site;

    (void)state;
    way_start(&site, false);
    unsigned c = sim_user(&site.sim, SIM_CAROL);
    sim_clear_all(&site.sim);
    for (int behind = 0; behind < 2; behind++) {
        for (int is_there = 0; is_there < 2; is_there++) {
            sim_sayf(&site.sim, site.a,
                     "MSRP tidx SEND\r\nTo-Path: %s %s%s%s\r\nFrom-Path: %s\r\nMessage-ID: mmmm\r\n"
                     "Content-Type: text/plain\r\n\r\nhi\r\n-------tidx$\r\n",
                     is_there ? way_use(&site, site.b) : nobody, way_use(&site, site.a),
                     behind ? " " : "", behind ? way_use(&site, c) : "", way_uri(&site, site.a));
            assert_non_null(strstr(sim_heard(&site.sim, site.a), "Status: 000 481 "));
            sim_clear_all(&site.sim);
        }
    }
    way_done(&site);
}

/* The session ends while a chunk is coming in: that one gets 481 too. profile 2.7, row 10.61 */
static void test_ends_in_chunk(void **state)
{
    struct way_site site;

    (void)state;
    way_start(&site, false);
    sim_sayf(&site.sim, site.a,
             "MSRP tidx SEND\r\nTo-Path: %s %s %s\r\nFrom-Path: %s\r\nMessage-ID: mmmm\r\n"
             "Content-Type: text/plain\r\n\r\nhel",
             way_use(&site, site.a), way_use(&site, site.b), way_uri(&site, site.b),
             way_uri(&site, site.a));
    struct relay_conn *conn = relay_conn_find(site.sim.relay, site.a + 1);
    relay_conn_end_session(conn, conn->sessions);
    sim_say(&site.sim, site.a, "lo\r\n-------tidx$\r\n");
    way_want_answer(&site, site.a, "tidx", 481);
    assert_string_equal(sim_heard(&site.sim, site.b), "");
    assert_int_equal(site.sim.refusals, 1);
    assert_int_equal(site.sim.last_refusal, RELAY_E_SESSION_EXPIRED);
    assert_int_equal(conn->ways_n, 0);
    way_done(&site);
}

/* A SEND with credentials, which are none of its business: it goes on as it is, also when it waits.
 */
static void test_credentials(void **state)
{
    (void)state;
    for (int waits = 0; waits < 2; waits++) {
        struct way_site site;
        char want[2048], tid[64];

        way_start(&site, false);
        site.sim.conns[site.b].is_deaf = waits;
        way_send(&site, "tidx", "mmmm", "1-5/5", "Authorization: Bearer abcdefgh\r\n", "hello", 5,
                 '$');
        way_want_answer(&site, site.a, "tidx", 200);
        site.sim.conns[site.b].is_deaf = false;
        sim_pass(&site.sim, 250);
        way_tid(&site, site.b, tid);
        snprintf(want, sizeof want,
                 "MSRP %s SEND\r\nTo-Path: %s\r\nFrom-Path: %s %s %s\r\nMessage-ID: mmmm\r\n"
                 "Byte-Range: 1-5/5\r\nAuthorization: Bearer abcdefgh\r\n"
                 "Content-Type: application/octet-stream\r\n\r\nhello\r\n-------%s$\r\n",
                 tid, way_uri(&site, site.b), way_use(&site, site.b), way_use(&site, site.a),
                 way_uri(&site, site.a), tid);
        assert_int_equal(site.sim.conns[site.b].heard_n, strlen(want));
        assert_string_equal(sim_heard(&site.sim, site.b), want);
        way_done(&site);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_second_chunk),    cmocka_unit_test(test_size),
        cmocka_unit_test(test_late_chunks),     cmocka_unit_test(test_abort),
        cmocka_unit_test(test_forged),          cmocka_unit_test(test_sender_gone),
        cmocka_unit_test(test_revoked),         cmocka_unit_test(test_idle),
        cmocka_unit_test(test_open_messages),   cmocka_unit_test(test_switches),
        cmocka_unit_test(test_bodyless),        cmocka_unit_test(test_two_receivers),
        cmocka_unit_test(test_types_in_chunks), cmocka_unit_test(test_no_oracle),
        cmocka_unit_test(test_ends_in_chunk),   cmocka_unit_test(test_credentials),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
