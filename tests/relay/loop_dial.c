/* Lines against hand-made servers on loopback: a child process speaks for the relay. */
#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "relay/loop/dial.h"
#include "tests/relay/client_kit.h"

enum { ASKED = 4096 };

struct server {
    pid_t pid;
    char address[32];
};

/* fn: what the child does with the connection it accepts. */
static struct server serve(void (*fn)(int fd))
{
    struct server server = {0};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &n), 0);
    snprintf(server.address, sizeof(server.address), "127.0.0.1:%d", ntohs(address.sin_port));
    server.pid = fork();
    assert_true(server.pid >= 0);
    if (server.pid == 0) {
        int peer = accept(fd, NULL, NULL);
        fn(peer);
        close(peer);
        _exit(0);
    }
    close(fd);
    return server;
}

static void finish(struct server *server)
{
    kill(server->pid, SIGKILL);
    assert_int_equal(waitpid(server->pid, NULL, 0), server->pid);
}

/* Reads one frame without a body and answers AUTH with `answer` behind the paths. */
static void answer_auth(int fd, const char *status, const char *more)
{
    char asked[ASKED + 1], from[600], tid[40], frame[2048];
    size_t n = 0;
    do {
        ssize_t got = read(fd, asked + n, ASKED - n);
        if (got <= 0) {
            _exit(1);
        }
        n += (size_t)got;
        asked[n] = '\0';
    } while (strstr(asked, "$\r\n") == NULL);
    if (sscanf(asked, "MSRP %33s AUTH", tid) != 1 || strstr(asked, "From-Path: ") == NULL ||
        sscanf(strstr(asked, "From-Path: "), "From-Path: %599s", from) != 1) {
        _exit(1);
    }
    int size = snprintf(frame, sizeof(frame),
                        "MSRP %s %s\r\nTo-Path: %s\r\nFrom-Path: msrp://relay.iops.example:2855;tcp"
                        "\r\n%s-------%s$\r\n",
                        tid, status, from, more, tid);
    if (write(fd, frame, (size_t)size) != size) {
        _exit(1);
    }
}

static void refuse(int fd)
{
    answer_auth(fd, "403 No", "");
    pause();
}

#define USE "Use-Path: msrp://relay.iops.example:2855/use1;tcp\r\nExpires: 600\r\n"
static void accept_and_hang(int fd)
{
    answer_auth(fd, "200 OK", USE);
    pause();
}

static void accept_and_close(int fd)
{
    answer_auth(fd, "200 OK", USE);
}

/* 20,000 octets of keep-alives that want no answer. */
static void accept_and_flood(int fd)
{
    char octets[200];
    answer_auth(fd, "200 OK", USE);
    int n = snprintf(octets, sizeof(octets),
                     "MSRP ping1 SEND\r\nTo-Path: msrp://x:1/y;tcp\r\nFrom-Path: msrp://x:1/z;tcp"
                     "\r\nMessage-ID: 1234\r\nFailure-Report: no\r\n-------ping1$\r\n");
    for (int sent = 0; sent < 20000; sent += n) {
        if (write(fd, octets, (size_t)n) != n) {
            _exit(1);
        }
    }
    pause();
}

static void hang(int fd)
{
    (void)fd;
    pause();
}

static void no_tls(int fd)
{
    static const char text[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
    (void)!write(fd, text, sizeof(text) - 1);
    pause();
}

struct heard {
    struct relay_dial *dial;
    unsigned ready, closed, refused;
    struct relay_client_event last;
    bool closes_when_ready;
};

static void told(void *ctx, struct relay_line *line, const struct relay_client_event *event)
{
    struct heard *heard = ctx;
    assert_int_equal(heard->closed, 0); /* CLOSED is the last */
    heard->ready += event->kind == RELAY_CLIENT_READY;
    heard->closed += event->kind == RELAY_CLIENT_CLOSED;
    heard->refused += event->kind == RELAY_CLIENT_REFUSED;
    heard->last = *event;
    if (event->kind == RELAY_CLIENT_READY && heard->closes_when_ready) {
        relay_line_close(line);
    }
}

static struct relay_line_conf conf_of(struct heard *heard, const char *relay, const char *address)
{
    return (struct relay_line_conf){
        .client = {.relay = relay, .me = KIT_BOB, .token = "a.b.c", .replay_frames = 16},
        .connect = address,
        .event = told,
        .ctx = heard,
    };
}

/* One line to one server, to its end. */
static void dial(struct heard *heard, const char *relay, void (*fn)(int fd), uint32_t handshake_ms)
{
    int err;
    struct server server = serve(fn);
    struct relay_line_conf conf = conf_of(heard, relay, server.address);
    conf.handshake_ms = handshake_ms;
    heard->dial = relay_dial_new(NULL, &err);
    assert_non_null(heard->dial);
    assert_non_null(relay_line_open(heard->dial, &conf, &err));
    relay_dial_run(heard->dial);
    relay_dial_free(heard->dial);
    finish(&server);
    assert_int_equal(heard->closed, 1);
}

#define PLAIN "msrp://relay.iops.example:2855;tcp"

static void refused_at_auth(void **state)
{
    struct heard heard = {0};
    (void)state;
    dial(&heard, PLAIN, refuse, 0);
    assert_int_equal(heard.last.status, 403);
    assert_int_equal(heard.ready, 0);
}

static void relay_closes(void **state)
{
    struct heard heard = {0};
    (void)state;
    dial(&heard, PLAIN, accept_and_close, 0);
    assert_int_equal(heard.ready, 1);
    assert_int_equal(heard.last.err, 0);
    assert_string_equal(heard.last.text, "the relay ended the connection");
}

static void we_close(void **state)
{
    struct heard heard = {.closes_when_ready = true};
    (void)state;
    dial(&heard, PLAIN, accept_and_hang, 0);
    assert_int_equal(heard.last.err, 0);
    assert_string_equal(heard.last.text, "closed");
}

static void silent_server(void **state)
{
    struct heard heard = {0};
    (void)state;
    dial(&heard, "msrps://relay.iops.example:2855;tcp", hang, 200);
    assert_int_equal(heard.last.err, RELAY_E_IO);
    assert_non_null(strstr(heard.last.text, "does not answer in time"));
}

static void server_without_tls(void **state)
{
    struct heard heard = {0};
    (void)state;
    dial(&heard, "msrps://relay.iops.example:2855;tcp", no_tls, 5000);
    assert_int_equal(heard.last.err, RELAY_E_TLS);
}

/* Nobody listens: CLOSED says so, and a message that waited is refused first. */
static void nobody_listens(void **state)
{
    struct heard heard = {0};
    struct server server = serve(hang);
    struct relay_line_conf conf = conf_of(&heard, PLAIN, server.address);
    struct relay_client_sds sds = {
        .to = KIT_ALICE, .content_type = DPP_CONTENT_TEXT, .size = 1, .data = "x"};
    uint64_t id;
    int err;
    (void)state;
    finish(&server); /* the port is free again */
    heard.dial = relay_dial_new(NULL, &err);
    assert_non_null(heard.dial);
    struct relay_line *line = relay_line_open(heard.dial, &conf, &err);
    assert_non_null(line);
    assert_int_equal(relay_line_send(line, &sds, &id), 0);
    assert_int_equal(relay_dial_run(heard.dial), 0);
    relay_dial_free(heard.dial);
    assert_int_equal(heard.refused, 1);
    assert_int_equal(heard.closed, 1);
    assert_int_equal(heard.last.err, RELAY_E_IO);
    assert_non_null(strstr(heard.last.text, "cannot connect to 127.0.0.1:"));
}

static void stop_after(void *ctx)
{
    relay_dial_stop(ctx, 42);
}

/* 20,000 octets at 4,000 in a second: after 1.5 s between 4 and 10 thousand are read. */
static void throttle(void **state)
{
    struct heard heard = {0};
    struct server server = serve(accept_and_flood);
    struct relay_line_conf conf = conf_of(&heard, PLAIN, server.address);
    int err;
    (void)state;
    conf.read_per_s = 4000;
    heard.dial = relay_dial_new(NULL, &err);
    assert_non_null(heard.dial);
    struct relay_line *line = relay_line_open(heard.dial, &conf, &err);
    assert_non_null(line);
    assert_int_equal(relay_dial_after(heard.dial, 1500, stop_after, heard.dial), 0);
    assert_int_equal(relay_dial_run(heard.dial), 42);
    uint64_t octets = relay_client_counts(relay_line_client(line))->bytes_in;
    assert_in_range(octets, 3000, 10000);
    relay_dial_free(heard.dial); /* with an open line: no event */
    assert_int_equal(heard.closed, 0);
    finish(&server);
}

static void unusable_conf(void **state)
{
    struct heard heard = {0};
    int err;
    (void)state;
    assert_null(relay_dial_new("/nonexistent/ca.pem", &err));
    assert_int_equal(err, RELAY_E_TLS);
    heard.dial = relay_dial_new(NULL, &err);
    assert_non_null(heard.dial);
    static const char *const addresses[] = {"", ":1", "127.0.0.1", "127.0.0.1:", "h:123456"};
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        struct relay_line_conf conf = conf_of(&heard, PLAIN, addresses[i]);
        assert_null(relay_line_open(heard.dial, &conf, &err));
        assert_int_equal(err, RELAY_E_CONF);
    }
    struct relay_line_conf conf = conf_of(&heard, "sip:x", "127.0.0.1:1");
    assert_null(relay_line_open(heard.dial, &conf, &err));
    assert_int_equal(relay_dial_run(heard.dial), 0); /* no line: back at once */
    relay_dial_free(heard.dial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused_at_auth),    cmocka_unit_test(relay_closes),
        cmocka_unit_test(we_close),           cmocka_unit_test(silent_server),
        cmocka_unit_test(server_without_tls), cmocka_unit_test(nobody_listens),
        cmocka_unit_test(throttle),           cmocka_unit_test(unusable_conf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
