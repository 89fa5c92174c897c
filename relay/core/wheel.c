#include "relay/core/wheel.h"

enum { BINS = 48 }; /* of the merge sort: 2^48 timers, more than there is memory */

static void make_empty(struct relay_timer *ring)
{
    ring->next = ring->prev = ring;
}

static void append(struct relay_timer *ring, struct relay_timer *timer)
{
    timer->prev = ring->prev;
    timer->next = ring;
    ring->prev->next = timer;
    ring->prev = timer;
}

static void take_off(struct relay_timer *timer)
{
    timer->prev->next = timer->next;
    timer->next->prev = timer->prev;
    timer->next = timer->prev = NULL;
}

void relay_wheel_init(struct relay_wheel *wheel, int64_t now_ms)
{
    *wheel = (struct relay_wheel){.seen_ms = now_ms};
    for (size_t i = 0; i < RELAY_WHEEL_SLOTS; i++)
        make_empty(&wheel->slots[i]);
    make_empty(&wheel->ripe);
}

void relay_wheel_add(struct relay_wheel *wheel, struct relay_timer *timer, int64_t due_ms)
{
    relay_wheel_cancel(wheel, timer);
    timer->due_ms = due_ms;
    /* the slots that seen_ms lies behind are not looked at before their next round */
    append(due_ms <= wheel->seen_ms
               ? &wheel->ripe
               : &wheel->slots[due_ms / RELAY_WHEEL_SLOT_MS % RELAY_WHEEL_SLOTS],
           timer);
    wheel->armed++;
}

void relay_wheel_cancel(struct relay_wheel *wheel, struct relay_timer *timer)
{
    if (!relay_timer_is_armed(timer))
        return;
    take_off(timer);
    wheel->armed--;
}

/* Two chains (through next, ended by NULL) in order become one; equal times: those of a first. */
static struct relay_timer *merge(struct relay_timer *a, struct relay_timer *b)
{
    struct relay_timer *all = NULL, **end = &all;

    while (a && b) {
        struct relay_timer **least = b->due_ms < a->due_ms ? &b : &a;
        *end = *least;
        end = &(*least)->next;
        *least = *end;
    }
    *end = a ? a : b;
    return all;
}

/* Bottom up: bin i is empty or holds 2^i timers in order, all of them older than those of bin i-1.
 */
static struct relay_timer *sort(struct relay_timer *chain)
{
    struct relay_timer *bins[BINS] = {NULL}, *one, *all = NULL;

    while ((one = chain)) {
        size_t i = 0;
        chain = one->next;
        one->next = NULL;
        for (; i < BINS - 1 && bins[i]; i++) {
            one = merge(bins[i], one);
            bins[i] = NULL;
        }
        bins[i] = merge(bins[i], one);
    }
    for (size_t i = 0; i < BINS; i++)
        all = merge(bins[i], all);
    return all;
}

/* Moves all that are due by now_ms to the ripe ring, which is empty. */
static void ripen(struct relay_wheel *wheel, int64_t now_ms)
{
    int64_t slot = wheel->seen_ms / RELAY_WHEEL_SLOT_MS, last = now_ms / RELAY_WHEEL_SLOT_MS;
    struct relay_timer *chain = NULL, **end = &chain, *next;

    if (last - slot >= RELAY_WHEEL_SLOTS) /* a whole round, each slot once */
        slot = last - RELAY_WHEEL_SLOTS + 1;
    for (; slot <= last; slot++) {
        struct relay_timer *ring = &wheel->slots[slot % RELAY_WHEEL_SLOTS];
        for (struct relay_timer *timer = ring->next; timer != ring; timer = next) {
            next = timer->next;
            if (timer->due_ms > now_ms)
                continue; /* later in this slot, or in a later round */
            take_off(timer);
            *end = timer;
            end = &timer->next;
        }
    }
    wheel->seen_ms = now_ms;
    for (struct relay_timer *timer = sort(chain); timer; timer = next) {
        next = timer->next;
        append(&wheel->ripe, timer);
    }
}

struct relay_timer *relay_wheel_expire(struct relay_wheel *wheel, int64_t now_ms)
{
    struct relay_timer *timer;

    if (wheel->ripe.next == &wheel->ripe && now_ms > wheel->seen_ms)
        ripen(wheel, now_ms);
    timer = wheel->ripe.next;
    if (timer == &wheel->ripe)
        return NULL;
    relay_wheel_cancel(wheel, timer);
    return timer;
}
