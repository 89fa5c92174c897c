#include "relay/core/fan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/core/sds.h"

int relay_fan_new(struct fan **out, struct sds_message *message, struct relay *relay,
                  const char *sender, struct relay_label *label)
{
    struct fan *fan = calloc(1, sizeof *fan);
    uint8_t rnd[16];

    if (!fan)
        return RELAY_E_NOMEM;
    int rc = relay_random_fill(relay, rnd, sizeof rnd);
    if (rc) {
        free(fan);
        return rc;
    }
    msrp_str_ident_make(fan->boundary, rnd);
    fan->relay = relay;
    fan->message = message;
    fan->sender = sender;
    fan->label = *label;
    label->slab = label->plain_slab = NULL;
    *out = fan;
    return 0;
}

static uint64_t available(const struct fan_delivery *d)
{
    return d->fan->passed - d->at;
}

void relay_fan_free(struct fan *fan)
{
    if (!fan)
        return;
    relay_fan_abort(fan, 408);
    relay_body_done(fan);
    relay_label_done(&fan->label);
    free(fan);
}

/* Is there a chunk to be made now? Small ones are made at the end only: a sender who dribbles would
 * else become a thousand members' dribble. */
static bool is_ready(const struct fan_delivery *d)
{
    return !d->fan || d->fan->is_complete || available(d) >= MSRP_CHUNK_STEP;
}

void relay_fan_wake(struct fan *fan)
{
    for (struct fan_delivery *d = fan->deliveries; d; d = d->fan_next)
        if (!d->is_staged && is_ready(d))
            relay_conn_wants_write(d->conn);
}

/* --- deliveries --- */

static void list_add(struct fan_delivery **list, struct fan_delivery *d)
{
    struct fan_delivery *first = *list;

    /* a ring through prev, so that the end is found at once */
    d->next = NULL;
    if (first) {
        d->prev = first->prev;
        first->prev->next = d;
        first->prev = d;
    } else {
        d->prev = d;
        *list = d;
    }
}

static void list_cut(struct fan_delivery **list, struct fan_delivery *d)
{
    if (*list == d)
        *list = d->next;
    else
        d->prev->next = d->next;
    if (d->next)
        d->next->prev = d->prev;
    else if (*list)
        (*list)->prev = d->prev;
}

static bool is_over_full(const struct relay_conn *conn)
{
    uint64_t bytes = 0;
    unsigned n = 0;

    for (const struct fan_delivery *d = conn->deliveries; d; d = d->next, n++)
        bytes += d->fan ? d->fan->end - d->at : 0;
    return n >= RELAY_FAN_PER_CONN || bytes > relay_conf_of(conn->relay)->out_hard;
}

static void tell_failed(struct relay_conn *conn, struct fan *fan, int err, int status)
{
    struct relay_event event = {
        .kind = RELAY_EVENT_DELIVERY_FAILED, .err = err, .status = status, .bytes = fan->end};

    memccpy(event.target, conn->user, '\0', sizeof event.target - 1);
    relay_counts_of(fan->relay)->deliveries_failed++;
    fan->failed++;
    fan->status = status;
    relay_emit(fan->relay, conn, &event);
}

int relay_fan_add(struct fan *fan, struct relay_conn *conn)
{
    struct fan_delivery *d = NULL;
    uint8_t rnd[16];
    int rc = is_over_full(conn) ? RELAY_E_SLOW_RECEIVER : 0;

    fan->started++;
    relay_counts_of(fan->relay)->deliveries++;
    if (!rc)
        rc = relay_random_fill(fan->relay, rnd, sizeof rnd);
    if (!rc && !(d = calloc(1, sizeof *d)))
        rc = RELAY_E_NOMEM;
    if (rc) {
        tell_failed(conn, fan, rc, 413);
        return rc;
    }
    msrp_str_ident_make(d->message_id, rnd);
    d->fan = fan;
    memcpy(d->boundary, fan->boundary, sizeof d->boundary);
    d->conn = conn;
    d->session = relay_conn_session(conn);
    d->fan_next = fan->deliveries;
    if (fan->deliveries)
        fan->deliveries->fan_prev = d;
    fan->deliveries = d;
    fan->sending++;
    list_add(&conn->deliveries, d);
    if (is_ready(d))
        relay_conn_wants_write(conn);
    return 0;
}

/* The fan does not know the delivery any more. */
static void leave_fan(struct fan_delivery *d)
{
    struct fan *fan = d->fan;

    if (!d->is_staged)
        relay_body_leave(d);
    if (d->fan_next)
        d->fan_next->fan_prev = d->fan_prev;
    *(d->fan_prev ? &d->fan_prev->fan_next : &fan->deliveries) = d->fan_next;
    d->fan = NULL;
}

static void leave_conn(struct fan_delivery *d)
{
    relay_conn_unhop(d->conn, d);
    list_cut(d->is_staged ? &d->conn->staged : &d->conn->deliveries, d);
    free(d);
}

/* It has failed. Where octets have left, but not the last, the recipient is told with a `#`. */
static void fail(struct fan_delivery *d, int err, int status, bool may_tell)
{
    struct relay_conn *conn = d->conn;

    tell_failed(conn, d->fan, err, status);
    leave_fan(d);
    if (d->has_begun && !d->is_staged && may_tell) {
        relay_conn_unhop(conn, d);
        relay_conn_wants_write(conn);
    } else {
        leave_conn(d);
    }
}

void relay_fan_drop(struct fan_delivery *d, int status)
{
    fail(d, 0, status, true);
}

void relay_fan_abort(struct fan *fan, int status)
{
    while (fan->deliveries)
        fail(fan->deliveries, 0, status, true);
}

void relay_fan_gone(struct relay_conn *conn, const struct relay_session *session)
{
    struct fan_delivery *next;

    for (int i = 0; i < 2; i++) {
        for (struct fan_delivery *d = i ? conn->staged : conn->deliveries; d; d = next) {
            next = d->next;
            if (session && d->session != session)
                continue;
            struct fan *fan = d->fan;
            if (!fan) {
                leave_conn(d);
                continue;
            }
            fail(d, RELAY_E_END, 408, false);
            relay_sds_delivery_over(fan->message);
        }
    }
}

/* --- chunks --- */

/* The next delivery that has a chunk to make. The first octets for one recipient leave in the order
 * in which their messages of one sender were accepted (I3): one that has not begun goes after an
 * older one of its sender that has not begun either. */
static struct fan_delivery *pick(const struct relay_conn *conn)
{
    for (struct fan_delivery *d = conn->deliveries; d; d = d->next) {
        if (!is_ready(d))
            continue;
        if (!d->fan || d->has_begun)
            return d;
        for (struct fan_delivery *older = conn->deliveries; older != d; older = older->next)
            if (older->fan && !older->has_begun && strcmp(older->fan->sender, d->fan->sender) == 0)
                return older;
        return d;
    }
    return NULL;
}

bool relay_fan_is_ready(const struct relay_conn *conn)
{
    return relay_conn_has_hop_room(conn) && pick(conn);
}

/* RELAY_FAN_CHUNK octets in runs and glue of turn, RELAY_FAN_COPY octets to two of them */
enum { RUNS_MAX = 2 * RELAY_FAN_CHUNK / RELAY_FAN_COPY };

/* A chunk in the making. */
struct chunk {
    char tid[MSRP_IDENT_MADE + 1];
    struct msrp_str runs[RUNS_MAX + 1]; /* the label first */
    struct relay_slab *slabs[RUNS_MAX + 1];
    size_t runs_n;
    uint64_t octets; /* of the fan */
    char flag;
};

static void collect(struct chunk *chunk, const struct fan_delivery *d)
{
    const struct fan *fan = d->fan;
    uint64_t want = available(d), at = d->at;

    if (want > RELAY_FAN_CHUNK)
        want = RELAY_FAN_CHUNK;
    for (uint64_t i = d->span; want && i < relay_body_span_end(fan) && chunk->runs_n <= RUNS_MAX;
         i++) {
        const struct fan_span *span = relay_body_span(fan, i);
        uint64_t skip = at - (span->end - span->run.n), n = span->run.n - skip;
        if (n > want)
            n = want;
        chunk->runs[chunk->runs_n] = (struct msrp_str){span->run.p + skip, (size_t)n};
        chunk->slabs[chunk->runs_n++] = span->run.slab;
        chunk->octets += n;
        at += n;
        want -= n;
    }
    chunk->flag = fan->is_complete && at == fan->end ? '$' : '+';
}

/* Writes everything before the body. */
static void put_head(struct msrp_writer *w, const struct fan_delivery *d, const char *tid,
                     const struct msrp_byte_range *range)
{
    const struct relay *relay = d->conn->relay;
    const char *service = relay_conf_of(relay)->service;
    char uri[MSRP_URI_MAX + 1], plain[MSRP_URI_MAX + 1];

    if (!d->conn->tls) { /* on a plain listener every URI of ours is msrp: */
        snprintf(plain, sizeof plain, "msrp%s", service + strlen("msrps"));
        service = plain;
    }
    struct msrp_str from[2] = {{uri, relay_session_uri(relay, d->session, uri)},
                               msrp_str_of(service)};

    msrp_writer_request(w, msrp_str_of(tid), "SEND");
    msrp_writer_header(w, "To-Path", msrp_str_of(d->session->remote));
    msrp_writer_header_list(w, "From-Path", from, 2);
    msrp_writer_header(w, "Message-ID", msrp_str_of(d->message_id));
    msrp_writer_range(w, range);
    msrp_writer_header(w, "Success-Report", MSRP_STR("no"));
    msrp_writer_header(w, "Failure-Report", MSRP_STR("yes"));
    msrp_writer_text(w, "Content-Type: multipart/mixed;boundary=");
    msrp_writer_text(w, d->boundary);
    msrp_writer_text(w, "\r\n");
    msrp_writer_blank(w);
}

static size_t head_cap(const struct fan_delivery *d)
{
    return strlen(d->session->remote) + 2 * MSRP_URI_MAX + 512;
}

/* Queues head, body by reference, and end-line, in this order and with nothing between. */
static bool queue(struct fan_delivery *d, const struct chunk *chunk,
                  const struct msrp_byte_range *range)
{
    struct relay_conn *conn = d->conn;
    struct relay_slabs *slabs = relay_slabs_of(conn->relay);
    size_t label_n = d->has_begun ? 0 : chunk->runs[0].n;
    size_t cap = head_cap(d) + label_n;
    char *room = relay_out_room(&conn->out, slabs, cap);
    struct msrp_writer w;

    if (!room)
        return false;
    msrp_writer_init(&w, room, cap);
    put_head(&w, d, chunk->tid, range);
    if (label_n)
        msrp_writer_put(&w, chunk->runs[0]);
    if (w.err)
        return false;
    relay_out_add(&conn->out, w.n);
    for (size_t i = label_n ? 1 : 0; i < chunk->runs_n; i++)
        relay_out_span(&conn->out, chunk->slabs[i], chunk->runs[i].p, chunk->runs[i].n);
    room = relay_out_room(&conn->out, slabs, MSRP_END_MAX);
    if (!room)
        return false;
    msrp_writer_init(&w, room, MSRP_END_MAX);
    msrp_writer_end(&w, msrp_str_of(chunk->tid), chunk->flag, true);
    relay_out_add(&conn->out, w.n);
    return !w.err && !conn->out.failed;
}

/* The empty chunk that ends a delivery which has failed. */
static bool stage_abort(struct fan_delivery *d)
{
    struct relay_conn *conn = d->conn;
    struct msrp_byte_range range = {d->staged + 1, MSRP_UNKNOWN, MSRP_UNKNOWN};
    uint8_t rnd[16];
    char tid[MSRP_IDENT_MADE + 1];
    struct msrp_writer w;
    bool is_queued = false;

    if (!relay_random_fill(conn->relay, rnd, sizeof rnd)) {
        msrp_tid_make(tid, rnd);
        char *room = relay_out_room(&conn->out, relay_slabs_of(conn->relay), head_cap(d));
        if (room && !relay_conn_hop(conn, tid, NULL, d->staged + 1, d->staged)) {
            msrp_writer_init(&w, room, head_cap(d));
            put_head(&w, d, tid, &range);
            msrp_writer_end(&w, msrp_str_of(tid), '#', true); /* not without a body: trap 5 */
            if (!w.err)
                relay_out_add(&conn->out, w.n);
            is_queued = !w.err;
        }
    }
    leave_conn(d);
    return is_queued;
}

/* Everything of the chunk is out: the cursor follows. */
static void moved(struct fan_delivery *d, const struct chunk *chunk, uint64_t octets)
{
    struct relay_conn *conn = d->conn;
    struct fan *fan = d->fan;

    if (!d->has_begun)
        d->label_n = (uint32_t)(octets - chunk->octets);
    d->has_begun = true;
    d->staged += octets;
    d->in_flight++;
    relay_body_advance(d, chunk->octets);
    list_cut(&conn->deliveries, d);
    if (chunk->flag == '$') {
        d->is_staged = true;
        fan->sending--;
        list_add(&conn->staged, d);
    } else {
        list_add(&conn->deliveries, d);
    }
    relay_sds_cursor_moved(fan->message);
}

static bool stage_chunk(struct fan_delivery *d)
{
    struct relay *relay = d->conn->relay;
    struct fan *fan = d->fan;
    struct chunk chunk = {.runs_n = 0};
    uint8_t rnd[32];
    int rc = 0;

    if (!d->has_begun) {
        char *label = relay_sds_scratch(relay_sds_of(relay));
        ssize_t n = relay_label_print(&fan->label, d->conn, fan->sender, fan->boundary, label,
                                      RELAY_FAN_LABEL_MAX);
        if (n < 0)
            rc = (int)n;
        else
            chunk.runs[chunk.runs_n++] = (struct msrp_str){label, (size_t)n};
    }
    collect(&chunk, d);
    uint64_t octets = chunk.octets + (d->has_begun || rc ? 0 : chunk.runs[0].n);
    struct msrp_byte_range range = {
        .start = d->staged + 1,
        .end = octets > MSRP_CHUNK_STEP ? MSRP_UNKNOWN : d->staged + octets, /* row C4 */
        .total = fan->is_complete ? (d->has_begun ? d->label_n : octets - chunk.octets) + fan->end
                                  : MSRP_UNKNOWN,
    };
    if (!rc)
        rc = relay_random_fill(relay, rnd, sizeof rnd);
    if (!rc) /* row F8: an id whose end-line does not stand in the chunk */
        rc = msrp_tid_pick(chunk.tid, rnd, 2, chunk.runs, chunk.runs_n);
    if (!rc)
        rc = relay_conn_hop(d->conn, chunk.tid, d, range.start, d->staged + octets);
    if (!rc && !queue(d, &chunk, &range))
        rc = RELAY_E_NOMEM; /* the connection closes: half a frame may stand in its queue */
    if (rc) {
        fail(d, rc, 413, true);
        relay_sds_delivery_over(fan->message);
        return false;
    }
    moved(d, &chunk, octets);
    return true;
}

bool relay_fan_stage(struct relay_conn *conn)
{
    struct fan_delivery *d;

    /* a delivery that fails in the making leaves the list: the next one may have its turn */
    while (relay_conn_has_hop_room(conn) && !conn->out.failed && (d = pick(conn)))
        if (d->fan ? stage_chunk(d) : stage_abort(d))
            return true;
    return false;
}

void relay_fan_answered(struct relay_conn *conn, struct fan_delivery *d, uint64_t start,
                        uint64_t end, int status)
{
    struct fan *fan = d->fan;

    (void)start;
    (void)end;
    d->in_flight--;
    if (status != 200) {
        fail(d, 0, status, true);
        relay_sds_delivery_over(fan->message);
    } else if (d->is_staged && !d->in_flight) {
        fan->done++;
        leave_fan(d);
        leave_conn(d);
        relay_sds_delivery_over(fan->message);
    }
    if (relay_fan_is_ready(conn))
        relay_conn_wants_write(conn);
}
