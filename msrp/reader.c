/* reader.c - see reader.h. */
#include "msrp/reader.h"

#include <string.h>

enum state { IN_HEAD, IN_END_LINE, IN_BODY };

static const struct msrp_limits limits_default = MSRP_LIMITS_DEFAULT;

void msrp_reader_init(struct msrp_reader *r, const struct msrp_limits *limits)
{
    *r = (struct msrp_reader){.limits = limits ? *limits : limits_default, .state = IN_HEAD};
    memcpy(r->mark, "\r\n-------", 9);
    r->mark_len = 9;
}

static ssize_t fail(struct msrp_reader *r, int err)
{
    r->failed = err;
    return err;
}

/* A head that breaks off before its end: an earlier fault in its complete lines comes first, and
 * tid and From-Path may still be there for an answer. */
static ssize_t fail_in_head(struct msrp_reader *r, const char *buf, int err)
{
    int rc = 0;

    if (r->line == 0) {
        r->head = (struct msrp_head){.tid = {NULL, 0}}; /* no start line: nothing to answer */
    } else {
        rc = msrp_head_salvage(&r->head, buf, r->line, &r->limits);
    }
    return fail(r, rc < 0 ? rc : err);
}

/* Is this line, without CRLF, the end-line of the frame whose id stands in the head? row F4 */
static bool is_end_line(const struct msrp_reader *r, struct msrp_str line)
{
    size_t n = r->head.tid.n;

    return line.n == 7 + n + 1 && memcmp(line.p, r->mark + 2, 7) == 0 &&
           memcmp(line.p + 7, r->mark + 9, n) == 0 && memchr("$+#", line.p[7 + n], 3) != NULL;
}

/* The head stands whole in buf[0..r->line); `used` octets go with it. */
static ssize_t end_head(struct msrp_reader *r, const char *buf, size_t used, bool has_body,
                        struct msrp_event *ev)
{
    int rc = msrp_head_parse_next(&r->head, buf, r->line, has_body, &r->limits, r->kept);

    if (rc < 0) {
        return fail(r, rc);
    }
    r->err = r->head.err;
    r->octets = 0;
    r->state = has_body ? IN_BODY : IN_END_LINE;
    *ev = (struct msrp_event){.kind = MSRP_EV_HEAD, .err = r->err, .head = &r->head};
    return (ssize_t)used;
}

/* The start line is needed at once: its id makes the end-line known. */
static int read_start(struct msrp_reader *r, struct msrp_str line)
{
    int rc = msrp_head_parse_start(&r->head, line);

    if (r->head.tid.n == 0 || rc == MSRP_E_START_LINE) {
        return rc;
    }
    memcpy(r->mark + 9, r->head.tid.p, r->head.tid.n);
    r->mark_len = 9 + r->head.tid.n;
    return 0; /* other faults of the line wait until From-Path can be read */
}

static ssize_t next_in_head(struct msrp_reader *r, const char *buf, size_t len,
                            struct msrp_event *ev)
{
    static const char prefix[] = {'M', 'S', 'R', 'P', ' '};

    /* row 1: what does not begin like MSRP is not waited for */
    if (memcmp(buf, prefix, len < sizeof(prefix) ? len : sizeof(prefix)) != 0) {
        return fail_in_head(r, buf, MSRP_E_PREFIX);
    }
    for (;;) {
        const char *lf = memchr(buf + r->seen, '\n', len - r->seen);
        size_t to = lf ? (size_t)(lf - buf) : len;
        struct msrp_str line = {buf + r->line, to - r->line};
        int rc;

        if (line.n > r->limits.line + 1) {
            return fail_in_head(r, buf, MSRP_E_LINE_LONG);
        }
        if (!lf) {
            r->seen = len;
            *ev = (struct msrp_event){.kind = MSRP_EV_MORE};
            return 0;
        }
        if (line.n == 0 || line.p[line.n - 1] != '\r') {
            return fail_in_head(r, buf, MSRP_E_BARE_LF);
        }
        line.n--;
        if (r->line == 0) {
            rc = read_start(r, line);
            if (rc < 0) {
                return fail(r, rc);
            }
        } else if (line.n == 0) {
            return end_head(r, buf, to + 1, true, ev);
        } else if (line.p[0] == '-') {
            return is_end_line(r, line) ? end_head(r, buf, r->line, false, ev)
                                        : fail_in_head(r, buf, MSRP_E_NAME_FORM);
        } else if (r->lines++ == r->limits.headers) {
            return fail_in_head(r, buf, MSRP_E_HEADERS_MANY);
        }
        if (to + 1 > r->limits.block) {
            return fail_in_head(r, buf, MSRP_E_BLOCK_LONG);
        }
        r->line = r->seen = to + 1;
    }
}

/* The frame is over; `used` octets go with its end-line. */
static ssize_t end_frame(struct msrp_reader *r, char flag, size_t used, struct msrp_event *ev)
{
    bool is_send = r->head.method == MSRP_SEND;

    if (r->err == 0 && !is_send && flag != '$') {
        r->err = MSRP_E_FLAG; /* rfc4975#7.1, #7.2: only SEND is chunked; rows F11, F12 */
    }
    *ev = (struct msrp_event){.kind = MSRP_EV_END, .flag = flag, .err = r->err};
    r->state = IN_HEAD;
    r->line = r->seen = r->lines = 0;
    return (ssize_t)used;
}

/* Offset of the first octet that may belong to the end-line; *is_whole when it stands there in
 * full. Its last octets, flag and CRLF, are looked at only here: all of it or nothing, row F4. */
static size_t find_end(const struct msrp_reader *r, struct msrp_str s, bool *is_whole)
{
    struct msrp_str mark = {r->mark, r->mark_len};
    size_t at = 0;

    *is_whole = false;
    for (;;) {
        const char *tail;
        size_t rest;

        at += msrp_str_find_mark((struct msrp_str){s.p + at, s.n - at}, mark);
        if (s.n - at <= mark.n) {
            return at;
        }
        tail = s.p + at + mark.n;
        rest = s.n - at - mark.n;
        if (memchr("$+#", tail[0], 3) != NULL && (rest < 2 || tail[1] == '\r') &&
            (rest < 3 || tail[2] == '\n')) {
            *is_whole = rest >= 3;
            return at;
        }
        at++;
    }
}

static ssize_t next_in_body(struct msrp_reader *r, const char *buf, size_t len,
                            struct msrp_event *ev)
{
    bool is_whole;
    size_t n = find_end(r, (struct msrp_str){buf, len}, &is_whole);

    if (n == 0) {
        if (is_whole) {
            return end_frame(r, buf[r->mark_len], r->mark_len + 3, ev);
        }
        *ev = (struct msrp_event){.kind = MSRP_EV_MORE};
        return 0;
    }
    if (r->head.method != MSRP_SEND) {
        /* rfc4975#7.1; rows F11, 49 */
        uint64_t room = r->limits.body_huge - r->octets;

        if (room == 0) {
            return fail(r, MSRP_E_BODY_HUGE);
        }
        n = n < room ? n : (size_t)room;
        if (r->err == 0 && r->octets + n > r->limits.body) {
            r->err = MSRP_E_BODY_LONG;
        }
    }
    r->octets += n;
    *ev = (struct msrp_event){.kind = MSRP_EV_BODY, .body = {buf, n}};
    return (ssize_t)n;
}

ssize_t msrp_reader_next(struct msrp_reader *r, const char *buf, size_t len, struct msrp_event *ev)
{
    *ev = (struct msrp_event){.kind = MSRP_EV_MORE};
    if (r->failed) {
        return r->failed;
    }
    if (len == 0) {
        return 0;
    }
    if (r->state == IN_HEAD) {
        return next_in_head(r, buf, len, ev);
    }
    if (r->state == IN_BODY) {
        return next_in_body(r, buf, len, ev);
    }
    /* IN_END_LINE, seen whole before HEAD was given: mark without its CRLF, flag, CRLF */
    if (len < r->mark_len + 1) {
        return 0;
    }
    return end_frame(r, buf[r->mark_len - 2], r->mark_len + 1, ev);
}

bool msrp_reader_is_answerable(const struct msrp_reader *r)
{
    const struct msrp_head *head = &r->head;

    return r->failed != 0 && msrp_err_status(r->failed) != 0 && head->tid.n > 0 &&
           head->from.count > 0 && !head->is_response && head->method != MSRP_REPORT;
}

struct msrp_str msrp_reader_tid(const struct msrp_reader *r)
{
    return (struct msrp_str){r->mark + 9, r->mark_len - 9};
}

bool msrp_reader_is_between(const struct msrp_reader *r)
{
    return !r->failed && r->state == IN_HEAD && r->seen == 0;
}
