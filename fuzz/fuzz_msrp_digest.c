/* fuzz_msrp_digest.c - any octets as each of the three Digest headers. What reads lies inside the
 * value, and what is printed of it reads to the same and prints to the same. */
#include <stdlib.h>
#include <string.h>

#include "msrp/msrp.h"

static void check(bool is_right)
{
    if (!is_right)
        abort();
}

/* Prints what was read, reads that, prints again. A name that is none of ours is not printed. */
#define ROUND(kind, algorithm_is_ours)                                                             \
    if (msrp_digest_##kind##_parse(&kind, value) == 0 && (algorithm_is_ours)) {                    \
        ssize_t n = msrp_digest_##kind##_print(&kind, once, sizeof once);                          \
        check(n > 0 && msrp_digest_##kind##_print(&kind, twice, (size_t)n - 1) == MSRP_E_SPACE);   \
        check(msrp_digest_##kind##_parse(&kind, (struct msrp_str){once, (size_t)n}) == 0);         \
        check(msrp_digest_##kind##_print(&kind, twice, sizeof twice) == n);                        \
        check(memcmp(once, twice, (size_t)n) == 0);                                                \
    }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char once[16384], twice[16384];
    struct msrp_str value = {(const char *)data, size};
    struct msrp_digest_challenge challenge;
    struct msrp_digest_credentials credentials;
    struct msrp_digest_info info;

    /* one without qop or nc prints with them: it is complete from then on */
    ROUND(challenge, challenge.algorithm != MSRP_DIGEST_OTHER)
    ROUND(credentials, credentials.algorithm != MSRP_DIGEST_OTHER)
    ROUND(info, true)
    if (msrp_digest_credentials_parse(&credentials, value) == 0)
        check(credentials.response.p >= value.p &&
              credentials.response.p + credentials.response.n <= value.p + value.n);
    return 0;
}
