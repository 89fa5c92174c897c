/* sim.h - a whole relay in one process: pretend clock, seeded random, pretend peers, real tokens.
 *
 *     struct sim sim;
 *     sim_init(&sim);                     // then change sim.conf, sim.policy where wanted
 *     sim_start(&sim);
 *     unsigned a = sim_open(&sim, true);  // a TLS connection
 *     sim_login(&sim, a, "sip:alice@iops.example");
 *     sim_sayf(&sim, a, "MSRP ...\r\n", ...);
 *     ...sim_heard(&sim, a)...            // all it got since sim_clear
 *     sim_pass(&sim, 30000);              // time goes by, tick by tick
 *     sim_done(&sim);                     // every connection closed; dies when octets were kept
 *
 * With sim.split every octet is fed by itself. A fault of the simulator's own aborts the program:
 * the header serves cmocka tests and fuzz harnesses alike. */
#ifndef TESTS_RELAY_SIM_H
#define TESTS_RELAY_SIM_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>

#include "relay/auth/base64.h"
#include "relay/auth/claims.h"
#include "relay/auth/upload.h"
#include "relay/core/relay.h"
#include "relay/err.h"
#include "relay/route/group.h"
#include "tests/reason.h"

/* Called with true before every call into the relay and with false behind it: the out-of-memory
 * tests count only what the relay allocates. */
#ifndef SIM_INSIDE
#define SIM_INSIDE(is_inside) (void)(is_inside)
#endif

#define SIM_NAME    "relay.iops.example"
#define SIM_URI     "msrps://" SIM_NAME ":2855;tcp"
#define SIM_SERVICE "msrps://" SIM_NAME ":2855/sds;tcp"
#define SIM_ALICE   "sip:alice@iops.example"
#define SIM_BOB     "sip:bob@iops.example"
#define SIM_CAROL   "sip:carol@iops.example"

#ifndef SIM_CONNS_MAX
#define SIM_CONNS_MAX 1200
#endif

enum { SIM_HELD_MAX = 128, SIM_EVENTS_MAX = 64, SIM_MONO_MS = 1000000, SIM_UNIX_S = 1700000000 };

struct sim_conn {
    bool is_open;    /* CLOSED not fed yet */
    bool is_closing; /* the relay wants it closed */
    bool is_paused;  /* the relay does not read */
    bool is_deaf;    /* the peer takes no octet: output waits in the relay */
    size_t sip;      /* the peer takes at most so many octets at a time; 0: all */
    char *heard;     /* octets received, NUL behind them */
    size_t heard_n, heard_cap;
    char *later; /* octets said while the relay did not read */
    size_t later_n;
    char use_path[600]; /* of the last login */
    char remote[128];   /* its From-Path */
};

struct sim {
    struct relay_conf conf;
    struct relay_policy *policy; /* the simulator's own reference */
    struct relay *relay;
    struct relay_now now;
    bool split;
    bool is_random_broken;
    uint64_t seed;
    EVP_PKEY *key;
    struct relay_jwks *jwks;
    struct relay_issuer issuer;
    struct relay_auth auth;
    const char *domains[1];
    struct sim_conn *conns;
    unsigned conns_n;
    struct relay_event events[SIM_EVENTS_MAX]; /* the last ones, ring */
    unsigned events_n;
    const struct dpp_ring *ring; /* that opens CSK uploads; NULL: none */
    bool holds_uploads;          /* they wait in held until sim_uploaded */
    struct relay_upload *held[SIM_HELD_MAX];
    unsigned held_n;
    unsigned dials, dialled; /* WANT_DIALs so far; 1 + the peer of the last one, 0: none waits */
    int last_refusal;        /* err of the last REFUSED event, 0: none since sim_clear_all */
    unsigned refusals;
};

static inline void sim_die(const char *why)
{
    fprintf(stderr, "sim: %s\n", why);
    abort();
}

static inline void *sim_alloc(void *p, size_t n)
{
    p = realloc(p, n);
    if (!p)
        sim_die("no memory");
    return p;
}

/* splitmix64: every run with one seed draws the same octets. */
static inline int sim_random_fill(void *ctx, void *p, size_t n)
{
    struct sim *sim = ctx;
    uint8_t *out = p;

    if (sim->is_random_broken)
        return -1;
    while (n) {
        uint64_t z = sim->seed += 0x9e3779b97f4a7c15;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
        z = (z ^ z >> 27) * 0x94d049bb133111eb;
        z ^= z >> 31;
        size_t step = n < 8 ? n : 8;
        memcpy(out, &z, step);
        out += step;
        n -= step;
    }
    return 0;
}

/* --- tokens ----------------------------------------------------------------------------------- */

/* Writes a token for a user; `more` is more claims (`,"a":1`) or "". exp_s: seconds from now. */
static inline size_t sim_token_with(struct sim *sim, const char *user, long exp_s, const char *more,
                                    char *out, size_t cap)
{
    char payload[1024];
    uint8_t sig[80];
    size_t sig_n = sizeof sig;
    static const char head[] = "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"sim-1\"}";
    int n = snprintf(payload, sizeof payload,
                     "{\"iss\":\"https://idms.iops.example\",\"exp\":%lld,\"scope\":\"openid "
                     "3gpp:mc:data_service\",\"client_id\":\"sim\",\"mcdata_id\":\"%s\"%s}",
                     (long long)sim->now.unix_s + exp_s, user, more);

    if (n < 0 || RELAY_BASE64_CHARS(sizeof head + (size_t)n) + 100 > cap)
        sim_die("token too long");
    /* signing costs more than all the rest: the last tokens are kept */
    static struct {
        char payload[1024], token[2048];
        size_t n;
    } kept[64];
    static unsigned kept_at;
    for (unsigned i = 0; i < 64; i++) {
        if (kept[i].n && !strcmp(kept[i].payload, payload)) {
            memcpy(out, kept[i].token, kept[i].n);
            return kept[i].n;
        }
    }
    size_t at = relay_base64_encode(head, sizeof head - 1, out);
    out[at++] = '.';
    at += relay_base64_encode(payload, (size_t)n, out + at);

    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    const uint8_t *p = sig;
    if (EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, sim->key, NULL) != 1 ||
        EVP_DigestSign(ctx, sig, &sig_n, (const uint8_t *)out, at) != 1)
        sim_die("cannot sign");
    EVP_MD_CTX_free(ctx);
    ECDSA_SIG *parsed = d2i_ECDSA_SIG(NULL, &p, (long)sig_n);
    BN_bn2binpad(ECDSA_SIG_get0_r(parsed), sig, 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(parsed), sig + 32, 32);
    ECDSA_SIG_free(parsed);
    out[at++] = '.';
    at += relay_base64_encode(sig, 64, out + at);
    strcpy(kept[kept_at % 64].payload, payload);
    memcpy(kept[kept_at % 64].token, out, at);
    kept[kept_at++ % 64].n = at;
    return at;
}

static inline size_t sim_token(struct sim *sim, const char *user, char *out, size_t cap)
{
    return sim_token_with(sim, user, 7200, "", out, cap);
}

static inline void sim_make_issuer(struct sim *sim)
{
    uint8_t octets[32];
    char x[64], y[64], set[512];
    BIGNUM *bn = NULL;

    static EVP_PKEY *key; /* one for all simulators of the process */
    key = key ? key : EVP_EC_gen("P-256");
    sim->key = key;
    if (!sim->key || !EVP_PKEY_up_ref(key) ||
        EVP_PKEY_get_bn_param(sim->key, OSSL_PKEY_PARAM_EC_PUB_X, &bn) != 1)
        sim_die("no key");
    BN_bn2binpad(bn, octets, 32);
    relay_base64_encode(octets, 32, x);
    BN_free(bn);
    bn = NULL;
    if (EVP_PKEY_get_bn_param(sim->key, OSSL_PKEY_PARAM_EC_PUB_Y, &bn) != 1)
        sim_die("no key");
    BN_bn2binpad(bn, octets, 32);
    relay_base64_encode(octets, 32, y);
    BN_free(bn);
    int n =
        snprintf(set, sizeof set,
                 "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"ES256\",\"use\":\"sig\","
                 "\"kid\":\"sim-1\",\"x\":\"%s\",\"y\":\"%s\"}]}",
                 x, y);
    if (relay_jwks_parse(set, (size_t)n, &sim->jwks) < 0)
        sim_die("no key set");
    sim->domains[0] = "iops.example";
    sim->issuer = (struct relay_issuer){"https://idms.iops.example", sim->jwks, {NULL, 0}};
    sim->auth = (struct relay_auth){
        .issuers = &sim->issuer,
        .issuers_n = 1,
        .scope = RELAY_SCOPE_DATA,
        .skew_s = RELAY_SKEW_S,
        .iops = true,
        .iops_domains = {sim->domains, 1},
    };
}

/* --- life ------------------------------------------------------------------------------------- */

static inline void sim_init(struct sim *sim)
{
    memset(sim, 0, sizeof *sim);
    sim->seed = 1;
    sim->now = (struct relay_now){SIM_MONO_MS, SIM_UNIX_S};
    sim_make_issuer(sim);
    relay_conf_default(&sim->conf);
    sim->conf.name = SIM_NAME;
    sim->conf.port = 2855;
    sim->conf.service = SIM_SERVICE;
    sim->conf.realm = "iops";
    sim->conf.scope = RELAY_SCOPE_DATA;
    sim->conf.auth = &sim->auth;
    sim->policy = relay_policy_new();
    sim->conns = calloc(SIM_CONNS_MAX, sizeof *sim->conns);
    if (!sim->policy || !sim->conns)
        sim_die("no memory");
}

/* Makes the relay; sim->relay is NULL when it had no memory. */
static inline void sim_start(struct sim *sim)
{
    struct relay_random random = {sim_random_fill, sim};

    if (relay_policy_seal(sim->policy) < 0)
        sim_die("no policy");
    SIM_INSIDE(true);
    sim->relay = relay_new(&sim->conf, sim->policy, &random);
    SIM_INSIDE(false);
}

static inline void sim_feed(struct sim *sim, struct relay_in *in)
{
    in->now = sim->now;
    SIM_INSIDE(true);
    relay_feed(sim->relay, in);
    SIM_INSIDE(false);
}

/* Takes what the relay has for one peer. */
static inline bool sim_hear(struct sim *sim, unsigned c)
{
    struct sim_conn *conn = &sim->conns[c];
    struct relay_iov iov[16];
    size_t took = 0;

    if (conn->is_deaf)
        return false;
    SIM_INSIDE(true);
    size_t n = relay_output(sim->relay, c + 1, &sim->now, iov, 16);
    SIM_INSIDE(false);
    for (size_t i = 0; i < n && (!conn->sip || took < conn->sip); i++) {
        size_t step = iov[i].n;
        if (conn->sip && step > conn->sip - took)
            step = conn->sip - took;
        if (conn->heard_n + step + 1 > conn->heard_cap) {
            conn->heard_cap = (conn->heard_n + step + 1) * 2;
            conn->heard = sim_alloc(conn->heard, conn->heard_cap);
        }
        memcpy(conn->heard + conn->heard_n, iov[i].p, step);
        conn->heard_n += step;
        conn->heard[conn->heard_n] = '\0';
        took += step;
    }
    if (took) {
        SIM_INSIDE(true);
        relay_sent(sim->relay, c + 1, &sim->now, took);
        SIM_INSIDE(false);
    }
    return took > 0 && !conn->sip;
}

/* A job is done. */
static inline void sim_give_back(struct sim *sim, struct relay_upload *upload)
{
    struct relay_in in = {.kind = RELAY_IN_UPLOADED, .upload = upload};

    sim_feed(sim, &in);
}

/* Follows the relay's wants until it has none. A closed connection stays known to the relay until
 * sim_closed, as with a driver that is still writing. */
static inline void sim_pump(struct sim *sim)
{
    struct relay_want want;

    for (;;) {
        SIM_INSIDE(true);
        bool more = relay_take(sim->relay, &want);
        SIM_INSIDE(false);
        if (!more)
            return;
        if (want.kind == RELAY_WANT_EVENT) {
            sim->events[sim->events_n++ % SIM_EVENTS_MAX] = want.event;
            if (want.event.kind == RELAY_EVENT_REFUSED) {
                sim->last_refusal = want.event.err;
                reason_hit(want.event.err);
                sim->refusals++;
            }
            continue;
        }
        if (want.kind == RELAY_WANT_UPLOAD && sim->holds_uploads) {
            if (sim->held_n == SIM_HELD_MAX)
                sim_die("too many uploads");
            sim->held[sim->held_n++] = want.upload;
            continue;
        }
        if (want.kind == RELAY_WANT_DIAL) {
            sim->dials++;
            sim->dialled = want.peer + 1;
            continue;
        }
        if (want.kind == RELAY_WANT_UPLOAD) {
            relay_upload_open(sim->ring, want.upload);
            sim_give_back(sim, want.upload);
            continue;
        }
        unsigned c = (unsigned)want.conn - 1;
        if (c >= SIM_CONNS_MAX)
            sim_die("a want for an unknown connection");
        if (want.kind == RELAY_WANT_CLOSE)
            sim->conns[c].is_closing = true;
        if (want.kind == RELAY_WANT_PAUSE)
            sim->conns[c].is_paused = true;
        if (want.kind == RELAY_WANT_RESUME)
            sim->conns[c].is_paused = false;
        while (sim_hear(sim, c))
            ;
    }
}

/* `open` as the driver would fill it. */
static inline unsigned sim_open_as(struct sim *sim, struct relay_in in)
{
    if (sim->conns_n == SIM_CONNS_MAX)
        sim_die("too many connections");
    unsigned c = sim->conns_n++;

    in.kind = RELAY_IN_OPEN;
    in.conn = c + 1;
    sim->conns[c].is_open = true;
    sim->conns[c].heard = calloc(1, 1);
    sim->conns[c].heard_cap = 1;
    sim_feed(sim, &in);
    sim_pump(sim);
    return c;
}

static inline unsigned sim_open_from(struct sim *sim, bool is_tls, const char *source)
{
    struct relay_in in = {.n = 0};

    in.open.source = source;
    in.open.tls = is_tls;
    in.open.loopback = true;
    return sim_open_as(sim, in);
}

/* A peer that shows a certificate with this name. */
static inline unsigned sim_open_peer(struct sim *sim, const char *name)
{
    struct relay_in in = {.n = 0};

    in.open.source = "10.9.9.9";
    in.open.tls = true;
    in.open.names = &name;
    in.open.names_n = 1;
    return sim_open_as(sim, in);
}

/* The peer that the relay wanted to be dialled: it stands, or could not be reached. */
static inline unsigned sim_dialled(struct sim *sim)
{
    struct relay_in in = {.n = 0};

    if (!sim->dialled)
        sim_die("no dial waits");
    in.open.source = "10.9.9.8";
    in.open.tls = true;
    in.open.dialled = sim->dialled;
    sim->dialled = 0;
    return sim_open_as(sim, in);
}

static inline void sim_undialled(struct sim *sim)
{
    struct relay_in in = {.kind = RELAY_IN_UNDIALLED, .peer = sim->dialled - 1};

    sim->dialled = 0;
    sim_feed(sim, &in);
    sim_pump(sim);
}

static inline unsigned sim_open(struct sim *sim, bool is_tls)
{
    char source[32];

    snprintf(source, sizeof source, "10.0.%u.%u", sim->conns_n / 250, sim->conns_n % 250);
    return sim_open_from(sim, is_tls, source);
}

/* The peer's octets, all before the relay's wants are looked at: the trace must not depend on how
 * they are cut. Those that the relay does not want to read yet are kept and said again by
 * sim_pass and sim_say. */
static inline void sim_say_n(struct sim *sim, unsigned c, const void *octets, size_t n)
{
    struct sim_conn *conn = &sim->conns[c];
    const char *p = octets;

    if (conn->later_n) {
        conn->later = sim_alloc(conn->later, conn->later_n + n + 1);
        if (n)
            memcpy(conn->later + conn->later_n, p, n);
        n += conn->later_n;
        p = conn->later;
    }
    while (n && conn->is_open && !conn->is_closing && !conn->is_paused) {
        size_t room = 0;
        SIM_INSIDE(true);
        char *to = relay_buffer(sim->relay, c + 1, &room);
        SIM_INSIDE(false);
        if (!to)
            break;
        room = sim->split ? 1 : room < n ? room : n;
        memcpy(to, p, room);
        struct relay_in in = {.kind = RELAY_IN_DATA, .conn = c + 1, .n = room};
        sim_feed(sim, &in);
        p += room;
        n -= room;
    }
    sim_pump(sim);
    if (conn->is_closing || !conn->is_open)
        n = 0;
    if (n && conn->later_n) {
        memmove(conn->later, p, n);
    } else if (n) {
        conn->later = sim_alloc(conn->later, n);
        memcpy(conn->later, p, n);
    }
    conn->later_n = n;
}

static inline void sim_say(struct sim *sim, unsigned c, const char *text)
{
    sim_say_n(sim, c, text, strlen(text));
}

__attribute__((format(printf, 3, 4))) static inline void sim_sayf(struct sim *sim, unsigned c,
                                                                  const char *format, ...)
{
    char text[65536];
    va_list args;

    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof text)
        sim_die("sim_sayf: too long");
    sim_say_n(sim, c, text, (size_t)n);
}

static inline const char *sim_heard(const struct sim *sim, unsigned c)
{
    return sim->conns[c].heard;
}

static inline void sim_clear(struct sim *sim, unsigned c)
{
    sim->conns[c].heard_n = 0;
    sim->conns[c].heard[0] = '\0';
}

static inline void sim_clear_all(struct sim *sim)
{
    for (unsigned c = 0; c < sim->conns_n; c++)
        sim_clear(sim, c);
    sim->last_refusal = 0;
    sim->refusals = 0;
}

/* The peer or the driver closes. */
static inline void sim_closed(struct sim *sim, unsigned c)
{
    struct relay_in in = {.kind = RELAY_IN_CLOSED, .conn = c + 1};

    if (!sim->conns[c].is_open)
        return;
    sim->conns[c].is_open = false;
    sim_feed(sim, &in);
    sim_pump(sim);
}

/* Time passes: ticks fall when the relay asks for them; every peer that listens hears. */
static inline void sim_pass(struct sim *sim, int64_t ms)
{
    int64_t end_ms = sim->now.mono_ms + ms, unix_ms = sim->now.unix_s * 1000;
    int64_t began_ms = sim->now.mono_ms;

    do {
        int64_t next_ms = relay_next_ms(sim->relay);
        if (next_ms < 0 || next_ms > end_ms)
            next_ms = end_ms;
        if (next_ms > sim->now.mono_ms)
            sim->now.mono_ms = next_ms;
        sim->now.unix_s = (unix_ms + sim->now.mono_ms - began_ms) / 1000;
        struct relay_in in = {.kind = RELAY_IN_TICK};
        sim_feed(sim, &in);
        sim_pump(sim);
        for (unsigned c = 0; c < sim->conns_n; c++) {
            if (!sim->conns[c].is_open)
                continue;
            while (sim_hear(sim, c))
                ;
            if (sim->conns[c].later_n)
                sim_say_n(sim, c, NULL, 0);
        }
        sim_pump(sim);
    } while (sim->now.mono_ms < end_ms);
}

/* Gives everything back; dies when the relay still holds octets with no connection left. */
static inline void sim_done(struct sim *sim)
{
    for (unsigned c = 0; sim->relay && c < sim->conns_n; c++)
        sim_closed(sim, c);
    if (sim->relay && relay_counts(sim->relay)->slab_bytes)
        sim_die("the relay keeps octets of nobody");
    while (sim->held_n)
        relay_upload_free(sim->held[--sim->held_n]);
    SIM_INSIDE(true);
    relay_free(sim->relay);
    SIM_INSIDE(false);
    relay_policy_unref(sim->policy);
    relay_jwks_free(sim->jwks);
    EVP_PKEY_free(sim->key);
    for (unsigned c = 0; c < sim->conns_n; c++) {
        free(sim->conns[c].heard);
        free(sim->conns[c].later);
    }
    free(sim->conns);
}

/* --- a client's part -------------------------------------------------------------------------- */

/* AUTH for a user; false when no 200 came. Remembers Use-Path and From-Path; clears what was heard.
 */
static inline bool sim_login(struct sim *sim, unsigned c, const char *user)
{
    struct sim_conn *conn = &sim->conns[c];
    char token[2048];

    token[sim_token(sim, user, token, sizeof token)] = '\0';
    snprintf(conn->remote, sizeof conn->remote, "msrps://client%u.invalid:9/s%u;tcp", c, c);
    sim_clear(sim, c);
    sim_sayf(sim, c,
             "MSRP auth%uxx AUTH\r\nTo-Path: " SIM_URI "\r\nFrom-Path: %s\r\n"
             "Authorization: Bearer %s\r\n-------auth%uxx$\r\n",
             c, conn->remote, token, c);
    const char *use = strstr(conn->heard, "\r\nUse-Path: ");
    const char *end = use ? strstr(use + 2, "\r\n") : NULL;
    conn->use_path[0] = '\0';
    if (!end || end - use - 12 >= (long)sizeof conn->use_path)
        return false;
    memcpy(conn->use_path, use + 12, (size_t)(end - use - 12));
    conn->use_path[end - use - 12] = '\0';
    sim_clear(sim, c);
    return true;
}

/* Opens a TLS connection and logs in, or dies. */
static inline unsigned sim_user(struct sim *sim, const char *user)
{
    unsigned c = sim_open(sim, true);

    if (!sim_login(sim, c, user))
        sim_die("login failed");
    return c;
}

/* Answers every request that `c` has heard with `code` and forgets it. For tests that want
 * deliveries to succeed. Returns how many. */
static inline unsigned sim_answer_all(struct sim *sim, unsigned c, int code)
{
    struct sim_conn *conn = &sim->conns[c];
    size_t n = conn->heard_n;
    unsigned answered = 0;
    char *text = sim_alloc(NULL, n + 1), *at = text;

    memcpy(text, conn->heard, n + 1);
    sim_clear(sim, c);
    while (at) {
        char tid[40], end[56], from[600];
        if (sscanf(at, "MSRP %33s SEND", tid) != 1)
            break;
        char *path = memmem(at, n - (size_t)(at - text), "From-Path: ", 11);
        if (!path || sscanf(path, "From-Path: %599s", from) != 1)
            break;
        snprintf(end, sizeof end, "-------%s", tid);
        char *stop = memmem(at, n - (size_t)(at - text), end, strlen(end));
        if (!stop)
            break;
        sim_sayf(sim, c, "MSRP %s %d OK\r\nTo-Path: %s\r\nFrom-Path: %s\r\n-------%s$\r\n", tid,
                 code, from, conn->remote, tid);
        answered++;
        at = stop + strlen(end) + 3;
        at = (size_t)(at - text) < n ? at : NULL;
    }
    free(text);
    return answered;
}

#endif
