#include "relay/client/digest.h"

#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "relay/err.h"

enum { PARTS = 11 };

/* MD5 over texts, as 32 hex digits. rfc2617#3.2.2 needs MD5; TLS is what protects */
static int hash(char hex[RELAY_CLIENT_DIGEST_HEX + 1], const struct msrp_str *parts, size_t n)
{
    unsigned char md[EVP_MAX_MD_SIZE];
    unsigned md_n = 0;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_md5(), NULL) == 1;
    for (size_t i = 0; ok && i < n; i++) {
        ok = EVP_DigestUpdate(ctx, parts[i].p, parts[i].n) == 1;
    }
    ok = ok && EVP_DigestFinal_ex(ctx, md, &md_n) == 1 && md_n == 16;
    EVP_MD_CTX_free(ctx);
    for (unsigned i = 0; ok && i < md_n; i++) {
        snprintf(hex + 2 * i, 3, "%02x", md[i]);
    }
    OPENSSL_cleanse(md, sizeof(md));
    return ok ? 0 : RELAY_E_NOMEM;
}

/* Takes `name=value` or `name="value"` off the front of a list with commas. */
static bool next_parameter(struct msrp_str *rest, struct msrp_str *name, struct msrp_str *value)
{
    while (rest->n > 0 && (*rest->p == ',' || *rest->p == ' ' || *rest->p == '\t')) {
        rest->p++, rest->n--;
    }
    if (!msrp_str_cut(*rest, '=', name, rest)) {
        return false;
    }
    *name = msrp_str_trim(*name);
    if (rest->n == 0 || *rest->p != '"') {
        msrp_str_cut(*rest, ',', value, rest);
        *value = msrp_str_trim(*value);
        return true;
    }
    rest->p++, rest->n--;
    for (size_t i = 0; i < rest->n; i++) {
        if (rest->p[i] == '\\') {
            i++;
        } else if (rest->p[i] == '"') {
            *value = (struct msrp_str){rest->p, i};
            *rest = (struct msrp_str){rest->p + i + 1, rest->n - i - 1};
            return true;
        }
    }
    return false;
}

/* Copies a value with its escapes as they are: they are hashed and sent back so. */
static bool keep(char out[RELAY_CLIENT_DIGEST_TEXT + 1], struct msrp_str value)
{
    if (value.n > RELAY_CLIENT_DIGEST_TEXT) {
        return false;
    }
    memset(out, 0, RELAY_CLIENT_DIGEST_TEXT + 1);
    memcpy(out, value.p, value.n);
    return true;
}

/* True when a comma-separated list holds `auth`. */
static bool offers_auth(struct msrp_str list)
{
    struct msrp_str one;
    while (list.n > 0) {
        msrp_str_cut(list, ',', &one, &list);
        if (msrp_str_is_nocase(msrp_str_trim(one), "auth")) {
            return true;
        }
    }
    return false;
}

static bool read_challenge(struct relay_client_digest *digest, struct msrp_str rest, bool *is_stale)
{
    struct msrp_str name, value;
    bool ok = true, has_qop = false;
    while (ok && next_parameter(&rest, &name, &value)) {
        if (msrp_str_is_nocase(name, "realm")) {
            ok = keep(digest->realm, value);
        } else if (msrp_str_is_nocase(name, "nonce")) {
            ok = keep(digest->nonce, value);
        } else if (msrp_str_is_nocase(name, "opaque")) {
            ok = digest->has_opaque = keep(digest->opaque, value);
        } else if (msrp_str_is_nocase(name, "qop")) {
            has_qop = offers_auth(value);
        } else if (msrp_str_is_nocase(name, "algorithm")) {
            ok = msrp_str_is_nocase(value, "MD5"); /* row A3: no MD5-sess */
        } else if (msrp_str_is_nocase(name, "stale")) {
            *is_stale = msrp_str_is_nocase(value, "true");
        }
    }
    return ok && has_qop && digest->nonce[0] != '\0';
}

bool relay_client_digest_challenged(struct relay_client_digest *digest,
                                    const struct msrp_head *head, bool *is_stale)
{
    struct msrp_str name, value;
    *is_stale = false;
    for (size_t i = 0; msrp_head_next(head, &i, &name, &value);) {
        struct relay_client_digest fresh = {0};
        if (msrp_str_is_nocase(name, "WWW-Authenticate") &&
            msrp_str_has_prefix_nocase(value, "Digest ") &&
            read_challenge(&fresh, (struct msrp_str){value.p + 7, value.n - 7}, is_stale)) {
            *digest = fresh;
            return true;
        }
    }
    return false;
}

/* KD of both directions: for the request its method stands in A2, for the answer nothing does.
 * rfc2617#3.2.2, #3.2.3; row A5: the uri is the rightmost one of To-Path, octet for octet */
static int respond(const struct relay_client_digest *digest, const char *user, const char *password,
                   struct msrp_str uri, const char *nc, char response[RELAY_CLIENT_DIGEST_HEX + 1],
                   char rspauth[RELAY_CLIENT_DIGEST_HEX + 1])
{
    char a1[RELAY_CLIENT_DIGEST_HEX + 1], a2[RELAY_CLIENT_DIGEST_HEX + 1] = "";
    const struct msrp_str colon = MSRP_STR(":");
    struct msrp_str first[] = {msrp_str_of(user), colon, msrp_str_of(digest->realm), colon,
                               msrp_str_of(password)};
    int rc = hash(a1, first, 5);
    for (int back = 0; back < 2 && rc == 0; back++) {
        struct msrp_str second[] = {msrp_str_of(back ? "" : "AUTH"), colon, uri};
        struct msrp_str parts[PARTS] = {{a1, RELAY_CLIENT_DIGEST_HEX},
                                        colon,
                                        msrp_str_of(digest->nonce),
                                        colon,
                                        msrp_str_of(nc),
                                        colon,
                                        msrp_str_of(digest->cnonce),
                                        colon,
                                        MSRP_STR("auth"),
                                        colon,
                                        {a2, RELAY_CLIENT_DIGEST_HEX}};
        rc = hash(a2, second, 3);
        rc = rc != 0 ? rc : hash(back ? rspauth : response, parts, PARTS);
    }
    OPENSSL_cleanse(a1, sizeof(a1));
    return rc;
}

static void put(struct msrp_writer *w, const char *name, struct msrp_str value)
{
    msrp_writer_text(w, name);
    msrp_writer_put(w, value);
}

ssize_t relay_client_digest_print(struct relay_client_digest *digest, const char *user,
                                  const char *password, struct msrp_str uri, const uint8_t rnd[16],
                                  char *out, size_t cap)
{
    char nc[9], response[RELAY_CLIENT_DIGEST_HEX + 1];
    struct msrp_writer w;
    snprintf(nc, sizeof(nc), "%08x", (unsigned)++digest->nc);
    msrp_str_ident_make(digest->cnonce, rnd);
    int rc = respond(digest, user, password, uri, nc, response, digest->rspauth);
    if (rc != 0) {
        return rc;
    }
    msrp_writer_init(&w, out, cap);
    put(&w, "Digest username=\"", msrp_str_of(user));
    put(&w, "\", realm=\"", msrp_str_of(digest->realm));
    put(&w, "\", nonce=\"", msrp_str_of(digest->nonce));
    put(&w, "\", uri=\"", uri); /* trap 13 */
    put(&w, "\", qop=auth, nc=", msrp_str_of(nc));
    put(&w, ", cnonce=\"", msrp_str_of(digest->cnonce));
    put(&w, "\", response=\"", msrp_str_of(response));
    if (digest->has_opaque) {
        put(&w, "\", opaque=\"", msrp_str_of(digest->opaque));
    }
    msrp_writer_text(&w, "\"");
    return msrp_writer_done(&w);
}

bool relay_client_digest_proves(struct relay_client_digest *digest, const struct msrp_head *head)
{
    struct msrp_str rest, name, value;
    bool proved = false;
    if (!msrp_head_find(head, "Authentication-Info", &rest)) {
        return false;
    }
    while (next_parameter(&rest, &name, &value)) {
        if (msrp_str_is_nocase(name, "rspauth")) {
            proved = value.n == RELAY_CLIENT_DIGEST_HEX &&
                     CRYPTO_memcmp(value.p, digest->rspauth, value.n) == 0;
        } else if (msrp_str_is_nocase(name, "nextnonce") && keep(digest->nonce, value)) {
            digest->nc = 0;
        }
    }
    return proved;
}
