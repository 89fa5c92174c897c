#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "dpp/keys/store.h"
#include "dpp/seal/kdf.h"

#define ALICE "sip:alice@iops.example"
#define BOB   "sip:bob@iops.example"
#define CAROL "sip:carol@iops.example"
#define TEAM  "sip:team@iops.example"
#define CREW  "sip:crew@iops.example"

static int set_up(void **state)
{
    (void)state;
    return dpp_keys_init(0) == DPP_E_SECURE_HEAP;
}

static struct dpp_key *make(uint32_t id, uint8_t fill, int64_t from_s, int64_t to_s)
{
    struct dpp_key *key;
    uint8_t octets[16];

    memset(octets, fill, sizeof octets);
    assert_int_equal(dpp_key_new(&key, id, octets, sizeof octets, from_s, to_s), 0);
    return key;
}

static void test_add_find_remove(void **state)
{
    struct dpp_store *store = dpp_store_new(3);
    static const uint32_t ids[] = {0x20000002, 0x00000001, 0x10000003};

    (void)state;
    assert_non_null(store);
    assert_null(dpp_store_find(store, 1));
    for (int i = 0; i < 3; i++)
        assert_int_equal(dpp_store_add(store, make(ids[i], (uint8_t)i, 0, 0), ALICE, BOB), 0);
    assert_int_equal(dpp_store_count(store), 3);
    for (int i = 0; i < 3; i++) {
        const struct dpp_keyed *row = dpp_store_find(store, ids[i]);
        assert_non_null(row);
        assert_int_equal(dpp_key_id(row->key), ids[i]);
        assert_string_equal(row->owner, ALICE);
        assert_string_equal(row->peer, BOB);
    }
    for (size_t i = 1; i < 3; i++) /* sorted */
        assert_true(dpp_key_id(dpp_store_at(store, i - 1)->key) <
                    dpp_key_id(dpp_store_at(store, i)->key));
    assert_non_null(dpp_store_find_role(store, 0x20000002, DPP_ROLE_CSK));
    assert_null(dpp_store_find_role(store, 0x20000002, DPP_ROLE_PCK));

    struct dpp_key *more = make(0x10000009, 9, 0, 0), *twice = make(ids[0], 8, 0, 0);
    assert_int_equal(dpp_store_add(store, more, ALICE, BOB), DPP_E_KEY_FULL);
    assert_int_equal(dpp_store_add(store, twice, ALICE, BOB), DPP_E_KEY_TWICE);
    assert_int_equal(dpp_store_remove(store, ids[1]), 0);
    assert_int_equal(dpp_store_remove(store, ids[1]), DPP_E_KEY_ABSENT);
    assert_null(dpp_store_find(store, ids[1]));
    assert_non_null(dpp_store_find(store, ids[0]));
    assert_non_null(dpp_store_find(store, ids[2]));
    assert_int_equal(dpp_store_add(store, more, ALICE, NULL), 0);
    assert_string_equal(dpp_store_find(store, 0x10000009)->peer, "");
    dpp_key_free(twice);
    dpp_store_free(store);
    dpp_store_free(NULL);
}

static void test_caps(void **state)
{
    struct dpp_store *store = dpp_store_new(2);
    struct dpp_key *key = make(1, 1, 0, 0);
    char uri[DPP_URI_MAX + 2];

    (void)state;
    assert_null(dpp_store_new(0));
    assert_null(dpp_store_new(65536));
    memset(uri, 'a', sizeof uri);
    uri[DPP_URI_MAX + 1] = 0;
    assert_int_equal(dpp_store_add(store, key, uri, ""), DPP_E_LONG);
    assert_int_equal(dpp_store_add(store, key, "", uri), DPP_E_LONG);
    uri[DPP_URI_MAX] = 0;
    assert_int_equal(dpp_store_add(store, key, uri, uri), 0);
    assert_int_equal(strlen(dpp_store_at(store, 0)->owner), DPP_URI_MAX);
    dpp_store_free(store);
}

/* of several keys the one activated last, and only one that is usable now */
/* A copy is its own key; what is refused leaves nothing behind (LeakSanitizer looks). */
static void test_add_copy(void **state)
{
    struct dpp_store *from = dpp_store_new(2), *to = dpp_store_new(1);
    size_t n;

    (void)state;
    assert_int_equal(dpp_store_add(from, make(0x10000001, 1, 5, 9), ALICE, BOB), 0);
    assert_int_equal(dpp_store_add(from, make(0x10000002, 2, 0, 0), ALICE, CAROL), 0);
    assert_int_equal(dpp_store_add_copy(to, dpp_store_find(from, 0x10000001)), 0);
    assert_int_equal(dpp_store_add_copy(to, dpp_store_find(from, 0x10000001)), DPP_E_KEY_TWICE);
    assert_int_equal(dpp_store_add_copy(to, dpp_store_find(from, 0x10000002)), DPP_E_KEY_FULL);
    assert_int_equal(dpp_store_count(from), 2);
    dpp_store_free(from);
    const struct dpp_keyed *row = dpp_store_find(to, 0x10000001);
    assert_non_null(row);
    assert_string_equal(row->owner, ALICE);
    assert_string_equal(row->peer, BOB);
    assert_int_equal(dpp_key_activation_s(row->key), 5);
    assert_int_equal(dpp_key_expiry_s(row->key), 9);
    assert_int_equal(dpp_key_octets(row->key, &n)[15], 1);
    assert_int_equal(n, 16);
    dpp_store_free(to);
}

static void test_for(void **state)
{
    struct dpp_store *store = dpp_store_new(8);

    (void)state;
    assert_int_equal(dpp_store_add(store, make(0x10000001, 1, 100, 300), ALICE, BOB), 0);
    assert_int_equal(dpp_store_add(store, make(0x10000002, 2, 200, 400), ALICE, BOB), 0);
    assert_int_equal(dpp_store_add(store, make(0x10000003, 3, 0, 0), ALICE, CAROL), 0);
    assert_int_equal(dpp_store_add(store, make(0x20000004, 4, 0, 0), ALICE, ""), 0);

    assert_null(dpp_store_for(store, DPP_ROLE_PCK, ALICE, BOB, 99));
    assert_int_equal(dpp_key_id(dpp_store_for(store, DPP_ROLE_PCK, ALICE, BOB, 150)->key),
                     0x10000001);
    assert_int_equal(dpp_key_id(dpp_store_for(store, DPP_ROLE_PCK, ALICE, BOB, 250)->key),
                     0x10000002);
    assert_int_equal(dpp_key_id(dpp_store_for(store, DPP_ROLE_PCK, ALICE, BOB, 350)->key),
                     0x10000002);
    assert_null(dpp_store_for(store, DPP_ROLE_PCK, ALICE, BOB, 400));
    /* the other end's view, a pair without a key, a role without a key */
    assert_int_equal(dpp_key_id(dpp_store_for(store, DPP_ROLE_PCK, BOB, ALICE, 250)->key),
                     0x10000002);
    assert_null(dpp_store_for(store, DPP_ROLE_PCK, BOB, CAROL, 250));
    assert_null(dpp_store_for(store, DPP_ROLE_GMK, ALICE, BOB, 250));
    assert_int_equal(dpp_key_id(dpp_store_for(store, DPP_ROLE_CSK, ALICE, NULL, 250)->key),
                     0x20000004);
    assert_null(dpp_store_for(store, DPP_ROLE_CSK, BOB, NULL, 250));
    /* a GMK is the group's, whoever made it */
    assert_int_equal(dpp_store_add(store, make(0x00000005, 5, 0, 0), CAROL, TEAM), 0);
    assert_non_null(dpp_store_for(store, DPP_ROLE_GMK, ALICE, TEAM, 250));
    assert_non_null(dpp_store_for(store, DPP_ROLE_GMK, NULL, TEAM, 250));
    assert_null(dpp_store_for(store, DPP_ROLE_GMK, CAROL, CREW, 250));
    dpp_store_free(store);
}

/* ts33180#F.1.3; both readings of the DPPK-ID of group traffic are understood */
static void test_group(void **state)
{
    struct dpp_store *store = dpp_store_new(8);
    uint8_t octets[16];
    uint32_t guk_id;

    (void)state;
    memset(octets, 2, sizeof octets);
    assert_int_equal(dpp_store_add(store, make(0x00000011, 1, 0, 0), ALICE, CREW), 0);
    assert_int_equal(dpp_store_add(store, make(0x00000022, 2, 0, 0), ALICE, TEAM), 0);
    assert_int_equal(dpp_store_add(store, make(0x10000033, 3, 0, 0), ALICE, BOB), 0);
    assert_int_equal(dpp_kdf_guk_id(octets, sizeof octets, 0x22, BOB, &guk_id), 0);
    assert_int_not_equal(guk_id, 0x22);

    assert_string_equal(dpp_store_find_group(store, 0x22, TEAM, NULL)->peer, TEAM);
    assert_string_equal(dpp_store_find_group(store, 0x22, TEAM, BOB)->peer, TEAM);
    assert_string_equal(dpp_store_find_group(store, guk_id, TEAM, BOB)->peer, TEAM);
    assert_string_equal(dpp_store_find_group(store, guk_id, NULL, BOB)->peer, TEAM);
    assert_null(dpp_store_find_group(store, guk_id, TEAM, NULL));
    assert_null(dpp_store_find_group(store, guk_id, TEAM, CAROL)); /* another user's GUK-ID */
    assert_null(dpp_store_find_group(store, guk_id, CREW, BOB));   /* another group's key */
    assert_null(dpp_store_find_group(store, 0x22, CREW, BOB));
    assert_null(dpp_store_find_group(store, 0x10000033, NULL, BOB)); /* a PCK is no GMK */
    dpp_store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add_find_remove), cmocka_unit_test(test_caps),
        cmocka_unit_test(test_add_copy),        cmocka_unit_test(test_for),
        cmocka_unit_test(test_group),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
