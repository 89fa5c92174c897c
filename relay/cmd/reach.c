#include "relay/cmd/reach.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "relay/cmd/cmd.h"
#include "relay/cmd/input.h"
#include "relay/err.h"

enum { TOKEN_MAX = 16384, PASSWORD_MAX = 1024 };

static bool complain(const struct relay_reach *way, const char *what)
{
    relay_cmd_fail(way->command, RELAY_EXIT_USAGE, "at most %d %s", RELAY_REACH_RELAYS_MAX, what);
    return false;
}

bool relay_reach_option(struct relay_reach *way, int option, const char *value)
{
    switch (option) {
    case RELAY_REACH_RELAY:
        if (way->relays_n == RELAY_REACH_RELAYS_MAX) {
            return complain(way, "relays");
        }
        /* rfc4975#9: a transport belongs to the URI; people leave it out */
        snprintf(way->uris[way->relays_n], sizeof(way->uris[0]), "%s%s", value,
                 strchr(value, ';') == NULL ? ";tcp" : "");
        way->relays_n++;
        return true;
    case RELAY_REACH_CONNECT:
        way->connect = value;
        return true;
    case RELAY_REACH_CA:
        way->ca = value;
        return true;
    case RELAY_REACH_TOKEN:
        if (way->tokens_n == RELAY_REACH_RELAYS_MAX) {
            return complain(way, "tokens");
        }
        way->token_files[way->tokens_n++] = value;
        return true;
    case RELAY_REACH_DIGEST:
        way->user = value;
        return true;
    case RELAY_REACH_PASSWORD:
        way->password_file = value;
        return true;
    default:
        return false;
    }
}

static int read_secret(const struct relay_reach *way, const char *path, size_t cap, char **secret)
{
    errno = 0;
    int err = relay_input_line(path, cap, secret);
    return err == 0 ? RELAY_EXIT_OK
                    : relay_cmd_fail(way->command, RELAY_EXIT_FAILED, "%s: %s", path,
                                     err == RELAY_E_IO && errno != 0 ? strerror(errno)
                                                                     : relay_strerror(err));
}

static int read_secrets(struct relay_reach *way)
{
    int rc = RELAY_EXIT_OK;
    for (size_t i = 0; i < way->tokens_n && rc == RELAY_EXIT_OK; i++) {
        rc = read_secret(way, way->token_files[i], TOKEN_MAX, &way->tokens[i]);
        if (rc == RELAY_EXIT_OK && !relay_input_is_token(way->tokens[i])) {
            rc = relay_cmd_fail(way->command, RELAY_EXIT_FAILED, "%s: not an access token",
                                way->token_files[i]);
        }
    }
    if (rc == RELAY_EXIT_OK && way->user != NULL) {
        rc = read_secret(way, way->password_file, PASSWORD_MAX, &way->password);
    }
    return rc;
}

/* Of this machine: nobody is in between. Not what only begins like it. */
static bool is_loopback(struct msrp_str host)
{
    size_t digits = strspn(host.p, "0123456789.");
    return (msrp_str_has_prefix(host, "127.") && digits >= host.n) || msrp_str_is(host, "::1") ||
           msrp_str_is(host, "[::1]") || msrp_str_is_nocase(host, "localhost");
}

/* The host that is connected to, of --connect HOST:PORT or of the URI. */
static struct msrp_str host_of(const struct relay_reach *way, const struct msrp_uri *uri)
{
    const char *colon = way->connect != NULL ? strrchr(way->connect, ':') : NULL;
    if (colon != NULL) {
        return (struct msrp_str){way->connect, (size_t)(colon - way->connect)};
    }
    return uri->host;
}

/* rfc4976#9.1, row A2: what opens a relay goes through TLS only */
static int check_relay(const struct relay_reach *way, size_t i)
{
    struct msrp_uri uri;
    const char *text = way->uris[i];
    bool has_secret = way->tokens_n > 0 || way->user != NULL;
    if (msrp_uri_parse(&uri, msrp_str_of(text)) != 0) {
        return relay_cmd_usage(way->command, "%s is not msrps://NAME:PORT", text);
    }
    if (!uri.is_secure && !uri.has_port) { /* rfc4976#8: a domain's relays speak TLS only */
        return relay_cmd_usage(way->command, "%s: without a port it is msrps:", text);
    }
    if (!uri.is_secure && has_secret && !is_loopback(host_of(way, &uri))) {
        return relay_cmd_usage(way->command, "%s: a token or a password goes to msrps: only", text);
    }
    return RELAY_EXIT_OK;
}

int relay_reach_open(struct relay_reach *way)
{
    int err;
    if ((way->user == NULL) != (way->password_file == NULL)) {
        return relay_cmd_usage(way->command, "--digest and --password-file go together");
    }
    if (way->tokens_n > 0 && way->user != NULL) {
        return relay_cmd_usage(way->command, "one of --token and --digest");
    }
    if (way->user != NULL && strpbrk(way->user, "\"\\\r\n") != NULL) {
        return relay_cmd_usage(way->command, "--digest: a name without quotes");
    }
    for (size_t i = 0; i < way->relays_n; i++) {
        int bad = check_relay(way, i);
        if (bad != RELAY_EXIT_OK) {
            return bad;
        }
    }
    int rc = read_secrets(way);
    if (rc != RELAY_EXIT_OK) {
        return rc;
    }
    for (size_t i = 0; i < way->relays_n; i++) {
        size_t token = i < way->tokens_n ? i : way->tokens_n - 1;
        way->relays[i] =
            (struct relay_endpoint_relay){.uri = way->uris[i],
                                          .token = way->tokens_n > 0 ? way->tokens[token] : NULL,
                                          .user = way->user,
                                          .password = way->password};
    }
    way->dial = relay_dial_new(way->ca, &err);
    return way->dial != NULL
               ? RELAY_EXIT_OK
               : relay_cmd_fail(way->command, RELAY_EXIT_FAILED, "%s: no usable certificates: %s",
                                way->ca != NULL ? way->ca : "the system", relay_strerror(err));
}

void relay_reach_close(struct relay_reach *way)
{
    relay_dial_free(way->dial);
    relay_input_forget(way->tokens[0]);
    relay_input_forget(way->tokens[1]);
    relay_input_forget(way->password);
}
