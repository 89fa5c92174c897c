/* metric.h - the counters as a Prometheus text page. One row per metric in metric.c. */
#ifndef RELAY_OPS_METRIC_H
#define RELAY_OPS_METRIC_H

#include "relay/core/relay.h"

/* A counter or gauge of the street (relay/loop) or the daemon, handed over by the daemon: the rooms
 * do not know each other. `labels` is as it stands in the page, `cause="reset"`, or "". */
struct relay_metric_extra {
    const char *name, *labels, *help;
    uint64_t value;
    bool is_gauge;
};

/* The whole page, malloced; NULL without memory. Reasons and answers that never happened are left
 * out. `extra` rows of one name stand together. */
char *relay_metric_page(const struct relay_counts *counts, const struct relay_metric_extra *extra,
                        size_t extra_n);

#endif
