#include "relay/auth/nonce.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "relay/auth/base64.h"
#include "relay/err.h"

enum {
    CLEAR = 16, /* octets of time and serial number */
    MAC = 16,   /* octets kept of the MAC */
    CAP_FIRST = 64,
    WINDOW = 64,
};

_Static_assert(RELAY_BASE64_CHARS(CLEAR + MAC) == RELAY_NONCE_CHARS, "a nonce is 43 characters");

struct relay_nonce_used {
    uint64_t serial;
    uint64_t seen;        /* bit i: the count highest - i was used */
    uint32_t highest;     /* 1.. */
    uint32_t next_in_row; /* 1 + place; 0: the last */
};

void relay_nonces_init(struct relay_nonces *nonces, const uint8_t secret[RELAY_NONCE_SECRET],
                       size_t cap_max)
{
    *nonces = (struct relay_nonces){.cap_max = cap_max};
    memcpy(nonces->secret, secret, RELAY_NONCE_SECRET);
}

void relay_nonces_done(struct relay_nonces *nonces)
{
    free(nonces->used);
    free(nonces->rows);
    OPENSSL_cleanse(nonces, sizeof *nonces);
}

static void put_u64(uint8_t *p, uint64_t v)
{
    for (int i = 7; i >= 0; i--, v >>= 8)
        p[i] = (uint8_t)v;
}

static uint64_t get_u64(const uint8_t *p)
{
    uint64_t v = 0;

    for (int i = 0; i < 8; i++)
        v = v << 8 | p[i];
    return v;
}

static int mac_of(const struct relay_nonces *nonces, const uint8_t clear[CLEAR], uint8_t mac[32])
{
    size_t n = 0;

    return EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, nonces->secret, RELAY_NONCE_SECRET, clear,
                     CLEAR, mac, 32, &n) &&
                   n == 32
               ? 0
               : RELAY_E_DIGEST_HASH;
}

int relay_nonce_make(struct relay_nonces *nonces, int64_t now_ms, char out[RELAY_NONCE_CHARS + 1])
{
    uint8_t octets[CLEAR + 32];

    put_u64(octets, (uint64_t)now_ms);
    put_u64(octets + 8, ++nonces->serial);
    if (mac_of(nonces, octets, octets + CLEAR) < 0)
        return RELAY_E_DIGEST_HASH;
    out[relay_base64_encode(octets, CLEAR + MAC, out)] = '\0';
    return 0;
}

int relay_nonce_check(const struct relay_nonces *nonces, struct msrp_str text, int64_t now_ms,
                      int64_t life_ms, struct relay_nonce *nonce)
{
    uint8_t octets[CLEAR + MAC + 2], mac[32];

    if (text.n != RELAY_NONCE_CHARS ||
        relay_base64_decode(text.p, text.n, octets, sizeof octets) != CLEAR + MAC)
        return RELAY_E_DIGEST_STALE;
    if (mac_of(nonces, octets, mac) < 0)
        return RELAY_E_DIGEST_HASH;
    if (CRYPTO_memcmp(mac, octets + CLEAR, MAC) != 0)
        return RELAY_E_DIGEST_STALE;
    *nonce = (struct relay_nonce){get_u64(octets + 8), (int64_t)get_u64(octets)};
    return now_ms - nonce->made_ms < life_ms ? 0 : RELAY_E_DIGEST_STALE;
}

/* --- what was used --- */

static uint32_t *row_of(const struct relay_nonces *nonces, uint64_t serial)
{
    return &nonces->rows[serial & (nonces->cap - 1)];
}

static struct relay_nonce_used *find(const struct relay_nonces *nonces, uint64_t serial)
{
    if (!nonces->cap)
        return NULL;
    for (uint32_t i = *row_of(nonces, serial); i; i = nonces->used[i - 1].next_in_row)
        if (nonces->used[i - 1].serial == serial)
            return &nonces->used[i - 1];
    return NULL;
}

static void hang(struct relay_nonces *nonces, size_t place)
{
    uint32_t *row = row_of(nonces, nonces->used[place].serial);

    nonces->used[place].next_in_row = *row;
    *row = (uint32_t)place + 1;
}

/* Twice the room; false without memory, or when that is the cap. */
static bool grow(struct relay_nonces *nonces)
{
    size_t cap = nonces->cap ? nonces->cap * 2 : CAP_FIRST;
    struct relay_nonces wide = *nonces;

    if (cap > nonces->cap_max)
        cap = nonces->cap_max;
    if (cap == nonces->cap)
        return false;
    wide.used = malloc(cap * sizeof *wide.used);
    wide.rows = calloc(cap, sizeof *wide.rows);
    if (!wide.used || !wide.rows) {
        free(wide.used);
        free(wide.rows);
        return false;
    }
    wide.cap = cap;
    wide.at = 0;
    for (size_t i = 0; i < nonces->n; i++) {
        wide.used[i] = nonces->used[(nonces->at + i) & (nonces->cap - 1)];
        hang(&wide, i);
    }
    free(nonces->used);
    free(nonces->rows);
    nonces->used = wide.used;
    nonces->rows = wide.rows;
    nonces->cap = wide.cap;
    nonces->at = 0;
    return true;
}

/* The one used first goes; the floor closes behind it. */
static void forget_first(struct relay_nonces *nonces)
{
    const struct relay_nonce_used *first = &nonces->used[nonces->at];
    uint32_t *link = row_of(nonces, first->serial);

    while (*link != nonces->at + 1)
        link = &nonces->used[*link - 1].next_in_row;
    *link = first->next_in_row;
    if (nonces->floor < first->serial)
        nonces->floor = first->serial;
    nonces->at = (nonces->at + 1) & (nonces->cap - 1);
    nonces->n--;
}

/* Marks a count. False when it was, or may have been, used. */
static bool mark(struct relay_nonce_used *used, uint32_t nc)
{
    uint32_t ahead = nc > used->highest ? nc - used->highest : 0;

    if (ahead) {
        used->seen = ahead < WINDOW ? used->seen << ahead | 1 : 1;
        used->highest = nc;
        return true;
    }
    uint32_t behind = used->highest - nc;
    if (behind >= WINDOW || used->seen & (uint64_t)1 << behind)
        return false;
    used->seen |= (uint64_t)1 << behind;
    return true;
}

int relay_nonce_use(struct relay_nonces *nonces, const struct relay_nonce *nonce, uint32_t nc)
{
    struct relay_nonce_used *used = find(nonces, nonce->serial);

    if (!nc)
        return RELAY_E_DIGEST_REPLAY; /* counting begins with 1 */
    if (used)
        return mark(used, nc) ? 0 : RELAY_E_DIGEST_REPLAY;
    if (nonce->serial <= nonces->floor)
        return RELAY_E_DIGEST_STALE;
    if (nonces->n == nonces->cap && !grow(nonces)) {
        if (!nonces->n)
            return RELAY_E_NOMEM;
        forget_first(nonces);
        if (nonce->serial <= nonces->floor)
            return RELAY_E_DIGEST_STALE;
    }
    size_t place = (nonces->at + nonces->n++) & (nonces->cap - 1);
    nonces->used[place] = (struct relay_nonce_used){nonce->serial, 1, nc, 0};
    hang(nonces, place);
    return 0;
}
