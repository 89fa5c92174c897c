/* fetch_kms.c - a user's keys from his KMS: /init, then /keyprov. ts33180#D.2 */
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/loop/fetch.h"

#define ROOT "/keymanagement/identity/v1"

/* The host of an https URL, "" when there is none. */
static void host_of(const char *url, char *out, size_t cap)
{
    const char *begin = strstr(url, "://");
    size_t n = begin ? strcspn(begin + 3, ":/") : 0;

    snprintf(out, cap, "%.*s", (int)n, begin ? begin + 3 : "");
}

/* Why an answer is none: what its KmsError says, else its status. */
static void tell(struct relay_kms_got *got, const struct relay_fetched *answer)
{
    struct dpp_kms_doc *doc = NULL;

    if (answer->body_n == 0 || dpp_kms_parse(&doc, answer->body, answer->body_n) != 0 ||
        doc->kind != DPP_KMS_ERROR)
        snprintf(got->why, sizeof got->why, "the KMS answered %d", answer->status);
    else
        snprintf(got->why, sizeof got->why, "the KMS answered %d: %d %s", answer->status,
                 doc->error_code, doc->error_text);
    dpp_kms_free(doc);
}

/* The document must be the one asked for, and for the user. */
static int take(const struct relay_kms_fetch *from, enum dpp_kms_kind kind, int64_t now_s,
                const struct relay_fetched *answer, struct relay_kms_got *got, char *kms_uri)
{
    struct dpp_kms_doc *doc;
    const char *field;
    int rc = dpp_kms_parse_at(&doc, answer->body ? answer->body : "", answer->body_n, &field);

    if (rc != 0) {
        snprintf(got->why, sizeof got->why, "the answer to %s: %s%s%s",
                 kind == DPP_KMS_INIT ? "/init" : "/keyprov", relay_strerror(rc),
                 *field ? ": " : "", field);
        return rc;
    }
    if (doc->kind == DPP_KMS_ERROR)
        rc = DPP_E_KMS_ERROR;
    else if (doc->kind != kind)
        rc = DPP_E_XML_ELEMENT;
    else if (doc->user_uri[0] && strcmp(doc->user_uri, from->user) != 0)
        rc = DPP_E_KMS_USER;
    else if ((kind == DPP_KMS_INIT ? doc->certs_n : doc->sets_n) == 0)
        rc = DPP_E_KMS_ABSENT;
    else
        rc = dpp_ring_add(got->ring, doc, now_s);
    if (rc == 0 && kind == DPP_KMS_INIT)
        memcpy(kms_uri, doc->certs[0].kms_uri, sizeof doc->certs[0].kms_uri);
    dpp_kms_free(doc);
    return rc;
}

static int ask(const struct relay_kms_fetch *from, enum dpp_kms_kind kind, int64_t now_s,
               char *kms_uri, struct relay_kms_got *got)
{
    struct dpp_kms_request request = {.time_s = now_s};
    struct relay_fetched answer = {0};
    char xml[8192];
    size_t i = kind == DPP_KMS_INIT ? 0 : 1;

    int n = snprintf(request.request_url, sizeof request.request_url, "%s%s", from->url,
                     i == 0 ? ROOT "/init" : ROOT "/keyprov");
    if ((size_t)n >= sizeof request.request_url || strlen(from->user) > DPP_URI_MAX)
        return DPP_E_LONG;
    memcpy(request.user_uri, from->user, strlen(from->user) + 1);
    memcpy(request.kms_uri, kms_uri, sizeof request.kms_uri);
    ssize_t xml_n = dpp_kms_request_print(&request, xml, sizeof xml);
    if (xml_n < 0)
        return (int)xml_n;
    struct relay_fetch fetch = {
        .url = request.request_url,
        .connect = from->connect,
        .ca = from->ca,
        .token = from->token,
        .type = "application/xml",
        .body = xml,
        .body_n = (size_t)xml_n,
        .stop = from->stop,
    };
    int rc = relay_fetch(&fetch, &answer);
    if (rc != 0)
        memcpy(got->why, answer.why, sizeof answer.why);
    else if (answer.status != 200)
        rc = DPP_E_KMS_ERROR;
    else
        rc = take(from, kind, now_s, &answer, got, kms_uri);
    if (rc == DPP_E_KMS_ERROR)
        tell(got, &answer);
    if (rc == 0) {
        got->xml[i] = answer.body;
        got->xml_n[i] = answer.body_n;
    } else {
        relay_fetch_done(&answer);
    }
    return rc;
}

int relay_kms_fetch(const struct relay_kms_fetch *from, int64_t now_s, struct relay_kms_got *got)
{
    char kms_uri[DPP_URI_MAX + 1] = "", why[sizeof got->why];

    *got = (struct relay_kms_got){0};
    if (from->kms_uri)
        snprintf(kms_uri, sizeof kms_uri, "%s", from->kms_uri);
    else
        host_of(from->url, kms_uri, sizeof kms_uri);
    int rc = dpp_ring_new(&got->ring, from->user);
    if (rc == 0)
        rc = ask(from, DPP_KMS_INIT, now_s, kms_uri, got);
    if (rc == 0)
        rc = ask(from, DPP_KMS_KEYPROV, now_s, kms_uri, got);
    if (rc != 0) {
        snprintf(why, sizeof why, "%s", got->why[0] ? got->why : relay_strerror(rc));
        relay_kms_fetch_done(got);
        memcpy(got->why, why, sizeof why);
    }
    return rc;
}

void relay_kms_fetch_done(struct relay_kms_got *got)
{
    for (size_t i = 0; i < 2; i++) {
        if (got->xml[i])
            OPENSSL_cleanse(got->xml[i], got->xml_n[i]);
        free(got->xml[i]);
    }
    dpp_ring_free(got->ring);
    *got = (struct relay_kms_got){0};
}
