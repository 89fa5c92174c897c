/* say.h - what an answer of the relay means, as a sentence for a person. Private to relay/client.
 *
 * Text from the wire is shown on terminals: only printable ASCII gets through. */
#ifndef RELAY_CLIENT_SAY_H
#define RELAY_CLIENT_SAY_H

#include "msrp/msrp.h"

/* Like snprintf, then every octet that is not printable ASCII becomes '?'. */
void relay_say(char *out, size_t cap, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Why a SEND failed: of a response or REPORT with this status. Text and return value are those of
 * its `Warning: 399 agent "116 text"`; without one the comment, or the standard's word for the
 * code, and 0. */
int relay_say_refusal(char *out, size_t cap, const struct msrp_head *head, unsigned status);

/* Why AUTH failed: what 401, 403 and 423 mean, with the error of WWW-Authenticate, the Warning or
 * the bound. profile section 2.5, rfc4976#6.3 */
void relay_say_auth(char *out, size_t cap, const struct msrp_head *head);

#endif
