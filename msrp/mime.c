/* mime.c - see mime.h. */
#include "msrp/mime.h"

#include <string.h>

/* Parameters. */

/* Takes `;name[=value]` off *rest. Returns 1, 0 at the end, or MSRP_E_MIME_TYPE. */
static int take_parameter(struct msrp_str *rest, struct msrp_str *name, struct msrp_str *value,
                          bool *is_quoted)
{
    struct msrp_str s = msrp_str_trim(*rest);
    size_t n = 0;

    *value = (struct msrp_str){NULL, 0};
    *is_quoted = false;
    if (s.n == 0) {
        return 0;
    }
    if (s.p[0] != ';') {
        return MSRP_E_MIME_TYPE;
    }
    s = msrp_str_trim((struct msrp_str){s.p + 1, s.n - 1});
    while (n < s.n && !strchr("=; \t", s.p[n])) {
        n++;
    }
    *name = (struct msrp_str){s.p, n};
    if (!msrp_str_is_token(*name)) {
        return MSRP_E_MIME_TYPE;
    }
    *rest = s = (struct msrp_str){s.p + n, s.n - n};
    if (s.n == 0 || s.p[0] != '=') {
        return 1;
    }
    s.p++, s.n--;
    n = 0;
    if (s.n > 0 && s.p[0] == '"') {
        /* rfc4975#9 quoted-string: \\ and \" are the only escapes; row F16 */
        for (n = 1; n < s.n && s.p[n] != '"'; n++) {
            if (s.p[n] == '\\' && (++n == s.n || (s.p[n] != '\\' && s.p[n] != '"'))) {
                return MSRP_E_MIME_TYPE;
            }
        }
        if (n >= s.n) {
            return MSRP_E_MIME_TYPE;
        }
        *is_quoted = true;
        *value = (struct msrp_str){s.p + 1, n - 1};
        n++;
    } else {
        while (n < s.n && !strchr("; \t", s.p[n])) {
            n++;
        }
        *value = (struct msrp_str){s.p, n};
        if (!msrp_str_is_token(*value)) {
            return MSRP_E_MIME_TYPE;
        }
    }
    *rest = (struct msrp_str){s.p + n, s.n - n};
    return 1;
}

int msrp_mime_parse_type(struct msrp_media *media, struct msrp_str text)
{
    struct msrp_str full, rest, name, value;
    bool is_quoted;
    int rc;
    bool is_plain = msrp_str_is_plain(text);

    *media = (struct msrp_media){.type = {NULL, 0}};
    for (size_t i = 0; !is_plain && i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];

        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return MSRP_E_MIME_TYPE;
        }
    }
    msrp_str_cut(text, ';', &full, NULL);
    rest = (struct msrp_str){text.p + full.n, text.n - full.n};
    full = msrp_str_trim(full);
    if (!msrp_str_cut(full, '/', &media->type, &media->subtype) ||
        !msrp_str_is_token(media->type) || !msrp_str_is_token(media->subtype) ||
        (!is_plain && !msrp_str_is_utf8(text))) {
        return MSRP_E_MIME_TYPE;
    }
    media->parameters = rest;
    while ((rc = take_parameter(&rest, &name, &value, &is_quoted)) > 0) {
    }
    return rc;
}

bool msrp_mime_is(const struct msrp_media *media, const char *type, const char *subtype)
{
    return msrp_str_is_nocase(media->type, type) &&
           (!subtype || msrp_str_is_nocase(media->subtype, subtype));
}

bool msrp_mime_next_parameter(struct msrp_str *rest, struct msrp_str *name, struct msrp_str *value,
                              bool *is_quoted)
{
    bool quoted;
    bool is_there = take_parameter(rest, name, value, &quoted) > 0;

    if (is_quoted) {
        *is_quoted = quoted;
    }
    return is_there;
}

/* RFC 2046 5.1.1 bchars. */
static bool is_boundary(struct msrp_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool is_alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

        if (!is_alnum && (c == '\0' || !strchr("'()+_,-./:=? ", c))) {
            return false;
        }
    }
    return s.n >= 1 && s.n <= MSRP_BOUNDARY_MAX && s.p[s.n - 1] != ' ';
}

int msrp_mime_boundary(const struct msrp_media *media, char out[MSRP_BOUNDARY_MAX + 1])
{
    struct msrp_str rest = media->parameters, name, value, found = {NULL, 0};
    bool is_quoted;

    while (msrp_mime_next_parameter(&rest, &name, &value, &is_quoted)) {
        if (!msrp_str_is_nocase(name, "boundary")) {
            continue;
        }
        /* bchars hold no '\' and no '"', so an escape is never needed and never right */
        if (found.n > 0 || !is_boundary(value)) {
            return MSRP_E_MIME_BOUNDARY;
        }
        found = value;
    }
    if (found.n == 0) {
        return MSRP_E_MIME_BOUNDARY;
    }
    memcpy(out, found.p, found.n);
    out[found.n] = '\0';
    return (int)found.n;
}

/* The walker. */

enum state { AT_START, AT_DELIMITER, IN_DATA, BEHIND_CLOSE, AT_END };

int msrp_mime_init(struct msrp_mime *m, struct msrp_str boundary, size_t head_max)
{
    *m = (struct msrp_mime){.state = AT_START,
                            .head_max = head_max > 0 ? head_max : MSRP_PART_HEAD_MAX};
    if (!is_boundary(boundary)) {
        m->failed = MSRP_E_MIME_BOUNDARY;
        return m->failed;
    }
    memcpy(m->mark, "\r\n--", 4);
    memcpy(m->mark + 4, boundary.p, boundary.n);
    m->mark_len = 4 + boundary.n;
    return 0;
}

bool msrp_mime_next_line(struct msrp_str *lines, struct msrp_str *name, struct msrp_str *value)
{
    struct msrp_str line;

    if (lines->n == 0) {
        return false;
    }
    msrp_str_cut(*lines, '\n', &line, lines);
    if (line.n > 0 && line.p[line.n - 1] == '\r') {
        line.n--;
    }
    msrp_str_cut(line, ':', name, value);
    *value = msrp_str_trim(*value);
    return true;
}

/* The header block of a part, whole. Fills content_type. */
static int read_part_head(struct msrp_str lines, struct msrp_str *content_type)
{
    struct msrp_str rest = lines, name, value;
    bool has_type = false, has_encoding = false;

    if (!msrp_str_is_utf8(lines)) {
        return MSRP_E_MIME_HEADER;
    }
    while (msrp_mime_next_line(&rest, &name, &value)) {
        struct msrp_media media;

        /* without a colon value.p is NULL; a folded line has no token for a name */
        if (!msrp_str_is_token(name) || !value.p) {
            return MSRP_E_MIME_HEADER;
        }
        for (size_t i = 0; i < value.n; i++) {
            unsigned char c = (unsigned char)value.p[i];

            if ((c < 0x20 && c != '\t') || c == 0x7f) {
                return MSRP_E_MIME_HEADER;
            }
        }
        if (msrp_str_is_nocase(name, "Content-Type")) {
            if (has_type) {
                return MSRP_E_MIME_HEADER_DUP;
            }
            has_type = true;
            *content_type = value;
            if (msrp_mime_parse_type(&media, value) < 0) {
                return MSRP_E_MIME_TYPE;
            }
        } else if (msrp_str_is_nocase(name, "Content-Transfer-Encoding")) {
            if (has_encoding) {
                return MSRP_E_MIME_HEADER_DUP;
            }
            has_encoding = true;
            if (!msrp_str_is_nocase(value, "binary")) {
                return MSRP_E_MIME_ENCODING;
            }
        }
    }
    return 0;
}

static ssize_t fail(struct msrp_mime *m, int err)
{
    m->failed = err;
    return err;
}

/* The header block is whole; `used` octets go with delimiter, block and blank line. */
static ssize_t end_part_head(struct msrp_mime *m, struct msrp_str lines, size_t used,
                             struct msrp_mime_event *ev)
{
    int rc = read_part_head(lines, &ev->content_type);

    if (rc < 0) {
        return fail(m, rc);
    }
    ev->kind = MSRP_MIME_PART;
    ev->lines = lines;
    m->state = IN_DATA;
    m->line = m->seen = 0;
    m->parts++;
    return (ssize_t)used;
}

/* buf begins with a delimiter of `mark` octets or may: the delimiter line, and a header block with
 * its blank line unless it is the close delimiter. */
static ssize_t next_delimiter(struct msrp_mime *m, const char *buf, size_t len,
                              struct msrp_mime_event *ev)
{
    size_t skip = m->state == AT_START ? 2 : 0; /* the body's first delimiter has no CRLF */
    size_t mark_len = m->mark_len - skip;
    size_t head = mark_len + 2;

    if (memcmp(buf, m->mark + skip, len < mark_len ? len : mark_len) != 0) {
        return fail(m, MSRP_E_MIME_PREAMBLE);
    }
    if (len > mark_len && buf[mark_len] != '-' && buf[mark_len] != '\r') {
        return fail(m, MSRP_E_MIME_DELIMITER);
    }
    if (len < head) {
        return 0;
    }
    if (buf[mark_len] == '-') {
        if (buf[mark_len + 1] != '-') {
            return fail(m, MSRP_E_MIME_DELIMITER);
        }
        if (m->parts == 0) {
            return fail(m, MSRP_E_MIME_EMPTY);
        }
        m->state = BEHIND_CLOSE;
        ev->kind = MSRP_MIME_END;
        return (ssize_t)head;
    }
    if (buf[mark_len + 1] != '\n') {
        return fail(m, MSRP_E_MIME_DELIMITER);
    }
    m->line = m->line > head ? m->line : head;
    m->seen = m->seen > head ? m->seen : head;
    for (;;) {
        const char *lf = memchr(buf + m->seen, '\n', len - m->seen);
        size_t to = lf ? (size_t)(lf - buf) : len;

        if (lf && to == m->line + 1 && buf[m->line] == '\r') {
            return end_part_head(m, (struct msrp_str){buf + head, m->line - head}, to + 1, ev);
        }
        /* the longest block that may still come right ends with a CR at head + head_max */
        if (to - head >= m->head_max && (lf || to - head > m->head_max + 1)) {
            return fail(m, MSRP_E_MIME_HEADER_LONG);
        }
        if (!lf) {
            m->seen = len;
            return 0;
        }
        if (to == m->line || buf[to - 1] != '\r') {
            return fail(m, MSRP_E_MIME_HEADER);
        }
        m->line = m->seen = to + 1;
    }
}

static ssize_t next_data(struct msrp_mime *m, const char *buf, size_t len,
                         struct msrp_mime_event *ev)
{
    size_t n =
        msrp_str_find_mark((struct msrp_str){buf, len}, (struct msrp_str){m->mark, m->mark_len});

    if (n > 0) {
        ev->kind = MSRP_MIME_DATA;
        ev->data = (struct msrp_str){buf, n};
        return (ssize_t)n;
    }
    if (len >= m->mark_len) {
        ev->kind = MSRP_MIME_PART_END;
        m->state = AT_DELIMITER;
    }
    return 0;
}

ssize_t msrp_mime_next(struct msrp_mime *m, const char *buf, size_t len, struct msrp_mime_event *ev)
{
    *ev = (struct msrp_mime_event){.kind = MSRP_MIME_MORE};
    if (m->failed) {
        return m->failed;
    }
    if (len == 0) {
        return 0;
    }
    switch (m->state) {
    case AT_START:
    case AT_DELIMITER:
        return next_delimiter(m, buf, len, ev);
    case IN_DATA:
        return next_data(m, buf, len, ev);
    case BEHIND_CLOSE:
        /* profile 4: one CRLF behind the close delimiter, nothing else */
        if (buf[0] != '\r' || (len > 1 && buf[1] != '\n') || len > 2) {
            return fail(m, MSRP_E_MIME_EPILOGUE);
        }
        if (len < 2) {
            return 0;
        }
        m->state = AT_END;
        return 2;
    case AT_END:
    default:
        return fail(m, MSRP_E_MIME_EPILOGUE);
    }
}

int msrp_mime_finish(const struct msrp_mime *m, size_t left)
{
    if (m->failed) {
        return m->failed;
    }
    if (m->state != BEHIND_CLOSE && m->state != AT_END) {
        return MSRP_E_MIME_SHORT;
    }
    return left == 0 ? 0 : MSRP_E_MIME_EPILOGUE;
}
