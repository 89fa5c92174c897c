/* answers.c - rows of the answer table that the framing and the head decide: 1-12, 22-24, 27, 29,
 * 30. The rows about paths, AUTH and messages stand in answers_path.c, answers_auth.c and
 * answers_message.c. */
#include "tests/relay/answers.h"

#define PATHS "To-Path: %U %S\r\nFrom-Path: %F\r\n%V"
#define SEND  "MSRP tidx SEND\r\n" PATHS "Message-ID: mmmm\r\n"
#define END   "-------tidx$\r\n"
#define BODY  "\r\nhello\r\n-------tidx$\r\n"
#define TYPE  "Content-Type: text/plain\r\n"

static void test_row_1(void **state)
{
    static const struct answer answers[] = {
        {.name = "http",
         .said = "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
         .err = MSRP_E_PREFIX,
         .closes = true},
        {.name = "TLS hello", .said = "%X16%X03%X01%X02", .err = MSRP_E_PREFIX, .closes = true},
        {.name = "MSRPtidx",
         .said = "MSRPtidx SEND\r\n" PATHS END,
         .err = MSRP_E_PREFIX,
         .closes = true},
        {.name = "stranger",
         .said = "hello\r\n",
         .err = MSRP_E_PREFIX,
         .closes = true,
         .is_stranger = true},
        {.name = "no method",
         .said = "MSRP tidx\r\n" PATHS END,
         .err = MSRP_E_START_LINE,
         .closes = true},
    };

    (void)state;
    ANSWERS(answers);
    row_passed("10.1");
}

static void test_row_2(void **state)
{
    static const struct answer answers[] = {
        {.name = "msrp",
         .said = "msrp tidx SEND\r\n" PATHS END,
         .err = MSRP_E_PREFIX,
         .closes = true},
        /* the whole From-Path would be answered for a method that is no SEND; here it is one URI */
        {.name = "send",
         .said = "MSRP tidx send\r\n" PATHS END,
         .status = 400,
         .err = MSRP_E_METHOD_FORM,
         .closes = true},
        {.name = "SEND2",
         .said = "MSRP tidx SEND2\r\n" PATHS END,
         .status = 400,
         .err = MSRP_E_METHOD_FORM,
         .closes = true},
    };

    (void)state;
    ANSWERS(answers);
    row_passed("10.2");
}

static void test_row_3(void **state)
{
    static const struct answer answers[] = {
        {.name = "3",
         .said = "MSRP abc SEND\r\n" PATHS "-------abc$\r\n",
         .err = MSRP_E_TID,
         .closes = true},
        {.name = "33",
         .said = "MSRP a23456789012345678901234567890123 SEND\r\n" PATHS,
         .err = MSRP_E_TID,
         .closes = true},
        {.name = "slash", .said = "MSRP ab/cd SEND\r\n" PATHS, .err = MSRP_E_TID, .closes = true},
        {.name = "dash first",
         .said = "MSRP -abc SEND\r\n" PATHS,
         .err = MSRP_E_TID,
         .closes = true},
    };
    static const struct answer good[] = {
        {.name = "4, all kinds",
         .said = "MSRP tidx SEND\r\n" PATHS "Message-ID: mmmm\r\n" END,
         .status = 200},
    };

    (void)state;
    ANSWERS(answers);
    ANSWERS(good);
    row_passed("10.3");
}

/* The first request's answer has not left when the second comes: both are in one segment, and the
 * peer takes its octets only afterwards. */
static void test_row_4(void **state)
{
    (void)state;
    for (enum asked asked = ASKED_ABSENT; asked <= ASKED_NO; asked++) {
        for (int split = 0; split < 2; split++) {
            struct sim sim;
            char said[4096], want[4096];
            static const struct answer first = {.name = "live", .status = 200};
            static const struct answer second = {.name = "live", .status = 400};

            sim_init(&sim);
            sim_start(&sim);
            unsigned c = sim_user(&sim, SIM_ALICE);
            sim_clear_all(&sim);
            sim.split = split;
            answer_expand(
                &sim, c, c, asked,
                "MSRP tidx SEND\r\nTo-Path: %U\r\nFrom-Path: %F\r\nMessage-ID: mmmm\r\n" END
                "MSRP tidx SEND\r\nTo-Path: %U\r\nFrom-Path: %F\r\n%VMessage-ID: nnnn\r\n" END,
                said, sizeof said);
            sim_say(&sim, c, said);
            size_t n = answer_expected(&sim, &first, c, c, asked, "tidx", want, sizeof want);
            if (asked != ASKED_NO)
                answer_expected(&sim, &second, c, c, asked, "tidx", want + n, sizeof want - n);
            assert_string_equal(sim_heard(&sim, c), want);
            assert_int_equal(sim.refusals, 1);
            assert_int_equal(sim.last_refusal, RELAY_E_TID_LIVE);

            /* once the answer is gone the id is free again */
            sim_clear_all(&sim);
            answer_expand(
                &sim, c, c, ASKED_ABSENT,
                "MSRP tidx SEND\r\nTo-Path: %U\r\nFrom-Path: %F\r\nMessage-ID: oooo\r\n" END, said,
                sizeof said);
            sim_say(&sim, c, said);
            answer_expected(&sim, &first, c, c, ASKED_ABSENT, "tidx", want, sizeof want);
            assert_string_equal(sim_heard(&sim, c), want);
            assert_int_equal(sim.refusals, 0);
            sim_done(&sim);
        }
    }
    row_passed("10.4");
}

#define BROKEN(what, line, reason)                                                                 \
    {                                                                                              \
        .name = what, .said = SEND line END, .status = 400, .err = reason, .closes = true,         \
    }

static void test_row_5(void **state)
{
    static const struct answer answers[] = {
        BROKEN("bare LF", "X-A: b\nX-C: d\r\n", MSRP_E_BARE_LF),
        BROKEN("bare CR", "X-A: b\rX-C: d\r\n", MSRP_E_BARE_CR),
        BROKEN("NUL", "X-A: b%X00c\r\n", MSRP_E_CONTROL),
        BROKEN("ESC", "X-A: %X1b[2J\r\n", MSRP_E_CONTROL),
        BROKEN("DEL", "X-A: %X7f\r\n", MSRP_E_CONTROL),
    };

    (void)state;
    ANSWERS(answers);
    row_passed("10.5");
}

/* before, then one header line of n octets of value, then behind. */
static void add(char *out, const char *before, const char *name, size_t n, const char *behind)
{
    strcpy(out, before);
    strcat(out, name);
    size_t at = strlen(out);
    memset(out + at, 'y', n);
    strcpy(out + at + n, "\r\n");
    strcat(out, behind);
}

static void test_row_6(void **state)
{
    static char line[6000], many[4096], block[32768];
    struct answer answers[] = {
        {.name = "line", .said = line, .status = 400, .err = MSRP_E_LINE_LONG, .closes = true},
        {.name = "many", .said = many, .status = 400, .err = MSRP_E_HEADERS_MANY, .closes = true},
        {.name = "block", .said = block, .status = 400, .err = MSRP_E_BLOCK_LONG, .closes = true},
    };

    (void)state;
    add(line, SEND, "X: ", 4094, END);
    strcpy(many, SEND);
    for (int i = 0; i < 32; i++)
        strcat(many, "X: y\r\n");
    strcat(many, END);
    strcpy(block, SEND);
    for (int i = 0; i < 5; i++)
        add(block + strlen(block), "", "X: ", 4000, "");
    strcat(block, END);
    ANSWERS(answers);
    row_passed("10.6");
}

static void test_row_7(void **state)
{
    static const struct answer answers[] = {
        BROKEN("folded", "X-A: b\r\n c\r\n", MSRP_E_FOLDED),
        BROKEN("space before colon", "X-A : b\r\n", MSRP_E_NAME_SPACE),
        BROKEN("no space behind colon", "X-A:b\r\n", MSRP_E_COLON_SPACE),
        BROKEN("empty name", ": b\r\n", MSRP_E_NAME_EMPTY),
        BROKEN("no colon", "X-A\r\n", MSRP_E_COLON_NONE),
        BROKEN("odd name", "X(A: b\r\n", MSRP_E_NAME_FORM),
        BROKEN("a line that does not read asks for nothing", "Failure-Report:\tno\r\n",
               MSRP_E_COLON_SPACE),
    };

    (void)state;
    ANSWERS(answers);
    row_passed("10.7");
}

static void test_row_8(void **state)
{
    static const struct answer answers[] = {
        BROKEN("lone byte", "X-A: %Xff\r\n", MSRP_E_UTF8),
        BROKEN("overlong", "X-A: %Xc0%Xaf\r\n", MSRP_E_UTF8),
        BROKEN("surrogate", "X-A: %Xed%Xa0%X80\r\n", MSRP_E_UTF8),
        BROKEN("cut", "X-A: %Xe2%X82\r\n", MSRP_E_UTF8),
    };
    static const struct answer good[] = {
        {.name = "UTF-8", .said = SEND "X-A: %Xe2%X82%Xac\r\n" END, .status = 200},
    };

    (void)state;
    ANSWERS(answers);
    ANSWERS(good);
    row_passed("10.8");
}

static void test_row_9(void **state)
{
    static const struct answer answers[] = {
        {.name = "no To-Path",
         .said = "MSRP tidx SEND\r\nFrom-Path: %F\r\n%VMessage-ID: mmmm\r\n" END,
         .status = 400,
         .err = MSRP_E_TO_NOT_FIRST,
         .closes = true,
         .from = "%R"},
        {.name = "To-Path second",
         .said = "MSRP tidx SEND\r\nFrom-Path: %F\r\nTo-Path: %U\r\n%VMessage-ID: mmmm\r\n" END,
         .status = 400,
         .err = MSRP_E_TO_NOT_FIRST,
         .closes = true,
         .from = "%R"},
        {.name = "no From-Path",
         .said = "MSRP tidx SEND\r\nTo-Path: %U\r\n%VMessage-ID: mmmm\r\n" END,
         .err = MSRP_E_FROM_NOT_SECOND,
         .closes = true},
        {.name = "From-Path third",
         .said = "MSRP tidx SEND\r\nTo-Path: %U\r\nMessage-ID: mmmm\r\nFrom-Path: %F\r\n%V" END,
         .status = 400,
         .err = MSRP_E_FROM_NOT_SECOND,
         .closes = true},
        {.name = "no header at all",
         .said = "MSRP tidx SEND\r\n" END,
         .err = MSRP_E_TO_NOT_FIRST,
         .closes = true},
        {.name = "From-Path is no URI",
         .said = "MSRP tidx SEND\r\nTo-Path: %U\r\nFrom-Path: nobody\r\n%V" END,
         .err = MSRP_E_FROM_URI,
         .closes = true},
    };

    (void)state;
    ANSWERS(answers);
    row_passed("10.9");
}

#define TWICE(what, line, reason)                                                                  \
    {                                                                                              \
        .name = what, .said = SEND line END, .status = 400, .err = reason,                         \
    }

static void test_row_10(void **state)
{
    static const struct answer answers[] = {
        TWICE("To-Path", "To-Path: %U\r\n", MSRP_E_DUP_TO),
        TWICE("From-Path", "From-Path: %F\r\n", MSRP_E_DUP_FROM),
        TWICE("Message-ID", "Message-ID: mmmm\r\n", MSRP_E_DUP_MESSAGE_ID),
        TWICE("message-id", "message-id: nnnn\r\n", MSRP_E_DUP_MESSAGE_ID),
        TWICE("Byte-Range", "Byte-Range: 1-1/1\r\nByte-Range: 1-1/1\r\n", MSRP_E_DUP_RANGE),
        TWICE("Success-Report", "Success-Report: no\r\nSuccess-Report: yes\r\n",
              MSRP_E_DUP_SUCCESS),
        {.name = "Failure-Report",
         .said = "MSRP tidx SEND\r\nTo-Path: %U\r\nFrom-Path: %F\r\n%WFailure-Report: no\r\n"
                 "Message-ID: mmmm\r\n" END,
         .status = 400,
         .err = MSRP_E_DUP_FAILURE},
        {.name = "Content-Type",
         .said = SEND TYPE TYPE BODY,
         .status = 400,
         .err = MSRP_E_DUP_TYPE},
        TWICE("Status", "Status: 000 200\r\nStatus: 000 200\r\n", MSRP_E_DUP_STATUS),
    };

    (void)state;
    ANSWERS(answers);
    row_passed("10.10");
}

static void test_row_11(void **state)
{
    static const struct answer answers[] = {
        {.name = "unknown",
         .said = SEND "X-Unknown: what\r\nKeep-Alive: yes\r\n" END,
         .status = 200},
        {.name = "unknown twice", .said = SEND "X-A: 1\r\nX-A: 2\r\n" END, .status = 200},
    };

    (void)state;
    ANSWERS(answers);
    row_passed("10.11");
}

static void test_row_12(void **state)
{
    static const struct answer answers[] = {
        {.name = "PING",
         .said = "MSRP tidx PING\r\n" PATHS END,
         .status = 501,
         .err = RELAY_E_METHOD},
        {.name = "NICKNAME",
         .said = "MSRP tidx NICKNAME\r\n" PATHS "Use-Nickname: \"eve\"\r\n" END,
         .status = 501,
         .err = RELAY_E_METHOD},
        {.name = "the whole From-Path",
         .said =
             "MSRP tidx MOVE\r\nTo-Path: %U\r\nFrom-Path: msrps://a.invalid:1/x;tcp %F\r\n%V" END,
         .status = 501,
         .err = RELAY_E_METHOD,
         .to = "msrps://a.invalid:1/x;tcp %F"},
        {.name = "with a body",
         .said = "MSRP tidx MOVE\r\n" PATHS TYPE BODY,
         .status = 501,
         .err = RELAY_E_METHOD},
        {.name = "stranger",
         .said = "MSRP tidx MOVE\r\nTo-Path: %R\r\nFrom-Path: %F\r\n%V" END,
         .status = 501,
         .err = RELAY_E_METHOD,
         .from = "%R",
         .is_stranger = true},
    };

    (void)state;
    ANSWERS(answers);
    row_passed("10.12");
}

static void test_row_22(void **state)
{
    static const struct answer answers[] = {
        {.name = "none",
         .said = "MSRP tidx SEND\r\n" PATHS END,
         .status = 400,
         .err = MSRP_E_MESSAGE_ID_NONE},
        {.name = "short",
         .said = "MSRP tidx SEND\r\n" PATHS "Message-ID: abc\r\n" END,
         .status = 400,
         .err = MSRP_E_MESSAGE_ID},
        {.name = "spaces",
         .said = "MSRP tidx SEND\r\n" PATHS "Message-ID: a b c d\r\n" END,
         .status = 400,
         .err = MSRP_E_MESSAGE_ID},
    };

    (void)state;
    ANSWERS(answers);
    row_passed("10.22");
}

static void test_row_23(void **state)
{
    static const struct answer answers[] = {
        {.name = "no type", .said = SEND BODY, .status = 400, .err = MSRP_E_TYPE_NONE},
        {.name = "not last",
         .said = SEND TYPE "X-A: b\r\n" BODY,
         .status = 400,
         .err = MSRP_E_TYPE_NOT_LAST},
        {.name = "type without body",
         .said = SEND TYPE END,
         .status = 400,
         .err = MSRP_E_MIME_NO_BODY},
        {.name = "description without body",
         .said = SEND "Content-Description: x\r\n" END,
         .status = 400,
         .err = MSRP_E_MIME_NO_BODY},
    };

    (void)state;
    ANSWERS(answers);
    row_passed("10.23");
}

static void test_row_24(void **state)
{
    static const struct answer answers[] = {
        {.name = "binary",
         .said = SEND "Content-Transfer-Encoding: binary\r\n" TYPE BODY,
         .status = 400,
         .err = MSRP_E_ENCODING},
        {.name = "base64",
         .said = SEND "Content-Transfer-Encoding: base64\r\n" TYPE BODY,
         .status = 400,
         .err = MSRP_E_ENCODING},
    };

    (void)state;
    ANSWERS(answers);
    row_passed("10.24");
}

static void test_row_27(void **state)
{
    static const struct answer answers[] = {
        TWICE("success maybe", "Success-Report: maybe\r\n", MSRP_E_SUCCESS_VALUE),
        TWICE("success partial", "Success-Report: partial\r\n", MSRP_E_SUCCESS_VALUE),
    };
    /* an illegal Failure-Report counts as absent: the peer hears of it */
    static const struct answer failure = {
        .name = "failure",
        .said = "MSRP tidx SEND\r\nTo-Path: %U\r\nFrom-Path: %F\r\nFailure-Report: never\r\n"
                "Message-ID: mmmm\r\n" END,
        .status = 400,
        .err = MSRP_E_FAILURE_VALUE,
    };

    (void)state;
    ANSWERS(answers);
    answer_run_one(&failure, ASKED_ABSENT, false);
    answer_run_one(&failure, ASKED_ABSENT, true);
    row_passed("10.27");
}

#define RANGE(value, reason) TWICE(value, "Byte-Range: " value "\r\n", reason)

static void test_row_29(void **state)
{
    static const struct answer answers[] = {
        RANGE("0-1/2", MSRP_E_RANGE_ZERO),
        RANGE("1-5", MSRP_E_RANGE_FORM),
        RANGE("1 - 5/5", MSRP_E_RANGE_FORM),
        RANGE("-1-5/5", MSRP_E_RANGE_FORM),
        RANGE("*-5/5", MSRP_E_RANGE_FORM),
        RANGE("1-x/5", MSRP_E_RANGE_FORM),
        RANGE("1-5/", MSRP_E_RANGE_FORM),
        RANGE("1-*/12345678901234567890", MSRP_E_RANGE_DIGITS),
        RANGE("1-*/9223372036854775808", MSRP_E_RANGE_VALUE),
        RANGE("1-*/18446744073709551615", MSRP_E_RANGE_DIGITS),
    };
    static const struct answer good[] = {
        {.name = "1-0/0", .said = SEND "Byte-Range: 1-0/0\r\n" END, .status = 200},
        {.name = "2^63-1",
         .said = SEND "Byte-Range: 1-*/9223372036854775807\r\n" END,
         .status = 200},
    };

    (void)state;
    ANSWERS(answers);
    ANSWERS(good);
    row_passed("10.29");
}

static void test_row_30(void **state)
{
    static const struct answer answers[] = {
        RANGE("5-3/10", MSRP_E_RANGE_END_LOW),
        RANGE("2-0/10", MSRP_E_RANGE_END_LOW),
        RANGE("1-11/10", MSRP_E_RANGE_END_HIGH),
        RANGE("12-*/10", MSRP_E_RANGE_START_HIGH),
    };
    static const struct answer good[] = {
        {.name = "start is total + 1", .said = SEND "Byte-Range: 11-*/10\r\n" END, .status = 200},
        {.name = "end is start - 1", .said = SEND "Byte-Range: 5-4/10\r\n" END, .status = 200},
    };

    (void)state;
    ANSWERS(answers);
    ANSWERS(good);
    row_passed("10.30");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_row_1),  cmocka_unit_test(test_row_2),  cmocka_unit_test(test_row_3),
        cmocka_unit_test(test_row_4),  cmocka_unit_test(test_row_5),  cmocka_unit_test(test_row_6),
        cmocka_unit_test(test_row_7),  cmocka_unit_test(test_row_8),  cmocka_unit_test(test_row_9),
        cmocka_unit_test(test_row_10), cmocka_unit_test(test_row_11), cmocka_unit_test(test_row_12),
        cmocka_unit_test(test_row_22), cmocka_unit_test(test_row_23), cmocka_unit_test(test_row_24),
        cmocka_unit_test(test_row_27), cmocka_unit_test(test_row_29), cmocka_unit_test(test_row_30),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
