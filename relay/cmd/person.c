#include "relay/cmd/person.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "msrp/msrp.h"
#include "relay/client/keying.h"
#include "relay/cmd/cmd.h"
#include "relay/cmd/input.h"
#include "relay/err.h"
#include "relay/ops/keydir.h"

enum {
    TOKEN_MAX = 16384,
    KEYS_ROOM = 1024, /* keys that may come while the program runs */
    REPLAY_ROOM = 4096,
    HEAP_OCTETS = 512 * 1024, /* of secure heap, for all but keys and key sets */
};

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
    case RELAY_PERSON_KEYSET:
        person->keyset_file = value;
        return true;
    case RELAY_PERSON_MDSI:
        person->mdsi = value;
        return true;
    case RELAY_PERSON_MANAGER:
        if (person->managers_n == RELAY_PERSON_MANAGERS_MAX) {
            return false;
        }
        person->managers[person->managers_n++] = value;
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
    int err = relay_input_line(person->token_file, TOKEN_MAX, &person->token);
    if (err != 0) {
        return relay_cmd_fail(person->command, RELAY_EXIT_FAILED, "%s: %s", person->token_file,
                              why(err));
    }
    if (!relay_input_is_token(person->token)) {
        return relay_cmd_fail(person->command, RELAY_EXIT_FAILED, "%s: not an access token",
                              person->token_file);
    }
    return RELAY_EXIT_OK;
}

static int fail(const struct relay_person *person, const char *path, int err)
{
    return relay_cmd_fail(person->command, RELAY_EXIT_FAILED, "%s: %s", path, why(err));
}

/* Reads the key file with room for more; one that is absent is empty where it may be made. */
static int read_store(const struct relay_person *person, struct dpp_store **store)
{
    errno = 0;
    int err = relay_keydir_read(person->keys_file, person->kek.p, KEYS_ROOM, store);
    if (err == RELAY_E_IO && errno == ENOENT && person->keyset_file != NULL) {
        *store = dpp_store_new(KEYS_ROOM);
        err = *store != NULL ? 0 : RELAY_E_NOMEM;
    }
    return err;
}

static int read_ring(struct relay_person *person)
{
    errno = 0;
    int err = relay_keydir_read_ring(person->keyset_file, person->kek.p, person->me, time(NULL),
                                     &person->ring);
    if (err == 0) {
        person->replay = dpp_mikey_replay_new(REPLAY_ROOM, DPP_MIKEY_WINDOW_S);
        err = person->replay != NULL ? 0 : RELAY_E_NOMEM;
    }
    return err != 0 ? fail(person, person->keyset_file, err) : RELAY_EXIT_OK;
}

/* A heap for the keys of the file twice (when it is read again), those that come, and the key
 * sets. */
static int make_heap(const struct relay_person *person)
{
    size_t keys = 2 * relay_keydir_keys_max(person->keys_file) + KEYS_ROOM;
    size_t sets = person->keyset_file != NULL ? relay_keydir_heap(person->keyset_file) : 0;
    return dpp_keys_init(HEAP_OCTETS + keys * DPP_KEYS_OCTETS + sets);
}

static int read_keys(struct relay_person *person)
{
    int err = make_heap(person);
    if (err == DPP_E_HEAP_UNLOCKED) {
        fprintf(stderr, "mcrelay %s: warning: %s\n", person->command, relay_strerror(err));
    } else if (err != 0) {
        return relay_cmd_fail(person->command, RELAY_EXIT_FAILED, "%s", relay_strerror(err));
    }
    errno = 0;
    err = relay_keydir_kek(person->kek_file, person->kek.p);
    if (err != 0) {
        return fail(person, person->kek_file, err);
    }
    err = read_store(person, &person->keys);
    const struct dpp_keyed *csk =
        err == 0 && person->mdsi == NULL
            ? dpp_store_for(person->keys, DPP_ROLE_CSK, person->me, NULL, time(NULL))
            : NULL;
    if (csk != NULL) { /* a copy: the store changes while it is used */
        err = dpp_key_copy(&person->csk, csk->key);
    }
    if (err != 0) {
        return fail(person, person->keys_file, err);
    }
    return person->keyset_file != NULL ? read_ring(person) : RELAY_EXIT_OK;
}

/* The store of the client follows the file: what others added is there, what was erased is gone. */
static int take_over(struct dpp_store *keys, const struct dpp_store *disk)
{
    int err = 0;
    while (err == 0 && dpp_store_count(keys) > 0) {
        err = dpp_store_remove(keys, dpp_key_id(dpp_store_at(keys, 0)->key));
    }
    for (size_t i = 0; i < dpp_store_count(disk) && err == 0; i++) {
        err = dpp_store_add_copy(keys, dpp_store_at(disk, i));
    }
    return err;
}

/* The key file with its lock, into *disk; nothing to be undone after an error. */
static int open_file(const struct relay_person *person, int *lock, struct dpp_store **disk)
{
    errno = 0;
    *disk = NULL;
    *lock = relay_keydir_lock(person->keys_file);
    int err = *lock < 0 ? *lock : read_store(person, disk);
    if (err != 0) {
        relay_keydir_unlock(*lock);
    }
    return err;
}

int relay_person_seal(struct relay_person *person, uint32_t id)
{
    struct dpp_store *disk;
    int lock, err = open_file(person, &lock, &disk);
    if (err == 0) {
        err = relay_keying_copy(disk, person->keys, id);
        err = err != 0 ? err : relay_keydir_write(person->keys_file, person->kek.p, disk);
        relay_keydir_unlock(lock);
    }
    dpp_store_free(disk);
    return err != 0 ? fail(person, person->keys_file, err) : RELAY_EXIT_OK;
}

static int reread(struct relay_person *person)
{
    struct dpp_store *disk;
    int lock, err = open_file(person, &lock, &disk);
    if (err == 0) {
        relay_keydir_unlock(lock);
        err = take_over(person->keys, disk);
    }
    dpp_store_free(disk);
    return err != 0 ? fail(person, person->keys_file, err) : RELAY_EXIT_OK;
}

bool relay_person_told(struct relay_person *person, const struct relay_client_event *event,
                       int *code)
{
    *code = RELAY_EXIT_OK;
    switch (event->kind) {
    case RELAY_CLIENT_KEYED:
        *code = relay_person_seal(person, event->key_id);
        return true;
    case RELAY_CLIENT_KEY_WANTED:
        *code = reread(person);
        return true;
    case RELAY_CLIENT_KEY_REFUSED:
        fprintf(stderr, "mcrelay %s: a key from %s is not taken: %s\n", person->command,
                event->from, event->text);
        return true;
    default:
        return false;
    }
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
    if (person->keyset_file == NULL ? person->mdsi != NULL || person->managers_n > 0
                                    : person->keys_file == NULL) {
        return relay_cmd_usage(person->command, "--keyset needs --keys, and --mdsi and --manager "
                                                "need --keyset");
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
    dpp_key_free(person->csk);
    dpp_store_free(person->keys);
    dpp_ring_free(person->ring);
    dpp_mikey_replay_free(person->replay);
    dpp_scrub_32(&person->kek);
    relay_input_forget(person->token);
}

struct relay_line_conf relay_person_line(const struct relay_person *person)
{
    return (struct relay_line_conf){
        .client = {.relay = person->relay,
                   .me = person->me,
                   .token = person->token,
                   .keys = person->keys,
                   .csk = person->csk,
                   .ring = person->ring,
                   .mdsi = person->mdsi,
                   .managers = person->managers,
                   .managers_n = person->managers_n,
                   .mikey_replay = person->replay},
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
