#include "relay/core/overload.h"

#include "relay/core/machine.h"

enum {
    BACK = 70,        /* percent below which all is well again */
    HOLDS = 64 * 1024 /* octets that make a connection one of those that hold much */
};

static const unsigned marks[] = {
    [RELAY_OVERLOAD_NONE] = 0,      [RELAY_OVERLOAD_HURRY] = 75, [RELAY_OVERLOAD_STRANGERS] = 85,
    [RELAY_OVERLOAD_MESSAGES] = 90, [RELAY_OVERLOAD_CLOSE] = 95,
};

static unsigned percent(const struct relay *relay)
{
    uint64_t max = relay->conf.memory_max;

    return max ? (unsigned)((uint64_t)relay->slabs.bytes * 100 / max) : 0;
}

static enum relay_overload reached(unsigned used)
{
    enum relay_overload step = RELAY_OVERLOAD_CLOSE;

    while (used < marks[step])
        step--;
    return step;
}

enum relay_overload relay_overload_now(const struct relay *relay)
{
    enum relay_overload now = reached(percent(relay));

    return now > relay->overload ? now : relay->overload;
}

uint32_t relay_overload_ms(const struct relay *relay, uint32_t ms)
{
    unsigned used = percent(relay), low = marks[RELAY_OVERLOAD_HURRY];

    if (relay_overload_now(relay) == RELAY_OVERLOAD_NONE || used < low)
        return ms;
    used = used < 100 ? used : 100;
    return (uint32_t)((uint64_t)ms * (100 - (used - low) * 80 / (100 - low)) / 100);
}

static uint64_t held_by(const struct relay_conn *conn)
{
    return conn->out.bytes + conn->lane->cost + (conn->in ? conn->in->cap : 0);
}

/* The one that holds most; where none holds much the one that was silent for longest. */
static struct relay_conn *worst(struct relay *relay)
{
    struct relay_conn *most = NULL, *oldest = NULL;

    for (size_t i = 0; i < relay->rows_n; i++) {
        for (struct relay_conn *conn = relay->rows[i]; conn; conn = conn->next_in_row) {
            if (conn->closing)
                continue;
            if (!most || held_by(conn) > held_by(most))
                most = conn;
            if (!oldest || conn->heard_ms < oldest->heard_ms)
                oldest = conn;
        }
    }
    return most && held_by(most) >= HOLDS ? most : oldest;
}

void relay_overload_tick(struct relay *relay)
{
    unsigned used = percent(relay);
    enum relay_overload step = used < BACK ? RELAY_OVERLOAD_NONE : relay_overload_now(relay);

    if (step != relay->overload) {
        struct relay_event event = {.kind = step ? RELAY_EVENT_OVERLOAD : RELAY_EVENT_OVERLOAD_END,
                                    .count = used,
                                    .bytes = relay->slabs.bytes};
        relay->overload = step;
        relay->counts.overload = step;
        relay_emit(relay, NULL, &event);
    }
    if (used < marks[RELAY_OVERLOAD_CLOSE])
        return;
    struct relay_conn *conn = worst(relay);
    if (conn)
        relay_conn_close(conn, RELAY_E_OVERLOAD_CLOSED);
}
