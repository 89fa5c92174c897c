#include "relay/client/opener.h"

#include <stdlib.h>
#include <string.h>

#include "dpp/sds/info.h"
#include "relay/err.h"

enum {
    ELEMENT_HEAD = 3, /* IEI, length */
    IEI_PAYLOAD = 0x78,
    IEI_SECURED = 0x7a,
};

int relay_opener_info(struct relay_inbox *inbox, const struct relay_inbox_to *to)
{
    struct dpp_info info;
    int rc = dpp_info_parse(&info, inbox->piece.p, inbox->piece.n);
    if (rc != 0) {
        return rc;
    }
    inbox->is_group = info.request == DPP_REQUEST_GROUP_SDS;
    if ((!inbox->is_group && info.request != DPP_REQUEST_ONE_TO_ONE_SDS) || info.is_encrypted ||
        info.calling_user_id[0] == '\0' || (inbox->is_group && info.calling_group_id[0] == '\0')) {
        return RELAY_E_SDS_INFO;
    }
    if (!msrp_str_is_nocase(msrp_str_of(info.request_uri), to->conf->me)) {
        return RELAY_E_SDS_TARGET;
    }
    memcpy(inbox->label.from, info.calling_user_id, sizeof(inbox->label.from));
    memcpy(inbox->label.group, info.calling_group_id, sizeof(inbox->label.group));
    return 0;
}

/* Remembers the header of a frame that opened, for the replay window. */
static int keep_frame(struct relay_inbox *inbox, const uint8_t *p, size_t n)
{
    struct relay_inbox_frames *frames = &inbox->frames;
    if (frames->n == frames->cap) {
        size_t cap = frames->cap > 0 ? 2 * frames->cap : 2;
        void *more = realloc(frames->frames, cap * sizeof(*frames->frames));
        if (more == NULL) {
            return RELAY_E_NOMEM;
        }
        frames->frames = more;
        frames->cap = cap;
    }
    int rc = dpp_frame_parse(&frames->frames[frames->n], p, n);
    frames->n += rc == 0 ? 1 : 0;
    return rc;
}

/* Opens piece with the CSK into plain. */
static int open_signalling(struct relay_inbox *inbox, const struct dpp_key *csk, int64_t unix_s)
{
    const uint8_t *p = (const uint8_t *)inbox->piece.p;
    size_t n = inbox->piece.n;
    struct dpp_seal seal = {0};
    struct dpp_frame frame;
    int rc = dpp_frame_parse(&frame, p, n);
    rc = rc != 0 ? rc : dpp_key_check(csk, unix_s);
    rc = rc != 0
             ? rc
             : dpp_seal_init(&seal, csk, dpp_key_id(csk), DPP_USE_SIGNALLING, DPP_ALG_AES_128_GCM);
    rc = rc != 0 ? rc : relay_octets_reserve(&inbox->plain, n);
    if (rc == 0) {
        ssize_t got = dpp_signalling_open(&seal, DPP_FRAMING_STRIPPED, p, n,
                                          (uint8_t *)inbox->plain.p, inbox->plain.cap);
        rc = got < 0 ? (int)got : keep_frame(inbox, p, n);
        inbox->plain.n = got < 0 ? 0 : (size_t)got;
    }
    dpp_seal_done(&seal);
    return rc;
}

int relay_opener_signalling(struct relay_inbox *inbox, const struct relay_inbox_to *to,
                            int64_t unix_s)
{
    const struct dpp_key *csk = to->conf->csk;
    const struct relay_octets *octets = &inbox->piece;
    if (octets->n == 0) {
        return RELAY_E_SDS_SIGNALLING;
    }
    bool is_protected = dpp_signalling_is_protected((uint8_t)octets->p[0]);
    if (is_protected != (csk != NULL)) {
        return is_protected ? RELAY_E_SDS_NO_CSK : RELAY_E_SDS_SIGNAL_PLAIN;
    }
    if (is_protected) {
        int rc = open_signalling(inbox, csk, unix_s);
        if (rc != 0) {
            return rc;
        }
        octets = &inbox->plain;
    }
    struct dpp_msg msg;
    int rc = dpp_msg_parse(&msg, (const uint8_t *)octets->p, octets->n, NULL);
    if (rc != 0) {
        return rc;
    }
    if (msg.code != DPP_MSG_SDS_SIGNALLING && msg.code != DPP_MSG_SDS_NOTIFICATION) {
        return RELAY_E_SDS_SIGNALLING;
    }
    struct relay_client_event *label = &inbox->label;
    inbox->is_notification = msg.code == DPP_MSG_SDS_NOTIFICATION;
    label->date_s = (int64_t)msg.time_s;
    memcpy(label->conversation, msg.conversation_id, 16);
    memcpy(label->message, msg.message_id, 16);
    label->notification = msg.number;
    const struct dpp_msg_optional *request = &msg.optional[DPP_IE_SDS_REQUEST];
    if (request->is_present && request->number <= DPP_SDS_REQUEST_DELIVERY_AND_READ) {
        label->disposition = request->number;
    }
    relay_octets_done(&inbox->plain);
    return 0;
}

/* The key that the frame names, if it is one for this sender and us, or for this group. */
static int find_seal(struct relay_inbox *inbox, const struct relay_inbox_to *to, int64_t unix_s,
                     const struct dpp_frame *frame)
{
    if (inbox->has_seal) {
        return 0; /* the check of frame.h holds all frames to one key ID */
    }
    const struct dpp_store *keys = to->conf->keys;
    const struct dpp_keyed *row = NULL;
    const char *from = inbox->label.from;
    if (keys != NULL && inbox->is_group) {
        row = dpp_store_find_group(keys, frame->dppk_id, inbox->label.group, from);
    } else if (keys != NULL) {
        row = dpp_store_find_role(keys, frame->dppk_id, DPP_ROLE_PCK);
        /* a pair's key opens only what the other one of the pair sent */
        if (row != NULL && strcmp(row->peer, from) != 0 && strcmp(row->owner, from) != 0) {
            row = NULL;
        }
    }
    inbox->key_id = frame->dppk_id;
    int rc = row == NULL ? DPP_E_KEY_ABSENT : dpp_key_check(row->key, unix_s);
    rc = rc != 0 ? rc
                 : dpp_seal_init(&inbox->seal, row->key, frame->dppk_id,
                                 inbox->is_group ? DPP_USE_GROUP : DPP_USE_ONE, frame->alg);
    inbox->has_seal = rc == 0;
    return rc;
}

static int give_data(struct relay_inbox *inbox, struct relay_client_event *event, uint8_t type,
                     const uint8_t *p, size_t n)
{
    *event = inbox->label;
    event->kind = RELAY_CLIENT_DATA;
    event->id = inbox->id;
    event->content_type = type;
    event->data = p;
    event->n = n;
    inbox->bytes += n;
    return 1;
}

/* A single frame is complete in piece: its plaintext is a whole DATA PAYLOAD. */
static int open_one(struct relay_inbox *inbox, const struct relay_inbox_to *to, int64_t unix_s)
{
    const uint8_t *p = (const uint8_t *)inbox->piece.p;
    size_t n = inbox->piece.n;
    struct dpp_frame frame;
    int rc = dpp_frame_parse(&frame, p, n);
    rc = rc != 0 ? rc : find_seal(inbox, to, unix_s, &frame);
    rc = rc != 0 ? rc : relay_octets_reserve(&inbox->plain, n);
    if (rc != 0) {
        return rc;
    }
    ssize_t got = dpp_payload_open_one(&inbox->seal, DPP_FRAMING_STRIPPED, p, n,
                                       (uint8_t *)inbox->plain.p, inbox->plain.cap);
    if (got < 0) {
        return (int)got;
    }
    inbox->plain.n = (size_t)got;
    rc = keep_frame(inbox, p, n);
    rc = rc != 0
             ? rc
             : dpp_msg_parse(&inbox->payload, (const uint8_t *)inbox->plain.p, (size_t)got, NULL);
    inbox->has_payload = rc == 0;
    return rc;
}

int relay_opener_next(struct relay_inbox *inbox, struct relay_client_event *event)
{
    struct dpp_ie ie;
    int rc = dpp_msg_payload_next(&inbox->payload, &inbox->payload_at, &ie);
    if (rc != 1) {
        inbox->has_payload = false;
        relay_octets_done(&inbox->plain);
        return rc;
    }
    if (ie.id != DPP_IE_PAYLOAD) {
        return DPP_E_IE; /* a protected element inside a protected message */
    }
    uint8_t type;
    struct dpp_span data;
    rc = dpp_ie_payload(ie.value, &type, &data);
    return rc != 0 ? rc : give_data(inbox, event, type, data.p, data.n);
}

/* An element is complete in piece, with its IEI and length. */
static int open_element(struct relay_inbox *inbox, const struct relay_inbox_to *to, int64_t unix_s,
                        struct relay_client_event *event)
{
    uint8_t *p = (uint8_t *)inbox->piece.p + ELEMENT_HEAD;
    size_t n = inbox->piece.n - ELEMENT_HEAD;
    if (inbox->piece.p[0] == IEI_PAYLOAD) {
        return n < 1 ? DPP_E_IE : give_data(inbox, event, p[0], p + 1, n - 1);
    }
    struct dpp_frame frame;
    int rc = dpp_frame_parse(&frame, p, n);
    rc = rc != 0 ? rc : find_seal(inbox, to, unix_s, &frame);
    rc = rc != 0 ? rc : keep_frame(inbox, p, n);
    if (rc != 0) {
        return rc;
    }
    uint8_t *plain = p + DPP_FRAME_HEADER;
    ssize_t got = dpp_payload_open_part(&inbox->seal, p, n, plain, n - DPP_FRAME_HEADER);
    if (got < 1) {
        return got < 0 ? (int)got : DPP_E_FRAME_LENGTH;
    }
    return give_data(inbox, event, plain[0], plain + 1, (size_t)got - 1);
}

static void begin_unit(struct relay_inbox *inbox, enum relay_inbox_unit unit, size_t need)
{
    inbox->unit = unit;
    inbox->need = need;
}

static size_t big_endian(const char *p)
{
    return (size_t)(uint8_t)p[0] << 8 | (uint8_t)p[1];
}

/* The unit in piece has all the octets it needs. */
static int end_unit(struct relay_inbox *inbox, const struct relay_inbox_to *to, int64_t unix_s,
                    struct relay_client_event *event)
{
    const char *p = inbox->piece.p;
    int rc;
    switch (inbox->unit) {
    case RELAY_INBOX_TYPE:
        if (((uint8_t)p[0] & DPP_FRAME_AUTHENTICATED) != 0) {
            return DPP_E_FRAME_AUTH; /* we cannot verify it */
        }
        if ((uint8_t)p[0] == DPP_MSG_DATA_PAYLOAD) {
            begin_unit(inbox, RELAY_INBOX_COUNT, 2);
        } else {
            begin_unit(inbox, RELAY_INBOX_HEADER, DPP_FRAME_HEADER);
        }
        return 0;
    case RELAY_INBOX_COUNT:
        inbox->piece.n = 0;
        begin_unit(inbox, RELAY_INBOX_ELEMENT, ELEMENT_HEAD);
        return 0;
    case RELAY_INBOX_ELEMENT:
        begin_unit(inbox, RELAY_INBOX_VALUE, ELEMENT_HEAD + big_endian(p + 1));
        return 0;
    case RELAY_INBOX_VALUE:
        rc = open_element(inbox, to, unix_s, event);
        if (rc == DPP_E_KEY_ABSENT) {
            return rc; /* it may be looked at again */
        }
        inbox->piece.n = 0;
        begin_unit(inbox, RELAY_INBOX_ELEMENT, ELEMENT_HEAD);
        return rc;
    case RELAY_INBOX_HEADER:
        begin_unit(inbox, RELAY_INBOX_SEALED, DPP_FRAME_HEADER + big_endian(p + 33));
        return 0;
    case RELAY_INBOX_SEALED:
        rc = open_one(inbox, to, unix_s);
        if (rc == DPP_E_KEY_ABSENT) {
            return rc;
        }
        inbox->piece.n = 0;
        begin_unit(inbox, RELAY_INBOX_COMPLETE, 1);
        return rc;
    case RELAY_INBOX_COMPLETE:
        break;
    }
    return DPP_E_FRAME_LENGTH;
}

int relay_opener_payload(struct relay_inbox *inbox, const struct relay_inbox_to *to, int64_t unix_s,
                         struct relay_client_event *event)
{
    size_t n = inbox->need - inbox->piece.n;
    if (n > inbox->data.n) {
        n = inbox->data.n;
    }
    int rc = relay_octets_put(&inbox->piece, inbox->data.p, n);
    inbox->data.p += n;
    inbox->data.n -= n;
    if (rc != 0 || inbox->piece.n < inbox->need) {
        return rc;
    }
    rc = end_unit(inbox, to, unix_s, event);
    if (rc != DPP_E_KEY_ABSENT || to->conf->ring == NULL || inbox->is_asked) {
        return rc;
    }
    inbox->is_asked = inbox->is_waiting = true;
    *event = inbox->label;
    event->kind = RELAY_CLIENT_KEY_WANTED;
    event->id = inbox->id;
    event->key_id = inbox->key_id;
    return 1;
}

int relay_opener_again(struct relay_inbox *inbox, const struct relay_inbox_to *to, int64_t unix_s,
                       struct relay_client_event *event)
{
    inbox->is_waiting = false;
    int rc = end_unit(inbox, to, unix_s, event);
    if (rc == DPP_E_KEY_ABSENT && inbox->unit == RELAY_INBOX_SEALED && !inbox->is_group) {
        inbox->sealed = inbox->piece;
        inbox->piece = (struct relay_octets){0};
        begin_unit(inbox, RELAY_INBOX_COMPLETE, 1);
        rc = 0;
    }
    return rc;
}

int relay_opener_sealed(struct relay_inbox *inbox, const struct relay_inbox_to *to, int64_t unix_s)
{
    inbox->opens_sealed = false;
    inbox->piece = inbox->sealed;
    inbox->sealed = (struct relay_octets){0};
    int rc = open_one(inbox, to, unix_s);
    relay_octets_done(&inbox->piece);
    return rc;
}
