#include "dpp/sds/print.h"

#include "dpp/err.h"

/* One walk, two looks: every field goes through key() and one of the value writers. */
struct printer {
    struct dpp_out *o;
    bool is_json;
    bool has_field;  /* a comma is due before the next one */
    unsigned indent; /* of text */
};

#define TEXT_OCTETS_MAX 64 /* octets of a binary value shown in text */

static void put_number(struct dpp_out *o, uint64_t v)
{
    uint8_t digits[20];
    size_t n = sizeof digits;

    do
        digits[--n] = (uint8_t)('0' + v % 10);
    while (v /= 10);
    dpp_cur_put(o, digits + n, sizeof digits - n);
}

/* The last `width` decimal digits, with leading zeros. */
static void put_digits(struct dpp_out *o, uint64_t v, unsigned width)
{
    if (width > 1)
        put_digits(o, v / 10, width - 1);
    dpp_cur_put_u8(o, (uint8_t)('0' + v % 10));
}

static void put_hex(struct dpp_out *o, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        dpp_cur_put_u8(o, (uint8_t) "0123456789abcdef"[p[i] >> 4]);
        dpp_cur_put_u8(o, (uint8_t) "0123456789abcdef"[p[i] & 15]);
    }
}

void dpp_print_uuid(struct dpp_out *o, const uint8_t id[16])
{
    static const uint8_t parts[] = {4, 2, 2, 2, 6};

    for (size_t i = 0, at = 0; i < sizeof parts; at += parts[i++]) {
        if (i)
            dpp_cur_put_str(o, "-");
        put_hex(o, id + at, parts[i]);
    }
}

void dpp_print_time(struct dpp_out *o, uint64_t time_s)
{
    uint64_t days = time_s / 86400, s = time_s % 86400;

    if (time_s > 253402300799) { /* 9999-12-31T23:59:59Z */
        put_number(o, time_s);
        return;
    }
    /* the civil calendar, counted in eras of 400 years that begin on 1 March */
    days += 719468;
    uint64_t era = days / 146097, day = days % 146097;
    uint64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    day -= year * 365 + year / 4 - year / 100;
    uint64_t month = (5 * day + 2) / 153;
    day -= (153 * month + 2) / 5;
    year += era * 400 + (month >= 10);
    month = month < 10 ? month + 3 : month - 9;

    put_digits(o, year, 4);
    dpp_cur_put_str(o, "-");
    put_digits(o, month, 2);
    dpp_cur_put_str(o, "-");
    put_digits(o, day + 1, 2);
    dpp_cur_put_str(o, "T");
    put_digits(o, s / 3600, 2);
    dpp_cur_put_str(o, ":");
    put_digits(o, s / 60 % 60, 2);
    dpp_cur_put_str(o, ":");
    put_digits(o, s % 60, 2);
    dpp_cur_put_str(o, "Z");
}

/* Controls, and what would turn the direction of a line: shown, never obeyed. */
static bool is_shown_as_code(uint32_t ch)
{
    return ch < 0x20 || (ch >= 0x7f && ch < 0xa0) || (ch >= 0x200e && ch <= 0x200f) ||
           (ch >= 0x2028 && ch <= 0x202e) || (ch >= 0x2066 && ch <= 0x2069);
}

/* A quoted string, the same in both looks; `text` is UTF-8. rfc8259#7 */
static void put_quoted(struct dpp_out *o, struct dpp_span text)
{
    uint32_t ch = 0;

    dpp_cur_put_str(o, "\"");
    for (size_t at = 0, n; at < text.n; at += n) {
        n = dpp_ie_utf8(text.p + at, text.n - at, &ch);
        if (n == 0) /* the caller has looked; were it otherwise, the loop must still end */
            break;
        if (ch == '"' || ch == '\\') {
            dpp_cur_put_str(o, "\\");
            dpp_cur_put_u8(o, (uint8_t)ch);
        } else if (ch == '\n') {
            dpp_cur_put_str(o, "\\n");
        } else if (is_shown_as_code(ch)) {
            uint8_t code[] = {(uint8_t)(ch >> 8), (uint8_t)ch};
            dpp_cur_put_str(o, "\\u");
            put_hex(o, code, sizeof code);
        } else {
            dpp_cur_put(o, text.p + at, n);
        }
    }
    dpp_cur_put_str(o, "\"");
}

/* ---- fields ---- */

/* "MCData group ID" becomes "mcdata_group_id" in JSON. */
static void key(struct printer *p, const char *label, bool is_object)
{
    if (!p->is_json) {
        for (unsigned i = 0; i < p->indent; i++)
            dpp_cur_put_str(p->o, "  ");
        dpp_cur_put_str(p->o, label);
        dpp_cur_put_str(p->o, is_object ? ":" : ": ");
        return;
    }
    dpp_cur_put_str(p->o, p->has_field ? ",\"" : "\"");
    p->has_field = true;
    for (; *label; label++) {
        bool is_upper = *label >= 'A' && *label <= 'Z';
        dpp_cur_put_u8(p->o, (uint8_t)(is_upper        ? *label - 'A' + 'a'
                                       : *label == ' ' ? '_'
                                                       : *label));
    }
    dpp_cur_put_str(p->o, "\":");
}

static void name(struct printer *p, const char *label)
{
    key(p, label, false);
}

static void end(struct printer *p)
{
    if (!p->is_json)
        dpp_cur_put_str(p->o, "\n");
}

static void quote(struct printer *p)
{
    if (p->is_json)
        dpp_cur_put_str(p->o, "\"");
}

static void field_number(struct printer *p, const char *label, uint64_t v)
{
    name(p, label);
    put_number(p->o, v);
    end(p);
}

static void field_str(struct printer *p, const char *label, const char *s)
{
    name(p, label);
    quote(p);
    dpp_cur_put_str(p->o, s);
    quote(p);
    end(p);
}

/* A number that has a name: the name, or in text "reserved (n)" and in JSON the bare number. */
static void field_named(struct printer *p, const char *label, enum dpp_ie_kind kind, uint8_t v)
{
    const char *known = dpp_ie_number_name(kind, v);

    if (known) {
        field_str(p, label, known);
    } else if (p->is_json) {
        field_number(p, label, v);
    } else {
        name(p, label);
        dpp_cur_put_str(p->o, "reserved (");
        put_number(p->o, v);
        dpp_cur_put_str(p->o, ")\n");
    }
}

static void field_uuid(struct printer *p, const char *label, const uint8_t id[16])
{
    name(p, label);
    quote(p);
    dpp_print_uuid(p->o, id);
    quote(p);
    end(p);
}

static void field_time(struct printer *p, const char *label, uint64_t time_s)
{
    name(p, label);
    quote(p);
    dpp_print_time(p->o, time_s);
    quote(p);
    end(p);
}

static void field_octets(struct printer *p, const char *label, struct dpp_span v)
{
    bool is_cut = !p->is_json && v.n > TEXT_OCTETS_MAX;

    name(p, label);
    quote(p);
    put_hex(p->o, v.p, is_cut ? TEXT_OCTETS_MAX : v.n);
    if (is_cut) {
        dpp_cur_put_str(p->o, "... (");
        put_number(p->o, v.n);
        dpp_cur_put_str(p->o, " octets)");
    }
    quote(p);
    end(p);
}

static void field_text(struct printer *p, const char *label, const char *label_hex,
                       struct dpp_span v)
{
    if (!dpp_ie_is_utf8(v)) {
        field_octets(p, label_hex, v);
        return;
    }
    name(p, label);
    put_quoted(p->o, v);
    end(p);
}

static void open_object(struct printer *p, const char *label)
{
    key(p, label, true);
    dpp_cur_put_str(p->o, p->is_json ? "{" : "\n");
    p->has_field = false;
    p->indent++;
}

static void close_object(struct printer *p)
{
    if (p->is_json)
        dpp_cur_put_str(p->o, "}");
    p->has_field = true;
    p->indent--;
}

static void field_degrees(struct printer *p, const char *label, int32_t e6)
{
    uint32_t v = e6 < 0 ? 0u - (uint32_t)e6 : (uint32_t)e6;

    name(p, label);
    if (e6 < 0)
        dpp_cur_put_str(p->o, "-");
    put_number(p->o, v / 1000000);
    dpp_cur_put_str(p->o, ".");
    put_digits(p->o, v % 1000000, 6);
    end(p);
}

/* ---- values ---- */

/* ts24282#15.2.13 */
static void print_payload(struct printer *p, struct dpp_span value)
{
    struct dpp_span data = {0};
    uint8_t content = 0;
    int32_t lat, lon;

    if (dpp_ie_payload(value, &content, &data))
        return;
    field_named(p, "content type", DPP_KIND_CONTENT, content);
    switch (content) {
    case DPP_CONTENT_TEXT:
    case DPP_CONTENT_HYPERLINKS:
    case DPP_CONTENT_FILEURL:
        field_text(p, "text", "text hex", data);
        break;
    case DPP_CONTENT_LOCATION:
        if (dpp_ie_location(data, &lat, &lon)) {
            field_octets(p, "data", data);
            break;
        }
        field_degrees(p, "latitude", lat);
        field_degrees(p, "longitude", lon);
        break;
    case DPP_CONTENT_STATUS:
        if (data.n != 2) {
            field_octets(p, "data", data);
            break;
        }
        field_number(p, "status", (uint64_t)(data.p[0] << 8 | data.p[1]));
        break;
    default:
        field_octets(p, "data", data);
        break;
    }
}

/* The clear header of a protected payload; what follows it is nobody's business here.
 * ts33180#8.5.4.1 */
static void print_secured(struct printer *p, struct dpp_span frame)
{
    struct dpp_cur c;
    struct dpp_span span;

    if (frame.n < 35) {
        field_octets(p, "short frame", frame);
        return;
    }
    dpp_cur_init(&c, frame.p, frame.n);
    uint8_t type = dpp_cur_u8(&c);
    const struct dpp_msg_row *row = dpp_msg_row(type & DPP_MSG_CODE);
    field_str(p, "frame type", row ? row->name : "UNKNOWN");
    field_time(p, "date and time", dpp_cur_u40(&c));
    field_number(p, "payload id", dpp_cur_u32(&c));
    field_number(p, "payload sequence number", dpp_cur_u8(&c));
    uint8_t algorithm = dpp_cur_u8(&c);
    if (algorithm == 1 || algorithm == 2)
        field_str(p, "algorithm", algorithm == 1 ? "AEAD_AES_128_GCM" : "AEAD_AES_256_GCM");
    else
        field_number(p, "algorithm", algorithm);
    field_octets(p, "iv", dpp_cur_span(&c, 16));
    field_octets(p, "dppk id", dpp_cur_span(&c, 4));
    field_number(p, "payload element", dpp_cur_u8(&c));
    uint16_t length = dpp_cur_u16(&c);
    field_number(p, "protected octets", length);
    span = dpp_cur_span(&c, dpp_cur_left(&c));
    if (length > span.n)
        field_number(p, "missing octets", length - span.n);
    else if (length < span.n)
        field_number(p, "octets behind", span.n - length);
}

static void print_optional(struct printer *p, enum dpp_ie_id id, const struct dpp_msg_optional *opt)
{
    const struct dpp_ie_row *row = dpp_ie_row(id);

    switch (row->kind) {
    case DPP_KIND_UUID:
        field_uuid(p, row->name, opt->value.p);
        break;
    case DPP_KIND_TEXT:
        field_text(p, row->name, row->name, opt->value);
        break;
    case DPP_KIND_EXT_APPLICATION:
        open_object(p, row->name);
        field_named(p, "type", row->kind, opt->number);
        field_text(p, "text", "text hex",
                   (struct dpp_span){.p = opt->value.p + 1, .n = opt->value.n - 1});
        close_object(p);
        break;
    case DPP_KIND_PAYLOAD:
        open_object(p, row->name);
        print_payload(p, opt->value);
        close_object(p);
        break;
    case DPP_KIND_OCTETS:
    case DPP_KIND_SECURED:
        field_octets(p, row->name, opt->value);
        break;
    default:
        field_named(p, row->name, row->kind, opt->number);
        break;
    }
}

static void print_payloads(struct printer *p, const struct dpp_msg *m)
{
    struct dpp_ie ie;
    size_t at = 0, count = 0;

    if (p->is_json) {
        name(p, "payloads");
        dpp_cur_put_str(p->o, "[");
    }
    while (dpp_msg_payload_next(m, &at, &ie) > 0) {
        if (p->is_json)
            dpp_cur_put_str(p->o, count ? ",{" : "{");
        else
            open_object(p, dpp_ie_row(ie.id)->name);
        p->has_field = false;
        count++;
        if (p->is_json)
            field_str(p, "element", dpp_ie_row(ie.id)->name);
        if (ie.id == DPP_IE_SECURED)
            print_secured(p, ie.value);
        else
            print_payload(p, ie.value);
        if (p->is_json)
            dpp_cur_put_str(p->o, "}");
        else
            close_object(p);
    }
    if (p->is_json)
        dpp_cur_put_str(p->o, "]");
    p->has_field = true;
}

static const char *number_label(enum dpp_ie_kind kind)
{
    switch (kind) {
    case DPP_KIND_SDS_DISPOSITION:
        return "SDS disposition notification type";
    case DPP_KIND_FD_DISPOSITION:
        return "FD disposition notification type";
    case DPP_KIND_TERMINATION:
        return "termination information type";
    default:
        return "notification type";
    }
}

static void print_head(struct printer *p, const struct dpp_msg *m, const struct dpp_msg_row *row)
{
    for (const char *field = row->head; *field; field++) {
        switch (*field) {
        case 't':
            field_time(p, "date and time", m->time_s);
            break;
        case 'c':
            field_uuid(p, "conversation ID", m->conversation_id);
            break;
        case 'm':
            field_uuid(p, "message ID", m->message_id);
            break;
        case 'n':
            field_named(p, number_label(row->number_kind), row->number_kind, m->number);
            break;
        case 'p':
            field_number(p, "number of payloads", m->payloads);
            break;
        case 's':
            field_text(p, "sender", "sender hex", m->sender);
            break;
        default: /* 'o' */
            field_octets(p, "opaque", m->opaque);
            break;
        }
    }
}

static void print(struct printer *p, const struct dpp_msg *m)
{
    const struct dpp_msg_row *row = dpp_msg_row(m->code);

    field_str(p, "message", row ? row->name : "UNKNOWN");
    p->indent = 1;
    if (m->is_authenticated)
        field_str(p, "authenticated", "yes, not verified");
    if (m->is_protected) {
        field_str(p, "protected", "yes");
        print_secured(p, m->whole);
        return;
    }
    if (!row)
        return;
    print_head(p, m, row);
    for (const uint8_t *id = row->optional; *id != DPP_IE_COUNT; id++)
        if (m->optional[*id].is_present)
            print_optional(p, (enum dpp_ie_id) * id, &m->optional[*id]);
    if (m->payloads)
        print_payloads(p, m);
    if (m->signature.n)
        field_octets(p, "signature", m->signature);
    if (m->ignored)
        field_number(p, "octets ignored", m->ignored);
}

int dpp_print_text(struct dpp_out *o, const struct dpp_msg *m)
{
    struct printer p = {.o = o};

    print(&p, m);
    return o->err;
}

int dpp_print_json(struct dpp_out *o, const struct dpp_msg *m)
{
    struct printer p = {.o = o, .is_json = true};

    dpp_cur_put_str(o, "{");
    print(&p, m);
    dpp_cur_put_str(o, "}");
    return o->err;
}
