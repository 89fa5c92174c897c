/* uri.c - see uri.h. */
#include "msrp/uri.h"

#include <arpa/inet.h>
#include <string.h>

#include "msrp/err.h"
#include "msrp/writer.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static int hex_of(char c)
{
    c = lower(c);
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-decodes s into lower case, at most s.n octets; SIZE_MAX for a broken encoding. */
static size_t decode(struct msrp_str s, char *out)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (c == '%') {
            int high = i + 2 < s.n ? hex_of(s.p[i + 1]) : -1;
            int low = i + 2 < s.n ? hex_of(s.p[i + 2]) : -1;

            if (high < 0 || low < 0) {
                return SIZE_MAX;
            }
            c = (char)(high * 16 + low);
            i += 2;
        }
        out[n++] = lower(c);
    }
    return n;
}

/* inet_pton wants a NUL; the run has none. */
static bool read_address(int family, struct msrp_str s, unsigned char out[16])
{
    char text[INET6_ADDRSTRLEN];

    if (s.n >= sizeof(text)) {
        return false;
    }
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    return memchr(text, '\0', s.n) == NULL && inet_pton(family, text, out) == 1;
}

/* Takes the host off *rest, which begins with it. */
static int take_host(struct msrp_uri *uri, struct msrp_str *rest)
{
    unsigned char address[16];
    char name[MSRP_URI_MAX];
    struct msrp_str plain;
    size_t n = 0;

    if (rest->n > 0 && rest->p[0] == '[') {
        struct msrp_str inside = {rest->p + 1, rest->n - 1};

        if (!msrp_str_cut(inside, ']', &uri->host, rest) ||
            !read_address(AF_INET6, uri->host, address)) {
            return MSRP_E_URI_HOST;
        }
        uri->is_ip6 = true;
        return 0;
    }
    while (n < rest->n && rest->p[n] != ':' && rest->p[n] != '/' && rest->p[n] != ';') {
        n++;
    }
    uri->host = (struct msrp_str){rest->p, n};
    rest->p += n;
    rest->n -= n;
    plain = uri->host;
    if (n > 0 && memchr(plain.p, '%', n)) {
        plain = (struct msrp_str){name, decode(uri->host, name)};
    }
    if (n == 0 || plain.n == SIZE_MAX || !msrp_str_holds(plain, MSRP_SET_HOST)) {
        return MSRP_E_URI_HOST;
    }
    for (n = 0; n < plain.n && (plain.p[n] == '.' || (plain.p[n] >= '0' && plain.p[n] <= '9'));
         n++) {
    }
    if (n < plain.n) {
        return 0;
    }
    /* all digits and dots: an address or nothing, and never in disguise */
    uri->is_ip4 = read_address(AF_INET, uri->host, address);
    return uri->is_ip4 ? 0 : MSRP_E_URI_HOST;
}

/* Takes `:port` off *rest when it is there. */
static int take_port(struct msrp_uri *uri, struct msrp_str *rest)
{
    uint64_t port = 0;
    size_t n = 1;

    if (rest->n == 0 || rest->p[0] != ':') {
        /* rfc4975#6: a numeric address needs its port; row U2 */
        return uri->is_ip4 || uri->is_ip6 ? MSRP_E_URI_PORT_NONE : 0;
    }
    while (n < rest->n && rest->p[n] >= '0' && rest->p[n] <= '9') {
        n++;
    }
    if (n > 6 || msrp_str_u64((struct msrp_str){rest->p + 1, n - 1}, &port) < 0 || port == 0 ||
        port > 65535) {
        return MSRP_E_URI_PORT;
    }
    uri->has_port = true;
    uri->port = (uint16_t)port;
    rest->p += n;
    rest->n -= n;
    return 0;
}

/* *( ";" token [ "=" token ] ) */
static bool are_parameters(struct msrp_str rest)
{
    while (rest.n > 0) {
        struct msrp_str one, name, value;

        rest.p++, rest.n--; /* the ';' */
        msrp_str_cut(rest, ';', &one, NULL);
        if (msrp_str_cut(one, '=', &name, &value) ? !msrp_str_is_token(value) : false) {
            return false;
        }
        if (!msrp_str_is_token(name)) {
            return false;
        }
        rest.p += one.n;
        rest.n -= one.n;
    }
    return true;
}

int msrp_uri_parse(struct msrp_uri *uri, struct msrp_str text)
{
    struct msrp_str rest = text, before;
    size_t n;
    int rc;

    *uri = (struct msrp_uri){.text = text};
    if (text.n > MSRP_URI_MAX) {
        return MSRP_E_URI_LONG;
    }
    if (!msrp_str_holds(text, MSRP_SET_GRAPH)) {
        return MSRP_E_URI_FORM;
    }
    uri->is_secure = msrp_str_has_prefix_nocase(text, "msrps://");
    if (!uri->is_secure && !msrp_str_has_prefix_nocase(text, "msrp://")) {
        return MSRP_E_URI_SCHEME;
    }
    n = uri->is_secure ? 8 : 7;
    rest = (struct msrp_str){text.p + n, text.n - n};

    /* '@' stands nowhere but behind userinfo, so the first one decides */
    if (msrp_str_cut(rest, '@', &before, NULL)) {
        /* no ':' in it: rfc4975#6 allows no password */
        if (before.n == 0 || !msrp_str_holds(before, MSRP_SET_USER)) {
            return MSRP_E_URI_USERINFO;
        }
        uri->has_userinfo = true;
        uri->userinfo = before;
        rest = (struct msrp_str){rest.p + before.n + 1, rest.n - before.n - 1};
    }
    if ((rc = take_host(uri, &rest)) < 0 || (rc = take_port(uri, &rest)) < 0) {
        return rc;
    }
    if (rest.n > 0 && rest.p[0] == '/') {
        msrp_str_cut((struct msrp_str){rest.p + 1, rest.n - 1}, ';', &uri->session, NULL);
        if (uri->session.n == 0 || !msrp_str_holds(uri->session, MSRP_SET_SESSION)) {
            return MSRP_E_URI_SESSION;
        }
        uri->has_session = true;
        rest = (struct msrp_str){rest.p + 1 + uri->session.n, rest.n - 1 - uri->session.n};
    }
    if (rest.n == 0 || rest.p[0] != ';') {
        return rest.n == 0 ? MSRP_E_URI_TRANSPORT : MSRP_E_URI_FORM;
    }
    msrp_str_cut((struct msrp_str){rest.p + 1, rest.n - 1}, ';', &uri->transport, NULL);
    if (uri->transport.n == 0 || !msrp_str_holds(uri->transport, MSRP_SET_ALNUM)) {
        return MSRP_E_URI_TRANSPORT;
    }
    uri->parameters =
        (struct msrp_str){rest.p + 1 + uri->transport.n, rest.n - 1 - uri->transport.n};
    return are_parameters(uri->parameters) ? 0 : MSRP_E_URI_FORM;
}

static void put_lower(struct msrp_writer *w, struct msrp_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = lower(s.p[i]);

        msrp_writer_put(w, (struct msrp_str){&c, 1});
    }
}

ssize_t msrp_uri_print(const struct msrp_uri *uri, char *out, size_t cap)
{
    struct msrp_writer w;

    msrp_writer_init(&w, out, cap);
    msrp_writer_text(&w, uri->is_secure ? "msrps://" : "msrp://");
    if (uri->has_userinfo) {
        msrp_writer_put(&w, uri->userinfo);
        msrp_writer_text(&w, "@");
    }
    msrp_writer_text(&w, uri->is_ip6 ? "[" : "");
    put_lower(&w, uri->host);
    msrp_writer_text(&w, uri->is_ip6 ? "]" : "");
    if (uri->has_port) {
        msrp_writer_text(&w, ":");
        msrp_writer_u64(&w, uri->port);
    }
    if (uri->has_session) {
        msrp_writer_text(&w, "/");
        msrp_writer_put(&w, uri->session);
    }
    msrp_writer_text(&w, ";");
    put_lower(&w, uri->transport);
    msrp_writer_put(&w, uri->parameters);
    msrp_writer_put(&w, (struct msrp_str){"", 1});
    return w.err ? w.err : (ssize_t)w.n - 1;
}

static bool is_same_host(const struct msrp_uri *a, const struct msrp_uri *b)
{
    char left[MSRP_URI_MAX], right[MSRP_URI_MAX];
    size_t n;

    if (a->is_ip6 != b->is_ip6 || a->is_ip4 != b->is_ip4) {
        return false;
    }
    if (a->is_ip6 || a->is_ip4) {
        unsigned char x[16] = {0}, y[16] = {0};
        int family = a->is_ip6 ? AF_INET6 : AF_INET;

        return read_address(family, a->host, x) && read_address(family, b->host, y) &&
               memcmp(x, y, sizeof(x)) == 0;
    }
    if (msrp_str_is_same(a->host, b->host)) {
        return true;
    }
    if (a->host.n > sizeof(left) || b->host.n > sizeof(right)) {
        return false;
    }
    n = decode(a->host, left);
    return n != SIZE_MAX && n == decode(b->host, right) && memcmp(left, right, n) == 0;
}

bool msrp_uri_is_same_place(const struct msrp_uri *a, const struct msrp_uri *b)
{
    return a->is_secure == b->is_secure && a->has_port == b->has_port && a->port == b->port &&
           msrp_str_is_same_nocase(a->transport, b->transport) && is_same_host(a, b);
}

bool msrp_uri_is_same(const struct msrp_uri *a, const struct msrp_uri *b)
{
    return a->has_session == b->has_session && msrp_str_is_same(a->session, b->session) &&
           msrp_uri_is_same_place(a, b);
}

bool msrp_uri_is_same_text(struct msrp_str a, struct msrp_str b)
{
    struct msrp_uri x, y;

    return msrp_uri_parse(&x, a) == 0 && msrp_uri_parse(&y, b) == 0 && msrp_uri_is_same(&x, &y);
}
