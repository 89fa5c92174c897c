/* way_flow.c - back pressure of path relaying: the sender waits while the next hop does not keep
 * up.
 *
 * What counts is what waits in front of the next hop (its lane); who has no more than one slab
 * there is let through, so that a small message does not wait for another's large one. Over the
 * high mark the answers of new chunks wait until theirs have left, which slows a sender that counts
 * on answers, also behind another relay; and a connection that carries nothing else is not read,
 * which slows the others. One that carries more is not read either when what waits is half way to
 * conf.out_hard, as a burst is no reason to lose a message. That happens when the next hop takes no
 * octet for conf.pause_max_ms (half of it where the sender's connection is shared), or when more
 * than conf.out_hard waits; what is small, and the first of a sender, may stand there up to
 * conf.out_high more.
 *
 * The link of a peer carries the messages of many, of which one must not stop the others. A peer
 * that waits for answers (RELAY_WAY_PEER_FLIGHT_MAX) needs no stopping; for one that does not the
 * link is stopped at conf.out_hard, for half of conf.pause_max_ms at most, however the next hop
 * moves, and if that was in vain not again for RELAY_LINK_SPARED_MS: what is more is lost.
 *
 * In front of a link that is not there yet all of this holds but the time: link.c looks after
 * that. */
#include "relay/core/machine.h"

bool relay_way_is_heavy(const struct relay_way *way)
{
    return way->lane->cost >= way->relay->conf.out_high && way->cost > RELAY_SLAB_SIZE;
}

bool relay_way_is_unanswered(const struct relay_way *way)
{
    const struct relay_conn *to = way->lane->conn;

    if (to && to->paused)
        return false;
    return way->flying >=
           (uint64_t)(to && to->peer ? RELAY_WAY_PEER_FLIGHT_MAX : RELAY_WAY_IN_FLIGHT_MAX);
}

/* Is there more on the connection than this one message? Then stopping it would punish others. */
static bool is_shared(const struct relay_conn *conn)
{
    unsigned n = 0, live = 0;

    for (const struct relay_session *session = conn->sessions; session; session = session->next)
        live += !session->ended;
    if (conn->peer || live > 1)
        return true;
    for (const struct relay_way *way = conn->ways; way && n < 2; way = way->next_from)
        n += !way->is_dead && !way->has_last;
    return n > 1;
}

bool relay_way_has_others(const struct relay_conn *source, const struct relay_lane *lane,
                          const struct relay_way *but)
{
    for (const struct relay_way *way = source->ways; way; way = way->next_from)
        if (way->lane == lane && way != but)
            return true;
    return false;
}

/* Is its sender's connection to be stopped now? */
static bool is_to_pause(const struct relay_way *way, bool is_punishing)
{
    const struct relay_conf *conf = &way->relay->conf;
    uint64_t brake = conf->out_high + (conf->out_hard - conf->out_high) / 2;

    if (way->is_paused || !way->source || way->has_last)
        return false;
    if (way->source->peer)
        brake = conf->out_hard;
    if (is_punishing &&
        (way->lane->cost < brake || way->relay->now.mono_ms < way->source->spared_ms))
        return false;
    return relay_way_is_heavy(way) || relay_way_has_others(way->source, way->lane, way);
}

void relay_way_resume(struct relay_way *way)
{
    if (way->is_paused && way->source)
        relay_conn_resume(way->source);
    way->is_paused = way->is_over = false;
}

void relay_way_look(struct relay_way *way)
{
    const struct relay_conf *conf = &way->relay->conf;
    const struct relay_lane *lane = way->lane;
    int64_t now = way->relay->now.mono_ms, since, limit_ms = conf->pause_max_ms;

    if (!lane)
        return;
    if (lane->cost <= conf->out_low)
        relay_way_resume(way);
    if (!way->is_over) {
        if (!relay_way_is_heavy(way) && lane->cost < conf->out_hard)
            return;
        way->is_over = true;
        way->since_ms = now;
        way->lane->is_over = true;
    }
    bool is_punishing = way->source && is_shared(way->source);
    if (is_to_pause(way, is_punishing)) {
        way->is_paused = true;
        way->paused_ms = now;
        relay_conn_pause(way->source);
    }
    bool stops_link = way->is_paused && way->source && way->source->peer;
    if (relay_way_is_unanswered(way) && lane->cost < conf->out_hard && !stops_link)
        return; /* it waits for answers, and they have times of their own */
    since = lane->moved_ms > way->since_ms ? lane->moved_ms : way->since_ms;
    if (stops_link)
        since = way->paused_ms;
    if ((!way->is_paused || is_punishing) && !way->has_last)
        limit_ms /= 2;
    uint64_t most = conf->out_hard + (relay_way_is_heavy(way) ? RELAY_SLAB_SIZE : conf->out_high);
    bool has_time = !lane->conn && !stops_link; /* what waits for a link has its own */
    if (lane->cost < most && (has_time || now - since < limit_ms))
        return;
    if (stops_link)
        way->source->spared_ms = now + RELAY_LINK_SPARED_MS;
    relay_way_fail(way, RELAY_E_SLOW_RECEIVER, 413, 0, 0);
}

void relay_ways_relax(struct relay_lane *lane)
{
    lane->is_over = false;
    for (struct relay_way *way = lane->ways; way; way = way->next_to) {
        relay_way_resume(way);
        for (struct way_chunk *chunk = way->chunks; chunk; chunk = chunk->next)
            relay_way_left(way, chunk);
    }
}

void relay_way_left(struct relay_way *way, struct way_chunk *chunk)
{
    if (chunk->owes && way->source)
        relay_answer_head(way->source, &chunk->head, 200, 0, NULL, 0);
    chunk->owes = false;
}
