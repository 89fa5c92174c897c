/* core_refuse.c - what a refusal leaves behind: one count, one event with its words, the Warning;
 * and REPORTs. The answers themselves are compared in answers*.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "relay/core/machine.h"
#include "tests/relay/letter.h"

static const struct relay_event *last_refusal(const struct sim *sim)
{
    for (unsigned i = sim->events_n; i; i--)
        if (sim->events[(i - 1) % SIM_EVENTS_MAX].kind == RELAY_EVENT_REFUSED)
            return &sim->events[(i - 1) % SIM_EVENTS_MAX];
    return NULL;
}

static void test_event(void **state)
{
    struct sim sim;
    struct letter letter = LETTER("sip:nobody@iops.example", 1);

    (void)state;
    sim_init(&sim);
    sim.conf.signalling = RELAY_PROTECTION_ALLOWED;
    sim_start(&sim);
    unsigned c = sim_open_from(&sim, true, "192.0.2.9");
    assert_true(sim_login(&sim, c, SIM_ALICE));
    sim_clear_all(&sim);
    letter_send(&sim, c, &letter, "tid1", "mess1", "");
    const struct relay_event *event = last_refusal(&sim);
    assert_non_null(event);
    assert_int_equal(event->err, RELAY_E_SDS_ABSENT);
    assert_int_equal(event->status, 413);
    assert_int_equal(event->conn, c + 1);
    assert_string_equal(event->source, "192.0.2.9");
    assert_string_equal(event->user, SIM_ALICE);
    assert_string_equal(event->target, "sip:nobody@iops.example");
    assert_string_equal(event->tid, "tid1");
    assert_true(event->bytes > 0);
    /* the session appears as a short hash and never as itself */
    struct relay_conn *conn = relay_conn_find(sim.relay, c + 1);
    assert_int_equal(event->session, conn->sessions->hash);
    assert_null(memmem(event, sizeof *event, conn->sessions->id, 8));
    sim_done(&sim);
}

/* An error nobody has a row for is counted in the place behind the last, answered 400. */
static void test_unknown(void **state)
{
    struct sim sim;

    (void)state;
    sim_init(&sim);
    sim_start(&sim);
    unsigned c = sim_user(&sim, SIM_ALICE);
    relay_refuse(sim.relay, relay_conn_find(sim.relay, c + 1), -12345, 400, MSRP_STR("x"), 1);
    const struct relay_counts *counts = relay_counts(sim.relay);
    assert_int_equal(counts->refused[counts->refused_n], 1);
    for (size_t i = 0; i < counts->refused_n; i++)
        assert_int_equal(counts->refused[i], 0);
    sim_done(&sim);
}

static void test_report(void **state)
{
    static const struct {
        uint64_t start, end, total;
        int status, err;
        const char *lines;
    } rows[] = {
        {1, 500, 500, 200, 0, "Byte-Range: 1-500/500\r\nStatus: 000 200 OK\r\n"},
        {11, 20, UINT64_MAX, 408, 0, "Byte-Range: 11-20/*\r\nStatus: 000 408 Timeout\r\n"},
        {1, 0, 0, 413, 0, "Byte-Range: 1-0/0\r\nStatus: 000 413 Stop Sending This Message\r\n"},
        {1, 9, 9, 599, 0, "Byte-Range: 1-9/9\r\nStatus: 000 599\r\n"},
        {1, 9, 9, 403, RELAY_E_SDS_NOT_MEMBER,
         "Byte-Range: 1-9/9\r\nStatus: 000 403 Forbidden\r\n"
         "Warning: 399 " SIM_NAME " \"116 user is not part of the MCData group\"\r\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sim sim;
        char tid[64], want[1024];

        sim_init(&sim);
        sim_start(&sim);
        unsigned c = sim_user(&sim, SIM_ALICE);
        struct relay_report report = {
            .to_path = MSRP_STR("msrps://a.invalid:1/x;tcp msrps://b.invalid:2/y;tcp"),
            .from_uri = MSRP_STR("msrps://" SIM_NAME ":2855/z;tcp"),
            .message_id = MSRP_STR("mmmm"),
            .start = rows[i].start,
            .end = rows[i].end,
            .total = rows[i].total,
            .status = rows[i].status,
            .err = rows[i].err,
        };
        relay_conn_report(relay_conn_find(sim.relay, c + 1), &report);
        sim_pump(&sim);
        assert_int_equal(sscanf(sim_heard(&sim, c), "MSRP %40s REPORT\r\n", tid), 1);
        snprintf(
            want, sizeof want,
            "MSRP %s REPORT\r\nTo-Path: msrps://a.invalid:1/x;tcp msrps://b.invalid:2/y;tcp\r\n"
            "From-Path: msrps://" SIM_NAME ":2855/z;tcp\r\nMessage-ID: mmmm\r\n%s-------%s$\r\n",
            tid, rows[i].lines, tid);
        assert_string_equal(sim_heard(&sim, c), want);
        /* none to a connection that closes */
        sim_clear_all(&sim);
        sim_say(&sim, c, "x");
        relay_conn_report(relay_conn_find(sim.relay, c + 1), &report);
        sim_pump(&sim);
        assert_string_equal(sim_heard(&sim, c), "");
        sim_done(&sim);
    }
}

/* A peer that never reads cannot make us keep more than out_hard for it. */
static void test_hard_limit(void **state)
{
    struct sim sim;
    struct relay_report report = {
        .to_path = MSRP_STR("msrps://a.invalid:1/x;tcp"),
        .from_uri = MSRP_STR("msrps://" SIM_NAME ":2855/z;tcp"),
        .message_id = MSRP_STR("mmmm"),
        .start = 1,
        .end = 1,
        .total = 1,
        .status = 408,
    };

    (void)state;
    sim_init(&sim);
    sim.conf.out_hard = 100000;
    sim_start(&sim);
    unsigned c = sim_user(&sim, SIM_ALICE);
    sim.conns[c].is_deaf = true;
    struct relay_conn *conn = relay_conn_find(sim.relay, c + 1);
    for (int i = 0; i < 10000; i++)
        relay_conn_report(conn, &report);
    assert_true(conn->out.bytes <= 101000);
    sim_pass(&sim, 250);
    assert_true(sim.conns[c].is_closing);
    sim_done(&sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_event),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_report),
        cmocka_unit_test(test_hard_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
