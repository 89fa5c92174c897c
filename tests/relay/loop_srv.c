/* SRV records: read, put in order, asked of a name server on loopback, used by a line. Row U6. */
#include <arpa/inet.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "relay/loop/dial.h"
#include "relay/loop/srv.h"
#include "tests/relay/client_kit.h"
#include "tests/row.h"

struct record {
    uint16_t priority, weight, port;
    const char *host; /* one label, or "" for the root */
};

/* A response to `question` (its octets, n of them) with these records. */
static size_t respond(unsigned char *out, const unsigned char *question, size_t n,
                      const struct record *records, size_t count)
{
    unsigned char *p = out;
    memcpy(out, question, n);
    out[2] = 0x84; /* an authoritative response */
    out[3] = count > 0 ? 0 : 3;
    out[6] = 0;
    out[7] = (unsigned char)count;
    memset(out + 8, 0, 4);
    p += n;
    for (size_t i = 0; i < count; i++) {
        size_t label = strlen(records[i].host);
        const unsigned char head[] = {0xc0, 12, 0, 33, 0, 1, 0, 0, 0, 60};
        memcpy(p, head, sizeof(head));
        p += sizeof(head);
        *p++ = 0;
        *p++ = (unsigned char)(6 + label + (label > 0 ? 2 : 1));
        *p++ = (unsigned char)(records[i].priority >> 8);
        *p++ = (unsigned char)records[i].priority;
        *p++ = (unsigned char)(records[i].weight >> 8);
        *p++ = (unsigned char)records[i].weight;
        *p++ = (unsigned char)(records[i].port >> 8);
        *p++ = (unsigned char)records[i].port;
        if (label > 0) {
            *p++ = (unsigned char)label;
            memcpy(p, records[i].host, label);
            p += label;
        }
        *p++ = 0;
    }
    return (size_t)(p - out);
}

static const unsigned char question[] = "\0\1\1\0\0\1\0\0\0\0\0\0\6_msrps\4_tcp\4test\0\0\41\0\1";

static void reading(void **state)
{
    static const struct record records[] = {
        {10, 5, 2855, "one"}, {20, 0, 443, "two"}, {0, 0, 1, ""}, {5, 0, 0, "none"}};
    unsigned char octets[512];
    struct relay_srv srv[RELAY_SRV_MAX];
    size_t n = respond(octets, question, sizeof(question) - 1, records, 4);
    (void)state;
    assert_int_equal(relay_srv_parse(octets, n, srv), 2); /* "." and port 0 are no targets */
    assert_string_equal(srv[0].host, "one");
    assert_int_equal(srv[0].port, 2855);
    assert_int_equal(srv[0].priority, 10);
    assert_int_equal(srv[1].port, 443);
    for (size_t i = 0; i < n; i++) { /* cut anywhere: never more than was there */
        unsigned char *exact = malloc(i > 0 ? i : 1);
        memcpy(exact, octets, i);
        assert_true(relay_srv_parse(exact, i, srv) <= 2);
        free(exact);
    }
    struct record many[RELAY_SRV_MAX + 3];
    for (size_t i = 0; i < RELAY_SRV_MAX + 3; i++) {
        many[i] = (struct record){1, 1, 1000, "x"};
    }
    n = respond(octets, question, sizeof(question) - 1, many, RELAY_SRV_MAX + 3);
    assert_int_equal(relay_srv_parse(octets, n, srv), RELAY_SRV_MAX);
}

static void ordering(void **state)
{
    unsigned first[3] = {0};
    (void)state;
    for (uint32_t i = 0; i < 1000; i++) {
        struct relay_srv srv[] = {
            {"c", 3, 20, 1}, {"a", 1, 10, 10}, {"b", 2, 10, 30}, {"d", 4, 30, 0}};
        uint32_t random[4] = {i * 2654435761u, i * 40503u, i, i};
        relay_srv_order(srv, 4, random);
        assert_true(srv[0].priority == 10 && srv[1].priority == 10);
        assert_true(srv[2].priority == 20 && srv[3].priority == 30);
        assert_int_not_equal(srv[0].port, srv[1].port);
        first[srv[0].port]++;
    }
    assert_true(first[2] > 2 * first[1] && first[1] > 100); /* about 31 to 11 */
}

/* A name server in a child process, which answers every question with these records. */
static pid_t serve(const struct record *records, size_t count, char address[32])
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(here);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&here, sizeof(here)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&here, &size), 0);
    snprintf(address, 32, "127.0.0.1:%d", ntohs(here.sin_port));
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (int other = 3; other < 64; other++) { /* it listens nowhere else */
            if (other != fd) {
                close(other);
            }
        }
        for (;;) {
            unsigned char asked[512], answer[1024];
            struct sockaddr_in from;
            size = sizeof(from);
            ssize_t n = recvfrom(fd, asked, sizeof(asked), 0, (struct sockaddr *)&from, &size);
            if (n < 17) {
                _exit(1);
            }
            /* what stands behind the question (EDNS) is left out */
            size_t end = 12;
            while (asked[end] != 0) {
                end += asked[end] + 1U;
            }
            size_t m = respond(answer, asked, end + 5, records, count);
            (void)!sendto(fd, answer, m, 0, (struct sockaddr *)&from, size);
        }
    }
    close(fd);
    return pid;
}

static void finish(pid_t pid)
{
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void asking(void **state)
{
    static const struct record records[] = {{1, 1, 4567, "localhost"}};
    struct relay_srv srv[RELAY_SRV_MAX];
    char address[32];
    (void)state;
    pid_t pid = serve(records, 1, address);
    assert_int_equal(relay_srv_ask("relay.test", address, srv), 1);
    assert_string_equal(srv[0].host, "localhost");
    assert_int_equal(srv[0].port, 4567);
    finish(pid);
    pid = serve(NULL, 0, address);
    assert_int_equal(relay_srv_ask("relay.test", address, srv), 0);
    finish(pid);
}

/* A socket that listens, for a line to come to. */
static int await(uint16_t *port)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(here);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&here, sizeof(here)), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&here, &size), 0);
    *port = ntohs(here.sin_port);
    return fd;
}

static void ignore(void *ctx, struct relay_line *line, const struct relay_client_event *event)
{
    (void)line;
    if (event->kind == RELAY_CLIENT_CLOSED) {
        memcpy(ctx, event->text, sizeof(event->text));
    }
}

/* The first target is not there, the second one is: it hears a TLS ClientHello for the domain. */
static void a_line_finds_its_relay(void **state)
{
    uint16_t gone, there;
    char address[32], text[256] = "";
    unsigned char hello[2048];
    int err, closed = await(&gone), fd = await(&there);
    (void)state;
    close(closed);
    const struct record records[] = {{2, 0, there, "localhost"}, {1, 0, gone, "localhost"}};
    pid_t pid = serve(records, 2, address);
    struct relay_dial *dial = relay_dial_new(NULL, &err);
    const struct relay_line_conf conf = {
        .client = {.relay = "msrps://relay.test;tcp", .me = KIT_ALICE, .token = "a.b.c"},
        .dns = address,
        .handshake_ms = 1500,
        .event = ignore,
        .ctx = text};
    assert_non_null(relay_line_open(dial, &conf, &err));
    relay_dial_run(dial); /* nobody answers the handshake */
    assert_non_null(strstr(text, "relay.test"));
    int peer = accept(fd, NULL, NULL);
    ssize_t n = recv(peer, hello, sizeof(hello), 0);
    assert_true(n > 50);
    assert_int_equal(hello[0], 22);                              /* a handshake record */
    assert_non_null(memmem(hello, (size_t)n, "relay.test", 10)); /* SNI: the domain, row R21 */
    close(peer);
    close(fd);
    /* all are gone */
    struct relay_line_conf again = conf;
    assert_non_null(relay_line_open(dial, &again, &err));
    relay_dial_run(dial);
    assert_non_null(strstr(text, "cannot connect"));
    finish(pid);
    /* dropped while the question is on its way */
    assert_non_null(relay_line_open(dial, &again, &err));
    relay_dial_free(dial);
    row_passed("U6");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading),
        cmocka_unit_test(ordering),
        cmocka_unit_test(asking),
        cmocka_unit_test(a_line_finds_its_relay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
