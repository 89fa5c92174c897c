/* request.c - one frame from its head to its answer: the rows of the answer table that need no
 * message. Decisions fall at the head; answers follow the end-line. */
#include "relay/core/machine.h"

#include <string.h>

#include "relay/core/sds.h"

bool relay_uri_is_ours(const struct relay *relay, const struct msrp_uri *uri)
{
    struct msrp_uri there = *uri;

    /* msrp: with our name is ours too, and then refused as such (row 20) */
    there.is_secure = true;
    if (!there.has_port) {
        there.has_port = true;
        there.port = relay->own.port;
    }
    return msrp_uri_is_same_place(&there, &relay->own);
}

bool relay_first_is_ours(const struct relay *relay, const struct msrp_head *head)
{
    struct msrp_str text = head->to.first, place = msrp_str_of(relay->own_text), rest;
    struct msrp_uri uri;
    size_t scheme = msrp_str_has_prefix(text, "msrps") ? 5 : 4;

    if (!head->to.count)
        return false;
    /* nearly always it is one that we gave, letter for letter: ://NAME:PORT/SESSION;tcp */
    place = (struct msrp_str){place.p + 5, place.n - 5 - 4};
    rest = (struct msrp_str){text.p + scheme, text.n - scheme};
    if (text.n > scheme + place.n && memcmp(rest.p, place.p, place.n) == 0 &&
        rest.p[place.n] == '/' && msrp_str_cut(rest, ';', NULL, &rest) && msrp_str_is(rest, "tcp"))
        return true;
    return !msrp_uri_parse(&uri, text) && relay_uri_is_ours(relay, &uri);
}

bool relay_path_is_same(struct msrp_str a, struct msrp_str b)
{
    struct msrp_str uri_a, uri_b;
    bool more_a, more_b;

    if (msrp_str_is_same(a, b))
        return true;
    for (;;) {
        more_a = msrp_path_next(&a, &uri_a);
        more_b = msrp_path_next(&b, &uri_b);
        if (!more_a || !more_b)
            return more_a == more_b;
        if (!msrp_uri_is_same_text(uri_a, uri_b))
            return false;
    }
}

/* Is the transaction id that of a request whose answer has not left yet? The peer may use an id
 * again once it has the answer; we answer at once, so what counts is the answers still queued. The
 * last RELAY_LIVE_MAX of them are known. Ids of our own requests are another namespace. row 4 */
static bool is_live(const struct relay_conn *conn, struct msrp_str tid)
{
    uint64_t hash = relay_hash_of(&conn->relay->key, tid.p, tid.n);

    for (unsigned i = 0; i < RELAY_LIVE_MAX; i++)
        if (conn->live[i].end_at > conn->out.sent && conn->live[i].tid == hash)
            return true;
    return false;
}

/* What holds for every URI of both paths. A plain listener, where there is one, speaks msrp: as
 * well. rows 20, 63 */
static int check_uris(const struct relay_conn *conn, struct msrp_str path)
{
    bool is_auth = conn->chunk.head.method == MSRP_AUTH;
    struct msrp_str text;
    struct msrp_uri uri;
    int err = 0;

    while (msrp_path_next(&path, &text)) {
        if (msrp_uri_parse(&uri, text))
            return MSRP_E_TO_URI; /* the reader has parsed it before */
        if (!uri.has_port && !is_auth)
            return RELAY_E_PATH_PORT; /* rfc4976#8 */
        if (!uri.is_secure && conn->tls)
            err = RELAY_E_PATH_PLAIN;
    }
    return err;
}

/* What holds for the paths of every request, AUTH too; `first` is the leftmost To-Path URI. */
static int check_paths(const struct relay_conn *conn, struct msrp_uri *first)
{
    const struct msrp_head *head = &conn->chunk.head;

    if (msrp_uri_parse(first, head->to.first))
        return MSRP_E_TO_URI;
    if (!relay_uri_is_ours(conn->relay, first))
        return RELAY_E_NOT_OURS; /* rfc4976#6.2 */
    int err = check_uris(conn, head->to.text);
    if (!err)
        err = check_uris(conn, head->from.text);
    if (!err && msrp_path_has_loop(head->to.text, head->from.text))
        err = RELAY_E_PATH_LOOP;
    return err;
}

/* The session that the leftmost To-Path URI names. rows 13, 14, 61 */
static int find_session(struct relay_conn *conn, struct msrp_str id, struct relay_session **out)
{
    const struct relay *relay = conn->relay;
    struct relay_session *session = relay_sessions_find(&relay->sessions, id);

    if (!session)
        return RELAY_E_SESSION;
    if (session->conn != conn && (!session->peer || session->peer != conn->peer))
        return RELAY_E_HIJACK; /* the answer is that of an unknown one: no oracle */
    if (session->ended || relay->now.unix_s >= session->dead_s + (int64_t)relay->conf.skew_s)
        return RELAY_E_SESSION_EXPIRED;
    *out = session;
    return 0;
}

/* The path goes on behind our URIs. rfc4976#6.4; rows 17, 18 */
static int judge_onward(struct relay_conn *conn, struct relay_onward *on)
{
    struct relay_chunk *chunk = &conn->chunk;
    int err = conn->relay->conf.path_off ? RELAY_E_PATH_FOREIGN : relay_nexthop(conn, on);

    chunk->aim = chunk->head.method == MSRP_SEND ? RELAY_AIM_WAY : RELAY_AIM_ERRAND;
    if (err == RELAY_E_PATH_SESSION || err == RELAY_E_PATH_FOREIGN)
        chunk->aim = RELAY_AIM_DISCARD;
    return err;
}

/* Judges a request that is not AUTH by its paths and sets what is to be done with it. */
static int judge_path(struct relay_conn *conn, struct relay_onward *on)
{
    const struct relay *relay = conn->relay;
    struct relay_chunk *chunk = &conn->chunk;
    const struct msrp_head *head = &chunk->head;
    struct msrp_str rest = head->to.text, text;
    struct msrp_uri first, second;
    bool is_barred = head->method == MSRP_OTHER && !relay->conf.path_methods;

    if (!is_barred && relay_nexthop_is_known(conn))
        return judge_onward(conn, on);
    int err = check_paths(conn, &first);
    if (err < 0)
        return err;
    if (is_barred)
        return RELAY_E_METHOD; /* by configuration, rfc4976#6.4.2 */

    bool has_second = msrp_path_next(&rest, &text) && msrp_path_next(&rest, &text);
    bool is_service = has_second && !msrp_uri_parse(&second, text);
    if (is_service) {
        second.is_secure = true; /* where msrp: may not stand it was refused above */
        is_service = msrp_uri_is_same(&second, &relay->service);
    }
    if (has_second && !is_service)
        return judge_onward(conn, on);
    if (head->method == MSRP_OTHER)
        return RELAY_E_METHOD; /* the service knows none */
    err = find_session(conn, first.session, &chunk->session);
    if (err < 0)
        return err;
    if (chunk->session->peer && is_service)
        return RELAY_E_PATH_FOREIGN; /* profile 2.7 */
    if (has_second && rest.n)
        return RELAY_E_PATH_LONG; /* row 15 */
    if (!relay_path_is_same(head->from.text, msrp_str_of(chunk->session->remote)))
        return RELAY_E_IDENT; /* row 21 */
    if (head->method == MSRP_REPORT)
        return 0; /* a report to the service is read by nobody */
    if (!head->has_body)
        chunk->aim = RELAY_AIM_PING; /* unless it ends with '#' */
    else if (is_service)
        chunk->aim = RELAY_AIM_SERVICE;
    else
        return RELAY_E_SESSION; /* content for the Use-Path URI itself: no MSRP session ends there
                                 */
    return 0;
}

/* The same for AUTH. profile 2.2 */
static int judge_auth(struct relay_conn *conn, struct relay_onward *on)
{
    const struct msrp_head *head = &conn->chunk.head;
    struct msrp_uri uri;
    int err = check_paths(conn, &uri);

    if (err < 0)
        return err;
    if (head->to.count > 1) { /* for another relay, from a session of ours: rfc4976#5.1 */
        conn->chunk.aim = RELAY_AIM_ERRAND;
        err = conn->relay->conf.path_off ? RELAY_E_PATH_FOREIGN : relay_nexthop(conn, on);
        return err == RELAY_E_PATH_SESSION ? RELAY_E_SESSION : err;
    }
    if (uri.has_session)
        return RELAY_E_SESSION; /* AUTH is for the relay, not for a session on it */
    conn->chunk.aim = RELAY_AIM_AUTH;
    return 0;
}

void relay_request_head(struct relay_conn *conn, const struct msrp_head *head, int err)
{
    struct relay *relay = conn->relay;
    struct relay_chunk *chunk = &conn->chunk;
    struct relay_onward on;

    *chunk = (struct relay_chunk){.head = *head, .head_slab = relay_slab_ref(conn->in)};
    if (head->is_response) {
        relay->counts.responses++;
        chunk->aim = RELAY_AIM_RESPONSE;
        chunk->err = err;
        return;
    }
    relay->counts.requests++;
    relay_link_guess(conn);
    if (!err && is_live(conn, head->tid))
        err = RELAY_E_TID_LIVE;
    if (!err && (head->method == MSRP_AUTH || head->authorization.n) && relay_login_is_barred(conn))
        err = RELAY_E_AUTH_PLAINTEXT; /* row 57 */
    if (!err)
        err = head->method == MSRP_AUTH ? judge_auth(conn, &on) : judge_path(conn, &on);
    if (err == RELAY_E_NOT_OURS) {
        relay_conn_close(conn, err);
        return;
    }
    if (!err)
        relay_link_proven(conn);
    if (!err && chunk->aim == RELAY_AIM_SERVICE)
        err = relay_sds_begin(relay->sds, conn, chunk);
    else if (!err && chunk->aim == RELAY_AIM_WAY)
        err = relay_way_begin(conn, &on);
    else if (!err && chunk->aim == RELAY_AIM_ERRAND)
        err = relay_errand_begin(conn, &on);
    if (err == RELAY_E_PATH_SESSION) /* its connection is closing */
        chunk->aim = RELAY_AIM_DISCARD;
    if (err == RELAY_E_STOPPED_STILL) {
        relay_conn_close(conn, err);
        return;
    }
    chunk->err = err;
    if (err && chunk->aim != RELAY_AIM_DISCARD)
        chunk->aim = RELAY_AIM_REFUSE;
}

void relay_request_body(struct relay_conn *conn, struct msrp_str body)
{
    struct relay_chunk *chunk = &conn->chunk;

    chunk->body += body.n;
    if (chunk->aim == RELAY_AIM_WAY)
        chunk->err = relay_way_body(conn, body.p, body.n);
    else if (chunk->aim == RELAY_AIM_ERRAND)
        chunk->err = relay_errand_body(conn, body.p, body.n);
    else if (chunk->aim != RELAY_AIM_SERVICE)
        return;
    else if (chunk->session->ended) /* in mid-chunk: the service has let the message go already */
        chunk->err = RELAY_E_SESSION_EXPIRED;
    else
        chunk->err = relay_sds_body(conn->relay->sds, conn, chunk, conn->in, body.p, body.n);
    if (chunk->err)
        chunk->aim = RELAY_AIM_REFUSE;
}

/* The path went on to where nothing goes: no response, one REPORT (rows 17, 18). */
static void report_discarded(struct relay_conn *conn, int err)
{
    const struct relay_chunk *chunk = &conn->chunk;
    const struct msrp_head *head = &chunk->head;
    /* rfc4976#6.3: no REPORT about a REPORT, none that was not asked for, none about nothing */
    bool is_reported =
        head->method == MSRP_SEND && head->has_message_id &&
        (msrp_report_duty(MSRP_FATE_DROPPED, head->success_report, head->failure_report) &
         MSRP_DUTY_REPORT);
    int status = is_reported ? relay_err_row(err)->status : 0;

    relay_refuse(conn->relay, conn, err, status, (struct msrp_str){NULL, 0}, chunk->body);
    if (!is_reported)
        return;
    struct relay_report report = {
        .to_path = head->from.text,
        .from_uri = relay_own_uri(conn->relay, head),
        .message_id = head->message_id,
        .start = head->range.start,
        .end = head->range.start + chunk->body - 1, /* the true end: rfc4975#7.1.4 */
        .total = head->range.total,
        .status = status,
        .err = err,
    };
    relay_conn_report(conn, &report);
}

/* Says no, as loudly as G1, G2 and the row allow. */
static void refuse(struct relay_conn *conn, int err)
{
    if (conn->chunk.head.method == MSRP_REPORT)
        relay_refuse(conn->relay, conn, err, 0, (struct msrp_str){NULL, 0}, conn->chunk.body);
    else
        relay_answer_refused(conn, err, NULL, 0);
    if (err == RELAY_E_AUTH_PLAINTEXT || err == RELAY_E_STOPPED_STILL)
        relay_conn_close(conn, 0);
}

/* rfc4976#6.4.3: for us, and for a transaction of this connection. rows 50, 51 */
static bool is_expected(struct relay_conn *conn, const struct msrp_head *head)
{
    return relay_first_is_ours(conn->relay, head) &&
           relay_hop_answered(conn, head->tid, (int)head->code);
}

void relay_request_end(struct relay_conn *conn, char flag, int err)
{
    struct relay *relay = conn->relay;
    struct relay_chunk *chunk = &conn->chunk;
    const struct msrp_head *head = &chunk->head;

    /* a SEND without a body is a sign of life, but with '#' it ends its message */
    if (!err && chunk->aim == RELAY_AIM_PING && flag == '#' && head->to.count == 2) {
        err = relay_sds_begin(relay->sds, conn, chunk);
        chunk->aim = err ? RELAY_AIM_REFUSE : RELAY_AIM_SERVICE;
    }
    if (!err && chunk->aim == RELAY_AIM_SERVICE && chunk->session->ended)
        err = RELAY_E_SESSION_EXPIRED;
    else if (err && chunk->aim == RELAY_AIM_SERVICE)
        (void)!relay_sds_end(relay->sds, conn, chunk, '#'); /* the frame is refused as a whole */
    else if (!err && chunk->aim == RELAY_AIM_SERVICE)
        err = relay_sds_end(relay->sds, conn, chunk, flag);
    if (err == RELAY_SDS_LATER)
        return;
    if (!err && chunk->aim == RELAY_AIM_WAY)
        err = relay_way_end(conn, flag);
    if (err == RELAY_WAY_LATER) {
        conn->good = true;
        relay_chunk_done(conn);
        return;
    }
    if (!err)
        err = chunk->err;

    if (chunk->aim == RELAY_AIM_RESPONSE) {
        if (err || !is_expected(conn, head))
            relay->counts.late_responses++;
        else if (head->code / 100 == 2)
            relay_link_proven(conn);
    } else if (chunk->aim == RELAY_AIM_DISCARD) {
        report_discarded(conn, err);
    } else if (err && relay_err_row(err)->status != 200) {
        refuse(conn, err);
        relay_errand_drop(conn); /* last: it wipes the head */
    } else if (chunk->aim == RELAY_AIM_ERRAND) {
        conn->good = true;
        relay_errand_end(conn);
    } else if (chunk->aim == RELAY_AIM_AUTH) {
        relay_login(conn);
    } else if (head->method == MSRP_SEND) {
        relay_answer(conn, 200, 0, NULL, 0);
    }
    relay_chunk_done(conn);
}

void relay_request_late(struct relay_conn *conn, int err)
{
    if (err)
        refuse(conn, err);
    else
        relay_answer(conn, 200, 0, NULL, 0);
    relay_chunk_done(conn);
    relay_conn_resume(conn);
}

void relay_request_broken(struct relay_conn *conn, int err)
{
    struct relay *relay = conn->relay;
    bool is_answerable = msrp_reader_is_answerable(&conn->reader);

    /* after BODY_HUGE the head is that of the frame under way; else it is the broken one */
    if (is_answerable && !conn->chunk.head_slab)
        conn->chunk =
            (struct relay_chunk){.head = conn->reader.head, .head_slab = relay_slab_ref(conn->in)};
    /* G1 holds for a broken frame too, as far as its lines can be told: "Failure-Report:<TAB>no"
     * is none */
    struct msrp_head *head = &conn->chunk.head;
    struct msrp_str asked;
    if (is_answerable && head->failure_report == MSRP_ABSENT && head->lines.n &&
        msrp_head_find(head, "Failure-Report", &asked) && msrp_str_is_nocase(asked, "no") &&
        asked.p[-1] == ' ')
        head->failure_report = MSRP_NO;
    if (is_answerable) {
        relay_answer_refused(conn, err, NULL, 0);
    } else {
        relay_refuse(relay, conn, err, 0, (struct msrp_str){NULL, 0}, conn->chunk.body);
    }
    relay_conn_close(conn, 0); /* never resynchronise: rfc4975#10.2, threat T21 */
}
