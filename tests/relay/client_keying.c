/* Keys that travel: PCK, GMK and CSK between clients through the real relay core, each with a ring
 * of its own. Profile sections 6 and 7. */
#define REALM_NOW_S INT64_C(1700000000) /* as SIM_UNIX_S */
#include "tests/dpp/realm.h"

#include "relay/client/keying.h"
#include "tests/relay/client_site.h"

#define MDSI "sip:relay@iops.example"

enum { ROOM = 8 };

static struct realm realm;

/* One with a ring and a store that has no key yet. */
struct keyed {
    struct dpp_ring *ring;
    struct dpp_store *keys;
    struct dpp_mikey_replay *replay;
    struct person *person;
};

static struct keyed people[4];
static struct site site;

static struct relay_client_conf conf_of(struct keyed *keyed, const char *user)
{
    keyed->ring = realm_ring(user, &realm, 1, 0);
    keyed->keys = dpp_store_new(ROOM);
    keyed->replay = dpp_mikey_replay_new(64, DPP_MIKEY_WINDOW_S);
    return (struct relay_client_conf){
        .ring = keyed->ring, .keys = keyed->keys, .mikey_replay = keyed->replay};
}

static void open_keyed_site(void)
{
    int err = dpp_keys_init(0);
    assert_true(err == 0 || err == DPP_E_HEAP_UNLOCKED);
    realm_init(&realm, "kms.iops.example", NULL, 3);
    open_site(&site);
    sim_start(&site.sim);
}

static void close_keyed_site(void)
{
    close_site(&site);
    for (size_t i = 0; i < 4; i++) {
        dpp_ring_free(people[i].ring);
        dpp_store_free(people[i].keys);
        dpp_mikey_replay_free(people[i].replay);
        people[i] = (struct keyed){0};
    }
}

/* Alice, Bob, Carol with rings. */
static struct person *come(size_t i)
{
    static const char *const users[] = {KIT_ALICE, KIT_BOB, KIT_CAROL};
    struct relay_client_conf conf = conf_of(&people[i], users[i]);
    people[i].person = join(&site, users[i], conf);
    return people[i].person;
}

static void write_to(struct person *person, const char *to, const char *group, const char *text)
{
    struct relay_client_sds sds = {
        .to = to, .group = group, .content_type = 1, .size = strlen(text), .data = text};
    person->kit.events_n = 0;
    send(&site, person, &sds);
}

static const struct relay_client_event *event_of(const struct person *person,
                                                 enum relay_client_event_kind kind)
{
    for (size_t i = person->kit.events_n; i > 0; i--) {
        if (person->kit.events[i - 1].kind == kind) {
            return &person->kit.events[i - 1];
        }
    }
    return NULL;
}

static void expect(struct person *person, const char *text)
{
    assert_non_null(event_of(person, RELAY_CLIENT_DONE));
    assert_int_equal(person->kit.data_n, strlen(text));
    assert_memory_equal(person->kit.data, text, strlen(text));
    person->kit.data_n = person->kit.events_n = 0;
}

static uint32_t pck_of(size_t i, const char *a, const char *b)
{
    const struct dpp_keyed *row = dpp_store_for(people[i].keys, DPP_ROLE_PCK, a, b, SIM_UNIX_S);
    return row != NULL ? dpp_key_id(row->key) : 0;
}

/* Part 5 of the first SDS brings the PCK; later ones have none, and the other one answers under it.
 */
static void pair_is_keyed_by_the_first_message(void **state)
{
    (void)state;
    open_keyed_site();
    struct person *alice = come(0), *bob = come(1);
    write_to(alice, KIT_BOB, NULL, "first");
    const struct relay_client_event *made = &alice->kit.events[0];
    assert_int_equal(made->kind, RELAY_CLIENT_KEYED); /* before anything left */
    assert_int_equal(made->role, DPP_ROLE_PCK);
    assert_string_equal(made->from, KIT_BOB);
    kit_last(&alice->kit, RELAY_CLIENT_SENT);
    const struct relay_client_event *taken = event_of(bob, RELAY_CLIENT_KEYED);
    assert_non_null(taken);
    assert_int_equal(taken->key_id, made->key_id);
    assert_string_equal(taken->from, KIT_ALICE);
    expect(bob, "first");
    write_to(alice, KIT_BOB, NULL, "second");
    assert_null(event_of(alice, RELAY_CLIENT_KEYED));
    assert_null(event_of(bob, RELAY_CLIENT_KEYED));
    expect(bob, "second");
    write_to(bob, KIT_ALICE, NULL, "third");
    assert_null(event_of(bob, RELAY_CLIENT_KEYED));
    alice->kit.data_n = 0;
    write_to(bob, KIT_ALICE, NULL, "fourth");
    expect(alice, "fourth");
    assert_int_equal(dpp_store_count(people[0].keys), 1);
    assert_int_equal(dpp_store_count(people[1].keys), 1);
    close_keyed_site();
}

/* More than a frame: the key goes before it, in a message of its own. */
static void large_message_follows_its_key(void **state)
{
    static uint8_t data[200000];
    uint64_t id;
    (void)state;
    open_keyed_site();
    struct person *alice = come(0), *bob = come(1);
    memset(data, 0x5a, sizeof(data));
    struct relay_client_sds sds = {
        .to = KIT_BOB, .content_type = 2, .size = sizeof(data), .data = data};
    assert_int_equal(relay_client_send(alice->kit.client, &alice->kit.now, &sds, &id), 0);
    assert_null(sds.key); /* the choice is not left behind in it */
    settle(&site);
    kit_last(&alice->kit, RELAY_CLIENT_SENT);
    assert_int_equal(bob->kit.events[0].kind, RELAY_CLIENT_KEYED);
    kit_last(&bob->kit, RELAY_CLIENT_DONE);
    assert_int_equal(bob->kit.data_n, sizeof(data));
    assert_memory_equal(bob->kit.data, data, sizeof(data));
    close_keyed_site();
}

/* Nobody there: the key that only we would have goes again, and the next try makes another. */
static void undelivered_key_is_dropped(void **state)
{
    (void)state;
    open_keyed_site();
    struct person *alice = come(0);
    write_to(alice, KIT_BOB, NULL, "anybody?");
    assert_int_equal(event_of(alice, RELAY_CLIENT_REFUSED)->status, 413);
    const struct relay_client_event *gone = event_of(alice, RELAY_CLIENT_KEYED);
    assert_true(gone->is_dropped);
    assert_int_equal(dpp_store_count(people[0].keys), 0);
    struct person *bob = come(1);
    write_to(alice, KIT_BOB, NULL, "now");
    expect(bob, "now");
    close_keyed_site();
}

/* Acceptance: whoever lost his keys is keyed again by his peer, and the relay only carries. */
static void lost_keys_come_back_from_the_peer(void **state)
{
    (void)state;
    open_keyed_site();
    struct person *alice = come(0), *bob = come(1);
    write_to(alice, KIT_BOB, NULL, "first");
    expect(bob, "first");
    uint32_t before = pck_of(0, KIT_ALICE, KIT_BOB);
    assert_int_equal(dpp_store_remove(people[1].keys, before), 0);

    write_to(alice, KIT_BOB, NULL, "lost");
    assert_int_equal(event_of(bob, RELAY_CLIENT_KEY_WANTED)->key_id, before);
    assert_int_equal(event_of(bob, RELAY_CLIENT_LOST)->err, DPP_E_KEY_ABSENT);
    assert_int_equal(bob->kit.data_n, 0);
    const struct relay_client_event *fresh = event_of(alice, RELAY_CLIENT_KEYED);
    assert_non_null(fresh); /* the key-only message has come */
    assert_int_not_equal(fresh->key_id, before);
    assert_int_equal(pck_of(0, KIT_ALICE, KIT_BOB), fresh->key_id);
    bob->kit.events_n = 0;
    write_to(alice, KIT_BOB, NULL, "again");
    assert_null(event_of(bob, RELAY_CLIENT_KEYED));
    expect(bob, "again");
    /* what is under the key before still opens at Alice's, should it be on its way */
    assert_non_null(dpp_store_find(people[0].keys, before));
    close_keyed_site();
}

/* At most one answer in 10 s, and the same key while it was not used. */
static void answers_are_few(void **state)
{
    (void)state;
    open_keyed_site();
    struct person *alice = come(0), *bob = come(1);
    write_to(alice, KIT_BOB, NULL, "first");
    uint32_t before = pck_of(0, KIT_ALICE, KIT_BOB), fresh = 0;
    const struct dpp_key *old = dpp_store_find(people[0].keys, before)->key;
    struct dpp_key *stubborn; /* Alice goes on with the old one */
    assert_int_equal(dpp_key_copy(&stubborn, old), 0);
    assert_int_equal(dpp_store_remove(people[1].keys, before), 0);
    for (int i = 0; i < 3; i++) {
        struct relay_client_sds sds = {
            .to = KIT_BOB, .key = stubborn, .content_type = 1, .size = 1, .data = "x"};
        alice->kit.events_n = bob->kit.events_n = 0;
        if (i == 2) {
            sim_pass(&site.sim, 10001);
        }
        send(&site, alice, &sds);
        assert_non_null(event_of(bob, RELAY_CLIENT_LOST));
        const struct relay_client_event *keyed = event_of(alice, RELAY_CLIENT_KEYED);
        assert_true((keyed != NULL) == (i != 1));
        fresh = i == 0 ? keyed->key_id : fresh;
        assert_true(keyed == NULL || keyed->key_id == fresh);
    }
    dpp_key_free(stubborn);
    close_keyed_site();
}

/* The caller may have the key in his file. */
static void wanted_key_may_be_added(void **state)
{
    struct relay_client_event event;
    struct dpp_key *key;
    (void)state;
    open_keyed_site();
    struct person *alice = come(0), *bob = come(1);
    write_to(alice, KIT_BOB, NULL, "first");
    expect(bob, "first");
    uint32_t id = pck_of(1, KIT_ALICE, KIT_BOB);
    assert_int_equal(dpp_key_copy(&key, dpp_store_find(people[1].keys, id)->key), 0);
    assert_int_equal(dpp_store_remove(people[1].keys, id), 0);
    struct relay_client_sds sds = {.to = KIT_BOB, .content_type = 1, .size = 6, .data = "second"};
    uint64_t number;
    assert_int_equal(relay_client_send(alice->kit.client, &alice->kit.now, &sds, &number), 0);
    size_t n;
    const char *p = relay_client_output(alice->kit.client, &alice->kit.now, &n);
    sim_say_n(&site.sim, alice->conn, p, n);
    relay_client_sent(alice->kit.client, &alice->kit.now, n);
    while (sim_hear(&site.sim, bob->conn)) {
    }
    struct sim_conn *conn = &site.sim.conns[bob->conn];
    size_t room;
    char *to = relay_client_buffer(bob->kit.client, &room);
    assert_true(conn->heard_n > 0 && conn->heard_n <= room);
    memcpy(to, conn->heard, conn->heard_n);
    struct relay_client_in in = {
        .kind = RELAY_CLIENT_IN_DATA, .now = bob->kit.now, .n = conn->heard_n};
    sim_clear(&site.sim, bob->conn);
    relay_client_feed(bob->kit.client, &in);
    bool wanted = false, opened = false;
    while (relay_client_take(bob->kit.client, &bob->kit.now, &event)) {
        if (event.kind == RELAY_CLIENT_KEY_WANTED) {
            wanted = event.key_id == id;
            assert_int_equal(dpp_store_add(people[1].keys, key, KIT_ALICE, KIT_BOB), 0);
        }
        opened = opened || (event.kind == RELAY_CLIENT_DATA && event.n == 6);
        assert_int_not_equal(event.kind, RELAY_CLIENT_LOST);
    }
    assert_true(wanted && opened);
    close_keyed_site();
}

/* --- GMK --- */

static ssize_t gmk_message(size_t from, const struct dpp_key *key, const char *to,
                           uint8_t out[DPP_MIKEY_MAX])
{
    struct relay_client_random random = {kit_random, &people[from].person->kit};
    return relay_keying_print(people[from].ring, key, to, KIT_GROUP, SIM_UNIX_S, &random, out,
                              DPP_MIKEY_MAX);
}

static void send_octets(struct person *person, const char *to, const uint8_t *p, ssize_t n)
{
    uint64_t id;
    assert_true(n > 0);
    person->kit.events_n = 0;
    assert_int_equal(relay_client_send_key(person->kit.client, to, p, (size_t)n, &id), 0);
    settle(&site);
    kit_last(&person->kit, RELAY_CLIENT_SENT);
}

static void group_is_keyed_by_its_manager_only(void **state)
{
    static const char *const managers[] = {KIT_ALICE};
    uint8_t octets[DPP_MIKEY_MAX];
    struct dpp_key *gmk, *forged;
    (void)state;
    open_keyed_site();
    struct relay_client_conf carol_conf = conf_of(&people[2], KIT_CAROL);
    carol_conf.managers = managers;
    carol_conf.managers_n = 1;
    struct person *carol = people[2].person = join(&site, KIT_CAROL, carol_conf);
    struct person *alice = come(0), *bob = come(1);
    struct relay_client_random random = {kit_random, &alice->kit};

    struct relay_client_sds sds = {.group = KIT_GROUP, .content_type = 1, .size = 1, .data = "x"};
    uint64_t id;
    assert_int_equal(relay_client_send(bob->kit.client, &bob->kit.now, &sds, &id),
                     DPP_E_KEY_ABSENT); /* nothing goes unprotected */

    assert_int_equal(relay_keying_make(&gmk, DPP_ROLE_GMK, NULL, SIM_UNIX_S, 3600, &random), 0);
    assert_int_equal(dpp_key_expiry_s(gmk), SIM_UNIX_S + 3600);
    ssize_t n = gmk_message(0, gmk, KIT_CAROL, octets);
    send_octets(alice, KIT_CAROL, octets, n);
    const struct relay_client_event *keyed = event_of(carol, RELAY_CLIENT_KEYED);
    assert_non_null(keyed);
    assert_string_equal(keyed->group, KIT_GROUP);
    assert_int_equal(keyed->key_id, dpp_key_id(gmk));

    /* the same octets again: a replay, whatever the relay lets through */
    carol->kit.events_n = 0;
    struct relay_client_event event;
    relay_keying_take(&carol->conf, KIT_ALICE, SIM_UNIX_S, octets, (size_t)n, &event);
    assert_int_equal(event.kind, RELAY_CLIENT_KEY_REFUSED);
    assert_int_equal(event.err, DPP_E_MIKEY_REPLAY);

    /* Bob manages nothing; and what he signed is not Alice's, whoever is named */
    assert_int_equal(relay_keying_make(&forged, DPP_ROLE_GMK, NULL, SIM_UNIX_S, 0, &random), 0);
    n = gmk_message(1, forged, KIT_CAROL, octets);
    send_octets(bob, KIT_CAROL, octets, n);
    assert_int_equal(event_of(carol, RELAY_CLIENT_KEY_REFUSED)->err, RELAY_E_KEY_MANAGER);
    relay_keying_take(&carol->conf, KIT_ALICE, SIM_UNIX_S, octets, (size_t)n, &event);
    assert_int_equal(event.kind, RELAY_CLIENT_KEY_REFUSED);
    assert_true(event.err == DPP_E_MIKEY_SIGN || event.err == DPP_E_MIKEY_INITIATOR);
    assert_int_equal(dpp_store_count(people[2].keys), 1);

    assert_int_equal(relay_keying_put(people[0].keys, gmk, KIT_ALICE, KIT_GROUP), 0);
    write_to(alice, NULL, KIT_GROUP, "to all");
    expect(carol, "to all");
    const struct relay_client_event *lost = event_of(bob, RELAY_CLIENT_LOST);
    assert_int_equal(lost->err, DPP_E_KEY_ABSENT);
    assert_non_null(strstr(lost->text, "group rekey --member"));
    assert_int_equal(dpp_store_count(people[1].keys), 0); /* no PCK is made for it */
    dpp_key_free(forged);
    close_keyed_site();
}

/* A revoked key goes from the store; a PCK-ID of others is not touched. */
static void revoked_and_foreign(void **state)
{
    uint8_t octets[DPP_MIKEY_MAX];
    struct relay_client_event event;
    (void)state;
    open_keyed_site();
    struct person *alice = come(0), *bob = come(1), *carol = come(2);
    write_to(alice, KIT_BOB, NULL, "first");
    uint32_t id = pck_of(1, KIT_ALICE, KIT_BOB);
    const struct dpp_key *key = dpp_store_find(people[0].keys, id)->key;
    struct relay_client_random random = {kit_random, &carol->kit};
    ssize_t n = relay_keying_print(people[2].ring, key, KIT_BOB, NULL, SIM_UNIX_S, &random, octets,
                                   sizeof(octets));
    assert_true(n > 0);
    relay_keying_take(&bob->conf, KIT_CAROL, SIM_UNIX_S, octets, (size_t)n, &event);
    assert_int_equal(event.kind, RELAY_CLIENT_KEY_REFUSED);
    assert_int_equal(event.err, DPP_E_KEY_TWICE);
    assert_string_equal(dpp_store_find(people[1].keys, id)->owner, KIT_ALICE);

    struct dpp_mikey_draft draft = {
        .key = key, .responder = KIT_BOB, .time_s = SIM_UNIX_S, .is_revoked = true};
    for (int i = 0; i < 2; i++) { /* Carol may not, Alice may */
        struct dpp_mikey_random drawn;
        assert_int_equal(kit_random(&alice->kit, &drawn, sizeof(drawn)), 0);
        drawn.j[0] = 1;
        n = dpp_mikey_make(people[i == 0 ? 2 : 0].ring, &draft, &drawn, octets, sizeof(octets));
        assert_true(n > 0);
        relay_keying_take(&bob->conf, i == 0 ? KIT_CAROL : KIT_ALICE, SIM_UNIX_S, octets, (size_t)n,
                          &event);
        assert_int_equal(event.kind, i == 0 ? RELAY_CLIENT_KEY_REFUSED : RELAY_CLIENT_KEYED);
        assert_true(i == 0 || event.is_dropped);
        assert_true((dpp_store_find(people[1].keys, id) != NULL) == (i == 0));
    }
    close_keyed_site();
}

/* The newest that came is the one to speak with, whatever the clocks say; four of a pair stay. */
static void store_rules(void **state)
{
    struct dpp_store *store = dpp_store_new(8), *disk = dpp_store_new(8);
    uint8_t octets[16] = {1};
    struct dpp_key *key;
    (void)state;
    for (uint32_t i = 0; i < 6; i++) {
        assert_int_equal(dpp_key_new(&key, 0x10000010 - i, octets, 16, 1000 - (int64_t)i, 0), 0);
        assert_int_equal(relay_keying_put(store, key, KIT_ALICE, KIT_BOB), 0);
        assert_int_equal(
            dpp_key_id(dpp_store_for(store, DPP_ROLE_PCK, KIT_BOB, KIT_ALICE, 2000)->key),
            0x10000010 - i);
        assert_int_equal(dpp_store_count(store), i < 4 ? i + 1 : 4);
    }
    assert_null(dpp_store_find(store, 0x10000010));
    assert_int_equal(dpp_key_new(&key, 0x1000000b, octets, 16, 5, 0), 0);
    assert_int_equal(relay_keying_put(store, key, KIT_ALICE, KIT_CAROL), DPP_E_KEY_TWICE);
    dpp_key_free(key);
    assert_int_equal(relay_keying_copy(disk, store, 0x1000000b), 0);
    assert_int_equal(dpp_store_count(disk), 1);
    assert_int_equal(dpp_store_remove(store, 0x1000000b), 0);
    assert_int_equal(relay_keying_copy(disk, store, 0x1000000b), 0);
    assert_int_equal(dpp_store_count(disk), 0);
    dpp_store_free(store);
    dpp_store_free(disk);
}

/* --- CSK --- */

static void csk_is_uploaded_before_ready(void **state)
{
    (void)state;
    open_keyed_site();
    struct dpp_ring *relay = realm_ring(MDSI, &realm, 1, 0);
    site.sim.ring = relay;
    site.sim.holds_uploads = true;
    struct relay_client_conf conf = conf_of(&people[0], KIT_ALICE);
    conf.mdsi = MDSI;
    struct person *alice = &site.people[site.n++];
    size_t n = sim_token(&site.sim, KIT_ALICE, alice->token, sizeof(alice->token));
    alice->token[n] = '\0';
    alice->conn = sim_open(&site.sim, true);
    alice->conf = conf;
    alice->conf.me = KIT_ALICE;
    alice->conf.token = alice->token;
    alice->kit.seed = 7;
    alice->kit.now = (struct relay_client_now){site.sim.now.mono_ms, site.sim.now.unix_s};
    kit_open(&alice->kit, &alice->conf);
    alice->kit.is_mute = true;
    settle(&site);
    assert_int_equal(alice->kit.events_n, 0); /* AUTH is answered, the CSK is not */
    struct relay_client_sds sds = {.to = KIT_BOB, .content_type = 1, .size = 1, .data = "x"};
    uint64_t id;
    assert_int_equal(relay_client_send(alice->kit.client, &alice->kit.now, &sds, &id),
                     RELAY_E_SDS_NO_CSK);
    assert_int_equal(site.sim.held_n, 1);
    struct relay_upload *upload = site.sim.held[--site.sim.held_n];
    relay_upload_open(site.sim.ring, upload);
    sim_give_back(&site.sim, upload);
    settle(&site);
    kit_last(&alice->kit, RELAY_CLIENT_READY);

    site.sim.holds_uploads = false;
    struct relay_client_conf bob_conf = conf_of(&people[1], KIT_BOB);
    bob_conf.mdsi = MDSI;
    struct person *bob = people[1].person = join(&site, KIT_BOB, bob_conf);
    write_to(alice, KIT_BOB, NULL, "sealed twice");
    kit_last(&alice->kit, RELAY_CLIENT_SENT);
    expect(bob, "sealed twice");
    assert_int_equal(relay_counts(site.sim.relay)->uploads, 2);
    close_keyed_site();
    dpp_ring_free(relay);
}

/* A relay without that identity: told in words, and the client is over. */
static void refused_csk_ends_the_client(void **state)
{
    (void)state;
    open_keyed_site();
    struct relay_client_conf conf = conf_of(&people[0], KIT_ALICE);
    struct kit kit = {.now = {1000, SIM_UNIX_S}, .seed = 9};
    char tid[40];
    conf.me = KIT_ALICE;
    conf.mdsi = MDSI;
    kit_open(&kit, &conf);
    kit_tid(kit.said, tid);
    kit_hear(&kit,
             "MSRP %s 200 OK\r\nTo-Path: %s\r\nFrom-Path: " KIT_RELAY "\r\nUse-Path: " KIT_USE
             "\r\nExpires: 3600\r\n-------%s$\r\n",
             tid, kit.own, tid);
    const char *upload = strstr(kit.said + 10, "MSRP ");
    assert_non_null(upload);
    assert_non_null(strstr(upload, "Content-Type: application/mikey\r\n"));
    kit_tid(upload, tid);
    kit_hear(&kit, "MSRP %s 413 busy\r\nTo-Path: %s\r\nFrom-Path: " KIT_USE "\r\n-------%s$\r\n",
             tid, kit.own, tid);
    const struct relay_client_event *end = kit_last(&kit, RELAY_CLIENT_CLOSED);
    assert_int_equal(end->status, 413);
    assert_non_null(strstr(end->text, "too busy to take our CSK"));
    assert_int_equal(kit.events_n, 1);
    kit_close(&kit);
    close_keyed_site();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pair_is_keyed_by_the_first_message),
        cmocka_unit_test(large_message_follows_its_key),
        cmocka_unit_test(undelivered_key_is_dropped),
        cmocka_unit_test(lost_keys_come_back_from_the_peer),
        cmocka_unit_test(answers_are_few),
        cmocka_unit_test(wanted_key_may_be_added),
        cmocka_unit_test(group_is_keyed_by_its_manager_only),
        cmocka_unit_test(revoked_and_foreign),
        cmocka_unit_test(store_rules),
        cmocka_unit_test(csk_is_uploaded_before_ready),
        cmocka_unit_test(refused_csk_ends_the_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
