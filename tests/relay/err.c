#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "relay/err.h"

static void test_rows(void **state)
{
    const struct relay_err_row *row, *other;
    size_t i, j;
    (void)state;

    for (i = 0; (row = relay_err_at(i)); i++) {
        assert_true(row->err <= -5000 && row->err > -8000);
        assert_true(row->name[0] && row->text[0] && row->label[0] && row->rows);
        assert_true(row->status == 0 || (row->status >= 200 && row->status <= 506));
        assert_ptr_equal(relay_err_row(row->err), row);
        assert_string_equal(relay_strerror(row->err), row->text);
        for (const char *c = row->label; *c; c++) /* a metric label's value, plain */
            assert_true((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '_');
        for (j = 0; j < i; j++) {
            other = relay_err_at(j);
            assert_int_not_equal(other->err, row->err);
            if (strcmp(other->label, row->label) == 0)
                fail_msg("two reasons with the label %s", row->label);
        }
    }
    assert_true(i >= 90); /* section 9 of the reliability contract */
    assert_null(relay_err_at(i));
    assert_null(relay_err_at(SIZE_MAX));
}

/* One row of each block, then numbers of nobody. */
static void test_blocks(void **state)
{
    (void)state;
    assert_string_equal(relay_err_row(MSRP_E_TID)->name, "TID");
    assert_string_equal(relay_err_row(DPP_E_SEALED)->name, "SEALED");
    assert_int_equal(relay_err_row(RELAY_E_JWS_SIG)->status, 401);
    assert_int_equal(relay_err_row(RELAY_E_IOPS_DOMAIN)->status, 403);
    assert_string_equal(relay_err_row(RELAY_E_IOPS_DOMAIN)->rows, "54");
    assert_string_equal(relay_err_row(0)->name, "UNKNOWN");
    assert_int_equal(relay_err_row(-1)->status, 400);
    assert_string_equal(relay_strerror(-7999), "unknown error");
}

/* profile 2.5: form, signature, time, issuer and audience are 401; scope, client, user and rule
 * 403; a key set is configuration and has no answer. */
static void test_auth_answers(void **state)
{
    const struct relay_err_row *row;
    (void)state;

    for (size_t i = 0; (row = relay_err_at(i)); i++) {
        if (row->err <= RELAY_E_JSON_SIZE && row->err >= RELAY_E_CLAIM_AUD)
            assert_int_equal(row->status, 401);
        if (row->err <= RELAY_E_CLAIM_SCOPE && row->err >= RELAY_E_REVOKED)
            assert_int_equal(row->status, 403);
        if (strncmp(row->label, "jwk_", 4) == 0)
            assert_int_equal(row->status, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_auth_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
