/* signalling.h - a plain signalling message <-> the same message protected hop by hop with the CSK
 * (0x01 <-> 0x41, 0x02 <-> 0x42, 0x05 <-> 0x45, 0x06 <-> 0x46). */
#ifndef DPP_SEAL_SIGNALLING_H
#define DPP_SEAL_SIGNALLING_H

#include "dpp/seal/seal.h"

/* What the plaintext of a protected message is; the standard's text leaves it open (profile
 * section 8, dpp.framing). Both are decided in one function. */
enum dpp_framing {
    DPP_FRAMING_STRIPPED, /* default: what the clear header does not say already: without the type
                             octet, and for signalling without date and time */
    DPP_FRAMING_WHOLE,    /* the whole message */
};

/* Octets that protection adds at most: use n + this for the output's size. */
#define DPP_SIGNALLING_OVERHEAD (DPP_FRAME_HEADER + DPP_FRAME_TAG)

/* Protects the plain signalling message of n octets. The clear header takes its type (with 0x40)
 * and its date and time; payload ID and sequence number are 0. The seal must have been made for
 * DPP_USE_SIGNALLING. iv: 16 fresh random octets. msg and out must not overlap. Returns the octets
 * written, or DPP_E_MESSAGE_TYPE, DPP_E_TRUNCATED (no room for type and date), and what
 * dpp_seal_close says. */
ssize_t dpp_signalling_seal(struct dpp_seal *seal, enum dpp_framing framing, const uint8_t *msg,
                            size_t n, const uint8_t iv[DPP_FRAME_IV], uint8_t *out, size_t cap)
    __attribute__((warn_unused_result));

/* Opens the protected signalling message of n octets; out gets the plain message (at most n
 * octets are needed). p and out must not overlap. Returns its octets, or DPP_E_MESSAGE_TYPE (the
 * type under 0x40 is no signalling), and what dpp_seal_open says. Under WHOLE a message inside
 * whose type or date is not the header's is DPP_E_SEALED. */
ssize_t dpp_signalling_open(struct dpp_seal *seal, enum dpp_framing framing, const uint8_t *p,
                            size_t n, uint8_t *out, size_t cap) __attribute__((warn_unused_result));

/* Is this first octet that of a protected signalling message? */
bool dpp_signalling_is_protected(uint8_t type);

#endif
