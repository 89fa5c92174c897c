/* cmd_group.c - mcrelay group rekey: a GMK for the members of a group, one I_MESSAGE each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/rand.h>

#include "relay/client/keying.h"
#include "relay/cmd/cmd.h"
#include "relay/cmd/input.h"
#include "relay/cmd/person.h"
#include "relay/cmd/quote.h"
#include "relay/err.h"
#include "relay/loop/each.h"
#include "relay/ops/groupdir.h"

enum {
    MEMBERS_MAX = 10000,
    TTL_MAX_S = 315360000, /* ten years */
    FLYING_MAX = 32,       /* key-only messages that wait for their answer */
    PAUSE_MS = 1000,       /* when the relay has had enough of us */
    PAUSES_MAX = 120,      /* in a row */
    ABSENT = 204,          /* the warning that says so; another 413 is the relay's own load */
};

static const char help[] =
    "usage: mcrelay group rekey --group URI (--members FILE | --member URI ...) [options]\n"
    "\n"
    "Gives the members of a group its key (GMK): to each a MIKEY-SAKKE message of his own, which "
    "the\n"
    "relay carries and cannot read. Members take it when they know you as --manager.\n"
    "\n"
    "  --members FILE    a fresh GMK to all members in FILE, the group's file of the relay; it "
    "takes\n"
    "                    the place of the one before\n"
    "  --member URI      the present GMK again, to this user only (may be repeated): he was "
    "absent\n"
    "                    or has lost it\n"
    "  --new             with --member: a fresh GMK all the same\n"
    "  --ttl SECONDS     a fresh GMK is valid so long (default: without end)\n"
    "  --group URI       the group\n"
    "  --json            one JSON object per member\n" RELAY_PERSON_HELP "\n"
    "exit: 0 every one of them was reached, 1 failed, 2 usage, 3 some were absent or refused it\n"
    "\n"
    "example:\n"
    "  mcrelay group rekey --relay msrps://relay.iops.example:2855 --ca ca.pem --token alice.jwt "
    "\\\n"
    "      --me sip:alice@iops.example --keys alice.keys --kek alice.kek --keyset alice.set \\\n"
    "      --group sip:rescue-1@iops.example --members rescue-1.yaml\n";

enum state { WAITS, FLIES, REACHED, MISSED };

struct member {
    char *uri;
    uint8_t *octets; /* his I_MESSAGE */
    size_t n;
    int err; /* why there is none */
    enum state state;
    uint64_t id; /* of the message under way */
};

struct rekey {
    struct relay_person person;
    const char *group, *members_file;
    uint64_t ttl_s;
    bool is_new, is_json;
    struct member *members;
    size_t members_n, members_cap;
    const struct dpp_key *gmk; /* in person.keys, until the line is open */
    uint32_t gmk_id;
    int64_t now_s;

    struct relay_line *line;
    bool is_ready, is_paused;
    unsigned flying, pauses;
    int exit;
};

static int random_fill(void *ctx, void *p, size_t n)
{
    (void)ctx;
    return n <= INT32_MAX && RAND_priv_bytes(p, (int)n) == 1 ? 0 : -1;
}

static const struct relay_client_random randomness = {random_fill, NULL};

/* --- who --- */

static int add_member(struct rekey *rekey, const char *uri)
{
    for (size_t i = 0; i < rekey->members_n; i++) {
        if (strcmp(rekey->members[i].uri, uri) == 0) {
            return 0;
        }
    }
    if (rekey->members_n == rekey->members_cap) {
        size_t cap = rekey->members_cap > 0 ? 2 * rekey->members_cap : 16;
        void *more = realloc(rekey->members, cap * sizeof(*rekey->members));
        if (more == NULL) {
            return RELAY_E_NOMEM;
        }
        rekey->members = more;
        rekey->members_cap = cap;
    }
    char *copy = strdup(uri);
    if (copy == NULL || rekey->members_n == MEMBERS_MAX) {
        free(copy);
        return RELAY_E_NOMEM;
    }
    rekey->members[rekey->members_n++] = (struct member){.uri = copy};
    return 0;
}

static int read_members(struct rekey *rekey)
{
    char why[1024];
    struct relay_policy *policy;
    int err =
        relay_groupdir_read_group(rekey->members_file, rekey->group, &policy, why, sizeof(why));
    if (err != 0) {
        return relay_cmd_fail("group", RELAY_EXIT_FAILED, "%s", why);
    }
    const struct relay_group *group = relay_policy_group(policy, msrp_str_of(rekey->group));
    for (size_t i = 0; i < group->members_n && err == 0; i++) {
        if (strcmp(group->members[i].id, rekey->person.me) != 0) {
            err = add_member(rekey, group->members[i].id);
        }
    }
    relay_policy_unref(policy);
    return err == 0 ? RELAY_EXIT_OK
                    : relay_cmd_fail("group", RELAY_EXIT_FAILED, "%s", relay_strerror(err));
}

/* --- the key --- */

/* The GMK to give out: the present one, or a fresh one, which is sealed before anybody gets it. */
static int choose_gmk(struct rekey *rekey)
{
    struct relay_person *person = &rekey->person;
    const struct dpp_keyed *row =
        dpp_store_for(person->keys, DPP_ROLE_GMK, NULL, rekey->group, rekey->now_s);
    struct dpp_key *key;
    if (rekey->members_file == NULL && !rekey->is_new) {
        rekey->gmk = row != NULL ? row->key : NULL;
        return row != NULL
                   ? RELAY_EXIT_OK
                   : relay_cmd_fail("group", RELAY_EXIT_REFUSED,
                                    "no GMK of %s is held: --members FILE makes one", rekey->group);
    }
    int err = relay_keying_make(&key, DPP_ROLE_GMK, person->keys, rekey->now_s,
                                (uint32_t)rekey->ttl_s, &randomness);
    if (err == 0) {
        err = relay_keying_put(person->keys, key, person->me, rekey->group);
        if (err != 0) {
            dpp_key_free(key);
        }
    }
    if (err != 0) {
        return relay_cmd_fail("group", RELAY_EXIT_FAILED, "%s", relay_strerror(err));
    }
    rekey->gmk = key;
    return relay_person_seal(person, dpp_key_id(key));
}

static void print_message(void *ctx, size_t i)
{
    struct rekey *rekey = ctx;
    struct member *member = &rekey->members[i];
    uint8_t octets[DPP_MIKEY_MAX];
    ssize_t n = relay_keying_print(rekey->person.ring, rekey->gmk, member->uri, rekey->group,
                                   rekey->now_s, &randomness, octets, sizeof(octets));
    member->octets = n > 0 ? malloc((size_t)n) : NULL;
    if (member->octets == NULL) {
        member->err = n < 0 ? (int)n : RELAY_E_NOMEM;
        return;
    }
    memcpy(member->octets, octets, (size_t)n);
    member->n = (size_t)n;
}

/* --- to the members --- */

static void report(struct rekey *rekey, struct member *member, bool is_reached, int status,
                   const char *text)
{
    member->state = is_reached ? REACHED : MISSED;
    if (rekey->is_json) {
        fputs("{\"event\":", stdout);
        fputs(is_reached ? "\"reached\"" : "\"missed\"", stdout);
        relay_quote_member(stdout, "member", member->uri);
        relay_quote_number(stdout, "status", (uint64_t)status);
        relay_quote_member(stdout, "text", text);
        puts("}");
    } else if (is_reached) {
        printf("reached: %s\n", member->uri);
    } else {
        printf("missed: %s: %s\n", member->uri, text);
    }
    fflush(stdout);
}

static void pump(struct rekey *rekey);

static void go_on(void *ctx)
{
    struct rekey *rekey = ctx;
    rekey->is_paused = false;
    pump(rekey);
}

static void pause_sending(struct rekey *rekey)
{
    if (!rekey->is_paused) {
        rekey->is_paused = relay_dial_after(rekey->person.dial, PAUSE_MS, go_on, rekey) == 0;
        rekey->pauses++;
    }
}

/* Keeps some messages under way; closes the line when all are told of. */
static void pump(struct rekey *rekey)
{
    size_t left = 0;
    for (size_t i = 0; i < rekey->members_n; i++) {
        struct member *member = &rekey->members[i];
        left += member->state == WAITS || member->state == FLIES ? 1 : 0;
        if (member->state != WAITS || !rekey->is_ready || rekey->is_paused || rekey->line == NULL ||
            rekey->flying >= FLYING_MAX) {
            continue;
        }
        int err =
            relay_line_send_key(rekey->line, member->uri, member->octets, member->n, &member->id);
        if (err != 0) {
            report(rekey, member, false, 0, relay_strerror(err));
            left--;
            continue;
        }
        member->state = FLIES;
        rekey->flying++;
    }
    if (left == 0 && rekey->line != NULL && rekey->exit < 0) {
        rekey->exit = RELAY_EXIT_OK;
        relay_line_close(rekey->line);
    }
}

static void answered(struct rekey *rekey, const struct relay_client_event *event)
{
    struct member *member = NULL;
    for (size_t i = 0; i < rekey->members_n && member == NULL; i++) {
        if (rekey->members[i].state == FLIES && rekey->members[i].id == event->id) {
            member = &rekey->members[i];
        }
    }
    if (member == NULL) {
        return;
    }
    rekey->flying--;
    bool is_busy = event->status == 413 && event->warning != ABSENT;
    if (event->kind == RELAY_CLIENT_REFUSED && is_busy && rekey->pauses < PAUSES_MAX) {
        member->state = WAITS;
        pause_sending(rekey);
    } else {
        rekey->pauses = 0;
        report(rekey, member, event->kind == RELAY_CLIENT_SENT, event->status,
               event->warning == ABSENT ? "absent" : event->text);
    }
    pump(rekey);
}

static void told(void *ctx, struct relay_line *line, const struct relay_client_event *event)
{
    struct rekey *rekey = ctx;
    int code;
    if (relay_person_told(&rekey->person, event, &code)) {
        if (code != RELAY_EXIT_OK && rekey->exit < 0) {
            rekey->exit = code;
            relay_line_close(line);
        }
        return;
    }
    switch (event->kind) {
    case RELAY_CLIENT_READY:
        rekey->is_ready = true;
        pump(rekey);
        break;
    case RELAY_CLIENT_SENT:
    case RELAY_CLIENT_REFUSED:
        answered(rekey, event);
        break;
    case RELAY_CLIENT_CLOSED:
        rekey->line = NULL;
        if (rekey->exit < 0) {
            rekey->exit =
                event->status != 0 && event->status != 408 ? RELAY_EXIT_REFUSED : RELAY_EXIT_FAILED;
            (void)relay_cmd_fail("group", RELAY_EXIT_FAILED, "%s", event->text);
        }
        break;
    default:
        break; /* what others send is for recv */
    }
}

static int deliver(struct rekey *rekey)
{
    int err;
    struct relay_line_conf conf = relay_person_line(&rekey->person);
    conf.event = told;
    conf.ctx = rekey;
    rekey->line = relay_line_open(rekey->person.dial, &conf, &err);
    if (rekey->line == NULL) {
        return relay_cmd_fail("group", RELAY_EXIT_FAILED, "%s", relay_strerror(err));
    }
    relay_dial_run(rekey->person.dial);
    size_t reached = 0;
    for (size_t i = 0; i < rekey->members_n; i++) {
        struct member *member = &rekey->members[i];
        if (member->state == WAITS || member->state == FLIES) {
            report(rekey, member, false, 0, "the line ended before an answer");
        }
        reached += member->state == REACHED ? 1 : 0;
    }
    fprintf(stderr, "GMK %08x of %s: %zu of %zu members reached\n", rekey->gmk_id, rekey->group,
            reached, rekey->members_n);
    return rekey->exit != RELAY_EXIT_OK  ? rekey->exit
           : reached == rekey->members_n ? RELAY_EXIT_OK
                                         : RELAY_EXIT_REFUSED;
}

static int run(struct rekey *rekey)
{
    rekey->now_s = time(NULL);
    int rc = relay_person_open(&rekey->person);
    if (rc == RELAY_EXIT_OK && rekey->members_file != NULL) {
        rc = read_members(rekey);
    }
    rc = rc != RELAY_EXIT_OK ? rc : choose_gmk(rekey);
    if (rc != RELAY_EXIT_OK) {
        return rc;
    }
    rekey->gmk_id = dpp_key_id(rekey->gmk);
    int err = relay_each_run(rekey->members_n, print_message, rekey);
    if (err != 0) {
        return relay_cmd_fail("group", RELAY_EXIT_FAILED, "%s", relay_strerror(err));
    }
    for (size_t i = 0; i < rekey->members_n; i++) {
        if (rekey->members[i].err != 0) {
            report(rekey, &rekey->members[i], false, 0, relay_strerror(rekey->members[i].err));
        }
    }
    return deliver(rekey);
}

enum { OPT_HELP = 1, OPT_GROUP, OPT_MEMBERS, OPT_MEMBER, OPT_NEW, OPT_TTL, OPT_JSON };

static const struct option options[] = {
    RELAY_PERSON_OPTIONS,
    {"help", no_argument, NULL, OPT_HELP},
    {"group", required_argument, NULL, OPT_GROUP},
    {"members", required_argument, NULL, OPT_MEMBERS},
    {"member", required_argument, NULL, OPT_MEMBER},
    {"new", no_argument, NULL, OPT_NEW},
    {"ttl", required_argument, NULL, OPT_TTL},
    {"json", no_argument, NULL, OPT_JSON},
    {NULL, 0, NULL, 0},
};

/* As in cmd_send.c. */
static int take_option(struct rekey *rekey, int option)
{
    switch (option) {
    case OPT_HELP:
        fputs(help, stdout);
        return -1;
    case OPT_GROUP:
        rekey->group = optarg;
        break;
    case OPT_MEMBERS:
        rekey->members_file = optarg;
        break;
    case OPT_MEMBER:
        if (add_member(rekey, optarg) != 0) {
            return relay_cmd_fail("group", RELAY_EXIT_FAILED, "too many members");
        }
        break;
    case OPT_NEW:
        rekey->is_new = true;
        break;
    case OPT_TTL:
        if (relay_input_number(optarg, TTL_MAX_S, &rekey->ttl_s) != 0) {
            return relay_cmd_usage("group", "--ttl is a number of seconds from 1");
        }
        break;
    case OPT_JSON:
        rekey->is_json = true;
        break;
    default:
        if (!relay_person_option(&rekey->person, option, optarg)) {
            return relay_cmd_usage("group", "see the line above");
        }
    }
    return RELAY_EXIT_OK;
}

static int read_words(struct rekey *rekey, int argc, char **argv)
{
    int option;
    optind = 0;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        int rc = take_option(rekey, option);
        if (rc != RELAY_EXIT_OK) {
            return rc;
        }
    }
    if (optind < argc) {
        return relay_cmd_usage("group", "what is %s?", argv[optind]);
    }
    if (rekey->group == NULL || (rekey->members_file == NULL) == (rekey->members_n == 0)) {
        return relay_cmd_usage("group", "--group and one of --members and --member are needed");
    }
    if (rekey->person.keyset_file == NULL) {
        return relay_cmd_usage("group", "--keyset is needed");
    }
    if (rekey->ttl_s != 0 && rekey->members_file == NULL && !rekey->is_new) {
        return relay_cmd_usage("group", "--ttl is for a fresh GMK");
    }
    return RELAY_EXIT_OK;
}

int relay_cmd_group(int argc, char **argv)
{
    struct rekey rekey = {.person = {.command = "group"}, .exit = -1};
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        fputs(help, stdout);
        return RELAY_EXIT_OK;
    }
    if (argc < 2 || strcmp(argv[1], "rekey") != 0) {
        return relay_cmd_usage("group", "say what to do: rekey");
    }
    int rc = read_words(&rekey, argc - 1, argv + 1);
    rc = rc == RELAY_EXIT_OK ? run(&rekey) : rc < 0 ? RELAY_EXIT_OK : rc;
    for (size_t i = 0; i < rekey.members_n; i++) {
        free(rekey.members[i].uri);
        free(rekey.members[i].octets);
    }
    free(rekey.members);
    relay_person_close(&rekey.person);
    return rc;
}
