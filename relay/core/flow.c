#include "relay/core/flow.h"

/* Is there more on the connection than this one message? Then stopping it would punish others. */
static bool is_shared(const struct relay_conn *conn)
{
    unsigned sessions = 0, messages = 0;

    for (const struct relay_session *s = conn->sessions; s; s = s->next) {
        sessions += !s->ended;
        messages += s->open_messages;
    }
    return sessions > 1 || messages > 1;
}

static void tell(struct relay_conn *conn, enum relay_event_kind kind)
{
    struct relay_event event = {.kind = kind};

    relay_emit(conn->relay, conn, &event);
}

static void resume(struct relay_flow *flow, struct relay_conn *conn)
{
    if (!flow->is_paused)
        return;
    flow->is_paused = false;
    relay_conn_resume(conn);
    tell(conn, RELAY_EVENT_RESUMED);
}

static void relax(struct relay_flow *flow, struct relay_conn *conn)
{
    if (!flow->is_over)
        return;
    flow->is_over = false;
    flow->spent_ms += relay_now_of(conn->relay).mono_ms - flow->since_ms;
    resume(flow, conn);
}

bool relay_flow_look(struct relay_flow *flow, struct relay_conn *sender, uint64_t lag)
{
    const struct relay_conf *conf = relay_conf_of(sender->relay);
    int64_t now_ms = relay_now_of(sender->relay).mono_ms;
    int64_t limit_ms = conf->pause_max_ms;

    if (lag <= conf->out_low)
        relax(flow, sender);
    if (!flow->is_over) {
        if (lag < conf->out_high)
            return false;
        flow->is_over = true;
        flow->since_ms = now_ms;
    }
    if (!flow->is_paused && flow->spent_ms < limit_ms && !is_shared(sender)) {
        flow->is_paused = true;
        relay_conn_pause(sender);
        tell(sender, RELAY_EVENT_PAUSED);
    }
    if (lag >= conf->out_hard)
        return true;
    /* no time is left: a burst that nobody could have taken yet is not held against them */
    if (flow->spent_ms >= limit_ms)
        return now_ms - flow->since_ms >= limit_ms / 10;
    if (!flow->is_paused)
        limit_ms /= 2;
    return flow->spent_ms + (now_ms - flow->since_ms) >= limit_ms;
}

void relay_flow_spend(struct relay_flow *flow, struct relay_conn *sender)
{
    relax(flow, sender);
    if (flow->spent_ms < relay_conf_of(sender->relay)->pause_max_ms)
        flow->spent_ms = relay_conf_of(sender->relay)->pause_max_ms;
}

void relay_flow_end(struct relay_flow *flow, struct relay_conn *sender)
{
    relax(flow, sender);
}
