#include "dpp/seal/signalling.h"

#include <openssl/crypto.h>
#include <string.h>

#define DATE 5

/* Where date and time stands in a plain message, or 0: no signalling of ours. ts24282#15.1.2 to
 * 15.1.6 */
static size_t date_at(uint8_t type)
{
    switch (type) {
    case 0x01: /* SDS SIGNALLING PAYLOAD */
    case 0x02: /* FD SIGNALLING PAYLOAD */
        return 1;
    case 0x05: /* SDS NOTIFICATION: the disposition stands between */
    case 0x06: /* FD NOTIFICATION */
        return 2;
    default:
        return 0;
    }
}

bool dpp_signalling_is_protected(uint8_t type)
{
    return (type & DPP_FRAME_PROTECTED) && date_at((uint8_t)(type & ~DPP_FRAME_PROTECTED)) != 0;
}

/* The one place that knows what is inside a protected signalling message (profile section 8,
 * dpp.framing; security section 3.5: the text is silent).
 *
 * dir > 0: message -> plaintext. dir < 0: plaintext -> message, whose type and date the clear
 * header gives. Returns the octets written to `to`, or 0 when the octets cannot be such a message.
 */
static size_t frame_plaintext(enum dpp_framing framing, int dir, uint8_t type, const uint8_t *date,
                              const uint8_t *from, size_t n, uint8_t *to)
{
    size_t at = date_at(type);

    if (framing == DPP_FRAMING_WHOLE) {
        if (n < at + DATE || from[0] != type || memcmp(from + at, date, DATE) != 0)
            return 0;
        memmove(to, from, n);
        return n;
    }
    if (dir > 0) { /* without the type and without the date */
        memmove(to, from + 1, at - 1);
        memmove(to + at - 1, from + at + DATE, n - at - DATE);
        return n - 1 - DATE;
    }
    if (n < at - 1)
        return 0;
    uint8_t between = n ? from[0] : 0; /* to and from may be the same memory */
    memmove(to + at + DATE, from + at - 1, n - (at - 1));
    if (at == 2)
        to[1] = between;
    to[0] = type;
    memcpy(to + at, date, DATE);
    return n + 1 + DATE;
}

static void put_date(uint8_t out[DATE], uint64_t time_s)
{
    for (int i = 0; i < DATE; i++)
        out[i] = (uint8_t)(time_s >> (8 * (DATE - 1 - i)));
}

ssize_t dpp_signalling_seal(struct dpp_seal *seal, enum dpp_framing framing, const uint8_t *msg,
                            size_t n, const uint8_t iv[DPP_FRAME_IV], uint8_t *out, size_t cap)
{
    struct dpp_frame f = {0};
    size_t at = n ? date_at(msg[0]) : 0;

    if (n == 0 || at == 0)
        return n == 0 ? DPP_E_TRUNCATED : DPP_E_MESSAGE_TYPE;
    if (n < at + DATE)
        return DPP_E_TRUNCATED;
    if (n > DPP_FRAME_PLAIN_MAX)
        return DPP_E_LONG;
    if (cap < n + DPP_SIGNALLING_OVERHEAD)
        return DPP_E_SPACE;
    f.type = msg[0] | DPP_FRAME_PROTECTED;
    for (size_t i = 0; i < DATE; i++)
        f.time_s = f.time_s << 8 | msg[at + i];
    memcpy(f.iv, iv, DPP_FRAME_IV);
    uint8_t *plain = out + DPP_FRAME_HEADER;
    size_t plain_n = frame_plaintext(framing, 1, msg[0], msg + at, msg, n, plain);
    return dpp_seal_close(seal, &f, plain, plain_n, out, cap);
}

ssize_t dpp_signalling_open(struct dpp_seal *seal, enum dpp_framing framing, const uint8_t *p,
                            size_t n, uint8_t *out, size_t cap)
{
    struct dpp_frame f;
    uint8_t date[DATE];

    if (n > 0 && !dpp_signalling_is_protected(p[0]))
        return DPP_E_MESSAGE_TYPE;
    if (cap < n)
        return DPP_E_SPACE;
    ssize_t plain_n = dpp_seal_open(seal, p, n, out, cap, &f);
    if (plain_n < 0)
        return plain_n;
    put_date(date, f.time_s);
    size_t msg_n = frame_plaintext(framing, -1, (uint8_t)(f.type & ~DPP_FRAME_PROTECTED), date, out,
                                   (size_t)plain_n, out);
    if (msg_n == 0) {
        OPENSSL_cleanse(out, (size_t)plain_n);
        return DPP_E_SEALED;
    }
    return (ssize_t)msg_n;
}
