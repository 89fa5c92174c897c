/* way_kit.h - two clients of one relay, a sends to b over the path; for the tests of path relaying.
 */
#ifndef TESTS_RELAY_WAY_KIT_H
#define TESTS_RELAY_WAY_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "msrp/msrp.h"
#include "relay/core/machine.h"
#include "tests/relay/sim.h"
#include "tests/row.h"

struct way_site {
    struct sim sim;
    unsigned a, b;
};

static inline void way_start(struct way_site *site, bool split)
{
    sim_init(&site->sim);
    sim_start(&site->sim);
    site->a = sim_user(&site->sim, SIM_ALICE);
    site->b = sim_user(&site->sim, SIM_BOB);
    site->sim.split = split;
    sim_clear_all(&site->sim);
}

static inline void way_done(struct way_site *site)
{
    sim_done(&site->sim);
}

static inline const char *way_use(const struct way_site *site, unsigned c)
{
    return site->sim.conns[c].use_path;
}

static inline const char *way_uri(const struct way_site *site, unsigned c)
{
    return site->sim.conns[c].remote;
}

/* One SEND of a to b: range NULL: no Byte-Range; more: header lines. */
static inline void way_send(struct way_site *site, const char *tid, const char *id,
                            const char *range, const char *more, const void *body, size_t n,
                            char flag)
{
    char *text = sim_alloc(NULL, n + 4096);
    int at = snprintf(text, 4096,
                      "MSRP %s SEND\r\nTo-Path: %s %s %s\r\nFrom-Path: %s\r\nMessage-ID: %s\r\n"
                      "%s%s%s%sContent-Type: application/octet-stream\r\n\r\n",
                      tid, way_use(site, site->a), way_use(site, site->b), way_uri(site, site->b),
                      way_uri(site, site->a), id, range ? "Byte-Range: " : "", range ? range : "",
                      range ? "\r\n" : "", more);
    memcpy(text + at, body, n);
    at += (int)n;
    at += snprintf(text + at, 64, "\r\n-------%s%c\r\n", tid, flag);
    sim_say_n(&site->sim, site->a, text, (size_t)at);
    free(text);
}

/* Exactly this response is what c has heard; it is forgotten. */
static inline void way_want_answer(struct way_site *site, unsigned c, const char *tid, int code)
{
    char want[2048];
    const char *text = msrp_code_text(code);

    snprintf(want, sizeof want, "MSRP %s %d%s%s\r\nTo-Path: %s\r\nFrom-Path: %s\r\n-------%s$\r\n",
             tid, code, *text ? " " : "", text, way_uri(site, c), way_use(site, c), tid);
    assert_string_equal(sim_heard(&site->sim, c), want);
    sim_clear(&site->sim, c);
}

/* Exactly one REPORT about mmmm is what a has heard, or nothing with status 0. */
static inline void way_want_report(struct way_site *site, int status, const char *range)
{
    char want[2048], tid[64] = "";

    if (!status) {
        assert_string_equal(sim_heard(&site->sim, site->a), "");
        return;
    }
    assert_int_equal(sscanf(sim_heard(&site->sim, site->a), "MSRP %33s REPORT", tid), 1);
    snprintf(want, sizeof want,
             "MSRP %s REPORT\r\nTo-Path: %s\r\nFrom-Path: %s\r\nMessage-ID: mmmm\r\n"
             "Byte-Range: %s\r\nStatus: 000 %03d %s\r\n-------%s$\r\n",
             tid, way_uri(site, site->a), way_use(site, site->a), range, status,
             msrp_code_text(status), tid);
    assert_string_equal(sim_heard(&site->sim, site->a), want);
    sim_clear(&site->sim, site->a);
}

/* The transaction id of the first frame that c has heard. */
static inline void way_tid(const struct way_site *site, unsigned c, char tid[64])
{
    assert_int_equal(sscanf(sim_heard(&site->sim, c), "MSRP %40s ", tid), 1);
}

/* Time passes; c says something now and then, so that the relay need not ask. */
static inline void way_keep_alive(struct way_site *site, unsigned c, int64_t ms)
{
    for (; ms > 0; ms -= 5000) {
        sim_pass(&site->sim, ms < 5000 ? ms : 5000);
        sim_sayf(&site->sim, c,
                 "MSRP alive SEND\r\nTo-Path: %s\r\nFrom-Path: %s\r\nMessage-ID: keep\r\n"
                 "Failure-Report: no\r\n-------alive$\r\n",
                 way_use(site, c), way_uri(site, c));
    }
}

/* What one receiver got, by the ranges of its chunks. */
struct way_got {
    char *body;
    uint64_t n; /* octets, from the first without a hole */
    unsigned chunks;
    bool is_complete; /* the last chunk had '$' and nothing is missing */
    bool is_aborted;  /* a chunk ended with '#' */
    uint64_t largest; /* octets of a chunk */
};

/* Reads and answers all SENDs that c has heard; checks order, ranges and the 2048 rule. */
static inline void way_gather_more(struct way_site *site, unsigned c, struct way_got *got, int code)
{
    struct msrp_reader reader;
    struct msrp_event ev;
    size_t n = site->sim.conns[c].heard_n, at = 0;
    char *text = sim_alloc(NULL, n + 1), tid[64] = "", from[1024] = "", answers[65536] = "";
    uint64_t start = 0, octets = 0, end = 0;
    size_t answers_n = 0;
    ssize_t used;

    memcpy(text, site->sim.conns[c].heard, n);
    sim_clear(&site->sim, c);
    msrp_reader_init(&reader, NULL);
    while (at < n && (used = msrp_reader_next(&reader, text + at, n - at, &ev)) >= 0 &&
           ev.kind != MSRP_EV_MORE) {
        at += (size_t)used;
        if (ev.kind == MSRP_EV_HEAD) {
            assert_int_equal(ev.err, 0);
            assert_int_equal(ev.head->method, MSRP_SEND);
            snprintf(tid, sizeof tid, "%.*s", (int)ev.head->tid.n, ev.head->tid.p);
            snprintf(from, sizeof from, "%.*s", (int)ev.head->from.first.n, ev.head->from.first.p);
            start = ev.head->range.start;
            end = ev.head->range.end;
            octets = 0;
            assert_int_equal(start, got->n + 1); /* row C8 */
        } else if (ev.kind == MSRP_EV_BODY) {
            got->body = sim_alloc(got->body, got->n + ev.body.n + 1);
            memcpy(got->body + got->n, ev.body.p, ev.body.n);
            got->n += ev.body.n;
            octets += ev.body.n;
        } else {
            got->chunks++;
            got->is_complete = ev.flag == '$';
            got->is_aborted |= ev.flag == '#';
            got->largest = octets > got->largest ? octets : got->largest;
            if (octets > MSRP_CHUNK_STEP)
                assert_true(end == MSRP_UNKNOWN); /* row C4 */
            else
                assert_true(end == MSRP_UNKNOWN || end == start + octets - 1); /* row C3 */
            answers_n +=
                (size_t)snprintf(answers + answers_n, sizeof answers - answers_n,
                                 "MSRP %s %d x\r\nTo-Path: %s\r\nFrom-Path: %s\r\n-------%s$\r\n",
                                 tid, code, from, site->sim.conns[c].remote, tid);
            assert_true(answers_n < sizeof answers);
        }
    }
    assert_int_equal(at, n);
    free(text);
    sim_say_n(&site->sim, c, answers, answers_n);
}

/* The same until nothing more comes. */
static inline void way_gather(struct way_site *site, unsigned c, struct way_got *got, int code)
{
    *got = (struct way_got){.body = NULL};
    while (site->sim.conns[c].heard_n)
        way_gather_more(site, c, got, code);
}

static inline void way_got_done(struct way_got *got)
{
    free(got->body);
}

#endif
