#include "dpp/keys/field.h"

#include <openssl/crypto.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* rfc6509#A */
static const char p_hex[] = "997ABB1F0A563FDA65C61198DAD0657A416C0CE19CB48261BE9AE358B3E01A2EF40AAB"
                            "27E2FC0F1B228730D531A59CB0"
                            "E791B39FF7C88A19356D27F4A666A6D0E26C6487326B4CD4512AC5CD65681CE1B6AFF4"
                            "A831852A82A7CF3C521C3C09AA"
                            "9F94D6AF56971F1FFCE3E82389857DB080C5DF10AC7ACE87666D807AFEA85FEB";
static const char q_hex[] = "265EAEC7C2958FF69971846636B4195E905B0338672D20986FA6B8D62CF8068BBD02AA"
                            "C9F8BF03C6C8A1CC354C69672C"
                            "39E46CE7FDF222864D5B49FD2999A9B4389B1921CC9AD335144AB173595A07386DABFD"
                            "2A0C614AA0A9F3CF14870F026A"
                            "A7E535ABD5A5C7C7FF38FA08E2615F6C203177C42B1EB3A1D99B601EBFAA17FB";
static const char px_hex[] = "53FC09EE332C29AD0A7990053ED9B52A2B1A2FD60AEC69C698B2F204B6FF7CBFB5EDB"
                             "6C0F6CE2308AB10DB9030B09E10"
                             "43D5F22CDB9DFA55718BD9E7406CE8909760AF765DD5BCCB337C86548B72F2E1A702C"
                             "3397A60DE74A7C1514DBA66910D"
                             "D5CFB4CC80728D87EE9163A5B63F73EC80EC46C4967E0979880DC8ABEAE63895";
static const char py_hex[] = "0A8249063F6009F1F9F1F0533634A135D3E82016029906963D778D821E141178F5EA6"
                             "9F4654EC2B9E7F7F5E5F0DE55F6"
                             "6B598CCF9A140B2E416CFF0CA9E032B970DAE117AD547C6CCAD696B5B7652FE0AC6F1"
                             "E80164AA989492D979FC5A4D5F2"
                             "13515AD7E9CB99A980BDAD5AD5BB4636ADB9B5706A67DCDE75573FD71BEF16D7";
static const char g_hex[] = "66FC2A432B6EA392148F15867D623068C6A87BD1FB94C41E27FABE658E015A87371E94"
                            "744C96FEDA449AE9563F8BC446"
                            "CBFDA85D5D00EF577072DA8F541721BEEE0FAED1828EAB90B99DFB0138C7843355DF04"
                            "60B4A9FD74B4F1A32BCAFA1FFA"
                            "D682C033A7942BCCE3720F20B9B7B0403C8CAE87B7A0042ACDE0FAB36461EA46";

static void set_free(struct dpp_field_set *set)
{
    BN_free(set->p);
    BN_free(set->q);
    BN_MONT_CTX_free(set->mont);
    BN_free(set->one);
    BN_free(set->three);
    BN_free(set->cube);
    BN_free(set->px);
    BN_free(set->py);
    BN_free(set->g);
    free(set);
}

/* hex -> Montgomery form; NULL without memory. */
static BIGNUM *number(const struct dpp_field_set *set, const char *hex, BN_CTX *ctx)
{
    BIGNUM *n = NULL;

    if (!BN_hex2bn(&n, hex) || !BN_to_montgomery(n, n, set->mont, ctx)) {
        BN_free(n);
        return NULL;
    }
    return n;
}

static struct dpp_field_set *set_new(void)
{
    struct dpp_field_set *set = calloc(1, sizeof *set);
    BN_CTX *ctx = BN_CTX_new();

    if (!set || !ctx || !BN_hex2bn(&set->p, p_hex) || !BN_hex2bn(&set->q, q_hex) ||
        !(set->mont = BN_MONT_CTX_new()) || !BN_MONT_CTX_set(set->mont, set->p, ctx) ||
        !(set->one = number(set, "1", ctx)) || !(set->three = number(set, "3", ctx)) ||
        !(set->px = number(set, px_hex, ctx)) || !(set->py = number(set, py_hex, ctx)) ||
        !(set->g = number(set, g_hex, ctx)) ||
        /* one is R; to Montgomery twice more makes R^3 */
        !(set->cube = BN_dup(set->one)) ||
        !BN_to_montgomery(set->cube, set->cube, set->mont, ctx) ||
        !BN_to_montgomery(set->cube, set->cube, set->mont, ctx)) {
        if (set)
            set_free(set);
        set = NULL;
    }
    BN_CTX_free(ctx);
    return set;
}

/* Made on first use and kept for the life of the process. */
static const struct dpp_field_set *set_get(void)
{
    static _Atomic(struct dpp_field_set *) shared;
    struct dpp_field_set *set = atomic_load(&shared), *other = NULL;

    if (set)
        return set;
    set = set_new();
    if (set && !atomic_compare_exchange_strong(&shared, &other, set)) {
        set_free(set);
        set = other;
    }
    return set;
}

int dpp_field_init(struct dpp_field *f)
{
    *f = (struct dpp_field){.set = set_get(), .ctx = BN_CTX_new()};
    if (!f->set || !f->ctx) {
        BN_CTX_free(f->ctx);
        *f = (struct dpp_field){.failed = true};
        return DPP_E_NOMEM;
    }
    BN_CTX_start(f->ctx);
    return 0;
}

void dpp_field_done(struct dpp_field *f)
{
    if (f->ctx)
        BN_CTX_end(f->ctx);
    BN_CTX_free(f->ctx);
    *f = (struct dpp_field){.failed = true};
}

BIGNUM *dpp_field_new(struct dpp_field *f)
{
    BIGNUM *n = f->failed ? NULL : BN_CTX_get(f->ctx);

    f->failed = f->failed || !n;
    return n;
}

struct dpp_field_point dpp_field_point_new(struct dpp_field *f)
{
    struct dpp_field_point point;

    point.x = dpp_field_new(f);
    point.y = dpp_field_new(f);
    point.z = dpp_field_new(f);
    return point;
}

void dpp_field_mul(struct dpp_field *f, BIGNUM *r, const BIGNUM *a, const BIGNUM *b)
{
    f->failed = f->failed || !BN_mod_mul_montgomery(r, a, b, f->set->mont, f->ctx);
}

void dpp_field_square(struct dpp_field *f, BIGNUM *r, const BIGNUM *a)
{
    dpp_field_mul(f, r, a, a);
}

void dpp_field_add(struct dpp_field *f, BIGNUM *r, const BIGNUM *a, const BIGNUM *b)
{
    f->failed = f->failed || !BN_mod_add_quick(r, a, b, f->set->p);
}

void dpp_field_sub(struct dpp_field *f, BIGNUM *r, const BIGNUM *a, const BIGNUM *b)
{
    f->failed = f->failed || !BN_mod_sub_quick(r, a, b, f->set->p);
}

void dpp_field_sum(struct dpp_field *f, BIGNUM *r, const BIGNUM *a, const BIGNUM *b)
{
    f->failed =
        f->failed || !BN_uadd(r, a, b) || (BN_ucmp(r, f->set->p) >= 0 && !BN_usub(r, r, f->set->p));
}

void dpp_field_copy(struct dpp_field *f, BIGNUM *r, const BIGNUM *a)
{
    f->failed = f->failed || !BN_copy(r, a);
}

/* Four words at a time; a row lies at a multiple of 16 octets, and faster at one of 64. */
struct __attribute__((packed, aligned(16))) four {
    __attribute__((vector_size(32), may_alias)) uint64_t v;
};

/* 128 octets of every row at a time, so that what is gathered stays in registers. Made twice: with
 * the registers of AVX2, and with those that every machine has. */
#define PICK(name, ...)                                                                            \
    __VA_ARGS__ static void name(const uint64_t *table, size_t rows, size_t words, uint64_t index, \
                                 uint64_t *out)                                                    \
    {                                                                                              \
        for (size_t at = 0; at < words; at += 16) {                                                \
            __attribute__((vector_size(32))) uint64_t a = {0}, b = a, c = a, d = a, mask;          \
            const uint64_t *row = table + at;                                                      \
            for (uint64_t i = 0; i < rows; i++, row += words) {                                    \
                const struct four *p = (const struct four *)row;                                   \
                uint64_t m = (uint64_t)0 - (((i ^ index) - 1) >> 63);                              \
                mask = (__typeof__(mask)){m, m, m, m};                                             \
                a |= p[0].v & mask;                                                                \
                b |= p[1].v & mask;                                                                \
                c |= p[2].v & mask;                                                                \
                d |= p[3].v & mask;                                                                \
            }                                                                                      \
            memcpy(out + at, &a, sizeof a);                                                        \
            memcpy(out + at + 4, &b, sizeof b);                                                    \
            memcpy(out + at + 8, &c, sizeof c);                                                    \
            memcpy(out + at + 12, &d, sizeof d);                                                   \
        }                                                                                          \
    }
PICK(pick)
#ifdef __x86_64__
PICK(pick_avx2, __attribute__((target("avx2"))))
#endif

void dpp_field_pick(const uint64_t *table, size_t rows, size_t words, size_t index, uint64_t *out)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2")) {
        pick_avx2(table, rows, words, index, out);
        return;
    }
#endif
    pick(table, rows, words, index, out);
}

void dpp_field_choose(struct dpp_field *f, BIGNUM *a, BIGNUM *b, unsigned other)
{
    enum { WORDS = (DPP_FIELD_OCTETS + BN_BYTES - 1) / BN_BYTES };

    if (!f->failed)
        BN_consttime_swap(other, a, b, WORDS);
}

void dpp_field_invert(struct dpp_field *f, BIGNUM *r, const BIGNUM *a, const BIGNUM *blind)
{
    if (f->failed || BN_is_zero(a)) {
        f->failed = f->failed || !BN_copy(r, a);
        return;
    }
    if (blind)
        dpp_field_mul(f, r, a, blind);
    f->failed = f->failed || !BN_mod_inverse(r, blind ? r : a, f->set->p, f->ctx);
    dpp_field_mul(f, r, r, f->set->cube); /* (aR)^-1 * R^3 / R = a^-1 R */
    if (blind)
        dpp_field_mul(f, r, r, blind);
}

void dpp_field_invert_all(struct dpp_field *f, BIGNUM **a, size_t n)
{
    BIGNUM **before = n ? calloc(n, sizeof *before) : NULL;

    if (!before) {
        f->failed = f->failed || n > 0;
        return;
    }
    BN_CTX_start(f->ctx);
    BIGNUM *all = dpp_field_new(f), *one = dpp_field_new(f);
    if (!f->failed)
        dpp_field_copy(f, all, f->set->one);
    for (size_t i = 0; i < n && !f->failed; i++) { /* before[i] = a[0] ... a[i-1] */
        before[i] = BN_dup(all);
        f->failed = !before[i];
        dpp_field_mul(f, all, all, a[i]);
    }
    dpp_field_invert(f, all, all, NULL);
    for (size_t i = n; i-- > 0 && !f->failed;) {
        dpp_field_mul(f, one, all, before[i]);
        dpp_field_mul(f, all, all, a[i]);
        dpp_field_copy(f, a[i], one);
    }
    for (size_t i = 0; i < n; i++)
        BN_clear_free(before[i]);
    free(before);
    BN_CTX_end(f->ctx);
}

bool dpp_field_load(struct dpp_field *f, BIGNUM *r, const uint8_t octets[DPP_FIELD_OCTETS])
{
    if (f->failed || !BN_bin2bn(octets, DPP_FIELD_OCTETS, r)) {
        f->failed = true;
        return false;
    }
    if (BN_ucmp(r, f->set->p) >= 0)
        return false;
    f->failed = !BN_to_montgomery(r, r, f->set->mont, f->ctx);
    return !f->failed;
}

void dpp_field_store(struct dpp_field *f, const BIGNUM *a, uint8_t out[DPP_FIELD_OCTETS])
{
    memset(out, 0, DPP_FIELD_OCTETS);
    if (f->failed)
        return;
    BN_CTX_start(f->ctx);
    BIGNUM *plain = dpp_field_new(f);
    f->failed = f->failed || !BN_from_montgomery(plain, a, f->set->mont, f->ctx) ||
                BN_bn2binpad(plain, out, DPP_FIELD_OCTETS) != DPP_FIELD_OCTETS;
    BN_CTX_end(f->ctx);
}

/* y^2 = x^3 - 3x */
static bool is_on_curve(struct dpp_field *f, const BIGNUM *x, const BIGNUM *y)
{
    BN_CTX_start(f->ctx);
    BIGNUM *left = dpp_field_new(f), *right = dpp_field_new(f);
    dpp_field_square(f, left, y);
    dpp_field_square(f, right, x);
    dpp_field_sub(f, right, right, f->set->three);
    dpp_field_mul(f, right, right, x);
    bool good = !f->failed && BN_cmp(left, right) == 0;
    BN_CTX_end(f->ctx);
    return good;
}

bool dpp_field_load_point(struct dpp_field *f, BIGNUM *x, BIGNUM *y,
                          const uint8_t octets[DPP_FIELD_POINT])
{
    return octets[0] == 4 && dpp_field_load(f, x, octets + 1) &&
           dpp_field_load(f, y, octets + 1 + DPP_FIELD_OCTETS) && is_on_curve(f, x, y);
}

void dpp_field_affine(struct dpp_field *f, const struct dpp_field_point *point,
                      const BIGNUM *inverse, BIGNUM *x, BIGNUM *y)
{
    if (f->failed)
        return;
    BN_CTX_start(f->ctx);
    BIGNUM *square = dpp_field_new(f), *cube = dpp_field_new(f);
    dpp_field_square(f, square, inverse);
    dpp_field_mul(f, cube, square, inverse);
    dpp_field_mul(f, x, point->x, square);
    dpp_field_mul(f, y, point->y, cube);
    BN_CTX_end(f->ctx);
}

void dpp_field_store_point(struct dpp_field *f, const BIGNUM *x, const BIGNUM *y,
                           uint8_t out[DPP_FIELD_POINT])
{
    out[0] = 4;
    dpp_field_store(f, x, out + 1);
    dpp_field_store(f, y, out + 1 + DPP_FIELD_OCTETS);
}

/* 4M + 4S, for a = -3: 3 x^2 - 3 z^4 = 3 (x - z^2)(x + z^2) */
void dpp_field_double(struct dpp_field *f, struct dpp_field_point *point)
{
    if (f->failed)
        return;
    BN_CTX_start(f->ctx);
    BIGNUM *zz = dpp_field_new(f), *slope = dpp_field_new(f), *yy = dpp_field_new(f),
           *t = dpp_field_new(f), *v = dpp_field_new(f);
    dpp_field_square(f, zz, point->z);
    dpp_field_square(f, yy, point->y);
    dpp_field_sub(f, slope, point->x, zz);
    dpp_field_sum(f, t, point->x, zz);
    dpp_field_mul(f, slope, slope, t);
    dpp_field_sum(f, t, slope, slope);
    dpp_field_sum(f, slope, slope, t);
    dpp_field_mul(f, v, point->x, yy); /* 4v = 4 x y^2 */
    dpp_field_sum(f, v, v, v);
    dpp_field_sum(f, v, v, v);
    dpp_field_mul(f, point->z, point->z, point->y);
    dpp_field_sum(f, point->z, point->z, point->z);
    dpp_field_square(f, point->x, slope);
    dpp_field_sub(f, point->x, point->x, v);
    dpp_field_sub(f, point->x, point->x, v);
    dpp_field_sub(f, v, v, point->x);
    dpp_field_mul(f, v, v, slope);
    dpp_field_sum(f, yy, yy, yy); /* 8 y^4 = 2 (2 y^2)^2 */
    dpp_field_square(f, yy, yy);
    dpp_field_sum(f, yy, yy, yy);
    dpp_field_sub(f, point->y, v, yy);
    BN_CTX_end(f->ctx);
}

/* 8M + 3S */
void dpp_field_add_affine(struct dpp_field *f, struct dpp_field_point *point, const BIGNUM *x,
                          const BIGNUM *y)
{
    if (f->failed)
        return;
    BN_CTX_start(f->ctx);
    BIGNUM *h = dpp_field_new(f), *r = dpp_field_new(f), *t = dpp_field_new(f),
           *v = dpp_field_new(f);
    dpp_field_square(f, t, point->z);
    dpp_field_mul(f, h, x, t);
    dpp_field_sub(f, h, h, point->x);
    dpp_field_mul(f, t, t, point->z);
    dpp_field_mul(f, r, y, t);
    dpp_field_sub(f, r, r, point->y);
    dpp_field_mul(f, point->z, point->z, h); /* 0 when the x are equal, and for ever after */
    dpp_field_square(f, t, h);
    dpp_field_mul(f, v, point->x, t);
    dpp_field_mul(f, t, t, h);
    dpp_field_square(f, point->x, r);
    dpp_field_sub(f, point->x, point->x, t);
    dpp_field_sub(f, point->x, point->x, v);
    dpp_field_sub(f, point->x, point->x, v);
    dpp_field_sub(f, v, v, point->x);
    dpp_field_mul(f, v, v, r);
    dpp_field_mul(f, t, t, point->y);
    dpp_field_sub(f, point->y, v, t);
    BN_CTX_end(f->ctx);
}

void dpp_field_add_point(struct dpp_field *f, struct dpp_field_point *point,
                         const struct dpp_field_point *other)
{
    if (f->failed || BN_is_zero(other->z))
        return;
    BN_CTX_start(f->ctx);
    BIGNUM *x = dpp_field_new(f), *y = dpp_field_new(f), *z = dpp_field_new(f),
           *zz = dpp_field_new(f);
    /* scale: with the other's z folded in, the other one is affine */
    struct dpp_field_point scaled = {x, y, z};
    if (BN_is_zero(point->z)) {
        dpp_field_copy(f, point->x, other->x);
        dpp_field_copy(f, point->y, other->y);
        dpp_field_copy(f, point->z, other->z);
    } else {
        dpp_field_square(f, zz, other->z);
        dpp_field_mul(f, x, point->x, zz);
        dpp_field_mul(f, zz, zz, other->z);
        dpp_field_mul(f, y, point->y, zz);
        dpp_field_copy(f, z, point->z);
        dpp_field_add_affine(f, &scaled, other->x, other->y);
        if (!f->failed && BN_is_zero(scaled.z)) {
            /* the same x: twice the point, or infinity. y1 z2^3 = y2 z1^3? */
            dpp_field_mul(f, zz, zz, point->y);
            dpp_field_square(f, y, point->z);
            dpp_field_mul(f, y, y, point->z);
            dpp_field_mul(f, y, y, other->y);
            if (!f->failed && BN_cmp(zz, y) == 0)
                dpp_field_double(f, point);
            else if (!f->failed)
                BN_zero(point->z);
        } else {
            dpp_field_copy(f, point->x, scaled.x);
            dpp_field_copy(f, point->y, scaled.y);
            dpp_field_mul(f, point->z, scaled.z, other->z);
        }
    }
    BN_CTX_end(f->ctx);
}

void dpp_field_signs(struct dpp_field *f, const BIGNUM *scalar, size_t bits,
                     uint8_t out[DPP_FIELD_SIGNS])
{
    uint8_t even[DPP_FIELD_SIGNS], odd[DPP_FIELD_SIGNS];

    memset(out, 0, DPP_FIELD_SIGNS);
    if (f->failed)
        return;
    BN_CTX_start(f->ctx);
    BIGNUM *more = dpp_field_new(f);
    f->failed = f->failed || !BN_add(more, scalar, f->set->q) ||
                BN_bn2lebinpad(scalar, odd, sizeof odd) != sizeof odd ||
                BN_bn2lebinpad(more, even, sizeof even) != sizeof even;
    if (!f->failed) {
        /* q is odd: of r and r + q exactly one is. e = sum of +-2^i, i < bits, has its signs in
         * (e + 2^bits - 1) / 2 */
        uint8_t mask = (uint8_t) - (odd[0] & 1);
        for (size_t i = 0; i < sizeof odd; i++)
            odd[i] = (uint8_t)((odd[i] & mask) | (even[i] & (uint8_t)~mask));
        for (size_t i = 0; i + 1 < sizeof odd; i++)
            out[i] = (uint8_t)(odd[i] >> 1 | odd[i + 1] << 7);
        out[(bits - 1) / 8] = (uint8_t)(out[(bits - 1) / 8] | 1u << (bits - 1) % 8);
    }
    OPENSSL_cleanse(even, sizeof even);
    OPENSSL_cleanse(odd, sizeof odd);
    BN_CTX_end(f->ctx);
}
