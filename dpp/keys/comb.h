/* comb.h - multiples of a fixed point, by a table: [r]B without a branch or an index that depends
 * on r. Private to dpp/keys.
 *
 * A scalar is an odd number of signs (dpp_field_signs). Its TEETH signs at equal distances choose a
 * row of a table and a sign; every row of the table is read and all but one masked away. */
#ifndef DPP_KEYS_COMB_H
#define DPP_KEYS_COMB_H

#include "dpp/keys/field.h"

/* A shape: how many signs choose one row, how many tables there are, and how many doublings and one
 * a multiplication takes. The product is the number of signs, over DPP_FIELD_BITS. */
struct dpp_comb_shape {
    uint8_t teeth, tables, steps;
};
#define DPP_COMB_LARGE ((struct dpp_comb_shape){8, 8, 16}) /* 256 KiB */
#define DPP_COMB_SMALL ((struct dpp_comb_shape){7, 7, 21}) /* 112 KiB */

/* The table of one point: x and y of every row in Montgomery form. */
struct dpp_comb;

/* Makes it for the affine point (x, y) of order q. NULL without memory. */
struct dpp_comb *dpp_comb_new(struct dpp_field *f, struct dpp_comb_shape shape, const BIGNUM *x,
                              const BIGNUM *y) __attribute__((warn_unused_result));
void dpp_comb_free(struct dpp_comb *comb); /* wipes; NULL is allowed */
size_t dpp_comb_octets(const struct dpp_comb *comb);

/* out = sum of [scalar i] base i, over n (1 or 2) combs of one shape; the scalars are below q,
 * the last is not 0. Infinity where the sum is, and with a probability of 2^-1000 for random
 * scalars elsewhere: then draw others. */
void dpp_comb_mul(struct dpp_field *f, const struct dpp_comb *const *combs,
                  const BIGNUM *const *scalars, size_t n, struct dpp_field_point *out);

#endif
