/* mime.c - tests of msrp/mime.c. */
#include "tests/msrp/test.h"

/* The walk over a body, `by` octets at a time, as text: PART type / DATA n octets / PART_END / END
 * / the error of the walk or of its end. */
static void walk(const char *body, size_t len, const char *boundary, size_t head_max, size_t by,
                 char *out, size_t cap)
{
    struct msrp_mime m;
    struct msrp_mime_event ev;
    size_t at = 0, fed = 0, n = 0, data = 0;
    ssize_t used = 0;
    int rc;

    out[0] = '\0';
    assert_int_equal(msrp_mime_init(&m, msrp_str_of(boundary), head_max), 0);
    while (fed < len && used >= 0) {
        char *window;
        size_t from = at;

        fed += by < len - fed ? by : len - fed;
        window = malloc(fed - at > 0 ? fed - at : 1);
        memcpy(window, body + at, fed - at);
        do {
            used = msrp_mime_next(&m, window + (at - from), fed - at, &ev);
            if (used < 0) {
                break;
            }
            at += (size_t)used;
            if (ev.kind == MSRP_MIME_DATA) {
                data += ev.data.n;
                assert_int_equal(ev.data.n, used);
            } else if (ev.kind == MSRP_MIME_PART) {
                n += (size_t)snprintf(out + n, cap - n, "PART %.*s\n", (int)ev.content_type.n,
                                      ev.content_type.p ? ev.content_type.p : "");
            } else if (ev.kind == MSRP_MIME_PART_END) {
                n += (size_t)snprintf(out + n, cap - n, "DATA %zu\n", data);
                data = 0;
            } else if (ev.kind == MSRP_MIME_END) {
                n += (size_t)snprintf(out + n, cap - n, "END\n");
            } else {
                assert_true(fed - at <= MSRP_MIME_TAIL_MAX + (head_max ? head_max : 4096));
            }
        } while (ev.kind != MSRP_MIME_MORE);
        free(window);
    }
    rc = used < 0 ? (int)used : msrp_mime_finish(&m, fed - at);
    assert_true(used >= 0 || msrp_mime_next(&m, "x", 1, &ev) == used);
    assert_true(used >= 0 || msrp_mime_finish(&m, 0) == used);
    snprintf(out + n, cap - n, rc < 0 ? "%s\n" : "GOOD\n", err_name(rc));
}

/* The body gives this, whole and in steps of 1-80. */
static void expect_walk_n(const char *body, size_t len, size_t head_max, const char *want)
{
    char got[2048];

    walk(body, len, "B", head_max, SIZE_MAX, got, sizeof(got));
    assert_string_equal(got, want);
    for (size_t by = 1; by <= 80; by++) {
        walk(body, len, "B", head_max, by, got, sizeof(got));
        assert_string_equal(got, want);
    }
}

static void expect_walk(const char *body, const char *want)
{
    expect_walk_n(body, strlen(body), 0, want);
}

static void good_bodies(void **state)
{
    (void)state;
    expect_walk("--B\r\nContent-Type: a/b\r\n\r\nhello\r\n--B--", "PART a/b\nDATA 5\nEND\nGOOD\n");
    expect_walk("--B\r\nContent-Type: a/b\r\n\r\nhello\r\n--B--\r\n",
                "PART a/b\nDATA 5\nEND\nGOOD\n");
    expect_walk("--B\r\nContent-Type: a/b\r\n\r\n\r\n--B\r\ncontent-TYPE:  c/d \r\nX: y\r\n\r\n"
                "\r\n\r\n--B--",
                "PART a/b\nDATA 0\nPART c/d\nDATA 2\nEND\nGOOD\n");
    expect_walk("--B\r\n\r\nno type\r\n--B--", "PART \nDATA 7\nEND\nGOOD\n");
    expect_walk("--B\r\nContent-Transfer-Encoding: Binary\r\n\r\nx\r\n--B--",
                "PART \nDATA 1\nEND\nGOOD\n");
    /* near misses in the data */
    expect_walk("--B\r\n\r\n--B\r\r\n--C\r\n-B\n--B\r\n--\r\n--B--", "PART \nDATA 21\nEND\nGOOD\n");
    /* the empty part: its CRLF is the delimiter's */
    expect_walk("--B\r\nContent-Type: a/b\r\n\r\n\r\n--B--\r\n", "PART a/b\nDATA 0\nEND\nGOOD\n");
}

static void bad_bodies(void **state)
{
    static const struct {
        const char *body, *want;
    } rows[] = {
        {"preamble\r\n--B\r\n\r\nx\r\n--B--", "MIME_PREAMBLE\n"},
        {"\r\n--B\r\n\r\nx\r\n--B--", "MIME_PREAMBLE\n"},
        {"--b\r\n\r\nx\r\n--b--", "MIME_PREAMBLE\n"},
        {"--Bx\r\n\r\nx\r\n--B--", "MIME_DELIMITER\n"},
        {"--B \r\n\r\nx\r\n--B--", "MIME_DELIMITER\n"},
        {"--B\n\nx\n--B--", "MIME_DELIMITER\n"},
        {"--B\r\r\n\r\nx", "MIME_DELIMITER\n"},
        {"--B-x\r\n\r\nx", "MIME_DELIMITER\n"},
        {"--B--", "MIME_EMPTY\n"},
        {"--B\r\n\r\nx\r\n--BC\r\n\r\n", "PART \nDATA 1\nMIME_DELIMITER\n"},
        {"--B\r\n\r\nx\r\n--B--x", "PART \nDATA 1\nEND\nMIME_EPILOGUE\n"},
        {"--B\r\n\r\nx\r\n--B--\r\nx", "PART \nDATA 1\nEND\nMIME_EPILOGUE\n"},
        {"--B\r\n\r\nx\r\n--B--\r\n\r\n", "PART \nDATA 1\nEND\nMIME_EPILOGUE\n"},
        {"--B\r\n\r\nx\r\n--B--\r", "PART \nDATA 1\nEND\nMIME_EPILOGUE\n"},
        {"--B\r\n\r\nx\r\n--B-- ", "PART \nDATA 1\nEND\nMIME_EPILOGUE\n"},
        {"--B\r\n\r\nx\r\n--B", "PART \nDATA 1\nMIME_SHORT\n"},
        {"--B\r\n\r\nx\r\n--B-", "PART \nDATA 1\nMIME_SHORT\n"},
        {"--B\r\n\r\nx", "PART \nMIME_SHORT\n"},
        {"--B\r\nContent-Type: a/b\r\n", "MIME_SHORT\n"},
        {"--B", "MIME_SHORT\n"},
        {"--B\r\nContent-Type: a/b\n\r\nx", "MIME_HEADER\n"},
        {"--B\r\n\n", "MIME_HEADER\n"},
        {"--B\r\nX: a\r\n b\r\n\r\nx", "MIME_HEADER\n"},
        {"--B\r\nX\r\n\r\nx", "MIME_HEADER\n"},
        {"--B\r\n: y\r\n\r\nx", "MIME_HEADER\n"},
        {"--B\r\nX : y\r\n\r\nx", "MIME_HEADER\n"},
        {"--B\r\nX: \x01\r\n\r\nx", "MIME_HEADER\n"},
        {"--B\r\nX: \xff\r\n\r\nx", "MIME_HEADER\n"},
        {"--B\r\nX: y\rz\r\n\r\nx", "MIME_HEADER\n"},
        {"--B\r\nContent-Type: a\r\n\r\nx", "MIME_TYPE\n"},
        {"--B\r\nContent-Type: a/b\r\nContent-Type: a/b\r\n\r\nx", "MIME_HEADER_DUP\n"},
        {"--B\r\nContent-Transfer-Encoding: binary\r\nContent-Transfer-Encoding: binary\r\n\r\nx",
         "MIME_HEADER_DUP\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        expect_walk(rows[i].body, rows[i].want);
    }
}

/* row 24 and profile 4 inside the multipart: no encoding but binary. */
static void encodings(void **state)
{
    static const char *bad[] = {"base64", "quoted-printable", "8bit", "7bit", "", "binary2"};

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        char body[256];

        snprintf(body, sizeof(body), "--B\r\ncontent-transfer-encoding: %s\r\n\r\nx\r\n--B--",
                 bad[i]);
        expect_walk(body, "MIME_ENCODING\n");
    }
}

/* The cap of a header block at limit-1, limit, limit+1, also when its end never comes. */
static void header_cap(void **state)
{
    char body[256];

    (void)state;
    for (size_t n = 60; n <= 70; n++) {
        /* "X: " x.. CRLF: n octets of header block */
        size_t k = (size_t)sprintf(body, "--B\r\nX: ");

        memset(body + k, 'x', n - 5);
        k += n - 5;
        k += (size_t)sprintf(body + k, "\r\n\r\ny\r\n--B--");
        expect_walk_n(body, k, 64, n <= 64 ? "PART \nDATA 1\nEND\nGOOD\n" : "MIME_HEADER_LONG\n");
        expect_walk_n(body, 5 + n - 2, 64, n - 2 <= 65 ? "MIME_SHORT\n" : "MIME_HEADER_LONG\n");
    }
}

static void all_octets_pass(void **state)
{
    char body[1024];
    size_t n = (size_t)sprintf(body, "--B\r\n\r\n");

    (void)state;
    for (int i = 0; i < 512; i++) {
        body[n++] = (char)i;
    }
    n += (size_t)sprintf(body + n, "\r\n--B--");
    expect_walk_n(body, n, 0, "PART \nDATA 512\nEND\nGOOD\n");
}

static void lines_of_a_part(void **state)
{
    struct msrp_str lines = MSRP_STR("A: b\r\nC:\t d \r\n"), name, value;

    (void)state;
    assert_true(msrp_mime_next_line(&lines, &name, &value));
    assert_true(msrp_str_is(name, "A") && msrp_str_is(value, "b"));
    assert_true(msrp_mime_next_line(&lines, &name, &value));
    assert_true(msrp_str_is(name, "C") && msrp_str_is(value, "d"));
    assert_false(msrp_mime_next_line(&lines, &name, &value));
}

static int type_of(const char *text)
{
    struct msrp_media m;

    return msrp_mime_parse_type(&m, msrp_str_of(text));
}

/* row F16: media types; quoted strings hold \\ and \" only. */
static void f16_media_types(void **state)
{
    static const char *good[] = {
        "a/b",        "text/plain; charset=utf-8", "text/plain ;\tcharset=\"utf-8\" ; x",
        "a/b;c=\"\"", "a/b;c=\"d;e=f\\\\\\\"\"",   "a/b;c=\"\xc3\xa4\"",
        " a/b "};
    static const char *bad[] = {"",
                                "a",
                                "a/",
                                "/b",
                                "a/b/c",
                                "a b/c",
                                "a/b;",
                                "a/b;;c",
                                "a/b;c=",
                                "a/b;=d",
                                "a/b;c=\"",
                                "a/b;c=\"\\",
                                "a/b;c=\"\\n\"",
                                "a/b;c=\"d\"e",
                                "a/b c",
                                "a/b;c d",
                                "a/b;c=d e",
                                "a/b;c=d\x01",
                                "a/b;c=\"\xff\"",
                                "a/b;c=d@e",
                                "a/b;c =d",
                                "a/b;c= d"};
    struct msrp_str rest, name, value;
    struct msrp_media m;
    bool is_quoted;

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        if (type_of(good[i]) != 0) {
            fail_msg("%s", good[i]);
        }
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        if (type_of(bad[i]) != MSRP_E_MIME_TYPE) {
            fail_msg("%s", bad[i]);
        }
    }
    assert_int_equal(msrp_mime_parse_type(&m, MSRP_STR("Multipart/MIXED; a=b;c=\"d;\\\"e\" ; f")),
                     0);
    assert_true(msrp_mime_is(&m, "multipart", "mixed"));
    assert_true(msrp_mime_is(&m, "multipart", NULL));
    assert_false(msrp_mime_is(&m, "multipart", "alternative"));
    assert_false(msrp_mime_is(&m, "text", NULL));
    rest = m.parameters;
    assert_true(msrp_mime_next_parameter(&rest, &name, &value, &is_quoted));
    assert_true(msrp_str_is(name, "a") && msrp_str_is(value, "b") && !is_quoted);
    assert_true(msrp_mime_next_parameter(&rest, &name, &value, &is_quoted));
    assert_true(msrp_str_is(name, "c") && msrp_str_is(value, "d;\\\"e") && is_quoted);
    assert_true(msrp_mime_next_parameter(&rest, &name, &value, NULL));
    assert_true(msrp_str_is(name, "f") && value.n == 0);
    assert_false(msrp_mime_next_parameter(&rest, &name, &value, NULL));
    row_passed("F16");
}

static int boundary_of(const char *text, char *out)
{
    struct msrp_media m;

    assert_int_equal(msrp_mime_parse_type(&m, msrp_str_of(text)), 0);
    return msrp_mime_boundary(&m, out);
}

static void boundaries(void **state)
{
    char out[MSRP_BOUNDARY_MAX + 1], text[256], longest[72];
    struct msrp_mime m;

    (void)state;
    assert_int_equal(boundary_of("multipart/mixed;boundary=abc", out), 3);
    assert_string_equal(out, "abc");
    assert_int_equal(boundary_of("multipart/mixed; BOUNDARY=\"a b:'()+_,-./=?\"; x=y", out), 15);
    assert_string_equal(out, "a b:'()+_,-./=?");
    assert_int_equal(boundary_of("multipart/mixed", out), MSRP_E_MIME_BOUNDARY);
    assert_int_equal(boundary_of("multipart/mixed;boundary", out), MSRP_E_MIME_BOUNDARY);
    assert_int_equal(boundary_of("multipart/mixed;boundary=\"\"", out), MSRP_E_MIME_BOUNDARY);
    assert_int_equal(boundary_of("multipart/mixed;boundary=\"a \"", out), MSRP_E_MIME_BOUNDARY);
    assert_int_equal(boundary_of("multipart/mixed;boundary=\"a\\\\\"", out), MSRP_E_MIME_BOUNDARY);
    assert_int_equal(boundary_of("multipart/mixed;boundary=a;boundary=a", out),
                     MSRP_E_MIME_BOUNDARY);
    memset(longest, 'a', sizeof(longest));
    for (int n = 70; n <= 71; n++) {
        snprintf(text, sizeof(text), "multipart/mixed;boundary=%.*s", n, longest);
        assert_int_equal(boundary_of(text, out), n == 70 ? 70 : MSRP_E_MIME_BOUNDARY);
        assert_int_equal(msrp_mime_init(&m, (struct msrp_str){longest, (size_t)n}, 0),
                         n == 70 ? 0 : MSRP_E_MIME_BOUNDARY);
    }
    assert_int_equal(msrp_mime_init(&m, MSRP_STR(""), 0), MSRP_E_MIME_BOUNDARY);
    assert_int_equal(msrp_mime_init(&m, MSRP_STR("a\r\nb"), 0), MSRP_E_MIME_BOUNDARY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_bodies),     cmocka_unit_test(bad_bodies),
        cmocka_unit_test(encodings),       cmocka_unit_test(header_cap),
        cmocka_unit_test(all_octets_pass), cmocka_unit_test(lines_of_a_part),
        cmocka_unit_test(f16_media_types), cmocka_unit_test(boundaries),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
