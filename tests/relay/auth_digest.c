/* auth_digest.c - Digest: the hashes of the RFCs, users, nonces, counts, waiting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "relay/auth/digest.h"
#include "relay/err.h"
#include "tests/row.h"

#define ALICE "sip:alice@iops.example"
#define URI   "msrps://alice@relay.iops.example;tcp"
#define NOW   ((int64_t)5000000)

static const uint8_t secret[RELAY_NONCE_SECRET] = "thirty-two octets of a pretence!";

struct stand {
    struct relay_digest_users *users;
    struct relay_digest_rules rules;
    struct relay_digest digest;
};

static void add(struct stand *s, const char *name, const char *password,
                enum msrp_digest_algorithm algorithm)
{
    char ha1[MSRP_DIGEST_HEX_MAX + 1], id[64];

    snprintf(id, sizeof id, "sip:%s@iops.example", name);
    assert_int_equal(relay_digest_ha1(algorithm, msrp_str_of(name), MSRP_STR("iops"),
                                      msrp_str_of(password), ha1),
                     0);
    assert_int_equal(relay_digest_users_add(s->users, name, id, algorithm, ha1), 0);
}

static void stand(struct stand *s)
{
    *s = (struct stand){.users = relay_digest_users_new()};
    add(s, "alice", "secret", MSRP_DIGEST_MD5);
    add(s, "carol", "strong", MSRP_DIGEST_SHA256);
    add(s, "bob", "other", MSRP_DIGEST_MD5);
    assert_int_equal(relay_digest_users_seal(s->users), 0);
    s->rules = (struct relay_digest_rules){s->users, "iops", 300};
    relay_nonces_init(&s->digest.nonces, secret, 64);
}

static void fall(struct stand *s)
{
    relay_backoff_done(&s->digest.backoff);
    relay_nonces_done(&s->digest.nonces);
    relay_digest_users_free(s->users);
}

/* Credentials as a client would make them. Every string lives in the struct. */
struct client {
    struct msrp_digest_credentials c;
    char nonce[RELAY_NONCE_CHARS + 1], nc[9], response[MSRP_DIGEST_HEX_MAX + 1];
};

static void client_say(struct client *client, const char *name, const char *password, uint32_t nc,
                       enum msrp_digest_algorithm algorithm)
{
    char ha1[MSRP_DIGEST_HEX_MAX + 1];

    msrp_digest_nc(client->nc, nc);
    client->c = (struct msrp_digest_credentials){.username = msrp_str_of(name),
                                                 .realm = MSRP_STR("iops"),
                                                 .nonce = msrp_str_of(client->nonce),
                                                 .cnonce = MSRP_STR("0a4f113b"),
                                                 .qop = MSRP_STR("auth"),
                                                 .nc = msrp_str_of(client->nc),
                                                 .nc_value = nc,
                                                 .algorithm = algorithm};
    assert_int_equal(relay_digest_ha1(algorithm, msrp_str_of(name), MSRP_STR("iops"),
                                      msrp_str_of(password), ha1),
                     0);
    assert_int_equal(
        relay_digest_response(&client->c, ha1, "AUTH", MSRP_STR(URI), client->response), 0);
    client->c.response = msrp_str_of(client->response);
}

static int verify_at(struct stand *s, struct client *client, int64_t now_ms)
{
    struct relay_digest_good good;
    int err = relay_digest_verify(&s->rules, &s->digest, &client->c, MSRP_STR(URI), now_ms, &good);

    assert_int_equal(err == 0, good.user != NULL);
    return err;
}

/* Alice with this password and count, at NOW + after_ms. */
static int attempt(struct stand *s, struct client *client, const char *password, uint32_t nc,
                   int64_t after_ms)
{
    client_say(client, "alice", password, nc, MSRP_DIGEST_MD5);
    return verify_at(s, client, NOW + after_ms);
}

/* rfc2617#3.5, rfc7616#3.9.1. The responses printed in rfc4976#5.1 are those of rfc2617, copied:
 * they are over GET and no MSRP URI. */
static void hashes(void **state)
{
    struct msrp_digest_credentials c = {
        .nonce = MSRP_STR("dcd98b7102dd2f0e8b11d0f600bfb0c093"),
        .cnonce = MSRP_STR("0a4f113b"),
        .qop = MSRP_STR("auth"),
        .nc = MSRP_STR("00000001"),
    };
    char ha1[MSRP_DIGEST_HEX_MAX + 1], out[MSRP_DIGEST_HEX_MAX + 1];
    struct msrp_str page = MSRP_STR("/dir/index.html"), user = MSRP_STR("Mufasa");

    (void)state;
    assert_int_equal(relay_digest_ha1(MSRP_DIGEST_MD5, user, MSRP_STR("testrealm@host.com"),
                                      MSRP_STR("Circle Of Life"), ha1),
                     0);
    assert_string_equal(ha1, "939e7578ed9e3c518a452acee763bce9");
    assert_int_equal(relay_digest_response(&c, ha1, "GET", page, out), 0);
    assert_string_equal(out, "6629fae49393a05397450978507c4ef1");

    c.nonce = MSRP_STR("7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v");
    c.cnonce = MSRP_STR("f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ");
    for (enum msrp_digest_algorithm a = MSRP_DIGEST_MD5; a <= MSRP_DIGEST_SHA256; a++) {
        c.algorithm = a;
        assert_int_equal(relay_digest_ha1(a, user, MSRP_STR("http-auth@example.org"),
                                          MSRP_STR("Circle of Life"), ha1),
                         0);
        assert_int_equal(relay_digest_response(&c, ha1, "GET", page, out), 0);
        assert_string_equal(out, a == MSRP_DIGEST_MD5
                                     ? "8ca523f5e9506fed4657c9700eebdbec"
                                     : "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db58"
                                       "56cb6c1");
    }
    assert_int_equal(relay_digest_ha1(MSRP_DIGEST_OTHER, user, page, page, ha1),
                     RELAY_E_DIGEST_HASH);
    assert_string_equal(ha1, "");
}

/* OpenSSL that gives no MD5 is a refusal. */
static void no_md5(void **state)
{
    struct stand s;
    struct client client;
    char ha1[MSRP_DIGEST_HEX_MAX + 1];

    (void)state;
    stand(&s);
    assert_int_equal(relay_nonce_make(&s.digest.nonces, NOW, client.nonce), 0);
    client_say(&client, "alice", "secret", 1, MSRP_DIGEST_MD5);
    assert_int_equal(EVP_set_default_properties(NULL, "fips=yes"), 1);
    int md5 = relay_digest_ha1(MSRP_DIGEST_MD5, MSRP_STR("a"), MSRP_STR("b"), MSRP_STR("c"), ha1);
    struct relay_digest_good good;
    int verified = relay_digest_verify(&s.rules, &s.digest, &client.c, MSRP_STR(URI), NOW, &good);
    assert_int_equal(EVP_set_default_properties(NULL, ""), 1);
    assert_int_equal(md5, RELAY_E_DIGEST_HASH);
    assert_int_equal(verified, RELAY_E_DIGEST_HASH);
    assert_null(good.user);
    assert_int_equal(verify_at(&s, &client, NOW), 0);
    fall(&s);
}

static void users(void **state)
{
    static const struct {
        const char *name, *id, *ha1;
        enum msrp_digest_algorithm algorithm;
    } bad[] = {
        {"", ALICE, "00112233445566778899aabbccddeeff", MSRP_DIGEST_MD5},
        {"a\"b", ALICE, "00112233445566778899aabbccddeeff", MSRP_DIGEST_MD5},
        {"a\\b", ALICE, "00112233445566778899aabbccddeeff", MSRP_DIGEST_MD5},
        {"a\nb", ALICE, "00112233445566778899aabbccddeeff", MSRP_DIGEST_MD5},
        {"a\xff", ALICE, "00112233445566778899aabbccddeeff", MSRP_DIGEST_MD5},
        {"a", "alice", "00112233445566778899aabbccddeeff", MSRP_DIGEST_MD5},
        {"a", ALICE, "00112233445566778899aabbccddeef", MSRP_DIGEST_MD5},
        {"a", ALICE, "00112233445566778899AABBCCDDEEFF", MSRP_DIGEST_MD5},
        {"a", ALICE, "00112233445566778899aabbccddeeff", MSRP_DIGEST_SHA256},
        {"a", ALICE, "00112233445566778899aabbccddeeff", MSRP_DIGEST_OTHER},
    };
    struct stand s;
    char name[RELAY_DIGEST_NAME_MAX + 2] = "";

    (void)state;
    stand(&s);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(
            relay_digest_users_add(s.users, bad[i].name, bad[i].id, bad[i].algorithm, bad[i].ha1),
            RELAY_E_CONF);
    for (int n = RELAY_DIGEST_NAME_MAX; n <= RELAY_DIGEST_NAME_MAX + 1; n++) {
        memset(name, 'x', (size_t)n);
        assert_int_equal(relay_digest_users_add(s.users, name, ALICE, MSRP_DIGEST_MD5,
                                                "00112233445566778899aabbccddeeff"),
                         n > RELAY_DIGEST_NAME_MAX ? RELAY_E_CONF : 0);
    }
    assert_int_equal(relay_digest_users_seal(s.users), 0);
    assert_int_equal(relay_digest_users_count(s.users), 4);
    assert_string_equal(
        relay_digest_users_find(s.users, MSRP_STR("bob"), MSRP_DIGEST_MD5)->mcdata_id,
        "sip:bob@iops.example");
    assert_null(relay_digest_users_find(s.users, MSRP_STR("bo"), MSRP_DIGEST_MD5));
    assert_null(relay_digest_users_find(s.users, MSRP_STR("bobb"), MSRP_DIGEST_MD5));
    assert_null(relay_digest_users_find(s.users, MSRP_STR(""), MSRP_DIGEST_MD5));
    assert_true(relay_digest_is_offered(s.users, MSRP_DIGEST_MD5));
    assert_true(relay_digest_is_offered(s.users, MSRP_DIGEST_SHA256));
    assert_false(relay_digest_is_offered(s.users, MSRP_DIGEST_OTHER));

    /* another password, another ID, another algorithm, or none: whoever came in goes */
    char tag[RELAY_DIGEST_TAG + 1];
    strcpy(tag, relay_digest_users_find(s.users, MSRP_STR("alice"), MSRP_DIGEST_MD5)->tag);
    assert_int_equal(relay_digest_recheck(&s.rules, tag), 0);
    assert_int_equal(relay_digest_recheck(NULL, tag), RELAY_E_DIGEST_USER);
    assert_int_equal(relay_digest_recheck(&s.rules, "alice"), RELAY_E_DIGEST_USER);
    for (int i = 0; i < 5; i++) {
        struct stand other = {.users = relay_digest_users_new()};
        other.rules.users = other.users;
        if (i == 1)
            add(&other, "alice", "changed", MSRP_DIGEST_MD5);
        else if (i == 2)
            add(&other, "alice", "secret", MSRP_DIGEST_SHA256);
        else if (i == 3)
            assert_int_equal(
                relay_digest_users_add(
                    other.users, "alice", "sip:eve@iops.example", MSRP_DIGEST_MD5,
                    relay_digest_users_find(s.users, MSRP_STR("alice"), MSRP_DIGEST_MD5)->ha1),
                0);
        else if (i == 4)
            add(&other, "alice", "secret", MSRP_DIGEST_MD5);
        assert_int_equal(relay_digest_users_seal(other.users), 0);
        assert_int_equal(relay_digest_recheck(&other.rules, tag), i == 4 ? 0 : RELAY_E_DIGEST_USER);
        relay_digest_users_free(other.users);
    }
    /* once for each algorithm, as the same one */
    add(&s, "bob", "other", MSRP_DIGEST_SHA256);
    assert_int_equal(relay_digest_users_seal(s.users), 0);
    const struct relay_digest_user *md5 =
        relay_digest_users_find(s.users, MSRP_STR("bob"), MSRP_DIGEST_MD5);
    const struct relay_digest_user *sha =
        relay_digest_users_find(s.users, MSRP_STR("bob"), MSRP_DIGEST_SHA256);
    assert_true(md5 && sha && md5 != sha && md5->place == sha->place);
    assert_int_equal(relay_digest_recheck(&s.rules, md5->tag), 0);
    assert_int_equal(relay_digest_recheck(&s.rules, sha->tag), 0);
    add(&s, "bob", "again", MSRP_DIGEST_MD5);
    assert_int_equal(relay_digest_users_seal(s.users), RELAY_E_CONF);
    fall(&s);
    stand(&s);
    assert_int_equal(relay_digest_users_add(s.users, "carol", "sip:eve@iops.example",
                                            MSRP_DIGEST_MD5, "00112233445566778899aabbccddeeff"),
                     0);
    assert_int_equal(relay_digest_users_seal(s.users), RELAY_E_CONF);
    fall(&s);
}

/* Row A1, A3, b8.14: the challenge as it is written. */
static void challenges(void **state)
{
    struct stand s;
    struct msrp_digest_challenge c;
    char out[512];

    (void)state;
    stand(&s);
    for (int i = 0; i < 4; i++) {
        bool is_sha = i & 1, is_stale = i & 2;
        ssize_t n = relay_digest_challenge(&s.rules, &s.digest,
                                           is_sha ? MSRP_DIGEST_SHA256 : MSRP_DIGEST_MD5, is_stale,
                                           NOW, out, sizeof out);
        assert_true(n > 0);
        out[n] = '\0';
        assert_int_equal(msrp_digest_challenge_parse(&c, msrp_str_of(out)), 0);
        assert_true(msrp_str_is(c.realm, "iops") && c.has_auth && c.opaque.n > 0);
        assert_int_equal(c.is_stale, is_stale);
        assert_int_equal(c.algorithm, is_sha ? MSRP_DIGEST_SHA256 : MSRP_DIGEST_MD5);
        assert_int_equal(c.nonce.n, RELAY_NONCE_CHARS);
        assert_int_equal(strstr(out, "algorithm") != NULL, is_sha);
        assert_int_equal(strstr(out, "stale") != NULL, is_stale);
        assert_null(strstr(out, "domain"));
        assert_null(strstr(out, "auth-int"));
    }
    assert_int_equal(
        relay_digest_challenge(&s.rules, &s.digest, MSRP_DIGEST_MD5, false, NOW, out, 20),
        MSRP_E_SPACE);
    fall(&s);
    row_passed("b8.14");
}

/* Row A5, A6, T35: what is right and what is not; rspauth is our proof. */
static void verified(void **state)
{
    struct stand s;
    struct client client;
    struct relay_digest_good good;
    char want[MSRP_DIGEST_HEX_MAX + 1];

    (void)state;
    stand(&s);
    assert_int_equal(relay_nonce_make(&s.digest.nonces, NOW, client.nonce), 0);
    client_say(&client, "alice", "secret", 1, MSRP_DIGEST_MD5);
    assert_int_equal(relay_digest_verify(&s.rules, &s.digest, &client.c, MSRP_STR(URI), NOW, &good),
                     0);
    assert_string_equal(good.user->mcdata_id, ALICE);
    assert_string_equal(good.nextnonce, "");
    assert_int_equal(relay_digest_response(&client.c, good.user->ha1, "", MSRP_STR(URI), want), 0);
    assert_string_equal(good.rspauth, want);
    assert_string_not_equal(good.rspauth, client.response);

    /* SHA-256 for the one who has it; nobody slips from one to the other */
    client_say(&client, "carol", "strong", 2, MSRP_DIGEST_SHA256);
    assert_int_equal(verify_at(&s, &client, NOW), 0);
    client_say(&client, "carol", "strong", 3, MSRP_DIGEST_MD5);
    assert_int_equal(verify_at(&s, &client, NOW), RELAY_E_DIGEST_USER);
    client_say(&client, "alice", "secret", 3, MSRP_DIGEST_SHA256);
    assert_int_equal(verify_at(&s, &client, NOW), RELAY_E_DIGEST_USER);

    client_say(&client, "nobody", "secret", 3, MSRP_DIGEST_MD5);
    assert_int_equal(verify_at(&s, &client, NOW), RELAY_E_DIGEST_USER);
    client_say(&client, "alice", "Secret", 3, MSRP_DIGEST_MD5);
    assert_int_equal(verify_at(&s, &client, NOW), RELAY_E_DIGEST_RESPONSE);
    client_say(&client, "alice", "secret", 3, MSRP_DIGEST_MD5);
    client.c.response.n--;
    assert_int_equal(verify_at(&s, &client, NOW), RELAY_E_DIGEST_RESPONSE);
    client.c.response.n++;
    client.response[31] ^= 1;
    assert_int_equal(verify_at(&s, &client, NOW), RELAY_E_DIGEST_RESPONSE);
    client.response[31] ^= 1;
    client.response[0] ^= 1;
    assert_int_equal(verify_at(&s, &client, NOW), RELAY_E_DIGEST_RESPONSE);
    client.response[0] ^= 1;
    /* everything that is hashed is covered */
    for (int i = 0; i < 4; i++) {
        struct client other = client;
        other.c.response = msrp_str_of(client.response);
        if (i == 0)
            other.c.cnonce = MSRP_STR("0a4f113c");
        else if (i == 1)
            other.c.nc = MSRP_STR("00000004");
        else if (i == 2)
            other.c.username = MSRP_STR("bob");
        else
            other.c.uri = MSRP_STR("msrps://relay.iops.example;tcp");
        s.digest.backoff.n = 0; /* each for itself */
        assert_int_equal(verify_at(&s, &other, NOW),
                         i == 3 ? RELAY_E_DIGEST_URI : RELAY_E_DIGEST_RESPONSE);
        free(s.digest.backoff.rows);
        s.digest.backoff.rows = NULL;
    }
    /* HA1 of nobody is no password */
    client_say(&client, "nobody", "x", 3, MSRP_DIGEST_MD5);
    assert_int_equal(relay_digest_response(&client.c, "00000000000000000000000000000000", "AUTH",
                                           MSRP_STR(URI), client.response),
                     0);
    assert_int_equal(verify_at(&s, &client, NOW), RELAY_E_DIGEST_USER);

    /* the right one still is right, uri= present */
    client_say(&client, "alice", "secret", 3, MSRP_DIGEST_MD5);
    client.c.uri = MSRP_STR(URI);
    assert_int_equal(verify_at(&s, &client, NOW), 0);
    /* row b8.12: userinfo is part of what is hashed */
    client_say(&client, "alice", "secret", 4, MSRP_DIGEST_MD5);
    assert_int_equal(relay_digest_verify(&s.rules, &s.digest, &client.c,
                                         MSRP_STR("msrps://relay.iops.example;tcp"), NOW, &good),
                     RELAY_E_DIGEST_RESPONSE);
    fall(&s);
    row_passed("b8.12");
    row_passed("b8.13");
}

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* T35: a user that does not exist costs what a wrong password costs. The best of many rounds that
 * alternate, in one run; a way out before the hashes would be several times faster. */
static void same_work(void **state)
{
    struct stand s;
    struct client known, unknown;
    double best[2] = {1e9, 1e9};

    (void)state;
    stand(&s);
    assert_int_equal(relay_nonce_make(&s.digest.nonces, NOW, known.nonce), 0);
    strcpy(unknown.nonce, known.nonce);
    client_say(&known, "alice", "guess", 1, MSRP_DIGEST_MD5);
    client_say(&unknown, "nobody", "guess", 1, MSRP_DIGEST_MD5);
    for (int round = 0; round < 60; round++) {
        struct client *client = round % 2 ? &unknown : &known;
        client->c.nonce = msrp_str_of(client->nonce);
        client->c.nc = msrp_str_of(client->nc);
        client->c.response = msrp_str_of(client->response);
        double began = seconds();
        for (int i = 0; i < 50; i++)
            assert_int_not_equal(verify_at(&s, client, NOW), 0);
        double took = seconds() - began;
        if (took < best[round % 2])
            best[round % 2] = took;
    }
    if (best[1] < best[0] * 0.6 || best[1] > best[0] * 1.6)
        fail_msg("known %g s, unknown %g s", best[0], best[1]);
    fall(&s);
}

/* Row 58: what never gets as far as a password. */
static void form(void **state)
{
    struct stand s;
    struct client client;

    (void)state;
    stand(&s);
    assert_int_equal(relay_nonce_make(&s.digest.nonces, NOW, client.nonce), 0);
    for (int i = 0; i < 7; i++) {
        static const int want[] = {RELAY_E_DIGEST_QOP,
                                   RELAY_E_DIGEST_QOP,
                                   RELAY_E_DIGEST_FIELDS,
                                   RELAY_E_DIGEST_FIELDS,
                                   RELAY_E_DIGEST_ALGORITHM,
                                   RELAY_E_DIGEST_REALM,
                                   0};
        client_say(&client, "alice", "secret", 1, MSRP_DIGEST_MD5);
        if (i == 0)
            client.c.qop = (struct msrp_str){NULL, 0};
        else if (i == 1)
            client.c.qop = MSRP_STR("auth-int");
        else if (i == 2)
            client.c.cnonce = (struct msrp_str){NULL, 0};
        else if (i == 3)
            client.c.nc = (struct msrp_str){NULL, 0};
        else if (i == 4)
            client.c.algorithm = MSRP_DIGEST_OTHER;
        else if (i == 5)
            client.c.realm = MSRP_STR("IOPS");
        assert_int_equal(verify_at(&s, &client, NOW), want[i]);
    }
    fall(&s);

    /* an algorithm that nobody has is not offered */
    s = (struct stand){.users = relay_digest_users_new()};
    s.rules = (struct relay_digest_rules){s.users, "iops", 300};
    relay_nonces_init(&s.digest.nonces, secret, 64);
    assert_int_equal(relay_digest_users_seal(s.users), 0);
    assert_true(relay_digest_is_offered(s.users, MSRP_DIGEST_MD5));
    client_say(&client, "alice", "secret", 1, MSRP_DIGEST_SHA256);
    assert_int_equal(verify_at(&s, &client, NOW), RELAY_E_DIGEST_ALGORITHM);
    client_say(&client, "alice", "secret", 1, MSRP_DIGEST_MD5);
    assert_int_equal(verify_at(&s, &client, NOW), RELAY_E_DIGEST_USER);
    fall(&s);
}

/* Row A7: each count once, in whatever order within 64; stale only when the response is right. */
static void counts(void **state)
{
    struct stand s;
    struct client client;

    (void)state;
    stand(&s);
    assert_int_equal(relay_nonce_make(&s.digest.nonces, NOW, client.nonce), 0);
    assert_int_equal(attempt(&s, &client, "secret", 0, 0), RELAY_E_DIGEST_REPLAY);
    assert_int_equal(attempt(&s, &client, "secret", 3, 0), 0);
    assert_int_equal(attempt(&s, &client, "secret", 3, 0), RELAY_E_DIGEST_REPLAY);
    assert_int_equal(attempt(&s, &client, "secret", 1, 0), 0);
    assert_int_equal(attempt(&s, &client, "secret", 1, 0), RELAY_E_DIGEST_REPLAY);
    assert_int_equal(attempt(&s, &client, "secret", 2, 0), 0);
    assert_int_equal(attempt(&s, &client, "secret", 100, 0), 0);
    assert_int_equal(attempt(&s, &client, "secret", 37, 0), 0);
    assert_int_equal(attempt(&s, &client, "secret", 37, 0), RELAY_E_DIGEST_REPLAY);
    assert_int_equal(attempt(&s, &client, "secret", 36, 0), RELAY_E_DIGEST_REPLAY); /* too old */
    assert_int_equal(attempt(&s, &client, "secret", 163, 0), 0);
    assert_int_equal(attempt(&s, &client, "secret", 100, 0), RELAY_E_DIGEST_REPLAY);
    assert_int_equal(attempt(&s, &client, "secret", 164, 0), 0);
    assert_int_equal(attempt(&s, &client, "secret", 101, 0), 0);
    assert_int_equal(attempt(&s, &client, "secret", UINT32_MAX, 0), 0);
    assert_int_equal(attempt(&s, &client, "secret", UINT32_MAX, 0), RELAY_E_DIGEST_REPLAY);

    /* time */
    assert_int_equal(relay_nonce_make(&s.digest.nonces, NOW, client.nonce), 0);
    assert_int_equal(attempt(&s, &client, "secret", 1, 299999), 0);
    assert_int_equal(attempt(&s, &client, "secret", 2, 300000), RELAY_E_DIGEST_STALE);
    assert_int_equal(attempt(&s, &client, "wrong", 2, 300000), RELAY_E_DIGEST_RESPONSE);
    client_say(&client, "nobody", "x", 2, MSRP_DIGEST_MD5);
    assert_int_equal(verify_at(&s, &client, NOW + 300000), RELAY_E_DIGEST_USER);
    /* one of another process, or of nobody: right response, so it is stale and not wrong */
    for (size_t i = 0; i < RELAY_NONCE_CHARS; i++) {
        assert_int_equal(relay_nonce_make(&s.digest.nonces, NOW, client.nonce), 0);
        client.nonce[i] = client.nonce[i] == 'A' ? 'B' : 'A';
        assert_int_equal(attempt(&s, &client, "secret", 1, 0), RELAY_E_DIGEST_STALE);
    }
    strcpy(client.nonce, "short");
    assert_int_equal(attempt(&s, &client, "secret", 1, 0), RELAY_E_DIGEST_STALE);
    fall(&s);
}

/* The next nonce comes when the one in use nears its end, by time or by count. */
static void next(void **state)
{
    static const struct {
        int64_t after_ms;
        uint32_t nc;
        bool has;
    } rows[] = {{0, 1, false},
                {224999, 2, false},
                {225000, 3, true},
                {0, UINT32_MAX - 17, false},
                {0, UINT32_MAX - 16, true}};
    struct stand s;
    struct client client;
    struct relay_digest_good good;

    (void)state;
    stand(&s);
    assert_int_equal(relay_nonce_make(&s.digest.nonces, NOW, client.nonce), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        client_say(&client, "alice", "secret", rows[i].nc, MSRP_DIGEST_MD5);
        assert_int_equal(relay_digest_verify(&s.rules, &s.digest, &client.c, MSRP_STR(URI),
                                             NOW + rows[i].after_ms, &good),
                         0);
        assert_int_equal(good.nextnonce[0] != '\0', rows[i].has);
    }
    strcpy(client.nonce, good.nextnonce);
    assert_int_equal(attempt(&s, &client, "secret", 1, 299000), 0);
    fall(&s);
}

/* The memory of used nonces is bounded and fails closed: what may have been used is not taken. */
static void bounded(void **state)
{
    enum { N = 200 };
    struct stand s;
    struct client client;
    static char nonces[N][RELAY_NONCE_CHARS + 1];
    int taken = 0;

    (void)state;
    stand(&s); /* room for 64 */
    for (int i = 0; i < N; i++)
        assert_int_equal(relay_nonce_make(&s.digest.nonces, NOW, nonces[i]), 0);
    for (int i = 0; i < N; i += 2) {
        strcpy(client.nonce, nonces[i]);
        assert_int_equal(attempt(&s, &client, "secret", 1, 0), 0);
        assert_int_equal(attempt(&s, &client, "secret", 1, 0), RELAY_E_DIGEST_REPLAY);
    }
    for (int i = 0; i < N; i++) {
        strcpy(client.nonce, nonces[i]);
        int err = attempt(&s, &client, "secret", 1, 0);
        if (i % 2 == 0) /* no used one is taken twice, remembered or not */
            assert_true(err == RELAY_E_DIGEST_STALE || err == RELAY_E_DIGEST_REPLAY);
        else if (err) /* a fresh one may be told to be stale, when it is as old as those */
            assert_int_equal(err, RELAY_E_DIGEST_STALE);
        taken += !err;
    }
    assert_true(taken >= 32); /* what is younger than all that were forgotten */
    assert_int_equal(s.digest.nonces.cap, 64);
    /* and a new one works */
    assert_int_equal(relay_nonce_make(&s.digest.nonces, NOW, client.nonce), 0);
    assert_int_equal(attempt(&s, &client, "secret", 1, 0), 0);
    /* the one used first leaves first, whatever its age; a young floor closes on the old */
    struct relay_nonces small;
    struct relay_nonce nonce = {.serial = 9};
    relay_nonces_init(&small, secret, 1);
    assert_int_equal(relay_nonce_use(&small, &nonce, 1), 0);
    nonce.serial = 5;
    assert_int_equal(relay_nonce_use(&small, &nonce, 1), RELAY_E_DIGEST_STALE);
    nonce.serial = 10;
    assert_int_equal(relay_nonce_use(&small, &nonce, 1), 0);
    nonce.serial = 9;
    assert_int_equal(relay_nonce_use(&small, &nonce, 2), RELAY_E_DIGEST_STALE);
    nonce.serial = 10;
    assert_int_equal(relay_nonce_use(&small, &nonce, 2), 0);
    relay_nonces_done(&small);
    fall(&s);
    row_passed("A7");
}

/* Row A16: who fails waits, and longer each time; unknown names take no room. */
static void waiting(void **state)
{
    struct stand s;
    struct client client;
    int64_t at = 0;
    uint32_t nc = 0;

    (void)state;
    stand(&s);
    assert_int_equal(relay_nonce_make(&s.digest.nonces, NOW, client.nonce), 0);
    for (int i = 0; i < 100; i++) {
        client_say(&client, "nobody", "x", 1, MSRP_DIGEST_MD5);
        assert_int_equal(verify_at(&s, &client, NOW), RELAY_E_DIGEST_USER);
    }
    assert_null(s.digest.backoff.rows);
    s.rules.nonce_s = 86400;
    for (int i = 1; i < RELAY_BACKOFF_AFTER; i++)
        assert_int_equal(attempt(&s, &client, "wrong", 1, at), RELAY_E_DIGEST_RESPONSE);
    assert_int_equal(attempt(&s, &client, "secret", ++nc, at), 0); /* no wait yet */
    for (int64_t wait_ms = 1000; wait_ms <= 64000; wait_ms *= 2) {
        int64_t most = wait_ms < 60000 ? wait_ms : 60000;
        assert_int_equal(attempt(&s, &client, "wrong", 1, at), RELAY_E_DIGEST_RESPONSE);
        assert_int_equal(attempt(&s, &client, "wrong", 1, at), RELAY_E_DIGEST_WAIT);
        assert_int_equal(attempt(&s, &client, "secret", nc + 1, at + most - 1),
                         RELAY_E_DIGEST_WAIT);
        /* the others do not */
        client_say(&client, "bob", "other", nc + 1, MSRP_DIGEST_MD5);
        assert_int_equal(verify_at(&s, &client, NOW + at), 0);
        nc++;
        at += most;
        assert_int_equal(attempt(&s, &client, "secret", ++nc, at), 0);
    }
    at += RELAY_BACKOFF_FADE_MS;
    for (int i = 1; i < RELAY_BACKOFF_AFTER; i++)
        assert_int_equal(attempt(&s, &client, "wrong", 1, at), RELAY_E_DIGEST_RESPONSE);
    assert_int_equal(attempt(&s, &client, "secret", ++nc, at), 0);
    fall(&s);
    row_passed("A16");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes),     cmocka_unit_test(no_md5),   cmocka_unit_test(users),
        cmocka_unit_test(challenges), cmocka_unit_test(verified), cmocka_unit_test(form),
        cmocka_unit_test(same_work),  cmocka_unit_test(counts),   cmocka_unit_test(next),
        cmocka_unit_test(bounded),    cmocka_unit_test(waiting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
