/* keydir.h - key files on disk: read with their mode checked, written whole or not at all.
 *
 * The form of the octets is dpp/keys/keyfile.h. Both the key file and the file of its key (KEK)
 * must be regular files that nobody but their owner (us or root) may read or write. */
#ifndef RELAY_OPS_KEYDIR_H
#define RELAY_OPS_KEYDIR_H

#include <stddef.h>
#include <stdint.h>

#include "dpp/keys/keyfile.h"

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

/* As relay_keydir_read, for the daemon: a file with any key that a relay must not hold
 * (dpp_role_is_for_relay) is refused whole with DPP_E_ROLE. */
int relay_keydir_read_relay(const char *path, const uint8_t kek[DPP_KEYFILE_KEK],
                            struct dpp_store **store) __attribute__((warn_unused_result));

#endif
