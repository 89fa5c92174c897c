/* request.h - the KMS's answers: one HTTP request and whose it is -> status and document.
 * ts33180#D.2, #5.1.3.1. Sans-IO: TLS, HTTP and the token are checked before.
 *
 *   POST /keymanagement/identity/v1/init                          KmsInit: the certificate
 *   POST .../keyprov, .../keyprov/USER                            KmsKeyProv: this period and next
 *   POST .../keyprov/USER/TIME   TIME: 16 hexadecimal digits NTP  KmsKeyProv: the period of TIME
 *
 * USER is the percent-encoded MC service ID. The body is a KmsRequest. */
#ifndef RELAY_KMS_REQUEST_H
#define RELAY_KMS_REQUEST_H

#include "relay/auth/claims.h"
#include "relay/kms/domain.h"

#define RELAY_SCOPE_KMS "3gpp:mc:data_key_management_service"

enum {
    RELAY_KMS_BODY_MAX = 16384,   /* octets of a request's body */
    RELAY_KMS_ANSWER_MAX = 98304, /* octets of an answer, with its NUL */
    RELAY_KMS_SKEW_S = 300,       /* how far Time may lie from our clock */
    RELAY_KMS_RANDOM = 2 * DPP_ECCSI_SCALAR,
};

struct relay_kms_request {
    const char *method, *path; /* the path as it came: not decoded, without a query */
    const char *body;
    size_t body_n;
    const struct relay_claims *claims; /* of a token that was accepted; NULL: there was none */
    int64_t now_s;
    uint8_t random[RELAY_KMS_RANDOM]; /* fresh; wiped by the caller */
};

struct relay_kms_answer {
    int status;         /* 200; 400, 403, 404, 405, 503 */
    const char *reason; /* for the audit line; static storage, no input echoed */
    size_t n;           /* octets of the document; 0: none */
};

/* Answers a request into out (RELAY_KMS_ANSWER_MAX octets), which holds secrets and is wiped by the
 * caller. In this order: unknown path 404, method other than POST 405, no token 403, another user's
 * path 403, a malformed body 400, KmsUri not ours, ClientReqUrl of another path or Time not recent
 * 400, UserUri not the token's 403, certificate out of date 503, a period before the certificate's
 * or after the next 404. A refusal of somebody authenticated holds a KmsError. Returns 0, or
 * DPP_E_RETRY: other randomness is needed. */
int relay_kms_answer(const struct relay_domain *domain, const struct relay_kms_request *request,
                     char *out, struct relay_kms_answer *answer)
    __attribute__((warn_unused_result));

#endif
