/* sum.h - the SHA-256 of octets that come mostly in order. */
#ifndef RELAY_CMD_SUM_H
#define RELAY_CMD_SUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RELAY_SUM_HEX = 64 };

/* All zero: nothing yet. */
struct relay_sum {
    void *md; /* EVP_MD_CTX */
    uint64_t at;
    bool is_broken; /* octets came out of order, or were replaced */
};

/* These octets stand at offset `at`. is_same: what was there before is known to be the same. */
void relay_sum_add(struct relay_sum *sum, uint64_t at, const void *p, size_t n, bool is_same);

/* The sum of all `total` octets as hex digits; where they did not come in order it is read from the
 * open file fd. False: neither is possible. Ends the sum. */
bool relay_sum_done(struct relay_sum *sum, uint64_t total, int fd, char hex[RELAY_SUM_HEX + 1]);
void relay_sum_drop(struct relay_sum *sum);

#endif
