/* opener.h - the parts of an arriving message made readable: info, signalling, payload. Private to
 * relay/client. */
#ifndef RELAY_CLIENT_OPENER_H
#define RELAY_CLIENT_OPENER_H

#include "relay/client/inbox.h"

/* The mcdata-info that stands in inbox->piece -> label.from and label.group. Refused unless the
 * target is the client itself. 0, RELAY_E_SDS_INFO, RELAY_E_SDS_TARGET or DPP_E_*. */
int relay_opener_info(struct relay_inbox *inbox, const struct relay_inbox_to *to)
    __attribute__((warn_unused_result));

/* The signalling that stands in inbox->piece -> ids, date, disposition or notification. With a CSK
 * it must be protected, without one it must not: no silent downgrade (profile section 4, Policy).
 * 0, RELAY_E_SDS_SIGNALLING, RELAY_E_SDS_SIGNAL_PLAIN, RELAY_E_SDS_NO_CSK or DPP_E_*. */
int relay_opener_signalling(struct relay_inbox *inbox, const struct relay_inbox_to *to,
                            int64_t unix_s) __attribute__((warn_unused_result));

/* Uses octets of inbox->data up to the end of a payload unit. 1 with DATA in event, 0 when there is
 * more to look at (inbox->has_payload) or no octet is left, or an error: DPP_E_KEY_ABSENT for a key
 * that is not ours and theirs, DPP_E_SEALED, ... With a ring an absent key is first told as
 * KEY_WANTED (1, inbox->is_waiting). */
int relay_opener_payload(struct relay_inbox *inbox, const struct relay_inbox_to *to, int64_t unix_s,
                         struct relay_client_event *event) __attribute__((warn_unused_result));

/* The unit whose key was wanted, once more: a single frame whose key is still absent waits in
 * inbox->sealed for part 5. As relay_opener_payload. */
int relay_opener_again(struct relay_inbox *inbox, const struct relay_inbox_to *to, int64_t unix_s,
                       struct relay_client_event *event) __attribute__((warn_unused_result));

/* Opens inbox->sealed: 0, or an error. */
int relay_opener_sealed(struct relay_inbox *inbox, const struct relay_inbox_to *to, int64_t unix_s)
    __attribute__((warn_unused_result));

/* The next element of an opened DATA PAYLOAD: 1 with DATA in event, 0 when none is left, or an
 * error. */
int relay_opener_next(struct relay_inbox *inbox, struct relay_client_event *event)
    __attribute__((warn_unused_result));

#endif
