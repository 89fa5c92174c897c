/* selftest.h - the test vectors, computed by the code that ships on the machine where it runs. */
#ifndef RELAY_CMD_SELFTEST_H
#define RELAY_CMD_SELFTEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/auth/json.h"

enum relay_selftest_result {
    RELAY_SELFTEST_PASS,
    RELAY_SELFTEST_FAIL,
    RELAY_SELFTEST_INPUT, /* a given value that other vectors are computed from */
};

/* Where results go: one call per vector. */
struct relay_selftest {
    bool json;
    size_t passed, failed, inputs;
};

/* Reports one vector: its name, where its value comes from, and how it went. */
void relay_selftest_report(struct relay_selftest *test, const char *name, const char *source,
                           enum relay_selftest_result result);

/* The vectors of the RFCs, from tests/vectors/rfc.json: an array of {name, source, hex}. Every one
 * is reported: computed, or an input of one that is computed. A vector that is missing, does not
 * read or is of no use here is a FAIL. */
void relay_selftest_rfc(struct relay_selftest *test, const struct relay_json_value *file);

/* One vector of the file, and all of them. */
enum { RELAY_SELFTEST_VECTORS = 128, RELAY_SELFTEST_OCTETS = 1024 };
struct relay_selftest_vector {
    char name[64], source[64];
    uint8_t p[RELAY_SELFTEST_OCTETS]; /* decoded hex, or the text */
    size_t n;
    unsigned bits; /* a number that was given in decimal: 256 or less */
    bool told;
};
struct relay_selftest_vectors {
    struct relay_selftest_vector v[RELAY_SELFTEST_VECTORS];
    size_t n;
};
struct relay_selftest_vector *relay_selftest_find(struct relay_selftest_vectors *all,
                                                  const char *name);

/* What needs curve arithmetic: ECCSI (RFC 6507) and SAKKE (RFC 6508, 6509), with the functions that
 * key messages are made and opened with. Reports what it computes and marks it told. */
void relay_selftest_curve(struct relay_selftest *test, struct relay_selftest_vectors *all);

/* Known answers that are built in: SHA-256, HMAC, GCM, KDF, sealed frames. */
void relay_selftest_builtin(struct relay_selftest *test);

/* The benchmark: prints what key messages cost as ratios against primitives of OpenSSL timed in the
 * same run, and the memory of the tables. True when every ratio is reached. Some 20 seconds. */
bool relay_selftest_bench(bool json);

/* Decodes hex text of n characters into out; returns the octets, or -1. */
int relay_selftest_hex(const char *hex, size_t n, uint8_t *out, size_t cap);

#endif
