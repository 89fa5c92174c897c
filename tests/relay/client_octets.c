#include "tests/relay/client_kit.h"

#include "relay/client/octets.h"

/* Put and eaten in odd amounts: what comes out is what went in, in order. */
static void first_in_first_out(void **state)
{
    struct relay_octets octets = {0};
    uint8_t in = 0, out = 0;
    (void)state;
    for (size_t round = 1; round < 600; round++) {
        uint8_t piece[600];
        for (size_t i = 0; i < round; i++) {
            piece[i] = in++;
        }
        assert_int_equal(relay_octets_put(&octets, piece, round), 0);
        size_t eat = relay_octets_left(&octets) * (round % 3) / 2;
        eat = eat < relay_octets_left(&octets) ? eat : relay_octets_left(&octets);
        for (size_t i = 0; i < eat; i++) {
            assert_int_equal((uint8_t)octets.p[octets.at + i], out++);
        }
        relay_octets_eat(&octets, eat);
    }
    while (relay_octets_left(&octets) > 0) {
        assert_int_equal((uint8_t)octets.p[octets.at], out++);
        relay_octets_eat(&octets, 1);
    }
    assert_int_equal(in, out);
    assert_true(octets.cap <= 16384); /* large memory is given back when it is empty */
    relay_octets_done(&octets);
    assert_null(octets.p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(first_in_first_out)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
