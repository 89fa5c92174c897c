/* mcrelay.c - the table of subcommands. */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "relay/cmd/cmd.h"

static const struct relay_cmd table[] = {
    {"send", relay_cmd_send, "send a text or a file to a user or a group"},
    {"recv", relay_cmd_recv, "receive messages and print them"},
    {"token", relay_cmd_token, "issue or inspect access tokens for tests"},
    {"key", relay_cmd_key, "make, list, import and export PCK, GMK and CSK"},
    {"group", relay_cmd_group, "give the members of a group its key"},
    {"kms", relay_cmd_kms, "the KMS of an isolated site: make it, issue keys, serve them"},
    {"mikey", relay_cmd_mikey, "open or make the message that carries a key"},
    {"decode", relay_cmd_decode, "print the octets of a frame or message as text"},
    {"check", relay_cmd_check, "check a configuration file"},
    {"selftest", relay_cmd_selftest, "compute the test vectors on this machine"},
};

#define ROWS (sizeof table / sizeof table[0])

static int usage(FILE *f)
{
    fputs("usage: mcrelay COMMAND [options]\n\n", f);
    for (size_t i = 0; i < ROWS; i++)
        if (table[i].run)
            fprintf(f, "  %-9s %s\n", table[i].name, table[i].summary);
    fputs("\nmcrelay COMMAND --help tells more and shows an example.\n"
          "Exit codes: 0 done, 1 failed, 2 usage, 3 refused.\n",
          f);
    return f == stdout ? RELAY_EXIT_OK : RELAY_EXIT_USAGE;
}

int main(int argc, char **argv)
{
    const struct rlimit none = {0, 0};

    (void)setrlimit(RLIMIT_CORE, &none); /* keys pass through most commands */
    if (argc < 2)
        return usage(stderr);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return usage(stdout);
    if (strcmp(argv[1], "--version") == 0) {
        puts("mcrelay " MC_VERSION);
        return RELAY_EXIT_OK;
    }
    for (size_t i = 0; i < ROWS; i++)
        if (table[i].run && strcmp(argv[1], table[i].name) == 0)
            return table[i].run(argc - 1, argv + 1);
    fprintf(stderr, "mcrelay: no command \"%s\"\n", argv[1]);
    return usage(stderr);
}
