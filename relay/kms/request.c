#include "relay/kms/request.h"

#include <stdio.h>
#include <string.h>

#include "dpp/keys/ring.h"

#define ROOT "/keymanagement/identity/v1"

enum resource { RESOURCE_NONE, RESOURCE_INIT, RESOURCE_KEYPROV };

/* A path taken apart. */
struct target {
    enum resource resource;
    bool has_user, has_time;
    char user[DPP_URI_MAX + 1];
    uint64_t ntp; /* seconds since 1900 << 32 | fraction */
};

static int hex(char ch)
{
    if (ch >= '0' && ch <= '9')
        return ch - '0';
    ch = (char)(ch | 0x20);
    return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

/* rfc3986#2.1, up to n octets; false when it is malformed, too long or holds a NUL. */
static bool decode(const char *p, size_t n, char *out, size_t cap)
{
    size_t at = 0;

    for (size_t i = 0; i < n; i++) {
        char ch = p[i];
        if (ch == '%') {
            int high = i + 2 < n ? hex(p[i + 1]) : -1, low = high >= 0 ? hex(p[i + 2]) : -1;
            if (low < 0)
                return false;
            ch = (char)(high << 4 | low);
            i += 2;
        }
        if (ch == '\0' || at + 1 >= cap)
            return false;
        out[at++] = ch;
    }
    out[at] = '\0';
    return at > 0;
}

static bool read_time(const char *p, uint64_t *ntp)
{
    *ntp = 0;
    if (strlen(p) != 16)
        return false;
    for (; *p; p++) {
        if (hex(*p) < 0)
            return false;
        *ntp = *ntp << 4 | (uint64_t)hex(*p);
    }
    return true;
}

static bool read_path(const char *path, struct target *target)
{
    static const char init[] = ROOT "/init", keyprov[] = ROOT "/keyprov";

    if (strcmp(path, init) == 0) {
        target->resource = RESOURCE_INIT;
        return true;
    }
    if (strncmp(path, keyprov, sizeof keyprov - 1) != 0)
        return false;
    target->resource = RESOURCE_KEYPROV;
    path += sizeof keyprov - 1;
    if (*path == '\0')
        return true;
    if (*path++ != '/')
        return false;
    size_t n = strcspn(path, "/");
    target->has_user = true;
    if (!decode(path, n, target->user, sizeof target->user))
        return false;
    if (path[n] == '\0')
        return true;
    target->has_time = true;
    return read_time(path + n + 1, &target->ntp);
}

/* Is it the user of the token, however its scheme and host are written? */
static bool is_user(const struct relay_claims *claims, const char *uri)
{
    char plain[RELAY_MCDATA_ID_MAX + 1];

    return relay_mcdata_id_parse((struct msrp_str){.p = uri, .n = strlen(uri)}, plain) == 0 &&
           strcmp(plain, claims->mcdata_id) == 0;
}

/* The path of a URL, or the URL itself where it is only a path. */
static const char *path_of(const char *url)
{
    const char *host = strstr(url, "://");

    return host ? host + 3 + strcspn(host + 3, "/") : url;
}

static int refuse(struct relay_kms_answer *answer, int status, const char *reason)
{
    answer->status = status;
    answer->reason = reason;
    return status;
}

/* Everything that a request must be; 0 or the status of its refusal. */
static int check(const struct dpp_kms_cert *cert, const struct relay_kms_request *request,
                 const struct target *target, struct dpp_kms_request *body,
                 struct relay_kms_answer *answer)
{
    int64_t now_s = request->now_s;

    if (target->has_user && !is_user(request->claims, target->user))
        return refuse(answer, 403, "the path names another user");
    if (request->body_n > RELAY_KMS_BODY_MAX ||
        dpp_kms_request_parse(body, request->body, request->body_n) != 0)
        return refuse(answer, 400, "the body is no KmsRequest");
    if (strcmp(body->kms_uri, cert->kms_uri) != 0)
        return refuse(answer, 400, "KmsUri is another KMS");
    if (strcmp(path_of(body->request_url), request->path) != 0)
        return refuse(answer, 400, "ClientReqUrl is another path");
    if (body->time_s < now_s - RELAY_KMS_SKEW_S || body->time_s > now_s + RELAY_KMS_SKEW_S)
        return refuse(answer, 400, "Time is not recent");
    if (!is_user(request->claims, body->user_uri))
        return refuse(answer, 403, "UserUri is another user");
    if ((cert->from_s != 0 && now_s < cert->from_s) || (cert->to_s != 0 && now_s >= cert->to_s))
        return refuse(answer, 503, "the certificate is out of date");
    return 0;
}

/* The periods asked for, at most two; their number, or 0 with a refusal. Keys of the past open what
 * was received then; keys of the far future nobody needs yet. */
static size_t choose(const struct dpp_kms_cert *cert, const struct relay_kms_request *request,
                     const struct target *target, uint64_t *first, struct relay_kms_answer *answer)
{
    uint64_t now_no = dpp_ring_period(cert, request->now_s);

    *first = now_no;
    if (!target->has_time)
        return 2;
    *first = dpp_ring_period(cert, (int64_t)(target->ntp >> 32) - DPP_RING_NTP_UNIX);
    uint64_t from_no = cert->from_s ? dpp_ring_period(cert, cert->from_s) : 0;
    if (*first >= from_no && *first <= now_no + 1)
        return 1;
    (void)refuse(answer, 404, "no key set of that time");
    return 0;
}

static int fill(const struct relay_domain *domain, const struct relay_kms_request *request,
                const struct target *target, struct dpp_kms_doc *doc,
                struct relay_kms_answer *answer)
{
    const struct dpp_kms_cert *cert = relay_domain_cert(domain);
    struct dpp_kms_cert *copy;
    uint64_t first;
    int rc = 0;

    if (target->resource == RESOURCE_INIT) {
        rc = dpp_kms_add_cert(doc, &copy);
        if (rc == 0)
            *copy = *cert;
        return rc;
    }
    size_t n = choose(cert, request, target, &first, answer);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = relay_domain_issue(domain, request->claims->mcdata_id, first + i,
                                request->random + i * DPP_ECCSI_SCALAR, doc);
    return rc;
}

/* The head of a KmsResponse, and of a refusal all of it. */
static void sign_over(const struct dpp_kms_cert *cert, const struct relay_kms_request *request,
                      const struct dpp_kms_request *body, struct dpp_kms_doc *doc)
{
    memcpy(doc->user_uri, request->claims->mcdata_id, sizeof request->claims->mcdata_id);
    memcpy(doc->kms_uri, cert->kms_uri, sizeof doc->kms_uri);
    memcpy(doc->request_url, body->request_url, sizeof doc->request_url);
    doc->time_s = request->now_s;
}

int relay_kms_answer(const struct relay_domain *domain, const struct relay_kms_request *request,
                     char *out, struct relay_kms_answer *answer)
{
    const struct dpp_kms_cert *cert = relay_domain_cert(domain);
    struct target target = {.resource = RESOURCE_NONE};
    struct dpp_kms_request body = {0};
    struct dpp_kms_doc *doc = NULL;
    int rc = 0;

    *answer = (struct relay_kms_answer){.status = 200, .reason = "ok"};
    if (!read_path(request->path, &target))
        (void)refuse(answer, 404, "no such path");
    else if (strcmp(request->method, "POST") != 0)
        (void)refuse(answer, 405, "POST only");
    else if (!request->claims)
        (void)refuse(answer, 403, "no token that is accepted");
    if (answer->status != 200)
        return 0;
    if (dpp_kms_new(&doc, target.resource == RESOURCE_INIT ? DPP_KMS_INIT : DPP_KMS_KEYPROV) != 0)
        goto broken;
    if (check(cert, request, &target, &body, answer) == 0)
        rc = fill(domain, request, &target, doc, answer);
    if (rc != 0)
        goto broken;
    sign_over(cert, request, &body, doc);
    if (answer->status != 200) {
        doc->kind = DPP_KMS_ERROR;
        doc->error_code = answer->status;
        snprintf(doc->error_text, sizeof doc->error_text, "%s", answer->reason);
    }
    ssize_t n = dpp_kms_print(doc, out, RELAY_KMS_ANSWER_MAX);
    if (n < 0)
        goto broken;
    answer->n = (size_t)n;
    dpp_kms_free(doc);
    return 0;
broken:
    dpp_kms_free(doc);
    (void)refuse(answer, 503, "the KMS failed");
    return rc == DPP_E_RETRY ? rc : 0;
}
