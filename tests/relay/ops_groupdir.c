/* Users, groups and CSKs from files: what they give, and the line of what is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "relay/err.h"
#include "relay/ops/groupdir.h"
#include "relay/ops/keydir.h"

static char dir[] = "/tmp/groupdir.XXXXXX";
static char groups[64], users[64], kek_path[64], keys_path[64];

static char *at(const char *name)
{
    static char path[160];

    snprintf(path, sizeof path, "%s/%s", groups, name);
    return path;
}

static void put(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    fputs(text, file);
    fclose(file);
}

static int setup(void **state)
{
    (void)state;
    if (!mkdtemp(dir) || dpp_keys_init(0) == DPP_E_SECURE_HEAP)
        return -1;
    snprintf(groups, sizeof groups, "%s/groups", dir);
    snprintf(users, sizeof users, "%s/users.yaml", dir);
    snprintf(kek_path, sizeof kek_path, "%s/kek", dir);
    snprintf(keys_path, sizeof keys_path, "%s/keys", dir);
    return mkdir(groups, 0700);
}

static int clear(void **state)
{
    static const char *const names[] = {"a.yaml", "b.yaml", "c.txt", ".d.yaml", "e.yaml"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlink(at(names[i]));
    unlink(users);
    unlink(kek_path);
    unlink(keys_path);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rmdir(groups);
    return rmdir(dir);
}

static struct relay_policy *load(bool with_users)
{
    struct relay_settings settings = {.groups = groups, .users = with_users ? users : NULL};
    struct relay_policy *policy;
    char why[RELAY_CONF_WHY];

    if (relay_groupdir_load(&settings, &policy, why, sizeof why) < 0)
        fail_msg("%s", why);
    return policy;
}

/* Loading fails with exactly this, behind the folder's name. */
static void wrong(bool with_users, const char *expected)
{
    struct relay_settings settings = {.groups = groups, .users = with_users ? users : NULL};
    struct relay_policy *policy = (void *)dir;
    char why[RELAY_CONF_WHY];

    assert_int_equal(relay_groupdir_load(&settings, &policy, why, sizeof why), RELAY_E_CONF);
    assert_null(policy);
    assert_int_equal(strncmp(why, dir, strlen(dir)), 0);
    assert_string_equal(why + strlen(dir), expected);
}

static void groups_and_members(void **state)
{
    const struct relay_group *group;
    const struct relay_member *member;
    struct relay_policy *policy;

    (void)state;
    put(at("a.yaml"), "uri: sip:one@iops.example\nname: The first\nsize_max: 64KiB\nmembers:\n"
                      "  - sip:alice@iops.example\n"
                      "  - {id: sip:bob@iops.example, may_transmit: false, affiliated: true}\n");
    put(at("b.yaml"), "uri: sip:two@iops.example\nsds: false\nmembers: []\n");
    put(at("c.txt"), "nonsense: [");
    put(at(".d.yaml"), "nonsense: [");
    policy = load(false);
    group = relay_policy_group(policy, msrp_str_of("sip:one@iops.example"));
    assert_non_null(group);
    assert_true(group->sds);
    assert_int_equal(group->size_max, 65536);
    assert_int_equal(group->members_n, 2);
    member = relay_group_member(group, msrp_str_of("sip:alice@iops.example"));
    assert_true(member->may_transmit);
    assert_false(member->affiliated);
    member = relay_group_member(group, msrp_str_of("sip:bob@iops.example"));
    assert_false(member->may_transmit);
    assert_true(member->affiliated);
    assert_null(relay_group_member(group, msrp_str_of("sip:carol@iops.example")));
    group = relay_policy_group(policy, msrp_str_of("sip:two@iops.example"));
    assert_false(group->sds);
    assert_int_equal(group->members_n, 0);
    relay_policy_unref(policy);
}

static void users_and_whom_they_may_reach(void **state)
{
    const struct relay_user *user;
    struct relay_policy *policy;

    (void)state;
    put(users, "- id: sip:carol@iops.example\n  one_to: [sip:alice@iops.example]\n"
               "  size_max: 1KiB\n"
               "- {id: sip:dave@iops.example, one_to_one: false, revoked: true}\n");
    policy = load(true);
    user = relay_policy_user(policy, msrp_str_of("sip:carol@iops.example"));
    assert_int_equal(user->size_max, 1024);
    assert_false(user->revoked);
    assert_true(relay_policy_may_send(policy, msrp_str_of("sip:carol@iops.example"),
                                      msrp_str_of("sip:alice@iops.example")));
    assert_false(relay_policy_may_send(policy, msrp_str_of("sip:carol@iops.example"),
                                       msrp_str_of("sip:bob@iops.example")));
    user = relay_policy_user(policy, msrp_str_of("sip:dave@iops.example"));
    assert_true(user->revoked);
    assert_false(user->may_send_one);
    relay_policy_unref(policy);
    put(users, "");
    relay_policy_unref(load(true));
}

static void wrong_group_files_are_told_by_line(void **state)
{
    static const struct {
        const char *text, *expected;
    } rows[] = {
        {"", "/groups/a.yaml:1: is empty; a group needs uri and members"},
        {"uri: sip:a@b.example\n", "/groups/a.yaml:1: a group without members"},
        {"members: []\n", "/groups/a.yaml:1: a group without uri"},
        {"uri: sip:a@b.example\nmembers:\n- sip:x@b.example\n- sip:X@b.example\n"
         "- sip:x@b.example\n",
         "/groups/a.yaml:5: sip:x@b.example: not an MCData ID, or a member already"},
        {"uri: nonsense\nmembers: []\n",
         "/groups/a.yaml:1: nonsense: not a URI, or a group already"},
        {"uri: sip:a@b.example\nmembers:\n- {id: sip:x@b.example, my_transmit: true}\n",
         "/groups/a.yaml:3: my_transmit is not known here; did you mean may_transmit"},
        {"uri: sip:a@b.example\nsds: maybe\nmembers: []\n",
         "/groups/a.yaml:2: sds is \"maybe\"; write true or false"},
        {"uri: sip:a@b.example\nsize_max: 5\nmembers: []\n",
         "/groups/a.yaml:2: size_max: 5; write digits with B, KiB, MiB or GiB"},
        {"uri: sip:a@b.example\nmembers: sip:x@b.example\n",
         "/groups/a.yaml:2: members must be a list; write [a, b] or `- a` lines"},
        {"uri: sip:a@b.example\nmembers:\n- {may_transmit: true}\n",
         "/groups/a.yaml:3: a member without id"},
        {"uri: sip:a@b.example\nuri: sip:a@b.example\n",
         "/groups/a.yaml:2: uri stands already in line 1; keep one of them"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        put(at("a.yaml"), rows[i].text);
        wrong(false, rows[i].expected);
    }
    put(at("a.yaml"), "uri: sip:a@b.example\nmembers: []\n");
    put(at("b.yaml"), "\nuri: sip:a@B.example\nmembers: []\n");
    wrong(false, "/groups/b.yaml:2: sip:a@B.example: not a URI, or a group already");
}

static void wrong_users_are_told_by_line(void **state)
{
    (void)state;
    put(users, "- id: sip:a@b.example\n- id: sip:a@b.example\n");
    wrong(true, "/users.yaml:2: sip:a@b.example: not an MCData ID, or a user already");
    put(users, "id: sip:a@b.example\n");
    wrong(true, "/users.yaml:1: users must be a list; write [a, b] or `- a` lines");
    put(users, "- id: sip:a@b.example\n  one_to:\n  - sip:b@b.example\n  - 12\n");
    wrong(true, "/users.yaml:4: 12: not an MCData ID");
    put(users, "- revoked: true\n");
    wrong(true, "/users.yaml:1: a user without id");
}

static void missing_files_say_what_to_do(void **state)
{
    struct relay_settings settings = {.groups = keys_path};
    struct relay_policy *policy;
    char why[RELAY_CONF_WHY];

    (void)state;
    assert_int_equal(relay_groupdir_load(&settings, &policy, why, sizeof why), RELAY_E_IO);
    assert_non_null(strstr(why, "/keys: No such file or directory; create it, or leave"));
    settings = (struct relay_settings){.users = users};
    assert_int_equal(relay_groupdir_load(&settings, &policy, why, sizeof why), RELAY_E_IO);
    assert_non_null(strstr(why, "users.yaml: No such file"));
}

static void add_key(struct dpp_store *store, uint32_t id, const char *owner)
{
    struct dpp_key *key;

    assert_int_equal(dpp_key_new(&key, id, (const uint8_t *)"sixteen octets !", 16, 0, 0), 0);
    assert_int_equal(dpp_store_add(store, key, owner, ""), 0);
}

static void csks_go_to_their_users(void **state)
{
    static const uint8_t kek[DPP_KEYFILE_KEK] = "thirty-two octets of a test key";
    struct relay_settings settings = {
        .groups = groups, .users = users, .csk_file = keys_path, .csk_kek_file = kek_path};
    struct dpp_store *store = dpp_store_new(4);
    const struct relay_user *user;
    struct relay_policy *policy;
    char why[RELAY_CONF_WHY];

    (void)state;
    put(users, "- {id: sip:alice@iops.example, size_max: 9B}\n");
    assert_int_equal(relay_keydir_make_kek(kek_path, kek), 0);
    add_key(store, 0x20000001, "sip:alice@iops.example");
    add_key(store, 0x20000002, "sip:bob@iops.example");
    assert_int_equal(relay_keydir_write(keys_path, kek, store), 0);
    assert_int_equal(relay_groupdir_load(&settings, &policy, why, sizeof why), 0);
    user = relay_policy_user(policy, msrp_str_of("sip:alice@iops.example"));
    assert_int_equal(user->size_max, 9);
    assert_int_equal(dpp_key_id(user->csk), 0x20000001);
    user = relay_policy_user(policy, msrp_str_of("sip:bob@iops.example"));
    assert_int_equal(dpp_key_id(user->csk), 0x20000002);
    assert_true(user->may_send_one);
    relay_policy_unref(policy);
    /* two for one user: which one is meant? */
    add_key(store, 0x20000003, "sip:bob@iops.example");
    assert_int_equal(relay_keydir_write(keys_path, kek, store), 0);
    assert_int_equal(relay_groupdir_load(&settings, &policy, why, sizeof why), RELAY_E_CONF);
    assert_non_null(strstr(why, "sip:bob@iops.example: has two CSKs; keep one"));
    /* a key that opens payloads has no way in */
    assert_int_equal(dpp_store_remove(store, 0x20000003), 0);
    add_key(store, 0x10000001, "sip:bob@iops.example");
    assert_int_equal(relay_keydir_write(keys_path, kek, store), 0);
    assert_int_equal(relay_groupdir_load(&settings, &policy, why, sizeof why), DPP_E_ROLE);
    assert_null(policy);
    dpp_store_free(store);
}

/* The keys move to their users: each stands once in the secure heap (1 MiB: 16,384 blocks). */
static void many_csks_take_the_heap_once(void **state)
{
    enum { CSKS = 10000 };
    static const uint8_t kek[DPP_KEYFILE_KEK] = "thirty-two octets of a test key";
    struct relay_settings settings = {.csk_file = keys_path, .csk_kek_file = kek_path};
    struct dpp_store *store = dpp_store_new(CSKS);
    struct relay_policy *policy;
    char why[RELAY_CONF_WHY], owner[64];

    (void)state;
    for (uint32_t i = 0; i < CSKS; i++) {
        snprintf(owner, sizeof owner, "sip:user%u@iops.example", i);
        add_key(store, 0x20000000 + i, owner);
    }
    assert_int_equal(relay_keydir_make_kek(kek_path, kek), 0);
    assert_int_equal(relay_keydir_write(keys_path, kek, store), 0);
    dpp_store_free(store);
    assert_true(relay_keydir_keys_max(keys_path) >= CSKS);
    assert_int_equal(relay_groupdir_load(&settings, &policy, why, sizeof why), 0);
    for (uint32_t i = 0; i < CSKS; i += 999) {
        snprintf(owner, sizeof owner, "sip:user%u@iops.example", i);
        const struct relay_user *user = relay_policy_user(policy, msrp_str_of(owner));
        assert_int_equal(dpp_key_id(user->csk), 0x20000000 + i);
    }
    relay_policy_unref(policy);
}

static void the_stamp_follows_every_file(void **state)
{
    struct relay_settings settings = {.groups = groups, .users = users};
    uint64_t stamps[6];

    (void)state;
    put(at("a.yaml"), "uri: sip:a@b.example\nmembers: []\n");
    stamps[0] = relay_groupdir_stamp(&settings);
    assert_int_equal(relay_groupdir_stamp(&settings), stamps[0]);
    put(at("a.yaml"), "uri: sip:a@b.example\nmembers: [sip:x@b.example]\n");
    stamps[1] = relay_groupdir_stamp(&settings);
    put(at("b.yaml"), "uri: sip:b@b.example\nmembers: []\n");
    stamps[2] = relay_groupdir_stamp(&settings);
    put(users, "");
    stamps[3] = relay_groupdir_stamp(&settings);
    put(users, "- id: sip:x@b.example\n");
    stamps[4] = relay_groupdir_stamp(&settings);
    assert_int_equal(rename(at("b.yaml"), users), 0);
    stamps[5] = relay_groupdir_stamp(&settings);
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < i; j++)
            assert_true(stamps[i] != stamps[j]);
}

/* One group's own file, for `mcrelay group rekey`. */
static void one_group_file(void **state)
{
    struct relay_policy *policy;
    char why[256];

    (void)state;
    put(at("a.yaml"), "uri: sip:a@x.example\nmembers: [sip:m@x.example]\n");
    assert_int_equal(
        relay_groupdir_read_group(at("a.yaml"), "sip:a@x.example", &policy, why, sizeof why), 0);
    const struct relay_group *group = relay_policy_group(policy, msrp_str_of("sip:a@x.example"));
    assert_int_equal(group->members_n, 1);
    assert_string_equal(group->members[0].id, "sip:m@x.example");
    relay_policy_unref(policy);
    assert_int_equal(
        relay_groupdir_read_group(at("a.yaml"), "sip:b@x.example", &policy, why, sizeof why),
        RELAY_E_CONF);
    assert_non_null(strstr(why, "not the file of sip:b@x.example"));
    assert_null(policy);
    assert_int_equal(
        relay_groupdir_read_group(at("none.yaml"), "sip:a@x.example", &policy, why, sizeof why),
        RELAY_E_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(groups_and_members, clear),
        cmocka_unit_test_teardown(users_and_whom_they_may_reach, clear),
        cmocka_unit_test_teardown(wrong_group_files_are_told_by_line, clear),
        cmocka_unit_test_teardown(wrong_users_are_told_by_line, clear),
        cmocka_unit_test_teardown(missing_files_say_what_to_do, clear),
        cmocka_unit_test_teardown(csks_go_to_their_users, clear),
        cmocka_unit_test_teardown(many_csks_take_the_heap_once, clear),
        cmocka_unit_test_teardown(one_group_file, clear),
        cmocka_unit_test_teardown(the_stamp_follows_every_file, clear),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
