/* sakke.c - encapsulation and decapsulation: the values of RFC 6508 appendix A, a second SAKKE
 * beside ours, everything that must not open, and what is left in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/crypto.h>

#include "dpp/keys/key.h"
#include "tests/dpp/sakke_kit.h"

static struct kit kit;

/* The KMS and the user of the appendix. */
static uint8_t master[DPP_SAKKE_SCALAR], z[DPP_SAKKE_POINT], key[DPP_SAKKE_POINT];
static uint8_t id[26], ssv[DPP_SAKKE_SSV], sed[DPP_SAKKE_SED];
static struct dpp_sakke_kms *kms;
static struct dpp_sakke_rsk *rsk;

static const uint8_t order_two[DPP_SAKKE_POINT] = {4}; /* (0, 0) */

static int set_up(void **state)
{
    (void)state;
    kit_init(&kit);
    kit_value(&kit, "sakke.z", master, sizeof master);
    kit_point(&kit, "sakke.Zx", "sakke.Zy", z);
    kit_point(&kit, "sakke.Kbx", "sakke.Kby", key);
    kit_value(&kit, "sakke.b", id, sizeof id);
    kit_value(&kit, "sakke.SSV", ssv, sizeof ssv);
    kit_point(&kit, "sakke.Rbx", "sakke.Rby", sed);
    kit_value(&kit, "sakke.H", sed + DPP_SAKKE_POINT, DPP_SAKKE_SSV);
    return dpp_sakke_kms_new(&kms, z) != 0 || dpp_sakke_rsk_new(&rsk, kms, id, sizeof id, key) != 0;
}

static int tear_down(void **state)
{
    (void)state;
    dpp_sakke_rsk_free(rsk);
    dpp_sakke_kms_free(kms);
    kit_done(&kit);
    return 0;
}

/* rfc6508#A: what the KMS, the sender and the receiver print, the hash and g^r among it */
static void test_rfc(void **state)
{
    uint8_t scalar[DPP_SAKKE_SCALAR], point[DPP_SAKKE_POINT], out[DPP_SAKKE_SED], w[128], g_r[128];
    uint8_t got[DPP_SAKKE_SSV], want[128];

    (void)state;
    memcpy(scalar, master, sizeof scalar);
    assert_int_equal(dpp_sakke_master(scalar, point), 0);
    assert_memory_equal(scalar, master, sizeof scalar);
    assert_memory_equal(point, z, sizeof z);
    assert_int_equal(dpp_sakke_extract(master, id, sizeof id, point), 0);
    assert_memory_equal(point, key, sizeof key);
    assert_int_equal(dpp_sakke_seal(kms, id, sizeof id, ssv, out), 0);
    assert_memory_equal(out, sed, sizeof sed);
    assert_int_equal(dpp_sakke_open(rsk, sed, false, got), 0);
    assert_memory_equal(got, ssv, sizeof ssv);

    /* the second SAKKE is right as well */
    BIGNUM *r = kit_r(&kit, id, sizeof id, ssv);
    kit_value(&kit, "sakke.r", want, sizeof want);
    assert_int_equal(BN_bn2binpad(r, g_r, 128), 128);
    assert_memory_equal(g_r, want, 128);
    BN_free(r);
    kit_seal(&kit, z, id, sizeof id, ssv, out, w);
    assert_memory_equal(out, sed, sizeof sed);
    kit_value(&kit, "sakke.g^r", g_r, sizeof g_r);
    assert_memory_equal(w, g_r, sizeof w);
}

/* Identities as MCData has them (32 octets), the shortest and the longest: both SAKKEs agree. */
static void test_identities(void **state)
{
    static const size_t sizes[] = {1, 26, 32, 32, 33, 127, DPP_SAKKE_ID_MAX};
    uint8_t who[DPP_SAKKE_ID_MAX], secret[DPP_SAKKE_SSV], ours[DPP_SAKKE_SED], w[128];
    uint8_t theirs[DPP_SAKKE_SED], point[DPP_SAKKE_POINT], got[DPP_SAKKE_SSV];
    struct dpp_sakke_rsk *ready;

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (size_t j = 0; j < sizeof who; j++)
            who[j] = (uint8_t)(0xff - 7 * i - 13 * j); /* 128 octets: far above q */
        memset(secret, i == 0 ? 0 : (int)(0x11 * i), sizeof secret);
        if (i == 3)
            memset(who, 0, 31); /* a small number in many octets */
        assert_int_equal(dpp_sakke_seal(kms, who, sizes[i], secret, ours), 0);
        kit_seal(&kit, z, who, sizes[i], secret, theirs, w);
        assert_memory_equal(ours, theirs, sizeof ours);
        assert_int_equal(dpp_sakke_extract(master, who, sizes[i], point), 0);
        assert_int_equal(dpp_sakke_rsk_new(&ready, kms, who, sizes[i], point), 0);
        assert_int_equal(dpp_sakke_open(ready, ours, false, got), 0);
        assert_memory_equal(got, secret, sizeof got);
        assert_int_equal(dpp_sakke_open(rsk, ours, false, got), DPP_E_SAKKE); /* another's */
        dpp_sakke_rsk_free(ready);
    }
    /* b is the number 0: W is Z */
    memset(who, 0, 4);
    assert_int_equal(dpp_sakke_seal(kms, who, 4, secret, ours), 0);
    assert_int_equal(dpp_sakke_extract(master, who, 4, point), 0);
    assert_int_equal(dpp_sakke_rsk_new(&ready, kms, who, 4, point), 0);
    assert_int_equal(dpp_sakke_open(ready, ours, false, got), 0);
    dpp_sakke_rsk_free(ready);

    assert_int_equal(dpp_sakke_seal(kms, who, 0, secret, ours), DPP_E_LONG);
    assert_int_equal(dpp_sakke_seal(kms, who, DPP_SAKKE_ID_MAX + 1, secret, ours), DPP_E_LONG);
    assert_int_equal(dpp_sakke_extract(master, who, 0, point), DPP_E_LONG);
    assert_int_equal(dpp_sakke_extract(master, who, DPP_SAKKE_ID_MAX + 1, point), DPP_E_LONG);
    assert_int_equal(dpp_sakke_rsk_new(&ready, kms, who, 0, key), DPP_E_LONG);
    assert_null(ready);
    assert_int_equal(dpp_sakke_rsk_new(&ready, kms, who, DPP_SAKKE_ID_MAX + 1, key), DPP_E_LONG);
}

/* Every change of H and of R, and -R, is refused alike, and leaves no SSV behind. */
static void refused(const uint8_t bad[DPP_SAKKE_SED])
{
    static const uint8_t zero[DPP_SAKKE_SSV];
    uint8_t got[DPP_SAKKE_SSV];

    for (int stripped = 0; stripped < 2; stripped++) {
        memset(got, 0xaa, sizeof got);
        assert_int_equal(dpp_sakke_open(rsk, bad, stripped, got), DPP_E_SAKKE);
        assert_memory_equal(got, zero, sizeof got);
    }
}

static void test_changed(void **state)
{
    uint8_t bad[DPP_SAKKE_SED];

    (void)state;
    for (size_t bit = 0; bit < 8 * DPP_SAKKE_SSV; bit += 5) {
        memcpy(bad, sed, sizeof bad);
        bad[DPP_SAKKE_POINT + bit / 8] ^= (uint8_t)(1u << bit % 8);
        refused(bad);
    }
    for (size_t i = 0; i < DPP_SAKKE_POINT; i++) {
        memcpy(bad, sed, sizeof bad);
        bad[i] ^= 1;
        refused(bad);
    }
    memcpy(bad, sed, sizeof bad);
    kit_minus(&kit, bad);
    refused(bad);
    /* R and a point of order 2: the pairing does not see the difference, TEST does */
    kit_add(&kit, sed, order_two, false, bad);
    memcpy(bad + DPP_SAKKE_POINT, sed + DPP_SAKKE_POINT, DPP_SAKKE_SSV);
    refused(bad);
    /* another good R with this H */
    memcpy(bad, z, DPP_SAKKE_POINT);
    refused(bad);
}

/* No point of the curve in the form that is due. at: the 257 octets, which are set back. */
static void bad_points(const uint8_t good[DPP_SAKKE_POINT], void (*refuse)(const uint8_t *))
{
    static const uint8_t forms[] = {0, 1, 2, 3, 5, 6, 7, 0xff};
    uint8_t bad[DPP_SAKKE_SED];

    memcpy(bad + DPP_SAKKE_POINT, sed + DPP_SAKKE_POINT, DPP_SAKKE_SSV);
    for (size_t i = 0; i < sizeof forms; i++) { /* infinity, compressed, hybrid, none */
        memcpy(bad, good, DPP_SAKKE_POINT);
        bad[0] = forms[i];
        refuse(bad);
    }
    memset(bad, 0, DPP_SAKKE_POINT); /* infinity as some write it */
    refuse(bad);
    for (size_t i = 0; i < 2; i++) { /* x or y is p, or all ones, or one more than it should be */
        memcpy(bad, good, DPP_SAKKE_POINT);
        assert_int_equal(BN_bn2binpad(kit.p, bad + 1 + 128 * i, 128), 128);
        refuse(bad);
        memset(bad + 1 + 128 * i, 0xff, 128);
        refuse(bad);
        memcpy(bad, good, DPP_SAKKE_POINT);
        bad[128 + 128 * i]++;
        refuse(bad);
    }
    memcpy(bad, order_two, DPP_SAKKE_POINT);
    refuse(bad);
    memcpy(bad, good, DPP_SAKKE_POINT); /* x and y for each other */
    memcpy(bad + 1, good + 129, 128);
    memcpy(bad + 129, good + 1, 128);
    refuse(bad);
}

static void refuse_z(const uint8_t *bad)
{
    struct dpp_sakke_kms *made;

    assert_int_equal(dpp_sakke_kms_new(&made, bad), DPP_E_SAKKE_POINT);
    assert_null(made);
}

static void refuse_rsk(const uint8_t *bad)
{
    struct dpp_sakke_rsk *made;

    assert_int_equal(dpp_sakke_rsk_new(&made, kms, id, sizeof id, bad), DPP_E_SAKKE_POINT);
    assert_null(made);
}

static void test_points(void **state)
{
    uint8_t bad[DPP_SAKKE_POINT];

    (void)state;
    bad_points(sed, refused);
    bad_points(z, refuse_z);
    bad_points(key, refuse_rsk);
    /* on the curve, of order 2q */
    kit_add(&kit, z, order_two, false, bad);
    refuse_z(bad);
    kit_add(&kit, key, order_two, false, bad);
    refuse_rsk(bad);
}

/* The points of order 4, alone and added to R. */
static void test_order_four(void **state)
{
    uint8_t bad[DPP_SAKKE_SED] = {4};
    BIGNUM *x = BN_new(), *y = BN_new(), *t = BN_new();
    size_t found = 0;

    (void)state;
    /* 2(x, y) = (0, 0): the tangent passes through the origin, y / x = (3x^2 - 3) / 2y, and with
     * y^2 = x^3 - 3x that is x^2 = -3 */
    assert_true(BN_copy(t, kit.p) && BN_sub_word(t, 3));
    assert_non_null(BN_mod_sqrt(x, t, kit.p, kit.bn) ? x : NULL);
    for (int sign = 0; sign < 2; sign++) {
        assert_true(BN_sub(x, kit.p, x));
        assert_true(BN_mod_sqr(t, x, kit.p, kit.bn) && BN_sub_word(t, 3) &&
                    BN_mod_mul(t, t, x, kit.p, kit.bn));
        if (!BN_mod_sqrt(y, t, kit.p, kit.bn))
            continue;
        found++;
        assert_int_equal(BN_bn2binpad(x, bad + 1, 128), 128);
        assert_int_equal(BN_bn2binpad(y, bad + 129, 128), 128);
        refuse_z(bad);
        refuse_rsk(bad);
        refused(bad);
        uint8_t sum[DPP_SAKKE_SED];
        kit_add(&kit, sed, bad, false, sum);
        memcpy(sum + DPP_SAKKE_POINT, sed + DPP_SAKKE_POINT, DPP_SAKKE_SSV);
        refused(sum);
    }
    assert_true(found > 0);
    BN_free(x);
    BN_free(y);
    BN_free(t);
}

/* rfc6508#6.1.2: an RSK that is not of this identity and this KMS */
static void test_pair(void **state)
{
    uint8_t other_z[DPP_SAKKE_POINT], other_master[DPP_SAKKE_SCALAR] = {[127] = 77};
    uint8_t bad[DPP_SAKKE_POINT], got[DPP_SAKKE_SSV], out[DPP_SAKKE_SED];
    struct dpp_sakke_kms *other;
    struct dpp_sakke_rsk *made;

    (void)state;
    memcpy(bad, key, sizeof bad);
    kit_minus(&kit, bad);
    assert_int_equal(dpp_sakke_rsk_new(&made, kms, id, sizeof id, bad), DPP_E_SAKKE_PAIR);
    assert_null(made);
    assert_int_equal(dpp_sakke_rsk_new(&made, kms, id, sizeof id, z), DPP_E_SAKKE_PAIR);
    assert_int_equal(dpp_sakke_rsk_new(&made, kms, id, sizeof id - 1, key), DPP_E_SAKKE_PAIR);
    assert_int_equal(dpp_sakke_master(other_master, other_z), 0);
    assert_int_equal(dpp_sakke_kms_new(&other, other_z), 0);
    assert_int_equal(dpp_sakke_rsk_new(&made, other, id, sizeof id, key), DPP_E_SAKKE_PAIR);
    assert_int_equal(dpp_sakke_seal(other, id, sizeof id, ssv, out), 0);
    assert_int_equal(dpp_sakke_open(rsk, out, true, got), DPP_E_SAKKE);
    dpp_sakke_kms_free(other);
}

/* b = q - z: [b]P + Z is infinity. rfc6508#6.1 */
static void test_no_point(void **state)
{
    uint8_t scalar[DPP_SAKKE_SCALAR], point[DPP_SAKKE_POINT], out[DPP_SAKKE_SED];
    uint8_t zero[DPP_SAKKE_SED] = {0};
    struct dpp_sakke_kms *made;
    struct dpp_sakke_rsk *ready;
    BIGNUM *n = BN_bin2bn(id, sizeof id, NULL);

    (void)state;
    assert_true(BN_sub(n, kit.q, n));
    assert_int_equal(BN_bn2binpad(n, scalar, sizeof scalar), sizeof scalar);
    BN_free(n);
    assert_int_equal(dpp_sakke_master(scalar, point), 0);
    assert_int_equal(dpp_sakke_extract(scalar, id, sizeof id, out), DPP_E_SAKKE_ID);
    assert_int_equal(dpp_sakke_kms_new(&made, point), 0);
    memset(out, 0xaa, sizeof out);
    assert_int_equal(dpp_sakke_seal(made, id, sizeof id, ssv, out), DPP_E_SAKKE_ID);
    assert_memory_equal(out, zero, sizeof out);
    assert_int_not_equal(dpp_sakke_rsk_new(&ready, made, id, sizeof id, key), 0);
    assert_null(ready);
    dpp_sakke_kms_free(made);
}

/* z outside of 2..q-1 is drawn again; q - 1 and 2 serve. rfc6508#6.1 */
static void test_master(void **state)
{
    uint8_t scalar[DPP_SAKKE_SCALAR] = {0}, point[DPP_SAKKE_POINT], out[DPP_SAKKE_SED];
    uint8_t got[DPP_SAKKE_SSV];
    BIGNUM *n = BN_dup(kit.q);

    (void)state;
    assert_int_equal(dpp_sakke_master(scalar, point), DPP_E_RETRY);
    scalar[127] = 1;
    assert_int_equal(dpp_sakke_master(scalar, point), DPP_E_RETRY);
    memset(scalar, 0xff, sizeof scalar);
    assert_int_equal(dpp_sakke_master(scalar, point), DPP_E_RETRY);
    assert_int_equal(BN_bn2binpad(n, scalar, 128), 128);
    assert_int_equal(dpp_sakke_master(scalar, point), DPP_E_RETRY);

    /* the outermost z: Z is -P, 2P, and 2P again with the upper bits in the way */
    for (int i = 0; i < 3; i++) {
        struct dpp_sakke_kms *made;
        struct dpp_sakke_rsk *ready;
        if (i == 0)
            assert_true(BN_sub_word(n, 1));
        else
            assert_true(BN_set_word(n, 2));
        assert_int_equal(BN_bn2binpad(n, scalar, 128), 128);
        if (i == 2)
            scalar[0] = 0xc0;
        assert_int_equal(dpp_sakke_master(scalar, point), 0);
        assert_int_equal(scalar[0] & 0xc0, 0);
        assert_int_equal(dpp_sakke_kms_new(&made, point), 0);
        assert_int_equal(dpp_sakke_seal(made, id, sizeof id, ssv, out), 0);
        assert_int_equal(dpp_sakke_extract(scalar, id, sizeof id, point), 0);
        assert_int_equal(dpp_sakke_rsk_new(&ready, made, id, sizeof id, point), 0);
        assert_int_equal(dpp_sakke_open(ready, out, false, got), 0);
        assert_memory_equal(got, ssv, sizeof got);
        dpp_sakke_rsk_free(ready);
        dpp_sakke_kms_free(made);
    }
    BN_free(n);
}

/* g^r begins with a zero octet once in 256 times: it is hashed with it, and without it by senders
 * that are tolerated on request. profile section 8 */
static void test_stripped(void **state)
{
    uint8_t secret[DPP_SAKKE_SSV] = {0}, w[128], out[DPP_SAKKE_SED], bad[DPP_SAKKE_SED];
    uint8_t got[DPP_SAKKE_SSV];
    size_t zeros = 0, tried = 0;

    (void)state;
    for (uint32_t i = 0; zeros == 0; i++) {
        assert_true(++tried < 4000);
        memcpy(secret, &i, sizeof i);
        BIGNUM *r = kit_r(&kit, id, sizeof id, secret);
        kit_power(&kit, r, w);
        BN_free(r);
        while (w[zeros] == 0)
            zeros++;
    }
    assert_int_equal(dpp_sakke_seal(kms, id, sizeof id, secret, out), 0);
    kit_mask(&kit, w, sizeof w, secret, got);
    assert_memory_equal(out + DPP_SAKKE_POINT, got, sizeof got); /* we hash all 128 octets */
    memcpy(bad, out, sizeof bad);
    kit_mask(&kit, w + zeros, sizeof w - zeros, secret, bad + DPP_SAKKE_POINT);
    assert_memory_not_equal(bad, out, sizeof bad);

    assert_int_equal(dpp_sakke_open(rsk, out, false, got), 0);
    assert_memory_equal(got, secret, sizeof got);
    assert_int_equal(dpp_sakke_open(rsk, out, true, got), 0);
    assert_memory_equal(got, secret, sizeof got);
    assert_int_equal(dpp_sakke_open(rsk, bad, true, got), 0);
    assert_memory_equal(got, secret, sizeof got);
    assert_int_equal(dpp_sakke_open(rsk, bad, false, got), DPP_E_SAKKE);
    bad[DPP_SAKKE_SED - 1] ^= 1;
    refused(bad);
}

/* --- memory --- */

static void test_octets(void **state)
{
    (void)state;
    assert_in_range(dpp_sakke_rsk_octets(rsk), 200000, 600000);
    assert_in_range(dpp_sakke_kms_octets(kms), 200000, 5000000);
}

/* The mapping that a pointer of the secure heap lies in. */
static uint64_t *arena(size_t *words)
{
    void *probe = OPENSSL_secure_malloc(64);
    FILE *f = fopen("/proc/self/maps", "r");
    char line[512];
    uint64_t *found = NULL;

    while (f && fgets(line, sizeof line, f)) {
        unsigned long from, to;
        if (sscanf(line, "%lx-%lx", &from, &to) != 2 || (uintptr_t)probe < from ||
            (uintptr_t)probe >= to)
            continue;
        found = (uint64_t *)from;
        *words = (to - from) / sizeof *found;
    }
    if (f)
        fclose(f);
    OPENSSL_secure_free(probe);
    return found;
}

/* What an RSK brought into the secure heap is gone after _free: no word stays where it was. */
static void test_wiped(void **state)
{
    size_t n = 0, brought = 0, left = 0, used = CRYPTO_secure_used();
    struct dpp_sakke_rsk *made;
    uint64_t *now = arena(&n);

    (void)state;
    assert_non_null(now);
    uint64_t *before = malloc(n * 8), *during = malloc(n * 8);
    memcpy(before, now, n * 8);
    assert_int_equal(dpp_sakke_rsk_new(&made, kms, id, sizeof id, key), 0);
    memcpy(during, now, n * 8);
    dpp_sakke_rsk_free(made);
    for (size_t i = 0; i < n; i++) {
        /* a word of a key, not a pointer of the heap's lists or a piece of zero */
        if (during[i] == before[i] || during[i] >> 48 == 0)
            continue;
        brought++;
        left += now[i] == during[i];
    }
    assert_true(brought > 40000); /* 16 words of some 2,600 numbers */
    assert_int_equal(left, 0);
    assert_int_equal(CRYPTO_secure_used(), used);
    free(before);
    free(during);
}

/* A secure heap that is full is no reason to put the key elsewhere. */
static void test_heap_full(void **state)
{
    void *taken[64];
    size_t n = 0;
    struct dpp_sakke_rsk *made;

    (void)state;
    for (size_t size = (size_t)1 << 22; size >= (size_t)1 << 17; size /= 2)
        while (n < 64 && (taken[n] = OPENSSL_secure_malloc(size)))
            n++;
    assert_int_equal(dpp_sakke_rsk_new(&made, kms, id, sizeof id, key), DPP_E_NOMEM);
    assert_null(made);
    while (n > 0)
        OPENSSL_secure_free(taken[--n]);
    assert_int_equal(dpp_sakke_rsk_new(&made, kms, id, sizeof id, key), 0);
    dpp_sakke_rsk_free(made);
    dpp_sakke_rsk_free(NULL);
    dpp_sakke_kms_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc),        cmocka_unit_test(test_identities),
        cmocka_unit_test(test_changed),    cmocka_unit_test(test_points),
        cmocka_unit_test(test_order_four), cmocka_unit_test(test_pair),
        cmocka_unit_test(test_no_point),   cmocka_unit_test(test_master),
        cmocka_unit_test(test_stripped),   cmocka_unit_test(test_octets),
        cmocka_unit_test(test_wiped),      cmocka_unit_test(test_heap_full),
    };
    if (dpp_keys_init((size_t)1 << 22) == DPP_E_SECURE_HEAP)
        return 1;
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
