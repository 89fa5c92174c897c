/* sakke.c - 10,000 random rounds: what is sealed to an identity opens for it, and for it alone. Two
 * threads share one KMS and the prepared RSKs, as a program's threads do. SAKKE_ROUNDS in the
 * environment gives another number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dpp/keys/key.h"
#include "dpp/keys/sakke.h"

enum { USERS = 3, THREADS = 2, ROUNDS = 10000 };

static struct dpp_sakke_kms *kms;
static struct dpp_sakke_rsk *rsks[USERS];
static uint8_t ids[USERS][32];
static atomic_int wrong;
static unsigned rounds = ROUNDS / THREADS;

/* xorshift64*: the same values in every run */
static void fill(uint64_t *seed, uint8_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        *seed ^= *seed >> 12;
        *seed ^= *seed << 25;
        *seed ^= *seed >> 27;
        out[i] = (uint8_t)(*seed * UINT64_C(0x2545f4914f6cdd1d) >> 56);
    }
}

static bool round_trip(uint64_t *seed, unsigned i)
{
    uint8_t ssv[DPP_SAKKE_SSV], sed[DPP_SAKKE_SED], got[DPP_SAKKE_SSV] = {0};
    unsigned user = i % USERS;

    fill(seed, ssv, sizeof ssv);
    if (dpp_sakke_seal(kms, ids[user], sizeof ids[user], ssv, sed) != 0 ||
        dpp_sakke_open(rsks[user], sed, i % 2, got) != 0 || memcmp(got, ssv, sizeof ssv) != 0)
        return false;
    if (i % 100 != 0)
        return true;
    /* now and then: another user, and one octet changed */
    if (dpp_sakke_open(rsks[(user + 1) % USERS], sed, true, got) != DPP_E_SAKKE)
        return false;
    uint8_t at[2];
    fill(seed, at, sizeof at);
    sed[(at[0] << 8 | at[1]) % sizeof sed] ^= (uint8_t)(1u << i / 100 % 8);
    return dpp_sakke_open(rsks[user], sed, true, got) == DPP_E_SAKKE;
}

static void *run(void *argument)
{
    uint64_t seed = UINT64_C(0x9e3779b97f4a7c15) * (1 + (uint64_t)(uintptr_t)argument);

    for (unsigned i = 0; i < rounds; i++) {
        uint64_t begin = seed;
        if (!round_trip(&seed, i)) {
            fprintf(stderr, "round %u, seed %016llx\n", i, (unsigned long long)begin);
            atomic_fetch_add(&wrong, 1);
            break;
        }
    }
    return NULL;
}

static void test_rounds(void **state)
{
    uint64_t seed = 1;
    uint8_t z[DPP_SAKKE_SCALAR], point[DPP_SAKKE_POINT];
    pthread_t threads[THREADS];
    int rc;

    (void)state;
    do {
        fill(&seed, z, sizeof z);
        rc = dpp_sakke_master(z, point);
    } while (rc == DPP_E_RETRY);
    assert_int_equal(rc, 0);
    assert_int_equal(dpp_sakke_kms_new(&kms, point), 0);
    for (size_t i = 0; i < USERS; i++) {
        fill(&seed, ids[i], sizeof ids[i]);
        assert_int_equal(dpp_sakke_extract(z, ids[i], sizeof ids[i], point), 0);
        assert_int_equal(dpp_sakke_rsk_new(&rsks[i], kms, ids[i], sizeof ids[i], point), 0);
    }
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run, (void *)i), 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&wrong), 0);
    for (size_t i = 0; i < USERS; i++)
        dpp_sakke_rsk_free(rsks[i]);
    dpp_sakke_kms_free(kms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rounds)};
    const char *asked = getenv("SAKKE_ROUNDS");

    if (asked)
        rounds = (unsigned)strtoul(asked, NULL, 10) / THREADS;
    if (dpp_keys_init((size_t)1 << 22) == DPP_E_SECURE_HEAP)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
