/* answers_sds.c - rows 25 and 28-43 of the answer table as the service meets them.
 *
 * A case is a row of chunks of one SDS from alice to bob (or to the group). Each is said with
 * Failure-Report absent, yes, partial and no, in bulk and octet by octet, to a fresh relay; what
 * comes back to each chunk is compared octet for octet. */
#include "tests/relay/answers.h"
#include "tests/relay/core_kit.h"

enum { STEPS = 12, ALL = 0 };

struct step {
    const char *id;    /* Message-ID; NULL: mid1 */
    const char *range; /* NULL: what it really is; "": no Byte-Range */
    size_t from, n;    /* of the body; n ALL: the rest */
    char flag;         /* 0: '$' when it is the rest, else '+' */
    bool is_empty;     /* no body at all */
    bool is_more;      /* three octets more than there are */
    const char *type;  /* Content-Type; NULL: multipart/mixed;boundary=kit */
    const char *more;  /* more headers */
    int64_t pass_ms;   /* time before it */
    int status;        /* of its response */
    int err;           /* its refusal; 0: none */
    const char *warning;
    bool closes;
};

struct row_case {
    const char *name;
    struct step steps[STEPS]; /* up to the first without a status */
    bool is_group;
    const char *data; /* NULL: hello */
    size_t data_n;    /* 0: its length */
    void (*conf)(struct sim *sim);
    char bob; /* flag of the last chunk that bob got: '$', '#', 0: nothing complete was sent */
};

static void say_step(struct sim *sim, unsigned c, const struct step *step,
                     const struct kit_text *body, enum asked asked, char *tid)
{
    static const char *const lines[] = {"", "Failure-Report: yes\r\n",
                                        "Failure-Report: partial\r\n", "Failure-Report: no\r\n"};
    struct kit_text t = {NULL, 0};
    char text[64];
    size_t n = step->n == ALL ? body->n - step->from : step->n;
    char flag = step->flag ? step->flag : step->n == ALL ? '$' : '+';

    snprintf(tid, 16, "tid%05u", ++kit_tids);
    kit_puts(&t, "MSRP ");
    kit_puts(&t, tid);
    kit_puts(&t, " SEND\r\nTo-Path: ");
    kit_puts(&t, sim->conns[c].use_path);
    kit_puts(&t, " " SIM_SERVICE "\r\nFrom-Path: ");
    kit_puts(&t, sim->conns[c].remote);
    kit_puts(&t, "\r\nMessage-ID: ");
    kit_puts(&t, step->id ? step->id : "mid1");
    kit_puts(&t, "\r\n");
    if (step->range && *step->range) {
        kit_puts(&t, "Byte-Range: ");
        kit_puts(&t, step->range);
        kit_puts(&t, "\r\n");
    } else if (!step->range && !step->is_empty) {
        snprintf(text, sizeof text, "Byte-Range: %zu-%zu/%zu\r\n", step->from + 1, step->from + n,
                 body->n);
        kit_puts(&t, text);
    }
    if (!step->more || !strstr(step->more, "Failure-Report"))
        kit_puts(&t, lines[asked]);
    kit_puts(&t, step->more ? step->more : "");
    if (!step->is_empty) {
        kit_puts(&t, "Content-Type: ");
        kit_puts(&t, step->type ? step->type : "multipart/mixed;boundary=kit");
        kit_puts(&t, "\r\n\r\n");
        kit_put(&t, body->p + step->from, n);
        kit_puts(&t, step->is_more ? "abc\r\n" : "\r\n");
    }
    kit_puts(&t, "-------");
    kit_puts(&t, tid);
    kit_put(&t, &flag, 1);
    kit_puts(&t, "\r\n");
    sim_say_n(sim, c, t.p, t.n);
    free(t.p);
}

static void run_one(const struct row_case *row, enum asked asked, bool split)
{
    struct sim sim;
    char tid[16], want[2048];
    struct kit_heard bob = {0};
    struct kit_sds sds = row->is_group ? kit_group("hello") : kit_sds(SIM_BOB, "hello");
    struct kit_text body;

    if (row->data) {
        sds.data = row->data;
        sds.data_n = row->data_n ? row->data_n : strlen(row->data);
    }
    body = kit_body(&sds);
    sim_init(&sim);
    kit_add_group(sim.policy);
    if (row->conf)
        row->conf(&sim);
    sim_start(&sim);
    unsigned b = sim_user(&sim, SIM_BOB), a = sim_user(&sim, SIM_ALICE);
    sim.split = split;
    for (const struct step *step = row->steps; step->status && step < row->steps + STEPS; step++) {
        struct answer answer = {
            .name = row->name, .status = step->status, .warning = step->warning};
        sim_clear(&sim, a);
        sim_pass(&sim, step->pass_ms);
        sim_clear(&sim, a); /* signs of life */
        sim.refusals = 0;
        sim.last_refusal = 0;
        say_step(&sim, a, step, &body, asked, tid);
        want[0] = '\0';
        if (!step->closes && answer_is_due(asked, step->status, false))
            answer_expected(&sim, &answer, a, b, asked, tid, want, sizeof want);
        answer_compare(&answer, asked, split, sim_heard(&sim, a), want);
        if (sim.refusals != (step->err != 0) || sim.last_refusal != step->err)
            fail_msg("%s, step %d (%d): %u refusals, the last %s, want %s", row->name,
                     (int)(step - row->steps), asked, sim.refusals,
                     relay_err_row(sim.last_refusal)->name, relay_err_row(step->err)->name);
        assert_int_equal(sim.conns[a].is_closing, step->closes);
        kit_hear_all(&sim, b, &bob, 200);
    }
    kit_hear_all(&sim, b, &bob, 200);
    char flag = bob.n ? bob.got[0].flag : 0;
    if (flag != row->bob)
        fail_msg("%s (%d, %d): bob's message ends with %d, want %d", row->name, asked, split, flag,
                 row->bob);
    if (flag == '$')
        kit_same_payload(&bob.got[0], &sds);
    if (!sim.conns[a].is_closing)
        answer_check_alive(&sim, a, row->name);
    answer_check_alive(&sim, b, row->name);
    free(body.p);
    kit_free(&bob);
    sim_done(&sim);
}

static void run(const struct row_case *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (enum asked asked = ASKED_ABSENT; asked <= ASKED_NO; asked++)
            for (int split = 0; split < 2; split++)
                run_one(&rows[i], asked, split);
}

#define ROWS(list) run((list), sizeof(list) / sizeof *(list))

static char big[100000]; /* 100 kB of data: two protected frames */

static void row_25(void **state)
{
    static const struct row_case rows[] = {
        {.name = "text", .steps = {{.type = "text/plain", .status = 415, .err = RELAY_E_SDS_TYPE}}},
        {.name = "alternative",
         .steps = {{.type = "multipart/alternative;boundary=kit",
                    .status = 415,
                    .err = RELAY_E_SDS_TYPE}}},
        {.name = "a part alone",
         .steps = {{.type = "application/vnd.3gpp.mcdata-payload",
                    .status = 415,
                    .err = RELAY_E_SDS_TYPE}}},
        {.name = "and its next chunk",
         .steps = {{.type = "text/plain", .n = 20, .status = 415, .err = RELAY_E_SDS_TYPE},
                   {.from = 20, .status = 415, .err = RELAY_E_SDS_TYPE}}},
        {.name = "no boundary",
         .steps = {{.type = "multipart/mixed",
                    .status = 400,
                    .err = MSRP_E_MIME_BOUNDARY,
                    .warning = "199 expected MIME bodies not in the request"}}},
        {.name = "no I_MESSAGE",
         .steps = {{.type = "application/mikey", .status = 403, .err = DPP_E_MIKEY_HEADER}}},
        {.name = "the right one", .steps = {{.status = 200}}, .bob = '$'},
        {.name = "in other letters",
         .steps = {{.type = "MULTIPART/Mixed; boundary=\"kit\"", .status = 200}},
         .bob = '$'},
    };

    (void)state;
    ROWS(rows);
    row_passed("10.25");
}

static void row_28(void **state)
{
    static const struct row_case rows[] = {
        {.name = "Success-Report",
         .steps = {{.n = 100, .status = 200},
                   {.from = 100,
                    .more = "Success-Report: yes\r\n",
                    .status = 400,
                    .err = RELAY_E_FLAGS_DIFFER},
                   {.from = 100, .status = 400, .err = RELAY_E_FLAGS_DIFFER}}},
        {.name = "said and not said, the same",
         .steps = {{.n = 100, .status = 200},
                   {.from = 100, .more = "Success-Report: no\r\n", .status = 200}},
         .bob = '$'},
    };

    (void)state;
    ROWS(rows);

    /* Failure-Report itself: what counts is that of the chunk that is answered */
    struct sim sim;
    struct kit_sds sds = kit_sds(SIM_BOB, "hello");
    struct kit_text body = kit_body(&sds);
    sim_init(&sim);
    sim_start(&sim);
    unsigned a = sim_user(&sim, SIM_ALICE);
    (void)sim_user(&sim, SIM_BOB);
    assert_int_equal(kit_code(&sim, a, kit_chunk(&sim, a, "mid1", "", NULL, &body, 0, 50, '+')),
                     200);
    const char *tid = kit_chunk(&sim, a, "mid1", "Failure-Report: partial\r\n", NULL, &body, 50,
                                body.n - 50, '$');
    assert_int_equal(kit_code(&sim, a, tid), 400);
    assert_int_equal(sim.last_refusal, RELAY_E_FLAGS_DIFFER);
    free(body.p);
    sim_done(&sim);
    row_passed("10.28");
}

static void row_29_30(void **state)
{
    static const struct row_case rows[] = {
        {.name = "start 0", .steps = {{.range = "0-5/5", .status = 400, .err = MSRP_E_RANGE_ZERO}}},
        {.name = "a word", .steps = {{.range = "all/5", .status = 400, .err = MSRP_E_RANGE_FORM}}},
        {.name = "20 digits",
         .steps = {{.range = "1-10000000000000000000/*",
                    .status = 400,
                    .err = MSRP_E_RANGE_DIGITS}}},
        {.name = "2^63",
         .steps = {{.range = "1-9223372036854775808/*", .status = 400, .err = MSRP_E_RANGE_VALUE}}},
    };
    static const struct row_case rows_30[] = {
        {.name = "end below start",
         .steps = {{.range = "5-3/10", .status = 400, .err = MSRP_E_RANGE_END_LOW}}},
        {.name = "end above total",
         .steps = {{.range = "1-11/10", .status = 400, .err = MSRP_E_RANGE_END_HIGH}}},
        {.name = "start above total",
         .steps = {{.range = "12-*/10", .status = 400, .err = MSRP_E_RANGE_START_HIGH}}},
        {.name = "the refused chunk is no part of its message",
         .steps =
             {{.n = 100, .status = 200},
              {.range = "5-3/10", .from = 5, .n = 5, .status = 400, .err = MSRP_E_RANGE_END_LOW},
              {.from = 100, .status = 200}},
         .bob = '$'},
    };

    (void)state;
    ROWS(rows);
    row_passed("10.29");
    ROWS(rows_30);
    row_passed("10.30");
}

static void row_31(void **state)
{
    static const struct row_case rows[] = {
        {.name = "total changes",
         .steps = {{.range = "1-100/5000", .n = 100, .status = 200},
                   {.range = "101-*/5001", .from = 100, .status = 400, .err = MSRP_E_JOIN_TOTAL},
                   {.from = 100, .status = 400, .err = MSRP_E_JOIN_TOTAL}}},
        {.name = "$ before the total",
         .steps = {{.range = "1-*/99999", .n = 3000, .status = 200},
                   {.range = "3001-*/99999", .from = 3000, .status = 400, .err = MSRP_E_JOIN_END},
                   {.range = "1-*/99999", .status = 400, .err = MSRP_E_JOIN_END}},
         .bob = '#'},
        {.name = "total first unknown, then known",
         .steps = {{.range = "1-*/*", .n = 100, .status = 200}, {.from = 100, .status = 200}},
         .bob = '$'},
    };

    (void)state;
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (char)(i * 7);
    static struct row_case early[2];
    memcpy(early, rows, sizeof early);
    early[1].data = big; /* long enough that bob has begun to get it */
    early[1].data_n = 4000;
    ROWS(early);
    run(&rows[2], 1);
    row_passed("10.31");
}

static void row_32_to_36(void **state)
{
    static const struct row_case row_32[] = {
        {.name = "shorter than it says",
         .steps = {{.range = "1-500/*", .n = 100, .flag = '+', .status = 200},
                   {.from = 100, .range = "101-*/*", .status = 200}},
         .bob = '$'},
    };
    static const struct row_case row_33[] = {
        {.name = "longer than it says",
         .steps = {{.range = "1-50/*", .n = 100, .status = 400, .err = MSRP_E_JOIN_OVER},
                   {.from = 100, .status = 400, .err = MSRP_E_JOIN_OVER}}},
        {.name = "longer than the total",
         .steps = {{.is_more = true,
                    .range = "1-*/100",
                    .n = 100,
                    .status = 400,
                    .err = MSRP_E_JOIN_OVER}}},
    };
    static struct row_case row_34[] = {
        {.name = "100 kB with a numeric end", .steps = {{.status = 200}}, .bob = '$'},
    };
    static const struct row_case row_35[] = {
        {.name = "no range in a later chunk",
         .steps = {{.n = 100, .status = 200},
                   {.range = "", .from = 100, .status = 400, .err = MSRP_E_JOIN_NO_RANGE},
                   {.from = 100, .status = 400, .err = MSRP_E_JOIN_NO_RANGE}}},
        {.name = "no range at all", .steps = {{.range = "", .status = 200}}, .bob = '$'},
    };
    static const struct row_case row_36[] = {
        {.name = "overlap, the first octets win",
         .steps = {{.n = 100, .status = 200},
                   {.range = "51-100/*", .from = 0, .n = 50, .status = 200}, /* other octets */
                   {.from = 90, .status = 200}},
         .bob = '$'},
        {.name = "the end first",
         .steps = {{.from = 300, .flag = '$', .status = 200},
                   {.from = 100, .n = 200, .status = 200},
                   {.from = 0, .n = 100, .status = 200}},
         .bob = '$'},
    };

    (void)state;
    ROWS(row_32);
    row_passed("10.32");
    ROWS(row_33);
    row_passed("10.33");
    row_34[0].data = big;
    row_34[0].data_n = sizeof big;
    ROWS(row_34);
    row_passed("10.34");
    ROWS(row_35);
    row_passed("10.35");
    ROWS(row_36);

    /* counted */
    struct sim sim;
    struct kit_sds sds = kit_sds(SIM_BOB, "hello");
    struct kit_text body = kit_body(&sds);
    sim_init(&sim);
    sim_start(&sim);
    unsigned a = sim_user(&sim, SIM_ALICE);
    (void)sim_user(&sim, SIM_BOB);
    kit_chunk(&sim, a, "mid1", "", NULL, &body, 0, 100, '+');
    kit_chunk(&sim, a, "mid1", "", NULL, &body, 60, 50, '+');
    assert_int_equal(relay_counts(sim.relay)->overlap_octets, 40);
    free(body.p);
    sim_done(&sim);
    row_passed("10.36");
}

static void small(struct sim *sim)
{
    sim->conf.message_max = 5000;
}

static void group_limit(struct sim *sim)
{
    relay_policy_unref(sim->policy);
    sim->policy = relay_policy_new();
    kit_add_group(sim->policy)->size_max = 5000;
    kit_add_user(sim->policy, SIM_ALICE)->size_max = 6000;
}

static void row_37(void **state)
{
#define BIG(...)                                                                                   \
    {                                                                                              \
        .data = big, .data_n = 8000, __VA_ARGS__                                                   \
    }
#define SIZE_GROUP                                                                                 \
    "217 user not authorised for SDS communications on this group identity due to message size"
#define SIZE_ONE "218 user not authorised for one-to-one SDS communications due to message size"
    static const struct row_case rows[] = {
        {.name = "declared",
         .steps = {{.range = "1-*/18446744", .n = 100, .status = 413, .err = MSRP_E_JOIN_SIZE},
                   {.from = 100, .status = 413, .err = MSRP_E_JOIN_SIZE}}},
        {.name = "2^63-1 declared",
         .steps = {{.range = "1-*/9223372036854775807", .status = 413, .err = MSRP_E_JOIN_SIZE}}},
        BIG(.name = "declared, over a smaller limit", .conf = small,
            .steps = {{.status = 413, .err = MSRP_E_JOIN_SIZE}}),
        BIG(.name = "running, over the service's limit", .conf = small,
            .steps = {{.range = "1-*/*", .n = 4000, .status = 200},
                      {.range = "4001-*/*",
                       .from = 4000,
                       .status = 413,
                       .err = RELAY_E_SDS_SIZE_ONE,
                       .warning = SIZE_ONE},
                      {.range = "5-*/*",
                       .from = 4,
                       .status = 413,
                       .err = RELAY_E_SDS_SIZE_ONE,
                       .warning = SIZE_ONE},
                      {.is_empty = true, .flag = '#', .status = 200}},
            .bob = '#'),
        BIG(.name = "declared, over the group's", .conf = group_limit, .is_group = true,
            .steps = {{.status = 413, .err = RELAY_E_SDS_SIZE_GROUP, .warning = SIZE_GROUP}}),
        BIG(.name = "declared, over the user's", .conf = group_limit,
            .steps = {{.status = 413, .err = RELAY_E_SDS_SIZE_ONE, .warning = SIZE_ONE}}),
        BIG(.name = "running, over the group's", .conf = group_limit, .is_group = true,
            .steps = {{.range = "1-*/*", .n = 4000, .status = 200},
                      {.range = "4001-*/*",
                       .from = 4000,
                       .status = 413,
                       .err = RELAY_E_SDS_SIZE_GROUP,
                       .warning = SIZE_GROUP}},
            .bob = '#'),
        {.name = "eight late chunks are answered, the ninth closes",
         .steps =
             {{.type = "text/plain", .n = 20, .status = 415, .err = RELAY_E_SDS_TYPE},
              {.from = 20, .n = 1, .pass_ms = 30001, .status = 415, .err = RELAY_E_SDS_TYPE},
              {.from = 20, .n = 1, .status = 415, .err = RELAY_E_SDS_TYPE},
              {.from = 20, .n = 1, .status = 415, .err = RELAY_E_SDS_TYPE},
              {.from = 20, .n = 1, .status = 415, .err = RELAY_E_SDS_TYPE},
              {.from = 20, .n = 1, .status = 415, .err = RELAY_E_SDS_TYPE},
              {.from = 20, .n = 1, .status = 415, .err = RELAY_E_SDS_TYPE},
              {.from = 20, .n = 1, .status = 415, .err = RELAY_E_SDS_TYPE},
              {.from = 20, .n = 1, .status = 415, .err = RELAY_E_SDS_TYPE},
              {.from = 20, .n = 1, .status = 413, .err = RELAY_E_STOPPED_STILL, .closes = true}}},
        {.name = "ten early ones do not",
         .steps = {{.type = "text/plain", .n = 20, .status = 415, .err = RELAY_E_SDS_TYPE},
                   {.from = 20, .n = 1, .pass_ms = 29000, .status = 415, .err = RELAY_E_SDS_TYPE},
                   {.from = 20, .n = 1, .status = 415, .err = RELAY_E_SDS_TYPE},
                   {.from = 20, .n = 1, .status = 415, .err = RELAY_E_SDS_TYPE},
                   {.from = 20, .n = 1, .status = 415, .err = RELAY_E_SDS_TYPE},
                   {.from = 20, .n = 1, .status = 415, .err = RELAY_E_SDS_TYPE},
                   {.from = 20, .n = 1, .status = 415, .err = RELAY_E_SDS_TYPE},
                   {.from = 20, .n = 1, .status = 415, .err = RELAY_E_SDS_TYPE},
                   {.from = 20, .n = 1, .status = 415, .err = RELAY_E_SDS_TYPE},
                   {.from = 20, .n = 1, .status = 415, .err = RELAY_E_SDS_TYPE},
                   {.from = 20, .n = 1, .status = 415, .err = RELAY_E_SDS_TYPE}}},
    };

    (void)state;
    ROWS(rows);
    row_passed("10.37");
}

static void few_gaps(struct sim *sim)
{
    sim->conf.gaps_max = 2;
    sim->conf.gap_max = 1000;
    sim->conf.open_messages_max = 3;
}

static void row_38(void **state)
{
    static const struct row_case rows[] = {
        {.name = "the fourth of three open messages",
         .conf = few_gaps,
         .steps = {{.id = "mid1", .n = 10, .status = 200},
                   {.id = "mid2", .n = 10, .status = 200},
                   {.id = "mid3", .n = 10, .status = 200},
                   {.id = "mid4", .n = 10, .status = 413, .err = RELAY_E_TOO_MANY_OPEN},
                   {.id = "mid4", .from = 10, .status = 413, .err = RELAY_E_TOO_MANY_OPEN},
                   {.id = "mid1", .from = 10, .status = 200},
                   {.id = "mid5", .n = 10, .status = 200}},
         .bob = '$'},
        {.name = "the third gap",
         .conf = few_gaps,
         .steps = {{.n = 5, .status = 200},
                   {.from = 10, .n = 5, .status = 200},
                   {.from = 20, .n = 5, .status = 200},
                   {.from = 30, .n = 5, .status = 413, .err = MSRP_E_JOIN_GAPS},
                   {.from = 40, .n = 5, .status = 413, .err = MSRP_E_JOIN_GAPS}}},
        {.name = "octets behind a gap",
         .conf = few_gaps,
         .data = big,
         .data_n = 4000,
         .steps = {{.from = 10, .n = 900, .status = 200},
                   {.from = 910, .n = 101, .status = 413, .err = MSRP_E_JOIN_HELD}}},
        {.name = "nobody goes on with it",
         .steps = {{.n = 10, .status = 200},
                   {.from = 10, .pass_ms = 61000, .status = 413, .err = RELAY_E_STALE}}},
    };

    (void)state;
    ROWS(rows);
    row_passed("10.38");
}

/* Told once: by a REPORT as no chunk waits for its answer; later chunks get the code again. */
static void row_39(void **state)
{
    (void)state;
    for (enum asked asked = ASKED_ABSENT; asked <= ASKED_NO; asked++) {
        static const char *const lines[] = {
            "", "Failure-Report: yes\r\n", "Failure-Report: partial\r\n", "Failure-Report: no\r\n"};
        struct sim sim;
        struct kit_sds sds = kit_group("");
        struct kit_heard alice = {0}, bob = {0};
        sds.data = big;
        sds.data_n = 20000;
        struct kit_text body = kit_body(&sds);
        sim_init(&sim);
        kit_add_group(sim.policy);
        sim_start(&sim);
        unsigned a = sim_user(&sim, SIM_ALICE), b = sim_user(&sim, SIM_BOB);
        kit_chunk(&sim, a, "mid1", lines[asked], NULL, &body, 0, 10000, '+');
        sim_clear(&sim, a);
        kit_hear_all(&sim, b, &bob, 200);
        assert_int_equal(bob.n, 1);
        assert_int_equal(bob.got[0].flag, '+'); /* before the last octet has come */
        struct relay_policy *policy = relay_policy_new();
        struct relay_group *group = relay_policy_add_group(policy, KIT_GROUP);
        group->sds = true;
        assert_non_null(relay_group_add(group, SIM_BOB));
        kit_policy(&sim, policy); /* alice is out */
        kit_hear_all(&sim, a, &alice, 0);
        assert_int_equal(alice.reports, asked == ASKED_NO ? 0 : 1);
        if (alice.reports) {
            char range[64];
            assert_int_equal(alice.status, 403);
            snprintf(range, sizeof range, "1-10000/%zu", body.n);
            assert_string_equal(alice.range, range);
        }
        kit_hear_all(&sim, b, &bob, 200);
        assert_int_equal(bob.got[0].flag, '#');
        const char *tid =
            kit_chunk(&sim, a, "mid1", lines[asked], NULL, &body, 10000, body.n - 10000, '$');
        assert_int_equal(kit_code(&sim, a, tid), asked == ASKED_NO ? 0 : 403);
        sim_clear(&sim, a);
        sim_pass(&sim, 20000);
        kit_hear_all(&sim, a, &alice, 0);
        assert_int_equal(alice.reports, asked == ASKED_NO ? 0 : 1);
        kit_free(&bob);
        free(body.p);
        sim_done(&sim);
    }
    row_passed("10.39");
}

static void row_40(void **state)
{
    static const struct row_case rows[] = {
        {.name = "before the label",
         .steps = {{.n = 10, .status = 200},
                   {.is_empty = true, .flag = '#', .status = 200, .err = RELAY_E_ABORTED},
                   {.from = 10, .status = 413, .err = RELAY_E_STOPPED},
                   {.is_empty = true, .flag = '#', .status = 200}}},
        {.name = "in the payload",
         .data = big,
         .data_n = 10000,
         .steps = {{.n = 9000, .status = 200},
                   {.from = 9000, .n = 100, .flag = '#', .status = 200, .err = RELAY_E_ABORTED},
                   {.from = 9100, .status = 413, .err = RELAY_E_STOPPED}},
         .bob = '#'},
        {.name = "of a message nobody knows",
         .steps = {{.is_empty = true, .flag = '#', .status = 200}}},
        {.name = "at once",
         .steps = {{.n = 100, .flag = '#', .status = 200, .err = RELAY_E_ABORTED}}},
    };

    (void)state;
    ROWS(rows);
    row_passed("10.40");
}

/* An end-line with another flag is body: the message goes on behind it. */
static void row_41(void **state)
{
    static const struct row_case rows[] = {
        {.name = "another flag in the payload",
         .data = "x\r\n-------tid00001!\r\ny",
         .steps = {{.status = 200}},
         .bob = '$'},
    };

    (void)state;
    ROWS(rows);

    struct sim sim;
    struct kit_heard bob = {0};
    struct kit_sds sds = kit_sds(SIM_BOB, "");
    char payload[128];
    sim_init(&sim);
    sim.conf.payload = RELAY_PROTECTION_ALLOWED;
    sim_start(&sim);
    unsigned a = sim_user(&sim, SIM_ALICE), b = sim_user(&sim, SIM_BOB);
    int n = snprintf(payload, sizeof payload, "\x03\x01\x78%c%c\x01\r\n-------tid%05u!\r\nabcd", 0,
                     0, kit_tids + 1);
    n = 6 + 2 + 7 + 8 + 1 + 2 + 4;
    memcpy(payload, "\x03\x01\x78\0\0\x01", 6);
    snprintf(payload + 6, sizeof payload - 6, "\r\n-------tid%05u!\r\nabcd", kit_tids + 1);
    payload[4] = (char)(n - 5);
    sds.payload = payload;
    sds.payload_n = (size_t)n;
    assert_int_equal(kit_send(&sim, a, &sds, "mid1"), 200);
    kit_hear_all(&sim, b, &bob, 200);
    assert_int_equal(bob.got[0].flag, '$');
    kit_same_payload(&bob.got[0], &sds);
    kit_free(&bob);
    sim_done(&sim);
    row_passed("10.41");
}

static void not_member(struct sim *sim)
{
    relay_policy_unref(sim->policy);
    sim->policy = relay_policy_new();
    struct relay_group *group = relay_policy_add_group(sim->policy, KIT_GROUP);
    group->sds = true;
    assert_non_null(relay_group_add(group, SIM_BOB));
}

static void listen_only(struct sim *sim)
{
    relay_policy_unref(sim->policy);
    sim->policy = relay_policy_new();
    struct relay_group *group = kit_add_group(sim->policy);
    for (size_t i = 0; i < group->members_n; i++)
        group->members[i].may_transmit = false;
}

static void no_sds(struct sim *sim)
{
    relay_policy_unref(sim->policy);
    sim->policy = relay_policy_new();
    kit_add_group(sim->policy)->sds = false;
}

static void explicit_none(struct sim *sim)
{
    sim->conf.affiliation_explicit = true;
}

static void barred(struct sim *sim)
{
    kit_add_user(sim->policy, SIM_ALICE)->may_send_one = false;
}

static void row_42(void **state)
{
    static const struct row_case rows[] = {
        {.name = "not a member",
         .is_group = true,
         .conf = not_member,
         .steps = {{.status = 403,
                    .err = RELAY_E_SDS_NOT_MEMBER,
                    .warning = "116 user is not part of the MCData group"}}},
        {.name = "may not transmit",
         .is_group = true,
         .conf = listen_only,
         .steps = {{.status = 403,
                    .err = RELAY_E_SDS_TRANSMIT,
                    .warning = "201 user not authorised to transmit data on this group identity"}}},
        {.name = "no SDS in the group",
         .is_group = true,
         .conf = no_sds,
         .steps = {{.status = 403,
                    .err = RELAY_E_SDS_GROUP_SDS,
                    .warning = "206 short data service not allowed for this group"}}},
        {.name = "not affiliated",
         .is_group = true,
         .conf = explicit_none,
         .steps = {{.status = 403,
                    .err = RELAY_E_SDS_AFFILIATION,
                    .warning = "120 user is not affiliated to this group"}}},
        {.name = "may not send one-to-one",
         .conf = barred,
         .steps = {{.status = 403,
                    .err = RELAY_E_SDS_NOT_ALLOWED,
                    .warning = "204 unable to determine targeted user for one-to-one SDS"}}},
    };

    (void)state;
    ROWS(rows);
    row_passed("10.42");
}

static void row_43(void **state)
{
    (void)state;
    for (int split = 0; split < 2; split++) {
        struct sim sim;
        struct kit_sds sds = kit_sds(SIM_BOB, "one"), other = kit_sds(SIM_BOB, "two");
        struct kit_heard bob = {0};
        sim_init(&sim);
        sim_start(&sim);
        unsigned a = sim_user(&sim, SIM_ALICE), b = sim_user(&sim, SIM_BOB);
        sim.split = split;
        assert_int_equal(kit_send(&sim, a, &sds, "mid1"), 200);
        kit_hear_all(&sim, b, &bob, 200);
        assert_int_equal(kit_send(&sim, a, &sds, "mid2"), 200); /* the same: swallowed */
        assert_int_equal(relay_counts(sim.relay)->duplicates, 1);
        assert_non_null(kit_event(&sim, RELAY_EVENT_DUPLICATE));
        assert_null(kit_event(&sim, RELAY_EVENT_ALARM));
        assert_int_equal(kit_send(&sim, a, &other, "mid3"), 403); /* another under its IDs */
        assert_int_equal(sim.last_refusal, RELAY_E_SDS_CONFLICT);
        const struct relay_event *alarm = kit_event(&sim, RELAY_EVENT_ALARM);
        assert_non_null(alarm);
        assert_int_equal(alarm->err, RELAY_E_SDS_CONFLICT);
        assert_string_equal(alarm->target, SIM_BOB);
        kit_hear_all(&sim, b, &bob, 200);
        assert_int_equal(bob.n, 1);
        kit_same_payload(&bob.got[0], &sds);
        kit_free(&bob);
        sim_done(&sim);
    }
    row_passed("10.43");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(row_25), cmocka_unit_test(row_28),       cmocka_unit_test(row_29_30),
        cmocka_unit_test(row_31), cmocka_unit_test(row_32_to_36), cmocka_unit_test(row_37),
        cmocka_unit_test(row_38), cmocka_unit_test(row_39),       cmocka_unit_test(row_40),
        cmocka_unit_test(row_41), cmocka_unit_test(row_42),       cmocka_unit_test(row_43),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
