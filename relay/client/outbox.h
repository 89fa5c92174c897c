/* outbox.h - what a client has to send: answers first, then letters as chunks. Private to
 * relay/client.
 *
 * A letter goes out as few big chunks whose range-end is '*'. The octets are made just ahead of the
 * wire; when an answer waits, the chunk that is being written is cut (rows C4-C6). */
#ifndef RELAY_CLIENT_OUTBOX_H
#define RELAY_CLIENT_OUTBOX_H

#include "relay/client/letter.h"
#include "relay/client/mark.h"

enum {
    RELAY_OUTBOX_AHEAD = 32 * 1024,  /* octets made ahead of the wire */
    RELAY_OUTBOX_CHUNK = 256 * 1024, /* a chunk ends there, so that a refusal is heard in time */
};

struct relay_outbox {
    struct relay_octets out;     /* ready to be sent, in order */
    struct relay_octets control; /* answers and AUTH: whole frames, next in line */
    uint64_t made, sent;         /* octets ever put into out; of them handed over */
    uint64_t pulled;             /* data octets ever taken from the sources of large letters */

    struct relay_letter *letters; /* in the order they were added; ended ones too */
    struct relay_letter *open;    /* whose chunk is being written, or NULL */
    struct relay_mark mark;       /* of that chunk */
    uint64_t written;             /* body octets of it */
    uint64_t most;                /* it ends there */
};

/* Where letters go; both empty before AUTH. */
struct relay_outbox_route {
    const char *to_path; /* own Use-Path URI, service URI */
    const char *from;    /* own URI */
};

void relay_outbox_done(struct relay_outbox *box); /* frees every letter */

/* Appends a letter; the box owns it. */
void relay_outbox_add(struct relay_outbox *box, struct relay_letter *letter);

/* The next letter that has ended and was not told yet; it is told now, and stays the box's until
 * the next call of relay_outbox_sweep. NULL when there is none. */
struct relay_letter *relay_outbox_ended(struct relay_outbox *box);

/* Frees the letters that were told and owe no octet any more. */
void relay_outbox_sweep(struct relay_outbox *box);

/* Makes octets until enough are ahead. 0, or an error that no letter is to blame for
 * (RELAY_E_NOMEM, RELAY_E_RANDOM): the connection cannot go on. */
int relay_outbox_pump(struct relay_outbox *box, const struct relay_client_random *random,
                      const struct relay_outbox_route *route) __attribute__((warn_unused_result));

/* n octets of out are gone. */
void relay_outbox_sent(struct relay_outbox *box, int64_t now_ms, size_t n);

/* The letter that waits for the response to this transaction; its chunk is struck off. NULL when
 * there is none (row F13). When it was the last one of a complete letter, the letter is SENT. */
struct relay_letter *relay_outbox_answered(struct relay_outbox *box, struct msrp_str tid,
                                           unsigned code);

/* Ends a letter as refused (relay_letter_refuse); when the far side has a part of it, an empty
 * chunk with `#` tells that the rest will not come. row C14 */
void relay_outbox_refuse(struct relay_outbox *box, struct relay_letter *letter, int status,
                         int warning, int err, const char *text);

/* Refuses with 408 every letter that waits too long for an answer (row P4). */
void relay_outbox_expire(struct relay_outbox *box, int64_t now_ms);
int64_t relay_outbox_next_ms(const struct relay_outbox *box); /* -1: never */

#endif
