/* pair.h - the PCKs that a client made: whom for, and whether they have reached him. Private to
 * relay/client. Profile section 7.
 *
 * A PCK of ours travels with every SDS to its peer until the service has taken one of them; where
 * all of them were refused the key is dropped again, so that no key stays that only we hold. */
#ifndef RELAY_CLIENT_PAIR_H
#define RELAY_CLIENT_PAIR_H

#include "relay/client/letter.h"

enum {
    RELAY_PAIR_MAX = 64,         /* remembered; then the oldest that owes no event is forgotten */
    RELAY_PAIR_ANSWER_MS = 10000 /* an unknown PCK-ID is answered once in so long */
};

struct relay_pair {
    char peer[DPP_URI_MAX + 1];
    uint32_t id;         /* of the PCK */
    int64_t answered_ms; /* when it last went out as an answer; -1: never */
    bool owes_event;     /* KEYED is to be given */
    bool is_held;        /* the peer has it, as far as the service knows */
    bool is_used;        /* something of the peer's opened under it */
    bool is_dropped;
};

struct relay_pairs {
    struct relay_pair *rows; /* RELAY_PAIR_MAX of them once there is one */
    size_t n;
    uint64_t turns;
};

/* What keying needs of its client; all borrowed. */
struct relay_pair_of {
    const struct relay_client_conf *conf;
    const struct relay_client_random *random;
    struct relay_client_now now;
};

void relay_pairs_done(struct relay_pairs *pairs);

/* The PCK to write to `to` with: what the store has for the pair, else a fresh one that is put
 * there. *mikey: its I_MESSAGE in `octets` as long as the peer may lack it, else n 0. 0;
 * RELAY_E_TOO_MANY_OPEN when too many events are not taken; RELAY_E_RANDOM, RELAY_E_NOMEM, DPP_E_*.
 */
int relay_pair_key(struct relay_pairs *pairs, const struct relay_pair_of *of, const char *to,
                   const struct dpp_key **key, uint8_t octets[DPP_MIKEY_MAX],
                   struct relay_letter_mikey *mikey) __attribute__((warn_unused_result));

/* `from` wrote under a PCK that is not held: a PCK goes back, the same as before while he has not
 * used it. *mikey n 0: not now (answered within RELAY_PAIR_ANSWER_MS). As relay_pair_key. */
int relay_pair_answer(struct relay_pairs *pairs, const struct relay_pair_of *of, const char *from,
                      uint8_t octets[DPP_MIKEY_MAX], struct relay_letter_mikey *mikey)
    __attribute__((warn_unused_result));

/* Something of the peer's opened under this key. */
void relay_pair_used(struct relay_pairs *pairs, uint32_t id);

/* A letter that brings a PCK has ended; others: more letters with it are on their way. */
void relay_pair_ended(struct relay_pairs *pairs, const struct relay_client_conf *conf, uint32_t id,
                      bool is_sent, bool others);

/* The next KEYED that is due; false when there is none. */
bool relay_pair_next(struct relay_pairs *pairs, struct relay_client_event *event);
bool relay_pair_is_due(const struct relay_pairs *pairs);

#endif
