/* group.h - users, groups and provisioned signalling keys, as one immutable snapshot.
 *
 * A snapshot is built row by row, then frozen by giving it to the relay. A change means a new
 * snapshot; the relay looks at its rows at every SEND and at every delivery step, so a removed
 * member is out at once (profile section 2.8). URIs compare as octet strings after lower-casing the
 * scheme and the host part. */
#ifndef RELAY_ROUTE_GROUP_H
#define RELAY_ROUTE_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dpp/keys/key.h"
#include "msrp/str.h"

struct relay_policy;

#define RELAY_ID_MAX 255 /* octets of a user's or group's URI */

/* Copies a URI with scheme and host in lower case and a NUL into out. Returns its octets, or 0 when
 * it is empty, too long, has no scheme, or holds a control octet or a space. */
size_t relay_id_normal(struct msrp_str id, char out[RELAY_ID_MAX + 1]);

/* One user as configured. A user that no row names may do everything (default), unless the policy
 * is closed. */
struct relay_user {
    char *id;          /* MCData ID */
    bool may_send_one; /* allow-transmit-data (24.282 11.1) */
    char **one_to;     /* One-to-One-Communication list; NULL: everybody */
    size_t one_to_n;
    uint64_t size_max; /* max octets one-to-one; 0: the service's limit */
    bool revoked;
    struct dpp_key *csk; /* provisioned CSK, or NULL */
};

struct relay_member {
    char *id;
    bool may_transmit; /* mcdata-allow-transmit-data-in-this-group */
    bool affiliated;   /* counts only with explicit affiliation */
};

struct relay_group {
    char *id;          /* group URI */
    bool sds;          /* mcdata-allow-short-data-service */
    uint64_t size_max; /* mcdata-on-network-max-data-size-for-SDS; 0: the service's limit */
    struct relay_member *members; /* sorted by id */
    size_t members_n, members_cap;
};

/* An empty snapshot with one reference, or NULL. */
struct relay_policy *relay_policy_new(void) __attribute__((warn_unused_result));
struct relay_policy *relay_policy_ref(struct relay_policy *policy);
void relay_policy_unref(struct relay_policy *policy); /* NULL is allowed; wipes the keys */

/* Add a row; the strings are copied (normalised). The returned row may be changed by the builder
 * until the snapshot is given away; a member's only until the next one of its group is added. NULL
 * without memory, for an id that is no URI, or when the id stands already. Defaults: everything is
 * allowed, nobody is affiliated. A CSK is moved in: the policy frees it. */
struct relay_user *relay_policy_add_user(struct relay_policy *policy, const char *id)
    __attribute__((warn_unused_result));
int relay_user_allow(struct relay_user *user, const char *target)
    __attribute__((warn_unused_result));
struct relay_group *relay_policy_add_group(struct relay_policy *policy, const char *id)
    __attribute__((warn_unused_result));
struct relay_member *relay_group_add(struct relay_group *group, const char *id)
    __attribute__((warn_unused_result));

/* The row of a user that stands already, to be changed by the builder; NULL when there is none. */
struct relay_user *relay_policy_edit_user(struct relay_policy *policy, const char *id);

/* Sorts the rows for lookup; call once after the last row. 0 or RELAY_E_CONF. */
int relay_policy_seal(struct relay_policy *policy) __attribute__((warn_unused_result));

/* Lookups; NULL when absent. Borrowed from the snapshot. */
const struct relay_user *relay_policy_user(const struct relay_policy *policy, struct msrp_str id);
const struct relay_group *relay_policy_group(const struct relay_policy *policy, struct msrp_str id);
const struct relay_member *relay_group_member(const struct relay_group *group, struct msrp_str id);

/* May `from` send one-to-one to `to`? An unknown user has no restriction. */
bool relay_policy_may_send(const struct relay_policy *policy, struct msrp_str from,
                           struct msrp_str to);

#endif
