#include "relay/route/limit.h"

#include <stdlib.h>
#include <string.h>

#include "relay/err.h"

enum { SOURCE_ROWS = 1024 };

/* What is still missing at now_ms, in thousandths. */
static uint64_t missing(const struct relay_bucket *bucket, int64_t now_ms, uint32_t rate_per_s)
{
    int64_t gone_ms = now_ms > bucket->filled_ms ? now_ms - bucket->filled_ms : 0;

    /* one token a second is one thousandth a millisecond; capped, so that the product fits */
    uint64_t refilled = (uint64_t)(gone_ms < INT32_MAX ? gone_ms : INT32_MAX) * rate_per_s;
    return refilled < bucket->spent ? bucket->spent - refilled : 0;
}

bool relay_bucket_is_open(const struct relay_bucket *bucket, int64_t now_ms, uint32_t rate_per_s,
                          uint32_t burst)
{
    return !rate_per_s || missing(bucket, now_ms, rate_per_s) + 1000 <= (uint64_t)burst * 1000;
}

void relay_bucket_spend(struct relay_bucket *bucket, int64_t now_ms, uint32_t rate_per_s,
                        uint32_t n)
{
    bucket->spent = missing(bucket, now_ms, rate_per_s) + (uint64_t)n * 1000;
    bucket->filled_ms = now_ms;
}

bool relay_bucket_take(struct relay_bucket *bucket, int64_t now_ms, uint32_t rate_per_s,
                       uint32_t burst)
{
    if (!relay_bucket_is_open(bucket, now_ms, rate_per_s, burst))
        return false;
    if (rate_per_s)
        relay_bucket_spend(bucket, now_ms, rate_per_s, 1);
    return true;
}

bool relay_bucket_is_full(const struct relay_bucket *bucket, int64_t now_ms, uint32_t rate_per_s)
{
    return !missing(bucket, now_ms, rate_per_s);
}

int relay_sources_init(struct relay_sources *table, const struct relay_hash *key)
{
    *table = (struct relay_sources){.key = *key, .rows_n = SOURCE_ROWS};
    table->rows = calloc(table->rows_n, sizeof(struct relay_source *));
    return table->rows ? 0 : RELAY_E_NOMEM;
}

void relay_sources_done(struct relay_sources *table)
{
    for (size_t i = 0; table->rows && i < table->rows_n; i++) {
        while (table->rows[i]) {
            struct relay_source *source = table->rows[i];
            table->rows[i] = source->next_in_row;
            free(source);
        }
    }
    free(table->rows);
    *table = (struct relay_sources){.rows_n = 0};
}

/* The link that points to the entry, or to where it would be appended. */
static struct relay_source **find(struct relay_sources *table, const char *source)
{
    uint64_t hash = relay_hash_of(&table->key, source, strlen(source));
    struct relay_source **link = &table->rows[hash % table->rows_n];

    while (*link && strcmp((*link)->text, source) != 0)
        link = &(*link)->next_in_row;
    return link;
}

/* The same, made when it is not there; NULL without memory. */
static struct relay_source *get(struct relay_sources *table, const char *source)
{
    struct relay_source **link = find(table, source);
    size_t n = strlen(source) + 1;

    if (*link)
        return *link;
    struct relay_source *entry = malloc(sizeof *entry + n);
    if (!entry)
        return NULL;
    *entry = (struct relay_source){.unauth = 0};
    memcpy(entry->text, source, n);
    *link = entry;
    table->n++;
    return entry;
}

/* Takes the entry away when it tells nothing any more. */
static void drop_empty(struct relay_sources *table, struct relay_source **link)
{
    struct relay_source *entry = *link;

    if (entry->unauth || entry->fails)
        return;
    *link = entry->next_in_row;
    free(entry);
    table->n--;
}

int relay_sources_add(struct relay_sources *table, const char *source, unsigned max)
{
    struct relay_source *entry = get(table, source);

    if (!entry)
        return RELAY_E_NOMEM;
    if (entry->unauth >= max)
        return RELAY_E_CONNS_UNAUTH;
    entry->unauth++;
    return 0;
}

void relay_sources_drop(struct relay_sources *table, const char *source)
{
    struct relay_source **link = find(table, source);

    if (!*link || !(*link)->unauth)
        return;
    (*link)->unauth--;
    drop_empty(table, link);
}

static bool is_past(const struct relay_source *entry, int64_t now_ms, uint32_t window_ms)
{
    return now_ms - entry->fails_ms >= (int64_t)window_ms;
}

bool relay_sources_fail(struct relay_sources *table, const char *source, int64_t now_ms,
                        unsigned max, uint32_t window_ms)
{
    struct relay_source *entry = get(table, source);

    if (!entry)
        return true;
    table->failed += !entry->fails;
    if (!entry->fails || is_past(entry, now_ms, window_ms)) {
        entry->fails = 0;
        entry->fails_ms = now_ms;
    }
    return ++entry->fails >= max;
}

void relay_sources_sweep(struct relay_sources *table, int64_t now_ms, uint32_t window_ms)
{
    for (size_t i = 0; table->failed && i < table->rows_n; i++) {
        for (struct relay_source **link = &table->rows[i]; *link;) {
            struct relay_source *entry = *link;
            if (entry->fails && is_past(entry, now_ms, window_ms)) {
                entry->fails = 0;
                table->failed--;
                drop_empty(table, link);
            }
            if (*link == entry)
                link = &entry->next_in_row;
        }
    }
}
