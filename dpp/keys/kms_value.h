/* kms_value.h - the values of KMS documents as text: dates, numbers, hexadecimal, base64. */
#ifndef DPP_KEYS_KMS_VALUE_H
#define DPP_KEYS_KMS_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dpp/cur.h"

/* Each reads a whole NUL-terminated text and returns false when it is not of the form. */

/* An xs:dateTime after 1970-01-01T00:00:00Z and up to 9999: with Z, an offset to UTC, or neither
 * (UTC); the fraction of a second is dropped. */
bool dpp_kms_value_time(const char *text, int64_t *unix_s);
/* Decimal digits, at most max. */
bool dpp_kms_value_number(const char *text, uint64_t max, uint64_t *number);
/* true, false, 1, 0. */
bool dpp_kms_value_bool(const char *text, bool *is);
/* Exactly out_n octets in hexadecimal, of any case. Constant-time in nothing. */
bool dpp_kms_value_hex(const char *text, uint8_t *out, size_t out_n);
/* 32 octets in hexadecimal or in base64 with or without its padding. */
bool dpp_kms_value_id(const char *text, uint8_t out[32]);

void dpp_kms_value_put_time(struct dpp_out *o, int64_t unix_s); /* 2026-01-31T23:59:59Z */
void dpp_kms_value_put_number(struct dpp_out *o, uint64_t number);
void dpp_kms_value_put_hex(struct dpp_out *o, const uint8_t *p, size_t n);

#endif
