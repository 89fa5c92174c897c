/* octets.h - a run of octets that grows at its end and is eaten from its front. Private to
 * relay/client. */
#ifndef RELAY_CLIENT_OCTETS_H
#define RELAY_CLIENT_OCTETS_H

#include <stddef.h>

/* All zero is an empty one. */
struct relay_octets {
    char *p;   /* start of the memory */
    size_t at; /* first octet not eaten yet */
    size_t n;  /* one past the last octet */
    size_t cap;
};

/* Makes room for `room` more octets behind n; eaten octets may be given up for it, so pointers into
 * the run die. 0 or RELAY_E_NOMEM. */
int relay_octets_reserve(struct relay_octets *o, size_t room) __attribute__((warn_unused_result));

/* Copies octets to the end. 0 or RELAY_E_NOMEM. */
int relay_octets_put(struct relay_octets *o, const void *p, size_t n)
    __attribute__((warn_unused_result));

/* Octets not eaten yet. */
size_t relay_octets_left(const struct relay_octets *o);

/* Eats n octets; an empty run gives its memory back when it is larger than 16 KiB. */
void relay_octets_eat(struct relay_octets *o, size_t n);

/* Wipes and frees. */
void relay_octets_done(struct relay_octets *o);

#endif
