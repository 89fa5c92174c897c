/* A client's whole life, with each of its allocations refused in turn. */
#include "tests/oom/oom.h"

#define KIT_INSIDE(is_inside) oom_inside(is_inside)
static void oom_inside(bool is_inside);
#include "tests/relay/client_kit.h"

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

/* AUTH, a text and 100,000 octets out, a text in, its disposition out. Returns true when all of it
 * worked. */
static bool live(struct dpp_store *keys)
{
    struct kit kit = {.now = {1000, KIT_UNIX_S}};
    struct relay_client_random random = {kit_random, &kit};
    struct relay_client_conf conf = {.relay = KIT_RELAY,
                                     .me = KIT_BOB,
                                     .token = "a.b.c",
                                     .keys = keys,
                                     .csk = NULL,
                                     .answer = RELAY_CLIENT_ANSWER_READ};
    static uint8_t data[100000];
    char frame[8192], tid[40];
    uint64_t id;
    bool worked = false;
    KIT_INSIDE(true);
    kit.client = relay_client_new(&conf, &random);
    KIT_INSIDE(false);
    if (kit.client == NULL) {
        return false;
    }
    kit_feed(&kit, RELAY_CLIENT_IN_OPEN);
    const char *from = kit.said != NULL ? strstr(kit.said, "From-Path: ") : NULL;
    if (from == NULL) {
        kit_last(&kit, RELAY_CLIENT_CLOSED); /* told, not silent */
        goto out;
    }
    sscanf(from, "From-Path: %599s", kit.own);
    kit_tid(kit.said, tid);
    kit_hear(&kit,
             "MSRP %s 200 OK\r\nTo-Path: %s\r\nFrom-Path: " KIT_RELAY "\r\nUse-Path: " KIT_USE
             "\r\n-------%s$\r\n",
             tid, kit.own, tid);
    struct relay_client_sds small = {.to = KIT_ALICE,
                                     .key = kit_key(keys, KIT_PCK_ID),
                                     .content_type = DPP_CONTENT_TEXT,
                                     .size = 5,
                                     .data = "hello"};
    struct relay_client_sds large = small;
    large.size = sizeof(data);
    large.data = data;
    KIT_INSIDE(true);
    int err = relay_client_send(kit.client, &kit.now, &small, &id);
    err = err != 0 ? err : relay_client_send(kit.client, &kit.now, &large, &id);
    KIT_INSIDE(false);
    kit_turn(&kit);
    size_t n = kit_text(frame, sizeof(frame), &kit, keys, "are you there?", 3, 1, 1);
    kit_hear_n(&kit, frame, n, 0);
    kit_turn(&kit);
    worked = err == 0;
    for (size_t i = 0; i < kit.events_n; i++) {
        worked = worked && kit.events[i].kind != RELAY_CLIENT_CLOSED &&
                 kit.events[i].kind != RELAY_CLIENT_LOST &&
                 kit.events[i].kind != RELAY_CLIENT_REFUSED;
    }
    worked = worked && kit.data_n == 14 && memcmp(kit.data, "are you there?", 14) == 0 &&
             kit.said_n > 100000;
    /* whatever happened, what was shown is a beginning of the truth */
    assert_true(kit.data_n == 0 || memcmp(kit.data, "are you there?", kit.data_n) == 0);
out:
    kit_close(&kit);
    return worked;
}

static void every_allocation_once(void **state)
{
    struct dpp_store *keys = kit_keys(0);
    long i = 0;
    (void)state;
    for (bool refused = true; refused; i++) {
        oom_start(i);
        left = oom_left;
        oom_left = -1;
        bool worked = live(keys);
        refused = oom_stop();
        if (!refused) {
            assert_true(worked);
        }
    }
    assert_true(i > 20);
    /* and one at a time, so that what follows a refusal is met too */
    for (long j = 0; j < i; j++) {
        oom_start_once(j);
        left = oom_left;
        oom_left = -1;
        (void)live(keys);
        (void)oom_stop();
    }
    dpp_store_free(keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_allocation_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
