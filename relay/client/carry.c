/* carry.c - what a link sends: whole frames first, then parcels as few large chunks. rows C4-C8 */
#include <string.h>

#include "relay/client/ends.h"
#include "relay/err.h"

enum {
    AHEAD = 48 * 1024, /* octets made ahead of the wire */
    SLICE = 16 * 1024, /* octets read from a source at a time */
    SHARE = 32 * 1024, /* a chunk of a large message goes so far before it yields to another */
    CHUNKS = 4,        /* a window holds so many: their 200s keep it moving */
    HEAD_MAX = 3 * RELAY_ENDPOINT_PATH,
    TIDS = 1 + MSRP_CHUNK_STEP / (7 + MSRP_IDENT_MADE),
};

struct relay_parcel *relay_parcel_find(const struct relay_endpoint *endpoint, uint64_t id)
{
    struct relay_parcel *parcel = endpoint->parcels;
    while (parcel != NULL && parcel->id != id) {
        parcel = parcel->next;
    }
    return parcel;
}

void relay_carry_refuse(struct relay_parcel *parcel, const struct relay_wire *link, int status,
                        int err, const char *text)
{
    bool open = parcel->state == RELAY_PARCEL_OPEN;
    relay_parcel_refuse(parcel, status, err, text);
    parcel->owes_abort = open && link != NULL && link->open != parcel && parcel->is_begun &&
                         parcel->split.sent < parcel->conf.size;
    parcel->report_ms = -1;
}

static int put(struct relay_wire *link, const void *p, size_t n)
{
    int rc = relay_octets_put(&link->out, p, n);
    link->made += rc == 0 ? n : 0;
    return rc;
}

/* The talk of a parcel, when it may be sent on this link now. */
static struct relay_talk *talk_of(const struct relay_wire *link, const struct relay_parcel *parcel)
{
    struct relay_talk *talk = relay_talk_find(link->endpoint, parcel->session);
    return talk != NULL && talk->link == link && talk->state == RELAY_TALK_READY &&
                   talk->to_path[0] != '\0'
               ? talk
               : NULL;
}

static uint64_t window_of(const struct relay_wire *link)
{
    uint64_t window = link->endpoint->conf.window;
    return window != 0 ? window : RELAY_ENDPOINT_WINDOW;
}

/* Does it want to be sent now? Few octets need no window. */
static bool is_ready(const struct relay_wire *link, struct relay_parcel *parcel)
{
    uint64_t most;
    if (parcel == link->open || talk_of(link, parcel) == NULL) {
        return false;
    }
    if (link->asked_n >= RELAY_ASKED_MAX - RELAY_ASKED_SPARE &&
        relay_parcel_is_answered_for(parcel)) {
        return parcel->owes_abort;
    }
    return parcel->owes_abort ||
           (relay_parcel_wants(parcel, &most) &&
            (link->unanswered + MSRP_CHUNK_STEP <= window_of(link) || most == 0));
}

/* Which parcel next: of another session than the last one before those of the same, and of those a
 * small one before a large one, so that a word need not wait for a file. row C7 */
static struct relay_parcel *next_parcel(const struct relay_wire *link)
{
    struct relay_parcel *best = NULL;
    unsigned best_rank = 0;
    for (struct relay_parcel *parcel = link->endpoint->parcels; parcel != NULL;
         parcel = parcel->next) {
        unsigned rank = 1U + (parcel->session != link->last_session ? 2U : 0U) +
                        (parcel->owes_abort || parcel->conf.size <= SLICE ? 1U : 0U);
        if (rank > best_rank && is_ready(link, parcel)) {
            best = parcel;
            best_rank = rank;
        }
    }
    return best;
}

static int put_head(struct relay_wire *link, const struct relay_talk *talk,
                    const struct relay_parcel *parcel, const struct msrp_byte_range *range,
                    bool has_body)
{
    static const char *const asked[] = {
        [MSRP_ABSENT] = NULL, [MSRP_YES] = "yes", [MSRP_NO] = "no", [MSRP_PARTIAL] = "partial"};
    const char *failure = asked[parcel->conf.failure];
    char head[HEAD_MAX];
    struct msrp_writer w;
    msrp_writer_init(&w, head, sizeof(head));
    msrp_writer_request(&w, msrp_str_of(link->mark.tid), "SEND");
    msrp_writer_header(&w, "To-Path", msrp_str_of(talk->to_path));
    msrp_writer_header(&w, "From-Path", msrp_str_of(talk->own));
    msrp_writer_header(&w, "Message-ID", msrp_str_of(parcel->message_id));
    if (parcel->conf.wants_success) {
        msrp_writer_header(&w, "Success-Report", MSRP_STR("yes"));
    }
    if (failure != NULL) {
        msrp_writer_header(&w, "Failure-Report", msrp_str_of(failure));
    }
    msrp_writer_range(&w, range);
    if (has_body) {
        msrp_writer_header(&w, "Content-Type", msrp_str_of(parcel->content_type));
        msrp_writer_blank(&w);
    }
    ssize_t n = msrp_writer_done(&w);
    return n < 0 ? (int)n : put(link, head, (size_t)n);
}

static int put_end(struct relay_wire *link, char flag, bool has_body)
{
    char line[MSRP_END_MAX];
    struct msrp_writer w;
    msrp_writer_init(&w, line, sizeof(line));
    msrp_writer_end(&w, msrp_str_of(link->mark.tid), flag, has_body);
    ssize_t n = msrp_writer_done(&w);
    return n < 0 ? (int)n : put(link, line, (size_t)n);
}

/* The end-line of a chunk, and the wait for its answer. */
static int put_last(struct relay_wire *link, struct relay_parcel *parcel, char flag, bool has_body)
{
    struct relay_asked asked = {
        .kind = RELAY_ASKED_CHUNK,
        .session = parcel->session,
        .parcel = parcel->id,
        .from = link->chunk_from,
        .to = link->chunk_from + link->written,
        .is_timed = relay_parcel_is_answered_for(parcel),
    };
    int rc = put_end(link, flag, has_body);
    if (rc != 0) {
        return rc;
    }
    asked.end = link->made;
    memcpy(asked.tid, link->mark.tid, sizeof(asked.tid));
    link->unanswered += asked.is_timed ? link->written : 0;
    parcel->waiting++;
    return relay_wire_ask(link, &asked);
}

/* Reads n octets that stand at `at`. False: the source has failed, the parcel is refused. */
static bool read_source(struct relay_parcel *parcel, uint64_t at, char *p, size_t n)
{
    if (parcel->conf.data != NULL) {
        memcpy(p, (const char *)parcel->conf.data + at, n);
        return true;
    }
    for (size_t got = 0; got < n;) {
        ssize_t more = parcel->conf.read != NULL
                           ? parcel->conf.read(parcel->conf.ctx, at + got, p + got, n - got)
                           : -1;
        if (more <= 0 || (size_t)more > n - got) {
            relay_parcel_refuse(parcel, 0, RELAY_E_IO, "the data cannot be read to their end");
            return false;
        }
        got += (size_t)more;
    }
    return true;
}

/* An id that is not in these octets. So few of them cannot hold as many end-lines as we try,
 * whoever has written them. */
static int pick_tid(struct relay_wire *link, const char *body, size_t n)
{
    struct relay_client_random *random = &link->endpoint->random;
    struct msrp_str span = {body, n};
    int rc = MSRP_E_TID_TAKEN;
    link->mark.carry_n = 0;
    for (int i = 0; i < TIDS && rc == MSRP_E_TID_TAKEN; i++) {
        uint8_t rnd[16];
        if (random->fill(random->ctx, rnd, sizeof(rnd)) < 0) {
            return RELAY_E_RANDOM;
        }
        rc = msrp_tid_pick(link->mark.tid, rnd, 1, &span, 1);
    }
    return rc;
}

/* A chunk of at most 2048 octets has a numeric end and no '*' to be cut at: its id is absent from
 * its whole body. row F8 */
static int put_small(struct relay_wire *link, const struct relay_talk *talk,
                     struct relay_parcel *parcel, const struct msrp_chunk *chunk)
{
    char body[MSRP_CHUNK_STEP], flag = '$';
    size_t n = (size_t)chunk->octets;
    if (!read_source(parcel, chunk->from, body, n)) {
        (void)msrp_split_abort(&parcel->split, NULL);
        parcel->owes_abort = parcel->is_begun;
        return 0;
    }
    int rc = pick_tid(link, body, n);
    link->written = n;
    parcel->is_empty_out = true;
    parcel->is_begun = true;
    rc = rc != 0 ? rc : put_head(link, talk, parcel, &chunk->range, true);
    rc = rc != 0 ? rc : put(link, body, n);
    rc = rc != 0 ? rc : msrp_split_close(&parcel->split, n, &flag);
    link->endpoint->counts.body_out += n;
    return rc != 0 ? rc : put_last(link, parcel, flag, true);
}

static int put_abort(struct relay_wire *link, const struct relay_talk *talk,
                     struct relay_parcel *parcel)
{
    struct msrp_chunk chunk;
    parcel->owes_abort = false;
    msrp_split_abort(&parcel->split, &chunk);
    int rc = pick_tid(link, NULL, 0);
    rc = rc != 0 ? rc : put_head(link, talk, parcel, &chunk.range, false);
    return rc != 0 ? rc : put_end(link, '#', false);
}

static int open_chunk(struct relay_wire *link, struct relay_parcel *parcel)
{
    struct relay_talk *talk = talk_of(link, parcel);
    struct msrp_chunk chunk;
    uint64_t most, room = window_of(link) / CHUNKS;
    link->last_session = parcel->session;
    if (parcel->owes_abort) {
        return put_abort(link, talk, parcel);
    }
    (void)relay_parcel_wants(parcel, &most);
    if (relay_parcel_is_answered_for(parcel)) {
        uint64_t left = window_of(link) > link->unanswered ? window_of(link) - link->unanswered : 0;
        room = room < left ? room : left;
    }
    uint64_t chunk_max = link->endpoint->conf.chunk;
    room = chunk_max > 0 && chunk_max < room ? chunk_max : room;
    room = room > MSRP_CHUNK_STEP ? room : MSRP_CHUNK_STEP;
    msrp_split_open(&parcel->split, &chunk, most < room ? most : room);
    link->chunk_from = chunk.from;
    link->written = 0;
    if (chunk.octets <= MSRP_CHUNK_STEP) {
        return put_small(link, talk, parcel, &chunk);
    }
    int rc = pick_tid(link, NULL, 0);
    link->open = parcel;
    link->open_session = parcel->session;
    link->most = chunk.octets;
    parcel->is_begun = true;
    return rc != 0 ? rc : put_head(link, talk, parcel, &chunk.range, true);
}

/* The session of the open chunk has gone, or the parcel is in another one now: the chunk ends
 * here and nobody waits for its answer; `+`, so that the far side keeps what it has. */
static bool is_stray(const struct relay_wire *link)
{
    return link->open->session != link->open_session || talk_of(link, link->open) == NULL;
}

static int close_chunk(struct relay_wire *link)
{
    struct relay_parcel *parcel = link->open;
    char flag;
    bool stray = is_stray(link);
    link->open = NULL;
    if (stray) {
        return put_end(link, '+', true);
    }
    if (parcel->state == RELAY_PARCEL_REFUSED) { /* rows C14, C15 */
        (void)msrp_split_abort(&parcel->split, NULL);
        return put_end(link, '#', true);
    }
    int rc = msrp_split_close(&parcel->split, link->written, &flag);
    return rc != 0 ? rc : put_last(link, parcel, flag, true);
}

static int put_body(struct relay_wire *link)
{
    struct relay_parcel *parcel = link->open;
    uint64_t left = link->most - link->written;
    size_t n = left < SLICE ? (size_t)left : SLICE;
    int rc = relay_octets_reserve(&link->out, n);
    if (rc != 0) {
        return rc;
    }
    char *p = link->out.p + link->out.n;
    if (!read_source(parcel, link->chunk_from + link->written, p, n)) {
        return close_chunk(link);
    }
    size_t clear = relay_mark_clear(&link->mark, p, n);
    relay_mark_passed(&link->mark, p, clear);
    link->out.n += clear;
    link->made += clear;
    link->written += clear;
    link->endpoint->counts.body_out += clear;
    return clear < n || link->written == link->most ? close_chunk(link) : 0;
}

/* Has the open chunk to make room? For a whole frame from 2048 octets on, for another message when
 * it had its share, or a small one waits. */
static bool must_yield(const struct relay_wire *link)
{
    if (link->open->state == RELAY_PARCEL_REFUSED || is_stray(link)) {
        return true;
    }
    if (!msrp_split_may_cut(&link->open->split, link->written)) {
        return false;
    }
    if (relay_octets_left(&link->control) > 0) {
        return true;
    }
    struct relay_parcel *other = next_parcel(link);
    return other != NULL && (other->session != link->open_session || other->conf.size <= SLICE) &&
           (other->conf.size <= SLICE || link->written >= SHARE);
}

static int put_control(struct relay_wire *link)
{
    size_t n = relay_octets_left(&link->control);
    int rc = n > 0 ? put(link, link->control.p + link->control.at, n) : 0;
    relay_octets_eat(&link->control, n);
    return rc;
}

void relay_carry_last(struct relay_wire *link)
{
    int rc = link->open != NULL ? close_chunk(link) : 0;
    rc = rc != 0 ? rc : put_control(link);
    if (rc != 0) {
        relay_octets_done(&link->out);
    }
}

void relay_carry_pump(struct relay_wire *link)
{
    int rc = 0;
    for (struct relay_talk *talk = link->endpoint->sessions; talk != NULL; talk = talk->next) {
        if (talk->link == link && talk->owes_binding) {
            talk->owes_binding = false;
            relay_carry_ping(talk);
        }
    }
    while (rc == 0 && !link->is_dead && relay_octets_left(&link->out) < AHEAD) {
        size_t control = relay_octets_left(&link->control);
        if (link->open != NULL) {
            rc = must_yield(link) ? close_chunk(link) : put_body(link);
        } else if (control > 0) {
            rc = put_control(link);
        } else {
            struct relay_parcel *parcel = next_parcel(link);
            if (parcel == NULL) {
                break;
            }
            rc = open_chunk(link, parcel);
        }
    }
    if (rc != 0) {
        relay_wire_end(link, 0, rc, NULL);
    }
}

/* rfc4975#5.4, #7.1: no body, no Content-Type; rows S9, C11 */
void relay_carry_ping(struct relay_talk *talk)
{
    struct relay_asked asked = {.kind = RELAY_ASKED_BINDING, .session = talk->id, .is_timed = true};
    const struct msrp_byte_range none = {1, 0, 0};
    char frame[HEAD_MAX], id[MSRP_IDENT_MADE + 1];
    struct msrp_writer w;
    if (!relay_wire_tid(talk->link, asked.tid) || !relay_wire_tid(talk->link, id)) {
        return;
    }
    msrp_writer_init(&w, frame, sizeof(frame));
    msrp_writer_request(&w, msrp_str_of(asked.tid), "SEND");
    msrp_writer_header(&w, "To-Path", msrp_str_of(talk->to_path));
    msrp_writer_header(&w, "From-Path", msrp_str_of(talk->own));
    msrp_writer_header(&w, "Message-ID", msrp_str_of(id));
    msrp_writer_range(&w, &none);
    msrp_writer_end(&w, msrp_str_of(asked.tid), '$', false);
    ssize_t n = msrp_writer_done(&w);
    if (n < 0) {
        relay_wire_end(talk->link, 0, (int)n, NULL);
    } else {
        (void)relay_wire_say(talk->link, frame, (size_t)n, &asked);
    }
}
