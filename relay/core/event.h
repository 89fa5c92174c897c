/* event.h - what happened, as rows. The core emits them as wants; ops turns each into a log line.
 *
 * X(NAME, level, "text"): level is ERROR, WARN, INFO or DEBUG. A refusal is always the row REFUSED
 * with `err` set: its reason label, text and answer come from the row of that error
 * (relay_err_row). */
#ifndef RELAY_CORE_EVENT_H
#define RELAY_CORE_EVENT_H

#include <stdint.h>

/* clang-format off */
#define RELAY_EVENTS(X)                                                      \
    X(CONN_OPEN,       DEBUG, "connection accepted")                         \
    X(CONN_CLOSED,     DEBUG, "connection closed")                           \
    X(AUTH_OK,         INFO,  "user authorised")                             \
    X(AUTH_RENEWED,    DEBUG, "session renewed")                             \
    X(SESSION_END,     DEBUG, "session ended")                               \
    X(REFUSED,         INFO,  "refused")                                     \
    X(CSK,             INFO,  "CSK uploaded")                                \
    X(ALARM,           ERROR, "alarm")                                       \
    X(MESSAGE_IN,      DEBUG, "message accepted for delivery")               \
    X(MESSAGE_DONE,    INFO,  "message delivered")                           \
    X(DELIVERY_FAILED, WARN,  "delivery failed")                             \
    X(DUPLICATE,       INFO,  "repeated message suppressed")                 \
    X(NOTIFIED,        DEBUG, "disposition forwarded")                       \
    X(PAUSED,          DEBUG, "sender paused for slow receivers")            \
    X(RESUMED,         DEBUG, "sender resumed")                              \
    X(PEER_UP,         INFO,  "link to a peer relay stands")                 \
    X(PEER_DOWN,       WARN,  "link to a peer relay is gone")                \
    X(OVERLOAD,        ERROR, "memory runs short")                           \
    X(OVERLOAD_END,    INFO,  "enough memory again")                         \
    X(POLICY,          INFO,  "users and groups replaced")
/* clang-format on */

enum relay_event_kind {
#define X(name, level, text) RELAY_EVENT_##name,
    RELAY_EVENTS(X)
#undef X
        RELAY_EVENT_KINDS
};

/* One thing that happened. Plain copies: valid for ever. No secret stands here: sessions appear as
 * a short keyed hash, tokens and payloads never. */
struct relay_event {
    enum relay_event_kind kind;
    int err;          /* the reason, or 0 */
    int status;       /* MSRP status answered, or 0 */
    uint64_t conn;    /* connection number, or 0 */
    char source[64];  /* peer address as text, "" when unknown */
    char user[256];   /* MCData ID of the connection, "" before AUTH */
    char target[256]; /* user or group the message was for, "" when unknown */
    char tid[33];     /* transaction id of the request, "" when none */
    uint32_t session; /* keyed 32-bit hash of the session, 0 when none */
    uint64_t bytes;   /* octets, where the event has a size */
    uint32_t count;   /* recipients, where the event has a number */
};

#endif
