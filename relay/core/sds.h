/* sds.h - the MCData service: label -> policy -> recipients (profile section 4). Private to core.
 *
 * request.c gives it the chunks of SEND requests whose To-Path is <own Use-Path URI> <service URI>,
 * that have a Message-ID and either a body or the `#` flag; it has checked the head (answer table
 * rows that need no message: paths, session, ident, syntax). The service answers with 0 or a
 * refusal; request.c counts it (relay_refuse, with chunk->target) and writes the response after the
 * end-line, obeying Failure-Report (G1). */
#ifndef RELAY_CORE_SDS_H
#define RELAY_CORE_SDS_H

#include "relay/core/conn.h"

enum { RELAY_SDS_LATER = 1 };

struct sds; /* all open messages, records of past ones, per relay */

struct sds *relay_sds_new(struct relay *relay) __attribute__((warn_unused_result));
void relay_sds_free(struct sds *sds);

/* A chunk begins: chunk->head is complete, its body follows. Finds or makes the message and checks
 * the chunk against it (rows 25, 28-31, 35, 37-39). 0: feed the body; negative: the refusal of this
 * chunk, its body is swallowed by conn.c and relay_sds_end is not called. RELAY_E_STOPPED_STILL
 * means close the connection. */
int relay_sds_begin(struct sds *sds, struct relay_conn *conn, struct relay_chunk *chunk)
    __attribute__((warn_unused_result));

/* Body octets of the chunk, in stream order, inside `slab` (taken by reference where kept). 0, or
 * the refusal: the rest of the chunk is swallowed. */
int relay_sds_body(struct sds *sds, struct relay_conn *conn, struct relay_chunk *chunk,
                   struct relay_slab *slab, const char *p, size_t n)
    __attribute__((warn_unused_result));

/* The end-line came. Flag '$', '+' or '#'. 0: answer 200; RELAY_SDS_LATER: the connection is paused
 * and relay_request_late will be called; else the refusal. Not called after relay_sds_body refused:
 * such a chunk is over for the service. */
int relay_sds_end(struct sds *sds, struct relay_conn *conn, struct relay_chunk *chunk, char flag)
    __attribute__((warn_unused_result));

/* The connection is gone (lost sender and lost recipient). Its deliveries end; its messages are
 * dropped (class V). conn is still valid during the call. */
void relay_sds_gone(struct sds *sds, struct relay_conn *conn);
/* A session died or its user was revoked: its open messages end with `#`, later chunks are 481. */
void relay_sds_session_gone(struct sds *sds, struct relay_conn *conn,
                            struct relay_session *session);
/* The policy or the clock changed: checks again every open message and running delivery (2.8). */
void relay_sds_recheck(struct sds *sds);
/* Time passed: idle messages, pauses over their limit, records past their time. */
void relay_sds_tick(struct sds *sds);

/* --- what fan.c tells --- */

/* A delivery of the message is over, done or failed. The message may be freed, its fan with it. */
void relay_sds_delivery_over(struct sds_message *message);
/* A delivery of the message has taken octets. */
void relay_sds_cursor_moved(struct sds_message *message);
/* RELAY_FAN_LABEL_MAX octets of scratch, for one call. */
char *relay_sds_scratch(struct sds *sds);

/* Nothing open, nothing being delivered. */
bool relay_sds_is_quiet(const struct sds *sds);

#endif
