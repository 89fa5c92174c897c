/* A client that keys by itself, with each of its allocations refused in turn: a PCK made and sent,
 * one taken from part 5, one answered with. */
#define REALM_NOW_S INT64_C(1700000000) /* as KIT_UNIX_S */
#include "tests/dpp/realm.h"
#include "tests/oom/oom.h"

#define KIT_INSIDE(is_inside) oom_inside(is_inside)
static void oom_inside(bool is_inside);
#include "relay/client/keying.h"
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

static struct dpp_ring *alice, *bob;
static struct dpp_key *pck;
static uint8_t message[DPP_MIKEY_MAX]; /* the PCK from alice to bob */
static size_t message_n;

static int fixed_random(void *ctx, void *p, size_t n)
{
    (void)ctx;
    memset(p, 0x35, n);
    return 0;
}

static void prepare(void)
{
    static struct realm realm;
    const struct relay_client_random random = {fixed_random, NULL};
    int err = dpp_keys_init(0);
    assert_true(err == 0 || err == DPP_E_HEAP_UNLOCKED);
    realm_init(&realm, "kms.iops.example", NULL, 3);
    alice = realm_ring(KIT_ALICE, &realm, 1, 0);
    bob = realm_ring(KIT_BOB, &realm, 1, 0);
    assert_int_equal(relay_keying_make(&pck, DPP_ROLE_PCK, NULL, KIT_UNIX_S, 0, &random), 0);
    ssize_t n = relay_keying_print(alice, pck, KIT_BOB, NULL, KIT_UNIX_S, &random, message,
                                   sizeof(message));
    assert_true(n > 0);
    message_n = (size_t)n;
}

static void hear(struct kit *kit, const struct dpp_key *key, uint8_t id, bool with_key)
{
    static char frame[16384];
    struct kit_body *body = calloc(1, sizeof(*body));
    kit_info(body, KIT_BOB, KIT_ALICE, "", false);
    kit_signalling(body, DPP_MSG_SDS_SIGNALLING, 0, 0, id);
    kit_payload(body, key, id, "keyed");
    if (with_key) {
        kit_part(body, "application/mikey", message, message_n);
    }
    kit_finish(body);
    char mid[16];
    snprintf(mid, sizeof(mid), "mid123%d", id);
    size_t n = kit_frame(frame, sizeof(frame), kit, body, mid, mid, 0, body->n, '$');
    kit_hear_n(kit, frame, n, 0);
    kit_turn(kit);
    free(body);
}

static unsigned count(const struct kit *kit, enum relay_client_event_kind kind)
{
    unsigned n = 0;
    for (size_t i = 0; i < kit->events_n; i++) {
        n += kit->events[i].kind == kind;
    }
    return n;
}

/* True when all of it worked. */
static bool live(void)
{
    struct kit kit = {.now = {1000, KIT_UNIX_S}};
    struct relay_client_random random = {kit_random, &kit};
    struct dpp_store *keys = dpp_store_new(8);
    struct dpp_mikey_replay *replay = dpp_mikey_replay_new(16, DPP_MIKEY_WINDOW_S);
    struct relay_client_conf conf = {.relay = KIT_RELAY,
                                     .me = KIT_BOB,
                                     .token = "a.b.c",
                                     .keys = keys,
                                     .ring = bob,
                                     .mikey_replay = replay};
    char tid[40];
    uint64_t id;
    bool worked = false;
    KIT_INSIDE(true);
    kit.client = relay_client_new(&conf, &random);
    KIT_INSIDE(false);
    if (kit.client == NULL) {
        goto out;
    }
    kit_feed(&kit, RELAY_CLIENT_IN_OPEN);
    const char *from = kit.said != NULL ? strstr(kit.said, "From-Path: ") : NULL;
    if (from == NULL) {
        kit_last(&kit, RELAY_CLIENT_CLOSED);
        goto out;
    }
    sscanf(from, "From-Path: %599s", kit.own);
    kit_tid(kit.said, tid);
    kit_hear(&kit,
             "MSRP %s 200 OK\r\nTo-Path: %s\r\nFrom-Path: " KIT_RELAY "\r\nUse-Path: " KIT_USE
             "\r\n-------%s$\r\n",
             tid, kit.own, tid);
    struct relay_client_sds sds = {
        .to = KIT_CAROL, .content_type = DPP_CONTENT_TEXT, .size = 5, .data = "hello"};
    KIT_INSIDE(true);
    int err = relay_client_send(kit.client, &kit.now, &sds, &id);
    KIT_INSIDE(false);
    kit_turn(&kit);
    /* a key that was made is told, and where its message did not come to be it is gone again */
    assert_true(err == 0 || dpp_store_count(keys) == 0);
    hear(&kit, pck, 1, true);
    struct dpp_key *unknown;
    uint8_t octets[16] = {9};
    assert_int_equal(dpp_key_new(&unknown, 0x10000099, octets, 16, 0, 0), 0);
    hear(&kit, unknown, 2, false);
    dpp_key_free(unknown);
    worked = err == 0 && count(&kit, RELAY_CLIENT_KEYED) == 3 &&
             count(&kit, RELAY_CLIENT_DONE) == 1 && count(&kit, RELAY_CLIENT_LOST) == 1 &&
             count(&kit, RELAY_CLIENT_KEY_WANTED) == 2 && dpp_store_count(keys) == 3;
out:
    kit_close(&kit);
    dpp_store_free(keys);
    dpp_mikey_replay_free(replay);
    return worked;
}

static void every_allocation_once(void **state)
{
    long i = 0;
    (void)state;
    prepare();
    for (bool refused = true; refused; i++) {
        oom_start_once(i);
        left = oom_left;
        oom_left = -1;
        bool worked = live();
        refused = oom_stop();
        if (!refused) {
            assert_true(worked);
        }
    }
    assert_true(i > 20);
    dpp_key_free(pck);
    dpp_ring_free(alice);
    dpp_ring_free(bob);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_allocation_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
