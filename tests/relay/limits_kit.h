/* limits_kit.h - for the tests of the limits: which refusals have been counted since when. */
#ifndef TESTS_RELAY_LIMITS_KIT_H
#define TESTS_RELAY_LIMITS_KIT_H

#include "tests/relay/core_kit.h"
#include "tests/relay/way_kit.h"

/* From limit - 1 to limit + 1: is it over? */
#define EACH_SIDE(side) for (int side = -1; side <= 1; side++)

static uint64_t limit_before[1024];

static inline void limit_mark(struct sim *sim)
{
    const struct relay_counts *counts = relay_counts(sim->relay);

    assert_true(counts->refused_n < sizeof limit_before / sizeof *limit_before);
    memcpy(limit_before, counts->refused, counts->refused_n * sizeof *limit_before);
    sim->refusals = 0;
    sim->last_refusal = 0;
}

/* Since the mark `err` was refused once, and nothing else; 0: nothing at all. Marks anew. */
static inline void limit_refused(struct sim *sim, int err)
{
    const struct relay_counts *counts = relay_counts(sim->relay);

    for (size_t i = 0; i < counts->refused_n; i++) {
        const struct relay_err_row *row = relay_err_at(i);
        uint64_t n = counts->refused[i] - limit_before[i];
        if (n != (row->err == err))
            fail_msg("%s: %llu times, want %d", row->name, (unsigned long long)n, row->err == err);
    }
    assert_int_equal(sim->refusals, err != 0); /* and the event tells the same */
    assert_int_equal(sim->last_refusal, err);
    limit_mark(sim);
}

/* The code of the answer to `tid` among what c has heard, 0: none; all is forgotten. */
static inline int limit_code(struct sim *sim, unsigned c, const char *tid)
{
    char start[64];
    int code = 0;

    snprintf(start, sizeof start, "MSRP %s ", tid);
    const char *at = strstr(sim_heard(sim, c), start);
    if (at)
        sscanf(at + strlen(start), "%d", &code);
    sim_clear(sim, c);
    return code;
}

/* A site of way_kit.h with settings of the test's own. */
static inline void limit_start(struct way_site *site, void (*set)(struct relay_conf *conf))
{
    sim_init(&site->sim);
    set(&site->sim.conf);
    sim_start(&site->sim);
    site->a = sim_user(&site->sim, SIM_ALICE);
    site->b = sim_user(&site->sim, SIM_BOB);
    sim_clear_all(&site->sim);
    limit_mark(&site->sim);
}

#endif
