#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "relay/core/conf.h"

/* The defaults are those of the limits of the reliability contract (section 4) and the profile. */
static void test_defaults(void **state)
{
    struct relay_conf conf = {.name = "n", .port = 7, .service = "s", .realm = "r", .scope = "c"};

    (void)state;
    relay_conf_default(&conf);
    assert_string_equal(conf.name, "n"); /* what has no default stays */
    assert_int_equal(conf.port, 7);
    assert_string_equal(conf.service, "s");
    assert_string_equal(conf.realm, "r");
    assert_string_equal(conf.scope, "c");
    assert_false(conf.plaintext_auth);
    assert_int_equal(conf.payload, RELAY_PROTECTION_REQUIRED);
    assert_int_equal(conf.signalling, RELAY_PROTECTION_AUTO);
    assert_int_equal(conf.head.line, 4096);
    assert_int_equal(conf.head.headers, 32);
    assert_int_equal(conf.head.block, 16384);
    assert_int_equal(conf.head.uri, 512);
    assert_int_equal(conf.head.uris, 8);
    assert_int_equal(conf.head.body, 10240);
    assert_int_equal(conf.message_max, 15 << 20);
    assert_int_equal(conf.label_max, 16384);
    assert_int_equal(conf.mikey_max, 8192);
    assert_int_equal(conf.gap_max, 65536);
    assert_int_equal(conf.gaps_max, 64);
    assert_int_equal(conf.open_messages_max, 8);
    assert_int_equal(conf.sessions_per_conn_max, 64);
    assert_int_equal(conf.conns_per_user_max, 4);
    assert_int_equal(conf.conns_unauth_per_source_max, 64);
    assert_int_equal(conf.conns_max, 10000);
    assert_int_equal(conf.unauth_percent_max, 10);
    assert_int_equal(conf.probation_ms, 30000);
    assert_int_equal(conf.head_ms, 10000);
    assert_int_equal(conf.body_rate_bytes_per_s, 128);
    assert_int_equal(conf.body_rate_window_ms, 30000);
    assert_int_equal(conf.keepalive_ms, 60000);
    assert_int_equal(conf.keepalive_answer_ms, 30000);
    assert_int_equal(conf.write_stall_ms, 30000);
    assert_int_equal(conf.out_rate_bytes_per_s, 128);
    assert_int_equal(conf.transaction_ms, 30000);
    assert_int_equal(conf.message_idle_ms, 60000);
    assert_int_equal(conf.pause_max_ms, 10000);
    assert_int_equal(conf.auth_fails, 5);
    assert_int_equal(conf.auth_fails_ms, 60000);
    assert_int_equal(conf.stopped_ms, 30000);
    assert_int_equal(conf.stopped_chunks, 8);
    assert_int_equal(conf.dedup_ttl_s, 86400);
    assert_int_equal(conf.dedup_max_per_sender, 20000);
    assert_int_equal(conf.out_low, 128 << 10);
    assert_int_equal(conf.out_high, 256 << 10);
    assert_int_equal(conf.out_hard, 1 << 20);
    assert_int_equal(conf.rate_messages_per_s, 50);
    assert_int_equal(conf.rate_messages_burst, 200);
    assert_int_equal(conf.rate_deliveries_per_s, 2000);
    assert_int_equal(conf.rate_deliveries_burst, 4000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
