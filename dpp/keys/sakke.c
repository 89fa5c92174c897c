#include "dpp/keys/sakke.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "dpp/keys/comb.h"
#include "dpp/keys/pairing.h"
#include "dpp/keys/power.h"

#define HASH         32
#define RANGE_HASHES 4 /* ceil(1022 / 256) */

/* What all KMSs share: multiples of P, powers of g. */
struct tables {
    struct dpp_comb *p;
    struct dpp_power g;
};

struct dpp_sakke_kms {
    const struct tables *tables;
    uint8_t point[DPP_SAKKE_POINT];
    struct dpp_comb *z;
};

struct dpp_sakke_rsk {
    const struct tables *tables;
    struct dpp_comb *target;     /* [b]P + Z: public, but it tells whose RSK this is */
    struct dpp_pairing *pairing; /* the RSK */
    uint8_t *blind;              /* HASH octets, secure heap: made from the RSK */
    size_t id_n;
    uint8_t id[DPP_SAKKE_ID_MAX];
};

/* --- the shared tables --- */

/* g = <P, P>, derived and then compared with the printed one. */
static int tables_fill(struct tables *tables, struct dpp_field *f)
{
    struct dpp_pairing *pairing = NULL;
    BIGNUM *g = dpp_field_new(f);
    int rc = f->failed ? DPP_E_NOMEM : dpp_pairing_new(&pairing, f, f->set->px, f->set->py);

    if (rc == 0) {
        dpp_pairing_with(f, pairing, f->set->px, f->set->py, NULL, g);
        if (!f->failed && BN_cmp(g, f->set->g) != 0)
            rc = DPP_E_CRYPTO;
    }
    dpp_pairing_free(pairing);
    if (rc == 0 && (!dpp_power_init(&tables->g, f, g) ||
                    !(tables->p = dpp_comb_new(f, DPP_COMB_LARGE, f->set->px, f->set->py))))
        rc = DPP_E_NOMEM;
    return rc;
}

/* Made on first use and kept for the life of the process. */
static int tables_get(const struct tables **out)
{
    static _Atomic(struct tables *) shared;
    struct tables *tables = atomic_load(&shared), *other = NULL;
    struct dpp_field f;
    int rc = 0;

    if (!tables) {
        tables = malloc(sizeof *tables);
        rc = tables ? dpp_field_init(&f) : DPP_E_NOMEM;
        if (rc == 0) {
            rc = tables_fill(tables, &f);
            dpp_field_done(&f);
        }
        if (rc != 0) {
            free(tables);
            tables = NULL;
        } else if (!atomic_compare_exchange_strong(&shared, &other, tables)) {
            dpp_comb_free(tables->p);
            free(tables);
            tables = other;
        }
    }
    *out = tables;
    return rc;
}

/* --- hashing --- */

/* HashToIntegerRange(s, 2^(8 out_n)) of `hashes` rounds before any reduction. rfc6508#5.1 */
static bool hash_range(const uint8_t *s, size_t n, uint8_t *out, size_t hashes)
{
    uint8_t h_and_a[2 * HASH] = {0};
    bool good = EVP_Digest(s, n, h_and_a + HASH, NULL, EVP_sha256(), NULL) == 1;

    for (size_t i = 0; good && i < hashes; i++) /* h = hash(h); v = hash(h || A) */
        good = EVP_Digest(h_and_a, HASH, h_and_a, NULL, EVP_sha256(), NULL) == 1 &&
               EVP_Digest(h_and_a, sizeof h_and_a, out + i * HASH, NULL, EVP_sha256(), NULL) == 1;
    OPENSSL_cleanse(h_and_a, sizeof h_and_a);
    return good;
}

/* r = HashToIntegerRange(SSV || b, q) */
static void hash_to_scalar(struct dpp_field *f, const uint8_t ssv[DPP_SAKKE_SSV], const uint8_t *id,
                           size_t id_n, BIGNUM *r)
{
    uint8_t in[DPP_SAKKE_SSV + DPP_SAKKE_ID_MAX], out[RANGE_HASHES * HASH];

    if (f->failed)
        return;
    memcpy(in, ssv, DPP_SAKKE_SSV);
    memcpy(in + DPP_SAKKE_SSV, id, id_n);
    f->failed = !hash_range(in, DPP_SAKKE_SSV + id_n, out, RANGE_HASHES) ||
                !BN_bin2bn(out, sizeof out, r) || !BN_mod(r, r, f->set->q, f->ctx);
    OPENSSL_cleanse(in, sizeof in);
    OPENSSL_cleanse(out, sizeof out);
}

/* out = in XOR HashToIntegerRange(t, 2^128), t an element in its octets from `skip` on. */
static void mask(struct dpp_field *f, const uint8_t t[DPP_FIELD_OCTETS], size_t skip,
                 const uint8_t in[DPP_SAKKE_SSV], uint8_t out[DPP_SAKKE_SSV])
{
    uint8_t v[HASH];

    f->failed = f->failed || !hash_range(t + skip, DPP_FIELD_OCTETS - skip, v, 1);
    for (size_t i = 0; i < DPP_SAKKE_SSV; i++)
        out[i] = in[i] ^ v[HASH - DPP_SAKKE_SSV + i];
    OPENSSL_cleanse(v, sizeof v);
}

/* b mod q. */
static int load_id(struct dpp_field *f, const uint8_t *id, size_t id_n, BIGNUM *b)
{
    if (id_n == 0 || id_n > DPP_SAKKE_ID_MAX)
        return DPP_E_LONG;
    f->failed = f->failed || !BN_bin2bn(id, (int)id_n, b) || !BN_mod(b, b, f->set->q, f->ctx);
    return f->failed ? DPP_E_NOMEM : 0;
}

/* --- encapsulation --- */

/* Whether [q - 1](x, y) = (x, -y). For a point of order q no addition on the way is exceptional: 2m
 * is neither 1 nor -1 modulo q for an m below (q - 1) / 2. Of the other orders 1, 2, 4, 2q and 4q
 * none ends there. Public. */
static bool has_order_q(struct dpp_field *f, const BIGNUM *x, const BIGNUM *y)
{
    if (f->failed)
        return false;
    BN_CTX_start(f->ctx);
    struct dpp_field_point at = dpp_field_point_new(f);
    BIGNUM *zz = dpp_field_new(f), *t = dpp_field_new(f);
    if (!f->failed) {
        dpp_field_copy(f, at.x, x);
        dpp_field_copy(f, at.y, y);
        dpp_field_copy(f, at.z, f->set->one);
    }
    for (int i = BN_num_bits(f->set->q) - 2; i >= 0 && !f->failed; i--) {
        dpp_field_double(f, &at);
        if (i > 0 && BN_is_bit_set(f->set->q, i)) /* bit 0 of q - 1 is 0 */
            dpp_field_add_affine(f, &at, x, y);
    }
    dpp_field_square(f, zz, at.z);
    dpp_field_mul(f, t, x, zz);
    bool good = !f->failed && !BN_is_zero(at.z) && BN_cmp(t, at.x) == 0;
    dpp_field_mul(f, zz, zz, at.z);
    dpp_field_mul(f, t, y, zz);
    dpp_field_sum(f, t, t, at.y);
    good = good && !f->failed && BN_is_zero(t);
    BN_CTX_end(f->ctx);
    return good;
}

int dpp_sakke_kms_new(struct dpp_sakke_kms **kms, const uint8_t z[DPP_SAKKE_POINT])
{
    struct dpp_sakke_kms *made = NULL;
    const struct tables *tables;
    struct dpp_field f;
    int rc = tables_get(&tables);

    *kms = NULL;
    if (rc != 0 || (rc = dpp_field_init(&f)) != 0)
        return rc;
    BIGNUM *x = dpp_field_new(&f), *y = dpp_field_new(&f);
    if (f.failed || !(made = calloc(1, sizeof *made)))
        rc = DPP_E_NOMEM;
    else if (!dpp_field_load_point(&f, x, y, z) || !has_order_q(&f, x, y))
        rc = f.failed ? DPP_E_NOMEM : DPP_E_SAKKE_POINT;
    if (rc == 0 && !(made->z = dpp_comb_new(&f, DPP_COMB_LARGE, x, y)))
        rc = DPP_E_NOMEM;
    dpp_field_done(&f);
    if (rc != 0) {
        free(made);
        return rc;
    }
    made->tables = tables;
    memcpy(made->point, z, DPP_SAKKE_POINT);
    *kms = made;
    return 0;
}

void dpp_sakke_kms_free(struct dpp_sakke_kms *kms)
{
    if (kms)
        dpp_comb_free(kms->z);
    free(kms);
}

size_t dpp_sakke_kms_octets(const struct dpp_sakke_kms *kms)
{
    return sizeof *kms + dpp_comb_octets(kms->z) + sizeof *kms->tables +
           dpp_comb_octets(kms->tables->p);
}

/* R = [r]([b]P + Z) = [r b]P + [r]Z */
static void target(struct dpp_field *f, const struct dpp_sakke_kms *kms, const BIGNUM *b,
                   const BIGNUM *r, struct dpp_field_point *out)
{
    const struct dpp_comb *const combs[] = {kms->tables->p, kms->z};

    BN_CTX_start(f->ctx);
    BIGNUM *rb = dpp_field_new(f);
    f->failed = f->failed || !BN_mod_mul(rb, r, b, f->set->q, f->ctx);
    dpp_comb_mul(f, combs, (const BIGNUM *const[]){rb, r}, 2, out);
    BN_CTX_end(f->ctx);
}

int dpp_sakke_seal(const struct dpp_sakke_kms *kms, const uint8_t *id, size_t id_n,
                   const uint8_t ssv[DPP_SAKKE_SSV], uint8_t out[DPP_SAKKE_SED])
{
    uint8_t t[DPP_FIELD_OCTETS];
    struct dpp_field f;
    int rc = dpp_field_init(&f);

    if (rc != 0)
        return rc;
    BIGNUM *b = dpp_field_new(&f), *r = dpp_field_new(&f), *re = dpp_field_new(&f),
           *im = dpp_field_new(&f);
    struct dpp_field_point point = dpp_field_point_new(&f);
    rc = f.failed ? DPP_E_NOMEM : load_id(&f, id, id_n, b);
    if (rc != 0)
        goto out;
    hash_to_scalar(&f, ssv, id, id_n, r);
    target(&f, kms, b, r, &point);
    if (f.failed || BN_is_zero(point.z)) {
        rc = f.failed ? DPP_E_NOMEM : DPP_E_SAKKE_ID;
        goto out;
    }
    /* g^r = re + i im and R = (X, Y, z): one inversion, of re z, serves both. r blinds it: they are
     * of this message only, and their product with r is of no use to anybody */
    dpp_power_raise(&f, &kms->tables->g, r, re, im);
    dpp_field_mul(&f, b, re, point.z);
    dpp_field_invert(&f, b, b, r);
    dpp_field_mul(&f, im, im, b);
    dpp_field_mul(&f, im, im, point.z);
    dpp_field_mul(&f, b, b, re);
    dpp_field_affine(&f, &point, b, b, re);
    dpp_field_store_point(&f, b, re, out);
    dpp_field_store(&f, im, t);
    mask(&f, t, 0, ssv, out + DPP_SAKKE_POINT);
    rc = f.failed ? DPP_E_NOMEM : 0;
out:
    dpp_field_done(&f);
    OPENSSL_cleanse(t, sizeof t);
    if (rc != 0)
        OPENSSL_cleanse(out, DPP_SAKKE_SED);
    return rc;
}

/* --- decapsulation --- */

/* target = the comb of [b]P + Z. DPP_E_SAKKE_ID where that is infinity. */
static int make_target(struct dpp_sakke_rsk *rsk, struct dpp_field *f,
                       const struct dpp_sakke_kms *kms, BIGNUM *x, BIGNUM *y)
{
    const struct dpp_comb *const p[] = {kms->tables->p};

    BN_CTX_start(f->ctx);
    BIGNUM *b = dpp_field_new(f);
    struct dpp_field_point sum = dpp_field_point_new(f), z = dpp_field_point_new(f);
    int rc = f->failed ? DPP_E_NOMEM : load_id(f, rsk->id, rsk->id_n, b);
    if (rc == 0) {
        if (BN_is_zero(b))
            BN_zero(sum.z);
        else
            dpp_comb_mul(f, p, (const BIGNUM *const[]){b}, 1, &sum);
        (void)dpp_field_load_point(f, z.x, z.y, kms->point);
        dpp_field_copy(f, z.z, f->set->one);
        dpp_field_add_point(f, &sum, &z);
        if (f->failed || BN_is_zero(sum.z)) {
            rc = f->failed ? DPP_E_NOMEM : DPP_E_SAKKE_ID;
        } else {
            dpp_field_invert(f, sum.z, sum.z, NULL);
            dpp_field_affine(f, &sum, sum.z, x, y);
            rsk->target = dpp_comb_new(f, DPP_COMB_SMALL, x, y);
            rc = rsk->target ? 0 : DPP_E_NOMEM;
        }
    }
    BN_CTX_end(f->ctx);
    return rc;
}

/* The RSK made ready and checked. rfc6508#6.1.2 */
static int make_ready(struct dpp_sakke_rsk *rsk, struct dpp_field *f,
                      const struct dpp_sakke_kms *kms, const uint8_t point[DPP_SAKKE_POINT])
{
    BIGNUM *x = dpp_field_new(f), *y = dpp_field_new(f), *t = dpp_field_new(f);

    if (f->failed || EVP_Digest(point, DPP_SAKKE_POINT, rsk->blind, NULL, EVP_sha256(), NULL) != 1)
        return DPP_E_NOMEM;
    if (!dpp_field_load_point(f, x, y, point))
        return f->failed ? DPP_E_NOMEM : DPP_E_SAKKE_POINT;
    int rc = dpp_pairing_new(&rsk->pairing, f, x, y);
    if (rc == 0)
        rc = make_target(rsk, f, kms, x, y);
    if (rc != 0)
        return rc;
    dpp_pairing_with(f, rsk->pairing, x, y, NULL, t);
    if (f->failed)
        return DPP_E_NOMEM;
    return BN_cmp(t, f->set->g) == 0 ? 0 : DPP_E_SAKKE_PAIR;
}

int dpp_sakke_rsk_new(struct dpp_sakke_rsk **rsk, const struct dpp_sakke_kms *kms,
                      const uint8_t *id, size_t id_n, const uint8_t point[DPP_SAKKE_POINT])
{
    struct dpp_sakke_rsk *made;
    struct dpp_field f;
    int rc;

    *rsk = NULL;
    if (id_n == 0 || id_n > DPP_SAKKE_ID_MAX)
        return DPP_E_LONG;
    if ((rc = dpp_field_init(&f)) != 0)
        return rc;
    made = calloc(1, sizeof *made);
    if (made) {
        made->tables = kms->tables;
        made->blind = OPENSSL_secure_malloc(HASH);
        made->id_n = id_n;
        memcpy(made->id, id, id_n);
    }
    rc = made && made->blind ? make_ready(made, &f, kms, point) : DPP_E_NOMEM;
    dpp_field_done(&f);
    if (rc != 0)
        dpp_sakke_rsk_free(made);
    else
        *rsk = made;
    return rc;
}

void dpp_sakke_rsk_free(struct dpp_sakke_rsk *rsk)
{
    if (!rsk)
        return;
    dpp_pairing_free(rsk->pairing);
    dpp_comb_free(rsk->target);
    OPENSSL_secure_clear_free(rsk->blind, HASH);
    OPENSSL_cleanse(rsk, sizeof *rsk);
    free(rsk);
}

size_t dpp_sakke_rsk_octets(const struct dpp_sakke_rsk *rsk)
{
    return sizeof *rsk + dpp_comb_octets(rsk->target) + HASH + dpp_pairing_octets(rsk->pairing);
}

/* TEST = [r]([b]P + Z), compared with R in Jacobian form: x = X Z^2, y = Y Z^3. rfc6508#6.2.2 */
static bool is_test_right(struct dpp_field *f, const struct dpp_sakke_rsk *rsk,
                          const uint8_t ssv[DPP_SAKKE_SSV], const BIGNUM *x, const BIGNUM *y)
{
    const struct dpp_comb *const combs[] = {rsk->target};
    uint8_t left[DPP_FIELD_POINT] = {0}, right[DPP_FIELD_POINT] = {0};
    bool good = false;

    if (f->failed)
        return false;
    BN_CTX_start(f->ctx);
    BIGNUM *r = dpp_field_new(f), *zz = dpp_field_new(f), *t = dpp_field_new(f);
    struct dpp_field_point test = dpp_field_point_new(f);
    hash_to_scalar(f, ssv, rsk->id, rsk->id_n, r);
    dpp_comb_mul(f, combs, (const BIGNUM *const[]){r}, 1, &test);
    if (!f->failed && !BN_is_zero(test.z)) {
        dpp_field_square(f, zz, test.z);
        dpp_field_mul(f, t, x, zz);
        dpp_field_store(f, t, left + 1);
        dpp_field_mul(f, zz, zz, test.z);
        dpp_field_mul(f, t, y, zz);
        dpp_field_store(f, t, left + 1 + DPP_FIELD_OCTETS);
        dpp_field_store(f, test.x, right + 1);
        dpp_field_store(f, test.y, right + 1 + DPP_FIELD_OCTETS);
        good = !f->failed && CRYPTO_memcmp(left, right, sizeof left) == 0;
    }
    OPENSSL_cleanse(left, sizeof left);
    OPENSSL_cleanse(right, sizeof right);
    BN_CTX_end(f->ctx);
    return good;
}

/* A number to blind the inversion of this message with: known to nobody without the RSK. */
static void make_blind(struct dpp_field *f, const struct dpp_sakke_rsk *rsk,
                       const uint8_t sed[DPP_SAKKE_SED], BIGNUM *blind)
{
    uint8_t in[HASH + DPP_SAKKE_SED], out[RANGE_HASHES * HASH];

    if (f->failed)
        return;
    memcpy(in, rsk->blind, HASH);
    memcpy(in + HASH, sed, DPP_SAKKE_SED);
    f->failed = !hash_range(in, sizeof in, out, RANGE_HASHES) ||
                !BN_bin2bn(out, sizeof out, blind) || !BN_mod(blind, blind, f->set->q, f->ctx);
    OPENSSL_cleanse(in, sizeof in);
    OPENSSL_cleanse(out, sizeof out);
}

int dpp_sakke_open(const struct dpp_sakke_rsk *rsk, const uint8_t sed[DPP_SAKKE_SED], bool stripped,
                   uint8_t ssv[DPP_SAKKE_SSV])
{
    uint8_t w[DPP_FIELD_OCTETS];
    struct dpp_field f;
    bool good = false;
    int rc = dpp_field_init(&f);

    if (rc != 0)
        return rc;
    BIGNUM *x = dpp_field_new(&f), *y = dpp_field_new(&f), *t = dpp_field_new(&f),
           *blind = dpp_field_new(&f);
    if (!f.failed && dpp_field_load_point(&f, x, y, sed)) {
        make_blind(&f, rsk, sed, blind);
        dpp_pairing_with(&f, rsk->pairing, x, y, blind, t);
        dpp_field_store(&f, t, w);
        mask(&f, w, 0, sed + DPP_SAKKE_POINT, ssv);
        good = is_test_right(&f, rsk, ssv, x, y);
        size_t zeros = 0;
        while (stripped && !good && zeros < DPP_FIELD_OCTETS - 1 && w[zeros] == 0)
            zeros++;
        if (zeros > 0) {
            mask(&f, w, zeros, sed + DPP_SAKKE_POINT, ssv);
            good = is_test_right(&f, rsk, ssv, x, y);
        }
    }
    rc = f.failed ? DPP_E_NOMEM : good ? 0 : DPP_E_SAKKE;
    dpp_field_done(&f);
    OPENSSL_cleanse(w, sizeof w);
    if (rc != 0)
        OPENSSL_cleanse(ssv, DPP_SAKKE_SSV);
    return rc;
}

/* --- the KMS itself --- */

/* out = [scalar]P */
static int times_p(struct dpp_field *f, const BIGNUM *scalar, const BIGNUM *blind,
                   uint8_t out[DPP_SAKKE_POINT])
{
    const struct tables *tables;
    int rc = tables_get(&tables);

    if (rc != 0)
        return rc;
    const struct dpp_comb *const combs[] = {tables->p};
    struct dpp_field_point point = dpp_field_point_new(f);
    BIGNUM *x = dpp_field_new(f), *y = dpp_field_new(f);
    dpp_comb_mul(f, combs, (const BIGNUM *const[]){scalar}, 1, &point);
    if (f->failed || BN_is_zero(point.z))
        return f->failed ? DPP_E_NOMEM : DPP_E_CRYPTO;
    dpp_field_invert(f, point.z, point.z, blind);
    dpp_field_affine(f, &point, point.z, x, y);
    dpp_field_store_point(f, x, y, out);
    return f->failed ? DPP_E_NOMEM : 0;
}

int dpp_sakke_master(uint8_t z[DPP_SAKKE_SCALAR], uint8_t point[DPP_SAKKE_POINT])
{
    struct dpp_field f;
    int rc = dpp_field_init(&f);

    if (rc != 0)
        return rc;
    BIGNUM *n = dpp_field_new(&f);
    z[0] &= 0x3f; /* q has 1022 bits */
    if (f.failed || !BN_bin2bn(z, DPP_SAKKE_SCALAR, n))
        rc = DPP_E_NOMEM;
    else if (BN_is_zero(n) || BN_is_one(n) || BN_cmp(n, f.set->q) >= 0)
        rc = DPP_E_RETRY;
    else
        rc = times_p(&f, n, n, point);
    dpp_field_done(&f);
    return rc;
}

int dpp_sakke_extract(const uint8_t z[DPP_SAKKE_SCALAR], const uint8_t *id, size_t id_n,
                      uint8_t rsk[DPP_SAKKE_POINT])
{
    struct dpp_field f;
    int rc = dpp_field_init(&f);

    if (rc != 0)
        return rc;
    BIGNUM *n = dpp_field_new(&f), *b = dpp_field_new(&f);
    rc = f.failed ? DPP_E_NOMEM : load_id(&f, id, id_n, b);
    if (rc != 0)
        goto out;
    if (!BN_bin2bn(z, DPP_SAKKE_SCALAR, n) || !BN_mod_add_quick(n, n, b, f.set->q)) {
        rc = DPP_E_NOMEM;
        goto out;
    }
    if (BN_is_zero(n)) {
        rc = DPP_E_SAKKE_ID;
        goto out;
    }
    BN_set_flags(n, BN_FLG_CONSTTIME);
    if (!BN_mod_inverse(n, n, f.set->q, f.ctx))
        rc = DPP_E_NOMEM;
    else
        rc = times_p(&f, n, n, rsk);
out:
    dpp_field_done(&f);
    return rc;
}
