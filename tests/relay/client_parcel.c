/* Which octets of a message are still to be sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "relay/client/parcel.h"
#include "relay/err.h"

static int is_broken;

static int no_random(void *ctx, void *p, size_t n)
{
    memset(p, 7, n);
    return ctx != NULL ? -1 : 0;
}

static struct relay_parcel *make(uint64_t size)
{
    const struct relay_client_random random = {no_random, NULL};
    const struct relay_parcel_conf conf = {.content_type = "text/plain", .size = size, .data = ""};
    int err;
    struct relay_parcel *parcel = relay_parcel_new(&conf, 1, &random, &err);
    assert_non_null(parcel);
    assert_int_equal(err, 0);
    return parcel;
}

/* The next run that it wants to send is [from, to). */
static void wants(struct relay_parcel *parcel, uint64_t from, uint64_t to)
{
    uint64_t most;
    assert_true(relay_parcel_wants(parcel, &most));
    assert_int_equal(parcel->split.sent, from);
    assert_int_equal(parcel->split.sent + most, to);
}

static void takes(struct relay_parcel *parcel, uint64_t most)
{
    struct msrp_chunk chunk;
    char flag;
    msrp_split_open(&parcel->split, &chunk, most);
    assert_int_equal(msrp_split_close(&parcel->split, chunk.octets, &flag), 0);
}

/* What has its 200 is left out, in order; the last octets are sent though the middle had gaps. */
static void gaps_are_filled(void **state)
{
    struct relay_parcel *parcel = make(1000);
    uint64_t most;
    (void)state;
    wants(parcel, 0, 1000);
    relay_parcel_answered(parcel, 100, 200);
    relay_parcel_answered(parcel, 500, 900);
    wants(parcel, 0, 100);
    takes(parcel, 100);
    wants(parcel, 200, 500);
    takes(parcel, 100);
    wants(parcel, 300, 500);
    takes(parcel, 200);
    wants(parcel, 900, 1000);
    takes(parcel, 100);
    assert_false(relay_parcel_wants(parcel, &most));
    relay_parcel_rewind(parcel); /* nothing of it was answered */
    wants(parcel, 0, 100);
    relay_parcel_answered(parcel, 0, 100);
    relay_parcel_answered(parcel, 200, 500);
    wants(parcel, 900, 1000);
    relay_parcel_answered(parcel, 900, 1000);
    relay_parcel_settle(parcel);
    assert_int_equal(parcel->state, RELAY_PARCEL_SENT);
    free(parcel);
}

static void answered_is_taken_back(void **state)
{
    struct relay_parcel *parcel = make(1000);
    (void)state;
    relay_parcel_answered(parcel, 0, 1000);
    relay_parcel_unanswered(parcel, 300, 400);
    wants(parcel, 300, 400);
    relay_parcel_unanswered(parcel, 0, 10);
    relay_parcel_unanswered(parcel, 990, 1000);
    assert_int_equal(msrp_range_octets(&parcel->answered), 1000 - 120);
    relay_parcel_rewind(parcel);
    wants(parcel, 0, 10);
    free(parcel);
}

/* More gaps than the set has room for: what it forgot is sent again, and it comes to an end. */
static void too_many_gaps(void **state)
{
    struct relay_parcel *parcel = make(1000);
    uint64_t most;
    unsigned rounds = 0;
    (void)state;
    for (uint64_t at = 0; at < 1000; at += 2) {
        relay_parcel_answered(parcel, at, at + 1);
    }
    assert_true(msrp_range_octets(&parcel->answered) <= MSRP_RANGE_RUNS);
    while (parcel->state == RELAY_PARCEL_OPEN) {
        while (relay_parcel_wants(parcel, &most)) {
            uint64_t from = parcel->split.sent;
            takes(parcel, most);
            relay_parcel_answered(parcel, from, from + most);
        }
        relay_parcel_settle(parcel);
        assert_true(++rounds < 5);
    }
    assert_int_equal(parcel->state, RELAY_PARCEL_SENT);
    free(parcel);
}

static void nothing_is_a_message_too(void **state)
{
    struct relay_parcel *parcel = make(0);
    uint64_t most;
    (void)state;
    relay_parcel_settle(parcel);
    assert_int_equal(parcel->state, RELAY_PARCEL_OPEN);
    assert_true(relay_parcel_wants(parcel, &most));
    assert_int_equal(most, 0);
    parcel->is_empty_out = true;
    assert_false(relay_parcel_wants(parcel, &most));
    relay_parcel_rewind(parcel); /* lost before its answer */
    assert_true(relay_parcel_wants(parcel, &most));
    parcel->is_empty_out = true;
    relay_parcel_answered(parcel, 0, 0);
    relay_parcel_settle(parcel);
    assert_int_equal(parcel->state, RELAY_PARCEL_SENT);
    free(parcel);
}

static void reports_add_up(void **state)
{
    struct relay_parcel *parcel = make(10);
    (void)state;
    relay_parcel_reported(parcel, 4, 10);
    assert_false(parcel->is_reported);
    relay_parcel_reported(parcel, 0, 5);
    assert_true(parcel->is_reported);
    relay_parcel_refuse(parcel, 413, 0, NULL);
    relay_parcel_refuse(parcel, 0, RELAY_E_IO, NULL); /* the first reason stands */
    assert_int_equal(parcel->status, 413);
    assert_string_equal(parcel->text, "Stop Sending This Message");
    free(parcel);
}

static void unusable(void **state)
{
    const struct relay_client_random random = {no_random, NULL}, broken = {no_random, &is_broken};
    struct relay_parcel_conf conf = {.content_type = "text/plain", .size = MSRP_U63_MAX + 1};
    int err;
    (void)state;
    assert_null(relay_parcel_new(&conf, 1, &random, &err));
    assert_int_equal(err, RELAY_E_CONF);
    conf.size = 1;
    assert_null(relay_parcel_new(&conf, 1, &broken, &err));
    assert_int_equal(err, RELAY_E_RANDOM);
    conf.content_type = "text/plain\r\nX: y";
    assert_null(relay_parcel_new(&conf, 1, &random, &err));
    assert_int_equal(err, RELAY_E_CONF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gaps_are_filled), cmocka_unit_test(answered_is_taken_back),
        cmocka_unit_test(too_many_gaps),   cmocka_unit_test(nothing_is_a_message_too),
        cmocka_unit_test(reports_add_up),  cmocka_unit_test(unusable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
