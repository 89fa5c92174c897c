#include "dpp/keys/comb.h"

#include <openssl/crypto.h>
#include <string.h>

#define WORDS (2 * DPP_FIELD_OCTETS / 8)

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
static void fill(struct dpp_field *f, struct dpp_field_point *teeth, uint64_t (*table)[WORDS])
{
    struct dpp_field_point row[DPP_COMB_ROWS];
    BIGNUM *z[DPP_COMB_ROWS];

    BN_CTX_start(f->ctx);
    BIGNUM *x = dpp_field_new(f), *y = dpp_field_new(f), *zero = dpp_field_new(f);
    for (size_t i = 0; i < DPP_COMB_ROWS; i++) {
        row[i] = dpp_field_point_new(f);
        z[i] = row[i].z;
    }
    if (!f->failed)
        copy(f, &row[0], &teeth[DPP_COMB_TEETH - 1]);
    for (size_t j = 0; j + 1 < DPP_COMB_TEETH; j++) {
        dpp_field_sub(f, teeth[j].y, zero, teeth[j].y);
        dpp_field_add_point(f, &row[0], &teeth[j]);
        dpp_field_sub(f, teeth[j].y, zero, teeth[j].y);
        dpp_field_double(f, &teeth[j]);
    }
    for (size_t j = 0; j + 1 < DPP_COMB_TEETH && !f->failed; j++)
        for (size_t i = (size_t)1 << j; i < (size_t)2 << j; i++) {
            copy(f, &row[i], &row[i - ((size_t)1 << j)]);
            dpp_field_add_point(f, &row[i], &teeth[j]);
        }
    if (!f->failed)
        dpp_field_invert_all(f, z, DPP_COMB_ROWS);
    for (size_t i = 0; i < DPP_COMB_ROWS && !f->failed; i++) {
        dpp_field_square(f, y, z[i]);
        dpp_field_mul(f, x, row[i].x, y);
        dpp_field_mul(f, y, y, z[i]);
        dpp_field_mul(f, y, y, row[i].y);
        store(f, x, y, table[i]);
    }
    BN_CTX_end(f->ctx);
}

bool dpp_comb_init(struct dpp_comb *comb, struct dpp_field *f, const BIGNUM *x, const BIGNUM *y)
{
    struct dpp_field_point at, teeth[DPP_COMB_TABLES][DPP_COMB_TEETH];

    if (f->failed)
        return false;
    BN_CTX_start(f->ctx);
    at = dpp_field_point_new(f);
    for (size_t t = 0; t < DPP_COMB_TABLES; t++)
        for (size_t j = 0; j < DPP_COMB_TEETH; j++)
            teeth[t][j] = dpp_field_point_new(f);
    if (!f->failed) {
        dpp_field_copy(f, at.x, x);
        dpp_field_copy(f, at.y, y);
        dpp_field_copy(f, at.z, f->set->one);
    }
    for (size_t j = 0; j < DPP_COMB_TEETH && !f->failed; j++)
        for (size_t t = 0; t < DPP_COMB_TABLES; t++) {
            copy(f, &teeth[t][j], &at);
            for (size_t k = 0; k < DPP_COMB_STEPS; k++)
                dpp_field_double(f, &at);
        }
    for (size_t t = 0; t < DPP_COMB_TABLES && !f->failed; t++)
        fill(f, teeth[t], comb->row[t]);
    BN_CTX_end(f->ctx);
    return !f->failed;
}

/* --- using it --- */

static unsigned bit(const uint8_t *signs, size_t i)
{
    return (unsigned)signs[i / 8] >> i % 8 & 1u;
}

/* out = row `index` of the table, reading all of it. */
static void pick(const uint64_t (*table)[WORDS], unsigned index, uint64_t out[WORDS])
{
    memset(out, 0, WORDS * sizeof *out);
    for (unsigned i = 0; i < DPP_COMB_ROWS; i++) {
        uint64_t mask = (uint64_t)0 - (((uint64_t)(i ^ index) - 1) >> 63);
        for (size_t k = 0; k < WORDS; k++)
            out[k] |= table[i][k] & mask;
    }
}

/* The point of one column of signs: (x, y), or with the top sign negative (x, -y). */
static void column(struct dpp_field *f, const uint64_t (*table)[WORDS], const uint8_t *signs,
                   size_t at, BIGNUM *x, BIGNUM *y)
{
    uint64_t row[WORDS];
    uint8_t *p = (uint8_t *)row, minus[DPP_FIELD_OCTETS];
    unsigned top = bit(signs, at + (DPP_COMB_TEETH - 1) * DPP_COMB_GAP), index = 0;

    for (size_t j = 0; j + 1 < DPP_COMB_TEETH; j++)
        index |= bit(signs, at + j * DPP_COMB_GAP) << j;
    index ^= (DPP_COMB_ROWS - 1) & (top - 1u);
    pick(table, index, row);
    f->failed = f->failed || !BN_lebin2bn(p, DPP_FIELD_OCTETS, x) ||
                !BN_lebin2bn(p + DPP_FIELD_OCTETS, DPP_FIELD_OCTETS, y) ||
                !BN_sub(y, f->set->p, y) || BN_bn2lebinpad(y, minus, sizeof minus) < 0;
    for (size_t i = 0; i < sizeof minus; i++)
        p[i] = (uint8_t)((p[DPP_FIELD_OCTETS + i] & (uint8_t)(0 - top)) |
                         (minus[i] & (uint8_t)(top - 1)));
    f->failed = f->failed || !BN_lebin2bn(p, DPP_FIELD_OCTETS, y);
    OPENSSL_cleanse(row, sizeof row);
    OPENSSL_cleanse(minus, sizeof minus);
}

void dpp_comb_mul(struct dpp_field *f, const struct dpp_comb *const *combs,
                  const BIGNUM *const *scalars, size_t n, struct dpp_field_point *out)
{
    uint8_t signs[2][DPP_FIELD_SIGNS];
    bool begun = false;

    if (f->failed)
        return;
    BN_CTX_start(f->ctx);
    BIGNUM *x = dpp_field_new(f), *y = dpp_field_new(f);
    for (size_t i = 0; i < n; i++)
        dpp_field_signs(f, scalars[i], DPP_COMB_BITS, signs[i]);
    for (size_t step = DPP_COMB_STEPS; step-- > 0 && !f->failed;) {
        if (begun)
            dpp_field_double(f, out);
        for (size_t t = 0; t < DPP_COMB_TABLES; t++)
            for (size_t i = 0; i < n && !f->failed; i++) {
                column(f, combs[i]->row[t], signs[i], t * DPP_COMB_STEPS + step, x, y);
                if (begun) {
                    dpp_field_add_affine(f, out, x, y);
                    continue;
                }
                begun = true;
                dpp_field_copy(f, out->x, x);
                dpp_field_copy(f, out->y, y);
                dpp_field_copy(f, out->z, f->set->one);
            }
    }
    OPENSSL_cleanse(signs, sizeof signs);
    BN_CTX_end(f->ctx);
}
