/* split.h - one message -> chunks: the 2048 rule, interruption, abort. rfc4975#5.1, #7.1.1
 *
 *     msrp_split_init(&s, size);
 *     while (!msrp_split_is_done(&s)) {
 *         msrp_split_open(&s, &chunk, most);      // write the head with chunk.range
 *         ... write the chunk.octets octets from offset chunk.from, or fewer when it may be cut
 *         rc = msrp_split_close(&s, written, &flag);  // write the end-line with flag
 *     } */
#ifndef MSRP_SPLIT_H
#define MSRP_SPLIT_H

#include "msrp/err.h"
#include "msrp/range.h"

#define MSRP_CHUNK_STEP 2048 /* longest chunk that need not be interruptible */

/* A chunk about to be sent. */
struct msrp_chunk {
    uint64_t from;                /* offset of its first octet */
    uint64_t octets;              /* how many it shall carry; MSRP_UNKNOWN: as many as come */
    struct msrp_byte_range range; /* its Byte-Range: numeric end up to 2048 octets, else '*' */
};

struct msrp_split {
    uint64_t total; /* MSRP_UNKNOWN while it is not known */
    uint64_t sent;
    uint64_t open_octets; /* of the chunk being sent */
    bool is_open;
    bool is_done;
};

/* A message of `total` octets, 0..2^63-1, or MSRP_UNKNOWN when it is still being made. */
void msrp_split_init(struct msrp_split *s, uint64_t total);

/* Goes on behind the first `sent` octets, which another chunk (another connection) has carried.
 * Between chunks only; sent <= total. */
void msrp_split_resume(struct msrp_split *s, uint64_t sent);

/* The total has become known; not below what was sent. */
void msrp_split_set_total(struct msrp_split *s, uint64_t total);

/* Opens the next chunk, of at most `most` octets (0: all the rest). A message of no octets has one
 * chunk, `1-0/0`. Call only when no chunk is open and the message is not done. */
void msrp_split_open(struct msrp_split *s, struct msrp_chunk *chunk, uint64_t most);

/* May the open chunk end after `written` octets? Yes at its planned end, and anywhere from 2048
 * octets on when its end is '*'. rows C4-C6 */
bool msrp_split_may_cut(const struct msrp_split *s, uint64_t written);

/* Closes the open chunk after `written` octets and says its flag: '$' when the message is complete,
 * else '+'. Returns 0, or MSRP_E_SPLIT_CUT when `written` is more than planned, or fewer with a
 * numeric end; a '*' chunk may be cut below 2048 as well, though a sender should not. The chunk
 * then stays open. */
__attribute__((warn_unused_result)) int msrp_split_close(struct msrp_split *s, uint64_t written,
                                                         char *flag);

/* Gives the message up. Returns the flag of the end-line that ends the open chunk, '#'; with no
 * chunk open the caller sends an empty chunk with it: *chunk (may be NULL) describes that one. */
char msrp_split_abort(struct msrp_split *s, struct msrp_chunk *chunk);

/* True when the last chunk ('$' or '#') has been closed. */
bool msrp_split_is_done(const struct msrp_split *s);

#endif
