#include "dpp/xml.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/parser.h>
#include <libxml/parserInternals.h>

#include "dpp/err.h"
#include "dpp/sds/ie.h"

/* libxml2 is driven through its SAX2 interface: no tree is built, and every cap is checked while
 * the text is read, not after. */

void dpp_xml_stop(struct dpp_xml *x, int err)
{
    if (!x->err)
        x->err = err;
    xmlStopParser(x->parser);
}

static void sax_open(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *ns,
                     int ns_count, const xmlChar **namespaces, int attr_count, int defaulted,
                     const xmlChar **attrs)
{
    struct dpp_xml *x = ctx;

    (void)prefix, (void)namespaces, (void)defaulted;
    if (x->err)
        return;
    x->depth++;
    x->nodes++;
    if (x->depth > x->caps->depth)
        dpp_xml_stop(x, DPP_E_XML_DEPTH);
    else if (x->nodes > x->caps->nodes || (unsigned)(ns_count + attr_count) > x->caps->attrs)
        dpp_xml_stop(x, DPP_E_XML_NODES);
    else
        x->open(x, (const char *)name, ns ? (const char *)ns : "",
                (struct dpp_xml_attrs){.p = attrs, .n = attr_count});
}

static void sax_close(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *ns)
{
    struct dpp_xml *x = ctx;

    (void)name, (void)prefix, (void)ns;
    if (x->err)
        return;
    if (x->close)
        x->close(x);
    x->depth--;
}

static void sax_text(void *ctx, const xmlChar *p, int n)
{
    struct dpp_xml *x = ctx;

    if (x->err || !x->text || x->depth != x->text_depth)
        return;
    for (int i = 0; i < n; i++) {
        char ch = (char)p[i];
        if (x->text_n == 0 && dpp_xml_is_space(ch))
            continue;
        if (x->text_n + 1 >= x->text_cap) {
            dpp_xml_stop(x, DPP_E_LONG);
            return;
        }
        x->text[x->text_n++] = ch;
    }
}

/* DOCTYPE: the source of entities and of fetches. T43 */
static void sax_doctype(void *ctx, const xmlChar *name, const xmlChar *external,
                        const xmlChar *system)
{
    (void)name, (void)external, (void)system;
    dpp_xml_stop(ctx, DPP_E_XML_DTD);
}

/* libxml2 raises most refusals of malloc here; nothing is ever printed. */
static void sax_error(void *ctx, xmlError *error)
{
    struct dpp_xml *x = ctx;

    if (error->code == XML_ERR_NO_MEMORY)
        x->is_out_of_memory = true;
}

static void run(struct dpp_xml *x, const char *copy)
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

    /* before it has a context libxml2 would report to stderr */
    xmlSetStructuredErrorFunc(x, sax_error);
    xmlParserCtxt *parser = x->parser = xmlNewParserCtxt();
    xmlParserInput *input = parser ? xmlNewStringInputStream(parser, (const xmlChar *)copy) : NULL;
    if (!input) {
        x->err = DPP_E_NOMEM;
        goto out;
    }
    if (inputPush(parser, input) < 0) {
        xmlFreeInputStream(input);
        x->err = DPP_E_NOMEM;
        goto out;
    }
    /* The text is UTF-8 whatever it declares, or its checks before would have been for nothing.
     * NOENT gives &amp; in an attribute as "&"; there are no other entities, for sax_doctype ends
     * the document before any could be declared. */
    xmlCtxtUseOptions(parser, XML_PARSE_NONET | XML_PARSE_IGNORE_ENC | XML_PARSE_NOENT);
    *parser->sax = handler;
    parser->userData = x;
    (void)xmlParseDocument(parser);
    if (x->is_out_of_memory || parser->errNo == XML_ERR_NO_MEMORY)
        x->err = DPP_E_NOMEM;
    else if (!x->err && !parser->wellFormed)
        x->err = DPP_E_XML;
out:
    xmlFreeParserCtxt(parser);
    x->parser = NULL;
    xmlSetStructuredErrorFunc(NULL, NULL);
    xmlResetLastError();
}

int dpp_xml_walk(struct dpp_xml *x, const void *p, size_t n)
{
    if (n > x->caps->octets)
        return DPP_E_XML_SIZE;
    if (n == 0)
        return DPP_E_XML;
    if (memchr(p, 0, n))
        return DPP_E_VALUE;
    if (!dpp_ie_is_utf8((struct dpp_span){.p = p, .n = n}))
        return DPP_E_UTF8;
    /* a string as input is read where it lies; a block of memory would be copied by libxml2 */
    char *copy = malloc(n + 1);
    if (!copy)
        return DPP_E_NOMEM;
    memcpy(copy, p, n);
    copy[n] = '\0';
    run(x, copy);
    OPENSSL_cleanse(copy, n);
    free(copy);
    return x->err;
}

void dpp_xml_gather(struct dpp_xml *x, char *text, size_t cap)
{
    x->text = text;
    x->text_cap = cap;
    x->text_n = 0;
    x->text_depth = x->depth;
}

bool dpp_xml_gathered(struct dpp_xml *x, size_t *n)
{
    if (!x->text || x->depth != x->text_depth)
        return false;
    while (x->text_n > 0 && dpp_xml_is_space(x->text[x->text_n - 1]))
        x->text_n--;
    x->text[x->text_n] = '\0';
    x->text = NULL;
    *n = x->text_n;
    return true;
}

/* ---- attributes: five pointers each: name, prefix, namespace, value, end of value ---- */

static struct dpp_span find(struct dpp_xml_attrs attrs, const char *name, const char *ns)
{
    for (int i = 0; i < attrs.n; i++) {
        const unsigned char **attr = attrs.p + i * 5;
        bool is_ns = ns ? attr[2] && strcmp((const char *)attr[2], ns) == 0 : !attr[2];
        if (is_ns && strcmp((const char *)attr[0], name) == 0)
            return (struct dpp_span){.p = attr[3], .n = (size_t)(attr[4] - attr[3])};
    }
    return (struct dpp_span){0};
}

struct dpp_span dpp_xml_attr(struct dpp_xml_attrs attrs, const char *name)
{
    return find(attrs, name, NULL);
}

struct dpp_span dpp_xml_attr_ns(struct dpp_xml_attrs attrs, const char *name, const char *ns)
{
    return find(attrs, name, ns);
}

/* ---- text ---- */

bool dpp_xml_is_space(char ch)
{
    return ch == ' ' || ch == '\t' || ch == '\r' || ch == '\n';
}

int dpp_xml_check_text(const char *s)
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

void dpp_xml_put(struct dpp_out *o, const char *s)
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
