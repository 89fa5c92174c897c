#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "relay/err.h"
#include "relay/route/limit.h"

static void test_bucket(void **state)
{
    struct relay_bucket bucket = {0};
    int64_t now_ms = 12345;

    (void)state;
    for (int i = 0; i < 200; i++)
        assert_true(relay_bucket_take(&bucket, now_ms, 50, 200));
    assert_false(relay_bucket_take(&bucket, now_ms, 50, 200));
    assert_false(relay_bucket_take(&bucket, now_ms + 19, 50, 200));
    assert_true(relay_bucket_take(&bucket, now_ms + 20, 50, 200)); /* 50 a second: one in 20 ms */
    assert_false(relay_bucket_take(&bucket, now_ms + 20, 50, 200));

    /* over a second 50 come back, not more; after a long time 200 and not more */
    unsigned taken = 0;
    for (int ms = 21; ms <= 1020; ms++)
        taken += relay_bucket_take(&bucket, now_ms + ms, 50, 200);
    assert_int_equal(taken, 50);
    now_ms += INT64_C(1) << 40;
    assert_true(relay_bucket_is_full(&bucket, now_ms, 50));
    for (taken = 0; relay_bucket_take(&bucket, now_ms, 50, 200); taken++)
        ;
    assert_int_equal(taken, 200);
    assert_false(relay_bucket_is_full(&bucket, now_ms, 50));

    /* a clock that goes back gives nothing, and takes nothing */
    assert_false(relay_bucket_take(&bucket, now_ms - 100000, 50, 200));
    /* no limit */
    assert_true(relay_bucket_take(&bucket, now_ms, 0, 0));
}

static void test_sources(void **state)
{
    struct relay_hash key = relay_hash_key((const uint8_t *)"a random secret!");
    struct relay_sources table;
    char source[32];

    (void)state;
    assert_int_equal(relay_sources_init(&table, &key), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(relay_sources_add(&table, "192.0.2.1", 3), 0);
    assert_int_equal(relay_sources_add(&table, "192.0.2.1", 3), RELAY_E_CONNS_UNAUTH);
    assert_int_equal(relay_sources_add(&table, "192.0.2.2", 3), 0);
    relay_sources_drop(&table, "192.0.2.1");
    assert_int_equal(relay_sources_add(&table, "192.0.2.1", 3), 0);
    relay_sources_drop(&table, "192.0.2.3"); /* unknown: nothing */
    assert_int_equal(table.n, 2);
    for (int i = 0; i < 3; i++)
        relay_sources_drop(&table, "192.0.2.1");
    relay_sources_drop(&table, "192.0.2.2");
    assert_int_equal(table.n, 0);
    for (int i = 0; i < 5000; i++) {
        snprintf(source, sizeof source, "2001:db8::%x", i);
        assert_int_equal(relay_sources_add(&table, source, 1), 0);
    }
    relay_sources_done(&table);
}

/* A lot goes when there is a token, and is paid for afterwards. */
static void test_lots(void **state)
{
    struct relay_bucket bucket = {0};

    (void)state;
    assert_true(relay_bucket_is_open(&bucket, 0, 100, 10));
    relay_bucket_spend(&bucket, 0, 100, 9);
    assert_true(relay_bucket_is_open(&bucket, 0, 100, 10)); /* one is left */
    relay_bucket_spend(&bucket, 0, 100, 1000);
    assert_false(relay_bucket_is_open(&bucket, 0, 100, 10));
    assert_false(relay_bucket_is_open(&bucket, 9999, 100, 10));
    assert_true(relay_bucket_is_open(&bucket, 10000, 100, 10)); /* 1009 - 10 + 1 refilled */
    assert_true(relay_bucket_is_open(&bucket, 0, 0, 1));        /* no limit */
}

/* Failures outlive the connections, for one window. */
static void test_fails(void **state)
{
    struct relay_hash key = relay_hash_key((const uint8_t *)"a random secret!");
    struct relay_sources table;
    char source[32];

    (void)state;
    assert_int_equal(relay_sources_init(&table, &key), 0);
    assert_int_equal(relay_sources_add(&table, "192.0.2.1", 3), 0);
    for (int i = 1; i <= 7; i++)
        assert_int_equal(relay_sources_fail(&table, "192.0.2.1", 1000 + i, 5, 60000), i >= 5);
    assert_false(relay_sources_fail(&table, "192.0.2.2", 2000, 5, 60000));
    relay_sources_drop(&table, "192.0.2.1");
    relay_sources_drop(&table, "192.0.2.2"); /* had no connection: nothing */
    assert_int_equal(table.n, 2);
    relay_sources_sweep(&table, 61000, 60000);
    assert_int_equal(table.n, 2);
    relay_sources_sweep(&table, 61001, 60000);
    assert_int_equal(table.n, 1);
    assert_false(relay_sources_fail(&table, "192.0.2.1", 61002, 5, 60000));
    assert_false(relay_sources_fail(&table, "192.0.2.2", 62000, 1 + 1, 60000)); /* anew */
    assert_true(relay_sources_fail(&table, "192.0.2.2", 62000, 1 + 1, 60000));

    /* one with a connection stays when its failures go */
    assert_int_equal(relay_sources_add(&table, "192.0.2.2", 3), 0);
    for (int i = 0; i < 5000; i++) {
        snprintf(source, sizeof source, "2001:db8::%x", i);
        assert_false(relay_sources_fail(&table, source, 62000, 5, 60000));
    }
    relay_sources_sweep(&table, 122000, 60000);
    assert_int_equal(table.n, 1);
    assert_int_equal(table.failed, 0);
    relay_sources_drop(&table, "192.0.2.2");
    assert_int_equal(table.n, 0);
    relay_sources_done(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bucket),
        cmocka_unit_test(test_sources),
        cmocka_unit_test(test_lots),
        cmocka_unit_test(test_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
