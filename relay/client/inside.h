/* inside.h - a client from inside: what client.c, hear.c and keyed.c share. Private to
 * relay/client. */
#ifndef RELAY_CLIENT_INSIDE_H
#define RELAY_CLIENT_INSIDE_H

#include "relay/client/inbox.h"
#include "relay/client/outbox.h"
#include "relay/client/pair.h"

enum relay_client_state {
    RELAY_CLIENT_NEW,
    RELAY_CLIENT_OPEN,  /* AUTH is out or answered */
    RELAY_CLIENT_ENDED, /* nothing more is sent or read; events may be left */
    RELAY_CLIENT_OVER,  /* CLOSED was taken */
};

enum { RELAY_LATE_MAX = 64 };

/* The request that is being received: what its answer needs, when its head is gone. */
struct relay_heard {
    struct msrp_head head; /* flags and numbers only: its spans are dead */
    char tid[MSRP_IDENT_MAX + 1];
    char to[MSRP_URI_MAX + 1];
    int code; /* the answer; 0: none is due */
    struct relay_inbox *inbox;
};

/* A message that was SENT: a REPORT may still tell that it failed. */
struct relay_late {
    char message_id[MSRP_IDENT_MADE + 1];
    uint64_t id;
};

struct relay_client {
    struct relay_client_conf conf;
    struct relay_client_random random;
    struct relay_client_counts counts;
    enum relay_client_state state;
    char own[MSRP_URI_MAX + 1]; /* our end of every path; a name nobody can dial */
    char use_path[MSRP_URI_MAX + 1];
    char service[MSRP_URI_MAX + 1];
    char to_path[2 * MSRP_URI_MAX + 2];

    struct msrp_reader reader;
    char *in;
    size_t in_at, in_n;
    struct relay_heard request;
    struct msrp_str body; /* of the request, inside `in`, not fed yet */
    struct relay_inbox *inboxes;
    size_t inboxes_n;
    uint64_t next_in, next_out;
    struct relay_past past;

    struct relay_outbox box;
    struct relay_late late[RELAY_LATE_MAX];
    size_t late_at;

    char auth_tid[MSRP_IDENT_MADE + 1]; /* "" when no AUTH is under way */
    int64_t auth_ms;                    /* its answer is due then */
    int64_t renew_ms;                   /* -1: never */
    bool is_ready;                      /* READY is to be given */
    struct relay_pairs pairs;
    struct dpp_key *csk; /* made for this connection; conf.csk once the relay has it */
    bool owes_csk;       /* it is to be made and uploaded before READY */
    uint32_t expires_s;
    struct relay_client_event owed; /* the DONE taken last, while it asks for a disposition */
    struct relay_client_event end;  /* CLOSED, once state is ENDED */
};

/* Nothing works any more: what waits is refused or lost, CLOSED will say why; the first reason
 * stands. text NULL: the text of err. */
void relay_client_end(struct relay_client *client, int status, int err, const char *text);

/* One step of the reader over the received octets: answers what earns one, sorts bodies into
 * inboxes. False when it needs more octets. *got: event was filled. */
bool relay_hear_next(struct relay_client *client, int64_t now_ms, struct relay_client_event *event,
                     bool *got) __attribute__((warn_unused_result));

/* --- keyed.c: what a client does with keying.h and pair.h --- */

/* The key of an SDS where the caller leaves it to us, and the I_MESSAGE in `octets` that its peer
 * needs (n 0: none). 0, DPP_E_KEY_ABSENT, or as relay_pair_key. */
int relay_keyed_choose(struct relay_client *client, const struct relay_client_now *now,
                       const struct relay_client_sds *sds, const struct dpp_key **key,
                       uint8_t octets[DPP_MIKEY_MAX], struct relay_letter_mikey *mikey)
    __attribute__((warn_unused_result));

/* Queues a key for a peer (NULL: a CSK for the service) as an answer of ours. 0 or as
 * relay_letter_key. */
int relay_keyed_queue(struct relay_client *client, const char *to,
                      const struct relay_letter_mikey *mikey) __attribute__((warn_unused_result));

/* A letter that would have brought this PCK did not come to be, or was refused; 0: none. */
void relay_keyed_forget(struct relay_client *client, uint32_t key_id);

/* A fresh CSK for this connection, on its way to the relay; then what the relay says to it. Profile
 * section 6. */
void relay_keyed_upload(struct relay_client *client, const struct relay_client_now *now);
void relay_keyed_uploaded(struct relay_client *client, const struct relay_letter *letter);

/* A fresh PCK for who wrote under one that we lack. Profile section 7. */
void relay_keyed_answer(struct relay_client *client, const char *from,
                        const struct relay_client_now *now);

#endif
