/* keep.h - a received file: written beside its place, on the disk before it gets its name, and
 * never over a file that is there. */
#ifndef RELAY_CMD_KEEP_H
#define RELAY_CMD_KEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RELAY_KEEP_PATH = 4096 };

struct relay_keep {
    char path[RELAY_KEEP_PATH]; /* where it is to be; where it is after relay_keep_done */
    char part[RELAY_KEEP_PATH];
    size_t stem; /* octets of path before the suffix */
    char suffix[32];
    int fd; /* -1: not open */
};

/* DIR/NAME and a suffix (".bin", or ""). Nothing is opened yet. False: the names are too long. */
bool relay_keep_init(struct relay_keep *keep, const char *dir, const char *name,
                     const char *suffix);

/* Writes n octets at an offset; the first call makes the file. 0, or -1 (errno). */
int relay_keep_write(struct relay_keep *keep, uint64_t at, const void *p, size_t n)
    __attribute__((warn_unused_result));

/* The file is complete: on the disk, then under its name, or NAME-2, NAME-3 ... where that is
 * taken. 0, or -1 (errno): then relay_keep_drop. */
int relay_keep_done(struct relay_keep *keep) __attribute__((warn_unused_result));

/* It is not wanted. */
void relay_keep_drop(struct relay_keep *keep);

#endif
