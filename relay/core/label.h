/* label.h - parts 1-3 of a message: what it is, whom it is for, whether it may go. Private to
 * relay/core. Profile section 4; 24.282 clause 9.2, 11.1, 12.2 and annex D.
 *
 * The label ends with the header block of part 4 or 5, or with the close delimiter. It is read
 * whole before anything is decided. */
#ifndef RELAY_CORE_LABEL_H
#define RELAY_CORE_LABEL_H

#include "relay/core/conn.h"
#include "relay/core/guard.h"
#include "relay/core/walk.h"

enum relay_label_kind {
    RELAY_LABEL_SDS,          /* parts 1, (2), 3, 4, perhaps 5 */
    RELAY_LABEL_NOTIFICATION, /* parts 1, (2), 3 */
    RELAY_LABEL_KEY,          /* parts 1, (2), 5 */
};

enum relay_label_part {
    RELAY_PART_INFO,
    RELAY_PART_TARGETS,
    RELAY_PART_SIGNALLING,
    RELAY_PART_PAYLOAD,
    RELAY_PART_MIKEY,
    RELAY_PARTS
};

struct relay_label {
    enum relay_label_kind kind;
    bool is_group;
    unsigned parts;                           /* bit i: part i has come */
    enum relay_label_part part;               /* the last that began */
    uint32_t at[RELAY_PARTS], n[RELAY_PARTS]; /* of the first three, in slab */
    struct relay_slab *slab, *plain_slab;
    const uint8_t *plain; /* the signalling message, opened */
    size_t plain_n;
    uint8_t conversation[16], message[16];
    uint8_t disposition;             /* type of a notification, 1-5 */
    bool is_ambiguous;               /* not exactly one target */
    char target[RELAY_ID_MAX + 1];   /* user or group, normal form; "" when there is none */
    char of_group[RELAY_ID_MAX + 1]; /* mcdata-calling-group-id that goes out; "": none. As read:
                                        what a notification says */
};

/* Takes one event of the walk while the label is being read. Returns 1 when the label is complete
 * (then the caller takes the walk's slab over into label->slab), 0 when more is to come, or
 * RELAY_E_SDS_PARTS. */
int relay_label_take(struct relay_label *label, const struct relay_walk *walk,
                     const struct relay_walk_event *ev) __attribute__((warn_unused_result));

/* Reads the complete label, which came in on `conn`: first row of the authorisation table. Returns
 * 0; RELAY_E_SDS_PARTS, _INFO, _SIGNALLING, _ENCRYPTED, _MIKEY_GROUP, RELAY_E_NOMEM; RELAY_E_IDENT
 * when it names a sender (mcdata-calling-user-id) other than the connection's; an error of
 * dpp_info_parse, dpp_targets_parse, dpp_msg_parse or relay_guard_open. */
int relay_label_read(struct relay_label *label, const struct relay_conn *conn)
    __attribute__((warn_unused_result));

/* The rows of the authorisation table from the target to the sender's affiliation, in their order,
 * for `sender` and a message of at least `size` octets. Asked again whenever policy changes. */
int relay_label_check(const struct relay_label *label, const struct relay_conf *conf,
                      const struct relay_policy *policy, struct msrp_str sender, uint64_t size)
    __attribute__((warn_unused_result));

/* Octets that the message may have, and the refusal it earns beyond. */
uint64_t relay_label_size_max(const struct relay_label *label, const struct relay_conf *conf,
                              const struct relay_policy *policy, struct msrp_str sender, int *err);

/* Writes the label for the recipient `to`: mcdata-info for him, signalling sealed for him, and the
 * header block of what follows. The close delimiter, or the octets of part 4 or 5, stand behind it
 * (after a notification: CRLF and the close delimiter). Returns the octets written, or
 * RELAY_E_SDS_NO_CSK, RELAY_E_RANDOM, MSRP_E_SPACE, or an error of dpp. */
ssize_t relay_label_print(const struct relay_label *label, const struct relay_conn *to,
                          const char *sender, const char boundary[RELAY_BOUNDARY_N + 1], char *out,
                          size_t cap) __attribute__((warn_unused_result));

/* Header block of part 5 behind part 4: CRLF, delimiter, headers, blank line. And the end. Written
 * into out, octets returned (below 128). */
size_t relay_label_mikey_head(const char boundary[RELAY_BOUNDARY_N + 1], char out[128]);
size_t relay_label_tail(const char boundary[RELAY_BOUNDARY_N + 1], char out[128]);

void relay_label_done(struct relay_label *label); /* harmless on a zeroed one and twice */

#endif
