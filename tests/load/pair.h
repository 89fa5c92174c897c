/* pair.h - pairs of a sender and a receiver, and the traffic between them. Private to load_pairs:
 * pairs.c opens them, run.c drives a run, send.c and
 * receive.c are the two directions. */
#ifndef TESTS_LOAD_PAIR_H
#define TESTS_LOAD_PAIR_H

#include "tests/load/frame.h"
#include "tests/load/stream.h"

enum { URI_MAX = 256, HEAD_MAX = 2048, IN_SLACK = 256 * 1024 };

/* One end of a pair. */
struct peer {
    struct pair *pair;
    struct stream stream;
    bool is_receiver, waits; /* waits: for room in its socket */
    char uri[URI_MAX];       /* its own */
    char use_path[URI_MAX];  /* what the relay gave it; in proxy mode one of the same length */
    char *in;                /* octets not cut yet: in[at..end) */
    size_t in_at, in_end, in_cap;
    char *out; /* answers not written yet: out[at..end) */
    size_t out_at, out_end, out_cap;
};

/* A chunk under way: its head and its end-line; the payload is everybody's. */
struct slot {
    char head[HEAD_MAX], tail[64];
    size_t head_n, tail_n, payload_n;
};

struct pair {
    unsigned number;
    struct peer sender, receiver;
    struct slot *slots; /* chunk i is in slots[i % window] */
    uint64_t queued;    /* chunks that may be written */
    uint64_t written;   /* chunks wholly written */
    uint64_t at;        /* octets of the next one written */
    uint64_t answered;  /* 200s that came back */
    uint64_t octets;    /* body octets that the receiver got */
    uint64_t received;  /* chunks, or whole messages, that these complete */
    uint64_t target;    /* chunks of this run */
    uint64_t read;      /* octets read slowly */
    bool is_dirty;
    struct pair *next_dirty;
};

/* What `run` is told. */
struct run {
    unsigned long payload, window; /* octets of a chunk; chunks neither answered nor received */
    unsigned long chunks;          /* in all; 0: as many as the seconds allow */
    unsigned long milliseconds;    /* then no more are begun */
    unsigned long message;         /* octets of a message, in chunks of `payload`; 0: the payload */
    unsigned long rate;            /* chunks in a second, paced; 0: as fast as it goes */
    unsigned long read_rate;       /* octets in a second that each receiver reads; 0: all */
    unsigned long check;           /* 1: every octet is compared */
};

struct load {
    struct pair *pairs;
    unsigned n;
    int ready; /* epoll */

    struct run run; /* the one that goes on, or the last one */
    uint64_t started_ns;
    unsigned serial;    /* of the run: part of every id */
    char *payload;      /* everybody's; never holds seven dashes */
    struct pair *dirty; /* pairs that something happened to */
    uint64_t *times;    /* delivery times of a paced run */
    size_t times_n, times_cap;
};

extern struct load load;

/* --- send.c --- */
/* Something happened to the pair: what it may send now goes out with the next flush_dirty. */
void touch(struct pair *pair);
void flush_dirty(uint64_t now_ns);
/* When chunk i of the pair is to be sent, in a paced run. */
uint64_t intended(const struct pair *pair, uint64_t i);
/* Writes the answers that wait. False when the socket is full. */
bool flush_answers(struct peer *peer);
/* Tells epoll whether the peer waits for room in its socket. */
void watch(struct peer *peer, bool waits);

/* --- receive.c --- */
/* One read, at most `most` octets, and all frames that it completes. Returns what was read. */
size_t read_peer(struct peer *peer, size_t most, uint64_t now_ns);

/* --- run.c --- */
/* Runs it and prints one line: `done CHUNKS SECONDS`, and for a paced run the delivery times from
 * the intended sending to the receiver having it all, in microseconds: `p50 p90 p99 max`. */
void run_all(const struct run *run);
/* Answers keep-alives while there is no run. Called when the epoll descriptor is ready. */
void run_idle(void);

#endif
