/* ie.h - the information elements of the MCData messages.
 *
 * One row per IEI: what it is called, how it is written, how long its value may be, how it is
 * printed. The walker, the encoder and the printer all read these rows; so a new element is one
 * row. ts24282#15.2 */
#ifndef DPP_SDS_IE_H
#define DPP_SDS_IE_H

#include "dpp/cur.h"

/* How an element with an IEI is written. V and LV-E elements have no IEI: they stand in the head of
 * a message (msg.h). */
enum dpp_ie_format {
    DPP_IE_HALF,  /* TV, one octet: IEI in the high half (bit 8 is 1), value in the low half */
    DPP_IE_TV,    /* IEI, value of a fixed length */
    DPP_IE_TLV_E, /* IEI, length of two octets, value */
};

/* What a value is; decides how it is printed and, for the first group, which names its numbers
 * have. */
enum dpp_ie_kind {
    DPP_KIND_SDS_REQUEST,        /* 15.2.3 SDS disposition request type */
    DPP_KIND_FD_REQUEST,         /* 15.2.4 FD disposition request type */
    DPP_KIND_SDS_DISPOSITION,    /* 15.2.5 SDS disposition notification type */
    DPP_KIND_FD_DISPOSITION,     /* 15.2.6 FD disposition notification type */
    DPP_KIND_APPLICATION,        /* 15.2.7 */
    DPP_KIND_CONTENT,            /* table 15.2.13-2, payload content type */
    DPP_KIND_MANDATORY_DOWNLOAD, /* 15.2.16 */
    DPP_KIND_NOTIFICATION,       /* 15.2.18 */
    DPP_KIND_DATA_QUERY,         /* 15.2.19, values not known to us */
    DPP_KIND_EXTENSION_RESPONSE, /* 15.2.21 */
    DPP_KIND_TERMINATION,        /* 15.2.22 */
    DPP_KIND_RELEASE_RESPONSE,   /* 15.2.23 */
    DPP_KIND_EXT_APPLICATION,    /* 15.2.24: its first octet; the rest is text */
    DPP_KIND_UUID,               /* 16 octets */
    DPP_KIND_TEXT,               /* UTF-8 */
    DPP_KIND_OCTETS,             /* opaque to us */
    DPP_KIND_PAYLOAD,            /* content type and data */
    DPP_KIND_SECURED,            /* a protected payload, ts33180#8.5.4.1 */
    DPP_KIND_NONE,               /* no such field */
};

/* Every number that has a name: X(GROUP, NAME, value, "text"). Gives enum values DPP_<GROUP>_<NAME>
 * and the printed names. GROUP is a dpp_ie_kind without its prefix. */
/* clang-format off */
#define DPP_IE_NUMBERS(X)                                                                          \
    X(SDS_REQUEST,        DELIVERY,          1, "DELIVERY")                                        \
    X(SDS_REQUEST,        READ,              2, "READ")                                            \
    X(SDS_REQUEST,        DELIVERY_AND_READ, 3, "DELIVERY AND READ")                               \
    X(FD_REQUEST,         COMPLETED_UPDATE,  1, "FILE DOWNLOAD COMPLETED UPDATE")                  \
    X(SDS_DISPOSITION,    UNDELIVERED,       1, "UNDELIVERED")                                     \
    X(SDS_DISPOSITION,    DELIVERED,         2, "DELIVERED")                                       \
    X(SDS_DISPOSITION,    READ,              3, "READ")                                            \
    X(SDS_DISPOSITION,    DELIVERED_READ,    4, "DELIVERED AND READ")                              \
    X(SDS_DISPOSITION,    PREVENTED,         5, "DISPOSITION PREVENTED BY SYSTEM")                 \
    X(FD_DISPOSITION,     ACCEPTED,          1, "FILE DOWNLOAD REQUEST ACCEPTED")                  \
    X(FD_DISPOSITION,     REJECTED,          2, "FILE DOWNLOAD REQUEST REJECTED")                  \
    X(FD_DISPOSITION,     COMPLETED,         3, "FILE DOWNLOAD COMPLETED")                         \
    X(FD_DISPOSITION,     DEFERRED,          4, "FILE DOWNLOAD DEFERRED")                          \
    X(APPLICATION,        CALLOUT,           1, "BROADBAND CALLOUT")                               \
    X(CONTENT,            TEXT,              1, "TEXT")                                            \
    X(CONTENT,            BINARY,            2, "BINARY")                                          \
    X(CONTENT,            HYPERLINKS,        3, "HYPERLINKS")                                      \
    X(CONTENT,            FILEURL,           4, "FILEURL")                                         \
    X(CONTENT,            LOCATION,          5, "LOCATION")                                        \
    X(CONTENT,            STATUS,            6, "ENHANCED STATUS")                                 \
    X(CONTENT,            LMR,               7, "LMR INTERWORKING")                                \
    X(CONTENT,            ALTITUDE,          8, "LOCATION ALTITUDE")                               \
    X(CONTENT,            TIMESTAMP,         9, "LOCATION TIMESTAMP")                              \
    X(CONTENT,            CODED_TEXT,       10, "CODED TEXT")                                      \
    X(MANDATORY_DOWNLOAD, YES,               1, "MANDATORY")                                       \
    X(NOTIFICATION,       EXPIRED,           1, "FILE EXPIRED UNAVAILABLE TO DOWNLOAD")            \
    X(NOTIFICATION,       DELETED,           2, "FILE DELETED UNAVAILABLE TO DOWNLOAD")            \
    X(EXTENSION_RESPONSE, ACCEPTED,          1, "ACCEPTED")                                        \
    X(EXTENSION_RESPONSE, REJECTED,          2, "REJECTED")                                        \
    X(TERMINATION,        REQUEST,           1, "FD HTTP TERMINATION REQUEST")                     \
    X(TERMINATION,        RESPONSE,          2, "FD HTTP TERMINATION RESPONSE")                    \
    X(TERMINATION,        STOPPED,           3, "TRANSMISSION STOPPED")                            \
    X(TERMINATION,        INTENT,            4, "INTENT TO RELEASE COMM OVER HTTP")                \
    X(TERMINATION,        EXTENSION,         5, "EXTENSION REQUEST FOR COMM OVER HTTP")            \
    X(TERMINATION,        EXTENSION_ANSWER,  6, "EXTENSION RESPONSE FOR COMM OVER HTTP")           \
    X(TERMINATION,        AUTHORISED,        7, "AUTHORISED USER TERMINATION REQUEST OVER HTTP")   \
    X(RELEASE_RESPONSE,   SUCCESS,           1, "SUCCESS")                                         \
    X(RELEASE_RESPONSE,   FAILED,            2, "FAILED")                                          \
    X(EXT_APPLICATION,    TEXT,              1, "TEXT")                                            \
    X(EXT_APPLICATION,    URI,               2, "URI")

/* Every IEI: X(NAME, iei, "name", format, min, max, kind). min and max count octets of the value.
 * The order is that of the IEIs; enum dpp_ie_id indexes it. ts24282#15.1, ts24282#15.2 */
#define DPP_IES(X)                                                                                 \
    X(IN_REPLY_TO,        0x21, "InReplyTo message ID",            TV,    16, 16,    UUID)         \
    X(APPLICATION_ID,     0x22, "Application ID",                  TV,     1,  1,    APPLICATION)  \
    X(SENDER_ID,          0x51, "Sender MCData user ID",           TLV_E,  1, 65535, TEXT)         \
    X(DEFERRED_FD,        0x52, "Deferred FD signalling payload",  TLV_E,  1, 65535, OCTETS)       \
    X(APP_METADATA,       0x53, "Application metadata container",  TLV_E,  1, 65535, TEXT)         \
    X(PAYLOAD,            0x78, "Payload",                         TLV_E,  1, 65535, PAYLOAD)      \
    X(METADATA,           0x79, "Metadata",                        TLV_E,  1, 65535, TEXT)         \
    X(SECURED,            0x7A, "Security parameters and payload", TLV_E,  1, 65535, SECURED)      \
    X(GROUP_ID,           0x7B, "MCData group ID",                 TLV_E,  1, 65535, TEXT)         \
    X(RECIPIENT_ID,       0x7C, "Recipient MCData user ID",        TLV_E,  1, 65535, TEXT)         \
    X(EXT_APPLICATION_ID, 0x7D, "Extended application ID",         TLV_E,  1, 65535, EXT_APPLICATION) \
    X(USER_LOCATION,      0x7E, "User location",                   TLV_E,  1, 65535, OCTETS)       \
    X(ORGANIZATION,       0x7F, "Organization name",               TLV_E,  1, 65535, TEXT)         \
    X(SDS_REQUEST,        0x80, "SDS disposition request type",    HALF,   1,  1,    SDS_REQUEST)  \
    X(FD_REQUEST,         0x90, "FD disposition request type",     HALF,   1,  1,    FD_REQUEST)   \
    X(MANDATORY_DOWNLOAD, 0xA0, "Mandatory download",              HALF,   1,  1,    MANDATORY_DOWNLOAD) \
    X(DATA_QUERY,         0xB0, "Data query type",                 HALF,   1,  1,    DATA_QUERY)   \
    X(EXTENSION_RESPONSE, 0xC0, "Extension response type",         HALF,   1,  1,    EXTENSION_RESPONSE) \
    X(RELEASE_RESPONSE,   0xD0, "Release response type",           HALF,   1,  1,    RELEASE_RESPONSE)
/* clang-format on */

enum dpp_ie_number {
#define X(group, name, value, text) DPP_##group##_##name = value,
    DPP_IE_NUMBERS(X)
#undef X
};

enum dpp_ie_id {
#define X(name, iei, text, format, min, max, kind) DPP_IE_##name,
    DPP_IES(X)
#undef X
        DPP_IE_COUNT, /* also: an element we do not know */
};

struct dpp_ie_row {
    uint8_t iei;      /* as on the wire; low half 0 for DPP_IE_HALF */
    const char *name; /* "SDS disposition request type" */
    enum dpp_ie_format format;
    uint16_t min, max; /* octets of the value */
    enum dpp_ie_kind kind;
};

/* The row of an element; NULL for DPP_IE_COUNT and above. Static storage. */
const struct dpp_ie_row *dpp_ie_row(enum dpp_ie_id id);

/* The name of a number of that kind ("DELIVERED"), NULL when it has none. Static storage. */
const char *dpp_ie_number_name(enum dpp_ie_kind kind, uint8_t number);

/* One element as it was met. */
struct dpp_ie {
    enum dpp_ie_id id;     /* DPP_IE_COUNT: unknown, to be skipped */
    uint8_t iei;           /* as on the wire, the low half cleared when bit 8 is set */
    uint8_t number;        /* DPP_IE_HALF: the low half; else the first octet of the value */
    struct dpp_span value; /* borrowed; empty for DPP_IE_HALF */
};

/* Takes the next element from a cursor that stands where an element may begin. Known elements obey
 * their row. Of unknown ones: bit 8 set, one octet is passed; 0x5x and 0x7x are passed as TLV-E; at
 * any other the walk ends and the rest is ignored. ts24282#15.1, mcdata-messages 1.4
 * Returns 1 with `ie` set (also for an unknown element that was passed), 0 at the end (what was
 * ignored is dpp_cur_left(c)), DPP_E_TRUNCATED when the element goes past the end, DPP_E_IE when a
 * known element has a length outside its row; `ie` is undefined then. The error sticks to `c`. */
int dpp_ie_next(struct dpp_cur *c, struct dpp_ie *ie) __attribute__((warn_unused_result));

/* Writes one element by its row: `number` for DPP_IE_HALF and for a TV of one octet, else `value`.
 * A value outside the row's length or a half over 15 sets DPP_E_IE in `o`. */
void dpp_ie_put(struct dpp_out *o, enum dpp_ie_id id, uint8_t number, struct dpp_span value);

/* Data octets that fit one Payload element, whose length counts the content type too. */
#define DPP_IE_PAYLOAD_MAX 65534

/* Writes a Payload element 0x78: content type (DPP_CONTENT_...) and `n` octets of data, at most
 * DPP_IE_PAYLOAD_MAX (else DPP_E_LONG in `o`). ts24282#15.2.13 */
void dpp_ie_put_payload(struct dpp_out *o, uint8_t content, const void *data, size_t n);

/* Splits the value of a Payload element (content type, data). Returns 0, or DPP_E_IE when `value`
 * is empty. `data` is borrowed from `value`. Also splits the plaintext of a protected frame that
 * stood in an element 0x7A, which has the same form. */
int dpp_ie_payload(struct dpp_span value, uint8_t *content, struct dpp_span *data)
    __attribute__((warn_unused_result));

/* Reads the six octets of a LOCATION payload, an ellipsoid point of ts23032#6.1: sign and 23 bits
 * of latitude, 24 bits of longitude in two's complement. Gives millionths of a degree, north and
 * east positive. Returns 0, or DPP_E_VALUE when `data` is not six octets. */
int dpp_ie_location(struct dpp_span data, int32_t *latitude_e6, int32_t *longitude_e6)
    __attribute__((warn_unused_result));

/* One character of UTF-8 (RFC 3629: shortest form, no surrogate, at most U+10FFFF) at `p`, of which
 * `n` octets may be read. Returns its length 1-4 and sets `*ch`, or 0 when there is none. */
size_t dpp_ie_utf8(const uint8_t *p, size_t n, uint32_t *ch);

/* Whether all of it is UTF-8; true for nothing at all. */
bool dpp_ie_is_utf8(struct dpp_span text);

#endif
