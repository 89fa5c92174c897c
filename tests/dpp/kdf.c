#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "dpp/seal/kdf.h"
#include "tests/dpp/vector.h"

/* Known answers of our own: HMAC-SHA-256 and SHA-256 over the input string written out by hand,
 * computed with Python's hmac and hashlib. */
static void test_own_answers(void **state)
{
    uint8_t key[16], expected[32], out[32];
    uint32_t id;

    (void)state;
    for (int i = 0; i < 16; i++)
        key[i] = (uint8_t)(0xf0 + i);
    /* hmac(f0..ff, 53 | 12345678 | 0004) */
    vector_hex("dccac6b92d8aa7b6b62fd9297a5b609568740da6768b16a333fd28c8b896f915", expected, 32);
    assert_int_equal(dpp_kdf_dpck(key, 16, 0x12345678, DPP_ALG_AES_256_GCM, out), 32);
    assert_memory_equal(out, expected, 32);
    assert_int_equal(dpp_kdf_dpck(key, 16, 0x12345678, DPP_ALG_AES_128_GCM, out), 16);
    assert_memory_equal(out, expected + 16, 16); /* the last octets */
    /* low 28 bits of hmac(f0..ff, 50 | "sip:dora@iops.example" | 0015) over 0abcdef0 */
    assert_int_equal(dpp_kdf_guk_id(key, 16, 0x0abcdef0, "sip:dora@iops.example", &id), 0);
    assert_int_equal(id, 0x0c088c90);
    assert_int_equal(dpp_kdf_gmk_id(key, 16, id, "sip:dora@iops.example", &id), 0);
    assert_int_equal(id, 0x0abcdef0);
    /* period 86400, offset 0, number 20000 */
    vector_hex("33da1c02fb8b44146f495a5ac7a321b0ca729c63c837429f8a9f45b12c898444", expected, 32);
    assert_int_equal(dpp_kdf_uid("sip:dora@iops.example", "kms.iops.example", 86400, 0, 20000, out),
                     0);
    assert_memory_equal(out, expected, 32);
}

static void test_limits(void **state)
{
    static uint8_t text[DPP_KDF_INPUT_MAX];
    uint8_t out[32];
    struct dpp_kdf_part part = {text, DPP_KDF_INPUT_MAX - 3};

    (void)state;
    assert_int_equal(dpp_kdf(text, 16, 1, &part, 1, out), 0);
    part.n++;
    assert_int_equal(dpp_kdf(text, 16, 1, &part, 1, out), DPP_E_LONG);
    part.n = SIZE_MAX;
    assert_int_equal(dpp_kdf(text, 16, 1, &part, 1, out), DPP_E_LONG);
    for (int alg = 0; alg < 256; alg++) {
        size_t n = alg == 1 ? 16 : alg == 2 ? 32 : 0;
        assert_int_equal(dpp_kdf_dpck_octets(alg), n);
        if (n == 0)
            assert_int_equal(dpp_kdf_dpck(text, 16, 1, alg, out), DPP_E_FRAME_ALGORITHM);
    }
}

/* Every row of a list in the interop file; at least so many. */
static void each_row(const char *list, int least, void (*try)(const cJSON *v))
{
    cJSON *file = vector_interop();
    const cJSON *v;
    int tried = 0;

    if (!file)
        skip();
    cJSON_ArrayForEach(v, cJSON_GetObjectItem(file, list))
    {
        try(v);
        tried++;
    }
    assert_true(tried >= least);
    cJSON_Delete(file);
}

static void try_uid(const cJSON *v)
{
    uint8_t expected[32], out[32];

    vector_octets(v, "uid", expected, 32);
    assert_int_equal(dpp_kdf_uid(vector_text(v, "uri"), vector_text(v, "kms"),
                                 vector_number(v, "period"), vector_number(v, "offset"),
                                 vector_number(v, "number"), out),
                     0);
    assert_memory_equal(out, expected, 32);
}

static void try_guk_id(const cJSON *v)
{
    uint8_t gmk[16];
    uint32_t id;
    size_t n = vector_octets(v, "gmk", gmk, sizeof gmk);
    const char *user = vector_text(v, "user");

    assert_int_equal(dpp_kdf_guk_id(gmk, n, vector_id(v, "gmk_id"), user, &id), 0);
    assert_int_equal(id, vector_id(v, "guk_id"));
    assert_int_equal(dpp_kdf_gmk_id(gmk, n, id, user, &id), 0);
    assert_int_equal(id, vector_id(v, "gmk_id"));
}

static void try_dpck(const cJSON *v)
{
    uint8_t dppk[16], full[32], low[16], out[32];
    size_t n = vector_octets(v, "dppk", dppk, sizeof dppk);
    uint32_t id = vector_id(v, "dppk_id");

    vector_octets(v, "kdf_output_256", full, 32);
    vector_octets(v, "dpck_128", low, 16);
    assert_int_equal(dpp_kdf_dpck(dppk, n, id, DPP_ALG_AES_256_GCM, out), 32);
    assert_memory_equal(out, full, 32);
    assert_int_equal(dpp_kdf_dpck(dppk, n, id, DPP_ALG_AES_128_GCM, out), 16);
    assert_memory_equal(out, low, 16);
}

static void test_interop(void **state)
{
    (void)state;
    each_row("uid", 8, try_uid);
    each_row("guk_id", 5, try_guk_id);
    each_row("dpck", 1, try_dpck);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_answers),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_interop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
