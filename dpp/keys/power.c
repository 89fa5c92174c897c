#include "dpp/keys/power.h"

#include <openssl/crypto.h>
#include <string.h>

#define WORDS (DPP_FIELD_OCTETS / 8)

void dpp_power_square(struct dpp_field *f, BIGNUM *a, BIGNUM *b, BIGNUM *s, BIGNUM *t)
{
    dpp_field_sum(f, s, a, b);
    dpp_field_sub(f, t, a, b);
    dpp_field_mul(f, b, b, a);
    dpp_field_sum(f, b, b, b);
    dpp_field_mul(f, a, s, t);
}

/* (a + bi) (1 + ti) */
static void multiply(struct dpp_field *f, BIGNUM *a, BIGNUM *b, const BIGNUM *t, BIGNUM *spare)
{
    dpp_field_mul(f, spare, b, t);
    dpp_field_sub(f, spare, a, spare);
    if (f->failed)
        return;
    BN_swap(a, spare); /* a is the new one, spare the old */
    dpp_field_mul(f, spare, spare, t);
    dpp_field_sum(f, b, b, spare);
}

/* One window: rows from its g, then g to the power 64 for the next. */
static void fill(struct dpp_field *f, uint64_t (*table)[WORDS], BIGNUM *g)
{
    BIGNUM *a[DPP_POWER_ROWS + 1], *b[DPP_POWER_ROWS + 1];

    BN_CTX_start(f->ctx);
    BIGNUM *square = dpp_field_new(f), *spare = dpp_field_new(f), *other = dpp_field_new(f);
    for (size_t i = 0; i <= DPP_POWER_ROWS; i++) {
        a[i] = dpp_field_new(f);
        b[i] = dpp_field_new(f);
    }
    /* the last pair is g^2, made (1 + square i); its place is for the next window's g */
    BIGNUM *sa = a[DPP_POWER_ROWS], *sb = b[DPP_POWER_ROWS];
    if (!f->failed) {
        dpp_field_copy(f, sa, f->set->one);
        dpp_field_copy(f, sb, g);
        dpp_power_square(f, sa, sb, spare, other);
        dpp_field_invert(f, sa, sa, NULL);
        dpp_field_mul(f, square, sa, sb);
        dpp_field_copy(f, a[0], f->set->one);
        dpp_field_copy(f, b[0], g);
    }
    for (size_t i = 1; i < DPP_POWER_ROWS && !f->failed; i++) {
        dpp_field_copy(f, a[i], a[i - 1]);
        dpp_field_copy(f, b[i], b[i - 1]);
        multiply(f, a[i], b[i], square, spare);
    }
    if (!f->failed) {
        dpp_field_copy(f, sa, f->set->one);
        dpp_field_copy(f, sb, g);
        for (size_t k = 0; k < DPP_POWER_WINDOW; k++)
            dpp_power_square(f, sa, sb, spare, other);
        dpp_field_invert_all(f, a, DPP_POWER_ROWS + 1);
        dpp_field_mul(f, g, sa, sb);
    }
    for (size_t i = 0; i < DPP_POWER_ROWS && !f->failed; i++) {
        dpp_field_mul(f, b[i], b[i], a[i]);
        f->failed = f->failed || BN_bn2lebinpad(b[i], (uint8_t *)table[i], DPP_FIELD_OCTETS) < 0;
    }
    BN_CTX_end(f->ctx);
}

bool dpp_power_init(struct dpp_power *power, struct dpp_field *f, const BIGNUM *g)
{
    if (f->failed)
        return false;
    BN_CTX_start(f->ctx);
    BIGNUM *at = dpp_field_new(f);
    if (!f->failed)
        dpp_field_copy(f, at, g);
    for (size_t t = 0; t < DPP_POWER_TABLES && !f->failed; t++)
        fill(f, power->row[t], at);
    BN_CTX_end(f->ctx);
    return !f->failed;
}

/* Six signs as an odd digit: the row of its magnitude, all rows being read, negated for a minus. */
static void window(struct dpp_field *f, const uint64_t (*table)[WORDS], const uint8_t *signs,
                   size_t at, BIGNUM *t, BIGNUM *minus)
{
    uint64_t row[WORDS] = {0};
    unsigned bits = 0;

    for (size_t i = 0; i < DPP_POWER_WINDOW; i++)
        bits |= ((unsigned)signs[(at + i) / 8] >> (at + i) % 8 & 1u) << i;
    unsigned top = bits >> (DPP_POWER_WINDOW - 1);
    /* with the top sign +, the digit is 2 low + 1; with - it is that of all signs turned, negated
     */
    unsigned index = (bits ^ (top - 1u)) & (DPP_POWER_ROWS - 1);

    dpp_field_pick(&table[0][0], DPP_POWER_ROWS, WORDS, index, row);
    f->failed = f->failed || !BN_lebin2bn((const uint8_t *)row, DPP_FIELD_OCTETS, t) ||
                !BN_sub(minus, f->set->p, t);
    dpp_field_choose(f, t, minus, top ^ 1u);
    OPENSSL_cleanse(row, sizeof row);
}

void dpp_power_raise(struct dpp_field *f, const struct dpp_power *power, const BIGNUM *scalar,
                     BIGNUM *a, BIGNUM *b)
{
    uint8_t signs[DPP_FIELD_SIGNS];

    if (f->failed)
        return;
    BN_CTX_start(f->ctx);
    BIGNUM *t = dpp_field_new(f), *spare = dpp_field_new(f);
    dpp_field_signs(f, scalar, DPP_POWER_BITS, signs);
    if (!f->failed) {
        /* the scalar is also the factor that hides what follows */
        dpp_field_copy(f, a, scalar);
        window(f, power->row[0], signs, 0, b, spare);
        dpp_field_mul(f, b, b, a);
    }
    for (size_t i = 1; i < DPP_POWER_TABLES && !f->failed; i++) {
        window(f, power->row[i], signs, i * DPP_POWER_WINDOW, t, spare);
        multiply(f, a, b, t, spare);
    }
    OPENSSL_cleanse(signs, sizeof signs);
    BN_CTX_end(f->ctx);
}
