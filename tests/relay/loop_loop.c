/* The street with real sockets: what the machine says reaches the wire, and what happens on the
 * street reaches the machine. */
#include "tests/relay/loop_kit.h"

#define AUTH_BARE                                                                                  \
    "MSRP aaaa1111 AUTH\r\nTo-Path: " SIM_URI "\r\n"                                               \
    "From-Path: msrps://c.example:9/c;tcp\r\n-------aaaa1111$\r\n"

static void say(struct kit_line *line, const char *text)
{
    assert_true(kit_say(line, text, strlen(text), false));
}

/* Logs in and returns the Use-Path. */
static char *login(struct kit *kit, struct kit_line *line, const char *user)
{
    static char path[600];
    char token[4096], text[6000];
    char *use;
    size_t n = sim_token(&kit->sim, user, token, sizeof token);

    snprintf(text, sizeof text,
             "MSRP aaaa2222 AUTH\r\nTo-Path: " SIM_URI "\r\n"
             "From-Path: msrps://c.example:9/c;tcp\r\nAuthorization: Bearer %.*s\r\n"
             "-------aaaa2222$\r\n",
             (int)n, token);
    say(line, text);
    assert_true(kit_hear(line, "-------aaaa2222$\r\n", 5000));
    use = strstr(line->heard, "Use-Path: ");
    assert_non_null(use);
    snprintf(path, sizeof path, "%.*s", (int)strcspn(use + 10, "\r"), use + 10);
    line->heard_n = 0;
    line->heard[0] = '\0';
    return path;
}

static void auth_without_token_is_401_over_tls(void **state)
{
    struct kit kit;
    struct kit_line line;

    (void)state;
    kit_init(&kit);
    kit_start(&kit);
    line = kit_connect(&kit, true);
    assert_true(relay_tls_is_ready(line.tls));
    say(&line, AUTH_BARE);
    assert_true(kit_hear(&line, "-------aaaa1111$\r\n", 5000));
    assert_ptr_equal(strstr(line.heard, "MSRP aaaa1111 401"), line.heard);
    assert_non_null(strstr(line.heard, "WWW-Authenticate: Bearer realm=\"iops\""));
    assert_non_null(login(&kit, &line, SIM_ALICE));
    assert_true(KIT_REACHES(kit.shared->counts.n[RELAY_LOOP_SHAKE_OK], 1, 2000));
    assert_int_equal(kit.shared->counts.conns_now, 1);
    kit_hang_up(&line);
    kit_stop(&kit);
}

/* Three at once over a plain line: three answers, in their order. Without the setting for tests the
 * first is the last. row 57 */
static void pipelined_auths_over_a_plain_line(void **state)
{
    (void)state;
    for (int allowed = 0; allowed < 2; allowed++) {
        struct kit kit;
        struct kit_line line;
        const char *at;
        char text[1000] = "", expected[40];

        kit_init(&kit);
        kit.sim.conf.plaintext_auth = allowed;
        kit_start(&kit);
        line = kit_connect(&kit, false);
        for (int i = 1; i <= 3; i++) {
            size_t n = strlen(text);

            snprintf(text + n, sizeof text - n,
                     "MSRP aaaa000%d AUTH\r\nTo-Path: msrp://" SIM_NAME ":2855;tcp\r\n"
                     "From-Path: msrp://c.example:9/c;tcp\r\n-------aaaa000%d$\r\n",
                     i, i);
        }
        say(&line, text);
        if (allowed)
            assert_true(kit_hear(&line, "-------aaaa0003$\r\n", 5000));
        else
            assert_true(kit_ended(&line, 5000));
        at = line.heard;
        for (int i = 1; i <= (allowed ? 3 : 1); i++) {
            snprintf(expected, sizeof expected, "MSRP aaaa000%d %d ", i, allowed ? 401 : 403);
            assert_int_equal(strncmp(at, expected, strlen(expected)), 0);
            snprintf(expected, sizeof expected, "-------aaaa000%d$\r\n", i);
            at = strstr(at, expected);
            assert_non_null(at);
            at += strlen(expected);
        }
        assert_int_equal(*at, '\0');
        assert_int_equal(strstr(line.heard, "WWW-Authenticate: Bearer") != NULL, allowed);
        kit_hang_up(&line);
        kit_stop(&kit);
    }
}

/* The answer to a framing error arrives although the peer goes on talking: no reset overtakes it.
 */
static void an_answer_before_a_close_arrives(void **state)
{
    struct kit kit;

    (void)state;
    kit_init(&kit);
    kit_start(&kit);
    for (int i = 0; i < 40; i++) {
        struct kit_line line = kit_connect(&kit, i % 2);
        static char more[300000];

        memset(more, 'x', sizeof more);
        say(&line, "MSRP aaaa1111 SEND\r\nTo-Path: " SIM_URI "\r\n"
                   "From-Path: msrps://c.example:9/c;tcp\r\nMessage-ID : x\r\n");
        (void)kit_say(&line, more, sizeof more, false);
        assert_true(kit_ended(&line, 5000));
        if (!line.heard || strncmp(line.heard, "MSRP aaaa1111 400", 17) != 0)
            fail_msg("round %d: %s", i, line.heard);
        kit_hang_up(&line);
    }
    kit_stop(&kit);
}

/* A peer that does not read: the relay stops reading it, holds little, and goes on where it was. */
static void a_peer_that_does_not_read(bool tls)
{
    enum { N = 200000 };
    struct kit kit;
    struct kit_line line;
    size_t said = 0, heard = 0;
    char text[1500], *path;
    bool stalled = false;

    kit_init(&kit);
    kit.sim.conf.plaintext_auth = true;
    kit_start(&kit);
    line = kit_connect(&kit, tls);
    path = login(&kit, &line, SIM_ALICE);
    for (size_t i = 0; i < N; i++, said++) {
        int n = snprintf(text, sizeof text,
                         "MSRP p%07zu SEND\r\nTo-Path: %s\r\n"
                         "From-Path: msrps://c.example:9/c;tcp\r\nMessage-ID: m%07zu\r\n"
                         "Byte-Range: 1-0/0\r\n-------p%07zu$\r\n",
                         i, path, i, i);

        if (!stalled && !kit_say(&line, text, (size_t)n, true))
            stalled = true; /* part of it may have gone; nothing more is said */
        if (stalled)
            break;
    }
    assert_true(stalled); /* the relay must have stopped taking */
    /* now it reads: an answer to each request that goes out whole (with TLS the last one too: it
     * is encrypted already) */
    said += tls;
    for (size_t at = 0; heard < said && kit_turn(&line, 3000);) {
        for (const char *p; line.heard && (p = strstr(line.heard + at, " 200 OK")); heard++)
            at = (size_t)(p - line.heard) + 1;
        at = at + 7 < line.heard_n ? line.heard_n - 7 : at; /* one may be split */
    }
    assert_int_equal(heard, said);
    kit_hang_up(&line);
    kit_stop(&kit);
}

static void a_peer_that_does_not_read_plain(void **state)
{
    (void)state;
    a_peer_that_does_not_read(false);
}

static void a_peer_that_does_not_read_tls(void **state)
{
    (void)state;
    a_peer_that_does_not_read(true);
}

/* T13, T15: nothing, or too little, within the time of the handshake */
static void a_slow_handshake_is_closed(void **state)
{
    struct kit kit;
    struct kit_line silent = {.fd = -1}, dripping = {.fd = -1}, good;
    int64_t since_ms;

    (void)state;
    kit_init(&kit);
    kit.loop_conf.handshake_ms = 400;
    kit_start(&kit);
    good = kit_connect(&kit, true);
    since_ms = kit_now_ms();
    silent.fd = kit_socket(&kit, 0);
    dripping.fd = kit_socket(&kit, 0);
    while (kit_now_ms() - since_ms < 3000 && !dripping.ended) {
        (void)!write(dripping.fd, "\x16\x03\x01\x02", 1);
        kit_turn(&dripping, 20);
    }
    assert_true(dripping.ended);
    assert_true(kit_ended(&silent, 3000));
    assert_in_range(kit_now_ms() - since_ms, 300, 2000);
    assert_true(KIT_REACHES(kit.shared->counts.n[RELAY_LOOP_SHAKE_TIMEOUT], 1, 2000));
    assert_false(kit_ended(&good, 100)); /* its handshake was in time */
    kit_hang_up(&silent);
    kit_hang_up(&dripping);
    kit_hang_up(&good);
    kit_stop(&kit);
}

static void a_failed_handshake_is_counted_and_told(void **state)
{
    struct kit kit;
    struct kit_line line;

    (void)state;
    kit_init(&kit);
    kit_start(&kit);
    line = (struct kit_line){.fd = kit_socket(&kit, 0)};
    /* a ClientHello of one octet */
    assert_int_equal(write(line.fd, "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", 10), 10);
    assert_true(kit_ended(&line, 3000));
    assert_true(line.heard_n > 0 && line.heard[0] == 21); /* an alert record */
    assert_true(KIT_REACHES(kit.shared->notes, 1, 2000));
    kit_hang_up(&line);
    kit_stop(&kit);
}

static void connections_over_the_cap_are_closed(void **state)
{
    struct kit kit;
    struct kit_line lines[4];

    (void)state;
    kit_init(&kit);
    kit.loop_conf.conns_max = 2;
    kit_start(&kit);
    for (int i = 0; i < 3; i++)
        lines[i] = kit_connect(&kit, true);
    assert_true(relay_tls_is_ready(lines[0].tls));
    assert_true(relay_tls_is_ready(lines[1].tls));
    assert_true(kit_ended(&lines[2], 3000));
    kit_hang_up(&lines[0]);
    assert_true(KIT_REACHES(kit.shared->counts.n[RELAY_LOOP_CLOSED], 1, 2000));
    lines[3] = kit_connect(&kit, true);
    assert_true(relay_tls_is_ready(lines[3].tls));
    for (int i = 1; i < 4; i++)
        kit_hang_up(&lines[i]);
    kit_stop(&kit);
}

/* F-06: out of descriptors, the ones who are there are served, nothing spins, and it recovers. */
static void without_descriptors_it_goes_on(void **state)
{
    enum { N = 60 };
    struct kit kit;
    struct kit_line first, lines[N], last;
    struct timespec before, after, span = {.tv_nsec = 500 * 1000000};
    clockid_t cpu;
    size_t refused = 0;

    (void)state;
    kit_init(&kit);
    kit.fds = 40;
    kit_start(&kit);
    first = kit_connect(&kit, true);
    for (int i = 0; i < N; i++)
        lines[i] = (struct kit_line){.fd = kit_socket(&kit, 1)};
    assert_int_equal(clock_getcpuclockid(kit.pid, &cpu), 0);
    nanosleep(&span, NULL);
    clock_gettime(cpu, &before);
    nanosleep(&span, NULL);
    clock_gettime(cpu, &after);
    assert_in_range(
        (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000, 0, 100);
    for (int i = 0; i < N; i++)
        refused += kit_ended(&lines[i], 1);
    assert_in_range(refused, 1, N - 1);
    say(&first, AUTH_BARE);
    assert_true(kit_hear(&first, " 401 ", 3000));
    for (int i = 0; i < N; i++)
        kit_hang_up(&lines[i]);
    assert_true(KIT_REACHES(kit.shared->counts.n[RELAY_LOOP_CLOSED], N - refused, 3000));
    last = kit_connect(&kit, true);
    assert_true(relay_tls_is_ready(last.tls));
    kit_hang_up(&first);
    kit_hang_up(&last);
    kit_stop(&kit);
}

static void sighup_reloads_and_the_poll_goes_on(void **state)
{
    struct kit kit;
    struct kit_line line;

    (void)state;
    kit_init(&kit);
    kit_start(&kit);
    line = kit_connect(&kit, true);
    kill(kit.pid, SIGHUP);
    assert_true(KIT_REACHES(kit.shared->reloads, 1, 2000));
    assert_true(KIT_REACHES(kit.shared->polls, kit.shared->polls + 3, 2000));
    say(&line, AUTH_BARE); /* connections stand */
    assert_true(kit_hear(&line, " 401 ", 3000));
    kit_hang_up(&line);
    line = kit_connect(&kit, true);
    assert_true(relay_tls_is_ready(line.tls));
    kit_hang_up(&line);
    kit_stop(&kit);
}

static void a_stop_ends_connections_and_the_process(void **state)
{
    static const int signals[] = {SIGTERM, SIGINT};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct kit kit;
        struct kit_line tls, plain;

        kit_init(&kit);
        kit_start(&kit);
        tls = kit_connect(&kit, true);
        plain = kit_connect(&kit, false);
        assert_non_null(login(&kit, &tls, SIM_ALICE));
        kill(kit.pid, signals[i]);
        assert_true(kit_ended(&tls, 3000)); /* with close_notify */
        assert_true(kit_ended(&plain, 3000));
        kit_hang_up(&tls);
        kit_hang_up(&plain);
        assert_int_equal(kit_wait(&kit), 0);
        assert_int_equal(kit.shared->counts.conns_now, 0);
        assert_int_equal(kit.shared->counts.n[RELAY_LOOP_CLOSED], 2);
        kit_free(&kit);
    }
}

/* A peer that keeps its end open may not keep the process. */
static void a_stop_does_not_wait_for_a_silent_peer(void **state)
{
    struct kit kit;
    struct kit_line line;

    (void)state;
    kit_init(&kit);
    kit_start(&kit);
    line = kit_connect(&kit, true);
    kit_stop(&kit); /* the line stays open and says nothing */
    kit_hang_up(&line);
}

static void listeners_say_what_is_wrong(void **state)
{
    struct kit kit;
    struct relay_random random = {kit_random, NULL};
    const struct relay_loop_hooks hooks = {&kit,           kit_on_event,  kit_on_note,
                                           kit_on_metrics, kit_on_reload, kit_on_poll};
    struct sockaddr_in sa = {.sin_family = AF_INET};
    struct sockaddr_in6 sa6 = {.sin6_family = AF_INET6};
    struct relay *relay;
    char why[512];

    (void)state;
    kit_init(&kit);
    relay = relay_new(&kit.sim.conf, kit.sim.policy, &random);
    kit.loop = relay_loop_new(relay, &kit.loop_conf, &hooks);
    /* any address, where loopback is asked for; metrics always ask (T40) */
    assert_int_equal(relay_loop_listen(kit.loop, (struct sockaddr *)&sa, RELAY_LISTEN_PLAIN, true,
                                       why, sizeof why),
                     RELAY_E_IO);
    assert_string_equal(why, "0.0.0.0:0 is not a loopback address; listen on 127.0.0.1 or [::1]");
    assert_int_equal(relay_loop_listen(kit.loop, (struct sockaddr *)&sa6, RELAY_LISTEN_HTTP, false,
                                       why, sizeof why),
                     RELAY_E_IO);
    assert_ptr_equal(strstr(why, "[::]:0 is not a loopback"), why);
    /* a port that is taken */
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(relay_loop_listen(kit.loop, (struct sockaddr *)&sa, RELAY_LISTEN_PLAIN, true,
                                       why, sizeof why),
                     0);
    sa.sin_port = htons(relay_loop_port(kit.loop, 0));
    assert_int_equal(relay_loop_listen(kit.loop, (struct sockaddr *)&sa, RELAY_LISTEN_PLAIN, true,
                                       why, sizeof why),
                     RELAY_E_IO);
    assert_non_null(strstr(why, "address already in use; stop the program that has it"));
    assert_int_equal(relay_loop_listen(kit.loop, (struct sockaddr *)&sa, RELAY_LISTEN_HTTP, true,
                                       why, sizeof why),
                     RELAY_E_IO);
    assert_non_null(strstr(why, "change metrics.listen"));
    assert_int_equal(relay_loop_port(kit.loop, 1), 0);
    relay_loop_free(kit.loop);
    relay_free(relay);
    kit_free(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(auth_without_token_is_401_over_tls),
        cmocka_unit_test(pipelined_auths_over_a_plain_line),
        cmocka_unit_test(an_answer_before_a_close_arrives),
        cmocka_unit_test(a_peer_that_does_not_read_plain),
        cmocka_unit_test(a_peer_that_does_not_read_tls),
        cmocka_unit_test(a_slow_handshake_is_closed),
        cmocka_unit_test(a_failed_handshake_is_counted_and_told),
        cmocka_unit_test(connections_over_the_cap_are_closed),
        cmocka_unit_test(without_descriptors_it_goes_on),
        cmocka_unit_test(sighup_reloads_and_the_poll_goes_on),
        cmocka_unit_test(a_stop_ends_connections_and_the_process),
        cmocka_unit_test(a_stop_does_not_wait_for_a_silent_peer),
        cmocka_unit_test(listeners_say_what_is_wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
