/* core_stage.h - alice, bob and carol on a relay, for the tests of the service. */
#ifndef TESTS_RELAY_CORE_STAGE_H
#define TESTS_RELAY_CORE_STAGE_H

#include "tests/relay/core_kit.h"

struct stage {
    struct sim sim;
    unsigned alice, bob, carol;
    struct kit_heard a, b, c; /* what each heard */
};

/* Before the relay starts: change s->sim.conf and s->sim.policy. */
static inline void stage_init(struct stage *s)
{
    memset(s, 0, sizeof *s);
    sim_init(&s->sim);
}

static inline void stage_up(struct stage *s)
{
    sim_start(&s->sim);
    assert_non_null(s->sim.relay);
    s->alice = sim_user(&s->sim, SIM_ALICE);
    s->bob = sim_user(&s->sim, SIM_BOB);
    s->carol = sim_user(&s->sim, SIM_CAROL);
}

/* With the group, everything else as by default. */
static inline void stage_group(struct stage *s)
{
    stage_init(s);
    kit_add_group(s->sim.policy);
    stage_up(s);
}

/* All three hear and answer, until nobody has anything to say. */
static inline void stage_settle(struct stage *s)
{
    for (int i = 0; i < 8; i++) {
        kit_hear_all(&s->sim, s->alice, &s->a, 200);
        kit_hear_all(&s->sim, s->bob, &s->b, 200);
        kit_hear_all(&s->sim, s->carol, &s->c, 200);
    }
}

static inline void stage_done(struct stage *s)
{
    kit_free(&s->a);
    kit_free(&s->b);
    kit_free(&s->c);
    sim_done(&s->sim);
}

static inline struct dpp_info stage_info(const struct kit_got *got)
{
    struct msrp_str part = kit_got_part(got, "vnd.3gpp.mcdata-info+xml");
    struct dpp_info info;

    assert_int_equal(dpp_info_parse(&info, part.p, part.n), 0);
    return info;
}

#endif
