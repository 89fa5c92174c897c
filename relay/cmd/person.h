/* person.h - who speaks: the options that send and recv share, and what they open. */
#ifndef RELAY_CMD_PERSON_H
#define RELAY_CMD_PERSON_H

#include <getopt.h>

#include "msrp/uri.h"
#include "relay/loop/dial.h"

enum {
    RELAY_PERSON_RELAY = 512,
    RELAY_PERSON_CONNECT,
    RELAY_PERSON_CA,
    RELAY_PERSON_TOKEN,
    RELAY_PERSON_ME,
    RELAY_PERSON_KEYS,
    RELAY_PERSON_KEK,
};

/* Rows for getopt_long. */
#define RELAY_PERSON_OPTIONS                                                                       \
    {"relay", required_argument, NULL, RELAY_PERSON_RELAY},                                        \
        {"connect", required_argument, NULL, RELAY_PERSON_CONNECT},                                \
        {"ca", required_argument, NULL, RELAY_PERSON_CA},                                          \
        {"token", required_argument, NULL, RELAY_PERSON_TOKEN},                                    \
        {"me", required_argument, NULL, RELAY_PERSON_ME},                                          \
        {"keys", required_argument, NULL, RELAY_PERSON_KEYS},                                      \
    {                                                                                              \
        "kek", required_argument, NULL, RELAY_PERSON_KEK                                           \
    }

/* Lines for --help. */
#define RELAY_PERSON_HELP                                                                          \
    "  --relay URI       msrps://NAME:PORT; NAME is what its certificate is for\n"                 \
    "  --connect A:PORT  where to connect to, instead of asking DNS for NAME\n"                    \
    "  --ca FILE         PEM certificates to trust; else those of the system\n"                    \
    "  --token FILE      the access token (- reads it from standard input)\n"                      \
    "  --me URI          own MCData ID\n"                                                          \
    "  --keys FILE       sealed key file with PCK, GMK and CSK\n"                                  \
    "  --kek FILE        the key that opens it\n"

struct relay_person {
    const char *command; /* "send", for complaints */
    const char *connect, *ca, *token_file, *me, *keys_file, *kek_file;
    char relay[MSRP_URI_MAX + 1];
    char *token;
    struct dpp_store *keys;
    const struct dpp_key *csk;
    struct relay_dial *dial;
};

/* Takes one option; false when it is none of ours. */
bool relay_person_option(struct relay_person *person, int option, const char *value);

/* Reads token and keys and makes the dial. RELAY_EXIT_OK, or an exit code after a complaint. */
int relay_person_open(struct relay_person *person);
void relay_person_close(struct relay_person *person);

/* The configuration of a line of this person; the caller adds its callback. */
struct relay_line_conf relay_person_line(const struct relay_person *person);

/* The key that protects what this person sends to `peer`: of a PCK the pair may stand either way
 * round in the file, a GMK serves every member. NULL when none is usable now. */
const struct dpp_key *relay_person_key(const struct relay_person *person, enum dpp_role role,
                                       const char *peer);

#endif
