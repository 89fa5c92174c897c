/* Endpoints on one loop, over real sockets: listen and connect, failures, many at once, leaving in
 * the middle. TLS and IPv6 are in tests/e2e/test_endpoint.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "relay/err.h"
#include "relay/loop/ends.h"

enum { SIZE = 3000000 };

struct side {
    struct relay_dial *dial;
    struct relay_ends *ends;
    uint64_t session, octets, sum;
    unsigned done, sent, failed, messages;
    unsigned stop_at; /* the loop stops at so many DONE, SENT or FAILED */
    char text[256];
};

static void told(void *ctx, const struct relay_endpoint_event *event)
{
    struct side *side = ctx;
    switch (event->kind) {
    case RELAY_ENDPOINT_DATA:
        side->octets += event->n;
        for (size_t i = 0; i < event->n; i++) {
            side->sum += (event->at + i) * (unsigned char)event->data[i];
        }
        break;
    case RELAY_ENDPOINT_MESSAGE:
        side->messages++;
        break;
    case RELAY_ENDPOINT_DONE:
        side->done++;
        break;
    case RELAY_ENDPOINT_SENT:
        side->sent++;
        break;
    case RELAY_ENDPOINT_FAILED:
        side->failed++;
        memcpy(side->text, event->text, sizeof(side->text));
        break;
    default:
        break;
    }
    if (side->stop_at > 0 && side->done + side->sent + side->failed >= side->stop_at) {
        relay_dial_stop(side->dial, 0);
    }
}

static void make(struct side *side, struct relay_dial *dial)
{
    int err;
    struct relay_ends_conf conf = {.endpoint = {.host = "127.0.0.1"}, .event = told, .ctx = side};
    memset(side, 0, sizeof(*side));
    side->dial = dial;
    side->ends = relay_ends_new(dial, &conf, &err);
    assert_non_null(side->ends);
}

/* Listens, with a passive session; its path. */
static const char *listen_at(struct side *side)
{
    const struct relay_ends_listen here = {.address = "127.0.0.1:0"};
    const struct relay_talk_conf passive = {0};
    struct relay_client_now now;
    char why[256];
    uint16_t port;
    assert_int_equal(relay_ends_listen(side->ends, &here, &port, why, sizeof(why)), 0);
    assert_true(port > 0);
    now = relay_ends_now(side->ends);
    assert_int_equal(
        relay_endpoint_open(relay_ends_endpoint(side->ends), &now, &passive, &side->session), 0);
    return relay_endpoint_path(relay_ends_endpoint(side->ends), side->session);
}

static void connect_to(struct side *side, const char *path)
{
    int err;
    struct relay_client_now now = relay_ends_now(side->ends);
    struct relay_talk_conf active = {.link = relay_ends_connect(side->ends, path, NULL, &err),
                                     .peer_path = path};
    assert_non_null(active.link);
    assert_int_equal(
        relay_endpoint_open(relay_ends_endpoint(side->ends), &now, &active, &side->session), 0);
}

static struct relay_dial *new_dial(void)
{
    int err;
    struct relay_dial *dial = relay_dial_new(NULL, &err);
    assert_non_null(dial);
    return dial;
}

static void send_octets(struct side *side, const char *octets, size_t n)
{
    uint64_t id;
    const struct relay_parcel_conf conf = {.content_type = "a/b", .size = n, .data = octets};
    assert_int_equal(
        relay_endpoint_send(relay_ends_endpoint(side->ends), side->session, &conf, &id), 0);
}

static void there_and_back(void **state)
{
    struct relay_dial *dial = new_dial();
    struct side a, b;
    char *octets = malloc(SIZE);
    uint64_t sum = 0;
    (void)state;
    for (size_t i = 0; i < SIZE; i++) {
        octets[i] = (char)(i * 7);
        sum += i * (unsigned char)octets[i];
    }
    make(&a, dial);
    make(&b, dial);
    connect_to(&a, listen_at(&b));
    send_octets(&a, octets, SIZE);
    a.stop_at = 1;
    relay_dial_run(dial);
    assert_int_equal(a.sent, 1);
    assert_int_equal(b.done, 1);
    assert_int_equal(b.octets, SIZE);
    assert_int_equal(b.sum, sum);
    /* the other way on the same session */
    send_octets(&b, octets, SIZE);
    relay_ends_wake(b.ends);
    a.stop_at = 0;
    b.stop_at = 2;
    relay_dial_run(dial);
    assert_int_equal(b.sent, 1);
    assert_int_equal(a.sum, sum);
    /* the end of one is the end of the session at the other; then nobody is left, and run returns
     */
    b.stop_at = 0;
    relay_ends_close(a.ends);
    relay_ends_close(b.ends);
    relay_dial_run(dial);
    assert_int_equal(a.failed, 1);
    assert_int_equal(b.failed, 1);
    relay_ends_free(a.ends);
    relay_ends_free(b.ends);
    relay_dial_free(dial);
    free(octets);
}

static void stop(void *dial)
{
    relay_dial_stop(dial, 0);
}

/* Freed while octets are on their way: nothing is called any more. */
static void freed_in_the_middle(void **state)
{
    char *octets = calloc(1, SIZE);
    (void)state;
    for (int first = 0; first < 2; first++) {
        struct relay_dial *dial = new_dial();
        struct side a, b;
        make(&a, dial);
        make(&b, dial);
        connect_to(&a, listen_at(&b));
        send_octets(&a, octets, SIZE);
        assert_int_equal(relay_dial_after(dial, 3, stop, dial), 0);
        relay_dial_run(dial);
        relay_ends_free(first == 0 ? a.ends : b.ends);
        relay_ends_free(first == 0 ? b.ends : a.ends);
        relay_dial_free(dial);
    }
    free(octets);
}

static void nobody_there(void **state)
{
    struct relay_dial *dial = new_dial();
    struct side a, b;
    char path[600];
    (void)state;
    make(&a, dial);
    make(&b, dial);
    snprintf(path, sizeof(path), "%s", listen_at(&b));
    relay_ends_close(b.ends); /* the port is free again */
    connect_to(&a, path);
    relay_dial_run(dial);
    assert_int_equal(a.failed, 1);
    assert_non_null(strstr(a.text, "connect"));
    relay_ends_free(a.ends);
    relay_ends_free(b.ends);
    relay_dial_free(dial);
}

static void unusable(void **state)
{
    static const struct relay_ends_listen bad[] = {
        {.address = "nowhere"},
        {.address = "127.0.0.1:x1"},
        {.address = "host.example:1"},
        {.address = "127.0.0.1:0", .certificate = "/nonexistent", .key = "/nonexistent"},
    };
    struct relay_dial *dial = new_dial();
    struct side a;
    char why[256];
    uint16_t port;
    int err;
    (void)state;
    make(&a, dial);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        why[0] = '\0';
        assert_int_not_equal(relay_ends_listen(a.ends, &bad[i], &port, why, sizeof(why)), 0);
        assert_true(why[0] != '\0');
    }
    assert_null(relay_ends_connect(a.ends, "sip:x", NULL, &err));
    assert_int_equal(err, RELAY_E_CONF);
    assert_null(relay_ends_connect(a.ends, "msrp://x.example:1/a;tcp", "nowhere", &err));
    assert_int_equal(err, RELAY_E_CONF);
    relay_ends_free(a.ends);
    struct relay_ends_conf conf = {.endpoint = {.host = "no host"}, .event = told};
    assert_null(relay_ends_new(dial, &conf, &err));
    assert_int_equal(err, RELAY_E_CONF);
    relay_dial_free(dial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(freed_in_the_middle),
        cmocka_unit_test(nobody_there),
        cmocka_unit_test(unusable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
