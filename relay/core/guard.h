/* guard.h - must be sealed, opens with the CSK, re-seals for the far side, passes untouched.
 * Private to relay/core. Profile section 4, "Policy"; ts33180#8.5.4.
 *
 * Signalling is protected hop by hop: opened here with the CSK of the sender's connection, sealed
 * again for each recipient with his. The payload is protected end to end: the guard holds no key to
 * it and looks only at the clear headers of its frames while they stream past. */
#ifndef RELAY_CORE_GUARD_H
#define RELAY_CORE_GUARD_H

#include "dpp/seal/frame.h"
#include "relay/core/conn.h"
#include "relay/err.h"

enum { RELAY_BOUNDARY_N = MSRP_IDENT_MADE, RELAY_DIGEST_N = 32 };

/* --- signalling --- */

/* May the connection be delivered to? No, when signalling must be protected and it has no valid
 * CSK: it then counts as absent. */
bool relay_guard_may_deliver(const struct relay_conf *conf, const struct relay_conn *conn,
                             int64_t now_s);

/* Makes the plain signalling message from what the sender of `conn` gave (n octets, plain or
 * protected). out needs room for n octets and must not overlap. Returns its octets, or
 *   RELAY_E_SDS_NO_CSK        protected, or protection required, and the connection has no CSK
 *   RELAY_E_SDS_SIGNAL_PLAIN  plain where the policy wants protection
 *   RELAY_E_SDS_CSK           it does not open under the connection's CSK, whatever the reason
 *   RELAY_E_SDS_SIGNALLING    empty */
ssize_t relay_guard_open(const struct relay_conf *conf, const struct relay_conn *conn,
                         int64_t now_s, const uint8_t *p, size_t n, uint8_t *out)
    __attribute__((warn_unused_result));

/* Makes what the recipient `conn` gets from the plain signalling message: sealed with his CSK under
 * a fresh IV, or plain when he has none. Returns the octets written, RELAY_E_SDS_NO_CSK when the
 * policy forbids plain, RELAY_E_RANDOM, or an error of dpp_signalling_seal. */
ssize_t relay_guard_seal(const struct relay_conn *conn, const uint8_t *plain, size_t n,
                         uint8_t *out, size_t cap) __attribute__((warn_unused_result));

/* --- what streams past --- */

struct evp_md_ctx_st;

struct relay_guard {
    struct dpp_frame_check check;
    struct evp_md_ctx_st *digest; /* SHA-256 of all octets of the part, in one pass */
    uint64_t passed;              /* octets of the part that may go on */
    uint64_t max;                 /* of a part 5; 0: no cap of its own */
    uint64_t fed;
    bool is_framed;                      /* part 4: the frames are checked */
    uint8_t matched;                     /* octets of our delimiter seen */
    char mark[4 + RELAY_BOUNDARY_N + 1]; /* CRLF, two dashes, our own boundary */
};

/* Begins a part. boundary: the one that we write. Part 4 (tag: purpose tag of its key, 1 one-to-one
 * or 0 group; required: an unprotected payload is refused), or part 5 (at most max octets, opaque).
 * A guard that was begun is begun again without _done. 0 or RELAY_E_NOMEM. */
int relay_guard_payload(struct relay_guard *guard, const char boundary[RELAY_BOUNDARY_N + 1],
                        uint8_t tag, bool required) __attribute__((warn_unused_result));
int relay_guard_mikey(struct relay_guard *guard, const char boundary[RELAY_BOUNDARY_N + 1],
                      uint64_t max) __attribute__((warn_unused_result));
/* A repeated part 4: only its digest is wanted. */
int relay_guard_repeat(struct relay_guard *guard) __attribute__((warn_unused_result));

/* The next n octets of the part. Returns 0, with guard->passed moved on; RELAY_E_SDS_BOUNDARY (our
 * own delimiter stands in them), RELAY_E_SDS_MIKEY_LONG, or an error of dpp_frame_feed. */
int relay_guard_feed(struct relay_guard *guard, const char *p, size_t n)
    __attribute__((warn_unused_result));

/* The part is over: 0 with its digest, or DPP_E_FRAME_SHORT, or RELAY_E_NOMEM. */
int relay_guard_end(struct relay_guard *guard, uint8_t digest[RELAY_DIGEST_N])
    __attribute__((warn_unused_result));

void relay_guard_done(struct relay_guard *guard); /* harmless on a zeroed one and twice */

#endif
