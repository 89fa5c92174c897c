/* core_chained.c - AUTH through other relays: whose it is, its Use-Path, its life. */
#include "tests/relay/digest_kit.h"

#include "relay/core/machine.h"
#include "tests/row.h"

#define IN1    "msrps://in1.example:2855/one;tcp"
#define IN2    "msrps://in2.example:2855/two;tcp"
#define CLIENT "msrps://client.invalid:9/s;tcp"

static const char *const domains[] = {"iops.example"};
static const struct relay_peer_conf confs[] = {
    {.name = "in2.example", .port = 2855, .tls = true, .domains = domains, .domains_n = 1},
    {.name = "in3.example", .port = 2855, .tls = false, .domains = domains, .domains_n = 1},
};

struct stand {
    struct sim sim;
    struct digest_kit kit;
    struct relay_peer *peer;
    unsigned c; /* a connection of the peer */
};

static void stand(struct stand *s)
{
    memset(s, 0, sizeof *s);
    sim_init(&s->sim);
    digest_kit_init(&s->kit, &s->sim);
    s->sim.conf.keepalive_ms = 100000000;
    s->sim.conf.probation_ms = 100000000;
    s->sim.conf.sessions_per_peer_max = 3;
    s->sim.conf.peers = confs;
    s->sim.conf.peers_n = 2;
    sim_start(&s->sim);
    s->peer = s->sim.relay->peers.v;
    s->c = sim_open_peer(&s->sim, "in2.example");
}

static void fall(struct stand *s)
{
    sim_done(&s->sim);
    digest_kit_done(&s->kit);
}

static int say(struct stand *s, const char *user, const char *password, uint32_t nc,
               const char *from)
{
    struct digest_say what = {.user = user, .password = password, .nc = nc, .from = from};

    return digest_kit_auth(&s->kit, &s->sim, s->c, &what);
}

static struct relay_session *find(struct stand *s)
{
    const char *use = s->sim.conns[s->c].use_path, *last = strrchr(use, ' ');
    struct msrp_uri uri;

    assert_int_equal(msrp_uri_parse(&uri, msrp_str_of(last ? last + 1 : use)), 0);
    return relay_sessions_find(&s->sim.relay->sessions, uri.session);
}

/* Row A8, A11: Use-Path lists the inner relays in the order the client writes, then us. */
static void test_use_path(void **state)
{
    static const struct {
        const char *from, *inner;
    } rows[] = {
        {IN2 " " CLIENT, IN2 " "},
        {IN2 " " IN1 " " CLIENT, IN1 " " IN2 " "},
        {IN2 " " IN1 " msrps://in0.example:1/zero;tcp " CLIENT,
         "msrps://in0.example:1/zero;tcp " IN1 " " IN2 " "},
    };
    struct stand s;
    uint32_t nc = 0;

    (void)state;
    stand(&s);
    digest_kit_ask(&s.kit, &s.sim, s.c, IN2 " " CLIENT);
    assert_int_equal(strlen(s.kit.nonce), RELAY_NONCE_CHARS);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(say(&s, "alice", "secret", ++nc, rows[i].from), 200);
        const char *use = s.sim.conns[s.c].use_path;
        assert_int_equal(strncmp(use, rows[i].inner, strlen(rows[i].inner)), 0);
        const char *own = use + strlen(rows[i].inner);
        struct msrp_uri uri;
        assert_int_equal(msrp_uri_parse(&uri, msrp_str_of(own)), 0);
        assert_true(uri.is_secure && uri.has_port && uri.port == 2855 && !uri.is_ip4);
        assert_true(msrp_str_is(uri.host, SIM_NAME));
        assert_int_equal(uri.session.n, MSRP_IDENT_MADE);
        struct relay_session *session = find(&s);
        assert_string_equal(session->remote, rows[i].from);
        assert_string_equal(session->user, SIM_ALICE);
        assert_ptr_equal(session->peer, s.peer);
        assert_null(session->conn);
        const struct relay_event *event = &s.sim.events[(s.sim.events_n - 1) % SIM_EVENTS_MAX];
        assert_int_equal(event->kind, RELAY_EVENT_AUTH_OK);
        assert_string_equal(event->user, SIM_ALICE);
        assert_int_equal(event->session, session->hash);
        /* the answer goes back the whole way */
        char to[600];
        snprintf(to, sizeof to, "200 OK\r\nTo-Path: %s\r\nFrom-Path: " SIM_URI "\r\n",
                 rows[i].from);
        assert_non_null(strstr(sim_heard(&s.sim, s.c), to));
        assert_non_null(strstr(sim_heard(&s.sim, s.c), s.kit.expected));
    }
    assert_int_equal(s.peer->sessions, 3);
    assert_int_equal(relay_counts(s.sim.relay)->sessions_now, 3);
    /* the peer's connection has no user and is in no directory: nothing is delivered to it */
    assert_null(relay_conn_find(s.sim.relay, s.c + 1)->user);
    assert_null(relay_conns_of_user(s.sim.relay, MSRP_STR(SIM_ALICE)));
    fall(&s);

    /* the longest path that there is */
    stand(&s);
    char from[4096] = IN2, one[600];
    for (int i = 0; i < 7; i++) {
        snprintf(one, sizeof one, " msrps://in%d.example:2855/%0*d;tcp", i, 470, i);
        strcat(from, one);
    }
    digest_kit_ask(&s.kit, &s.sim, s.c, from);
    char credentials[1024];
    struct digest_say what = {.user = "alice", .password = "secret", .nc = 1};
    digest_kit_credentials(&s.kit, &what, SIM_URI, credentials, sizeof credentials);
    sim_clear(&s.sim, s.c);
    sim_sayf(&s.sim, s.c,
             "MSRP long AUTH\r\nTo-Path: " SIM_URI "\r\nFrom-Path: %s\r\nAuthorization: %s\r\n"
             "-------long$\r\n",
             from, credentials);
    assert_non_null(strstr(sim_heard(&s.sim, s.c), "MSRP long 200 OK\r\n"));
    assert_non_null(strstr(sim_heard(&s.sim, s.c), "\r\nUse-Path: msrps://in5.example"));
    fall(&s);

    /* a link without TLS, for tests: our URI says so */
    stand(&s);
    s.sim.relay->conf.plaintext_auth = true;
    s.c = sim_open(&s.sim, false);
    digest_kit_ask(&s.kit, &s.sim, s.c, "msrp://in3.example:2855/x;tcp " CLIENT);
    assert_int_equal(say(&s, "alice", "secret", 1, "msrp://in3.example:2855/x;tcp " CLIENT), 200);
    assert_non_null(strstr(s.sim.conns[s.c].use_path, " msrp://" SIM_NAME ":2855/"));
    fall(&s);
    row_passed("A8");
    row_passed("A11");
}

/* Many clients, each with an identity of its own; a token will do as well; renewal; the cap. */
static void test_many(void **state)
{
    struct stand s;
    char use[600], token[2048];

    (void)state;
    stand(&s);
    digest_kit_ask(&s.kit, &s.sim, s.c, IN2 " " CLIENT);
    assert_int_equal(say(&s, "alice", "secret", 1, IN2 " " CLIENT), 200);
    struct relay_session *alice = find(&s);
    strcpy(use, s.sim.conns[s.c].use_path);
    assert_int_equal(say(&s, "bob", "other", 2, "msrps://in2.example:2855/b;tcp " CLIENT), 200);
    assert_string_equal(find(&s)->user, SIM_BOB);
    assert_ptr_not_equal(find(&s), alice);
    token[sim_token(&s.sim, SIM_CAROL, token, sizeof token)] = '\0';
    sim_clear(&s.sim, s.c);
    sim_sayf(&s.sim, s.c,
             "MSRP toke AUTH\r\nTo-Path: " SIM_URI
             "\r\nFrom-Path: msrps://in2.example:2855/c;tcp " CLIENT
             "\r\nAuthorization: Bearer %s\r\n-------toke$\r\n",
             token);
    assert_non_null(strstr(sim_heard(&s.sim, s.c), "MSRP toke 200 OK\r\n"));
    assert_null(strstr(sim_heard(&s.sim, s.c), "Authentication-Info"));

    /* renewal, over another connection of that peer */
    s.c = sim_open_peer(&s.sim, "in2.example");
    assert_int_equal(say(&s, "alice", "secret", 3, IN2 " " CLIENT), 200);
    assert_string_equal(s.sim.conns[s.c].use_path, use);
    assert_int_equal(s.sim.events[(s.sim.events_n - 1) % SIM_EVENTS_MAX].kind,
                     RELAY_EVENT_AUTH_RENEWED);
    assert_int_equal(say(&s, "bob", "other", 4, IN2 " " CLIENT), 403);
    assert_int_equal(s.sim.last_refusal, RELAY_E_AUTH_OTHER_USER);
    assert_int_equal(say(&s, "alice", "secret", 5, "msrps://in2.example:2855/d;tcp " CLIENT), 403);
    assert_int_equal(s.sim.last_refusal, RELAY_E_PEER_SESSIONS);
    assert_int_equal(s.peer->sessions, 3);
    fall(&s);

    /* so many that the table grows */
    stand(&s);
    s.sim.relay->conf.sessions_per_peer_max = 1000;
    digest_kit_ask(&s.kit, &s.sim, s.c, IN2 " " CLIENT);
    for (uint32_t i = 1; i <= 300; i++) {
        char from[200];
        snprintf(from, sizeof from, "msrps://in2.example:2855/s%u;tcp " CLIENT, i);
        assert_int_equal(say(&s, "alice", "secret", i, from), 200);
    }
    assert_int_equal(s.peer->sessions, 300);
    assert_int_equal(say(&s, "alice", "secret", 301, "msrps://in2.example:2855/s7;tcp " CLIENT),
                     200);
    assert_int_equal(s.peer->sessions, 300);
    fall(&s);
}

/* Row R17, T10: the path must begin with the peer, and the peer may speak for the user. */
static void test_refused(void **state)
{
    static const struct {
        const char *user, *password, *from;
        int err;
    } rows[] = {
        {"alice", "secret", CLIENT, RELAY_E_PEER_NAME},
        {"alice", "secret", IN2, RELAY_E_PEER_NAME},
        {"alice", "secret", IN1 " " CLIENT, RELAY_E_PEER_NAME},
        {"alice", "secret", "msrps://in2.example:2856/two;tcp " CLIENT, RELAY_E_PEER_NAME},
        {"alice", "secret", IN1 " " IN2 " " CLIENT, RELAY_E_PEER_NAME},
        {"eve", "evil", IN2 " " CLIENT, RELAY_E_PEER_DOMAIN},
        {"alice", "guess", IN2 " " CLIENT, RELAY_E_DIGEST_RESPONSE},
    };
    struct stand s;

    (void)state;
    stand(&s);
    s.sim.auth.iops = false; /* eve is refused for her relay, not for her domain */
    digest_kit_ask(&s.kit, &s.sim, s.c, IN2 " " CLIENT);
    for (uint32_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int want = relay_err_row(rows[i].err)->status;
        assert_int_equal(say(&s, rows[i].user, rows[i].password, i + 1, rows[i].from), want);
        assert_int_equal(s.sim.last_refusal, rows[i].err);
    }
    assert_int_equal(s.peer->sessions, 0);
    assert_int_equal(relay_counts(s.sim.relay)->sessions_now, 0);
    assert_false(s.sim.conns[s.c].is_closing); /* many failures, but it is a peer */
    /* over TLS every URI says so */
    assert_int_equal(say(&s, "alice", "secret", 20, IN2 " msrp://client.invalid:9/s;tcp"), 403);
    assert_int_equal(s.sim.last_refusal, RELAY_E_PATH_PLAIN);
    struct digest_say low = {.user = "alice",
                             .password = "secret",
                             .nc = 21,
                             .from = IN2 " " CLIENT,
                             .more = "Expires: 1\r\n"};
    assert_int_equal(digest_kit_auth(&s.kit, &s.sim, s.c, &low), 423);
    fall(&s);
}

/* Not the end of a connection ends it, but its time, and new rules. */
static void test_end(void **state)
{
    struct stand s;
    struct digest_say what = {
        .user = "alice", .password = "secret", .nc = 1, .from = IN2 " " CLIENT};

    (void)state;
    stand(&s);
    what.more = "Expires: 60\r\n";
    digest_kit_ask(&s.kit, &s.sim, s.c, what.from);
    assert_int_equal(digest_kit_auth(&s.kit, &s.sim, s.c, &what), 200);
    struct relay_session *session = find(&s);
    unsigned old = s.c;
    s.c = sim_open_peer(&s.sim, "in2.example");
    strcpy(s.sim.conns[s.c].use_path, s.sim.conns[old].use_path);
    sim_closed(&s.sim, old);
    assert_ptr_equal(find(&s), session);
    sim_pass(&s.sim, 89000);
    assert_false(find(&s)->ended);
    sim_pass(&s.sim, 2250); /* the clock of the wall has whole seconds, the look is one a second */
    assert_true(!find(&s) || find(&s)->ended);
    assert_int_equal(s.peer->sessions, 0);
    assert_int_equal(relay_counts(s.sim.relay)->sessions_now, 0);
    sim_pass(&s.sim, 1250);
    assert_null(find(&s));
    assert_int_equal(s.sim.relay->chained.n, 0);

    /* while a frame of it is coming in it is ended, but not gone */
    what.nc++;
    what.more = NULL;
    assert_int_equal(digest_kit_auth(&s.kit, &s.sim, s.c, &what), 200);
    session = find(&s);
    struct relay_conn *conn = relay_conn_find(s.sim.relay, s.c + 1);
    conn->chunk.session = session;
    digest_kit_rules(&s.sim, NULL);
    assert_true(find(&s)->ended);
    sim_pass(&s.sim, 5000);
    assert_ptr_equal(find(&s), session);
    conn->chunk.session = NULL;
    sim_pass(&s.sim, 2000);
    assert_null(find(&s));

    /* the same From-Path opens another one, with another URI (row A10) */
    digest_kit_rules(&s.sim, &s.kit.rules);
    what.nc++;
    char before[600];
    strcpy(before, s.sim.conns[s.c].use_path);
    assert_int_equal(digest_kit_auth(&s.kit, &s.sim, s.c, &what), 200);
    assert_string_not_equal(before, s.sim.conns[s.c].use_path);
    struct relay_policy *policy = relay_policy_new();
    relay_policy_add_user(policy, SIM_ALICE)->revoked = true;
    assert_int_equal(relay_policy_seal(policy), 0);
    struct relay_in in = {.kind = RELAY_IN_POLICY, .policy = policy};
    sim_feed(&s.sim, &in);
    sim_pump(&s.sim);
    relay_policy_unref(policy);
    assert_true(find(&s)->ended);
    const struct relay_event *event = &s.sim.events[(s.sim.events_n - 2) % SIM_EVENTS_MAX];
    assert_int_equal(event->kind, RELAY_EVENT_SESSION_END);
    assert_string_equal(event->user, SIM_ALICE);
    fall(&s);
    row_passed("A10");
}

/* Such a session has no service: profile 2.7. */
static void test_no_service(void **state)
{
    struct stand s;
    int code = 0;

    (void)state;
    stand(&s);
    digest_kit_ask(&s.kit, &s.sim, s.c, IN2 " " CLIENT);
    assert_int_equal(say(&s, "alice", "secret", 1, IN2 " " CLIENT), 200);
    const char *own = strrchr(s.sim.conns[s.c].use_path, ' ') + 1;
    sim_clear(&s.sim, s.c);
    sim_sayf(&s.sim, s.c,
             "MSRP serv SEND\r\nTo-Path: %s " SIM_SERVICE "\r\nFrom-Path: " IN2 " " CLIENT
             "\r\nMessage-ID: mmmm\r\nContent-Type: multipart/mixed;boundary=x\r\n\r\n--x\r\n"
             "-------serv$\r\n",
             own);
    (void)sscanf(sim_heard(&s.sim, s.c), "MSRP serv %d", &code);
    assert_true(code == 403 || code == 481);
    assert_int_equal(relay_counts(s.sim.relay)->messages_in, 0);
    fall(&s);
}

/* Two clients behind one peer: what one sends to the session of the other goes back to that peer.
 * row R2 */
static void test_neighbour(void **state)
{
    struct stand s;
    char want[2048], tid[64];

    (void)state;
    stand(&s);
    digest_kit_ask(&s.kit, &s.sim, s.c, IN2 " " CLIENT);
    assert_int_equal(say(&s, "alice", "secret", 1, IN2 " " CLIENT), 200);
    const char *own = strrchr(s.sim.conns[s.c].use_path, ' ') + 1;
    static const char other[] = "msrps://in2.example:2855/z;tcp msrps://other.invalid:5/o;tcp";
    sim_clear(&s.sim, s.c);
    sim_sayf(&s.sim, s.c,
             "MSRP tidx SEND\r\nTo-Path: %s " IN2 " " CLIENT "\r\nFrom-Path: %s\r\n"
             "Message-ID: mmmm\r\nFailure-Report: no\r\nByte-Range: 1-2/2\r\n"
             "Content-Type: text/plain\r\n\r\nhi\r\n-------tidx$\r\n",
             own, other);
    assert_int_equal(sscanf(sim_heard(&s.sim, s.c), "MSRP %40s SEND", tid), 1);
    snprintf(want, sizeof want,
             "MSRP %s SEND\r\nTo-Path: " IN2 " " CLIENT "\r\nFrom-Path: %s %s\r\n"
             "Message-ID: mmmm\r\nFailure-Report: no\r\nByte-Range: 1-2/2\r\n"
             "Content-Type: text/plain\r\n\r\nhi\r\n-------%s$\r\n",
             tid, own, other, tid);
    assert_string_equal(sim_heard(&s.sim, s.c), want);
    /* to anywhere else he does not send by that session */
    sim_clear(&s.sim, s.c);
    sim_sayf(&s.sim, s.c,
             "MSRP tidy SEND\r\nTo-Path: %s msrps://x.invalid:7/x;tcp\r\nFrom-Path: %s\r\n"
             "Message-ID: nnnn\r\n-------tidy$\r\n",
             own, other);
    assert_non_null(strstr(sim_heard(&s.sim, s.c), "MSRP tidy 403 "));
    fall(&s);
    row_passed("R2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_use_path),   cmocka_unit_test(test_many),
        cmocka_unit_test(test_refused),    cmocka_unit_test(test_end),
        cmocka_unit_test(test_no_service), cmocka_unit_test(test_neighbour),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
