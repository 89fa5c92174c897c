/* way_life.c - how a relayed message is made, found, fails and ends, and who is told.
 * rfc4976#6.4.1 */
#include "relay/core/machine.h"

#include <string.h>

#include "msrp/report.h"

static int64_t now_ms(const struct relay *relay)
{
    return relay->now.mono_ms;
}

/* --- the table --- */

static uint64_t key_of(const struct relay_conn *conn, struct msrp_str id, uint64_t paths)
{
    uint64_t key = relay_hash_of(&conn->relay->key, id.p, id.n) ^
                   (paths + conn->id) * UINT64_C(0x9e3779b97f4a7c15);

    return key ? key : 1;
}

static struct relay_way **row_of(struct relay *relay, uint64_t key)
{
    return &relay->way_rows[(key ^ key >> 32) % RELAY_WAY_ROWS];
}

static const char *text_of(const struct relay_way *way)
{
    return way->long_text ? way->long_text->data : way->text;
}

static struct msrp_str path_of(const struct relay_way *way)
{
    return (struct msrp_str){text_of(way) + way->own_n, way->path_n};
}

struct relay_way *relay_way_find(const struct relay_conn *conn, uint64_t paths)
{
    const struct msrp_head *head = &conn->chunk.head;
    uint64_t key = key_of(conn, head->message_id, paths);
    struct relay_way *way = conn->ways ? *row_of(conn->relay, key) : NULL;

    while (way && (way->key != key || way->source != conn || way->paths != paths ||
                   !msrp_str_is(head->message_id, way->id) ||
                   !msrp_str_is_same(head->from.text, path_of(way))))
        way = way->next_in_row;
    return way;
}

/* More chunks of it may come. */
void relay_way_remember(struct relay_way *way)
{
    if (way->key || !way->source)
        return;
    way->key = key_of(way->source, msrp_str_of(way->id), way->paths);
    struct relay_way **row = row_of(way->relay, way->key);
    way->next_in_row = *row;
    *row = way;
}

static void leave(struct relay_way *way)
{
    struct relay_way **link;

    if (!way->key)
        return;
    for (link = row_of(way->relay, way->key); *link != way; link = &(*link)->next_in_row)
        ;
    *link = way->next_in_row;
    way->key = 0;
}

/* --- making and ending --- */

/* It is not open any more. */
void relay_way_uncount(struct relay_way *way)
{
    if (way->is_open && way->session)
        way->session->open_messages--;
    way->is_open = false;
}

void relay_way_part(struct relay_way *way)
{
    if (way->chunk)
        way->chunk->way = NULL;
    way->chunk = NULL;
}

static void leave_source(struct relay_way *way)
{
    if (!way->source)
        return;
    *way->link_from = way->next_from;
    if (way->next_from)
        way->next_from->link_from = way->link_from;
    way->source->ways_n--;
    way->source->ways_dead -= way->is_dead;
    way->source = NULL;
}

void relay_way_free(struct relay_way *way)
{
    struct relay *relay = way->relay;

    relay_way_part(way);
    relay_way_resume(way);
    relay_way_uncount(way);
    leave(way);
    way->relay->ways_moving -= !way->is_dead;
    if (way->lane) {
        relay_lane_drop(way);
        relay_lane_leave(way);
    }
    leave_source(way);
    relay_sniff_done(&way->sniff);
    relay_slab_unref(way->long_text);
    relay_pool_give(&relay->ways, way);
}

bool relay_way_is_over(struct relay_way *way)
{
    if (!way->has_last || way->chunk || way->chunks || way->in_flight)
        return false;
    relay_way_free(way);
    return true;
}

/* Forgets the oldest dead ways of a connection when there are too many. */
void relay_way_trim(struct relay_conn *conn)
{
    struct relay_way *oldest = NULL;

    if (conn->ways_dead < RELAY_WAY_DEAD_MAX)
        return;
    for (struct relay_way *way = conn->ways; way; way = way->next_from)
        if (way->is_dead && !way->chunk)
            oldest = way;
    if (oldest)
        relay_way_free(oldest);
}

/* What a REPORT will need: our URI as the sender knows it, and his whole From-Path. */
static int copy_texts(struct relay_way *way, const struct msrp_head *head)
{
    char *to = way->text;

    way->own_n = (uint32_t)head->to.first.n;
    way->path_n = (uint32_t)head->from.text.n;
    if (way->own_n + way->path_n > sizeof way->text) {
        way->long_text = relay_slab_new(&way->relay->slabs, way->own_n + way->path_n);
        if (!way->long_text)
            return RELAY_E_MEMORY;
        to = way->long_text->data;
    }
    memcpy(to, head->to.first.p, way->own_n);
    memcpy(to + way->own_n, head->from.text.p, way->path_n);
    return 0;
}

struct relay_way *relay_way_make(struct relay_conn *conn, const struct relay_onward *on, int *err)
{
    struct relay *relay = conn->relay;
    const struct msrp_head *head = &conn->chunk.head;
    struct relay_way *way = relay_pool_take(&relay->ways);

    *err = RELAY_E_NOMEM;
    if (!way)
        return NULL;
    memset(way, 0, offsetof(struct relay_way, text));
    way->relay = relay;
    way->chunks_end = &way->chunks;
    *err = copy_texts(way, head);
    if (*err) {
        relay_pool_give(&relay->ways, way);
        return NULL;
    }
    way->success = relay_way_asked(head->success_report, MSRP_NO);
    way->failure = relay_way_asked(head->failure_report, MSRP_YES);
    way->total = head->range.total;
    memcpy(way->id, head->message_id.p, head->message_id.n);
    way->via = conn->peer;
    way->target = on->target;
    way->paths = on->hash;
    way->made_ms = now_ms(relay);
    way->session = on->sender;
    way->is_open = true;
    if (way->session)
        way->session->open_messages++;
    relay->ways_moving++;
    way->source = conn;
    way->next_from = conn->ways;
    way->link_from = &conn->ways;
    if (way->next_from)
        way->next_from->link_from = &way->next_from;
    conn->ways = way;
    conn->ways_n++;
    return way;
}

/* --- failing --- */

unsigned relay_way_duty(const struct relay_way *way, enum msrp_fate fate)
{
    return msrp_report_duty(fate, way->success, way->failure);
}

/* The connection that leads back to the sender, or NULL. */
static struct relay_conn *way_back(const struct relay_way *way)
{
    struct relay_conn *conn = way->source;

    if (way->via && (!conn || conn->closing))
        for (conn = way->via->first; conn && conn->closing; conn = conn->next_same_peer)
            ;
    return conn;
}

static void report(struct relay_way *way, int status, int err, uint64_t start, uint64_t end)
{
    struct relay_conn *conn = way_back(way);
    struct relay_report report = {
        .to_path = path_of(way),
        .from_uri = {text_of(way), way->own_n},
        .message_id = msrp_str_of(way->id),
        .start = start,
        .end = end,
        .total = way->total,
        .status = status,
        .err = err,
    };

    if (conn)
        relay_conn_report(conn, &report);
}

/* Those that waited for a 200 get this instead. True when somebody was told. */
static bool answer_owed(struct relay_way *way, int code, int err)
{
    bool is_told = false;

    for (struct way_chunk *chunk = way->chunks; chunk; chunk = chunk->next) {
        if (chunk->owes && way->source) {
            relay_answer_head(way->source, &chunk->head, code, err, NULL, 0);
            is_told = true;
        }
        chunk->owes = false;
    }
    return is_told;
}

/* The octets that may not have arrived: in flight, queued, and up to the last that came. */
static void not_arrived(const struct relay_way *way, uint64_t first, uint64_t *start, uint64_t *end)
{
    const struct way_chunk *chunk = way->chunks;

    if (chunk && chunk->head.range.start + chunk->staged < first)
        first = chunk->head.range.start + chunk->staged;
    *end = way->octets;
    *start = first <= way->octets ? first : way->octets + !way->octets;
}

/* It goes on no more: what is queued is let go, later chunks get the same answer. */
static void kill(struct relay_way *way, int err, int status)
{
    if (way->source)
        way->source->ways_dead += !way->is_dead;
    way->is_dead = true;
    way->err = err;
    way->status = status;
    way->dead_ms = way->touched_ms = now_ms(way->relay);
    way->relay->ways_moving--;
    relay_way_resume(way);
    relay_way_uncount(way);
    if (way->lane) {
        if (way->lane->conn)
            (void)relay_hop_unway(way->lane->conn, way);
        relay_lane_drop(way);
        relay_lane_leave(way);
    }
    way->in_flight = 0;
    way->flying = 0;
    if (!way->has_last)
        relay_way_remember(way);
}

void relay_way_fail(struct relay_way *way, int err, int status, uint64_t start, uint64_t end)
{
    struct relay_conn *source = way->source;
    bool is_told = way->chunk && (relay_way_duty(way, MSRP_FATE_REFUSED) & MSRP_DUTY_ANSWER);

    if (!start) {
        uint64_t first =
            way->lane && way->lane->conn ? relay_hop_unway(way->lane->conn, way) : UINT64_MAX;
        if (way->lost_from && way->lost_from < first)
            first = way->lost_from;
        not_arrived(way, first, &start, &end);
    }
    if (!way->chunk) { /* else it is counted with its answer */
        bool is_owed = relay_way_duty(way, MSRP_FATE_LOST) & MSRP_DUTY_REPORT;
        relay_refuse(way->relay, source, err, is_owed ? status : 0, (struct msrp_str){NULL, 0},
                     end - start + 1);
    }
    if (answer_owed(way, status, err))
        is_told = true;
    if (!is_told && (relay_way_duty(way, MSRP_FATE_LOST) & MSRP_DUTY_REPORT))
        report(way, status, err, start, end);
    kill(way, err, status);
    if (way->chunk)
        return; /* its end-line is still to come */
    if (way->has_last || !source)
        relay_way_free(way);
}

/* Refused by what its running chunk brought: the answer to the chunk tells it. */
int relay_way_refuse(struct relay_way *way, int err)
{
    int status = relay_err_row(err)->status;

    (void)answer_owed(way, status, err);
    kill(way, err, status);
    relay_way_part(way);
    if (way->has_last)
        relay_way_free(way);
    return err;
}

void relay_way_answered(struct relay_way *way, uint64_t start, uint64_t end, int status)
{
    way->in_flight--;
    way->flying -= end + 1 - start;
    if (status / 100 != 2) {
        relay_way_fail(way, RELAY_E_UNDELIVERED, status, start, end);
    } else if (!relay_way_is_over(way)) {
        relay_lane_ready(way);
    }
}

/* --- what happens outside of chunks --- */

/* The chunk under way will not be complete: what came of it goes on. */
static void cut_short(struct relay_way *way)
{
    struct way_chunk **link = &way->chunks, *chunk;

    for (; *link && (*link)->next; link = &(*link)->next)
        ;
    chunk = *link;
    if (!chunk || chunk->flag)
        return;
    chunk->flag = '+';
    if (chunk->have)
        return;
    *link = NULL;
    way->chunks_end = link;
    relay_lane_free_chunk(way->relay, chunk);
}

/* Its sender is gone: what was answered 200 still goes on. */
static void orphan(struct relay_way *way)
{
    relay_way_part(way);
    relay_way_resume(way);
    leave(way);
    relay_way_uncount(way);
    way->has_last = true;
    way->session = NULL;
    leave_source(way);
    for (struct way_chunk *chunk = way->chunks; chunk; chunk = chunk->next)
        chunk->owes = false;
    cut_short(way);
    if (way->is_dead) {
        relay_way_free(way);
    } else if (way->sniff.state == RELAY_SNIFF_OPEN) { /* what is missing may come another way */
        relay_way_fail(way, RELAY_E_PATH_TYPE, 415, 0, 0);
    } else if (!relay_way_is_over(way)) {
        relay_lane_ready(way);
    }
}

void relay_ways_gone(struct relay_conn *conn)
{
    /* what was in flight is lost: one walk over it all, not one for each way */
    for (struct relay_hop *hop = conn->hops; hop; hop = hop->next)
        if (hop->way && (!hop->way->lost_from || hop->start < hop->way->lost_from))
            hop->way->lost_from = hop->start;
    relay_hop_forget(conn);
    while (conn->lane->ways)
        relay_way_fail(conn->lane->ways, RELAY_E_UNDELIVERED, 408, 0, 0);
    while (conn->ways)
        orphan(conn->ways);
}

static void drop_towards(struct relay_lane *lane, const struct relay_session *session)
{
    struct relay_way *next;

    for (struct relay_way *way = lane->ways; way; way = next) {
        next = way->next_to;
        if (way->target == session)
            relay_way_fail(way, RELAY_E_SESSION_EXPIRED, 481, 0, 0);
    }
}

/* Does a chunk of it wait for its answer? */
static bool is_owed(const struct relay_way *way)
{
    const struct way_chunk *chunk = way->chunks;

    while (chunk && !chunk->owes)
        chunk = chunk->next;
    return chunk;
}

static void drop_from(struct relay_conn *conn, const struct relay_session *session)
{
    struct relay_way *next;

    for (struct relay_way *way = conn->ways; way; way = next) {
        next = way->next_from;
        if (way->session != session)
            continue;
        relay_way_uncount(way);
        way->session = NULL;
        if (way->is_dead)
            continue;
        if (way->chunk) { /* its answer tells it, and counts it */
            relay_way_fail(way, RELAY_E_SESSION_EXPIRED, 481, 0, 0);
            continue;
        }
        relay_refuse(conn->relay, conn, RELAY_E_SESSION_EXPIRED, is_owed(way) ? 481 : 0,
                     (struct msrp_str){NULL, 0}, way->octets);
        relay_way_refuse(way, RELAY_E_SESSION_EXPIRED);
    }
}

void relay_ways_session_gone(struct relay *relay, const struct relay_session *session)
{
    relay->paths_changed++;
    if (session->conn) {
        drop_towards(session->conn->lane, session);
        drop_from(session->conn, session);
    }
    if (!session->peer)
        return;
    for (struct relay_conn *conn = session->peer->first; conn; conn = conn->next_same_peer) {
        drop_towards(conn->lane, session);
        drop_from(conn, session);
    }
    drop_towards(&relay->waits[session->peer - relay->peers.v], session);
}

void relay_ways_tick(struct relay_conn *conn)
{
    const struct relay_conf *conf = &conn->relay->conf;
    int64_t now = now_ms(conn->relay);
    struct relay_way *next;

    for (struct relay_way *way = conn->ways; way; way = next) {
        next = way->next_from;
        /* a sender's own 30 s must not end because we hold its answer back */
        for (struct way_chunk *chunk = way->chunks; chunk; chunk = chunk->next)
            if (chunk->owes && now - chunk->came_ms >= (int64_t)conf->transaction_ms / 3)
                relay_way_left(way, chunk);
        bool is_late = !way->chunk && now - way->touched_ms > (int64_t)conf->message_idle_ms;
        if (is_late && !way->chunks && !way->in_flight)
            relay_way_free(way);
        else if (is_late && way->chunks && way->sniff.state == RELAY_SNIFF_OPEN)
            relay_way_fail(way, RELAY_E_STALE, 413, 0, 0); /* it waits for its sender alone */
        else if (!way->is_dead)
            relay_way_look(way);
    }
}
