#include "dpp/keys/mikey.h"

#include <openssl/evp.h>
#include <string.h>

#include "dpp/cur.h"

#define VERSION        1
#define I_MESSAGE      26
#define PRF_SHA_256    0x01   /* V = 0: no verification message is asked for */
#define SIGN_ECCSI_129 0x2081 /* S type 2, length 129 */
#define RAND_MIN       16
#define SRTP_ID_OCTETS 9 /* policy, SSRC, ROC. rfc3830#6.1.1 */
#define PAYLOADS_MAX   32
#define OTHERS_MAX     4

static struct dpp_mikey_span span_of(struct dpp_cur *c, size_t n)
{
    const uint8_t *p = dpp_cur_bytes(c, n);

    return (struct dpp_mikey_span){.p = p, .n = p ? n : 0};
}

/* Walks over one entry of a GENERIC-ID map. rfc6043#6.1.1 */
static void skip_generic(struct dpp_cur *c)
{
    (void)dpp_cur_bytes(c, 2);                     /* CS ID, protocol */
    (void)dpp_cur_bytes(c, dpp_cur_u8(c) & 0x7fu); /* #P policies; the upper bit is S */
    (void)dpp_cur_bytes(c, dpp_cur_u16(c));        /* session data */
    (void)dpp_cur_bytes(c, dpp_cur_u8(c));         /* SPI */
}

/* HDR from the data type on: the header's fields and the CS ID map. Returns the first payload's
 * type. rfc3830#6.1, ts33180#E.1.2 */
static int read_header(struct dpp_mikey *m, struct dpp_cur *c)
{
    uint8_t version = dpp_cur_u8(c), type = dpp_cur_u8(c), next = dpp_cur_u8(c);
    uint8_t prf = dpp_cur_u8(c);

    m->csb_id = dpp_cur_u32(c);
    m->sets_n = dpp_cur_u8(c);
    m->map_type = dpp_cur_u8(c);
    if (c->err)
        return DPP_E_MIKEY_FORM;
    if (version != VERSION || type != I_MESSAGE || prf != PRF_SHA_256)
        return DPP_E_MIKEY_HEADER;
    if (m->sets_n > DPP_MIKEY_SETS_MAX)
        return DPP_E_LONG;
    size_t from = c->at;
    switch (m->map_type) {
    case 0:
        (void)dpp_cur_bytes(c, (size_t)m->sets_n * SRTP_ID_OCTETS);
        break;
    case 1:
        if (m->sets_n != 0)
            return DPP_E_MIKEY_FORM;
        break;
    case 2:
        for (unsigned i = 0; i < m->sets_n; i++)
            skip_generic(c);
        break;
    default:
        return DPP_E_MIKEY_FORM;
    }
    m->map = (struct dpp_mikey_span){.p = c->p + from, .n = c->at - from};
    return next;
}

bool dpp_mikey_is_uri(const void *p, size_t n)
{
    const uint8_t *octets = p;

    for (size_t i = 0; i < n; i++)
        if (octets[i] <= 0x20 || octets[i] >= 0x7f)
            return false;
    return n > 0 && n <= DPP_URI_MAX;
}

/* rfc6043#6.6, ts33180#E.7 */
static int read_identity(struct dpp_mikey *m, struct dpp_cur *c, uint8_t *role)
{
    *role = dpp_cur_u8(c);
    uint8_t type = dpp_cur_u8(c);
    struct dpp_mikey_span s = span_of(c, dpp_cur_u16(c));

    if (c->err || s.n == 0)
        return DPP_E_MIKEY_FORM;
    switch (*role) {
    case DPP_MIKEY_INITIATOR:
    case DPP_MIKEY_RESPONDER:
    case DPP_MIKEY_KMS_INITIATOR:
    case DPP_MIKEY_KMS_RESPONDER:
        if (s.n > DPP_URI_MAX)
            return DPP_E_LONG;
        if (!dpp_mikey_is_uri(s.p, s.n))
            return DPP_E_MIKEY_FORM;
        break;
    case DPP_MIKEY_UID_INITIATOR:
    case DPP_MIKEY_UID_RESPONDER:
        if (s.n != 32)
            return DPP_E_MIKEY_FORM;
        break;
    default:
        return DPP_E_MIKEY_PAYLOAD;
    }
    if (m->id[*role].p)
        return DPP_E_MIKEY_PAYLOAD;
    m->id[*role] = s;
    m->id_type[*role] = type;
    return 0;
}

/* rfc3830#6.10: parameters as type, length, value */
static int read_policy(struct dpp_mikey *m, struct dpp_cur *c)
{
    if (m->policy.p)
        return DPP_E_MIKEY_PAYLOAD;
    m->policy_no = dpp_cur_u8(c);
    m->policy_type = dpp_cur_u8(c);
    m->policy = span_of(c, dpp_cur_u16(c));
    struct dpp_cur rows;
    dpp_cur_init(&rows, m->policy.p, m->policy.n);
    while (!c->err && dpp_cur_left(&rows) > 0) {
        (void)dpp_cur_u8(&rows);
        (void)dpp_cur_bytes(&rows, dpp_cur_u8(&rows));
    }
    return c->err || rows.err ? DPP_E_MIKEY_FORM : 0;
}

/* rfc6509#4.2 */
static int read_sakke(struct dpp_mikey *m, struct dpp_cur *c)
{
    if (m->sakke.p)
        return DPP_E_MIKEY_PAYLOAD;
    m->sakke_set = dpp_cur_u8(c);
    m->sakke_scheme = dpp_cur_u8(c);
    m->sakke = span_of(c, dpp_cur_u16(c));
    return c->err || m->sakke_set != DPP_MIKEY_SAKKE_SET ||
                   m->sakke_scheme != DPP_MIKEY_SAKKE_SCHEME || m->sakke.n != DPP_SAKKE_SED
               ? DPP_E_MIKEY_FORM
               : 0;
}

/* rfc3830#6.15; types that nobody knows are kept for printing and mean nothing */
static int read_extension(struct dpp_mikey *m, struct dpp_cur *c, uint8_t *type)
{
    *type = dpp_cur_u8(c);
    struct dpp_mikey_span s = span_of(c, dpp_cur_u16(c));

    if (c->err)
        return DPP_E_MIKEY_FORM;
    if (*type == DPP_MIKEY_EXT_SELF || *type == DPP_MIKEY_EXT_PARAMETERS) {
        struct dpp_mikey_span *known = *type == DPP_MIKEY_EXT_SELF ? &m->to_self : &m->parameters;
        if (known->p)
            return DPP_E_MIKEY_PAYLOAD;
        *known = s;
        return 0;
    }
    if (m->other_n == OTHERS_MAX)
        return DPP_E_LONG;
    m->other[m->other_n++] = s;
    return 0;
}

/* One payload behind its `next` octet. */
static int read_payload(struct dpp_mikey *m, struct dpp_cur *c, uint8_t type, uint8_t *ext)
{
    switch (type) {
    case DPP_MIKEY_P_T:
        if (m->ntp_given)
            return DPP_E_MIKEY_PAYLOAD;
        m->ntp_given = true;
        m->time_type = dpp_cur_u8(c);
        m->ntp = (uint64_t)dpp_cur_u32(c) << 32;
        m->ntp |= dpp_cur_u32(c);
        return c->err || m->time_type > 1 ? DPP_E_MIKEY_FORM : 0;
    case DPP_MIKEY_P_RAND:
        if (m->rand.p)
            return DPP_E_MIKEY_PAYLOAD;
        m->rand = span_of(c, dpp_cur_u8(c));
        return c->err || m->rand.n < RAND_MIN ? DPP_E_MIKEY_FORM : 0;
    case DPP_MIKEY_P_IDR:
        return read_identity(m, c, ext);
    case DPP_MIKEY_P_SP:
        return read_policy(m, c);
    case DPP_MIKEY_P_SAKKE:
        return read_sakke(m, c);
    case DPP_MIKEY_P_EXTENSION:
        return read_extension(m, c, ext);
    default:
        return DPP_E_MIKEY_PAYLOAD;
    }
}

/* SIGN stands last, has no `next`, and its length is that of the rest. ts33180#E.1.2 prints a
 * length of 32, which cannot be: everybody writes 129. */
static int read_sign(struct dpp_mikey *m, struct dpp_cur *c)
{
    if (dpp_cur_u16(c) != SIGN_ECCSI_129 || dpp_cur_left(c) != DPP_ECCSI_SIGNATURE)
        return DPP_E_MIKEY_FORM;
    m->signed_part = (struct dpp_mikey_span){.p = c->p, .n = c->at};
    m->signature = dpp_cur_bytes(c, DPP_ECCSI_SIGNATURE);
    return 0;
}

static bool is_complete(const struct dpp_mikey *m)
{
    return m->ntp_given && m->rand.p && m->sakke.p &&
           (m->id[DPP_MIKEY_INITIATOR].p || m->id[DPP_MIKEY_UID_INITIATOR].p) &&
           (m->id[DPP_MIKEY_RESPONDER].p || m->id[DPP_MIKEY_UID_RESPONDER].p);
}

int dpp_mikey_parse(struct dpp_mikey *mikey, const uint8_t *p, size_t n)
{
    struct dpp_cur c;

    memset(mikey, 0, sizeof *mikey);
    if (n > DPP_MIKEY_MAX)
        return DPP_E_LONG;
    dpp_cur_init(&c, p, n);
    int rc = read_header(mikey, &c);
    if (rc < 0)
        return rc;
    uint8_t type = (uint8_t)rc;
    for (;;) {
        if (mikey->order_n == PAYLOADS_MAX)
            return DPP_E_LONG;
        uint8_t at = mikey->order_n++;
        mikey->order[at] = type;
        if (type == DPP_MIKEY_P_SIGN)
            break;
        uint8_t next = dpp_cur_u8(&c);
        rc = read_payload(mikey, &c, type, &mikey->order_ext[at]);
        if (rc != 0)
            return rc;
        type = next;
    }
    rc = read_sign(mikey, &c);
    if (rc != 0)
        return rc;
    return is_complete(mikey) ? 0 : DPP_E_MIKEY_PAYLOAD;
}

static void put_span(struct dpp_out *o, const struct dpp_mikey_span *s)
{
    dpp_cur_put_u16(o, (uint16_t)s->n);
    dpp_cur_put(o, s->p, s->n);
}

static void put_payload(struct dpp_out *o, const struct dpp_mikey *m, uint8_t type, uint8_t ext,
                        size_t *others)
{
    switch (type) {
    case DPP_MIKEY_P_T:
        dpp_cur_put_u8(o, m->time_type);
        dpp_cur_put_u32(o, (uint32_t)(m->ntp >> 32));
        dpp_cur_put_u32(o, (uint32_t)m->ntp);
        break;
    case DPP_MIKEY_P_RAND:
        dpp_cur_put_u8(o, (uint8_t)m->rand.n);
        dpp_cur_put(o, m->rand.p, m->rand.n);
        break;
    case DPP_MIKEY_P_IDR:
        dpp_cur_put_u8(o, ext);
        dpp_cur_put_u8(o, m->id_type[ext]);
        put_span(o, &m->id[ext]);
        break;
    case DPP_MIKEY_P_SP:
        dpp_cur_put_u8(o, m->policy_no);
        dpp_cur_put_u8(o, m->policy_type);
        put_span(o, &m->policy);
        break;
    case DPP_MIKEY_P_SAKKE:
        dpp_cur_put_u8(o, m->sakke_set);
        dpp_cur_put_u8(o, m->sakke_scheme);
        put_span(o, &m->sakke);
        break;
    default: /* EXTENSION: parsing lets nothing else in */
        dpp_cur_put_u8(o, ext);
        put_span(o, ext == DPP_MIKEY_EXT_SELF         ? &m->to_self
                    : ext == DPP_MIKEY_EXT_PARAMETERS ? &m->parameters
                                                      : &m->other[(*others)++]);
    }
}

ssize_t dpp_mikey_print(const struct dpp_mikey *mikey, uint8_t *out, size_t cap)
{
    struct dpp_out o;
    size_t others = 0;

    dpp_cur_out(&o, out, cap);
    dpp_cur_put_u8(&o, VERSION);
    dpp_cur_put_u8(&o, I_MESSAGE);
    dpp_cur_put_u8(&o, mikey->order[0]);
    dpp_cur_put_u8(&o, PRF_SHA_256);
    dpp_cur_put_u32(&o, mikey->csb_id);
    dpp_cur_put_u8(&o, mikey->sets_n);
    dpp_cur_put_u8(&o, mikey->map_type);
    dpp_cur_put(&o, mikey->map.p, mikey->map.n);
    for (uint8_t i = 0; i + 1 < mikey->order_n; i++) { /* the last one is SIGN */
        dpp_cur_put_u8(&o, mikey->order[i + 1]);
        put_payload(&o, mikey, mikey->order[i], mikey->order_ext[i], &others);
    }
    dpp_cur_put_u16(&o, SIGN_ECCSI_129);
    dpp_cur_put(&o, mikey->signature, DPP_ECCSI_SIGNATURE);
    return o.err ? o.err : (ssize_t)o.n;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_base64(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
}

/* Four digits at a time, the padding only at the end; white space between them, which mail and SDP
 * tools fold lines with, is skipped. EVP_DecodeBlock forgives too much, so the form is checked
 * here. */
static ssize_t decode(const char *p, size_t n, uint8_t *out, size_t cap)
{
    size_t at = 0, held = 0, pad = 0;
    uint8_t four[4], three[3];

    for (size_t i = 0; i < n; i++) {
        if (is_space(p[i]))
            continue;
        pad += p[i] == '=';
        if (p[i] == '=' ? held < 2 : pad > 0 || !is_base64(p[i]))
            return DPP_E_MIKEY_FORM;
        four[held++] = (uint8_t)p[i];
        if (held < 4)
            continue;
        if (EVP_DecodeBlock(three, four, 4) != 3)
            return DPP_E_MIKEY_FORM;
        if (cap - at < 3 - pad)
            return DPP_E_SPACE;
        memcpy(out + at, three, 3 - pad);
        at += 3 - pad;
        held = 0;
    }
    return held > 0 || at == 0 ? DPP_E_MIKEY_FORM : (ssize_t)at;
}

/* rfc4567#3.1: key-mgmt-attribute = "mikey" SP base64. An I_MESSAGE itself begins with 01. */
ssize_t dpp_mikey_text(const char *p, size_t n, uint8_t *out, size_t cap)
{
    if (n > 0 && p[0] == VERSION) {
        if (n > cap)
            return DPP_E_SPACE;
        memcpy(out, p, n);
        return (ssize_t)n;
    }
    while (n > 0 && is_space(*p))
        p++, n--;
    if (n > 5 && memcmp(p, "mikey", 5) == 0 && is_space(p[5]))
        p += 5, n -= 5;
    return decode(p, n, out, cap);
}
