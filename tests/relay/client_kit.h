/* client_kit.h - client machines in a test: pretend clock, seeded random, keys, what was told. */
#ifndef TESTS_RELAY_CLIENT_KIT_H
#define TESTS_RELAY_CLIENT_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dpp/sds/info.h"
#include "dpp/sds/msg.h"
#include "msrp/msrp.h"
#include "relay/client/client.h"
#include "relay/err.h"

/* Called with true before every call into the client and with false behind it: the out-of-memory
 * test counts only what the client allocates. */
#ifndef KIT_INSIDE
#define KIT_INSIDE(is_inside) (void)(is_inside)
#endif

#define KIT_RELAY   "msrps://relay.iops.example:2855;tcp"
#define KIT_SERVICE "msrps://relay.iops.example:2855/sds;tcp"
#define KIT_USE     "msrps://relay.iops.example:2855/use1;tcp"
#define KIT_ALICE   "sip:alice@iops.example"
#define KIT_BOB     "sip:bob@iops.example"
#define KIT_CAROL   "sip:carol@iops.example"
#define KIT_GROUP   "sip:rescue-1@iops.example"

enum {
    KIT_UNIX_S = 1700000000,
    KIT_EVENTS = 512,
    KIT_PCK_ID = 0x10000001,
    KIT_GMK_ID = 0x00000002,
    KIT_CSK_ID = 0x20000003,
};

struct kit {
    struct relay_client *client;
    struct relay_client_now now;
    uint64_t seed;
    bool is_random_broken;
    bool is_mute;                                 /* kit_turn leaves the output where it is */
    struct relay_client_event events[KIT_EVENTS]; /* DATA left out */
    size_t events_n;
    uint8_t *data; /* of all DATA events */
    size_t data_n;
    char *said; /* what the client sent */
    size_t said_n;
    char own[600]; /* its From-Path, once AUTH was seen */
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

/* Keys: alice and bob share a PCK, everybody the GMK of the group. */
static inline struct dpp_store *kit_keys(uint8_t salt)
{
    struct dpp_store *store = dpp_store_new(8);
    struct dpp_key *key;
    uint8_t octets[16] = {salt};
    int err = dpp_keys_init(0);
    assert_true(err == 0 || err == DPP_E_HEAP_UNLOCKED);
    octets[1] = 1;
    assert_int_equal(dpp_key_new(&key, KIT_PCK_ID, octets, 16, 0, 0), 0);
    assert_int_equal(dpp_store_add(store, key, KIT_ALICE, KIT_BOB), 0);
    octets[1] = 2;
    assert_int_equal(dpp_key_new(&key, KIT_GMK_ID, octets, 16, 0, 0), 0);
    assert_int_equal(dpp_store_add(store, key, KIT_ALICE, KIT_GROUP), 0);
    octets[1] = 3;
    assert_int_equal(dpp_key_new(&key, KIT_CSK_ID, octets, 16, 0, 0), 0);
    assert_int_equal(dpp_store_add(store, key, KIT_ALICE, NULL), 0);
    return store;
}

static inline const struct dpp_key *kit_key(const struct dpp_store *store, uint32_t id)
{
    return dpp_store_find(store, id)->key;
}

static inline bool kit_take(struct kit *kit, struct relay_client_event *event)
{
    KIT_INSIDE(true);
    bool has = relay_client_take(kit->client, &kit->now, event);
    KIT_INSIDE(false);
    return has;
}

/* Takes all events, then all output; a second round, as output may lead to events. */
static inline void kit_turn(struct kit *kit)
{
    struct relay_client_event event;
    for (int round = 0; round < 2; round++) {
        while (kit_take(kit, &event)) {
            if (event.kind == RELAY_CLIENT_DATA) {
                kit->data = realloc(kit->data, kit->data_n + event.n + 1);
                if (event.n > 0) {
                    memcpy(kit->data + kit->data_n, event.data, event.n);
                }
                kit->data_n += event.n;
                continue;
            }
            assert_true(kit->events_n < KIT_EVENTS);
            kit->events[kit->events_n++] = event;
        }
        while (!kit->is_mute) {
            size_t n;
            KIT_INSIDE(true);
            const char *p = relay_client_output(kit->client, &kit->now, &n);
            KIT_INSIDE(false);
            if (p == NULL) {
                break;
            }
            kit->said = realloc(kit->said, kit->said_n + n + 1);
            memcpy(kit->said + kit->said_n, p, n);
            kit->said_n += n;
            kit->said[kit->said_n] = '\0';
            relay_client_sent(kit->client, &kit->now, n);
        }
    }
}

static inline void kit_feed(struct kit *kit, enum relay_client_in_kind kind)
{
    struct relay_client_in in = {.kind = kind, .now = kit->now};
    KIT_INSIDE(true);
    relay_client_feed(kit->client, &in);
    KIT_INSIDE(false);
    kit_turn(kit);
}

/* Octets arrive, `step` at a time (0: as many as there is room for). */
static inline void kit_hear_n(struct kit *kit, const void *octets, size_t n, size_t step)
{
    const char *p = octets;
    while (n > 0) {
        size_t room = 0;
        char *to = relay_client_buffer(kit->client, &room);
        if (to == NULL) {
            return; /* the client is over */
        }
        room = step > 0 && step < room ? step : room;
        room = room < n ? room : n;
        memcpy(to, p, room);
        struct relay_client_in in = {.kind = RELAY_CLIENT_IN_DATA, .now = kit->now, .n = room};
        relay_client_feed(kit->client, &in);
        kit_turn(kit);
        p += room;
        n -= room;
    }
}

__attribute__((format(printf, 2, 3))) static inline void kit_hear(struct kit *kit,
                                                                  const char *format, ...)
{
    char text[16384];
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    assert_true(n >= 0 && (size_t)n < sizeof(text));
    kit_hear_n(kit, text, (size_t)n, 0);
}

static inline void kit_forget_said(struct kit *kit)
{
    kit->said_n = 0;
    if (kit->said != NULL) {
        kit->said[0] = '\0';
    }
}

/* The id of the transaction that begins at `from`. */
static inline void kit_tid(const char *from, char tid[40])
{
    assert_int_equal(sscanf(from, "MSRP %33s", tid), 1);
}

/* A client whose connection stands; its AUTH is in said. */
static inline void kit_open(struct kit *kit, const struct relay_client_conf *conf)
{
    struct relay_client_conf all = *conf;
    struct relay_client_random random = {kit_random, kit};
    all.relay = all.relay != NULL ? all.relay : KIT_RELAY;
    all.token = all.token != NULL ? all.token : "a.b.c";
    if (kit->now.unix_s == 0) {
        kit->now = (struct relay_client_now){1000, KIT_UNIX_S};
    }
    kit->client = relay_client_new(&all, &random);
    assert_non_null(kit->client);
    kit_feed(kit, RELAY_CLIENT_IN_OPEN);
    const char *from = strstr(kit->said, "From-Path: ");
    assert_non_null(from);
    assert_int_equal(sscanf(from, "From-Path: %599s", kit->own), 1);
}

/* The relay lets it in. */
static inline void kit_login(struct kit *kit, const struct relay_client_conf *conf)
{
    char tid[40];
    kit_open(kit, conf);
    kit_tid(kit->said, tid);
    kit_hear(kit,
             "MSRP %s 200 OK\r\nTo-Path: %s\r\nFrom-Path: " KIT_RELAY "\r\nUse-Path: " KIT_USE
             "\r\nExpires: 3600\r\n-------%s$\r\n",
             tid, kit->own, tid);
    assert_int_equal(kit->events_n, 1);
    assert_int_equal(kit->events[0].kind, RELAY_CLIENT_READY);
    assert_int_equal(kit->events[0].expires_s, 3600);
    kit->events_n = 0;
    kit_forget_said(kit);
}

static inline void kit_close(struct kit *kit)
{
    relay_client_free(kit->client);
    free(kit->data);
    free(kit->said);
    *kit = (struct kit){0};
}

/* The last event, which must be of this kind. */
static inline const struct relay_client_event *kit_last(const struct kit *kit,
                                                        enum relay_client_event_kind kind)
{
    assert_true(kit->events_n > 0);
    const struct relay_client_event *event = &kit->events[kit->events_n - 1];
    assert_int_equal(event->kind, kind);
    return event;
}

/* --- what the service says --- */

/* A body as the service writes it: info, signalling, payload (NULL: none). */
struct kit_body {
    char p[200000];
    size_t n;
};

static inline void kit_put(struct kit_body *body, const void *p, size_t n)
{
    assert_true(body->n + n <= sizeof(body->p));
    memcpy(body->p + body->n, p, n);
    body->n += n;
}

static inline void kit_part(struct kit_body *body, const char *type, const void *p, size_t n)
{
    char head[200];
    int head_n = snprintf(head, sizeof(head), "%s--bound\r\nContent-Type: %s\r\n\r\n",
                          body->n > 0 ? "\r\n" : "", type);
    kit_put(body, head, (size_t)head_n);
    kit_put(body, p, n);
}

static inline void kit_info(struct kit_body *body, const char *to, const char *from,
                            const char *group, bool is_group)
{
    char xml[2048];
    struct dpp_info info = {.request =
                                is_group ? DPP_REQUEST_GROUP_SDS : DPP_REQUEST_ONE_TO_ONE_SDS};
    snprintf(info.request_uri, sizeof(info.request_uri), "%s", to);
    snprintf(info.calling_user_id, sizeof(info.calling_user_id), "%s", from);
    snprintf(info.calling_group_id, sizeof(info.calling_group_id), "%s", group);
    ssize_t n = dpp_info_print(xml, sizeof(xml), &info);
    assert_true(n > 0);
    kit_part(body, "application/vnd.3gpp.mcdata-info+xml", xml, (size_t)n);
}

static inline void kit_signalling(struct kit_body *body, uint8_t code, uint8_t number,
                                  uint8_t disposition, uint8_t id)
{
    uint8_t plain[256];
    struct dpp_msg msg = {.code = code, .time_s = KIT_UNIX_S, .number = number};
    memset(msg.conversation_id, 0xc0, 16);
    memset(msg.message_id, id, 16);
    msg.optional[DPP_IE_SDS_REQUEST].is_present = disposition != 0;
    msg.optional[DPP_IE_SDS_REQUEST].number = disposition;
    ssize_t n = dpp_msg_encode(plain, sizeof(plain), &msg);
    assert_true(n > 0);
    kit_part(body, "application/vnd.3gpp.mcdata-signalling", plain, (size_t)n);
}

/* One sealed frame with one text element. iv: the octet that fills its IV. */
static inline void kit_payload(struct kit_body *body, const struct dpp_key *key, uint8_t iv,
                               const char *text)
{
    uint8_t plain[4096], sealed[5000], ivs[16];
    size_t n = strlen(text);
    struct dpp_seal seal;
    memset(ivs, iv, sizeof(ivs));
    plain[0] = 3;
    plain[1] = 1;
    plain[2] = 0x78;
    plain[3] = (uint8_t)((n + 1) >> 8);
    plain[4] = (uint8_t)(n + 1);
    plain[5] = DPP_CONTENT_TEXT;
    memcpy(plain + 6, text, n);
    enum dpp_use use = dpp_key_role(key) == DPP_ROLE_GMK ? DPP_USE_GROUP : DPP_USE_ONE;
    assert_int_equal(dpp_seal_init(&seal, key, dpp_key_id(key), use, DPP_ALG_AES_128_GCM), 0);
    ssize_t made = dpp_payload_seal_one(&seal, DPP_FRAMING_STRIPPED, plain, n + 6, KIT_UNIX_S, 7,
                                        ivs, sealed, sizeof(sealed));
    dpp_seal_done(&seal);
    assert_true(made > 0);
    kit_part(body, "application/vnd.3gpp.mcdata-payload", sealed, (size_t)made);
}

static inline void kit_finish(struct kit_body *body)
{
    kit_put(body, "\r\n--bound--", 11);
}

/* One SEND of the service with octets [from, to) of the body (0-based), as one chunk. */
static inline size_t kit_frame(char *out, size_t cap, const struct kit *kit,
                               const struct kit_body *body, const char *tid, const char *message_id,
                               size_t from, size_t to, char flag)
{
    int n = snprintf(out, cap,
                     "MSRP %s SEND\r\nTo-Path: %s\r\nFrom-Path: " KIT_USE " " KIT_SERVICE
                     "\r\nMessage-ID: %s\r\nByte-Range: %zu-*/%zu\r\n"
                     "Content-Type: multipart/mixed;boundary=bound\r\n\r\n",
                     tid, kit->own, message_id, from + 1, body->n);
    assert_true(n > 0 && (size_t)n + to - from + 60 < cap);
    memcpy(out + n, body->p + from, to - from);
    n += (int)(to - from);
    n += snprintf(out + n, cap - (size_t)n, "\r\n-------%s%c\r\n", tid, flag);
    return (size_t)n;
}

/* A whole one-to-one text from alice to bob, in `out`. */
static inline size_t kit_text(char *out, size_t cap, const struct kit *kit,
                              const struct dpp_store *keys, const char *text, uint8_t disposition,
                              uint8_t id, uint8_t iv)
{
    struct kit_body *body = calloc(1, sizeof(*body));
    kit_info(body, KIT_BOB, KIT_ALICE, "", false);
    kit_signalling(body, DPP_MSG_SDS_SIGNALLING, 0, disposition, id);
    kit_payload(body, kit_key(keys, KIT_PCK_ID), iv, text);
    kit_finish(body);
    size_t n = kit_frame(out, cap, kit, body, "tid1234", "mid1234", 0, body->n, '$');
    free(body);
    return n;
}

#endif
