/* domain.h - a security domain: the master secrets of a KMS and the certificate that goes with
 * them.
 *
 * No clock, file or random source: all are arguments. The masters lie in the secure heap and rest
 * as sealed text. */
#ifndef RELAY_KMS_DOMAIN_H
#define RELAY_KMS_DOMAIN_H

#include "dpp/cur.h"
#include "dpp/keys/kms.h"
#include "relay/err.h"

enum {
    RELAY_DOMAIN_RANDOM = DPP_ECCSI_SCALAR + DPP_SAKKE_SCALAR, /* KSAK | z */
    RELAY_DOMAIN_XML_MAX = 65536, /* octets of the certificate as XML, with its NUL */
};

struct relay_domain;

/* Makes a domain. `plan` is a certificate without Z and KPAK; `random` is drawn with a
 * cryptographic source and wiped by the caller. 0 and *domain, or DPP_E_RETRY (draw again),
 * DPP_E_VALUE (no KMS URI, no period, or an offset that is not below it), DPP_E_NOMEM,
 * DPP_E_SECURE_HEAP, DPP_E_CRYPTO. rfc6507#4.2, rfc6508#2.2 */
int relay_domain_new(struct relay_domain **domain, const struct dpp_kms_cert *plan,
                     const uint8_t random[RELAY_DOMAIN_RANDOM]) __attribute__((warn_unused_result));
void relay_domain_free(struct relay_domain *domain); /* wipes; NULL is allowed */

/* The certificate: borrowed, public. */
const struct dpp_kms_cert *relay_domain_cert(const struct relay_domain *domain);

/* The two texts that are sealed: the certificate as XML, which is written into `xml` (of
 * RELAY_DOMAIN_XML_MAX octets), and the masters, borrowed from the domain. 0 or DPP_E_SPACE. */
int relay_domain_texts(const struct relay_domain *domain, char *xml, struct dpp_span texts[2])
    __attribute__((warn_unused_result));

/* A domain from its n texts. The masters must give the points of the certificate. 0 and *domain, or
 * DPP_E_KEYFILE_FORM, what dpp_kms_parse says, DPP_E_NOMEM, DPP_E_SECURE_HEAP, DPP_E_CRYPTO. */
int relay_domain_open(struct relay_domain **domain, const struct dpp_span *texts, size_t n)
    __attribute__((warn_unused_result));

/* The key set of a user in a period, added to a document. `v` is fresh randomness, wiped by the
 * caller. The set may be used from a tenth of a period (at most a day) before its period to as long
 * after it, for peers whose clocks differ. 0, DPP_E_RETRY, DPP_E_LONG, DPP_E_SAKKE_ID, DPP_E_NOMEM,
 * DPP_E_SECURE_HEAP, DPP_E_CRYPTO. rfc6507#5.1.1, rfc6508#6.1.1 */
int relay_domain_issue(const struct relay_domain *domain, const char *user, uint64_t period_no,
                       const uint8_t v[DPP_ECCSI_SCALAR], struct dpp_kms_doc *doc)
    __attribute__((warn_unused_result));

#endif
