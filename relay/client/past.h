/* past.h - what a client received before: messages by their IDs, frames by their IVs. Private to
 * relay/client. */
#ifndef RELAY_CLIENT_PAST_H
#define RELAY_CLIENT_PAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dpp/seal/replay.h"

enum { RELAY_PAST_MESSAGES = 1024 /* remembered; then the oldest is forgotten */ };

struct relay_past {
    struct dpp_replay *replay;
    uint8_t (*digests)[32]; /* ring; of sender, conversation and message ID */
    size_t n, at;
};

/* 0, or negative without memory. */
int relay_past_init(struct relay_past *past, size_t frames, uint32_t window_s,
                    const uint8_t secret[16]) __attribute__((warn_unused_result));
void relay_past_done(struct relay_past *past);

/* Was this message complete before? The key is the one the relay uses (profile section 4,
 * Duplicates); a notification's type belongs to it, 0 for a message. */
bool relay_past_has(const struct relay_past *past, const char *from, const uint8_t conversation[16],
                    const uint8_t message[16], uint8_t notification);
void relay_past_add(struct relay_past *past, const char *from, const uint8_t conversation[16],
                    const uint8_t message[16], uint8_t notification);

#endif
