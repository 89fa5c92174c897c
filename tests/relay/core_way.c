/* core_way.c - SENDs that go on: rfc4976#6.4.1; rows R1-R10, C5-C8, 10.37, 10.45-10.47. */
#include "tests/relay/way_kit.h"

/* --- the URI moves, nothing else changes -------------------------------------------------------
 */

/* rows R2, R4, R5, R6: to another client of ours, both Use-Paths at once */
static void test_forward(void **state)
{
    (void)state;
    for (int split = 0; split < 2; split++) {
        struct way_site site;
        char want[4096], tid[64];

        way_start(&site, split);
        sim_sayf(&site.sim, site.a,
                 "MSRP tidx SEND\r\nTo-Path: %s %s %s\r\nFrom-Path: %s\r\nMessage-ID: mmmm\r\n"
                 "Byte-Range: 1-5/5\r\nSuccess-Report: yes\r\nX-Unknown: a  b: c \r\n"
                 "Content-Disposition: inline\r\nContent-Type: text/plain;charset=utf-8\r\n\r\n"
                 "hello\r\n-------tidx$\r\n",
                 way_use(&site, site.a), way_use(&site, site.b), way_uri(&site, site.b),
                 way_uri(&site, site.a));
        way_want_answer(&site, site.a, "tidx", 200);
        way_tid(&site, site.b, tid);
        assert_string_not_equal(tid, "tidx");
        assert_int_equal(strlen(tid), MSRP_IDENT_MADE);
        snprintf(want, sizeof want,
                 "MSRP %s SEND\r\nTo-Path: %s\r\nFrom-Path: %s %s %s\r\nMessage-ID: mmmm\r\n"
                 "Byte-Range: 1-5/5\r\nSuccess-Report: yes\r\nX-Unknown: a  b: c \r\n"
                 "Content-Disposition: inline\r\nContent-Type: text/plain;charset=utf-8\r\n\r\n"
                 "hello\r\n-------%s$\r\n",
                 tid, way_uri(&site, site.b), way_use(&site, site.b), way_use(&site, site.a),
                 way_uri(&site, site.a), tid);
        assert_string_equal(sim_heard(&site.sim, site.b), want);
        assert_int_equal(sim_answer_all(&site.sim, site.b, 200), 1);
        assert_string_equal(sim_heard(&site.sim, site.a), "");
        assert_int_equal(site.sim.refusals, 0);
        way_done(&site);
    }
    row_passed("R2");
    row_passed("R4");
    row_passed("R5");
    row_passed("R6");
}

/* A REPORT of the receiver goes back the same way. row R16 */
static void test_report_back(void **state)
{
    struct way_site site;
    char want[4096], tid[64];

    (void)state;
    way_start(&site, false);
    way_send(&site, "tidx", "mmmm", "1-5/5", "", "hello", 5, '$');
    sim_clear_all(&site.sim);
    sim_sayf(&site.sim, site.b,
             "MSRP repx REPORT\r\nTo-Path: %s %s %s\r\nFrom-Path: %s\r\nMessage-ID: mmmm\r\n"
             "Byte-Range: 1-5/5\r\nStatus: 000 200 OK\r\n-------repx$\r\n",
             way_use(&site, site.b), way_use(&site, site.a), way_uri(&site, site.a),
             way_uri(&site, site.b));
    assert_string_equal(sim_heard(&site.sim, site.b), "");
    way_tid(&site, site.a, tid);
    snprintf(want, sizeof want,
             "MSRP %s REPORT\r\nTo-Path: %s\r\nFrom-Path: %s %s %s\r\nMessage-ID: mmmm\r\n"
             "Byte-Range: 1-5/5\r\nStatus: 000 200 OK\r\n-------%s$\r\n",
             tid, way_uri(&site, site.a), way_use(&site, site.a), way_use(&site, site.b),
             way_uri(&site, site.b), tid);
    assert_string_equal(sim_heard(&site.sim, site.a), want);
    /* an answer to it is swallowed: trap 8 */
    sim_sayf(&site.sim, site.a, "MSRP %s 200 OK\r\nTo-Path: %s\r\nFrom-Path: %s\r\n-------%s$\r\n",
             tid, way_use(&site, site.a), way_uri(&site, site.a), tid);
    assert_int_equal(relay_counts(site.sim.relay)->late_responses, 1);
    way_done(&site);
    row_passed("R16");
}

/* --- failures are told -------------------------------------------------------------------------
 */

/* rows R7, R8, 10.45-10.47: an error, silence, a lost connection; each value of Failure-Report */
static void test_failures(void **state)
{
    static const char *const asked[] = {"", "Failure-Report: yes\r\n",
                                        "Failure-Report: partial\r\n", "Failure-Report: no\r\n"};
    enum { ERROR, SILENCE, LOST, KINDS };

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        for (int kind = 0; kind < KINDS; kind++) {
            struct way_site site;
            bool is_partial = i == 2, is_no = i == 3;

            way_start(&site, false);
            way_send(&site, "tidx", "mmmm", "1-5/9", asked[i], "hello", 5, '+');
            if (is_partial || is_no)
                assert_string_equal(sim_heard(&site.sim, site.a), "");
            else
                way_want_answer(&site, site.a, "tidx", 200);
            if (kind == ERROR)
                sim_answer_all(&site.sim, site.b, 415);
            else if (kind == LOST)
                sim_closed(&site.sim, site.b);
            else
                way_keep_alive(&site, site.a, 31000);
            int status = kind == ERROR ? 415 : 408;
            bool is_told = !is_no && (!is_partial || kind != SILENCE);
            way_want_report(&site, is_told ? status : 0, "1-5/9");
            /* later chunks: the same answer, nothing goes on */
            if (is_told && kind != LOST) {
                sim_clear_all(&site.sim);
                way_send(&site, "tidy", "mmmm", "6-9/9", asked[i], "help", 4, '$');
                way_want_answer(&site, site.a, "tidy", status);
                assert_string_equal(sim_heard(&site.sim, site.b), "");
            }
            way_done(&site);
        }
    }
    row_passed("R7");
    row_passed("R8");
    row_passed("10.45");
    row_passed("10.46");
    row_passed("10.47");
}

/* Several chunks were in flight when the connection broke: one REPORT names what did not arrive. */
static void test_lost_range(void **state)
{
    struct way_site site;
    char tid[64];

    (void)state;
    way_start(&site, false);
    way_send(&site, "tid1", "mmmm", "1-5/20", "", "aaaaa", 5, '+');
    way_tid(&site, site.b, tid);
    way_send(&site, "tid2", "mmmm", "6-10/20", "", "bbbbb", 5, '+');
    way_send(&site, "tid3", "mmmm", "11-15/20", "", "ccccc", 5, '+');
    sim_sayf(&site.sim, site.b, "MSRP %s 200 OK\r\nTo-Path: %s\r\nFrom-Path: %s\r\n-------%s$\r\n",
             tid, way_use(&site, site.b), way_uri(&site, site.b), tid);
    site.sim.conns[site.b].is_deaf = true;
    way_send(&site, "tid4", "mmmm", "16-18/20", "", "ddd", 3, '+'); /* has not left */
    sim_clear_all(&site.sim);
    sim_closed(&site.sim, site.b);
    way_want_report(&site, 408, "6-18/20");
    way_done(&site);
}

/* --- large chunks ------------------------------------------------------------------------------
 */

/* rows C5, C6, R9, R10: one chunk of 100 KB comes as chunks of at most 16 KiB with true ranges */
static void test_large(void **state)
{
    enum { N = 100000 };
    static char body[N];

    (void)state;
    for (size_t i = 0; i < N; i++)
        body[i] = (char)(i * 7 + i / 251);
    for (int whole = 0; whole < 2; whole++) {
        struct way_site site;
        struct way_got got;

        way_start(&site, false);
        way_send(&site, "tidx", "mmmm", whole ? "1-*/*" : NULL, "", body, N, '$');
        way_want_answer(&site, site.a, "tidx", 200);
        way_gather(&site, site.b, &got, 200);
        assert_int_equal(got.n, N);
        assert_memory_equal(got.body, body, N);
        assert_true(got.chunks > 5);
        assert_true(got.is_complete);
        way_got_done(&got);
        way_done(&site);
    }
    row_passed("R9");
    row_passed("R10");
}

/* The octets of a message are all there and its end-line is not: they wait for it, so that no chunk
 * without octets follows. rows C8, R9 */
static void test_end_line_late(void **state)
{
    enum { N = 5000 };
    static char body[N];
    char text[N + 1024], end[] = "\r\n-------tidx$\r\n";

    (void)state;
    memset(body, 'x', N);
    for (size_t behind = 0; behind < sizeof end - 1; behind++) {
        struct way_site site;
        struct way_got got;

        way_start(&site, false);
        int n = snprintf(text, sizeof text,
                         "MSRP tidx SEND\r\nTo-Path: %s %s %s\r\nFrom-Path: %s\r\n"
                         "Message-ID: mmmm\r\nByte-Range: 1-*/%d\r\n"
                         "Content-Type: text/plain\r\n\r\n%.*s%s",
                         way_use(&site, site.a), way_use(&site, site.b), way_uri(&site, site.b),
                         way_uri(&site, site.a), N, N, body, end);
        size_t first = (size_t)n - (sizeof end - 1) + behind;
        sim_say_n(&site.sim, site.a, text, first);
        assert_string_equal(sim_heard(&site.sim, site.b), "");
        sim_say_n(&site.sim, site.a, text + first, (size_t)n - first);
        way_gather(&site, site.b, &got, 200);
        assert_int_equal(got.n, N);
        assert_int_equal(got.chunks, 1);
        assert_true(got.is_complete);
        way_want_answer(&site, site.a, "tidx", 200);
        way_got_done(&got);
        way_done(&site);
    }
}

/* An id of ours never stands in the body, whatever the sender knows of our random source. row F8,
 * threat T20: the relay's own id is put into the body. */
static void test_smuggled(void **state)
{
    struct way_site site, twin;
    struct way_got got;
    char body[256], tid[64];

    (void)state;
    way_start(&twin, false);
    way_send(&twin, "tidx", "mmmm", "1-*/*", "", "x", 1, '$');
    way_tid(&twin, twin.b, tid);
    way_done(&twin);
    snprintf(body, sizeof body, "before\r\n-------%s$\r\nMSRP evil SEND\r\nbehind", tid);
    way_start(&site, false);
    way_send(&site, "tidx", "mmmm", "1-*/*", "", body, strlen(body), '$');
    assert_null(strstr(sim_heard(&site.sim, site.b), tid) == sim_heard(&site.sim, site.b) + 5
                    ? sim_heard(&site.sim, site.b)
                    : NULL);
    way_gather(&site, site.b, &got, 200);
    assert_int_equal(got.chunks, 1);
    assert_int_equal(got.n, strlen(body));
    assert_memory_equal(got.body, body, got.n);
    way_got_done(&got);
    way_done(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forward),  cmocka_unit_test(test_report_back),
        cmocka_unit_test(test_failures), cmocka_unit_test(test_lost_range),
        cmocka_unit_test(test_large),    cmocka_unit_test(test_end_line_late),
        cmocka_unit_test(test_smuggled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
