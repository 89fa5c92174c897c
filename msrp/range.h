/* range.h - Byte-Range values, and which octets of a message have arrived (interval set).
 *
 * On the wire positions count from 1 and ends are inclusive (rfc4975#7.1.1). Inside, offsets count
 * from 0 and runs are half open: [from, to). */
#ifndef MSRP_RANGE_H
#define MSRP_RANGE_H

#include <sys/types.h>

#include "msrp/str.h"

#define MSRP_UNKNOWN    UINT64_MAX /* '*' */
#define MSRP_RANGE_RUNS 65         /* runs that 64 gaps need */
#define MSRP_RANGE_TEXT 62         /* longest printed Byte-Range value with its NUL */

/* One Byte-Range value. */
struct msrp_byte_range {
    uint64_t start; /* 1..2^63-1 */
    uint64_t end;   /* start-1..2^63-1, or MSRP_UNKNOWN */
    uint64_t total; /* 0..2^63-1, or MSRP_UNKNOWN */
};

/* Reads `start-end/total`. Checked: digits only, at most 19 of them, at most 2^63-1; start >= 1;
 * end >= start-1; end <= total; start <= total+1. So `1-0/0` is legal.
 * Returns 0 or MSRP_E_RANGE_*; *range is written on success only. rows 29, 30 */
__attribute__((warn_unused_result)) int msrp_range_parse(struct msrp_byte_range *range,
                                                         struct msrp_str text);

/* Writes the value with a NUL; cap of MSRP_RANGE_TEXT always suffices. Returns the octets written
 * without the NUL, or MSRP_E_SPACE. */
__attribute__((warn_unused_result)) ssize_t msrp_range_print(const struct msrp_byte_range *range,
                                                             char *out, size_t cap);

/* Octets [from, to). */
struct msrp_run {
    uint64_t from;
    uint64_t to;
};

/* The set: sorted runs that neither touch nor overlap. The array is the caller's and lives as long
 * as the set. */
struct msrp_range {
    struct msrp_run *runs;
    size_t n;
    size_t cap;
};

/* An empty set over runs[0..cap), cap >= 1. A message may have cap-1 gaps between its runs. */
void msrp_range_init(struct msrp_range *r, struct msrp_run *runs, size_t cap);

/* Adds the first part of [from, to) that the set lacks and says which it was, so that octets which
 * came first can win:
 *     while ((rc = msrp_range_add(r, from, to, &fresh)) > 0) { use fresh; from = fresh.to; }
 * Returns 1 with *fresh set; 0 when every octet is there already (also from >= to); or
 * MSRP_E_JOIN_GAPS when the array is full, the set unchanged. */
__attribute__((warn_unused_result)) int msrp_range_add(struct msrp_range *r, uint64_t from,
                                                       uint64_t to, struct msrp_run *fresh);

/* Looks without adding: as msrp_range_add, but never an error. */
bool msrp_range_find_new(const struct msrp_range *r, uint64_t from, uint64_t to,
                         struct msrp_run *fresh);

/* True when all of [from, to) is there; an empty run always is. */
bool msrp_range_covers(const struct msrp_range *r, uint64_t from, uint64_t to);

/* True when exactly [0, total) is there. */
bool msrp_range_is_complete(const struct msrp_range *r, uint64_t total);

/* The first offset that is missing (0 for an empty set). */
uint64_t msrp_range_first_missing(const struct msrp_range *r);

/* One past the last octet that is there (0 for an empty set). */
uint64_t msrp_range_end(const struct msrp_range *r);

/* How many octets are there. */
uint64_t msrp_range_octets(const struct msrp_range *r);

#endif
