/* report.c - tests of msrp/report.c: every cell of the table, and what the RFCs say of it. */
#include "tests/msrp/test.h"

enum { N = 0, A = MSRP_DUTY_ANSWER, T = MSRP_DUTY_TIMER, R = MSRP_DUTY_REPORT };

/* The table once more, read off the texts cell by cell.
 *
 * TAKEN      75#7.2: "yes" or absent: immediately a response. 75#7.1.4: partial: no 200; no: no
 *            response. 76#6.4.1: a relay responds immediately, too.
 * REFUSED    75#7.1.4: yes: the error code in the response; partial: a response that is not a 200;
 *            no: neither response nor REPORT. A REPORT beside the response would tell it twice.
 * DROPPED    76#6.3: discarded, a REPORT may be sent; never for no. Rows 17 and 18.
 * PASSED     76#6.4.1: yes: the timer. 76#3: not yes: no need for it. 75#7.1.1: partial: none.
 * NEXT_OK    76#6.4.3: the transaction is over; only a response that is not a 200 is told.
 * NEXT_BAD   76#6.4.3: a value other than no: a REPORT.
 * SILENCE    76#6.4.1: after 30 seconds a REPORT 408; it comes of the timer that only yes runs.
 * LOST       76#6.4.1: yes or partial, and a problem: a REPORT.
 * DELIVERED  75#7.1.3: a success REPORT for yes, never for no or absent. */
static const struct cell {
    const char *name;
    enum msrp_fate fate;
    enum msrp_asked success, failure;
    unsigned duty;
} cells[] = {
    {"taken: success no, failure yes", MSRP_FATE_TAKEN, MSRP_NO, MSRP_YES, A},
    {"taken: success no, failure partial", MSRP_FATE_TAKEN, MSRP_NO, MSRP_PARTIAL, N},
    {"taken: success no, failure no", MSRP_FATE_TAKEN, MSRP_NO, MSRP_NO, N},
    {"taken: success yes, failure yes", MSRP_FATE_TAKEN, MSRP_YES, MSRP_YES, A},
    {"taken: success yes, failure partial", MSRP_FATE_TAKEN, MSRP_YES, MSRP_PARTIAL, N},
    {"taken: success yes, failure no", MSRP_FATE_TAKEN, MSRP_YES, MSRP_NO, N},
    {"refused: success no, failure yes", MSRP_FATE_REFUSED, MSRP_NO, MSRP_YES, A},
    {"refused: success no, failure partial", MSRP_FATE_REFUSED, MSRP_NO, MSRP_PARTIAL, A},
    {"refused: success no, failure no", MSRP_FATE_REFUSED, MSRP_NO, MSRP_NO, N},
    {"refused: success yes, failure yes", MSRP_FATE_REFUSED, MSRP_YES, MSRP_YES, A},
    {"refused: success yes, failure partial", MSRP_FATE_REFUSED, MSRP_YES, MSRP_PARTIAL, A},
    {"refused: success yes, failure no", MSRP_FATE_REFUSED, MSRP_YES, MSRP_NO, N},
    {"dropped: success no, failure yes", MSRP_FATE_DROPPED, MSRP_NO, MSRP_YES, R},
    {"dropped: success no, failure partial", MSRP_FATE_DROPPED, MSRP_NO, MSRP_PARTIAL, R},
    {"dropped: success no, failure no", MSRP_FATE_DROPPED, MSRP_NO, MSRP_NO, N},
    {"dropped: success yes, failure yes", MSRP_FATE_DROPPED, MSRP_YES, MSRP_YES, R},
    {"dropped: success yes, failure partial", MSRP_FATE_DROPPED, MSRP_YES, MSRP_PARTIAL, R},
    {"dropped: success yes, failure no", MSRP_FATE_DROPPED, MSRP_YES, MSRP_NO, N},
    {"passed: success no, failure yes", MSRP_FATE_PASSED, MSRP_NO, MSRP_YES, T},
    {"passed: success no, failure partial", MSRP_FATE_PASSED, MSRP_NO, MSRP_PARTIAL, N},
    {"passed: success no, failure no", MSRP_FATE_PASSED, MSRP_NO, MSRP_NO, N},
    {"passed: success yes, failure yes", MSRP_FATE_PASSED, MSRP_YES, MSRP_YES, T},
    {"passed: success yes, failure partial", MSRP_FATE_PASSED, MSRP_YES, MSRP_PARTIAL, N},
    {"passed: success yes, failure no", MSRP_FATE_PASSED, MSRP_YES, MSRP_NO, N},
    {"next ok: success no, failure yes", MSRP_FATE_NEXT_OK, MSRP_NO, MSRP_YES, N},
    {"next ok: success no, failure partial", MSRP_FATE_NEXT_OK, MSRP_NO, MSRP_PARTIAL, N},
    {"next ok: success no, failure no", MSRP_FATE_NEXT_OK, MSRP_NO, MSRP_NO, N},
    {"next ok: success yes, failure yes", MSRP_FATE_NEXT_OK, MSRP_YES, MSRP_YES, N},
    {"next ok: success yes, failure partial", MSRP_FATE_NEXT_OK, MSRP_YES, MSRP_PARTIAL, N},
    {"next ok: success yes, failure no", MSRP_FATE_NEXT_OK, MSRP_YES, MSRP_NO, N},
    {"next bad: success no, failure yes", MSRP_FATE_NEXT_BAD, MSRP_NO, MSRP_YES, R},
    {"next bad: success no, failure partial", MSRP_FATE_NEXT_BAD, MSRP_NO, MSRP_PARTIAL, R},
    {"next bad: success no, failure no", MSRP_FATE_NEXT_BAD, MSRP_NO, MSRP_NO, N},
    {"next bad: success yes, failure yes", MSRP_FATE_NEXT_BAD, MSRP_YES, MSRP_YES, R},
    {"next bad: success yes, failure partial", MSRP_FATE_NEXT_BAD, MSRP_YES, MSRP_PARTIAL, R},
    {"next bad: success yes, failure no", MSRP_FATE_NEXT_BAD, MSRP_YES, MSRP_NO, N},
    {"silence: success no, failure yes", MSRP_FATE_SILENCE, MSRP_NO, MSRP_YES, R},
    {"silence: success no, failure partial", MSRP_FATE_SILENCE, MSRP_NO, MSRP_PARTIAL, N},
    {"silence: success no, failure no", MSRP_FATE_SILENCE, MSRP_NO, MSRP_NO, N},
    {"silence: success yes, failure yes", MSRP_FATE_SILENCE, MSRP_YES, MSRP_YES, R},
    {"silence: success yes, failure partial", MSRP_FATE_SILENCE, MSRP_YES, MSRP_PARTIAL, N},
    {"silence: success yes, failure no", MSRP_FATE_SILENCE, MSRP_YES, MSRP_NO, N},
    {"lost: success no, failure yes", MSRP_FATE_LOST, MSRP_NO, MSRP_YES, R},
    {"lost: success no, failure partial", MSRP_FATE_LOST, MSRP_NO, MSRP_PARTIAL, R},
    {"lost: success no, failure no", MSRP_FATE_LOST, MSRP_NO, MSRP_NO, N},
    {"lost: success yes, failure yes", MSRP_FATE_LOST, MSRP_YES, MSRP_YES, R},
    {"lost: success yes, failure partial", MSRP_FATE_LOST, MSRP_YES, MSRP_PARTIAL, R},
    {"lost: success yes, failure no", MSRP_FATE_LOST, MSRP_YES, MSRP_NO, N},
    {"delivered: success no, failure yes", MSRP_FATE_DELIVERED, MSRP_NO, MSRP_YES, N},
    {"delivered: success no, failure partial", MSRP_FATE_DELIVERED, MSRP_NO, MSRP_PARTIAL, N},
    {"delivered: success no, failure no", MSRP_FATE_DELIVERED, MSRP_NO, MSRP_NO, N},
    {"delivered: success yes, failure yes", MSRP_FATE_DELIVERED, MSRP_YES, MSRP_YES, R},
    {"delivered: success yes, failure partial", MSRP_FATE_DELIVERED, MSRP_YES, MSRP_PARTIAL, R},
    {"delivered: success yes, failure no", MSRP_FATE_DELIVERED, MSRP_YES, MSRP_NO, R},
};

/* One cell, under every spelling of its two columns. */
static void cell(void **state)
{
    const struct cell *c = *state;

    assert_int_equal(msrp_report_duty(c->fate, c->success, c->failure), c->duty);
    if (c->success == MSRP_NO) {
        assert_int_equal(msrp_report_duty(c->fate, MSRP_ABSENT, c->failure), c->duty);
        assert_int_equal(msrp_report_duty(c->fate, MSRP_PARTIAL, c->failure), c->duty);
    }
    if (c->failure == MSRP_YES) {
        assert_int_equal(msrp_report_duty(c->fate, c->success, MSRP_ABSENT), c->duty);
        if (c->success == MSRP_NO) {
            assert_int_equal(msrp_report_duty(c->fate, MSRP_ABSENT, MSRP_ABSENT), c->duty);
        }
    }
}

/* Every cell stands in the test, and once. */
static void all_cells(void **state)
{
    (void)state;
    assert_int_equal(COUNT(cells), MSRP_FATES * 2 * 3);
    for (size_t i = 0; i < COUNT(cells); i++) {
        for (size_t k = 0; k < i; k++) {
            assert_false(cells[i].fate == cells[k].fate && cells[i].success == cells[k].success &&
                         cells[i].failure == cells[k].failure);
        }
    }
}

/* A SEND with these report headers, read off the wire; "" for none. */
static struct msrp_head head_of(const char *method, const char *lines)
{
    static const struct msrp_limits limits = MSRP_LIMITS_DEFAULT;
    static char wire[512];
    struct msrp_head head;

    snprintf(wire, sizeof(wire), "MSRP abcd %s\r\n" PATHS "%s%s", method,
             strcmp(method, "SEND") == 0 ? ID : "", lines);
    assert_int_equal(msrp_head_parse(&head, wire, strlen(wire), false, &limits), 0);
    return head;
}

static unsigned duty(enum msrp_fate fate, const char *lines)
{
    struct msrp_head head = head_of("SEND", lines);

    assert_int_equal(head.err, 0);
    return msrp_report_duty(fate, head.success_report, head.failure_report);
}

static bool is_answered(const char *method, const char *lines, int code)
{
    struct msrp_head head = head_of(method, lines);

    return msrp_report_is_answered(&head, code);
}

/* rfc4975#7.1.1: absent is no and yes; row b8.6: the relay rules say yes and mean absent, too. */
static void p1_defaults(void **state)
{
    (void)state;
    assert_int_equal(duty(MSRP_FATE_TAKEN, ""), A);
    assert_int_equal(duty(MSRP_FATE_PASSED, ""), T);
    assert_int_equal(duty(MSRP_FATE_SILENCE, ""), R);
    assert_int_equal(duty(MSRP_FATE_DELIVERED, ""), N);
    assert_int_equal(duty(MSRP_FATE_DELIVERED, "Success-Report: no\r\n"), N);
    assert_int_equal(duty(MSRP_FATE_DELIVERED, "Success-Report: yes\r\n"), R);
    row_passed("P1");
    row_passed("b8.6");
}

/* rfc4975#7.2 */
static void p2_answered_at_once(void **state)
{
    (void)state;
    assert_true(is_answered("SEND", "Failure-Report: yes\r\n", 200));
    assert_true(is_answered("SEND", "Failure-Report: yes\r\n", 413));
    assert_true(is_answered("SEND", "", 200));
    assert_true(is_answered("SEND", "", 415));
    assert_true(is_answered("SEND", "Success-Report: yes\r\n", 200));
    row_passed("P2");
}

/* rfc4975#7.1.4 */
static void p3_no_and_partial(void **state)
{
    (void)state;
    assert_false(is_answered("SEND", "Failure-Report: no\r\n", 200));
    assert_false(is_answered("SEND", "Failure-Report: no\r\n", 413));
    assert_false(is_answered("SEND", "Success-Report: yes\r\nFailure-Report: no\r\n", 481));
    assert_false(is_answered("SEND", "Failure-Report: partial\r\n", 200));
    assert_true(is_answered("SEND", "Failure-Report: partial\r\n", 400));
    /* no: nothing about a failure in any fate */
    for (int fate = 0; fate < MSRP_FATES; fate++) {
        assert_int_equal(duty((enum msrp_fate)fate, "Failure-Report: no\r\n"), N);
    }
    row_passed("P3");
}

/* rfc4975#7.1.1: the timer is for yes; partial has none. */
static void p4_timer(void **state)
{
    (void)state;
    assert_int_equal(duty(MSRP_FATE_PASSED, "Failure-Report: yes\r\n"), T);
    assert_int_equal(duty(MSRP_FATE_PASSED, "Failure-Report: partial\r\n"), N);
    assert_int_equal(duty(MSRP_FATE_PASSED, "Failure-Report: no\r\n"), N);
    assert_int_equal(duty(MSRP_FATE_SILENCE, "Failure-Report: partial\r\n"), N);
    row_passed("P4");
}

/* rfc4976#6.4.1: the answer goes to the previous hop when the fragment has come, and nothing is
 * said any more when the next hop has taken it. */
static void r6_hop_by_hop(void **state)
{
    (void)state;
    assert_int_equal(duty(MSRP_FATE_TAKEN, "Failure-Report: yes\r\n"), A);
    assert_int_equal(duty(MSRP_FATE_NEXT_OK, "Failure-Report: yes\r\n"), N);
    assert_int_equal(duty(MSRP_FATE_NEXT_OK, "Success-Report: yes\r\n"), N);
}

/* rfc4976#6.4.1: silence is told by a REPORT, never by an answer: that was a 200 long ago. */
static void r7_silence(void **state)
{
    (void)state;
    assert_int_equal(duty(MSRP_FATE_SILENCE, ""), R);
    assert_int_equal(duty(MSRP_FATE_SILENCE, "Failure-Report: yes\r\n"), R);
    assert_int_equal(duty(MSRP_FATE_SILENCE, "Success-Report: yes\r\n"), R);
}

/* rfc4976#6.4.1, #6.4.3 */
static void r8_trouble(void **state)
{
    static const enum msrp_fate troubles[] = {MSRP_FATE_NEXT_BAD, MSRP_FATE_LOST,
                                              MSRP_FATE_DROPPED};

    (void)state;
    for (size_t i = 0; i < COUNT(troubles); i++) {
        assert_int_equal(duty(troubles[i], ""), R);
        assert_int_equal(duty(troubles[i], "Failure-Report: yes\r\n"), R);
        assert_int_equal(duty(troubles[i], "Failure-Report: partial\r\n"), R);
        assert_int_equal(duty(troubles[i], "Failure-Report: no\r\n"), N);
        assert_int_equal(duty(troubles[i], "Success-Report: yes\r\nFailure-Report: no\r\n"), N);
    }
}

/* rfc4975#7.1.2, G2: a REPORT is never answered, nor is a response. */
static void never_answered(void **state)
{
    struct msrp_head head;

    (void)state;
    for (int code = 200; code <= 506; code++) {
        head = head_of("REPORT", "Message-ID: m123\r\nStatus: 000 200 OK\r\n");
        assert_false(msrp_report_is_answered(&head, code));
        head.failure_report = MSRP_YES; /* even if it asks */
        assert_false(msrp_report_is_answered(&head, code));
        head = head_of("200 OK", "");
        assert_true(head.is_response);
        assert_false(msrp_report_is_answered(&head, code));
    }
}

/* Other methods: a 200 always, a refusal unless no is said (G1). */
static void other_methods(void **state)
{
    static const char *methods[] = {"AUTH", "NICKNAME"};

    (void)state;
    for (size_t i = 0; i < COUNT(methods); i++) {
        assert_true(is_answered(methods[i], "", 200));
        assert_true(is_answered(methods[i], "", 401));
        assert_true(is_answered(methods[i], "Failure-Report: yes\r\n", 501));
        assert_true(is_answered(methods[i], "Failure-Report: partial\r\n", 200));
        assert_true(is_answered(methods[i], "Failure-Report: partial\r\n", 501));
        assert_true(is_answered(methods[i], "Failure-Report: no\r\n", 200));
        assert_false(is_answered(methods[i], "Failure-Report: no\r\n", 501));
    }
}

int main(void)
{
    static const struct CMUnitTest rules[] = {
        cmocka_unit_test(all_cells),
        cmocka_unit_test(p1_defaults),
        cmocka_unit_test(p2_answered_at_once),
        cmocka_unit_test(p3_no_and_partial),
        cmocka_unit_test(p4_timer),
        cmocka_unit_test(r6_hop_by_hop),
        cmocka_unit_test(r7_silence),
        cmocka_unit_test(r8_trouble),
        cmocka_unit_test(never_answered),
        cmocka_unit_test(other_methods),
    };
    static struct CMUnitTest tests[COUNT(cells)];

    for (size_t i = 0; i < COUNT(cells); i++) {
        tests[i] = (struct CMUnitTest){cells[i].name, cell, NULL, NULL, (void *)&cells[i]};
    }
    return cmocka_run_group_tests(tests, NULL, NULL) + cmocka_run_group_tests(rules, NULL, NULL);
}
