#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <string.h>

#include "dpp/keys/keyfile.h"
#include "tests/dpp/vector.h"

static const uint8_t kek[DPP_KEYFILE_KEK] = "a key over keys, 32 octets long";
static const uint8_t nonce[DPP_KEYFILE_NONCE] = "fresh nonce";

static int set_up(void **state)
{
    (void)state;
    return dpp_keys_init(0) == DPP_E_SECURE_HEAP;
}

static void add(struct dpp_store *store, uint32_t id, uint8_t fill, size_t n, const char *owner,
                const char *peer)
{
    struct dpp_key *key;
    uint8_t octets[32];

    memset(octets, fill, sizeof octets);
    assert_int_equal(dpp_key_new(&key, id, octets, n, 100, 4000000000), 0);
    assert_int_equal(dpp_store_add(store, key, owner, peer), 0);
}

static struct dpp_store *make_store(void)
{
    struct dpp_store *store = dpp_store_new(4);

    add(store, 0x10000001, 0x11, 16, "sip:alice@iops.example", "sip:bob@iops.example");
    add(store, 0x00000002, 0x22, 16, "sip:alice@iops.example", "sip:team@iops.example");
    add(store, 0x20000003, 0x33, 32, "sip:alice@iops.example", "");
    return store;
}

static void test_round_trip(void **state)
{
    struct dpp_store *store = make_store(), *back;
    uint8_t file[1024], again[1024];
    size_t n = dpp_keyfile_size(store), octets_n;

    (void)state;
    assert_int_equal(dpp_keyfile_seal(store, kek, nonce, file, n - 1), DPP_E_SPACE);
    assert_int_equal(dpp_keyfile_seal(store, kek, nonce, file, n), n);
    assert_int_equal(dpp_keyfile_count(file, n), 3);
    assert_memory_equal(file, "MCDATAKF\x01\x02\x00\x03", 12);
    assert_memory_equal(file + 12, nonce, sizeof nonce);
    assert_int_equal(dpp_keyfile_open(&back, 2, kek, file, n), 0);
    assert_int_equal(dpp_store_count(back), 3);
    const struct dpp_keyed *row = dpp_store_find(back, 0x10000001);
    assert_string_equal(row->owner, "sip:alice@iops.example");
    assert_string_equal(row->peer, "sip:bob@iops.example");
    assert_int_equal(dpp_key_activation_s(row->key), 100);
    assert_int_equal(dpp_key_expiry_s(row->key), 4000000000);
    assert_memory_equal(dpp_key_octets(row->key, &octets_n), "\x11\x11\x11\x11", 4);
    assert_int_equal(octets_n, 16);
    (void)dpp_key_octets(dpp_store_find(back, 0x20000003)->key, &octets_n);
    assert_int_equal(octets_n, 32);
    /* room for two more, as asked */
    add(back, 0x10000008, 8, 16, "a:a", "");
    add(back, 0x10000009, 9, 16, "a:a", "");
    dpp_store_free(back);
    /* nothing of it is plain: neither keys nor names */
    assert_null(memmem(file, n, "\x11\x11\x11\x11", 4));
    assert_null(memmem(file, n, "alice", 5));
    /* the same keys seal to the same octets, so a file can be rewritten unchanged */
    assert_int_equal(dpp_keyfile_open(&back, 0, kek, file, n), 0);
    assert_int_equal(dpp_keyfile_seal(back, kek, nonce, again, sizeof again), n);
    assert_memory_equal(again, file, n);
    dpp_store_free(back);
    dpp_store_free(store);
}

static void test_empty_and_largest(void **state)
{
    struct dpp_store *store = dpp_store_new(1), *back;
    uint8_t file[1024];
    char uri[DPP_URI_MAX + 1] = "";

    (void)state;
    assert_int_equal(dpp_keyfile_seal(store, kek, nonce, file, sizeof file), 40);
    assert_int_equal(dpp_keyfile_open(&back, 0, kek, file, 40), 0);
    assert_int_equal(dpp_store_count(back), 0);
    dpp_store_free(back);
    memset(uri, 'u', DPP_URI_MAX);
    add(store, 0x10000001, 1, 32, uri, uri);
    ssize_t n = dpp_keyfile_seal(store, kek, nonce, file, sizeof file);
    assert_int_equal(n, 40 + 23 + 32 + 255 + 255);
    assert_int_equal(dpp_keyfile_open(&back, 0, kek, file, (size_t)n), 0);
    assert_string_equal(dpp_store_at(back, 0)->peer, uri);
    dpp_store_free(back);
    dpp_store_free(store);
}

/* Every bit of every octet, every cut, one octet more, another KEK: refused, and no store. */
static void test_changed(void **state)
{
    struct dpp_store *store = make_store(), *back = NULL;
    uint8_t file[1024], other[DPP_KEYFILE_KEK];
    size_t n = (size_t)dpp_keyfile_seal(store, kek, nonce, file, sizeof file);

    (void)state;
    for (size_t i = 0; i < n; i++) {
        for (int bit = 0; bit < 8; bit++) {
            file[i] ^= (uint8_t)(1 << bit);
            int rc = dpp_keyfile_open(&back, 0, kek, file, n);
            if (i < 8)
                assert_int_equal(rc, DPP_E_KEYFILE_MAGIC);
            else if (i < 10)
                assert_int_equal(rc, DPP_E_KEYFILE_VERSION);
            else if (i < 12)
                assert_true(rc == DPP_E_KEYFILE_SIZE || rc == DPP_E_KEYFILE_SUM);
            else
                assert_int_equal(rc, DPP_E_KEYFILE_SUM);
            assert_null(back);
            file[i] ^= (uint8_t)(1 << bit);
        }
    }
    for (size_t cut = 0; cut < n; cut++) {
        int rc = dpp_keyfile_open(&back, 0, kek, file, cut);
        assert_true(rc == (cut < 8 ? DPP_E_KEYFILE_MAGIC : DPP_E_KEYFILE_SIZE) ||
                    (cut >= 40 && rc == DPP_E_KEYFILE_SUM));
    }
    file[n] = 0;
    assert_int_equal(dpp_keyfile_open(&back, 0, kek, file, n + 1), DPP_E_KEYFILE_SUM);
    memcpy(other, kek, sizeof other);
    other[31] ^= 1;
    assert_int_equal(dpp_keyfile_open(&back, 0, other, file, n), DPP_E_KEYFILE_SUM);
    assert_int_equal(dpp_keyfile_open(&back, 0, kek, file, n), 0);
    dpp_store_free(back);
    dpp_store_free(store);
}

/* Seals octets of our choice, as somebody with the KEK could. */
static size_t seal_raw(const uint8_t *plain, size_t plain_n, uint16_t count, uint8_t *file)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n;

    memcpy(file, "MCDATAKF\x01\x02", 10);
    file[10] = (uint8_t)(count >> 8);
    file[11] = (uint8_t)count;
    memcpy(file + 12, nonce, sizeof nonce);
    assert_int_equal(EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, kek, nonce), 1);
    assert_int_equal(EVP_EncryptUpdate(ctx, NULL, &n, file, 24), 1);
    assert_int_equal(EVP_EncryptUpdate(ctx, file + 24, &n, plain, (int)plain_n), 1);
    assert_int_equal(EVP_EncryptFinal_ex(ctx, file + 24 + plain_n, &n), 1);
    assert_int_equal(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, file + 24 + plain_n), 1);
    EVP_CIPHER_CTX_free(ctx);
    return 24 + plain_n + 16;
}

/* Authentic but wrong inside. */
static void test_form(void **state)
{
    static const uint8_t good[] = "\x10\0\0\x01"
                                  "\0\0\0\0\0\0\0\0"
                                  "\0\0\0\0\0\0\0\0"
                                  "\x10\x03\x03"
                                  "0123456789abcdef"
                                  "a:ab:b";
    enum { N = sizeof good - 1 };
    struct dpp_store *back;
    uint8_t plain[4 * N], file[4 * N + 64];

    (void)state;
    memcpy(plain, good, N);
    size_t n = seal_raw(plain, N, 1, file);
    assert_int_equal(dpp_keyfile_open(&back, 0, kek, file, n), 0);
    assert_string_equal(dpp_store_at(back, 0)->peer, "b:b");
    dpp_store_free(back);

    static const struct {
        size_t at;
        uint8_t value;
    } bad[] = {
        {0, 0x70},  /* a purpose tag that is not defined */
        {20, 15},   /* a key of 15 octets */
        {20, 33},   /* ... of 33 */
        {20, 255},  /* ... longer than the file */
        {21, 2},    /* an octet is left over */
        {22, 4},    /* an octet lacks */
        {N - 5, 0}, /* a NUL in the owner */
        {N - 1, 0}, /* ... in the peer */
        {4, 0x80},  /* activation before 1970 */
        {11, 1},    /* ... (twin: without expiry it is fine) */
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        memcpy(plain, good, N);
        plain[bad[i].at] = bad[i].value;
        n = seal_raw(plain, N, 1, file);
        int rc = dpp_keyfile_open(&back, 0, kek, file, n);
        if (bad[i].at == 11) {
            assert_int_equal(rc, 0);
            dpp_store_free(back);
        } else {
            assert_int_equal(rc, DPP_E_KEYFILE_FORM);
        }
    }
    memcpy(plain, good, N);
    memcpy(plain + N, good, N);
    n = seal_raw(plain, 2 * N, 2, file);
    assert_int_equal(dpp_keyfile_open(&back, 0, kek, file, n), DPP_E_KEYFILE_TWICE);
    n = seal_raw(plain, 2 * N, 1, file); /* an entry more than the header says */
    assert_int_equal(dpp_keyfile_open(&back, 0, kek, file, n), DPP_E_KEYFILE_FORM);
    n = seal_raw(plain, 2 * N - 1, 2, file); /* the last one cut short */
    assert_int_equal(dpp_keyfile_open(&back, 0, kek, file, n), DPP_E_KEYFILE_FORM);
    /* a number of entries that the octets cannot hold takes no memory */
    n = seal_raw(plain, N, 0xffff, file);
    assert_int_equal(dpp_keyfile_open(&back, 0, kek, file, n), DPP_E_KEYFILE_SIZE);
}

/* --- texts --- */

static void test_texts(void **state)
{
    const struct dpp_span in[3] = {
        {(const uint8_t *)"<a/>", 4}, {NULL, 0}, {(const uint8_t *)"second", 6}};
    struct dpp_span out[DPP_KEYFILE_TEXTS_MAX];
    uint8_t file[DPP_KEYFILE_TEXTS_SIZE(10)], other[sizeof file], plain[sizeof file];
    struct dpp_store *store;

    (void)state;
    ssize_t n = dpp_keyfile_seal_text(in, 3, kek, nonce, file, sizeof file);
    assert_int_equal(n, 24 + 3 * 4 + 10 + 16);
    assert_null(memmem(file, (size_t)n, "second", 6));
    assert_int_equal(dpp_keyfile_open_text(kek, file, (size_t)n, plain, out), 3);
    assert_int_equal(out[0].n, 4);
    assert_memory_equal(out[0].p, "<a/>", 4);
    assert_int_equal(out[1].n, 0);
    assert_int_equal(out[2].n, 6);
    assert_memory_equal(out[2].p, "second", 6);
    /* neither kind of file is taken for the other */
    assert_int_equal(dpp_keyfile_open(&store, 0, kek, file, (size_t)n), DPP_E_KEYFILE_MAGIC);
    /* every octet counts, and nothing stays behind */
    for (size_t i = 0; i < (size_t)n; i++) {
        memcpy(other, file, (size_t)n);
        other[i] ^= 1;
        memset(plain, 0xaa, sizeof plain);
        assert_true(dpp_keyfile_open_text(kek, other, (size_t)n, plain, out) < 0);
        assert_null(memmem(plain, sizeof plain, "second", 6));
        assert_true(dpp_keyfile_open_text(kek, file, i, plain, out) < 0);
    }
    assert_int_equal(dpp_keyfile_seal_text(in, 3, kek, nonce, file, (size_t)n - 1), DPP_E_SPACE);
    assert_int_equal(dpp_keyfile_seal_text(in, 0, kek, nonce, file, sizeof file), DPP_E_LONG);
    assert_int_equal(dpp_keyfile_seal_text(in, 17, kek, nonce, file, sizeof file), DPP_E_LONG);
}

/* The AES-256-GCM with a 96-bit IV that seals a key file is another vendor's too: the same calls on
 * his values. keyfile.c itself takes no AAD but its header. */
static void test_interop_gcm(void **state)
{
    uint8_t key[32], iv[12], pt[64], aad[64], ct[64], tag[16], out[64], got[16];
    cJSON *file = vector_interop();
    int n = 0;

    (void)state;
    if (!file)
        skip();
    const cJSON *v = cJSON_GetObjectItem(file, "gcm_96bit_iv");
    assert_int_equal(vector_octets(v, "key", key, 32), sizeof key);
    assert_int_equal(vector_octets(v, "iv", iv, 12), DPP_KEYFILE_NONCE);
    int pt_n = (int)vector_octets(v, "pt", pt, 64), aad_n = (int)vector_octets(v, "aad", aad, 64);
    assert_int_equal(vector_octets(v, "ct", ct, 64), pt_n);
    assert_int_equal(vector_octets(v, "tag", tag, 16), 16);

    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    assert_int_equal(EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, iv, 1), 1);
    assert_int_equal(EVP_CipherUpdate(ctx, NULL, &n, aad, aad_n), 1);
    assert_int_equal(EVP_CipherUpdate(ctx, out, &n, pt, pt_n), 1);
    assert_memory_equal(out, ct, (size_t)pt_n);
    assert_int_equal(EVP_CipherFinal_ex(ctx, out, &n), 1);
    assert_int_equal(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, got), 1);
    assert_memory_equal(got, tag, 16);
    EVP_CIPHER_CTX_free(ctx);
    cJSON_Delete(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_empty_and_largest),
        cmocka_unit_test(test_changed),    cmocka_unit_test(test_form),
        cmocka_unit_test(test_texts),      cmocka_unit_test(test_interop_gcm),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
