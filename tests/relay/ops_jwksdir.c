/* Token rules from settings and JWKS files. */
#include <stdio.h>
#include <unistd.h>

#include "relay/ops/jwksdir.h"
#include "tests/relay/auth_token.h"

static char path[] = "/tmp/jwksdir.XXXXXX";

static void put(const char *text)
{
    FILE *file = fopen(path, "w");

    fputs(text, file);
    fclose(file);
}

/* A key set with one fresh public key named `kid`. */
static char *key_set(const char *kid)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    char xy[2][64], *text;
    uint8_t octets[32];

    for (int i = 0; i < 2; i++) {
        BIGNUM *bn = NULL;

        EVP_PKEY_get_bn_param(key, i ? OSSL_PKEY_PARAM_EC_PUB_Y : OSSL_PKEY_PARAM_EC_PUB_X, &bn);
        BN_bn2binpad(bn, octets, 32);
        relay_base64_encode(octets, 32, xy[i]);
        BN_free(bn);
    }
    EVP_PKEY_free(key);
    assert_true(asprintf(&text,
                         "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"ES256\","
                         "\"kid\":\"%s\",\"x\":\"%s\",\"y\":\"%s\"}]}",
                         kid, xy[0], xy[1]) > 0);
    return text;
}

static int setup(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    return close(fd);
}

static int teardown(void **state)
{
    (void)state;
    return unlink(path);
}

static char iss[] = "https://idms.iops.example", aud[] = "mcrelay", scope[] = RELAY_SCOPE_DATA;
static char domain[] = "iops.example";
static char *domains[] = {domain};
static struct relay_conf_issuer issuers[2] = {{.iss = iss, .jwks = path, .audience = aud},
                                              {.iss = aud, .jwks = path, .audience = aud}};

static struct relay_settings settings(size_t issuers_n)
{
    return (struct relay_settings){.issuers = issuers,
                                   .issuers_n = issuers_n,
                                   .scope = scope,
                                   .core = {.skew_s = 17},
                                   .iops = true,
                                   .iops_domains = {domains, 1}};
}

static void the_rules_are_those_of_the_settings(void **state)
{
    struct relay_settings s = settings(1);
    const struct relay_auth *auth;
    struct relay_rules *rules;
    char why[RELAY_CONF_WHY], *text = key_set("site-1");

    (void)state;
    put(text);
    assert_int_equal(relay_jwksdir_load(&s, &rules, why, sizeof why), 0);
    auth = relay_rules_auth(rules);
    assert_int_equal(auth->issuers_n, 1);
    assert_string_equal(auth->issuers[0].iss, iss);
    assert_non_null(relay_jwks_find(auth->issuers[0].keys, msrp_str_of("site-1")));
    assert_string_equal(auth->audience, "mcrelay");
    assert_string_equal(auth->scope, RELAY_SCOPE_DATA);
    assert_int_equal(auth->skew_s, 17);
    assert_true(auth->iops);
    assert_string_equal(auth->iops_domains.p[0], "iops.example");
    relay_rules_free(rules);
    free(text);
}

static void wrong_rules_are_told(void **state)
{
    struct relay_settings s = settings(1);
    struct relay_rules *rules = (void *)path;
    char why[RELAY_CONF_WHY], *text = key_set("site-1");

    (void)state;
    put("{\"keys\":[]}");
    assert_true(relay_jwksdir_load(&s, &rules, why, sizeof why) < 0);
    assert_null(rules);
    assert_ptr_equal(strstr(why, path), why);
    assert_non_null(strstr(why, "it must be a JWKS with ES256, RS256 or PS256 public keys"));
    put("{");
    assert_true(relay_jwksdir_load(&s, &rules, why, sizeof why) < 0);
    put(text);
    s = settings(2); /* one kid for two issuers */
    assert_int_equal(relay_jwksdir_load(&s, &rules, why, sizeof why), RELAY_E_CONF);
    assert_ptr_equal(strstr(why, "tokens: "), why);
    s = settings(1);
    s.iops_domains.n = 0; /* the IOPS rule without a domain */
    assert_int_equal(relay_jwksdir_load(&s, &rules, why, sizeof why), RELAY_E_CONF);
    issuers[0].jwks = aud; /* no such file */
    assert_int_equal(relay_jwksdir_load(&s, &rules, why, sizeof why), RELAY_E_IO);
    issuers[0].jwks = path;
    free(text);
}

static void the_stamp_follows_the_file(void **state)
{
    struct relay_settings s = settings(1);
    uint64_t stamp;

    (void)state;
    put("a");
    stamp = relay_jwksdir_stamp(&s);
    assert_int_equal(relay_jwksdir_stamp(&s), stamp);
    put("ab");
    assert_true(relay_jwksdir_stamp(&s) != stamp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rules_are_those_of_the_settings),
        cmocka_unit_test(wrong_rules_are_told),
        cmocka_unit_test(the_stamp_follows_the_file),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
