#include "relay/client/say.h"
#include "tests/relay/client_kit.h"

static int refusal(char text[64], const char *first, const char *more)
{
    struct msrp_limits limits = MSRP_LIMITS_DEFAULT;
    struct msrp_head head;
    static char frame[1024];
    int n = snprintf(frame, sizeof(frame),
                     "MSRP abcd %s\r\nTo-Path: " KIT_USE "\r\nFrom-Path: " KIT_USE "\r\n%s", first,
                     more);
    assert_int_equal(msrp_head_parse(&head, frame, (size_t)n, false, &limits), 0);
    return relay_say_refusal(text, 64, &head, head.code);
}

static void warnings_and_comments(void **state)
{
    char text[64];
    (void)state;
    assert_int_equal(refusal(text, "403 No", "Warning: 399 relay \"116 not in the group\"\r\n"),
                     116);
    assert_string_equal(text, "116 not in the group");
    assert_int_equal(refusal(text, "403 Only a comment", ""), 0);
    assert_string_equal(text, "Only a comment");
    assert_int_equal(refusal(text, "481", ""), 0);
    assert_string_equal(text, msrp_code_text(481));
    assert_int_equal(refusal(text, "499", ""), 0);
    assert_string_equal(text, "refused");
    /* a Warning without a code of three digits is none */
    assert_int_equal(refusal(text, "403 No", "Warning: 399 relay \"sixteen\"\r\n"), 0);
    assert_string_equal(text, "No");
    assert_int_equal(refusal(text, "403 No", "Warning: 399 relay\r\n"), 0);
    assert_int_equal(refusal(text, "403 No", "Warning: 399 relay \"1160 x\"\r\n"), 0);
}

/* What the far side says must not steer a terminal. */
static void nothing_steers_a_terminal(void **state)
{
    char text[64];
    (void)state;
    relay_say(text, sizeof(text), "%s", "red \x1b[31m and \xe2\x80\xae turned\n");
    assert_string_equal(text, "red ?[31m and ??? turned?");
    relay_say(text, 5, "%s", "too long");
    assert_string_equal(text, "too ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(warnings_and_comments),
        cmocka_unit_test(nothing_steers_a_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
