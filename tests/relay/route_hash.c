#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "relay/route/hash.h"

static const uint8_t key_a[16] = "0123456789abcdef";
static const uint8_t key_b[16] = "0123456789abcdeg";

static void test_equal_names(void **state)
{
    struct relay_hash a = relay_hash_key(key_a), b = relay_hash_key(key_b);
    const char *name = "sip:alice@iops.example";

    (void)state;
    for (size_t n = 0; n <= strlen(name); n++) {
        char copy[64];
        memcpy(copy, name, n);
        assert_true(relay_hash_of(&a, name, n) == relay_hash_of(&a, copy, n));
        assert_true(relay_hash_of(&a, name, n) >> 61 == 0);
        assert_true(relay_hash_of(&a, name, n) != relay_hash_of(&b, name, n));
        if (n) /* a name is not its own beginning, nor itself with a NUL behind it */
            assert_true(relay_hash_of(&a, name, n) != relay_hash_of(&a, name, n - 1));
        copy[n] = '\0';
        assert_true(relay_hash_of(&a, copy, n) != relay_hash_of(&a, copy, n + 1));
    }
}

/* threat T36: 100,000 names made to look alike fill 1,024 rows evenly */
static void test_spread(void **state)
{
    struct relay_hash key = relay_hash_key(key_a);
    unsigned rows[1024] = {0}, most = 0;

    (void)state;
    for (unsigned i = 0; i < 100000; i++) {
        uint8_t name[16] = {0};
        memcpy(name, &(uint32_t){i << 8}, 4);
        unsigned row = (unsigned)(relay_hash_of(&key, name, sizeof name) % 1024);
        if (++rows[row] > most)
            most = rows[row];
    }
    assert_true(most < 2 * 100000 / 1024);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_names),
        cmocka_unit_test(test_spread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
