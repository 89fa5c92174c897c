/* fuzz_core.c - a whole relay under a script of events: (what, who, octets, time) records. It is
 * longer than 40 lines because it holds a script and the oracles of the machine:
 *   - what the relay sends is well formed MSRP, whole frames
 *   - no response to a REPORT or a response, none where Failure-Report is no, no 200 for partial
 *   - octets of relayed messages come out where they went in and nowhere else; REPORTs go to the
 *     sender, are never about success, never where Failure-Report is no (core_oracle.h)
 *   - every refusal is counted and told once
 *   - memory stays in its budget, and nothing is left when everybody has gone
 *   - the same script octet by octet gives the same octets, answers and refusals
 *
 * A record: one octet what (mod 16), one octet who (mod 6; PEER, FROM_PEER: mod 2). SAY: two octets
 * length and text (core_script.h). SEND, FROM_PEER: four octets of a chunk, REPORT: one. */
#define SIM_CONNS_MAX 64
#include "fuzz/core_script.h"

enum {
    LOGIN,
    STRANGER,
    SAY,
    PASS,
    CLOSE,
    ANSWER,
    POLICY,
    DEAF,
    SEND,      /* somebody sends a chunk to somebody else */
    PEER,      /* a peer connects, leaves, answers, is deaf */
    DIALLED,   /* a dial that the relay asked for ends */
    FROM_PEER, /* a peer sends a chunk to somebody */
    REPORT,
    CUT,      /* the next frame is said in two parts */
    PEER_SAY, /* as SAY */
    KINDS = 16
};

static const int codes[] = {200, 200, 413, 481};

static unsigned opened(struct play *play, unsigned c, unsigned place)
{
    play->asked[c].place = place;
    strcpy(play->sim.conns[c].remote, "msrps://c.invalid:1/s;tcp");
    return c;
}

static void come(struct play *play, unsigned who, bool is_user)
{
    struct sim *sim = &play->sim;

    if (play->slot[who] >= 0)
        sim_closed(sim, (unsigned)play->slot[who]);
    unsigned c = sim_open(sim, is_user);
    play->slot[who] = (int)opened(play, c, c);
    play->asked[c].is_plain = !is_user;
    if (is_user)
        sim_login(sim, c, users[who]);
}

/* A connection to a peer: accepted, or the one that the relay asked for. */
static void link_up(struct play *play, unsigned peer, bool is_dialled)
{
    struct relay_in in = {.n = 0};
    const char *name = peer_confs[peer].name;

    in.open.source = "10.9.9.9";
    in.open.tls = peer_confs[peer].tls;
    in.open.loopback = true;
    if (is_dialled) {
        in.open.dialled = peer + 1;
    } else if (in.open.tls) {
        in.open.names = &name;
        in.open.names_n = 1;
    }
    play->peer[peer] = (int)opened(play, sim_open_as(&play->sim, in), PEER_PLACE + peer);
    strcpy(play->sim.conns[play->peer[peer]].remote, peer_uri[peer]);
}

static void at_peer(struct play *play, unsigned peer, unsigned arg)
{
    int c = play->peer[peer];

    if (arg % 8 < 2) {
        link_up(play, peer, false);
    } else if (c < 0) {
        return;
    } else if (arg % 8 == 2) {
        sim_closed(&play->sim, (unsigned)c);
        play->peer[peer] = -1;
    } else if (arg % 8 == 3) {
        play->sim.conns[c].is_deaf = !play->sim.conns[c].is_deaf;
        while (sim_hear(&play->sim, (unsigned)c))
            ;
    } else {
        answer(play, (unsigned)c, codes[arg % 4]);
    }
}

static void dialled(struct play *play, bool is_up)
{
    unsigned peer = play->sim.dialled - 1;

    if (!play->sim.dialled)
        return;
    if (!is_up) {
        sim_undialled(&play->sim);
        return;
    }
    play->sim.dialled = 0;
    link_up(play, peer, true);
}

static void send_chunk(struct play *play, int c, int peer, const uint8_t *p)
{
    static const size_t sizes[] = {0, 1, 100, 2048, 2049, 5000, 17000, 40000};
    struct chunk chunk = {
        .peer = peer,
        .to_peer = p[0] % 8 >= WHO && peer < 0 ? p[0] % 8 - WHO : -1,
        .to = p[0] % 8 % WHO,
        .failure = "aypn"[p[0] / 8 % 4],
        .success = p[0] / 32 % 2,
        .number = p[1] % 4,
        .flag = "+$$#"[p[1] / 4 % 4],
        .range = p[1] / 16 % 4,
        .n = sizes[p[2] % 8] + p[2] / 8,
        .start = p[3] % 8 ? 0 : 1 + (uint64_t)p[3] * 16,
    };

    if (c >= 0 && play->sim.conns[c].use_path[0] == '\0' && peer < 0)
        return;
    if (c >= 0)
        say_chunk(play, (unsigned)c, &chunk);
}

/* A change of rules, or the end. */
static void change(struct play *play, unsigned arg, struct relay_policy *second)
{
    struct relay_in in = {.kind = arg % 5 == 4   ? RELAY_IN_DRAIN
                                  : arg % 5 >= 2 ? RELAY_IN_AUTH
                                                 : RELAY_IN_POLICY};

    in.policy = arg % 5 == 1 ? second : play->sim.policy;
    in.auth = arg % 5 == 3 ? NULL : &play->sim.auth;
    in.digest = arg % 2 ? &play->passwords : NULL;
    if (arg >= 40)
        in.kind = RELAY_IN_DIGEST;
    sim_feed(&play->sim, &in);
    sim_pump(&play->sim);
}

static size_t say_some(struct play *play, unsigned c, const uint8_t *data, size_t size)
{
    size_t n;

    if (size < 2)
        return 0;
    n = (size_t)(data[0] << 8 | data[1]);
    n = n < size - 2 ? n : size - 2;
    say_text(play, c, data + 2, n);
    return n + 2;
}

/* One record of somebody who is there. Returns the octets that it took. */
static size_t act(struct play *play, unsigned what, unsigned who, unsigned arg, const uint8_t *data,
                  size_t size)
{
    unsigned c = (unsigned)play->slot[who];

    switch (what) {
    case SAY:
        return say_some(play, c, data, size);
    case CLOSE:
        sim_closed(&play->sim, c);
        play->slot[who] = -1;
        return 0;
    case ANSWER:
        answer(play, c, codes[arg % 4]);
        return 0;
    case DEAF:
        play->sim.conns[c].is_deaf = arg % 2;
        while (!(arg % 2) && sim_hear(&play->sim, c))
            ;
        return 0;
    case SEND:
        if (size < 4)
            return size;
        send_chunk(play, (int)c, -1, data);
        return 4;
    case REPORT:
        if (size < 1)
            return 0;
        say_report(play, c, data[0] % WHO, data[0] / WHO % 2 ? 200 : 413);
        return 1;
    default:
        return 0;
    }
}

/* The conversation of one run, for comparison with the other. */
struct trace {
    char *heard[CONNS];
    size_t heard_n[CONNS];
    struct relay_counts counts;
    uint64_t *refused;
    unsigned conns;
};

static void start(struct play *play, bool split)
{
    struct sim *sim = &play->sim;

    memset(play, 0, sizeof *play);
    for (unsigned i = 0; i < WHO; i++)
        play->slot[i] = -1;
    play->peer[0] = play->peer[1] = -1;
    sim_init(sim);
    sim->conf.memory_max = 4 << 20;
    sim->conf.out_low = 2048, sim->conf.out_high = 8192, sim->conf.out_hard = 65536;
    sim->conf.hops_max = 8;
    sim->conf.sessions_per_conn_max = 3;
    sim->conf.path_message_max = 1 << 20;
    sim->conf.peers = peer_confs;
    sim->conf.peers_n = PEERS;
    play->list = digest_users(users, WHO);
    play->passwords = (struct relay_digest_rules){play->list, "r", 10};
    sim->conf.digest = &play->passwords;
    people(sim->policy, false);
    sim_start(sim);
    must(sim->relay, "relay");
    sim->split = split;
}

static void end(struct play *play, struct trace *trace)
{
    struct sim *sim = &play->sim;

    trace->conns = sim->conns_n;
    trace->counts = *relay_counts(sim->relay);
    check_counts(&trace->counts, sim->refusals);
    trace->refused = sim_alloc(NULL, trace->counts.refused_n * sizeof *trace->refused);
    memcpy(trace->refused, trace->counts.refused, trace->counts.refused_n * sizeof *trace->refused);
    for (unsigned c = 0; c < sim->conns_n; c++) {
        trace->heard_n[c] = sim->conns[c].heard_n;
        trace->heard[c] = sim_alloc(NULL, sim->conns[c].heard_n + 1);
        memcpy(trace->heard[c], sim->conns[c].heard, sim->conns[c].heard_n);
        check_heard(&play->asked[c], trace->heard[c], trace->heard_n[c], play->is_forged);
        free(play->asked[c].octets);
    }
    free(play->rest);
    for (unsigned c = 0; c < sim->conns_n; c++)
        sim_closed(sim, c);
    sim_pass(sim, RELAY_PEER_WAIT_MS + 1000); /* what waits for a link is given up */
    must(relay_is_quiet(sim->relay), "a message that never ends");
    sim_done(sim);
    relay_digest_users_free(play->list);
}

static void run(const uint8_t *data, size_t size, bool split, struct trace *trace)
{
    static struct play play;
    struct sim *sim = &play.sim;
    struct relay_policy *second = relay_policy_new();

    start(&play, split);
    people(second, true);
    must(!relay_policy_seal(second), "policy");
    for (size_t passed = 0, used; size >= 2 && sim->conns_n < CONNS - 4;
         data += used, size -= used) {
        unsigned what = data[0] % KINDS, who = data[1] % WHO, arg = data[1] / WHO;
        used = 2;
        if (what == PASS) {
            size_t ms = (size_t)data[1] * 250;
            if (passed + ms <= 130000)
                sim_pass(sim, (int64_t)ms);
            passed += ms;
        } else if (what == POLICY) {
            change(&play, arg, second);
        } else if (what == LOGIN || what == STRANGER) {
            come(&play, who, what == LOGIN);
        } else if (what == PEER) {
            at_peer(&play, data[1] % PEERS, data[1] / PEERS);
        } else if (what == DIALLED) {
            dialled(&play, data[1] % 4 != 0);
        } else if (what == CUT) {
            play.wants_cut = true;
        } else if (what == FROM_PEER && size >= 6) {
            send_chunk(&play, play.peer[data[1] % PEERS], data[1] % PEERS, data + 2);
            used += 4;
        } else if (what == PEER_SAY && play.peer[data[1] % PEERS] >= 0) {
            used += say_some(&play, (unsigned)play.peer[data[1] % PEERS], data + 2, size - 2);
        } else if (what != PEER_SAY && play.slot[who] >= 0) {
            used += act(&play, what, who, arg, data + 2, size - 2);
        }
        sim_pump(sim);
        must(relay_counts(sim->relay)->slab_bytes <= sim->conf.memory_max, "over the budget");
    }
    end(&play, trace);
    relay_policy_unref(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct trace bulk, split;

    run(data, size, false, &bulk);
    run(data, size, true, &split);
    /* when reading is paused, how much was read before depends on the cut; when answers are held
     * back, it depends on how the octets lie in their slabs */
    bool is_same = !bulk.counts.pauses && !split.counts.pauses && !bulk.counts.answers_held &&
                   !split.counts.answers_held;
    must(!is_same || bulk.conns == split.conns, "another number of connections");
    for (unsigned c = 0; is_same && c < bulk.conns; c++)
        must(bulk.heard_n[c] == split.heard_n[c] &&
                 !memcmp(bulk.heard[c], split.heard[c], bulk.heard_n[c]),
             "octet by octet the relay says something else");
    for (unsigned c = 0; c < CONNS; c++) {
        free(c < bulk.conns ? bulk.heard[c] : NULL);
        free(c < split.conns ? split.heard[c] : NULL);
    }
    must(!is_same ||
             (!memcmp(bulk.counts.answers, split.counts.answers, sizeof bulk.counts.answers) &&
              !memcmp(bulk.refused, split.refused, bulk.counts.refused_n * sizeof *bulk.refused)),
         "octet by octet the relay judges otherwise");
    free(bulk.refused);
    free(split.refused);
    return 0;
}
