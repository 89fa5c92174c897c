/* mark.h - keeps a chunk's own end-line out of its body while the body is written. Private to
 * relay/client. rfc4975#7.1, row F8 */
#ifndef RELAY_CLIENT_MARK_H
#define RELAY_CLIENT_MARK_H

#include "msrp/msrp.h"

/* The chunk's transaction id and the last octets of its body. */
struct relay_mark {
    char tid[MSRP_IDENT_MADE + 1];
    char carry[MSRP_END_MAX];
    size_t carry_n;
};

/* How many of the next n body octets may be written: fewer than n when the id's end-line would
 * stand in the body; the chunk has to end there. */
size_t relay_mark_clear(const struct relay_mark *mark, const char *p, size_t n);

/* These n octets were written. */
void relay_mark_passed(struct relay_mark *mark, const char *p, size_t n);

#endif
