/* login.c - AUTH: sessions are opened and renewed. Profile section 2, rfc4976#6.3. */
#include "relay/core/machine.h"

#include <stdio.h>
#include <string.h>

#include "relay/core/csk.h"

enum { USE_PATH_MAX = 8 * (MSRP_URI_MAX + 1) };

bool relay_login_is_barred(const struct relay_conn *conn)
{
    return !conn->tls && !(conn->loopback && conn->relay->conf.plaintext_auth);
}

/* Was that one failure too many? They count by the source: a new connection is no new chance. A
 * peer is not blamed for the clients behind it. row 53, A15, rfc4976#6.3 */
static bool is_one_too_many(struct relay_conn *conn)
{
    const struct relay_conf *conf = &conn->relay->conf;

    return !conn->peer &&
           relay_sources_fail(&conn->relay->sources, conn->source, conn->relay->now.mono_ms,
                              conf->auth_fails, conf->auth_fails_ms);
}

void relay_login_forward_failed(struct relay_conn *conn)
{
    if (is_one_too_many(conn))
        relay_conn_close(conn, RELAY_E_AUTH_FAILS);
}

/* rows 55, 56; rfc4976#4.6 */
static int check_expires(struct relay_conn *conn, struct relay_wish *wish)
{
    const struct relay_conf *conf = &conn->relay->conf;
    const struct msrp_seconds *asked = &conn->chunk.head.expires;
    int64_t rest_s = wish->claims.exp - conn->relay->now.unix_s;

    if (asked->has && asked->is_bad)
        return RELAY_E_AUTH_EXPIRES_NAN;
    if (asked->has && asked->value < conf->expires_min_s)
        return RELAY_E_AUTH_EXPIRES_LOW;
    if (asked->has && asked->value > conf->expires_max_s)
        return RELAY_E_AUTH_EXPIRES_HIGH;
    wish->expires_s = asked->has ? (int64_t)asked->value : conf->expires_default_s;
    if (wish->expires_s > rest_s)
        wish->expires_s = rest_s > 0 ? rest_s : 0; /* the skew may have let in a token just over */
    return 0;
}

/* The live session of this From-Path, or a new one. profile 2.7 */
static int open_session(struct relay_conn *conn, struct relay_wish *wish,
                        struct relay_session **out)
{
    struct relay *relay = conn->relay;
    struct msrp_str remote = conn->chunk.head.from.text;
    const struct relay_claims *claims = &wish->claims;
    struct relay_session **link = &conn->sessions, *session;
    uint8_t rnd[16];

    for (session = conn->sessions; session; session = session->next)
        if (!session->ended && relay_path_is_same(msrp_str_of(session->remote), remote))
            break;
    wish->renews = session;
    if (session) {
        *out = session;
        return relay_session_set_issuer(session, claims->iss, wish->kid);
    }
    /* room in the list: ended ones only stand there for their 481 */
    while (conn->sessions_n >= relay->conf.sessions_per_conn_max && *link) {
        session = *link;
        if (!session->ended) {
            link = &session->next;
            continue;
        }
        *link = session->next;
        conn->sessions_n--;
        relay_session_free(&relay->sessions, session);
    }
    if (conn->sessions_n >= relay->conf.sessions_per_conn_max)
        return RELAY_E_SESSIONS;

    if (relay_random_fill(relay, rnd, sizeof rnd) < 0)
        return RELAY_E_RANDOM;
    session = relay_session_new(&relay->sessions, conn, rnd, remote, claims->iss, wish->kid);
    if (!session)
        return RELAY_E_NOMEM;
    int err = relay_conn_login(conn, msrp_str_of(claims->mcdata_id));
    if (err < 0) {
        relay_session_free(&relay->sessions, session);
        return err;
    }
    session->user = conn->user;
    for (link = &conn->sessions; *link; link = &(*link)->next)
        ;
    *link = session;
    conn->sessions_n++;
    relay->counts.sessions_now++;
    *out = session;
    return 0;
}

size_t relay_session_uri(const struct relay *relay, const struct relay_session *session,
                         char uri[MSRP_URI_MAX + 1])
{
    return (size_t)snprintf(
        uri, MSRP_URI_MAX + 1, "%s://%s:%u/%s;tcp",
        (session->peer ? session->peer->conf->tls : session->conn->tls) ? "msrps" : "msrp",
        relay->conf.name, relay->conf.port, session->id);
}

static void refuse(struct relay_conn *conn, int err)
{
    const struct relay_conf *conf = &conn->relay->conf;
    int status = relay_err_row(err)->status;
    char texts[RELAY_CHALLENGES_MAX][512];
    struct msrp_field fields[RELAY_CHALLENGES_MAX];
    size_t n = 0;

    /* being challenged is no failure, nor is a nonce that got too old */
    if ((status == 401 || status == 403) && err != RELAY_E_AUTH_NONE &&
        err != RELAY_E_DIGEST_STALE && is_one_too_many(conn)) {
        relay_conn_close(conn, RELAY_E_AUTH_FAILS);
        return;
    }
    if (status == 401) {
        n = relay_credentials_challenges(conn->relay, err, texts, fields);
    } else if (err == RELAY_E_AUTH_EXPIRES_LOW) {
        snprintf(texts[0], sizeof texts[0], "%u", conf->expires_min_s);
        fields[n++] = (struct msrp_field){"Min-Expires", msrp_str_of(texts[0])};
    } else if (err == RELAY_E_AUTH_EXPIRES_HIGH) {
        snprintf(texts[0], sizeof texts[0], "%u", conf->expires_max_s);
        fields[n++] = (struct msrp_field){"Max-Expires", msrp_str_of(texts[0])};
    }
    relay_answer_refused(conn, err, fields, n);
}

/* The 200. */
static void welcome(struct relay_conn *conn, const struct relay_wish *wish,
                    struct relay_session *session)
{
    struct relay *relay = conn->relay;
    char use_path[USE_PATH_MAX], expires[24];
    size_t use_path_n = session->peer
                            ? relay_chained_use_path(relay, session, use_path, sizeof use_path)
                            : relay_session_uri(relay, session, use_path);

    snprintf(expires, sizeof expires, "%lld", (long long)wish->expires_s);
    struct msrp_field fields[] = {
        {"Use-Path", {use_path, use_path_n}},
        {"Expires", msrp_str_of(expires)},
        {"Authentication-Info", msrp_str_of(wish->info)},
    };
    relay_answer(conn, 200, 0, fields, wish->info[0] ? 3 : 2);
}

void relay_login(struct relay_conn *conn)
{
    struct relay *relay = conn->relay;
    struct relay_wish wish;
    struct relay_session *session = NULL;

    int err = relay_credentials_check(conn, &wish);
    if (!err)
        err = check_expires(conn, &wish);
    if (!err)
        err = conn->peer ? relay_chained_open(conn, &wish, &session)
                         : open_session(conn, &wish, &session);
    if (err < 0) {
        refuse(conn, err);
        return;
    }
    session->dead_s = relay->now.unix_s + wish.expires_s;
    conn->chunk.session = session;
    welcome(conn, &wish, session);
    struct relay_event event = {
        .kind = wish.renews ? RELAY_EVENT_AUTH_RENEWED : RELAY_EVENT_AUTH_OK, .status = 200};
    relay_emit(relay, conn, &event);
}

void relay_login_recheck(struct relay_conn *conn)
{
    if (!conn->user)
        return;
    relay_csk_renew(conn);
    for (struct relay_session *s = conn->sessions; s; s = s->next)
        if (!s->ended && !relay_credentials_hold(conn->relay, conn->user, s->iss, s->kid))
            relay_conn_end_session(conn, s);
}
