/* answers_auth.c - rows of the answer table about AUTH and about time: 52-57, 59, 60. */
#include "tests/relay/answers.h"

#define END       "-------tidx$\r\n"
#define AUTH      "MSRP tidx AUTH\r\nTo-Path: %R\r\nFrom-Path: %F\r\n%V"
#define BEARER    "Authorization: Bearer %T\r\n"
#define CHALLENGE "WWW-Authenticate: Bearer realm=\"iops\", scope=\"3gpp:mc:data_service\"\r\n"
#define INVALID                                                                                    \
    "WWW-Authenticate: Bearer realm=\"iops\", scope=\"3gpp:mc:data_service\", "                    \
    "error=\"invalid_token\"\r\n"

static void test_row_52(void **state)
{
    static const struct answer answers[] = {
        {.name = "none",
         .said = AUTH END,
         .status = 401,
         .err = RELAY_E_AUTH_NONE,
         .from = "%R",
         .fields = CHALLENGE,
         .is_stranger = true},
        {.name = "on a connection that stands",
         .said = AUTH END,
         .status = 401,
         .err = RELAY_E_AUTH_NONE,
         .from = "%R",
         .fields = CHALLENGE},
        {.name = "without a port, with a name",
         .said =
             "MSRP tidx AUTH\r\nTo-Path: msrps://alice@" SIM_NAME ";tcp\r\nFrom-Path: %F\r\n%V" END,
         .status = 401,
         .err = RELAY_E_AUTH_NONE,
         .from = "msrps://alice@" SIM_NAME ";tcp",
         .fields = CHALLENGE,
         .is_stranger = true},
    };

    (void)state;
    ANSWERS(answers);
    row_passed("10.52");
}

/* The matrix of tokens is auth's own test; here every kind of answer. Five of them within a minute
 * end the connection. */
static void test_row_53(void **state)
{
    static const struct answer answers[] = {
        {.name = "garbage",
         .said = AUTH "Authorization: Bearer x.y.z\r\n" END,
         .status = 401,
         .err = RELAY_E_JWS_FORM,
         .from = "%R",
         .fields = INVALID,
         .is_stranger = true},
        {.name = "expired",
         .said = AUTH BEARER END,
         .status = 401,
         .err = RELAY_E_CLAIM_EXP,
         .from = "%R",
         .fields = INVALID,
         .is_stranger = true,
         .exp_s = -31},
        {.name = "expired, on a connection that stands",
         .said = AUTH BEARER END,
         .status = 401,
         .err = RELAY_E_CLAIM_EXP,
         .from = "%R",
         .fields = INVALID,
         .exp_s = -31},
        {.name = "Basic",
         .said = AUTH "Authorization: Basic YTpi\r\n" END,
         .status = 401,
         .err = RELAY_E_AUTH_SCHEME,
         .from = "%R",
         .fields = CHALLENGE,
         .is_stranger = true},
        {.name = "Digest",
         .said = AUTH "Authorization: Digest username=\"a\"\r\n" END,
         .status = 401,
         .err = RELAY_E_AUTH_SCHEME,
         .from = "%R",
         .fields = CHALLENGE,
         .is_stranger = true},
    };

    (void)state;
    /* what relay/auth says of the garbage is its own business; the answer is the same */
    for (size_t i = 1; i < sizeof answers / sizeof *answers; i++)
        answer_run(&answers[i], 1);

    for (int split = 0; split < 2; split++) {
        struct sim sim;
        char said[4096], want[4096];
        static const struct answer bad = {.status = 401, .from = "%R", .fields = INVALID};

        sim_init(&sim);
        sim_start(&sim);
        sim.split = split;
        unsigned c = sim_open(&sim, true);
        strcpy(sim.conns[c].remote, "msrps://c.invalid:1/s;tcp");
        answer_expand(&sim, c, c, ASKED_ABSENT, answers[0].said, said, sizeof said);
        answer_expected(&sim, &bad, c, c, ASKED_ABSENT, "tidx", want, sizeof want);
        for (int i = 1; i <= 5; i++) {
            sim_clear_all(&sim);
            sim_say(&sim, c, said);
            assert_string_equal(sim_heard(&sim, c), i < 5 ? want : "");
            assert_int_equal(sim.conns[c].is_closing, i == 5);
            assert_int_equal(sim.refusals, 1);
        }
        assert_int_equal(sim.last_refusal, RELAY_E_AUTH_FAILS);
        sim_done(&sim);
    }
    row_passed("10.53");
}

/* Four failures, a minute's pause, four more: nobody is closed; then four good ones between. */
static void test_fails_fade(void **state)
{
    struct sim sim;

    (void)state;
    sim_init(&sim);
    sim_start(&sim);
    unsigned c = sim_user(&sim, SIM_ALICE);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 4; i++)
            sim_sayf(&sim, c,
                     "MSRP tidx AUTH\r\nTo-Path: " SIM_URI "\r\nFrom-Path: %s\r\n"
                     "Authorization: Bearer x\r\n" END,
                     sim.conns[c].remote);
        assert_false(sim.conns[c].is_closing);
        assert_true(sim_login(&sim, c, SIM_ALICE));
        sim_pass(&sim, 59000);
        answer_check_alive(&sim, c, "fade");
        sim_pass(&sim, 1500);
    }
    sim_done(&sim);
}

static void test_row_54(void **state)
{
    static const struct answer answers[] = {
        {.name = "outside",
         .said = AUTH BEARER END,
         .status = 403,
         .err = RELAY_E_IOPS_DOMAIN,
         .from = "%R",
         .is_stranger = true,
         .user = "sip:eve@elsewhere.example"},
        {.name = "mcvideo",
         .said = AUTH BEARER END,
         .status = 403,
         .err = RELAY_E_IOPS_MCVIDEO,
         .from = "%R",
         .is_stranger = true,
         .more = ",\"mcvideo_id\":\"sip:a@iops.example\""},
        {.name = "mcrec",
         .said = AUTH BEARER END,
         .status = 403,
         .err = RELAY_E_IOPS_MCREC,
         .from = "%R",
         .is_stranger = true,
         .more = ",\"mcrec_id\":\"sip:a@iops.example\""},
        {.name = "another user",
         .said = AUTH BEARER END,
         .status = 403,
         .err = RELAY_E_AUTH_OTHER_USER,
         .from = "%R",
         .user = SIM_CAROL},
    };

    (void)state;
    ANSWERS(answers);
    row_passed("10.54");
}

static void test_row_55(void **state)
{
    static const struct answer answers[] = {
        {.name = "low",
         .said = AUTH BEARER "Expires: 59\r\n" END,
         .status = 423,
         .err = RELAY_E_AUTH_EXPIRES_LOW,
         .from = "%R",
         .fields = "Min-Expires: 60\r\n",
         .is_stranger = true},
        {.name = "zero",
         .said = AUTH BEARER "Expires: 0\r\n" END,
         .status = 423,
         .err = RELAY_E_AUTH_EXPIRES_LOW,
         .from = "%R",
         .fields = "Min-Expires: 60\r\n"},
        {.name = "high",
         .said = AUTH BEARER "Expires: 86401\r\n" END,
         .status = 423,
         .err = RELAY_E_AUTH_EXPIRES_HIGH,
         .from = "%R",
         .fields = "Max-Expires: 86400\r\n",
         .is_stranger = true},
        {.name = "very high",
         .said = AUTH BEARER "Expires: 9223372036854775807\r\n" END,
         .status = 423,
         .err = RELAY_E_AUTH_EXPIRES_HIGH,
         .from = "%R",
         .fields = "Max-Expires: 86400\r\n",
         .is_stranger = true},
    };

    (void)state;
    ANSWERS(answers);
    row_passed("10.55");
}

static void test_row_56(void **state)
{
    static const struct answer answers[] = {
        {.name = "word",
         .said = AUTH BEARER "Expires: soon\r\n" END,
         .status = 400,
         .err = RELAY_E_AUTH_EXPIRES_NAN,
         .from = "%R",
         .is_stranger = true},
        {.name = "negative",
         .said = AUTH BEARER "Expires: -1\r\n" END,
         .status = 400,
         .err = RELAY_E_AUTH_EXPIRES_NAN,
         .from = "%R"},
        {.name = "2^63",
         .said = AUTH BEARER "Expires: 9223372036854775808\r\n" END,
         .status = 400,
         .err = RELAY_E_AUTH_EXPIRES_NAN,
         .from = "%R"},
        {.name = "empty",
         .said = AUTH BEARER "Expires: \r\n" END,
         .status = 400,
         .err = RELAY_E_AUTH_EXPIRES_NAN,
         .from = "%R"},
    };

    (void)state;
    ANSWERS(answers);
    row_passed("10.56");
}

static void test_row_57(void **state)
{
    static const struct answer answers[] = {
        {.name = "AUTH",
         .said = AUTH BEARER END,
         .status = 403,
         .err = RELAY_E_AUTH_PLAINTEXT,
         .from = "%R",
         .closes = true,
         .is_stranger = true,
         .is_plain = true},
        {.name = "AUTH without credentials",
         .said = AUTH END,
         .status = 403,
         .err = RELAY_E_AUTH_PLAINTEXT,
         .from = "%R",
         .closes = true,
         .is_stranger = true,
         .is_plain = true},
        {.name = "a token in a SEND",
         .said =
             "MSRP tidx SEND\r\nTo-Path: %R\r\nFrom-Path: %F\r\n%VMessage-ID: mmmm\r\n" BEARER END,
         .status = 403,
         .err = RELAY_E_AUTH_PLAINTEXT,
         .from = "%R",
         .closes = true,
         .is_stranger = true,
         .is_plain = true},
    };

    (void)state;
    ANSWERS(answers);

    /* the switch for load tests counts on loopback only */
    for (int loopback = 0; loopback < 2; loopback++) {
        struct sim sim;
        struct relay_in in = {.kind = RELAY_IN_OPEN, .conn = 1};

        sim_init(&sim);
        sim.conf.plaintext_auth = true;
        sim_start(&sim);
        unsigned c = sim_open(&sim, false);
        if (!loopback) {
            sim_closed(&sim, c);
            in.conn = ++sim.conns_n;
            c = sim.conns_n - 1;
            in.open.source = "192.0.2.1";
            sim.conns[c].is_open = true;
            sim.conns[c].heard = calloc(1, 1);
            sim_feed(&sim, &in);
        }
        assert_int_equal(sim_login(&sim, c, SIM_ALICE), loopback);
        assert_int_equal(sim.conns[c].is_closing, !loopback);
        sim_done(&sim);
    }
    row_passed("10.57");
}

/* What AUTH gives when all is well: 200 with Use-Path and Expires, whatever Failure-Report says of
 * SENDs; and again for the same session. profile 2.6, 2.7 */
static void test_good(void **state)
{
    static const struct {
        const char *asked;
        long token_s;
        const char *given;
    } rows[] = {
        {"", 7200, "3600"},
        {"Expires: 60\r\n", 7200, "60"},
        {"Expires: 86400\r\n", 200000, "86400"},
        {"Expires: 86400\r\n", 500, "500"},
        {"", 90, "90"},
        {"", -20, "0"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (enum asked asked = ASKED_ABSENT; asked <= ASKED_NO; asked++) {
            struct sim sim;
            char said[8192], want[4096], use[600], use_again[600];
            struct answer answer = {.status = 200, .from = "%R", .exp_s = rows[i].token_s};

            sim_init(&sim);
            sim_start(&sim);
            unsigned c = sim_open(&sim, true);
            sim.split = asked & 1;
            strcpy(sim.conns[c].remote, "msrps://c.invalid:1/s;tcp");
            char template[512] = AUTH BEARER;
            strcat(template, rows[i].asked);
            strcat(template, END);
            answer_expand_with(&sim, &answer, c, c, asked, template, said, sizeof said);
            sim_say(&sim, c, said);
            assert_int_equal(
                sscanf(strstr(sim_heard(&sim, c), "Use-Path: "), "Use-Path: %599s", use), 1);
            assert_int_equal(strlen(use), strlen("msrps://" SIM_NAME ":2855/;tcp") + 26);
            char fields[800];
            snprintf(fields, sizeof fields, "Use-Path: %s\r\nExpires: %s\r\n", use, rows[i].given);
            answer.fields = fields;
            answer_expected(&sim, &answer, c, c, asked, "tidx", want, sizeof want);
            assert_string_equal(sim_heard(&sim, c), want);

            sim_clear(&sim, c);
            sim_say(&sim, c, said);
            assert_int_equal(
                sscanf(strstr(sim_heard(&sim, c), "Use-Path: "), "Use-Path: %599s", use_again), 1);
            assert_string_equal(use, use_again);
            assert_int_equal(relay_counts(sim.relay)->sessions_now, 1);
            sim_done(&sim);
        }
    }
}

static void test_row_59(void **state)
{
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        struct sim sim;

        sim_init(&sim);
        sim_start(&sim);
        unsigned c = sim_open(&sim, true);
        sim_pass(&sim, 29000);
        assert_false(sim.conns[c].is_closing);
        if (kind == 1) /* a failed one does not end the probation */
            sim_say(&sim, c,
                    "MSRP tidx AUTH\r\nTo-Path: " SIM_URI
                    "\r\nFrom-Path: msrps://c.invalid:1/s;tcp\r\n" END);
        if (kind == 2)
            sim_say(&sim, c,
                    "MSRP tidx SEND\r\nTo-Path: " SIM_URI
                    "\r\nFrom-Path: msrps://c.invalid:1/s;tcp\r\nMessage-ID: mmmm\r\n" END);
        if (kind == 3)
            assert_true(sim_login(&sim, c, SIM_ALICE));
        sim_clear_all(&sim);
        sim_pass(&sim, 1250);
        assert_int_equal(sim.conns[c].is_closing, kind != 3);
        assert_int_equal(sim.last_refusal, kind == 3 ? 0 : RELAY_E_PROBATION);
        assert_int_equal(sim.refusals, kind != 3);
        assert_string_equal(sim_heard(&sim, c), "");
        sim_done(&sim);
    }
    row_passed("10.59");
}

static void test_row_60(void **state)
{
    static const char head[] = "MSRP tidx SEND\r\nTo-Path: ";

    (void)state;
    /* a head, octet by octet, one a second */
    struct sim sim;
    sim_init(&sim);
    sim_start(&sim);
    unsigned c = sim_user(&sim, SIM_ALICE);
    sim_clear_all(&sim);
    for (int i = 0; i < 10; i++) {
        assert_false(sim.conns[c].is_closing);
        sim_say_n(&sim, c, head + i, 1);
        sim_pass(&sim, 1000);
    }
    sim_pass(&sim, 500);
    assert_true(sim.conns[c].is_closing);
    assert_int_equal(sim.last_refusal, RELAY_E_HEAD_SLOW);
    assert_int_equal(sim.refusals, 1);
    assert_string_equal(sim_heard(&sim, c), "");
    sim_done(&sim);

    /* a body of 100 octets a second is under the rate, one of 200 is not; the body here is one that
     * is swallowed, so that nothing but its rate counts */
    for (int rate = 100; rate <= 200; rate += 100) {
        sim_init(&sim);
        sim_start(&sim);
        c = sim_user(&sim, SIM_ALICE);
        sim_clear_all(&sim);
        sim_sayf(&sim, c,
                 "MSRP tidx SEND\r\nTo-Path: %s %s\r\nFrom-Path: %s\r\nMessage-ID: mmmm\r\n"
                 "Content-Type: text/plain\r\n\r\n",
                 sim.conns[c].use_path, SIM_SERVICE, sim.conns[c].remote);
        for (int i = 0; i < 95; i++) {
            char octets[200];
            memset(octets, 'x', sizeof octets);
            sim_say_n(&sim, c, octets, (size_t)rate);
            sim_pass(&sim, 1000);
        }
        assert_int_equal(sim.conns[c].is_closing, rate == 100);
        assert_int_equal(sim.last_refusal, rate == 100 ? RELAY_E_BODY_SLOW : 0);
        sim_done(&sim);
    }
    row_passed("10.60");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_row_52),     cmocka_unit_test(test_row_53),
        cmocka_unit_test(test_fails_fade), cmocka_unit_test(test_row_54),
        cmocka_unit_test(test_row_55),     cmocka_unit_test(test_row_56),
        cmocka_unit_test(test_row_57),     cmocka_unit_test(test_good),
        cmocka_unit_test(test_row_59),     cmocka_unit_test(test_row_60),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
