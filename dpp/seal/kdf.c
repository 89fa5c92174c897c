#include "dpp/seal/kdf.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "dpp/keys/key.h"

#define FC_USER_SALT 0x50
#define FC_DPCK      0x53
#define FC_UID       0x00 /* ts33180#F.2.1: a dummy, the hash has no key */

#define LOW_28 0x0fffffffu

static void put32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

/* ts33220#B.2: S = FC || P0 || L0 || P1 || L1 ... Returns its octets or DPP_E_LONG. */
static int input_string(uint8_t s[DPP_KDF_INPUT_MAX], uint8_t fc, const struct dpp_kdf_part *parts,
                        size_t parts_n)
{
    size_t at = 1;

    s[0] = fc;
    for (size_t i = 0; i < parts_n; i++) {
        size_t n = parts[i].n;
        if (n > DPP_KDF_INPUT_MAX || at + n + 2 > DPP_KDF_INPUT_MAX)
            return DPP_E_LONG;
        memcpy(s + at, parts[i].p, n);
        at += n;
        s[at++] = (uint8_t)(n >> 8);
        s[at++] = (uint8_t)n;
    }
    return (int)at;
}

int dpp_kdf(const uint8_t *key, size_t key_n, uint8_t fc, const struct dpp_kdf_part *parts,
            size_t parts_n, uint8_t out[DPP_KDF_OCTETS])
{
    uint8_t s[DPP_KDF_INPUT_MAX];
    unsigned out_n = 0;
    int n = input_string(s, fc, parts, parts_n);

    if (n < 0)
        return n;
    if (!HMAC(EVP_sha256(), key, (int)key_n, s, (size_t)n, out, &out_n) || out_n != DPP_KDF_OCTETS)
        return DPP_E_CRYPTO;
    return 0;
}

size_t dpp_kdf_dpck_octets(int alg)
{
    switch (alg) {
    case DPP_ALG_AES_128_GCM:
        return 16;
    case DPP_ALG_AES_256_GCM:
        return 32;
    default:
        return 0;
    }
}

/* ts33180#F.1.5 */
int dpp_kdf_dpck(const uint8_t *dppk, size_t dppk_n, uint32_t dppk_id, int alg,
                 uint8_t out[DPP_KDF_OCTETS])
{
    DPP_SCRUB(full, 32);
    size_t n = dpp_kdf_dpck_octets(alg);
    uint8_t id[4];

    if (n == 0)
        return DPP_E_FRAME_ALGORITHM;
    put32(id, dppk_id);
    int rc = dpp_kdf(dppk, dppk_n, FC_DPCK, &(struct dpp_kdf_part){id, sizeof id}, 1, full.p);
    if (rc != 0)
        return rc;
    /* "least significant bits": the last octets */
    memcpy(out, full.p + (DPP_KDF_OCTETS - n), n);
    return (int)n;
}

/* ts33180#F.1.3: the tag stays, the other 28 bits are XORed with the user salt */
int dpp_kdf_guk_id(const uint8_t *gmk, size_t gmk_n, uint32_t gmk_id, const char *user,
                   uint32_t *out)
{
    DPP_SCRUB(salt, 32);
    int rc =
        dpp_kdf(gmk, gmk_n, FC_USER_SALT, &(struct dpp_kdf_part){user, strlen(user)}, 1, salt.p);

    if (rc != 0)
        return rc;
    const uint8_t *low = salt.p + DPP_KDF_OCTETS - 4;
    uint32_t bits =
        (uint32_t)low[0] << 24 | (uint32_t)low[1] << 16 | (uint32_t)low[2] << 8 | (uint32_t)low[3];
    *out = gmk_id ^ (bits & LOW_28);
    return 0;
}

int dpp_kdf_gmk_id(const uint8_t *gmk, size_t gmk_n, uint32_t guk_id, const char *user,
                   uint32_t *out)
{
    return dpp_kdf_guk_id(gmk, gmk_n, guk_id, user, out);
}

/* A number as the KDF takes it: big-endian in as few octets as it needs, zero in one. */
static struct dpp_kdf_part number(uint8_t buf[8], uint64_t v)
{
    size_t n = 1;

    for (uint64_t rest = v >> 8; rest != 0; rest >>= 8)
        n++;
    for (size_t i = 0; i < n; i++)
        buf[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
    return (struct dpp_kdf_part){buf, n};
}

/* ts33180#F.2.1 */
int dpp_kdf_uid(const char *user, const char *kms, uint64_t period_s, uint64_t offset_s,
                uint64_t period_no, uint8_t out[32])
{
    static const char scheme[] = "MIKEY-SAKKE-UID";
    uint8_t period[8], offset[8], no[8], s[DPP_KDF_INPUT_MAX];
    unsigned out_n = 0;
    const struct dpp_kdf_part parts[] = {
        {scheme, sizeof scheme - 1}, {user, strlen(user)},     {kms, strlen(kms)},
        number(period, period_s),    number(offset, offset_s), number(no, period_no),
    };
    int n = input_string(s, FC_UID, parts, sizeof parts / sizeof parts[0]);

    if (n < 0)
        return n;
    if (EVP_Digest(s, (size_t)n, out, &out_n, EVP_sha256(), NULL) != 1 || out_n != 32)
        return DPP_E_CRYPTO;
    return 0;
}
