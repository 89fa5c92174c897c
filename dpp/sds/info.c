#include "dpp/sds/info.h"

#include <string.h>

#include "dpp/err.h"
#include "dpp/xml.h"

#define INFO_NS  "urn:3gpp:ns:mcdataInfo:1.0"
#define LISTS_NS "urn:ietf:params:xml:ns:resource-lists"

enum content {
    CONTENT_REQUEST, /* plain text, the request type */
    CONTENT_URI,     /* contentType with a URI */
    CONTENT_TEXT,    /* contentType with any text */
    CONTENT_TOKEN,   /* contentType whose value is not kept */
};

/* The children of <mcdata-Params> that are read, in the order of the schema. ts24282#D.1 */
static const struct field {
    const char *name;
    enum content content;
    size_t offset; /* of the string in struct dpp_info */
    size_t cap;    /* its octets with the NUL */
} fields[] = {
#define FIELD(name, content, member)                                                               \
    {                                                                                              \
        name, content, offsetof(struct dpp_info, member), sizeof((struct dpp_info *)0)->member     \
    }
    {"mcdata-access-token", CONTENT_TOKEN, 0, 0},
    FIELD("request-type", CONTENT_REQUEST, request_type),
    FIELD("mcdata-request-uri", CONTENT_URI, request_uri),
    FIELD("mcdata-calling-user-id", CONTENT_URI, calling_user_id),
    FIELD("mcdata-called-party-id", CONTENT_URI, called_party_id),
    FIELD("mcdata-calling-group-id", CONTENT_URI, calling_group_id),
    FIELD("mcdata-client-id", CONTENT_TEXT, client_id),
#undef FIELD
};
#define FIELD_COUNT (sizeof fields / sizeof *fields)

static const char *const request_names[] = {[DPP_REQUEST_NONE] = "",
#define X(name, text) [DPP_REQUEST_##name] = text,
                                            DPP_REQUESTS(X)
#undef X
};

static const struct dpp_xml_caps caps = {
    .octets = DPP_INFO_SIZE_MAX,
    .depth = DPP_INFO_DEPTH_MAX,
    .nodes = DPP_INFO_NODES_MAX,
    .attrs = DPP_INFO_ATTRS_MAX,
};

/* One document being read: the ctx of its struct dpp_xml. */
struct walk {
    struct dpp_info *info;
    const struct field *field; /* the child of <mcdata-Params> we are in */
    bool is_in_params;
    bool has_params;
    bool has_value; /* the field's value was there */
    unsigned seen;  /* bit per row of fields[] */
};

/* ---- values ---- */

bool dpp_info_is_uri(const char *s, size_t n)
{
    size_t at = 0;

    for (size_t i = 0; i < n; i++)
        if (s[i] <= ' ' || s[i] > '~' || strchr("\"<>\\^`{|}", s[i]))
            return false;
    while (at < n && ((s[at] >= 'a' && s[at] <= 'z') || (s[at] >= 'A' && s[at] <= 'Z') ||
                      (at && ((s[at] >= '0' && s[at] <= '9') || strchr("+-.", s[at])))))
        at++;
    return at > 0 && at + 1 < n && s[at] == ':';
}

static bool is_attr(struct dpp_span attr, const char *value)
{
    return attr.p && attr.n == strlen(value) && memcmp(attr.p, value, attr.n) == 0;
}

static void gather(struct dpp_xml *x)
{
    struct walk *w = x->ctx;

    dpp_xml_gather(x, (char *)w->info + w->field->offset, w->field->cap);
    w->has_value = true;
}

/* ---- mcdata-info ---- */

/* A child of <mcdata-Params>. */
static void field_open(struct dpp_xml *x, const char *name)
{
    struct walk *w = x->ctx;
    unsigned i = 0;

    while (i < FIELD_COUNT && strcmp(fields[i].name, name) != 0)
        i++;
    if (i == FIELD_COUNT)
        return;
    if (w->seen & 1u << i) {
        dpp_xml_stop(x, DPP_E_XML_ELEMENT);
        return;
    }
    w->seen |= 1u << i;
    w->field = &fields[i];
    w->has_value = w->field->content == CONTENT_TOKEN;
    if (w->field->content == CONTENT_REQUEST)
        gather(x);
}

static void info_open(struct dpp_xml *x, const char *name, const char *ns,
                      struct dpp_xml_attrs attrs)
{
    struct walk *w = x->ctx;
    bool is_ours = strcmp(ns, INFO_NS) == 0, is_xenc = strcmp(ns, DPP_XML_XENC) == 0;

    /* encryption is seen wherever it stands, in what we skip too */
    if ((is_ours && is_attr(dpp_xml_attr(attrs, "type"), "Encrypted")) || is_xenc)
        w->info->is_encrypted = true;
    if (x->depth == 1) {
        if (!is_ours || strcmp(name, "mcdatainfo") != 0)
            dpp_xml_stop(x, DPP_E_XML_NAMESPACE);
    } else if (x->depth == 2) {
        w->is_in_params = is_ours && strcmp(name, "mcdata-Params") == 0;
        if (w->is_in_params && w->has_params)
            dpp_xml_stop(x, DPP_E_XML_ELEMENT);
        w->has_params |= w->is_in_params;
    } else if (x->depth == 3 && w->is_in_params && is_ours) {
        field_open(x, name);
    } else if (w->field && w->field->content != CONTENT_TOKEN && !is_xenc) {
        bool is_value = x->depth == 4 && is_ours && !w->has_value &&
                        (strcmp(name, "mcdataURI") == 0 || strcmp(name, "mcdataString") == 0);
        if (is_value)
            gather(x);
        else if (!w->info->is_encrypted)
            dpp_xml_stop(x, DPP_E_XML_ELEMENT);
    }
}

static enum dpp_request find_request(const char *text)
{
    for (int i = DPP_REQUEST_NONE + 1; i < DPP_REQUEST_OTHER; i++)
        if (strcmp(request_names[i], text) == 0)
            return (enum dpp_request)i;
    return DPP_REQUEST_OTHER;
}

static void end_text(struct dpp_xml *x, size_t n)
{
    struct walk *w = x->ctx;
    const char *text = (char *)w->info + w->field->offset;
    int err = 0;

    if (n == 0)
        err = DPP_E_XML_ELEMENT;
    else if (w->field->content == CONTENT_URI)
        err = dpp_info_is_uri(text, n) ? 0 : DPP_E_XML_URI;
    else
        err = dpp_xml_check_text(text);
    if (w->field->content == CONTENT_REQUEST)
        w->info->request = find_request(text);
    if (err)
        dpp_xml_stop(x, err);
}

static void info_close(struct dpp_xml *x)
{
    struct walk *w = x->ctx;
    size_t n;

    if (dpp_xml_gathered(x, &n))
        end_text(x, n);
    if (x->depth == 3 && w->field) {
        if (!w->has_value && !w->info->is_encrypted)
            dpp_xml_stop(x, DPP_E_XML_ELEMENT);
        w->info->has_access_token |= w->field->content == CONTENT_TOKEN;
        w->field = NULL;
    }
}

int dpp_info_parse(struct dpp_info *out, const void *p, size_t n)
{
    struct walk w = {.info = out};
    struct dpp_xml x = {.caps = &caps, .ctx = &w, .open = info_open, .close = info_close};

    *out = (struct dpp_info){0};
    int err = dpp_xml_walk(&x, p, n);
    if (err)
        *out = (struct dpp_info){0};
    return err;
}

static void put_field(struct dpp_out *o, const struct field *field, const char *value)
{
    const char *child = field->content == CONTENT_TEXT ? "mcdataString" : "mcdataURI";

    dpp_cur_put_str(o, "<");
    dpp_cur_put_str(o, field->name);
    if (field->content == CONTENT_REQUEST) {
        dpp_cur_put_str(o, ">");
        dpp_xml_put(o, value);
    } else {
        dpp_cur_put_str(o, " type=\"Normal\"><");
        dpp_cur_put_str(o, child);
        dpp_cur_put_str(o, ">");
        dpp_xml_put(o, value);
        dpp_cur_put_str(o, "</");
        dpp_cur_put_str(o, child);
        dpp_cur_put_str(o, ">");
    }
    dpp_cur_put_str(o, "</");
    dpp_cur_put_str(o, field->name);
    dpp_cur_put_str(o, ">");
}

ssize_t dpp_info_print(char *buf, size_t cap, const struct dpp_info *info)
{
    struct dpp_out o;

    if (info->is_encrypted)
        return DPP_E_VALUE;
    dpp_cur_out(&o, buf, cap);
    dpp_cur_put_str(&o, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
                        "<mcdatainfo xmlns=\"" INFO_NS "\"><mcdata-Params>");
    for (const struct field *field = fields; field < fields + FIELD_COUNT; field++) {
        if (field->content == CONTENT_TOKEN)
            continue;
        const char *value = (const char *)info + field->offset;
        if (field->content == CONTENT_REQUEST && info->request < DPP_REQUEST_OTHER)
            value = request_names[info->request];
        if (!*value)
            continue;
        if (field->content == CONTENT_URI && !dpp_info_is_uri(value, strlen(value)))
            return DPP_E_XML_URI;
        int err = dpp_xml_check_text(value);
        if (err)
            return err;
        put_field(&o, field, value);
    }
    dpp_cur_put_str(&o, "</mcdata-Params></mcdatainfo>");
    return o.err ? o.err : (ssize_t)o.n;
}

/* ---- resource-lists ---- */

static void add_target(struct dpp_xml *x, struct dpp_span uri)
{
    struct dpp_targets *t = x->ctx;
    const char *p = (const char *)uri.p, *end = p + uri.n;

    if (!p) {
        dpp_xml_stop(x, DPP_E_XML_ELEMENT);
        return;
    }
    while (p < end && dpp_xml_is_space(*p))
        p++;
    while (p < end && dpp_xml_is_space(end[-1]))
        end--;
    size_t n = (size_t)(end - p);
    if (n > DPP_INFO_URI_MAX)
        dpp_xml_stop(x, DPP_E_LONG);
    else if (!dpp_info_is_uri(p, n))
        dpp_xml_stop(x, DPP_E_XML_URI);
    else if (t->count++ == 0)
        memcpy(t->uri, p, n);
}

/* rfc4826#3.1: an entry counts wherever it stands, so that none can be hidden */
static void targets_open(struct dpp_xml *x, const char *name, const char *ns,
                         struct dpp_xml_attrs attrs)
{
    bool is_ours = strcmp(ns, LISTS_NS) == 0;

    if (x->depth == 1) {
        if (!is_ours || strcmp(name, "resource-lists") != 0)
            dpp_xml_stop(x, DPP_E_XML_NAMESPACE);
    } else if (is_ours && strcmp(name, "entry") == 0) {
        add_target(x, dpp_xml_attr(attrs, "uri"));
    } else if (is_ours && (strcmp(name, "entry-ref") == 0 || strcmp(name, "external") == 0)) {
        dpp_xml_stop(x, DPP_E_XML_ELEMENT);
    }
}

int dpp_targets_parse(struct dpp_targets *out, const void *p, size_t n)
{
    struct dpp_xml x = {.caps = &caps, .ctx = out, .open = targets_open};

    *out = (struct dpp_targets){0};
    int err = dpp_xml_walk(&x, p, n);
    if (err)
        *out = (struct dpp_targets){0};
    return err;
}
