/* core_guard.c - signalling under the CSK, payloads under keys the relay has not, and a payload
 * that tries to end its own part. */
#include "relay/core/guard.h"
#include "tests/relay/core_stage.h"

static const char boundary[RELAY_BOUNDARY_N + 1] = "abcdefghijklmnopqrstuvwxyz";
static char big[40000];

static struct kit_text sealed(const char *data, size_t n, uint32_t key)
{
    struct kit_text t = {NULL, 0};

    kit_seal(&t, data, n, key);
    return t;
}

/* Our delimiter is found whatever the split, also right behind the part's head. */
static void delimiter(void **state)
{
    static const struct {
        const char *text;
        bool is_there;
    } cases[] = {
        {"--abcdefghijklmnopqrstuvwxyz", true},
        {"x\r\n--abcdefghijklmnopqrstuvwxyz", true},
        {"\r\r\n--abcdefghijklmnopqrstuvwxyz--", true},
        {"\r\n--abc\r\n--abcdefghijklmnopqrstuvwxyz", true},
        {"x--abcdefghijklmnopqrstuvwxyz", false},
        {"\n--abcdefghijklmnopqrstuvwxyz", false},
        {"\r\n--abcdefghijklmnopqrstuvwxy", false},
        {"\r\n--abcdefghijklmnopqrstuvwxyZ", false},
        {"\r\n-\r\n--bcdefghijklmnopqrstuvwxyz", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t n = strlen(cases[i].text);
        for (size_t cut = 0; cut <= n; cut++) {
            struct relay_guard guard = {0};
            assert_int_equal(relay_guard_mikey(&guard, boundary, 1000), 0);
            int rc = relay_guard_feed(&guard, cases[i].text, cut);
            if (!rc)
                rc = relay_guard_feed(&guard, cases[i].text + cut, n - cut);
            assert_int_equal(rc, cases[i].is_there ? RELAY_E_SDS_BOUNDARY : 0);
            relay_guard_done(&guard);
        }
    }
}

/* What passes, and the digest, do not depend on the split. */
static void payload(void **state)
{
    struct kit_text t = sealed(big, 3000, KIT_PCK);
    uint8_t once[RELAY_DIGEST_N], split[RELAY_DIGEST_N];
    struct relay_guard guard = {0};

    (void)state;
    assert_int_equal(relay_guard_payload(&guard, boundary, DPP_ROLE_PCK, true), 0);
    assert_int_equal(relay_guard_feed(&guard, t.p, t.n), 0);
    assert_int_equal(relay_guard_end(&guard, once), 0);
    assert_int_equal(guard.passed, t.n);
    assert_int_equal(relay_guard_payload(&guard, boundary, DPP_ROLE_PCK, true), 0);
    for (size_t i = 0; i < t.n; i++) {
        assert_int_equal(relay_guard_feed(&guard, t.p + i, 1), 0);
        assert_int_equal(guard.passed, i + 1 < 35 ? 0 : i + 1); /* not before its header is there */
    }
    assert_int_equal(relay_guard_end(&guard, split), 0);
    assert_memory_equal(once, split, sizeof once);
    assert_int_equal(relay_guard_payload(&guard, boundary, DPP_ROLE_PCK, true), 0);
    assert_int_equal(relay_guard_feed(&guard, t.p, t.n - 1), 0);
    assert_int_equal(relay_guard_end(&guard, split), DPP_E_FRAME_SHORT);
    assert_int_equal(relay_guard_payload(&guard, boundary, DPP_ROLE_GMK, true), 0);
    assert_int_equal(relay_guard_feed(&guard, t.p, t.n), DPP_E_FRAME_TAG);
    relay_guard_done(&guard);
    relay_guard_done(&guard);
    free(t.p);
}

/* Signalling: what the policy lets in. */
static void signalling_in(void **state)
{
    static const struct {
        enum relay_protection policy;
        bool has_csk, is_sealed;
        int code, err;
    } cases[] = {
        {RELAY_PROTECTION_AUTO, false, false, 200, 0},
        {RELAY_PROTECTION_AUTO, false, true, 403, RELAY_E_SDS_NO_CSK},
        {RELAY_PROTECTION_AUTO, true, false, 403, RELAY_E_SDS_SIGNAL_PLAIN},
        {RELAY_PROTECTION_AUTO, true, true, 200, 0},
        {RELAY_PROTECTION_ALLOWED, false, false, 200, 0},
        {RELAY_PROTECTION_ALLOWED, false, true, 403, RELAY_E_SDS_NO_CSK},
        {RELAY_PROTECTION_ALLOWED, true, false, 200, 0},
        {RELAY_PROTECTION_ALLOWED, true, true, 200, 0},
        {RELAY_PROTECTION_REQUIRED, false, false, 403, RELAY_E_SDS_NO_CSK},
        {RELAY_PROTECTION_REQUIRED, false, true, 403, RELAY_E_SDS_NO_CSK},
        {RELAY_PROTECTION_REQUIRED, true, false, 403, RELAY_E_SDS_SIGNAL_PLAIN},
        {RELAY_PROTECTION_REQUIRED, true, true, 200, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct stage s;
        struct kit_sds sds = kit_sds(SIM_BOB, "hello");
        stage_init(&s);
        s.sim.conf.signalling = cases[i].policy;
        if (cases[i].has_csk)
            kit_add_user(s.sim.policy, SIM_ALICE)->csk = kit_key(KIT_CSK);
        kit_add_user(s.sim.policy, SIM_BOB)->csk = kit_key(KIT_CSK);
        stage_up(&s);
        sds.sealed_signalling = cases[i].is_sealed;
        assert_int_equal(kit_send(&s.sim, s.alice, &sds, "mid1"), cases[i].code);
        assert_int_equal(s.sim.last_refusal, cases[i].err);
        assert_int_equal(kit_warning(&s.sim, s.alice), 0);
        stage_settle(&s);
        assert_int_equal(s.b.n, cases[i].code == 200);
        stage_done(&s);
    }
}

/* Each recipient gets it under his own CSK and a fresh IV, or plain when he has none. */
static void signalling_out(void **state)
{
    for (int required = 0; required < 2; required++) {
        struct stage s;
        struct kit_sds sds = kit_group("hello");
        struct dpp_msg msg;
        uint8_t iv[2][16], plain[256];
        (void)state;
        stage_init(&s);
        s.sim.conf.signalling = required ? RELAY_PROTECTION_REQUIRED : RELAY_PROTECTION_AUTO;
        kit_add_group(s.sim.policy);
        kit_add_user(s.sim.policy, SIM_ALICE)->csk = kit_key(KIT_CSK);
        struct dpp_key *key = kit_key(0x20000077);
        kit_add_user(s.sim.policy, SIM_BOB)->csk = kit_key(0x20000077);
        stage_up(&s);
        sds.sealed_signalling = true;
        for (int i = 0; i < 2; i++) {
            struct dpp_seal seal;
            struct dpp_frame frame;
            sds.message = (uint8_t)(30 + i);
            assert_int_equal(kit_send(&s.sim, s.alice, &sds, i ? "mid2" : "mid1"), 200);
            stage_settle(&s);
            struct msrp_str part = kit_got_part(&s.b.got[i], "vnd.3gpp.mcdata-signalling");
            const uint8_t *p = (const uint8_t *)part.p;
            assert_int_equal(p[0], 0x41);
            assert_int_equal(dpp_frame_parse(&frame, p, part.n), 0);
            assert_int_equal(frame.dppk_id, 0x20000077);
            memcpy(iv[i], frame.iv, 16);
            assert_int_equal(dpp_seal_init(&seal, key, 0x20000077, DPP_USE_SIGNALLING, frame.alg),
                             0);
            ssize_t n =
                dpp_signalling_open(&seal, DPP_FRAMING_STRIPPED, p, part.n, plain, sizeof plain);
            assert_true(n > 0);
            assert_int_equal(dpp_msg_parse(&msg, plain, (size_t)n, NULL), 0);
            assert_int_equal(msg.message_id[0], 30 + i);
            assert_int_equal(msg.time_s, SIM_UNIX_S);
            dpp_seal_done(&seal);
            kit_same_payload(&s.b.got[i], &sds); /* and part 4 untouched */
        }
        assert_memory_not_equal(iv[0], iv[1], 16);
        /* carol has no CSK: plain, or where it is required absent */
        assert_int_equal(s.c.n, required ? 0 : 2);
        if (!required)
            assert_int_equal(kit_got_part(&s.c.got[0], "vnd.3gpp.mcdata-signalling").p[0], 1);
        dpp_key_free(key);
        stage_done(&s);
    }
}

/* Whatever is wrong with it, one answer. */
static void signalling_forged(void **state)
{
    struct stage s;
    struct kit_sds sds = kit_sds(SIM_BOB, "hello");

    (void)state;
    stage_init(&s);
    s.sim.conf.rate_messages_per_s = 0;
    kit_add_user(s.sim.policy, SIM_ALICE)->csk = kit_key(KIT_CSK);
    stage_up(&s);
    sds.sealed_signalling = true;
    struct kit_text body = kit_body(&sds);
    char *at = memmem(body.p, body.n, "mcdata-signalling\r\n\r\n", 21);
    assert_non_null(at);
    at += 21;
    for (size_t i = 1; i < 38 - 6 + 51; i++) {
        char id[16];
        at[i] ^= 1;
        snprintf(id, sizeof id, "mid%05zu", i);
        s.sim.last_refusal = 0;
        const char *tid = kit_chunk(&s.sim, s.alice, id, "", NULL, &body, 0, body.n, '$');
        at[i] ^= 1;
        if (i == 32) { /* the IEI is not covered by the tag */
            assert_int_equal(kit_code(&s.sim, s.alice, tid), 200);
            continue;
        }
        assert_int_equal(kit_code(&s.sim, s.alice, tid), 403);
        assert_int_equal(s.sim.last_refusal, RELAY_E_SDS_CSK);
    }
    free(body.p);
    stage_done(&s);
}

/* An expired CSK is none, and no excuse to speak plainly. */
static void csk_expires(void **state)
{
    struct stage s;
    struct kit_sds sds = kit_sds(SIM_BOB, "hello");
    struct dpp_key *key = NULL;

    (void)state;
    stage_init(&s);
    dpp_key_free(kit_key(KIT_CSK)); /* the heap stands */
    assert_int_equal(dpp_key_new(&key, KIT_CSK, KIT_KEY, 16, 0, SIM_UNIX_S + 50), 0);
    kit_add_user(s.sim.policy, SIM_ALICE)->csk = key;
    stage_up(&s);
    sds.sealed_signalling = true;
    assert_int_equal(kit_send(&s.sim, s.alice, &sds, "mid1"), 200);
    sim_pass(&s.sim, 51000);
    sds.message = 8;
    assert_int_equal(kit_send(&s.sim, s.alice, &sds, "mid2"), 403);
    assert_int_equal(s.sim.last_refusal, RELAY_E_SDS_NO_CSK);
    sds.sealed_signalling = false;
    assert_int_equal(kit_send(&s.sim, s.alice, &sds, "mid3"), 403);
    assert_int_equal(s.sim.last_refusal, RELAY_E_SDS_SIGNAL_PLAIN);
    sds = kit_sds(SIM_ALICE, "hello"); /* and she is not there for others */
    assert_int_equal(kit_send(&s.sim, s.bob, &sds, "mid4"), 413);
    assert_int_equal(s.sim.last_refusal, RELAY_E_SDS_ABSENT);
    stage_done(&s);
}

/* Payloads that must be protected and are not, or not so. */
static void payload_policy(void **state)
{
    static const char text[] = "\003\001\x78\000\003\001hi";
    static const struct {
        bool is_group, is_allowed, is_plain;
        uint32_t key;
        int code, err;
    } cases[] = {
        {false, false, false, KIT_PCK, 200, 0},
        {true, false, false, KIT_GMK, 200, 0},
        {false, false, true, 0, 403, DPP_E_FRAME_UNPROTECTED},
        {true, false, true, 0, 403, DPP_E_FRAME_UNPROTECTED},
        {false, true, true, 0, 200, 0},
        {true, true, true, 0, 200, 0},
        {false, false, false, KIT_GMK, 403, DPP_E_FRAME_TAG},
        {true, false, false, KIT_PCK, 403, DPP_E_FRAME_TAG},
        {false, true, false, KIT_GMK, 403, DPP_E_FRAME_TAG},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int split = 0; split < 2; split++) {
            struct stage s;
            struct kit_sds sds = cases[i].is_group ? kit_group("hello") : kit_sds(SIM_BOB, "hello");
            stage_init(&s);
            s.sim.conf.payload =
                cases[i].is_allowed ? RELAY_PROTECTION_ALLOWED : RELAY_PROTECTION_REQUIRED;
            kit_add_group(s.sim.policy);
            stage_up(&s);
            s.sim.split = split;
            sds.key = cases[i].key;
            if (cases[i].is_plain) {
                sds.payload = text;
                sds.payload_n = sizeof text - 1;
            }
            assert_int_equal(kit_send(&s.sim, s.alice, &sds, "mid1"), cases[i].code);
            assert_int_equal(s.sim.last_refusal, cases[i].err);
            stage_settle(&s);
            assert_int_equal(s.b.n, cases[i].code == 200);
            if (s.b.n)
                kit_same_payload(&s.b.got[0], &sds);
            stage_done(&s);
        }
    }
}

/* No octet of a frame goes on before its header is known to be good. */
static void held_back(void **state)
{
    static char two[100000];
    struct stage s;
    struct kit_sds sds = kit_sds(SIM_BOB, "");

    (void)state;
    stage_group(&s);
    struct kit_text load = sealed(two, sizeof two, KIT_PCK);
    size_t second = 2 + 3 + 35 + 65500; /* where the second IE begins */
    assert_int_equal((uint8_t)load.p[second], 0x7a);
    load.p[second + 3 + 10] = 7; /* its sequence number */
    sds.payload = load.p;
    sds.payload_n = load.n;
    struct kit_text body = kit_body(&sds);
    const char *tid = kit_chunk(&s.sim, s.alice, "mid1", "", NULL, &body, 0, 66000, '+');
    (void)tid;
    stage_settle(&s);
    tid = kit_chunk(&s.sim, s.alice, "mid1", "", NULL, &body, 66000, body.n - 66000, '$');
    stage_settle(&s);
    assert_int_equal(s.sim.last_refusal, DPP_E_FRAME_SEQUENCE);
    assert_int_equal(s.b.n, 1);
    assert_int_equal(s.b.got[0].flag, '#');
    char *part = memmem(s.b.got[0].body, s.b.got[0].n, "mcdata-payload\r\n\r\n", 18);
    assert_non_null(part);
    size_t got = s.b.got[0].n - (size_t)(part + 18 - s.b.got[0].body);
    assert_in_range(got, 60000, second);
    assert_memory_equal(part + 18, load.p, got);
    free(load.p);
    free(body.p);
    stage_done(&s);
}

/* A member tells the sender the boundary that the relay has chosen; the sender writes it into his
 * payload. Nobody gets a second part that is none. */
static void collusion(void **state)
{
    (void)state;
    for (int part5 = 0; part5 < 2; part5++) {
        struct stage s;
        struct kit_sds sds = kit_sds(SIM_BOB, "");
        char forged[128];
        stage_group(&s);
        sds.data = big;
        sds.data_n = sizeof big;
        struct kit_text body = kit_body(&sds);
        kit_chunk(&s.sim, s.alice, "mid1", "", "1-*/*", &body, 0, 20000, '+');
        kit_hear_all(&s.sim, s.bob, &s.b, 200);
        assert_int_equal(strlen(s.b.got[0].boundary), RELAY_BOUNDARY_N);
        snprintf(forged, sizeof forged, "\r\n--%s--", s.b.got[0].boundary);
        if (part5) { /* behind a good part 4 */
            body.n -= strlen("\r\n--kit--");
            kit_puts(&body, "\r\n--kit\r\nContent-Type: application/mikey\r\n\r\nabc");
            kit_puts(&body, forged);
            kit_puts(&body, "\r\n--kit--");
        } else {
            memcpy(body.p + 30000, forged, strlen(forged));
        }
        const char *tid =
            kit_chunk(&s.sim, s.alice, "mid1", "", "20001-*/*", &body, 20000, body.n - 20000, '$');
        assert_int_equal(kit_code(&s.sim, s.alice, tid), 400);
        assert_int_equal(s.sim.last_refusal, RELAY_E_SDS_BOUNDARY);
        kit_hear_all(&s.sim, s.bob, &s.b, 200);
        assert_int_equal(s.b.got[0].flag, '#');
        char *end = s.b.got[0].body + s.b.got[0].n;
        char *part = memmem(s.b.got[0].body, s.b.got[0].n,
                            part5 ? "/mikey\r\n\r\n" : "payload\r\n\r\n", part5 ? 10 : 11);
        assert_true(part || part5);
        if (part)
            assert_null(memmem(part, (size_t)(end - part), forged, strlen(forged) - 2));
        free(body.p);
        stage_done(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delimiter),         cmocka_unit_test(payload),
        cmocka_unit_test(signalling_in),     cmocka_unit_test(signalling_out),
        cmocka_unit_test(signalling_forged), cmocka_unit_test(csk_expires),
        cmocka_unit_test(payload_policy),    cmocka_unit_test(held_back),
        cmocka_unit_test(collusion),
    };

    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (char)(i * 31 >> 3);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
