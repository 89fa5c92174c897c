/* wire.c - one connection of an endpoint: octets in and out, requests that wait, time. */
#include <stdlib.h>
#include <string.h>

#include "relay/client/ends.h"
#include "relay/err.h"

enum {
    INPUT = 64 * 1024, /* more than one head of the largest size the reader takes */
    RECORD = 16 * 1024,
    END_REACH = MSRP_END_MAX + 8,
};

struct relay_wire *relay_wire_new(struct relay_endpoint *endpoint)
{
    struct relay_wire *link = calloc(1, sizeof(*link));
    char *in = malloc(INPUT);
    if (link == NULL || in == NULL) {
        free(link);
        free(in);
        return NULL;
    }
    link->in = in;
    link->endpoint = endpoint;
    link->request.dup_total = MSRP_UNKNOWN;
    msrp_reader_init(&link->reader, NULL);
    link->next = endpoint->links;
    endpoint->links = link;
    return link;
}

void relay_wire_free(struct relay_wire *link)
{
    if (link == NULL) {
        return;
    }
    struct relay_wire **at = &link->endpoint->links;
    relay_wire_end(link, 0, RELAY_E_END, NULL);
    while (*at != link) {
        at = &(*at)->next;
    }
    *at = link->next;
    if (link->endpoint->told == link) {
        link->endpoint->told = NULL;
    }
    relay_octets_done(&link->out);
    relay_octets_done(&link->control);
    free(link->asked);
    free(link->in);
    free(link);
}

void relay_wire_end(struct relay_wire *link, int status, int err, const char *text)
{
    if (link->is_dead) {
        return;
    }
    relay_ear_settle(link); /* what the caller has is not lost */
    link->is_dead = true;
    link->request.arrival = 0;
    link->request.tells = false;
    link->open = NULL;
    link->body.n = 0;
    for (struct relay_talk *talk = link->endpoint->sessions; talk != NULL; talk = talk->next) {
        if (talk->link == link) {
            relay_talk_fail(talk, status, err, text);
        }
    }
    link->asked_n = 0;
}

/* --- requests that wait --- */

/* Strikes one off. The octets of a chunk wait no longer. */
static void strike(struct relay_wire *link, size_t i, struct relay_asked *asked)
{
    *asked = link->asked[i];
    link->asked_n--;
    memmove(&link->asked[i], &link->asked[i + 1], (link->asked_n - i) * sizeof(link->asked[0]));
    if (asked->kind == RELAY_ASKED_CHUNK && asked->is_timed) {
        link->unanswered -= asked->to - asked->from;
    }
}

/* Of requests that only an error would answer the oldest is given up. False: there is none. */
static bool forget_oldest(struct relay_wire *link)
{
    struct relay_asked gone;
    for (size_t i = 0; i < link->asked_n; i++) {
        if (!link->asked[i].is_timed && link->asked[i].sent_ms >= 0) {
            strike(link, i, &gone);
            return true;
        }
    }
    return false;
}

int relay_wire_ask(struct relay_wire *link, const struct relay_asked *asked)
{
    if (link->asked_n == RELAY_ASKED_MAX && !forget_oldest(link)) {
        return RELAY_E_TOO_MANY_OPEN;
    }
    if (link->asked_n == link->asked_cap) {
        size_t cap = link->asked_cap > 0 ? 2 * link->asked_cap : 8;
        void *more = realloc(link->asked, cap * sizeof(*link->asked));
        if (more == NULL) {
            return RELAY_E_NOMEM;
        }
        link->asked = more;
        link->asked_cap = cap;
    }
    link->asked[link->asked_n] = *asked;
    link->asked[link->asked_n].sent_ms = -1;
    link->asked_n++;
    return 0;
}

bool relay_wire_answered(struct relay_wire *link, uint64_t session, struct msrp_str tid,
                         struct relay_asked *asked)
{
    for (size_t i = 0; i < link->asked_n; i++) {
        if (link->asked[i].session == session && msrp_str_is(tid, link->asked[i].tid)) {
            strike(link, i, asked);
            return true;
        }
    }
    return false;
}

bool relay_wire_tid(struct relay_wire *link, char tid[MSRP_IDENT_MADE + 1])
{
    struct relay_client_random *random = &link->endpoint->random;
    uint8_t rnd[16];
    if (random->fill(random->ctx, rnd, sizeof(rnd)) < 0) {
        relay_wire_end(link, 0, RELAY_E_RANDOM, NULL);
        return false;
    }
    msrp_tid_make(tid, rnd);
    return true;
}

bool relay_wire_say(struct relay_wire *link, const char *frame, size_t n,
                    const struct relay_asked *asked)
{
    struct relay_asked waiting;
    int err = relay_octets_put(&link->control, frame, n);
    if (err == 0 && asked != NULL) {
        waiting = *asked;
        /* at least so far: what runs in between only makes it later */
        waiting.end = link->made + relay_octets_left(&link->control);
        err = relay_wire_ask(link, &waiting);
    }
    if (err != 0) {
        relay_wire_end(link, 0, err, NULL);
    }
    return err == 0;
}

/* --- octets --- */

char *relay_wire_buffer(struct relay_wire *link, size_t *n)
{
    if (link->is_dead || link->body.n > 0) {
        return NULL;
    }
    if (link->in_at > 0) {
        memmove(link->in, link->in + link->in_at, link->in_n - link->in_at);
        link->in_n -= link->in_at;
        link->in_at = 0;
    }
    *n = INPUT - link->in_n;
    return *n > 0 ? link->in + link->in_n : NULL;
}

/* How much of p[0..n) to give so that no end-line is split: where one might reach over the border,
 * the run ends before it. trap 15 */
static size_t whole_lines(const char *p, size_t n)
{
    if (n <= RECORD) {
        return n;
    }
    size_t from = RECORD - END_REACH;
    struct msrp_str border = {p + from, (n < RECORD + 9 ? n : RECORD + 9) - from};
    size_t found = msrp_str_find(border, MSRP_STR("\r\n-------"));
    return found == SIZE_MAX || from + found >= RECORD ? RECORD : from + found;
}

const char *relay_wire_output(struct relay_wire *link, const struct relay_client_now *now,
                              size_t *n)
{
    (void)now;
    *n = 0;
    if (!link->is_dead && link->is_open) {
        relay_carry_pump(link);
    }
    if (relay_octets_left(&link->out) == 0) {
        return NULL;
    }
    const char *p = link->out.p + link->out.at;
    *n = whole_lines(p, relay_octets_left(&link->out));
    return p;
}

void relay_wire_sent(struct relay_wire *link, const struct relay_client_now *now, size_t n)
{
    size_t left = relay_octets_left(&link->out);
    relay_octets_eat(&link->out, n < left ? n : left); /* a link that ended has none left */
    link->sent += n;
    link->endpoint->counts.bytes_out += n;
    for (size_t i = 0; i < link->asked_n;) {
        struct relay_asked *asked = &link->asked[i];
        if (asked->sent_ms >= 0 || asked->end > link->sent) {
            i++;
            continue;
        }
        asked->sent_ms = now->mono_ms;
        struct relay_parcel *parcel = asked->kind == RELAY_ASKED_CHUNK && !asked->is_timed
                                          ? relay_parcel_find(link->endpoint, asked->parcel)
                                          : NULL;
        if (parcel != NULL) { /* no 200 comes for it: rows P3, P4 */
            struct relay_asked gone;
            relay_parcel_answered(parcel, asked->from, asked->to);
            parcel->waiting--;
            relay_parcel_settle(parcel);
            if (parcel->conf.failure == MSRP_NO) {
                strike(link, i, &gone);
                continue;
            }
        }
        i++;
    }
}

bool relay_wire_is_quiet(const struct relay_wire *link)
{
    for (size_t i = 0; i < link->asked_n; i++) {
        if (link->asked[i].is_timed) {
            return false;
        }
    }
    for (struct relay_parcel *parcel = link->endpoint->parcels; parcel != NULL;
         parcel = parcel->next) {
        const struct relay_talk *talk = relay_talk_find(link->endpoint, parcel->session);
        if (talk != NULL && talk->link == link &&
            (parcel->state == RELAY_PARCEL_OPEN || parcel->owes_abort || parcel == link->open)) {
            return false;
        }
    }
    return !link->owes_answer && relay_octets_left(&link->out) == 0 &&
           relay_octets_left(&link->control) == 0;
}

bool relay_wire_is_over(const struct relay_wire *link)
{
    return link->is_dead && relay_octets_left(&link->out) == 0;
}

/* --- time --- */

static void open_now(struct relay_wire *link, int64_t now_ms)
{
    link->is_open = true;
    link->open_ms = link->heard_ms = now_ms;
    for (struct relay_talk *talk = link->endpoint->sessions; talk != NULL; talk = talk->next) {
        if (talk->link != link || talk->state != RELAY_TALK_NEW) {
            continue;
        }
        if (talk->relays_n > 0) {
            talk->state = RELAY_TALK_LOGIN;
            relay_entry_start(talk, now_ms);
        } else {
            relay_talk_begin(talk, now_ms);
        }
    }
}

/* Not an octet since this was asked: it is the connection that is lost (row U10), and the message
 * may go on over another one. */
static bool is_silent(const struct relay_wire *link, const struct relay_asked *asked)
{
    return link->heard_ms <= asked->sent_ms;
}

/* No answer in 30 s: row P4. What was asked decides what fails. */
static void expire(struct relay_wire *link, int64_t now_ms)
{
    struct relay_endpoint *endpoint = link->endpoint;
    for (size_t i = 0; i < link->asked_n;) {
        struct relay_asked gone, *asked = &link->asked[i];
        if (!asked->is_timed || asked->sent_ms < 0 ||
            now_ms - asked->sent_ms < RELAY_CLIENT_ANSWER_MS) {
            i++;
            continue;
        }
        if (asked->kind == RELAY_ASKED_CHUNK && is_silent(link, asked)) {
            relay_octets_done(&link->out);
            relay_wire_end(link, 0, RELAY_E_END, "no answer in 30 s");
            return;
        }
        strike(link, i, &gone);
        struct relay_talk *talk = relay_talk_find(endpoint, gone.session);
        struct relay_parcel *parcel = relay_parcel_find(endpoint, gone.parcel);
        if (gone.kind == RELAY_ASKED_CHUNK && parcel != NULL) {
            parcel->waiting--;
            relay_carry_refuse(parcel, link, 408, 0, "no answer in 30 s");
        } else if (gone.kind != RELAY_ASKED_CHUNK && talk != NULL) {
            relay_talk_fail(talk, 408, 0, "no answer in 30 s");
            i = 0;
        }
    }
}

static int64_t keepalive_ms(const struct relay_talk *talk)
{
    int64_t every = (int64_t)talk->link->endpoint->conf.keepalive_s * 1000;
    return every > 0 && talk->state == RELAY_TALK_READY && talk->to_path[0] != '\0'
               ? talk->heard_ms + every
               : -1;
}

static int64_t stale_ms(const struct relay_endpoint *endpoint, const struct relay_arrival *arrival)
{
    uint32_t keep_s = endpoint->conf.keep_s != 0 ? endpoint->conf.keep_s : 600;
    return arrival->touched_ms + (int64_t)keep_s * 1000;
}

/* Is a chunk of it under way? */
static bool is_arriving(const struct relay_endpoint *endpoint, const struct relay_arrival *arrival)
{
    const struct relay_wire *link = endpoint->links;
    while (link != NULL && link->request.arrival != arrival->id) {
        link = link->next;
    }
    return link != NULL;
}

/* Everything of a failed-over parcel has its 200, but its far end says nothing: once more. */
static void send_again(struct relay_endpoint *endpoint, int64_t now_ms)
{
    for (struct relay_parcel *parcel = endpoint->parcels; parcel != NULL; parcel = parcel->next) {
        if (parcel->report_ms >= 0 && now_ms >= parcel->report_ms) {
            relay_parcel_unanswered(parcel, 0, parcel->conf.size);
            parcel->state = RELAY_PARCEL_OPEN;
            relay_parcel_rewind(parcel);
            parcel->is_empty_out = false;
            parcel->is_again = false;
        }
    }
}

/* When a stranger goes, of whom no session is known; -1: it is none. */
static int64_t stranger_ms(const struct relay_wire *link)
{
    return link->is_open && !link->is_wanted ? link->open_ms + RELAY_CLIENT_ANSWER_MS : -1;
}

static void tick(struct relay_wire *link, int64_t now_ms)
{
    struct relay_endpoint *endpoint = link->endpoint;
    int64_t over_ms = stranger_ms(link);
    if (over_ms >= 0 && now_ms >= over_ms) {
        relay_wire_end(link, 0, RELAY_E_PROBATION, NULL);
        return;
    }
    expire(link, now_ms);
    if (link->is_dead) {
        return;
    }
    send_again(endpoint, now_ms);
    for (struct relay_talk *talk = endpoint->sessions; talk != NULL; talk = talk->next) {
        if (talk->link != link) {
            continue;
        }
        int64_t due_ms = keepalive_ms(talk);
        if (talk->entry.renew_ms >= 0 && now_ms >= talk->entry.renew_ms) {
            relay_entry_start(talk, now_ms);
        } else if (due_ms >= 0 && now_ms >= due_ms) {
            talk->heard_ms = now_ms;
            relay_carry_ping(talk);
        }
    }
    for (struct relay_arrival *arrival = endpoint->arrivals.first; arrival != NULL;) {
        struct relay_arrival *next = arrival->next;
        if (now_ms >= stale_ms(endpoint, arrival) && endpoint->lost == 0 &&
            !is_arriving(endpoint, arrival)) {
            relay_ear_lose(endpoint, arrival, 413, RELAY_E_STALE, true);
        }
        arrival = next;
    }
}

void relay_wire_feed(struct relay_wire *link, const struct relay_client_in *in)
{
    switch (in->kind) {
    case RELAY_CLIENT_IN_OPEN:
        open_now(link, in->now.mono_ms);
        break;
    case RELAY_CLIENT_IN_DATA:
        link->in_n += in->n;
        link->heard_ms = in->now.mono_ms;
        link->endpoint->counts.bytes_in += in->n;
        break;
    case RELAY_CLIENT_IN_CLOSED:
        relay_octets_done(&link->out);
        relay_wire_end(link, 0, in->err != 0 ? in->err : RELAY_E_END, in->text);
        break;
    case RELAY_CLIENT_IN_TICK:
        if (!link->is_dead) {
            tick(link, in->now.mono_ms);
        }
        break;
    }
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < 0 ? b : b < 0 ? a : a < b ? a : b;
}

int64_t relay_wire_next_ms(const struct relay_wire *link)
{
    const struct relay_endpoint *endpoint = link->endpoint;
    int64_t next = stranger_ms(link);
    if (link->is_dead) {
        return -1;
    }
    for (size_t i = 0; i < link->asked_n; i++) {
        if (link->asked[i].is_timed && link->asked[i].sent_ms >= 0) {
            next = earlier(next, link->asked[i].sent_ms + RELAY_CLIENT_ANSWER_MS);
        }
    }
    for (struct relay_talk *talk = endpoint->sessions; talk != NULL; talk = talk->next) {
        if (talk->link == link) {
            next = earlier(next, earlier(talk->entry.renew_ms, keepalive_ms(talk)));
        }
    }
    for (struct relay_parcel *parcel = endpoint->parcels; parcel != NULL; parcel = parcel->next) {
        next = earlier(next, parcel->report_ms);
    }
    for (struct relay_arrival *a = endpoint->arrivals.first; a != NULL; a = a->next) {
        if (!is_arriving(endpoint, a)) {
            next = earlier(next, stale_ms(endpoint, a));
        }
    }
    return next;
}
