/* kdf.h - the key derivation of TS 33.220 annex B.2 and what TS 33.180 annex F makes of it. */
#ifndef DPP_SEAL_KDF_H
#define DPP_SEAL_KDF_H

#include <stddef.h>
#include <stdint.h>

#include "dpp/err.h"

#define DPP_KDF_OCTETS    32
#define DPP_KDF_INPUT_MAX 1024 /* octets of S: FC, parts and their lengths */

/* Payload algorithms; the values stand on the wire. ts33180#8.5.4.1 */
enum dpp_alg { DPP_ALG_AES_128_GCM = 1, DPP_ALG_AES_256_GCM = 2 };

/* Octets of the DPCK of an algorithm: 16 or 32; 0 for an algorithm we do not know. */
size_t dpp_kdf_dpck_octets(int alg);

/* One parameter Pi; its length Li (two octets) is added. */
struct dpp_kdf_part {
    const void *p;
    size_t n;
};

/* HMAC-SHA-256(key, FC || P0 || L0 || ...). ts33220#B.2. Returns 0, DPP_E_LONG (all parts together
 * over DPP_KDF_INPUT_MAX octets) or DPP_E_CRYPTO. `out` is secret. */
int dpp_kdf(const uint8_t *key, size_t key_n, uint8_t fc, const struct dpp_kdf_part *parts,
            size_t parts_n, uint8_t out[DPP_KDF_OCTETS]) __attribute__((warn_unused_result));

/* The payload key of a DPPK: KDF with FC 0x53 and P0 = the four octets of the DPPK-ID as it stands
 * on the wire; the last 16 octets for AES-128-GCM, all 32 for AES-256-GCM (by algorithm, not by key
 * length). ts33180#F.1.5. Returns the octets in out (16 or 32), or DPP_E_FRAME_ALGORITHM,
 * DPP_E_CRYPTO. */
int dpp_kdf_dpck(const uint8_t *dppk, size_t dppk_n, uint32_t dppk_id, int alg,
                 uint8_t out[DPP_KDF_OCTETS]) __attribute__((warn_unused_result));

/* GMK-ID -> GUK-ID of a user and back (the operation is its own inverse): the lower 28 bits are
 * XORed with those of KDF(GMK, FC 0x50, P0 = the user's MC service ID). ts33180#F.1.3.
 * Returns 0 and *out, or DPP_E_LONG, DPP_E_CRYPTO. */
int dpp_kdf_guk_id(const uint8_t *gmk, size_t gmk_n, uint32_t gmk_id, const char *user,
                   uint32_t *out) __attribute__((warn_unused_result));
int dpp_kdf_gmk_id(const uint8_t *gmk, size_t gmk_n, uint32_t guk_id, const char *user,
                   uint32_t *out) __attribute__((warn_unused_result));

/* The MIKEY-SAKKE identity of a user in a key period: SHA-256 over FC 00, the scheme name, user
 * URI, KMS URI, period and offset in seconds, and the period's number. URIs as they are.
 * ts33180#F.2.1. Returns 0, DPP_E_LONG or DPP_E_CRYPTO. */
int dpp_kdf_uid(const char *user, const char *kms, uint64_t period_s, uint64_t offset_s,
                uint64_t period_no, uint8_t out[32]) __attribute__((warn_unused_result));

#endif
