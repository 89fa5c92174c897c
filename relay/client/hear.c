#include <stdio.h>
#include <string.h>

#include "relay/client/inside.h"
#include "relay/client/say.h"
#include "relay/err.h"

/* The answer to our AUTH. */
static void authorised(struct relay_client *client, const struct msrp_head *head, int64_t now_ms)
{
    client->auth_tid[0] = '\0';
    if (head->code != 200) {
        char text[256];
        relay_say_auth(text, sizeof(text), head);
        relay_client_end(client, (int)head->code, 0, text);
        return;
    }
    struct msrp_uri uri;
    if (msrp_uri_parse(&uri, head->use_path) != 0) {
        relay_client_end(client, 0, RELAY_E_SESSION, "the relay gave no usable Use-Path");
        return;
    }
    memcpy(client->use_path, head->use_path.p, head->use_path.n);
    client->use_path[head->use_path.n] = '\0';
    snprintf(client->to_path, sizeof(client->to_path), "%s %s", client->use_path, client->service);
    uint64_t expires = head->expires.has ? head->expires.value : 0;
    client->expires_s = expires < UINT32_MAX ? (uint32_t)expires : UINT32_MAX;
    /* renewed with a quarter of its life left */
    client->renew_ms = expires > 0 ? now_ms + (int64_t)client->expires_s * 750 : -1;
    client->owes_csk = client->conf.mdsi != NULL && client->csk == NULL;
    client->is_ready = !client->owes_csk;
}

static void got_response(struct relay_client *client, const struct msrp_head *head, int64_t now_ms)
{
    if (head->err != 0 || !msrp_uri_is_same_text(head->to.text, msrp_str_of(client->own))) {
        return; /* row 50 */
    }
    if (client->auth_tid[0] != '\0' && msrp_str_is(head->tid, client->auth_tid)) {
        authorised(client, head, now_ms);
        return;
    }
    struct relay_letter *letter = relay_outbox_answered(&client->box, head->tid, head->code);
    if (letter != NULL && head->code != 200) {
        char text[256];
        int warning = relay_say_refusal(text, sizeof(text), head, head->code);
        relay_outbox_refuse(&client->box, letter, (int)head->code, warning, 0, text);
    }
}

/* A REPORT tells that a message failed after all. Returns true with REFUSED when it was SENT
 * before; a letter under way is refused. rfc4975#7.1.2, rows P10, P11 */
static bool got_report(struct relay_client *client, const struct msrp_head *head,
                       struct relay_client_event *event)
{
    char text[256];
    if (head->err != 0 || !head->has_status || head->status.space != 0 ||
        head->status.code == 200 || !head->has_message_id) {
        return false;
    }
    int warning = relay_say_refusal(text, sizeof(text), head, head->status.code);
    for (struct relay_letter *letter = client->box.letters; letter != NULL; letter = letter->next) {
        if (msrp_str_is(head->message_id, letter->message_id)) {
            relay_outbox_refuse(&client->box, letter, (int)head->status.code, warning, 0, text);
            return false;
        }
    }
    for (size_t i = 0; i < RELAY_LATE_MAX; i++) {
        if (client->late[i].id != 0 && msrp_str_is(head->message_id, client->late[i].message_id)) {
            *event = (struct relay_client_event){.kind = RELAY_CLIENT_REFUSED,
                                                 .id = client->late[i].id,
                                                 .status = (int)head->status.code,
                                                 .warning = warning};
            relay_say(event->text, sizeof(event->text), "%s", text);
            client->late[i].id = 0;
            client->counts.refused++;
            return true;
        }
    }
    return false;
}

/* Finds or makes the message that a chunk belongs to. Returns the answer that its head alone
 * earns: 200 so far, or the refusal. */
static int sort_chunk(struct relay_client *client, const struct msrp_head *head, int64_t now_ms)
{
    struct relay_heard *request = &client->request;
    struct msrp_media media;
    char boundary[MSRP_BOUNDARY_MAX + 1];
    if (head->to.count != 1 || !msrp_uri_is_same_text(head->to.first, msrp_str_of(client->own))) {
        return 481; /* row U9 */
    }
    struct relay_inbox *inbox = client->inboxes;
    while (inbox != NULL && !msrp_str_is(head->message_id, inbox->message_id)) {
        inbox = inbox->next;
    }
    if (inbox == NULL && !head->has_body) {
        return 200; /* traffic only: the relay's keep-alive (profile section 2.9) */
    }
    /* the service and nobody else writes to us; who the sender is, its info will say */
    if (head->from.count != 2 ||
        !msrp_uri_is_same_text(head->from.first, msrp_str_of(client->use_path)) ||
        !msrp_uri_is_same_text(head->from.last, msrp_str_of(client->service))) {
        return 403; /* row 21 */
    }
    if (inbox == NULL) {
        if (msrp_mime_parse_type(&media, head->content_type) != 0 ||
            !msrp_mime_is(&media, "multipart", "mixed")) {
            return 415; /* row 25 */
        }
        if (msrp_mime_boundary(&media, boundary) < 0) {
            return 400; /* row 24 */
        }
        inbox = client->inboxes_n < RELAY_CLIENT_OPEN_MAX
                    ? relay_inbox_new(client->next_in + 1, head->message_id, msrp_str_of(boundary))
                    : NULL;
        if (inbox == NULL) {
            return 413; /* row 38 */
        }
        client->next_in++;
        client->inboxes_n++;
        inbox->next = client->inboxes;
        client->inboxes = inbox;
    }
    request->inbox = inbox;
    relay_inbox_begin(inbox, head->has_range ? &head->range : NULL, now_ms);
    return 200;
}

static bool got_head(struct relay_client *client, const struct msrp_head *head, int64_t now_ms,
                     struct relay_client_event *event)
{
    struct relay_heard *request = &client->request;
    struct msrp_str to = msrp_head_answer_path(head);
    *request = (struct relay_heard){.head = *head};
    if (head->is_response) {
        got_response(client, head, now_ms);
        return false;
    }
    if (head->method == MSRP_REPORT) {
        return got_report(client, head, event);
    }
    if (head->tid.n > MSRP_IDENT_MAX || to.n > MSRP_URI_MAX) {
        return false; /* a request that is no SEND, over a path: nothing we owe an answer */
    }
    memcpy(request->tid, head->tid.p, head->tid.n);
    memcpy(request->to, to.p, to.n);
    if (head->err != 0) {
        request->code = relay_err_row(head->err)->status;
    } else if (head->method != MSRP_SEND) {
        request->code = 501; /* row 12 */
    } else {
        request->code = sort_chunk(client, head, now_ms);
    }
    return false;
}

/* The answer behind the end-line. A message that only we cannot use is still a delivered one: 200.
 */
static void answer(struct relay_client *client, char flag, int64_t now_ms)
{
    struct relay_heard *request = &client->request;
    char frame[2048];
    int code = request->code;
    if (request->inbox != NULL) {
        relay_inbox_end(request->inbox, flag, now_ms);
        int err = request->inbox->err;
        bool theirs = err <= -5000 && err > -6000 && err != MSRP_E_JOIN_ABORTED;
        if (flag != '#' && (theirs || err == RELAY_E_NOMEM)) {
            code = relay_err_row(err)->status;
        }
        request->inbox = NULL;
    }
    if (code == 0 || !msrp_report_is_answered(&request->head, code)) {
        return;
    }
    struct msrp_writer w;
    msrp_writer_init(&w, frame, sizeof(frame));
    msrp_writer_answer(&w, msrp_str_of(request->tid), msrp_str_of(request->to), code,
                       msrp_str_of(client->own), NULL, 0);
    long n = msrp_writer_done(&w);
    if (n < 0 || relay_octets_put(&client->box.control, frame, (size_t)n) != 0) {
        relay_client_end(client, 0, RELAY_E_NOMEM, NULL);
    }
}

bool relay_hear_next(struct relay_client *client, int64_t now_ms, struct relay_client_event *event,
                     bool *got)
{
    struct msrp_event ev;
    ssize_t used = msrp_reader_next(&client->reader, client->in + client->in_at,
                                    client->in_n - client->in_at, &ev);
    if (used < 0) {
        relay_client_end(client, 0, (int)used, NULL);
        return true;
    }
    switch (ev.kind) {
    case MSRP_EV_HEAD:
        *got = got_head(client, ev.head, now_ms, event);
        break;
    case MSRP_EV_BODY:
        client->body = client->request.inbox != NULL ? ev.body : (struct msrp_str){0};
        break;
    case MSRP_EV_END:
        if (!client->request.head.is_response && client->request.head.method != MSRP_REPORT) {
            answer(client, ev.flag, now_ms);
        }
        break;
    case MSRP_EV_MORE:
        break;
    }
    client->in_at += (size_t)used;
    return ev.kind != MSRP_EV_MORE;
}
