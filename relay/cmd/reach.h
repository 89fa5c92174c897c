/* reach.h - how a plain MSRP session comes about: the options that `send --path` and `recv --path`
 * share, and what they open. */
#ifndef RELAY_CMD_WAY_H
#define RELAY_CMD_WAY_H

#include <getopt.h>
#include <stdbool.h>

#include "msrp/uri.h"
#include "relay/loop/ends.h"

enum {
    RELAY_REACH_RELAY = 512,
    RELAY_REACH_CONNECT,
    RELAY_REACH_CA,
    RELAY_REACH_TOKEN,
    RELAY_REACH_DIGEST,
    RELAY_REACH_PASSWORD,
    RELAY_REACH_RELAYS_MAX = 2,
};

/* Rows for getopt_long. */
#define RELAY_REACH_OPTIONS                                                                        \
    {"relay", required_argument, NULL, RELAY_REACH_RELAY},                                         \
        {"connect", required_argument, NULL, RELAY_REACH_CONNECT},                                 \
        {"ca", required_argument, NULL, RELAY_REACH_CA},                                           \
        {"token", required_argument, NULL, RELAY_REACH_TOKEN},                                     \
        {"digest", required_argument, NULL, RELAY_REACH_DIGEST},                                   \
    {                                                                                              \
        "password-file", required_argument, NULL, RELAY_REACH_PASSWORD                             \
    }

/* Lines for --help. */
#define RELAY_REACH_HELP                                                                           \
    "  --relay URI       own relay, msrps://NAME:PORT; twice: the second through the first.\n"     \
    "                    Without PORT: as the SRV records of NAME say, else 2855\n"                \
    "  --connect A:P     where to connect to, instead of asking DNS\n"                             \
    "  --ca FILE         PEM certificates to trust; else those of the system\n"                    \
    "  --token FILE      access token; twice: the second is for the second relay\n"                \
    "  --digest USER     or a user's name, with\n"                                                 \
    "  --password-file F his password\n"

struct relay_reach {
    const char *command; /* for complaints */
    const char *connect, *ca, *user, *password_file;
    char uris[RELAY_REACH_RELAYS_MAX][MSRP_URI_MAX + 1];
    struct relay_endpoint_relay relays[RELAY_REACH_RELAYS_MAX];
    size_t relays_n;
    const char *token_files[RELAY_REACH_RELAYS_MAX]; /* the last one serves the relays behind too */
    size_t tokens_n;
    char *tokens[RELAY_REACH_RELAYS_MAX], *password;
    struct relay_dial *dial;
};

/* Takes one option; false when it is none of ours, or, after a complaint, one relay too many. */
bool relay_reach_option(struct relay_reach *way, int option, const char *value);

/* Reads the secrets and makes the dial. RELAY_EXIT_OK, or an exit code after a complaint. */
int relay_reach_open(struct relay_reach *way);
void relay_reach_close(struct relay_reach *way);

#endif
