/* dpp_frame.c - generated payloads, whole and damaged: the streaming check agrees at every random
 * split with a reader that has the whole payload before it, and what is sealed opens to what it was
 * while no damaged frame opens.
 *
 * The seed is fixed; MC_SEED gives another, MC_ROUNDS another number of rounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dpp/seal/payload.h"

#define PART_MAX 300

static uint64_t seed;
static unsigned long rounds;

/* xorshift64* */
static uint32_t pick(uint32_t below)
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return (uint32_t)((seed * 0x2545f4914f6cdd1d) >> 32) % below;
}

static void fill(uint8_t *p, size_t n)
{
    while (n--)
        *p++ = (uint8_t)pick(256);
}

static struct dpp_seal seal;
static uint8_t data[64 * PART_MAX], part4[64 * (PART_MAX + 64) + 256];

/* A sound part 4 of up to `parts` frames; returns its octets and what was sealed into data. */
static size_t make(uint32_t parts, size_t *data_n)
{
    uint8_t iv[DPP_FRAME_IV];
    uint32_t id = pick(UINT32_MAX);
    size_t at = 2;

    if (parts == 0) {
        *data_n = 1 + pick(PART_MAX);
        fill(data, *data_n);
        data[0] = 0x03;
        fill(iv, sizeof iv);
        ssize_t n = dpp_payload_seal_one(&seal, DPP_FRAMING_STRIPPED, data, *data_n, pick(1 << 30),
                                         id, iv, part4, sizeof part4);
        assert_true(n > 0);
        return (size_t)n;
    }
    dpp_payload_head((uint8_t)parts, part4);
    *data_n = 0;
    for (uint32_t i = 0; i < parts; i++) {
        size_t take = pick(PART_MAX);
        fill(data + *data_n, take);
        fill(iv, sizeof iv);
        ssize_t n = dpp_payload_seal_part(&seal, 2, data + *data_n, take, pick(1 << 30), id,
                                          (uint8_t)i, iv, part4 + at, sizeof part4 - at);
        assert_true(n > 0);
        at += (size_t)n;
        *data_n += take;
    }
    return at;
}

static uint32_t be(const uint8_t *p, int n)
{
    uint32_t v = 0;

    while (n--)
        v = v << 8 | *p++;
    return v;
}

/* What is wrong with one 35-octet header, or 0. */
static int look(const uint8_t *h, uint32_t room, uint32_t seq, const uint8_t *first, uint8_t tag)
{
    if (!(h[0] & 0x40))
        return room ? DPP_E_FRAME_UNPROTECTED : DPP_E_FRAME_TYPE;
    if (h[11] != 1 && h[11] != 2)
        return DPP_E_FRAME_ALGORITHM;
    if (be(h + 33, 2) < 16)
        return DPP_E_FRAME_LENGTH;
    if (room && h[0] != 0x43)
        return DPP_E_FRAME_TYPE;
    if (room && be(h + 33, 2) != room)
        return DPP_E_FRAME_LENGTH;
    if (h[10] != seq)
        return DPP_E_FRAME_SEQUENCE;
    if (first && memcmp(h + 6, first + 6, 4) != 0)
        return DPP_E_FRAME_PAYLOAD_ID;
    if (h[28] >> 4 != tag)
        return DPP_E_FRAME_TAG;
    return first && memcmp(h + 28, first + 28, 4) != 0 ? DPP_E_FRAME_KEY : 0;
}

/* The reader that sees everything at once. */
static int naive(const uint8_t *p, size_t n, uint8_t tag, bool required, size_t *passed)
{
    const uint8_t *first = NULL;
    size_t at = 2;
    int rc;

    *passed = 0;
    if (n == 0)
        return DPP_E_FRAME_SHORT;
    size_t signature = p[0] & 0x80 ? DPP_FRAME_SIGNATURE : 0;
    if ((p[0] & 0x7f) == 0x43) {
        if (n < 35)
            return DPP_E_FRAME_SHORT;
        if ((rc = look(p, 0, 0, NULL, tag)) != 0)
            return rc;
        at = 35 + be(p + 33, 2);
    } else if ((p[0] & 0x7f) != 0x03) {
        return DPP_E_FRAME_TYPE;
    } else {
        if (n >= 2 && p[1] == 0)
            return DPP_E_FRAME_COUNT;
        for (uint32_t i = 0; n < 2 || i < p[1]; i++) {
            if (n < at + 3)
                return DPP_E_FRAME_SHORT;
            size_t ie_n = be(p + at + 1, 2);
            if (p[at] == 0x78 && required)
                return DPP_E_FRAME_UNPROTECTED;
            if (p[at] != 0x78 && p[at] != 0x7a)
                return DPP_E_FRAME_TYPE;
            if (ie_n < (p[at] == 0x78 ? 1 : 51))
                return DPP_E_FRAME_LENGTH;
            if (p[at] == 0x7a) {
                if (n < at + 3 + 35)
                    return DPP_E_FRAME_SHORT;
                if ((rc = look(p + at + 3, (uint32_t)ie_n - 35, i, first, tag)) != 0)
                    return rc;
                first = p + at + 3;
            }
            at += 3 + ie_n;
            *passed = at < n ? at : n;
            if (at > n)
                return DPP_E_FRAME_SHORT;
        }
    }
    at += signature;
    *passed = at < n ? at : n;
    return at == n ? 0 : at < n ? DPP_E_FRAME_LENGTH : DPP_E_FRAME_SHORT;
}

static void check_splits(const uint8_t *p, size_t n, uint8_t tag, bool required)
{
    struct dpp_frame_check c;
    size_t passed, at = 0;
    ssize_t got = 0;
    int expected = naive(p, n, tag, required, &passed);

    dpp_frame_check_init(&c, tag, required);
    uint32_t longest = 1 + pick(200);
    while (at < n && got >= 0) {
        size_t take = 1 + pick(longest);
        take = take < n - at ? take : n - at;
        got = dpp_frame_feed(&c, p + at, take);
        at += take;
        assert_true(got < 0 || dpp_frame_held(&c) == at - (size_t)got);
    }
    assert_int_equal(got < 0 ? got : dpp_frame_end(&c), expected);
    assert_int_equal(dpp_frame_passed(&c), passed);
}

/* One of the ways in which a stranger spoils a payload. */
static size_t damage(size_t n)
{
    switch (pick(6)) {
    case 0: /* cut */
        return pick((uint32_t)n + 1);
    case 1: /* longer */
        part4[n] = (uint8_t)pick(256);
        return n + 1;
    case 2: /* one octet near the front, where the structure is */
        part4[pick(n < 60 ? (uint32_t)n : 60)] = (uint8_t)pick(256);
        return n;
    case 3: /* authenticated, with or without room for a signature */
        part4[0] |= 0x80;
        memset(part4 + n, 7, 129);
        return n + (pick(2) ? 129 : pick(130));
    case 4: /* plain IEs */
        part4[2] = 0x78;
        return n;
    default: /* one octet anywhere */
        part4[pick((uint32_t)n)] ^= (uint8_t)(1 + pick(255));
        return n;
    }
}

static void test_check_agrees_with_the_naive_reader(void **state)
{
    (void)state;
    for (unsigned long i = 0; i < rounds; i++) {
        size_t data_n, n = make(pick(6), &data_n);
        check_splits(part4, n, pick(8) ? 1 : 0, pick(2));
        if (pick(4)) {
            n = damage(n);
            check_splits(part4, n, pick(8) ? 1 : 0, pick(2));
        }
    }
}

static void test_sealed_opens(void **state)
{
    static uint8_t plain[sizeof part4];
    struct dpp_payload walk;
    const uint8_t *frame;
    size_t frame_n, data_n;

    (void)state;
    for (unsigned long i = 0; i < rounds / 4; i++) {
        uint32_t parts = pick(5);
        size_t n = make(parts, &data_n), at = 0;
        assert_int_equal(dpp_payload_init(&walk, part4, n, DPP_ROLE_PCK), 0);
        while (dpp_payload_next(&walk, &frame, &frame_n)) {
            ssize_t got = parts ? dpp_payload_open_part(&seal, frame, frame_n, plain, sizeof plain)
                                : dpp_payload_open_one(&seal, DPP_FRAMING_STRIPPED, frame, frame_n,
                                                       plain, sizeof plain);
            size_t skip = parts ? 1 : 0;
            assert_true(got > 0);
            assert_memory_equal(plain + skip, data + at, (size_t)got - skip);
            at += (size_t)got - skip;
            /* one bit of it changed, but for the IEI */
            size_t bit = pick((uint32_t)frame_n * 8);
            uint8_t *octet = part4 + (frame - part4) + bit / 8;
            *octet ^= (uint8_t)(1 << bit % 8);
            got = dpp_seal_open(&seal, frame, frame_n, plain, sizeof plain, NULL);
            assert_true(bit / 8 == 32 ? got >= 0 : got < 0);
            *octet ^= (uint8_t)(1 << bit % 8);
        }
        assert_int_equal(at, data_n);
    }
}

static int set_up(void **state)
{
    struct dpp_key *key;

    (void)state;
    seed = getenv("MC_SEED") ? strtoull(getenv("MC_SEED"), NULL, 10) : 20240612;
    seed += !seed;
    rounds = getenv("MC_ROUNDS") ? strtoul(getenv("MC_ROUNDS"), NULL, 10) : 20000;
    if (dpp_keys_init(0) == DPP_E_SECURE_HEAP ||
        dpp_key_new(&key, 0x1c0ffee1, (const uint8_t *)"sixteen octets !", 16, 0, 0) != 0)
        return -1;
    int rc = dpp_seal_init(&seal, key, 0x1c0ffee1, DPP_USE_ONE, DPP_ALG_AES_128_GCM);
    dpp_key_free(key);
    return rc;
}

static int tear_down(void **state)
{
    (void)state;
    dpp_seal_done(&seal);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check_agrees_with_the_naive_reader),
        cmocka_unit_test(test_sealed_opens),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
