/* cmd_mikey.h - what mcrelay mikey open and make share. */
#ifndef RELAY_CMD_CMD_MIKEY_H
#define RELAY_CMD_CMD_MIKEY_H

#include "dpp/keys/mikey.h"
#include "relay/cmd/cmd.h"

/* What the command line said. */
struct relay_mikey_words {
    const char *kms, *keys; /* files */
    /* open */
    const char *from;
    unsigned tolerance;
    bool any_time, show_key, json, own;
    /* make */
    const char *to;
    int role; /* of --type; negative: not given */
    const char *groups[DPP_MIKEY_GROUPS_MAX];
    size_t groups_n;
    uint64_t ttl_s; /* 0: without end */
    bool uris, to_self, text;
};

/* Complains about an error of a file or message; the exit code: 3 when something was refused, 1
 * when this machine failed. */
int relay_mikey_fail(const char *what, int err);

/* Sets up the secure heap and makes the ring of the user of the key sets; now_s 0 skips dates.
 * RELAY_EXIT_OK, or an exit code after a complaint. */
int relay_mikey_ring(struct dpp_ring **ring, const struct relay_mikey_words *w, int64_t now_s);

/* Makes one message and writes it to stdout. An exit code. */
int relay_mikey_make(const struct relay_mikey_words *w);

#endif
