#include "relay/core/disp.h"

#include <stdlib.h>
#include <string.h>

/* Names are shared by all records that name them; a sender's records hang on its name. */
struct relay_disp_name {
    struct relay_disp_name *next_in_row;
    struct relay_disp_record *oldest, *newest; /* sent by it */
    size_t refs;                               /* records that name it, either way */
    size_t sent;
    size_t n;
    char text[];
};

struct relay_disp {
    struct relay_hash key;
    uint32_t ttl_s, per_sender, all;
    struct relay_disp_record **rows; /* rows_n is a power of two */
    struct relay_disp_name **name_rows;
    size_t rows_n, name_rows_n, n, names_n;
    struct relay_disp_record *oldest, *newest;
};

enum { ROWS_FIRST = 64 };

struct relay_disp *relay_disp_new(const uint8_t rnd[16], uint32_t ttl_s, uint32_t per_sender,
                                  uint32_t all)
{
    struct relay_disp *disp = calloc(1, sizeof *disp);

    if (!disp)
        return NULL;
    disp->key = relay_hash_key(rnd);
    disp->ttl_s = ttl_s;
    disp->per_sender = per_sender ? per_sender : 1;
    disp->all = all ? all : 1;
    disp->rows_n = disp->name_rows_n = ROWS_FIRST;
    disp->rows = calloc(ROWS_FIRST, sizeof *disp->rows);
    disp->name_rows = calloc(ROWS_FIRST, sizeof *disp->name_rows);
    if (!disp->rows || !disp->name_rows) {
        relay_disp_free(disp);
        return NULL;
    }
    return disp;
}

void relay_disp_free(struct relay_disp *disp)
{
    if (!disp)
        return;
    while (disp->oldest)
        relay_disp_drop(disp, disp->oldest);
    free(disp->rows);
    free(disp->name_rows);
    free(disp);
}

/* --- names --- */

static struct relay_disp_name **name_row(const struct relay_disp *disp, struct msrp_str text)
{
    return &disp->name_rows[relay_hash_of(&disp->key, text.p, text.n) & (disp->name_rows_n - 1)];
}

static struct relay_disp_name *name_find(const struct relay_disp *disp, struct msrp_str text)
{
    struct relay_disp_name *name = *name_row(disp, text);

    while (name && (name->n != text.n || memcmp(name->text, text.p, text.n) != 0))
        name = name->next_in_row;
    return name;
}

/* Twice the rows; without memory the chains grow longer: slower, never wrong. */
static void names_grow(struct relay_disp *disp)
{
    size_t old_n = disp->name_rows_n;
    struct relay_disp_name **old = disp->name_rows;
    struct relay_disp_name **rows = calloc(old_n * 2, sizeof(struct relay_disp_name *));

    if (!rows)
        return;
    disp->name_rows = rows;
    disp->name_rows_n = old_n * 2;
    for (size_t i = 0; i < old_n; i++) {
        struct relay_disp_name *name = old[i];
        while (name) {
            struct relay_disp_name *next = name->next_in_row;
            struct relay_disp_name **row = name_row(disp, (struct msrp_str){name->text, name->n});
            name->next_in_row = *row;
            *row = name;
            name = next;
        }
    }
    free(old);
}

static struct relay_disp_name *name_ref(struct relay_disp *disp, struct msrp_str text)
{
    struct relay_disp_name *name = name_find(disp, text);

    if (!name) {
        name = calloc(1, sizeof *name + text.n + 1);
        if (!name)
            return NULL;
        name->n = text.n;
        if (text.n)
            memcpy(name->text, text.p, text.n);
        if (disp->names_n >= disp->name_rows_n)
            names_grow(disp);
        struct relay_disp_name **row = name_row(disp, text);
        name->next_in_row = *row;
        *row = name;
        disp->names_n++;
    }
    name->refs++;
    return name;
}

static void name_unref(struct relay_disp *disp, struct relay_disp_name *name)
{
    if (--name->refs > 0)
        return;
    struct relay_disp_name **at = name_row(disp, (struct msrp_str){name->text, name->n});
    while (*at != name)
        at = &(*at)->next_in_row;
    *at = name->next_in_row;
    disp->names_n--;
    free(name);
}

/* --- records --- */

static struct relay_disp_record **row_of(const struct relay_disp *disp, struct msrp_str sender,
                                         const uint8_t conversation[16], const uint8_t message[16])
{
    uint8_t ids[32 + 8];
    uint64_t of_sender = relay_hash_of(&disp->key, sender.p, sender.n);

    memcpy(ids, conversation, 16);
    memcpy(ids + 16, message, 16);
    memcpy(ids + 32, &of_sender, 8);
    return &disp->rows[relay_hash_of(&disp->key, ids, sizeof ids) & (disp->rows_n - 1)];
}

static struct relay_disp_record **row_of_record(const struct relay_disp *disp,
                                                const struct relay_disp_record *record)
{
    return row_of(disp, (struct msrp_str){record->sender->text, record->sender->n},
                  record->conversation, record->message);
}

static struct relay_disp_record *find(const struct relay_disp *disp,
                                      const struct relay_disp_key *key)
{
    struct relay_disp_record *r = *row_of(disp, key->sender, key->conversation, key->message);

    for (; r; r = r->next_in_row) {
        if (r->kind == key->kind && memcmp(r->conversation, key->conversation, 16) == 0 &&
            memcmp(r->message, key->message, 16) == 0 &&
            msrp_str_is_same((struct msrp_str){r->sender->text, r->sender->n}, key->sender) &&
            (key->kind == RELAY_DISP_SDS || msrp_str_is_same(relay_disp_target(r), key->target)))
            return r;
    }
    return NULL;
}

static void records_grow(struct relay_disp *disp)
{
    size_t old_n = disp->rows_n;
    struct relay_disp_record **old = disp->rows;
    struct relay_disp_record **rows = calloc(old_n * 2, sizeof(struct relay_disp_record *));

    if (!rows)
        return;
    disp->rows = rows;
    disp->rows_n = old_n * 2;
    for (size_t i = 0; i < old_n; i++) {
        struct relay_disp_record *r = old[i];
        while (r) {
            struct relay_disp_record *next = r->next_in_row;
            struct relay_disp_record **row = row_of_record(disp, r);
            r->next_in_row = *row;
            *row = r;
            r = next;
        }
    }
    free(old);
}

/* Open records stay: a message that is on its way points at them. */
static void drop_oldest(struct relay_disp *disp)
{
    struct relay_disp_record *r = disp->oldest;

    while (r && r->is_open)
        r = r->newer;
    if (r)
        relay_disp_drop(disp, r);
}

static void drop_oldest_of(struct relay_disp *disp, struct relay_disp_name *sender)
{
    struct relay_disp_record *r = sender->oldest;

    while (r && r->is_open)
        r = r->own_newer;
    if (r)
        relay_disp_drop(disp, r);
}

int relay_disp_add(struct relay_disp *disp, const struct relay_disp_key *key, bool is_group,
                   int64_t now_s, struct relay_disp_record **record)
{
    struct relay_disp_record *r;

    relay_disp_sweep(disp, now_s);
    r = find(disp, key);
    if (r) {
        *record = r;
        return r->is_open ? RELAY_DISP_OPEN : RELAY_DISP_DONE;
    }
    r = calloc(1, sizeof *r);
    if (!r)
        return RELAY_E_NOMEM;
    r->sender = name_ref(disp, key->sender);
    r->target = r->sender ? name_ref(disp, key->target) : NULL;
    if (!r->target) {
        if (r->sender)
            name_unref(disp, r->sender);
        free(r);
        return RELAY_E_NOMEM;
    }
    if (r->sender->sent >= disp->per_sender)
        drop_oldest_of(disp, r->sender);
    if (disp->n >= disp->all)
        drop_oldest(disp);
    if (disp->n >= disp->rows_n)
        records_grow(disp);
    memcpy(r->conversation, key->conversation, 16);
    memcpy(r->message, key->message, 16);
    r->kind = key->kind;
    r->is_group = is_group;
    r->is_open = true;
    r->at_s = now_s;

    struct relay_disp_record **row = row_of_record(disp, r);
    r->next_in_row = *row;
    *row = r;
    r->older = disp->newest;
    *(disp->newest ? &disp->newest->newer : &disp->oldest) = r;
    disp->newest = r;
    r->own_older = r->sender->newest;
    *(r->sender->newest ? &r->sender->newest->own_newer : &r->sender->oldest) = r;
    r->sender->newest = r;
    r->sender->sent++;
    disp->n++;
    *record = r;
    return RELAY_DISP_NEW;
}

const struct relay_disp_record *relay_disp_find(const struct relay_disp *disp,
                                                const struct relay_disp_key *key)
{
    return find(disp, key);
}

void relay_disp_close(struct relay_disp *disp, struct relay_disp_record *record,
                      const uint8_t digest[32])
{
    (void)disp;
    record->is_open = false;
    if (digest)
        memcpy(record->digest, digest, sizeof record->digest);
}

void relay_disp_drop(struct relay_disp *disp, struct relay_disp_record *r)
{
    struct relay_disp_record **at = row_of_record(disp, r);

    while (*at != r)
        at = &(*at)->next_in_row;
    *at = r->next_in_row;
    *(r->older ? &r->older->newer : &disp->oldest) = r->newer;
    *(r->newer ? &r->newer->older : &disp->newest) = r->older;
    *(r->own_older ? &r->own_older->own_newer : &r->sender->oldest) = r->own_newer;
    *(r->own_newer ? &r->own_newer->own_older : &r->sender->newest) = r->own_older;
    r->sender->sent--;
    disp->n--;
    name_unref(disp, r->target);
    name_unref(disp, r->sender);
    free(r);
}

void relay_disp_forget(struct relay_disp *disp, const struct relay_disp_key *key)
{
    struct relay_disp_record *r = find(disp, key);

    if (r && !r->is_open)
        relay_disp_drop(disp, r);
}

struct msrp_str relay_disp_target(const struct relay_disp_record *record)
{
    return (struct msrp_str){record->target->text, record->target->n};
}

void relay_disp_sweep(struct relay_disp *disp, int64_t now_s)
{
    struct relay_disp_record *r = disp->oldest;

    while (r && now_s - r->at_s >= (int64_t)disp->ttl_s) {
        struct relay_disp_record *next = r->newer;
        if (!r->is_open)
            relay_disp_drop(disp, r);
        r = next;
    }
}

size_t relay_disp_count(const struct relay_disp *disp)
{
    return disp->n;
}
