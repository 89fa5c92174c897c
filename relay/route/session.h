/* session.h - authorised sessions, found by the session part of their Use-Path URI.
 *
 * The id carries 128 random bits and is the only proof a request brings, so it is found through a
 * keyed hash and then compared in constant time (threats T18, T35). */
#ifndef RELAY_ROUTE_SESSION_H
#define RELAY_ROUTE_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "msrp/str.h"
#include "relay/route/hash.h"

struct relay_conn; /* relay/core/conn.h; only carried here */
struct relay_peer; /* relay/route/peer.h; only carried here */

/* One authorised session: a Use-Path URI of ours, valid on one connection; or, where `peer` is set,
 * on any connection of that peer. Those of peers get path relaying only: whoever asks the MCData
 * service for one of them gets 403 (profile 2.7). */
struct relay_session {
    struct relay_session *next;        /* on the connection, oldest first */
    struct relay_session *next_in_row; /* in the table */
    struct relay_conn *conn;           /* its owner; NULL for a session of a peer */
    struct relay_peer *peer;           /* its owner sits behind this relay: the session is good on
                                          any connection of it (chained AUTH); NULL: a client's */
    const char *user;                  /* MCData ID: the connection's, or of a peer's session its
                                          own (allocated with the session) */
    char id[MSRP_IDENT_MADE + 1];      /* the session part of the Use-Path URI: 128 random bits */
    bool ended;                        /* expired or revoked: its answer is 481 for ever */
    uint32_t hash;                     /* keyed hash of id, for logs */
    uint32_t open_messages;            /* counted by the service */
    int64_t dead_s;                    /* unix second of its expiry; the skew is added on check */
    char *remote;                      /* the From-Path of its AUTH: To-Path of what we send */
    char *iss; /* issuer of its token, "" for a Digest user; with the key, or with the tag of the */
    char *kid; /* user, to look at again when the rules change */
};

/* The table. */
struct relay_sessions {
    struct relay_session **rows;
    size_t rows_n, n;
    struct relay_hash key;
};

/* An empty table; 0 or RELAY_E_NOMEM. */
int relay_sessions_init(struct relay_sessions *table, const struct relay_hash *key)
    __attribute__((warn_unused_result));
/* Frees the table; the sessions in it belong to their connections and are gone before. */
void relay_sessions_done(struct relay_sessions *table);

/* A session with an id made from 16 random octets and copies of the texts, in the table; NULL
 * without memory. */
struct relay_session *relay_session_new(struct relay_sessions *table, struct relay_conn *conn,
                                        const uint8_t rnd[16], struct msrp_str remote,
                                        const char *iss, const char *kid)
    __attribute__((warn_unused_result));
/* The same for a client behind a peer, with a copy of its MCData ID. */
struct relay_session *relay_session_new_of_peer(struct relay_sessions *table,
                                                struct relay_peer *peer, const uint8_t rnd[16],
                                                struct msrp_str user, struct msrp_str remote,
                                                const char *iss, const char *kid)
    __attribute__((warn_unused_result));
/* Its token was replaced by one of this issuer and key. 0 or RELAY_E_NOMEM. */
int relay_session_set_issuer(struct relay_session *session, const char *iss, const char *kid)
    __attribute__((warn_unused_result));
/* Takes it out of the table and frees it; NULL is allowed. */
void relay_session_free(struct relay_sessions *table, struct relay_session *session);

/* The session with this id, ended or not, whoever owns it; NULL when there is none. */
struct relay_session *relay_sessions_find(const struct relay_sessions *table, struct msrp_str id);

#endif
