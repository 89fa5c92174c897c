/* What runs beside the loop: CSK uploads with real keys over real sockets, while the ring changes
 * and while the relay stops; the loop goes on meanwhile. */
#include "tests/relay/loop_kit.h"

#include <pthread.h>

#include "relay/auth/upload.h"
#include "tests/dpp/realm.h"

#define MDSI "sip:relay@iops.example"

enum { RINGS = 4, LINES = 6 };

static struct realm realm;
static struct dpp_ring *alice, *spare[RINGS];
static unsigned spare_at;

static void make_keys(void)
{
    int rc = dpp_keys_init((RINGS + 4) * DPP_RING_SET_OCTETS);

    assert_true(rc == 0 || rc == DPP_E_HEAP_UNLOCKED);
    if (alice)
        return;
    realm_init(&realm, "kms.iops.example", NULL, 5);
    alice = realm_ring_at(SIM_ALICE, &realm, 1, 0, time(NULL));
}

static struct dpp_ring *relay_ring(void)
{
    return realm_ring_at(MDSI, &realm, 1, 0, time(NULL));
}

/* Logs alice in on the line; her Use-Path. */
static void login(struct kit *kit, struct kit_line *line, char path[600])
{
    char token[4096], text[6000];
    size_t n = sim_token(&kit->sim, SIM_ALICE, token, sizeof token);
    int said = snprintf(text, sizeof text,
                        "MSRP aaaa2222 AUTH\r\nTo-Path: " SIM_URI "\r\n"
                        "From-Path: msrps://c.example:9/c;tcp\r\nAuthorization: Bearer %.*s\r\n"
                        "-------aaaa2222$\r\n",
                        (int)n, token);

    assert_true(kit_say(line, text, (size_t)said, false));
    assert_true(kit_hear(line, "-------aaaa2222$\r\n", 5000));
    char *use = strstr(line->heard, "Use-Path: ");
    assert_non_null(use);
    snprintf(path, 600, "%.*s", (int)strcspn(use + 10, "\r"), use + 10);
}

/* Says an upload of a fresh CSK under the transaction id. */
static void upload(struct kit_line *line, const char *path, const char *tid)
{
    static uint8_t count;
    struct dpp_mikey_random random;
    struct dpp_key *key = NULL;
    uint8_t octets[16] = "a key of a test", out[DPP_MIKEY_MAX];
    char text[DPP_MIKEY_MAX + 2048];

    assert_int_equal(dpp_key_new(&key, 0x20000001, octets, sizeof octets, 0, 0), 0);
    struct dpp_mikey_draft draft = {.key = key, .responder = MDSI, .time_s = time(NULL)};
    memset(&random, ++count, sizeof random);
    random.j[0] = 0;
    ssize_t n = dpp_mikey_make(alice, &draft, &random, out, sizeof out);
    assert_true(n > 0);
    dpp_key_free(key);
    int at = snprintf(text, sizeof text,
                      "MSRP %s SEND\r\nTo-Path: %s " SIM_SERVICE "\r\n"
                      "From-Path: msrps://c.example:9/c;tcp\r\nMessage-ID: %s\r\n"
                      "Byte-Range: 1-%zd/%zd\r\nContent-Type: application/mikey\r\n\r\n",
                      tid, path, tid, n, n);
    memcpy(text + at, out, (size_t)n);
    at += (int)n;
    at += snprintf(text + at, sizeof text - (size_t)at, "\r\n-------%s$\r\n", tid);
    assert_true(kit_say(line, text, (size_t)at, false));
}

static int code(struct kit_line *line, const char *tid)
{
    char start[40], end[40];

    snprintf(start, sizeof start, "MSRP %s ", tid);
    snprintf(end, sizeof end, "-------%s$\r\n", tid);
    assert_true(kit_hear(line, end, 10000));
    return atoi(strstr(line->heard, start) + strlen(start));
}

static void taken_over_tls(void **state)
{
    struct kit kit;
    struct kit_line line;
    char path[600];

    (void)state;
    kit_init(&kit);
    make_keys();
    kit.ring = relay_ring();
    kit_start(&kit);
    dpp_ring_free(kit.ring); /* the child has its own copy */
    line = kit_connect(&kit, true);
    login(&kit, &line, path);
    upload(&line, path, "uplo0001");
    assert_int_equal(code(&line, "uplo0001"), 200);
    upload(&line, path, "uplo0002");
    upload(&line, path, "uplo0003"); /* said before the answer to the one before */
    assert_int_equal(code(&line, "uplo0002"), 200);
    assert_int_equal(code(&line, "uplo0003"), 200);
    kit_hang_up(&line);
    kit_stop(&kit);
}

static void refused_without_keys(void **state)
{
    struct kit kit;
    struct kit_line line;
    char path[600];

    (void)state;
    kit_init(&kit);
    make_keys();
    kit_start(&kit);
    line = kit_connect(&kit, true);
    login(&kit, &line, path);
    upload(&line, path, "uplo0001");
    assert_int_equal(code(&line, "uplo0001"), 403);
    kit_hang_up(&line);
    kit_stop(&kit);
}

/* The next ring at each poll, then none. */
static void next_ring(struct kit *kit)
{
    if (spare_at <= RINGS &&
        relay_loop_ring(kit->loop, spare_at < RINGS ? spare[spare_at] : NULL) == 0)
        kit->shared->done = ++spare_at;
}

/* Uploads all the time while the ring is replaced: each job ends with the one that it began with.
 */
static void the_ring_changes(void **state)
{
    struct kit kit;
    struct kit_line lines[LINES];
    char path[LINES][600], tid[LINES][16];
    unsigned taken = 0, refused = 0;

    (void)state;
    kit_init(&kit);
    make_keys();
    kit.ring = relay_ring();
    for (int i = 0; i < RINGS; i++)
        spare[i] = relay_ring();
    kit.in_child = next_ring;
    kit.loop_conf.poll_ms = 30;
    kit.sim.conf.conns_per_user_max = LINES;
    kit.sim.conf.plaintext_auth = true;
    kit_start(&kit);
    dpp_ring_free(kit.ring);
    for (int i = 0; i < RINGS; i++)
        dpp_ring_free(spare[i]);
    for (int i = 0; i < LINES; i++) {
        lines[i] = kit_connect(&kit, true);
        login(&kit, &lines[i], path[i]);
    }
    for (int round = 0; round < 2; round++) { /* 12 of the 16 that a user has at once */
        for (int i = 0; i < LINES; i++) {
            snprintf(tid[i], sizeof tid[i], "uplo%d%03d", round, i);
            upload(&lines[i], path[i], tid[i]);
        }
        for (int i = 0; i < LINES; i++) {
            int got = code(&lines[i], tid[i]);
            assert_true(got == 200 || got == 403);
            *(got == 200 ? &taken : &refused) += 1;
        }
    }
    assert_true(KIT_REACHES(kit.shared->done, RINGS + 1, 5000));
    upload(&lines[0], path[0], "uplolast");
    assert_int_equal(code(&lines[0], "uplolast"), 403); /* there is none any more */
    assert_int_equal(taken + refused, 2 * LINES);
    for (int i = 0; i < LINES; i++)
        kit_hang_up(&lines[i]);
    kit_stop(&kit);
}

static pthread_t loop_thread;

static void run_slowly(void *ctx)
{
    struct kit *kit = ctx;

    kit->shared->ran = pthread_equal(loop_thread, pthread_self()) ? 100 : 1;
    usleep(700000);
}

static void run_done(void *ctx)
{
    struct kit *kit = ctx;

    kit->shared->done = pthread_equal(loop_thread, pthread_self()) ? 1 : 100;
}

static void begin_job(struct kit *kit)
{
    static bool is_begun;

    loop_thread = pthread_self();
    if (!is_begun)
        assert_int_equal(relay_loop_work(kit->loop, kit, run_slowly, run_done), 0);
    is_begun = true;
}

/* While a job runs everybody else is served; and a stop waits for it. */
static void the_loop_goes_on(void **state)
{
    (void)state;
    for (int stops = 0; stops < 2; stops++) {
        struct kit kit;
        struct kit_shared *shared;

        kit_init(&kit);
        kit.in_child = begin_job;
        kit_start(&kit);
        shared = kit.shared;
        assert_true(KIT_REACHES(shared->ran, 1, 5000));
        assert_int_equal(shared->ran, 1); /* not on the loop's thread */
        if (!stops) {
            struct kit_line line = kit_connect(&kit, true);
            char path[600];
            login(&kit, &line, path);
            assert_int_equal(shared->done, 0);
            kit_hang_up(&line);
            assert_true(KIT_REACHES(shared->done, 1, 5000));
        }
        int64_t since_ms = kit_now_ms();
        kill(kit.pid, SIGTERM);
        assert_int_equal(kit_wait(&kit), 0);
        assert_true(kit_now_ms() - since_ms < 2500);
        assert_int_equal(shared->done, 1);
        kit_free(&kit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(taken_over_tls),
        cmocka_unit_test(refused_without_keys),
        cmocka_unit_test(the_ring_changes),
        cmocka_unit_test(the_loop_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
