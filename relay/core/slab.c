#include "relay/core/slab.h"

#include <stdlib.h>

#include <openssl/crypto.h>

/* Spare slabs spare the heap a malloc per read; more than these would only sit there. */
static const unsigned SPARES_MAX[2] = {32, 256};

static unsigned size_of(size_t cap)
{
    return cap <= RELAY_SLAB_OUT;
}

struct relay_slab *relay_slab_new(struct relay_slabs *home, size_t cap)
{
    unsigned size = size_of(cap);
    struct relay_slab *slab = home->spare[size];

    cap = size ? RELAY_SLAB_OUT : RELAY_SLAB_SIZE;
    if (home->bytes_max && home->bytes + cap > home->bytes_max)
        return NULL;
    if (slab) {
        home->spare[size] = slab->next;
        home->spares[size]--;
    } else {
        slab = malloc(sizeof *slab + cap);
        if (!slab)
            return NULL;
    }
    home->bytes += cap;
    slab->home = home;
    slab->next = NULL;
    slab->refs = 1;
    slab->used = 0;
    slab->cap = (uint32_t)cap;
    slab->is_secret = false;
    return slab;
}

struct relay_slab *relay_slab_ref(struct relay_slab *slab)
{
    slab->refs++;
    return slab;
}

void relay_slab_unref(struct relay_slab *slab)
{
    if (!slab || --slab->refs)
        return;

    struct relay_slabs *home = slab->home;
    unsigned size = size_of(slab->cap);

    home->bytes -= slab->cap;
    if (slab->is_secret)
        OPENSSL_cleanse(slab->data, slab->used);
    if (home->spares[size] >= SPARES_MAX[size]) {
        free(slab);
        return;
    }
    slab->next = home->spare[size];
    home->spare[size] = slab;
    home->spares[size]++;
}

void relay_slabs_done(struct relay_slabs *home)
{
    for (unsigned size = 0; size < 2; size++) {
        while (home->spare[size]) {
            struct relay_slab *slab = home->spare[size];
            home->spare[size] = slab->next;
            free(slab);
        }
        home->spares[size] = 0;
    }
}
