/* reason.h - how a test says which refusals it has seen, for tests/coverage-reasons. */
#ifndef TESTS_REASON_H
#define TESTS_REASON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "relay/err.h"

/* Appends the label of `err` and a newline to the file named by the environment variable
 * MC_REASONS, once in a process; without that variable it does nothing. */
static inline void reason_hit(int err)
{
    static bool is_told[1024];
    const char *path = getenv("MC_REASONS");
    size_t i = 0;

    if (!path)
        return;
    while (relay_err_at(i) && relay_err_at(i)->err != err)
        i++;
    if (!relay_err_at(i) || i >= sizeof is_told / sizeof *is_told || is_told[i])
        return;
    is_told[i] = true;
    FILE *f = fopen(path, "a");
    if (f) {
        fprintf(f, "%s\n", relay_err_row(err)->label);
        fclose(f);
    }
}

#endif
