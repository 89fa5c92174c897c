#include "relay/client/letter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "dpp/sds/info.h"
#include "dpp/sds/msg.h"
#include "relay/err.h"

enum {
    PLAIN_HEAD = 4,   /* IE 0x78 of an unprotected payload: IEI, length, content type */
    ONE_OVERHEAD = 6, /* 03 01 78 length content-type */
    ONE_MAX = DPP_FRAME_PLAIN_MAX + 1 - ONE_OVERHEAD, /* data octets of one frame: the type octet is
                                                         not part of the plaintext */
    SIGNALLING_MAX = 256,
    INFO_MAX = 4096,
};

static int random_fill(const struct relay_client_random *random, void *p, size_t n)
{
    return random->fill(random->ctx, p, n) < 0 ? RELAY_E_RANDOM : 0;
}

static int put_text(struct relay_letter *letter, const char *text)
{
    return relay_octets_put(&letter->head, text, strlen(text));
}

/* Begins a part; the first boundary stands at the very beginning of the body. */
static int put_part(struct relay_letter *letter, const char *type)
{
    char head[160];
    bool first = letter->head.n == 0;
    int n = snprintf(head, sizeof(head), "%s--%s\r\nContent-Type: application/%s\r\n\r\n",
                     first ? "" : "\r\n", letter->boundary, type);
    return relay_octets_put(&letter->head, head, (size_t)n);
}

static int put_info(struct relay_letter *letter, enum dpp_request request, const char *target,
                    const char *group)
{
    struct dpp_info info = {.request = request};
    size_t target_n = strlen(target), group_n = strlen(group);
    if (target_n > DPP_INFO_URI_MAX || group_n > DPP_INFO_URI_MAX) {
        return RELAY_E_SDS_TARGET;
    }
    memcpy(info.request_uri, target, target_n);
    memcpy(info.calling_group_id, group, group_n);
    char xml[INFO_MAX];
    ssize_t n = dpp_info_print(xml, sizeof(xml), &info);
    if (n < 0) {
        return (int)n;
    }
    int rc = put_part(letter, "vnd.3gpp.mcdata-info+xml");
    return rc != 0 ? rc : relay_octets_put(&letter->head, xml, (size_t)n);
}

/* The signalling part, under the CSK when there is one. */
static int put_signalling(struct relay_letter *letter, const struct relay_letter_from *from,
                          const struct dpp_msg *msg)
{
    uint8_t plain[SIGNALLING_MAX], sealed[SIGNALLING_MAX + DPP_SIGNALLING_OVERHEAD];
    ssize_t n = dpp_msg_encode(plain, sizeof(plain), msg);
    if (n < 0) {
        return (int)n;
    }
    const uint8_t *octets = plain;
    if (from->csk != NULL) {
        uint8_t iv[DPP_FRAME_IV];
        struct dpp_seal seal = {0};
        int rc = random_fill(from->random, iv, sizeof(iv));
        if (rc == 0) {
            rc = dpp_key_check(from->csk, from->unix_s);
        }
        if (rc == 0) {
            rc = dpp_seal_init(&seal, from->csk, dpp_key_id(from->csk), DPP_USE_SIGNALLING,
                               DPP_ALG_AES_128_GCM);
        }
        if (rc != 0) {
            return rc;
        }
        n = dpp_signalling_seal(&seal, DPP_FRAMING_STRIPPED, plain, (size_t)n, iv, sealed,
                                sizeof(sealed));
        dpp_seal_done(&seal);
        if (n < 0) {
            return (int)n;
        }
        octets = sealed;
    }
    int rc = put_part(letter, "vnd.3gpp.mcdata-signalling");
    return rc != 0 ? rc : relay_octets_put(&letter->head, octets, (size_t)n);
}

static int put_mikey(struct relay_letter *letter, const struct relay_letter_mikey *mikey)
{
    letter->key_id = mikey->key_id;
    int rc = put_part(letter, "mikey");
    return rc != 0 ? rc : relay_octets_put(&letter->head, mikey->p, mikey->n);
}

static int put_close(struct relay_letter *letter)
{
    int rc = put_text(letter, "\r\n--");
    rc = rc != 0 ? rc : put_text(letter, letter->boundary);
    return rc != 0 ? rc : put_text(letter, "--");
}

/* Fills p with exactly n octets of the source. */
static int pull(struct relay_letter *letter, uint8_t *p, size_t n)
{
    if (letter->data != NULL) {
        memcpy(p, letter->data + letter->pulled, n);
        letter->pulled += n;
        return 0;
    }
    while (n > 0) {
        ssize_t got = letter->read == NULL ? -1 : letter->read(letter->ctx, p, n);
        if (got <= 0 || (size_t)got > n) {
            return RELAY_E_IO;
        }
        p += got;
        n -= (size_t)got;
        letter->pulled += (size_t)got;
    }
    return 0;
}

/* A DATA PAYLOAD with one payload element; sealed when there is a key. */
static int put_payload(struct relay_letter *letter, const struct relay_client_random *random)
{
    size_t size = (size_t)letter->size;
    size_t room = size + ONE_OVERHEAD + DPP_FRAME_HEADER + DPP_FRAME_TAG;
    int rc = relay_octets_reserve(&letter->head, room);
    uint8_t *msg = malloc(size + ONE_OVERHEAD);
    if (rc != 0 || msg == NULL) {
        free(msg);
        return RELAY_E_NOMEM;
    }
    msg[0] = DPP_MSG_DATA_PAYLOAD;
    msg[1] = 1;
    msg[2] = 0x78;
    msg[3] = (uint8_t)((size + 1) >> 8);
    msg[4] = (uint8_t)(size + 1);
    msg[5] = letter->content_type;
    rc = pull(letter, msg + ONE_OVERHEAD, size);
    if (rc == 0 && letter->is_sealed) {
        uint8_t iv[DPP_FRAME_IV];
        rc = random_fill(random, iv, sizeof(iv));
        if (rc == 0) {
            uint8_t *out = (uint8_t *)letter->head.p + letter->head.n;
            ssize_t n =
                dpp_payload_seal_one(&letter->seal, DPP_FRAMING_STRIPPED, msg, size + ONE_OVERHEAD,
                                     letter->time_s, letter->payload_id, iv, out, room);
            rc = n < 0 ? (int)n : 0;
            letter->head.n += n < 0 ? 0 : (size_t)n;
        }
    } else if (rc == 0) {
        rc = relay_octets_put(&letter->head, msg, size + ONE_OVERHEAD);
    }
    OPENSSL_cleanse(msg, size + ONE_OVERHEAD);
    free(msg);
    return rc;
}

static struct relay_letter *letter_new(const struct relay_client_random *random, int *err)
{
    uint8_t rnd[32];
    struct relay_letter *letter = calloc(1, sizeof(*letter));
    if (letter == NULL) {
        *err = RELAY_E_NOMEM;
        return NULL;
    }
    *err = random_fill(random, rnd, sizeof(rnd));
    msrp_tid_make(letter->message_id, rnd);
    msrp_tid_make(letter->boundary, rnd + 16);
    return letter;
}

static struct relay_letter *letter_ready(struct relay_letter *letter, int rc, int *err)
{
    *err = rc;
    if (rc != 0) {
        relay_letter_free(letter);
        return NULL;
    }
    uint64_t total = letter->head.n;
    if (letter->is_many) {
        uint64_t overhead = letter->is_sealed ? DPP_PAYLOAD_PART_OVERHEAD : PLAIN_HEAD;
        total += letter->size + letter->parts * overhead + strlen(letter->boundary) + 6;
    }
    msrp_split_init(&letter->split, total);
    return letter;
}

/* rfc4122#4.4: a random UUID */
static int make_uuid(const struct relay_client_random *random, uint8_t id[16])
{
    int rc = random_fill(random, id, 16);
    id[6] = (uint8_t)((id[6] & 0x0f) | 0x40);
    id[8] = (uint8_t)((id[8] & 0x3f) | 0x80);
    return rc;
}

bool relay_letter_is_small(uint64_t size)
{
    return size <= ONE_MAX;
}

static int fill_source(struct relay_letter *letter, const struct relay_letter_from *from,
                       const struct relay_client_sds *sds)
{
    letter->size = sds->size;
    letter->data = sds->data;
    letter->read = sds->read;
    letter->ctx = sds->ctx;
    letter->content_type = sds->content_type;
    letter->time_s = (uint64_t)from->unix_s;
    letter->is_many = !relay_letter_is_small(sds->size);
    letter->parts = (uint8_t)dpp_payload_parts((size_t)sds->size);
    int rc = random_fill(from->random, &letter->payload_id, sizeof(letter->payload_id));
    if (rc == 0 && sds->key != NULL) {
        size_t octets;
        (void)dpp_key_octets(sds->key, &octets);
        rc = dpp_key_check(sds->key, from->unix_s);
        if (rc == 0) {
            rc = dpp_seal_init(&letter->seal, sds->key, dpp_key_id(sds->key),
                               sds->group != NULL ? DPP_USE_GROUP : DPP_USE_ONE,
                               octets == 32 ? DPP_ALG_AES_256_GCM : DPP_ALG_AES_128_GCM);
            letter->is_sealed = rc == 0;
        }
    }
    return rc;
}

struct relay_letter *relay_letter_sds(const struct relay_letter_from *from,
                                      struct relay_client_sds *sds, int *err)
{
    const char *target = sds->group != NULL ? sds->group : sds->to;
    if ((sds->to == NULL) == (sds->group == NULL) || !dpp_info_is_uri(target, strlen(target))) {
        *err = RELAY_E_SDS_TARGET;
        return NULL;
    }
    if (sds->size > DPP_PAYLOAD_MAX) {
        *err = RELAY_E_TOO_LARGE;
        return NULL;
    }
    struct relay_letter *letter = letter_new(from->random, err);
    if (letter == NULL) {
        return NULL;
    }
    int rc = *err;
    if (rc == 0 && !sds->ids_given) {
        rc = make_uuid(from->random, sds->conversation);
        rc = rc != 0 ? rc : make_uuid(from->random, sds->message);
    }
    struct dpp_msg msg = {.code = DPP_MSG_SDS_SIGNALLING, .time_s = (uint64_t)from->unix_s};
    memcpy(msg.conversation_id, sds->conversation, 16);
    memcpy(msg.message_id, sds->message, 16);
    msg.optional[DPP_IE_SDS_REQUEST] =
        (struct dpp_msg_optional){.is_present = sds->disposition != 0, .number = sds->disposition};
    rc = rc != 0 ? rc : fill_source(letter, from, sds);
    rc = rc != 0 ? rc
                 : put_info(letter,
                            sds->group != NULL ? DPP_REQUEST_GROUP_SDS : DPP_REQUEST_ONE_TO_ONE_SDS,
                            target, "");
    rc = rc != 0 ? rc : put_signalling(letter, from, &msg);
    rc = rc != 0 ? rc : put_part(letter, "vnd.3gpp.mcdata-payload");
    letter->label_n = letter->head.n;
    if (rc == 0 && letter->is_many) {
        uint8_t head[2];
        dpp_payload_head(letter->parts, head);
        rc = relay_octets_put(&letter->head, head, sizeof(head));
    } else if (rc == 0) {
        rc = put_payload(letter, from->random);
        rc = rc != 0 || from->mikey == NULL ? rc : put_mikey(letter, from->mikey);
        rc = rc != 0 ? rc : put_close(letter);
    }
    return letter_ready(letter, rc, err);
}

struct relay_letter *relay_letter_notification(const struct relay_letter_from *from, const char *to,
                                               const char *group, const uint8_t conversation[16],
                                               const uint8_t message[16], uint8_t type, int *err)
{
    struct relay_letter *letter = letter_new(from->random, err);
    if (letter == NULL) {
        return NULL;
    }
    struct dpp_msg msg = {
        .code = DPP_MSG_SDS_NOTIFICATION, .time_s = (uint64_t)from->unix_s, .number = type};
    memcpy(msg.conversation_id, conversation, 16);
    memcpy(msg.message_id, message, 16);
    int rc = *err;
    rc = rc != 0 ? rc : put_info(letter, DPP_REQUEST_ONE_TO_ONE_SDS, to, group);
    rc = rc != 0 ? rc : put_signalling(letter, from, &msg);
    rc = rc != 0 ? rc : put_close(letter);
    letter->label_n = letter->head.n;
    return letter_ready(letter, rc, err);
}

struct relay_letter *relay_letter_key(const struct relay_client_random *random, const char *to,
                                      const struct relay_letter_mikey *mikey, int *err)
{
    if (to != NULL && !dpp_info_is_uri(to, strlen(to))) {
        *err = RELAY_E_SDS_TARGET;
        return NULL;
    }
    struct relay_letter *letter = letter_new(random, err);
    if (letter == NULL) {
        return NULL;
    }
    int rc = *err;
    letter->is_upload = to == NULL;
    if (letter->is_upload) {
        rc = rc != 0 ? rc : relay_octets_put(&letter->head, mikey->p, mikey->n);
    } else {
        rc = rc != 0 ? rc : put_info(letter, DPP_REQUEST_ONE_TO_ONE_SDS, to, "");
        rc = rc != 0 ? rc : put_mikey(letter, mikey);
        rc = rc != 0 ? rc : put_close(letter);
    }
    letter->label_n = letter->head.n;
    return letter_ready(letter, rc, err);
}

void relay_letter_free(struct relay_letter *letter)
{
    if (letter == NULL) {
        return;
    }
    dpp_seal_done(&letter->seal);
    relay_octets_done(&letter->head);
    relay_octets_done(&letter->frame);
    free(letter->chunks);
    free(letter);
}

/* The next payload element: data is pulled to where sealing in place wants it. */
static int next_frame(struct relay_letter *letter, const struct relay_client_random *random)
{
    size_t n = DPP_PAYLOAD_PART_MAX;
    if (letter->size - letter->pulled < n) {
        n = (size_t)(letter->size - letter->pulled);
    }
    size_t room = n + DPP_PAYLOAD_PART_OVERHEAD;
    int rc = relay_octets_reserve(&letter->frame, room);
    if (rc != 0) {
        return rc;
    }
    uint8_t *out = (uint8_t *)letter->frame.p + letter->frame.n;
    if (!letter->is_sealed) {
        out[0] = 0x78;
        out[1] = (uint8_t)((n + 1) >> 8);
        out[2] = (uint8_t)(n + 1);
        out[3] = letter->content_type;
        rc = pull(letter, out + PLAIN_HEAD, n);
        letter->frame.n += n + PLAIN_HEAD;
        return rc;
    }
    uint8_t iv[DPP_FRAME_IV];
    uint8_t *data = out + DPP_PAYLOAD_PART_OVERHEAD - DPP_FRAME_TAG;
    rc = random_fill(random, iv, sizeof(iv));
    rc = rc != 0 ? rc : pull(letter, data, n);
    if (rc != 0) {
        return rc;
    }
    ssize_t made =
        dpp_payload_seal_part(&letter->seal, letter->content_type, data, n, letter->time_s,
                              letter->payload_id, letter->seq, iv, out, room);
    if (made < 0) {
        OPENSSL_cleanse(data, n);
        return (int)made;
    }
    letter->seq++;
    letter->frame.n += (size_t)made;
    return 0;
}

ssize_t relay_letter_peek(struct relay_letter *letter, const struct relay_client_random *random,
                          const char **p)
{
    if (relay_octets_left(&letter->head) > 0) {
        *p = letter->head.p + letter->head.at;
        return (ssize_t)relay_octets_left(&letter->head);
    }
    if (!letter->is_many) {
        return 0;
    }
    if (relay_octets_left(&letter->frame) == 0) {
        int rc = 0;
        if (letter->pulled < letter->size) {
            rc = next_frame(letter, random);
        } else if (!letter->has_tail) {
            letter->has_tail = true;
            rc = put_close(letter); /* into the head, which is empty by now */
            if (rc == 0) {
                *p = letter->head.p + letter->head.at;
                return (ssize_t)relay_octets_left(&letter->head);
            }
        }
        if (rc != 0) {
            return rc;
        }
    }
    *p = letter->frame.p + letter->frame.at;
    return (ssize_t)relay_octets_left(&letter->frame);
}

void relay_letter_took(struct relay_letter *letter, size_t n)
{
    relay_octets_eat(relay_octets_left(&letter->head) > 0 ? &letter->head : &letter->frame, n);
}

void relay_letter_refuse(struct relay_letter *letter, int status, int warning, int err,
                         const char *text)
{
    if (letter->state != RELAY_LETTER_OPEN) {
        return;
    }
    letter->state = RELAY_LETTER_REFUSED;
    letter->status = status;
    letter->warning = warning;
    letter->err = err;
    snprintf(letter->text, sizeof(letter->text), "%s", text != NULL ? text : relay_strerror(err));
}
