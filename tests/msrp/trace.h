/* trace.h - runs octets through the reader under any split and writes the events down as text.
 *
 * The reader only ever sees a fresh allocation of exactly the octets it may look at, so that an
 * address sanitizer catches each octet read too far and each span kept too long. */
#ifndef TESTS_MSRP_TRACE_H
#define TESTS_MSRP_TRACE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "msrp/msrp.h"

struct trace {
    char text[1 << 18];
    size_t n;
    char *body; /* of the frame being read */
    size_t body_n;
    size_t body_cap;
    size_t left;     /* octets never consumed */
    size_t left_max; /* most octets left unconsumed in a body after MORE */
    int error;       /* the fatal error, 0 when there was none */
    int last_err;    /* plain fault of the last END */
    bool is_answerable;
    bool is_between;
    unsigned frames; /* ENDs seen */
};

static inline const char *err_name(int err)
{
    switch (err) {
#define X(name, value, text, label, status, rows)                                                  \
    case value:                                                                                    \
        return #name;
        MSRP_ERRORS(X)
#undef X
    default:
        return "0";
    }
}

__attribute__((format(printf, 2, 3))) static inline void trace_put(struct trace *t, const char *f,
                                                                   ...)
{
    va_list args;

    va_start(args, f);
    if (t->n < sizeof(t->text)) {
        t->n += (size_t)vsnprintf(t->text + t->n, sizeof(t->text) - t->n, f, args);
    }
    va_end(args);
}

/* Octets as one word: printable ones as they are, the rest as \r \n \\ \xHH. */
static inline void trace_octets(struct trace *t, struct msrp_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c == '\r' || c == '\n' || c == '\\') {
            trace_put(t, "\\%c", c == '\r' ? 'r' : c == '\n' ? 'n' : '\\');
        } else if (c < 0x20 || c > 0x7e) {
            trace_put(t, "\\x%02x", c);
        } else {
            trace_put(t, "%c", c);
        }
    }
}

static inline void trace_head(struct trace *t, const struct msrp_head *h, int err)
{
    static const char *asked[] = {"", "yes", "no", "partial"};
    char range[MSRP_RANGE_TEXT];

    if (h->is_response) {
        trace_put(t, "HEAD %03u %.*s", h->code, (int)h->tid.n, h->tid.p);
        trace_put(t, h->comment.n > 0 ? " comment=" : "");
        trace_octets(t, h->comment);
    } else {
        trace_put(t, "HEAD %.*s %.*s", (int)h->method_text.n, h->method_text.p, (int)h->tid.n,
                  h->tid.p);
    }
    trace_put(t, " to=%zu from=%zu", h->to.count, h->from.count);
    if (h->has_message_id) {
        trace_put(t, " id=%.*s", (int)h->message_id.n, h->message_id.p);
    }
    if (h->has_range && msrp_range_print(&h->range, range, sizeof(range)) > 0) {
        trace_put(t, " range=%s", range);
    }
    if (h->success_report != MSRP_ABSENT) {
        trace_put(t, " success=%s", asked[h->success_report]);
    }
    if (h->failure_report != MSRP_ABSENT) {
        trace_put(t, " failure=%s", asked[h->failure_report]);
    }
    if (h->has_status) {
        trace_put(t, " status=%03u/%03u", h->status.space, h->status.code);
    }
    if (h->expires.has) {
        trace_put(t, h->expires.is_bad ? " expires=bad" : " expires=%llu",
                  (unsigned long long)h->expires.value);
    }
    if (h->has_type) {
        trace_put(t, " type=%.*s", (int)h->content_type.n, h->content_type.p);
    }
    trace_put(t, "%s", h->has_body ? " body" : "");
    trace_put(t, err ? " fault=%s\n" : "\n", err_name(err));
}

static inline void trace_body_flush(struct trace *t)
{
    if (t->body_n > 0) {
        trace_put(t, "BODY %zu ", t->body_n);
        trace_octets(t, (struct msrp_str){t->body, t->body_n < 4096 ? t->body_n : 4096});
        trace_put(t, "\n");
        t->body_n = 0;
    }
}

/* How many octets the next read brings; at least 1. */
typedef size_t trace_step(void *arg, size_t fed);

static inline size_t trace_all(void *arg, size_t fed)
{
    (void)arg, (void)fed;
    return SIZE_MAX;
}

/* *(size_t *)arg octets each time. */
static inline size_t trace_by(void *arg, size_t fed)
{
    (void)fed;
    return *(size_t *)arg;
}

/* Cut once behind *(size_t *)arg octets. */
static inline size_t trace_cut(void *arg, size_t fed)
{
    size_t at = *(size_t *)arg;

    return fed < at ? at - fed : SIZE_MAX;
}

/* 1..40 octets from a seed. */
static inline size_t trace_random(void *arg, size_t fed)
{
    uint32_t *seed = arg;

    (void)fed;
    *seed = *seed * 1664525u + 1013904223u;
    return 1 + (*seed >> 16) % 40;
}

/* Reads buf[0..len) and writes the trace; free with trace_free. */
static inline struct trace *trace_run(const char *buf, size_t len, const struct msrp_limits *limits,
                                      trace_step *step, void *arg)
{
    struct trace *t = calloc(1, sizeof(*t));
    struct msrp_reader r;
    struct msrp_event ev;
    size_t at = 0, fed = 0;
    bool in_body = false;

    msrp_reader_init(&r, limits);
    while (fed < len && t->error == 0) {
        size_t more = step(arg, fed);
        char *window;

        fed += more < len - fed ? more : len - fed;
        window = malloc(fed - at > 0 ? fed - at : 1);
        memcpy(window, buf + at, fed - at);
        for (size_t from = at;;) {
            ssize_t used = msrp_reader_next(&r, window + (at - from), fed - at, &ev);

            if (used < 0) {
                t->error = (int)used;
                t->is_answerable = msrp_reader_is_answerable(&r);
                trace_body_flush(t);
                trace_put(t, "FATAL %s%s\n", err_name((int)used),
                          t->is_answerable ? " answer" : "");
                if (t->is_answerable && (int)used != MSRP_E_BODY_HUGE) {
                    /* these spans must be alive now */
                    trace_put(t, "  to ");
                    trace_octets(t, msrp_head_answer_path(&r.head));
                    trace_put(t, "\n");
                }
                break;
            }
            if (ev.kind == MSRP_EV_BODY) {
                if (t->body_n + ev.body.n > t->body_cap) {
                    t->body_cap = 2 * (t->body_n + ev.body.n);
                    t->body = realloc(t->body, t->body_cap);
                }
                memcpy(t->body + t->body_n, ev.body.p, ev.body.n);
                t->body_n += ev.body.n;
            } else if (ev.kind == MSRP_EV_HEAD) {
                trace_head(t, ev.head, ev.err);
                in_body = true;
            } else if (ev.kind == MSRP_EV_END) {
                trace_body_flush(t);
                trace_put(t, "END %c", ev.flag);
                trace_put(t, ev.err ? " fault=%s\n" : "\n", err_name(ev.err));
                t->last_err = ev.err;
                t->frames++;
                in_body = false;
            }
            at += (size_t)used;
            if (ev.kind == MSRP_EV_MORE) {
                if (in_body && fed - at > t->left_max) {
                    t->left_max = fed - at;
                }
                break;
            }
        }
        free(window);
    }
    trace_body_flush(t);
    t->left = fed - at;
    t->is_between = msrp_reader_is_between(&r);
    if (!t->error)
        trace_put(t, t->is_between ? "CLEAN\n" : "OPEN %zu\n", t->left);
    return t;
}

static inline void trace_free(struct trace *t)
{
    free(t->body);
    free(t);
}

#endif
