/* sdp.c - reading and printing; what is agreed on: sdp_rules.c. See sdp.h.
 * (longer than most: one grammar, whose tables both directions use) */
#include "msrp/sdp.h"

#include <string.h>

#include "msrp/uri.h"

/* Takes one line, without its end, off *rest. */
static int take_line(struct msrp_str *rest, struct msrp_str *line)
{
    if (!msrp_str_cut(*rest, '\n', line, rest)) {
        return line->n > MSRP_SDP_LINE_MAX ? MSRP_E_SDP_LINE_LONG : MSRP_E_SDP_LINE;
    }
    if (line->n > 0 && line->p[line->n - 1] == '\r') {
        line->n--;
    }
    if (line->n > MSRP_SDP_LINE_MAX) {
        return MSRP_E_SDP_LINE_LONG;
    }
    for (size_t i = 0; i < line->n; i++) {
        unsigned char c = (unsigned char)line->p[i];

        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return MSRP_E_SDP_CONTROL;
        }
    }
    return line->n >= 2 && line->p[1] == '=' ? 0 : MSRP_E_SDP_LINE;
}

/* Offset of the first line at `at` or behind it that begins with m=; text.n when there is none. */
static size_t find_media(struct msrp_str text, size_t at)
{
    for (; at < text.n; at++) {
        struct msrp_str behind = {text.p + at, text.n - at};
        const char *end;

        if ((at == 0 || text.p[at - 1] == '\n') && msrp_str_has_prefix(behind, "m=")) {
            return at;
        }
        if (!(end = memchr(behind.p, '\n', behind.n))) {
            return text.n;
        }
        at = (size_t)(end - text.p);
    }
    return text.n;
}

/* Cuts the text into what stands before `at`, which is returned, and *rest. */
static struct msrp_str cut_at(struct msrp_str text, size_t at, struct msrp_str *rest)
{
    *rest = (struct msrp_str){at < text.n ? text.p + at : NULL, text.n - at};
    return (struct msrp_str){text.p, at};
}

struct msrp_str msrp_sdp_cut_session(struct msrp_str text, struct msrp_str *rest)
{
    return cut_at(text, find_media(text, 0), rest);
}

bool msrp_sdp_next_section(struct msrp_str *rest, struct msrp_str *section)
{
    if (rest->n == 0) {
        return false;
    }
    *section = cut_at(*rest, find_media(*rest, 1), rest);
    return true;
}

bool msrp_sdp_is_message(struct msrp_str section)
{
    return msrp_str_has_prefix(section, "m=message ");
}

/* m=message port proto * */
static int read_media(struct msrp_sdp *sdp, struct msrp_str value)
{
    struct msrp_str media, port, proto, format;
    uint64_t number;

    msrp_str_cut(value, ' ', &media, &port);
    msrp_str_cut(port, ' ', &port, &proto);
    msrp_str_cut(proto, ' ', &proto, &format);
    sdp->is_secure = msrp_str_is(proto, "TCP/TLS/MSRP");
    if (!msrp_str_is(media, "message") || !msrp_str_is(format, "*") ||
        (!sdp->is_secure && !msrp_str_is(proto, "TCP/MSRP"))) {
        return MSRP_E_SDP_MEDIA;
    }
    if (port.n > 5 || msrp_str_u64(port, &number) < 0 || number > UINT16_MAX) {
        return MSRP_E_SDP_PORT;
    }
    sdp->port = (uint16_t)number;
    return 0;
}

/* Reads the address as the host of a URI. */
static bool read_host(struct msrp_str address, struct msrp_uri *uri, char *text, size_t cap)
{
    bool is_ip6 = address.n > 0 && memchr(address.p, ':', address.n);
    struct msrp_writer w;

    msrp_writer_init(&w, text, cap);
    msrp_writer_text(&w, is_ip6 ? "msrp://[" : "msrp://");
    msrp_writer_put(&w, address);
    msrp_writer_text(&w, is_ip6 ? "]:1;tcp" : ":1;tcp");
    return w.err == 0 && msrp_uri_parse(uri, (struct msrp_str){text, w.n}) == 0 &&
           uri->host.n == address.n && !memchr(address.p, '%', address.n);
}

/* c=IN IP4|IP6 address */
static int read_address(struct msrp_sdp *sdp, struct msrp_str value)
{
    char text[MSRP_SDP_ADDRESS_MAX + 16];
    struct msrp_uri uri;

    sdp->is_ip6 = msrp_str_has_prefix(value, "IN IP6 ");
    if (!sdp->is_ip6 && !msrp_str_has_prefix(value, "IN IP4 ")) {
        return MSRP_E_SDP_ADDRESS;
    }
    sdp->address = (struct msrp_str){value.p + 7, value.n - 7};
    if (sdp->address.n > MSRP_SDP_ADDRESS_MAX ||
        !read_host(sdp->address, &uri, text, sizeof(text))) {
        return MSRP_E_SDP_ADDRESS;
    }
    return (sdp->is_ip6 ? uri.is_ip4 : uri.is_ip6) ? MSRP_E_SDP_ADDRESS : 0;
}

static int read_path(struct msrp_sdp *sdp, struct msrp_str value)
{
    static const struct msrp_limits limits = {.uri = MSRP_URI_MAX, .uris = MSRP_SDP_URIS_MAX};
    int err = msrp_path_parse(&sdp->path, value, &limits);
    struct msrp_str rest = value, text;
    struct msrp_uri uri;

    if (err < 0) {
        return err == MSRP_E_URIS_MANY ? MSRP_E_SDP_PATH_MANY : MSRP_E_SDP_PATH;
    }
    while (msrp_path_next(&rest, &text)) {
        /* rfc4975#8.2: MSRP URIs in an offer or answer MUST include explicit port numbers */
        if (msrp_uri_parse(&uri, text) < 0 || !uri.has_port) {
            return MSRP_E_SDP_PATH;
        }
    }
    return msrp_path_has_loop(value, (struct msrp_str){NULL, 0}) ? MSRP_E_SDP_PATH : 0;
}

bool msrp_sdp_next_type(struct msrp_str *rest, struct msrp_str *entry)
{
    bool in_quotes = false;
    size_t n = 0;

    /* a space in a quoted parameter ends nothing, nor does an escaped quote */
    for (; n < rest->n && (in_quotes || rest->p[n] != ' '); n++) {
        if (in_quotes && rest->p[n] == '\\') {
            n++;
        } else if (rest->p[n] == '"') {
            in_quotes = !in_quotes;
        }
    }
    n = n < rest->n ? n : rest->n;
    *entry = (struct msrp_str){rest->p, n};
    if (rest->n == 0) {
        return false;
    }
    n += n < rest->n;
    *rest = (struct msrp_str){rest->p + n, rest->n - n};
    return true;
}

static int read_list(struct msrp_str *list, struct msrp_str value)
{
    struct msrp_str rest, entry;
    struct msrp_media media;
    size_t n = 0;

    if (value.n > 0 && value.p[0] == ' ') {
        value = (struct msrp_str){value.p + 1, value.n - 1};
    }
    *list = rest = value;
    while (msrp_sdp_next_type(&rest, &entry)) {
        if (!msrp_str_is(entry, "*") && msrp_mime_parse_type(&media, entry) < 0) {
            return MSRP_E_SDP_TYPES;
        }
        n++;
    }
    if (n == 0 || value.p[value.n - 1] == ' ') {
        return MSRP_E_SDP_TYPES;
    }
    return n > MSRP_SDP_TYPES_MAX ? MSRP_E_SDP_TYPES_MANY : 0;
}

static int read_types(struct msrp_sdp *sdp, struct msrp_str value)
{
    return read_list(&sdp->types, value);
}

static int read_wrapped(struct msrp_sdp *sdp, struct msrp_str value)
{
    return read_list(&sdp->wrapped, value);
}

static int read_max_size(struct msrp_sdp *sdp, struct msrp_str value)
{
    sdp->has_max_size = true;
    return msrp_str_u64(value, &sdp->max_size) < 0 ? MSRP_E_SDP_SIZE : 0;
}

/* holdconn is told by nothing: rfc6135#4.2.1 */
static const char *const setups[] = {
    [MSRP_SETUP_ABSENT] = "holdconn",
    [MSRP_SETUP_ACTIVE] = "active",
    [MSRP_SETUP_PASSIVE] = "passive",
    [MSRP_SETUP_ACTPASS] = "actpass",
};

static int read_setup(struct msrp_sdp *sdp, struct msrp_str value)
{
    for (int i = 0; i < 4; i++) {
        if (msrp_str_is(value, setups[i])) {
            sdp->setup = (enum msrp_setup)i;
            return 0;
        }
    }
    return MSRP_E_SDP_SETUP;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
}

/* hash-func SP 2HEX *( ":" 2HEX ), RFC 8122 */
static int read_fingerprint(struct msrp_sdp *sdp, struct msrp_str value)
{
    struct msrp_str function, digits;

    if (sdp->fingerprints_n == MSRP_SDP_FINGERPRINTS_MAX) {
        return MSRP_E_SDP_TWICE;
    }
    msrp_str_cut(value, ' ', &function, &digits);
    if (!msrp_str_is_token(function) || digits.n % 3 != 2) {
        return MSRP_E_SDP_FINGERPRINT;
    }
    for (size_t i = 0; i < digits.n; i++) {
        if (i % 3 == 2 ? digits.p[i] != ':' : !is_hex(digits.p[i])) {
            return MSRP_E_SDP_FINGERPRINT;
        }
    }
    sdp->fingerprints[sdp->fingerprints_n++] = value;
    return 0;
}

static int read_cema(struct msrp_sdp *sdp, struct msrp_str value)
{
    (void)value;
    sdp->has_cema = true;
    return 0;
}

static const char *const directions[] = {
    [MSRP_SENDRECV] = "sendrecv",
    [MSRP_SENDONLY] = "sendonly",
    [MSRP_RECVONLY] = "recvonly",
    [MSRP_INACTIVE] = "inactive",
};

enum place { SESSION = 1, SECTION = 2 };

/* The lines that count but m=, and the attributes: each at most once in the places it may stand in,
 * but for `many`. */
static const struct field {
    const char *name;
    unsigned places;
    bool has_value, is_many;
    int (*read)(struct msrp_sdp *sdp, struct msrp_str value);
} fields[] = {
    {"path", SECTION, true, false, read_path},
    {"accept-types", SECTION, true, false, read_types},
    {"accept-wrapped-types", SECTION, true, false, read_wrapped},
    {"max-size", SECTION, true, false, read_max_size},
    {"setup", SESSION | SECTION, true, false, read_setup},
    {"fingerprint", SESSION | SECTION, true, true, read_fingerprint},
    {"msrp-cema", SECTION, false, false, read_cema},
};

enum { FIELDS = sizeof(fields) / sizeof(fields[0]), ADDRESS = FIELDS, DIRECTION, SEEN };

/* Where a reader stands. */
struct reading {
    struct msrp_sdp *sdp;
    enum place place;
    bool seen[SEEN]; /* in this place */
};

static bool is_second(struct reading *r, int field)
{
    bool was_seen = r->seen[field];

    r->seen[field] = true;
    return was_seen;
}

/* sendrecv and its kin: four names of one field. */
static int read_direction(struct reading *r, struct msrp_str name)
{
    for (int i = 0; i < 4; i++) {
        if (msrp_str_is(name, directions[i])) {
            r->sdp->direction = (enum msrp_direction)i;
            return is_second(r, DIRECTION) ? MSRP_E_SDP_TWICE : 0;
        }
    }
    return 0; /* an attribute that we do not know */
}

static int read_attribute(struct reading *r, struct msrp_str text)
{
    struct msrp_str name, value;
    bool has_value = msrp_str_cut(text, ':', &name, &value);

    for (int i = 0; i < FIELDS; i++) {
        if (!msrp_str_is(name, fields[i].name) || !(fields[i].places & r->place)) {
            continue;
        }
        if (has_value != fields[i].has_value) {
            return MSRP_E_SDP_LINE;
        }
        if (is_second(r, i)) {
            if (!fields[i].is_many) {
                return MSRP_E_SDP_TWICE;
            }
        } else if (fields[i].is_many) {
            r->sdp->fingerprints_n = 0; /* those of the session are not ours */
        }
        return fields[i].read(r->sdp, value);
    }
    return has_value ? 0 : read_direction(r, name);
}

static int read_lines(struct reading *r, struct msrp_str text, size_t *lines)
{
    struct msrp_str line;
    int err;

    while (text.n > 0) {
        if ((err = take_line(&text, &line)) < 0) {
            return err;
        }
        if (++*lines > MSRP_SDP_LINES_MAX) {
            return MSRP_E_SDP_LINES_MANY;
        }
        struct msrp_str value = {line.p + 2, line.n - 2};

        if (line.p[0] == 'a') {
            err = read_attribute(r, value);
        } else if (line.p[0] == 'c') {
            err = is_second(r, ADDRESS) ? MSRP_E_SDP_TWICE : read_address(r->sdp, value);
        } else if (!strchr(r->place == SESSION ? "vosiuepbtrzk" : "ibk", line.p[0])) {
            err = MSRP_E_SDP_LINE;
        }
        if (err < 0) {
            return err;
        }
    }
    return 0;
}

/* What has to be there. Of a section that is refused only where it is. */
static int check_complete(const struct msrp_sdp *sdp)
{
    struct msrp_uri uri;

    if (sdp->address.n == 0) {
        return MSRP_E_SDP_ADDRESS;
    }
    if (sdp->path.count == 0 || sdp->types.n == 0) {
        return sdp->port == 0 ? 0 : sdp->path.count ? MSRP_E_SDP_TYPES_NONE : MSRP_E_SDP_PATH_NONE;
    }
    /* the hop that is connected to: what m= promises is what its URI demands */
    if (msrp_uri_parse(&uri, sdp->path.first) < 0 || uri.is_secure != sdp->is_secure) {
        return MSRP_E_SDP_SCHEME;
    }
    return 0;
}

int msrp_sdp_parse(struct msrp_sdp *sdp, struct msrp_str session, struct msrp_str section)
{
    struct reading r = {.sdp = sdp, .place = SESSION};
    struct msrp_str media;
    size_t lines = 1;
    int err;

    *sdp = (struct msrp_sdp){.port = 0};
    if (session.n > MSRP_SDP_MAX || section.n > MSRP_SDP_MAX - session.n) {
        return MSRP_E_SDP_LONG;
    }
    if ((err = read_lines(&r, session, &lines)) < 0 || (err = take_line(&section, &media)) < 0) {
        return err;
    }
    if (!msrp_str_has_prefix(media, "m=")) {
        return MSRP_E_SDP_MEDIA;
    }
    r = (struct reading){.sdp = sdp, .place = SECTION};
    if ((err = read_media(sdp, (struct msrp_str){media.p + 2, media.n - 2})) < 0 ||
        (err = read_lines(&r, section, &lines)) < 0) {
        return err;
    }
    return check_complete(sdp);
}

static void put_line(struct msrp_writer *w, const char *name, struct msrp_str value)
{
    msrp_writer_text(w, name);
    msrp_writer_put(w, value);
    msrp_writer_text(w, "\r\n");
}

static void put_number(struct msrp_writer *w, const char *name, uint64_t number, const char *end)
{
    msrp_writer_text(w, name);
    msrp_writer_u64(w, number);
    msrp_writer_text(w, end);
}

/* Both say the same. */
static bool is_same(const struct msrp_sdp *a, const struct msrp_sdp *b)
{
    for (size_t i = 0; i < a->fingerprints_n && a->fingerprints_n == b->fingerprints_n; i++) {
        if (!msrp_str_is_same(a->fingerprints[i], b->fingerprints[i])) {
            return false;
        }
    }
    return a->port == b->port && a->is_secure == b->is_secure && a->is_ip6 == b->is_ip6 &&
           msrp_str_is_same(a->address, b->address) &&
           msrp_str_is_same(a->path.text, b->path.text) && msrp_str_is_same(a->types, b->types) &&
           msrp_str_is_same(a->wrapped, b->wrapped) && a->has_max_size == b->has_max_size &&
           (!a->has_max_size || a->max_size == b->max_size) && a->setup == b->setup &&
           a->direction == b->direction && a->has_cema == b->has_cema &&
           a->fingerprints_n == b->fingerprints_n;
}

ssize_t msrp_sdp_print(const struct msrp_sdp *sdp, char *out, size_t cap)
{
    struct msrp_sdp again;
    struct msrp_writer w;
    int err;

    if (sdp->fingerprints_n > MSRP_SDP_FINGERPRINTS_MAX) {
        return MSRP_E_SDP_TWICE;
    }
    msrp_writer_init(&w, out, cap);
    put_number(&w, "m=message ", sdp->port, sdp->is_secure ? " TCP/TLS/MSRP *" : " TCP/MSRP *");
    put_line(&w, sdp->is_ip6 ? "\r\nc=IN IP6 " : "\r\nc=IN IP4 ", sdp->address);
    if (sdp->direction != MSRP_SENDRECV) {
        put_line(&w, "a=", msrp_str_of(directions[sdp->direction]));
    }
    if (sdp->types.n > 0) {
        put_line(&w, "a=accept-types:", sdp->types);
    }
    if (sdp->wrapped.n > 0) {
        put_line(&w, "a=accept-wrapped-types:", sdp->wrapped);
    }
    if (sdp->has_max_size) {
        put_number(&w, "a=max-size:", sdp->max_size, "\r\n");
    }
    if (sdp->path.text.n > 0) {
        put_line(&w, "a=path:", sdp->path.text);
    }
    if (sdp->setup != MSRP_SETUP_ABSENT) {
        put_line(&w, "a=setup:", msrp_str_of(setups[sdp->setup]));
    }
    if (sdp->has_cema) {
        msrp_writer_text(&w, "a=msrp-cema\r\n");
    }
    for (size_t i = 0; i < sdp->fingerprints_n; i++) {
        put_line(&w, "a=fingerprint:", sdp->fingerprints[i]);
    }
    if (w.err < 0) {
        return w.err;
    }
    err = msrp_sdp_parse(&again, (struct msrp_str){NULL, 0}, (struct msrp_str){out, w.n});
    /* a line end in a span: it reads, but as something else */
    return err < 0 ? err : is_same(sdp, &again) ? (ssize_t)w.n : MSRP_E_SDP_LINE;
}
