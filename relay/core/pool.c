#include "relay/core/pool.h"

#include <stdlib.h>
#include <string.h>

void relay_pool_init(struct relay_pool *pool, size_t size, unsigned max)
{
    *pool = (struct relay_pool){.size = size, .max = max};
}

void relay_pool_done(struct relay_pool *pool)
{
    while (pool->spare) {
        void *object = pool->spare;
        memcpy(&pool->spare, object, sizeof pool->spare);
        free(object);
    }
    pool->spares = 0;
}

void *relay_pool_take(struct relay_pool *pool)
{
    void *object = pool->spare;

    if (pool->live >= pool->max)
        return NULL;
    if (object) {
        memcpy(&pool->spare, object, sizeof pool->spare);
        pool->spares--;
    } else if (!(object = malloc(pool->size))) {
        return NULL;
    }
    pool->live++;
    return object;
}

void relay_pool_give(struct relay_pool *pool, void *object)
{
    if (!object)
        return;
    pool->live--;
    if (pool->spares >= RELAY_POOL_SPARES) {
        free(object);
        return;
    }
    memcpy(object, &pool->spare, sizeof pool->spare);
    pool->spare = object;
    pool->spares++;
}
