/* head.h - start line and header fields of one frame, as spans. rfc4975#9, rfc4976#7 */
#ifndef MSRP_HEAD_H
#define MSRP_HEAD_H

#include "msrp/range.h"
#include "msrp/str.h"

/* Caps of one frame; every one is checked before anything is stored. */
struct msrp_limits {
    size_t line;      /* octets of the start line and of any header line, without CRLF */
    size_t headers;   /* header lines, both paths included */
    size_t block;     /* octets from the start line to the last header line, CRLFs included */
    size_t uri;       /* octets of one URI, at most MSRP_URI_MAX */
    size_t uris;      /* URIs in one path */
    size_t body;      /* octets of a body of any method but SEND: above it END carries BODY_LONG */
    size_t body_huge; /* the same: above it the stream ends with BODY_HUGE */
};

#define MSRP_LIMITS_DEFAULT                                                                        \
    {                                                                                              \
        .line = 4096, .headers = 32, .block = 16384, .uri = 512, .uris = 8, .body = 10240,         \
        .body_huge = 16384                                                                         \
    }

enum msrp_method { MSRP_NONE, MSRP_SEND, MSRP_REPORT, MSRP_AUTH, MSRP_OTHER };

/* Value of Success-Report or Failure-Report. rfc4975#7.1.1: absent means no / yes. */
enum msrp_asked { MSRP_ABSENT, MSRP_YES, MSRP_NO, MSRP_PARTIAL };

/* A path header: its whole value and what is asked of it most. */
struct msrp_path {
    struct msrp_str text;  /* the URIs, one SP between them; n 0 when the header is absent */
    struct msrp_str first; /* leftmost URI: the next hop of a To-Path */
    struct msrp_str last;  /* rightmost URI: the far endpoint */
    size_t count;
};

/* A good path as it was read last: most requests of a stream have the same. Zeroed to start. */
struct msrp_path_kept {
    uint16_t n, first_n, last_at, count; /* n 0: none */
    char text[256];                      /* a longer one is read each time */
};

/* Status of a REPORT. */
struct msrp_status {
    unsigned space; /* namespace, 0..999; only 0 has codes */
    unsigned code;  /* 0..999 */
    struct msrp_str text;
};

/* Expires, Min-Expires or Max-Expires. */
struct msrp_seconds {
    bool has;
    bool is_bad;    /* not 1..19 digits up to 2^63-1; value is then 0 */
    uint64_t value; /* seconds */
    struct msrp_str text;
};

/* One head. All runs point into the octets it was read from. A field that is absent has n 0 (or
 * its has_ flag false, or MSRP_ABSENT); a field with a fault is recorded in err and otherwise
 * counts as absent. */
struct msrp_head {
    bool is_response;
    bool has_body; /* a blank line follows the headers */
    bool has_message_id;
    bool has_range;
    bool has_status;
    bool has_type;
    enum msrp_method method; /* MSRP_NONE for a response */
    unsigned code;           /* of a response */
    int err;                 /* the first plain fault (-51xx), 0 when there is none */
    struct msrp_str tid;
    struct msrp_str method_text;
    struct msrp_str comment; /* of a response */
    struct msrp_path to;
    struct msrp_path from;
    struct msrp_str message_id;
    struct msrp_byte_range range; /* 1-*, total * when absent */
    enum msrp_asked success_report;
    enum msrp_asked failure_report;
    struct msrp_status status;
    struct msrp_str content_type;
    struct msrp_str authorization;
    struct msrp_str www_authenticate; /* the first one; several are legal: msrp_head_next */
    struct msrp_str use_path;
    struct msrp_seconds expires;
    struct msrp_seconds min_expires;
    struct msrp_seconds max_expires;
    struct msrp_str lines; /* all header lines, each with its CRLF */
};

/* Reads the head that stands in buf[0..len): start line and header lines, each with its CRLF, no
 * blank line and no end-line. has_body says whether a blank line followed.
 * Order and form are as rows 2, 3, 5-10, 22-24, 27, 29, 30, 48 and F1, F2, F5, F9, F10, F16 say.
 * Returns 0, with *head filled and head->err the first plain fault or 0; or the first fatal error
 * (-50xx), with *head filled as far as it could be trusted: tid and from.count tell whether an
 * answer is possible. Borrows from buf. */
__attribute__((warn_unused_result)) int msrp_head_parse(struct msrp_head *head, const char *buf,
                                                        size_t len, bool has_body,
                                                        const struct msrp_limits *limits);

/* The same for one head of a stream: paths that are octet for octet those in kept[0] (To-Path) and
 * kept[1] (From-Path) are not read again; good ones are kept. Always with the same limits. */
__attribute__((warn_unused_result)) int
msrp_head_parse_next(struct msrp_head *head, const char *buf, size_t len, bool has_body,
                     const struct msrp_limits *limits, struct msrp_path_kept kept[2]);

/* Reads only a start line (without CRLF) into is_response, tid, method, method_text, code, comment
 * and err of *head. Returns 0 or MSRP_E_PREFIX, _TID, _METHOD_FORM, _START_LINE, _BARE_CR,
 * _CONTROL, _UTF8. */
__attribute__((warn_unused_result)) int msrp_head_parse_start(struct msrp_head *head,
                                                              struct msrp_str line);

/* For a head that broke off: fills *head as far as the complete lines in buf[0..len) allow, so that
 * tid and from tell whether an answer is possible. Returns 0, or the first fatal error in them. */
__attribute__((warn_unused_result)) int msrp_head_salvage(struct msrp_head *head, const char *buf,
                                                          size_t len,
                                                          const struct msrp_limits *limits);

/* Walks all header lines in order, known ones too. *iter starts at 0.
 *     size_t i = 0; while (msrp_head_next(head, &i, &name, &value)) ...
 * Returns false past the last. */
bool msrp_head_next(const struct msrp_head *head, size_t *iter, struct msrp_str *name,
                    struct msrp_str *value);

/* The value of the first header of that name (case-insensitive); false when there is none. */
bool msrp_head_find(const struct msrp_head *head, const char *name, struct msrp_str *value);

/* To-Path of a response to this request: leftmost From-Path URI for SEND, the whole From-Path for
 * any other method. rfc4975#7.2, row G3 */
struct msrp_str msrp_head_answer_path(const struct msrp_head *head);

#endif
