/* hex.h - test vectors as the hex of the documents they come from. */
#ifndef TESTS_DPP_HEX_H
#define TESTS_DPP_HEX_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Octets in an exact heap block, so that the sanitizer sees a read one octet past them. Free `p`.
 */
struct hex {
    uint8_t *p;
    size_t n;
};

static inline struct hex hex_read(const char *text)
{
    struct hex h = {.n = strlen(text) / 2};

    h.p = malloc(h.n ? h.n : 1);
    for (size_t i = 0; h.p && i < h.n; i++) {
        unsigned v = 0;
        if (sscanf(text + 2 * i, "%2x", &v) != 1)
            abort();
        h.p[i] = (uint8_t)v;
    }
    return h;
}

#endif
