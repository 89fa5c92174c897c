/* str.c - see str.h. */
#include "msrp/str.h"

#include <string.h>

#include "msrp/err.h"

static unsigned char lower(char c)
{
    unsigned char u = (unsigned char)c;

    return u >= 'A' && u <= 'Z' ? (unsigned char)(u | 0x20) : u;
}

/* Bits of enum msrp_set; nothing above 0x7F is in any of them. tests/msrp/str.c holds it against
 * the words in str.h. */
static const unsigned char sets[128] = {
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x64, 0x40, 0x44, 0x64, 0x66, 0x64, 0x64, 0x60, 0x60, 0x64, 0x76, 0x60, 0x7e, 0x7e, 0x50,
    0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x40, 0x60, 0x40, 0x72, 0x40, 0x40,
    0x40, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f,
    0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x40, 0x40, 0x40, 0x44, 0x7c,
    0x44, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f,
    0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x44, 0x44, 0x44, 0x7c, 0x00,
};

bool msrp_str_is_same_nocase(struct msrp_str a, struct msrp_str b)
{
    if (msrp_str_is_same(a, b)) {
        return true; /* most are written as they should be */
    }
    if (a.n != b.n) {
        return false;
    }
    for (size_t i = 0; i < a.n; i++) {
        if (lower(a.p[i]) != lower(b.p[i])) {
            return false;
        }
    }
    return true;
}

bool msrp_str_has_prefix_nocase(struct msrp_str s, const char *text)
{
    struct msrp_str t = msrp_str_of(text);

    return s.n >= t.n && msrp_str_is_same_nocase((struct msrp_str){s.p, t.n}, t);
}

struct msrp_str msrp_str_trim(struct msrp_str s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) {
        s.p++, s.n--;
    }
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t')) {
        s.n--;
    }
    return s;
}

size_t msrp_str_find(struct msrp_str s, struct msrp_str needle)
{
    const char *hit;
    size_t at = 0;

    if (needle.n == 0) {
        return 0;
    }
    /* memchr is ten times faster than memmem, as long as the first octet is rare */
    for (unsigned misses = 0; misses < 64; misses++) {
        if (s.n - at < needle.n || !(hit = memchr(s.p + at, needle.p[0], s.n - at))) {
            return SIZE_MAX;
        }
        at = (size_t)(hit - s.p);
        if (s.n - at >= needle.n && memcmp(hit, needle.p, needle.n) == 0) {
            return at;
        }
        at++;
    }
    hit = memmem(s.p + at, s.n - at, needle.p, needle.n);
    return hit ? (size_t)(hit - s.p) : SIZE_MAX;
}

size_t msrp_str_find_mark(struct msrp_str s, struct msrp_str mark)
{
    size_t at = 0;

    while (at < s.n) {
        const char *hit = memchr(s.p + at, mark.p[0], s.n - at);
        size_t rest;

        if (!hit) {
            return s.n;
        }
        at = (size_t)(hit - s.p);
        rest = s.n - at < mark.n ? s.n - at : mark.n;
        if (memcmp(hit, mark.p, rest) == 0) {
            return at;
        }
        at++;
    }
    return s.n;
}

int msrp_str_u64(struct msrp_str s, uint64_t *v)
{
    uint64_t sum = 0;

    if (s.n == 0) {
        return MSRP_E_NUMBER;
    }
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') {
            return MSRP_E_NUMBER;
        }
    }
    if (s.n > 19) {
        return MSRP_E_RANGE_DIGITS;
    }
    /* 19 digits are below 10^19, which fits 64 bits: no step can overflow */
    for (size_t i = 0; i < s.n; i++) {
        sum = sum * 10 + (uint64_t)(s.p[i] - '0');
    }
    if (sum > MSRP_U63_MAX) {
        return MSRP_E_RANGE_VALUE;
    }
    *v = sum;
    return 0;
}

bool msrp_str_holds(struct msrp_str s, enum msrp_set set)
{
    unsigned all = set, above = 0;

    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        all &= sets[c & 0x7f];
        above |= c;
    }
    return all == set && above < 0x80;
}

bool msrp_str_is_plain(struct msrp_str s)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), high = 0x80 * ones;
    uint64_t bad = 0, eight;
    size_t i;

    /* per octet, in its high bit: it is above 0x7F, below 0x20 (the subtraction wraps; a borrow
     * comes from an octet that is bad itself), or 0x7F */
    for (i = 0; i + 8 <= s.n; i += 8) {
        memcpy(&eight, s.p + i, 8);
        bad |= eight | (eight - 0x20 * ones) | (eight + ones);
    }
    for (; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        bad |= c < 0x20 || c > 0x7e ? high : 0;
    }
    return (bad & high) == 0;
}

bool msrp_str_is_ident(struct msrp_str s)
{
    if (s.n < MSRP_IDENT_MIN || s.n > MSRP_IDENT_MAX) {
        return false;
    }
    return msrp_str_holds(s, MSRP_SET_IDENT) &&
           msrp_str_holds((struct msrp_str){s.p, 1}, MSRP_SET_ALNUM);
}

bool msrp_str_is_token(struct msrp_str s)
{
    return s.n > 0 && msrp_str_holds(s, MSRP_SET_TOKEN);
}

/* Octets of the UTF-8 sequence at p[0..n), 0 when there is none. */
static size_t utf8_length(const unsigned char *p, size_t n)
{
    unsigned char low = 0x80, high = 0xbf;
    size_t len;

    if (p[0] < 0x80) {
        return 1;
    }
    if (p[0] < 0xc2 || p[0] > 0xf4) {
        return 0; /* a continuation, an overlong two, or above U+10FFFF */
    }
    len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (n < len) {
        return 0;
    }
    switch (p[0]) {
    case 0xe0:
        low = 0xa0; /* overlong three */
        break;
    case 0xed:
        high = 0x9f; /* surrogates */
        break;
    case 0xf0:
        low = 0x90; /* overlong four */
        break;
    case 0xf4:
        high = 0x8f; /* above U+10FFFF */
        break;
    default:
        break;
    }
    if (p[1] < low || p[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < len; i++) {
        if (p[i] < 0x80 || p[i] > 0xbf) {
            return 0;
        }
    }
    return len;
}

bool msrp_str_is_utf8(struct msrp_str s)
{
    size_t len;

    for (size_t i = 0; i < s.n; i += len) {
        len = utf8_length((const unsigned char *)s.p + i, s.n - i);
        if (len == 0) {
            return false;
        }
    }
    return true;
}

void msrp_str_ident_make(char out[MSRP_IDENT_MADE + 1], const uint8_t rnd[16])
{
    static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789"; /* 32, none alike */
    unsigned bits = 0, held = 0;
    size_t in = 0;

    for (size_t i = 0; i < MSRP_IDENT_MADE; i++) {
        if (held < 5) {
            bits = (bits << 8) | (in < 16 ? rnd[in] : 0u);
            in++;
            held += 8;
        }
        held -= 5;
        out[i] = letters[(bits >> held) & 31u];
        bits &= (1u << held) - 1u;
    }
    out[MSRP_IDENT_MADE] = '\0';
}
