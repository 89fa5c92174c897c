/* lane.c - what waits in front of a connection, and how it becomes chunks. */
#include "relay/core/machine.h"

#include <string.h>

#include "relay/core/fan.h"

enum { RUNS_MAX = 64 /* of one chunk that is staged */ };

/* --- octets --- */

struct way_run *relay_lane_append(struct relay *relay, struct way_chunk *chunk,
                                  struct relay_slab *slab, const char *p, size_t n)
{
    /* runs_end is where the last run's first member is */
    struct way_run *run = chunk->runs ? (struct way_run *)(void *)chunk->runs_end : NULL;

    chunk->have += n;
    if (run && run->slab == slab && run->p + run->n == p) {
        run->n += n;
        return run;
    }
    run = relay_pool_take(&relay->runs);
    if (!run) {
        chunk->have -= n;
        return NULL;
    }
    *run = (struct way_run){.slab = relay_slab_ref(slab), .p = p, .n = n};
    *chunk->runs_end = run;
    chunk->runs_end = &run->next;
    return run;
}

/* chunks_end is where the newest chunk's first member is. */
struct way_chunk *relay_lane_newest(const struct relay_way *way)
{
    return way->chunks ? (struct way_chunk *)(void *)way->chunks_end : NULL;
}

static void bear(struct way_run *run, size_t cost)
{
    run->cost = cost;
    run->way->cost += cost;
    run->way->lane->cost += cost;
}

/* The first in a slab bears all of it. What comes in on other connections meanwhile is in other
 * slabs, so one may be counted twice: never too little. */
static void count(struct relay_way *way, struct way_run *run)
{
    struct relay_lane *lane = way->lane;
    struct way_run *last = lane->last;

    lane->last = run;
    run->way = way;
    if (last && last->slab == run->slab) {
        run->older = last;
        last->newer = run;
    } else {
        bear(run, run->slab->cap);
    }
}

static void uncount(struct way_run *run)
{
    struct way_run *heir = run->older ? run->older : run->newer;
    struct relay_lane *lane;

    if (!run->way)
        return;
    lane = run->way->lane;
    if (run->older)
        run->older->newer = run->newer;
    if (run->newer)
        run->newer->older = run->older;
    if (lane->last == run)
        lane->last = run->older;
    lane->cost -= run->cost;
    run->way->cost -= run->cost;
    if (run->cost && heir)
        bear(heir, run->cost);
    run->way = NULL;
}

void relay_lane_hold(struct relay_way *way, struct way_chunk *chunk)
{
    chunk->hold.slab = chunk->head_slab;
    count(way, &chunk->hold);
}

int relay_lane_put(struct relay_way *way, struct relay_slab *slab, const char *p, size_t n)
{
    struct way_run *run = relay_lane_append(way->relay, relay_lane_newest(way), slab, p, n);

    if (!run)
        return RELAY_E_NOMEM;
    if (!run->way)
        count(way, run);
    return 0;
}

static void free_run(struct relay *relay, struct way_chunk *chunk)
{
    struct way_run *run = chunk->runs;

    chunk->runs = run->next;
    if (!chunk->runs)
        chunk->runs_end = &chunk->runs;
    uncount(run);
    relay_slab_unref(run->slab);
    relay_pool_give(&relay->runs, run);
}

void relay_lane_free_chunk(struct relay *relay, struct way_chunk *chunk)
{
    while (chunk->runs)
        free_run(relay, chunk);
    uncount(&chunk->hold);
    relay_slab_unref(chunk->head_slab);
    relay_pool_give(&relay->chunks, chunk);
}

/* n octets of the oldest chunk are gone. */
static void consume(struct relay_way *way, uint64_t n)
{
    struct way_chunk *chunk = way->chunks;

    chunk->have -= n;
    chunk->staged += n;
    while (n) {
        struct way_run *run = chunk->runs;
        if (n < run->n) {
            run->p += n;
            run->n -= n;
            break;
        }
        n -= run->n;
        free_run(way->relay, chunk);
    }
}

void relay_lane_drop_chunk(struct relay_way *way)
{
    struct way_chunk *chunk = way->chunks;

    consume(way, chunk->have);
    way->chunks = chunk->next;
    if (!way->chunks)
        way->chunks_end = &way->chunks;
    relay_lane_free_chunk(way->relay, chunk);
}

void relay_lane_drop(struct relay_way *way)
{
    while (way->chunks)
        relay_lane_drop_chunk(way);
}

/* --- turns --- */

static uint64_t piece_max(const struct relay_conn *conn)
{
    return conn && conn->peer ? RELAY_WAY_PEER_CHUNK : RELAY_FAN_CHUNK;
}

/* May what came of it leave? Not the last octets of a message before their end-line, which is on
 * its way: a chunk without octets would have to follow them. */
static bool is_piece(const struct way_chunk *chunk, uint64_t max)
{
    const struct msrp_byte_range *range = &chunk->head.range;

    if (chunk->flag || chunk->have < MSRP_CHUNK_STEP)
        return chunk->flag != 0;
    return chunk->have > max || range->total == MSRP_UNKNOWN ||
           range->start - 1 + chunk->staged + chunk->have < range->total;
}

void relay_lane_wake(struct relay_lane *lane)
{
    for (struct relay_way *way = lane->ways; way; way = way->next_to)
        relay_lane_ready(way);
}

static bool is_ready(const struct relay_way *way)
{
    const struct way_chunk *chunk = way->chunks;

    return chunk && way->lane && !way->is_dead && way->sniff.state == RELAY_SNIFF_PASS &&
           !relay_way_is_unanswered(way) && is_piece(chunk, piece_max(way->lane->conn));
}

static void leave_turns(struct relay_way *way)
{
    struct relay_lane *lane = way->lane;

    if (!way->is_ready)
        return;
    *(way->prev_turn ? &way->prev_turn->next_turn : &lane->turns) = way->next_turn;
    *(way->next_turn ? &way->next_turn->prev_turn : &lane->turns_end) = way->prev_turn;
    way->is_ready = false;
}

void relay_lane_ready(struct relay_way *way)
{
    struct relay_lane *lane = way->lane;

    if (!is_ready(way)) {
        if (lane)
            leave_turns(way);
        return;
    }
    if (!way->is_ready) {
        way->is_ready = true;
        way->next_turn = NULL;
        way->prev_turn = lane->turns_end;
        *(way->prev_turn ? &way->prev_turn->next_turn : &lane->turns) = way;
        lane->turns_end = way;
    }
    if (lane->conn)
        relay_conn_wants_write(lane->conn);
}

void relay_lane_join(struct relay_lane *lane, struct relay_way *way)
{
    way->lane = lane;
    way->next_to = lane->ways;
    way->link_to = &lane->ways;
    if (way->next_to)
        way->next_to->link_to = &way->next_to;
    lane->ways = way;
    lane->cost += way->cost;
}

void relay_lane_leave(struct relay_way *way)
{
    struct relay_lane *lane = way->lane;

    leave_turns(way);
    *way->link_to = way->next_to;
    if (way->next_to)
        way->next_to->link_to = way->link_to;
    lane->cost -= way->cost;
    if (lane->last && lane->last->way == way)
        lane->last = NULL;
    way->lane = NULL;
}

bool relay_lane_is_ready(const struct relay_conn *conn)
{
    return conn->lane->turns && relay_conn_has_hop_room(conn);
}

/* --- heads --- */

struct msrp_str relay_lane_lines(const struct msrp_head *head)
{
    const char *end = head->lines.p + head->lines.n, *at = head->from.text.p + head->from.text.n;

    return (struct msrp_str){at + 2, (size_t)(end - at - 2)};
}

size_t relay_lane_head_cap(const struct way_chunk *chunk)
{
    return chunk->head.method_text.n + chunk->head.lines.n + 512;
}

void relay_lane_paths(struct msrp_writer *w, struct msrp_str own, struct msrp_str rest,
                      struct msrp_str from)
{
    struct msrp_str first, second;

    msrp_writer_header(w, "To-Path", rest);
    msrp_str_cut(own, ' ', &first, &second); /* each goes in front of the one before */
    msrp_writer_header_list(w, "From-Path", (struct msrp_str[]){second, first, from}, 3);
}

void relay_lane_head(struct msrp_writer *w, const struct way_chunk *chunk, const char *tid,
                     const struct msrp_byte_range *range)
{
    struct msrp_str rest = relay_lane_lines(&chunk->head), line;

    msrp_writer_text(w, "MSRP ");
    msrp_writer_text(w, tid);
    msrp_writer_text(w, " ");
    msrp_writer_put(w, chunk->head.method_text);
    msrp_writer_text(w, "\r\n");
    relay_lane_paths(w, chunk->own, chunk->rest, chunk->head.from.text);
    if (!range) {
        msrp_writer_put(w, rest);
        return;
    }
    if (!chunk->head.has_range)
        msrp_writer_range(w, range); /* trap 9: it is split, so it must be there */
    while (rest.n) {
        struct msrp_str from = rest;
        msrp_str_cut(rest, '\n', &line, &rest);
        if (msrp_str_has_prefix_nocase(line, "Byte-Range:"))
            msrp_writer_range(w, range);
        else
            msrp_writer_put(w, (struct msrp_str){from.p, line.n + 1});
    }
}

/* --- chunks --- */

/* A chunk in the making. */
struct piece {
    char tid[MSRP_IDENT_MADE + 1];
    struct msrp_str runs[RUNS_MAX];
    struct relay_slab *slabs[RUNS_MAX];
    size_t runs_n;
    uint64_t octets;
    char flag;
    bool is_whole; /* all of the chunk as it came in */
};

static void collect(struct piece *piece, const struct way_chunk *chunk, uint64_t most)
{
    piece->runs_n = 0;
    piece->octets = 0;
    for (const struct way_run *run = chunk->runs;
         run && piece->runs_n < RUNS_MAX && piece->octets < most; run = run->next) {
        uint64_t room = most - piece->octets, n = run->n < room ? run->n : room;
        piece->runs[piece->runs_n] = (struct msrp_str){run->p, (size_t)n};
        piece->slabs[piece->runs_n++] = run->slab;
        piece->octets += n;
    }
    bool is_last = chunk->flag && piece->octets == chunk->have;
    piece->flag = is_last ? chunk->flag : '+';
    piece->is_whole = is_last && !chunk->staged;
}

/* rfc4976#6.4.1: the range is known now; rows R9, C4 */
static struct msrp_byte_range range_of(const struct piece *piece, const struct way_chunk *chunk)
{
    uint64_t before = chunk->head.range.start + chunk->staged - 1;

    return (struct msrp_byte_range){
        .start = before + 1,
        .end = piece->octets > MSRP_CHUNK_STEP ? MSRP_UNKNOWN : before + piece->octets,
        .total = chunk->head.range.total,
    };
}

/* Queues head, body (by reference when it is worth it) and end-line, in this order and with nothing
 * between. */
static bool queue(struct relay_conn *conn, const struct piece *piece, const struct way_chunk *chunk)
{
    struct relay_slabs *slabs = &conn->relay->slabs;
    struct msrp_byte_range range = range_of(piece, chunk);
    bool has_range = chunk->head.has_body && (chunk->head.has_range || !piece->is_whole);
    bool is_copied = piece->octets <= RELAY_WAY_COPY;
    size_t cap =
        relay_lane_head_cap(chunk) + (is_copied ? (size_t)piece->octets + MSRP_END_MAX : 0);
    char *room = relay_out_room(&conn->out, slabs, cap);
    struct msrp_writer w;

    if (!room)
        return false;
    msrp_writer_init(&w, room, cap);
    relay_lane_head(&w, chunk, piece->tid, has_range ? &range : NULL);
    if (chunk->head.has_body)
        msrp_writer_blank(&w);
    for (size_t i = 0; is_copied && i < piece->runs_n; i++)
        msrp_writer_put(&w, piece->runs[i]);
    if (is_copied)
        msrp_writer_end(&w, msrp_str_of(piece->tid), piece->flag, chunk->head.has_body);
    if (w.err)
        return false;
    relay_out_add(&conn->out, w.n);
    if (chunk->head.authorization.n && conn->out.slab)
        conn->out.slab->is_secret = true;
    if (is_copied)
        return !conn->out.failed;
    for (size_t i = 0; i < piece->runs_n; i++)
        relay_out_span(&conn->out, piece->slabs[i], piece->runs[i].p, piece->runs[i].n);
    room = relay_out_room(&conn->out, slabs, MSRP_END_MAX);
    if (!room)
        return false;
    msrp_writer_init(&w, room, MSRP_END_MAX);
    msrp_writer_end(&w, msrp_str_of(piece->tid), piece->flag, true);
    relay_out_add(&conn->out, w.n);
    return !w.err && !conn->out.failed;
}

static int stage(struct relay_conn *conn, struct relay_way *way, struct piece *piece)
{
    struct way_chunk *chunk = way->chunks;
    uint8_t rnd[16];
    int rc = MSRP_E_TID_TAKEN;

    collect(piece, chunk, piece_max(conn));
    for (int i = 0; i < 2 && rc == MSRP_E_TID_TAKEN; i++) { /* rows F8, R5, threat T20 */
        rc = relay_random_fill(conn->relay, rnd, sizeof rnd);
        if (!rc)
            rc = msrp_tid_pick(piece->tid, rnd, 1, piece->runs, piece->runs_n);
    }
    uint64_t start = chunk->head.range.start + chunk->staged;
    if (!rc && way->failure != MSRP_NO) {
        rc = relay_hop_way(conn, piece->tid, way, start, start + piece->octets - 1);
        way->in_flight += !rc;
        way->flying += rc ? 0 : piece->octets;
    }
    if (!rc && !queue(conn, piece, chunk))
        rc = RELAY_E_NOMEM; /* the connection closes: half a frame may stand in its queue */
    return rc;
}

bool relay_lane_stage(struct relay_conn *conn)
{
    struct relay_lane *lane = conn->lane;
    const struct relay_conf *conf = &conn->relay->conf;
    struct piece piece;

    while (lane->turns && relay_conn_has_hop_room(conn) && !conn->out.failed) {
        struct relay_way *way = lane->turns;
        leave_turns(way);
        int rc = stage(conn, way, &piece);
        if (rc) {
            relay_way_fail(way, rc, 413, 0, 0);
            continue;
        }
        struct way_chunk *chunk = way->chunks;
        consume(way, piece.octets);
        conn->relay->counts.relayed_chunks++;
        if (chunk->flag && !chunk->have) {
            way->chunks = chunk->next;
            if (!way->chunks)
                way->chunks_end = &way->chunks;
            relay_way_left(way, chunk);
            relay_lane_free_chunk(conn->relay, chunk);
        }
        if (!relay_way_is_over(way))
            relay_lane_ready(way);
        if (lane->is_over && lane->cost <= conf->out_low)
            relay_ways_relax(lane);
        return true;
    }
    return false;
}
