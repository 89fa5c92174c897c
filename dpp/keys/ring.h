/* ring.h - all that one user holds of MIKEY-SAKKE: the certificates of his KMSs and his key sets,
 * checked and made ready. ts33180#5.3, #D, #F.2.1.
 *
 * Made once from KMS documents, then only read: any thread may use a ring that no longer grows. */
#ifndef DPP_KEYS_RING_H
#define DPP_KEYS_RING_H

#include "dpp/keys/kms.h"

/* Seconds from 1900 (NTP) to 1970 (unix). */
#define DPP_RING_NTP_UNIX INT64_C(2208988800)

/* Octets of secure heap that a key set takes made ready (its pairing tables); as much again, once,
 * while a certificate is checked. What dpp_keys_init is to make room for. */
#define DPP_RING_SET_OCTETS ((size_t)400 * 1024)

struct dpp_ring;

/* A KMS as the ring holds it: its certificate and the tables for it. */
struct dpp_ring_kms {
    struct dpp_kms_cert cert;
    struct dpp_sakke_kms *sakke;
};

/* The user's own keys of one period under one KMS. */
struct dpp_ring_set {
    const struct dpp_ring_kms *kms;
    uint64_t period_no;
    int64_t from_s, to_s; /* bounds of the set itself; 0: none */
    uint8_t uid[32];
    struct dpp_sakke_rsk *rsk;
    struct dpp_eccsi *signer;
};

/* An empty ring of a user (his MC service ID; for a relay its MDSI). 0 and *ring, DPP_E_LONG,
 * DPP_E_NOMEM. */
int dpp_ring_new(struct dpp_ring **ring, const char *user) __attribute__((warn_unused_result));
void dpp_ring_free(struct dpp_ring *ring); /* wipes; NULL is allowed */

const char *dpp_ring_user(const struct dpp_ring *ring);

/* Takes what a document gives, all or nothing: certificates first (the same CertUri, or the same
 * KMS URI where there is none, replaces; with other keys it takes the sets of the old ones with
 * it), then key sets of certificates held (the same KMS and period replaces). now_s decides what is
 * out of date; 0 (analysis) skips dates. A set of a period to come is taken. Returns 0, or
 *   DPP_E_KMS_REVOKED  a certificate or set that must not be used
 *   DPP_E_KMS_DATE     a certificate that is not valid now, a set that is no more
 *   DPP_E_KMS_USER     a set of another user
 *   DPP_E_KMS_ABSENT   a set of a KMS without certificate
 *   DPP_E_KMS_UID      its UserID is not UID(user, KMS, period)
 *   DPP_E_KMS_FIELD    two certificates of one KMS in one document
 *   DPP_E_SAKKE_POINT, DPP_E_SAKKE_PAIR, DPP_E_ECCSI_POINT, DPP_E_ECCSI_PAIR
 *                      the checks of Z, KPAK, RSK and SSK
 *   DPP_E_KMS_ERROR    the document is a KmsError
 *   DPP_E_LONG         over DPP_KMS_CERTS_MAX or _SETS_MAX in all
 * DPP_E_NOMEM, DPP_E_SECURE_HEAP, DPP_E_CRYPTO. */
int dpp_ring_add(struct dpp_ring *ring, const struct dpp_kms_doc *doc, int64_t now_s)
    __attribute__((warn_unused_result));

/* The number of the key period that holds a time: floor((NTP seconds - offset) / period).
 * ts33180#F.2.1. Unix seconds; a time before the first period gives 0. */
uint64_t dpp_ring_period(const struct dpp_kms_cert *cert, int64_t unix_s);
/* The unix time at which a period begins. */
int64_t dpp_ring_period_begin(const struct dpp_kms_cert *cert, uint64_t period_no);
/* The neighbour period that is tolerated beside that of a time (rfc6509#3.3): -1 in the first tenth
 * of a period, 1 in the last, each at most a day; else 0. */
int dpp_ring_neighbour(const struct dpp_kms_cert *cert, int64_t unix_s);

/* The KMS of this URI; NULL when it is not held. */
const struct dpp_ring_kms *dpp_ring_kms(const struct dpp_ring *ring, const char *kms_uri, size_t n);
/* The KMS that serves a user: the one whose domain list names the domain of the URI, else the first
 * without a list, else NULL. */
const struct dpp_ring_kms *dpp_ring_kms_of(const struct dpp_ring *ring, const char *user);

/* The own set of a period under a KMS (NULL: the first KMS held that has one); NULL when absent. */
const struct dpp_ring_set *dpp_ring_set(const struct dpp_ring *ring, const struct dpp_ring_kms *kms,
                                        uint64_t period_no);
/* The set to sign with now: that of the current period, or the tolerated neighbour's where ours is
 * missing, within the set's own bounds. NULL when there is none. */
const struct dpp_ring_set *dpp_ring_set_now(const struct dpp_ring *ring, int64_t now_s);

size_t dpp_ring_sets(const struct dpp_ring *ring);
const struct dpp_ring_set *dpp_ring_set_at(const struct dpp_ring *ring, size_t i); /* i < sets */
size_t dpp_ring_kmss(const struct dpp_ring *ring);
const struct dpp_ring_kms *dpp_ring_kms_at(const struct dpp_ring *ring, size_t i); /* i < kmss */

#endif
