#include "dpp/sds/msg.h"

#include <string.h>

#include "dpp/err.h"

/* Optional elements in the order of each message's table. ts24282#15.1.2 to ts24282#15.1.14 */
/* clang-format off */
#define E(name) DPP_IE_##name
static const uint8_t optional_SDS_SIGNALLING[] = {
    E(IN_REPLY_TO), E(APPLICATION_ID), E(SDS_REQUEST), E(EXT_APPLICATION_ID), E(USER_LOCATION),
    E(SENDER_ID), E(APP_METADATA), E(COUNT)};
static const uint8_t optional_FD_SIGNALLING[] = {
    E(IN_REPLY_TO), E(APPLICATION_ID), E(FD_REQUEST), E(MANDATORY_DOWNLOAD), E(PAYLOAD),
    E(METADATA), E(EXT_APPLICATION_ID), E(SENDER_ID), E(APP_METADATA), E(COUNT)};
static const uint8_t optional_DATA_PAYLOAD[] = {
    E(PAYLOAD), E(COUNT)};
static const uint8_t optional_SDS_NOTIFICATION[] = {
    E(APPLICATION_ID), E(EXT_APPLICATION_ID), E(SENDER_ID), E(APP_METADATA), E(COUNT)};
static const uint8_t optional_SDS_OFF_MESSAGE[] = {
    E(IN_REPLY_TO), E(APPLICATION_ID), E(SDS_REQUEST), E(GROUP_ID), E(RECIPIENT_ID), E(PAYLOAD),
    E(EXT_APPLICATION_ID), E(SENDER_ID), E(APP_METADATA), E(USER_LOCATION), E(COUNT)};
static const uint8_t optional_SDS_OFF_NOTIFICATION[] = {
    E(APPLICATION_ID), E(EXT_APPLICATION_ID), E(COUNT)};
static const uint8_t optional_FD_NETWORK_NOTIFICATION[] = {
    E(APPLICATION_ID), E(EXT_APPLICATION_ID), E(PAYLOAD), E(COUNT)};
static const uint8_t optional_FD_TERMINATION[] = {
    E(APPLICATION_ID), E(EXT_APPLICATION_ID), E(EXTENSION_RESPONSE), E(RELEASE_RESPONSE),
    E(PAYLOAD), E(COUNT)};
static const uint8_t optional_none[] = {E(COUNT)};
#undef E
#define optional_FD_NOTIFICATION   optional_SDS_NOTIFICATION
#define optional_RELEASE           optional_none
#define optional_DEFERRED_REQUEST  optional_none
#define optional_DEFERRED_RESPONSE optional_none
#define optional_ALERT             optional_none
#define optional_ALERT_ACK         optional_none
#define optional_ALERT_CANCEL      optional_none
#define optional_ALERT_CANCEL_ACK  optional_none
/* clang-format on */

static const struct dpp_msg_row rows[] = {
#define X(NAME, octet, text, fields, what)                                                         \
    {.code = octet,                                                                                \
     .name = text,                                                                                 \
     .head = fields,                                                                               \
     .number_kind = DPP_KIND_##what,                                                               \
     .optional = optional_##NAME},
    DPP_MSGS(X)
#undef X
};

const struct dpp_msg_row *dpp_msg_row(uint8_t code)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].code == code)
            return &rows[i];
    return NULL;
}

/* A head with a number of payloads means: payload elements repeat, and are not kept one by one. */
static bool has_payloads(const struct dpp_msg_row *row)
{
    return strchr(row->head, 'p') != NULL;
}

static bool is_payload(enum dpp_ie_id id)
{
    return id == DPP_IE_PAYLOAD || id == DPP_IE_SECURED;
}

static void parse_head(struct dpp_msg *m, const struct dpp_msg_row *row, struct dpp_cur *c)
{
    for (const char *field = row->head; *field; field++) {
        switch (*field) {
        case 't':
            m->time_s = dpp_cur_u40(c);
            break;
        case 'c':
            dpp_cur_copy(c, m->conversation_id, sizeof m->conversation_id);
            break;
        case 'm':
            dpp_cur_copy(c, m->message_id, sizeof m->message_id);
            break;
        case 'n':
            m->number = dpp_cur_u8(c);
            break;
        case 'p':
            m->payloads = dpp_cur_u8(c);
            break;
        case 's':
            m->sender = dpp_cur_span(c, dpp_cur_u16(c));
            if (!c->err && m->sender.n == 0)
                dpp_cur_fail(c, DPP_E_IE);
            break;
        default: /* 'o' */
            m->opaque = dpp_cur_span(c, dpp_cur_left(c));
            break;
        }
    }
}

static bool is_optional(const struct dpp_msg_row *row, enum dpp_ie_id id)
{
    const uint8_t *o = row->optional;

    while (*o != DPP_IE_COUNT && *o != id)
        o++;
    return *o == id && id != DPP_IE_COUNT;
}

/* Keeps what belongs to the message; everything else has been passed by the walk and is forgotten.
 */
static void parse_elements(struct dpp_msg *m, const struct dpp_msg_row *row, struct dpp_cur *c)
{
    struct dpp_cur from = *c;
    struct dpp_ie ie;
    size_t payloads = 0;
    bool repeats = has_payloads(row);

    while (dpp_ie_next(c, &ie) > 0) {
        if (repeats && is_payload(ie.id)) {
            payloads++;
        } else if (is_optional(row, ie.id) && !m->optional[ie.id].is_present) {
            m->optional[ie.id] = (struct dpp_msg_optional){
                .is_present = true, .number = ie.number, .value = ie.value};
        }
    }
    m->ignored = dpp_cur_left(c);
    if (!repeats)
        return;
    m->elements = dpp_cur_span(&from, dpp_cur_left(&from));
    if (!c->err && (payloads == 0 || payloads != m->payloads))
        dpp_cur_fail(c, DPP_E_PAYLOAD_COUNT); /* ts24282#15.2.12 */
}

int dpp_msg_parse(struct dpp_msg *m, const uint8_t *p, size_t n, size_t *err_at)
{
    struct dpp_cur c;

    dpp_cur_init(&c, p, n);
    *m = (struct dpp_msg){.whole = {.p = p, .n = n}};
    uint8_t type = dpp_cur_u8(&c);
    const struct dpp_msg_row *row = dpp_msg_row(type & DPP_MSG_CODE);

    m->code = type & DPP_MSG_CODE;
    m->is_protected = type & DPP_MSG_PROTECTED;
    m->is_authenticated = type & DPP_MSG_AUTHENTICATED;
    if (!c.err && !row) {
        c.at = 0;
        dpp_cur_fail(&c, DPP_E_MESSAGE_TYPE);
    }
    if (!c.err && !m->is_protected) {
        if (m->is_authenticated) {
            if (n < 1 + DPP_MSG_SIGNATURE_SIZE) {
                dpp_cur_fail(&c, DPP_E_TRUNCATED);
            } else {
                c.n -= DPP_MSG_SIGNATURE_SIZE;
                m->signature = (struct dpp_span){.p = p + c.n, .n = DPP_MSG_SIGNATURE_SIZE};
            }
        }
        parse_head(m, row, &c);
        if (!c.err)
            parse_elements(m, row, &c);
    }
    if (err_at)
        *err_at = c.err ? c.err_at : 0;
    return c.err;
}

int dpp_msg_payload_next(const struct dpp_msg *m, size_t *at, struct dpp_ie *ie)
{
    struct dpp_cur c;
    int got;

    dpp_cur_init(&c, m->elements.p, m->elements.n);
    c.at = *at;
    do
        got = dpp_ie_next(&c, ie);
    while (got > 0 && !is_payload(ie->id));
    *at = c.at;
    return got;
}

static void encode_head(struct dpp_out *o, const struct dpp_msg *m, const struct dpp_msg_row *row)
{
    for (const char *field = row->head; *field; field++) {
        switch (*field) {
        case 't':
            if (m->time_s >> 40)
                dpp_cur_refuse(o, DPP_E_VALUE);
            dpp_cur_put_u40(o, m->time_s);
            break;
        case 'c':
            dpp_cur_put(o, m->conversation_id, sizeof m->conversation_id);
            break;
        case 'm':
            dpp_cur_put(o, m->message_id, sizeof m->message_id);
            break;
        case 'n':
            dpp_cur_put_u8(o, m->number);
            break;
        case 'p':
            dpp_cur_put_u8(o, m->payloads);
            break;
        case 's':
            if (m->sender.n == 0 || m->sender.n > UINT16_MAX)
                dpp_cur_refuse(o, m->sender.n ? DPP_E_LONG : DPP_E_IE);
            dpp_cur_put_u16(o, (uint16_t)m->sender.n);
            dpp_cur_put(o, m->sender.p, m->sender.n);
            break;
        default: /* 'o' */
            dpp_cur_put(o, m->opaque.p, m->opaque.n);
            break;
        }
    }
}

static void encode_payloads(struct dpp_out *o, const struct dpp_msg *m)
{
    struct dpp_ie ie;
    size_t at = 0, count = 0;
    int got;

    while ((got = dpp_msg_payload_next(m, &at, &ie)) > 0) {
        dpp_ie_put(o, ie.id, 0, ie.value);
        count++;
    }
    if (got < 0 || count != m->payloads)
        dpp_cur_refuse(o, got < 0 ? got : DPP_E_PAYLOAD_COUNT);
}

ssize_t dpp_msg_encode(void *buf, size_t cap, const struct dpp_msg *m)
{
    const struct dpp_msg_row *row = dpp_msg_row(m->code);
    struct dpp_out o;

    if (!row)
        return DPP_E_MESSAGE_TYPE;
    if (m->is_protected || m->is_authenticated)
        return DPP_E_PROTECTED;
    if (has_payloads(row) && m->payloads == 0)
        return DPP_E_PAYLOAD_COUNT;
    dpp_cur_out(&o, buf, cap);
    dpp_cur_put_u8(&o, m->code);
    encode_head(&o, m, row);
    for (const uint8_t *id = row->optional; *id != DPP_IE_COUNT; id++) {
        const struct dpp_msg_optional *opt = &m->optional[*id];
        bool repeats = *id == DPP_IE_PAYLOAD && has_payloads(row);

        if (repeats && (m->elements.n || m->code != DPP_MSG_DATA_PAYLOAD))
            encode_payloads(&o, m);
        else if (!repeats && opt->is_present)
            dpp_ie_put(&o, (enum dpp_ie_id) * id, opt->number, opt->value);
    }
    return o.err ? o.err : (ssize_t)o.n;
}
