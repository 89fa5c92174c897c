/* core_way.c - path relaying: however a sender cuts his messages, whatever the reads, the
 * receiver's pace and the other messages in between: every receiver joins the octets that were
 * sent, each message's chunks in order, with true ranges and the total as it was told. Seeded;
 * MC_SEED and MC_ROUNDS change the run. */
#include "tests/relay/way_kit.h"

enum { MESSAGES = 4, BODY_MAX = 120000, TO_PEER = 3 };

#define PEER     "peer.example"
#define PEER_URI "msrps://" PEER ":2855/p;tcp"
#define FAR_URI  "msrps://far.example:9/f;tcp"

static const struct relay_peer_conf peers[] = {{.name = PEER, .port = 2855, .tls = true}};
static uint64_t seed;

static size_t draw(size_t below)
{
    uint64_t z = seed += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (size_t)((z ^ z >> 31) % below);
}

/* One message from its sender to its end. */
struct letter_way {
    char *body;
    size_t n, sent;    /* octets, said so far */
    unsigned from, to; /* connections */
    bool tells_total;  /* in every Byte-Range */
    bool is_whole;     /* in one chunk */
    bool has_no_range; /* which tells no Byte-Range */
    char *got;         /* by the ranges of what came */
    size_t got_n;      /* octets from the first, without a hole */
    unsigned chunks;
    bool has_last;
};

struct town {
    struct sim sim;
    unsigned conn[4]; /* alice, bob, carol, the peer */
    struct letter_way letters[MESSAGES];
    unsigned said;
};

static void found(struct town *town, unsigned round)
{
    static const char *const users[] = {SIM_ALICE, SIM_BOB, SIM_CAROL};
    struct sim *sim = &town->sim;

    memset(town, 0, sizeof *town);
    sim_init(sim);
    sim->conf.peers = peers;
    sim->conf.peers_n = 1;
    sim_start(sim);
    for (unsigned i = 0; i < TO_PEER; i++)
        town->conn[i] = sim_user(sim, users[i]);
    town->conn[TO_PEER] = sim_open_peer(sim, PEER);
    strcpy(sim->conns[town->conn[TO_PEER]].use_path, PEER_URI);
    strcpy(sim->conns[town->conn[TO_PEER]].remote, FAR_URI);
    sim_clear_all(sim);
    sim->split = round % 8 == 0;
    for (unsigned i = 0; i < MESSAGES; i++) {
        struct letter_way *l = &town->letters[i];
        l->n = draw(3) ? draw(5000) : draw(sim->split ? 9000 : BODY_MAX);
        l->body = sim_alloc(NULL, l->n + 1);
        l->got = sim_alloc(NULL, l->n + 1);
        for (size_t k = 0; k < l->n; k++) /* often what looks like an end-line */
            l->body[k] = draw(4) ? "\r\n-------tx$"[k % 12] : (char)draw(256);
        l->from = (unsigned)draw(4);
        l->to = (unsigned)draw(TO_PEER + (l->from != TO_PEER));
        if (l->to == l->from)
            l->to = (l->to + 1) % TO_PEER;
        l->is_whole = draw(4) == 0;
        l->has_no_range = l->is_whole && draw(2);
        l->tells_total = !l->has_no_range && draw(2);
    }
    for (unsigned i = 0; i < 4; i++)
        sim->conns[town->conn[i]].sip = draw(3) ? 0 : 1 + draw(3000);
}

/* The next chunk of a letter. */
static void say_next(struct town *town, unsigned i)
{
    struct letter_way *l = &town->letters[i];
    const struct sim_conn *from = &town->sim.conns[town->conn[l->from]];
    const struct sim_conn *to = &town->sim.conns[town->conn[l->to]];
    bool is_peer = l->from == TO_PEER;
    if (l->sent == SIZE_MAX)
        return;
    size_t rest = l->n - l->sent, n = l->is_whole ? rest : draw(4) ? draw(6000) : draw(60000);
    char range[100], total[32] = "*", end[32] = "*";

    n = n < rest ? n : rest;
    bool is_last = n == rest && (l->is_whole || !n || draw(3));
    if (!n && !is_last)
        return;
    if (l->tells_total)
        snprintf(total, sizeof total, "%zu", l->n);
    if (n <= 2048 && draw(2))
        snprintf(end, sizeof end, "%zu", l->sent + n);
    snprintf(range, sizeof range, "Byte-Range: %zu-%s/%s\r\n", l->sent + 1, end, total);
    char *text = sim_alloc(NULL, n + 4096);
    int at = snprintf(text, 4096,
                      "MSRP tid%u SEND\r\nTo-Path: %s%s%s %s\r\nFrom-Path: %s%s\r\n"
                      "Message-ID: letter%u\r\n%sContent-Type: application/octet-stream\r\n\r\n",
                      town->said, is_peer ? "" : from->use_path, is_peer ? "" : " ", to->use_path,
                      to->remote, is_peer ? PEER_URI " " : "", from->remote, i,
                      l->has_no_range ? "" : range);
    memcpy(text + at, l->body + l->sent, n);
    at += (int)n;
    at += snprintf(text + at, 64, "\r\n-------tid%u%c\r\n", town->said++, is_last ? '$' : '+');
    l->sent += n;
    if (is_last)
        l->sent = SIZE_MAX;
    sim_say_n(&town->sim, town->conn[l->from], text, (size_t)at);
    free(text);
}

static struct letter_way *letter_of(struct town *town, unsigned place, struct msrp_str id)
{
    struct letter_way *l;

    assert_true(msrp_str_has_prefix(id, "letter") && id.n == 7);
    l = &town->letters[id.p[6] - '0'];
    assert_int_equal(l->to, place); /* nobody else hears it */
    return l;
}

static void got_head(struct town *town, unsigned place, const struct msrp_head *head,
                     struct letter_way **out)
{
    struct letter_way *l = letter_of(town, place, head->message_id);

    *out = l;
    assert_false(l->has_last);
    assert_int_equal(head->range.start, l->got_n + 1); /* rows C8, R10 */
    if (l->tells_total && head->has_range)
        assert_int_equal(head->range.total, l->n); /* row S7 */
    l->chunks++;
}

/* Reads all whole frames that one place has heard, keeps the rest, answers the requests. */
static void hear(struct town *town, unsigned place)
{
    unsigned c = town->conn[place];
    struct sim_conn *conn = &town->sim.conns[c];
    size_t n = conn->heard_n, at = 0, whole = 0, answers_n = 0;
    char *text = sim_alloc(NULL, n + 1), *answers = sim_alloc(NULL, 400 * (n / 100 + 1));
    char tid[MSRP_IDENT_MAX + 1] = "", from[1024] = "";
    struct letter_way *l = NULL, before = {.n = 0};
    struct msrp_reader reader;
    struct msrp_event ev;
    ssize_t used = 0;

    memcpy(text, conn->heard, n);
    msrp_reader_init(&reader, NULL);
    while ((used = msrp_reader_next(&reader, text + at, n - at, &ev)) >= 0 &&
           ev.kind != MSRP_EV_MORE) {
        at += (size_t)used;
        assert_int_equal(ev.err, 0);
        if (ev.kind == MSRP_EV_HEAD) {
            l = NULL;
            if (ev.head->is_response) {
                assert_int_equal(ev.head->code, 200);
                continue;
            }
            assert_int_equal(ev.head->method, MSRP_SEND); /* no REPORT: nothing failed */
            before = *letter_of(town, place, ev.head->message_id);
            got_head(town, place, ev.head, &l);
            snprintf(tid, sizeof tid, "%.*s", (int)ev.head->tid.n, ev.head->tid.p);
            snprintf(from, sizeof from, "%.*s", (int)ev.head->from.first.n, ev.head->from.first.p);
        } else if (ev.kind == MSRP_EV_BODY && l) {
            assert_true(l->got_n + ev.body.n <= l->n);
            memcpy(l->got + l->got_n, ev.body.p, ev.body.n);
            l->got_n += ev.body.n;
        } else if (ev.kind == MSRP_EV_END) {
            whole = at;
            if (!l)
                continue;
            l->has_last = ev.flag == '$';
            answers_n +=
                (size_t)sprintf(answers + answers_n,
                                "MSRP %s 200 OK\r\nTo-Path: %s\r\nFrom-Path: %s\r\n-------%s$\r\n",
                                tid, from, conn->remote, tid);
            l = NULL;
        }
    }
    assert_true(used >= 0);
    if (l) /* a frame that is not whole yet is read again */
        *l = before;
    memmove(conn->heard, conn->heard + whole, n - whole);
    conn->heard_n = n - whole;
    sim_say_n(&town->sim, c, answers, answers_n);
    free(answers);
    free(text);
}

static void end(struct town *town, uint64_t number)
{
    struct sim *sim = &town->sim;

    for (unsigned i = 0; i < 4; i++)
        sim->conns[town->conn[i]].sip = 0;
    for (unsigned turns = 0; turns < 100; turns++) {
        for (unsigned i = 0; i < 4; i++)
            hear(town, i);
        sim_pass(sim, 100);
    }
    for (unsigned i = 0; i < MESSAGES; i++) {
        struct letter_way *l = &town->letters[i];
        if (!l->has_last || l->got_n != l->n || memcmp(l->got, l->body, l->n) != 0)
            fail_msg("seed %llu, message %u: %zu of %zu octets in %u chunks%s",
                     (unsigned long long)number, i, l->got_n, l->n, l->chunks,
                     l->has_last ? "" : ", without an end");
        free(l->got);
        free(l->body);
    }
    if (sim->refusals)
        fail_msg("seed %llu: %s", (unsigned long long)number,
                 relay_err_row(sim->last_refusal)->name);
    assert_true(relay_is_quiet(sim->relay));
    sim_done(sim);
}

static void same_octets(void **state)
{
    static struct town town;
    int rounds = getenv("MC_ROUNDS") ? atoi(getenv("MC_ROUNDS")) : 60;
    uint64_t first = getenv("MC_SEED") ? strtoull(getenv("MC_SEED"), NULL, 0) : 1;

    (void)state;
    for (int round = 0; round < rounds; round++) {
        seed = first + (uint64_t)round;
        found(&town, (unsigned)round);
        for (unsigned open = MESSAGES; open;) {
            say_next(&town, (unsigned)draw(MESSAGES) % MESSAGES);
            if (draw(3) == 0)
                hear(&town, (unsigned)draw(4));
            if (draw(8) == 0)
                sim_pass(&town.sim, 20);
            open = 0;
            for (unsigned i = 0; i < MESSAGES; i++)
                open += town.letters[i].sent != SIZE_MAX;
        }
        end(&town, first + (uint64_t)round);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_octets)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
