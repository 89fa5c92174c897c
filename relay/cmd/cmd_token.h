/* cmd_token.h - what the two halves of mcrelay token share. */
#ifndef RELAY_CMD_CMD_TOKEN_H
#define RELAY_CMD_CMD_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RELAY_TOKEN_LIST_MAX 32 /* times that a repeatable option may stand */

struct relay_token_list {
    const char *p[RELAY_TOKEN_LIST_MAX];
    size_t n;
};

/* The command line; an option that was not given is NULL. */
struct relay_token_options {
    const char *key, *kid, *iss, *aud, *scope, *client_id, *mcdata_id, *mcptt_id;
    const char *out_key, *out_jwks, *jwks;
    const char *file; /* "-": standard input */
    int64_t ttl_s, skew_s;
    int64_t now_s; /* -1: the clock */
    struct relay_token_list claims, domains, iops_domains, iops_users, revoked;
    bool is_json, is_help;
};

/* Writes "mcrelay token: <text>" to stderr, a hint behind it when exit_code is RELAY_EXIT_USAGE.
 * Returns exit_code. */
int relay_token_complain(int exit_code, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Prints the token in o->file, and whether it would be accepted when o->jwks and o->iss say by
 * whom. Returns an enum relay_exit. */
int relay_token_inspect(const struct relay_token_options *o);

#endif
