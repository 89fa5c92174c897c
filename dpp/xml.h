/* xml.h - an XML document read as a stream, under caps; the one file that knows libxml2.
 *
 * No tree, no DOCTYPE (so no entities of its own and nothing to fetch), no network. libxml2 reads
 * from a copy of ours, which is wiped: it makes none of its own. */
#ifndef DPP_XML_H
#define DPP_XML_H

#include <stdbool.h>
#include <stddef.h>

#include "dpp/cur.h"

#define DPP_XML_XENC "http://www.w3.org/2001/04/xmlenc#"

struct dpp_xml_caps {
    size_t octets;  /* of the document */
    unsigned depth; /* of elements */
    unsigned nodes; /* elements */
    unsigned attrs; /* attributes and namespaces of one element */
};

/* The attributes of an element, borrowed for the call of `open`. */
struct dpp_xml_attrs {
    const unsigned char **p;
    int n;
};

/* One document being read. The caller sets the first four; `depth` is his to read. */
struct dpp_xml {
    const struct dpp_xml_caps *caps;
    void *ctx;
    /* called at every element, with `depth` already that of the element (the root: 1); ns is "" for
     * no namespace; both are borrowed */
    void (*open)(struct dpp_xml *x, const char *name, const char *ns, struct dpp_xml_attrs attrs);
    void (*close)(struct dpp_xml *x); /* at its end, `depth` still that of the element */
    unsigned depth;
    unsigned nodes;
    int err;
    bool is_out_of_memory;
    void *parser;
    char *text;
    size_t text_cap, text_n;
    unsigned text_depth;
};

/* Reads the document. Returns 0, the first error that dpp_xml_stop set, or DPP_E_XML_SIZE,
 * DPP_E_VALUE (a NUL), DPP_E_UTF8, DPP_E_XML, DPP_E_XML_DTD, DPP_E_XML_DEPTH, DPP_E_XML_NODES,
 * DPP_E_NOMEM. */
int dpp_xml_walk(struct dpp_xml *x, const void *p, size_t n) __attribute__((warn_unused_result));

/* Ends the reading with this error, unless there is one already; for open and close. */
void dpp_xml_stop(struct dpp_xml *x, int err);

/* Gathers the text of the element just opened, that of its children excepted, into `text` of `cap`
 * octets; a longer text ends the reading with DPP_E_LONG. At its close dpp_xml_gathered tells
 * whether it is this element whose text was gathered; then it is trimmed of white space,
 * NUL-terminated, of *n octets. */
void dpp_xml_gather(struct dpp_xml *x, char *text, size_t cap);
bool dpp_xml_gathered(struct dpp_xml *x, size_t *n);

/* The value of an attribute without a prefix (dpp_xml_attr) or of one in a namespace
 * (dpp_xml_attr_ns), untrimmed; p is NULL when there is none. */
struct dpp_span dpp_xml_attr(struct dpp_xml_attrs attrs, const char *name);
struct dpp_span dpp_xml_attr_ns(struct dpp_xml_attrs attrs, const char *name, const char *ns);

/* White space of XML. */
bool dpp_xml_is_space(char ch);

/* 0 for text that may be logged and written into XML again; DPP_E_UTF8, DPP_E_VALUE (a control
 * character). */
int dpp_xml_check_text(const char *s) __attribute__((warn_unused_result));

/* Writes text with the five characters of XML escaped. */
void dpp_xml_put(struct dpp_out *o, const char *s);

#endif
