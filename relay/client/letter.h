/* letter.h - one outgoing message: its multipart, made piece by piece. Private to relay/client.
 *
 * What fits one protected frame is made whole at once. Anything larger keeps one sealing context
 * and one frame: the next frame is pulled from the source, sealed in place and given out when the
 * one before is gone (profile section 4, part 4). */
#ifndef RELAY_CLIENT_LETTER_H
#define RELAY_CLIENT_LETTER_H

#include "msrp/msrp.h"
#include "relay/client/client.h"
#include "relay/client/octets.h"

/* A chunk that is written and waits for its response. */
struct relay_letter_chunk {
    char tid[MSRP_IDENT_MADE + 1];
    uint64_t end;    /* position of its last octet + 1 in the whole output stream */
    int64_t sent_ms; /* when that octet was handed over; -1: not yet */
};

enum relay_letter_state {
    RELAY_LETTER_OPEN,    /* waits, is being written, or has chunks unanswered */
    RELAY_LETTER_SENT,    /* all octets answered 200 */
    RELAY_LETTER_REFUSED, /* see status, err, text */
};

struct relay_letter {
    struct relay_letter *next;
    uint64_t id; /* the caller's number; 0: an answered disposition */
    char message_id[MSRP_IDENT_MADE + 1];
    char boundary[MSRP_IDENT_MADE + 1];
    uint64_t size;   /* data octets */
    uint32_t key_id; /* of the PCK of ours that it brings; 0: none (a PCK-ID is never 0) */
    bool is_upload;  /* a bare I_MESSAGE for the service */

    struct relay_octets head; /* label; for a small letter the whole body */
    size_t label_n;           /* octets of the label: a first chunk that the relay can decide on */
    bool is_many;             /* frames follow the head, then the tail */
    bool is_sealed;
    struct dpp_seal seal; /* kept from frame to frame */
    uint8_t content_type, parts, seq;
    uint32_t payload_id;
    uint64_t time_s;
    uint64_t pulled; /* data octets taken from the source */
    const uint8_t *data;
    ssize_t (*read)(void *ctx, void *p, size_t n);
    void *ctx;
    struct relay_octets frame;
    bool has_tail;

    struct msrp_split split;
    struct relay_letter_chunk *chunks; /* unanswered, oldest first */
    size_t chunks_n, chunks_cap;
    bool owes_abort; /* an empty chunk with `#` must go out */

    enum relay_letter_state state;
    bool is_told; /* its end was given to the caller */
    int status, warning, err;
    char text[256];
};

/* An I_MESSAGE, copied into the letter; n 0: none. */
struct relay_letter_mikey {
    const void *p;
    size_t n;
    uint32_t key_id; /* see struct relay_letter */
};

/* Who writes: what a letter needs of its client. */
struct relay_letter_from {
    const struct relay_client_random *random;
    const struct dpp_key *csk; /* NULL: plain signalling */
    int64_t unix_s;
    const struct relay_letter_mikey *mikey; /* part 5 of a small SDS; NULL: none */
};

/* Does an SDS of so many data octets fit one frame? Only such a one takes part 5: a receiver would
 * have to keep a larger one until its key comes behind it. */
bool relay_letter_is_small(uint64_t size);

/* Makes the letter of an SDS; sds is borrowed but for its data source. NULL with *err:
 * RELAY_E_SDS_TARGET, RELAY_E_TOO_LARGE, RELAY_E_IO (the source), RELAY_E_RANDOM, RELAY_E_NOMEM,
 * DPP_E_*. Fills the ids unless they are given. */
struct relay_letter *relay_letter_sds(const struct relay_letter_from *from,
                                      struct relay_client_sds *sds, int *err)
    __attribute__((warn_unused_result));

/* A key-only message for `to`; to NULL: a CSK for the service. NULL with *err: RELAY_E_SDS_TARGET,
 * RELAY_E_RANDOM, RELAY_E_NOMEM, DPP_E_*. Profile sections 4 and 6. */
struct relay_letter *relay_letter_key(const struct relay_client_random *random, const char *to,
                                      const struct relay_letter_mikey *mikey, int *err)
    __attribute__((warn_unused_result));

/* A disposition notification about a message of `to` (in `group`, "" when one-to-one), type 1..5.
 * ts24282#12.2.1.1 */
struct relay_letter *relay_letter_notification(const struct relay_letter_from *from, const char *to,
                                               const char *group, const uint8_t conversation[16],
                                               const uint8_t message[16], uint8_t type, int *err)
    __attribute__((warn_unused_result));

void relay_letter_free(struct relay_letter *letter); /* NULL is allowed */

/* The next octets of the body that relay_letter_took has not passed: their number, at least one, or
 * 0 at the end; RELAY_E_IO when the source ended early or failed, RELAY_E_RANDOM, DPP_E_*. */
ssize_t relay_letter_peek(struct relay_letter *letter, const struct relay_client_random *random,
                          const char **p) __attribute__((warn_unused_result));
void relay_letter_took(struct relay_letter *letter, size_t n);

/* Marks the end: refused with a reason, unless it has ended already. text may be NULL: the text of
 * err. */
void relay_letter_refuse(struct relay_letter *letter, int status, int warning, int err,
                         const char *text);

#endif
