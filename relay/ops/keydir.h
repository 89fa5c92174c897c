/* keydir.h - key files on disk: read with their mode checked, written whole or not at all.
 *
 * The form of the octets is dpp/keys/keyfile.h. Both the key file and the file of its key (KEK)
 * must be regular files that nobody but their owner (us or root) may read or write. */
#ifndef RELAY_OPS_KEYDIR_H
#define RELAY_OPS_KEYDIR_H

#include <stddef.h>
#include <stdint.h>

#include "dpp/keys/keyfile.h"
#include "dpp/keys/ring.h"

/* Reads a KEK of exactly 32 octets, from a 0600 (or stricter) file or a systemd credential's path.
 * Returns 0, or RELAY_E_IO (errno says why), DPP_E_KEYFILE_MODE, DPP_E_KEYFILE_SIZE. */
int relay_keydir_kek(const char *path, uint8_t kek[DPP_KEYFILE_KEK])
    __attribute__((warn_unused_result));

/* Makes a KEK file with mode 0600; an existing one is never replaced (RELAY_E_IO, EEXIST). */
int relay_keydir_make_kek(const char *path, const uint8_t kek[DPP_KEYFILE_KEK])
    __attribute__((warn_unused_result));

/* Opens a key file into a new store with room for `room` keys more. *store is the caller's.
 * Returns 0, RELAY_E_IO (errno), DPP_E_KEYFILE_MODE, DPP_E_NOMEM and what dpp_keyfile_open says. */
int relay_keydir_read(const char *path, const uint8_t kek[DPP_KEYFILE_KEK], size_t room,
                      struct dpp_store **store) __attribute__((warn_unused_result));

/* Seals the store and replaces the file: a temporary file beside it, mode 0600, synced, renamed,
 * directory synced. Returns 0, RELAY_E_IO (errno), RELAY_E_NOMEM, RELAY_E_RANDOM and what
 * dpp_keyfile_seal says. */
int relay_keydir_write(const char *path, const uint8_t kek[DPP_KEYFILE_KEK],
                       const struct dpp_store *store) __attribute__((warn_unused_result));

/* Two programs of one user share a key file: whoever reads it to write it again holds this lock
 * meanwhile. Waits for it; a file PATH.lock beside the key file stands for it and stays. Returns a
 * descriptor, to be given to relay_keydir_unlock, or RELAY_E_IO (errno), RELAY_E_NOMEM. */
int relay_keydir_lock(const char *path) __attribute__((warn_unused_result));
void relay_keydir_unlock(int lock); /* negative: nothing */

/* More keys than this do not stand in the file, by its size; 0 when there is none to be seen. For
 * the size of the secure heap, before anything is read. */
size_t relay_keydir_keys_max(const char *path);

/* As relay_keydir_read, for the daemon: a file with any key that a relay must not hold
 * (dpp_role_is_for_relay) is refused whole with DPP_E_ROLE. */
int relay_keydir_read_relay(const char *path, const uint8_t kek[DPP_KEYFILE_KEK],
                            struct dpp_store **store) __attribute__((warn_unused_result));

/* --- key sets: what a KMS gave a user, sealed as texts (dpp_keyfile_seal_text) --- */

#define RELAY_KEYDIR_SET_MAX ((size_t)1 << 20) /* octets of such a file */

/* Seals KMS documents (XML, certificates and key sets of one user; 1 to DPP_KEYFILE_TEXTS_MAX) and
 * replaces the file as relay_keydir_write does. The documents are not looked at. Returns 0,
 * RELAY_E_IO (errno), RELAY_E_NOMEM, RELAY_E_RANDOM, DPP_E_LONG, DPP_E_KEYFILE_SIZE (over
 * RELAY_KEYDIR_SET_MAX), DPP_E_CRYPTO. */
int relay_keydir_write_set(const char *path, const uint8_t kek[DPP_KEYFILE_KEK],
                           const char *const *xml, const size_t *xml_n, size_t n)
    __attribute__((warn_unused_result));

/* Opens a key-set file and makes the ring of `user` (NULL: whoever its first key set is for) from
 * its documents, in whatever order they stand; key sets of the past are left out. now_s as for
 * dpp_ring_add. All plaintext is wiped before this returns. *ring is the caller's (dpp_ring_free).
 * Returns 0, RELAY_E_IO (errno), RELAY_E_NOMEM, DPP_E_KEYFILE_..., what dpp_kms_parse and
 * dpp_ring_add say; DPP_E_KMS_ABSENT when there is no key set in it, DPP_E_KMS_DATE when all are of
 * the past. */
int relay_keydir_read_ring(const char *path, const uint8_t kek[DPP_KEYFILE_KEK], const char *user,
                           int64_t now_s, struct dpp_ring **ring)
    __attribute__((warn_unused_result));

/* Octets of secure heap that the key sets of such a file take made ready: by its size, because the
 * heap is made before anything is read, and never less than two sets and one more take: a KMS gives
 * those of this key period and the next. For dpp_keys_init. */
size_t relay_keydir_heap(const char *path);

/* The two halves of that, for other secrets that rest as sealed texts. _write_texts seals and
 * replaces; _read_texts opens into *plain (*plain_n octets, malloced: cleanse and free), of which
 * the texts are borrowed, and returns their number or an error as above, then *plain is NULL. */
int relay_keydir_write_texts(const char *path, const uint8_t kek[DPP_KEYFILE_KEK],
                             const struct dpp_span *texts, size_t n)
    __attribute__((warn_unused_result));
ssize_t relay_keydir_read_texts(const char *path, const uint8_t kek[DPP_KEYFILE_KEK],
                                uint8_t **plain, size_t *plain_n,
                                struct dpp_span texts[DPP_KEYFILE_TEXTS_MAX])
    __attribute__((warn_unused_result));

/* Overwrites a regular file with zeros, syncs it and removes it. What a file system keeps elsewhere
 * (snapshots, copy-on-write, flash translation) is not reached. 0 or RELAY_E_IO (errno). */
int relay_keydir_wipe(const char *path) __attribute__((warn_unused_result));

/* As relay_keydir_write, and overwrites the octets of the file before. 0, RELAY_E_IO (errno; the
 * new file may stand already), RELAY_E_NOMEM, RELAY_E_RANDOM, DPP_E_*. */
int relay_keydir_rewrite(const char *path, const uint8_t kek[DPP_KEYFILE_KEK],
                         const struct dpp_store *store) __attribute__((warn_unused_result));

/* Replaces a file whole, mode 0600: a temporary file beside it, synced, renamed, directory synced.
 * 0, RELAY_E_IO (errno), RELAY_E_NOMEM. */
int relay_keydir_replace(const char *path, const void *p, size_t n)
    __attribute__((warn_unused_result));

#endif
