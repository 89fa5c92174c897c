/* The life of one message: where it hangs, how it ends, who is told. */
#include "relay/core/message.h"

#include <stdlib.h>
#include <string.h>

static int64_t now_ms(const struct sds *sds)
{
    return relay_now_of(sds->relay).mono_ms;
}

/* --- lists --- */

void relay_life_hang_on(struct sds_message *m, struct relay_conn *conn)
{
    m->conn = conn;
    m->prev = NULL;
    m->next = conn->messages;
    if (m->next)
        m->next->prev = m;
    conn->messages = m;
}

void relay_life_take_off(struct sds_message *m)
{
    if (m->next)
        m->next->prev = m->prev;
    *(m->prev ? &m->prev->next : &m->conn->messages) = m->next;
    m->next = m->prev = NULL;
}

/* The chunk and the message part. */
void relay_life_part(struct sds_message *m)
{
    if (m->chunk)
        m->chunk->message = NULL;
    m->chunk = NULL;
}

static void free_body(struct sds_message *m)
{
    struct relay_message_body *body = m->body;

    if (!body)
        return;
    for (unsigned i = 0; i < body->frags_n; i++)
        relay_slab_unref(body->frags[i].run.slab);
    relay_slab_unref(body->kept);
    free(body->frags);
    relay_walk_done(&body->walk);
    relay_label_done(&body->label);
    relay_guard_done(&body->guard);
    relay_slab_unref(body->key);
    free(body);
    m->body = NULL;
}

/* It is open no more. */
static void shut(struct sds_message *m)
{
    m->octets = msrp_range_end(&m->body->join.got);
    m->total = m->body->join.total;
    if (m->session)
        m->session->open_messages--;
    m->sds->open--;
    relay_flow_end(&m->flow, m->conn);
    free_body(m);
}

void relay_life_free(struct sds_message *m)
{
    struct sds *sds = m->sds;

    relay_life_part(m);
    if (m->state == RELAY_MESSAGE_OPEN)
        shut(m);
    if (m->state == RELAY_MESSAGE_SENT)
        sds->sent--;
    else if (m->conn)
        relay_life_take_off(m);
    if (m->record)
        relay_disp_drop(sds->disp, m->record);
    relay_fan_free(m->fan);
    if (m->all_next)
        m->all_next->all_prev = m->all_prev;
    *(m->all_prev ? &m->all_prev->all_next : &sds->all) = m->all_next;
    free(m);
}

struct sds_message *relay_life_new(struct sds *sds, struct relay_conn *conn,
                                   struct relay_chunk *chunk)
{
    const struct relay_conf *conf = relay_conf_of(sds->relay);
    struct sds_message *m = calloc(1, sizeof *m);
    struct relay_message_body *body = calloc(1, sizeof *body);
    size_t runs = conf->gaps_max + 1;

    if (!m || !body) {
        free(m);
        free(body);
        return NULL;
    }
    msrp_join_init(&body->join, body->runs, runs < MSRP_RANGE_RUNS ? runs : MSRP_RANGE_RUNS,
                   conf->message_max, conf->gap_max);
    m->sds = sds;
    m->body = body;
    m->session = chunk->session;
    m->success_asked = chunk->head.success_report;
    m->failure_asked = chunk->head.failure_report;
    m->success = msrp_report_duty(MSRP_FATE_DELIVERED, m->success_asked, m->failure_asked) &
                 MSRP_DUTY_REPORT;
    m->failure =
        msrp_report_duty(MSRP_FATE_LOST, m->success_asked, m->failure_asked) & MSRP_DUTY_REPORT;
    m->total = MSRP_UNKNOWN;
    memcpy(m->id, chunk->head.message_id.p, chunk->head.message_id.n);
    if (!relay_id_normal(msrp_str_of(conn->user), m->sender))
        memccpy(m->sender, conn->user, '\0', sizeof m->sender - 1);
    relay_life_hang_on(m, conn);
    m->all_next = sds->all;
    if (sds->all)
        sds->all->all_prev = m;
    sds->all = m;
    sds->open++;
    m->session->open_messages++;
    return m;
}

/* Forgets the oldest refused message when there are too many. */
void relay_life_trim(struct relay_conn *conn)
{
    struct sds_message *oldest = NULL;
    unsigned n = 0;

    for (struct sds_message *m = conn->messages; m; m = m->next) {
        if (m->state != RELAY_MESSAGE_DEAD || m->chunk)
            continue;
        n++;
        oldest = m;
    }
    if (n > RELAY_MESSAGE_DEAD_MAX)
        relay_life_free(oldest);
}

/* --- the end of a message --- */

void relay_life_report(struct sds_message *m, int status, int err)
{
    char uri[MSRP_URI_MAX + 1];

    if (!m->conn || !m->session || m->session->ended)
        return; /* rfc4975#7.1.2: none on a dead session */
    struct relay_report report = {
        .to_path = msrp_str_of(m->session->remote),
        .from_uri = {uri, relay_session_uri(m->sds->relay, m->session, uri)},
        .message_id = msrp_str_of(m->id),
        .start = 1,
        .end = m->octets,
        .total = m->octets ? m->total : 0,
        .status = status,
        .err = err,
    };
    relay_conn_report(m->conn, &report);
}

/* From now on every chunk of it gets `err`; what was begun ends with `#`. */
void relay_life_kill(struct sds_message *m, int err)
{
    shut(m);
    m->state = RELAY_MESSAGE_DEAD;
    m->err = err;
    m->dead_ms = m->touched_ms = now_ms(m->sds);
    if (m->record)
        relay_disp_drop(m->sds->disp, m->record);
    m->record = NULL;
    relay_fan_free(m->fan);
    m->fan = NULL;
}

/* Refused by what one of its chunks brought: the chunk's answer tells it. */
int relay_life_refuse(struct sds_message *m, int err)
{
    memcpy(m->sds->target, m->target, sizeof m->target);
    if (m->chunk)
        m->chunk->target = m->sds->target;
    relay_life_part(m);
    if (m->state == RELAY_MESSAGE_OPEN)
        relay_life_kill(m, err);
    return err;
}

/* Given up for another reason: told once, by the answer to the chunk that is coming in, else by a
 * REPORT. */
void relay_life_give_up(struct sds_message *m, int err, int status)
{
    relay_life_kill(m, err);
    if (m->chunk)
        return;
    relay_refuse(m->sds->relay, m->conn, err, m->failure ? status : 0, msrp_str_of(m->target),
                 m->octets);
    if (m->failure)
        relay_life_report(m, status, err);
}

/* Complete, and all its deliveries are over. */
void relay_life_finish(struct sds_message *m)
{
    struct sds *sds = m->sds;
    struct fan *fan = m->fan;

    if (fan->started && !fan->done) {
        /* lost: it is new when it is sent again */
        relay_message_forget(m);
        relay_refuse(sds->relay, m->conn, RELAY_E_UNDELIVERED, m->failure ? fan->status : 0,
                     msrp_str_of(m->target), m->octets);
        if (m->failure)
            relay_life_report(m, fan->status, RELAY_E_UNDELIVERED);
    } else {
        struct relay_event event = {
            .kind = RELAY_EVENT_MESSAGE_DONE, .bytes = m->octets, .count = fan->done};
        memccpy(event.target, m->target, '\0', sizeof event.target - 1);
        relay_counts_of(sds->relay)->messages_delivered += fan->done > 0;
        relay_emit(sds->relay, m->conn, &event);
    }
    relay_life_free(m);
}

/* --- back pressure --- */

void relay_life_look(struct sds_message *m)
{
    struct fan_delivery *next;

    if (m->state != RELAY_MESSAGE_OPEN || !m->fan ||
        !relay_flow_look(&m->flow, m->conn, relay_body_lag(m->fan)))
        return;
    for (struct fan_delivery *d = m->fan->deliveries; d; d = next) {
        next = d->fan_next;
        if (relay_body_lag_of(d) >= relay_conf_of(m->sds->relay)->out_high)
            relay_fan_drop(d, 413);
    }
    relay_flow_spend(&m->flow, m->conn);
    if (!m->fan->deliveries)
        relay_life_give_up(m, RELAY_E_SLOW_RECEIVER, 413);
}

/* It is complete and accepted. */
void relay_life_accept(struct sds_message *m)
{
    shut(m);
    if (m->success)
        relay_life_report(m, 200, 0);
    relay_life_take_off(m);
    m->state = RELAY_MESSAGE_SENT;
    m->sds->sent++;
    if (!m->fan) /* a repeated one, or for nobody but us */
        relay_life_free(m);
    else if (!m->fan->deliveries)
        relay_life_finish(m);
}
