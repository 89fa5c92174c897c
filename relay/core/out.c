#include "relay/core/out.h"

#include <stdlib.h>

void relay_out_done(struct relay_out *out)
{
    for (unsigned i = 0; i < out->runs_n; i++)
        relay_slab_unref(out->runs[(out->runs_at + i) % out->runs_cap].slab);
    free(out->runs);
    relay_slab_unref(out->slab);
    *out = (struct relay_out){.failed = out->failed, .queued = out->queued, .sent = out->sent};
}

char *relay_out_room(struct relay_out *out, struct relay_slabs *slabs, size_t cap)
{
    if (out->failed || cap > RELAY_SLAB_SIZE) {
        out->failed = true;
        return NULL;
    }
    if (!out->slab || out->slab->cap - out->slab->used < cap) {
        struct relay_slab *slab = relay_slab_new(slabs, cap);
        if (!slab) {
            out->failed = true;
            return NULL;
        }
        relay_slab_unref(out->slab);
        out->slab = slab;
    }
    return out->slab->data + out->slab->used;
}

static bool grow(struct relay_out *out)
{
    unsigned cap = out->runs_cap ? out->runs_cap * 2 : 8;
    struct relay_span *runs = malloc(cap * sizeof *runs);

    if (!runs)
        return false;
    for (unsigned i = 0; i < out->runs_n; i++)
        runs[i] = out->runs[(out->runs_at + i) % out->runs_cap];
    free(out->runs);
    out->runs = runs;
    out->runs_at = 0;
    out->runs_cap = cap;
    return true;
}

void relay_out_span(struct relay_out *out, struct relay_slab *slab, const char *p, size_t n)
{
    if (out->failed || !n)
        return;
    if (out->runs_n) {
        struct relay_span *last = &out->runs[(out->runs_at + out->runs_n - 1) % out->runs_cap];
        if (slab && last->slab == slab && last->p + last->n == p) {
            last->n += n;
            out->bytes += n;
            out->queued += n;
            return;
        }
    }
    if (out->runs_n == out->runs_cap && !grow(out)) {
        out->failed = true;
        return;
    }
    out->runs[(out->runs_at + out->runs_n++) % out->runs_cap] =
        (struct relay_span){slab ? relay_slab_ref(slab) : NULL, p, n};
    out->bytes += n;
    out->queued += n;
}

void relay_out_add(struct relay_out *out, size_t n)
{
    struct relay_slab *slab = out->slab;

    if (out->failed || !slab)
        return;
    const char *p = slab->data + slab->used;
    slab->used += (uint32_t)n;
    relay_out_span(out, slab, p, n);
}

size_t relay_out_peek(const struct relay_out *out, struct relay_iov *iov, size_t max)
{
    size_t n = 0;

    for (; n < max && n < out->runs_n; n++) {
        const struct relay_span *run = &out->runs[(out->runs_at + n) % out->runs_cap];
        size_t skip = n ? 0 : out->first_sent;
        iov[n] = (struct relay_iov){run->p + skip, run->n - skip};
    }
    return n;
}

void relay_out_sent(struct relay_out *out, size_t n)
{
    if (n > out->bytes)
        n = out->bytes; /* the driver cannot have sent more than it was given */
    out->bytes -= n;
    out->sent += n;
    n += out->first_sent;
    while (out->runs_n && n >= out->runs[out->runs_at].n) {
        struct relay_span *run = &out->runs[out->runs_at];
        n -= run->n;
        relay_slab_unref(run->slab);
        out->runs_at = (out->runs_at + 1) % out->runs_cap;
        out->runs_n--;
    }
    out->first_sent = n;
    if (!out->runs_n) {
        relay_slab_unref(out->slab);
        out->slab = NULL;
    }
}

void relay_out_trim(struct relay_out *out)
{
    if (out->runs_n)
        return;
    free(out->runs);
    out->runs = NULL;
    out->runs_at = out->runs_cap = 0;
}
