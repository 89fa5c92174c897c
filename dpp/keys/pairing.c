#include "dpp/keys/pairing.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "dpp/keys/power.h"

enum {
    DIGITS_MAX = 513, /* of q to the base 4 */
    TERMS = 6,        /* a0 a1 a2 a3 b0 b1; what a digit does not need is left away */
    DEGREE = 5,       /* of intermediate products */
};

struct dpp_pairing {
    size_t n;                      /* digits below the top one */
    int8_t top, digit[DIGITS_MAX]; /* of q: -1, 0, 1, 2; the top one is 1 or 2 */
    BIGNUM *first[2];              /* tangent at K: y + first[0] x + first[1] */
    BIGNUM *term[DIGITS_MAX][TERMS];
    size_t numbers;
};

/* A(x) + y B(x); degrees as far as they are used. */
struct poly {
    BIGNUM *a[DEGREE + 1], *b[DEGREE + 1];
};

struct prepare {
    struct dpp_field *f;
    struct dpp_pairing *out;
    const BIGNUM *x, *y;              /* K */
    BIGNUM *x2, *y2, *minus_y, *zero; /* 2K, -K */
    BIGNUM *slope, *line[2], *t;
    BIGNUM **z, **inverse; /* of the points that the steps pass, in Jacobian form; see chain() */
    size_t points, at;
    struct poly g, h;
};

/* q = sum of digit[i] 4^i, without a 3: 3 is -1 and one more above. Public. */
static bool digits(struct dpp_pairing *pairing, const BIGNUM *q)
{
    BIGNUM *n = BN_dup(q);
    int8_t low[DIGITS_MAX];
    size_t count = 0;
    bool good = n != NULL;

    while (good && !BN_is_zero(n) && count < DIGITS_MAX) {
        BN_ULONG d = BN_mod_word(n, 4);
        low[count++] = (int8_t)(d == 3 ? -1 : (int)d);
        good = (d == 3 ? BN_add_word(n, 1) : BN_sub_word(n, d)) && BN_rshift(n, n, 2);
    }
    good = good && BN_is_zero(n) && count > 1;
    BN_free(n);
    for (size_t i = 0; good && i + 1 < count; i++)
        pairing->digit[i] = low[count - 2 - i];
    pairing->n = good ? count - 1 : 0;
    pairing->top = good ? low[count - 1] : 0;
    return good;
}

/* --- affine steps: each leaves its line y + line[0] x + line[1] --- */

/* The line through (x, y) with p->slope, and the third point's negative: the sum. */
static void sum(struct prepare *p, const BIGNUM *x, const BIGNUM *y, const BIGNUM *other_x,
                BIGNUM *out_x, BIGNUM *out_y)
{
    struct dpp_field *f = p->f;

    dpp_field_sub(f, p->line[0], p->zero, p->slope);
    dpp_field_mul(f, p->line[1], p->slope, x);
    dpp_field_sub(f, p->line[1], p->line[1], y);
    dpp_field_square(f, p->t, p->slope);
    dpp_field_sub(f, p->t, p->t, x);
    dpp_field_sub(f, p->t, p->t, other_x);
    dpp_field_mul(f, out_y, p->line[0], p->t);
    dpp_field_add(f, out_y, out_y, p->line[1]);
    dpp_field_copy(f, out_x, p->t);
}

/* t = what the next slope is divided by, inverted. Where the chain went from z to z', doubling made
 * z' = 2 y z^4 and adding z' = (other_x - x) z^3, x and y affine. */
static void next_inverse(struct prepare *p, bool is_double)
{
    struct dpp_field *f = p->f;
    const BIGNUM *z = p->z[p->at];

    p->at++;
    dpp_field_square(f, p->t, z);
    dpp_field_mul(f, p->t, p->t, is_double ? p->t : z);
    dpp_field_mul(f, p->t, p->t, p->inverse[p->at]);
}

static void twice(struct prepare *p, BIGNUM *x, BIGNUM *y)
{
    struct dpp_field *f = p->f;

    dpp_field_square(f, p->slope, x);
    dpp_field_sub(f, p->slope, p->slope, f->set->one);
    dpp_field_mul(f, p->slope, p->slope, f->set->three);
    next_inverse(p, true); /* 1 / 2y */
    dpp_field_mul(f, p->slope, p->slope, p->t);
    sum(p, x, y, x, x, y);
}

static void plus(struct prepare *p, BIGNUM *x, BIGNUM *y, const BIGNUM *other_x,
                 const BIGNUM *other_y)
{
    struct dpp_field *f = p->f;

    next_inverse(p, false); /* 1 / (other_x - x) */
    dpp_field_sub(f, p->slope, other_y, y);
    dpp_field_mul(f, p->slope, p->slope, p->t);
    sum(p, x, y, other_x, x, y);
}

/* --- functions of the curve --- */

static struct poly poly_new(struct dpp_field *f)
{
    struct poly g;

    for (size_t i = 0; i <= DEGREE; i++) {
        g.a[i] = dpp_field_new(f);
        g.b[i] = dpp_field_new(f);
    }
    return g;
}

static void clear(struct poly *g)
{
    for (size_t i = 0; i <= DEGREE; i++) {
        BN_zero(g->a[i]);
        BN_zero(g->b[i]);
    }
}

/* g = g (y + l x + c): A' = A (l x + c) + B (x^3 - 3x), B' = A + B (l x + c). Degrees stay below
 * DEGREE because every product of two lines is divided at once. */
static void times_line(struct prepare *p, const BIGNUM *l, const BIGNUM *c)
{
    struct dpp_field *f = p->f;
    struct poly *g = &p->g, *h = &p->h;

    if (f->failed)
        return;
    clear(h);
    for (size_t i = 0; i <= DEGREE; i++) {
        dpp_field_mul(f, p->t, g->a[i], c);
        dpp_field_add(f, h->a[i], h->a[i], p->t);
        dpp_field_mul(f, p->t, g->b[i], c);
        dpp_field_add(f, h->b[i], h->b[i], p->t);
        dpp_field_add(f, h->b[i], h->b[i], g->a[i]);
        if (i < DEGREE) {
            dpp_field_mul(f, p->t, g->a[i], l);
            dpp_field_add(f, h->a[i + 1], h->a[i + 1], p->t);
            dpp_field_mul(f, p->t, g->b[i], l);
            dpp_field_add(f, h->b[i + 1], h->b[i + 1], p->t);
            dpp_field_mul(f, p->t, g->b[i], f->set->three);
            dpp_field_sub(f, h->a[i + 1], h->a[i + 1], p->t);
        }
        if (i + 3 <= DEGREE)
            dpp_field_add(f, h->a[i + 3], h->a[i + 3], g->b[i]);
    }
    struct poly swap = *g;
    *g = *h;
    *h = swap;
}

/* Divides by x - at: the remainder is zero. */
static void over_vertical(struct prepare *p, const BIGNUM *at)
{
    struct dpp_field *f = p->f;
    BIGNUM **both[] = {p->g.a, p->g.b};

    for (size_t k = 0; k < 2 && !f->failed; k++) {
        BIGNUM **c = both[k];
        for (size_t i = DEGREE; i-- > 0;) { /* c[i] += at c[i + 1] */
            dpp_field_mul(f, p->t, c[i + 1], at);
            dpp_field_add(f, c[i], c[i], p->t);
        }
        for (size_t i = 0; i < DEGREE; i++)
            dpp_field_copy(f, c[i], c[i + 1]);
        if (!f->failed)
            BN_zero(c[DEGREE]);
    }
}

static BIGNUM *keep(struct prepare *p, const BIGNUM *n)
{
    BIGNUM *kept = p->f->failed ? NULL : BN_secure_new();

    if (!kept || !BN_copy(kept, n)) {
        BN_clear_free(kept);
        p->f->failed = true;
        return NULL;
    }
    p->out->numbers++;
    return kept;
}

/* One digit: from T = (x, y) to 4T + dK, and its function. False when K has not the order q. */
static bool step(struct prepare *p, size_t at, BIGNUM *x, BIGNUM *y, BIGNUM *vertical)
{
    struct dpp_field *f = p->f;
    int d = p->out->digit[at];
    bool is_last = at + 1 == p->out->n;

    if (f->failed)
        return true;
    clear(&p->g);
    dpp_field_copy(f, p->g.a[0], f->set->one);
    twice(p, x, y); /* its square and the next: 4(T) + 2(-2T) + 2(2T) + (-4T) */
    times_line(p, p->line[0], p->line[1]);
    times_line(p, p->line[0], p->line[1]);
    dpp_field_copy(f, vertical, x);
    twice(p, x, y);
    times_line(p, p->line[0], p->line[1]);
    over_vertical(p, vertical);
    over_vertical(p, vertical);
    if (is_last) {
        /* 4T = -dK, and the line through both is vertical: q K = O. d is odd as q is */
        const BIGNUM *other = d < 0 ? p->y : p->minus_y;
        return !f->failed && BN_cmp(x, p->x) == 0 && BN_cmp(y, other) == 0;
    }
    if (d != 0) {
        dpp_field_copy(f, vertical, x);
        plus(p, x, y, d == 2 ? p->x2 : p->x, d == 2 ? p->y2 : d < 0 ? p->minus_y : p->y);
        times_line(p, p->line[0], p->line[1]);
        over_vertical(p, vertical);
    }
    if (d == 2) { /* the digit's own function: the tangent at K over the vertical of 2K */
        times_line(p, p->out->first[0], p->out->first[1]);
        over_vertical(p, p->x2);
    }
    return true;
}

/* What is stored of a step: d = 0: a0 a1 a2, b0, and x in B; else a0 a1 a2, x^3 or a3, b0 b1, with
 * x^2 in B for 2. */
static bool is_kept(int d, bool is_last, size_t term)
{
    if (d == 0 || is_last)
        return term != 3 && term != 5;
    return d == 2 || term != 3;
}

/* A of degree 3 is kept as (a3 x + a2) (x^2 + a1) + a0, which takes a multiplication less. (That a3
 * is 0 happens to one K in p; its pairing would be wrong and refused by the check of the RSK.) */
static void fold(struct prepare *p, BIGNUM *const a[4], bool is_monic)
{
    struct dpp_field *f = p->f;

    if (!is_monic) {
        dpp_field_invert(f, p->t, a[3], NULL);
        dpp_field_mul(f, a[1], a[1], p->t);
    }
    dpp_field_mul(f, p->t, a[1], a[2]);
    dpp_field_sub(f, a[0], a[0], p->t);
}

static void keep_step(struct prepare *p, size_t at)
{
    BIGNUM *const all[TERMS] = {p->g.a[0], p->g.a[1], p->g.a[2], p->g.a[3], p->g.b[0], p->g.b[1]};
    int d = p->out->digit[at];

    bool is_last = at + 1 == p->out->n;

    if (d != 0 && !is_last)
        fold(p, all, d != 2);
    for (size_t i = 0; i < TERMS; i++)
        if (is_kept(d, is_last, i))
            p->out->term[at][i] = keep(p, all[i]);
}

/* Walks from T = (x, y) through all points of the steps in Jacobian form and keeps their z: with
 * them one inversion serves all slopes. False when one is infinity: K has not the order q. */
static bool chain(struct prepare *p, const BIGNUM *x, const BIGNUM *y)
{
    struct dpp_field *f = p->f;
    struct dpp_field_point t = dpp_field_point_new(f);

    if (f->failed)
        return true;
    dpp_field_copy(f, t.x, x);
    dpp_field_copy(f, t.y, y);
    dpp_field_copy(f, t.z, f->set->one);
    p->at = p->points = 0;
    dpp_field_copy(f, p->z[p->points++], t.z);
    for (size_t i = 0; i < p->out->n && !f->failed; i++) {
        int d = p->out->digit[i];
        for (size_t k = 0; k < 2; k++) {
            dpp_field_double(f, &t);
            dpp_field_copy(f, p->z[p->points++], t.z);
        }
        if (d == 0 || i + 1 == p->out->n)
            continue;
        dpp_field_add_affine(f, &t, d == 2 ? p->x2 : p->x,
                             d == 2  ? p->y2
                             : d < 0 ? p->minus_y
                                     : p->y);
        dpp_field_copy(f, p->z[p->points++], t.z);
    }
    if (f->failed || BN_is_zero(t.z)) /* 0 stays 0 */
        return f->failed;
    for (size_t i = 0; i < p->points; i++)
        dpp_field_copy(f, p->inverse[i], p->z[i]);
    if (!f->failed)
        dpp_field_invert_all(f, p->inverse, p->points);
    return true;
}

/* 2K and -K. The tangent at K is the one slope before the chain. */
static bool multiples(struct prepare *p)
{
    struct dpp_field *f = p->f;

    if (f->failed || BN_is_zero(p->y)) /* y = 0: of order 2 */
        return f->failed;
    dpp_field_copy(f, p->x2, p->x);
    dpp_field_copy(f, p->y2, p->y);
    dpp_field_sub(f, p->minus_y, p->zero, p->y);
    dpp_field_copy(f, p->z[0], f->set->one);
    dpp_field_add(f, p->t, p->y, p->y);
    dpp_field_invert(f, p->inverse[1], p->t, NULL);
    twice(p, p->x2, p->y2);
    return true;
}

static bool run(struct prepare *p)
{
    struct dpp_field *f = p->f;
    BIGNUM *x = dpp_field_new(f), *y = dpp_field_new(f), *vertical = dpp_field_new(f);
    bool good = multiples(p);

    if (f->failed || !good)
        return good;
    p->out->first[0] = keep(p, p->line[0]);
    p->out->first[1] = keep(p, p->line[1]);
    dpp_field_copy(f, x, p->out->top == 2 ? p->x2 : p->x);
    dpp_field_copy(f, y, p->out->top == 2 ? p->y2 : p->y);
    good = chain(p, x, y);
    for (size_t i = 0; i < p->out->n && good && !f->failed; i++) {
        good = step(p, i, x, y, vertical);
        keep_step(p, i);
    }
    return good;
}

int dpp_pairing_new(struct dpp_pairing **pairing, struct dpp_field *f, const BIGNUM *x,
                    const BIGNUM *y)
{
    struct prepare p = {.f = f, .x = x, .y = y};
    bool good = true;

    *pairing = NULL;
    p.out = f->failed ? NULL : calloc(1, sizeof *p.out);
    if (!p.out || !digits(p.out, f->set->q)) {
        free(p.out);
        return DPP_E_NOMEM;
    }
    BN_CTX_start(f->ctx);
    p.x2 = dpp_field_new(f);
    p.y2 = dpp_field_new(f);
    p.minus_y = dpp_field_new(f);
    p.zero = dpp_field_new(f);
    p.slope = dpp_field_new(f);
    p.line[0] = dpp_field_new(f);
    p.line[1] = dpp_field_new(f);
    p.t = dpp_field_new(f);
    p.g = poly_new(f);
    p.h = poly_new(f);
    p.points = 3 * p.out->n + 1;
    p.z = calloc(2 * p.points, sizeof *p.z);
    f->failed = f->failed || !p.z;
    p.inverse = p.z + p.points;
    for (size_t i = 0; i < 2 * p.points && !f->failed; i++)
        p.z[i] = dpp_field_new(f);
    good = run(&p);
    free(p.z);
    BN_CTX_end(f->ctx);
    if (f->failed || !good) {
        dpp_pairing_free(p.out);
        return f->failed ? DPP_E_NOMEM : DPP_E_SAKKE_POINT;
    }
    *pairing = p.out;
    return 0;
}

void dpp_pairing_free(struct dpp_pairing *pairing)
{
    if (!pairing)
        return;
    BN_clear_free(pairing->first[0]);
    BN_clear_free(pairing->first[1]);
    for (size_t i = 0; i < pairing->n; i++)
        for (size_t k = 0; k < TERMS; k++)
            BN_clear_free(pairing->term[i][k]);
    free(pairing);
}

size_t dpp_pairing_octets(const struct dpp_pairing *pairing)
{
    /* a number: its 16 words in the secure heap, and the 24 octets of a BIGNUM in a piece of 32 */
    return sizeof *pairing + pairing->numbers * (DPP_FIELD_OCTETS + 32);
}

/* --- the loop --- */

/* R as (-x, iy), and what the functions need of it. */
struct at {
    BIGNUM *x, *xx, *y, *xy, *xxy;
};

/* re + i im = A(-x) + iy B(-x) of one digit. No factor hides these numbers from whoever chose R:
 * only operations without a branch. */
static void value(struct dpp_field *f, BIGNUM *const term[TERMS], int d, bool is_last,
                  const struct at *at, BIGNUM *re, BIGNUM *im, BIGNUM *t)
{
    dpp_field_mul(f, im, term[4], at->y);
    if (d == 0 || is_last) {
        dpp_field_mul(f, re, term[2], at->x);
        dpp_field_add(f, re, re, term[1]);
        dpp_field_mul(f, re, re, at->x);
        dpp_field_add(f, im, im, at->xy);
    } else {
        dpp_field_mul(f, t, term[5], at->xy);
        dpp_field_add(f, im, im, t);
        if (d == 2) {
            dpp_field_add(f, im, im, at->xxy);
            dpp_field_mul(f, t, term[3], at->x);
            dpp_field_add(f, t, t, term[2]);
        } else {
            dpp_field_add(f, t, at->x, term[2]);
        }
        dpp_field_add(f, re, at->xx, term[1]);
        dpp_field_mul(f, re, re, t);
    }
    dpp_field_add(f, re, re, term[0]);
}

/* (a + bi) = (a + bi)(re + i im), with three multiplications. */
static void multiply(struct dpp_field *f, BIGNUM *a, BIGNUM *b, BIGNUM *re, BIGNUM *im, BIGNUM *t)
{
    dpp_field_sum(f, t, a, b);
    dpp_field_mul(f, a, a, re);
    dpp_field_mul(f, b, b, im);
    dpp_field_add(f, re, re, im);
    dpp_field_mul(f, t, t, re);
    dpp_field_sub(f, t, t, a);
    dpp_field_sub(f, a, a, b);
    dpp_field_sub(f, b, t, b);
}

void dpp_pairing_with(struct dpp_field *f, const struct dpp_pairing *pairing, const BIGNUM *x,
                      const BIGNUM *y, const BIGNUM *blind, BIGNUM *t)
{
    if (f->failed)
        return;
    BN_CTX_start(f->ctx);
    struct at at = {dpp_field_new(f), dpp_field_new(f), dpp_field_new(f), dpp_field_new(f),
                    dpp_field_new(f)};
    BIGNUM *a = dpp_field_new(f), *b = dpp_field_new(f), *re = dpp_field_new(f),
           *im = dpp_field_new(f), *spare = dpp_field_new(f);
    if (!f->failed) {
        dpp_field_sub(f, at.x, f->set->one, f->set->one);
        dpp_field_sub(f, at.x, at.x, x);
        dpp_field_square(f, at.xx, at.x);
        dpp_field_copy(f, at.y, y);
        dpp_field_mul(f, at.xy, at.x, y);
        dpp_field_mul(f, at.xxy, at.xx, y);
        if (pairing->top == 2) { /* the tangent at K */
            dpp_field_mul(f, a, pairing->first[0], at.x);
            dpp_field_add(f, a, a, pairing->first[1]);
            dpp_field_copy(f, b, y);
        } else {
            dpp_field_copy(f, a, f->set->one);
        }
        if (blind) { /* from here on it hides a and b, whose sums and differences take branches */
            dpp_field_mul(f, a, a, blind);
            dpp_field_mul(f, b, b, blind);
        }
    }
    for (size_t i = 0; i < pairing->n && !f->failed; i++) {
        dpp_power_square(f, a, b, re, im);
        dpp_power_square(f, a, b, re, im);
        value(f, pairing->term[i], pairing->digit[i], i + 1 == pairing->n, &at, re, im, spare);
        multiply(f, a, b, re, im, spare);
    }
    /* the final exponent is (p^2 - 1) / q = 4 (p - 1), and what p - 1 does is nothing in PF_p */
    dpp_power_square(f, a, b, re, im);
    dpp_power_square(f, a, b, re, im);
    dpp_field_invert(f, a, a, blind);
    dpp_field_mul(f, t, a, b);
    BN_CTX_end(f->ctx);
}
