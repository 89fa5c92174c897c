#include "relay/loop/ends.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/loop/line.h"

enum { BACKLOG = 16, PEM_MAX = 256 * 1024, LINES_MAX = 64 };

struct listener {
    uv_tcp_t tcp;
    struct relay_ends *ends; /* NULL: it is closing */
};

struct relay_ends {
    struct relay_dial *dial;
    struct relay_ends_conf conf;
    struct relay_endpoint *endpoint;
    struct relay_ctx *tls; /* of the listener; NULL: plain */
    struct listener *listener;
    bool draining;
};

/* --- a link behind a line --- */

static void link_feed(void *link, const struct relay_client_in *in)
{
    relay_wire_feed(link, in);
}

/* What came of one link may be for another one: they are all woken. */
static bool link_drain(struct relay_line *line)
{
    struct relay_ends *ends = line->ends;
    struct relay_endpoint_event event;
    bool any = false;
    while (!ends->draining) {
        struct relay_client_now now = relay_line_now(ends->dial);
        ends->draining = true;
        bool got = relay_endpoint_take(ends->endpoint, &now, &event);
        if (got) {
            ends->conf.event(ends->conf.ctx, &event);
        }
        ends->draining = false;
        any = any || got;
        if (!got) {
            break;
        }
    }
    if (any) {
        relay_ends_wake(ends);
    }
    return !relay_wire_is_over(line->machine);
}

static char *link_buffer(void *link, size_t *n)
{
    return relay_wire_buffer(link, n);
}

static const char *link_output(void *link, const struct relay_client_now *now, size_t *n)
{
    return relay_wire_output(link, now, n);
}

static void link_sent(void *link, const struct relay_client_now *now, size_t n)
{
    relay_wire_sent(link, now, n);
}

static bool link_is_quiet(const void *link)
{
    return relay_wire_is_quiet(link);
}

static int64_t link_next_ms(const void *link)
{
    return relay_wire_next_ms(link);
}

static void link_free(void *link)
{
    relay_wire_free(link);
}

static const struct relay_line_kind link_kind = {
    .feed = link_feed,
    .drain = link_drain,
    .buffer = link_buffer,
    .output = link_output,
    .sent = link_sent,
    .is_quiet = link_is_quiet,
    .next_ms = link_next_ms,
    .free = link_free,
    .goes_at_once = true,
};

static struct relay_line *line_of(struct relay_ends *ends, const char *connect)
{
    struct relay_wire *link = relay_wire_new(ends->endpoint);
    struct relay_line_conf conf = {.connect = connect};
    struct relay_line *line =
        link != NULL ? relay_line_new(ends->dial, &link_kind, link, &conf) : NULL;
    if (line != NULL) {
        line->ends = ends;
    }
    return line;
}

struct relay_wire *relay_ends_connect(struct relay_ends *ends, const char *uri, const char *connect,
                                      int *err)
{
    struct relay_line *line = line_of(ends, connect);
    *err = line == NULL ? RELAY_E_NOMEM : relay_line_connect(line, uri);
    return *err == 0 ? line->machine : NULL;
}

/* --- listening --- */

static void on_unwanted(uv_handle_t *handle)
{
    free(handle);
}

/* More connections than anybody needs: taken and closed. */
static void turn_away(struct listener *listener)
{
    uv_tcp_t *tcp = malloc(sizeof(*tcp));
    if (tcp != NULL && uv_tcp_init(listener->tcp.loop, tcp) == 0) {
        (void)uv_accept((uv_stream_t *)&listener->tcp, (uv_stream_t *)tcp);
        uv_close((uv_handle_t *)tcp, on_unwanted);
    } else {
        free(tcp);
    }
}

static void on_connection(uv_stream_t *stream, int status)
{
    struct listener *listener = stream->data;
    struct relay_ends *ends = listener->ends;
    size_t n = 0;
    if (status < 0 || ends == NULL) {
        return;
    }
    for (struct relay_line *line = ends->dial->lines; line != NULL; line = line->next) {
        n++;
    }
    struct relay_line *line = n < LINES_MAX ? line_of(ends, NULL) : NULL;
    if (line == NULL) {
        turn_away(listener);
        return;
    }
    snprintf(line->host, sizeof(line->host), "the peer");
    line->tls = ends->tls != NULL ? relay_tls_server(ends->tls) : NULL;
    if (uv_tcp_init(&ends->dial->uv, &line->tcp) < 0) {
        relay_line_drop(line);
        return;
    }
    line->has_tcp = true;
    line->tcp.data = line;
    line->busy++;
    if (uv_accept(stream, (uv_stream_t *)&line->tcp) < 0 ||
        (ends->tls != NULL && line->tls == NULL)) {
        relay_line_drop(line);
        return;
    }
    relay_line_arm(line);
    relay_line_stands(line);
}

static int read_pem(const char *path, struct relay_pem *pem, char **octets)
{
    FILE *file = fopen(path, "rb");
    *octets = malloc(PEM_MAX);
    size_t n = file != NULL && *octets != NULL ? fread(*octets, 1, PEM_MAX, file) : 0;
    if (file != NULL) {
        fclose(file);
    }
    *pem = (struct relay_pem){path, *octets, n};
    return n > 0 && n < PEM_MAX ? 0 : RELAY_E_CONF;
}

static int make_tls(struct relay_ends *ends, const struct relay_ends_listen *conf, char *why,
                    size_t why_n)
{
    struct relay_pem certificate, key;
    char *octets[2] = {NULL, NULL};
    int err = read_pem(conf->certificate, &certificate, &octets[0]);
    if (err != 0) {
        snprintf(why, why_n, "%s: cannot be read", conf->certificate);
    } else if ((err = read_pem(conf->key, &key, &octets[1])) != 0) {
        snprintf(why, why_n, "%s: cannot be read", conf->key);
    } else {
        err = relay_ctx_server(&ends->tls, &certificate, &key, conf->name, why, why_n);
    }
    free(octets[0]);
    if (octets[1] != NULL) {
        explicit_bzero(octets[1], PEM_MAX);
    }
    free(octets[1]);
    return err;
}

static int parse_address(const char *text, struct sockaddr_storage *address)
{
    char host[256], port[8];
    if (!relay_line_cut_address(text, host, port)) {
        return RELAY_E_CONF;
    }
    uint64_t wanted;
    if (msrp_str_u64(msrp_str_of(port), &wanted) != 0 || wanted > UINT16_MAX) {
        return RELAY_E_CONF;
    }
    int number = (int)wanted;
    return uv_ip4_addr(host, number, (struct sockaddr_in *)address) == 0 ||
                   uv_ip6_addr(host, number, (struct sockaddr_in6 *)address) == 0
               ? 0
               : RELAY_E_CONF;
}

static void on_listener_gone(uv_handle_t *handle)
{
    free(handle->data);
}

static void stop_listening(struct relay_ends *ends)
{
    if (ends->listener != NULL) {
        ends->listener->ends = NULL;
        ends->dial->listeners--;
        uv_close((uv_handle_t *)&ends->listener->tcp, on_listener_gone);
        ends->listener = NULL;
    }
}

int relay_ends_listen(struct relay_ends *ends, const struct relay_ends_listen *conf, uint16_t *port,
                      char *why, size_t why_n)
{
    struct sockaddr_storage address = {0};
    int err = parse_address(conf->address, &address), n = sizeof(address);
    if (err != 0 || ends->listener != NULL) {
        snprintf(why, why_n, "%s is not ADDR:PORT or [ADDR]:PORT, or the second one",
                 conf->address);
        return RELAY_E_CONF;
    }
    err = conf->certificate != NULL ? make_tls(ends, conf, why, why_n) : 0;
    struct listener *listener = err == 0 ? calloc(1, sizeof(*listener)) : NULL;
    if (listener == NULL || uv_tcp_init(&ends->dial->uv, &listener->tcp) < 0) {
        free(listener);
        if (err == 0) {
            snprintf(why, why_n, "out of memory");
        }
        return err != 0 ? err : RELAY_E_NOMEM;
    }
    listener->tcp.data = listener;
    listener->ends = ends;
    ends->listener = listener;
    ends->dial->listeners++;
    int rc = uv_tcp_bind(&listener->tcp, (struct sockaddr *)&address, 0);
    rc = rc < 0 ? rc : uv_listen((uv_stream_t *)&listener->tcp, BACKLOG, on_connection);
    rc = rc < 0 ? rc : uv_tcp_getsockname(&listener->tcp, (struct sockaddr *)&address, &n);
    if (rc < 0) {
        snprintf(why, why_n, "%s: %s", conf->address, uv_strerror(rc));
        stop_listening(ends);
        return RELAY_E_IO;
    }
    *port = ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                                : ((struct sockaddr_in *)&address)->sin_port);
    relay_endpoint_at(ends->endpoint, *port);
    return 0;
}

/* --- the endpoint --- */

struct relay_ends *relay_ends_new(struct relay_dial *dial, const struct relay_ends_conf *conf,
                                  int *err)
{
    struct relay_client_random random = {relay_dial_random, NULL};
    struct relay_ends *ends = calloc(1, sizeof(*ends));
    if (ends == NULL) {
        *err = RELAY_E_NOMEM;
        return NULL;
    }
    ends->dial = dial;
    ends->conf = *conf;
    ends->endpoint = relay_endpoint_new(&conf->endpoint, &random);
    if (ends->endpoint == NULL) {
        *err = RELAY_E_CONF;
        free(ends);
        return NULL;
    }
    return ends;
}

void relay_ends_free(struct relay_ends *ends)
{
    if (ends == NULL) {
        return;
    }
    stop_listening(ends);
    for (struct relay_line *line = ends->dial->lines; line != NULL;) {
        struct relay_line *next = line->next;
        if (line->ends == ends) {
            relay_line_drop(line);
        }
        line = next;
    }
    relay_endpoint_free(ends->endpoint);
    relay_ctx_unref(ends->tls);
    free(ends);
}

struct relay_endpoint *relay_ends_endpoint(const struct relay_ends *ends)
{
    return ends->endpoint;
}

struct relay_client_now relay_ends_now(const struct relay_ends *ends)
{
    return relay_line_now(ends->dial);
}

void relay_ends_wake(struct relay_ends *ends)
{
    for (struct relay_line *line = ends->dial->lines; line != NULL; line = line->next) {
        if (line->ends == ends && line->open) {
            relay_line_wake(line);
        }
    }
}

void relay_ends_close(struct relay_ends *ends)
{
    stop_listening(ends);
    for (struct relay_line *line = ends->dial->lines; line != NULL; line = line->next) {
        if (line->ends == ends) {
            relay_line_close(line);
        }
    }
}
