#include "relay/cmd/person.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>

#include "msrp/msrp.h"
#include "relay/cmd/cmd.h"
#include "relay/cmd/input.h"
#include "relay/err.h"
#include "relay/ops/keydir.h"

enum { TOKEN_MAX = 16384 };

bool relay_person_option(struct relay_person *person, int option, const char *value)
{
    switch (option) {
    case RELAY_PERSON_RELAY:
        /* rfc4975#9: a transport belongs to the URI; people leave it out */
        snprintf(person->relay, sizeof(person->relay), "%s%s", value,
                 strchr(value, ';') == NULL ? ";tcp" : "");
        return true;
    case RELAY_PERSON_CONNECT:
        person->connect = value;
        return true;
    case RELAY_PERSON_CA:
        person->ca = value;
        return true;
    case RELAY_PERSON_TOKEN:
        person->token_file = value;
        return true;
    case RELAY_PERSON_ME:
        person->me = value;
        return true;
    case RELAY_PERSON_KEYS:
        person->keys_file = value;
        return true;
    case RELAY_PERSON_KEK:
        person->kek_file = value;
        return true;
    default:
        return false;
    }
}

/* What went wrong with a file, in words. */
static const char *why(int err)
{
    return err == RELAY_E_IO && errno != 0 ? strerror(errno) : relay_strerror(err);
}

static int read_token(struct relay_person *person)
{
    size_t n;
    int err = relay_input_read(person->token_file, TOKEN_MAX, &person->token, &n);
    if (err != 0) {
        return relay_cmd_fail(person->command, RELAY_EXIT_FAILED, "%s: %s", person->token_file,
                              why(err));
    }
    n = strcspn(person->token, "\r\n");
    person->token[n] = '\0';
    if (n == 0 || strspn(person->token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                        "0123456789-._~+/=") != n) {
        return relay_cmd_fail(person->command, RELAY_EXIT_FAILED, "%s: not an access token",
                              person->token_file);
    }
    return RELAY_EXIT_OK;
}

static int read_keys(struct relay_person *person)
{
    DPP_SCRUB(kek, 32);
    int err = dpp_keys_init(0);
    if (err == DPP_E_HEAP_UNLOCKED) {
        fprintf(stderr, "mcrelay %s: warning: %s\n", person->command, relay_strerror(err));
    } else if (err != 0) {
        return relay_cmd_fail(person->command, RELAY_EXIT_FAILED, "%s", relay_strerror(err));
    }
    errno = 0;
    err = relay_keydir_kek(person->kek_file, kek.p);
    if (err != 0) {
        return relay_cmd_fail(person->command, RELAY_EXIT_FAILED, "%s: %s", person->kek_file,
                              why(err));
    }
    errno = 0;
    err = relay_keydir_read(person->keys_file, kek.p, 0, &person->keys);
    if (err != 0) {
        return relay_cmd_fail(person->command, RELAY_EXIT_FAILED, "%s: %s", person->keys_file,
                              why(err));
    }
    const struct dpp_keyed *csk =
        dpp_store_for(person->keys, DPP_ROLE_CSK, person->me, NULL, time(NULL));
    person->csk = csk != NULL ? csk->key : NULL;
    return RELAY_EXIT_OK;
}

int relay_person_open(struct relay_person *person)
{
    struct msrp_uri uri;
    int err;
    if (person->relay[0] == '\0' || person->token_file == NULL || person->me == NULL) {
        return relay_cmd_usage(person->command, "--relay, --token and --me are needed");
    }
    if ((person->keys_file == NULL) != (person->kek_file == NULL)) {
        return relay_cmd_usage(person->command, "--keys and --kek go together");
    }
    if (msrp_uri_parse(&uri, msrp_str_of(person->relay)) != 0) {
        return relay_cmd_usage(person->command, "%s is not msrps://NAME:PORT or msrp://NAME:PORT",
                               person->relay);
    }
    int rc = read_token(person);
    if (rc == RELAY_EXIT_OK && person->keys_file != NULL) {
        rc = read_keys(person);
    }
    if (rc != RELAY_EXIT_OK) {
        return rc;
    }
    person->dial = relay_dial_new(person->ca, &err);
    if (person->dial == NULL) {
        return relay_cmd_fail(person->command, RELAY_EXIT_FAILED, "%s: no usable certificates: %s",
                              person->ca != NULL ? person->ca : "the system", relay_strerror(err));
    }
    return RELAY_EXIT_OK;
}

void relay_person_close(struct relay_person *person)
{
    relay_dial_free(person->dial);
    dpp_store_free(person->keys);
    if (person->token != NULL) {
        OPENSSL_cleanse(person->token, strlen(person->token));
        free(person->token);
    }
}

struct relay_line_conf relay_person_line(const struct relay_person *person)
{
    return (struct relay_line_conf){
        .client = {.relay = person->relay,
                   .me = person->me,
                   .token = person->token,
                   .keys = person->keys,
                   .csk = person->csk},
        .connect = person->connect,
    };
}

const struct dpp_key *relay_person_key(const struct relay_person *person, enum dpp_role role,
                                       const char *peer)
{
    const struct dpp_keyed *row =
        person->keys != NULL ? dpp_store_for(person->keys, role, person->me, peer, time(NULL))
                             : NULL;
    return row != NULL ? row->key : NULL;
}
