/* offer.h - a receiver's path as an SDP section, and back. rfc4975#8, row S1, S2 */
#ifndef RELAY_CMD_OFFER_H
#define RELAY_CMD_OFFER_H

#include <stdint.h>
#include <sys/types.h>

#include "relay/client/endpoint.h"

enum { RELAY_OFFER_MAX = 16384 };

/* Writes the section that offers `path` (reachable: actpass) with the types and the size that the
 * endpoint takes, with a NUL. Returns its length, or an error of msrp_sdp_print. */
ssize_t relay_offer_print(const char *path, const struct relay_endpoint_conf *conf,
                          char out[RELAY_OFFER_MAX]) __attribute__((warn_unused_result));

/* The path that stands in `text`: the text itself, or a=path of the first m=message section when it
 * is an SDP or a section of one. 0; RELAY_E_TOO_LARGE; RELAY_E_SESSION when the SDP has no session
 * for us (port 0, or none at all); an error of msrp_sdp_parse. */
int relay_offer_path(const char *text, char out[RELAY_ENDPOINT_PATH + 1])
    __attribute__((warn_unused_result));

#endif
