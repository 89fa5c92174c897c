/* sniff.h - is a multipart body the MCData service's? profile section 3. Private to relay/core.
 *
 * Path relaying may not go round the service: a multipart whose first part is
 * application/vnd.3gpp.mcdata-* is refused. What decides is the header block of the first part;
 * until it is there the message does not go on, so a multipart has to come from its first octet on
 * and in order up to there. Nothing deeper is looked at. */
#ifndef RELAY_CORE_SNIFF_H
#define RELAY_CORE_SNIFF_H

#include <stdbool.h>

#include "msrp/mime.h"
#include "relay/core/slab.h"

enum { RELAY_SNIFF_MAX = 4096 /* octets within which it must be decided; else it is refused */ };

enum relay_sniff_state { RELAY_SNIFF_OPEN, RELAY_SNIFF_PASS, RELAY_SNIFF_BARRED };

struct relay_sniff {
    enum relay_sniff_state state;
    struct relay_slab *seen; /* the octets so far; NULL once decided */
    uint32_t at;             /* first octet of the line that is not complete; once decided all
                                that was looked at, or UINT32_MAX: all there will be */
    bool is_inside, is_type; /* in the headers of the first part; in its Content-Type */
    uint8_t mark_n;
    char mark[4 + MSRP_BOUNDARY_MAX]; /* CRLF, two dashes, boundary */
};

/* Looks at the Content-Type of a message: PASS for most, BARRED for application/mikey and
 * application/vnd.3gpp.mcdata-*, OPEN for a multipart. A multipart without a usable boundary is
 * BARRED too: who reads it could read anything. */
void relay_sniff_init(struct relay_sniff *sniff, struct msrp_str content_type);
/* The next octets of the message from its first on. */
void relay_sniff_feed(struct relay_sniff *sniff, struct relay_slabs *slabs, const char *p,
                      size_t n);
/* The message is over: what is not decided has no first part. */
void relay_sniff_end(struct relay_sniff *sniff);
/* Would the next chunk, of a Content-Type that gave `chunk` and with `before` octets of the message
 * in front of it, make the message another one than was looked at? It has to be of the same
 * multipart, in order until that is decided, and may not come back to what decided it. came: octets
 * of the message so far. */
bool relay_sniff_is_evaded(const struct relay_sniff *sniff, const struct relay_sniff *chunk,
                           uint64_t came, uint64_t before);
void relay_sniff_done(struct relay_sniff *sniff);

#endif
