/* fuzz_core.c - a whole relay under a script of events: (what, who, octets, time) records. It is
 * longer than 40 lines because it holds the oracles of the machine:
 *   - what the relay sends is well formed MSRP, whole frames
 *   - no response to a REPORT or a response, none where Failure-Report is no
 *   - memory stays in its budget, and nothing is left when everybody has gone
 *   - the same script octet by octet gives the same octets, answers and refusals
 *
 * A record: one octet what (mod 8), one octet who (mod 6); for SAY two octets length and the text,
 * in which %U %F %S %R %T stand for Use-Path, From-Path, service, relay URI and token. */
#define SIM_CONNS_MAX 64
#include "msrp/msrp.h"
#include "tests/relay/letter.h"

enum { LOGIN, STRANGER, SAY, PASS, CLOSE, ANSWER, POLICY, DEAF };
enum { WHO = 6, TIDS = 64 };

static const char *const users[WHO] = {
    SIM_ALICE, SIM_BOB, SIM_CAROL, "sip:dora@iops.example", SIM_ALICE, "sip:eve@elsewhere.example"};

/* What one connection was asked, as far as an answer would be a fault. */
struct asked {
    struct msrp_reader reader;
    char *octets; /* all it said */
    size_t n;
    char loud[TIDS][MSRP_IDENT_MAX + 1], silent[TIDS][MSRP_IDENT_MAX + 1];
    unsigned loud_n, silent_n;
};

static void must(bool is_right, const char *what)
{
    if (!is_right)
        sim_die(what);
}

static void note(char list[TIDS][MSRP_IDENT_MAX + 1], unsigned *n, struct msrp_str tid)
{
    memcpy(list[*n % TIDS], tid.p, tid.n);
    list[(*n)++ % TIDS][tid.n] = '\0';
}

static bool has(char list[TIDS][MSRP_IDENT_MAX + 1], unsigned n, struct msrp_str tid)
{
    for (unsigned i = 0; i < n && i < TIDS; i++)
        if (msrp_str_is(tid, list[i]))
            return true;
    return false;
}

/* Reads what was said as the relay must read it, and sorts the transaction ids. */
static void sort_said(struct asked *asked)
{
    struct msrp_event ev;
    size_t at = 0;
    ssize_t used = 0;

    asked->loud_n = asked->silent_n = 0;
    note(asked->loud, &asked->loud_n, MSRP_STR("auth"));
    msrp_reader_init(&asked->reader, NULL);
    while (asked->n &&
           (used = msrp_reader_next(&asked->reader, asked->octets + at, asked->n - at, &ev)) >= 0 &&
           ev.kind != MSRP_EV_MORE) {
        const struct msrp_head *head = ev.head;
        if (ev.kind == MSRP_EV_HEAD &&
            (head->is_response || head->method == MSRP_REPORT ||
             (head->method == MSRP_SEND && head->failure_report == MSRP_NO)))
            note(asked->silent, &asked->silent_n, head->tid);
        else if (ev.kind == MSRP_EV_HEAD)
            note(asked->loud, &asked->loud_n, head->tid);
        at += (size_t)used;
    }
    if (used < 0 && msrp_reader_is_answerable(&asked->reader))
        note(asked->loud, &asked->loud_n, asked->reader.head.tid);
}

static void check_heard(struct asked *asked, const char *heard, size_t n)
{
    struct msrp_reader reader;
    struct msrp_event ev;
    ssize_t used;

    sort_said(asked);
    msrp_reader_init(&reader, NULL);
    while ((used = msrp_reader_next(&reader, heard, n, &ev)) >= 0 && ev.kind != MSRP_EV_MORE) {
        must(!ev.err, "a frame with a fault");
        if (ev.kind == MSRP_EV_HEAD && ev.head->is_response)
            must(has(asked->loud, asked->loud_n, ev.head->tid) ||
                     (asked->silent_n >= TIDS || asked->loud_n >= TIDS) ||
                     !has(asked->silent, asked->silent_n, ev.head->tid),
                 "a response to what is never answered");
        heard += used;
        n -= (size_t)used;
    }
    must(used >= 0, "octets that are no frame");
}

static size_t expand(struct sim *sim, unsigned c, const uint8_t *p, size_t n, char *out, size_t cap)
{
    char token[2048];
    size_t at = 0;

    for (size_t i = 0; i < n && at + 3000 < cap; i++) {
        const char *what = NULL;
        if (p[i] == '%' && i + 1 < n) {
            if (p[i + 1] == 'T')
                token[sim_token(sim, users[c % WHO], token, sizeof token)] = '\0';
            what = p[i + 1] == 'U'   ? sim->conns[c].use_path
                   : p[i + 1] == 'F' ? sim->conns[c].remote
                   : p[i + 1] == 'S' ? SIM_SERVICE
                   : p[i + 1] == 'R' ? SIM_URI
                   : p[i + 1] == 'T' ? token
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

/* The conversation of one run, for comparison with the other. */
struct trace {
    char *heard[64];
    size_t heard_n[64];
    struct relay_counts counts;
    uint64_t *refused;
    unsigned conns;
};

static void play(const uint8_t *data, size_t size, bool split, struct trace *trace)
{
    static struct asked asked[64];
    static char said[300000];
    struct sim sim;
    int slot[WHO];
    struct relay_policy *second = relay_policy_new();

    memset(asked, 0, sizeof asked);
    for (unsigned i = 0; i < WHO; i++)
        slot[i] = -1;
    sim_init(&sim);
    sim.conf.memory_max = 4 << 20;
    sim.conf.out_low = 2048, sim.conf.out_high = 8192, sim.conf.out_hard = 65536;
    sim.conf.hops_max = 8;
    sim.conf.sessions_per_conn_max = 3;
    people(sim.policy, false);
    people(second, true);
    must(!relay_policy_seal(second), "policy");
    sim_start(&sim);
    must(sim.relay, "relay");
    sim.split = split;

    for (size_t passed = 0; size >= 2 && sim.conns_n < 60;) {
        unsigned what = data[0] % 8, who = data[1] % WHO, arg = data[1] / WHO;
        struct relay_in in = {.kind = RELAY_IN_POLICY};
        data += 2, size -= 2;
        if (what == PASS) {
            size_t ms = (size_t)data[-1] * 250;
            if (passed + ms <= 130000)
                sim_pass(&sim, (int64_t)ms);
            passed += ms;
        } else if (what == POLICY) {
            in.kind = arg % 5 == 4   ? RELAY_IN_DRAIN
                      : arg % 5 >= 2 ? RELAY_IN_AUTH
                                     : RELAY_IN_POLICY;
            in.policy = arg % 5 == 1 ? second : sim.policy;
            in.auth = arg % 5 == 3 ? NULL : &sim.auth;
            sim_feed(&sim, &in);
            sim_pump(&sim);
        } else if (what == LOGIN || what == STRANGER) {
            if (slot[who] >= 0)
                sim_closed(&sim, (unsigned)slot[who]);
            slot[who] = (int)sim_open(&sim, what == LOGIN);
            unsigned c = (unsigned)slot[who];
            strcpy(sim.conns[c].remote, "msrps://c.invalid:1/s;tcp");
            if (what == LOGIN)
                sim_login(&sim, c, users[who]);
        } else if (slot[who] >= 0) {
            unsigned c = (unsigned)slot[who];
            if (what == SAY && size >= 2) {
                size_t n = (size_t)(data[0] << 8 | data[1]);
                data += 2, size -= 2;
                n = n < size ? n : size;
                size_t k = expand(&sim, c, data, n, said, sizeof said);
                data += n, size -= n;
                if (sim.conns[c].is_open && !sim.conns[c].is_closing) {
                    asked[c].octets = sim_alloc(asked[c].octets, asked[c].n + k + 1);
                    memcpy(asked[c].octets + asked[c].n, said, k);
                    asked[c].n += k;
                }
                sim_say_n(&sim, c, said, k);
            } else if (what == CLOSE) {
                sim_closed(&sim, c);
                slot[who] = -1;
            } else if (what == ANSWER) {
                static const int codes[] = {200, 200, 413, 481};
                check_heard(&asked[c], sim.conns[c].heard, sim.conns[c].heard_n);
                sim_answer_all(&sim, c, codes[arg % 4]); /* forgets what was heard */
            } else if (what == DEAF) {
                sim.conns[c].is_deaf = arg % 2;
                while (!(arg % 2) && sim_hear(&sim, c))
                    ;
            }
        }
        sim_pump(&sim);
        must(relay_counts(sim.relay)->slab_bytes <= sim.conf.memory_max, "over the budget");
    }
    trace->conns = sim.conns_n;
    trace->counts = *relay_counts(sim.relay);
    trace->refused = sim_alloc(NULL, trace->counts.refused_n * sizeof *trace->refused);
    memcpy(trace->refused, trace->counts.refused, trace->counts.refused_n * sizeof *trace->refused);
    for (unsigned c = 0; c < sim.conns_n; c++) {
        trace->heard_n[c] = sim.conns[c].heard_n;
        trace->heard[c] = sim_alloc(NULL, sim.conns[c].heard_n + 1);
        memcpy(trace->heard[c], sim.conns[c].heard, sim.conns[c].heard_n);
        check_heard(&asked[c], trace->heard[c], trace->heard_n[c]);
        free(asked[c].octets);
    }
    relay_policy_unref(second);
    sim_done(&sim);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct trace bulk, split;

    play(data, size, false, &bulk);
    play(data, size, true, &split);
    must(bulk.conns == split.conns, "another number of connections");
    /* when reading is paused, how much was read before depends on the cut */
    bool is_same = !bulk.counts.pauses && !split.counts.pauses;
    for (unsigned c = 0; c < bulk.conns; c++) {
        must(!is_same || (bulk.heard_n[c] == split.heard_n[c] &&
                          !memcmp(bulk.heard[c], split.heard[c], bulk.heard_n[c])),
             "octet by octet the relay says something else");
        free(bulk.heard[c]);
        free(split.heard[c]);
    }
    must(!is_same ||
             (!memcmp(bulk.counts.answers, split.counts.answers, sizeof bulk.counts.answers) &&
              !memcmp(bulk.refused, split.refused, bulk.counts.refused_n * sizeof *bulk.refused)),
         "octet by octet the relay judges otherwise");
    free(bulk.refused);
    free(split.refused);
    return 0;
}
