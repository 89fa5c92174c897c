/* core_script.h - the script of fuzz_core.c: its people, its peers, and what a record makes them
 * say. */
#ifndef FUZZ_CORE_SCRIPT_H
#define FUZZ_CORE_SCRIPT_H

#include "fuzz/core_digest.h"
#include "fuzz/core_oracle.h"
#include "relay/route/peer.h"

enum { WHO = 6 };

static const char *const users[WHO] = {
    SIM_ALICE, SIM_BOB, SIM_CAROL, "sip:dora@iops.example", SIM_ALICE, "sip:eve@elsewhere.example"};

static const char *const domains[] = {"iops.example"};
static const struct relay_peer_conf peer_confs[PEERS] = {
    {.name = "peer.example",
     .port = 2855,
     .tls = true,
     .domains = domains,
     .domains_n = 1,
     .messages_per_s = 50,
     .messages_burst = 20},
    {.name = "plain.example", .port = 2856, .tls = false},
};
/* its own URI, and that of somebody behind it */
static const char *const peer_uri[PEERS] = {"msrps://peer.example:2855/p;tcp",
                                            "msrp://plain.example:2856/p;tcp"};
static const char *const far_uri[PEERS] = {"msrps://far.example:9/f;tcp",
                                           "msrp://far.example:9/f;tcp"};

struct play {
    struct sim sim;
    struct asked asked[CONNS];
    int slot[WHO], peer[PEERS]; /* connections, -1: none */
    bool is_forged;             /* somebody said a tainted Message-ID without us */
    unsigned said;              /* frames made, for their ids */
    uint64_t next[CONNS][4];    /* where a sender's message goes on, by its number */
    char *rest;                 /* what `cut` has still to say */
    size_t rest_n;
    unsigned cut;   /* 1 + connection in the middle of a frame; 0: none */
    bool wants_cut; /* the next frame is said in two parts */
    struct relay_digest_users *list;
    struct relay_digest_rules passwords;
    uint32_t counts; /* %D so far */
};

/* The people: a group of three; dora with a CSK; and the same with bob out and carol gone. */
static void people(struct relay_policy *policy, bool is_second)
{
    uint8_t octets[16] = "the key of dora";
    struct relay_group *group = relay_policy_add_group(policy, LETTER_GROUP);
    struct relay_user *dora = relay_policy_add_user(policy, users[3]);
    struct relay_user *bob = relay_policy_add_user(policy, SIM_BOB);

    must(dpp_keys_init(0) != DPP_E_SECURE_HEAP && group && dora && bob, "people");
    must(relay_group_add(group, SIM_ALICE) && relay_group_add(group, SIM_BOB) &&
             relay_group_add(group, users[3]),
         "people");
    must(is_second || relay_group_add(group, SIM_CAROL), "people");
    must(!dpp_key_new(&dora->csk, 0x20000001, octets, sizeof octets, 0, 0), "people");
    bob->revoked = is_second;
}

/* Says octets, and remembers them. What was begun is said to its end first. */
static void say(struct play *play, unsigned c, const char *p, size_t n)
{
    struct asked *asked = &play->asked[c];

    if (play->cut == c + 1) {
        play->cut = 0;
        say(play, c, play->rest, play->rest_n);
    }
    if (play->sim.conns[c].is_open && !play->sim.conns[c].is_closing) {
        asked->octets = sim_alloc(asked->octets, asked->n + n + 1);
        memcpy(asked->octets + asked->n, p, n);
        asked->n += n;
    }
    sim_say_n(&play->sim, c, p, n);
}

/* The same for a frame of ours, perhaps in two parts. */
static void say_frame(struct play *play, unsigned c, const char *p, size_t n)
{
    size_t part = play->wants_cut && !play->cut ? n / 2 : n;

    play->wants_cut = false;
    say(play, c, p, part);
    if (part == n)
        return;
    play->rest = sim_alloc(play->rest, n - part);
    memcpy(play->rest, p + part, n - part);
    play->rest_n = n - part;
    play->cut = c + 1;
}

/* Octets of the fuzzer's own; %U %F %S %R %T stand for Use-Path, From-Path, service, relay URI and
 * token, %D for Digest credentials, %0 to %5 for the path to somebody. */
static size_t expand(struct play *play, unsigned c, const uint8_t *p, size_t n, char *out,
                     size_t cap)
{
    struct sim *sim = &play->sim;
    char token[2048], path[1024], digest[1024];
    size_t at = 0;

    for (size_t i = 0; i < n && at + 3000 < cap; i++) {
        const char *what = NULL;
        uint8_t key = i + 1 < n ? p[i + 1] : 0;
        if (p[i] == '%' && key == 'T')
            token[sim_token(sim, users[c % WHO], token, sizeof token)] = '\0';
        if (p[i] == '%' && key == 'D')
            digest_credentials(sim->conns[c].heard, c % WHO, ++play->counts, digest, sizeof digest);
        if (p[i] == '%' && key >= '0' && key < '0' + WHO && play->slot[key - '0'] >= 0) {
            const struct sim_conn *to = &sim->conns[play->slot[key - '0']];
            snprintf(path, sizeof path, "%s %s", to->use_path, to->remote);
            what = path;
        } else if (p[i] == '%') {
            what = key == 'U'   ? sim->conns[c].use_path
                   : key == 'F' ? sim->conns[c].remote
                   : key == 'S' ? SIM_SERVICE
                   : key == 'R' ? SIM_URI
                   : key == 'T' ? token
                   : key == 'D' ? digest
                                : NULL;
        }
        if (!what) {
            out[at++] = (char)p[i];
            continue;
        }
        memcpy(out + at, what, strlen(what));
        at += strlen(what);
        i++;
    }
    return at;
}

static void say_text(struct play *play, unsigned c, const uint8_t *p, size_t n)
{
    static char said[300000];
    size_t k = expand(play, c, p, n, said, sizeof said);
    struct asked *asked = &play->asked[c];
    size_t before = asked->n;

    say(play, c, said, k);
    before = before > 2 ? before - 2 : 0; /* it may have begun in the last octets */
    if (asked->n > before)
        play->is_forged |= memmem(asked->octets + before, asked->n - before, TAINT, 3) != NULL;
}

/* A chunk of a tainted message, from connection c. */
struct chunk {
    int peer, to_peer;  /* from, to: a peer's index; -1: a client */
    unsigned to;        /* slot of the receiver where he is a client */
    unsigned number;    /* of the message: 0-3 */
    char failure, flag; /* as in struct taint; of the end-line */
    bool success;
    unsigned range; /* 0 numeric, 1 '*' as end, 2 none where it may be, 3 with the total */
    size_t n;
    uint64_t start; /* 0: where the last one ended */
};

static void say_chunk(struct play *play, unsigned c, const struct chunk *chunk)
{
    static char text[70000];
    const struct sim_conn *conns = play->sim.conns;
    struct taint taint = {play->asked[c].place, PEER_PLACE, chunk->number, chunk->failure};
    const char *failure = chunk->failure == 'a'   ? ""
                          : chunk->failure == 'y' ? "Failure-Report: yes\r\n"
                          : chunk->failure == 'p' ? "Failure-Report: partial\r\n"
                                                  : "Failure-Report: no\r\n";
    uint64_t *next = &play->next[c][chunk->number];
    uint64_t start = chunk->start ? chunk->start : *next + 1;
    char to[2000], from[300], range[100], id[MSRP_IDENT_MAX + 1], tid[32];

    if (chunk->to_peer >= 0) {
        taint.to += (unsigned)chunk->to_peer;
        snprintf(to, sizeof to, "%s %s %s", conns[c].use_path, peer_uri[chunk->to_peer],
                 far_uri[chunk->to_peer]);
    } else {
        if (play->slot[chunk->to] < 0)
            return;
        taint.to = (unsigned)play->slot[chunk->to];
        snprintf(to, sizeof to, "%s%s%s %s", chunk->peer < 0 ? conns[c].use_path : "",
                 chunk->peer < 0 ? " " : "", conns[taint.to].use_path, conns[taint.to].remote);
    }
    if (chunk->peer >= 0)
        snprintf(from, sizeof from, "%s %s", peer_uri[chunk->peer], far_uri[chunk->peer]);
    else
        snprintf(from, sizeof from, "%s", conns[c].remote);
    uint64_t end = start + chunk->n - 1;
    if (chunk->range == 1)
        snprintf(range, sizeof range, "Byte-Range: %llu-*/*\r\n", (unsigned long long)start);
    else if (chunk->range == 2 && start == 1)
        range[0] = '\0';
    else if (chunk->range == 3 && chunk->flag == '$')
        snprintf(range, sizeof range, "Byte-Range: %llu-%llu/%llu\r\n", (unsigned long long)start,
                 (unsigned long long)end, (unsigned long long)end);
    else
        snprintf(range, sizeof range, "Byte-Range: %llu-%llu/*\r\n", (unsigned long long)start,
                 (unsigned long long)end);
    taint_id(&taint, id);
    snprintf(tid, sizeof tid, TAINT_TID "%u", play->said++);
    int n = snprintf(text, sizeof text,
                     "MSRP %s SEND\r\nTo-Path: %s\r\nFrom-Path: %s\r\nMessage-ID: %s\r\n%s%s%s"
                     "Content-Type: application/octet-stream\r\n\r\n",
                     tid, to, from, id, range, failure,
                     chunk->success ? "Success-Report: yes\r\n" : "");
    for (size_t i = 0; i < chunk->n; i++)
        text[n++] = taint_octet(&taint, start - 1 + i);
    n += snprintf(text + n, 64, "\r\n-------%s%c\r\n", tid, chunk->flag);
    say_frame(play, c, text, (size_t)n);
    *next = chunk->flag == '+' ? end : 0;
}

/* A REPORT of a receiver to a sender: never about a tainted message. */
static void say_report(struct play *play, unsigned c, unsigned to, int code)
{
    const struct sim_conn *conns = play->sim.conns;
    char text[3000];

    if (play->slot[to] < 0)
        return;
    int n =
        snprintf(text, sizeof text,
                 "MSRP rep%u REPORT\r\nTo-Path: %s %s %s\r\nFrom-Path: %s\r\n"
                 "Message-ID: Yq%u\r\nByte-Range: 1-1/1\r\nStatus: 000 %03d\r\n-------rep%u$\r\n",
                 play->said, conns[c].use_path, conns[play->slot[to]].use_path,
                 conns[play->slot[to]].remote, conns[c].remote, play->said, code, play->said);
    play->said++;
    say_frame(play, c, text, (size_t)n);
}

/* Answers every request that c has heard and that may be answered, and forgets what was heard. */
static void answer(struct play *play, unsigned c, int code)
{
    struct sim_conn *conn = &play->sim.conns[c];
    struct msrp_reader reader;
    struct msrp_event ev;
    size_t n = conn->heard_n, at = 0, k = 0, cap = 1;
    char *heard = sim_alloc(NULL, n + 1), *text = sim_alloc(NULL, 1);
    ssize_t used;

    check_heard(&play->asked[c], conn->heard, n, play->is_forged);
    memcpy(heard, conn->heard, n);
    sim_clear(&play->sim, c);
    msrp_reader_init(&reader, NULL);
    while ((used = msrp_reader_next(&reader, heard + at, n - at, &ev)) >= 0 &&
           ev.kind != MSRP_EV_MORE) {
        at += (size_t)used;
        if (ev.kind != MSRP_EV_HEAD || !msrp_report_is_answered(ev.head, code))
            continue;
        const struct msrp_head *head = ev.head;
        struct msrp_str to = msrp_head_answer_path(head);
        cap += head->to.text.n + to.n + 200;
        text = sim_alloc(text, cap);
        k += (size_t)snprintf(text + k, cap - k,
                              "MSRP %.*s %d x\r\nTo-Path: %.*s\r\nFrom-Path: %.*s\r\n"
                              "-------%.*s$\r\n",
                              (int)head->tid.n, head->tid.p, code, (int)to.n, to.p,
                              (int)head->to.first.n, head->to.first.p, (int)head->tid.n,
                              head->tid.p);
    }
    say(play, c, text, k);
    free(text);
    free(heard);
}

#endif
