/* loop_kit.h - a whole relay with real sockets in a child process, and blocking clients of it.
 *
 *     struct kit kit; kit_init(&kit); ...change kit.conf, kit.loop_conf...; kit_start(&kit);
 *     struct kit_line line = kit_connect(&kit, true);   // TLS
 *     kit_say(&line, text, n); kit_hear(&line, "until this", ms);
 *     kit_stop(&kit);                                   // SIGTERM, expects exit code 0
 *
 * The child ends with the sanitizers' own exit code when it leaks or overruns. */
#ifndef TESTS_RELAY_LOOP_KIT_H
#define TESTS_RELAY_LOOP_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "relay/loop/loop.h"
#include "tests/relay/sim.h"
#include "tests/relay/tls_kit.h"

/* What the child tells through shared memory. */
struct kit_shared {
    struct relay_loop_counts counts;
    volatile unsigned reloads, polls, events, notes;
    volatile unsigned ran, done; /* jobs of a test */
    volatile uint16_t ports[3];  /* TLS, plain, HTTP */
    char note[512];              /* the last one of an error */
    char source[64];             /* of the last connection that was opened */
    uint64_t conns;              /* connections that the relay was told of */
};

struct kit {
    struct sim sim; /* its conf, keys and policy; its relay is not used */
    struct relay_loop_conf loop_conf;
    struct kit_cert ca, leaf;
    struct kit_shared *shared;
    rlim_t fds; /* descriptors of the child; 0: as they are */
    pid_t pid;
    struct relay_ctx *server, *client;
    struct relay_ctx *peer;            /* to dial with; NULL: none */
    struct relay_loop *loop;           /* in the child */
    struct relay *relay;               /* in the child */
    bool v6;                           /* listen on [::1] */
    struct dpp_ring *ring;             /* given to the loop; NULL: none */
    void (*in_child)(struct kit *kit); /* at each poll; NULL: nothing */
};

struct kit_line {
    int fd;
    struct relay_tls *tls;
    char *heard;
    size_t heard_n, heard_cap;
    bool ended;
};

static inline int64_t kit_now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static inline void kit_init(struct kit *kit)
{
    memset(kit, 0, sizeof *kit);
    sim_init(&kit->sim);
    kit->sim.now.unix_s = time(NULL);
    kit->ca = kit_cert("test CA", NULL, NULL);
    kit->leaf = kit_cert("leaf", "DNS:" KIT_NAME, &kit->ca);
    kit->server = kit_server_ctx(&kit->leaf);
    kit->client = kit_client_ctx(&kit->ca);
    relay_loop_default(&kit->loop_conf, 1000);
    kit->loop_conf.drain_ms = 1500;
    kit->loop_conf.flush_ms = 500;
    kit->loop_conf.poll_ms = 50;
    kit->shared =
        mmap(NULL, sizeof *kit->shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(kit->shared, MAP_FAILED);
}

static inline int kit_random(void *ctx, void *p, size_t n)
{
    (void)ctx;
    return getrandom(p, n, 0) == (ssize_t)n ? 0 : -1;
}

static inline void kit_on_event(void *ctx, const struct relay_event *event)
{
    struct kit_shared *shared = ((struct kit *)ctx)->shared;

    shared->events++;
    if (event->kind == RELAY_EVENT_CONN_OPEN)
        snprintf(shared->source, sizeof shared->source, "%s", event->source);
}

static inline void kit_on_note(void *ctx, bool is_error, const char *what, const char *text)
{
    struct kit_shared *shared = ((struct kit *)ctx)->shared;

    (void)what;
    if (is_error)
        snprintf(shared->note, sizeof shared->note, "%s", text);
    shared->notes++;
}

static inline char *kit_on_metrics(void *ctx)
{
    (void)ctx;
    return strdup("mcrelay_connections 1\n");
}

static inline void kit_on_reload(void *ctx)
{
    struct kit *kit = ctx;

    kit->shared->reloads++;
    relay_loop_tls(kit->loop, kit->server);
    relay_loop_policy(kit->loop, kit->sim.policy);
    relay_loop_auth(kit->loop, &kit->sim.auth);
}

static inline void kit_on_poll(void *ctx)
{
    struct kit *kit = ctx;

    kit->shared->polls++;
    kit->shared->counts = *relay_loop_counts(kit->loop);
    kit->shared->conns = relay_counts(kit->relay)->conns;
    if (kit->in_child)
        kit->in_child(kit);
}

/* Our loopback address, and a port. */
static inline struct sockaddr_storage kit_address(const struct kit *kit, uint16_t port)
{
    struct sockaddr_storage sa = {.ss_family = kit->v6 ? AF_INET6 : AF_INET};

    if (kit->v6) {
        ((struct sockaddr_in6 *)&sa)->sin6_addr = in6addr_loopback;
        ((struct sockaddr_in6 *)&sa)->sin6_port = htons(port);
    } else {
        ((struct sockaddr_in *)&sa)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ((struct sockaddr_in *)&sa)->sin_port = htons(port);
    }
    return sa;
}

static inline int kit_run(struct kit *kit)
{
    const struct relay_random random = {kit_random, NULL};
    const struct relay_loop_hooks hooks = {kit,           kit_on_event, kit_on_note, kit_on_metrics,
                                           kit_on_reload, kit_on_poll};
    struct sockaddr_storage sa = kit_address(kit, 0);
    struct relay *relay = relay_new(&kit->sim.conf, kit->sim.policy, &random);
    struct rlimit limit = {kit->fds, kit->fds};
    char why[512];
    int err;

    kit->relay = relay;
    kit->loop = relay_loop_new(relay, &kit->loop_conf, &hooks);
    relay_loop_tls(kit->loop, kit->server);
    if (kit->peer)
        relay_loop_peer_tls(kit->loop, kit->peer);
    if (kit->ring && relay_loop_ring(kit->loop, kit->ring))
        return 103;
    for (int i = 0; i < 3; i++) {
        static const enum relay_listen kinds[] = {RELAY_LISTEN_TLS, RELAY_LISTEN_PLAIN,
                                                  RELAY_LISTEN_HTTP};

        if (relay_loop_listen(kit->loop, (struct sockaddr *)&sa, kinds[i], true, why, sizeof why))
            return 101;
    }
    if (kit->fds && setrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 102;
    for (size_t i = 0; i < 3; i++)
        kit->shared->ports[i] = relay_loop_port(kit->loop, i);
    err = relay_loop_run(kit->loop);
    kit->shared->counts = *relay_loop_counts(kit->loop);
    relay_loop_free(kit->loop);
    relay_free(relay);
    return err;
}

static inline void kit_free(struct kit *kit)
{
    relay_ctx_unref(kit->server);
    relay_ctx_unref(kit->client);
    relay_ctx_unref(kit->peer);
    kit_cert_free(&kit->ca);
    kit_cert_free(&kit->leaf);
    relay_policy_unref(kit->sim.policy);
    relay_jwks_free(kit->sim.jwks);
    EVP_PKEY_free(kit->sim.key);
    free(kit->sim.conns);
    munmap(kit->shared, sizeof *kit->shared);
}

static inline void kit_start(struct kit *kit)
{
    assert_int_equal(relay_policy_seal(kit->sim.policy), 0);
    fflush(NULL);
    kit->pid = fork();
    if (kit->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* no relay outlives a test that failed */
        _exit(kit_run(kit));
    }
    for (int i = 0; i < 500 && !kit->shared->ports[2]; i++)
        usleep(10000);
    assert_int_not_equal(kit->shared->ports[2], 0);
}

/* Waits for the child's end: its exit code. */
static inline int kit_wait(struct kit *kit)
{
    int status = 0;

    for (int i = 0; i < 1000; i++) {
        if (waitpid(kit->pid, &status, WNOHANG) == kit->pid)
            return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
        usleep(10000);
    }
    kill(kit->pid, SIGKILL);
    waitpid(kit->pid, &status, 0);
    return -1;
}

static inline void kit_stop(struct kit *kit)
{
    int64_t since_ms = kit_now_ms();

    kill(kit->pid, SIGTERM);
    assert_int_equal(kit_wait(kit), 0);
    assert_true(kit_now_ms() - since_ms < kit->loop_conf.drain_ms + 1000);
    kit_free(kit);
}

static inline int kit_socket(const struct kit *kit, int which)
{
    struct sockaddr_storage sa = kit_address(kit, kit->shared->ports[which]);
    int fd = socket(sa.ss_family, SOCK_STREAM, 0), small = 8192;

    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    signal(SIGPIPE, SIG_IGN);
    return fd;
}

/* One round: sends ciphertext that waits, takes what has come. False when nothing moved in ms. */
static inline bool kit_turn(struct kit_line *line, int ms)
{
    char buffer[16384];
    const char *p;
    size_t out = line->tls ? relay_tls_output(line->tls, &p) : 0;
    struct pollfd waits = {line->fd, (short)(POLLIN | (out ? POLLOUT : 0)), 0};
    ssize_t n;

    if (line->ended || poll(&waits, 1, ms) <= 0)
        return false;
    if (out && (waits.revents & POLLOUT)) {
        n = write(line->fd, p, out);
        if (n > 0)
            relay_tls_sent(line->tls, (size_t)n);
    }
    if (!(waits.revents & (POLLIN | POLLHUP | POLLERR)))
        return true;
    n = read(line->fd, buffer, sizeof buffer);
    if (n <= 0) {
        line->ended = n == 0 || errno != EAGAIN;
        return true;
    }
    if (line->heard_cap - line->heard_n < 2 * sizeof buffer) {
        line->heard_cap = line->heard_cap * 2 + 4 * sizeof buffer;
        line->heard = realloc(line->heard, line->heard_cap);
    }
    if (!line->tls) {
        memcpy(line->heard + line->heard_n, buffer, (size_t)n);
        line->heard_n += (size_t)n;
    } else {
        assert_int_equal(relay_tls_feed(line->tls, buffer, (size_t)n), 0);
        while ((n = relay_tls_read(line->tls, 0, line->heard + line->heard_n, sizeof buffer)) > 0)
            line->heard_n += (size_t)n;
        line->ended = n < 0;
    }
    line->heard[line->heard_n] = '\0';
    return true;
}

static inline struct kit_line kit_connect(const struct kit *kit, bool tls)
{
    struct kit_line line = {.fd = kit_socket(kit, tls ? 0 : 1)};

    if (!tls)
        return line;
    line.tls = relay_tls_client(kit->client, KIT_NAME);
    assert_int_equal(relay_tls_read(line.tls, 0, NULL, 0), 0);
    for (int64_t end_ms = kit_now_ms() + 5000;
         !relay_tls_is_ready(line.tls) && !line.ended && kit_now_ms() < end_ms;)
        kit_turn(&line, 100);
    for (const char *p; !line.ended && relay_tls_output(line.tls, &p) > 0;)
        kit_turn(&line, 100); /* the last flight of the handshake */
    return line;
}

/* Says text; takes what comes meanwhile, unless `deaf`. False when the relay takes nothing more for
 * a while. */
static inline bool kit_say(struct kit_line *line, const char *text, size_t n, bool deaf)
{
    while (n > 0) {
        const char *p = text;
        size_t step = n;
        ssize_t done;
        struct pollfd waits = {line->fd, POLLOUT, 0};

        if (line->tls && (step = relay_tls_output(line->tls, &p)) == 0) {
            done = relay_tls_write(line->tls, text, n);
            if (done <= 0)
                return false;
            text += done;
            n -= (size_t)done;
            step = relay_tls_output(line->tls, &p);
        }
        if (poll(&waits, 1, deaf ? 300 : 10) <= 0 || (waits.revents & (POLLERR | POLLHUP))) {
            if (deaf || !kit_turn(line, 5000))
                return false;
            continue;
        }
        done = write(line->fd, p, step);
        if (done < 0 && errno != EAGAIN)
            return false;
        done = done < 0 ? 0 : done;
        if (line->tls) {
            relay_tls_sent(line->tls, (size_t)done);
        } else {
            text += done;
            n -= (size_t)done;
        }
        if (!deaf)
            kit_turn(line, 0);
    }
    return true;
}

/* Waits for a text; true when it came. */
static inline bool kit_hear(struct kit_line *line, const char *text, int ms)
{
    int64_t end_ms = kit_now_ms() + ms;

    while (!(line->heard && strstr(line->heard, text)) && !line->ended && kit_now_ms() < end_ms)
        kit_turn(line, 50);
    return line->heard && strstr(line->heard, text);
}

/* Waits for the relay to close; true when it did. */
static inline bool kit_ended(struct kit_line *line, int ms)
{
    int64_t end_ms = kit_now_ms() + ms;

    while (!line->ended && kit_now_ms() < end_ms)
        kit_turn(line, 50);
    return line->ended;
}

static inline void kit_hang_up(struct kit_line *line)
{
    close(line->fd);
    relay_tls_free(line->tls);
    free(line->heard);
    *line = (struct kit_line){.fd = -1};
}

/* Waits until *value reaches n. */
static inline bool kit_reaches(const volatile void *value, size_t size, uint64_t n, int ms)
{
    for (int64_t end_ms = kit_now_ms() + ms; kit_now_ms() < end_ms; usleep(5000)) {
        uint64_t now =
            size == 8 ? *(const volatile uint64_t *)value : *(const volatile unsigned *)value;

        if (now >= n)
            return true;
    }
    return false;
}

#define KIT_REACHES(value, n, ms) kit_reaches(&(value), sizeof(value), n, ms)

#endif
