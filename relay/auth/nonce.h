/* nonce.h - nonces of Digest challenges: nobody can make one, each count of one is good once.
 *
 * A nonce is 43 characters: when it was made, a serial number, and a MAC under a secret of this
 * process. Nothing is kept of a nonce until somebody who knows a password has used it; so strangers
 * cannot fill anything. Of the used ones the counts are remembered, a window of 64 below the
 * highest, for at most RELAY_NONCES_MAX nonces. When there is no more room the one used first is
 * forgotten, and from then on no nonce that is as old or older is taken which is not remembered:
 * its user is told that it is stale and gets a new one. Row A7, rfc2617#3.2.1, #3.2.2, #4.5. */
#ifndef RELAY_AUTH_NONCE_H
#define RELAY_AUTH_NONCE_H

#include <stddef.h>
#include <stdint.h>

#include "msrp/str.h"

enum {
    RELAY_NONCE_CHARS = 43,
    RELAY_NONCE_SECRET = 32,
    RELAY_NONCES_MAX = 16384,
};

struct relay_nonce_used; /* nonce.c */

struct relay_nonces {
    uint8_t secret[RELAY_NONCE_SECRET];
    uint64_t serial; /* of the last one made */
    uint64_t floor;  /* serials up to this that are not remembered may have been used */
    struct relay_nonce_used *used; /* ring, the one used first at `at` */
    uint32_t *rows;                /* by serial: 1 + place in the ring; 0: none */
    size_t n, at, cap, cap_max;    /* cap is a power of two */
};

/* A nonce that we made. */
struct relay_nonce {
    uint64_t serial;
    int64_t made_ms; /* monotonic */
};

/* secret: random octets. Allocates nothing. cap_max: RELAY_NONCES_MAX, or a lower power of two. */
void relay_nonces_init(struct relay_nonces *nonces, const uint8_t secret[RELAY_NONCE_SECRET],
                       size_t cap_max);
/* Wipes and frees; a zeroed struct is allowed. */
void relay_nonces_done(struct relay_nonces *nonces);

/* Makes one, with a NUL. 0 or RELAY_E_DIGEST_HASH. */
int relay_nonce_make(struct relay_nonces *nonces, int64_t now_ms, char out[RELAY_NONCE_CHARS + 1])
    __attribute__((warn_unused_result));

/* Is the text one of ours, made at most life_ms ago? 0; RELAY_E_DIGEST_STALE when it is not
 * (another process made it, or nobody, or it is too old); RELAY_E_DIGEST_HASH. *nonce is filled on
 * 0. */
int relay_nonce_check(const struct relay_nonces *nonces, struct msrp_str text, int64_t now_ms,
                      int64_t life_ms, struct relay_nonce *nonce)
    __attribute__((warn_unused_result));

/* Uses up a count of it; the response must have been right. 0; RELAY_E_DIGEST_REPLAY when the count
 * was used, is 0, or lies below the window; RELAY_E_DIGEST_STALE when that is not known any more;
 * RELAY_E_NOMEM. */
int relay_nonce_use(struct relay_nonces *nonces, const struct relay_nonce *nonce, uint32_t nc)
    __attribute__((warn_unused_result));

#endif
