/* peer.h - the relays we are linked with: who they are, and the state of the link.
 *
 * A peer is known by configuration only. It is found by the name in its URIs; over TLS it proves
 * that name with a dNSName of its certificate (rfc4976#6.3, #9.2, rows R17, U11). Nothing is ever
 * dialled that only a message names (threats T19, T44): the address comes from here. */
#ifndef RELAY_ROUTE_PEER_H
#define RELAY_ROUTE_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "msrp/uri.h"
#include "relay/route/limit.h"

struct relay_conn; /* relay/core/conn.h; only carried here */

enum {
    RELAY_PEER_RETRY_MS = 1000,      /* first wait before a peer is dialled again */
    RELAY_PEER_RETRY_MAX_MS = 60000, /* it doubles up to this */
    RELAY_PEER_WAIT_MS = 10000,      /* what waits for a link is lost (408) after this */
};

/* One peer as configured. Strings are borrowed and outlive the relay. */
struct relay_peer_conf {
    const char *name;    /* host in its URIs, and dNSName of its certificate */
    uint16_t port;       /* port in its URIs */
    const char *connect; /* "ADDR:PORT" to dial; NULL: name and port through the resolver */
    bool tls;            /* false: plain TCP, loopback addresses only (interoperability tests) */
    const char *const *domains; /* of the users that it may vouch for (chained AUTH); none: none */
    size_t domains_n;
    uint32_t messages_per_s, messages_burst; /* its quota: SENDs that begin a message; 0: none */
};

/* The link to one peer. */
struct relay_peer {
    const struct relay_peer_conf *conf;
    struct relay_conn *first; /* its open connections, chained by the core, oldest first */
    struct relay_bucket messages;
    bool is_dialling;  /* the driver was asked and has not answered yet */
    unsigned fails;    /* dials that failed in a row */
    unsigned sessions; /* live ones of clients behind it (chained AUTH) */
    int64_t retry_ms;  /* not dialled again before this; 0: at once */
};

struct relay_peers {
    struct relay_peer *v;
    size_t n;
};

/* The table of confs[0..n). 0 or RELAY_E_NOMEM. */
int relay_peers_init(struct relay_peers *peers, const struct relay_peer_conf *confs, size_t n)
    __attribute__((warn_unused_result));
void relay_peers_done(struct relay_peers *peers);

/* The peer whose host and port the URI names (host by rfc4975#6.1: without case, addresses by
 * value; port there and equal; msrps for TLS and msrp for plain; transport tcp), or NULL. Of two
 * with one name and port the first. */
struct relay_peer *relay_peers_of_uri(const struct relay_peers *peers, const struct msrp_uri *uri);
/* The TLS peer that one of these verified dNSNames is, without case; no wildcards. NULL: none. */
struct relay_peer *relay_peers_of_names(const struct relay_peers *peers, const char *const *names,
                                        size_t n);

/* May it vouch for this user (an MCData ID)? What stands behind its '@' is one of its domains,
 * without case; no sub-domains, and no port or parameter there. */
bool relay_peer_may_speak_for(const struct relay_peer *peer, struct msrp_str user);

/* May it be dialled at now_ms? Not while it is dialled, or within its wait. */
bool relay_peer_may_dial(const struct relay_peer *peer, int64_t now_ms);
/* A dial ended: one that is up ends the wait; failed ones double it, with up to a quarter of it on
 * top at random (rnd), so that relays that lost the same peer do not come back as one. */
void relay_peer_dialled(struct relay_peer *peer, bool is_up, int64_t now_ms, uint8_t rnd);

#endif
