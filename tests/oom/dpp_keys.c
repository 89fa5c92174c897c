/* dpp_keys.c - store, key file, seal, KDF and replay window with every allocation refused in turn,
 * ours and OpenSSL's: the answer is an error or the right one, never a crash, a leak, a key in the
 * plain heap or a plaintext that stays behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dpp/keys/keyfile.h"
#include "dpp/seal/replay.h"
#include "dpp/seal/seal.h"
#include "tests/oom/crypto.h"

static const uint8_t kek[DPP_KEYFILE_KEK] = "a key over keys, 32 octets long";
static const uint8_t nonce[DPP_KEYFILE_NONCE] = "fresh nonce", iv[DPP_FRAME_IV] = {1};

static struct dpp_key *make_key(uint32_t id)
{
    struct dpp_key *key;

    assert_int_equal(dpp_key_new(&key, id, (const uint8_t *)"sixteen octets !", 16, 0, 0), 0);
    return key;
}

/* OpenSSL sets up its providers on first use and does not recover when that is refused, so the
 * first call runs free. Then: `call` with 0, 1, 2, ... allocations granted, then with only one
 * refused each time, until it gets through without a refusal: then it must have succeeded. */
static void sweep(int (*call)(void), size_t at_least)
{
    size_t refusals = 0;

    assert_int_equal(call(), 0);
    for (int once = 0; once < 2; once++) {
        for (long i = 0;; i++) {
            oom_begin(i, once);
            int rc = call();
            bool was_refused = oom_stop();
            if (!was_refused) {
                assert_int_equal(rc, 0);
                break;
            }
            assert_true(rc == 0 || rc == DPP_E_NOMEM || rc == DPP_E_CRYPTO || rc == DPP_E_SEALED ||
                        rc == DPP_E_KEYFILE_SUM || rc == DPP_E_KEYFILE_FORM);
            refusals += rc != 0;
        }
    }
    assert_true(refusals >= at_least);
}

static int store(void)
{
    struct dpp_store *s = dpp_store_new(4);

    if (!s)
        return DPP_E_NOMEM;
    struct dpp_key *key = make_key(0x10000001);
    int rc = dpp_store_add(s, key, "sip:a@b", "sip:c@d");
    assert_int_equal(rc, 0); /* adding takes no memory */
    assert_int_equal(dpp_store_remove(s, 0x10000001), 0);
    dpp_store_free(s);
    return 0;
}

static uint8_t sealed_file[256];
static size_t sealed_n;

static int keyfile(void)
{
    struct dpp_store *s = NULL;
    uint8_t again[256];
    int rc = dpp_keyfile_open(&s, 0, kek, sealed_file, sealed_n);

    if (rc != 0) {
        assert_null(s);
        return rc;
    }
    assert_int_equal(dpp_store_count(s), 2);
    ssize_t n = dpp_keyfile_seal(s, kek, nonce, again, sizeof again);
    dpp_store_free(s);
    if (n < 0)
        return (int)n;
    assert_int_equal(n, sealed_n);
    assert_memory_equal(again, sealed_file, sealed_n);
    return 0;
}

static struct dpp_key *pck;

static int frames(void)
{
    static const uint8_t letter[20] = "the letter";
    struct dpp_frame head = {.type = 0x43};
    struct dpp_seal seal;
    uint8_t frame[128], plain[128] = {0};
    int rc = dpp_seal_init(&seal, pck, 0x10000001, DPP_USE_ONE, 1);

    if (rc != 0) {
        assert_null(seal.ctx);
        return rc;
    }
    memcpy(head.iv, iv, sizeof iv);
    ssize_t n = dpp_seal_close(&seal, &head, letter, sizeof letter, frame, sizeof frame);
    if (n > 0)
        n = dpp_seal_open(&seal, frame, (size_t)n, plain, sizeof plain, NULL);
    dpp_seal_done(&seal);
    if (n < 0) {
        assert_int_equal(plain[0], 0);
        return (int)n;
    }
    assert_memory_equal(plain, letter, sizeof letter);
    return 0;
}

static int kdf(void)
{
    uint8_t out[32];
    uint32_t id;
    int rc = dpp_kdf_uid("sip:a@b", "kms", 1, 0, 2, out);

    return rc != 0 ? rc : dpp_kdf_guk_id(out, 16, 7, "sip:a@b", &id);
}

static int replay(void)
{
    struct dpp_frame f = {.time_s = 1000};
    struct dpp_replay *r = dpp_replay_new(8, 10, iv);
    int rc = 0;

    if (!r)
        return DPP_E_NOMEM;
    for (uint8_t i = 0; i < 20 && rc == 0; i++) {
        f.iv[0] = i;
        f.time_s = 1000 + 21u * i;
        rc = dpp_replay_add(r, (int64_t)f.time_s, &f);
        if (rc == 0) /* whatever was refused on the way, it is remembered */
            assert_int_not_equal(dpp_replay_add(r, (int64_t)f.time_s, &f), 0);
    }
    dpp_replay_free(r);
    return rc;
}

static void test_store(void **state)
{
    (void)state;
    sweep(store, 4);
}

static void test_keyfile(void **state)
{
    struct dpp_store *s = dpp_store_new(2);

    (void)state;
    assert_int_equal(dpp_store_add(s, make_key(0x10000001), "sip:a@b", "sip:c@d"), 0);
    assert_int_equal(dpp_store_add(s, make_key(0x20000001), "sip:a@b", ""), 0);
    sealed_n = (size_t)dpp_keyfile_seal(s, kek, nonce, sealed_file, sizeof sealed_file);
    dpp_store_free(s);
    sweep(keyfile, 8);
}

static void test_frames(void **state)
{
    (void)state;
    pck = make_key(0x10000001);
    sweep(frames, 4);
    dpp_key_free(pck);
}

static void test_kdf(void **state)
{
    (void)state;
    sweep(kdf, 4);
}

static void test_replay(void **state)
{
    (void)state;
    sweep(replay, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store), cmocka_unit_test(test_keyfile), cmocka_unit_test(test_frames),
        cmocka_unit_test(test_kdf),   cmocka_unit_test(test_replay),
    };
    if (!oom_crypto() || dpp_keys_init(0) == DPP_E_SECURE_HEAP)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
