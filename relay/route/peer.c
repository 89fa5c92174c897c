#include "relay/route/peer.h"

#include <stdlib.h>

#include "relay/err.h"

int relay_peers_init(struct relay_peers *peers, const struct relay_peer_conf *confs, size_t n)
{
    *peers = (struct relay_peers){.n = 0};
    if (!n)
        return 0;
    peers->v = calloc(n, sizeof *peers->v);
    if (!peers->v)
        return RELAY_E_NOMEM;
    peers->n = n;
    for (size_t i = 0; i < n; i++)
        peers->v[i].conf = &confs[i];
    return 0;
}

void relay_peers_done(struct relay_peers *peers)
{
    free(peers->v);
    *peers = (struct relay_peers){.n = 0};
}

/* The rules of rfc4975#6.1 decide: percent-encoding in the URI is undone, and where it has an
 * address the name is read as one of that family. */
static bool is_at(const struct relay_peer_conf *conf, const struct msrp_uri *uri)
{
    struct msrp_uri place = {
        .is_secure = conf->tls,
        .is_ip4 = uri->is_ip4,
        .is_ip6 = uri->is_ip6,
        .has_port = true,
        .port = conf->port,
        .host = msrp_str_of(conf->name),
        .transport = MSRP_STR("tcp"),
    };

    return msrp_uri_is_same_place(&place, uri);
}

struct relay_peer *relay_peers_of_uri(const struct relay_peers *peers, const struct msrp_uri *uri)
{
    for (size_t i = 0; i < peers->n; i++)
        if (is_at(peers->v[i].conf, uri))
            return &peers->v[i];
    return NULL;
}

struct relay_peer *relay_peers_of_names(const struct relay_peers *peers, const char *const *names,
                                        size_t n)
{
    for (size_t i = 0; i < peers->n; i++) {
        const struct relay_peer_conf *conf = peers->v[i].conf;
        for (size_t k = 0; conf->tls && k < n; k++)
            if (msrp_str_is_nocase(msrp_str_of(names[k]), conf->name))
                return &peers->v[i];
    }
    return NULL;
}

bool relay_peer_may_speak_for(const struct relay_peer *peer, struct msrp_str user)
{
    struct msrp_str domain;

    /* the first '@': what has two of them has a domain that nobody configures */
    if (!msrp_str_cut(user, '@', NULL, &domain) || !domain.n)
        return false;
    for (size_t i = 0; i < peer->conf->domains_n; i++)
        if (msrp_str_is_nocase(domain, peer->conf->domains[i]))
            return true;
    return false;
}

bool relay_peer_may_dial(const struct relay_peer *peer, int64_t now_ms)
{
    return !peer->is_dialling && (!peer->retry_ms || now_ms >= peer->retry_ms);
}

void relay_peer_dialled(struct relay_peer *peer, bool is_up, int64_t now_ms, uint8_t rnd)
{
    int64_t wait_ms = RELAY_PEER_RETRY_MS;

    peer->is_dialling = false;
    if (is_up) {
        peer->fails = 0;
        peer->retry_ms = 0;
        return;
    }
    for (unsigned i = 0; i < peer->fails && wait_ms < RELAY_PEER_RETRY_MAX_MS; i++)
        wait_ms *= 2;
    if (wait_ms > RELAY_PEER_RETRY_MAX_MS)
        wait_ms = RELAY_PEER_RETRY_MAX_MS;
    peer->fails++;
    peer->retry_ms = now_ms + wait_ms + wait_ms / 4 * rnd / UINT8_MAX;
}
