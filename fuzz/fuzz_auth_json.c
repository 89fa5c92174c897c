/* fuzz_auth_json.c - any octets as JSON and as a key set. What is accepted keeps every promise of
 * the header, with white space around it too, and never with a second value behind it.
 * (longer than 40 lines: one oracle for each accessor) */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "relay/auth/json.h"
#include "relay/auth/jwk.h"
#include "relay/err.h"

static void check(bool is_right)
{
    if (!is_right)
        abort();
}

static void walk(const struct relay_json_value *value, int depth, int *nodes)
{
    enum relay_json_type type = relay_json_type(value);
    const struct relay_json_value *item = relay_json_first(value);
    struct msrp_str s;
    int64_t i;
    double d;
    bool b;

    check(++*nodes <= RELAY_JSON_NODES_MAX);
    check((relay_json_string(value, &s) == 0) == (type == RELAY_JSON_STRING));
    check((relay_json_bool(value, &b) == 0) == (type == RELAY_JSON_BOOL));
    check((relay_json_number(value, &d) == 0) == (type == RELAY_JSON_NUMBER));
    check(type != RELAY_JSON_STRING || (msrp_str_is_utf8(s) && !memchr(s.p, 0, s.n)));
    check(type != RELAY_JSON_NUMBER || isfinite(d));
    if (relay_json_integer(value, &i) == 0)
        check((double)i == d && i <= RELAY_JSON_INT_MAX && i >= -RELAY_JSON_INT_MAX);
    check(type < RELAY_JSON_ARRAY ? !item : ++depth <= RELAY_JSON_DEPTH_MAX);
    for (; item; item = relay_json_next(item)) {
        char name[512] = "";
        s = relay_json_name(item);
        if (type == RELAY_JSON_OBJECT && s.n < sizeof name)
            check(relay_json_get(value, memcpy(name, s.p, s.n)) ==
                  item); /* no other has the name */
        walk(item, depth, nodes);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char text[RELAY_JSON_JWT_MAX + 8];
    const char *p = (const char *)data;
    struct relay_json *json, *again;
    struct relay_jwks *keys;
    int nodes = 0, err = relay_json_parse(p, size, RELAY_JSON_JWT_MAX, &json);

    check((err == 0) == (json != NULL));
    check(err != RELAY_E_NOMEM); /* cJSON refused what the walk let pass */
    if (relay_jwks_parse(p, size, &keys) == 0)
        for (size_t i = 0; relay_jwks_at(keys, i); i++) {
            struct msrp_str kid = msrp_str_of(relay_jwks_at(keys, i)->kid);
            check(relay_kid_is_plain(kid) && relay_jwks_at(keys, i)->pkey);
            check(relay_jwks_find(keys, kid) == relay_jwks_at(keys, i));
        }
    relay_jwks_free(keys);
    if (err)
        return 0;
    walk(relay_json_root(json), 0, &nodes);
    relay_json_free(json);
    memcpy(memcpy(text, "\r\n\t ", 4) + 4, p, size);
    check(relay_json_parse(text, size + 4, sizeof text, &again) == 0);
    relay_json_free(again);
    memcpy(text + 4 + size, " 0", 2);
    check(relay_json_parse(text, size + 6, sizeof text, &again) == RELAY_E_JSON_TRAILING);
    return 0;
}
