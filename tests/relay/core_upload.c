/* CSK uploads through the relay: collected, opened as a job, answered when it is back, used from
 * then on. Profile section 6. */
#include "tests/relay/core_stage.h"
#include "tests/relay/upload_kit.h"

#define OTHER_CSK 0x20000009u

/* alice, bob and carol at a relay that has keys of its own. */
static void begin(struct stage *s)
{
    stage_init(s);
    s->sim.now.unix_s = REALM_NOW_S;
    s->sim.ring = upload_kms()->relay;
    stage_up(s);
}

static int upload(struct stage *s, unsigned c, const char *tid, uint32_t id)
{
    const struct upload_kms *kms = upload_kms();

    return upload_draft(
        &s->sim, c, tid,
        &(struct upload_draft){.from = c == s->alice ? kms->alice : kms->bob, .id = id});
}

static uint64_t refused(const struct stage *s, int err)
{
    size_t i = 0;

    while (relay_err_at(i) && relay_err_at(i)->err != err)
        i++;
    return relay_counts(s->sim.relay)->refused[i];
}

/* alice to bob with plain or protected signalling: the answer. */
static int letter(struct stage *s, bool is_sealed, const char *id)
{
    struct kit_sds sds = kit_sds(SIM_BOB, "hello");

    sds.message = (uint8_t)id[0];
    sds.sealed_signalling = is_sealed;
    return kit_send(&s->sim, s->alice, &sds, id);
}

/* Has the relay no CSK of alice? Then plain signalling is taken under `auto`. */
static void has_none(struct stage *s, const char *id)
{
    assert_int_equal(letter(s, true, "qqqq"), 403);
    assert_int_equal(s->sim.last_refusal, RELAY_E_SDS_NO_CSK);
    assert_int_equal(letter(s, false, id), 200);
}

/* The plain signalling in what somebody got under KIT_CSK. */
static void opens(const struct kit_got *got, uint8_t type)
{
    struct msrp_str part = kit_got_part(got, "vnd.3gpp.mcdata-signalling");
    struct dpp_key *key = kit_key(KIT_CSK);
    struct dpp_seal seal;
    uint8_t out[256];

    assert_int_equal((uint8_t)part.p[0], 0x40 | type);
    assert_int_equal(dpp_seal_init(&seal, key, KIT_CSK, DPP_USE_SIGNALLING, DPP_ALG_AES_128_GCM),
                     0);
    assert_true(dpp_signalling_open(&seal, DPP_FRAMING_STRIPPED, (const uint8_t *)part.p, part.n,
                                    out, sizeof out) > 0);
    assert_int_equal(out[0], type);
    dpp_seal_done(&seal);
    dpp_key_free(key);
}

/* Taken: signalling is opened and sealed with it, both ways; plain is no longer taken. */
static void both_ways(void **state)
{
    struct stage s;
    struct kit_sds note = kit_note(SIM_ALICE, 2);

    (void)state;
    begin(&s);
    assert_int_equal(upload(&s, s.alice, "upla", KIT_CSK), 200);
    assert_int_equal(kit_event(&s.sim, RELAY_EVENT_CSK)->conn, s.alice + 1);
    assert_int_equal(upload(&s, s.bob, "uplb", KIT_CSK), 200);
    assert_int_equal(relay_counts(s.sim.relay)->uploads, 2);
    assert_int_equal(relay_counts(s.sim.relay)->uploads_now, 0);

    assert_int_equal(letter(&s, false, "mess1"), 403);
    assert_int_equal(s.sim.last_refusal, RELAY_E_SDS_SIGNAL_PLAIN);
    struct kit_sds sds = kit_sds(SIM_BOB, "hello");
    sds.sealed_signalling = true;
    assert_int_equal(kit_send(&s.sim, s.alice, &sds, "mess2"), 200);
    sim_clear(&s.sim, s.alice);
    kit_hear_all(&s.sim, s.bob, &s.b, 200);
    assert_int_equal(s.b.n, 1);
    opens(&s.b.got[0], 1);
    kit_same_payload(&s.b.got[0], &sds);
    note.sealed_signalling = true;
    assert_int_equal(kit_send(&s.sim, s.bob, &note, "note1"), 200);
    kit_hear_all(&s.sim, s.alice, &s.a, 200);
    assert_int_equal(s.a.n, 1);
    opens(&s.a.got[0], 5);
    stage_done(&s);
}

/* Whatever is wrong with the I_MESSAGE: one answer, one reason, nothing stored. */
static void refusals(void **state)
{
    const struct upload_kms *kms = upload_kms();
    const struct {
        struct upload_draft draft;
        bool no_ring;
        size_t cut, flip;
        int err;
    } rows[] = {
        {.draft = {.from = kms->alice, .id = KIT_CSK},
         .no_ring = true,
         .err = RELAY_E_SDS_MIKEY_UPLOAD},
        {.draft = {.from = kms->bob, .id = KIT_CSK}, .err = DPP_E_MIKEY_INITIATOR},
        {.draft = {.from = kms->alice, .id = KIT_CSK, .to = SIM_BOB}, .err = DPP_E_MIKEY_RESPONDER},
        {.draft = {.from = kms->alice, .id = KIT_CSK}, .flip = 1, .err = DPP_E_MIKEY_SIGN},
        {.draft = {.from = kms->alice, .id = KIT_CSK}, .cut = 1, .err = DPP_E_MIKEY_FORM},
        {.draft = {.from = kms->alice, .id = KIT_CSK, .time_s = REALM_NOW_S - 4000},
         .err = DPP_E_MIKEY_TIME},
        {.draft = {.from = kms->alice, .id = KIT_PCK}, .err = DPP_E_MIKEY_TAG},
        {.draft = {.from = kms->alice, .id = KIT_CSK, .is_revoked = true},
         .err = DPP_E_MIKEY_REVOKED},
        {.draft = {.from = kms->alice, .id = KIT_CSK, .expiry_s = REALM_NOW_S},
         .err = DPP_E_KEY_EXPIRED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct kit_text text = upload_make(&rows[i].draft);
        struct stage s;
        char want[1024];

        begin(&s);
        size_t used = CRYPTO_secure_used();
        if (rows[i].no_ring)
            s.sim.ring = NULL;
        if (rows[i].flip)
            text.p[text.n - rows[i].flip] ^= 1;
        text.n -= rows[i].cut;
        assert_int_equal(upload_say(&s.sim, s.alice, "upload", &text), 403);
        snprintf(want, sizeof want,
                 "MSRP upload 403 Forbidden\r\nTo-Path: %s\r\nFrom-Path: %s\r\n"
                 "-------upload$\r\n",
                 s.sim.conns[s.alice].remote, s.sim.conns[s.alice].use_path);
        assert_string_equal(sim_heard(&s.sim, s.alice), want);
        if (s.sim.last_refusal != rows[i].err || s.sim.refusals != 1)
            fail_msg("row %zu: %u refusals, the last %s", i, s.sim.refusals,
                     relay_err_row(s.sim.last_refusal)->name);
        assert_int_equal(refused(&s, rows[i].err), 1);
        assert_int_equal(relay_counts(s.sim.relay)->uploads_refused, 1);
        assert_int_equal(relay_counts(s.sim.relay)->uploads_now, 0);
        assert_int_equal(CRYPTO_secure_used(), used);
        has_none(&s, "mess1");
        stage_done(&s);
        free(text.p);
    }
}

/* Over the cap: 413 at once where the total tells it, else at the octet that is too many. row 37 */
static void too_long(void **state)
{
    struct kit_text text = {NULL, 0};
    struct stage s;

    (void)state;
    text.p = calloc(1, DPP_MIKEY_MAX + 1);
    text.n = DPP_MIKEY_MAX + 1;
    begin(&s);
    upload_chunk(&s.sim, s.alice, "tida", "mess1", "", &text, 0, 10, '+');
    assert_int_equal(kit_code(&s.sim, s.alice, "tida"), 413);
    assert_int_equal(s.sim.last_refusal, RELAY_E_SDS_MIKEY_LONG);
    upload_chunk(&s.sim, s.alice, "tidb", "mess1", "", &text, 10, 20, '+');
    assert_int_equal(kit_code(&s.sim, s.alice, "tidb"), 413);

    sim_sayf(&s.sim, s.alice,
             "MSRP tidc SEND\r\nTo-Path: %s " SIM_SERVICE "\r\nFrom-Path: %s\r\n"
             "Message-ID: mess2\r\nByte-Range: 1-*/*\r\nContent-Type: application/mikey\r\n\r\n",
             s.sim.conns[s.alice].use_path, s.sim.conns[s.alice].remote);
    sim_say_n(&s.sim, s.alice, text.p, text.n);
    assert_int_equal(kit_code(&s.sim, s.alice, "tidc"), 0);
    sim_say(&s.sim, s.alice, "\r\n-------tidc$\r\n");
    assert_int_equal(kit_code(&s.sim, s.alice, "tidc"), 413);
    assert_int_equal(refused(&s, RELAY_E_SDS_MIKEY_LONG), 3);
    has_none(&s, "mess3");
    stage_done(&s);

    stage_init(&s);
    s.sim.conf.mikey_max = 600; /* the configured cap */
    stage_up(&s);
    text.n = 601;
    assert_int_equal(upload_say(&s.sim, s.alice, "tidd", &text), 413);
    text.n = 600;
    assert_int_equal(upload_say(&s.sim, s.alice, "tide", &text), 403);
    stage_done(&s);
    free(text.p);
    row_passed("10.37");
}

/* Three chunks in any order: the last one's answer waits for the job. */
static void in_chunks(void **state)
{
    struct kit_text text =
        upload_make(&(struct upload_draft){.from = upload_kms()->alice, .id = KIT_CSK});

    (void)state;
    for (int split = 0; split < 2; split++) {
        struct stage s;
        begin(&s);
        s.sim.holds_uploads = true;
        s.sim.split = split;
        upload_chunk(&s.sim, s.alice, "tid1", "mess1", "", &text, 0, 100, '+');
        upload_chunk(&s.sim, s.alice, "tid2", "mess1", "", &text, 300, text.n, '$');
        assert_int_equal(kit_code(&s.sim, s.alice, "tid1"), 200);
        assert_int_equal(kit_code(&s.sim, s.alice, "tid2"), 200);
        assert_int_equal(s.sim.held_n, 0);
        upload_chunk(&s.sim, s.alice, "tid3", "mess1", "Failure-Report: yes\r\n", &text, 100, 300,
                     '+');
        assert_int_equal(s.sim.held_n, 1);
        assert_int_equal(s.sim.held[0]->n, text.n);
        assert_memory_equal(s.sim.held[0]->p, text.p, text.n);
        assert_string_equal(s.sim.held[0]->initiator, SIM_ALICE);
        sim_pass(&s.sim, 100000); /* whatever it takes: nobody is blamed for not being read */
        assert_int_equal(kit_code(&s.sim, s.alice, "tid3"), 0);
        assert_false(s.sim.conns[s.alice].is_closing);
        assert_false(relay_is_quiet(s.sim.relay)); /* a clean stop waits */
        upload_return(&s.sim, 0);
        assert_int_equal(kit_code(&s.sim, s.alice, "tid3"), 200);
        assert_true(relay_is_quiet(s.sim.relay));
        stage_done(&s);
    }
    free(text.p);
}

/* What is said behind an upload is heard when its key is there; a second upload too. */
static void what_comes_behind(void **state)
{
    struct stage s;

    (void)state;
    begin(&s);
    s.sim.holds_uploads = true;
    assert_int_equal(upload(&s, s.alice, "upla", KIT_CSK), 0);
    assert_true(s.sim.conns[s.alice].is_paused);
    assert_int_equal(letter(&s, true, "mess1"), 0);
    assert_int_equal(upload(&s, s.alice, "uplb", OTHER_CSK), 0);
    assert_int_equal(s.sim.held_n, 1); /* one at a time */
    upload_return(&s.sim, 0);
    sim_pass(&s.sim, 300); /* the peer is read again */
    assert_int_equal(kit_code(&s.sim, s.alice, "upla"), 200);
    assert_int_equal(relay_counts(s.sim.relay)->messages_in, 1);
    assert_int_equal(s.sim.refusals, 0);
    assert_int_equal(s.sim.held_n, 1);
    upload_return(&s.sim, 0);
    assert_int_equal(kit_code(&s.sim, s.alice, "uplb"), 200);
    assert_int_equal(letter(&s, true, "mess2"), 403); /* replaced: the old one opens no more */
    assert_int_equal(s.sim.last_refusal, RELAY_E_SDS_CSK);
    stage_done(&s);
}

/* G1, and the REPORT that was asked for. */
static void answers_as_asked(void **state)
{
    static const char *const asked[] = {"", "Failure-Report: partial\r\n",
                                        "Failure-Report: no\r\n"};

    (void)state;
    for (int i = 0; i < 3; i++) {
        for (int is_bad = 0; is_bad < 2; is_bad++) {
            struct kit_text text =
                upload_make(&(struct upload_draft){.from = upload_kms()->alice, .id = KIT_CSK});
            struct stage s;
            char more[80];
            begin(&s);
            text.p[text.n - 1] ^= is_bad;
            snprintf(more, sizeof more, "Success-Report: yes\r\n%s", asked[i]);
            upload_chunk(&s.sim, s.alice, "tid1", "mess1", more, &text, 0, text.n, '$');
            int want = is_bad ? 403 : 200;
            if (i == 2 || (i == 1 && !is_bad))
                want = 0;
            assert_int_equal(kit_code(&s.sim, s.alice, "tid1"), want);
            assert_int_equal(strstr(sim_heard(&s.sim, s.alice), "Status: 000 200") != NULL,
                             !is_bad);
            assert_false(s.sim.conns[s.alice].is_paused);
            stage_done(&s);
            free(text.p);
        }
    }
}

/* The same message again, from where it was and from elsewhere, later and at once. */
static void replay(void **state)
{
    struct kit_text text =
        upload_make(&(struct upload_draft){.from = upload_kms()->alice, .id = KIT_CSK});
    struct stage s;

    (void)state;
    begin(&s);
    assert_int_equal(upload_say(&s.sim, s.alice, "upla", &text), 200);
    assert_int_equal(upload_say(&s.sim, s.alice, "uplb", &text), 403);
    unsigned other = sim_user(&s.sim, SIM_ALICE);
    assert_int_equal(upload_say(&s.sim, other, "uplc", &text), 403);
    assert_int_equal(refused(&s, DPP_E_MIKEY_REPLAY), 2);
    assert_int_equal(letter(&s, true, "mess1"), 200); /* the first one stands */
    free(text.p);

    text = upload_make(&(struct upload_draft){.from = upload_kms()->alice, .id = KIT_CSK});
    s.sim.holds_uploads = true;
    assert_int_equal(upload_say(&s.sim, s.alice, "upld", &text), 0);
    assert_int_equal(upload_say(&s.sim, other, "uple", &text), 0);
    upload_return(&s.sim, 0);
    upload_return(&s.sim, 0);
    assert_int_equal(kit_code(&s.sim, s.alice, "upld"), 200);
    assert_int_equal(kit_code(&s.sim, other, "uple"), 403);
    assert_int_equal(refused(&s, DPP_E_MIKEY_REPLAY), 3);
    free(text.p);

    /* one that was refused for another reason may come again when that is gone */
    s.sim.holds_uploads = false;
    text = upload_make(&(struct upload_draft){.from = upload_kms()->alice, .id = KIT_CSK});
    s.sim.ring = NULL;
    assert_int_equal(upload_say(&s.sim, s.alice, "uplf", &text), 403);
    s.sim.ring = upload_kms()->relay;
    assert_int_equal(upload_say(&s.sim, s.alice, "uplg", &text), 200);
    stage_done(&s);
    free(text.p);
}

/* At most so many wait; and one user has at most so many a second. */
static void too_many(void **state)
{
    struct stage s;
    char tid[16];

    (void)state;
    stage_init(&s);
    s.sim.now.unix_s = REALM_NOW_S;
    s.sim.ring = upload_kms()->relay;
    s.sim.conf.csk_uploads_max = 2;
    stage_up(&s);
    s.sim.holds_uploads = true;
    unsigned other = sim_user(&s.sim, SIM_BOB);
    assert_int_equal(upload(&s, s.alice, "upla", KIT_CSK), 0);
    assert_int_equal(upload(&s, s.bob, "uplb", KIT_CSK), 0);
    assert_int_equal(upload(&s, other, "uplc", KIT_CSK), 413);
    assert_int_equal(s.sim.last_refusal, RELAY_E_CSK_WAITING);
    assert_int_equal(relay_counts(s.sim.relay)->uploads_now, 2);
    upload_return(&s.sim, 0);
    upload_return(&s.sim, 0);
    assert_int_equal(kit_code(&s.sim, s.alice, "upla"), 200);
    assert_int_equal(kit_code(&s.sim, s.bob, "uplb"), 200);
    s.sim.holds_uploads = false;
    assert_int_equal(upload(&s, other, "upld", KIT_CSK), 200);

    int code = 200;
    for (unsigned i = 0; i < RELAY_UPLOADS_BURST && code == 200; i++) {
        snprintf(tid, sizeof tid, "many%u", i);
        code = upload(&s, s.alice, tid, KIT_CSK);
    }
    assert_int_equal(code, 413);
    assert_int_equal(s.sim.last_refusal, RELAY_E_RATE);
    sim_pass(&s.sim, 1500);
    assert_int_equal(upload(&s, s.alice, "uple", KIT_CSK), 200);
    stage_done(&s);
}

/* Nobody is there any more when the job is back: its key is wiped. */
static void closed_in_between(void **state)
{
    struct relay_policy *policy;
    struct stage s;

    (void)state;
    begin(&s);
    size_t used = CRYPTO_secure_used();
    s.sim.holds_uploads = true;
    assert_int_equal(upload(&s, s.alice, "upla", KIT_CSK), 0);
    sim_closed(&s.sim, s.alice);
    relay_upload_open(s.sim.ring, s.sim.held[0]);
    assert_int_equal(s.sim.held[0]->err, 0);
    assert_true(CRYPTO_secure_used() > used);
    sim_give_back(&s.sim, s.sim.held[--s.sim.held_n]);
    assert_int_equal(CRYPTO_secure_used(), used);
    assert_int_equal(relay_counts(s.sim.relay)->uploads_now, 0);
    assert_int_equal(relay_counts(s.sim.relay)->uploads, 0);

    /* the session has ended: 481, and no key */
    s.alice = sim_user(&s.sim, SIM_ALICE);
    assert_int_equal(upload(&s, s.alice, "uplb", KIT_CSK), 0);
    policy = relay_policy_new();
    kit_add_user(policy, SIM_ALICE)->revoked = true;
    kit_policy(&s.sim, policy);
    used = CRYPTO_secure_used();
    upload_return(&s.sim, 0);
    assert_int_equal(kit_code(&s.sim, s.alice, "uplb"), 481);
    assert_int_equal(CRYPTO_secure_used(), used);
    assert_null(kit_event(&s.sim, RELAY_EVENT_CSK));
    stage_done(&s);

    /* the relay ends first, whether its driver has the job or not */
    begin(&s);
    s.sim.holds_uploads = true;
    assert_int_equal(upload(&s, s.bob, "uplc", KIT_CSK), 0);
    stage_done(&s);
}

/* It ends with its expiry, with its connection, and where it takes the place of another one that
 * one is wiped. What had a CSK does not fall back to plain signalling. */
static void ends(void **state)
{
    const struct upload_kms *kms = upload_kms();
    struct stage s;

    (void)state;
    begin(&s);
    size_t used = CRYPTO_secure_used();
    assert_int_equal(upload_draft(&s.sim, s.alice, "upla",
                                  &(struct upload_draft){.from = kms->alice,
                                                         .id = KIT_CSK,
                                                         .expiry_s = REALM_NOW_S + 20}),
                     200);
    size_t with = CRYPTO_secure_used();
    assert_true(with > used);
    assert_int_equal(letter(&s, true, "amess"), 200);
    sim_pass(&s.sim, 21000);
    assert_int_equal(CRYPTO_secure_used(), used);
    assert_int_equal(letter(&s, true, "bmess"), 403);
    assert_int_equal(s.sim.last_refusal, RELAY_E_SDS_NO_CSK);
    assert_int_equal(letter(&s, false, "cmess"), 403);
    assert_int_equal(s.sim.last_refusal, RELAY_E_SDS_SIGNAL_PLAIN);
    assert_int_equal(upload(&s, s.alice, "uplb", KIT_CSK), 200);
    assert_int_equal(letter(&s, true, "dmess"), 200);
    assert_int_equal(upload(&s, s.alice, "uplc", OTHER_CSK), 200);
    assert_int_equal(CRYPTO_secure_used(), with);
    sim_closed(&s.sim, s.alice);
    assert_int_equal(CRYPTO_secure_used(), used);
    s.alice = sim_user(&s.sim, SIM_ALICE); /* each connection uploads its own */
    has_none(&s, "emess");
    stage_done(&s);
}

/* A provisioned CSK stands from AUTH; an uploaded one takes its place on its connection. */
static void instead_of_a_provisioned_one(void **state)
{
    struct relay_policy *policy;
    struct stage s;

    (void)state;
    stage_init(&s);
    s.sim.now.unix_s = REALM_NOW_S;
    s.sim.ring = upload_kms()->relay;
    kit_add_user(s.sim.policy, SIM_ALICE)->csk = kit_key(KIT_CSK);
    stage_up(&s);
    assert_int_equal(letter(&s, true, "amess"), 200);
    assert_int_equal(upload_draft(&s.sim, s.alice, "upla",
                                  &(struct upload_draft){.from = upload_kms()->alice,
                                                         .id = OTHER_CSK,
                                                         .expiry_s = REALM_NOW_S + 20}),
                     200);
    assert_int_equal(letter(&s, true, "bmess"), 403);
    assert_int_equal(s.sim.last_refusal, RELAY_E_SDS_CSK);
    policy = relay_policy_new(); /* a new policy does not bring the old one back */
    kit_add_user(policy, SIM_ALICE)->csk = kit_key(KIT_CSK);
    kit_policy(&s.sim, policy);
    assert_int_equal(letter(&s, true, "cmess"), 403);
    assert_int_equal(s.sim.last_refusal, RELAY_E_SDS_CSK);
    sim_pass(&s.sim, 21000); /* its expiry does */
    assert_int_equal(letter(&s, true, "dmess"), 200);
    stage_done(&s);
}

/* Under `required` a connection without CSK is absent; its upload lets it in. */
static void lets_in(void **state)
{
    struct stage s;

    (void)state;
    stage_init(&s);
    s.sim.now.unix_s = REALM_NOW_S;
    s.sim.ring = upload_kms()->relay;
    s.sim.conf.signalling = RELAY_PROTECTION_REQUIRED;
    stage_up(&s);
    assert_int_equal(upload(&s, s.alice, "upla", KIT_CSK), 200);
    assert_int_equal(letter(&s, true, "amess"), 413);
    assert_int_equal(s.sim.last_refusal, RELAY_E_SDS_ABSENT);
    assert_int_equal(upload(&s, s.bob, "uplb", KIT_CSK), 200);
    assert_int_equal(letter(&s, true, "bmess"), 200);
    stage_done(&s);
}

/* An upload that is open on one connection is not taken over by another: its key would go there. */
static void is_not_taken_over(void **state)
{
    struct kit_text text =
        upload_make(&(struct upload_draft){.from = upload_kms()->alice, .id = KIT_CSK});
    struct stage s;

    (void)state;
    begin(&s);
    upload_chunk(&s.sim, s.alice, "tid1", "mess1", "", &text, 0, 100, '+');
    unsigned other = sim_user(&s.sim, SIM_ALICE);
    upload_chunk(&s.sim, other, "tid2", "mess1", "", &text, 100, text.n, '$');
    assert_int_equal(kit_code(&s.sim, other, "tid2"), 200); /* a part of another message */
    upload_chunk(&s.sim, s.alice, "tid3", "mess1", "", &text, 100, text.n, '$');
    assert_int_equal(kit_code(&s.sim, s.alice, "tid3"), 200);
    assert_int_equal(relay_counts(s.sim.relay)->uploads, 1);
    assert_int_equal(kit_event(&s.sim, RELAY_EVENT_CSK)->conn, s.alice + 1);
    assert_int_equal(letter(&s, true, "amess"), 200);
    struct relay_policy *policy = relay_policy_new(); /* the open rest is not an SDS to be judged */
    kit_policy(&s.sim, policy);
    assert_int_equal(s.sim.refusals, 0);
    stage_done(&s);
    free(text.p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways),
        cmocka_unit_test(refusals),
        cmocka_unit_test(too_long),
        cmocka_unit_test(in_chunks),
        cmocka_unit_test(what_comes_behind),
        cmocka_unit_test(answers_as_asked),
        cmocka_unit_test(replay),
        cmocka_unit_test(too_many),
        cmocka_unit_test(closed_in_between),
        cmocka_unit_test(ends),
        cmocka_unit_test(instead_of_a_provisioned_one),
        cmocka_unit_test(lets_in),
        cmocka_unit_test(is_not_taken_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
