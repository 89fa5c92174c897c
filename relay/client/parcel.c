#include "relay/client/parcel.h"

#include <stdlib.h>
#include <string.h>

#include "relay/client/say.h"
#include "relay/err.h"

struct relay_parcel *relay_parcel_new(const struct relay_parcel_conf *conf, uint64_t session,
                                      const struct relay_client_random *random, int *err)
{
    uint8_t rnd[16];
    struct msrp_media media;
    struct msrp_str type = msrp_str_of(conf->content_type);
    if (type.n > RELAY_ENDPOINT_TYPE_MAX || msrp_mime_parse_type(&media, type) != 0 ||
        conf->size > MSRP_U63_MAX) {
        *err = RELAY_E_CONF;
        return NULL;
    }
    if (random->fill(random->ctx, rnd, sizeof(rnd)) < 0) {
        *err = RELAY_E_RANDOM;
        return NULL;
    }
    struct relay_parcel *parcel = calloc(1, sizeof(*parcel));
    *err = parcel == NULL ? RELAY_E_NOMEM : 0;
    if (parcel == NULL) {
        return NULL;
    }
    parcel->conf = *conf;
    parcel->session = session;
    parcel->report_ms = -1;
    memcpy(parcel->content_type, type.p, type.n);
    msrp_str_ident_make(parcel->message_id, rnd);
    msrp_range_init(&parcel->answered, parcel->runs, MSRP_RANGE_RUNS);
    msrp_range_init(&parcel->reported, parcel->reported_runs, MSRP_RANGE_RUNS);
    msrp_split_init(&parcel->split, conf->size);
    return parcel;
}

bool relay_parcel_is_answered_for(const struct relay_parcel *parcel)
{
    return parcel->conf.failure != MSRP_NO && parcel->conf.failure != MSRP_PARTIAL;
}

bool relay_parcel_wants(struct relay_parcel *parcel, uint64_t *most)
{
    struct msrp_run fresh;
    if (parcel->state != RELAY_PARCEL_OPEN) {
        return false;
    }
    if (parcel->conf.size == 0) {
        *most = 0;
        return !parcel->is_empty_out;
    }
    if (!msrp_range_find_new(&parcel->answered, parcel->split.sent, parcel->conf.size, &fresh)) {
        return false;
    }
    msrp_split_resume(&parcel->split, fresh.from);
    *most = fresh.to - fresh.from;
    return true;
}

static void add(struct msrp_range *range, uint64_t from, uint64_t to)
{
    struct msrp_run fresh;
    while (msrp_range_add(range, from, to, &fresh) > 0) { /* too many gaps: as if it never came */
        from = fresh.to;
    }
}

void relay_parcel_answered(struct relay_parcel *parcel, uint64_t from, uint64_t to)
{
    parcel->is_answered = true;
    add(&parcel->answered, from, to);
}

void relay_parcel_unanswered(struct relay_parcel *parcel, uint64_t from, uint64_t to)
{
    struct msrp_run old[MSRP_RANGE_RUNS];
    size_t n = parcel->answered.n;
    memcpy(old, parcel->runs, n * sizeof(old[0]));
    msrp_range_init(&parcel->answered, parcel->runs, MSRP_RANGE_RUNS);
    for (size_t i = 0; i < n; i++) {
        add(&parcel->answered, old[i].from, old[i].to < from ? old[i].to : from);
        add(&parcel->answered, old[i].from > to ? old[i].from : to, old[i].to);
    }
    parcel->is_answered = false;
}

void relay_parcel_reported(struct relay_parcel *parcel, uint64_t from, uint64_t to)
{
    add(&parcel->reported, from, to);
    parcel->is_reported =
        parcel->is_reported || msrp_range_is_complete(&parcel->reported, parcel->conf.size);
}

void relay_parcel_rewind(struct relay_parcel *parcel)
{
    parcel->waiting = 0;
    parcel->is_empty_out = parcel->is_answered;
    parcel->is_begun = parcel->owes_abort = false;
    parcel->report_ms = -1;
    msrp_split_init(&parcel->split, parcel->conf.size);
}

void relay_parcel_settle(struct relay_parcel *parcel)
{
    uint64_t most;
    if (parcel->state != RELAY_PARCEL_OPEN || parcel->waiting > 0 ||
        relay_parcel_wants(parcel, &most)) {
        return;
    }
    if (parcel->is_answered && msrp_range_is_complete(&parcel->answered, parcel->conf.size)) {
        parcel->state = RELAY_PARCEL_SENT;
    } else {
        bool begun = parcel->is_begun;
        relay_parcel_rewind(parcel);
        parcel->is_begun = begun;
    }
}

void relay_parcel_refuse(struct relay_parcel *parcel, int status, int err, const char *text)
{
    if (parcel->state == RELAY_PARCEL_REFUSED) {
        return;
    }
    parcel->state = RELAY_PARCEL_REFUSED;
    parcel->is_told = false;
    parcel->status = status;
    parcel->err = err;
    relay_say(parcel->text, sizeof(parcel->text), "%s",
              text != NULL ? text
              : err != 0   ? relay_strerror(err)
                           : msrp_code_text(status));
}
