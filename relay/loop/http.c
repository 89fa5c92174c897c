#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <microhttpd.h>

#include "relay/loop/street.h"

/* libmicrohttpd without threads: its epoll descriptor is one more descriptor of our loop, and a
 * timer keeps its own timeouts. */
struct relay_http {
    struct relay_loop *loop;
    struct MHD_Daemon *daemon;
    uv_poll_t poll;
    uv_timer_t timer;
    unsigned closing;
};

static enum MHD_Result reply(struct MHD_Connection *connection, unsigned status, const char *type,
                             char *text, enum MHD_ResponseMemoryMode mode)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(strlen(text), text, mode);
    enum MHD_Result ok;

    if (!response) {
        if (mode == MHD_RESPMEM_MUST_FREE)
            free(text);
        return MHD_NO;
    }
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    ok = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return ok;
}

static enum MHD_Result plain(struct MHD_Connection *connection, unsigned status, const char *text)
{
    char copy[64];

    snprintf(copy, sizeof copy, "%s\n", text);
    return reply(connection, status, "text/plain; charset=utf-8", copy, MHD_RESPMEM_MUST_COPY);
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *data_n, void **state)
{
    struct relay_http *http = arg;
    struct relay_loop *loop = http->loop;
    char *text;

    (void)version, (void)data, (void)state;
    *data_n = 0;
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        return plain(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "GET only");
    if (strcmp(url, "/healthz") == 0)
        return plain(connection, MHD_HTTP_OK, "ok");
    if (strcmp(url, "/metrics") != 0)
        return plain(connection, MHD_HTTP_NOT_FOUND, "/metrics or /healthz");
    text = loop->hooks.metrics(loop->hooks.ctx);
    if (!text)
        return plain(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "no memory");
    return reply(connection, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", text,
                 MHD_RESPMEM_MUST_FREE);
}

static void run(struct relay_http *http);

static void on_timer(uv_timer_t *timer)
{
    run(timer->data);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    run(poll->data);
}

static unsigned connections(struct relay_http *http)
{
    return MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)->num_connections;
}

static void run(struct relay_http *http)
{
    MHD_UNSIGNED_LONG_LONG ms;
    unsigned before;

    /* a daemon that was full listens again only at the start of its next run */
    do {
        before = connections(http);
        (void)MHD_run(http->daemon);
    } while (connections(http) < before);
    if (MHD_get_timeout(http->daemon, &ms) == MHD_YES)
        (void)uv_timer_start(&http->timer, on_timer, ms, 0);
    else
        (void)uv_timer_stop(&http->timer);
}

struct relay_http *relay_http_open(struct relay_loop *loop, const struct sockaddr *address,
                                   uint16_t *port, char *why, size_t why_n)
{
    struct relay_http *http = calloc(1, sizeof *http);
    const union MHD_DaemonInfo *epoll, *bound;
    unsigned flags = MHD_USE_EPOLL | (address->sa_family == AF_INET6 ? MHD_USE_IPv6 : 0u);

    if (!http) {
        snprintf(why, why_n, "out of memory");
        return NULL;
    }
    http->loop = loop;
    http->daemon =
        MHD_start_daemon(flags, 0, NULL, NULL, on_request, http, MHD_OPTION_SOCK_ADDR, address,
                         MHD_OPTION_CONNECTION_LIMIT, 16u, MHD_OPTION_CONNECTION_TIMEOUT, 10u,
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)(16 * 1024), MHD_OPTION_END);
    epoll = http->daemon ? MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    bound = http->daemon ? MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_BIND_PORT) : NULL;
    if (!epoll || !bound || uv_poll_init(&loop->uv, &http->poll, epoll->epoll_fd) < 0) {
        snprintf(why, why_n,
                 "cannot listen for metrics: is the port in use? change metrics.listen");
        if (http->daemon)
            MHD_stop_daemon(http->daemon);
        free(http);
        return NULL;
    }
    *port = bound->port;
    (void)uv_timer_init(&loop->uv, &http->timer); /* cannot fail */
    http->poll.data = http->timer.data = http;
    (void)uv_poll_start(&http->poll, UV_READABLE, on_ready);
    return http;
}

static void on_closed(uv_handle_t *handle)
{
    struct relay_http *http = handle->data;

    if (--http->closing > 0)
        return;
    MHD_stop_daemon(http->daemon); /* only now: it closes the descriptor that was polled */
    free(http);
}

void relay_http_close(struct relay_http *http)
{
    http->closing = 2;
    uv_close((uv_handle_t *)&http->poll, on_closed);
    uv_close((uv_handle_t *)&http->timer, on_closed);
}
