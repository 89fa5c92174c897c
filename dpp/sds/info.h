/* info.h - the mcdata-info XML of TS 24.282 annex D.1 and the resource-lists XML of RFC 4826.
 *
 * Input comes from anybody: at most 16 KiB, UTF-8 without NUL, no DOCTYPE (so no entities of its
 * own and nothing to fetch), at most 16 levels, 256 elements and 16 attributes each. */
#ifndef DPP_SDS_INFO_H
#define DPP_SDS_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define DPP_INFO_SIZE_MAX  16384
#define DPP_INFO_DEPTH_MAX 16
#define DPP_INFO_NODES_MAX 256
#define DPP_INFO_ATTRS_MAX 16
#define DPP_INFO_URI_MAX   255
#define DPP_INFO_TYPE_MAX  63

/* Values of <request-type>: X(NAME, "text"). */
#define DPP_REQUESTS(X)                                                                            \
    X(ONE_TO_ONE_SDS, "one-to-one-sds")                                                            \
    X(GROUP_SDS, "group-sds")                                                                      \
    X(AD_HOC_GROUP_SDS, "ad-hoc-group-sds")                                                        \
    X(ONE_TO_ONE_FD, "one-to-one-fd")                                                              \
    X(GROUP_FD, "group-fd")                                                                        \
    X(ONE_TO_ONE_SDS_SESSION, "one-to-one-sds-session")                                            \
    X(GROUP_SDS_SESSION, "group-sds-session")

enum dpp_request {
    DPP_REQUEST_NONE, /* no <request-type> */
#define X(name, text) DPP_REQUEST_##name,
    DPP_REQUESTS(X)
#undef X
        DPP_REQUEST_OTHER, /* another text; see dpp_info.request_type */
};

/* What the relay reads of <mcdata-Params>. Strings are NUL-terminated copies without surrounding
 * white space, "" when absent. */
struct dpp_info {
    enum dpp_request request;
    char request_type[DPP_INFO_TYPE_MAX + 1];    /* set by _parse; _print uses it for OTHER only */
    char request_uri[DPP_INFO_URI_MAX + 1];      /* <mcdata-request-uri> */
    char calling_user_id[DPP_INFO_URI_MAX + 1];  /* <mcdata-calling-user-id> */
    char called_party_id[DPP_INFO_URI_MAX + 1];  /* <mcdata-called-party-id> */
    char calling_group_id[DPP_INFO_URI_MAX + 1]; /* <mcdata-calling-group-id> */
    char client_id[DPP_INFO_URI_MAX + 1];        /* <mcdata-client-id>, any text */
    bool has_access_token;                       /* <mcdata-access-token>; its value is not kept */
    bool is_encrypted; /* some element had type="Encrypted" or an XML-Encryption child */
};

/* Reads an mcdata-info of `n` octets at `p`. Elements of other namespaces and those not named above
 * are skipped. Returns 0 with `out` filled, or, with `out` all zero: DPP_E_XML_SIZE, DPP_E_VALUE (a
 * NUL or a control character), DPP_E_UTF8, DPP_E_XML, DPP_E_XML_DTD, DPP_E_XML_DEPTH,
 * DPP_E_XML_NODES, DPP_E_XML_NAMESPACE (the root is not <mcdatainfo> of
 * urn:3gpp:ns:mcdataInfo:1.0), DPP_E_XML_ELEMENT (one that stands twice, is empty, or holds the
 * wrong child), DPP_E_XML_URI, DPP_E_LONG (a value over its cap), DPP_E_NOMEM. ts24282#D.1 */
int dpp_info_parse(struct dpp_info *out, const void *p, size_t n)
    __attribute__((warn_unused_result));

/* Writes `info` as compact XML, the elements that are set, in the order of the schema, characters
 * escaped; no NUL at the end. The same input gives the same octets. Returns octets written, or
 * DPP_E_SPACE, DPP_E_VALUE (encrypted, or a control character), DPP_E_UTF8, DPP_E_XML_URI. An
 * access token is not written. */
ssize_t dpp_info_print(char *buf, size_t cap, const struct dpp_info *info)
    __attribute__((warn_unused_result));

/* What the relay reads of a resource-lists document. */
struct dpp_targets {
    size_t count;                   /* <entry> elements in all lists */
    char uri[DPP_INFO_URI_MAX + 1]; /* of the first entry; "" when there is none */
};

/* Reads resource-lists of `n` octets at `p`. Returns 0 or an error as dpp_info_parse; a reference
 * (<entry-ref>, <external>) or an entry without `uri` is DPP_E_XML_ELEMENT, for it would hide a
 * target. rfc4826#3.1 */
int dpp_targets_parse(struct dpp_targets *out, const void *p, size_t n)
    __attribute__((warn_unused_result));

/* Whether `s` looks like a URI: a scheme, a colon, at least one more octet; only octets that a URI
 * may have (no space, no control, nothing above 0x7e, none of "<>\^`{|}). rfc3986#2 */
bool dpp_info_is_uri(const char *s, size_t n);

#endif
