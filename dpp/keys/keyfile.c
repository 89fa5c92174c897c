#include "dpp/keys/keyfile.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#define HEADER      24
#define TAG         16
#define VERSION     1
#define AES_256_GCM 2
#define FIXED       23 /* key ID 4, activation 8, expiry 8, three lengths */
#define ENTRY_MAX   (FIXED + DPP_KEY_OCTETS_MAX + 2 * DPP_URI_MAX)
_Static_assert(ENTRY_MAX <= 1024, "an entry fits the scrubbed buffer");

static const uint8_t magic[8] = {'M', 'C', 'D', 'A', 'T', 'A', 'K', 'F'};
static const uint8_t text_magic[8] = {'M', 'C', 'D', 'A', 'T', 'A', 'K', 'S'};

static void put(uint8_t *p, uint64_t v, int n)
{
    for (int i = 0; i < n; i++)
        p[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
}

static uint64_t get(const uint8_t *p, int n)
{
    uint64_t v = 0;

    for (int i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

static size_t entry_size(const struct dpp_keyed *row)
{
    size_t key_n;

    (void)dpp_key_octets(row->key, &key_n);
    return FIXED + key_n + strlen(row->owner) + strlen(row->peer);
}

size_t dpp_keyfile_size(const struct dpp_store *store)
{
    size_t n = HEADER + TAG;

    for (size_t i = 0; i < dpp_store_count(store); i++)
        n += entry_size(dpp_store_at(store, i));
    return n;
}

static size_t print_entry(const struct dpp_keyed *row, uint8_t *p)
{
    size_t key_n, owner_n = strlen(row->owner), peer_n = strlen(row->peer);
    const uint8_t *octets = dpp_key_octets(row->key, &key_n);

    put(p, dpp_key_id(row->key), 4);
    put(p + 4, (uint64_t)dpp_key_activation_s(row->key), 8);
    put(p + 12, (uint64_t)dpp_key_expiry_s(row->key), 8);
    p[20] = (uint8_t)key_n;
    p[21] = (uint8_t)owner_n;
    p[22] = (uint8_t)peer_n;
    memcpy(p + FIXED, octets, key_n);
    memcpy(p + FIXED + key_n, row->owner, owner_n);
    memcpy(p + FIXED + key_n + owner_n, row->peer, peer_n);
    return FIXED + key_n + owner_n + peer_n;
}

/* A context at the first octet behind the AAD, or NULL. */
static EVP_CIPHER_CTX *begin(const uint8_t *kek, const uint8_t *header, int encrypt)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n;

    if (ctx && EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, kek, header + 12, encrypt) == 1 &&
        EVP_CipherUpdate(ctx, NULL, &n, header, HEADER) == 1)
        return ctx;
    EVP_CIPHER_CTX_free(ctx);
    return NULL;
}

static void put_header(uint8_t *out, const uint8_t *what, size_t count, const uint8_t *nonce)
{
    memcpy(out, what, sizeof magic);
    out[8] = VERSION;
    out[9] = AES_256_GCM;
    put(out + 10, count, 2);
    memcpy(out + 12, nonce, DPP_KEYFILE_NONCE);
}

/* The number that a header tells. */
static ssize_t get_header(const uint8_t *p, size_t n, const uint8_t *what)
{
    if (n < sizeof magic || memcmp(p, what, sizeof magic) != 0)
        return DPP_E_KEYFILE_MAGIC;
    if (n < HEADER + TAG)
        return DPP_E_KEYFILE_SIZE;
    if (p[8] != VERSION || p[9] != AES_256_GCM)
        return DPP_E_KEYFILE_VERSION;
    return (ssize_t)get(p + 10, 2);
}

static bool end_seal(EVP_CIPHER_CTX *ctx, uint8_t *tag)
{
    uint8_t none[16];
    int done;

    return EVP_CipherFinal_ex(ctx, none, &done) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG, tag) == 1;
}

ssize_t dpp_keyfile_seal(const struct dpp_store *store, const uint8_t kek[DPP_KEYFILE_KEK],
                         const uint8_t nonce[DPP_KEYFILE_NONCE], uint8_t *out, size_t cap)
{
    DPP_SCRUB(entry, 1024);
    size_t at = HEADER;
    int done = 0;

    if (cap < dpp_keyfile_size(store))
        return DPP_E_SPACE;
    put_header(out, magic, dpp_store_count(store), nonce);
    EVP_CIPHER_CTX *ctx = begin(kek, out, 1);
    bool good = ctx != NULL;
    for (size_t i = 0; good && i < dpp_store_count(store); i++) {
        size_t n = print_entry(dpp_store_at(store, i), entry.p);
        good = EVP_CipherUpdate(ctx, out + at, &done, entry.p, (int)n) == 1;
        at += n;
    }
    good = good && end_seal(ctx, out + at);
    EVP_CIPHER_CTX_free(ctx);
    return good ? (ssize_t)(at + TAG) : DPP_E_CRYPTO;
}

ssize_t dpp_keyfile_count(const uint8_t *p, size_t n)
{
    ssize_t told = get_header(p, n, magic);

    if (told < 0)
        return told;
    size_t count = (size_t)told, body = n - HEADER - TAG;
    if (body < count * (FIXED + 16) || body > count * ENTRY_MAX)
        return DPP_E_KEYFILE_SIZE;
    return (ssize_t)count;
}

/* Runs the whole ciphertext through a scrubbed buffer, for the tag's sake only. */
static int verify(const uint8_t *kek, const uint8_t *p, size_t n)
{
    DPP_SCRUB(buf, 1024);
    uint8_t tag[TAG];
    size_t at = HEADER, end = n - TAG;
    int done = 0;
    EVP_CIPHER_CTX *ctx = begin(kek, p, 0);

    if (!ctx)
        return DPP_E_CRYPTO;
    memcpy(tag, p + end, TAG);
    bool good = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG, tag) == 1;
    while (good && at < end) {
        size_t take = end - at < sizeof buf.p ? end - at : sizeof buf.p;
        good = EVP_CipherUpdate(ctx, buf.p, &done, p + at, (int)take) == 1;
        at += take;
    }
    good = good && EVP_CipherFinal_ex(ctx, buf.p, &done) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return good ? 0 : DPP_E_KEYFILE_SUM;
}

/* The entry whose fixed part stands at p and whose rest follows it. */
static int add_entry(struct dpp_store *store, const uint8_t *p)
{
    char owner[DPP_URI_MAX + 1] = "", peer[DPP_URI_MAX + 1] = "";
    size_t key_n = p[20], owner_n = p[21], peer_n = p[22];
    const uint8_t *octets = p + FIXED;
    struct dpp_key *key;

    memcpy(owner, octets + key_n, owner_n);
    memcpy(peer, octets + key_n + owner_n, peer_n);
    if (strlen(owner) != owner_n || strlen(peer) != peer_n)
        return DPP_E_KEYFILE_FORM;
    int rc = dpp_key_new(&key, (uint32_t)get(p, 4), octets, key_n, (int64_t)get(p + 4, 8),
                         (int64_t)get(p + 12, 8));
    if (rc != 0)
        return rc == DPP_E_SECURE_HEAP ? rc : DPP_E_KEYFILE_FORM;
    rc = dpp_store_add(store, key, owner, peer);
    if (rc != 0)
        dpp_key_free(key);
    return rc == DPP_E_KEY_TWICE ? DPP_E_KEYFILE_TWICE : rc;
}

/* Decrypts again, entry by entry: GCM is a stream, and the tag is known to be good by now. */
static int read_entries(struct dpp_store *store, const uint8_t *kek, const uint8_t *p, size_t n,
                        size_t count)
{
    DPP_SCRUB(entry, 1024);
    size_t at = HEADER, end = n - TAG;
    int done, rc = 0;
    EVP_CIPHER_CTX *ctx = begin(kek, p, 0);

    if (!ctx)
        return DPP_E_CRYPTO;
    for (size_t i = 0; i < count && rc == 0; i++) {
        rc = DPP_E_KEYFILE_FORM;
        if (end - at < FIXED || EVP_CipherUpdate(ctx, entry.p, &done, p + at, FIXED) != 1)
            break;
        at += FIXED;
        size_t rest = (size_t)entry.p[20] + entry.p[21] + entry.p[22];
        if (entry.p[20] > DPP_KEY_OCTETS_MAX || end - at < rest ||
            EVP_CipherUpdate(ctx, entry.p + FIXED, &done, p + at, (int)rest) != 1)
            break;
        at += rest;
        rc = add_entry(store, entry.p);
    }
    EVP_CIPHER_CTX_free(ctx);
    return rc == 0 && at != end ? DPP_E_KEYFILE_FORM : rc;
}

int dpp_keyfile_open(struct dpp_store **store, size_t room, const uint8_t kek[DPP_KEYFILE_KEK],
                     const uint8_t *p, size_t n)
{
    ssize_t count = dpp_keyfile_count(p, n);

    *store = NULL;
    if (count < 0)
        return (int)count;
    int rc = verify(kek, p, n);
    if (rc != 0)
        return rc;
    size_t cap = (size_t)count + room;
    struct dpp_store *s = dpp_store_new(cap ? cap : 1);
    if (!s)
        return DPP_E_NOMEM;
    rc = read_entries(s, kek, p, n, (size_t)count);
    if (rc != 0) {
        dpp_store_free(s);
        return rc;
    }
    *store = s;
    return 0;
}

ssize_t dpp_keyfile_seal_text(const struct dpp_span *texts, size_t n,
                              const uint8_t kek[DPP_KEYFILE_KEK],
                              const uint8_t nonce[DPP_KEYFILE_NONCE], uint8_t *out, size_t cap)
{
    size_t sum = HEADER + TAG, at = HEADER;
    uint8_t length[4];
    int done = 0;

    if (n == 0 || n > DPP_KEYFILE_TEXTS_MAX)
        return DPP_E_LONG;
    for (size_t i = 0; i < n; i++) {
        if (texts[i].n > INT_MAX / DPP_KEYFILE_TEXTS_MAX)
            return DPP_E_LONG;
        sum += sizeof length + texts[i].n;
    }
    if (cap < sum)
        return DPP_E_SPACE;
    put_header(out, text_magic, n, nonce);
    EVP_CIPHER_CTX *ctx = begin(kek, out, 1);
    bool good = ctx != NULL;
    for (size_t i = 0; good && i < n; i++) {
        put(length, texts[i].n, sizeof length);
        good = EVP_CipherUpdate(ctx, out + at, &done, length, sizeof length) == 1 &&
               EVP_CipherUpdate(ctx, out + at + sizeof length, &done, texts[i].p,
                                (int)texts[i].n) == 1;
        at += sizeof length + texts[i].n;
    }
    good = good && end_seal(ctx, out + at);
    EVP_CIPHER_CTX_free(ctx);
    return good ? (ssize_t)sum : DPP_E_CRYPTO;
}

/* Cuts the plaintext into its texts, all of it. */
static int cut_texts(const uint8_t *plain, size_t n, struct dpp_span *texts, size_t count)
{
    size_t at = 0;

    for (size_t i = 0; i < count; i++) {
        if (n - at < 4 || n - at - 4 < get(plain + at, 4))
            return DPP_E_KEYFILE_FORM;
        texts[i] = (struct dpp_span){.p = plain + at + 4, .n = (size_t)get(plain + at, 4)};
        at += 4 + texts[i].n;
    }
    return at == n ? 0 : DPP_E_KEYFILE_FORM;
}

ssize_t dpp_keyfile_open_text(const uint8_t kek[DPP_KEYFILE_KEK], const uint8_t *p, size_t n,
                              uint8_t *plain, struct dpp_span texts[DPP_KEYFILE_TEXTS_MAX])
{
    ssize_t count = get_header(p, n, text_magic);
    uint8_t tag[TAG];
    int done = 0;

    if (count < 0)
        return count;
    if (count == 0 || count > DPP_KEYFILE_TEXTS_MAX || n > INT_MAX)
        return DPP_E_KEYFILE_SIZE;
    size_t body = n - HEADER - TAG;
    EVP_CIPHER_CTX *ctx = begin(kek, p, 0);
    if (!ctx)
        return DPP_E_CRYPTO;
    memcpy(tag, p + n - TAG, TAG);
    bool good = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG, tag) == 1 &&
                EVP_CipherUpdate(ctx, plain, &done, p + HEADER, (int)body) == 1 &&
                EVP_CipherFinal_ex(ctx, plain + body, &done) == 1;
    EVP_CIPHER_CTX_free(ctx);
    int rc = good ? cut_texts(plain, body, texts, (size_t)count) : DPP_E_KEYFILE_SUM;
    if (rc == 0)
        return count;
    OPENSSL_cleanse(plain, n);
    return rc;
}
