/* A client's side of Digest. The sums were computed with another implementation of MD5 and SHA-256.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "relay/client/digest.h"
#include "tests/row.h"

#define NONCE "dcd98b7102dd2f0e8b11d0f600bfb0c093"
#define URI   "msrps://alice@intra.example.com;tcp"
#define ZEROS "aaaaaaaaaaaaaaaaaaaaaaaaaa" /* the cnonce of 16 octets of zero */

/* A response with these header lines. */
static void respond(struct msrp_head *head, char *buf, size_t cap, const char *headers)
{
    struct msrp_limits limits = MSRP_LIMITS_DEFAULT;
    int n = snprintf(buf, cap,
                     "MSRP 49fh 401 No\r\nTo-Path: msrp://a.example:1/x;tcp\r\nFrom-Path: " URI
                     "\r\n%s",
                     headers);
    assert_int_equal(msrp_head_parse(head, buf, (size_t)n, false, &limits), 0);
}

static bool challenged(struct relay_client_digest *digest, const char *headers, bool *stale)
{
    char buf[2048];
    struct msrp_head head;
    respond(&head, buf, sizeof(buf), headers);
    return relay_client_digest_challenged(digest, &head, stale);
}

static bool proves(struct relay_client_digest *digest, const char *info)
{
    char buf[2048];
    struct msrp_head head;
    respond(&head, buf, sizeof(buf), info);
    return relay_client_digest_proves(digest, &head);
}

static const char *print(struct relay_client_digest *digest)
{
    static char out[2048];
    static const uint8_t rnd[16];
    ssize_t n = relay_client_digest_print(digest, "Alice", "secret", msrp_str_of(URI), rnd, out,
                                          sizeof(out) - 1);
    assert_true(n > 0);
    out[n] = '\0';
    return out;
}

static void credentials(void **state)
{
    struct relay_client_digest digest = {0};
    bool stale;
    (void)state;
    assert_true(challenged(&digest,
                           "WWW-Authenticate: Digest realm=\"intra.example.com\", qop=\"auth\", "
                           "nonce=\"" NONCE "\", opaque=\"\"\r\n",
                           &stale));
    assert_false(stale);
    const char *text = print(&digest);
    /* row A4: qop and nc without quotes; trap 13: uri; trap 14: opaque as it came */
    assert_non_null(strstr(text, "username=\"Alice\""));
    assert_non_null(strstr(text, "uri=\"" URI "\""));
    assert_non_null(strstr(text, "qop=auth"));
    assert_non_null(strstr(text, "nc=00000001"));
    assert_non_null(strstr(text, "cnonce=\"" ZEROS "\""));
    assert_non_null(strstr(text, "opaque=\"\""));
    assert_non_null(strstr(text, "response=\"5010958785aa1755772d6c1df80e4fe6\""));
    /* the relay proves itself with the other A2 */
    assert_true(
        proves(&digest,
               "Authentication-Info: rspauth=\"666137fa82d5440031802ba61359caf6\", cnonce=\"" ZEROS
               "\", nc=00000001, qop=auth\r\n"));
    assert_non_null(strstr(print(&digest), "nc=00000002")); /* the nonce is used on */
    row_passed("A4");
    row_passed("A5");
    row_passed("b8.13");
}

static void sha_256(void **state)
{
    struct relay_client_digest digest = {0};
    bool stale;
    (void)state;
    assert_true(challenged(&digest,
                           "WWW-Authenticate: Bearer realm=\"x\"\r\n"
                           "WWW-Authenticate: Digest realm=\"intra.example.com\", qop=\"auth\", "
                           "algorithm=SHA-256, nonce=\"" NONCE "\"\r\n",
                           &stale));
    const char *text = print(&digest);
    assert_non_null(strstr(text, "algorithm=SHA-256"));
    assert_non_null(strstr(
        text, "response=\"f942a791a215c04a68323fdefb8c72eaba6800ff1ffe58c2adcc5e9ec61c870e\""));
    assert_null(strstr(text, "opaque"));
    assert_true(proves(
        &digest, "Authentication-Info: "
                 "rspauth=\"bc30f98bcc25ec0448fd019ae29a581f2edb2e56e45a945aabd40cc27f378990\", "
                 "cnonce=\"" ZEROS "\", nc=00000001, qop=auth\r\n"));
}

static void no_proof(void **state)
{
    static const char *const infos[] = {
        "",
        "Authentication-Info: rspauth=\"5010958785aa1755772d6c1df80e4fe6\", cnonce=\"" ZEROS
        "\", nc=00000001, qop=auth\r\n",
        "Authentication-Info: rspauth=\"666137fa82d5440031802ba61359caf6\", cnonce=\"b\", "
        "nc=00000001, qop=auth\r\n",
        "Authentication-Info: rspauth=\"666137fa82d5440031802ba61359caf6\", cnonce=\"" ZEROS
        "\", nc=00000002, qop=auth\r\n",
        "Authentication-Info: "
        "rspauth=\"bc30f98bcc25ec0448fd019ae29a581f2edb2e56e45a945aabd40cc27f378990\", "
        "cnonce=\"" ZEROS "\", nc=00000001, qop=auth\r\n",
        "Authentication-Info: nextnonce=\"x\"\r\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(infos) / sizeof(infos[0]); i++) {
        struct relay_client_digest digest = {.realm = "intra.example.com", .nonce = NONCE};
        (void)print(&digest);
        assert_false(proves(&digest, infos[i]));
    }
}

static void next_nonce(void **state)
{
    struct relay_client_digest digest = {.realm = "intra.example.com", .nonce = NONCE};
    (void)state;
    (void)print(&digest);
    assert_true(proves(
        &digest,
        "Authentication-Info: nextnonce=\"fresh\", rspauth=\"666137fa82d5440031802ba61359caf6\", "
        "cnonce=\"" ZEROS "\", nc=00000001, qop=auth\r\n"));
    const char *text = print(&digest);
    assert_non_null(strstr(text, "nonce=\"fresh\""));
    assert_non_null(strstr(text, "nc=00000001")); /* counted anew */
}

/* Row A3: what a client does not answer. */
static void no_challenge_for_us(void **state)
{
    static const char *const headers[] = {
        "",
        "WWW-Authenticate: Basic realm=\"x\"\r\n",
        "WWW-Authenticate: Digest realm=\"x\", nonce=\"n\"\r\n",
        "WWW-Authenticate: Digest realm=\"x\", nonce=\"n\", qop=\"auth-int\"\r\n",
        "WWW-Authenticate: Digest realm=\"x\", nonce=\"n\", qop=\"auth\", algorithm=MD5-sess\r\n",
        "WWW-Authenticate: Digest realm=\"x\", nonce=\"\", qop=\"auth\"\r\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        struct relay_client_digest digest = {0};
        bool stale;
        assert_false(challenged(&digest, headers[i], &stale));
    }
    struct relay_client_digest digest = {0};
    bool stale;
    assert_true(challenged(&digest,
                           "WWW-Authenticate: Digest realm=\"x\", nonce=\"n\", "
                           "qop=\"auth-int,auth\", stale=true\r\n",
                           &stale));
    assert_true(stale);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(credentials),
        cmocka_unit_test(sha_256),
        cmocka_unit_test(no_proof),
        cmocka_unit_test(next_nonce),
        cmocka_unit_test(no_challenge_for_us),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
