#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "dpp/seal/signalling.h"

static const uint8_t iv[DPP_FRAME_IV] = {9, 8, 7};

static int set_up(void **state)
{
    (void)state;
    return dpp_keys_init(0) == DPP_E_SECURE_HEAP;
}

static void make_seal(struct dpp_seal *seal)
{
    struct dpp_key *key;

    assert_int_equal(dpp_key_new(&key, 0x2abcdef1, (const uint8_t *)"sixteen octets !", 16, 0, 0),
                     0);
    assert_int_equal(dpp_seal_init(seal, key, 0x2abcdef1, DPP_USE_SIGNALLING, 1), 0);
    dpp_key_free(key);
}

/* A message of the type with every octet told apart; the date is 0x0a0b0c0d0e. */
static size_t make_message(uint8_t type, uint8_t *msg)
{
    size_t n = 38, at = 1;

    msg[0] = type;
    if (type >= 5) {
        msg[at++] = 0x77; /* disposition */
        n = 39;
    }
    for (uint8_t i = 0; i < 5; i++)
        msg[at++] = (uint8_t)(0x0a + i);
    while (at < n) {
        msg[at] = (uint8_t)(0x80 + at);
        at++;
    }
    return n;
}

static const uint8_t types[] = {0x01, 0x02, 0x05, 0x06};

static void test_round_trip(void **state)
{
    struct dpp_seal seal;

    (void)state;
    make_seal(&seal);
    for (size_t t = 0; t < sizeof types; t++) {
        for (int framing = DPP_FRAMING_STRIPPED; framing <= DPP_FRAMING_WHOLE; framing++) {
            uint8_t msg[64], sealed[128], out[128];
            size_t n = make_message(types[t], msg);
            ssize_t sealed_n =
                dpp_signalling_seal(&seal, framing, msg, n, iv, sealed, sizeof sealed);
            assert_int_equal(sealed_n, n + 51 - (framing == DPP_FRAMING_STRIPPED ? 6 : 0));
            assert_int_equal(sealed[0], types[t] | 0x40);
            assert_true(dpp_signalling_is_protected(sealed[0]));
            assert_memory_equal(sealed + 1, "\x0a\x0b\x0c\x0d\x0e\0\0\0\0\0\x01", 11);
            assert_memory_equal(sealed + 12, iv, sizeof iv);
            assert_int_equal(dpp_signalling_open(&seal, framing, sealed, (size_t)sealed_n, out,
                                                 (size_t)sealed_n),
                             n);
            assert_memory_equal(out, msg, n);
        }
    }
    dpp_seal_done(&seal);
}

/* profile section 8, dpp.framing: what the plaintext is, octet by octet */
static void test_framing_is_what_the_profile_says(void **state)
{
    struct dpp_seal seal;
    uint8_t msg[64], sealed[128], plain[128];

    (void)state;
    make_seal(&seal);
    for (size_t t = 0; t < sizeof types; t++) {
        size_t n = make_message(types[t], msg);
        ssize_t sealed_n =
            dpp_signalling_seal(&seal, DPP_FRAMING_STRIPPED, msg, n, iv, sealed, sizeof sealed);
        assert_true(sealed_n > 0);
        assert_int_equal(dpp_seal_open(&seal, sealed, (size_t)sealed_n, plain, 128, NULL), n - 6);
        if (types[t] < 5) {
            assert_memory_equal(plain, msg + 6, n - 6);
        } else { /* the disposition, which stands before the date, stays */
            assert_int_equal(plain[0], 0x77);
            assert_memory_equal(plain + 1, msg + 7, n - 7);
        }
        sealed_n = dpp_signalling_seal(&seal, DPP_FRAMING_WHOLE, msg, n, iv, sealed, sizeof sealed);
        assert_true(sealed_n > 0);
        assert_int_equal(dpp_seal_open(&seal, sealed, (size_t)sealed_n, plain, 128, NULL), n);
        assert_memory_equal(plain, msg, n);
    }
    dpp_seal_done(&seal);
}

static void test_tamper(void **state)
{
    struct dpp_seal seal;
    uint8_t msg[64], sealed[128], out[128];

    (void)state;
    make_seal(&seal);
    size_t n = make_message(0x05, msg);
    ssize_t sealed_n =
        dpp_signalling_seal(&seal, DPP_FRAMING_STRIPPED, msg, n, iv, sealed, sizeof sealed);
    for (size_t i = 0; i < (size_t)sealed_n; i++) {
        if (i == 32) /* the IEI is outside the AAD */
            continue;
        sealed[i] ^= 0x04;
        assert_true(dpp_signalling_open(&seal, DPP_FRAMING_STRIPPED, sealed, (size_t)sealed_n, out,
                                        sizeof out) < 0);
        sealed[i] ^= 0x04;
    }
    for (size_t cut = 0; cut < (size_t)sealed_n; cut++)
        assert_true(dpp_signalling_open(&seal, DPP_FRAMING_STRIPPED, sealed, cut, out, 128) < 0);
    /* read under the other assumption: WHOLE meets an inside whose type is not the header's */
    assert_int_equal(
        dpp_signalling_open(&seal, DPP_FRAMING_WHOLE, sealed, (size_t)sealed_n, out, sizeof out),
        DPP_E_SEALED);
    dpp_seal_done(&seal);
}

/* WHOLE: type and date inside must be those of the header */
static void test_whole_mismatch(void **state)
{
    struct dpp_seal seal;
    uint8_t msg[64], sealed[128], out[128];
    struct dpp_frame head = {.type = 0x41, .time_s = 0x0a0b0c0d0e};

    (void)state;
    make_seal(&seal);
    size_t n = make_message(0x01, msg);
    for (size_t i = 0; i < 6; i++) {
        msg[i] ^= 1;
        ssize_t sealed_n = dpp_seal_close(&seal, &head, msg, n, sealed, sizeof sealed);
        assert_int_equal(dpp_signalling_open(&seal, DPP_FRAMING_WHOLE, sealed, (size_t)sealed_n,
                                             out, sizeof out),
                         DPP_E_SEALED);
        msg[i] ^= 1;
    }
    for (size_t cut = 0; cut < 6; cut++) {
        ssize_t sealed_n = dpp_seal_close(&seal, &head, msg, cut, sealed, sizeof sealed);
        assert_int_equal(dpp_signalling_open(&seal, DPP_FRAMING_WHOLE, sealed, (size_t)sealed_n,
                                             out, sizeof out),
                         DPP_E_SEALED);
    }
    /* STRIPPED: a notification without even its disposition */
    head.type = 0x45;
    ssize_t sealed_n = dpp_seal_close(&seal, &head, msg, 0, sealed, sizeof sealed);
    assert_int_equal(
        dpp_signalling_open(&seal, DPP_FRAMING_STRIPPED, sealed, (size_t)sealed_n, out, 128),
        DPP_E_SEALED);
    dpp_seal_done(&seal);
}

static void test_bad_messages(void **state)
{
    struct dpp_seal seal;
    uint8_t msg[64], sealed[128];

    (void)state;
    make_seal(&seal);
    for (int type = 0; type < 256; type++) {
        size_t n = make_message((uint8_t)type, msg);
        bool known = type == 1 || type == 2 || type == 5 || type == 6;
        ssize_t rc = dpp_signalling_seal(&seal, 0, msg, n, iv, sealed, sizeof sealed);
        if (!known)
            assert_int_equal(rc, DPP_E_MESSAGE_TYPE);
        else
            assert_true(rc > 0);
        assert_int_equal(dpp_signalling_is_protected((uint8_t)type),
                         type == 0x41 || type == 0x42 || type == 0x45 || type == 0x46);
        if (type < 0x40) {
            memset(sealed, 0, sizeof sealed);
            sealed[0] = (uint8_t)type;
            assert_int_equal(dpp_signalling_open(&seal, 0, sealed, 60, msg, 64),
                             DPP_E_MESSAGE_TYPE);
        }
    }
    size_t n = make_message(0x05, msg);
    for (size_t cut = 0; cut < 7; cut++)
        assert_int_equal(dpp_signalling_seal(&seal, 0, msg, cut, iv, sealed, 128), DPP_E_TRUNCATED);
    assert_int_equal(dpp_signalling_seal(&seal, 0, msg, n, iv, sealed, n), DPP_E_SPACE);
    ssize_t sealed_n = dpp_signalling_seal(&seal, 0, msg, n, iv, sealed, 128);
    assert_int_equal(dpp_signalling_open(&seal, 0, sealed, (size_t)sealed_n, msg, 39), DPP_E_SPACE);
    dpp_seal_done(&seal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_framing_is_what_the_profile_says),
        cmocka_unit_test(test_tamper),
        cmocka_unit_test(test_whole_mismatch),
        cmocka_unit_test(test_bad_messages),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
