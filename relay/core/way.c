/* way.c - the chunks of a relayed message as they come in. rfc4976#6.4.1; rows 28, 31-38 */
#include "relay/core/machine.h"

#include <string.h>

#include "msrp/report.h"

static int64_t now_ms(const struct relay *relay)
{
    return relay->now.mono_ms;
}

/* --- chunks --- */

enum msrp_asked relay_way_asked(enum msrp_asked asked, enum msrp_asked absent)
{
    return asked == MSRP_ABSENT ? absent : asked;
}

/* rows 28, 31, 35: a chunk that does not fit the ones before */
static int check_next(struct relay_way *way, const struct msrp_head *head)
{
    if (relay_way_asked(head->success_report, MSRP_NO) != way->success ||
        relay_way_asked(head->failure_report, MSRP_YES) != way->failure)
        return RELAY_E_FLAGS_DIFFER;
    if (!head->has_body)
        return 0;
    if (!head->has_range)
        return MSRP_E_JOIN_NO_RANGE;
    if (head->range.total != MSRP_UNKNOWN &&
        ((way->total != MSRP_UNKNOWN && way->total != head->range.total) ||
         way->octets > head->range.total))
        return MSRP_E_JOIN_TOTAL;
    if (head->range.start - 1 > way->total)
        return MSRP_E_JOIN_TOTAL; /* behind the end that an earlier chunk told */
    if (way->total == MSRP_UNKNOWN)
        way->total = head->range.total;
    return 0;
}

static int check_size(const struct relay *relay, const struct msrp_byte_range *range)
{
    uint64_t max = relay->conf.path_message_max;

    if (!max)
        return 0;
    return (range->total != MSRP_UNKNOWN && range->total > max) || range->start - 1 > max ||
                   (range->end != MSRP_UNKNOWN && range->end > max)
               ? RELAY_E_TOO_LARGE
               : 0;
}

/* May one more begin to wait there? Over the hard mark only one of a sender who has none: nobody
 * shuts out the others. */
static bool has_room(const struct relay_conn *conn, const struct relay_lane *lane)
{
    const struct relay_conf *conf = &conn->relay->conf;

    return lane->cost < conf->out_hard || (lane->cost < (uint64_t)conf->out_hard + conf->out_high &&
                                           !relay_way_has_others(conn, lane, NULL));
}

static int begin_new(struct relay_conn *conn, const struct relay_onward *on, struct relay_way **out)
{
    struct relay *relay = conn->relay;
    const struct relay_conf *conf = &relay->conf;
    struct relay_lane *lane = relay_nexthop_lane(relay, on);
    struct relay_way *way;
    int err = relay_conn_admit(conn);

    relay_way_trim(conn);

    if (!lane)
        return RELAY_E_PATH_SESSION;
    if (!err && on->sender && on->sender->open_messages >= conf->open_messages_max)
        err = RELAY_E_TOO_MANY_OPEN;
    if (!err && conn->ways_n >= RELAY_WAYS_MAX / 2) /* a peer's: there are others */
        err = RELAY_E_TOO_MANY_OPEN;
    if (!err && !has_room(conn, lane))
        err = RELAY_E_SLOW_RECEIVER;
    if (!err)
        err = check_size(relay, &conn->chunk.head.range);
    way = err ? NULL : relay_way_make(conn, on, &err);
    if (!way)
        return err;
    if (conn->chunk.head.has_body)
        relay_sniff_init(&way->sniff, conn->chunk.head.content_type);
    else
        way->sniff.state = RELAY_SNIFF_PASS;
    relay_lane_join(lane, way);
    way->chunk = &conn->chunk;
    conn->chunk.way = way;
    *out = way;
    return 0;
}

static int begin_next(struct relay_way *way, struct relay_conn *conn)
{
    const struct relay_conf *conf = &conn->relay->conf;
    int err;

    way->chunk = &conn->chunk;
    conn->chunk.way = way;
    way->touched_ms = now_ms(way->relay);
    if (way->is_dead) {
        if (!conn->peer && /* whose link carries others too */
            way->touched_ms - way->dead_ms > conf->stopped_ms &&
            ++way->late > conf->stopped_chunks) {
            relay_way_part(way);
            return RELAY_E_STOPPED_STILL;
        }
        return 0; /* swallowed; relay_way_end knows the answer */
    }
    err = check_next(way, &conn->chunk.head);
    if (err == MSRP_E_JOIN_NO_RANGE) {
        relay_way_part(way);
        return err;
    }
    if (!err)
        err = check_size(conn->relay, &conn->chunk.head.range);
    return err ? relay_way_refuse(way, err) : 0;
}

static int add_chunk(struct relay_way *way, const struct relay_onward *on)
{
    const struct relay_chunk *from = way->chunk;
    struct way_chunk *chunk = relay_pool_take(&way->relay->chunks);

    if (!chunk)
        return relay_way_refuse(way, RELAY_E_NOMEM);
    *chunk = (struct way_chunk){.head_slab = relay_slab_ref(from->head_slab),
                                .head = from->head,
                                .own = on->own,
                                .own_n = on->own_n,
                                .rest = on->rest};
    chunk->runs_end = &chunk->runs;
    *way->chunks_end = chunk;
    way->chunks_end = &chunk->next;
    relay_lane_hold(way, chunk);
    return 0;
}

/* What the service would have to see, in any chunk (the first part of a multipart follows), and
 * what is not signed where it must be. rows 25, 26, rfc4976#9.4 */
static bool is_barred(const struct relay *relay, const struct relay_way *way,
                      const struct msrp_head *head)
{
    uint64_t before = head->range.start - 1;
    struct relay_sniff top;
    struct msrp_media media;

    relay_sniff_init(&top, head->content_type);
    if (top.state == RELAY_SNIFF_BARRED || (!way && top.state == RELAY_SNIFF_OPEN && before))
        return true;
    if (way && !way->is_dead && head->has_range &&
        relay_sniff_is_evaded(&way->sniff, &top, way->octets, before))
        return true;
    return relay->conf.path_signed && (msrp_mime_parse_type(&media, head->content_type) ||
                                       (!msrp_mime_is(&media, "multipart", "signed") &&
                                        !msrp_mime_is(&media, "application", "pkcs7-mime")));
}

int relay_way_begin(struct relay_conn *conn, const struct relay_onward *on)
{
    const struct msrp_head *head = &conn->chunk.head;
    struct relay_way *way = relay_way_find(conn, on->hash);
    int err;

    if (head->has_body && is_barred(conn->relay, way, head))
        return way && !way->is_dead ? relay_way_refuse(way, RELAY_E_PATH_TYPE) : RELAY_E_PATH_TYPE;
    err = way ? begin_next(way, conn) : begin_new(conn, on, &way);
    if (err || way->is_dead)
        return err;
    return add_chunk(way, on);
}

int relay_way_body(struct relay_conn *conn, const char *p, size_t n)
{
    struct relay_chunk *chunk = &conn->chunk;
    struct relay_way *way = chunk->way;
    uint64_t end = chunk->head.range.start - 1 + chunk->body;
    uint64_t max = conn->relay->conf.path_message_max;
    int err = 0;

    if (!way)
        return RELAY_E_STOPPED;
    if (way->is_dead)
        return 0;
    if ((chunk->head.range.end != MSRP_UNKNOWN && end > chunk->head.range.end) || end > way->total)
        err = MSRP_E_JOIN_OVER; /* row 33 */
    else if (max && end > max)
        err = RELAY_E_TOO_LARGE;
    else if (way->sniff.state == RELAY_SNIFF_OPEN && end - n == way->octets)
        relay_sniff_feed(&way->sniff, &conn->relay->slabs, p, n);
    if (!err && way->sniff.state == RELAY_SNIFF_BARRED)
        err = RELAY_E_PATH_TYPE;
    if (!err)
        err = relay_lane_put(way, conn->in, p, n);
    if (err)
        return relay_way_refuse(way, err);
    if (end > way->octets)
        way->octets = end;
    relay_lane_ready(way);
    relay_way_look(way);
    return 0;
}

/* rfc4975#7.3.1: the last chunk defines the length; row 31 */
static int check_last(const struct relay_way *way, const struct relay_chunk *chunk)
{
    const struct msrp_byte_range *range = &chunk->head.range;
    uint64_t end = range->end != MSRP_UNKNOWN ? range->end : range->start - 1 + chunk->body;

    return chunk->head.has_body && way->total != MSRP_UNKNOWN && end != way->total ? MSRP_E_JOIN_END
                                                                                   : 0;
}

int relay_way_end(struct relay_conn *conn, char flag)
{
    struct relay_way *way = conn->chunk.way;
    struct way_chunk *chunk;
    int err;

    if (!way)
        return flag == '#' ? 0 : RELAY_E_STOPPED;
    if (way->is_dead) {
        err = way->err;
        conn->chunk.status = way->status; /* perhaps the next hop's own */
        relay_way_part(way);
        if (flag != '+')
            relay_way_free(way);
        return flag == '#' ? 0 : err;
    }
    err = flag == '$' ? check_last(way, &conn->chunk) : 0;
    if (err)
        return relay_way_refuse(way, err);
    chunk = relay_lane_newest(way);
    chunk->flag = flag;
    chunk->came_ms = way->touched_ms = now_ms(way->relay);
    if (flag == '+') {
        relay_way_remember(way);
    } else {
        relay_sniff_end(&way->sniff);
        relay_way_uncount(way);
        way->has_last = true;
    }
    bool is_full = flag != '#' && relay_way_is_heavy(way);
    chunk->owes = is_full && (relay_way_duty(way, MSRP_FATE_TAKEN) & MSRP_DUTY_ANSWER);
    conn->relay->counts.answers_held += chunk->owes;
    relay_way_part(way);
    relay_lane_ready(way);
    return is_full ? RELAY_WAY_LATER : 0;
}
