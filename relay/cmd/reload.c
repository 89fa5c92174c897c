#include "relay/cmd/reload.h"

#include <time.h>

void daemon_note(struct daemon *daemon, enum relay_log_level level, const char *what,
                 const char *text)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    relay_log_note(daemon->log, level, what, text,
                   (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

void daemon_stamp(struct daemon *daemon)
{
    daemon->policy_stamp = relay_groupdir_stamp(&daemon->files.settings);
    daemon->rules_stamp = relay_jwksdir_stamp(&daemon->files.settings);
    daemon->digest_stamp = relay_digestdir_stamp(&daemon->files.settings);
}

static int reload_policy(struct daemon *daemon)
{
    struct relay_policy *policy;
    char why[RELAY_CONF_WHY];

    int err = relay_groupdir_load(&daemon->files.settings, &policy, why, sizeof why);

    if (err < 0) {
        daemon_note(daemon, RELAY_LOG_ERROR, "users and groups stay as they were", why);
        return err;
    }
    relay_loop_policy(daemon->loop, policy);
    relay_policy_unref(daemon->files.policy);
    daemon->files.policy = policy;
    return 0;
}

static int reload_rules(struct daemon *daemon)
{
    struct relay_rules *rules;
    char why[RELAY_CONF_WHY];

    int err = relay_jwksdir_load(&daemon->files.settings, &rules, why, sizeof why);

    if (err < 0) {
        daemon_note(daemon, RELAY_LOG_ERROR, "token keys stay as they were", why);
        return err;
    }
    relay_loop_auth(daemon->loop, relay_rules_auth(rules));
    relay_rules_free(daemon->files.rules); /* the relay looks at the new ones now */
    daemon->files.rules = rules;
    return 0;
}

static int reload_digest(struct daemon *daemon)
{
    struct relay_digestdir *digest;
    char why[RELAY_CONF_WHY];

    int err = relay_digestdir_load(&daemon->files.settings, &digest, why, sizeof why);

    if (err < 0) {
        daemon_note(daemon, RELAY_LOG_ERROR, "Digest users stay as they were", why);
        return err;
    }
    relay_loop_digest(daemon->loop, relay_digestdir_rules(digest));
    relay_digestdir_free(daemon->files.digest);
    daemon->files.digest = digest;
    return 0;
}

static void reload_certificate(struct daemon *daemon)
{
    struct relay_ctx *tls, *peer_tls;
    char why[RELAY_CONF_WHY];

    if (daemon_files_tls(&daemon->files.settings, &tls, &peer_tls, why, sizeof why) < 0) {
        daemon_note(daemon, RELAY_LOG_ERROR, "the certificate stays as it was", why);
        return;
    }
    if (tls)
        relay_loop_tls(daemon->loop, tls);
    if (peer_tls)
        relay_loop_peer_tls(daemon->loop, peer_tls);
    relay_ctx_unref(daemon->files.tls);
    relay_ctx_unref(daemon->files.peer_tls);
    daemon->files.tls = tls;
    daemon->files.peer_tls = peer_tls;
}

bool daemon_is_passing(int err)
{
    return err == RELAY_E_NOMEM || err == RELAY_E_IO || err == DPP_E_NOMEM ||
           err == DPP_E_SECURE_HEAP;
}

void daemon_poll(void *ctx)
{
    struct daemon *daemon = ctx;
    uint64_t policy_stamp = daemon->policy_stamp, rules_stamp = daemon->rules_stamp;
    uint64_t digest_stamp = daemon->digest_stamp;

    daemon_stamp(daemon);
    /* what failed for want of memory or descriptors is tried again at the next poll; a wrong file
     * waits until somebody has changed it */
    if (policy_stamp != daemon->policy_stamp && daemon_is_passing(reload_policy(daemon)))
        daemon->policy_stamp = policy_stamp;
    if (rules_stamp != daemon->rules_stamp && daemon_is_passing(reload_rules(daemon)))
        daemon->rules_stamp = rules_stamp;
    if (digest_stamp != daemon->digest_stamp && daemon_is_passing(reload_digest(daemon)))
        daemon->digest_stamp = digest_stamp;
    daemon_renew_poll(daemon);
}

void daemon_reload_all(void *ctx)
{
    struct daemon *daemon = ctx;

    daemon_stamp(daemon);
    (void)reload_policy(daemon);
    (void)reload_rules(daemon);
    (void)reload_digest(daemon);
    reload_certificate(daemon);
    daemon_renew_reload(daemon);
    relay_log_reopen(daemon->log);
    daemon_note(daemon, RELAY_LOG_INFO, "reload", "files were read again");
}
