#include "relay/client/past.h"
#include "tests/relay/client_kit.h"

/* The key is sender, conversation, message and notification type: another of any is another. */
static void every_part_of_the_key_counts(void **state)
{
    struct relay_past past;
    uint8_t secret[16] = {1}, a[16] = {2}, b[16] = {3};
    (void)state;
    assert_int_equal(relay_past_init(&past, 16, 60, secret), 0);
    assert_false(relay_past_has(&past, KIT_ALICE, a, b, 0));
    relay_past_add(&past, KIT_ALICE, a, b, 0);
    assert_true(relay_past_has(&past, KIT_ALICE, a, b, 0));
    assert_false(relay_past_has(&past, KIT_BOB, a, b, 0));
    assert_false(relay_past_has(&past, KIT_ALICE, b, b, 0));
    assert_false(relay_past_has(&past, KIT_ALICE, a, a, 0));
    assert_false(relay_past_has(&past, KIT_ALICE, a, b, 2));
    relay_past_done(&past);
}

static void oldest_is_forgotten_first(void **state)
{
    struct relay_past past;
    uint8_t secret[16] = {1}, a[16] = {2};
    (void)state;
    assert_int_equal(relay_past_init(&past, 16, 60, secret), 0);
    for (unsigned i = 0; i <= RELAY_PAST_MESSAGES; i++) {
        uint8_t id[16] = {(uint8_t)(i >> 8), (uint8_t)i};
        relay_past_add(&past, KIT_ALICE, a, id, 0);
        assert_true(relay_past_has(&past, KIT_ALICE, a, id, 0));
    }
    uint8_t first[16] = {0, 0}, second[16] = {0, 1};
    assert_false(relay_past_has(&past, KIT_ALICE, a, first, 0));
    assert_true(relay_past_has(&past, KIT_ALICE, a, second, 0));
    relay_past_done(&past);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_of_the_key_counts),
        cmocka_unit_test(oldest_is_forgotten_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
