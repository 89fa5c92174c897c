#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "relay/loop/street.h"

#define CLOSES "it closes the connection"

static void start_reading(struct relay_stream *stream);

/* --- slots --- */

static int enter(struct relay_stream *stream)
{
    struct relay_loop *loop = stream->loop;
    uint32_t i = loop->slots_free;

    while (i < loop->slots_n && loop->slots[i])
        i++;
    if (i == loop->slots_n) {
        uint32_t n = loop->slots_n ? loop->slots_n * 2 : 64;
        struct relay_stream **slots = reallocarray(loop->slots, n, sizeof *slots);

        if (!slots)
            return RELAY_E_NOMEM;
        memset(slots + loop->slots_n, 0, (n - loop->slots_n) * sizeof *slots);
        loop->slots = slots;
        loop->slots_n = n;
    }
    loop->slots[i] = stream;
    loop->slots_free = i + 1;
    stream->id = ++loop->serial << 24 | i;
    loop->counts.conns_now++;
    return 0;
}

static void leave(struct relay_stream *stream)
{
    struct relay_loop *loop = stream->loop;
    uint32_t i = (uint32_t)(stream->id & 0xffffff);

    loop->slots[i] = NULL;
    if (i < loop->slots_free)
        loop->slots_free = i;
    loop->counts.conns_now--;
    loop->counts.n[RELAY_LOOP_CLOSED]++;
}

/* --- closing --- */

static void on_closed(uv_handle_t *handle)
{
    struct relay_stream *stream = handle->data;

    relay_tls_free(stream->tls);
    free(stream->in_flight);
    free(stream);
}

/* The relay forgets the connection. */
static void tell_closed(struct relay_stream *stream)
{
    struct relay_in in = {.kind = RELAY_IN_CLOSED, .conn = stream->id};

    if (!stream->open)
        return;
    stream->open = false;
    in.now = relay_loop_now(stream->loop);
    relay_feed(stream->loop->relay, &in);
}

static void not_starved(struct relay_stream *stream)
{
    if (stream->starved)
        stream->loop->starved_n--;
    stream->starved = false;
}

/* A dial that did not come to stand: its link tries the next address, or gives up. */
static void lose_link(struct relay_stream *stream, const char *why)
{
    struct relay_link *link = stream->link;

    stream->link = NULL;
    if (link)
        relay_link_lost(link, why);
}

void relay_stream_drop(struct relay_stream *stream)
{
    if (stream->gone)
        return;
    stream->gone = true;
    not_starved(stream);
    relay_timer_leave(stream);
    tell_closed(stream);
    leave(stream);
    uv_close((uv_handle_t *)&stream->tcp, on_closed);
    lose_link(stream, CLOSES);
}

static void on_shutdown(uv_shutdown_t *req, int status)
{
    struct relay_stream *stream = req->handle->data;

    if (status < 0 && status != UV_ECANCELED)
        relay_stream_drop(stream);
}

/* The far end ends the connection. */
static void lose(struct relay_stream *stream, const char *why)
{
    unsigned dialled = stream->dialled;

    stream->dialled = 0;
    if (dialled)
        relay_link_expelled(stream->loop, dialled - 1, why);
    lose_link(stream, why);
}

void relay_stream_reset(struct relay_stream *stream)
{
    stream->loop->counts.n[RELAY_LOOP_RESET]++;
    lose(stream, "it breaks the connection");
    relay_stream_drop(stream);
}

/* Closing now would make the kernel answer what the peer still sends with a reset, and a reset can
 * overtake our last response: so say FIN, and discard input for a while. */
void relay_stream_linger(struct relay_stream *stream)
{
    stream->lingering = true;
    tell_closed(stream);
    if (uv_shutdown(&stream->shutdown, (uv_stream_t *)&stream->tcp, on_shutdown) < 0)
        relay_stream_drop(stream);
    else
        start_reading(stream);
}

void relay_stream_close(struct relay_stream *stream)
{
    if (stream->closing || stream->gone)
        return;
    stream->closing = true;
    not_starved(stream);
    if (stream->reading) {
        uv_read_stop((uv_stream_t *)&stream->tcp);
        stream->reading = false;
    }
    relay_timer_join(stream, &stream->loop->ending, stream->loop->conf.flush_ms);
    relay_stream_write(stream);
}

/* --- reading --- */

/* libuv reads a socket that is never empty 32 times in a row; others wait meanwhile. Without a
 * buffer it comes back in the next round, as the socket is still readable then. */
static bool had_its_turn(struct relay_stream *stream)
{
    if (stream->round != stream->loop->round)
        stream->round_n = 0;
    stream->round = stream->loop->round;
    return stream->round_n >= RELAY_STREET_TURN;
}

static void on_alloc(uv_handle_t *handle, size_t hint, uv_buf_t *buf)
{
    struct relay_stream *stream = handle->data;
    size_t n = 0;

    (void)hint;
    if (had_its_turn(stream)) {
        *buf = uv_buf_init(NULL, 0);
        return;
    }
    if (stream->tls || stream->lingering) {
        *buf = uv_buf_init(stream->loop->cipher, RELAY_STREET_CIPHER);
        return;
    }
    buf->base = relay_buffer(stream->loop->relay, stream->id, &n);
    buf->len = buf->base ? n : 0;
}

static void stop_reading(struct relay_stream *stream)
{
    if (stream->reading)
        uv_read_stop((uv_stream_t *)&stream->tcp);
    stream->reading = false;
}

static void starve(struct relay_stream *stream)
{
    stop_reading(stream);
    if (!stream->starved)
        stream->loop->starved_n++;
    stream->starved = true;
}

/* Octets stand in relay_buffer. The relay may want a close; it is done when the batch settles. */
static void feed(struct relay_stream *stream, size_t n)
{
    struct relay_in in = {.kind = RELAY_IN_DATA, .conn = stream->id, .n = n};

    in.now = relay_loop_now(stream->loop);
    relay_feed(stream->loop->relay, &in);
    stream->loop->batch += n;
    stream->dialled = 0;
}

/* The peer's address as text, "" when it is unknown. */
static void name_peer(struct relay_stream *stream, char text[INET6_ADDRSTRLEN])
{
    struct sockaddr_storage peer = {0};
    int n = (int)sizeof peer;

    text[0] = '\0';
    if (uv_tcp_getpeername(&stream->tcp, (struct sockaddr *)&peer, &n) != 0)
        return;
    if (peer.ss_family == AF_INET)
        (void)uv_ip4_name((struct sockaddr_in *)&peer, text, INET6_ADDRSTRLEN);
    else
        (void)uv_ip6_name((struct sockaddr_in6 *)&peer, text, INET6_ADDRSTRLEN);
}

/* Has this address as many handshakes under way as one may have? The core counts only who is
 * through with it, so sockets that never speak TLS are bounded here (threat T15). */
static bool is_crowding(struct relay_stream *stream)
{
    const struct relay_loop *loop = stream->loop;
    uint32_t same = 0;

    name_peer(stream, stream->source);
    if (loop->shaking.n >= loop->conf.shaking_max)
        return true;
    if (loop->shaking.n < loop->conf.source_max)
        return false;
    for (const struct relay_stream *s = loop->shaking.first; s; s = s->next)
        same += strcmp(s->source, stream->source) == 0;
    return same >= loop->conf.source_max;
}

/* A certificate that makes its owner no peer is told, once: an operator may wonder. */
static void note_stranger(const struct relay_stream *stream, const struct relay_tls_names *names)
{
    const struct relay_loop_conf *conf = &stream->loop->conf;
    const char *why = relay_tls_stranger(stream->tls);

    for (size_t i = 0; i < names->n; i++)
        for (size_t j = 0; j < conf->peers_n; j++)
            if (strcasecmp(names->v[i], conf->peers[j].name) == 0)
                return;
    if (why || names->n > 0)
        relay_loop_note(stream->loop, false, "tls",
                        "the certificate of %s is none of a peer's (%s%s): it is a client",
                        stream->source, why ? why : "it says ", why ? "" : names->v[0]);
}

static void tell_open(struct relay_stream *stream)
{
    struct relay_in in = {.kind = RELAY_IN_OPEN, .conn = stream->id};
    struct relay_tls_names names;

    in.now = relay_loop_now(stream->loop);
    in.open.source = stream->source;
    in.open.tls = stream->tls != NULL;
    in.open.loopback = stream->loopback;
    if (stream->link) {
        in.open.dialled = stream->dialled = relay_link_up(stream->link) + 1;
        stream->link = NULL;
    } else if (stream->tls) {
        relay_tls_names(stream->tls, &names);
        in.open.names = names.v;
        in.open.names_n = names.n;
        note_stranger(stream, &names);
    }
    stream->open = true;
    relay_feed(stream->loop->relay, &in);
}

/* Takes what the ciphertext holds: the end of the handshake, then plaintext while there is room. */
static void decrypt(struct relay_stream *stream)
{
    struct relay_loop *loop = stream->loop;
    int64_t now_ms = (int64_t)uv_now(&loop->uv);
    ssize_t err;

    while ((err = relay_tls_poll(stream->tls, now_ms)) == 1) {
        size_t room;
        char *p;

        if (!stream->open)
            break;
        p = relay_buffer(loop->relay, stream->id, &room);
        if (!p) {
            if (relay_tls_hold(stream->tls) < 0)
                relay_stream_drop(stream);
            else
                starve(stream);
            return;
        }
        if ((err = relay_tls_read(stream->tls, now_ms, p, room)) <= 0)
            break;
        feed(stream, (size_t)err);
    }
    if (err >= 0)
        return;
    if (err != RELAY_E_END)
        loop->counts.tls_fail[relay_tls_fail(stream->tls)]++;
    if (stream->link || stream->dialled) {
        if (stream->link && err != RELAY_E_END)
            relay_link_refuse(stream->link, stream->tls);
        lose(stream, err == RELAY_E_END ? CLOSES : relay_tls_error(stream->tls));
    } else if (err != RELAY_E_END) {
        relay_loop_note(loop, false, "tls", "connection %llu: %s", (unsigned long long)stream->id,
                        relay_tls_error(stream->tls));
    }
    relay_stream_close(stream); /* writes an alert, and the answers to what came before the end */
}

static void read_cipher(struct relay_stream *stream, const char *p, size_t n)
{
    bool was_ready = relay_tls_is_ready(stream->tls);

    if (relay_tls_feed(stream->tls, p, n) < 0) {
        relay_stream_drop(stream);
        return;
    }
    if (!was_ready) {
        int err = relay_tls_poll(stream->tls, (int64_t)uv_now(&stream->loop->uv));

        if (err >= 0 && relay_tls_is_ready(stream->tls)) {
            stream->loop->counts.n[RELAY_LOOP_SHAKE_OK]++;
            relay_timer_leave(stream);
            tell_open(stream);
        }
    }
    decrypt(stream);
    if (!stream->gone)
        relay_stream_write(stream);
}

static void on_read(uv_stream_t *handle, ssize_t n, const uv_buf_t *buf)
{
    struct relay_stream *stream = handle->data;
    struct relay_loop *loop = stream->loop;

    if (n == UV_ENOBUFS) {
        if (!had_its_turn(stream))
            starve(stream);
        return;
    }
    stream->round_n += n > 0 ? (size_t)n : 0;
    if (stream->lingering) {
        if (n < 0)
            relay_stream_drop(stream);
        return;
    }
    if (n < 0) {
        if (n != UV_EOF)
            loop->counts.n[RELAY_LOOP_RESET]++;
        lose(stream, n == UV_EOF ? CLOSES : uv_strerror((int)n));
        relay_stream_write(stream); /* answers to what came before the end */
        relay_stream_drop(stream);
    } else if (n > 0 && stream->tls) {
        read_cipher(stream, buf->base, (size_t)n);
    } else if (n > 0) {
        feed(stream, (size_t)n);
    }
    if (loop->batch >= RELAY_STREET_BATCH)
        relay_loop_settle(loop);
}

static void start_reading(struct relay_stream *stream)
{
    if (stream->reading || stream->gone)
        return;
    stream->reading = true;
    if (uv_read_start((uv_stream_t *)&stream->tcp, on_alloc, on_read) < 0)
        relay_stream_drop(stream);
}

void relay_stream_pause(struct relay_stream *stream)
{
    stream->paused = true;
    if (!stream->closing)
        stop_reading(stream);
}

void relay_stream_retry(struct relay_stream *stream)
{
    if (stream->closing || stream->gone || stream->paused)
        return;
    not_starved(stream);
    if (stream->tls)
        decrypt(stream); /* what was held */
    if (!stream->closing && !stream->gone && !stream->starved)
        start_reading(stream);
}

void relay_stream_resume(struct relay_stream *stream)
{
    stream->paused = false;
    relay_stream_retry(stream);
}

/* --- beginning --- */

/* Small answers leave at once, and the kernel holds no more unsent octets than the next small
 * message can wait behind: what is bulk waits in the relay, where it pauses its senders. */
static void tune(struct relay_stream *stream)
{
    const int lowat = RELAY_STREET_UNSENT;
    uv_os_fd_t fd;

    (void)uv_tcp_nodelay(&stream->tcp, 1);
    if (uv_fileno((uv_handle_t *)&stream->tcp, &fd) == 0)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &lowat, sizeof lowat);
}

static struct relay_stream *stream_new(struct relay_loop *loop, bool loopback)
{
    struct relay_stream *stream = calloc(1, sizeof *stream);

    if (!stream)
        return NULL;
    (void)uv_tcp_init(&loop->uv, &stream->tcp); /* cannot fail without a socket */
    stream->loop = loop;
    stream->loopback = loopback;
    stream->tcp.data = stream;
    return stream;
}

/* Nobody knows it yet. */
static void discard(struct relay_stream *stream)
{
    stream->gone = true;
    uv_close((uv_handle_t *)&stream->tcp, on_closed);
}

static void on_connected(uv_connect_t *req, int status)
{
    struct relay_stream *stream = req->handle->data;

    if (stream->gone)
        return;
    if (status < 0) {
        lose_link(stream, uv_strerror(status));
        relay_stream_drop(stream);
        return;
    }
    tune(stream);
    name_peer(stream, stream->source);
    if (!stream->tls) {
        tell_open(stream);
    } else if (relay_tls_read(stream->tls, (int64_t)uv_now(&stream->loop->uv), NULL, 0) < 0) {
        lose_link(stream, relay_tls_error(stream->tls));
        relay_stream_drop(stream);
        return;
    }
    start_reading(stream);
    relay_stream_write(stream); /* the first flight */
}

struct relay_stream *relay_stream_dial(struct relay_loop *loop, struct relay_link *link,
                                       const struct sockaddr *address, bool loopback,
                                       const char *tls_host, int *err)
{
    struct relay_stream *stream = stream_new(loop, loopback);

    *err = UV_ENOMEM;
    if (!stream)
        return NULL;
    if (tls_host && !(stream->tls = relay_tls_client(loop->peer_tls, tls_host))) {
        discard(stream);
        return NULL;
    }
    if ((*err = uv_tcp_connect(&stream->connect, &stream->tcp, address, on_connected)) < 0 ||
        (*err = enter(stream) < 0 ? UV_ENOMEM : 0) < 0) {
        discard(stream);
        return NULL;
    }
    stream->link = link;
    loop->counts.n[RELAY_LOOP_DIALLED]++;
    return stream;
}

/* --- accepting --- */

void relay_stream_accept(struct relay_listener *listener)
{
    struct relay_loop *loop = listener->loop;
    struct relay_stream *stream = stream_new(loop, listener->loopback);
    enum relay_loop_count refusal = RELAY_LOOP_COUNT_N;

    /* without memory libuv holds the connection and stops listening until we accept it */
    listener->stuck = !stream;
    if (!stream) {
        loop->counts.n[RELAY_LOOP_ACCEPT_FAILED]++;
        return;
    }
    if (uv_accept((uv_stream_t *)&listener->tcp, (uv_stream_t *)&stream->tcp) < 0)
        refusal = RELAY_LOOP_ACCEPT_FAILED;
    else if (loop->counts.conns_now >= loop->conf.conns_max)
        refusal = RELAY_LOOP_REFUSED_MAX;
    else if (is_crowding(stream) && listener->tls)
        refusal = RELAY_LOOP_REFUSED_MAX;
    else if (listener->tls && !(stream->tls = relay_tls_server(loop->tls)))
        refusal = RELAY_LOOP_ACCEPT_FAILED;
    else if (enter(stream) < 0)
        refusal = RELAY_LOOP_ACCEPT_FAILED;
    if (refusal != RELAY_LOOP_COUNT_N) {
        loop->counts.n[refusal]++;
        discard(stream);
        return;
    }
    loop->counts.n[RELAY_LOOP_ACCEPTED]++;
    tune(stream);
    if (stream->tls)
        relay_timer_join(stream, &loop->shaking, loop->conf.handshake_ms);
    else
        tell_open(stream);
    start_reading(stream);
}
