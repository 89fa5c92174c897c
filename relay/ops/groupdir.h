/* groupdir.h - users, groups and provisioned CSKs from files -> one policy snapshot.
 *
 * A group file, one per group, NAME.yaml in the groups directory:
 *
 *     uri: sip:rescue-1@iops.example
 *     sds: true                      # default
 *     size_max: 1MiB                 # default: the service's limit
 *     members:
 *       - sip:alice@iops.example
 *       - id: sip:bob@iops.example
 *         may_transmit: false        # default true
 *         affiliated: true           # default false; counts with `affiliation: explicit`
 *
 * The users file, a list; a user that it does not name may do everything:
 *
 *     - id: sip:carol@iops.example
 *       one_to_one: false            # default true
 *       one_to: [sip:alice@iops.example]   # default: everybody
 *       size_max: 64KiB
 *       revoked: true                # default false
 *
 * The sealed key file holds CSKs only; the owner of each is its user. */
#ifndef RELAY_OPS_GROUPDIR_H
#define RELAY_OPS_GROUPDIR_H

#include "relay/ops/conf.h"
#include "relay/route/group.h"

enum {
    RELAY_GROUPDIR_OCTETS = 4 * 1024 * 1024, /* of one group file or of the users file */
    RELAY_GROUPDIR_FILES = 10000,            /* group files */
};

/* Reads all of it. On failure *out is NULL, nothing has changed, and `why` is `FILE:LINE: what is
 * wrong` or `FILE: ...`. 0, RELAY_E_CONF, RELAY_E_IO, RELAY_E_NOMEM. */
int relay_groupdir_load(const struct relay_settings *settings, struct relay_policy **out, char *why,
                        size_t why_n) __attribute__((warn_unused_result));

/* Reads one group file, which must be that of the group `uri`; then relay_policy_group(*out, uri)
 * is there. As relay_groupdir_load. */
int relay_groupdir_read_group(const char *path, const char *uri, struct relay_policy **out,
                              char *why, size_t why_n) __attribute__((warn_unused_result));

/* A number that changes when any of those files does: for the poll. */
uint64_t relay_groupdir_stamp(const struct relay_settings *settings);

#endif
