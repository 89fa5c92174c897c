#include "relay/client/mark.h"

#include <string.h>

size_t relay_mark_clear(const struct relay_mark *mark, const char *p, size_t n)
{
    struct msrp_str spans[2] = {{mark->carry, mark->carry_n}, {p, n}};
    size_t found = msrp_tid_find(msrp_str_of(mark->tid), spans, 2);
    if (found == SIZE_MAX) {
        return n;
    }
    found += 6; /* up to six of its dashes may still stand in this chunk */
    return found > mark->carry_n ? found - mark->carry_n : 0;
}

void relay_mark_passed(struct relay_mark *mark, const char *p, size_t n)
{
    size_t most = 7 + MSRP_IDENT_MADE - 1;
    if (n >= most) {
        memcpy(mark->carry, p + n - most, most);
        mark->carry_n = most;
        return;
    }
    size_t keep = mark->carry_n < most - n ? mark->carry_n : most - n;
    memmove(mark->carry, mark->carry + mark->carry_n - keep, keep);
    memcpy(mark->carry + keep, p, n);
    mark->carry_n = keep + n;
}
