/* each.h - one piece of work many times, on all cores: libuv's thread pool as a loop. */
#ifndef RELAY_LOOP_EACH_H
#define RELAY_LOOP_EACH_H

#include <stddef.h>

/* Calls one(ctx, i) for every i below n, on the threads of the pool and in no order, and returns
 * when all calls have returned. `one` must bear to run beside itself. 0 or RELAY_E_NOMEM; then some
 * calls may not have been made. Not to be called from a loop's callback: it blocks. */
int relay_each_run(size_t n, void (*one)(void *ctx, size_t i), void *ctx)
    __attribute__((warn_unused_result));

#endif
