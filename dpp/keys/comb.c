#include "dpp/keys/comb.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

enum {
    WORDS = 2 * DPP_FIELD_OCTETS / 8,
    TEETH_MAX = 8,
    TABLES_MAX = 8,
    ROWS_MAX = 1 << (TEETH_MAX - 1),
    COLUMNS_MAX = 2 * 147, /* of two combs: tables times steps, 128 or 147 */
};

struct dpp_comb {
    struct dpp_comb_shape shape;
    _Alignas(64) uint64_t row[][WORDS]; /* tables times rows */
};

static size_t rows_of(struct dpp_comb_shape shape)
{
    return (size_t)1 << (shape.teeth - 1);
}

static size_t octets_of(struct dpp_comb_shape shape)
{
    return sizeof(struct dpp_comb) + shape.tables * rows_of(shape) * WORDS * sizeof(uint64_t);
}

/* --- making the table --- */

static void copy(struct dpp_field *f, struct dpp_field_point *to,
                 const struct dpp_field_point *from)
{
    dpp_field_copy(f, to->x, from->x);
    dpp_field_copy(f, to->y, from->y);
    dpp_field_copy(f, to->z, from->z);
}

/* The numbers as they are, in Montgomery form: they are only ever read back. */
static void store(struct dpp_field *f, const BIGNUM *x, const BIGNUM *y, uint64_t *row)
{
    uint8_t *p = (uint8_t *)row;

    f->failed = f->failed || BN_bn2lebinpad(x, p, DPP_FIELD_OCTETS) < 0 ||
                BN_bn2lebinpad(y, p + DPP_FIELD_OCTETS, DPP_FIELD_OCTETS) < 0;
}

/* One table from its teeth: row i = top + sum of the others, with + where i has a bit and - where
 * it has none. */
static void fill(struct dpp_field *f, struct dpp_field_point *teeth, size_t teeth_n,
                 uint64_t (*table)[WORDS])
{
    struct dpp_field_point row[ROWS_MAX];
    BIGNUM *z[ROWS_MAX];
    size_t rows = (size_t)1 << (teeth_n - 1);

    BN_CTX_start(f->ctx);
    BIGNUM *x = dpp_field_new(f), *y = dpp_field_new(f), *zero = dpp_field_new(f);
    for (size_t i = 0; i < rows; i++) {
        row[i] = dpp_field_point_new(f);
        z[i] = row[i].z;
    }
    if (!f->failed)
        copy(f, &row[0], &teeth[teeth_n - 1]);
    for (size_t j = 0; j + 1 < teeth_n; j++) {
        dpp_field_sub(f, teeth[j].y, zero, teeth[j].y);
        dpp_field_add_point(f, &row[0], &teeth[j]);
        dpp_field_sub(f, teeth[j].y, zero, teeth[j].y);
        dpp_field_double(f, &teeth[j]);
    }
    for (size_t j = 0; j + 1 < teeth_n && !f->failed; j++)
        for (size_t i = (size_t)1 << j; i < (size_t)2 << j; i++) {
            copy(f, &row[i], &row[i - ((size_t)1 << j)]);
            dpp_field_add_point(f, &row[i], &teeth[j]);
        }
    if (!f->failed)
        dpp_field_invert_all(f, z, rows);
    for (size_t i = 0; i < rows && !f->failed; i++) {
        dpp_field_affine(f, &row[i], z[i], x, y);
        store(f, x, y, table[i]);
    }
    BN_CTX_end(f->ctx);
}

struct dpp_comb *dpp_comb_new(struct dpp_field *f, struct dpp_comb_shape shape, const BIGNUM *x,
                              const BIGNUM *y)
{
    struct dpp_field_point at, teeth[TABLES_MAX][TEETH_MAX];
    struct dpp_comb *comb = f->failed ? NULL : aligned_alloc(64, octets_of(shape));

    if (!comb) {
        f->failed = true;
        return NULL;
    }
    comb->shape = shape;
    BN_CTX_start(f->ctx);
    at = dpp_field_point_new(f);
    for (size_t t = 0; t < shape.tables; t++)
        for (size_t j = 0; j < shape.teeth; j++)
            teeth[t][j] = dpp_field_point_new(f);
    if (!f->failed) {
        dpp_field_copy(f, at.x, x);
        dpp_field_copy(f, at.y, y);
        dpp_field_copy(f, at.z, f->set->one);
    }
    /* tooth j of table t is the point times 2^((j tables + t) steps) */
    for (size_t j = 0; j < shape.teeth && !f->failed; j++)
        for (size_t t = 0; t < shape.tables; t++) {
            copy(f, &teeth[t][j], &at);
            for (size_t k = 0; k < shape.steps; k++)
                dpp_field_double(f, &at);
        }
    for (size_t t = 0; t < shape.tables && !f->failed; t++)
        fill(f, teeth[t], shape.teeth, comb->row + t * rows_of(shape));
    BN_CTX_end(f->ctx);
    if (f->failed) {
        dpp_comb_free(comb);
        return NULL;
    }
    return comb;
}

void dpp_comb_free(struct dpp_comb *comb)
{
    if (comb)
        OPENSSL_cleanse(comb, octets_of(comb->shape));
    free(comb);
}

size_t dpp_comb_octets(const struct dpp_comb *comb)
{
    return octets_of(comb->shape);
}

/* --- using it --- */

static unsigned bit(const uint8_t *signs, size_t i)
{
    return (unsigned)signs[i / 8] >> i % 8 & 1u;
}

/* A column of signs: the affine point that it stands for. */
struct column {
    BIGNUM *x, *y;
};

/* The point of the column at `at`: of the row, or with the top sign negative its negative. */
static void column(struct dpp_field *f, const struct dpp_comb *comb, size_t t, const uint8_t *signs,
                   size_t at, struct column *out, BIGNUM *minus)
{
    size_t gap = (size_t)comb->shape.tables * comb->shape.steps, rows = rows_of(comb->shape);
    uint64_t row[WORDS];
    const uint8_t *p = (const uint8_t *)row;
    unsigned top = bit(signs, at + (comb->shape.teeth - 1u) * gap), index = 0;

    for (size_t j = 0; j + 1 < comb->shape.teeth; j++)
        index |= bit(signs, at + j * gap) << j;
    index ^= (unsigned)(rows - 1) & (top - 1u);
    dpp_field_pick(comb->row[t * rows], rows, WORDS, index, row);
    f->failed = f->failed || !BN_lebin2bn(p, DPP_FIELD_OCTETS, out->x) ||
                !BN_lebin2bn(p + DPP_FIELD_OCTETS, DPP_FIELD_OCTETS, out->y) ||
                !BN_sub(minus, f->set->p, out->y);
    dpp_field_choose(f, out->y, minus, top ^ 1u);
    OPENSSL_cleanse(row, sizeof row);
}

/* Adds n columns to the n before them, pair by pair, in affine coordinates: 5M + 1S each and one
 * inversion for all, of the product of all differences d = x1 - x2. */
static void fold(struct dpp_field *f, struct column *all, size_t n, const BIGNUM *blind)
{
    BIGNUM *before[COLUMNS_MAX / 2]; /* the product of the differences before this one */

    BN_CTX_start(f->ctx);
    BIGNUM *slope = dpp_field_new(f), *t = dpp_field_new(f), *d = dpp_field_new(f),
           *rest = dpp_field_new(f);
    if (!f->failed)
        dpp_field_copy(f, rest, f->set->one);
    for (size_t i = 0; i < n; i++) {
        before[i] = dpp_field_new(f);
        dpp_field_copy(f, before[i], rest);
        dpp_field_sub(f, d, all[i].x, all[n + i].x);
        dpp_field_mul(f, rest, rest, d);
    }
    dpp_field_invert(f, rest, rest, blind);
    for (size_t i = n; i-- > 0;) {
        struct column *a = &all[i], *b = &all[n + i];
        dpp_field_sub(f, d, a->x, b->x);
        dpp_field_sub(f, slope, a->y, b->y);
        dpp_field_mul(f, slope, slope, rest);
        dpp_field_mul(f, slope, slope, before[i]);
        dpp_field_mul(f, rest, rest, d);
        dpp_field_square(f, t, slope);
        dpp_field_sub(f, t, t, a->x);
        dpp_field_sub(f, t, t, b->x);
        dpp_field_sub(f, d, a->x, t);
        dpp_field_copy(f, a->x, t);
        dpp_field_mul(f, t, slope, d);
        dpp_field_sub(f, a->y, t, a->y);
    }
    BN_CTX_end(f->ctx);
}

void dpp_comb_mul(struct dpp_field *f, const struct dpp_comb *const *combs,
                  const BIGNUM *const *scalars, size_t n, struct dpp_field_point *out)
{
    uint8_t signs[2][DPP_FIELD_SIGNS];
    struct column all[COLUMNS_MAX];
    struct dpp_comb_shape shape = combs[0]->shape;
    const BIGNUM *blind = scalars[n - 1]; /* hides the inversions and the point that grows */
    size_t steps = shape.steps, per_step = n * shape.tables, count = 0;

    if (f->failed)
        return;
    BN_CTX_start(f->ctx);
    BIGNUM *minus = dpp_field_new(f);
    for (size_t i = 0; i < n; i++)
        dpp_field_signs(f, scalars[i], (size_t)shape.teeth * shape.tables * steps, signs[i]);
    /* the columns of all steps stand table by table: those of one step `steps` apart */
    for (size_t t = 0; t < per_step && !f->failed; t++)
        for (size_t step = 0; step < steps && !f->failed; step++) {
            struct column *c = &all[count++];
            *c = (struct column){dpp_field_new(f), dpp_field_new(f)};
            column(f, combs[t % n], t / n, signs[t % n], t / n * steps + step, c, minus);
        }
    /* half of the tables folds onto the other half; an inversion pays for some 40 pairs */
    while (per_step / 2 * steps > 60 && !f->failed) {
        size_t half = per_step / 2, odd = per_step % 2;
        fold(f, all, half * steps, blind);
        for (size_t i = 0; i < odd * steps; i++) { /* the odd table closes up */
            struct column swap = all[half * steps + i];
            all[half * steps + i] = all[2 * half * steps + i];
            all[2 * half * steps + i] = swap;
        }
        per_step = half + odd;
    }
    for (size_t step = steps; step-- > 0 && !f->failed;)
        for (size_t t = 0; t < per_step; t++) {
            const struct column *c = &all[t * steps + step];
            if (step + 1 == steps && t == 0) {
                dpp_field_copy(f, out->z, blind);
                dpp_field_square(f, minus, blind);
                dpp_field_mul(f, out->x, c->x, minus);
                dpp_field_mul(f, minus, minus, blind);
                dpp_field_mul(f, out->y, c->y, minus);
                continue;
            }
            if (t == 0)
                dpp_field_double(f, out);
            dpp_field_add_affine(f, out, c->x, c->y);
        }
    OPENSSL_cleanse(signs, sizeof signs);
    BN_CTX_end(f->ctx);
}
