/* dpp_eccsi.c - ECCSI with every allocation of OpenSSL refused in turn: an error or the right
 * answer, never a crash, a leak or a signature that is half made. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dpp/keys/eccsi.h"
#include "dpp/keys/key.h"
#include "tests/oom/crypto.h"

static const uint8_t ksak[32] = {1, 2, 3}, v[32] = {4, 5, 6}, j[32] = {7, 8, 9};
static const uint8_t id[32] = "an identity", msg[20] = "a message";

static int all_of_it(void)
{
    uint8_t kpak[65], ssk[32], pvt[65], sig[129];
    struct dpp_eccsi *signer;
    int rc = dpp_eccsi_kpak(ksak, kpak);

    if (rc == 0)
        rc = dpp_eccsi_extract(ksak, kpak, id, sizeof id, v, ssk, pvt);
    if (rc == 0)
        rc = dpp_eccsi_new(&signer, kpak, id, sizeof id, ssk, pvt);
    if (rc != 0)
        return rc;
    rc = dpp_eccsi_sign(signer, msg, sizeof msg, j, sig);
    dpp_eccsi_free(signer);
    if (rc == 0)
        rc = dpp_eccsi_verify(kpak, id, sizeof id, msg, sizeof msg, sig);
    if (rc == 0)
        rc = dpp_eccsi_check_point(pvt);
    return rc;
}

static void test_eccsi(void **state)
{
    long refusals = 0;

    (void)state;
    assert_int_equal(all_of_it(), 0); /* OpenSSL's own set-up runs free */
    for (int once = 0; once < 2; once++) {
        for (long i = 0;; i++) {
            oom_begin(i, once);
            int rc = all_of_it();
            if (!oom_stop()) {
                assert_int_equal(rc, 0);
                break;
            }
            assert_true(rc == 0 || rc == DPP_E_CRYPTO || rc == DPP_E_SECURE_HEAP ||
                        rc == DPP_E_ECCSI_POINT || rc == DPP_E_ECCSI);
            refusals += rc != 0;
        }
    }
    assert_true(refusals > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_eccsi)};

    if (!oom_crypto() || dpp_keys_init(0) == DPP_E_SECURE_HEAP)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
