/* hash.h - keyed hashing for the tables of strangers' names.
 *
 * A polynomial over the octets modulo 2^61 - 1 at a secret random point: two names that were chosen
 * without knowing the key fall together with probability of at most n / 2^61 for n octets, so
 * nobody can aim at one bucket (threat T36). It is no cryptography: the values never leave the
 * process. */
#ifndef RELAY_ROUTE_HASH_H
#define RELAY_ROUTE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* The secret: filled once with random octets, by relay_hash_key. */
struct relay_hash {
    uint64_t point, shift;
};

/* Makes a key from 16 random octets. */
struct relay_hash relay_hash_key(const uint8_t rnd[16]);

/* The hash of n octets, 61 bits. */
uint64_t relay_hash_of(const struct relay_hash *key, const void *p, size_t n);

#endif
