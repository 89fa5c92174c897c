/* range.c - see range.h. */
#include "msrp/range.h"

#include <string.h>

#include "msrp/err.h"

/* '*' or a number; MSRP_E_RANGE_*. */
static int read_bound(struct msrp_str s, uint64_t *v)
{
    int rc;

    if (msrp_str_is(s, "*")) {
        *v = MSRP_UNKNOWN;
        return 0;
    }
    rc = msrp_str_u64(s, v);
    return rc == MSRP_E_NUMBER ? MSRP_E_RANGE_FORM : rc;
}

int msrp_range_parse(struct msrp_byte_range *range, struct msrp_str text)
{
    struct msrp_str start, end, total;
    struct msrp_byte_range r;
    int rc;

    /* rfc4975#9: range-start "-" range-end "/" total */
    if (!msrp_str_cut(text, '-', &start, &end) || !msrp_str_cut(end, '/', &end, &total) ||
        msrp_str_is(start, "*")) {
        return MSRP_E_RANGE_FORM;
    }
    if ((rc = read_bound(start, &r.start)) < 0 || (rc = read_bound(end, &r.end)) < 0 ||
        (rc = read_bound(total, &r.total)) < 0) {
        return rc;
    }
    if (r.start == 0) {
        return MSRP_E_RANGE_ZERO; /* rfc4975#7.1.1: the first octet is 1 */
    }
    if (r.end != MSRP_UNKNOWN && r.end < r.start - 1) {
        return MSRP_E_RANGE_END_LOW;
    }
    if (r.end != MSRP_UNKNOWN && r.total != MSRP_UNKNOWN && r.end > r.total) {
        return MSRP_E_RANGE_END_HIGH;
    }
    if (r.total != MSRP_UNKNOWN && r.start - 1 > r.total) {
        return MSRP_E_RANGE_START_HIGH;
    }
    *range = r;
    return 0;
}

/* '*' or the number, behind out[n), which has room. */
static size_t put_bound(char *out, size_t n, uint64_t v)
{
    char text[20];
    size_t at = sizeof(text);

    if (v == MSRP_UNKNOWN) {
        out[n] = '*';
        return n + 1;
    }
    do {
        text[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    memcpy(out + n, text + at, sizeof(text) - at);
    return n + sizeof(text) - at;
}

ssize_t msrp_range_print(const struct msrp_byte_range *range, char *out, size_t cap)
{
    char text[3 * 20 + 3];
    size_t n = put_bound(text, 0, range->start);

    text[n++] = '-';
    n = put_bound(text, n, range->end);
    text[n++] = '/';
    n = put_bound(text, n, range->total);
    text[n] = '\0';
    if (n >= cap) {
        return MSRP_E_SPACE;
    }
    memcpy(out, text, n + 1);
    return (ssize_t)n;
}

void msrp_range_init(struct msrp_range *r, struct msrp_run *runs, size_t cap)
{
    *r = (struct msrp_range){.runs = runs, .n = 0, .cap = cap};
}

/* Index of the first run that ends behind `at`, r->n when there is none. */
static size_t run_behind(const struct msrp_range *r, uint64_t at)
{
    size_t low = 0, high = r->n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (r->runs[mid].to > at) {
            high = mid;
        } else {
            low = mid + 1;
        }
    }
    return low;
}

bool msrp_range_find_new(const struct msrp_range *r, uint64_t from, uint64_t to,
                         struct msrp_run *fresh)
{
    size_t i = run_behind(r, from);

    if (i < r->n && r->runs[i].from <= from) {
        from = r->runs[i].to;
        i++;
    }
    if (from >= to) {
        return false;
    }
    if (i < r->n && r->runs[i].from < to) {
        to = r->runs[i].from;
    }
    *fresh = (struct msrp_run){from, to};
    return true;
}

int msrp_range_add(struct msrp_range *r, uint64_t from, uint64_t to, struct msrp_run *fresh)
{
    bool joins_left, joins_right;
    size_t i;

    if (!msrp_range_find_new(r, from, to, fresh)) {
        return 0;
    }
    from = fresh->from;
    to = fresh->to;
    i = run_behind(r, from);
    joins_left = i > 0 && r->runs[i - 1].to == from;
    joins_right = i < r->n && r->runs[i].from == to;

    if (joins_left && joins_right) {
        r->runs[i - 1].to = r->runs[i].to;
        memmove(&r->runs[i], &r->runs[i + 1], (r->n - i - 1) * sizeof(r->runs[0]));
        r->n--;
    } else if (joins_left) {
        r->runs[i - 1].to = to;
    } else if (joins_right) {
        r->runs[i].from = from;
    } else {
        if (r->n == r->cap) {
            return MSRP_E_JOIN_GAPS;
        }
        memmove(&r->runs[i + 1], &r->runs[i], (r->n - i) * sizeof(r->runs[0]));
        r->runs[i] = *fresh;
        r->n++;
    }
    return 1;
}

bool msrp_range_covers(const struct msrp_range *r, uint64_t from, uint64_t to)
{
    struct msrp_run fresh;

    return !msrp_range_find_new(r, from, to, &fresh);
}

bool msrp_range_is_complete(const struct msrp_range *r, uint64_t total)
{
    if (total == 0) {
        return r->n == 0;
    }
    return r->n == 1 && r->runs[0].from == 0 && r->runs[0].to == total;
}

uint64_t msrp_range_first_missing(const struct msrp_range *r)
{
    return r->n > 0 && r->runs[0].from == 0 ? r->runs[0].to : 0;
}

uint64_t msrp_range_end(const struct msrp_range *r)
{
    return r->n > 0 ? r->runs[r->n - 1].to : 0;
}

uint64_t msrp_range_octets(const struct msrp_range *r)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < r->n; i++) {
        sum += r->runs[i].to - r->runs[i].from;
    }
    return sum;
}
