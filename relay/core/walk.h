/* walk.h - the multipart of one message, octet runs in, parts out. Private to relay/core.
 *
 * msrp/mime wants what it has not consumed in one piece; the octets of a message come in runs that
 * lie apart. The walk has two ways to bring them together:
 *
 *   gathering  (the label, and whatever stands between parts) octets are copied, end to end, into a
 *              slab of the walk: `slab`, from which DATA and PART runs are borrowed
 *   streaming  (the data of part 4 and 5) octets stay where they arrived: DATA gives runs of the
 *              slabs they came in, and no body octet is copied but the few that a delimiter may
 *              hide in, which are looked at in a scratch copy
 *
 *     relay_walk_feed(&w, slab, p, n);
 *     while (!(rc = relay_walk_next(&w, slabs, &ev)) && ev.kind != MSRP_MIME_MORE) ... */
#ifndef RELAY_CORE_WALK_H
#define RELAY_CORE_WALK_H

#include "msrp/mime.h"
#include "relay/core/slab.h"

enum {
    RELAY_WALK_HEAD_MAX = 1024, /* octets of one part's header block */
    RELAY_WALK_TAIL_MAX = 2048, /* octets gathered behind the label at one time */
    RELAY_WALK_HELD = MSRP_MIME_TAIL_MAX,
};

struct relay_walk {
    struct msrp_mime mime;
    struct relay_slab *slab; /* gathered octets [0, n), of which the walker consumed [0, at) */
    uint32_t n, at, max;
    bool is_streaming;
    struct relay_span in;                    /* fed, not taken yet; borrowed for the feed */
    struct relay_span held[RELAY_WALK_HELD]; /* streaming: not consumed, before `in`; counted */
    unsigned held_n;
    size_t held_bytes;
    size_t grant; /* streaming: octets at the front of held and in that are data */
};

struct relay_walk_event {
    enum msrp_mime_kind kind;
    struct msrp_str content_type; /* PART; valid until the next call */
    struct relay_span data;       /* DATA; slab borrowed from the walk or the feed */
};

/* boundary as msrp_mime_init; label_max: octets that may be gathered before the first _stream.
 * Returns 0 or MSRP_E_MIME_BOUNDARY. */
int relay_walk_init(struct relay_walk *walk, struct msrp_str boundary, uint32_t label_max)
    __attribute__((warn_unused_result));
void relay_walk_done(struct relay_walk *walk); /* also on a zeroed one, also twice */

/* The next n octets of the message, in order, inside `slab` (referenced where kept). The last feed
 * must have been walked to MORE. */
void relay_walk_feed(struct relay_walk *walk, struct relay_slab *slab, const char *p, size_t n);

/* The next event. Behind a PART the caller may call relay_walk_stream. Returns 0; MSRP_E_MIME_*;
 * RELAY_E_SDS_LABEL_LONG when the label is not complete within its cap; RELAY_E_NOMEM without a
 * slab. An error is the end of the walk. */
int relay_walk_next(struct relay_walk *walk, struct relay_slabs *slabs, struct relay_walk_event *ev)
    __attribute__((warn_unused_result));

/* The data of the part that has just begun is streamed: from now on until its PART_END, DATA runs
 * lie where they arrived. The gathered octets are given up by the walk: the caller takes the slab
 * (NULL when that was done before) with its reference. */
struct relay_slab *relay_walk_stream(struct relay_walk *walk) __attribute__((warn_unused_result));

/* The message is complete: 0, or why its multipart is not. */
int relay_walk_finish(const struct relay_walk *walk) __attribute__((warn_unused_result));

#endif
