/* core_sds.c - one-to-one and group messages through the whole relay. */
#include "tests/relay/core_kit.h"

struct stage {
    struct sim sim;
    unsigned alice, bob, carol;
};

static void stage_up(struct stage *s)
{
    sim_start(&s->sim);
    assert_non_null(s->sim.relay);
    s->alice = sim_user(&s->sim, SIM_ALICE);
    s->bob = sim_user(&s->sim, SIM_BOB);
    s->carol = sim_user(&s->sim, SIM_CAROL);
}

static void stage_init(struct stage *s)
{
    sim_init(&s->sim);
    kit_add_group(s->sim.policy);
}

static void one_to_one(void **state)
{
    struct stage s;
    struct kit_heard bob = {0}, carol = {0};
    struct kit_sds sds = kit_sds(SIM_BOB, "the bridge is down");
    struct dpp_info info;

    (void)state;
    stage_init(&s);
    stage_up(&s);
    assert_int_equal(kit_send(&s.sim, s.alice, &sds, "mid00001"), 200);
    kit_hear_all(&s.sim, s.bob, &bob, 200);
    assert_int_equal(bob.n, 1);
    assert_int_equal(bob.got[0].flag, '$');
    assert_int_equal(bob.got[0].chunks, 1);
    assert_int_equal(bob.got[0].total, bob.got[0].n);
    assert_string_not_equal(bob.got[0].id, "mid00001");
    kit_same_payload(&bob.got[0], &sds);
    struct msrp_str part = kit_got_part(&bob.got[0], "vnd.3gpp.mcdata-info+xml");
    assert_int_equal(dpp_info_parse(&info, part.p, part.n), 0);
    assert_int_equal(info.request, DPP_REQUEST_ONE_TO_ONE_SDS);
    assert_string_equal(info.request_uri, SIM_BOB);
    assert_string_equal(info.calling_user_id, SIM_ALICE);
    assert_string_equal(info.calling_group_id, "");
    kit_hear_all(&s.sim, s.carol, &carol, 200);
    assert_int_equal(carol.n, 0);
    assert_true(relay_is_quiet(s.sim.relay));
    assert_int_equal(relay_counts(s.sim.relay)->messages_delivered, 1);
    assert_non_null(kit_event(&s.sim, RELAY_EVENT_MESSAGE_DONE));
    kit_free(&bob);
    sim_done(&s.sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_to_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
