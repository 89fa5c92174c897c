/* msrp_stream.c - seeded streams of frames: any re-chunking gives the same events; what was written
 * reads back field by field, and written again from what was read it is the same octets. */
#include "tests/msrp/test.h"

static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* One of the 64 octets that trouble most, or any. */
static char octet(uint32_t *seed)
{
    static const char near[] = "\r\n-\r\n-----$+#MSRP abcd";
    uint32_t v = next(seed);

    return v & 1 ? near[(v >> 1) % (sizeof(near) - 1)] : (char)(v >> 3);
}

static struct msrp_str ident(uint32_t *seed, char out[MSRP_IDENT_MAX])
{
    static const char set[] = "abcXYZ019.-+%=";
    size_t n = 4 + next(seed) % 29;

    for (size_t i = 0; i < n; i++) {
        out[i] = set[next(seed) % (i == 0 ? 9 : sizeof(set) - 1)];
    }
    return (struct msrp_str){out, n};
}

static const char *const uris[] = {
    "msrps://relay.example:2855/a;tcp", "msrp://[2001:db8::1]:7/s+t=u;tcp;x=y",
    "msrps://bob@h%6fst.example:1/S~;TCP", "msrp://192.0.2.7:65535/x/y;ws"};

/* Writes one random good frame. */
static void write_frame(struct msrp_writer *w, uint32_t *seed)
{
    static const char *const methods[] = {"SEND", "SEND", "SEND", "REPORT", "AUTH", "NICKNAME"};
    static const char *const asked[] = {"yes", "no", "partial"};
    char tid_text[MSRP_IDENT_MAX], id_text[MSRP_IDENT_MAX], body_text[300];
    struct msrp_str tid = ident(seed, tid_text), body = {body_text, 0}, path[8];
    const char *method = methods[next(seed) % COUNT(methods)];
    bool is_send = strcmp(method, "SEND") == 0, is_response = next(seed) % 5 == 0;
    bool has_body = !is_response && next(seed) % 3 != 0;
    char flag = is_send && !is_response ? "$+#"[next(seed) % 3] : '$';

    if (is_response) {
        msrp_writer_response(w, tid, 100 + (int)(next(seed) % 900));
    } else {
        msrp_writer_request(w, tid, method);
    }
    for (int side = 0; side < 2; side++) {
        size_t n = 1 + next(seed) % 8;

        for (size_t i = 0; i < n; i++) {
            path[i] = msrp_str_of(uris[next(seed) % COUNT(uris)]);
        }
        msrp_writer_header_list(w, side == 0 ? "To-Path" : "From-Path", path, n);
    }
    if (!is_response) {
        msrp_writer_header(w, "Message-ID", ident(seed, id_text));
        if (is_send && next(seed) % 2) {
            uint64_t start = 1 + next(seed) % 1000, total = start - 1 + next(seed) % 1000;
            struct msrp_byte_range r = {start, next(seed) % 2 ? MSRP_UNKNOWN : total,
                                        next(seed) % 2 ? MSRP_UNKNOWN : total};

            msrp_writer_range(w, &r);
        }
        if (is_send && next(seed) % 2) {
            msrp_writer_header(w, "Success-Report", msrp_str_of(asked[next(seed) % 2]));
            msrp_writer_header(w, "Failure-Report", msrp_str_of(asked[next(seed) % 3]));
        }
        if (strcmp(method, "REPORT") == 0) {
            msrp_writer_header(w, "Status", MSRP_STR("000 200 OK"));
        }
    }
    if (next(seed) % 4 == 0) {
        msrp_writer_header_u64(w, "Expires", next(seed));
    }
    if (has_body) {
        body.n = next(seed) % sizeof(body_text);
        for (size_t i = 0; i < body.n; i++) {
            body_text[i] = octet(seed);
        }
        if (!msrp_tid_is_absent(tid, &body, 1)) {
            body.n = 0; /* row F8 */
        }
        msrp_writer_header(w, "Content-Type", MSRP_STR("a/b;c=\"d;\\\"e\""));
        msrp_writer_blank(w);
        msrp_writer_put(w, body);
    }
    msrp_writer_end(w, tid, flag, has_body);
}

/* row F18 on streams of 1-6 frames, 400 seeds. */
static void any_rechunking(void **state)
{
    static char wire[65536];

    (void)state;
    for (uint32_t round = 0; round < 400; round++) {
        uint32_t seed = round, s;
        unsigned frames = 1 + next(&seed) % 6;
        size_t by = 1, cut;
        struct msrp_writer w;
        struct trace *t, *u;

        msrp_writer_init(&w, wire, sizeof(wire));
        for (unsigned i = 0; i < frames; i++) {
            write_frame(&w, &seed);
        }
        assert_int_equal(w.err, 0);
        t = trace_run(wire, w.n, NULL, trace_all, NULL);
        assert_int_equal(t->frames, frames);
        assert_true(t->is_between);
        assert_null(strstr(t->text, "fault"));
        u = trace_run(wire, w.n, NULL, trace_by, &by);
        assert_string_equal(u->text, t->text);
        trace_free(u);
        for (unsigned i = 0; i < 8; i++) {
            s = next(&seed);
            u = trace_run(wire, w.n, NULL, trace_random, &s);
            assert_string_equal(u->text, t->text);
            trace_free(u);
            cut = 1 + next(&seed) % w.n;
            u = trace_run(wire, w.n, NULL, trace_cut, &cut);
            assert_string_equal(u->text, t->text);
            trace_free(u);
        }
        trace_free(t);
    }
    row_passed("F18");
}

/* Damaged streams, too: flipped, doubled, dropped octets; the same faults at the same places. */
static void any_rechunking_of_damage(void **state)
{
    static char wire[65536];

    (void)state;
    for (uint32_t round = 0; round < 1500; round++) {
        uint32_t seed = 77777 + round, s;
        size_t by = 1;
        struct msrp_writer w;
        struct trace *t, *u;

        msrp_writer_init(&w, wire, sizeof(wire));
        for (unsigned i = 0; i < 2; i++) {
            write_frame(&w, &seed);
        }
        for (unsigned i = 1 + next(&seed) % 3; i > 0; i--) {
            size_t at = next(&seed) % w.n;

            if (next(&seed) % 2) {
                wire[at] = octet(&seed);
            } else {
                memmove(wire + at, wire + at + 1, w.n - at - 1);
                w.n--;
            }
        }
        t = trace_run(wire, w.n, NULL, trace_all, NULL);
        u = trace_run(wire, w.n, NULL, trace_by, &by);
        assert_string_equal(u->text, t->text);
        trace_free(u);
        s = next(&seed);
        u = trace_run(wire, w.n, NULL, trace_random, &s);
        assert_string_equal(u->text, t->text);
        trace_free(u);
        trace_free(t);
    }
}

/* encode - parse - encode: the head written again from what was read is the same octets. */
static void encode_parse_encode(void **state)
{
    static char wire[16384], again[16384];

    (void)state;
    for (uint32_t round = 0; round < 1000; round++) {
        uint32_t seed = 4242 + round;
        struct msrp_str name, value, body = {NULL, 0};
        struct msrp_writer w, v;
        struct msrp_reader r;
        struct msrp_event ev;
        size_t at = 0, iter = 0;

        msrp_writer_init(&w, wire, sizeof(wire));
        write_frame(&w, &seed);
        msrp_reader_init(&r, NULL);
        at = (size_t)msrp_reader_next(&r, wire, w.n, &ev);
        assert_int_equal(ev.kind, MSRP_EV_HEAD);
        assert_int_equal(ev.err, 0);

        msrp_writer_init(&v, again, sizeof(again));
        if (r.head.is_response) {
            msrp_writer_response(&v, r.head.tid, (int)r.head.code);
        } else {
            char method[16];

            snprintf(method, sizeof(method), "%.*s", (int)r.head.method_text.n,
                     r.head.method_text.p);
            msrp_writer_request(&v, r.head.tid, method);
        }
        while (msrp_head_next(&r.head, &iter, &name, &value)) {
            char text[32];

            snprintf(text, sizeof(text), "%.*s", (int)name.n, name.p);
            if (msrp_str_is(name, "Byte-Range")) {
                msrp_writer_range(&v, &r.head.range);
            } else if (msrp_str_is(name, "To-Path")) {
                msrp_path_push(&v, text, r.head.to.first, msrp_path_pop(r.head.to.text, 1));
            } else {
                msrp_writer_header(&v, text, value);
            }
        }
        if (r.head.has_body) {
            msrp_writer_blank(&v);
        }
        for (;;) {
            ssize_t used = msrp_reader_next(&r, wire + at, w.n - at, &ev);

            assert_true(used >= 0);
            at += (size_t)used;
            if (ev.kind == MSRP_EV_END) {
                break;
            }
            assert_int_equal(ev.kind, MSRP_EV_BODY);
            body = ev.body;
            msrp_writer_put(&v, body);
        }
        msrp_writer_end(&v, msrp_reader_tid(&r), ev.flag, r.head.has_body);
        assert_int_equal(v.err, 0);
        assert_int_equal(v.n, w.n);
        assert_memory_equal(again, wire, w.n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_rechunking),
        cmocka_unit_test(any_rechunking_of_damage),
        cmocka_unit_test(encode_parse_encode),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
