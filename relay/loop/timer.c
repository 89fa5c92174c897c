#include "relay/loop/street.h"

void relay_timer_join(struct relay_stream *stream, struct relay_queue *queue, uint32_t ms)
{
    relay_timer_leave(stream);
    stream->due_ms = (int64_t)uv_now(&stream->loop->uv) + ms;
    stream->queue = queue;
    stream->next = NULL;
    stream->prev = queue->last;
    if (queue->last)
        queue->last->next = stream;
    else
        queue->first = stream;
    queue->last = stream;
    queue->n++;
}

void relay_timer_leave(struct relay_stream *stream)
{
    struct relay_queue *queue = stream->queue;

    if (!queue)
        return;
    *(stream->prev ? &stream->prev->next : &queue->first) = stream->next;
    *(stream->next ? &stream->next->prev : &queue->last) = stream->prev;
    queue->n--;
    stream->queue = NULL;
    stream->prev = stream->next = NULL;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

static void on_timer(uv_timer_t *timer)
{
    struct relay_loop *loop = timer->data;
    int64_t now_ms = (int64_t)uv_now(&loop->uv);
    int64_t due_ms = relay_next_ms(loop->relay);
    struct relay_stream *stream;

    loop->armed_ms = -1;
    while ((stream = loop->shaking.first) && stream->due_ms <= now_ms) {
        loop->counts.n[RELAY_LOOP_SHAKE_TIMEOUT]++;
        relay_stream_drop(stream);
    }
    while ((stream = loop->ending.first) && stream->due_ms <= now_ms)
        relay_stream_drop(stream);
    if (due_ms >= 0 && due_ms <= now_ms) {
        struct relay_in in = {.kind = RELAY_IN_TICK, .now = relay_loop_now(loop)};

        relay_feed(loop->relay, &in);
        for (uint32_t i = 0; loop->starved_n > 0 && i < loop->slots_n; i++)
            if (loop->slots[i] && loop->slots[i]->starved)
                relay_stream_retry(loop->slots[i]);
    }
}

void relay_timer_arm(struct relay_loop *loop)
{
    int64_t now_ms = (int64_t)uv_now(&loop->uv);
    int64_t due_ms = relay_next_ms(loop->relay);

    if (loop->shaking.first)
        due_ms = earlier(due_ms, loop->shaking.first->due_ms);
    if (loop->ending.first)
        due_ms = earlier(due_ms, loop->ending.first->due_ms);
    due_ms = earlier(due_ms, loop->drain_ms);
    if (due_ms == loop->armed_ms)
        return;
    loop->armed_ms = due_ms;
    if (due_ms < 0)
        uv_timer_stop(&loop->timer);
    else
        uv_timer_start(&loop->timer, on_timer, due_ms > now_ms ? (uint64_t)(due_ms - now_ms) : 0,
                       0);
}

static void on_poll(uv_timer_t *timer)
{
    struct relay_loop *loop = timer->data;

    for (size_t i = 0; i < loop->listeners_n; i++)
        if (loop->listeners[i]->stuck)
            relay_stream_accept(loop->listeners[i]);
    loop->hooks.poll(loop->hooks.ctx);
}

static void on_watchdog(uv_timer_t *timer)
{
    (void)timer;
    relay_notify_send("WATCHDOG=1");
}

int relay_timer_start(struct relay_loop *loop)
{
    uint64_t watchdog_ms = relay_notify_watchdog_ms();

    if (loop->conf.poll_ms > 0 &&
        uv_timer_start(&loop->poll, on_poll, loop->conf.poll_ms, loop->conf.poll_ms) < 0)
        return RELAY_E_IO;
    if (watchdog_ms > 0 && uv_timer_start(&loop->watchdog, on_watchdog, 0, watchdog_ms) < 0)
        return RELAY_E_IO;
    return 0;
}
