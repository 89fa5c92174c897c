/* field.h - the parameter set of SAKKE and its arithmetic: F_p with p of 1024 bits, and the curve
 * E: y^2 = x^3 - 3x over it. Private to dpp/keys: field.c comb.c power.c pairing.c sakke.c.
 *
 * rfc6509#A, parameter set 1: p + 1 = 4q, P of order q. Elements are BIGNUMs in Montgomery form;
 * one multiplication is BN_mod_mul_montgomery. A field is the work space of one computation: its
 * numbers live as long as it does and are cleared with it (the secure heap's lock and lists would
 * cost a third of an encapsulation). It remembers its first failure, so that a
 * computation is written as a formula and checked once, at its end.
 *
 * BIGNUM is only partly constant-time: multiplication of full-length numbers and dpp_field_add are;
 * dpp_field_sub and dpp_field_sum correct themselves by a branch on the borrow or carry. */
#ifndef DPP_KEYS_FIELD_H
#define DPP_KEYS_FIELD_H

#include <openssl/bn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dpp/err.h"

enum {
    DPP_FIELD_OCTETS = 128,
    DPP_FIELD_POINT = 1 + 2 * DPP_FIELD_OCTETS,
    DPP_FIELD_BITS = 1023, /* of an odd scalar: r or r + q */
};

/* The numbers of the parameter set. */
struct dpp_field_set {
    BIGNUM *p, *q;
    BN_MONT_CTX *mont;
    BIGNUM *one, *three; /* from here on in Montgomery form */
    BIGNUM *cube;        /* R^3: turns a plain inverse into a Montgomery one */
    BIGNUM *px, *py;     /* P */
    BIGNUM *g; /* <P, P>, as rfc6509#A prints it: to be compared with, not computed with */
};

struct dpp_field {
    const struct dpp_field_set *set;
    BN_CTX *ctx;
    bool failed; /* out of memory */
};

/* A point in Jacobian coordinates: (x / z^2, y / z^3); z = 0 is infinity. */
struct dpp_field_point {
    BIGNUM *x, *y, *z;
};

/* Begins a computation. 0 or DPP_E_NOMEM. */
int dpp_field_init(struct dpp_field *f) __attribute__((warn_unused_result));
/* Ends it: all its numbers are cleared and gone. */
void dpp_field_done(struct dpp_field *f);

/* A number of this computation, zero. NULL (and failed) without memory: every function below does
 * nothing on a failed field. */
BIGNUM *dpp_field_new(struct dpp_field *f);
struct dpp_field_point dpp_field_point_new(struct dpp_field *f);

/* r = a * b, a^2, a + b, a - b, a; r may be an operand. */
void dpp_field_mul(struct dpp_field *f, BIGNUM *r, const BIGNUM *a, const BIGNUM *b);
void dpp_field_square(struct dpp_field *f, BIGNUM *r, const BIGNUM *a);
void dpp_field_add(struct dpp_field *f, BIGNUM *r, const BIGNUM *a, const BIGNUM *b);
void dpp_field_sub(struct dpp_field *f, BIGNUM *r, const BIGNUM *a, const BIGNUM *b);
void dpp_field_copy(struct dpp_field *f, BIGNUM *r, const BIGNUM *a);
/* r = a + b in half the time of dpp_field_add, with a branch on the carry: for public numbers, and
 * for those that a random factor hides. */
void dpp_field_sum(struct dpp_field *f, BIGNUM *r, const BIGNUM *a, const BIGNUM *b);
/* The inverse of a number that is not zero (zero gives zero). Its duration depends on the number:
 * a secret one is multiplied with `blind` before and after, which must not be zero; NULL: none. */
void dpp_field_invert(struct dpp_field *f, BIGNUM *r, const BIGNUM *a, const BIGNUM *blind);
/* out = row `index` of a table of rows of `words` (a multiple of 16) words, aligned to 16
 * octets: all rows are read, and nothing but masks depends on the index. */
void dpp_field_pick(const uint64_t *table, size_t rows, size_t words, size_t index, uint64_t *out);
/* a = b where `other` is 1, a = a where it is 0, without a branch on it; b is spent. */
void dpp_field_choose(struct dpp_field *f, BIGNUM *a, BIGNUM *b, unsigned other);
/* Inverts n numbers that are not zero in place, for the price of one inversion and 3n
 * multiplications. */
void dpp_field_invert_all(struct dpp_field *f, BIGNUM **a, size_t n);

/* Big-endian octets <-> Montgomery form. _load is false when the octets are not below p. */
bool dpp_field_load(struct dpp_field *f, BIGNUM *r, const uint8_t octets[DPP_FIELD_OCTETS]);
void dpp_field_store(struct dpp_field *f, const BIGNUM *a, uint8_t out[DPP_FIELD_OCTETS]);

/* The octets 04 | x | y as an affine point: false when they are not of that form, not below p, or
 * not on the curve (infinity never is). */
bool dpp_field_load_point(struct dpp_field *f, BIGNUM *x, BIGNUM *y,
                          const uint8_t octets[DPP_FIELD_POINT]);
/* A finite Jacobian point in affine coordinates, given the inverse of its z. */
void dpp_field_affine(struct dpp_field *f, const struct dpp_field_point *point,
                      const BIGNUM *inverse, BIGNUM *x, BIGNUM *y);
/* Writes an affine point. */
void dpp_field_store_point(struct dpp_field *f, const BIGNUM *x, const BIGNUM *y,
                           uint8_t out[DPP_FIELD_POINT]);

/* point = 2 point. */
void dpp_field_double(struct dpp_field *f, struct dpp_field_point *point);
/* point = point + (x, y), without a branch on them; both points finite and of different x, else the
 * result is infinity, and stays so through all that follows. */
void dpp_field_add_affine(struct dpp_field *f, struct dpp_field_point *point, const BIGNUM *x,
                          const BIGNUM *y);
/* point = point + other, any two points; takes branches, for public or prepared values only. */
void dpp_field_add_point(struct dpp_field *f, struct dpp_field_point *point,
                         const struct dpp_field_point *other);

/* A scalar below q as an odd number of `bits` (over DPP_FIELD_BITS) signs: sign i stands in bit i
 * of out, 1 for +2^i and 0 for -2^i. Without a branch on the scalar. out: (bits + 7) / 8 octets,
 * little-endian, at most DPP_FIELD_SIGNS. */
#define DPP_FIELD_SIGNS 144
void dpp_field_signs(struct dpp_field *f, const BIGNUM *scalar, size_t bits,
                     uint8_t out[DPP_FIELD_SIGNS]);

#endif
