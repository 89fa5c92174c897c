/* mikey_open.c - the receiver's procedure, in the order of its steps. */
#include <openssl/crypto.h>
#include <string.h>

#include "dpp/cur.h"
#include "dpp/keys/mikey.h"
#include "dpp/sds/ie.h"
#include "dpp/seal/seal.h"

#define ERA_S ((int64_t)1 << 32)

/* One message on its way through the steps. */
struct opening {
    const struct dpp_ring *ring;
    const struct dpp_mikey_want *want;
    struct dpp_mikey_got *got;
    struct dpp_mikey m;
    const struct dpp_ring_kms *kms_i, *kms_r;
    const struct dpp_ring_set *set; /* the user's own keys that it opens with */
    bool is_own;                    /* the initiator is the ring's user */
};

/* Texts of at most DPP_URI_MAX octets: parsing and the ring let no longer ones in. */
static void copy_text(char out[DPP_URI_MAX + 1], const void *text, size_t n)
{
    memcpy(out, text, n);
    out[n] = 0;
}

static bool is_text(const struct dpp_mikey_span *s, const char *text)
{
    return s->n == strlen(text) && memcmp(s->p, text, s->n) == 0;
}

/* --- step 2 --- */

/* T in unix seconds. Its 32 bits of seconds wrap in 2036: it is the time nearest to now. For
 * analysis nothing hangs on the clock: the upper half is of the era before 2036, the lower half of
 * the next (rfc4330#3). */
static int64_t time_of(const struct opening *o)
{
    uint32_t s = (uint32_t)(o->m.ntp >> 32);

    if (o->want->any_time)
        return (int64_t)s - DPP_RING_NTP_UNIX + (s >> 31 ? 0 : ERA_S);
    uint32_t now = (uint32_t)(o->want->now_s + DPP_RING_NTP_UNIX);
    return o->want->now_s + (int32_t)(s - now);
}

static int check_time(struct opening *o)
{
    uint32_t window_s = o->want->window_s ? o->want->window_s : DPP_MIKEY_WINDOW_S;

    o->got->time_s = time_of(o);
    int64_t off_s = o->got->time_s - o->want->now_s;
    if (!o->want->any_time && (off_s > window_s || off_s < -(int64_t)window_s))
        return DPP_E_MIKEY_TIME;
    int rc = dpp_mikey_digest(&o->m, o->got->digest);
    if (rc == 0 && o->want->replay)
        rc = dpp_mikey_replay_ask(o->want->replay, o->got->digest, o->want->now_s);
    return rc;
}

/* --- step 3 --- */

static bool is_in_date(const struct opening *o, int64_t from_s, int64_t to_s)
{
    return o->want->any_time ||
           ((from_s == 0 || o->want->now_s >= from_s) && (to_s == 0 || o->want->now_s < to_s));
}

/* Only a KMS that is held: a message must not choose the key that checks it. Without IDRkmsi it is
 * the user's own. */
static int find_kmss(struct opening *o)
{
    const struct dpp_mikey_span *i = &o->m.id[DPP_MIKEY_KMS_INITIATOR];
    const struct dpp_mikey_span *r = &o->m.id[DPP_MIKEY_KMS_RESPONDER];

    o->kms_i = i->p ? dpp_ring_kms(o->ring, (const char *)i->p, i->n)
                    : dpp_ring_kms_of(o->ring, dpp_ring_user(o->ring));
    o->kms_r = r->p ? dpp_ring_kms(o->ring, (const char *)r->p, r->n) : o->kms_i;
    if (!o->kms_i || !o->kms_r)
        return DPP_E_MIKEY_KMS;
    return is_in_date(o, o->kms_i->cert.from_s, o->kms_i->cert.to_s) &&
                   is_in_date(o, o->kms_r->cert.from_s, o->kms_r->cert.to_s)
               ? 0
               : DPP_E_KMS_DATE;
}

static bool is_set_of(const struct dpp_ring_set *set, const struct dpp_mikey_span *uid)
{
    return set && (!uid->p || memcmp(set->uid, uid->p, sizeof set->uid) == 0);
}

/* The own set that the message is for: of the period of T, or of the neighbour that is tolerated at
 * that time when its UID stands in the message. */
static int find_set(struct opening *o, const struct dpp_ring_kms *kms,
                    const struct dpp_mikey_span *uid, int wrong_user)
{
    int64_t time_s = o->got->time_s;
    uint64_t no = dpp_ring_period(&kms->cert, time_s);
    int step = dpp_ring_neighbour(&kms->cert, time_s);
    const struct dpp_ring_set *set = dpp_ring_set(o->ring, kms, no);
    const struct dpp_ring_set *near =
        step != 0 && uid->p ? dpp_ring_set(o->ring, kms, no + (uint64_t)(int64_t)step) : NULL;

    if (is_set_of(set, uid))
        o->set = set;
    else if (is_set_of(near, uid))
        o->set = near;
    for (size_t i = 0; o->want->any_time && !o->set && i < dpp_ring_sets(o->ring); i++) {
        const struct dpp_ring_set *any = dpp_ring_set_at(o->ring, i);
        if (any->kms == kms && is_set_of(any, uid))
            o->set = any;
    }
    if (!o->set)
        return set || near ? wrong_user : DPP_E_MIKEY_PERIOD;
    return is_in_date(o, o->set->from_s, o->set->to_s) ? 0 : DPP_E_MIKEY_PERIOD;
}

/* Is this the UID of that initiator at the time of the message? */
static int check_uid(const struct opening *o, const char *uri, const uint8_t uid[32])
{
    const struct dpp_kms_cert *cert = &o->kms_i->cert;
    uint64_t no = dpp_ring_period(cert, o->got->time_s);
    uint64_t periods[3] = {no, no + (uint64_t)(int64_t)dpp_ring_neighbour(cert, o->got->time_s),
                           o->want->any_time ? o->set->period_no : no};
    uint8_t own[32];

    for (size_t i = 0; i < 3; i++) {
        int rc = dpp_kdf_uid(uri, cert->kms_uri, cert->period_s, cert->offset_s, periods[i], own);
        if (rc != 0)
            return rc;
        if (memcmp(own, uid, sizeof own) == 0)
            return 0;
    }
    return DPP_E_MIKEY_INITIATOR;
}

/* Who made it, as the signature will show: the UID given, or that of the URI given. */
static int name_initiator(struct opening *o)
{
    const struct dpp_mikey_span *uri = &o->m.id[DPP_MIKEY_INITIATOR];
    const struct dpp_mikey_span *uid = &o->m.id[DPP_MIKEY_UID_INITIATOR];
    const struct dpp_kms_cert *cert = &o->kms_i->cert;

    if (uri->p)
        copy_text(o->got->initiator, uri->p, uri->n);
    if (!uid->p)
        return dpp_kdf_uid(o->got->initiator, cert->kms_uri, cert->period_s, cert->offset_s,
                           dpp_ring_period(cert, o->got->time_s), o->got->initiator_uid);
    memcpy(o->got->initiator_uid, uid->p, 32);
    return uri->p ? check_uid(o, o->got->initiator, uid->p) : 0;
}

static int find_parties(struct opening *o)
{
    const struct dpp_mikey_span *uri =
        &o->m.id[o->is_own ? DPP_MIKEY_INITIATOR : DPP_MIKEY_RESPONDER];
    const struct dpp_mikey_span *uid =
        &o->m.id[o->is_own ? DPP_MIKEY_UID_INITIATOR : DPP_MIKEY_UID_RESPONDER];
    const char *user = dpp_ring_user(o->ring);
    int wrong_user = o->is_own ? DPP_E_MIKEY_INITIATOR : DPP_E_MIKEY_RESPONDER;
    int rc = find_kmss(o);

    if (rc != 0)
        return rc;
    if (uri->p && !is_text(uri, user))
        return wrong_user;
    rc = find_set(o, o->is_own ? o->kms_i : o->kms_r, uid, wrong_user);
    if (rc == 0)
        rc = name_initiator(o);
    if (rc != 0)
        return rc;
    if (o->is_own) {
        copy_text(o->got->initiator, user, strlen(user));
        if (o->m.id[DPP_MIKEY_RESPONDER].p)
            copy_text(o->got->responder, o->m.id[DPP_MIKEY_RESPONDER].p,
                      o->m.id[DPP_MIKEY_RESPONDER].n);
        if (o->m.id[DPP_MIKEY_UID_RESPONDER].p)
            memcpy(o->got->responder_uid, o->m.id[DPP_MIKEY_UID_RESPONDER].p, 32);
    } else {
        copy_text(o->got->responder, user, strlen(user));
        memcpy(o->got->responder_uid, o->set->uid, 32);
    }
    return 0;
}

/* --- steps 4 and 5 --- */

/* rfc3830#5.2: the signature covers everything before it. */
static int check_signature(struct opening *o)
{
    const uint8_t *kpak = o->kms_i->cert.kpak;
    const struct dpp_mikey_span *s = &o->m.signed_part;
    int rc = dpp_eccsi_verify(kpak, o->got->initiator_uid, 32, s->p, s->n, o->m.signature);

    if (rc == DPP_E_ECCSI && o->want->tolerance & DPP_MIKEY_SIGN_SHORT)
        rc = dpp_eccsi_verify(kpak, o->got->initiator_uid, 32, s->p, s->n - 2, o->m.signature);
    if (rc != 0)
        return rc == DPP_E_ECCSI ? DPP_E_MIKEY_SIGN : rc;
    /* only what is signed can fill the window */
    return o->want->replay ? dpp_mikey_replay_add(o->want->replay, o->got->digest, o->got->time_s,
                                                  o->want->now_s)
                           : 0;
}

/* ts33180#5.2.6 */
static int check_initiator(struct opening *o)
{
    const char *wanted = o->want->initiator;

    if (!wanted)
        return 0;
    if (strlen(wanted) > DPP_URI_MAX)
        return DPP_E_MIKEY_INITIATOR;
    if (o->got->initiator[0])
        return strcmp(o->got->initiator, wanted) == 0 ? 0 : DPP_E_MIKEY_INITIATOR;
    int rc = check_uid(o, wanted, o->got->initiator_uid);
    if (rc == 0)
        copy_text(o->got->initiator, wanted, strlen(wanted));
    return rc;
}

/* --- step 6 --- */

static int decapsulate(const struct opening *o, uint8_t ssv[DPP_SAKKE_SSV])
{
    static const uint8_t head[] = {DPP_MIKEY_SAKKE_SET, DPP_MIKEY_SAKKE_SCHEME, DPP_SAKKE_SED >> 8,
                                   DPP_SAKKE_SED & 0xff};
    const uint8_t *sed = o->m.sakke.p;

    if (o->is_own) { /* a whole SAKKE payload; its first octet means nothing */
        if (o->m.to_self.n != 1 + sizeof head + DPP_SAKKE_SED ||
            memcmp(o->m.to_self.p + 1, head, sizeof head) != 0)
            return DPP_E_MIKEY_SAKKE;
        sed = o->m.to_self.p + 1 + sizeof head;
    }
    int rc = dpp_sakke_open(o->set->rsk, sed, o->want->tolerance & DPP_MIKEY_STRIPPED, ssv);
    return rc == DPP_E_SAKKE ? DPP_E_MIKEY_SAKKE : rc;
}

/* --- step 7 --- */

static int check_tag(struct opening *o, const uint8_t ssv[DPP_SAKKE_SSV])
{
    struct dpp_mikey_got *got = o->got;
    int role = dpp_role_of_id(o->m.csb_id);

    got->csb_id = got->key_id = o->m.csb_id;
    if ((role != DPP_ROLE_PCK && role != DPP_ROLE_GMK && role != DPP_ROLE_CSK) ||
        !(o->want->roles & 1u << role))
        return DPP_E_MIKEY_TAG;
    got->role = (enum dpp_role)role;
    if (role != DPP_ROLE_GMK)
        return 0;
    if (!got->responder[0]) /* to-self: the GMK-ID hangs on a name that is hidden */
        return DPP_E_MIKEY_RESPONDER;
    return dpp_kdf_gmk_id(ssv, DPP_SAKKE_SSV, o->m.csb_id, got->responder, &got->key_id);
}

/* --- step 8 --- */

/* Opens the key parameters with the key that came: into plain, whose octets are returned. */
static ssize_t open_sealed(const struct opening *o, const uint8_t ssv[DPP_SAKKE_SSV],
                           uint8_t plain[DPP_MIKEY_MAX])
{
    const struct dpp_mikey_span *s = &o->m.parameters;
    struct dpp_frame frame;
    struct dpp_key *dppk;
    struct dpp_seal seal;

    /* 0x40 is seen in the field, 0x43 is what a DATA PAYLOAD has */
    if (dpp_frame_parse(&frame, s->p, s->n) != 0 || (frame.type != 0x43 && frame.type != 0x40))
        return DPP_E_MIKEY_PARAMETERS;
    int rc = dpp_key_new(&dppk, o->m.csb_id, ssv, DPP_SAKKE_SSV, 0, 0);
    if (rc != 0)
        return rc;
    rc = dpp_seal_init(&seal, dppk, o->m.csb_id, DPP_MIKEY_USES, frame.alg);
    dpp_key_free(dppk);
    if (rc != 0)
        return rc == DPP_E_FRAME_ALGORITHM ? DPP_E_MIKEY_PARAMETERS : rc;
    ssize_t n = dpp_seal_open(&seal, s->p, s->n, plain, DPP_MIKEY_MAX, NULL);
    dpp_seal_done(&seal);
    return n < 0 ? DPP_E_MIKEY_PARAMETERS : n;
}

/* The group IDs: a count and so many TLV-E. ts33180#E.6.9 */
static int read_groups(struct dpp_mikey_got *got, struct dpp_cur c)
{
    size_t n = dpp_cur_u8(&c);

    if (n > DPP_MIKEY_GROUPS_MAX || (n > 0 && got->role != DPP_ROLE_GMK))
        return DPP_E_MIKEY_GROUP;
    for (size_t i = 0; i < n; i++) {
        uint8_t iei = dpp_cur_u8(&c);
        struct dpp_span s = dpp_cur_span(&c, dpp_cur_u16(&c));
        if (c.err || iei != dpp_ie_row(DPP_IE_GROUP_ID)->iei || !dpp_mikey_is_uri(s.p, s.n))
            return DPP_E_MIKEY_GROUP;
        copy_text(got->groups[i], s.p, s.n);
    }
    if (c.err || dpp_cur_left(&c) > 0)
        return DPP_E_MIKEY_GROUP;
    got->groups_n = n;
    return 0;
}

/* ts33180#E.6: type, status, activation, expiry, text, groups of a GMK, reserved */
static int read_parameters(struct dpp_mikey_got *got, const uint8_t *p, size_t n)
{
    struct dpp_cur c;

    dpp_cur_init(&c, p, n);
    uint8_t type = dpp_cur_u8(&c);
    got->status = dpp_cur_u32(&c);
    got->activation_s = (int64_t)dpp_cur_u40(&c);
    got->expiry_s = (int64_t)dpp_cur_u40(&c);
    (void)dpp_cur_span(&c, dpp_cur_u16(&c));
    if (c.err)
        return DPP_E_MIKEY_PARAMETERS;
    if (type != (uint8_t)got->role)
        return DPP_E_MIKEY_TYPE;
    if (got->role == DPP_ROLE_GMK || dpp_cur_left(&c) > 0) {
        struct dpp_cur groups = dpp_cur_sub(&c, dpp_cur_u16(&c));
        int rc = c.err ? DPP_E_MIKEY_PARAMETERS : read_groups(got, groups);
        if (rc != 0)
            return rc;
    }
    if (dpp_cur_left(&c) > 0)
        (void)dpp_cur_span(&c, dpp_cur_u16(&c));
    return c.err || dpp_cur_left(&c) > 0 ? DPP_E_MIKEY_PARAMETERS : 0;
}

static int take_parameters(struct opening *o, const uint8_t ssv[DPP_SAKKE_SSV])
{
    const struct dpp_mikey_span *s = &o->m.parameters;
    uint8_t plain[DPP_MIKEY_MAX];

    if (!s->p) {
        o->got->status = 1;
        return o->want->tolerance & DPP_MIKEY_NO_PARAMETERS ? 0 : DPP_E_MIKEY_PARAMETERS;
    }
    /* in clear they begin with the key type */
    if (o->want->tolerance & DPP_MIKEY_CLEAR && s->n > 0 && s->p[0] < DPP_FRAME_PROTECTED)
        return read_parameters(o->got, s->p, s->n);
    ssize_t n = open_sealed(o, ssv, plain);
    return n < 0 ? (int)n : read_parameters(o->got, plain, (size_t)n);
}

static int make_key(struct opening *o, const uint8_t ssv[DPP_SAKKE_SSV])
{
    struct dpp_mikey_got *got = o->got;

    got->is_revoked =
        !(got->status & 1) && !(o->want->tolerance & DPP_MIKEY_STATUS_ZERO && got->status == 0);
    if (got->activation_s == 0) /* T, which a fast clock may have put ahead of ours */
        got->activation_s =
            o->want->any_time || got->time_s < o->want->now_s ? got->time_s : o->want->now_s;
    if (got->is_revoked)
        return 0;
    int rc =
        dpp_key_new(&got->key, got->key_id, ssv, DPP_SAKKE_SSV, got->activation_s, got->expiry_s);
    if (rc != 0)
        return rc == DPP_E_VALUE ? DPP_E_MIKEY_PARAMETERS : rc;
    rc = o->want->any_time ? 0 : dpp_key_check(got->key, o->want->now_s);
    if (rc != 0) {
        dpp_key_free(got->key);
        got->key = NULL;
    }
    return rc;
}

static int open_as(struct opening *o, const uint8_t *p, size_t n)
{
    DPP_SCRUB(ssv, 16);

    memset(o->got, 0, sizeof *o->got);
    int rc = dpp_mikey_parse(&o->m, p, n);
    if (rc == 0)
        rc = check_time(o);
    if (rc == 0)
        rc = find_parties(o);
    if (rc == 0)
        rc = check_signature(o);
    if (rc == 0)
        rc = check_initiator(o);
    if (rc == 0)
        rc = decapsulate(o, ssv.p);
    if (rc == 0)
        rc = check_tag(o, ssv.p);
    if (rc == 0)
        rc = take_parameters(o, ssv.p);
    if (rc == 0)
        rc = make_key(o, ssv.p);
    return rc;
}

int dpp_mikey_open(const struct dpp_ring *ring, const uint8_t *p, size_t n,
                   const struct dpp_mikey_want *want, struct dpp_mikey_got *got)
{
    struct opening o = {.ring = ring, .want = want, .got = got};

    return open_as(&o, p, n);
}

int dpp_mikey_open_own(const struct dpp_ring *ring, const uint8_t *p, size_t n,
                       const struct dpp_mikey_want *want, struct dpp_mikey_got *got)
{
    struct opening o = {.ring = ring, .want = want, .got = got, .is_own = true};

    return open_as(&o, p, n);
}
