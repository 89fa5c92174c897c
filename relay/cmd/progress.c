#include "relay/cmd/progress.h"

#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

enum { WIDTH = 40 };

static bool stands; /* a bar, with the cursor behind it */

void relay_progress_draw(const char *what, uint64_t done, uint64_t total)
{
    char bar[WIDTH + 1];
    if (total <= 1024 * 1024 || !isatty(STDERR_FILENO)) {
        return;
    }
    done = done > total ? total : done;
    uint64_t full = done * WIDTH / total;
    for (unsigned i = 0; i < WIDTH; i++) {
        bar[i] = i < full ? '#' : '.';
    }
    bar[WIDTH] = '\0';
    fprintf(stderr, "\r%s [%s] %3u %%  %.1f of %.1f MiB", what, bar, (unsigned)(done * 100 / total),
            (double)done / 1048576.0, (double)total / 1048576.0);
    stands = true;
    if (done == total) {
        relay_progress_break();
    }
    fflush(stderr);
}

void relay_progress_break(void)
{
    if (stands) {
        fputc('\n', stderr);
        stands = false;
    }
}
