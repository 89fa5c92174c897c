/* fuzz_client_endpoint.c - any octets as what an endpoint hears. However they are cut into reads,
 * the same comes of them; no message is given an octet beyond its size, none is DONE with a hole.
 * (longer than 40 lines: the endpoint has a sender, a receiver and a relay with Digest, and what is
 * told is looked at in full) */
#include <stdlib.h>
#include <string.h>

#include "relay/client/endpoint.h"

enum { MESSAGE_MAX = 1 << 16, MESSAGES = 64 };

static uint64_t seed;

static int fill(void *ctx, void *p, size_t n)
{
    (void)ctx;
    for (size_t i = 0; i < n; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        ((uint8_t *)p)[i] = (uint8_t)(seed >> 56);
    }
    return 0;
}

static uint64_t mix(uint64_t h, const void *p, size_t n)
{
    for (const unsigned char *c = p; n > 0; c++, n--)
        h = (h ^ *c) * 1099511628211u;
    return h;
}

static uint64_t look(const struct relay_endpoint_event *e, uint64_t *got, uint64_t sum)
{
    uint64_t facts[5] = {(uint64_t)e->kind, e->session, e->id, (uint64_t)e->status,
                         (uint64_t)-e->err};

    if (e->kind == RELAY_ENDPOINT_DATA) { /* octet by octet: where a piece ends does not count */
        if (e->n == 0 || e->at + e->n > MESSAGE_MAX || e->id >= MESSAGES)
            abort();
        for (size_t i = 0; i < e->n; i++)
            sum = mix(sum, &(uint64_t[3]){e->id, e->at + i, (unsigned char)e->data[i]}, 24);
        got[e->id] = e->at + e->n > got[e->id] ? e->at + e->n : got[e->id];
        return sum;
    }
    if (e->kind == RELAY_ENDPOINT_DONE && (e->id >= MESSAGES || e->total != got[e->id]))
        abort();
    return mix(sum, facts, sizeof facts);
}

/* Hears `step` octets at a time; a digest of all that came of it and was said. */
static uint64_t run(const uint8_t *data, size_t size, size_t step, bool behind_relay)
{
    static const char octets[6000] = "6000 octets";
    const struct relay_endpoint_conf conf = {.host = "own.example", .max_size = MESSAGE_MAX};
    const struct relay_client_random random = {fill, NULL};
    const struct relay_client_now now = {1000, 1700000000};
    const struct relay_endpoint_relay relay = {
        .uri = "msrp://relay.example:2855;tcp", .user = "alice", .password = "secret"};
    struct relay_parcel_conf parcel = {
        .content_type = "a/b", .size = sizeof octets, .data = octets, .wants_success = true};
    struct relay_endpoint_event event;
    uint64_t sum = 14695981039346656037u, id, session, got[MESSAGES] = {0};
    size_t n, room;

    seed = 1;
    struct relay_endpoint *ep = relay_endpoint_new(&conf, &random);
    struct relay_wire *wire = relay_wire_new(ep);
    struct relay_talk_conf passive = {0}, active = {.link = wire,
                                                    .peer_path = "msrp://peer.example:9/p;tcp",
                                                    .relays = &relay,
                                                    .relays_n = behind_relay ? 1 : 0};
    if (relay_endpoint_open(ep, &now, &passive, &session) != 0 ||
        relay_endpoint_open(ep, &now, &active, &session) != 0 ||
        relay_endpoint_send(ep, session, &parcel, &id) != 0)
        abort();
    relay_wire_feed(wire, &(struct relay_client_in){.kind = RELAY_CLIENT_IN_OPEN, .now = now});
    while (!behind_relay && relay_wire_output(wire, &now, &n) != NULL)
        relay_wire_sent(wire, &now, n);
    for (char *to; size > 0 && (to = relay_wire_buffer(wire, &room)) != NULL;) {
        room = room < step ? room : step;
        room = room < size ? room : size;
        memcpy(to, data, room);
        data += room, size -= room;
        relay_wire_feed(
            wire, &(struct relay_client_in){.kind = RELAY_CLIENT_IN_DATA, .now = now, .n = room});
        while (relay_endpoint_take(ep, &now, &event))
            sum = look(&event, got, sum);
    }
    for (const char *p; (p = relay_wire_output(wire, &now, &n)) != NULL;
         relay_wire_sent(wire, &now, n))
        sum = mix(sum, p, n);
    while (relay_endpoint_take(ep, &now, &event))
        sum = look(&event, got, sum);
    relay_endpoint_free(ep);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 100000)
        return 0;
    bool behind_relay = (data[0] & 1) != 0;
    uint64_t whole = run(data + 2, size - 2, SIZE_MAX, behind_relay);
    if (run(data + 2, size - 2, 1 + data[1], behind_relay) != whole)
        abort();
    return 0;
}
