#include "relay/core/label.h"

#include <string.h>

#include "dpp/sds/info.h"
#include "dpp/sds/msg.h"

static const struct {
    const char *subtype;
    unsigned behind; /* parts that must have come, one of them last */
} PARTS[RELAY_PARTS] = {
    [RELAY_PART_INFO] = {"vnd.3gpp.mcdata-info+xml", 0},
    [RELAY_PART_TARGETS] = {"resource-lists+xml", 1u << RELAY_PART_INFO},
    [RELAY_PART_SIGNALLING] = {"vnd.3gpp.mcdata-signalling", 1u << RELAY_PART_INFO},
    [RELAY_PART_PAYLOAD] = {"vnd.3gpp.mcdata-payload", 1u << RELAY_PART_SIGNALLING},
    [RELAY_PART_MIKEY] = {"mikey", 1u << RELAY_PART_INFO},
};

void relay_label_done(struct relay_label *label)
{
    relay_slab_unref(label->slab);
    relay_slab_unref(label->plain_slab);
    label->slab = label->plain_slab = NULL;
}

/* --- reading --- */

static int begin_part(struct relay_label *label, struct msrp_str content_type)
{
    struct msrp_media media;

    if (!content_type.n)
        return RELAY_E_SDS_PARTS;
    int rc = msrp_mime_parse_type(&media, content_type);
    if (rc)
        return rc;
    for (unsigned i = 0; i < RELAY_PARTS; i++) {
        if (!msrp_mime_is(&media, "application", PARTS[i].subtype))
            continue;
        /* in their order, each once, nothing else between */
        if ((label->parts >> i) || (label->parts & PARTS[i].behind) != PARTS[i].behind)
            return RELAY_E_SDS_PARTS;
        if (i == RELAY_PART_MIKEY && (label->parts & 1u << RELAY_PART_SIGNALLING))
            return RELAY_E_SDS_PARTS; /* behind a part 4 it is no part of the label */
        label->parts |= 1u << i;
        label->part = (enum relay_label_part)i;
        return i == RELAY_PART_PAYLOAD || i == RELAY_PART_MIKEY;
    }
    return RELAY_E_SDS_PARTS;
}

int relay_label_take(struct relay_label *label, const struct relay_walk *walk,
                     const struct relay_walk_event *ev)
{
    switch (ev->kind) {
    case MSRP_MIME_PART:
        return begin_part(label, ev->content_type);
    case MSRP_MIME_DATA:
        if (!label->n[label->part])
            label->at[label->part] = (uint32_t)(ev->data.p - walk->slab->data);
        label->n[label->part] += (uint32_t)ev->data.n;
        return 0;
    case MSRP_MIME_END:
        return 1;
    default:
        return 0;
    }
}

static bool has(const struct relay_label *label, enum relay_label_part part)
{
    return label->parts & 1u << part;
}

/* Room for n octets that live as long as the label. */
static uint8_t *room_for(struct relay_label *label, size_t n)
{
    struct relay_slabs *slabs = label->slab->home;

    if (n > RELAY_SLAB_SIZE)
        return NULL;
    label->plain_slab =
        relay_slab_new(slabs, n > RELAY_SLAB_OUT ? RELAY_SLAB_SIZE : RELAY_SLAB_OUT);
    return label->plain_slab ? (uint8_t *)label->plain_slab->data : NULL;
}

static int read_signalling(struct relay_label *label, const struct relay_conn *conn)
{
    uint32_t n = label->n[RELAY_PART_SIGNALLING];
    const uint8_t *p = (const uint8_t *)label->slab->data + label->at[RELAY_PART_SIGNALLING];
    uint8_t *out = room_for(label, n);
    struct dpp_msg msg;

    if (!out)
        return RELAY_E_NOMEM;
    ssize_t got = relay_guard_open(relay_conf_of(conn->relay), conn,
                                   relay_now_of(conn->relay).unix_s, p, n, out);
    if (got < 0)
        return (int)got;
    label->plain_slab->used = (uint32_t)got;
    label->plain = out;
    label->plain_n = (size_t)got;
    int rc = dpp_msg_parse(&msg, out, (size_t)got, NULL);
    if (rc)
        return rc;
    if (msg.is_protected || msg.is_authenticated)
        return RELAY_E_SDS_SIGNALLING;
    if (msg.code == DPP_MSG_SDS_NOTIFICATION) {
        label->kind = RELAY_LABEL_NOTIFICATION;
        label->disposition = msg.number;
        if (msg.number < 1 || msg.number > 5)
            return RELAY_E_SDS_SIGNALLING;
    } else if (msg.code != DPP_MSG_SDS_SIGNALLING) {
        return RELAY_E_SDS_SIGNALLING;
    }
    memcpy(label->conversation, msg.conversation_id, 16);
    memcpy(label->message, msg.message_id, 16);
    /* an SDS needs its part 4, a notification has none */
    if (has(label, RELAY_PART_PAYLOAD) != (label->kind == RELAY_LABEL_SDS))
        return RELAY_E_SDS_PARTS;
    return 0;
}

static void set_target(struct relay_label *label, const char *uri)
{
    char normal[RELAY_ID_MAX + 1];

    if (!*uri)
        return;
    size_t n = relay_id_normal(msrp_str_of(uri), normal);
    if (!n || (label->target[0] && strcmp(label->target, normal) != 0))
        label->is_ambiguous = true;
    else
        memcpy(label->target, normal, n + 1);
}

static int read_info(struct relay_label *label, struct dpp_info *info)
{
    struct dpp_targets targets;
    int rc = dpp_info_parse(info, label->slab->data + label->at[RELAY_PART_INFO],
                            label->n[RELAY_PART_INFO]);

    if (rc)
        return rc;
    if (info->is_encrypted)
        return RELAY_E_SDS_ENCRYPTED;
    if (info->request != DPP_REQUEST_ONE_TO_ONE_SDS && info->request != DPP_REQUEST_GROUP_SDS)
        return RELAY_E_SDS_INFO;
    label->is_group = info->request == DPP_REQUEST_GROUP_SDS;
    if (label->is_group && has(label, RELAY_PART_TARGETS))
        return RELAY_E_SDS_PARTS;
    set_target(label, info->request_uri);
    if (has(label, RELAY_PART_TARGETS)) {
        rc = dpp_targets_parse(&targets, label->slab->data + label->at[RELAY_PART_TARGETS],
                               label->n[RELAY_PART_TARGETS]);
        if (rc)
            return rc;
        label->is_ambiguous |= targets.count != 1;
        set_target(label, targets.uri);
    }
    return 0;
}

/* The sender is who the session is; a message may leave it open, but not say another. row 21 */
static int check_sender(const struct dpp_info *info, const struct relay_conn *conn)
{
    char normal[RELAY_ID_MAX + 1];

    if (!info->calling_user_id[0])
        return 0;
    size_t n = relay_id_normal(msrp_str_of(info->calling_user_id), normal);
    return n && strcmp(normal, conn->user) == 0 ? 0 : RELAY_E_IDENT;
}

int relay_label_read(struct relay_label *label, const struct relay_conn *conn)
{
    struct dpp_info info;
    int rc = read_info(label, &info);

    if (!rc)
        rc = check_sender(&info, conn);
    if (rc)
        return rc;
    if (has(label, RELAY_PART_MIKEY)) {
        label->kind = RELAY_LABEL_KEY;
        return label->is_group ? RELAY_E_SDS_MIKEY_GROUP : 0;
    }
    if (!has(label, RELAY_PART_SIGNALLING))
        return RELAY_E_SDS_PARTS;
    rc = read_signalling(label, conn);
    if (rc)
        return rc;
    if (label->kind == RELAY_LABEL_NOTIFICATION) {
        if (label->is_group)
            return RELAY_E_SDS_INFO; /* it goes to one user, the sender of its message */
        if (info.calling_group_id[0] &&
            !relay_id_normal(msrp_str_of(info.calling_group_id), label->of_group))
            return RELAY_E_SDS_INFO;
    } else if (label->is_group) {
        memcpy(label->of_group, label->target, sizeof label->of_group);
    }
    return 0;
}

/* --- authorisation --- */

uint64_t relay_label_size_max(const struct relay_label *label, const struct relay_conf *conf,
                              const struct relay_policy *policy, struct msrp_str sender, int *err)
{
    uint64_t own = 0;

    *err = label->is_group ? RELAY_E_SDS_SIZE_GROUP : RELAY_E_SDS_SIZE_ONE;
    if (label->is_group) {
        const struct relay_group *group = relay_policy_group(policy, msrp_str_of(label->target));
        own = group ? group->size_max : 0;
    } else {
        const struct relay_user *user = relay_policy_user(policy, sender);
        own = user ? user->size_max : 0;
    }
    return own && own < conf->message_max ? own : conf->message_max;
}

static int check_group(const struct relay_group *group, const struct relay_conf *conf,
                       struct msrp_str sender)
{
    if (!group)
        return RELAY_E_SDS_NO_GROUP;
    const struct relay_member *member = relay_group_member(group, sender);
    if (!member)
        return RELAY_E_SDS_NOT_MEMBER;
    if (!group->sds)
        return RELAY_E_SDS_GROUP_SDS;
    if (!member->may_transmit)
        return RELAY_E_SDS_TRANSMIT;
    if (conf->affiliation_explicit && !member->affiliated)
        return RELAY_E_SDS_AFFILIATION;
    return 0;
}

int relay_label_check(const struct relay_label *label, const struct relay_conf *conf,
                      const struct relay_policy *policy, struct msrp_str sender, uint64_t size)
{
    int over;

    if (!label->is_group && (label->is_ambiguous || !label->target[0]))
        return RELAY_E_SDS_TARGET;
    if (label->kind == RELAY_LABEL_NOTIFICATION)
        return size > conf->message_max ? RELAY_E_SDS_SIZE_ONE : 0;
    if (!label->is_group && !relay_policy_may_send(policy, sender, msrp_str_of(label->target)))
        return RELAY_E_SDS_NOT_ALLOWED;
    if (size > relay_label_size_max(label, conf, policy, sender, &over))
        return over;
    if (!label->is_group)
        return 0;
    return check_group(relay_policy_group(policy, msrp_str_of(label->target)), conf, sender);
}

/* 24.282 table 4.9-1 */
int relay_warning_of(int err, const char **text)
{
    static const struct {
        int err, code;
        const char *text;
    } rows[] = {
        {RELAY_E_SDS_NO_GROUP, 113, "group document does not exist"},
        {RELAY_E_SDS_NOT_MEMBER, 116, "user is not part of the MCData group"},
        {RELAY_E_SDS_NOTIFIER, 116, "user is not part of the MCData group"},
        {RELAY_E_SDS_AFFILIATION, 120, "user is not affiliated to this group"},
        {RELAY_E_SDS_TARGET, 145, "unable to determine called party"},
        {RELAY_E_SDS_NOBODY, 198, "no users are affiliated to this group"},
        {RELAY_E_SDS_PARTS, 199, "expected MIME bodies not in the request"},
        {RELAY_E_SDS_TRANSMIT, 201, "user not authorised to transmit data on this group identity"},
        {RELAY_E_SDS_NOT_ALLOWED, 204, "unable to determine targeted user for one-to-one SDS"},
        {RELAY_E_SDS_ABSENT, 204, "unable to determine targeted user for one-to-one SDS"},
        {RELAY_E_SDS_GROUP_SDS, 206, "short data service not allowed for this group"},
        {RELAY_E_SDS_UNCORRELATED, 216, "unable to correlate the disposition notification"},
        {RELAY_E_SDS_SIZE_GROUP, 217,
         "user not authorised for SDS communications on this group identity due to message size"},
        {RELAY_E_SDS_SIZE_ONE, 218,
         "user not authorised for one-to-one SDS communications due to message size"},
    };
    /* the bodies that do not read count as not there */
    bool is_unreadable = err == RELAY_E_SDS_INFO || err == RELAY_E_SDS_SIGNALLING ||
                         err == RELAY_E_SDS_LABEL_SHORT ||
                         (err <= MSRP_E_MIME_BOUNDARY && err >= MSRP_E_MIME_TYPE) ||
                         (err <= DPP_E_SHORT && err >= DPP_E_XML_URI && err != DPP_E_PROTECTED &&
                          err != DPP_E_SPACE);

    if (is_unreadable)
        err = RELAY_E_SDS_PARTS;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].err == err) {
            *text = rows[i].text;
            return rows[i].code;
        }
    }
    *text = "";
    return 0;
}

/* --- writing --- */

static void put_head(struct msrp_writer *w, const char *boundary, enum relay_label_part part)
{
    msrp_writer_text(w, "--");
    msrp_writer_text(w, boundary);
    msrp_writer_text(w, "\r\nContent-Type: application/");
    msrp_writer_text(w, PARTS[part].subtype);
    msrp_writer_text(w, "\r\n\r\n");
}

static int put_info(struct msrp_writer *w, const struct relay_label *label, const char *to,
                    const char *sender)
{
    struct dpp_info info;

    memset(&info, 0, sizeof info);
    info.request = label->is_group ? DPP_REQUEST_GROUP_SDS : DPP_REQUEST_ONE_TO_ONE_SDS;
    memccpy(info.request_uri, to, '\0', sizeof info.request_uri - 1);
    memccpy(info.calling_user_id, sender, '\0', sizeof info.calling_user_id - 1);
    memccpy(info.calling_group_id, label->of_group, '\0', sizeof info.calling_group_id - 1);
    ssize_t n = dpp_info_print(w->buf + w->n, w->cap - w->n, &info);
    if (n < 0)
        return (int)n;
    w->n += (size_t)n;
    return 0;
}

ssize_t relay_label_print(const struct relay_label *label, const struct relay_conn *to,
                          const char *sender, const char boundary[RELAY_BOUNDARY_N + 1], char *out,
                          size_t cap)
{
    struct msrp_writer w;

    msrp_writer_init(&w, out, cap);
    put_head(&w, boundary, RELAY_PART_INFO);
    if (w.err)
        return w.err;
    int rc = put_info(&w, label, to->user, sender);
    if (rc)
        return rc;
    if (label->kind != RELAY_LABEL_KEY) {
        msrp_writer_text(&w, "\r\n");
        put_head(&w, boundary, RELAY_PART_SIGNALLING);
        if (w.err)
            return w.err;
        ssize_t n =
            relay_guard_seal(to, label->plain, label->plain_n, (uint8_t *)out + w.n, cap - w.n);
        if (n < 0)
            return n;
        w.n += (size_t)n;
    }
    if (label->kind != RELAY_LABEL_NOTIFICATION) {
        msrp_writer_text(&w, "\r\n");
        put_head(&w, boundary,
                 label->kind == RELAY_LABEL_SDS ? RELAY_PART_PAYLOAD : RELAY_PART_MIKEY);
    }
    return msrp_writer_done(&w);
}

size_t relay_label_mikey_head(const char boundary[RELAY_BOUNDARY_N + 1], char out[128])
{
    struct msrp_writer w;

    msrp_writer_init(&w, out, 128);
    msrp_writer_text(&w, "\r\n");
    put_head(&w, boundary, RELAY_PART_MIKEY);
    return w.n;
}

size_t relay_label_tail(const char boundary[RELAY_BOUNDARY_N + 1], char out[128])
{
    struct msrp_writer w;

    msrp_writer_init(&w, out, 128);
    msrp_writer_text(&w, "\r\n--");
    msrp_writer_text(&w, boundary);
    msrp_writer_text(&w, "--");
    return w.n;
}
