#include "relay/auth/json.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "relay/err.h"

#define NUMBER_MAX 63 /* cJSON cuts longer numbers off */

struct relay_json {
    cJSON *root;
};

/* --- the walk before the parse -------------------------------------------------------------- */

struct scan {
    const char *p, *end;
    unsigned depth, nodes;
};

static char peek(const struct scan *s)
{
    return s->p < s->end ? *s->p : '\0'; /* NUL never occurs inside: it was refused before */
}

static void skip_space(struct scan *s)
{
    while (s->p < s->end && memchr(" \t\r\n", *s->p, 4))
        s->p++;
}

/* Four hexadecimal digits, or -1. */
static int scan_hex4(struct scan *s)
{
    int v = 0;

    for (int i = 0; i < 4; i++, s->p++) {
        char c = peek(s);
        if (c >= '0' && c <= '9')
            v = v * 16 + (c - '0');
        else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))
            v = v * 16 + ((c | 0x20) - 'a' + 10);
        else
            return -1;
    }
    return v;
}

/* Behind "\u": a code point that is neither NUL nor half a surrogate pair. */
static int scan_unicode(struct scan *s)
{
    int v = scan_hex4(s);

    if (v < 0)
        return RELAY_E_JSON_SYNTAX;
    if (v == 0)
        return RELAY_E_JSON_NUL;
    if (v < 0xD800 || v > 0xDFFF)
        return 0;
    if (v > 0xDBFF || s->end - s->p < 6 || s->p[0] != '\\' || s->p[1] != 'u')
        return RELAY_E_JSON_UTF8;
    s->p += 2;
    v = scan_hex4(s);
    return v >= 0xDC00 && v <= 0xDFFF ? 0 : RELAY_E_JSON_UTF8;
}

static int scan_string(struct scan *s)
{
    int err;

    if (peek(s) != '"')
        return RELAY_E_JSON_SYNTAX;
    for (s->p++; s->p < s->end;) {
        char c = *s->p++;
        if (c == '"')
            return 0;
        if ((unsigned char)c < 0x20)
            return RELAY_E_JSON_SYNTAX;
        if (c != '\\')
            continue;
        c = peek(s);
        if (!c || !strchr("\"\\/bfnrtu", c))
            return RELAY_E_JSON_SYNTAX;
        s->p++;
        if (c == 'u' && (err = scan_unicode(s)))
            return err;
    }
    return RELAY_E_JSON_SYNTAX;
}

static size_t scan_digits(struct scan *s)
{
    const char *from = s->p;

    while (peek(s) >= '0' && peek(s) <= '9')
        s->p++;
    return (size_t)(s->p - from);
}

static int scan_number(struct scan *s)
{
    const char *from = s->p;

    if (peek(s) == '-')
        s->p++;
    if (peek(s) == '0')
        s->p++;
    else if (!scan_digits(s))
        return RELAY_E_JSON_SYNTAX;
    if (peek(s) == '.') {
        s->p++;
        if (!scan_digits(s))
            return RELAY_E_JSON_SYNTAX;
    }
    if (peek(s) == 'e' || peek(s) == 'E') {
        s->p++;
        if (peek(s) == '+' || peek(s) == '-')
            s->p++;
        if (!scan_digits(s))
            return RELAY_E_JSON_SYNTAX;
    }
    return s->p - from > NUMBER_MAX ? RELAY_E_JSON_NUMBER : 0;
}

static int scan_word(struct scan *s, const char *word)
{
    size_t n = strlen(word);

    if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n) != 0)
        return RELAY_E_JSON_SYNTAX;
    s->p += n;
    return 0;
}

static int scan_value(struct scan *s);

/* An array or object, from its bracket on; the recursion ends at RELAY_JSON_DEPTH_MAX. */
static int scan_many(struct scan *s, bool is_object)
{
    char close = is_object ? '}' : ']';
    int err;

    if (++s->depth > RELAY_JSON_DEPTH_MAX)
        return RELAY_E_JSON_DEPTH;
    s->p++;
    skip_space(s);
    if (peek(s) == close)
        goto out;
    for (;; s->p++) {
        if (is_object) {
            skip_space(s);
            if ((err = scan_string(s)))
                return err;
            skip_space(s);
            if (peek(s) != ':')
                return RELAY_E_JSON_SYNTAX;
            s->p++;
        }
        if ((err = scan_value(s)))
            return err;
        if (peek(s) == close)
            break;
        if (peek(s) != ',')
            return RELAY_E_JSON_SYNTAX;
    }
out:
    s->p++;
    s->depth--;
    return 0;
}

static int scan_value(struct scan *s)
{
    int err;

    if (++s->nodes > RELAY_JSON_NODES_MAX)
        return RELAY_E_JSON_NODES;
    skip_space(s);
    switch (peek(s)) {
    case '{':
        err = scan_many(s, true);
        break;
    case '[':
        err = scan_many(s, false);
        break;
    case '"':
        err = scan_string(s);
        break;
    case 't':
        err = scan_word(s, "true");
        break;
    case 'f':
        err = scan_word(s, "false");
        break;
    case 'n':
        err = scan_word(s, "null");
        break;
    default:
        err = scan_number(s);
        break;
    }
    skip_space(s);
    return err;
}

static int scan_text(const char *p, size_t n)
{
    struct scan s = {.p = p, .end = p + n};
    int err;

    if (memchr(p, '\0', n))
        return RELAY_E_JSON_NUL;
    if (!msrp_str_is_utf8((struct msrp_str){p, n}))
        return RELAY_E_JSON_UTF8;
    if ((err = scan_value(&s)))
        return err;
    return s.p == s.end ? 0 : RELAY_E_JSON_TRAILING;
}

/* --- the look at the tree behind it --------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names are compared as decoded: "a" and "\u0061" are the same name. Sorted, because a stranger may
 * send as many members as the cap allows. */
static int check_names(const cJSON *object)
{
    size_t n = (size_t)cJSON_GetArraySize(object), i = 0;
    const cJSON *item;
    const char **names;
    int err = 0;

    if (n < 2)
        return 0;
    names = malloc(n * sizeof *names);
    if (!names)
        return RELAY_E_NOMEM;
    cJSON_ArrayForEach(item, object) names[i++] = item->string;
    qsort(names, n, sizeof *names, compare_names);
    for (i = 1; i < n && !err; i++)
        if (strcmp(names[i - 1], names[i]) == 0)
            err = RELAY_E_JSON_DUPLICATE;
    free(names);
    return err;
}

static int check_tree(const cJSON *value)
{
    const cJSON *item;
    int err = 0;

    if (cJSON_IsNumber(value) && !isfinite(value->valuedouble))
        return RELAY_E_JSON_NUMBER; /* 1e400 */
    if (cJSON_IsObject(value))
        err = check_names(value);
    for (item = value->child; item && !err; item = item->next)
        err = check_tree(item);
    return err;
}

static void wipe_tree(cJSON *value)
{
    for (; value; value = value->next) {
        if (value->valuestring)
            OPENSSL_cleanse(value->valuestring, strlen(value->valuestring));
        wipe_tree(value->child);
    }
}

int relay_json_parse(const char *p, size_t n, size_t max, struct relay_json **out)
{
    struct relay_json *json = NULL;
    int err;

    *out = NULL;
    if (n > max)
        return RELAY_E_JSON_SIZE;
    if (n == 0)
        return RELAY_E_JSON_SYNTAX;
    if ((err = scan_text(p, n)))
        return err;
    json = calloc(1, sizeof *json);
    if (!json)
        return RELAY_E_NOMEM;
    json->root = cJSON_ParseWithLengthOpts(p, n, NULL, false);
    /* what the walk lets pass, cJSON reads, unless it has no memory */
    err = json->root ? check_tree(json->root) : RELAY_E_NOMEM;
    if (err)
        relay_json_free(json);
    else
        *out = json;
    return err;
}

void relay_json_free(struct relay_json *json)
{
    if (!json)
        return;
    wipe_tree(json->root);
    cJSON_Delete(json->root);
    free(json);
}

/* --- values: struct relay_json_value is a cJSON by another name, never looked into outside ------
 */

static const cJSON *item_of(const struct relay_json_value *value)
{
    return (const cJSON *)value;
}

static const struct relay_json_value *value_of(const cJSON *item)
{
    return (const struct relay_json_value *)item;
}

const struct relay_json_value *relay_json_root(const struct relay_json *json)
{
    return value_of(json->root);
}

enum relay_json_type relay_json_type(const struct relay_json_value *value)
{
    const cJSON *item = item_of(value);

    return cJSON_IsObject(item)   ? RELAY_JSON_OBJECT
           : cJSON_IsArray(item)  ? RELAY_JSON_ARRAY
           : cJSON_IsString(item) ? RELAY_JSON_STRING
           : cJSON_IsNumber(item) ? RELAY_JSON_NUMBER
           : cJSON_IsBool(item)   ? RELAY_JSON_BOOL
                                  : RELAY_JSON_NULL;
}

const struct relay_json_value *relay_json_get(const struct relay_json_value *value,
                                              const char *name)
{
    if (!cJSON_IsObject(item_of(value)))
        return NULL; /* cJSON would search an array, whose elements have no names */
    return value_of(cJSON_GetObjectItemCaseSensitive(item_of(value), name));
}

const struct relay_json_value *relay_json_first(const struct relay_json_value *value)
{
    return value_of(item_of(value)->child);
}

const struct relay_json_value *relay_json_next(const struct relay_json_value *value)
{
    return value_of(item_of(value)->next);
}

struct msrp_str relay_json_name(const struct relay_json_value *value)
{
    return msrp_str_of(item_of(value)->string);
}

int relay_json_string(const struct relay_json_value *value, struct msrp_str *out)
{
    if (!cJSON_IsString(item_of(value)))
        return RELAY_E_JSON_TYPE;
    *out = msrp_str_of(item_of(value)->valuestring);
    return 0;
}

int relay_json_number(const struct relay_json_value *value, double *out)
{
    if (!cJSON_IsNumber(item_of(value)))
        return RELAY_E_JSON_TYPE;
    *out = item_of(value)->valuedouble;
    return 0;
}

int relay_json_integer(const struct relay_json_value *value, int64_t *out)
{
    double d;
    int err = relay_json_number(value, &d);

    if (err)
        return err;
    if (fabs(d) > (double)RELAY_JSON_INT_MAX || d != (double)(int64_t)d)
        return RELAY_E_JSON_NUMBER;
    *out = (int64_t)d;
    return 0;
}

int relay_json_bool(const struct relay_json_value *value, bool *out)
{
    if (!cJSON_IsBool(item_of(value)))
        return RELAY_E_JSON_TYPE;
    *out = cJSON_IsTrue(item_of(value));
    return 0;
}
