#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/dpp/i_message.h"
#include "tests/dpp/vector.h"

#define PCK 0x10000a01
#define GMK 0x00000a02
#define CSK 0x20000a03
#define ALL (1u << DPP_ROLE_PCK | 1u << DPP_ROLE_GMK | 1u << DPP_ROLE_CSK)

static struct realm realms[3]; /* ours, far.example's, one that nobody knows */
static struct dpp_ring *alice, *bob, *carol;
static struct dpp_mikey_got got;

static struct dpp_mikey_want want(void)
{
    return (struct dpp_mikey_want){.now_s = REALM_NOW_S, .roles = ALL};
}

/* Opens; the key of a success is freed here, after a look at its octets. */
static int open_by(const struct dpp_ring *ring, const struct im *im, const struct dpp_mikey_want *w)
{
    uint8_t *exact = malloc(im->n ? im->n : 1);
    size_t n;

    memcpy(exact, im->p, im->n);
    int rc = dpp_mikey_open(ring, exact, im->n, w, &got);
    free(exact);
    assert_true(rc == 0 || !got.key);
    if (got.key) {
        assert_int_equal(dpp_key_id(got.key), got.key_id);
        assert_memory_equal(dpp_key_octets(got.key, &n), im_octets, 16);
        assert_int_equal(n, 16);
        dpp_key_free(got.key);
    } else {
        assert_true(rc != 0 || got.is_revoked);
    }
    return rc;
}

static int try(const struct im *im)
{
    struct dpp_mikey_want w = want();

    return open_by(bob, im, &w);
}

/* Parsed, to be changed and signed again; the runs stay in `im`. */
static void read_again(const struct im *im, struct dpp_mikey *m)
{
    assert_int_equal(dpp_mikey_parse(m, im->p, im->n), 0);
}

/* Every single changed octet is refused, wherever it stands. rfc3830#5.2 */
static void test_changed(void **state)
{
    struct im im;

    (void)state;
    im_send(alice, PCK, BOB, &im);
    assert_int_equal(try(&im), 0);
    for (size_t at = 0; at < im.n; at++) {
        for (int i = 0; i < 2; i++) {
            uint8_t change = i ? 0x80 : 1;
            im.p[at] ^= change;
            int rc = try(&im);
            assert_true(rc < 0 && rc != DPP_E_CRYPTO);
            assert_true(rc != DPP_E_MIKEY_SAKKE && rc != DPP_E_MIKEY_PARAMETERS); /* before those */
            im.p[at] ^= change;
        }
    }
    for (size_t n = 0; n < im.n; n += 7) {
        struct im cut = im;
        cut.n = n;
        assert_true(try(&cut) < 0);
    }
    assert_int_equal(try(&im), 0);
}

/* ... and with a new signature over the change, TEST and the tag of the parameters tell. The
 * IE's identifier stands outside the associated data and is not looked at. rfc6508#6.2.2 */
static void test_changed_and_signed(void **state)
{
    struct im im, again;
    struct dpp_mikey m;
    uint8_t sed[DPP_SAKKE_SED], params[256];

    (void)state;
    im_send(alice, PCK, BOB, &im);
    read_again(&im, &m);
    memcpy(sed, m.sakke.p, sizeof sed);
    memcpy(params, m.parameters.p, m.parameters.n);
    m.sakke.p = sed;
    m.parameters.p = params;
    for (size_t at = 0; at < sizeof sed; at += at < 256 ? 15 : 1) {
        sed[at] ^= 1;
        im_sign(alice, &m, 0, &again);
        assert_int_equal(try(&again), DPP_E_MIKEY_SAKKE);
        sed[at] ^= 1;
    }
    for (size_t at = 0; at < m.parameters.n; at++) {
        params[at] ^= 0x80;
        im_sign(alice, &m, 0, &again);
        assert_int_equal(try(&again), at == 32 ? 0 : DPP_E_MIKEY_PARAMETERS);
        params[at] ^= 0x80;
    }
}

/* Somebody else signs: he is not the initiator that stands in the message. */
static void test_signature(void **state)
{
    struct im im, again;
    struct dpp_mikey m;

    (void)state;
    im_send(alice, PCK, BOB, &im);
    read_again(&im, &m);
    im_sign(carol, &m, 0, &again);
    assert_int_equal(try(&again), DPP_E_MIKEY_SIGN);
    im_sign(alice, &m, 0, &again);
    assert_int_equal(try(&again), 0);
    struct dpp_mikey_want w = want();
    im_sign(alice, &m, 2, &again); /* the SIGN header not signed */
    assert_int_equal(try(&again), DPP_E_MIKEY_SIGN);
    w.tolerance = ~0u & ~(unsigned)DPP_MIKEY_SIGN_SHORT;
    assert_int_equal(open_by(bob, &again, &w), DPP_E_MIKEY_SIGN);
    w.tolerance = DPP_MIKEY_SIGN_SHORT;
    assert_int_equal(open_by(bob, &again, &w), 0);
    assert_int_equal(open_by(bob, &im, &w), 0);
    im_sign(alice, &m, 1, &again);
    assert_int_equal(open_by(bob, &again, &w), DPP_E_MIKEY_SIGN);
}

static void test_time(void **state)
{
    struct im im;
    struct dpp_mikey_want w = want();

    (void)state;
    im_send(alice, PCK, BOB, &im);
    w.window_s = 300;
    for (int64_t side = -1; side <= 1; side += 2) {
        w.now_s = REALM_NOW_S + side * 300;
        assert_int_equal(open_by(bob, &im, &w), 0);
        w.now_s += side;
        assert_int_equal(open_by(bob, &im, &w), DPP_E_MIKEY_TIME);
        w.now_s = REALM_NOW_S + side * INT64_C(0x80000000); /* no wrapping into the window */
        assert_int_equal(open_by(bob, &im, &w), DPP_E_MIKEY_TIME);
    }
    w.window_s = 0;
    w.now_s = REALM_NOW_S - DPP_MIKEY_WINDOW_S;
    assert_int_equal(open_by(bob, &im, &w), 0);
    assert_int_equal(got.activation_s, w.now_s); /* usable at once although his clock is ahead */
    w.now_s = REALM_NOW_S + DPP_MIKEY_WINDOW_S + 1;
    assert_int_equal(open_by(bob, &im, &w), DPP_E_MIKEY_TIME);
    w.any_time = true;
    assert_int_equal(open_by(bob, &im, &w), 0);
    w.now_s = 0;
    assert_int_equal(open_by(bob, &im, &w), 0);
    assert_int_equal(got.time_s, REALM_NOW_S);
}

static void test_replay(void **state)
{
    struct im im[3];
    struct dpp_mikey_want w = want();

    (void)state;
    w.replay = dpp_mikey_replay_new(2, 0);
    for (int i = 0; i < 3; i++)
        im_send(alice, PCK, BOB, &im[i]);
    im[2].p[im[2].n - 70] ^= 1; /* a bad signature does not fill the window */
    assert_int_equal(open_by(bob, &im[2], &w), DPP_E_MIKEY_SIGN);
    im[2].p[im[2].n - 70] ^= 1;
    assert_int_equal(open_by(bob, &im[0], &w), 0);
    assert_int_equal(open_by(bob, &im[0], &w), DPP_E_MIKEY_REPLAY);
    assert_int_equal(open_by(bob, &im[1], &w), 0);
    assert_int_equal(open_by(bob, &im[2], &w), DPP_E_MIKEY_REPLAY_FULL);
    assert_int_equal(open_by(bob, &im[1], &w), DPP_E_MIKEY_REPLAY);
    w.now_s += DPP_MIKEY_WINDOW_S; /* still inside the window, so still known */
    assert_int_equal(open_by(bob, &im[0], &w), DPP_E_MIKEY_REPLAY);
    assert_int_equal(open_by(bob, &im[2], &w), DPP_E_MIKEY_TIME); /* narrowed: no room for it */
    assert_int_equal(open_by(bob, &im[0], &w), DPP_E_MIKEY_TIME);
    w.now_s++; /* outside by itself */
    assert_int_equal(open_by(bob, &im[0], &w), DPP_E_MIKEY_TIME);
    dpp_mikey_replay_free(w.replay);
}

static void test_parties(void **state)
{
    struct im im, again;
    struct dpp_mikey m;
    struct dpp_mikey_want w = want();

    (void)state;
    im_send(alice, PCK, BOB, &im);
    assert_int_equal(open_by(carol, &im, &w), DPP_E_MIKEY_RESPONDER);
    assert_int_equal(open_by(alice, &im, &w), DPP_E_MIKEY_RESPONDER);
    w.initiator = ALICE;
    assert_int_equal(open_by(bob, &im, &w), 0);
    assert_string_equal(got.initiator, ALICE);
    w.initiator = CAROL;
    assert_int_equal(open_by(bob, &im, &w), DPP_E_MIKEY_INITIATOR);
    /* a KMS that is not held, as the initiator's and as ours */
    for (int role = DPP_MIKEY_KMS_INITIATOR; role <= DPP_MIKEY_KMS_RESPONDER; role++) {
        read_again(&im, &m);
        m.id[role] = (struct dpp_mikey_span){(const uint8_t *)"kms.else.example", 16};
        im_sign(alice, &m, 0, &again);
        assert_int_equal(try(&again), DPP_E_MIKEY_KMS);
        /* one that is held but did not make the keys */
        m.id[role] = (struct dpp_mikey_span){(const uint8_t *)"kms.far.example", 15};
        im_sign(alice, &m, 0, &again);
        assert_int_equal(try(&again),
                         role == DPP_MIKEY_KMS_INITIATOR ? DPP_E_MIKEY_SIGN : DPP_E_MIKEY_PERIOD);
    }
    /* a KMS of the same name with other keys */
    struct realm other = realms[2];
    memcpy(other.cert.kms_uri, realms[0].cert.kms_uri, sizeof other.cert.kms_uri);
    struct dpp_ring *stranger = realm_ring(BOB, &other, 1, 0);
    assert_int_equal(open_by(stranger, &im, &w), DPP_E_MIKEY_SIGN);
    dpp_ring_free(stranger);
}

/* Certificates have dates of their own. */
static void test_dates(void **state)
{
    struct im im;
    struct dpp_mikey_want w = want();
    struct realm dated = realms[0];

    (void)state;
    im_send(alice, PCK, BOB, &im);
    dated.cert.to_s = REALM_NOW_S + 10;
    struct dpp_ring *ring = realm_ring(BOB, &dated, 1, 0);
    w.now_s = REALM_NOW_S + 9;
    assert_int_equal(open_by(ring, &im, &w), 0);
    w.now_s++;
    assert_int_equal(open_by(ring, &im, &w), DPP_E_KMS_DATE);
    w.any_time = true;
    assert_int_equal(open_by(ring, &im, &w), 0);
    dpp_ring_free(ring);
}

/* Around a change of period. rfc6509#3.3 */
static void test_periods(void **state)
{
    const struct dpp_kms_cert *cert = &realms[0].cert;
    uint64_t no = dpp_ring_period(cert, REALM_NOW_S);
    int64_t change_s = dpp_ring_period_begin(cert, no + 1);
    struct dpp_ring *old_bob = realm_ring(BOB, realms, 1, 0), *both = realm_ring(BOB, realms, 1, 1);
    struct dpp_key *key = im_key(PCK, 0, 0);
    struct dpp_mikey_draft draft = {.key = key, .responder = BOB};
    struct dpp_mikey_want w = want();
    struct im im, again;
    struct dpp_mikey m;
    uint8_t uid[32], sed[DPP_SAKKE_SED];

    (void)state;
    w.initiator = ALICE;
    /* an hour after the change: Alice has no set of the new period yet and signs with the old one
     */
    draft.time_s = w.now_s = change_s + 3600;
    assert_true(im_make(alice, &draft, &im) > 0);
    assert_int_equal(open_by(both, &im, &w), 0);
    assert_int_equal(open_by(old_bob, &im, &w), DPP_E_MIKEY_RESPONDER); /* not his old UID */
    /* the responder's UID of the old period: good beside the change, not later */
    for (int i = 0; i < 2; i++) {
        draft.time_s = change_s + 86399;
        w.now_s = draft.time_s + i;
        assert_true(im_make(alice, &draft, &im) > 0);
        read_again(&im, &m);
        m.ntp = (uint64_t)(uint32_t)(w.now_s + DPP_RING_NTP_UNIX) << 32;
        realm_must(dpp_kdf_uid(BOB, cert->kms_uri, cert->period_s, cert->offset_s, no, uid));
        realm_must(dpp_sakke_seal(dpp_ring_kms_at(alice, 0)->sakke, uid, 32, im_octets, sed));
        m.id[DPP_MIKEY_UID_RESPONDER].p = uid;
        m.sakke.p = sed;
        im_sign(alice, &m, 0, &again);
        w.initiator = NULL; /* Alice's own UID is of the old period too */
        assert_int_equal(open_by(both, &again, &w), i == 0 ? 0 : DPP_E_MIKEY_RESPONDER);
        w.initiator = ALICE;
        assert_int_equal(open_by(both, &again, &w), i == 0 ? 0 : DPP_E_MIKEY_RESPONDER);
        w.any_time = true; /* the period does not count: any of his UIDs will do */
        assert_int_equal(open_by(both, &again, &w), 0);
        w.any_time = false;
    }
    /* no set at all for the time of the message */
    w.now_s = change_s + 10 * 86400;
    read_again(&im, &m);
    m.ntp = (uint64_t)(uint32_t)(w.now_s + DPP_RING_NTP_UNIX) << 32;
    im_sign(alice, &m, 0, &again);
    assert_int_equal(open_by(old_bob, &again, &w), DPP_E_MIKEY_PERIOD);
    /* Alice has none either, not even of a neighbour */
    draft.time_s = w.now_s;
    assert_int_equal(im_make(alice, &draft, &im), DPP_E_MIKEY_PERIOD);
    draft.time_s = change_s + 3600; /* a URI cannot name a period */
    draft.uris = true;
    assert_int_equal(im_make(alice, &draft, &im), DPP_E_MIKEY_PERIOD);
    dpp_key_free(key);
    dpp_ring_free(old_bob);
    dpp_ring_free(both);
}

/* A set that has bounds of its own. */
static void test_set_bounds(void **state)
{
    struct dpp_kms_cert cert = realms[0].cert;
    struct dpp_kms_set set;
    struct dpp_kms_secrets secrets;
    struct dpp_kms_doc doc = {
        .kind = DPP_KMS_KEYPROV, .certs = &cert, .certs_n = 1, .sets = &set, .sets_n = 1};
    struct dpp_mikey_want w = want();
    struct dpp_ring *ring;
    struct im im;

    (void)state;
    realm_extract(&realms[0], BOB, dpp_ring_period(&cert, REALM_NOW_S), &set, &secrets);
    set.from_s = REALM_NOW_S + 1;
    assert_int_equal(dpp_ring_new(&ring, BOB), 0);
    assert_int_equal(dpp_ring_add(ring, &doc, REALM_NOW_S), 0);
    im_send(alice, PCK, BOB, &im);
    assert_int_equal(open_by(ring, &im, &w), DPP_E_MIKEY_PERIOD);
    w.now_s++;
    assert_int_equal(open_by(ring, &im, &w), 0);
    dpp_ring_free(ring);
}

/* The purpose tag of the key ID, what is welcome, and the key type in the parameters. */
static void test_tag_and_type(void **state)
{
    static const uint32_t ids[] = {GMK, PCK, CSK};
    struct im im, again;
    struct dpp_mikey m;
    uint8_t buf[1024], plain[17] = {0, 0, 0, 0, 1};

    (void)state;
    for (unsigned role = 0; role < 3; role++) {
        struct dpp_mikey_want w = want();
        im_send(alice, ids[role], BOB, &im);
        w.roles = 1u << role;
        assert_int_equal(open_by(bob, &im, &w), 0);
        assert_int_equal(got.role, role);
        assert_int_equal(got.key_id, ids[role]);
        w.roles = ALL & ~(1u << role);
        assert_int_equal(open_by(bob, &im, &w), DPP_E_MIKEY_TAG);
        read_again(&im, &m);
        for (uint8_t type = 0; type < 8; type++) {
            if (type == role)
                continue;
            plain[0] = type;
            im_parameters(&m, plain, sizeof plain, 0x43, buf);
            im_sign(alice, &m, 0, &again);
            assert_int_equal(try(&again), DPP_E_MIKEY_TYPE);
        }
    }
    for (uint32_t tag = 3; tag < 16; tag++) { /* not for MCData, or not defined */
        struct dpp_mikey_want w = want();
        w.roles = ~0u;
        read_again(&im, &m);
        m.csb_id = tag << 28 | 0xa03;
        im_sign(alice, &m, 0, &again);
        assert_int_equal(open_by(bob, &again, &w), DPP_E_MIKEY_TAG);
    }
}

/* The responder is of another KMS, whose certificate the initiator holds. */
static void test_two_kms(void **state)
{
    struct im im;

    (void)state;
    struct dpp_ring *dora = realm_ring(DORA, (struct realm[]){realms[1], realms[0]}, 2, 0);
    struct dpp_mikey_want w = want();
    w.initiator = ALICE;
    im_send(alice, PCK, DORA, &im);
    assert_int_equal(open_by(dora, &im, &w), 0);
    struct dpp_mikey m;
    read_again(&im, &m);
    assert_int_equal(m.id[DPP_MIKEY_KMS_RESPONDER].n, strlen(realms[1].cert.kms_uri));
    dpp_ring_free(dora);
}

/* Two messages of another implementer with his keys, at any time. */
static void test_interop(void **state)
{
    cJSON *file = vector_interop();
    const cJSON *v;
    struct dpp_mikey_want w = {.any_time = true, .roles = ALL};
    int tried = 0;

    (void)state;
    if (!file)
        skip();
    const cJSON *mikey = cJSON_GetObjectItem(file, "mikey");
    const cJSON *init = cJSON_GetObjectItem(mikey, "kms_init");
    struct dpp_kms_cert cert = {.period_s = strtoull(vector_text(init, "UserKeyPeriod"), NULL, 10)};
    snprintf(cert.kms_uri, sizeof cert.kms_uri, "%s", vector_text(init, "KmsUri"));
    vector_octets(init, "PubEncKey", cert.z, sizeof cert.z);
    vector_octets(init, "PubAuthKey", cert.kpak, sizeof cert.kpak);
    cJSON_ArrayForEach(v, cJSON_GetObjectItem(mikey, "messages"))
    {
        const cJSON *keys =
            cJSON_GetObjectItem(cJSON_GetObjectItem(mikey, "keyprov"), vector_text(v, "responder"));
        const char *sender = vector_text(
            cJSON_GetObjectItem(cJSON_GetObjectItem(mikey, "keyprov"), vector_text(v, "initiator")),
            "UserUri");
        struct dpp_kms_secrets secrets;
        struct dpp_kms_set set = {.secrets = &secrets, .period_no = 236};
        struct dpp_kms_doc doc = {
            .kind = DPP_KMS_KEYPROV, .certs = &cert, .certs_n = 1, .sets = &set, .sets_n = 1};
        struct dpp_ring *ring;
        struct im im;
        uint8_t key[16];
        size_t n;
        snprintf(set.kms_uri, sizeof set.kms_uri, "%s", cert.kms_uri);
        snprintf(set.user_uri, sizeof set.user_uri, "%s", vector_text(keys, "UserUri"));
        vector_octets(keys, "UserID", set.uid, 32);
        vector_octets(keys, "UserDecryptKey", secrets.rsk, DPP_SAKKE_POINT);
        vector_octets(keys, "UserSigningKeySSK", secrets.ssk, DPP_ECCSI_SCALAR);
        vector_octets(keys, "UserPubTokenPVT", secrets.pvt, DPP_ECCSI_POINT);
        assert_int_equal(dpp_ring_new(&ring, set.user_uri), 0);
        assert_int_equal(dpp_ring_add(ring, &doc, 0), 0);
        const char *text = vector_text(v, "i_message_b64");
        im.n = (size_t)dpp_mikey_text(text, strlen(text), im.p, sizeof im.p);
        w.initiator = sender;
        assert_int_equal(dpp_mikey_open(ring, im.p, im.n, &w, &got), 0);
        vector_octets(v, "key", key, 16);
        assert_memory_equal(dpp_key_octets(got.key, &n), key, 16);
        assert_int_equal(n, 16);
        assert_int_equal(dpp_key_id(got.key), vector_id(v, "key_id"));
        assert_int_equal(got.csb_id, vector_id(v, "csb_id"));
        assert_int_equal(got.status, 1);
        assert_int_equal(got.groups_n, 0);
        assert_int_equal(got.role, got.key_id >> 28);
        assert_string_equal(got.initiator, sender);
        dpp_key_free(got.key);
        for (size_t at = 0; at < im.n; at++) {
            for (int i = 0; i < 2; i++) {
                im.p[at] ^= i ? 0x80 : 1;
                assert_true(dpp_mikey_open(ring, im.p, im.n, &w, &got) < 0);
                assert_null(got.key);
                im.p[at] ^= i ? 0x80 : 1;
            }
        }
        w.any_time = false; /* it is from another day */
        w.now_s = REALM_NOW_S;
        assert_int_equal(dpp_mikey_open(ring, im.p, im.n, &w, &got), DPP_E_MIKEY_TIME);
        w.any_time = true;
        dpp_ring_free(ring);
        tried++;
    }
    assert_int_equal(tried, 2);
    cJSON_Delete(file);
}

static int set_up(void **state)
{
    (void)state;
    realm_init(&realms[0], "kms.iops.example", NULL, 0x11);
    realm_init(&realms[1], "kms.far.example", "far.example", 0x22);
    realm_init(&realms[2], "kms.else.example", NULL, 0x33);
    alice = realm_ring(ALICE, realms, 2, 0);
    bob = realm_ring(BOB, realms, 2, 0);
    carol = realm_ring(CAROL, realms, 2, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    dpp_ring_free(alice);
    dpp_ring_free(bob);
    dpp_ring_free(carol);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changed),    cmocka_unit_test(test_changed_and_signed),
        cmocka_unit_test(test_signature),  cmocka_unit_test(test_time),
        cmocka_unit_test(test_replay),     cmocka_unit_test(test_parties),
        cmocka_unit_test(test_dates),      cmocka_unit_test(test_periods),
        cmocka_unit_test(test_set_bounds), cmocka_unit_test(test_tag_and_type),
        cmocka_unit_test(test_two_kms),    cmocka_unit_test(test_interop),
    };
    if (dpp_keys_init(16 * DPP_RING_SET_OCTETS) == DPP_E_SECURE_HEAP)
        return 1;
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
