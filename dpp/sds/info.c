#include "dpp/sds/info.h"

#include <string.h>

#include <libxml/parser.h>
#include <libxml/parserInternals.h>

#include "dpp/err.h"
#include "dpp/sds/ie.h"

/* libxml2 is driven through its SAX2 interface: no tree is built, and every cap is checked while
 * the text is read, not after. */

#define INFO_NS  "urn:3gpp:ns:mcdataInfo:1.0"
#define LISTS_NS "urn:ietf:params:xml:ns:resource-lists"
#define XENC_NS  "http://www.w3.org/2001/04/xmlenc#"

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

/* One document being read. */
struct walk {
    xmlParserCtxt *ctxt;
    int err;
    bool is_out_of_memory;
    unsigned depth;
    unsigned nodes;
    /* called at every element, with `depth` already that of the element */
    void (*open)(struct walk *w, const char *name, const char *ns, const xmlChar **attrs, int n);
    void (*close)(struct walk *w);
    /* the text being gathered: NUL-terminated; NULL when none is wanted */
    char *text;
    size_t text_cap, text_n;
    unsigned text_depth;
    /* mcdata-info */
    struct dpp_info *info;
    const struct field *field; /* the child of <mcdata-Params> we are in */
    bool is_in_params;
    bool has_params;
    bool has_value; /* the field's value was there */
    unsigned seen;  /* bit per row of fields[] */
    /* resource-lists */
    struct dpp_targets *targets;
};

static void stop(struct walk *w, int err)
{
    if (!w->err)
        w->err = err;
    xmlStopParser(w->ctxt);
}

/* ---- SAX ---- */

static void sax_open(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *ns,
                     int ns_count, const xmlChar **namespaces, int attr_count, int defaulted,
                     const xmlChar **attrs)
{
    struct walk *w = ctx;

    (void)prefix, (void)namespaces, (void)defaulted;
    if (w->err)
        return;
    w->depth++;
    w->nodes++;
    if (w->depth > DPP_INFO_DEPTH_MAX)
        stop(w, DPP_E_XML_DEPTH);
    else if (w->nodes > DPP_INFO_NODES_MAX || ns_count + attr_count > DPP_INFO_ATTRS_MAX)
        stop(w, DPP_E_XML_NODES);
    else
        w->open(w, (const char *)name, ns ? (const char *)ns : "", attrs, attr_count);
}

static void sax_close(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *ns)
{
    struct walk *w = ctx;

    (void)name, (void)prefix, (void)ns;
    if (w->err)
        return;
    if (w->close)
        w->close(w);
    w->depth--;
}

static bool is_space(char ch)
{
    return ch == ' ' || ch == '\t' || ch == '\r' || ch == '\n';
}

static void sax_text(void *ctx, const xmlChar *p, int n)
{
    struct walk *w = ctx;

    if (w->err || !w->text || w->depth != w->text_depth)
        return;
    for (int i = 0; i < n; i++) {
        char ch = (char)p[i];
        if (w->text_n == 0 && is_space(ch))
            continue;
        if (w->text_n + 1 >= w->text_cap) {
            stop(w, DPP_E_LONG);
            return;
        }
        w->text[w->text_n++] = ch;
    }
}

/* DOCTYPE: the source of entities and of fetches. T43 */
static void sax_doctype(void *ctx, const xmlChar *name, const xmlChar *external,
                        const xmlChar *system)
{
    (void)name, (void)external, (void)system;
    stop(ctx, DPP_E_XML_DTD);
}

/* libxml2 raises most refusals of malloc here; nothing is ever printed. */
static void sax_error(void *ctx, xmlError *error)
{
    struct walk *w = ctx;

    if (error->code == XML_ERR_NO_MEMORY)
        w->is_out_of_memory = true;
}

/* Checks what needs no parser, then runs it. Returns 0 or the document's first error. */
static int walk(struct walk *w, const void *p, size_t n)
{
    static const xmlSAXHandler handler = {
        .initialized = XML_SAX2_MAGIC,
        .startElementNs = sax_open,
        .endElementNs = sax_close,
        .characters = sax_text,
        .ignorableWhitespace = sax_text,
        .cdataBlock = sax_text,
        .internalSubset = sax_doctype,
        .serror = sax_error,
    };

    if (n > DPP_INFO_SIZE_MAX)
        return DPP_E_XML_SIZE;
    if (n == 0)
        return DPP_E_XML;
    if (memchr(p, 0, n))
        return DPP_E_VALUE;
    if (!dpp_ie_is_utf8((struct dpp_span){.p = p, .n = n}))
        return DPP_E_UTF8;
    /* before it has a context libxml2 would report to stderr */
    xmlSetStructuredErrorFunc(w, sax_error);
    w->ctxt = xmlCreateMemoryParserCtxt(p, (int)n);
    if (!w->ctxt) {
        w->err = DPP_E_NOMEM;
        goto out;
    }
    /* The text is UTF-8 whatever it declares, or its checks above would have been for nothing.
     * NOENT gives &amp; in an attribute as "&"; there are no other entities, for sax_doctype ends
     * the document before any could be declared. */
    xmlCtxtUseOptions(w->ctxt, XML_PARSE_NONET | XML_PARSE_IGNORE_ENC | XML_PARSE_NOENT);
    *w->ctxt->sax = handler;
    w->ctxt->userData = w;
    (void)xmlParseDocument(w->ctxt);
    if (w->is_out_of_memory || w->ctxt->errNo == XML_ERR_NO_MEMORY)
        w->err = DPP_E_NOMEM;
    else if (!w->err && !w->ctxt->wellFormed)
        w->err = DPP_E_XML;
out:
    xmlFreeParserCtxt(w->ctxt);
    xmlSetStructuredErrorFunc(NULL, NULL);
    xmlResetLastError();
    return w->err;
}

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

/* Text that may be logged and written into XML again. */
static int check_text(const char *s)
{
    struct dpp_span text = {.p = (const uint8_t *)s, .n = strlen(s)};
    uint32_t ch = 0;

    for (size_t at = 0, n; at < text.n; at += n) {
        n = dpp_ie_utf8(text.p + at, text.n - at, &ch);
        if (n == 0)
            return DPP_E_UTF8;
        if (ch < 0x20 || (ch >= 0x7f && ch < 0xa0) || (ch & 0xfffe) == 0xfffe)
            return DPP_E_VALUE;
    }
    return 0;
}

static const xmlChar **find_attr(const xmlChar **attrs, int n, const char *name)
{
    /* five pointers each: name, prefix, namespace, value, end of value */
    for (int i = 0; i < n; i++, attrs += 5)
        if (!attrs[2] && strcmp((const char *)attrs[0], name) == 0)
            return attrs;
    return NULL;
}

static bool is_attr(const xmlChar **attr, const char *value)
{
    size_t n = strlen(value);

    return attr && (size_t)(attr[4] - attr[3]) == n && memcmp(attr[3], value, n) == 0;
}

static void gather(struct walk *w)
{
    w->text = (char *)w->info + w->field->offset;
    w->text_cap = w->field->cap;
    w->text_n = 0;
    w->text_depth = w->depth;
    w->has_value = true;
}

/* ---- mcdata-info ---- */

static void info_open(struct walk *w, const char *name, const char *ns, const xmlChar **attrs,
                      int n)
{
    bool is_ours = strcmp(ns, INFO_NS) == 0;

    /* encryption is seen wherever it stands, in what we skip too */
    if ((is_ours && is_attr(find_attr(attrs, n, "type"), "Encrypted")) || strcmp(ns, XENC_NS) == 0)
        w->info->is_encrypted = true;
    if (w->depth == 1) {
        if (!is_ours || strcmp(name, "mcdatainfo") != 0)
            stop(w, DPP_E_XML_NAMESPACE);
    } else if (w->depth == 2) {
        w->is_in_params = is_ours && strcmp(name, "mcdata-Params") == 0;
        if (w->is_in_params && w->has_params)
            stop(w, DPP_E_XML_ELEMENT);
        w->has_params |= w->is_in_params;
    } else if (w->depth == 3 && w->is_in_params && is_ours) {
        unsigned i = 0;
        while (i < FIELD_COUNT && strcmp(fields[i].name, name) != 0)
            i++;
        if (i == FIELD_COUNT)
            return;
        if (w->seen & 1u << i) {
            stop(w, DPP_E_XML_ELEMENT);
            return;
        }
        w->seen |= 1u << i;
        w->field = &fields[i];
        w->has_value = w->field->content == CONTENT_TOKEN;
        if (w->field->content == CONTENT_REQUEST)
            gather(w);
    } else if (w->field && w->field->content != CONTENT_TOKEN && strcmp(ns, XENC_NS) != 0) {
        bool is_value = w->depth == 4 && is_ours && !w->has_value &&
                        (strcmp(name, "mcdataURI") == 0 || strcmp(name, "mcdataString") == 0);
        if (is_value)
            gather(w);
        else if (!w->info->is_encrypted)
            stop(w, DPP_E_XML_ELEMENT);
    }
}

static enum dpp_request find_request(const char *text)
{
    for (int i = DPP_REQUEST_NONE + 1; i < DPP_REQUEST_OTHER; i++)
        if (strcmp(request_names[i], text) == 0)
            return (enum dpp_request)i;
    return DPP_REQUEST_OTHER;
}

static void end_text(struct walk *w)
{
    int err = 0;

    while (w->text_n > 0 && is_space(w->text[w->text_n - 1]))
        w->text_n--;
    w->text[w->text_n] = '\0';
    if (w->text_n == 0)
        err = DPP_E_XML_ELEMENT;
    else if (w->field->content == CONTENT_URI)
        err = dpp_info_is_uri(w->text, w->text_n) ? 0 : DPP_E_XML_URI;
    else
        err = check_text(w->text);
    if (w->field->content == CONTENT_REQUEST)
        w->info->request = find_request(w->text);
    w->text = NULL;
    if (err)
        stop(w, err);
}

static void info_close(struct walk *w)
{
    if (w->text && w->depth == w->text_depth)
        end_text(w);
    if (w->depth == 3 && w->field) {
        if (!w->has_value && !w->info->is_encrypted)
            stop(w, DPP_E_XML_ELEMENT);
        w->info->has_access_token |= w->field->content == CONTENT_TOKEN;
        w->field = NULL;
    }
}

int dpp_info_parse(struct dpp_info *out, const void *p, size_t n)
{
    struct walk w = {.open = info_open, .close = info_close, .info = out};

    *out = (struct dpp_info){0};
    int err = walk(&w, p, n);
    if (err)
        *out = (struct dpp_info){0};
    return err;
}

static void put_escaped(struct dpp_out *o, const char *s)
{
    for (; *s; s++) {
        switch (*s) {
        case '&':
            dpp_cur_put_str(o, "&amp;");
            break;
        case '<':
            dpp_cur_put_str(o, "&lt;");
            break;
        case '>':
            dpp_cur_put_str(o, "&gt;");
            break;
        case '"':
            dpp_cur_put_str(o, "&quot;");
            break;
        case '\'':
            dpp_cur_put_str(o, "&apos;");
            break;
        default:
            dpp_cur_put(o, s, 1);
        }
    }
}

static void put_field(struct dpp_out *o, const struct field *field, const char *value)
{
    const char *child = field->content == CONTENT_TEXT ? "mcdataString" : "mcdataURI";

    dpp_cur_put_str(o, "<");
    dpp_cur_put_str(o, field->name);
    if (field->content == CONTENT_REQUEST) {
        dpp_cur_put_str(o, ">");
        put_escaped(o, value);
    } else {
        dpp_cur_put_str(o, " type=\"Normal\"><");
        dpp_cur_put_str(o, child);
        dpp_cur_put_str(o, ">");
        put_escaped(o, value);
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
        int err = check_text(value);
        if (err)
            return err;
        put_field(&o, field, value);
    }
    dpp_cur_put_str(&o, "</mcdata-Params></mcdatainfo>");
    return o.err ? o.err : (ssize_t)o.n;
}

/* ---- resource-lists ---- */

static void add_target(struct walk *w, const xmlChar **uri)
{
    struct dpp_targets *t = w->targets;

    if (!uri) {
        stop(w, DPP_E_XML_ELEMENT);
        return;
    }
    const char *p = (const char *)uri[3], *end = (const char *)uri[4];
    while (p < end && is_space(*p))
        p++;
    while (p < end && is_space(end[-1]))
        end--;
    size_t n = (size_t)(end - p);
    if (n > DPP_INFO_URI_MAX)
        stop(w, DPP_E_LONG);
    else if (!dpp_info_is_uri(p, n))
        stop(w, DPP_E_XML_URI);
    else if (t->count++ == 0)
        memcpy(t->uri, p, n);
}

/* rfc4826#3.1: an entry counts wherever it stands, so that none can be hidden */
static void targets_open(struct walk *w, const char *name, const char *ns, const xmlChar **attrs,
                         int n)
{
    bool is_ours = strcmp(ns, LISTS_NS) == 0;

    if (w->depth == 1) {
        if (!is_ours || strcmp(name, "resource-lists") != 0)
            stop(w, DPP_E_XML_NAMESPACE);
    } else if (is_ours && strcmp(name, "entry") == 0) {
        add_target(w, find_attr(attrs, n, "uri"));
    } else if (is_ours && (strcmp(name, "entry-ref") == 0 || strcmp(name, "external") == 0)) {
        stop(w, DPP_E_XML_ELEMENT);
    }
}

int dpp_targets_parse(struct dpp_targets *out, const void *p, size_t n)
{
    struct walk w = {.open = targets_open, .targets = out};

    *out = (struct dpp_targets){0};
    int err = walk(&w, p, n);
    if (err)
        *out = (struct dpp_targets){0};
    return err;
}
