#include "relay/loop/loop.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "relay/loop/street.h"

struct relay_now relay_loop_now(struct relay_loop *loop)
{
    struct relay_now now = {.mono_ms = (int64_t)uv_now(&loop->uv), .unix_s = (int64_t)time(NULL)};

    return now;
}

void relay_loop_note(struct relay_loop *loop, bool is_error, const char *what, const char *format,
                     ...)
{
    char text[512];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    loop->hooks.note(loop->hooks.ctx, is_error, what, text);
}

static struct relay_stream *find(struct relay_loop *loop, uint64_t id)
{
    uint32_t i = (uint32_t)(id & 0xffffff);
    struct relay_stream *stream = i < loop->slots_n ? loop->slots[i] : NULL;

    return stream && stream->id == id ? stream : NULL;
}

static void obey(struct relay_loop *loop, const struct relay_want *want)
{
    struct relay_stream *stream = find(loop, want->conn);

    if (want->kind == RELAY_WANT_EVENT) {
        loop->hooks.event(loop->hooks.ctx, &want->event);
        return;
    }
    if (want->kind == RELAY_WANT_UPLOAD) {
        relay_work_upload(loop, want->upload);
        return;
    }
    if (want->kind == RELAY_WANT_DIAL) {
        relay_link_dial(loop, want->peer);
        return;
    }
    if (!stream)
        return;
    switch (want->kind) {
    case RELAY_WANT_WRITE:
        relay_stream_write(stream);
        break;
    case RELAY_WANT_CLOSE:
        relay_stream_close(stream);
        break;
    case RELAY_WANT_PAUSE:
        relay_stream_pause(stream);
        break;
    case RELAY_WANT_RESUME:
        relay_stream_resume(stream);
        break;
    case RELAY_WANT_NONE:
    case RELAY_WANT_EVENT:
    case RELAY_WANT_UPLOAD:
    case RELAY_WANT_DIAL:
        break;
    }
}

/* Draining is over when nothing is open any more, or when its time is up. */
static void drain(struct relay_loop *loop)
{
    if (loop->drain_ms < 0)
        return;
    if (!loop->ended &&
        (relay_is_quiet(loop->relay) || (int64_t)uv_now(&loop->uv) >= loop->drain_ms)) {
        loop->ended = true;
        loop->drain_ms = INT64_MAX;
        for (uint32_t i = 0; i < loop->slots_n; i++)
            if (loop->slots[i])
                relay_stream_close(loop->slots[i]);
    }
    if (loop->ended && loop->counts.conns_now == 0)
        uv_stop(&loop->uv);
}

void relay_loop_settle(struct relay_loop *loop)
{
    if (loop->settling)
        return;
    loop->settling = true;
    loop->batch = 0;
    while (relay_take(loop->relay, &loop->want))
        obey(loop, &loop->want);
    drain(loop);
    relay_timer_arm(loop);
    loop->settling = false;
}

static void on_check(uv_check_t *check)
{
    relay_loop_settle(check->data);
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct relay_loop *loop = prepare->data;

    loop->round++;
    relay_loop_settle(loop);
}

void relay_loop_default(struct relay_loop_conf *conf, uint32_t conns_wanted)
{
    struct rlimit limit;
    rlim_t most = UINT32_MAX;

    /* half the descriptors, less some for files and the metrics (reliability section 4) */
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        most = limit.rlim_cur / 2 > 256 + 16 ? limit.rlim_cur / 2 - 256 : 16;
    *conf = (struct relay_loop_conf){
        .conns_max = conns_wanted < most ? conns_wanted : (uint32_t)most,
        .shaking_max = conns_wanted < most ? conns_wanted : (uint32_t)most,
        .source_max = conns_wanted < most ? conns_wanted : (uint32_t)most,
        .handshake_ms = 10000,
        .drain_ms = 5000,
        .flush_ms = 1000,
        .poll_ms = 1000,
    };
}

struct relay_loop *relay_loop_new(struct relay *relay, const struct relay_loop_conf *conf,
                                  const struct relay_loop_hooks *hooks)
{
    struct relay_loop *loop = calloc(1, sizeof *loop);

    if (!loop)
        return NULL;
    loop->cipher = malloc(RELAY_STREET_CIPHER);
    loop->plain = malloc(RELAY_TLS_RECORD);
    loop->reached = calloc(conf->peers_n + 1, sizeof *loop->reached);
    if (!loop->cipher || !loop->plain || !loop->reached || uv_loop_init(&loop->uv) < 0) {
        free(loop->cipher);
        free(loop->plain);
        free(loop->reached);
        free(loop);
        return NULL;
    }
    loop->relay = relay;
    loop->conf = *conf;
    loop->hooks = *hooks;
    loop->armed_ms = -1;
    loop->drain_ms = -1;
    loop->check.data = loop->prepare.data = loop->timer.data = loop->poll.data = loop;
    loop->watchdog.data = loop->term.data = loop->intr.data = loop->hup.data = loop;
    (void)uv_check_init(&loop->uv, &loop->check); /* these cannot fail */
    (void)uv_prepare_init(&loop->uv, &loop->prepare);
    (void)uv_timer_init(&loop->uv, &loop->timer);
    (void)uv_timer_init(&loop->uv, &loop->poll);
    (void)uv_timer_init(&loop->uv, &loop->watchdog);
    if (uv_signal_init(&loop->uv, &loop->term) < 0 || uv_signal_init(&loop->uv, &loop->intr) < 0 ||
        uv_signal_init(&loop->uv, &loop->hup) < 0) {
        relay_loop_free(loop);
        return NULL;
    }
    return loop;
}

int relay_loop_run(struct relay_loop *loop)
{
    if (relay_signal_start(loop) < 0 || relay_timer_start(loop) < 0)
        return RELAY_E_IO;
    (void)uv_check_start(&loop->check, on_check);
    (void)uv_prepare_start(&loop->prepare, on_prepare);
    relay_notify_send("READY=1");
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    return 0;
}

void relay_loop_stop(struct relay_loop *loop)
{
    struct relay_in in = {.kind = RELAY_IN_DRAIN};
    uint32_t ms = loop->conf.drain_ms > loop->conf.flush_ms
                      ? loop->conf.drain_ms - loop->conf.flush_ms
                      : 0; /* the last flush is part of the drain */

    if (loop->drain_ms >= 0) { /* asked twice: at once */
        loop->drain_ms = loop->ended ? loop->drain_ms : 0;
        return;
    }
    relay_notify_send("STOPPING=1");
    relay_loop_note(loop, false, "stop", "draining for at most %u ms", loop->conf.drain_ms);
    relay_listen_close(loop);
    relay_link_stop(loop);
    in.now = relay_loop_now(loop);
    relay_feed(loop->relay, &in);
    loop->drain_ms = in.now.mono_ms + ms;
}

static void close_any(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

void relay_loop_free(struct relay_loop *loop)
{
    if (!loop)
        return;
    relay_listen_close(loop);
    relay_link_stop(loop);
    for (uint32_t i = 0; i < loop->slots_n; i++)
        if (loop->slots[i])
            relay_stream_drop(loop->slots[i]);
    uv_walk(&loop->uv, close_any, NULL); /* what is left is embedded in the loop */
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    (void)uv_loop_close(&loop->uv);
    relay_work_drop(loop->ring);
    relay_ctx_unref(loop->tls);
    relay_ctx_unref(loop->peer_tls);
    free(loop->slots);
    free(loop->reached);
    free(loop->cipher);
    free(loop->plain);
    free(loop);
}

void relay_loop_tls(struct relay_loop *loop, struct relay_ctx *ctx)
{
    relay_ctx_ref(ctx);
    relay_ctx_unref(loop->tls);
    loop->tls = ctx;
}

void relay_loop_peer_tls(struct relay_loop *loop, struct relay_ctx *ctx)
{
    relay_ctx_ref(ctx);
    relay_ctx_unref(loop->peer_tls);
    loop->peer_tls = ctx;
}

void relay_loop_policy(struct relay_loop *loop, struct relay_policy *policy)
{
    struct relay_in in = {.kind = RELAY_IN_POLICY, .now = relay_loop_now(loop), .policy = policy};

    relay_feed(loop->relay, &in);
}

void relay_loop_auth(struct relay_loop *loop, const struct relay_auth *auth)
{
    struct relay_in in = {.kind = RELAY_IN_AUTH, .now = relay_loop_now(loop), .auth = auth};

    relay_feed(loop->relay, &in);
}

void relay_loop_digest(struct relay_loop *loop, const struct relay_digest_rules *digest)
{
    struct relay_in in = {.kind = RELAY_IN_DIGEST, .now = relay_loop_now(loop), .digest = digest};

    relay_feed(loop->relay, &in);
}

const struct relay_loop_counts *relay_loop_counts(const struct relay_loop *loop)
{
    return &loop->counts;
}
