/* keyfile.h - the sealed at-rest form of keys, as octets in memory; no file is touched here.
 *
 *   0  8   "MCDATAKF"
 *   8  1   version, 1
 *   9  1   algorithm, 2 = AES-256-GCM
 *  10  2   number of entries, big-endian
 *  12 12   nonce, random, fresh for every sealing under the same key
 *  24  .   ciphertext of the entries; octets 0..23 are the AAD
 *   .  16  tag
 *
 * One entry: key ID 4 | activation 8 | expiry 8 | key length 1 | owner length 1 | peer length 1 |
 * key | owner | peer. The key over it all (KEK) is 32 octets from a file that only its owner reads
 * (relay/ops/keydir). */
#ifndef DPP_KEYS_KEYFILE_H
#define DPP_KEYS_KEYFILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "dpp/cur.h"
#include "dpp/keys/store.h"

#define DPP_KEYFILE_KEK       32
#define DPP_KEYFILE_NONCE     12
#define DPP_KEYFILE_KEYS_MAX  65535
#define DPP_KEYFILE_ENTRY_MIN (23 + 16) /* octets: one of a 16-octet key, without its URIs */

/* Octets of the sealed form of all keys of a store. */
size_t dpp_keyfile_size(const struct dpp_store *store);

/* Seals all keys of the store into out. `nonce` is fresh randomness. Returns the octets written
 * (dpp_keyfile_size), or DPP_E_SPACE, DPP_E_CRYPTO. */
ssize_t dpp_keyfile_seal(const struct dpp_store *store, const uint8_t kek[DPP_KEYFILE_KEK],
                         const uint8_t nonce[DPP_KEYFILE_NONCE], uint8_t *out, size_t cap)
    __attribute__((warn_unused_result));

/* How many keys a sealed form says it has, so that a store can be made for them: 0 to 65535, or
 * DPP_E_KEYFILE_MAGIC, DPP_E_KEYFILE_VERSION, DPP_E_KEYFILE_SIZE (n too small for the number).
 * Not authenticated yet. */
ssize_t dpp_keyfile_count(const uint8_t *p, size_t n) __attribute__((warn_unused_result));

/* Opens a sealed form into a new store, which has room for `room` keys more. Nothing is read from
 * the form before its tag is good. Returns 0 and *store (the caller's), or what dpp_keyfile_count
 * says, DPP_E_KEYFILE_SUM (wrong KEK or a changed octet), DPP_E_KEYFILE_FORM, DPP_E_KEYFILE_TWICE,
 * DPP_E_NOMEM, DPP_E_SECURE_HEAP, DPP_E_CRYPTO. */
int dpp_keyfile_open(struct dpp_store **store, size_t room, const uint8_t kek[DPP_KEYFILE_KEK],
                     const uint8_t *p, size_t n) __attribute__((warn_unused_result));

/* --- texts: the KMS documents of one user, or the secrets of a KMS ---
 *
 * The same 24 octets of header with the magic "MCDATAKS" and the number of texts, then as
 * ciphertext of each text: its length 4 | text; then the tag. */

#define DPP_KEYFILE_TEXTS_MAX       16
#define DPP_KEYFILE_TEXTS_SIZE(sum) ((size_t)104 + (sum)) /* enough for texts of so many octets */

/* Seals n texts (1 to DPP_KEYFILE_TEXTS_MAX). Returns the octets written, or DPP_E_LONG (too many,
 * or 2^31 octets and more), DPP_E_SPACE, DPP_E_CRYPTO. */
ssize_t dpp_keyfile_seal_text(const struct dpp_span *texts, size_t n,
                              const uint8_t kek[DPP_KEYFILE_KEK],
                              const uint8_t nonce[DPP_KEYFILE_NONCE], uint8_t *out, size_t cap)
    __attribute__((warn_unused_result));

/* Opens n octets into `plain`, which has room for n octets too and is wiped by the caller; `texts`
 * are borrowed from it. Nothing is read before the tag is good; on an error `plain` is wiped here.
 * Returns the number of texts, or DPP_E_KEYFILE_MAGIC, _VERSION, _SIZE, _SUM (wrong KEK or a
 * changed octet), _FORM, DPP_E_CRYPTO. */
ssize_t dpp_keyfile_open_text(const uint8_t kek[DPP_KEYFILE_KEK], const uint8_t *p, size_t n,
                              uint8_t *plain, struct dpp_span texts[DPP_KEYFILE_TEXTS_MAX])
    __attribute__((warn_unused_result));

#endif
