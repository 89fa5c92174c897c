/* cmd_key_erase.c - mcrelay key erase: keys wiped from the files where they rest. */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "relay/cmd/cmd.h"
#include "relay/cmd/kms_files.h"
#include "relay/err.h"
#include "relay/ops/keydir.h"

#define KEYSETS_MAX 8

static const char help[] =
    "usage: mcrelay key erase --file FILE --kek KEK (--role ROLE | --id HEX)\n"
    "       mcrelay key erase --all --kek KEK [--file FILE] [--keyset FILE ...]\n"
    "\n"
    "The first form takes keys out of a sealed key file: all of one role (pck, gmk, csk), or one "
    "by\n"
    "its ID. The file is written anew without them, and the octets of the old one are "
    "overwritten.\n"
    "\n"
    "The second form ends it all: the KEK is overwritten and removed first, so that nothing that "
    "was\n"
    "ever sealed under it opens again, wherever a copy lies; then the key file and the key sets.\n"
    "\n"
    "What is gone: the files' octets at their place. What is not: copies of the KEK itself in a\n"
    "backup, a snapshot, or blocks that a copy-on-write file system or a flash disk keeps. A "
    "program\n"
    "that runs holds its keys in memory until it ends; stop it first.\n"
    "\n"
    "example: mcrelay key erase --file alice.keys --kek alice.kek --role gmk\n"
    "         mcrelay key erase --all --kek alice.kek --file alice.keys --keyset alice.set\n"
    "\n"
    "exit: 0 done, 1 failed, 2 usage, 3 refused (wrong KEK or mode, or no such key)\n";

/* What the command line said. */
struct words {
    const char *file, *kek, *keysets[KEYSETS_MAX];
    size_t keysets_n;
    int role; /* -1: not given */
    bool has_id, all;
    uint32_t id;
};

static int read_words(struct words *w, int argc, char **argv)
{
    static const struct option options[] = {
        {"file", 1, NULL, 'f'}, {"kek", 1, NULL, 'k'}, {"keyset", 1, NULL, 's'},
        {"role", 1, NULL, 'r'}, {"id", 1, NULL, 'i'},  {"all", 0, NULL, 'a'},
        {NULL, 0, NULL, 0},
    };
    int c;

    optind = 1;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case 'f':
            w->file = optarg;
            break;
        case 'k':
            w->kek = optarg;
            break;
        case 's':
            if (w->keysets_n == KEYSETS_MAX)
                return relay_cmd_usage("key", "at most %d key sets", KEYSETS_MAX);
            w->keysets[w->keysets_n++] = optarg;
            break;
        case 'r':
            if ((w->role = dpp_role_parse(optarg)) < 0)
                return relay_cmd_usage("key", "no role \"%s\": pck, gmk or csk", optarg);
            break;
        case 'i':
            if (strlen(optarg) != 8 || strspn(optarg, "0123456789abcdefABCDEF") != 8)
                return relay_cmd_usage("key", "--id takes 8 hexadecimal digits");
            w->id = (uint32_t)strtoul(optarg, NULL, 16);
            w->has_id = true;
            break;
        case 'a':
            w->all = true;
            break;
        default:
            return relay_cmd_usage("key", "that is not understood");
        }
    }
    if (optind < argc)
        return relay_cmd_usage("key", "\"%s\" is one word too many", argv[optind]);
    if (w->kek == NULL || (w->role >= 0) + w->has_id + w->all != 1)
        return relay_cmd_usage("key", "erase needs --kek and one of --role, --id and --all");
    if (w->all ? w->file == NULL && w->keysets_n == 0 : w->file == NULL || w->keysets_n > 0)
        return relay_cmd_usage("key", "--role and --id are for one --file; --all is for --file, "
                                      "--keyset or both");
    return RELAY_EXIT_OK;
}

/* Every key of the role, or the one. Returns how many, or an error. */
static int take_out(const struct words *w, struct dpp_store *store)
{
    int gone = 0, rc = 0;

    for (size_t i = dpp_store_count(store); i > 0 && rc == 0; i--) {
        const struct dpp_key *key = dpp_store_at(store, i - 1)->key;
        if (w->has_id ? dpp_key_id(key) != w->id : (int)dpp_key_role(key) != w->role)
            continue;
        rc = dpp_store_remove(store, dpp_key_id(key));
        gone++;
    }
    return rc != 0 ? rc : gone == 0 ? DPP_E_KEY_ABSENT : gone;
}

static int erase_some(const struct words *w)
{
    DPP_SCRUB(kek, 32);
    struct dpp_store *store = NULL;
    int gone = 0, rc = dpp_keys_init(0);

    if (rc == DPP_E_HEAP_UNLOCKED)
        rc = 0; /* keys are here for a moment only */
    if (rc == 0 && (rc = relay_keydir_kek(w->kek, kek.p)) != 0)
        return relay_kms_fail("key", w->kek, rc);
    int lock = rc == 0 ? relay_keydir_lock(w->file) : rc;
    if (lock >= 0)
        rc = relay_keydir_read(w->file, kek.p, 0, &store);
    else
        rc = lock;
    if (rc == 0)
        rc = gone = take_out(w, store);
    if (rc > 0)
        rc = relay_keydir_rewrite(w->file, kek.p, store);
    int code = rc == DPP_E_KEY_ABSENT
                   ? relay_cmd_fail("key", RELAY_EXIT_REFUSED, "%s: no such key", w->file)
               : rc != 0 ? relay_kms_fail("key", w->file, rc)
                         : RELAY_EXIT_OK;
    dpp_store_free(store);
    relay_keydir_unlock(lock);
    if (code == RELAY_EXIT_OK)
        printf("%d %s erased\n", gone, gone == 1 ? "key" : "keys");
    return code;
}

static int wipe(const char *path)
{
    if (relay_keydir_wipe(path) != 0)
        return relay_cmd_fail("key", RELAY_EXIT_FAILED, "%s: %s", path, strerror(errno));
    printf("%s: erased\n", path);
    return RELAY_EXIT_OK;
}

/* The KEK first: without it the rest is noise, whatever happens to us meanwhile. */
static int erase_all(const struct words *w)
{
    int code = wipe(w->kek);

    for (size_t i = 0; i < w->keysets_n + 1; i++) {
        const char *path = i < w->keysets_n ? w->keysets[i] : w->file;
        int rc = path ? wipe(path) : RELAY_EXIT_OK;
        code = code == RELAY_EXIT_OK ? rc : code;
    }
    return code;
}

int relay_key_erase(int argc, char **argv)
{
    struct words w = {.role = -1};

    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        fputs(help, stdout);
        return RELAY_EXIT_OK;
    }
    int code = read_words(&w, argc, argv);
    if (code != RELAY_EXIT_OK)
        return code;
    return w.all ? erase_all(&w) : erase_some(&w);
}
