/* comb.h - multiples of a fixed point, by a table: [r]B without a branch or an index that depends
 * on r. Private to dpp/keys.
 *
 * A scalar is an odd number of signs (dpp_field_signs). Its TEETH signs at equal distances choose a
 * row of a table and a sign; every row of the table is read and all but one masked away. */
#ifndef DPP_KEYS_COMB_H
#define DPP_KEYS_COMB_H

#include "dpp/keys/field.h"

enum {
    DPP_COMB_TEETH = 7,
    DPP_COMB_ROWS = 1 << (DPP_COMB_TEETH - 1),
    DPP_COMB_TABLES = 8,
    DPP_COMB_STEPS = 19,                             /* doublings and one */
    DPP_COMB_GAP = DPP_COMB_TABLES * DPP_COMB_STEPS, /* between two teeth */
    DPP_COMB_BITS = DPP_COMB_TEETH * DPP_COMB_GAP,   /* 1064: over DPP_FIELD_BITS */
};

/* x and y of every row, Montgomery form, as 64-bit words of no particular order in themselves. */
struct dpp_comb {
    uint64_t row[DPP_COMB_TABLES][DPP_COMB_ROWS][2 * DPP_FIELD_OCTETS / 8];
};

/* Fills the table for the affine point (x, y) of order q. False without memory. */
bool dpp_comb_init(struct dpp_comb *comb, struct dpp_field *f, const BIGNUM *x, const BIGNUM *y);

/* out = sum of [scalar i] base i, over n (1 or 2) combs; the scalars are below q. Infinity where
 * the sum is, and with a probability of 2^-1000 for random scalars elsewhere: then draw others. */
void dpp_comb_mul(struct dpp_field *f, const struct dpp_comb *const *combs,
                  const BIGNUM *const *scalars, size_t n, struct dpp_field_point *out);

#endif
