#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "tests/load/pair.h"

static void answer(struct peer *peer, const struct frame *frame)
{
    char *p;

    if (peer->out_cap - peer->out_end < 1024) {
        peer->out_cap += 64 * 1024;
        peer->out = realloc(peer->out, peer->out_cap);
        if (!peer->out)
            stream_die("no memory");
    }
    p = peer->out + peer->out_end;
#define PUT(text, size) memcpy(p, text, size), p += (size)
    PUT("MSRP ", 5);
    PUT(frame->tid.p, frame->tid.n);
    PUT(" 200 OK\r\nTo-Path: ", 18);
    PUT(frame->from.p, frame->from.n);
    PUT("\r\nFrom-Path: ", 13);
    PUT(peer->uri, strlen(peer->uri));
    PUT("\r\n-------", 9);
    PUT(frame->tid.p, frame->tid.n);
    PUT("$\r\n", 3);
#undef PUT
    peer->out_end = (size_t)(p - peer->out);
}

static void compare(const struct frame *frame)
{
    uint64_t start = frame->range.n ? strtoull(frame->range.p, NULL, 10) : 1;
    uint64_t at = (start - 1) % load.run.payload;
    size_t done = 0;

    while (done < frame->body.n) {
        size_t more = load.run.payload - at;
        more = more < frame->body.n - done ? more : frame->body.n - done;
        if (memcmp(frame->body.p + done, load.payload + at, more) != 0)
            stream_die("the receiver got other octets than were sent");
        done += more;
        at = 0;
    }
}

/* A relay may cut chunks, and let those of several messages take turns. */
static void receive(struct pair *pair, const struct frame *frame, uint64_t now_ns)
{
    if (!frame->has_body)
        return;
    if (frame->flag == '#')
        stream_die("a message was aborted");
    if (load.run.check)
        compare(frame);
    pair->octets += frame->body.n;
    if (load.run.message != load.run.payload) {
        pair->received = pair->octets / load.run.payload;
    } else if (frame->flag == '$') {
        pair->received++;
        if (load.run.rate && load.times_n < load.times_cap && frame->message_id.n == 17)
            load.times[load.times_n++] =
                now_ns - intended(pair, strtoull(frame->message_id.p + 9, NULL, 16));
    }
}

static void take(struct peer *peer, const struct frame *frame, uint64_t now_ns)
{
    struct pair *pair = peer->pair;

    if (frame_is(frame->word, "SEND")) {
        answer(peer, frame);
        if (peer->is_receiver)
            receive(pair, frame, now_ns);
    } else if (frame_is(frame->word, "200") && !peer->is_receiver) {
        if (frame->tid.n != 17 || strtoull(frame->tid.p + 9, NULL, 16) != pair->answered)
            stream_die("an answer out of order: %.*s instead of number %" PRIx64, (int)frame->tid.n,
                       frame->tid.p, pair->answered);
        pair->answered++;
    } else {
        stream_die("the %s got %.*s %.*s", peer->is_receiver ? "receiver" : "sender",
                   (int)frame->word.n, frame->word.p, (int)frame->status.n, frame->status.p);
    }
}

/* One read, at most `most` octets, and all frames that it completes. Returns what was read. */
size_t read_peer(struct peer *peer, size_t most, uint64_t now_ns)
{
    struct frame frame;
    ssize_t n;

    if (peer->in_at > 0 && peer->in_cap - peer->in_end < peer->in_cap / 4) {
        memmove(peer->in, peer->in + peer->in_at, peer->in_end - peer->in_at);
        peer->in_end -= peer->in_at;
        peer->in_at = 0;
    }
    if (most > peer->in_cap - peer->in_end)
        most = peer->in_cap - peer->in_end;
    if (most == 0)
        stream_die("a chunk of more than %zu octets", peer->in_cap);
    n = stream_read(&peer->stream, peer->in + peer->in_end, most);
    if (n == STREAM_AGAIN)
        return 0;
    if (n <= 0)
        stream_die("the other side closed a connection of a %s",
                   peer->is_receiver ? "receiver" : "sender");
    peer->in_end += (size_t)n;
    touch(peer->pair);
    while (peer->in_at < peer->in_end) {
        ssize_t used =
            frame_cut(&frame, peer->in + peer->in_at, peer->in_end - peer->in_at, load.run.payload);
        if (used < 0)
            stream_die("not MSRP: %.60s", peer->in + peer->in_at);
        if (used == 0)
            return (size_t)n;
        take(peer, &frame, now_ns);
        peer->in_at += (size_t)used;
    }
    peer->in_at = peer->in_end = 0;
    return (size_t)n;
}
