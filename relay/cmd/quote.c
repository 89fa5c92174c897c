#include "relay/cmd/quote.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "dpp/sds/ie.h"
#include "dpp/sds/print.h"

/* Controls of C1, and what turns the direction of text. */
static bool steers(uint32_t ch)
{
    return (ch >= 0x7f && ch <= 0x9f) || ch == 0x061c || (ch >= 0x200e && ch <= 0x200f) ||
           (ch >= 0x202a && ch <= 0x202e) || (ch >= 0x2066 && ch <= 0x2069);
}

void relay_quote_text(FILE *out, const void *p, size_t n)
{
    const uint8_t *octets = p;
    for (size_t i = 0; i < n;) {
        uint32_t ch;
        size_t size = dpp_ie_utf8(octets + i, n - i, &ch);
        if (size == 0 || steers(ch) || (ch < ' ' && ch != '\n' && ch != '\t')) {
            fputc('?', out);
        } else {
            fwrite(octets + i, 1, size, out);
        }
        i += size > 0 ? size : 1;
    }
}

void relay_quote_json(FILE *out, const void *p, size_t n)
{
    const uint8_t *octets = p;
    fputc('"', out);
    for (size_t i = 0; i < n;) {
        uint32_t ch;
        size_t size = dpp_ie_utf8(octets + i, n - i, &ch);
        if (size == 0) {
            fputs("\xef\xbf\xbd", out);
        } else if (ch == '"' || ch == '\\') {
            fprintf(out, "\\%c", (int)ch);
        } else if (ch < ' ' || steers(ch)) {
            fprintf(out, "\\u%04" PRIx32, ch);
        } else {
            fwrite(octets + i, 1, size, out);
        }
        i += size > 0 ? size : 1;
    }
    fputc('"', out);
}

void relay_quote_member(FILE *out, const char *name, const char *value)
{
    fprintf(out, ",\"%s\":", name);
    relay_quote_json(out, value, strlen(value));
}

void relay_quote_number(FILE *out, const char *name, uint64_t value)
{
    fprintf(out, ",\"%s\":%" PRIu64, name, value);
}

void relay_quote_uuid(char out[37], const uint8_t id[16])
{
    struct dpp_out text;
    dpp_cur_out(&text, out, 36);
    dpp_print_uuid(&text, id);
    out[text.n] = '\0';
}
