/* join.h - chunks -> one message, bounded in octets, holes and time. rfc4975#7.3.1
 *
 * The caller holds all octets; join says of each incoming span what it is: the next in order
 * (deliver it now), ahead of a gap (hold it), or there already (drop it: the first octets win).
 *
 *     rc = msrp_join_begin(&j, head->has_range ? &head->range : NULL, now_ms);
 *     for each BODY span: while (span.n > 0 && (rc = msrp_join_feed(&j, span.n, &piece)) == 0) {
 *         DELIVER: use span[0..piece.n);  HOLD: keep a copy under offset piece.from;  DUP: nothing
 *         span.p += piece.n, span.n -= piece.n;
 *         while (msrp_join_take(&j, &run)) deliver what is held for [run.from, run.to)
 *     }
 *     rc = msrp_join_end(&j, flag, now_ms);  if (msrp_join_is_complete(&j)) ... */
#ifndef MSRP_JOIN_H
#define MSRP_JOIN_H

#include "msrp/err.h"
#include "msrp/range.h"

#define MSRP_JOIN_HELD 65536

enum msrp_join_kind { MSRP_JOIN_DELIVER, MSRP_JOIN_HOLD, MSRP_JOIN_DUP };

/* What the next n octets of the running chunk are. */
struct msrp_piece {
    enum msrp_join_kind kind;
    uint64_t from; /* offset of the first of them in the message */
    size_t n;
};

/* One message in the making. */
struct msrp_join {
    struct msrp_range got;
    uint64_t total;      /* MSRP_UNKNOWN until a header or the '$' chunk tells it */
    uint64_t delivered;  /* octets delivered in order: [0, delivered) */
    uint64_t held;       /* octets there but behind a gap */
    uint64_t at;         /* offset of the next octet of the running chunk */
    uint64_t chunk_end;  /* numeric end of the running chunk, else MSRP_UNKNOWN */
    uint64_t size_max;   /* cap of the whole message */
    uint64_t held_max;   /* cap of held */
    uint64_t duplicates; /* octets dropped because they were there */
    int64_t touched_ms;  /* when the last chunk began or ended */
    bool is_begun;       /* a chunk has begun at some time */
    bool has_last;       /* the '$' chunk has come */
    bool is_aborted;
    int failed; /* the error that ended the message, 0 while it lives */
};

/* runs[0..cap) is the caller's and lives as long as the join (MSRP_RANGE_RUNS of them allow 64
 * gaps). size_max, held_max: octets. */
void msrp_join_init(struct msrp_join *j, struct msrp_run *runs, size_t cap, uint64_t size_max,
                    uint64_t held_max);

/* A chunk begins. range NULL: no Byte-Range, legal for the first chunk only, then 1-*, total *.
 * Returns 0; JOIN_NO_RANGE (row 35); JOIN_TOTAL when the total differs from the one known, or lies
 * below an octet that is there (row 31); JOIN_SIZE when total, start or numeric end lie above
 * size_max (row 37); JOIN_ABORTED after '#'; or the error that ended the message before. Every
 * error but JOIN_NO_RANGE ends the message. Nothing is sized from the declared total. */
__attribute__((warn_unused_result)) int
msrp_join_begin(struct msrp_join *j, const struct msrp_byte_range *range, int64_t now_ms);

/* Sorts the next n octets (n >= 1) of the running chunk: *piece covers the first piece->n of them.
 * Returns 0; JOIN_OVER above a numeric end (row 33) or the known total; JOIN_SIZE; JOIN_GAPS or
 * JOIN_HELD (row 38). An error ends the message; octets before it were sorted by earlier calls. */
__attribute__((warn_unused_result)) int msrp_join_feed(struct msrp_join *j, size_t n,
                                                       struct msrp_piece *piece);

/* Held octets that have become the next in order. True with *run set; the caller delivers them now.
 * To be drained after each DELIVER piece. */
bool msrp_join_take(struct msrp_join *j, struct msrp_run *run);

/* The running chunk ends. '$' fixes the total where the octets really ended (rows F14, C9), also
 * when that is short of its own numeric end (row 32).
 * Returns 0; JOIN_END when the numeric end of the '$' chunk, or where it has none its last octet,
 * is not the known total (row 31);
 * JOIN_TOTAL when octets lie behind the end that '$' fixed; JOIN_ABORTED on '#' (row 40). */
__attribute__((warn_unused_result)) int msrp_join_end(struct msrp_join *j, char flag,
                                                      int64_t now_ms);

/* True when the total is known and every octet is there. A message that declared its total in a
 * header is complete with its last octet; the '$' may have come before or come with it. */
bool msrp_join_is_complete(const struct msrp_join *j);

/* True when no chunk began or ended for more than idle_ms and the message is not complete. */
bool msrp_join_is_stale(const struct msrp_join *j, int64_t now_ms, int64_t idle_ms);

#endif
