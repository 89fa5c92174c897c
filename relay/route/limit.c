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

bool relay_bucket_take(struct relay_bucket *bucket, int64_t now_ms, uint32_t rate_per_s,
                       uint32_t burst)
{
    if (!rate_per_s)
        return true;
    bucket->spent = missing(bucket, now_ms, rate_per_s);
    bucket->filled_ms = now_ms;
    if (bucket->spent + 1000 > (uint64_t)burst * 1000)
        return false;
    bucket->spent += 1000;
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

int relay_sources_add(struct relay_sources *table, const char *source, unsigned max)
{
    struct relay_source **link = find(table, source);

    if (!*link) {
        size_t n = strlen(source) + 1;
        struct relay_source *entry = malloc(sizeof *entry + n);
        if (!entry)
            return RELAY_E_NOMEM;
        *entry = (struct relay_source){.unauth = 0};
        memcpy(entry->text, source, n);
        *link = entry;
        table->n++;
    }
    if ((*link)->unauth >= max)
        return RELAY_E_CONNS_UNAUTH;
    (*link)->unauth++;
    return 0;
}

void relay_sources_drop(struct relay_sources *table, const char *source)
{
    struct relay_source **link = find(table, source);
    struct relay_source *entry = *link;

    if (!entry || --entry->unauth)
        return;
    *link = entry->next_in_row;
    free(entry);
    table->n--;
}
