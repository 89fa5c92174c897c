#include "dpp/sds/ie.h"

#include "dpp/err.h"

static const struct dpp_ie_row rows[] = {
#define X(NAME, octet, text, form, least, most, what)                                              \
    {.iei = octet,                                                                                 \
     .name = text,                                                                                 \
     .format = DPP_IE_##form,                                                                      \
     .min = least,                                                                                 \
     .max = most,                                                                                  \
     .kind = DPP_KIND_##what},
    DPP_IES(X)
#undef X
};

static const struct {
    enum dpp_ie_kind kind;
    uint8_t number;
    const char *name;
} numbers[] = {
#define X(group, NAME, value, text) {DPP_KIND_##group, value, text},
    DPP_IE_NUMBERS(X)
#undef X
};

const struct dpp_ie_row *dpp_ie_row(enum dpp_ie_id id)
{
    return (unsigned)id < DPP_IE_COUNT ? &rows[id] : NULL;
}

const char *dpp_ie_number_name(enum dpp_ie_kind kind, uint8_t number)
{
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (numbers[i].kind == kind && numbers[i].number == number)
            return numbers[i].name;
    return NULL;
}

static enum dpp_ie_id find(uint8_t iei)
{
    int id = 0;

    while (id < DPP_IE_COUNT && rows[id].iei != iei)
        id++;
    return (enum dpp_ie_id)id;
}

int dpp_ie_next(struct dpp_cur *c, struct dpp_ie *ie)
{
    if (c->err)
        return c->err;
    if (dpp_cur_left(c) == 0)
        return 0;
    struct dpp_cur from = *c; /* errors are reported where the element begins */
    uint8_t octet = dpp_cur_u8(c);
    uint8_t iei = octet & 0x80 ? octet & 0xf0 : octet;
    enum dpp_ie_id id = find(iei);
    const struct dpp_ie_row *row = dpp_ie_row(id);
    uint8_t family = iei & 0xf0;

    *ie = (struct dpp_ie){.id = id, .iei = iei};
    if (octet & 0x80) {
        ie->number = octet & 0x0f;
        return 1;
    }
    if (row && row->format == DPP_IE_TV) {
        ie->value = dpp_cur_span(c, row->min);
    } else if (row || family == 0x50 || family == 0x70) {
        ie->value = dpp_cur_span(c, dpp_cur_u16(c));
    } else {
        *c = from; /* ts24282#15.1: nothing tells how long this one is; the rest is ignored */
        return 0;
    }
    if (c->err) {
        int err = c->err;
        *c = from;
        return dpp_cur_fail(c, err);
    }
    if (row && (ie->value.n < row->min || ie->value.n > row->max)) {
        *c = from;
        return dpp_cur_fail(c, DPP_E_IE);
    }
    ie->number = ie->value.n ? ie->value.p[0] : 0;
    return 1;
}

void dpp_ie_put(struct dpp_out *o, enum dpp_ie_id id, uint8_t number, struct dpp_span value)
{
    const struct dpp_ie_row *row = dpp_ie_row(id);

    if (row && row->format == DPP_IE_TV && row->max == 1)
        value = (struct dpp_span){.p = &number, .n = 1};
    if (!row ||
        (row->format == DPP_IE_HALF ? number > 15 : value.n < row->min || value.n > row->max)) {
        dpp_cur_refuse(o, DPP_E_IE);
        return;
    }
    if (row->format == DPP_IE_HALF) {
        dpp_cur_put_u8(o, row->iei | number);
        return;
    }
    dpp_cur_put_u8(o, row->iei);
    if (row->format == DPP_IE_TLV_E)
        dpp_cur_put_u16(o, (uint16_t)value.n);
    dpp_cur_put(o, value.p, value.n);
}

void dpp_ie_put_payload(struct dpp_out *o, uint8_t content, const void *data, size_t n)
{
    if (n > DPP_IE_PAYLOAD_MAX) {
        dpp_cur_refuse(o, DPP_E_LONG);
        return;
    }
    dpp_cur_put_u8(o, rows[DPP_IE_PAYLOAD].iei);
    dpp_cur_put_u16(o, (uint16_t)(n + 1));
    dpp_cur_put_u8(o, content);
    dpp_cur_put(o, data, n);
}

int dpp_ie_payload(struct dpp_span value, uint8_t *content, struct dpp_span *data)
{
    if (value.n == 0)
        return DPP_E_IE;
    *content = value.p[0];
    *data = (struct dpp_span){.p = value.p + 1, .n = value.n - 1};
    return 0;
}

int dpp_ie_location(struct dpp_span data, int32_t *latitude_e6, int32_t *longitude_e6)
{
    if (data.n != 6)
        return DPP_E_VALUE;
    int64_t lat = (int64_t)(data.p[0] & 0x7f) << 16 | data.p[1] << 8 | data.p[2];
    int64_t lon = (int64_t)data.p[3] << 16 | data.p[4] << 8 | data.p[5];

    /* ts23032#6.1: N counts 90/2^23 degrees north or south, 360/2^24 east; +half to round */
    lat = (lat * 90000000 + (1 << 22)) >> 23;
    if (lon & 0x800000)
        lon -= 0x1000000;
    lon *= 360000000;
    lon = (lon + (lon < 0 ? -(1 << 23) : 1 << 23)) / (1 << 24);
    *latitude_e6 = (int32_t)(data.p[0] & 0x80 ? -lat : lat);
    *longitude_e6 = (int32_t)lon;
    return 0;
}

size_t dpp_ie_utf8(const uint8_t *p, size_t n, uint32_t *ch)
{
    if (n == 0)
        return 0;
    if (p[0] < 0x80) {
        *ch = p[0];
        return 1;
    }
    size_t length = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};

    if (p[0] < 0xc2 || p[0] > 0xf4 || n < length)
        return 0;
    uint32_t v = p[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        v = v << 6 | (p[i] & 0x3f);
    }
    if (v < least[length] || v > 0x10ffff || (v >= 0xd800 && v < 0xe000))
        return 0;
    *ch = v;
    return length;
}

bool dpp_ie_is_utf8(struct dpp_span text)
{
    uint32_t ch;

    for (size_t at = 0, n; at < text.n; at += n)
        if (!(n = dpp_ie_utf8(text.p + at, text.n - at, &ch)))
            return false;
    return true;
}
