#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "relay/core/out.h"

/* Takes n octets off the front into text. */
static void take(struct relay_out *out, char *text, size_t n)
{
    struct relay_iov iov[64];
    size_t runs = relay_out_peek(out, iov, 64), got = 0;

    for (size_t i = 0; i < runs && got < n; i++) {
        size_t step = iov[i].n < n - got ? iov[i].n : n - got;
        memcpy(text + got, iov[i].p, step);
        got += step;
    }
    text[got] = '\0';
    relay_out_sent(out, got);
}

static void say(struct relay_out *out, struct relay_slabs *home, const char *text)
{
    char *room = relay_out_room(out, home, 100);

    assert_non_null(room);
    memcpy(room, text, strlen(text));
    relay_out_add(out, strlen(text));
}

/* Heads, shared bodies and static octets leave in order, in steps of any size. */
static void test_order(void **state)
{
    (void)state;
    for (size_t step = 1; step < 40; step++) {
        struct relay_slabs home = {.bytes_max = 0};
        struct relay_out out = {.bytes = 0};
        struct relay_slab *body = relay_slab_new(&home, RELAY_SLAB_SIZE);
        char text[64], all[256] = "";

        memcpy(body->data, "BODYbody", 8);
        body->used = 8;
        say(&out, &home, "one ");
        say(&out, &home, "two "); /* merges */
        assert_int_equal(out.runs_n, 1);
        relay_out_span(&out, body, body->data, 4);
        relay_out_span(&out, body, body->data + 4, 4); /* merges */
        relay_out_span(&out, NULL, " static ", 8);
        relay_out_span(&out, body, body->data, 4);
        relay_out_span(&out, body, body->data, 0);
        assert_int_equal(out.runs_n, 4);
        assert_int_equal(out.bytes, 28);
        assert_int_equal(out.queued, 28);
        relay_slab_unref(body); /* the output holds its own */
        while (out.bytes) {
            take(&out, text, step);
            strcat(all, text);
        }
        assert_string_equal(all, "one two BODYbody static BODY");
        assert_int_equal(out.sent, 28);
        assert_int_equal(home.bytes, 0); /* an idle output holds nothing */
        assert_int_equal(out.runs_n, 0);
        relay_out_trim(&out);
        assert_null(out.runs);
        relay_out_sent(&out, 5); /* more than there is: nothing happens */
        assert_int_equal(out.sent, 28);
        relay_slabs_done(&home);
    }
}

/* Many runs: the ring grows and wraps. */
static void test_ring(void **state)
{
    struct relay_slabs home = {.bytes_max = 0};
    struct relay_out out = {.bytes = 0};
    struct relay_slab *body = relay_slab_new(&home, RELAY_SLAB_SIZE);
    unsigned said = 0, heard = 0;
    char one[2];

    (void)state;
    memset(body->data, 'x', 2);
    for (unsigned round = 0; round < 200; round++) {
        for (unsigned i = 0; i < 3; i++, said++)
            relay_out_span(&out, said % 2 ? body : NULL, said % 2 ? body->data : "s", 1);
        for (unsigned i = 0; i < 2; i++, heard++) {
            take(&out, one, 1);
            assert_int_equal(one[0], heard % 2 ? 'x' : 's');
        }
    }
    assert_int_equal(out.bytes, said - heard);
    relay_out_done(&out);
    assert_int_equal(out.bytes, 0);
    relay_slab_unref(body);
    assert_int_equal(home.bytes, 0);
    relay_slabs_done(&home);
}

/* Without memory it fails once and for ever, and stays whole. */
static void test_no_memory(void **state)
{
    struct relay_slabs home = {.bytes_max = RELAY_SLAB_OUT};
    struct relay_out out = {.bytes = 0};

    (void)state;
    say(&out, &home, "fits");
    assert_null(relay_out_room(&out, &home, RELAY_SLAB_OUT));
    assert_true(out.failed);
    assert_null(relay_out_room(&out, &home, 1));
    relay_out_add(&out, 1);
    relay_out_span(&out, NULL, "x", 1);
    assert_int_equal(out.bytes, 4);
    relay_out_done(&out);
    assert_int_equal(home.bytes, 0);

    struct relay_out wide = {.bytes = 0};
    home.bytes_max = 0;
    assert_non_null(relay_out_room(&wide, &home, RELAY_SLAB_SIZE)); /* a large head */
    assert_null(relay_out_room(&wide, &home, RELAY_SLAB_SIZE + 1));
    assert_true(wide.failed);
    relay_out_done(&wide);
    relay_slabs_done(&home);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_ring),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
