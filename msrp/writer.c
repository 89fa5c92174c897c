/* writer.c - see writer.h. */
#include "msrp/writer.h"

#include <string.h>

static const struct code {
    int code;
    const char *text;
} codes[] = {
    {200, "OK"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {408, "Timeout"},
    {413, "Stop Sending This Message"},
    {415, "Unsupported Media Type"},
    {423, "Interval Out Of Bounds"},
    {424, "Malformed Nickname"},
    {425, "Nickname Already In Use"},
    {428, "Private Messaging Not Supported"},
    {481, "No Such Session"},
    {501, "Unknown Method"},
    {506, "Session On Another Connection"},
};

const char *msrp_code_text(int code)
{
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (codes[i].code == code) {
            return codes[i].text;
        }
    }
    return "";
}

void msrp_writer_init(struct msrp_writer *w, char *buf, size_t cap)
{
    *w = (struct msrp_writer){.buf = buf, .cap = cap};
}

ssize_t msrp_writer_done(const struct msrp_writer *w)
{
    return w->err ? w->err : (ssize_t)w->n;
}

void msrp_writer_u64(struct msrp_writer *w, uint64_t v)
{
    char text[20];
    size_t at = sizeof(text);

    do {
        text[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    msrp_writer_put(w, (struct msrp_str){text + at, sizeof(text) - at});
}

/* A header value or comment: no control octet, so that no line can be smuggled in. */
static void put_value(struct msrp_writer *w, struct msrp_str value)
{
    bool is_plain = msrp_str_is_plain(value);

    for (size_t i = 0; !is_plain && i < value.n && !w->err; i++) {
        unsigned char c = (unsigned char)value.p[i];

        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            w->err = MSRP_E_OCTET;
        }
    }
    msrp_writer_put(w, value);
}

void msrp_writer_request(struct msrp_writer *w, struct msrp_str tid, const char *method)
{
    msrp_writer_text(w, "MSRP ");
    put_value(w, tid);
    msrp_writer_text(w, " ");
    put_value(w, msrp_str_of(method));
    msrp_writer_text(w, "\r\n");
}

void msrp_writer_response(struct msrp_writer *w, struct msrp_str tid, int code)
{
    const char *text = msrp_code_text(code);

    msrp_writer_text(w, "MSRP ");
    put_value(w, tid);
    msrp_writer_text(w, " ");
    msrp_writer_u64(w, (uint64_t)code);
    msrp_writer_text(w, *text ? " " : "");
    msrp_writer_text(w, text);
    msrp_writer_text(w, "\r\n");
}

void msrp_writer_header(struct msrp_writer *w, const char *name, struct msrp_str value)
{
    msrp_writer_header_list(w, name, &value, 1);
}

void msrp_writer_header_list(struct msrp_writer *w, const char *name, const struct msrp_str *spans,
                             size_t n)
{
    const char *space = "";

    msrp_writer_text(w, name);
    msrp_writer_text(w, ": ");
    for (size_t i = 0; i < n; i++) {
        if (spans[i].n > 0) {
            msrp_writer_text(w, space);
            put_value(w, spans[i]);
            space = " ";
        }
    }
    msrp_writer_text(w, "\r\n");
}

void msrp_writer_header_u64(struct msrp_writer *w, const char *name, uint64_t value)
{
    msrp_writer_text(w, name);
    msrp_writer_text(w, ": ");
    msrp_writer_u64(w, value);
    msrp_writer_text(w, "\r\n");
}

void msrp_writer_range(struct msrp_writer *w, const struct msrp_byte_range *range)
{
    char text[MSRP_RANGE_TEXT];
    ssize_t n = msrp_range_print(range, text, sizeof(text));

    msrp_writer_header(w, "Byte-Range", (struct msrp_str){text, n < 0 ? 0 : (size_t)n});
}

void msrp_writer_blank(struct msrp_writer *w)
{
    msrp_writer_text(w, "\r\n");
}

void msrp_writer_end(struct msrp_writer *w, struct msrp_str tid, char flag, bool has_body)
{
    msrp_writer_text(w, has_body ? "\r\n-------" : "-------");
    put_value(w, tid);
    put_value(w, (struct msrp_str){&flag, 1});
    msrp_writer_text(w, "\r\n");
}

void msrp_writer_answer(struct msrp_writer *w, struct msrp_str tid, struct msrp_str to, int code,
                        struct msrp_str own, const struct msrp_field *fields, size_t n)
{
    msrp_writer_response(w, tid, code);
    msrp_writer_header(w, "To-Path", to);
    msrp_writer_header(w, "From-Path", own);
    for (size_t i = 0; i < n; i++) {
        msrp_writer_header(w, fields[i].name, fields[i].value);
    }
    msrp_writer_end(w, tid, '$', false); /* rfc4975#7.2: always '$'; row F12 */
}

void msrp_response_write(struct msrp_writer *w, const struct msrp_head *head, int code,
                         struct msrp_str own, const struct msrp_field *fields, size_t n)
{
    msrp_writer_answer(w, head->tid, msrp_head_answer_path(head), code, own, fields, n);
}

void msrp_tid_make(char tid[MSRP_IDENT_MADE + 1], const uint8_t rnd[16])
{
    msrp_str_ident_make(tid, rnd);
}

size_t msrp_tid_find(struct msrp_str tid, const struct msrp_str *body, size_t n)
{
    char mark[7 + MSRP_IDENT_MAX];
    char seam[2 * (7 + MSRP_IDENT_MAX)]; /* the end of what was read, then the head of the next */
    struct msrp_str needle = {mark, 7 + tid.n};
    size_t kept = 0, read = 0; /* octets kept in seam; octets of all spans read so far */

    if (tid.n > MSRP_IDENT_MAX) {
        return SIZE_MAX;
    }
    memset(mark, '-', 7);
    memcpy(mark + 7, tid.p, tid.n);
    for (size_t i = 0; i < n; i++) {
        size_t head = body[i].n < needle.n - 1 ? body[i].n : needle.n - 1;
        size_t hit;

        if (body[i].n == 0) {
            continue;
        }
        memcpy(seam + kept, body[i].p, head);
        hit = msrp_str_find((struct msrp_str){seam, kept + head}, needle);
        if (hit != SIZE_MAX) {
            return read - kept + hit;
        }
        hit = msrp_str_find(body[i], needle);
        if (hit != SIZE_MAX) {
            return read + hit;
        }
        read += body[i].n;
        if (body[i].n >= needle.n - 1) {
            kept = needle.n - 1;
            memcpy(seam, body[i].p + body[i].n - kept, kept);
        } else {
            size_t all = kept + head;
            size_t keep = all < needle.n - 1 ? all : needle.n - 1;

            memmove(seam, seam + all - keep, keep);
            kept = keep;
        }
    }
    return SIZE_MAX;
}

bool msrp_tid_is_absent(struct msrp_str tid, const struct msrp_str *body, size_t n)
{
    return msrp_tid_find(tid, body, n) == SIZE_MAX;
}

int msrp_tid_pick(char tid[MSRP_IDENT_MADE + 1], const uint8_t *rnd, size_t tries,
                  const struct msrp_str *body, size_t n)
{
    for (size_t i = 0; i < tries; i++) {
        msrp_tid_make(tid, rnd + i * 16);
        if (msrp_tid_is_absent(msrp_str_of(tid), body, n)) {
            return 0;
        }
    }
    tid[0] = '\0';
    return MSRP_E_TID_TAKEN;
}
