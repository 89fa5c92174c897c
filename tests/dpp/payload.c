#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "dpp/seal/payload.h"

static const uint8_t iv[DPP_FRAME_IV] = {1, 2, 3};
static uint8_t room[DPP_FRAME_MAX], sealed[DPP_FRAME_MAX + 64];

static int set_up(void **state)
{
    (void)state;
    return dpp_keys_init(0) == DPP_E_SECURE_HEAP;
}

static void make_seal(struct dpp_seal *seal, uint32_t id, enum dpp_use use)
{
    struct dpp_key *key;

    assert_int_equal(dpp_key_new(&key, id, (const uint8_t *)"sixteen octets !", 16, 0, 0), 0);
    assert_int_equal(dpp_seal_init(seal, key, id, use, 2), 0);
    dpp_key_free(key);
}

/* profile section 8, dpp.framing; 65519 octets of plaintext at most */
static void test_one(void **state)
{
    static uint8_t msg[DPP_FRAME_PLAIN_MAX + 2] = {0x03, 0x01, 0x78};
    static const size_t sizes[] = {1, 2, 30, 65518, 65519};
    struct dpp_seal seal;

    (void)state;
    make_seal(&seal, 0x10000001, DPP_USE_ONE);
    for (int framing = DPP_FRAMING_STRIPPED; framing <= DPP_FRAMING_WHOLE; framing++) {
        size_t skip = framing == DPP_FRAMING_STRIPPED;
        for (size_t i = 0; i < 5; i++) {
            size_t n = sizes[i] + skip;
            ssize_t sealed_n = dpp_payload_seal_one(&seal, framing, msg, n, 0x65f0c2a0, 77, iv,
                                                    sealed, sizeof sealed);
            assert_int_equal(sealed_n, n - skip + 51);
            struct dpp_payload payload;
            const uint8_t *frame;
            size_t frame_n;
            assert_int_equal(dpp_payload_init(&payload, sealed, (size_t)sealed_n, DPP_ROLE_PCK), 0);
            assert_false(payload.many);
            assert_int_equal(payload.count, 1);
            assert_int_equal(payload.dppk_id, 0x10000001);
            assert_int_equal(payload.alg, 2);
            assert_int_equal(payload.time_s, 0x65f0c2a0);
            assert_int_equal(payload.payload_id, 77);
            assert_true(dpp_payload_next(&payload, &frame, &frame_n));
            assert_int_equal(dpp_payload_open_one(&seal, framing, frame, frame_n, room, n), n);
            assert_memory_equal(room, msg, n);
            assert_false(dpp_payload_next(&payload, &frame, &frame_n));
            /* what is inside */
            assert_int_equal(dpp_seal_open(&seal, sealed, (size_t)sealed_n, room, n, NULL),
                             n - skip);
            assert_memory_equal(room, msg + skip, n - skip);
        }
        assert_int_equal(dpp_payload_seal_one(&seal, framing, msg, 65520 + skip, 0, 0, iv, sealed,
                                              sizeof sealed),
                         DPP_E_LONG);
    }
    assert_int_equal(dpp_payload_seal_one(&seal, 0, msg, 0, 0, 0, iv, sealed, 128),
                     DPP_E_MESSAGE_TYPE);
    assert_int_equal(dpp_payload_seal_one(&seal, 0, msg + 1, 9, 0, 0, iv, sealed, 128),
                     DPP_E_MESSAGE_TYPE);
    dpp_seal_done(&seal);
}

static void test_parts_count(void **state)
{
    (void)state;
    assert_int_equal(dpp_payload_parts(0), 1);
    assert_int_equal(dpp_payload_parts(1), 1);
    assert_int_equal(dpp_payload_parts(65483), 1);
    assert_int_equal(dpp_payload_parts(65484), 2);
    assert_int_equal(dpp_payload_parts(16698165), 255);
    assert_int_equal(dpp_payload_parts(16698166), DPP_E_LONG);
    assert_int_equal(dpp_payload_parts(SIZE_MAX), DPP_E_LONG);
}

/* Seals data in the many-frame form; returns the octets of part 4. */
static size_t seal_parts(struct dpp_seal *seal, const uint8_t *data, size_t n, uint8_t *out,
                         size_t cap)
{
    int parts = dpp_payload_parts(n);
    size_t at = 2;

    assert_true(parts > 0);
    dpp_payload_head((uint8_t)parts, out);
    for (int i = 0; i < parts; i++) {
        size_t from = (size_t)i * DPP_PAYLOAD_PART_MAX;
        size_t take = n - from < DPP_PAYLOAD_PART_MAX ? n - from : DPP_PAYLOAD_PART_MAX;
        uint8_t fresh[DPP_FRAME_IV] = {(uint8_t)i, 0xee};
        ssize_t put = dpp_payload_seal_part(seal, 2, data + from, take, 1000, 0xcafe, (uint8_t)i,
                                            fresh, out + at, cap - at);
        assert_int_equal(put, take + DPP_PAYLOAD_PART_OVERHEAD);
        at += (size_t)put;
    }
    return at;
}

static void test_many(void **state)
{
    size_t n = 3 * DPP_PAYLOAD_PART_MAX + 100, cap = n + 1024, at = 0;
    uint8_t *data = malloc(n), *part4 = malloc(cap), *back = malloc(cap);
    struct dpp_seal seal;
    struct dpp_payload payload;
    const uint8_t *frame;
    size_t frame_n;

    (void)state;
    for (size_t i = 0; i < n; i++)
        data[i] = (uint8_t)(i ^ (i >> 8));
    make_seal(&seal, 0x00000abc, DPP_USE_GROUP);
    size_t part4_n = seal_parts(&seal, data, n, part4, cap);
    assert_int_equal(part4_n, 2 + n + 4 * DPP_PAYLOAD_PART_OVERHEAD);
    assert_int_equal(dpp_payload_init(&payload, part4, part4_n, DPP_ROLE_GMK), 0);
    assert_true(payload.many);
    assert_int_equal(payload.count, 4);
    assert_int_equal(payload.dppk_id, 0xabc);
    assert_int_equal(payload.payload_id, 0xcafe);
    while (dpp_payload_next(&payload, &frame, &frame_n)) {
        ssize_t got = dpp_payload_open_part(&seal, frame, frame_n, room, sizeof room);
        assert_true(got > 1);
        assert_int_equal(room[0], 2); /* content type BINARY */
        memcpy(back + at, room + 1, (size_t)got - 1);
        at += (size_t)got - 1;
    }
    assert_int_equal(at, n);
    assert_memory_equal(back, data, n);
    /* the wrong tag for this kind of traffic, and octets that follow or lack */
    assert_int_equal(dpp_payload_init(&payload, part4, part4_n, DPP_ROLE_PCK), DPP_E_FRAME_TAG);
    assert_int_equal(dpp_payload_init(&payload, part4, part4_n - 1, DPP_ROLE_GMK),
                     DPP_E_FRAME_SHORT);
    part4[1] = 3;
    assert_int_equal(dpp_payload_init(&payload, part4, part4_n, DPP_ROLE_GMK), DPP_E_FRAME_LENGTH);
    dpp_seal_done(&seal);
    free(data);
    free(part4);
    free(back);
}

static void test_part_edges(void **state)
{
    static uint8_t data[DPP_PAYLOAD_PART_MAX + 1];
    struct dpp_seal seal;
    struct dpp_payload payload;

    (void)state;
    make_seal(&seal, 0x10000001, DPP_USE_ONE);
    assert_int_equal(
        dpp_payload_seal_part(&seal, 1, data, sizeof data, 0, 0, 0, iv, sealed, sizeof sealed),
        DPP_E_LONG);
    assert_int_equal(dpp_payload_seal_part(&seal, 1, data, 10, 0, 0, 0, iv, sealed, 64),
                     DPP_E_SPACE);
    /* the largest part is an IE of 65535 octets */
    ssize_t n = dpp_payload_seal_part(&seal, 1, data, DPP_PAYLOAD_PART_MAX, 0, 0, 0, iv, sealed,
                                      sizeof sealed);
    assert_int_equal(n, 3 + 65535);
    assert_int_equal(sealed[0], 0x7a);
    assert_int_equal(sealed[1] << 8 | sealed[2], 65535);
    /* in place gives the same octets */
    uint8_t a[128], b[128];
    memset(data, 0x33, 40);
    memcpy(b + 39, data, 40);
    assert_int_equal(dpp_payload_seal_part(&seal, 1, data, 40, 5, 6, 7, iv, a, sizeof a), 95);
    assert_int_equal(dpp_payload_seal_part(&seal, 1, b + 39, 40, 5, 6, 7, iv, b, sizeof b), 95);
    assert_memory_equal(a, b, 95);
    /* no data is fine, no content type is not */
    n = dpp_payload_seal_part(&seal, 1, NULL, 0, 0, 0, 0, iv, sealed, sizeof sealed);
    assert_int_equal(dpp_payload_open_part(&seal, sealed + 3, (size_t)n - 3, room, 1), 1);
    struct dpp_frame head = {.type = 0x43};
    assert_int_equal(dpp_seal_close(&seal, &head, NULL, 0, sealed, sizeof sealed), 51);
    assert_int_equal(dpp_payload_open_part(&seal, sealed, 51, room, 1), DPP_E_FRAME_LENGTH);
    sealed[0] = 0x41;
    assert_int_equal(dpp_payload_open_part(&seal, sealed, 51, room, 1), DPP_E_FRAME_TYPE);
    assert_int_equal(dpp_payload_open_one(&seal, 0, sealed, 51, room, 60), DPP_E_FRAME_TYPE);
    /* whole framing with something else inside */
    assert_int_equal(dpp_seal_close(&seal, &head, data, 4, sealed, sizeof sealed), 55);
    assert_int_equal(dpp_payload_open_one(&seal, DPP_FRAMING_WHOLE, sealed, 55, room, 60),
                     DPP_E_SEALED);
    /* an authenticated payload: we could not verify it */
    head.type = 0xc3;
    assert_int_equal(dpp_seal_close(&seal, &head, data, 4, sealed, sizeof sealed), 55);
    memset(sealed + 55, 0x11, DPP_FRAME_SIGNATURE);
    assert_int_equal(dpp_payload_init(&payload, sealed, 55 + DPP_FRAME_SIGNATURE, 1),
                     DPP_E_FRAME_AUTH);
    assert_int_equal(dpp_payload_init(&payload, sealed, 55, 1), DPP_E_FRAME_SHORT);
    dpp_seal_done(&seal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one),
        cmocka_unit_test(test_parts_count),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_part_edges),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
