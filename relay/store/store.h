/* store.h - the contract of the durable store (class D). Only the contract stands here: the relay
 * of this release delivers live (class V) and no store is built in yet.
 *
 * The core never calls a store. It emits store wants and takes commit events, so that a store can
 * be SQLite on the same box, JetStream on many, or a pretend disk in the simulator:
 *
 *   want  PUT     (recipient, message key, octets)  -> event COMMITTED or FAILED, same number
 *   want  DROP    (recipient, message key)          -> event COMMITTED
 *   want  LIST    (recipient)                       -> events ITEM ..., then COMMITTED
 *
 * A COMMITTED event for a PUT is given only when the octets survive kill -9 and power cut
 * (invariant I1): the MSRP 200 waits for it. Records are sealed with AES-256-GCM under a key per
 * segment; the associated data is (node, segment, sequence, recipient, class). */
#ifndef RELAY_STORE_STORE_H
#define RELAY_STORE_STORE_H

#include <stddef.h>
#include <stdint.h>

enum relay_store_op { RELAY_STORE_PUT, RELAY_STORE_DROP, RELAY_STORE_LIST };
enum relay_store_result { RELAY_STORE_COMMITTED, RELAY_STORE_FAILED, RELAY_STORE_ITEM };

/* The key of a stored message: who gets it, and which message it is (profile section 4,
 * "Duplicates"). All spans are borrowed for the call. */
struct relay_store_key {
    const char *recipient, *sender; /* MCData IDs */
    uint8_t conversation[16], message[16];
    uint8_t disposition; /* 0 for an SDS, else the disposition type of a notification */
};

#endif
