/* core_fan.c - whatever chunks the sender makes of a message, in whatever order, read in whatever
 * pieces: every member gets the same octets. Seeded; MC_SEED and MC_ROUNDS change the run. */
#include "tests/relay/core_stage.h"

enum { CHUNKS = 40 };

static uint64_t seed;

static size_t draw(size_t below)
{
    uint64_t z = seed += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (size_t)((z ^ z >> 31) % below);
}

/* Cuts the body at random and says the chunks in a random order that keeps gaps and held octets
 * within their limits (some octets twice). Returns false when the relay refused one. */
static bool say_cut(struct stage *s, const struct kit_text *body, const char *id)
{
    size_t cuts[CHUNKS + 1], n = 1 + draw(CHUNKS - 1), from[CHUNKS], to[CHUNKS];

    cuts[0] = 0;
    for (size_t i = 1; i < n; i++)
        cuts[i] = draw(body->n);
    cuts[n] = body->n;
    for (size_t i = 1; i < n; i++) /* sorted */
        for (size_t k = i; k > 1 && cuts[k] < cuts[k - 1]; k--) {
            size_t t = cuts[k];
            cuts[k] = cuts[k - 1];
            cuts[k - 1] = t;
        }
    for (size_t i = 0; i < n; i++) {
        from[i] = cuts[i];
        to[i] = cuts[i + 1];
    }
    for (size_t i = 0; i + 1 < n; i++) { /* neighbours change places, at most 20 kB apart */
        if (draw(3) == 0 && to[i + 1] - from[i] < 20000) {
            size_t a = from[i], b = to[i];
            from[i] = from[i + 1], to[i] = to[i + 1];
            from[i + 1] = a, to[i + 1] = b;
        }
    }
    bool *said = calloc(body->n, sizeof *said); /* behind its last octet a message is over */
    for (size_t i = 0; i < n; i++) {
        size_t at = from[i], fresh = 0;
        for (size_t k = at; k < to[i]; k++)
            fresh += !said[k];
        if (!fresh)
            continue;
        if (at && draw(4) == 0 && at > 5)
            at -= draw(at < 50 ? at : 50); /* again, the same octets */
        memset(said + at, true, to[i] - at);
        const char *tid = kit_chunk(&s->sim, s->alice, id, "", NULL, body, at, to[i] - at,
                                    to[i] == body->n ? '$' : '+');
        if (kit_code(&s->sim, s->alice, tid) != 200) {
            free(said);
            return false;
        }
        sim_clear(&s->sim, s->alice);
        if (draw(2))
            kit_hear_all(&s->sim, s->bob, &s->b, 200);
    }
    free(said);
    return true;
}

static void same_octets(void **state)
{
    static char data[70000];
    int rounds = getenv("MC_ROUNDS") ? atoi(getenv("MC_ROUNDS")) : 60;
    uint64_t first = getenv("MC_SEED") ? strtoull(getenv("MC_SEED"), NULL, 0) : 1;

    (void)state;
    for (int round = 0; round < rounds; round++) {
        struct stage s;
        struct kit_sds sds = kit_group("");
        seed = first + (uint64_t)round;
        size_t n = draw(4) ? draw(9000) + 1 : draw(sizeof data) + 1;
        for (size_t i = 0; i < n; i++)
            data[i] = (char)draw(256);
        sds.data = data;
        sds.data_n = n;
        struct kit_text body = kit_body(&sds);
        stage_group(&s);
        s.sim.split = n < 9000 && draw(4) == 0;
        s.sim.conns[s.carol].sip = draw(3) ? 0 : 1 + draw(3000);
        if (!say_cut(&s, &body, "mid1"))
            fail_msg("seed %llu: refused for %s", (unsigned long long)(first + (uint64_t)round),
                     relay_err_row(s.sim.last_refusal)->name);
        s.sim.conns[s.carol].sip = 0;
        sim_pass(&s.sim, 250);
        stage_settle(&s);
        if (s.b.n != 1 || s.b.got[0].flag != '$' || s.c.n != 1 || s.c.got[0].flag != '$')
            fail_msg("seed %llu: not delivered", (unsigned long long)(first + (uint64_t)round));
        kit_same_payload(&s.b.got[0], &sds);
        kit_same_payload(&s.c.got[0], &sds);
        /* and the end of the message is known to be the end */
        assert_int_equal(s.b.got[0].total, s.b.got[0].n);
        assert_int_equal(s.c.got[0].total, s.c.got[0].n);
        if (!relay_is_quiet(s.sim.relay))
            fail_msg("seed %llu: not quiet", (unsigned long long)(first + (uint64_t)round));
        free(body.p);
        stage_done(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_octets)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
