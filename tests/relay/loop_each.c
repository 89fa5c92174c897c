/* Every piece of work is done once, on more than one thread where there are more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "relay/loop/each.h"

static atomic_int done[5000];

static void one(void *ctx, size_t i)
{
    (void)ctx;
    atomic_fetch_add(&done[i], 1);
}

static void test_each_once(void **state)
{
    (void)state;
    assert_int_equal(relay_each_run(0, one, NULL), 0);
    assert_int_equal(relay_each_run(1, one, NULL), 0);
    assert_int_equal(relay_each_run(4999, one, NULL), 0);
    assert_int_equal(done[0], 2);
    for (size_t i = 1; i < 4999; i++)
        assert_int_equal(done[i], 1);
    assert_int_equal(done[4999], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_once)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
