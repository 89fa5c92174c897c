/* sakke.c - SAKKE with allocations refused, ours and OpenSSL's: the answer is an error or the right
 * one, never a crash, a leak or half a key.
 *
 * Sealing, opening and the KMS's own functions have each allocation refused in turn. Making an RSK
 * or a KMS ready takes thousands of equal ones and much time each: there the first and the last are
 * refused one by one and those between in steps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "dpp/keys/key.h"
#include "dpp/keys/sakke.h"
#include "tests/oom/crypto.h"

static const uint8_t id[32] = "an identity of 32 octets, a hash";
static const uint8_t ssv[DPP_SAKKE_SSV] = "sixteen octets !";
static uint8_t master[DPP_SAKKE_SCALAR], z[DPP_SAKKE_POINT], key[DPP_SAKKE_POINT];
static uint8_t sed[DPP_SAKKE_SED];
static struct dpp_sakke_kms *kms;
static struct dpp_sakke_rsk *rsk;

/* One refusal pattern of one call. */
static bool is_through(int (*call)(void), long i, bool once, size_t *refusals)
{
    oom_begin(i, once);
    int rc = call();
    bool was_refused = oom_stop();
    if (!was_refused)
        assert_int_equal(rc, 0);
    assert_true(rc == 0 || rc == DPP_E_NOMEM || rc == DPP_E_CRYPTO);
    *refusals += rc != 0;
    return !was_refused;
}

static void sweep(int (*call)(void), size_t at_least)
{
    size_t refusals = 0;

    assert_int_equal(call(), 0);
    for (int once = 0; once < 2; once++)
        for (long i = 0; !is_through(call, i, once, &refusals); i++)
            ;
    assert_true(refusals >= at_least);
}

/* The first 20 and the last 20 allocations, and 20 between. */
static void sample(int (*call)(void), size_t at_least)
{
    size_t refusals = 0;

    oom_crypto_asked = 0;
    assert_int_equal(call(), 0);
    long all = oom_crypto_asked;
    for (int once = 0; once < 2; once++)
        for (long i = 0; i < all; i += i < 20 || i >= all - 20 ? 1 : 1 + all / 20)
            (void)is_through(call, i, once, &refusals);
    assert_true(refusals >= at_least);
}

static int seal(void)
{
    uint8_t out[DPP_SAKKE_SED], zero[DPP_SAKKE_SED] = {0};
    int rc = dpp_sakke_seal(kms, id, sizeof id, ssv, out);

    if (rc == 0)
        assert_memory_equal(out, sed, sizeof sed);
    else if (rc == DPP_E_CRYPTO)
        assert_memory_equal(out, zero, sizeof zero);
    return rc;
}

static int open(void)
{
    uint8_t got[DPP_SAKKE_SSV], zero[DPP_SAKKE_SSV] = {0};
    int rc;

    memset(got, 0, sizeof got);
    rc = dpp_sakke_open(rsk, sed, true, got);
    assert_memory_equal(got, rc == 0 ? ssv : zero, sizeof got);
    return rc;
}

static int make_master(void)
{
    uint8_t scalar[DPP_SAKKE_SCALAR], point[DPP_SAKKE_POINT];

    memcpy(scalar, master, sizeof scalar);
    int rc = dpp_sakke_master(scalar, point);
    if (rc == 0)
        assert_memory_equal(point, z, sizeof z);
    return rc;
}

static int extract(void)
{
    uint8_t point[DPP_SAKKE_POINT];
    int rc = dpp_sakke_extract(master, id, sizeof id, point);

    if (rc == 0)
        assert_memory_equal(point, key, sizeof key);
    return rc;
}

static int make_kms(void)
{
    struct dpp_sakke_kms *made;
    int rc = dpp_sakke_kms_new(&made, z);

    assert_true((rc == 0) == (made != NULL));
    dpp_sakke_kms_free(made);
    return rc;
}

static int make_rsk(void)
{
    struct dpp_sakke_rsk *made;
    uint8_t got[DPP_SAKKE_SSV];
    size_t used = CRYPTO_secure_used();
    int rc = dpp_sakke_rsk_new(&made, kms, id, sizeof id, key);

    assert_true((rc == 0) == (made != NULL));
    if (rc == 0 && oom_left < 0) /* what came out whole works */
        assert_int_equal(dpp_sakke_open(made, sed, false, got), 0);
    dpp_sakke_rsk_free(made);
    assert_int_equal(CRYPTO_secure_used(), used);
    return rc;
}

static void test_use(void **state)
{
    (void)state;
    sweep(seal, 20);
    sweep(open, 20);
    sweep(make_master, 10);
    sweep(extract, 10);
}

static void test_make(void **state)
{
    (void)state;
    sample(make_kms, 30);
    sample(make_rsk, 30);
}

/* The tables that all KMSs share are made on first use: a refusal there is not for ever. */
static int set_up(void **state)
{
    uint8_t digest[32];

    (void)state;
    /* OpenSSL sets up its providers on first use and does not recover when that is refused */
    if (EVP_Digest(id, sizeof id, digest, NULL, EVP_sha256(), NULL) != 1)
        return 1;
    master[127] = 77;
    for (long i = 0; i < 30; i++) {
        uint8_t point[DPP_SAKKE_POINT];
        oom_start(i);
        int rc = dpp_sakke_master(master, point);
        (void)oom_stop();
        if (rc == 0)
            return 1;
    }
    return dpp_sakke_master(master, z) != 0 || dpp_sakke_extract(master, id, sizeof id, key) != 0 ||
           dpp_sakke_kms_new(&kms, z) != 0 ||
           dpp_sakke_rsk_new(&rsk, kms, id, sizeof id, key) != 0 ||
           dpp_sakke_seal(kms, id, sizeof id, ssv, sed) != 0;
}

static int tear_down(void **state)
{
    (void)state;
    dpp_sakke_rsk_free(rsk);
    dpp_sakke_kms_free(kms);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_use), cmocka_unit_test(test_make)};

    if (!oom_crypto() || dpp_keys_init((size_t)1 << 21) == DPP_E_SECURE_HEAP)
        return 1;
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
