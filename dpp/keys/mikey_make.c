/* mikey_make.c - from a key to the I_MESSAGE that carries it. */
#include <openssl/crypto.h>
#include <string.h>

#include "dpp/cur.h"
#include "dpp/keys/mikey.h"
#include "dpp/sds/ie.h"
#include "dpp/seal/seal.h"

/* type, status, times, text, groups. ts33180#E.6 */
#define PARAMETERS_MAX (17 + 3 + DPP_MIKEY_GROUPS_MAX * (3 + DPP_URI_MAX))
#define SEALED_MAX     (DPP_FRAME_HEADER + PARAMETERS_MAX + DPP_FRAME_TAG)
#define SELF_OCTETS    (5 + DPP_SAKKE_SED) /* a whole SAKKE payload */

/* What stands in the message and is not the caller's. */
struct parts {
    uint8_t own_uid[32], peer_uid[32];
    uint8_t sed[DPP_SAKKE_SED], self[SELF_OCTETS], sealed[SEALED_MAX];
    uint8_t signature[DPP_ECCSI_SIGNATURE];
};

static int check_draft(const struct dpp_mikey_draft *draft)
{
    enum dpp_role role = dpp_key_role(draft->key);
    size_t n;

    if (role != DPP_ROLE_PCK && role != DPP_ROLE_GMK && role != DPP_ROLE_CSK)
        return DPP_E_ROLE;
    (void)dpp_key_octets(draft->key, &n);
    if (n != DPP_SAKKE_SSV || (draft->groups_n > 0 && role != DPP_ROLE_GMK))
        return DPP_E_VALUE;
    if (strlen(draft->responder) > DPP_URI_MAX || draft->groups_n > DPP_MIKEY_GROUPS_MAX)
        return DPP_E_LONG;
    if (!dpp_mikey_is_uri(draft->responder, strlen(draft->responder)))
        return DPP_E_VALUE;
    for (size_t i = 0; i < draft->groups_n; i++)
        if (strlen(draft->groups[i]) > DPP_URI_MAX)
            return DPP_E_LONG;
        else if (!dpp_mikey_is_uri(draft->groups[i], strlen(draft->groups[i])))
            return DPP_E_VALUE;
    return 0;
}

/* The key parameters, protected under the key itself. ts33180#E.6, #8.5.4.1. Returns the octets. */
static ssize_t seal_parameters(const struct dpp_mikey_draft *draft, uint32_t csb_id,
                               const uint8_t iv[16], uint8_t out[SEALED_MAX])
{
    enum dpp_role role = dpp_key_role(draft->key);
    struct dpp_frame head = {.type = 0x43, .time_s = (uint64_t)draft->time_s};
    struct dpp_seal seal;
    struct dpp_out o;
    uint8_t plain[PARAMETERS_MAX];

    dpp_cur_out(&o, plain, sizeof plain);
    dpp_cur_put_u8(&o, (uint8_t)role);
    dpp_cur_put_u32(&o, (draft->is_revoked ? 0u : 1u) | (draft->shares_with_gateway ? 2u : 0u));
    dpp_cur_put_u40(&o, (uint64_t)dpp_key_activation_s(draft->key));
    dpp_cur_put_u40(&o, (uint64_t)dpp_key_expiry_s(draft->key));
    dpp_cur_put_u16(&o, 0); /* text */
    if (role == DPP_ROLE_GMK) {
        size_t n = 1;
        for (size_t i = 0; i < draft->groups_n; i++)
            n += 3 + strlen(draft->groups[i]);
        dpp_cur_put_u16(&o, (uint16_t)n);
        dpp_cur_put_u8(&o, (uint8_t)draft->groups_n);
        for (size_t i = 0; i < draft->groups_n; i++) {
            dpp_cur_put_u8(&o, dpp_ie_row(DPP_IE_GROUP_ID)->iei);
            dpp_cur_put_u16(&o, (uint16_t)strlen(draft->groups[i]));
            dpp_cur_put_str(&o, draft->groups[i]);
        }
    }
    if (o.err)
        return o.err;
    memcpy(head.iv, iv, sizeof head.iv);
    int rc = dpp_seal_init(&seal, draft->key, csb_id, DPP_MIKEY_USES, DPP_ALG_AES_128_GCM);
    if (rc != 0)
        return rc;
    ssize_t n = dpp_seal_close(&seal, &head, plain, o.n, out, SEALED_MAX);
    dpp_seal_done(&seal);
    return n;
}

/* A SAKKE payload to the initiator himself, as general extension 6 holds it: the octet for the next
 * payload means nothing there. ts33180#E */
static void wrap_self(uint8_t self[SELF_OCTETS])
{
    static const uint8_t head[5] = {0, DPP_MIKEY_SAKKE_SET, DPP_MIKEY_SAKKE_SCHEME,
                                    DPP_SAKKE_SED >> 8, DPP_SAKKE_SED & 0xff};

    memcpy(self, head, sizeof head);
}

static void say(struct dpp_mikey *m, enum dpp_mikey_payload type, uint8_t ext)
{
    m->order[m->order_n] = (uint8_t)type;
    m->order_ext[m->order_n++] = ext;
}

static void identify(struct dpp_mikey *m, enum dpp_mikey_role role, const void *p, size_t n)
{
    m->id[role] = (struct dpp_mikey_span){.p = p, .n = n};
    m->id_type[role] = 1; /* URI, for UIDs too: ts33180#E.7 */
    say(m, DPP_MIKEY_P_IDR, (uint8_t)role);
}

/* Prints and signs. */
static ssize_t finish(struct dpp_mikey *m, const struct dpp_ring_set *own, const uint8_t j[32],
                      uint8_t *out, size_t cap)
{
    ssize_t n = dpp_mikey_print(m, out, cap);

    if (n > DPP_MIKEY_MAX)
        return DPP_E_LONG;
    if (n < 0)
        return n;
    size_t signed_n = (size_t)n - DPP_ECCSI_SIGNATURE;
    int rc = dpp_eccsi_sign(own->signer, out, signed_n, j, out + signed_n);
    return rc != 0 ? rc : n;
}

ssize_t dpp_mikey_make(const struct dpp_ring *ring, const struct dpp_mikey_draft *draft,
                       const struct dpp_mikey_random *random, uint8_t *out, size_t cap)
{
    struct parts parts = {0};
    struct dpp_mikey m = {.map_type = 1, /* no SRTP session: an empty map */
                          .sakke_set = DPP_MIKEY_SAKKE_SET,
                          .sakke_scheme = DPP_MIKEY_SAKKE_SCHEME,
                          .signature = parts.signature,
                          .rand = {.p = random->rand, .n = DPP_MIKEY_RAND},
                          .sakke = {.p = parts.sed, .n = DPP_SAKKE_SED}};
    size_t key_n;
    const uint8_t *key = dpp_key_octets(draft->key, &key_n);
    const char *user = dpp_ring_user(ring);
    int rc = check_draft(draft);

    if (rc != 0)
        return rc;
    const struct dpp_ring_kms *peer_kms = dpp_ring_kms_of(ring, draft->responder);
    if (!peer_kms)
        return DPP_E_KMS_ABSENT;
    const struct dpp_ring_set *own = dpp_ring_set_now(ring, draft->time_s);
    /* a URI cannot say that the UID is of the neighbour period */
    if (!own || (draft->uris && own->period_no != dpp_ring_period(&own->kms->cert, draft->time_s)))
        return DPP_E_MIKEY_PERIOD;
    const struct dpp_kms_cert *cert = &peer_kms->cert;
    rc = dpp_kdf_uid(draft->responder, cert->kms_uri, cert->period_s, cert->offset_s,
                     dpp_ring_period(cert, draft->time_s), parts.peer_uid);
    if (rc != 0)
        return rc;
    memcpy(parts.own_uid, own->uid, sizeof parts.own_uid);

    m.csb_id = dpp_key_id(draft->key);
    if (dpp_key_role(draft->key) == DPP_ROLE_GMK)
        rc = dpp_kdf_guk_id(key, key_n, m.csb_id, draft->responder, &m.csb_id);
    if (rc == 0)
        rc = dpp_sakke_seal(peer_kms->sakke, parts.peer_uid, 32, key, parts.sed);
    if (rc == 0 && draft->to_self) {
        wrap_self(parts.self);
        rc = dpp_sakke_seal(own->kms->sakke, parts.own_uid, 32, key, parts.self + 5);
    }
    if (rc != 0)
        return rc;
    ssize_t sealed_n = seal_parameters(draft, m.csb_id, random->iv, parts.sealed);
    if (sealed_n < 0)
        return sealed_n;

    /* seconds since 1900 modulo 2^32: the era ends in 2036 */
    m.ntp = (uint64_t)(uint32_t)(draft->time_s + DPP_RING_NTP_UNIX) << 32 | draft->fraction;
    say(&m, DPP_MIKEY_P_T, 0);
    say(&m, DPP_MIKEY_P_RAND, 0);
    if (draft->uris) {
        identify(&m, DPP_MIKEY_INITIATOR, user, strlen(user));
        identify(&m, DPP_MIKEY_RESPONDER, draft->responder, strlen(draft->responder));
    } else {
        identify(&m, DPP_MIKEY_UID_INITIATOR, parts.own_uid, 32);
        identify(&m, DPP_MIKEY_UID_RESPONDER, parts.peer_uid, 32);
    }
    identify(&m, DPP_MIKEY_KMS_INITIATOR, own->kms->cert.kms_uri, strlen(own->kms->cert.kms_uri));
    identify(&m, DPP_MIKEY_KMS_RESPONDER, cert->kms_uri, strlen(cert->kms_uri));
    say(&m, DPP_MIKEY_P_SAKKE, 0);
    m.parameters = (struct dpp_mikey_span){.p = parts.sealed, .n = (size_t)sealed_n};
    say(&m, DPP_MIKEY_P_EXTENSION, DPP_MIKEY_EXT_PARAMETERS);
    if (draft->to_self) {
        m.to_self = (struct dpp_mikey_span){.p = parts.self, .n = SELF_OCTETS};
        say(&m, DPP_MIKEY_P_EXTENSION, DPP_MIKEY_EXT_SELF);
    }
    say(&m, DPP_MIKEY_P_SIGN, 0);
    return finish(&m, own, random->j, out, cap);
}
