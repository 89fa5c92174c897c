/* core_credentials.c - AUTH with Digest: challenges, credentials, answers, the end of a password.
 */
#include "tests/relay/digest_kit.h"

#include "relay/core/machine.h"
#include "tests/row.h"

#define BEARER "WWW-Authenticate: Bearer realm=\"iops\", scope=\"3gpp:mc:data_service\"\r\n"

static const struct digest_say good = {.user = "alice", .password = "secret", .nc = 1};

struct stand {
    struct sim sim;
    struct digest_kit kit;
    unsigned c;
};

static void stand(struct stand *s)
{
    sim_init(&s->sim);
    digest_kit_init(&s->kit, &s->sim);
    s->sim.conf.keepalive_ms = 100000000;
    sim_start(&s->sim);
    s->c = sim_open(&s->sim, true);
}

static void fall(struct stand *s)
{
    sim_done(&s->sim);
    digest_kit_done(&s->kit);
}

static const char *heard(struct stand *s)
{
    return sim_heard(&s->sim, s->c);
}

static int say(struct stand *s, const struct digest_say *what)
{
    return digest_kit_auth(&s->kit, &s->sim, s->c, what);
}

/* What was heard with every nonce replaced by N: the same for any two refusals. */
static const char *masked(struct stand *s)
{
    static char out[4][4096];
    static unsigned at;
    char *to = out[at++ % 4], *begin = to;
    const char *p = heard(s), *nonce;

    while ((nonce = strstr(p, "nonce=\""))) {
        memcpy(to, p, (size_t)(nonce + 7 - p));
        to += nonce + 7 - p;
        *to++ = 'N';
        p = nonce + 7 + strcspn(nonce + 7, "\"");
    }
    strcpy(to, p);
    return begin;
}

/* Row A1, A3, 52, profile 2.2: Bearer first; then Digest, each in a header of its own, the one that
 * every client knows last. */
static void test_challenge(void **state)
{
    struct stand s;

    (void)state;
    stand(&s);
    digest_kit_ask(&s.kit, &s.sim, s.c, KIT_FROM);
    assert_string_equal(
        masked(&s),
        "MSRP asks 401 Unauthorized\r\nTo-Path: " KIT_FROM "\r\nFrom-Path: " SIM_URI "\r\n" BEARER
        "WWW-Authenticate: Digest realm=\"iops\", qop=\"auth\", nonce=\"N\", opaque=\"mcdata\", "
        "algorithm=SHA-256\r\n"
        "WWW-Authenticate: Digest realm=\"iops\", qop=\"auth\", nonce=\"N\", opaque=\"mcdata\"\r\n"
        "-------asks$\r\n");
    /* to be challenged is no failure */
    for (int i = 0; i < 10; i++)
        digest_kit_ask(&s.kit, &s.sim, s.c, KIT_FROM);
    assert_false(s.sim.conns[s.c].is_closing);

    /* without users who may have tokens there is no Bearer; without Digest there is nothing else */
    static const struct relay_auth none = {.scope = "x", .is_tokenless = true};
    struct relay_in in = {.kind = RELAY_IN_AUTH, .auth = &none};
    sim_feed(&s.sim, &in);
    digest_kit_ask(&s.kit, &s.sim, s.c, KIT_FROM);
    assert_null(strstr(heard(&s), "Bearer"));
    assert_non_null(strstr(heard(&s), "WWW-Authenticate: Digest "));
    in.auth = &s.sim.auth;
    sim_feed(&s.sim, &in);
    digest_kit_rules(&s.sim, NULL);
    digest_kit_ask(&s.kit, &s.sim, s.c, KIT_FROM);
    assert_string_equal(s.kit.nonce, "");
    assert_non_null(strstr(heard(&s), BEARER "-------asks$"));
    s.kit.nonce[0] = 'n';
    assert_int_equal(say(&s, &good), 401);
    assert_int_equal(s.sim.last_refusal, RELAY_E_AUTH_SCHEME);
    fall(&s);
    row_passed("A1");
}

/* Row A5, A6: the 200 brings Use-Path, Expires and our proof; the session works; it is renewed. */
static void test_good(void **state)
{
    struct stand s;
    char want[1000], use[600];

    (void)state;
    for (int split = 0; split < 2; split++) {
        stand(&s);
        s.sim.split = split;
        digest_kit_ask(&s.kit, &s.sim, s.c, KIT_FROM);
        assert_int_equal(say(&s, &good), 200);
        snprintf(want, sizeof want,
                 "\r\nUse-Path: %s\r\nExpires: 3600\r\nAuthentication-Info: rspauth=\"%s\", "
                 "cnonce=\"0a4f113b\", nc=00000001, qop=auth\r\n-------auth$\r\n",
                 s.sim.conns[s.c].use_path, s.kit.expected);
        assert_non_null(strstr(heard(&s), want));
        strcpy(use, s.sim.conns[s.c].use_path);
        const struct relay_event *event = &s.sim.events[(s.sim.events_n - 1) % SIM_EVENTS_MAX];
        assert_int_equal(event->kind, RELAY_EVENT_AUTH_OK);
        assert_string_equal(event->user, SIM_ALICE);
        struct relay_conn *conn = relay_conn_find(s.sim.relay, s.c + 1);
        assert_string_equal(conn->sessions->user, SIM_ALICE);
        assert_null(conn->sessions->peer);
        assert_int_equal(digest_kit_ping(&s.sim, s.c), 200);

        struct digest_say next = good;
        next.nc = 2;
        assert_int_equal(say(&s, &next), 200);
        assert_string_equal(use, s.sim.conns[s.c].use_path);
        assert_int_equal(say(&s, &next), 401); /* that count was used */
        assert_int_equal(s.sim.last_refusal, RELAY_E_DIGEST_REPLAY);
        assert_null(strstr(heard(&s), "stale"));
        /* a token of the same user on the same connection is another way in */
        assert_true(sim_login(&s.sim, s.c, SIM_ALICE));
        assert_int_equal(relay_counts(s.sim.relay)->sessions_now, 2);
        fall(&s);
    }

    /* uri= and userinfo; SHA-256 for the one who has it */
    stand(&s);
    digest_kit_ask(&s.kit, &s.sim, s.c, KIT_FROM);
    struct digest_say other = good;
    other.to = "msrps://alice@" SIM_NAME ";tcp";
    other.tail = ", uri=\"msrps://alice@" SIM_NAME ";tcp\"";
    assert_int_equal(say(&s, &other), 200);
    other.nc = 2;
    other.tail = ", uri=\"" SIM_URI "\"";
    assert_int_equal(say(&s, &other), 401);
    assert_int_equal(s.sim.last_refusal, RELAY_E_DIGEST_URI);
    unsigned c = sim_open(&s.sim, true);
    digest_kit_ask(&s.kit, &s.sim, c, KIT_FROM);
    struct digest_say sha = {
        .user = "carol", .password = "strong", .nc = 1, .algorithm = MSRP_DIGEST_SHA256};
    assert_int_equal(digest_kit_auth(&s.kit, &s.sim, c, &sha), 200);
    assert_int_equal(strlen(s.kit.expected), 64);
    assert_non_null(strstr(sim_heard(&s.sim, c), s.kit.expected));
    fall(&s);
    row_passed("A5");
    row_passed("A6");
}

/* Row A7, 53: stale when the nonce is over and the response right; that is no failure. nextnonce
 * spares the client the round. */
static void test_stale(void **state)
{
    struct stand s;
    struct digest_say what = good;
    char old[600];

    (void)state;
    stand(&s);
    digest_kit_ask(&s.kit, &s.sim, s.c, KIT_FROM);
    assert_int_equal(say(&s, &what), 200);
    assert_null(strstr(heard(&s), "nextnonce"));
    strcpy(old, s.kit.nonce);
    what.nonce = old;
    sim_pass(&s.sim, 299000);
    what.nc = 2;
    assert_int_equal(say(&s, &what), 200);
    digest_kit_take(heard(&s), "nextnonce=\"", s.kit.nonce, sizeof s.kit.nonce);
    assert_int_equal(strlen(s.kit.nonce), RELAY_NONCE_CHARS);
    sim_pass(&s.sim, 1000);
    what.nonce = NULL;
    what.nc = 1;
    assert_int_equal(say(&s, &what), 200);
    what.nonce = old;
    for (what.nc = 3; what.nc < 13; what.nc++) {
        assert_int_equal(say(&s, &what), 401);
        assert_int_equal(s.sim.last_refusal, RELAY_E_DIGEST_STALE);
        assert_non_null(strstr(heard(&s), ", stale=true\r\n-------auth$"));
        assert_non_null(strstr(heard(&s), BEARER)); /* no error: there was no token */
    }
    what.nonce = NULL;
    what.nc = 1;
    assert_int_equal(say(&s, &what), 200);
    /* with the wrong password it is wrong, not stale */
    what = (struct digest_say){.user = "alice", .password = "guess", .nc = 4, .nonce = old};
    assert_int_equal(say(&s, &what), 401);
    assert_null(strstr(heard(&s), "stale"));
    fall(&s);
}

/* Row 58, A3: a fresh challenge for what rfc4976#9.1 does not have. */
static void test_row_58(void **state)
{
#define PART "Digest username=\"alice\", realm=\"iops\", nonce=\"n\", response=\"00\""
    static const struct {
        const char *text;
        int err;
    } rows[] = {
        {"Basic YWxpY2U6c2VjcmV0", RELAY_E_AUTH_SCHEME},
        {"Digest", RELAY_E_AUTH_SCHEME},
        {PART ", qop=auth-int, nc=00000001, cnonce=\"c\"", RELAY_E_DIGEST_QOP},
        {PART ", nc=00000001, cnonce=\"c\"", RELAY_E_DIGEST_QOP},
        {PART ", qop=auth, nc=00000001, cnonce=\"c\", algorithm=MD5-sess",
         RELAY_E_DIGEST_ALGORITHM},
        {PART ", qop=auth, nc=00000001", RELAY_E_DIGEST_FIELDS},
        {PART ", qop=auth, cnonce=\"c\"", RELAY_E_DIGEST_FIELDS},
        {PART ", qop=auth, nc=1, cnonce=\"c\"", MSRP_E_DIGEST_FORM},
        {PART ", qop=auth, nc=00000001, cnonce=c", MSRP_E_DIGEST_FORM},
        {PART ", qop=auth, qop=auth", MSRP_E_DIGEST_TWICE},
        {"Digest username=\"alice\"", MSRP_E_DIGEST_MISSING},
        {"Digest realm", MSRP_E_DIGEST_FORM},
        {"Digest username=\"alice\", realm=\"other\", nonce=\"n\", response=\"00\", qop=auth, "
         "nc=00000001, cnonce=\"c\"",
         RELAY_E_DIGEST_REALM},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct stand s;
        char nonce[600];
        stand(&s);
        digest_kit_ask(&s.kit, &s.sim, s.c, KIT_FROM);
        strcpy(nonce, s.kit.nonce);
        for (int fails = 1; fails <= 5; fails++) {
            sim_clear_all(&s.sim);
            sim_sayf(&s.sim, s.c,
                     "MSRP bad%d AUTH\r\nTo-Path: " SIM_URI "\r\nFrom-Path: " KIT_FROM
                     "\r\nAuthorization: %s\r\n-------bad%d$\r\n",
                     fails, rows[i].text, fails);
            assert_int_equal(s.sim.conns[s.c].is_closing, fails == 5);
            assert_int_equal(s.sim.refusals, 1);
            if (fails == 5)
                break;
            digest_kit_hear(&s.kit, &s.sim, s.c);
            assert_non_null(strstr(heard(&s), " 401 Unauthorized\r\n"));
            assert_null(strstr(heard(&s), "stale"));
            assert_int_equal(strlen(s.kit.nonce), RELAY_NONCE_CHARS);
            assert_string_not_equal(s.kit.nonce, nonce);
            assert_int_equal(s.sim.last_refusal, rows[i].err);
        }
        fall(&s);
    }
    row_passed("10.58");
    row_passed("A3");
}

/* Row 53, A14, A15, T35: a wrong password and no such user are one answer; the fifth closes. */
static void test_wrong(void **state)
{
    static const struct digest_say wrong[] = {
        {.user = "alice", .password = "guess", .nc = 1},
        {.user = "nobody", .password = "secret", .nc = 1},
        {.user = "carol", .password = "strong", .nc = 1}, /* not with MD5 */
        {.user = "alice", .password = "secret", .nc = 1, .algorithm = MSRP_DIGEST_SHA256},
    };
    struct stand s;
    char first[4096] = "";

    (void)state;
    stand(&s);
    for (int i = 0; i < 4; i++) {
        digest_kit_ask(&s.kit, &s.sim, s.c, KIT_FROM);
        assert_int_equal(say(&s, &wrong[i]), 401);
        if (i == 0)
            strcpy(first, masked(&s));
        assert_string_equal(masked(&s), first);
        assert_int_equal(s.sim.last_refusal,
                         i == 0 ? RELAY_E_DIGEST_RESPONSE : RELAY_E_DIGEST_USER);
        assert_false(s.sim.conns[s.c].is_closing);
    }
    assert_int_equal(say(&s, &wrong[0]), 0);
    assert_true(s.sim.conns[s.c].is_closing);
    assert_int_equal(s.sim.last_refusal, RELAY_E_AUTH_FAILS);
    fall(&s);

    /* right, but not allowed: 403 */
    stand(&s);
    digest_kit_ask(&s.kit, &s.sim, s.c, KIT_FROM);
    struct digest_say eve = {.user = "eve", .password = "evil", .nc = 1};
    assert_int_equal(say(&s, &eve), 403);
    assert_int_equal(s.sim.last_refusal, RELAY_E_IOPS_DOMAIN);
    assert_null(strstr(heard(&s), "WWW-Authenticate"));
    struct digest_say what = good;
    what.nc = 2;
    assert_int_equal(say(&s, &what), 200);
    struct digest_say bob = {.user = "bob", .password = "other", .nc = 3};
    assert_int_equal(say(&s, &bob), 403);
    assert_int_equal(s.sim.last_refusal, RELAY_E_AUTH_OTHER_USER);
    struct relay_policy *policy = relay_policy_new();
    relay_policy_add_user(policy, SIM_ALICE)->revoked = true;
    assert_int_equal(relay_policy_seal(policy), 0);
    struct relay_in in = {.kind = RELAY_IN_POLICY, .policy = policy};
    sim_feed(&s.sim, &in);
    sim_pump(&s.sim);
    relay_policy_unref(policy);
    assert_int_equal(digest_kit_ping(&s.sim, s.c), 481); /* it stood, and ended */
    what.nc = 4;
    assert_int_equal(say(&s, &what), 403);
    assert_int_equal(s.sim.last_refusal, RELAY_E_REVOKED);
    fall(&s);
    row_passed("A14");
}

/* Row A16: failures of a user make him wait, from wherever they come; others do not. */
static void test_backoff(void **state)
{
    struct stand s;
    struct digest_say what = {.user = "alice", .password = "guess", .nc = 1};
    char source[32], first[4096] = "";

    (void)state;
    stand(&s);
    for (int i = 0; i < 6; i++) {
        snprintf(source, sizeof source, "192.0.2.%d", i);
        s.c = sim_open_from(&s.sim, true, source);
        digest_kit_ask(&s.kit, &s.sim, s.c, KIT_FROM);
        assert_int_equal(say(&s, &what), 401);
        if (i == 0)
            strcpy(first, masked(&s));
        assert_string_equal(masked(&s), first);
        assert_int_equal(s.sim.last_refusal, i < 5 ? RELAY_E_DIGEST_RESPONSE : RELAY_E_DIGEST_WAIT);
    }
    assert_int_equal(say(&s, &good), 401);
    assert_string_equal(masked(&s), first);
    struct digest_say bob = {.user = "bob", .password = "other", .nc = 1};
    assert_int_equal(say(&s, &bob), 200);
    sim_pass(&s.sim, 1000);
    s.c = sim_open_from(&s.sim, true, "192.0.2.77");
    digest_kit_ask(&s.kit, &s.sim, s.c, KIT_FROM);
    assert_int_equal(say(&s, &good), 200);
    fall(&s);
}

/* Row A12, A13, 55, 61: bounds, and the end by time and with the connection. */
static void test_expires(void **state)
{
    struct stand s;
    struct digest_say what = good;

    (void)state;
    stand(&s);
    digest_kit_ask(&s.kit, &s.sim, s.c, KIT_FROM);
    what.more = "Expires: 59\r\n";
    assert_int_equal(say(&s, &what), 423);
    assert_non_null(strstr(heard(&s), "\r\nMin-Expires: 60\r\n"));
    what.nc++;
    what.more = "Expires: 86401\r\n";
    assert_int_equal(say(&s, &what), 423);
    assert_non_null(strstr(heard(&s), "\r\nMax-Expires: 86400\r\n"));
    what.nc++;
    what.more = "Expires: soon\r\n";
    assert_int_equal(say(&s, &what), 400);
    what.nc++;
    what.more = "Expires: 60\r\n";
    assert_int_equal(say(&s, &what), 200);
    assert_non_null(strstr(heard(&s), "\r\nExpires: 60\r\n"));
    sim_pass(&s.sim, 89000);
    assert_int_equal(digest_kit_ping(&s.sim, s.c), 200);
    sim_pass(&s.sim, 1250);
    assert_int_equal(digest_kit_ping(&s.sim, s.c), 481);
    what.nc++;
    assert_int_equal(say(&s, &what), 200);
    unsigned c = sim_open(&s.sim, true);
    strcpy(s.sim.conns[c].use_path, s.sim.conns[s.c].use_path);
    strcpy(s.sim.conns[c].remote, s.sim.conns[s.c].remote);
    assert_int_equal(digest_kit_ping(&s.sim, c), 481); /* while it lives elsewhere */
    sim_closed(&s.sim, s.c);
    assert_int_equal(digest_kit_ping(&s.sim, c), 481); /* and when it is gone */
    assert_int_equal(s.sim.last_refusal, RELAY_E_SESSION);
    fall(&s);
    row_passed("A12");
    row_passed("A13");
}

/* Row A2, 57: never in the clear, but for tests on loopback. */
static void test_plain(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct stand s;
        sim_init(&s.sim);
        digest_kit_init(&s.kit, &s.sim);
        s.sim.conf.plaintext_auth = i;
        sim_start(&s.sim);
        s.c = sim_open(&s.sim, false);
        digest_kit_ask(&s.kit, &s.sim, s.c, KIT_FROM);
        assert_int_equal(s.kit.nonce[0] != '\0', i);
        assert_int_equal(s.sim.conns[s.c].is_closing, !i);
        if (i)
            assert_int_equal(say(&s, &good), 200);
        else
            assert_int_equal(s.sim.last_refusal, RELAY_E_AUTH_PLAINTEXT);
        fall(&s);
    }
    row_passed("A2");
}

/* Profile 2.8: a user who is gone, or has another password, is out at once; the others stay. */
static void test_new_users(void **state)
{
    struct stand s;
    struct digest_say bob = {.user = "bob", .password = "other", .nc = 2};

    (void)state;
    stand(&s);
    digest_kit_ask(&s.kit, &s.sim, s.c, KIT_FROM);
    assert_int_equal(say(&s, &good), 200);
    unsigned b = sim_open(&s.sim, true), t = sim_user(&s.sim, SIM_CAROL);
    assert_int_equal(digest_kit_auth(&s.kit, &s.sim, b, &bob), 200);
    struct relay_digest_users *users = relay_digest_users_new();
    digest_kit_add(users, "bob", "other", MSRP_DIGEST_MD5, SIM_BOB);
    digest_kit_add(users, "alice", "changed", MSRP_DIGEST_MD5, SIM_ALICE);
    assert_int_equal(relay_digest_users_seal(users), 0);
    struct relay_digest_rules rules = {users, "iops", 300};
    digest_kit_rules(&s.sim, &rules);
    assert_int_equal(digest_kit_ping(&s.sim, s.c), 481);
    assert_int_equal(digest_kit_ping(&s.sim, b), 200);
    assert_int_equal(digest_kit_ping(&s.sim, t), 200);
    struct digest_say what = {.user = "alice", .password = "changed", .nc = 3};
    assert_int_equal(say(&s, &what), 200);
    digest_kit_rules(&s.sim, NULL);
    assert_int_equal(digest_kit_ping(&s.sim, s.c), 481);
    assert_int_equal(digest_kit_ping(&s.sim, b), 481);
    assert_int_equal(digest_kit_ping(&s.sim, t), 200);
    fall(&s);
    relay_digest_users_free(users);
}

/* The AUTH that the peer got from us last: its transaction id, its paths swapped, for an answer. */
static void answer(struct stand *s, unsigned peer, const char *fields)
{
    char tid[40], to[600], from[1300];

    assert_int_equal(
        sscanf(sim_heard(&s->sim, peer), "MSRP %39s AUTH\r\nTo-Path: %599s\r\n", tid, to), 2);
    digest_kit_take(sim_heard(&s->sim, peer), "From-Path: ", from, sizeof from);
    sim_clear(&s->sim, peer);
    sim_sayf(&s->sim, peer,
             "MSRP %s 401 Unauthorized\r\nTo-Path: %s\r\nFrom-Path: %s\r\n%s-------%s$\r\n", tid,
             from, to, fields, tid);
}

/* Row A15: failures of AUTHs that only passed through us count too; challenges and stale nonces do
 * not, nor do those of a peer's clients. */
static void test_forwarded(void **state)
{
#define OUT "msrps://out.example:2855;tcp"
    static const struct relay_peer_conf conf = {.name = "out.example", .port = 2855, .tls = true};
    static const char plain[] = "WWW-Authenticate: Bearer realm=\"x\"\r\nWWW-Authenticate: Digest "
                                "realm=\"x\", qop=\"auth\", nonce=\"n\"\r\n";
    static const char stale[] = "WWW-Authenticate: Digest realm=\"x\", qop=\"auth\", nonce=\"n\", "
                                "stale=true\r\n";
    static const char login[] = "Authorization: Digest username=\"u\", response=\"here\"\r\n";
    struct stand s;
    unsigned peer = 0;

    (void)state;
    sim_init(&s.sim);
    digest_kit_init(&s.kit, &s.sim);
    s.sim.conf.peers = &conf;
    s.sim.conf.peers_n = 1;
    sim_start(&s.sim);
    s.c = sim_user(&s.sim, SIM_ALICE);
    for (int i = 0; i < 13; i++) {
        bool with = i % 4 != 0, is_stale = i % 4 == 1;
        sim_clear(&s.sim, s.c);
        assert_false(s.sim.conns[s.c].is_closing);
        sim_sayf(&s.sim, s.c,
                 "MSRP fwd%d AUTH\r\nTo-Path: %s " OUT "\r\nFrom-Path: %s\r\n%s-------fwd%d$\r\n",
                 i, s.sim.conns[s.c].use_path, s.sim.conns[s.c].remote, with ? login : "", i);
        if (i == 0) { /* it waits for the link, and goes on whole */
            assert_int_equal(s.sim.dialled, 1);
            peer = sim_dialled(&s.sim);
        }
        if (with)
            assert_non_null(strstr(sim_heard(&s.sim, peer), login));
        answer(&s, peer, is_stale ? stale : plain);
        assert_non_null(strstr(heard(&s), is_stale ? stale : plain));
        /* i = 2, 3, 6, 7, 10 are failures */
        assert_int_equal(s.sim.conns[s.c].is_closing, i >= 10);
        if (i >= 10)
            break;
    }
    assert_int_equal(s.sim.last_refusal, RELAY_E_AUTH_FAILS);
    assert_false(s.sim.conns[peer].is_closing);

    /* a peer is not blamed for what its clients fail with us */
    struct digest_say wrong = {.user = "nobody", .password = "x", .nc = 1};
    digest_kit_ask(&s.kit, &s.sim, peer, KIT_FROM);
    for (int i = 1; i <= 20; i++)
        assert_int_equal(digest_kit_auth(&s.kit, &s.sim, peer, &wrong), 401);
    for (int i = 1; i <= 20; i++)
        relay_login_forward_failed(relay_conn_find(s.sim.relay, peer + 1));
    assert_false(s.sim.conns[peer].is_closing);
    fall(&s);
    row_passed("A15");
}

/* With credentials, to a relay that has to be dialled first; and they do not stay in memory. */
static void test_waits(void **state)
{
    static const struct relay_peer_conf conf = {.name = "out.example", .port = 2855, .tls = true};
    struct stand s;

    (void)state;
    sim_init(&s.sim);
    digest_kit_init(&s.kit, &s.sim);
    s.sim.conf.peers = &conf;
    s.sim.conf.peers_n = 1;
    sim_start(&s.sim);
    s.c = sim_user(&s.sim, SIM_ALICE);
    sim_sayf(&s.sim, s.c,
             "MSRP wait AUTH\r\nTo-Path: %s " OUT "\r\nFrom-Path: %s\r\n"
             "Authorization: Bearer nobody-else-may-see\r\n-------wait$\r\nMSRP next",
             s.sim.conns[s.c].use_path, s.sim.conns[s.c].remote);
    struct relay_slab *slab = relay_slab_ref(relay_conn_find(s.sim.relay, s.c + 1)->in);
    assert_non_null(memmem(slab->data, slab->used, "nobody-else", 11)); /* it waits there */
    unsigned peer = sim_dialled(&s.sim);
    assert_non_null(
        strstr(sim_heard(&s.sim, peer), "\r\nAuthorization: Bearer nobody-else-may-see\r\n"));
    assert_null(memmem(slab->data, slab->used, "nobody-else", 11));
    relay_slab_unref(slab);
    fall(&s);
}

/* Row R18: a certificate that is no peer's makes nobody a relay: a client, challenged as all. */
static void test_certificate(void **state)
{
    static const struct relay_peer_conf conf = {.name = "out.example", .port = 2855, .tls = true};
    struct stand s;

    (void)state;
    sim_init(&s.sim);
    digest_kit_init(&s.kit, &s.sim);
    s.sim.conf.peers = &conf;
    s.sim.conf.peers_n = 1;
    sim_start(&s.sim);
    s.c = sim_open_peer(&s.sim, "phone.example");
    digest_kit_ask(&s.kit, &s.sim, s.c, KIT_FROM);
    assert_int_equal(strlen(s.kit.nonce), RELAY_NONCE_CHARS);
    assert_int_equal(say(&s, &good), 200);
    assert_null(relay_conn_find(s.sim.relay, s.c + 1)->peer);
    assert_null(strchr(s.sim.conns[s.c].use_path, ' '));
    assert_int_equal(digest_kit_ping(&s.sim, s.c), 200);
    fall(&s);
    row_passed("R18");
}

/* Row P14: whatever else is asked, with credentials or without, is answered, but never with 401. */
static void test_only_auth(void **state)
{
    static const char *const methods[] = {"SEND", "REPORT", "NICKNAME"};
    static const char *const more[] = {"", "Authorization: Digest username=\"alice\"\r\n",
                                       "Authorization: Bearer x.y.z\r\n"};
    struct stand s;

    (void)state;
    stand(&s);
    for (int i = 0; i < 18; i++) {
        const char *to = i < 9 ? SIM_URI : "msrps://" SIM_NAME ":2855/nobodyknowsthissession;tcp";
        const char *method = methods[i % 3];
        sim_clear(&s.sim, s.c);
        sim_sayf(&s.sim, s.c,
                 "MSRP only%02d %s\r\nTo-Path: %s\r\nFrom-Path: " KIT_FROM
                 "\r\nMessage-ID: mmmm\r\n%s%s-------only%02d$\r\n",
                 i, method, to, i % 3 == 1 ? "Status: 000 200 OK\r\n" : "", more[i / 3 % 3], i);
        assert_int_equal(heard(&s)[0] != '\0', i % 3 != 1);
        assert_false(s.sim.conns[s.c].is_closing);
    }
    assert_int_equal(relay_counts(s.sim.relay)->answers[401], 0);
    assert_int_equal(relay_counts(s.sim.relay)->answers[481], 6);
    assert_int_equal(relay_counts(s.sim.relay)->answers[501], 6);
    digest_kit_ask(&s.kit, &s.sim, s.c, KIT_FROM);
    assert_int_equal(relay_counts(s.sim.relay)->answers[401], 1);
    fall(&s);
    row_passed("P14");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_challenge), cmocka_unit_test(test_good),
        cmocka_unit_test(test_stale),     cmocka_unit_test(test_row_58),
        cmocka_unit_test(test_wrong),     cmocka_unit_test(test_backoff),
        cmocka_unit_test(test_expires),   cmocka_unit_test(test_plain),
        cmocka_unit_test(test_new_users), cmocka_unit_test(test_forwarded),
        cmocka_unit_test(test_waits),     cmocka_unit_test(test_certificate),
        cmocka_unit_test(test_only_auth),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
