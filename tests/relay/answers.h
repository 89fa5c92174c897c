/* answers.h - the answer table (reliability section 10) as a runner: what is said, what comes back.
 *
 * A case is said with Failure-Report absent, yes, partial and no, in bulk and octet by octet, each
 * time to a fresh relay. What comes back is compared octet for octet with a response written here,
 * not by the code under test; so are the reason, the number of refusals and the state afterwards.
 */
#ifndef TESTS_RELAY_ANSWERS_H
#define TESTS_RELAY_ANSWERS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/relay/sim.h"
#include "tests/row.h"

enum asked { ASKED_ABSENT, ASKED_YES, ASKED_PARTIAL, ASKED_NO };

/* One case. Templates know:
 *   %U %F   Use-Path and From-Path of the connection under test     %S  the service URI
 *   %O      the Use-Path of somebody else's connection              %R  the relay's own URI
 *   %V      the Failure-Report line, or nothing                     %T  a good token
 *   %W      the same, but "Failure-Report: yes" where %V is nothing
 *   %Xnn    the octet nn in hex                                     %% a percent sign */
struct answer {
    const char *name;
    const char *said;    /* the transaction id of what is answered is "tidx" */
    int status;          /* of the response; 0: none */
    int report;          /* status of a REPORT to %F about "mmmm"; 0: none */
    int err;             /* the one refusal; 0: none */
    bool closes;         /* and the connection is closed */
    const char *to;      /* To-Path of the response; NULL: %F */
    const char *from;    /* From-Path of the response; NULL: %U */
    const char *fields;  /* more header lines of the response; NULL: none */
    bool is_stranger;    /* without AUTH */
    bool is_plain;       /* without TLS */
    const char *warning; /* `CODE TEXT` of the Warning header; NULL: none */
    const char *range;   /* of the REPORT */
    const char *user;    /* of %T; NULL: alice */
    const char *more;    /* more claims of %T */
    long exp_s;          /* life of %T; 0: 7200 */
};

static inline size_t answer_expand_with(struct sim *sim, const struct answer *answer, unsigned c,
                                        unsigned other, enum asked asked, const char *template,
                                        char *out, size_t cap)
{
    static const char *const lines[] = {"", "Failure-Report: yes\r\n",
                                        "Failure-Report: partial\r\n", "Failure-Report: no\r\n"};
    char token[2048], octet[2];
    size_t n = 0;

    for (const char *p = template; *p; p++) {
        const char *what = octet;
        size_t what_n = 1;
        octet[0] = *p;
        if (*p == '%') {
            switch (*++p) {
            case 'U':
                what = sim->conns[c].use_path;
                break;
            case 'F':
                what = sim->conns[c].remote;
                break;
            case 'O':
                what = sim->conns[other].use_path;
                break;
            case 'S':
                what = SIM_SERVICE;
                break;
            case 'R':
                what = SIM_URI;
                break;
            case 'V':
                what = lines[asked];
                break;
            case 'W':
                what = lines[asked == ASKED_ABSENT ? ASKED_YES : asked];
                break;
            case 'T':
                token[sim_token_with(sim, answer->user ? answer->user : SIM_ALICE,
                                     answer->exp_s ? answer->exp_s : 7200,
                                     answer->more ? answer->more : "", token, sizeof token)] = '\0';
                what = token;
                break;
            case 'X':
                octet[0] = (char)strtol((char[]){p[1], p[2], '\0'}, NULL, 16);
                p += 2;
                break;
            default:
                octet[0] = *p;
            }
            if (what != octet)
                what_n = strlen(what);
        }
        assert_true(n + what_n < cap);
        memcpy(out + n, what, what_n);
        n += what_n;
    }
    out[n] = '\0';
    return n;
}

static inline size_t answer_expand(struct sim *sim, unsigned c, unsigned other, enum asked asked,
                                   const char *template, char *out, size_t cap)
{
    static const struct answer plain;

    return answer_expand_with(sim, &plain, c, other, asked, template, out, cap);
}

static inline const char *answer_text(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 413:
        return "Stop Sending This Message";
    case 415:
        return "Unsupported Media Type";
    case 423:
        return "Interval Out Of Bounds";
    case 481:
        return "No Such Session";
    case 501:
        return "Unknown Method";
    default:
        fail_msg("no text for %d", status);
        return "";
    }
}

/* The index of an error among all, for the counters. */
static inline size_t answer_index(int err)
{
    size_t i = 0;

    while (relay_err_at(i) && relay_err_at(i)->err != err)
        i++;
    return i;
}

/* Is a response due? G1; the 200 of an AUTH is always due. */
static inline bool answer_is_due(enum asked asked, int status, bool is_auth)
{
    if (status == 200)
        return is_auth || asked == ASKED_ABSENT || asked == ASKED_YES;
    return status && asked != ASKED_NO;
}

/* Writes the response that is due into out. */
static inline size_t answer_expected(struct sim *sim, const struct answer *answer, unsigned c,
                                     unsigned other, enum asked asked, const char *tid, char *out,
                                     size_t cap)
{
    char template[2048];
    char warning[256] = "";

    if (answer->warning)
        snprintf(warning, sizeof warning, "Warning: 399 " SIM_NAME " \"%s\"\r\n", answer->warning);
    snprintf(template, sizeof template,
             "MSRP %s %d %s\r\nTo-Path: %s\r\nFrom-Path: %s\r\n%s%s-------%s$\r\n", tid,
             answer->status, answer_text(answer->status), answer->to ? answer->to : "%F",
             answer->from ? answer->from : "%U", answer->fields ? answer->fields : "", warning,
             tid);
    return answer_expand(sim, c, other, asked, template, out, cap);
}

static inline void answer_compare(const struct answer *answer, enum asked asked, bool split,
                                  const char *got, const char *want)
{
    if (strcmp(got, want) != 0)
        fail_msg("%s (Failure-Report %d, split %d):\n--- got\n%s\n--- want\n%s", answer->name,
                 asked, split, got, want);
}

/* The connection lives: a sign of life is answered. */
static inline void answer_check_alive(struct sim *sim, unsigned c, const char *name)
{
    assert_false(sim->conns[c].is_closing);
    sim_clear(sim, c);
    sim_sayf(sim, c,
             "MSRP alive SEND\r\nTo-Path: %s\r\nFrom-Path: %s\r\nMessage-ID: alive\r\n"
             "-------alive$\r\n",
             sim->conns[c].use_path, sim->conns[c].remote);
    if (strncmp(sim_heard(sim, c), "MSRP alive 200 OK\r\n", 19) != 0)
        fail_msg("%s: the connection is dead: %s", name, sim_heard(sim, c));
}

/* Exactly one refusal, for the right reason, with the right answer; or none. */
static inline void answer_check_refusal(struct sim *sim, const struct answer *answer,
                                        enum asked asked)
{
    if (sim->refusals != (answer->err != 0) || sim->last_refusal != answer->err)
        fail_msg("%s (%d): %u refusals, the last %s, want %s", answer->name, asked, sim->refusals,
                 relay_err_row(sim->last_refusal)->name, relay_err_row(answer->err)->name);
    if (!answer->err)
        return;
    assert_int_equal(relay_counts(sim->relay)->refused[answer_index(answer->err)], 1);
    assert_int_equal(relay_counts(sim->relay)->refused_n, answer_index(12345678));
}

static inline void answer_check_report(struct sim *sim, const struct answer *answer, unsigned c,
                                       unsigned other, enum asked asked)
{
    char tid[64] = "", template[2048], want[4096];

    if (asked == ASKED_NO) {
        assert_string_equal(sim_heard(sim, c), "");
        return;
    }
    assert_int_equal(sscanf(sim_heard(sim, c), "MSRP %40s REPORT", tid), 1);
    assert_true(strlen(tid) >= 20); /* row F3 */
    snprintf(template, sizeof template,
             "MSRP %s REPORT\r\nTo-Path: %%F\r\nFrom-Path: %s\r\nMessage-ID: mmmm\r\n"
             "Byte-Range: %s\r\nStatus: 000 %d %s\r\n-------%s$\r\n",
             tid, answer->from ? answer->from : "%U", answer->range, answer->report,
             answer_text(answer->report), tid);
    answer_expand(sim, c, other, asked, template, want, sizeof want);
    answer_compare(answer, asked, sim->split, sim_heard(sim, c), want);
}

static inline void answer_run_one(const struct answer *answer, enum asked asked, bool split)
{
    static char said[65536], want[8192];
    struct sim sim;
    unsigned c, other;

    sim_init(&sim);
    sim_start(&sim);
    other = sim_user(&sim, SIM_BOB);
    c = sim_open(&sim, !answer->is_plain);
    snprintf(sim.conns[c].remote, sizeof sim.conns[c].remote, "msrps://stranger.invalid:9/s;tcp");
    if (!answer->is_stranger)
        assert_true(sim_login(&sim, c, SIM_ALICE));
    sim_clear_all(&sim);
    sim.split = split;

    size_t n = answer_expand_with(&sim, answer, c, other, asked, answer->said, said, sizeof said);
    sim_say_n(&sim, c, said, n);
    if (answer->report) {
        answer_check_report(&sim, answer, c, other, asked);
    } else {
        want[0] = '\0';
        if (answer_is_due(asked, answer->status, false))
            answer_expected(&sim, answer, c, other, asked, "tidx", want, sizeof want);
        answer_compare(answer, asked, split, sim_heard(&sim, c), want);
    }
    answer_check_refusal(&sim, answer, asked);
    if (sim.conns[c].is_closing != answer->closes)
        fail_msg("%s (%d, %d): closing %d", answer->name, asked, split, sim.conns[c].is_closing);
    if (answer->closes) {
        /* threat T21: nothing behind the error is ever read */
        size_t room;
        assert_null(relay_buffer(sim.relay, c + 1, &room));
    } else if (!answer->is_stranger) {
        answer_check_alive(&sim, c, answer->name);
    }
    answer_check_alive(&sim, other, answer->name); /* nobody else is touched */
    sim_done(&sim);
}

static inline void answer_run(const struct answer *answers, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (enum asked asked = ASKED_ABSENT; asked <= ASKED_NO; asked++)
            for (int split = 0; split < 2; split++)
                answer_run_one(&answers[i], asked, split);
}

#define ANSWERS(list) answer_run((list), sizeof(list) / sizeof *(list))

#endif
