#include "relay/core/guard.h"

#include <openssl/evp.h>
#include <string.h>

#include "dpp/seal/signalling.h"

/* --- signalling --- */

static const struct dpp_key *csk_of(const struct relay_conn *conn, int64_t now_s)
{
    return conn->csk && dpp_key_check(conn->csk, now_s) == 0 ? conn->csk : NULL;
}

/* `auto`: a connection that could protect must, and a CSK that has run out is no excuse. */
static bool may_be_plain(const struct relay_conf *conf, const struct relay_conn *conn)
{
    return conf->signalling == RELAY_PROTECTION_ALLOWED ||
           (conf->signalling == RELAY_PROTECTION_AUTO && !conn->csk && !conn->is_keyed);
}

bool relay_guard_may_deliver(const struct relay_conf *conf, const struct relay_conn *conn,
                             int64_t now_s)
{
    return csk_of(conn, now_s) || may_be_plain(conf, conn);
}

ssize_t relay_guard_open(const struct relay_conf *conf, const struct relay_conn *conn,
                         int64_t now_s, const uint8_t *p, size_t n, uint8_t *out)
{
    const struct dpp_key *csk = csk_of(conn, now_s);
    struct dpp_frame frame;
    struct dpp_seal seal;
    ssize_t got;

    if (!csk && conf->signalling == RELAY_PROTECTION_REQUIRED)
        return RELAY_E_SDS_NO_CSK;
    if (!n)
        return RELAY_E_SDS_SIGNALLING;
    if (!(p[0] & DPP_FRAME_PROTECTED)) {
        if (!may_be_plain(conf, conn))
            return RELAY_E_SDS_SIGNAL_PLAIN; /* never a silent downgrade */
        memcpy(out, p, n);
        return (ssize_t)n;
    }
    if (!csk)
        return RELAY_E_SDS_NO_CSK;
    /* one reason for all that fails: the sender learns nothing but that it did */
    if (dpp_frame_parse(&frame, p, n) || frame.dppk_id != dpp_key_id(csk) ||
        dpp_seal_init(&seal, csk, frame.dppk_id, DPP_USE_SIGNALLING, frame.alg))
        return RELAY_E_SDS_CSK;
    got = dpp_signalling_open(&seal, DPP_FRAMING_STRIPPED, p, n, out, n);
    dpp_seal_done(&seal);
    return got < 0 ? RELAY_E_SDS_CSK : got;
}

ssize_t relay_guard_seal(const struct relay_conn *conn, const uint8_t *plain, size_t n,
                         uint8_t *out, size_t cap)
{
    const struct relay_conf *conf = relay_conf_of(conn->relay);
    const struct dpp_key *csk = csk_of(conn, relay_now_of(conn->relay).unix_s);
    uint8_t iv[DPP_FRAME_IV];
    struct dpp_seal seal;
    ssize_t rc;

    if (!csk) {
        if (!may_be_plain(conf, conn))
            return RELAY_E_SDS_NO_CSK;
        if (n > cap)
            return DPP_E_SPACE;
        memcpy(out, plain, n);
        return (ssize_t)n;
    }
    rc = relay_random_fill(conn->relay, iv, sizeof iv);
    if (rc)
        return rc;
    rc = dpp_seal_init(&seal, csk, dpp_key_id(csk), DPP_USE_SIGNALLING, DPP_ALG_AES_128_GCM);
    if (rc)
        return rc;
    rc = dpp_signalling_seal(&seal, DPP_FRAMING_STRIPPED, plain, n, iv, out, cap);
    dpp_seal_done(&seal);
    return rc;
}

/* --- what streams past --- */

static int begin(struct relay_guard *guard, const char *boundary)
{
    struct evp_md_ctx_st *digest = guard->digest ? guard->digest : EVP_MD_CTX_new();

    memset(guard, 0, sizeof *guard);
    guard->digest = digest;
    if (!digest || EVP_DigestInit_ex(digest, EVP_sha256(), NULL) != 1)
        return RELAY_E_NOMEM;
    if (boundary) {
        memcpy(guard->mark, "\r\n--", 4);
        memcpy(guard->mark + 4, boundary, RELAY_BOUNDARY_N);
        /* the blank line before the part is a CRLF that a delimiter could begin with */
        guard->matched = 2;
    }
    return 0;
}

int relay_guard_payload(struct relay_guard *guard, const char boundary[RELAY_BOUNDARY_N + 1],
                        uint8_t tag, bool required)
{
    int rc = begin(guard, boundary);

    guard->is_framed = true;
    dpp_frame_check_init(&guard->check, tag, required);
    return rc;
}

int relay_guard_mikey(struct relay_guard *guard, const char boundary[RELAY_BOUNDARY_N + 1],
                      uint64_t max)
{
    int rc = begin(guard, boundary);

    guard->max = max;
    return rc;
}

int relay_guard_repeat(struct relay_guard *guard)
{
    return begin(guard, NULL);
}

/* Looks for our delimiter, also across runs. Its only CR is its first octet, so a mismatch never
 * hides another beginning. */
static bool has_mark(struct relay_guard *guard, const char *p, size_t n)
{
    const char *end = p + n;

    while (p < end) {
        if (!guard->matched) {
            p = memchr(p, '\r', (size_t)(end - p));
            if (!p)
                return false;
            p++;
            guard->matched = 1;
        } else if (*p == guard->mark[guard->matched]) {
            p++;
            if (++guard->matched == 4 + RELAY_BOUNDARY_N)
                return true;
        } else {
            guard->matched = 0;
        }
    }
    return false;
}

int relay_guard_feed(struct relay_guard *guard, const char *p, size_t n)
{
    guard->fed += n;
    if (guard->max && guard->fed > guard->max)
        return RELAY_E_SDS_MIKEY_LONG;
    if (EVP_DigestUpdate(guard->digest, p, n) != 1)
        return RELAY_E_NOMEM;
    if (guard->mark[0] && has_mark(guard, p, n))
        return RELAY_E_SDS_BOUNDARY;
    if (guard->is_framed) {
        ssize_t passed = dpp_frame_feed(&guard->check, (const uint8_t *)p, n);
        if (passed < 0)
            return (int)passed;
        guard->passed = (uint64_t)passed;
    } else {
        guard->passed = guard->fed;
    }
    return 0;
}

int relay_guard_end(struct relay_guard *guard, uint8_t digest[RELAY_DIGEST_N])
{
    if (guard->is_framed) {
        int rc = dpp_frame_end(&guard->check);
        if (rc)
            return rc;
        guard->passed = guard->fed;
    }
    return EVP_DigestFinal_ex(guard->digest, digest, NULL) == 1 ? 0 : RELAY_E_NOMEM;
}

void relay_guard_done(struct relay_guard *guard)
{
    EVP_MD_CTX_free(guard->digest);
    guard->digest = NULL;
}
