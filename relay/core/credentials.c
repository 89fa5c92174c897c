/* credentials.c - who is it that AUTHs? Bearer tokens and Digest users: profile sections 2.2 to
 * 2.5, rfc4976#9.1. */
#include "relay/core/machine.h"

#include <stdio.h>
#include <string.h>

static int check_token(struct relay_conn *conn, struct msrp_str token, struct relay_wish *wish)
{
    const struct relay *relay = conn->relay;

    if (!relay->conf.auth)
        return RELAY_E_JWS_KID; /* no issuer, no key */
    int err =
        relay_auth_token(relay->conf.auth, msrp_str_trim(token), relay->now.unix_s, &wish->claims);
    wish->kid = wish->claims.kid;
    return err;
}

/* Authentication-Info of the 200: the relay proves that it knows the password too. Row A6 */
static int write_info(const struct msrp_digest_credentials *credentials,
                      const struct relay_digest_good *good, struct relay_wish *wish)
{
    struct msrp_digest_info info = {
        .rspauth = msrp_str_of(good->rspauth),
        .cnonce = credentials->cnonce,
        .nextnonce = msrp_str_of(good->nextnonce[0] ? good->nextnonce : NULL),
        .qop = MSRP_STR("auth"),
        .nc_value = credentials->nc_value,
    };
    ssize_t n = msrp_digest_info_print(&info, wish->info, sizeof wish->info - 1);

    if (n < 0)
        return (int)n == MSRP_E_SPACE ? MSRP_E_DIGEST_LONG : (int)n; /* a very long cnonce */
    wish->info[n] = '\0';
    return 0;
}

static int check_digest(struct relay_conn *conn, struct relay_wish *wish)
{
    struct relay *relay = conn->relay;
    const struct msrp_head *head = &conn->chunk.head;
    struct msrp_digest_credentials credentials;
    struct relay_digest_good good;
    int err = msrp_digest_credentials_parse(&credentials, head->authorization);

    if (!err) /* rfc4976#9.1: the request-URI is the rightmost of To-Path */
        err = relay_digest_verify(relay->conf.digest, &relay->digest, &credentials, head->to.last,
                                  relay->now.mono_ms, &good);
    if (!err)
        err = write_info(&credentials, &good, wish);
    if (err < 0)
        return err;
    snprintf(wish->claims.mcdata_id, sizeof wish->claims.mcdata_id, "%s", good.user->mcdata_id);
    wish->claims.exp = INT64_MAX;
    wish->kid = good.user->tag;
    return relay_auth_user(relay->conf.auth, wish->claims.mcdata_id);
}

int relay_credentials_check(struct relay_conn *conn, struct relay_wish *wish)
{
    const struct relay *relay = conn->relay;
    const struct relay_conf *conf = &relay->conf;
    struct msrp_str said = conn->chunk.head.authorization, scheme, token;
    int err;

    *wish = (struct relay_wish){.kid = ""};
    /* before the costly part; the first AUTH of a connection has paid with its handshake */
    if (conn->presence && !relay_bucket_take(&conn->presence->auths, relay->now.mono_ms,
                                             conf->rate_messages_per_s, conf->rate_messages_burst))
        return RELAY_E_AUTH_RATE;
    if (!said.n)
        return RELAY_E_AUTH_NONE; /* row 52 */
    msrp_str_cut(said, ' ', &scheme, &token);
    if (msrp_str_is_nocase(scheme, "Bearer"))
        err = check_token(conn, token, wish);
    else if (conf->digest && msrp_digest_is_digest(said))
        err = check_digest(conn, wish);
    else
        err = RELAY_E_AUTH_SCHEME; /* row 58 */
    if (err < 0)
        return err;

    const struct relay_user *user =
        relay_policy_user(relay->policy, msrp_str_of(wish->claims.mcdata_id));
    if (user && user->revoked)
        return RELAY_E_REVOKED;
    if (conn->user && strcmp(conn->user, wish->claims.mcdata_id) != 0)
        return RELAY_E_AUTH_OTHER_USER; /* profile 2.7 */
    return 0;
}

bool relay_credentials_hold(const struct relay *relay, const char *user, const char *iss,
                            const char *kid)
{
    const struct relay_conf *conf = &relay->conf;
    const struct relay_user *row = relay_policy_user(relay->policy, msrp_str_of(user));
    struct relay_claims claims = {.exp =
                                      INT64_MAX}; /* a session's own time is looked at elsewhere */

    if (row && row->revoked)
        return false;
    if (!*iss)
        return relay_digest_recheck(conf->digest, kid) == 0 &&
               relay_auth_user(conf->auth, user) == 0;
    snprintf(claims.mcdata_id, sizeof claims.mcdata_id, "%s", user);
    snprintf(claims.iss, sizeof claims.iss, "%s", iss);
    snprintf(claims.kid, sizeof claims.kid, "%s", kid);
    return conf->auth && relay_auth_recheck(conf->auth, &claims, relay->now.unix_s) == 0;
}

bool relay_credentials_are_stale(const struct msrp_head *head)
{
    struct msrp_digest_challenge challenge;
    struct msrp_str name, value;
    size_t i = 0;

    while (msrp_head_next(head, &i, &name, &value))
        if (msrp_str_is_nocase(name, "WWW-Authenticate") &&
            !msrp_digest_challenge_parse(&challenge, value) && challenge.is_stale)
            return true;
    return false;
}

/* --- challenges --- */

/* Did the AUTH bring a token? RFC 6750 3.1: no error code for a request without one. */
static bool is_of_token(int err)
{
    const char *label = relay_err_row(err)->label;

    return err != RELAY_E_AUTH_NONE && err != RELAY_E_AUTH_SCHEME &&
           strncmp(label, "digest_", 7) != 0;
}

size_t relay_credentials_challenges(struct relay *relay, int err,
                                    char texts[RELAY_CHALLENGES_MAX][512],
                                    struct msrp_field fields[RELAY_CHALLENGES_MAX])
{
    static const enum msrp_digest_algorithm offered[] = {MSRP_DIGEST_SHA256, MSRP_DIGEST_MD5};
    const struct relay_conf *conf = &relay->conf;
    const struct relay_digest_rules *rules = conf->digest;
    size_t n = 0;

    if (!conf->auth || !conf->auth->is_tokenless) {
        snprintf(texts[0], 512, "Bearer realm=\"%s\", scope=\"%s\"%s", conf->realm, conf->scope,
                 is_of_token(err) ? ", error=\"invalid_token\"" : "");
        fields[n++] = (struct msrp_field){"WWW-Authenticate", msrp_str_of(texts[0])};
    }
    for (size_t i = 0; rules && i < 2; i++) {
        if (!relay_digest_is_offered(rules->users, offered[i]))
            continue;
        ssize_t text_n =
            relay_digest_challenge(rules, &relay->digest, offered[i], err == RELAY_E_DIGEST_STALE,
                                   relay->now.mono_ms, texts[n], 512);
        if (text_n < 0)
            continue; /* without a MAC: the Bearer challenge alone */
        fields[n] = (struct msrp_field){"WWW-Authenticate", {texts[n], (size_t)text_n}};
        n++;
    }
    return n;
}
