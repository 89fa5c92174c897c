/* core_walk.c - the parts come out the same however the octets lie; streamed data is not copied. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "relay/core/walk.h"
#include "relay/err.h"

static const char BODY[] =
    "--b\r\nContent-Type: a/one\r\n\r\nfirst\r\n--b\r\nContent-Type: a/two\r\n\r\n"
    "a\r\n--c\r\n-";

/* What a walk says of a message, as text: parts, data, ends. Data from the second part on is
 * streamed. */
struct trace {
    char text[4096];
    size_t n;
    int rc;
};

static void add(struct trace *t, const char *p, size_t n)
{
    assert_true(t->n + n < sizeof t->text);
    memcpy(t->text + t->n, p, n);
    t->n += n;
    t->text[t->n] = '\0';
}

static struct relay_slab *slab_of(struct relay_slabs *slabs, const char *p, size_t n)
{
    struct relay_slab *slab = relay_slab_new(slabs, RELAY_SLAB_OUT);

    assert_non_null(slab);
    memcpy(slab->data, p, n);
    slab->used = (uint32_t)n;
    return slab;
}

static void step(struct relay_walk *walk, struct relay_slabs *slabs, struct trace *t,
                 unsigned *parts)
{
    struct relay_walk_event ev;

    do {
        t->rc = relay_walk_next(walk, slabs, &ev);
        if (t->rc)
            return;
        switch (ev.kind) {
        case MSRP_MIME_PART:
            add(t, "<", 1);
            add(t, ev.content_type.p, ev.content_type.n);
            if (++*parts > 1)
                relay_slab_unref(relay_walk_stream(walk));
            break;
        case MSRP_MIME_DATA:
            add(t, ev.data.p, ev.data.n);
            assert_true(ev.data.p >= ev.data.slab->data &&
                        ev.data.p + ev.data.n <= ev.data.slab->data + ev.data.slab->used);
            break;
        case MSRP_MIME_PART_END:
            add(t, ">", 1);
            break;
        case MSRP_MIME_END:
            add(t, "!", 1);
            break;
        case MSRP_MIME_MORE:
            break;
        }
    } while (ev.kind != MSRP_MIME_MORE);
}

/* Feeds the message in runs of `size` octets (the first of `first`), each in a slab of its own. */
static void walk_in(const char *body, size_t n, size_t first, size_t size, struct trace *t)
{
    struct relay_slabs slabs = {.bytes_max = 1 << 24};
    struct relay_walk walk;
    unsigned parts = 0;

    memset(t, 0, sizeof *t);
    assert_int_equal(relay_walk_init(&walk, MSRP_STR("b"), 16384), 0);
    for (size_t at = 0; at < n && !t->rc;) {
        size_t step_n = at ? size : first;
        if (step_n > n - at)
            step_n = n - at;
        struct relay_slab *slab = slab_of(&slabs, body + at, step_n);
        relay_walk_feed(&walk, slab, slab->data, step_n);
        step(&walk, &slabs, t, &parts);
        relay_slab_unref(slab);
        at += step_n;
    }
    if (!t->rc)
        t->rc = relay_walk_finish(&walk);
    relay_walk_done(&walk);
    relay_walk_done(&walk);
    assert_int_equal(slabs.bytes, 0); /* nothing is kept */
    relay_slabs_done(&slabs);
}

static void any_split(void **state)
{
    static const char *const tails[] = {"more\r\n--b--", "\r\n--b--\r\n", "\r\n\r\n--b--",
                                        "-\r\n--b\r\nContent-Type: a/three\r\n\r\nthird\r\n--b--"};
    static const char *const ends[] = {"more>!", ">!", "\r\n>!", "-><a/threethird>!"};

    (void)state;
    for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
        char body[512], want[512];
        struct trace t;
        int n = snprintf(body, sizeof body, "%s%s", BODY, tails[i]);
        snprintf(want, sizeof want, "<a/onefirst><a/twoa\r\n--c\r\n-%s", ends[i]);
        for (size_t first = 1; first <= (size_t)n; first++)
            for (size_t size = 1; size <= (size_t)n; size += size < 8 ? 1 : 13) {
                walk_in(body, (size_t)n, first, size, &t);
                assert_int_equal(t.rc, 0);
                assert_string_equal(t.text, want);
            }
    }
}

static void wrong(void **state)
{
    static const struct {
        const char *body;
        int rc;
    } cases[] = {
        {"x--b\r\n\r\n", MSRP_E_MIME_PREAMBLE},
        {"--b\r\nContent-Type: a/one\r\n\r\nfirst\r\n--b", MSRP_E_MIME_SHORT},
        {"--b\r\nContent-Type: a/one\r\n\r\nx\r\n--b\r\nContent-Type: a/two\r\n\r\nx\r\n--bx",
         MSRP_E_MIME_DELIMITER},
        {"--b\r\nContent-Type: a/one\r\n\r\nx\r\n--b--more", MSRP_E_MIME_EPILOGUE},
        {"--b\r\nContent-Type: a/one\r\n\r\nx\r\n--b\r\nContent-Type: a/two\r\n\r\nx\r\n--b--\r\nx",
         MSRP_E_MIME_EPILOGUE},
    };
    struct trace t;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (size_t size = 1; size <= strlen(cases[i].body); size++) {
            walk_in(cases[i].body, strlen(cases[i].body), size, size, &t);
            assert_int_equal(t.rc, cases[i].rc);
        }
}

/* The label's cap; and no slab to gather it in. */
static void caps(void **state)
{
    static const char head[] = "--b\r\nContent-Type: a/one\r\n\r\n";
    struct relay_slabs slabs = {.bytes_max = 1 << 24};
    char filler[4000];

    (void)state;
    memset(filler, 'x', sizeof filler);
    for (uint32_t max = 100; max <= 20000; max += 9950) {
        struct relay_walk walk;
        struct relay_walk_event ev = {.kind = MSRP_MIME_MORE};
        size_t fed = 0;
        int rc = 0;
        assert_int_equal(relay_walk_init(&walk, MSRP_STR("b"), max), 0);
        while (!rc && fed < 40000) {
            struct relay_slab *slab =
                fed ? slab_of(&slabs, filler, 77) : slab_of(&slabs, head, sizeof head - 1);
            relay_walk_feed(&walk, slab, slab->data, slab->used);
            fed += slab->used;
            do
                rc = relay_walk_next(&walk, &slabs, &ev);
            while (!rc && ev.kind != MSRP_MIME_MORE);
            relay_slab_unref(slab);
        }
        assert_int_equal(rc, RELAY_E_SDS_LABEL_LONG);
        assert_in_range(fed, max, max + 80);
        relay_walk_done(&walk);
    }
    relay_slabs_done(&slabs);

    struct relay_slabs none = {.bytes_max = RELAY_SLAB_OUT};
    struct relay_walk walk;
    struct relay_walk_event ev;
    assert_int_equal(relay_walk_init(&walk, MSRP_STR("b"), 16384), 0);
    struct relay_slab *slab = slab_of(&none, head, sizeof head - 1);
    relay_walk_feed(&walk, slab, slab->data, slab->used);
    assert_int_equal(relay_walk_next(&walk, &none, &ev), RELAY_E_NOMEM);
    relay_walk_done(&walk);
    relay_slab_unref(slab);
    relay_slabs_done(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_split),
        cmocka_unit_test(wrong),
        cmocka_unit_test(caps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
