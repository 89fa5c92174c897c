#include "dpp/seal/seal.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#define FRAMES_PER_KEY ((uint64_t)1 << 32) /* sp800-38d#8.3: random IVs under one key */

static const EVP_CIPHER *cipher_of(int alg)
{
    return alg == DPP_ALG_AES_128_GCM ? EVP_aes_128_gcm() : EVP_aes_256_gcm();
}

int dpp_seal_init(struct dpp_seal *seal, const struct dpp_key *dppk, uint32_t dppk_id,
                  enum dpp_use use, int alg)
{
    DPP_SCRUB(dpck, 32);
    size_t dppk_n;
    const uint8_t *octets = dpp_key_octets(dppk, &dppk_n);

    memset(seal, 0, sizeof *seal);
    /* the ID on the wire may be a GUK-ID, but its tag is the key's all the same */
    if (!dpp_role_may(dpp_key_role(dppk), use) ||
        dpp_role_of_id(dppk_id) != (int)dpp_key_role(dppk))
        return DPP_E_ROLE;
    int n = dpp_kdf_dpck(octets, dppk_n, dppk_id, alg, dpck.p);
    if (n < 0)
        return n;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (!ctx)
        return DPP_E_NOMEM;
    /* the IV length first: a key set before it would count on 12 octets */
    if (EVP_CipherInit_ex(ctx, cipher_of(alg), NULL, NULL, NULL, 1) != 1 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, DPP_FRAME_IV, NULL) != 1 ||
        EVP_CipherInit_ex(ctx, NULL, NULL, dpck.p, NULL, 1) != 1) {
        EVP_CIPHER_CTX_free(ctx);
        return DPP_E_CRYPTO;
    }
    seal->ctx = ctx;
    seal->dppk_id = dppk_id;
    seal->alg = (uint8_t)alg;
    return 0;
}

void dpp_seal_done(struct dpp_seal *seal)
{
    EVP_CIPHER_CTX_free(seal->ctx); /* cleanses the key schedule */
    memset(seal, 0, sizeof *seal);
}

/* Sets direction and IV and runs the AAD through: what both ways have in common. */
static bool begin(struct dpp_seal *seal, const uint8_t *header, const uint8_t *iv, int encrypt)
{
    int n;

    return EVP_CipherInit_ex(seal->ctx, NULL, NULL, NULL, iv, encrypt) == 1 &&
           EVP_CipherUpdate(seal->ctx, NULL, &n, header, DPP_FRAME_AAD) == 1;
}

/* With no octets there is nothing to run, and a NULL output would mean AAD. */
static bool run(struct dpp_seal *seal, const uint8_t *in, size_t n, uint8_t *out)
{
    int done = 0;

    return n == 0 ||
           (EVP_CipherUpdate(seal->ctx, out, &done, in, (int)n) == 1 && (size_t)done == n);
}

/* ts33180#8.5.4.1 */
ssize_t dpp_seal_close(struct dpp_seal *seal, const struct dpp_frame *head, const uint8_t *plain,
                       size_t n, uint8_t *out, size_t cap)
{
    struct dpp_frame f = *head;
    uint8_t *sealed = out + DPP_FRAME_HEADER;
    uint8_t none[16];
    int done;

    if (n > DPP_FRAME_PLAIN_MAX)
        return DPP_E_LONG;
    if (cap < DPP_FRAME_HEADER + n + DPP_FRAME_TAG)
        return DPP_E_SPACE;
    if (seal->closed >= FRAMES_PER_KEY)
        return DPP_E_KEY_SPENT;
    seal->closed++;
    f.alg = seal->alg;
    f.dppk_id = seal->dppk_id;
    f.sealed_n = (uint16_t)(n + DPP_FRAME_TAG);
    dpp_frame_print(&f, out);
    if (!begin(seal, out, f.iv, 1) || !run(seal, plain, n, sealed) ||
        EVP_CipherFinal_ex(seal->ctx, none, &done) != 1 ||
        EVP_CIPHER_CTX_ctrl(seal->ctx, EVP_CTRL_AEAD_GET_TAG, DPP_FRAME_TAG, sealed + n) != 1) {
        OPENSSL_cleanse(sealed, n);
        return DPP_E_CRYPTO;
    }
    return (ssize_t)(DPP_FRAME_HEADER + n + DPP_FRAME_TAG);
}

ssize_t dpp_seal_open(struct dpp_seal *seal, const uint8_t *p, size_t n, uint8_t *out, size_t cap,
                      struct dpp_frame *head)
{
    struct dpp_frame f;
    const uint8_t *sealed = p + DPP_FRAME_HEADER;
    uint8_t tag[DPP_FRAME_TAG], none[16];
    int done;
    int rc = dpp_frame_parse(&f, p, n);

    if (rc != 0)
        return rc;
    if (f.sealed_n != n - DPP_FRAME_HEADER)
        return DPP_E_FRAME_LENGTH;
    size_t plain_n = f.sealed_n - (size_t)DPP_FRAME_TAG;
    if (cap < plain_n)
        return DPP_E_SPACE;
    if (f.dppk_id != seal->dppk_id || f.alg != seal->alg)
        return DPP_E_SEALED;
    memcpy(tag, sealed + plain_n, sizeof tag);
    if (!begin(seal, p, f.iv, 0) ||
        EVP_CIPHER_CTX_ctrl(seal->ctx, EVP_CTRL_AEAD_SET_TAG, DPP_FRAME_TAG, tag) != 1 ||
        !run(seal, sealed, plain_n, out) || EVP_CipherFinal_ex(seal->ctx, none, &done) != 1) {
        OPENSSL_cleanse(out, plain_n);
        return DPP_E_SEALED;
    }
    if (head)
        *head = f;
    return (ssize_t)plain_n;
}
