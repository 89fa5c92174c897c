/* The octets of a fan: spans in order, each with the number of cursors that still need it. */
#include "relay/core/fan.h"

#include <stdlib.h>
#include <string.h>

struct fan_span *relay_body_span(const struct fan *fan, uint64_t number)
{
    return &fan->spans[fan->spans_at + (unsigned)(number - fan->first)];
}

/* One past the newest span's number. */
uint64_t relay_body_span_end(const struct fan *fan)
{
    return fan->first + (fan->spans_n - fan->spans_at);
}

/* Lets go of what no cursor needs. */
static void release(struct fan *fan)
{
    while (fan->spans_at < fan->spans_n && !fan->spans[fan->spans_at].waiting) {
        relay_slab_unref(fan->spans[fan->spans_at].run.slab);
        fan->spans_at++;
        fan->first++;
    }
    if (fan->spans_at == fan->spans_n) {
        fan->spans_at = fan->spans_n = 0;
        fan->last = NULL; /* it may be gone */
    }
}

static int make_room(struct fan *fan)
{
    if (fan->spans_n < fan->spans_cap)
        return 0;
    if (fan->spans_at > fan->spans_cap / 2) {
        memmove(fan->spans, fan->spans + fan->spans_at,
                (fan->spans_n - fan->spans_at) * sizeof *fan->spans);
        fan->spans_n -= fan->spans_at;
        fan->spans_at = 0;
        return 0;
    }
    unsigned cap = fan->spans_cap ? fan->spans_cap * 2 : 4;
    struct fan_span *spans = reallocarray(fan->spans, cap, sizeof *spans);
    if (!spans)
        return RELAY_E_NOMEM;
    fan->spans = spans;
    fan->spans_cap = cap;
    return 0;
}

/* Appends a run that the fan keeps by reference. */
static int append_run(struct fan *fan, struct relay_slab *slab, const char *p, size_t n)
{
    int rc = make_room(fan);

    if (rc)
        return rc;
    /* a run keeps its whole slab alive, so that is what it costs; neighbours share it */
    uint64_t before = fan->cost;
    if (slab != fan->last)
        fan->cost += slab->cap;
    else
        before -= slab->cap;
    fan->last = slab;
    fan->end += n;
    fan->spans[fan->spans_n++] = (struct fan_span){
        .run = {relay_slab_ref(slab), p, n},
        .end = fan->end,
        .cost = before,
        .waiting = fan->sending,
    };
    return 0;
}

/* Makes the newest run longer, where the octets lie behind it and nobody has passed it. */
static bool extend_run(struct fan *fan, const struct relay_slab *slab, const char *p, size_t n)
{
    struct fan_span *last = fan->spans_n > fan->spans_at ? &fan->spans[fan->spans_n - 1] : NULL;

    if (!last || last->waiting != fan->sending || last->run.slab != slab ||
        last->run.p + last->run.n != p)
        return false;
    last->run.n += n;
    fan->end += n;
    last->end = fan->end;
    return true;
}

int relay_body_append(struct fan *fan, struct relay_slab *slab, const char *p, size_t n)
{
    if (!n || extend_run(fan, slab, p, n))
        return 0;
    if (!fan->sending) { /* nobody listens any more */
        fan->end += n;
        return 0;
    }
    return n < RELAY_FAN_COPY ? relay_body_glue(fan, p, n) : append_run(fan, slab, p, n);
}

int relay_body_glue(struct fan *fan, const char *p, size_t n)
{
    if (!fan->sending) {
        fan->end += n;
        return 0;
    }
    if (!fan->glue || fan->glue->cap - fan->glue->used < n) {
        struct relay_slab *slab = relay_slab_new(relay_slabs_of(fan->relay), RELAY_SLAB_OUT);
        if (!slab)
            return RELAY_E_NOMEM;
        relay_slab_unref(fan->glue);
        fan->glue = slab;
    }
    char *to = fan->glue->data + fan->glue->used;
    memcpy(to, p, n);
    fan->glue->used += (uint32_t)n;
    return extend_run(fan, fan->glue, to, n) ? 0 : append_run(fan, fan->glue, to, n);
}

void relay_body_pass(struct fan *fan, uint64_t upto)
{
    if (upto <= fan->passed)
        return;
    fan->passed = upto;
    relay_fan_wake(fan);
}

void relay_body_finish(struct fan *fan)
{
    fan->passed = fan->end;
    fan->is_complete = true;
    relay_fan_wake(fan);
}

uint64_t relay_body_lag(const struct fan *fan)
{
    return fan->spans_n > fan->spans_at ? fan->cost - fan->spans[fan->spans_at].cost : 0;
}

uint64_t relay_body_lag_of(const struct fan_delivery *d)
{
    return d->span < relay_body_span_end(d->fan)
               ? d->fan->cost - relay_body_span(d->fan, d->span)->cost
               : 0;
}

/* The cursor goes n octets on. */
void relay_body_advance(struct fan_delivery *d, uint64_t n)
{
    struct fan *fan = d->fan;

    d->at += n;
    while (d->span < relay_body_span_end(fan) && relay_body_span(fan, d->span)->end <= d->at)
        relay_body_span(fan, d->span++)->waiting--;
    release(fan);
}

/* A delivery that will take no more: nothing is kept for it. */
void relay_body_leave(struct fan_delivery *d)
{
    struct fan *fan = d->fan;

    for (uint64_t i = d->span; i < relay_body_span_end(fan); i++)
        relay_body_span(fan, i)->waiting--;
    fan->sending--;
    release(fan);
}

void relay_body_done(struct fan *fan)
{
    for (unsigned i = fan->spans_at; i < fan->spans_n; i++)
        relay_slab_unref(fan->spans[i].run.slab);
    free(fan->spans);
    relay_slab_unref(fan->glue);
}
