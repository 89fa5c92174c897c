/* digest.c - Digest users, nonces and AUTHs with every allocation refused in turn, those of
 * libcrypto included: the answer is the right one or a refusal, never a crash, a leak, or a count
 * that is good twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/oom/crypto.h"

#include "relay/auth/digest.h"
#include "relay/err.h"

#define URI "msrps://relay.iops.example;tcp"

static int fill(struct relay_digest_users *users)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i",
                                        "j", "k", "l", "m", "n", "o", "p", "q"};
    char ha1[MSRP_DIGEST_HEX_MAX + 1];
    int err = 0;

    for (size_t i = 0; !err && i < sizeof names / sizeof *names; i++) {
        err = relay_digest_ha1(MSRP_DIGEST_SHA256, msrp_str_of(names[i]), MSRP_STR("r"),
                               MSRP_STR("pw"), ha1);
        if (!err)
            err = relay_digest_users_add(users, names[i], "sip:a@iops.example", MSRP_DIGEST_SHA256,
                                         ha1);
    }
    return err ? err : relay_digest_users_seal(users);
}

/* libcrypto sets itself up, which it does once and takes no refusal in. */
static int setup(void **state)
{
    uint8_t secret[RELAY_NONCE_SECRET] = {1};
    char text[MSRP_DIGEST_HEX_MAX + 1];
    struct relay_digest digest;

    (void)state;
    relay_digest_init(&digest, secret);
    int err = relay_nonce_make(&digest.nonces, 1000, text);
    relay_digest_done(&digest);
    return err ? err
               : relay_digest_ha1(MSRP_DIGEST_SHA256, MSRP_STR("a"), MSRP_STR("b"), MSRP_STR("c"),
                                  text);
}

static void test_users(void **state)
{
    int nomem = 0;

    (void)state;
    for (int once = 0; once < 2; once++) {
        bool refused = true;
        for (long i = 0; refused; i++) {
            oom_begin(i, once);
            struct relay_digest_users *users = relay_digest_users_new();
            int err = users ? fill(users) : RELAY_E_NOMEM;
            refused = oom_stop();
            if (!refused)
                assert_int_equal(err, 0);
            assert_true(!err || err == RELAY_E_NOMEM || err == RELAY_E_DIGEST_HASH);
            if (!err)
                assert_int_equal(relay_digest_users_count(users), 17);
            nomem += err == RELAY_E_NOMEM;
            relay_digest_users_free(users);
        }
    }
    assert_true(nomem > 30);
}

/* Whatever is refused, a right response is taken at most once. */
static void test_verify(void **state)
{
    struct relay_digest_users *users = relay_digest_users_new();
    struct relay_digest_rules rules = {users, "r", 10};
    int refusals = 0;

    (void)state;
    assert_int_equal(fill(users), 0);
    for (int kind = 0; kind < 3; kind++) { /* right; wrong; right and near the end */
        for (int once = 0; once < 2; once++) {
            bool refused = true;
            for (long i = 0; refused; i++) {
                uint8_t secret[RELAY_NONCE_SECRET] = {1};
                struct relay_digest digest;
                struct relay_digest_good good;
                char nonce[RELAY_NONCE_CHARS + 1], out[512];
                char response[MSRP_DIGEST_HEX_MAX + 1];
                relay_digest_init(&digest, secret);
                assert_int_equal(relay_nonce_make(&digest.nonces, 1000, nonce), 0);
                struct msrp_digest_credentials c = {.username = MSRP_STR("c"),
                                                    .realm = MSRP_STR("r"),
                                                    .nonce = msrp_str_of(nonce),
                                                    .cnonce = MSRP_STR("x"),
                                                    .qop = MSRP_STR("auth"),
                                                    .nc = MSRP_STR("00000001"),
                                                    .nc_value = 1,
                                                    .algorithm = MSRP_DIGEST_SHA256};
                assert_int_equal(
                    relay_digest_response(
                        &c, relay_digest_users_find(users, c.username, MSRP_DIGEST_SHA256)->ha1,
                        "AUTH", MSRP_STR(URI), response),
                    0);
                response[5] ^= kind == 1;
                c.response = msrp_str_of(response);
                int64_t now_ms = kind == 2 ? 10000 : 1000;

                oom_begin(i, once);
                int err = relay_digest_verify(&rules, &digest, &c, MSRP_STR(URI), now_ms, &good);
                ssize_t n = relay_digest_challenge(&rules, &digest, MSRP_DIGEST_SHA256, false,
                                                   now_ms, out, sizeof out);
                refused = oom_stop();
                refusals += refused;
                if (!refused)
                    assert_int_equal(err, kind == 1 ? RELAY_E_DIGEST_RESPONSE : 0);
                assert_true(n > 0 || n == RELAY_E_DIGEST_HASH);
                assert_int_equal(err == 0, good.user != NULL);
                if (kind == 1)
                    assert_true(err == RELAY_E_DIGEST_RESPONSE || err == RELAY_E_DIGEST_HASH);
                if (err == 0 && kind == 2)
                    assert_int_equal(strlen(good.nextnonce), RELAY_NONCE_CHARS);
                int again = relay_digest_verify(&rules, &digest, &c, MSRP_STR(URI), now_ms, &good);
                if (err == 0)
                    assert_int_equal(again, RELAY_E_DIGEST_REPLAY);
                relay_digest_done(&digest);
            }
        }
    }
    assert_true(refusals > 20);
    relay_digest_users_free(users);
}

/* Used nonces whose room cannot grow: the oldest go, and are never taken again. */
static void test_nonces(void **state)
{
    uint8_t secret[RELAY_NONCE_SECRET] = {2};
    struct relay_nonces nonces;
    int taken = 0;

    (void)state;
    for (long after = 0; after < 6; after++) {
        relay_nonces_init(&nonces, secret, RELAY_NONCES_MAX);
        oom_begin(after, false);
        for (uint64_t serial = 1; serial <= 300; serial++) {
            struct relay_nonce nonce = {serial, 0};
            int err = relay_nonce_use(&nonces, &nonce, 1);
            assert_true(err == 0 || (err == RELAY_E_NOMEM && after < 2));
            taken += !err;
        }
        (void)oom_stop();
        for (uint64_t serial = 1; serial <= 300 && after >= 2; serial++) {
            struct relay_nonce nonce = {serial, 0};
            assert_int_not_equal(relay_nonce_use(&nonces, &nonce, 1), 0);
        }
        relay_nonces_done(&nonces);
    }
    assert_true(taken >= 4 * 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_users),
        cmocka_unit_test(test_verify),
        cmocka_unit_test(test_nonces),
    };

    if (!oom_crypto())
        return 2; /* libcrypto has allocated already: nothing would be refused */
    return cmocka_run_group_tests(tests, setup, NULL);
}
