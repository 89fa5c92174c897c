/* sakke.h - SAKKE of RFC 6508 with parameter set 1 of RFC 6509 appendix A: a secret of 16 octets
 * (SSV) for whoever holds the RSK of an identity under a KMS.
 *
 * An identity is an octet string; in MCData the 32-octet UID of a user in a key period, taken as a
 * plain big-endian number b. Points are 257 octets, 04 | x | y. 112 bits of security (rfc6509#6).
 * The KMS can read everything: that is the design of SAKKE.
 *
 * What is constant-time and what is not stands at each function. All of it rests on OpenSSL's
 * BIGNUM, which is constant-time in part: its multiplication modulo p and its sums as used on bare
 * secrets are; its subtraction takes a branch on the borrow, its reduction and its inversion on
 * more. Inversions, but for those of dpp_sakke_rsk_new, are of numbers that a secret factor hides,
 * and so are the points and the pairing value that grow from step to step. No table is read at a
 * secret place: all rows are read. */
#ifndef DPP_KEYS_SAKKE_H
#define DPP_KEYS_SAKKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dpp/err.h"

#define DPP_SAKKE_POINT  257
#define DPP_SAKKE_SCALAR 128 /* a number below q, big-endian */
#define DPP_SAKKE_SSV    16
#define DPP_SAKKE_SED    273 /* encapsulated data: 04 | Rx | Ry | H */
#define DPP_SAKKE_ID_MAX 128 /* octets of an identity */

/* --- what everybody knows of a KMS --- */

/* Z and the tables that make encapsulation to any of its users fast; at most 5 MB with those of
 * the parameter set, which are shared. Public; immutable after _new, so any thread may use it. */
struct dpp_sakke_kms;

/* Z is checked: on the curve, of order q. 0 and *kms, or DPP_E_SAKKE_POINT, DPP_E_NOMEM,
 * DPP_E_CRYPTO. Takes some ten milliseconds. */
int dpp_sakke_kms_new(struct dpp_sakke_kms **kms, const uint8_t z[DPP_SAKKE_POINT])
    __attribute__((warn_unused_result));
void dpp_sakke_kms_free(struct dpp_sakke_kms *kms); /* NULL is allowed */

/* Octets that the kms holds, shared tables of the parameter set included. */
size_t dpp_sakke_kms_octets(const struct dpp_sakke_kms *kms);

/* Encapsulates the SSV to an identity. rfc6508#6.2.1. 0 and the SED, or DPP_E_LONG (id_n is 0 or
 * over DPP_SAKKE_ID_MAX), DPP_E_SAKKE_ID ([b]P + Z is infinity, or r is 0: another key period or
 * SSV), DPP_E_NOMEM, DPP_E_CRYPTO. The SSV and r steer no branch and no table index of ours; the
 * differences of the affine points that r chooses, and the reductions modulo q that make r and r b,
 * are not hidden from the branches of BIGNUM. */
int dpp_sakke_seal(const struct dpp_sakke_kms *kms, const uint8_t *id, size_t id_n,
                   const uint8_t ssv[DPP_SAKKE_SSV], uint8_t out[DPP_SAKKE_SED])
    __attribute__((warn_unused_result));

/* --- who may open --- */

/* An RSK made ready: line functions of the fixed pairing argument and a comb of [b]P + Z, at most
 * 600 kB. The line functions are the secret: they lie in the secure heap (some 350 kB, see
 * dpp_keys_init), locked and kept out of core images where the system allows, and are wiped by
 * _free. Immutable after _new. Keeps what it needs of the kms; the kms must outlive it. */
struct dpp_sakke_rsk;

/* Takes the RSK of an identity and checks it: on the curve, of order q, <[b]P + Z, RSK> = g
 * (rfc6508#6.1.2, a MUST). 0 and *rsk, or DPP_E_LONG, DPP_E_SAKKE_POINT, DPP_E_SAKKE_PAIR (not of
 * this identity and KMS), DPP_E_NOMEM (also when the secure heap is full), DPP_E_CRYPTO. Not
 * constant-time: numbers of the RSK are inverted as they are, once, at a time that no peer
 * chooses. */
int dpp_sakke_rsk_new(struct dpp_sakke_rsk **rsk, const struct dpp_sakke_kms *kms,
                      const uint8_t *id, size_t id_n, const uint8_t point[DPP_SAKKE_POINT])
    __attribute__((warn_unused_result));
void dpp_sakke_rsk_free(struct dpp_sakke_rsk *rsk); /* NULL is allowed */

/* Octets that it holds. */
size_t dpp_sakke_rsk_octets(const struct dpp_sakke_rsk *rsk);

/* Decapsulates, TEST included. rfc6508#6.2.2. With `stripped` a message whose TEST fails is tried
 * once more as senders hash that drop leading zero octets of g^r (profile section 8), where there
 * are any. 0 and the SSV, or DPP_E_SAKKE whatever is wrong with the SED; DPP_E_NOMEM,
 * DPP_E_CRYPTO. On an error ssv is wiped. Control flow and table indices of ours do not depend on
 * the RSK, and on the SSV only by whether it passes TEST; the RSK's numbers meet no branch of
 * BIGNUM unhidden, the SSV's as in dpp_sakke_seal. */
int dpp_sakke_open(const struct dpp_sakke_rsk *rsk, const uint8_t sed[DPP_SAKKE_SED], bool stripped,
                   uint8_t ssv[DPP_SAKKE_SSV]) __attribute__((warn_unused_result));

/* --- the KMS itself --- */

/* Z = [z]P from 128 random octets of which the upper bits are dropped: DPP_E_RETRY when what is
 * left is not in 2..q-1. rfc6508#6.1.1. 0, DPP_E_RETRY, DPP_E_NOMEM or DPP_E_CRYPTO. `z` gets the
 * reduced number. */
int dpp_sakke_master(uint8_t z[DPP_SAKKE_SCALAR], uint8_t point[DPP_SAKKE_POINT])
    __attribute__((warn_unused_result));

/* RSK = [(b + z)^-1 mod q]P. rfc6508#6.1.1. 0, DPP_E_LONG, DPP_E_SAKKE_ID (b + z = 0 mod q),
 * DPP_E_NOMEM or DPP_E_CRYPTO. Constant-time in z. */
int dpp_sakke_extract(const uint8_t z[DPP_SAKKE_SCALAR], const uint8_t *id, size_t id_n,
                      uint8_t rsk[DPP_SAKKE_POINT]) __attribute__((warn_unused_result));

#endif
