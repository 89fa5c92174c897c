/* kms.h - the XML between a user and his KMS: certificates, key sets, requests, responses.
 * ts33180#D; namespace urn:3gpp:ns:mcsecKMSInterface:1.0.
 *
 * libxml2 without DTD, entities or network, under the caps of threat T43 and below. Text in, values
 * out; no file, no clock. Secrets of a key set lie in the secure heap; the XML text itself is the
 * caller's to wipe; the copy that libxml2 reads is wiped (dpp/xml.h).
 *
 * Elements are those of the namespace or, as some products write them, of none. Elements that are
 * not known are skipped; one that is known and stands at the wrong place or twice is
 * DPP_E_XML_ELEMENT. White space within the octets of a key or an ID is skipped, and the case of
 * hexadecimal digits is any. */
#ifndef DPP_KEYS_KMS_H
#define DPP_KEYS_KMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "dpp/keys/eccsi.h"
#include "dpp/keys/sakke.h"
#include "dpp/keys/store.h"

enum {
    DPP_KMS_XML_MAX = 262144, /* octets of a document */
    DPP_KMS_DEPTH_MAX = 32,
    DPP_KMS_NODES_MAX = 4096, /* elements */
    DPP_KMS_ATTRS_MAX = 32,   /* attributes of one element */
    DPP_KMS_CERTS_MAX = 32,   /* of one document */
    DPP_KMS_SETS_MAX = 64,
    DPP_KMS_DOMAINS_MAX = 16, /* of one certificate */
};

/* A KMS certificate (ts33180#D.3.1): what everybody knows of a KMS. Texts are "" when absent. */
struct dpp_kms_cert {
    bool is_external; /* Role: External, else Root */
    bool is_gateway;  /* IsSecurityGateway */
    bool is_revoked;
    char cert_uri[DPP_URI_MAX + 1]; /* the same CertUri replaces the stored certificate */
    char kms_uri[DPP_URI_MAX + 1];
    char issuer[DPP_URI_MAX + 1];
    int64_t from_s, to_s;          /* ValidFrom, ValidTo; 0: no bound */
    uint64_t period_s, offset_s;   /* UserKeyPeriod (1 to 2^31 - 1), UserKeyOffset (to 2^31 - 1) */
    uint8_t z[DPP_SAKKE_POINT];    /* PubEncKey */
    uint8_t kpak[DPP_ECCSI_POINT]; /* PubAuthKey */
    size_t domains_n;              /* KmsDomainList: domains whose users it serves; 0: any */
    char domains[DPP_KMS_DOMAINS_MAX][DPP_URI_MAX + 1];
};

/* The secrets of a key set. */
struct dpp_kms_secrets {
    uint8_t rsk[DPP_SAKKE_POINT];  /* UserDecryptKey */
    uint8_t ssk[DPP_ECCSI_SCALAR]; /* UserSigningKeySSK */
    uint8_t pvt[DPP_ECCSI_POINT];  /* UserPubTokenPVT */
};

/* A key set: one user in one key period. */
struct dpp_kms_set {
    bool is_revoked;
    char kms_uri[DPP_URI_MAX + 1];
    char cert_uri[DPP_URI_MAX + 1];
    char issuer[DPP_URI_MAX + 1];
    char user_uri[DPP_URI_MAX + 1];
    uint8_t uid[32]; /* UserID, base64 or hexadecimal */
    int64_t from_s, to_s;
    uint64_t period_no;              /* KeyPeriodNo, to 2^32 - 1 */
    struct dpp_kms_secrets *secrets; /* secure heap; owned by the document */
};

enum dpp_kms_kind { DPP_KMS_INIT, DPP_KMS_KEYPROV, DPP_KMS_CERTCACHE, DPP_KMS_ERROR };

/* What a document says. */
struct dpp_kms_doc {
    enum dpp_kms_kind kind;
    char user_uri[DPP_URI_MAX + 1]; /* of the response; "" in a bare document */
    char kms_uri[DPP_URI_MAX + 1];
    char request_url[DPP_URI_MAX + 1]; /* ClientReqUrl */
    int64_t time_s;                    /* Time; 0 when absent */
    int error_code;                    /* ERROR */
    char error_text[256];              /* ERROR: for a person */
    size_t certs_n, sets_n;
    struct dpp_kms_cert *certs;
    struct dpp_kms_set *sets;
};

/* An empty document, one certificate more (a root certificate, all else zero), one key set more
 * (its secrets there, all zero). The row is valid until the next one is added. 0, DPP_E_LONG
 * (DPP_KMS_CERTS_MAX, DPP_KMS_SETS_MAX), DPP_E_NOMEM, DPP_E_SECURE_HEAP. */
int dpp_kms_new(struct dpp_kms_doc **doc, enum dpp_kms_kind kind)
    __attribute__((warn_unused_result));
int dpp_kms_add_cert(struct dpp_kms_doc *doc, struct dpp_kms_cert **cert)
    __attribute__((warn_unused_result));
int dpp_kms_add_set(struct dpp_kms_doc *doc, struct dpp_kms_set **set)
    __attribute__((warn_unused_result));
void dpp_kms_free(struct dpp_kms_doc *doc); /* wipes the secrets; NULL is allowed */

/* Reads a KmsResponse (or SignedKmsResponse, whose signature is not checked here), or a bare
 * KmsInit, KmsKeyProv, KmsCertCache, KmsCertificate or KmsKeySet (kind KEYPROV where there is a key
 * set, else CERTCACHE). 0 and *doc (free with dpp_kms_free); an error of the XML (DPP_E_XML_*);
 * DPP_E_KMS_FIELD; DPP_E_KMS_ENCRYPTED (keys as xenc:EncryptedKey); DPP_E_LONG (too many
 * certificates, sets or domains); DPP_E_NOMEM, DPP_E_SECURE_HEAP. A response that is a KmsError is
 * no error here: kind ERROR. Points are checked for their form only; dates and revocation by the
 * ring (dpp/keys/ring.h). */
int dpp_kms_parse(struct dpp_kms_doc **doc, const char *xml, size_t n)
    __attribute__((warn_unused_result));
/* The same for a person: with DPP_E_KMS_FIELD *field is the name of the element, else "". Static.
 */
int dpp_kms_parse_at(struct dpp_kms_doc **doc, const char *xml, size_t n, const char **field)
    __attribute__((warn_unused_result));

/* Writes the document as a KmsResponse (certs in KmsInit or KmsCertCache, sets in KmsKeyProv, or a
 * KmsError), keys in hexBinary, with a final NUL. Returns the octets without it, or DPP_E_SPACE.
 * The text holds secrets where sets do: the caller wipes it. */
ssize_t dpp_kms_print(const struct dpp_kms_doc *doc, char *out, size_t cap)
    __attribute__((warn_unused_result));

/* Octets that are enough for dpp_kms_print of this document. */
size_t dpp_kms_print_max(const struct dpp_kms_doc *doc);

/* Writes one bare element with its namespace, for a file: <KmsCertificate> or <KmsKeySet>. As
 * dpp_kms_print. */
ssize_t dpp_kms_print_cert(const struct dpp_kms_cert *cert, char *out, size_t cap)
    __attribute__((warn_unused_result));
ssize_t dpp_kms_print_set(const struct dpp_kms_set *set, char *out, size_t cap)
    __attribute__((warn_unused_result));

/* A KmsRequest (ts33180#D.2), or the one in a SignedKmsRequest, whose signature is not checked.
 * _parse: 0, an error of the XML, DPP_E_KMS_FIELD (user, KMS, time or URL missing or malformed),
 * DPP_E_LONG, DPP_E_NOMEM; on an error *request is all zero. */
struct dpp_kms_request {
    char user_uri[DPP_URI_MAX + 1];
    char kms_uri[DPP_URI_MAX + 1];
    char client_id[DPP_URI_MAX + 1];
    char request_url[DPP_URI_MAX + 1]; /* ClientReqUrl */
    int64_t time_s;
};
int dpp_kms_request_parse(struct dpp_kms_request *request, const char *xml, size_t n)
    __attribute__((warn_unused_result));
ssize_t dpp_kms_request_print(const struct dpp_kms_request *request, char *out, size_t cap)
    __attribute__((warn_unused_result));

#endif
