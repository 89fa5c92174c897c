/* core_kit.h - what the tests of the service say and hear: whole SDS messages with real keys.
 *
 *     struct kit_sds sds = kit_sds(SIM_BOB, "hello");    // one-to-one, protected, plain signalling
 *     kit_send(&sim, alice, &sds, "mid00001", "$")...
 *     struct kit_heard bob; kit_hear(&sim, b, &bob, 200); // reads all it got, answers 200
 *     bob.got[0].body, .n, .flag ... kit_free(&bob); */
#ifndef TESTS_RELAY_CORE_KIT_H
#define TESTS_RELAY_CORE_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dpp/keys/key.h"
#include "dpp/sds/info.h"
#include "dpp/sds/msg.h"
#include "dpp/seal/payload.h"
#include "dpp/seal/signalling.h"
#include "msrp/msrp.h"
#include "relay/core/conn.h"
#include "tests/relay/sim.h"
#include "tests/row.h"

#define KIT_GROUP "sip:rescue@iops.example"
#define KIT_PCK   0x10000001u
#define KIT_GMK   0x00000002u
#define KIT_CSK   0x20000003u

static const uint8_t KIT_KEY[16] = "0123456789abcdef";

static inline struct dpp_key *kit_key(uint32_t id)
{
    struct dpp_key *key = NULL;
    int rc = dpp_keys_init(0);

    assert_true(rc == 0 || rc == DPP_E_HEAP_UNLOCKED);
    assert_int_equal(dpp_key_new(&key, id, KIT_KEY, sizeof KIT_KEY, 0, 0), 0);
    return key;
}

/* A message to be sent. */
struct kit_sds {
    const char *request;           /* request-type */
    const char *to;                /* in mcdata-request-uri; NULL: none */
    const char *listed;            /* in a resource-lists part; NULL: none */
    const char *of_group;          /* mcdata-calling-group-id; NULL: none */
    const char *info;              /* the whole XML instead */
    uint8_t type;                  /* 1 SDS SIGNALLING, 5 NOTIFICATION, 0: no signalling */
    uint8_t disposition;           /* type of a notification */
    uint8_t message, conversation; /* all octets of the IDs */
    bool sealed_signalling;        /* under KIT_CSK */
    const char *payload;           /* octets of part 4 as they stand; NULL: data, sealed */
    size_t payload_n;
    const char *data; /* NULL and no payload: no part 4 */
    size_t data_n;
    uint32_t key;
    const char *mikey; /* part 5; NULL: none */
    size_t mikey_n;
};

static inline struct kit_sds kit_sds(const char *to, const char *text)
{
    return (struct kit_sds){.request = "one-to-one-sds",
                            .to = to,
                            .type = 1,
                            .message = 7,
                            .conversation = 9,
                            .data = text,
                            .data_n = strlen(text),
                            .key = KIT_PCK};
}

static inline struct kit_sds kit_group(const char *text)
{
    struct kit_sds sds = kit_sds(KIT_GROUP, text);

    sds.request = "group-sds";
    sds.key = KIT_GMK;
    return sds;
}

/* The notification that answers kit_sds. */
static inline struct kit_sds kit_note(const char *to, uint8_t disposition)
{
    return (struct kit_sds){.request = "one-to-one-sds",
                            .to = to,
                            .type = 5,
                            .disposition = disposition,
                            .message = 7,
                            .conversation = 9};
}

struct kit_text {
    char *p;
    size_t n;
};

static inline void kit_put(struct kit_text *t, const void *p, size_t n)
{
    t->p = sim_alloc(t->p, t->n + n + 1);
    memcpy(t->p + t->n, p, n);
    t->n += n;
    t->p[t->n] = '\0';
}

static inline void kit_puts(struct kit_text *t, const char *text)
{
    kit_put(t, text, strlen(text));
}

static inline void kit_part(struct kit_text *t, const char *type)
{
    kit_puts(t, t->n ? "\r\n--kit\r\nContent-Type: application/"
                     : "--kit\r\nContent-Type: application/");
    kit_puts(t, type);
    kit_puts(t, "\r\n\r\n");
}

static inline size_t kit_signalling(const struct kit_sds *sds, uint8_t *out, size_t cap)
{
    struct dpp_msg msg = {.code = sds->type, .time_s = SIM_UNIX_S, .number = sds->disposition};
    uint8_t plain[256];

    memset(msg.conversation_id, sds->conversation, 16);
    memset(msg.message_id, sds->message, 16);
    ssize_t n = dpp_msg_encode(plain, sizeof plain, &msg);
    assert_true(n > 0);
    if (!sds->sealed_signalling) {
        memcpy(out, plain, (size_t)n);
        return (size_t)n;
    }
    static uint8_t iv[16];
    struct dpp_key *key = kit_key(KIT_CSK);
    struct dpp_seal seal;
    iv[0]++;
    assert_int_equal(dpp_seal_init(&seal, key, KIT_CSK, DPP_USE_SIGNALLING, DPP_ALG_AES_128_GCM),
                     0);
    n = dpp_signalling_seal(&seal, DPP_FRAMING_STRIPPED, plain, (size_t)n, iv, out, cap);
    assert_true(n > 0);
    dpp_seal_done(&seal);
    dpp_key_free(key);
    return (size_t)n;
}

/* Part 4: the data as one frame, or as many under a plain head. */
static inline void kit_seal(struct kit_text *t, const char *data, size_t data_n, uint32_t id)
{
    struct dpp_key *key = kit_key(id);
    struct dpp_seal seal;
    uint8_t iv[16] = {id & 0xff, (uint8_t)data_n}, head[2];
    size_t cap = data_n + 65536 + 256;
    uint8_t *out = sim_alloc(NULL, cap);
    ssize_t n;

    assert_int_equal(dpp_seal_init(&seal, key, id,
                                   dpp_role_of_id(id) == DPP_ROLE_GMK ? DPP_USE_GROUP : DPP_USE_ONE,
                                   DPP_ALG_AES_128_GCM),
                     0);
    if (data_n < 65000) {
        uint8_t *msg = sim_alloc(NULL, data_n + 8);
        uint8_t front[] = {3, 1, 0x78, (uint8_t)((data_n + 1) >> 8), (uint8_t)(data_n + 1), 2};
        memcpy(msg, front, 6);
        memcpy(msg + 6, data, data_n);
        n = dpp_payload_seal_one(&seal, DPP_FRAMING_STRIPPED, msg, data_n + 6, SIM_UNIX_S, 5, iv,
                                 out, cap);
        assert_true(n > 0);
        kit_put(t, out, (size_t)n);
        free(msg);
    } else {
        int parts = dpp_payload_parts(data_n);
        dpp_payload_head((uint8_t)parts, head);
        kit_put(t, head, 2);
        for (int i = 0; i < parts; i++) {
            size_t step = data_n < DPP_PAYLOAD_PART_MAX ? data_n : DPP_PAYLOAD_PART_MAX;
            iv[2] = (uint8_t)i;
            n = dpp_payload_seal_part(&seal, 2, (const uint8_t *)data, step, SIM_UNIX_S, 5,
                                      (uint8_t)i, iv, out, cap);
            assert_true(n > 0);
            kit_put(t, out, (size_t)n);
            data += step;
            data_n -= step;
        }
    }
    free(out);
    dpp_seal_done(&seal);
    dpp_key_free(key);
}

/* The whole multipart, boundary "kit". */
static inline struct kit_text kit_body(const struct kit_sds *sds)
{
    struct kit_text t = {NULL, 0};
    uint8_t octets[512];

    kit_part(&t, "vnd.3gpp.mcdata-info+xml");
    if (sds->info) {
        kit_puts(&t, sds->info);
    } else {
        struct dpp_info info;
        char xml[2048];
        memset(&info, 0, sizeof info);
        info.request = DPP_REQUEST_OTHER;
        snprintf(info.request_type, sizeof info.request_type, "%s", sds->request);
        snprintf(info.request_uri, sizeof info.request_uri, "%s", sds->to ? sds->to : "");
        snprintf(info.calling_group_id, sizeof info.calling_group_id, "%s",
                 sds->of_group ? sds->of_group : "");
        ssize_t n = dpp_info_print(xml, sizeof xml, &info);
        assert_true(n > 0);
        kit_put(&t, xml, (size_t)n);
    }
    if (sds->listed) {
        kit_part(&t, "resource-lists+xml");
        kit_puts(&t, "<resource-lists xmlns=\"urn:ietf:params:xml:ns:resource-lists\"><list>");
        for (const char *p = sds->listed; *p;) {
            size_t n = strcspn(p, " ");
            kit_puts(&t, "<entry uri=\"");
            kit_put(&t, p, n);
            kit_puts(&t, "\"/>");
            p += n + (p[n] == ' ');
        }
        kit_puts(&t, "</list></resource-lists>");
    }
    if (sds->type) {
        kit_part(&t, "vnd.3gpp.mcdata-signalling");
        kit_put(&t, octets, kit_signalling(sds, octets, sizeof octets));
    }
    if (sds->payload || sds->data) {
        kit_part(&t, "vnd.3gpp.mcdata-payload");
        if (sds->payload)
            kit_put(&t, sds->payload, sds->payload_n);
        else
            kit_seal(&t, sds->data, sds->data_n, sds->key);
    }
    if (sds->mikey) {
        kit_part(&t, "mikey");
        kit_put(&t, sds->mikey, sds->mikey_n);
    }
    kit_puts(&t, "\r\n--kit--");
    return t;
}

/* --- saying --- */

static unsigned kit_tids;

/* One chunk: octets [from, from + n) of the body (from counts from 0), under a fresh transaction
 * id; range: Byte-Range value, NULL for `from+1-from+n/total`, "" for none. Returns the tid. */
static inline const char *kit_chunk(struct sim *sim, unsigned c, const char *id,
                                    const char *headers, const char *range,
                                    const struct kit_text *body, size_t from, size_t n, char flag)
{
    static char tid[16];
    char text[128];
    struct kit_text t = {NULL, 0};

    snprintf(tid, sizeof tid, "tid%05u", ++kit_tids);
    kit_puts(&t, "MSRP ");
    kit_puts(&t, tid);
    kit_puts(&t, " SEND\r\nTo-Path: ");
    kit_puts(&t, sim->conns[c].use_path);
    kit_puts(&t, " " SIM_SERVICE "\r\nFrom-Path: ");
    kit_puts(&t, sim->conns[c].remote);
    kit_puts(&t, "\r\nMessage-ID: ");
    kit_puts(&t, id);
    if (!range) {
        snprintf(text, sizeof text, "\r\nByte-Range: %zu-%zu/%zu", from + 1, from + n, body->n);
        kit_puts(&t, text);
    } else if (*range) {
        kit_puts(&t, "\r\nByte-Range: ");
        kit_puts(&t, range);
    }
    kit_puts(&t, "\r\n");
    kit_puts(&t, headers);
    kit_puts(&t, "Content-Type: multipart/mixed;boundary=kit\r\n\r\n");
    kit_put(&t, body->p + from, n);
    kit_puts(&t, "\r\n-------");
    kit_puts(&t, tid);
    kit_put(&t, &flag, 1);
    kit_puts(&t, "\r\n");
    sim_say_n(sim, c, t.p, t.n);
    free(t.p);
    return tid;
}

/* The empty chunk that gives a message up. */
static inline const char *kit_abort(struct sim *sim, unsigned c, const char *id)
{
    static char tid[16];

    snprintf(tid, sizeof tid, "tid%05u", ++kit_tids);
    sim_sayf(sim, c,
             "MSRP %s SEND\r\nTo-Path: %s " SIM_SERVICE
             "\r\nFrom-Path: %s\r\nMessage-ID: %s\r\n-------%s#\r\n",
             tid, sim->conns[c].use_path, sim->conns[c].remote, id, tid);
    return tid;
}

/* The code of the response to `tid` among what `c` heard, 0 when there is none. */
static inline int kit_code(const struct sim *sim, unsigned c, const char *tid)
{
    char text[64];
    const char *at;

    snprintf(text, sizeof text, "MSRP %s ", tid);
    at = memmem(sim->conns[c].heard, sim->conns[c].heard_n, text, strlen(text));
    return at ? atoi(at + strlen(text)) : 0;
}

/* A whole message in one chunk; the code of its answer. */
static inline int kit_send(struct sim *sim, unsigned c, const struct kit_sds *sds, const char *id)
{
    struct kit_text body = kit_body(sds);
    const char *tid = kit_chunk(sim, c, id, "", NULL, &body, 0, body.n, '$');

    free(body.p);
    return kit_code(sim, c, tid);
}

/* The 3GPP code in the last Warning that `c` heard, 0 for none. */
static inline int kit_warning(const struct sim *sim, unsigned c)
{
    const char *at = strstr(sim_heard(sim, c), "Warning: 399 " SIM_NAME " \"");

    return at ? atoi(at + strlen("Warning: 399 " SIM_NAME " \"")) : 0;
}

/* --- hearing --- */

enum { KIT_GOT_MAX = 64 };

/* One message that arrived, its chunks put together. */
struct kit_got {
    char id[33];
    char boundary[71];
    char *body;
    size_t n;
    unsigned chunks;
    char flag;      /* of its last chunk */
    uint64_t total; /* the last one said */
    size_t longest; /* octets of its longest chunk */
    char tid[33];   /* of its last chunk */
};

struct kit_heard {
    struct kit_got got[KIT_GOT_MAX];
    unsigned n;       /* messages */
    unsigned reports; /* REPORTs */
    int status;       /* of the last REPORT */
    int code;         /* of the last response */
    char range[80];   /* of the last REPORT */
};

static inline void kit_free(struct kit_heard *heard)
{
    for (unsigned i = 0; i < heard->n; i++)
        free(heard->got[i].body);
    memset(heard, 0, sizeof *heard);
}

static inline struct kit_got *kit_find(struct kit_heard *heard, struct msrp_str id)
{
    for (unsigned i = 0; i < heard->n; i++)
        if (msrp_str_is(id, heard->got[i].id))
            return &heard->got[i];
    assert_true(heard->n < KIT_GOT_MAX);
    struct kit_got *got = &heard->got[heard->n++];
    memset(got, 0, sizeof *got);
    memcpy(got->id, id.p, id.n);
    return got;
}

/* Reads what `c` has heard (heard: zeroed before the first time; goes on with what came before) and
 * answers every SEND with `code`; 0: no answers. */
static inline void kit_hear(struct sim *sim, unsigned c, struct kit_heard *heard, int code)
{
    struct sim_conn *conn = &sim->conns[c];
    struct msrp_reader reader;
    struct msrp_event ev;
    struct kit_got *got = NULL;
    struct kit_text answers = {NULL, 0};
    struct msrp_head head;
    size_t at = 0, chunk_n = 0, n = conn->heard_n;
    size_t frame_at = 0, before = 0; /* where the running frame began, what was there then */
    unsigned messages = heard->n;
    char *octets = sim_alloc(NULL, n + 1);

    memcpy(octets, conn->heard, n);
    sim_clear(sim, c);
    msrp_reader_init(&reader, NULL);
    while (at < n) {
        ssize_t used = msrp_reader_next(&reader, octets + at, n - at, &ev);
        assert_true(used >= 0);
        if (ev.kind == MSRP_EV_MORE)
            break;
        at += (size_t)used;
        if (ev.kind == MSRP_EV_HEAD) {
            assert_int_equal(ev.err, 0);
            head = *ev.head;
            got = NULL;
            chunk_n = 0;
            messages = heard->n;
            if (head.is_response) {
                heard->code = (int)head.code;
            } else if (head.method == MSRP_REPORT) {
                struct msrp_str range = {"", 0};
                heard->reports++;
                heard->status = (int)head.status.code;
                (void)msrp_head_find(&head, "Byte-Range", &range);
                snprintf(heard->range, sizeof heard->range, "%.*s", (int)range.n, range.p);
            } else if (head.has_body || msrp_str_is(head.message_id, "")) {
                got = kit_find(heard, head.message_id);
            } else if (head.range.start > 1) {
                got = kit_find(heard, head.message_id); /* an abort */
            }
            if (got) {
                before = got->n;
                assert_int_equal(head.range.start, got->n + 1); /* in order, no hole */
                got->total = head.range.total;
                snprintf(got->tid, sizeof got->tid, "%.*s", (int)head.tid.n, head.tid.p);
            }
            if (got && head.has_body) {
                struct msrp_media media;
                assert_int_equal(msrp_mime_parse_type(&media, head.content_type), 0);
                assert_true(msrp_mime_boundary(&media, got->boundary) > 0);
            }
        } else if (ev.kind == MSRP_EV_BODY && got) {
            got->body = sim_alloc(got->body, got->n + ev.body.n + 1);
            memcpy(got->body + got->n, ev.body.p, ev.body.n);
            got->n += ev.body.n;
            chunk_n += ev.body.n;
        } else if (ev.kind == MSRP_EV_END && !head.is_response && head.method == MSRP_SEND) {
            char line[1400];
            if (got) {
                got->flag = ev.flag;
                got->chunks++;
                if (chunk_n > got->longest)
                    got->longest = chunk_n;
                if (head.range.end != MSRP_UNKNOWN && head.has_body)
                    assert_int_equal(head.range.end, got->n); /* told truly */
                if (chunk_n > 2048)
                    assert_true(head.range.end == MSRP_UNKNOWN);
            }
            snprintf(line, sizeof line,
                     "MSRP %.*s %d OK\r\nTo-Path: %.*s\r\nFrom-Path: %s\r\n-------%.*s$\r\n",
                     (int)head.tid.n, head.tid.p, code, (int)head.from.first.n, head.from.first.p,
                     conn->remote, (int)head.tid.n, head.tid.p);
            if (code)
                kit_puts(&answers, line);
        }
        if (ev.kind == MSRP_EV_END) {
            frame_at = at;
            got = NULL;
        }
    }
    at = frame_at;
    if (got) { /* half a frame: as if it had not been heard */
        got->n = before;
        if (messages < heard->n)
            free(heard->got[--heard->n].body);
    }
    if (at < n) { /* the beginning of the next frame: heard again */
        assert_false(conn->heard_n);
        conn->heard = sim_alloc(conn->heard, n - at + 1);
        conn->heard_cap = n - at + 1;
        conn->heard_n = n - at;
        memcpy(conn->heard, octets + at, n - at);
        conn->heard[n - at] = '\0';
    }
    if (answers.n)
        sim_say_n(sim, c, answers.p, answers.n);
    free(answers.p);
    free(octets);
}

/* Hears until nothing more comes. */
static inline void kit_hear_all(struct sim *sim, unsigned c, struct kit_heard *heard, int code)
{
    while (sim->conns[c].heard_n) {
        size_t before = sim->conns[c].heard_n;
        kit_hear(sim, c, heard, code);
        if (sim->conns[c].heard_n == before)
            break;
    }
}

/* Part `i` of a received message: its content; the type is compared. Not there: n 0, p NULL. */
static inline struct msrp_str kit_got_part(const struct kit_got *got, const char *type)
{
    struct msrp_mime mime;
    struct msrp_mime_event ev;
    struct msrp_str found = {NULL, 0};
    struct msrp_media media;
    size_t at = 0;
    bool is_it = false;

    assert_int_equal(msrp_mime_init(&mime, msrp_str_of(got->boundary), 0), 0);
    while (at <= got->n) {
        ssize_t used = msrp_mime_next(&mime, got->body + at, got->n - at, &ev);
        assert_true(used >= 0);
        at += (size_t)used;
        if (ev.kind == MSRP_MIME_PART) {
            assert_int_equal(msrp_mime_parse_type(&media, ev.content_type), 0);
            is_it = msrp_str_is(media.subtype, type);
            if (is_it)
                found = (struct msrp_str){got->body + at, 0};
        } else if (ev.kind == MSRP_MIME_DATA && is_it) {
            found.n += ev.data.n;
        } else if (ev.kind == MSRP_MIME_END || ev.kind == MSRP_MIME_MORE) {
            break;
        }
    }
    return found;
}

/* Is part 4 of the message exactly what was sent? */
static inline void kit_same_payload(const struct kit_got *got, const struct kit_sds *sds)
{
    struct kit_text sent = {NULL, 0};
    struct msrp_str part = kit_got_part(got, "vnd.3gpp.mcdata-payload");

    if (sds->payload)
        kit_put(&sent, sds->payload, sds->payload_n);
    else
        kit_seal(&sent, sds->data, sds->data_n, sds->key);
    assert_int_equal(part.n, sent.n);
    assert_memory_equal(part.p, sent.p, sent.n);
    free(sent.p);
}

/* A policy row for the group: alice, bob, carol. */
static inline struct relay_group *kit_add_group(struct relay_policy *policy)
{
    struct relay_group *group = relay_policy_add_group(policy, KIT_GROUP);

    assert_non_null(group);
    group->sds = true;
    assert_non_null(relay_group_add(group, SIM_ALICE));
    assert_non_null(relay_group_add(group, SIM_BOB));
    assert_non_null(relay_group_add(group, SIM_CAROL));
    return group;
}

static inline struct relay_user *kit_add_user(struct relay_policy *policy, const char *id)
{
    struct relay_user *user = relay_policy_add_user(policy, id);

    assert_non_null(user);
    user->may_send_one = true;
    return user;
}

/* Gives the relay another policy. */
static inline void kit_policy(struct sim *sim, struct relay_policy *policy)
{
    struct relay_in in = {.kind = RELAY_IN_POLICY, .policy = policy};

    assert_int_equal(relay_policy_seal(policy), 0);
    relay_policy_unref(sim->policy);
    sim->policy = policy;
    sim_feed(sim, &in);
    sim_pump(sim);
}

/* Was there an event of this kind? Returns the last one. */
static inline const struct relay_event *kit_event(const struct sim *sim, enum relay_event_kind kind)
{
    unsigned n = sim->events_n < SIM_EVENTS_MAX ? sim->events_n : SIM_EVENTS_MAX;

    for (unsigned i = 1; i <= n; i++)
        if (sim->events[(sim->events_n - i) % SIM_EVENTS_MAX].kind == kind)
            return &sim->events[(sim->events_n - i) % SIM_EVENTS_MAX];
    return NULL;
}

#endif
