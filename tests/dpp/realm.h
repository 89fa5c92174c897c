/* realm.h - a KMS made on the spot and what it gives its users, for tests: documents as
 * dpp_kms_parse would give them, without any XML. */
#ifndef TESTS_DPP_REALM_H
#define TESTS_DPP_REALM_H

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dpp/keys/ring.h"
#include "dpp/seal/kdf.h"

#define REALM_PERIOD_S 2592000
#ifndef REALM_NOW_S
#define REALM_NOW_S INT64_C(1900000000)
#endif

struct realm {
    uint8_t ksak[DPP_ECCSI_SCALAR], z[DPP_SAKKE_SCALAR];
    struct dpp_kms_cert cert;
};

static inline void realm_must(int rc)
{
    if (rc != 0) {
        fprintf(stderr, "realm: %s\n", dpp_strerror(rc));
        abort();
    }
}

/* Master secrets from one octet: the same in every run. */
static inline void realm_init(struct realm *r, const char *kms_uri, const char *domain,
                              uint8_t from)
{
    memset(r, 0, sizeof *r);
    memset(r->ksak, from, sizeof r->ksak);
    memset(r->z, from + 1, sizeof r->z);
    r->z[0] = 0; /* below q whatever the upper bits are */
    snprintf(r->cert.kms_uri, sizeof r->cert.kms_uri, "%s", kms_uri);
    if (domain) {
        r->cert.domains_n = 1;
        snprintf(r->cert.domains[0], sizeof r->cert.domains[0], "%s", domain);
    }
    r->cert.period_s = REALM_PERIOD_S;
    realm_must(dpp_eccsi_kpak(r->ksak, r->cert.kpak));
    realm_must(dpp_sakke_master(r->z, r->cert.z));
}

static inline void realm_extract(const struct realm *r, const char *user, uint64_t period_no,
                                 struct dpp_kms_set *set, struct dpp_kms_secrets *secrets)
{
    uint8_t v[DPP_ECCSI_SCALAR] = {0x5a, (uint8_t)period_no};

    memset(set, 0, sizeof *set);
    memcpy(v + 2, user, strlen(user) < 30 ? strlen(user) : 30);
    snprintf(set->kms_uri, sizeof set->kms_uri, "%s", r->cert.kms_uri);
    snprintf(set->user_uri, sizeof set->user_uri, "%s", user);
    set->period_no = period_no;
    set->secrets = secrets;
    realm_must(dpp_kdf_uid(user, r->cert.kms_uri, r->cert.period_s, r->cert.offset_s, period_no,
                           set->uid));
    realm_must(
        dpp_eccsi_extract(r->ksak, r->cert.kpak, set->uid, 32, v, secrets->ssk, secrets->pvt));
    realm_must(dpp_sakke_extract(r->z, set->uid, 32, secrets->rsk));
}

/* A ring of a user: the certificates of all realms and his sets of the first, of the period of
 * now_s and `more` (0, 1 or -1) beside it. */
static inline struct dpp_ring *realm_ring_at(const char *user, const struct realm *realms, size_t n,
                                             int more, int64_t now_s)
{
    struct dpp_kms_cert certs[4];
    struct dpp_kms_set sets[2];
    struct dpp_kms_secrets secrets[2];
    struct dpp_kms_doc doc = {.kind = DPP_KMS_KEYPROV, .certs = certs, .certs_n = n, .sets = sets};
    struct dpp_ring *ring;

    for (size_t i = 0; i < n; i++)
        certs[i] = realms[i].cert;
    uint64_t no = dpp_ring_period(&certs[0], now_s);
    realm_extract(realms, user, no, &sets[doc.sets_n], &secrets[doc.sets_n]);
    doc.sets_n++;
    if (more) {
        realm_extract(realms, user, no + (uint64_t)(int64_t)more, &sets[1], &secrets[1]);
        doc.sets_n++;
    }
    realm_must(dpp_ring_new(&ring, user));
    realm_must(dpp_ring_add(ring, &doc, now_s));
    OPENSSL_cleanse(secrets, sizeof secrets); /* the ring alone holds them now */
    return ring;
}

static inline struct dpp_ring *realm_ring(const char *user, const struct realm *realms, size_t n,
                                          int more)
{
    return realm_ring_at(user, realms, n, more, REALM_NOW_S);
}

#endif
