/* join.c - see join.h. */
#include "msrp/join.h"

void msrp_join_init(struct msrp_join *j, struct msrp_run *runs, size_t cap, uint64_t size_max,
                    uint64_t held_max)
{
    *j = (struct msrp_join){.total = MSRP_UNKNOWN,
                            .chunk_end = MSRP_UNKNOWN,
                            .size_max = size_max,
                            .held_max = held_max};
    msrp_range_init(&j->got, runs, cap);
}

static int fail(struct msrp_join *j, int err)
{
    j->failed = err;
    return err;
}

int msrp_join_begin(struct msrp_join *j, const struct msrp_byte_range *range, int64_t now_ms)
{
    struct msrp_byte_range r = {1, MSRP_UNKNOWN, MSRP_UNKNOWN};

    if (j->failed) {
        return j->failed;
    }
    if (!range && j->is_begun) {
        return MSRP_E_JOIN_NO_RANGE; /* rfc4975#7.1.1; rows C3, 35 */
    }
    r = range ? *range : r;
    if (r.total != MSRP_UNKNOWN) {
        /* row 31; T24: a total below what is there is a lie of one of the two */
        if ((j->total != MSRP_UNKNOWN && j->total != r.total) ||
            r.total < msrp_range_end(&j->got)) {
            return fail(j, MSRP_E_JOIN_TOTAL);
        }
        if (r.total > j->size_max) {
            return fail(j, MSRP_E_JOIN_SIZE); /* row 37 */
        }
        j->total = r.total;
    }
    if (r.start - 1 > j->size_max || (r.end != MSRP_UNKNOWN && r.end > j->size_max)) {
        return fail(j, MSRP_E_JOIN_SIZE);
    }
    if (j->total != MSRP_UNKNOWN && r.start - 1 > j->total) {
        return fail(j, MSRP_E_JOIN_TOTAL);
    }
    j->at = r.start - 1;
    j->chunk_end = r.end;
    j->is_begun = true;
    j->touched_ms = now_ms;
    return 0;
}

int msrp_join_feed(struct msrp_join *j, size_t n, struct msrp_piece *piece)
{
    uint64_t end = j->at + n; /* at is at most size_max: no overflow while that is below 2^63 */
    struct msrp_run fresh;
    int rc;

    if (j->failed) {
        return j->failed;
    }
    end = end < j->chunk_end ? end : j->chunk_end;
    end = end < j->total ? end : j->total;
    if (end <= j->at) {
        return fail(j, MSRP_E_JOIN_OVER); /* row 33 */
    }
    end = end < j->size_max ? end : j->size_max;
    if (end <= j->at) {
        return fail(j, MSRP_E_JOIN_SIZE); /* row 37: the running size */
    }
    *piece = (struct msrp_piece){.kind = MSRP_JOIN_DUP, .from = j->at};
    if (!msrp_range_find_new(&j->got, j->at, end, &fresh)) {
        fresh.from = end;
    }
    if (fresh.from > j->at) {
        /* there already: the first octets win, rows C10, 36 */
        j->duplicates += fresh.from - j->at;
        piece->n = (size_t)(fresh.from - j->at);
        j->at = fresh.from;
        return 0;
    }
    end = fresh.to;
    if (j->at == j->delivered) {
        piece->kind = MSRP_JOIN_DELIVER;
    } else {
        uint64_t room = j->held_max - j->held;

        if (room == 0) {
            return fail(j, MSRP_E_JOIN_HELD); /* row 38 */
        }
        piece->kind = MSRP_JOIN_HOLD;
        end = end - j->at < room ? end : j->at + room;
    }
    rc = msrp_range_add(&j->got, j->at, end, &fresh);
    if (rc < 0) {
        return fail(j, rc);
    }
    piece->n = (size_t)(end - j->at);
    if (piece->kind == MSRP_JOIN_DELIVER) {
        j->delivered = end;
    } else {
        j->held += piece->n;
    }
    j->at = end;
    return 0;
}

bool msrp_join_take(struct msrp_join *j, struct msrp_run *run)
{
    uint64_t there = msrp_range_first_missing(&j->got);

    if (there <= j->delivered) {
        return false;
    }
    *run = (struct msrp_run){j->delivered, there};
    j->held -= there - j->delivered;
    j->delivered = there;
    return true;
}

int msrp_join_end(struct msrp_join *j, char flag, int64_t now_ms)
{
    uint64_t told = j->chunk_end != MSRP_UNKNOWN ? j->chunk_end : j->at;

    if (j->failed) {
        return j->failed;
    }
    j->touched_ms = now_ms;
    if (flag == '#') {
        j->is_aborted = true;
        return fail(j, MSRP_E_JOIN_ABORTED); /* rows C1, 40 */
    }
    if (flag != '$') {
        return 0;
    }
    if (j->total != MSRP_UNKNOWN && told != j->total) {
        return fail(j, MSRP_E_JOIN_END); /* row 31 */
    }
    /* rfc4975#7.3.1: what was received counts, not what the range told; rows F14, 32 */
    if (msrp_range_end(&j->got) > j->at) {
        return fail(j, MSRP_E_JOIN_TOTAL);
    }
    j->total = j->at;
    j->has_last = true;
    return 0;
}

bool msrp_join_is_complete(const struct msrp_join *j)
{
    return j->is_begun && !j->failed && j->total != MSRP_UNKNOWN &&
           msrp_range_is_complete(&j->got, j->total);
}

bool msrp_join_is_stale(const struct msrp_join *j, int64_t now_ms, int64_t idle_ms)
{
    return j->is_begun && !msrp_join_is_complete(j) && now_ms - j->touched_ms > idle_ms;
}
