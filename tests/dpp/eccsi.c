#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <string.h>

#include "dpp/keys/eccsi.h"
#include "dpp/keys/key.h"
#include "tests/dpp/vector.h"

/* q and p of P-256 */
static const char q_hex[] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
static const char p_hex[] = "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff";

static cJSON *rfc;

/* A vector of the RFC, right-aligned in cap octets. */
static size_t vector(const char *name, uint8_t *out, size_t cap)
{
    const cJSON *v;

    cJSON_ArrayForEach(v, rfc)
    {
        if (strcmp(vector_text(v, "name"), name) == 0) {
            uint8_t octets[512];
            size_t n = vector_octets(v, "hex", octets, sizeof octets);
            size_t pad = cap == 32 && n < 32 ? 32 - n : 0;
            memset(out, 0, pad);
            memcpy(out + pad, octets, n);
            return n + pad;
        }
    }
    fail_msg("no vector %s", name);
    return 0;
}

struct values {
    uint8_t ksak[32], v[32], ssk[32], j[32];
    uint8_t kpak[65], pvt[65], sig[129], id[64], m[64];
    size_t id_n, m_n;
};

static void load(struct values *t)
{
    vector("eccsi.KSAK", t->ksak, 32);
    vector("eccsi.v", t->v, 32);
    vector("eccsi.SSK", t->ssk, 32);
    vector("eccsi.j", t->j, 32);
    vector("eccsi.KPAK", t->kpak, 65);
    vector("eccsi.PVT", t->pvt, 65);
    vector("eccsi.Sig", t->sig, 129);
    t->id_n = vector("eccsi.ID", t->id, 64);
    t->m_n = vector("eccsi.M", t->m, 64);
}

/* rfc6507#A: every value of the example, from the same inputs */
static void test_rfc(void **state)
{
    struct values t;
    struct dpp_eccsi *signer;
    uint8_t point[65], ssk[32], out[129], expected[65];

    (void)state;
    load(&t);
    assert_int_equal(dpp_eccsi_kpak(t.ksak, point), 0);
    assert_memory_equal(point, t.kpak, 65);
    assert_int_equal(dpp_eccsi_extract(t.ksak, t.kpak, t.id, t.id_n, t.v, ssk, point), 0);
    assert_memory_equal(point, t.pvt, 65);
    assert_memory_equal(ssk, t.ssk, 32); /* so HS is right: SSK = KSAK + HS * v */
    assert_int_equal(dpp_eccsi_kpak(t.j, point), 0);
    vector("eccsi.J", expected, 65);
    assert_memory_equal(point, expected, 65);
    assert_int_equal(dpp_eccsi_new(&signer, t.kpak, t.id, t.id_n, t.ssk, t.pvt), 0);
    assert_int_equal(dpp_eccsi_sign(signer, t.m, t.m_n, t.j, out), 0);
    dpp_eccsi_free(signer);
    assert_memory_equal(out, t.sig, 129); /* r, s (through HE), PVT */
    vector("eccsi.r", expected, 32);
    assert_memory_equal(out, expected, 32);
    vector("eccsi.s", expected, 32);
    assert_memory_equal(out + 32, expected, 32);
    assert_int_equal(dpp_eccsi_verify(t.kpak, t.id, t.id_n, t.m, t.m_n, t.sig), 0);
    /* HS and HE stand in the vectors as hashes of the concatenations written out */
    for (int i = 0; i < 2; i++) {
        uint8_t input[512], hash[32];
        size_t n = vector(i ? "eccsi.HE.hash_input" : "eccsi.HS.hash_input", input, sizeof input);
        vector(i ? "eccsi.HE" : "eccsi.HS", expected, 32);
        SHA256(input, n, hash);
        assert_memory_equal(hash, expected, 32);
    }
}

static int try(const struct values *t)
{
    return dpp_eccsi_verify(t->kpak, t->id, t->id_n, t->m, t->m_n, t->sig);
}

/* rfc6507#5.2.2: and r, s in 1..q-1 */
static void test_ranges(void **state)
{
    struct values t;

    (void)state;
    for (int part = 0; part < 2; part++) {
        load(&t);
        memset(t.sig + 32 * part, 0, 32);
        assert_int_equal(try(&t), DPP_E_ECCSI);
        vector_hex(q_hex, t.sig + 32 * part, 32);
        assert_int_equal(try(&t), DPP_E_ECCSI);
        memset(t.sig + 32 * part, 0xff, 32);
        assert_int_equal(try(&t), DPP_E_ECCSI);
        vector_hex(p_hex, t.sig + 32 * part, 32);
        assert_int_equal(try(&t), DPP_E_ECCSI);
    }
}

/* (r, q - s) is another good signature: known, and why a signature is never a name. */
static void test_malleable(void **state)
{
    struct values t;
    BIGNUM *q = NULL, *s = BN_new();

    (void)state;
    load(&t);
    BN_hex2bn(&q, q_hex);
    BN_bin2bn(t.sig + 32, 32, s);
    BN_sub(s, q, s);
    BN_bn2binpad(s, t.sig + 32, 32);
    BN_free(q);
    BN_free(s);
    assert_int_equal(try(&t), 0);
}

/* Every octet of signature, message, identity and KPAK matters. */
static void test_changes(void **state)
{
    struct values t;

    (void)state;
    load(&t);
    struct {
        uint8_t *p;
        size_t n;
    } parts[] = {{t.sig, 129}, {t.m, t.m_n}, {t.id, t.id_n}, {t.kpak, 65}};
    for (size_t i = 0; i < 4; i++) {
        for (size_t at = 0; at < parts[i].n; at++) {
            for (int bit = 0; bit < 2; bit++) {
                parts[i].p[at] ^= bit ? 0x80 : 1;
                assert_int_equal(try(&t), DPP_E_ECCSI);
                parts[i].p[at] ^= bit ? 0x80 : 1;
            }
        }
    }
    assert_int_equal(try(&t), 0);
    assert_int_equal(dpp_eccsi_verify(t.kpak, t.id, t.id_n - 1, t.m, t.m_n, t.sig), DPP_E_ECCSI);
    assert_int_equal(dpp_eccsi_verify(t.kpak, t.id, t.id_n, t.m, t.m_n - 1, t.sig), DPP_E_ECCSI);
}

/* The forms in which a point must not come; `good` is one on the curve. */
static void test_points(void **state)
{
    struct values t, bad;
    struct dpp_eccsi *signer;
    uint8_t forms[8][65];

    (void)state;
    load(&t);
    for (int i = 0; i < 8; i++)
        memcpy(forms[i], t.pvt, 65);
    memset(forms[0], 0, 65);     /* infinity is one octet 00 */
    memset(forms[1] + 1, 0, 64); /* 04 and (0, 0) */
    forms[2][0] = 0x02;          /* compressed */
    forms[3][0] = 0x03;
    forms[4][0] = 0x06 | (t.pvt[64] & 1); /* hybrid, its parity right */
    forms[5][64] ^= 1;                    /* not on the curve */
    vector_hex(p_hex, forms[6] + 1, 32);  /* x = p: 0 not reduced */
    memset(forms[7] + 33, 0xff, 32);      /* y > p */
    assert_int_equal(dpp_eccsi_check_point(t.pvt), 0);
    assert_int_equal(dpp_eccsi_check_point(t.kpak), 0);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(dpp_eccsi_check_point(forms[i]), DPP_E_ECCSI_POINT);
        bad = t;
        memcpy(bad.sig + 64, forms[i], 65);
        assert_int_equal(try(&bad), DPP_E_ECCSI);
        bad = t;
        memcpy(bad.kpak, forms[i], 65);
        assert_int_equal(try(&bad), DPP_E_ECCSI);
        assert_int_equal(dpp_eccsi_new(&signer, forms[i], t.id, t.id_n, t.ssk, t.pvt),
                         DPP_E_ECCSI_POINT);
        assert_null(signer);
        assert_int_equal(dpp_eccsi_new(&signer, t.kpak, t.id, t.id_n, t.ssk, forms[i]),
                         DPP_E_ECCSI_POINT);
    }
    assert_int_equal(ERR_peek_error(), 0); /* nothing left behind for whoever looks next */
}

/* rfc6507#5.1.2 */
static void test_pair(void **state)
{
    struct values t, bad;
    struct dpp_eccsi *signer;

    (void)state;
    load(&t);
    for (int i = 0; i < 6; i++) {
        bad = t;
        if (i == 0)
            bad.ssk[31] ^= 1;
        else if (i == 1)
            memset(bad.ssk, 0, 32);
        else if (i == 2)
            vector_hex(q_hex, bad.ssk, 32);
        else if (i == 3)
            bad.id[0] ^= 1;
        else if (i == 4)
            memcpy(bad.pvt, t.kpak, 65);
        else
            memcpy(bad.kpak, t.pvt, 65);
        assert_int_equal(dpp_eccsi_new(&signer, bad.kpak, bad.id, bad.id_n, bad.ssk, bad.pvt),
                         DPP_E_ECCSI_PAIR);
        assert_null(signer);
    }
}

/* Random octets that are no number in 1..q-1. */
static void test_retry(void **state)
{
    struct values t;
    struct dpp_eccsi *signer;
    uint8_t none[32] = {0}, order[32], ssk[32], point[65], out[129];

    (void)state;
    load(&t);
    vector_hex(q_hex, order, 32);
    assert_int_equal(dpp_eccsi_new(&signer, t.kpak, t.id, t.id_n, t.ssk, t.pvt), 0);
    for (int i = 0; i < 2; i++) {
        const uint8_t *bad = i ? order : none;
        assert_int_equal(dpp_eccsi_kpak(bad, point), DPP_E_RETRY);
        assert_int_equal(dpp_eccsi_extract(t.ksak, t.kpak, t.id, t.id_n, bad, ssk, point),
                         DPP_E_RETRY);
        assert_int_equal(dpp_eccsi_sign(signer, t.m, t.m_n, bad, out), DPP_E_RETRY);
    }
    order[31]--; /* q - 1 is good */
    assert_int_equal(dpp_eccsi_kpak(order, point), 0);
    assert_int_equal(dpp_eccsi_sign(signer, t.m, t.m_n, order, out), 0);
    assert_int_equal(dpp_eccsi_verify(t.kpak, t.id, t.id_n, t.m, t.m_n, out), 0);
    dpp_eccsi_free(signer);
    dpp_eccsi_free(NULL);
}

static void draw(uint8_t octets[32])
{
    assert_int_equal(RAND_priv_bytes(octets, 32), 1);
}

static void test_rounds(void **state)
{
    uint8_t ksak[32], v[32], j[32], ssk[32], kpak[65], pvt[65], id[32], msg[257], sig[129];
    struct dpp_eccsi *signer;

    (void)state;
    for (size_t i = 0; i < 200; i++) {
        draw(ksak);
        draw(v);
        draw(j);
        draw(id);
        RAND_bytes(msg, sizeof msg);
        assert_int_equal(dpp_eccsi_kpak(ksak, kpak), 0);
        assert_int_equal(dpp_eccsi_extract(ksak, kpak, id, 32, v, ssk, pvt), 0);
        assert_int_equal(dpp_eccsi_new(&signer, kpak, id, 32, ssk, pvt), 0);
        assert_int_equal(dpp_eccsi_sign(signer, msg, i, j, sig), 0);
        assert_int_equal(dpp_eccsi_verify(kpak, id, 32, msg, i, sig), 0);
        assert_int_equal(dpp_eccsi_verify(kpak, id, 32, msg, i + 1, sig), DPP_E_ECCSI);
        id[i % 32] ^= 1;
        assert_int_equal(dpp_eccsi_verify(kpak, id, 32, msg, i, sig), DPP_E_ECCSI);
        dpp_eccsi_free(signer);
    }
}

/* The signer of another implementer's messages is checked in tests/dpp/mikey.c; here his key sets.
 */
static void test_interop(void **state)
{
    cJSON *file = vector_interop();
    const cJSON *set;
    struct dpp_eccsi *signer;
    uint8_t kpak[65], id[32], ssk[32], pvt[65];
    int tried = 0;

    (void)state;
    if (!file)
        skip();
    const cJSON *mikey = cJSON_GetObjectItem(file, "mikey");
    vector_octets(cJSON_GetObjectItem(mikey, "kms_init"), "PubAuthKey", kpak, 65);
    cJSON_ArrayForEach(set, cJSON_GetObjectItem(mikey, "keyprov"))
    {
        vector_octets(set, "UserID", id, 32);
        vector_octets(set, "UserSigningKeySSK", ssk, 32);
        vector_octets(set, "UserPubTokenPVT", pvt, 65);
        assert_int_equal(dpp_eccsi_new(&signer, kpak, id, 32, ssk, pvt), 0);
        dpp_eccsi_free(signer);
        tried++;
    }
    assert_int_equal(tried, 2);
    cJSON_Delete(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc),     cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_changes), cmocka_unit_test(test_malleable),
        cmocka_unit_test(test_points),  cmocka_unit_test(test_pair),
        cmocka_unit_test(test_retry),   cmocka_unit_test(test_rounds),
        cmocka_unit_test(test_interop),
    };
    if (dpp_keys_init(0) == DPP_E_SECURE_HEAP)
        return 1;
    rfc = vector_file("tests/vectors/rfc.json");
    if (cJSON_IsObject(rfc))
        rfc = cJSON_GetObjectItem(rfc, "vectors");
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    return rc;
}
