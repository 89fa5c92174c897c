/* input.h - what commands read: whole files or standard input, capped. */
#ifndef RELAY_CMD_INPUT_H
#define RELAY_CMD_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads a file ("-": standard input) of at most `cap` octets; *p is followed by a NUL and freed by
 * the caller. 0; RELAY_E_IO (errno); RELAY_E_TOO_LARGE; RELAY_E_NOMEM. */
int relay_input_read(const char *path, size_t cap, char **p, size_t *n)
    __attribute__((warn_unused_result));

/* Reads the first line of a file, without its end: a secret, freed with relay_input_forget. As
 * relay_input_read. */
int relay_input_line(const char *path, size_t cap, char **p) __attribute__((warn_unused_result));
void relay_input_forget(char *p); /* wipes it; NULL is allowed */

/* Is it an access token (rfc6750#2.1), at least one character? */
bool relay_input_is_token(const char *text);

/* Turns hexadecimal text, with any white space and colons between, into octets, in place. 0 and *n,
 * or RELAY_E_CONF and *n is the offset of the character that is none. */
int relay_input_unhex(char *p, size_t *n) __attribute__((warn_unused_result));

/* A decimal number of 1..max. 0 or RELAY_E_CONF. */
int relay_input_number(const char *text, uint64_t max, uint64_t *number)
    __attribute__((warn_unused_result));

#endif
