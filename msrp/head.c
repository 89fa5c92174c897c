/* head.c - see head.h. */
#include "msrp/head.h"

#include <string.h>

#include "msrp/err.h"
#include "msrp/mime.h"
#include "msrp/path.h"

enum field {
    TO,
    FROM,
    MESSAGE_ID,
    RANGE,
    SUCCESS,
    FAILURE,
    STATUS,
    TYPE,
    ENCODING,
    AUTHORIZATION,
    WWW_AUTHENTICATE,
    USE_PATH,
    EXPIRES,
    MIN_EXPIRES,
    MAX_EXPIRES,
    FIELDS
};

#define NAME(text)                                                                                 \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* One row per header we know; twice: the fault when it stands there again, 0 when it may. */
static const struct known {
    struct msrp_str name;
    int twice;
} known[FIELDS] = {
    [TO] = {NAME("To-Path"), MSRP_E_DUP_TO},
    [FROM] = {NAME("From-Path"), MSRP_E_DUP_FROM},
    [MESSAGE_ID] = {NAME("Message-ID"), MSRP_E_DUP_MESSAGE_ID},
    [RANGE] = {NAME("Byte-Range"), MSRP_E_DUP_RANGE},
    [SUCCESS] = {NAME("Success-Report"), MSRP_E_DUP_SUCCESS},
    [FAILURE] = {NAME("Failure-Report"), MSRP_E_DUP_FAILURE},
    [STATUS] = {NAME("Status"), MSRP_E_DUP_STATUS},
    [TYPE] = {NAME("Content-Type"), MSRP_E_DUP_TYPE},
    [ENCODING] = {NAME("Content-Transfer-Encoding"), 0},
    [AUTHORIZATION] = {NAME("Authorization"), MSRP_E_DUP_HEADER},
    [WWW_AUTHENTICATE] = {NAME("WWW-Authenticate"), 0},
    [USE_PATH] = {NAME("Use-Path"), MSRP_E_DUP_HEADER},
    [EXPIRES] = {NAME("Expires"), MSRP_E_DUP_HEADER},
    [MIN_EXPIRES] = {NAME("Min-Expires"), MSRP_E_DUP_HEADER},
    [MAX_EXPIRES] = {NAME("Max-Expires"), MSRP_E_DUP_HEADER},
};

/* What one pass over a head carries along. */
struct pass {
    struct msrp_head *head;
    const struct msrp_limits *limits;
    struct msrp_path_kept *kept; /* To-Path, From-Path; NULL: none */
    size_t index;                /* of the header line */
    unsigned seen;               /* bit per enum field */
    bool has_mime;               /* some Content- header */
    bool is_type_end;            /* the last line was Content-Type */
};

static enum field field_of(struct msrp_str name)
{
    unsigned f = 0;

    /* row F10: names are compared without case */
    while (f < FIELDS &&
           (name.n != known[f].name.n || !msrp_str_is_same_nocase(name, known[f].name))) {
        f++;
    }
    return (enum field)f;
}

static bool is_digits(struct msrp_str s, size_t n)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') {
            return false;
        }
    }
    return s.n == n;
}

static unsigned three_digits(struct msrp_str s)
{
    return (unsigned)((s.p[0] - '0') * 100 + (s.p[1] - '0') * 10 + (s.p[2] - '0'));
}

/* rfc4975#9 utf8text: HTAB, 0x20-0x7E and UTF-8; rows 5 and 8 */
static int check_octets(struct msrp_str line)
{
    if (msrp_str_is_plain(line)) {
        return 0;
    }
    for (size_t i = 0; i < line.n; i++) {
        unsigned char c = (unsigned char)line.p[i];

        if (c == '\r') {
            return MSRP_E_BARE_CR;
        }
        if (c == '\n') {
            return MSRP_E_BARE_LF;
        }
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return MSRP_E_CONTROL;
        }
    }
    return msrp_str_is_utf8(line) ? 0 : MSRP_E_UTF8;
}

int msrp_head_parse_start(struct msrp_head *head, struct msrp_str line)
{
    struct msrp_str rest, word;
    bool has_comment;
    size_t digits = 0;
    int rc;

    *head = (struct msrp_head){.range = {1, MSRP_UNKNOWN, MSRP_UNKNOWN}};
    if (!msrp_str_has_prefix(line, "MSRP ")) {
        return MSRP_E_PREFIX;
    }
    rest = (struct msrp_str){line.p + 5, line.n - 5};
    if (!msrp_str_cut(rest, ' ', &word, &rest)) {
        return msrp_str_is_ident(word) ? MSRP_E_START_LINE : MSRP_E_TID;
    }
    if (!msrp_str_is_ident(word)) {
        return MSRP_E_TID;
    }
    head->tid = word;
    if ((rc = check_octets(line)) < 0) {
        return rc;
    }
    has_comment = msrp_str_cut(rest, ' ', &word, &rest);
    if (word.n == 0) {
        return MSRP_E_START_LINE;
    }
    while (digits < word.n && word.p[digits] >= '0' && word.p[digits] <= '9') {
        digits++;
    }
    if (digits == word.n) {
        /* row F1: the comment is optional; rows 50, P13: a code we cannot read is dropped */
        head->is_response = true;
        head->comment = rest;
        if (digits == 3) {
            head->code = three_digits(word);
        } else {
            head->err = MSRP_E_CODE;
        }
        return 0;
    }
    head->method_text = word;
    for (size_t i = 0; i < word.n; i++) {
        if (word.p[i] < 'A' || word.p[i] > 'Z') {
            return MSRP_E_METHOD_FORM; /* rfc4975#9 other-method = 1*UPALPHA; row 2 */
        }
    }
    head->method = msrp_str_is(word, "SEND")     ? MSRP_SEND
                   : msrp_str_is(word, "REPORT") ? MSRP_REPORT
                   : msrp_str_is(word, "AUTH")   ? MSRP_AUTH
                                                 : MSRP_OTHER;
    return has_comment ? MSRP_E_METHOD_FORM : 0;
}

/* Cuts one header line (without CRLF) into name and value; row 7. */
static int cut_line(struct msrp_str line, struct msrp_str *name, struct msrp_str *value)
{
    int rc = check_octets(line);
    char last;

    if (rc < 0) {
        return rc;
    }
    if (line.n > 0 && (line.p[0] == ' ' || line.p[0] == '\t')) {
        return MSRP_E_FOLDED; /* rfc4976#5.1: there is no folding */
    }
    if (!msrp_str_cut(line, ':', name, value)) {
        return MSRP_E_COLON_NONE;
    }
    if (name->n == 0) {
        return MSRP_E_NAME_EMPTY;
    }
    last = name->p[name->n - 1];
    if (last == ' ' || last == '\t') {
        return MSRP_E_NAME_SPACE;
    }
    /* rfc4975#9 hname = ALPHA *token */
    if (!msrp_str_is_token(*name) || (name->p[0] | 0x20) < 'a' || (name->p[0] | 0x20) > 'z') {
        return MSRP_E_NAME_FORM;
    }
    if (value->n == 0 || value->p[0] != ' ') {
        return MSRP_E_COLON_SPACE;
    }
    value->p++, value->n--;
    return 0;
}

/* yes / no, and partial where it is legal; any case (trap 7). */
static enum msrp_asked asked_of(struct msrp_str value, bool with_partial)
{
    return msrp_str_is_nocase(value, "yes")                       ? MSRP_YES
           : msrp_str_is_nocase(value, "no")                      ? MSRP_NO
           : with_partial && msrp_str_is_nocase(value, "partial") ? MSRP_PARTIAL
                                                                  : MSRP_ABSENT;
}

/* rfc4975#9 Status: namespace SP status-code [SP comment] */
static int read_status(struct msrp_head *head, struct msrp_str value)
{
    struct msrp_str space, code, text;

    if (!msrp_str_cut(value, ' ', &space, &code)) {
        return MSRP_E_STATUS_FORM;
    }
    msrp_str_cut(code, ' ', &code, &text);
    if (!is_digits(space, 3) || !is_digits(code, 3)) {
        return MSRP_E_STATUS_FORM;
    }
    head->has_status = true;
    head->status = (struct msrp_status){three_digits(space), three_digits(code), text};
    return 0;
}

static void read_seconds(struct msrp_seconds *s, struct msrp_str value)
{
    *s = (struct msrp_seconds){.has = true, .text = value};
    s->is_bad = msrp_str_u64(value, &s->value) < 0;
}

/* Stores one known header. Returns 0 or a plain fault, or FROM_URI. */
static int read_field(struct pass *pass, enum field field, struct msrp_str value)
{
    struct msrp_head *head = pass->head;
    struct msrp_media media;
    int rc;

    switch (field) {
    case TO:
        return msrp_path_parse_next(&head->to, value, pass->limits, pass->kept);
    case FROM:
        rc = msrp_path_parse_next(&head->from, value, pass->limits,
                                  pass->kept ? pass->kept + 1 : NULL);
        return rc == MSRP_E_TO_URI ? MSRP_E_FROM_URI : rc;
    case MESSAGE_ID:
        head->has_message_id = msrp_str_is_ident(value);
        head->message_id = head->has_message_id ? value : head->message_id;
        return head->has_message_id ? 0 : MSRP_E_MESSAGE_ID;
    case RANGE:
        rc = msrp_range_parse(&head->range, value);
        head->has_range = rc == 0;
        return rc;
    case SUCCESS:
        head->success_report = asked_of(value, false);
        return head->success_report == MSRP_ABSENT ? MSRP_E_SUCCESS_VALUE : 0;
    case FAILURE:
        head->failure_report = asked_of(value, true);
        return head->failure_report == MSRP_ABSENT ? MSRP_E_FAILURE_VALUE : 0;
    case STATUS:
        return read_status(head, value);
    case TYPE:
        head->has_type = msrp_mime_parse_type(&media, value) == 0;
        head->content_type = head->has_type ? value : head->content_type;
        return head->has_type ? 0 : MSRP_E_TYPE_FORM;
    case ENCODING:
        return MSRP_E_ENCODING; /* rfc4975#7.1.1; rows 24, C12 */
    case AUTHORIZATION:
        head->authorization = value;
        return 0;
    case WWW_AUTHENTICATE:
        if (head->www_authenticate.n == 0) {
            head->www_authenticate = value;
        }
        return 0;
    case USE_PATH:
        head->use_path = value;
        return 0;
    case EXPIRES:
        read_seconds(&head->expires, value);
        return 0;
    case MIN_EXPIRES:
        read_seconds(&head->min_expires, value);
        return 0;
    case MAX_EXPIRES:
        read_seconds(&head->max_expires, value);
        return 0;
    case FIELDS:
    default:
        return 0; /* row 11: unknown headers are ignored */
    }
}

/* One header line. Returns 0 (a plain fault goes to head->err) or a fatal error. */
static int read_line(struct pass *pass, struct msrp_str line)
{
    struct msrp_head *head = pass->head;
    struct msrp_str name, value;
    enum field field;
    int rc = line.n > pass->limits->line ? MSRP_E_LINE_LONG : cut_line(line, &name, &value);

    if (rc < 0) {
        return rc;
    }
    field = field_of(name);
    /* row 9: To-Path first, From-Path second */
    if (pass->index == 0 && field != TO) {
        rc = MSRP_E_TO_NOT_FIRST;
    } else if (pass->index == 1 && field != FROM) {
        rc = MSRP_E_FROM_NOT_SECOND;
    }
    if (rc < 0 && field != FROM) {
        return rc;
    }
    if (rc == 0 && head->err == 0) {
        if (field < FIELDS && (pass->seen & (1u << field)) != 0 && known[field].twice != 0) {
            head->err = known[field].twice;
        } else if (pass->is_type_end && head->has_body) {
            head->err = MSRP_E_TYPE_NOT_LAST;
        }
    }
    pass->has_mime |= msrp_str_has_prefix_nocase(name, "Content-");
    pass->is_type_end = field == TYPE;
    if (field < FIELDS && (pass->seen & (1u << field)) == 0) {
        int fault;

        pass->seen |= 1u << field;
        fault = read_field(pass, field, value);
        if (fault == MSRP_E_FROM_URI) {
            return rc < 0 ? rc : fault;
        }
        head->err = head->err != 0 ? head->err : fault;
    }
    return rc;
}

/* What only the whole head shows. Returns the plain fault or 0. */
static int check_whole(const struct pass *pass)
{
    const struct msrp_head *head = pass->head;
    bool has_type = (pass->seen & (1u << TYPE)) != 0;

    if (head->is_response) {
        return head->has_body ? MSRP_E_RESPONSE_BODY : 0;
    }
    if (head->has_body && !has_type) {
        return MSRP_E_TYPE_NONE;
    }
    if (!head->has_body && pass->has_mime) {
        return MSRP_E_MIME_NO_BODY;
    }
    if (head->method != MSRP_SEND && head->method != MSRP_REPORT) {
        return 0;
    }
    if ((pass->seen & (1u << MESSAGE_ID)) == 0) {
        return MSRP_E_MESSAGE_ID_NONE;
    }
    if (head->method == MSRP_REPORT) {
        if ((pass->seen & ((1u << SUCCESS) | (1u << FAILURE))) != 0) {
            return MSRP_E_REPORT_FLAGS;
        }
        if ((pass->seen & (1u << STATUS)) == 0) {
            return MSRP_E_STATUS_NONE;
        }
    }
    return 0;
}

/* Takes one line and its CRLF off *rest. */
static struct msrp_str take_line(struct msrp_str *rest)
{
    struct msrp_str line;

    msrp_str_cut(*rest, '\n', &line, rest);
    if (line.n > 0 && line.p[line.n - 1] == '\r') {
        line.n--;
    }
    return line;
}

static int parse(struct msrp_head *head, const char *buf, size_t len, bool has_body, bool is_whole,
                 const struct msrp_limits *limits, struct msrp_path_kept *kept)
{
    struct pass pass = {.head = head, .limits = limits, .kept = kept};
    struct msrp_str rest = {buf, len};
    int fatal = msrp_head_parse_start(head, take_line(&rest));

    head->has_body = has_body;
    if (fatal < 0 && head->tid.n == 0) {
        return fatal;
    }
    head->lines = rest;
    /* behind a fatal fault only From-Path is still of use: it makes an answer possible (row G4) */
    for (; rest.n > 0 && (fatal == 0 || head->from.count == 0); pass.index++) {
        int rc = read_line(&pass, take_line(&rest));

        fatal = fatal < 0 ? fatal : rc;
        if (fatal == 0 && pass.index >= limits->headers) {
            fatal = MSRP_E_HEADERS_MANY;
        }
    }
    if (fatal == 0 && len > limits->block) {
        fatal = MSRP_E_BLOCK_LONG;
    }
    if (fatal == 0 && is_whole) {
        fatal = pass.index == 0   ? MSRP_E_TO_NOT_FIRST
                : pass.index == 1 ? MSRP_E_FROM_NOT_SECOND
                                  : 0;
        if (fatal == 0 && head->err == 0) {
            head->err = check_whole(&pass);
        }
    }
    return fatal;
}

int msrp_head_parse(struct msrp_head *head, const char *buf, size_t len, bool has_body,
                    const struct msrp_limits *limits)
{
    return parse(head, buf, len, has_body, true, limits, NULL);
}

int msrp_head_parse_next(struct msrp_head *head, const char *buf, size_t len, bool has_body,
                         const struct msrp_limits *limits, struct msrp_path_kept kept[2])
{
    return parse(head, buf, len, has_body, true, limits, kept);
}

int msrp_head_salvage(struct msrp_head *head, const char *buf, size_t len,
                      const struct msrp_limits *limits)
{
    return parse(head, buf, len, false, false, limits, NULL);
}

bool msrp_head_next(const struct msrp_head *head, size_t *iter, struct msrp_str *name,
                    struct msrp_str *value)
{
    struct msrp_str rest = {head->lines.p + *iter, head->lines.n - *iter};

    if (rest.n == 0) {
        return false;
    }
    msrp_str_cut(take_line(&rest), ':', name, value);
    if (value->n > 0) {
        value->p++, value->n--; /* the SP */
    }
    *iter = head->lines.n - rest.n;
    return true;
}

bool msrp_head_find(const struct msrp_head *head, const char *name, struct msrp_str *value)
{
    struct msrp_str one;
    size_t iter = 0;

    while (msrp_head_next(head, &iter, &one, value)) {
        if (msrp_str_is_nocase(one, name)) {
            return true;
        }
    }
    *value = (struct msrp_str){NULL, 0};
    return false;
}

struct msrp_str msrp_head_answer_path(const struct msrp_head *head)
{
    return head->method == MSRP_SEND ? head->from.first : head->from.text;
}
