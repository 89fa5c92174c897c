/* core_login.c - sessions: opened, renewed, many on one connection, ended. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "relay/core/machine.h"
#include "tests/relay/sim.h"

/* AUTH with a From-Path and an Expires of the test's own; what came back stays to be heard. */
static const char *auth(struct sim *sim, unsigned c, const char *from, const char *more, long exp_s)
{
    char token[2048];

    token[sim_token_with(sim, SIM_ALICE, exp_s, "", token, sizeof token)] = '\0';
    sim_clear(sim, c);
    sim_sayf(sim, c,
             "MSRP auth AUTH\r\nTo-Path: " SIM_URI "\r\nFrom-Path: %s\r\n"
             "Authorization: Bearer %s\r\n%s-------auth$\r\n",
             from, token, more);
    return sim_heard(sim, c);
}

static void use_path(struct sim *sim, unsigned c, char out[600])
{
    const char *p = strstr(sim_heard(sim, c), "Use-Path: ");

    assert_non_null(p);
    assert_int_equal(sscanf(p, "Use-Path: %599s", out), 1);
}

static int ping(struct sim *sim, unsigned c, const char *use, const char *from)
{
    int code = 0;

    sim_clear(sim, c);
    sim_sayf(
        sim, c,
        "MSRP ping SEND\r\nTo-Path: %s\r\nFrom-Path: %s\r\nMessage-ID: mmmm\r\n-------ping$\r\n",
        use, from);
    sscanf(sim_heard(sim, c), "MSRP ping %d", &code);
    return code;
}

static void test_many(void **state)
{
    struct sim sim;
    char from[64], uses[64][600], again[600];

    (void)state;
    sim_init(&sim);
    sim_start(&sim);
    unsigned c = sim_open(&sim, true);
    for (int i = 0; i < 64; i++) {
        snprintf(from, sizeof from, "msrps://c.invalid:1/s%d;tcp", i);
        auth(&sim, c, from, "", 7200);
        use_path(&sim, c, uses[i]);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(uses[i], uses[k]);
    }
    assert_int_equal(relay_counts(sim.relay)->sessions_now, 64);
    assert_non_null(strstr(auth(&sim, c, "msrps://c.invalid:1/more;tcp", "", 7200), " 403 "));
    assert_int_equal(sim.last_refusal, RELAY_E_SESSIONS);
    /* renewal is still possible, also in other letters (rfc4975#6.1) */
    auth(&sim, c, "msrps://C.invalid:1/s7;TCP", "", 7200);
    use_path(&sim, c, again);
    assert_string_equal(again, uses[7]);
    for (int i = 0; i < 64; i++) {
        snprintf(from, sizeof from, "msrps://c.invalid:1/s%d;tcp", i);
        assert_int_equal(ping(&sim, c, uses[i], from), 200);
    }
    /* a session is bound to its own From-Path */
    assert_int_equal(ping(&sim, c, uses[3], "msrps://c.invalid:1/s4;tcp"), 403);
    sim_done(&sim);
}

/* Deliveries use the oldest live session; ended ones make room for new ones. */
static void test_ended(void **state)
{
    struct sim sim;
    char old[600], young[600];

    (void)state;
    sim_init(&sim);
    sim.conf.sessions_per_conn_max = 2;
    sim.conf.keepalive_ms = 1000000;
    sim_start(&sim);
    unsigned c = sim_open(&sim, true);
    auth(&sim, c, "msrps://c.invalid:1/old;tcp", "Expires: 60\r\n", 7200);
    use_path(&sim, c, old);
    auth(&sim, c, "msrps://c.invalid:1/young;tcp", "Expires: 600\r\n", 7200);
    use_path(&sim, c, young);
    struct relay_conn *conn = relay_conn_find(sim.relay, c + 1);
    assert_string_equal(relay_conn_session(conn)->remote, "msrps://c.invalid:1/old;tcp");
    sim_pass(&sim, 91000);
    assert_string_equal(relay_conn_session(conn)->remote, "msrps://c.invalid:1/young;tcp");
    assert_int_equal(ping(&sim, c, old, "msrps://c.invalid:1/old;tcp"), 481);
    assert_int_equal(sim.last_refusal, RELAY_E_SESSION_EXPIRED);
    assert_int_equal(ping(&sim, c, young, "msrps://c.invalid:1/young;tcp"), 200);

    /* the From-Path of an ended session opens a new one in its place */
    auth(&sim, c, "msrps://c.invalid:1/old;tcp", "", 7200);
    char anew[600];
    use_path(&sim, c, anew);
    assert_string_not_equal(anew, old);
    assert_int_equal(ping(&sim, c, old, "msrps://c.invalid:1/old;tcp"), 481);
    assert_int_equal(sim.last_refusal, RELAY_E_SESSION); /* forgotten now */
    assert_int_equal(ping(&sim, c, anew, "msrps://c.invalid:1/old;tcp"), 200);
    assert_int_equal(relay_counts(sim.relay)->sessions_now, 2);
    sim_done(&sim);
}

/* Renewal moves the end; a session never outlives its token. */
static void test_renewal(void **state)
{
    struct sim sim;
    char use[600];

    (void)state;
    sim_init(&sim);
    sim.conf.keepalive_ms = 1000000;
    sim_start(&sim);
    unsigned c = sim_open(&sim, true);
    auth(&sim, c, "msrps://c.invalid:1/s;tcp", "Expires: 60\r\n", 7200);
    use_path(&sim, c, use);
    for (int i = 0; i < 10; i++) {
        sim_pass(&sim, 50000);
        assert_non_null(strstr(auth(&sim, c, "msrps://c.invalid:1/s;tcp", "Expires: 60\r\n", 7200),
                               "Expires: 60\r\n"));
    }
    assert_int_equal(ping(&sim, c, use, "msrps://c.invalid:1/s;tcp"), 200);
    assert_non_null(strstr(auth(&sim, c, "msrps://c.invalid:1/s;tcp", "Expires: 600\r\n", 10),
                           "Expires: 10\r\n"));
    sim_pass(&sim, 39000);
    assert_int_equal(ping(&sim, c, use, "msrps://c.invalid:1/s;tcp"), 200);
    sim_pass(&sim, 1250);
    assert_int_equal(ping(&sim, c, use, "msrps://c.invalid:1/s;tcp"), 481);
    sim_done(&sim);
}

/* AUTH again and again costs the user his tokens; only the first is news. */
static void test_rate(void **state)
{
    struct sim sim;

    (void)state;
    sim_init(&sim);
    sim.conf.rate_messages_per_s = 2;
    sim.conf.rate_messages_burst = 3;
    sim_start(&sim);
    unsigned c = sim_user(&sim, SIM_ALICE);
    assert_int_equal(sim.events[(sim.events_n - 1) % SIM_EVENTS_MAX].kind, RELAY_EVENT_AUTH_OK);
    for (int i = 0; i < 3; i++) {
        assert_true(sim_login(&sim, c, SIM_ALICE));
        assert_int_equal(sim.events[(sim.events_n - 1) % SIM_EVENTS_MAX].kind,
                         RELAY_EVENT_AUTH_RENEWED);
    }
    assert_non_null(strstr(auth(&sim, c, sim.conns[c].remote, "", 7200), " 403 "));
    assert_int_equal(sim.last_refusal, RELAY_E_AUTH_RATE);
    sim_pass(&sim, 1000);
    assert_true(sim_login(&sim, c, SIM_ALICE));
    assert_int_equal(ping(&sim, c, sim.conns[c].use_path, sim.conns[c].remote), 200);
    sim_done(&sim);
}

/* A new connection is no new chance: failures count by the source. rfc4976#6.3 */
static void test_fails_of_a_source(void **state)
{
    static const char bad[] = "MSRP tidx AUTH\r\nTo-Path: " SIM_URI "\r\nFrom-Path: "
                              "msrps://c.invalid:1/s;tcp\r\nAuthorization: Bearer x\r\n"
                              "-------tidx$\r\n";
    struct sim sim;

    (void)state;
    sim_init(&sim);
    sim_start(&sim);
    for (int i = 1; i <= 7; i++) {
        unsigned c = sim_open_from(&sim, true, "192.0.2.1");
        sim_say(&sim, c, bad);
        assert_int_equal(sim.conns[c].is_closing, i >= 5);
        assert_int_equal(sim.last_refusal == RELAY_E_AUTH_FAILS, i >= 5);
        sim_closed(&sim, c);
    }
    /* others are not blamed, nor is who has a token */
    unsigned c = sim_open_from(&sim, true, "192.0.2.2");
    sim_say(&sim, c, bad);
    assert_false(sim.conns[c].is_closing);
    c = sim_open_from(&sim, true, "192.0.2.1");
    assert_true(sim_login(&sim, c, SIM_ALICE));
    sim_pass(&sim, 60500);
    c = sim_open_from(&sim, true, "192.0.2.1");
    sim_say(&sim, c, bad);
    assert_false(sim.conns[c].is_closing);
    sim_done(&sim);
}

/* Nor does that of a head that is not complete when it moves to a new slab, that breaks off or is
 * refused. */
static void test_wiped_without_login(void **state)
{
    static const char token[] = "a-token-that-nobody-else-may-see";
    static const char *const ends[] = {
        "",
        "\r\nbroken off",
        "\r\nAuthorization: Bearer twice\r\n-------auth$\r\nMSRP next",
    };

    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct sim sim;
        sim_init(&sim);
        sim_start(&sim);
        unsigned c = sim_user(&sim, SIM_ALICE);
        struct relay_conn *conn = relay_conn_find(sim.relay, c + 1);
        sim_sayf(&sim, c,
                 "MSRP auth AUTH\r\nTo-Path: " SIM_URI "\r\nFrom-Path: %s\r\n"
                 "Authorization: Bearer %s%s",
                 sim.conns[c].remote, token, ends[i]);
        assert_non_null(conn->in);
        struct relay_slab *slab = relay_slab_ref(conn->in);
        if (i == 0) {
            slab->cap = slab->used; /* full: the head moves on */
            sim_say(&sim, c, "x");
            assert_ptr_not_equal(conn->in, slab);
            assert_non_null(memmem(conn->in->data, conn->in->used, token, sizeof token - 1));
            slab->cap = RELAY_SLAB_SIZE;
        } else if (i == 1) {
            sim_closed(&sim, c);
        }
        assert_null(memmem(slab->data, slab->used, token, sizeof token - 1));
        relay_slab_unref(slab);
        sim_done(&sim);
    }
}

/* The token does not stay in the memory of received octets. */
static void test_wiped(void **state)
{
    struct sim sim;
    char token[2048], head[4096];
    size_t room;

    (void)state;
    sim_init(&sim);
    sim_start(&sim);
    unsigned c = sim_open(&sim, true);
    token[sim_token(&sim, SIM_ALICE, token, sizeof token)] = '\0';
    int n =
        snprintf(head, sizeof head,
                 "MSRP auth AUTH\r\nTo-Path: " SIM_URI "\r\nFrom-Path: msrps://c.invalid:1/s;tcp"
                 "\r\nAuthorization: Bearer %s\r\n-------auth$\r\nMSRP next",
                 token);
    char *buffer = relay_buffer(sim.relay, c + 1, &room);
    assert_true(room > (size_t)n);
    memcpy(buffer, head, (size_t)n);
    struct relay_in in = {.kind = RELAY_IN_DATA, .conn = c + 1, .n = (size_t)n};
    sim_feed(&sim, &in);
    sim_pump(&sim);
    assert_non_null(strstr(sim_heard(&sim, c), " 200 OK"));
    /* the slab is still there: it holds the begin of the next request */
    assert_non_null(memmem(buffer, (size_t)n, "MSRP next", 9));
    assert_null(memmem(buffer, (size_t)n, token, 20));
    assert_null(memmem(buffer, (size_t)n, token + strlen(token) - 20, 20));
    sim_done(&sim);
}

/* A CSK that the policy gives stands from AUTH and follows the policy. profile 6 */
static void test_csk(void **state)
{
    struct sim sim;
    uint8_t octets[16] = {7};

    (void)state;
    assert_true(dpp_keys_init(0) == 0 || dpp_keys_init(0) == DPP_E_HEAP_UNLOCKED);
    sim_init(&sim);
    struct relay_user *user = relay_policy_add_user(sim.policy, SIM_ALICE);
    assert_int_equal(dpp_key_new(&user->csk, 0x20000001, octets, 16, 0, 0), 0);
    sim_start(&sim);
    unsigned a = sim_user(&sim, SIM_ALICE), b = sim_user(&sim, SIM_BOB);
    struct relay_conn *alice = relay_conn_find(sim.relay, a + 1);
    assert_int_equal(dpp_key_id(alice->csk), 0x20000001);
    assert_null(relay_conn_find(sim.relay, b + 1)->csk);

    struct relay_policy *policy = relay_policy_new();
    user = relay_policy_add_user(policy, SIM_ALICE);
    assert_int_equal(dpp_key_new(&user->csk, 0x20000002, octets, 16, 0, 0), 0);
    assert_int_equal(relay_policy_seal(policy), 0);
    struct relay_in in = {.kind = RELAY_IN_POLICY, .policy = policy};
    sim_feed(&sim, &in);
    relay_policy_unref(policy);
    assert_int_equal(dpp_key_id(alice->csk), 0x20000002);
    in.policy = NULL;
    sim_feed(&sim, &in);
    assert_null(alice->csk);
    sim_pump(&sim);
    sim_done(&sim);
}

/* A user whose entry is revoked gets no session, not even the first. row 54, A14 */
static void test_revoked(void **state)
{
    struct sim sim;

    (void)state;
    sim_init(&sim);
    struct relay_user *user = relay_policy_add_user(sim.policy, SIM_ALICE);
    assert_non_null(user);
    user->revoked = true;
    sim_start(&sim);
    unsigned c = sim_open(&sim, true);
    assert_int_equal(
        strncmp(auth(&sim, c, "msrps://c.invalid:1/s;tcp", "", 7200), "MSRP auth 403", 13), 0);
    assert_int_equal(sim.last_refusal, RELAY_E_REVOKED);
    assert_int_equal(relay_counts(sim.relay)->sessions_now, 0);
    sim_done(&sim);
}

/* A session is over at its second, not at the tick that finds it. rows 61, A12 */
static void test_over_before_its_tick(void **state)
{
    static const char from[] = "msrps://c.invalid:1/s;tcp";
    struct sim sim;
    char use[600];

    (void)state;
    sim_init(&sim);
    sim_start(&sim);
    unsigned c = sim_open(&sim, true);
    auth(&sim, c, from, "Expires: 60\r\n", 7200);
    use_path(&sim, c, use);
    sim.now.unix_s += 60 + sim.conf.skew_s - 1;
    assert_int_equal(ping(&sim, c, use, from), 200);
    sim.now.unix_s += 1;
    assert_int_equal(ping(&sim, c, use, from), 481);
    assert_int_equal(sim.last_refusal, RELAY_E_SESSION_EXPIRED);
    sim_done(&sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_ended),
        cmocka_unit_test(test_renewal),
        cmocka_unit_test(test_rate),
        cmocka_unit_test(test_fails_of_a_source),
        cmocka_unit_test(test_wiped_without_login),
        cmocka_unit_test(test_wiped),
        cmocka_unit_test(test_csk),
        cmocka_unit_test(test_revoked),
        cmocka_unit_test(test_over_before_its_tick),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
