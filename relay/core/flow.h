/* flow.h - back pressure: a fast sender waits for slow receivers, for a while. Private to
 * relay/core. Profile section 5; reliability section 4, "Slow receiver semantics".
 *
 * At conf.out_high octets behind the slowest cursor the sender's connection is not read any more,
 * until conf.out_low. All pauses of one message together last conf.pause_max_ms; then the receivers
 * still over the high mark lose the message and the rest goes on, without further pauses: who then
 * falls behind again has a tenth of that time. A connection that carries other traffic of its user
 * is not stopped: there the slow ones have half that time. Nobody may be conf.out_hard behind. */
#ifndef RELAY_CORE_FLOW_H
#define RELAY_CORE_FLOW_H

#include "relay/core/conn.h"

/* Of one message. Zeroed to start. */
struct relay_flow {
    bool is_over;   /* over the high mark, not yet back at the low one */
    bool is_paused; /* the sender's connection waits for us */
    int64_t since_ms, spent_ms;
};

/* The slowest cursor is `lag` octets behind (or time has passed). Pauses or resumes the sender.
 * Returns true when those over the high mark have to lose the message: the caller drops them and
 * calls relay_flow_spend. */
bool relay_flow_look(struct relay_flow *flow, struct relay_conn *sender, uint64_t lag);

/* No more pauses for this message. */
void relay_flow_spend(struct relay_flow *flow, struct relay_conn *sender);

/* The message is over, or goes on over another connection: resumes the sender if it waits. */
void relay_flow_end(struct relay_flow *flow, struct relay_conn *sender);

#endif
