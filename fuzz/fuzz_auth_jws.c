/* fuzz_auth_jws.c - tokens. First octet 't': the rest is a token; nobody can forge one, so only the
 * text that RFC 7515 A.3 signs may verify. Any other: options, then header NUL payload, which are
 * signed here; what is accepted keeps the rules and stands no change. (longer than 40 lines: two
 * modes) */
#include <string.h>

#include "fuzz/auth_key.h"
#include "relay/auth/claims.h"
#include "relay/auth/jws.h"

#define NOW 1300819370

static const char *const domains[] = {"iops.example"}, *const users[] = {"tel:+1"};
static struct relay_issuer issuer = {.iss = "joe"};
static EVP_PKEY *key;

static void check(bool is_right)
{
    if (!is_right)
        abort();
}

static void judge_token(struct msrp_str token)
{
    struct relay_json *claims = NULL;
    struct relay_jws jws;

    if (relay_jws_split(token, &jws))
        return;
    check(jws.sig_n <= sizeof jws.sig && memchr(jws.kid, 0, sizeof jws.kid));
    if (relay_jws_verify(&jws, relay_jwks_at(issuer.keys, 0), &claims) == 0)
        check(msrp_str_is(jws.input, FUZZ_SIGNED));
    relay_json_free(claims);
}

static void judge_signed(const struct relay_auth *auth, struct msrp_str head,
                         struct msrp_str payload)
{
    static char token[RELAY_JWS_MAX * 2];
    char id[RELAY_MCDATA_ID_MAX + 1];
    struct relay_claims claims, again;
    uint8_t sig[64];
    size_t n = relay_base64_encode(head.p, head.n, token);

    token[n++] = '.';
    n += relay_base64_encode(payload.p, payload.n, token + n);
    fuzz_sign(key, token, n, sig);
    token[n] = '.';
    size_t end = n + 1 + relay_base64_encode(sig, sizeof sig, token + n + 1);
    if (relay_auth_token(auth, (struct msrp_str){token, end}, NOW, &claims))
        return;
    check(relay_auth_recheck(auth, &claims, NOW) == 0 && claims.exp > NOW - auth->skew_s);
    check(relay_mcdata_id_parse(msrp_str_of(claims.mcdata_id), id) == 0);
    check(strcmp(id, claims.mcdata_id) == 0 && strcmp(claims.iss, "joe") == 0 && *claims.client_id);
    check(!auth->iops || relay_mcdata_id_is_in(auth->iops_users, id) ||
          msrp_str_is(relay_mcdata_id_domain(id), "iops.example"));
    check(relay_auth_token(auth, (struct msrp_str){token, end}, claims.exp + 60, &again) != 0);
    token[sig[0] % n] ^= 1; /* any bit of what is signed */
    check(relay_auth_token(auth, (struct msrp_str){token, end}, NOW, &again) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct relay_auth auth = {
        .issuers = &issuer,
        .issuers_n = 1,
        .scope = RELAY_SCOPE_DATA,
        .skew_s = RELAY_SKEW_S,
        .iops_domains = {domains, 1},
        .iops_users = {users, 1},
        .revoked = {users, 1},
    };
    struct msrp_str text = {(const char *)data + 1, size - 1}, head, payload;
    struct relay_jwks *keys;
    const char *why;

    if (!key) {
        key = fuzz_key();
        check(relay_jwks_parse(FUZZ_JWKS, sizeof FUZZ_JWKS - 1, &keys) == 0);
        issuer.keys = keys;
    }
    if (size == 0 || size > RELAY_JWS_MAX)
        return 0;
    if (*data == 't') {
        judge_token(text);
        return 0;
    }
    auth.iops = *data & 1;
    auth.audience = *data & 2 ? "us" : NULL;
    issuer.domains = *data & 4 ? auth.iops_domains : (struct relay_list){NULL, 0};
    auth.revoked.n = *data & 8 ? 1 : 0;
    check(relay_auth_check(&auth, &why) == 0);
    msrp_str_cut(text, '\0', &head, &payload);
    judge_signed(&auth, head, payload);
    return 0;
}
