#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

#include "relay/loop/line.h"

enum {
    CA_MAX = 256 * 1024, /* octets of a CA file */
    HANDSHAKE_MS = 10000,
    CLOSE_MS = 5000,
    THROTTLE_WINDOW = 8192, /* receive buffer of a throttled line: what is not read must be felt by
                               the sender */
};

int relay_dial_random(void *ctx, void *p, size_t n)
{
    (void)ctx;
    return n <= INT32_MAX && RAND_bytes(p, (int)n) == 1 ? 0 : -1;
}

/* --- connecting --- */

static void connect_next(struct relay_line *line);
static void next_target(struct relay_line *line);

static void on_retry(uv_handle_t *handle)
{
    struct relay_line *line = handle->data;
    line->has_tcp = false;
    if (!line->gone && line->trying == NULL) {
        next_target(line);
    } else if (!line->gone) {
        connect_next(line);
    }
    relay_line_release(line);
}

void relay_line_stands(struct relay_line *line)
{
    (void)uv_tcp_nodelay(&line->tcp, 1);
    if (line->tls == NULL) {
        line->open = true;
        line->shake_ms = -1;
        relay_line_feed(line, RELAY_CLIENT_IN_OPEN, 0);
    } else {
        relay_line_cipher(line, NULL, 0);
    }
    relay_line_read(line);
    if (!line->gone) {
        relay_line_write(line);
    }
}

static void on_connect(uv_connect_t *req, int status)
{
    struct relay_line *line = req->data;
    if (!line->gone && status < 0) {
        if (line->trying->ai_next != NULL) { /* rfc4975#6.2: the next address, row U5 */
            line->trying = line->trying->ai_next;
            uv_close((uv_handle_t *)&line->tcp, on_retry);
        } else if (line->srv_at < line->srv_n) {
            line->trying = NULL;
            uv_close((uv_handle_t *)&line->tcp, on_retry);
        } else {
            relay_line_fail(line, RELAY_E_IO, "cannot connect to %s: %s",
                            line->conf.connect != NULL ? line->conf.connect : line->host,
                            uv_strerror(status));
        }
    } else if (!line->gone) {
        relay_line_stands(line);
    }
    relay_line_release(line);
}

static void connect_next(struct relay_line *line)
{
    int rc = uv_tcp_init_ex(&line->dial->uv, &line->tcp, (unsigned)line->trying->ai_family);
    if (rc < 0) {
        relay_line_fail(line, RELAY_E_IO, "no socket: %s", uv_strerror(rc));
        return;
    }
    line->has_tcp = true;
    line->busy++;
    line->tcp.data = line;
    line->connect.data = line;
    if (line->conf.read_per_s > 0) {
        int window = THROTTLE_WINDOW;
        (void)uv_recv_buffer_size((uv_handle_t *)&line->tcp, &window);
    }
    rc = uv_tcp_connect(&line->connect, &line->tcp, line->trying->ai_addr, on_connect);
    if (rc < 0) {
        relay_line_fail(line, RELAY_E_IO, "cannot connect to %s: %s", line->host, uv_strerror(rc));
    } else {
        line->busy++;
    }
}

static void on_resolved(uv_getaddrinfo_t *req, int status, struct addrinfo *found)
{
    struct relay_line *line = req->data;
    line->found = found;
    line->trying = found;
    if (!line->gone && (status < 0 || found == NULL) && line->srv_at < line->srv_n) {
        next_target(line);
    } else if (!line->gone && (status < 0 || found == NULL)) {
        relay_line_fail(line, RELAY_E_IO, "cannot find %s: %s",
                        line->conf.connect != NULL ? line->conf.connect : line->host,
                        status < 0 ? uv_strerror(status) : "no address");
    } else if (!line->gone) {
        connect_next(line);
    }
    relay_line_release(line);
}

/* Cuts "ADDR:PORT" or "[ADDR]:PORT". */
bool relay_line_cut_address(const char *text, char host[256], char port[8])
{
    const char *colon = strrchr(text, ':');
    size_t n = colon != NULL ? (size_t)(colon - text) : 0;
    if (n == 0 || n > 255 || strlen(colon + 1) > 5 || colon[1] == '\0') {
        return false;
    }
    if (text[0] == '[' && text[n - 1] == ']') {
        text++;
        n -= 2;
    }
    memcpy(host, text, n);
    host[n] = '\0';
    snprintf(port, 8, "%s", colon + 1);
    return true;
}

/* Looks up the addresses of a host. 0 or RELAY_E_IO. */
static int look_up(struct relay_line *line, const char *host, const char *port)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    line->resolve.data = line;
    if (uv_getaddrinfo(&line->dial->uv, &line->resolve, on_resolved, host, port, &hints) < 0) {
        return RELAY_E_IO;
    }
    line->busy++;
    return 0;
}

/* The next target of the SRV records. */
static void next_target(struct relay_line *line)
{
    char port[8];
    const struct relay_srv *srv = &line->srv[line->srv_at++];
    if (line->found != NULL) {
        uv_freeaddrinfo(line->found);
        line->found = line->trying = NULL;
    }
    snprintf(port, sizeof(port), "%d", srv->port);
    if (look_up(line, srv->host, port) != 0) {
        relay_line_fail(line, RELAY_E_IO, "cannot look up %s", srv->host);
    }
}

/* --- SRV: asked by another thread, for the resolver blocks --- */

struct question {
    uv_work_t work;
    struct relay_line *line;
    char domain[256], server[64];
    struct relay_srv srv[RELAY_SRV_MAX];
    size_t n;
};

static void ask(uv_work_t *work)
{
    struct question *question = work->data;
    question->n = relay_srv_ask(
        question->domain, question->server[0] != '\0' ? question->server : NULL, question->srv);
}

static void on_asked(uv_work_t *work, int status)
{
    struct question *question = work->data;
    struct relay_line *line = question->line;
    uint32_t random[RELAY_SRV_MAX];
    char port[8];
    if (line->gone || status < 0) {
        goto out;
    }
    line->srv_n = relay_dial_random(NULL, random, sizeof(random)) == 0 ? question->n : 0;
    line->srv = line->srv_n > 0 ? malloc(sizeof(question->srv)) : NULL;
    if (line->srv != NULL) {
        memcpy(line->srv, question->srv, sizeof(question->srv));
        relay_srv_order(line->srv, line->srv_n, random);
        next_target(line);
        goto out;
    }
    line->srv_n = 0;
    snprintf(port, sizeof(port), "%d", MSRP_PORT_NUMBER);
    if (look_up(line, line->host, port) != 0) {
        relay_line_fail(line, RELAY_E_IO, "cannot look up %s", line->host);
    }
out:
    free(question);
    relay_line_release(line);
}

/* 0, RELAY_E_NOMEM or RELAY_E_IO. */
static int ask_srv(struct relay_line *line)
{
    struct question *question = calloc(1, sizeof(*question));
    if (question == NULL) {
        return RELAY_E_NOMEM;
    }
    question->work.data = question;
    question->line = line;
    snprintf(question->domain, sizeof(question->domain), "%.255s", line->host);
    snprintf(question->server, sizeof(question->server), "%s",
             line->conf.dns != NULL ? line->conf.dns : "");
    if (uv_queue_work(&line->dial->uv, &question->work, ask, on_asked) < 0) {
        free(question);
        return RELAY_E_IO;
    }
    line->busy++;
    return 0;
}

int relay_line_connect(struct relay_line *line, const char *text)
{
    struct msrp_uri uri;
    char host[256], port[8];
    int err = 0;
    if (msrp_uri_parse(&uri, msrp_str_of(text)) != 0 || uri.host.n > 255) {
        err = RELAY_E_CONF;
    } else {
        memcpy(line->host, uri.host.p, uri.host.n);
        memcpy(host, line->host, uri.host.n + 1);
        snprintf(port, sizeof(port), "%d", uri.has_port ? uri.port : MSRP_PORT_NUMBER);
        if (line->conf.connect != NULL && !relay_line_cut_address(line->conf.connect, host, port)) {
            err = RELAY_E_CONF;
        }
    }
    if (err == 0 && uri.is_secure) {
        line->tls = relay_tls_client(line->dial->tls, line->host);
        err = line->tls == NULL ? RELAY_E_NOMEM : 0;
    }
    if (err == 0) {
        bool is_domain = line->conf.connect == NULL && !uri.has_port && uri.is_secure;
        err = is_domain ? ask_srv(line) : look_up(line, host, port);
    }
    if (err != 0) {
        relay_line_drop(line);
        return err;
    }
    relay_line_arm(line);
    return 0;
}

struct relay_line *relay_line_new(struct relay_dial *dial, const struct relay_line_kind *kind,
                                  void *machine, const struct relay_line_conf *conf)
{
    struct relay_line *line = calloc(1, sizeof(*line));
    if (line == NULL) {
        kind->free(machine);
        return NULL;
    }
    uv_update_time(&dial->uv);
    line->dial = dial;
    line->kind = kind;
    line->machine = machine;
    line->conf = *conf;
    line->close_ms = line->read_ms = -1;
    line->shake_ms =
        (int64_t)uv_now(&dial->uv) + (conf->handshake_ms != 0 ? conf->handshake_ms : HANDSHAKE_MS);
    (void)uv_timer_init(&dial->uv, &line->timer);
    line->timer.data = line;
    line->busy = 1; /* timer */
    line->next = dial->lines;
    if (line->next != NULL) {
        line->next->prev = line;
    }
    dial->lines = line;
    return line;
}

/* --- a client behind a line --- */

static void client_feed(void *client, const struct relay_client_in *in)
{
    relay_client_feed(client, in);
}

/* CLOSED ends the line. */
static bool client_drain(struct relay_line *line)
{
    struct relay_client_event event;
    for (;;) {
        struct relay_client_now now = relay_line_now(line->dial);
        if (!relay_client_take(line->machine, &now, &event)) {
            return true;
        }
        line->conf.event(line->conf.ctx, line, &event);
        if (event.kind == RELAY_CLIENT_CLOSED) {
            return false;
        }
    }
}

static char *client_buffer(void *client, size_t *n)
{
    return relay_client_buffer(client, n);
}

static const char *client_output(void *client, const struct relay_client_now *now, size_t *n)
{
    return relay_client_output(client, now, n);
}

static void client_sent(void *client, const struct relay_client_now *now, size_t n)
{
    relay_client_sent(client, now, n);
}

static bool client_is_quiet(const void *client)
{
    return relay_client_is_quiet(client);
}

static int64_t client_next_ms(const void *client)
{
    return relay_client_next_ms(client);
}

static void client_free(void *client)
{
    relay_client_free(client);
}

static const struct relay_line_kind client_kind = {
    .feed = client_feed,
    .drain = client_drain,
    .buffer = client_buffer,
    .output = client_output,
    .sent = client_sent,
    .is_quiet = client_is_quiet,
    .next_ms = client_next_ms,
    .free = client_free,
};

struct relay_line *relay_line_open(struct relay_dial *dial, const struct relay_line_conf *conf,
                                   int *err)
{
    struct relay_client_random random = {relay_dial_random, NULL};
    struct relay_client *client = relay_client_new(&conf->client, &random);
    struct relay_line *line =
        client != NULL ? relay_line_new(dial, &client_kind, client, conf) : NULL;
    *err = client == NULL ? RELAY_E_CONF
           : line == NULL ? RELAY_E_NOMEM
                          : relay_line_connect(line, conf->client.relay);
    return *err == 0 ? line : NULL;
}

int relay_line_send(struct relay_line *line, struct relay_client_sds *sds, uint64_t *id)
{
    uv_update_time(&line->dial->uv);
    struct relay_client_now now = relay_line_now(line->dial);
    int rc = relay_client_send(line->machine, &now, sds, id);
    if (rc == 0 && !line->gone) {
        /* not written here: the event that is being told may borrow from the client */
        relay_line_wake(line);
    }
    return rc;
}

int relay_line_send_key(struct relay_line *line, const char *to, const void *mikey, size_t n,
                        uint64_t *id)
{
    int rc = relay_client_send_key(line->machine, to, mikey, n, id);
    if (rc == 0 && !line->gone) {
        relay_line_wake(line);
    }
    return rc;
}

void relay_line_close(struct relay_line *line)
{
    if (!line->gone && !line->closing) {
        line->closing = true;
        line->close_ms = (int64_t)uv_now(&line->dial->uv) + CLOSE_MS;
        relay_line_wake(line);
    }
}

void relay_line_disown(struct relay_line *line)
{
    relay_client_disown(line->machine);
}

const struct relay_client *relay_line_client(const struct relay_line *line)
{
    return line->machine;
}

/* --- the dial --- */

static int read_ca(const char *path, struct relay_pem *pem)
{
    FILE *file = fopen(path, "rb");
    char *p = malloc(CA_MAX);
    size_t n = file != NULL && p != NULL ? fread(p, 1, CA_MAX, file) : 0;
    bool bad = file == NULL || ferror(file) != 0 || n == 0 || n == CA_MAX;
    if (file != NULL) {
        fclose(file);
    }
    if (bad) {
        free(p);
        return RELAY_E_TLS;
    }
    *pem = (struct relay_pem){path, p, n};
    return 0;
}

struct relay_dial *relay_dial_new(const char *ca_file, int *err)
{
    struct relay_pem ca = {0};
    char why[RELAY_CTX_WHY];
    struct relay_dial *dial = calloc(1, sizeof(*dial));
    *err = dial == NULL ? RELAY_E_NOMEM : ca_file != NULL ? read_ca(ca_file, &ca) : 0;
    if (*err == 0) {
        *err = relay_ctx_client(&dial->tls, ca_file != NULL ? &ca : NULL, why, sizeof(why));
        *err = *err == RELAY_E_CONF ? RELAY_E_TLS : *err;
    }
    union {
        const char *in;
        char *out;
    } octets = {.in = ca.p};
    free(octets.out);
    if (*err == 0 && uv_loop_init(&dial->uv) < 0) {
        *err = RELAY_E_NOMEM;
    }
    if (*err != 0) {
        if (dial != NULL) {
            relay_ctx_unref(dial->tls);
        }
        free(dial);
        return NULL;
    }
    signal(SIGPIPE, SIG_IGN); /* a write to a closed peer is an error code, not the end of us */
    (void)uv_timer_init(&dial->uv, &dial->after);
    (void)uv_timer_init(&dial->uv, &dial->later);
    (void)uv_signal_init(&dial->uv, &dial->term);
    (void)uv_signal_init(&dial->uv, &dial->intr);
    dial->after.data = dial->later.data = dial->term.data = dial->intr.data = dial;
    return dial;
}

void relay_dial_free(struct relay_dial *dial)
{
    if (dial == NULL) {
        return;
    }
    while (dial->lines != NULL) {
        relay_line_drop(dial->lines);
    }
    uv_close((uv_handle_t *)&dial->after, NULL);
    uv_close((uv_handle_t *)&dial->later, NULL);
    uv_close((uv_handle_t *)&dial->term, NULL);
    uv_close((uv_handle_t *)&dial->intr, NULL);
    uv_run(&dial->uv, UV_RUN_DEFAULT);
    (void)uv_loop_close(&dial->uv);
    relay_ctx_unref(dial->tls);
    free(dial);
}

static void on_after(uv_timer_t *timer)
{
    struct relay_dial *dial = timer->data;
    dial->after_fn(dial->after_ctx);
}

int relay_dial_after(struct relay_dial *dial, uint64_t ms, void (*fn)(void *ctx), void *ctx)
{
    dial->after_fn = fn;
    dial->after_ctx = ctx;
    uv_update_time(&dial->uv);
    return uv_timer_start(&dial->after, on_after, ms, 0) < 0 ? RELAY_E_IO : 0;
}

static void on_later(uv_timer_t *timer)
{
    struct relay_dial *dial = timer->data;
    dial->later_fn(dial->later_ctx);
}

int relay_dial_later(struct relay_dial *dial, uint64_t ms, void (*fn)(void *ctx), void *ctx)
{
    dial->later_fn = fn;
    dial->later_ctx = ctx;
    uv_update_time(&dial->uv);
    return uv_timer_start(&dial->later, on_later, ms, 0) < 0 ? RELAY_E_IO : 0;
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct relay_dial *dial = handle->data;
    dial->stop_fn(dial->stop_ctx, number);
}

int relay_dial_on_stop(struct relay_dial *dial, void (*fn)(void *ctx, int signal), void *ctx)
{
    dial->stop_fn = fn;
    dial->stop_ctx = ctx;
    return uv_signal_start(&dial->term, on_signal, SIGTERM) < 0 ||
                   uv_signal_start(&dial->intr, on_signal, SIGINT) < 0
               ? RELAY_E_IO
               : 0;
}

int relay_dial_run(struct relay_dial *dial)
{
    while (!dial->stopped && (dial->lines != NULL || dial->listeners > 0 ||
                              uv_is_active((uv_handle_t *)&dial->later) != 0)) {
        uv_run(&dial->uv, UV_RUN_ONCE);
    }
    dial->stopped = false;
    return dial->code;
}

void relay_dial_stop(struct relay_dial *dial, int code)
{
    dial->stopped = true;
    dial->code = code;
}
