/* selftest_rfc.c - RFC 6507, 6508 and 6509: what hashes and plain integers reach (the rest is in
 * selftest_curve.c); RFC 7515: the signed tokens. */
#include "relay/cmd/selftest.h"

#include <stdio.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/evp.h>

#include "relay/auth/base64.h"
#include "relay/auth/jws.h"

#define OCTETS_MAX RELAY_SELFTEST_OCTETS

/* What is computed, one row per expected value: from = names of the inputs. */
enum rule { HASH, RANGE, JOIN, JWS };

static const struct row {
    const char *name;
    enum rule rule;
    const char *from[4];
} rows[] = {
    /* rfc6507#5.1.1, 5.2.1: HS = hash( G || KPAK || ID || PVT ), HE = hash( HS || r || M ) */
    {"eccsi.HS.hash_input", JOIN, {"eccsi.G", "eccsi.KPAK", "eccsi.ID", "eccsi.PVT"}},
    {"eccsi.HS", HASH, {"eccsi.HS.hash_input"}},
    {"eccsi.HE.hash_input", JOIN, {"eccsi.HS", "eccsi.r", "eccsi.M"}},
    {"eccsi.HE", HASH, {"eccsi.HE.hash_input"}},
    /* rfc6508#6.2.1, step 2: r = HashToIntegerRange( SSV || b, q ) */
    {"sakke.r.hash_input", JOIN, {"sakke.SSV", "sakke.b"}},
    {"sakke.r", RANGE, {"sakke.r.hash_input", "mikeysakke.q"}},
    /* rfc6508#6.2.1, step 4: the mask of H is HashToIntegerRange( g^r, 2^128 ) */
    {"sakke.mask.hash_input", JOIN, {"sakke.g^r"}},
    {"sakke.mask", RANGE, {"sakke.mask.hash_input", "mikeysakke.n"}},
    /* rfc6508#6.2.2 */
    {"sakke.r#2", RANGE, {"sakke.r.hash_input", "mikeysakke.q"}},
    /* rfc6508#5.1, every step of the example */
    {"sakke.M", JOIN, {"sakke.SSV", "sakke.b"}},
    {"sakke.A", HASH, {"sakke.M"}},
    {"sakke.h1", HASH, {"sakke.h0"}},
    {"sakke.h2", HASH, {"sakke.h1"}},
    {"sakke.h3", HASH, {"sakke.h2"}},
    {"sakke.h4", HASH, {"sakke.h3"}},
    {"sakke.v1", HASH, {"sakke.h1", "sakke.A"}},
    {"sakke.v2", HASH, {"sakke.h2", "sakke.A"}},
    {"sakke.v3", HASH, {"sakke.h3", "sakke.A"}},
    {"sakke.v4", HASH, {"sakke.h4", "sakke.A"}},
    {"sakke.v_mod_q", RANGE, {"sakke.M", "mikeysakke.q"}},
    /* rfc7515#A.2, A.3: the signature is good, and with one bit changed it is not */
    {"jws.A2.rs256.compact", JWS, {"jws.A2.rs256.n", "jws.A2.rs256.e"}},
    {"jws.A3.es256.compact", JWS, {"jws.A3.es256.x", "jws.A3.es256.y"}},
};

#define ROWS (sizeof rows / sizeof rows[0])

struct relay_selftest_vector *relay_selftest_find(struct relay_selftest_vectors *all,
                                                  const char *name)
{
    for (size_t i = 0; i < all->n; i++)
        if (strcmp(all->v[i].name, name) == 0)
            return &all->v[i];
    return NULL;
}

/* The inputs one behind the other. Returns the octets, or -1 when one is missing. */
static int join(struct relay_selftest_vectors *all, const char *const *from, size_t from_n,
                uint8_t *out)
{
    size_t at = 0;

    for (size_t i = 0; i < from_n && from[i]; i++) {
        const struct relay_selftest_vector *v = relay_selftest_find(all, from[i]);
        if (!v || at + v->n > OCTETS_MAX)
            return -1;
        memcpy(out + at, v->p, v->n);
        at += v->n;
    }
    return (int)at;
}

static bool hash(const uint8_t *p, size_t n, uint8_t out[32])
{
    return EVP_Digest(p, n, out, NULL, EVP_sha256(), NULL) == 1;
}

/* rfc6508#5.1: HashToIntegerRange( s, n, SHA-256 ); n is the modulus, or 2^bits: then the low
 * octets are the remainder. */
static bool range(const uint8_t *s, size_t s_n, const struct relay_selftest_vector *modulus,
                  uint8_t *out, size_t out_n)
{
    uint8_t h_and_a[64] = {0}, v[OCTETS_MAX];
    size_t modulus_n = modulus->bits ? modulus->bits / 8 : modulus->n;
    size_t rounds = (modulus_n + 31) / 32;
    bool good = rounds * 32 <= sizeof v && out_n == modulus_n && hash(s, s_n, h_and_a + 32);

    for (size_t i = 0; good && i < rounds; i++) /* h = hash(h); v_i = hash(h || A) */
        good = hash(h_and_a, 32, h_and_a) && hash(h_and_a, 64, v + 32 * i);
    if (good && modulus->bits)
        memcpy(out, v + 32 * rounds - out_n, out_n);
    if (!good || modulus->bits)
        return good;

    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *n = BN_bin2bn(modulus->p, (int)modulus->n, NULL);
    BIGNUM *x = BN_bin2bn(v, (int)(32 * rounds), NULL);
    good = ctx && n && x && BN_mod(x, x, n, ctx) == 1 &&
           BN_bn2binpad(x, out, (int)out_n) == (int)out_n;
    BN_free(x);
    BN_free(n);
    BN_CTX_free(ctx);
    return good;
}

/* A key set with the one public key whose two numbers these are. */
static struct relay_jwks *make_jwks(const struct relay_selftest_vector *a,
                                    const struct relay_selftest_vector *b, bool is_rsa)
{
    char first[OCTETS_MAX], second[OCTETS_MAX], text[2 * OCTETS_MAX + 128];
    struct relay_jwks *jwks = NULL;

    if (a->n > 512 || b->n > 512)
        return NULL;
    relay_base64_encode(a->p, a->n, first);
    relay_base64_encode(b->p, b->n, second);
    int n = snprintf(
        text, sizeof text,
        is_rsa ? "{\"keys\":[{\"kid\":\"a\",\"kty\":\"RSA\",\"alg\":\"RS256\",\"n\":\"%s\","
                 "\"e\":\"%s\"}]}"
               : "{\"keys\":[{\"kid\":\"a\",\"kty\":\"EC\",\"crv\":\"P-256\","
                 "\"alg\":\"ES256\",\"x\":\"%s\",\"y\":\"%s\"}]}",
        first, second);
    return n > 0 && relay_jwks_parse(text, (size_t)n, &jwks) == 0 ? jwks : NULL;
}

static bool is_signed(const struct relay_selftest_vector *compact, const struct relay_jwk *key)
{
    static struct relay_jws jws;
    struct relay_json *claims = NULL;
    struct msrp_str token = {(const char *)compact->p, compact->n};
    bool good = relay_jws_split(token, &jws) == 0 && relay_jws_verify(&jws, key, &claims) == 0;

    relay_json_free(claims);
    jws.sig[jws.sig_n / 2] ^= 1;
    if (good && relay_jws_verify(&jws, key, &claims) == 0) {
        relay_json_free(claims);
        return false;
    }
    return good;
}

static bool is_jws_right(struct relay_selftest_vectors *all, const struct row *row)
{
    const struct relay_selftest_vector *compact = relay_selftest_find(all, row->name);
    const struct relay_selftest_vector *a = relay_selftest_find(all, row->from[0]),
                                       *b = relay_selftest_find(all, row->from[1]);

    if (!compact || !a || !b)
        return false;
    struct relay_jwks *jwks = make_jwks(a, b, strstr(row->name, "rs256") != NULL);
    const struct relay_jwk *key = jwks ? relay_jwks_at(jwks, 0) : NULL;
    bool good = key && is_signed(compact, key);
    relay_jwks_free(jwks);
    return good;
}

/* Computes a row and compares. */
static bool is_right(struct relay_selftest_vectors *all, const struct row *row)
{
    const struct relay_selftest_vector *expected = relay_selftest_find(all, row->name);
    const struct relay_selftest_vector *second =
        row->from[1] ? relay_selftest_find(all, row->from[1]) : NULL;
    uint8_t in[OCTETS_MAX], out[OCTETS_MAX];
    int n = join(all, row->from, row->rule == RANGE ? 1 : 4, in);

    if (row->rule == JWS)
        return is_jws_right(all, row);
    if (!expected || n < 0 || (row->from[1] && !second))
        return false;
    switch (row->rule) {
    case JOIN:
        return (size_t)n == expected->n && memcmp(in, expected->p, expected->n) == 0;
    case HASH:
        return expected->n == 32 && hash(in, (size_t)n, out) && memcmp(out, expected->p, 32) == 0;
    case RANGE:
        return second && range(in, (size_t)n, second, out, expected->n) &&
               memcmp(out, expected->p, expected->n) == 0;
    default:
        return false;
    }
}

static bool copy_text(const struct relay_json_value *object, const char *name, char *out,
                      size_t cap)
{
    struct msrp_str s;

    if (relay_json_string(relay_json_get(object, name), &s) != 0 || s.n >= cap)
        return false;
    memcpy(out, s.p, s.n);
    out[s.n] = 0;
    return true;
}

/* The value stands as hex, as text or as a decimal number. */
static bool read_vector(struct relay_selftest_vector *v, const struct relay_json_value *object)
{
    struct msrp_str s;
    int64_t dec;

    if (!copy_text(object, "name", v->name, sizeof v->name) ||
        !copy_text(object, "source", v->source, sizeof v->source))
        return false;
    if (relay_json_string(relay_json_get(object, "hex"), &s) == 0) {
        int n = relay_selftest_hex(s.p, s.n, v->p, sizeof v->p);
        v->n = n < 0 ? 0 : (size_t)n;
        return n >= 0;
    }
    if (copy_text(object, "text", (char *)v->p, sizeof v->p)) {
        v->n = strlen((char *)v->p);
        return true;
    }
    if (relay_json_integer(relay_json_get(object, "dec"), &dec) != 0 || dec < 1 || dec > 256)
        return false;
    v->bits = (unsigned)dec;
    return true;
}

static bool is_input(const struct relay_selftest_vector *v)
{
    for (size_t i = 0; i < ROWS; i++)
        for (size_t k = 0; k < 4; k++)
            if (rows[i].from[k] && strcmp(rows[i].from[k], v->name) == 0)
                return true;
    return false;
}

void relay_selftest_rfc(struct relay_selftest *test, const struct relay_json_value *file)
{
    static struct relay_selftest_vectors all;
    const struct relay_json_value *object;

    all.n = 0;
    for (object = relay_json_first(file); object; object = relay_json_next(object)) {
        struct relay_selftest_vector *v = &all.v[all.n];
        memset(v, 0, sizeof *v);
        if (all.n + 1 == RELAY_SELFTEST_VECTORS || !read_vector(v, object)) {
            relay_selftest_report(test, v->name[0] ? v->name : "?", "the vector file does not read",
                                  RELAY_SELFTEST_FAIL);
            continue;
        }
        all.n++;
    }
    for (size_t i = 0; i < ROWS; i++) {
        struct relay_selftest_vector *v = relay_selftest_find(&all, rows[i].name);
        if (v)
            v->told = true;
        relay_selftest_report(test, rows[i].name, v ? v->source : "missing in the vector file",
                              is_right(&all, &rows[i]) ? RELAY_SELFTEST_PASS : RELAY_SELFTEST_FAIL);
    }
    relay_selftest_curve(test, &all);
    for (size_t i = 0; i < all.n; i++)
        if (!all.v[i].told)
            relay_selftest_report(test, all.v[i].name, all.v[i].source,
                                  is_input(&all.v[i]) ? RELAY_SELFTEST_INPUT : RELAY_SELFTEST_FAIL);
}
