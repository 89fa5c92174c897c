/* key.h - one secret key: its octets in the OpenSSL secure heap, with role, key ID and validity. */
#ifndef DPP_KEYS_KEY_H
#define DPP_KEYS_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dpp/err.h"
#include "dpp/keys/role.h"

#define DPP_KEY_OCTETS     16 /* what we make: PCK, GMK and CSK have 16 octets (ts33180#5) */
#define DPP_KEY_OCTETS_MAX 32 /* what a key may have */
#define DPP_KEYS_OCTETS    64 /* of secure heap that one key takes */

/* A local array of secret octets that is wiped on every way out of its scope:
 *     DPP_SCRUB(dpck, 32);      declares  struct { uint8_t p[32]; } dpck, zeroed;  use dpck.p
 * sizeof dpck.p is its size. */
#define DPP_SCRUB(name, octets)                                                                    \
    __attribute__((cleanup(dpp_scrub_##octets))) struct dpp_scrub_##octets name = {{0}}
struct dpp_scrub_16 {
    uint8_t p[16];
};
struct dpp_scrub_32 {
    uint8_t p[32];
};
struct dpp_scrub_1024 {
    uint8_t p[1024];
};
void dpp_scrub_16(struct dpp_scrub_16 *s);
void dpp_scrub_32(struct dpp_scrub_32 *s);
void dpp_scrub_1024(struct dpp_scrub_1024 *s);

/* Sets up the secure heap of the process, once, before the first key: `octets` in all, rounded up
 * to a power of two (0 for 1 MiB: 16,384 keys; DPP_KEYS_OCTETS each). A second call changes nothing
 * and tells the same again. Returns 0; DPP_E_HEAP_UNLOCKED when the heap stands but the system let
 * it not be locked or guarded, so that keys may reach the swap (the caller says so aloud; keys
 * work); DPP_E_SECURE_HEAP when there is none: then no key can be made. */
int dpp_keys_init(size_t octets) __attribute__((warn_unused_result));

/* A key. Never changes; belongs to whoever holds the pointer; freed with dpp_key_free. */
struct dpp_key;

/* Makes a key from `n` octets (16 or 32), which are copied. The role is that of the key ID's tag.
 * Usable from activation_s to before expiry_s, unix seconds; 0 means no bound.
 * Returns 0 and *key, or DPP_E_ROLE (tag not defined), DPP_E_VALUE (n, or expiry before
 * activation), DPP_E_SECURE_HEAP (never falls back to the plain heap). */
int dpp_key_new(struct dpp_key **key, uint32_t id, const uint8_t *octets, size_t n,
                int64_t activation_s, int64_t expiry_s) __attribute__((warn_unused_result));

/* Another key with the same content. As dpp_key_new. */
int dpp_key_copy(struct dpp_key **copy, const struct dpp_key *key)
    __attribute__((warn_unused_result));

/* Wipes and frees. NULL is allowed. */
void dpp_key_free(struct dpp_key *key);

uint32_t dpp_key_id(const struct dpp_key *key);
enum dpp_role dpp_key_role(const struct dpp_key *key);
int64_t dpp_key_activation_s(const struct dpp_key *key);
int64_t dpp_key_expiry_s(const struct dpp_key *key);

/* The octets: borrowed, valid as long as the key, never to be copied to a plain heap or a log. */
const uint8_t *dpp_key_octets(const struct dpp_key *key, size_t *n);

/* 0 when the key may be used at now_s, else DPP_E_KEY_EARLY or DPP_E_KEY_EXPIRED (ts33180#E.6). */
int dpp_key_check(const struct dpp_key *key, int64_t now_s) __attribute__((warn_unused_result));

#endif
