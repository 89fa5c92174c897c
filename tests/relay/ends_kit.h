/* ends_kit.h - endpoints in a test: pretend clock, seeded random, what was told, wires between
 * links. */
#ifndef TESTS_RELAY_ENDS_KIT_H
#define TESTS_RELAY_ENDS_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "msrp/msrp.h"
#include "relay/client/endpoint.h"
#include "relay/err.h"
#include "tests/row.h"

/* Called with true before every call into an endpoint and with false behind it: the out-of-memory
 * test counts only what an endpoint allocates. */
#ifndef KIT_INSIDE
#define KIT_INSIDE(is_inside) (void)(is_inside)
#endif

#define KIT_PEER "msrp://peer.example:9000/peer1;tcp"

enum { KIT_EVENTS = 512, KIT_INBOX = 16 };

/* A message that came: its octets where they belong. */
struct kit_in {
    uint64_t id;
    char *p;
    size_t n;
    bool is_done, was_continued;
    char content_type[256];
};

struct kit {
    struct relay_endpoint *endpoint;
    struct relay_client_now now;
    uint64_t seed;
    bool is_random_broken;
    struct relay_endpoint_event events[KIT_EVENTS]; /* DATA left out */
    size_t events_n;
    struct kit_in in[KIT_INBOX];
    size_t in_n;
    int disown;                               /* this status ... */
    enum relay_endpoint_event_kind disown_at; /* ... at each event of this kind */
    size_t said_n;
    char said[1 << 20]; /* what kit_said took last; the last member: not cleared */
};

static inline int kit_random(void *ctx, void *p, size_t n)
{
    struct kit *kit = ctx;
    uint8_t *out = p;
    for (size_t i = 0; i < n; i++) {
        kit->seed = kit->seed * 6364136223846793005u + 1442695040888963407u;
        out[i] = (uint8_t)(kit->seed >> 56);
    }
    return kit->is_random_broken ? -1 : 0;
}

static inline void kit_init(struct kit *kit, uint64_t seed, const struct relay_endpoint_conf *conf)
{
    static const struct relay_endpoint_conf plain = {.host = "own.example"};
    struct relay_client_random random = {kit_random, kit};
    memset(kit, 0, offsetof(struct kit, said));
    kit->said[0] = '\0';
    kit->seed = seed;
    kit->now = (struct relay_client_now){1000, 1700000000};
    KIT_INSIDE(true);
    kit->endpoint = relay_endpoint_new(conf != NULL ? conf : &plain, &random);
    KIT_INSIDE(false);
}

static inline void kit_done(struct kit *kit)
{
    relay_endpoint_free(kit->endpoint);
    for (size_t i = 0; i < kit->in_n; i++) {
        free(kit->in[i].p);
    }
    kit->in_n = 0;
}

static inline struct kit_in *kit_in(struct kit *kit, uint64_t id)
{
    for (size_t i = 0; i < kit->in_n; i++) {
        if (kit->in[i].id == id) {
            return &kit->in[i];
        }
    }
    assert_true(kit->in_n < KIT_INBOX);
    kit->in[kit->in_n] = (struct kit_in){.id = id};
    return &kit->in[kit->in_n++];
}

static inline void kit_put(struct kit *kit, const struct relay_endpoint_event *event)
{
    struct kit_in *in = kit_in(kit, event->id);
    size_t end = (size_t)event->at + event->n;
    if (end > in->n) {
        in->p = realloc(in->p, end);
        memset(in->p + in->n, '?', end - in->n);
        in->n = end;
    }
    memcpy(in->p + event->at, event->data, event->n);
    in->was_continued = in->was_continued || event->was_begun;
}

/* Takes all events. */
static inline void kit_take(struct kit *kit)
{
    struct relay_endpoint_event event;
    for (;;) {
        KIT_INSIDE(true);
        bool got = relay_endpoint_take(kit->endpoint, &kit->now, &event);
        KIT_INSIDE(false);
        if (!got) {
            return;
        }
        if (event.kind == RELAY_ENDPOINT_DATA) {
            kit_put(kit, &event);
        } else {
            assert_true(kit->events_n < KIT_EVENTS);
            kit->events[kit->events_n++] = event;
        }
        if (event.kind == RELAY_ENDPOINT_MESSAGE) {
            snprintf(kit_in(kit, event.id)->content_type, 256, "%s", event.content_type);
        }
        if (event.kind == RELAY_ENDPOINT_DONE) {
            kit_in(kit, event.id)->is_done = true;
        }
        if (kit->disown != 0 && event.kind == kit->disown_at) {
            relay_endpoint_disown(kit->endpoint, kit->disown);
        }
    }
}

static inline void kit_feed(struct kit *kit, struct relay_wire *link,
                            enum relay_client_in_kind kind)
{
    struct relay_client_in in = {.kind = kind, .now = kit->now};
    KIT_INSIDE(true);
    relay_wire_feed(link, &in);
    KIT_INSIDE(false);
    kit_take(kit);
}

/* A link whose connection stands; NULL without memory. */
static inline struct relay_wire *kit_link(struct kit *kit)
{
    KIT_INSIDE(true);
    struct relay_wire *link = relay_wire_new(kit->endpoint);
    KIT_INSIDE(false);
    if (link != NULL) {
        kit_feed(kit, link, RELAY_CLIENT_IN_OPEN);
    }
    return link;
}

/* Octets arrive, `step` at a time (0: as many as there is room for). */
static inline void kit_hear_n(struct kit *kit, struct relay_wire *link, const char *p, size_t n,
                              size_t step)
{
    while (n > 0) {
        size_t room = 0;
        char *to = relay_wire_buffer(link, &room);
        if (to == NULL) {
            return; /* the link is over */
        }
        room = step > 0 && step < room ? step : room;
        room = room < n ? room : n;
        memcpy(to, p, room);
        struct relay_client_in in = {.kind = RELAY_CLIENT_IN_DATA, .now = kit->now, .n = room};
        KIT_INSIDE(true);
        relay_wire_feed(link, &in);
        KIT_INSIDE(false);
        kit_take(kit);
        p += room;
        n -= room;
    }
}

__attribute__((format(printf, 3, 4))) static inline void
kit_hear(struct kit *kit, struct relay_wire *link, const char *format, ...)
{
    char text[16384];
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    assert_true(n >= 0 && (size_t)n < sizeof(text));
    kit_hear_n(kit, link, text, (size_t)n, 0);
}

/* All that the link has to say now, as text; it counts as sent. */
static inline const char *kit_said(struct kit *kit, struct relay_wire *link)
{
    kit->said_n = 0;
    for (;;) {
        size_t n;
        KIT_INSIDE(true);
        const char *p = relay_wire_output(link, &kit->now, &n);
        KIT_INSIDE(false);
        if (p == NULL || kit->said_n + n >= sizeof(kit->said)) {
            break;
        }
        memcpy(kit->said + kit->said_n, p, n);
        kit->said_n += n;
        KIT_INSIDE(true);
        relay_wire_sent(link, &kit->now, n);
        KIT_INSIDE(false);
    }
    kit->said[kit->said_n] = '\0';
    kit_take(kit);
    return kit->said;
}

/* The last event of this kind; NULL: none. */
static inline const struct relay_endpoint_event *kit_find(const struct kit *kit,
                                                          enum relay_endpoint_event_kind kind)
{
    for (size_t i = kit->events_n; i > 0; i--) {
        if (kit->events[i - 1].kind == kind) {
            return &kit->events[i - 1];
        }
    }
    return NULL;
}

static inline size_t kit_count(const struct kit *kit, enum relay_endpoint_event_kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < kit->events_n; i++) {
        n += kit->events[i].kind == kind ? 1 : 0;
    }
    return n;
}

/* A session; 0 where it cannot be opened. */
static inline uint64_t kit_session(struct kit *kit, const struct relay_talk_conf *conf)
{
    uint64_t session = 0;
    KIT_INSIDE(true);
    int err = relay_endpoint_open(kit->endpoint, &kit->now, conf, &session);
    KIT_INSIDE(false);
    kit_take(kit);
    return err == 0 ? session : 0;
}

static inline uint64_t kit_active(struct kit *kit, struct relay_wire *link, const char *path)
{
    struct relay_talk_conf conf = {.link = link, .peer_path = path};
    return kit_session(kit, &conf);
}

static inline uint64_t kit_passive(struct kit *kit)
{
    struct relay_talk_conf conf = {0};
    return kit_session(kit, &conf);
}

/* The own URI of a session without relays. */
static inline const char *kit_path(const struct kit *kit, uint64_t session)
{
    const char *path = relay_endpoint_path(kit->endpoint, session);
    assert_non_null(path);
    return path;
}

static inline uint64_t kit_send(struct kit *kit, uint64_t session, const void *p, size_t n)
{
    uint64_t id = 0;
    struct relay_parcel_conf conf = {.content_type = "text/plain", .size = n, .data = p};
    KIT_INSIDE(true);
    int err = relay_endpoint_send(kit->endpoint, session, &conf, &id);
    KIT_INSIDE(false);
    return err == 0 ? id : 0;
}

/* The id of the transaction whose start line ends with `word`, from the last such line of text. */
static inline bool kit_tid(const char *text, const char *word, char tid[40])
{
    bool found = false;
    for (const char *at = text; (at = strstr(at, "MSRP ")) != NULL; at += 5) {
        char one[40], verb[40];
        if (sscanf(at, "MSRP %33s %32s", one, verb) == 2 && strcmp(verb, word) == 0) {
            memcpy(tid, one, sizeof(one));
            found = true;
        }
    }
    return found;
}

/* Answers every SEND in text with this code, as KIT_PEER would. */
static inline void kit_answer(struct kit *kit, struct relay_wire *link, const char *text,
                              const char *own, int code)
{
    char tid[40], verb[40];
    for (const char *at = text; (at = strstr(at, "MSRP ")) != NULL; at += 5) {
        if (sscanf(at, "MSRP %33s %32s", tid, verb) == 2 && strcmp(verb, "SEND") == 0) {
            kit_hear(kit, link,
                     "MSRP %s %d\r\nTo-Path: %s\r\nFrom-Path: " KIT_PEER "\r\n-------%s$\r\n", tid,
                     code, own, tid);
        }
    }
}

/* Two links joined: octets go both ways in runs of at most `step` (0: all) until nobody has any
 * more, or `limit` octets went (0: no limit). Returns how many went. */
static inline size_t kit_wire(struct kit *a, struct relay_wire *from, struct kit *b,
                              struct relay_wire *to, size_t step, size_t limit)
{
    struct kit *side[2] = {a, b};
    struct relay_wire *link[2] = {from, to};
    size_t moved = 0;
    for (int idle = 0, i = 0; idle < 2; i = !i) {
        size_t n;
        KIT_INSIDE(true);
        const char *p = relay_wire_output(link[i], &side[i]->now, &n);
        KIT_INSIDE(false);
        kit_take(side[i]);
        if (p == NULL) {
            idle++;
            continue;
        }
        idle = 0;
        n = step > 0 && step < n ? step : n;
        n = limit > 0 && limit - moved < n ? limit - moved : n;
        kit_hear_n(side[!i], link[!i], p, n, step);
        KIT_INSIDE(true);
        relay_wire_sent(link[i], &side[i]->now, n);
        KIT_INSIDE(false);
        kit_take(side[i]);
        moved += n;
        if (limit > 0 && moved == limit) {
            break;
        }
    }
    return moved;
}

/* `n` octets that tell their place. */
static inline char *kit_octets(size_t n)
{
    char *p = malloc(n + 1);
    uint32_t x = 12345;
    for (size_t i = 0; i < n; i++) {
        x = x * 1664525u + 1013904223u;
        p[i] = (char)(x >> 24);
    }
    return p;
}

#endif
