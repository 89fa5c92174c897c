#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dpp/cur.h"
#include "tests/dpp/i_message.h"

#define PCK 0x10000a01
#define GMK 0x00000a02
#define CSK 0x20000a03
#define ALL (1u << DPP_ROLE_PCK | 1u << DPP_ROLE_GMK | 1u << DPP_ROLE_CSK)

static struct realm realm;
static struct dpp_ring *alice, *bob;
static struct dpp_mikey_got got;

/* Opens at now_s with the tolerances; a key is looked at and freed. */
static int open_at(const struct dpp_ring *ring, const struct im *im, int64_t now_s,
                   unsigned tolerance)
{
    struct dpp_mikey_want w = {.now_s = now_s, .roles = ALL, .tolerance = tolerance};
    size_t n;
    int rc = dpp_mikey_open(ring, im->p, im->n, &w, &got);

    if (got.key) {
        assert_int_equal(rc, 0);
        assert_memory_equal(dpp_key_octets(got.key, &n), im_octets, 16);
        assert_int_equal(dpp_key_activation_s(got.key), got.activation_s);
        assert_int_equal(dpp_key_expiry_s(got.key), got.expiry_s);
        dpp_key_free(got.key);
    }
    return rc;
}

static int opened(const struct im *im, unsigned tolerance)
{
    return open_at(bob, im, REALM_NOW_S, tolerance);
}

static void test_pck(void **state)
{
    struct dpp_key *key = im_key(PCK, REALM_NOW_S - 5, REALM_NOW_S + 60);
    struct dpp_mikey_draft draft = {.key = key,
                                    .responder = BOB,
                                    .time_s = REALM_NOW_S - 3,
                                    .fraction = 0x80000000,
                                    .shares_with_gateway = true};
    struct im im;
    struct dpp_mikey m;
    uint8_t digest[32];

    (void)state;
    assert_true(im_make(alice, &draft, &im) > 0);
    assert_int_equal(opened(&im, 0), 0);
    assert_int_equal(got.role, DPP_ROLE_PCK);
    assert_int_equal(got.key_id, PCK);
    assert_int_equal(got.csb_id, PCK);
    assert_int_equal(got.status, 3);
    assert_int_equal(got.time_s, REALM_NOW_S - 3);
    assert_int_equal(got.activation_s, REALM_NOW_S - 5);
    assert_int_equal(got.expiry_s, REALM_NOW_S + 60);
    assert_string_equal(got.initiator, ""); /* hidden, and nobody asked for him */
    assert_string_equal(got.responder, BOB);
    assert_memory_equal(got.initiator_uid, dpp_ring_set_at(alice, 0)->uid, 32);
    assert_memory_equal(got.responder_uid, dpp_ring_set_at(bob, 0)->uid, 32);
    /* what is on the wire */
    assert_int_equal(dpp_mikey_parse(&m, im.p, im.n), 0);
    assert_int_equal(m.ntp, (uint64_t)(REALM_NOW_S - 3 + DPP_RING_NTP_UNIX) << 32 | 0x80000000);
    assert_int_equal(m.map_type, 1);
    assert_int_equal(m.rand.n, 16);
    assert_null(m.id[DPP_MIKEY_INITIATOR].p);
    assert_null(m.id[DPP_MIKEY_RESPONDER].p);
    assert_non_null(m.id[DPP_MIKEY_KMS_RESPONDER].p);
    assert_null(m.to_self.p);
    assert_null(m.policy.p);
    assert_int_equal(m.parameters.p[0], 0x43);
    assert_int_equal(m.parameters.p[32], 0); /* IEI */
    assert_int_equal(m.parameters.n, 35 + 17 + 16);
    assert_int_equal(dpp_mikey_digest(&m, digest), 0);
    assert_memory_equal(got.digest, digest, 32);
    dpp_key_free(key);
}

/* GMK: the CSB-ID is the GUK-ID of the responder, groups come along. ts33180#F.1.3, #E.6 */
static void test_gmk(void **state)
{
    static const char *const groups[] = {TEAM, "sip:other-team@iops.example"};
    struct dpp_key *key = im_key(GMK, 0, 0);
    struct dpp_mikey_draft draft = {
        .key = key, .responder = BOB, .groups = groups, .time_s = REALM_NOW_S};
    struct im im;
    uint32_t guk_id;

    (void)state;
    for (draft.groups_n = 0; draft.groups_n <= 2; draft.groups_n++) {
        assert_true(im_make(alice, &draft, &im) > 0);
        assert_int_equal(opened(&im, 0), 0);
        assert_int_equal(got.role, DPP_ROLE_GMK);
        assert_int_equal(got.key_id, GMK);
        assert_int_equal(dpp_kdf_guk_id(im_octets, 16, GMK, BOB, &guk_id), 0);
        assert_int_equal(got.csb_id, guk_id);
        assert_int_equal(got.groups_n, draft.groups_n);
        for (size_t i = 0; i < draft.groups_n; i++)
            assert_string_equal(got.groups[i], groups[i]);
        assert_int_equal(got.activation_s, REALM_NOW_S); /* T */
        assert_int_equal(got.expiry_s, 0);
    }
    /* as many as fit, each as long as may be */
    char uri[DPP_URI_MAX + 2];
    const char *many[DPP_MIKEY_GROUPS_MAX + 1];
    memset(uri, 'g', sizeof uri);
    uri[DPP_URI_MAX] = 0;
    for (size_t i = 0; i <= DPP_MIKEY_GROUPS_MAX; i++)
        many[i] = uri;
    draft.groups = many;
    draft.groups_n = DPP_MIKEY_GROUPS_MAX;
    assert_true(im_make(alice, &draft, &im) > 0);
    assert_int_equal(opened(&im, 0), 0);
    assert_string_equal(got.groups[DPP_MIKEY_GROUPS_MAX - 1], uri);
    draft.groups_n++;
    assert_int_equal(im_make(alice, &draft, &im), DPP_E_LONG);
    draft.groups_n = 1;
    uri[DPP_URI_MAX] = 'g';
    uri[DPP_URI_MAX + 1] = 0;
    assert_int_equal(im_make(alice, &draft, &im), DPP_E_LONG);
    dpp_key_free(key);
}

/* A CSK goes to the server's identity; its ring is that of the MDSI. ts33180#E.4 */
static void test_csk(void **state)
{
    struct dpp_ring *relay = realm_ring(MDSI, &realm, 1, 0);
    struct im im;

    (void)state;
    im_send(alice, CSK, MDSI, &im);
    assert_int_equal(open_at(relay, &im, REALM_NOW_S, 0), 0);
    assert_int_equal(got.role, DPP_ROLE_CSK);
    assert_string_equal(got.responder, MDSI);
    assert_int_equal(opened(&im, 0), DPP_E_MIKEY_RESPONDER);
    dpp_ring_free(relay);
}

/* Identity hiding off: roles 1 and 2. ts33180#E.7 */
static void test_uris(void **state)
{
    struct dpp_key *key = im_key(PCK, 0, 0);
    struct dpp_mikey_draft draft = {
        .key = key, .responder = BOB, .time_s = REALM_NOW_S, .uris = true};
    struct dpp_mikey_want w = {.now_s = REALM_NOW_S, .roles = ALL, .initiator = CAROL};
    struct im im, again;
    struct dpp_mikey m;

    (void)state;
    assert_true(im_make(alice, &draft, &im) > 0);
    assert_int_equal(opened(&im, 0), 0);
    assert_string_equal(got.initiator, ALICE);
    assert_memory_equal(got.initiator_uid, dpp_ring_set_at(alice, 0)->uid, 32);
    assert_int_equal(open_at(alice, &im, REALM_NOW_S, 0), DPP_E_MIKEY_RESPONDER);
    assert_int_equal(dpp_mikey_open(bob, im.p, im.n, &w, &got), DPP_E_MIKEY_INITIATOR);
    /* another's name over Alice's signature */
    assert_int_equal(dpp_mikey_parse(&m, im.p, im.n), 0);
    m.id[DPP_MIKEY_INITIATOR] = (struct dpp_mikey_span){(const uint8_t *)CAROL, strlen(CAROL)};
    im_sign(alice, &m, 0, &again);
    assert_int_equal(opened(&again, 0), DPP_E_MIKEY_SIGN);
    /* both forms, and they differ */
    assert_int_equal(dpp_mikey_parse(&m, im.p, im.n), 0);
    m.id[DPP_MIKEY_UID_INITIATOR] = (struct dpp_mikey_span){dpp_ring_set_at(bob, 0)->uid, 32};
    for (size_t i = m.order_n; i-- > 2;) {
        m.order[i + 1] = m.order[i];
        m.order_ext[i + 1] = m.order_ext[i];
    }
    m.order_n++;
    m.order_ext[2] = DPP_MIKEY_UID_INITIATOR;
    im_sign(alice, &m, 0, &again);
    assert_int_equal(opened(&again, 0), DPP_E_MIKEY_INITIATOR);
    m.id[DPP_MIKEY_UID_INITIATOR].p = dpp_ring_set_at(alice, 0)->uid;
    im_sign(alice, &m, 0, &again);
    assert_int_equal(opened(&again, 0), 0);
    /* no KMS named: the user's own */
    assert_int_equal(dpp_mikey_parse(&m, im.p, im.n), 0);
    for (int gone = 0; gone < 2; gone++) { /* IDRkmsr, then IDRkmsi: both stand at 5, then 4 */
        size_t at = 5 - (size_t)gone;
        memmove(m.order + at, m.order + at + 1, sizeof m.order - at - 1);
        memmove(m.order_ext + at, m.order_ext + at + 1, sizeof m.order_ext - at - 1);
        m.order_n--;
        im_sign(alice, &m, 0, &again);
        assert_int_equal(opened(&again, 0), 0);
    }
    dpp_key_free(key);
}

/* SAKKE-to-self: for the initiator's other devices, and for nobody else. ts33180#E */
static void test_to_self(void **state)
{
    struct dpp_key *key = im_key(PCK, 0, 0), *gmk = im_key(GMK, 0, 0);
    struct dpp_mikey_draft draft = {.key = key, .responder = BOB, .time_s = REALM_NOW_S};
    struct dpp_mikey_want w = {.now_s = REALM_NOW_S, .roles = ALL};
    struct im im, again;
    struct dpp_mikey m;
    uint8_t self[512];
    size_t n;

    (void)state;
    assert_true(im_make(alice, &draft, &im) > 0); /* without it */
    assert_int_equal(dpp_mikey_open_own(alice, im.p, im.n, &w, &got), DPP_E_MIKEY_SAKKE);
    draft.to_self = true;
    assert_true(im_make(alice, &draft, &im) > 0);
    assert_int_equal(opened(&im, 0), 0);
    assert_int_equal(dpp_mikey_open_own(bob, im.p, im.n, &w, &got), DPP_E_MIKEY_INITIATOR);
    assert_null(got.key);
    assert_int_equal(dpp_mikey_open_own(alice, im.p, im.n, &w, &got), 0);
    assert_memory_equal(dpp_key_octets(got.key, &n), im_octets, 16);
    assert_string_equal(got.initiator, ALICE);
    assert_string_equal(got.responder, "");
    assert_memory_equal(got.responder_uid, dpp_ring_set_at(bob, 0)->uid, 32);
    dpp_key_free(got.key);
    /* its form */
    assert_int_equal(dpp_mikey_parse(&m, im.p, im.n), 0);
    memcpy(self, m.to_self.p, m.to_self.n);
    m.to_self.p = self;
    for (size_t at = 0; at < 7; at++) {
        self[at] ^= 1;
        im_sign(alice, &m, 0, &again);
        int rc = dpp_mikey_open_own(alice, again.p, again.n, &w, &got);
        assert_int_equal(rc, at == 0 ? 0 : DPP_E_MIKEY_SAKKE);
        dpp_key_free(got.key);
        self[at] ^= 1;
    }
    m.to_self.n--;
    im_sign(alice, &m, 0, &again);
    assert_int_equal(dpp_mikey_open_own(alice, again.p, again.n, &w, &got), DPP_E_MIKEY_SAKKE);
    /* a GMK-ID hangs on the responder's name */
    draft.key = gmk;
    assert_true(im_make(alice, &draft, &im) > 0);
    assert_int_equal(dpp_mikey_open_own(alice, im.p, im.n, &w, &got), DPP_E_MIKEY_RESPONDER);
    draft.uris = true;
    assert_true(im_make(alice, &draft, &im) > 0);
    assert_int_equal(dpp_mikey_open_own(alice, im.p, im.n, &w, &got), 0);
    assert_int_equal(got.key_id, GMK);
    assert_string_equal(got.responder, BOB);
    dpp_key_free(got.key);
    dpp_key_free(key);
    dpp_key_free(gmk);
}

/* General extensions stand before or behind SAKKE; unknown ones mean nothing. */
static void test_order(void **state)
{
    struct im im, again;
    struct dpp_mikey m;

    (void)state;
    im_send(alice, PCK, BOB, &im);
    assert_int_equal(dpp_mikey_parse(&m, im.p, im.n), 0);
    assert_int_equal(m.order[6], DPP_MIKEY_P_SAKKE);
    assert_int_equal(m.order[7], DPP_MIKEY_P_EXTENSION);
    m.order[6] = m.order[7];
    m.order_ext[6] = m.order_ext[7];
    m.order[7] = DPP_MIKEY_P_SAKKE;
    im_sign(alice, &m, 0, &again);
    assert_int_equal(opened(&again, 0), 0);
    m.order[8] = DPP_MIKEY_P_EXTENSION;
    m.order_ext[8] = 99;
    m.other[m.other_n++] = (struct dpp_mikey_span){(const uint8_t *)"vendor", 6};
    m.order[9] = DPP_MIKEY_P_SIGN;
    m.order_n = 10;
    im_sign(alice, &m, 0, &again);
    assert_int_equal(opened(&again, 0), 0);
}

/* The validity of the key: as the parameters say. ts33180#E.6 */
static void test_validity(void **state)
{
    static const struct {
        int64_t from_s, to_s;
        int rc;
    } rows[] = {
        {REALM_NOW_S, 0, 0},
        {REALM_NOW_S + 1, 0, DPP_E_KEY_EARLY},
        {0, REALM_NOW_S + 1, 0},
        {REALM_NOW_S - 9, REALM_NOW_S, DPP_E_KEY_EXPIRED},
    };
    struct im im;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct dpp_key *key = im_key(PCK, rows[i].from_s, rows[i].to_s);
        struct dpp_mikey_draft draft = {.key = key, .responder = BOB, .time_s = REALM_NOW_S};
        struct dpp_mikey_want w = {.any_time = true, .roles = ALL};
        assert_true(im_make(alice, &draft, &im) > 0);
        assert_int_equal(opened(&im, 0), rows[i].rc);
        assert_int_equal(dpp_mikey_open(bob, im.p, im.n, &w, &got), 0);
        dpp_key_free(got.key);
        draft.is_revoked = true; /* a revoked key has no dates to check */
        assert_true(im_make(alice, &draft, &im) > 0);
        assert_int_equal(opened(&im, 0), 0);
        assert_true(got.is_revoked);
        assert_null(got.key);
        assert_int_equal(got.key_id, PCK);
        dpp_key_free(key);
    }
}

/* Parameters that others might send, with each tolerance off and on. */
static void test_parameters(void **state)
{
#define PARAM_HEAD "\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
#define ROW(text)  text, sizeof text - 1
    static const struct {
        const char *p;
        size_t n;
        uint32_t id;
        int rc;
    } rows[] = {
        {ROW("\1" PARAM_HEAD "\0\0"), PCK, 0},
        {ROW("\1" PARAM_HEAD "\0\3abc"), PCK, 0},
        {ROW("\1" PARAM_HEAD "\0\0\0\1\0"), PCK, 0},
        {ROW("\1" PARAM_HEAD "\0\0\0\1\0\0\0"), PCK, 0}, /* and the reserved field */
        {ROW("\1" PARAM_HEAD "\0\0\0\1\0\0\2xy"), PCK, 0},
        {ROW("\1" PARAM_HEAD "\0\0\0\1\0\0\2x"), PCK, DPP_E_MIKEY_PARAMETERS},
        {ROW("\1" PARAM_HEAD "\0\0\0\1\0\0\0x"), PCK, DPP_E_MIKEY_PARAMETERS},
        {ROW("\1" PARAM_HEAD "\0\0\0"), PCK, DPP_E_MIKEY_PARAMETERS},
        {ROW("\1" PARAM_HEAD "\0\1"), PCK, DPP_E_MIKEY_PARAMETERS},
        {ROW("\1" PARAM_HEAD), PCK, DPP_E_MIKEY_PARAMETERS},
        {ROW(""), PCK, DPP_E_MIKEY_PARAMETERS},
        {ROW("\1" PARAM_HEAD "\0\0\0\5\1\x7b\0\1g"), PCK, DPP_E_MIKEY_GROUP},
        {ROW("\0" PARAM_HEAD "\0\0"), GMK, DPP_E_MIKEY_PARAMETERS}, /* a GMK says its groups */
        {ROW("\0" PARAM_HEAD "\0\0\0\5\1\x7b\0\1g"), GMK, 0},
        {ROW("\0" PARAM_HEAD "\0\0\0\0"), GMK, DPP_E_MIKEY_GROUP},
        {ROW("\0" PARAM_HEAD "\0\0\0\1\1"), GMK, DPP_E_MIKEY_GROUP},
        {ROW("\0" PARAM_HEAD "\0\0\0\5\1\x7c\0\1g"), GMK, DPP_E_MIKEY_GROUP},
        {ROW("\0" PARAM_HEAD "\0\0\0\4\1\x7b\0\0"), GMK, DPP_E_MIKEY_GROUP},
        {ROW("\0" PARAM_HEAD "\0\0\0\5\1\x7b\0\1\0"), GMK, DPP_E_MIKEY_GROUP},
        {ROW("\0" PARAM_HEAD "\0\0\0\5\1\x7b\0\1\x1b"), GMK, DPP_E_MIKEY_GROUP},
        {ROW("\0" PARAM_HEAD "\0\0\0\5\1\x7b\0\1\xff"), GMK, DPP_E_MIKEY_GROUP},
        {ROW("\0" PARAM_HEAD "\0\0\0\5\1\x7b\0\2g"), GMK, DPP_E_MIKEY_GROUP},
        {ROW("\0" PARAM_HEAD "\0\0\0\6\1\x7b\0\1gg"), GMK, DPP_E_MIKEY_GROUP},
        {ROW("\0" PARAM_HEAD "\0\0\0\1\x11"), GMK, DPP_E_MIKEY_GROUP},
        {ROW("\1\0\0\0\1\0\0\0\0\2\0\0\0\0\1\0\0"), PCK, DPP_E_MIKEY_PARAMETERS}, /* backwards */
    };
    struct im im, again;
    struct dpp_mikey m;
    uint8_t buf[1024];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const uint8_t *p = (const uint8_t *)rows[i].p;
        im_send(alice, rows[i].id, BOB, &im);
        assert_int_equal(dpp_mikey_parse(&m, im.p, im.n), 0);
        im_parameters(&m, p, rows[i].n, i % 2 ? 0x43 : 0x40, buf);
        im_sign(alice, &m, 0, &again);
        assert_int_equal(opened(&again, 0), rows[i].rc);
        assert_int_equal(opened(&again, DPP_MIKEY_CLEAR), rows[i].rc);
        /* the same in clear */
        m.parameters = (struct dpp_mikey_span){p, rows[i].n};
        im_sign(alice, &m, 0, &again);
        assert_int_equal(opened(&again, 0), DPP_E_MIKEY_PARAMETERS);
        assert_int_equal(opened(&again, ~(unsigned)DPP_MIKEY_CLEAR), DPP_E_MIKEY_PARAMETERS);
        assert_int_equal(opened(&again, DPP_MIKEY_CLEAR), rows[i].rc);
    }
    im_parameters(&m, (const uint8_t *)rows[0].p, rows[0].n, 0x41, buf);
    im_sign(alice, &m, 0, &again);
    assert_int_equal(opened(&again, 0), DPP_E_MIKEY_PARAMETERS);
    /* under another key: the key that came does not open them */
    struct dpp_mikey other = m;
    other.csb_id ^= 1;
    im_parameters(&other, (const uint8_t *)rows[0].p, rows[0].n, 0x43, buf);
    m.parameters = other.parameters;
    im_sign(alice, &m, 0, &again);
    assert_int_equal(opened(&again, 0), DPP_E_MIKEY_PARAMETERS);
}

static void test_status(void **state)
{
    static const struct {
        uint8_t status[4];
        bool revoked, tolerated;
    } rows[] = {
        {{0, 0, 0, 1}, false, false}, {{0, 0, 0, 3}, false, false}, {{0, 0, 0, 0}, true, false},
        {{0, 0, 0, 2}, true, true},   {{1, 0, 0, 0}, true, true},
    };
    struct im im, again;
    struct dpp_mikey m;
    uint8_t buf[1024], plain[17] = {DPP_ROLE_PCK};

    (void)state;
    im_send(alice, PCK, BOB, &im);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(dpp_mikey_parse(&m, im.p, im.n), 0);
        memcpy(plain + 1, rows[i].status, 4);
        im_parameters(&m, plain, sizeof plain, 0x43, buf);
        im_sign(alice, &m, 0, &again);
        assert_int_equal(opened(&again, ~(unsigned)DPP_MIKEY_STATUS_ZERO), 0);
        assert_int_equal(got.is_revoked, rows[i].revoked);
        assert_int_equal(opened(&again, DPP_MIKEY_STATUS_ZERO), 0);
        assert_int_equal(got.is_revoked, rows[i].tolerated);
    }
    /* no parameters at all */
    assert_int_equal(dpp_mikey_parse(&m, im.p, im.n), 0);
    m.order[7] = DPP_MIKEY_P_SIGN;
    m.order_n = 8;
    im_sign(alice, &m, 0, &again);
    assert_int_equal(opened(&again, ~(unsigned)DPP_MIKEY_NO_PARAMETERS), DPP_E_MIKEY_PARAMETERS);
    assert_int_equal(opened(&again, DPP_MIKEY_NO_PARAMETERS), 0);
    assert_false(got.is_revoked);
    assert_int_equal(got.activation_s, REALM_NOW_S);
    assert_int_equal(got.expiry_s, 0);
}

static void test_drafts(void **state)
{
    static const char *const groups[] = {TEAM};
    struct dpp_key *pck = im_key(PCK, 0, 0), *spk = im_key(0x30000001, 0, 0), *wide;
    struct dpp_mikey_draft good = {.key = pck, .responder = BOB, .time_s = REALM_NOW_S}, draft;
    struct dpp_mikey_random random = {0};
    struct dpp_ring *lonely;
    char uri[DPP_URI_MAX + 2];
    uint8_t octets[32] = {1}, out[DPP_MIKEY_MAX];
    struct im im;

    (void)state;
    assert_int_equal(dpp_key_new(&wide, PCK, octets, 32, 0, 0), 0);
    draft = good, draft.key = spk;
    assert_int_equal(im_make(alice, &draft, &im), DPP_E_ROLE);
    draft = good, draft.key = wide;
    assert_int_equal(im_make(alice, &draft, &im), DPP_E_VALUE);
    draft = good, draft.groups = groups, draft.groups_n = 1;
    assert_int_equal(im_make(alice, &draft, &im), DPP_E_VALUE);
    memset(uri, 'a', sizeof uri);
    uri[sizeof uri - 1] = 0;
    draft = good, draft.responder = uri;
    assert_int_equal(im_make(alice, &draft, &im), DPP_E_LONG);
    for (draft.responder = ""; draft.responder; draft.responder = *draft.responder ? NULL : "a b")
        assert_int_equal(im_make(alice, &draft, &im), DPP_E_VALUE);
    assert_int_equal(dpp_ring_new(&lonely, ALICE), 0);
    assert_int_equal(im_make(lonely, &good, &im), DPP_E_KMS_ABSENT);
    dpp_ring_free(lonely);
    assert_int_equal(dpp_mikey_make(alice, &good, &random, out, sizeof out), DPP_E_RETRY); /* j 0 */
    random.j[0] = 1;
    ssize_t n = dpp_mikey_make(alice, &good, &random, out, sizeof out);
    assert_in_range(n, 600, 700);
    assert_int_equal(dpp_mikey_make(alice, &good, &random, out, (size_t)n - 1), DPP_E_SPACE);
    dpp_key_free(pck);
    dpp_key_free(spk);
    dpp_key_free(wide);
}

/* 2036: the seconds of T begin again at 0. */
static void test_era(void **state)
{
    const int64_t change_s = (INT64_C(1) << 32) - DPP_RING_NTP_UNIX;
    struct dpp_kms_cert cert = realm.cert;
    struct dpp_kms_set sets[2];
    struct dpp_kms_secrets secrets[2];
    struct dpp_kms_doc doc = {
        .kind = DPP_KMS_KEYPROV, .certs = &cert, .certs_n = 1, .sets = sets, .sets_n = 1};
    struct dpp_ring *a, *b;
    struct dpp_key *key = im_key(PCK, 0, 0);
    struct dpp_mikey_draft draft = {.key = key, .responder = BOB};
    struct dpp_mikey_want w = {.any_time = true, .roles = ALL};
    struct im im;

    (void)state;
    realm_extract(&realm, ALICE, dpp_ring_period(&cert, change_s), &sets[0], &secrets[0]);
    assert_int_equal(dpp_ring_new(&a, ALICE), 0);
    assert_int_equal(dpp_ring_add(a, &doc, change_s), 0);
    realm_extract(&realm, BOB, dpp_ring_period(&cert, change_s), &sets[0], &secrets[0]);
    assert_int_equal(dpp_ring_new(&b, BOB), 0);
    assert_int_equal(dpp_ring_add(b, &doc, change_s), 0);
    for (int side = -1; side <= 1; side++) {
        draft.time_s = change_s + side * 10;
        assert_true(im_make(a, &draft, &im) > 0);
        assert_int_equal(open_at(b, &im, change_s - side * 10, 0), 0); /* his clock is beyond it */
        assert_int_equal(got.time_s, draft.time_s);
        assert_int_equal(dpp_mikey_open(b, im.p, im.n, &w, &got), 0);
        assert_int_equal(got.time_s, draft.time_s);
        dpp_key_free(got.key);
    }
    dpp_key_free(key);
    dpp_ring_free(a);
    dpp_ring_free(b);
}

static int set_up(void **state)
{
    (void)state;
    realm_init(&realm, "kms.iops.example", NULL, 0x11);
    alice = realm_ring(ALICE, &realm, 1, 0);
    bob = realm_ring(BOB, &realm, 1, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    dpp_ring_free(alice);
    dpp_ring_free(bob);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pck),      cmocka_unit_test(test_gmk),
        cmocka_unit_test(test_csk),      cmocka_unit_test(test_uris),
        cmocka_unit_test(test_to_self),  cmocka_unit_test(test_order),
        cmocka_unit_test(test_validity), cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_status),   cmocka_unit_test(test_drafts),
        cmocka_unit_test(test_era),
    };
    if (dpp_keys_init(8 * DPP_RING_SET_OCTETS) == DPP_E_SECURE_HEAP)
        return 1;
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
