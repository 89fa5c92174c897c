/* sakke_kit.h - SAKKE a second time, slow and by the letter of RFC 6508, on OpenSSL's EC and
 * BIGNUM: what the fast one is compared with. */
#ifndef TESTS_DPP_SAKKE_KIT_H
#define TESTS_DPP_SAKKE_KIT_H

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/sha.h>
#include <stdint.h>
#include <string.h>

#include "dpp/keys/sakke.h"
#include "tests/dpp/vector.h"

/* The parameter set, from tests/vectors/rfc.json. */
struct kit {
    cJSON *json;
    BN_CTX *bn;
    EC_GROUP *group;
    EC_POINT *base;
    BIGNUM *p, *q, *g;
};

static inline void kit_check(bool good)
{
    if (!good)
        abort();
}

/* The octets of a published value, right-aligned in n octets. */
static inline void kit_value(const struct kit *k, const char *name, uint8_t *out, size_t n)
{
    const cJSON *row;
    uint8_t raw[512];

    cJSON_ArrayForEach(row, k->json)
    {
        const cJSON *hex = cJSON_GetObjectItemCaseSensitive(row, "hex");
        if (!hex || strcmp(vector_text(row, "name"), name) != 0)
            continue;
        size_t m = vector_hex(hex->valuestring, raw, sizeof raw);
        kit_check(m <= n);
        memset(out, 0, n);
        memcpy(out + n - m, raw, m);
        return;
    }
    abort();
}

static inline BIGNUM *kit_number(const struct kit *k, const char *name)
{
    uint8_t raw[128];

    kit_value(k, name, raw, sizeof raw);
    return BN_bin2bn(raw, sizeof raw, NULL);
}

/* A published point from its two coordinates. */
static inline void kit_point(const struct kit *k, const char *x, const char *y,
                             uint8_t out[DPP_SAKKE_POINT])
{
    out[0] = 4;
    kit_value(k, x, out + 1, 128);
    kit_value(k, y, out + 129, 128);
}

static inline EC_POINT *kit_read(const struct kit *k, const uint8_t point[DPP_SAKKE_POINT])
{
    EC_POINT *made = EC_POINT_new(k->group);

    kit_check(EC_POINT_oct2point(k->group, made, point, DPP_SAKKE_POINT, k->bn) == 1);
    return made;
}

static inline void kit_write(const struct kit *k, const EC_POINT *point,
                             uint8_t out[DPP_SAKKE_POINT])
{
    kit_check(EC_POINT_point2oct(k->group, point, POINT_CONVERSION_UNCOMPRESSED, out,
                                 DPP_SAKKE_POINT, k->bn) == DPP_SAKKE_POINT);
}

/* out = a + b, or a - b */
static inline void kit_add(const struct kit *k, const uint8_t a[DPP_SAKKE_POINT],
                           const uint8_t b[DPP_SAKKE_POINT], bool minus,
                           uint8_t out[DPP_SAKKE_POINT])
{
    EC_POINT *one = kit_read(k, a), *other = kit_read(k, b);

    kit_check(!minus || EC_POINT_invert(k->group, other, k->bn) == 1);
    kit_check(EC_POINT_add(k->group, one, one, other, k->bn) == 1);
    kit_write(k, one, out);
    EC_POINT_free(one);
    EC_POINT_free(other);
}

/* The other point of the same x. */
static inline void kit_minus(const struct kit *k, uint8_t point[DPP_SAKKE_POINT])
{
    EC_POINT *one = kit_read(k, point);

    kit_check(EC_POINT_invert(k->group, one, k->bn) == 1);
    kit_write(k, one, point);
    EC_POINT_free(one);
}

static inline void kit_init(struct kit *k)
{
    BIGNUM *a = BN_new(), *b = BN_new(), *x, *y;

    k->json = vector_file("tests/vectors/rfc.json");
    k->bn = BN_CTX_new();
    k->p = kit_number(k, "mikeysakke.p");
    k->q = kit_number(k, "mikeysakke.q");
    k->g = kit_number(k, "mikeysakke.g");
    x = kit_number(k, "mikeysakke.Px");
    y = kit_number(k, "mikeysakke.Py");
    kit_check(BN_copy(a, k->p) && BN_sub_word(a, 3)); /* y^2 = x^3 - 3x */
    BN_zero(b);
    k->group = EC_GROUP_new_curve_GFp(k->p, a, b, k->bn);
    k->base = EC_POINT_new(k->group);
    kit_check(EC_POINT_set_affine_coordinates(k->group, k->base, x, y, k->bn) == 1);
    BN_free(a);
    BN_free(b);
    BN_free(x);
    BN_free(y);
}

static inline void kit_done(struct kit *k)
{
    cJSON_Delete(k->json);
    BN_free(k->p);
    BN_free(k->q);
    BN_free(k->g);
    EC_POINT_free(k->base);
    EC_GROUP_free(k->group);
    BN_CTX_free(k->bn);
}

/* HashToIntegerRange(s, n, SHA-256), `octets` = what v' has. rfc6508#5.1 */
static inline BIGNUM *kit_range(const struct kit *k, const uint8_t *s, size_t s_n, const BIGNUM *n,
                                size_t octets)
{
    uint8_t h[64] = {0}, v[128];
    BIGNUM *made = BN_new();

    SHA256(s, s_n, h + 32); /* A */
    for (size_t i = 0; i < octets; i += 32) {
        SHA256(h, 32, h);
        SHA256(h, 64, v + i);
    }
    kit_check(BN_bin2bn(v, (int)octets, made) && BN_mod(made, made, n, k->bn));
    return made;
}

/* r = HashToIntegerRange(SSV || b, q) */
static inline BIGNUM *kit_r(const struct kit *k, const uint8_t *id, size_t id_n,
                            const uint8_t ssv[DPP_SAKKE_SSV])
{
    uint8_t in[DPP_SAKKE_SSV + DPP_SAKKE_ID_MAX];

    memcpy(in, ssv, DPP_SAKKE_SSV);
    memcpy(in + DPP_SAKKE_SSV, id, id_n);
    return kit_range(k, in, DPP_SAKKE_SSV + id_n, k->q, 128);
}

/* (a + ib) = (a + ib)(c + id) */
static inline void kit_product(const struct kit *k, BIGNUM *a, BIGNUM *b, const BIGNUM *c,
                               const BIGNUM *d)
{
    BIGNUM *s = BN_new(), *t = BN_new(), *u = BN_new();

    kit_check(BN_mod_mul(s, a, c, k->p, k->bn) && BN_mod_mul(t, b, d, k->p, k->bn) &&
              BN_mod_mul(u, a, d, k->p, k->bn) && BN_mod_mul(b, b, c, k->p, k->bn) &&
              BN_mod_sub(a, s, t, k->p, k->bn) && BN_mod_add(b, b, u, k->p, k->bn));
    BN_free(s);
    BN_free(t);
    BN_free(u);
}

/* g^r in its 128 octets: square and multiply 1 + ig, then b / a. rfc6508#2.1 */
static inline void kit_power(const struct kit *k, const BIGNUM *r, uint8_t out[128])
{
    BIGNUM *a = BN_new(), *b = BN_new();

    BN_one(a);
    BN_zero(b);
    for (int i = BN_num_bits(r) - 1; i >= 0; i--) {
        BIGNUM *c = BN_dup(a), *d = BN_dup(b);
        kit_product(k, a, b, c, d);
        BN_free(c);
        BN_free(d);
        if (BN_is_bit_set(r, i))
            kit_product(k, a, b, BN_value_one(), k->g);
    }
    kit_check(BN_mod_inverse(a, a, k->p, k->bn) && BN_mod_mul(a, a, b, k->p, k->bn) &&
              BN_bn2binpad(a, out, 128) == 128);
    BN_free(a);
    BN_free(b);
}

/* H = SSV xor HashToIntegerRange(w, 2^128) */
static inline void kit_mask(const struct kit *k, const uint8_t *w, size_t n,
                            const uint8_t ssv[DPP_SAKKE_SSV], uint8_t out[DPP_SAKKE_SSV])
{
    BIGNUM *end = BN_new();

    kit_check(BN_set_bit(end, 128));
    BIGNUM *m = kit_range(k, w, n, end, 32);
    kit_check(BN_bn2binpad(m, out, DPP_SAKKE_SSV) == DPP_SAKKE_SSV);
    for (size_t i = 0; i < DPP_SAKKE_SSV; i++)
        out[i] ^= ssv[i];
    BN_free(m);
    BN_free(end);
}

/* The encapsulated data, and g^r. rfc6508#6.2.1 */
static inline void kit_seal(const struct kit *k, const uint8_t z[DPP_SAKKE_POINT],
                            const uint8_t *id, size_t id_n, const uint8_t ssv[DPP_SAKKE_SSV],
                            uint8_t out[DPP_SAKKE_SED], uint8_t w[128])
{
    BIGNUM *r = kit_r(k, id, id_n, ssv), *b = BN_bin2bn(id, (int)id_n, NULL);
    EC_POINT *point = EC_POINT_new(k->group), *public_z = kit_read(k, z);

    kit_check(EC_POINT_mul(k->group, point, NULL, k->base, b, k->bn) == 1 &&
              EC_POINT_add(k->group, point, point, public_z, k->bn) == 1 &&
              EC_POINT_mul(k->group, point, NULL, point, r, k->bn) == 1);
    kit_write(k, point, out);
    kit_power(k, r, w);
    kit_mask(k, w, 128, ssv, out + DPP_SAKKE_POINT);
    EC_POINT_free(point);
    EC_POINT_free(public_z);
    BN_free(r);
    BN_free(b);
}

#endif
