/* reader.c - tests of msrp/reader.c. */
#include "tests/msrp/test.h"

#define START "MSRP abcd SEND\r\n"
#define END   "-------abcd$\r\n"
#define HEAD  "HEAD SEND abcd to=1 from=1 id=m123 type=text/plain body\n"

/* A SEND with this body (octets) under this tid; caller frees. */
static char *frame_of(const char *tid, struct msrp_str body, size_t *n)
{
    char *wire = malloc(body.n + 512);
    struct msrp_writer w;

    msrp_writer_init(&w, wire, body.n + 512);
    msrp_writer_request(&w, msrp_str_of(tid), "SEND");
    msrp_writer_text(&w, PATHS ID PLAIN);
    msrp_writer_put(&w, body);
    msrp_writer_end(&w, msrp_str_of(tid), '$', true);
    *n = w.n;
    return wire;
}

/* The body comes out of the reader as it went in. */
static void expect_body(const char *tid, struct msrp_str body)
{
    size_t n, by = 1;
    char *wire = frame_of(tid, body, &n);
    struct trace *t = trace_run(wire, n, NULL, trace_all, NULL), *u;
    struct trace *want = calloc(1, sizeof(*want));

    trace_put(want, "HEAD SEND %s to=1 from=1 id=m123 type=text/plain body\n", tid);
    want->body = malloc(body.n + 1);
    memcpy(want->body, body.p, body.n);
    want->body_n = body.n;
    trace_body_flush(want);
    trace_put(want, "END $\nCLEAN\n");
    assert_string_equal(t->text, want->text);
    u = trace_run(wire, n, NULL, trace_by, &by);
    assert_string_equal(u->text, want->text);
    trace_free(u);
    trace_free(t);
    trace_free(want);
    free(wire);
}

/* row F4: seven dashes, the same id, one flag, CRLF; all of it or nothing. */
static void f4_end_line(void **state)
{
    static const char *body[] = {"x\r\n-------abcd+$\r\ny",
                                 "x\r\n-------abc$\r\ny",
                                 "x\r\n-------abcd\r\ny",
                                 "x\r\n-------abcd$y",
                                 "x\r\n-------abcd$\ry",
                                 "x\r\n-------abcd$\ny",
                                 "x\r\n-------abcd$X\ny",
                                 "x\r\n-------abcd$\rXy",
                                 "x\r\n-------abcd$ \r\ny",
                                 "x\r\n-------abcd$$\r\ny",
                                 "x\r\n------abcd$\r\ny",
                                 "x\r\n--------abcd$\r\ny",
                                 "x\r\n-------ABCD$\r\ny",
                                 "x\r\n-------abcd-\r\ny",
                                 "x\n-------abcd$\r\ny",
                                 "x\r-------abcd$\r\ny",
                                 "x-------abcd$\r\ny",
                                 "-------abcd$\r\n",
                                 "x\r\n -------abcd$\r\ny",
                                 "x\r\n-------abcd",
                                 "x\r\n-------abcd$\r",
                                 "x\r\n",
                                 "x\r\n-------",
                                 "\r\n\r\n\r\n-------abc\r",
                                 "\r\r\r\r"};

    (void)state;
    for (size_t i = 0; i < COUNT(body); i++) {
        expect_body("abcd", msrp_str_of(body[i]));
    }
    expect_body("abcd+", MSRP_STR("x\r\n-------abcd+\r\n-------abcd$\r\n-------abcd+-\r\ny"));
    expect_body("a---", MSRP_STR("-------\r\n-------a---\r\n-------a----\r\n"));
    for (const char *flag = "$+#"; *flag; flag++) {
        char wire[512], events[512];

        snprintf(wire, sizeof(wire), START PATHS ID PLAIN "x\r\n-------abcd%c\r\n", *flag);
        snprintf(events, sizeof(events), HEAD "BODY 1 x\nEND %c\nCLEAN\n", *flag);
        expect_events(wire, events);
    }
    row_passed("F4");
}

/* row F5: blank line, body, CRLF that is not body, end-line; without body neither. */
static void f5_body_or_not(void **state)
{
    (void)state;
    expect_events(START PATHS ID PLAIN "x\r\n\r\n" END, HEAD "BODY 3 x\\r\\n\nEND $\nCLEAN\n");
    expect_events(START PATHS ID END, "HEAD SEND abcd to=1 from=1 id=m123\nEND $\nCLEAN\n");
    /* the blank line's CRLF is not the end-line's */
    expect_events(START PATHS ID PLAIN END, HEAD "BODY 12 -------abcd$\nOPEN 2\n");
    expect_plain(START PATHS ID "Content-Type: a/b\r\n" END, MSRP_E_MIME_NO_BODY);
    row_passed("F5");
}

/* row F6: an empty body is not an absent one. */
static void f6_empty_body(void **state)
{
    (void)state;
    expect_events(START PATHS ID PLAIN "\r\n" END, HEAD "END $\nCLEAN\n");
    expect_events(START PATHS ID END, "HEAD SEND abcd to=1 from=1 id=m123\nEND $\nCLEAN\n");
    row_passed("F6");
}

/* row F7: eight bits clean; only the own id ends it. */
static void f7_clean(void **state)
{
    char all[3 * 256], noise[5000];
    uint32_t seed = 7;

    (void)state;
    for (size_t i = 0; i < 256; i++) {
        all[i] = (char)i;
        all[256 + i] = (char)(255 - i);
        all[512 + i] = (char)(i % 2 ? '\r' : '\n');
    }
    expect_body("abcd", (struct msrp_str){all, sizeof(all)});
    for (size_t i = 0; i < 256; i++) {
        expect_body("abcd", (struct msrp_str){all + i, 1});
    }
    /* octets that an end-line is made of, in any order */
    for (size_t i = 0; i < sizeof(noise); i++) {
        seed = seed * 1664525u + 1013904223u;
        noise[i] = "\r\n-abcd$"[(seed >> 20) % 8];
    }
    expect_body("abcd", (struct msrp_str){noise, sizeof(noise)});
    expect_body("abcd", MSRP_STR("MSRP abcd SEND\r\n" PATHS ID "-------abce$\r\n"));
    row_passed("F7");
}

/* rows F11 and 49: bodies of other methods. */
static void f11_other_methods(void **state)
{
    static const char *methods[] = {"REPORT", "AUTH", "NICKNAME"};
    static const size_t sizes[] = {10239, 10240, 10241, 16383, 16384, 16385, 40000};
    char *wire = malloc(60000);

    (void)state;
    for (size_t m = 0; m < COUNT(methods); m++) {
        bool is_report = m == 0;

        for (size_t i = 0; i < COUNT(sizes); i++) {
            size_t by[] = {SIZE_MAX, 1000, 77}, n;

            n = (size_t)sprintf(wire, "MSRP abcd %s\r\n" PATHS ID "%s" PLAIN, methods[m],
                                is_report ? "Status: 000 200\r\n" : "");
            memset(wire + n, 'x', sizes[i]);
            n += sizes[i];
            n += (size_t)sprintf(wire + n, "\r\n" END);
            for (size_t k = 0; k < COUNT(by); k++) {
                struct trace *t = trace_run(wire, n, NULL, trace_by, &by[k]);
                bool is_huge = sizes[i] > 16384, is_long = sizes[i] > 10240;

                assert_int_equal(t->error, is_huge ? MSRP_E_BODY_HUGE : 0);
                assert_int_equal(t->frames, is_huge ? 0 : 1);
                assert_int_equal(t->last_err, is_long && !is_huge ? MSRP_E_BODY_LONG : 0);
                assert_int_equal(t->is_answerable, is_huge && !is_report);
                if (is_huge) {
                    assert_non_null(strstr(t->text, "BODY 16384 ")); /* whatever the split */
                }
                trace_free(t);
            }
        }
        sprintf(wire, "MSRP abcd %s\r\n" PATHS ID "%s-------abcd+\r\n", methods[m],
                is_report ? "Status: 000 200\r\n" : "");
        expect_plain(wire, MSRP_E_FLAG);
    }
    free(wire);
    /* SEND knows no such cap */
    {
        char *big = malloc(100000);

        memset(big, 'y', 100000);
        expect_body("abcd", (struct msrp_str){big, 100000});
        free(big);
    }
    row_passed("F11");
    row_passed("10.49");
}

/* row F12: responses are never chunked. */
static void f12_responses(void **state)
{
    (void)state;
    expect_events("MSRP abcd 200 OK\r\n" PATHS END,
                  "HEAD 200 abcd comment=OK to=1 from=1\nEND $\nCLEAN\n");
    expect_plain("MSRP abcd 200 OK\r\n" PATHS "-------abcd+\r\n", MSRP_E_FLAG);
    expect_plain("MSRP abcd 200 OK\r\n" PATHS "-------abcd#\r\n", MSRP_E_FLAG);
    row_passed("F12");
}

/* rows 1 and 2: what does not begin with MSRP is closed at the first octet that shows it. */
static void row_1_and_2(void **state)
{
    static const char *streams[] = {"GET / HTTP/1.1\r\n\r\n",
                                    "\x16\x03\x01\x02",
                                    "msrp abcd SEND",
                                    "MSRPS abcd SEND",
                                    "\r\nMSRP abcd SEND",
                                    " MSRP",
                                    "M SRP"};

    (void)state;
    for (size_t i = 0; i < COUNT(streams); i++) {
        size_t by = 1;
        struct trace *t = trace_run(streams[i], strlen(streams[i]), NULL, trace_by, &by);

        assert_int_equal(t->error, MSRP_E_PREFIX);
        assert_false(t->is_answerable);
        trace_free(t);
    }
    assert_int_equal(msrp_err_status(MSRP_E_PREFIX), 0);
    expect_fatal("MSRP abcd\r\n", MSRP_E_START_LINE, false);
    row_passed("10.1");
    expect_fatal("MSRP abcd send\r\n" PATHS ID END, MSRP_E_METHOD_FORM, true);
    expect_fatal("MSRP abcd Send\r\n" PATHS ID END, MSRP_E_METHOD_FORM, true);
    expect_fatal("MSRP abcd SEND2\r\n" PATHS ID END, MSRP_E_METHOD_FORM, true);
    expect_fatal("MSRP abcd SEND now\r\n" PATHS ID END, MSRP_E_METHOD_FORM, true);
    expect_fatal("MSRP abcd send\r\n" TO END, MSRP_E_METHOD_FORM, false);
    row_passed("10.2");
}

/* row 3: tid under 4, over 32, illegal; 4 and 32 are good. */
static void row_3(void **state)
{
    static const char *bad[] = {"abc",        "",      "-abc",
                                ".abc",       "ab c",  "ab/cd",
                                "ab\tcd",     "ab*cd", "123456789012345678901234567890123",
                                "abc\xc3\xa4"};
    static const char *good[] = {"abcd", "12345678901234567890123456789012", "a---",
                                 "0.-+%=", "A+++"};
    char wire[512];

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        snprintf(wire, sizeof(wire), "MSRP %s SEND\r\n" PATHS ID "-------%s$\r\n", bad[i], bad[i]);
        expect_fatal(wire, MSRP_E_TID, false);
    }
    for (size_t i = 0; i < COUNT(good); i++) {
        struct trace *t;

        snprintf(wire, sizeof(wire), "MSRP %s SEND\r\n" PATHS ID "-------%s$\r\n", good[i],
                 good[i]);
        t = trace_of(wire);
        assert_int_equal(t->frames, 1);
        assert_int_equal(t->last_err, 0);
        trace_free(t);
    }
    row_passed("10.3");
}

/* A SEND with one header padded to `octets`; caller frees. */
static char *with_line_of(size_t octets)
{
    char *wire = malloc(octets + 512);
    size_t n = (size_t)sprintf(wire, START PATHS ID "X: ");

    memset(wire + n, 'x', octets - 3);
    strcpy(wire + n + octets - 3, "\r\n" END);
    return wire;
}

/* row 6 and T23: line, count and block at limit-1, limit, limit+1, in one piece and octet by
 * octet. */
static void row_6(void **state)
{
    size_t by = 1;

    (void)state;
    for (size_t n = 4095; n <= 4098; n++) {
        char *wire = with_line_of(n);
        struct trace *t = trace_of(wire);
        struct trace *u = trace_run(wire, strlen(wire), NULL, trace_by, &by);

        assert_int_equal(t->error, n <= 4096 ? 0 : MSRP_E_LINE_LONG);
        assert_int_equal(t->is_answerable, n > 4096);
        assert_string_equal(t->text, u->text);
        trace_free(t);
        trace_free(u);
        free(wire);
    }
    /* a line without an end is not waited for beyond its cap */
    for (size_t n = 4096; n <= 4099; n++) {
        char *wire = with_line_of(n);
        size_t len = sizeof(START PATHS ID) - 1 + n;
        struct trace *t = trace_run(wire, len, NULL, trace_all, NULL);

        assert_int_equal(t->error, n <= 4097 ? 0 : MSRP_E_LINE_LONG);
        trace_free(t);
        free(wire);
    }
    for (unsigned n = 31; n <= 34; n++) {
        char wire[4096];
        struct trace *t, *u;

        strcpy(wire, START PATHS ID);
        for (unsigned i = 3; i < n; i++) {
            strcat(wire, "X: y\r\n");
        }
        strcat(wire, END);
        t = trace_of(wire);
        u = trace_run(wire, strlen(wire), NULL, trace_by, &by);
        assert_int_equal(t->error, n <= 32 ? 0 : MSRP_E_HEADERS_MANY);
        assert_string_equal(t->text, u->text);
        trace_free(t);
        trace_free(u);
    }
    for (size_t block = 16383; block <= 16386; block++) {
        char *wire = malloc(20000);
        size_t n = (size_t)sprintf(wire, START PATHS ID);
        struct trace *t, *u;

        while (n < block) {
            size_t line = block - n < 4000 + 6 ? block - n : 4000;

            memcpy(wire + n, "X: ", 3);
            memset(wire + n + 3, 'x', line - 5);
            memcpy(wire + n + line - 2, "\r\n", 2);
            n += line;
        }
        strcpy(wire + n, END);
        t = trace_of(wire);
        u = trace_run(wire, strlen(wire), NULL, trace_by, &by);
        assert_int_equal(t->error, block <= 16384 ? 0 : MSRP_E_BLOCK_LONG);
        assert_string_equal(t->text, u->text);
        trace_free(t);
        trace_free(u);
        free(wire);
    }
    row_passed("10.6");
}

/* row 41: another flag, or no CRLF before it, is body; the stream waits for its end. */
static void row_41(void **state)
{
    (void)state;
    expect_events(START PATHS ID PLAIN "x\r\n-------abcd!\r\n",
                  HEAD "BODY 15 x\\r\\n-------abcd!\nOPEN 2\n");
    expect_events(START PATHS ID PLAIN "x-------abcd$\r\n", HEAD "BODY 13 x-------abcd$\nOPEN 2\n");
    for (int c = 0; c < 256; c++) {
        char wire[512];
        size_t n = (size_t)sprintf(wire, START PATHS ID PLAIN "x\r\n-------abcd~\r\n");
        struct trace *t;

        wire[n - 3] = (char)c;
        t = trace_run(wire, n, NULL, trace_all, NULL);
        assert_int_equal(t->frames, c == '$' || c == '+' || c == '#');
        assert_int_equal(t->error, 0);
        trace_free(t);
    }
    row_passed("10.41");
}

/* row 50, the reader's part: a response it cannot read is told apart and never answered. */
static void row_50(void **state)
{
    (void)state;
    expect_plain("MSRP abcd 99 x\r\n" PATHS END, MSRP_E_CODE);
    expect_plain("MSRP abcd 1000\r\n" PATHS END, MSRP_E_CODE);
    expect_plain("MSRP abcd 200\r\n" PATHS PLAIN "x\r\n" END, MSRP_E_RESPONSE_BODY);
    expect_fatal("MSRP abcd 200\r\n" PATHS "Bad\r\n" END, MSRP_E_COLON_NONE, false);
    row_passed("10.50");
}

/* row F17: what cannot be framed closes; a frame with a bad header is answered and it goes on. */
static void f17_close_or_go_on(void **state)
{
    (void)state;
    expect_fatal("HTTP", MSRP_E_PREFIX, false);
    expect_fatal("MSRP a/b SEND\r\n" PATHS, MSRP_E_TID, false);
    expect_plain(START PATHS "Message-ID: x\r\n" END, MSRP_E_MESSAGE_ID);
    expect_plain(START PATHS ID "Byte-Range: x\r\n" PLAIN "x\r\n" END, MSRP_E_RANGE_FORM);
    row_passed("F17");
}

/* row C1: only SEND is chunked; `$` last, `+` more, `#` abort, with and without body. */
static void c1_flags(void **state)
{
    (void)state;
    expect_events(START PATHS ID "-------abcd+\r\n" START PATHS ID "-------abcd#\r\n",
                  "HEAD SEND abcd to=1 from=1 id=m123\nEND +\n"
                  "HEAD SEND abcd to=1 from=1 id=m123\nEND #\nCLEAN\n");
    expect_plain("MSRP abcd AUTH\r\n" PATHS "-------abcd#\r\n", MSRP_E_FLAG);
    row_passed("C1");
}

/* A stream with all kinds of frames, good, refused and chunked, pipelined. */
static const char mixed[] = START PATHS ID PLAIN
    "hello\r\n-------abc$\r\n-------abcd\r\r\n" END "MSRP a+++ SEND\r\n" PATHS ID
    "Byte-Range: 1-*/20\r\n" PLAIN "\r\n-------a+++\r\n-------a+++#\r\n"
    "MSRP 9999 200 OK\r\n" PATHS "-------9999$\r\n"
    "MSRP 8888 REPORT\r\n" PATHS ID "Status: 000 200 OK\r\n-------8888$\r\n"
    "MSRP 7777 SEND\r\n" PATHS "Message-ID: x\r\n-------7777+\r\n"
    "MSRP 6666 AUTH\r\n" PATHS "Expires: 5\r\n-------6666$\r\n" START PATHS ID PLAIN "\r\n" END;

/* row F18: no split changes the events: each single cut, steps of 1-60, 500 random ones. */
static void f18_any_split(void **state)
{
    struct trace *whole = trace_run(mixed, sizeof(mixed) - 1, NULL, trace_all, NULL);

    (void)state;
    assert_int_equal(whole->frames, 7);
    assert_true(whole->is_between);
    for (size_t at = 1; at < sizeof(mixed) - 1; at++) {
        struct trace *t = trace_run(mixed, sizeof(mixed) - 1, NULL, trace_cut, &at);

        assert_string_equal(t->text, whole->text);
        trace_free(t);
    }
    for (size_t by = 1; by <= 60; by++) {
        struct trace *t = trace_run(mixed, sizeof(mixed) - 1, NULL, trace_by, &by);

        assert_string_equal(t->text, whole->text);
        assert_true(t->left_max < MSRP_END_MAX);
        trace_free(t);
    }
    for (uint32_t seed = 0; seed < 500; seed++) {
        uint32_t s = seed;
        struct trace *t = trace_run(mixed, sizeof(mixed) - 1, NULL, trace_random, &s);

        assert_string_equal(t->text, whole->text);
        trace_free(t);
    }
    /* every place where the stream may break off: the same again, and no event is made up */
    for (size_t n = 0; n < sizeof(mixed) - 1; n++) {
        size_t one = 1;
        struct trace *t = trace_run(mixed, n, NULL, trace_all, NULL);
        struct trace *u = trace_run(mixed, n, NULL, trace_by, &one);

        assert_string_equal(t->text, u->text);
        assert_int_equal(t->error, 0);
        trace_free(t);
        trace_free(u);
    }
    trace_free(whole);
    row_passed("F18");
}

/* Torture: what is not elsewhere. */
static void torture(void **state)
{
    char wire[20000];
    struct trace *t;
    size_t n;

    (void)state;
    for (size_t dashes = 1; dashes <= 8; dashes++) {
        char body[16] = "x\r\n";

        memset(body + 3, '-', dashes);
        expect_body("abcd", (struct msrp_str){body, 3 + dashes});
        expect_body("abcd", (struct msrp_str){body + 3, dashes});
    }
    /* a MIME header, a body, and no Content-Type */
    expect_plain(START PATHS ID "Content-Disposition: render\r\n\r\nx\r\n" END, MSRP_E_TYPE_NONE);
    /* 65 headers; one header of 16 KiB */
    strcpy(wire, START PATHS ID);
    for (unsigned i = 3; i < 65; i++) {
        strcat(wire, "X: y\r\n");
    }
    strcat(wire, END);
    expect_fatal(wire, MSRP_E_HEADERS_MANY, true);
    n = (size_t)sprintf(wire, START PATHS ID "X: ");
    memset(wire + n, 'x', 16384);
    strcpy(wire + n + 16384, "\r\n" END);
    expect_fatal(wire, MSRP_E_LINE_LONG, true);
    /* a path of 500 URIs: far over the line cap */
    n = (size_t)sprintf(wire, START "To-Path: msrp://a:1/s;tcp");
    for (unsigned i = 1; i < 500; i++) {
        n += (size_t)sprintf(wire + n, " msrp://a:1/s;tcp");
    }
    strcpy(wire + n, "\r\n" FROM ID END);
    expect_fatal(wire, MSRP_E_LINE_LONG, false);
    /* TLS, then the stream goes on: nothing behind is read */
    t = trace_run("\x16\x03\x01" START PATHS ID END, 3 + sizeof(START PATHS ID END) - 1, NULL,
                  trace_all, NULL);
    assert_string_equal(t->text, "FATAL PREFIX\n");
    trace_free(t);
}

/* A caller that hands over less than was there before gets MORE, not a wrong read. */
static void short_window_behind_head(void **state)
{
    static const char wire[] = START PATHS ID END;
    struct msrp_reader r;
    struct msrp_event ev;
    ssize_t used;

    (void)state;
    msrp_reader_init(&r, NULL);
    used = msrp_reader_next(&r, wire, sizeof(wire) - 1, &ev);
    assert_int_equal(ev.kind, MSRP_EV_HEAD);
    assert_int_equal(msrp_reader_next(&r, wire + used, sizeof(END) - 2, &ev), 0);
    assert_int_equal(ev.kind, MSRP_EV_MORE);
    assert_int_equal(msrp_reader_next(&r, wire + used, sizeof(END) - 1, &ev), sizeof(END) - 1);
    assert_int_equal(ev.kind, MSRP_EV_END);
}

static void many_pipelined(void **state)
{
    static const char one[] = START PATHS ID PLAIN "x\r\n" END;
    char *wire = malloc(50 * sizeof(one));

    (void)state;
    for (size_t count = 2; count <= 50; count++) {
        struct trace *t;

        for (size_t i = 0; i < count; i++) {
            memcpy(wire + i * (sizeof(one) - 1), one, sizeof(one) - 1);
        }
        t = trace_run(wire, count * (sizeof(one) - 1), NULL, trace_all, NULL);
        assert_int_equal(t->frames, count);
        assert_true(t->is_between);
        trace_free(t);
    }
    free(wire);
}

/* T21: nothing behind a fatal error is ever read, also when the caller insists. */
static void dead_is_dead(void **state)
{
    static const char good[] = START PATHS ID END;
    struct msrp_reader r;
    struct msrp_event ev;

    (void)state;
    msrp_reader_init(&r, NULL);
    assert_int_equal(msrp_reader_next(&r, "GET ", 4, &ev), MSRP_E_PREFIX);
    assert_int_equal(msrp_reader_next(&r, good, sizeof(good) - 1, &ev), MSRP_E_PREFIX);
    assert_int_equal(msrp_reader_next(&r, NULL, 0, &ev), MSRP_E_PREFIX);
    assert_false(msrp_reader_is_between(&r));
}

static void id_outlives_head(void **state)
{
    static const char wire[] = START PATHS ID PLAIN "x\r\n" END;
    char *window = malloc(sizeof(wire) - 1);
    struct msrp_reader r;
    struct msrp_event ev;
    size_t at = 0;

    (void)state;
    memcpy(window, wire, sizeof(wire) - 1);
    msrp_reader_init(&r, NULL);
    assert_int_equal(msrp_reader_tid(&r).n, 0);
    do {
        ssize_t used = msrp_reader_next(&r, window + at, sizeof(wire) - 1 - at, &ev);

        assert_true(used >= 0);
        at += (size_t)used;
    } while (ev.kind != MSRP_EV_END);
    free(window);
    assert_true(msrp_str_is(msrp_reader_tid(&r), "abcd"));
    assert_int_equal(at, sizeof(wire) - 1);
}

/* Limits of the caller's own are obeyed. */
static void own_limits(void **state)
{
    struct msrp_limits limits = MSRP_LIMITS_DEFAULT;
    static const char wire[] = START PATHS ID END;
    struct trace *t;

    (void)state;
    limits.uris = 0;
    t = trace_run(wire, sizeof(wire) - 1, &limits, trace_all, NULL);
    assert_int_equal(t->last_err, MSRP_E_URIS_MANY);
    trace_free(t);
    limits = (struct msrp_limits)MSRP_LIMITS_DEFAULT;
    limits.line = 13; /* the start line has 14 */
    t = trace_run(wire, sizeof(wire) - 1, &limits, trace_all, NULL);
    assert_int_equal(t->error, MSRP_E_LINE_LONG);
    assert_false(t->is_answerable);
    trace_free(t);
}

/* Octet by octet, a body that looks like an end-line over and over: what the calls may look at
 * grows with its length, not with the square of it. */
static void linear(void **state)
{
    static const char near[] = "\r\n-------abcd!";
    size_t work[2] = {0, 0};

    (void)state;
    for (size_t round = 0; round < 2; round++) {
        size_t n = (size_t)20000 << round, fed = 0, at = 0;
        static char body[80000];
        struct msrp_reader r;
        struct msrp_event ev;

        memcpy(body, START PATHS ID PLAIN, sizeof(START PATHS ID PLAIN) - 1);
        for (size_t i = sizeof(START PATHS ID PLAIN) - 1; i < n; i++) {
            body[i] = near[i % (sizeof(near) - 1)];
        }
        msrp_reader_init(&r, NULL);
        while (fed < n) {
            fed++;
            do {
                ssize_t used = msrp_reader_next(&r, body + at, fed - at, &ev);

                assert_true(used >= 0);
                work[round] += fed - at; /* octets the call could look at */
                at += (size_t)used;
            } while (ev.kind != MSRP_EV_MORE);
        }
    }
    assert_true(work[1] < 3 * work[0]);
}

/* A line that begins with a dash is the end-line of this frame to the octet, or a bad header. */
static void dashes_in_the_head(void **state)
{
    static const char *line[] = {
        "-x: y",        "-------abc$",  "-------abcd$$", "------_abcd$",   "-------abce$",
        "-------ABCD$", "-------abcd-", "-------abcd\\", "-------abcd: $", "-"};

    (void)state;
    for (size_t i = 0; i < COUNT(line); i++) {
        char wire[512];

        snprintf(wire, sizeof(wire), START PATHS ID "%s\r\n" END, line[i]);
        expect_fatal(wire, MSRP_E_NAME_FORM, true);
    }
}

/* A head that breaks off is judged by the first fault in it, not by the one that broke it. */
static void first_fault_first(void **state)
{
    (void)state;
    expect_fatal(START PATHS " folded\r\nX: y\n", MSRP_E_FOLDED, true);
    expect_fatal(START PATHS "No colon\r\n-x: y\r\n", MSRP_E_COLON_NONE, true);
    expect_fatal(START FROM "X: y\n", MSRP_E_TO_NOT_FIRST, true);
    expect_fatal(START PATHS "X: y\n", MSRP_E_BARE_LF, true);
    expect_fatal(START PATHS "\n", MSRP_E_BARE_LF, true);
    expect_fatal(START "\n" PATHS, MSRP_E_BARE_LF, false);
}

/* An id without anything behind it: the line is no start line, and nothing is answered. */
static void id_alone(void **state)
{
    (void)state;
    expect_fatal("MSRP abcd \r\n" PATHS ID END, MSRP_E_START_LINE, false);
    expect_fatal("MSRP abcd\r\n" PATHS ID END, MSRP_E_START_LINE, false);
    expect_fatal("MSRP abcd  SEND\r\n" PATHS ID END, MSRP_E_START_LINE, false);
}

/* A reader that has not failed has nothing to answer for, whatever it has read. */
static void healthy_is_not_answerable(void **state)
{
    static const char wire[] = START PATHS ID "-------abcd$\r\n";
    struct msrp_reader r;
    struct msrp_event ev;

    (void)state;
    msrp_reader_init(&r, NULL);
    assert_false(msrp_reader_is_answerable(&r));
    assert_true(msrp_reader_next(&r, wire, sizeof(wire) - 1, &ev) > 0);
    assert_int_equal(ev.kind, MSRP_EV_HEAD);
    assert_int_equal(r.head.from.count, 1);
    assert_false(msrp_reader_is_answerable(&r));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f4_end_line),
        cmocka_unit_test(f5_body_or_not),
        cmocka_unit_test(f6_empty_body),
        cmocka_unit_test(f7_clean),
        cmocka_unit_test(f11_other_methods),
        cmocka_unit_test(f12_responses),
        cmocka_unit_test(row_1_and_2),
        cmocka_unit_test(row_3),
        cmocka_unit_test(row_6),
        cmocka_unit_test(row_41),
        cmocka_unit_test(row_50),
        cmocka_unit_test(f17_close_or_go_on),
        cmocka_unit_test(c1_flags),
        cmocka_unit_test(f18_any_split),
        cmocka_unit_test(torture),
        cmocka_unit_test(short_window_behind_head),
        cmocka_unit_test(many_pipelined),
        cmocka_unit_test(dead_is_dead),
        cmocka_unit_test(id_outlives_head),
        cmocka_unit_test(own_limits),
        cmocka_unit_test(linear),
        cmocka_unit_test(dashes_in_the_head),
        cmocka_unit_test(first_fault_first),
        cmocka_unit_test(id_alone),
        cmocka_unit_test(healthy_is_not_answerable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
