/* csk.h - the CSK of a connection: provisioned by the policy, or uploaded. Private to relay/core.
 * Profile section 6; ts33180#5.4.
 *
 * An upload is a message to the service whose whole content is one I_MESSAGE. When it is complete
 * it becomes a job for the driver (RELAY_WANT_UPLOAD), because SAKKE takes milliseconds. Until the
 * job is back the connection is not read, so that at most one upload of it waits, what its client
 * says next is heard under the new CSK, and the response keeps its place. */
#ifndef RELAY_CORE_CSK_H
#define RELAY_CORE_CSK_H

#include "relay/auth/upload.h"
#include "relay/core/message.h"

enum { RELAY_CSK_SEEN_MAX = 65536 }; /* uploads remembered against replay */

/* --- the upload as a message --- */

/* It is one: from now on its octets are collected. 0 or RELAY_E_MEMORY. */
int relay_csk_begin(struct sds_message *message) __attribute__((warn_unused_result));
/* The next n octets in order. 0 or RELAY_E_SDS_MIKEY_LONG. */
int relay_csk_take(struct sds_message *message, const char *p, size_t n)
    __attribute__((warn_unused_result));
/* It is complete. RELAY_SDS_LATER: a job was made of it and the connection pauses; else the
 * refusal: RELAY_E_CSK_WAITING, RELAY_E_RATE, RELAY_E_NOMEM, DPP_E_CRYPTO, or what
 * dpp_mikey_parse and the replay cache say. */
int relay_csk_queue(struct sds_message *message) __attribute__((warn_unused_result));

/* --- its job --- */

/* The next one that the driver has not taken, or NULL. */
struct relay_upload *relay_csk_next(struct relay *relay);
/* It is back: takes the key, answers the SEND, reads on. Frees the job. */
void relay_csk_uploaded(struct relay *relay, struct relay_upload *upload);

/* --- the CSK in force --- */

/* Sets conn->csk anew: the uploaded one, else that of the policy. An uploaded one that has run out
 * is wiped. */
void relay_csk_renew(struct relay_conn *conn);
/* The connection ends: wipes the uploaded one. */
void relay_csk_forget(struct relay_conn *conn);

#endif
