/* pool.h - objects of one size that come and go with every chunk: no malloc in the steady state.
 * Private to relay/core.
 *
 * What was given back is kept and given out again. Past `max` live objects the answer is NULL: a
 * refusal, never more memory. */
#ifndef RELAY_CORE_POOL_H
#define RELAY_CORE_POOL_H

#include <stddef.h>

enum { RELAY_POOL_SPARES = 4096 /* kept for the next burst; more go back to the heap */ };

struct relay_pool {
    void *spare; /* chained through their first word */
    size_t size; /* octets of one object */
    unsigned live, spares, max;
};

void relay_pool_init(struct relay_pool *pool, size_t size, unsigned max);
void relay_pool_done(struct relay_pool *pool); /* frees the spares; no object may be live */

/* One object, its octets undefined; NULL past max or without memory. */
void *relay_pool_take(struct relay_pool *pool) __attribute__((warn_unused_result));
void relay_pool_give(struct relay_pool *pool, void *object); /* NULL is allowed */

#endif
