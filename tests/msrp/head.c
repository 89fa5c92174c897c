/* head.c - tests of msrp/head.c. */
#include "tests/msrp/test.h"

#define START "MSRP abcd SEND\r\n"
#define END   "-------abcd$\r\n"

static const struct msrp_limits limits = MSRP_LIMITS_DEFAULT;

static int parse(struct msrp_head *head, const char *text, bool has_body)
{
    return msrp_head_parse(head, text, strlen(text), has_body, &limits);
}

/* row F1: start lines. */
static void f1_start_line(void **state)
{
    struct msrp_head h;

    (void)state;
    assert_int_equal(msrp_head_parse_start(&h, MSRP_STR("MSRP abcd 200")), 0);
    assert_true(h.is_response && h.code == 200 && h.comment.n == 0 && h.method == MSRP_NONE);
    assert_int_equal(msrp_head_parse_start(&h, MSRP_STR("MSRP abcd 481 No such")), 0);
    assert_true(h.code == 481 && msrp_str_is(h.comment, "No such"));
    assert_int_equal(msrp_head_parse_start(&h, MSRP_STR("MSRP abcd SEND")), 0);
    assert_true(!h.is_response && h.method == MSRP_SEND && msrp_str_is(h.tid, "abcd"));
    assert_int_equal(msrp_head_parse_start(&h, MSRP_STR("MSRP abcd REPORT")), 0);
    assert_int_equal(h.method, MSRP_REPORT);
    assert_int_equal(msrp_head_parse_start(&h, MSRP_STR("MSRP abcd AUTH")), 0);
    assert_int_equal(h.method, MSRP_AUTH);
    assert_int_equal(msrp_head_parse_start(&h, MSRP_STR("MSRP abcd NICKNAME")), 0);
    assert_true(h.method == MSRP_OTHER && msrp_str_is(h.method_text, "NICKNAME"));
    assert_int_equal(msrp_head_parse_start(&h, MSRP_STR("MSRP abcd")), MSRP_E_START_LINE);
    assert_int_equal(msrp_head_parse_start(&h, MSRP_STR("MSRP abcd ")), MSRP_E_START_LINE);
    assert_int_equal(msrp_head_parse_start(&h, MSRP_STR("MSRP abcd  SEND")), MSRP_E_START_LINE);
    assert_int_equal(msrp_head_parse_start(&h, MSRP_STR("MSRP abc")), MSRP_E_TID);
    assert_int_equal(msrp_head_parse_start(&h, MSRP_STR("MSRP  abcd SEND")), MSRP_E_TID);
    assert_int_equal(msrp_head_parse_start(&h, MSRP_STR("MSRPabcd SEND")), MSRP_E_PREFIX);
    assert_int_equal(msrp_head_parse_start(&h, MSRP_STR("")), MSRP_E_PREFIX);
    assert_int_equal(msrp_head_parse_start(&h, MSRP_STR("MSRP abcd SEND ")), MSRP_E_METHOD_FORM);
    assert_int_equal(msrp_head_parse_start(&h, MSRP_STR("MSRP abcd SE\rND")), MSRP_E_BARE_CR);
    assert_int_equal(msrp_head_parse_start(&h, MSRP_STR("MSRP abcd 200 \x01")), MSRP_E_CONTROL);
    assert_int_equal(msrp_head_parse_start(&h, MSRP_STR("MSRP abcd 200 \xff")), MSRP_E_UTF8);
    assert_int_equal(msrp_head_parse_start(&h, MSRP_STR("MSRP abcd 2000")), 0);
    assert_int_equal(h.err, MSRP_E_CODE);
    assert_int_equal(msrp_head_parse_start(&h, MSRP_STR("MSRP abcd 20x")), MSRP_E_METHOD_FORM);
    row_passed("F1");
}

/* row F9: what is written has To-Path, From-Path, the others, Content-Type last; on input the
 * answer table (row 9) asks for To-Path first and From-Path second, and wins; unknown headers are
 * tolerated and can be walked for forwarding. */
static void f9_order(void **state)
{
    struct msrp_str name, value;
    struct msrp_head h;
    size_t iter = 0;

    (void)state;
    assert_int_equal(parse(&h, START PATHS ID "X-One: 1\r\nX-Two: \r\nContent-Type: a/b\r\n", true),
                     0);
    assert_int_equal(h.err, 0);
    assert_true(msrp_head_next(&h, &iter, &name, &value) && msrp_str_is(name, "To-Path"));
    assert_true(msrp_head_next(&h, &iter, &name, &value) && msrp_str_is(name, "From-Path"));
    assert_true(msrp_head_next(&h, &iter, &name, &value) && msrp_str_is(value, "m123"));
    assert_true(msrp_head_next(&h, &iter, &name, &value) && msrp_str_is(name, "X-One"));
    assert_true(msrp_str_is(value, "1"));
    assert_true(msrp_head_next(&h, &iter, &name, &value) && msrp_str_is(name, "X-Two"));
    assert_int_equal(value.n, 0);
    assert_true(msrp_head_next(&h, &iter, &name, &value) && msrp_str_is(value, "a/b"));
    assert_false(msrp_head_next(&h, &iter, &name, &value));
    assert_true(msrp_head_find(&h, "x-one", &value) && msrp_str_is(value, "1"));
    assert_false(msrp_head_find(&h, "X-Three", &value));
    assert_int_equal(parse(&h, START FROM TO ID, false), MSRP_E_TO_NOT_FIRST);
    expect_plain(START PATHS ID "Content-Type: a/b\r\nX: y\r\n\r\nx\r\n" END, MSRP_E_TYPE_NOT_LAST);
    row_passed("F9");
}

/* row F10: names without case; `Name: value`; no folding. */
static void f10_names(void **state)
{
    struct msrp_head h;

    (void)state;
    assert_int_equal(parse(&h,
                           START "TO-PATH: msrp://a:1/s;tcp\r\nfrom-path: msrp://b:1/s;tcp\r\n"
                                 "MESSAGE-id: m123\r\nbyte-RANGE: 1-1/1\r\n",
                           false),
                     0);
    assert_int_equal(h.err, 0);
    assert_true(h.has_message_id && h.has_range);
    assert_int_equal(parse(&h, START PATHS "X: a\r\n b\r\n", false), MSRP_E_FOLDED);
    assert_int_equal(parse(&h, START PATHS "X:a\r\n", false), MSRP_E_COLON_SPACE);
    row_passed("F10");
}

/* row F16: values are UTF-8; quoted strings hold \\ and \" only. */
static void f16_utf8(void **state)
{
    struct msrp_head h;

    (void)state;
    assert_int_equal(parse(&h, START PATHS ID "X: \xe2\x82\xac\r\n", false), 0);
    assert_int_equal(parse(&h, START PATHS ID "X: \xe2\x82\r\n", false), MSRP_E_UTF8);
    expect_plain(START PATHS ID "Content-Type: a/b;c=\"d\\n\"\r\n\r\nx\r\n" END, MSRP_E_TYPE_FORM);
    expect_events(START PATHS ID "Content-Type: a/b;c=\"d\\\\\\\"\"\r\n\r\nx\r\n" END,
                  "HEAD SEND abcd to=1 from=1 id=m123 type=a/b;c=\"d\\\\\\\"\" body\nBODY 1 x\nEND "
                  "$\nCLEAN\n");
    row_passed("F16");
}

static void fields_of_auth(void **state)
{
    struct msrp_head h;

    (void)state;
    assert_int_equal(
        parse(&h, "MSRP abcd AUTH\r\n" PATHS "Authorization: Bearer x.y.z\r\nExpires: 900\r\n",
              false),
        0);
    assert_true(msrp_str_is(h.authorization, "Bearer x.y.z"));
    assert_true(h.expires.has && !h.expires.is_bad && h.expires.value == 900);
    assert_int_equal(parse(&h,
                           "MSRP abcd 423 x\r\n" PATHS
                           "Min-Expires: 60\r\nMax-Expires: 9999999999999999999\r\n"
                           "Use-Path: msrps://a:1/s;tcp\r\nWWW-Authenticate: Bearer a=\"b\"\r\n"
                           "WWW-Authenticate: Digest c=\"d\"\r\n",
                           false),
                     0);
    assert_int_equal(h.err, 0);
    assert_true(h.min_expires.value == 60 && h.max_expires.is_bad && !h.expires.has);
    assert_true(msrp_str_is(h.use_path, "msrps://a:1/s;tcp"));
    assert_true(msrp_str_is(h.www_authenticate, "Bearer a=\"b\""));
    assert_int_equal(
        parse(&h, "MSRP abcd AUTH\r\n" PATHS "Authorization: a\r\nAuthorization: b\r\n", false), 0);
    assert_int_equal(h.err, MSRP_E_DUP_HEADER);
    assert_int_equal(parse(&h, "MSRP abcd AUTH\r\n" PATHS "Expires: 1\r\nExpires: 2\r\n", false),
                     0);
    assert_int_equal(h.err, MSRP_E_DUP_HEADER);
}

/* row 56: the reader tells that Expires is no number; the answer is the relay's. */
static void bad_expires(void **state)
{
    static const char *bad[] = {"", "soon", "-1", "1.5", "0x10", "99999999999999999999"};

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        char text[256];
        struct msrp_head h;

        snprintf(text, sizeof(text), "MSRP abcd AUTH\r\n%sExpires: %s\r\n", PATHS, bad[i]);
        assert_int_equal(parse(&h, text, false), 0);
        assert_int_equal(h.err, 0);
        assert_true(h.expires.has && h.expires.is_bad && h.expires.value == 0);
    }
}

/* row 5 */
static void row_5(void **state)
{
    (void)state;
    for (int c = 0; c < 0x20; c++) {
        char wire[] = START PATHS "Message-ID: m1~23\r\n" END;
        struct trace *t;

        if (c == '\t') {
            continue; /* legal in a value, though not in an ident */
        }
        strchr(wire, '~')[0] = (char)c;
        t = trace_run(wire, sizeof(wire) - 1, NULL, trace_all, NULL);
        assert_int_equal(t->error, c == '\n'   ? MSRP_E_BARE_LF
                                   : c == '\r' ? MSRP_E_BARE_CR
                                               : MSRP_E_CONTROL);
        assert_true(t->is_answerable);
        trace_free(t);
    }
    expect_fatal(START PATHS "X: a\x7f\r\n" END, MSRP_E_CONTROL, true);
    expect_fatal("MSRP abcd SEND\n", MSRP_E_BARE_LF, false);
    row_passed("10.5");
}

/* row 7 */
static void row_7(void **state)
{
    (void)state;
    expect_fatal(START PATHS "X: a\r\n b\r\n" END, MSRP_E_FOLDED, true);
    expect_fatal(START PATHS "X: a\r\n\tb\r\n" END, MSRP_E_FOLDED, true);
    expect_fatal(START PATHS "X : a\r\n" END, MSRP_E_NAME_SPACE, true);
    expect_fatal(START PATHS "X\t: a\r\n" END, MSRP_E_NAME_SPACE, true);
    expect_fatal(START PATHS "X:a\r\n" END, MSRP_E_COLON_SPACE, true);
    expect_fatal(START PATHS "X:\ta\r\n" END, MSRP_E_COLON_SPACE, true);
    expect_fatal(START PATHS "X:\r\n" END, MSRP_E_COLON_SPACE, true);
    expect_fatal(START PATHS ": a\r\n" END, MSRP_E_NAME_EMPTY, true);
    expect_fatal(START PATHS "X\r\n" END, MSRP_E_COLON_NONE, true);
    expect_fatal(START PATHS "X y: a\r\n" END, MSRP_E_NAME_FORM, true);
    expect_fatal(START PATHS "1X: a\r\n" END, MSRP_E_NAME_FORM, true);
    expect_fatal(START PATHS "X\xc3\xa4: a\r\n" END, MSRP_E_NAME_FORM, true);
    expect_fatal(START PATHS "-------abce$\r\n", MSRP_E_NAME_FORM, true);
    expect_fatal(START "To-Path : msrp://a:1/s;tcp\r\n" FROM END, MSRP_E_NAME_SPACE, true);
    row_passed("10.7");
}

/* row 8 */
static void row_8(void **state)
{
    (void)state;
    expect_fatal(START PATHS "X: \xff\r\n" END, MSRP_E_UTF8, true);
    expect_fatal(START PATHS "X: \xed\xa0\x80\r\n" END, MSRP_E_UTF8, true);
    row_passed("10.8");
}

/* row 9 */
static void row_9(void **state)
{
    (void)state;
    expect_fatal(START END, MSRP_E_TO_NOT_FIRST, false);
    expect_fatal(START FROM TO ID END, MSRP_E_TO_NOT_FIRST, true);
    expect_fatal(START FROM ID END, MSRP_E_TO_NOT_FIRST, true);
    expect_fatal(START ID PATHS END, MSRP_E_TO_NOT_FIRST, true);
    expect_fatal(START TO ID END, MSRP_E_FROM_NOT_SECOND, false);
    expect_fatal(START TO END, MSRP_E_FROM_NOT_SECOND, false);
    expect_fatal(START TO ID FROM END, MSRP_E_FROM_NOT_SECOND, true);
    expect_fatal(START TO TO FROM ID END, MSRP_E_FROM_NOT_SECOND, true);
    expect_fatal(START TO "From-Path: x\r\n" ID END, MSRP_E_FROM_URI, false);
    expect_fatal(START ID "From-Path: x\r\n" ID END, MSRP_E_TO_NOT_FIRST, false);
    assert_int_equal(msrp_err_status(MSRP_E_FROM_URI), 0);
    row_passed("10.9");
}

/* row 10 */
static void row_10(void **state)
{
    static const struct {
        const char *twice;
        const char *start;
        int err;
    } rows[] = {
        {TO, START, MSRP_E_DUP_TO},
        {FROM, START, MSRP_E_DUP_FROM},
        {ID, START, MSRP_E_DUP_MESSAGE_ID},
        {"Byte-Range: 1-1/1\r\nByte-Range: 1-1/1\r\n", START, MSRP_E_DUP_RANGE},
        {"Success-Report: no\r\nSuccess-Report: no\r\n", START, MSRP_E_DUP_SUCCESS},
        {"Failure-Report: no\r\nfailure-report: yes\r\n", START, MSRP_E_DUP_FAILURE},
        {"Content-Type: a/b\r\nContent-Type: a/b\r\n", START, MSRP_E_DUP_TYPE},
        {"Status: 000 200\r\nStatus: 000 413\r\n", "MSRP abcd REPORT\r\n", MSRP_E_DUP_STATUS},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char wire[512];
        bool has_body = rows[i].err == MSRP_E_DUP_TYPE;

        snprintf(wire, sizeof(wire), "%s" PATHS ID "%s%s" END, rows[i].start, rows[i].twice,
                 has_body ? "\r\nx\r\n" : "");
        expect_plain(wire, rows[i].err);
        assert_int_equal(msrp_err_status(rows[i].err), 400);
    }
    row_passed("10.10");
}

/* row 11 */
static void row_11(void **state)
{
    (void)state;
    expect_events(START PATHS ID "Warning: 399 x \"y\"\r\nX-a!#$%&'*+-.^_`|~: : \r\n" END,
                  "HEAD SEND abcd to=1 from=1 id=m123\nEND $\nCLEAN\n");
    row_passed("10.11");
}

/* row 22 */
static void row_22(void **state)
{
    (void)state;
    expect_plain(START PATHS END, MSRP_E_MESSAGE_ID_NONE);
    expect_plain(START PATHS "Message-ID: m12\r\n" END, MSRP_E_MESSAGE_ID);
    expect_plain(START PATHS "Message-ID: \r\n" END, MSRP_E_MESSAGE_ID);
    expect_plain(START PATHS "Message-ID: m12/\r\n" END, MSRP_E_MESSAGE_ID);
    expect_plain(START PATHS "Message-ID:  m123\r\n" END, MSRP_E_MESSAGE_ID);
    expect_plain(START PATHS "Message-ID: m123 \r\n" END, MSRP_E_MESSAGE_ID);
    expect_plain(START PATHS "Message-ID: 123456789012345678901234567890123\r\n" END,
                 MSRP_E_MESSAGE_ID);
    row_passed("10.22");
}

/* row 23 */
static void row_23(void **state)
{
    (void)state;
    expect_plain(START PATHS ID "\r\nx\r\n" END, MSRP_E_TYPE_NONE);
    expect_plain(START PATHS ID "\r\n\r\n" END, MSRP_E_TYPE_NONE);
    expect_plain(START PATHS ID "Content-Type: a/b\r\nX: y\r\n\r\nx\r\n" END, MSRP_E_TYPE_NOT_LAST);
    expect_plain(START PATHS ID "Content-Type: a/b\r\n" END, MSRP_E_MIME_NO_BODY);
    expect_plain(START PATHS ID "Content-ID: <a>\r\n" END, MSRP_E_MIME_NO_BODY);
    row_passed("10.23");
}

/* rows 24 and C12 */
static void row_24(void **state)
{
    (void)state;
    expect_plain(START PATHS ID "Content-Transfer-Encoding: base64\r\n" PLAIN "x\r\n" END,
                 MSRP_E_ENCODING);
    expect_plain(START PATHS ID "content-transfer-encoding: binary\r\n" PLAIN "x\r\n" END,
                 MSRP_E_ENCODING);
    row_passed("10.24");
    row_passed("C12");
}

/* row 27 */
static void row_27(void **state)
{
    static const char *bad[] = {
        "Success-Report: partial", "Success-Report: ",      "Success-Report: yess",
        "Success-Report: yes ",    "Failure-Report: maybe", "Failure-Report: ",
        "Failure-Report:  no",     "Failure-Report: true"};

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        char wire[512];

        snprintf(wire, sizeof(wire), START PATHS ID "%s\r\n" END, bad[i]);
        expect_plain(wire, bad[i][0] == 'S' ? MSRP_E_SUCCESS_VALUE : MSRP_E_FAILURE_VALUE);
    }
    row_passed("10.27");
}

/* row 48, as far as a reader sees it: told as plain faults without status, never answered. */
static void row_48(void **state)
{
    static const char report[] = "MSRP abcd REPORT\r\n" PATHS ID;
    struct msrp_head h;
    char wire[512];

    (void)state;
    snprintf(wire, sizeof(wire), "%s" END, report);
    expect_plain(wire, MSRP_E_STATUS_NONE);
    snprintf(wire, sizeof(wire), "%sStatus: 000 200\r\nFailure-Report: no\r\n" END, report);
    expect_plain(wire, MSRP_E_REPORT_FLAGS);
    snprintf(wire, sizeof(wire), "%sStatus: 000\r\n" END, report);
    expect_plain(wire, MSRP_E_STATUS_FORM);
    snprintf(wire, sizeof(wire), "%sStatus: 0000 200\r\n" END, report);
    expect_plain(wire, MSRP_E_STATUS_FORM);
    snprintf(wire, sizeof(wire), "%sStatus: 000 20x\r\n" END, report);
    expect_plain(wire, MSRP_E_STATUS_FORM);
    snprintf(wire, sizeof(wire), "%sStatus: 000 200 OK then\r\n", report);
    assert_int_equal(parse(&h, wire, false), 0);
    assert_true(h.has_status && h.status.space == 0 && h.status.code == 200);
    assert_true(msrp_str_is(h.status.text, "OK then"));
    row_passed("10.48");
}

/* trap 7: yes, no and partial are read in any case. */
static void report_tokens_in_any_case(void **state)
{
    struct msrp_head h;

    (void)state;
    assert_int_equal(parse(&h, START PATHS ID "Failure-Report: PARTIAL\r\n", false), 0);
    assert_int_equal(h.err, 0);
    assert_int_equal(h.failure_report, MSRP_PARTIAL);
    assert_int_equal(
        parse(&h, START PATHS ID "Failure-Report: No\r\nSuccess-Report: yeS\r\n", false), 0);
    assert_int_equal(h.err, 0);
    assert_int_equal(h.failure_report, MSRP_NO);
    assert_int_equal(h.success_report, MSRP_YES);
}

/* The whole is refused when a line of it holds what only a reader would have caught. */
static void parsed_by_itself(void **state)
{
    struct msrp_str value;
    struct msrp_head h;

    (void)state;
    assert_int_equal(parse(&h, "", false), MSRP_E_PREFIX);
    assert_int_equal(parse(&h, "MSRP abcd SEND", false), MSRP_E_TO_NOT_FIRST);
    assert_int_equal(parse(&h, START PATHS "\r\n" ID, false), MSRP_E_COLON_NONE);
    assert_int_equal(msrp_head_parse_start(&h, MSRP_STR("MSRP abcd SEND\nX")), MSRP_E_BARE_LF);
    assert_int_equal(msrp_head_salvage(&h, START TO, sizeof(START TO) - 1, &limits), 0);
    assert_int_equal(h.from.count, 0);
    assert_false(msrp_head_find(&h, "From-Path", &value));
}

/* Caps hold for a head that is parsed by itself as well. */
static void caps(void **state)
{
    struct msrp_limits small = limits;
    static const char text[] = START PATHS ID "X: y\r\n";
    struct msrp_head h;

    (void)state;
    assert_int_equal(msrp_head_parse(&h, text, sizeof(text) - 1, false, &small), 0);
    small.headers = 3;
    assert_int_equal(msrp_head_parse(&h, text, sizeof(text) - 1, false, &small),
                     MSRP_E_HEADERS_MANY);
    small = limits;
    small.block = sizeof(text) - 2;
    assert_int_equal(msrp_head_parse(&h, text, sizeof(text) - 1, false, &small), MSRP_E_BLOCK_LONG);
    small = limits;
    small.line = 38;
    assert_int_equal(msrp_head_parse(&h, text, sizeof(text) - 1, false, &small), MSRP_E_LINE_LONG);
    small = limits;
    small.uri = 30;
    assert_int_equal(msrp_head_parse(&h, text, sizeof(text) - 1, false, &small), MSRP_E_FROM_URI);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f1_start_line),
        cmocka_unit_test(f9_order),
        cmocka_unit_test(f10_names),
        cmocka_unit_test(f16_utf8),
        cmocka_unit_test(fields_of_auth),
        cmocka_unit_test(bad_expires),
        cmocka_unit_test(row_5),
        cmocka_unit_test(row_7),
        cmocka_unit_test(row_8),
        cmocka_unit_test(row_9),
        cmocka_unit_test(row_10),
        cmocka_unit_test(row_11),
        cmocka_unit_test(row_22),
        cmocka_unit_test(row_23),
        cmocka_unit_test(row_24),
        cmocka_unit_test(row_27),
        cmocka_unit_test(row_48),
        cmocka_unit_test(parsed_by_itself),
        cmocka_unit_test(report_tokens_in_any_case),
        cmocka_unit_test(caps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
