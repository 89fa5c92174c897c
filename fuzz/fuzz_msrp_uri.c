/* fuzz_msrp_uri.c - any octets as a URI and as a path. What parses prints to a text that parses to
 * the same URI and prints to itself from then on; comparison is reflexive and symmetric; a path
 * that is pushed onto another has the URIs of both, and with itself it is a loop.
 * (longer than 40 lines: one oracle for URIs, one for paths) */
#include <stdlib.h>
#include <string.h>

#include "msrp/msrp.h"

static void check(bool is_right)
{
    if (!is_right)
        abort();
}

static void check_path(struct msrp_str text)
{
    static const struct msrp_limits limits = MSRP_LIMITS_DEFAULT;
    struct msrp_path path, pushed;
    struct msrp_writer w;
    char out[8192];

    if (text.n > 4096 || msrp_path_parse(&path, text, &limits) == MSRP_E_TO_URI)
        return;
    check(msrp_path_has_loop(text, path.last) && msrp_path_pop(text, path.count).n == 0);
    check(msrp_str_is_same(msrp_path_pop(text, path.count - 1), path.last));
    msrp_writer_init(&w, out, sizeof out);
    msrp_path_push(&w, "P", path.last, text);
    check(w.err == 0);
    (void)!msrp_path_parse(&pushed, (struct msrp_str){out + 3, w.n - 5}, &limits);
    check(pushed.count == path.count + 1 && msrp_str_is_same(pushed.first, path.last));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct msrp_str text = {(const char *)data, size}, first, second;
    char once[MSRP_URI_MAX + 1], twice[MSRP_URI_MAX + 1];
    struct msrp_uri uri, again;
    ssize_t n;

    check_path(text);
    /* two texts with a space between them: any order gives the same verdict */
    msrp_str_cut(text, ' ', &first, &second);
    check(msrp_uri_is_same_text(first, second) == msrp_uri_is_same_text(second, first));
    if (msrp_uri_parse(&uri, first) < 0)
        return 0;
    check(uri.host.n > 0 && uri.transport.n > 0 && uri.has_port == (uri.port > 0));
    check(uri.host.p >= first.p && uri.host.p + uri.host.n <= first.p + first.n);
    check(msrp_uri_is_same(&uri, &uri) && msrp_uri_is_same_place(&uri, &uri));
    n = msrp_uri_print(&uri, once, sizeof once);
    check(n > 0 && (size_t)n <= first.n);
    check(msrp_uri_parse(&again, (struct msrp_str){once, (size_t)n}) == 0);
    check(msrp_uri_is_same(&uri, &again));
    check(msrp_uri_print(&again, twice, sizeof twice) == n && strcmp(once, twice) == 0);
    check(msrp_uri_print(&uri, once, (size_t)n) == MSRP_E_SPACE);
    return 0;
}
