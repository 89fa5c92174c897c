/* talk.c - the sessions of an endpoint: their URIs, their peers, their end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/client/ends.h"
#include "relay/client/say.h"
#include "relay/err.h"

struct relay_talk *relay_talk_find(const struct relay_endpoint *endpoint, uint64_t id)
{
    struct relay_talk *talk = endpoint->sessions;
    while (talk != NULL && talk->id != id) {
        talk = talk->next;
    }
    return talk;
}

struct relay_talk *relay_talk_named(const struct relay_endpoint *endpoint, struct msrp_str uri)
{
    struct relay_talk *talk = endpoint->sessions;
    while (talk != NULL && (talk->state == RELAY_TALK_FAILED ||
                            !msrp_uri_is_same_text(uri, msrp_str_of(talk->own)))) {
        talk = talk->next;
    }
    return talk;
}

/* FNV-1a of a peer's name; 0 for nobody in particular. */
static uint64_t peer_of(const char *name)
{
    uint64_t h = 14695981039346656037u;
    if (name == NULL) {
        return 0;
    }
    for (; *name != '\0'; name++) {
        h = (h ^ (unsigned char)*name) * 1099511628211u;
    }
    return h;
}

static bool copy_path(char out[RELAY_ENDPOINT_PATH + 1], const char *text)
{
    struct msrp_limits limits = MSRP_LIMITS_DEFAULT;
    struct msrp_path path;
    struct msrp_str value = msrp_str_of(text);
    if (value.n > RELAY_ENDPOINT_PATH || msrp_path_parse(&path, value, &limits) != 0) {
        return false;
    }
    memcpy(out, value.p, value.n + 1);
    return true;
}

/* The To-Path of what the session sends. row A9 */
static void make_to_path(struct relay_talk *talk)
{
    snprintf(talk->to_path, sizeof(talk->to_path), "%s%s%s", talk->entry.use_path,
             talk->entry.use_path[0] != '\0' ? " " : "", talk->peer_path);
}

/* The path to publish: reverse of Use-Path, own URI. row A9 */
static void make_path(struct relay_talk *talk)
{
    char *out = talk->path;
    size_t n = 0;
    struct msrp_str rest = msrp_str_of(talk->entry.use_path);
    while (rest.n > 0) {
        const char *space = memrchr(rest.p, ' ', rest.n);
        size_t at = space != NULL ? (size_t)(space - rest.p) + 1 : 0;
        int put =
            snprintf(out + n, sizeof(talk->path) - n, "%.*s ", (int)(rest.n - at), rest.p + at);
        n += put > 0 ? (size_t)put : 0;
        if (n >= sizeof(talk->path)) {
            break;
        }
        rest.n = at > 0 ? at - 1 : 0;
    }
    if (n + strlen(talk->own) >= sizeof(talk->path)) {
        relay_talk_fail(talk, 0, RELAY_E_SESSION, "the Use-Path is too long");
        return;
    }
    snprintf(out + n, sizeof(talk->path) - n, "%s", talk->own);
}

void relay_talk_begin(struct relay_talk *talk, int64_t now_ms)
{
    bool again = talk->state == RELAY_TALK_READY;
    make_path(talk);
    if (talk->is_active) {
        make_to_path(talk);
    }
    if (talk->state == RELAY_TALK_FAILED) {
        return;
    }
    talk->state = RELAY_TALK_READY;
    talk->tells_ready = true;
    talk->heard_ms = now_ms;
    talk->owes_binding = talk->is_active && !again;
}

void relay_talk_meet(struct relay_talk *talk, struct msrp_str from_path)
{
    if (from_path.n <= RELAY_ENDPOINT_PATH) {
        memcpy(talk->peer_path, from_path.p, from_path.n);
        talk->peer_path[from_path.n] = '\0';
        /* the request came through our relays: they stand in its From-Path already */
        snprintf(talk->to_path, sizeof(talk->to_path), "%s", talk->peer_path);
    }
}

void relay_talk_fail(struct relay_talk *talk, int status, int err, const char *text)
{
    struct relay_endpoint *endpoint;
    if (talk->state == RELAY_TALK_FAILED) {
        return;
    }
    talk->state = RELAY_TALK_FAILED;
    talk->tells_failed = true;
    talk->tells_ready = talk->owes_binding = false;
    talk->status = status;
    talk->err = err;
    relay_say(talk->text, sizeof(talk->text), "%s",
              text != NULL ? text
              : err != 0   ? relay_strerror(err)
                           : msrp_code_text(status));
    if (talk->link == NULL) {
        return;
    }
    endpoint = talk->link->endpoint;
    for (size_t i = talk->link->asked_n; i > 0; i--) {
        struct relay_asked *asked = &talk->link->asked[i - 1];
        if (asked->session == talk->id) {
            struct relay_asked gone;
            char tid[MSRP_IDENT_MADE + 1];
            memcpy(tid, asked->tid, sizeof(tid));
            (void)relay_wire_answered(talk->link, talk->id, msrp_str_of(tid), &gone);
        }
    }
    for (struct relay_parcel *parcel = endpoint->parcels; parcel != NULL; parcel = parcel->next) {
        if (parcel->session != talk->id) {
            continue;
        }
        parcel->is_again = true;
        if (parcel->state == RELAY_PARCEL_OPEN) {
            /* a chunk that is being written ends with `+`, and its octets go again */
            relay_parcel_rewind(parcel);
        }
    }
    talk->link = NULL;
}

/* An own URI: base with 128 random bits of session id. rows U4, A10 */
static int name(struct relay_endpoint *endpoint, struct relay_talk *talk)
{
    uint8_t rnd[16];
    char id[MSRP_IDENT_MADE + 1];
    struct msrp_uri uri;
    if (endpoint->random.fill(endpoint->random.ctx, rnd, sizeof(rnd)) < 0) {
        return RELAY_E_RANDOM;
    }
    msrp_str_ident_make(id, rnd);
    if (msrp_uri_parse(&uri, msrp_str_of(endpoint->base)) != 0) {
        return RELAY_E_CONF;
    }
    uri.has_session = true;
    uri.session = msrp_str_of(id);
    return msrp_uri_print(&uri, talk->own, sizeof(talk->own)) < 0 ? RELAY_E_CONF : 0;
}

static int check(const struct relay_talk_conf *conf)
{
    struct msrp_uri uri;
    if (conf->relays_n > RELAY_ENDPOINT_RELAYS_MAX || (conf->relays_n > 0 && conf->link == NULL) ||
        (conf->relays_n == 0 && (conf->link == NULL) != (conf->peer_path == NULL))) {
        return RELAY_E_CONF;
    }
    for (size_t i = 0; i < conf->relays_n; i++) {
        if (msrp_uri_parse(&uri, msrp_str_of(conf->relays[i].uri)) != 0) {
            return RELAY_E_CONF;
        }
    }
    return conf->link != NULL && conf->link->is_dead ? RELAY_E_END : 0;
}

int relay_endpoint_open(struct relay_endpoint *endpoint, const struct relay_client_now *now,
                        const struct relay_talk_conf *conf, uint64_t *session)
{
    int err = check(conf);
    struct relay_talk *talk = err == 0 ? calloc(1, sizeof(*talk)) : NULL;
    if (talk == NULL) {
        return err != 0 ? err : RELAY_E_NOMEM;
    }
    err = name(endpoint, talk);
    if (err == 0 && conf->peer_path != NULL && !copy_path(talk->peer_path, conf->peer_path)) {
        err = RELAY_E_CONF;
    }
    if (err != 0) {
        free(talk);
        return err;
    }
    talk->link = conf->link;
    if (conf->link != NULL) {
        conf->link->is_wanted = true;
    }
    talk->relays_n = conf->relays_n;
    talk->is_active = conf->peer_path != NULL;
    talk->takes_all = conf->takes_all;
    talk->peer = peer_of(conf->peer);
    talk->entry.renew_ms = -1;
    for (size_t i = 0; i < conf->relays_n; i++) {
        talk->relays[i] = conf->relays[i];
        talk->entry.expires_s[i] = conf->relays[i].expires_s;
    }
    *session = talk->id = ++endpoint->next_session;
    talk->next = endpoint->sessions;
    endpoint->sessions = talk;
    if (talk->link == NULL) {
        make_path(talk);
    } else if (talk->link->is_open) {
        talk->state = talk->relays_n > 0 ? RELAY_TALK_LOGIN : RELAY_TALK_NEW;
        (talk->relays_n > 0 ? relay_entry_start : relay_talk_begin)(talk, now->mono_ms);
    }
    return 0;
}

const char *relay_endpoint_path(const struct relay_endpoint *endpoint, uint64_t session)
{
    const struct relay_talk *talk = relay_talk_find(endpoint, session);
    return talk != NULL && talk->path[0] != '\0' ? talk->path : NULL;
}

void relay_endpoint_drop(struct relay_endpoint *endpoint, uint64_t session)
{
    struct relay_talk **at = &endpoint->sessions;
    while (*at != NULL && (*at)->id != session) {
        at = &(*at)->next;
    }
    if (*at == NULL) {
        return;
    }
    struct relay_talk *talk = *at;
    relay_talk_fail(talk, 0, RELAY_E_END, NULL);
    for (struct relay_parcel *parcel = endpoint->parcels; parcel != NULL; parcel = parcel->next) {
        if (parcel->session == session && parcel->state == RELAY_PARCEL_OPEN) {
            relay_parcel_refuse(parcel, talk->status, talk->err, talk->text);
        }
    }
    *at = talk->next;
    free(talk);
}

int relay_endpoint_resume(struct relay_endpoint *endpoint, uint64_t from, uint64_t to)
{
    struct relay_talk *old = relay_talk_find(endpoint, from);
    if (old == NULL || old->state != RELAY_TALK_FAILED || from == to ||
        relay_talk_find(endpoint, to) == NULL) {
        return RELAY_E_SESSION;
    }
    for (struct relay_parcel *parcel = endpoint->parcels; parcel != NULL; parcel = parcel->next) {
        if (parcel->session != from) {
            continue;
        }
        if (relay_parcel_is_answered_for(parcel) || !parcel->is_again) {
            parcel->session = to;
        } else if (parcel->state == RELAY_PARCEL_OPEN) {
            relay_parcel_refuse(parcel, old->status, old->err, old->text);
        }
    }
    relay_endpoint_drop(endpoint, from);
    return 0;
}
