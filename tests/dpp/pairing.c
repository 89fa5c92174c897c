/* pairing.c - the pairing of RFC 6508: the published values, bilinearity, symmetry, and the one way
 * in which a point outside of the group of order q is seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dpp/keys/pairing.h"
#include "dpp/keys/power.h"
#include "tests/dpp/sakke_kit.h"

static struct kit kit;

static int set_up(void **state)
{
    (void)state;
    kit_init(&kit);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    kit_done(&kit);
    return 0;
}

/* out = <k, r>, in octets; blind: 0 for none */
static int pair(const uint8_t k[DPP_SAKKE_POINT], const uint8_t r[DPP_SAKKE_POINT], unsigned blind,
                uint8_t out[DPP_FIELD_OCTETS])
{
    struct dpp_field f;
    struct dpp_pairing *pairing = NULL;

    assert_int_equal(dpp_field_init(&f), 0);
    BIGNUM *x = dpp_field_new(&f), *y = dpp_field_new(&f), *at_x = dpp_field_new(&f),
           *at_y = dpp_field_new(&f), *t = dpp_field_new(&f), *u = dpp_field_new(&f);
    assert_true(dpp_field_load_point(&f, x, y, k));
    assert_true(dpp_field_load_point(&f, at_x, at_y, r));
    assert_true(BN_set_word(u, blind));
    int rc = dpp_pairing_new(&pairing, &f, x, y);
    if (rc == 0) {
        assert_in_range(dpp_pairing_octets(pairing), 300000, 500000);
        dpp_pairing_with(&f, pairing, at_x, at_y, blind ? u : NULL, t);
        dpp_field_store(&f, t, out);
        assert_false(f.failed);
    } else {
        assert_null(pairing);
    }
    dpp_pairing_free(pairing);
    dpp_field_done(&f);
    return rc;
}

/* out = [n] point, n public */
static void times(const uint8_t point[DPP_SAKKE_POINT], const BIGNUM *n,
                  uint8_t out[DPP_SAKKE_POINT])
{
    EC_POINT *p = kit_read(&kit, point);

    assert_int_equal(EC_POINT_mul(kit.group, p, NULL, p, n, kit.bn), 1);
    kit_write(&kit, p, out);
    EC_POINT_free(p);
}

/* rfc6509#A: g = <P, P>; rfc6508#A: w = <R, RSK> = g^r */
static void test_rfc(void **state)
{
    uint8_t p[DPP_SAKKE_POINT], r[DPP_SAKKE_POINT], k[DPP_SAKKE_POINT], want[128], got[128];

    (void)state;
    kit_point(&kit, "mikeysakke.Px", "mikeysakke.Py", p);
    assert_int_equal(pair(p, p, 0, got), 0);
    kit_value(&kit, "mikeysakke.g", want, sizeof want);
    assert_memory_equal(got, want, sizeof got);

    kit_point(&kit, "sakke.Rbx", "sakke.Rby", r);
    kit_point(&kit, "sakke.Kbx", "sakke.Kby", k);
    kit_value(&kit, "sakke.w", want, sizeof want);
    assert_int_equal(pair(k, r, 0, got), 0);
    assert_memory_equal(got, want, sizeof got);
    assert_int_equal(pair(k, r, 12345, got), 0); /* blinding changes nothing */
    assert_memory_equal(got, want, sizeof got);
    assert_int_equal(pair(r, k, 0, got), 0); /* symmetric */
    assert_memory_equal(got, want, sizeof got);
}

/* rfc6508#3.2: <[x]P, [y]P> = g^(x y) for any x, y; -R gives the inverse, which is the negative
 * number */
static void test_bilinear(void **state)
{
    static const char *const scalars[][2] = {
        {"2", "1"},
        {"3", "FFFFFFFFFFFFFFFF"},
        {"123456789ABCDEF0123456789ABCDEF0123456789", "FEDCBA9876543210FEDCBA987"},
    };
    uint8_t p[DPP_SAKKE_POINT], a[DPP_SAKKE_POINT], b[DPP_SAKKE_POINT], want[128], got[128];

    (void)state;
    kit_point(&kit, "mikeysakke.Px", "mikeysakke.Py", p);
    for (size_t i = 0; i < sizeof scalars / sizeof *scalars; i++) {
        BIGNUM *x = NULL, *y = NULL;
        assert_true(BN_hex2bn(&x, scalars[i][0]) && BN_hex2bn(&y, scalars[i][1]));
        times(p, x, a);
        times(p, y, b);
        assert_int_equal(pair(a, b, 0, got), 0);
        assert_true(BN_mod_mul(x, x, y, kit.q, kit.bn));
        kit_power(&kit, x, want);
        assert_memory_equal(got, want, sizeof got);
        kit_minus(&kit, b);
        assert_int_equal(pair(a, b, 0, got), 0);
        assert_true(BN_bin2bn(got, sizeof got, x) && BN_sub(x, kit.p, x));
        assert_int_equal(BN_bn2binpad(x, got, sizeof got), sizeof got);
        assert_memory_equal(got, want, sizeof got);
        BN_free(x);
        BN_free(y);
    }
}

/* The fixed argument must have order q; the other need not, and what is outside of the group of
 * order q does not show: SAKKE's TEST is what sees it. */
static void test_order(void **state)
{
    static const uint8_t two[DPP_SAKKE_POINT] = {4};
    static const uint8_t nothing[128];
    uint8_t p[DPP_SAKKE_POINT], sum[DPP_SAKKE_POINT], want[128], got[128];

    (void)state;
    kit_point(&kit, "mikeysakke.Px", "mikeysakke.Py", p);
    kit_value(&kit, "mikeysakke.g", want, sizeof want);
    kit_add(&kit, p, two, false, sum);
    assert_int_equal(pair(p, sum, 7, got), 0);
    assert_memory_equal(got, want, sizeof got);
    assert_int_equal(pair(p, two, 7, got), 0);
    assert_memory_equal(got, nothing, sizeof got);
    assert_int_equal(pair(sum, p, 0, got), DPP_E_SAKKE_POINT);
    assert_int_equal(pair(two, p, 0, got), DPP_E_SAKKE_POINT);
}

/* Powers of g by the table: small and large, even and odd exponents. */
static void test_power(void **state)
{
    static const char *const exponents[] = {
        "1", "2", "3", "40", "7FFFFFFF", "100000000000000000000000000000000000000000000000000"};
    struct dpp_power *power = malloc(sizeof *power);
    struct dpp_field f;
    uint8_t want[128], got[128];

    (void)state;
    assert_int_equal(dpp_field_init(&f), 0);
    BIGNUM *a = dpp_field_new(&f), *b = dpp_field_new(&f);
    assert_true(dpp_power_init(power, &f, f.set->g));
    for (size_t i = 0; i <= 2 * (sizeof exponents / sizeof *exponents); i++) {
        BIGNUM *n = NULL;
        if (i == 2 * (sizeof exponents / sizeof *exponents))
            n = kit_number(&kit, "sakke.r");
        else
            assert_true(BN_hex2bn(&n, exponents[i / 2]));
        if (i % 2) /* and from the other end */
            assert_true(BN_sub(n, kit.q, n));
        dpp_power_raise(&f, power, n, a, b);
        dpp_field_invert(&f, a, a, NULL);
        dpp_field_mul(&f, a, a, b);
        dpp_field_store(&f, a, got);
        assert_false(f.failed);
        kit_power(&kit, n, want);
        assert_memory_equal(got, want, sizeof got);
        BN_free(n);
    }
    dpp_field_done(&f);
    free(power);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc),
        cmocka_unit_test(test_bilinear),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_power),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
