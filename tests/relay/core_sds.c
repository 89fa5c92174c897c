/* core_sds.c - messages through the whole service: who gets what, and who is told. */
#include "tests/relay/core_stage.h"

static char big[200000];

static void one_to_one(void **state)
{
    struct stage s;
    struct kit_sds sds = kit_sds(SIM_BOB, "the bridge is down");

    (void)state;
    stage_group(&s);
    assert_int_equal(kit_send(&s.sim, s.alice, &sds, "mid00001"), 200);
    stage_settle(&s);
    assert_int_equal(s.b.n, 1);
    assert_int_equal(s.b.got[0].flag, '$');
    assert_int_equal(s.b.got[0].chunks, 1);
    assert_int_equal(s.b.got[0].total, s.b.got[0].n);
    assert_string_not_equal(s.b.got[0].id, "mid00001"); /* a fresh one */
    kit_same_payload(&s.b.got[0], &sds);
    struct dpp_info info = stage_info(&s.b.got[0]);
    assert_int_equal(info.request, DPP_REQUEST_ONE_TO_ONE_SDS);
    assert_string_equal(info.request_uri, SIM_BOB);
    assert_string_equal(info.calling_user_id, SIM_ALICE);
    assert_string_equal(info.calling_group_id, "");
    assert_int_equal(s.a.n + s.c.n, 0);
    assert_true(relay_is_quiet(s.sim.relay));
    assert_int_equal(relay_counts(s.sim.relay)->messages_in, 1);
    assert_int_equal(relay_counts(s.sim.relay)->messages_delivered, 1);
    const struct relay_event *done = kit_event(&s.sim, RELAY_EVENT_MESSAGE_DONE);
    assert_non_null(done);
    assert_string_equal(done->target, SIM_BOB);
    assert_int_equal(done->count, 1);
    stage_done(&s);
}

/* The target may stand in a resource-lists part; host and scheme compare without case. */
static void listed_target(void **state)
{
    struct stage s;
    struct kit_sds sds = kit_sds(NULL, "hello");

    (void)state;
    stage_group(&s);
    sds.listed = "SIP:bob@IOPS.example";
    assert_int_equal(kit_send(&s.sim, s.alice, &sds, "mid00001"), 200);
    sds.to = SIM_BOB; /* both name the same one */
    sds.message = 8;
    assert_int_equal(kit_send(&s.sim, s.alice, &sds, "mid00002"), 200);
    stage_settle(&s);
    assert_int_equal(s.b.n, 2);
    assert_string_equal(stage_info(&s.b.got[0]).request_uri, SIM_BOB);
    stage_done(&s);
}

static void group(void **state)
{
    struct stage s;
    struct kit_sds sds = kit_group("all units");

    (void)state;
    stage_group(&s);
    unsigned other_alice = sim_user(&s.sim, SIM_ALICE), other_bob = sim_user(&s.sim, SIM_BOB);
    assert_int_equal(kit_send(&s.sim, s.alice, &sds, "mid00001"), 200);
    stage_settle(&s);
    assert_int_equal(s.b.n, 1);
    assert_int_equal(s.c.n, 1);
    kit_same_payload(&s.b.got[0], &sds);
    kit_same_payload(&s.c.got[0], &sds);
    assert_string_not_equal(s.b.got[0].id, s.c.got[0].id);
    struct dpp_info info = stage_info(&s.c.got[0]);
    assert_int_equal(info.request, DPP_REQUEST_GROUP_SDS);
    assert_string_equal(info.request_uri, SIM_CAROL);
    assert_string_equal(info.calling_user_id, SIM_ALICE);
    assert_string_equal(info.calling_group_id, KIT_GROUP);

    /* every connection of a member gets it, the sender's other one does not */
    struct kit_heard heard = {0};
    kit_hear_all(&s.sim, other_bob, &heard, 200);
    assert_int_equal(heard.n, 1);
    kit_free(&heard);
    kit_hear_all(&s.sim, other_alice, &heard, 200);
    assert_int_equal(heard.n, 0);
    assert_int_equal(relay_counts(s.sim.relay)->deliveries, 3);
    assert_true(relay_is_quiet(s.sim.relay));
    stage_done(&s);
}

/* What one user causes in a second is bounded by deliveries too: a lot that begins with a token
 * goes, and is paid for before the next. threat T37, row 44 */
static void fan_out_rate(void **state)
{
    struct stage s;
    struct kit_sds sds = kit_group("all units");

    (void)state;
    stage_init(&s);
    s.sim.conf.rate_deliveries_per_s = 2;
    s.sim.conf.rate_deliveries_burst = 3;
    kit_add_group(s.sim.policy);
    stage_up(&s);
    static const int codes[] = {200, 200, 413};
    for (uint8_t i = 0; i < 3; i++) {
        sds.message = (uint8_t)(20 + i);
        assert_int_equal(
            kit_send(&s.sim, s.alice, &sds, (const char *[]){"mid1", "mid2", "mid3"}[i]), codes[i]);
    }
    assert_int_equal(s.sim.last_refusal, RELAY_E_FAN_OUT);
    stage_settle(&s);
    assert_int_equal(s.b.n, 2);
    sim_pass(&s.sim, 1500);
    assert_int_equal(kit_send(&s.sim, s.alice, &sds, "mid4"), 200);
    stage_done(&s);
}

/* Fan-out starts before the last octet has come, and is cut anew: chunks of at most 16 KiB, none
 * but the last small. rows C3, C4, C8 */
static void streaming(void **state)
{
    struct stage s;
    struct kit_sds sds = kit_group("");

    (void)state;
    stage_group(&s);
    sds.data = big;
    sds.data_n = sizeof big;
    struct kit_text body = kit_body(&sds);
    size_t half = body.n / 2;
    const char *tid = kit_chunk(&s.sim, s.alice, "mid1", "", NULL, &body, 0, half, '+');
    assert_int_equal(kit_code(&s.sim, s.alice, tid), 200);
    stage_settle(&s);
    assert_int_equal(s.b.n, 1);
    assert_in_range(s.b.got[0].n, half - 2200, half + 2000); /* all but what may not go on yet */
    assert_int_equal(s.b.got[0].flag, '+');
    assert_true(s.b.got[0].total == MSRP_UNKNOWN);
    assert_false(relay_is_quiet(s.sim.relay));
    kit_chunk(&s.sim, s.alice, "mid1", "", NULL, &body, half, body.n - half, '$');
    stage_settle(&s);
    assert_int_equal(s.b.got[0].flag, '$');
    assert_int_equal(s.b.got[0].total, s.b.got[0].n);
    assert_in_range(s.b.got[0].longest, 16384, 16384 + 2000);
    assert_in_range(s.b.got[0].chunks, body.n / 16384, body.n / 2048);
    kit_same_payload(&s.b.got[0], &sds);
    kit_same_payload(&s.c.got[0], &sds);
    assert_true(relay_is_quiet(s.sim.relay));
    free(body.p);
    stage_done(&s);
}

static void success_report(void **state)
{
    struct stage s;
    struct kit_sds sds = kit_sds(SIM_BOB, "hello");

    (void)state;
    stage_group(&s);
    struct kit_text body = kit_body(&sds);
    for (int i = 0; i < 2; i++) { /* a repeated one earns it likewise */
        kit_chunk(&s.sim, s.alice, "mid1", "Success-Report: yes\r\n", NULL, &body, 0, 100, '+');
        kit_hear_all(&s.sim, s.alice, &s.a, 0);
        assert_int_equal(s.a.reports, i);
        kit_chunk(&s.sim, s.alice, "mid1", "Success-Report: yes\r\n", NULL, &body, 100,
                  body.n - 100, '$');
        stage_settle(&s);
        assert_int_equal(s.a.reports, i + 1);
        assert_int_equal(s.a.status, 200);
        char range[64];
        snprintf(range, sizeof range, "1-%zu/%zu", body.n, body.n);
        assert_string_equal(s.a.range, range);
    }
    assert_int_equal(s.b.n, 1);
    free(body.p);
    stage_done(&s);
}

/* One-to-one: told when no client of the recipient got it. rows 45-47 */
static void failure_reports(void **state)
{
    struct stage s;
    struct kit_sds sds = kit_sds(SIM_BOB, "hello");

    (void)state;
    stage_group(&s);
    /* row 46: an answer other than 200 */
    assert_int_equal(kit_send(&s.sim, s.alice, &sds, "mid1"), 200);
    kit_hear_all(&s.sim, s.bob, &s.b, 403);
    stage_settle(&s);
    assert_int_equal(s.a.reports, 1);
    assert_int_equal(s.a.status, 403);
    assert_int_equal(s.sim.last_refusal, RELAY_E_UNDELIVERED);
    assert_true(relay_is_quiet(s.sim.relay));

    /* it is new when it is sent again; row 45: silence */
    assert_int_equal(kit_send(&s.sim, s.alice, &sds, "mid2"), 200);
    kit_hear_all(&s.sim, s.bob, &s.b, 0);
    assert_int_equal(s.b.n, 2);
    sim_pass(&s.sim, 29000);
    kit_hear_all(&s.sim, s.alice, &s.a, 0);
    assert_int_equal(s.a.reports, 1);
    sim_pass(&s.sim, 2000);
    kit_hear_all(&s.sim, s.alice, &s.a, 200);
    assert_int_equal(s.a.reports, 2);
    assert_int_equal(s.a.status, 408);

    /* row 47: the connection is lost, with one of two clients: the other one got it */
    unsigned other = sim_user(&s.sim, SIM_BOB);
    assert_int_equal(kit_send(&s.sim, s.alice, &sds, "mid3"), 200);
    sim_closed(&s.sim, s.bob);
    struct kit_heard heard = {0};
    kit_hear_all(&s.sim, other, &heard, 200);
    assert_int_equal(heard.n, 1);
    kit_hear_all(&s.sim, s.alice, &s.a, 200);
    assert_int_equal(s.a.reports, 2);
    kit_free(&heard);

    /* and with the only one */
    sds.message = 8;
    assert_int_equal(kit_send(&s.sim, s.alice, &sds, "mid4"), 200);
    sim_closed(&s.sim, other);
    kit_hear_all(&s.sim, s.alice, &s.a, 200);
    assert_int_equal(s.a.reports, 3);
    assert_int_equal(s.a.status, 408);
    assert_int_equal(relay_counts(s.sim.relay)->deliveries_failed, 4);

    /* nobody asked: nobody is told */
    s.bob = sim_user(&s.sim, SIM_BOB);
    struct kit_text body = kit_body(&sds);
    kit_chunk(&s.sim, s.alice, "mid5", "Failure-Report: no\r\n", NULL, &body, 0, body.n, '$');
    kit_hear_all(&s.sim, s.bob, &s.b, 413);
    kit_hear_all(&s.sim, s.alice, &s.a, 200);
    assert_int_equal(s.a.reports, 3);
    assert_true(relay_is_quiet(s.sim.relay));
    free(body.p);
    stage_done(&s);
}

/* Group: told only when every started delivery failed. */
static void group_failure(void **state)
{
    struct stage s;
    struct kit_sds sds = kit_group("hello");

    (void)state;
    stage_group(&s);
    assert_int_equal(kit_send(&s.sim, s.alice, &sds, "mid1"), 200);
    kit_hear_all(&s.sim, s.bob, &s.b, 413);
    stage_settle(&s);
    assert_int_equal(s.a.reports, 0);
    assert_int_equal(relay_counts(s.sim.relay)->messages_delivered, 1);
    sds.message = 8;
    assert_int_equal(kit_send(&s.sim, s.alice, &sds, "mid2"), 200);
    kit_hear_all(&s.sim, s.bob, &s.b, 413);
    kit_hear_all(&s.sim, s.alice, &s.a, 0);
    assert_int_equal(s.a.reports, 0);
    kit_hear_all(&s.sim, s.carol, &s.c, 413);
    kit_hear_all(&s.sim, s.alice, &s.a, 0);
    assert_int_equal(s.a.reports, 1);
    assert_int_equal(s.a.status, 413);
    assert_true(relay_is_quiet(s.sim.relay));
    stage_done(&s);
}

/* All have given up before the last octet: the chunk that comes in is answered, with no REPORT. */
static void failure_in_a_chunk(void **state)
{
    struct stage s;
    struct kit_sds sds = kit_sds(SIM_BOB, "");

    (void)state;
    stage_group(&s);
    sds.data = big;
    sds.data_n = 60000;
    struct kit_text body = kit_body(&sds);
    kit_chunk(&s.sim, s.alice, "mid1", "", NULL, &body, 0, 30000, '+');
    /* the next one has begun */
    char text[2048];
    int n = snprintf(text, sizeof text,
                     "MSRP tidx SEND\r\nTo-Path: %s " SIM_SERVICE "\r\nFrom-Path: %s\r\n"
                     "Message-ID: mid1\r\nByte-Range: 30001-*/%zu\r\nContent-Type: "
                     "multipart/mixed;boundary=kit\r\n\r\n",
                     s.sim.conns[s.alice].use_path, s.sim.conns[s.alice].remote, body.n);
    sim_say_n(&s.sim, s.alice, text, (size_t)n);
    sim_say_n(&s.sim, s.alice, body.p + 30000, 1000);
    sim_clear(&s.sim, s.alice);
    kit_hear_all(&s.sim, s.bob, &s.b, 413); /* stops it: row C15 */
    assert_int_equal(sim_heard(&s.sim, s.alice)[0], '\0');
    sim_say_n(&s.sim, s.alice, body.p + 31000, body.n - 31000);
    sim_say(&s.sim, s.alice, "\r\n-------tidx$\r\n");
    assert_int_equal(kit_code(&s.sim, s.alice, "tidx"), 413);
    kit_hear_all(&s.sim, s.alice, &s.a, 0);
    assert_int_equal(s.a.reports, 0);
    kit_hear_all(&s.sim, s.bob, &s.b, 200);
    assert_int_equal(s.b.got[0].flag, '#'); /* row C14 */
    free(body.p);
    stage_done(&s);
}

static void lost_sender(void **state)
{
    struct stage s;
    struct kit_sds sds = kit_group("");

    (void)state;
    stage_group(&s);
    sds.data = big;
    sds.data_n = 20000;
    struct kit_text body = kit_body(&sds);
    kit_chunk(&s.sim, s.alice, "mid1", "", NULL, &body, 0, 15000, '+');
    stage_settle(&s);
    assert_int_equal(s.b.got[0].flag, '+');
    sim_closed(&s.sim, s.alice);
    kit_hear_all(&s.sim, s.bob, &s.b, 200);
    kit_hear_all(&s.sim, s.carol, &s.c, 200);
    assert_int_equal(s.b.got[0].flag, '#');
    assert_int_equal(s.c.got[0].flag, '#');
    assert_true(relay_is_quiet(s.sim.relay));

    /* it was lost: it is new when it is sent again */
    s.alice = sim_user(&s.sim, SIM_ALICE);
    assert_int_equal(kit_send(&s.sim, s.alice, &sds, "mid1"), 200);
    stage_settle(&s);
    assert_int_equal(s.b.n, 2);
    kit_same_payload(&s.b.got[1], &sds);
    assert_int_equal(relay_counts(s.sim.relay)->duplicates, 0);

    /* a complete one goes on without its sender */
    sds.message = 8;
    assert_int_equal(kit_send(&s.sim, s.alice, &sds, "mid2"), 200);
    sim_closed(&s.sim, s.alice);
    kit_hear_all(&s.sim, s.bob, &s.b, 200);
    kit_hear_all(&s.sim, s.carol, &s.c, 200);
    kit_same_payload(&s.b.got[2], &sds);
    assert_true(relay_is_quiet(s.sim.relay));
    free(body.p);
    stage_done(&s);
}

static void removed_member(void **state)
{
    struct stage s;
    struct kit_sds sds = kit_group("");

    (void)state;
    stage_group(&s);
    sds.data = big;
    sds.data_n = 40000;
    struct kit_text body = kit_body(&sds);
    kit_chunk(&s.sim, s.alice, "mid1", "", NULL, &body, 0, 20000, '+');
    stage_settle(&s);
    size_t before = s.b.got[0].n;
    struct relay_policy *policy = relay_policy_new();
    struct relay_group *group = relay_policy_add_group(policy, KIT_GROUP);
    group->sds = true;
    assert_non_null(relay_group_add(group, SIM_ALICE));
    assert_non_null(relay_group_add(group, SIM_CAROL));
    kit_policy(&s.sim, policy); /* bob is out */
    const char *tid =
        kit_chunk(&s.sim, s.alice, "mid1", "", NULL, &body, 20000, body.n - 20000, '$');
    assert_int_equal(kit_code(&s.sim, s.alice, tid), 200);
    stage_settle(&s);
    assert_int_equal(s.b.got[0].flag, '#');
    assert_int_equal(s.b.got[0].n, before); /* not an octet more (I5) */
    assert_int_equal(s.c.got[0].flag, '$');
    kit_same_payload(&s.c.got[0], &sds);
    free(body.p);
    stage_done(&s);
}

/* The sender's session expires between two chunks: 481, and `#` for those who had begun. */
static void session_expires(void **state)
{
    struct stage s;
    struct kit_sds sds = kit_sds(SIM_BOB, "");

    (void)state;
    stage_init(&s);
    s.sim.conf.message_idle_ms = 10000000;
    s.sim.conf.keepalive_ms = 10000000;
    s.sim.conf.expires_default_s = 100;
    stage_up(&s);
    sds.data = big;
    sds.data_n = 20000;
    struct kit_text body = kit_body(&sds);
    kit_chunk(&s.sim, s.alice, "mid1", "", NULL, &body, 0, 15000, '+');
    stage_settle(&s);
    sim_pass(&s.sim, 60000);
    assert_true(sim_login(&s.sim, s.bob, SIM_BOB)); /* bob renews */
    sim_pass(&s.sim, 75000);
    kit_hear_all(&s.sim, s.bob, &s.b, 200);
    assert_int_equal(s.b.got[0].flag, '#');
    sim_clear(&s.sim, s.alice);
    const char *tid =
        kit_chunk(&s.sim, s.alice, "mid1", "", NULL, &body, 15000, body.n - 15000, '$');
    assert_int_equal(kit_code(&s.sim, s.alice, tid), 481);
    free(body.p);
    stage_done(&s);
}

static void absent(void **state)
{
    struct stage s;
    struct kit_sds sds = kit_sds("sip:dave@iops.example", "hello");

    (void)state;
    stage_group(&s);
    assert_int_equal(kit_send(&s.sim, s.alice, &sds, "mid1"), 413);
    assert_int_equal(s.sim.last_refusal, RELAY_E_SDS_ABSENT);
    assert_int_equal(kit_warning(&s.sim, s.alice), 204);
    sds.to = SIM_ALICE; /* nobody writes to himself: his other connections get nothing */
    assert_int_equal(kit_send(&s.sim, s.alice, &sds, "mid2"), 413);

    /* a group in which nobody else is there */
    sim_closed(&s.sim, s.bob);
    sim_closed(&s.sim, s.carol);
    struct kit_sds all = kit_group("hello");
    sim_clear(&s.sim, s.alice);
    assert_int_equal(kit_send(&s.sim, s.alice, &all, "mid3"), 403);
    assert_int_equal(s.sim.last_refusal, RELAY_E_SDS_NOBODY);
    assert_int_equal(kit_warning(&s.sim, s.alice), 198);
    stage_done(&s);

    /* explicit affiliation: those affiliated get it, and miss it when they are not there */
    stage_init(&s);
    s.sim.conf.affiliation_explicit = true;
    struct relay_group *group = kit_add_group(s.sim.policy);
    for (size_t i = 0; i < group->members_n; i++)
        group->members[i].affiliated = strcmp(group->members[i].id, SIM_CAROL) != 0;
    stage_up(&s);
    assert_int_equal(kit_send(&s.sim, s.alice, &all, "mid1"), 200);
    stage_settle(&s);
    assert_int_equal(s.b.n, 1);
    assert_int_equal(s.c.n, 0);
    sim_closed(&s.sim, s.bob);
    all.message = 8;
    assert_int_equal(kit_send(&s.sim, s.alice, &all, "mid2"), 200);
    assert_true(relay_is_quiet(s.sim.relay));
    stage_done(&s);
}

/* On a plain listener every URI of ours is msrp:, the service's too. */
static void plain_listener(void **state)
{
    struct stage s;
    struct kit_sds sds = kit_sds(SIM_BOB, "hello");

    (void)state;
    stage_init(&s);
    s.sim.conf.plaintext_auth = true;
    sim_start(&s.sim);
    s.alice = sim_user(&s.sim, SIM_ALICE);
    s.carol = sim_user(&s.sim, SIM_CAROL);
    s.bob = sim_open(&s.sim, false);
    assert_true(sim_login(&s.sim, s.bob, SIM_BOB));
    assert_int_equal(kit_send(&s.sim, s.alice, &sds, "mid1"), 200);
    char from[1400];
    snprintf(from, sizeof from, "\r\nFrom-Path: %s msrp://" SIM_NAME ":2855/sds;tcp\r\n",
             s.sim.conns[s.bob].use_path);
    assert_int_equal(strncmp(s.sim.conns[s.bob].use_path, "msrp://", 7), 0);
    assert_non_null(strstr(sim_heard(&s.sim, s.bob), from));
    sds.to = SIM_CAROL;
    sds.message = 8;
    assert_int_equal(kit_send(&s.sim, s.alice, &sds, "mid2"), 200);
    snprintf(from, sizeof from, "\r\nFrom-Path: %s " SIM_SERVICE "\r\n",
             s.sim.conns[s.carol].use_path);
    assert_non_null(strstr(sim_heard(&s.sim, s.carol), from));
    stage_done(&s);
}

static void draining(void **state)
{
    struct stage s;
    struct kit_sds sds = kit_sds(SIM_BOB, "hello");
    struct relay_in in = {.kind = RELAY_IN_DRAIN};

    (void)state;
    stage_group(&s);
    struct kit_text body = kit_body(&sds);
    kit_chunk(&s.sim, s.alice, "mid1", "", NULL, &body, 0, 100, '+');
    sim_feed(&s.sim, &in);
    assert_int_equal(kit_send(&s.sim, s.alice, &sds, "mid2"), 413);
    assert_int_equal(s.sim.last_refusal, RELAY_E_DRAINING);
    assert_false(relay_is_quiet(s.sim.relay));
    kit_chunk(&s.sim, s.alice, "mid1", "", NULL, &body, 100, body.n - 100, '$');
    stage_settle(&s);
    assert_int_equal(s.b.n, 1); /* what was open may finish */
    assert_true(relay_is_quiet(s.sim.relay));
    free(body.p);
    stage_done(&s);
}

/* All who were getting it are out: the sender is stopped. A message that is dead is forgotten after
 * a while, and its Message-ID is free again. */
static void all_removed(void **state)
{
    struct stage s;
    struct kit_sds sds = kit_group("");

    (void)state;
    stage_group(&s);
    sds.data = big;
    sds.data_n = 40000;
    struct kit_text body = kit_body(&sds);
    kit_chunk(&s.sim, s.alice, "mid1", "", NULL, &body, 0, 20000, '+');
    stage_settle(&s);
    struct relay_policy *policy = relay_policy_new();
    struct relay_group *group = relay_policy_add_group(policy, KIT_GROUP);
    group->sds = true;
    assert_non_null(relay_group_add(group, SIM_ALICE));
    kit_policy(&s.sim, policy);
    stage_settle(&s);
    assert_int_equal(s.b.got[0].flag, '#');
    assert_int_equal(s.a.reports, 1);
    assert_int_equal(s.a.status, 403);
    const char *tid = kit_chunk(&s.sim, s.alice, "mid1", "", NULL, &body, 20000, 100, '+');
    assert_int_equal(kit_code(&s.sim, s.alice, tid), 413);
    policy = relay_policy_new();
    kit_add_group(policy);
    kit_policy(&s.sim, policy);
    for (int i = 0; i < 3; i++) {
        sim_pass(&s.sim, 25000);
        stage_settle(&s); /* signs of life */
    }
    assert_int_equal(kit_send(&s.sim, s.alice, &sds, "mid1"), 200);
    stage_settle(&s);
    assert_int_equal(s.b.n, 2);
    kit_same_payload(&s.b.got[1], &sds);
    free(body.p);
    stage_done(&s);
}

/* Behind a gap: as many runs as may be held, and one more (from the back, so that no two are one
 * run). The gap filled, all of it is there. */
static void fragments(void **state)
{
    for (int over = 0; over < 2; over++) {
        struct stage s;
        struct kit_sds sds = kit_sds(SIM_BOB, "");
        (void)state;
        stage_group(&s);
        sds.data = big;
        sds.data_n = 20000;
        struct kit_text body = kit_body(&sds);
        int code = 0;
        for (size_t i = 0; i < 128 + (size_t)over; i++) {
            const char *tid =
                kit_chunk(&s.sim, s.alice, "mid1", "", NULL, &body, 2280 - i * 10, 10, '+');
            code = kit_code(&s.sim, s.alice, tid);
            sim_clear(&s.sim, s.alice);
        }
        assert_int_equal(code, over ? 413 : 200);
        assert_int_equal(s.sim.last_refusal, over ? RELAY_E_TOO_MANY_GAPS : 0);
        if (!over) {
            kit_chunk(&s.sim, s.alice, "mid1", "", NULL, &body, 0, 1010, '+');
            kit_chunk(&s.sim, s.alice, "mid1", "", NULL, &body, 2290, body.n - 2290, '$');
            stage_settle(&s);
            kit_same_payload(&s.b.got[0], &sds);
        }
        free(body.p);
        stage_done(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_to_one),
        cmocka_unit_test(listed_target),
        cmocka_unit_test(group),
        cmocka_unit_test(fan_out_rate),
        cmocka_unit_test(streaming),
        cmocka_unit_test(success_report),
        cmocka_unit_test(failure_reports),
        cmocka_unit_test(group_failure),
        cmocka_unit_test(failure_in_a_chunk),
        cmocka_unit_test(lost_sender),
        cmocka_unit_test(removed_member),
        cmocka_unit_test(session_expires),
        cmocka_unit_test(absent),
        cmocka_unit_test(draining),
        cmocka_unit_test(fragments),
        cmocka_unit_test(plain_listener),
        cmocka_unit_test(all_removed),
    };

    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (char)(i * 31 >> 3);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
