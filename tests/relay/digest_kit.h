/* digest_kit.h - users with passwords on the simulated relay, and a client that AUTHs with one.
 *
 *     struct digest_kit kit;
 *     digest_kit_init(&kit, &sim);              // before sim_start
 *     digest_kit_ask(&kit, &sim, c, FROM);      // AUTH without credentials: kit.nonce
 *     struct digest_say say = {.user = "alice", .password = "secret", .nc = 1};
 *     digest_kit_auth(&kit, &sim, c, &say);     // sim_heard(&sim, c) is the answer
 */
#ifndef TESTS_RELAY_DIGEST_KIT_H
#define TESTS_RELAY_DIGEST_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "relay/auth/digest.h"
#include "tests/relay/sim.h"

#define KIT_FROM "msrps://c.invalid:1/s;tcp"

struct digest_kit {
    struct relay_digest_users *users;
    struct relay_digest_rules rules;
    char nonce[600];                        /* of the last challenge, MD5 */
    char expected[MSRP_DIGEST_HEX_MAX + 1]; /* rspauth that a 200 must bring */
};

/* What a client says; what is NULL or 0 is the usual. */
struct digest_say {
    const char *user, *password;
    uint32_t nc;
    const char *to, *from, *more; /* To-Path; From-Path; more header lines */
    const char *nonce, *tail;     /* another nonce; more parameters, ", x=y" */
    enum msrp_digest_algorithm algorithm;
};

static inline void digest_kit_add(struct relay_digest_users *users, const char *name,
                                  const char *password, enum msrp_digest_algorithm algorithm,
                                  const char *id)
{
    char ha1[MSRP_DIGEST_HEX_MAX + 1];

    assert_int_equal(relay_digest_ha1(algorithm, msrp_str_of(name), MSRP_STR("iops"),
                                      msrp_str_of(password), ha1),
                     0);
    assert_int_equal(relay_digest_users_add(users, name, id, algorithm, ha1), 0);
}

/* alice, bob and, outside the IOPS domains, eve with MD5; carol with SHA-256. */
static inline void digest_kit_init(struct digest_kit *kit, struct sim *sim)
{
    memset(kit, 0, sizeof *kit);
    kit->users = relay_digest_users_new();
    assert_non_null(kit->users);
    digest_kit_add(kit->users, "alice", "secret", MSRP_DIGEST_MD5, SIM_ALICE);
    digest_kit_add(kit->users, "bob", "other", MSRP_DIGEST_MD5, SIM_BOB);
    digest_kit_add(kit->users, "eve", "evil", MSRP_DIGEST_MD5, "sip:eve@elsewhere.example");
    digest_kit_add(kit->users, "carol", "strong", MSRP_DIGEST_SHA256, SIM_CAROL);
    assert_int_equal(relay_digest_users_seal(kit->users), 0);
    kit->rules = (struct relay_digest_rules){kit->users, "iops", 300};
    sim->conf.digest = &kit->rules;
}

/* After sim_done. */
static inline void digest_kit_done(struct digest_kit *kit)
{
    relay_digest_users_free(kit->users);
}

/* The text of a parameter behind `from`, up to its quote. */
static inline void digest_kit_take(const char *from, const char *name, char *out, size_t cap)
{
    const char *at = from ? strstr(from, name) : NULL;
    size_t n = 0;

    if (at)
        n = strcspn(at += strlen(name), "\"\r");
    assert_true(n < cap);
    if (n)
        memcpy(out, at, n);
    out[n] = '\0';
}

/* Remembers the nonce of the last challenge in what `c` heard; "" without one. */
static inline void digest_kit_hear(struct digest_kit *kit, struct sim *sim, unsigned c)
{
    const char *at = sim_heard(sim, c), *last = NULL;

    while ((at = strstr(at, "WWW-Authenticate: Digest ")))
        last = at++;
    digest_kit_take(last, "nonce=\"", kit->nonce, sizeof kit->nonce);
}

static inline void digest_kit_ask(struct digest_kit *kit, struct sim *sim, unsigned c,
                                  const char *from)
{
    sim_clear(sim, c);
    sim_sayf(sim, c, "MSRP asks AUTH\r\nTo-Path: " SIM_URI "\r\nFrom-Path: %s\r\n-------asks$\r\n",
             from);
    digest_kit_hear(kit, sim, c);
}

/* Writes the credentials; the rightmost URI of `to` is hashed. */
static inline void digest_kit_credentials(struct digest_kit *kit, const struct digest_say *say,
                                          const char *to, char *out, size_t cap)
{
    const char *nonce = say->nonce ? say->nonce : kit->nonce;
    const char *last = strrchr(to, ' ');
    struct msrp_str uri = msrp_str_of(last ? last + 1 : to);
    char nc[9], ha1[MSRP_DIGEST_HEX_MAX + 1], response[MSRP_DIGEST_HEX_MAX + 1];

    msrp_digest_nc(nc, say->nc);
    struct msrp_digest_credentials c = {.nonce = msrp_str_of(nonce),
                                        .cnonce = MSRP_STR("0a4f113b"),
                                        .qop = MSRP_STR("auth"),
                                        .nc = msrp_str_of(nc),
                                        .algorithm = say->algorithm};
    assert_int_equal(relay_digest_ha1(say->algorithm, msrp_str_of(say->user), MSRP_STR("iops"),
                                      msrp_str_of(say->password), ha1),
                     0);
    assert_int_equal(relay_digest_response(&c, ha1, "AUTH", uri, response), 0);
    assert_int_equal(relay_digest_response(&c, ha1, "", uri, kit->expected), 0);
    snprintf(out, cap,
             "Digest username=\"%s\", realm=\"iops\", nonce=\"%s\", qop=auth, nc=%s, "
             "cnonce=\"0a4f113b\", response=\"%s\"%s%s",
             say->user, nonce, nc, response,
             say->algorithm == MSRP_DIGEST_SHA256 ? ", algorithm=SHA-256" : "",
             say->tail ? say->tail : "");
}

/* AUTH. Returns the code of the answer, 0 for none; after a 200 with a Use-Path remembers that and
 * the From-Path in the connection; after a 401 the nonce. */
static inline int digest_kit_auth(struct digest_kit *kit, struct sim *sim, unsigned c,
                                  const struct digest_say *say)
{
    const char *to = say->to ? say->to : SIM_URI, *from = say->from ? say->from : KIT_FROM;
    char credentials[2048];
    int code = 0;

    digest_kit_credentials(kit, say, to, credentials, sizeof credentials);
    sim_clear(sim, c);
    sim_sayf(sim, c,
             "MSRP auth AUTH\r\nTo-Path: %s\r\nFrom-Path: %s\r\nAuthorization: %s\r\n%s"
             "-------auth$\r\n",
             to, from, credentials, say->more ? say->more : "");
    (void)sscanf(sim_heard(sim, c), "MSRP auth %d", &code);
    if (code == 200) {
        digest_kit_take(sim_heard(sim, c), "\r\nUse-Path: ", sim->conns[c].use_path,
                        sizeof sim->conns[c].use_path);
        snprintf(sim->conns[c].remote, sizeof sim->conns[c].remote, "%s", from);
    } else if (code == 401) {
        digest_kit_hear(kit, sim, c);
    }
    return code;
}

/* A SEND without a body to the Use-Path of the last AUTH; the code of its answer. */
static inline int digest_kit_ping(struct sim *sim, unsigned c)
{
    int code = 0;

    sim_clear(sim, c);
    sim_sayf(sim, c,
             "MSRP ping SEND\r\nTo-Path: %s\r\nFrom-Path: %s\r\nMessage-ID: mmmm\r\n"
             "-------ping$\r\n",
             sim->conns[c].use_path, sim->conns[c].remote);
    (void)sscanf(sim_heard(sim, c), "MSRP ping %d", &code);
    return code;
}

/* The relay gets other users; NULL: none. */
static inline void digest_kit_rules(struct sim *sim, const struct relay_digest_rules *rules)
{
    struct relay_in in = {.kind = RELAY_IN_DIGEST, .digest = rules};

    sim_feed(sim, &in);
    sim_pump(sim);
}

#endif
