#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "relay/core/slab.h"

static void test_budget(void **state)
{
    struct relay_slabs home = {.bytes_max = 2 * RELAY_SLAB_SIZE + RELAY_SLAB_OUT};

    (void)state;
    struct relay_slab *a = relay_slab_new(&home, RELAY_SLAB_SIZE);
    struct relay_slab *b = relay_slab_new(&home, RELAY_SLAB_OUT + 1); /* rounded up */
    struct relay_slab *c = relay_slab_new(&home, RELAY_SLAB_OUT);
    assert_true(a && b && c);
    assert_int_equal(b->cap, RELAY_SLAB_SIZE);
    assert_int_equal(home.bytes, home.bytes_max);
    assert_null(relay_slab_new(&home, RELAY_SLAB_OUT));
    assert_null(relay_slab_new(&home, 1));

    relay_slab_unref(relay_slab_ref(a));
    assert_int_equal(home.bytes, home.bytes_max); /* still held once */
    relay_slab_unref(a);
    assert_int_equal(home.bytes, home.bytes_max - RELAY_SLAB_SIZE);

    /* what was given back is used again, empty */
    a->used = 7;
    assert_ptr_equal(relay_slab_new(&home, RELAY_SLAB_SIZE), a);
    assert_int_equal(a->used, 0);
    assert_int_equal(a->refs, 1);
    relay_slab_unref(a);
    relay_slab_unref(b);
    relay_slab_unref(c);
    relay_slab_unref(NULL);
    assert_int_equal(home.bytes, 0);
    relay_slabs_done(&home);
    assert_null(home.spare[0]);
}

/* Many at once and none kept beyond the spare lists. */
static void test_spares(void **state)
{
    struct relay_slabs home = {.bytes_max = 0}; /* no budget */
    struct relay_slab *many[500];

    (void)state;
    for (int i = 0; i < 500; i++) {
        many[i] = relay_slab_new(&home, RELAY_SLAB_OUT);
        assert_non_null(many[i]);
        memset(many[i]->data, i, many[i]->cap);
    }
    assert_int_equal(home.bytes, 500 * RELAY_SLAB_OUT);
    for (int i = 0; i < 500; i++)
        relay_slab_unref(many[i]);
    assert_int_equal(home.bytes, 0);
    assert_true(home.spares[1] < 500);
    relay_slabs_done(&home);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_budget),
        cmocka_unit_test(test_spares),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
