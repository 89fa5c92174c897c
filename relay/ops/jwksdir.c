#include "relay/ops/jwksdir.h"

#include <stdlib.h>

#include "relay/ops/file.h"

struct relay_rules {
    struct relay_auth auth;
    struct relay_issuer *issuers;
    struct relay_jwks **sets; /* one per issuer */
    size_t n;
};

static struct relay_list list_of(const struct relay_strings *strings)
{
    return (struct relay_list){(const char *const *)strings->v, strings->n};
}

static int read_set(const char *path, struct relay_jwks **set, char *why, size_t why_n)
{
    char *p;
    size_t n;
    int err = relay_file_read(path, RELAY_JWKSDIR_OCTETS, false, &p, &n, why, why_n);

    if (err < 0)
        return err;
    err = relay_jwks_parse(p, n, set);
    if (err < 0)
        snprintf(why, why_n, "%s: %s; it must be a JWKS with ES256, RS256 or PS256 public keys",
                 path, relay_strerror(err));
    relay_file_free(p, n);
    return err;
}

int relay_jwksdir_load(const struct relay_settings *settings, struct relay_rules **out, char *why,
                       size_t why_n)
{
    struct relay_rules *rules = calloc(1, sizeof *rules);
    int err = 0;

    *out = NULL;
    if (rules) {
        rules->issuers = calloc(settings->issuers_n + 1, sizeof *rules->issuers);
        rules->sets = calloc(settings->issuers_n + 1, sizeof(struct relay_jwks *));
    }
    if (!rules || !rules->issuers || !rules->sets) {
        snprintf(why, why_n, "out of memory");
        relay_rules_free(rules);
        return RELAY_E_NOMEM;
    }
    for (rules->n = 0; rules->n < settings->issuers_n && err == 0; rules->n++) {
        const struct relay_conf_issuer *from = &settings->issuers[rules->n];
        err = read_set(from->jwks, &rules->sets[rules->n], why, why_n);
        rules->issuers[rules->n] = (struct relay_issuer){
            .iss = from->iss, .keys = rules->sets[rules->n], .domains = list_of(&from->domains)};
    }
    rules->auth = (struct relay_auth){
        .issuers = rules->issuers,
        .issuers_n = settings->issuers_n,
        .is_tokenless = settings->issuers_n == 0 && settings->digest_users,
        .scope = settings->scope,
        .audience = settings->issuers_n ? settings->issuers[0].audience : NULL,
        .skew_s = settings->core.skew_s,
        .iops = settings->iops,
        .iops_domains = list_of(&settings->iops_domains),
        .iops_users = list_of(&settings->iops_users),
    };
    const char *sentence = NULL;
    if (err == 0 && (err = relay_auth_check(&rules->auth, &sentence)) < 0)
        snprintf(why, why_n, "tokens: %s", sentence);
    if (err < 0)
        relay_rules_free(rules);
    else
        *out = rules;
    return err;
}

const struct relay_auth *relay_rules_auth(const struct relay_rules *rules)
{
    return &rules->auth;
}

void relay_rules_free(struct relay_rules *rules)
{
    if (!rules)
        return;
    for (size_t i = 0; rules->sets && i < rules->n; i++)
        relay_jwks_free(rules->sets[i]);
    free(rules->sets);
    free(rules->issuers);
    free(rules);
}

uint64_t relay_jwksdir_stamp(const struct relay_settings *settings)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < settings->issuers_n; i++)
        sum = relay_stamp_mix(sum, settings->issuers[i].jwks);
    return sum;
}
