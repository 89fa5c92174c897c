/* msrp_mime.c - seeded multiparts: the parts come out of the walker as they went in, whatever the
 * split. */
#include "tests/msrp/test.h"

static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* Walks `by` octets at a time (0: random) and writes all data of all parts, each part between
 * brackets, into out. */
static size_t walk(const char *body, size_t len, const char *boundary, size_t by, uint32_t seed,
                   char *out)
{
    struct msrp_mime m;
    struct msrp_mime_event ev;
    size_t at = 0, fed = 0, n = 0;

    assert_int_equal(msrp_mime_init(&m, msrp_str_of(boundary), 0), 0);
    while (fed < len) {
        size_t more = by ? by : 1 + next(&seed) % 60, from = at;
        char *window;

        fed += more < len - fed ? more : len - fed;
        window = malloc(fed - at);
        memcpy(window, body + at, fed - at);
        do {
            ssize_t used = msrp_mime_next(&m, window + (at - from), fed - at, &ev);

            assert_true(used >= 0);
            at += (size_t)used;
            if (ev.kind == MSRP_MIME_PART) {
                n += (size_t)sprintf(out + n, "[%.*s|", (int)ev.content_type.n, ev.content_type.p);
            } else if (ev.kind == MSRP_MIME_DATA) {
                memcpy(out + n, ev.data.p, ev.data.n);
                n += ev.data.n;
            } else if (ev.kind == MSRP_MIME_PART_END) {
                out[n++] = ']';
            }
        } while (ev.kind != MSRP_MIME_MORE);
        free(window);
    }
    assert_int_equal(msrp_mime_finish(&m, len - at), 0);
    return n;
}

static void parts_come_out(void **state)
{
    static const char near[] = "\r\n--\r\n--bou-nd";
    static char body[20000], want[20000], got[20000];
    char boundary[MSRP_BOUNDARY_MAX + 1], delimiter[80];

    (void)state;
    for (uint32_t round = 0; round < 500; round++) {
        uint32_t seed = round;
        size_t n = 0, w = 0, parts = 1 + next(&seed) % 5, b = 1 + next(&seed) % MSRP_BOUNDARY_MAX;

        for (size_t i = 0; i < b; i++) {
            boundary[i] = near[4 + next(&seed) % (sizeof(near) - 5)];
            boundary[i] = boundary[i] < ' ' ? '=' : boundary[i];
        }
        boundary[b] = '\0';
        snprintf(delimiter, sizeof(delimiter), "\r\n--%s", boundary);
        for (size_t p = 0; p < parts; p++) {
            size_t size = next(&seed) % 300, from;

            n += (size_t)sprintf(body + n, "%s--%s\r\nContent-Type: part/p%zu\r\nX: y\r\n\r\n",
                                 p ? "\r\n" : "", boundary, p);
            w += (size_t)sprintf(want + w, "[part/p%zu|", p);
            from = n;
            for (size_t i = 0; i < size; i++) {
                body[n++] = near[next(&seed) % (sizeof(near) - 1)];
            }
            /* a sender picks a boundary that is absent; the CRLF behind the data counts too */
            memcpy(body + n, "\r\n--", 4);
            if (msrp_str_find((struct msrp_str){body + from, n - from + 4},
                              msrp_str_of(delimiter)) != SIZE_MAX) {
                n = from;
            }
            memcpy(want + w, body + from, n - from);
            w += n - from;
            want[w++] = ']';
        }
        n += (size_t)sprintf(body + n, "\r\n--%s--%s", boundary, next(&seed) % 2 ? "\r\n" : "");
        for (size_t by = 0; by < 12; by++) {
            assert_int_equal(walk(body, n, boundary, by == 11 ? SIZE_MAX / 2 : by, seed, got), w);
            assert_memory_equal(got, want, w);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(parts_come_out)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
