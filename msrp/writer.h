/* writer.h - frames -> bytes, in a buffer of the caller; ids absent from the body.
 *
 * A cursor that remembers its first error: write everything, look once. Header names are written
 * as given, so give the canonical ones (row F10). */
#ifndef MSRP_WRITER_H
#define MSRP_WRITER_H

#include <sys/types.h>

#include "msrp/err.h"
#include "msrp/head.h"

struct msrp_writer {
    char *buf;
    size_t cap;
    size_t n; /* octets written; never above cap */
    int err;  /* 0, MSRP_E_SPACE or MSRP_E_OCTET; then nothing more is written */
};

/* One header for msrp_response_write. */
struct msrp_field {
    const char *name;
    struct msrp_str value;
};

/* Writes into buf[0..cap), which lives as long as the cursor. */
void msrp_writer_init(struct msrp_writer *w, char *buf, size_t cap);

/* Octets written, or the sticky error. */
__attribute__((warn_unused_result)) ssize_t msrp_writer_done(const struct msrp_writer *w);

/* Raw octets; a text; a decimal number. */
static inline void msrp_writer_put(struct msrp_writer *w, struct msrp_str octets)
{
    if (w->err || octets.n == 0) {
        return;
    }
    if (octets.n > w->cap - w->n) {
        w->err = MSRP_E_SPACE;
        return;
    }
    memcpy(w->buf + w->n, octets.p, octets.n);
    w->n += octets.n;
}
static inline void msrp_writer_text(struct msrp_writer *w, const char *text)
{
    msrp_writer_put(w, msrp_str_of(text));
}
void msrp_writer_u64(struct msrp_writer *w, uint64_t v);

/* `MSRP tid METHOD` CRLF. */
void msrp_writer_request(struct msrp_writer *w, struct msrp_str tid, const char *method);

/* `MSRP tid code comment` CRLF, the comment fixed per code (msrp_code_text), no comment for a code
 * that has none. code 100..999. */
void msrp_writer_response(struct msrp_writer *w, struct msrp_str tid, int code);

/* `Name: value` CRLF. A control octet other than tab in the value is MSRP_E_OCTET. */
void msrp_writer_header(struct msrp_writer *w, const char *name, struct msrp_str value);

/* One header whose value is the n spans with one SP between each two (paths). Empty spans are left
 * out. */
void msrp_writer_header_list(struct msrp_writer *w, const char *name, const struct msrp_str *spans,
                             size_t n);

/* One header whose value is a number. */
void msrp_writer_header_u64(struct msrp_writer *w, const char *name, uint64_t value);

/* `Byte-Range: start-end/total` CRLF. */
void msrp_writer_range(struct msrp_writer *w, const struct msrp_byte_range *range);

/* The blank line before a body. */
void msrp_writer_blank(struct msrp_writer *w);

/* The end-line. has_body: a CRLF that is not body stands before it. flag one of $ + #. */
void msrp_writer_end(struct msrp_writer *w, struct msrp_str tid, char flag, bool has_body);

/* A whole response: start line, To-Path `to`, From-Path `own`, the fields, end-line with `$`. For
 * answers behind the end-line, when the head is gone and the caller kept tid and answer path. */
void msrp_writer_answer(struct msrp_writer *w, struct msrp_str tid, struct msrp_str to, int code,
                        struct msrp_str own, const struct msrp_field *fields, size_t n);

/* The same for a head that is still there: To-Path by row G3. fields may be NULL when n is 0. */
void msrp_response_write(struct msrp_writer *w, const struct msrp_head *head, int code,
                         struct msrp_str own, const struct msrp_field *fields, size_t n);

/* The fixed comment of a status code (200, 400, 401, 403, 404, 408, 413, 415, 423, 424, 425, 428,
 * 481, 501, 506), "" for any other. Static storage. */
const char *msrp_code_text(int code);

/* A fresh transaction id with NUL: 26 characters that carry all 128 bits of rnd. rfc4975#7.1,
 * row F3. Also good for a Message-ID and a session id. */
void msrp_tid_make(char tid[MSRP_IDENT_MADE + 1], const uint8_t rnd[16]);

/* Offset of the first `-------tid` in the n spans taken as one run (also across their borders), or
 * SIZE_MAX. A chunk cut there, or anywhere up to 6 octets behind, does not hold it. Linear. row F8
 */
size_t msrp_tid_find(struct msrp_str tid, const struct msrp_str *body, size_t n);

/* True when msrp_tid_find finds nothing. */
bool msrp_tid_is_absent(struct msrp_str tid, const struct msrp_str *body, size_t n);

/* Makes ids from rnd[0..tries*16) until one is absent from the body. Returns 0, or
 * MSRP_E_TID_TAKEN and tid is "". */
__attribute__((warn_unused_result)) int msrp_tid_pick(char tid[MSRP_IDENT_MADE + 1],
                                                      const uint8_t *rnd, size_t tries,
                                                      const struct msrp_str *body, size_t n);

#endif
