#include "tests/load/frame.h"

#include <string.h>

enum { MARK = 7 };

bool frame_is(struct frame_run run, const char *text)
{
    return strlen(text) == run.n && memcmp(run.p, text, run.n) == 0;
}

/* Does the end-line stand at p? 1 yes, 0 no, -1 too short to say. */
static int is_end(const struct frame *frame, const char *p, size_t n)
{
    size_t need = MARK + frame->tid.n + 3;

    if (n < need)
        return -1;
    return memcmp(p, "-------", MARK) == 0 && memcmp(p + MARK, frame->tid.p, frame->tid.n) == 0 &&
           memcmp(p + need - 2, "\r\n", 2) == 0;
}

static bool begins(const char *line, const char *end, const char *name, size_t n)
{
    return (size_t)(end - line) > n && memcmp(line, name, n) == 0;
}

#define NAMED(text) begins(line, end, text, sizeof text - 1)
#define VALUE(text)                                                                                \
    (struct frame_run)                                                                             \
    {                                                                                              \
        line + sizeof text - 1, (size_t)(end - line) - (sizeof text - 1)                           \
    }

static void header(struct frame *frame, const char *line, const char *end)
{
    if (NAMED("From-Path: ")) {
        const char *space;
        frame->from = VALUE("From-Path: ");
        space = memchr(frame->from.p, ' ', frame->from.n);
        if (space)
            frame->from.n = (size_t)(space - frame->from.p);
    } else if (NAMED("Byte-Range: ")) {
        frame->range = VALUE("Byte-Range: ");
    } else if (NAMED("Message-ID: ")) {
        frame->message_id = VALUE("Message-ID: ");
    } else if (NAMED("Use-Path: ")) {
        frame->use_path = VALUE("Use-Path: ");
    } else if (NAMED("Status: ")) {
        frame->status = VALUE("Status: ");
    }
}

/* Start line: `MSRP tid word...`. False when it is something else. */
static bool start(struct frame *frame, const char *p, const char *end)
{
    const char *space;

    if ((size_t)(end - p) < 9 || memcmp(p, "MSRP ", 5) != 0)
        return false;
    p += 5;
    space = memchr(p, ' ', (size_t)(end - p));
    if (!space)
        return false;
    frame->tid = (struct frame_run){p, (size_t)(space - p)};
    p = space + 1;
    space = memchr(p, ' ', (size_t)(end - p));
    frame->word = (struct frame_run){p, (size_t)((space ? space : end) - p)};
    return true;
}

/* The body at p, then the end-line behind it: looked for where it most likely is, then everywhere.
 */
static ssize_t rest(struct frame *frame, const char *first, const char *p, size_t n, size_t body)
{
    char mark[64] = "\r\n-------";
    const char *at;

    frame->has_body = true;
    if (body > n || n - body < 2 || is_end(frame, p + body + 2, n - body - 2) != 1) {
        if (frame->tid.n > 32)
            return -1;
        memcpy(mark + 2 + MARK, frame->tid.p, frame->tid.n);
        at = memmem(p, n, mark, 2 + MARK + frame->tid.n);
        if (!at || is_end(frame, at + 2, n - (size_t)(at - p) - 2) != 1)
            return 0;
        body = (size_t)(at - p);
    }
    frame->body = (struct frame_run){p, body};
    p += body + 2 + MARK + frame->tid.n;
    frame->flag = *p;
    return p + 3 - first;
}

ssize_t frame_cut(struct frame *frame, const char *p, size_t n, size_t likely)
{
    const char *first = p, *last = p + n, *newline = memchr(p, '\n', n);

    *frame = (struct frame){0};
    if (!newline)
        return n > 4096 ? -1 : 0;
    if (!start(frame, p, newline - 1))
        return -1;
    for (p = newline + 1; (newline = memchr(p, '\n', (size_t)(last - p))) != NULL;
         p = newline + 1) {
        if (*p == '-' && is_end(frame, p, (size_t)(last - p)) == 1) {
            frame->flag = p[MARK + frame->tid.n];
            return newline + 1 - first;
        }
        if (*p == '\r')
            return rest(frame, first, p + 2, (size_t)(last - p - 2), likely);
        header(frame, p, newline - 1);
    }
    return 0;
}
