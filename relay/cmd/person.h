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
    RELAY_PERSON_KEYSET,
    RELAY_PERSON_MDSI,
    RELAY_PERSON_MANAGER,
    RELAY_PERSON_MANAGERS_MAX = 32,
};

/* Rows for getopt_long. */
#define RELAY_PERSON_OPTIONS                                                                       \
    {"relay", required_argument, NULL, RELAY_PERSON_RELAY},                                        \
        {"connect", required_argument, NULL, RELAY_PERSON_CONNECT},                                \
        {"ca", required_argument, NULL, RELAY_PERSON_CA},                                          \
        {"token", required_argument, NULL, RELAY_PERSON_TOKEN},                                    \
        {"me", required_argument, NULL, RELAY_PERSON_ME},                                          \
        {"keys", required_argument, NULL, RELAY_PERSON_KEYS},                                      \
        {"keyset", required_argument, NULL, RELAY_PERSON_KEYSET},                                  \
        {"mdsi", required_argument, NULL, RELAY_PERSON_MDSI},                                      \
        {"manager", required_argument, NULL, RELAY_PERSON_MANAGER},                                \
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
    "  --keys FILE       sealed key file with PCK, GMK and CSK; with --keyset it is made when\n"   \
    "                    absent, and keys that come or are made are kept in it\n"                  \
    "  --kek FILE        the key that opens it, and the key set\n"                                 \
    "  --keyset FILE     own key set (mcrelay key fetch): keys travel by MIKEY-SAKKE\n"            \
    "  --mdsi URI        the relay's MIKEY identity: a fresh CSK is uploaded to it at each "       \
    "start\n"                                                                                      \
    "  --manager URI     take GMKs from this user (may be repeated)\n"

struct relay_person {
    const char *command; /* "send", for complaints */
    const char *connect, *ca, *token_file, *me, *keys_file, *kek_file, *keyset_file, *mdsi;
    const char *managers[RELAY_PERSON_MANAGERS_MAX];
    size_t managers_n;
    char relay[MSRP_URI_MAX + 1];
    char *token;
    struct dpp_scrub_32 kek;
    struct dpp_store *keys;
    struct dpp_key *csk;
    struct dpp_ring *ring;
    struct dpp_mikey_replay *replay;
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

/* Takes the key events of a client. KEYED: that key goes into the key file, or out of it, and the
 * others there stay as they are; KEY_WANTED: what other programs of this user changed in the file
 * is taken over; KEY_REFUSED: a complaint. True when it was one of these; *code: RELAY_EXIT_OK, or
 * the exit code after a complaint when the file does not take it: then the program must not go on.
 */
bool relay_person_told(struct relay_person *person, const struct relay_client_event *event,
                       int *code);

/* Writes one key of person->keys, or that it is gone, to the key file under its lock.
 * RELAY_EXIT_OK, or an exit code after a complaint. */
int relay_person_seal(struct relay_person *person, uint32_t id);

#endif
