#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "relay/loop/street.h"

bool relay_listen_is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr) >> 24 ==
               127;
    return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
}

void relay_listen_text(const struct sockaddr *address, char *text, size_t n)
{
    char host[INET6_ADDRSTRLEN] = "?";

    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)address;

        (void)uv_ip4_name(v4, host, sizeof host);
        snprintf(text, n, "%s:%u", host, ntohs(v4->sin_port));
    } else {
        const struct sockaddr_in6 *v6 = (const void *)address;

        (void)uv_ip6_name(v6, host, sizeof host);
        snprintf(text, n, "[%s]:%u", host, ntohs(v6->sin6_port));
    }
}

static void on_connection(uv_stream_t *server, int status)
{
    struct relay_listener *listener = server->data;

    if (status < 0)
        listener->loop->counts.n[RELAY_LOOP_ACCEPT_FAILED]++;
    else
        relay_stream_accept(listener);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static int bind_tcp(struct relay_listener *listener, const struct sockaddr *address)
{
    struct sockaddr_storage bound;
    int n = (int)sizeof bound, err;
    unsigned flags = address->sa_family == AF_INET6 ? UV_TCP_IPV6ONLY : 0;

    if ((err = uv_tcp_bind(&listener->tcp, address, flags)) < 0 ||
        (err = uv_listen((uv_stream_t *)&listener->tcp, 1024, on_connection)) < 0 ||
        (err = uv_tcp_getsockname(&listener->tcp, (struct sockaddr *)&bound, &n)) < 0)
        return err;
    listener->port = ntohs(bound.ss_family == AF_INET ? ((struct sockaddr_in *)&bound)->sin_port
                                                      : ((struct sockaddr_in6 *)&bound)->sin6_port);
    return 0;
}

int relay_loop_listen(struct relay_loop *loop, const struct sockaddr *address,
                      enum relay_listen kind, bool loopback_only, char *why, size_t why_n)
{
    struct relay_listener *listener;
    char text[INET6_ADDRSTRLEN + 10];
    int err;

    relay_listen_text(address, text, sizeof text);
    why[0] = '\0';
    if ((loopback_only || kind == RELAY_LISTEN_HTTP) && !relay_listen_is_loopback(address)) {
        snprintf(why, why_n, "%s is not a loopback address; listen on 127.0.0.1 or [::1]", text);
        return RELAY_E_IO;
    }
    if (loop->listeners_n == RELAY_STREET_LISTENERS) {
        snprintf(why, why_n, "more than %d listeners", RELAY_STREET_LISTENERS);
        return RELAY_E_IO;
    }
    if (!(listener = calloc(1, sizeof *listener))) {
        snprintf(why, why_n, "out of memory");
        return RELAY_E_IO;
    }
    listener->loop = loop;
    listener->tls = kind == RELAY_LISTEN_TLS;
    listener->loopback = relay_listen_is_loopback(address);
    if (kind == RELAY_LISTEN_HTTP) {
        listener->http = relay_http_open(loop, address, &listener->port, why, why_n);
        if (!listener->http) {
            free(listener);
            return RELAY_E_IO;
        }
    } else {
        (void)uv_tcp_init(&loop->uv, &listener->tcp); /* cannot fail without a socket */
        listener->tcp.data = listener;
        if ((err = bind_tcp(listener, address)) < 0) {
            snprintf(why, why_n, "cannot listen on %s: %s%s", text, uv_strerror(err),
                     err == UV_EADDRINUSE ? "; stop the program that has it, or change the port"
                     : err == UV_EADDRNOTAVAIL ? "; give an address of this machine"
                     : err == UV_EACCES        ? "; take a port above 1023"
                                               : "");
            uv_close((uv_handle_t *)&listener->tcp, on_closed);
            return RELAY_E_IO;
        }
    }
    loop->listeners[loop->listeners_n++] = listener;
    return 0;
}

uint16_t relay_loop_port(const struct relay_loop *loop, size_t i)
{
    return i < loop->listeners_n ? loop->listeners[i]->port : 0;
}

void relay_listen_close(struct relay_loop *loop)
{
    for (size_t i = 0; i < loop->listeners_n; i++) {
        struct relay_listener *listener = loop->listeners[i];

        if (listener->http) {
            relay_http_close(listener->http);
            free(listener);
        } else {
            uv_close((uv_handle_t *)&listener->tcp, on_closed);
        }
    }
    loop->listeners_n = 0;
}
