/* core_oracle.h - what must hold of everything a relay says, for fuzz_core.c.
 *
 * Messages that the script itself relays are tainted: their Message-ID tells who sent them to whom
 * and what was asked, and every octet follows from that and from its place in the message. So each
 * octet heard can be judged by itself, whatever was cut, joined, interleaved or lost:
 *   I4  it is the octet that was sent at this place of this message
 *   I5  only its receiver hears it */
#ifndef FUZZ_CORE_ORACLE_H
#define FUZZ_CORE_ORACLE_H

#include "msrp/msrp.h"
#include "tests/relay/letter.h"

enum {
    TIDS = 64,
    CONNS = 64,
    PEERS = 2,
    PEER_PLACE = 100 /* of peer 0 where a connection counts */
};

#define TAINT     "Zq=" /* how a tainted Message-ID begins */
#define TAINT_TID "tqForward"

/* One side of the street: what a connection said, and what may be answered. */
struct asked {
    struct msrp_reader reader;
    char *octets; /* all it said */
    size_t n;
    char loud[TIDS][MSRP_IDENT_MAX + 1];    /* ids that may be answered */
    char partial[TIDS][MSRP_IDENT_MAX + 1]; /* with an error only */
    char silent[TIDS][MSRP_IDENT_MAX + 1];  /* never */
    unsigned loud_n, partial_n, silent_n;
    unsigned place; /* its own number, or PEER_PLACE + peer */
    bool is_plain;  /* it may have become the peer without TLS by what it said */
};

/* A tainted message, as its Message-ID tells. */
struct taint {
    unsigned from, to; /* places */
    unsigned number;
    char failure; /* a absent, y, p, n */
};

static void must(bool is_right, const char *what)
{
    if (!is_right)
        sim_die(what);
}

static void taint_id(const struct taint *t, char id[MSRP_IDENT_MAX + 1])
{
    snprintf(id, MSRP_IDENT_MAX + 1, TAINT "%u.%u.%u.%c", t->from, t->to, t->number, t->failure);
}

static bool taint_read(struct taint *t, struct msrp_str id)
{
    char text[MSRP_IDENT_MAX + 1];

    memcpy(text, id.p, id.n);
    text[id.n] = '\0';
    return sscanf(text, TAINT "%u.%u.%u.%c", &t->from, &t->to, &t->number, &t->failure) == 4;
}

/* The octet at offset `at` of the message. */
static char taint_octet(const struct taint *t, uint64_t at)
{
    uint64_t z = at * UINT64_C(0x9e3779b97f4a7c15) + t->from * 7919 + t->to * 104729 + t->number;

    z = (z ^ z >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
    return (char)(z >> 40);
}

static void note(char list[TIDS][MSRP_IDENT_MAX + 1], unsigned *n, struct msrp_str tid)
{
    memcpy(list[*n % TIDS], tid.p, tid.n);
    list[(*n)++ % TIDS][tid.n] = '\0';
}

static bool has(char list[TIDS][MSRP_IDENT_MAX + 1], unsigned n, struct msrp_str tid)
{
    for (unsigned i = 0; i < n && i < TIDS; i++)
        if (msrp_str_is(tid, list[i]))
            return true;
    return false;
}

static void sort_head(struct asked *asked, const struct msrp_head *head)
{
    bool is_send = head->method == MSRP_SEND;

    if (head->is_response || head->method == MSRP_REPORT ||
        (is_send && head->failure_report == MSRP_NO))
        note(asked->silent, &asked->silent_n, head->tid);
    else if (is_send && head->failure_report == MSRP_PARTIAL)
        note(asked->partial, &asked->partial_n, head->tid);
    else
        note(asked->loud, &asked->loud_n, head->tid);
}

/* Reads what was said as the relay must read it, and sorts the transaction ids. */
static void sort_said(struct asked *asked)
{
    struct msrp_event ev;
    size_t at = 0;
    ssize_t used = 0;

    asked->loud_n = asked->partial_n = asked->silent_n = 0;
    note(asked->loud, &asked->loud_n, MSRP_STR("auth"));
    msrp_reader_init(&asked->reader, NULL);
    while (asked->n &&
           (used = msrp_reader_next(&asked->reader, asked->octets + at, asked->n - at, &ev)) >= 0 &&
           ev.kind != MSRP_EV_MORE) {
        if (ev.kind == MSRP_EV_HEAD)
            sort_head(asked, ev.head);
        at += (size_t)used;
    }
    if (used < 0 && msrp_reader_is_answerable(&asked->reader))
        note(asked->loud, &asked->loud_n, asked->reader.head.tid);
}

static bool is_at(const struct asked *asked, unsigned place)
{
    return place == asked->place || (asked->is_plain && place == PEER_PLACE + 1);
}

static void check_response(struct asked *asked, const struct msrp_head *head)
{
    bool is_full =
        asked->silent_n >= TIDS || asked->partial_n >= TIDS || asked->loud_n >= TIDS; /* forgot */

    if (is_full || has(asked->loud, asked->loud_n, head->tid))
        return;
    must(!has(asked->silent, asked->silent_n, head->tid), "a response to what is never answered");
    must(head->code != 200 || !has(asked->partial, asked->partial_n, head->tid),
         "a 200 to Failure-Report partial");
}

/* A request that the relay sends on, or makes. */
static void check_request(const struct asked *asked, const struct msrp_head *head, bool is_forged)
{
    struct taint t;

    must(msrp_str_has_prefix(head->from.first, "msrps://" SIM_NAME ":2855") ||
             msrp_str_has_prefix(head->from.first, "msrp://" SIM_NAME ":2855"),
         "a request that does not come from us");
    if (is_forged || !head->has_message_id || !taint_read(&t, head->message_id))
        return;
    must(!msrp_str_has_prefix(head->tid, TAINT_TID), "a transaction id that was not made anew");
    if (head->method == MSRP_SEND) {
        must(is_at(asked, t.to), "a message for somebody else");
        return;
    }
    /* nobody but the relay makes a REPORT about a tainted message */
    must(head->method == MSRP_REPORT && is_at(asked, t.from), "a REPORT for somebody else");
    must(t.failure != 'n', "a REPORT that Failure-Report no forbids");
    must(head->has_status && head->status.code != 200, "success that the relay made up");
}

static void check_body(const struct msrp_head *head, uint64_t before, struct msrp_str body)
{
    struct taint t;

    if (head->method != MSRP_SEND || !head->has_message_id || !taint_read(&t, head->message_id))
        return;
    for (size_t i = 0; i < body.n; i++)
        must(body.p[i] == taint_octet(&t, head->range.start - 1 + before + i),
             "an octet that was not sent");
    must(head->range.end == MSRP_UNKNOWN ||
             head->range.start - 1 + before + body.n <= head->range.end,
         "more octets than the range tells");
}

/* All that a connection heard. is_forged: the script wrote a tainted Message-ID of its own. */
static void check_heard(struct asked *asked, const char *heard, size_t n, bool is_forged)
{
    static struct msrp_head head; /* its spans point into what was heard */
    struct msrp_reader reader;
    struct msrp_event ev;
    uint64_t octets = 0;
    ssize_t used;

    sort_said(asked);
    msrp_reader_init(&reader, NULL);
    while ((used = msrp_reader_next(&reader, heard, n, &ev)) >= 0 && ev.kind != MSRP_EV_MORE) {
        must(!ev.err, "a frame with a fault");
        if (ev.kind == MSRP_EV_HEAD) {
            head = *ev.head;
            octets = 0;
            if (head.is_response)
                check_response(asked, &head);
            else
                check_request(asked, &head, is_forged);
        } else if (ev.kind == MSRP_EV_BODY) {
            if (!is_forged)
                check_body(&head, octets, ev.body);
            octets += ev.body.n;
        }
        heard += used;
        n -= (size_t)used;
    }
    must(used >= 0, "octets that are no frame");
}

/* I9: every refusal is counted once and told once, and no error is answered without one (chunks
 * whose answers waited get that of their message, which is refused once). */
static void check_counts(const struct relay_counts *counts, unsigned refusals)
{
    uint64_t refused = 0, answered = 0;

    for (size_t i = 0; i < counts->refused_n; i++)
        refused += counts->refused[i];
    for (int code = 300; code < 1000; code++)
        answered += counts->answers[code];
    must(counts->events_lost || refused == refusals, "a refusal that is not told as counted");
    must(!answered || refused, "an error without a refusal");
}

#endif
