/* behind.c - small messages beside a bulk transfer on the same two connections: the load of
 * small-behind-bulk.
 *
 *   load_behind PORT URI TOKENS [CA NAME]
 *
 * Two clients (the first two lines "USER TOKEN" of TOKENS) authorise two sessions each at the relay
 * URI on 127.0.0.1:PORT; with CA and NAME over TLS 1.3. One line of input is one run:
 *
 *   run bulk=OCTETS small=N size=OCTETS same=0|1 ms=N
 *        -> "done BULK_OCTETS SMALL_MESSAGES p50 p99 max"    (delivery times in microseconds)
 *
 * The first client sends `bulk` octets in a second as one message of its first session, and `small`
 * messages in a second of its first (same=1) or second session. A small message cuts the bulk chunk
 * under way as soon as that has 2048 octets. Times count from when it was due until the second
 * client has its end-line. Ends with its input, or when anything is answered other than 200. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "msrp/msrp.h"
#include "tests/load/stream.h"

enum {
    BUFFER = 4 * 1024 * 1024,
    AHEAD = 256 * 1024,      /* bulk octets that wait for a full socket */
    CHUNK_MIN = 2048,        /* rfc4975#7.1.1: not to be cut earlier */
    CHUNK_MAX = 1024 * 1024, /* begins a new one by itself */
    DRAIN_NS = 2000000000,
};

struct party {
    struct stream stream;
    struct msrp_reader reader;
    char *in, *out;
    size_t in_n, out_at, out_n;
    char uri[2][MSRP_URI_MAX], use_path[2][MSRP_URI_MAX];
    /* the frame that is being received */
    bool is_send;
    char id[64], to[MSRP_URI_MAX], own[MSRP_URI_MAX];
};

static struct party a, b;
static SSL_CTX *tls;
static unsigned long bulk, small, size, same, ms;
static uint64_t began, serial;
static uint64_t sent, got, chunk, chunks; /* bulk octets; of the open chunk; chunks begun */
static uint64_t smalls, arrived, asked, answered;
static uint64_t *times;
static char tid[32];
static bool is_open;

static void put(struct party *p, const char *octets, size_t n)
{
    if (p->out_at > 0 && BUFFER - p->out_n < n) {
        memmove(p->out, p->out + p->out_at, p->out_n - p->out_at);
        p->out_n -= p->out_at;
        p->out_at = 0;
    }
    if (BUFFER - p->out_n < n)
        stream_die("the relay does not read");
    memcpy(p->out + p->out_n, octets, n);
    p->out_n += n;
}

static void put_text(struct party *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void put_text(struct party *p, const char *format, ...)
{
    char text[8192];
    va_list ap;
    int n;

    va_start(ap, format);
    n = vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    put(p, text, (size_t)n);
}

static void flush(struct party *p)
{
    struct iovec run = {p->out + p->out_at, p->out_n - p->out_at};
    ssize_t n = run.iov_len ? stream_write(&p->stream, &run, 1) : 0;

    if (n < 0)
        stream_die("a connection broke while it was written");
    p->out_at += (size_t)n;
    if (p->out_at == p->out_n)
        p->out_at = p->out_n = 0;
}

/* --- sending --- */

static void put_filler(size_t n)
{
    static const char filler[] = "abcdefghijklmnopqrstuvwxyz0123456789";

    for (size_t more; n > 0; n -= more) {
        more = n < sizeof filler - 1 ? n : sizeof filler - 1;
        put(&a, filler, more);
    }
}

static void put_head(int session, const char *id, uint64_t start, const char *end)
{
    snprintf(tid, sizeof tid, "t%010" PRIx64, asked++);
    put_text(&a,
             "MSRP %s SEND\r\nTo-Path: %s %s %s\r\nFrom-Path: %s\r\nMessage-ID: %s\r\n"
             "Byte-Range: %" PRIu64 "-%s\r\nContent-Type: text/plain\r\n\r\n",
             tid, a.use_path[session], b.use_path[session], b.uri[session], a.uri[session], id,
             start, end);
}

static void bulk_add(size_t n)
{
    if (!is_open) {
        char id[32];
        snprintf(id, sizeof id, "bulk%06" PRIx64, serial);
        put_head(0, id, sent + 1, "*/*");
        is_open = true;
        chunk = 0;
    }
    put_filler(n);
    sent += n;
    chunk += n;
}

static void bulk_end(char flag)
{
    if (!is_open)
        return;
    if (chunk < CHUNK_MIN)
        bulk_add(CHUNK_MIN - chunk);
    put_text(&a, "\r\n-------%s%c\r\n", tid, flag);
    is_open = false;
    chunks++;
}

static void small_add(void)
{
    char id[32], end[64];

    bulk_end('+');
    snprintf(id, sizeof id, "s%06" PRIx64 "x%08" PRIx64, serial, smalls++);
    snprintf(end, sizeof end, "%lu/%lu", size, size);
    put_head(same ? 0 : 1, id, 1, end);
    put_filler(size);
    put_text(&a, "\r\n-------%s$\r\n", tid);
}

static uint64_t due(uint64_t i)
{
    return began + i * 1000000000 / small;
}

/* All that is due at this time. */
static void send_due(uint64_t now)
{
    uint64_t passed = now - began, whole = bulk * (passed / 1000) / 1000000;

    while (due(smalls) <= now)
        small_add();
    if (bulk && a.out_n - a.out_at < AHEAD && whole > sent + 1000) {
        uint64_t n = whole - sent < AHEAD ? whole - sent : AHEAD;
        bulk_add((size_t)n);
        if (chunk >= CHUNK_MAX)
            bulk_end('+');
    }
}

/* --- receiving --- */

static void copy(char *to, size_t room, struct msrp_str from)
{
    if (from.n >= room)
        stream_die("an id or URI of %zu octets", from.n);
    memcpy(to, from.p, from.n);
    to[from.n] = '\0';
}

static void hear_head(struct party *p, const struct msrp_head *head)
{
    p->is_send = !head->is_response;
    if (head->is_response) {
        if (head->code != 200)
            stream_die("answered %u", head->code);
        answered++;
        return;
    }
    if (head->method != MSRP_SEND)
        stream_die("got a %.*s: %u", (int)head->method_text.n, head->method_text.p,
                   head->status.code);
    copy(p->id, sizeof p->id, head->message_id);
    copy(p->to, sizeof p->to, msrp_head_answer_path(head));
    copy(p->own, sizeof p->own, head->to.last);
}

static void hear_end(struct party *p, char flag, uint64_t now)
{
    char text[2048];
    struct msrp_writer w;

    if (!p->is_send)
        return;
    msrp_writer_init(&w, text, sizeof text);
    msrp_writer_answer(&w, msrp_reader_tid(&p->reader), msrp_str_of(p->to), 200,
                       msrp_str_of(p->own), NULL, 0);
    if (msrp_writer_done(&w) < 0)
        stream_die("no room for an answer");
    put(p, text, w.n);
    if (p->id[0] == 's' && strtoull(p->id + 1, NULL, 16) == serial && flag == '$')
        times[arrived++] = now - due(strtoull(p->id + 8, NULL, 16));
}

static void hear(struct party *p)
{
    ssize_t n = stream_read(&p->stream, p->in + p->in_n, BUFFER - p->in_n);
    uint64_t now = stream_now();
    size_t at = 0;

    if (n == STREAM_AGAIN)
        return;
    if (n <= 0)
        stream_die("the relay closed a connection");
    p->in_n += (size_t)n;
    for (;;) {
        struct msrp_event ev;
        ssize_t used = msrp_reader_next(&p->reader, p->in + at, p->in_n - at, &ev);
        if (used < 0 || ev.err < 0)
            stream_die("the relay's MSRP: %d", used < 0 ? (int)used : ev.err);
        at += (size_t)used;
        if (ev.kind == MSRP_EV_HEAD)
            hear_head(p, ev.head);
        else if (ev.kind == MSRP_EV_BODY && p->id[0] == 'b')
            got += ev.body.n;
        else if (ev.kind == MSRP_EV_END)
            hear_end(p, ev.flag, now);
        else if (ev.kind == MSRP_EV_MORE)
            break;
    }
    memmove(p->in, p->in + at, p->in_n - at);
    p->in_n -= at;
}

/* --- runs --- */

static int by_time(const void *x, const void *y)
{
    uint64_t m = *(const uint64_t *)x, n = *(const uint64_t *)y;

    return (m > n) - (m < n);
}

static void turn(int ready, uint64_t wait_ns)
{
    struct timespec most = {.tv_nsec = (long)wait_ns};
    struct epoll_event events[2];
    int n = epoll_pwait2(ready, events, 2, &most, NULL);

    for (int i = 0; i < n; i++)
        do
            hear(events[i].data.ptr);
        while (((struct party *)events[i].data.ptr)->stream.ssl &&
               SSL_pending(((struct party *)events[i].data.ptr)->stream.ssl));
    flush(&a);
    flush(&b);
}

static void run(int ready)
{
    uint64_t now = began = stream_now(), end = now + ms * 1000000;

    serial++;
    sent = got = chunk = chunks = smalls = arrived = asked = answered = 0;
    times = realloc(times, (small * (ms / 1000 + 2) + 16) * sizeof *times);
    if (!times)
        stream_die("no memory");
    for (; now < end; now = stream_now()) {
        send_due(now);
        flush(&a);
        turn(ready,
             due(smalls) < now + 500000 ? due(smalls) > now ? due(smalls) - now : 0 : 500000);
    }
    if (bulk && !is_open)
        bulk_add(CHUNK_MIN);
    bulk_end('$');
    while ((arrived < smalls || got < sent || answered < asked) && now < end + DRAIN_NS) {
        turn(ready, 1000000);
        now = stream_now();
    }
    if (arrived < smalls || got != sent || answered != asked)
        stream_die("%" PRIu64 " of %" PRIu64 " small messages and %" PRIu64 " of %" PRIu64
                   " octets arrived, %" PRIu64 " of %" PRIu64 " answers",
                   arrived, smalls, got, sent, answered, asked);
    qsort(times, arrived, sizeof *times, by_time);
    printf("done %" PRIu64 " %" PRIu64 " %.1f %.1f %.1f\n", got, arrived,
           (double)times[arrived / 2] / 1000, (double)times[(arrived - 1) * 99 / 100] / 1000,
           (double)times[arrived - 1] / 1000);
}

static void login(struct party *p, const char *who, uint16_t port, const char *uri, FILE *tokens,
                  const char *name, int ready)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = p};
    int small_buffer = AHEAD;
    char line[4096], *token = fgets(line, sizeof line, tokens) ? strchr(line, ' ') : NULL;

    if (!token)
        stream_die("no token");
    token[1 + strcspn(token + 1, "\n")] = '\0';
    p->in = malloc(BUFFER);
    p->out = malloc(BUFFER);
    if (!p->in || !p->out)
        stream_die("no memory");
    stream_connect(&p->stream, port, tls, name);
    /* who wants to cut a chunk keeps it out of the kernel */
    setsockopt(p->stream.fd, SOL_SOCKET, SO_SNDBUF, &small_buffer, sizeof small_buffer);
    for (int i = 0; i < 2; i++) {
        struct msrp_event ev;
        struct msrp_reader reader;
        size_t n = 0;

        msrp_reader_init(&reader, NULL);
        snprintf(p->uri[i], sizeof p->uri[i], "%s://%s.client.example:2855/session%d;tcp",
                 tls ? "msrps" : "msrp", who, i);
        put_text(p,
                 "MSRP login%d AUTH\r\nTo-Path: %s\r\nFrom-Path: %s\r\n"
                 "Authorization: Bearer %s\r\n-------login%d$\r\n",
                 i, uri, p->uri[i], token + 1, i);
        flush(p);
        do {
            ssize_t more = stream_read(&p->stream, p->in + n, 8192);
            if (more <= 0)
                stream_die("no answer to AUTH");
            n += (size_t)more;
            if (msrp_reader_next(&reader, p->in, n, &ev) < 0)
                stream_die("the answer to AUTH is not MSRP");
        } while (ev.kind == MSRP_EV_MORE);
        if (ev.head->code != 200)
            stream_die("AUTH is answered %u", ev.head->code);
        copy(p->use_path[i], sizeof p->use_path[i], ev.head->use_path);
    }
    msrp_reader_init(&p->reader, NULL);
    stream_go(&p->stream);
    if (epoll_ctl(ready, EPOLL_CTL_ADD, p->stream.fd, &event) < 0)
        stream_die("epoll_ctl");
}

int main(int argc, char **argv)
{
    int ready = epoll_create1(0);
    char line[256];
    FILE *tokens = argc >= 4 ? fopen(argv[3], "r") : NULL;
    const char *name = argc == 6 ? argv[5] : NULL;

    if (!tokens || (argc != 4 && argc != 6)) {
        fprintf(stderr, "usage: load_behind PORT URI TOKENS [CA NAME]\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    prctl(PR_SET_TIMERSLACK, 1000);
    tls = argc == 6 ? stream_client_tls(argv[4]) : NULL;
    login(&a, "a", (uint16_t)strtoul(argv[1], NULL, 10), argv[2], tokens, name, ready);
    login(&b, "b", (uint16_t)strtoul(argv[1], NULL, 10), argv[2], tokens, name, ready);
    fclose(tokens);
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "run bulk=%lu small=%lu size=%lu same=%lu ms=%lu", &bulk, &small, &size,
                   &same, &ms) != 5 ||
            !small || !size)
            stream_die("what is that? %s", line);
        run(ready);
    }
    return 0;
}
