/* selftest_curve.c - RFC 6507, 6508 and 6509: what needs the curves, computed with the functions
 * that key messages are made and opened with; what those do not give out is computed with OpenSSL's
 * points beside them. */
#include "relay/cmd/selftest.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include "dpp/keys/eccsi.h"
#include "dpp/keys/pairing.h"
#include "dpp/keys/power.h"
#include "dpp/keys/sakke.h"

/* Where the vectors come from and go to. */
struct run {
    struct relay_selftest *test;
    struct relay_selftest_vectors *all;
};

static const struct relay_selftest_vector *get(const struct run *run, const char *name)
{
    static const struct relay_selftest_vector none;
    const struct relay_selftest_vector *v = relay_selftest_find(run->all, name);

    return v ? v : &none;
}

/* Reports the computed octets (NULL: nothing could be computed) against the vector. */
static void tell(const struct run *run, const char *name, const uint8_t *p, size_t n)
{
    struct relay_selftest_vector *v = relay_selftest_find(run->all, name);

    if (v)
        v->told = true;
    relay_selftest_report(run->test, name, v ? v->source : "missing in the vector file",
                          v && p && v->n == n && memcmp(v->p, p, n) == 0 ? RELAY_SELFTEST_PASS
                                                                         : RELAY_SELFTEST_FAIL);
}

/* A value that nothing is compared with: a size, or an input of what follows. */
static void tell_input(const struct run *run, const char *name)
{
    struct relay_selftest_vector *v = relay_selftest_find(run->all, name);

    if (v)
        v->told = true;
    relay_selftest_report(run->test, name, v ? v->source : "missing in the vector file",
                          v ? RELAY_SELFTEST_INPUT : RELAY_SELFTEST_FAIL);
}

/* The vector's number at the right end of n octets. */
static void pad(const struct run *run, const char *name, uint8_t *out, size_t n)
{
    const struct relay_selftest_vector *v = get(run, name);

    memset(out, 0, n);
    if (v->n <= n)
        memcpy(out + n - v->n, v->p, v->n);
}

/* --- rfc6507 --- */

/* The curve that OpenSSL has under this name is the one of the appendix. */
static void curve(const struct run *run, const EC_GROUP *group, BN_CTX *ctx)
{
    BIGNUM *p = BN_CTX_get(ctx), *a = BN_CTX_get(ctx), *b = BN_CTX_get(ctx);
    uint8_t out[DPP_ECCSI_POINT];
    bool good = b && EC_GROUP_get_curve(group, p, a, b, ctx) == 1;

    tell(run, "eccsi.p", good && BN_bn2binpad(p, out, 32) == 32 ? out : NULL, 32);
    tell(run, "eccsi.B", good && BN_bn2binpad(b, out, 32) == 32 ? out : NULL, 32);
    good = BN_bn2binpad(EC_GROUP_get0_order(group), out, 32) == 32;
    tell(run, "eccsi.q", good ? out : NULL, 32);
    good = EC_POINT_point2oct(group, EC_GROUP_get0_generator(group), POINT_CONVERSION_UNCOMPRESSED,
                              out, sizeof out, ctx) == sizeof out;
    tell(run, "eccsi.G", good ? out : NULL, sizeof out);
}

/* out = [g]G + [k]K; a NULL scalar leaves its half away, K alone is taken once. */
static bool combine(const EC_GROUP *group, const struct relay_selftest_vector *g,
                    const struct relay_selftest_vector *k, const struct relay_selftest_vector *K,
                    BN_CTX *ctx, EC_POINT *out)
{
    BIGNUM *a = g ? BN_bin2bn(g->p, (int)g->n, NULL) : NULL;
    BIGNUM *b = k ? BN_bin2bn(k->p, (int)k->n, NULL) : NULL;
    EC_POINT *point = EC_POINT_new(group);
    bool good = point && (!K || EC_POINT_oct2point(group, point, K->p, K->n, ctx) == 1) &&
                EC_POINT_mul(group, out, a, k ? point : NULL, b, ctx) == 1 &&
                (!K || k || EC_POINT_add(group, out, out, point, ctx) == 1);

    EC_POINT_free(point);
    BN_free(a);
    BN_free(b);
    return good;
}

static bool print_point(const EC_GROUP *group, const EC_POINT *point, BN_CTX *ctx,
                        uint8_t out[DPP_ECCSI_POINT])
{
    return EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, out, DPP_ECCSI_POINT,
                              ctx) == DPP_ECCSI_POINT;
}

/* The points that signing and verifying pass through: J = [j]G; Y = [HS]PVT + KPAK and
 * J = [s]([HE]G + [r]Y). rfc6507#5.2 */
static void points(const struct run *run, const EC_GROUP *group, BN_CTX *ctx)
{
    struct relay_selftest_vector y = {.n = DPP_ECCSI_POINT};
    EC_POINT *point = EC_POINT_new(group), *other = EC_POINT_new(group);
    BIGNUM *s = BN_bin2bn(get(run, "eccsi.s")->p, (int)get(run, "eccsi.s")->n, NULL);
    uint8_t out[DPP_ECCSI_POINT];

    bool good = point && other && s;
    bool is_j = good && combine(group, get(run, "eccsi.j"), NULL, NULL, ctx, point) &&
                print_point(group, point, ctx, out);
    tell(run, "eccsi.J", is_j ? out : NULL, sizeof out);
    good = good && combine(group, NULL, get(run, "eccsi.HS"), get(run, "eccsi.PVT"), ctx, point) &&
           EC_POINT_oct2point(group, other, get(run, "eccsi.KPAK")->p, get(run, "eccsi.KPAK")->n,
                              ctx) == 1 &&
           EC_POINT_add(group, point, point, other, ctx) == 1 &&
           print_point(group, point, ctx, y.p);
    tell(run, "eccsi.Y", good ? y.p : NULL, y.n);
    good = good && combine(group, get(run, "eccsi.HE"), get(run, "eccsi.r"), &y, ctx, point) &&
           EC_POINT_mul(group, other, NULL, point, s, ctx) == 1 &&
           print_point(group, other, ctx, out);
    tell(run, "eccsi.J#2", good ? out : NULL, sizeof out);
    tell(run, "eccsi.Jx", good ? out + 1 : NULL, 32);
    BN_free(s);
    EC_POINT_free(point);
    EC_POINT_free(other);
}

/* s' = (HE + r * SSK)^-1 * j mod q before its sign is chosen. rfc6507#5.2.1 */
static void raw_s(const struct run *run, const EC_GROUP *group, BN_CTX *ctx)
{
    const BIGNUM *q = EC_GROUP_get0_order(group);
    BIGNUM *s = BN_CTX_get(ctx), *x = BN_CTX_get(ctx);
    const struct relay_selftest_vector *he = get(run, "eccsi.HE"), *r = get(run, "eccsi.r"),
                                       *ssk = get(run, "eccsi.SSK"), *j = get(run, "eccsi.j");
    uint8_t out[32];

    bool good = x && BN_bin2bn(r->p, (int)r->n, s) && BN_bin2bn(ssk->p, (int)ssk->n, x) &&
                BN_mod_mul(s, s, x, q, ctx) == 1 && BN_bin2bn(he->p, (int)he->n, x) &&
                BN_mod_add(s, s, x, q, ctx) == 1 && BN_mod_inverse(s, s, q, ctx) &&
                BN_bin2bn(j->p, (int)j->n, x) && BN_mod_mul(s, s, x, q, ctx) == 1 &&
                BN_bn2binpad(s, out, sizeof out) == sizeof out;
    tell(run, "eccsi.s'", good ? out : NULL, sizeof out);
}

static void eccsi(const struct run *run)
{
    const struct relay_selftest_vector *id = get(run, "eccsi.ID"), *msg = get(run, "eccsi.M");
    uint8_t ksak[32], v[32], j[32], ssk[32], kpak[65], pvt[65], sig[129];
    struct dpp_eccsi *signer = NULL;

    pad(run, "eccsi.KSAK", ksak, 32);
    pad(run, "eccsi.v", v, 32);
    pad(run, "eccsi.j", j, 32);
    bool good = dpp_eccsi_kpak(ksak, kpak) == 0;
    tell(run, "eccsi.KPAK", good ? kpak : NULL, sizeof kpak);
    good = good && dpp_eccsi_extract(ksak, kpak, id->p, id->n, v, ssk, pvt) == 0;
    tell(run, "eccsi.PVT", good ? pvt : NULL, sizeof pvt);
    tell(run, "eccsi.SSK", good ? ssk : NULL, sizeof ssk);
    good = good && dpp_eccsi_new(&signer, kpak, id->p, id->n, ssk, pvt) == 0 &&
           dpp_eccsi_sign(signer, msg->p, msg->n, j, sig) == 0;
    tell(run, "eccsi.r", good ? sig : NULL, 32);
    tell(run, "eccsi.s", good ? sig + 32 : NULL, 32);
    good = good && dpp_eccsi_verify(kpak, id->p, id->n, msg->p, msg->n, sig) == 0;
    tell(run, "eccsi.Sig", good ? sig : NULL, sizeof sig);
    dpp_eccsi_free(signer);
}

static void p256(const struct run *run)
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    BN_CTX *ctx = BN_CTX_new();

    if (group && ctx) {
        BN_CTX_start(ctx);
        curve(run, group, ctx);
        points(run, group, ctx);
        raw_s(run, group, ctx);
        BN_CTX_end(ctx);
    }
    BN_CTX_free(ctx);
    EC_GROUP_free(group);
}

/* --- rfc6508, rfc6509 --- */

/* Both coordinates of a point, each a vector. */
static void tell_point(const struct run *run, const char *x, const char *y, const uint8_t *point)
{
    tell(run, x, point ? point + 1 : NULL, 128);
    tell(run, y, point ? point + 129 : NULL, 128);
}

static void tell_number(const struct run *run, struct dpp_field *f, const char *name,
                        const BIGNUM *n)
{
    uint8_t out[DPP_FIELD_OCTETS];
    bool good = !f->failed && BN_bn2binpad(n, out, sizeof out) == sizeof out;

    tell(run, name, good ? out : NULL, sizeof out);
}

static void tell_element(const struct run *run, struct dpp_field *f, const char *name,
                         const BIGNUM *element)
{
    uint8_t out[DPP_FIELD_OCTETS];

    if (!f->failed)
        dpp_field_store(f, element, out);
    tell(run, name, f->failed ? NULL : out, sizeof out);
}

/* t = <(x, y), (at_x, at_y)> */
static void pair(struct dpp_field *f, const BIGNUM *x, const BIGNUM *y, const BIGNUM *at_x,
                 const BIGNUM *at_y, BIGNUM *t)
{
    struct dpp_pairing *pairing = NULL;

    if (!f->failed && dpp_pairing_new(&pairing, f, x, y) == 0)
        dpp_pairing_with(f, pairing, at_x, at_y, NULL, t);
    else
        f->failed = true;
    dpp_pairing_free(pairing);
}

/* g^r, as sealing computes it. */
static void raise(const struct run *run, struct dpp_field *f, const BIGNUM *g)
{
    const struct relay_selftest_vector *r = get(run, "sakke.r");
    struct dpp_power *power = malloc(sizeof *power);
    BIGNUM *n = dpp_field_new(f), *re = dpp_field_new(f), *im = dpp_field_new(f);

    if (power && !f->failed && BN_bin2bn(r->p, (int)r->n, n) && dpp_power_init(power, f, g)) {
        dpp_power_raise(f, power, n, re, im);
        dpp_field_invert(f, re, re, NULL);
        dpp_field_mul(f, re, re, im);
    } else {
        f->failed = true;
    }
    tell_element(run, f, "sakke.g^r", re);
    free(power);
}

/* rfc6509#A; g = <P, P>, w = <R, RSK> = g^r */
static void parameters(const struct run *run, const uint8_t *sed, const uint8_t *rsk)
{
    struct dpp_field f;

    if (dpp_field_init(&f) != 0)
        return; /* what is not told is a FAIL */
    BIGNUM *x = dpp_field_new(&f), *y = dpp_field_new(&f), *kx = dpp_field_new(&f),
           *ky = dpp_field_new(&f), *t = dpp_field_new(&f);
    tell_number(run, &f, "mikeysakke.p", f.set->p);
    tell_number(run, &f, "mikeysakke.q", f.set->q);
    tell_element(run, &f, "mikeysakke.Px", f.set->px);
    tell_element(run, &f, "mikeysakke.Py", f.set->py);
    pair(&f, f.set->px, f.set->py, f.set->px, f.set->py, t);
    tell_element(run, &f, "mikeysakke.g", t);
    raise(run, &f, t);
    if (!dpp_field_load_point(&f, x, y, sed) || !dpp_field_load_point(&f, kx, ky, rsk))
        f.failed = true;
    pair(&f, kx, ky, x, y, t);
    tell_element(run, &f, "sakke.w", t);
    dpp_field_done(&f);
}

static void sakke(const struct run *run)
{
    const struct relay_selftest_vector *b = get(run, "sakke.b"), *ssv = get(run, "sakke.SSV");
    uint8_t z[DPP_SAKKE_SCALAR], point[DPP_SAKKE_POINT], rsk[DPP_SAKKE_POINT];
    uint8_t sed[DPP_SAKKE_SED], out[DPP_SAKKE_SSV];
    struct dpp_sakke_kms *kms = NULL;
    struct dpp_sakke_rsk *ready = NULL;

    pad(run, "sakke.z", z, sizeof z);
    bool good = dpp_sakke_master(z, point) == 0;
    tell_point(run, "sakke.Zx", "sakke.Zy", good ? point : NULL);
    good = good && dpp_sakke_extract(z, b->p, b->n, rsk) == 0;
    tell_point(run, "sakke.Kbx", "sakke.Kby", good ? rsk : NULL);
    good = good && ssv->n == DPP_SAKKE_SSV && dpp_sakke_kms_new(&kms, point) == 0 &&
           dpp_sakke_seal(kms, b->p, b->n, ssv->p, sed) == 0;
    tell_point(run, "sakke.Rbx", "sakke.Rby", good ? sed : NULL);
    tell(run, "sakke.H", good ? sed + DPP_SAKKE_POINT : NULL, DPP_SAKKE_SSV);
    /* opening computes TEST and compares it with R: that it opens says that they are equal */
    good = good && dpp_sakke_rsk_new(&ready, kms, b->p, b->n, rsk) == 0 &&
           dpp_sakke_open(ready, sed, false, out) == 0;
    tell_point(run, "sakke.TESTx", "sakke.TESTy", good ? sed : NULL);
    tell(run, "sakke.SSV#2", good ? out : NULL, sizeof out);
    if (good)
        parameters(run, sed, rsk);
    dpp_sakke_rsk_free(ready);
    dpp_sakke_kms_free(kms);
}

void relay_selftest_curve(struct relay_selftest *test, struct relay_selftest_vectors *all)
{
    static const char *const inputs[] = {"eccsi.n", "eccsi.N", "eccsi.KSAK",
                                         "eccsi.v", "eccsi.j", "sakke.z"};
    struct run run = {test, all};

    p256(&run);
    eccsi(&run);
    sakke(&run);
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++)
        tell_input(&run, inputs[i]);
}
