/* digest.h - Digest credentials -> a user of ours. rfc4976#9.1, rfc2617#3.2, rfc7616#3.4
 *
 * MD5 is what rfc4976 knows; SHA-256 is for users who have a row with it, and who has no other one
 * does not come in with MD5. What is kept of a password is HA1 = H(user:realm:password), which is
 * as good as the password within its realm: it is wiped when the list goes, and never logged. A
 * user that does not exist costs the same work and earns the same answer as a wrong password
 * (threat T35). */
#ifndef RELAY_AUTH_DIGEST_H
#define RELAY_AUTH_DIGEST_H

#include "msrp/digest.h"
#include "relay/auth/backoff.h"
#include "relay/auth/iops.h"
#include "relay/auth/nonce.h"

enum {
    RELAY_DIGEST_NAME_MAX = 128, /* octets of a user name */
    RELAY_DIGEST_USERS_MAX = 100000,
    RELAY_DIGEST_TAG = 8 + 1 + RELAY_DIGEST_NAME_MAX, /* characters of a tag */
};

/* --- hashing --- */

/* Digits of a hash: 32 or 64. */
size_t relay_digest_digits(enum msrp_digest_algorithm algorithm);

/* Writes HA1 as lower-case digits with a NUL. 0, or RELAY_E_DIGEST_HASH when OpenSSL does not give
 * the hash (MD5 under FIPS), or for MSRP_DIGEST_OTHER. */
int relay_digest_ha1(enum msrp_digest_algorithm algorithm, struct msrp_str name,
                     struct msrp_str realm, struct msrp_str password,
                     char out[MSRP_DIGEST_HEX_MAX + 1]) __attribute__((warn_unused_result));

/* Writes `response`, or with method "" `rspauth`, over the spans of the credentials and the uri:
 * H(HA1:nonce:nc:cnonce:qop:H(method:uri)). Row A5: uri is the rightmost URI of the AUTH's To-Path
 * as it stands there. Errors as above. */
int relay_digest_response(const struct msrp_digest_credentials *credentials, const char *ha1,
                          const char *method, struct msrp_str uri,
                          char out[MSRP_DIGEST_HEX_MAX + 1]) __attribute__((warn_unused_result));

/* --- users --- */

struct relay_digest_user {
    char *name;
    char *mcdata_id;
    enum msrp_digest_algorithm algorithm;
    char ha1[MSRP_DIGEST_HEX_MAX + 1];
    char tag[RELAY_DIGEST_TAG + 1]; /* name and all of the row in one word, for _recheck */
    size_t place;                   /* of the name in the list */
};

/* A list of users; immutable once it is sealed. */
struct relay_digest_users;

struct relay_digest_users *relay_digest_users_new(void) __attribute__((warn_unused_result));
void relay_digest_users_free(struct relay_digest_users *users); /* wipes; NULL is allowed */
/* Adds one; everything is copied. name: 1..RELAY_DIGEST_NAME_MAX octets that can stand in quotes as
 * they are, none of them a quote or backslash; mcdata_id: a sip: or tel: URI; ha1: as many
 * lower-case digits as its algorithm has. 0; RELAY_E_CONF when one of them is not so;
 * RELAY_E_NOMEM; RELAY_E_DIGEST_HASH. */
int relay_digest_users_add(struct relay_digest_users *users, const char *name,
                           const char *mcdata_id, enum msrp_digest_algorithm algorithm,
                           const char *ha1) __attribute__((warn_unused_result));
/* No more will be added. A name may stand there once for each algorithm, with the same MCData ID:
 * its client may then choose. RELAY_E_CONF when one stands twice otherwise. */
int relay_digest_users_seal(struct relay_digest_users *users) __attribute__((warn_unused_result));
/* How many rows there are; that of the name and algorithm, or NULL. */
size_t relay_digest_users_count(const struct relay_digest_users *users);
const struct relay_digest_user *relay_digest_users_find(const struct relay_digest_users *users,
                                                        struct msrp_str name,
                                                        enum msrp_digest_algorithm algorithm);
/* Is that algorithm offered: has anybody got it? Nobody at all counts as MD5. */
bool relay_digest_is_offered(const struct relay_digest_users *users,
                             enum msrp_digest_algorithm algorithm);

/* --- rules and state --- */

/* The Digest rules of the relay. Borrowed and immutable while anybody uses them: a change is a new
 * struct. */
struct relay_digest_rules {
    const struct relay_digest_users *users; /* sealed */
    const char *realm;
    uint32_t nonce_s; /* how long a nonce is good */
};

/* What changes while the relay runs. */
struct relay_digest {
    struct relay_nonces nonces;
    struct relay_backoff backoff; /* by place in rules->users: emptied with every new list */
};

/* secret: random octets, wiped. Allocates nothing. */
void relay_digest_init(struct relay_digest *digest, uint8_t secret[RELAY_NONCE_SECRET]);
void relay_digest_done(struct relay_digest *digest); /* wipes; a zeroed one is allowed */

/* What a right AUTH has. */
struct relay_digest_good {
    const struct relay_digest_user *user;  /* borrowed from the rules */
    char rspauth[MSRP_DIGEST_HEX_MAX + 1]; /* our proof */
    char nextnonce[RELAY_NONCE_CHARS + 1]; /* "" while the nonce is young */
};

/* Writes a challenge of that algorithm with a fresh nonce into out[0..cap). Octets written, or
 * RELAY_E_DIGEST_HASH, MSRP_E_SPACE, MSRP_E_OCTET (the realm). Row b8.14: opaque is always given.
 */
ssize_t relay_digest_challenge(const struct relay_digest_rules *rules, struct relay_digest *digest,
                               enum msrp_digest_algorithm algorithm, bool is_stale, int64_t now_ms,
                               char *out, size_t cap) __attribute__((warn_unused_result));

/* Checks credentials. uri: the rightmost URI of To-Path. now_ms: monotonic. 0 and *good, or
 *   RELAY_E_DIGEST_QOP, _FIELDS, _ALGORITHM        row 58
 *   RELAY_E_DIGEST_REALM, _URI                     they are for something else
 *   RELAY_E_DIGEST_USER, _RESPONSE, _WAIT          no such user; wrong; has failed too often
 *   RELAY_E_DIGEST_STALE                           right, but the nonce is over or not ours
 *   RELAY_E_DIGEST_REPLAY                          right, but this count was used
 *   RELAY_E_DIGEST_HASH, RELAY_E_NOMEM             it cannot be told */
int relay_digest_verify(const struct relay_digest_rules *rules, struct relay_digest *digest,
                        const struct msrp_digest_credentials *credentials, struct msrp_str uri,
                        int64_t now_ms, struct relay_digest_good *good)
    __attribute__((warn_unused_result));

/* Would the user who came in with that tag still come in, as the same MCData ID and with the same
 * password? 0 or RELAY_E_DIGEST_USER. rules NULL: no. */
int relay_digest_recheck(const struct relay_digest_rules *rules, const char *tag)
    __attribute__((warn_unused_result));

#endif
