/* i_message.h - users who can key each other, and messages changed behind the sender's back and
 * signed again, for tests of what only a correct signature lets one see. */
#ifndef TESTS_DPP_I_MESSAGE_H
#define TESTS_DPP_I_MESSAGE_H

#include "dpp/keys/mikey.h"
#include "dpp/seal/seal.h"
#include "tests/dpp/realm.h"

#define ALICE "sip:alice@iops.example"
#define BOB   "sip:bob@iops.example"
#define CAROL "sip:carol@iops.example"
#define DORA  "sip:dora@far.example"
#define TEAM  "sip:team@iops.example"
#define MDSI  "sip:mdsi@iops.example"

static const uint8_t im_octets[16] = "sixteen octets !";

struct im {
    uint8_t p[DPP_MIKEY_MAX];
    size_t n;
};

/* Fresh enough for a test: another message gets other octets, the same in every run. */
static inline struct dpp_mikey_random im_random(void)
{
    static uint8_t count;
    struct dpp_mikey_random r;

    count++;
    memset(r.rand, count, sizeof r.rand);
    memset(r.iv, count + 1, sizeof r.iv);
    memset(r.j, 0x40 | (count & 0x3f), sizeof r.j);
    return r;
}

static inline struct dpp_key *im_key(uint32_t id, int64_t from_s, int64_t to_s)
{
    struct dpp_key *key;

    realm_must(dpp_key_new(&key, id, im_octets, 16, from_s, to_s));
    return key;
}

static inline ssize_t im_make(const struct dpp_ring *ring, const struct dpp_mikey_draft *draft,
                              struct im *im)
{
    struct dpp_mikey_random r = im_random();
    ssize_t n = dpp_mikey_make(ring, draft, &r, im->p, sizeof im->p);

    im->n = n > 0 ? (size_t)n : 0;
    return n;
}

/* A message that carries the key of im_octets, made at REALM_NOW_S. */
static inline void im_send(const struct dpp_ring *from, uint32_t id, const char *to, struct im *im)
{
    struct dpp_key *key = im_key(id, 0, 0);
    struct dpp_mikey_draft draft = {.key = key, .responder = to, .time_s = REALM_NOW_S};
    ssize_t n = im_make(from, &draft, im);

    dpp_key_free(key);
    realm_must(n < 0 ? (int)n : 0);
}

/* Prints the message as `m` has it now and signs it; `short_by` octets less are signed. */
static inline void im_sign(const struct dpp_ring *signer, const struct dpp_mikey *m,
                           size_t short_by, struct im *out)
{
    struct dpp_mikey_random r = im_random();
    struct im im;
    ssize_t n = dpp_mikey_print(m, im.p, sizeof im.p);

    realm_must(n < 0 ? (int)n : 0);
    im.n = (size_t)n;
    realm_must(dpp_eccsi_sign(dpp_ring_set_at(signer, 0)->signer, im.p, im.n - 129 - short_by, r.j,
                              im.p + im.n - 129));
    *out = im;
}

/* Parameters of our own in the place of those of a parsed message; `buf` holds them. */
static inline void im_parameters(struct dpp_mikey *m, const uint8_t *plain, size_t n, uint8_t type,
                                 uint8_t buf[1024])
{
    struct dpp_key *key = im_key(m->csb_id, 0, 0);
    struct dpp_frame head = {.type = type, .time_s = 1, .iv = {7}};
    struct dpp_seal seal;

    realm_must(dpp_seal_init(&seal, key, m->csb_id, DPP_MIKEY_USES, DPP_ALG_AES_128_GCM));
    ssize_t sealed_n = dpp_seal_close(&seal, &head, plain, n, buf, 1024);
    dpp_seal_done(&seal);
    dpp_key_free(key);
    realm_must(sealed_n < 0 ? (int)sealed_n : 0);
    m->parameters = (struct dpp_mikey_span){.p = buf, .n = (size_t)sealed_n};
}

#endif
