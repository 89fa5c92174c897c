/* daemon.h - what mcrelayd and `mcrelay check` share: everything that files say, loaded together.
 */
#ifndef RELAY_CMD_DAEMON_H
#define RELAY_CMD_DAEMON_H

#include "dpp/keys/ring.h"
#include "relay/ops/conf.h"
#include "relay/ops/digestdir.h"
#include "relay/ops/groupdir.h"
#include "relay/ops/jwksdir.h"
#include "relay/tls/ctx.h"

/* What the files hold now. Each part can be replaced alone. */
struct daemon_files {
    struct relay_settings settings;
    struct relay_policy *policy;
    struct relay_rules *rules;
    struct relay_digestdir *digest; /* NULL: no Digest */
    struct dpp_ring *ring;          /* the relay's own keys until the loop has them; NULL: none */
    struct relay_ctx *tls;          /* NULL when no TLS listener is configured */
    struct relay_ctx *peer_tls;     /* to dial peers with; NULL when none has TLS */
};

/* Loads the configuration and all that it names, and sets up the secure heap before the first key.
 * On failure nothing is left and `why` says which file and what to do. On success `why` is empty
 * unless there is a warning for people: keys work, but may reach the swap. 0 or the error. */
int daemon_files_load(struct daemon_files *files, const char *path, char *why, size_t why_n)
    __attribute__((warn_unused_result));
/* The certificate, the key and the peers' CA that the settings name, as contexts: of the listeners,
 * and to dial with. Either both are new or none is: *tls and *peer_tls are NULL where they are not
 * needed, and both after an error. */
int daemon_files_tls(const struct relay_settings *settings, struct relay_ctx **tls,
                     struct relay_ctx **peer_tls, char *why, size_t why_n)
    __attribute__((warn_unused_result));
void daemon_files_done(struct daemon_files *files);

#endif
