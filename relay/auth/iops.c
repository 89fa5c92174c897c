#include "relay/auth/iops.h"

#include <string.h>

#include "relay/err.h"

static bool is_alpha(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 0x20) : c;
}

/* rfc3261#25.1 user: unreserved, escaped, user-unreserved. "%00" would end a text elsewhere. */
static bool is_user(struct msrp_str user)
{
    for (size_t i = 0; i < user.n; i++) {
        char c = user.p[i];
        if (c == '%') {
            if (user.n - i < 3 || !is_hex(user.p[i + 1]) || !is_hex(user.p[i + 2]) ||
                memcmp(user.p + i, "%00", 3) == 0)
                return false;
            i += 2;
        } else if (!is_alpha(c) && !is_digit(c) && (c == '\0' || !strchr("-_.!~*'()&=+$,;?/", c))) {
            return false;
        }
    }
    return user.n > 0;
}

/* rfc3261#25.1 hostname or IPv4address; labels of letters, digits and inner hyphens. No dot at the
 * end: that would be a second name for the same domain. */
static bool is_host(struct msrp_str host)
{
    size_t label = 0;

    for (size_t i = 0; i < host.n; i++) {
        char c = host.p[i];
        if (is_alpha(c) || is_digit(c)) {
            label++;
        } else if (c == '-' && label > 0) {
            label++;
        } else if (c == '.' && label > 0 && host.p[i - 1] != '-') {
            label = 0;
        } else {
            return false;
        }
        if (label > 63)
            return false;
    }
    return label > 0 && host.p[host.n - 1] != '-';
}

/* rfc3966#3 global-number without parameters */
static bool is_number(struct msrp_str number)
{
    size_t digits = 0;

    for (size_t i = 1; i < number.n; i++) {
        if (is_digit(number.p[i]))
            digits++;
        else if (number.p[i] == '\0' || !strchr("-.()", number.p[i]))
            return false;
    }
    return number.n > 0 && number.p[0] == '+' && digits > 0;
}

int relay_mcdata_id_parse(struct msrp_str id, char out[RELAY_MCDATA_ID_MAX + 1])
{
    struct msrp_str scheme, rest, user, host;
    bool sip;

    memset(out, 0, RELAY_MCDATA_ID_MAX + 1);
    if (id.n > RELAY_MCDATA_ID_MAX || !msrp_str_cut(id, ':', &scheme, &rest))
        return RELAY_E_CLAIM_MCDATA_URI;
    sip = msrp_str_is_nocase(scheme, "sip");
    if (sip && (!msrp_str_cut(rest, '@', &user, &host) || !is_user(user) || !is_host(host)))
        return RELAY_E_CLAIM_MCDATA_URI;
    if (!sip && (!msrp_str_is_nocase(scheme, "tel") || !is_number(rest)))
        return RELAY_E_CLAIM_MCDATA_URI;
    for (size_t i = 0; i < id.n; i++)
        out[i] = i < scheme.n || (sip && id.p + i >= host.p) ? lower(id.p[i]) : id.p[i];
    return 0;
}

struct msrp_str relay_mcdata_id_domain(const char *id)
{
    struct msrp_str domain;

    msrp_str_cut(msrp_str_of(id), '@', NULL, &domain);
    return domain;
}

bool relay_domain_has(struct relay_list domains, const char *id)
{
    struct msrp_str domain = relay_mcdata_id_domain(id);

    for (size_t i = 0; domain.n && i < domains.n; i++)
        if (msrp_str_is_nocase(domain, domains.p[i]))
            return true;
    return false;
}

/* Both are well formed and `id` is in lower case where case does not count. No copy, no parse: the
 * list may be long. */
static bool is_same_id(const char *listed, const char *id)
{
    bool is_user = false; /* case counts from the colon to the at-sign */

    for (;; listed++, id++) {
        if ((is_user ? *listed : lower(*listed)) != *id)
            return false;
        if (*id == '\0')
            return true;
        is_user = *id == ':' || (is_user && *id != '@');
    }
}

bool relay_mcdata_id_is_in(struct relay_list ids, const char *id)
{
    for (size_t i = 0; i < ids.n; i++)
        if (is_same_id(ids.p[i], id))
            return true;
    return false;
}

/* ts33180#B.2.1.3 NOTE, ts33180#B.2.2.3 NOTE, ts33180#X.1 */
int relay_iops_check(struct relay_list domains, struct relay_list users, const char *id,
                     bool has_mcvideo, bool has_mcrec)
{
    if (!relay_domain_has(domains, id) && !relay_mcdata_id_is_in(users, id))
        return RELAY_E_IOPS_DOMAIN;
    if (has_mcvideo)
        return RELAY_E_IOPS_MCVIDEO;
    return has_mcrec ? RELAY_E_IOPS_MCREC : 0;
}
