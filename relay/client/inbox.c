#include "relay/client/inbox.h"

#include <stdlib.h>
#include <string.h>

#include "dpp/sds/info.h"
#include "relay/client/keying.h"
#include "relay/client/opener.h"
#include "relay/client/say.h"
#include "relay/err.h"

enum {
    MESSAGE_MAX = 17 * 1024 * 1024, /* 255 frames and a label */
    LABEL_PART_MAX = 16384,
};

struct relay_inbox_held {
    struct relay_inbox_held *next;
    uint64_t from;
    size_t n;
    char octets[];
};

struct relay_inbox *relay_inbox_new(uint64_t id, struct msrp_str message_id,
                                    struct msrp_str boundary)
{
    struct relay_inbox *inbox = calloc(1, sizeof(*inbox));
    if (inbox == NULL || message_id.n > MSRP_IDENT_MAX) {
        free(inbox);
        return NULL;
    }
    inbox->id = id;
    memcpy(inbox->message_id, message_id.p, message_id.n);
    inbox->need = 1;
    msrp_join_init(&inbox->join, inbox->runs, MSRP_RANGE_RUNS, MESSAGE_MAX, MSRP_JOIN_HELD);
    int rc = msrp_mime_init(&inbox->mime, boundary, 0);
    if (rc != 0) {
        relay_inbox_lose(inbox, rc);
    }
    return inbox;
}

static void drop_held(struct relay_inbox *inbox)
{
    while (inbox->held != NULL) {
        struct relay_inbox_held *held = inbox->held;
        inbox->held = held->next;
        free(held);
    }
}

void relay_inbox_free(struct relay_inbox *inbox)
{
    if (inbox == NULL) {
        return;
    }
    drop_held(inbox);
    relay_octets_done(&inbox->stage);
    relay_octets_done(&inbox->piece);
    relay_octets_done(&inbox->plain);
    relay_octets_done(&inbox->sealed);
    dpp_seal_done(&inbox->seal);
    free(inbox->frames.frames);
    free(inbox);
}

void relay_inbox_lose(struct relay_inbox *inbox, int err)
{
    if (inbox->err == 0 && !inbox->is_done) {
        inbox->err = err;
        inbox->data.n = 0;
        inbox->walked = 0;
        inbox->has_payload = inbox->is_waiting = inbox->opens_sealed = false;
        drop_held(inbox);
        relay_octets_done(&inbox->stage);
        relay_octets_done(&inbox->piece);
        relay_octets_done(&inbox->plain);
        relay_octets_done(&inbox->sealed);
    }
}

void relay_inbox_begin(struct relay_inbox *inbox, const struct msrp_byte_range *range,
                       int64_t now_ms)
{
    if (inbox->err == 0) {
        int rc = msrp_join_begin(&inbox->join, range, now_ms);
        if (rc != 0) {
            relay_inbox_lose(inbox, rc);
        }
    }
}

static int hold(struct relay_inbox *inbox, uint64_t from, const char *p, size_t n)
{
    struct relay_inbox_held *held = malloc(sizeof(*held) + n);
    if (held == NULL) {
        return RELAY_E_NOMEM;
    }
    held->next = inbox->held;
    held->from = from;
    held->n = n;
    memcpy(held->octets, p, n);
    inbox->held = held;
    return 0;
}

/* Held runs begin where a gap ended, so a piece always begins where the one before it ends. */
static int deliver_held(struct relay_inbox *inbox, struct msrp_run run)
{
    while (run.from < run.to) {
        struct relay_inbox_held **at = &inbox->held;
        while (*at != NULL && (*at)->from != run.from) {
            at = &(*at)->next;
        }
        struct relay_inbox_held *held = *at;
        if (held == NULL) {
            return RELAY_E_TOO_MANY_GAPS;
        }
        int rc = relay_octets_put(&inbox->stage, held->octets, held->n);
        run.from += held->n;
        *at = held->next;
        free(held);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

void relay_inbox_feed(struct relay_inbox *inbox, struct msrp_str octets)
{
    struct msrp_piece piece;
    struct msrp_run run;
    int rc = 0;
    while (octets.n > 0 && inbox->err == 0) {
        rc = msrp_join_feed(&inbox->join, octets.n, &piece);
        if (rc == 0 && piece.kind == MSRP_JOIN_DELIVER) {
            rc = relay_octets_put(&inbox->stage, octets.p, piece.n);
        } else if (rc == 0 && piece.kind == MSRP_JOIN_HOLD) {
            rc = hold(inbox, piece.from, octets.p, piece.n);
        }
        while (rc == 0 && msrp_join_take(&inbox->join, &run)) {
            rc = deliver_held(inbox, run);
        }
        if (rc != 0) {
            relay_inbox_lose(inbox, rc);
            return;
        }
        octets.p += piece.n;
        octets.n -= piece.n;
    }
}

void relay_inbox_end(struct relay_inbox *inbox, char flag, int64_t now_ms)
{
    if (inbox->err == 0) {
        int rc = msrp_join_end(&inbox->join, flag, now_ms);
        if (rc != 0) {
            relay_inbox_lose(inbox, rc);
        }
    }
    if (inbox->err == 0 && msrp_join_is_complete(&inbox->join)) {
        /* all of it was walked before the end-line was read: the answer can tell */
        int rc = msrp_mime_finish(&inbox->mime, relay_octets_left(&inbox->stage));
        if (rc != 0) {
            relay_inbox_lose(inbox, rc);
        }
    }
    inbox->is_over = inbox->err != 0 ? flag != '+' : msrp_join_is_complete(&inbox->join);
}

static struct relay_client_event *give(struct relay_inbox *inbox, struct relay_client_event *event,
                                       enum relay_client_event_kind kind)
{
    *event = inbox->label;
    event->kind = kind;
    event->id = inbox->id;
    return event;
}

/* The label is complete: who speaks is what the relay's info says. */
static int check_label(struct relay_inbox *inbox, const struct relay_inbox_to *to)
{
    unsigned label = 1u << RELAY_INBOX_INFO | 1u << RELAY_INBOX_SIGNALLING;
    if ((inbox->seen & label) != label) {
        return RELAY_E_SDS_PARTS;
    }
    if (inbox->is_group && inbox->is_notification) {
        return RELAY_E_SDS_INFO;
    }
    if (!inbox->is_group && !inbox->is_notification) {
        inbox->label.group[0] = '\0';
    }
    inbox->is_swallowed = relay_past_has(to->past, inbox->label.from, inbox->label.conversation,
                                         inbox->label.message, inbox->label.notification);
    to->counts->duplicates += inbox->is_swallowed ? 1 : 0;
    return 0;
}

/* A part begins. Returns 1 when MESSAGE is to be given. */
static int begin_part(struct relay_inbox *inbox, const struct relay_inbox_to *to,
                      struct msrp_str type)
{
    struct msrp_media media;
    int rc = type.n > 0 ? msrp_mime_parse_type(&media, type) : RELAY_E_SDS_PARTS;
    if (rc != 0) {
        return rc;
    }
    inbox->part =
        msrp_mime_is(&media, "application", "vnd.3gpp.mcdata-info+xml")     ? RELAY_INBOX_INFO
        : msrp_mime_is(&media, "application", "vnd.3gpp.mcdata-signalling") ? RELAY_INBOX_SIGNALLING
        : msrp_mime_is(&media, "application", "vnd.3gpp.mcdata-payload")    ? RELAY_INBOX_PAYLOAD
        : msrp_mime_is(&media, "application", "mikey")                      ? RELAY_INBOX_MIKEY
                                                                            : RELAY_INBOX_OTHER;
    unsigned bit = 1u << inbox->part;
    if (inbox->part != RELAY_INBOX_OTHER && (inbox->seen & bit) != 0) {
        return RELAY_E_SDS_PARTS;
    }
    inbox->seen |= bit;
    if (inbox->part == RELAY_INBOX_MIKEY) { /* its sender is whom the info names */
        bool has_info = (inbox->seen & 1u << RELAY_INBOX_INFO) != 0;
        return has_info && !inbox->is_group && !inbox->is_notification ? 0 : RELAY_E_SDS_PARTS;
    }
    if (inbox->part != RELAY_INBOX_PAYLOAD) {
        return 0;
    }
    rc = check_label(inbox, to);
    if (rc != 0 || inbox->is_notification) {
        return rc != 0 ? rc : RELAY_E_SDS_PARTS;
    }
    dpp_frame_check_init(&inbox->check, inbox->is_group ? DPP_ROLE_GMK : DPP_ROLE_PCK,
                         !to->conf->accepts_plain);
    inbox->is_announced = !inbox->is_swallowed;
    return inbox->is_announced ? 1 : 0;
}

/* Returns 1 when `event` was filled. */
static int end_part(struct relay_inbox *inbox, const struct relay_inbox_to *to, int64_t unix_s,
                    struct relay_client_event *event)
{
    int rc = 0;
    if (inbox->part == RELAY_INBOX_INFO) {
        rc = relay_opener_info(inbox, to);
    } else if (inbox->part == RELAY_INBOX_SIGNALLING) {
        rc = relay_opener_signalling(inbox, to, unix_s);
    } else if (inbox->part == RELAY_INBOX_MIKEY && !inbox->is_swallowed) {
        relay_keying_take(to->conf, inbox->label.from, unix_s, inbox->piece.p, inbox->piece.n,
                          event);
        event->id = inbox->id;
        inbox->opens_sealed = inbox->sealed.n > 0;
        rc = 1;
    }
    relay_octets_done(&inbox->piece);
    inbox->part = RELAY_INBOX_NOTHING;
    return rc;
}

/* Uses what it can of the part's octets. Returns 1 when `event` was filled. */
static int use_data(struct relay_inbox *inbox, const struct relay_inbox_to *to, int64_t unix_s,
                    struct relay_client_event *event)
{
    struct msrp_str data = inbox->data;
    if (inbox->part == RELAY_INBOX_PAYLOAD && !inbox->is_swallowed) {
        return relay_opener_payload(inbox, to, unix_s, event);
    }
    inbox->data.n = 0;
    if (inbox->part == RELAY_INBOX_MIKEY && data.n > DPP_MIKEY_MAX - inbox->piece.n) {
        return RELAY_E_SDS_MIKEY_LONG;
    }
    if (inbox->part != RELAY_INBOX_INFO && inbox->part != RELAY_INBOX_SIGNALLING &&
        inbox->part != RELAY_INBOX_MIKEY) {
        return 0;
    }
    if (data.n > LABEL_PART_MAX - inbox->piece.n) {
        return RELAY_E_SDS_LABEL_LONG;
    }
    return relay_octets_put(&inbox->piece, data.p, data.n);
}

/* All octets are there. Returns 1 when DONE or NOTIFICATION is to be given. */
static int conclude(struct relay_inbox *inbox, const struct relay_inbox_to *to, int64_t unix_s)
{
    int rc = 0;
    if ((inbox->seen & ~(1u << RELAY_INBOX_OTHER)) ==
        (1u << RELAY_INBOX_INFO | 1u << RELAY_INBOX_MIKEY)) {
        inbox->is_done = true; /* a key-only message: KEYED or KEY_REFUSED has told it */
        return 0;
    }
    if ((inbox->seen & 1u << RELAY_INBOX_PAYLOAD) == 0) {
        rc = check_label(inbox, to);
        rc = rc == 0 && !inbox->is_notification ? RELAY_E_SDS_PARTS : rc;
    } else if (!inbox->is_swallowed) {
        rc = dpp_frame_end(&inbox->check);
    }
    if (rc != 0) {
        return rc;
    }
    inbox->is_done = true;
    if (inbox->is_swallowed) {
        return 0;
    }
    for (size_t i = 0; i < inbox->frames.n; i++) {
        rc = dpp_replay_add(to->past->replay, unix_s, &inbox->frames.frames[i]);
        if (rc != 0) {
            inbox->is_done = false;
            to->counts->replays++;
            return rc;
        }
    }
    relay_past_add(to->past, inbox->label.from, inbox->label.conversation, inbox->label.message,
                   inbox->label.notification);
    return 1;
}

/* One step of the walker. Returns 1 when `event` was filled, 0 to go on, an error; *more when it
 * needs more octets. */
static int walk(struct relay_inbox *inbox, const struct relay_inbox_to *to, int64_t unix_s,
                struct relay_client_event *event, bool *more)
{
    struct msrp_mime_event part;
    relay_octets_eat(&inbox->stage, inbox->walked);
    inbox->walked = 0;
    ssize_t used = msrp_mime_next(&inbox->mime, inbox->stage.p + inbox->stage.at,
                                  relay_octets_left(&inbox->stage), &part);
    if (used < 0) {
        return (int)used;
    }
    inbox->walked = (size_t)used;
    int rc = 0;
    switch (part.kind) {
    case MSRP_MIME_PART:
        rc = begin_part(inbox, to, part.content_type);
        if (rc == 1) {
            give(inbox, event, RELAY_CLIENT_MESSAGE);
        }
        return rc;
    case MSRP_MIME_DATA:
        inbox->data = part.data;
        if (inbox->part == RELAY_INBOX_PAYLOAD && !inbox->is_swallowed) {
            ssize_t passed =
                dpp_frame_feed(&inbox->check, (const uint8_t *)part.data.p, part.data.n);
            return passed < 0 ? (int)passed : 0;
        }
        return 0;
    case MSRP_MIME_PART_END:
        return end_part(inbox, to, unix_s, event);
    case MSRP_MIME_END:
        inbox->opens_sealed = inbox->sealed.n > 0;
        return 0;
    case MSRP_MIME_MORE:
        break;
    }
    if (used > 0) {
        return 0;
    }
    *more = true;
    if (!inbox->is_over || inbox->is_done) {
        return 0;
    }
    rc = conclude(inbox, to, unix_s);
    if (rc == 1 && inbox->is_notification) {
        to->counts->notifications++;
        give(inbox, event, RELAY_CLIENT_NOTIFICATION);
    } else if (rc == 1) {
        to->counts->received++;
        give(inbox, event, RELAY_CLIENT_DONE)->bytes = inbox->bytes;
    }
    return rc;
}

static const char *why_lost(const struct relay_inbox *inbox)
{
    if (inbox->err == DPP_E_KEY_ABSENT && inbox->is_group) {
        return "its GMK is not held: a manager of the group sends it again with "
               "mcrelay group rekey --member";
    }
    return inbox->err == DPP_E_KEY_ABSENT
               ? "its PCK is not held: who has a key set (--keyset) gives the sender a fresh one"
               : relay_strerror(inbox->err);
}

bool relay_inbox_next(struct relay_inbox *inbox, const struct relay_inbox_to *to, int64_t unix_s,
                      struct relay_client_event *event)
{
    bool more = false;
    while (inbox->err == 0 && !more) {
        int rc = inbox->has_payload    ? relay_opener_next(inbox, event)
                 : inbox->is_waiting   ? relay_opener_again(inbox, to, unix_s, event)
                 : inbox->opens_sealed ? relay_opener_sealed(inbox, to, unix_s)
                 : inbox->data.n > 0   ? use_data(inbox, to, unix_s, event)
                                       : walk(inbox, to, unix_s, event, &more);
        if (rc == 1) {
            return true;
        }
        if (rc < 0) {
            relay_inbox_lose(inbox, rc);
        }
    }
    if (inbox->err != 0 && !inbox->is_told && !inbox->is_swallowed) {
        inbox->is_told = true;
        to->counts->lost++;
        give(inbox, event, RELAY_CLIENT_LOST)->err = inbox->err;
        relay_say(event->text, sizeof(event->text), "%s", why_lost(inbox));
        return true;
    }
    return false;
}
