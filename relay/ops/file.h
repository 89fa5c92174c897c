/* file.h - small files, read whole. */
#ifndef RELAY_OPS_FILE_H
#define RELAY_OPS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/err.h"

/* What a file was when it was looked at. */
struct relay_stamp {
    int64_t sec;
    int64_t nsec;
    int64_t size;
    uint64_t inode;
};

/* Reads a regular file of at most `max` octets. *p is malloced, with a NUL behind its n octets, and
 * is released with relay_file_free. `is_secret`: a file that others may read is refused. On failure
 * *p is NULL and `why` (why_n octets) says which file and what to do.
 * 0, RELAY_E_IO, RELAY_E_NOMEM. */
int relay_file_read(const char *path, size_t max, bool is_secret, char **p, size_t *n, char *why,
                    size_t why_n) __attribute__((warn_unused_result));
void relay_file_free(char *p, size_t n); /* wipes; NULL is allowed */

/* The stamp of a file or directory; all zero when there is none. */
struct relay_stamp relay_file_stamp(const char *path);
/* Mixes the stamp of a file (NULL: none) into a sum over many, which changes when any of them does.
 */
uint64_t relay_stamp_mix(uint64_t sum, const char *path);

#endif
