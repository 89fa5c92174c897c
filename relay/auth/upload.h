/* upload.h - one CSK upload as a job: the I_MESSAGE of a client, opened with the relay's own keys.
 * Profile section 6; ts33180#5.4.
 *
 * The core makes the job, any thread runs it, the core takes the result: nothing here is shared
 * with the loop but the ring, which is read only. */
#ifndef RELAY_AUTH_UPLOAD_H
#define RELAY_AUTH_UPLOAD_H

#include "dpp/keys/mikey.h"

struct relay_upload {
    struct relay_upload *next;       /* of the core, while nobody has taken the job */
    uint64_t conn, serial;           /* whose it is, and which one */
    char initiator[DPP_URI_MAX + 1]; /* mcdata_id of the connection */
    int64_t now_s;                   /* when it came: unix seconds */
    uint8_t digest[32];              /* of the signed octets, for the replay cache */
    size_t n;                        /* octets of the I_MESSAGE */
    uint8_t p[DPP_MIKEY_MAX];
    int err;             /* the result: 0, or why the CSK is not taken */
    struct dpp_key *key; /* the CSK when err is 0; the job's until somebody takes it */
    int64_t time_s;      /* T of the message */
};

/* Opens the I_MESSAGE and fills err, key and time_s. Good is a CSK (purpose tag 2 and key type)
 * that is not revoked and in its time, for the user of the ring, signed by `initiator`, T within
 * DPP_MIKEY_WINDOW_S of now_s. Replay is not looked at.
 *   RELAY_E_SDS_MIKEY_UPLOAD  ring is NULL: the relay has no key set
 *   DPP_E_MIKEY_REVOKED       the key is revoked
 *   else what dpp_mikey_open says
 * Any thread; the ring does not change meanwhile. Takes some milliseconds. */
void relay_upload_open(const struct dpp_ring *ring, struct relay_upload *upload);

/* Wipes the key where it is still there, and frees. NULL is allowed. */
void relay_upload_free(struct relay_upload *upload);

#endif
