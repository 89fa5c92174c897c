/* fuzz_msrp_mime.c - a step, a Content-Type up to LF, then a body. However the body is cut, the
 * same parts and octets come out of the walker.
 * (longer than 40 lines: the reads are exact heap blocks, and the type is read first) */
#include <stdlib.h>
#include <string.h>

#include "msrp/msrp.h"

static uint64_t mix(uint64_t h, const void *p, size_t n)
{
    for (const unsigned char *c = p; n > 0; c++, n--)
        h = (h ^ *c) * 1099511628211u;
    return h;
}

static uint64_t run(struct msrp_str boundary, struct msrp_str body, size_t step)
{
    struct msrp_mime_event ev = {.kind = MSRP_MIME_MORE};
    uint64_t sum = 14695981039346656037u;
    size_t at = 0, fed = 0, from = 0;
    struct msrp_mime m;
    ssize_t used = 0;

    if (msrp_mime_init(&m, boundary, 200) < 0)
        abort();
    while (fed < body.n && used >= 0) {
        fed += step < body.n - fed ? step : body.n - fed;
        char *window = malloc(fed - at ? fed - at : 1);
        memcpy(window, body.p + at, fed - at);
        for (from = at; (used = msrp_mime_next(&m, window + (at - from), fed - at, &ev)) >= 0;) {
            at += (size_t)used;
            if (ev.kind == MSRP_MIME_MORE)
                break;
            sum = mix(sum, &ev.kind, ev.kind == MSRP_MIME_DATA ? 0 : sizeof ev.kind);
            sum = mix(mix(sum, ev.data.p, ev.data.n), ev.lines.p, ev.lines.n);
            for (struct msrp_str name, value; msrp_mime_next_line(&ev.lines, &name, &value);)
                sum = mix(mix(sum, name.p, name.n), value.p, value.n);
        }
        free(window);
    }
    int end = msrp_mime_finish(&m, used < 0 ? 0 : fed - at);
    return mix(sum, &end, sizeof end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char boundary[MSRP_BOUNDARY_MAX + 1];
    struct msrp_str type, body;
    struct msrp_media media;

    if (size < 2 || size > 20000 ||
        !msrp_str_cut((struct msrp_str){(const char *)data + 1, size - 1}, '\n', &type, &body))
        return 0;
    if (msrp_mime_parse_type(&media, type) < 0)
        return 0;
    int n = msrp_mime_boundary(&media, boundary);
    if (n < 0)
        return 0;
    struct msrp_str mark = {boundary, (size_t)n};
    uint64_t whole = run(mark, body, SIZE_MAX);
    if (run(mark, body, 1) != whole || run(mark, body, 1u + data[0]) != whole)
        abort();
    return 0;
}
