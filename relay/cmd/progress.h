/* progress.h - a bar on a terminal for what takes a while. */
#ifndef RELAY_CMD_PROGRESS_H
#define RELAY_CMD_PROGRESS_H

#include <stdint.h>

/* Draws `done` of `total` octets on stderr when that is a terminal and total is over 1 MiB; each
 * call draws over the one before. At the end the line is finished. */
void relay_progress_draw(const char *what, uint64_t done, uint64_t total);

/* Something else is about to be printed: a bar that stands there gets its line end. */
void relay_progress_break(void);

#endif
