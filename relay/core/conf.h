/* conf.h - what the core must know to run: plain values, filled by ops/conf or by a test.
 *
 * Every limit is a row of section "Limits" of the reliability contract with its default; the
 * defaults are set by relay_conf_default. Strings are borrowed and outlive the relay. */
#ifndef RELAY_CORE_CONF_H
#define RELAY_CORE_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "msrp/reader.h"

struct relay_auth;         /* relay/auth/claims.h */
struct relay_digest_rules; /* relay/auth/digest.h */
struct relay_peer_conf;    /* relay/route/peer.h */

enum relay_protection {
    RELAY_PROTECTION_REQUIRED,
    RELAY_PROTECTION_ALLOWED,
    RELAY_PROTECTION_AUTO
};

struct relay_conf {
    const char *name;              /* our host in every URI: the FQDN of the certificate's SAN */
    uint16_t port;                 /* our port in every URI */
    const char *service;           /* the service URI, "msrps://NAME:PORT/sds;tcp" */
    const char *realm;             /* of the Bearer challenge */
    const char *scope;             /* "3gpp:mc:data_service" */
    const struct relay_auth *auth; /* token rules; replaced by relay_feed RELAY_IN_AUTH */
    const struct relay_digest_rules *digest; /* users with passwords; NULL: no Digest is offered;
                                                replaced by relay_feed RELAY_IN_DIGEST */

    const struct relay_peer_conf *peers; /* relay/route/peer.h; fixed for the relay's life */
    size_t peers_n;
    bool path_off;             /* path.relaying: off: nothing but the service and keep-alives */
    bool path_foreign;         /* path.foreign: allow: anybody may send to a Use-Path URI of ours */
    bool path_methods;         /* path.methods: forward: unknown methods go on; else they get 501 */
    bool path_signed;          /* path.content: signed: S/MIME only, else 415 (row 26) */
    uint64_t path_message_max; /* path.message: octets of one path-relayed message; 0: no limit */

    bool plaintext_auth;              /* test.plaintext_auth: AUTH on loopback plain listeners */
    enum relay_protection payload;    /* REQUIRED or ALLOWED */
    enum relay_protection signalling; /* AUTO, REQUIRED or ALLOWED */
    bool affiliation_explicit;        /* else implicit: members that are connected */

    /* times, in the unit of the name */
    uint32_t expires_default_s, expires_min_s, expires_max_s; /* Use-Path lifetime: 3600 60 86400 */
    uint32_t skew_s;       /* 30: after expiry plus skew a session is dead */
    uint32_t probation_ms; /* 30000: first good request (row 59) */
    uint32_t head_ms;      /* 10000: a header block must be complete (row 60) */
    uint32_t body_rate_bytes_per_s, body_rate_window_ms; /* 128 over 30000 (row 60) */
    uint32_t keepalive_ms, keepalive_answer_ms;          /* 60000, 30000 */
    uint32_t write_stall_ms;                             /* 30000 */
    uint32_t out_rate_bytes_per_s;       /* 128 over write_stall_ms, while output stands */
    uint32_t transaction_ms;             /* 30000 */
    uint32_t message_idle_ms;            /* 60000: an open message nobody continues (class V) */
    uint32_t pause_max_ms;               /* 10000: all pauses of one message together */
    uint32_t auth_fails, auth_fails_ms;  /* 5 of a source within 60000 */
    uint32_t stopped_ms, stopped_chunks; /* 30000, 8: the ninth late chunk closes */
    uint32_t dedup_ttl_s;                /* 86400 */

    /* sizes and counts */
    struct msrp_limits head;              /* lines, headers, URIs */
    uint64_t message_max;                 /* 15 MiB: octets of one MSRP message */
    uint32_t label_max;                   /* 16384 */
    uint32_t mikey_max;                   /* 8192 */
    uint32_t csk_uploads_max;             /* 64 that wait at once */
    uint32_t gap_max;                     /* 65536 octets held out of order, per message */
    uint32_t gaps_max;                    /* 64 */
    uint32_t open_messages_max;           /* 8 per session */
    uint32_t sessions_per_conn_max;       /* 64 */
    uint32_t sessions_per_peer_max;       /* 10000: of clients behind one peer (chained AUTH) */
    uint32_t conns_per_user_max;          /* 4 */
    uint32_t conns_max;                   /* 10000 */
    uint32_t conns_unauth_per_source_max; /* 64 */
    uint32_t unauth_percent_max;          /* 10 */
    uint32_t out_low, out_high, out_hard; /* 128 KiB, 256 KiB, 1 MiB per connection */
    uint32_t hops_max;                    /* 256 transactions in flight per connection */
    uint32_t dedup_max_per_sender;        /* 20000 */
    uint32_t rate_messages_per_s, rate_messages_burst;     /* 50, 200 per user */
    uint32_t rate_deliveries_per_s, rate_deliveries_burst; /* 2000, 4000 that a user causes */
    uint64_t memory_max;                                   /* slab budget, 256 MiB */
};

/* Fills every member but name, port, service, realm, scope, auth, digest and peers with its
 * default. */
void relay_conf_default(struct relay_conf *conf);

#endif
