/* What an endpoint answers, octet for octet: requests, chunks, reports (rows of section 10 for an
 * endpoint). */
#include "tests/relay/ends_kit.h"

static struct kit kit;
static struct relay_wire *link_;
static uint64_t session;
static char own[600];

static void open_with(const struct relay_endpoint_conf *conf)
{
    kit_init(&kit, 21, conf);
    link_ = kit_link(&kit);
    session = kit_passive(&kit);
    snprintf(own, sizeof(own), "%s", kit_path(&kit, session));
}

static void open_plain(void)
{
    open_with(NULL);
}

/* A SEND with these header lines and this text behind the blank line (NULL: no body). */
static void ask(const char *tid, const char *headers, const char *body, char flag)
{
    kit_hear(&kit, link_,
             "MSRP %s SEND\r\nTo-Path: %s\r\nFrom-Path: " KIT_PEER "\r\n%s%s%s%s-------%s%c\r\n",
             tid, own, headers, body != NULL ? "\r\n" : "", body != NULL ? body : "",
             body != NULL ? "\r\n" : "", tid, flag);
}

#define MID(id)  "Message-ID: " id "\r\n"
#define TEXT     "Content-Type: text/plain\r\n"
#define RANGE(r) "Byte-Range: " r "\r\n"

static void copy(char *out, size_t cap, const char *text)
{
    assert_true(strlen(text) < cap);
    memcpy(out, text, strlen(text) + 1);
}

/* The answer must be exactly this. */
static void expect(const char *tid, const char *status)
{
    char want[2048];
    snprintf(want, sizeof(want),
             "MSRP %s %s\r\nTo-Path: " KIT_PEER "\r\nFrom-Path: %s\r\n-------%s$\r\n", tid, status,
             own, tid);
    assert_string_equal(kit_said(&kit, link_), want);
}

static void a_message_is_answered(void **state)
{
    (void)state;
    open_plain();
    ask("aaaa", MID("msg-1") RANGE("1-5/5") TEXT, "hello", '$');
    expect("aaaa", "200 OK");
    assert_int_equal(kit_count(&kit, RELAY_ENDPOINT_BOUND), 1);
    assert_string_equal(kit_find(&kit, RELAY_ENDPOINT_MESSAGE)->message_id, "msg-1");
    assert_string_equal(kit.in[0].content_type, "text/plain");
    assert_int_equal(kit_find(&kit, RELAY_ENDPOINT_DONE)->total, 5);
    assert_memory_equal(kit.in[0].p, "hello", 5);
    /* b8.9: one chunk without Byte-Range */
    ask("bbbb", MID("msg-2") TEXT, "again", '$');
    expect("bbbb", "200 OK");
    /* F6: an empty message is one, a bodiless SEND is none */
    ask("cccc", MID("msg-3") RANGE("1-0/0") TEXT, "", '$');
    expect("cccc", "200 OK");
    assert_int_equal(kit_count(&kit, RELAY_ENDPOINT_DONE), 3);
    ask("dddd", MID("msg-4") RANGE("1-0/0"), NULL, '$');
    expect("dddd", "200 OK");
    ask("eeee", MID("msg-5") "Keep-Alive: yes\r\n", NULL, '$');
    expect("eeee", "200 OK");
    assert_int_equal(kit_count(&kit, RELAY_ENDPOINT_DONE), 3);
    kit_done(&kit);
    row_passed("F6");
    row_passed("P2");
    row_passed("P6");
}

/* P1-P3, G1: each value of Failure-Report, for what is taken and what is not. */
static void who_is_answered(void **state)
{
    static const struct {
        const char *failure;
        bool good, bad;
    } rows[] = {
        {"", true, true},
        {"Failure-Report: yes\r\n", true, true},
        {"Failure-Report: YES\r\n", true, true}, /* b8.7 */
        {"Failure-Report: partial\r\n", false, true},
        {"Failure-Report: no\r\n", false, false},
    };
    char headers[200];
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        open_plain();
        snprintf(headers, sizeof(headers), MID("msg-1") "%s" TEXT, rows[i].failure);
        ask("good", headers, "x", '$');
        if (rows[i].good) {
            expect("good", "200 OK");
        } else {
            assert_string_equal(kit_said(&kit, link_), "");
        }
        snprintf(headers, sizeof(headers), MID("msg-2") "%s" RANGE("9-10/5") TEXT, rows[i].failure);
        ask("badd", headers, "xx", '$');
        if (rows[i].bad) {
            assert_non_null(strstr(kit_said(&kit, link_), "MSRP badd 400 Bad Request\r\n"));
        } else {
            assert_string_equal(kit_said(&kit, link_), "");
        }
        kit_done(&kit);
    }
    row_passed("P1");
    row_passed("P3");
}

/* One bad request each; the next one is answered as if nothing had been. */
static void bad_requests(void **state)
{
    static const struct {
        const char *row, *headers, *body;
        char flag;
        const char *status;
    } rows[] = {
        {"10.22", RANGE("1-1/1") TEXT, "x", '$', "400"},
        {"10.22", "Message-ID: a b\r\n" TEXT, "x", '$', "400"},
        {"10.23", MID("msg-1") RANGE("1-1/1"), "x", '$', "400"},
        {"10.24", MID("msg-1") "Content-Transfer-Encoding: binary\r\n" TEXT, "x", '$', "400"},
        {"10.27", MID("msg-1") "Success-Report: maybe\r\n" TEXT, "x", '$', "400"},
        {"10.29", MID("msg-1") RANGE("0-1/1") TEXT, "x", '$', "400"},
        {"10.29", MID("msg-1") RANGE("1-99999999999999999999/*") TEXT, "x", '$', "400"},
        {"10.30", MID("msg-1") RANGE("5-3/10") TEXT, "x", '+', "400"},
        {"10.33", MID("msg-1") RANGE("1-2/9") TEXT, "xyz", '+', "400"},
        {"10.10", MID("msg-1") MID("msg-2") TEXT, "x", '$', "400"},
    };
    char status[16];
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        open_plain();
        ask("bind", MID("hello"), NULL, '$');
        expect("bind", "200 OK");
        kit.events_n = 0;
        ask("tttt", rows[i].headers, rows[i].body, rows[i].flag);
        snprintf(status, sizeof(status), "MSRP tttt %s ", rows[i].status);
        assert_int_equal(strncmp(kit_said(&kit, link_), status, strlen(status)), 0);
        assert_null(kit_find(&kit, RELAY_ENDPOINT_DONE));
        ask("uuuu", MID("msg-9") TEXT, "y", '$');
        expect("uuuu", "200 OK");
        assert_int_equal(kit_count(&kit, RELAY_ENDPOINT_DONE), 1);
        kit_done(&kit);
    }
    row_passed("C12");
    row_passed("F15");
}

static void other_methods(void **state)
{
    (void)state;
    open_plain();
    kit_hear(&kit, link_,
             "MSRP aaaa NICKNAME\r\nTo-Path: %s\r\nFrom-Path: msrp://r.example:1/x;tcp " KIT_PEER
             "\r\nUse-Nickname: \"x\"\r\n-------aaaa$\r\n",
             own);
    /* P6: the whole path back, for what is no SEND */
    assert_non_null(strstr(
        kit_said(&kit, link_),
        "MSRP aaaa 501 Unknown Method\r\nTo-Path: msrp://r.example:1/x;tcp " KIT_PEER "\r\n"));
    kit_hear(&kit, link_,
             "MSRP bbbb AUTH\r\nTo-Path: %s\r\nFrom-Path: " KIT_PEER "\r\n-------bbbb$\r\n", own);
    assert_non_null(strstr(kit_said(&kit, link_), "MSRP bbbb 501 Unknown Method\r\n"));
    kit_hear(&kit, link_,
             "MSRP cccc SEND\r\nTo-Path: %s\r\nFrom-Path: msrp://r.example:1/x;tcp " KIT_PEER
             "\r\nMessage-ID: m123\r\n-------cccc$\r\n",
             own);
    /* P6: only the next hop, for a SEND */
    assert_non_null(
        strstr(kit_said(&kit, link_), "MSRP cccc 200 OK\r\nTo-Path: msrp://r.example:1/x;tcp\r\n"));
    kit_done(&kit);
    row_passed("10.12");
    row_passed("P13");
}

static void chunks_in_any_order(void **state)
{
    (void)state;
    open_plain();
    ask("aaaa", MID("msg-1") RANGE("7-*/9") TEXT, "789", '$'); /* `$` before `+` */
    expect("aaaa", "200 OK");
    ask("bbbb", MID("msg-1") RANGE("4-6/9") TEXT, "456", '+');
    expect("bbbb", "200 OK");
    ask("cccc", MID("msg-1") RANGE("1-0/9") TEXT, "", '+');
    expect("cccc", "200 OK");
    assert_null(kit_find(&kit, RELAY_ENDPOINT_DONE));
    ask("dddd", MID("msg-1") RANGE("1-4/9") TEXT, "123X", '+'); /* overlaps: the last wins */
    expect("dddd", "200 OK");
    assert_int_equal(kit_find(&kit, RELAY_ENDPOINT_DONE)->total, 9);
    assert_memory_equal(kit.in[0].p, "123X56789", 9);
    /* complete: what comes now is acknowledged, and not given */
    ask("eeee", MID("msg-1") RANGE("1-9/9") TEXT, "YYYYYYYYY", '$');
    expect("eeee", "200 OK");
    assert_int_equal(kit_count(&kit, RELAY_ENDPOINT_DONE), 1);
    assert_int_equal(kit_count(&kit, RELAY_ENDPOINT_MESSAGE), 1);
    assert_memory_equal(kit.in[0].p, "123X56789", 9);
    assert_int_equal(relay_endpoint_counts(kit.endpoint)->duplicates, 1);
    kit_done(&kit);
    row_passed("C9");
    row_passed("C10");
}

/* The real length counts, wherever a range says it ends. */
static void ranges_that_lie(void **state)
{
    (void)state;
    open_plain();
    ask("aaaa", MID("msg-1") RANGE("1-25/*") TEXT, "short of it", '+'); /* b8.3 */
    expect("aaaa", "200 OK");
    ask("bbbb", MID("msg-1") RANGE("12-*/*") TEXT, "!", '$');
    expect("bbbb", "200 OK");
    assert_memory_equal(kit.in[0].p, "short of it!", 12);
    assert_int_equal(kit_find(&kit, RELAY_ENDPOINT_DONE)->total, 12);
    /* row 31: the total changes; later chunks get the same */
    ask("cccc", MID("msg-2") RANGE("1-2/9") TEXT, "ab", '+');
    expect("cccc", "200 OK");
    ask("dddd", MID("msg-2") RANGE("3-4/8") TEXT, "cd", '+');
    expect("dddd", "400 Bad Request");
    assert_int_equal(kit_find(&kit, RELAY_ENDPOINT_LOST)->err, MSRP_E_JOIN_TOTAL);
    ask("eeee", MID("msg-2") RANGE("3-4/9") TEXT, "cd", '+');
    expect("eeee", "400 Bad Request");
    /* row 35 */
    ask("ffff", MID("msg-3") RANGE("1-2/9") TEXT, "ab", '+');
    expect("ffff", "200 OK");
    ask("gggg", MID("msg-3") TEXT, "cd", '+');
    expect("gggg", "400 Bad Request");
    /* row 28 */
    ask("hhhh", MID("msg-3") "Success-Report: yes\r\n" RANGE("3-4/9") TEXT, "cd", '+');
    expect("hhhh", "400 Bad Request");
    assert_int_equal(kit_find(&kit, RELAY_ENDPOINT_LOST)->err, RELAY_E_FLAGS_DIFFER);
    kit_done(&kit);
    row_passed("F14");
    row_passed("b8.3");
    row_passed("10.32");
    row_passed("10.28");
    row_passed("10.31");
    row_passed("10.35");
}

static void aborted_and_refused(void **state)
{
    (void)state;
    struct relay_endpoint_conf small = {.host = "own.example", .max_size = 10};
    open_with(&small);
    ask("aaaa", MID("msg-1") RANGE("1-*/9") TEXT, "half", '#');
    expect("aaaa", "200 OK");
    assert_int_equal(kit_find(&kit, RELAY_ENDPOINT_LOST)->err, MSRP_E_JOIN_ABORTED);
    ask("bbbb", MID("msg-1") RANGE("5-*/9") TEXT, "more", '+');
    expect("bbbb", "413 Stop Sending This Message");
    /* declared, and running */
    ask("cccc", MID("msg-2") RANGE("1-*/11") TEXT, "x", '+');
    expect("cccc", "413 Stop Sending This Message");
    ask("dddd", MID("msg-3") RANGE("1-*/*") TEXT, "0123456789X", '+');
    expect("dddd", "413 Stop Sending This Message");
    ask("eeee", MID("msg-3") RANGE("12-*/*") TEXT, "0", '$');
    expect("eeee", "413 Stop Sending This Message");
    ask("ffff", MID("msg-4") RANGE("1-10/10") TEXT, "0123456789", '$');
    expect("ffff", "200 OK");
    kit_done(&kit);
    row_passed("10.37");
    row_passed("10.40");
}

/* C16: what is not in accept-types is 415, containers are taken all the same. */
static void media_types(void **state)
{
    static const char *const accept[] = {"text/plain", "image/*"};
    static const struct {
        const char *type, *status;
    } rows[] = {
        {"text/plain;charset=utf-8", "200 OK"},
        {"TEXT/Plain", "200 OK"},
        {"image/png", "200 OK"},
        {"multipart/mixed;boundary=x", "200 OK"},
        {"multipart/alternative;boundary=x", "200 OK"},
        {"multipart/signed;boundary=x", "200 OK"},
        {"text/html", "415 Unsupported Media Type"},
        {"multipart/related;boundary=x", "415 Unsupported Media Type"},
    };
    struct relay_endpoint_conf conf = {.host = "own.example", .accept = accept, .accept_n = 2};
    char headers[200];
    (void)state;
    open_with(&conf);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(headers, sizeof(headers), "Message-ID: msg-%zu\r\nContent-Type: %s\r\n", i,
                 rows[i].type);
        ask("aaaa", headers, "x", '$');
        expect("aaaa", rows[i].status);
    }
    kit_done(&kit);
    row_passed("C16");
    row_passed("10.25");
}

static void too_many_open(void **state)
{
    char headers[200];
    (void)state;
    open_plain();
    for (int i = 0; i <= RELAY_ENDPOINT_OPEN_MAX; i++) {
        snprintf(headers, sizeof(headers), "Message-ID: msg-%d\r\n" RANGE("1-*/999") TEXT, i);
        ask("aaaa", headers, "x", '+');
        expect("aaaa", i < RELAY_ENDPOINT_OPEN_MAX ? "200 OK" : "413 Stop Sending This Message");
    }
    /* 64 gaps are held, one more is not */
    for (int i = 0; i < 66; i++) {
        snprintf(headers, sizeof(headers), "Message-ID: msg-0\r\nByte-Range: %d-*/999\r\n" TEXT,
                 3 + 2 * i);
        ask("bbbb", headers, "x", '+');
        expect("bbbb", i < 64 ? "200 OK" : "413 Stop Sending This Message");
    }
    kit_done(&kit);
    row_passed("10.38");
}

/* The caller could not keep it. */
static void disowned(void **state)
{
    static const enum relay_endpoint_event_kind kinds[] = {
        RELAY_ENDPOINT_MESSAGE, RELAY_ENDPOINT_DATA, RELAY_ENDPOINT_DONE};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        open_plain();
        kit.disown = 413;
        kit.disown_at = kinds[i];
        ask("aaaa", MID("msg-1") "Success-Report: yes\r\n" RANGE("1-5/5") TEXT, "hello", '$');
        expect("aaaa", "413 Stop Sending This Message"); /* and no REPORT */
        kit.disown = 0;
        ask("bbbb", MID("msg-1") "Success-Report: yes\r\n" RANGE("1-5/5") TEXT, "hello", '$');
        expect("bbbb", "413 Stop Sending This Message");
        assert_int_equal(relay_endpoint_counts(kit.endpoint)->received, 0);
        kit_done(&kit);
    }
    row_passed("10.39");
}

static void success_reports(void **state)
{
    char tid[40], want[2048];
    (void)state;
    open_plain();
    ask("aaaa", MID("msg-1") "Success-Report: yes\r\n" RANGE("1-*/9") TEXT, "12345", '+');
    expect("aaaa", "200 OK");
    kit_hear(&kit, link_,
             "MSRP bbbb SEND\r\nTo-Path: %s\r\nFrom-Path: msrp://r.example:1/x;tcp " KIT_PEER
             "\r\n" MID("msg-1") "Success-Report: yes\r\nFailure-Report: yes\r\n" RANGE("6-9/9")
                 TEXT "\r\n6789\r\n-------bbbb$\r\n",
             own);
    const char *said = kit_said(&kit, link_);
    assert_true(kit_tid(said, "REPORT", tid));
    /* P7, P8: one REPORT over all of it, to the whole From-Path, behind the answer */
    snprintf(
        want, sizeof(want),
        "MSRP bbbb 200 OK\r\nTo-Path: msrp://r.example:1/x;tcp\r\nFrom-Path: %s\r\n-------bbbb$\r\n"
        "MSRP %s REPORT\r\nTo-Path: msrp://r.example:1/x;tcp " KIT_PEER "\r\nFrom-Path: %s\r\n"
        "Message-ID: msg-1\r\nByte-Range: 1-9/9\r\nStatus: 000 200 OK\r\n-------%s$\r\n",
        own, tid, own, tid);
    assert_string_equal(said, want);
    /* asked with Failure-Report no: the REPORT comes all the same, the answer does not */
    ask("cccc", MID("msg-2") "Success-Report: yes\r\nFailure-Report: no\r\n" TEXT, "x", '$');
    said = kit_said(&kit, link_);
    assert_null(strstr(said, "MSRP cccc"));
    assert_true(kit_tid(said, "REPORT", tid));
    kit_done(&kit);
    row_passed("P7");
    row_passed("P8");
}

/* What comes back to a sender: REPORTs of all kinds, answers to nothing. */
static void reports_to_a_sender(void **state)
{
    char mid[40], said[4096];
    uint64_t id;
    (void)state;
    open_plain();
    session = kit_active(&kit, link_, KIT_PEER);
    snprintf(own, sizeof(own), "%s", kit_path(&kit, session));
    struct relay_parcel_conf conf = {
        .content_type = "text/plain", .size = 10, .data = "0123456789", .wants_success = true};
    assert_int_equal(relay_endpoint_send(kit.endpoint, session, &conf, &id), 0);
    copy(said, sizeof(said), kit_said(&kit, link_));
    const char *at = strstr(strstr(said, "Success-Report: yes") - 60, "Message-ID: ");
    assert_int_equal(sscanf(at, "Message-ID: %33s", mid), 1);
    kit_answer(&kit, link_, said, own, 200);
    assert_int_equal(kit_find(&kit, RELAY_ENDPOINT_SENT)->id, id);
#define REPORT(mid_, range, status)                                                                \
    kit_hear(&kit, link_,                                                                          \
             "MSRP rrrr REPORT\r\nTo-Path: %s\r\nFrom-Path: " KIT_PEER                             \
             "\r\nMessage-ID: %s\r\n" range "Status: " status "\r\n-------rrrr$\r\n",              \
             own, mid_)
    /* P10, row 48: of nothing we know, of a namespace we do not, without Status */
    REPORT("unknown", "", "000 200 OK");
    REPORT(mid, "", "001 200 OK");
    kit_hear(&kit, link_,
             "MSRP rrrr REPORT\r\nTo-Path: %s\r\nFrom-Path: " KIT_PEER
             "\r\nMessage-ID: %s\r\n-------rrrr$\r\n",
             own, mid);
    /* trap 8: an answer to a REPORT, or to nothing at all */
    kit_hear(&kit, link_,
             "MSRP rrrr 200 OK\r\nTo-Path: %s\r\nFrom-Path: " KIT_PEER "\r\n-------rrrr$\r\n", own);
    assert_null(kit_find(&kit, RELAY_ENDPOINT_REPORTED));
    assert_string_equal(kit_said(&kit, link_), "");      /* none was answered: P7 */
    REPORT(mid, "Byte-Range: 1-4/10\r\n", "000 200 OK"); /* incremental */
    assert_null(kit_find(&kit, RELAY_ENDPOINT_REPORTED));
    REPORT(mid, "Byte-Range: 5-10/10\r\n", "000 200");
    assert_int_equal(kit_find(&kit, RELAY_ENDPOINT_REPORTED)->id, id);
    assert_null(kit_find(&kit, RELAY_ENDPOINT_FAILED));
    /* P11: means what the answer would mean */
    assert_int_equal(relay_endpoint_send(kit.endpoint, session, &conf, &id), 0);
    copy(said, sizeof(said), kit_said(&kit, link_));
    assert_int_equal(sscanf(strstr(said, "Message-ID: "), "Message-ID: %33s", mid), 1);
    REPORT(mid, "", "000 413 no more");
    assert_int_equal(kit_find(&kit, RELAY_ENDPOINT_REFUSED)->status, 413);
    assert_string_equal(kit_find(&kit, RELAY_ENDPOINT_REFUSED)->text, "no more");
    kit_done(&kit);
    row_passed("P10");
    row_passed("P11");
    row_passed("b8.8");
    row_passed("10.48");
    row_passed("10.50");
    row_passed("F13");
}

/* P11: a range that did not arrive ends the session, and goes again in the next one. */
static void a_range_that_did_not_arrive(void **state)
{
    char mid[40], said[200000];
    char *octets = kit_octets(20000);
    (void)state;
    open_plain();
    session = kit_active(&kit, link_, KIT_PEER);
    snprintf(own, sizeof(own), "%s", kit_path(&kit, session));
    uint64_t id = kit_send(&kit, session, octets, 20000);
    copy(said, sizeof(said), kit_said(&kit, link_));
    const char *at = strstr(said, "Content-Type");
    while (strncmp(at, "Message-ID: ", 12) != 0) {
        at--;
    }
    assert_int_equal(sscanf(at, "Message-ID: %33s", mid), 1);
    REPORT(mid, "Byte-Range: 5001-6000/20000\r\n", "000 408 lost behind me");
    assert_int_equal(kit_find(&kit, RELAY_ENDPOINT_FAILED)->status, 408);
    assert_null(kit_find(&kit, RELAY_ENDPOINT_REFUSED));
    uint64_t next = kit_active(&kit, link_, KIT_PEER);
    assert_int_equal(relay_endpoint_resume(kit.endpoint, session, next), 0);
    assert_true(relay_endpoint_answered(kit.endpoint, id) == 0); /* none had its 200 */
    assert_non_null(strstr(kit_said(&kit, link_), mid));
    kit_done(&kit);
    free(octets);
}

/* Broken streams: an answer where one is possible, then the end; nothing behind is read. */
static void broken_streams(void **state)
{
    (void)state;
    open_plain();
    kit_hear(&kit, link_, "GET / HTTP/1.1\r\n\r\n");
    assert_true(relay_wire_is_over(link_));
    assert_string_equal(kit_said(&kit, link_), "");
    kit_done(&kit);
    open_plain();
    ask("aaaa", MID("msg-1") RANGE("1-*/9") TEXT, "1234", '+');
    expect("aaaa", "200 OK");
    ask("bbbb", "Folded: a\r\n b\r\n" MID("msg-1") RANGE("5-*/9") TEXT, "56789", '$');
    assert_false(relay_wire_is_over(link_));
    assert_non_null(strstr(kit_said(&kit, link_), "MSRP bbbb 400 Bad Request\r\n"));
    assert_true(relay_wire_is_over(link_));
    assert_int_equal(kit_find(&kit, RELAY_ENDPOINT_FAILED)->session, session);
    assert_null(kit_find(&kit, RELAY_ENDPOINT_DONE));
    size_t n;
    assert_null(relay_wire_buffer(link_, &n));
    kit_done(&kit);
    row_passed("F17");
    row_passed("10.1");
}

/* What is due still goes out before the end, in frames of their own: not in the body of the chunk
 * that is being written. */
static void a_broken_stream_while_sending(void **state)
{
    char *octets = kit_octets(300000), tid[40];
    size_t n;
    (void)state;
    kit_init(&kit, 23, NULL);
    link_ = kit_link(&kit);
    session = kit_active(&kit, link_, KIT_PEER);
    copy(own, sizeof(own), kit_path(&kit, session));
    char *binding = strdup(kit_said(&kit, link_));
    kit_answer(&kit, link_, binding, own, 200);
    kit_send(&kit, session, octets, 300000);
    const char *p = relay_wire_output(link_, &kit.now, &n);
    assert_int_equal(sscanf(p, "MSRP %39s", tid), 1);
    relay_wire_sent(link_, &kit.now, n);
    kit_hear(&kit, link_,
             "MSRP aaaa SEND\r\nTo-Path: %s\r\nFrom-Path: " KIT_PEER "\r\n" MID("msg-9") TEXT
             "\r\nx\r\n-------aaaa$\r\n"
             "MSRP bbbb SEND\r\nTo-Path: %s\r\nFrom-Path: " KIT_PEER
             "\r\nFolded: a\r\n b\r\n-------bbbb$\r\n",
             own, own);
    const char *said = kit_said(&kit, link_), *end = said + kit.said_n;
    const char *line = memmem(said, kit.said_n, tid, strlen(tid));
    assert_non_null(line);
    assert_int_equal(line[strlen(tid)], '+');
    line += strlen(tid) + 3;
    const char *good = memmem(said, kit.said_n, "MSRP aaaa 200 OK", 16);
    const char *bad = memmem(said, kit.said_n, "MSRP bbbb 400 ", 14);
    assert_ptr_equal(good, line);
    assert_true(bad > good && bad < end);
    assert_true(relay_wire_is_over(link_));
    kit_done(&kit);
    free(binding);
    free(octets);
    row_passed("F17");
}

/* C17: an old connection that dies slowly, while the message goes on over a new one: its octets do
 * not get in between. */
static void one_message_two_links(void **state)
{
    static const char head[] = "MSRP %s SEND\r\nTo-Path: %s\r\nFrom-Path: " KIT_PEER
                               "\r\n" MID("msg-1") "Byte-Range: %s\r\n" TEXT "\r\n%s";
    (void)state;
    open_plain();
    kit_hear(&kit, link_, head, "aaaa", own, "1-*/9", "123");
    struct relay_wire *second = kit_link(&kit);
    const char *path = kit_path(&kit, kit_passive(&kit));
    kit_hear(&kit, second, head, "bbbb", path, "4-*/9", "45");
    kit_hear(&kit, link_, "XX");
    kit_hear(&kit, second, "67");
    kit_hear(&kit, link_, "XX\r\n-------aaaa+\r\n");
    expect("aaaa", "400 Bad Request");
    kit_hear(&kit, second, "89\r\n-------bbbb$\r\n");
    assert_non_null(strstr(kit_said(&kit, second), "MSRP bbbb 200 OK"));
    assert_int_equal(kit_count(&kit, RELAY_ENDPOINT_DONE), 1);
    assert_int_equal(kit.in[0].n, 9);
    assert_memory_equal(kit.in[0].p, "123456789", 9);
    kit_done(&kit);
    row_passed("C17");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_answered),
        cmocka_unit_test(who_is_answered),
        cmocka_unit_test(bad_requests),
        cmocka_unit_test(other_methods),
        cmocka_unit_test(chunks_in_any_order),
        cmocka_unit_test(ranges_that_lie),
        cmocka_unit_test(aborted_and_refused),
        cmocka_unit_test(media_types),
        cmocka_unit_test(too_many_open),
        cmocka_unit_test(disowned),
        cmocka_unit_test(success_reports),
        cmocka_unit_test(reports_to_a_sender),
        cmocka_unit_test(a_range_that_did_not_arrive),
        cmocka_unit_test(broken_streams),
        cmocka_unit_test(a_broken_stream_while_sending),
        cmocka_unit_test(one_message_two_links),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
