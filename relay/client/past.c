#include "relay/client/past.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "relay/err.h"

int relay_past_init(struct relay_past *past, size_t frames, uint32_t window_s,
                    const uint8_t secret[16])
{
    *past = (struct relay_past){0};
    past->replay = dpp_replay_new(frames, window_s, secret);
    past->digests = calloc(RELAY_PAST_MESSAGES, sizeof(*past->digests));
    if (past->replay == NULL || past->digests == NULL) {
        relay_past_done(past);
        return RELAY_E_NOMEM;
    }
    return 0;
}

void relay_past_done(struct relay_past *past)
{
    dpp_replay_free(past->replay);
    free(past->digests);
    *past = (struct relay_past){0};
}

/* False when the digest cannot be made (no memory): nothing is remembered then, nothing found. */
static bool digest(uint8_t out[32], const char *from, const uint8_t conversation[16],
                   const uint8_t message[16], uint8_t notification)
{
    uint8_t key[33 + 256];
    size_t from_n = strlen(from);
    if (from_n > 256) {
        return false;
    }
    memcpy(key, conversation, 16);
    memcpy(key + 16, message, 16);
    key[32] = notification;
    memcpy(key + 33, from, from_n);
    return EVP_Digest(key, 33 + from_n, out, NULL, EVP_sha256(), NULL) == 1;
}

bool relay_past_has(const struct relay_past *past, const char *from, const uint8_t conversation[16],
                    const uint8_t message[16], uint8_t notification)
{
    uint8_t key[32];
    if (!digest(key, from, conversation, message, notification)) {
        return false;
    }
    for (size_t i = 0; i < past->n; i++) {
        if (memcmp(past->digests[i], key, sizeof(key)) == 0) {
            return true;
        }
    }
    return false;
}

void relay_past_add(struct relay_past *past, const char *from, const uint8_t conversation[16],
                    const uint8_t message[16], uint8_t notification)
{
    uint8_t key[32];
    if (digest(key, from, conversation, message, notification)) {
        memcpy(past->digests[past->at], key, sizeof(key));
        past->at = (past->at + 1) % RELAY_PAST_MESSAGES;
        past->n += past->n < RELAY_PAST_MESSAGES ? 1 : 0;
    }
}
