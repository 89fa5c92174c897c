#include "relay/client/arrival.h"

#include <stdlib.h>
#include <string.h>

struct relay_arrival *relay_arrivals_find(const struct relay_arrivals *all, uint64_t peer,
                                          struct msrp_str message_id)
{
    struct relay_arrival *arrival = all->first;
    while (arrival != NULL &&
           (arrival->peer != peer || !msrp_str_is(message_id, arrival->message_id))) {
        arrival = arrival->next;
    }
    return arrival;
}

const struct relay_bygone *relay_arrivals_bygone(const struct relay_arrivals *all, uint64_t peer,
                                                 struct msrp_str message_id)
{
    for (size_t i = 0; i < RELAY_BYGONES; i++) {
        const struct relay_bygone *bygone = &all->bygone[i];
        if (bygone->code != 0 && bygone->peer == peer &&
            msrp_str_is(message_id, bygone->message_id)) {
            return bygone;
        }
    }
    return NULL;
}

/* What is asked for; absent is yes (row P1). */
static enum msrp_asked failure_of(const struct msrp_head *head)
{
    return head->failure_report == MSRP_ABSENT ? MSRP_YES : head->failure_report;
}

struct relay_arrival *relay_arrivals_add(struct relay_arrivals *all, uint64_t peer,
                                         const struct msrp_head *head, uint64_t max_size, int *code)
{
    if (head->content_type.n > RELAY_ENDPOINT_TYPE_MAX) {
        *code = 415;
        return NULL;
    }
    *code = 413; /* row 38 */
    struct relay_arrival *arrival =
        all->n < RELAY_ENDPOINT_OPEN_MAX ? calloc(1, sizeof(*arrival)) : NULL;
    if (arrival == NULL) {
        return NULL;
    }
    arrival->id = ++all->next_id;
    arrival->peer = peer;
    arrival->wants_success = head->success_report == MSRP_YES;
    arrival->failure = failure_of(head);
    memcpy(arrival->message_id, head->message_id.p, head->message_id.n);
    memcpy(arrival->content_type, head->content_type.p, head->content_type.n);
    msrp_join_init(&arrival->join, arrival->runs, MSRP_RANGE_RUNS,
                   max_size > 0 ? max_size : MSRP_U63_MAX, MSRP_U63_MAX);
    arrival->next = all->first;
    all->first = arrival;
    all->n++;
    return arrival;
}

static void unlink_one(struct relay_arrivals *all, struct relay_arrival *arrival)
{
    struct relay_arrival **at = &all->first;
    while (*at != arrival) {
        at = &(*at)->next;
    }
    *at = arrival->next;
    all->n--;
    free(arrival);
}

void relay_arrivals_end(struct relay_arrivals *all, struct relay_arrival *arrival, int code)
{
    struct relay_bygone *bygone = &all->bygone[all->bygone_at++ % RELAY_BYGONES];
    *bygone =
        (struct relay_bygone){.peer = arrival->peer, .total = arrival->join.total, .code = code};
    memcpy(bygone->message_id, arrival->message_id, sizeof(bygone->message_id));
    unlink_one(all, arrival);
}

void relay_arrivals_done(struct relay_arrivals *all)
{
    while (all->first != NULL) {
        unlink_one(all, all->first);
    }
}

bool relay_arrival_is_same(const struct relay_arrival *arrival, const struct msrp_head *head)
{
    return arrival->wants_success == (head->success_report == MSRP_YES) &&
           arrival->failure == failure_of(head);
}

bool relay_arrival_accepts(const struct relay_endpoint_conf *conf, struct msrp_str content_type)
{
    struct msrp_media media, one;
    if (msrp_mime_parse_type(&media, content_type) != 0) {
        return false;
    }
    if (conf->accept_n == 0 || msrp_mime_is(&media, "multipart", "mixed") ||
        msrp_mime_is(&media, "multipart", "alternative") ||
        msrp_mime_is(&media, "multipart", "signed")) {
        return true;
    }
    for (size_t i = 0; i < conf->accept_n; i++) {
        struct msrp_str accept = msrp_str_of(conf->accept[i]);
        if (msrp_str_is(accept, "*") || (msrp_mime_parse_type(&one, accept) == 0 &&
                                         msrp_str_is_same_nocase(one.type, media.type) &&
                                         (msrp_str_is(one.subtype, "*") ||
                                          msrp_str_is_same_nocase(one.subtype, media.subtype)))) {
            return true;
        }
    }
    return false;
}
