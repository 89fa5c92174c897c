/* login.c - AUTH with a Bearer token: profile section 2. */
#include "relay/core/machine.h"

#include <stdio.h>
#include <string.h>

#include "relay/auth/claims.h"
#include "relay/core/csk.h"

/* What a good AUTH has asked for. */
struct wish {
    struct relay_claims claims;
    int64_t expires_s; /* granted */
    bool renews;       /* the session was there */
};

bool relay_login_is_barred(const struct relay_conn *conn)
{
    return !conn->tls && !(conn->loopback && conn->relay->conf.plaintext_auth);
}

/* Was that one failure too many? They count by the source: a new connection is no new chance.
 * row 53, rfc4976#6.3 */
static bool is_one_too_many(struct relay_conn *conn)
{
    const struct relay_conf *conf = &conn->relay->conf;

    return relay_sources_fail(&conn->relay->sources, conn->source, conn->relay->now.mono_ms,
                              conf->auth_fails, conf->auth_fails_ms);
}

static int check_token(struct relay_conn *conn, struct wish *wish)
{
    const struct relay *relay = conn->relay;
    const struct relay_conf *conf = &relay->conf;
    const struct msrp_head *head = &conn->chunk.head;
    struct msrp_str scheme, token;

    /* before the costly part; the first AUTH of a connection has paid with its handshake */
    if (conn->presence && !relay_bucket_take(&conn->presence->auths, relay->now.mono_ms,
                                             conf->rate_messages_per_s, conf->rate_messages_burst))
        return RELAY_E_AUTH_RATE;
    if (!head->authorization.n)
        return RELAY_E_AUTH_NONE; /* row 52 */
    msrp_str_cut(head->authorization, ' ', &scheme, &token);
    if (!msrp_str_is_nocase(scheme, "Bearer"))
        return RELAY_E_AUTH_SCHEME;
    if (!conf->auth)
        return RELAY_E_JWS_KID; /* no issuer, no key */

    int err = relay_auth_token(conf->auth, msrp_str_trim(token), relay->now.unix_s, &wish->claims);
    if (err < 0)
        return err;
    const struct relay_user *user =
        relay_policy_user(relay->policy, msrp_str_of(wish->claims.mcdata_id));
    if (user && user->revoked)
        return RELAY_E_REVOKED;
    if (conn->user && strcmp(conn->user, wish->claims.mcdata_id) != 0)
        return RELAY_E_AUTH_OTHER_USER; /* profile 2.7 */
    return 0;
}

/* rows 55, 56; rfc4976#4.6 */
static int check_expires(struct relay_conn *conn, struct wish *wish)
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
static int open_session(struct relay_conn *conn, struct wish *wish, struct relay_session **out)
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
        return relay_session_set_issuer(session, claims->iss, claims->kid);
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
    session = relay_session_new(&relay->sessions, conn, rnd, remote, claims->iss, claims->kid);
    if (!session)
        return RELAY_E_NOMEM;
    int err = relay_conn_login(conn, msrp_str_of(claims->mcdata_id));
    if (err < 0) {
        relay_session_free(&relay->sessions, session);
        return err;
    }
    for (link = &conn->sessions; *link; link = &(*link)->next)
        ;
    *link = session;
    conn->sessions_n++;
    relay->counts.sessions_now++;
    *out = session;
    return 0;
}

static void refuse(struct relay_conn *conn, int err)
{
    const struct relay_conf *conf = &conn->relay->conf;
    int status = relay_err_row(err)->status;
    char text[512];
    struct msrp_field field = {.name = NULL};

    if ((status == 401 || status == 403) && err != RELAY_E_AUTH_NONE && is_one_too_many(conn)) {
        relay_conn_close(conn, RELAY_E_AUTH_FAILS);
        return;
    }
    if (status == 401) {
        /* RFC 6750 3.1: no error code for a request without a token */
        bool has_token = err != RELAY_E_AUTH_NONE && err != RELAY_E_AUTH_SCHEME;
        snprintf(text, sizeof text, "Bearer realm=\"%s\", scope=\"%s\"%s", conf->realm, conf->scope,
                 has_token ? ", error=\"invalid_token\"" : "");
        field.name = "WWW-Authenticate";
    } else if (err == RELAY_E_AUTH_EXPIRES_LOW) {
        snprintf(text, sizeof text, "%u", conf->expires_min_s);
        field.name = "Min-Expires";
    } else if (err == RELAY_E_AUTH_EXPIRES_HIGH) {
        snprintf(text, sizeof text, "%u", conf->expires_max_s);
        field.name = "Max-Expires";
    }
    if (field.name)
        field.value = msrp_str_of(text);
    relay_answer_refused(conn, err, &field, field.name ? 1 : 0);
}

void relay_login(struct relay_conn *conn)
{
    struct relay *relay = conn->relay;
    struct wish wish;
    struct relay_session *session = NULL;
    char use_path[MSRP_URI_MAX + 1], expires[24];

    int err = check_token(conn, &wish);
    if (!err)
        err = check_expires(conn, &wish);
    if (!err)
        err = open_session(conn, &wish, &session);
    if (err < 0) {
        refuse(conn, err);
        return;
    }

    session->dead_s = relay->now.unix_s + wish.expires_s;
    snprintf(expires, sizeof expires, "%lld", (long long)wish.expires_s);
    struct msrp_field fields[] = {
        {"Use-Path", {use_path, relay_session_uri(relay, session, use_path)}},
        {"Expires", msrp_str_of(expires)},
    };
    conn->chunk.session = session;
    relay_answer(conn, 200, 0, fields, 2);
    struct relay_event event = {
        .kind = wish.renews ? RELAY_EVENT_AUTH_RENEWED : RELAY_EVENT_AUTH_OK, .status = 200};
    relay_emit(relay, conn, &event);
}

void relay_login_recheck(struct relay_conn *conn)
{
    struct relay *relay = conn->relay;
    struct relay_claims claims = {.exp = INT64_MAX}; /* a session's own time is deadline.c's */

    if (!conn->user)
        return;
    const struct relay_user *user = relay_policy_user(relay->policy, msrp_str_of(conn->user));
    relay_csk_renew(conn);
    snprintf(claims.mcdata_id, sizeof claims.mcdata_id, "%s", conn->user);
    for (struct relay_session *s = conn->sessions; s; s = s->next) {
        snprintf(claims.iss, sizeof claims.iss, "%s", s->iss);
        snprintf(claims.kid, sizeof claims.kid, "%s", s->kid);
        if (!s->ended && ((user && user->revoked) || !relay->conf.auth ||
                          relay_auth_recheck(relay->conf.auth, &claims, relay->now.unix_s) < 0))
            relay_conn_end_session(conn, s);
    }
}
