/* frame.h - the protected-payload container of TS 33.180 clause 8.5.4.1, with no key in sight.
 *
 *   0  1  message type | 0x40 (protected) | 0x80 (authenticated)
 *   1  5  date and time, unix seconds
 *   6  4  payload ID
 *  10  1  payload sequence number
 *  11  1  payload algorithm
 *  12 16  IV
 *  28  4  DPPK-ID                              octets 0..31 are the AAD
 *  32  1  IEI, any; we send 0
 *  33  2  length L of what follows
 *  35  L  ciphertext, then the 16-octet tag
 *
 * Big-endian. The optional signalling-algorithm octet is not used in data traffic. */
#ifndef DPP_SEAL_FRAME_H
#define DPP_SEAL_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "dpp/err.h"

#define DPP_FRAME_HEADER    35
#define DPP_FRAME_AAD       32
#define DPP_FRAME_IV        16
#define DPP_FRAME_TAG       16
#define DPP_FRAME_PLAIN_MAX 65519 /* plaintext octets of one frame: 65535 - 16 */
#define DPP_FRAME_MAX       (DPP_FRAME_HEADER + 65535)
#define DPP_FRAME_SIGNATURE 129 /* r, s, PVT behind an authenticated message */
#define DPP_FRAMES_MAX      255 /* frames under one plain head 0x03 */

#define DPP_FRAME_PROTECTED     0x40
#define DPP_FRAME_AUTHENTICATED 0x80

/* The header of one frame. */
struct dpp_frame {
    uint8_t type; /* as on the wire, with the bits 0x40 and 0x80 */
    uint8_t seq;  /* payload sequence number */
    uint8_t alg;  /* enum dpp_alg */
    uint8_t iei;
    uint16_t sealed_n; /* L: ciphertext and tag, at least 16 */
    uint32_t payload_id;
    uint32_t dppk_id;
    uint64_t time_s; /* 40 bits */
    uint8_t iv[DPP_FRAME_IV];
};

/* Reads the 35-octet header at p; of what follows nothing need be there. Returns 0, or
 * DPP_E_FRAME_SHORT (n < 35), DPP_E_FRAME_TYPE (bit 0x40 is not set), DPP_E_FRAME_ALGORITHM,
 * DPP_E_FRAME_LENGTH (L < 16). */
int dpp_frame_parse(struct dpp_frame *frame, const uint8_t *p, size_t n)
    __attribute__((warn_unused_result));

/* Writes the header. */
void dpp_frame_print(const struct dpp_frame *frame, uint8_t out[DPP_FRAME_HEADER]);

/* The streaming check of part 4 (DATA PAYLOAD) that a relay makes without any key: profile
 * section 4, "Chunks and decisions" and "Policy". It takes either form:
 *
 *   0x43 or 0xC3          one protected message, to the last octet (0xC3: then 129 octets
 * signature) 0x03 or 0x83, n       n = 1..255 IEs 0x7A, each one protected frame 0x43 of the same
 * payload ID and DPPK-ID, sequence numbers 0..n-1 (0x83: then 129 octets signature)
 *
 * It holds no payload: what has not passed yet is the caller's to keep, always the last
 * dpp_frame_held() octets fed, at most DPP_FRAME_HELD_MAX. */
#define DPP_FRAME_HELD_MAX 40

struct dpp_frame_check {
    uint64_t fed;    /* octets seen */
    uint64_t passed; /* octets of them that may go on */
    uint32_t left;   /* octets of the present frame's sealed part, plain IE or signature to come */
    uint32_t payload_id;
    uint32_t dppk_id;
    int err; /* the first error; sticky */
    uint8_t state;
    uint8_t tag;   /* expected purpose tag: 1 one-to-one, 0 group */
    uint8_t count; /* n of the plain head; 1 for a single message */
    uint8_t seen;  /* frames or IEs whose header has passed */
    uint8_t held_n;
    bool required;      /* an unprotected payload is an error */
    bool authenticated; /* a signature follows */
    bool any;           /* one protected frame has passed: payload_id and dppk_id are set */
    uint8_t held[DPP_FRAME_HELD_MAX];
};

/* Begins: `tag` is the purpose tag that every DPPK-ID must have (enum dpp_role: PCK for one-to-one,
 * GMK for a group); with `required` an unprotected payload is refused, else it passes (its IEs 0x78
 * are still counted and measured). */
void dpp_frame_check_init(struct dpp_frame_check *check, uint8_t tag, bool required);

/* Feeds the next n octets of part 4, in order. Returns how many octets of ALL that was fed since
 * _init may go on by now (never less than before; the rest is held back), or, from the first wrong
 * octet on and then always the same:
 *   403  DPP_E_FRAME_UNPROTECTED  a plain payload, or an IE 0x78, where protection is required;
 *                                 always: a plain message inside an IE 0x7A
 *        DPP_E_FRAME_TAG          the DPPK-ID has another purpose tag
 *   400  DPP_E_FRAME_TYPE         not a DATA PAYLOAD, not an IE 0x7A, not a frame 0x43
 *        DPP_E_FRAME_LENGTH       an IE or frame length that does not fit; octets after the end
 *        DPP_E_FRAME_ALGORITHM, DPP_E_FRAME_COUNT (n = 0), DPP_E_FRAME_SEQUENCE,
 *        DPP_E_FRAME_PAYLOAD_ID, DPP_E_FRAME_KEY (DPPK-ID changes)
 * On an error dpp_frame_passed() still tells what could have gone on before the wrong octet. Any
 * split of the same octets gives the same passed count and the same error. */
ssize_t dpp_frame_feed(struct dpp_frame_check *check, const uint8_t *p, size_t n)
    __attribute__((warn_unused_result));

/* Octets fed that may not go on yet: always the last ones. 0 to 40; meaningless after an error. */
size_t dpp_frame_held(const struct dpp_frame_check *check);

/* Octets that may go on, of all that was fed. */
uint64_t dpp_frame_passed(const struct dpp_frame_check *check);

/* At the end of part 4: 0 when it is complete, the error of before, or DPP_E_FRAME_SHORT. */
int dpp_frame_end(const struct dpp_frame_check *check) __attribute__((warn_unused_result));

#endif
