#include "relay/client/outbox.h"

#include <stdlib.h>
#include <string.h>

#include "relay/err.h"

enum { HEAD_MAX = 2048, SLICE = 16 * 1024 };

void relay_outbox_done(struct relay_outbox *box)
{
    while (box->letters != NULL) {
        struct relay_letter *letter = box->letters;
        box->letters = letter->next;
        relay_letter_free(letter);
    }
    relay_octets_done(&box->out);
    relay_octets_done(&box->control);
}

void relay_outbox_add(struct relay_outbox *box, struct relay_letter *letter)
{
    struct relay_letter **at = &box->letters;
    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = letter;
}

struct relay_letter *relay_outbox_ended(struct relay_outbox *box)
{
    for (struct relay_letter *letter = box->letters; letter != NULL; letter = letter->next) {
        if (letter->state != RELAY_LETTER_OPEN && !letter->is_told) {
            letter->is_told = true;
            return letter;
        }
    }
    return NULL;
}

void relay_outbox_sweep(struct relay_outbox *box)
{
    struct relay_letter **at = &box->letters;
    while (*at != NULL) {
        struct relay_letter *letter = *at;
        if (letter->is_told && letter != box->open && !letter->owes_abort) {
            *at = letter->next;
            relay_letter_free(letter);
        } else {
            at = &letter->next;
        }
    }
}

/* Which letter next: what fits one chunk goes before what does not, so that a disposition need not
 * wait for a file; else the order in which they were added. row C7 */
static struct relay_letter *next_letter(const struct relay_outbox *box)
{
    struct relay_letter *large = NULL;
    for (struct relay_letter *letter = box->letters; letter != NULL; letter = letter->next) {
        bool ready = letter->state == RELAY_LETTER_OPEN && !msrp_split_is_done(&letter->split);
        if (letter->owes_abort || (ready && !letter->is_many)) {
            return letter;
        }
        if (ready && large == NULL) {
            large = letter;
        }
    }
    return large;
}

static int put(struct relay_outbox *box, const void *p, size_t n)
{
    int rc = relay_octets_put(&box->out, p, n);
    box->made += rc == 0 ? n : 0;
    return rc;
}

/* The head of a chunk. */
static int put_head(struct relay_outbox *box, const struct relay_letter *letter,
                    const struct relay_outbox_route *route, const struct msrp_byte_range *range,
                    bool has_body)
{
    char head[HEAD_MAX], type[80];
    struct msrp_writer w;
    msrp_writer_init(&w, type, sizeof(type));
    msrp_writer_text(&w, letter->is_upload ? "application/mikey" : "multipart/mixed;boundary=");
    msrp_writer_text(&w, letter->is_upload ? "" : letter->boundary);
    struct msrp_str content_type = {type, w.n};

    msrp_writer_init(&w, head, sizeof(head));
    msrp_writer_request(&w, msrp_str_of(box->mark.tid), "SEND");
    msrp_writer_header(&w, "To-Path", msrp_str_of(route->to_path));
    msrp_writer_header(&w, "From-Path", msrp_str_of(route->from));
    msrp_writer_header(&w, "Message-ID", msrp_str_of(letter->message_id));
    msrp_writer_range(&w, range);
    if (has_body) {
        msrp_writer_header(&w, "Content-Type", content_type);
        msrp_writer_blank(&w);
    }
    long n = msrp_writer_done(&w);
    return n < 0 ? (int)n : put(box, head, (size_t)n);
}

/* The end-line, and the wait for its answer (Failure-Report is absent: yes). */
static int put_end(struct relay_outbox *box, struct relay_letter *letter, char flag, bool has_body)
{
    char line[MSRP_END_MAX];
    struct msrp_writer w;
    msrp_writer_init(&w, line, sizeof(line));
    msrp_writer_end(&w, msrp_str_of(box->mark.tid), flag, has_body);
    long n = msrp_writer_done(&w);
    int rc = n < 0 ? (int)n : put(box, line, (size_t)n);
    if (rc != 0) {
        return rc;
    }
    if (letter->chunks_n == letter->chunks_cap) {
        size_t cap = letter->chunks_cap > 0 ? 2 * letter->chunks_cap : 4;
        void *more = realloc(letter->chunks, cap * sizeof(*letter->chunks));
        if (more == NULL) {
            return RELAY_E_NOMEM;
        }
        letter->chunks = more;
        letter->chunks_cap = cap;
    }
    struct relay_letter_chunk *chunk = &letter->chunks[letter->chunks_n++];
    *chunk = (struct relay_letter_chunk){.end = box->made, .sent_ms = -1};
    memcpy(chunk->tid, box->mark.tid, sizeof(chunk->tid));
    return 0;
}

/* An id that is absent from what is known of the body; of a small letter that is all of it, and its
 * chunk has no '*' to be cut at. row F8 */
static int make_tid(struct relay_outbox *box, const struct relay_letter *letter,
                    const struct relay_client_random *random)
{
    uint8_t rnd[4 * 16];
    struct msrp_str body = {letter->head.p + letter->head.at, relay_octets_left(&letter->head)};
    if (random->fill(random->ctx, rnd, sizeof(rnd)) < 0) {
        return RELAY_E_RANDOM;
    }
    box->mark.carry_n = 0;
    return msrp_tid_pick(box->mark.tid, rnd, 4, &body, 1);
}

static int open_chunk(struct relay_outbox *box, struct relay_letter *letter,
                      const struct relay_client_random *random,
                      const struct relay_outbox_route *route)
{
    struct msrp_chunk chunk;
    int rc = make_tid(box, letter, random);
    if (rc != 0) {
        return rc;
    }
    if (letter->owes_abort) {
        letter->owes_abort = false;
        msrp_split_abort(&letter->split, &chunk);
        rc = put_head(box, letter, route, &chunk.range, false);
        return rc != 0 ? rc : put_end(box, letter, '#', false);
    }
    /* the first chunk of a large letter is its label and little more: the relay decides on it, and
     * its refusal is heard before the rest is on its way */
    uint64_t most = RELAY_OUTBOX_CHUNK;
    if (letter->is_many && letter->split.sent == 0) {
        most = letter->label_n + MSRP_CHUNK_STEP;
    }
    msrp_split_open(&letter->split, &chunk, most);
    rc = put_head(box, letter, route, &chunk.range, true);
    box->open = letter;
    box->written = 0;
    box->most = chunk.octets;
    return rc;
}

static int close_chunk(struct relay_outbox *box)
{
    struct relay_letter *letter = box->open;
    char flag;
    box->open = NULL;
    if (letter->state == RELAY_LETTER_REFUSED) { /* row C14, C15 */
        flag = msrp_split_abort(&letter->split, NULL);
    } else {
        int rc = msrp_split_close(&letter->split, box->written, &flag);
        if (rc != 0) {
            return rc;
        }
    }
    return put_end(box, letter, flag, true);
}

static int put_body(struct relay_outbox *box, const struct relay_client_random *random)
{
    const char *p;
    struct relay_letter *letter = box->open;
    uint64_t pulled = letter->pulled;
    ssize_t got = relay_letter_peek(letter, random, &p);
    box->pulled += letter->pulled - pulled;
    if (got <= 0) {
        relay_letter_refuse(letter, 0, 0, got < 0 ? (int)got : RELAY_E_IO, NULL);
        return close_chunk(box);
    }
    size_t n = (size_t)got < SLICE ? (size_t)got : SLICE;
    if (n > box->most - box->written) {
        n = (size_t)(box->most - box->written);
    }
    size_t clear = relay_mark_clear(&box->mark, p, n);
    int rc = put(box, p, clear);
    if (rc != 0) {
        return rc;
    }
    relay_mark_passed(&box->mark, p, clear);
    relay_letter_took(letter, clear);
    box->written += clear;
    return clear < n || box->written == box->most ? close_chunk(box) : 0;
}

int relay_outbox_pump(struct relay_outbox *box, const struct relay_client_random *random,
                      const struct relay_outbox_route *route)
{
    int rc = 0;
    while (rc == 0 && relay_octets_left(&box->out) < RELAY_OUTBOX_AHEAD) {
        bool refused = box->open != NULL && box->open->state == RELAY_LETTER_REFUSED;
        size_t control = relay_octets_left(&box->control);
        if (refused || (control > 0 && box->open != NULL &&
                        msrp_split_may_cut(&box->open->split, box->written))) {
            rc = close_chunk(box);
        } else if (control > 0 && box->open == NULL) {
            rc = put(box, box->control.p + box->control.at, control);
            relay_octets_eat(&box->control, control);
        } else if (box->open != NULL) {
            rc = put_body(box, random);
        } else {
            struct relay_letter *letter = route->to_path[0] != '\0' ? next_letter(box) : NULL;
            if (letter == NULL) {
                break;
            }
            rc = open_chunk(box, letter, random, route);
        }
    }
    return rc;
}

void relay_outbox_refuse(struct relay_outbox *box, struct relay_letter *letter, int status,
                         int warning, int err, const char *text)
{
    if (letter->state == RELAY_LETTER_OPEN) {
        relay_letter_refuse(letter, status, warning, err, text);
        letter->owes_abort =
            letter != box->open && letter->split.sent > 0 && !msrp_split_is_done(&letter->split);
    }
}

void relay_outbox_sent(struct relay_outbox *box, int64_t now_ms, size_t n)
{
    relay_octets_eat(&box->out, n);
    box->sent += n;
    for (struct relay_letter *letter = box->letters; letter != NULL; letter = letter->next) {
        for (size_t i = 0; i < letter->chunks_n; i++) {
            if (letter->chunks[i].sent_ms < 0 && letter->chunks[i].end <= box->sent) {
                letter->chunks[i].sent_ms = now_ms;
            }
        }
    }
}

struct relay_letter *relay_outbox_answered(struct relay_outbox *box, struct msrp_str tid,
                                           unsigned code)
{
    for (struct relay_letter *letter = box->letters; letter != NULL; letter = letter->next) {
        for (size_t i = 0; i < letter->chunks_n; i++) {
            if (!msrp_str_is(tid, letter->chunks[i].tid)) {
                continue;
            }
            letter->chunks_n--;
            memmove(&letter->chunks[i], &letter->chunks[i + 1],
                    (letter->chunks_n - i) * sizeof(letter->chunks[0]));
            if (code == 200 && letter->chunks_n == 0 && letter->state == RELAY_LETTER_OPEN &&
                letter != box->open && msrp_split_is_done(&letter->split)) {
                letter->state = RELAY_LETTER_SENT;
            }
            return letter;
        }
    }
    return NULL;
}

void relay_outbox_expire(struct relay_outbox *box, int64_t now_ms)
{
    for (struct relay_letter *letter = box->letters; letter != NULL; letter = letter->next) {
        for (size_t i = 0; i < letter->chunks_n; i++) {
            const struct relay_letter_chunk *chunk = &letter->chunks[i];
            if (chunk->sent_ms >= 0 && now_ms - chunk->sent_ms >= RELAY_CLIENT_ANSWER_MS) {
                relay_outbox_refuse(box, letter, 408, 0, 0, "the relay did not answer in 30 s");
            }
        }
    }
}

int64_t relay_outbox_next_ms(const struct relay_outbox *box)
{
    int64_t next = -1;
    for (const struct relay_letter *letter = box->letters; letter != NULL; letter = letter->next) {
        for (size_t i = 0; i < letter->chunks_n; i++) {
            int64_t due = letter->chunks[i].sent_ms + RELAY_CLIENT_ANSWER_MS;
            if (letter->state == RELAY_LETTER_OPEN && letter->chunks[i].sent_ms >= 0 &&
                (next < 0 || due < next)) {
                next = due;
            }
        }
    }
    return next;
}
