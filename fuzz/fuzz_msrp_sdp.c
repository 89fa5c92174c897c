/* fuzz_msrp_sdp.c - any octets as an SDP. A section that reads prints to one that reads as the same
 * and prints to itself; its caps hold, its verdicts agree with each other. */
#include <stdlib.h>
#include <string.h>

#include "msrp/msrp.h"

static void check(bool is_right)
{
    if (!is_right)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char once[2 * MSRP_SDP_MAX], twice[2 * MSRP_SDP_MAX];
    struct msrp_str rest, session, section, entry, none = {NULL, 0};
    struct msrp_sdp sdp, again;
    struct msrp_sdp_target target;

    session = msrp_sdp_cut_session((struct msrp_str){(const char *)data, size}, &rest);
    while (msrp_sdp_next_section(&rest, &section)) {
        if (msrp_sdp_parse(&sdp, session, section) < 0)
            continue;
        ssize_t n = msrp_sdp_print(&sdp, once, sizeof once);
        check(n > 0 && msrp_sdp_is_message(section));
        check(msrp_sdp_parse(&again, none, (struct msrp_str){once, (size_t)n}) == 0);
        check(msrp_sdp_print(&again, twice, sizeof twice) == n && !memcmp(once, twice, (size_t)n));
        check(msrp_sdp_match(&sdp) == msrp_sdp_match(&again) && sdp.path.count <= 8);
        check((sdp.path.count && sdp.types.n) || !sdp.port);
        check(msrp_sdp_target(&sdp, MSRP_CEMA_USE, &target) == (sdp.port > 0));
        for (struct msrp_str types = sdp.types; msrp_sdp_next_type(&types, &entry);) {
            struct msrp_media media = {MSRP_STR("a"), MSRP_STR("b"), none};
            check(msrp_str_is(entry, "*") || !msrp_mime_parse_type(&media, entry));
            check(msrp_sdp_takes(&sdp, &media, false) && msrp_sdp_takes(&again, &media, true));
        }
    }
    return 0;
}
