/* replay.h - which sealed frames were opened lately: a bounded window over (DPPK-ID, IV).
 *
 * Only frames that did open are told to it, so nobody without the key can fill it. The text of
 * clause 8 on replay was not found; this is our design (security section 8). */
#ifndef DPP_SEAL_REPLAY_H
#define DPP_SEAL_REPLAY_H

#include <stddef.h>
#include <stdint.h>

#include "dpp/err.h"
#include "dpp/seal/frame.h"

struct dpp_replay;

/* A window for at most `cap` frames (1 to 1,048,576), all memory taken now. A frame's date may
 * differ from the receiver's clock by window_s at most; `secret` is 16 random octets that keep the
 * table's order unpredictable. NULL without memory. */
struct dpp_replay *dpp_replay_new(size_t cap, uint32_t window_s, const uint8_t secret[16])
    __attribute__((warn_unused_result));
void dpp_replay_free(struct dpp_replay *replay); /* NULL is allowed */

/* Tells that a frame was opened at now_s (unix; never runs backwards inside the window: an earlier
 * time counts as the latest seen). Returns 0 and remembers it until it can no longer be accepted;
 * DPP_E_REPLAY (seen before), DPP_E_REPLAY_TIME (its date is outside the window), DPP_E_REPLAY_FULL
 * (the window holds cap frames that may still come again: refuse, do not forget). */
int dpp_replay_add(struct dpp_replay *replay, int64_t now_s, const struct dpp_frame *frame)
    __attribute__((warn_unused_result));

#endif
