/* mikey_replay.c - which I_MESSAGEs were seen: by their signed octets, because a signature can be
 * turned into another good one and T is not unique in practice. */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "dpp/keys/mikey.h"

struct row {
    int64_t time_s; /* T: the message could be accepted until a window later */
    uint8_t digest[32];
};

/* Rows without order: key messages are rare, and looking through ten thousand takes less than the
 * verification of one signature. */
struct dpp_mikey_replay {
    size_t cap, n;
    uint32_t window_s;
    int64_t from_s; /* older messages are refused: their rows may be gone */
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
        replay->from_s = INT64_MIN;
    }
    return replay;
}

void dpp_mikey_replay_free(struct dpp_mikey_replay *replay)
{
    free(replay);
}

/* What may be narrowed away at most: all but the last eighth of the window. */
static int64_t latest_from(const struct dpp_mikey_replay *replay, int64_t now_s)
{
    return now_s - replay->window_s / 8;
}

static int64_t oldest(const struct dpp_mikey_replay *replay)
{
    int64_t time_s = INT64_MAX;

    for (size_t i = 0; i < replay->n; i++)
        if (replay->rows[i].time_s < time_s)
            time_s = replay->rows[i].time_s;
    return time_s;
}

static void drop_before(struct dpp_mikey_replay *replay, int64_t from_s)
{
    size_t kept = 0;

    for (size_t i = 0; i < replay->n; i++)
        if (replay->rows[i].time_s >= from_s)
            replay->rows[kept++] = replay->rows[i];
    replay->n = kept;
}

/* Drops what is too old to be accepted anyway; where that is nothing the window gets narrower by a
 * sixteenth. */
static void make_room(struct dpp_mikey_replay *replay, int64_t now_s)
{
    drop_before(replay, now_s - replay->window_s);
    if (replay->n < replay->cap)
        return;
    int64_t from_s = oldest(replay) + replay->window_s / 16 + 1;
    if (from_s > latest_from(replay, now_s))
        from_s = latest_from(replay, now_s);
    if (from_s > replay->from_s)
        replay->from_s = from_s;
    drop_before(replay, replay->from_s);
}

int dpp_mikey_replay_ask(struct dpp_mikey_replay *replay, const uint8_t digest[32], int64_t now_s)
{
    for (size_t i = 0; i < replay->n; i++)
        if (memcmp(replay->rows[i].digest, digest, 32) == 0)
            return DPP_E_MIKEY_REPLAY;
    return replay->n == replay->cap && oldest(replay) >= latest_from(replay, now_s)
               ? DPP_E_MIKEY_REPLAY_FULL
               : 0;
}

int dpp_mikey_replay_add(struct dpp_mikey_replay *replay, const uint8_t digest[32], int64_t time_s,
                         int64_t now_s)
{
    int rc = dpp_mikey_replay_ask(replay, digest, now_s);

    if (rc != 0)
        return rc;
    if (replay->n == replay->cap)
        make_room(replay, now_s);
    if (time_s < replay->from_s)
        return DPP_E_MIKEY_TIME;
    if (replay->n == replay->cap)
        return DPP_E_MIKEY_REPLAY_FULL;
    struct row *row = &replay->rows[replay->n++];
    row->time_s = time_s;
    memcpy(row->digest, digest, 32);
    return 0;
}

int dpp_mikey_digest(const struct dpp_mikey *mikey, uint8_t digest[32])
{
    return EVP_Digest(mikey->signed_part.p, mikey->signed_part.n, digest, NULL, EVP_sha256(),
                      NULL) == 1
               ? 0
               : DPP_E_CRYPTO;
}
