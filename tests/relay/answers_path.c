/* answers_path.c - rows of the answer table that paths and sessions decide: 13-21, 61, 63; and G2.
 */
#include "tests/relay/answers.h"

#define END  "-------tidx$\r\n"
#define BODY "Content-Type: text/plain\r\n\r\nhello\r\n-------tidx$\r\n"
#define HEAD(to, from)                                                                             \
    "MSRP tidx SEND\r\nTo-Path: " to "\r\nFrom-Path: " from "\r\n%VMessage-ID: mmmm\r\n"
#define NEXT   "msrps://next.invalid:2855/hop;tcp"
#define NOBODY "msrps://" SIM_NAME ":2855/abcdefghijklmnopqrstuvwxyz;tcp"

static void test_row_13(void **state)
{
    static const struct answer answers[] = {
        {.name = "to the service",
         .said = HEAD(NOBODY " %S", "%F") BODY,
         .status = 481,
         .err = RELAY_E_SESSION,
         .from = NOBODY},
        {.name = "sign of life",
         .said = HEAD(NOBODY, "%F") END,
         .status = 481,
         .err = RELAY_E_SESSION,
         .from = NOBODY},
        {.name = "the relay itself",
         .said = HEAD("%R", "%F") END,
         .status = 481,
         .err = RELAY_E_SESSION,
         .from = "%R"},
        {.name = "the service without a session",
         .said = HEAD("%S", "%F") BODY,
         .status = 481,
         .err = RELAY_E_SESSION,
         .from = "%S"},
        {.name = "short id",
         .said = HEAD("msrps://" SIM_NAME ":2855/x;tcp %S", "%F") BODY,
         .status = 481,
         .err = RELAY_E_SESSION,
         .from = "msrps://" SIM_NAME ":2855/x;tcp"},
        {.name = "stranger",
         .said = HEAD(NOBODY " %S", "%F") BODY,
         .status = 481,
         .err = RELAY_E_SESSION,
         .from = NOBODY,
         .is_stranger = true},
        {.name = "content for the Use-Path itself",
         .said = HEAD("%U", "%F") BODY,
         .status = 481,
         .err = RELAY_E_SESSION},
    };

    (void)state;
    ANSWERS(answers);
    row_passed("10.13");
}

/* The answer is that of row 13 but for the URI that was asked: no oracle (threat T35). */
static void test_row_14(void **state)
{
    static const struct answer answers[] = {
        {.name = "to the service",
         .said = HEAD("%O %S", "%F") BODY,
         .status = 481,
         .err = RELAY_E_HIJACK,
         .from = "%O"},
        {.name = "sign of life",
         .said = HEAD("%O", "%F") END,
         .status = 481,
         .err = RELAY_E_HIJACK,
         .from = "%O"},
        {.name = "by a stranger",
         .said = HEAD("%O %S", "%F") BODY,
         .status = 481,
         .err = RELAY_E_HIJACK,
         .from = "%O",
         .is_stranger = true},
    };

    (void)state;
    ANSWERS(answers);
    row_passed("10.14");
}

static void test_row_15(void **state)
{
    static const struct answer answers[] = {
        {.name = "beyond the service",
         .said = HEAD("%U %S " NEXT, "%F") BODY,
         .status = 481,
         .err = RELAY_E_PATH_LONG},
        {.name = "beyond the service, no body",
         .said = HEAD("%U %S " NEXT, "%F") END,
         .status = 481,
         .err = RELAY_E_PATH_LONG},
    };

    (void)state;
    ANSWERS(answers);
    row_passed("10.15");
}

static void test_row_16(void **state)
{
    static const struct answer answers[] = {
        {.name = "another host",
         .said = HEAD(NEXT, "%F") BODY,
         .err = RELAY_E_NOT_OURS,
         .closes = true},
        {.name = "another port",
         .said = HEAD("msrps://" SIM_NAME ":2856/x;tcp", "%F") END,
         .err = RELAY_E_NOT_OURS,
         .closes = true},
        {.name = "another transport",
         .said = HEAD("msrps://" SIM_NAME ":2855/x;ws", "%F") END,
         .err = RELAY_E_NOT_OURS,
         .closes = true},
        {.name = "an address",
         .said = HEAD("msrps://127.0.0.1:2855/x;tcp", "%F") END,
         .err = RELAY_E_NOT_OURS,
         .closes = true},
        {.name = "unknown method",
         .said = "MSRP tidx MOVE\r\nTo-Path: " NEXT "\r\nFrom-Path: %F\r\n%V" END,
         .err = RELAY_E_NOT_OURS,
         .closes = true},
        {.name = "AUTH",
         .said = "MSRP tidx AUTH\r\nTo-Path: msrps://next.invalid;tcp\r\nFrom-Path: %F\r\n%V" END,
         .err = RELAY_E_NOT_OURS,
         .closes = true},
        {.name = "REPORT",
         .said = "MSRP tidx REPORT\r\nTo-Path: " NEXT "\r\nFrom-Path: %F\r\nMessage-ID: mmmm\r\n"
                 "Status: 000 200 OK\r\n" END,
         .err = RELAY_E_NOT_OURS,
         .closes = true},
    };
    static const struct answer good[] = {
        {.name = "upper case", .said = HEAD("%U", "%F") END, .status = 200},
    };

    (void)state;
    ANSWERS(answers);
    ANSWERS(good);
    row_passed("10.16");
}

static void test_row_17(void **state)
{
    static const struct answer answers[] = {
        {.name = "goes on",
         .said = HEAD(NOBODY " " NEXT, "%F") BODY,
         .report = 481,
         .err = RELAY_E_PATH_SESSION,
         .from = NOBODY,
         .range = "1-5/*"},
        {.name = "goes on, with a range",
         .said = HEAD(NOBODY " " NEXT, "%F") "Byte-Range: 11-*/90\r\n" BODY,
         .report = 481,
         .err = RELAY_E_PATH_SESSION,
         .from = NOBODY,
         .range = "11-15/90"},
        {.name = "another's, goes on",
         .said = HEAD("%O " NEXT, "%F") BODY,
         .report = 481,
         .err = RELAY_E_PATH_SESSION,
         .from = "%O",
         .range = "1-5/*"},
        {.name = "ends at the service",
         .said = HEAD(NOBODY " %S", "%F") BODY,
         .status = 481,
         .err = RELAY_E_SESSION,
         .from = NOBODY},
        /* G2: a REPORT is dropped without a word */
        {.name = "REPORT goes on",
         .said = "MSRP tidx REPORT\r\nTo-Path: " NOBODY " " NEXT "\r\nFrom-Path: %F\r\n"
                 "Message-ID: mmmm\r\nStatus: 000 408 Timeout\r\n" END,
         .err = RELAY_E_PATH_SESSION},
    };

    (void)state;
    ANSWERS(answers);
    row_passed("10.17");
}

static void test_row_18(void **state)
{
    static const struct answer answers[] = {
        {.name = "to somewhere",
         .said = HEAD("%U " NEXT, "%F") BODY,
         .report = 403,
         .err = RELAY_E_PATH_FOREIGN,
         .range = "1-5/*"},
        {.name = "to another user of ours",
         .said = HEAD("%U %O", "%F") BODY,
         .report = 403,
         .err = RELAY_E_PATH_FOREIGN,
         .range = "1-5/*"},
        {.name = "empty body",
         .said =
             HEAD("%U " NEXT, "%F") "Byte-Range: 1-0/0\r\nContent-Type: text/plain\r\n\r\n\r\n" END,
         .report = 403,
         .err = RELAY_E_PATH_FOREIGN,
         .range = "1-0/0"},
        {.name = "REPORT goes on",
         .said = "MSRP tidx REPORT\r\nTo-Path: %U " NEXT "\r\nFrom-Path: %F\r\n"
                 "Message-ID: mmmm\r\nStatus: 000 408 Timeout\r\n" END,
         .err = RELAY_E_PATH_FOREIGN},
    };

    (void)state;
    ANSWERS(answers);
    row_passed("10.18");
}

static void test_row_19(void **state)
{
#define X(n) " msrps://h" n ".invalid:1/x;tcp"
    static const struct answer answers[] = {
        {.name = "nine",
         .said = HEAD("%U" X("1") X("2") X("3") X("4") X("5") X("6") X("7") X("8"), "%F") BODY,
         .status = 400,
         .err = MSRP_E_URIS_MANY},
        {.name = "nine in From-Path",
         .said = HEAD("%U %S", "%F" X("1") X("2") X("3") X("4") X("5") X("6") X("7") X("8")) BODY,
         .status = 400,
         .err = MSRP_E_URIS_MANY},
        {.name = "loop", .said = HEAD("%U " NEXT " " NEXT, "%F") BODY, .err = RELAY_E_PATH_LOOP},
        {.name = "loop over both",
         .said = HEAD("%U " NEXT, NEXT " %F") BODY,
         .err = RELAY_E_PATH_LOOP},
        {.name = "loop to ourselves", .said = HEAD("%U %U", "%F") BODY, .err = RELAY_E_PATH_LOOP},
        {.name = "loop in other letters",
         .said = HEAD("%U " NEXT " msrps://NEXT.invalid:2855/hop;TCP", "%F") BODY,
         .err = RELAY_E_PATH_LOOP},
    };
    static const struct answer eight[] = {
        {.name = "eight",
         .said = HEAD("%U" X("1") X("2") X("3") X("4") X("5") X("6") X("7"), "%F") BODY,
         .report = 403,
         .err = RELAY_E_PATH_FOREIGN,
         .range = "1-5/*"},
    };
#undef X

    (void)state;
    ANSWERS(answers);
    ANSWERS(eight);
    row_passed("10.19");
}

static void test_row_20(void **state)
{
    static const struct answer answers[] = {
        {.name = "our URI",
         .said = HEAD("msrp://" SIM_NAME ":2855/x;tcp %S", "%F") BODY,
         .status = 403,
         .err = RELAY_E_PATH_PLAIN,
         .from = "msrp://" SIM_NAME ":2855/x;tcp"},
        {.name = "the service",
         .said = HEAD("%U msrp://" SIM_NAME ":2855/sds;tcp", "%F") BODY,
         .status = 403,
         .err = RELAY_E_PATH_PLAIN},
        {.name = "From-Path",
         .said = HEAD("%U %S", "msrp://client.invalid:9/x;tcp") BODY,
         .status = 403,
         .err = RELAY_E_PATH_PLAIN,
         .to = "msrp://client.invalid:9/x;tcp"},
        {.name = "AUTH",
         .said = "MSRP tidx AUTH\r\nTo-Path: msrp://" SIM_NAME ":2855;tcp\r\n"
                 "From-Path: %F\r\n%V" END,
         .status = 403,
         .err = RELAY_E_PATH_PLAIN,
         .from = "msrp://" SIM_NAME ":2855;tcp"},
    };

    (void)state;
    ANSWERS(answers);
    row_passed("10.20");
}

static void test_row_21(void **state)
{
#define EVE "msrps://eve.invalid:9/s;tcp"
    static const struct answer answers[] = {
        {.name = "another URI",
         .said = HEAD("%U %S", EVE) BODY,
         .status = 403,
         .err = RELAY_E_IDENT,
         .to = EVE},
        {.name = "one more URI",
         .said = HEAD("%U %S", "%F " EVE) BODY,
         .status = 403,
         .err = RELAY_E_IDENT},
        {.name = "one more URI in front",
         .said = HEAD("%U %S", EVE " %F") BODY,
         .status = 403,
         .err = RELAY_E_IDENT,
         .to = EVE},
        {.name = "sign of life",
         .said = HEAD("%U", EVE) END,
         .status = 403,
         .err = RELAY_E_IDENT,
         .to = EVE},
        {.name = "REPORT",
         .said = "MSRP tidx REPORT\r\nTo-Path: %U %S\r\nFrom-Path: " EVE "\r\nMessage-ID: mmmm\r\n"
                 "Status: 000 200 OK\r\n" END,
         .err = RELAY_E_IDENT},
    };
    static const struct answer good[] = {
        /* rfc4975#6.1: the same URI in other letters */
        {.name = "same",
         .said = HEAD("%U", "msrps://CLIENT1.invalid:9/s1;TCP") END,
         .status = 200,
         .to = "msrps://CLIENT1.invalid:9/s1;TCP"},
    };

    (void)state;
    ANSWERS(answers);
    ANSWERS(good);
    row_passed("10.21");
}

static void test_row_63(void **state)
{
    static const struct answer answers[] = {
        {.name = "our URI",
         .said = HEAD("msrps://" SIM_NAME "/x;tcp %S", "%F") BODY,
         .status = 400,
         .err = RELAY_E_PATH_PORT,
         .from = "msrps://" SIM_NAME "/x;tcp"},
        {.name = "next hop",
         .said = HEAD("%U msrps://next.invalid/x;tcp", "%F") BODY,
         .status = 400,
         .err = RELAY_E_PATH_PORT},
        {.name = "From-Path",
         .said = HEAD("%U %S", "msrps://client.invalid/x;tcp") BODY,
         .status = 400,
         .err = RELAY_E_PATH_PORT,
         .to = "msrps://client.invalid/x;tcp"},
    };

    (void)state;
    ANSWERS(answers);
    row_passed("10.63");
}

/* A session that was there is dead after its time plus the skew, but never before. profile 2.7 */
static void test_row_61(void **state)
{
    static const struct answer late[] = {
        {.name = "to the service",
         .said = HEAD("%U %S", "%F") BODY,
         .status = 481,
         .err = RELAY_E_SESSION_EXPIRED},
        {.name = "sign of life",
         .said = HEAD("%U", "%F") END,
         .status = 481,
         .err = RELAY_E_SESSION_EXPIRED},
        {.name = "goes on",
         .said = HEAD("%U " NEXT, "%F") BODY,
         .report = 481,
         .err = RELAY_E_PATH_SESSION,
         .range = "1-5/*"},
    };
    static const struct answer alive = {.name = "alive", .status = 200};

    (void)state;
    for (size_t i = 0; i < sizeof late / sizeof *late; i++) {
        for (enum asked asked = ASKED_ABSENT; asked <= ASKED_NO; asked++) {
            struct sim sim;
            char said[4096], want[4096] = "";

            sim_init(&sim);
            sim.conf.expires_default_s = 20;
            sim.conf.expires_min_s = 10;
            sim_start(&sim);
            unsigned c = sim_user(&sim, SIM_ALICE);
            sim.split = asked & 1;
            sim_pass(&sim, 49000); /* 20 s and 30 s of skew less one */
            sim_clear_all(&sim);
            answer_expand(&sim, c, c, ASKED_ABSENT, HEAD("%U", "%F") END, said, sizeof said);
            sim_say(&sim, c, said);
            answer_expected(&sim, &alive, c, c, ASKED_ABSENT, "tidx", want, sizeof want);
            assert_string_equal(sim_heard(&sim, c), want);

            sim_pass(&sim, 2000);
            assert_int_equal(relay_counts(sim.relay)->sessions_now, 0);
            sim_clear_all(&sim);
            answer_expand(&sim, c, c, asked, late[i].said, said, sizeof said);
            sim_say(&sim, c, said);
            want[0] = '\0';
            if (answer_is_due(asked, late[i].status, false))
                answer_expected(&sim, &late[i], c, c, asked, "tidx", want, sizeof want);
            if (late[i].report)
                answer_check_report(&sim, &late[i], c, c, asked);
            else
                assert_string_equal(sim_heard(&sim, c), want);
            answer_check_refusal(&sim, &late[i], asked);

            /* AUTH opens a new one, with another id */
            char old[600];
            strcpy(old, sim.conns[c].use_path);
            assert_true(sim_login(&sim, c, SIM_ALICE));
            assert_string_not_equal(old, sim.conns[c].use_path);
            answer_check_alive(&sim, c, "again");
            sim_done(&sim);
        }
    }
    row_passed("10.61");
}

/* G2: no response and no REPORT to a REPORT, whatever is wrong with it. */
static void test_reports(void **state)
{
#define REPORT(more) "MSRP tidx REPORT\r\nTo-Path: %U %S\r\nFrom-Path: %F\r\n" more END
    static const struct answer answers[] = {
        {.name = "good", .said = REPORT("Message-ID: mmmm\r\nStatus: 000 200 OK\r\n")},
        {.name = "to the Use-Path",
         .said = "MSRP tidx REPORT\r\nTo-Path: %U\r\nFrom-Path: %F\r\nMessage-ID: mmmm\r\n"
                 "Byte-Range: 1-5/5\r\nStatus: 000 413 Stop\r\n" END},
        {.name = "no Status", .said = REPORT("Message-ID: mmmm\r\n"), .err = MSRP_E_STATUS_NONE},
        {.name = "bad Status",
         .said = REPORT("Message-ID: mmmm\r\nStatus: 0 2\r\n"),
         .err = MSRP_E_STATUS_FORM},
        {.name = "report flags",
         .said = REPORT("Message-ID: mmmm\r\nStatus: 000 200 OK\r\nFailure-Report: yes\r\n"),
         .err = MSRP_E_REPORT_FLAGS},
        {.name = "no Message-ID",
         .said = REPORT("Status: 000 200 OK\r\n"),
         .err = MSRP_E_MESSAGE_ID_NONE},
        {.name = "unknown session",
         .said = "MSRP tidx REPORT\r\nTo-Path: " NOBODY "\r\nFrom-Path: %F\r\nMessage-ID: mmmm\r\n"
                 "Status: 000 200 OK\r\n" END,
         .err = RELAY_E_SESSION},
        {.name = "no port",
         .said = "MSRP tidx REPORT\r\nTo-Path: msrps://" SIM_NAME "/x;tcp\r\nFrom-Path: %F\r\n"
                 "Message-ID: mmmm\r\nStatus: 000 200 OK\r\n" END,
         .err = RELAY_E_PATH_PORT},
        {.name = "fatal",
         .said = REPORT("Message-ID:mmmm\r\n"),
         .err = MSRP_E_COLON_SPACE,
         .closes = true},
        {.name = "continued",
         .said = "MSRP tidx REPORT\r\nTo-Path: %U %S\r\nFrom-Path: %F\r\n"
                 "Message-ID: mmmm\r\nStatus: 000 200 OK\r\n-------tidx+\r\n",
         .err = MSRP_E_FLAG},
    };

    (void)state;
    ANSWERS(answers);
    row_passed("10.48");
}

/* A response nobody waits for is dropped, a response is never answered. */
static void test_responses(void **state)
{
    static const struct answer answers[] = {
        {.name = "unknown", .said = "MSRP tidx 200 OK\r\nTo-Path: %U\r\nFrom-Path: %F\r\n" END},
        {.name = "no comment", .said = "MSRP tidx 200\r\nTo-Path: %U\r\nFrom-Path: %F\r\n" END},
        {.name = "bad code", .said = "MSRP tidx 2000 OK\r\nTo-Path: %U\r\nFrom-Path: %F\r\n" END},
        {.name = "with a body",
         .said = "MSRP tidx 200 OK\r\nTo-Path: %U\r\nFrom-Path: %F\r\n" BODY},
    };

    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct sim sim;
        char said[4096];

        sim_init(&sim);
        sim_start(&sim);
        unsigned c = sim_user(&sim, SIM_ALICE);
        sim_clear_all(&sim);
        answer_expand(&sim, c, c, ASKED_ABSENT, answers[i].said, said, sizeof said);
        sim_say(&sim, c, said);
        assert_string_equal(sim_heard(&sim, c), "");
        if (i != 2) { /* a code of four digits makes the start line unreadable */
            assert_int_equal(relay_counts(sim.relay)->late_responses, 1);
            answer_check_alive(&sim, c, answers[i].name);
        }
        sim_done(&sim);
    }
    row_passed("10.50");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_row_13),    cmocka_unit_test(test_row_14),
        cmocka_unit_test(test_row_15),    cmocka_unit_test(test_row_16),
        cmocka_unit_test(test_row_17),    cmocka_unit_test(test_row_18),
        cmocka_unit_test(test_row_19),    cmocka_unit_test(test_row_20),
        cmocka_unit_test(test_row_21),    cmocka_unit_test(test_row_63),
        cmocka_unit_test(test_row_61),    cmocka_unit_test(test_reports),
        cmocka_unit_test(test_responses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
