#include "relay/auth/base64.h"

#include <stdint.h>

#include "relay/err.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static int sextet(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

ssize_t relay_base64_decode(const char *text, size_t n, void *out, size_t room)
{
    uint8_t *octets = out;
    uint32_t bits = 0; /* only the last `held` are still to be given out */
    unsigned held = 0;
    size_t made = 0;

    if (n % 4 == 1 || (out && RELAY_BASE64_OCTETS(n) > room))
        return RELAY_E_JWS_BASE64;
    for (size_t i = 0; i < n; i++) {
        int v = sextet(text[i]);
        if (v < 0)
            return RELAY_E_JWS_BASE64;
        bits = bits << 6 | (uint32_t)v;
        held += 6;
        if (held < 8)
            continue;
        held -= 8;
        if (octets)
            octets[made] = (uint8_t)(bits >> held);
        made++;
    }
    if (bits & ((1U << held) - 1)) /* two texts for the same octets */
        return RELAY_E_JWS_BASE64;
    return (ssize_t)made;
}

size_t relay_base64_encode(const void *octets, size_t n, char *out)
{
    const uint8_t *p = octets;
    uint32_t bits = 0;
    unsigned held = 0;
    size_t made = 0;

    for (size_t i = 0; i < n; i++) {
        bits = bits << 8 | p[i];
        held += 8;
        while (held >= 6) {
            held -= 6;
            out[made++] = alphabet[bits >> held & 63];
        }
    }
    if (held)
        out[made++] = alphabet[bits << (6 - held) & 63];
    out[made] = '\0';
    return made;
}
