#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "relay/err.h"
#include "relay/route/group.h"

static void test_normal(void **state)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"sip:alice@iops.example", "sip:alice@iops.example"},
        {"SIP:Alice@IOPS.Example", "sip:Alice@iops.example"},
        {"sip:IOPS.Example", "sip:iops.example"},
        {"sip:Bob@IOPS.example;Transport=TCP", "sip:Bob@iops.example;Transport=TCP"},
        {"sip:Bob@IOPS.example:5060", "sip:Bob@iops.example:5060"},
        {"TEL:+1-201-555-0123", "tel:+1-201-555-0123"},
        {"alice", NULL},
        {"sip:", NULL},
        {":x", NULL},
        {"", NULL},
        {"sip:a b@x", NULL},
        {"sip:a\x7f@x", NULL},
        {"sip:a\n@x", NULL},
    };
    char out[RELAY_ID_MAX + 1], longest[RELAY_ID_MAX + 2];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t n = relay_id_normal(msrp_str_of(rows[i].in), out);
        assert_int_equal(n, rows[i].out ? strlen(rows[i].in) : 0);
        if (n)
            assert_string_equal(out, rows[i].out);
    }
    memset(longest, 'x', sizeof longest);
    memcpy(longest, "sip:", 4);
    assert_int_equal(relay_id_normal((struct msrp_str){longest, RELAY_ID_MAX}, out), RELAY_ID_MAX);
    assert_int_equal(relay_id_normal((struct msrp_str){longest, RELAY_ID_MAX + 1}, out), 0);
}

static void test_policy(void **state)
{
    struct relay_policy *policy = relay_policy_new();
    char id[64];

    (void)state;
    assert_non_null(policy);
    /* in an order that is not sorted */
    for (unsigned i = 0; i < 500; i++) {
        snprintf(id, sizeof id, "sip:u%u@iops.example", i * 7919 % 500);
        struct relay_user *user = relay_policy_add_user(policy, id);
        assert_non_null(user);
        assert_true(user->may_send_one);
        user->size_max = i * 7919 % 500;
        assert_null(relay_policy_add_user(policy, id));
    }
    for (unsigned g = 0; g < 3; g++) {
        snprintf(id, sizeof id, "sip:G%u@GROUPS.example", 2 - g);
        struct relay_group *group = relay_policy_add_group(policy, id);
        assert_non_null(group);
        assert_true(group->sds);
        for (unsigned i = 0; i < 200; i++) {
            snprintf(id, sizeof id, "sip:u%u@iops.example", i * 7919 % 200);
            struct relay_member *member = relay_group_add(group, id);
            assert_non_null(member);
            assert_true(member->may_transmit);
            member->affiliated = i * 7919 % 200 % 2;
            assert_null(relay_group_add(group, id));
        }
        assert_null(relay_policy_add_group(policy, group->id));
    }
    assert_null(relay_policy_add_user(policy, "nobody"));
    assert_null(relay_policy_add_group(policy, ""));
    assert_int_equal(relay_policy_seal(policy), 0);
    assert_int_equal(relay_policy_seal(policy), RELAY_E_CONF);

    for (unsigned i = 0; i < 500; i++) {
        snprintf(id, sizeof id, "SIP:u%u@IOPS.example", i);
        const struct relay_user *user = relay_policy_user(policy, msrp_str_of(id));
        assert_non_null(user);
        assert_int_equal(user->size_max, i);
    }
    assert_null(relay_policy_user(policy, MSRP_STR("sip:U1@iops.example")));
    assert_null(relay_policy_user(policy, MSRP_STR("nobody")));
    assert_null(relay_policy_user(NULL, MSRP_STR("sip:u1@iops.example")));

    const struct relay_group *group = relay_policy_group(policy, MSRP_STR("sip:G1@groups.example"));
    assert_non_null(group);
    assert_int_equal(group->members_n, 200);
    for (unsigned i = 1; i < 200; i++)
        assert_true(strcmp(group->members[i - 1].id, group->members[i].id) < 0);
    assert_true(relay_group_member(group, MSRP_STR("sip:u33@iops.example"))->affiliated);
    assert_false(relay_group_member(group, MSRP_STR("sip:u34@iops.example"))->affiliated);
    assert_null(relay_group_member(group, MSRP_STR("sip:u200@iops.example")));
    assert_null(relay_group_member(group, MSRP_STR("")));
    assert_null(relay_policy_group(policy, MSRP_STR("sip:G3@groups.example")));
    assert_null(relay_policy_group(policy, MSRP_STR("")));
    assert_null(relay_policy_group(NULL, MSRP_STR("sip:G1@groups.example")));

    relay_policy_unref(relay_policy_ref(policy));
    relay_policy_unref(policy);
    relay_policy_unref(NULL);
}

static void test_may_send(void **state)
{
    struct relay_policy *policy = relay_policy_new();
    struct msrp_str alice = MSRP_STR("sip:alice@iops.example");
    struct msrp_str bob = MSRP_STR("sip:bob@iops.example");
    struct msrp_str carol = MSRP_STR("sip:carol@iops.example");
    struct msrp_str dora = MSRP_STR("sip:dora@iops.example");

    (void)state;
    struct relay_user *user = relay_policy_add_user(policy, alice.p);
    assert_int_equal(relay_user_allow(user, "sip:Bob@IOPS.example"), 0);
    assert_int_equal(relay_user_allow(user, "sip:bob@IOPS.example"), 0);
    assert_int_equal(relay_user_allow(user, "bob"), RELAY_E_CONF);
    relay_policy_add_user(policy, bob.p)->may_send_one = false;
    relay_policy_add_user(policy, dora.p)->revoked = true;
    assert_true(relay_policy_may_send(policy, alice, bob));
    assert_true(relay_policy_may_send(policy, alice, MSRP_STR("SIP:bob@iops.EXAMPLE")));
    assert_false(relay_policy_may_send(policy, alice, carol));
    assert_false(relay_policy_may_send(policy, alice, MSRP_STR("")));
    assert_false(relay_policy_may_send(policy, bob, alice));
    assert_false(relay_policy_may_send(policy, dora, alice));
    assert_true(relay_policy_may_send(policy, carol, alice)); /* no row: no restriction */
    relay_policy_unref(policy);
}

/* A provisioned CSK belongs to the policy and is wiped with it. */
static void test_csk(void **state)
{
    struct relay_policy *policy = relay_policy_new();
    struct relay_user *user = relay_policy_add_user(policy, "sip:alice@iops.example");
    uint8_t octets[16] = {1};

    (void)state;
    assert_true(dpp_keys_init(0) <= 0);
    assert_int_equal(dpp_key_new(&user->csk, 0x20000001, octets, 16, 0, 0), 0);
    const struct relay_user *found = relay_policy_user(policy, MSRP_STR("sip:alice@iops.example"));
    assert_int_equal(dpp_key_id(found->csk), 0x20000001);
    relay_policy_unref(policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_normal),
        cmocka_unit_test(test_policy),
        cmocka_unit_test(test_may_send),
        cmocka_unit_test(test_csk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
