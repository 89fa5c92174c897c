/* backoff.h - who fails too often waits, each time twice as long. Row A16.
 *
 * For the users of a fixed list, by their place in it: what somebody fails under a name that is not
 * in the list takes no room. The wait is not told to the peer: it gets the answer of a wrong
 * password, also to the right one. */
#ifndef RELAY_AUTH_BACKOFF_H
#define RELAY_AUTH_BACKOFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    RELAY_BACKOFF_AFTER = 5,        /* failures: from this one on there is a wait */
    RELAY_BACKOFF_FIRST_MS = 1000,  /* the first wait */
    RELAY_BACKOFF_MOST_MS = 60000,  /* it doubles up to this */
    RELAY_BACKOFF_FADE_MS = 300000, /* so long after the last failure all is forgotten */
};

struct relay_backoff_row {
    int64_t last_ms, until_ms;
    unsigned fails;
};

/* Zeroed it is empty. */
struct relay_backoff {
    struct relay_backoff_row *rows; /* NULL before the first failure */
    size_t n;
};

/* Forgets everything. */
void relay_backoff_done(struct relay_backoff *backoff);
/* Number i has failed; the list has n. Without memory it is not remembered: the count by source
 * address (relay/route/limit.h) stays. */
void relay_backoff_fail(struct relay_backoff *backoff, size_t i, size_t n, int64_t now_ms);
/* Does number i have to wait? */
bool relay_backoff_waits(const struct relay_backoff *backoff, size_t i, int64_t now_ms);

#endif
