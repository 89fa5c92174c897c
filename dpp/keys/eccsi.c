#include "dpp/keys/eccsi.h"

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#define HASH 32

/* One record in the secure heap. */
struct dpp_eccsi {
    uint8_t ssk[DPP_ECCSI_SCALAR];
    uint8_t hs[HASH];
    uint8_t pvt[DPP_ECCSI_POINT];
};

/* The curve: made on first use and kept for the life of the process, because making it costs half
 * as much as a signature. NULL without memory; then the next caller tries again. */
static const EC_GROUP *p256(void)
{
    static _Atomic(EC_GROUP *) shared;
    EC_GROUP *group = atomic_load(&shared), *other = NULL;

    if (group)
        return group;
    group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    if (group && !atomic_compare_exchange_strong(&shared, &other, group)) {
        EC_GROUP_free(group);
        group = other;
    }
    return group;
}

/* What every operation computes with; numbers come from `ctx` and go with it. */
struct work {
    const EC_GROUP *group;
    const BIGNUM *q;
    BN_MONT_CTX *mont; /* of q */
    BN_CTX *ctx;       /* secure: clears what it held */
    EC_POINT *a, *b;
};

static bool work_init(struct work *w)
{
    memset(w, 0, sizeof *w);
    w->group = p256();
    if (!w->group)
        return false;
    w->q = EC_GROUP_get0_order(w->group);
    w->mont = EC_GROUP_get_mont_data(w->group);
    w->ctx = BN_CTX_secure_new();
    if (!w->ctx)
        return false;
    BN_CTX_start(w->ctx);
    w->a = EC_POINT_new(w->group);
    w->b = EC_POINT_new(w->group);
    return w->a && w->b;
}

static void work_done(struct work *w)
{
    EC_POINT_clear_free(w->a);
    EC_POINT_clear_free(w->b);
    if (w->ctx)
        BN_CTX_end(w->ctx);
    BN_CTX_free(w->ctx);
}

/* A number of 32 octets in 1..q-1: 0, DPP_E_VALUE or DPP_E_CRYPTO. */
static int scalar(const struct work *w, const uint8_t octets[32], BIGNUM **out)
{
    BIGNUM *n = *out = BN_CTX_get(w->ctx);

    if (!n || !BN_bin2bn(octets, 32, n))
        return DPP_E_CRYPTO;
    BN_set_flags(n, BN_FLG_CONSTTIME);
    return BN_is_zero(n) || BN_cmp(n, w->q) >= 0 ? DPP_E_VALUE : 0;
}

/* A hash as a number below q. It is below 2q: one subtraction at most. */
static BIGNUM *hash_number(const struct work *w, const uint8_t hash[HASH])
{
    BIGNUM *n = BN_CTX_get(w->ctx);

    if (!n || !BN_bin2bn(hash, HASH, n) ||
        (BN_cmp(n, w->q) >= 0 && !BN_usub(n, n, w->q))) /* hashes are public */
        return NULL;
    return n;
}

/* out = a * b mod q by Montgomery multiplication, which has no branch on the numbers. out may be
 * either. */
static bool multiply(const struct work *w, BIGNUM *out, const BIGNUM *a, const BIGNUM *b)
{
    BIGNUM *high = BN_CTX_get(w->ctx);

    return high && BN_to_montgomery(high, a, w->mont, w->ctx) == 1 &&
           BN_mod_mul_montgomery(out, high, b, w->mont, w->ctx) == 1;
}

/* out = a^-1 mod q as a^(q-2): the exponent is public and the powers are taken by full scans, so
 * nothing depends on a. Euclid's algorithm would. */
static bool invert(const struct work *w, BIGNUM *out, const BIGNUM *a)
{
    BIGNUM *exponent = BN_CTX_get(w->ctx);

    return exponent && BN_copy(exponent, w->q) && BN_sub_word(exponent, 2) == 1 &&
           BN_mod_exp_mont_consttime(out, a, exponent, w->q, w->ctx, w->mont) == 1;
}

/* EC_POINT_oct2point takes compressed, hybrid and infinity too, hence the look at the first octet.
 * It checks that x, y < p and that the point lies on the curve; the cofactor is 1. */
static bool read_point(const struct work *w, EC_POINT *point, const uint8_t octets[DPP_ECCSI_POINT])
{
    ERR_set_mark(); /* a bad point must not be found in the queue by whoever looks next */
    bool is_good = octets[0] == POINT_CONVERSION_UNCOMPRESSED &&
                   EC_POINT_oct2point(w->group, point, octets, DPP_ECCSI_POINT, w->ctx) == 1;
    ERR_pop_to_mark();
    return is_good;
}

static bool write_point(const struct work *w, const EC_POINT *point, uint8_t out[DPP_ECCSI_POINT])
{
    return EC_POINT_point2oct(w->group, point, POINT_CONVERSION_UNCOMPRESSED, out, DPP_ECCSI_POINT,
                              w->ctx) == DPP_ECCSI_POINT;
}

/* HS = hash( G || KPAK || ID || PVT ). rfc6507#5.1.1 */
static bool hash_hs(const struct work *w, const uint8_t kpak[DPP_ECCSI_POINT], const uint8_t *id,
                    size_t id_n, const uint8_t pvt[DPP_ECCSI_POINT], uint8_t hs[HASH])
{
    uint8_t g[DPP_ECCSI_POINT];
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool is_done =
        md && write_point(w, EC_GROUP_get0_generator(w->group), g) &&
        EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 && EVP_DigestUpdate(md, g, sizeof g) == 1 &&
        EVP_DigestUpdate(md, kpak, DPP_ECCSI_POINT) == 1 && EVP_DigestUpdate(md, id, id_n) == 1 &&
        EVP_DigestUpdate(md, pvt, DPP_ECCSI_POINT) == 1 && EVP_DigestFinal_ex(md, hs, NULL) == 1;
    EVP_MD_CTX_free(md);
    return is_done;
}

/* HE = hash( HS || r || M ). rfc6507#5.2.1 */
static bool hash_he(const uint8_t hs[HASH], const uint8_t r[32], const uint8_t *msg, size_t n,
                    uint8_t he[HASH])
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool is_done = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
                   EVP_DigestUpdate(md, hs, HASH) == 1 && EVP_DigestUpdate(md, r, 32) == 1 &&
                   EVP_DigestUpdate(md, msg, n) == 1 && EVP_DigestFinal_ex(md, he, NULL) == 1;
    EVP_MD_CTX_free(md);
    return is_done;
}

/* [k]G of a secret k. One scalar, the generator: the constant-time path. */
static int base_point(const struct work *w, const uint8_t k[32], uint8_t out[DPP_ECCSI_POINT])
{
    BIGNUM *n;
    int rc = scalar(w, k, &n);

    if (rc != 0)
        return rc == DPP_E_VALUE ? DPP_E_RETRY : rc;
    return EC_POINT_mul(w->group, w->a, n, NULL, NULL, w->ctx) == 1 && write_point(w, w->a, out)
               ? 0
               : DPP_E_CRYPTO;
}

int dpp_eccsi_kpak(const uint8_t ksak[DPP_ECCSI_SCALAR], uint8_t kpak[DPP_ECCSI_POINT])
{
    struct work w;
    int rc = work_init(&w) ? base_point(&w, ksak, kpak) : DPP_E_CRYPTO;

    work_done(&w);
    return rc;
}

int dpp_eccsi_extract(const uint8_t ksak[DPP_ECCSI_SCALAR], const uint8_t kpak[DPP_ECCSI_POINT],
                      const uint8_t *id, size_t id_n, const uint8_t v[DPP_ECCSI_SCALAR],
                      uint8_t ssk[DPP_ECCSI_SCALAR], uint8_t pvt[DPP_ECCSI_POINT])
{
    struct work w;
    uint8_t hs[HASH];
    BIGNUM *master, *secret, *hs_number, *sum;
    int rc = work_init(&w) ? base_point(&w, v, pvt) : DPP_E_CRYPTO;

    if (rc != 0)
        goto out;
    rc = DPP_E_CRYPTO;
    if (!hash_hs(&w, kpak, id, id_n, pvt, hs) || !(hs_number = hash_number(&w, hs)) ||
        !(sum = BN_CTX_get(w.ctx)) || scalar(&w, ksak, &master) != 0 || scalar(&w, v, &secret) != 0)
        goto out;
    /* SSK = ( KSAK + ( HS * v ) ) mod q */
    if (!multiply(&w, sum, hs_number, secret) || !BN_mod_add_quick(sum, sum, master, w.q))
        goto out;
    if (BN_is_zero(hs_number) || BN_is_zero(sum))
        rc = DPP_E_RETRY;
    else if (BN_bn2binpad(sum, ssk, DPP_ECCSI_SCALAR) == DPP_ECCSI_SCALAR)
        rc = 0;
out:
    work_done(&w);
    return rc;
}

/* Y = [HS]PVT + KPAK, in w->a: the public key that belongs to an SSK. */
static int public_key(const struct work *w, const uint8_t kpak[DPP_ECCSI_POINT], const uint8_t *id,
                      size_t id_n, const uint8_t pvt[DPP_ECCSI_POINT], uint8_t hs[HASH])
{
    const BIGNUM *n;

    if (!read_point(w, w->a, pvt) || !read_point(w, w->b, kpak))
        return DPP_E_ECCSI_POINT;
    if (!hash_hs(w, kpak, id, id_n, pvt, hs) || !(n = hash_number(w, hs)) ||
        EC_POINT_mul(w->group, w->a, NULL, w->a, n, w->ctx) != 1 ||
        EC_POINT_add(w->group, w->a, w->a, w->b, w->ctx) != 1)
        return DPP_E_CRYPTO;
    return 0;
}

int dpp_eccsi_new(struct dpp_eccsi **signer, const uint8_t kpak[DPP_ECCSI_POINT], const uint8_t *id,
                  size_t id_n, const uint8_t ssk[DPP_ECCSI_SCALAR],
                  const uint8_t pvt[DPP_ECCSI_POINT])
{
    struct work w;
    struct dpp_eccsi *e = NULL;
    BIGNUM *n;
    int rc = DPP_E_CRYPTO;

    *signer = NULL;
    if (!CRYPTO_secure_malloc_initialized())
        return DPP_E_SECURE_HEAP;
    if (!work_init(&w))
        goto out;
    e = OPENSSL_secure_zalloc(sizeof *e);
    if (!e) {
        rc = DPP_E_SECURE_HEAP;
        goto out;
    }
    rc = public_key(&w, kpak, id, id_n, pvt, e->hs);
    if (rc != 0)
        goto out;
    rc = scalar(&w, ssk, &n);
    if (rc != 0) {
        rc = rc == DPP_E_VALUE ? DPP_E_ECCSI_PAIR : rc;
        goto out;
    }
    /* rfc6507#5.1.2: KPAK = [SSK]G - [HS]PVT */
    rc = DPP_E_CRYPTO;
    if (EC_POINT_mul(w.group, w.b, n, NULL, NULL, w.ctx) != 1)
        goto out;
    int differs = EC_POINT_cmp(w.group, w.a, w.b, w.ctx);
    if (differs < 0)
        goto out;
    if (differs == 1) {
        rc = DPP_E_ECCSI_PAIR;
        goto out;
    }
    memcpy(e->ssk, ssk, sizeof e->ssk);
    memcpy(e->pvt, pvt, sizeof e->pvt);
    *signer = e;
    e = NULL;
    rc = 0;
out:
    dpp_eccsi_free(e);
    work_done(&w);
    return rc;
}

void dpp_eccsi_free(struct dpp_eccsi *signer)
{
    OPENSSL_secure_clear_free(signer, sizeof *signer);
}

int dpp_eccsi_sign(const struct dpp_eccsi *signer, const uint8_t *msg, size_t n,
                   const uint8_t j[DPP_ECCSI_SCALAR], uint8_t out[DPP_ECCSI_SIGNATURE])
{
    struct work w;
    uint8_t point[DPP_ECCSI_POINT], he[HASH];
    BIGNUM *r, *s, *ssk, *secret, *he_number, *inverse;
    int rc = work_init(&w) ? base_point(&w, j, point) : DPP_E_CRYPTO;

    if (rc != 0)
        goto out;
    /* r = Jx, below q: else the verifier's range check would refuse it (chance 2^-130) */
    rc = scalar(&w, point + 1, &r);
    if (rc != 0) {
        rc = rc == DPP_E_VALUE ? DPP_E_RETRY : rc;
        goto out;
    }
    rc = DPP_E_CRYPTO;
    if (!hash_he(signer->hs, point + 1, msg, n, he) || !(he_number = hash_number(&w, he)) ||
        scalar(&w, signer->ssk, &ssk) != 0 || scalar(&w, j, &secret) != 0 ||
        !(s = BN_CTX_get(w.ctx)) || !(inverse = BN_CTX_get(w.ctx)))
        goto out;
    /* s = ( ( HE + r * SSK )^-1 ) * j mod q */
    if (!multiply(&w, s, r, ssk) || !BN_mod_add_quick(s, s, he_number, w.q))
        goto out;
    if (BN_is_zero(s)) {
        rc = DPP_E_RETRY;
        goto out;
    }
    if (!invert(&w, inverse, s) || !multiply(&w, s, inverse, secret))
        goto out;
    memcpy(out, point + 1, 32);
    if (BN_bn2binpad(s, out + 32, 32) != 32)
        goto out;
    memcpy(out + 64, signer->pvt, DPP_ECCSI_POINT);
    rc = 0;
out:
    work_done(&w);
    OPENSSL_cleanse(point, sizeof point);
    return rc;
}

int dpp_eccsi_check_point(const uint8_t point[DPP_ECCSI_POINT])
{
    struct work w;
    int rc = !work_init(&w) ? DPP_E_CRYPTO : read_point(&w, w.a, point) ? 0 : DPP_E_ECCSI_POINT;

    work_done(&w);
    return rc;
}

/* The checks of rfc6507#5.2.2 on numbers and points; w is set up. J = [s]( [HE]G + [r]Y ) is
 * computed as [s * HE]G + [s * r]Y, which is one combined multiplication. */
static int verify(const struct work *w, const uint8_t kpak[DPP_ECCSI_POINT], const uint8_t *id,
                  size_t id_n, const uint8_t *msg, size_t n,
                  const uint8_t signature[DPP_ECCSI_SIGNATURE])
{
    uint8_t hs[HASH], he[HASH];
    BIGNUM *r, *s, *of_g, *of_y, *x;
    int rc;

    if ((rc = scalar(w, signature, &r)) != 0 || (rc = scalar(w, signature + 32, &s)) != 0 ||
        (rc = public_key(w, kpak, id, id_n, signature + 64, hs)) != 0)
        return rc;
    if (EC_POINT_is_at_infinity(w->group, w->a))
        return DPP_E_ECCSI;
    if (!hash_he(hs, signature, msg, n, he) || !(of_g = hash_number(w, he)) ||
        !(of_y = BN_CTX_get(w->ctx)) || !(x = BN_CTX_get(w->ctx)) || !multiply(w, of_g, of_g, s) ||
        !multiply(w, of_y, r, s) || EC_POINT_mul(w->group, w->b, of_g, w->a, of_y, w->ctx) != 1)
        return DPP_E_CRYPTO;
    if (EC_POINT_is_at_infinity(w->group, w->b))
        return DPP_E_ECCSI;
    if (EC_POINT_get_affine_coordinates(w->group, w->b, x, NULL, w->ctx) != 1)
        return DPP_E_CRYPTO;
    return BN_cmp(x, r) == 0 ? 0 : DPP_E_ECCSI;
}

int dpp_eccsi_verify(const uint8_t kpak[DPP_ECCSI_POINT], const uint8_t *id, size_t id_n,
                     const uint8_t *msg, size_t n, const uint8_t signature[DPP_ECCSI_SIGNATURE])
{
    struct work w;
    int rc = work_init(&w) ? verify(&w, kpak, id, id_n, msg, n, signature) : DPP_E_CRYPTO;

    work_done(&w);
    return rc == 0 || rc == DPP_E_CRYPTO ? rc : DPP_E_ECCSI;
}
