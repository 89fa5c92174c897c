#include "relay/client/endpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/client/ends.h"
#include "relay/err.h"

enum { LATE_MAX = 64, WINDOW_MIN = 8192 };

static int make_base(struct relay_endpoint *endpoint, uint16_t port)
{
    struct msrp_uri uri;
    const char *host = endpoint->conf.host != NULL ? endpoint->conf.host : "client.invalid";
    bool is_ip6 = strchr(host, ':') != NULL && host[0] != '[';
    int n = snprintf(endpoint->base, sizeof(endpoint->base), "msrp%s://%s%s%s:%d;tcp",
                     endpoint->conf.is_secure ? "s" : "", is_ip6 ? "[" : "", host,
                     is_ip6 ? "]" : "", port != 0 ? port : MSRP_PORT_NUMBER);
    return n < 0 || (size_t)n >= sizeof(endpoint->base) - MSRP_IDENT_MADE - 1 ||
                   msrp_uri_parse(&uri, msrp_str_of(endpoint->base)) != 0
               ? RELAY_E_CONF
               : 0;
}

struct relay_endpoint *relay_endpoint_new(const struct relay_endpoint_conf *conf,
                                          const struct relay_client_random *random)
{
    struct relay_endpoint *endpoint = calloc(1, sizeof(*endpoint));
    if (endpoint == NULL) {
        return NULL;
    }
    endpoint->conf = *conf;
    endpoint->random = *random;
    if (conf->window != 0 && conf->window < WINDOW_MIN) {
        endpoint->conf.window = WINDOW_MIN;
    }
    if (make_base(endpoint, conf->port) != 0) {
        free(endpoint);
        return NULL;
    }
    return endpoint;
}

void relay_endpoint_at(struct relay_endpoint *endpoint, uint16_t port)
{
    if (endpoint->conf.port == 0) {
        (void)make_base(endpoint, port); /* five digits at most, as before */
    }
}

void relay_endpoint_free(struct relay_endpoint *endpoint)
{
    if (endpoint == NULL) {
        return;
    }
    while (endpoint->links != NULL) {
        relay_wire_free(endpoint->links);
    }
    while (endpoint->sessions != NULL) {
        relay_endpoint_drop(endpoint, endpoint->sessions->id);
    }
    while (endpoint->parcels != NULL) {
        struct relay_parcel *parcel = endpoint->parcels;
        endpoint->parcels = parcel->next;
        free(parcel);
    }
    relay_arrivals_done(&endpoint->arrivals);
    free(endpoint);
}

int relay_endpoint_send(struct relay_endpoint *endpoint, uint64_t session,
                        const struct relay_parcel_conf *conf, uint64_t *id)
{
    const struct relay_talk *talk = relay_talk_find(endpoint, session);
    struct relay_parcel **at = &endpoint->parcels;
    size_t queued = 0;
    int err = 0;
    if (talk == NULL || talk->peer_path[0] == '\0') {
        return RELAY_E_SESSION;
    }
    if (talk->state == RELAY_TALK_FAILED) {
        return RELAY_E_END;
    }
    for (; *at != NULL; at = &(*at)->next) {
        queued += (*at)->state == RELAY_PARCEL_OPEN ? 1 : 0;
    }
    if (queued >= RELAY_ENDPOINT_QUEUE_MAX) {
        return RELAY_E_TOO_MANY_OPEN;
    }
    struct relay_parcel *parcel = relay_parcel_new(conf, session, &endpoint->random, &err);
    if (parcel != NULL) {
        *at = parcel;
        *id = parcel->id = ++endpoint->next_parcel;
    }
    return err;
}

void relay_endpoint_cancel(struct relay_endpoint *endpoint, uint64_t id)
{
    struct relay_parcel *parcel = relay_parcel_find(endpoint, id);
    if (parcel != NULL && parcel->state == RELAY_PARCEL_OPEN) {
        const struct relay_talk *talk = relay_talk_find(endpoint, parcel->session);
        relay_carry_refuse(parcel, talk != NULL ? talk->link : NULL, 0, RELAY_E_ABORTED, NULL);
    }
}

/* --- what happened --- */

static bool take_talk(struct relay_talk *talk, struct relay_endpoint_event *event)
{
    *event = (struct relay_endpoint_event){.session = talk->id};
    if (talk->tells_ready) {
        talk->tells_ready = false;
        event->kind = RELAY_ENDPOINT_READY;
        return true;
    }
    if (talk->tells_bound) {
        talk->tells_bound = false;
        event->kind = RELAY_ENDPOINT_BOUND;
        return true;
    }
    if (talk->tells_failed) {
        talk->tells_failed = false;
        event->kind = RELAY_ENDPOINT_FAILED;
        event->status = talk->status;
        event->err = talk->err;
        memcpy(event->text, talk->text, sizeof(event->text));
        return true;
    }
    return false;
}

static bool take_parcel(struct relay_endpoint *endpoint, struct relay_parcel *parcel,
                        int64_t now_ms, struct relay_endpoint_event *event)
{
    *event = (struct relay_endpoint_event){
        .session = parcel->session, .id = parcel->id, .total = parcel->conf.size};
    memcpy(event->message_id, parcel->message_id, sizeof(parcel->message_id));
    if (parcel->state == RELAY_PARCEL_SENT && parcel->is_reported && !parcel->is_reported_told &&
        parcel->is_told) {
        parcel->is_reported_told = true;
        event->kind = RELAY_ENDPOINT_REPORTED;
        return true;
    }
    if (parcel->state == RELAY_PARCEL_SENT && parcel->is_again && parcel->conf.wants_success &&
        !parcel->is_reported && parcel->report_ms < 0) {
        parcel->report_ms = now_ms + RELAY_CLIENT_ANSWER_MS;
    }
    if (parcel->is_told || parcel->state == RELAY_PARCEL_OPEN) {
        return false;
    }
    parcel->is_told = true;
    if (parcel->state == RELAY_PARCEL_SENT) {
        endpoint->counts.sent++;
        event->kind = RELAY_ENDPOINT_SENT;
        return true;
    }
    endpoint->counts.refused++;
    event->kind = RELAY_ENDPOINT_REFUSED;
    event->status = parcel->status;
    event->err = parcel->err;
    memcpy(event->text, parcel->text, sizeof(event->text));
    return true;
}

static bool is_open_somewhere(const struct relay_endpoint *endpoint,
                              const struct relay_parcel *parcel)
{
    for (const struct relay_wire *link = endpoint->links; link != NULL; link = link->next) {
        if (link->open == parcel) {
            return true;
        }
    }
    return false;
}

/* Parcels that have ended and are told; of those that are SENT the last few stay, for a REPORT. */
static void sweep(struct relay_endpoint *endpoint)
{
    struct relay_parcel **at = &endpoint->parcels;
    size_t late = 0;
    for (struct relay_parcel *parcel = *at; parcel != NULL; parcel = parcel->next) {
        late += parcel->state == RELAY_PARCEL_SENT && parcel->is_told ? 1 : 0;
    }
    while (*at != NULL) {
        struct relay_parcel *parcel = *at;
        const struct relay_talk *talk = relay_talk_find(endpoint, parcel->session);
        bool lives = talk != NULL && talk->state != RELAY_TALK_FAILED;
        bool is_sent = parcel->state == RELAY_PARCEL_SENT;
        bool stays = parcel->state == RELAY_PARCEL_OPEN || !parcel->is_told ||
                     is_open_somewhere(endpoint, parcel) || (parcel->owes_abort && lives) ||
                     (is_sent && talk != NULL && late <= LATE_MAX && !parcel->is_reported_told);
        if (stays) {
            at = &parcel->next;
            continue;
        }
        late -= is_sent ? 1 : 0;
        *at = parcel->next;
        free(parcel);
    }
}

static bool take_lost(struct relay_endpoint *endpoint, struct relay_endpoint_event *event)
{
    if (endpoint->lost == 0) {
        return false;
    }
    *event = (struct relay_endpoint_event){.kind = RELAY_ENDPOINT_LOST,
                                           .id = endpoint->lost,
                                           .session = endpoint->lost_session,
                                           .err = endpoint->lost_err};
    snprintf(event->text, sizeof(event->text), "%s", relay_strerror(endpoint->lost_err));
    endpoint->lost = 0;
    return true;
}

static bool take_state(struct relay_endpoint *endpoint, int64_t now_ms,
                       struct relay_endpoint_event *event)
{
    if (take_lost(endpoint, event)) {
        return true;
    }
    for (struct relay_parcel *parcel = endpoint->parcels; parcel != NULL; parcel = parcel->next) {
        if (take_parcel(endpoint, parcel, now_ms, event)) {
            return true;
        }
    }
    for (struct relay_talk *talk = endpoint->sessions; talk != NULL; talk = talk->next) {
        if (take_talk(talk, event)) {
            return true;
        }
    }
    return false;
}

/* Does this link have octets or an event left to look at? */
static bool is_stirring(const struct relay_wire *link, size_t before, bool body)
{
    return link->in_at != before || (link->body.n > 0) != body;
}

bool relay_endpoint_take(struct relay_endpoint *endpoint, const struct relay_client_now *now,
                         struct relay_endpoint_event *event)
{
    if (endpoint->told != NULL) {
        relay_ear_settle(endpoint->told);
        endpoint->told = NULL;
    }
    sweep(endpoint);
    for (bool more = true; more;) {
        if (take_state(endpoint, now->mono_ms, event)) {
            return true;
        }
        more = false;
        for (struct relay_wire *link = endpoint->links; link != NULL; link = link->next) {
            size_t before = link->in_at;
            bool body = link->body.n > 0;
            if (relay_ear_take(link, now->mono_ms, event)) {
                endpoint->told = link;
                endpoint->told_arrival = event->id;
                return true;
            }
            more = more || is_stirring(link, before, body) || endpoint->lost != 0;
        }
    }
    return take_state(endpoint, now->mono_ms, event);
}

void relay_endpoint_disown(struct relay_endpoint *endpoint, int status)
{
    struct relay_wire *link = endpoint->told;
    struct relay_arrival *arrival = endpoint->arrivals.first;
    while (arrival != NULL && arrival->id != endpoint->told_arrival) {
        arrival = arrival->next;
    }
    if (link == NULL || arrival == NULL) {
        return;
    }
    link->request.code = status;
    link->request.arrival = 0;
    link->request.tells = false;
    link->body.n = 0;
    relay_ear_lose(endpoint, arrival, status, 0, false);
}

uint64_t relay_endpoint_answered(const struct relay_endpoint *endpoint, uint64_t id)
{
    const struct relay_parcel *parcel = relay_parcel_find(endpoint, id);
    return parcel != NULL ? msrp_range_octets(&parcel->answered) : 0;
}

const struct relay_endpoint_counts *relay_endpoint_counts(const struct relay_endpoint *endpoint)
{
    return &endpoint->counts;
}
