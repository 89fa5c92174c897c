/* seal.h - opens and closes protected frames with one DPPK (TS 33.180 clause 8.5.4).
 *
 * AES-GCM with the DPCK, the 16 octets of the IV as they are (not 12), AAD = octets 0..31 of the
 * frame, a tag of exactly 16 octets. Every refusal that has to do with a key or a tag is
 * DPP_E_SEALED and nothing more. */
#ifndef DPP_SEAL_SEAL_H
#define DPP_SEAL_SEAL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "dpp/keys/key.h"
#include "dpp/seal/frame.h"
#include "dpp/seal/kdf.h"

struct evp_cipher_ctx_st;

/* One DPPK under one algorithm, ready for many frames: the DPCK is derived once. */
struct dpp_seal {
    struct evp_cipher_ctx_st *ctx; /* holds the key schedule; wiped by _done */
    uint32_t dppk_id;
    uint8_t alg;
    uint64_t closed; /* frames closed: at most 2^32 under one key */
};

/* Derives the DPCK of `dppk` for `dppk_id`, the ID as it stands on the wire: the key's own, or for
 * a GMK a GUK-ID. `use` is what the frames are for; the key's role must allow it. The key is not
 * needed afterwards. Returns 0, or DPP_E_ROLE, DPP_E_FRAME_ALGORITHM, DPP_E_CRYPTO, DPP_E_NOMEM. */
int dpp_seal_init(struct dpp_seal *seal, const struct dpp_key *dppk, uint32_t dppk_id,
                  enum dpp_use use, int alg) __attribute__((warn_unused_result));

/* Wipes. Needed only after a successful _init; harmless on a zeroed struct and twice. */
void dpp_seal_done(struct dpp_seal *seal);

/* Closes n <= 65519 octets of plaintext into one frame: writes 35 + n + 16 octets. Of `head` type,
 * time_s, payload_id, seq, iei and iv are used (iv: 16 fresh random octets for every frame, never a
 * counter, never twice); algorithm, DPPK-ID and length are the seal's. plain may be out + 35 (in
 * place), else the two must not overlap. Returns the octets written, or DPP_E_LONG, DPP_E_SPACE
 * (cap), DPP_E_KEY_SPENT, DPP_E_CRYPTO. */
ssize_t dpp_seal_close(struct dpp_seal *seal, const struct dpp_frame *head, const uint8_t *plain,
                       size_t n, uint8_t *out, size_t cap) __attribute__((warn_unused_result));

/* Opens the frame that is exactly the n octets at p. `head` (may be NULL) gets its header. out may
 * be p + 35 (in place; then p must be writable memory), else the two must not overlap; it needs
 * n - 51 octets. Returns the octets of plaintext, or what dpp_frame_parse says,
 * DPP_E_FRAME_LENGTH (L is not n - 35), DPP_E_SPACE, or DPP_E_SEALED (other key ID, other algorithm
 * than the seal's, wrong tag), and then out holds nothing of use: it is wiped. */
ssize_t dpp_seal_open(struct dpp_seal *seal, const uint8_t *p, size_t n, uint8_t *out, size_t cap,
                      struct dpp_frame *head) __attribute__((warn_unused_result));

#endif
