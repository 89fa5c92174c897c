#include "dpp/seal/payload.h"

#include <openssl/crypto.h>
#include <string.h>

#define DATA_PAYLOAD  0x03
#define PAYLOAD_FRAME (DATA_PAYLOAD | DPP_FRAME_PROTECTED)
#define IEI_SEALED    0x7a

ssize_t dpp_payload_seal_one(struct dpp_seal *seal, enum dpp_framing framing, const uint8_t *msg,
                             size_t n, uint64_t time_s, uint32_t payload_id,
                             const uint8_t iv[DPP_FRAME_IV], uint8_t *out, size_t cap)
{
    struct dpp_frame f = {.type = PAYLOAD_FRAME, .time_s = time_s, .payload_id = payload_id};
    /* profile section 8, dpp.framing: the clear header says the type already */
    size_t skip = framing == DPP_FRAMING_STRIPPED ? 1 : 0;

    if (n == 0 || msg[0] != DATA_PAYLOAD)
        return DPP_E_MESSAGE_TYPE;
    memcpy(f.iv, iv, DPP_FRAME_IV);
    return dpp_seal_close(seal, &f, msg + skip, n - skip, out, cap);
}

ssize_t dpp_payload_open_one(struct dpp_seal *seal, enum dpp_framing framing, const uint8_t *p,
                             size_t n, uint8_t *out, size_t cap)
{
    size_t skip = framing == DPP_FRAMING_STRIPPED ? 1 : 0;

    if (n > 0 && p[0] != PAYLOAD_FRAME)
        return DPP_E_FRAME_TYPE;
    if (cap < 1)
        return DPP_E_SPACE;
    ssize_t plain_n = dpp_seal_open(seal, p, n, out + skip, cap - skip, NULL);
    if (plain_n < 0)
        return plain_n;
    if (skip)
        out[0] = DATA_PAYLOAD;
    if ((size_t)plain_n + skip == 0 || out[0] != DATA_PAYLOAD) {
        OPENSSL_cleanse(out, (size_t)plain_n);
        return DPP_E_SEALED;
    }
    return plain_n + (ssize_t)skip;
}

int dpp_payload_parts(size_t n)
{
    if (n > DPP_PAYLOAD_MAX)
        return DPP_E_LONG;
    return n == 0 ? 1 : (int)((n + DPP_PAYLOAD_PART_MAX - 1) / DPP_PAYLOAD_PART_MAX);
}

void dpp_payload_head(uint8_t parts, uint8_t out[2])
{
    out[0] = DATA_PAYLOAD;
    out[1] = parts;
}

ssize_t dpp_payload_seal_part(struct dpp_seal *seal, uint8_t content_type, const uint8_t *data,
                              size_t n, uint64_t time_s, uint32_t payload_id, uint8_t seq,
                              const uint8_t iv[DPP_FRAME_IV], uint8_t *out, size_t cap)
{
    struct dpp_frame f = {
        .type = PAYLOAD_FRAME, .time_s = time_s, .payload_id = payload_id, .seq = seq};
    uint8_t *frame = out + 3;
    uint8_t *plain = frame + DPP_FRAME_HEADER;

    if (n > DPP_PAYLOAD_PART_MAX)
        return DPP_E_LONG;
    if (cap < n + DPP_PAYLOAD_PART_OVERHEAD)
        return DPP_E_SPACE;
    memcpy(f.iv, iv, DPP_FRAME_IV);
    if (n > 0)
        memmove(plain + 1, data, n);
    plain[0] = content_type;
    ssize_t frame_n = dpp_seal_close(seal, &f, plain, n + 1, frame, cap - 3);
    if (frame_n < 0)
        return frame_n;
    out[0] = IEI_SEALED;
    out[1] = (uint8_t)(frame_n >> 8);
    out[2] = (uint8_t)frame_n;
    return frame_n + 3;
}

ssize_t dpp_payload_open_part(struct dpp_seal *seal, const uint8_t *p, size_t n, uint8_t *out,
                              size_t cap)
{
    if (n > 0 && p[0] != PAYLOAD_FRAME)
        return DPP_E_FRAME_TYPE;
    ssize_t plain_n = dpp_seal_open(seal, p, n, out, cap, NULL);
    return plain_n == 0 ? DPP_E_FRAME_LENGTH : plain_n;
}

int dpp_payload_init(struct dpp_payload *payload, const uint8_t *p, size_t n, uint8_t tag)
{
    struct dpp_frame_check check;
    struct dpp_frame f;
    const uint8_t *frame = p;
    size_t frame_n = n;

    memset(payload, 0, sizeof *payload);
    dpp_frame_check_init(&check, tag, true);
    ssize_t passed = dpp_frame_feed(&check, p, n);
    int rc = passed < 0 ? (int)passed : dpp_frame_end(&check);
    if (rc != 0)
        return rc;
    if (check.authenticated)
        return DPP_E_FRAME_AUTH;
    payload->p = p;
    payload->n = n;
    payload->many = p[0] == DATA_PAYLOAD;
    payload->at = payload->many ? 2 : 0;
    payload->count = check.count;

    struct dpp_payload first = *payload;
    (void)dpp_payload_next(&first, &frame, &frame_n);
    rc = dpp_frame_parse(&f, frame, frame_n);
    payload->dppk_id = f.dppk_id;
    payload->alg = f.alg;
    payload->time_s = f.time_s;
    payload->payload_id = f.payload_id;
    return rc;
}

bool dpp_payload_next(struct dpp_payload *payload, const uint8_t **frame, size_t *frame_n)
{
    struct dpp_payload *it = payload;

    if (it->seen == it->count)
        return false;
    it->seen++;
    if (!it->many) {
        *frame = it->p;
        *frame_n = it->n;
        return true;
    }
    /* the check in _init has measured every IE */
    const uint8_t *ie = it->p + it->at;
    *frame = ie + 3;
    *frame_n = (size_t)ie[1] << 8 | ie[2];
    it->at += 3 + *frame_n;
    return true;
}
