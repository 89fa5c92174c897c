#include "relay/route/session.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "relay/err.h"

enum { ROWS = 256 };

int relay_sessions_init(struct relay_sessions *table, const struct relay_hash *key)
{
    *table = (struct relay_sessions){.key = *key, .rows_n = ROWS};
    table->rows = calloc(table->rows_n, sizeof(struct relay_session *));
    return table->rows ? 0 : RELAY_E_NOMEM;
}

void relay_sessions_done(struct relay_sessions *table)
{
    free(table->rows);
    *table = (struct relay_sessions){.rows_n = 0};
}

static struct relay_session **row_of(const struct relay_sessions *table, const char *id, size_t n)
{
    return &table->rows[relay_hash_of(&table->key, id, n) % table->rows_n];
}

/* Twice the rows. Without memory the chains grow longer: slower, never wrong. */
static void grow(struct relay_sessions *table)
{
    struct relay_sessions wide = {.key = table->key, .rows_n = table->rows_n * 2, .n = table->n};

    wide.rows = calloc(wide.rows_n, sizeof(struct relay_session *));
    if (!wide.rows)
        return;
    for (size_t i = 0; i < table->rows_n; i++) {
        while (table->rows[i]) {
            struct relay_session *session = table->rows[i];
            table->rows[i] = session->next_in_row;
            struct relay_session **row = row_of(&wide, session->id, MSRP_IDENT_MADE);
            session->next_in_row = *row;
            *row = session;
        }
    }
    free(table->rows);
    *table = wide;
}

int relay_session_set_issuer(struct relay_session *session, const char *iss, const char *kid)
{
    size_t iss_n = strlen(iss) + 1, kid_n = strlen(kid) + 1;
    char *both = malloc(iss_n + kid_n);

    if (!both)
        return RELAY_E_NOMEM;
    memcpy(both, iss, iss_n);
    memcpy(both + iss_n, kid, kid_n);
    free(session->iss);
    session->iss = both;
    session->kid = both + iss_n;
    return 0;
}

/* user.p NULL: the session has none of its own. */
static struct relay_session *make(struct relay_sessions *table, const uint8_t rnd[16],
                                  struct msrp_str user, struct msrp_str remote, const char *iss,
                                  const char *kid)
{
    struct relay_session *session = malloc(sizeof *session + remote.n + user.n + 2);

    if (!session)
        return NULL;
    *session = (struct relay_session){.conn = NULL};
    session->remote = (char *)(session + 1);
    memcpy(session->remote, remote.p, remote.n);
    session->remote[remote.n] = '\0';
    if (user.p) {
        char *own = session->remote + remote.n + 1;
        memcpy(own, user.p, user.n);
        own[user.n] = '\0';
        session->user = own;
    }
    if (relay_session_set_issuer(session, iss, kid) < 0) {
        free(session);
        return NULL;
    }
    msrp_str_ident_make(session->id, rnd);
    if (table->n >= table->rows_n)
        grow(table);

    uint64_t hash = relay_hash_of(&table->key, session->id, MSRP_IDENT_MADE);
    session->hash = (uint32_t)(hash >> 16);
    struct relay_session **row = &table->rows[hash % table->rows_n];
    session->next_in_row = *row;
    *row = session;
    table->n++;
    return session;
}

struct relay_session *relay_session_new(struct relay_sessions *table, struct relay_conn *conn,
                                        const uint8_t rnd[16], struct msrp_str remote,
                                        const char *iss, const char *kid)
{
    struct relay_session *session = make(table, rnd, (struct msrp_str){NULL, 0}, remote, iss, kid);

    if (session)
        session->conn = conn;
    return session;
}

struct relay_session *relay_session_new_of_peer(struct relay_sessions *table,
                                                struct relay_peer *peer, const uint8_t rnd[16],
                                                struct msrp_str user, struct msrp_str remote,
                                                const char *iss, const char *kid)
{
    struct relay_session *session = make(table, rnd, user, remote, iss, kid);

    if (session)
        session->peer = peer;
    return session;
}

void relay_session_free(struct relay_sessions *table, struct relay_session *session)
{
    if (!session)
        return;
    for (struct relay_session **link = row_of(table, session->id, MSRP_IDENT_MADE); *link;
         link = &(*link)->next_in_row) {
        if (*link == session) {
            *link = session->next_in_row;
            table->n--;
            break;
        }
    }
    OPENSSL_cleanse(session->id, sizeof session->id);
    free(session->iss);
    free(session);
}

struct relay_session *relay_sessions_find(const struct relay_sessions *table, struct msrp_str id)
{
    if (id.n != MSRP_IDENT_MADE)
        return NULL;

    struct relay_session *session = *row_of(table, id.p, id.n);
    while (session && CRYPTO_memcmp(session->id, id.p, id.n) != 0)
        session = session->next_in_row;
    return session;
}
