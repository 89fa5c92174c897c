/* eccsi.h - ECCSI signatures of RFC 6507 on P-256 with SHA-256 (rfc6509#2.1.1).
 *
 * An identity is any octet string; in MCData it is the 32-octet UID of a user in a key period. All
 * points are 65 octets, 04 | x | y. Randomness is an argument: 32 octets that the caller drew
 * uniformly (RAND_priv_bytes); where they are no number in 1..q-1 the answer is DPP_E_RETRY and the
 * caller draws again (chance 2^-32).
 *
 * Constant-time in the secret: the scalars ksak, v, ssk and j (single-scalar ladder, blinded or
 * constant-time inversions). Verification and checks of public values are not. */
#ifndef DPP_KEYS_ECCSI_H
#define DPP_KEYS_ECCSI_H

#include <stddef.h>
#include <stdint.h>

#include "dpp/err.h"

#define DPP_ECCSI_SCALAR    32
#define DPP_ECCSI_POINT     65
#define DPP_ECCSI_SIGNATURE 129 /* r | s | PVT */

/* --- the KMS --- */

/* KPAK = [KSAK]G from a random KSAK. rfc6507#4.2. 0, DPP_E_RETRY or DPP_E_CRYPTO. */
int dpp_eccsi_kpak(const uint8_t ksak[DPP_ECCSI_SCALAR], uint8_t kpak[DPP_ECCSI_POINT])
    __attribute__((warn_unused_result));

/* The pair of an identity: PVT = [v]G, SSK = KSAK + HS * v mod q, from a random v.
 * rfc6507#5.1.1. 0, DPP_E_RETRY (also when SSK or HS comes out 0) or DPP_E_CRYPTO. */
int dpp_eccsi_extract(const uint8_t ksak[DPP_ECCSI_SCALAR], const uint8_t kpak[DPP_ECCSI_POINT],
                      const uint8_t *id, size_t id_n, const uint8_t v[DPP_ECCSI_SCALAR],
                      uint8_t ssk[DPP_ECCSI_SCALAR], uint8_t pvt[DPP_ECCSI_POINT])
    __attribute__((warn_unused_result));

/* --- a signer --- */

/* SSK, PVT and HS of one identity, in the secure heap. */
struct dpp_eccsi;

/* Takes a pair and checks it: [SSK]G = KPAK + [HS]PVT (rfc6507#5.1.2, a MUST). 0 and *signer, or
 * DPP_E_ECCSI_POINT (KPAK or PVT is no point of the curve, or the point at infinity),
 * DPP_E_ECCSI_PAIR (the pair is not of this identity and KMS, or SSK is not in 1..q-1),
 * DPP_E_SECURE_HEAP, DPP_E_NOMEM, DPP_E_CRYPTO. */
int dpp_eccsi_new(struct dpp_eccsi **signer, const uint8_t kpak[DPP_ECCSI_POINT], const uint8_t *id,
                  size_t id_n, const uint8_t ssk[DPP_ECCSI_SCALAR],
                  const uint8_t pvt[DPP_ECCSI_POINT]) __attribute__((warn_unused_result));
void dpp_eccsi_free(struct dpp_eccsi *signer); /* wipes; NULL is allowed */

/* Signs n octets. j: 32 random octets, fresh for every signature; a j that is known or used twice
 * gives the SSK away. rfc6507#5.2.1. 0, DPP_E_RETRY or DPP_E_CRYPTO. */
int dpp_eccsi_sign(const struct dpp_eccsi *signer, const uint8_t *msg, size_t n,
                   const uint8_t j[DPP_ECCSI_SCALAR], uint8_t out[DPP_ECCSI_SIGNATURE])
    __attribute__((warn_unused_result));

/* --- anybody --- */

/* 0 when the octets are a point of the curve in the form 04 | x | y, not infinity; else
 * DPP_E_ECCSI_POINT. */
int dpp_eccsi_check_point(const uint8_t point[DPP_ECCSI_POINT]) __attribute__((warn_unused_result));

/* Verifies a signature of an identity under a KMS. rfc6507#5.2.2, and stricter: r and s lie in
 * 1..q-1. 0; DPP_E_ECCSI whatever is wrong; DPP_E_CRYPTO. A signature is malleable (r, q - s): it
 * must never serve as a name of the message. */
int dpp_eccsi_verify(const uint8_t kpak[DPP_ECCSI_POINT], const uint8_t *id, size_t id_n,
                     const uint8_t *msg, size_t n, const uint8_t signature[DPP_ECCSI_SIGNATURE])
    __attribute__((warn_unused_result));

#endif
