/* overload.h - what gives way when memory runs short: the ladder of reliability section 4. Private
 * to relay/core.
 *
 *    75 %   idle and header deadlines shrink, linearly to a fifth at 100 %
 *    85 %   strangers are turned away at the door; peers by their certificate are not
 *    90 %   new messages get 413; what is under way goes on
 *    95 %   each tick the connection that holds most is closed; where none holds much, the one that
 *           was silent for longest
 *
 * Measured each tick: octets of slabs in use against conf.memory_max. A step that was reached stays
 * until less than 70 % is used (but nobody is closed below 95 %). Delivery to those who read goes
 * on at every step. */
#ifndef RELAY_CORE_OVERLOAD_H
#define RELAY_CORE_OVERLOAD_H

#include <stdint.h>

struct relay;

enum relay_overload {
    RELAY_OVERLOAD_NONE,
    RELAY_OVERLOAD_HURRY,     /* 75 % */
    RELAY_OVERLOAD_STRANGERS, /* 85 % */
    RELAY_OVERLOAD_MESSAGES,  /* 90 % */
    RELAY_OVERLOAD_CLOSE,     /* 95 % */
};

/* Looks at the memory and does what the step wants; once a tick. */
void relay_overload_tick(struct relay *relay);

/* The step that holds now, for a decision between two ticks: it may be higher than at the last. */
enum relay_overload relay_overload_now(const struct relay *relay);

/* A deadline as it is now: ms, or less of it. */
uint32_t relay_overload_ms(const struct relay *relay, uint32_t ms);

#endif
