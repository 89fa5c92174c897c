#include <signal.h>

#include "relay/loop/street.h"

static void on_stop(uv_signal_t *handle, int number)
{
    (void)number;
    relay_loop_stop(handle->data);
}

static void on_reload(uv_signal_t *handle, int number)
{
    struct relay_loop *loop = handle->data;

    (void)number;
    loop->counts.n[RELAY_LOOP_RELOADS]++;
    loop->hooks.reload(loop->hooks.ctx);
}

int relay_signal_start(struct relay_loop *loop)
{
    signal(SIGPIPE, SIG_IGN); /* a write to a closed peer is an error code, not the end of us */
    if (uv_signal_start(&loop->term, on_stop, SIGTERM) < 0 ||
        uv_signal_start(&loop->intr, on_stop, SIGINT) < 0 ||
        uv_signal_start(&loop->hup, on_reload, SIGHUP) < 0)
        return RELAY_E_IO;
    return 0;
}
