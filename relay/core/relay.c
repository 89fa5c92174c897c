#include "relay/core/relay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/core/csk.h"
#include "relay/core/fan.h"
#include "relay/core/machine.h"
#include "relay/core/sds.h"

enum { ROWS = 256 };

/* --- connections by number --- */

static struct relay_conn **conn_row(const struct relay *relay, uint64_t id)
{
    return &relay->rows[relay_hash_of(&relay->key, &id, sizeof id) % relay->rows_n];
}

struct relay_conn *relay_conn_find(const struct relay *relay, uint64_t id)
{
    struct relay_conn *conn = *conn_row(relay, id);

    while (conn && conn->id != id)
        conn = conn->next_in_row;
    return conn;
}

/* Twice the rows. Without memory the chains grow longer: slower, never wrong. */
static void grow_rows(struct relay *relay)
{
    struct relay_conn **old = relay->rows;
    size_t old_n = relay->rows_n;
    struct relay_conn **rows = calloc(old_n * 2, sizeof(struct relay_conn *));

    if (!rows)
        return;
    relay->rows = rows;
    relay->rows_n = old_n * 2;
    for (size_t i = 0; i < old_n; i++) {
        while (old[i]) {
            struct relay_conn *conn = old[i];
            old[i] = conn->next_in_row;
            struct relay_conn **row = conn_row(relay, conn->id);
            conn->next_in_row = *row;
            *row = conn;
        }
    }
    free(old);
}

static void turn_away(struct relay *relay, const struct relay_in *in, int err)
{
    struct relay_event event = {.err = err, .conn = in->conn};

    snprintf(event.source, sizeof event.source, "%s", in->open.source ? in->open.source : "");
    relay_refuse_event(relay, NULL, &event);
    if (in->open.dialled)
        relay_link_dialled(relay, in->open.dialled - 1, false);
    if (relay->turned_away_n < RELAY_TURNED_AWAY_MAX)
        relay->turned_away[relay->turned_away_n++] = in->conn;
}

static void on_open(struct relay *relay, const struct relay_in *in)
{
    const struct relay_conf *conf = &relay->conf;
    uint64_t all = relay->counts.conns_now;
    uint64_t strangers_max = (uint64_t)conf->conns_max * conf->unauth_percent_max / 100;
    struct relay_conn *conn;

    struct relay_peer *peer =
        in->open.dialled && in->open.dialled <= relay->peers.n
            ? &relay->peers.v[in->open.dialled - 1]
            : relay_peers_of_names(&relay->peers, in->open.names, in->open.names_n);

    if (!strangers_max) /* a small relay still lets people in one by one */
        strangers_max = 1;
    if (all >= conf->conns_max) {
        turn_away(relay, in, RELAY_E_CONNS_TOTAL);
        return;
    }
    if (!peer && all - relay->counts.conns_authorised_now >= strangers_max) {
        turn_away(relay, in, RELAY_E_CONNS_UNAUTH);
        return;
    }
    if (!peer && relay_overload_now(relay) >= RELAY_OVERLOAD_STRANGERS) {
        turn_away(relay, in, RELAY_E_OVERLOAD);
        return;
    }
    if (relay_conn_find(relay, in->conn))
        return; /* the driver's fault; the first one stays */
    conn = relay_conn_new(relay, in);
    if (!conn) {
        turn_away(relay, in, RELAY_E_NOMEM);
        return;
    }
    int err =
        peer ? 0
             : relay_sources_add(&relay->sources, conn->source, conf->conns_unauth_per_source_max);
    if (err < 0) {
        relay_conn_free(conn);
        turn_away(relay, in, err);
        return;
    }
    conn->at_door = !peer;
    if (all >= relay->rows_n)
        grow_rows(relay);
    struct relay_conn **row = conn_row(relay, conn->id);
    conn->next_in_row = *row;
    *row = conn;
    if (!relay->counts.conns_now++)
        relay->tick_ms = relay->now.mono_ms;
    relay->counts.conns++;
    relay_emit(relay, conn, &(struct relay_event){.kind = RELAY_EVENT_CONN_OPEN});
    if (in->open.dialled) {
        conn->good = true; /* a request is ours to make there: no probation */
        conn->is_untried = peer != NULL;
    }
    if (peer)
        relay_link_open(conn, peer);
}

static void on_closed(struct relay *relay, uint64_t id)
{
    struct relay_conn **link = conn_row(relay, id);

    while (*link && (*link)->id != id)
        link = &(*link)->next_in_row;
    struct relay_conn *conn = *link;
    if (!conn)
        return;
    *link = conn->next_in_row;
    relay->counts.conns_now--;
    relay_emit(relay, conn,
               &(struct relay_event){.kind = RELAY_EVENT_CONN_CLOSED, .bytes = conn->bytes_in});
    relay_conn_free(conn);
}

static void on_data(struct relay *relay, const struct relay_in *in)
{
    struct relay_conn *conn = relay_conn_find(relay, in->conn);

    if (!conn || conn->closing || !conn->in)
        return;
    size_t room = conn->in->cap - conn->in->used, n = in->n < room ? in->n : room;
    conn->in->used += (uint32_t)n;
    conn->bytes_in += n;
    relay->counts.bytes_in += n;
    if (n) {
        conn->heard_ms = relay->now.mono_ms;
        conn->ping_ms = 0;
    }
    relay_conn_read(conn);
    if (!conn->closing)
        relay_conn_trim(conn);
}

/* --- time and policy --- */

static void each_conn(struct relay *relay, void (*look)(struct relay_conn *conn))
{
    /* connections leave the table by CLOSED only, so the walk is safe */
    for (size_t i = 0; i < relay->rows_n; i++)
        for (struct relay_conn *conn = relay->rows[i]; conn; conn = conn->next_in_row)
            if (!conn->closing)
                look(conn);
}

static void on_tick(struct relay *relay)
{
    relay->gone_ms = relay->now.mono_ms - relay->tick_ms;
    if (relay->gone_ms < RELAY_TICK_MS)
        return;
    relay->tick_ms = relay->now.mono_ms;
    each_conn(relay, relay_conn_tick);
    relay_chained_tick(relay);
    relay_hop_tick(relay);
    relay_sources_sweep(&relay->sources, relay->now.mono_ms, relay->conf.auth_fails_ms);
    relay_sds_tick(relay->sds);
    relay_links_tick(relay);
    relay_overload_tick(relay);
    if (relay->directory.n > relay->counts.conns_authorised_now)
        relay_directory_sweep(&relay->directory, relay->now.mono_ms,
                              relay->conf.rate_messages_per_s, relay->conf.rate_deliveries_per_s);
}

/* Sessions that stand, and what they send, under new rules. profile 2.8 */
static void recheck(struct relay *relay)
{
    each_conn(relay, relay_login_recheck);
    relay_chained_recheck(relay);
    relay_sds_recheck(relay->sds);
}

static void on_policy(struct relay *relay, struct relay_policy *policy)
{
    struct relay_policy *old = relay->policy;

    relay->policy = policy ? relay_policy_ref(policy) : NULL;
    recheck(relay);
    relay_policy_unref(old); /* last: its keys were in use until here */
    relay_emit(relay, NULL, &(struct relay_event){.kind = RELAY_EVENT_POLICY});
}

static void on_auth(struct relay *relay, const struct relay_auth *auth)
{
    relay->conf.auth = auth;
    recheck(relay);
}

static void on_digest(struct relay *relay, const struct relay_digest_rules *digest)
{
    relay->conf.digest = digest;
    relay_backoff_done(&relay->digest.backoff); /* its rows are places in the old list */
    recheck(relay);
}

/* Connections that read again, and those that failed while others spoke. */
static void settle(struct relay *relay)
{
    while (relay->ready) {
        struct relay_conn *conn = relay->ready;
        relay->ready = conn->next_ready;
        if (!relay->ready)
            relay->ready_end = &relay->ready;
        conn->ready_listed = false;
        relay_conn_read(conn);
    }
}

void relay_feed(struct relay *relay, const struct relay_in *in)
{
    relay->now = in->now;
    switch (in->kind) {
    case RELAY_IN_OPEN:
        on_open(relay, in);
        break;
    case RELAY_IN_DATA:
        on_data(relay, in);
        break;
    case RELAY_IN_CLOSED:
        on_closed(relay, in->conn);
        break;
    case RELAY_IN_TICK:
        on_tick(relay);
        break;
    case RELAY_IN_POLICY:
        on_policy(relay, in->policy);
        break;
    case RELAY_IN_AUTH:
        on_auth(relay, in->auth);
        break;
    case RELAY_IN_DIGEST:
        on_digest(relay, in->digest);
        break;
    case RELAY_IN_UPLOADED:
        relay_csk_uploaded(relay, in->upload);
        break;
    case RELAY_IN_UNDIALLED:
        relay_link_dialled(relay, in->peer, false);
        break;
    case RELAY_IN_DRAIN:
        relay->draining = true;
        break;
    }
    settle(relay);
}

int64_t relay_next_ms(const struct relay *relay)
{
    bool is_busy = relay->counts.conns_now || relay_links_wait(relay);

    return is_busy ? relay->tick_ms + RELAY_TICK_MS : -1;
}

/* --- wants and output --- */

void relay_conn_wants(struct relay_conn *conn)
{
    struct relay *relay = conn->relay;

    if (conn->want_listed)
        return;
    conn->want_listed = true;
    conn->next_want = NULL;
    *relay->wants_end = conn;
    relay->wants_end = &conn->next_want;
}

void relay_conn_wants_nothing(struct relay_conn *conn)
{
    struct relay *relay = conn->relay;
    struct relay_conn **link;

    for (link = &relay->wants; conn->want_listed && *link; link = &(*link)->next_want) {
        if (*link == conn) {
            *link = conn->next_want;
            if (relay->wants_end == &conn->next_want)
                relay->wants_end = link;
            break;
        }
    }
    for (link = &relay->ready; conn->ready_listed && *link; link = &(*link)->next_ready) {
        if (*link == conn) {
            *link = conn->next_ready;
            if (relay->ready_end == &conn->next_ready)
                relay->ready_end = link;
            break;
        }
    }
    conn->want_listed = conn->ready_listed = false;
}

void relay_conn_wants_write(struct relay_conn *conn)
{
    if (conn->closing && !conn->out.bytes)
        return;
    conn->wants_write = true;
    relay_conn_wants(conn);
}

/* The next thing the connection wants; NONE when that was all. */
static enum relay_want_kind next_want(struct relay_conn *conn)
{
    if (conn->wants_close) {
        conn->wants_close = conn->wants_write = false;
        return RELAY_WANT_CLOSE;
    }
    if (!conn->closing && conn->told_pause != (conn->paused > 0)) {
        conn->told_pause = conn->paused > 0;
        return conn->told_pause ? RELAY_WANT_PAUSE : RELAY_WANT_RESUME;
    }
    if (conn->wants_write) {
        conn->wants_write = false;
        return RELAY_WANT_WRITE;
    }
    return RELAY_WANT_NONE;
}

bool relay_take(struct relay *relay, struct relay_want *want)
{
    want->kind = RELAY_WANT_NONE;
    want->conn = 0;
    if (relay->events_n) {
        want->kind = RELAY_WANT_EVENT;
        want->event = relay->events[relay->events_at];
        want->conn = want->event.conn;
        relay->events_at = (relay->events_at + 1) % relay->events_cap;
        if (!--relay->events_n) {
            free(relay->events);
            relay->events = NULL;
            relay->events_at = relay->events_cap = 0;
        }
        return true;
    }
    want->upload = relay_csk_next(relay);
    if (want->upload) {
        want->kind = RELAY_WANT_UPLOAD;
        return true;
    }
    want->peer = relay_link_next(relay);
    if (want->peer) {
        want->kind = RELAY_WANT_DIAL;
        want->peer--;
        return true;
    }
    if (relay->turned_away_n) {
        want->kind = RELAY_WANT_CLOSE;
        want->conn = relay->turned_away[--relay->turned_away_n];
        return true;
    }
    while (relay->wants) {
        struct relay_conn *conn = relay->wants;
        want->kind = next_want(conn);
        want->conn = conn->id;
        if (want->kind != RELAY_WANT_NONE)
            return true;
        relay->wants = conn->next_want;
        if (!relay->wants)
            relay->wants_end = &relay->wants;
        conn->want_listed = false;
    }
    return false;
}

size_t relay_output(struct relay *relay, uint64_t id, const struct relay_now *now,
                    struct relay_iov *iov, size_t max)
{
    struct relay_conn *conn = relay_conn_find(relay, id);

    relay->now = *now;
    if (!conn)
        return 0;
    while (!conn->closing && !conn->out.failed && conn->out.bytes < RELAY_STAGE_MAX) {
        bool has_way = relay_lane_stage(conn); /* in turn with the service's deliveries */
        if (has_way)
            relay_hop_staged(conn);
        if (relay_fan_stage(conn))
            relay_hop_staged(conn);
        else if (!has_way)
            break;
    }
    if (conn->out.failed)
        relay_conn_close(conn, RELAY_E_NOMEM);
    settle(relay);
    return conn->out.failed ? 0 : relay_out_peek(&conn->out, iov, max);
}

void relay_sent(struct relay *relay, uint64_t id, const struct relay_now *now, size_t n)
{
    struct relay_conn *conn = relay_conn_find(relay, id);

    relay->now = *now;
    if (!conn)
        return;
    uint64_t before = conn->out.sent;
    relay_out_sent(&conn->out, n);
    relay->counts.bytes_out += conn->out.sent - before;
    if (conn->out.sent != before)
        conn->stall_ms = 0;
    if (!conn->out.bytes)
        conn->out_since_ms = 0; /* took all there was */
    conn->lane->moved_ms = now->mono_ms;
    relay_hop_sent(conn);
    if (conn->clogged && conn->out.bytes <= relay->conf.out_low) {
        conn->clogged = false;
        relay_conn_resume(conn);
    }
    settle(relay);
}

/* --- life --- */

/* Are the configured words usable in a URI and a header? */
static int check_conf(struct relay *relay)
{
    const struct relay_conf *conf = &relay->conf;
    int n = snprintf(relay->own_text, sizeof relay->own_text, "msrps://%s:%u;tcp", conf->name,
                     conf->port);

    if (n < 0 || (size_t)n + MSRP_IDENT_MADE + 1 > MSRP_URI_MAX ||
        msrp_uri_parse(&relay->own, msrp_str_of(relay->own_text)) < 0 || relay->own.is_ip4 ||
        relay->own.is_ip6 || /* rfc4976#4.2: a Use-Path URI has a name and a port */
        msrp_uri_parse(&relay->service, msrp_str_of(conf->service)) < 0 ||
        !msrp_uri_is_same_place(&relay->own, &relay->service) || !relay->service.has_session)
        return RELAY_E_CONF;
    /* a head that is not complete must fit into one slab */
    return conf->head.block + conf->head.line + 2 + ROWS < RELAY_SLAB_SIZE ? 0 : RELAY_E_CONF;
}

struct relay *relay_new(const struct relay_conf *conf, struct relay_policy *policy,
                        const struct relay_random *random)
{
    struct relay *relay = calloc(1, sizeof *relay);
    uint8_t rnd[16], secret[RELAY_NONCE_SECRET];

    if (!relay)
        return NULL;
    relay->conf = *conf;
    relay->random = *random;
    relay->policy = policy ? relay_policy_ref(policy) : NULL;
    relay->slabs.bytes_max = conf->memory_max;
    relay->wants_end = &relay->wants;
    relay->ready_end = &relay->ready;
    relay->jobs_end = &relay->jobs;
    while (relay_err_at(relay->counts.refused_n))
        relay->counts.refused_n++;
    relay->refused = calloc(relay->counts.refused_n + 1, sizeof *relay->refused);
    relay->counts.refused = relay->refused;
    relay->rows_n = ROWS;
    relay->rows = calloc(relay->rows_n, sizeof(struct relay_conn *));
    if (!relay->refused || !relay->rows || check_conf(relay) < 0 ||
        relay_random_fill(relay, rnd, sizeof rnd) < 0 ||
        relay_random_fill(relay, secret, sizeof secret) < 0)
        goto out;
    relay->key = relay_hash_key(rnd);
    relay_digest_init(&relay->digest, secret);
    if (relay_sessions_init(&relay->sessions, &relay->key) < 0 ||
        relay_directory_init(&relay->directory, &relay->key) < 0 ||
        relay_sources_init(&relay->sources, &relay->key) < 0)
        goto out;
    relay_wheel_init(&relay->wheel, 0);
    relay_pool_init(&relay->hops, sizeof(struct relay_hop), UINT32_MAX);
    relay_pool_init(&relay->ways, sizeof(struct relay_way), RELAY_WAYS_MAX);
    relay_pool_init(&relay->chunks, sizeof(struct way_chunk), 4 * RELAY_WAYS_MAX);
    relay_pool_init(&relay->runs, sizeof(struct way_run), 16 * RELAY_WAYS_MAX);
    relay_pool_init(&relay->errands, sizeof(struct relay_errand), RELAY_WAYS_MAX);
    relay->way_rows = calloc(RELAY_WAY_ROWS, sizeof(struct relay_way *));
    if (!relay->way_rows || relay_links_init(relay) < 0)
        goto out;
    relay->sds = relay_sds_new(relay);
    if (relay->sds)
        return relay;
out:
    relay_free(relay);
    return NULL;
}

void relay_free(struct relay *relay)
{
    if (!relay)
        return;
    for (size_t i = 0; relay->rows && i < relay->rows_n; i++) {
        while (relay->rows[i]) {
            struct relay_conn *conn = relay->rows[i];
            relay->rows[i] = conn->next_in_row;
            relay_conn_free(conn);
        }
    }
    if (relay->sds)
        relay_sds_free(relay->sds);
    relay_links_done(relay);
    relay_pool_done(&relay->hops);
    relay_pool_done(&relay->ways);
    relay_pool_done(&relay->chunks);
    relay_pool_done(&relay->runs);
    relay_pool_done(&relay->errands);
    free(relay->way_rows);
    while (relay->jobs)
        relay_upload_free(relay_csk_next(relay));
    dpp_mikey_replay_free(relay->seen);
    relay_chained_done(relay);
    relay_digest_done(&relay->digest);
    relay_sources_done(&relay->sources);
    relay_directory_done(&relay->directory);
    relay_sessions_done(&relay->sessions);
    relay_slabs_done(&relay->slabs);
    relay_policy_unref(relay->policy);
    free(relay->rows);
    free(relay->refused);
    free(relay->events);
    free(relay);
}

const struct relay_counts *relay_counts(struct relay *relay)
{
    relay->counts.slab_bytes = relay->slabs.bytes;
    return &relay->counts;
}

bool relay_is_quiet(const struct relay *relay)
{
    return relay_sds_is_quiet(relay->sds) && !relay->ways_moving;
}
