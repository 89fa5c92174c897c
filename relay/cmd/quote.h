/* quote.h - text from the wire for terminals and for programs. */
#ifndef RELAY_CMD_QUOTE_H
#define RELAY_CMD_QUOTE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Writes text so that no octet of it can steer a terminal: control characters (but newline and
 * tab), bidirectional overrides and what is not UTF-8 become '?'. */
void relay_quote_text(FILE *out, const void *p, size_t n);

/* Writes a JSON string with its quotes; what is not UTF-8 becomes U+FFFD. */
void relay_quote_json(FILE *out, const void *p, size_t n);

/* `,"name":"value"` and `,"name":number`, for objects written by hand. */
void relay_quote_member(FILE *out, const char *name, const char *value);
void relay_quote_number(FILE *out, const char *name, uint64_t value);

/* 16 octets in UUID form, with NUL. */
void relay_quote_uuid(char out[37], const uint8_t id[16]);

#endif
