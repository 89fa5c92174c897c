#include "relay/kms/domain.h"

#include <openssl/crypto.h>
#include <string.h>

#include "dpp/keys/key.h"
#include "dpp/keys/ring.h"
#include "dpp/seal/kdf.h"

#define MARGIN_MAX_S 86400

/* The whole record lies in the secure heap: one block, one wipe. The certificate is public and too
 * large for that. */
struct relay_domain {
    struct dpp_kms_doc *doc;
    struct {
        uint8_t ksak[DPP_ECCSI_SCALAR];
        uint8_t z[DPP_SAKKE_SCALAR];
    } masters;
};
_Static_assert(sizeof(((struct relay_domain *)0)->masters) == RELAY_DOMAIN_RANDOM, "no padding");

/* The masters and the points they give. */
static int make(struct relay_domain **domain, const uint8_t *masters, uint8_t kpak[DPP_ECCSI_POINT],
                uint8_t z[DPP_SAKKE_POINT])
{
    *domain = NULL;
    /* without an arena OPENSSL_secure_zalloc would quietly take the plain heap */
    if (!CRYPTO_secure_malloc_initialized())
        return DPP_E_SECURE_HEAP;
    struct relay_domain *d = OPENSSL_secure_zalloc(sizeof *d);
    if (!d)
        return DPP_E_SECURE_HEAP;
    memcpy(&d->masters, masters, sizeof d->masters);
    int rc = dpp_eccsi_kpak(d->masters.ksak, kpak);
    if (rc == 0)
        rc = dpp_sakke_master(d->masters.z, z);
    if (rc == 0)
        *domain = d;
    else
        relay_domain_free(d);
    return rc;
}

int relay_domain_new(struct relay_domain **domain, const struct dpp_kms_cert *plan,
                     const uint8_t random[RELAY_DOMAIN_RANDOM])
{
    uint8_t kpak[DPP_ECCSI_POINT], z[DPP_SAKKE_POINT];
    struct dpp_kms_cert *cert;

    *domain = NULL;
    if (!plan->kms_uri[0] || plan->period_s == 0 || plan->period_s > INT32_MAX ||
        plan->offset_s >= plan->period_s)
        return DPP_E_VALUE;
    int rc = make(domain, random, kpak, z);
    if (rc == 0)
        rc = dpp_kms_new(&(*domain)->doc, DPP_KMS_INIT);
    if (rc == 0)
        rc = dpp_kms_add_cert((*domain)->doc, &cert);
    if (rc != 0) {
        relay_domain_free(*domain);
        *domain = NULL;
        return rc;
    }
    *cert = *plan;
    memcpy(cert->kpak, kpak, sizeof kpak);
    memcpy(cert->z, z, sizeof z);
    return 0;
}

void relay_domain_free(struct relay_domain *domain)
{
    if (domain)
        dpp_kms_free(domain->doc);
    OPENSSL_secure_clear_free(domain, sizeof *domain);
}

const struct dpp_kms_cert *relay_domain_cert(const struct relay_domain *domain)
{
    return domain->doc->certs;
}

int relay_domain_texts(const struct relay_domain *domain, char *xml, struct dpp_span texts[2])
{
    ssize_t n = dpp_kms_print_cert(domain->doc->certs, xml, RELAY_DOMAIN_XML_MAX);

    if (n < 0)
        return (int)n;
    texts[0] = (struct dpp_span){.p = (const uint8_t *)xml, .n = (size_t)n};
    texts[1] =
        (struct dpp_span){.p = (const uint8_t *)&domain->masters, .n = sizeof domain->masters};
    return 0;
}

int relay_domain_open(struct relay_domain **domain, const struct dpp_span *texts, size_t n)
{
    uint8_t kpak[DPP_ECCSI_POINT], z[DPP_SAKKE_POINT];
    struct dpp_kms_doc *doc = NULL;

    *domain = NULL;
    if (n != 2 || texts[1].n != RELAY_DOMAIN_RANDOM)
        return DPP_E_KEYFILE_FORM;
    int rc = dpp_kms_parse(&doc, (const char *)texts[0].p, texts[0].n);
    if (rc == 0 && (doc->certs_n != 1 || doc->sets_n != 0))
        rc = DPP_E_KEYFILE_FORM;
    if (rc == 0)
        rc = make(domain, texts[1].p, kpak, z);
    if (rc == 0 && (memcmp(kpak, doc->certs->kpak, sizeof kpak) != 0 ||
                    memcmp(z, doc->certs->z, sizeof z) != 0))
        rc = DPP_E_KEYFILE_FORM;
    if (rc == 0) {
        (*domain)->doc = doc;
        return 0;
    }
    relay_domain_free(*domain);
    *domain = NULL;
    dpp_kms_free(doc);
    return rc;
}

int relay_domain_issue(const struct relay_domain *domain, const char *user, uint64_t period_no,
                       const uint8_t v[DPP_ECCSI_SCALAR], struct dpp_kms_doc *doc)
{
    const struct dpp_kms_cert *cert = domain->doc->certs;
    int64_t margin_s = (int64_t)(cert->period_s / 10);
    struct dpp_kms_set *set;

    if (strlen(user) > DPP_URI_MAX)
        return DPP_E_LONG;
    int rc = dpp_kms_add_set(doc, &set);
    if (rc != 0)
        return rc;
    if (margin_s > MARGIN_MAX_S)
        margin_s = MARGIN_MAX_S;
    memcpy(set->kms_uri, cert->kms_uri, sizeof set->kms_uri);
    memcpy(set->cert_uri, cert->cert_uri, sizeof set->cert_uri);
    memcpy(set->issuer, cert->issuer, sizeof set->issuer);
    memcpy(set->user_uri, user, strlen(user) + 1);
    set->period_no = period_no;
    set->from_s = dpp_ring_period_begin(cert, period_no) - margin_s;
    set->to_s = dpp_ring_period_begin(cert, period_no + 1) + margin_s;
    rc = dpp_kdf_uid(user, cert->kms_uri, cert->period_s, cert->offset_s, period_no, set->uid);
    if (rc == 0)
        rc = dpp_eccsi_extract(domain->masters.ksak, cert->kpak, set->uid, sizeof set->uid, v,
                               set->secrets->ssk, set->secrets->pvt);
    if (rc == 0)
        rc = dpp_sakke_extract(domain->masters.z, set->uid, sizeof set->uid, set->secrets->rsk);
    return rc;
}
