#include "relay/cmd/reload.h"
#include "relay/ops/metric.h"

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
    struct relay_metric_extra extra[(int)RELAY_LOOP_COUNT_N + RELAY_TLS_FAIL_N];
    size_t n = 0;

    for (size_t i = 0; i < RELAY_LOOP_COUNT_N; i++)
        extra[n++] = (struct relay_metric_extra){"mcrelay_sockets_total", loop_labels[i],
                                                 "what became of sockets", counts->n[i]};
    for (size_t i = 1; i < RELAY_TLS_FAIL_N; i++) /* 0 is no failure */
        extra[n++] =
            (struct relay_metric_extra){"mcrelay_tls_failed_total", tls_labels[i],
                                        "TLS connections that failed", counts->tls_fail[i]};
    return relay_metric_page(relay_counts(daemon->relay), extra, n);
}
