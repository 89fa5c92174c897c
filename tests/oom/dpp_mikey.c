/* dpp_mikey.c - a ring filled, an I_MESSAGE made and opened, with every allocation refused in turn,
 * ours and OpenSSL's: an error or the right answer, never a crash, a leak or half a ring. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/dpp/i_message.h"
#include "tests/oom/crypto.h"

static struct realm realm;
static struct dpp_ring *alice, *bob;
static struct dpp_kms_set set;
static struct dpp_kms_secrets secrets;
static struct dpp_key *key;
static struct im im;

static int ring(void)
{
    struct dpp_kms_doc doc = {
        .kind = DPP_KMS_KEYPROV, .certs = &realm.cert, .certs_n = 1, .sets = &set, .sets_n = 1};
    struct dpp_ring *r;
    int rc = dpp_ring_new(&r, BOB);

    if (rc != 0) {
        assert_null(r);
        return rc;
    }
    rc = dpp_ring_add(r, &doc, REALM_NOW_S);
    assert_int_equal(dpp_ring_kmss(r), rc == 0); /* all or nothing */
    assert_int_equal(dpp_ring_sets(r), rc == 0);
    dpp_ring_free(r);
    return rc;
}

static int make(void)
{
    struct dpp_mikey_draft draft = {
        .key = key, .responder = BOB, .time_s = REALM_NOW_S, .to_self = true};
    struct im out;
    ssize_t n = im_make(alice, &draft, &out);

    if (n > 0)
        im = out;
    return n < 0 ? (int)n : 0;
}

static int open_it(void)
{
    static struct dpp_mikey_got got;
    struct dpp_mikey_want want = {.now_s = REALM_NOW_S, .roles = ~0u};
    size_t n;

    want.replay = dpp_mikey_replay_new(1, 0);
    if (!want.replay)
        return DPP_E_NOMEM;
    int rc = dpp_mikey_open(bob, im.p, im.n, &want, &got);
    if (rc == 0)
        assert_memory_equal(dpp_key_octets(got.key, &n), im_octets, 16);
    else
        assert_null(got.key);
    dpp_key_free(got.key);
    dpp_mikey_replay_free(want.replay);
    return rc;
}

/* Every `stride`-th allocation: a ring takes some ten thousand, all of a kind in the tables. */
static void sweep(int (*call)(void), long stride, long at_least)
{
    long refusals = 0;

    assert_int_equal(call(), 0); /* OpenSSL's own set-up runs free */
    for (int once = 0; once < 2; once++) {
        for (long i = 0;; i += i < 200 ? 1 : stride) {
            oom_begin(i, once);
            int rc = call();
            if (!oom_stop()) {
                assert_int_equal(rc, 0);
                break;
            }
            assert_true(rc == 0 || rc == DPP_E_NOMEM || rc == DPP_E_CRYPTO ||
                        rc == DPP_E_SECURE_HEAP || rc == DPP_E_ECCSI_POINT ||
                        rc == DPP_E_MIKEY_SIGN || rc == DPP_E_MIKEY_SAKKE ||
                        rc == DPP_E_MIKEY_PARAMETERS);
            refusals += rc != 0;
        }
    }
    assert_true(refusals >= at_least);
}

static void test_ring(void **state)
{
    (void)state;
    sweep(ring, 997, 50);
}

static void test_make(void **state)
{
    (void)state;
    sweep(make, 97, 50);
}

static void test_open(void **state)
{
    (void)state;
    assert_int_equal(make(), 0);
    sweep(open_it, 97, 50);
}

static int set_up(void **state)
{
    (void)state;
    realm_init(&realm, "kms.iops.example", NULL, 0x11);
    realm_extract(&realm, BOB, dpp_ring_period(&realm.cert, REALM_NOW_S), &set, &secrets);
    alice = realm_ring(ALICE, &realm, 1, 0);
    bob = realm_ring(BOB, &realm, 1, 0);
    key = im_key(0x10000001, 0, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    dpp_ring_free(alice);
    dpp_ring_free(bob);
    dpp_key_free(key);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ring),
        cmocka_unit_test(test_make),
        cmocka_unit_test(test_open),
    };
    if (!oom_crypto() || dpp_keys_init(8 * DPP_RING_SET_OCTETS) == DPP_E_SECURE_HEAP)
        return 1;
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
