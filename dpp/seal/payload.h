/* payload.h - a DATA PAYLOAD protected end to end: in one frame, or in n frames under a plain head.
 *
 * One frame (0x43): plaintext = the DATA PAYLOAD message, without its type octet when the framing
 * is stripped. More than 65519 octets of plaintext: a plain head `03 n` and n IEs `7A len(2)
 * frame`; the plaintext of each is one payload IE's value (content type, data); same payload ID,
 * sequence numbers 0..n-1 (profile section 8; our reading). */
#ifndef DPP_SEAL_PAYLOAD_H
#define DPP_SEAL_PAYLOAD_H

#include "dpp/seal/seal.h"
#include "dpp/seal/signalling.h"

#define DPP_PAYLOAD_PART_MAX      65483 /* data octets in one frame of many: 65500 - 16 - 1 */
#define DPP_PAYLOAD_MAX           (255u * DPP_PAYLOAD_PART_MAX) /* 16,698,165 data octets */
#define DPP_PAYLOAD_PART_OVERHEAD (3 + DPP_FRAME_HEADER + 1 + DPP_FRAME_TAG)

/* Protects a whole DATA PAYLOAD message (0x03 ...) of n octets in one frame 0x43. Returns the
 * octets written (n + 51, less one when stripped), or DPP_E_MESSAGE_TYPE, DPP_E_LONG (then use the
 * many-frame form), and what dpp_seal_close says. msg and out must not overlap. */
ssize_t dpp_payload_seal_one(struct dpp_seal *seal, enum dpp_framing framing, const uint8_t *msg,
                             size_t n, uint64_t time_s, uint32_t payload_id,
                             const uint8_t iv[DPP_FRAME_IV], uint8_t *out, size_t cap)
    __attribute__((warn_unused_result));

/* Opens one frame 0x43 of exactly n octets; out gets the DATA PAYLOAD message with its type octet
 * (n octets of room are enough). Returns its octets, or DPP_E_FRAME_TYPE and what dpp_seal_open
 * says. p and out must not overlap. */
ssize_t dpp_payload_open_one(struct dpp_seal *seal, enum dpp_framing framing, const uint8_t *p,
                             size_t n, uint8_t *out, size_t cap)
    __attribute__((warn_unused_result));

/* How many frames data of n octets takes in the many-frame form: 1..255 (1 for no data), or
 * DPP_E_LONG. Every frame but the last holds DPP_PAYLOAD_PART_MAX octets of data. */
int dpp_payload_parts(size_t n) __attribute__((warn_unused_result));

/* The plain head of the many-frame form. */
void dpp_payload_head(uint8_t parts, uint8_t out[2]);

/* Writes one IE 0x7A: data of n <= DPP_PAYLOAD_PART_MAX octets under its content type, n + 55
 * octets. Returns the octets written, or DPP_E_LONG and what dpp_seal_close says. data may be
 * out + 39 (in place), else the two must not overlap. */
ssize_t dpp_payload_seal_part(struct dpp_seal *seal, uint8_t content_type, const uint8_t *data,
                              size_t n, uint64_t time_s, uint32_t payload_id, uint8_t seq,
                              const uint8_t iv[DPP_FRAME_IV], uint8_t *out, size_t cap)
    __attribute__((warn_unused_result));

/* Opens one frame of the many-frame form (the value of an IE 0x7A, exactly n octets); out gets the
 * content type octet and the data. Returns 1 + octets of data, or DPP_E_FRAME_TYPE,
 * DPP_E_FRAME_LENGTH (not even a content type) and what dpp_seal_open says. out may be p + 35. */
ssize_t dpp_payload_open_part(struct dpp_seal *seal, const uint8_t *p, size_t n, uint8_t *out,
                              size_t cap) __attribute__((warn_unused_result));

/* The frames of a complete part 4 in memory, in order. */
struct dpp_payload {
    const uint8_t *p; /* borrowed */
    size_t n, at;
    uint32_t dppk_id; /* the same for all frames */
    uint8_t alg;      /* of the first frame */
    uint8_t count;    /* frames: 1..255 */
    uint8_t seen;
    bool many;       /* the many-frame form: open with _open_part, else with _open_one */
    uint64_t time_s; /* of the first frame */
    uint32_t payload_id;
};

/* Looks through the whole part 4 of n octets with the check of dpp/seal/frame.h (protection
 * required, purpose tag `tag`) and sets the reader to its first frame. Returns 0 or that check's
 * error; an authenticated payload (0x80) is DPP_E_FRAME_AUTH: we cannot verify it. */
int dpp_payload_init(struct dpp_payload *payload, const uint8_t *p, size_t n, uint8_t tag)
    __attribute__((warn_unused_result));

/* The next frame, a borrowed run of p. False after the last. */
bool dpp_payload_next(struct dpp_payload *payload, const uint8_t **frame, size_t *frame_n);

#endif
