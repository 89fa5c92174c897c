/* Connections on the street: IPv6, strangers' protocols, what the kernel holds, whose turn it is.
 */
#include "tests/relay/loop_kit.h"

#include "relay/loop/street.h"

#define AUTH_BARE                                                                                  \
    "MSRP aaaa1111 AUTH\r\nTo-Path: " SIM_URI "\r\n"                                               \
    "From-Path: msrps://c.example:9/c;tcp\r\n-------aaaa1111$\r\n"

static void say(struct kit_line *line, const char *text)
{
    assert_true(kit_say(line, text, strlen(text), false));
}

/* TLS and plain listeners on [::1]; the relay knows where they come from. */
static void both_kinds_of_listener_on_v6(void **state)
{
    struct kit kit;

    (void)state;
    kit_init(&kit);
    kit.v6 = true;
    kit.sim.conf.plaintext_auth = true;
    kit_start(&kit);
    for (int tls = 0; tls < 2; tls++) {
        struct kit_line line;

        kit.shared->source[0] = '\0';
        line = kit_connect(&kit, tls);
        say(&line, tls ? AUTH_BARE
                       : "MSRP aaaa1111 AUTH\r\nTo-Path: msrp://" SIM_NAME ":2855;tcp\r\n"
                         "From-Path: msrp://c.example:9/c;tcp\r\n-------aaaa1111$\r\n");
        assert_true(kit_hear(&line, "-------aaaa1111$\r\n", 5000));
        assert_ptr_equal(strstr(line.heard, "MSRP aaaa1111 401"), line.heard);
        assert_string_equal(kit.shared->source, "::1");
        kit_hang_up(&line);
    }
    kit_stop(&kit);
}

/* Who speaks another protocol to the plain port gets nothing but the end. */
static void other_protocols_on_the_plain_port(void **state)
{
    static const struct {
        const char *text;
        size_t n;
    } rows[] = {
#define ROW(text) {text, sizeof text - 1}
        ROW("GET / HTTP/1.1\r\nHost: relay.iops.example\r\n\r\n"),
        ROW("POST /MSRP HTTP/1.0\r\n\r\nMSRP aaaa1111 AUTH\r\n"),
        ROW("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        ROW("\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x03 0123456789abcdef0123456789abcdef"
            "\x00\x00\x02\x13\x01\x01\x00\x00\x00"),
        ROW("\x80\x2e\x01\x00\x02"), /* SSL 2 */
        ROW("SSH-2.0-OpenSSH_9.2\r\n"),
        ROW("INVITE sip:a@b SIP/2.0\r\n"),
        ROW("\0"),
#undef ROW
    };
    struct kit kit;

    (void)state;
    kit_init(&kit);
    kit_start(&kit);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct kit_line line = kit_connect(&kit, false);

        assert_true(kit_say(&line, rows[i].text, rows[i].n, false));
        if (!kit_ended(&line, 5000) || line.heard_n > 0)
            fail_msg("row %zu: %s, %zu octets", i, line.ended ? "ended" : "still open",
                     line.heard_n);
        kit_hang_up(&line);
    }
    /* a real client's ClientHello, and MSRP on the TLS port */
    for (int tls = 0; tls < 2; tls++) {
        struct kit_line line = {.fd = kit_socket(&kit, tls ? 0 : 1)};

        if (!tls) {
            line.tls = relay_tls_client(kit.client, KIT_NAME);
            assert_int_equal(relay_tls_read(line.tls, 0, NULL, 0), 0);
        } else {
            say(&line, AUTH_BARE);
        }
        assert_true(kit_ended(&line, 5000));
        assert_null(line.heard && strstr(line.heard, "MSRP") ? line.heard : NULL);
        kit_hang_up(&line);
    }
    kit_stop(&kit);
}

/* Octets that the relay has written on this line and that its peer has not acknowledged. */
static size_t unread(const struct kit *kit, const struct kit_line *line)
{
    struct sockaddr_in own;
    socklen_t n = sizeof own;
    char text[300];
    size_t found = 0;
    FILE *table = fopen("/proc/net/tcp", "r");

    assert_non_null(table);
    assert_int_equal(getsockname(line->fd, (struct sockaddr *)&own, &n), 0);
    while (fgets(text, sizeof text, table)) {
        unsigned near, far, sent;

        if (sscanf(text, " %*u: %*8x:%4x %*8x:%4x %*2x %8x:", &near, &far, &sent) == 3 &&
            near == kit->shared->ports[1] && far == ntohs(own.sin_port))
            found = sent;
    }
    fclose(table);
    return found;
}

/* What a slow reader has not taken waits in the relay, where it can be overtaken, and not in the
 * kernel, where it cannot. */
static void the_kernel_holds_little(void **state)
{
    struct kit kit;
    struct kit_line line;
    bool stalled = false;

    (void)state;
    kit_init(&kit);
    kit.sim.conf.plaintext_auth = true;
    kit.sim.conf.auth_fails = 1000000; /* all answers are 401 */
    kit_start(&kit);
    line = kit_connect(&kit, false);
    for (int i = 0; i < 200000 && !stalled; i++)
        stalled = !kit_say(&line,
                           "MSRP aaaa1111 AUTH\r\nTo-Path: msrp://" SIM_NAME ":2855;tcp\r\n"
                           "From-Path: msrp://c.example:9/c;tcp\r\n-------aaaa1111$\r\n",
                           strlen("MSRP aaaa1111 AUTH\r\nTo-Path: msrp://" SIM_NAME ":2855;tcp\r\n"
                                  "From-Path: msrp://c.example:9/c;tcp\r\n-------aaaa1111$\r\n"),
                           true);
    assert_true(stalled);
    /* the limit, a segment that goes over it, and what is in the peer's window */
    assert_in_range(unread(&kit, &line), RELAY_STREET_UNSENT / 2, RELAY_STREET_UNSENT + 100 * 1024);
    kit_hang_up(&line);
    kit_stop(&kit);
}

/* In the child: the most that was read from one connection in a round. */
static void watch_turns(struct kit *kit)
{
    for (uint32_t i = 0; i < kit->loop->slots_n; i++) {
        const struct relay_stream *stream = kit->loop->slots[i];

        if (stream && stream->round_n > kit->shared->ran)
            kit->shared->ran = (unsigned)stream->round_n;
    }
}

/* Whoever pours octets in is left alone for a while after each turn. */
static void a_flood_has_its_turn(void **state)
{
    enum { N = 32 << 20 };
    char *flood = malloc(N);

    (void)state;
    memset(flood, 'x', N);
    for (int tls = 0; tls < 2; tls++) {
        struct kit kit;
        struct kit_line line;

        kit_init(&kit);
        kit.loop_conf.poll_ms = 1;
        kit.in_child = watch_turns;
        kit.sim.conf.plaintext_auth = true;
        kit_start(&kit);
        line = kit_connect(&kit, tls);
        say(&line, "MSRP aaaa1111 SEND\r\nTo-Path: msrps://" SIM_NAME ":2855/nobody;tcp\r\n"
                   "From-Path: msrps://c.example:9/c;tcp\r\nMessage-ID: m1\r\n"
                   "Byte-Range: 1-*/*\r\nContent-Type: text/plain\r\n\r\n");
        (void)kit_say(&line, flood, N, true);
        assert_in_range(kit.shared->ran, 1, RELAY_STREET_TURN + RELAY_STREET_CIPHER - 1);
        kit_hang_up(&line);
        kit_stop(&kit);
    }
    free(flood);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_kinds_of_listener_on_v6),
        cmocka_unit_test(other_protocols_on_the_plain_port),
        cmocka_unit_test(the_kernel_holds_little),
        cmocka_unit_test(a_flood_has_its_turn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
