/* uri.h - MSRP URIs: parse, print, compare. rfc4975#6, rfc4975#6.1, rfc4975#9 */
#ifndef MSRP_URI_H
#define MSRP_URI_H

#include <sys/types.h>

#include "msrp/str.h"

#define MSRP_URI_MAX     512 /* octets of one URI; the longest that parses and prints */
#define MSRP_PORT_NUMBER 2855

/* One URI in its parts. All runs point into the text that was parsed. */
struct msrp_uri {
    bool is_secure; /* msrps */
    bool is_ip6;    /* host stood in brackets; the run is without them */
    bool is_ip4;    /* host is a dotted quad */
    bool has_userinfo;
    bool has_port;
    bool has_session;
    uint16_t port;              /* 1..65535 when has_port; nothing is filled in when it is absent */
    struct msrp_str userinfo;   /* before '@', never with ':' */
    struct msrp_str host;       /* as written: case and percent-encoding kept */
    struct msrp_str session;    /* after '/', before the first ';' */
    struct msrp_str transport;  /* "tcp" as written */
    struct msrp_str parameters; /* behind the transport, from its ';' on; may be empty */
    struct msrp_str text;       /* the whole URI */
};

/* Reads `text` as a whole as one MSRP URI of at most MSRP_URI_MAX octets. Host: a name of letters,
 * digits, - . _ ~ and percent-encodings of those, a dotted quad, or an IPv6 address in brackets
 * (no zone). A numeric host needs a port (rfc4975#6); userinfo has no password; port 0, an empty
 * session id and a missing transport are refused.
 * Returns 0, or MSRP_E_URI_* and *uri is then unspecified. Borrows from text. */
__attribute__((warn_unused_result)) int msrp_uri_parse(struct msrp_uri *uri, struct msrp_str text);

/* Writes the URI into out[0..cap) with a NUL: scheme, host and transport in lower case, the rest
 * as it stands. Parts may point anywhere; text is not read.
 * Returns the octets written without the NUL, or MSRP_E_SPACE. */
__attribute__((warn_unused_result)) ssize_t msrp_uri_print(const struct msrp_uri *uri, char *out,
                                                           size_t cap);

/* rfc4975#6.1: scheme and transport case-insensitive; host case-insensitive after
 * percent-decoding, addresses by value; port equal and present or absent in both; session id octet
 * for octet and present or absent in both; userinfo and parameters ignored. */
bool msrp_uri_is_same(const struct msrp_uri *a, const struct msrp_uri *b);

/* The same for two texts; false when either does not parse. */
bool msrp_uri_is_same_text(struct msrp_str a, struct msrp_str b);

/* True when both name the same place to connect to: scheme, host, port and transport by the rules
 * above, whatever the session. */
bool msrp_uri_is_same_place(const struct msrp_uri *a, const struct msrp_uri *b);

#endif
