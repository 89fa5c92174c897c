/* core_digest.h - passwords for the people of core_script.h: everybody's is "pw", the names are a,
 * b, c...; the second has SHA-256. */
#ifndef FUZZ_CORE_DIGEST_H
#define FUZZ_CORE_DIGEST_H

#include "fuzz/core_oracle.h"
#include "relay/auth/digest.h"

static enum msrp_digest_algorithm digest_algorithm(unsigned who)
{
    return who == 1 ? MSRP_DIGEST_SHA256 : MSRP_DIGEST_MD5;
}

/* The list for these MCData IDs; to be freed. */
static struct relay_digest_users *digest_users(const char *const *ids, unsigned n)
{
    struct relay_digest_users *list = relay_digest_users_new();
    char ha1[MSRP_DIGEST_HEX_MAX + 1], name[2] = "a";

    must(list, "passwords");
    for (unsigned i = 0; i < n; i++, name[0]++)
        must(!relay_digest_ha1(digest_algorithm(i), msrp_str_of(name), MSRP_STR("r"),
                               MSRP_STR("pw"), ha1) &&
                 !relay_digest_users_add(list, name, ids[i], digest_algorithm(i), ha1),
             "passwords");
    must(!relay_digest_users_seal(list), "passwords");
    return list;
}

/* Right credentials of user `who` over the nonce that stands last in what was heard. */
static void digest_credentials(const char *heard, unsigned who, uint32_t nc_value, char *out,
                               size_t cap)
{
    char name[2] = {(char)('a' + who)}, nonce[64] = "n", nc[MSRP_DIGEST_NC + 1];
    char ha1[MSRP_DIGEST_HEX_MAX + 1], response[MSRP_DIGEST_HEX_MAX + 1];

    for (const char *at = heard; (at = strstr(at, "nonce=\"")); at += 7)
        (void)sscanf(at, "nonce=\"%60[^\"]", nonce);
    msrp_digest_nc(nc, nc_value);
    struct msrp_digest_credentials d = {
        .username = msrp_str_of(name),
        .realm = MSRP_STR("r"),
        .nonce = msrp_str_of(nonce),
        .cnonce = MSRP_STR("c"),
        .qop = MSRP_STR("auth"),
        .nc = msrp_str_of(nc),
        .nc_value = nc_value,
        .algorithm = digest_algorithm(who),
    };
    must(!relay_digest_ha1(d.algorithm, d.username, d.realm, MSRP_STR("pw"), ha1) &&
             !relay_digest_response(&d, ha1, "AUTH", MSRP_STR(SIM_URI), response),
         "credentials");
    d.response = msrp_str_of(response);
    ssize_t n = msrp_digest_credentials_print(&d, out, cap - 1);
    must(n > 0 || n == MSRP_E_OCTET, "credentials"); /* a nonce of somebody's own making */
    out[n > 0 ? n : 0] = '\0';
}

#endif
