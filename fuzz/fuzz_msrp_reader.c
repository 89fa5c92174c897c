/* fuzz_msrp_reader.c - any octets as a MSRP stream. However it is cut into reads, the same events,
 * faults and body octets come out, and no more than an end-line waits while a body is read.
 * (longer than 40 lines: the reads are exact heap blocks, and the head is looked at in full) */
#include <stdlib.h>
#include <string.h>

#include "msrp/msrp.h"

static uint64_t mix(uint64_t h, const void *p, size_t n)
{
    for (const unsigned char *c = p; n > 0; c++, n--)
        h = (h ^ *c) * 1099511628211u;
    return h;
}

static uint64_t mix_head(uint64_t h, const struct msrp_head *head)
{
    struct msrp_str to = msrp_head_answer_path(head), name, value;
    bool answered = msrp_report_is_answered(head, 200);
    bool refused = msrp_report_is_answered(head, 413);
    bool more = head->method == MSRP_SEND ? refused : answered; /* who answers one answers this */

    for (size_t i = 0; msrp_head_next(head, &i, &name, &value);)
        h = mix(mix(h, name.p, name.n), value.p, value.n);
    if (!msrp_str_is_ident(head->tid) || !msrp_head_find(head, "to-path", &value) ||
        more != (answered || refused) || msrp_head_find(head, "(", &value))
        abort();
    return mix(mix(mix(h, to.p, to.n), &answered, 1), head->tid.p, head->tid.n);
}

/* Reads `step` octets at a time, from an exact heap block each time; a digest of all events. */
static uint64_t run(const uint8_t *data, size_t size, size_t step)
{
    uint64_t sum = 14695981039346656037u;
    size_t at = 0, fed = 0, from = 0;
    struct msrp_event ev = {.kind = MSRP_EV_MORE};
    struct msrp_reader r;
    ssize_t used = 0;
    bool in_body = false;

    msrp_reader_init(&r, NULL);
    while (fed < size && used >= 0) {
        fed += step < size - fed ? step : size - fed;
        char *window = memcpy(malloc(fed - at + 1), data + at, fed - at);
        window = realloc(window, fed - at ? fed - at : 1);
        for (from = at; (used = msrp_reader_next(&r, window + (at - from), fed - at, &ev)) >= 0;) {
            at += (size_t)used;
            if (ev.kind == MSRP_EV_MORE && in_body && fed - at >= MSRP_END_MAX)
                abort();
            if (ev.kind == MSRP_EV_MORE)
                break;
            in_body = ev.kind != MSRP_EV_END;
            sum = ev.kind == MSRP_EV_BODY ? mix(sum, ev.body.p, ev.body.n) : mix(sum, &ev.err, 4);
            if (ev.kind == MSRP_EV_HEAD)
                sum = mix_head(sum, ev.head);
        }
        free(window);
    }
    bool answer = msrp_reader_is_answerable(&r);
    return mix(mix(mix(sum, &used, used < 0 ? sizeof used : 0), &answer, 1), &at, used < 0 ? 0 : 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 100000)
        return 0;
    uint64_t whole = run(data + 1, size - 1, SIZE_MAX);
    if (run(data + 1, size - 1, 1 + data[0]) != whole ||
        (size < 3000 && run(data + 1, size - 1, 1) != whole))
        abort();
    return 0;
}
