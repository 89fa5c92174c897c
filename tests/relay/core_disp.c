/* core_disp.c - the records by themselves, then dispositions and repeats through the service. */
#include "relay/core/disp.h"
#include "tests/relay/core_stage.h"

static const uint8_t rnd[16] = {1, 2, 3};

static struct relay_disp_key key(const char *sender, uint8_t message, uint8_t kind,
                                 const char *target)
{
    struct relay_disp_key k = {
        .sender = msrp_str_of(sender), .target = msrp_str_of(target), .kind = kind};

    memset(k.conversation, 1, 16);
    memset(k.message, message, 16);
    return k;
}

static void records(void **state)
{
    struct relay_disp *disp = relay_disp_new(rnd, 100, 10, 1000);
    struct relay_disp_record *r, *again;
    struct relay_disp_key a = key("a", 1, RELAY_DISP_SDS, "b");
    uint8_t digest[32] = {7};

    (void)state;
    assert_int_equal(relay_disp_add(disp, &a, true, 5, &r), RELAY_DISP_NEW);
    assert_int_equal(relay_disp_add(disp, &a, true, 5, &again), RELAY_DISP_OPEN);
    assert_ptr_equal(r, again);
    assert_true(r->is_group);
    assert_true(msrp_str_is(relay_disp_target(r), "b"));
    relay_disp_close(disp, r, digest);
    struct relay_disp_key other = key("a", 1, RELAY_DISP_SDS, "c"); /* no part of an SDS's key */
    assert_int_equal(relay_disp_add(disp, &other, false, 6, &again), RELAY_DISP_DONE);
    assert_memory_equal(again->digest, digest, 32);

    /* another sender, another message, another kind, and for a notification another target */
    struct relay_disp_key others[] = {key("x", 1, RELAY_DISP_SDS, "b"),
                                      key("a", 2, RELAY_DISP_SDS, "b"),
                                      key("a", 1, 2, "b"),
                                      key("a", 1, 3, "b"),
                                      key("a", 1, 2, "c"),
                                      key("a", 1, RELAY_DISP_KEY, "b")};
    for (size_t i = 0; i < 6; i++) {
        assert_null(relay_disp_find(disp, &others[i]));
        assert_int_equal(relay_disp_add(disp, &others[i], false, 6, &r), RELAY_DISP_NEW);
        assert_ptr_equal(relay_disp_find(disp, &others[i]), r);
        relay_disp_close(disp, r, NULL);
    }
    assert_int_equal(relay_disp_count(disp), 7);

    /* dropped: new again */
    relay_disp_forget(disp, &a);
    assert_int_equal(relay_disp_add(disp, &a, false, 7, &r), RELAY_DISP_NEW);
    relay_disp_forget(disp, &a); /* an open one stays */
    assert_int_equal(relay_disp_count(disp), 7);
    relay_disp_drop(disp, r);
    assert_int_equal(relay_disp_count(disp), 6);

    /* their time is over; an open one is not forgotten */
    assert_int_equal(relay_disp_add(disp, &a, false, 7, &r), RELAY_DISP_NEW);
    relay_disp_sweep(disp, 105);
    assert_int_equal(relay_disp_count(disp), 7);
    relay_disp_sweep(disp, 107);
    assert_int_equal(relay_disp_count(disp), 1);
    relay_disp_free(disp);
}

static void bounds(void **state)
{
    struct relay_disp *disp = relay_disp_new(rnd, 100, 10, 25);
    struct relay_disp_record *r, *open;
    char name[16];

    (void)state;
    struct relay_disp_key k = key("a", 0, RELAY_DISP_SDS, "b");
    assert_int_equal(relay_disp_add(disp, &k, false, 0, &open), RELAY_DISP_NEW);
    for (unsigned i = 1; i <= 50; i++) {
        k = key("a", (uint8_t)i, RELAY_DISP_SDS, "b");
        assert_int_equal(relay_disp_add(disp, &k, false, 1, &r), RELAY_DISP_NEW);
        relay_disp_close(disp, r, NULL);
    }
    assert_int_equal(relay_disp_count(disp), 10); /* of one sender */
    k = key("a", 41, RELAY_DISP_SDS, "b");
    assert_null(relay_disp_find(disp, &k)); /* the oldest went */
    k = key("a", 42, RELAY_DISP_SDS, "b");
    assert_non_null(relay_disp_find(disp, &k));
    k = key("a", 0, RELAY_DISP_SDS, "b");
    assert_ptr_equal(relay_disp_find(disp, &k), open); /* but not the open one */
    for (unsigned i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "user%u", i);
        k = key(name, 1, RELAY_DISP_SDS, "b");
        assert_int_equal(relay_disp_add(disp, &k, false, 1, &r), RELAY_DISP_NEW);
        relay_disp_close(disp, r, NULL);
    }
    assert_int_equal(relay_disp_count(disp), 25); /* of everybody */
    relay_disp_free(disp);
}

/* Thousands of records are found and dropped in any order. */
static void many(void **state)
{
    struct relay_disp *disp = relay_disp_new(rnd, 100, 100000, 100000);
    struct relay_disp_record *r;
    struct relay_disp_key k;

    (void)state;
    for (int round = 0; round < 2; round++)
        for (uint32_t i = 0; i < 5000; i++) {
            k = key(i % 3 ? "a" : "b", 1, RELAY_DISP_SDS, "c");
            memcpy(k.message, &i, 4);
            assert_int_equal(relay_disp_add(disp, &k, false, 1, &r),
                             round && i % 7 ? RELAY_DISP_DONE : RELAY_DISP_NEW);
            relay_disp_close(disp, r, NULL);
            if (!round && i % 7 == 0)
                relay_disp_forget(disp, &k);
        }
    assert_int_equal(relay_disp_count(disp), 5000);
    for (unsigned i = 0; i < 600; i++) { /* and of many people */
        char name[16];
        snprintf(name, sizeof name, "user%u", i % 300);
        k = key(name, 1, RELAY_DISP_SDS, "c");
        assert_int_equal(relay_disp_add(disp, &k, false, 1, &r),
                         i < 300 ? RELAY_DISP_NEW : RELAY_DISP_DONE);
        relay_disp_close(disp, r, NULL);
    }
    relay_disp_free(disp);
}

/* --- through the service --- */

static void notifications(void **state)
{
    struct stage s;
    struct kit_sds sds = kit_sds(SIM_BOB, "hello"), note = kit_note(SIM_ALICE, 2);

    (void)state;
    stage_group(&s);
    assert_int_equal(kit_send(&s.sim, s.alice, &sds, "mid1"), 200);
    stage_settle(&s);
    assert_int_equal(kit_send(&s.sim, s.bob, &note, "note1"), 200);
    stage_settle(&s);
    assert_int_equal(s.a.n, 1);
    assert_int_equal(s.a.got[0].flag, '$');
    struct dpp_info info = stage_info(&s.a.got[0]);
    assert_int_equal(info.request, DPP_REQUEST_ONE_TO_ONE_SDS);
    assert_string_equal(info.request_uri, SIM_ALICE);
    assert_string_equal(info.calling_user_id, SIM_BOB);
    assert_string_equal(info.calling_group_id, "");
    struct msrp_str part = kit_got_part(&s.a.got[0], "vnd.3gpp.mcdata-signalling");
    struct dpp_msg msg;
    assert_int_equal(dpp_msg_parse(&msg, (const uint8_t *)part.p, part.n, NULL), 0);
    assert_int_equal(msg.code, DPP_MSG_SDS_NOTIFICATION);
    assert_int_equal(msg.number, 2);
    assert_int_equal(kit_got_part(&s.a.got[0], "vnd.3gpp.mcdata-payload").n, 0);
    assert_int_equal(s.c.n, 0);
    assert_int_equal(relay_counts(s.sim.relay)->notifications, 1);
    assert_non_null(kit_event(&s.sim, RELAY_EVENT_NOTIFIED));

    /* a repeat gets its 200 and goes no further; another type does */
    assert_int_equal(kit_send(&s.sim, s.bob, &note, "note2"), 200);
    note.disposition = 3;
    assert_int_equal(kit_send(&s.sim, s.bob, &note, "note3"), 200);
    stage_settle(&s);
    assert_int_equal(s.a.n, 2);
    assert_int_equal(relay_counts(s.sim.relay)->duplicates, 1);
    assert_int_equal(relay_counts(s.sim.relay)->notifications, 2);

    /* lost on its way: new when it is sent again */
    note.disposition = 4;
    assert_int_equal(kit_send(&s.sim, s.bob, &note, "note4"), 200);
    kit_hear_all(&s.sim, s.alice, &s.a, 413);
    kit_hear_all(&s.sim, s.bob, &s.b, 200);
    assert_int_equal(s.b.reports, 1);
    assert_int_equal(kit_send(&s.sim, s.bob, &note, "note5"), 200);
    stage_settle(&s);
    assert_int_equal(s.a.n, 4);
    assert_true(relay_is_quiet(s.sim.relay));
    stage_done(&s);
}

/* 24.282 12.2.3: 216 and 116. */
static void uncorrelated(void **state)
{
    struct stage s;
    struct kit_sds sds = kit_sds(SIM_BOB, "hello"), note = kit_note(SIM_ALICE, 2);

    (void)state;
    stage_init(&s);
    kit_add_group(s.sim.policy);
    stage_up(&s);
    unsigned dave = sim_user(&s.sim, "sip:dave@iops.example");

    assert_int_equal(kit_send(&s.sim, s.bob, &note, "note1"), 403); /* nothing was sent */
    assert_int_equal(s.sim.last_refusal, RELAY_E_SDS_UNCORRELATED);
    assert_int_equal(kit_warning(&s.sim, s.bob), 216);
    assert_int_equal(kit_send(&s.sim, s.alice, &sds, "mid1"), 200);
    stage_settle(&s);
    struct {
        unsigned from;
        const char *to, *of_group;
        uint8_t message, conversation;
    } wrong[] = {
        {s.carol, SIM_ALICE, NULL, 7, 9},    /* it was not for her */
        {s.bob, SIM_CAROL, NULL, 7, 9},      /* she did not send it */
        {s.bob, SIM_ALICE, NULL, 8, 9},      /* another message */
        {s.bob, SIM_ALICE, NULL, 7, 8},      /* another conversation */
        {s.bob, SIM_ALICE, KIT_GROUP, 7, 9}, /* no group's */
        {s.alice, SIM_ALICE, NULL, 7, 9},    /* the sender himself */
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        note.to = wrong[i].to;
        note.of_group = wrong[i].of_group;
        note.message = wrong[i].message;
        note.conversation = wrong[i].conversation;
        s.sim.last_refusal = 0;
        sim_clear(&s.sim, wrong[i].from);
        assert_int_equal(kit_send(&s.sim, wrong[i].from, &note, "note2"), 403);
        assert_int_equal(s.sim.last_refusal, RELAY_E_SDS_UNCORRELATED);
        assert_int_equal(kit_warning(&s.sim, wrong[i].from), 216);
        stage_settle(&s);
    }

    /* of a group's message: every member may, nobody else */
    struct kit_sds all = kit_group("all");
    all.message = 20;
    assert_int_equal(kit_send(&s.sim, s.alice, &all, "mid2"), 200);
    stage_settle(&s);
    note = kit_note(SIM_ALICE, 2);
    note.message = 20;
    note.of_group = KIT_GROUP;
    sim_clear(&s.sim, dave);
    assert_int_equal(kit_send(&s.sim, dave, &note, "note3"), 403);
    assert_int_equal(s.sim.last_refusal, RELAY_E_SDS_NOTIFIER);
    assert_int_equal(kit_warning(&s.sim, dave), 116);
    assert_int_equal(kit_send(&s.sim, s.bob, &note, "note4"), 200);
    note.of_group = NULL; /* the relay knows it anyway */
    assert_int_equal(kit_send(&s.sim, s.carol, &note, "note5"), 200);
    note.of_group = "sip:others@iops.example";
    assert_int_equal(kit_send(&s.sim, s.carol, &note, "note6"), 403);
    assert_int_equal(s.sim.last_refusal, RELAY_E_SDS_UNCORRELATED);
    stage_settle(&s);
    assert_int_equal(s.a.n, 2);
    assert_string_equal(stage_info(&s.a.got[0]).calling_group_id, KIT_GROUP);
    assert_string_equal(stage_info(&s.a.got[1]).calling_group_id, KIT_GROUP);

    /* the original sender is not there */
    sim_closed(&s.sim, s.alice);
    note.of_group = KIT_GROUP;
    note.disposition = 3;
    sim_clear(&s.sim, s.bob);
    assert_int_equal(kit_send(&s.sim, s.bob, &note, "note7"), 413);
    assert_int_equal(s.sim.last_refusal, RELAY_E_SDS_ABSENT);
    stage_done(&s);
}

/* A fast recipient: its disposition comes before the last octet of the message (the record stands
 * before the first delivery). */
static void early(void **state)
{
    static char big[20000];
    struct stage s;
    struct kit_sds sds = kit_sds(SIM_BOB, ""), note = kit_note(SIM_ALICE, 2);

    (void)state;
    stage_group(&s);
    sds.data = big;
    sds.data_n = sizeof big;
    struct kit_text body = kit_body(&sds);
    kit_chunk(&s.sim, s.alice, "mid1", "", NULL, &body, 0, 10000, '+');
    assert_int_equal(kit_send(&s.sim, s.bob, &note, "note1"), 200);
    stage_settle(&s);
    assert_int_equal(s.a.n, 1);
    kit_chunk(&s.sim, s.alice, "mid1", "", NULL, &body, 10000, body.n - 10000, '$');
    stage_settle(&s);
    assert_int_equal(s.b.got[0].flag, '$');
    free(body.p);
    stage_done(&s);
}

/* A repeat in chunks, the end first: compared when the last missing octet has come. */
static void repeats(void **state)
{
    static char big[20000];
    struct stage s;
    struct kit_sds sds = kit_group("");

    (void)state;
    stage_group(&s);
    sds.data = big;
    sds.data_n = sizeof big;
    assert_int_equal(kit_send(&s.sim, s.alice, &sds, "mid1"), 200);
    stage_settle(&s);
    for (int i = 0; i < 2; i++) {
        big[19000] = (char)i; /* the second one differs in one octet */
        struct kit_text body = kit_body(&sds);
        const char *tid = kit_chunk(&s.sim, s.alice, i ? "mid3" : "mid2", "", NULL, &body, 15000,
                                    body.n - 15000, '$');
        assert_int_equal(kit_code(&s.sim, s.alice, tid), 200);
        tid = kit_chunk(&s.sim, s.alice, i ? "mid3" : "mid2", "", NULL, &body, 0, 15000, '+');
        assert_int_equal(kit_code(&s.sim, s.alice, tid), i ? 403 : 200);
        free(body.p);
    }
    stage_settle(&s);
    assert_int_equal(s.b.n, 1);
    assert_int_equal(s.c.n, 1);
    assert_int_equal(s.sim.last_refusal, RELAY_E_SDS_CONFLICT);
    assert_non_null(kit_event(&s.sim, RELAY_EVENT_ALARM));

    /* what was refused or aborted before is new */
    struct kit_text body = kit_body(&sds);
    sds.message = 8;
    free(body.p);
    body = kit_body(&sds);
    kit_chunk(&s.sim, s.alice, "mid4", "", NULL, &body, 0, 15000, '+');
    kit_abort(&s.sim, s.alice, "mid4");
    assert_int_equal(kit_send(&s.sim, s.alice, &sds, "mid5"), 200);
    stage_settle(&s);
    assert_int_equal(s.b.n, 3); /* the one, the aborted one, and this one */
    assert_int_equal(s.b.got[1].flag, '#');
    kit_same_payload(&s.b.got[2], &sds);

    free(body.p);
    stage_done(&s);
}

/* A repeat with a part 5: what counts is part 4. */
static void repeat_with_key(void **state)
{
    struct stage s;
    struct kit_sds sds = kit_sds(SIM_BOB, "hello");

    (void)state;
    stage_group(&s);
    sds.mikey = "one";
    sds.mikey_n = 3;
    assert_int_equal(kit_send(&s.sim, s.alice, &sds, "mid1"), 200);
    sds.mikey = "two";
    assert_int_equal(kit_send(&s.sim, s.alice, &sds, "mid2"), 200);
    sds.data = "world";
    assert_int_equal(kit_send(&s.sim, s.alice, &sds, "mid3"), 403);
    stage_settle(&s);
    assert_int_equal(s.b.n, 1);
    stage_done(&s);
}

/* What was true when the label came is asked again before a notification goes. */
static void late_changes(void **state)
{
    struct stage s;
    struct kit_sds all = kit_group("hello"), note = kit_note(SIM_ALICE, 2);

    (void)state;
    for (int round = 0; round < 2; round++) {
        stage_group(&s);
        assert_int_equal(kit_send(&s.sim, s.alice, &all, "mid1"), 200);
        stage_settle(&s);
        struct kit_text body = kit_body(&note);
        kit_chunk(&s.sim, s.bob, "note1", "", NULL, &body, 0, body.n,
                  '+'); /* all of it, but not the end */
        if (round) {
            sim_closed(&s.sim, s.alice);
        } else {
            struct relay_policy *policy = relay_policy_new();
            struct relay_group *group = relay_policy_add_group(policy, KIT_GROUP);
            group->sds = true;
            assert_non_null(relay_group_add(group, SIM_ALICE));
            kit_policy(&s.sim, policy); /* bob is out */
        }
        char range[64];
        snprintf(range, sizeof range, "%zu-%zu/%zu", body.n + 1, body.n, body.n);
        sim_clear(&s.sim, s.bob);
        const char *tid = kit_chunk(&s.sim, s.bob, "note1", "", range, &body, body.n, 0, '$');
        assert_int_equal(kit_code(&s.sim, s.bob, tid), round ? 413 : 403);
        assert_int_equal(s.sim.last_refusal, round ? RELAY_E_SDS_ABSENT : RELAY_E_SDS_NOTIFIER);
        free(body.p);
        stage_done(&s);
    }
}

/* After its time a message is new again. */
static void forgotten(void **state)
{
    struct stage s;
    struct kit_sds sds = kit_sds(SIM_BOB, "hello");

    (void)state;
    stage_init(&s);
    s.sim.conf.dedup_ttl_s = 20;
    stage_up(&s);
    for (unsigned i = 1; i <= 3; i++) {
        assert_int_equal(kit_send(&s.sim, s.alice, &sds, "mid1"), 200);
        stage_settle(&s);
        assert_int_equal(s.b.n, i < 3 ? 1 : 2);
        sim_pass(&s.sim, 11000);
        stage_settle(&s);
    }
    stage_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records),
        cmocka_unit_test(bounds),
        cmocka_unit_test(many),
        cmocka_unit_test(notifications),
        cmocka_unit_test(uncorrelated),
        cmocka_unit_test(early),
        cmocka_unit_test(repeats),
        cmocka_unit_test(forgotten),
        cmocka_unit_test(repeat_with_key),
        cmocka_unit_test(late_changes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
