/* Two endpoints and their messages, with each allocation refused in turn. */
#include "tests/oom/oom.h"

#define KIT_INSIDE(is_inside) oom_inside(is_inside)
static void oom_inside(bool is_inside);
#include "tests/relay/ends_kit.h"

static long left = -1; /* what oom_left is while we are outside */

static void oom_inside(bool is_inside)
{
    if (is_inside) {
        oom_left = left;
    } else {
        left = oom_left;
        oom_left = -1;
    }
}

static char octets[30000];

/* A session, a large message and a small one, their reports; the sender is behind a relay or not.
 * Returns true when all of it worked. */
static bool live(bool behind_relay)
{
    static struct kit a, b;
    const struct relay_endpoint_relay relay = {
        .uri = "msrp://relay.example:2855;tcp", .user = "alice", .password = "secret"};
    char tid[40], own[600];
    bool worked = false;
    kit_init(&a, 1, NULL);
    kit_init(&b, 2, NULL);
    if (a.endpoint == NULL || b.endpoint == NULL) {
        goto out;
    }
    struct relay_wire *to = kit_link(&b), *from = kit_link(&a);
    uint64_t there = to != NULL && from != NULL ? kit_passive(&b) : 0;
    if (there == 0) {
        goto out;
    }
    struct relay_talk_conf conf = {.link = from,
                                   .peer_path = kit_path(&b, there),
                                   .relays = &relay,
                                   .relays_n = behind_relay ? 1 : 0};
    uint64_t session = kit_session(&a, &conf);
    if (session == 0) {
        goto out;
    }
    if (behind_relay) {
        static const char *const answers[] = {
            "401 No\r\nTo-Path: %s\r\nFrom-Path: "
            "msrp://relay.example:2855;tcp\r\nWWW-Authenticate: "
            "Digest realm=\"r\", qop=\"auth\", nonce=\"n\"\r\n",
            "403 No\r\nTo-Path: %s\r\nFrom-Path: msrp://relay.example:2855;tcp\r\n"};
        for (size_t i = 0; i < 2; i++) {
            char head[600];
            const char *said = kit_said(&a, from);
            if (!kit_tid(said, "AUTH", tid)) {
                assert_non_null(kit_find(&a, RELAY_ENDPOINT_FAILED)); /* told, not silent */
                goto out;
            }
            sscanf(strstr(said, "From-Path: "), "From-Path: %599s", own);
            snprintf(head, sizeof(head), answers[i], own);
            kit_hear(&a, from, "MSRP %s %s-------%s$\r\n", tid, head, tid);
        }
        const struct relay_endpoint_event *failed = kit_find(&a, RELAY_ENDPOINT_FAILED);
        worked = failed != NULL && failed->status == 403;
        assert_non_null(failed);
        goto out;
    }
    struct relay_parcel_conf large = {.content_type = "text/plain",
                                      .size = sizeof(octets),
                                      .data = octets,
                                      .wants_success = true};
    uint64_t id;
    KIT_INSIDE(true);
    int err = relay_endpoint_send(a.endpoint, session, &large, &id);
    KIT_INSIDE(false);
    uint64_t small = kit_send(&a, session, "small", 5);
    kit_wire(&a, from, &b, to, 0, 0);
    worked = err == 0 && small > 0 && kit_count(&a, RELAY_ENDPOINT_SENT) == 2 &&
             kit_count(&a, RELAY_ENDPOINT_REPORTED) == 1 && kit_count(&b, RELAY_ENDPOINT_DONE) == 2;
    /* whatever happened: what is DONE is whole */
    for (size_t i = 0; i < b.in_n; i++) {
        assert_true(
            !b.in[i].is_done || b.in[i].n == 5 ||
            (b.in[i].n == sizeof(octets) && memcmp(b.in[i].p, octets, sizeof(octets)) == 0));
    }
out:
    kit_done(&a);
    kit_done(&b);
    return worked;
}

static void each_allocation(bool behind_relay)
{
    long i = 0;
    for (bool refused = true; refused; i++) {
        oom_start(i);
        left = oom_left;
        oom_left = -1;
        bool worked = live(behind_relay);
        refused = oom_stop();
        assert_true(refused || worked);
    }
    assert_true(i > 8);
    /* and one at a time, so that what follows a refusal is met too */
    for (long j = 0; j < i; j++) {
        oom_start_once(j);
        left = oom_left;
        oom_left = -1;
        (void)live(behind_relay);
        (void)oom_stop();
    }
}

static void directly(void **state)
{
    (void)state;
    each_allocation(false);
}

static void behind_a_relay(void **state)
{
    (void)state;
    each_allocation(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(directly),
        cmocka_unit_test(behind_a_relay),
    };
    for (size_t i = 0; i < sizeof(octets); i++) {
        octets[i] = (char)('a' + i % 23);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
