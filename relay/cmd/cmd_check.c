/* cmd_check.c - mcrelay check: is the configuration right, and everything that it names? */
#include <getopt.h>
#include <stdio.h>

#include "relay/cmd/cmd.h"
#include "relay/cmd/daemon.h"

static const char help[] =
    "usage: mcrelay check --config FILE [--json]\n"
    "       mcrelay check --reference\n\n"
    "Checks a configuration of mcrelayd and every file that it names: certificate, key, token "
    "keys,\n"
    "users, groups, Digest users, CSKs, the peers' CA. The first fault is told as FILE:LINE: what "
    "is wrong.\n\n"
    "  --reference   prints every setting with its default\n"
    "  --json        {\"ok\":true} or {\"ok\":false,\"error\":\"...\"}\n\n"
    "Exit codes: 0 right, 1 wrong, 2 usage.\n"
    "Example: mcrelay check --config /etc/mcdata-relay/mcrelayd.yaml\n";

int relay_cmd_check(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"reference", no_argument, NULL, 'r'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct daemon_files files;
    const char *path = NULL;
    char why[RELAY_CONF_WHY] = "";
    bool json = false;
    int option, err;

    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        if (option == 'h')
            return fputs(help, stdout) < 0 ? RELAY_EXIT_FAILED : RELAY_EXIT_OK;
        if (option == '?')
            return relay_cmd_usage("check", "what is that option?");
        if (option == 'r') {
            relay_conf_reference(stdout);
            return RELAY_EXIT_OK;
        }
        json = json || option == 'j';
        path = option == 'c' ? optarg : path;
    }
    if (!path || optind < argc)
        return relay_cmd_usage("check", "--config FILE is needed, and nothing else");
    err = daemon_files_load(&files, path, why, sizeof why);
    if (json) {
        printf("{\"ok\":%s", err < 0 ? "false,\"error\":" : "true");
        if (err < 0)
            relay_cmd_json(stdout, why);
        puts("}");
    } else if (err < 0) {
        fprintf(stderr, "%s\n", why);
    } else {
        if (why[0])
            fprintf(stderr, "warning: %s\n", why);
        printf("%s: right (%zu TLS and %zu plain listeners, %zu issuers, %zu peers)\n", path,
               files.settings.listen.n, files.settings.plain.n, files.settings.issuers_n,
               files.settings.peers_n);
    }
    if (err == 0)
        daemon_files_done(&files);
    return err < 0 ? RELAY_EXIT_FAILED : RELAY_EXIT_OK;
}
