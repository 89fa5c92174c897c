/* digest.c - see digest.h. */
#include "msrp/digest.h"

#include <string.h>

/* One parameter that a header knows. */
struct slot {
    const char *name;
    struct msrp_str *to;
    bool is_token; /* stands without quotes, may stand in them; else it must stand in them */
};

static bool is_control(char c)
{
    unsigned char u = (unsigned char)c;

    return u < 0x20 || u == 0x7f;
}

bool msrp_digest_is_quotable(struct msrp_str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (is_control(text.p[i]) || text.p[i] == '"') {
            return false;
        }
        if (text.p[i] == '\\' && (++i == text.n || is_control(text.p[i]))) {
            return false;
        }
    }
    return true;
}

bool msrp_digest_is_digest(struct msrp_str value)
{
    return msrp_str_has_prefix_nocase(value, "Digest ");
}

/* Takes a quoted string off *rest; *text is what stands between its quotes. */
static int take_quoted(struct msrp_str *rest, struct msrp_str *text)
{
    size_t end = 1;

    while (end < rest->n && rest->p[end] != '"') {
        end += rest->p[end] == '\\' ? 2 : 1;
    }
    if (end >= rest->n) {
        return MSRP_E_DIGEST_FORM;
    }
    *text = (struct msrp_str){rest->p + 1, end - 1};
    *rest = (struct msrp_str){rest->p + end + 1, rest->n - end - 1};
    return msrp_digest_is_quotable(*text) ? 0 : MSRP_E_DIGEST_FORM;
}

static int take_token(struct msrp_str *rest, struct msrp_str *text)
{
    size_t end = 0;

    while (end < rest->n && rest->p[end] != ',' && rest->p[end] != ' ' && rest->p[end] != '\t') {
        end++;
    }
    *text = (struct msrp_str){rest->p, end};
    *rest = (struct msrp_str){rest->p + end, rest->n - end};
    return msrp_str_is_token(*text) ? 0 : MSRP_E_DIGEST_FORM;
}

/* Takes `name=value` off *rest. Values that are no string of ours need to be well formed too. */
static int take_parameter(struct msrp_str *rest, struct slot *slots, size_t n)
{
    struct msrp_str name, text;
    struct slot *slot = NULL;

    if (!msrp_str_cut(*rest, '=', &name, rest) || !msrp_str_is_token(name)) {
        return MSRP_E_DIGEST_FORM;
    }
    for (size_t i = 0; i < n && !slot; i++) {
        slot = msrp_str_is_nocase(name, slots[i].name) ? &slots[i] : NULL;
    }
    bool is_quoted = rest->n > 0 && rest->p[0] == '"';
    if (slot && !slot->is_token && !is_quoted) {
        return MSRP_E_DIGEST_FORM;
    }
    int rc = is_quoted ? take_quoted(rest, &text) : take_token(rest, &text);
    if (rc == 0 && text.n > MSRP_DIGEST_VALUE_MAX) {
        rc = MSRP_E_DIGEST_LONG;
    }
    if (rc < 0 || !slot) {
        return rc;
    }
    if (slot->to->p) {
        return MSRP_E_DIGEST_TWICE;
    }
    if (slot->is_token && !msrp_str_is_token(text)) {
        return MSRP_E_DIGEST_FORM;
    }
    *slot->to = text;
    return 0;
}

static int parse(struct msrp_str value, struct slot *slots, size_t n)
{
    struct msrp_str rest = msrp_str_trim(value);

    for (size_t i = 0;; i++) {
        if (i == MSRP_DIGEST_PARAMETERS_MAX) {
            return MSRP_E_DIGEST_LONG;
        }
        int rc = take_parameter(&rest, slots, n);
        if (rc < 0) {
            return rc;
        }
        rest = msrp_str_trim(rest);
        if (rest.n == 0) {
            return 0;
        }
        if (rest.p[0] != ',') {
            return MSRP_E_DIGEST_FORM;
        }
        rest = msrp_str_trim((struct msrp_str){rest.p + 1, rest.n - 1});
    }
}

/* What stands behind the scheme; false when it is another one. */
static bool cut_scheme(struct msrp_str *value)
{
    return msrp_digest_is_digest(*value) && msrp_str_cut(*value, ' ', NULL, value);
}

static int hex_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* rfc4976#7 LHEX */
static bool is_hex(struct msrp_str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (hex_of(text.p[i]) < 0) {
            return false;
        }
    }
    return text.n <= MSRP_DIGEST_HEX_MAX;
}

/* rfc4976#7 nc-value; absent is not malformed */
static int read_nc(struct msrp_str text, uint32_t *value)
{
    *value = 0;
    if (!text.p) {
        return 0;
    }
    if (text.n != MSRP_DIGEST_NC || !is_hex(text)) {
        return MSRP_E_DIGEST_FORM;
    }
    for (size_t i = 0; i < text.n; i++) {
        *value = *value << 4 | (uint32_t)hex_of(text.p[i]);
    }
    return 0;
}

static enum msrp_digest_algorithm algorithm_of(struct msrp_str text)
{
    return !text.p || msrp_str_is_nocase(text, "MD5") ? MSRP_DIGEST_MD5
           : msrp_str_is_nocase(text, "SHA-256")      ? MSRP_DIGEST_SHA256
                                                      : MSRP_DIGEST_OTHER;
}

/* rfc4976#7 qop-list; spaces around its commas are taken */
static bool has_auth(struct msrp_str list)
{
    struct msrp_str word;

    while (list.n > 0) {
        msrp_str_cut(list, ',', &word, &list);
        if (msrp_str_is_nocase(msrp_str_trim(word), "auth")) {
            return true;
        }
    }
    return false;
}

int msrp_digest_challenge_parse(struct msrp_digest_challenge *challenge, struct msrp_str value)
{
    struct msrp_str algorithm = {NULL, 0}, qop = {NULL, 0}, stale = {NULL, 0};
    struct msrp_digest_challenge *c = challenge;
    struct slot slots[] = {
        {"realm", &c->realm, false},   {"nonce", &c->nonce, false}, {"qop", &qop, false},
        {"opaque", &c->opaque, false}, {"stale", &stale, true},     {"algorithm", &algorithm, true},
    };

    *c = (struct msrp_digest_challenge){.has_auth = false};
    if (!cut_scheme(&value)) {
        return MSRP_E_DIGEST_SCHEME;
    }
    int rc = parse(value, slots, sizeof(slots) / sizeof(slots[0]));
    if (rc < 0) {
        return rc;
    }
    c->algorithm = algorithm_of(algorithm);
    c->has_auth = has_auth(qop);
    c->is_stale = msrp_str_is_nocase(stale, "true");
    return c->realm.p && c->nonce.p && qop.p ? 0 : MSRP_E_DIGEST_MISSING;
}

int msrp_digest_credentials_parse(struct msrp_digest_credentials *credentials,
                                  struct msrp_str value)
{
    struct msrp_digest_credentials *c = credentials;
    struct msrp_str algorithm = {NULL, 0};
    struct slot slots[] = {
        {"username", &c->username, false},
        {"realm", &c->realm, false},
        {"nonce", &c->nonce, false},
        {"response", &c->response, false},
        {"uri", &c->uri, false},
        {"opaque", &c->opaque, false},
        {"cnonce", &c->cnonce, false},
        {"qop", &c->qop, true},
        {"nc", &c->nc, true},
        {"algorithm", &algorithm, true},
    };

    *c = (struct msrp_digest_credentials){.nc_value = 0};
    if (!cut_scheme(&value)) {
        return MSRP_E_DIGEST_SCHEME;
    }
    int rc = parse(value, slots, sizeof(slots) / sizeof(slots[0]));
    if (rc == 0) {
        rc = read_nc(c->nc, &c->nc_value);
    }
    if (rc < 0) {
        return rc;
    }
    c->algorithm = algorithm_of(algorithm);
    if (!c->username.p || !c->realm.p || !c->nonce.p || !c->response.p) {
        return MSRP_E_DIGEST_MISSING;
    }
    return is_hex(c->response) && c->response.n > 0 ? 0 : MSRP_E_DIGEST_FORM;
}

int msrp_digest_info_parse(struct msrp_digest_info *info, struct msrp_str value)
{
    struct slot slots[] = {
        {"rspauth", &info->rspauth, false},
        {"cnonce", &info->cnonce, false},
        {"nextnonce", &info->nextnonce, false},
        {"qop", &info->qop, true},
        {"nc", &info->nc, true},
    };

    *info = (struct msrp_digest_info){.nc_value = 0};
    int rc = parse(value, slots, sizeof(slots) / sizeof(slots[0]));
    if (rc == 0) {
        rc = read_nc(info->nc, &info->nc_value);
    }
    if (rc < 0) {
        return rc;
    }
    if (!info->rspauth.p || !info->cnonce.p || !info->qop.p || !info->nc.p) {
        return MSRP_E_DIGEST_MISSING;
    }
    return is_hex(info->rspauth) ? 0 : MSRP_E_DIGEST_FORM;
}

/* --- printing --- */

void msrp_digest_nc(char out[MSRP_DIGEST_NC + 1], uint32_t nc_value)
{
    for (size_t i = MSRP_DIGEST_NC; i > 0; i--, nc_value >>= 4) {
        out[i - 1] = "0123456789abcdef"[nc_value & 15];
    }
    out[MSRP_DIGEST_NC] = '\0';
}

/* `name=value`, ", " before it unless it is the first of its header; nothing when it is absent. */
static void put(struct msrp_writer *w, bool *is_first, const char *name, struct msrp_str value,
                bool is_quoted)
{
    if (!value.p) {
        return;
    }
    if (is_quoted ? !msrp_digest_is_quotable(value) : !msrp_str_is_token(value)) {
        w->err = w->err ? w->err : MSRP_E_OCTET;
        return;
    }
    msrp_writer_text(w, *is_first ? "" : ", ");
    msrp_writer_text(w, name);
    msrp_writer_text(w, is_quoted ? "=\"" : "=");
    msrp_writer_put(w, value);
    msrp_writer_text(w, is_quoted ? "\"" : "");
    *is_first = false;
}

static void put_nc(struct msrp_writer *w, bool *is_first, uint32_t value)
{
    char text[MSRP_DIGEST_NC + 1];

    msrp_digest_nc(text, value);
    put(w, is_first, "nc", msrp_str_of(text), false);
}

/* MD5 is not named: that is what an absent name means, and older clients know no other. */
static void put_algorithm(struct msrp_writer *w, bool *is_first,
                          enum msrp_digest_algorithm algorithm)
{
    if (algorithm == MSRP_DIGEST_SHA256) {
        put(w, is_first, "algorithm", MSRP_STR("SHA-256"), false);
    } else if (algorithm != MSRP_DIGEST_MD5) {
        w->err = w->err ? w->err : MSRP_E_DIGEST_FORM;
    }
}

ssize_t msrp_digest_challenge_print(const struct msrp_digest_challenge *challenge, char *out,
                                    size_t cap)
{
    struct msrp_writer w;
    bool is_first = true;

    msrp_writer_init(&w, out, cap);
    msrp_writer_text(&w, "Digest ");
    put(&w, &is_first, "realm", challenge->realm, true);
    put(&w, &is_first, "qop", MSRP_STR("auth"), true);
    put(&w, &is_first, "nonce", challenge->nonce, true);
    put(&w, &is_first, "opaque", challenge->opaque, true);
    put_algorithm(&w, &is_first, challenge->algorithm);
    if (challenge->is_stale) {
        put(&w, &is_first, "stale", MSRP_STR("true"), false);
    }
    return msrp_writer_done(&w);
}

ssize_t msrp_digest_credentials_print(const struct msrp_digest_credentials *credentials, char *out,
                                      size_t cap)
{
    const struct msrp_digest_credentials *c = credentials;
    struct msrp_writer w;
    bool is_first = true;

    msrp_writer_init(&w, out, cap);
    msrp_writer_text(&w, "Digest ");
    put(&w, &is_first, "username", c->username, true);
    put(&w, &is_first, "realm", c->realm, true);
    put(&w, &is_first, "nonce", c->nonce, true);
    put(&w, &is_first, "uri", c->uri, true);
    put(&w, &is_first, "qop", c->qop, false);
    put_nc(&w, &is_first, c->nc_value);
    put(&w, &is_first, "cnonce", c->cnonce, true);
    put(&w, &is_first, "response", c->response, true);
    put(&w, &is_first, "opaque", c->opaque, true);
    put_algorithm(&w, &is_first, c->algorithm);
    return msrp_writer_done(&w);
}

ssize_t msrp_digest_info_print(const struct msrp_digest_info *info, char *out, size_t cap)
{
    struct msrp_writer w;
    bool is_first = true;

    msrp_writer_init(&w, out, cap);
    put(&w, &is_first, "nextnonce", info->nextnonce, true);
    put(&w, &is_first, "rspauth", info->rspauth, true);
    put(&w, &is_first, "cnonce", info->cnonce, true);
    put_nc(&w, &is_first, info->nc_value);
    put(&w, &is_first, "qop", info->qop, false);
    return msrp_writer_done(&w);
}
