#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <string.h>

#include "dpp/keys/mikey.h"
#include "tests/dpp/vector.h"

/* A message under construction: octets of a payload chain, each `next` set when the one behind it
 * is added. Nothing in it is signed or sealed. */
struct build {
    uint8_t p[DPP_MIKEY_MAX + 64];
    size_t n, next; /* where the type of the next payload belongs */
};

static void add(struct build *b, uint8_t type, const char *hex, size_t fill)
{
    b->p[b->next] = type;
    if (type != 4) {
        b->next = b->n;
        b->p[b->n++] = 0;
    }
    b->n += vector_hex(hex, b->p + b->n, sizeof b->p - b->n);
    for (size_t i = 0; i < fill; i++)
        b->p[b->n++] = (uint8_t)(0xa0 + i);
}

static void begin(struct build *b, const char *map)
{
    memset(b, 0, sizeof *b);
    b->n = vector_hex("011a000110000001", b->p, 8);
    b->next = 2;
    b->n += vector_hex(map, b->p + 8, 256);
}

#define T_TYPE  5
#define ID_TYPE 14

/* HDR T RAND IDRi IDRr */
static void add_front(struct build *b)
{
    add(b, T_TYPE, "00ec898da800000000", 0);
    add(b, 11, "10", 16);
    add(b, ID_TYPE, "08010020", 32);
    add(b, ID_TYPE, "09010020", 32);
    add(b, ID_TYPE, "060100086b6d732e74657374", 0);
}

static void add_back(struct build *b)
{
    add(b, 26, "01020111", 273);
    add(b, 4, "2081", 129);
}

static int parse(const struct build *b, struct dpp_mikey *m)
{
    uint8_t *exact = malloc(b->n), out[DPP_MIKEY_MAX];

    memcpy(exact, b->p, b->n); /* so that the sanitizer sees a read past the end */
    int rc = dpp_mikey_parse(m, exact, b->n);
    if (rc == 0) {
        assert_int_equal(dpp_mikey_print(m, out, sizeof out), b->n);
        assert_memory_equal(out, b->p, b->n);
        assert_int_equal(dpp_mikey_print(m, out, b->n - 1), DPP_E_SPACE);
    }
    free(exact);
    return rc;
}

static void whole(struct build *b)
{
    begin(b, "0001");
    add_front(b);
    add_back(b);
}

static void test_fields(void **state)
{
    struct build b;
    struct dpp_mikey m;

    (void)state;
    begin(&b, "0102040001000000080df9bc3906a12aea");
    add_front(&b);
    add(&b, 10, "03000006000106010110", 0);
    add(&b, 21, "090003010203", 0);
    add(&b, 21, "070004aabbccdd", 0);
    add(&b, 26, "01020111", 273);
    add(&b, 21, "060002eeff", 0);
    add(&b, 4, "2081", 129);
    assert_int_equal(parse(&b, &m), 0);
    assert_int_equal(m.csb_id, 0x10000001);
    assert_int_equal(m.sets_n, 1);
    assert_int_equal(m.map_type, 2);
    assert_int_equal(m.map.n, 15);
    assert_int_equal(m.time_type, 0);
    assert_int_equal(m.ntp >> 32, 0xec898da8);
    assert_int_equal(m.rand.n, 16);
    assert_int_equal(m.id[DPP_MIKEY_UID_INITIATOR].n, 32);
    assert_int_equal(m.id[DPP_MIKEY_KMS_INITIATOR].n, 8);
    assert_null(m.id[DPP_MIKEY_INITIATOR].p);
    assert_int_equal(m.policy_no, 3);
    assert_int_equal(m.policy.n, 6);
    assert_int_equal(m.parameters.n, 4);
    assert_int_equal(m.to_self.n, 2);
    assert_int_equal(m.other_n, 1);
    assert_int_equal(m.signed_part.n, b.n - 129);
}

/* The three kinds of CS ID map, with none to eight entries. rfc3830#6.1.1, rfc6043#6.1.1 */
static void test_maps(void **state)
{
    static const struct {
        const char *hex; /* #CS, map type, map */
        int rc;
    } rows[] = {
        {"0001", 0},
        {"0000", 0},
        {"0002", 0}, /* seen in the field */
        {"0101", DPP_E_MIKEY_FORM},
        {"0003", DPP_E_MIKEY_FORM},
        {"0100010203040500000000", 0},
        {"0102060081070004010203040411223344", 0}, /* S, one policy, session data, SPI */
        {"0202060000000000070000000000", 0},
        {"02020600000000000700000000", DPP_E_MIKEY_FORM}, /* the next payload as its SPI length */
        {"0900", DPP_E_LONG},
    };
    struct build b;
    struct dpp_mikey m;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        begin(&b, rows[i].hex);
        add_front(&b);
        add_back(&b);
        assert_int_equal(parse(&b, &m), rows[i].rc);
    }
}

static void test_header(void **state)
{
    static const struct {
        size_t at;
        uint8_t octet;
    } rows[] = {{0, 0}, {0, 2}, {1, 25}, {1, 0}, {3, 0x81}, {3, 0}, {3, 2}};
    struct build b;
    struct dpp_mikey m;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        whole(&b);
        b.p[rows[i].at] = rows[i].octet;
        assert_int_equal(parse(&b, &m), DPP_E_MIKEY_HEADER);
    }
}

/* Payloads left out, doubled, unknown, or of a wrong length. */
static void test_payloads(void **state)
{
    static const struct row {
        uint8_t type;
        const char *hex;
        size_t fill;
    } parts[] = {
        {T_TYPE, "00ec898da800000000", 0}, {11, "10", 16},        {ID_TYPE, "08010020", 32},
        {ID_TYPE, "09010020", 32},         {26, "01020111", 273},
    };
    static const struct {
        struct row row;
        int rc;
    } extra[] = {
        {{T_TYPE, "00ec898da800000000", 0}, DPP_E_MIKEY_PAYLOAD},
        {{11, "10", 16}, DPP_E_MIKEY_PAYLOAD},
        {{26, "01020111", 273}, DPP_E_MIKEY_PAYLOAD},
        {{ID_TYPE, "08010020", 32}, DPP_E_MIKEY_PAYLOAD},
        {{ID_TYPE, "0a010020", 32}, DPP_E_MIKEY_PAYLOAD}, /* no such role */
        {{ID_TYPE, "03010020", 32}, DPP_E_MIKEY_PAYLOAD},
        {{ID_TYPE, "07010000", 0}, DPP_E_MIKEY_FORM},       /* nobody */
        {{ID_TYPE, "01010003610062", 0}, DPP_E_MIKEY_FORM}, /* a NUL */
        {{ID_TYPE, "01010003612062", 0}, DPP_E_MIKEY_FORM}, /* a space */
        {{ID_TYPE, "07010100", 256}, DPP_E_LONG},
        {{ID_TYPE, "0101000373697a", 0}, 0},
        {{1, "00", 16}, DPP_E_MIKEY_PAYLOAD}, /* KEMAC */
        {{0, "", 0}, DPP_E_MIKEY_PAYLOAD},
        {{10, "00000003000501", 0}, DPP_E_MIKEY_FORM}, /* a value that is not there */
        {{10, "00000000", 0}, 0},
        {{21, "07ffff", 0}, DPP_E_MIKEY_FORM},
        {{21, "070000", 0}, 0},
    };
    struct build b;
    struct dpp_mikey m;

    (void)state;
    for (size_t gone = 0; gone < 5; gone++) {
        begin(&b, "0001");
        for (size_t i = 0; i < 5; i++)
            if (i != gone)
                add(&b, parts[i].type, parts[i].hex, parts[i].fill);
        add(&b, 4, "2081", 129);
        assert_int_equal(parse(&b, &m), DPP_E_MIKEY_PAYLOAD);
    }
    for (size_t i = 0; i < sizeof extra / sizeof extra[0]; i++) {
        begin(&b, "0001");
        add_front(&b);
        add(&b, 26, "01020111", 273);
        add(&b, extra[i].row.type, extra[i].row.hex, extra[i].row.fill);
        add(&b, 4, "2081", 129);
        assert_int_equal(parse(&b, &m), extra[i].rc);
    }
    /* RAND of 15, T of another kind, SAKKE of another set, scheme or length */
    static const struct row odd[] = {{11, "0f", 15},
                                     {T_TYPE, "02ec898da800000000", 0},
                                     {26, "02020111", 273},
                                     {26, "01010111", 273},
                                     {26, "01020110", 272}};
    for (size_t i = 0; i < 5; i++) {
        begin(&b, "0001");
        add(&b, odd[i].type, odd[i].hex, odd[i].fill);
        add_front(&b);
        add_back(&b);
        assert_int_equal(parse(&b, &m), DPP_E_MIKEY_FORM);
    }
}

/* SIGN: type 2, length 129, last, and nothing behind it. */
static void test_sign(void **state)
{
    static const char *const heads[] = {"1081", "0081", "2020", "2080", "2082"};
    struct build b;
    struct dpp_mikey m;

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        begin(&b, "0001");
        add_front(&b);
        add(&b, 26, "01020111", 273);
        add(&b, 4, heads[i], 129);
        assert_int_equal(parse(&b, &m), DPP_E_MIKEY_FORM);
    }
    whole(&b);
    b.n++;
    assert_int_equal(parse(&b, &m), DPP_E_MIKEY_FORM);
    for (b.n -= 2; b.n > 0; b.n--) /* cut anywhere */
        assert_true(parse(&b, &m) < 0);
    assert_true(dpp_mikey_parse(&m, NULL, 0) < 0);
}

static void test_limits(void **state)
{
    struct build b;
    struct dpp_mikey m;

    (void)state;
    for (int n = 4; n <= 5; n++) {
        begin(&b, "0001");
        add_front(&b);
        for (int i = 0; i < n; i++)
            add(&b, 21, "080001", 1);
        add_back(&b);
        assert_int_equal(parse(&b, &m), n == 4 ? 0 : DPP_E_LONG);
    }
    for (size_t n = 0; n < 2; n++) { /* 8192 octets and one more */
        whole(&b);
        size_t rest = DPP_MIKEY_MAX - b.n - 4 + n;
        char head[8];
        snprintf(head, sizeof head, "08%04x", (unsigned)rest);
        begin(&b, "0001");
        add_front(&b);
        add(&b, 21, head, rest);
        add_back(&b);
        assert_int_equal(b.n, DPP_MIKEY_MAX + n);
        assert_int_equal(parse(&b, &m), n == 0 ? 0 : DPP_E_LONG);
    }
}

static void test_text(void **state)
{
    static const struct {
        const char *text;
        int n;
    } rows[] = {
        {"mikey ARoF", 3},
        {"ARoF", 3},
        {" \r\n\tmikey  ARoF\n", 3},
        {"ARo=", 2},
        {"AQ==", 1},
        {"", DPP_E_MIKEY_FORM},
        {"mikey", DPP_E_MIKEY_FORM},
        {"mikey ", DPP_E_MIKEY_FORM},
        {"ARo", DPP_E_MIKEY_FORM},
        {"A===", DPP_E_MIKEY_FORM},
        {"AR=F", DPP_E_MIKEY_FORM},
        {"AR-F", DPP_E_MIKEY_FORM},
        {"AR F", DPP_E_MIKEY_FORM},
        {"mikey ARoF\r\n ARoF\n", 6},
        {"mikey AR\noFA\tQ=\r\n=", 4},
        {"ARo=\n=", DPP_E_MIKEY_FORM},
        {"A=RF", DPP_E_MIKEY_FORM},
        {"=", DPP_E_MIKEY_FORM},
        {"Mikey ARoF", DPP_E_MIKEY_FORM},
        {"AQ==ARoF", DPP_E_MIKEY_FORM},
        {"ARoFARoFARoFARoF", DPP_E_SPACE},
    };
    uint8_t out[11];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ssize_t n = dpp_mikey_text(rows[i].text, strlen(rows[i].text), out, sizeof out);
        assert_int_equal(n, rows[i].n);
        if (n > 0)
            assert_memory_equal(out, "\x01\x1a\x05", n == 1 ? 1 : 2);
    }
    assert_int_equal(dpp_mikey_text("\x01\x1a\n", 3, out, sizeof out), 3); /* raw: untouched */
    assert_memory_equal(out, "\x01\x1a\n", 3);
    assert_int_equal(dpp_mikey_text("\x01\x1a\n", 3, out, 2), DPP_E_SPACE);
}

static void test_replay(void **state)
{
    struct dpp_mikey_replay *r = dpp_mikey_replay_new(3, 80);
    uint8_t digest[32] = {0};

    (void)state;
    for (uint8_t i = 0; i < 3; i++) {
        digest[31] = i;
        assert_int_equal(dpp_mikey_replay_ask(r, digest, 1000), 0);
        assert_int_equal(dpp_mikey_replay_ask(r, digest, 1000), 0); /* asking is not telling */
        assert_int_equal(dpp_mikey_replay_add(r, digest, 1000 + i, 1000), 0);
        assert_int_equal(dpp_mikey_replay_ask(r, digest, 1000), DPP_E_MIKEY_REPLAY);
        assert_int_equal(dpp_mikey_replay_add(r, digest, 1000 + i, 1000), DPP_E_MIKEY_REPLAY);
    }
    digest[31] = 9; /* full: nothing of the last eighth is forgotten */
    assert_int_equal(dpp_mikey_replay_ask(r, digest, 1010), DPP_E_MIKEY_REPLAY_FULL);
    assert_int_equal(dpp_mikey_replay_add(r, digest, 1010, 1010), DPP_E_MIKEY_REPLAY_FULL);
    assert_int_equal(dpp_mikey_replay_add(r, digest, 1011, 1011), 0); /* 1000 is out of it */
    digest[31] = 1;
    assert_int_equal(dpp_mikey_replay_ask(r, digest, 1011), DPP_E_MIKEY_REPLAY);
    digest[31] = 0; /* forgotten, but not accepted again */
    assert_int_equal(dpp_mikey_replay_add(r, digest, 1000, 1015), DPP_E_MIKEY_TIME);
    dpp_mikey_replay_free(r);
    dpp_mikey_replay_free(NULL);
    assert_null(dpp_mikey_replay_new(SIZE_MAX / 8, 1));
}

/* Many honest messages narrow the window: whoever is new and in time always gets in, and nothing
 * that was seen gets in again. */
static void test_replay_crowd(void **state)
{
    enum { CAP = 64, SEEN = 2000 };
    struct dpp_mikey_replay *r = dpp_mikey_replay_new(CAP, 3600);
    uint8_t digest[32] = {0};

    (void)state;
    for (uint32_t i = 0; i < SEEN; i++) { /* one in eight seconds: 450 within an hour */
        int64_t now_s = 100000 + 8 * (int64_t)i;
        memcpy(digest, &i, sizeof i);
        assert_int_equal(dpp_mikey_replay_ask(r, digest, now_s), 0);
        assert_int_equal(dpp_mikey_replay_add(r, digest, now_s, now_s), 0);
        for (uint32_t back = i < 450 ? 0 : i - 450; back <= i; back += 7) {
            memcpy(digest, &back, sizeof back);
            int rc = dpp_mikey_replay_add(r, digest, 100000 + 8 * (int64_t)back, now_s);
            assert_true(rc == DPP_E_MIKEY_REPLAY || rc == DPP_E_MIKEY_TIME);
        }
    }
    dpp_mikey_replay_free(r);
}

/* rfc3830#4.1.2: keys of more than 256 bits are split and the results XORed; the output is the
 * beginning of any longer one. */
static void test_prf(void **state)
{
    uint8_t key[64], one[40], two[40], both[40], rand[16] = {7};

    (void)state;
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)i;
    assert_int_equal(dpp_mikey_prf(key, 32, 1, 2, 3, rand, 16, one, 40), 0);
    assert_int_equal(dpp_mikey_prf(key + 32, 32, 1, 2, 3, rand, 16, two, 40), 0);
    assert_int_equal(dpp_mikey_prf(key, 64, 1, 2, 3, rand, 16, both, 40), 0);
    for (size_t i = 0; i < 40; i++)
        assert_int_equal(both[i], one[i] ^ two[i]);
    assert_int_equal(dpp_mikey_prf(key, 32, 1, 2, 3, rand, 16, two, 33), 0);
    assert_memory_equal(two, one, 33);
    assert_int_equal(dpp_mikey_prf(key, 0, 1, 2, 3, rand, 16, two, 33), DPP_E_LONG);
    assert_int_equal(dpp_mikey_prf(key, 16, 1, 2, 3, rand, 256, two, 33), DPP_E_LONG);
}

static void test_interop_prf(void **state)
{
    cJSON *file = vector_interop();
    const cJSON *v;
    int tried = 0;

    (void)state;
    if (!file)
        skip();
    cJSON_ArrayForEach(v, cJSON_GetObjectItem(file, "mikey_prf_srtp"))
    {
        uint8_t tgk[32], rand[32], expected[16], out[16];
        size_t tgk_n = vector_octets(v, "key", tgk, sizeof tgk);
        size_t rand_n = vector_octets(v, "rand", rand, sizeof rand);
        uint8_t cs_id = (uint8_t)vector_number(v, "cs_id");
        vector_octets(v, "master_key", expected, 16);
        assert_int_equal(dpp_mikey_prf(tgk, tgk_n, vector_id(v, "label_const"), cs_id,
                                       vector_id(v, "csb_id"), rand, rand_n, out, 16),
                         0);
        assert_memory_equal(out, expected, 16);
        vector_octets(v, "master_salt", expected, 16);
        assert_int_equal(dpp_mikey_prf(tgk, tgk_n, 0x39a2c14b, cs_id, vector_id(v, "csb_id"), rand,
                                       rand_n, out, 12),
                         0);
        assert_memory_equal(out, expected, 12);
        tried++;
    }
    assert_int_equal(tried, 7);
    cJSON_Delete(file);
}

/* Another implementer's messages: read as text, printed octet by octet. */
static void test_interop_print(void **state)
{
    cJSON *file = vector_interop();
    const cJSON *v;
    int tried = 0;

    (void)state;
    if (!file)
        skip();
    cJSON_ArrayForEach(v, cJSON_GetObjectItem(cJSON_GetObjectItem(file, "mikey"), "messages"))
    {
        struct build b = {0};
        struct dpp_mikey m;
        uint8_t rand[16];
        const char *text = vector_text(v, "i_message_b64");
        b.n = (size_t)dpp_mikey_text(text, strlen(text), b.p, sizeof b.p);
        assert_int_equal(b.n, vector_number(v, "total"));
        assert_int_equal(parse(&b, &m), 0);
        assert_int_equal(m.csb_id, vector_id(v, "csb_id"));
        assert_int_equal(m.signed_part.n, vector_number(v, "signed_octets"));
        vector_octets(v, "rand", rand, 16);
        assert_int_equal(m.rand.n, 16);
        tried++;
    }
    assert_int_equal(tried, 2);
    cJSON_Delete(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),       cmocka_unit_test(test_maps),
        cmocka_unit_test(test_header),       cmocka_unit_test(test_payloads),
        cmocka_unit_test(test_sign),         cmocka_unit_test(test_limits),
        cmocka_unit_test(test_text),         cmocka_unit_test(test_replay),
        cmocka_unit_test(test_replay_crowd), cmocka_unit_test(test_prf),
        cmocka_unit_test(test_interop_prf),  cmocka_unit_test(test_interop_print),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
