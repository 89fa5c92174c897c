/* fuzz_dpp_sds.c - any octets as an MCData message. What decodes is encoded to the same message and
 * to stable octets that are never longer; its JSON has no control character and is UTF-8. */
#include <stdlib.h>
#include <string.h>

#include "dpp/sds/print.h"

static uint8_t first[1 << 16], second[1 << 16], text[1 << 20];

#define check(is_right) ((is_right) ? (void)0 : abort())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dpp_msg m;
    struct dpp_out o;
    size_t at = 0;

    if (size > sizeof first)
        return 0;
    int err = dpp_msg_parse(&m, data, size, &at);
    check(at <= size);
    if (err)
        return 0;
    dpp_cur_out(&o, text, sizeof text);
    check(dpp_print_text(&o, &m) == 0);
    dpp_cur_out(&o, text, sizeof text);
    check(dpp_print_json(&o, &m) == 0);
    check(dpp_ie_is_utf8((struct dpp_span){.p = text, .n = o.n}));
    for (size_t i = 0; i < o.n; i++)
        check(text[i] >= 0x20 && text[i] != 0x7f);
    ssize_t n = dpp_msg_encode(first, size, &m);
    check(m.is_protected || m.is_authenticated ? n < 0 : n > 0);
    if (n < 0)
        return 0;
    check(dpp_msg_parse(&m, first, (size_t)n, NULL) == 0 && m.ignored == 0);
    check(dpp_msg_encode(second, sizeof second, &m) == n && memcmp(first, second, (size_t)n) == 0);
    return 0;
}
