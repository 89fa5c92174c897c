#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dpp/err.h"
#include "dpp/keys/role.h"

/* ts33180#G: tags 0 to 6, the rest is not defined */
static void test_tags(void **state)
{
    static const char *const names[] = {"gmk", "pck", "csk", "spk", "mkfc", "mscck", "musik"};

    (void)state;
    for (uint32_t tag = 0; tag < 16; tag++) {
        uint32_t id = tag << 28 | 0x0badcafe;
        if (tag < 7) {
            assert_int_equal(dpp_role_of_id(id), tag);
            assert_string_equal(dpp_role_name((int)tag), names[tag]);
            assert_int_equal(dpp_role_parse(names[tag]), tag);
        } else {
            assert_int_equal(dpp_role_of_id(id), DPP_E_ROLE);
            assert_string_equal(dpp_role_name((int)tag), "unknown");
        }
    }
    assert_int_equal(dpp_role_parse("GMK"), DPP_E_ROLE);
    assert_int_equal(dpp_role_parse(""), DPP_E_ROLE);
    assert_string_equal(dpp_role_name(-1), "unknown");
    assert_int_equal(dpp_role_make_id(DPP_ROLE_CSK, 0xffffffff), 0x2fffffff);
}

/* Who may do what: the whole matrix, so that no row changes unseen. */
static void test_uses(void **state)
{
    static const struct {
        bool one, group, signalling, relay;
    } may[7] = {
        [DPP_ROLE_GMK] = {.group = true},
        [DPP_ROLE_PCK] = {.one = true},
        [DPP_ROLE_CSK] = {.signalling = true, .relay = true},
        [DPP_ROLE_SPK] = {.signalling = true},
    };

    (void)state;
    for (int role = 0; role < 7; role++) {
        assert_int_equal(dpp_role_may(role, DPP_USE_ONE), may[role].one);
        assert_int_equal(dpp_role_may(role, DPP_USE_GROUP), may[role].group);
        assert_int_equal(dpp_role_may(role, DPP_USE_SIGNALLING), may[role].signalling);
        assert_int_equal(dpp_role_is_for_relay(role), may[role].relay);
    }
    assert_false(dpp_role_may((enum dpp_role)7, DPP_USE_ONE));
    assert_false(dpp_role_may((enum dpp_role) - 1, DPP_USE_ONE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tags),
        cmocka_unit_test(test_uses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
