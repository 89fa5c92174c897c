#include "tests/relay/kms_kit.h"

#include <stdio.h>

#include "relay/kms/request.h"

#define ROOT "/keymanagement/identity/v1"

static struct relay_domain *domain;
static const struct relay_claims alice = {.mcdata_id = "sip:alice@iops.example"};
static char out[RELAY_KMS_ANSWER_MAX];

/* A good request to a path, by alice. */
static struct dpp_kms_request good(const char *path)
{
    struct dpp_kms_request r = {
        .user_uri = "sip:alice@iops.example", .kms_uri = "kms.iops.example", .time_s = NOW};

    snprintf(r.request_url, sizeof r.request_url, "https://kms.iops.example:8443%s", path);
    return r;
}

static struct relay_kms_answer ask(const char *method, const char *path,
                                   const struct dpp_kms_request *body,
                                   const struct relay_claims *claims, int64_t now_s)
{
    struct relay_kms_answer answer;
    struct relay_kms_request request = {
        .method = method, .path = path, .claims = claims, .now_s = now_s};
    char xml[4096] = "";

    if (body)
        assert_true(dpp_kms_request_print(body, xml, sizeof xml) > 0);
    request.body = xml;
    request.body_n = strlen(xml);
    memset(request.random, 5, sizeof request.random);
    assert_int_equal(relay_kms_answer(domain, &request, out, &answer), 0);
    return answer;
}

static struct relay_kms_answer post(const char *path)
{
    struct dpp_kms_request body = good(path);

    return ask("POST", path, &body, &alice, NOW);
}

static struct dpp_kms_doc *answered(struct relay_kms_answer answer)
{
    struct dpp_kms_doc *doc;

    assert_int_equal(dpp_kms_parse(&doc, out, answer.n), 0);
    assert_string_equal(doc->user_uri, "sip:alice@iops.example");
    assert_string_equal(doc->kms_uri, "kms.iops.example");
    assert_int_equal(doc->time_s, NOW);
    return doc;
}

/* ts33180#D.2 */
static void test_good(void **state)
{
    static const char *const keyprov[] = {
        ROOT "/keyprov", ROOT "/keyprov/sip%3Aalice%40iops.example",
        ROOT "/keyprov/sip:alice@iops.example", ROOT "/keyprov/SIP%3aalice%40IOPS.example"};
    struct dpp_ring *ring;

    (void)state;
    assert_int_equal(dpp_ring_new(&ring, alice.mcdata_id), 0);
    struct relay_kms_answer a = post(ROOT "/init");
    assert_int_equal(a.status, 200);
    struct dpp_kms_doc *doc = answered(a);
    assert_int_equal(doc->kind, DPP_KMS_INIT);
    assert_int_equal(dpp_ring_add(ring, doc, NOW), 0);
    dpp_kms_free(doc);
    for (size_t i = 0; i < 4; i++) {
        a = post(keyprov[i]);
        assert_int_equal(a.status, 200);
        doc = answered(a);
        assert_int_equal(doc->kind, DPP_KMS_KEYPROV);
        assert_int_equal(doc->sets_n, 2);
        assert_int_equal(doc->sets[0].period_no + 1, doc->sets[1].period_no);
        assert_int_equal(dpp_ring_add(ring, doc, NOW), 0);
        dpp_kms_free(doc);
    }
    assert_int_equal(dpp_ring_sets(ring), 2);
    dpp_ring_free(ring);
}

/* One period, that of an NTP time: not before the certificate, not after the next period. */
static void test_time(void **state)
{
    static const struct {
        int64_t from_now_s;
        int status;
    } rows[] = {
        {0, 200},           {2592000, 200},       {-2592000, 200}, {-91 * 86400 - 2592000, 404},
        {2 * 2592000, 404}, {-NOW - 100000, 404},
    };
    uint64_t no = dpp_ring_period(&plan, NOW);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char path[256];
        uint64_t ntp = (uint64_t)(NOW + rows[i].from_now_s + DPP_RING_NTP_UNIX) << 32;
        snprintf(path, sizeof path, ROOT "/keyprov/sip%%3Aalice%%40iops.example/%016llX",
                 (unsigned long long)ntp);
        struct relay_kms_answer a = post(path);
        assert_int_equal(a.status, rows[i].status);
        struct dpp_kms_doc *doc = answered(a);
        if (a.status == 200) {
            assert_int_equal(doc->sets_n, 1);
            assert_int_equal(doc->sets[0].period_no, no + (uint64_t)(rows[i].from_now_s / 2592000));
        } else {
            assert_int_equal(doc->kind, DPP_KMS_ERROR);
            assert_int_equal(doc->error_code, 404);
        }
        dpp_kms_free(doc);
    }
}

static void test_paths(void **state)
{
    static const char *const unknown[] = {"/",
                                          "",
                                          ROOT,
                                          ROOT "/",
                                          ROOT "/init/",
                                          ROOT "/initx",
                                          ROOT "/certcache",
                                          ROOT "/keyprovx",
                                          ROOT "/keyprov/",
                                          ROOT "/keyprov/%",
                                          ROOT "/keyprov/%4",
                                          ROOT "/keyprov/%zz",
                                          ROOT "/keyprov/a%00b",
                                          ROOT "/keyprov/a/",
                                          ROOT "/keyprov/a/D6B43232",
                                          ROOT "/keyprov/a/D6B432320000000g",
                                          ROOT "/keyprov/a/D6B4323200000000/"};

    (void)state;
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        assert_int_equal(post(unknown[i]).status, 404);
    assert_int_equal(ask("GET", "/", NULL, NULL, NOW).status, 404);
    assert_int_equal(ask("GET", ROOT "/init", NULL, &alice, NOW).status, 405);
    assert_int_equal(ask("PUT", ROOT "/keyprov", NULL, NULL, NOW).status, 405);
    /* nobody learns more than that without a token */
    struct dpp_kms_request body = good(ROOT "/init");
    struct relay_kms_answer a = ask("POST", ROOT "/init", &body, NULL, NOW);
    assert_int_equal(a.status, 403);
    assert_int_equal(a.n, 0);
}

/* ts33180#5.1.3.1: only for the MC service ID in the token */
static void test_refused(void **state)
{
    struct dpp_kms_request body = good(ROOT "/keyprov");
    struct relay_kms_answer a;

    (void)state;
    assert_int_equal(post(ROOT "/keyprov/sip%3Abob%40iops.example").status, 403);
    snprintf(body.user_uri, sizeof body.user_uri, "sip:bob@iops.example");
    a = ask("POST", ROOT "/keyprov", &body, &alice, NOW);
    assert_int_equal(a.status, 403);
    struct dpp_kms_doc *doc = answered(a);
    assert_int_equal(doc->kind, DPP_KMS_ERROR);
    assert_int_equal(doc->error_code, 403);
    assert_int_equal(doc->sets_n, 0);
    dpp_kms_free(doc);
    body = good(ROOT "/keyprov");
    snprintf(body.kms_uri, sizeof body.kms_uri, "kms.other.example");
    assert_int_equal(ask("POST", ROOT "/keyprov", &body, &alice, NOW).status, 400);
    body = good(ROOT "/init");
    assert_int_equal(ask("POST", ROOT "/keyprov", &body, &alice, NOW).status, 400);
    body = good(ROOT "/keyprov");
    body.time_s = NOW - 300;
    assert_int_equal(ask("POST", ROOT "/keyprov", &body, &alice, NOW).status, 200);
    body.time_s = NOW - 301;
    assert_int_equal(ask("POST", ROOT "/keyprov", &body, &alice, NOW).status, 400);
    body.time_s = NOW + 301;
    assert_int_equal(ask("POST", ROOT "/keyprov", &body, &alice, NOW).status, 400);
    assert_int_equal(ask("POST", ROOT "/keyprov", NULL, &alice, NOW).status, 400);
    body = good(ROOT "/init");
    body.time_s = plan.to_s;
    assert_int_equal(ask("POST", ROOT "/init", &body, &alice, plan.to_s).status, 503);
    body.time_s = plan.to_s - 1;
    assert_int_equal(ask("POST", ROOT "/init", &body, &alice, plan.to_s - 1).status, 200);
}

static int begin(void **state)
{
    if (set_up(state) != 0)
        return -1;
    domain = make_domain(9);
    return 0;
}

static int end(void **state)
{
    (void)state;
    relay_domain_free(domain);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
