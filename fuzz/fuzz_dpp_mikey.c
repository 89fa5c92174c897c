/* fuzz_dpp_mikey.c - any octets as an I_MESSAGE: what parses prints to the same octets, every run
 * lies inside the input, and a message one octet shorter or longer does not parse. As text, the
 * base64 of a message is the message. */
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "dpp/keys/mikey.h"

static void check(bool is_right)
{
    if (!is_right)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t out[DPP_MIKEY_MAX + 2], more[DPP_MIKEY_MAX + 2], text[2 * DPP_MIKEY_MAX];
    struct dpp_mikey m, n;
    ssize_t got = dpp_mikey_text((const char *)data, size, out, sizeof out);
    check(got <= (ssize_t)sizeof out &&
          (size == 0 || data[0] != 1 || got < 0 || got == (ssize_t)size));
    if (dpp_mikey_parse(&m, data, size) != 0)
        return 0;
    check(dpp_mikey_print(&m, out, sizeof out) == (ssize_t)size && memcmp(out, data, size) == 0);
    check(dpp_mikey_print(&m, out, size - 1) == DPP_E_SPACE);
    check(m.signature + 129 == data + size && m.signed_part.n + 129 == size);
    for (int i = 0; i < DPP_MIKEY_ROLES; i++)
        check(!m.id[i].p || (m.id[i].p > data && m.id[i].p + m.id[i].n < m.signature));
    check(m.sakke.n == DPP_SAKKE_SED && m.rand.n >= 16);
    memcpy(more, data, size);
    check(dpp_mikey_parse(&n, more, size + 1) != 0 && dpp_mikey_parse(&n, data, size - 1) != 0);
    int text_n = EVP_EncodeBlock(text, data, (int)size);
    check(dpp_mikey_text((char *)text, (size_t)text_n, out, sizeof out) == (ssize_t)size);
    check(memcmp(out, data, size) == 0);
    return 0;
}
