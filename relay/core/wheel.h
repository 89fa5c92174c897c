/* wheel.h - a hashed timer wheel: many timers, each with an owner, looked at together.
 *
 * Slots of 250 ms, 128 of them: one round is 32 s, later times wait for their round to come.
 * Nothing is allocated: a timer lives in what it times, the wheel in its owner; neither may be
 * moved or freed while a timer is armed. Times are milliseconds of one monotonic clock, 0 or more.
 */
#ifndef RELAY_CORE_WHEEL_H
#define RELAY_CORE_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RELAY_WHEEL_SLOT_MS = 250, RELAY_WHEEL_SLOTS = 128 };

/* One timer. Zeroed it is not armed. As the first member of its owner its address is the owner's.
 */
struct relay_timer {
    struct relay_timer *next, *prev; /* NULL while it is not armed */
    int64_t due_ms;                  /* stays as it was when the timer has come or is cancelled */
};

/* Opaque, but for armed. */
struct relay_wheel {
    struct relay_timer slots[RELAY_WHEEL_SLOTS]; /* heads of rings */
    struct relay_timer ripe;                     /* head of the ring of those that are due */
    int64_t seen_ms;                             /* all that are due by then are ripe */
    size_t armed;                                /* timers armed, ripe ones included */
};

/* An empty wheel that starts at now_ms. No _done. */
void relay_wheel_init(struct relay_wheel *wheel, int64_t now_ms);

/* Arms the timer for due_ms; one that is armed already is moved there, whether that is sooner or
 * later (rearming). A time that has passed is due at once. O(1). */
void relay_wheel_add(struct relay_wheel *wheel, struct relay_timer *timer, int64_t due_ms);

/* Disarms it; one that is not armed is left alone. O(1). Afterwards it may be freed. */
void relay_wheel_cancel(struct relay_wheel *wheel, struct relay_timer *timer);

/* Takes off the next timer with due_ms <= now_ms and returns it, not armed any more; NULL when
 * there is none, so none is early and none is left behind:
 *     while ((timer = relay_wheel_expire(&wheel, now_ms))) ...
 * Timers come in the order of their times, equal ones in the order of arming; one armed for a time
 * that an earlier call has already seen comes behind those which that call found. Between two calls
 * any timer may be armed, moved, cancelled or freed, and the rest may be left for a later call. A
 * clock that jumps ahead by any time costs one look at each slot; one that goes back is taken to
 * stand still. Each call with a new time looks through the slot that is running: once a tick. */
struct relay_timer *relay_wheel_expire(struct relay_wheel *wheel, int64_t now_ms);

static inline bool relay_timer_is_armed(const struct relay_timer *timer)
{
    return timer->next != NULL;
}

#endif
