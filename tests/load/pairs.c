/* pairs.c - many pairs of a sender and a receiver, on one core: the load of relay-cost and
 * flat-memory.
 *
 *   load_pairs PAIRS [CA CERTIFICATE KEY NAME]
 *
 * With the last four everything is TLS 1.3. Driven by lines on standard input, one answer line
 * each:
 *
 *   listen                  for a proxy to connect to           -> "listening PORT"
 *   proxy PORT              opens the pairs through the proxy   -> "ready PAIRS"
 *   relay PORT URI TOKENS   opens and authorises them; TOKENS has a line "USER TOKEN" for each of
 * the 2 * PAIRS users                     -> "ready PAIRS" run NAME=NUMBER...      see struct run
 * -> "done CHUNKS SECONDS ..." quit
 *
 * A chunk is done when the sender has its 200 and the receiver has its octets. Through a proxy the
 * 200 is the receiver's; a relay answers the sender itself, and gets the receiver's. In both cases
 * two requests' worth and two responses' worth of octets cross the middle: what is counted is the
 * same work. Ends with standard input, or with the first thing that is not as it should be. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "tests/load/pair.h"

struct load load;
static SSL_CTX *client, *server;
static const char *name;
static int door = -1;

static void init(struct peer *peer, struct pair *pair, bool is_receiver)
{
    peer->pair = pair;
    peer->is_receiver = is_receiver;
    peer->in_cap = IN_SLACK;
    peer->in = malloc(peer->in_cap);
    if (!peer->in)
        stream_die("no memory");
    snprintf(peer->uri, sizeof peer->uri, "%s://%s%u.client.example:2855/s%08x;tcp",
             client ? "msrps" : "msrp", is_receiver ? "b" : "a", pair->number, pair->number);
}

static void enrol(struct peer *peer)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};

    stream_go(&peer->stream);
    if (epoll_ctl(load.ready, EPOLL_CTL_ADD, peer->stream.fd, &event) < 0)
        stream_die("epoll_ctl");
}

/* The next whole frame; what blocks is the socket. */
static void await(struct peer *peer, struct frame *frame)
{
    ssize_t used;

    while ((used = frame_cut(frame, peer->in, peer->in_end, 0)) == 0) {
        ssize_t n = stream_read(&peer->stream, peer->in + peer->in_end, 4096);
        if (n <= 0 || peer->in_end > IN_SLACK - 8192)
            stream_die("no answer to AUTH");
        peer->in_end += (size_t)n;
    }
    if (used < 0)
        stream_die("the answer to AUTH is not MSRP");
    peer->in_end = 0;
}

/* AUTH with a Bearer token; the answer's Use-Path is kept. */
static void login(struct peer *peer, const char *uri, const char *token)
{
    char text[8192];
    struct frame frame;
    struct iovec run = {text, 0};

    run.iov_len = (size_t)snprintf(text, sizeof text,
                                   "MSRP login%06x AUTH\r\nTo-Path: %s\r\nFrom-Path: %s\r\n"
                                   "Authorization: Bearer %s\r\n-------login%06x$\r\n",
                                   peer->pair->number, uri, peer->uri, token, peer->pair->number);
    if (run.iov_len >= sizeof text || stream_write(&peer->stream, &run, 1) != (ssize_t)run.iov_len)
        stream_die("cannot write AUTH");
    await(peer, &frame);
    if (!frame_is(frame.word, "200") || frame.use_path.n == 0 || frame.use_path.n >= URI_MAX)
        stream_die("AUTH is answered %.*s", (int)frame.word.n, frame.word.p);
    memcpy(peer->use_path, frame.use_path.p, frame.use_path.n);
    peer->use_path[frame.use_path.n] = '\0';
}

static void open_relay(uint16_t port, const char *uri, const char *tokens)
{
    FILE *f = fopen(tokens, "r");
    char *line = NULL;
    size_t room = 0;

    if (!f)
        stream_die("%s: cannot be read", tokens);
    for (unsigned i = 0; i < 2 * load.n; i++) {
        struct pair *pair = &load.pairs[i / 2];
        struct peer *peer = i % 2 ? &pair->receiver : &pair->sender;
        char *token = getline(&line, &room, f) > 0 ? strchr(line, ' ') : NULL;

        if (!token)
            stream_die("%s: fewer than %u lines", tokens, 2 * load.n);
        token[1 + strcspn(token + 1, "\n")] = '\0';
        stream_connect(&peer->stream, port, client, name);
        login(peer, uri, token + 1);
        enrol(peer);
    }
    free(line);
    fclose(f);
}

static void open_proxy(uint16_t port)
{
    if (door < 0)
        stream_die("`listen` first");
    for (unsigned i = 0; i < load.n; i++) {
        struct pair *pair = &load.pairs[i];

        stream_connect(&pair->sender.stream, port, client, name);
        stream_accept(&pair->receiver.stream, door, server);
        for (int k = 0; k < 2; k++) {
            struct peer *peer = k ? &pair->receiver : &pair->sender;
            /* as long as a relay's, so that as many octets travel */
            snprintf(peer->use_path, sizeof peer->use_path,
                     "%s://relay.iops.example:%05u/0123456789abcdefghij%06u;tcp",
                     client ? "msrps" : "msrp", port, 2 * i + (unsigned)k);
            enrol(peer);
        }
    }
}

static void run_line(const char *line)
{
    struct run run = {.payload = 200, .window = 1, .milliseconds = 1000};
    const struct {
        const char *name;
        unsigned long *value;
    } words[] = {
        {"payload", &run.payload}, {"window", &run.window},   {"chunks", &run.chunks},
        {"ms", &run.milliseconds}, {"message", &run.message}, {"rate", &run.rate},
        {"read", &run.read_rate},  {"check", &run.check},
    };
    char word[32];
    unsigned long value;
    int used = 0;

    for (line += 3; sscanf(line, " %31[a-z]=%lu%n", word, &value, &used) == 2; line += used) {
        size_t i = 0, n = sizeof words / sizeof words[0];
        while (i < n && strcmp(words[i].name, word) != 0)
            i++;
        if (i == n)
            stream_die("run knows no %s", word);
        *words[i].value = value;
    }
    run.message = run.message ? run.message : run.payload;
    if (run.payload == 0 || run.window == 0 || run.message % run.payload || load.n == 0)
        stream_die("a run needs a payload, a window, and messages of whole chunks");
    run_all(&run);
}

/* Keep-alives are answered while nothing else is asked for. False at the end of the input. */
static bool next_line(char *line, int size)
{
    struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = load.ready}};

    fds[1].events = POLLIN;
    while (poll(fds, 2, -1) >= 0) {
        if (fds[1].revents)
            run_idle();
        if (fds[0].revents)
            return fgets(line, size, stdin) != NULL;
    }
    return false;
}

int main(int argc, char **argv)
{
    char line[512], tokens[256], uri[256];
    unsigned port;
    uint16_t own;

    if (argc != 2 && argc != 6) {
        fprintf(stderr, "usage: load_pairs PAIRS [CA CERTIFICATE KEY NAME]\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    setvbuf(stdin, NULL, _IONBF, 0);
    prctl(PR_SET_TIMERSLACK, 1000);
    load.n = (unsigned)strtoul(argv[1], NULL, 10);
    load.pairs = calloc(load.n, sizeof *load.pairs);
    load.ready = epoll_create1(0);
    if (!load.pairs || load.ready < 0)
        stream_die("no memory");
    if (argc == 6) {
        client = stream_client_tls(argv[2]);
        server = stream_server_tls(argv[3], argv[4]);
        name = argv[5];
    }
    for (unsigned i = 0; i < load.n; i++) {
        load.pairs[i].number = i;
        init(&load.pairs[i].sender, &load.pairs[i], false);
        init(&load.pairs[i].receiver, &load.pairs[i], true);
    }
    while (next_line(line, sizeof line) && strncmp(line, "quit", 4) != 0) {
        if (strncmp(line, "run", 3) == 0) {
            run_line(line);
        } else if (strncmp(line, "listen", 6) == 0) {
            door = stream_listen(&own);
            printf("listening %u\n", own);
        } else if (sscanf(line, "proxy %u", &port) == 1) {
            open_proxy((uint16_t)port);
            printf("ready %u\n", load.n);
        } else if (sscanf(line, "relay %u %255s %255s", &port, uri, tokens) == 3) {
            open_relay((uint16_t)port, uri, tokens);
            printf("ready %u\n", load.n);
        } else {
            stream_die("what is that? %s", line);
        }
    }
    return 0;
}
