/* core.c - a relay with people on it, every allocation of the relay refused in turn: all from the
 * i-th on, or only the i-th. It never crashes, never keeps octets of nobody, never answers a
 * REPORT, never sends half a frame; and with memory again it serves the next one that comes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/oom/oom.h"

/* Only what the relay allocates counts, not what the simulator does. */
static long oom_kept = -1;

static void oom_inside(bool is_inside)
{
    if (is_inside) {
        oom_left = oom_kept;
    } else {
        oom_kept = oom_left;
        oom_left = -1;
    }
}
#define SIM_INSIDE(is_inside) oom_inside(is_inside)

#include "tests/relay/digest_kit.h"
#include "tests/relay/letter.h"
#include "tests/relay/upload_kit.h"

static void start(long i, bool once)
{
    oom_begin(i, once);
    oom_kept = oom_left;
    oom_left = -1;
}

static bool stop(void)
{
    oom_kept = -1;
    return oom_stop();
}

/* What a peer heard is a row of whole frames: each begins with MSRP and its end-line ends it. */
static void check_frames(const struct sim *sim, unsigned c)
{
    const char *p = sim->conns[c].heard, *end = p + sim->conns[c].heard_n;

    while (p < end) {
        char tid[40], line[60];
        if (sscanf(p, "MSRP %33s ", tid) != 1)
            fail_msg("connection %u heard no frame: %.200s", c, p);
        snprintf(line, sizeof line, "\r\n-------%s", tid);
        p = memmem(p, (size_t)(end - p), line, strlen(line));
        if (!p) { /* the last one may be under way only if the connection is */
            assert_true(sim->conns[c].is_closing);
            return;
        }
        p += strlen(line);
        assert_true(p + 3 <= end && memchr("$+#", *p, 3));
        p += 3;
    }
}

/* A CSK upload whose job comes back good. */
static void upload(struct sim *sim, unsigned c)
{
    static char octets[1024];
    struct kit_text text = {octets, upload_form((uint8_t *)octets, 7)};

    sim->holds_uploads = true;
    upload_chunk(sim, c, "upl1", "mess6", "", &text, 0, 100, '+');
    upload_chunk(sim, c, "upl2", "mess6", "", &text, 200, text.n, '$');
    upload_chunk(sim, c, "upl3", "mess6", "", &text, 100, 200, '+');
    if (!sim->held_n)
        return;
    sim->held[0]->err = 0;
    sim->held[0]->key = kit_key(KIT_CSK);
    sim->held[0]->time_s = sim->now.unix_s;
    sim_give_back(sim, sim->held[--sim->held_n]);
    sim_pump(sim);
}

/* Passwords: of a client, and of two behind a peer, whose sessions end by time and by new users. */
static unsigned log_ins; /* that were answered 200 in the last run */

static void log_in(struct sim *sim, struct digest_kit *kit)
{
    struct digest_say say = {.user = "alice", .password = "secret", .nc = 1};
    unsigned d = sim_open(sim, true), p = sim_open_peer(sim, "in.example");

    log_ins = 0;
    for (int i = 0; i < 2; i++, say.nc++) {
        digest_kit_ask(kit, sim, d, KIT_FROM);
        log_ins += 200 == digest_kit_auth(kit, sim, d, &say);
    }
    say.more = "Expires: 60\r\n";
    for (int i = 0; i < 3; i++, say.nc++) {
        say.from =
            i ? "msrps://in.example:1/a;tcp " KIT_FROM : "msrps://in.example:1/b;tcp " KIT_FROM;
        digest_kit_ask(kit, sim, p, say.from);
        log_ins += 200 == digest_kit_auth(kit, sim, p, &say);
    }
    check_frames(sim, d);
    check_frames(sim, p);
    digest_kit_rules(sim, NULL);
    digest_kit_rules(sim, &kit->rules);
    digest_kit_ask(kit, sim, p, say.from);
    log_ins += 200 == digest_kit_auth(kit, sim, p, &say);
}

/* Two people and a group of three; one-to-one and group, in one chunk and in several, out of order,
 * aborted, repeated; a notification; answers, silence, a new policy, the end. */
static void live(struct sim *sim, struct digest_kit *kit)
{
    struct letter one = LETTER(SIM_BOB, 1), team = LETTER_TO_GROUP(2), note = LETTER(SIM_ALICE, 1);
    unsigned a = sim_open(sim, true), b = sim_open(sim, true), c = sim_open(sim, true);
    static char body[70000];
    struct letter_chunk chunk = {.tid = "chk1", .message_id = "mess3", .flag = '+'};

    sim_login(sim, a, SIM_ALICE);
    sim_login(sim, b, SIM_BOB);
    sim_login(sim, c, SIM_CAROL);
    one.request = 3;
    letter_send(sim, a, &one, "one1", "mess1", "Success-Report: yes\r\n");
    letter_send(sim, a, &one, "one2", "mess2", "");
    note.disposition = 2;
    letter_send(sim, b, &note, "not1", "mess1", "");
    team.n = 60000;
    size_t n = letter_write(&team, body, sizeof body);
    letter_say(sim, a, body, 0, 20000, n, &chunk);
    chunk.tid = "chk2";
    letter_say(sim, a, body, 30000, 40000, n, &chunk);
    chunk.tid = "chk3";
    letter_say(sim, a, body, 20000, 30000, n, &chunk);
    chunk.tid = "chk4", chunk.flag = '$';
    letter_say(sim, a, body, 40000, n, n, &chunk);
    check_frames(sim, b);
    sim_answer_all(sim, b, 200);
    check_frames(sim, c);
    sim_answer_all(sim, c, 413);
    team.id = 4;
    n = letter_write(&team, body, sizeof body);
    chunk = (struct letter_chunk){.tid = "chk5", .message_id = "mess5", .flag = '+'};
    letter_say(sim, a, body, 0, 50000, n, &chunk);
    chunk.tid = "chk6", chunk.flag = '#';
    letter_say(sim, a, body, 50000, 50001, n, &chunk);
    struct relay_in in = {.kind = RELAY_IN_POLICY, .policy = sim->policy};
    sim_feed(sim, &in);
    sim_pump(sim);
    upload(sim, c);
    check_frames(sim, c);
    log_in(sim, kit);
    sim_pass(sim, 95000); /* keep-alives, timeouts, the end of those that do not answer */
    for (unsigned i = 0; i < sim->conns_n; i++)
        check_frames(sim, i);
    sim_closed(sim, b);
}

static bool is_served(struct sim *sim)
{
    struct letter letter = LETTER(SIM_BOB, 9);
    unsigned a = sim_open(sim, true), b = sim_open(sim, true);

    if (!sim_login(sim, a, SIM_ALICE) || !sim_login(sim, b, SIM_BOB))
        return false;
    letter_send(sim, a, &letter, "last", "mess9", "");
    return letter_answer(sim, a, "last") == 200 && letter_longest(sim, b, 'x') == 100;
}

static void test_every_allocation(void **state)
{
    static const char *const domains[] = {"iops.example"};
    static const struct relay_peer_conf peer = {
        .name = "in.example", .port = 1, .tls = true, .domains = domains, .domains_n = 1};
    long refusals = 0;

    (void)state;
    for (int once = 0; once < 2; once++) {
        bool refused = true;
        for (long i = 0; refused; i++) {
            struct sim sim;
            struct digest_kit kit;

            sim_init(&sim);
            digest_kit_init(&kit, &sim);
            sim.conf.peers = &peer;
            sim.conf.peers_n = 1;
            sim.conf.signalling = RELAY_PROTECTION_ALLOWED;
            letter_group(&sim);
            start(i, once);
            sim_start(&sim);
            if (!sim.relay) {
                refused = stop();
                assert_true(refused);
                sim_done(&sim);
                digest_kit_done(&kit);
                continue;
            }
            live(&sim, &kit);
            refused = stop();
            refusals += refused;
            assert_true(is_served(&sim));
            if (!refused) { /* the reference: everything went well */
                const struct relay_counts *counts = relay_counts(sim.relay);
                assert_int_equal(counts->notifications, 1);
                assert_int_equal(counts->duplicates, 1);
                assert_int_equal(counts->uploads, 1);
                assert_int_equal(log_ins, 6);
                assert_true(counts->messages_delivered >= 2);
            }
            sim_done(&sim);
            digest_kit_done(&kit);
        }
    }
    assert_true(refusals > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
