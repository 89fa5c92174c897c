#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "tests/load/pair.h"

enum { EVENTS = 512, DRAIN_MS = 60000, SLOW_TICK_NS = 5000000 };

/* A receiver that reads no more than it may by now. */
static void read_slowly(struct pair *pair, uint64_t now_ns)
{
    uint64_t may = (now_ns - load.started_ns) / 1000000 * load.run.read_rate / 1000;

    if (may > pair->read)
        pair->read += read_peer(&pair->receiver, may - pair->read, now_ns);
}

/* Waits and reads; TLS may hold more than one read takes. */
static void wait_and_read(const struct timespec *most)
{
    struct epoll_event events[EVENTS];
    int n = epoll_pwait2(load.ready, events, EVENTS, most, NULL);
    uint64_t now_ns = stream_now();

    for (int i = 0; i < n; i++) {
        struct peer *peer = events[i].data.ptr;
        bool slow = peer->is_receiver && load.run.read_rate;

        touch(peer->pair);
        if ((events[i].events & ~(unsigned)EPOLLOUT) && !slow)
            while (read_peer(peer, SIZE_MAX, now_ns) && peer->stream.ssl &&
                   SSL_has_pending(peer->stream.ssl))
                ;
    }
    for (unsigned i = 0; load.run.read_rate && i < load.n; i++)
        read_slowly(&load.pairs[i], now_ns);
}

/* --- one run --- */

static unsigned count_open(void)
{
    unsigned open = 0;

    for (unsigned i = 0; i < load.n; i++) {
        const struct pair *p = &load.pairs[i];
        open += p->answered < p->target || p->received < p->target;
    }
    return open;
}

static uint64_t count_done(void)
{
    uint64_t done = 0;

    for (unsigned i = 0; i < load.n; i++)
        done += load.pairs[i].answered;
    return done;
}

static void room(struct peer *peer, size_t cap)
{
    if (cap <= peer->in_cap)
        return;
    peer->in = realloc(peer->in, cap);
    peer->in_cap = cap;
    if (!peer->in)
        stream_die("no memory");
}

static void prepare(void)
{
    int small = 256 * 1024;
    uint64_t per_pair = load.run.chunks ? load.run.chunks / load.n : UINT64_MAX;

    load.serial++;
    load.payload = realloc(load.payload, load.run.payload);
    for (size_t i = 0; load.payload && i < load.run.payload; i++)
        load.payload[i] = (char)('a' + i * 7 % 26);
    load.times_n = 0;
    load.times_cap = load.run.rate * (load.run.milliseconds / 1000 + 1) + load.n;
    load.times = realloc(load.times, load.times_cap * sizeof *load.times);
    if (!load.payload || !load.times)
        stream_die("no memory");
    for (unsigned i = 0; i < load.n; i++) {
        struct pair *pair = &load.pairs[i];

        free(pair->slots);
        pair->slots = calloc(load.run.window, sizeof *pair->slots);
        if (!pair->slots)
            stream_die("no memory");
        pair->queued = pair->written = pair->at = pair->answered = 0;
        pair->octets = pair->received = pair->read = 0;
        pair->target = per_pair;
        room(&pair->sender, IN_SLACK);
        room(&pair->receiver, IN_SLACK + 2 * load.run.payload);
        if (load.run.read_rate) /* what is not read shall not stand in this socket */
            setsockopt(pair->receiver.stream.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
        pair->receiver.waits = true; /* so that watch tells epoll anew */
        watch(&pair->receiver, false);
        touch(pair);
    }
}

/* No more chunks than are queued already; a message begun is finished. */
static void stop_queueing(void)
{
    uint64_t per = load.run.message / load.run.payload;

    for (unsigned i = 0; i < load.n; i++) {
        struct pair *pair = &load.pairs[i];
        uint64_t whole = (pair->queued + per - 1) / per * per;
        if (whole < pair->target)
            pair->target = whole;
        touch(pair);
    }
}

static int by_time(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static void print_times(void)
{
    static const struct {
        const char *name;
        unsigned per_mille;
    } marks[] = {{"p50", 500}, {"p90", 900}, {"p99", 990}, {"max", 1000}};

    qsort(load.times, load.times_n, sizeof *load.times, by_time);
    for (size_t i = 0; load.times_n && i < sizeof marks / sizeof marks[0]; i++)
        printf(" %s %.1f", marks[i].name,
               (double)load.times[(load.times_n - 1) * marks[i].per_mille / 1000] / 1000);
}

/* How long nothing can happen but input. */
static struct timespec patience(uint64_t now_ns)
{
    uint64_t ns = load.run.read_rate ? SLOW_TICK_NS : 100000000;

    if (load.run.rate) {
        uint64_t next = UINT64_MAX;
        for (unsigned i = 0; i < load.n; i++) {
            const struct pair *pair = &load.pairs[i];
            uint64_t at = intended(pair, pair->queued);
            if (pair->queued < pair->target && at < next)
                next = at;
        }
        if (next < now_ns + ns)
            ns = next > now_ns ? next - now_ns : 0;
    }
    return (struct timespec){.tv_sec = (time_t)(ns / 1000000000),
                             .tv_nsec = (long)(ns % 1000000000)};
}

void run_all(const struct run *run)
{
    uint64_t now_ns = load.started_ns = stream_now(), deadline_ns;
    bool stopped = false;

    load.run = *run;
    deadline_ns = now_ns + run->milliseconds * 1000000;
    prepare();
    flush_dirty(now_ns);
    while (count_open()) {
        struct timespec most = patience(now_ns);

        wait_and_read(&most);
        now_ns = stream_now();
        if (!stopped && now_ns > deadline_ns) {
            stopped = true;
            stop_queueing();
        }
        if (now_ns > deadline_ns + DRAIN_MS * UINT64_C(1000000))
            stream_die("%u pairs do not end: %" PRIu64 " chunks were answered", count_open(),
                       count_done());
        if (run->rate)
            for (unsigned i = 0; i < load.n; i++)
                touch(&load.pairs[i]);
        flush_dirty(now_ns);
    }
    for (unsigned i = 0; i < load.n; i++)
        if (load.pairs[i].octets != load.pairs[i].answered * run->payload)
            stream_die("%" PRIu64 " octets were received, %" PRIu64 " were answered",
                       load.pairs[i].octets, load.pairs[i].answered * run->payload);
    load.run.read_rate = 0;
    for (unsigned i = 0; i < load.n; i++) {
        load.pairs[i].receiver.waits = true;
        watch(&load.pairs[i].receiver, false);
    }
    printf("done %" PRIu64 " %.6f", count_done(), (double)(now_ns - load.started_ns) / 1e9);
    print_times();
    printf("\n");
}

void run_idle(void)
{
    static const struct timespec none;

    wait_and_read(&none);
    while (load.dirty) {
        struct pair *pair = load.dirty;
        load.dirty = pair->next_dirty;
        pair->is_dirty = false;
        (void)flush_answers(&pair->sender);
        (void)flush_answers(&pair->receiver);
    }
}
