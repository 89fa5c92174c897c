/* digest.h - Digest in the headers of AUTH: the challenge, the credentials, the server's proof.
 * rfc4976#7, rfc4976#9.1, rfc2617#3.2, rfc7616#3
 *
 *     WWW-Authenticate: Digest realm="r", qop="auth", nonce="n", opaque="o"
 *     Authorization: Digest username="u", realm="r", nonce="n", qop=auth, nc=00000001,
 *                    cnonce="c", response="..."                 (one line: there is no folding)
 *     Authentication-Info: rspauth="...", cnonce="c", nc=00000001, qop=auth
 *
 * What is printed obeys the grammar to the letter, with ", " between parameters. What is read may
 * have any number of spaces and tabs, none too, around its commas; names in any case; and tokens
 * (qop, nc, algorithm, stale) in quotes, because clients of the field quote everything. The other
 * way round it is strict: what must stand in quotes is refused without them. A parameter that is
 * known stands once; unknown ones are skipped.
 *
 * Spans are what stands between the quotes, as it stands: a quoted pair is not undone, for the
 * digest is computed over these octets. All spans point into the value that was read. An absent
 * parameter has p NULL; an empty one has n 0 and p set. */
#ifndef MSRP_DIGEST_H
#define MSRP_DIGEST_H

#include "msrp/writer.h"

enum {
    MSRP_DIGEST_PARAMETERS_MAX = 24, /* in one header */
    MSRP_DIGEST_VALUE_MAX = 512,     /* octets of one value */
    MSRP_DIGEST_NC = 8,              /* digits of nc */
    MSRP_DIGEST_HEX_MAX = 64,        /* digits of a response: 32 for MD5, 64 for SHA-256 */
};

enum msrp_digest_algorithm {
    MSRP_DIGEST_MD5, /* also when it is not named */
    MSRP_DIGEST_SHA256,
    MSRP_DIGEST_OTHER, /* MD5-sess and whatever else: nothing we compute */
};

/* WWW-Authenticate. */
struct msrp_digest_challenge {
    struct msrp_str realm, nonce, opaque;
    enum msrp_digest_algorithm algorithm;
    bool has_auth; /* the qop list holds auth */
    bool is_stale; /* stale=true: the same password with this nonce will do */
};

/* Authorization. */
struct msrp_digest_credentials {
    struct msrp_str username, realm, nonce, response;
    struct msrp_str uri, opaque; /* optional */
    struct msrp_str cnonce;      /* p NULL: missing */
    struct msrp_str qop;         /* as written; p NULL: missing */
    struct msrp_str nc;          /* its 8 digits; p NULL: missing */
    uint32_t nc_value;
    enum msrp_digest_algorithm algorithm;
};

/* Authentication-Info. */
struct msrp_digest_info {
    struct msrp_str rspauth, cnonce, nextnonce, qop, nc; /* nextnonce optional */
    uint32_t nc_value;
};

/* Is the value of the scheme Digest (without case, a space behind it)? The others of several
 * WWW-Authenticate headers are not. */
bool msrp_digest_is_digest(struct msrp_str value);

/* Reads the value of a header. 0, or MSRP_E_DIGEST_SCHEME, _FORM (also: nc that is not 8 digits of
 * lower-case hexadecimal, a response that is not 1 to 64 of them), _TWICE, _LONG, or _MISSING: a
 * challenge without realm, nonce or qop; credentials without username, realm, nonce or response;
 * an info without rspauth, cnonce, nc or qop. Credentials without qop, cnonce or nc do read
 * (rfc4976#9.1 demands them; row 58 says what they earn). Borrows from value; on failure what was
 * filled in is unspecified. */
__attribute__((warn_unused_result)) int
msrp_digest_challenge_parse(struct msrp_digest_challenge *challenge, struct msrp_str value);
__attribute__((warn_unused_result)) int
msrp_digest_credentials_parse(struct msrp_digest_credentials *credentials, struct msrp_str value);
__attribute__((warn_unused_result)) int msrp_digest_info_parse(struct msrp_digest_info *info,
                                                               struct msrp_str value);

/* Writes the value of a header into out[0..cap), no NUL: a challenge with qop="auth", algorithm
 * unless it is MD5, stale=true where it is; credentials and info with what is there, nc as
 * nc_value. Returns the octets written; MSRP_E_SPACE; MSRP_E_OCTET for a control octet or a quote
 * that would end its string; MSRP_E_DIGEST_FORM for an algorithm that has no name here. */
__attribute__((warn_unused_result)) ssize_t
msrp_digest_challenge_print(const struct msrp_digest_challenge *challenge, char *out, size_t cap);
__attribute__((warn_unused_result)) ssize_t
msrp_digest_credentials_print(const struct msrp_digest_credentials *credentials, char *out,
                              size_t cap);
__attribute__((warn_unused_result)) ssize_t
msrp_digest_info_print(const struct msrp_digest_info *info, char *out, size_t cap);

/* nc_value as the 8 digits it is written and hashed as. */
void msrp_digest_nc(char out[MSRP_DIGEST_NC + 1], uint32_t nc_value);

/* May the text stand between quotes as it is: no control octet, no quote of its own that is not
 * behind a backslash, no backslash at the end? For realms and user names. */
bool msrp_digest_is_quotable(struct msrp_str text);

#endif
