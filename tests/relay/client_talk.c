/* Sessions: their URIs, who may write to which, and what ends them. */
#include "tests/relay/ends_kit.h"

static struct kit kit;

static const char *ask(struct relay_wire *link, const char *to, const char *from)
{
    kit_hear(
        &kit, link,
        "MSRP aaaa SEND\r\nTo-Path: %s\r\nFrom-Path: %s\r\nMessage-ID: m123\r\n-------aaaa$\r\n",
        to, from);
    return kit_said(&kit, link);
}

static bool is(const char *said, const char *code)
{
    char want[40];
    snprintf(want, sizeof(want), "MSRP aaaa %s ", code);
    return strncmp(said, want, strlen(want)) == 0;
}

/* U4, A10: 128 random bits, one URI for one session. */
static void own_uris(void **state)
{
    char first[600];
    struct msrp_uri uri;
    (void)state;
    kit_init(&kit, 51, NULL);
    snprintf(first, sizeof(first), "%s", kit_path(&kit, kit_passive(&kit)));
    const char *second = kit_path(&kit, kit_passive(&kit));
    assert_string_not_equal(first, second);
    assert_int_equal(msrp_uri_parse(&uri, msrp_str_of(first)), 0);
    assert_int_equal(uri.session.n, MSRP_IDENT_MADE); /* 26 characters of 5 bits */
    assert_true(uri.has_port);                        /* U3 */
    kit_done(&kit);
    struct relay_endpoint_conf ip6 = {.host = "2001:db8::1", .port = 4000, .is_secure = true};
    kit_init(&kit, 52, &ip6);
    assert_int_equal(strncmp(kit_path(&kit, kit_passive(&kit)), "msrps://[2001:db8::1]:4000/", 27),
                     0);
    kit_done(&kit);
    struct relay_endpoint_conf any = {.host = "[::1]"};
    kit_init(&kit, 53, &any);
    relay_endpoint_at(kit.endpoint, 5001);
    assert_int_equal(strncmp(kit_path(&kit, kit_passive(&kit)), "msrp://[::1]:5001/", 18), 0);
    kit_done(&kit);
    row_passed("U4");
    row_passed("A10");
}

/* U9: the first request binds; strangers, other connections and longer paths are turned away, and
 * what stands is untouched. */
static void binding(void **state)
{
    char own[600], path[1300];
    (void)state;
    kit_init(&kit, 54, NULL);
    struct relay_wire *first = kit_link(&kit), *second = kit_link(&kit);
    uint64_t session = kit_passive(&kit);
    snprintf(own, sizeof(own), "%s", kit_path(&kit, session));
    assert_true(is(ask(first, "msrp://own.example:2855/unknown;tcp", KIT_PEER), "481"));
    snprintf(path, sizeof(path), "%s " KIT_PEER, own);
    assert_true(is(ask(first, path, KIT_PEER), "481")); /* row 15 */
    assert_null(kit_find(&kit, RELAY_ENDPOINT_BOUND));
    assert_true(is(ask(first, own, KIT_PEER), "200"));
    assert_int_equal(kit_find(&kit, RELAY_ENDPOINT_BOUND)->session, session);
    assert_true(is(ask(second, own, KIT_PEER), "506"));
    assert_true(is(ask(second, own, "msrp://evil.example:1/x;tcp"), "506"));
    assert_true(is(ask(first, own, "msrp://evil.example:1/x;tcp"), "403")); /* row 21 */
    assert_true(is(ask(first, own, KIT_PEER), "200"));
    assert_int_equal(kit_count(&kit, RELAY_ENDPOINT_BOUND), 1);
    /* U10: the connection is lost, and with it the session; its URI is dead */
    kit_feed(&kit, first, RELAY_CLIENT_IN_CLOSED);
    assert_int_equal(kit_find(&kit, RELAY_ENDPOINT_FAILED)->session, session);
    assert_true(is(ask(second, own, KIT_PEER), "481"));
    relay_wire_free(first);
    relay_endpoint_drop(kit.endpoint, session);
    assert_null(relay_endpoint_path(kit.endpoint, session));
    assert_true(is(ask(second, own, KIT_PEER), "481")); /* row 61 */
    kit_done(&kit);
    row_passed("U9");
    row_passed("U10");
    row_passed("10.13");
    row_passed("10.14");
    row_passed("10.15");
    row_passed("10.61");
}

/* Several sessions of one connection, each with a URI of its own. */
static void two_sessions_one_connection(void **state)
{
    char one[600], two[600];
    (void)state;
    kit_init(&kit, 55, NULL);
    struct relay_wire *link = kit_link(&kit);
    snprintf(one, sizeof(one), "%s", kit_path(&kit, kit_passive(&kit)));
    snprintf(two, sizeof(two), "%s", kit_path(&kit, kit_passive(&kit)));
    assert_true(is(ask(link, one, KIT_PEER), "200"));
    assert_true(is(ask(link, two, "msrp://peer.example:9000/peer2;tcp"), "200"));
    assert_true(is(ask(link, one, KIT_PEER), "200"));
    assert_int_equal(kit_count(&kit, RELAY_ENDPOINT_BOUND), 2);
    kit_done(&kit);
}

/* U8, S9: the active side sends at once: no body, 1-0/0. */
static void active_side(void **state)
{
    char own[600], want[1600], tid[40], mid[40];
    (void)state;
    kit_init(&kit, 56, NULL);
    struct relay_wire *link = relay_wire_new(kit.endpoint);
    uint64_t session = kit_active(&kit, link, KIT_PEER);
    assert_string_equal(kit_said(&kit, link), ""); /* the connection does not stand yet */
    kit_feed(&kit, link, RELAY_CLIENT_IN_OPEN);
    assert_non_null(kit_find(&kit, RELAY_ENDPOINT_READY));
    snprintf(own, sizeof(own), "%s", kit_path(&kit, session));
    const char *said = kit_said(&kit, link);
    assert_true(kit_tid(said, "SEND", tid));
    assert_int_equal(sscanf(strstr(said, "Message-ID: "), "Message-ID: %33s", mid), 1);
    snprintf(want, sizeof(want),
             "MSRP %s SEND\r\nTo-Path: " KIT_PEER "\r\nFrom-Path: %s\r\nMessage-ID: %s\r\n"
             "Byte-Range: 1-0/0\r\n-------%s$\r\n",
             tid, own, mid, tid);
    assert_string_equal(said, want);
    kit_answer(&kit, link, want, own, 200);
    assert_int_equal(kit_find(&kit, RELAY_ENDPOINT_BOUND)->session, session);
    kit_done(&kit);
    row_passed("U8");
    row_passed("S9");
}

/* 481 and 506 end the session, not its messages; another code for the binding does so too. */
static void refused_by_the_peer(void **state)
{
    static const int codes[] = {481, 506, 403, 400, 501};
    char own[600], said[4096];
    (void)state;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        kit_init(&kit, 57 + i, NULL);
        struct relay_wire *link = kit_link(&kit);
        uint64_t session = kit_active(&kit, link, KIT_PEER);
        snprintf(own, sizeof(own), "%s", kit_path(&kit, session));
        uint64_t id = kit_send(&kit, session, "hello", 5);
        const char *text = kit_said(&kit, link);
        assert_true(strlen(text) < sizeof(said));
        memcpy(said, text, strlen(text) + 1);
        kit_answer(&kit, link, said, own, codes[i]);
        assert_int_equal(kit_find(&kit, RELAY_ENDPOINT_FAILED)->status, codes[i]);
        assert_null(kit_find(&kit, RELAY_ENDPOINT_SENT));
        /* with URIs of a new exchange the message goes on */
        uint64_t next = kit_active(&kit, link, "msrp://peer.example:9000/peer2;tcp");
        assert_int_equal(relay_endpoint_resume(kit.endpoint, session, next), 0);
        assert_int_equal(relay_endpoint_resume(kit.endpoint, session, next), RELAY_E_SESSION);
        text = kit_said(&kit, link);
        assert_non_null(strstr(text, "\r\n\r\nhello\r\n"));
        memcpy(said, text, strlen(text) + 1);
        snprintf(own, sizeof(own), "%s", kit_path(&kit, next));
        kit_answer(&kit, link, said, own, 200);
        assert_int_equal(kit_find(&kit, RELAY_ENDPOINT_SENT)->id, id);
        kit_done(&kit);
    }
    row_passed("P13");
}

/* P12: no REPORT on a session that is gone. */
static void no_report_on_a_dead_session(void **state)
{
    (void)state;
    kit_init(&kit, 70, NULL);
    struct relay_wire *link = kit_link(&kit);
    uint64_t session = kit_passive(&kit);
    kit_hear(&kit, link,
             "MSRP aaaa SEND\r\nTo-Path: %s\r\nFrom-Path: " KIT_PEER
             "\r\nMessage-ID: m123\r\nSuccess-Report: yes\r\nByte-Range: 1-9/9\r\n"
             "Content-Type: a/b\r\n\r\n12345",
             kit_path(&kit, session));
    relay_endpoint_drop(kit.endpoint, session);
    kit_hear(&kit, link, "6789\r\n-------aaaa$\r\n");
    const char *said = kit_said(&kit, link);
    assert_non_null(strstr(said, "MSRP aaaa 200 OK\r\n"));
    assert_null(strstr(said, "REPORT"));
    kit_done(&kit);
    row_passed("P12");
}

static void unusable(void **state)
{
    uint64_t session;
    const struct relay_endpoint_relay bad = {.uri = "sip:x"},
                                      good = {.uri = "msrp://r.example:1;tcp"};
    (void)state;
    kit_init(&kit, 72, NULL);
    struct relay_wire *link = kit_link(&kit);
    const struct relay_talk_conf confs[] = {
        {.link = link},          /* passive with a link */
        {.peer_path = KIT_PEER}, /* active without */
        {.link = link, .peer_path = "nonsense"},
        {.link = link, .peer_path = KIT_PEER " "},
        {.relays = &good, .relays_n = 1}, /* a relay without a link */
        {.link = link, .relays = &bad, .relays_n = 1},
        {.link = link, .relays = &good, .relays_n = RELAY_ENDPOINT_RELAYS_MAX + 1},
    };
    for (size_t i = 0; i < sizeof(confs) / sizeof(confs[0]); i++) {
        assert_int_equal(relay_endpoint_open(kit.endpoint, &kit.now, &confs[i], &session),
                         RELAY_E_CONF);
    }
    kit.is_random_broken = true;
    const struct relay_talk_conf passive = {0}, active = {.link = link, .peer_path = KIT_PEER};
    assert_int_equal(relay_endpoint_open(kit.endpoint, &kit.now, &passive, &session),
                     RELAY_E_RANDOM);
    kit.is_random_broken = false;
    kit_feed(&kit, link, RELAY_CLIENT_IN_CLOSED);
    assert_int_equal(relay_endpoint_open(kit.endpoint, &kit.now, &active, &session), RELAY_E_END);
    kit_done(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_uris),
        cmocka_unit_test(binding),
        cmocka_unit_test(two_sessions_one_connection),
        cmocka_unit_test(active_side),
        cmocka_unit_test(refused_by_the_peer),
        cmocka_unit_test(no_report_on_a_dead_session),
        cmocka_unit_test(unusable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
