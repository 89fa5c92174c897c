/* fetch.h - HTTPS requests of ours, and the two that get a user's keys from his KMS. Blocking: for
 * commands and for worker threads, never on the loop.
 *
 * TLS 1.2 or newer; the server's certificate is checked against the CA given and the host of the
 * URL; no redirect is followed, no proxy of the environment is used, nothing but https is spoken.
 * What libcurl and TLS held of the answer is wiped when it is freed. */
#ifndef RELAY_LOOP_FETCH_H
#define RELAY_LOOP_FETCH_H

#include <stdatomic.h>

#include "dpp/keys/ring.h"
#include "relay/err.h"

enum {
    RELAY_FETCH_BODY_MAX = 262144,  /* octets of an answer */
    RELAY_FETCH_TIMEOUT_MS = 20000, /* of one request, from its start to its end */
};

/* Before the first thread of the process that fetches, once. 0 or RELAY_E_NOMEM. */
int relay_fetch_init(void) __attribute__((warn_unused_result));

/* One POST. Strings are borrowed for the call. */
struct relay_fetch {
    const char *url;     /* https://HOST[:PORT]/PATH */
    const char *connect; /* ADDR:PORT to connect to instead of asking DNS; NULL: none */
    const char *ca;      /* file of PEM certificates to trust; NULL: those of the system */
    const char *token;   /* goes out as Authorization: Bearer; NULL: none */
    const char *type;    /* Content-Type of the body */
    const char *body;
    size_t body_n;
    const atomic_bool *stop; /* looked at once a second: true gives it up; NULL: none */
};

struct relay_fetched {
    int status; /* of HTTP */
    char *body; /* of the answer, followed by a NUL; NULL when there is none */
    size_t body_n;
    char why[256]; /* after an error: a sentence for a person, no secret */
};

/* Asks and waits. 0 whatever the status; RELAY_E_IO (no connection, or it broke), RELAY_E_TLS (the
 * certificate is not to be trusted, or the handshake failed), RELAY_E_CONF (not https, a malformed
 * URL or --connect, no such CA file), RELAY_E_TOO_LARGE, RELAY_E_STALE (out of time),
 * RELAY_E_STOPPED, RELAY_E_NOMEM. */
int relay_fetch(const struct relay_fetch *fetch, struct relay_fetched *got)
    __attribute__((warn_unused_result));
void relay_fetch_done(struct relay_fetched *got); /* wipes the body */

/* Whose keys, and from where. */
struct relay_kms_fetch {
    const char *url;     /* https://HOST:PORT of the KMS, without a path */
    const char *kms_uri; /* NULL: HOST, until the certificate says */
    const char *connect, *ca, *token;
    const char *user;        /* MC service ID, or MDSI of a relay: that in the token */
    const atomic_bool *stop; /* as in relay_fetch */
};

/* What a KMS gave. */
struct relay_kms_got {
    struct dpp_ring *ring; /* all checks of dpp_ring_add passed */
    char *xml[2];          /* the answers to /init and /keyprov, for relay_keydir_write_set */
    size_t xml_n[2];
    char why[512]; /* after an error: a sentence for a person, no secret */
};

/* Asks /init, then /keyprov, and checks what came: the certificate, SSK and RSK of every key set.
 * now_s is the time of the requests. Returns 0 and *got; what relay_fetch says; DPP_E_KMS_ERROR
 * (an answer other than 200, or a KmsError); what dpp_kms_parse and dpp_ring_add say,
 * DPP_E_KMS_ABSENT also where no key set came. On an error nothing but `why` is left in *got. */
int relay_kms_fetch(const struct relay_kms_fetch *from, int64_t now_s, struct relay_kms_got *got)
    __attribute__((warn_unused_result));
void relay_kms_fetch_done(struct relay_kms_got *got); /* wipes and frees all of it */

#endif
