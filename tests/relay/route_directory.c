#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "relay/route/directory.h"

static void test_users(void **state)
{
    struct relay_hash key = relay_hash_key((const uint8_t *)"a random secret!");
    struct relay_directory dir;
    char user[64];

    (void)state;
    assert_int_equal(relay_directory_init(&dir, &key), 0);
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(user, sizeof user, "sip:user%u@iops.example", i);
        assert_null(relay_directory_find(&dir, msrp_str_of(user)));
        struct relay_presence *presence = relay_directory_get(&dir, msrp_str_of(user));
        assert_non_null(presence);
        assert_string_equal(presence->user, user);
        assert_null(presence->first);
        presence->conns = i % 2;
    }
    assert_int_equal(dir.n, 1000);
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(user, sizeof user, "sip:user%u@iops.example", i);
        struct relay_presence *presence = relay_directory_find(&dir, msrp_str_of(user));
        assert_ptr_equal(presence, relay_directory_get(&dir, msrp_str_of(user)));
        assert_string_equal(presence->user, user);
    }
    /* whoever is not connected goes, when the bucket is full again */
    snprintf(user, sizeof user, "sip:user10@iops.example");
    struct relay_presence *spender = relay_directory_find(&dir, msrp_str_of(user));
    assert_true(relay_bucket_take(&spender->messages, 1000, 10, 5));
    relay_directory_sweep(&dir, 1000, 10, 10);
    assert_int_equal(dir.n, 501);
    assert_ptr_equal(relay_directory_find(&dir, msrp_str_of(user)), spender);
    relay_directory_sweep(&dir, 1100, 10, 10);
    assert_int_equal(dir.n, 500);
    assert_null(relay_directory_find(&dir, msrp_str_of(user)));
    relay_directory_done(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_users),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
