/* inbox.h - one arriving message: chunks joined, multipart walked, frames opened. Private to
 * relay/client.
 *
 * Octets are fed as they come; relay_inbox_next gives what came of them, one event at a time.
 * Memory is bounded by one frame, one I_MESSAGE and the gap limit, whatever the message declares.
 */
#ifndef RELAY_CLIENT_INBOX_H
#define RELAY_CLIENT_INBOX_H

#include "dpp/sds/msg.h"
#include "msrp/msrp.h"
#include "relay/client/client.h"
#include "relay/client/octets.h"
#include "relay/client/past.h"

/* Who reads: what an inbox needs of its client. All borrowed. */
struct relay_inbox_to {
    const struct relay_client_conf *conf;
    struct relay_past *past; /* what was received before */
    struct relay_client_counts *counts;
};

enum relay_inbox_part {
    RELAY_INBOX_NOTHING,
    RELAY_INBOX_INFO,
    RELAY_INBOX_SIGNALLING,
    RELAY_INBOX_PAYLOAD,
    RELAY_INBOX_MIKEY, /* part 5, or what a key-only message brings */
    RELAY_INBOX_OTHER, /* skipped: resource-lists */
};

/* What the next octets of the payload part are. */
enum relay_inbox_unit {
    RELAY_INBOX_TYPE,     /* 0x03 or 0x43 */
    RELAY_INBOX_COUNT,    /* the plain head */
    RELAY_INBOX_ELEMENT,  /* IEI and length */
    RELAY_INBOX_VALUE,    /* of an element 0x78 or 0x7A */
    RELAY_INBOX_HEADER,   /* of a single frame */
    RELAY_INBOX_SEALED,   /* the rest of it */
    RELAY_INBOX_COMPLETE, /* nothing more may come */
};

/* A frame that opened, until the message is complete: only then it counts as seen, so that a
 * message that was cut off may be sent again. */
struct relay_inbox_frames {
    struct dpp_frame *frames;
    size_t n, cap;
};

struct relay_inbox_held; /* octets ahead of a gap */

struct relay_inbox {
    struct relay_inbox *next;
    uint64_t id;
    char message_id[MSRP_IDENT_MAX + 1];
    int err;           /* why it is lost, 0 while it lives; the rest of it is swallowed */
    bool is_told;      /* LOST was given */
    bool is_announced; /* MESSAGE was given */
    bool is_swallowed; /* came before: 200 and nothing else */
    bool is_done;      /* DONE or NOTIFICATION was given */
    bool is_over;      /* its last chunk has ended */

    struct msrp_join join;
    struct msrp_run runs[MSRP_RANGE_RUNS];
    struct relay_inbox_held *held;
    struct relay_octets stage; /* in order, not walked yet */
    size_t walked;             /* octets of it that the walker has passed, but data may lie in */

    struct msrp_mime mime;
    struct msrp_str data; /* of the present part, inside stage, not used yet */
    enum relay_inbox_part part;
    unsigned seen; /* bit set of enum relay_inbox_part */
    bool mime_ended;
    struct relay_octets piece; /* an info or signalling part, or the unit of the payload */

    /* the label */
    struct relay_client_event label; /* from, group, ids, date, disposition or notification */
    bool is_group, is_notification;

    /* the payload */
    struct dpp_frame_check check;
    enum relay_inbox_unit unit;
    size_t need; /* octets of the unit */
    struct dpp_seal seal;
    bool has_seal;
    struct relay_octets plain; /* a DATA PAYLOAD opened from a single frame: */
    struct dpp_msg payload;    /* its elements, */
    size_t payload_at;         /* the next of them */
    bool has_payload;          /* one may be left */
    struct relay_inbox_frames frames;
    uint64_t bytes;  /* data octets given out */
    uint32_t key_id; /* the DPPK-ID that opened it, or that could not; 0: none met */

    /* a key that we lack */
    bool is_asked;              /* KEY_WANTED was given */
    bool is_waiting;            /* the unit in piece is to be looked at again */
    struct relay_octets sealed; /* a single frame whose key part 5 may bring */
    bool opens_sealed;          /* that part has come, or will not */
};

/* A new message with this number; boundary: of its Content-Type. NULL without memory. */
struct relay_inbox *relay_inbox_new(uint64_t id, struct msrp_str message_id,
                                    struct msrp_str boundary) __attribute__((warn_unused_result));
void relay_inbox_free(struct relay_inbox *inbox); /* NULL is allowed */

/* A chunk begins, goes on, ends. range NULL: none. What goes wrong is kept in inbox->err. feed is
 * to be followed by next until that is false. */
void relay_inbox_begin(struct relay_inbox *inbox, const struct msrp_byte_range *range,
                       int64_t now_ms);
void relay_inbox_feed(struct relay_inbox *inbox, struct msrp_str octets);
void relay_inbox_end(struct relay_inbox *inbox, char flag, int64_t now_ms);

/* The message cannot go on: err. */
void relay_inbox_lose(struct relay_inbox *inbox, int err);

/* The next event; its pointers live until the next call. False when more octets are needed, or
 * nothing more will come (is_over). */
bool relay_inbox_next(struct relay_inbox *inbox, const struct relay_inbox_to *to, int64_t unix_s,
                      struct relay_client_event *event);

#endif
