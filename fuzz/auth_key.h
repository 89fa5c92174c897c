/* auth_key.h - the published key of RFC 7515 A.3, to check and to sign with. */
#ifndef FUZZ_AUTH_KEY_H
#define FUZZ_AUTH_KEY_H

#include <stdlib.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "relay/auth/base64.h"

#define FUZZ_X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define FUZZ_Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define FUZZ_D "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"
#define FUZZ_JWKS                                                                                  \
    "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"ES256\",\"kid\":\"k\",\"x\":\"" FUZZ_X \
    "\",\"y\":\"" FUZZ_Y "\"}]}"

/* The text that the RFC signs, and the only one anybody signed with this key in compact form. */
#define FUZZ_SIGNED                                                                                \
    "eyJhbGciOiJFUzI1NiJ9."                                                                        \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl" \
    "fQ"

static EVP_PKEY *fuzz_key(void)
{
    uint8_t point[65] = {4}, d[32];
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    EVP_PKEY *key = NULL;

    if (relay_base64_decode(FUZZ_X, 43, point + 1, 32) != 32 ||
        relay_base64_decode(FUZZ_Y, 43, point + 33, 32) != 32 ||
        relay_base64_decode(FUZZ_D, 43, d, 32) != 32)
        abort();
    BIGNUM *bn = BN_bin2bn(d, 32, NULL);
    OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0);
    OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point);
    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, bn);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
    EVP_PKEY_fromdata_init(ctx);
    if (EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) != 1)
        abort();
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(bld);
    BN_free(bn);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

/* r and s, 32 octets each, of the n octets at p. */
static void fuzz_sign(EVP_PKEY *key, const char *p, size_t n, uint8_t raw[64])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t der[80];
    const uint8_t *from = der;
    size_t der_n = sizeof der;

    if (EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, key, NULL) != 1 ||
        EVP_DigestSign(ctx, der, &der_n, (const uint8_t *)p, n) != 1)
        abort();
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &from, (long)der_n);
    BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + 32, 32);
    ECDSA_SIG_free(sig);
    EVP_MD_CTX_free(ctx);
}

#endif
