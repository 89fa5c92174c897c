/* digestdir.h - users who AUTH with a password: settings and the file digest.users -> Digest rules.
 *
 * The file is a list, private to the relay's user (mode 0600):
 *
 *     - user: alice                  # as the client says it
 *       ha1: 0123456789abcdef0123456789abcdef   # of user, realm and password: mcrelay key digest
 *       algorithm: MD5               # default; SHA-256 for clients that know it, in this row, or
 *                                    # in one more of the same user: the client then chooses
 *       mcdata_id: sip:alice@iops.example
 *     - user: bob
 *       password: in clear           # instead of ha1; for tests
 *       algorithm: both              # two rows in one
 *       mcdata_id: sip:bob@iops.example
 *
 * Our copies of what it holds are wiped when they are no longer needed; of a text of more than 15
 * octets libyaml may leave the beginning behind in freed memory. */
#ifndef RELAY_OPS_DIGESTDIR_H
#define RELAY_OPS_DIGESTDIR_H

#include "relay/auth/digest.h"
#include "relay/ops/conf.h"

enum { RELAY_DIGESTDIR_OCTETS = 16 * 1024 * 1024 }; /* of the file */

struct relay_digestdir; /* a struct relay_digest_rules and what it borrows */

/* Reads the file. The settings outlive the rules. *out is NULL when no file is set, and on failure;
 * then `why` is `FILE:LINE: what is wrong` or `FILE: ...`, without any secret. 0, RELAY_E_CONF,
 * RELAY_E_IO, RELAY_E_NOMEM, RELAY_E_DIGEST_HASH. */
int relay_digestdir_load(const struct relay_settings *settings, struct relay_digestdir **out,
                         char *why, size_t why_n) __attribute__((warn_unused_result));
/* The rules; NULL for NULL. */
const struct relay_digest_rules *relay_digestdir_rules(const struct relay_digestdir *digestdir);
void relay_digestdir_free(struct relay_digestdir *digestdir); /* NULL is allowed */

/* A number that changes when the file does: for the poll. */
uint64_t relay_digestdir_stamp(const struct relay_settings *settings);

#endif
