/* link.c - the links to our peers: found, dialled when something waits for them, dialled again with
 * growing waits. rfc4976#6.4.2, rows R11, R17, R20
 *
 * An accepted connection is a peer's when its client certificate says so; without TLS (loopback
 * only) when the first From-Path URI of its first request does. What waits for a link has
 * RELAY_PEER_WAIT_MS; then it is lost and told as such.
 *
 * A connection that stands proves little: a peer may accept and hang up at once. The dial counts as
 * a success when the peer answers a request 2xx, or makes one, or stays for as long as the longest
 * wait; a link that ends before is one more failure, and the next dial waits. */
#include "relay/core/machine.h"

#include <stdlib.h>

static unsigned index_of(const struct relay *relay, const struct relay_peer *peer)
{
    return (unsigned)(peer - relay->peers.v);
}

int relay_links_init(struct relay *relay)
{
    if (relay_peers_init(&relay->peers, relay->conf.peers, relay->conf.peers_n) < 0)
        return RELAY_E_NOMEM;
    relay->waits = calloc(relay->peers.n + 1, sizeof *relay->waits);
    if (!relay->waits)
        return RELAY_E_NOMEM;
    for (size_t i = 0; i < relay->peers.n; i++)
        relay->waits[i].errands_end = &relay->waits[i].errands;
    return 0;
}

void relay_links_done(struct relay *relay)
{
    for (size_t i = 0; relay->waits && i < relay->peers.n; i++) {
        while (relay->waits[i].ways)
            relay_way_fail(relay->waits[i].ways, RELAY_E_UNDELIVERED, 408, 0, 0);
        relay_errands_expire(relay, &relay->waits[i], INT64_MAX);
    }
    free(relay->waits);
    relay_peers_done(&relay->peers);
}

void relay_link_open(struct relay_conn *conn, struct relay_peer *peer)
{
    struct relay *relay = conn->relay;
    struct relay_lane *wait = &relay->waits[index_of(relay, peer)];
    struct relay_conn **link = &peer->first;

    while (*link)
        link = &(*link)->next_same_peer;
    *link = conn;
    conn->peer = peer;
    relay->paths_changed++;
    relay->counts.conns_authorised_now++;
    if (conn->at_door)
        relay_sources_drop(&relay->sources, conn->source);
    conn->at_door = false;
    relay_emit(relay, conn, &(struct relay_event){.kind = RELAY_EVENT_PEER_UP});
    relay_errands_move(wait, conn);
    conn->lane->is_over = wait->is_over;
    conn->lane->moved_ms = relay->now.mono_ms; /* the time of a slow receiver begins now */
    wait->is_over = false;
    while (wait->ways) {
        struct relay_way *way = wait->ways;
        relay_lane_leave(way);
        relay_lane_join(conn->lane, way);
        relay_lane_ready(way);
    }
}

void relay_link_closed(struct relay_conn *conn)
{
    struct relay_conn **link;

    if (!conn->peer)
        return;
    if (conn->is_untried)
        relay_link_dialled(conn->relay, index_of(conn->relay, conn->peer),
                           conn->relay->now.mono_ms - conn->opened_ms >= RELAY_PEER_RETRY_MAX_MS);
    conn->is_untried = false;
    for (link = &conn->peer->first; *link != conn; link = &(*link)->next_same_peer)
        ;
    *link = conn->next_same_peer;
    conn->next_same_peer = NULL;
    conn->relay->paths_changed++;
    conn->relay->counts.conns_authorised_now--;
    relay_emit(conn->relay, conn, &(struct relay_event){.kind = RELAY_EVENT_PEER_DOWN});
    conn->peer = NULL;
}

/* Asks the driver for a connection, unless it was asked, or the last try is too fresh. */
static void dial(struct relay *relay, struct relay_peer *peer)
{
    struct relay_lane *wait = &relay->waits[index_of(relay, peer)];

    if (!relay_peer_may_dial(peer, relay->now.mono_ms))
        return;
    peer->is_dialling = true;
    wait->wants_dial = true;
    relay->dials++;
}

unsigned relay_link_next(struct relay *relay)
{
    if (!relay->dials)
        return 0;
    for (unsigned i = 0; i < relay->peers.n; i++) {
        if (!relay->waits[i].wants_dial)
            continue;
        relay->waits[i].wants_dial = false;
        relay->dials--;
        return i + 1;
    }
    return 0;
}

void relay_link_dialled(struct relay *relay, unsigned index, bool is_up)
{
    uint8_t rnd = 0;

    if (index >= relay->peers.n || relay_random_fill(relay, &rnd, 1) < 0)
        rnd = 0; /* then all wait the same time */
    if (index < relay->peers.n)
        relay_peer_dialled(&relay->peers.v[index], is_up, relay->now.mono_ms, rnd);
}

void relay_link_proven(struct relay_conn *conn)
{
    if (!conn->is_untried)
        return;
    conn->is_untried = false;
    relay_link_dialled(conn->relay, index_of(conn->relay, conn->peer), true);
}

void relay_link_guess(struct relay_conn *conn)
{
    const struct msrp_head *head = &conn->chunk.head;
    struct msrp_uri uri;

    if (conn->tls || !conn->loopback || conn->peer || conn->presence || !conn->relay->peers.n ||
        msrp_uri_parse(&uri, head->from.first))
        return;
    struct relay_peer *peer = relay_peers_of_uri(&conn->relay->peers, &uri);
    if (peer && !peer->conf->tls)
        relay_link_open(conn, peer);
}

struct relay_lane *relay_link_lane(struct relay *relay, struct relay_peer *peer)
{
    struct relay_lane *wait = &relay->waits[index_of(relay, peer)];

    for (struct relay_conn *conn = peer->first; conn; conn = conn->next_same_peer)
        if (!conn->closing)
            return conn->lane;
    dial(relay, peer);
    return wait;
}

bool relay_links_wait(const struct relay *relay)
{
    for (size_t i = 0; i < relay->peers.n; i++)
        if (relay->waits[i].ways || relay->waits[i].errands)
            return true;
    return false;
}

void relay_links_tick(struct relay *relay)
{
    for (size_t i = 0; i < relay->peers.n; i++) {
        struct relay_lane *wait = &relay->waits[i];
        if (!wait->ways && !wait->errands)
            continue;
        int64_t late_ms = relay->now.mono_ms - RELAY_PEER_WAIT_MS;
        relay_errands_expire(relay, wait, late_ms);
        for (struct relay_way *way = wait->ways, *next; way; way = next) {
            next = way->next_to;
            if (way->made_ms <= late_ms)
                relay_way_fail(way, RELAY_E_UNDELIVERED, 408, 0, 0);
        }
        if (wait->ways || wait->errands)
            dial(relay, &relay->peers.v[i]);
    }
}
