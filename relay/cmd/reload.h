/* reload.h - changed files become changed behaviour, while the relay runs (profile section 2.8). */
#ifndef RELAY_CMD_RELOAD_H
#define RELAY_CMD_RELOAD_H

#include "relay/cmd/daemon.h"
#include "relay/cmd/renew.h"
#include "relay/loop/loop.h"
#include "relay/ops/log.h"

struct daemon {
    const char *config;
    struct daemon_files files;
    struct relay *relay;
    struct relay_loop *loop;
    struct relay_log *log;
    uint64_t policy_stamp, rules_stamp, digest_stamp; /* of what was tried last, good or bad */
    struct daemon_renew renew;
};

/* Remembers what the files look like now. */
void daemon_stamp(struct daemon *daemon);
/* Hooks of the loop; ctx is the daemon. daemon_poll reads users, groups, token rules, Digest users
 * and the relay's keys again where their files changed; daemon_reload_all reads everything that can
 * change without a restart, the certificate and the log file too. What does not read is kept as it
 * was, and said in the log as an error. */
void daemon_poll(void *ctx);
void daemon_reload_all(void *ctx);

/* Opens every listener of the settings on the loop. 0, or RELAY_E_IO and `why`. */
int daemon_listen(struct daemon *daemon, char *why, size_t why_n)
    __attribute__((warn_unused_result));

/* Is it an error of the moment, not of a file: worth another try at the next poll? */
bool daemon_is_passing(int err);

/* A line in the log, at the time of the call. */
void daemon_note(struct daemon *daemon, enum relay_log_level level, const char *what,
                 const char *text);

/* Hook: the metrics page of the machine and of its street, malloced; NULL without memory. */
char *daemon_page(void *ctx);

#endif
