#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>

#include "tests/dpp/realm.h"
#include "tests/dpp/vector.h"

#define ALICE "sip:alice@iops.example"

static struct realm realms[2];

/* One certificate and one set of Alice's, to be spoilt. */
struct one {
    struct dpp_kms_cert cert;
    struct dpp_kms_set set;
    struct dpp_kms_secrets secrets;
    struct dpp_kms_doc doc;
};

static void make_one(struct one *o)
{
    o->cert = realms[0].cert;
    realm_extract(&realms[0], ALICE, dpp_ring_period(&o->cert, REALM_NOW_S), &o->set, &o->secrets);
    o->doc = (struct dpp_kms_doc){
        .kind = DPP_KMS_KEYPROV, .certs = &o->cert, .certs_n = 1, .sets = &o->set, .sets_n = 1};
}

static struct dpp_ring *empty(void)
{
    struct dpp_ring *ring;

    assert_int_equal(dpp_ring_new(&ring, ALICE), 0);
    return ring;
}

/* ts33180#F.2.1: the example's 1388, and what lies around a change of period */
static void test_period(void **state)
{
    struct dpp_kms_cert cert = {.period_s = 2592000};

    (void)state;
    assert_int_equal(dpp_ring_period(&cert, INT64_C(3599719634) - DPP_RING_NTP_UNIX), 1388);
    int64_t begin_s = dpp_ring_period_begin(&cert, 1388);
    assert_int_equal(dpp_ring_period(&cert, begin_s), 1388);
    assert_int_equal(dpp_ring_period(&cert, begin_s - 1), 1387);
    assert_int_equal(dpp_ring_neighbour(&cert, begin_s), -1);
    assert_int_equal(dpp_ring_neighbour(&cert, begin_s + 86399), -1); /* a day at most */
    assert_int_equal(dpp_ring_neighbour(&cert, begin_s + 86400), 0);
    assert_int_equal(dpp_ring_neighbour(&cert, begin_s - 86400), 1);
    assert_int_equal(dpp_ring_neighbour(&cert, begin_s - 86401), 0);
    cert.period_s = 1000; /* a tenth */
    cert.offset_s = 7;
    begin_s = dpp_ring_period_begin(&cert, 2000000);
    assert_int_equal(dpp_ring_period(&cert, begin_s), 2000000);
    assert_int_equal(dpp_ring_neighbour(&cert, begin_s + 99), -1);
    assert_int_equal(dpp_ring_neighbour(&cert, begin_s + 100), 0);
    assert_int_equal(dpp_ring_neighbour(&cert, begin_s - 100), 1);
    assert_int_equal(dpp_ring_neighbour(&cert, begin_s - 101), 0);
    assert_int_equal(dpp_ring_period(&cert, -DPP_RING_NTP_UNIX + 6), 0); /* before the first */
    assert_int_equal(dpp_ring_period(&cert, INT64_MIN / 2), 0);
}

static void test_add(void **state)
{
    struct dpp_ring *ring = realm_ring(ALICE, realms, 2, 1);
    uint64_t no = dpp_ring_period(&realms[0].cert, REALM_NOW_S);
    const char *uri = realms[1].cert.kms_uri;

    (void)state;
    assert_string_equal(dpp_ring_user(ring), ALICE);
    assert_int_equal(dpp_ring_kmss(ring), 2);
    assert_int_equal(dpp_ring_sets(ring), 2);
    const struct dpp_ring_kms *far = dpp_ring_kms(ring, uri, strlen(uri));
    assert_ptr_equal(far, dpp_ring_kms_at(ring, 1));
    assert_null(dpp_ring_kms(ring, uri, strlen(uri) - 1));
    assert_null(dpp_ring_set(ring, far, no)); /* a certificate, but no keys of ours */
    const struct dpp_ring_set *set = dpp_ring_set(ring, dpp_ring_kms_at(ring, 0), no);
    assert_non_null(set);
    assert_ptr_equal(set, dpp_ring_set(ring, NULL, no));
    assert_int_equal(set->period_no, no);
    assert_non_null(dpp_ring_set(ring, NULL, no + 1));
    assert_null(dpp_ring_set(ring, NULL, no - 1));
    /* who serves whom */
    assert_ptr_equal(dpp_ring_kms_of(ring, "sip:x@far.example"), far);
    assert_ptr_equal(dpp_ring_kms_of(ring, "sip:x@FAR.example:5061;user=phone"), far);
    assert_ptr_equal(dpp_ring_kms_of(ring, "x@far.example"), far);
    assert_ptr_equal(dpp_ring_kms_of(ring, "sip:x@else.example"), dpp_ring_kms_at(ring, 0));
    assert_ptr_equal(dpp_ring_kms_of(ring, "sip:x@a.far.example"), dpp_ring_kms_at(ring, 0));
    dpp_ring_free(ring);
    ring = realm_ring(ALICE, &realms[1], 1, 0);
    assert_null(dpp_ring_kms_of(ring, "sip:x@else.example")); /* its only KMS has a list */
    dpp_ring_free(ring);
    dpp_ring_free(NULL);
    char user[DPP_URI_MAX + 2];
    memset(user, 'a', sizeof user);
    user[DPP_URI_MAX + 1] = 0;
    assert_int_equal(dpp_ring_new(&ring, user), DPP_E_LONG);
    assert_null(ring);
}

/* The set to sign with, by the hour. */
static void test_now(void **state)
{
    struct dpp_ring *ring = realm_ring(ALICE, realms, 1, 0);
    uint64_t no = dpp_ring_period(&realms[0].cert, REALM_NOW_S);
    int64_t begin_s = dpp_ring_period_begin(&realms[0].cert, no);
    int64_t end_s = dpp_ring_period_begin(&realms[0].cert, no + 1);
    const struct dpp_ring_set *own = dpp_ring_set_at(ring, 0);

    (void)state;
    assert_ptr_equal(dpp_ring_set_now(ring, begin_s), own);
    assert_ptr_equal(dpp_ring_set_now(ring, end_s - 1), own);
    assert_ptr_equal(dpp_ring_set_now(ring, begin_s - 86400), own); /* ours is the neighbour */
    assert_null(dpp_ring_set_now(ring, begin_s - 86401));
    assert_ptr_equal(dpp_ring_set_now(ring, end_s + 86399), own);
    assert_null(dpp_ring_set_now(ring, end_s + 86400));
    dpp_ring_free(ring);
    ring = realm_ring(ALICE, realms, 1, 1); /* the right one before the neighbour */
    assert_int_equal(dpp_ring_set_now(ring, end_s - 1)->period_no, no);
    assert_int_equal(dpp_ring_set_now(ring, end_s)->period_no, no + 1);
    dpp_ring_free(ring);
    struct one o;
    make_one(&o);
    o.set.from_s = REALM_NOW_S;
    o.set.to_s = REALM_NOW_S + 10;
    ring = empty();
    assert_int_equal(dpp_ring_add(ring, &o.doc, REALM_NOW_S), 0);
    assert_null(dpp_ring_set_now(ring, REALM_NOW_S - 1));
    assert_non_null(dpp_ring_set_now(ring, REALM_NOW_S));
    assert_null(dpp_ring_set_now(ring, REALM_NOW_S + 10));
    dpp_ring_free(ring);
}

/* What is refused, and that then nothing has come in. ts33180#5.3 */
static void test_refused(void **state)
{
    struct dpp_ring *ring = empty();
    struct one o;

    (void)state;
    for (int i = 0; i < 18; i++) {
        int want = 0;
        make_one(&o);
        switch (i) {
        case 0:
            o.cert.is_revoked = true;
            want = DPP_E_KMS_REVOKED;
            break;
        case 1:
            o.set.is_revoked = true;
            want = DPP_E_KMS_REVOKED;
            break;
        case 2:
            o.cert.to_s = REALM_NOW_S;
            want = DPP_E_KMS_DATE;
            break;
        case 3:
            o.cert.from_s = REALM_NOW_S + 1;
            want = DPP_E_KMS_DATE;
            break;
        case 4:
            o.set.to_s = REALM_NOW_S;
            want = DPP_E_KMS_DATE;
            break;
        case 5:
            o.set.user_uri[4] ^= 1;
            want = DPP_E_KMS_USER;
            break;
        case 6:
            o.set.kms_uri[0] ^= 1;
            want = DPP_E_KMS_ABSENT;
            break;
        case 7:
            o.doc.certs_n = 0;
            want = DPP_E_KMS_ABSENT;
            break;
        case 8:
            o.set.uid[31] ^= 1;
            want = DPP_E_KMS_UID;
            break;
        case 9:
            o.set.period_no++;
            want = DPP_E_KMS_UID;
            break;
        case 10:
            o.cert.offset_s++;
            want = DPP_E_KMS_UID;
            break;
        case 11:
            o.secrets.ssk[31] ^= 1;
            want = DPP_E_ECCSI_PAIR;
            break;
        case 12:
            o.secrets.pvt[64] ^= 1;
            want = DPP_E_ECCSI_POINT;
            break;
        case 13:
            o.cert.kpak[64] ^= 1;
            want = DPP_E_ECCSI_POINT;
            break;
        case 14:
            memcpy(o.secrets.rsk, realms[0].cert.z, DPP_SAKKE_POINT);
            want = DPP_E_SAKKE_PAIR;
            break;
        case 15:
            o.cert.z[256] ^= 1;
            want = DPP_E_SAKKE_POINT;
            break;
        case 16:
            o.secrets.rsk[256] ^= 1;
            want = DPP_E_SAKKE_POINT;
            break;
        default:
            o.doc.kind = DPP_KMS_ERROR;
            want = DPP_E_KMS_ERROR;
        }
        assert_int_equal(dpp_ring_add(ring, &o.doc, REALM_NOW_S), want);
        assert_int_equal(dpp_ring_kmss(ring), 0);
        assert_int_equal(dpp_ring_sets(ring), 0);
    }
    make_one(&o); /* for analysis no date matters */
    o.cert.to_s = o.set.to_s = 1;
    assert_int_equal(dpp_ring_add(ring, &o.doc, 0), 0);
    dpp_ring_free(ring);
}

static void test_replace(void **state)
{
    struct dpp_ring *ring = empty();
    struct one o;

    (void)state;
    make_one(&o);
    snprintf(o.cert.cert_uri, sizeof o.cert.cert_uri, "cert-1");
    assert_int_equal(dpp_ring_add(ring, &o.doc, REALM_NOW_S), 0);
    const struct dpp_ring_kms *kms = dpp_ring_kms_at(ring, 0);
    /* the same keys with other dates: nothing is made again, the set is the new one */
    o.cert.to_s = REALM_NOW_S + 5;
    assert_int_equal(dpp_ring_add(ring, &o.doc, REALM_NOW_S), 0);
    assert_ptr_equal(dpp_ring_kms_at(ring, 0), kms);
    assert_int_equal(kms->cert.to_s, REALM_NOW_S + 5);
    assert_int_equal(dpp_ring_sets(ring), 1);
    /* another CertUri stands beside it */
    snprintf(o.cert.cert_uri, sizeof o.cert.cert_uri, "cert-2");
    o.doc.sets_n = 0;
    assert_int_equal(dpp_ring_add(ring, &o.doc, REALM_NOW_S), 0);
    assert_int_equal(dpp_ring_kmss(ring), 2);
    /* other keys under the first CertUri: the sets of the old ones go */
    snprintf(o.cert.cert_uri, sizeof o.cert.cert_uri, "cert-1");
    memcpy(o.cert.kpak, realms[1].cert.kpak, sizeof o.cert.kpak);
    assert_int_equal(dpp_ring_add(ring, &o.doc, REALM_NOW_S), 0);
    assert_int_equal(dpp_ring_kmss(ring), 2);
    assert_int_equal(dpp_ring_sets(ring), 0);
    assert_memory_equal(dpp_ring_kms_at(ring, 0)->cert.kpak, realms[1].cert.kpak, DPP_ECCSI_POINT);
    /* two certificates of one KMS in one document */
    struct dpp_kms_cert twice[2] = {o.cert, o.cert};
    o.doc.certs = twice;
    o.doc.certs_n = 2;
    assert_int_equal(dpp_ring_add(ring, &o.doc, REALM_NOW_S), DPP_E_KMS_FIELD);
    dpp_ring_free(ring);
    ring = empty();
    assert_int_equal(dpp_ring_add(ring, &o.doc, REALM_NOW_S), DPP_E_KMS_FIELD);
    dpp_ring_free(ring);
}

static void test_limits(void **state)
{
    struct dpp_ring *ring = empty();
    struct one o;

    (void)state;
    make_one(&o);
    o.doc.sets_n = 0;
    for (int i = 0; i <= DPP_KMS_CERTS_MAX; i++) {
        snprintf(o.cert.kms_uri, sizeof o.cert.kms_uri, "kms%d.example", i);
        assert_int_equal(dpp_ring_add(ring, &o.doc, REALM_NOW_S),
                         i < DPP_KMS_CERTS_MAX ? 0 : DPP_E_LONG);
    }
    assert_int_equal(dpp_ring_kmss(ring), DPP_KMS_CERTS_MAX);
    dpp_ring_free(ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_period),  cmocka_unit_test(test_add),
        cmocka_unit_test(test_now),     cmocka_unit_test(test_refused),
        cmocka_unit_test(test_replace), cmocka_unit_test(test_limits),
    };
    if (dpp_keys_init(16 * DPP_RING_SET_OCTETS) == DPP_E_SECURE_HEAP)
        return 1;
    realm_init(&realms[0], "kms.iops.example", NULL, 0x11);
    realm_init(&realms[1], "kms.far.example", "far.example", 0x22);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
