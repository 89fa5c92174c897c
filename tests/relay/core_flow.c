/* core_flow.c - slow receivers: who waits, how long, and who loses what. Profile section 5;
 * reliability section 4. */
#include "tests/relay/core_stage.h"

static char big[1000000];

/* Says octets [from, to) of a body as chunks of 16 KiB. */
static void say(struct stage *s, const char *id, const struct kit_text *body, size_t from,
                size_t to)
{
    while (from < to) {
        size_t n = to - from < 16384 ? to - from : 16384;
        kit_chunk(&s->sim, s->alice, id, "", NULL, body, from, n, from + n == body->n ? '$' : '+');
        from += n;
    }
}

/* Says the first chunk, then `who` takes no octet any more, then says the rest up to `to`. */
static void say_to_deaf(struct stage *s, const struct kit_text *body, unsigned who, size_t to)
{
    say(s, "mid1", body, 0, 16384);
    stage_settle(s);
    s->sim.conns[who].is_deaf = true;
    say(s, "mid1", body, 16384, to);
}

static struct kit_text big_body(struct kit_sds *sds)
{
    sds->data = big;
    sds->data_n = sizeof big;
    return kit_body(sds);
}

/* The sender waits for one slow receiver, and goes on when that one has caught up. */
static void waits(void **state)
{
    struct stage s;
    struct kit_sds sds = kit_sds(SIM_BOB, "");
    struct kit_text body = big_body(&sds);

    (void)state;
    stage_group(&s);
    say_to_deaf(&s, &body, s.bob, body.n);
    assert_true(s.sim.conns[s.alice].is_paused);
    assert_non_null(kit_event(&s.sim, RELAY_EVENT_PAUSED));
    assert_in_range(relay_counts(s.sim.relay)->slab_bytes, 256 * 1024, 512 * 1024);
    sim_pass(&s.sim, 4000);
    assert_true(s.sim.conns[s.alice].is_paused);
    s.sim.conns[s.bob].is_deaf = false;
    for (int i = 0; i < 20; i++) {
        sim_pass(&s.sim, 250);
        stage_settle(&s);
    }
    assert_int_equal(s.b.got[0].flag, '$');
    kit_same_payload(&s.b.got[0], &sds);
    assert_int_equal(relay_counts(s.sim.relay)->pauses, relay_counts(s.sim.relay)->resumes);
    assert_non_null(kit_event(&s.sim, RELAY_EVENT_RESUMED));
    assert_int_equal(s.sim.refusals, 0);
    assert_true(relay_is_quiet(s.sim.relay));
    free(body.p);
    stage_done(&s);
}

/* Ten seconds in all, then 413. */
static void one_gives_up(void **state)
{
    struct stage s;
    struct kit_sds sds = kit_sds(SIM_BOB, "");
    struct kit_text body = big_body(&sds);

    (void)state;
    stage_group(&s);
    say_to_deaf(&s, &body, s.bob, body.n);
    sim_clear(&s.sim, s.alice);
    sim_pass(&s.sim, 9000);
    assert_true(s.sim.conns[s.alice].is_paused);
    assert_int_equal(s.sim.refusals, 0);
    sim_pass(&s.sim, 2000);
    assert_false(s.sim.conns[s.alice].is_paused);
    assert_int_equal(s.sim.last_refusal, RELAY_E_SLOW_RECEIVER);
    kit_hear_all(&s.sim, s.alice, &s.a, 0);
    assert_int_equal(s.a.code, 413); /* of all the chunks that waited */
    assert_in_range(s.a.reports, 0, 1);
    s.sim.conns[s.bob].is_deaf = false;
    sim_pass(&s.sim, 250);
    stage_settle(&s);
    assert_int_equal(s.b.got[0].flag, '#');
    sim_pass(&s.sim, 1000);
    assert_true(relay_is_quiet(s.sim.relay));
    free(body.p);
    stage_done(&s);
}

/* Two pauses of one message are one time. */
static void pauses_add_up(void **state)
{
    struct stage s;
    struct kit_sds sds = kit_sds(SIM_BOB, "");
    struct kit_text body = big_body(&sds);

    (void)state;
    stage_group(&s);
    say_to_deaf(&s, &body, s.bob, 400000);
    assert_true(s.sim.conns[s.alice].is_paused);
    sim_pass(&s.sim, 7000);
    s.sim.conns[s.bob].is_deaf = false;
    sim_pass(&s.sim, 250);
    stage_settle(&s);
    sim_pass(&s.sim, 250);
    stage_settle(&s);
    assert_false(s.sim.conns[s.alice].is_paused);
    s.sim.conns[s.bob].is_deaf = true;
    say(&s, "mid1", &body, 400000, body.n);
    assert_true(s.sim.conns[s.alice].is_paused);
    sim_pass(&s.sim, 2000);
    assert_true(s.sim.conns[s.alice].is_paused);
    sim_pass(&s.sim, 2000); /* 7 and 3 */
    assert_false(s.sim.conns[s.alice].is_paused);
    assert_int_equal(s.sim.last_refusal, RELAY_E_SLOW_RECEIVER);
    free(body.p);
    stage_done(&s);
}

/* In a group the slow member loses it and the rest goes on. */
static void group_goes_on(void **state)
{
    struct stage s;
    struct kit_sds sds = kit_group("");
    struct kit_text body = big_body(&sds);

    (void)state;
    stage_group(&s);
    say_to_deaf(&s, &body, s.bob, body.n);
    assert_true(s.sim.conns[s.alice].is_paused);
    for (int i = 0; i < 60; i++) {
        sim_pass(&s.sim, 250);
        kit_hear_all(&s.sim, s.carol, &s.c, 200);
    }
    kit_hear_all(&s.sim, s.alice, &s.a, 0);
    assert_int_equal(s.a.code, 200);
    assert_int_equal(s.a.reports, 0); /* somebody got it */
    assert_int_equal(s.sim.refusals, 0);
    assert_int_equal(s.c.got[0].flag, '$');
    kit_same_payload(&s.c.got[0], &sds);
    const struct relay_event *failed = kit_event(&s.sim, RELAY_EVENT_DELIVERY_FAILED);
    assert_non_null(failed);
    assert_string_equal(failed->target, SIM_BOB);
    s.sim.conns[s.bob].is_deaf = false;
    sim_pass(&s.sim, 250);
    kit_hear_all(&s.sim, s.bob, &s.b, 200);
    assert_int_equal(s.b.got[0].flag, '#');
    assert_true(relay_is_quiet(s.sim.relay));
    free(body.p);
    stage_done(&s);
}

/* A connection with other traffic is not stopped: half the time, and never more than the hard
 * limit. */
static void shared(void **state)
{
    (void)state;
    for (int hard = 0; hard < 2; hard++) {
        struct stage s;
        struct kit_sds sds = kit_sds(SIM_BOB, ""), other = kit_sds(SIM_CAROL, "hello");
        struct kit_text body = big_body(&sds);
        stage_init(&s);
        if (hard)
            s.sim.conf.out_hard = 600 * 1024;
        stage_up(&s);
        other.message = 8;
        struct kit_text small = kit_body(&other);
        kit_chunk(&s.sim, s.alice, "mid2", "", NULL, &small, 0, 100, '+'); /* stays open */
        say_to_deaf(&s, &body, s.bob, 400000);
        assert_false(s.sim.conns[s.alice].is_paused);
        assert_int_equal(s.sim.refusals, 0);
        if (hard)
            say(&s, "mid1", &body, 400000, 700000);
        else
            sim_pass(&s.sim, 4000);
        assert_int_equal(s.sim.refusals != 0, hard);
        sim_pass(&s.sim, 1500);
        kit_hear_all(&s.sim, s.alice, &s.a, 0);
        if (!hard)
            assert_int_equal(s.a.reports, 1); /* no chunk waited for its answer */
        assert_int_equal(s.a.status ? s.a.status : s.a.code, 413);
        /* and the other message was not in its way */
        kit_chunk(&s.sim, s.alice, "mid2", "", NULL, &small, 100, small.n - 100, '$');
        kit_hear_all(&s.sim, s.carol, &s.c, 200);
        assert_int_equal(s.c.got[0].flag, '$');
        free(small.p);
        free(body.p);
        stage_done(&s);
    }
}

/* Nor is one with another session, though that one is silent. row C7 */
static void two_sessions(void **state)
{
    struct stage s;
    struct kit_sds sds = kit_sds(SIM_BOB, "");
    struct kit_text body = big_body(&sds);
    char token[2048];

    (void)state;
    stage_group(&s);
    token[sim_token(&s.sim, SIM_ALICE, token, sizeof token)] = '\0';
    sim_sayf(&s.sim, s.alice,
             "MSRP auth2 AUTH\r\nTo-Path: " SIM_URI "\r\n"
             "From-Path: msrps://alice.invalid:9/other;tcp\r\n"
             "Authorization: Bearer %s\r\n-------auth2$\r\n",
             token);
    assert_int_equal(strncmp(sim_heard(&s.sim, s.alice), "MSRP auth2 200", 14), 0);
    say_to_deaf(&s, &body, s.bob, 400000);
    assert_false(s.sim.conns[s.alice].is_paused);
    assert_int_equal(s.sim.refusals, 0);
    sim_pass(&s.sim, 5500);
    assert_int_equal(s.sim.last_refusal, RELAY_E_SLOW_RECEIVER);
    free(body.p);
    stage_done(&s);
}

/* The sender leaves while he waits; the receiver leaves while the sender waits. */
static void somebody_leaves(void **state)
{
    for (int who = 0; who < 2; who++) {
        struct stage s;
        struct kit_sds sds = kit_sds(SIM_BOB, "");
        struct kit_text body = big_body(&sds);
        (void)state;
        stage_group(&s);
        say_to_deaf(&s, &body, s.bob, body.n);
        assert_true(s.sim.conns[s.alice].is_paused);
        sim_closed(&s.sim, who ? s.alice : s.bob);
        sim_pass(&s.sim, 1000);
        if (!who) {
            assert_false(s.sim.conns[s.alice].is_paused);
            kit_hear_all(&s.sim, s.alice, &s.a, 0);
            assert_int_equal(s.a.code, 413);
        }
        free(body.p);
        stage_done(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits),         cmocka_unit_test(one_gives_up),
        cmocka_unit_test(pauses_add_up), cmocka_unit_test(group_goes_on),
        cmocka_unit_test(shared),        cmocka_unit_test(somebody_leaves),
        cmocka_unit_test(two_sessions),
    };

    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (char)(i * 31 >> 3);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
