/* reader.h - byte stream -> HEAD, BODY, END events; linear time, any split. rfc4975#7.1, #9
 *
 * Pull, in place: the reader copies no body octet and holds none. The caller keeps the octets that
 * are not consumed yet contiguous, and may move them between calls.
 *
 *     for (;;) {
 *         ssize_t used = msrp_reader_next(&r, buf, len, &ev);
 *         if (used < 0) { answer when msrp_reader_is_answerable(&r); close; break; }
 *         ...look at ev; its spans die when buf[0..used) is given up...
 *         buf += used, len -= used;
 *         if (ev.kind == MSRP_EV_MORE) break;    // read more octets behind buf[len]
 *     }
 *
 * The events, their order, the joined body octets, the errors and their place are the same
 * whatever the split (row F18); only where a body is cut into BODY events differs. */
#ifndef MSRP_READER_H
#define MSRP_READER_H

#include <sys/types.h>

#include "msrp/err.h"
#include "msrp/head.h"

/* CRLF, seven dashes, transaction id, flag, CRLF: never more than this less one stays unconsumed
 * while a body is read. */
#define MSRP_END_MAX (2 + 7 + MSRP_IDENT_MAX + 1 + 2)

enum msrp_ev_kind {
    MSRP_EV_MORE, /* nothing more in these octets */
    MSRP_EV_HEAD, /* head; err */
    MSRP_EV_BODY, /* body: the next octets of the body, at least one */
    MSRP_EV_END   /* flag; err */
};

struct msrp_event {
    enum msrp_ev_kind kind;
    char flag; /* '$', '+' or '#' */
    int err;   /* plain fault: in HEAD the head's first, in END the frame's first */
    const struct msrp_head *head; /* HEAD only; inside the reader, spans into buf */
    struct msrp_str body;         /* BODY only; into buf */
};

/* Opaque but for head. */
struct msrp_reader {
    struct msrp_limits limits;
    struct msrp_head head; /* of the current frame; spans as of the HEAD event (or of the error) */
    int state;
    int failed;                    /* the fatal error, once there is one */
    int err;                       /* first plain fault of the frame */
    size_t line;                   /* head: offset of the line being looked for */
    size_t seen;                   /* head: octets searched so far */
    size_t lines;                  /* head: complete lines */
    uint64_t octets;               /* body: octets handed on */
    size_t mark_len;               /* body: CRLF, seven dashes and the id */
    char mark[9 + MSRP_IDENT_MAX]; /* body: what to look for */
    struct msrp_path_kept kept[2]; /* of the frames before */
};

/* limits: copied; NULL gives the defaults. No _done: nothing is held. */
void msrp_reader_init(struct msrp_reader *r, const struct msrp_limits *limits);

/* The next event in buf[0..len): all octets not consumed yet, which are those that the last call
 * left, in the same order, and any number of new ones behind them.
 *   HEAD  ev->head spans point into buf and are valid until the caller gives up or moves those
 *         octets. A plain fault stands in ev->err (ev->head->err); BODY and END still follow, so
 *         that the caller answers behind the end-line and goes on.
 *   BODY  zero or more.
 *   END   the whole end-line was there. rows F4, F5: a body ends with CRLF, seven dashes, its own
 *         id, one of $ + # and CRLF, nothing less. A body-less frame gives HEAD, END.
 *   MORE  consumes nothing. While a body is read less than MSRP_END_MAX octets stay; while a head
 *         is read at most limits.block + limits.line + 2.
 * Returns the octets that the event consumed (>= 0), or a fatal error (-50xx). After an error
 * every call returns it again: nothing behind it is ever read. */
__attribute__((warn_unused_result)) ssize_t msrp_reader_next(struct msrp_reader *r, const char *buf,
                                                             size_t len, struct msrp_event *ev);

/* After a fatal error: may the frame it stood in be answered? True when it is a request other than
 * REPORT whose tid and From-Path were valid (row G4). Then r->head.tid and r->head.from hold them;
 * they point into the buf of the failed call, except after MSRP_E_BODY_HUGE, where they are those
 * of the HEAD event. */
bool msrp_reader_is_answerable(const struct msrp_reader *r);

/* The transaction id of the current frame, kept inside the reader: valid from HEAD until the HEAD
 * of the next frame, for the answer behind the end-line. n 0 before the first HEAD. */
struct msrp_str msrp_reader_tid(const struct msrp_reader *r);

/* True between two frames (no octet of the next one seen), where a stream may end cleanly. */
bool msrp_reader_is_between(const struct msrp_reader *r);

#endif
