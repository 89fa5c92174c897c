/* work.c - what takes too long for the loop, on libuv's pool of threads. */
#include <openssl/crypto.h>
#include <stdlib.h>

#include "relay/auth/upload.h"
#include "relay/loop/street.h"

struct work {
    uv_work_t req;
    void *ctx;
    void (*run)(void *ctx);
    void (*done)(void *ctx);
};

static void on_run(uv_work_t *req)
{
    struct work *work = req->data;

    work->run(work->ctx);
    OPENSSL_thread_stop(); /* the thread stays; its random generators need not */
}

static void on_done(uv_work_t *req, int status)
{
    struct work *work = req->data;

    (void)status; /* nothing is ever cancelled */
    work->done(work->ctx);
    free(work);
}

int relay_loop_work(struct relay_loop *loop, void *ctx, void (*run)(void *ctx),
                    void (*done)(void *ctx))
{
    struct work *work = calloc(1, sizeof *work);

    if (!work)
        return RELAY_E_NOMEM;
    *work = (struct work){.ctx = ctx, .run = run, .done = done};
    work->req.data = work;
    (void)uv_queue_work(&loop->uv, &work->req, on_run, on_done); /* fails without a function only */
    return 0;
}

/* --- the ring: read by jobs, replaced by the loop; counted on the loop alone --- */

struct relay_street_ring {
    struct dpp_ring *ring;
    unsigned users;
};

void relay_work_drop(struct relay_street_ring *held)
{
    if (!held || --held->users)
        return;
    dpp_ring_free(held->ring);
    free(held);
}

int relay_loop_ring(struct relay_loop *loop, struct dpp_ring *ring)
{
    struct relay_street_ring *held = ring ? malloc(sizeof *held) : NULL;

    if (ring && !held)
        return RELAY_E_NOMEM;
    if (held)
        *held = (struct relay_street_ring){ring, 1};
    relay_work_drop(loop->ring);
    loop->ring = held;
    return 0;
}

const struct dpp_ring *relay_loop_ring_now(const struct relay_loop *loop)
{
    return loop->ring ? loop->ring->ring : NULL;
}

/* --- CSK uploads --- */

struct job {
    struct relay_loop *loop;
    struct relay_street_ring *ring; /* NULL: none */
    struct relay_upload *upload;
};

static void give_back(struct relay_loop *loop, struct relay_upload *upload)
{
    struct relay_in in = {.kind = RELAY_IN_UPLOADED, .now = relay_loop_now(loop), .upload = upload};

    relay_feed(loop->relay, &in);
}

static void run_upload(void *ctx)
{
    struct job *job = ctx;

    relay_upload_open(job->ring ? job->ring->ring : NULL, job->upload);
}

static void upload_done(void *ctx)
{
    struct job *job = ctx;

    relay_work_drop(job->ring);
    give_back(job->loop, job->upload);
    free(job);
}

void relay_work_upload(struct relay_loop *loop, struct relay_upload *upload)
{
    struct job *job = malloc(sizeof *job);

    if (job) {
        *job = (struct job){loop, loop->ring, upload};
        if (job->ring)
            job->ring->users++;
        if (relay_loop_work(loop, job, run_upload, upload_done) == 0)
            return;
        relay_work_drop(job->ring);
        free(job);
    }
    upload->err = RELAY_E_NOMEM;
    give_back(loop, upload);
}
