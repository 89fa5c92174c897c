#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "relay/route/session.h"
#include "tests/row.h"

static const uint8_t secret[16] = "a random secret!";

static void test_find(void **state)
{
    struct relay_hash key = relay_hash_key(secret);
    struct relay_sessions table;
    struct relay_session *sessions[2000];
    struct msrp_str remote = MSRP_STR("msrps://client.invalid:9/s;tcp");

    (void)state;
    assert_int_equal(relay_sessions_init(&table, &key), 0);
    for (unsigned i = 0; i < 2000; i++) {
        uint8_t rnd[16] = {0};
        memcpy(rnd + 12, &i, 4);
        sessions[i] = relay_session_new(&table, NULL, rnd, remote, "iss", "kid");
        assert_non_null(sessions[i]);
        assert_int_equal(strlen(sessions[i]->id), MSRP_IDENT_MADE);
        assert_true(msrp_str_is_ident(msrp_str_of(sessions[i]->id)));
        assert_string_equal(sessions[i]->remote, remote.p);
    }
    assert_int_equal(table.n, 2000);
    assert_true(table.rows_n >= 2000); /* it grows */
    for (unsigned i = 0; i < 2000; i += 2)
        assert_ptr_equal(relay_sessions_find(&table, msrp_str_of(sessions[i]->id)), sessions[i]);

    /* near misses */
    char id[MSRP_IDENT_MADE + 2];
    strcpy(id, sessions[7]->id);
    id[25] = id[25] == 'a' ? 'b' : 'a';
    assert_null(relay_sessions_find(&table, msrp_str_of(id)));
    strcpy(id, sessions[7]->id);
    strcat(id, "x");
    assert_null(relay_sessions_find(&table, msrp_str_of(id)));
    assert_null(relay_sessions_find(&table, (struct msrp_str){sessions[7]->id, 25}));
    assert_null(relay_sessions_find(&table, (struct msrp_str){NULL, 0}));

    for (unsigned i = 0; i < 2000; i += 2)
        relay_session_free(&table, sessions[i]);
    assert_int_equal(table.n, 1000);
    for (unsigned i = 1; i < 2000; i += 2) {
        assert_ptr_equal(relay_sessions_find(&table, msrp_str_of(sessions[i]->id)), sessions[i]);
        relay_session_free(&table, sessions[i]);
    }
    relay_session_free(&table, NULL);
    assert_int_equal(table.n, 0);
    relay_sessions_done(&table);
}

/* All 128 bits of the random octets stand in the id: one bit more, another id. */
static void test_bits(void **state)
{
    struct relay_hash key = relay_hash_key(secret);
    struct relay_sessions table;

    (void)state;
    assert_int_equal(relay_sessions_init(&table, &key), 0);
    struct relay_session *zero =
        relay_session_new(&table, NULL, (uint8_t[16]){0}, MSRP_STR("x"), "", "");
    for (unsigned bit = 0; bit < 128; bit++) {
        uint8_t rnd[16] = {0};
        rnd[bit / 8] = (uint8_t)(1u << bit % 8);
        struct relay_session *one = relay_session_new(&table, NULL, rnd, MSRP_STR("x"), "", "");
        assert_string_not_equal(zero->id, one->id);
        assert_ptr_equal(relay_sessions_find(&table, msrp_str_of(zero->id)), zero);
        relay_session_free(&table, one);
    }
    relay_session_free(&table, zero);
    relay_sessions_done(&table);
    row_passed("U4");
}

static void test_issuer(void **state)
{
    struct relay_hash key = relay_hash_key(secret);
    struct relay_sessions table;

    (void)state;
    assert_int_equal(relay_sessions_init(&table, &key), 0);
    struct relay_session *session =
        relay_session_new(&table, NULL, (uint8_t[16]){0}, MSRP_STR("x"), "iss-1", "kid-1");
    assert_string_equal(session->iss, "iss-1");
    assert_int_equal(relay_session_set_issuer(session, "issuer two", "k"), 0);
    assert_string_equal(session->iss, "issuer two");
    assert_string_equal(session->kid, "k");
    relay_session_free(&table, session);
    relay_sessions_done(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_bits),
        cmocka_unit_test(test_issuer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
