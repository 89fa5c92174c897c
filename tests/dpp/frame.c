#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "dpp/keys/role.h"
#include "dpp/seal/frame.h"

#define PCK_ID 0x10000001u
#define GMK_ID 0x00000abcu

/* Writes a frame with `body_n` sealed octets; returns its octets. */
static size_t put_frame(uint8_t *out, uint8_t type, uint8_t seq, uint32_t id, uint16_t body_n)
{
    struct dpp_frame f = {.type = type,
                          .seq = seq,
                          .alg = 1,
                          .sealed_n = body_n,
                          .payload_id = 0xcafe,
                          .dppk_id = id,
                          .time_s = 0x65f0c2a0};

    dpp_frame_print(&f, out);
    memset(out + DPP_FRAME_HEADER, 0xa5, body_n);
    return DPP_FRAME_HEADER + (size_t)body_n;
}

/* One message in the many-frame form. */
static size_t put_many(uint8_t *out, uint8_t count, uint32_t id, uint16_t body_n)
{
    size_t at = 2;

    out[0] = 0x03;
    out[1] = count;
    for (uint8_t i = 0; i < count; i++) {
        size_t n = put_frame(out + at + 3, 0x43, i, id, body_n);
        out[at] = 0x7a;
        out[at + 1] = (uint8_t)(n >> 8);
        out[at + 2] = (uint8_t)n;
        at += 3 + n;
    }
    return at;
}

/* Feeds all at once: the error, or what dpp_frame_end says. */
static int check(const uint8_t *p, size_t n, uint8_t tag, bool required, uint64_t *passed)
{
    struct dpp_frame_check c;

    dpp_frame_check_init(&c, tag, required);
    ssize_t rc = dpp_frame_feed(&c, p, n);
    *passed = dpp_frame_passed(&c);
    if (rc >= 0) {
        assert_int_equal(rc, *passed);
        assert_int_equal(dpp_frame_held(&c), n - (size_t)rc);
        return dpp_frame_end(&c);
    }
    assert_int_equal(dpp_frame_end(&c), rc);
    assert_int_equal(dpp_frame_feed(&c, p, n), rc); /* sticky */
    return (int)rc;
}

static void expect(const uint8_t *p, size_t n, uint8_t tag, bool required, int err, uint64_t passed)
{
    uint64_t got;

    assert_int_equal(check(p, n, tag, required, &got), err);
    assert_int_equal(got, passed);
}

static void test_header(void **state)
{
    struct dpp_frame f, g;
    uint8_t p[DPP_FRAME_HEADER];

    (void)state;
    memset(&f, 0, sizeof f);
    f = (struct dpp_frame){
        0xc3, 0x0b, 2, 0x99, 0xfffe, 0x01020304, 0xdeadbeef, 0xfedcba9876, "0123456789abcde"};
    dpp_frame_print(&f, p);
    assert_memory_equal(p, "\xc3\xfe\xdc\xba\x98\x76\x01\x02\x03\x04\x0b\x02", 12);
    assert_memory_equal(p + 12, "0123456789abcde", 16);
    assert_memory_equal(p + 28, "\xde\xad\xbe\xef\x99\xff\xfe", 7);
    assert_int_equal(dpp_frame_parse(&g, p, sizeof p), 0);
    assert_int_equal(g.type, f.type);
    assert_int_equal(g.seq, f.seq);
    assert_int_equal(g.alg, f.alg);
    assert_int_equal(g.iei, f.iei);
    assert_int_equal(g.sealed_n, f.sealed_n);
    assert_int_equal(g.payload_id, f.payload_id);
    assert_int_equal(g.dppk_id, f.dppk_id);
    assert_int_equal(g.time_s, f.time_s);
    assert_memory_equal(g.iv, f.iv, 16);
    for (size_t n = 0; n < sizeof p; n++)
        assert_int_equal(dpp_frame_parse(&g, p, n), DPP_E_FRAME_SHORT);
    p[0] = 0x83;
    assert_int_equal(dpp_frame_parse(&g, p, sizeof p), DPP_E_FRAME_TYPE);
    p[0] = 0x43;
    p[33] = 0;
    p[34] = 15;
    assert_int_equal(dpp_frame_parse(&g, p, sizeof p), DPP_E_FRAME_LENGTH);
    p[34] = 16;
    assert_int_equal(dpp_frame_parse(&g, p, sizeof p), 0);
    for (int alg = 0; alg < 256; alg++) {
        p[11] = (uint8_t)alg;
        assert_int_equal(dpp_frame_parse(&g, p, sizeof p),
                         alg == 1 || alg == 2 ? 0 : DPP_E_FRAME_ALGORITHM);
    }
}

/* profile section 4: nothing of a frame passes before its 35-octet header, then all of it does */
static void test_single_octet_by_octet(void **state)
{
    uint8_t p[128];
    struct dpp_frame_check c;

    (void)state;
    size_t n = put_frame(p, 0x43, 0, PCK_ID, 40);
    dpp_frame_check_init(&c, DPP_ROLE_PCK, true);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(dpp_frame_end(&c), DPP_E_FRAME_SHORT);
        ssize_t rc = dpp_frame_feed(&c, p + i, 1);
        assert_int_equal(rc, i + 1 < 35 ? 0 : i + 1);
        assert_int_equal(dpp_frame_held(&c), i + 1 < 35 ? i + 1 : 0);
    }
    assert_int_equal(dpp_frame_end(&c), 0);
    assert_int_equal(dpp_frame_feed(&c, p, 0), n);
    assert_int_equal(dpp_frame_feed(&c, p, 1), DPP_E_FRAME_LENGTH); /* octets after the end */
    assert_int_equal(dpp_frame_passed(&c), n);
    assert_int_equal(dpp_frame_end(&c), DPP_E_FRAME_LENGTH);
}

/* the plain head waits for the first frame's header too, and each frame for its own */
static void test_many_octet_by_octet(void **state)
{
    uint8_t p[512];
    struct dpp_frame_check c;
    size_t ie = 3 + 35 + 20, at;

    (void)state;
    size_t n = put_many(p, 3, GMK_ID, 20);
    assert_int_equal(n, 2 + 3 * ie);
    dpp_frame_check_init(&c, DPP_ROLE_GMK, true);
    for (size_t i = 1; i <= n; i++) {
        ssize_t rc = dpp_frame_feed(&c, p + i - 1, 1);
        size_t in_ie = i <= 2 ? 0 : (i - 2) % ie;
        size_t started = i <= 2 ? 0 : i - in_ie;
        at = in_ie >= 38 || (i > 2 && in_ie == 0) ? i : started == 2 ? 0 : started;
        assert_int_equal(rc, at);
        assert_int_equal(dpp_frame_held(&c), i - at);
        assert_true(dpp_frame_held(&c) <= DPP_FRAME_HELD_MAX);
    }
    assert_int_equal(dpp_frame_end(&c), 0);
}

static void test_forms_that_pass(void **state)
{
    static uint8_t p[1 << 18];
    size_t n;

    (void)state;
    n = put_frame(p, 0x43, 0, PCK_ID, 16);
    expect(p, n, DPP_ROLE_PCK, true, 0, n);
    n = put_frame(p, 0x43, 0, PCK_ID, 65535);
    expect(p, n, DPP_ROLE_PCK, true, 0, n);
    n = put_frame(p, 0x43, 0, GMK_ID, 17);
    expect(p, n, DPP_ROLE_GMK, false, 0, n);
    n = put_many(p, 1, PCK_ID, 16);
    expect(p, n, DPP_ROLE_PCK, true, 0, n);
    n = put_many(p, 2, PCK_ID, 65500); /* IEs of 65535 */
    expect(p, n, DPP_ROLE_PCK, true, 0, n);
    n = put_many(p, 255, GMK_ID, 16);
    expect(p, n, DPP_ROLE_GMK, true, 0, n);
}

/* profile section 8: an authenticated payload is carried untouched, 129 octets behind */
static void test_authenticated(void **state)
{
    uint8_t p[1024];
    size_t n;

    (void)state;
    n = put_frame(p, 0xc3, 0, PCK_ID, 30);
    memset(p + n, 0x11, 130);
    expect(p, n, DPP_ROLE_PCK, true, DPP_E_FRAME_SHORT, n);
    expect(p, n + 128, DPP_ROLE_PCK, true, DPP_E_FRAME_SHORT, n + 128);
    expect(p, n + 129, DPP_ROLE_PCK, true, 0, n + 129);
    expect(p, n + 130, DPP_ROLE_PCK, true, DPP_E_FRAME_LENGTH, n + 129);
    n = put_many(p, 2, PCK_ID, 30);
    p[0] = 0x83;
    memset(p + n, 0x11, 130);
    expect(p, n, DPP_ROLE_PCK, true, DPP_E_FRAME_SHORT, n);
    expect(p, n + 129, DPP_ROLE_PCK, true, 0, n + 129);
    expect(p, n + 130, DPP_ROLE_PCK, true, DPP_E_FRAME_LENGTH, n + 129);
    p[2 + 3] = 0xc3; /* inside an IE there is no room for a signature */
    expect(p, n + 129, DPP_ROLE_PCK, true, DPP_E_FRAME_TYPE, 0);
}

/* 403: a plain payload, an IE 0x78, or the wrong tag */
static void test_refused(void **state)
{
    static const uint8_t plain[] = {0x03, 0x01, 0x78, 0x00, 0x03, 0x01, 'h', 'i'};
    uint8_t p[512];
    size_t ie = 3 + 35 + 20, n;

    (void)state;
    expect(plain, sizeof plain, DPP_ROLE_PCK, true, DPP_E_FRAME_UNPROTECTED, 0);
    expect(plain, 4, DPP_ROLE_PCK, true, DPP_E_FRAME_SHORT, 0);
    expect(plain, 5, DPP_ROLE_PCK, true, DPP_E_FRAME_UNPROTECTED, 0);
    n = put_many(p, 2, PCK_ID, 20); /* the second IE is plain: what was good has passed */
    p[2 + ie] = 0x78;
    expect(p, n, DPP_ROLE_PCK, true, DPP_E_FRAME_UNPROTECTED, 2 + ie);
    for (uint32_t tag = 0; tag < 16; tag++) {
        n = put_frame(p, 0x43, 0, tag << 28 | 5, 20);
        expect(p, n, DPP_ROLE_PCK, true, tag == 1 ? 0 : DPP_E_FRAME_TAG, tag == 1 ? n : 0);
        expect(p, n, DPP_ROLE_GMK, true, tag == 0 ? 0 : DPP_E_FRAME_TAG, tag == 0 ? n : 0);
        expect(p, n, DPP_ROLE_PCK, false, tag == 1 ? 0 : DPP_E_FRAME_TAG, tag == 1 ? n : 0);
    }
}

/* 400: broken, wrong length, order or count */
static void test_broken(void **state)
{
    uint8_t p[1024] = {0};
    size_t ie = 3 + 35 + 20, n;
    uint64_t got;

    (void)state;
    expect(p, 0, DPP_ROLE_PCK, true, DPP_E_FRAME_SHORT, 0);
    for (int type = 0; type < 256; type++) {
        n = put_frame(p, (uint8_t)type, 0, PCK_ID, 20);
        int rc = check(p, n, DPP_ROLE_PCK, true, &got);
        if ((type & 0x7f) != 0x43 && (type & 0x7f) != 0x03)
            assert_int_equal(rc, DPP_E_FRAME_TYPE);
    }
    n = put_many(p, 1, PCK_ID, 20);
    p[1] = 0;
    expect(p, n, DPP_ROLE_PCK, true, DPP_E_FRAME_COUNT, 0);
    p[1] = 2;
    expect(p, n, DPP_ROLE_PCK, true, DPP_E_FRAME_SHORT, n); /* one frame lacks */
    n = put_many(p, 2, PCK_ID, 20);
    p[1] = 1;
    expect(p, n, DPP_ROLE_PCK, true, DPP_E_FRAME_LENGTH, 2 + ie); /* one frame too many */
    for (int iei = 0; iei < 256; iei++) {
        n = put_many(p, 1, PCK_ID, 20);
        p[2] = (uint8_t)iei;
        int rc = check(p, n, DPP_ROLE_PCK, true, &got);
        assert_int_equal(rc, iei == 0x7a   ? 0
                             : iei == 0x78 ? DPP_E_FRAME_UNPROTECTED
                                           : DPP_E_FRAME_TYPE);
    }
    for (int len = 0; len < 256; len++) {
        n = put_many(p, 1, PCK_ID, 20);
        p[4] = (uint8_t)len;
        expect(p, n, DPP_ROLE_PCK, true, len == 55 ? 0 : DPP_E_FRAME_LENGTH, len == 55 ? n : 0);
    }
    n = put_many(p, 1, PCK_ID, 20);
    p[2 + 3 + 11] = 3;
    expect(p, n, DPP_ROLE_PCK, true, DPP_E_FRAME_ALGORITHM, 0);
    n = put_many(p, 2, PCK_ID, 20);
    p[2 + ie + 3] = 0x41; /* the second is no DATA PAYLOAD */
    expect(p, n, DPP_ROLE_PCK, true, DPP_E_FRAME_TYPE, 2 + ie);
    p[2 + ie + 3] = 0x03; /* it is a plain one */
    expect(p, n, DPP_ROLE_PCK, true, DPP_E_FRAME_UNPROTECTED, 2 + ie);
    expect(p, n, DPP_ROLE_PCK, false, DPP_E_FRAME_UNPROTECTED, 2 + ie);
}

/* the frames of one message belong together */
static void test_order(void **state)
{
    uint8_t p[512];
    size_t ie = 3 + 35 + 20, second = 2 + ie + 3, n;

    (void)state;
    n = put_frame(p, 0x43, 1, PCK_ID, 20);
    expect(p, n, DPP_ROLE_PCK, true, DPP_E_FRAME_SEQUENCE, 0);
    n = put_many(p, 3, PCK_ID, 20);
    for (int seq = 0; seq < 256; seq++) {
        p[second + 10] = (uint8_t)seq;
        expect(p, n, DPP_ROLE_PCK, true, seq == 1 ? 0 : DPP_E_FRAME_SEQUENCE,
               seq == 1 ? n : 2 + ie);
    }
    p[second + 10] = 1;
    p[second + 9] ^= 1;
    expect(p, n, DPP_ROLE_PCK, true, DPP_E_FRAME_PAYLOAD_ID, 2 + ie);
    p[second + 9] ^= 1;
    p[second + 31] ^= 1;
    expect(p, n, DPP_ROLE_PCK, true, DPP_E_FRAME_KEY, 2 + ie);
    p[second + 31] ^= 1;
    p[second + 28] = 0;
    expect(p, n, DPP_ROLE_PCK, true, DPP_E_FRAME_TAG, 2 + ie);
}

/* protection allowed: plain IEs pass, counted and measured */
static void test_allowed(void **state)
{
    static const uint8_t plain[] = {0x03, 2, 0x78, 0, 3, 1, 'h', 'i', 0x78, 0, 1, 1, 0x78};
    static const uint8_t nothing[] = {0x03, 1, 0x78, 0, 0};
    struct dpp_frame_check c;
    uint8_t p[256];

    (void)state;
    expect(plain, 12, DPP_ROLE_PCK, false, 0, 12);
    expect(plain, 13, DPP_ROLE_PCK, false, DPP_E_FRAME_LENGTH, 12);
    expect(plain, 11, DPP_ROLE_PCK, false, DPP_E_FRAME_SHORT, 11);
    expect(nothing, 5, DPP_ROLE_PCK, false, DPP_E_FRAME_LENGTH, 0);
    dpp_frame_check_init(&c, DPP_ROLE_PCK, false);
    assert_int_equal(dpp_frame_feed(&c, plain, 4), 0);
    assert_int_equal(dpp_frame_feed(&c, plain + 4, 1), 5);
    /* a plain IE and a protected one: the protected one is still checked */
    memcpy(p, plain, 8);
    p[8] = 0x7a;
    p[9] = 0;
    p[10] = 35 + 20;
    put_frame(p + 11, 0x43, 1, PCK_ID, 20);
    expect(p, 11 + 55, DPP_ROLE_PCK, false, 0, 66);
    put_frame(p + 11, 0x43, 1, GMK_ID, 20);
    expect(p, 11 + 55, DPP_ROLE_PCK, false, DPP_E_FRAME_TAG, 8);
}

/* Every split of a good and of a bad message in two, and all of it in steps of 1..64: the same. */
static void test_every_split(void **state)
{
    uint8_t p[512];

    (void)state;
    for (int bad = 0; bad < 3; bad++) {
        size_t n = put_many(p, 4, PCK_ID, 21);
        uint64_t whole_passed;
        if (bad == 1)
            p[2 + 2 * (3 + 35 + 21) + 3 + 10] = 7;
        if (bad == 2)
            p[n++] = 0;
        int whole = check(p, n, DPP_ROLE_PCK, true, &whole_passed);
        assert_int_equal(whole, bad == 0   ? 0
                                : bad == 1 ? DPP_E_FRAME_SEQUENCE
                                           : DPP_E_FRAME_LENGTH);
        for (size_t cut = 0; cut <= n; cut++) {
            struct dpp_frame_check c;
            dpp_frame_check_init(&c, DPP_ROLE_PCK, true);
            ssize_t rc = dpp_frame_feed(&c, p, cut);
            assert_true(rc <= (ssize_t)cut);
            rc = dpp_frame_feed(&c, p + cut, n - cut);
            assert_int_equal(rc < 0 ? rc : dpp_frame_end(&c), whole);
            assert_int_equal(dpp_frame_passed(&c), whole_passed);
        }
        for (size_t step = 1; step <= 64; step++) {
            struct dpp_frame_check c;
            ssize_t rc = 0, before;
            dpp_frame_check_init(&c, DPP_ROLE_PCK, true);
            for (size_t at = 0; at < n && rc >= 0; at += step) {
                before = rc;
                rc = dpp_frame_feed(&c, p + at, n - at < step ? n - at : step);
                assert_true(rc < 0 || rc >= before);
            }
            assert_int_equal(rc < 0 ? rc : dpp_frame_end(&c), whole);
            assert_int_equal(dpp_frame_passed(&c), whole_passed);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header),
        cmocka_unit_test(test_single_octet_by_octet),
        cmocka_unit_test(test_many_octet_by_octet),
        cmocka_unit_test(test_forms_that_pass),
        cmocka_unit_test(test_authenticated),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_broken),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_allowed),
        cmocka_unit_test(test_every_split),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
