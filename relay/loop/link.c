/* link.c - a peer is dialled: its addresses in turn, each with its share of the time.
 *
 * Only what the configuration names is dialled, and of that no address that is none of another
 * relay's: unspecified, link-local, multicast (threat T19). */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/loop/street.h"

/* One dial: from WANT_DIAL to OPEN or UNDIALLED. Freed in its timer's close callback. */
struct relay_link {
    struct relay_link *next; /* of the loop's */
    struct relay_loop *loop;
    unsigned peer;
    uv_timer_t timer; /* ends the lookup or the attempt under way */
    int64_t due_ms;   /* when the link must stand */
    struct relay_resolve *resolve;
    struct relay_found found;
    size_t at; /* the address that is tried next */
    struct relay_stream *stream;
    char where[64]; /* the address under way */
    char why[256];  /* what went wrong last, and what to do */
};

static const struct relay_peer_conf *conf_of(const struct relay_link *link)
{
    return &link->loop->conf.peers[link->peer];
}

static void say(struct relay_link *link, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void say(struct relay_link *link, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    vsnprintf(link->why, sizeof link->why, format, ap);
    va_end(ap);
}

static void tell_undialled(struct relay_loop *loop, unsigned peer)
{
    struct relay_in in = {.kind = RELAY_IN_UNDIALLED, .peer = peer};

    in.now = relay_loop_now(loop);
    relay_feed(loop->relay, &in);
}

/* --- ending --- */

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void end(struct relay_link *link)
{
    struct relay_link **at = &link->loop->links;

    while (*at != link)
        at = &(*at)->next;
    *at = link->next;
    relay_resolve_drop(link->resolve);
    uv_close((uv_handle_t *)&link->timer, on_closed);
}

static void give_up(struct relay_link *link)
{
    struct relay_loop *loop = link->loop;
    unsigned peer = link->peer;

    loop->counts.n[RELAY_LOOP_DIAL_FAILED]++;
    relay_loop_note(loop, true, "peer", "%s: %s", conf_of(link)->name, link->why);
    end(link);
    tell_undialled(loop, peer);
}

unsigned relay_link_up(struct relay_link *link)
{
    unsigned peer = link->peer;

    link->loop->reached[peer] = link->found.v[link->at - 1];
    end(link);
    return peer;
}

void relay_link_stop(struct relay_loop *loop)
{
    while (loop->links) {
        struct relay_link *link = loop->links;
        struct relay_stream *stream = link->stream;
        unsigned peer = link->peer;

        end(link);
        if (stream) {
            stream->link = NULL;
            relay_stream_drop(stream);
        }
        tell_undialled(loop, peer);
    }
}

/* --- addresses --- */

/* Why an address is not dialled, NULL when it is. */
static const char *is_barred_v4(uint32_t ip)
{
    if (ip >> 24 == 0)
        return "an unspecified address";
    if (ip >> 16 == 0xa9fe)
        return "a link-local address";
    return ip >> 28 == 0xe    ? "a multicast address"
           : ip == UINT32_MAX ? "a broadcast address"
                              : NULL;
}

static const char *is_barred(const union relay_sockaddr *address)
{
    const struct in6_addr *v6 = &address->v6.sin6_addr;
    uint32_t mapped;

    if (address->any.sa_family == AF_INET)
        return is_barred_v4(ntohl(address->v4.sin_addr.s_addr));
    if (IN6_IS_ADDR_UNSPECIFIED(v6))
        return "an unspecified address";
    if (IN6_IS_ADDR_LINKLOCAL(v6))
        return "a link-local address";
    if (IN6_IS_ADDR_MULTICAST(v6))
        return "a multicast address";
    if (!IN6_IS_ADDR_V4MAPPED(v6))
        return NULL;
    memcpy(&mapped, v6->s6_addr + 12, sizeof mapped);
    return is_barred_v4(ntohl(mapped));
}

/* "ADDRESS:PORT", IPv6 in brackets. */
static bool read_connect(const char *text, union relay_sockaddr *address)
{
    const char *colon = strrchr(text, ':');
    char host[INET6_ADDRSTRLEN];
    size_t n = colon ? (size_t)(colon - text) : 0;
    char *end_of_port;
    unsigned long port = colon ? strtoul(colon + 1, &end_of_port, 10) : 0;

    if (n < 2 || n >= sizeof host || port == 0 || port > 65535 || *end_of_port)
        return false;
    if (text[0] == '[' && text[n - 1] == ']') {
        snprintf(host, sizeof host, "%.*s", (int)n - 2, text + 1);
        return uv_ip6_addr(host, (int)port, &address->v6) == 0;
    }
    snprintf(host, sizeof host, "%.*s", (int)n, text);
    return uv_ip4_addr(host, (int)port, &address->v4) == 0;
}

/* --- the attempts --- */

static void on_timer(uv_timer_t *timer);

/* Gives what is under way its share of the time that is left. */
static void arm(struct relay_link *link, size_t shares)
{
    int64_t left_ms = link->due_ms - (int64_t)uv_now(&link->loop->uv);

    uv_timer_start(&link->timer, on_timer, left_ms > 0 ? (uint64_t)left_ms / shares : 0, 0);
}

/* Starts with the next address; gives up behind the last one. */
static void try_next(struct relay_link *link)
{
    const struct relay_peer_conf *conf = conf_of(link);

    while (link->at < link->found.n) {
        const union relay_sockaddr *address = &link->found.v[link->at++];
        const char *barred = is_barred(address);
        bool loopback = relay_listen_is_loopback(&address->any);
        int err;

        relay_listen_text(&address->any, link->where, sizeof link->where);
        if (barred) {
            say(link,
                "%s is %s, which is not dialled; correct the peer's name in DNS or its "
                "connect",
                link->where, barred);
        } else if (!conf->tls && !loopback) {
            say(link, "%s is not a loopback address, and the peer has tls: off; write tls: on",
                link->where);
        } else if (conf->tls && !link->loop->peer_tls) {
            say(link, "there is no certificate to dial with; write certificate, key and peers_ca");
            break;
        } else if ((link->stream = relay_stream_dial(link->loop, link, &address->any, loopback,
                                                     conf->tls ? conf->name : NULL, &err))) {
            arm(link, link->found.n - link->at + 1);
            return;
        } else {
            say(link, "%s cannot be dialled (%s)", link->where, uv_strerror(err));
        }
    }
    give_up(link);
}

void relay_link_refuse(struct relay_link *link, const struct relay_tls *tls)
{
    enum relay_tls_fail fail = relay_tls_fail(tls);

    if (fail == RELAY_TLS_FAIL_CERT)
        say(link,
            "the certificate of %s is not taken (%s); it needs DNS:%s in its "
            "subjectAltName, and a CA that stands in peers_ca",
            link->where, relay_tls_error(tls), conf_of(link)->name);
    else
        say(link,
            "TLS with %s fails (%s); see that connect and port are those of its TLS "
            "listener, and that its CA for relays is that of our certificate",
            link->where, relay_tls_error(tls));
}

void relay_link_expelled(struct relay_loop *loop, unsigned peer, const char *why)
{
    relay_loop_note(loop, true, "peer",
                    "%s: the link breaks before a word came (%s); see that its CA for relays is "
                    "that of our certificate",
                    loop->conf.peers[peer].name, why);
}

void relay_link_lost(struct relay_link *link, const char *why)
{
    if (!link->why[0])
        say(link,
            "%s does not answer (%s); see that the relay runs there, and that no firewall "
            "is in between",
            link->where, why);
    link->stream = NULL;
    if (link->at < link->found.n)
        link->why[0] = '\0';
    try_next(link);
}

static void on_found(void *ctx, const struct relay_found *found, const char *why)
{
    struct relay_link *link = ctx;
    const union relay_sockaddr *reached = &link->loop->reached[link->peer];

    link->resolve = NULL;
    link->found = *found;
    if (found->n == 0) {
        say(link, "the name is not found (%s); write connect: ADDRESS:PORT, or repair DNS", why);
        if (reached->any.sa_family != AF_UNSPEC) { /* where it was is the best guess */
            relay_loop_note(link->loop, true, "peer", "%s: %s", conf_of(link)->name, link->why);
            link->why[0] = '\0';
            link->found.n = 1;
            link->found.v[0] = *reached;
        }
    }
    try_next(link);
}

static void on_timer(uv_timer_t *timer)
{
    struct relay_link *link = timer->data;
    struct relay_stream *stream = link->stream;

    if (link->resolve) {
        const struct relay_found none = {.n = 0};

        relay_resolve_drop(link->resolve);
        on_found(link, &none, "no name server answers in time");
    } else if (stream) {
        stream->link = NULL;
        relay_stream_drop(stream);
        relay_link_lost(link, "timed out");
    }
}

void relay_link_dial(struct relay_loop *loop, unsigned peer)
{
    const struct relay_peer_conf *conf = &loop->conf.peers[peer];
    struct relay_link *link = loop->drain_ms < 0 ? calloc(1, sizeof *link) : NULL;

    if (!link) { /* the relay stops, or has no memory now: it asks again */
        tell_undialled(loop, peer);
        return;
    }
    *link = (struct relay_link){.next = loop->links, .loop = loop, .peer = peer};
    loop->links = link;
    (void)uv_timer_init(&loop->uv, &link->timer); /* cannot fail */
    link->timer.data = link;
    link->due_ms = (int64_t)uv_now(&loop->uv) + loop->conf.handshake_ms;
    if (conf->connect) {
        link->found.n = read_connect(conf->connect, &link->found.v[0]);
        if (link->found.n == 0)
            say(link, "connect is \"%s\"; write ADDRESS:PORT", conf->connect);
        try_next(link);
    } else if ((link->resolve =
                    relay_resolve_start(loop, conf->name, conf->port, on_found, link))) {
        arm(link, 2); /* half of the time is for the lookup */
    } else {
        say(link, "no memory to look the name up");
        give_up(link);
    }
}
