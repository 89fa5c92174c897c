/* base64.h - strict base64url, the form of every part of a token and of a key (RFC 7515 2).
 *
 * Strict: no padding, no white space, only the URL-safe alphabet, and the bits that stand for
 * nothing are zero, so that one octet string has exactly one text. */
#ifndef RELAY_AUTH_BASE64_H
#define RELAY_AUTH_BASE64_H

#include <stddef.h>
#include <sys/types.h>

/* Octets that n characters decode to, and characters that n octets encode to (no NUL counted). */
#define RELAY_BASE64_OCTETS(n) ((n) / 4 * 3 + (n) % 4 * 3 / 4)
#define RELAY_BASE64_CHARS(n)  ((n) / 3 * 4 + ((n) % 3 ? (n) % 3 + 1 : 0))

/* Decodes the n characters at `text` into `out`, which has room for `room` octets; with
 * out NULL it is only checked. An empty text gives 0 octets. Returns the number of octets, or
 * RELAY_E_JWS_BASE64 for a text that is not strict base64url or does not fit. `out` may hold
 * garbage after an error. */
ssize_t relay_base64_decode(const char *text, size_t n, void *out, size_t room)
    __attribute__((warn_unused_result));

/* Encodes n octets into `out`, which has room for RELAY_BASE64_CHARS(n) + 1 characters, and ends it
 * with NUL. Returns the number of characters without the NUL. Cannot fail. */
size_t relay_base64_encode(const void *octets, size_t n, char *out);

#endif
