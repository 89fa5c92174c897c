/* mikey_prf.c - from a TGK to SRTP keys. */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "dpp/cur.h"
#include "dpp/keys/mikey.h"

/* P(s, label, m) of rfc3830#4.1.2 with HMAC-SHA-256, XORed into out. */
static int p_hash(const uint8_t *s, size_t s_n, const uint8_t *label, size_t label_n, uint8_t *out,
                  size_t out_n)
{
    DPP_SCRUB(block, 32);
    DPP_SCRUB(room, 1024); /* A_i || label: at most 32 + 9 + 255 */
    uint8_t *a = room.p;
    size_t a_n = label_n; /* A_0 = label */

    memcpy(a, label, label_n);
    for (size_t at = 0; at < out_n; at += 32) {
        if (!HMAC(EVP_sha256(), s, (int)s_n, a, a_n, block.p, NULL))
            return DPP_E_CRYPTO;
        memcpy(a, block.p, 32);
        memcpy(a + 32, label, label_n);
        if (!HMAC(EVP_sha256(), s, (int)s_n, a, 32 + label_n, block.p, NULL))
            return DPP_E_CRYPTO;
        for (size_t i = 0; i < 32 && at + i < out_n; i++)
            out[at + i] ^= block.p[i];
        a_n = 32;
    }
    return 0;
}

int dpp_mikey_prf(const uint8_t *tgk, size_t tgk_n, uint32_t label, uint8_t cs_id, uint32_t csb_id,
                  const uint8_t *rand, size_t rand_n, uint8_t *out, size_t out_n)
{
    uint8_t text[9 + 255];
    struct dpp_out o;

    dpp_cur_out(&o, text, sizeof text);
    dpp_cur_put_u32(&o, label);
    dpp_cur_put_u8(&o, cs_id);
    dpp_cur_put_u32(&o, csb_id);
    dpp_cur_put(&o, rand, rand_n);
    if (o.err || tgk_n == 0 || tgk_n > 256 || out_n > 256)
        return DPP_E_LONG;
    memset(out, 0, out_n);
    for (size_t at = 0; at < tgk_n; at += 32) {
        int rc = p_hash(tgk + at, tgk_n - at < 32 ? tgk_n - at : 32, text, o.n, out, out_n);
        if (rc != 0) {
            OPENSSL_cleanse(out, out_n);
            return rc;
        }
    }
    return 0;
}
