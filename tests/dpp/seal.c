#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "dpp/seal/seal.h"
#include "tests/dpp/vector.h"

#define PLAIN   "the letter, not the envelope"
#define PLAIN_N (sizeof PLAIN - 1)

/* Computed with Python's cryptography (AESGCM with a 16-octet nonce) and hmac: DPPK f0..ff, IV
 * 00..0f, payload ID 7, time 65f0c2a0. */
static const char one_128[] = "430065f0c2a0000000070001000102030405060708090a0b0c0d0e0f12345678"
                              "00002c6992c792c2b317f63f8eb14b0ba761409adb42559f596aae9f2126344f"
                              "3b33ee48d8e5e1856ae26e2d5a7567";
static const char csk_256[] = "430065f0c2a0000000070002000102030405060708090a0b0c0d0e0f22345678"
                              "00002ce565943cc2398d1d1b0090c0db044238f0f476c8540938cdba45c2007f"
                              "3c33cc921d724031bfb6735559702b";

static int set_up(void **state)
{
    (void)state;
    return dpp_keys_init(0) == DPP_E_SECURE_HEAP;
}

static struct dpp_key *make_key(uint32_t id)
{
    struct dpp_key *key;
    uint8_t octets[16];

    for (int i = 0; i < 16; i++)
        octets[i] = (uint8_t)(0xf0 + i);
    assert_int_equal(dpp_key_new(&key, id, octets, sizeof octets, 0, 0), 0);
    return key;
}

static void make_seal(struct dpp_seal *seal, uint32_t id, enum dpp_use use, int alg)
{
    struct dpp_key *key = make_key(id);

    assert_int_equal(dpp_seal_init(seal, key, id, use, alg), 0);
    dpp_key_free(key);
}

static struct dpp_frame make_head(void)
{
    struct dpp_frame head = {.type = 0x43, .time_s = 0x65f0c2a0, .payload_id = 7};

    for (int i = 0; i < DPP_FRAME_IV; i++)
        head.iv[i] = (uint8_t)i;
    return head;
}

/* ts33180#8.5.4.1: both algorithms, both directions, against another implementation of GCM */
static void test_known_answers(void **state)
{
    static const struct {
        const char *frame;
        uint32_t id;
        enum dpp_use use;
        int alg;
    } rows[] = {{one_128, 0x12345678, DPP_USE_ONE, 1},
                {csk_256, 0x22345678, DPP_USE_SIGNALLING, 2}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct dpp_seal seal;
        struct dpp_frame head = make_head(), got;
        uint8_t expected[128], out[128], plain[128];
        size_t n = vector_hex(rows[i].frame, expected, sizeof expected);
        make_seal(&seal, rows[i].id, rows[i].use, rows[i].alg);
        /* open, close, open: one context serves both ways, in any order */
        assert_int_equal(dpp_seal_open(&seal, expected, n, plain, sizeof plain, &got), PLAIN_N);
        assert_memory_equal(plain, PLAIN, PLAIN_N);
        assert_int_equal(got.time_s, head.time_s);
        assert_int_equal(got.payload_id, 7);
        assert_int_equal(
            dpp_seal_close(&seal, &head, (const uint8_t *)PLAIN, PLAIN_N, out, sizeof out), n);
        assert_memory_equal(out, expected, n);
        memset(plain, 0, sizeof plain);
        assert_int_equal(dpp_seal_open(&seal, out, n, plain, PLAIN_N, NULL), PLAIN_N);
        assert_memory_equal(plain, PLAIN, PLAIN_N);
        dpp_seal_done(&seal);
        dpp_seal_done(&seal);
    }
}

static void test_interop(void **state)
{
    cJSON *file = vector_interop();
    const cJSON *m;
    int tried = 0;

    (void)state;
    if (!file)
        skip();
    const cJSON *mikey = cJSON_GetObjectItem(file, "mikey");
    cJSON_ArrayForEach(m, cJSON_GetObjectItem(mikey, "messages"))
    {
        const cJSON *v = cJSON_GetObjectItem(m, "protected_key_parameters");
        uint8_t dppk[16], whole[256], plain[256], out[256], expected[256];
        uint32_t id = vector_id(v, "dppk_id");
        struct dpp_key *key;
        struct dpp_seal seal;
        struct dpp_frame head;
        size_t plain_n = vector_octets(v, "plaintext", expected, sizeof expected);
        size_t n = vector_octets(v, "whole", whole, sizeof whole);
        size_t dppk_n = vector_octets(v, "dppk", dppk, sizeof dppk);
        assert_int_equal(dpp_key_new(&key, id, dppk, dppk_n, 0, 0), 0);
        assert_int_equal(
            dpp_seal_init(&seal, key, id, id >> 28 ? DPP_USE_SIGNALLING : DPP_USE_GROUP, 1), 0);
        assert_int_equal(dpp_seal_open(&seal, whole, n, plain, sizeof plain, &head), plain_n);
        assert_memory_equal(plain, expected, plain_n);
        assert_int_equal(dpp_seal_close(&seal, &head, plain, plain_n, out, sizeof out), n);
        assert_memory_equal(out, whole, n);
        dpp_seal_done(&seal);
        dpp_key_free(key);
        tried++;
    }
    assert_true(tried >= 2);
    cJSON_Delete(file);
}

/* Every bit of every octet: nothing but the IEI, which is outside the AAD, may differ. */
static void test_tamper(void **state)
{
    struct dpp_seal seal;
    uint8_t frame[128], plain[128], wiped[128] = {0};
    size_t n = vector_hex(one_128, frame, sizeof frame);

    (void)state;
    make_seal(&seal, 0x12345678, DPP_USE_ONE, 1);
    for (size_t i = 0; i < n; i++) {
        for (int bit = 0; bit < 8; bit++) {
            frame[i] ^= (uint8_t)(1 << bit);
            memset(plain, 0, sizeof plain);
            ssize_t rc = dpp_seal_open(&seal, frame, n, plain, sizeof plain, NULL);
            if (i == 0 && bit == 6)
                assert_int_equal(rc, DPP_E_FRAME_TYPE);
            else if (i == 11) /* one bit off 1 is never 2 */
                assert_int_equal(rc, DPP_E_FRAME_ALGORITHM);
            else if (i == 32)
                assert_int_equal(rc, PLAIN_N);
            else if (i == 33 || i == 34)
                assert_int_equal(rc, DPP_E_FRAME_LENGTH);
            else
                assert_int_equal(rc, DPP_E_SEALED);
            if (rc < 0)
                assert_memory_equal(plain, wiped, sizeof plain); /* nothing of it is left */
            frame[i] ^= (uint8_t)(1 << bit);
        }
    }
    /* the algorithm stands in the AAD too: 2 instead of 1 is not tried with the other key */
    frame[11] = 2;
    assert_int_equal(dpp_seal_open(&seal, frame, n, plain, sizeof plain, NULL), DPP_E_SEALED);
    frame[11] = 1;
    assert_int_equal(dpp_seal_open(&seal, frame, n, plain, sizeof plain, NULL), PLAIN_N);
    dpp_seal_done(&seal);
}

/* reliability T28: the tag has 16 octets, whatever length the message claims */
static void test_tag_length(void **state)
{
    struct dpp_seal seal;
    struct dpp_frame head = make_head();
    uint8_t frame[128], plain[128];

    (void)state;
    make_seal(&seal, 0x12345678, DPP_USE_ONE, 1);
    for (size_t plain_n = 0; plain_n <= 17; plain_n++) {
        for (size_t tag_n = 0; tag_n <= 17; tag_n++) {
            ssize_t n =
                dpp_seal_close(&seal, &head, (const uint8_t *)PLAIN, plain_n, frame, sizeof frame);
            assert_int_equal(n, 35 + plain_n + 16);
            frame[n] = 0x5a;
            size_t sealed_n = plain_n + tag_n;
            frame[33] = 0;
            frame[34] = (uint8_t)sealed_n;
            ssize_t rc = dpp_seal_open(&seal, frame, 35 + sealed_n, plain, sizeof plain, NULL);
            if (tag_n == 16)
                assert_int_equal(rc, plain_n);
            else
                assert_int_equal(rc, sealed_n < 16 ? DPP_E_FRAME_LENGTH : DPP_E_SEALED);
        }
    }
    /* and every cut of a good frame, with the length it had or one that fits */
    size_t n = vector_hex(one_128, frame, sizeof frame);
    for (size_t cut = 0; cut < n; cut++) {
        ssize_t rc = dpp_seal_open(&seal, frame, cut, plain, sizeof plain, NULL);
        assert_int_equal(rc, cut < 35 ? DPP_E_FRAME_SHORT : DPP_E_FRAME_LENGTH);
    }
    dpp_seal_done(&seal);
}

static void test_wrong_key(void **state)
{
    struct dpp_seal seal;
    struct dpp_key *key = make_key(0x12345678);
    uint8_t frame[128], plain[128], other[16] = {1};
    size_t n = vector_hex(one_128, frame, sizeof frame);

    (void)state;
    /* a role that may not; a key ID with another tag than the key's */
    assert_int_equal(dpp_seal_init(&seal, key, 0x12345678, DPP_USE_GROUP, 1), DPP_E_ROLE);
    assert_int_equal(dpp_seal_init(&seal, key, 0x12345678, DPP_USE_SIGNALLING, 1), DPP_E_ROLE);
    assert_int_equal(dpp_seal_init(&seal, key, 0x02345678, DPP_USE_ONE, 1), DPP_E_ROLE);
    for (int alg = 0; alg < 256; alg++)
        if (alg != 1 && alg != 2)
            assert_int_equal(dpp_seal_init(&seal, key, 0x12345678, DPP_USE_ONE, alg),
                             DPP_E_FRAME_ALGORITHM);
    assert_null(seal.ctx);
    dpp_seal_done(&seal);
    dpp_key_free(key);

    make_seal(&seal, 0x12345679, DPP_USE_ONE, 1); /* another ID */
    assert_int_equal(dpp_seal_open(&seal, frame, n, plain, sizeof plain, NULL), DPP_E_SEALED);
    dpp_seal_done(&seal);
    make_seal(&seal, 0x12345678, DPP_USE_ONE, 2); /* another algorithm */
    assert_int_equal(dpp_seal_open(&seal, frame, n, plain, sizeof plain, NULL), DPP_E_SEALED);
    dpp_seal_done(&seal);
    assert_int_equal(dpp_key_new(&key, 0x12345678, other, 16, 0, 0), 0); /* another key */
    assert_int_equal(dpp_seal_init(&seal, key, 0x12345678, DPP_USE_ONE, 1), 0);
    assert_int_equal(dpp_seal_open(&seal, frame, n, plain, sizeof plain, NULL), DPP_E_SEALED);
    dpp_seal_done(&seal);
    dpp_key_free(key);
}

/* A GUK-ID on the wire gives another DPCK than the GMK-ID: the KDF takes what stands on the wire.
 */
static void test_guk_id(void **state)
{
    struct dpp_seal by_gmk, by_guk;
    struct dpp_key *gmk = make_key(0x00000abc);
    struct dpp_frame head = make_head();
    uint8_t a[128], b[128];

    (void)state;
    assert_int_equal(dpp_seal_init(&by_gmk, gmk, 0x00000abc, DPP_USE_GROUP, 1), 0);
    assert_int_equal(dpp_seal_init(&by_guk, gmk, 0x0dddddd0, DPP_USE_GROUP, 1), 0);
    assert_int_equal(dpp_seal_close(&by_gmk, &head, (const uint8_t *)PLAIN, 16, a, 128), 67);
    assert_int_equal(dpp_seal_close(&by_guk, &head, (const uint8_t *)PLAIN, 16, b, 128), 67);
    assert_memory_not_equal(a + 35, b + 35, 16);
    dpp_seal_done(&by_gmk);
    dpp_seal_done(&by_guk);
    dpp_key_free(gmk);
}

static void test_sizes_and_in_place(void **state)
{
    static uint8_t plain[DPP_FRAME_PLAIN_MAX + 1], frame[DPP_FRAME_MAX], copy[DPP_FRAME_MAX];
    static const size_t sizes[] = {0, 1, 15, 16, 17, 4096, DPP_FRAME_PLAIN_MAX};
    struct dpp_seal seal;
    struct dpp_frame head = make_head();

    (void)state;
    for (size_t i = 0; i < sizeof plain; i++)
        plain[i] = (uint8_t)(i * 31);
    make_seal(&seal, 0x12345678, DPP_USE_ONE, 2);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        size_t n = sizes[i], frame_n = n + 51;
        assert_int_equal(dpp_seal_close(&seal, &head, plain, n, frame, frame_n - 1), DPP_E_SPACE);
        assert_int_equal(dpp_seal_close(&seal, &head, plain, n, frame, frame_n), frame_n);
        memcpy(copy + 35, plain, n);
        assert_int_equal(dpp_seal_close(&seal, &head, copy + 35, n, copy, frame_n), frame_n);
        assert_memory_equal(copy, frame, frame_n);
        if (n > 0)
            assert_int_equal(dpp_seal_open(&seal, copy, frame_n, copy + 35, n - 1, NULL),
                             DPP_E_SPACE);
        assert_int_equal(dpp_seal_open(&seal, copy, frame_n, copy + 35, n, NULL), n);
        assert_memory_equal(copy + 35, plain, n);
    }
    assert_int_equal(dpp_seal_close(&seal, &head, plain, sizeof plain, frame, sizeof frame),
                     DPP_E_LONG);
    dpp_seal_done(&seal);
}

static void test_spent(void **state)
{
    struct dpp_seal seal;
    struct dpp_frame head = make_head();
    uint8_t frame[128];

    (void)state;
    make_seal(&seal, 0x12345678, DPP_USE_ONE, 1);
    seal.closed = ((uint64_t)1 << 32) - 1;
    assert_int_equal(dpp_seal_close(&seal, &head, (const uint8_t *)PLAIN, 1, frame, 128), 52);
    assert_int_equal(dpp_seal_close(&seal, &head, (const uint8_t *)PLAIN, 1, frame, 128),
                     DPP_E_KEY_SPENT);
    dpp_seal_done(&seal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers),
        cmocka_unit_test(test_interop),
        cmocka_unit_test(test_tamper),
        cmocka_unit_test(test_tag_length),
        cmocka_unit_test(test_wrong_key),
        cmocka_unit_test(test_guk_id),
        cmocka_unit_test(test_sizes_and_in_place),
        cmocka_unit_test(test_spent),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
