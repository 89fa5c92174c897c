#include "relay/core/message.h"

#include <string.h>

#include "relay/core/csk.h"

/* --- recipients --- */

static struct msrp_str sender_of(const struct sds_message *m)
{
    return msrp_str_of(m->sender);
}

static int64_t now_s(const struct sds_message *m)
{
    return relay_now_of(m->sds->relay).mono_ms / 1000;
}

/* The next connection of a user that a message may be delivered to, from `conn` on. Never one of
 * the sender's own. */
static struct relay_conn *reachable(const struct sds_message *m, struct relay_conn *conn)
{
    const struct relay *relay = m->sds->relay;

    while (conn && !relay_guard_may_deliver(relay_conf_of(relay), conn, relay_now_of(relay).unix_s))
        conn = conn->next_same_user;
    return conn;
}

static struct relay_conn *first_of(const struct sds_message *m, const char *user)
{
    if (strcmp(user, m->sender) == 0)
        return NULL;
    return reachable(m, relay_conns_of_user(m->sds->relay, msrp_str_of(user)));
}

/* One delivery for each connection of the user. */
static void start_user(struct sds_message *m, const char *user)
{
    for (struct relay_conn *c = first_of(m, user); c; c = reachable(m, c->next_same_user))
        if (relay_fan_add(m->fan, c))
            continue; /* counted there */
}

static bool is_affiliated(const struct sds_message *m, const struct relay_member *member)
{
    return !relay_conf_of(m->sds->relay)->affiliation_explicit || member->affiliated;
}

/* The deliveries of a group message. 198 when nobody else is affiliated: implicitly those are the
 * connected ones; explicitly affiliated members that are absent just miss it. */
static int start_group(struct sds_message *m)
{
    const struct relay *relay = m->sds->relay;
    const struct relay_group *group =
        relay_policy_group(relay_policy_of(relay), msrp_str_of(m->target));
    bool has_other = false;

    for (size_t i = 0; group && i < group->members_n; i++) {
        const struct relay_member *member = &group->members[i];
        if (strcmp(member->id, m->sender) == 0 || !is_affiliated(m, member))
            continue;
        has_other = true;
        start_user(m, member->id);
    }
    if (!m->fan->started && !(has_other && relay_conf_of(relay)->affiliation_explicit))
        return RELAY_E_SDS_NOBODY;
    return 0;
}

/* Makes the fan and starts its deliveries. */
static int start(struct sds_message *m)
{
    const struct relay_conf *conf = relay_conf_of(m->sds->relay);
    struct relay_bucket *bucket =
        m->conn && m->conn->presence ? &m->conn->presence->deliveries : NULL;
    int64_t now_ms = relay_now_of(m->sds->relay).mono_ms;

    if (bucket && !relay_bucket_is_open(bucket, now_ms, conf->rate_deliveries_per_s,
                                        conf->rate_deliveries_burst))
        return RELAY_E_FAN_OUT; /* threat T37 */
    int rc = relay_fan_new(&m->fan, m, m->sds->relay, m->sender, &m->body->label);

    if (rc)
        return rc;
    if (m->is_group) {
        rc = start_group(m);
    } else {
        start_user(m, m->target);
        if (!m->fan->started)
            rc = RELAY_E_SDS_ABSENT;
    }
    if (bucket && conf->rate_deliveries_per_s)
        relay_bucket_spend(bucket, now_ms, conf->rate_deliveries_per_s, m->fan->started);
    if (!rc && m->fan->started && !m->fan->deliveries)
        rc = RELAY_E_SLOW_RECEIVER; /* each one failed at once */
    return rc;
}

/* --- the decision --- */

static void tell(struct sds_message *m, enum relay_event_kind kind, int err)
{
    struct relay_event event = {.kind = kind, .err = err, .bytes = m->octets};

    memccpy(event.target, m->target, '\0', sizeof event.target - 1);
    event.count = m->fan ? m->fan->started : 0;
    relay_emit(m->sds->relay, m->conn, &event);
}

static struct relay_disp_key key_of(const struct sds_message *m, const struct relay_label *label)
{
    struct relay_disp_key key = {.sender = sender_of(m), .target = msrp_str_of(m->target)};

    memcpy(key.conversation, label->conversation, 16);
    memcpy(key.message, label->message, 16);
    key.kind = label->kind == RELAY_LABEL_SDS            ? RELAY_DISP_SDS
               : label->kind == RELAY_LABEL_NOTIFICATION ? label->disposition
                                                         : RELAY_DISP_KEY;
    return key;
}

void relay_message_forget(struct sds_message *m)
{
    struct relay_disp_key key = key_of(m, &m->fan->label);

    relay_disp_forget(m->sds->disp, &key);
}

/* 24.282 12.2.3: the notification is about a message that its target sent to this notifier, or to a
 * group of his. */
static int correlate(struct sds_message *m, struct relay_label *label)
{
    struct relay_disp_key key = {.sender = msrp_str_of(label->target)};

    memcpy(key.conversation, label->conversation, 16);
    memcpy(key.message, label->message, 16);
    const struct relay_disp_record *record = relay_disp_find(m->sds->disp, &key);
    if (!record)
        return RELAY_E_SDS_UNCORRELATED;
    struct msrp_str target = relay_disp_target(record);
    if (!record->is_group)
        return msrp_str_is_same(target, sender_of(m)) && !label->of_group[0]
                   ? 0
                   : RELAY_E_SDS_UNCORRELATED;
    if (label->of_group[0] && !msrp_str_is(target, label->of_group))
        return RELAY_E_SDS_UNCORRELATED;
    memcpy(label->of_group, target.p, target.n);
    label->of_group[target.n] = '\0';
    const struct relay_group *group = relay_policy_group(relay_policy_of(m->sds->relay), target);
    return group && relay_group_member(group, sender_of(m)) ? 0 : RELAY_E_SDS_NOTIFIER;
}

/* Is it new? An SDS that was sent before is swallowed and compared. */
static int find_repeat(struct sds_message *m)
{
    struct relay_message_body *body = m->body;
    struct relay_disp_key key = key_of(m, &body->label);
    struct relay_disp_record *record;

    switch (relay_disp_add(m->sds->disp, &key, m->is_group, now_s(m), &record)) {
    case RELAY_DISP_NEW:
        m->record = record;
        return 0;
    case RELAY_DISP_DONE:
        body->is_repeat = true;
        memcpy(body->before, record->digest, sizeof body->before);
        return 0;
    case RELAY_DISP_OPEN:
        return RELAY_E_SDS_OPEN_TWICE;
    default:
        return RELAY_E_NOMEM;
    }
}

static int begin_sds(struct sds_message *m)
{
    const struct relay_conf *conf = relay_conf_of(m->sds->relay);
    struct relay_message_body *body = m->body;
    int rc = find_repeat(m);

    body->phase = RELAY_PHASE_PAYLOAD;
    if (rc)
        return rc;
    if (body->is_repeat)
        return relay_guard_repeat(&body->guard);
    rc = start(m);
    if (rc)
        return rc;
    relay_counts_of(m->sds->relay)->messages_in++;
    tell(m, RELAY_EVENT_MESSAGE_IN, 0);
    return relay_guard_payload(&body->guard, m->fan->boundary,
                               m->is_group ? DPP_ROLE_GMK : DPP_ROLE_PCK,
                               conf->payload == RELAY_PROTECTION_REQUIRED);
}

/* The label is complete: decides what becomes of the message. */
static int decide(struct sds_message *m)
{
    struct relay *relay = m->sds->relay;
    const struct relay_conf *conf = relay_conf_of(relay);
    const struct relay_policy *policy = relay_policy_of(relay);
    struct relay_message_body *body = m->body;
    struct relay_label *label = &body->label;
    uint64_t size = body->join.total == MSRP_UNKNOWN ? m->octets : body->join.total;
    int rc = relay_label_read(label, m->conn);

    memcpy(m->target, label->target, sizeof m->target);
    m->is_group = label->is_group;
    if (rc)
        return rc;
    rc = relay_label_check(label, conf, policy, sender_of(m), size);
    if (rc)
        return rc;
    body->join.size_max = relay_label_size_max(label, conf, policy, sender_of(m), &body->over);
    switch (label->kind) {
    case RELAY_LABEL_NOTIFICATION:
        body->phase = RELAY_PHASE_END;
        rc = correlate(m, label);
        break;
    case RELAY_LABEL_KEY:
        body->phase = RELAY_PHASE_MIKEY;
        body->key = relay_slab_new(relay_slabs_of(relay), RELAY_SLAB_SIZE);
        if (!body->key)
            return RELAY_E_NOMEM;
        /* no octet of ours stands around it yet: the boundary is made when it is sent */
        rc = relay_guard_repeat(&body->guard);
        body->guard.max = conf->mikey_max < RELAY_SLAB_SIZE ? conf->mikey_max : RELAY_SLAB_SIZE;
        break;
    case RELAY_LABEL_SDS:
        return begin_sds(m);
    }
    if (!rc && !first_of(m, m->target))
        rc = RELAY_E_SDS_ABSENT;
    return rc;
}

/* --- the parts --- */

/* A part 5 behind part 4. */
static int begin_mikey(struct sds_message *m, const struct relay_walk_event *ev)
{
    struct relay_message_body *body = m->body;
    struct msrp_media media;
    char head[128];
    int rc =
        ev->content_type.n ? msrp_mime_parse_type(&media, ev->content_type) : RELAY_E_SDS_PARTS;

    if (rc)
        return rc;
    if (body->phase != RELAY_PHASE_BETWEEN || !msrp_mime_is(&media, "application", "mikey"))
        return RELAY_E_SDS_PARTS;
    if (m->is_group)
        return RELAY_E_SDS_MIKEY_GROUP;
    relay_slab_unref(relay_walk_stream(&body->walk));
    body->phase = RELAY_PHASE_MIKEY;
    if (body->is_repeat)
        return 0;
    rc = relay_body_glue(m->fan, head, relay_label_mikey_head(m->fan->boundary, head));
    body->base = m->fan->end;
    if (rc)
        return rc;
    return relay_guard_mikey(&body->guard, m->fan->boundary,
                             relay_conf_of(m->sds->relay)->mikey_max);
}

static int part_data(struct sds_message *m, const struct relay_span *data)
{
    struct relay_message_body *body = m->body;

    if (body->is_repeat && body->phase == RELAY_PHASE_MIKEY)
        return 0; /* what counts is part 4 */
    int rc = relay_guard_feed(&body->guard, data->p, data->n);
    if (rc || body->is_repeat)
        return rc;
    if (m->fan)
        return relay_body_append(m->fan, data->slab, data->p, data->n);
    memcpy(body->key->data + body->key->used, data->p, data->n);
    body->key->used += (uint32_t)data->n;
    return 0;
}

static int part_end(struct sds_message *m)
{
    struct relay_message_body *body = m->body;
    uint8_t digest[RELAY_DIGEST_N];
    bool is_payload = body->phase == RELAY_PHASE_PAYLOAD;

    body->phase = is_payload ? RELAY_PHASE_BETWEEN : RELAY_PHASE_BEHIND;
    if (!is_payload && body->is_repeat)
        return 0;
    int rc = relay_guard_end(&body->guard, digest);
    if (!rc && !body->has_digest) {
        memcpy(body->digest, digest, sizeof digest);
        body->has_digest = true;
    }
    return rc;
}

static int label_event(struct sds_message *m, const struct relay_walk_event *ev)
{
    struct relay_message_body *body = m->body;
    int rc = relay_label_take(&body->label, &body->walk, ev);

    if (rc <= 0)
        return rc;
    body->label.slab = ev->kind == MSRP_MIME_END ? relay_slab_ref(body->walk.slab)
                                                 : relay_walk_stream(&body->walk);
    return decide(m);
}

static int event(struct sds_message *m, const struct relay_walk_event *ev)
{
    if (m->body->phase == RELAY_PHASE_LABEL)
        return label_event(m, ev);
    switch (ev->kind) {
    case MSRP_MIME_PART:
        return begin_mikey(m, ev);
    case MSRP_MIME_DATA:
        return part_data(m, &ev->data);
    case MSRP_MIME_PART_END:
        return part_end(m);
    case MSRP_MIME_END:
        m->body->phase = RELAY_PHASE_END;
        return 0;
    default:
        return 0;
    }
}

int relay_message_take(struct sds_message *m, struct relay_slab *slab, const char *p, size_t n)
{
    struct relay_message_body *body = m->body;
    struct relay_walk_event ev;
    int rc;

    if (body->phase == RELAY_PHASE_UPLOAD)
        return relay_csk_take(m, p, n);
    relay_walk_feed(&body->walk, slab, p, n);
    do {
        rc = relay_walk_next(&body->walk, relay_slabs_of(m->sds->relay), &ev);
        if (!rc && ev.kind != MSRP_MIME_MORE)
            rc = event(m, &ev);
    } while (!rc && ev.kind != MSRP_MIME_MORE);
    if (!rc && m->fan)
        relay_body_pass(m->fan, body->base + body->guard.passed);
    return rc;
}

/* --- the end --- */

/* A repeated SDS is over when its last octet has come: the same, or another under the same IDs. */
static int compare(struct sds_message *m)
{
    struct relay_message_body *body = m->body;

    if (body->label.kind == RELAY_LABEL_SDS &&
        memcmp(body->digest, body->before, sizeof body->digest) != 0) {
        tell(m, RELAY_EVENT_ALARM, RELAY_E_SDS_CONFLICT);
        return RELAY_E_SDS_CONFLICT;
    }
    relay_counts_of(m->sds->relay)->duplicates++;
    tell(m, RELAY_EVENT_DUPLICATE, 0);
    return 0;
}

/* A notification or a key-only message has been held whole: now it goes. */
static int send_whole(struct sds_message *m)
{
    struct relay_message_body *body = m->body;
    enum relay_label_kind kind = body->label.kind;
    int rc = kind == RELAY_LABEL_NOTIFICATION ? correlate(m, &body->label) : 0;

    if (rc)
        return rc;
    if (kind == RELAY_LABEL_KEY) { /* it is known by its part 5 */
        memcpy(body->label.conversation, body->digest, 16);
        memcpy(body->label.message, body->digest + 16, 16);
    }
    rc = find_repeat(m);
    if (rc)
        return rc;
    if (body->is_repeat)
        return compare(m);
    rc = start(m);
    if (rc)
        return rc;
    if (kind == RELAY_LABEL_NOTIFICATION) {
        relay_counts_of(m->sds->relay)->notifications++;
        tell(m, RELAY_EVENT_NOTIFIED, 0);
        return 0;
    }
    relay_counts_of(m->sds->relay)->messages_in++;
    tell(m, RELAY_EVENT_MESSAGE_IN, 0);
    return relay_body_append(m->fan, body->key, body->key->data, body->key->used);
}

int relay_message_complete(struct sds_message *m)
{
    struct relay_message_body *body = m->body;
    char tail[128];
    int rc;

    if (body->phase == RELAY_PHASE_UPLOAD)
        return relay_csk_queue(m);
    if (body->phase == RELAY_PHASE_LABEL)
        return RELAY_E_SDS_LABEL_SHORT;
    rc = relay_walk_finish(&body->walk);
    if (rc)
        return rc;
    if (!m->fan)
        rc = body->label.kind == RELAY_LABEL_SDS ? compare(m) : send_whole(m);
    if (rc || body->is_repeat)
        return rc;
    rc = relay_body_glue(m->fan, tail, relay_label_tail(m->fan->boundary, tail));
    if (rc)
        return rc;
    relay_disp_close(m->sds->disp, m->record, body->has_digest ? body->digest : NULL);
    m->record = NULL;
    relay_body_finish(m->fan);
    return 0;
}

/* --- a change of policy --- */

/* May the recipient still have it? */
static bool may_have(const struct sds_message *m, const struct fan_delivery *d)
{
    const struct relay_policy *policy = relay_policy_of(m->sds->relay);

    if (!m->is_group)
        return true; /* to be asked of the sender, while he is sending */
    const struct relay_group *group = relay_policy_group(policy, msrp_str_of(m->target));
    const struct relay_member *member =
        group ? relay_group_member(group, msrp_str_of(d->conn->user)) : NULL;
    return member && is_affiliated(m, member);
}

int relay_message_recheck(struct sds_message *m)
{
    struct relay *relay = m->sds->relay;
    struct fan_delivery *next;

    if (m->state == RELAY_MESSAGE_OPEN && m->body->phase != RELAY_PHASE_LABEL &&
        m->body->phase != RELAY_PHASE_UPLOAD) {
        const struct relay_label *label = m->fan ? &m->fan->label : &m->body->label;
        int rc = relay_label_check(label, relay_conf_of(relay), relay_policy_of(relay),
                                   sender_of(m), m->octets);
        if (rc)
            return rc;
    }
    for (struct fan_delivery *d = m->fan ? m->fan->deliveries : NULL; d; d = next) {
        next = d->fan_next;
        if (!may_have(m, d))
            relay_fan_drop(d, 403);
    }
    return 0;
}
