#include "relay/client/digest.h"

#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "relay/err.h"

/* The texts with a colon between each two, hashed; as hex digits. rfc2617#3.2.2 wants MD5; TLS is
 * what protects */
static int hash(enum msrp_digest_algorithm algorithm, const struct msrp_str *parts, size_t n,
                char hex[MSRP_DIGEST_HEX_MAX + 1])
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned sum_n = 0;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok =
        ctx != NULL &&
        EVP_DigestInit_ex(ctx, algorithm == MSRP_DIGEST_MD5 ? EVP_md5() : EVP_sha256(), NULL) == 1;
    for (size_t i = 0; ok && i < n; i++) {
        ok = (i == 0 || EVP_DigestUpdate(ctx, ":", 1) == 1) &&
             EVP_DigestUpdate(ctx, parts[i].p, parts[i].n) == 1;
    }
    ok = ok && EVP_DigestFinal_ex(ctx, sum, &sum_n) == 1;
    EVP_MD_CTX_free(ctx);
    for (unsigned i = 0; ok && i < sum_n; i++) {
        snprintf(hex + 2 * i, 3, "%02x", sum[i]);
    }
    OPENSSL_cleanse(sum, sizeof(sum));
    return ok ? 0 : RELAY_E_NOMEM;
}

static void keep(char out[MSRP_DIGEST_VALUE_MAX + 1], struct msrp_str value)
{
    memset(out, 0, MSRP_DIGEST_VALUE_MAX + 1);
    if (value.n > 0 && value.n <= MSRP_DIGEST_VALUE_MAX) {
        memcpy(out, value.p, value.n);
    }
}

bool relay_client_digest_challenged(struct relay_client_digest *digest,
                                    const struct msrp_head *head, bool *is_stale)
{
    struct msrp_digest_challenge challenge;
    struct msrp_str name, value;
    *is_stale = false;
    for (size_t i = 0; msrp_head_next(head, &i, &name, &value);) {
        if (!msrp_str_is_nocase(name, "WWW-Authenticate") ||
            msrp_digest_challenge_parse(&challenge, value) != 0 || !challenge.has_auth ||
            challenge.algorithm == MSRP_DIGEST_OTHER || challenge.nonce.n == 0) {
            continue;
        }
        memset(digest, 0, sizeof(*digest));
        keep(digest->realm, challenge.realm);
        keep(digest->nonce, challenge.nonce);
        keep(digest->opaque, challenge.opaque);
        digest->has_opaque = challenge.opaque.p != NULL;
        digest->algorithm = challenge.algorithm;
        *is_stale = challenge.is_stale;
        return true;
    }
    return false;
}

/* Both directions: for the request its method stands in A2, for the relay's proof nothing does.
 * rfc2617#3.2.2, #3.2.3; row A5: the uri is the rightmost one of To-Path, octet for octet */
static int respond(struct relay_client_digest *digest, const struct msrp_digest_credentials *c,
                   const char *password, char response[MSRP_DIGEST_HEX_MAX + 1])
{
    char a1[MSRP_DIGEST_HEX_MAX + 1] = "", a2[MSRP_DIGEST_HEX_MAX + 1] = "";
    const struct msrp_str first[] = {c->username, c->realm, msrp_str_of(password)};
    int rc = hash(digest->algorithm, first, 3, a1);
    for (int back = 0; back < 2 && rc == 0; back++) {
        const struct msrp_str second[] = {msrp_str_of(back ? "" : "AUTH"), c->uri};
        rc = hash(digest->algorithm, second, 2, a2);
        const struct msrp_str parts[] = {msrp_str_of(a1), c->nonce, c->nc,
                                         c->cnonce,       c->qop,   msrp_str_of(a2)};
        rc = rc != 0 ? rc : hash(digest->algorithm, parts, 6, back ? digest->rspauth : response);
    }
    OPENSSL_cleanse(a1, sizeof(a1));
    return rc;
}

ssize_t relay_client_digest_print(struct relay_client_digest *digest, const char *user,
                                  const char *password, struct msrp_str uri, const uint8_t rnd[16],
                                  char *out, size_t cap)
{
    char nc[MSRP_DIGEST_NC + 1], response[MSRP_DIGEST_HEX_MAX + 1];
    msrp_str_ident_make(digest->cnonce, rnd);
    msrp_digest_nc(nc, ++digest->nc);
    struct msrp_digest_credentials c = {
        .username = msrp_str_of(user),
        .realm = msrp_str_of(digest->realm),
        .nonce = msrp_str_of(digest->nonce),
        .uri = uri, /* trap 13 */
        .cnonce = msrp_str_of(digest->cnonce),
        .qop = MSRP_STR("auth"),
        .nc = msrp_str_of(nc),
        .nc_value = digest->nc,
        .algorithm = digest->algorithm,
    };
    if (digest->has_opaque) {
        c.opaque = msrp_str_of(digest->opaque);
    }
    int rc = respond(digest, &c, password, response);
    if (rc != 0) {
        return rc;
    }
    c.response = msrp_str_of(response);
    return msrp_digest_credentials_print(&c, out, cap);
}

bool relay_client_digest_proves(struct relay_client_digest *digest, const struct msrp_head *head)
{
    struct msrp_digest_info info;
    struct msrp_str value;
    if (!msrp_head_find(head, "Authentication-Info", &value) ||
        msrp_digest_info_parse(&info, value) != 0 || info.nc_value != digest->nc ||
        !msrp_str_is(info.cnonce, digest->cnonce) || info.rspauth.n != strlen(digest->rspauth) ||
        CRYPTO_memcmp(info.rspauth.p, digest->rspauth, info.rspauth.n) != 0) {
        return false;
    }
    if (info.nextnonce.n > 0) {
        keep(digest->nonce, info.nextnonce);
        digest->nc = 0;
    }
    return true;
}
