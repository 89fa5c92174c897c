/* chained.c - an AUTH that came through other relays: rfc4976#5.1, #6.3, row A11, profile 2.7.
 *
 * The peer has proved who it is and says whose AUTH it is; the client proves itself to us by its
 * credentials. Its session is found again by the peer and the From-Path, octet for octet, and lives
 * until its time is over, whatever becomes of connections. The peer must be allowed to speak for
 * the domain of the user, or one captured relay could bring in everybody (threat T10). */
#include "relay/core/machine.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 64, SWEEP_S = 1 };

static uint64_t hash_of(const struct relay *relay, const struct relay_peer *peer,
                        struct msrp_str remote)
{
    return relay_hash_of(&relay->key, remote.p, remote.n) ^
           relay_hash_of(&relay->key, &peer, sizeof(const struct relay_peer *));
}

static struct relay_session **row_of(const struct relay *relay, const struct relay_chained *table,
                                     const struct relay_session *session)
{
    return &table
                ->rows[hash_of(relay, session->peer, msrp_str_of(session->remote)) % table->rows_n];
}

static struct relay_session *find(const struct relay *relay, const struct relay_peer *peer,
                                  struct msrp_str remote)
{
    const struct relay_chained *table = &relay->chained;
    struct relay_session *session =
        table->rows ? table->rows[hash_of(relay, peer, remote) % table->rows_n] : NULL;

    while (session &&
           (session->ended || session->peer != peer || !msrp_str_is(remote, session->remote)))
        session = session->next;
    return session;
}

/* More rows; where there is no memory the chains grow longer: slower, never wrong. False without
 * any row. */
static bool grow(struct relay *relay)
{
    struct relay_chained *table = &relay->chained, wide = *table;

    if (table->rows && table->n < table->rows_n)
        return true;
    wide.rows_n = table->rows ? table->rows_n * 2 : ROWS;
    wide.rows = calloc(wide.rows_n, sizeof(struct relay_session *));
    if (!wide.rows)
        return table->rows != NULL;
    for (size_t i = 0; table->rows && i < table->rows_n; i++) {
        while (table->rows[i]) {
            struct relay_session *session = table->rows[i];
            table->rows[i] = session->next;
            struct relay_session **row = row_of(relay, &wide, session);
            session->next = *row;
            *row = session;
        }
    }
    free(table->rows);
    *table = wide;
    return true;
}

/* rfc4976#6.3, row R17: the first From-Path URI is that of the peer, and somebody is behind it. */
static int check_path(const struct relay_conn *conn)
{
    const struct msrp_path *from = &conn->chunk.head.from;
    struct relay_peers one = {conn->peer, 1};
    struct msrp_uri uri;

    if (from->count < 2 || msrp_uri_parse(&uri, from->first) || !relay_peers_of_uri(&one, &uri))
        return RELAY_E_PEER_NAME;
    return 0;
}

static int open_new(struct relay_conn *conn, struct relay_wish *wish, struct relay_session **out)
{
    struct relay *relay = conn->relay;
    struct msrp_str remote = conn->chunk.head.from.text;
    uint8_t rnd[16];

    if (conn->peer->sessions >= relay->conf.sessions_per_peer_max)
        return RELAY_E_PEER_SESSIONS;
    if (!grow(relay))
        return RELAY_E_NOMEM;
    if (relay_random_fill(relay, rnd, sizeof rnd) < 0)
        return RELAY_E_RANDOM;
    struct relay_session *session = relay_session_new_of_peer(&relay->sessions, conn->peer, rnd,
                                                              msrp_str_of(wish->claims.mcdata_id),
                                                              remote, wish->claims.iss, wish->kid);
    if (!session)
        return RELAY_E_NOMEM;
    struct relay_session **row = row_of(relay, &relay->chained, session);
    session->next = *row;
    *row = session;
    relay->chained.n++;
    relay->counts.sessions_now++;
    conn->peer->sessions++;
    *out = session;
    return 0;
}

int relay_chained_open(struct relay_conn *conn, struct relay_wish *wish, struct relay_session **out)
{
    int err = check_path(conn);

    if (err < 0)
        return err;
    if (!relay_peer_may_speak_for(conn->peer, msrp_str_of(wish->claims.mcdata_id)))
        return RELAY_E_PEER_DOMAIN;
    struct relay_session *session = find(conn->relay, conn->peer, conn->chunk.head.from.text);
    wish->renews = session;
    if (!session)
        return open_new(conn, wish, out);
    if (strcmp(session->user, wish->claims.mcdata_id) != 0)
        return RELAY_E_AUTH_OTHER_USER;
    *out = session;
    return relay_session_set_issuer(session, wish->claims.iss, wish->kid);
}

size_t relay_chained_use_path(const struct relay *relay, const struct relay_session *session,
                              char *out, size_t cap)
{
    struct msrp_str path = msrp_str_of(session->remote), uri;
    char own[MSRP_URI_MAX + 1];
    size_t own_n = relay_session_uri(relay, session, own), at = cap;

    /* from the right: ours, then each inner relay before the one that stood left of it */
    if (at < own_n)
        return 0;
    at -= own_n;
    memcpy(out + at, own, own_n);
    while (msrp_path_next(&path, &uri) && path.n) { /* the last is the client */
        if (at < uri.n + 1)
            return 0;
        out[--at] = ' ';
        at -= uri.n;
        memcpy(out + at, uri.p, uri.n);
    }
    memmove(out, out + at, cap - at);
    return cap - at;
}

/* --- the end of a session --- */

static void end(struct relay *relay, struct relay_session *session)
{
    struct relay_event event = {.kind = RELAY_EVENT_SESSION_END, .session = session->hash};

    session->ended = true;
    relay->counts.sessions_now--;
    session->peer->sessions--;
    memccpy(event.user, session->user, '\0', sizeof event.user - 1);
    relay_emit(relay, NULL, &event);
    relay_ways_session_gone(relay, session);
}

/* Is a frame of its client coming in just now? */
static bool is_in_use(const struct relay_session *session)
{
    for (const struct relay_conn *conn = session->peer->first; conn; conn = conn->next_same_peer)
        if (conn->chunk.session == session)
            return true;
    return false;
}

void relay_chained_tick(struct relay *relay)
{
    struct relay_chained *table = &relay->chained;

    if (!table->n || relay->now.unix_s - table->swept_s < SWEEP_S)
        return;
    table->swept_s = relay->now.unix_s;
    for (size_t i = 0; i < table->rows_n; i++) {
        for (struct relay_session **link = &table->rows[i]; *link;) {
            struct relay_session *session = *link;
            if (session->ended && !is_in_use(session)) {
                *link = session->next;
                table->n--;
                relay_session_free(&relay->sessions, session);
                continue;
            }
            if (!session->ended &&
                relay->now.unix_s >= session->dead_s + (int64_t)relay->conf.skew_s)
                end(relay, session);
            link = &session->next;
        }
    }
}

void relay_chained_recheck(struct relay *relay)
{
    const struct relay_chained *table = &relay->chained;

    for (size_t i = 0; i < table->rows_n; i++)
        for (struct relay_session *s = table->rows[i]; s; s = s->next)
            if (!s->ended && !relay_credentials_hold(relay, s->user, s->iss, s->kid))
                end(relay, s);
}

void relay_chained_done(struct relay *relay)
{
    struct relay_chained *table = &relay->chained;

    for (size_t i = 0; i < table->rows_n; i++) {
        while (table->rows[i]) {
            struct relay_session *session = table->rows[i];
            table->rows[i] = session->next;
            relay_session_free(&relay->sessions, session);
        }
    }
    free(table->rows);
    *table = (struct relay_chained){.rows_n = 0};
}
