#include "relay/cmd/offer.h"

#include <stdio.h>
#include <string.h>

#include "msrp/sdp.h"
#include "relay/err.h"

ssize_t relay_offer_print(const char *path, const struct relay_endpoint_conf *conf,
                          char out[RELAY_OFFER_MAX])
{
    struct msrp_limits limits = MSRP_LIMITS_DEFAULT;
    char types[RELAY_OFFER_MAX / 2] = "*";
    size_t n = 0;
    struct msrp_sdp sdp = {.has_max_size = conf->max_size > 0,
                           .max_size = conf->max_size,
                           .setup = msrp_sdp_offer_setup(true)};
    for (size_t i = 0; i < conf->accept_n && n < sizeof(types); i++) {
        int put = snprintf(types + n, sizeof(types) - n, "%s%s", i > 0 ? " " : "", conf->accept[i]);
        n += put > 0 ? (size_t)put : 0;
    }
    sdp.types = msrp_str_of(types);
    int rc =
        n < sizeof(types) ? msrp_path_parse(&sdp.path, msrp_str_of(path), &limits) : MSRP_E_SPACE;
    rc = rc != 0 ? rc : msrp_sdp_set_place(&sdp);
    ssize_t made = rc != 0 ? rc : msrp_sdp_print(&sdp, out, RELAY_OFFER_MAX - 1);
    out[made > 0 ? made : 0] = '\0';
    return made;
}

static int take(struct msrp_str path, char out[RELAY_ENDPOINT_PATH + 1])
{
    if (path.n > RELAY_ENDPOINT_PATH) {
        return RELAY_E_TOO_LARGE;
    }
    if (path.n > 0) {
        memcpy(out, path.p, path.n);
    }
    out[path.n] = '\0';
    return 0;
}

int relay_offer_path(const char *text, char out[RELAY_ENDPOINT_PATH + 1])
{
    struct msrp_str all = msrp_str_of(text), rest, section, session;
    struct msrp_sdp sdp;
    if (!msrp_str_has_prefix(all, "v=") && !msrp_str_has_prefix(all, "m=")) {
        all.n = strcspn(text, "\r\n");
        return take(all, out);
    }
    session = msrp_sdp_cut_session(all, &rest);
    while (msrp_sdp_next_section(&rest, &section)) {
        if (msrp_sdp_is_message(section)) {
            int rc = msrp_sdp_parse(&sdp, session, section);
            return rc != 0 ? rc : sdp.port == 0 ? RELAY_E_SESSION : take(sdp.path.text, out);
        }
    }
    return RELAY_E_SESSION;
}
