#include <time.h>

#include "relay/cmd/keyset.h"
#include "relay/cmd/reload.h"
#include "relay/ops/metric.h"

enum { KEY_ROWS = 4 };

/* What the relay holds of keys of its own. */
static size_t add_keys(struct daemon *daemon, struct relay_metric_extra *extra)
{
    const struct dpp_ring *ring = relay_loop_ring_now(daemon->loop);
    int64_t now_s = time(NULL), left_s = ring ? daemon_keyset_end_s(ring, now_s) - now_s : 0;
    const struct relay_metric_extra rows[KEY_ROWS] = {
        {"mcrelay_keyset_periods", "", "key sets of the relay held", ring ? dpp_ring_sets(ring) : 0,
         true},
        {"mcrelay_keyset_seconds_left", "", "until they end", left_s > 0 ? (uint64_t)left_s : 0,
         true},
        {"mcrelay_keyset_renewals_total", "result=\"done\"", "key sets read or fetched anew",
         daemon->renew.done, false},
        {"mcrelay_keyset_renewals_total", "result=\"failed\"", "", daemon->renew.failed, false},
    };

    for (size_t i = 0; i < KEY_ROWS; i++)
        extra[i] = rows[i];
    return KEY_ROWS;
}

char *daemon_page(void *ctx)
{
    struct daemon *daemon = ctx;
    static const char *const loop_labels[] = {
#define X(name, label) "cause=\"" label "\"",
        RELAY_LOOP_COUNTS(X)
#undef X
    };
    static const char *const tls_labels[] = {
#define X(name, label) "cause=\"" label "\"",
        RELAY_TLS_FAILS(X)
#undef X
    };
    const struct relay_loop_counts *counts = relay_loop_counts(daemon->loop);
    struct relay_metric_extra extra[(int)RELAY_LOOP_COUNT_N + (int)RELAY_TLS_FAIL_N + KEY_ROWS];
    size_t n = 0;

    for (size_t i = 0; i < RELAY_LOOP_COUNT_N; i++)
        extra[n++] = (struct relay_metric_extra){"mcrelay_sockets_total", loop_labels[i],
                                                 "what became of sockets", counts->n[i], false};
    for (size_t i = 1; i < RELAY_TLS_FAIL_N; i++) /* 0 is no failure */
        extra[n++] =
            (struct relay_metric_extra){"mcrelay_tls_failed_total", tls_labels[i],
                                        "TLS connections that failed", counts->tls_fail[i], false};
    if (daemon->files.settings.keyset_file)
        n += add_keys(daemon, extra + n);
    return relay_metric_page(relay_counts(daemon->relay), extra, n);
}
