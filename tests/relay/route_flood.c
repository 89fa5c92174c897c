/* route_flood.c - threat T36: names that were made to fall together cost no more than others. What
 * is counted is the work, in entries looked at when each name is found once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "relay/route/directory.h"
#include "relay/route/limit.h"
#include "relay/route/session.h"

enum { N = 100000 };

/* How name i is made. */
enum made { RANDOM, SEQUENTIAL, SAME_LOW_BITS, SAME_HIGH_BITS, MADE };

static uint64_t number(enum made made, uint64_t i)
{
    uint64_t z = (i + 1) * 0x9e3779b97f4a7c15;

    switch (made) {
    case SEQUENTIAL:
        return i;
    case SAME_LOW_BITS:
        return i << 32;
    case SAME_HIGH_BITS:
        return 0xffffffff00000000 | i << 7;
    default:
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
        z = (z ^ z >> 27) * 0x94d049bb133111eb;
        return z ^ z >> 31;
    }
}

static struct relay_hash key(void)
{
    static const uint8_t rnd[16] = {0x3a, 0xd1, 0x77, 0x08, 0xc4, 0x9e, 0x51, 0x2b,
                                    0x66, 0xf0, 0x1d, 0x83, 0xb9, 0x47, 0xee, 0x05};

    return relay_hash_key(rnd);
}

static uint64_t chain(uint64_t n)
{
    return n * (n + 1) / 2;
}

static uint64_t of_sessions(enum made made)
{
    static struct relay_session *all[N];
    struct relay_hash k = key();
    struct relay_sessions table;
    uint64_t work = 0;

    assert_int_equal(relay_sessions_init(&table, &k), 0);
    for (uint64_t i = 0; i < N; i++) {
        uint8_t rnd[16] = {0};
        uint64_t id = number(made, i);
        memcpy(rnd, &id, sizeof id);
        all[i] =
            relay_session_new(&table, NULL, rnd, msrp_str_of("msrps://c.invalid:1/s;tcp"), "", "");
        assert_non_null(all[i]);
    }
    for (size_t r = 0; r < table.rows_n; r++) {
        uint64_t n = 0;
        for (const struct relay_session *s = table.rows[r]; s; s = s->next_in_row)
            n++;
        work += chain(n);
    }
    for (size_t i = 0; i < N; i++)
        relay_session_free(&table, all[i]);
    relay_sessions_done(&table);
    return work;
}

static uint64_t of_users(enum made made)
{
    struct relay_hash k = key();
    struct relay_directory dir;
    uint64_t work = 0;

    assert_int_equal(relay_directory_init(&dir, &k), 0);
    for (uint64_t i = 0; i < N; i++) {
        char user[64];
        snprintf(user, sizeof user, "sip:%016llx@x.example", (unsigned long long)number(made, i));
        assert_non_null(relay_directory_get(&dir, msrp_str_of(user)));
    }
    for (size_t r = 0; r < dir.rows_n; r++) {
        uint64_t n = 0;
        for (const struct relay_presence *p = dir.rows[r]; p; p = p->next_in_row)
            n++;
        work += chain(n);
    }
    relay_directory_done(&dir);
    return work;
}

static uint64_t of_sources(enum made made)
{
    struct relay_hash k = key();
    struct relay_sources table;
    uint64_t work = 0;

    assert_int_equal(relay_sources_init(&table, &k), 0);
    for (uint64_t i = 0; i < N; i++) {
        char source[64];
        uint64_t low = number(made, i);
        snprintf(source, sizeof source, "2001:db8::%llx:%llx:%llx:%llx",
                 (unsigned long long)(low >> 48), (unsigned long long)(low >> 32 & 0xffff),
                 (unsigned long long)(low >> 16 & 0xffff), (unsigned long long)(low & 0xffff));
        assert_int_equal(relay_sources_add(&table, source, 1), 0);
    }
    for (size_t r = 0; r < table.rows_n; r++) {
        uint64_t n = 0;
        for (const struct relay_source *s = table.rows[r]; s; s = s->next_in_row)
            n++;
        work += chain(n);
    }
    relay_sources_done(&table);
    return work;
}

static void hash_flood(void **state)
{
    uint64_t (*const tables[])(enum made) = {of_sessions, of_users, of_sources};

    (void)state;
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
        uint64_t random = tables[t](RANDOM);
        for (enum made made = SEQUENTIAL; made < MADE; made++)
            assert_true(tables[t](made) <= 2 * random);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hash_flood),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
