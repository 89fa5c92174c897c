/* Messages on their way in: whose a chunk is, how ended ones are remembered, what is accepted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "relay/client/arrival.h"

static struct msrp_head head_of(const char *message_id)
{
    return (struct msrp_head){.message_id = msrp_str_of(message_id),
                              .content_type = MSRP_STR("text/plain")};
}

/* The same Message-ID of two peers is two messages. */
static void by_peer_and_id(void **state)
{
    static struct relay_arrivals all;
    struct msrp_head head = head_of("msg-1");
    int code;
    (void)state;
    memset(&all, 0, sizeof(all));
    struct relay_arrival *one = relay_arrivals_add(&all, 1, &head, 0, &code);
    struct relay_arrival *two = relay_arrivals_add(&all, 2, &head, 0, &code);
    assert_ptr_equal(relay_arrivals_find(&all, 1, head.message_id), one);
    assert_ptr_equal(relay_arrivals_find(&all, 2, head.message_id), two);
    assert_null(relay_arrivals_find(&all, 3, head.message_id));
    assert_int_not_equal(one->id, two->id);
    relay_arrivals_end(&all, one, 413);
    assert_null(relay_arrivals_find(&all, 1, head.message_id));
    assert_int_equal(relay_arrivals_bygone(&all, 1, head.message_id)->code, 413);
    assert_null(relay_arrivals_bygone(&all, 2, head.message_id));
    relay_arrivals_done(&all);
    assert_int_equal(all.n, 0);
}

/* Memory of what has ended is bounded: the oldest is forgotten. */
static void the_oldest_is_forgotten(void **state)
{
    static struct relay_arrivals all;
    char id[20];
    int code;
    (void)state;
    memset(&all, 0, sizeof(all));
    for (int i = 0; i <= RELAY_BYGONES; i++) {
        snprintf(id, sizeof(id), "msg-%d", i);
        struct msrp_head head = head_of(id);
        relay_arrivals_end(&all, relay_arrivals_add(&all, 1, &head, 0, &code), 200);
    }
    assert_null(relay_arrivals_bygone(&all, 1, MSRP_STR("msg-0")));
    assert_non_null(relay_arrivals_bygone(&all, 1, MSRP_STR("msg-1")));
    snprintf(id, sizeof(id), "msg-%d", RELAY_BYGONES);
    assert_non_null(relay_arrivals_bygone(&all, 1, msrp_str_of(id)));
}

static void what_it_asks(void **state)
{
    static struct relay_arrivals all;
    struct msrp_head head = head_of("msg-1"), other = head;
    int code;
    (void)state;
    memset(&all, 0, sizeof(all));
    struct relay_arrival *arrival = relay_arrivals_add(&all, 1, &head, 0, &code);
    assert_true(relay_arrival_is_same(arrival, &head));
    other.failure_report = MSRP_YES; /* absent is yes, and absent is no */
    other.success_report = MSRP_NO;
    assert_true(relay_arrival_is_same(arrival, &other));
    other.failure_report = MSRP_PARTIAL;
    assert_false(relay_arrival_is_same(arrival, &other));
    other = head;
    other.success_report = MSRP_YES;
    assert_false(relay_arrival_is_same(arrival, &other));
    relay_arrivals_done(&all);
    char type[300];
    memset(type, 'x', sizeof(type));
    head.content_type = (struct msrp_str){type, RELAY_ENDPOINT_TYPE_MAX + 1};
    assert_null(relay_arrivals_add(&all, 1, &head, 0, &code));
    assert_int_equal(code, 415);
}

static void accepted_types(void **state)
{
    static const char *const some[] = {"text/plain", "image/*"}, *const any[] = {"*"};
    struct relay_endpoint_conf conf = {0};
    (void)state;
    assert_true(relay_arrival_accepts(&conf, MSRP_STR("x/y;z=1")));
    assert_false(relay_arrival_accepts(&conf, MSRP_STR("x y")));
    conf.accept = some;
    conf.accept_n = 2;
    assert_true(relay_arrival_accepts(&conf, MSRP_STR("Image/PNG")));
    assert_false(relay_arrival_accepts(&conf, MSRP_STR("imagex/png")));
    assert_false(relay_arrival_accepts(&conf, MSRP_STR("text/plainer")));
    conf.accept = any;
    conf.accept_n = 1;
    assert_true(relay_arrival_accepts(&conf, MSRP_STR("x/y")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_peer_and_id),
        cmocka_unit_test(the_oldest_is_forgotten),
        cmocka_unit_test(what_it_asks),
        cmocka_unit_test(accepted_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
