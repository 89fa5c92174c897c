/* errand.c - requests that are no SEND and go on: a REPORT, an AUTH for another relay, a method we
 * do not know. rfc4976#6.4.2, #6.4.3; rows R13, R15, R16
 *
 * They are never chunked and at most conf.head.body octets long, so they are gathered and go on
 * whole. Nothing is promised for them: what cannot go on is dropped and counted. A response to an
 * AUTH or an unknown method finds its way back by the transaction. */
#include "relay/core/machine.h"

#include <string.h>

#include <openssl/crypto.h>

static struct relay *relay_of(const struct relay_conn *conn)
{
    return conn->relay;
}

static bool has_credentials(const struct msrp_head *head)
{
    return head->authorization.n || head->method == MSRP_AUTH;
}

static void free_errand(struct relay *relay, struct relay_errand *errand)
{
    const struct way_chunk *chunk = errand->chunk;

    if (has_credentials(&chunk->head)) {
        char *data = chunk->head_slab->data;
        OPENSSL_cleanse(data + (chunk->head.lines.p - data), chunk->head.lines.n);
    }
    relay_lane_free_chunk(relay, errand->chunk);
    relay_pool_give(&relay->errands, errand);
}

int relay_errand_begin(struct relay_conn *conn, const struct relay_onward *on)
{
    struct relay *relay = relay_of(conn);
    struct relay_errand *errand = relay_pool_take(&relay->errands);
    struct way_chunk *chunk = errand ? relay_pool_take(&relay->chunks) : NULL;

    if (!chunk) {
        relay_pool_give(&relay->errands, errand);
        return RELAY_E_NOMEM;
    }
    *chunk = (struct way_chunk){.head_slab = relay_slab_ref(conn->chunk.head_slab),
                                .head = conn->chunk.head,
                                .own = on->own,
                                .own_n = on->own_n,
                                .rest = on->rest};
    chunk->runs_end = &chunk->runs;
    *errand =
        (struct relay_errand){.chunk = chunk, .source = conn->id, .came_ms = relay->now.mono_ms};
    conn->errand = errand;
    return 0;
}

int relay_errand_body(struct relay_conn *conn, const char *p, size_t n)
{
    return relay_lane_append(relay_of(conn), conn->errand->chunk, conn->in, p, n) ? 0
                                                                                  : RELAY_E_NOMEM;
}

void relay_errand_drop(struct relay_conn *conn)
{
    if (conn->errand)
        free_errand(relay_of(conn), conn->errand);
    conn->errand = NULL;
}

/* An id whose end-line does not stand in the body. row F8 */
static int make_tid(struct relay *relay, const struct way_chunk *chunk,
                    char tid[MSRP_IDENT_MADE + 1])
{
    enum { RUNS = 64 };
    struct msrp_str runs[RUNS];
    uint8_t rnd[32];
    size_t n = 0;
    int rc = relay_random_fill(relay, rnd, sizeof rnd);

    for (const struct way_run *run = chunk->runs; run && n < RUNS; run = run->next)
        runs[n++] = (struct msrp_str){run->p, run->n};
    return rc ? rc : msrp_tid_pick(tid, rnd, 2, runs, n);
}

/* A short body is copied: it would keep more alive than is counted. */
static bool put_body(struct relay_conn *to, const struct way_chunk *chunk)
{
    char *room;

    for (const struct way_run *run = chunk->runs; run; run = run->next) {
        if (run->n > RELAY_WAY_COPY) {
            relay_out_span(&to->out, run->slab, run->p, run->n);
            continue;
        }
        if (!(room = relay_control_room(to, run->n)))
            return false;
        memcpy(room, run->p, run->n);
        relay_control_add(to, (long)run->n);
    }
    return true;
}

/* Puts it behind what the connection has to send. False: it does not go. */
static bool put(struct relay_conn *to, struct relay_errand *errand)
{
    struct relay *relay = to->relay;
    const struct way_chunk *chunk = errand->chunk;
    struct relay_conn *source = relay_conn_find(relay, errand->source);
    size_t cap = relay_lane_head_cap(chunk);
    char tid[MSRP_IDENT_MADE + 1], *room;
    struct msrp_writer w;

    /* what nobody is promised does not fill the queue of a slow connection; what waits in its lane
     * is no reason, as it goes before that */
    if (to->closing || to->out.bytes > relay->conf.out_high || make_tid(relay, chunk, tid))
        return false;
    if (chunk->head.method != MSRP_REPORT &&
        (!source || source->closing ||
         relay_hop_errand(to, tid, source, chunk->head.tid, chunk->head.authorization.n > 0)))
        return false;
    if (!(room = relay_control_room(to, cap)))
        return false;
    msrp_writer_init(&w, room, cap);
    relay_lane_head(&w, chunk, tid, NULL);
    if (chunk->head.has_body)
        msrp_writer_blank(&w);
    relay_control_add(to, msrp_writer_done(&w));
    if (has_credentials(&chunk->head) && to->out.slab)
        to->out.slab->is_secret = true;
    if (!put_body(to, chunk))
        return false;
    if (!(room = relay_control_room(to, MSRP_END_MAX)))
        return false;
    msrp_writer_init(&w, room, MSRP_END_MAX);
    msrp_writer_end(&w, msrp_str_of(tid), '$', chunk->head.has_body);
    relay_control_add(to, msrp_writer_done(&w));
    relay_hop_staged(to);
    relay->counts.errands++;
    return true;
}

static void go(struct relay_conn *to, struct relay_errand *errand)
{
    struct relay *relay = to->relay;

    if (!put(to, errand))
        relay->counts.errands_dropped++;
    free_errand(relay, errand);
}

void relay_errand_end(struct relay_conn *conn)
{
    struct relay *relay = relay_of(conn);
    struct relay_errand *errand = conn->errand;
    struct relay_onward on; /* found again: a session may have ended since its head came */
    struct relay_lane *lane = relay_nexthop(conn, &on) < 0 ? NULL : relay_nexthop_lane(relay, &on);

    conn->errand = NULL;
    if (lane && lane->conn) {
        go(lane->conn, errand);
    } else if (lane && lane->errands_n < RELAY_ERRANDS_MAX) {
        *lane->errands_end = errand;
        lane->errands_end = &errand->next;
        lane->errands_n++;
    } else {
        relay->counts.errands_dropped++;
        free_errand(relay, errand);
    }
}

struct relay_errand *relay_errand_next(struct relay_lane *lane)
{
    struct relay_errand *errand = lane->errands;

    if (!errand)
        return NULL;
    lane->errands = errand->next;
    if (!lane->errands)
        lane->errands_end = &lane->errands;
    lane->errands_n--;
    return errand;
}

void relay_errands_move(struct relay_lane *wait, struct relay_conn *to)
{
    struct relay_errand *errand;

    while ((errand = relay_errand_next(wait)))
        go(to, errand);
}

void relay_errands_expire(struct relay *relay, struct relay_lane *wait, int64_t before_ms)
{
    while (wait->errands && wait->errands->came_ms <= before_ms) {
        relay->counts.errands_dropped++;
        free_errand(relay, relay_errand_next(wait));
    }
}

/* How many URIs at the front of the path are ours: the sender's session and the receiver's? */
static unsigned own_at_front(const struct relay *relay, struct msrp_str path)
{
    struct msrp_str text;
    struct msrp_uri uri;
    unsigned n = 0;

    while (n < 2 && msrp_path_next(&path, &text) && !msrp_uri_parse(&uri, text) &&
           relay_uri_is_ours(relay, &uri))
        n++;
    return n;
}

/* The URIs of ours move as in a request. rfc4976#6.4.3, row R13 */
static long write_answer(struct msrp_writer *w, const struct relay_conn *conn,
                         const struct relay_hop *hop)
{
    const struct msrp_head *head = &conn->chunk.head;
    struct msrp_str to = head->to.text;
    struct msrp_str rest = msrp_path_pop(to, own_at_front(conn->relay, to));

    msrp_writer_response(w, msrp_str_of(hop->source_tid), (int)head->code);
    struct msrp_str own = {to.p, rest.p > to.p ? (size_t)(rest.p - to.p - 1) : 0};
    relay_lane_paths(w, own, rest, head->from.text);
    msrp_writer_put(w, relay_lane_lines(head));
    msrp_writer_end(w, msrp_str_of(hop->source_tid), '$', false);
    return (long)msrp_writer_done(w);
}

void relay_errand_answered(struct relay_conn *conn, const struct relay_hop *hop)
{
    struct relay_conn *source = relay_conn_find(conn->relay, hop->source);
    const struct msrp_head *head = &conn->chunk.head;
    size_t cap = head->lines.n + 512;
    struct msrp_writer w;

    /* row R12: responses take connections that are there; R13: one that is for us alone ends here
     */
    if (!source || source->closing || head->to.count <= own_at_front(conn->relay, head->to.text)) {
        conn->relay->counts.errands_dropped++;
        return;
    }
    char *room = relay_control_room(source, cap);
    if (!room)
        return;
    msrp_writer_init(&w, room, cap);
    relay_control_add(source, write_answer(&w, conn, hop));
    if (hop->is_login && head->code == 401 && !relay_credentials_are_stale(head))
        relay_login_forward_failed(source);
}
