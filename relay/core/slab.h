/* slab.h - received octets, counted and never changed.
 *
 * A slab is filled from the front and grows only at its end: an octet that was written once stays
 * as it is until the last reference goes. So a message can be forwarded to a thousand members
 * without copying its body: every output holds a reference to the slab the octets arrived in.
 *
 * All slabs of a relay come from one budget (RELAY_CONF memory_max). Past it relay_slab_new gives
 * NULL: the answer is a refusal or a pause in reading, never more memory. */
#ifndef RELAY_CORE_SLAB_H
#define RELAY_CORE_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    RELAY_SLAB_SIZE = 32 * 1024, /* octets of a receive slab */
    RELAY_SLAB_OUT = 4 * 1024,   /* octets of a slab for heads that we write */
};

/* The one budget and the free lists of both sizes. Embedded in struct relay; zero it to start. */
struct relay_slabs {
    size_t bytes;     /* octets now held by slabs in use */
    size_t bytes_max; /* the budget; 0: none */
    struct relay_slab *spare[2];
    unsigned spares[2];
};

struct relay_slab {
    struct relay_slabs *home;
    struct relay_slab *next; /* in the free list */
    uint32_t refs;
    uint32_t used; /* octets written, at most cap */
    uint32_t cap;
    bool is_secret; /* credentials stand in it: wiped with its last reference */
    char data[];
};

/* A run of octets inside a slab. */
struct relay_span {
    struct relay_slab *slab; /* counted by whoever stores the span; NULL: static octets */
    const char *p;
    size_t n;
};

/* A slab of `cap` octets (one of the two sizes above) with one reference, or NULL when the budget
 * or the heap is used up. */
struct relay_slab *relay_slab_new(struct relay_slabs *home, size_t cap)
    __attribute__((warn_unused_result));
struct relay_slab *relay_slab_ref(struct relay_slab *slab);
void relay_slab_unref(struct relay_slab *slab); /* NULL is allowed */

/* Gives the spare slabs back to the heap. */
void relay_slabs_done(struct relay_slabs *home);

#endif
