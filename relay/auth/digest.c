#include "relay/auth/digest.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "relay/err.h"

#define OPAQUE "mcdata" /* some clients do not do without (row b8.14); we look at none */

/* --- hashing --- */

size_t relay_digest_digits(enum msrp_digest_algorithm algorithm)
{
    return algorithm == MSRP_DIGEST_SHA256 ? 64 : 32;
}

/* H(parts[0]:parts[1]:...) as lower-case digits. */
static int hash(enum msrp_digest_algorithm algorithm, const struct msrp_str *parts, size_t n,
                char out[MSRP_DIGEST_HEX_MAX + 1])
{
    const EVP_MD *md = algorithm == MSRP_DIGEST_SHA256 ? EVP_sha256() : EVP_md5();
    EVP_MD_CTX *ctx = algorithm == MSRP_DIGEST_OTHER ? NULL : EVP_MD_CTX_new();
    uint8_t sum[EVP_MAX_MD_SIZE];
    unsigned sum_n = 0;
    bool ok = ctx && EVP_DigestInit_ex(ctx, md, NULL) == 1;

    for (size_t i = 0; ok && i < n; i++)
        ok = (i == 0 || EVP_DigestUpdate(ctx, ":", 1) == 1) &&
             EVP_DigestUpdate(ctx, parts[i].p, parts[i].n) == 1;
    ok = ok && EVP_DigestFinal_ex(ctx, sum, &sum_n) == 1 &&
         sum_n * 2 == relay_digest_digits(algorithm);
    EVP_MD_CTX_free(ctx);
    out[0] = '\0';
    for (unsigned i = 0; ok && i < sum_n; i++) {
        out[2 * i] = "0123456789abcdef"[sum[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[sum[i] & 15];
        out[2 * i + 2] = '\0';
    }
    OPENSSL_cleanse(sum, sizeof sum);
    return ok ? 0 : RELAY_E_DIGEST_HASH;
}

int relay_digest_ha1(enum msrp_digest_algorithm algorithm, struct msrp_str name,
                     struct msrp_str realm, struct msrp_str password,
                     char out[MSRP_DIGEST_HEX_MAX + 1])
{
    return hash(algorithm, (struct msrp_str[]){name, realm, password}, 3, out);
}

int relay_digest_response(const struct msrp_digest_credentials *credentials, const char *ha1,
                          const char *method, struct msrp_str uri,
                          char out[MSRP_DIGEST_HEX_MAX + 1])
{
    const struct msrp_digest_credentials *c = credentials;
    char a2[MSRP_DIGEST_HEX_MAX + 1];
    int err = hash(c->algorithm, (struct msrp_str[]){msrp_str_of(method), uri}, 2, a2);

    if (err < 0)
        return err;
    return hash(
        c->algorithm,
        (struct msrp_str[]){msrp_str_of(ha1), c->nonce, c->nc, c->cnonce, c->qop, msrp_str_of(a2)},
        6, out);
}

/* --- rules --- */

void relay_digest_init(struct relay_digest *digest, uint8_t secret[RELAY_NONCE_SECRET])
{
    *digest = (struct relay_digest){.backoff = {NULL, 0}};
    relay_nonces_init(&digest->nonces, secret, RELAY_NONCES_MAX);
    OPENSSL_cleanse(secret, RELAY_NONCE_SECRET);
}

void relay_digest_done(struct relay_digest *digest)
{
    relay_backoff_done(&digest->backoff);
    relay_nonces_done(&digest->nonces);
}

ssize_t relay_digest_challenge(const struct relay_digest_rules *rules, struct relay_digest *digest,
                               enum msrp_digest_algorithm algorithm, bool is_stale, int64_t now_ms,
                               char *out, size_t cap)
{
    char nonce[RELAY_NONCE_CHARS + 1];
    int err = relay_nonce_make(&digest->nonces, now_ms, nonce);
    struct msrp_digest_challenge challenge = {
        .realm = msrp_str_of(rules->realm),
        .nonce = msrp_str_of(nonce),
        .opaque = MSRP_STR(OPAQUE),
        .algorithm = algorithm,
        .is_stale = is_stale,
    };

    return err < 0 ? err : msrp_digest_challenge_print(&challenge, out, cap);
}

/* What can be said without looking at a user. rfc4976#9.1, row 58 */
static int check_form(const struct relay_digest_rules *rules,
                      const struct msrp_digest_credentials *c, struct msrp_str uri)
{
    if (!msrp_str_is_nocase(c->qop, "auth"))
        return RELAY_E_DIGEST_QOP;
    if (!c->cnonce.p || !c->nc.p)
        return RELAY_E_DIGEST_FIELDS;
    if (c->algorithm == MSRP_DIGEST_OTHER || !relay_digest_is_offered(rules->users, c->algorithm))
        return RELAY_E_DIGEST_ALGORITHM;
    if (!msrp_str_is(c->realm, rules->realm))
        return RELAY_E_DIGEST_REALM;
    return c->uri.p && !msrp_str_is_same(c->uri, uri) ? RELAY_E_DIGEST_URI : 0;
}

/* Is the response that of the user? NULL: never, at the same cost. */
static int check_response(const struct msrp_digest_credentials *c, struct msrp_str uri,
                          const struct relay_digest_user *user)
{
    static const char nobody[] = "0000000000000000000000000000000000000000000000000000000000000000";
    char ha1[MSRP_DIGEST_HEX_MAX + 1], right[MSRP_DIGEST_HEX_MAX + 1];
    size_t digits = relay_digest_digits(c->algorithm);

    memcpy(ha1, user ? user->ha1 : nobody, digits);
    ha1[digits] = '\0';
    int err = relay_digest_response(c, ha1, "AUTH", uri, right);
    if (!err && (c->response.n != digits || CRYPTO_memcmp(right, c->response.p, digits) != 0))
        err = RELAY_E_DIGEST_RESPONSE;
    if (!user && err != RELAY_E_DIGEST_HASH)
        err = RELAY_E_DIGEST_USER;
    OPENSSL_cleanse(ha1, sizeof ha1);
    OPENSSL_cleanse(right, sizeof right);
    return err;
}

/* Would the next AUTH come too late for the nonce, or has it few counts left? */
static bool nears_end(const struct relay_digest_rules *rules, const struct relay_nonce *nonce,
                      int64_t now_ms, uint32_t nc)
{
    int64_t life_ms = (int64_t)rules->nonce_s * 1000;

    return now_ms - nonce->made_ms >= life_ms - life_ms / 4 || nc >= UINT32_MAX - 16;
}

int relay_digest_verify(const struct relay_digest_rules *rules, struct relay_digest *digest,
                        const struct msrp_digest_credentials *credentials, struct msrp_str uri,
                        int64_t now_ms, struct relay_digest_good *good)
{
    const struct msrp_digest_credentials *c = credentials;
    struct relay_nonce nonce;
    int err = check_form(rules, c, uri);

    *good = (struct relay_digest_good){.user = NULL};
    if (err < 0)
        return err;
    /* no way down from SHA-256 */
    const struct relay_digest_user *user =
        relay_digest_users_find(rules->users, c->username, c->algorithm);
    int state = relay_nonce_check(&digest->nonces, c->nonce, now_ms, (int64_t)rules->nonce_s * 1000,
                                  &nonce);
    err = check_response(c, uri, user);
    if (user && relay_backoff_waits(&digest->backoff, user->place, now_ms))
        return RELAY_E_DIGEST_WAIT; /* the right password too: who guesses learns nothing */
    if (err == RELAY_E_DIGEST_RESPONSE)
        relay_backoff_fail(&digest->backoff, user->place, relay_digest_users_count(rules->users),
                           now_ms);
    if (!err)
        err = state; /* rfc2617#3.2.1: stale only where the response is right */
    if (!err)
        err = relay_nonce_use(&digest->nonces, &nonce, c->nc_value);
    if (!err)
        err = relay_digest_response(c, user->ha1, "", uri, good->rspauth);
    if (!err && nears_end(rules, &nonce, now_ms, c->nc_value))
        err = relay_nonce_make(&digest->nonces, now_ms, good->nextnonce);
    good->user = err ? NULL : user;
    return err;
}
