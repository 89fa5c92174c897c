#include "relay/core/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/core/sds.h"

/* Copies text into a field of an event, cut to its size. */
static void copy_text(char *out, size_t cap, struct msrp_str text)
{
    size_t n = text.n < cap - 1 ? text.n : cap - 1;

    if (n)
        memcpy(out, text.p, n);
    out[n] = '\0';
}

static bool grow_events(struct relay *relay)
{
    unsigned cap = relay->events_cap ? relay->events_cap * 2 : 16;
    struct relay_event *events;

    if (relay->events_cap >= RELAY_EVENTS_MAX || !(events = malloc(cap * sizeof *events)))
        return false;
    for (unsigned i = 0; i < relay->events_n; i++)
        events[i] = relay->events[(relay->events_at + i) % relay->events_cap];
    free(relay->events);
    relay->events = events;
    relay->events_at = 0;
    relay->events_cap = cap;
    return true;
}

void relay_emit(struct relay *relay, const struct relay_conn *conn, struct relay_event *event)
{
    if (conn) {
        const struct relay_chunk *chunk = &conn->chunk;
        event->conn = conn->id;
        copy_text(event->source, sizeof event->source, msrp_str_of(conn->source));
        const char *user = !conn->user && chunk->session ? chunk->session->user : conn->user;
        copy_text(event->user, sizeof event->user, msrp_str_of(user));
        if (chunk->head_slab)
            copy_text(event->tid, sizeof event->tid, chunk->head.tid);
        if (!event->session && chunk->session)
            event->session = chunk->session->hash;
        else if (!event->session && conn->sessions)
            event->session = conn->sessions->hash;
    }
    if (relay->events_n == relay->events_cap && !grow_events(relay)) {
        relay->counts.events_lost++;
        return;
    }
    relay->events[(relay->events_at + relay->events_n++) % relay->events_cap] = *event;
}

void relay_refuse_event(struct relay *relay, const struct relay_conn *conn,
                        struct relay_event *event)
{
    const struct relay_err_row *row = relay_err_row(event->err);
    size_t i = 0;

    while (relay_err_at(i) && relay_err_at(i) != row)
        i++;
    relay->refused[i]++; /* the place past the last is the unknown error's */
    event->kind = RELAY_EVENT_REFUSED;
    relay_emit(relay, conn, event);
}

void relay_refuse(struct relay *relay, const struct relay_conn *conn, int err, int status,
                  struct msrp_str target, uint64_t bytes)
{
    struct relay_event event = {.err = err, .status = status, .bytes = bytes};

    copy_text(event.target, sizeof event.target, target);
    relay_refuse_event(relay, conn, &event);
}

struct msrp_str relay_own_uri(const struct relay *relay, const struct msrp_head *head)
{
    return relay_first_is_ours(relay, head) ? head->to.first : msrp_str_of(relay->own_text);
}

/* `Warning: 399 NAME "CODE TEXT"`, when the refusal has one. Legal as an extension header. */
static bool write_warning(const struct relay *relay, int err, char *out, size_t cap)
{
    const char *text = NULL;
    int code = err ? relay_warning_of(err, &text) : 0;

    if (!code)
        return false;
    int n = snprintf(out, cap, "399 %s \"%d %s\"", relay->conf.name, code, text);
    return n > 0 && (size_t)n < cap;
}

char *relay_control_room(struct relay_conn *conn, size_t cap)
{
    if (conn->out.bytes > conn->relay->conf.out_hard)
        conn->out.failed = true;
    return relay_out_room(&conn->out, &conn->relay->slabs, cap);
}

void relay_control_add(struct relay_conn *conn, long n)
{
    if (n <= 0)
        conn->out.failed = true; /* the room was too small: never on the wire in part */
    else
        relay_out_add(&conn->out, (size_t)n);
    relay_conn_wants_write(conn);
}

/* Remembers the request as unanswered until the octets queued now have left (row 4). */
static void note_live(struct relay_conn *conn, struct msrp_str tid)
{
    struct relay_live *live = &conn->live[conn->live_at++ % RELAY_LIVE_MAX];

    *live = (struct relay_live){relay_hash_of(&conn->relay->key, tid.p, tid.n), conn->out.queued};
}

void relay_answer(struct relay_conn *conn, int code, int err, const struct msrp_field *fields,
                  size_t fields_n)
{
    relay_answer_head(conn, &conn->chunk.head, code, err, fields, fields_n);
}

void relay_answer_head(struct relay_conn *conn, const struct msrp_head *head, int code, int err,
                       const struct msrp_field *fields, size_t fields_n)
{
    struct relay *relay = conn->relay;
    char warning[512];
    struct msrp_field all[4];
    size_t n = 0, cap = 256;

    if (code == 200)
        conn->good = true;
    if (!msrp_report_is_answered(head, code))
        return;
    for (; n < fields_n && n < 3; n++)
        all[n] = fields[n];
    if (write_warning(relay, err, warning, sizeof warning))
        all[n++] = (struct msrp_field){"Warning", msrp_str_of(warning)};
    for (size_t i = 0; i < n; i++)
        cap += strlen(all[i].name) + all[i].value.n + 4;

    struct msrp_str own = relay_own_uri(relay, head);
    cap += msrp_head_answer_path(head).n + own.n;
    char *room = relay_control_room(conn, cap);
    struct msrp_writer w;
    if (!room)
        return;
    msrp_writer_init(&w, room, cap);
    msrp_response_write(&w, head, code, own, all, n);
    relay_control_add(conn, msrp_writer_done(&w));
    relay->counts.answers[code]++;
    note_live(conn, head->tid);
}

void relay_answer_refused(struct relay_conn *conn, int err, const struct msrp_field *fields,
                          size_t fields_n)
{
    int status = conn->chunk.status ? conn->chunk.status : relay_err_row(err)->status;

    relay_refuse(conn->relay, conn, err, status, msrp_str_of(conn->chunk.target), conn->chunk.body);
    if (status)
        relay_answer(conn, status, err, fields, fields_n);
}

void relay_conn_report(struct relay_conn *conn, const struct relay_report *report)
{
    struct relay *relay = conn->relay;
    uint8_t rnd[16];
    char tid[MSRP_IDENT_MADE + 1], status[64], warning[512];
    size_t cap = report->to_path.n + report->from_uri.n + report->message_id.n + 1024;
    struct msrp_byte_range range = {report->start, report->end, report->total};
    struct msrp_writer w;

    if (conn->closing || relay_random_fill(relay, rnd, sizeof rnd) < 0)
        return;
    char *room = relay_control_room(conn, cap);
    if (!room)
        return;
    msrp_tid_make(tid, rnd);
    msrp_writer_init(&w, room, cap);
    msrp_writer_request(&w, msrp_str_of(tid), "REPORT");
    msrp_writer_header(&w, "To-Path", report->to_path);
    msrp_writer_header(&w, "From-Path", report->from_uri);
    msrp_writer_header(&w, "Message-ID", report->message_id);
    msrp_writer_range(&w, &range);
    /* rfc4975#7.1.2: namespace 000, then the code with its fixed text */
    const char *text = msrp_code_text(report->status);
    snprintf(status, sizeof status, "000 %03d%s%s", report->status, *text ? " " : "", text);
    msrp_writer_header(&w, "Status", msrp_str_of(status));
    if (write_warning(relay, report->err, warning, sizeof warning))
        msrp_writer_header(&w, "Warning", msrp_str_of(warning));
    msrp_writer_end(&w, msrp_str_of(tid), '$', false);
    relay_control_add(conn, msrp_writer_done(&w));
}
