/* nexthop.c - where a request goes on to. rfc4976#6.3, #6.4; profile section 3.
 *
 * The previous hop is an authorised session or a configured peer; the next hop is a session of a
 * client of ours or a configured peer. A URI of ours says which session, and the rest of the path
 * must then be that session's own; nothing is looked up that only a message names. */
#include "relay/core/machine.h"

#include <stdlib.h>
#include <string.h>

/* What was found about the paths of the last request: most requests have the same. */
struct relay_route {
    uint64_t changed;           /* relay->paths_changed as it was */
    struct relay_onward onward; /* its spans are offsets: own.n octets, rest behind them */
    uint32_t to_n, from_n, cap;
    char text[]; /* To-Path, From-Path */
};

static bool is_live(const struct relay *relay, const struct relay_session *session)
{
    return !session->ended && relay->now.unix_s < session->dead_s + (int64_t)relay->conf.skew_s;
}

/* Does the previous hop own the session? */
static bool is_from(const struct relay_conn *conn, const struct relay_session *session)
{
    return session->conn == conn || (session->peer && session->peer == conn->peer);
}

/* May the previous hop send by the session, or to it? */
static bool may_name(const struct relay_conn *conn, const struct relay_session *session)
{
    return is_from(conn, session) || conn->peer || conn->relay->conf.path_foreign;
}

/* The peer that a URI names. In AUTH it needs no port (rfc4976#8): then the name says which. */
static struct relay_peer *peer_of(const struct relay *relay, struct msrp_str text)
{
    struct relay_peer *peer = NULL;
    struct msrp_uri uri;

    if (msrp_uri_parse(&uri, text))
        return NULL;
    if (uri.has_port)
        return relay_peers_of_uri(&relay->peers, &uri);
    uri.has_port = true;
    for (size_t i = 0; i < relay->peers.n && !peer; i++) {
        uri.port = relay->peers.v[i].conf->port;
        peer = relay_peers_of_uri(&relay->peers, &uri);
    }
    return peer;
}

/* Takes our URIs off the front of the path: one or two sessions. rfc4976#6.4.1 */
static int take_own(const struct relay_conn *conn, struct relay_onward *on,
                    struct relay_session *found[2])
{
    const struct relay *relay = conn->relay;
    struct msrp_str text, rest = on->rest;
    struct msrp_uri uri;

    on->own = (struct msrp_str){rest.p, 0};
    while (msrp_path_next(&rest, &text) && !msrp_uri_parse(&uri, text) &&
           relay_uri_is_ours(relay, &uri)) {
        struct relay_session *session =
            uri.has_session ? relay_sessions_find(&relay->sessions, uri.session) : NULL;
        if (!session || !is_live(relay, session))
            return RELAY_E_PATH_SESSION;
        if (!on->own_n && !may_name(conn, session))
            return RELAY_E_PATH_SESSION; /* as an unknown one: no oracle */
        if (on->own_n == 2)
            return RELAY_E_PATH_FOREIGN;
        found[on->own_n++] = session;
        on->own.n = (size_t)(text.p + text.n - on->own.p);
        on->rest = rest;
    }
    return on->rest.n ? 0 : RELAY_E_PATH_FOREIGN; /* no MSRP session ends at a URI of ours */
}

/* Does somebody else behind the same peer send to the session? Then its owner is the next hop, not
 * the one before. row R2 */
static bool is_towards(const struct relay_conn *conn, const struct relay_onward *on,
                       const struct relay_session *session)
{
    struct msrp_str remote = msrp_str_of(session->remote);

    return conn->peer && on->own_n == 1 && relay_path_is_same(on->rest, remote) &&
           !relay_path_is_same(conn->chunk.head.from.text, remote);
}

/* Who sends, by what session. rows 14, 18, 21, R2, R17 */
static int check_sender(const struct relay_conn *conn, struct relay_onward *on,
                        struct relay_session *found[2])
{
    const struct msrp_head *head = &conn->chunk.head;
    struct msrp_uri uri;

    if (is_from(conn, found[0]) && !is_towards(conn, on, found[0])) {
        on->sender = found[0];
        on->target = on->own_n == 2 ? found[1] : NULL;
    } else if (on->own_n == 2) {
        return RELAY_E_PATH_SESSION;
    } else {
        on->target = found[0];
    }
    if (on->sender && !relay_path_is_same(head->from.text, msrp_str_of(on->sender->remote)))
        return RELAY_E_IDENT;
    if (conn->peer && (msrp_uri_parse(&uri, head->from.first) ||
                       !msrp_str_is_nocase(uri.host, conn->peer->conf->name)))
        return RELAY_E_IDENT; /* rfc4976#6.3 */
    return 0;
}

static int find(struct relay_conn *conn, struct relay_onward *on)
{
    struct relay_session *found[2] = {NULL, NULL};
    struct msrp_str text, rest;
    int err = take_own(conn, on, found);

    if (!err)
        err = check_sender(conn, on, found);
    if (err)
        return err;
    if (on->target) {
        on->peer = on->target->peer;
        return relay_path_is_same(on->rest, msrp_str_of(on->target->remote)) ? 0
                                                                             : RELAY_E_PATH_FOREIGN;
    }
    rest = on->rest;
    msrp_path_next(&rest, &text);
    on->peer = peer_of(conn->relay, text);
    return on->peer && on->peer != conn->peer ? 0 : RELAY_E_PATH_FOREIGN;
}

/* Remembers what was found. Without memory it is found again. */
static void keep(struct relay_conn *conn, const struct relay_onward *on)
{
    const struct msrp_head *head = &conn->chunk.head;
    size_t n = head->to.text.n + head->from.text.n;
    struct relay_route *route = conn->route;

    if (head->method == MSRP_AUTH)
        return; /* its URIs may be without a port, those of others may not: row 63 */
    if (!route || route->cap < n) {
        route = malloc(sizeof *route + n);
        if (!route)
            return;
        free(conn->route);
        conn->route = route;
        route->cap = (uint32_t)n;
    }
    route->changed = conn->relay->paths_changed;
    route->onward = *on;
    route->to_n = (uint32_t)head->to.text.n;
    route->from_n = (uint32_t)head->from.text.n;
    memcpy(route->text, head->to.text.p, route->to_n);
    memcpy(route->text + route->to_n, head->from.text.p, route->from_n);
}

bool relay_nexthop_is_known(const struct relay_conn *conn)
{
    const struct relay_route *route = conn->route;
    const struct msrp_head *head = &conn->chunk.head;

    return route && route->changed == conn->relay->paths_changed &&
           route->to_n == head->to.text.n && route->from_n == head->from.text.n &&
           memcmp(route->text, head->to.text.p, route->to_n) == 0 &&
           memcmp(route->text + route->to_n, head->from.text.p, route->from_n) == 0 &&
           (!route->onward.sender || is_live(conn->relay, route->onward.sender)) &&
           (!route->onward.target || is_live(conn->relay, route->onward.target));
}

int relay_nexthop(struct relay_conn *conn, struct relay_onward *on)
{
    const struct msrp_head *head = &conn->chunk.head;

    if (relay_nexthop_is_known(conn)) {
        size_t own_n = conn->route->onward.own.n;
        *on = conn->route->onward;
        on->own.p = head->to.text.p;
        on->rest = (struct msrp_str){head->to.text.p + own_n + 1, head->to.text.n - own_n - 1};
        return 0;
    }
    *on = (struct relay_onward){.rest = head->to.text};
    int err = find(conn, on);
    if (err)
        return err;
    on->hash = relay_hash_of(&conn->relay->key, head->from.text.p, head->from.text.n) +
               3 * relay_hash_of(&conn->relay->key, head->to.text.p, head->to.text.n);
    keep(conn, on);
    return 0;
}

struct relay_lane *relay_nexthop_lane(struct relay *relay, const struct relay_onward *on)
{
    struct relay_conn *conn = on->target && !on->peer ? on->target->conn : NULL;

    if (conn)
        return conn->closing ? NULL : conn->lane;
    return on->peer ? relay_link_lane(relay, on->peer) : NULL;
}
