/* core_takeover.c - a message that goes on over a newer connection of its sender
 * (relay/core/sds.c).
 */
#include "tests/relay/core_stage.h"

static char big[20000];

/* An open message goes on over a newer connection of its sender, under its Message-ID. */
static void takeover(void **state)
{
    struct stage s;
    struct kit_sds sds = kit_group("");

    (void)state;
    stage_group(&s);
    sds.data = big;
    sds.data_n = 20000;
    struct kit_text body = kit_body(&sds);
    kit_chunk(&s.sim, s.alice, "mid1", "", NULL, &body, 0, 12000, '+');
    sim_pass(&s.sim, 1000);
    unsigned newer = sim_user(&s.sim, SIM_ALICE);

    /* the same message under another Message-ID, while the first is open */
    assert_int_equal(kit_send(&s.sim, newer, &sds, "mid2"), 413);
    assert_int_equal(s.sim.last_refusal, RELAY_E_SDS_OPEN_TWICE);

    const char *tid = kit_chunk(&s.sim, newer, "mid1", "", NULL, &body, 10000, body.n - 10000, '$');
    assert_int_equal(kit_code(&s.sim, newer, tid), 200);
    stage_settle(&s);
    assert_int_equal(s.b.n, 1);
    assert_int_equal(s.b.got[0].flag, '$');
    kit_same_payload(&s.b.got[0], &sds);

    /* and never over an older one */
    sds.message = 8;
    free(body.p);
    body = kit_body(&sds);
    kit_chunk(&s.sim, newer, "mid3", "", NULL, &body, 0, 12000, '+');
    tid = kit_chunk(&s.sim, s.alice, "mid3", "", NULL, &body, 12000, body.n - 12000, '$');
    assert_int_equal(kit_code(&s.sim, s.alice, tid), 413);
    sim_closed(&s.sim, newer);
    stage_settle(&s);
    assert_int_equal(s.b.got[1].flag, '#');
    free(body.p);
    stage_done(&s);
}

/* What is taken over counts among the open messages of the session, as what begins there. */
static void takeover_of_one_too_many(void **state)
{
    struct stage s;
    struct kit_sds sds = kit_group("");

    (void)state;
    stage_init(&s);
    kit_add_group(s.sim.policy);
    s.sim.conf.open_messages_max = 1;
    stage_up(&s);
    sds.data = big;
    sds.data_n = 20000;
    struct kit_text body = kit_body(&sds);
    kit_chunk(&s.sim, s.alice, "mid1", "", NULL, &body, 0, 12000, '+');
    sim_pass(&s.sim, 1000);
    unsigned newer = sim_user(&s.sim, SIM_ALICE);
    sds.message = 8;
    struct kit_text other = kit_body(&sds);
    const char *tid = kit_chunk(&s.sim, newer, "mid2", "", NULL, &other, 0, 12000, '+');
    assert_int_equal(kit_code(&s.sim, newer, tid), 200);
    tid = kit_chunk(&s.sim, newer, "mid1", "", NULL, &body, 12000, 1000, '+');
    assert_int_equal(kit_code(&s.sim, newer, tid), 413);
    assert_int_equal(s.sim.last_refusal, RELAY_E_TOO_MANY_OPEN);
    /* it is still where it was */
    tid = kit_chunk(&s.sim, s.alice, "mid1", "", NULL, &body, 12000, body.n - 12000, '$');
    assert_int_equal(kit_code(&s.sim, s.alice, tid), 200);
    free(other.p);
    free(body.p);
    stage_done(&s);
}

/* Taken over in the middle of a chunk: what the old connection still says of it is refused. */
static void takeover_in_a_chunk(void **state)
{
    struct stage s;
    struct kit_sds sds = kit_group("");

    (void)state;
    stage_group(&s);
    sds.data = big;
    sds.data_n = 20000;
    struct kit_text body = kit_body(&sds);
    char text[2048];
    int n = snprintf(text, sizeof text,
                     "MSRP tidx SEND\r\nTo-Path: %s " SIM_SERVICE "\r\nFrom-Path: %s\r\n"
                     "Message-ID: mid1\r\nByte-Range: 1-*/%zu\r\nContent-Type: "
                     "multipart/mixed;boundary=kit\r\n\r\n",
                     s.sim.conns[s.alice].use_path, s.sim.conns[s.alice].remote, body.n);
    sim_say_n(&s.sim, s.alice, text, (size_t)n);
    sim_say_n(&s.sim, s.alice, body.p, 12000);
    unsigned newer = sim_user(&s.sim, SIM_ALICE);
    const char *tid = kit_chunk(&s.sim, newer, "mid1", "", NULL, &body, 9000, body.n - 9000, '$');
    assert_int_equal(kit_code(&s.sim, newer, tid), 200);
    sim_say_n(&s.sim, s.alice, body.p + 12000, body.n - 12000);
    sim_say(&s.sim, s.alice, "\r\n-------tidx$\r\n");
    assert_int_equal(kit_code(&s.sim, s.alice, "tidx"), 413);
    assert_int_equal(s.sim.last_refusal, RELAY_E_STOPPED);
    stage_settle(&s);
    assert_int_equal(s.b.n, 1);
    kit_same_payload(&s.b.got[0], &sds);
    free(body.p);
    stage_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takeover),
        cmocka_unit_test(takeover_of_one_too_many),
        cmocka_unit_test(takeover_in_a_chunk),
    };

    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (char)(i * 31 >> 3);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
