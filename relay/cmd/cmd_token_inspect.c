/* cmd_token_inspect.c - mcrelay token inspect: what a token says, and what the relay would say. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "relay/auth/base64.h"
#include "relay/auth/claims.h"
#include "relay/auth/jws.h"
#include "relay/cmd/cmd.h"
#include "relay/cmd/cmd_token.h"
#include "relay/err.h"

struct verdict {
    int err;        /* 0: nothing wrong was found */
    bool is_judged; /* also signature and claims, not only the form */
    struct relay_claims claims;
};

/* Reads a whole file of less than `room` octets ("-": standard input); -1 and errno on failure. */
static ssize_t read_file(const char *path, char *out, size_t room)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = -1;
    size_t n = 0;

    if (fd < 0)
        return -1;
    while (n < room && (got = read(fd, out + n, room - n)) > 0)
        n += (size_t)got;
    if (!is_stdin)
        close(fd);
    if (n == room)
        errno = EFBIG;
    return got < 0 || n == room ? -1 : (ssize_t)n;
}

/* --- printing --------------------------------------------------------------------------------- */

/* A string as JSON in ASCII: a stranger's text must not move the cursor of a terminal. */
static void print_string(struct msrp_str s)
{
    putchar('"');
    for (size_t i = 0; i < s.n; i++) {
        uint32_t c = (unsigned char)s.p[i];
        size_t more = c < 0xc0 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3; /* strict UTF-8 already */
        if (more)
            c &= 0x3fU >> more;
        while (more--)
            c = c << 6 | ((unsigned char)s.p[++i] & 0x3fU);
        if (c == '"' || c == '\\')
            printf("\\%c", (int)c);
        else if (c >= 0x20 && c < 0x7f)
            putchar((int)c);
        else if (c < 0x10000)
            printf("\\u%04x", (unsigned)c);
        else
            printf("\\u%04x\\u%04x", (unsigned)(0xd7c0 + (c >> 10)),
                   (unsigned)(0xdc00 + (c & 0x3ff)));
    }
    putchar('"');
}

static void print_scalar(const struct relay_json_value *value)
{
    struct msrp_str s;
    double d;
    bool b;

    if (relay_json_string(value, &s) == 0)
        print_string(s);
    else if (relay_json_number(value, &d) == 0)
        printf("%.17g", d);
    else
        fputs(relay_json_bool(value, &b) ? "null" : b ? "true" : "false", stdout);
}

/* JSON on one line. The depth was limited when it was parsed. */
static void print_value(const struct relay_json_value *value)
{
    enum relay_json_type type = relay_json_type(value);
    const struct relay_json_value *item;

    if (type != RELAY_JSON_OBJECT && type != RELAY_JSON_ARRAY) {
        print_scalar(value);
        return;
    }
    putchar(type == RELAY_JSON_OBJECT ? '{' : '[');
    for (item = relay_json_first(value); item; item = relay_json_next(item)) {
        if (type == RELAY_JSON_OBJECT) {
            print_string(relay_json_name(item));
            putchar(':');
        }
        print_value(item);
        if (relay_json_next(item))
            putchar(',');
    }
    putchar(type == RELAY_JSON_OBJECT ? '}' : ']');
}

static void print_date(int64_t unix_s)
{
    time_t t = (time_t)unix_s;
    struct tm tm;
    char text[32];

    if (gmtime_r(&t, &tm) && strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm))
        fputs(text, stdout);
}

static bool is_time(struct msrp_str name)
{
    return msrp_str_is(name, "exp") || msrp_str_is(name, "nbf") || msrp_str_is(name, "iat");
}

static void print_part(const char *title, const struct relay_json *json)
{
    const struct relay_json_value *item;
    int64_t t;

    printf("%s\n", title);
    if (!json)
        printf("  (does not read)\n");
    for (item = json ? relay_json_first(relay_json_root(json)) : NULL; item;
         item = relay_json_next(item)) {
        struct msrp_str name = relay_json_name(item);
        fputs("  ", stdout);
        print_string(name);
        fputs(": ", stdout);
        print_value(item);
        if (is_time(name) && relay_json_integer(item, &t) == 0) {
            fputs("  ", stdout);
            print_date(t);
        }
        putchar('\n');
    }
}

static void print_text(const struct relay_json *head, const struct relay_json *claims,
                       const struct verdict *v)
{
    const struct relay_err_row *row = relay_err_row(v->err);

    print_part("header", head);
    print_part("claims", claims);
    if (v->err) {
        printf("refused: %s (%s); the relay answers %d\n", row->text, row->name, row->status);
    } else if (v->is_judged) {
        printf("accepted: %s until ", v->claims.mcdata_id);
        print_date(v->claims.exp);
        putchar('\n');
    } else {
        printf("well formed; not judged (give --jwks and --iss)\n");
    }
}

static void print_json(const struct relay_json *head, const struct relay_json *claims,
                       const struct verdict *v)
{
    const struct relay_err_row *row = relay_err_row(v->err);

    fputs("{\"header\":", stdout);
    if (head)
        print_value(relay_json_root(head));
    else
        fputs("null", stdout);
    fputs(",\"claims\":", stdout);
    if (claims)
        print_value(relay_json_root(claims));
    else
        fputs("null", stdout);
    printf(",\"judged\":%s,\"accepted\":%s", v->is_judged ? "true" : "false",
           v->is_judged && !v->err ? "true" : "false");
    if (v->err)
        printf(",\"reason\":\"%s\",\"text\":\"%s\",\"status\":%d", row->name, row->text,
               row->status);
    printf("}\n");
}

/* --- judging ---------------------------------------------------------------------------------- */

/* A part of the token for printing only; NULL when it does not read. */
static struct relay_json *read_part(struct msrp_str part)
{
    static char octets[RELAY_JWS_MAX];
    ssize_t n = relay_base64_decode(part.p, part.n, octets, sizeof octets);
    struct relay_json *json = NULL;

    if (n >= 0 && relay_json_parse(octets, (size_t)n, sizeof octets, &json))
        json = NULL;
    OPENSSL_cleanse(octets, sizeof octets);
    if (json && relay_json_type(relay_json_root(json)) != RELAY_JSON_OBJECT) {
        relay_json_free(json);
        json = NULL;
    }
    return json;
}

static struct relay_list list_of(const struct relay_token_list *list)
{
    return (struct relay_list){list->p, list->n};
}

/* Judges as the relay would; an exit code other than OK is about the options, not the token. */
static int judge(const struct relay_token_options *o, struct msrp_str token, struct verdict *v)
{
    static char text[RELAY_JSON_JWKS_MAX + 1];
    struct relay_issuer issuer = {.iss = o->iss, .domains = list_of(&o->domains)};
    struct relay_auth auth = {
        .issuers = &issuer,
        .issuers_n = 1,
        .scope = o->scope ? o->scope : RELAY_SCOPE_DATA,
        .audience = o->aud,
        .skew_s = (uint32_t)o->skew_s,
        .iops = o->iops_domains.n || o->iops_users.n,
        .iops_domains = list_of(&o->iops_domains),
        .iops_users = list_of(&o->iops_users),
        .revoked = list_of(&o->revoked),
    };
    struct relay_jwks *keys;
    const char *why;
    ssize_t n = read_file(o->jwks, text, sizeof text);
    int err;

    if (n < 0)
        return relay_token_complain(RELAY_EXIT_FAILED, "%s: %s", o->jwks, strerror(errno));
    err = relay_jwks_parse(text, (size_t)n, &keys);
    if (err)
        return relay_token_complain(RELAY_EXIT_FAILED, "%s: %s", o->jwks, relay_strerror(err));
    issuer.keys = keys;
    err = relay_auth_check(&auth, &why);
    if (!err) {
        v->is_judged = true;
        v->err = relay_auth_token(&auth, token, o->now_s >= 0 ? o->now_s : (int64_t)time(NULL),
                                  &v->claims);
    }
    relay_jwks_free(keys);
    return err ? relay_token_complain(RELAY_EXIT_USAGE, "%s", why) : RELAY_EXIT_OK;
}

int relay_token_inspect(const struct relay_token_options *o)
{
    static char text[RELAY_JWS_MAX + 1024];
    struct relay_json *head = NULL, *claims = NULL;
    struct msrp_str token, head64, rest, payload64;
    struct verdict v = {0};
    struct relay_jws jws;
    int status = RELAY_EXIT_OK;
    ssize_t n;

    if (!o->jwks != !o->iss)
        return relay_token_complain(RELAY_EXIT_USAGE, "--jwks and --iss go together");
    n = read_file(o->file, text, sizeof text);
    if (n < 0)
        return relay_token_complain(RELAY_EXIT_FAILED, "%s: %s", o->file, strerror(errno));
    if (n > 0 && text[n - 1] == '\n') /* the line end of the file is not the token's */
        n--;
    token = (struct msrp_str){text, (size_t)n};
    msrp_str_cut(token, '.', &head64, &rest);
    msrp_str_cut(rest, '.', &payload64, NULL);
    head = read_part(head64);
    claims = read_part(payload64);
    if (o->jwks)
        status = judge(o, token, &v);
    else
        v.err = relay_jws_split(token, &jws);
    if (status == RELAY_EXIT_OK) {
        (o->is_json ? print_json : print_text)(head, claims, &v);
        if (v.err)
            status = RELAY_EXIT_REFUSED;
    }
    relay_json_free(head);
    relay_json_free(claims);
    OPENSSL_cleanse(text, sizeof text);
    return status;
}
