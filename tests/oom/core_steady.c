/* core_steady.c - path relaying allocates nothing per chunk: after a warm-up, chunks from a client
 * to a client, to a peer and from a peer pass without one call of malloc, whatever their size, with
 * one chunk or sixteen between two answers, in one long message or one message each. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/oom/oom.h"

/* Calls of the allocator from inside the relay. */
static long steady_calls;

static void steady_inside(bool is_inside)
{
    if (is_inside) {
        oom_start(LONG_MAX); /* grants all, and counts down */
    } else {
        steady_calls += LONG_MAX - oom_left;
        (void)oom_stop();
    }
}
#define SIM_INSIDE(is_inside) steady_inside(is_inside)

#include "tests/relay/way_kit.h"

#define PEER     "peer.example"
#define PEER_URI "msrps://" PEER ":2855/p;tcp"
#define FAR_URI  "msrps://far.example:9/f;tcp"

enum { PAYLOAD_MAX = 65536, WARM = 320, CHUNKS = 320 };

enum direction { CLIENT_TO_CLIENT, CLIENT_TO_PEER, PEER_TO_CLIENT };

static const struct relay_peer_conf peers[] = {{.name = PEER, .port = 2855, .tls = true}};
static char payload[PAYLOAD_MAX];

static void start(struct way_site *site, enum direction direction)
{
    struct sim *sim = &site->sim;

    sim_init(sim);
    sim->conf.peers = peers;
    sim->conf.peers_n = 1;
    sim->conf.rate_messages_per_s = 0;
    sim_start(sim);
    site->a = direction == PEER_TO_CLIENT ? sim_open_peer(sim, PEER) : sim_user(sim, SIM_ALICE);
    site->b = direction == CLIENT_TO_PEER ? sim_open_peer(sim, PEER) : sim_user(sim, SIM_BOB);
    if (direction == CLIENT_TO_PEER) { /* the path goes on to somebody behind the peer */
        strcpy(sim->conns[site->b].use_path, PEER_URI);
        strcpy(sim->conns[site->b].remote, FAR_URI);
    } else if (direction == PEER_TO_CLIENT) {
        strcpy(sim->conns[site->a].remote, PEER_URI " " FAR_URI);
    }
    sim_clear_all(sim);
}

/* One chunk; from a peer our only URI is that of the receiver's session. */
static void send_chunk(struct way_site *site, unsigned number, uint64_t start, size_t n,
                       bool is_one)
{
    char head[2048], end[64];
    char *text = sim_alloc(NULL, sizeof head + n + sizeof end);
    int at = snprintf(text, sizeof head,
                      "MSRP tid%06u SEND\r\nTo-Path: %s%s%s %s\r\nFrom-Path: %s\r\n"
                      "Message-ID: mid%06u\r\nByte-Range: %llu-*/*\r\n"
                      "Content-Type: application/octet-stream\r\n\r\n",
                      number, way_use(site, site->a), *way_use(site, site->a) ? " " : "",
                      way_use(site, site->b), way_uri(site, site->b), way_uri(site, site->a),
                      is_one ? 0 : number, (unsigned long long)start);

    memcpy(text + at, payload, n);
    at += (int)n;
    at += snprintf(text + at, sizeof end, "\r\n-------tid%06u%c\r\n", number, is_one ? '+' : '$');
    sim_say_n(&site->sim, site->a, text, (size_t)at);
    free(text);
}

/* `chunks` of them, the receiver answering after each `window`. Returns the octets that arrived. */
static uint64_t relay_chunks(struct way_site *site, struct way_got *got, unsigned *number,
                             uint64_t *next, unsigned chunks, unsigned window, size_t n,
                             bool is_one)
{
    uint64_t octets = 0;

    for (unsigned i = 1; i <= chunks; i++) {
        send_chunk(site, ++*number, is_one ? *next : 1, n, is_one);
        *next += n;
        if (i % window)
            continue;
        do {
            uint64_t before = got->n;
            if (is_one) {
                way_gather_more(site, site->b, got, 200);
                octets += got->n - before;
            } else {
                while (site->sim.conns[site->b].heard_n) {
                    /* frames of several messages: only their answers matter here */
                    octets += site->sim.conns[site->b].heard_n;
                    sim_answer_all(&site->sim, site->b, 200);
                }
            }
            sim_say_n(&site->sim, site->a, NULL, 0);
        } while (site->sim.conns[site->b].heard_n || site->sim.conns[site->a].later_n);
        sim_clear(&site->sim, site->a);
    }
    return octets;
}

static void nothing_per_chunk(void **state)
{
    static const size_t sizes[] = {200, 2048, 16384, PAYLOAD_MAX};

    (void)state;
    for (int direction = CLIENT_TO_CLIENT; direction <= PEER_TO_CLIENT; direction++) {
        for (int run = 0; run < 16; run++) {
            size_t n = sizes[run % 4];
            unsigned window = run / 4 % 2 ? 16 : 1, number = 0;
            bool is_one = run / 8;
            unsigned chunks = n > 2048 ? CHUNKS / 10 : CHUNKS;
            uint64_t next = 1;
            struct way_site site;
            struct way_got got = {.body = NULL};
            start(&site, (enum direction)direction);
            relay_chunks(&site, &got, &number, &next, n > 2048 ? WARM / 10 : WARM, window, n,
                         is_one);
            uint64_t relayed = relay_counts(site.sim.relay)->relayed_chunks;
            steady_calls = 0;
            uint64_t octets = relay_chunks(&site, &got, &number, &next, chunks, window, n, is_one);
            long calls = steady_calls;
            relayed = relay_counts(site.sim.relay)->relayed_chunks - relayed;
            assert_true(relayed >= chunks);
            assert_true(octets >= (uint64_t)chunks * n * 9 / 10);
            assert_int_equal(site.sim.refusals, 0);
            if (calls)
                fail_msg("%ld allocations for %llu chunks: direction %d, %zu octets, window %u, %s",
                         calls, (unsigned long long)relayed, direction, n, window,
                         is_one ? "one message" : "a message each");
            way_got_done(&got);
            way_done(&site);
        }
    }
}

/* The test would see one: a chunk by another sender, whose route is remembered for the first time,
 * costs something. */
static void first_chunk_costs(void **state)
{
    struct way_site site;
    struct way_got got = {.body = NULL};
    unsigned number = 0;
    uint64_t next = 1;

    (void)state;
    start(&site, CLIENT_TO_CLIENT);
    steady_calls = 0;
    relay_chunks(&site, &got, &number, &next, 1, 1, 200, true);
    assert_true(steady_calls > 0);
    way_got_done(&got);
    way_done(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_chunk_costs),
        cmocka_unit_test(nothing_per_chunk),
    };

    for (size_t i = 0; i < sizeof payload; i++)
        payload[i] = (char)(i * 31 >> 3);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
