/* cmd_key_digest.c - mcrelay key digest: a row for the file digest.users. */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dpp/keys/key.h"
#include "relay/auth/digest.h"
#include "relay/cmd/cmd.h"
#include "relay/cmd/kms_files.h"
#include "relay/err.h"

static const char help[] =
    "usage: mcrelay key digest --user NAME --realm REALM --mcdata-id URI [--algorithm ALGORITHM]\n"
    "\n"
    "Reads a password from stdin (one line) and prints the row of a user who AUTHs with it, for "
    "the\n"
    "file that digest.users of mcrelayd names. What the row holds (ha1) is as good as the "
    "password\n"
    "within its realm: keep the file at mode 0600.\n"
    "\n"
    "  --realm       digest.realm of the relay, or its realm, or its name: the first that is set\n"
    "  --algorithm   MD5 (default, what RFC 4976 knows), SHA-256, or both (two rows): once any "
    "user\n"
    "                has SHA-256 it is offered to all, and clients that know it choose it\n"
    "\n"
    "example: mcrelay key digest --user alice --realm relay.iops.example \\\n"
    "             --mcdata-id sip:alice@iops.example <password >>digest.yaml\n"
    "\n"
    "exit: 0 done, 1 failed, 2 usage\n";

struct words {
    const char *user, *realm, *mcdata_id;
    enum msrp_digest_algorithm first, last;
};

static int read_words(struct words *w, int argc, char **argv)
{
    static const struct option options[] = {
        {"user", 1, NULL, 'u'},      {"realm", 1, NULL, 'r'}, {"mcdata-id", 1, NULL, 'm'},
        {"algorithm", 1, NULL, 'a'}, {NULL, 0, NULL, 0},
    };
    int c;

    optind = 1;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == 'u')
            w->user = optarg;
        else if (c == 'r')
            w->realm = optarg;
        else if (c == 'm')
            w->mcdata_id = optarg;
        else if (c != 'a')
            return relay_cmd_usage("key", "that is not understood");
        else if (strcmp(optarg, "SHA-256") == 0)
            w->first = w->last = MSRP_DIGEST_SHA256;
        else if (strcmp(optarg, "both") == 0)
            w->last = MSRP_DIGEST_SHA256;
        else if (strcmp(optarg, "MD5") != 0)
            return relay_cmd_usage("key", "no algorithm \"%s\": MD5, SHA-256 or both", optarg);
    }
    if (optind < argc)
        return relay_cmd_usage("key", "\"%s\" is one word too many", argv[optind]);
    if (!w->user || !w->realm || !w->mcdata_id)
        return relay_cmd_usage("key", "digest needs --user, --realm and --mcdata-id");
    if (strpbrk(w->realm, "\"\\") || !msrp_digest_is_quotable(msrp_str_of(w->realm)))
        return relay_cmd_usage("key", "--realm takes a text without quotes and backslashes");
    return RELAY_EXIT_OK;
}

/* Past stdio, whose buffers nobody wipes. One line; what follows it is not looked at. */
static bool read_password(uint8_t *p, size_t cap, size_t *n)
{
    const uint8_t *end = NULL;
    ssize_t got;

    *n = 0;
    while (!end && *n < cap && (got = read(STDIN_FILENO, p + *n, cap - *n)) > 0) {
        *n += (size_t)got;
        end = memchr(p, '\n', *n);
    }
    if (end)
        *n = (size_t)(end - p);
    else if (*n == cap)
        return false;
    if (*n > 0 && p[*n - 1] == '\r')
        --*n;
    return *n > 0;
}

/* One row. An exit code. */
static int print_row(const struct words *w, enum msrp_digest_algorithm algorithm,
                     struct msrp_str password)
{
    DPP_SCRUB(ha1, 1024);
    char *text = (char *)ha1.p;
    struct relay_digest_users *users = relay_digest_users_new();
    int err =
        relay_digest_ha1(algorithm, msrp_str_of(w->user), msrp_str_of(w->realm), password, text);

    if (!err) /* the list of the relay judges the rest */
        err = users ? relay_digest_users_add(users, w->user, w->mcdata_id, algorithm, text)
                    : RELAY_E_NOMEM;
    relay_digest_users_free(users);
    if (err == RELAY_E_CONF)
        return relay_cmd_usage("key", "--user takes a name without quotes, --mcdata-id a URI as "
                                      "sip:alice@iops.example");
    if (err)
        return relay_cmd_fail("key", RELAY_EXIT_FAILED, "%s", relay_strerror(err));
    printf("- user: \"%s\"\n  ha1: \"%s\"\n  algorithm: %s\n  mcdata_id: \"%s\"\n", w->user, text,
           algorithm == MSRP_DIGEST_SHA256 ? "SHA-256" : "MD5", w->mcdata_id);
    return fflush(stdout) == 0 ? RELAY_EXIT_OK
                               : relay_cmd_fail("key", RELAY_EXIT_FAILED, "cannot write");
}

int relay_key_digest(int argc, char **argv)
{
    DPP_SCRUB(password, 1024);
    struct words w = {.first = MSRP_DIGEST_MD5, .last = MSRP_DIGEST_MD5};
    size_t n;

    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        fputs(help, stdout);
        return RELAY_EXIT_OK;
    }
    int code = read_words(&w, argc, argv);
    if (code != RELAY_EXIT_OK)
        return code;
    if (!read_password(password.p, sizeof password.p, &n))
        return relay_cmd_usage("key", "digest reads a password of 1 to 1023 octets from stdin");
    for (int a = (int)w.first; code == RELAY_EXIT_OK && a <= (int)w.last; a++)
        code = print_row(&w, (enum msrp_digest_algorithm)a,
                         (struct msrp_str){(const char *)password.p, n});
    return code;
}
