/* keyset.h - the relay's own keys at rest: the key sets of its MDSI in their sealed file. Profile
 * section 6; ts33180#5.3, #F.2.1.
 *
 * Only key sets of the MDSI are taken: those of a user, a PCK or a GMK have no way in. */
#ifndef RELAY_CMD_KEYSET_H
#define RELAY_CMD_KEYSET_H

#include "dpp/keys/ring.h"
#include "relay/ops/conf.h"

/* Reads the key-set file that the settings name. *ring NULL: none is configured, or there is none
 * yet and a KMS is configured to get one from; `why` says so then. What has run out is taken as it
 * is: `why` is the warning. Any thread. 0, or the error and `why`. */
int daemon_keyset_read(const struct relay_settings *settings, struct dpp_ring **ring, char *why,
                       size_t why_n) __attribute__((warn_unused_result));

/* The second at which the key sets held without a hole from now on end, their certificate counted;
 * now_s or before: there is none for now. The ring holds a key set. */
int64_t daemon_keyset_end_s(const struct dpp_ring *ring, int64_t now_s);

/* How long before their end key sets are replaced: the time in which peers use either period. */
int64_t daemon_keyset_lead_s(const struct dpp_ring *ring);

/* Writes `PATH: what is wrong` and gives the error back. */
int daemon_keyset_fail(int err, const char *path, char *why, size_t why_n);

#endif
