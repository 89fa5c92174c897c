/* msg.h - the MCData messages of TS 24.282 clause 15, read and written without allocation.
 *
 * One row per message: its code, its name, the fields of its head in their order, its optional
 * elements in their order. Octets are borrowed from the buffer that was parsed; identifiers and
 * numbers are copied. ts24282#15.1 */
#ifndef DPP_SDS_MSG_H
#define DPP_SDS_MSG_H

#include <sys/types.h>

#include "dpp/sds/ie.h"

/* The bits of the message type octet beside the code. ts24282#15.2.2 */
#define DPP_MSG_AUTHENTICATED 0x80 /* signed: a signature follows the message */
#define DPP_MSG_PROTECTED     0x40 /* encrypted: the octets are a frame of ts33180#8.5.4.1 */
#define DPP_MSG_CODE          0x3f

/* r, s and PVT of an ECCSI signature, behind an authenticated message (our reading, profile 8). */
#define DPP_MSG_SIGNATURE_SIZE 129

/* Every message: X(NAME, code, "NAME FOR PEOPLE", head, kind of its number).
 * Head fields: t date and time (5), c conversation ID (16), m message ID (16), n a number (1),
 * p number of payloads (1), s sender MCData user ID (LV-E), o opaque up to the end. The layouts
 * marked o are not known well enough to be read. */
/* clang-format off */
#define DPP_MSGS(X)                                                                                \
    X(SDS_SIGNALLING,    0x01, "SDS SIGNALLING PAYLOAD",        "tcm",   NONE)                     \
    X(FD_SIGNALLING,     0x02, "FD SIGNALLING PAYLOAD",         "tcm",   NONE)                     \
    X(DATA_PAYLOAD,      0x03, "DATA PAYLOAD",                  "p",     NONE)                     \
    X(SDS_NOTIFICATION,  0x05, "SDS NOTIFICATION",              "ntcm",  SDS_DISPOSITION)          \
    X(FD_NOTIFICATION,   0x06, "FD NOTIFICATION",               "ntcm",  FD_DISPOSITION)           \
    X(SDS_OFF_MESSAGE,   0x07, "SDS OFF-NETWORK MESSAGE",       "tpcms", NONE)                     \
    X(SDS_OFF_NOTIFICATION, 0x08, "SDS OFF-NETWORK NOTIFICATION", "ntcms", SDS_DISPOSITION)        \
    X(FD_NETWORK_NOTIFICATION, 0x09, "FD NETWORK NOTIFICATION", "ntcm",  NOTIFICATION)             \
    X(RELEASE,           0x0A, "COMMUNICATION RELEASE",         "o",     NONE)                     \
    X(DEFERRED_REQUEST,  0x0B, "DEFERRED LIST ACCESS REQUEST",  "o",     NONE)                     \
    X(DEFERRED_RESPONSE, 0x0C, "DEFERRED LIST ACCESS RESPONSE", "o",     NONE)                     \
    X(FD_TERMINATION,    0x0D, "FD HTTP TERMINATION",           "cmn",   TERMINATION)              \
    X(ALERT,             0x11, "GROUP EMERGENCY ALERT",         "o",     NONE)                     \
    X(ALERT_ACK,         0x12, "GROUP EMERGENCY ALERT ACK",     "o",     NONE)                     \
    X(ALERT_CANCEL,      0x13, "GROUP EMERGENCY ALERT CANCEL",  "o",     NONE)                     \
    X(ALERT_CANCEL_ACK,  0x14, "GROUP EMERGENCY ALERT CANCEL ACK", "o",  NONE)
/* clang-format on */

enum dpp_msg_code {
#define X(name, code, text, head, kind) DPP_MSG_##name = code,
    DPP_MSGS(X)
#undef X
};

struct dpp_msg_row {
    uint8_t code;
    const char *name;             /* "SDS SIGNALLING PAYLOAD" */
    const char *head;             /* the letters above */
    enum dpp_ie_kind number_kind; /* of the field n; DPP_KIND_NONE */
    const uint8_t *optional; /* enum dpp_ie_id in the order of the message, DPP_IE_COUNT last */
};

/* The row of a message code (bits 7 and 8 of the type octet cleared); NULL when there is none. */
const struct dpp_msg_row *dpp_msg_row(uint8_t code);

/* An optional element that was there (first one wins) or shall be written. */
struct dpp_msg_optional {
    bool is_present;
    uint8_t number;        /* of a half-octet or one-octet element; 0 when absent */
    struct dpp_span value; /* of any other, borrowed */
};

/* One message. A field that its head does not have is zero. */
struct dpp_msg {
    uint8_t code; /* enum dpp_msg_code */
    bool is_protected;
    bool is_authenticated;
    struct dpp_span
        whole;       /* all octets that were parsed; for a protected message what dpp/seal/frame
                        reads, from the type octet on. No other field is set then. */
    uint64_t time_s; /* Unix time, 40 bits */
    uint8_t conversation_id[16];
    uint8_t message_id[16];
    uint8_t number;            /* disposition, notification or termination type, unchecked */
    uint8_t payloads;          /* announced number of payloads, 1-255 */
    struct dpp_span sender;    /* the LV-E in the head of off-network messages */
    struct dpp_span opaque;    /* what follows the type octet of a message marked o */
    struct dpp_span signature; /* is_authenticated and not protected: the last 129 octets */
    struct dpp_msg_optional optional[DPP_IE_COUNT]; /* by enum dpp_ie_id; not those of `elements` */
    struct dpp_span elements; /* heads with p: all elements behind it, for dpp_msg_payload_next */
    size_t ignored;           /* octets at the end that the skip rule of ie.h left unread */
};

/* Reads one message from `n` octets at `p`, which must outlive `m`. A protected message (bit 7) is
 * not walked: code, bits and `whole` are all that is set. Elements unknown, or not of this message,
 * are skipped (ie.h). Of an element that stands twice the first counts, payloads apart.
 * Returns 0; DPP_E_TRUNCATED (also for n = 0), DPP_E_MESSAGE_TYPE, DPP_E_IE as dpp_ie_next or for
 * an empty sender, DPP_E_PAYLOAD_COUNT when the number of payload elements is 0 or not the number
 * announced. On error `m` holds nothing of use. `err_at` (may be NULL) gets the offset. */
int dpp_msg_parse(struct dpp_msg *m, const uint8_t *p, size_t n, size_t *err_at)
    __attribute__((warn_unused_result));

/* The next payload element (0x78 or 0x7A) of a parsed DATA PAYLOAD or SDS OFF-NETWORK MESSAGE.
 * `*at` is 0 at first. Returns 1 with `ie` set (borrowed), 0 when there is no more, or an error of
 * dpp_ie_next, which a parsed message does not give. */
int dpp_msg_payload_next(const struct dpp_msg *m, size_t *at, struct dpp_ie *ie)
    __attribute__((warn_unused_result));

/* Writes `m` with the elements of its row in their order; optional elements that are no part of the
 * row are left out. Payload elements come from `elements`, already encoded (dpp_ie_put_payload);
 * a DATA PAYLOAD without `elements` is written as its two-octet head, for a caller who appends
 * `payloads` elements.
 * Returns octets written, or DPP_E_SPACE, DPP_E_MESSAGE_TYPE, DPP_E_IE, DPP_E_VALUE (time over 40
 * bits), DPP_E_LONG (sender over 65535), DPP_E_PAYLOAD_COUNT, or DPP_E_PROTECTED for a protected or
 * authenticated one: such octets are carried as they are, never written anew. */
ssize_t dpp_msg_encode(void *buf, size_t cap, const struct dpp_msg *m)
    __attribute__((warn_unused_result));

#endif
