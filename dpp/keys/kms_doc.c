/* kms_doc.c - the document that dpp/keys/kms.h describes: made, grown, wiped. */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "dpp/keys/kms.h"

int dpp_kms_new(struct dpp_kms_doc **doc, enum dpp_kms_kind kind)
{
    *doc = calloc(1, sizeof **doc);
    if (!*doc)
        return DPP_E_NOMEM;
    (*doc)->kind = kind;
    return 0;
}

int dpp_kms_add_cert(struct dpp_kms_doc *doc, struct dpp_kms_cert **cert)
{
    *cert = NULL;
    if (doc->certs_n == DPP_KMS_CERTS_MAX)
        return DPP_E_LONG;
    struct dpp_kms_cert *rows = reallocarray(doc->certs, doc->certs_n + 1, sizeof *rows);
    if (!rows)
        return DPP_E_NOMEM;
    doc->certs = rows;
    *cert = &rows[doc->certs_n++];
    memset(*cert, 0, sizeof **cert);
    return 0;
}

int dpp_kms_add_set(struct dpp_kms_doc *doc, struct dpp_kms_set **set)
{
    *set = NULL;
    if (doc->sets_n == DPP_KMS_SETS_MAX)
        return DPP_E_LONG;
    /* without an arena OPENSSL_secure_zalloc would quietly take the plain heap */
    if (!CRYPTO_secure_malloc_initialized())
        return DPP_E_SECURE_HEAP;
    struct dpp_kms_set *rows = reallocarray(doc->sets, doc->sets_n + 1, sizeof *rows);
    if (!rows)
        return DPP_E_NOMEM;
    doc->sets = rows;
    struct dpp_kms_secrets *secrets = OPENSSL_secure_zalloc(sizeof *secrets);
    if (!secrets)
        return DPP_E_SECURE_HEAP;
    *set = &rows[doc->sets_n++];
    memset(*set, 0, sizeof **set);
    (*set)->secrets = secrets;
    return 0;
}

void dpp_kms_free(struct dpp_kms_doc *doc)
{
    if (!doc)
        return;
    for (size_t i = 0; i < doc->sets_n; i++)
        OPENSSL_secure_clear_free(doc->sets[i].secrets, sizeof *doc->sets[i].secrets);
    free(doc->sets);
    free(doc->certs);
    free(doc);
}
