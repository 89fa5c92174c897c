/* err.c - tests of msrp/err.c. */
#include "tests/msrp/test.h"

static const struct row {
    int err;
    int status;
    const char *name, *text, *label;
} rows[] = {
#define X(name, value, text, label, status, rows) {value, status, #name, text, label},
    MSRP_ERRORS(X)
#undef X
};

static void values_and_labels_are_unique(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_true(rows[i].err <= -5000 && rows[i].err > -6000);
        for (size_t k = i + 1; k < COUNT(rows); k++) {
            assert_int_not_equal(rows[i].err, rows[k].err);
            assert_string_not_equal(rows[i].label, rows[k].label);
            assert_string_not_equal(rows[i].text, rows[k].text);
        }
    }
}

static void rows_are_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_string_equal(msrp_strerror(rows[i].err), rows[i].text);
        assert_int_equal(msrp_err_status(rows[i].err), rows[i].status);
        assert_int_equal(msrp_err_is_fatal(rows[i].err), rows[i].err > -5100);
    }
    assert_string_equal(msrp_strerror(-1), "unknown error");
    assert_int_equal(msrp_err_status(-1), 400);
    assert_false(msrp_err_is_fatal(0));
    assert_false(msrp_err_is_fatal(-5000));
    assert_false(msrp_err_is_fatal(-7001));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_and_labels_are_unique),
        cmocka_unit_test(rows_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
