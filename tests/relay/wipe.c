/* The memory of this process, searched: what was a key is nowhere once its owner is gone. The
 * needles are kept with every octet turned, so that the search does not find itself. ts33180#5.11,
 * reliability I6, section 8.4 */
#define REALM_NOW_S INT64_C(1700000000) /* as SIM_UNIX_S */
#include "tests/dpp/realm.h"

#include <sys/uio.h>
#include <unistd.h>

#include "dpp/keys/field.h"
#include "dpp/seal/seal.h"
#include "relay/client/inside.h"
#include "relay/core/machine.h"
#include "tests/relay/client_site.h"

enum { NEEDLE = 16, PIECE = 1 << 20, TURN = 0xa5 };

struct needle {
    const char *name;
    uint8_t turned[NEEDLE];
};

static struct needle needle_of(const char *name, const uint8_t *secret)
{
    struct needle needle = {.name = name};

    for (size_t i = 0; i < NEEDLE; i++)
        needle.turned[i] = secret[i] ^ TURN;
    return needle;
}

static size_t count_in(const uint8_t *p, size_t n, const struct needle *needle)
{
    size_t found = 0;

    for (size_t at = 0; at + NEEDLE <= n; at++) {
        size_t i = 0;
        while (i < NEEDLE && (p[at + i] ^ TURN) == needle->turned[i])
            i++;
        found += i == NEEDLE;
    }
    return found;
}

/* How often the needle stands in memory that can be written; read through the kernel, so that freed
 * pieces are read like any other. */
static size_t count(const struct needle *needle)
{
    static uint8_t piece[PIECE + NEEDLE];
    FILE *maps = fopen("/proc/self/maps", "r");
    unsigned long from, to;
    char line[512], mode[8];
    size_t found = 0;

    assert_non_null(maps);
    while (fgets(line, sizeof(line), maps)) {
        /* what is larger is a sanitizer's shadow */
        if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) != 3 || mode[0] != 'r' ||
            mode[1] != 'w' || to - from > 1ul << 30)
            continue;
        for (unsigned long at = from; at < to; at += PIECE) {
            size_t n = to - at < sizeof(piece) ? to - at : sizeof(piece);
            struct iovec here = {piece, n}, there = {(void *)at, n};
            if ((uint8_t *)at < piece + sizeof(piece) && (uint8_t *)at + n > piece)
                continue; /* ourselves */
            ssize_t got = process_vm_readv(getpid(), &here, 1, &there, 1, 0);
            found += got > 0 ? count_in(piece, (size_t)got, needle) : 0;
            explicit_bzero(piece, sizeof(piece));
        }
    }
    fclose(maps);
    return found;
}

static void there(struct needle needle)
{
    if (count(&needle) == 0)
        fail_msg("%s is not found while it is in use: the search is blind", needle.name);
}

static void gone(struct needle needle)
{
    size_t found = count(&needle);

    if (found > 0)
        fail_msg("%s still stands in %zu places", needle.name, found);
}

/* A number of the RSK's own line functions, as BIGNUM holds it: the slope of the tangent at the
 * RSK, (3 x^2 - 3) / 2y, in Montgomery form, with the sign of the table. */
static struct needle table_of(const uint8_t rsk[DPP_SAKKE_POINT])
{
    uint8_t octets[DPP_FIELD_OCTETS];
    struct dpp_field f;
    struct needle needle;

    assert_int_equal(dpp_field_init(&f), 0);
    BIGNUM *x = dpp_field_new(&f), *y = dpp_field_new(&f);
    assert_true(dpp_field_load_point(&f, x, y, rsk));
    dpp_field_square(&f, x, x);
    dpp_field_sub(&f, x, f.set->one, x);
    dpp_field_mul(&f, x, x, f.set->three);
    dpp_field_add(&f, y, y, y);
    dpp_field_invert(&f, y, y, NULL);
    dpp_field_mul(&f, x, x, y);
    assert_int_equal(BN_bn2lebinpad(x, octets, sizeof(octets)), sizeof(octets));
    needle = needle_of("a number of the RSK's table", octets);
    OPENSSL_cleanse(octets, sizeof(octets));
    dpp_field_done(&f);
    return needle;
}

static struct realm realm;
static struct site site;

static void begin(void)
{
    int rc = dpp_keys_init(8 * DPP_RING_SET_OCTETS);

    assert_true(rc == 0 || rc == DPP_E_HEAP_UNLOCKED);
    realm_init(&realm, "kms.iops.example", NULL, 3);
}

/* The owner of the tables goes: no RSK, no SSK, no number of the tables is left. */
static void tables_go_with_their_owner(void **state)
{
    static struct dpp_kms_secrets secrets;
    struct dpp_kms_set set;
    struct needle needles[3];

    (void)state;
    begin();
    struct dpp_ring *ring = realm_ring("sip:alice@iops.example", &realm, 1, 0);
    realm_extract(&realm, "sip:alice@iops.example", dpp_ring_period(&realm.cert, REALM_NOW_S), &set,
                  &secrets);
    needles[0] = needle_of("the SSK", secrets.ssk);
    needles[1] = table_of(secrets.rsk);
    needles[2] = needle_of("the RSK", secrets.rsk + 1);
    OPENSSL_cleanse(&secrets, sizeof(secrets));
    there(needles[0]);
    there(needles[1]);
    dpp_ring_free(ring);
    for (size_t i = 0; i < 3; i++)
        gone(needles[i]);
}

/* `key erase`: the key leaves the store, and what was derived from it goes with its user. */
static void erased_keys_are_gone(void **state)
{
    uint8_t octets[DPP_KEY_OCTETS], dpck[DPP_KDF_OCTETS];
    struct dpp_store *store;
    struct dpp_key *key;
    struct dpp_seal seal;
    uint32_t id = dpp_role_make_id(DPP_ROLE_PCK, 77);

    (void)state;
    begin();
    for (size_t i = 0; i < sizeof(octets); i++)
        octets[i] = (uint8_t)(11 * i + 9);
    assert_int_equal(dpp_key_new(&key, id, octets, sizeof(octets), 0, 0), 0);
    struct needle pck = needle_of("the PCK", octets);
    assert_int_equal(dpp_kdf_dpck(octets, sizeof(octets), id, DPP_ALG_AES_128_GCM, dpck), NEEDLE);
    struct needle derived = needle_of("the DPCK", dpck);
    OPENSSL_cleanse(octets, sizeof(octets));
    OPENSSL_cleanse(dpck, sizeof(dpck));
    store = dpp_store_new(4);
    assert_non_null(store);
    assert_int_equal(dpp_store_add(store, key, "sip:alice@iops.example", "sip:bob@iops.example"),
                     0);
    assert_int_equal(dpp_seal_init(&seal, key, id, DPP_USE_ONE, DPP_ALG_AES_128_GCM), 0);
    there(pck);
    dpp_seal_done(&seal);
    gone(derived);
    assert_int_equal(dpp_store_remove(store, id), 0);
    gone(pck);
    dpp_store_free(store);
}

/* Sessions end: the CSK is gone from both ends, and the PCK with the client's store. */
static void session_keys_end_with_the_session(void **state)
{
    static struct dpp_mikey_replay *replay;
    struct relay_client_sds sds = {.to = KIT_BOB, .content_type = 1, .size = 5, .data = "hello"};
    size_t n;

    (void)state;
    begin();
    open_site(&site);
    sim_start(&site.sim);
    struct dpp_ring *relay_ring = realm_ring("sip:relay@iops.example", &realm, 1, 0);
    struct dpp_ring *rings[] = {realm_ring(KIT_ALICE, &realm, 1, 0),
                                realm_ring(KIT_BOB, &realm, 1, 0)};
    struct dpp_store *stores[] = {dpp_store_new(4), dpp_store_new(4)};
    replay = dpp_mikey_replay_new(64, DPP_MIKEY_WINDOW_S);
    site.sim.ring = relay_ring;
    struct person *alice = join(&site, KIT_ALICE,
                                (struct relay_client_conf){.ring = rings[0],
                                                           .keys = stores[0],
                                                           .mikey_replay = replay,
                                                           .mdsi = "sip:relay@iops.example"});
    (void)join(&site, KIT_BOB,
               (struct relay_client_conf){.ring = rings[1],
                                          .keys = stores[1],
                                          .mikey_replay = replay,
                                          .mdsi = "sip:relay@iops.example"});
    send(&site, alice, &sds);
    assert_non_null(alice->kit.client->csk);
    struct needle csk = needle_of("the CSK", dpp_key_octets(alice->kit.client->csk, &n));
    assert_int_equal(dpp_store_count(stores[1]), 1);
    struct needle pck = needle_of("the PCK", dpp_key_octets(dpp_store_at(stores[1], 0)->key, &n));
    there(csk);
    there(pck);
    sim_closed(&site.sim, alice->conn); /* the relay's end */
    kit_close(&alice->kit);
    gone(csk);
    there(pck);
    close_site(&site);
    dpp_store_free(stores[0]);
    dpp_store_free(stores[1]);
    gone(pck);
    dpp_ring_free(rings[0]);
    dpp_ring_free(rings[1]);
    dpp_ring_free(relay_ring);
    dpp_mikey_replay_free(replay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_go_with_their_owner),
        cmocka_unit_test(erased_keys_are_gone),
        cmocka_unit_test(session_keys_end_with_the_session),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
