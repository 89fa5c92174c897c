/* sdp_rules.c - what two endpoints agree on by their SDPs. See sdp.h. */
#include <string.h>

#include "msrp/sdp.h"
#include "msrp/uri.h"

/* Does an entry of the list cover the type? rfc4975#8.6: parameters do not matter. */
static bool covers(struct msrp_str list, const struct msrp_media *media)
{
    struct msrp_media listed;
    struct msrp_str entry;

    while (msrp_sdp_next_type(&list, &entry)) {
        if (msrp_str_is(entry, "*")) {
            return true;
        }
        if (msrp_mime_parse_type(&listed, entry) == 0 &&
            (msrp_str_is(listed.type, "*") || msrp_str_is_same_nocase(listed.type, media->type)) &&
            (msrp_str_is(listed.subtype, "*") ||
             msrp_str_is_same_nocase(listed.subtype, media->subtype))) {
            return true;
        }
    }
    return false;
}

bool msrp_sdp_takes(const struct msrp_sdp *sdp, const struct msrp_media *media, bool is_wrapped)
{
    return covers(sdp->types, media) || (is_wrapped && covers(sdp->wrapped, media));
}

int msrp_sdp_set_place(struct msrp_sdp *sdp)
{
    struct msrp_uri first, own;

    if (msrp_uri_parse(&first, sdp->path.first) < 0 || msrp_uri_parse(&own, sdp->path.last) < 0) {
        return MSRP_E_SDP_PATH;
    }
    if (sdp->has_cema) {
        own = first; /* rfc6714#4.2: the address information of the relay, rather than its own */
    }
    sdp->is_secure = first.is_secure;
    sdp->address = own.host;
    sdp->is_ip6 = own.is_ip6;
    sdp->port = sdp->setup == MSRP_SETUP_ACTIVE ? MSRP_SDP_PORT_NONE : own.port;
    return 0;
}

/* The address of c= as the host of a URI would be read; both are valid, so its looks tell. */
static struct msrp_uri place_of(const struct msrp_sdp *sdp)
{
    struct msrp_uri place = {.host = sdp->address, .has_port = true, .port = sdp->port};
    size_t n = 0;

    while (n < place.host.n && strchr("0123456789.", place.host.p[n])) {
        n++;
    }
    place.is_ip4 = n == place.host.n;
    place.is_ip6 = memchr(place.host.p, ':', place.host.n) != NULL;
    return place;
}

static enum msrp_sdp_match match_one(const struct msrp_sdp *sdp, const struct msrp_uri *uri)
{
    struct msrp_uri place = place_of(sdp);

    if (sdp->setup == MSRP_SETUP_ACTIVE && sdp->port == MSRP_SDP_PORT_NONE) {
        place.port = uri->port;
    }
    if (place.port != uri->port) {
        return MSRP_SDP_DIFFERENT;
    }
    place.is_secure = uri->is_secure;
    place.transport = uri->transport;
    if (msrp_uri_is_same_place(&place, uri)) {
        return MSRP_SDP_SAME;
    }
    return (place.is_ip4 || place.is_ip6) && (uri->is_ip4 || uri->is_ip6) ? MSRP_SDP_DIFFERENT
                                                                          : MSRP_SDP_UNRESOLVED;
}

enum msrp_sdp_match msrp_sdp_match(const struct msrp_sdp *sdp)
{
    enum msrp_sdp_match found = MSRP_SDP_DIFFERENT;
    struct msrp_str rest = sdp->path.text, text;
    struct msrp_uri uri;

    while (found != MSRP_SDP_SAME && msrp_path_next(&rest, &text)) {
        if (msrp_uri_parse(&uri, text) == 0) {
            enum msrp_sdp_match match = match_one(sdp, &uri);

            found = match == MSRP_SDP_DIFFERENT ? found : match;
        }
    }
    return found;
}

enum msrp_setup msrp_sdp_offer_setup(bool is_reachable)
{
    return is_reachable ? MSRP_SETUP_ACTPASS : MSRP_SETUP_ACTIVE;
}

enum msrp_setup msrp_sdp_answer_setup(enum msrp_setup offered, bool is_reachable)
{
    switch (offered) {
    case MSRP_SETUP_PASSIVE:
        return MSRP_SETUP_ACTIVE;
    case MSRP_SETUP_ACTPASS:
        return is_reachable ? MSRP_SETUP_PASSIVE : MSRP_SETUP_ACTIVE;
    default:
        return MSRP_SETUP_PASSIVE; /* rfc4975#8.5: who offers connects */
    }
}

enum msrp_sdp_active msrp_sdp_active(enum msrp_setup offered, enum msrp_setup answered)
{
    enum { X = MSRP_SDP_NOBODY, O = MSRP_SDP_OFFERER, A = MSRP_SDP_ANSWERER };
    static const unsigned char table[4][4] = {
        /* answered:            absent active passive actpass */
        [MSRP_SETUP_ABSENT] = {O, X, O, X},
        [MSRP_SETUP_ACTIVE] = {O, X, O, X},
        [MSRP_SETUP_PASSIVE] = {X, A, X, X}, /* who says nothing waits */
        [MSRP_SETUP_ACTPASS] = {O, A, O, X},
    };

    return (enum msrp_sdp_active)table[offered][answered];
}

enum msrp_cema msrp_sdp_cema_answer(const struct msrp_sdp *offer, bool matches, bool has_relay)
{
    bool theirs = offer->path.count > 1;

    if (!offer->has_cema && !matches) {
        return MSRP_CEMA_REJECT;
    }
    if (theirs && has_relay) {
        return MSRP_CEMA_FALLBACK; /* criterion 1 */
    }
    if (theirs && (offer->setup == MSRP_SETUP_ABSENT || offer->setup == MSRP_SETUP_ACTIVE)) {
        return MSRP_CEMA_FALLBACK; /* criterion 2 */
    }
    if (has_relay && offer->setup == MSRP_SETUP_PASSIVE) {
        return MSRP_CEMA_FALLBACK; /* criterion 3 */
    }
    /* #4.1: a relay of who knows nothing of CEMA does not stand in c= and m= */
    return theirs && !offer->has_cema ? MSRP_CEMA_FALLBACK : MSRP_CEMA_USE;
}

enum msrp_cema msrp_sdp_cema_offer(const struct msrp_sdp *answer, bool matches, bool has_relay)
{
    bool theirs = answer->path.count > 1;
    bool are_active = answer->setup != MSRP_SETUP_ACTIVE;

    /* #4.1: a relay of ours would have to be told c= and m= in a To-Path, and no session matches */
    if (has_relay && are_active) {
        return matches ? MSRP_CEMA_FALLBACK : MSRP_CEMA_REOFFER; /* criterion 2 */
    }
    if (!answer->has_cema && !matches && (!are_active || theirs)) {
        return MSRP_CEMA_REOFFER; /* criteria 1 and 3 */
    }
    return theirs && matches ? MSRP_CEMA_FALLBACK : MSRP_CEMA_USE;
}

bool msrp_sdp_target(const struct msrp_sdp *remote, enum msrp_cema verdict,
                     struct msrp_sdp_target *target)
{
    struct msrp_uri uri;

    if (remote->port == 0 || verdict == MSRP_CEMA_REOFFER || verdict == MSRP_CEMA_REJECT ||
        msrp_uri_parse(&uri, remote->path.first) < 0) {
        return false;
    }
    *target = (struct msrp_sdp_target){uri.host, uri.port, uri.is_secure};
    if (verdict == MSRP_CEMA_USE) {
        target->host = remote->address;
        target->port = remote->port;
    }
    return true;
}
