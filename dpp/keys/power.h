/* power.h - powers of g = <P, P>, a number that everybody knows, by a table. Private to dpp/keys.
 *
 * An element of PF_p is a number t that stands for 1 + ti in F_p^2 up to a factor of F_p
 * (rfc6508#3): two of them multiply as (a + bi)(1 + ti) = (a - bt) + (b + at)i, and the inverse of
 * 1 + ti is 1 - ti up to such a factor. */
#ifndef DPP_KEYS_POWER_H
#define DPP_KEYS_POWER_H

#include "dpp/keys/field.h"

enum {
    DPP_POWER_WINDOW = 6,
    DPP_POWER_ROWS = 1 << (DPP_POWER_WINDOW - 1),
    DPP_POWER_TABLES = 171,
    DPP_POWER_BITS = DPP_POWER_WINDOW * DPP_POWER_TABLES, /* 1026: over DPP_FIELD_BITS */
};

/* g to the odd powers 1, 3, ... 63 times 2^(6 t). */
struct dpp_power {
    _Alignas(16) uint64_t row[DPP_POWER_TABLES][DPP_POWER_ROWS][DPP_FIELD_OCTETS / 8];
};

/* Fills the table for an element of order q. False without memory. */
bool dpp_power_init(struct dpp_power *power, struct dpp_field *f, const BIGNUM *g);

/* g^scalar = a + bi up to a factor of F_p; the scalar is below q. No branch and no index depends on
 * it, which is not 0: the result carries it as a factor. */
void dpp_power_raise(struct dpp_field *f, const struct dpp_power *power, const BIGNUM *scalar,
                     BIGNUM *a, BIGNUM *b);

/* (a + bi)^2; s and t are spare. For what a factor hides, as dpp_field_sum. */
void dpp_power_square(struct dpp_field *f, BIGNUM *a, BIGNUM *b, BIGNUM *s, BIGNUM *t);

#endif
