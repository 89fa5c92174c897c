/* split.c - see split.h. */
#include "msrp/split.h"

void msrp_split_init(struct msrp_split *s, uint64_t total)
{
    *s = (struct msrp_split){.total = total};
}

void msrp_split_resume(struct msrp_split *s, uint64_t sent)
{
    s->sent = sent;
}

void msrp_split_set_total(struct msrp_split *s, uint64_t total)
{
    s->total = total;
}

/* rfc4975#7.1.1: a chunk whose end is '*' may be interrupted; rows C3, C4 */
static bool is_interruptible(const struct msrp_split *s)
{
    return s->open_octets > MSRP_CHUNK_STEP;
}

void msrp_split_open(struct msrp_split *s, struct msrp_chunk *chunk, uint64_t most)
{
    uint64_t rest = s->total == MSRP_UNKNOWN ? MSRP_UNKNOWN : s->total - s->sent;

    s->is_open = true;
    s->open_octets = most > 0 && most < rest ? most : rest;
    *chunk = (struct msrp_chunk){.from = s->sent, .octets = s->open_octets};
    if (s->total == MSRP_UNKNOWN) {
        s->open_octets = MSRP_UNKNOWN; /* the message may end anywhere in it */
    }
    chunk->range = (struct msrp_byte_range){.start = s->sent + 1,
                                            .end = is_interruptible(s) ? MSRP_UNKNOWN
                                                                       : s->sent + s->open_octets,
                                            .total = s->total};
}

bool msrp_split_may_cut(const struct msrp_split *s, uint64_t written)
{
    return written == s->open_octets ||
           (s->total != MSRP_UNKNOWN && s->sent + written == s->total) ||
           (is_interruptible(s) && written >= MSRP_CHUNK_STEP);
}

int msrp_split_close(struct msrp_split *s, uint64_t written, char *flag)
{
    if (written > s->open_octets || (written < s->open_octets && !is_interruptible(s)) ||
        (s->total != MSRP_UNKNOWN && written > s->total - s->sent)) {
        return MSRP_E_SPLIT_CUT;
    }
    s->sent += written;
    s->is_open = false;
    s->is_done = s->sent == s->total;
    *flag = s->is_done ? '$' : '+';
    return 0;
}

char msrp_split_abort(struct msrp_split *s, struct msrp_chunk *chunk)
{
    if (chunk) {
        *chunk = (struct msrp_chunk){
            .from = s->sent,
            .octets = 0,
            .range = {.start = s->sent + 1, .end = MSRP_UNKNOWN, .total = s->total}};
    }
    s->is_open = false;
    s->is_done = true;
    return '#';
}

bool msrp_split_is_done(const struct msrp_split *s)
{
    return s->is_done;
}
