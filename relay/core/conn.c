#include "relay/core/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "relay/core/csk.h"
#include "relay/core/sds.h"

/* A slab with less room than this is left for a new one: tiny reads cost more than the copy of a
 * tail, which is at most a head long. */
enum { ROOM_MIN = 2048 };

struct relay_conn *relay_conn_new(struct relay *relay, const struct relay_in *in)
{
    struct {
        struct relay_conn conn;
        struct relay_lane lane;
    } *both = calloc(1, sizeof *both);
    struct relay_conn *conn = both ? &both->conn : NULL;

    if (!conn)
        return NULL;
    conn->lane = &both->lane;
    conn->lane->conn = conn;
    conn->relay = relay;
    conn->id = in->conn;
    conn->tls = in->open.tls;
    conn->loopback = in->open.loopback;
    conn->opened_ms = conn->heard_ms = relay->now.mono_ms;
    snprintf(conn->source, sizeof conn->source, "%s", in->open.source ? in->open.source : "");
    msrp_reader_init(&conn->reader, &relay->conf.head);
    return conn;
}

/* --- the directory --- */

static void unlist(struct relay_conn *conn)
{
    if (!conn->listed)
        return;
    struct relay_conn **link = &conn->presence->first;
    while (*link != conn)
        link = &(*link)->next_same_user;
    *link = conn->next_same_user;
    conn->next_same_user = NULL;
    conn->listed = false;
    conn->relay->counts.conns_authorised_now--;
}

int relay_conn_login(struct relay_conn *conn, struct msrp_str user)
{
    struct relay *relay = conn->relay;
    struct relay_presence *presence =
        conn->presence ? conn->presence : relay_directory_get(&relay->directory, user);
    struct relay_conn **link;
    unsigned n = 0;

    if (!presence)
        return RELAY_E_NOMEM;
    if (conn->listed)
        return 0;
    for (link = &presence->first; *link; link = &(*link)->next_same_user)
        n++;
    if (n >= relay->conf.conns_per_user_max)
        return RELAY_E_CONNS_USER;
    *link = conn;
    conn->listed = true;
    relay->counts.conns_authorised_now++;
    if (!conn->presence) {
        presence->conns++;
        conn->presence = presence;
        conn->user = presence->user;
    }
    if (conn->at_door)
        relay_sources_drop(&relay->sources, conn->source);
    conn->at_door = false;
    relay_csk_renew(conn);
    return 0;
}

struct relay_session *relay_conn_session(const struct relay_conn *conn)
{
    struct relay_session *session = conn->sessions;

    while (session && session->ended)
        session = session->next;
    return session;
}

void relay_conn_end_session(struct relay_conn *conn, struct relay_session *session)
{
    struct relay *relay = conn->relay;
    struct relay_event event = {.kind = RELAY_EVENT_SESSION_END};

    session->ended = true;
    relay->counts.sessions_now--;
    event.session = session->hash;
    relay_emit(relay, conn, &event);
    if (!relay_conn_session(conn))
        unlist(conn);
    relay_sds_session_gone(relay->sds, conn, session);
    relay_ways_session_gone(relay, session);
}

int relay_conn_admit(struct relay_conn *conn)
{
    struct relay *relay = conn->relay;
    const struct relay_conf *conf = &relay->conf;

    if (relay->draining)
        return RELAY_E_DRAINING;
    if (relay_overload_now(relay) >= RELAY_OVERLOAD_MESSAGES)
        return RELAY_E_MEMORY;
    if (conn->peer && conn->peer->conf->messages_per_s &&
        !relay_bucket_take(&conn->peer->messages, relay->now.mono_ms,
                           conn->peer->conf->messages_per_s, conn->peer->conf->messages_burst))
        return RELAY_E_PEER_RATE;
    if (conn->presence && !relay_bucket_take(&conn->presence->messages, relay->now.mono_ms,
                                             conf->rate_messages_per_s, conf->rate_messages_burst))
        return RELAY_E_RATE;
    return 0;
}

/* --- the end --- */

/* Octets of a slab that belong to this connection alone and may hold a token. */
static void wipe(struct relay_slab *slab, const char *p, size_t n)
{
    OPENSSL_cleanse(slab->data + (p - slab->data), n);
}

void relay_chunk_done(struct relay_conn *conn)
{
    const struct msrp_head *head = &conn->chunk.head;

    /* all lines: an AUTH may be refused for having two tokens; what goes on is wiped then */
    bool is_secret = head->authorization.n || head->method == MSRP_AUTH;
    if (is_secret && conn->chunk.aim == RELAY_AIM_WAY)
        conn->chunk.head_slab->is_secret = true;
    else if (is_secret && conn->chunk.aim != RELAY_AIM_ERRAND)
        wipe(conn->chunk.head_slab, head->lines.p, head->lines.n);
    relay_slab_unref(conn->chunk.head_slab);
    conn->chunk = (struct relay_chunk){.head_slab = NULL};
}

/* Everything that others know of the connection; what is queued stays. */
static void forget(struct relay_conn *conn)
{
    struct relay *relay = conn->relay;

    conn->closing = true; /* first: nothing that ends now may ask for it to be read or written */
    unlist(conn);
    relay->paths_changed++;
    relay_sds_gone(relay->sds, conn);
    relay_ways_gone(conn);
    relay_errand_drop(conn);
    relay_link_closed(conn);
    relay_csk_forget(conn);
    relay_chunk_done(conn);
    while (conn->sessions) {
        struct relay_session *session = conn->sessions;
        conn->sessions = session->next;
        relay->counts.sessions_now -= !session->ended;
        relay_session_free(&relay->sessions, session);
    }
    conn->sessions_n = 0;
    if (conn->at_door)
        relay_sources_drop(&relay->sources, conn->source);
    conn->at_door = false;
    relay_hop_forget(conn);
    free(conn->route);
    conn->route = NULL;
    if (conn->in) /* a head that broke off, or does not read */
        wipe(conn->in, conn->in->data + conn->in_rd, conn->in->used - conn->in_rd);
    relay_slab_unref(conn->in);
    conn->in = NULL;
    conn->paused = 0;
}

void relay_conn_close(struct relay_conn *conn, int err)
{
    if (conn->closing)
        return;
    if (err)
        relay_refuse(conn->relay, conn, err, 0, (struct msrp_str){NULL, 0}, conn->chunk.body);
    forget(conn);
    conn->wants_close = true;
    relay_conn_wants(conn);
}

void relay_conn_free(struct relay_conn *conn)
{
    if (!conn->closing)
        forget(conn);
    relay_conn_wants_nothing(conn); /* last: what ended may have asked for a write */
    relay_out_done(&conn->out);
    if (conn->presence)
        conn->presence->conns--;
    free(conn);
}

/* --- reading --- */

void relay_conn_pause(struct relay_conn *conn)
{
    if (conn->closing)
        return;
    if (!conn->paused++) {
        conn->relay->counts.pauses++;
        relay_lane_wake(conn->lane);
    }
    relay_conn_wants(conn);
}

void relay_conn_resume(struct relay_conn *conn)
{
    struct relay *relay = conn->relay;

    if (conn->closing || !conn->paused || --conn->paused)
        return;
    relay->counts.resumes++;
    relay_conn_wants(conn);
    if (!conn->ready_listed) {
        conn->ready_listed = true;
        conn->next_ready = NULL;
        *relay->ready_end = conn;
        relay->ready_end = &conn->next_ready;
    }
}

void relay_conn_trim(struct relay_conn *conn)
{
    if (conn->in && conn->in_rd == conn->in->used && conn->in->refs == 1) {
        relay_slab_unref(conn->in);
        conn->in = NULL;
        conn->in_rd = 0;
    }
}

/* A peer that does not read its answers is not read either. */
static void watch_answers(struct relay_conn *conn)
{
    const struct relay_conf *conf = &conn->relay->conf;

    if (!conn->clogged && conn->out.bytes >= conf->out_high) {
        conn->clogged = true;
        relay_conn_pause(conn);
    }
}

void relay_conn_read(struct relay_conn *conn)
{
    struct relay *relay = conn->relay;
    struct msrp_event ev = {.kind = MSRP_EV_BODY};

    while (!conn->closing && !conn->paused && conn->in && conn->in_rd < conn->in->used &&
           ev.kind != MSRP_EV_MORE) {
        ssize_t used = msrp_reader_next(&conn->reader, conn->in->data + conn->in_rd,
                                        conn->in->used - conn->in_rd, &ev);
        if (used < 0) {
            relay_request_broken(conn, (int)used);
            return;
        }
        conn->in_rd += (uint32_t)used; /* the slab keeps the octets as they are */
        if (ev.kind == MSRP_EV_HEAD || ev.kind == MSRP_EV_END)
            conn->head_since_ms = 0;
        if (ev.kind == MSRP_EV_HEAD)
            relay_request_head(conn, ev.head, ev.err);
        else if (ev.kind == MSRP_EV_BODY)
            relay_request_body(conn, ev.body);
        else if (ev.kind == MSRP_EV_END)
            relay_request_end(conn, ev.flag, ev.err);
        if (conn->out.failed)
            relay_conn_close(conn, RELAY_E_NOMEM);
        watch_answers(conn);
    }
    if (conn->closing)
        return;

    /* row 60: from the first octet of a head until it is complete */
    bool is_in_head = !conn->chunk.head_slab && !msrp_reader_is_between(&conn->reader);
    if (is_in_head && !conn->head_since_ms)
        conn->head_since_ms = relay->now.mono_ms;
    relay_conn_trim(conn);
}

char *relay_buffer(struct relay *relay, uint64_t id, size_t *n)
{
    struct relay_conn *conn = relay_conn_find(relay, id);

    *n = 0;
    if (!conn || conn->closing || conn->paused)
        return NULL;
    if (!conn->in || conn->in->cap - conn->in->used < ROOM_MIN) {
        struct relay_slab *slab = relay_slab_new(&relay->slabs, RELAY_SLAB_SIZE);
        conn->starved = !slab;
        if (!slab)
            return NULL;
        if (conn->in) {
            slab->used = conn->in->used - conn->in_rd;
            memcpy(slab->data, conn->in->data + conn->in_rd, slab->used);
            wipe(conn->in, conn->in->data + conn->in_rd, slab->used);
        }
        relay_slab_unref(conn->in);
        conn->in = slab;
        conn->in_rd = 0;
    }
    conn->starved = false;
    *n = conn->in->cap - conn->in->used;
    return conn->in->data + conn->in->used;
}
