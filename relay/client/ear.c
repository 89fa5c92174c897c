/* ear.c - what a link hears: requests are answered, bodies given to the caller. */
#include <stdio.h>
#include <string.h>

#include "relay/client/ends.h"
#include "relay/client/say.h"
#include "relay/err.h"

/* --- responses and reports --- */

/* A chunk was not accepted. A session that is unknown there, or somebody else's, is over; its
 * messages may go on in another one (rfc4975#10.8, #10.10). */
static void refused(struct relay_wire *link, struct relay_talk *talk, struct relay_parcel *parcel,
                    const struct msrp_head *head, unsigned code)
{
    char text[256];
    (void)relay_say_refusal(text, sizeof(text), head, code);
    if (code == 481 || code == 506) {
        relay_talk_fail(talk, (int)code, 0, text);
    } else if (parcel != NULL) {
        relay_carry_refuse(parcel, link, (int)code, 0, text);
    }
}

/* Is it the chunk that is being written? */
static bool is_open_chunk(const struct relay_wire *link, const struct relay_talk *talk,
                          struct msrp_str tid)
{
    return link->open != NULL && link->open_session == talk->id && msrp_str_is(tid, link->mark.tid);
}

static void got_response(struct relay_wire *link, const struct msrp_head *head, int64_t now_ms)
{
    struct relay_endpoint *endpoint = link->endpoint;
    struct relay_asked asked;
    struct relay_talk *talk = relay_talk_named(endpoint, head->to.first);
    if (head->err != 0 || talk == NULL || talk->link != link) {
        return; /* row 50 */
    }
    if (is_open_chunk(link, talk, head->tid)) {
        if (head->code != 200) { /* rfc4975#10.5: it is interrupted, rows C14, C15 */
            refused(link, talk, link->open, head, head->code);
        }
        return;
    }
    if (!relay_wire_answered(link, talk->id, head->tid, &asked)) {
        return; /* row F13; also a response to a REPORT: trap 8 */
    }
    talk->heard_ms = now_ms;
    if (asked.kind == RELAY_ASKED_AUTH) {
        relay_entry_answered(talk, head, now_ms);
        return;
    }
    struct relay_parcel *parcel = relay_parcel_find(endpoint, asked.parcel);
    if (parcel != NULL && parcel->waiting > 0 && (asked.is_timed || asked.sent_ms < 0)) {
        parcel->waiting--;
    }
    if (head->code == 200) {
        talk->tells_bound = talk->tells_bound || !talk->is_bound;
        talk->is_bound = true;
        if (parcel != NULL) {
            relay_parcel_answered(parcel, asked.from, asked.to);
            relay_parcel_settle(parcel);
        }
    } else if (asked.kind == RELAY_ASKED_BINDING && head->code != 481 && head->code != 506) {
        char text[256];
        (void)relay_say_refusal(text, sizeof(text), head, head->code);
        relay_talk_fail(talk, (int)head->code, 0, text);
    } else {
        refused(link, talk, parcel, head, head->code);
    }
}

/* rfc4975#7.1.2, #7.3.2; rows P7, P10, P11 */
static void got_report(struct relay_wire *link, const struct msrp_head *head)
{
    struct relay_endpoint *endpoint = link->endpoint;
    struct relay_talk *talk = relay_talk_named(endpoint, head->to.first);
    struct relay_parcel *parcel = endpoint->parcels;
    if (head->err != 0 || !head->has_status || head->status.space != 0 || !head->has_message_id ||
        head->to.count != 1 || talk == NULL || talk->link != link) {
        return; /* row 48 */
    }
    while (parcel != NULL &&
           (parcel->session != talk->id || !msrp_str_is(head->message_id, parcel->message_id))) {
        parcel = parcel->next;
    }
    if (parcel == NULL) {
        return;
    }
    uint64_t from = head->has_range ? head->range.start - 1 : 0, to = parcel->conf.size;
    if (head->has_range && head->range.end != MSRP_UNKNOWN && head->range.end < to) {
        to = head->range.end;
    }
    if (head->status.code == 200) {
        if (parcel->conf.wants_success) {
            parcel->report_ms = -1;
            relay_parcel_reported(parcel, from, to);
        }
        return;
    }
    if (head->status.code == 408 && parcel->state == RELAY_PARCEL_OPEN && head->has_range) {
        /* a range did not arrive: the session has failed, and the range goes in the next one */
        relay_parcel_unanswered(parcel, from, to);
        char text[256];
        (void)relay_say_refusal(text, sizeof(text), head, head->status.code);
        relay_talk_fail(talk, (int)head->status.code, 0, text);
        return;
    }
    refused(link, talk, parcel, head, head->status.code);
    if (parcel->state != RELAY_PARCEL_REFUSED) {
        relay_parcel_unanswered(parcel, from, to);
    }
}

/* --- requests --- */

/* Nobody receives octets of this message now: the rest of a chunk of it is swallowed and gets
 * `code`. True: MESSAGE was not given yet. */
static bool detach(struct relay_endpoint *endpoint, const struct relay_arrival *arrival, int code)
{
    bool is_untold = false;
    for (struct relay_wire *link = endpoint->links; link != NULL; link = link->next) {
        if (link->request.arrival == arrival->id) {
            is_untold = is_untold || link->request.tells;
            link->request.arrival = 0;
            link->request.code = code;
            link->request.tells = false;
            link->body.n = 0;
        }
    }
    return is_untold;
}

void relay_ear_lose(struct relay_endpoint *endpoint, struct relay_arrival *arrival, int code,
                    int err, bool tells)
{
    bool is_untold = detach(endpoint, arrival, code);
    if (tells && !is_untold) {
        endpoint->lost = arrival->id;
        endpoint->lost_session = arrival->session;
        endpoint->lost_err = err;
    }
    endpoint->counts.lost++;
    relay_arrivals_end(&endpoint->arrivals, arrival, code);
}

static struct relay_arrival *current(const struct relay_wire *link)
{
    struct relay_arrival *arrival = link->endpoint->arrivals.first;
    while (arrival != NULL && arrival->id != link->request.arrival) {
        arrival = arrival->next;
    }
    return arrival;
}

/* The message that is being received has ended badly: the rest of the chunk is swallowed. */
static void spoil(struct relay_wire *link, struct relay_arrival *arrival, int err)
{
    int code = relay_err_row(err)->status;
    link->request.code = err == MSRP_E_JOIN_ABORTED ? 200 : code;
    link->request.arrival = 0;
    relay_ear_lose(link->endpoint, arrival, code, err, !link->request.tells);
    link->request.tells = false;
}

/* May this request come to this session? Its code, or 200. rows U9, 13-15, 21 */
static int sort_session(struct relay_wire *link, const struct msrp_head *head,
                        struct relay_talk **found, int64_t now_ms)
{
    struct relay_talk *talk =
        head->to.count == 1 ? relay_talk_named(link->endpoint, head->to.first) : NULL;
    *found = NULL;
    if (talk == NULL || talk->state == RELAY_TALK_LOGIN) {
        return 481;
    }
    if (talk->link != NULL && talk->link != link) {
        return 506;
    }
    struct msrp_str rest = msrp_str_of(talk->peer_path), uri, far = {0};
    while (msrp_path_next(&rest, &uri)) {
        far = uri;
    }
    if (far.n > 0 && !talk->takes_all && !msrp_uri_is_same_text(far, head->from.last)) {
        return 403;
    }
    *found = talk;
    if (talk->link == NULL) {
        talk->link = link;
        link->is_wanted = true;
        talk->state = RELAY_TALK_READY;
    }
    if (far.n == 0 || (talk->takes_all && !talk->is_active)) {
        relay_talk_meet(talk, head->from.text);
    }
    talk->tells_bound = talk->tells_bound || !talk->is_bound;
    talk->is_bound = true;
    talk->heard_ms = now_ms;
    return 200;
}

/* Finds or makes the message that a chunk belongs to. */
static int sort_chunk(struct relay_wire *link, const struct msrp_head *head,
                      const struct relay_talk *talk, int64_t now_ms)
{
    struct relay_endpoint *endpoint = link->endpoint;
    struct relay_incoming *request = &link->request;
    struct relay_arrivals *all = &endpoint->arrivals;
    struct relay_arrival *arrival = relay_arrivals_find(all, talk->peer, head->message_id);
    const struct relay_bygone *bygone = relay_arrivals_bygone(all, talk->peer, head->message_id);
    int code = 200;
    if (arrival == NULL && bygone != NULL) {
        request->dup_total = bygone->code == 200 ? bygone->total : MSRP_UNKNOWN;
        endpoint->counts.duplicates += head->has_body ? 1 : 0;
        return bygone->code; /* rows C10, 36, 37 */
    }
    if (arrival == NULL && !head->has_body) {
        return 200; /* traffic only: binding and keep-alive, row F6 */
    }
    if (arrival == NULL) {
        if (!relay_arrival_accepts(&endpoint->conf, head->content_type)) {
            return 415; /* rows C16, 25 */
        }
        arrival = relay_arrivals_add(all, talk->peer, head, endpoint->conf.max_size, &code);
        if (arrival == NULL) {
            return code;
        }
        request->tells = true;
    } else if (!relay_arrival_is_same(arrival, head)) {
        relay_ear_lose(endpoint, arrival, 400, RELAY_E_FLAGS_DIFFER, true);
        return 400; /* row 28 */
    } else {
        /* a message goes over one session at a time (row C17): a connection that died slowly must
         * not write at the place of the new one */
        request->tells = detach(endpoint, arrival, 400);
    }
    request->is_continued = arrival->session != 0 && arrival->session != talk->id;
    arrival->session = talk->id;
    arrival->touched_ms = now_ms;
    request->arrival = arrival->id;
    int err = msrp_join_begin(&arrival->join, head->has_range ? &head->range : NULL, now_ms);
    if (err == MSRP_E_JOIN_NO_RANGE) {
        request->arrival = 0;
        return 400; /* row 35 */
    }
    if (err != 0) {
        spoil(link, arrival, err);
        return request->code;
    }
    return 200;
}

/* The request is all zero before. */
static void copy(char *out, struct msrp_str text)
{
    if (text.n > 0) {
        memcpy(out, text.p, text.n);
    }
}

static void got_head(struct relay_wire *link, const struct msrp_head *head, int64_t now_ms)
{
    struct relay_incoming *request = &link->request;
    struct msrp_str to = msrp_head_answer_path(head);
    struct relay_talk *talk = NULL;
    memset(request, 0, sizeof(*request));
    request->head = *head;
    request->dup_total = MSRP_UNKNOWN;
    if (head->is_response) {
        got_response(link, head, now_ms);
        return;
    }
    if (head->method == MSRP_REPORT) {
        got_report(link, head);
        return;
    }
    if (head->tid.n > MSRP_IDENT_MAX || to.n > RELAY_ENDPOINT_PATH ||
        head->from.text.n > RELAY_ENDPOINT_PATH || head->message_id.n > MSRP_IDENT_MAX) {
        return;
    }
    copy(request->tid, head->tid);
    copy(request->to, to);
    copy(request->from, head->from.text);
    copy(request->message_id, head->message_id);
    if (head->err != 0) {
        request->code = relay_err_row(head->err)->status;
    } else if (head->method != MSRP_SEND) {
        request->code = 501; /* row 12 */
    } else {
        request->code = sort_session(link, head, &talk, now_ms);
        request->session = talk != NULL ? talk->id : 0;
        if (talk != NULL) {
            request->code = sort_chunk(link, head, talk, now_ms);
        }
    }
}

/* --- answers --- */

static void report(struct relay_wire *link, const char *own, uint64_t total)
{
    const struct relay_incoming *request = &link->request;
    const struct msrp_byte_range all = {1, total, total};
    char frame[3 * RELAY_ENDPOINT_PATH], tid[MSRP_IDENT_MADE + 1];
    struct msrp_writer w;
    if (!relay_wire_tid(link, tid)) {
        return;
    }
    msrp_writer_init(&w, frame, sizeof(frame));
    msrp_writer_request(&w, msrp_str_of(tid), "REPORT");
    msrp_writer_header(&w, "To-Path", msrp_str_of(request->from));
    msrp_writer_header(&w, "From-Path", msrp_str_of(own));
    msrp_writer_header(&w, "Message-ID", msrp_str_of(request->message_id));
    msrp_writer_range(&w, &all);
    msrp_writer_header(&w, "Status", MSRP_STR("000 200 OK"));
    msrp_writer_end(&w, msrp_str_of(tid), '$', false);
    ssize_t n = msrp_writer_done(&w);
    if (n < 0) {
        relay_wire_end(link, 0, (int)n, NULL);
    } else {
        (void)relay_wire_say(link, frame, (size_t)n, NULL);
    }
}

/* The answer behind the end-line, then the REPORT that is due (rows P2, P3, P8). */
static void answer(struct relay_wire *link, uint64_t complete)
{
    const struct relay_incoming *request = &link->request;
    const struct relay_talk *talk = relay_talk_find(link->endpoint, request->session);
    const char *own = talk != NULL ? talk->own : link->endpoint->base;
    char frame[2 * RELAY_ENDPOINT_PATH];
    if (request->code == 0) {
        return;
    }
    if (msrp_report_is_answered(&request->head, request->code)) {
        struct msrp_writer w;
        msrp_writer_init(&w, frame, sizeof(frame));
        msrp_writer_answer(&w, msrp_str_of(request->tid), msrp_str_of(request->to), request->code,
                           msrp_str_of(own), NULL, 0);
        ssize_t n = msrp_writer_done(&w);
        if (n < 0) {
            relay_wire_end(link, 0, (int)n, NULL);
        } else if (!relay_wire_say(link, frame, (size_t)n, NULL)) {
            return;
        }
    }
    if (complete != MSRP_UNKNOWN && request->code == 200 && talk != NULL &&
        talk->state != RELAY_TALK_FAILED && request->head.success_report == MSRP_YES) {
        report(link, own, complete);
    }
}

void relay_ear_settle(struct relay_wire *link)
{
    if (!link->owes_answer) {
        return;
    }
    link->owes_answer = false;
    struct relay_arrival *arrival = current(link);
    if (arrival == NULL) { /* disowned */
        answer(link, MSRP_UNKNOWN);
        return;
    }
    uint64_t total = arrival->join.total;
    link->endpoint->counts.received++;
    link->request.arrival = 0;
    relay_arrivals_end(&link->endpoint->arrivals, arrival, 200);
    answer(link, total);
}

/* --- the stream --- */

static void tell(const struct relay_wire *link, const struct relay_arrival *arrival,
                 enum relay_endpoint_event_kind kind, struct relay_endpoint_event *event)
{
    *event = (struct relay_endpoint_event){.kind = kind,
                                           .session = arrival->session,
                                           .id = arrival->id,
                                           .content_type = arrival->content_type,
                                           .total = arrival->join.total,
                                           .was_begun = link->request.is_continued};
    memcpy(event->message_id, arrival->message_id, sizeof(event->message_id));
}

/* The end-line. True with DONE. */
static bool got_end(struct relay_wire *link, char flag, int64_t now_ms,
                    struct relay_endpoint_event *event)
{
    struct relay_arrival *arrival = current(link);
    if (link->request.head.is_response || link->request.head.method == MSRP_REPORT) {
        return false;
    }
    if (arrival != NULL) {
        int err = msrp_join_end(&arrival->join, flag, now_ms);
        arrival->touched_ms = now_ms;
        if (err != 0) {
            spoil(link, arrival, err);
        } else if (msrp_join_is_complete(&arrival->join)) {
            tell(link, arrival, RELAY_ENDPOINT_DONE, event);
            link->owes_answer = true;
            return true;
        }
        link->request.arrival = 0;
    }
    answer(link, flag == '$' ? link->request.dup_total : MSRP_UNKNOWN);
    return false;
}

/* The next octets of the body. True with DATA. */
static bool give(struct relay_wire *link, int64_t now_ms, struct relay_endpoint_event *event)
{
    struct relay_arrival *arrival = current(link);
    struct msrp_piece piece;
    struct msrp_run run;
    if (arrival == NULL) {
        link->body.n = 0;
        return false;
    }
    int err = msrp_join_feed(&arrival->join, link->body.n, &piece);
    if (err != 0) {
        link->body.n = 0;
        spoil(link, arrival, err);
        return false;
    }
    while (msrp_join_take(&arrival->join, &run)) { /* the caller has it already */
    }
    arrival->touched_ms = now_ms;
    tell(link, arrival, RELAY_ENDPOINT_DATA, event);
    event->at = piece.from;
    event->data = link->body.p;
    event->n = piece.n;
    link->endpoint->counts.body_in += piece.n;
    link->body.p += piece.n;
    link->body.n -= piece.n;
    return true;
}

/* The stream broke: an answer where one is possible, then the end. row G4 */
static void broken(struct relay_wire *link, int err)
{
    const struct msrp_head *head = &link->reader.head;
    char frame[2 * RELAY_ENDPOINT_PATH];
    struct msrp_writer w;
    relay_carry_last(link);
    if (msrp_reader_is_answerable(&link->reader) && msrp_report_is_answered(head, 400)) {
        msrp_writer_init(&w, frame, sizeof(frame));
        msrp_response_write(&w, head, relay_err_row(err)->status, msrp_str_of(link->endpoint->base),
                            NULL, 0);
        ssize_t n = msrp_writer_done(&w);
        if (n > 0 && relay_octets_put(&link->out, frame, (size_t)n) != 0) {
            relay_octets_done(&link->out);
        }
    }
    relay_wire_end(link, 0, err, NULL);
}

bool relay_ear_take(struct relay_wire *link, int64_t now_ms, struct relay_endpoint_event *event)
{
    while (!link->is_dead) {
        struct msrp_event ev;
        if (link->request.tells) {
            struct relay_arrival *arrival = current(link);
            link->request.tells = false;
            tell(link, arrival, RELAY_ENDPOINT_MESSAGE, event);
            return true;
        }
        if (link->body.n > 0) {
            if (give(link, now_ms, event)) {
                return true;
            }
            if (link->endpoint->lost != 0) {
                return false; /* LOST is told before anything else */
            }
            continue;
        }
        ssize_t used =
            msrp_reader_next(&link->reader, link->in + link->in_at, link->in_n - link->in_at, &ev);
        if (used < 0) {
            broken(link, (int)used);
            return false;
        }
        bool got = false;
        link->in_at += (size_t)used;
        switch (ev.kind) {
        case MSRP_EV_HEAD:
            got_head(link, ev.head, now_ms);
            break;
        case MSRP_EV_BODY:
            link->body = link->request.arrival != 0 ? ev.body : (struct msrp_str){0};
            break;
        case MSRP_EV_END:
            got = got_end(link, ev.flag, now_ms, event);
            break;
        case MSRP_EV_MORE:
            return false;
        }
        if (got) {
            return true;
        }
        if (ev.kind != MSRP_EV_BODY) {
            return false; /* what it meant to sessions and parcels is told first */
        }
    }
    return false;
}
