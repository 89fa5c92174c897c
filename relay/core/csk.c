#include "relay/core/csk.h"

#include <stdlib.h>
#include <string.h>

#include "relay/core/machine.h"

/* --- the upload as a message --- */

int relay_csk_begin(struct sds_message *m)
{
    const struct relay_conf *conf = relay_conf_of(m->sds->relay);
    struct relay_message_body *body = m->body;
    size_t max = conf->mikey_max < DPP_MIKEY_MAX ? conf->mikey_max : DPP_MIKEY_MAX;

    body->phase = RELAY_PHASE_UPLOAD;
    body->join.size_max = max;
    body->over = RELAY_E_SDS_MIKEY_LONG;
    body->key = relay_slab_new(relay_slabs_of(m->sds->relay), max);
    return body->key ? 0 : RELAY_E_MEMORY;
}

int relay_csk_take(struct sds_message *m, const char *p, size_t n)
{
    struct relay_slab *key = m->body->key;

    if (n > m->body->join.size_max - key->used)
        return RELAY_E_SDS_MIKEY_LONG;
    memcpy(key->data + key->used, p, n);
    key->used += (uint32_t)n;
    return 0;
}

/* One answer for everything that is wrong with the I_MESSAGE: a reason of the data plane that would
 * be answered otherwise is one of form. 413 speaks of us. */
static int reason(int err)
{
    int status = err ? relay_err_row(err)->status : 403;

    return status == 403 || status == 413 || status == 481 ? err : DPP_E_MIKEY_FORM;
}

/* What can be told without a key. */
static int look(struct relay *relay, struct relay_upload *upload)
{
    struct dpp_mikey mikey;
    int err = dpp_mikey_parse(&mikey, upload->p, upload->n);

    if (!err)
        err = dpp_mikey_digest(&mikey, upload->digest);
    if (!err && !relay->seen && !(relay->seen = dpp_mikey_replay_new(RELAY_CSK_SEEN_MAX, 0)))
        err = DPP_E_NOMEM;
    if (!err)
        err = dpp_mikey_replay_ask(relay->seen, upload->digest, relay->now.unix_s);
    return err;
}

int relay_csk_queue(struct sds_message *m)
{
    struct relay_conn *conn = m->conn;
    struct relay *relay = conn->relay;
    const struct relay_slab *octets = m->body->key;

    if (relay->counts.uploads_now >= relay->conf.csk_uploads_max)
        return RELAY_E_CSK_WAITING;
    if (!relay_bucket_take(&conn->presence->uploads, relay->now.mono_ms, RELAY_UPLOADS_PER_S,
                           RELAY_UPLOADS_BURST))
        return RELAY_E_RATE;
    struct relay_upload *upload = calloc(1, sizeof *upload);
    if (!upload)
        return RELAY_E_NOMEM;
    upload->err = RELAY_E_DRAINING; /* until somebody opens it */
    upload->n = octets->used;
    memcpy(upload->p, octets->data, octets->used);
    int err = look(relay, upload);
    if (err) {
        relay->counts.uploads_refused++;
        relay_upload_free(upload);
        return reason(err);
    }
    upload->conn = conn->id;
    upload->serial = conn->upload = ++relay->uploads;
    upload->now_s = relay->now.unix_s;
    memccpy(upload->initiator, conn->user, '\0', sizeof upload->initiator - 1);
    *relay->jobs_end = upload;
    relay->jobs_end = &upload->next;
    relay->counts.uploads_now++;
    relay_conn_pause(conn);
    return RELAY_SDS_LATER;
}

/* --- its job --- */

struct relay_upload *relay_csk_next(struct relay *relay)
{
    struct relay_upload *upload = relay->jobs;

    if (!upload)
        return NULL;
    relay->jobs = upload->next;
    if (!relay->jobs)
        relay->jobs_end = &relay->jobs;
    upload->next = NULL;
    return upload;
}

/* From here on the key is the connection's. */
static int take_key(struct relay_conn *conn, struct relay_upload *upload)
{
    struct relay *relay = conn->relay;
    int err = upload->err;

    if (!err && !conn->chunk.message)
        err = RELAY_E_SESSION_EXPIRED; /* the session has ended meanwhile */
    if (!err)                          /* of two that ran at once the second is the repeated one */
        err = dpp_mikey_replay_add(relay->seen, upload->digest, upload->time_s, relay->now.unix_s);
    if (err)
        return reason(err);
    dpp_key_free(conn->uploaded);
    conn->uploaded = upload->key;
    upload->key = NULL;
    conn->is_keyed = true;
    relay_csk_renew(conn);
    relay_emit(relay, conn, &(struct relay_event){.kind = RELAY_EVENT_CSK});
    return 0;
}

void relay_csk_uploaded(struct relay *relay, struct relay_upload *upload)
{
    struct relay_conn *conn = relay_conn_find(relay, upload->conn);

    relay->counts.uploads_now--;
    if (conn && !conn->closing && conn->upload == upload->serial) {
        int err = take_key(conn, upload);
        struct sds_message *m = conn->chunk.message;
        conn->upload = 0;
        relay->counts.uploads += !err;
        relay->counts.uploads_refused += err != 0;
        if (m && err) {
            relay_life_refuse(m, err);
        } else if (m) {
            relay_life_part(m);
            relay_life_accept(m);
        }
        relay_request_late(conn, err);
    }
    relay_upload_free(upload);
}

/* --- the CSK in force --- */

void relay_csk_renew(struct relay_conn *conn)
{
    const struct relay *relay = conn->relay;
    const struct relay_user *user = relay_policy_user(relay->policy, msrp_str_of(conn->user));

    if (conn->uploaded && dpp_key_check(conn->uploaded, relay->now.unix_s) == DPP_E_KEY_EXPIRED) {
        dpp_key_free(conn->uploaded);
        conn->uploaded = NULL;
    }
    conn->csk = conn->uploaded ? conn->uploaded : user ? user->csk : NULL;
}

void relay_csk_forget(struct relay_conn *conn)
{
    dpp_key_free(conn->uploaded);
    conn->uploaded = NULL;
    conn->csk = NULL;
    conn->upload = 0;
}
