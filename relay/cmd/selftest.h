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
    RELAY_SELFTEST_LATER, /* needs curve arithmetic, which this version does not have */
};

/* Where results go: one call per vector. */
struct relay_selftest {
    bool json;
    size_t passed, failed, inputs, later;
};

/* Reports one vector: its name, where its value comes from, and how it went. */
void relay_selftest_report(struct relay_selftest *test, const char *name, const char *source,
                           enum relay_selftest_result result);

/* The vectors of the RFCs, from tests/vectors/rfc.json: an array of {name, source, hex}. Every one
 * is reported: computed, an input of one that is computed, or left for later. A vector that is
 * missing or does not read is a FAIL. */
void relay_selftest_rfc(struct relay_selftest *test, const struct relay_json_value *file);

/* Known answers that are built in: SHA-256, HMAC, GCM, KDF, sealed frames. */
void relay_selftest_builtin(struct relay_selftest *test);

/* Decodes hex text of n characters into out; returns the octets, or -1. */
int relay_selftest_hex(const char *hex, size_t n, uint8_t *out, size_t cap);

#endif
