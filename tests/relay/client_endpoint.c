/* Two endpoints wired together: every cut, loss at every point, recovery. */
#include "tests/relay/ends_kit.h"

/* One transfer over one connection, in runs of `step` octets. */
static void transfer(size_t size, size_t step)
{
    struct kit *a = malloc(sizeof(*a)), *b = malloc(sizeof(*b));
    char *octets = kit_octets(size);
    kit_init(a, 1, NULL);
    kit_init(b, 2, NULL);
    struct relay_wire *to = kit_link(b), *from = kit_link(a);
    uint64_t session = kit_active(a, from, kit_path(b, kit_passive(b)));
    struct relay_parcel_conf conf = {
        .content_type = "text/plain", .size = size, .data = octets, .wants_success = true};
    uint64_t id;
    assert_int_equal(relay_endpoint_send(a->endpoint, session, &conf, &id), 0);
    kit_wire(a, from, b, to, step, 0);
    assert_int_equal(b->in_n, 1);
    assert_true(b->in[0].is_done);
    assert_int_equal(b->in[0].n, size);
    assert_memory_equal(b->in[0].p != NULL ? b->in[0].p : "", octets, size);
    assert_int_equal(kit_count(b, RELAY_ENDPOINT_MESSAGE), 1);
    assert_int_equal(kit_count(b, RELAY_ENDPOINT_BOUND), 1);
    assert_int_equal(kit_count(a, RELAY_ENDPOINT_SENT), 1);
    assert_int_equal(kit_count(a, RELAY_ENDPOINT_REPORTED), 1);
    assert_int_equal(kit_find(a, RELAY_ENDPOINT_SENT)->id, id);
    assert_true(relay_wire_is_quiet(from));
    assert_true(relay_wire_is_quiet(to));
    assert_int_equal(relay_endpoint_counts(a->endpoint)->body_out, size);
    kit_done(a);
    kit_done(b);
    free(octets);
    free(a);
    free(b);
}

static void every_size_and_split(void **state)
{
    static const size_t sizes[] = {0, 1, 2047, 2048, 2049, 70000};
    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        transfer(sizes[i], 0);
        transfer(sizes[i], 1);
        transfer(sizes[i], 7);
    }
    for (size_t step = 1; step < 60; step++) {
        transfer(3000, step);
    }
    transfer(3000000, 0);
    row_passed("F18");
    row_passed("C11");
    row_passed("P8");
}

/* A transfer whose connection breaks after `at` octets, then once more after as many: the same
 * message goes on in new sessions. Returns the body octets that were sent in all. */
static uint64_t broken_transfer(const char *octets, size_t size, size_t at, uint64_t window)
{
    struct kit *a = malloc(sizeof(*a)), *b = malloc(sizeof(*b));
    struct relay_endpoint_conf sender = {.host = "a.example", .window = window};
    kit_init(a, 3, &sender);
    kit_init(b, 4, NULL);
    uint64_t session = 0, id = 0;
    for (int round = 0; round < 3; round++) {
        struct relay_wire *to = kit_link(b), *from = kit_link(a);
        uint64_t there = kit_passive(b);
        uint64_t next = kit_active(a, from, kit_path(b, there));
        if (round == 0) {
            id = kit_send(a, next, octets, size);
            assert_true(id > 0);
        } else if (session != 0) {
            assert_int_equal(relay_endpoint_resume(a->endpoint, session, next), 0);
        }
        session = next;
        kit_wire(a, from, b, to, 0, round < 2 ? at : 0);
        if (round < 2) {
            kit_feed(a, from, RELAY_CLIENT_IN_CLOSED);
            kit_feed(b, to, RELAY_CLIENT_IN_CLOSED);
            assert_int_equal(kit_find(a, RELAY_ENDPOINT_FAILED)->session, session);
            relay_wire_free(from);
            relay_wire_free(to);
            relay_endpoint_drop(b->endpoint, there);
            kit_take(b);
        }
    }
    /* whatever happened between: the message is there once, and whole */
    assert_int_equal(kit_count(b, RELAY_ENDPOINT_DONE), 1);
    assert_int_equal(kit_count(b, RELAY_ENDPOINT_MESSAGE), 1);
    assert_int_equal(kit_count(b, RELAY_ENDPOINT_LOST), 0);
    assert_int_equal(b->in[0].n, size);
    assert_memory_equal(b->in[0].p, octets, size);
    assert_int_equal(kit_count(a, RELAY_ENDPOINT_SENT), 1);
    assert_int_equal(kit_count(a, RELAY_ENDPOINT_REFUSED), 0);
    uint64_t carried = relay_endpoint_counts(a->endpoint)->body_out;
    kit_done(a);
    kit_done(b);
    free(a);
    free(b);
    return carried;
}

static void loss_at_each_point(void **state)
{
    char *octets = kit_octets(20000);
    (void)state;
    for (size_t at = 1; at < 24000; at += at < 900 || (at > 8000 && at < 9500) ? 1 : 37) {
        uint64_t carried = broken_transfer(octets, 20000, at, 8192);
        assert_true(carried >= 20000);
        /* two losses cost at most two windows, and what was made ahead of the wire counts in */
        assert_true(carried <= 20000 + 2 * 8192);
    }
    free(octets);
    row_passed("C17");
    row_passed("U10");
}

static void what_is_sent_twice_is_bounded_by_the_window(void **state)
{
    char *octets = kit_octets(2000000);
    (void)state;
    for (size_t at = 100000; at < 1000000; at += 123457) {
        assert_true(broken_transfer(octets, 2000000, at, 65536) <= 2000000 + 2 * 65536);
    }
    free(octets);
}

/* The answer to the last chunk is lost with the connection: the receiver knows the message, and
 * says so again, REPORT included. */
static void a_complete_message_is_acknowledged_again(void **state)
{
    static struct kit a, b;
    (void)state;
    kit_init(&a, 5, NULL);
    kit_init(&b, 6, NULL);
    struct relay_wire *to = kit_link(&b), *from = kit_link(&a);
    uint64_t session = kit_active(&a, from, kit_path(&b, kit_passive(&b))), id;
    struct relay_parcel_conf conf = {
        .content_type = "text/plain", .size = 5, .data = "hello", .wants_success = true};
    assert_int_equal(relay_endpoint_send(a.endpoint, session, &conf, &id), 0);
    const char *said = kit_said(&a, from);
    kit_hear_n(&b, to, said, a.said_n, 0);
    assert_int_equal(kit_count(&b, RELAY_ENDPOINT_DONE), 1);
    kit_feed(&a, from, RELAY_CLIENT_IN_CLOSED);
    kit_feed(&b, to, RELAY_CLIENT_IN_CLOSED);
    relay_wire_free(from);
    relay_wire_free(to);
    to = kit_link(&b), from = kit_link(&a);
    uint64_t next = kit_active(&a, from, kit_path(&b, kit_passive(&b)));
    assert_int_equal(relay_endpoint_resume(a.endpoint, session, next), 0);
    kit_wire(&a, from, &b, to, 0, 0);
    assert_int_equal(kit_count(&b, RELAY_ENDPOINT_DONE), 1); /* not shown twice */
    assert_int_equal(kit_count(&a, RELAY_ENDPOINT_SENT), 1);
    assert_int_equal(kit_count(&a, RELAY_ENDPOINT_REPORTED), 1);
    assert_int_equal(relay_endpoint_counts(b.endpoint)->duplicates, 1);
    kit_done(&a);
    kit_done(&b);
    row_passed("C10");
}

/* All octets have their 200, but the REPORT went down with the session: when it does not come, all
 * goes out once more. */
static void a_report_that_never_came(void **state)
{
    static struct kit a, b;
    (void)state;
    kit_init(&a, 7, NULL);
    kit_init(&b, 8, NULL);
    struct relay_wire *from = kit_link(&a);
    uint64_t session = kit_active(&a, from, KIT_PEER), id;
    char own[600];
    snprintf(own, sizeof(own), "%s", kit_path(&a, session));
    struct relay_parcel_conf conf = {
        .content_type = "text/plain", .size = 5, .data = "hello", .wants_success = true};
    assert_int_equal(relay_endpoint_send(a.endpoint, session, &conf, &id), 0);
    char *said = strdup(kit_said(&a, from));
    kit_answer(&a, from, said, own, 200);
    free(said);
    assert_int_equal(kit_count(&a, RELAY_ENDPOINT_SENT), 1);
    kit_feed(&a, from, RELAY_CLIENT_IN_CLOSED);
    relay_wire_free(from);
    struct relay_wire *to = kit_link(&b);
    from = kit_link(&a);
    uint64_t next = kit_active(&a, from, kit_path(&b, kit_passive(&b)));
    assert_int_equal(relay_endpoint_resume(a.endpoint, session, next), 0);
    kit_wire(&a, from, &b, to, 0, 0);
    assert_int_equal(kit_count(&b, RELAY_ENDPOINT_DONE), 0);
    assert_int_equal(relay_wire_next_ms(from), a.now.mono_ms + RELAY_CLIENT_ANSWER_MS);
    a.now.mono_ms += RELAY_CLIENT_ANSWER_MS;
    kit_feed(&a, from, RELAY_CLIENT_IN_TICK);
    kit_wire(&a, from, &b, to, 0, 0);
    assert_int_equal(kit_count(&b, RELAY_ENDPOINT_DONE), 1);
    assert_int_equal(kit_count(&a, RELAY_ENDPOINT_REPORTED), 1);
    assert_int_equal(kit_count(&a, RELAY_ENDPOINT_SENT), 1);
    kit_done(&a);
    kit_done(&b);
}

/* Both directions at once, several messages, several sessions on one connection. */
static void many_at_once(void **state)
{
    static struct kit a, b;
    enum { N = 6 };
    char *octets = kit_octets(100000);
    uint64_t to_b[2];
    (void)state;
    kit_init(&a, 9, NULL);
    kit_init(&b, 10, NULL);
    struct relay_wire *to = kit_link(&b), *from = kit_link(&a);
    for (int i = 0; i < 2; i++) {
        uint64_t there = kit_passive(&b);
        to_b[i] = kit_active(&a, from, kit_path(&b, there));
        kit_wire(&a, from, &b, to, 0, 0);
        assert_true(kit_send(&b, there, octets + i, 50000) > 0);
    }
    for (size_t i = 0; i < N; i++) {
        assert_true(kit_send(&a, to_b[i % 2], octets + i, 1000 + i * 9000) > 0);
    }
    kit_wire(&a, from, &b, to, 1000, 0);
    assert_int_equal(kit_count(&b, RELAY_ENDPOINT_DONE), N);
    assert_int_equal(kit_count(&a, RELAY_ENDPOINT_DONE), 2);
    for (size_t i = 0; i < N; i++) {
        bool found = false;
        for (size_t j = 0; j < N && !found; j++) {
            found = b.in[j].n == 1000 + i * 9000 && memcmp(b.in[j].p, octets + i, b.in[j].n) == 0;
        }
        assert_true(found);
    }
    kit_done(&a);
    kit_done(&b);
    free(octets);
    row_passed("P5");
}

/* Nothing tells the caller that octets without a 200 arrived: such a message is not resumed. */
static void unanswered_for_is_not_resumed(void **state)
{
    static struct kit a;
    char *octets = kit_octets(300000);
    (void)state;
    kit_init(&a, 11, NULL);
    struct relay_wire *from = kit_link(&a);
    uint64_t session = kit_active(&a, from, KIT_PEER), id;
    struct relay_parcel_conf conf = {
        .content_type = "a/b", .size = 300000, .data = octets, .failure = MSRP_PARTIAL};
    size_t n;
    assert_int_equal(relay_endpoint_send(a.endpoint, session, &conf, &id), 0);
    assert_non_null(relay_wire_output(from, &a.now, &n));
    relay_wire_sent(from, &a.now, n);
    kit_feed(&a, from, RELAY_CLIENT_IN_CLOSED);
    relay_wire_free(from);
    from = kit_link(&a);
    uint64_t next = kit_active(&a, from, KIT_PEER);
    assert_int_equal(relay_endpoint_resume(a.endpoint, session, next), 0);
    kit_take(&a);
    assert_int_equal(kit_find(&a, RELAY_ENDPOINT_REFUSED)->err, RELAY_E_END);
    kit_done(&a);
    free(octets);
}

static void the_queue_is_bounded(void **state)
{
    static struct kit a;
    uint64_t id;
    (void)state;
    kit_init(&a, 12, NULL);
    struct relay_wire *from = kit_link(&a);
    uint64_t session = kit_active(&a, from, KIT_PEER);
    struct relay_parcel_conf conf = {.content_type = "text/plain", .size = 1, .data = "x"};
    for (int i = 0; i < RELAY_ENDPOINT_QUEUE_MAX; i++) {
        assert_int_equal(relay_endpoint_send(a.endpoint, session, &conf, &id), 0);
    }
    assert_int_equal(relay_endpoint_send(a.endpoint, session, &conf, &id), RELAY_E_TOO_MANY_OPEN);
    conf.content_type = "no type";
    relay_endpoint_cancel(a.endpoint, id);
    kit_take(&a);
    assert_int_equal(kit_find(&a, RELAY_ENDPOINT_REFUSED)->err, RELAY_E_ABORTED);
    assert_int_equal(relay_endpoint_send(a.endpoint, session, &conf, &id), RELAY_E_CONF);
    assert_int_equal(relay_endpoint_send(a.endpoint, 999, &conf, &id), RELAY_E_SESSION);
    kit_done(&a);
    struct relay_endpoint_conf bad = {.host = "no host"};
    kit_init(&a, 12, &bad);
    assert_null(a.endpoint);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_size_and_split),
        cmocka_unit_test(loss_at_each_point),
        cmocka_unit_test(what_is_sent_twice_is_bounded_by_the_window),
        cmocka_unit_test(a_complete_message_is_acknowledged_again),
        cmocka_unit_test(a_report_that_never_came),
        cmocka_unit_test(many_at_once),
        cmocka_unit_test(unanswered_for_is_not_resumed),
        cmocka_unit_test(the_queue_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
