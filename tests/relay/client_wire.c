/* A link and time: answers that do not come, keep-alives, messages that stopped arriving. */
#include "tests/relay/ends_kit.h"

static struct kit kit;
static struct relay_wire *link_;
static uint64_t session;
static char own[600];

static void open_bound(const struct relay_endpoint_conf *conf)
{
    kit_init(&kit, 81, conf);
    link_ = kit_link(&kit);
    session = kit_active(&kit, link_, KIT_PEER);
    snprintf(own, sizeof(own), "%s", kit_path(&kit, session));
    char *said = strdup(kit_said(&kit, link_));
    kit_answer(&kit, link_, said, own, 200);
    free(said);
}

static void wait_ms(int64_t ms)
{
    kit.now.mono_ms += ms;
    kit_feed(&kit, link_, RELAY_CLIENT_IN_TICK);
}

/* P4: 30 s from the last octet that was handed over, not from when it was made. */
static void no_answer(void **state)
{
    size_t n;
    (void)state;
    open_bound(NULL);
    uint64_t id = kit_send(&kit, session, "hello", 5);
    assert_non_null(relay_wire_output(link_, &kit.now, &n));
    wait_ms(100000); /* the socket takes nothing: no timer runs */
    assert_null(kit_find(&kit, RELAY_ENDPOINT_REFUSED));
    relay_wire_sent(link_, &kit.now, n - 1);
    wait_ms(100000);
    assert_null(kit_find(&kit, RELAY_ENDPOINT_REFUSED));
    relay_wire_sent(link_, &kit.now, 1);
    assert_int_equal(relay_wire_next_ms(link_), kit.now.mono_ms + 30000);
    wait_ms(10000);
    kit_hear(&kit, link_,
             "MSRP somewhat 200\r\nTo-Path: msrp://a.example:1/b;tcp\r\n"); /* it lives */
    wait_ms(19999);
    assert_null(kit_find(&kit, RELAY_ENDPOINT_REFUSED));
    wait_ms(1);
    assert_int_equal(kit_find(&kit, RELAY_ENDPOINT_REFUSED)->id, id);
    assert_int_equal(kit_find(&kit, RELAY_ENDPOINT_REFUSED)->status, 408);
    kit_done(&kit);
    /* partial and no: no timer; SENT when the octets are gone */
    for (int failure = MSRP_NO; failure <= MSRP_PARTIAL; failure++) {
        open_bound(NULL);
        struct relay_parcel_conf conf = {
            .content_type = "a/b", .size = 5, .data = "hello", .failure = failure};
        assert_int_equal(relay_endpoint_send(kit.endpoint, session, &conf, &id), 0);
        const char *said = kit_said(&kit, link_);
        assert_non_null(strstr(said, failure == MSRP_NO ? "\r\nFailure-Report: no\r\n"
                                                        : "\r\nFailure-Report: partial\r\n"));
        assert_int_equal(kit_find(&kit, RELAY_ENDPOINT_SENT)->id, id);
        assert_true(relay_wire_is_quiet(link_));
        assert_int_equal(relay_wire_next_ms(link_), -1);
        if (failure == MSRP_PARTIAL) { /* an error may still come */
            char *text = strdup(said);
            kit_answer(&kit, link_, text, own, 403);
            free(text);
            assert_int_equal(kit_find(&kit, RELAY_ENDPOINT_REFUSED)->status, 403);
        }
        kit_done(&kit);
    }
    row_passed("P4");
    row_passed("b8.7");
}

/* U10: not an octet in 30 s is a connection that is lost, though nobody has closed it; the message
 * goes on over the next one. */
static void silence(void **state)
{
    size_t n;
    (void)state;
    open_bound(NULL);
    uint64_t id = kit_send(&kit, session, "hello", 5), old = session;
    kit_said(&kit, link_);
    kit_send(&kit, session, "more", 4);
    assert_non_null(relay_wire_output(link_, &kit.now, &n)); /* the socket is full */
    wait_ms(29999);
    assert_null(kit_find(&kit, RELAY_ENDPOINT_FAILED));
    wait_ms(1);
    assert_int_equal(kit_find(&kit, RELAY_ENDPOINT_FAILED)->session, old);
    assert_int_equal(kit_find(&kit, RELAY_ENDPOINT_FAILED)->status, 0);
    assert_null(kit_find(&kit, RELAY_ENDPOINT_REFUSED));
    assert_true(relay_wire_is_over(link_));
    relay_wire_sent(link_, &kit.now, n); /* it is not any more, too late */
    assert_true(relay_wire_is_over(link_));
    relay_wire_free(link_);
    link_ = kit_link(&kit);
    session = kit_active(&kit, link_, KIT_PEER);
    assert_int_equal(relay_endpoint_resume(kit.endpoint, old, session), 0);
    snprintf(own, sizeof(own), "%s", kit_path(&kit, session));
    char *said = strdup(kit_said(&kit, link_));
    assert_non_null(strstr(said, "\r\n\r\nhello\r\n"));
    kit_answer(&kit, link_, said, own, 200);
    free(said);
    assert_int_equal(kit_count(&kit, RELAY_ENDPOINT_SENT), 2);
    assert_true(id > 0);
    kit_done(&kit);
    row_passed("U10");
}

/* A thousand and more messages that only an error would answer: the oldest are forgotten, the link
 * lives. */
static void many_that_are_not_answered(void **state)
{
    uint64_t id;
    (void)state;
    open_bound(NULL);
    const struct relay_parcel_conf conf = {
        .content_type = "a/b", .size = 1, .data = "x", .failure = MSRP_PARTIAL};
    for (unsigned i = 1; i <= 6000; i++) {
        assert_int_equal(relay_endpoint_send(kit.endpoint, session, &conf, &id), 0);
        (void)kit_said(&kit, link_);
        assert_int_equal(kit_count(&kit, RELAY_ENDPOINT_SENT), 1);
        kit.events_n = 0;
    }
    assert_false(relay_wire_is_over(link_));
    assert_int_equal(relay_endpoint_counts(kit.endpoint)->sent, 6000);
    kit_done(&kit);
}

/* Small messages whose answers do not come: no more are sent than the link can wait for. */
static void many_that_wait(void **state)
{
    size_t n = 0;
    (void)state;
    open_bound(NULL);
    for (int turn = 0; turn < 6; turn++) {
        for (int i = 0; i < RELAY_ENDPOINT_QUEUE_MAX; i++) {
            n += kit_send(&kit, session, "x", 1) > 0 ? 1 : 0;
        }
        (void)kit_said(&kit, link_);
    }
    assert_int_equal(n, RELAY_ENDPOINT_QUEUE_MAX);
    assert_false(relay_wire_is_over(link_));
    kit_done(&kit);
}

static void keep_alive(void **state)
{
    struct relay_endpoint_conf conf = {.host = "own.example", .keepalive_s = 60};
    char said[4096];
    (void)state;
    open_bound(&conf);
    assert_int_equal(relay_wire_next_ms(link_), kit.now.mono_ms + 60000);
    wait_ms(60000);
    const char *text = kit_said(&kit, link_);
    assert_non_null(strstr(text, "\r\nByte-Range: 1-0/0\r\n-------"));
    memcpy(said, text, strlen(text) + 1);
    kit_answer(&kit, link_, said, own, 200);
    assert_null(kit_find(&kit, RELAY_ENDPOINT_FAILED));
    wait_ms(60000);
    assert_true(kit_said(&kit, link_)[0] != '\0');
    wait_ms(30000);
    assert_int_equal(kit_find(&kit, RELAY_ENDPOINT_FAILED)->status, 408);
    kit_done(&kit);
    /* U12: without it an idle connection is left as it is */
    open_bound(NULL);
    wait_ms(3600 * 1000);
    assert_string_equal(kit_said(&kit, link_), "");
    assert_null(kit_find(&kit, RELAY_ENDPOINT_FAILED));
    assert_false(relay_wire_is_over(link_));
    kit_done(&kit);
    row_passed("U12");
}

static void a_message_that_stopped(void **state)
{
    struct relay_endpoint_conf conf = {.host = "own.example", .keep_s = 100};
    (void)state;
    open_bound(&conf);
#define CHUNK(range, text, flag)                                                                   \
    kit_hear(&kit, link_,                                                                          \
             "MSRP aaaa SEND\r\nTo-Path: %s\r\nFrom-Path: " KIT_PEER                               \
             "\r\nMessage-ID: m123\r\nByte-Range: " range "\r\nContent-Type: a/b\r\n\r\n" text     \
             "\r\n-------aaaa" flag "\r\n",                                                        \
             own)
    CHUNK("1-*/9", "12345", "+");
    wait_ms(99999);
    assert_null(kit_find(&kit, RELAY_ENDPOINT_LOST));
    wait_ms(1);
    assert_int_equal(kit_find(&kit, RELAY_ENDPOINT_LOST)->err, RELAY_E_STALE);
    CHUNK("6-9/9", "6789", "$");
    const char *said = strstr(kit_said(&kit, link_), "MSRP aaaa 413");
    assert_non_null(said);
    kit_done(&kit);
}

/* A chunk may be long and slow: its octets keep the message, also when its connection goes; and it
 * is not given up while a chunk of it is under way on another link. */
static void a_slow_message(void **state)
{
    const struct relay_endpoint_conf conf = {.host = "own.example", .keep_s = 600};
    (void)state;
    kit_init(&kit, 83, &conf);
    struct relay_wire *slow = kit_link(&kit);
    link_ = kit_link(&kit);
    assert_true(kit_active(&kit, link_, KIT_PEER) > 0);
    session = kit_passive(&kit);
    kit_hear(&kit, slow,
             "MSRP aaaa SEND\r\nTo-Path: %s\r\nFrom-Path: " KIT_PEER
             "\r\nMessage-ID: msg-1\r\nByte-Range: 1-*/9\r\nContent-Type: text/plain\r\n\r\n",
             kit_path(&kit, session));
    wait_ms(700000);
    assert_null(kit_find(&kit, RELAY_ENDPOINT_LOST));
    kit_hear(&kit, slow, "12345");
    kit_feed(&kit, slow, RELAY_CLIENT_IN_CLOSED);
    relay_wire_free(slow);
    wait_ms(599999);
    assert_null(kit_find(&kit, RELAY_ENDPOINT_LOST));
    session = kit_passive(&kit);
    kit_hear(&kit, link_,
             "MSRP bbbb SEND\r\nTo-Path: %s\r\nFrom-Path: " KIT_PEER
             "\r\nMessage-ID: msg-1\r\nByte-Range: 6-9/9\r\nContent-Type: text/plain\r\n\r\n"
             "6789\r\n-------bbbb$\r\n",
             kit_path(&kit, session));
    assert_int_equal(kit_count(&kit, RELAY_ENDPOINT_DONE), 1);
    assert_memory_equal(kit.in[0].p, "123456789", 9);
    kit_done(&kit);
}

/* Whoever connects and names no session does not stay: not in silence, not with requests that are
 * none of ours. Who named one stays, also when that has gone. */
static void strangers(void **state)
{
    (void)state;
    kit_init(&kit, 84, NULL);
    session = kit_passive(&kit);
    for (int named = 0; named < 2; named++) {
        link_ = kit_link(&kit);
        assert_int_equal(relay_wire_next_ms(link_), kit.now.mono_ms + 30000);
        wait_ms(29999);
        kit_hear(&kit, link_,
                 "MSRP aaaa SEND\r\nTo-Path: %s\r\nFrom-Path: " KIT_PEER
                 "\r\nMessage-ID: msg-1\r\n-------aaaa$\r\n",
                 named ? kit_path(&kit, session) : "msrp://own.example:2855/nobody;tcp");
        assert_non_null(strstr(kit_said(&kit, link_), named ? " 200 OK" : " 481 "));
        relay_endpoint_drop(kit.endpoint, named ? session : 0);
        wait_ms(1);
        assert_int_equal(relay_wire_is_over(link_), !named);
    }
    kit_done(&kit);
}

/* 10.51: an answer counts only on the connection of its request. */
static void an_answer_from_elsewhere(void **state)
{
    char said[4096];
    (void)state;
    open_bound(NULL);
    struct relay_wire *other = kit_link(&kit);
    uint64_t id = kit_send(&kit, session, "hello", 5);
    const char *text = kit_said(&kit, link_);
    memcpy(said, text, strlen(text) + 1);
    kit_answer(&kit, other, said, own, 200);
    assert_null(kit_find(&kit, RELAY_ENDPOINT_SENT));
    kit_answer(&kit, link_, said, "msrp://somebody.example:1/else;tcp", 200); /* not to us */
    assert_null(kit_find(&kit, RELAY_ENDPOINT_SENT));
    uint64_t second = kit_active(&kit, link_, "msrp://peer.example:9000/peer2;tcp");
    kit_answer(&kit, link_, said, kit_path(&kit, second), 200); /* to our other session */
    assert_null(kit_find(&kit, RELAY_ENDPOINT_SENT));
    kit_answer(&kit, link_, said, own, 200);
    assert_int_equal(kit_find(&kit, RELAY_ENDPOINT_SENT)->id, id);
    kit_done(&kit);
    row_passed("10.50");
    row_passed("10.51");
    row_passed("F13");
}

/* The random source fails: nothing leaves under a foreseeable id. */
static void no_randomness(void **state)
{
    (void)state;
    open_bound(NULL);
    assert_true(kit_send(&kit, session, "hello", 5) > 0);
    kit.is_random_broken = true;
    assert_string_equal(kit_said(&kit, link_), "");
    assert_int_equal(kit_find(&kit, RELAY_ENDPOINT_FAILED)->err, RELAY_E_RANDOM);
    assert_true(relay_wire_is_over(link_));
    kit_done(&kit);
    row_passed("F3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_answer),
        cmocka_unit_test(silence),
        cmocka_unit_test(many_that_are_not_answered),
        cmocka_unit_test(many_that_wait),
        cmocka_unit_test(keep_alive),
        cmocka_unit_test(a_message_that_stopped),
        cmocka_unit_test(a_slow_message),
        cmocka_unit_test(strangers),
        cmocka_unit_test(an_answer_from_elsewhere),
        cmocka_unit_test(no_randomness),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
