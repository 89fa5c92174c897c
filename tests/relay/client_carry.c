/* How a link sends: chunk sizes, ranges, cuts, fairness, the window, aborts, end-lines. */
#include "tests/relay/ends_kit.h"

static struct kit kit;
static struct relay_wire *link_;
static uint64_t session;
static char own[600];

static void open_window(uint64_t window)
{
    struct relay_endpoint_conf conf = {.host = "own.example", .window = window};
    kit_init(&kit, 31, &conf);
    link_ = kit_link(&kit);
    session = kit_active(&kit, link_, KIT_PEER);
    snprintf(own, sizeof(own), "%s", kit_path(&kit, session));
    char *said = strdup(kit_said(&kit, link_));
    kit_answer(&kit, link_, said, own, 200);
    free(said);
}

/* A frame as this file's own reader cuts it: by the end-line of its own id, nothing else. */
struct frame {
    char tid[40], word[40];
    char message_id[40];
    unsigned long long from, total;
    char end[24];
    const char *body;
    size_t body_n;
    bool has_body;
    char flag;
};

static const char *cut(const char *at, const char *end, struct frame *frame)
{
    char mark[64];
    memset(frame, 0, sizeof(*frame));
    assert_int_equal(sscanf(at, "MSRP %39s %39s", frame->tid, frame->word), 2);
    const char *blank = strstr(at, "\r\n\r\n");
    snprintf(mark, sizeof(mark), "\r\n-------%s", frame->tid);
    const char *line = memmem(at, (size_t)(end - at), mark, strlen(mark));
    assert_non_null(line);
    const char *range = strstr(at, "Byte-Range: ");
    const char *mid = strstr(at, "Message-ID: ");
    if (range != NULL && range < line) {
        assert_int_equal(
            sscanf(range, "Byte-Range: %llu-%23[^/]/%llu", &frame->from, frame->end, &frame->total),
            3);
    }
    if (mid != NULL && mid < line) {
        sscanf(mid, "Message-ID: %39s", frame->message_id);
    }
    if (blank != NULL && blank < line) {
        frame->has_body = true;
        frame->body = blank + 4;
        frame->body_n = (size_t)(line - frame->body);
    } else if (blank != NULL && blank == line - 2) {
        frame->has_body = true;
    }
    frame->flag = line[strlen(mark)];
    assert_non_null(strchr("$+#", frame->flag));
    return line + strlen(mark) + 3;
}

static void small_chunks(void **state)
{
    static const size_t sizes[] = {0, 1, 2048};
    char *octets = kit_octets(2048);
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct frame frame;
        char end[24];
        open_window(0);
        kit_send(&kit, session, octets, sizes[i]);
        const char *said = kit_said(&kit, link_);
        const char *next = cut(said, said + kit.said_n, &frame);
        assert_ptr_equal(next, said + kit.said_n);
        snprintf(end, sizeof(end), "%zu", sizes[i]);
        assert_int_equal(frame.from, 1);
        assert_string_equal(frame.end, end); /* numeric up to 2048 octets */
        assert_int_equal(frame.total, sizes[i]);
        assert_int_equal(frame.flag, '$');
        assert_true(frame.has_body);
        assert_int_equal(frame.body_n, sizes[i]);
        /* F9: the order of the headers, Content-Type last */
        const char *order[] = {"To-Path: ",        "\r\nFrom-Path: ",    "\r\nMessage-ID: ",
                               "\r\nByte-Range: ", "\r\nContent-Type: ", "\r\n\r\n"};
        for (size_t j = 1; j < 6; j++) {
            assert_true(strstr(said, order[j - 1]) < strstr(said, order[j]));
        }
        assert_null(strstr(said, "Failure-Report")); /* absent is yes */
        kit_done(&kit);
    }
    free(octets);
    row_passed("C3");
    row_passed("C11");
    row_passed("F9");
}

/* Few large chunks with '*', in order, the window never exceeded. */
static void large_chunks(void **state)
{
    enum { SIZE = 1000000, WINDOW = 262144 };
    char *octets = kit_octets(SIZE);
    unsigned long long at = 0, unanswered = 0;
    char mid[40] = "";
    unsigned chunks = 0;
    (void)state;
    open_window(WINDOW);
    kit_send(&kit, session, octets, SIZE);
    while (at < SIZE) {
        (void)kit_said(&kit, link_);
        char *said = malloc(kit.said_n + 1);
        const char *end = said + kit.said_n;
        memcpy(said, kit.said, kit.said_n + 1);
        assert_true(end > said); /* it always moves on after answers */
        for (const char *p = said; p < end;) {
            struct frame frame;
            p = cut(p, end, &frame);
            assert_int_equal(frame.from, at + 1); /* C8 */
            assert_int_equal(frame.total, SIZE);
            assert_true(frame.body_n <= 2048 || strcmp(frame.end, "*") == 0); /* C4 */
            assert_memory_equal(frame.body, octets + at, frame.body_n);
            at += frame.body_n;
            unanswered += frame.body_n;
            assert_int_equal(frame.flag, at == SIZE ? '$' : '+');
            assert_true(chunks == 0 || strcmp(mid, frame.message_id) == 0); /* C2 */
            memcpy(mid, frame.message_id, sizeof(mid));
            chunks++;
        }
        assert_true(unanswered <= WINDOW);
        for (const char *p = said; p < end;) {
            struct frame frame;
            p = cut(p, end, &frame);
            kit_hear(&kit, link_,
                     "MSRP %s 200 OK\r\nTo-Path: %s\r\nFrom-Path: " KIT_PEER "\r\n-------%s$\r\n",
                     frame.tid, own, frame.tid);
        }
        unanswered = 0;
        free(said);
    }
    assert_true(chunks <= SIZE / (WINDOW / 4) + 2); /* C5 */
    assert_int_equal(kit_count(&kit, RELAY_ENDPOINT_SENT), 1);
    kit_done(&kit);
    free(octets);
    row_passed("C2");
    row_passed("C4");
    row_passed("C5");
    row_passed("C8");
}

/* A request arrives while a large chunk is being written: the answer does not wait for its end. */
static void an_answer_cuts_the_chunk(void **state)
{
    enum { SIZE = 900000 };
    char *octets = kit_octets(SIZE);
    size_t n, before = 0;
    (void)state;
    open_window(0);
    kit_send(&kit, session, octets, SIZE);
    const char *p = relay_wire_output(link_, &kit.now, &n);
    assert_non_null(p);
    relay_wire_sent(link_, &kit.now, n);
    before = n;
    kit_hear(&kit, link_,
             "MSRP ping1 SEND\r\nTo-Path: %s\r\nFrom-Path: " KIT_PEER
             "\r\nMessage-ID: ping-1\r\n-------ping1$\r\n",
             own);
    const char *said = kit_said(&kit, link_);
    const char *answer = memmem(said, kit.said_n, "MSRP ping1 200 OK\r\n", 19);
    assert_non_null(answer);
    /* what was made before the request came goes first; no new chunk comes between */
    assert_true((size_t)(answer - said) + before < 70000);
    const char *line = memmem(said, (size_t)(answer - said), "+\r\n", 3);
    assert_non_null(line);
    assert_ptr_equal(line + 3, answer); /* right behind the end-line of the cut chunk */
    kit_done(&kit);
    free(octets);
    row_passed("C6");
}

/* C7: a small message goes between, two large ones share. */
static void messages_share(void **state)
{
    enum { SIZE = 400000 };
    char *octets = kit_octets(SIZE);
    size_t turns = 0;
    char last[40] = "";
    (void)state;
    open_window(0);
    uint64_t other = kit_active(&kit, link_, "msrp://peer.example:9000/peer2;tcp");
    kit_send(&kit, session, octets, SIZE);
    size_t n;
    const char *p = relay_wire_output(link_, &kit.now, &n);
    assert_non_null(p);
    relay_wire_sent(link_, &kit.now, n);
    kit_send(&kit, other, octets, SIZE);
    kit_send(&kit, session, "small", 5);
    const char *said = kit_said(&kit, link_);
    const char *small = memmem(said, kit.said_n, "\r\n\r\nsmall\r\n", 11);
    assert_non_null(small);
    assert_true(small - said < 150000);
    const char *start = memmem(said, kit.said_n, "+\r\n", 3);
    for (const char *at = start + 3; at < said + kit.said_n - 100000;) {
        struct frame frame;
        at = cut(at, said + kit.said_n, &frame);
        turns += strcmp(frame.message_id, last) != 0 ? 1 : 0;
        memcpy(last, frame.message_id, sizeof(last));
        assert_true(frame.body_n < 100000);
    }
    assert_true(turns >= 3);
    kit_done(&kit);
    free(octets);
    row_passed("C7");
}

/* F8: the endpoint's ids are foreseen, and the body is made of their end-lines; whatever happens,
 * the bodies as the far side cuts them are the message. */
static void no_end_line_in_the_body(void **state)
{
    enum { SIZE = 60000, IDS = 4000 };
    char *octets = malloc(SIZE);
    struct kit *twin = malloc(sizeof(*twin));
    (void)state;
    for (int seed = 1; seed <= 20; seed++) {
        uint8_t rnd[16];
        char id[MSRP_IDENT_MADE + 1];
        size_t n = 0, got = 0;
        open_window(0);
        kit.seed = (uint64_t)seed;
        memset(twin, 0, offsetof(struct kit, said));
        twin->seed = (uint64_t)seed;
        memset(octets, 'x', SIZE);
        for (int i = 0; i < IDS && n + 40 < SIZE; i++) {
            (void)kit_random(twin, rnd, sizeof(rnd));
            msrp_tid_make(id, rnd);
            n += (size_t)snprintf(octets + n, SIZE - n, "\r\n-------%s$\r\n", id);
        }
        kit_send(&kit, session, octets, SIZE);
        const char *said = kit_said(&kit, link_), *end = said + kit.said_n;
        unsigned chunks = 0;
        while (said < end) {
            struct frame frame;
            said = cut(said, end, &frame);
            assert_memory_equal(frame.body, octets + got, frame.body_n);
            got += frame.body_n;
            chunks++;
        }
        assert_int_equal(got, SIZE);
        assert_true(chunks > 1); /* it was hit */
        kit_done(&kit);
        /* a message of one chunk picks an id that is not in it */
        open_window(0);
        kit.seed = (uint64_t)seed;
        kit_send(&kit, session, octets, 2000);
        said = kit_said(&kit, link_);
        struct frame frame;
        assert_ptr_equal(cut(said, said + kit.said_n, &frame), said + kit.said_n);
        assert_int_equal(frame.body_n, 2000);
        kit_done(&kit);
    }
    free(octets);
    free(twin);
    row_passed("F8");
}

/* Trap 15: each run of the output ends before an end-line or behind it, never in it. */
static void end_lines_are_whole(void **state)
{
    char *octets = kit_octets(40000);
    (void)state;
    for (size_t size = 15000; size < 17500; size += 1) {
        size_t n, runs = 0;
        open_window(0);
        kit_send(&kit, session, octets, size);
        const char *p;
        char tid[40] = "", line[64] = "";
        while ((p = relay_wire_output(link_, &kit.now, &n)) != NULL) {
            assert_true(n <= 16384);
            if (runs == 0) {
                assert_int_equal(sscanf(p, "MSRP %39s", tid), 1);
                snprintf(line, sizeof(line), "\r\n-------%s$\r\n", tid);
            }
            runs++;
            /* the end of this run must not be a beginning of the end-line */
            if (memmem(p, n, line, strlen(line)) == NULL) {
                for (size_t k = 1; k < strlen(line); k++) {
                    assert_false(n >= k && memcmp(p + n - k, line, k) == 0 && k > 8);
                }
                size_t k = strlen(line);
                assert_false(memcmp(p + n - 2, line, 2) == 0 && p[n] == '-' && k > 0);
            }
            relay_wire_sent(link_, &kit.now, n);
        }
        assert_true(runs >= 1);
        kit_done(&kit);
    }
    free(octets);
    row_passed("b8.15");
}

/* C14, C15: a refusal ends the chunk under way with `#`, and nothing of the message follows. */
static void a_refusal_aborts(void **state)
{
    static const int codes[] = {413, 400, 403, 415};
    char *octets = kit_octets(900000);
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        char tid[40];
        size_t n;
        open_window(524288);
        uint64_t id = kit_send(&kit, session, octets, 900000);
        char *all = malloc(1 << 20);
        size_t all_n = 0;
        const char *p;
        while (all_n < 200000 && (p = relay_wire_output(link_, &kit.now, &n)) != NULL) {
            memcpy(all + all_n, p, n);
            all_n += n;
            relay_wire_sent(link_, &kit.now, n);
        }
        assert_int_equal(sscanf(all, "MSRP %39s", tid), 1);
        kit_hear(&kit, link_,
                 "MSRP %s %d\r\nTo-Path: %s\r\nFrom-Path: " KIT_PEER "\r\n-------%s$\r\n", tid,
                 codes[i], own, tid);
        const struct relay_endpoint_event *event = kit_find(&kit, RELAY_ENDPOINT_REFUSED);
        assert_int_equal(event->id, id);
        assert_int_equal(event->status, codes[i]);
        while ((p = relay_wire_output(link_, &kit.now, &n)) != NULL) {
            memcpy(all + all_n, p, n);
            all_n += n;
            relay_wire_sent(link_, &kit.now, n);
        }
        struct frame frame = {0};
        for (const char *at = all; at < all + all_n;) {
            at = cut(at, all + all_n, &frame);
        }
        assert_int_equal(frame.flag, '#');
        assert_true(all_n < 400000);
        assert_int_equal(kit_send(&kit, session, "next", 4) > 0, true);
        assert_non_null(strstr(kit_said(&kit, link_), "\r\n\r\nnext\r\n"));
        free(all);
        kit_done(&kit);
    }
    free(octets);
    row_passed("C14");
    row_passed("C15");
}

/* rfc4975#10.5: a refusal of the very chunk that is being written ends it at once. */
static void a_refusal_before_the_end(void **state)
{
    char *octets = kit_octets(900000), tid[40];
    size_t n;
    (void)state;
    open_window(1048576); /* a chunk of 262144 octets */
    uint64_t id = kit_send(&kit, session, octets, 900000);
    const char *p = relay_wire_output(link_, &kit.now, &n);
    assert_int_equal(sscanf(p, "MSRP %39s", tid), 1);
    relay_wire_sent(link_, &kit.now, n);
    kit_hear(&kit, link_, "MSRP %s 413\r\nTo-Path: %s\r\nFrom-Path: " KIT_PEER "\r\n-------%s$\r\n",
             tid, own, tid);
    assert_int_equal(kit_find(&kit, RELAY_ENDPOINT_REFUSED)->id, id);
    assert_int_equal(kit_find(&kit, RELAY_ENDPOINT_REFUSED)->status, 413);
    const char *said = kit_said(&kit, link_);
    const char *line = memmem(said, kit.said_n, tid, strlen(tid));
    assert_non_null(line);
    assert_int_equal(line[strlen(tid)], '#');
    assert_true(kit.said_n < 100000);
    assert_ptr_equal(line + strlen(tid) + 3, said + kit.said_n);
    assert_true(relay_wire_is_quiet(link_));
    kit_done(&kit);
    free(octets);
    row_passed("C15");
}

/* The source fails in the middle. */
static ssize_t half(void *ctx, uint64_t at, void *p, size_t n)
{
    (void)ctx;
    if (at >= 50000) {
        return -1;
    }
    memset(p, 'h', n);
    return (ssize_t)n;
}

static void a_source_that_fails(void **state)
{
    struct frame frame = {0};
    uint64_t id;
    (void)state;
    open_window(0);
    struct relay_parcel_conf conf = {.content_type = "a/b", .size = 100000, .read = half};
    assert_int_equal(relay_endpoint_send(kit.endpoint, session, &conf, &id), 0);
    const char *said = kit_said(&kit, link_);
    for (const char *at = said; at < said + kit.said_n;) {
        at = cut(at, said + kit.said_n, &frame);
    }
    assert_int_equal(frame.flag, '#');
    assert_int_equal(kit_find(&kit, RELAY_ENDPOINT_REFUSED)->err, RELAY_E_IO);
    conf.size = 10;
    conf.read = NULL; /* no source at all: nothing of it was sent, so nothing is aborted */
    assert_int_equal(relay_endpoint_send(kit.endpoint, session, &conf, &id), 0);
    assert_string_equal(kit_said(&kit, link_), "");
    assert_int_equal(kit_find(&kit, RELAY_ENDPOINT_REFUSED)->id, id);
    kit_done(&kit);
}

/* The session is gone, the connection is not: the chunk under way ends with `+`, so that the far
 * side keeps what it has, and the next session goes on. */
static void a_session_goes_the_link_stays(void **state)
{
    char *octets = kit_octets(300000);
    struct frame frame;
    size_t n;
    (void)state;
    open_window(0);
    kit_send(&kit, session, octets, 300000);
    const char *p = relay_wire_output(link_, &kit.now, &n);
    char tid[40];
    assert_int_equal(sscanf(p, "MSRP %39s", tid), 1);
    relay_wire_sent(link_, &kit.now, n);
    kit.events_n = 0;
    assert_true(kit_active(&kit, link_, "msrp://peer.example:9000/peer3;tcp") > 0);
    relay_endpoint_drop(kit.endpoint, session);
    const char *said = kit_said(&kit, link_);
    const char *line = memmem(said, kit.said_n, tid, strlen(tid));
    assert_non_null(line);
    assert_int_equal(line[strlen(tid)], '+');
    line = memmem(line, kit.said_n - (size_t)(line - said), "MSRP ", 5); /* the binding */
    assert_non_null(line);
    cut(line, said + kit.said_n, &frame);
    assert_false(frame.has_body);
    assert_int_equal(kit_find(&kit, RELAY_ENDPOINT_REFUSED)->err, RELAY_E_END);
    kit_done(&kit);
    free(octets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_chunks),
        cmocka_unit_test(large_chunks),
        cmocka_unit_test(an_answer_cuts_the_chunk),
        cmocka_unit_test(messages_share),
        cmocka_unit_test(no_end_line_in_the_body),
        cmocka_unit_test(end_lines_are_whole),
        cmocka_unit_test(a_refusal_aborts),
        cmocka_unit_test(a_refusal_before_the_end),
        cmocka_unit_test(a_source_that_fails),
        cmocka_unit_test(a_session_goes_the_link_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
