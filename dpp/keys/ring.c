#include "dpp/keys/ring.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "dpp/seal/kdf.h"

#define EDGE_MAX_S 86400

/* KMSs and sets stand one by one on the heap: whoever holds a pointer to one keeps it while others
 * come. */
struct dpp_ring {
    char user[DPP_URI_MAX + 1];
    size_t kmss_n, sets_n;
    struct dpp_ring_kms *kmss[DPP_KMS_CERTS_MAX];
    struct dpp_ring_set *sets[DPP_KMS_SETS_MAX];
};

/* A document on its way in: nothing of the ring has changed yet. */
struct staging {
    size_t sets_n;
    struct dpp_ring_kms *made[DPP_KMS_CERTS_MAX]; /* of certificate i; NULL: `held` serves on */
    struct dpp_ring_kms *held[DPP_KMS_CERTS_MAX]; /* what certificate i replaces; NULL: nothing */
    struct dpp_ring_set *sets[DPP_KMS_SETS_MAX];
};

static void free_kms(struct dpp_ring_kms *kms)
{
    if (kms)
        dpp_sakke_kms_free(kms->sakke);
    free(kms);
}

static void free_set(struct dpp_ring_set *set)
{
    if (set) {
        dpp_sakke_rsk_free(set->rsk);
        dpp_eccsi_free(set->signer);
    }
    free(set);
}

int dpp_ring_new(struct dpp_ring **ring, const char *user)
{
    *ring = NULL;
    if (strlen(user) > DPP_URI_MAX)
        return DPP_E_LONG;
    struct dpp_ring *r = calloc(1, sizeof *r);
    if (!r)
        return DPP_E_NOMEM;
    memcpy(r->user, user, strlen(user));
    *ring = r;
    return 0;
}

void dpp_ring_free(struct dpp_ring *ring)
{
    if (!ring)
        return;
    for (size_t i = 0; i < ring->sets_n; i++) /* sets lean on their KMS */
        free_set(ring->sets[i]);
    for (size_t i = 0; i < ring->kmss_n; i++)
        free_kms(ring->kmss[i]);
    free(ring);
}

const char *dpp_ring_user(const struct dpp_ring *ring)
{
    return ring->user;
}

/* ts33180#D.3.1: the same CertUri replaces; where one of the two has none, the same KMS. */
static bool is_same_cert(const struct dpp_kms_cert *a, const struct dpp_kms_cert *b)
{
    if (a->cert_uri[0] && b->cert_uri[0])
        return strcmp(a->cert_uri, b->cert_uri) == 0;
    return strcmp(a->kms_uri, b->kms_uri) == 0;
}

/* Do key sets made under one certificate hold under the other? */
static bool is_same_kms(const struct dpp_kms_cert *a, const struct dpp_kms_cert *b)
{
    return strcmp(a->kms_uri, b->kms_uri) == 0 && a->period_s == b->period_s &&
           a->offset_s == b->offset_s && memcmp(a->z, b->z, sizeof a->z) == 0 &&
           memcmp(a->kpak, b->kpak, sizeof a->kpak) == 0;
}

static int stage_cert(const struct dpp_ring *ring, struct staging *in, size_t at,
                      const struct dpp_kms_cert *cert, int64_t now_s)
{
    if (cert->is_revoked)
        return DPP_E_KMS_REVOKED;
    if (now_s != 0 &&
        ((cert->from_s != 0 && now_s < cert->from_s) || (cert->to_s != 0 && now_s >= cert->to_s)))
        return DPP_E_KMS_DATE;
    for (size_t i = 0; i < ring->kmss_n && !in->held[at]; i++)
        if (is_same_cert(&ring->kmss[i]->cert, cert))
            in->held[at] = ring->kmss[i];
    for (size_t i = 0; i < at; i++) /* one document must not say two things of one KMS */
        if (in->held[at] ? in->held[i] == in->held[at]
                         : in->made[i] && is_same_cert(&in->made[i]->cert, cert))
            return DPP_E_KMS_FIELD;
    if (in->held[at] && is_same_kms(&in->held[at]->cert, cert))
        return 0;
    int rc = dpp_eccsi_check_point(cert->kpak);
    if (rc != 0)
        return rc;
    struct dpp_ring_kms *kms = in->made[at] = calloc(1, sizeof *kms);
    if (!kms)
        return DPP_E_NOMEM;
    kms->cert = *cert;
    return dpp_sakke_kms_new(&kms->sakke, cert->z);
}

static bool is_of(const struct dpp_kms_set *set, const struct dpp_kms_cert *cert)
{
    if (set->cert_uri[0] && cert->cert_uri[0] && strcmp(set->cert_uri, cert->cert_uri) != 0)
        return false;
    return strcmp(set->kms_uri, cert->kms_uri) == 0;
}

/* The KMS of a set: as it will be when the document is in. */
static const struct dpp_ring_kms *kms_of_set(const struct dpp_ring *ring, const struct staging *in,
                                             const struct dpp_kms_doc *doc,
                                             const struct dpp_kms_set *set)
{
    for (size_t i = 0; i < doc->certs_n; i++)
        if (is_of(set, &doc->certs[i]))
            return in->made[i] ? in->made[i] : in->held[i];
    for (size_t i = 0; i < ring->kmss_n; i++) {
        const struct dpp_ring_kms *kms = ring->kmss[i];
        bool is_replaced = false;
        for (size_t j = 0; j < doc->certs_n; j++)
            is_replaced = is_replaced || in->held[j] == kms;
        if (!is_replaced && is_of(set, &kms->cert))
            return kms;
    }
    return NULL;
}

static int stage_set(const struct dpp_ring *ring, struct staging *in, const struct dpp_kms_doc *doc,
                     const struct dpp_kms_set *set, int64_t now_s)
{
    uint8_t uid[32];

    if (strcmp(set->user_uri, ring->user) != 0)
        return DPP_E_KMS_USER;
    if (set->is_revoked)
        return DPP_E_KMS_REVOKED;
    /* a set may come before its time: that of the next period */
    if (now_s != 0 && set->to_s != 0 && now_s >= set->to_s)
        return DPP_E_KMS_DATE;
    const struct dpp_ring_kms *kms = kms_of_set(ring, in, doc, set);
    if (!kms)
        return DPP_E_KMS_ABSENT;
    int rc = dpp_kdf_uid(ring->user, kms->cert.kms_uri, kms->cert.period_s, kms->cert.offset_s,
                         set->period_no, uid);
    if (rc != 0)
        return rc;
    if (memcmp(uid, set->uid, sizeof uid) != 0)
        return DPP_E_KMS_UID;
    struct dpp_ring_set *made = calloc(1, sizeof *made);
    if (!made)
        return DPP_E_NOMEM;
    in->sets[in->sets_n++] = made;
    made->kms = kms;
    made->period_no = set->period_no;
    made->from_s = set->from_s;
    made->to_s = set->to_s;
    memcpy(made->uid, uid, sizeof uid);
    /* the SSK first: its check costs a tenth of the other's */
    rc = dpp_eccsi_new(&made->signer, kms->cert.kpak, uid, sizeof uid, set->secrets->ssk,
                       set->secrets->pvt);
    if (rc == 0)
        rc = dpp_sakke_rsk_new(&made->rsk, kms->sakke, uid, sizeof uid, set->secrets->rsk);
    return rc;
}

/* How many KMSs and sets there would be. */
static int check_room(const struct dpp_ring *ring, const struct staging *in,
                      const struct dpp_kms_doc *doc)
{
    size_t kmss = ring->kmss_n;

    for (size_t i = 0; i < doc->certs_n; i++)
        kmss += in->held[i] == NULL;
    return kmss > DPP_KMS_CERTS_MAX || ring->sets_n + in->sets_n > DPP_KMS_SETS_MAX ? DPP_E_LONG
                                                                                    : 0;
}

static void drop_set(struct dpp_ring *ring, size_t i)
{
    free_set(ring->sets[i]);
    ring->sets[i] = ring->sets[--ring->sets_n];
}

/* From here on nothing can fail. */
static void commit(struct dpp_ring *ring, struct staging *in, const struct dpp_kms_doc *doc)
{
    for (size_t i = 0; i < doc->certs_n; i++) {
        struct dpp_ring_kms *held = in->held[i];
        if (!in->made[i]) { /* dates, domains: the keys are the same */
            held->cert = doc->certs[i];
            continue;
        }
        if (!held) {
            ring->kmss[ring->kmss_n++] = in->made[i];
        } else { /* other keys: the sets of the old ones are worth nothing now */
            for (size_t j = ring->sets_n; j-- > 0;)
                if (ring->sets[j]->kms == held)
                    drop_set(ring, j);
            for (size_t j = 0; j < ring->kmss_n; j++)
                if (ring->kmss[j] == held)
                    ring->kmss[j] = in->made[i];
            free_kms(held);
        }
        in->made[i] = NULL;
    }
    for (size_t i = 0; i < in->sets_n; i++) {
        struct dpp_ring_set *set = in->sets[i];
        for (size_t j = ring->sets_n; j-- > 0;)
            if (ring->sets[j]->kms == set->kms && ring->sets[j]->period_no == set->period_no)
                drop_set(ring, j);
        ring->sets[ring->sets_n++] = set;
    }
    in->sets_n = 0;
}

int dpp_ring_add(struct dpp_ring *ring, const struct dpp_kms_doc *doc, int64_t now_s)
{
    struct staging in = {0};
    int rc = 0;

    if (doc->kind == DPP_KMS_ERROR)
        return DPP_E_KMS_ERROR;
    if (doc->certs_n > DPP_KMS_CERTS_MAX || doc->sets_n > DPP_KMS_SETS_MAX)
        return DPP_E_LONG;
    for (size_t i = 0; rc == 0 && i < doc->certs_n; i++)
        rc = stage_cert(ring, &in, i, &doc->certs[i], now_s);
    for (size_t i = 0; rc == 0 && i < doc->sets_n; i++)
        rc = stage_set(ring, &in, doc, &doc->sets[i], now_s);
    if (rc == 0)
        rc = check_room(ring, &in, doc);
    if (rc == 0)
        commit(ring, &in, doc);
    for (size_t i = 0; i < in.sets_n; i++)
        free_set(in.sets[i]);
    for (size_t i = 0; i < doc->certs_n; i++)
        free_kms(in.made[i]);
    return rc;
}

/* ts33180#F.2.1 */
uint64_t dpp_ring_period(const struct dpp_kms_cert *cert, int64_t unix_s)
{
    int64_t ntp_s = unix_s + DPP_RING_NTP_UNIX;

    if (ntp_s < 0 || (uint64_t)ntp_s < cert->offset_s)
        return 0;
    return ((uint64_t)ntp_s - cert->offset_s) / cert->period_s;
}

int64_t dpp_ring_period_begin(const struct dpp_kms_cert *cert, uint64_t period_no)
{
    return (int64_t)(period_no * cert->period_s + cert->offset_s - (uint64_t)DPP_RING_NTP_UNIX);
}

/* rfc6509#3.3 */
int dpp_ring_neighbour(const struct dpp_kms_cert *cert, int64_t unix_s)
{
    uint64_t no = dpp_ring_period(cert, unix_s);
    int64_t edge_s = (int64_t)(cert->period_s / 10);

    if (edge_s > EDGE_MAX_S)
        edge_s = EDGE_MAX_S;
    if (no > 0 && unix_s - dpp_ring_period_begin(cert, no) < edge_s)
        return -1;
    return dpp_ring_period_begin(cert, no + 1) - unix_s <= edge_s ? 1 : 0;
}

const struct dpp_ring_kms *dpp_ring_kms(const struct dpp_ring *ring, const char *kms_uri, size_t n)
{
    for (size_t i = 0; i < ring->kmss_n; i++) {
        const char *uri = ring->kmss[i]->cert.kms_uri;
        if (strlen(uri) == n && memcmp(uri, kms_uri, n) == 0)
            return ring->kmss[i];
    }
    return NULL;
}

/* The domain of sip:user@domain:port;parameters. */
static size_t domain_of(const char *user, const char **domain)
{
    const char *at = strchr(user, '@');
    const char *colon = strchr(user, ':');

    *domain = at ? at + 1 : colon ? colon + 1 : user;
    return strcspn(*domain, ":;?>");
}

const struct dpp_ring_kms *dpp_ring_kms_of(const struct dpp_ring *ring, const char *user)
{
    const struct dpp_ring_kms *any = NULL;
    const char *domain;
    size_t n = domain_of(user, &domain);

    for (size_t i = 0; i < ring->kmss_n; i++) {
        const struct dpp_kms_cert *cert = &ring->kmss[i]->cert;
        for (size_t j = 0; j < cert->domains_n; j++)
            if (strlen(cert->domains[j]) == n && strncasecmp(cert->domains[j], domain, n) == 0)
                return ring->kmss[i];
        if (cert->domains_n == 0 && !any)
            any = ring->kmss[i];
    }
    return any;
}

const struct dpp_ring_set *dpp_ring_set(const struct dpp_ring *ring, const struct dpp_ring_kms *kms,
                                        uint64_t period_no)
{
    for (size_t i = 0; i < ring->sets_n; i++) {
        const struct dpp_ring_set *set = ring->sets[i];
        if ((!kms || set->kms == kms) && set->period_no == period_no)
            return set;
    }
    return NULL;
}

const struct dpp_ring_set *dpp_ring_set_now(const struct dpp_ring *ring, int64_t now_s)
{
    const struct dpp_ring_set *near = NULL;

    for (size_t i = 0; i < ring->sets_n; i++) {
        const struct dpp_ring_set *set = ring->sets[i];
        const struct dpp_kms_cert *cert = &set->kms->cert;
        uint64_t no = dpp_ring_period(cert, now_s);
        if ((set->from_s != 0 && now_s < set->from_s) || (set->to_s != 0 && now_s >= set->to_s))
            continue;
        if (set->period_no == no)
            return set;
        int step = dpp_ring_neighbour(cert, now_s);
        if (step != 0 && set->period_no == no + (uint64_t)(int64_t)step)
            near = set;
    }
    return near;
}

size_t dpp_ring_sets(const struct dpp_ring *ring)
{
    return ring->sets_n;
}

const struct dpp_ring_set *dpp_ring_set_at(const struct dpp_ring *ring, size_t i)
{
    return ring->sets[i];
}

size_t dpp_ring_kmss(const struct dpp_ring *ring)
{
    return ring->kmss_n;
}

const struct dpp_ring_kms *dpp_ring_kms_at(const struct dpp_ring *ring, size_t i)
{
    return ring->kmss[i];
}
