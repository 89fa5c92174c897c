/* answers_message.c - rows of the answer table that a message decides: 25, 28, 31-43. */
#include "tests/relay/answers.h"
#include "tests/relay/letter.h"

static const char *const lines[] = {"", "Failure-Report: yes\r\n", "Failure-Report: partial\r\n",
                                    "Failure-Report: no\r\n"};

/* One run of a test: alice sends, bob and carol listen. */
struct run {
    struct sim sim;
    unsigned a, b, c;
    enum asked asked;
    char *body;
    size_t n; /* of body */
};

static void begin(struct run *run, enum asked asked, bool split)
{
    run->asked = asked;
    sim_init(&run->sim);
    run->sim.conf.signalling = RELAY_PROTECTION_ALLOWED;
    run->sim.conf.keepalive_ms = 10000000;
    letter_group(&run->sim);
    sim_start(&run->sim);
    run->a = sim_user(&run->sim, SIM_ALICE);
    run->b = sim_user(&run->sim, SIM_BOB);
    run->c = sim_user(&run->sim, SIM_CAROL);
    run->sim.split = split;
    run->body = sim_alloc(NULL, 1 << 20);
    sim_clear_all(&run->sim);
}

static void end(struct run *run)
{
    free(run->body);
    answer_check_alive(&run->sim, run->b, "bob");
    sim_done(&run->sim);
}

static void prepare(struct run *run, const struct letter *letter)
{
    run->n = letter_write(letter, run->body, 1 << 20);
}

/* What alice has heard is exactly the response that is due, and is forgotten then. */
static void answered(struct run *run, const char *tid, int status, const char *warning)
{
    struct answer answer = {.name = tid, .status = status, .warning = warning};
    char want[4096] = "";

    if (answer_is_due(run->asked, status, false))
        answer_expected(&run->sim, &answer, run->a, run->b, run->asked, tid, want, sizeof want);
    answer_compare(&answer, run->asked, run->sim.split, sim_heard(&run->sim, run->a), want);
    sim_clear(&run->sim, run->a);
}

/* Exactly one refusal since the last look, for this reason; 0: none. */
static void refused(struct run *run, int err)
{
    if (run->sim.refusals != (err != 0) || run->sim.last_refusal != err)
        fail_msg("(%d): %u refusals, the last %s, want %s", run->asked, run->sim.refusals,
                 relay_err_row(run->sim.last_refusal)->name, relay_err_row(err)->name);
    run->sim.refusals = 0;
    run->sim.last_refusal = 0;
}

/* Octets [from, to) of the body as a chunk of message `id`, with the run's Failure-Report. */
static void say(struct run *run, const char *tid, const char *id, size_t from, size_t to,
                const char *range, char flag)
{
    letter_say(
        &run->sim, run->a, run->body, from, to, run->n,
        &(struct letter_chunk){
            .tid = tid, .message_id = id, .more = lines[run->asked], .range = range, .flag = flag});
}

#define EACH(run)                                                                                  \
    for (struct run run##_, *run = &run##_; run; run = NULL)                                       \
        for (enum asked asked = ASKED_ABSENT; asked <= ASKED_NO; asked++)                          \
            for (int split = 0; split < 2; split++)

static void test_row_25(void **state)
{
    static const struct {
        const char *type;
        int err, status;
    } rows[] = {
        {"text/plain", RELAY_E_SDS_TYPE, 415},
        {"multipart/alternative;boundary=" LETTER_BOUNDARY, RELAY_E_SDS_TYPE, 415},
        {"message/cpim", RELAY_E_SDS_TYPE, 415},
        {"application/vnd.3gpp.mcdata-payload", RELAY_E_SDS_TYPE, 415},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        EACH(run)
        {
            begin(run, asked, split);
            prepare(run, &LETTER(SIM_BOB, 1));
            letter_say(&run->sim, run->a, run->body, 0, run->n, run->n,
                       &(struct letter_chunk){.tid = "tid1",
                                              .message_id = "mmmm",
                                              .more = lines[asked],
                                              .type = rows[i].type,
                                              .flag = '$'});
            answered(run, "tid1", rows[i].status, NULL);
            refused(run, rows[i].err);
            assert_string_equal(sim_heard(&run->sim, run->b), "");
            end(run);
        }
    }
    row_passed("10.25");
}

static void test_row_28(void **state)
{
    static const char *const changes[] = {"Success-Report: yes\r\n", "Failure-Report: %s\r\n"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        EACH(run)
        {
            char more[128];

            if (i == 1 && asked != ASKED_ABSENT && asked != ASKED_YES)
                continue; /* the change itself would decide whether an answer is due */
            begin(run, asked, split);
            prepare(run, &LETTER(SIM_BOB, 1));
            say(run, "tid1", "mmmm", 0, 500, NULL, '+');
            answered(run, "tid1", 200, NULL);
            snprintf(more, sizeof more, changes[i], "partial");
            if (i == 0)
                strcat(more, lines[asked]);
            letter_say(&run->sim, run->a, run->body, 500, 550, run->n,
                       &(struct letter_chunk){
                           .tid = "tid2", .message_id = "mmmm", .more = more, .flag = '+'});
            answered(run, "tid2", 400, NULL);
            refused(run, RELAY_E_FLAGS_DIFFER);
            /* the message is aborted */
            say(run, "tid3", "mmmm", 550, run->n, NULL, '$');
            answered(run, "tid3", 400, NULL);
            assert_false(letter_heard(&run->sim, run->b, "--" LETTER_BOUNDARY));
            assert_int_equal(letter_count(&run->sim, run->b, "$\r\n"), 0);
            assert_int_equal(relay_counts(run->sim.relay)->messages_delivered, 0);
            end(run);
        }
    }
    row_passed("10.28");
}

static void test_row_31(void **state)
{
    (void)state;
    EACH(run)
    {
        char range[64];

        /* the total changes */
        begin(run, asked, split);
        prepare(run, &LETTER(SIM_BOB, 1));
        say(run, "tid1", "mmmm", 0, 100, NULL, '+');
        answered(run, "tid1", 200, NULL);
        snprintf(range, sizeof range, "101-200/%zu", run->n + 1);
        say(run, "tid2", "mmmm", 100, 200, range, '+');
        answered(run, "tid2", 400, NULL);
        refused(run, MSRP_E_JOIN_TOTAL);
        say(run, "tid3", "mmmm", 200, run->n, NULL, '$');
        answered(run, "tid3", 400, NULL);
        end(run);

        /* the `$` chunk does not end at the total */
        begin(run, asked, split);
        prepare(run, &LETTER(SIM_BOB, 1));
        say(run, "tid1", "mmmm", 0, 100, NULL, '$');
        answered(run, "tid1", 400, NULL);
        refused(run, MSRP_E_JOIN_END);
        say(run, "tid2", "mmmm", 100, run->n, NULL, '$');
        answered(run, "tid2", 400, NULL);
        assert_string_equal(sim_heard(&run->sim, run->b), "");
        end(run);
    }
    row_passed("10.31");
}

/* rows 32, 34 and 41 are about what is accepted: bob gets the letter whole */
static void check_delivered(struct run *run, size_t n)
{
    assert_int_equal(letter_longest(&run->sim, run->b, 'x'), n);
    assert_int_equal(
        letter_count(&run->sim, run->b, "Content-Type: application/vnd.3gpp.mcdata-payload"), 1);
    assert_true(sim_answer_all(&run->sim, run->b, 200) >= 1);
    assert_int_equal(relay_counts(run->sim.relay)->messages_delivered, 1);
    refused(run, 0);
}

static void test_row_32(void **state)
{
    (void)state;
    EACH(run)
    {
        char range[64];

        begin(run, asked, split);
        prepare(run, &LETTER(SIM_BOB, 1));
        snprintf(range, sizeof range, "1-%zu/%zu", run->n, run->n);
        say(run, "tid1", "mmmm", 0, 100, range, '+'); /* says all, brings 100 */
        answered(run, "tid1", 200, NULL);
        say(run, "tid2", "mmmm", 100, run->n, NULL, '$');
        answered(run, "tid2", 200, NULL);
        check_delivered(run, 100);
        end(run);
    }
    row_passed("10.32");
}

static void test_row_33(void **state)
{
    (void)state;
    EACH(run)
    {
        char range[64];

        begin(run, asked, split);
        prepare(run, &LETTER(SIM_BOB, 1));
        snprintf(range, sizeof range, "1-100/%zu", run->n);
        say(run, "tid1", "mmmm", 0, 101, range, '+');
        answered(run, "tid1", 400, NULL);
        refused(run, MSRP_E_JOIN_OVER);
        assert_string_equal(sim_heard(&run->sim, run->b), "");
        end(run);
    }
    row_passed("10.33");
}

static void test_row_34(void **state)
{
    (void)state;
    EACH(run)
    {
        struct letter letter = LETTER(SIM_BOB, 1);

        begin(run, asked, split);
        letter.n = 20000;
        prepare(run, &letter);
        say(run, "tid1", "mmmm", 0, 15000, NULL, '+');
        answered(run, "tid1", 200, NULL);
        say(run, "tid2", "mmmm", 15000, run->n, NULL, '$');
        answered(run, "tid2", 200, NULL);
        sim_pump(&run->sim);
        assert_true(letter_longest(&run->sim, run->b, 'x') >= 10000);
        assert_true(sim_answer_all(&run->sim, run->b, 200) >= 1);
        assert_int_equal(relay_counts(run->sim.relay)->messages_delivered, 1);
        refused(run, 0);
        end(run);
    }
    row_passed("10.34");
}

static void test_row_35(void **state)
{
    (void)state;
    EACH(run)
    {
        begin(run, asked, split);
        prepare(run, &LETTER(SIM_BOB, 1));
        say(run, "tid1", "mmmm", 0, 100, NULL, '+');
        answered(run, "tid1", 200, NULL);
        say(run, "tid2", "mmmm", 100, run->n, "", '$');
        answered(run, "tid2", 400, NULL);
        refused(run, MSRP_E_JOIN_NO_RANGE);
        assert_string_equal(sim_heard(&run->sim, run->b), "");
        end(run);
    }
    row_passed("10.35");
}

/* Octets that come twice: what came first has perhaps gone already, and wins. */
static void test_row_36(void **state)
{
    (void)state;
    EACH(run)
    {
        struct letter letter = LETTER(SIM_BOB, 1);
        uint64_t overlap;

        begin(run, asked, split);
        prepare(run, &letter);
        size_t cut = run->n - 60;
        say(run, "tid1", "mmmm", 0, cut, NULL, '+');
        answered(run, "tid1", 200, NULL);
        /* the last 50 octets before the cut again, with another content */
        memset(run->body + cut - 50, 'y', 50);
        say(run, "tid2", "mmmm", cut - 50, run->n, NULL, '$');
        answered(run, "tid2", 200, NULL);
        overlap = relay_counts(run->sim.relay)->overlap_octets;
        assert_int_equal(overlap, 50);
        assert_false(letter_heard(&run->sim, run->b, "yyyyy"));
        check_delivered(run, 100);
        end(run);
    }
    row_passed("10.36");
    row_passed("C10");
}

static void test_row_37(void **state)
{
    (void)state;
    EACH(run)
    {
        char tid[16];

        begin(run, asked, split);
        prepare(run, &LETTER(SIM_BOB, 1));
        /* a declared total beyond the limit; nothing is allocated for it */
        say(run, "tid0", "mmmm", 0, 100, "1-100/15728641", '+');
        answered(run, "tid0", 413, NULL);
        refused(run, MSRP_E_JOIN_SIZE);
        for (unsigned i = 1; i <= 20; i++) { /* within 30 s: always the same */
            snprintf(tid, sizeof tid, "tid%u", i);
            say(run, tid, "mmmm", 100 * i, 100 * i + 100, "101-200/15728641", '+');
            answered(run, tid, 413, NULL);
        }
        sim_pass(&run->sim, 30250);
        run->sim.refusals = 0;
        for (unsigned i = 1; i <= 8; i++) {
            snprintf(tid, sizeof tid, "late%u", i);
            say(run, tid, "mmmm", 0, 100, "101-200/15728641", '+');
            answered(run, tid, 413, NULL);
            assert_false(run->sim.conns[run->a].is_closing);
        }
        run->sim.refusals = 0;
        say(run, "late9", "mmmm", 0, 100, "101-200/15728641", '+');
        assert_string_equal(sim_heard(&run->sim, run->a), "");
        assert_true(run->sim.conns[run->a].is_closing);
        refused(run, RELAY_E_STOPPED_STILL);
        end(run);
    }
    row_passed("10.37");
}

/* The same for a message whose total is not told: it is stopped when it grows too large. */
static void test_row_37_running(void **state)
{
    (void)state;
    EACH(run)
    {
        struct letter letter = LETTER(SIM_BOB, 1);

        sim_init(&run->sim);
        run->asked = asked;
        run->sim.conf.signalling = RELAY_PROTECTION_ALLOWED;
        run->sim.conf.message_max = 5000;
        sim_start(&run->sim);
        run->a = sim_user(&run->sim, SIM_ALICE);
        run->b = sim_user(&run->sim, SIM_BOB);
        run->sim.split = split;
        run->body = sim_alloc(NULL, 1 << 20);
        sim_clear_all(&run->sim);
        letter.n = 10000;
        prepare(run, &letter);
        say(run, "tid1", "mmmm", 0, 4000, "1-*/*", '+');
        answered(run, "tid1", 200, NULL);
        say(run, "tid2", "mmmm", 4000, 6000, "4001-*/*", '+');
        answered(run, "tid2", 413,
                 "218 user not authorised for one-to-one SDS communications due to message size");
        assert_int_equal(run->sim.refusals, 1);
        say(run, "tid3", "mmmm", 6000, run->n, "6001-*/*", '$');
        assert_int_equal(letter_answer(&run->sim, run->a, "tid3"), asked == ASKED_NO ? 0 : 413);
        assert_int_equal(relay_counts(run->sim.relay)->messages_delivered, 0);
        end(run);
    }
}

static void test_row_38(void **state)
{
    (void)state;
    EACH(run)
    {
        char tid[16], id[16];

        /* the ninth open message */
        begin(run, asked, split);
        prepare(run, &LETTER(SIM_BOB, 1));
        for (unsigned i = 1; i <= 9; i++) {
            snprintf(tid, sizeof tid, "tid%u", i);
            snprintf(id, sizeof id, "mess%u", i);
            say(run, tid, id, 0, 100, NULL, '+');
            answered(run, tid, i < 9 ? 200 : 413, NULL);
        }
        refused(run, RELAY_E_TOO_MANY_OPEN);
        /* the others go on */
        say(run, "tida", "mess3", 100, run->n, NULL, '$');
        answered(run, "tida", 200, NULL);
        assert_int_equal(letter_longest(&run->sim, run->b, 'x'), 100);
        end(run);
    }
    EACH(run)
    {
        char tid[16];
        unsigned i;

        /* gaps: every fourth octet; the 65th gap is one too many */
        begin(run, asked, split);
        prepare(run, &LETTER(SIM_BOB, 1));
        say(run, "tid0", "mmmm", 0, 1, NULL, '+');
        answered(run, "tid0", 200, NULL);
        for (i = 1; i <= 64; i++) {
            snprintf(tid, sizeof tid, "tid%u", i);
            say(run, tid, "mmmm", 4 * i, 4 * i + 1, NULL, '+');
            answered(run, tid, 200, NULL);
        }
        say(run, "tida", "mmmm", 4 * i, 4 * i + 1, NULL, '+');
        answered(run, "tida", 413, NULL);
        refused(run, MSRP_E_JOIN_GAPS);
        end(run);

        /* octets held behind a gap */
        struct letter letter = LETTER(SIM_BOB, 1);
        begin(run, asked, split);
        letter.n = 65000;
        letter.frames = 3;
        letter.n *= 3;
        prepare(run, &letter);
        say(run, "tid1", "mmmm", 10, 40000, NULL, '+');
        answered(run, "tid1", 200, NULL);
        say(run, "tid2", "mmmm", 40000, 80000, NULL, '+');
        answered(run, "tid2", 413, NULL);
        refused(run, MSRP_E_JOIN_HELD);
        end(run);
    }
    row_passed("10.38");
}

/* The receiver is too slow: the message is stopped, and the next chunk is told so, once. */
static void test_row_39(void **state)
{
    (void)state;
    EACH(run)
    {
        struct letter letter = LETTER(SIM_BOB, 1);

        if (split)
            continue; /* a million octets one by one prove nothing more */
        begin(run, asked, split);
        letter.n = 65000 * 10;
        letter.frames = 10;
        prepare(run, &letter);
        size_t at = 20000;
        say(run, "tid0", "mmmm", 0, at, NULL, '+'); /* bob gets its beginning */
        assert_true(letter_longest(&run->sim, run->b, 'x') > 10000);
        run->sim.conns[run->b].is_deaf = true;
        for (unsigned i = 1; !run->sim.conns[run->a].is_paused; i++) {
            char tid[16];
            snprintf(tid, sizeof tid, "tid%u", i);
            assert_true(at + 20000 < run->n);
            say(run, tid, "mmmm", at, at + 20000, NULL, '+');
            at += 20000;
        }
        sim_clear(&run->sim, run->a);
        sim_pass(&run->sim, 9000);
        assert_true(run->sim.conns[run->a].is_paused);
        refused(run, 0);
        sim_pass(&run->sim, 1500);
        assert_false(run->sim.conns[run->a].is_paused);
        sim_clear(&run->sim, run->a);
        run->sim.refusals = 0;
        say(run, "next", "mmmm", at, at + 20000, NULL, '+');
        assert_int_equal(letter_answer(&run->sim, run->a, "next"), asked == ASKED_NO ? 0 : 413);
        say(run, "last", "mmmm", at + 20000, run->n, NULL, '$');
        assert_int_equal(letter_answer(&run->sim, run->a, "last"), asked == ASKED_NO ? 0 : 413);
        assert_false(run->sim.conns[run->a].is_closing);
        sim_clear(&run->sim, run->a);
        /* what bob has begun to get ends with '#' */
        run->sim.conns[run->b].is_deaf = false;
        sim_pass(&run->sim, 250);
        assert_true(letter_count(&run->sim, run->b, "#\r\n") == 1);
        assert_string_equal(sim_heard(&run->sim, run->a), ""); /* no word more */
        end(run);
    }
    row_passed("10.39");
}

static void test_row_40(void **state)
{
    (void)state;
    for (int empty = 0; empty < 2; empty++) {
        EACH(run)
        {
            struct letter letter = LETTER(SIM_BOB, 1);
            size_t cut;

            begin(run, asked, split);
            letter.n = 30000;
            prepare(run, &letter);
            cut = run->n - 20000;
            say(run, "tid1", "mmmm", 0, cut, NULL, '+');
            answered(run, "tid1", 200, NULL);
            assert_true(letter_longest(&run->sim, run->b, 'x') > 1000); /* it is on its way */
            if (empty)
                sim_sayf(&run->sim, run->a,
                         "MSRP tid2 SEND\r\nTo-Path: %s " SIM_SERVICE "\r\nFrom-Path: %s\r\n%s"
                         "Message-ID: mmmm\r\n-------tid2#\r\n",
                         run->sim.conns[run->a].use_path, run->sim.conns[run->a].remote,
                         lines[asked]);
            else
                say(run, "tid2", "mmmm", cut, cut + 100, NULL, '#');
            answered(run, "tid2", 200, NULL);
            sim_pump(&run->sim);
            sim_pass(&run->sim, 250);
            assert_int_equal(letter_count(&run->sim, run->b, "#\r\n"), 1);
            assert_int_equal(letter_count(&run->sim, run->b, "$\r\n"), 0);
            /* the id is dead */
            run->sim.refusals = 0;
            say(run, "tid3", "mmmm", cut, run->n, NULL, '$');
            answered(run, "tid3", 413, NULL);
            refused(run, RELAY_E_STOPPED);
            assert_int_equal(relay_counts(run->sim.relay)->messages_delivered, 0);
            end(run);
        }
    }
    row_passed("10.40");
}

/* What looks like an end-line and is none belongs to the body. */
static void test_row_41(void **state)
{
    static const char *const fakes[] = {
        "\r\n-------tid1!\r\n", "\r\n-------tid1\r\n", "\r\n-------tid1$ \r\n",
        "-------tid1$\r\n",     "\r\n-------tid1$\n",  "\r\n-------tid12$\r\n",
        "\r\n------tid1$\r\n",  "\n-------tid1$\r\n",  "\r\n--------tid1$\r\n",
        "\r\n-------TID1$\r\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof fakes / sizeof *fakes; i++) {
        EACH(run)
        {
            begin(run, asked, split);
            prepare(run, &LETTER(SIM_BOB, 1));
            char *x = memmem(run->body, run->n, "xxxxxxxxxx", 10);
            assert_non_null(x);
            memcpy(x + 3, fakes[i], strlen(fakes[i]));
            say(run, "tid1", "mmmm", 0, run->n, NULL, '$');
            answered(run, "tid1", 200, NULL);
            assert_true(letter_heard(&run->sim, run->b, fakes[i]));
            check_delivered(run, 100 - 3 - strlen(fakes[i]));
            end(run);
        }
    }
    row_passed("10.41");
}

static void test_row_42(void **state)
{
    static const struct {
        struct letter letter;
        int err;
        const char *warning;
        int change; /* of the policy */
    } rows[] = {
        {{.group = "sip:nogroup@iops.example"},
         RELAY_E_SDS_NO_GROUP,
         "113 group document does not exist",
         0},
        {{.group = LETTER_GROUP},
         RELAY_E_SDS_NOT_MEMBER,
         "116 user is not part of the MCData group",
         1},
        {{.group = LETTER_GROUP},
         RELAY_E_SDS_GROUP_SDS,
         "206 short data service not allowed for this group",
         2},
        {{.group = LETTER_GROUP},
         RELAY_E_SDS_TRANSMIT,
         "201 user not authorised to transmit data on this group identity",
         3},
        {{.group = LETTER_GROUP},
         RELAY_E_SDS_AFFILIATION,
         "120 user is not affiliated to this group",
         4},
        {{.group = LETTER_GROUP},
         RELAY_E_SDS_NOBODY,
         "198 no users are affiliated to this group",
         5},
        {{.to = SIM_BOB},
         RELAY_E_SDS_NOT_ALLOWED,
         "204 unable to determine targeted user for one-to-one SDS",
         6},
        {{.to = NULL}, RELAY_E_SDS_TARGET, "145 unable to determine called party", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        EACH(run)
        {
            struct letter letter = rows[i].letter;
            struct relay_group *group;

            letter.id = 1;
            letter.n = 100;
            letter.fill = 'x';
            letter.tag = 0xff;
            run->asked = asked;
            sim_init(&run->sim);
            run->sim.conf.signalling = RELAY_PROTECTION_ALLOWED;
            run->sim.conf.affiliation_explicit = rows[i].change == 4 || rows[i].change == 5;
            group = relay_policy_add_group(run->sim.policy, LETTER_GROUP);
            group->sds = rows[i].change != 2;
            relay_group_add(group, SIM_BOB)->affiliated = rows[i].change == 4;
            if (rows[i].change != 1) {
                struct relay_member *alice = relay_group_add(group, SIM_ALICE);
                alice->may_transmit = rows[i].change != 3;
                alice->affiliated = rows[i].change == 5;
            }
            if (rows[i].change == 6)
                relay_policy_add_user(run->sim.policy, SIM_ALICE)->may_send_one = false;
            sim_start(&run->sim);
            run->a = sim_user(&run->sim, SIM_ALICE);
            run->b = sim_user(&run->sim, SIM_BOB);
            run->sim.split = split;
            run->body = sim_alloc(NULL, 1 << 20);
            sim_clear_all(&run->sim);
            prepare(run, &letter);
            say(run, "tid1", "mmmm", 0, run->n, NULL, '$');
            answered(run, "tid1", 403, rows[i].warning);
            refused(run, rows[i].err);
            assert_string_equal(sim_heard(&run->sim, run->b), "");
            end(run);
        }
    }
    row_passed("10.42");
}

static void test_row_43(void **state)
{
    (void)state;
    EACH(run)
    {
        struct letter letter = LETTER(SIM_BOB, 1);

        begin(run, asked, split);
        prepare(run, &letter);
        say(run, "tid1", "mess1", 0, run->n, NULL, '$');
        answered(run, "tid1", 200, NULL);
        check_delivered(run, 100);
        /* the same again: 200, and nobody hears of it */
        say(run, "tid2", "mess2", 0, run->n, NULL, '$');
        answered(run, "tid2", 200, NULL);
        assert_string_equal(sim_heard(&run->sim, run->b), "");
        assert_int_equal(relay_counts(run->sim.relay)->duplicates, 1);
        refused(run, 0);
        /* the same id with another content */
        letter.fill = 'z';
        prepare(run, &letter);
        run->sim.events_n = 0;
        say(run, "tid3", "mess3", 0, run->n, NULL, '$');
        answered(run, "tid3", 403, NULL);
        refused(run, RELAY_E_SDS_CONFLICT);
        assert_string_equal(sim_heard(&run->sim, run->b), "");
        bool has_alarm = false;
        for (unsigned i = 0; i < run->sim.events_n && i < SIM_EVENTS_MAX; i++)
            has_alarm |= run->sim.events[i].kind == RELAY_EVENT_ALARM &&
                         run->sim.events[i].err == RELAY_E_SDS_CONFLICT;
        assert_true(has_alarm);
        end(run);
    }
    row_passed("10.43");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_row_25), cmocka_unit_test(test_row_28),
        cmocka_unit_test(test_row_31), cmocka_unit_test(test_row_32),
        cmocka_unit_test(test_row_33), cmocka_unit_test(test_row_34),
        cmocka_unit_test(test_row_35), cmocka_unit_test(test_row_36),
        cmocka_unit_test(test_row_37), cmocka_unit_test(test_row_37_running),
        cmocka_unit_test(test_row_38), cmocka_unit_test(test_row_39),
        cmocka_unit_test(test_row_40), cmocka_unit_test(test_row_41),
        cmocka_unit_test(test_row_42), cmocka_unit_test(test_row_43),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
