/* sds_ie.c - the information elements: each row, the skip rule, the values. ts24282#15.2 */
#include "dpp/sds/ie.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "dpp/err.h"
#include "tests/dpp/hex.h"

static struct dpp_span span(const void *p, size_t n)
{
    return (struct dpp_span){.p = p, .n = n};
}

/* Walks `text` and returns how many elements there were, or the error. */
static int walk(const char *text, struct dpp_ie *ies, size_t cap, size_t *left, size_t *err_at)
{
    struct hex h = hex_read(text);
    struct dpp_cur c;
    struct dpp_ie ie;
    int n = 0, got;

    dpp_cur_init(&c, h.p, h.n);
    while ((got = dpp_ie_next(&c, &ie)) > 0) {
        if (ies && (size_t)n < cap)
            ies[n] = ie;
        n++;
    }
    if (left)
        *left = dpp_cur_left(&c);
    if (err_at)
        *err_at = c.err_at;
    free(h.p); /* only ids, numbers and lengths of `ies` are looked at */
    return got < 0 ? got : n;
}

static void test_every_row_is_written_and_read(void **state)
{
    static const uint8_t value[16] = {7, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

    (void)state;
    for (int id = 0; id < DPP_IE_COUNT; id++) {
        const struct dpp_ie_row *row = dpp_ie_row(id);
        uint8_t buf[32];
        struct dpp_out o;
        struct dpp_cur c;
        struct dpp_ie ie;
        size_t n = row->format == DPP_IE_HALF ? 0 : row->min;

        dpp_cur_out(&o, buf, sizeof buf);
        dpp_ie_put(&o, id, 7, span(value, n));
        assert_int_equal(o.err, 0);
        assert_int_equal(o.n, row->format == DPP_IE_HALF ? 1
                              : row->format == DPP_IE_TV ? 1 + n
                                                         : 3 + n);
        dpp_cur_init(&c, buf, o.n);
        assert_int_equal(dpp_ie_next(&c, &ie), 1);
        assert_int_equal(ie.id, id);
        assert_int_equal(ie.iei, row->iei);
        assert_int_equal(ie.number, 7);
        assert_int_equal(ie.value.n, n);
        if (n > 1)
            assert_memory_equal(ie.value.p, value, n);
        assert_int_equal(dpp_ie_next(&c, &ie), 0);
        /* every cut gives TRUNCATED at the element's first octet, never a shorter element */
        for (size_t cut = 1; cut < o.n; cut++) {
            uint8_t *exact = memcpy(malloc(cut), buf, cut);
            dpp_cur_init(&c, exact, cut);
            assert_int_equal(dpp_ie_next(&c, &ie), DPP_E_TRUNCATED);
            assert_int_equal(c.err_at, 0);
            assert_int_equal(dpp_ie_next(&c, &ie), DPP_E_TRUNCATED);
            free(exact);
        }
    }
    assert_null(dpp_ie_row(DPP_IE_COUNT));
}

/* The table as mcdata-messages 2.1 prints it, written a second time. */
static void test_rows_are_the_documented_ones(void **state)
{
    static const struct {
        uint8_t iei, format, length;
    } want[] = {{0x21, DPP_IE_TV, 16},   {0x22, DPP_IE_TV, 1},    {0x51, DPP_IE_TLV_E, 0},
                {0x52, DPP_IE_TLV_E, 0}, {0x53, DPP_IE_TLV_E, 0}, {0x78, DPP_IE_TLV_E, 0},
                {0x79, DPP_IE_TLV_E, 0}, {0x7a, DPP_IE_TLV_E, 0}, {0x7b, DPP_IE_TLV_E, 0},
                {0x7c, DPP_IE_TLV_E, 0}, {0x7d, DPP_IE_TLV_E, 0}, {0x7e, DPP_IE_TLV_E, 0},
                {0x7f, DPP_IE_TLV_E, 0}, {0x80, DPP_IE_HALF, 1},  {0x90, DPP_IE_HALF, 1},
                {0xa0, DPP_IE_HALF, 1},  {0xb0, DPP_IE_HALF, 1},  {0xc0, DPP_IE_HALF, 1},
                {0xd0, DPP_IE_HALF, 1}};

    (void)state;
    assert_int_equal(DPP_IE_COUNT, sizeof want / sizeof *want);
    for (int id = 0; id < DPP_IE_COUNT; id++) {
        const struct dpp_ie_row *row = dpp_ie_row(id);
        assert_int_equal(row->iei, want[id].iei);
        assert_int_equal(row->format, want[id].format);
        if (want[id].length)
            assert_int_equal(row->max, want[id].length);
        assert_int_equal(row->min, want[id].length ? want[id].length : 1);
    }
}

/* mcdata-messages 1.4 */
static void test_unknown_elements_are_skipped_by_rule(void **state)
{
    struct dpp_ie ies[4];
    size_t left;

    (void)state;
    /* bit 8 set: one octet */
    assert_int_equal(walk("e582f1", ies, 4, &left, NULL), 3);
    assert_int_equal(ies[0].id, DPP_IE_COUNT);
    assert_int_equal(ies[0].iei, 0xe0);
    assert_int_equal(ies[1].id, DPP_IE_SDS_REQUEST);
    assert_int_equal(ies[1].number, 2);
    assert_int_equal(ies[2].iei, 0xf0);
    assert_int_equal(left, 0);
    /* 0x5x and 0x7x: TLV-E, also of length 0, also with octets inside that look like elements */
    assert_int_equal(walk("5000022201"
                          "700000"
                          "5f000181"
                          "81",
                          ies, 4, &left, NULL),
                     4);
    assert_int_equal(ies[0].id, DPP_IE_COUNT);
    assert_int_equal(ies[0].value.n, 2);
    assert_int_equal(ies[1].value.n, 0);
    assert_int_equal(ies[3].id, DPP_IE_SDS_REQUEST);
    /* any other: the rest is ignored */
    assert_int_equal(walk("81"
                          "2382"
                          "83",
                          ies, 4, &left, NULL),
                     1);
    assert_int_equal(ies[0].number, 1);
    assert_int_equal(left, 3);
    for (int octet = 0; octet < 0x80; octet++) {
        char text[16];
        snprintf(text, sizeof text, "%02x000181", octet);
        int n = walk(text, NULL, 0, &left, NULL);
        if (octet >> 4 == 5 || octet >> 4 == 7)
            assert_int_equal(n, 1);
        else if (octet == 0x22)
            assert_int_equal(n, 1); /* 22 00, then 01 stops */
        else if (octet == 0x21)
            assert_int_equal(n, DPP_E_TRUNCATED);
        else
            assert_int_equal(n, 0);
    }
}

static void test_bad_lengths_are_refused(void **state)
{
    size_t at;

    (void)state;
    assert_int_equal(walk("51000161", NULL, 0, NULL, NULL), 1);
    assert_int_equal(walk("81510000", NULL, 0, NULL, &at), DPP_E_IE); /* 4-x octets */
    assert_int_equal(at, 1);
    assert_int_equal(walk("780000", NULL, 0, NULL, NULL), DPP_E_IE); /* no content type */
    assert_int_equal(walk("7a000302ff", NULL, 0, NULL, &at), DPP_E_TRUNCATED);
    assert_int_equal(at, 0);
    assert_int_equal(walk("8178ffff01", NULL, 0, NULL, &at), DPP_E_TRUNCATED);
    assert_int_equal(at, 1);
    assert_int_equal(walk("71ffff01", NULL, 0, NULL, NULL), DPP_E_TRUNCATED); /* unknown, too */
}

static void test_put_refuses(void **state)
{
    static uint8_t big[65536];
    uint8_t buf[64];
    struct dpp_out o;

    (void)state;
    dpp_cur_out(&o, buf, sizeof buf);
    dpp_ie_put(&o, DPP_IE_SDS_REQUEST, 16, span(NULL, 0));
    assert_int_equal(o.err, DPP_E_IE);
    dpp_cur_out(&o, buf, sizeof buf);
    dpp_ie_put(&o, DPP_IE_COUNT, 0, span(big, 1));
    assert_int_equal(o.err, DPP_E_IE);
    dpp_cur_out(&o, buf, sizeof buf);
    dpp_ie_put(&o, DPP_IE_SENDER_ID, 0, span(NULL, 0));
    assert_int_equal(o.err, DPP_E_IE);
    dpp_cur_out(&o, buf, sizeof buf);
    dpp_ie_put(&o, DPP_IE_SENDER_ID, 0, span(big, sizeof big));
    assert_int_equal(o.err, DPP_E_IE);
    dpp_cur_out(&o, buf, sizeof buf);
    dpp_ie_put(&o, DPP_IE_IN_REPLY_TO, 0, span(big, 15));
    assert_int_equal(o.err, DPP_E_IE);
    dpp_cur_out(&o, buf, sizeof buf);
    dpp_ie_put_payload(&o, DPP_CONTENT_TEXT, big, DPP_IE_PAYLOAD_MAX + 1);
    assert_int_equal(o.err, DPP_E_LONG);
    dpp_cur_out(&o, buf, sizeof buf);
    dpp_ie_put_payload(&o, DPP_CONTENT_TEXT, big, sizeof buf);
    assert_int_equal(o.err, DPP_E_SPACE);
}

static void test_payload(void **state)
{
    static uint8_t buf[65537 + 3];
    static const uint8_t data[DPP_IE_PAYLOAD_MAX] = {1};
    struct dpp_out o;
    struct dpp_cur c;
    struct dpp_ie ie;
    struct dpp_span got;
    uint8_t content;

    (void)state;
    dpp_cur_out(&o, buf, sizeof buf);
    dpp_ie_put_payload(&o, DPP_CONTENT_BINARY, data, sizeof data);
    assert_int_equal(o.n, 65535 + 3);
    assert_memory_equal(buf, "\x78\xff\xff\x02\x01", 5);
    dpp_cur_init(&c, buf, o.n);
    assert_int_equal(dpp_ie_next(&c, &ie), 1);
    assert_int_equal(dpp_ie_payload(ie.value, &content, &got), 0);
    assert_int_equal(content, DPP_CONTENT_BINARY);
    assert_int_equal(got.n, sizeof data);
    assert_memory_equal(got.p, data, sizeof data);
    assert_int_equal(dpp_ie_payload(span(buf, 1), &content, &got), 0);
    assert_int_equal(got.n, 0);
    assert_int_equal(dpp_ie_payload(span(NULL, 0), &content, &got), DPP_E_IE);
}

static void check_location(const char *text, int32_t lat_want, int32_t lon_want)
{
    struct hex h = hex_read(text);
    int32_t lat, lon;

    assert_int_equal(dpp_ie_location(span(h.p, h.n), &lat, &lon), 0);
    assert_int_equal(lat, lat_want);
    assert_int_equal(lon, lon_want);
    free(h.p);
}

/* ts23032#6.1; vector O6: 48.8584 N, 2.2945 E */
static void test_location(void **state)
{
    uint8_t five[5] = {0};
    int32_t lat, lon;

    (void)state;
    struct hex h = hex_read("457ccc01a1b3");
    assert_int_equal(dpp_ie_location(span(h.p, h.n), &lat, &lon), 0);
    assert_in_range(lat, 48858400 - 11, 48858400 + 11); /* one step of the coding */
    assert_in_range(lon, 2294500 - 22, 2294500 + 22);
    free(h.p);
    check_location("000000000000", 0, 0);
    check_location("800000ffffff", 0, -21); /* south, one step west: 360/2^24 degrees */
    check_location("c00000800000", -45000000, -180000000);
    check_location("7fffff7fffff", 89999989, 179999979);
    assert_int_equal(dpp_ie_location(span(five, 5), &lat, &lon), DPP_E_VALUE);
}

static void test_number_names(void **state)
{
    (void)state;
    assert_string_equal(dpp_ie_number_name(DPP_KIND_SDS_DISPOSITION, 4), "DELIVERED AND READ");
    assert_string_equal(dpp_ie_number_name(DPP_KIND_SDS_REQUEST, 3), "DELIVERY AND READ");
    assert_null(dpp_ie_number_name(DPP_KIND_SDS_REQUEST, 0));
    assert_null(dpp_ie_number_name(DPP_KIND_SDS_REQUEST, 4));
    assert_null(dpp_ie_number_name(DPP_KIND_UUID, 1));
    assert_int_equal(DPP_SDS_DISPOSITION_DELIVERED, 2);
    assert_int_equal(DPP_SDS_DISPOSITION_READ, 3);
}

static bool is_utf8(const char *s)
{
    return dpp_ie_is_utf8(span(s, strlen(s)));
}

/* rfc3629#3 */
static void test_utf8(void **state)
{
    uint32_t ch;

    (void)state;
    assert_true(is_utf8(""));
    assert_true(is_utf8("a\x7f"));
    assert_true(is_utf8("\xc2\x80\xdf\xbf"));
    assert_true(is_utf8("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"));
    assert_true(is_utf8("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"));
    static const char *const bad[] = {
        "\x80",
        "\xc0\x80",
        "\xc1\xbf",
        "\xc2",
        "\xc2\x41",
        "\xe0\x9f\xbf",
        "\xed\xa0\x80",
        "\xed\xbf\xbf",
        "\xe1\x80",
        "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xf1\x80\x80",
        "a\xff",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(is_utf8(bad[i]));
    assert_int_equal(dpp_ie_utf8((const uint8_t *)"\xf0\x9f\x98\x80", 4, &ch), 4);
    assert_int_equal(ch, 0x1f600);
    assert_int_equal(dpp_ie_utf8((const uint8_t *)"", 0, &ch), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_is_written_and_read),
        cmocka_unit_test(test_rows_are_the_documented_ones),
        cmocka_unit_test(test_unknown_elements_are_skipped_by_rule),
        cmocka_unit_test(test_bad_lengths_are_refused),
        cmocka_unit_test(test_put_refuses),
        cmocka_unit_test(test_payload),
        cmocka_unit_test(test_location),
        cmocka_unit_test(test_number_names),
        cmocka_unit_test(test_utf8),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
