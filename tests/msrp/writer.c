/* writer.c - tests of msrp/writer.c. */
#include "tests/msrp/test.h"

static void request_reads_back(void **state)
{
    char out[512];
    struct msrp_writer w;
    struct msrp_byte_range range = {1, 5, MSRP_UNKNOWN};

    (void)state;
    msrp_writer_init(&w, out, sizeof(out));
    msrp_writer_request(&w, MSRP_STR("abcd"), "SEND");
    msrp_writer_header(&w, "To-Path", MSRP_STR("msrp://a:1/s;tcp"));
    msrp_writer_header_list(
        &w, "From-Path",
        (struct msrp_str[]){MSRP_STR("msrp://b:1/s;tcp"), MSRP_STR(""), MSRP_STR("msrp://c:1;tcp")},
        3);
    msrp_writer_header(&w, "Message-ID", MSRP_STR("m123"));
    msrp_writer_header_u64(&w, "Expires", 900);
    msrp_writer_range(&w, &range);
    msrp_writer_header(&w, "Content-Type", MSRP_STR("text/plain"));
    msrp_writer_blank(&w);
    msrp_writer_text(&w, "hello");
    msrp_writer_end(&w, MSRP_STR("abcd"), '+', true);
    assert_true(msrp_writer_done(&w) > 0);
    out[w.n] = '\0';
    assert_string_equal(out, "MSRP abcd SEND\r\nTo-Path: msrp://a:1/s;tcp\r\nFrom-Path: "
                             "msrp://b:1/s;tcp msrp://c:1;tcp\r\nMessage-ID: m123\r\nExpires: "
                             "900\r\nByte-Range: 1-5/*\r\nContent-Type: "
                             "text/plain\r\n\r\nhello\r\n-------abcd+\r\n");
    expect_events(out, "HEAD SEND abcd to=1 from=2 id=m123 range=1-5/* expires=900 "
                       "type=text/plain body\nBODY 5 hello\nEND +\nCLEAN\n");
}

/* Every cap below the length gives the sticky error and never writes past the cap. */
static void error_sticks(void **state)
{
    char out[128];
    struct msrp_writer w;
    size_t full = 0;

    (void)state;
    for (size_t cap = sizeof(out); cap-- > 0;) {
        memset(out, '~', sizeof(out));
        msrp_writer_init(&w, out, cap);
        msrp_writer_answer(&w, MSRP_STR("abcd"), MSRP_STR("x"), 200, MSRP_STR("y"), NULL, 0);
        full = cap == sizeof(out) - 1 ? w.n : full;
        assert_int_equal(w.err, cap >= full ? 0 : MSRP_E_SPACE);
        assert_int_equal(msrp_writer_done(&w), cap >= full ? (ssize_t)full : MSRP_E_SPACE);
        for (size_t i = cap; i < sizeof(out); i++) {
            assert_int_equal(out[i], '~');
        }
    }
    assert_true(full > 40);
}

/* No line can be smuggled in by a value. T22 */
static void values_hold_no_control(void **state)
{
    char out[128];
    struct msrp_writer w;

    (void)state;
    for (int c = 0; c < 256; c++) {
        char v[] = {'a', (char)c, 'b'};

        msrp_writer_init(&w, out, sizeof(out));
        msrp_writer_header(&w, "X", (struct msrp_str){v, 3});
        assert_int_equal(w.err, (c < 0x20 && c != '\t') || c == 0x7f ? MSRP_E_OCTET : 0);
        msrp_writer_text(&w, "more");
        assert_int_equal(msrp_writer_done(&w) < 0, w.err != 0);
    }
    msrp_writer_init(&w, out, sizeof(out));
    msrp_writer_request(&w, MSRP_STR("ab\r\n"), "SEND");
    assert_int_equal(w.err, MSRP_E_OCTET);
}

static void responses(void **state)
{
    static const char from[] = "msrp://b:1/s;tcp msrp://c:1/s;tcp";
    static const int codes[] = {200, 400, 401, 403, 404, 408, 413, 415,
                                423, 424, 425, 428, 481, 501, 506};
    struct msrp_head head = {.method = MSRP_SEND, .tid = MSRP_STR("abcd")};
    struct msrp_field field = {"Min-Expires", MSRP_STR("60")};
    struct msrp_writer w;
    char out[512];

    (void)state;
    head.from = (struct msrp_path){.text = msrp_str_of(from), .first = {from, 16}, .count = 2};
    msrp_writer_init(&w, out, sizeof(out) - 1);
    msrp_response_write(&w, &head, 200, MSRP_STR("msrp://a:1/s;tcp"), NULL, 0);
    out[w.n] = '\0';
    assert_string_equal(out, "MSRP abcd 200 OK\r\nTo-Path: msrp://b:1/s;tcp\r\nFrom-Path: "
                             "msrp://a:1/s;tcp\r\n-------abcd$\r\n");
    head.method = MSRP_AUTH;
    msrp_writer_init(&w, out, sizeof(out) - 1);
    msrp_response_write(&w, &head, 423, MSRP_STR("msrp://a:1/s;tcp"), &field, 1);
    out[w.n] = '\0';
    assert_string_equal(out, "MSRP abcd 423 Interval Out Of Bounds\r\nTo-Path: msrp://b:1/s;tcp "
                             "msrp://c:1/s;tcp\r\nFrom-Path: msrp://a:1/s;tcp\r\nMin-Expires: "
                             "60\r\n-------abcd$\r\n");
    for (size_t i = 0; i < COUNT(codes); i++) {
        assert_true(strlen(msrp_code_text(codes[i])) > 0);
    }
    assert_string_equal(msrp_code_text(299), "");
    msrp_writer_init(&w, out, sizeof(out) - 1);
    msrp_writer_response(&w, MSRP_STR("abcd"), 299);
    assert_true(msrp_str_is((struct msrp_str){out, w.n}, "MSRP abcd 299\r\n"));
}

/* row F3: a made id carries at least 64 random bits (it carries 128) and is an ident. */
static void f3_random_ids(void **state)
{
    char a[MSRP_IDENT_MADE + 1], b[MSRP_IDENT_MADE + 1];
    uint8_t rnd[16];

    (void)state;
    for (unsigned bit = 0; bit < 128; bit++) {
        for (unsigned i = 0; i < 16; i++) {
            rnd[i] = (uint8_t)(i * 37);
        }
        msrp_tid_make(a, rnd);
        rnd[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        msrp_tid_make(b, rnd);
        assert_string_not_equal(a, b); /* each bit shows */
        assert_true(msrp_str_is_ident(msrp_str_of(b)));
        assert_true(strlen(b) >= 20);
    }
    row_passed("F3");
}

/* row F8: the sender's end-line is not in the body; else another id, or a cut before it. */
static void f8_absent_id(void **state)
{
    static const char body[] = "abc\r\n-------wxyz$\r\nhello";
    struct msrp_str whole = {body, sizeof(body) - 1}, spans[4];
    uint8_t rnd[48];
    char tid[MSRP_IDENT_MADE + 1], first[MSRP_IDENT_MADE + 1], text[64];

    (void)state;
    assert_int_equal(msrp_tid_find(MSRP_STR("wxyz"), &whole, 1), 5);
    assert_true(msrp_tid_is_absent(MSRP_STR("wxyy"), &whole, 1));
    assert_true(msrp_tid_is_absent(MSRP_STR("wxyz"), NULL, 0));
    /* across borders, whatever they are */
    for (size_t i = 0; i <= whole.n; i++) {
        for (size_t k = i; k <= whole.n; k++) {
            spans[0] = (struct msrp_str){body, i};
            spans[1] = (struct msrp_str){body + i, k - i};
            spans[2] = (struct msrp_str){NULL, 0};
            spans[3] = (struct msrp_str){body + k, whole.n - k};
            assert_int_equal(msrp_tid_find(MSRP_STR("wxyz"), spans, 4), 5);
            assert_true(msrp_tid_is_absent(MSRP_STR("wxyzz"), spans, 4));
        }
    }
    /* an id that is none is found nowhere */
    assert_true(msrp_tid_is_absent(MSRP_STR("123456789012345678901234567890123"), &whole, 1));
    /* octet by octet */
    {
        struct msrp_str each[sizeof(body) - 1];

        for (size_t i = 0; i < whole.n; i++) {
            each[i] = (struct msrp_str){body + i, 1};
        }
        assert_int_equal(msrp_tid_find(MSRP_STR("wxyz"), each, whole.n), 5);
        assert_true(msrp_tid_is_absent(MSRP_STR("wxyy"), each, whole.n));
    }
    /* another id is picked; when none is left that is told */
    memset(rnd, 7, 16);
    memset(rnd + 16, 7, 16);
    memset(rnd + 32, 9, 16);
    msrp_tid_make(first, rnd);
    snprintf(text, sizeof(text), "x-------%sy", first);
    spans[0] = msrp_str_of(text);
    assert_int_equal(msrp_tid_pick(tid, rnd, 3, spans, 1), 0);
    assert_string_not_equal(tid, first);
    assert_true(msrp_tid_is_absent(msrp_str_of(tid), spans, 1));
    assert_int_equal(msrp_tid_pick(tid, rnd, 2, spans, 1), MSRP_E_TID_TAKEN);
    assert_string_equal(tid, "");
    /* the cut: what stands before the place does not hold it, nor does the rest of it behind */
    spans[0] = (struct msrp_str){body, 5 + 6};
    spans[1] = (struct msrp_str){body + 5 + 6, whole.n - 5 - 6};
    assert_true(msrp_tid_is_absent(MSRP_STR("wxyz"), &spans[0], 1));
    assert_true(msrp_tid_is_absent(MSRP_STR("wxyz"), &spans[1], 1));
    row_passed("F8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_reads_back),     cmocka_unit_test(error_sticks),
        cmocka_unit_test(values_hold_no_control), cmocka_unit_test(responses),
        cmocka_unit_test(f3_random_ids),          cmocka_unit_test(f8_absent_id),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
