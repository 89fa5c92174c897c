/* letter.h - writes the multipart of an SDS, a disposition notification or a key-only message, and
 * MSRP chunks around it, for tests of the service. Protected payloads have a true header and
 * made-up ciphertext: the relay cannot tell, it holds no key. Nothing random: equal letters are
 * equal. */
#ifndef TESTS_RELAY_LETTER_H
#define TESTS_RELAY_LETTER_H

#include "dpp/sds/info.h"
#include "tests/relay/sim.h"

#define LETTER_BOUNDARY "b0undary"
#define LETTER_TYPE     "multipart/mixed;boundary=" LETTER_BOUNDARY
#define LETTER_GROUP    "sip:team@iops.example"

struct letter {
    const char *to;       /* target user; NULL: none */
    const char *group;    /* target group: request-type group-sds */
    const char *of_group; /* mcdata-calling-group-id of a notification */
    uint8_t id;           /* fills conversation ID and message ID */
    uint8_t disposition;  /* not 0: a notification of this type */
    uint8_t request;      /* disposition request of an SDS: 1-3 */
    size_t n;             /* octets of ciphertext */
    uint8_t fill;         /* what the ciphertext is made of */
    unsigned frames;      /* 0: one protected message 0x43; else a plain head and so many frames */
    uint8_t tag;          /* purpose tag of the DPPK-ID; 0xff: what fits the target */
    bool is_plain;        /* an unprotected payload */
    bool has_no_payload, has_no_info, has_no_signalling;
    const char *mikey; /* part 5; NULL: none */
    const char *info;  /* instead of the mcdata-info; NULL: a good one */
    const char *tail;  /* instead of the close delimiter; NULL: a good one */
};

/* A good one-to-one letter, 100 octets. */
#define LETTER(to_, id_)                                                                           \
    ((struct letter){.to = (to_), .id = (id_), .n = 100, .fill = 'x', .tag = 0xff})
/* The same to the group. */
#define LETTER_TO_GROUP(id_)                                                                       \
    ((struct letter){.group = LETTER_GROUP, .id = (id_), .n = 100, .fill = 'x', .tag = 0xff})

struct letter_out {
    char *p;
    size_t n, cap;
};

static inline void letter_put(struct letter_out *out, const void *p, size_t n)
{
    if (out->n + n > out->cap)
        sim_die("letter: no room");
    memcpy(out->p + out->n, p, n);
    out->n += n;
}

static inline void letter_text(struct letter_out *out, const char *text)
{
    letter_put(out, text, strlen(text));
}

static inline void letter_fill(struct letter_out *out, uint8_t octet, size_t n)
{
    if (out->n + n > out->cap)
        sim_die("letter: no room");
    memset(out->p + out->n, octet, n);
    out->n += n;
}

static inline void letter_part(struct letter_out *out, const char *type)
{
    letter_text(out, out->n ? "\r\n--" LETTER_BOUNDARY : "--" LETTER_BOUNDARY);
    letter_text(out, "\r\nContent-Type: ");
    letter_text(out, type);
    letter_text(out, "\r\n\r\n");
}

static inline void letter_frame(struct letter_out *out, const struct letter *letter, uint8_t seq,
                                size_t n)
{
    uint8_t tag = letter->tag != 0xff ? letter->tag : letter->group ? 0 : 1;
    uint8_t head[35] = {0x43, 0, 0x65, 0x53, 0xf1, 0, 0, 0, 0, letter->id, seq, 1};

    for (int i = 12; i < 28; i++)
        head[i] = (uint8_t)(letter->id + i);
    head[28] = (uint8_t)(tag << 4);
    head[31] = 1;
    head[33] = (uint8_t)((n + 16) >> 8);
    head[34] = (uint8_t)(n + 16);
    letter_put(out, head, sizeof head);
    letter_fill(out, letter->fill, n);
    letter_fill(out, 't', 16);
}

static inline void letter_payload(struct letter_out *out, const struct letter *letter)
{
    if (letter->is_plain) {
        uint8_t head[6] = {0x03, 1, 0x78, (uint8_t)((letter->n + 1) >> 8), (uint8_t)(letter->n + 1),
                           1};
        letter_put(out, head, sizeof head);
        letter_fill(out, letter->fill, letter->n);
    } else if (!letter->frames) {
        letter_frame(out, letter, 0, letter->n);
    } else {
        uint8_t head[2] = {0x03, (uint8_t)letter->frames};
        letter_put(out, head, 2);
        for (unsigned i = 0; i < letter->frames; i++) {
            size_t rest = letter->n - letter->n / letter->frames * i;
            size_t n = i + 1 == letter->frames ? rest : letter->n / letter->frames;
            uint8_t ie[3] = {0x7a, (uint8_t)((n + 51) >> 8), (uint8_t)(n + 51)};
            letter_put(out, ie, 3);
            letter_frame(out, letter, (uint8_t)i, n);
        }
    }
}

static inline void letter_signalling(struct letter_out *out, const struct letter *letter)
{
    static const uint8_t time[5] = {0, 0x65, 0x53, 0xf1, 0};
    uint8_t type[2] = {letter->disposition ? 0x05 : 0x01, letter->disposition};

    letter_put(out, type, letter->disposition ? 2 : 1);
    letter_put(out, time, 5);
    letter_fill(out, letter->id, 32);
    if (letter->request)
        letter_fill(out, (uint8_t)(0x80 | letter->request), 1);
}

/* Writes the body of the letter. Returns its octets. */
static inline size_t letter_write(const struct letter *letter, char *p, size_t cap)
{
    struct letter_out out = {p, 0, cap};

    if (!letter->has_no_info) {
        char xml[2048];
        struct dpp_info info = {.request = letter->group ? DPP_REQUEST_GROUP_SDS
                                                         : DPP_REQUEST_ONE_TO_ONE_SDS};
        const char *target = letter->group ? letter->group : letter->to;
        snprintf(info.request_uri, sizeof info.request_uri, "%s", target ? target : "");
        snprintf(info.calling_group_id, sizeof info.calling_group_id, "%s",
                 letter->of_group ? letter->of_group : "");
        ssize_t n = dpp_info_print(xml, sizeof xml, &info);
        if (n < 0)
            sim_die("letter: mcdata-info");
        letter_part(&out, "application/vnd.3gpp.mcdata-info+xml");
        letter_put(&out, letter->info ? letter->info : xml,
                   letter->info ? strlen(letter->info) : (size_t)n);
    }
    if (!letter->has_no_signalling) {
        letter_part(&out, "application/vnd.3gpp.mcdata-signalling");
        letter_signalling(&out, letter);
    }
    if (!letter->has_no_payload && !letter->disposition) {
        letter_part(&out, "application/vnd.3gpp.mcdata-payload");
        letter_payload(&out, letter);
    }
    if (letter->mikey) {
        letter_part(&out, "application/mikey");
        letter_text(&out, letter->mikey);
    }
    letter_text(&out, letter->tail ? letter->tail : "\r\n--" LETTER_BOUNDARY "--");
    return out.n;
}

/* How octets [from, to) of a body of `total` octets go out as one chunk. */
struct letter_chunk {
    const char *tid, *message_id;
    const char *more;  /* more header lines, each with CRLF; NULL: none */
    const char *range; /* Byte-Range value; NULL: the true one; "": none */
    const char *type;  /* Content-Type; NULL: LETTER_TYPE */
    char flag;
};

static inline void letter_say(struct sim *sim, unsigned c, const char *body, size_t from, size_t to,
                              size_t total, const struct letter_chunk *chunk)
{
    char head[4096], range[128] = "", end[64];

    if (!chunk->range)
        snprintf(range, sizeof range, "Byte-Range: %zu-%zu/%zu\r\n", from + 1, to, total);
    else if (*chunk->range)
        snprintf(range, sizeof range, "Byte-Range: %s\r\n", chunk->range);
    int head_n = snprintf(head, sizeof head,
                          "MSRP %s SEND\r\nTo-Path: %s " SIM_SERVICE "\r\nFrom-Path: %s\r\n%s"
                          "Message-ID: %s\r\n%sContent-Type: %s\r\n\r\n",
                          chunk->tid, sim->conns[c].use_path, sim->conns[c].remote,
                          chunk->more ? chunk->more : "", chunk->message_id, range,
                          chunk->type ? chunk->type : LETTER_TYPE);
    int end_n = snprintf(end, sizeof end, "\r\n-------%s%c\r\n", chunk->tid, chunk->flag);
    size_t n = (size_t)head_n + (to - from) + (size_t)end_n;
    char *all = sim_alloc(NULL, n);
    memcpy(all, head, (size_t)head_n);
    memcpy(all + head_n, body + from, to - from);
    memcpy(all + head_n + (to - from), end, (size_t)end_n);
    sim_say_n(sim, c, all, n);
    free(all);
}

/* The whole letter in one chunk. */
static inline void letter_send(struct sim *sim, unsigned c, const struct letter *letter,
                               const char *tid, const char *message_id, const char *more)
{
    size_t cap = letter->n + 8192 + 60 * letter->frames;
    char *body = sim_alloc(NULL, cap);
    size_t n = letter_write(letter, body, cap);

    letter_say(
        sim, c, body, 0, n, n,
        &(struct letter_chunk){.tid = tid, .message_id = message_id, .more = more, .flag = '$'});
    free(body);
}

/* The code of the answer to `tid` among what c has heard, 0 when there is none. */
static inline int letter_answer(const struct sim *sim, unsigned c, const char *tid)
{
    char start[64];
    int code = 0;

    snprintf(start, sizeof start, "MSRP %s ", tid);
    const char *p = memmem(sim->conns[c].heard, sim->conns[c].heard_n, start, strlen(start));
    if (p)
        sscanf(p + strlen(start), "%d", &code);
    return code;
}

/* Does text stand in what c has heard? */
static inline bool letter_heard(const struct sim *sim, unsigned c, const char *text)
{
    return memmem(sim->conns[c].heard, sim->conns[c].heard_n, text, strlen(text)) != NULL;
}

/* How often does it? */
static inline unsigned letter_count(const struct sim *sim, unsigned c, const char *text)
{
    const char *p = sim->conns[c].heard, *end = p + sim->conns[c].heard_n;
    unsigned n = 0;

    while ((p = memmem(p, (size_t)(end - p), text, strlen(text)))) {
        n++;
        p++;
    }
    return n;
}

/* The longest run of `octet` in what c has heard: the ciphertext of a letter filled with it. */
static inline size_t letter_longest(const struct sim *sim, unsigned c, uint8_t octet)
{
    size_t best = 0, run = 0;

    for (size_t i = 0; i < sim->conns[c].heard_n; i++) {
        run = (uint8_t)sim->conns[c].heard[i] == octet ? run + 1 : 0;
        if (run > best)
            best = run;
    }
    return best;
}

/* Adds the group with alice, bob and carol to the policy of a simulator that has not started. */
static inline struct relay_group *letter_group(struct sim *sim)
{
    struct relay_group *group = relay_policy_add_group(sim->policy, LETTER_GROUP);

    if (!group || !relay_group_add(group, SIM_ALICE) || !relay_group_add(group, SIM_BOB) ||
        !relay_group_add(group, SIM_CAROL))
        sim_die("letter: group");
    return group;
}

#endif
