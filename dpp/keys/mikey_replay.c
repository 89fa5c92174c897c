/* mikey_replay.c - which I_MESSAGEs were seen: by their signed octets, because a signature can be
 * turned into another good one and T is not unique in practice. */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "dpp/keys/mikey.h"

struct row {
    int64_t until_s; /* last second at which the message could still be accepted */
    uint8_t digest[32];
};

/* Rows without order: key messages are rare, and looking through ten thousand takes less than the
 * verification of one signature. */
struct dpp_mikey_replay {
    size_t cap, n;
    uint32_t window_s;
    struct row rows[];
};

struct dpp_mikey_replay *dpp_mikey_replay_new(size_t cap, uint32_t window_s)
{
    struct dpp_mikey_replay *replay = NULL;

    if (cap <= (SIZE_MAX - sizeof *replay) / sizeof replay->rows[0])
        replay = calloc(1, sizeof *replay + cap * sizeof replay->rows[0]);
    if (replay) {
        replay->cap = cap;
        replay->window_s = window_s ? window_s : DPP_MIKEY_WINDOW_S;
    }
    return replay;
}

void dpp_mikey_replay_free(struct dpp_mikey_replay *replay)
{
    free(replay);
}

/* Drops what is too old to be accepted anyway. */
static void prune(struct dpp_mikey_replay *replay, int64_t now_s)
{
    size_t kept = 0;

    for (size_t i = 0; i < replay->n; i++)
        if (replay->rows[i].until_s >= now_s)
            replay->rows[kept++] = replay->rows[i];
    replay->n = kept;
}

int dpp_mikey_replay_ask(struct dpp_mikey_replay *replay, const uint8_t digest[32], int64_t now_s)
{
    for (size_t i = 0; i < replay->n; i++)
        if (memcmp(replay->rows[i].digest, digest, 32) == 0)
            return DPP_E_MIKEY_REPLAY;
    if (replay->n == replay->cap)
        prune(replay, now_s);
    return replay->n == replay->cap ? DPP_E_MIKEY_REPLAY_FULL : 0;
}

int dpp_mikey_replay_add(struct dpp_mikey_replay *replay, const uint8_t digest[32], int64_t time_s,
                         int64_t now_s)
{
    int rc = dpp_mikey_replay_ask(replay, digest, now_s);

    if (rc == 0) {
        struct row *row = &replay->rows[replay->n++];
        row->until_s = time_s + replay->window_s;
        memcpy(row->digest, digest, 32);
    }
    return rc;
}

int dpp_mikey_digest(const struct dpp_mikey *mikey, uint8_t digest[32])
{
    return EVP_Digest(mikey->signed_part.p, mikey->signed_part.n, digest, NULL, EVP_sha256(),
                      NULL) == 1
               ? 0
               : DPP_E_CRYPTO;
}
