/* mcrelayd.c - the daemon: ties the office (relay/ops) to the street (relay/loop). */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>

#include "relay/cmd/cmd.h"
#include "relay/cmd/reload.h"

static int fill(void *ctx, void *p, size_t n)
{
    (void)ctx;
    for (size_t at = 0; at < n;) {
        ssize_t got = getrandom((char *)p + at, n - at, 0);
        if (got < 0)
            return RELAY_E_RANDOM;
        at += (size_t)got;
    }
    return 0;
}

static void on_event(void *ctx, const struct relay_event *event)
{
    struct daemon *daemon = ctx;
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    relay_log_event(daemon->log, event, (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

static void on_note(void *ctx, bool is_error, const char *what, const char *text)
{
    daemon_note(ctx, is_error ? RELAY_LOG_WARN : RELAY_LOG_INFO, what, text);
}

/* No image of this process reaches a disk, unless a test wants to search it. */
static void bar_cores(bool allowed)
{
    const struct rlimit none = {0, 0};

    if (allowed)
        return;
    (void)prctl(PR_SET_DUMPABLE, 0);
    (void)setrlimit(RLIMIT_CORE, &none);
}

static int run(struct daemon *daemon, char *why, size_t why_n)
{
    struct relay_settings *settings = &daemon->files.settings;
    const struct relay_random random = {fill, NULL};
    const struct relay_loop_hooks hooks = {daemon,      on_event,          on_note,
                                           daemon_page, daemon_reload_all, daemon_poll};
    struct relay_loop_conf conf;
    int err;

    relay_loop_default(&conf, settings->core.conns_max);
    conf.handshake_ms = settings->handshake_ms;
    conf.drain_ms = settings->drain_ms;
    conf.peers = settings->core.peers;
    conf.peers_n = settings->core.peers_n;
    settings->core.conns_max = conf.conns_max; /* what the descriptors allow */
    conf.shaking_max = conf.conns_max * settings->core.unauth_percent_max / 100 + 1;
    conf.source_max = settings->core.conns_unauth_per_source_max;
    snprintf(why, why_n, "out of memory");
    if (!(daemon->relay = relay_new(&settings->core, daemon->files.policy, &random)) ||
        !(daemon->loop = relay_loop_new(daemon->relay, &conf, &hooks)))
        return RELAY_E_NOMEM;
    if ((err = daemon_listen(daemon, why, why_n)) < 0 || (err = daemon_renew_start(daemon)) < 0)
        return err;
    if (settings->plaintext_auth)
        daemon_note(daemon, RELAY_LOG_WARN, "test.plaintext_auth",
                    "tokens are taken over plain loopback connections; for tests only");
    daemon_note(daemon, RELAY_LOG_INFO, "start", "mcrelayd " MC_VERSION " is ready");
    daemon_stamp(daemon);
    if ((err = relay_loop_run(daemon->loop)) < 0)
        snprintf(why, why_n, "signals cannot be watched");
    else
        daemon_note(daemon, RELAY_LOG_INFO, "stop", "mcrelayd has stopped");
    return err;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"check", no_argument, NULL, 'k'},
                                            {"version", no_argument, NULL, 'v'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct daemon daemon = {.config = NULL};
    char why[RELAY_CONF_WHY] = "";
    bool check = false;
    int option, err;

    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        if (option == 'c')
            daemon.config = optarg;
        else if (option == 'k')
            check = true;
        else if (option == 'v')
            return puts("mcrelayd " MC_VERSION) < 0;
        else
            break;
    }
    if (!daemon.config || option != -1) {
        fputs(
            "usage: mcrelayd --config FILE [--check]\n\nRuns the relay in the foreground. SIGTERM "
            "stops it cleanly, SIGHUP reads users, groups,\ntoken keys, Digest users, its own keys "
            "and the certificate again.\n  --check    only checks the configuration and all files "
            "it "
            "names\n"
            "  --version\nExample: mcrelayd --config /etc/mcdata-relay/mcrelayd.yaml\n",
            option == 'h' ? stdout : stderr);
        return option == 'h' ? RELAY_EXIT_OK : RELAY_EXIT_USAGE;
    }
    err = daemon_files_load(&daemon.files, daemon.config, why, sizeof why);
    if (!err && why[0])
        fprintf(stderr, "mcrelayd: %s\n", why);
    if (!err && !check) {
        bar_cores(daemon.files.settings.allow_core);
        daemon.log = relay_log_new(&daemon.files.settings, why, sizeof why);
        err = daemon.log ? run(&daemon, why, sizeof why) : RELAY_E_IO;
    }
    if (err < 0)
        fprintf(stderr, "mcrelayd: %s\n", why);
    atomic_store(&daemon.renew.stop, true); /* the loop waits for its jobs */
    relay_loop_free(daemon.loop);
    relay_free(daemon.relay);
    relay_log_free(daemon.log);
    daemon_files_done(&daemon.files);
    return err < 0 ? RELAY_EXIT_FAILED : RELAY_EXIT_OK;
}
