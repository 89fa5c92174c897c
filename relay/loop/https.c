#include "relay/loop/https.h"

#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <microhttpd.h>
#include <openssl/crypto.h>

struct relay_https {
    const struct relay_https_conf *conf;
    struct MHD_Daemon *daemon;
};

/* A body on its way in. */
struct body {
    size_t n;
    bool is_too_large;
    char p[];
};

/* A document on its way out: it holds keys. */
struct leaving {
    size_t n;
    char *p;
};

static void wipe(void *arg)
{
    struct leaving *leaving = arg;

    OPENSSL_cleanse(leaving->p, leaving->n);
    free(leaving->p);
    free(leaving);
}

static struct MHD_Response *make_response(struct relay_https_answer *answer)
{
    static char none[1];
    struct leaving *leaving;
    struct MHD_Response *response;

    if (!answer->body)
        return MHD_create_response_from_buffer(0, none, MHD_RESPMEM_PERSISTENT);
    leaving = malloc(sizeof *leaving);
    if (!leaving) {
        OPENSSL_cleanse(answer->body, answer->body_n);
        free(answer->body);
        return NULL;
    }
    *leaving = (struct leaving){.n = answer->body_n, .p = answer->body};
    response = MHD_create_response_from_buffer_with_free_callback_cls(answer->body_n, answer->body,
                                                                      wipe, leaving);
    if (!response)
        wipe(leaving);
    return response;
}

static enum MHD_Result reply(struct MHD_Connection *connection, struct relay_https_answer *answer)
{
    bool has_body = answer->body != NULL;
    struct MHD_Response *response = make_response(answer);

    if (!response)
        return MHD_NO;
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (has_body)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/xml");
    if (answer->status == MHD_HTTP_METHOD_NOT_ALLOWED)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "POST");
    enum MHD_Result ok = MHD_queue_response(connection, (unsigned)answer->status, response);
    MHD_destroy_response(response);
    return ok;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *data_n, void **state)
{
    struct relay_https *https = arg;
    struct body *body = *state;

    (void)version;
    if (!body) {
        *state = calloc(1, sizeof *body + https->conf->body_max);
        return *state ? MHD_YES : MHD_NO;
    }
    if (*data_n > 0) {
        if (*data_n > https->conf->body_max - body->n)
            body->is_too_large =
                true; /* the rest is read and dropped: libmicrohttpd answers after */
        else
            memcpy(body->p + body->n, data, *data_n), body->n += *data_n;
        *data_n = 0;
        return MHD_YES;
    }
    struct relay_https_answer answer = {.status = MHD_HTTP_CONTENT_TOO_LARGE};
    struct relay_https_ask ask = {
        .method = method,
        .path = url,
        .authorization =
            MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION),
        .body = body->p,
        .body_n = body->n,
    };
    if (!body->is_too_large)
        https->conf->answer(https->conf->ctx, &ask, &answer);
    return reply(connection, &answer);
}

static void on_done(void *arg, struct MHD_Connection *connection, void **state,
                    enum MHD_RequestTerminationCode why)
{
    (void)arg, (void)connection, (void)why;
    free(*state);
    *state = NULL;
}

/* The path stays as it came: what is in it is compared with what is in the body. */
static size_t leave(void *arg, struct MHD_Connection *connection, char *path)
{
    (void)arg, (void)connection;
    return strlen(path);
}

/* ADDR:PORT, numbers only. */
static struct addrinfo *resolve(const char *listen)
{
    struct addrinfo hints = {
        .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
        .ai_socktype = SOCK_STREAM,
    };
    struct addrinfo *found = NULL;
    const char *colon = strrchr(listen, ':');
    char host[64];

    if (!colon)
        return NULL;
    size_t n = (size_t)(colon - listen);
    if (n >= 2 && listen[0] == '[' && listen[n - 1] == ']')
        listen++, n -= 2;
    if (n == 0 || n >= sizeof host)
        return NULL;
    memcpy(host, listen, n);
    host[n] = '\0';
    return getaddrinfo(host, colon + 1, &hints, &found) == 0 ? found : NULL;
}

int relay_https_open(struct relay_https **https, const struct relay_https_conf *conf,
                     uint16_t *port)
{
    struct addrinfo *address = resolve(conf->listen);

    *https = NULL;
    if (!address)
        return RELAY_E_CONF;
    struct relay_https *h = calloc(1, sizeof *h);
    if (!h) {
        freeaddrinfo(address);
        return RELAY_E_NOMEM;
    }
    h->conf = conf;
    h->daemon = MHD_start_daemon(
        MHD_USE_AUTO_INTERNAL_THREAD | MHD_USE_TLS |
            (address->ai_family == AF_INET6 ? MHD_USE_IPv6 : 0u),
        0, NULL, NULL, on_request, h, MHD_OPTION_SOCK_ADDR, address->ai_addr,
        MHD_OPTION_HTTPS_MEM_CERT, conf->certificate, MHD_OPTION_HTTPS_MEM_KEY, conf->key,
        MHD_OPTION_HTTPS_PRIORITIES, "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2",
        MHD_OPTION_NOTIFY_COMPLETED, on_done, NULL, MHD_OPTION_UNESCAPE_CALLBACK, leave, NULL,
        MHD_OPTION_CONNECTION_LIMIT, 64u, MHD_OPTION_CONNECTION_TIMEOUT, 10u,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)(64 * 1024), MHD_OPTION_END);
    freeaddrinfo(address);
    const union MHD_DaemonInfo *bound =
        h->daemon ? MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_BIND_PORT) : NULL;
    if (!bound) {
        relay_https_close(h);
        return RELAY_E_IO;
    }
    *port = bound->port;
    *https = h;
    return 0;
}

void relay_https_close(struct relay_https *https)
{
    if (https && https->daemon)
        MHD_stop_daemon(https->daemon);
    free(https);
}
