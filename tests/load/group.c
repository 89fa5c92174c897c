/* group.c - the members of a large group, simulated: many client machines on one loop.
 *
 *   load_group RELAY CONNECT CA TOKENS KEYS KEK GROUP SLOW RATE
 *
 * TOKENS holds one line per member, "URI TOKEN"; the first is the sender. SLOW members read at most
 * RATE octets in a second. Driven by lines on standard input, one answer line each:
 *
 *   connect N     opens lines until N members are authorised     -> "connected N"
 *   send OCTETS   the first member sends so much to the group     -> "sent" when it was accepted
 *   wait N MS     until N members have the whole of what was sent -> "received N" or "timeout N"
 *   quit
 *
 * Every received octet is opened with the GMK and compared with what was sent. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dpp/keys/store.h"
#include "relay/err.h"
#include "relay/loop/dial.h"
#include "relay/ops/keydir.h"

enum { AT_ONCE = 32 }; /* lines that may be between connect and READY at a time */

struct member {
    struct relay_line *line;
    char *uri, *token;
    bool ready, failed, wrong;
    uint64_t got;   /* octets of the running message */
    unsigned whole; /* messages received whole */
};

static struct {
    struct relay_dial *dial;
    struct relay_line_conf conf;
    const struct dpp_keyed *gmk;
    const char *group;
    struct member *members;
    size_t n, opened, ready, target, failed;
    unsigned slow, rate, round;
    uint64_t size;
    bool sent, refused;
    char why[600];
} load;

static uint8_t octet_at(uint64_t at)
{
    return (uint8_t)(at * 31 + (at >> 8) + load.round);
}

static void open_more(void);

static void member_event(void *ctx, struct relay_line *line, const struct relay_client_event *event)
{
    struct member *m = ctx;

    (void)line;
    switch (event->kind) {
    case RELAY_CLIENT_READY:
        if (!m->ready) {
            m->ready = true;
            load.ready++;
            open_more();
        }
        break;
    case RELAY_CLIENT_SENT:
        load.sent = true;
        relay_dial_stop(load.dial, 0);
        break;
    case RELAY_CLIENT_REFUSED:
        load.refused = true;
        snprintf(load.why, sizeof load.why, "%s", event->text);
        relay_dial_stop(load.dial, 0);
        break;
    case RELAY_CLIENT_MESSAGE:
        m->got = 0;
        break;
    case RELAY_CLIENT_DATA:
        for (size_t i = 0; i < event->n; i++)
            if (event->data[i] != octet_at(m->got + i))
                m->wrong = true;
        m->got += event->n;
        break;
    case RELAY_CLIENT_DONE:
        if (!m->wrong && m->got == load.size)
            m->whole = load.round;
        break;
    case RELAY_CLIENT_CLOSED:
        m->failed = true;
        m->line = NULL;
        load.failed++;
        snprintf(load.why, sizeof load.why, "%s: %s", m->uri, event->text);
        relay_dial_stop(load.dial, 0);
        break;
    default:
        break;
    }
}

/* Keeps AT_ONCE lines on their way until `target` members are there. */
static void open_more(void)
{
    while (load.opened < load.target && load.opened - load.ready < AT_ONCE) {
        struct member *m = &load.members[load.opened];
        struct relay_line_conf conf = load.conf;
        int err = 0;

        conf.client.me = m->uri;
        conf.client.token = m->token;
        conf.ctx = m;
        /* the slow ones stand at the end */
        conf.read_per_s = load.opened >= load.n - load.slow ? load.rate : 0;
        m->line = relay_line_open(load.dial, &conf, &err);
        load.opened++;
        if (!m->line) {
            fprintf(stderr, "cannot open a line: %s\n", relay_strerror(err));
            exit(1);
        }
    }
    if (load.ready == load.target)
        relay_dial_stop(load.dial, 0);
}

static size_t whole(void)
{
    size_t n = 0;

    for (size_t i = 1; i < load.n; i++)
        n += load.members[i].whole == load.round;
    return n;
}

static void stop_now(void *ctx)
{
    (void)ctx;
    relay_dial_stop(load.dial, 0);
}

static void send_group(uint64_t size)
{
    uint8_t *data = malloc(size);
    struct relay_client_sds sds = {
        .group = load.group, .key = load.gmk->key, .content_type = 2, .size = size, .data = data};
    uint64_t id;
    int err;

    load.round++;
    load.size = size;
    load.sent = load.refused = false;
    if (!data)
        exit(1);
    for (uint64_t i = 0; i < size; i++)
        data[i] = octet_at(i);
    err = relay_line_send(load.members[0].line, &sds, &id);
    if (err < 0) {
        printf("failed %s\n", relay_strerror(err));
        exit(1);
    }
    while (!load.sent && !load.refused && !load.failed)
        relay_dial_run(load.dial);
    printf(load.sent ? "sent\n" : "failed %s\n", load.why);
    free(data);
}

static void wait_for(size_t n, long ms)
{
    for (long left = ms; left > 0 && whole() < n; left -= 50) {
        if (relay_dial_after(load.dial, 50, stop_now, NULL) < 0)
            exit(1);
        relay_dial_run(load.dial);
    }
    printf("%s %zu\n", whole() >= n ? "received" : "timeout", whole());
}

static void read_members(const char *path)
{
    FILE *f = fopen(path, "r");
    char *line = NULL;
    size_t room = 0;

    if (!f) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        exit(1);
    }
    while (getline(&line, &room, f) > 0) {
        char *token = strchr(line, ' ');
        struct member *grown = realloc(load.members, (load.n + 1) * sizeof *grown);
        if (!token || !grown)
            exit(1);
        *token++ = 0;
        token[strcspn(token, "\n")] = 0;
        load.members = grown;
        load.members[load.n++] = (struct member){.uri = strdup(line), .token = strdup(token)};
    }
    free(line);
    fclose(f);
}

int main(int argc, char **argv)
{
    uint8_t kek[DPP_KEYFILE_KEK];
    struct dpp_store *store = NULL;
    char line[256];
    int err;

    if (argc != 10) {
        fprintf(stderr, "usage: load_group RELAY CONNECT CA TOKENS KEYS KEK GROUP SLOW RATE\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    read_members(argv[4]);
    load.group = argv[7];
    load.slow = (unsigned)strtoul(argv[8], NULL, 10);
    load.rate = (unsigned)strtoul(argv[9], NULL, 10);
    err = dpp_keys_init(0);
    if (err < 0 && err != DPP_E_HEAP_UNLOCKED)
        goto out;
    err = relay_keydir_kek(argv[6], kek);
    if (err == 0)
        err = relay_keydir_read(argv[5], kek, 0, &store);
    if (err < 0)
        goto out;
    load.gmk = dpp_store_for(store, DPP_ROLE_GMK, NULL, load.group, time(NULL));
    if (!load.gmk) {
        fprintf(stderr, "no GMK of %s in %s\n", load.group, argv[5]);
        return 1;
    }
    load.dial = relay_dial_new(argv[3], &err);
    if (!load.dial)
        goto out;
    load.conf = (struct relay_line_conf){
        .client = {.relay = argv[1], .keys = store},
        .connect = argv[2],
        .event = member_event,
    };
    while (fgets(line, sizeof line, stdin) && strncmp(line, "quit", 4)) {
        size_t n;
        long ms;
        if (sscanf(line, "connect %zu", &n) == 1) {
            load.target = n < load.n ? n : load.n;
            open_more();
            while (load.ready < load.target && !load.failed)
                relay_dial_run(load.dial);
            if (load.failed)
                printf("failed %s\n", load.why);
            else
                printf("connected %zu\n", load.ready);
        } else if (sscanf(line, "send %zu", &n) == 1) {
            send_group(n);
        } else if (sscanf(line, "wait %zu %ld", &n, &ms) == 2) {
            wait_for(n, ms);
        } else {
            printf("failed what is that?\n");
        }
    }
out:
    if (err < 0 && err != DPP_E_HEAP_UNLOCKED)
        fprintf(stderr, "load_group: %s\n", relay_strerror(err));
    relay_dial_free(load.dial);
    dpp_store_free(store);
    return err < 0 && err != DPP_E_HEAP_UNLOCKED;
}
