/* upload_kit.h - CSK uploads for tests: I_MESSAGEs with real keys of a KMS made on the spot, one
 * that only looks like one, and the chunks around them. */
#ifndef TESTS_RELAY_UPLOAD_KIT_H
#define TESTS_RELAY_UPLOAD_KIT_H

#include "tests/dpp/realm.h"
#include "tests/relay/core_kit.h"

#define UPLOAD_MDSI "sip:relay@iops.example"

struct upload_kms {
    struct realm realm;
    struct dpp_ring *relay, *alice, *bob;
};

/* Made once for all tests of a program: checks of RSKs take time. */
static inline const struct upload_kms *upload_kms(void)
{
    static struct upload_kms kms;
    static bool is_made;
    int rc = dpp_keys_init(4 * DPP_RING_SET_OCTETS);

    if (is_made)
        return &kms;
    assert_true(rc == 0 || rc == DPP_E_HEAP_UNLOCKED);
    realm_init(&kms.realm, "kms.iops.example", NULL, 3);
    kms.relay = realm_ring(UPLOAD_MDSI, &kms.realm, 1, 0);
    kms.alice = realm_ring(SIM_ALICE, &kms.realm, 1, 0);
    kms.bob = realm_ring(SIM_BOB, &kms.realm, 1, 0);
    is_made = true;
    return &kms;
}

/* What to upload. Zero: nothing special. */
struct upload_draft {
    const struct dpp_ring *from; /* who signs */
    uint32_t id;                 /* of the key; its octets are KIT_KEY */
    const char *to;              /* NULL: UPLOAD_MDSI */
    int64_t time_s;              /* 0: REALM_NOW_S */
    int64_t expiry_s;
    bool is_revoked;
};

/* Every call gives another message. */
static inline struct kit_text upload_make(const struct upload_draft *draft)
{
    static uint8_t count;
    struct dpp_key *key = NULL;
    struct dpp_mikey_random random;
    uint8_t out[DPP_MIKEY_MAX];
    struct kit_text text = {NULL, 0};

    assert_int_equal(dpp_key_new(&key, draft->id, KIT_KEY, sizeof KIT_KEY, 0, draft->expiry_s), 0);
    struct dpp_mikey_draft message = {
        .key = key,
        .responder = draft->to ? draft->to : UPLOAD_MDSI,
        .time_s = draft->time_s ? draft->time_s : REALM_NOW_S,
        .is_revoked = draft->is_revoked,
    };
    memset(&random, ++count, sizeof random);
    random.j[0] = 0;
    ssize_t n = dpp_mikey_make(draft->from, &message, &random, out, sizeof out);
    assert_true(n > 0);
    kit_put(&text, out, (size_t)n);
    dpp_key_free(key);
    return text;
}

/* Octets of the form of an I_MESSAGE, which no key would open. */
static inline size_t upload_form(uint8_t *out, uint8_t mark)
{
    static const struct {
        uint8_t type, front_n, front[4];
        size_t more;
    } rows[] = {
        {5, 1, {0}, 8},                /* T */
        {11, 1, {16}, 16},             /* RAND */
        {14, 4, {8, 1, 0, 32}, 32},    /* IDRi */
        {14, 4, {9, 1, 0, 32}, 32},    /* IDRr */
        {26, 4, {1, 2, 1, 0x11}, 273}, /* SAKKE */
        {4, 2, {0x20, 0x81}, 129},     /* SIGN */
    };
    size_t n = 10, next = 2;

    memcpy(out, (const uint8_t[]){1, 26, 0, 1, 0x20, 0, 0, 3, 0, 1}, n);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        out[next] = rows[i].type;
        if (rows[i].type != 4) {
            next = n;
            out[n++] = 0;
        }
        memcpy(out + n, rows[i].front, rows[i].front_n);
        memset(out + n + rows[i].front_n, mark, rows[i].more);
        n += rows[i].front_n + rows[i].more;
    }
    return n;
}

/* One chunk of an upload: octets [from, to) under the transaction id. `more`: header lines, each
 * with CRLF. */
static inline void upload_chunk(struct sim *sim, unsigned c, const char *tid, const char *id,
                                const char *more, const struct kit_text *text, size_t from,
                                size_t to, char flag)
{
    struct kit_text t = {NULL, 0};
    char head[2048];

    snprintf(head, sizeof head,
             "MSRP %s SEND\r\nTo-Path: %s " SIM_SERVICE "\r\nFrom-Path: %s\r\nMessage-ID: %s\r\n"
             "Byte-Range: %zu-%zu/%zu\r\n%sContent-Type: application/mikey\r\n\r\n",
             tid, sim->conns[c].use_path, sim->conns[c].remote, id, from + 1, to, text->n, more);
    kit_puts(&t, head);
    kit_put(&t, text->p + from, to - from);
    snprintf(head, sizeof head, "\r\n-------%s%c\r\n", tid, flag);
    kit_puts(&t, head);
    sim_say_n(sim, c, t.p, t.n);
    free(t.p);
}

/* All of it in one chunk; the code of the answer, 0 when there is none yet. */
static inline int upload_say(struct sim *sim, unsigned c, const char *tid,
                             const struct kit_text *text)
{
    upload_chunk(sim, c, tid, tid, "", text, 0, text->n, '$');
    return kit_code(sim, c, tid);
}

/* The same for a message made here. */
static inline int upload_draft(struct sim *sim, unsigned c, const char *tid,
                               const struct upload_draft *draft)
{
    struct kit_text text = upload_make(draft);
    int code = upload_say(sim, c, tid, &text);

    free(text.p);
    return code;
}

/* The driver gives the oldest job back: opened, or refused with `err`. */
static inline void upload_return(struct sim *sim, int err)
{
    struct relay_upload *upload = sim->held[0];

    assert_true(sim->held_n > 0);
    memmove(sim->held, sim->held + 1, --sim->held_n * sizeof(struct relay_upload *));
    if (err)
        upload->err = err;
    else
        relay_upload_open(sim->ring, upload);
    sim_give_back(sim, upload);
    sim_pump(sim);
}

#endif
