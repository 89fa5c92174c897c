/* disp.h - what was sent lately: dispositions find their message, repeats are known as such.
 * Private to relay/core. Profile section 4, "Disposition" and "Duplicates"; 24.282 clause 12.
 *
 * A record is keyed by (sender, conversation ID, message ID) for an SDS; for a notification also by
 * its disposition type and by whom it was sent to; for a key-only message the two IDs are the two
 * halves of the digest of part 5. A record is open while its message is on its way in. When that
 * message is refused, aborted or lost the record is dropped, so that the message is new when it is
 * sent again; else the record is closed and kept for its time.
 *
 * Bounded: `ttl_s` old, `per_sender` records of one sender and `all` records of everybody; past a
 * bound the oldest closed record goes. */
#ifndef RELAY_CORE_DISP_H
#define RELAY_CORE_DISP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "msrp/str.h"
#include "relay/err.h"
#include "relay/route/hash.h"

enum {
    RELAY_DISP_SDS = 0,             /* kinds 1-254 are disposition types of notifications */
    RELAY_DISP_KEY = 255,           /* a key-only message */
    RELAY_DISP_RECORDS_MAX = 500000 /* of all senders together */
};

enum relay_disp_found {
    RELAY_DISP_NEW,  /* there was none; an open record has been made */
    RELAY_DISP_OPEN, /* there is one, and its message is on its way now */
    RELAY_DISP_DONE, /* there is one, and its message came to its end */
};

struct relay_disp;
struct relay_disp_name;

struct relay_disp_key {
    struct msrp_str sender; /* MCData ID */
    struct msrp_str target; /* user or group; part of the key unless the kind is SDS */
    uint8_t conversation[16], message[16];
    uint8_t kind;
};

/* One message. Read only for everybody but disp.c. */
struct relay_disp_record {
    struct relay_disp_record *next_in_row;
    struct relay_disp_record *older, *newer;         /* of everybody */
    struct relay_disp_record *own_older, *own_newer; /* of the sender */
    struct relay_disp_name *sender, *target;
    int64_t at_s;
    uint8_t conversation[16], message[16];
    uint8_t digest[32]; /* SHA-256 of part 4, once closed */
    uint8_t kind;
    bool is_group, is_open;
};

/* No records. rnd: 16 random octets for the table. NULL without memory. */
struct relay_disp *relay_disp_new(const uint8_t rnd[16], uint32_t ttl_s, uint32_t per_sender,
                                  uint32_t all) __attribute__((warn_unused_result));
void relay_disp_free(struct relay_disp *disp); /* NULL is allowed; open records go too */

/* Finds the record of the key, or makes an open one (monotonic time now_s). Returns one of enum
 * relay_disp_found with *record set, or RELAY_E_NOMEM. An open record stays until _close or _drop;
 * a closed one may go with any later call. */
int relay_disp_add(struct relay_disp *disp, const struct relay_disp_key *key, bool is_group,
                   int64_t now_s, struct relay_disp_record **record)
    __attribute__((warn_unused_result));

/* The record of the key, or NULL. Valid until the next call. */
const struct relay_disp_record *relay_disp_find(const struct relay_disp *disp,
                                                const struct relay_disp_key *key);

/* The message of an open record is complete; digest NULL: there is none to compare. */
void relay_disp_close(struct relay_disp *disp, struct relay_disp_record *record,
                      const uint8_t digest[32]);
/* The message is as if it had never come. */
void relay_disp_drop(struct relay_disp *disp, struct relay_disp_record *record);

/* The same for a closed record; nothing when there is none. */
void relay_disp_forget(struct relay_disp *disp, const struct relay_disp_key *key);

/* The user or group that the message was for. Borrowed from the record. */
struct msrp_str relay_disp_target(const struct relay_disp_record *record);

/* Forgets what is older than its time. */
void relay_disp_sweep(struct relay_disp *disp, int64_t now_s);

/* Records now held. */
size_t relay_disp_count(const struct relay_disp *disp);

#endif
