#include "dpp/seal/frame.h"

#include <string.h>

#include "dpp/seal/kdf.h"

#define DATA_PAYLOAD  0x03
#define PAYLOAD_FRAME (DATA_PAYLOAD | DPP_FRAME_PROTECTED)
#define IEI_PAYLOAD   0x78
#define IEI_SEALED    0x7a
#define HEAD          2 /* 03 n */
#define IE_HEADER     3 /* IEI, length */

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

/* ts33180#8.5.4.1, table 8.5.4.1-1 */
int dpp_frame_parse(struct dpp_frame *frame, const uint8_t *p, size_t n)
{
    if (n < DPP_FRAME_HEADER)
        return DPP_E_FRAME_SHORT;
    frame->type = p[0];
    frame->time_s = (uint64_t)p[1] << 32 | get32(p + 2);
    frame->payload_id = get32(p + 6);
    frame->seq = p[10];
    frame->alg = p[11];
    memcpy(frame->iv, p + 12, DPP_FRAME_IV);
    frame->dppk_id = get32(p + 28);
    frame->iei = p[32];
    frame->sealed_n = (uint16_t)(p[33] << 8 | p[34]);
    if (!(frame->type & DPP_FRAME_PROTECTED))
        return DPP_E_FRAME_TYPE;
    if (dpp_kdf_dpck_octets(frame->alg) == 0)
        return DPP_E_FRAME_ALGORITHM;
    /* the tag is 16 octets whatever the message says */
    if (frame->sealed_n < DPP_FRAME_TAG)
        return DPP_E_FRAME_LENGTH;
    return 0;
}

void dpp_frame_print(const struct dpp_frame *frame, uint8_t out[DPP_FRAME_HEADER])
{
    out[0] = frame->type;
    out[1] = (uint8_t)(frame->time_s >> 32);
    put32(out + 2, (uint32_t)frame->time_s);
    put32(out + 6, frame->payload_id);
    out[10] = frame->seq;
    out[11] = frame->alg;
    memcpy(out + 12, frame->iv, DPP_FRAME_IV);
    put32(out + 28, frame->dppk_id);
    out[32] = frame->iei;
    out[33] = (uint8_t)(frame->sealed_n >> 8);
    out[34] = (uint8_t)frame->sealed_n;
}

/* What the held octets are, or what is passing by (`left` of it). */
enum state {
    TYPE,      /* holding the message type */
    COUNT,     /* holding the plain head */
    IE,        /* holding an IE's header */
    FRAME,     /* holding an IE's header and the frame header behind it */
    SINGLE,    /* holding the header of the only frame */
    VALUE,     /* passing the sealed octets of a frame, or a plain IE */
    SIGNATURE, /* passing the signature */
    END,       /* nothing may follow */
};

void dpp_frame_check_init(struct dpp_frame_check *check, uint8_t tag, bool required)
{
    memset(check, 0, sizeof *check);
    check->state = TYPE;
    check->tag = tag;
    check->required = required;
}

/* Where the IE starts among the held octets: the plain head is held together with the first. */
static size_t ie_at(const struct dpp_frame_check *c)
{
    return c->seen == 0 ? HEAD : 0;
}

/* How many octets must be held before the next look. */
static size_t wanted(const struct dpp_frame_check *c)
{
    switch (c->state) {
    case TYPE:
        return 1;
    case COUNT:
        return HEAD;
    case IE:
        return ie_at(c) + IE_HEADER;
    case FRAME:
        return ie_at(c) + IE_HEADER + DPP_FRAME_HEADER;
    default:
        return DPP_FRAME_HEADER;
    }
}

/* What is held is good: it passes, and so do the next n octets. */
static void pass(struct dpp_frame_check *c, enum state state, uint32_t n)
{
    c->state = (uint8_t)state;
    c->held_n = 0;
    c->left = n;
    c->passed = c->fed;
}

static int look_at_type(struct dpp_frame_check *c)
{
    uint8_t type = c->held[0];

    c->authenticated = type & DPP_FRAME_AUTHENTICATED;
    switch (type & ~DPP_FRAME_AUTHENTICATED) {
    case PAYLOAD_FRAME:
        c->count = 1;
        c->state = SINGLE;
        return 0;
    case DATA_PAYLOAD:
        c->state = COUNT;
        return 0;
    default:
        return DPP_E_FRAME_TYPE;
    }
}

static int look_at_count(struct dpp_frame_check *c)
{
    c->count = c->held[1];
    c->state = IE;
    return c->count == 0 ? DPP_E_FRAME_COUNT : 0;
}

static int look_at_ie(struct dpp_frame_check *c)
{
    const uint8_t *ie = c->held + ie_at(c);
    uint32_t n = (uint32_t)ie[1] << 8 | ie[2];

    switch (ie[0]) {
    case IEI_SEALED:
        if (n < DPP_FRAME_HEADER + DPP_FRAME_TAG)
            return DPP_E_FRAME_LENGTH;
        c->state = FRAME;
        return 0;
    case IEI_PAYLOAD:
        if (c->required)
            return DPP_E_FRAME_UNPROTECTED;
        if (n == 0)
            return DPP_E_FRAME_LENGTH;
        c->seen++;
        pass(c, VALUE, n);
        return 0;
    default:
        return DPP_E_FRAME_TYPE;
    }
}

/* The 35-octet header of frame number `seen`, which stands at p. room: octets that its IE leaves
 * for the sealed part, or 0 for a message that ends where the frame says. */
static int look_at_frame(struct dpp_frame_check *c, const uint8_t *p, uint32_t room)
{
    struct dpp_frame f;

    /* its IE says that it is protected: profile section 4 */
    if (room != 0 && !(p[0] & DPP_FRAME_PROTECTED))
        return DPP_E_FRAME_UNPROTECTED;
    int rc = dpp_frame_parse(&f, p, DPP_FRAME_HEADER);
    if (rc != 0)
        return rc;
    if (room != 0 && f.type != PAYLOAD_FRAME)
        return DPP_E_FRAME_TYPE;
    if (room != 0 && f.sealed_n != room)
        return DPP_E_FRAME_LENGTH;
    if (f.seq != c->seen)
        return DPP_E_FRAME_SEQUENCE;
    if (c->any && f.payload_id != c->payload_id)
        return DPP_E_FRAME_PAYLOAD_ID;
    if (f.dppk_id >> 28 != c->tag)
        return DPP_E_FRAME_TAG;
    if (c->any && f.dppk_id != c->dppk_id)
        return DPP_E_FRAME_KEY;
    c->any = true;
    c->payload_id = f.payload_id;
    c->dppk_id = f.dppk_id;
    c->seen++;
    pass(c, VALUE, f.sealed_n);
    return 0;
}

static int look(struct dpp_frame_check *c)
{
    const uint8_t *ie = c->held + ie_at(c);

    switch (c->state) {
    case TYPE:
        return look_at_type(c);
    case COUNT:
        return look_at_count(c);
    case IE:
        return look_at_ie(c);
    case FRAME:
        return look_at_frame(c, ie + IE_HEADER, ((uint32_t)ie[1] << 8 | ie[2]) - DPP_FRAME_HEADER);
    default:
        return look_at_frame(c, c->held, 0);
    }
}

/* The last octet of what was passing by has passed. */
static void passed_by(struct dpp_frame_check *c)
{
    if (c->state == SIGNATURE || (c->seen == c->count && !c->authenticated))
        pass(c, END, 0);
    else if (c->seen == c->count)
        pass(c, SIGNATURE, DPP_FRAME_SIGNATURE);
    else
        pass(c, IE, 0);
}

ssize_t dpp_frame_feed(struct dpp_frame_check *check, const uint8_t *p, size_t n)
{
    struct dpp_frame_check *c = check;

    while (n > 0 && c->err == 0) {
        size_t take;
        if (c->state == VALUE || c->state == SIGNATURE) {
            take = n < c->left ? n : c->left;
            c->left -= (uint32_t)take;
            c->fed += take;
            c->passed = c->fed;
            if (c->left == 0)
                passed_by(c);
        } else if (c->state == END) {
            c->err = DPP_E_FRAME_LENGTH;
            break;
        } else {
            take = wanted(c) - c->held_n;
            take = n < take ? n : take;
            memcpy(c->held + c->held_n, p, take);
            c->held_n = (uint8_t)(c->held_n + take);
            c->fed += take;
            if (c->held_n == wanted(c))
                c->err = look(c);
        }
        p += take;
        n -= take;
    }
    return c->err != 0 ? c->err : (ssize_t)c->passed;
}

size_t dpp_frame_held(const struct dpp_frame_check *check)
{
    return (size_t)(check->fed - check->passed);
}

uint64_t dpp_frame_passed(const struct dpp_frame_check *check)
{
    return check->passed;
}

int dpp_frame_end(const struct dpp_frame_check *check)
{
    if (check->err != 0)
        return check->err;
    return check->state == END ? 0 : DPP_E_FRAME_SHORT;
}
