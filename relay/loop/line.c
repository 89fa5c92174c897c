#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/loop/line.h"

enum {
    PLUG = 16 * 1024,  /* plain octets a line waits with for a full socket */
    THROTTLE_MS = 100, /* a throttled line reads in steps of this */
};

struct relay_client_now relay_line_now(const struct relay_dial *dial)
{
    uv_timeval64_t wall;
    (void)uv_gettimeofday(&wall);
    return (struct relay_client_now){(int64_t)uv_now(&dial->uv), wall.tv_sec};
}

/* --- ending a line --- */

void relay_line_release(struct relay_line *line)
{
    if (--line->busy > 0) {
        return;
    }
    if (line->found != NULL) {
        uv_freeaddrinfo(line->found);
    }
    line->kind->free(line->machine);
    relay_tls_free(line->tls);
    free(line->in_flight);
    free(line->srv);
    free(line);
}

static void on_gone(uv_handle_t *handle)
{
    relay_line_release(handle->data);
}

void relay_line_drop(struct relay_line *line)
{
    if (line->gone) {
        return;
    }
    line->gone = true;
    *(line->prev != NULL ? &line->prev->next : &line->dial->lines) = line->next;
    if (line->next != NULL) {
        line->next->prev = line->prev;
    }
    (void)uv_cancel((uv_req_t *)&line->resolve);
    uv_close((uv_handle_t *)&line->timer, on_gone);
    if (line->kind->goes_at_once) {
        line->kind->free(line->machine);
        line->machine = NULL;
    }
    if (line->has_tcp && !uv_is_closing((uv_handle_t *)&line->tcp)) {
        uv_close((uv_handle_t *)&line->tcp, on_gone);
    }
}

void relay_line_drain(struct relay_line *line)
{
    if (line->draining || line->gone) {
        return;
    }
    line->draining = true;
    if (!line->kind->drain(line)) {
        relay_line_drop(line);
        return;
    }
    line->draining = false;
}

void relay_line_feed(struct relay_line *line, enum relay_client_in_kind kind, size_t n)
{
    struct relay_client_in in = {.kind = kind, .now = relay_line_now(line->dial), .n = n};
    line->kind->feed(line->machine, &in);
    relay_line_drain(line);
}

void relay_line_fail(struct relay_line *line, int err, const char *format, ...)
{
    char text[256];
    va_list arguments;
    if (line->gone) {
        return;
    }
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    struct relay_client_in in = {.kind = RELAY_CLIENT_IN_CLOSED,
                                 .now = relay_line_now(line->dial),
                                 .err = err,
                                 .text = text};
    line->kind->feed(line->machine, &in);
    relay_line_drain(line);
}

/* --- time --- */

static int64_t earlier(int64_t a, int64_t b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

static void on_timer(uv_timer_t *timer)
{
    struct relay_line *line = timer->data;
    int64_t now_ms = (int64_t)uv_now(&line->dial->uv);
    if (line->shake_ms >= 0 && now_ms >= line->shake_ms) {
        relay_line_fail(line, RELAY_E_IO, "%s does not answer in time", line->host);
        return;
    }
    if (line->close_ms >= 0 && now_ms >= line->close_ms) {
        relay_line_fail(line, 0, "closed");
        return;
    }
    if (line->read_ms >= 0 && now_ms >= line->read_ms) {
        line->read_ms = -1;
        relay_line_read(line);
    }
    int64_t due_ms = line->kind->next_ms(line->machine);
    if (due_ms >= 0 && now_ms >= due_ms) {
        relay_line_feed(line, RELAY_CLIENT_IN_TICK, 0);
    }
    if (!line->gone) {
        relay_line_write(line);
    }
}

void relay_line_wake(struct relay_line *line)
{
    uv_timer_start(&line->timer, on_timer, 0, 0);
}

void relay_line_arm(struct relay_line *line)
{
    if (line->gone) {
        return;
    }
    int64_t now_ms = (int64_t)uv_now(&line->dial->uv);
    int64_t due_ms = earlier(line->shake_ms, line->close_ms);
    due_ms = earlier(due_ms, line->read_ms);
    due_ms = earlier(due_ms, line->kind->next_ms(line->machine));
    if (due_ms < 0) {
        uv_timer_stop(&line->timer);
    } else {
        uv_timer_start(&line->timer, on_timer, due_ms > now_ms ? (uint64_t)(due_ms - now_ms) : 0,
                       0);
    }
}

/* --- writing --- */

static void acknowledge(struct relay_line *line)
{
    struct relay_client_now now = relay_line_now(line->dial);
    if (line->plain_n > 0) {
        line->kind->sent(line->machine, &now, line->plain_n);
    }
    line->plain_n = 0;
}

static void on_written(uv_write_t *req, int status)
{
    struct relay_line *line = req->data;
    line->writing = false;
    free(line->in_flight);
    line->in_flight = NULL;
    if (!line->gone && status < 0) {
        relay_line_fail(line, RELAY_E_IO, "writing: %s", uv_strerror(status));
    } else if (!line->gone) {
        acknowledge(line);
        relay_line_write(line);
    }
    relay_line_release(line);
}

/* Writes what the socket takes now. Returns octets written, or negative after a failure. */
static ssize_t try_write(struct relay_line *line, const char *p, size_t n)
{
    uv_buf_t buf;
    memcpy(&buf.base, &p, sizeof(p)); /* libuv does not write through it; its type has no const */
    buf.len = n;
    int sent = uv_try_write((uv_stream_t *)&line->tcp, &buf, 1);
    if (sent < 0 && sent != UV_EAGAIN) {
        relay_line_fail(line, RELAY_E_IO, "writing: %s", uv_strerror(sent));
        return sent;
    }
    return sent < 0 ? 0 : sent;
}

/* The socket is full: octets [skip, end) of a heap buffer wait until it is not. */
static void wait_with(struct relay_line *line, char *heap, size_t skip, size_t end)
{
    uv_buf_t buf = uv_buf_init(heap + skip, (unsigned)(end - skip));
    line->in_flight = heap;
    line->write.data = line;
    int rc = uv_write(&line->write, (uv_stream_t *)&line->tcp, &buf, 1, on_written);
    if (rc < 0) {
        relay_line_fail(line, RELAY_E_IO, "writing: %s", uv_strerror(rc));
        return;
    }
    line->writing = true;
    line->busy++;
}

/* True when all ciphertext is gone. */
static bool write_cipher(struct relay_line *line)
{
    const char *p;
    size_t n = relay_tls_output(line->tls, &p), skip, end;
    if (n == 0) {
        return true;
    }
    ssize_t sent = try_write(line, p, n);
    if (sent < 0) {
        return false;
    }
    relay_tls_sent(line->tls, (size_t)sent);
    if ((size_t)sent == n) {
        return true;
    }
    char *heap = relay_tls_take(line->tls, &skip, &end);
    wait_with(line, heap, skip, end);
    return false;
}

/* Moves some of the client's output on. True when there may be more. */
static bool write_some(struct relay_line *line)
{
    struct relay_client_now now = relay_line_now(line->dial);
    size_t n;
    const char *p = line->kind->output(line->machine, &now, &n);
    if (p == NULL) {
        return false;
    }
    if (line->tls != NULL) {
        ssize_t done = relay_tls_write(line->tls, p, n < RELAY_TLS_RECORD ? n : RELAY_TLS_RECORD);
        if (done <= 0) {
            relay_line_fail(line, RELAY_E_TLS, "TLS: %s", relay_tls_error(line->tls));
            return false;
        }
        line->plain_n = (size_t)done;
        return true;
    }
    ssize_t sent = try_write(line, p, n);
    if (sent < 0) {
        return false;
    }
    size_t left = n - (size_t)sent < PLUG ? n - (size_t)sent : PLUG;
    char *heap = left > 0 ? malloc(left) : NULL;
    if (left > 0 && heap == NULL) {
        relay_line_fail(line, RELAY_E_NOMEM, "out of memory");
        return false;
    }
    if (heap != NULL) {
        memcpy(heap, p + sent, left);
    }
    line->plain_n = (size_t)sent;
    acknowledge(line);
    if (heap == NULL) {
        return true;
    }
    line->plain_n = left;
    wait_with(line, heap, 0, left);
    return false;
}

void relay_line_write(struct relay_line *line)
{
    bool more = true;
    while (more && !line->writing && !line->gone) {
        if (line->tls != NULL && !write_cipher(line)) {
            break;
        }
        acknowledge(line);
        more = line->open && write_some(line);
        if (!more) {
            relay_line_drain(line); /* what went wrong while octets were made */
        }
    }
    if (line->closing && !line->writing && !line->gone && line->kind->is_quiet(line->machine)) {
        if (line->tls != NULL) {
            relay_tls_bye(line->tls);
            if (!write_cipher(line)) {
                return;
            }
        }
        relay_line_fail(line, 0, "closed");
    }
    relay_line_arm(line);
}

/* --- reading --- */

/* The handshake is nobody's slow reading. */
static bool is_throttled(const struct relay_line *line)
{
    return line->open && line->conf.read_per_s > 0;
}

static void on_alloc(uv_handle_t *handle, size_t hint, uv_buf_t *buf)
{
    struct relay_line *line = handle->data;
    size_t n = RELAY_LINE_CIPHER;
    (void)hint;
    buf->base = line->tls != NULL ? line->dial->cipher : line->kind->buffer(line->machine, &n);
    buf->len = buf->base == NULL ? 0 : n;
    if (is_throttled(line) && buf->len > line->read_left) {
        buf->len = line->read_left;
    }
}

/* Takes what the ciphertext holds. */
void relay_line_cipher(struct relay_line *line, const char *p, size_t n)
{
    int64_t now_ms = (int64_t)uv_now(&line->dial->uv);
    ssize_t got = relay_tls_feed(line->tls, p, n);
    while (got >= 0 && !line->gone && (got = relay_tls_poll(line->tls, now_ms)) > 0) {
        size_t room;
        char *to = line->kind->buffer(line->machine, &room);
        if (to == NULL || (got = relay_tls_read(line->tls, now_ms, to, room)) <= 0) {
            break;
        }
        relay_line_feed(line, RELAY_CLIENT_IN_DATA, (size_t)got);
    }
    if (line->gone) {
        return;
    }
    if (got == RELAY_E_END) {
        relay_line_feed(line, RELAY_CLIENT_IN_CLOSED, 0);
    } else if (got < 0) {
        const char *out;
        size_t alert = relay_tls_output(line->tls, &out);
        if (alert > 0 && try_write(line, out, alert) < 0) {
            return;
        }
        relay_line_fail(line, RELAY_E_TLS, "TLS with %s: %s", line->host,
                        relay_tls_error(line->tls));
    } else if (!line->open && relay_tls_is_ready(line->tls)) {
        line->open = true;
        line->shake_ms = -1;
        relay_line_feed(line, RELAY_CLIENT_IN_OPEN, 0);
    }
}

static void on_read(uv_stream_t *handle, ssize_t n, const uv_buf_t *buf)
{
    struct relay_line *line = handle->data;
    if (n == 0 || n == UV_ENOBUFS || line->gone) {
        return;
    }
    if (n < 0) {
        if (n == UV_EOF) {
            relay_line_feed(line, RELAY_CLIENT_IN_CLOSED, 0);
        } else {
            relay_line_fail(line, RELAY_E_IO, "reading: %s", uv_strerror((int)n));
        }
        return;
    }
    if (line->tls != NULL) {
        relay_line_cipher(line, buf->base, (size_t)n);
    } else {
        relay_line_feed(line, RELAY_CLIENT_IN_DATA, (size_t)n);
    }
    if (line->gone) {
        return;
    }
    if (is_throttled(line)) {
        line->read_left -= (size_t)n < line->read_left ? (size_t)n : line->read_left;
        if (line->read_left == 0) {
            uv_read_stop(handle);
            line->reading = false;
            line->read_ms = (int64_t)uv_now(&line->dial->uv) + THROTTLE_MS;
        }
    }
    relay_line_write(line);
}

void relay_line_read(struct relay_line *line)
{
    if (line->gone || line->reading) {
        return;
    }
    line->read_left = (size_t)line->conf.read_per_s * THROTTLE_MS / 1000 + 1;
    line->reading = true;
    int rc = uv_read_start((uv_stream_t *)&line->tcp, on_alloc, on_read);
    if (rc < 0) {
        relay_line_fail(line, RELAY_E_IO, "reading: %s", uv_strerror(rc));
    }
}
