#include "dpp/keys/key.h"

#include <openssl/crypto.h>
#include <string.h>

#define ARENA_OCTETS ((size_t)1 << 20)
#define BLOCK                                                                                      \
    DPP_KEYS_OCTETS /* smallest piece of the arena; as its size, OpenSSL wants a power of two */

/* The whole record lives in the secure heap: one block, one wipe. */
struct dpp_key {
    int64_t activation_s;
    int64_t expiry_s;
    uint32_t id;
    uint32_t n;
    uint8_t octets[DPP_KEY_OCTETS_MAX];
};
_Static_assert(sizeof(struct dpp_key) <= BLOCK, "one block per key");

void dpp_scrub_16(struct dpp_scrub_16 *s)
{
    OPENSSL_cleanse(s, sizeof *s);
}

void dpp_scrub_32(struct dpp_scrub_32 *s)
{
    OPENSSL_cleanse(s, sizeof *s);
}

void dpp_scrub_1024(struct dpp_scrub_1024 *s)
{
    OPENSSL_cleanse(s, sizeof *s);
}

int dpp_keys_init(size_t octets)
{
    /* OpenSSL tells about the lock only once, at the set-up of its one arena */
    static int told = DPP_E_SECURE_HEAP;
    size_t size = BLOCK * 16;

    if (CRYPTO_secure_malloc_initialized())
        return told;
    if (octets == 0)
        octets = ARENA_OCTETS;
    while (size < octets && size <= SIZE_MAX / 4)
        size *= 2;
    switch (CRYPTO_secure_malloc_init(size, BLOCK)) {
    case 1:
        told = 0;
        break;
    case 2:
        told = DPP_E_HEAP_UNLOCKED;
        break;
    default:
        told = DPP_E_SECURE_HEAP;
    }
    return told;
}

int dpp_key_new(struct dpp_key **key, uint32_t id, const uint8_t *octets, size_t n,
                int64_t activation_s, int64_t expiry_s)
{
    int role = dpp_role_of_id(id);

    *key = NULL;
    if (role < 0)
        return role;
    if ((n != 16 && n != 32) || activation_s < 0 || expiry_s < 0 ||
        (expiry_s != 0 && expiry_s < activation_s))
        return DPP_E_VALUE;
    /* without an arena OPENSSL_secure_zalloc would quietly take the plain heap */
    if (!CRYPTO_secure_malloc_initialized())
        return DPP_E_SECURE_HEAP;

    struct dpp_key *k = OPENSSL_secure_zalloc(sizeof *k);
    if (!k)
        return DPP_E_SECURE_HEAP;
    k->id = id;
    k->n = (uint32_t)n;
    k->activation_s = activation_s;
    k->expiry_s = expiry_s;
    memcpy(k->octets, octets, n);
    *key = k;
    return 0;
}

int dpp_key_copy(struct dpp_key **copy, const struct dpp_key *key)
{
    return dpp_key_new(copy, key->id, key->octets, key->n, key->activation_s, key->expiry_s);
}

void dpp_key_free(struct dpp_key *key)
{
    OPENSSL_secure_clear_free(key, sizeof *key);
}

uint32_t dpp_key_id(const struct dpp_key *key)
{
    return key->id;
}

enum dpp_role dpp_key_role(const struct dpp_key *key)
{
    return (enum dpp_role)(key->id >> 28);
}

int64_t dpp_key_activation_s(const struct dpp_key *key)
{
    return key->activation_s;
}

int64_t dpp_key_expiry_s(const struct dpp_key *key)
{
    return key->expiry_s;
}

const uint8_t *dpp_key_octets(const struct dpp_key *key, size_t *n)
{
    *n = key->n;
    return key->octets;
}

int dpp_key_check(const struct dpp_key *key, int64_t now_s)
{
    if (now_s < key->activation_s)
        return DPP_E_KEY_EARLY;
    if (key->expiry_s != 0 && now_s >= key->expiry_s)
        return DPP_E_KEY_EXPIRED;
    return 0;
}
