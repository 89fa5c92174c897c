/* deadline.c - what time does to a connection: one coarse look, no timer per object.
 *
 *   opened_ms      accepted; probation until a request was answered 200 (row 59)
 *   heard_ms       the last octet; silence earns a keep-alive
 *   ping_ms        a keep-alive is out and nothing was heard since
 *   head_since_ms  the first octet of a head that is not complete (row 60)
 *   body_since_ms  begin of the window in which body octets are counted (row 60)
 *   stall_ms       there is output, and the driver has taken none since
 *   out_since_ms   begin of the window in which octets taken are counted; ends with the output
 *
 * While we do not read (paused, or no memory), the peer cannot be blamed for what does not come. */
#include "relay/core/machine.h"

#include "relay/core/csk.h"
#include "relay/core/fan.h"

static bool is_over(int64_t since_ms, int64_t now_ms, uint32_t limit_ms)
{
    return since_ms && now_ms - since_ms >= (int64_t)limit_ms;
}

static void watch_reading(struct relay_conn *conn, int64_t now_ms)
{
    const struct relay_conf *conf = &conn->relay->conf;

    if (conn->paused || conn->starved) {
        conn->head_since_ms = conn->head_since_ms ? now_ms : 0;
        conn->body_since_ms = 0;
        return;
    }
    if (is_over(conn->head_since_ms, now_ms, relay_overload_ms(conn->relay, conf->head_ms))) {
        relay_conn_close(conn, RELAY_E_HEAD_SLOW);
        return;
    }
    if (!conn->chunk.head_slab) {
        conn->body_since_ms = 0;
        return;
    }
    if (is_over(conn->body_since_ms, now_ms, conf->body_rate_window_ms)) {
        uint64_t due = (uint64_t)conf->body_rate_bytes_per_s * conf->body_rate_window_ms / 1000;
        if (conn->bytes_in - conn->body_since_bytes < due) {
            relay_conn_close(conn, RELAY_E_BODY_SLOW);
            return;
        }
        conn->body_since_ms = 0;
    }
    if (!conn->body_since_ms) {
        conn->body_since_ms = now_ms;
        conn->body_since_bytes = conn->bytes_in;
    }
}

static void watch_writing(struct relay_conn *conn, int64_t now_ms)
{
    const struct relay_conf *conf = &conn->relay->conf;

    if (!conn->out.bytes && !relay_fan_is_ready(conn) && !relay_lane_is_ready(conn)) {
        conn->stall_ms = conn->out_since_ms = 0;
        return;
    }
    if (!conn->stall_ms)
        conn->stall_ms = now_ms;
    if (is_over(conn->stall_ms, now_ms, conf->write_stall_ms)) {
        relay_conn_close(conn, RELAY_E_WRITE_STALL);
        return;
    }
    if (is_over(conn->out_since_ms, now_ms, conf->write_stall_ms)) {
        uint64_t due = (uint64_t)conf->out_rate_bytes_per_s * conf->write_stall_ms / 1000;
        if (conn->out.sent - conn->out_since_bytes < due) {
            relay_conn_close(conn, RELAY_E_WRITE_SLOW);
            return;
        }
        conn->out_since_ms = 0;
    }
    if (!conn->out_since_ms) {
        conn->out_since_ms = now_ms;
        conn->out_since_bytes = conn->out.sent;
    }
}

/* profile section 2.9 */
static void watch_silence(struct relay_conn *conn, int64_t now_ms)
{
    const struct relay_conf *conf = &conn->relay->conf;
    struct relay_session *session = relay_conn_session(conn);

    if (conn->paused || conn->starved)
        return; /* what the peer says waits in its socket */
    if (conn->peer)
        return; /* a link is kept: rfc4976#6.5; a dead one shows by what is not answered on it */
    if (is_over(conn->ping_ms, now_ms, relay_overload_ms(conn->relay, conf->keepalive_answer_ms))) {
        relay_conn_close(conn, RELAY_E_IDLE);
        return;
    }
    if (conn->ping_ms ||
        !is_over(conn->heard_ms, now_ms, relay_overload_ms(conn->relay, conf->keepalive_ms)))
        return;
    conn->ping_ms = now_ms;
    if (session) /* without one nothing can be sent, and the same time ends the connection */
        relay_hop_ping(conn, session);
}

static void watch_sessions(struct relay_conn *conn)
{
    const struct relay *relay = conn->relay;

    for (struct relay_session *s = conn->sessions; s; s = s->next)
        if (!s->ended && relay->now.unix_s >= s->dead_s + (int64_t)relay->conf.skew_s)
            relay_conn_end_session(conn, s);
}

void relay_conn_tick(struct relay_conn *conn)
{
    int64_t now_ms = conn->relay->now.mono_ms;

    if (conn->closing)
        return;
    if (conn->out.failed) {
        relay_conn_close(conn, RELAY_E_NOMEM);
        return;
    }
    if (!conn->good && is_over(conn->opened_ms, now_ms, conn->relay->conf.probation_ms)) {
        relay_conn_close(conn, RELAY_E_PROBATION);
        return;
    }
    watch_sessions(conn);
    if (conn->uploaded)
        relay_csk_renew(conn);
    if (conn->paused || conn->starved)
        conn->unread_ms += conn->relay->gone_ms;
    relay_ways_tick(conn);
    watch_reading(conn, now_ms);
    if (!conn->closing)
        watch_writing(conn, now_ms);
    if (!conn->closing)
        watch_silence(conn, now_ms);
    if (!conn->closing) {
        relay_conn_trim(conn);
        relay_out_trim(&conn->out);
    }
}
