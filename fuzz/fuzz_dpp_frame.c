/* fuzz_dpp_frame.c - any octets as part 4; the first two choose tag, policy and split. Any split
 * gives the same refusal and passed count, little is held, and what passes has frames to walk. */
#include <stdlib.h>

#include "dpp/seal/payload.h"

static void check(bool is_right)
{
    if (!is_right)
        abort();
}

static int feed(struct dpp_frame_check *c, uint8_t how, const uint8_t *p, size_t n, size_t step)
{
    ssize_t passed = 0, before = 0;
    dpp_frame_check_init(c, how & 0x0f, how & 0x10);
    for (size_t at = 0; at < n && passed >= 0; at += step, before = passed) {
        passed = dpp_frame_feed(c, p + at, n - at < step ? n - at : step);
        check(passed < 0 || (passed >= before && dpp_frame_held(c) <= DPP_FRAME_HELD_MAX));
    }
    return passed < 0 ? (int)passed : dpp_frame_end(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dpp_frame_check whole, split;
    struct dpp_payload walk;
    const uint8_t *frame, *p = size < 2 ? data : data + 2;
    size_t frame_n, n = size < 2 ? 0 : size - 2;
    if (size < 2)
        return 0;
    int rc = feed(&whole, data[0], p, n, size);
    check(rc != 0 || whole.passed == n);
    for (size_t step = 1; step <= 1u + data[1]; step += 1u + data[1] / 2)
        check(feed(&split, data[0], p, n, step) == rc && split.passed == whole.passed);
    int walked = dpp_payload_init(&walk, p, n, data[0] & 0x0f);
    while (walked == 0 && dpp_payload_next(&walk, &frame, &frame_n))
        check(frame >= p && frame_n >= 51 && frame + frame_n <= p + n);
    return 0;
}
