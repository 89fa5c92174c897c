#include "tests/relay/kms_kit.h"

#include <stdlib.h>

/* rfc6507#5.1.2, rfc6508#6.1.2: what is issued passes the checks of whoever it is for */
static void test_issue(void **state)
{
    struct relay_domain *domain = make_domain(7);
    const struct dpp_kms_cert *cert = relay_domain_cert(domain);
    struct dpp_kms_doc *init, *doc;
    struct dpp_kms_cert *copy;
    struct dpp_ring *ring;
    uint8_t v[DPP_ECCSI_SCALAR];
    uint64_t no = dpp_ring_period(cert, NOW);

    (void)state;
    memset(v, 3, sizeof v);
    assert_int_equal(dpp_kms_new(&init, DPP_KMS_INIT), 0);
    assert_int_equal(dpp_kms_add_cert(init, &copy), 0);
    *copy = *cert;
    assert_int_equal(dpp_kms_new(&doc, DPP_KMS_KEYPROV), 0);
    assert_int_equal(relay_domain_issue(domain, "sip:alice@iops.example", no, v, doc), 0);
    v[0] = 4;
    assert_int_equal(relay_domain_issue(domain, "sip:alice@iops.example", no + 1, v, doc), 0);
    assert_memory_not_equal(doc->sets[0].secrets, doc->sets[1].secrets, sizeof *doc->sets->secrets);
    /* a day of margin at both ends */
    assert_int_equal(doc->sets[0].from_s, dpp_ring_period_begin(cert, no) - 86400);
    assert_int_equal(doc->sets[0].to_s, dpp_ring_period_begin(cert, no + 1) + 86400);

    assert_int_equal(dpp_ring_new(&ring, "sip:alice@iops.example"), 0);
    assert_int_equal(dpp_ring_add(ring, doc, NOW), DPP_E_KMS_ABSENT);
    assert_int_equal(dpp_ring_add(ring, init, NOW), 0);
    assert_int_equal(dpp_ring_add(ring, doc, NOW), 0);
    assert_int_equal(dpp_ring_sets(ring), 2);
    assert_int_equal(dpp_ring_set_now(ring, NOW)->period_no, no);
    assert_int_equal(dpp_ring_set_now(ring, NOW + 2592000)->period_no, no + 1);
    dpp_ring_free(ring);
    assert_int_equal(dpp_ring_new(&ring, "sip:bob@iops.example"), 0);
    assert_int_equal(dpp_ring_add(ring, init, NOW), 0);
    assert_int_equal(dpp_ring_add(ring, doc, NOW), DPP_E_KMS_USER);
    dpp_ring_free(ring);

    /* an octet of any key changed */
    doc->sets[1].secrets->ssk[31] ^= 1;
    assert_int_equal(dpp_ring_new(&ring, "sip:alice@iops.example"), 0);
    assert_int_equal(dpp_ring_add(ring, init, NOW), 0);
    assert_int_equal(dpp_ring_add(ring, doc, NOW), DPP_E_ECCSI_PAIR);
    doc->sets[1].secrets->ssk[31] ^= 1;
    doc->sets[1].secrets->rsk[256] ^= 1;
    assert_int_equal(dpp_ring_add(ring, doc, NOW), DPP_E_SAKKE_POINT);
    assert_int_equal(dpp_ring_sets(ring), 0);
    dpp_ring_free(ring);
    dpp_kms_free(init);
    dpp_kms_free(doc);
    relay_domain_free(domain);
}

static void test_texts(void **state)
{
    struct relay_domain *domain = make_domain(7), *other = make_domain(8), *back;
    static char xml[RELAY_DOMAIN_XML_MAX], xml2[RELAY_DOMAIN_XML_MAX];
    struct dpp_span texts[2], texts2[2];

    (void)state;
    assert_int_equal(relay_domain_texts(domain, xml, texts), 0);
    assert_int_equal(texts[1].n, RELAY_DOMAIN_RANDOM);
    assert_int_equal(relay_domain_open(&back, texts, 2), 0);
    assert_memory_equal(relay_domain_cert(back), relay_domain_cert(domain), sizeof plan);
    relay_domain_free(back);
    assert_int_equal(relay_domain_open(&back, texts, 1), DPP_E_KEYFILE_FORM);
    /* the masters of another domain */
    assert_int_equal(relay_domain_texts(other, xml2, texts2), 0);
    texts[1] = texts2[1];
    assert_int_equal(relay_domain_open(&back, texts, 2), DPP_E_KEYFILE_FORM);
    assert_null(back);
    texts[1].n--;
    assert_int_equal(relay_domain_open(&back, texts, 2), DPP_E_KEYFILE_FORM);
    relay_domain_free(domain);
    relay_domain_free(other);
}

static void test_new(void **state)
{
    uint8_t random[RELAY_DOMAIN_RANDOM] = {0};
    struct dpp_kms_cert bad = plan;
    struct relay_domain *domain;

    (void)state;
    assert_int_equal(relay_domain_new(&domain, &plan, random), DPP_E_RETRY);
    assert_null(domain);
    memset(random, 7, sizeof random);
    bad.period_s = 0;
    assert_int_equal(relay_domain_new(&domain, &bad, random), DPP_E_VALUE);
    bad.period_s = bad.offset_s = 10;
    assert_int_equal(relay_domain_new(&domain, &bad, random), DPP_E_VALUE);
    bad = plan;
    bad.kms_uri[0] = 0;
    assert_int_equal(relay_domain_new(&domain, &bad, random), DPP_E_VALUE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_issue),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_new),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
