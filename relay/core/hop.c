#include "relay/core/machine.h"

#include <stdlib.h>
#include <string.h>

#include "relay/core/fan.h"

/* A peer carries many sessions at once; and while we do not read a connection its answers cannot
 * come (relay_way_is_unanswered). */
static unsigned hops_max(const struct relay_conn *conn)
{
    bool is_wide = conn->peer || conn->paused;

    return conn->relay->conf.hops_max * (is_wide ? 16 : 1);
}

bool relay_conn_has_hop_room(const struct relay_conn *conn)
{
    return conn->hops_n < hops_max(conn) || conn->hops->is_quiet;
}

/* Out of the list before anybody hears of it, as who hears may end more and stage anew. */
static struct relay_hop take(struct relay_conn *conn, struct relay_hop *hop)
{
    struct relay_hop done = *hop;

    relay_wheel_cancel(&conn->relay->wheel, &hop->timer);
    *(hop->prev ? &hop->prev->next : &conn->hops) = hop->next;
    *(hop->next ? &hop->next->prev : &conn->hops_last) = hop->prev;
    conn->hops_n--;
    relay_pool_give(&conn->relay->hops, hop);
    return done;
}

static void over(struct relay_conn *conn, struct relay_hop *hop, int code)
{
    struct relay_hop done = take(conn, hop);

    if (done.delivery)
        relay_fan_answered(conn, done.delivery, done.start, done.end, code);
    else if (done.way)
        relay_way_answered(done.way, done.start, done.end, code);
}

static struct relay_hop *add(struct relay_conn *conn, const char *tid)
{
    bool has_room = relay_conn_has_hop_room(conn);

    if (has_room && conn->hops_n >= hops_max(conn))
        over(conn, conn->hops, 200); /* errors of the oldest are not told any more */
    struct relay_hop *hop = has_room ? relay_pool_take(&conn->relay->hops) : NULL;

    if (!hop)
        return NULL;
    *hop = (struct relay_hop){.conn = conn, .prev = conn->hops_last};
    *(hop->prev ? &hop->prev->next : &conn->hops) = hop;
    conn->hops_last = hop;
    conn->hops_n++;
    memccpy(hop->tid, tid, '\0', sizeof hop->tid - 1);
    return hop;
}

/* There is room for one more transaction: what waited for that is written. The service looks after
 * its own. */
static void go_on(struct relay_conn *conn, bool is_service)
{
    if (!conn->closing && (relay_lane_is_ready(conn) || (!is_service && relay_fan_is_ready(conn))))
        relay_conn_wants_write(conn);
}

int relay_conn_hop(struct relay_conn *conn, const char *tid, struct fan_delivery *delivery,
                   uint64_t start, uint64_t end)
{
    struct relay_hop *hop = add(conn, tid);

    if (!hop)
        return RELAY_E_NOMEM;
    hop->delivery = delivery;
    hop->start = start;
    hop->end = end;
    return 0;
}

int relay_hop_way(struct relay_conn *conn, const char *tid, struct relay_way *way, uint64_t start,
                  uint64_t end)
{
    struct relay_hop *hop = add(conn, tid);

    if (!hop)
        return RELAY_E_NOMEM;
    hop->way = way;
    hop->is_quiet = way->failure == MSRP_PARTIAL;
    hop->start = start;
    hop->end = end;
    return 0;
}

int relay_hop_errand(struct relay_conn *conn, const char *tid, const struct relay_conn *source,
                     struct msrp_str their_tid, bool is_login)
{
    struct relay_hop *hop = add(conn, tid);

    if (!hop)
        return RELAY_E_NOMEM;
    hop->source = source->id;
    hop->is_login = is_login;
    memcpy(hop->source_tid, their_tid.p, their_tid.n);
    return 0;
}

void relay_conn_unhop(struct relay_conn *conn, const struct fan_delivery *delivery)
{
    for (struct relay_hop *hop = conn->hops; hop; hop = hop->next)
        if (hop->delivery == delivery)
            hop->delivery = NULL;
}

uint64_t relay_hop_unway(struct relay_conn *conn, const struct relay_way *way)
{
    uint64_t first = UINT64_MAX;

    for (struct relay_hop *hop = conn->hops; hop; hop = hop->next) {
        if (hop->way != way)
            continue;
        hop->way = NULL;
        if (hop->start < first)
            first = hop->start;
    }
    return first;
}

void relay_hop_forget(struct relay_conn *conn)
{
    while (conn->hops) {
        struct relay_hop *hop = conn->hops;
        conn->hops = hop->next;
        relay_wheel_cancel(&conn->relay->wheel, &hop->timer);
        relay_pool_give(&conn->relay->hops, hop);
    }
    conn->hops_last = NULL;
    conn->hops_n = 0;
}

bool relay_hop_answered(struct relay_conn *conn, struct msrp_str tid, int code)
{
    for (struct relay_hop *hop = conn->hops; hop; hop = hop->next) {
        if (!msrp_str_is(tid, hop->tid))
            continue;
        bool is_service = hop->delivery;
        if (hop->source) {
            struct relay_hop done = take(conn, hop);
            relay_errand_answered(conn, &done);
        } else {
            over(conn, hop, code);
        }
        go_on(conn, is_service);
        return true;
    }
    return false;
}

void relay_hop_staged(struct relay_conn *conn)
{
    for (struct relay_hop *hop = conn->hops_last; hop && !hop->end_at; hop = hop->prev)
        hop->end_at = conn->out.queued;
}

void relay_hop_sent(struct relay_conn *conn)
{
    struct relay *relay = conn->relay;
    struct relay_hop *hop = conn->hops_last;

    /* stream order: those that left now stand between what left before and what has not */
    while (hop && !relay_timer_is_armed(&hop->timer) && hop->prev &&
           !relay_timer_is_armed(&hop->prev->timer))
        hop = hop->prev;
    for (; hop && hop->end_at && hop->end_at <= conn->out.sent; hop = hop->next) {
        if (relay_timer_is_armed(&hop->timer))
            continue;
        hop->unread_ms = conn->unread_ms;
        relay_wheel_add(&relay->wheel, &hop->timer,
                        relay->now.mono_ms + (int64_t)relay->conf.transaction_ms);
    }
}

/* rfc4975#7.1.1, rfc4976#6.4.1: 30 s after the last octet was sent, silence is a failure; but not
 * where only errors are answered. */
void relay_hop_tick(struct relay *relay)
{
    struct relay_timer *timer;

    while ((timer = relay_wheel_expire(&relay->wheel, relay->now.mono_ms))) {
        struct relay_hop *hop = (struct relay_hop *)(void *)timer;
        struct relay_conn *conn = hop->conn;
        /* while we do not read, an answer may wait in its socket: that time does not count */
        int64_t more_ms = conn->unread_ms - hop->unread_ms;
        if (conn->paused || conn->starved)
            more_ms += RELAY_TICK_MS;
        if (more_ms > 0) {
            hop->unread_ms = conn->unread_ms;
            relay_wheel_add(&relay->wheel, timer, relay->now.mono_ms + more_ms);
        } else {
            bool is_service = hop->delivery;
            over(conn, hop, hop->is_quiet ? 200 : 408);
            go_on(conn, is_service);
        }
    }
}

void relay_hop_ping(struct relay_conn *conn, const struct relay_session *session)
{
    struct relay *relay = conn->relay;
    uint8_t rnd[32];
    char tid[MSRP_IDENT_MADE + 1], message_id[MSRP_IDENT_MADE + 1], uri[MSRP_URI_MAX + 1];
    struct msrp_str remote = msrp_str_of(session->remote);
    size_t cap = remote.n + MSRP_URI_MAX + 256;
    struct msrp_writer w;

    if (relay_random_fill(relay, rnd, sizeof rnd) < 0)
        return;
    msrp_tid_make(tid, rnd);
    msrp_tid_make(message_id, rnd + 16);
    char *room = relay_control_room(conn, cap);
    if (!room || relay_conn_hop(conn, tid, NULL, 1, 0) < 0)
        return;
    msrp_writer_init(&w, room, cap);
    msrp_writer_request(&w, msrp_str_of(tid), "SEND");
    msrp_writer_header(&w, "To-Path", remote);
    msrp_writer_header(&w, "From-Path",
                       (struct msrp_str){uri, relay_session_uri(relay, session, uri)});
    msrp_writer_header(&w, "Message-ID", msrp_str_of(message_id));
    msrp_writer_end(&w, msrp_str_of(tid), '$', false);

    relay_control_add(conn, msrp_writer_done(&w));
    relay_hop_staged(conn);
}
