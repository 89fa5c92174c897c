#include "relay/core/sds.h"

#include <stdlib.h>
#include <string.h>

#include "relay/core/csk.h"
#include "relay/core/message.h"

struct sds *relay_sds_new(struct relay *relay)
{
    const struct relay_conf *conf = relay_conf_of(relay);
    struct sds *sds = calloc(1, sizeof *sds);
    uint8_t rnd[16];

    if (!sds)
        return NULL;
    sds->relay = relay;
    if (!relay_random_fill(relay, rnd, sizeof rnd))
        sds->disp = relay_disp_new(rnd, conf->dedup_ttl_s, conf->dedup_max_per_sender,
                                   RELAY_DISP_RECORDS_MAX);
    if (!sds->disp) {
        free(sds);
        return NULL;
    }
    return sds;
}

char *relay_sds_scratch(struct sds *sds)
{
    return sds->scratch;
}

static int64_t now_ms(const struct sds *sds)
{
    return relay_now_of(sds->relay).mono_ms;
}

bool relay_sds_is_quiet(const struct sds *sds)
{
    return !sds->open && !sds->sent;
}

void relay_sds_free(struct sds *sds)
{
    if (!sds)
        return;
    while (sds->all)
        relay_life_free(sds->all);
    relay_disp_free(sds->disp);
    free(sds);
}

void relay_sds_cursor_moved(struct sds_message *m)
{
    if (m->flow.is_over)
        relay_life_look(m);
}

void relay_sds_delivery_over(struct sds_message *m)
{
    if (m->fan->deliveries) {
        relay_life_look(m);
    } else if (m->state == RELAY_MESSAGE_SENT) {
        relay_life_finish(m);
    } else if (m->state == RELAY_MESSAGE_OPEN && m->fan->started) {
        relay_life_give_up(m, RELAY_E_UNDELIVERED, m->fan->status);
    }
}

/* --- chunks --- */

static struct sds_message *find_on(const struct relay_conn *conn, struct msrp_str id)
{
    struct sds_message *m = conn->messages;

    while (m && !msrp_str_is(id, m->id))
        m = m->next;
    return m;
}

/* row 25 */
static int check_type(struct sds_message *m, struct msrp_str content_type)
{
    char boundary[MSRP_BOUNDARY_MAX + 1];
    struct msrp_media media;
    int rc = msrp_mime_parse_type(&media, content_type);

    if (rc)
        return rc;
    if (msrp_mime_is(&media, "application", "mikey"))
        return relay_csk_begin(m);
    if (!msrp_mime_is(&media, "multipart", "mixed"))
        return RELAY_E_SDS_TYPE;
    rc = msrp_mime_boundary(&media, boundary);
    if (rc < 0)
        return rc;
    return relay_walk_init(&m->body->walk, msrp_str_of(boundary),
                           relay_conf_of(m->sds->relay)->label_max);
}

static int begin_chunk(struct sds_message *m, const struct msrp_head *head)
{
    int rc = msrp_join_begin(&m->body->join, head->has_range ? &head->range : NULL, now_ms(m->sds));

    return rc == MSRP_E_JOIN_SIZE && m->body->over ? m->body->over : rc;
}

static int begin_new(struct sds *sds, struct relay_conn *conn, struct relay_chunk *chunk)
{
    const struct relay_conf *conf = relay_conf_of(sds->relay);
    struct sds_message *m;

    relay_life_trim(conn);
    m = relay_life_new(sds, conn, chunk);

    if (!m)
        return RELAY_E_NOMEM;
    int rc = relay_conn_admit(conn);
    if (!rc && m->session->open_messages > conf->open_messages_max)
        rc = RELAY_E_TOO_MANY_OPEN;
    if (!rc)
        rc = check_type(m, chunk->head.content_type);
    if (!rc)
        rc = begin_chunk(m, &chunk->head);
    m->chunk = chunk;
    chunk->message = m;
    return rc ? relay_life_refuse(m, rc) : 0;
}

static enum msrp_asked plain(enum msrp_asked asked, enum msrp_asked absent)
{
    return asked == MSRP_ABSENT ? absent : asked;
}

static int begin_next(struct sds_message *m, struct relay_chunk *chunk)
{
    const struct msrp_head *head = &chunk->head;
    int rc = 0;

    m->chunk = chunk;
    chunk->message = m;
    m->touched_ms = now_ms(m->sds);
    if (m->state == RELAY_MESSAGE_DEAD) {
        const struct relay_conf *conf = relay_conf_of(m->sds->relay);
        if (m->touched_ms - m->dead_ms > conf->stopped_ms && ++m->late > conf->stopped_chunks) {
            relay_life_part(m);
            return RELAY_E_STOPPED_STILL;
        }
        return 0; /* swallowed; relay_sds_end knows the answer */
    }
    if (!head->has_body)
        return 0; /* its `#` */
    if (plain(head->success_report, MSRP_NO) != plain(m->success_asked, MSRP_NO) ||
        plain(head->failure_report, MSRP_YES) != plain(m->failure_asked, MSRP_YES))
        rc = RELAY_E_FLAGS_DIFFER; /* row 28 */
    if (!rc)
        rc = begin_chunk(m, head);
    return rc ? relay_life_refuse(m, rc) : 0;
}

/* An open message of the same user on another connection: the newer one takes it over. */
static struct sds_message *take_over(struct relay_conn *conn, struct relay_chunk *chunk, int *err)
{
    struct relay_conn *other = relay_conns_of_user(conn->relay, msrp_str_of(conn->user));
    struct sds_message *m = NULL;

    for (; other; other = other->next_same_user) {
        if (other == conn)
            continue;
        m = find_on(other, chunk->head.message_id);
        if (m && m->state == RELAY_MESSAGE_OPEN && m->body->phase != RELAY_PHASE_UPLOAD)
            break; /* a CSK belongs to its connection */
    }
    if (!other)
        return NULL;
    if (conn->opened_ms < other->opened_ms) {
        *err = RELAY_E_STOPPED;
        return NULL;
    }
    if (chunk->session->open_messages >= relay_conf_of(conn->relay)->open_messages_max) {
        *err = RELAY_E_TOO_MANY_OPEN;
        return NULL;
    }
    relay_flow_end(&m->flow, other);
    relay_life_part(m);
    relay_life_take_off(m);
    relay_life_hang_on(m, conn);
    m->session->open_messages--;
    m->session = chunk->session;
    m->session->open_messages++;
    return m;
}

int relay_sds_begin(struct sds *sds, struct relay_conn *conn, struct relay_chunk *chunk)
{
    struct sds_message *m = find_on(conn, chunk->head.message_id);
    int err = 0;

    if (!m)
        m = take_over(conn, chunk, &err);
    if (err)
        return err;
    if (m)
        return begin_next(m, chunk);
    if (!chunk->head.has_body)
        return 0; /* `#` of a message that nobody knows */
    return begin_new(sds, conn, chunk);
}

/* Keeps octets that came ahead of a gap. A run smaller than a small slab is copied: one octet must
 * not keep the 32 KiB of a receive slab (reliability T17). */
static int hold(struct relay *relay, struct relay_message_body *body, uint64_t from,
                struct relay_slab *slab, const char *p, size_t n)
{
    if (n < RELAY_SLAB_OUT) {
        if (!body->kept || body->kept->cap - body->kept->used < n) {
            struct relay_slab *kept = relay_slab_new(relay_slabs_of(relay), RELAY_SLAB_OUT);
            if (!kept)
                return RELAY_E_MEMORY;
            relay_slab_unref(body->kept);
            body->kept = kept;
        }
        slab = body->kept;
        memcpy(slab->data + slab->used, p, n);
        p = slab->data + slab->used;
        slab->used += (uint32_t)n;
    }
    struct relay_fragment *last = body->frags_n ? &body->frags[body->frags_n - 1] : NULL;

    if (last && last->run.slab == slab && last->run.p + last->run.n == p &&
        last->from + last->run.n == from) {
        last->run.n += n;
        return 0;
    }
    if (body->frags_n >= RELAY_MESSAGE_FRAGS_MAX)
        return RELAY_E_TOO_MANY_GAPS;
    if (body->frags_n == body->frags_cap) {
        unsigned cap = body->frags_cap ? body->frags_cap * 2 : 8;
        struct relay_fragment *frags = reallocarray(body->frags, cap, sizeof *frags);
        if (!frags)
            return RELAY_E_NOMEM;
        body->frags = frags;
        body->frags_cap = cap;
    }
    body->frags[body->frags_n++] = (struct relay_fragment){from, {relay_slab_ref(slab), p, n}};
    return 0;
}

/* Held octets whose turn has come. */
static int take_held(struct sds_message *m, struct msrp_run run)
{
    struct relay_message_body *body = m->body;
    int rc = 0;

    for (unsigned i = 0; !rc && run.from < run.to; i++) {
        if (i == body->frags_n)
            return RELAY_E_TOO_MANY_GAPS; /* never: all of the run is held */
        struct relay_fragment frag = body->frags[i];
        if (frag.from != run.from)
            continue;
        memmove(&body->frags[i], &body->frags[i + 1], (--body->frags_n - i) * sizeof *body->frags);
        run.from += frag.run.n;
        rc = relay_message_take(m, frag.run.slab, frag.run.p, frag.run.n);
        relay_slab_unref(frag.run.slab);
        i = UINT32_MAX; /* from the start again */
    }
    return rc;
}

static int sort_in(struct sds_message *m, struct relay_slab *slab, const char *p, size_t n)
{
    struct relay_message_body *body = m->body;
    struct msrp_piece piece;
    struct msrp_run run;
    int rc = 0;

    while (n && !rc) {
        rc = msrp_join_feed(&body->join, n, &piece);
        if (rc)
            break;
        m->octets = msrp_range_end(&body->join.got);
        if (piece.kind == MSRP_JOIN_DELIVER)
            rc = relay_message_take(m, slab, p, piece.n);
        else if (piece.kind == MSRP_JOIN_HOLD)
            rc = hold(m->sds->relay, body, piece.from, slab, p, piece.n);
        else /* the first octets win; row 36 */
            relay_counts_of(m->sds->relay)->overlap_octets += piece.n;
        p += piece.n;
        n -= piece.n;
        while (!rc && piece.kind == MSRP_JOIN_DELIVER && msrp_join_take(&body->join, &run))
            rc = take_held(m, run);
    }
    return rc == MSRP_E_JOIN_SIZE && body->over ? body->over : rc;
}

int relay_sds_body(struct sds *sds, struct relay_conn *conn, struct relay_chunk *chunk,
                   struct relay_slab *slab, const char *p, size_t n)
{
    struct sds_message *m = chunk->message;

    (void)sds;
    (void)conn;
    if (!m)
        return RELAY_E_STOPPED; /* another connection has taken it over */
    if (m->state == RELAY_MESSAGE_DEAD)
        return 0;
    int rc = sort_in(m, slab, p, n);
    if (rc)
        return relay_life_refuse(m, rc);
    relay_life_look(m);
    return 0;
}

int relay_sds_end(struct sds *sds, struct relay_conn *conn, struct relay_chunk *chunk, char flag)
{
    struct sds_message *m = chunk->message;

    if (!m) /* nobody knows it, or another connection has it now */
        return flag == '#' || !chunk->head.has_body ? 0 : RELAY_E_STOPPED;
    if (m->state == RELAY_MESSAGE_DEAD) {
        int err = m->err;
        relay_life_refuse(m, err);
        return flag == '#' ? 0 : err;
    }
    if (flag == '#') { /* row 40 */
        relay_refuse(sds->relay, conn, RELAY_E_ABORTED, 200, msrp_str_of(m->target), m->octets);
        relay_life_refuse(m, RELAY_E_STOPPED);
        return 0;
    }
    int rc = msrp_join_end(&m->body->join, flag, now_ms(sds));
    if (!rc && m->body->join.has_last && msrp_join_is_complete(&m->body->join))
        rc = relay_message_complete(m);
    else if (!rc) {
        relay_life_part(m);
        return 0;
    }
    if (rc == RELAY_SDS_LATER)
        return rc;
    if (rc)
        return relay_life_refuse(m, rc);
    relay_life_part(m);
    relay_life_accept(m);
    return 0;
}

/* --- what happens outside of chunks --- */

void relay_sds_gone(struct sds *sds, struct relay_conn *conn)
{
    relay_fan_gone(conn, NULL);
    while (conn->messages) {
        conn->messages->flow.is_paused = false; /* it is not to be read again */
        relay_life_free(conn->messages);
    }
    for (struct sds_message *m = sds->all; m; m = m->all_next) {
        if (m->conn == conn) {
            m->conn = NULL;
            m->session = NULL;
        }
    }
}

void relay_sds_session_gone(struct sds *sds, struct relay_conn *conn, struct relay_session *session)
{
    relay_fan_gone(conn, session);
    for (struct sds_message *m = sds->all; m; m = m->all_next) {
        if (m->session != session)
            continue;
        if (m->state == RELAY_MESSAGE_OPEN)
            relay_life_kill(m, RELAY_E_SESSION_EXPIRED);
        relay_life_part(m); /* its chunk comes to the service no more */
        m->session = NULL;
    }
}

void relay_sds_recheck(struct sds *sds)
{
    struct sds_message *next;

    for (struct sds_message *m = sds->all; m; m = next) {
        next = m->all_next;
        int rc = relay_message_recheck(m);
        if (rc)
            relay_life_give_up(m, rc, relay_err_row(rc)->status);
        else if (m->fan && m->fan->started && !m->fan->deliveries)
            relay_sds_delivery_over(m);
    }
}

void relay_sds_tick(struct sds *sds)
{
    int64_t idle_ms = relay_conf_of(sds->relay)->message_idle_ms;
    struct sds_message *next;

    for (struct sds_message *m = sds->all; m; m = next) {
        next = m->all_next;
        relay_life_look(m);
        if (m->chunk || m->flow.is_paused)
            continue;
        if (m->state == RELAY_MESSAGE_OPEN &&
            msrp_join_is_stale(&m->body->join, now_ms(sds), idle_ms))
            relay_life_give_up(m, RELAY_E_STALE, 413);
        else if (m->state == RELAY_MESSAGE_DEAD && now_ms(sds) - m->touched_ms > idle_ms)
            relay_life_free(m);
    }
    relay_disp_sweep(sds->disp, now_ms(sds) / 1000);
}
