/* digest.h - a client's side of Digest: MD5 or SHA-256 with qop=auth. Private to relay/client.
 * rfc4976#9.1, rows A3-A6 */
#ifndef RELAY_CLIENT_DIGEST_H
#define RELAY_CLIENT_DIGEST_H

#include "msrp/digest.h"
#include "msrp/msrp.h"

/* What one relay challenged us with, and what we answered last. All zero: nothing yet. */
struct relay_client_digest {
    char realm[MSRP_DIGEST_VALUE_MAX + 1];
    char nonce[MSRP_DIGEST_VALUE_MAX + 1]; /* "" while there was no challenge */
    char opaque[MSRP_DIGEST_VALUE_MAX + 1];
    bool has_opaque;
    enum msrp_digest_algorithm algorithm;
    uint32_t nc;
    char cnonce[MSRP_IDENT_MADE + 1];
    char rspauth[MSRP_DIGEST_HEX_MAX + 1]; /* what the 200 has to prove */
};

/* Takes the first Digest challenge of a 401 that we can answer: qop auth, and an algorithm that we
 * compute. *is_stale: the answer before was right, only its nonce was old. False: there is none. */
bool relay_client_digest_challenged(struct relay_client_digest *digest,
                                    const struct msrp_head *head, bool *is_stale);

/* Writes the value of Authorization for an AUTH whose rightmost To-Path URI is `uri`. rnd makes the
 * cnonce. Returns its length; as msrp_digest_credentials_print; RELAY_E_NOMEM when libcrypto fails.
 */
ssize_t relay_client_digest_print(struct relay_client_digest *digest, const char *user,
                                  const char *password, struct msrp_str uri, const uint8_t rnd[16],
                                  char *out, size_t cap) __attribute__((warn_unused_result));

/* Does this 200 prove that the relay knows the password too? Takes its nextnonce. */
bool relay_client_digest_proves(struct relay_client_digest *digest, const struct msrp_head *head);

#endif
