#include "relay/ops/metric.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/err.h"

static const struct {
    const char *name, *type, *help;
    size_t offset;
} rows[] = {
#define ROW(name, type, member, help)                                                              \
    {                                                                                              \
        "mcrelay_" name, type, help, offsetof(struct relay_counts, member)                         \
    }
    ROW("connections_total", "counter", conns, "connections accepted"),
    ROW("connections", "gauge", conns_now, "connections now"),
    ROW("connections_authorised", "gauge", conns_authorised_now, "connections with a live session"),
    ROW("sessions", "gauge", sessions_now, "sessions now"),
    ROW("bytes_in_total", "counter", bytes_in, "MSRP octets received"),
    ROW("bytes_out_total", "counter", bytes_out, "MSRP octets sent"),
    ROW("requests_total", "counter", requests, "requests received"),
    ROW("responses_total", "counter", responses, "responses received"),
    ROW("late_responses_total", "counter", late_responses, "responses to nothing"),
    ROW("messages_in_total", "counter", messages_in, "messages accepted for delivery"),
    ROW("messages_delivered_total", "counter", messages_delivered, "messages that reached someone"),
    ROW("deliveries_total", "counter", deliveries, "deliveries done, one per connection"),
    ROW("deliveries_failed_total", "counter", deliveries_failed, "deliveries that failed"),
    ROW("notifications_total", "counter", notifications, "dispositions forwarded"),
    ROW("relayed_chunks_total", "counter", relayed_chunks, "SENDs that went on to the next hop"),
    ROW("answers_held_total", "counter", answers_held,
        "200s that waited for a next hop that was behind"),
    ROW("relayed_requests_total", "counter", errands, "other requests that went on"),
    ROW("relayed_requests_dropped_total", "counter", errands_dropped,
        "requests and responses that could not go on"),
    ROW("duplicates_total", "counter", duplicates, "repeated messages suppressed"),
    ROW("overlap_octets_total", "counter", overlap_octets, "octets that came twice in a message"),
    ROW("pauses_total", "counter", pauses, "connections paused"),
    ROW("resumes_total", "counter", resumes, "connections resumed"),
    ROW("events_lost_total", "counter", events_lost, "log events lost"),
    ROW("csk_uploads_total", "counter", uploads, "CSKs taken from clients"),
    ROW("csk_uploads_refused_total", "counter", uploads_refused, "CSK uploads that did not open"),
    ROW("csk_uploads_waiting", "gauge", uploads_now, "CSK uploads that wait or are being opened"),
    ROW("overload_level", "gauge", overload,
        "step of the overload ladder: 1 at 75 % of limits.memory, 4 at 95 %"),
    ROW("message_memory_bytes", "gauge", slab_bytes, "octets held for messages under way"),
#undef ROW
};

static void head(FILE *page, const char *name, const char *type, const char *help)
{
    fprintf(page, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

char *relay_metric_page(const struct relay_counts *counts, const struct relay_metric_extra *extra,
                        size_t extra_n)
{
    char *text = NULL;
    size_t n = 0;
    FILE *page = open_memstream(&text, &n);

    if (!page)
        return NULL;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t value;
        memcpy(&value, (const char *)counts + rows[i].offset, sizeof value);
        head(page, rows[i].name, rows[i].type, rows[i].help);
        fprintf(page, "%s %llu\n", rows[i].name, (unsigned long long)value);
    }
    head(page, "mcrelay_answers_total", "counter", "MSRP responses sent, by status");
    for (int status = 0; status < 1000; status++)
        if (counts->answers[status])
            fprintf(page, "mcrelay_answers_total{status=\"%d\"} %llu\n", status,
                    (unsigned long long)counts->answers[status]);
    head(page, "mcrelay_refused_total", "counter", "refusals, by reason and answer");
    for (size_t i = 0; i < counts->refused_n; i++) {
        const struct relay_err_row *row = relay_err_at(i);
        if (row && counts->refused[i])
            fprintf(page, "mcrelay_refused_total{reason=\"%s\",answer=\"%d\"} %llu\n", row->label,
                    row->status, (unsigned long long)counts->refused[i]);
    }
    for (size_t i = 0; i < extra_n; i++) {
        if (i == 0 || strcmp(extra[i].name, extra[i - 1].name) != 0)
            head(page, extra[i].name, extra[i].is_gauge ? "gauge" : "counter", extra[i].help);
        fprintf(page, extra[i].labels[0] ? "%s{%s} %llu\n" : "%s%s %llu\n", extra[i].name,
                extra[i].labels, (unsigned long long)extra[i].value);
    }
    bool failed = ferror(page) != 0;
    if (fclose(page) != 0 || failed) {
        free(text);
        return NULL;
    }
    return text;
}
