/* selftest_bench.c - mcrelay selftest --bench: what key messages cost on this machine, as ratios
 * against primitives of OpenSSL that are timed in the same rounds. Ratios travel between machines
 * and bear a noisy neighbour; times do not. */
#include "relay/cmd/selftest.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "dpp/keys/mikey.h"
#include "dpp/seal/kdf.h"
#include "relay/cmd/cmd.h"
#include "relay/loop/each.h"

#define BEGIN_S INT64_C(1767225600) /* some date inside the key period of the throw-away KMS */

enum { ROUNDS = 200, MEMBERS = 1000, REKEYS = 12 };

/* Two numbers of 1024 bits to multiply, and one key pair of ECDSA on P-256. */
struct yardstick {
    BIGNUM *a, *b, *p;
    BN_MONT_CTX *mont;
    BN_CTX *ctx;
    EVP_PKEY *pkey;
    uint8_t digest[32], sig[80];
    size_t sig_n;
};

/* Our side. */
struct subject {
    uint8_t uid[32], ssv[DPP_SAKKE_SSV], sed[DPP_SAKKE_SED];
    uint8_t kpak[DPP_ECCSI_POINT], msg[600], sig[DPP_ECCSI_SIGNATURE];
    struct dpp_sakke_kms *kms;
    struct dpp_sakke_rsk *rsk;
    struct dpp_eccsi *signer;
    struct dpp_ring *ring;
    struct dpp_key *gmk;
};

struct bench {
    struct yardstick yard;
    struct subject subject;
};

/* CPU seconds of this thread: what a neighbour takes does not count. */
static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --- one turn of each operation; false when it failed --- */

static bool multiply(struct bench *b)
{
    return BN_mod_mul_montgomery(b->yard.a, b->yard.a, b->yard.b, b->yard.mont, b->yard.ctx) == 1;
}

static bool ecdsa_sign(struct bench *b)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(b->yard.pkey, NULL);

    b->yard.sig_n = sizeof b->yard.sig;
    bool good = ctx && EVP_PKEY_sign_init(ctx) == 1 &&
                EVP_PKEY_sign(ctx, b->yard.sig, &b->yard.sig_n, b->yard.digest, 32) == 1;
    EVP_PKEY_CTX_free(ctx);
    return good;
}

static bool ecdsa_verify(struct bench *b)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(b->yard.pkey, NULL);
    bool good = ctx && EVP_PKEY_verify_init(ctx) == 1 &&
                EVP_PKEY_verify(ctx, b->yard.sig, b->yard.sig_n, b->yard.digest, 32) == 1;

    EVP_PKEY_CTX_free(ctx);
    return good;
}

static bool sakke_seal(struct bench *b)
{
    struct subject *s = &b->subject;

    return dpp_sakke_seal(s->kms, s->uid, sizeof s->uid, s->ssv, s->sed) == 0;
}

static bool sakke_open(struct bench *b)
{
    uint8_t ssv[DPP_SAKKE_SSV];

    return dpp_sakke_open(b->subject.rsk, b->subject.sed, false, ssv) == 0;
}

static bool eccsi_sign(struct bench *b)
{
    struct subject *s = &b->subject;
    uint8_t j[32];
    int rc;

    do
        rc = RAND_priv_bytes(j, sizeof j) == 1
                 ? dpp_eccsi_sign(s->signer, s->msg, sizeof s->msg, j, s->sig)
                 : DPP_E_CRYPTO;
    while (rc == DPP_E_RETRY);
    return rc == 0;
}

static bool eccsi_verify(struct bench *b)
{
    const struct subject *s = &b->subject;

    return dpp_eccsi_verify(s->kpak, s->uid, sizeof s->uid, s->msg, sizeof s->msg, s->sig) == 0;
}

/* One row of the table: an operation, its yardstick, how often each is done in a round, and what
 * the ratio must reach. */
static const struct row {
    const char *name, *against;
    bool (*run)(struct bench *b);
    bool (*yard)(struct bench *b);
    unsigned run_n, yard_n;
    double must;
} rows[] = {
    {"SAKKE decapsulate, prepared RSK", "x 1024-bit BN_mod_mul_montgomery", sakke_open, multiply, 4,
     20000, 10000},
    {"SAKKE encapsulate, known KMS", "x 1024-bit BN_mod_mul_montgomery", sakke_seal, multiply, 8,
     20000, 4500},
    {"ECCSI verify", "x ECDSA P-256 verify", eccsi_verify, ecdsa_verify, 40, 80, 2.5},
    {"ECCSI sign", "x ECDSA P-256 sign", eccsi_sign, ecdsa_sign, 80, 160, 2},
};

enum { ROWS = sizeof rows / sizeof rows[0] };

static bool time_of(struct bench *b, bool (*run)(struct bench *b), unsigned n, double *out)
{
    double begin = now_s();

    for (unsigned i = 0; i < n; i++)
        if (!run(b))
            return false;
    *out = (now_s() - begin) / n;
    return true;
}

static void keep_least(double *least, double one)
{
    if (*least == 0 || one < *least)
        *least = one;
}

/* What the best rounds of an operation and of its yardstick took. */
struct best {
    double run_s, yard_s;
};

/* Times all rows in turn, round after round: what disturbs a round only ever makes it longer, and
 * over some ten seconds each side gets its quiet moments. */
static bool measure(struct bench *b, struct best best[ROWS])
{
    double one;

    memset(best, 0, ROWS * sizeof *best);
    for (size_t i = 0; i < ROUNDS; i++)
        for (size_t k = 0; k < ROWS; k++) {
            if (!time_of(b, rows[k].yard, rows[k].yard_n, &one))
                return false;
            keep_least(&best[k].yard_s, one);
            if (!time_of(b, rows[k].run, rows[k].run_n, &one))
                return false;
            keep_least(&best[k].run_s, one);
        }
    return true;
}

/* --- the two sides --- */

static bool yardstick_init(struct yardstick *y)
{
    memset(y, 0, sizeof *y);
    y->p = BN_new();
    y->a = BN_new();
    y->b = BN_new();
    y->mont = BN_MONT_CTX_new();
    y->ctx = BN_CTX_new();
    y->pkey = EVP_EC_gen("P-256");
    return y->p && y->a && y->b && y->mont && y->ctx && y->pkey &&
           BN_rand(y->p, 1024, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD) == 1 &&
           BN_rand_range(y->a, y->p) == 1 && BN_rand_range(y->b, y->p) == 1 &&
           BN_MONT_CTX_set(y->mont, y->p, y->ctx) == 1 && RAND_bytes(y->digest, 32) == 1;
}

static void yardstick_done(struct yardstick *y)
{
    BN_free(y->p);
    BN_free(y->a);
    BN_free(y->b);
    BN_MONT_CTX_free(y->mont);
    BN_CTX_free(y->ctx);
    EVP_PKEY_free(y->pkey);
}

/* --- a GMK to a thousand members, on all cores --- */

struct rekey {
    const struct subject *subject;
    atomic_size_t failed;
};

/* What one I_MESSAGE costs: the member's UID and GUK-ID, an encapsulation, the key parameters
 * sealed, a signature. */
static void rekey_one(void *ctx, size_t i)
{
    struct rekey *rekey = ctx;
    const struct subject *s = rekey->subject;
    struct dpp_mikey_random random;
    struct dpp_mikey_draft draft = {.key = s->gmk, .time_s = BEGIN_S, .groups_n = 1};
    const char *group = "sip:rescue-1@iops.example";
    uint8_t out[DPP_MIKEY_MAX];
    char member[64];
    ssize_t rc;

    snprintf(member, sizeof member, "sip:member-%zu@iops.example", i);
    draft.responder = member;
    draft.groups = &group;
    do
        rc = RAND_priv_bytes((unsigned char *)&random, sizeof random) == 1
                 ? dpp_mikey_make(s->ring, &draft, &random, out, sizeof out)
                 : DPP_E_CRYPTO;
    while (rc == DPP_E_RETRY);
    if (rc < 0)
        atomic_fetch_add(&rekey->failed, 1);
}

static double seconds_of(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void seal_one(void *ctx, size_t i)
{
    struct rekey *rekey = ctx;
    const struct subject *s = rekey->subject;
    uint8_t sed[DPP_SAKKE_SED];

    (void)i;
    if (dpp_sakke_seal(s->kms, s->uid, sizeof s->uid, s->ssv, sed) != 0)
        atomic_fetch_add(&rekey->failed, 1);
}

/* One thing for every member, on all cores: CPU seconds of the process and seconds by the clock. */
static bool crowd(struct rekey *work, void (*one)(void *ctx, size_t i), double *cpu, double *wall)
{
    *cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    *wall = seconds_of(CLOCK_MONOTONIC);
    if (relay_each_run(MEMBERS, one, work) != 0 || work->failed > 0)
        return false;
    *cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - *cpu;
    *wall = seconds_of(CLOCK_MONOTONIC) - *wall;
    return true;
}

/* CPU in encapsulations, which are timed in the same way beside it, and wall time over CPU time:
 * best rounds, as above. */
static bool rekey(struct bench *b, double *encapsulations, double *wall, double *seconds)
{
    struct rekey work = {.subject = &b->subject};
    double best = 0, best_yard = 0, cpu, by_clock;

    *wall = *seconds = 0;
    for (size_t i = 0; i < REKEYS; i++) {
        if (!crowd(&work, seal_one, &cpu, &by_clock))
            return false;
        keep_least(&best_yard, cpu / MEMBERS);
        if (!crowd(&work, rekey_one, &cpu, &by_clock))
            return false;
        keep_least(&best, cpu);
        keep_least(wall, by_clock / cpu);
        keep_least(seconds, by_clock);
    }
    *encapsulations = best / best_yard;
    return true;
}

/* --- a KMS and a user of it, out of nothing --- */

/* The ring of the user, filled as a KMS would, and a GMK. */
static bool ring_init(struct subject *s, const uint8_t z[DPP_SAKKE_SCALAR],
                      const uint8_t ksak[DPP_ECCSI_SCALAR], struct dpp_kms_cert *cert,
                      struct dpp_kms_secrets *secrets)
{
    struct dpp_kms_set set = {.secrets = secrets};
    struct dpp_kms_doc doc = {
        .kind = DPP_KMS_KEYPROV, .certs = cert, .certs_n = 1, .sets = &set, .sets_n = 1};
    uint8_t v[DPP_ECCSI_SCALAR], gmk[DPP_KEY_OCTETS];
    int rc = DPP_E_RETRY;

    memcpy(s->kpak, cert->kpak, sizeof s->kpak);
    snprintf(set.kms_uri, sizeof set.kms_uri, "%s", cert->kms_uri);
    snprintf(set.user_uri, sizeof set.user_uri, "sip:alice@iops.example");
    set.period_no = dpp_ring_period(cert, BEGIN_S);
    if (dpp_kdf_uid(set.user_uri, cert->kms_uri, cert->period_s, 0, set.period_no, set.uid) != 0)
        return false;
    memcpy(s->uid, set.uid, sizeof s->uid);
    while (rc == DPP_E_RETRY && RAND_priv_bytes(v, sizeof v) == 1)
        rc = dpp_eccsi_extract(ksak, cert->kpak, set.uid, sizeof set.uid, v, secrets->ssk,
                               secrets->pvt);
    return rc == 0 && dpp_sakke_extract(z, set.uid, sizeof set.uid, secrets->rsk) == 0 &&
           dpp_ring_new(&s->ring, set.user_uri) == 0 && dpp_ring_add(s->ring, &doc, BEGIN_S) == 0 &&
           RAND_priv_bytes(gmk, sizeof gmk) == 1 &&
           dpp_key_new(&s->gmk, dpp_role_make_id(DPP_ROLE_GMK, 1), gmk, sizeof gmk, 0, 0) == 0 &&
           dpp_sakke_kms_new(&s->kms, cert->z) == 0 &&
           dpp_sakke_rsk_new(&s->rsk, s->kms, s->uid, sizeof s->uid, secrets->rsk) == 0 &&
           dpp_eccsi_new(&s->signer, s->kpak, s->uid, sizeof s->uid, secrets->ssk, secrets->pvt) ==
               0;
}

static bool subject_init(struct subject *s)
{
    struct dpp_kms_cert cert = {.kms_uri = "kms.iops.example", .period_s = 2592000};
    struct dpp_kms_secrets secrets;
    uint8_t z[DPP_SAKKE_SCALAR], ksak[DPP_ECCSI_SCALAR];
    int rc = DPP_E_RETRY;

    memset(s, 0, sizeof *s);
    while (rc == DPP_E_RETRY && RAND_priv_bytes(z, sizeof z) == 1)
        rc = dpp_sakke_master(z, cert.z);
    if (rc == 0)
        rc = DPP_E_RETRY;
    while (rc == DPP_E_RETRY && RAND_priv_bytes(ksak, sizeof ksak) == 1)
        rc = dpp_eccsi_kpak(ksak, cert.kpak);
    return rc == 0 && RAND_bytes(s->ssv, sizeof s->ssv) == 1 &&
           RAND_bytes(s->msg, sizeof s->msg) == 1 && ring_init(s, z, ksak, &cert, &secrets);
}

static void subject_done(struct subject *s)
{
    dpp_key_free(s->gmk);
    dpp_ring_free(s->ring);
    dpp_eccsi_free(s->signer);
    dpp_sakke_rsk_free(s->rsk);
    dpp_sakke_kms_free(s->kms);
}

/* One line of the table. */
static bool tell(bool json, const char *name, const char *against, double ratio, double must,
                 const char *note)
{
    static bool has_line;
    bool good = ratio <= must;

    if (json) {
        fputs(has_line ? ",\n {\"operation\":" : "[{\"operation\":", stdout);
        relay_cmd_json(stdout, name);
        fputs(",\"against\":", stdout);
        relay_cmd_json(stdout, against);
        printf(",\"ratio\":%.3f,\"must\":%.3f,\"reached\":%s}", ratio, must,
               good ? "true" : "false");
        has_line = true;
    } else {
        printf("%-4s  %-37s %9.2f  (at most %7.1f) %-33s %s\n", good ? "PASS" : "FAIL", name, ratio,
               must, against, note);
    }
    return good;
}

static bool rows_run(struct bench *b, bool json)
{
    struct best best[ROWS];
    bool good = true;
    char note[64];

    if (!measure(b, best)) {
        relay_cmd_fail("selftest", RELAY_EXIT_FAILED, "an operation of the benchmark failed");
        return false;
    }
    for (size_t k = 0; k < ROWS; k++) {
        snprintf(note, sizeof note, "%.0f a second on a core", 1 / best[k].run_s);
        good = tell(json, rows[k].name, rows[k].against, best[k].run_s / best[k].yard_s,
                    rows[k].must, note) &&
               good;
    }
    return good;
}

static bool rekey_run(struct bench *b, bool json)
{
    double encapsulations, wall, seconds;
    char note[64];

    if (!rekey(b, &encapsulations, &wall, &seconds)) {
        relay_cmd_fail("selftest", RELAY_EXIT_FAILED, "the rekeying failed");
        return false;
    }
    snprintf(note, sizeof note, "%.2f s for %d members", seconds, MEMBERS);
    bool good = tell(json, "GMK rekey of 1,000 members, CPU", "x SAKKE encapsulate", encapsulations,
                     1100, note);
    return tell(json, "GMK rekey of 1,000 members, wall", "x its CPU time, on two cores", wall, 0.6,
                note) &&
           good;
}

static bool memory_run(const struct bench *b, bool json)
{
    double rsk = (double)dpp_sakke_rsk_octets(b->subject.rsk) / 1e3;
    double kms = (double)dpp_sakke_kms_octets(b->subject.kms) / 1e6;
    bool good = tell(json, "memory per prepared RSK", "kB", rsk, 600, "");

    return tell(json, "tables per KMS, with the shared ones", "MB", kms, 5, "") && good;
}

bool relay_selftest_bench(bool json)
{
    struct bench b;
    bool has_yard = yardstick_init(&b.yard); /* both are made, for both are freed */
    bool good = subject_init(&b.subject) && has_yard;

    if (!good || !ecdsa_sign(&b) || !eccsi_sign(&b) || !sakke_seal(&b)) {
        relay_cmd_fail("selftest", RELAY_EXIT_FAILED, "the benchmark cannot be set up");
        good = false;
    } else {
        good = rows_run(&b, json);
        good = rekey_run(&b, json) && good;
        good = memory_run(&b, json) && good;
    }
    subject_done(&b.subject);
    yardstick_done(&b.yard);
    return good;
}
