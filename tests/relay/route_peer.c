/* route_peer.c - tests of relay/route/peer.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "relay/err.h"
#include "relay/route/peer.h"

static const char *const north_domains[] = {"north.example", "island.example"};

static const struct relay_peer_conf confs[] = {
    {.name = "north.example", .port = 2855, .tls = true, .domains = north_domains, .domains_n = 2},
    {.name = "south.example", .port = 2856, .connect = "192.0.2.7:2856", .tls = true},
    {.name = "127.0.0.1", .port = 3000, .tls = false},
    {.name = "::1", .port = 3001, .tls = false},
    {.name = "localhost", .port = 3002, .tls = false},
};

enum { NORTH, SOUTH, LOOP4, LOOP6, LOCALHOST, PEERS };

static struct relay_peers peers;

static int set_up(void **state)
{
    (void)state;
    return relay_peers_init(&peers, confs, PEERS);
}

static int tear_down(void **state)
{
    (void)state;
    relay_peers_done(&peers);
    return peers.v || peers.n;
}

/* The number of the peer that the URI names, or -1. */
static int of_uri(const char *text)
{
    struct msrp_uri uri;

    assert_int_equal(msrp_uri_parse(&uri, msrp_str_of(text)), 0);
    const struct relay_peer *peer = relay_peers_of_uri(&peers, &uri);
    return peer ? (int)(peer - peers.v) : -1;
}

static void test_uri(void **state)
{
    (void)state;
    assert_int_equal(of_uri("msrps://north.example:2855;tcp"), NORTH);
    assert_int_equal(of_uri("msrps://north.example:2855/abc123;tcp"), NORTH);
    assert_int_equal(of_uri("msrps://SOUTH.Example:2856/x;TCP"), SOUTH);
    assert_int_equal(of_uri("msrps://n%6frth.example:2855/x;tcp;a=b"), NORTH);
    assert_int_equal(of_uri("msrps://alice@north.example:2855/x;tcp"), NORTH);
    assert_int_equal(of_uri("msrp://127.0.0.1:3000/x;tcp"), LOOP4);
    assert_int_equal(of_uri("msrp://[0:0::1]:3001/x;tcp"), LOOP6);
    assert_int_equal(of_uri("msrp://localhost:3002/x;tcp"), LOCALHOST);

    assert_int_equal(of_uri("msrp://north.example:2855;tcp"), -1); /* plain, where TLS is */
    assert_int_equal(of_uri("msrps://localhost:3002;tcp"), -1);    /* the other way round */
    assert_int_equal(of_uri("msrps://north.example:2856;tcp"), -1);
    assert_int_equal(of_uri("msrps://north.example;tcp"), -1); /* no port is no port */
    assert_int_equal(of_uri("msrps://north.example:2855;ws"), -1);
    assert_int_equal(of_uri("msrps://east.example:2855;tcp"), -1);
    assert_int_equal(of_uri("msrps://north.example.evil.example:2855;tcp"), -1);
    assert_int_equal(of_uri("msrps://evil.north.example:2855;tcp"), -1);
    assert_int_equal(of_uri("msrps://orth.example:2855;tcp"), -1);
    assert_int_equal(of_uri("msrps://192.0.2.7:2856;tcp"), -1); /* where it is, not who it is */
    assert_int_equal(of_uri("msrp://127.0.0.2:3000/x;tcp"), -1);
    assert_int_equal(of_uri("msrp://[::1]:3000/x;tcp"), -1);
    assert_int_equal(of_uri("msrp://[::2]:3001/x;tcp"), -1);
}

static int of_names(const char *a, const char *b)
{
    const char *const names[] = {a, b};
    const struct relay_peer *peer = relay_peers_of_names(&peers, names, b ? 2 : a ? 1 : 0);

    return peer ? (int)(peer - peers.v) : -1;
}

static void test_names(void **state)
{
    (void)state;
    assert_int_equal(of_names("north.example", NULL), NORTH);
    assert_int_equal(of_names("other.example", "SOUTH.example"), SOUTH);
    assert_int_equal(of_names("north.example", "other.example"), NORTH);

    assert_int_equal(of_names(NULL, NULL), -1);
    assert_int_equal(of_names("other.example", ""), -1);
    assert_int_equal(of_names("*.example", "*"), -1); /* no wildcards */
    assert_int_equal(of_names("x.north.example", "north.example.x"), -1);
    assert_int_equal(of_names("north.exampl", "north.example."), -1);
    /* a plain peer proves nothing, and nobody proves to be one */
    assert_int_equal(of_names("localhost", "127.0.0.1"), -1);
}

static bool speaks(int peer, const char *user)
{
    return relay_peer_may_speak_for(&peers.v[peer], msrp_str_of(user));
}

static void test_domains(void **state)
{
    (void)state;
    assert_true(speaks(NORTH, "sip:alice@north.example"));
    assert_true(speaks(NORTH, "sip:alice@Island.EXAMPLE"));

    assert_false(speaks(NORTH, "sip:alice@south.example"));
    assert_false(speaks(NORTH, "sip:alice@x.north.example"));
    assert_false(speaks(NORTH, "sip:alice@xnorth.example"));
    assert_false(speaks(NORTH, "sip:alice@orth.example"));
    assert_false(speaks(NORTH, "sip:alice@north.example.x"));
    assert_false(speaks(NORTH, "sip:alice@north.example:5060"));
    assert_false(speaks(NORTH, "sip:alice@north.example;x=y"));
    assert_false(speaks(NORTH, "sip:alice@evil.example@north.example"));
    assert_false(speaks(NORTH, "sip:alice@north.example@evil.example"));
    assert_false(speaks(NORTH, "sip:north.example"));
    assert_false(speaks(NORTH, "north.example"));
    assert_false(speaks(NORTH, "sip:alice@"));
    assert_false(speaks(NORTH, ""));
    /* no domains: it vouches for nobody, not even for its own name */
    assert_false(speaks(SOUTH, "sip:alice@south.example"));
}

/* An empty domain in the table would not be a door either. */
static void test_empty_domain(void **state)
{
    static const char *const none[] = {""};
    const struct relay_peer_conf conf = {.name = "a.example", .domains = none, .domains_n = 1};
    const struct relay_peer peer = {.conf = &conf};

    (void)state;
    assert_false(relay_peer_may_speak_for(&peer, MSRP_STR("sip:alice@")));
    assert_false(relay_peer_may_speak_for(&peer, MSRP_STR("sip:alice")));
}

/* The wait of the n'th failure lies in [low, low + quarter], both ends reached. */
static void expect_wait(unsigned fails, int64_t low)
{
    for (int rnd = 0; rnd <= UINT8_MAX; rnd++) {
        struct relay_peer peer = {.conf = confs, .is_dialling = true, .fails = fails - 1};
        relay_peer_dialled(&peer, false, 5000000, (uint8_t)rnd);
        int64_t wait_ms = peer.retry_ms - 5000000;
        assert_false(peer.is_dialling);
        assert_int_equal(peer.fails, fails);
        assert_in_range(wait_ms, low, low + low / 4);
        if (rnd == 0)
            assert_int_equal(wait_ms, low);
        if (rnd == UINT8_MAX)
            assert_int_equal(wait_ms, low + low / 4);
        assert_false(relay_peer_may_dial(&peer, peer.retry_ms - 1));
        assert_true(relay_peer_may_dial(&peer, peer.retry_ms));
    }
}

static void test_waits(void **state)
{
    (void)state;
    expect_wait(1, 1000);
    expect_wait(2, 2000);
    expect_wait(3, 4000);
    expect_wait(4, 8000);
    expect_wait(5, 16000);
    expect_wait(6, 32000);
    expect_wait(7, 60000);
    expect_wait(8, 60000);
    expect_wait(1000000, 60000);
}

static void test_dial(void **state)
{
    struct relay_peer *peer = &peers.v[SOUTH];

    (void)state;
    assert_true(relay_peer_may_dial(peer, 0)); /* at once, at any time */
    assert_true(relay_peer_may_dial(peer, 77));
    peer->is_dialling = true;
    assert_false(relay_peer_may_dial(peer, INT64_MAX));
    relay_peer_dialled(peer, false, 100, 0);
    assert_false(relay_peer_may_dial(peer, 1099));
    assert_true(relay_peer_may_dial(peer, 1100));
    peer->is_dialling = true;
    relay_peer_dialled(peer, false, 1100, 0);
    assert_false(relay_peer_may_dial(peer, 3099));
    /* up: the next failure begins anew */
    peer->is_dialling = true;
    relay_peer_dialled(peer, true, 3100, 255);
    assert_int_equal(peer->fails, 0);
    assert_true(relay_peer_may_dial(peer, 3100));
    peer->is_dialling = true;
    relay_peer_dialled(peer, false, 3200, 0);
    assert_int_equal(peer->retry_ms, 4200);
    assert_int_equal(peers.v[NORTH].fails, 0);
}

static void test_none(void **state)
{
    struct relay_peers none;
    struct msrp_uri uri;
    const char *const names[] = {"north.example"};

    (void)state;
    assert_int_equal(relay_peers_init(&none, NULL, 0), 0);
    assert_int_equal(msrp_uri_parse(&uri, MSRP_STR("msrps://north.example:2855;tcp")), 0);
    assert_null(relay_peers_of_uri(&none, &uri));
    assert_null(relay_peers_of_names(&none, names, 1));
    relay_peers_done(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_uri, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_domains, set_up, tear_down),
        cmocka_unit_test(test_empty_domain),
        cmocka_unit_test(test_waits),
        cmocka_unit_test_setup_teardown(test_dial, set_up, tear_down),
        cmocka_unit_test(test_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
