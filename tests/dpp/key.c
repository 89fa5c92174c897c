#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/crypto.h>
#include <string.h>

#include "dpp/keys/key.h"

static const uint8_t octets[32] = "canary: thirty-two secret bytes";

/* Before the secure heap stands there is no key: never the plain heap instead. */
static void test_no_heap_no_key(void **state)
{
    struct dpp_key *key = (struct dpp_key *)1;

    (void)state;
    assert_false(CRYPTO_secure_malloc_initialized());
    assert_int_equal(dpp_key_new(&key, 0x10000001, octets, 16, 0, 0), DPP_E_SECURE_HEAP);
    assert_null(key);
}

static void test_init_tells_the_same_again(void **state)
{
    (void)state;
    int rc = dpp_keys_init(1 << 16);
    assert_true(rc == 0 || rc == DPP_E_HEAP_UNLOCKED);
    assert_int_equal(dpp_keys_init(0), rc);
    assert_true(CRYPTO_secure_malloc_initialized());
}

static void test_new(void **state)
{
    struct dpp_key *key, *copy;
    size_t n;

    (void)state;
    assert_int_equal(dpp_key_new(&key, 0x2ddd5bf0, octets, 16, 100, 200), 0);
    assert_int_equal(dpp_key_id(key), 0x2ddd5bf0);
    assert_int_equal(dpp_key_role(key), DPP_ROLE_CSK);
    assert_int_equal(dpp_key_activation_s(key), 100);
    assert_int_equal(dpp_key_expiry_s(key), 200);
    assert_memory_equal(dpp_key_octets(key, &n), octets, 16);
    assert_int_equal(n, 16);
    /* the octets, and all of the record, stand in the secure heap */
    assert_true(CRYPTO_secure_allocated(key));
    assert_true(CRYPTO_secure_allocated(dpp_key_octets(key, &n)));

    assert_int_equal(dpp_key_copy(&copy, key), 0);
    assert_ptr_not_equal(copy, key);
    dpp_key_free(key);
    assert_memory_equal(dpp_key_octets(copy, &n), octets, 16);
    dpp_key_free(copy);
    dpp_key_free(NULL);
}

static void test_bad_values(void **state)
{
    struct dpp_key *key;

    (void)state;
    for (size_t n = 0; n <= 33; n++)
        if (n != 16 && n != 32)
            assert_int_equal(dpp_key_new(&key, 0x10000001, octets, n, 0, 0), DPP_E_VALUE);
    assert_int_equal(dpp_key_new(&key, 0x70000001, octets, 16, 0, 0), DPP_E_ROLE);
    assert_int_equal(dpp_key_new(&key, 0x10000001, octets, 16, 20, 10), DPP_E_VALUE);
    assert_int_equal(dpp_key_new(&key, 0x10000001, octets, 16, -1, 10), DPP_E_VALUE);
    assert_int_equal(dpp_key_new(&key, 0x10000001, octets, 16, 0, -1), DPP_E_VALUE);
    assert_null(key);
}

static void test_validity(void **state)
{
    struct dpp_key *key;

    (void)state;
    assert_int_equal(dpp_key_new(&key, 0x10000001, octets, 16, 100, 200), 0);
    assert_int_equal(dpp_key_check(key, 99), DPP_E_KEY_EARLY);
    assert_int_equal(dpp_key_check(key, 100), 0);
    assert_int_equal(dpp_key_check(key, 199), 0);
    assert_int_equal(dpp_key_check(key, 200), DPP_E_KEY_EXPIRED);
    dpp_key_free(key);
    assert_int_equal(dpp_key_new(&key, 0x10000001, octets, 16, 0, 0), 0);
    assert_int_equal(dpp_key_check(key, 0), 0);
    assert_int_equal(dpp_key_check(key, INT64_MAX), 0);
    dpp_key_free(key);
}

/* A full arena refuses; what was freed can be had again; what was freed is wiped. The arena is
 * looked at whole: the canary is found while a key lives (the search works) and not afterwards. */
static void test_wiped_and_refused_when_full(void **state)
{
    static struct dpp_key *keys[4096];
    const uint8_t *low = NULL, *high = NULL;
    size_t made = 0, n;
    int rc;

    (void)state;
    while ((rc = dpp_key_new(&keys[made], 0x10000000 + (uint32_t)made, octets, 32, 0, 0)) == 0) {
        const uint8_t *at = dpp_key_octets(keys[made], &n);
        low = !low || at < low ? at : low;
        high = !high || at > high ? at : high;
        made++;
        assert_true(made < 4096);
    }
    assert_int_equal(rc, DPP_E_SECURE_HEAP);
    assert_int_equal(made, (1 << 16) / 64); /* the whole arena is ours, one block per key */
    size_t span = (size_t)(high - low) + 32;
    assert_non_null(memmem(low, span, octets, sizeof octets));
    for (size_t i = 0; i < made; i++)
        dpp_key_free(keys[i]);
    assert_null(memmem(low, span, octets + 8, 16));
    assert_int_equal(dpp_key_new(&keys[0], 0x10000001, octets, 16, 0, 0), 0);
    dpp_key_free(keys[0]);
}

/* A scope with a secret can be left in three ways. */
static int leave(int how)
{
    for (int i = 0; i < 2; i++) {
        DPP_SCRUB(secret, 32);
        memcpy(secret.p, octets, 32);
        if (how == 0)
            return secret.p[0];
        if (how == 1)
            break;
    }
    return how;
}

/* The wipes are called by hand too: looking at a dead stack frame is not allowed. */
static void test_scrub(void **state)
{
    static const uint8_t zero[1024];
    struct dpp_scrub_16 a;
    struct dpp_scrub_32 b;
    struct dpp_scrub_1024 c;

    (void)state;
    assert_int_equal(leave(0), 'c');
    assert_int_equal(leave(1), 1);
    assert_int_equal(leave(2), 2);
    memset(&a, 0xa5, sizeof a);
    memset(&b, 0xa5, sizeof b);
    memset(&c, 0xa5, sizeof c);
    dpp_scrub_16(&a);
    dpp_scrub_32(&b);
    dpp_scrub_1024(&c);
    assert_memory_equal(&a, zero, sizeof a);
    assert_memory_equal(&b, zero, sizeof b);
    assert_memory_equal(&c, zero, sizeof c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_heap_no_key),
        cmocka_unit_test(test_init_tells_the_same_again),
        cmocka_unit_test(test_new),
        cmocka_unit_test(test_bad_values),
        cmocka_unit_test(test_validity),
        cmocka_unit_test(test_wiped_and_refused_when_full),
        cmocka_unit_test(test_scrub),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
