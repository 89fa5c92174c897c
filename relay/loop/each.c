#include "relay/loop/each.h"

#include <openssl/crypto.h>
#include <stdatomic.h>
#include <uv.h>

#include "relay/err.h"

enum { WORKERS = 4 }; /* the size of the pool, unless UV_THREADPOOL_SIZE says otherwise */

struct work {
    void (*one)(void *ctx, size_t i);
    void *ctx;
    size_t n;
    atomic_size_t next;
};

/* Each worker takes the next number until none is left. */
static void on_work(uv_work_t *request)
{
    struct work *work = request->data;
    size_t i;

    while ((i = atomic_fetch_add(&work->next, 1)) < work->n)
        work->one(work->ctx, i);
    /* the thread outlives the work; the random generators that OpenSSL keeps for it need not */
    OPENSSL_thread_stop();
}

static void on_done(uv_work_t *request, int status)
{
    (void)request;
    (void)status;
}

int relay_each_run(size_t n, void (*one)(void *ctx, size_t i), void *ctx)
{
    struct work work = {.one = one, .ctx = ctx, .n = n};
    uv_work_t requests[WORKERS];
    int started = 0;
    uv_loop_t loop;

    if (uv_loop_init(&loop) != 0)
        return RELAY_E_NOMEM;
    while (started < WORKERS && (size_t)started < n) {
        requests[started].data = &work;
        if (uv_queue_work(&loop, &requests[started], on_work, on_done) != 0)
            break;
        started++;
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    return started > 0 || n == 0 ? 0 : RELAY_E_NOMEM;
}
