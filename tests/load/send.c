#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "tests/load/pair.h"

enum { RUNS = 60 };

void touch(struct pair *pair)
{
    if (pair->is_dirty)
        return;
    pair->is_dirty = true;
    pair->next_dirty = load.dirty;
    load.dirty = pair;
}

uint64_t intended(const struct pair *pair, uint64_t i)
{
    return load.started_ns + (i * load.n + pair->number) * 1000000000 / load.run.rate;
}

/* Writes head and end-line of chunk i. Ids end in 8 hexadecimal digits that count the chunks. */
static void slot_fill(struct pair *pair, uint64_t i)
{
    struct slot *slot = &pair->slots[i % load.run.window];
    uint64_t per = load.run.message / load.run.payload;
    uint64_t part = i % per, start = part * load.run.payload;
    const struct peer *a = &pair->sender, *b = &pair->receiver;
    char tid[32], end[24] = "*"; /* rfc4975#7.1.1: more than 2048 octets can be interrupted */

    if (load.run.payload <= 2048)
        snprintf(end, sizeof end, "%" PRIu64, start + load.run.payload);
    slot->payload_n = load.run.payload;
    snprintf(tid, sizeof tid, "t%04x%04x%08" PRIx64, load.serial & 0xffff, pair->number & 0xffff,
             i);
    slot->head_n = (size_t)snprintf(
        slot->head, sizeof slot->head,
        "MSRP %s SEND\r\nTo-Path: %s %s %s\r\nFrom-Path: %s\r\nMessage-ID: m%04x%04x%08" PRIx64
        "\r\nByte-Range: %" PRIu64 "-%s/%lu\r\nFailure-Report: yes\r\n"
        "Content-Type: text/plain\r\n\r\n",
        tid, a->use_path, b->use_path, b->uri, a->uri, load.serial & 0xffff, pair->number & 0xffff,
        i / per, start + 1, end, load.run.message);
    slot->tail_n = (size_t)snprintf(slot->tail, sizeof slot->tail, "\r\n-------%s%c\r\n", tid,
                                    part + 1 == per ? '$' : '+');
}

static void put_hex(char *p, uint64_t v)
{
    for (int i = 7; i >= 0; i--, v >>= 4)
        p[i] = "0123456789abcdef"[v & 15];
}

/* The same for whole messages, in a slot that was filled before: only the counts change. */
static void slot_refill(struct pair *pair, uint64_t i)
{
    struct slot *slot = &pair->slots[i % load.run.window];
    char *id = slot->head + sizeof "MSRP t00000000" - 1;

    put_hex(id, i);
    put_hex(slot->tail + sizeof "\r\n-------t00000000" - 1, i);
    id = memmem(slot->head, slot->head_n, "Message-ID: ", 12);
    put_hex(id + 12 + 9, i);
}

/* Which chunks may go now? */
static void queue_more(struct pair *pair, uint64_t now_ns)
{
    uint64_t done = pair->answered < pair->received ? pair->answered : pair->received;
    uint64_t top = done + load.run.window;

    if (top > pair->target)
        top = pair->target;
    while (pair->queued < top) {
        uint64_t i = pair->queued;
        if (load.run.rate && intended(pair, i) > now_ns)
            break;
        if (i >= load.run.window && load.run.message == load.run.payload)
            slot_refill(pair, i);
        else
            slot_fill(pair, i);
        pair->queued++;
    }
}

static void add_run(struct iovec *runs, int *n, uint64_t *skip, const char *p, size_t size)
{
    char *base;

    if (*skip >= size) {
        *skip -= size;
        return;
    }
    p += *skip;
    memcpy(&base, &p, sizeof base); /* iovec just has no const */
    runs[(*n)++] = (struct iovec){base, size - (size_t)*skip};
    *skip = 0;
}

void watch(struct peer *peer, bool waits)
{
    struct epoll_event event = {.data.ptr = peer};

    if (peer->waits == waits)
        return;
    peer->waits = waits;
    event.events = waits ? EPOLLIN | EPOLLOUT : EPOLLIN;
    if (peer->is_receiver && load.run.read_rate)
        event.events &= (unsigned)EPOLLOUT;
    epoll_ctl(load.ready, EPOLL_CTL_MOD, peer->stream.fd, &event);
}

/* Answers first, when no chunk is half written. False when the socket is full. */
bool flush_answers(struct peer *peer)
{
    struct iovec run = {peer->out + peer->out_at, peer->out_end - peer->out_at};
    ssize_t n = run.iov_len ? stream_write(&peer->stream, &run, 1) : 0;

    if (n < 0)
        stream_die("a connection broke while it was written");
    peer->out_at += (size_t)n;
    if (peer->out_at < peer->out_end)
        return false;
    peer->out_at = peer->out_end = 0;
    return true;
}

static bool flush_chunks(struct pair *pair)
{
    while (pair->written < pair->queued) {
        struct iovec runs[RUNS + 3];
        uint64_t skip = pair->at, i = pair->written;
        size_t all = 0;
        int n = 0;
        ssize_t done;

        for (; i < pair->queued && n < RUNS; i++) {
            const struct slot *slot = &pair->slots[i % load.run.window];
            add_run(runs, &n, &skip, slot->head, slot->head_n);
            add_run(runs, &n, &skip, load.payload, slot->payload_n);
            add_run(runs, &n, &skip, slot->tail, slot->tail_n);
        }
        for (int k = 0; k < n; k++)
            all += runs[k].iov_len;
        done = stream_write(&pair->sender.stream, runs, n);
        if (done < 0)
            stream_die("a connection broke while it was written");
        for (pair->at += (uint64_t)done; pair->written < i; pair->written++) {
            const struct slot *slot = &pair->slots[pair->written % load.run.window];
            size_t whole = slot->head_n + slot->payload_n + slot->tail_n;
            if (pair->at < whole)
                break;
            pair->at -= whole;
        }
        if ((size_t)done < all)
            return false;
    }
    return true;
}

static void flush(struct pair *pair)
{
    bool free = pair->at > 0 || flush_answers(&pair->sender);

    watch(&pair->sender, !(free && flush_chunks(pair)));
    watch(&pair->receiver, !flush_answers(&pair->receiver));
}

void flush_dirty(uint64_t now_ns)
{
    while (load.dirty) {
        struct pair *pair = load.dirty;
        load.dirty = pair->next_dirty;
        pair->is_dirty = false;
        queue_more(pair, now_ns);
        flush(pair);
    }
}
