#include "relay/route/directory.h"

#include <stdlib.h>
#include <string.h>

#include "relay/err.h"

enum { ROWS = 256 };

int relay_directory_init(struct relay_directory *dir, const struct relay_hash *key)
{
    *dir = (struct relay_directory){.key = *key, .rows_n = ROWS};
    dir->rows = calloc(dir->rows_n, sizeof(struct relay_presence *));
    return dir->rows ? 0 : RELAY_E_NOMEM;
}

void relay_directory_done(struct relay_directory *dir)
{
    for (size_t i = 0; dir->rows && i < dir->rows_n; i++) {
        while (dir->rows[i]) {
            struct relay_presence *presence = dir->rows[i];
            dir->rows[i] = presence->next_in_row;
            free(presence);
        }
    }
    free(dir->rows);
    *dir = (struct relay_directory){.rows_n = 0};
}

static struct relay_presence **row_of(const struct relay_directory *dir, struct msrp_str user)
{
    return &dir->rows[relay_hash_of(&dir->key, user.p, user.n) % dir->rows_n];
}

/* Twice the rows. Without memory the chains grow longer: slower, never wrong. */
static void grow(struct relay_directory *dir)
{
    struct relay_directory wide = {.key = dir->key, .rows_n = dir->rows_n * 2, .n = dir->n};

    wide.rows = calloc(wide.rows_n, sizeof(struct relay_presence *));
    if (!wide.rows)
        return;
    for (size_t i = 0; i < dir->rows_n; i++) {
        while (dir->rows[i]) {
            struct relay_presence *presence = dir->rows[i];
            dir->rows[i] = presence->next_in_row;
            struct relay_presence **row =
                row_of(&wide, (struct msrp_str){presence->user, presence->user_n});
            presence->next_in_row = *row;
            *row = presence;
        }
    }
    free(dir->rows);
    *dir = wide;
}

struct relay_presence *relay_directory_find(const struct relay_directory *dir, struct msrp_str user)
{
    struct relay_presence *presence = *row_of(dir, user);

    while (presence && !msrp_str_is_same((struct msrp_str){presence->user, presence->user_n}, user))
        presence = presence->next_in_row;
    return presence;
}

struct relay_presence *relay_directory_get(struct relay_directory *dir, struct msrp_str user)
{
    struct relay_presence *presence = relay_directory_find(dir, user);

    if (presence)
        return presence;
    presence = malloc(sizeof *presence + user.n + 1);
    if (!presence)
        return NULL;
    *presence = (struct relay_presence){.user_n = user.n};
    memcpy(presence->user, user.p, user.n);
    presence->user[user.n] = '\0';
    if (dir->n >= dir->rows_n)
        grow(dir);
    struct relay_presence **row = row_of(dir, user);
    presence->next_in_row = *row;
    *row = presence;
    dir->n++;
    return presence;
}

void relay_directory_sweep(struct relay_directory *dir, int64_t now_ms, uint32_t rate_per_s,
                           uint32_t deliveries_per_s)
{
    for (size_t i = 0; i < dir->rows_n; i++) {
        for (struct relay_presence **link = &dir->rows[i]; *link;) {
            struct relay_presence *presence = *link;
            if (presence->conns || !relay_bucket_is_full(&presence->messages, now_ms, rate_per_s) ||
                !relay_bucket_is_full(&presence->auths, now_ms, rate_per_s) ||
                !relay_bucket_is_full(&presence->uploads, now_ms, RELAY_UPLOADS_PER_S) ||
                (deliveries_per_s &&
                 !relay_bucket_is_full(&presence->deliveries, now_ms, deliveries_per_s))) {
                link = &presence->next_in_row;
                continue;
            }
            *link = presence->next_in_row;
            free(presence);
            dir->n--;
        }
    }
}
