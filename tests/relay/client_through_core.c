/* Clients and the real relay core in one process: what one sends is what the others get. */
#include "tests/relay/client_site.h"

enum { BIG = 5 * 1024 * 1024 };

static void one_to_one_with_dispositions(const struct relay_client_conf *alice_conf,
                                         const struct relay_client_conf *bob_conf,
                                         struct site *site)
{
    struct person *alice = join(site, KIT_ALICE, *alice_conf);
    struct person *bob = join(site, KIT_BOB, *bob_conf);
    struct relay_client_sds sds = text_to(site, KIT_BOB, NULL, "Stairwell B is clear.");
    sds.disposition = DPP_SDS_REQUEST_DELIVERY_AND_READ;
    uint64_t id = send(site, alice, &sds);

    assert_int_equal(bob->kit.events_n, 2);
    assert_int_equal(bob->kit.events[0].kind, RELAY_CLIENT_MESSAGE);
    assert_string_equal(bob->kit.events[0].from, KIT_ALICE);
    assert_memory_equal(bob->kit.events[0].message, sds.message, 16);
    assert_memory_equal(bob->kit.events[0].conversation, sds.conversation, 16);
    kit_last(&bob->kit, RELAY_CLIENT_DONE);
    assert_int_equal(bob->kit.data_n, sds.size);
    assert_memory_equal(bob->kit.data, sds.data, sds.size);

    assert_int_equal(alice->kit.events_n, 2);
    bool sent_first = alice->kit.events[0].kind == RELAY_CLIENT_SENT;
    const struct relay_client_event *sent = &alice->kit.events[sent_first ? 0 : 1];
    const struct relay_client_event *told = &alice->kit.events[sent_first ? 1 : 0];
    assert_int_equal(sent->kind, RELAY_CLIENT_SENT);
    assert_int_equal(sent->id, id);
    assert_int_equal(told->kind, RELAY_CLIENT_NOTIFICATION);
    assert_int_equal(told->notification, DPP_SDS_DISPOSITION_DELIVERED_READ);
    assert_string_equal(told->from, KIT_BOB);
    assert_memory_equal(told->message, sds.message, 16);
}

static void one_to_one(void **state)
{
    static struct site site;
    struct relay_client_conf plain = {0}, reads = {.answer = RELAY_CLIENT_ANSWER_READ};
    (void)state;
    open_site(&site);
    sim_start(&site.sim);
    one_to_one_with_dispositions(&plain, &reads, &site);
    close_site(&site);
}

/* The same with signalling under each one's own CSK. */
static void one_to_one_with_csk(void **state)
{
    static struct site site;
    (void)state;
    open_site(&site);
    give_csk(&site, KIT_ALICE, 0x20000011);
    give_csk(&site, KIT_BOB, 0x20000012);
    sim_start(&site.sim);
    struct relay_client_conf alice = {
        .csk = relay_policy_user(site.sim.policy, msrp_str_of(KIT_ALICE))->csk};
    struct relay_client_conf bob = {
        .csk = relay_policy_user(site.sim.policy, msrp_str_of(KIT_BOB))->csk,
        .answer = RELAY_CLIENT_ANSWER_READ};
    one_to_one_with_dispositions(&alice, &bob, &site);
    close_site(&site);
}

/* A client that has the CSK sends signalling protected; one that has lost it is refused. */
static void signalling_without_csk_is_refused(void **state)
{
    static struct site site;
    (void)state;
    open_site(&site);
    give_csk(&site, KIT_ALICE, 0x20000011);
    sim_start(&site.sim);
    struct person *alice = join(&site, KIT_ALICE, (struct relay_client_conf){0});
    join(&site, KIT_BOB, (struct relay_client_conf){0});
    struct relay_client_sds sds = text_to(&site, KIT_BOB, NULL, "in the clear");
    send(&site, alice, &sds);
    assert_int_equal(kit_last(&alice->kit, RELAY_CLIENT_REFUSED)->status, 403);
    close_site(&site);
}

static void group(void **state)
{
    static struct site site;
    (void)state;
    open_site(&site);
    sim_start(&site.sim);
    struct relay_client_conf delivers = {.answer = RELAY_CLIENT_ANSWER_DELIVERED};
    struct person *alice = join(&site, KIT_ALICE, (struct relay_client_conf){0});
    struct person *bob = join(&site, KIT_BOB, delivers);
    struct person *carol = join(&site, KIT_CAROL, delivers);
    struct relay_client_sds sds = text_to(&site, NULL, KIT_GROUP, "All crews: back to the gate.");
    sds.disposition = DPP_SDS_REQUEST_DELIVERY;
    send(&site, alice, &sds);
    struct person *readers[] = {bob, carol};
    for (int i = 0; i < 2; i++) {
        struct kit *kit = &readers[i]->kit;
        assert_int_equal(kit->events_n, 2);
        assert_string_equal(kit->events[0].group, KIT_GROUP);
        assert_string_equal(kit_last(kit, RELAY_CLIENT_DONE)->from, KIT_ALICE);
        assert_memory_equal(kit->data, sds.data, sds.size);
    }
    unsigned told = 0;
    for (size_t i = 0; i < alice->kit.events_n; i++) {
        told += alice->kit.events[i].kind == RELAY_CLIENT_NOTIFICATION &&
                alice->kit.events[i].notification == DPP_SDS_DISPOSITION_DELIVERED &&
                strcmp(alice->kit.events[i].group, KIT_GROUP) == 0;
    }
    assert_int_equal(told, 2);
    close_site(&site);
}

struct source {
    uint64_t at, fails_at;
};

static uint8_t octet_at(uint64_t at)
{
    return (uint8_t)(at * 2654435761u >> 13);
}

/* Gives odd amounts, as files and pipes do. */
static ssize_t source_read(void *ctx, void *p, size_t n)
{
    struct source *source = ctx;
    uint8_t *out = p;
    size_t give = n > 7000 ? 7000 : n;
    for (size_t i = 0; i < give; i++) {
        if (source->at == source->fails_at) {
            return i > 0 ? (ssize_t)i : -1;
        }
        out[i] = octet_at(source->at++);
    }
    return (ssize_t)give;
}

/* 81 protected frames through a source, to two members; a text passes it on the way. */
static void five_mib_to_the_group(void **state)
{
    static struct site site;
    struct source source = {.fails_at = UINT64_MAX};
    uint64_t big = 0, small = 0;
    (void)state;
    open_site(&site);
    sim_start(&site.sim);
    struct person *alice = join(&site, KIT_ALICE, (struct relay_client_conf){0});
    struct person *bob = join(&site, KIT_BOB, (struct relay_client_conf){0});
    struct person *carol = join(&site, KIT_CAROL, (struct relay_client_conf){0});
    struct relay_client_sds sds = text_to(&site, NULL, KIT_GROUP, "");
    sds.content_type = DPP_CONTENT_BINARY;
    sds.size = BIG;
    sds.data = NULL;
    sds.read = source_read;
    sds.ctx = &source;
    assert_int_equal(relay_client_send(alice->kit.client, &alice->kit.now, &sds, &big), 0);
    for (int i = 0; i < 20; i++) {
        exchange(&site, alice);
    }
    assert_true(source.at > 0 && source.at < BIG / 2); /* pulled as it goes out, not before */
    struct relay_client_sds text = text_to(&site, KIT_BOB, NULL, "between");
    assert_int_equal(relay_client_send(alice->kit.client, &alice->kit.now, &text, &small), 0);
    settle(&site);
    assert_int_equal(alice->kit.events_n, 2);
    assert_int_equal(alice->kit.events[0].id, small); /* the small one did not wait */
    assert_int_equal(kit_last(&alice->kit, RELAY_CLIENT_SENT)->id, big);
    assert_int_equal(relay_client_counts(alice->kit.client)->data_out, BIG);

    struct kit *kit = &carol->kit;
    assert_int_equal(kit->events_n, 2);
    assert_int_equal(kit_last(kit, RELAY_CLIENT_DONE)->bytes, BIG);
    assert_int_equal(kit->data_n, BIG);
    for (size_t i = 0; i < BIG; i++) {
        if (kit->data[i] != octet_at(i)) {
            fail_msg("octet %zu", i);
        }
    }
    assert_int_equal(bob->kit.data_n, BIG + 7);
    assert_int_equal(bob->kit.events_n, 4);
    assert_int_equal(relay_client_counts(bob->kit.client)->received, 2);
    close_site(&site);
}

/* A source that fails: `#` to the relay, so that the receiver knows (row C14, 10.40). */
static void failing_source_aborts(void **state)
{
    static struct site site;
    struct source source = {.fails_at = 300000};
    (void)state;
    open_site(&site);
    sim_start(&site.sim);
    struct person *alice = join(&site, KIT_ALICE, (struct relay_client_conf){0});
    struct person *bob = join(&site, KIT_BOB, (struct relay_client_conf){0});
    struct relay_client_sds sds = text_to(&site, KIT_BOB, NULL, "");
    sds.size = 1000000;
    sds.data = NULL;
    sds.read = source_read;
    sds.ctx = &source;
    send(&site, alice, &sds);
    assert_int_equal(kit_last(&alice->kit, RELAY_CLIENT_REFUSED)->err, RELAY_E_IO);
    assert_int_equal(bob->kit.events_n, 2);
    assert_int_equal(kit_last(&bob->kit, RELAY_CLIENT_LOST)->err, MSRP_E_JOIN_ABORTED);
    /* the connection goes on */
    struct relay_client_sds text = text_to(&site, KIT_BOB, NULL, "still here");
    send(&site, alice, &text);
    kit_last(&alice->kit, RELAY_CLIENT_SENT);
    kit_last(&bob->kit, RELAY_CLIENT_DONE);
    close_site(&site);
}

/* The same key ID with other octets, then no key at all: told, answered, nothing shown. */
static void wrong_key_is_lost(void **state)
{
    static struct site site;
    (void)state;
    open_site(&site);
    sim_start(&site.sim);
    struct dpp_store *others = kit_keys(99), *empty = dpp_store_new(1);
    struct person *alice = join(&site, KIT_ALICE, (struct relay_client_conf){0});
    struct person *bob = join(&site, KIT_BOB, (struct relay_client_conf){.keys = others});
    struct person *carol = join(&site, KIT_CAROL, (struct relay_client_conf){.keys = empty});
    struct relay_client_sds sds = text_to(&site, NULL, KIT_GROUP, "secret");
    send(&site, alice, &sds);
    kit_last(&alice->kit, RELAY_CLIENT_SENT);
    assert_int_equal(kit_last(&bob->kit, RELAY_CLIENT_LOST)->err, DPP_E_SEALED);
    assert_int_equal(kit_last(&carol->kit, RELAY_CLIENT_LOST)->err, DPP_E_KEY_ABSENT);
    assert_int_equal(bob->kit.data_n + carol->kit.data_n, 0);
    close_site(&site);
    dpp_store_free(others);
    dpp_store_free(empty);
}

/* profile section 4, authorisation: what the outsider is told */
static void outsider_is_refused(void **state)
{
    static struct site site;
    (void)state;
    open_site(&site);
    sim_start(&site.sim);
    struct person *dave = join(&site, "sip:dave@iops.example", (struct relay_client_conf){0});
    struct person *bob = join(&site, KIT_BOB, (struct relay_client_conf){0});
    struct relay_client_sds sds = text_to(&site, NULL, KIT_GROUP, "hello?");
    send(&site, dave, &sds);
    const struct relay_client_event *event = kit_last(&dave->kit, RELAY_CLIENT_REFUSED);
    assert_int_equal(event->status, 403);
    assert_int_equal(event->warning, 116);
    assert_string_equal(event->text, "116 user is not part of the MCData group");

    /* a large one is refused at its label: little of it goes out */
    struct source source = {.fails_at = UINT64_MAX};
    sds.size = 15000000;
    sds.data = NULL;
    sds.read = source_read;
    sds.ctx = &source;
    sds.ids_given = false;
    send(&site, dave, &sds);
    assert_int_equal(kit_last(&dave->kit, RELAY_CLIENT_REFUSED)->warning, 116);
    assert_true(source.at < 1000000);
    assert_int_equal(bob->kit.events_n, 0);

    struct relay_client_sds absent = text_to(&site, "sip:nobody@iops.example", NULL, "anybody?");
    send(&site, dave, &absent);
    event = kit_last(&dave->kit, RELAY_CLIENT_REFUSED);
    assert_int_equal(event->status, 413);
    assert_int_equal(event->warning, 204);
    close_site(&site);
}

/* profile section 4, Duplicates: the same message ID is answered 200 and shown once */
static void repeated_message_is_shown_once(void **state)
{
    static struct site site;
    (void)state;
    open_site(&site);
    sim_start(&site.sim);
    struct person *alice = join(&site, KIT_ALICE, (struct relay_client_conf){0});
    struct person *bob = join(&site, KIT_BOB, (struct relay_client_conf){0});
    struct relay_client_sds sds = text_to(&site, KIT_BOB, NULL, "once");
    send(&site, alice, &sds);
    sds.ids_given = true;
    send(&site, alice, &sds); /* sealed anew: other octets under the same ID */
    assert_int_equal(kit_last(&alice->kit, RELAY_CLIENT_REFUSED)->status, 403);
    assert_int_equal(bob->kit.events_n, 2);
    close_site(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_to_one),
        cmocka_unit_test(one_to_one_with_csk),
        cmocka_unit_test(signalling_without_csk_is_refused),
        cmocka_unit_test(group),
        cmocka_unit_test(five_mib_to_the_group),
        cmocka_unit_test(failing_source_aborts),
        cmocka_unit_test(wrong_key_is_lost),
        cmocka_unit_test(outsider_is_refused),
        cmocka_unit_test(repeated_message_is_shown_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
