/* out.h - what one connection has to send. Private to relay/core.
 *
 * Two queues. Control octets (responses, REPORTs, keep-alives) go first, whole frames at a time.
 * Then deliveries: they are not queued as octets but asked, a chunk at a time, when the driver can
 * send (relay_fan_stage): a slow member costs a cursor, not a copy. What was staged stays until
 * sent. */
#ifndef RELAY_CORE_OUT_H
#define RELAY_CORE_OUT_H

#include <stdbool.h>
#include <stddef.h>

#include "relay/core/relay.h"
#include "relay/core/slab.h"

struct relay_out {
    struct relay_span *runs; /* ring: control runs and the staged chunk, in sending order */
    unsigned runs_n, runs_at, runs_cap;
    size_t bytes;            /* octets in all runs not yet sent */
    size_t first_sent;       /* octets of the first run already sent */
    struct relay_slab *slab; /* where heads are written; NULL when nothing is */
    uint64_t queued, sent;   /* octets ever queued, ever sent: positions in the stream */
    bool failed;             /* no memory for a frame: the connection must close */
};

void relay_out_done(struct relay_out *out);

/* Room for one head of at most `cap` (<= RELAY_SLAB_SIZE) octets, contiguous; NULL (and
 * out->failed) without memory. Follow with relay_out_add of the octets really written; nothing in
 * between. */
char *relay_out_room(struct relay_out *out, struct relay_slabs *slabs, size_t cap);
/* Queues the first n octets of the last room as a run (merges with the run before when adjacent).
 */
void relay_out_add(struct relay_out *out, size_t n);
/* Queues a run of a slab without copying; takes a reference of its own. slab NULL: static octets.
 */
void relay_out_span(struct relay_out *out, struct relay_slab *slab, const char *p, size_t n);

/* Up to `max` runs from the front, without taking them; and n octets of them are sent. */
size_t relay_out_peek(const struct relay_out *out, struct relay_iov *iov, size_t max);
void relay_out_sent(struct relay_out *out, size_t n);
/* An idle connection holds no memory for output; to be called now and then, not per frame: who is
 * busy would allocate it again each time. */
void relay_out_trim(struct relay_out *out);

#endif
