#include "relay/client/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/client/inside.h"
#include "relay/client/say.h"
#include "relay/err.h"

enum {
    INPUT = 32 * 1024, /* more than one head of the largest size the reader takes */
    ANSWERS_MAX = 1024,
    STALE_MS = 120000,
    REPLAY_FRAMES = 65536,
    REPLAY_WINDOW_S = 3600,
};

void relay_client_end(struct relay_client *client, int status, int err, const char *text)
{
    if (client->state == RELAY_CLIENT_ENDED || client->state == RELAY_CLIENT_OVER) {
        return;
    }
    client->state = RELAY_CLIENT_ENDED;
    client->end.kind = RELAY_CLIENT_CLOSED;
    client->end.status = status;
    client->end.err = err;
    relay_say(client->end.text, sizeof(client->end.text), "%s",
              text != NULL ? text : relay_strerror(err));
    for (struct relay_letter *letter = client->box.letters; letter != NULL; letter = letter->next) {
        relay_letter_refuse(letter, status, 0, err != 0 ? err : RELAY_E_END, client->end.text);
        letter->owes_abort = false;
    }
    client->box.open = NULL;
    for (struct relay_inbox *inbox = client->inboxes; inbox != NULL; inbox = inbox->next) {
        relay_inbox_lose(inbox, RELAY_E_END);
        inbox->is_over = true;
    }
    client->body.n = 0;
}

static int make_uris(struct relay_client *client)
{
    struct msrp_uri uri, service;
    char id[MSRP_IDENT_MADE + 1];
    uint8_t rnd[16];
    if (msrp_uri_parse(&uri, msrp_str_of(client->conf.relay)) != 0 ||
        client->random.fill(client->random.ctx, rnd, sizeof(rnd)) < 0) {
        return RELAY_E_CONF;
    }
    msrp_str_ident_make(id, rnd);
    const char *scheme = uri.is_secure ? "msrps" : "msrp";
    snprintf(client->own, sizeof(client->own), "%s://client.invalid:%d/%s;tcp", scheme,
             MSRP_PORT_NUMBER, id);
    if (client->conf.service != NULL) {
        snprintf(client->service, sizeof(client->service), "%s", client->conf.service);
    } else {
        uri.port = uri.has_port ? uri.port : MSRP_PORT_NUMBER;
        uri.has_port = uri.has_session = true;
        uri.has_userinfo = false;
        uri.session = MSRP_STR("sds");
        uri.parameters = MSRP_STR("");
        if (msrp_uri_print(&uri, client->service, sizeof(client->service)) < 0) {
            return RELAY_E_CONF;
        }
    }
    return msrp_uri_parse(&service, msrp_str_of(client->service)) != 0 ? RELAY_E_CONF : 0;
}

struct relay_client *relay_client_new(const struct relay_client_conf *conf,
                                      const struct relay_client_random *random)
{
    uint8_t secret[16];
    struct relay_client *client = calloc(1, sizeof(*client));
    if (client == NULL) {
        return NULL;
    }
    client->conf = *conf;
    client->random = *random;
    client->renew_ms = -1;
    msrp_reader_init(&client->reader, NULL);
    client->in = malloc(INPUT);
    bool keys = conf->ring == NULL ? conf->mdsi == NULL : conf->keys != NULL;
    if (!keys || client->in == NULL || conf->me == NULL || conf->token == NULL ||
        make_uris(client) != 0 || random->fill(random->ctx, secret, sizeof(secret)) < 0 ||
        relay_past_init(
            &client->past, conf->replay_frames != 0 ? conf->replay_frames : REPLAY_FRAMES,
            conf->replay_window_s != 0 ? conf->replay_window_s : REPLAY_WINDOW_S, secret) != 0) {
        relay_client_free(client);
        return NULL;
    }
    return client;
}

static void drop_inbox(struct relay_client *client, struct relay_inbox **at)
{
    struct relay_inbox *inbox = *at;
    if (client->request.inbox == inbox) {
        client->request.inbox = NULL;
        client->body.n = 0;
    }
    *at = inbox->next;
    client->inboxes_n--;
    relay_inbox_free(inbox);
}

void relay_client_free(struct relay_client *client)
{
    if (client == NULL) {
        return;
    }
    while (client->inboxes != NULL) {
        drop_inbox(client, &client->inboxes);
    }
    relay_outbox_done(&client->box);
    relay_pairs_done(&client->pairs);
    dpp_key_free(client->csk);
    relay_past_done(&client->past);
    free(client->in);
    free(client);
}

static int check_queue(const struct relay_client *client)
{
    size_t queued = 0;
    for (struct relay_letter *letter = client->box.letters; letter != NULL; letter = letter->next) {
        queued += letter->id != 0 ? 1 : 0;
    }
    if (client->state == RELAY_CLIENT_ENDED || client->state == RELAY_CLIENT_OVER) {
        return RELAY_E_END;
    }
    if (queued >= RELAY_CLIENT_QUEUE_MAX) {
        return RELAY_E_TOO_MANY_OPEN;
    }
    /* signalling is sealed when a letter is made */
    return client->conf.mdsi != NULL && client->conf.csk != client->csk ? RELAY_E_SDS_NO_CSK : 0;
}

static void queue(struct relay_client *client, struct relay_letter *letter, uint64_t *id)
{
    letter->id = ++client->next_out;
    *id = letter->id;
    relay_outbox_add(&client->box, letter);
}

int relay_client_send(struct relay_client *client, const struct relay_client_now *now,
                      struct relay_client_sds *sds, uint64_t *id)
{
    uint8_t octets[DPP_MIKEY_MAX];
    struct relay_letter_mikey mikey = {0};
    const struct dpp_key *given = sds->key;
    int err = check_queue(client);
    if (err != 0) {
        return err;
    }
    err = relay_keyed_choose(client, now, sds, &sds->key, octets, &mikey);
    bool is_small = relay_letter_is_small(sds->size);
    struct relay_letter_from from = {&client->random, client->conf.csk, now->unix_s,
                                     is_small && mikey.n > 0 ? &mikey : NULL};
    struct relay_letter *letter = err == 0 ? relay_letter_sds(&from, sds, &err) : NULL;
    sds->key = given;
    if (letter != NULL && mikey.n > 0 && !is_small) {
        err = relay_keyed_queue(client, sds->to, &mikey);
    }
    if (err != 0) {
        relay_letter_free(letter);
        relay_keyed_forget(client, mikey.key_id);
        return err;
    }
    queue(client, letter, id);
    return 0;
}

int relay_client_send_key(struct relay_client *client, const char *to, const void *mikey, size_t n,
                          uint64_t *id)
{
    const struct relay_letter_mikey key = {mikey, n, 0};
    int err = check_queue(client);
    struct relay_letter *letter =
        err == 0 ? relay_letter_key(&client->random, to, &key, &err) : NULL;
    if (letter != NULL) {
        queue(client, letter, id);
    }
    return err;
}

/* rfc4976#5.1; the scheme is Bearer (profile section 2) */
static void authorise(struct relay_client *client, int64_t now_ms)
{
    uint8_t rnd[16];
    size_t cap = strlen(client->conf.token) + 2048;
    char *frame = malloc(cap);
    if (frame == NULL || client->random.fill(client->random.ctx, rnd, sizeof(rnd)) < 0) {
        free(frame);
        relay_client_end(client, 0, frame == NULL ? RELAY_E_NOMEM : RELAY_E_RANDOM, NULL);
        return;
    }
    msrp_tid_make(client->auth_tid, rnd);
    struct msrp_str tid = msrp_str_of(client->auth_tid);
    struct msrp_str bearer[2] = {MSRP_STR("Bearer"), msrp_str_of(client->conf.token)};
    struct msrp_writer w;
    msrp_writer_init(&w, frame, cap);
    msrp_writer_request(&w, tid, "AUTH");
    msrp_writer_header(&w, "To-Path", msrp_str_of(client->conf.relay));
    msrp_writer_header(&w, "From-Path", msrp_str_of(client->own));
    msrp_writer_header_list(&w, "Authorization", bearer, 2);
    if (client->conf.expires_s != 0) {
        msrp_writer_header_u64(&w, "Expires", client->conf.expires_s);
    }
    msrp_writer_end(&w, tid, '$', false);
    long n = msrp_writer_done(&w);
    int rc = n < 0 ? (int)n : relay_octets_put(&client->box.control, frame, (size_t)n);
    free(frame);
    client->auth_ms = now_ms + RELAY_CLIENT_ANSWER_MS;
    client->renew_ms = -1;
    if (rc != 0) {
        relay_client_end(client, 0, rc, NULL);
    }
}

static void tick(struct relay_client *client, int64_t now_ms)
{
    if (client->state != RELAY_CLIENT_OPEN) {
        return;
    }
    if (client->auth_tid[0] != '\0' && now_ms >= client->auth_ms) {
        relay_client_end(client, 408, 0, "the relay did not answer AUTH in 30 s");
        return;
    }
    relay_outbox_expire(&client->box, now_ms);
    for (struct relay_inbox *inbox = client->inboxes; inbox != NULL; inbox = inbox->next) {
        if (msrp_join_is_stale(&inbox->join, now_ms, STALE_MS)) {
            relay_inbox_lose(inbox, RELAY_E_STALE);
            inbox->is_over = true;
        }
    }
    if (client->renew_ms >= 0 && now_ms >= client->renew_ms) {
        authorise(client, now_ms);
    }
}

void relay_client_feed(struct relay_client *client, const struct relay_client_in *in)
{
    switch (in->kind) {
    case RELAY_CLIENT_IN_OPEN:
        if (client->state == RELAY_CLIENT_NEW) {
            client->state = RELAY_CLIENT_OPEN;
            authorise(client, in->now.mono_ms);
        }
        break;
    case RELAY_CLIENT_IN_DATA:
        client->in_n += in->n;
        client->counts.bytes_in += in->n;
        break;
    case RELAY_CLIENT_IN_CLOSED:
        relay_client_end(client, 0, in->err,
                         in->text != NULL ? in->text : "the relay ended the connection");
        break;
    case RELAY_CLIENT_IN_TICK:
        tick(client, in->now.mono_ms);
        break;
    }
}

/* ts24282#12.2.1.1: tells the sender what became of its message, as far as it asked. The caller
 * has taken DONE and come back: what is told as delivered is his now. */
static void dispose(struct relay_client *client, int64_t unix_s)
{
    const struct relay_client_event *event = &client->owed;
    bool read = client->conf.answer == RELAY_CLIENT_ANSWER_READ;
    uint8_t type = 0, asked = event->disposition;
    client->owed.disposition = 0;
    if (client->conf.answer == RELAY_CLIENT_ANSWER_NONE) {
        return;
    }
    switch (asked) {
    case DPP_SDS_REQUEST_DELIVERY:
        type = DPP_SDS_DISPOSITION_DELIVERED;
        break;
    case DPP_SDS_REQUEST_READ:
        type = read ? DPP_SDS_DISPOSITION_READ : 0;
        break;
    case DPP_SDS_REQUEST_DELIVERY_AND_READ:
        type = read ? DPP_SDS_DISPOSITION_DELIVERED_READ : DPP_SDS_DISPOSITION_DELIVERED;
        break;
    default:
        break;
    }
    size_t waiting = 0;
    for (struct relay_letter *letter = client->box.letters; letter != NULL; letter = letter->next) {
        waiting += letter->id == 0 ? 1 : 0;
    }
    if (type == 0 || waiting >= ANSWERS_MAX) {
        return;
    }
    int err;
    struct relay_letter_from from = {&client->random, client->conf.csk, unix_s, NULL};
    struct relay_letter *letter = relay_letter_notification(
        &from, event->from, event->group, event->conversation, event->message, type, &err);
    if (letter != NULL) {
        relay_outbox_add(&client->box, letter);
    }
}

/* What became of a letter. */
static bool take_letter(struct relay_client *client, struct relay_client_event *event)
{
    struct relay_letter *letter;
    relay_outbox_sweep(&client->box);
    while ((letter = relay_outbox_ended(&client->box)) != NULL) {
        bool is_sent = letter->state == RELAY_LETTER_SENT;
        *event = (struct relay_client_event){
            .kind = is_sent ? RELAY_CLIENT_SENT : RELAY_CLIENT_REFUSED,
            .id = letter->id,
            .err = letter->err,
            .status = letter->status,
            .warning = letter->warning,
            .bytes = letter->size,
        };
        memcpy(event->text, letter->text, sizeof(event->text));
        if (letter->is_upload) {
            relay_keyed_uploaded(client, letter);
            continue;
        }
        if (is_sent && letter->key_id != 0) {
            relay_pair_ended(&client->pairs, &client->conf, letter->key_id, true, false);
        } else {
            relay_keyed_forget(client, letter->key_id);
        }
        if (!is_sent) {
            client->counts.refused++;
            return true;
        }
        client->counts.sent++;
        struct relay_late *late = &client->late[client->late_at++ % RELAY_LATE_MAX];
        late->id = letter->id;
        memcpy(late->message_id, letter->message_id, sizeof(late->message_id));
        if (letter->id != 0) {
            return true; /* of a disposition only a failure is worth an event */
        }
    }
    return false;
}

/* What an arriving message asks of us, and what it tells of a key. */
static void heed(struct relay_client *client, const struct relay_inbox *inbox,
                 const struct relay_client_now *now, const struct relay_client_event *event)
{
    if (client->state != RELAY_CLIENT_OPEN) {
        return;
    }
    if (event->kind == RELAY_CLIENT_DONE) {
        relay_pair_used(&client->pairs, inbox->key_id);
        client->owed = *event;
    } else if (event->kind == RELAY_CLIENT_LOST && event->err == DPP_E_KEY_ABSENT &&
               client->conf.ring != NULL && !inbox->is_group) {
        relay_keyed_answer(client, event->from, now);
    }
}

static bool take_inbox(struct relay_client *client, const struct relay_client_now *now,
                       struct relay_client_event *event)
{
    struct relay_inbox_to to = {&client->conf, &client->past, &client->counts};
    struct relay_inbox **at = &client->inboxes;
    while (*at != NULL) {
        if (relay_inbox_next(*at, &to, now->unix_s, event)) {
            heed(client, *at, now, event);
            return true;
        }
        if ((*at)->is_over) {
            drop_inbox(client, at);
        } else {
            at = &(*at)->next;
        }
    }
    return false;
}

bool relay_client_take(struct relay_client *client, const struct relay_client_now *now,
                       struct relay_client_event *event)
{
    bool got = false;
    if (client->owed.disposition != 0 && client->state == RELAY_CLIENT_OPEN) {
        dispose(client, now->unix_s);
    }
    for (;;) {
        if (got || take_letter(client, event) || relay_pair_next(&client->pairs, event)) {
            return true;
        }
        if (client->owes_csk && client->state == RELAY_CLIENT_OPEN) {
            relay_keyed_upload(client, now);
        }
        if (client->is_ready) {
            client->is_ready = false;
            *event = (struct relay_client_event){.kind = RELAY_CLIENT_READY,
                                                 .expires_s = client->expires_s};
            return true;
        }
        if (take_inbox(client, now, event)) {
            return true;
        }
        if (client->state == RELAY_CLIENT_ENDED) {
            client->state = RELAY_CLIENT_OVER;
            *event = client->end;
            return true;
        }
        if (client->state != RELAY_CLIENT_OPEN) {
            return false;
        }
        if (client->body.n > 0) {
            relay_inbox_feed(client->request.inbox, client->body);
            client->body.n = 0;
        } else if (!relay_hear_next(client, now->mono_ms, event, &got)) {
            return false;
        }
    }
}

void relay_client_disown(struct relay_client *client)
{
    client->owed.disposition = 0;
}

char *relay_client_buffer(struct relay_client *client, size_t *n)
{
    if (client->state != RELAY_CLIENT_OPEN || client->body.n > 0) {
        return NULL;
    }
    if (client->in_at > 0) {
        memmove(client->in, client->in + client->in_at, client->in_n - client->in_at);
        client->in_n -= client->in_at;
        client->in_at = 0;
    }
    *n = INPUT - client->in_n;
    return *n > 0 ? client->in + client->in_n : NULL;
}

const char *relay_client_output(struct relay_client *client, const struct relay_client_now *now,
                                size_t *n)
{
    (void)now;
    *n = 0;
    /* nothing leaves under a key that the caller had no chance to seal */
    if (client->state != RELAY_CLIENT_OPEN || relay_pair_is_due(&client->pairs)) {
        return NULL;
    }
    struct relay_outbox_route route = {client->to_path, client->own};
    int rc = relay_outbox_pump(&client->box, &client->random, &route);
    relay_outbox_sweep(&client->box);
    client->counts.data_out = client->box.pulled;
    if (rc != 0) {
        relay_client_end(client, 0, rc, NULL);
        return NULL;
    }
    *n = relay_octets_left(&client->box.out);
    return *n > 0 ? client->box.out.p + client->box.out.at : NULL;
}

void relay_client_sent(struct relay_client *client, const struct relay_client_now *now, size_t n)
{
    relay_outbox_sent(&client->box, now->mono_ms, n);
    client->counts.bytes_out += n;
}

bool relay_client_is_quiet(const struct relay_client *client)
{
    return client->owed.disposition == 0 && client->box.letters == NULL &&
           relay_octets_left(&client->box.out) == 0 &&
           relay_octets_left(&client->box.control) == 0 && client->auth_tid[0] == '\0' &&
           !relay_pair_is_due(&client->pairs);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < 0 ? b : b < 0 ? a : a < b ? a : b;
}

int64_t relay_client_next_ms(const struct relay_client *client)
{
    if (client->state != RELAY_CLIENT_OPEN) {
        return -1;
    }
    if (relay_pair_is_due(&client->pairs)) {
        return 0; /* KEYED is to be taken, then there is output */
    }
    int64_t next = earlier(client->renew_ms, relay_outbox_next_ms(&client->box));
    if (client->auth_tid[0] != '\0') {
        next = earlier(next, client->auth_ms);
    }
    for (struct relay_inbox *inbox = client->inboxes; inbox != NULL; inbox = inbox->next) {
        next = earlier(next, inbox->join.touched_ms + STALE_MS + 1);
    }
    return next;
}

const struct relay_client_counts *relay_client_counts(const struct relay_client *client)
{
    return &client->counts;
}
