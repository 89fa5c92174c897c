#include "relay/core/machine.h"

#include <stdlib.h>
#include <string.h>

#include "relay/core/fan.h"

/* Ring order is stream order, so end positions and times only grow towards the end. */
static struct relay_hop *hop_at(const struct relay_conn *conn, unsigned i)
{
    return &conn->hops[(conn->hops_at + i) % conn->hops_cap];
}

bool relay_conn_has_hop_room(const struct relay_conn *conn)
{
    return conn->hops_n < conn->relay->conf.hops_max;
}

int relay_conn_hop(struct relay_conn *conn, const char *tid, struct fan_delivery *delivery,
                   uint64_t start, uint64_t end)
{
    if (!relay_conn_has_hop_room(conn))
        return RELAY_E_NOMEM;
    if (conn->hops_n == conn->hops_cap) {
        unsigned cap = conn->hops_cap ? conn->hops_cap * 2 : 4;
        struct relay_hop *hops = malloc(cap * sizeof *hops);
        if (!hops)
            return RELAY_E_NOMEM;
        for (unsigned i = 0; i < conn->hops_n; i++)
            hops[i] = *hop_at(conn, i);
        free(conn->hops);
        conn->hops = hops;
        conn->hops_at = 0;
        conn->hops_cap = cap;
    }

    struct relay_hop *hop = hop_at(conn, conn->hops_n++);
    *hop = (struct relay_hop){.sent_ms = -1, .delivery = delivery, .start = start, .end = end};
    memccpy(hop->tid, tid, '\0', sizeof hop->tid - 1);
    return 0;
}

void relay_conn_unhop(struct relay_conn *conn, const struct fan_delivery *delivery)
{
    for (unsigned i = 0; i < conn->hops_n; i++)
        if (hop_at(conn, i)->delivery == delivery)
            hop_at(conn, i)->delivery = NULL;
}

/* Takes hops that are over off the front; an idle connection holds none. */
static void shrink(struct relay_conn *conn)
{
    while (conn->hops_n && !hop_at(conn, 0)->tid[0]) {
        conn->hops_at = (conn->hops_at + 1) % conn->hops_cap;
        conn->hops_n--;
    }
    if (!conn->hops_n) {
        free(conn->hops);
        conn->hops = NULL;
        conn->hops_at = conn->hops_cap = 0;
    }
}

/* The hop is over: tells the delivery. The hop is out of the ring before the service hears of it,
 * which may end the delivery and stage another one. */
static void over(struct relay_conn *conn, struct relay_hop *hop, int code)
{
    struct relay_hop done = *hop;

    hop->tid[0] = '\0';
    hop->delivery = NULL;
    shrink(conn);
    if (done.delivery)
        relay_fan_answered(conn, done.delivery, done.start, done.end, code);
}

bool relay_hop_answered(struct relay_conn *conn, struct msrp_str tid, int code)
{
    for (unsigned i = 0; i < conn->hops_n; i++) {
        struct relay_hop *hop = hop_at(conn, i);
        if (hop->tid[0] && msrp_str_is(tid, hop->tid)) {
            over(conn, hop, code);
            return true;
        }
    }
    return false;
}

void relay_hop_staged(struct relay_conn *conn)
{
    for (unsigned i = conn->hops_n; i && !hop_at(conn, i - 1)->end_at; i--)
        hop_at(conn, i - 1)->end_at = conn->out.queued;
}

void relay_hop_sent(struct relay_conn *conn)
{
    unsigned i = conn->hops_n;

    while (i && hop_at(conn, i - 1)->sent_ms < 0)
        i--;
    for (; i < conn->hops_n; i++) {
        struct relay_hop *hop = hop_at(conn, i);
        if (!hop->end_at || hop->end_at > conn->out.sent)
            break;
        hop->sent_ms = conn->relay->now.mono_ms;
    }
}

void relay_hop_tick(struct relay_conn *conn)
{
    /* while we do not read, an answer may wait in its socket: that time does not count */
    if (conn->paused || conn->starved) {
        for (unsigned i = 0; i < conn->hops_n; i++)
            if (hop_at(conn, i)->sent_ms >= 0)
                hop_at(conn, i)->sent_ms += conn->relay->gone_ms;
        return;
    }
    /* rfc4975#7.1.1, rfc4976#6.4.1: 30 s after the last octet was sent, silence is a failure */
    while (conn->hops_n) {
        struct relay_hop *hop = hop_at(conn, 0);
        if (hop->sent_ms < 0 ||
            conn->relay->now.mono_ms - hop->sent_ms < conn->relay->conf.transaction_ms)
            break;
        over(conn, hop, 408);
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
