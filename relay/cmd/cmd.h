/* cmd.h - what every subcommand of mcrelay shares.
 *
 * A subcommand lives in relay/cmd/cmd_<name>.c and gives int relay_cmd_<name>(argc, argv), with
 * argv[0] = its name. Options by getopt_long, long names only for what is rare; every subcommand
 * knows --help (text with an example on stdout, exit 0) and, where a program would read its output,
 * --json. Secrets never come from argv. Results go to stdout, complaints to stderr as
 * "mcrelay <name>: <text>". */
#ifndef RELAY_CMD_CMD_H
#define RELAY_CMD_CMD_H

#include <stdbool.h>
#include <stdio.h>

enum relay_exit {
    RELAY_EXIT_OK = 0,
    RELAY_EXIT_FAILED = 1,  /* it was tried and went wrong: input, output, network */
    RELAY_EXIT_USAGE = 2,   /* the command line makes no sense; a hint is on stderr */
    RELAY_EXIT_REFUSED = 3, /* the other side, a policy or a key said no */
};

struct relay_cmd {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary; /* one line for the table of --help */
};

/* Complains on stderr: "mcrelay NAME: " and the text, and for usage errors where the help is.
 * relay_cmd_usage returns RELAY_EXIT_USAGE, relay_cmd_fail the exit code given. */
int relay_cmd_usage(const char *name, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
int relay_cmd_fail(const char *name, enum relay_exit code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Does --path stand among the options? Then it is a plain MSRP session. */
bool relay_cmd_has_path(int argc, char **argv);

/* Prints text as a JSON string with its quotes (relay_quote_json). */
void relay_cmd_json(FILE *f, const char *text);

int relay_cmd_send(int argc, char **argv);
int relay_cmd_send_path(int argc, char **argv); /* send --path */
int relay_cmd_recv(int argc, char **argv);
int relay_cmd_recv_path(int argc, char **argv); /* recv --path */
int relay_cmd_token(int argc, char **argv);
int relay_cmd_key(int argc, char **argv);
int relay_cmd_group(int argc, char **argv);
int relay_cmd_kms(int argc, char **argv);
int relay_cmd_mikey(int argc, char **argv);
int relay_cmd_decode(int argc, char **argv);
int relay_cmd_check(int argc, char **argv);
int relay_cmd_selftest(int argc, char **argv);

#endif
