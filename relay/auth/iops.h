/* iops.h - who may speak in an isolated system, and for which domain.
 *
 * Annex X of TS 33.180 replaces the MCData ID of a token by an IOPS MCData ID; the NOTEs under
 * tables B.2.1.3-1 and B.2.2.3-1 leave only mcptt_id and mcdata_id in it. */
#ifndef RELAY_AUTH_IOPS_H
#define RELAY_AUTH_IOPS_H

#include <stdbool.h>
#include <stddef.h>

#include "msrp/str.h"

#define RELAY_MCDATA_ID_MAX 255 /* octets of an MCData ID */

/* A list of NUL-terminated strings, borrowed. */
struct relay_list {
    const char *const *p;
    size_t n;
};

/* Copies an MCData ID into `out` with scheme and host in lower case, NUL-terminated. Allowed:
 * sip:USER@HOST (RFC 3261 25.1; no password, port, parameter or header, host a DNS name or an IPv4
 * address) and tel:+DIGITS with visual separators (RFC 3966 3), at most 255 octets. Returns 0 or
 * RELAY_E_CLAIM_MCDATA_URI. */
int relay_mcdata_id_parse(struct msrp_str id, char out[RELAY_MCDATA_ID_MAX + 1])
    __attribute__((warn_unused_result));

/* The host of an ID that relay_mcdata_id_parse gave; empty for tel:. Borrowed. */
struct msrp_str relay_mcdata_id_domain(const char *id);

/* Does the domain of an ID that relay_mcdata_id_parse gave stand in `domains` (exactly, no
 * sub-domains, case ignored)? */
bool relay_domain_has(struct relay_list domains, const char *id);

/* Does an ID that relay_mcdata_id_parse gave stand in `ids`? Scheme and host of the list may be in
 * any case; each entry is well formed (relay_auth_check). */
bool relay_mcdata_id_is_in(struct relay_list ids, const char *id);

/* The IOPS rule for an ID that relay_mcdata_id_parse gave: its domain is one of `domains` or it is
 * one of `users`; has_mcvideo and has_mcrec say whether the token has those members at all. Returns
 * 0, RELAY_E_IOPS_DOMAIN, RELAY_E_IOPS_MCVIDEO or RELAY_E_IOPS_MCREC. */
int relay_iops_check(struct relay_list domains, struct relay_list users, const char *id,
                     bool has_mcvideo, bool has_mcrec) __attribute__((warn_unused_result));

#endif
