/* pairing.h - the Tate-Lichtenbaum pairing of SAKKE with one argument fixed and made ready.
 * Private to dpp/keys. rfc6508#3.2.
 *
 * <K, R> = <R, K>, so the Miller loop may run over the fixed point K (an RSK). All that depends on
 * K alone is computed once: for every digit of q to the base 4 one function of the curve,
 *
 *     A(x) + y B(x),   deg A <= 3, deg B <= 2,
 *
 * whose zeros are 4 T, the digit's multiple of K and -(4T + dK) as they stand after the step, and
 * whose vertical factors are divided out. For R the loop is then f := f^4 (A + yB)(-x, iy), one
 * function a digit: no point arithmetic on a received point, no exceptional case, and no branch or
 * index that depends on K or R. Factors of F_p do not matter to the result and are dropped. */
#ifndef DPP_KEYS_PAIRING_H
#define DPP_KEYS_PAIRING_H

#include "dpp/keys/field.h"

struct dpp_pairing;

/* Makes K = (x, y) ready: some 80 ms. 0, DPP_E_SAKKE_POINT (the order of K is not q), or
 * DPP_E_NOMEM. The numbers lie in the secure heap: about 350 kB. Immutable afterwards. */
int dpp_pairing_new(struct dpp_pairing **pairing, struct dpp_field *f, const BIGNUM *x,
                    const BIGNUM *y) __attribute__((warn_unused_result));
void dpp_pairing_free(struct dpp_pairing *pairing); /* wipes; NULL is allowed */

/* t = <K, R> for R = (x, y) on the curve, as the number b / a of PF_p (rfc6508#3). blind as for
 * dpp_field_invert. */
void dpp_pairing_with(struct dpp_field *f, const struct dpp_pairing *pairing, const BIGNUM *x,
                      const BIGNUM *y, const BIGNUM *blind, BIGNUM *t);

/* Octets that it holds. */
size_t dpp_pairing_octets(const struct dpp_pairing *pairing);

#endif
