/* json.h - JSON as strangers send it, read strictly.
 *
 * A text is walked octet by octet before cJSON sees it: size, UTF-8, NUL, depth, number of values,
 * the whole grammar of RFC 8259. cJSON then only builds the tree, in which no member name may stand
 * twice. What cJSON lets pass by itself (double names, names that differ in case, \u0000, 1e400,
 * octets after the value, bad UTF-8) never reaches a caller. */
#ifndef RELAY_AUTH_JSON_H
#define RELAY_AUTH_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "msrp/str.h"

#define RELAY_JSON_JWT_MAX   16384            /* octets of one part of a token */
#define RELAY_JSON_JWKS_MAX  262144           /* octets of a key set */
#define RELAY_JSON_DEPTH_MAX 16               /* arrays and objects inside each other */
#define RELAY_JSON_NODES_MAX 2000             /* values of any kind */
#define RELAY_JSON_INT_MAX   9007199254740992 /* 2^53: the largest |n| an integer may have */

struct relay_json;       /* a document; owns all its values */
struct relay_json_value; /* a value in a document; borrowed, valid until relay_json_free */

enum relay_json_type {
    RELAY_JSON_NULL,
    RELAY_JSON_BOOL,
    RELAY_JSON_NUMBER,
    RELAY_JSON_STRING,
    RELAY_JSON_ARRAY,
    RELAY_JSON_OBJECT,
};

/* Reads the n octets at p, at most `max`, as one JSON value with nothing but white space around it.
 * Nothing of p is kept. On success *out is a document to be freed; on error it is NULL. Returns 0,
 * RELAY_E_JSON_SIZE (over max), _UTF8 (also a lone surrogate), _NUL (also \u0000), _DEPTH, _NODES,
 * _DUPLICATE (decoded names, case counts), _TRAILING, _NUMBER (not finite), _SYNTAX, or
 * RELAY_E_NOMEM. */
int relay_json_parse(const char *p, size_t n, size_t max, struct relay_json **out)
    __attribute__((warn_unused_result));

/* Frees a document and wipes its strings. NULL is allowed. */
void relay_json_free(struct relay_json *json);

/* The outermost value. Never NULL. */
const struct relay_json_value *relay_json_root(const struct relay_json *json);

enum relay_json_type relay_json_type(const struct relay_json_value *value);

/* The member `name` (case counts) of an object; NULL when it is absent or value is no object. */
const struct relay_json_value *relay_json_get(const struct relay_json_value *value,
                                              const char *name);

/* The first value in an array or object, and the one behind `value`; NULL past the last and for
 * values that hold none. */
const struct relay_json_value *relay_json_first(const struct relay_json_value *value);
const struct relay_json_value *relay_json_next(const struct relay_json_value *value);

/* The name of a member of an object; empty for array elements and the root. */
struct msrp_str relay_json_name(const struct relay_json_value *value);

/* The typed content of a value; numbers are finite; value may be NULL (an absent member). 0, or
 * RELAY_E_JSON_TYPE when it is NULL or of another type. relay_json_integer also gives
 * RELAY_E_JSON_NUMBER for a fraction and for |n| > 2^53. A string is borrowed UTF-8 without any NUL
 * inside (a NUL follows it). */
int relay_json_string(const struct relay_json_value *value, struct msrp_str *out)
    __attribute__((warn_unused_result));
int relay_json_number(const struct relay_json_value *value, double *out)
    __attribute__((warn_unused_result));
int relay_json_integer(const struct relay_json_value *value, int64_t *out)
    __attribute__((warn_unused_result));
int relay_json_bool(const struct relay_json_value *value, bool *out)
    __attribute__((warn_unused_result));

#endif
