/* write.c - the relay's output goes out: one write per connection and batch. */
#include <stdlib.h>
#include <string.h>

#include "relay/loop/street.h"

enum { RUNS = 64 }; /* of one write */

static void acknowledge(struct relay_stream *stream)
{
    size_t n = stream->plain_n;
    struct relay_now now;

    stream->plain_n = 0;
    if (n == 0 || !stream->open)
        return;
    now = relay_loop_now(stream->loop);
    relay_sent(stream->loop->relay, stream->id, &now, n);
}

static void on_written(uv_write_t *req, int status)
{
    struct relay_stream *stream = req->handle->data;

    stream->writing = false;
    free(stream->in_flight);
    stream->in_flight = NULL;
    if (stream->gone)
        return;
    if (status < 0) {
        relay_stream_reset(stream);
    } else {
        acknowledge(stream);
        relay_stream_write(stream);
    }
}

/* The socket is full: leaves octets [skip, end) of a heap buffer with libuv until it is not. */
static void wait_with(struct relay_stream *stream, char *heap, size_t skip, size_t end)
{
    uv_buf_t buf = uv_buf_init(heap + skip, (unsigned)(end - skip));

    stream->in_flight = heap;
    stream->writing = true;
    if (uv_write(&stream->write, (uv_stream_t *)&stream->tcp, &buf, 1, on_written) < 0) {
        stream->writing = false;
        relay_stream_reset(stream);
    }
}

/* Sends the ciphertext that waits. Returns true when it is all gone. */
static bool write_cipher(struct relay_stream *stream)
{
    const char *p;
    size_t n = relay_tls_output(stream->tls, &p), skip, end;
    uv_buf_t buf;
    char *heap;
    int sent;

    if (n == 0)
        return true;
    /* libuv does not write through the buffer; its type just has no const */
    memcpy(&buf.base, &p, sizeof p);
    buf.len = n;
    sent = uv_try_write((uv_stream_t *)&stream->tcp, &buf, 1);
    if (sent < 0 && sent != UV_EAGAIN) {
        relay_stream_reset(stream);
        return false;
    }
    relay_tls_sent(stream->tls, sent > 0 ? (size_t)sent : 0);
    if (sent > 0 && (size_t)sent == n)
        return true;
    heap = relay_tls_take(stream->tls, &skip, &end);
    wait_with(stream, heap, skip, end);
    return false;
}

/* Encrypts up to one record of the relay's output. Returns false when there is none (or no way). */
static bool encrypt(struct relay_stream *stream)
{
    struct relay_loop *loop = stream->loop;
    struct relay_now now = relay_loop_now(loop);
    struct relay_iov iov[RUNS];
    size_t n = relay_output(loop->relay, stream->id, &now, iov, RUNS), at = 0;
    const char *p = loop->plain;
    ssize_t done;

    if (n == 0)
        return false;
    if (iov[0].n >= RELAY_TLS_RECORD || n == 1) {
        p = iov[0].p;
        at = iov[0].n;
    } else {
        for (size_t i = 0; i < n && at < RELAY_TLS_RECORD; i++) {
            size_t more = iov[i].n < RELAY_TLS_RECORD - at ? iov[i].n : RELAY_TLS_RECORD - at;

            memcpy(loop->plain + at, iov[i].p, more);
            at += more;
        }
    }
    done = relay_tls_write(stream->tls, p, at);
    if (done <= 0) {
        loop->counts.tls_fail[relay_tls_fail(stream->tls)]++;
        relay_stream_drop(stream);
        return false;
    }
    stream->plain_n = (size_t)done;
    return true;
}

/* Copies up to a plug's worth of the runs behind the first `skip` octets. */
static char *plug_copy(const struct relay_iov *iov, size_t runs, size_t skip, size_t *n)
{
    char *heap = malloc(RELAY_STREET_PLUG);

    *n = 0;
    for (size_t i = 0; heap && i < runs && *n < RELAY_STREET_PLUG; i++) {
        size_t from = skip < iov[i].n ? skip : iov[i].n, more = iov[i].n - from;

        skip -= from;
        if (more > RELAY_STREET_PLUG - *n)
            more = RELAY_STREET_PLUG - *n;
        memcpy(heap + *n, iov[i].p + from, more);
        *n += more;
    }
    return heap;
}

/* Writes the relay's output as it is. Returns true when there may be more. */
static bool write_plain(struct relay_stream *stream)
{
    struct relay_loop *loop = stream->loop;
    struct relay_now now = relay_loop_now(loop);
    struct relay_iov iov[RUNS];
    uv_buf_t bufs[RUNS];
    size_t runs = relay_output(loop->relay, stream->id, &now, iov, RUNS), all = 0, plug = 0;
    char *heap = NULL;
    int sent;

    if (runs == 0)
        return false;
    for (size_t i = 0; i < runs; i++) {
        memcpy(&bufs[i].base, &iov[i].p, sizeof iov[i].p);
        bufs[i].len = iov[i].n;
        all += iov[i].n;
    }
    sent = uv_try_write((uv_stream_t *)&stream->tcp, bufs, (unsigned)runs);
    if (sent < 0 && sent != UV_EAGAIN) {
        relay_stream_reset(stream);
        return false;
    }
    sent = sent < 0 ? 0 : sent;
    /* the runs are valid until relay_sent, so the copy comes first */
    if ((size_t)sent < all && !(heap = plug_copy(iov, runs, (size_t)sent, &plug))) {
        relay_stream_drop(stream);
        return false;
    }
    stream->plain_n = (size_t)sent;
    acknowledge(stream);
    if (!heap)
        return true;
    stream->plain_n = plug;
    wait_with(stream, heap, 0, plug);
    return false;
}

void relay_stream_write(struct relay_stream *stream)
{
    bool more = true;

    while (more && !stream->writing && !stream->gone && !stream->lingering) {
        if (!stream->tls) {
            more = stream->open && write_plain(stream);
            continue;
        }
        if (!write_cipher(stream))
            return;
        acknowledge(stream);
        more = stream->open && encrypt(stream);
    }
    if (!stream->closing || stream->writing || stream->gone || stream->lingering)
        return;
    if (stream->tls) {
        relay_tls_bye(stream->tls);
        if (!write_cipher(stream))
            return;
    }
    relay_stream_linger(stream);
}
