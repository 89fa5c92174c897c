/* cur.c - the cursors: bounds, the sticky first error, its offset. */
#include "dpp/cur.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "dpp/err.h"

static const uint8_t octets[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13};

static void test_reads_big_endian(void **state)
{
    struct dpp_cur c;
    uint8_t copy[1];

    (void)state;
    dpp_cur_init(&c, octets, sizeof octets);
    assert_int_equal(dpp_cur_u8(&c), 0x01);
    assert_int_equal(dpp_cur_u16(&c), 0x0203);
    assert_int_equal(dpp_cur_u32(&c), 0x04050607);
    assert_int_equal(dpp_cur_u40(&c), 0x08090a0b0c);
    assert_int_equal(dpp_cur_left(&c), 1);
    dpp_cur_copy(&c, copy, 1);
    assert_int_equal(copy[0], 13);
    assert_int_equal(dpp_cur_left(&c), 0);
    assert_non_null(dpp_cur_bytes(&c, 0));
    assert_int_equal(c.err, 0);
}

static void test_first_error_sticks(void **state)
{
    struct dpp_cur c;
    uint8_t copy[4] = {9, 9, 9, 9};

    (void)state;
    dpp_cur_init(&c, octets, 3);
    assert_int_equal(dpp_cur_u16(&c), 0x0102);
    assert_int_equal(dpp_cur_u32(&c), 0);
    assert_int_equal(c.err, DPP_E_TRUNCATED);
    assert_int_equal(c.err_at, 2);
    assert_int_equal(dpp_cur_u8(&c), 0); /* one octet is there, but the cursor has failed */
    assert_int_equal(c.at, 2);
    assert_int_equal(dpp_cur_left(&c), 0);
    assert_null(dpp_cur_bytes(&c, 0));
    assert_int_equal(dpp_cur_span(&c, 1).n, 0);
    dpp_cur_copy(&c, copy, 4);
    assert_int_equal(copy[0] | copy[1] | copy[2] | copy[3], 0);
    assert_int_equal(dpp_cur_fail(&c, DPP_E_IE), DPP_E_TRUNCATED);
    assert_int_equal(c.err_at, 2);
}

static void test_huge_length_does_not_wrap(void **state)
{
    struct dpp_cur c;

    (void)state;
    dpp_cur_init(&c, octets, sizeof octets);
    dpp_cur_u8(&c);
    assert_null(dpp_cur_bytes(&c, SIZE_MAX));
    assert_int_equal(c.err, DPP_E_TRUNCATED);
}

static void test_sub_counts_in_the_outer_buffer(void **state)
{
    struct dpp_cur c, sub, subsub;

    (void)state;
    dpp_cur_init(&c, octets, sizeof octets);
    dpp_cur_u16(&c);
    sub = dpp_cur_sub(&c, 4);
    assert_int_equal(c.at, 6);
    assert_int_equal(dpp_cur_u8(&sub), 3);
    subsub = dpp_cur_sub(&sub, 2);
    assert_int_equal(dpp_cur_u8(&subsub), 4);
    dpp_cur_u16(&subsub);
    assert_int_equal(subsub.err, DPP_E_TRUNCATED);
    assert_int_equal(subsub.err_at, 4);
    assert_int_equal(sub.err, 0);
    sub = dpp_cur_sub(&c, 8);
    assert_int_equal(c.err, DPP_E_TRUNCATED);
    assert_int_equal(sub.err, DPP_E_TRUNCATED);
    assert_int_equal(sub.err_at, 6);
    assert_int_equal(dpp_cur_left(&sub), 0);
}

static void test_empty_buffer(void **state)
{
    struct dpp_cur c;

    (void)state;
    dpp_cur_init(&c, NULL, 0);
    assert_int_equal(dpp_cur_left(&c), 0);
    assert_int_equal(dpp_cur_span(&c, 0).n, 0);
    assert_int_equal(c.err, 0);
    dpp_cur_u8(&c);
    assert_int_equal(c.err, DPP_E_TRUNCATED);
}

static void test_writes_what_it_reads(void **state)
{
    uint8_t buf[sizeof octets];
    struct dpp_out o;

    (void)state;
    dpp_cur_out(&o, buf, sizeof buf);
    dpp_cur_put_u8(&o, 0x01);
    dpp_cur_put_u16(&o, 0x0203);
    dpp_cur_put_u32(&o, 0x04050607);
    dpp_cur_put_u40(&o, 0xffffff08090a0b0c); /* the low 40 bits count */
    dpp_cur_put_str(&o, "\r");
    dpp_cur_put(&o, NULL, 0);
    assert_int_equal(o.err, 0);
    assert_int_equal(o.n, sizeof octets);
    assert_memory_equal(buf, octets, sizeof octets);
}

static void test_write_is_all_or_nothing(void **state)
{
    uint8_t buf[4] = {0xee, 0xee, 0xee, 0xee};
    struct dpp_out o;

    (void)state;
    dpp_cur_out(&o, buf, 3);
    dpp_cur_put_u16(&o, 0x0102);
    dpp_cur_put_u16(&o, 0x0304);
    assert_int_equal(o.err, DPP_E_SPACE);
    assert_int_equal(o.n, 2);
    dpp_cur_put_u8(&o, 5); /* would fit, but the error sticks */
    assert_int_equal(o.n, 2);
    assert_int_equal(buf[2], 0xee);
    assert_int_equal(buf[3], 0xee);
    assert_int_equal(dpp_cur_refuse(&o, DPP_E_VALUE), DPP_E_SPACE);
    dpp_cur_out(&o, buf, 3);
    assert_int_equal(dpp_cur_refuse(&o, DPP_E_VALUE), DPP_E_VALUE);
    dpp_cur_put_u8(&o, 1);
    assert_int_equal(o.n, 0);
}

static void test_error_table(void **state)
{
    static const int errs[] = {
#define X(name, value, text, label, status, rows) value,
        DPP_ERRORS(X)
#undef X
    };

    (void)state;
    for (size_t i = 0; i < sizeof errs / sizeof *errs; i++) {
        assert_in_range(-errs[i], 6001, 6999);
        assert_string_not_equal(dpp_strerror(errs[i]), "unknown error");
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(dpp_errname(errs[i]), dpp_errname(errs[j]));
    }
    assert_string_equal(dpp_errname(DPP_E_XML_DTD), "XML_DTD");
    assert_string_equal(dpp_strerror(DPP_E_XML_DTD), "the XML has a DOCTYPE");
    assert_string_equal(dpp_errname(0), "UNKNOWN");
    assert_string_equal(dpp_strerror(-5000), "unknown error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_big_endian),
        cmocka_unit_test(test_first_error_sticks),
        cmocka_unit_test(test_huge_length_does_not_wrap),
        cmocka_unit_test(test_sub_counts_in_the_outer_buffer),
        cmocka_unit_test(test_empty_buffer),
        cmocka_unit_test(test_writes_what_it_reads),
        cmocka_unit_test(test_write_is_all_or_nothing),
        cmocka_unit_test(test_error_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
