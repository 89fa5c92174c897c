/* renew.h - the relay's own keys roll over with the key period while the relay runs: the key-set
 * file is read again where it has changed, the KMS is asked before the key sets end.
 *
 * Fetching and the checks of an RSK take time: they run beside the loop. What fails leaves the keys
 * in force as they were, and is logged as an error. */
#ifndef RELAY_CMD_RENEW_H
#define RELAY_CMD_RENEW_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct daemon;

struct daemon_renew {
    uint64_t stamp;   /* of the file that was read last, good or bad */
    int64_t again_s;  /* the KMS is not asked before */
    bool is_busy;     /* a job runs */
    bool is_worn;     /* said already: near the end */
    bool is_over;     /* said already: past the end */
    atomic_bool stop; /* the daemon stops: a request under way is given up */
    uint64_t done, failed;
};

/* Gives the loop what daemon_files_load has read. 0 or RELAY_E_NOMEM. */
int daemon_renew_start(struct daemon *daemon) __attribute__((warn_unused_result));
/* From the poll hook. */
void daemon_renew_poll(struct daemon *daemon);
/* The file is read again at the next poll, whether it has changed or not. */
void daemon_renew_reload(struct daemon *daemon);

#endif
