#include "relay/core/walk.h"

#include <string.h>

#include "relay/err.h"

enum {
    GATHER_STEP = 1024,               /* octets copied at a time: little more than the label */
    SCRATCH = 2 * MSRP_MIME_TAIL_MAX, /* what was held, and enough behind it to decide */
};

int relay_walk_init(struct relay_walk *walk, struct msrp_str boundary, uint32_t label_max)
{
    memset(walk, 0, sizeof *walk);
    walk->max = label_max < RELAY_SLAB_SIZE ? label_max : RELAY_SLAB_SIZE;
    return msrp_mime_init(&walk->mime, boundary, RELAY_WALK_HEAD_MAX);
}

void relay_walk_done(struct relay_walk *walk)
{
    relay_slab_unref(walk->slab);
    walk->slab = NULL;
    for (unsigned i = 0; i < walk->held_n; i++)
        relay_slab_unref(walk->held[i].slab);
    walk->held_n = 0;
    walk->held_bytes = 0;
}

void relay_walk_feed(struct relay_walk *walk, struct relay_slab *slab, const char *p, size_t n)
{
    walk->in = (struct relay_span){slab, p, n};
}

/* Takes up to n octets off the front of held and in, as one run; the run's slab is counted only
 * while it is held, so the reference of a held run that is used up goes to *last. */
static struct relay_span take_front(struct relay_walk *walk, size_t n, struct relay_slab **last)
{
    struct relay_span *from = walk->held_n ? &walk->held[0] : &walk->in;
    struct relay_span run = {from->slab, from->p, n < from->n ? n : from->n};

    *last = NULL;
    from->p += run.n;
    from->n -= run.n;
    if (walk->held_n) {
        walk->held_bytes -= run.n;
        if (!from->n) {
            *last = from->slab;
            walk->held_n--;
            memmove(walk->held, walk->held + 1, walk->held_n * sizeof walk->held[0]);
        }
    }
    return run;
}

/* All that is left of `in` waits for what comes next. */
static int hold_rest(struct relay_walk *walk)
{
    struct relay_span *last = walk->held_n ? &walk->held[walk->held_n - 1] : NULL;

    if (!walk->in.n)
        return 0;
    if (walk->held_bytes + walk->in.n > RELAY_WALK_HELD)
        return MSRP_E_MIME_DELIMITER; /* the walker keeps less than this: never true */
    walk->held_bytes += walk->in.n;
    if (last && last->slab == walk->in.slab && last->p + last->n == walk->in.p) {
        last->n += walk->in.n;
    } else {
        walk->held[walk->held_n] = walk->in;
        relay_slab_ref(walk->in.slab);
        walk->held_n++;
    }
    walk->in.n = 0;
    return 0;
}

/* --- gathering --- */

/* The small slab is full: goes on in a big one. */
static int grow(struct relay_walk *walk, struct relay_slabs *slabs)
{
    struct relay_slab *wide = relay_slab_new(slabs, RELAY_SLAB_SIZE);

    if (!wide)
        return RELAY_E_NOMEM;
    memcpy(wide->data, walk->slab->data, walk->n);
    relay_slab_unref(walk->slab);
    walk->slab = wide;
    return 0;
}

/* Copies the next octets behind those gathered before. 0; 1 when there is nothing to copy. */
static int gather(struct relay_walk *walk, struct relay_slabs *slabs)
{
    struct relay_slab *last;
    size_t room;

    if (!walk->held_n && !walk->in.n)
        return 1;
    if (walk->n >= walk->max)
        return RELAY_E_SDS_LABEL_LONG;
    if (!walk->slab)
        walk->slab = relay_slab_new(slabs, RELAY_SLAB_OUT);
    if (!walk->slab || (walk->n == walk->slab->cap && grow(walk, slabs)))
        return RELAY_E_NOMEM;
    room = walk->slab->cap - walk->n;
    if (room > walk->max - walk->n)
        room = walk->max - walk->n;
    struct relay_span run = take_front(walk, room < GATHER_STEP ? room : GATHER_STEP, &last);
    memcpy(walk->slab->data + walk->n, run.p, run.n);
    walk->n += (uint32_t)run.n;
    walk->slab->used = walk->n;
    relay_slab_unref(last);
    return 0;
}

static int gather_next(struct relay_walk *walk, struct relay_slabs *slabs,
                       struct relay_walk_event *ev)
{
    for (;;) {
        struct msrp_mime_event mime = {.kind = MSRP_MIME_MORE};
        ssize_t used = 0;
        if (walk->slab) {
            used =
                msrp_mime_next(&walk->mime, walk->slab->data + walk->at, walk->n - walk->at, &mime);
            if (used < 0)
                return (int)used;
            walk->at += (uint32_t)used;
        }
        if (mime.kind != MSRP_MIME_MORE) {
            ev->kind = mime.kind;
            ev->content_type = mime.content_type;
            if (mime.kind == MSRP_MIME_DATA)
                ev->data = (struct relay_span){walk->slab, mime.data.p, mime.data.n};
            return 0;
        }
        int rc = gather(walk, slabs);
        if (rc < 0)
            return rc;
        if (rc > 0) {
            ev->kind = MSRP_MIME_MORE;
            return 0;
        }
    }
}

struct relay_slab *relay_walk_stream(struct relay_walk *walk)
{
    struct relay_slab *slab = walk->slab;
    /* what was gathered too far came from the front of the run that is being fed: the walker said
     * MORE to all that came before */
    size_t back = walk->n - walk->at;

    walk->in.p -= back;
    walk->in.n += back;
    walk->slab = NULL;
    walk->n = walk->at = 0;
    walk->max = RELAY_WALK_TAIL_MAX;
    walk->is_streaming = true;
    return slab;
}

/* --- streaming --- */

static void give(struct relay_walk *walk, struct relay_walk_event *ev)
{
    struct relay_slab *last;

    ev->kind = MSRP_MIME_DATA;
    ev->data = take_front(walk, walk->grant, &last);
    walk->grant -= ev->data.n;
    /* a held run that is used up stays counted until the next event */
    if (last) {
        relay_slab_unref(walk->slab);
        walk->slab = last;
    }
}

static int stream_next(struct relay_walk *walk, struct relay_walk_event *ev)
{
    char scratch[SCRATCH];
    struct msrp_mime_event mime;
    const char *p = walk->in.p;
    size_t n = walk->in.n;
    ssize_t used;

    if (walk->grant) {
        give(walk, ev);
        return 0;
    }
    relay_slab_unref(walk->slab);
    walk->slab = NULL;
    if (!walk->held_n && !n) {
        ev->kind = MSRP_MIME_MORE;
        return 0;
    }
    if (walk->held_n) {
        size_t more = sizeof scratch - walk->held_bytes;
        p = scratch;
        n = 0;
        for (unsigned i = 0; i < walk->held_n; i++) {
            memcpy(scratch + n, walk->held[i].p, walk->held[i].n);
            n += walk->held[i].n;
        }
        if (more > walk->in.n)
            more = walk->in.n;
        if (more)
            memcpy(scratch + n, walk->in.p, more);
        n += more;
    }
    used = msrp_mime_next(&walk->mime, p, n, &mime);
    if (used < 0)
        return (int)used;
    switch (mime.kind) {
    case MSRP_MIME_DATA:
        walk->grant = (size_t)used;
        give(walk, ev);
        return 0;
    case MSRP_MIME_MORE:
        ev->kind = MSRP_MIME_MORE;
        return hold_rest(walk);
    default: /* PART_END: what follows is gathered again */
        while (used > 0) {
            struct relay_slab *last;
            used -= (ssize_t)take_front(walk, (size_t)used, &last).n;
            relay_slab_unref(last);
        }
        walk->is_streaming = false;
        ev->kind = mime.kind;
        return 0;
    }
}

int relay_walk_next(struct relay_walk *walk, struct relay_slabs *slabs, struct relay_walk_event *ev)
{
    memset(ev, 0, sizeof *ev);
    return walk->is_streaming ? stream_next(walk, ev) : gather_next(walk, slabs, ev);
}

int relay_walk_finish(const struct relay_walk *walk)
{
    return msrp_mime_finish(&walk->mime, walk->held_bytes + walk->n - walk->at);
}
