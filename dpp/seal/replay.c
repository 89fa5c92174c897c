#include "dpp/seal/replay.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

#define CAP_MAX ((size_t)1 << 20)
#define NAME    (4 + DPP_FRAME_IV) /* DPPK-ID and IV */

/* Entries stand in a ring in the order of arrival, so the one that falls due first is the oldest;
 * chains by hash find one. `chains` and `next` hold 1 + the index, 0 ends a chain. */
struct entry {
    int64_t until_s; /* no frame of this date is accepted after it */
    uint32_t next;
    uint8_t name[NAME];
};

struct dpp_replay {
    size_t cap, first, count, chains_n;
    int64_t latest_s;
    uint32_t window_s;
    EVP_MAC_CTX *mac;
    uint32_t *chains;
    struct entry *ring;
    uint8_t secret[16];
};

struct dpp_replay *dpp_replay_new(size_t cap, uint32_t window_s, const uint8_t secret[16])
{
    if (cap < 1 || cap > CAP_MAX)
        return NULL;
    struct dpp_replay *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    for (r->chains_n = 1; r->chains_n < cap;)
        r->chains_n *= 2;
    r->cap = cap;
    r->window_s = window_s;
    memcpy(r->secret, secret, sizeof r->secret);
    r->chains = calloc(r->chains_n, sizeof *r->chains);
    r->ring = calloc(cap, sizeof *r->ring);
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
    r->mac = mac ? EVP_MAC_CTX_new(mac) : NULL;
    EVP_MAC_free(mac);
    if (!r->chains || !r->ring || !r->mac) {
        dpp_replay_free(r);
        return NULL;
    }
    return r;
}

void dpp_replay_free(struct dpp_replay *replay)
{
    if (!replay)
        return;
    EVP_MAC_CTX_free(replay->mac);
    free(replay->chains);
    free(replay->ring);
    free(replay);
}

/* Reliability T36: a sender chooses the IVs, so the hash is keyed. Returns the chain, or NULL. */
static uint32_t *chain_of(struct dpp_replay *r, const uint8_t name[NAME])
{
    uint8_t out[8];
    size_t out_n = 0, size = sizeof out;
    uint32_t low;
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size),
                                 OSSL_PARAM_construct_end()};

    if (EVP_MAC_init(r->mac, r->secret, sizeof r->secret, params) != 1 ||
        EVP_MAC_update(r->mac, name, NAME) != 1 ||
        EVP_MAC_final(r->mac, out, &out_n, sizeof out) != 1 || out_n != sizeof out)
        return NULL;
    memcpy(&low, out, sizeof low);
    return &r->chains[low & (r->chains_n - 1)];
}

/* Lets go of what can no longer be accepted. */
static int forget(struct dpp_replay *r)
{
    while (r->count > 0 && r->ring[r->first].until_s < r->latest_s) {
        struct entry *e = &r->ring[r->first];
        uint32_t *link = chain_of(r, e->name);
        if (!link)
            return DPP_E_CRYPTO;
        while (*link != (uint32_t)r->first + 1)
            link = &r->ring[*link - 1].next;
        *link = e->next;
        r->first = (r->first + 1) % r->cap;
        r->count--;
    }
    return 0;
}

int dpp_replay_add(struct dpp_replay *replay, int64_t now_s, const struct dpp_frame *frame)
{
    struct dpp_replay *r = replay;
    int64_t window = r->window_s, sent = (int64_t)frame->time_s;
    uint8_t name[NAME];

    if (now_s > r->latest_s)
        r->latest_s = now_s;
    if (sent < r->latest_s - window || sent > r->latest_s + window)
        return DPP_E_REPLAY_TIME;
    int rc = forget(r);
    if (rc != 0)
        return rc;

    memcpy(name, &frame->dppk_id, 4);
    memcpy(name + 4, frame->iv, DPP_FRAME_IV);
    uint32_t *chain = chain_of(r, name);
    if (!chain)
        return DPP_E_CRYPTO;
    for (uint32_t i = *chain; i != 0; i = r->ring[i - 1].next)
        if (memcmp(r->ring[i - 1].name, name, NAME) == 0)
            return DPP_E_REPLAY;
    if (r->count == r->cap)
        return DPP_E_REPLAY_FULL;

    size_t at = (r->first + r->count) % r->cap;
    /* sent <= latest + window, so it is acceptable until latest + 2 windows at most; one bound for
     * all keeps the ring in the order in which entries fall due */
    r->ring[at] = (struct entry){.until_s = r->latest_s + 2 * window, .next = *chain};
    memcpy(r->ring[at].name, name, NAME);
    *chain = (uint32_t)at + 1;
    r->count++;
    return 0;
}
