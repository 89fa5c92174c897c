/* sdp.h - the m=message section of an SDP: read, print, and what two endpoints agree on by it.
 * rfc4975#8, rfc4976#11, rfc6135, rfc6714; rows S1-S3, S5, S9; threat T42
 *
 * For endpoints and gateways. A relay learns nothing from SDP and dials nothing that stands in one
 * (threat T44).
 *
 * Lines end with CRLF or with LF alone (RFC 4566 asks readers for both); CRLF is printed. The last
 * line needs its end too: a section that was cut short is refused. Of the session-level lines count
 * c=, a=setup, a=fingerprint and the direction, where the section has none of its own; of the
 * section m=, c= and the attributes named in struct msrp_sdp. Other attributes and lines are passed
 * over, whatever stands in them: a=connection (rfc6135#4.4), a=dcmap and a=dcsa of data channels
 * (rfc8873), a=key-mgmt, file transfer. What counts stands once. All text is borrowed. */
#ifndef MSRP_SDP_H
#define MSRP_SDP_H

#include "msrp/mime.h"
#include "msrp/path.h"

enum {
    MSRP_SDP_MAX = 65536,       /* octets of session lines and section together */
    MSRP_SDP_LINE_MAX = 8192,   /* of one line */
    MSRP_SDP_LINES_MAX = 256,   /* lines, of both together */
    MSRP_SDP_ADDRESS_MAX = 255, /* octets of an address */
    MSRP_SDP_URIS_MAX = 8,      /* URIs of a path, each of at most MSRP_URI_MAX octets */
    MSRP_SDP_TYPES_MAX = 64,    /* entries of one list of media types */
    MSRP_SDP_FINGERPRINTS_MAX = 4,
    MSRP_SDP_PORT_NONE = 9, /* of an endpoint that only dials (rfc6135#4.2.2) */
};

/* a=setup. holdconn is read as if it were not there (rfc6135#4.2.1), and never printed. */
enum msrp_setup { MSRP_SETUP_ABSENT, MSRP_SETUP_ACTIVE, MSRP_SETUP_PASSIVE, MSRP_SETUP_ACTPASS };

/* Who sends what has content. rfc4975#8.9 */
enum msrp_direction { MSRP_SENDRECV, MSRP_SENDONLY, MSRP_RECVONLY, MSRP_INACTIVE };

/* One section. */
struct msrp_sdp {
    uint16_t port;           /* of m=; 0: the session is refused, path and types may be absent */
    bool is_secure;          /* TCP/TLS/MSRP; else TCP/MSRP */
    bool is_ip6;             /* address type IP6; else IP4 */
    struct msrp_str address; /* of c=: an IP address or a name */
    struct msrp_path path;   /* a=path: leftmost the hop to connect to, rightmost the endpoint */
    struct msrp_str types;   /* a=accept-types, its list (msrp_sdp_next_type) */
    struct msrp_str wrapped; /* a=accept-wrapped-types; n 0 when absent */
    bool has_max_size;
    uint64_t max_size; /* a=max-size, octets of a message: a hint */
    enum msrp_setup setup;
    enum msrp_direction direction;
    bool has_cema;                                           /* a=msrp-cema */
    struct msrp_str fingerprints[MSRP_SDP_FINGERPRINTS_MAX]; /* values: `hash-func HH:HH:...` */
    size_t fingerprints_n;
};

/* Cuts a whole SDP at its first m= line: what stands before it is returned, *rest is the rest. */
struct msrp_str msrp_sdp_cut_session(struct msrp_str text, struct msrp_str *rest);
/* Takes the first section off *rest: from an m= line to before the next. False when none is left.
 *     session = msrp_sdp_cut_session(text, &rest);
 *     while (msrp_sdp_next_section(&rest, &section)) ...
 * Sections are counted by offer and answer, so each is to be looked at, message or not. */
bool msrp_sdp_next_section(struct msrp_str *rest, struct msrp_str *section);
/* Does the section's m= line speak of `message`, well formed or not? */
bool msrp_sdp_is_message(struct msrp_str section);

/* Reads one section, which begins with its m= line, under the session lines given (may be empty).
 * Each URI of the path has a port (rfc4975#8.2), none stands twice, and the leftmost is msrps
 * exactly for TCP/TLS/MSRP. One space before the lists of types is tolerated, as rfc4976#11 has it.
 * Returns 0; or MSRP_E_SDP_* (of the first line that is wrong, then of what is missing), *sdp is
 * then unspecified. Borrows from both texts. */
__attribute__((warn_unused_result)) int
msrp_sdp_parse(struct msrp_sdp *sdp, struct msrp_str session, struct msrp_str section);

/* Writes the section with its own c= line into out[0..cap), without a NUL. path.text, types and the
 * like are written as they stand; what is written is read again, so that nothing leaves that
 * msrp_sdp_parse would not take for the same.
 * Returns the octets written, or MSRP_E_SPACE, or an error of msrp_sdp_parse. */
__attribute__((warn_unused_result)) ssize_t msrp_sdp_print(const struct msrp_sdp *sdp, char *out,
                                                           size_t cap);

/* Takes the first entry off a list of media types: `*`, `type/ *` or `type/subtype`, perhaps with
 * parameters. False when none is left. */
bool msrp_sdp_next_type(struct msrp_str *rest, struct msrp_str *entry);

/* May content of this type be sent to whoever wrote the SDP? rfc4975#8.6: is_wrapped says that it
 * lies in a container; then accept-wrapped-types counts, too. Types compare without case, and
 * parameters do not matter. */
bool msrp_sdp_takes(const struct msrp_sdp *sdp, const struct msrp_media *media, bool is_wrapped);

/* --- whose address stands in c= and m= --- */

/* Fills is_secure, address, is_ip6 and port of an SDP of our own from its path, setup and has_cema:
 * the place of the rightmost URI, which is our own (rfc4975#8.1); with CEMA that of the leftmost,
 * a relay if there is one (rfc6714#4.2, #4.3). The port is MSRP_SDP_PORT_NONE under setup:active.
 * is_secure follows the leftmost URI. Returns 0, or MSRP_E_SDP_PATH for a path that does not parse.
 */
__attribute__((warn_unused_result)) int msrp_sdp_set_place(struct msrp_sdp *sdp);

/* rfc6714#4.4: is the address and port of c= and m= that of a URI of the path? */
enum msrp_sdp_match {
    MSRP_SDP_DIFFERENT,  /* of none: somebody in between has put his own there */
    MSRP_SDP_SAME,       /* of one */
    MSRP_SDP_UNRESOLVED, /* names are to be resolved first, then each URI to be compared by value */
};
/* Addresses compare by value, names without case; a name is never looked up. Under setup:active and
 * port 9 the port does not count: nobody connects there. In the case without relays SAME is what
 * rfc4975#8.1 demands. */
enum msrp_sdp_match msrp_sdp_match(const struct msrp_sdp *sdp);

/* --- a=setup: who opens the connection. rfc6135 --- */

/* What an offer says: actpass when others can reach us, a relay in use counts as such; else active.
 * Never passive. */
enum msrp_setup msrp_sdp_offer_setup(bool is_reachable);
/* What the answer to an offer of `offered` says. To actpass passive when reachable, else active; to
 * active or nothing passive; to passive, which no offer may say, active. */
enum msrp_setup msrp_sdp_answer_setup(enum msrp_setup offered, bool is_reachable);

enum msrp_sdp_active {
    MSRP_SDP_NOBODY, /* the two contradict each other: there is no session */
    MSRP_SDP_OFFERER,
    MSRP_SDP_ANSWERER,
};
/* Who is active after offer and answer: connects, is the TLS client, and sends a SEND at once
 * (rfc4975#5.4). Nothing said: the offerer. */
enum msrp_sdp_active msrp_sdp_active(enum msrp_setup offered, enum msrp_setup answered);

/* --- CEMA: a middlebox may stand in c= and m=. rfc6714#4 --- */

enum msrp_cema {
    MSRP_CEMA_USE,      /* connect to c= and m= if active; an answer has a=msrp-cema */
    MSRP_CEMA_FALLBACK, /* RFC 4975 and 4976: connect to the path; an answer has no a=msrp-cema */
    MSRP_CEMA_REOFFER,  /* the same, but only after a new offer without a=msrp-cema */
    MSRP_CEMA_REJECT,   /* answer with port 0, or 488 */
};

/* We got this offer. matches: msrp_sdp_match, resolved. has_relay: we use a relay. rfc6714#4.3
 * Two readings of ours: of an offer without a=msrp-cema whose sender uses a relay we fall back
 * (#4.1 rules it out, #4.3 forgets it); an offer of setup:passive counts as the answerer being
 * active. With USE the answer's setup is passive when we use a relay, else as
 * msrp_sdp_answer_setup says. */
enum msrp_cema msrp_sdp_cema_answer(const struct msrp_sdp *offer, bool matches, bool has_relay);

/* We got this answer to an offer that had a=msrp-cema. rfc6714#4.2; of #4.1 that an endpoint with a
 * relay which becomes active cannot use CEMA, whatever the answer has. Never REJECT. */
enum msrp_cema msrp_sdp_cema_offer(const struct msrp_sdp *answer, bool matches, bool has_relay);

/* Where an active endpoint without a relay of its own connects. The path of the SDP, and so what
 * requests carry and how sessions are matched (msrp_uri_is_same), stays the same in all cases. An
 * endpoint with a relay connects to its relay, active or not (rfc6135#4.5). */
struct msrp_sdp_target {
    struct msrp_str host; /* name or address, IPv6 without brackets; percent-encoded when it is of
                             a URI that was */
    uint16_t port;
    bool is_secure;
};
/* False where there is nothing to connect to: port 0, or a verdict that wants something else first.
 */
bool msrp_sdp_target(const struct msrp_sdp *remote, enum msrp_cema verdict,
                     struct msrp_sdp_target *target);

#endif
