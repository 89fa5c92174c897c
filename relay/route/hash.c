#include "relay/route/hash.h"

#include <string.h>

static const uint64_t PRIME = ((uint64_t)1 << 61) - 1;

static uint64_t times(uint64_t a, uint64_t b)
{
    unsigned __int128 wide = (unsigned __int128)a * b;
    uint64_t sum = (uint64_t)(wide & PRIME) + (uint64_t)(wide >> 61);

    return sum >= PRIME ? sum - PRIME : sum;
}

struct relay_hash relay_hash_key(const uint8_t rnd[16])
{
    struct relay_hash key;

    memcpy(&key.point, rnd, 8);
    memcpy(&key.shift, rnd + 8, 8);
    key.point = key.point % (PRIME - 1) + 1;
    key.shift %= PRIME;
    return key;
}

uint64_t relay_hash_of(const struct relay_hash *key, const void *p, size_t n)
{
    const uint8_t *octets = p;
    uint64_t h = n % PRIME;

    /* seven octets a step: each step stays below the prime, so equal length and equal steps mean
     * equal names */
    while (n) {
        size_t step = n < 7 ? n : 7;
        uint64_t word = 0;
        memcpy(&word, octets, step);
        h = times(h, key->point) + word;
        h = h >= PRIME ? h - PRIME : h;
        octets += step;
        n -= step;
    }
    h = times(h, key->point) + key->shift;
    return h >= PRIME ? h - PRIME : h;
}
