/* resolve.c - names of peers become addresses.
 *
 * Not on libuv's threads: a lookup cannot be cancelled while it runs, libuv waits for its threads
 * at the end of the program, and jobs with keys wait behind them. This thread is left alone when
 * nobody wants its answer any more. */
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/loop/street.h"

/* What the thread holds; freed by whoever lets go last. */
struct task {
    pthread_mutex_t lock;
    unsigned refs;
    struct relay_resolve *owner; /* NULL: nobody waits */
    char *name;
    uint16_t port;
    struct relay_found found;
    char why[128];
};

/* What the loop holds. */
struct relay_resolve {
    uv_async_t async;
    struct task *task;
    void (*done)(void *ctx, const struct relay_found *found, const char *why);
    void *ctx;
};

static void let_go(struct task *task)
{
    unsigned left;

    pthread_mutex_lock(&task->lock);
    left = --task->refs;
    pthread_mutex_unlock(&task->lock);
    if (left > 0)
        return;
    pthread_mutex_destroy(&task->lock);
    free(task->name);
    free(task);
}

static void look_up(struct task *task)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    int err = getaddrinfo(task->name, NULL, &hints, &list);

    if (err != 0) {
        snprintf(task->why, sizeof task->why, "%s", gai_strerror(err));
        return;
    }
    for (const struct addrinfo *a = list; a && task->found.n < RELAY_STREET_ADDRESSES;
         a = a->ai_next) {
        union relay_sockaddr *to = &task->found.v[task->found.n];

        if (a->ai_addrlen > sizeof *to || (a->ai_family != AF_INET && a->ai_family != AF_INET6))
            continue;
        memcpy(to, a->ai_addr, a->ai_addrlen);
        if (a->ai_family == AF_INET)
            to->v4.sin_port = htons(task->port);
        else
            to->v6.sin6_port = htons(task->port);
        task->found.n++;
    }
    freeaddrinfo(list);
    snprintf(task->why, sizeof task->why, "it has no address");
}

static void *run(void *arg)
{
    struct task *task = arg;

    look_up(task);
    pthread_mutex_lock(&task->lock);
    if (task->owner)
        (void)uv_async_send(&task->owner->async);
    pthread_mutex_unlock(&task->lock);
    let_go(task);
    return NULL;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void relay_resolve_drop(struct relay_resolve *resolve)
{
    struct task *task;

    if (!resolve)
        return;
    task = resolve->task;
    pthread_mutex_lock(&task->lock);
    task->owner = NULL;
    pthread_mutex_unlock(&task->lock);
    let_go(task);
    uv_close((uv_handle_t *)&resolve->async, on_closed);
}

static void on_found(uv_async_t *async)
{
    struct relay_resolve *resolve = async->data;
    struct relay_found found;
    char why[128];

    /* the thread has let the answer go before it called */
    pthread_mutex_lock(&resolve->task->lock);
    found = resolve->task->found;
    memcpy(why, resolve->task->why, sizeof why);
    pthread_mutex_unlock(&resolve->task->lock);
    resolve->done(resolve->ctx, &found, why);
    relay_resolve_drop(resolve);
}

/* A thread that takes no signals and that nobody waits for. */
static int start_thread(struct task *task)
{
    pthread_attr_t attr;
    pthread_t thread;
    sigset_t all, old;
    int err;

    if (pthread_attr_init(&attr) != 0)
        return RELAY_E_NOMEM;
    (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    err = pthread_create(&thread, &attr, run, task);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attr);
    return err == 0 ? 0 : RELAY_E_NOMEM;
}

struct relay_resolve *relay_resolve_start(struct relay_loop *loop, const char *name, uint16_t port,
                                          void (*done)(void *ctx, const struct relay_found *found,
                                                       const char *why),
                                          void *ctx)
{
    struct relay_resolve *resolve = calloc(1, sizeof *resolve);
    struct task *task = calloc(1, sizeof *task);

    if (!resolve || !task || !(task->name = strdup(name)) ||
        pthread_mutex_init(&task->lock, NULL) != 0)
        goto no_memory;
    if (uv_async_init(&loop->uv, &resolve->async, on_found) < 0) {
        pthread_mutex_destroy(&task->lock);
        goto no_memory;
    }
    task->refs = 2;
    task->owner = resolve;
    task->port = port;
    resolve->async.data = resolve;
    resolve->task = task;
    resolve->done = done;
    resolve->ctx = ctx;
    if (start_thread(task) < 0) {
        let_go(task); /* the thread's part */
        relay_resolve_drop(resolve);
        return NULL;
    }
    return resolve;
no_memory:
    if (task)
        free(task->name);
    free(task);
    free(resolve);
    return NULL;
}
