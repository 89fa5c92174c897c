/* fan.h - one body to many, shared, immutable, counted. Private to relay/core.
 *
 * A fan holds the checked octets of part 4 (and the closing delimiter) as spans of the slabs they
 * arrived in. Each delivery is a cursor in it plus its own label (its multipart head: mcdata-info
 * for this recipient, signalling for this recipient), written only when its connection can send.
 * Octets that every cursor has passed are let go. A delivery chunk is whole when it is staged: its
 * end-line is absent from it by choice of the transaction id (rfc4975#7.1), so responses and
 * REPORTs always stand between chunks. */
#ifndef RELAY_CORE_FAN_H
#define RELAY_CORE_FAN_H

#include "relay/core/conn.h"

struct fan;
struct fan_delivery;

/* conn.c calls this when the connection can send and no control octet waits: stages the next chunk
 * of one of conn's deliveries (round robin) with relay_out_* and relay_conn_hop. Returns true when
 * something was staged. */
bool relay_fan_stage(struct relay_conn *conn);

/* True when relay_fan_stage would have something for the connection now. */
bool relay_fan_is_ready(const struct relay_conn *conn);

/* The answer to one of our transactions: an MSRP status, or 408 when none came in time. */
void relay_fan_answered(struct relay_conn *conn, struct fan_delivery *delivery, uint64_t start,
                        uint64_t end, int status);

#endif
