/* AUTH of an endpoint's session: Bearer, Digest, one relay behind another, renewal, refusals. */
#include "tests/relay/ends_kit.h"

#define R1 "msrps://intra.example:2855;tcp"
#define R2 "msrps://extra.example:2855;tcp"
#define U1 "msrps://intra.example:2855/one;tcp"
#define U2 "msrps://extra.example:2855/two;tcp"

static struct kit kit;
static struct relay_wire *link_;
static uint64_t session;
static char own[600];

static void open_with(const struct relay_endpoint_relay *relays, size_t n, const char *peer_path)
{
    struct relay_endpoint_conf conf = {.is_secure = true};
    kit_init(&kit, 41, &conf);
    link_ = kit_link(&kit);
    struct relay_talk_conf talk = {
        .link = link_, .relays = relays, .relays_n = n, .peer_path = peer_path};
    session = kit_session(&kit, &talk);
    assert_true(session > 0);
}

/* The AUTH that goes out now, which must begin so behind its start line; its id. */
static const char *asked(char tid[40], const char *to)
{
    char want[1200];
    const char *said = kit_said(&kit, link_);
    assert_true(kit_tid(said, "AUTH", tid));
    snprintf(want, sizeof(want), "MSRP %s AUTH\r\nTo-Path: %s\r\nFrom-Path: ", tid, to);
    said = strstr(said, want);
    assert_non_null(said);
    assert_int_equal(sscanf(said + strlen(want), "%599s", own), 1);
    return said;
}

static void answer(const char *tid, const char *status, const char *headers)
{
    kit_hear(&kit, link_, "MSRP %s %s\r\nTo-Path: %s\r\nFrom-Path: " R1 "\r\n%s-------%s$\r\n", tid,
             status, own, headers, tid);
}

static void bearer(void **state)
{
    const struct relay_endpoint_relay relay = {.uri = R1, .token = "a.b.c"};
    char tid[40], want[1200];
    (void)state;
    open_with(&relay, 1, U2 " " KIT_PEER);
    assert_non_null(strstr(asked(tid, R1), "\r\nAuthorization: Bearer a.b.c\r\n"));
    assert_null(relay_endpoint_path(kit.endpoint, session));
    uint64_t id = kit_send(&kit, session, "hello", 5);
    assert_true(id > 0);
    assert_string_equal(kit_said(&kit, link_), ""); /* nothing before the 200 */
    answer(tid, "200 OK", "Use-Path: " U1 "\r\nExpires: 800\r\n");
    assert_non_null(kit_find(&kit, RELAY_ENDPOINT_READY));
    /* A9: Use-Path before the peer's path; the other way round what is published */
    snprintf(want, sizeof(want), U1 " %s", own);
    assert_string_equal(relay_endpoint_path(kit.endpoint, session), want);
    const char *said = kit_said(&kit, link_);
    snprintf(want, sizeof(want), "SEND\r\nTo-Path: " U1 " " U2 " " KIT_PEER "\r\nFrom-Path: %s\r\n",
             own);
    assert_non_null(strstr(said, want));
    assert_non_null(strstr(said, "\r\n\r\nhello\r\n"));
    /* renewed with a quarter of its life left; sending goes on meanwhile */
    char *text = strdup(said);
    kit_answer(&kit, link_, text, own, 200);
    free(text);
    assert_int_equal(relay_wire_next_ms(link_), kit.now.mono_ms + 600000);
    kit.now.mono_ms += 600000;
    kit_feed(&kit, link_, RELAY_CLIENT_IN_TICK);
    (void)asked(tid, R1);
    answer(tid, "200 OK", "Use-Path: " U1 "\r\nExpires: 800\r\n");
    assert_int_equal(kit_count(&kit, RELAY_ENDPOINT_READY), 2);
    assert_string_equal(kit_said(&kit, link_), ""); /* it is bound already */
    assert_null(kit_find(&kit, RELAY_ENDPOINT_FAILED));
    kit_done(&kit);
    row_passed("A9");
}

#define CHALLENGE(n) "WWW-Authenticate: Digest realm=\"r\", qop=\"auth\", nonce=\"" n "\"\r\n"

/* Right out of the header that was sent, so that only the rule is tested here (client_digest.c has
 * the sums). */
static const char *parameter(const char *said, const char *name)
{
    static char value[200];
    const char *at = strstr(said, name);
    assert_non_null(at);
    assert_int_equal(sscanf(at + strlen(name), "%199[^\"\r\n]", value), 1);
    return value;
}

static void digest(void **state)
{
    const struct relay_endpoint_relay relay = {.uri = R1, .user = "alice", .password = "secret"};
    char tid[40];
    (void)state;
    open_with(&relay, 1, NULL);
    assert_null(strstr(asked(tid, R1), "Authorization"));
    answer(tid, "401 Unauthorized", "WWW-Authenticate: Bearer realm=\"x\"\r\n" CHALLENGE("n1"));
    assert_string_equal(parameter(asked(tid, R1), "nonce=\""), "n1");
    /* the answer was right, only old */
    answer(tid, "401 Unauthorized",
           "WWW-Authenticate: Digest realm=\"r\", qop=\"auth\", nonce=\"n2\", stale=true\r\n");
    assert_string_equal(parameter(asked(tid, R1), "nonce=\""), "n2");
    /* it was not right */
    answer(tid, "401 Unauthorized", CHALLENGE("n3"));
    assert_int_equal(kit_find(&kit, RELAY_ENDPOINT_FAILED)->status, 401);
    assert_string_equal(kit_said(&kit, link_), "");
    kit_done(&kit);
    /* a relay that says stale for ever is not asked for ever */
    open_with(&relay, 1, NULL);
    int asks = 1;
    (void)asked(tid, R1);
    answer(tid, "401 Unauthorized", CHALLENGE("n1"));
    while (kit_find(&kit, RELAY_ENDPOINT_FAILED) == NULL) {
        (void)asked(tid, R1);
        answer(tid, "401 Unauthorized",
               "WWW-Authenticate: Digest realm=\"r\", qop=\"auth\", nonce=\"n2\", stale=true\r\n");
        assert_true(++asks < 10);
    }
    kit_done(&kit);
    /* a wrong proof is no relay of ours; none at all is one that its certificate has proven */
    static const struct {
        const char *uri, *info;
        bool is_good;
    } proofs[] = {
        {R1, "", true},
        {R1, "Authentication-Info: rspauth=\"00\", cnonce=\"x\", nc=00000001, qop=auth\r\n", false},
        {R1, "Authentication-Info: nextnonce=\"n2\"\r\n", false},
        {"msrp://intra.example:2855;tcp", "", false},
    };
    for (size_t i = 0; i < sizeof(proofs) / sizeof(proofs[0]); i++) {
        const struct relay_endpoint_relay one = {
            .uri = proofs[i].uri, .user = "alice", .password = "secret"};
        char headers[300];
        open_with(&one, 1, NULL);
        (void)asked(tid, one.uri);
        answer(tid, "401 Unauthorized", CHALLENGE("n1"));
        (void)asked(tid, one.uri);
        snprintf(headers, sizeof(headers), "Use-Path: " U1 "\r\n%s", proofs[i].info);
        answer(tid, "200 OK", headers);
        if (proofs[i].is_good) {
            assert_non_null(kit_find(&kit, RELAY_ENDPOINT_READY));
        } else {
            assert_non_null(strstr(kit_find(&kit, RELAY_ENDPOINT_FAILED)->text, "password"));
        }
        kit_done(&kit);
    }
    /* the second relay, which another one connected to, has to prove itself */
    const struct relay_endpoint_relay both[] = {{.uri = R1, .token = "a.b.c"},
                                                {.uri = R2, .user = "alice", .password = "secret"}};
    open_with(both, 2, NULL);
    (void)asked(tid, R1);
    answer(tid, "200 OK", "Use-Path: " U1 "\r\n");
    (void)asked(tid, U1 " " R2);
    answer(tid, "401 Unauthorized", CHALLENGE("n1"));
    (void)asked(tid, U1 " " R2);
    answer(tid, "200 OK", "Use-Path: " U1 " " U2 "\r\n");
    assert_non_null(strstr(kit_find(&kit, RELAY_ENDPOINT_FAILED)->text, "password"));
    kit_done(&kit);
    row_passed("P14");
}

static void chained(void **state)
{
    const struct relay_endpoint_relay relays[] = {{.uri = R1, .token = "one"},
                                                  {.uri = R2, .token = "two"}};
    char tid[40], want[1800];
    (void)state;
    open_with(relays, 2, KIT_PEER);
    assert_non_null(strstr(asked(tid, R1), "Bearer one\r\n"));
    answer(tid, "200 OK", "Use-Path: " U1 "\r\nExpires: 1800\r\n");
    assert_null(kit_find(&kit, RELAY_ENDPOINT_READY));
    /* A11: the second through the first */
    assert_non_null(strstr(asked(tid, U1 " " R2), "Bearer two\r\n"));
    answer(tid, "200 OK", "Use-Path: " U1 " " U2 "\r\nExpires: 900\r\n");
    assert_non_null(kit_find(&kit, RELAY_ENDPOINT_READY));
    snprintf(want, sizeof(want), U2 " " U1 " %s", own);
    assert_string_equal(relay_endpoint_path(kit.endpoint, session), want);
    assert_non_null(
        strstr(kit_said(&kit, link_), "SEND\r\nTo-Path: " U1 " " U2 " " KIT_PEER "\r\n"));
    kit_done(&kit);
    row_passed("A9");
}

static void refusals(void **state)
{
    static const struct {
        const char *status, *headers;
        int code;
    } rows[] = {
        {"403 Forbidden", "", 403},
        {"401 Unauthorized", "WWW-Authenticate: Bearer realm=\"x\"\r\n", 401},
        {"423 Bounds", "", 423},
        {"200 OK", "", 0},
        {"200 OK", "Use-Path: nonsense\r\n", 0},
    };
    const struct relay_endpoint_relay relay = {.uri = R1, .token = "a.b.c"};
    char tid[40];
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        open_with(&relay, 1, KIT_PEER);
        (void)asked(tid, R1);
        answer(tid, rows[i].status, rows[i].headers);
        const struct relay_endpoint_event *event = kit_find(&kit, RELAY_ENDPOINT_FAILED);
        assert_int_equal(event->status, rows[i].code);
        assert_true(event->text[0] != '\0');
        assert_string_equal(kit_said(&kit, link_), "");
        kit_done(&kit);
    }
    /* A12: the bound is heeded once */
    const struct relay_endpoint_relay long_one = {.uri = R1, .token = "a.b.c", .expires_s = 9};
    open_with(&long_one, 1, KIT_PEER);
    assert_non_null(strstr(asked(tid, R1), "\r\nExpires: 9\r\n"));
    answer(tid, "423 Bounds", "Min-Expires: 60\r\n");
    assert_non_null(strstr(asked(tid, R1), "\r\nExpires: 60\r\n"));
    answer(tid, "423 Bounds", "Min-Expires: 90\r\n");
    assert_int_equal(kit_find(&kit, RELAY_ENDPOINT_FAILED)->status, 423);
    kit_done(&kit);
    /* no answer in 30 s */
    open_with(&relay, 1, KIT_PEER);
    (void)asked(tid, R1);
    kit.now.mono_ms += RELAY_CLIENT_ANSWER_MS;
    kit_feed(&kit, link_, RELAY_CLIENT_IN_TICK);
    assert_int_equal(kit_find(&kit, RELAY_ENDPOINT_FAILED)->status, 408);
    kit_done(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bearer),
        cmocka_unit_test(digest),
        cmocka_unit_test(chained),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
