/* mime.h - media types, and a streaming walker of multipart/mixed bodies. rfc4975#9, RFC 2046 5.1
 *
 * The walker is stricter than RFC 2046, so that two readers cannot see two messages: the body
 * begins with the dash-boundary; behind the close delimiter stands nothing or one CRLF; a boundary
 * at the start of a line is a delimiter, whatever follows it, and other octets on its line are an
 * error; part headers are not folded; Content-Transfer-Encoding is absent or `binary`. */
#ifndef MSRP_MIME_H
#define MSRP_MIME_H

#include <sys/types.h>

#include "msrp/err.h"
#include "msrp/str.h"

#define MSRP_BOUNDARY_MAX  70
#define MSRP_PART_HEAD_MAX 4096                    /* octets of one part's header block */
#define MSRP_MIME_TAIL_MAX (MSRP_BOUNDARY_MAX + 8) /* octets a walker leaves while reading data */

/* `type/subtype;name=value...`; spaces and tabs around `;` are tolerated. Borrowed spans. */
struct msrp_media {
    struct msrp_str type;
    struct msrp_str subtype;
    struct msrp_str parameters; /* from the first ';' on; may be empty */
};

/* Returns 0 or MSRP_E_MIME_TYPE; all parameters are checked (quoted strings hold \\ and \" as the
 * only escapes, row F16). */
__attribute__((warn_unused_result)) int msrp_mime_parse_type(struct msrp_media *media,
                                                             struct msrp_str text);

/* Case-insensitive: msrp_mime_is(&m, "multipart", "mixed"). subtype NULL: any. */
bool msrp_mime_is(const struct msrp_media *media, const char *type, const char *subtype);

/* Walks the parameters. *rest starts as media->parameters. value: without the quotes when quoted,
 * its escapes kept (*is_quoted, may be NULL); empty when there is no '='. False past the last. */
bool msrp_mime_next_parameter(struct msrp_str *rest, struct msrp_str *name, struct msrp_str *value,
                              bool *is_quoted);

/* The boundary parameter, unescaped, with a NUL: 1..70 characters of RFC 2046 bchars, no space at
 * the end. Returns its length, or MSRP_E_MIME_BOUNDARY when it is missing, twice there, or bad. */
__attribute__((warn_unused_result)) int msrp_mime_boundary(const struct msrp_media *media,
                                                           char out[MSRP_BOUNDARY_MAX + 1]);

enum msrp_mime_kind {
    MSRP_MIME_MORE,     /* nothing more in these octets */
    MSRP_MIME_PART,     /* a part begins: content_type, lines */
    MSRP_MIME_DATA,     /* data: the next octets of the part, at least one */
    MSRP_MIME_PART_END, /* the part's data is complete */
    MSRP_MIME_END       /* the close delimiter */
};

struct msrp_mime_event {
    enum msrp_mime_kind kind;
    struct msrp_str content_type; /* PART: value, n 0 when the part has none */
    struct msrp_str lines;        /* PART: all header lines, each with CRLF (msrp_mime_next_line) */
    struct msrp_str data;         /* DATA */
};

/* Opaque. */
struct msrp_mime {
    int state;
    int failed;
    size_t head_max;
    size_t line; /* part head: offset of the line being looked for */
    size_t seen; /* part head: octets searched so far */
    size_t parts;
    size_t mark_len;
    char mark[4 + MSRP_BOUNDARY_MAX]; /* CRLF, two dashes, boundary */
};

/* boundary: 1..70 octets, copied. head_max: cap of one part's header block, 0 for
 * MSRP_PART_HEAD_MAX. Returns 0 or MSRP_E_MIME_BOUNDARY. No _done. */
__attribute__((warn_unused_result)) int msrp_mime_init(struct msrp_mime *m,
                                                       struct msrp_str boundary, size_t head_max);

/* The next event in buf[0..len), all body octets not consumed yet (contract as msrp_reader_next:
 * pull, in place, the same events whatever the split). MORE consumes nothing and leaves at most
 * MSRP_MIME_TAIL_MAX octets in data and head_max + MSRP_MIME_TAIL_MAX in a header block. Behind END
 * go on calling until the body is used up: there MORE consumes the one CRLF that is allowed, and
 * anything else is MSRP_E_MIME_EPILOGUE.
 * Returns the octets consumed, or MSRP_E_MIME_*; after an error every call returns it again. */
__attribute__((warn_unused_result)) ssize_t msrp_mime_next(struct msrp_mime *m, const char *buf,
                                                           size_t len, struct msrp_mime_event *ev);

/* The body is complete; `left` octets were never consumed. Returns 0 when the close delimiter has
 * come and nothing is left, else MSRP_E_MIME_SHORT, MSRP_E_MIME_EPILOGUE or the walker's error. */
__attribute__((warn_unused_result)) int msrp_mime_finish(const struct msrp_mime *m, size_t left);

/* Takes the first header line off *lines: name and trimmed value. False when none is left. */
bool msrp_mime_next_line(struct msrp_str *lines, struct msrp_str *name, struct msrp_str *value);

#endif
