#include "relay/auth/backoff.h"

#include <stdlib.h>

void relay_backoff_done(struct relay_backoff *backoff)
{
    free(backoff->rows);
    *backoff = (struct relay_backoff){.n = 0};
}

void relay_backoff_fail(struct relay_backoff *backoff, size_t i, size_t n, int64_t now_ms)
{
    if (!backoff->rows) {
        backoff->rows = calloc(n, sizeof *backoff->rows);
        backoff->n = backoff->rows ? n : 0;
    }
    if (i >= backoff->n)
        return;

    struct relay_backoff_row *row = &backoff->rows[i];
    if (now_ms - row->last_ms >= RELAY_BACKOFF_FADE_MS)
        row->fails = 0;
    row->last_ms = now_ms;
    if (++row->fails < RELAY_BACKOFF_AFTER)
        return;
    unsigned doubled = row->fails - RELAY_BACKOFF_AFTER;
    int64_t wait_ms = doubled < 16 ? (int64_t)RELAY_BACKOFF_FIRST_MS << doubled : INT64_MAX;
    row->until_ms = now_ms + (wait_ms < RELAY_BACKOFF_MOST_MS ? wait_ms : RELAY_BACKOFF_MOST_MS);
}

bool relay_backoff_waits(const struct relay_backoff *backoff, size_t i, int64_t now_ms)
{
    return i < backoff->n && now_ms < backoff->rows[i].until_ms;
}
