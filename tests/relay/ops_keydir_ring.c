/* ops_keydir_ring.c - what a KMS gave, sealed in a file, and the ring that comes out of it. */
#include "tests/relay/kms_kit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "relay/ops/keydir.h"

static char dir[] = "/tmp/keyset.XXXXXX";
static char path[64], cert[16384], sets[16384];
static const uint8_t kek[DPP_KEYFILE_KEK] = "a key over keys, 32 octets long";
static const char *const xml[2] = {sets, cert}; /* key sets first: the order does not matter */
static size_t xml_n[2];

static int begin(void **state)
{
    struct relay_domain *domain;
    struct dpp_kms_doc *doc;
    uint8_t v[DPP_ECCSI_SCALAR];

    if (set_up(state) != 0 || !mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/set", dir);
    domain = make_domain(7);
    uint64_t no = dpp_ring_period(relay_domain_cert(domain), NOW);
    memset(v, 3, sizeof v);
    if (dpp_kms_new(&doc, DPP_KMS_KEYPROV) != 0 ||
        relay_domain_issue(domain, "sip:alice@iops.example", no, v, doc) != 0 ||
        relay_domain_issue(domain, "sip:alice@iops.example", no + 1, v, doc) != 0)
        return -1;
    xml_n[0] = (size_t)dpp_kms_print(doc, sets, sizeof sets);
    xml_n[1] = (size_t)dpp_kms_print_cert(relay_domain_cert(domain), cert, sizeof cert);
    dpp_kms_free(doc);
    relay_domain_free(domain);
    return 0;
}

static int end(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(dir); /* fails when a temporary file was left */
}

static void test_read_ring(void **state)
{
    struct dpp_ring *ring;
    struct stat st;

    (void)state;
    assert_int_equal(relay_keydir_write_set(path, kek, xml, xml_n, 2), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(relay_keydir_read_ring(path, kek, NULL, NOW, &ring), 0);
    assert_string_equal(dpp_ring_user(ring), "sip:alice@iops.example");
    assert_int_equal(dpp_ring_sets(ring), 2);
    dpp_ring_free(ring);
    assert_int_equal(relay_keydir_read_ring(path, kek, "sip:alice@iops.example", NOW, &ring), 0);
    dpp_ring_free(ring);
    /* a file outlives the key periods in it */
    assert_int_equal(relay_keydir_read_ring(path, kek, NULL, NOW + 2 * 2592000, &ring),
                     DPP_E_KMS_DATE);
    assert_null(ring);
    uint64_t no = dpp_ring_period(&plan, NOW);
    int64_t late_s = dpp_ring_period_begin(&plan, no + 1) + 2 * 86400;
    assert_int_equal(relay_keydir_read_ring(path, kek, NULL, late_s, &ring), 0);
    assert_int_equal(dpp_ring_sets(ring), 1);
    assert_int_equal(dpp_ring_set_now(ring, late_s)->period_no, no + 1);
    dpp_ring_free(ring);
    /* analysis */
    assert_int_equal(relay_keydir_read_ring(path, kek, NULL, 0, &ring), 0);
    assert_int_equal(dpp_ring_sets(ring), 2);
    dpp_ring_free(ring);
}

/* The secure heap is made by the size of the file: never for less than there is in it. */
static void test_heap(void **state)
{
    static char many[65536];
    size_t at = 0, n = 0;

    (void)state;
    unlink(path);
    assert_true(relay_keydir_heap(path) >= 3 * DPP_RING_SET_OCTETS);
    assert_int_equal(relay_keydir_write_set(path, kek, xml, xml_n, 2), 0);
    assert_true(relay_keydir_heap(path) >= 3 * DPP_RING_SET_OCTETS);
    /* nothing that may be left away, names of one character */
    at += (size_t)snprintf(many, sizeof many, "<KmsKeyProv>");
    for (; n < 40; n++)
        at += (size_t)snprintf(many + at, sizeof many - at,
                               "<KmsKeySet><KmsUri>k</KmsUri><UserUri>u</UserUri><UserID>%043d"
                               "</UserID><KeyPeriodNo>1</KeyPeriodNo><UserDecryptKey>04%0512d"
                               "</UserDecryptKey><UserSigningKeySSK>%064d</UserSigningKeySSK>"
                               "<UserPubTokenPVT>04%0128d</UserPubTokenPVT></KmsKeySet>",
                               0, 0, 0, 0);
    at += (size_t)snprintf(many + at, sizeof many - at, "</KmsKeyProv>");
    struct dpp_kms_doc *doc;
    assert_int_equal(dpp_kms_parse(&doc, many, at), 0); /* it could not be shorter and be read */
    assert_int_equal(doc->sets_n, n);
    dpp_kms_free(doc);
    assert_int_equal(relay_keydir_write_set(path, kek, (const char *const[]){many}, &at, 1), 0);
    assert_true(relay_keydir_heap(path) >= n * DPP_RING_SET_OCTETS);
    assert_true(relay_keydir_heap(path) <= DPP_KMS_SETS_MAX * DPP_RING_SET_OCTETS);
}

static void test_refused(void **state)
{
    static const char *const bad[1] = {"<KmsCertificate/>"};
    static const size_t bad_n[1] = {17};
    uint8_t other[DPP_KEYFILE_KEK] = {1};
    struct dpp_ring *ring;

    (void)state;
    assert_int_equal(relay_keydir_write_set(path, kek, xml, xml_n, 2), 0);
    assert_int_equal(relay_keydir_read_ring(path, other, NULL, NOW, &ring), DPP_E_KEYFILE_SUM);
    assert_int_equal(relay_keydir_read_ring(path, kek, "sip:bob@iops.example", NOW, &ring),
                     DPP_E_KMS_USER);
    assert_null(ring);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(relay_keydir_read_ring(path, kek, NULL, NOW, &ring), DPP_E_KEYFILE_MODE);
    /* no certificate; no key set; not a document */
    assert_int_equal(relay_keydir_write_set(path, kek, xml, xml_n, 1), 0);
    assert_int_equal(relay_keydir_read_ring(path, kek, NULL, NOW, &ring), DPP_E_KMS_ABSENT);
    assert_int_equal(relay_keydir_write_set(path, kek, xml + 1, xml_n + 1, 1), 0);
    assert_int_equal(relay_keydir_read_ring(path, kek, NULL, NOW, &ring), DPP_E_KMS_ABSENT);
    assert_int_equal(relay_keydir_write_set(path, kek, bad, bad_n, 1), 0);
    assert_int_equal(relay_keydir_read_ring(path, kek, NULL, NOW, &ring), DPP_E_KMS_FIELD);
    assert_int_equal(relay_keydir_write_set(path, kek, xml, xml_n, 0), DPP_E_LONG);
    unlink(path);
    assert_int_equal(relay_keydir_read_ring(path, kek, NULL, NOW, &ring), RELAY_E_IO);
    assert_int_equal(errno, ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_ring),
        cmocka_unit_test(test_heap),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
