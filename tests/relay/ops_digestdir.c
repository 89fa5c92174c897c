/* Digest users from their file: what it gives, and the line of what is wrong. */
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
#include "relay/ops/digestdir.h"

#define HA1 "939e7578ed9e3c518a452acee763bce9"

static char path[] = "/tmp/digestdir.XXXXXX";
static char realm[] = "testrealm@host.com", other_realm[] = "other";

static int setup(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
    (void)state;
    return unlink(path);
}

static void put(const char *text)
{
    FILE *file = fopen(path, "w");

    fputs(text, file);
    fclose(file);
}

static struct relay_settings settings(void)
{
    return (struct relay_settings){
        .realm = other_realm, .digest_users = path, .digest_realm = realm, .digest_nonce_s = 300};
}

static void wrong(const char *text, int err, const char *expected)
{
    struct relay_settings s = settings();
    struct relay_digestdir *dir = (void *)path;
    char why[RELAY_CONF_WHY] = "";

    put(text);
    assert_int_equal(relay_digestdir_load(&s, &dir, why, sizeof why), err);
    assert_null(dir);
    assert_int_equal(strncmp(why, path, strlen(path)), 0);
    assert_string_equal(why + strlen(path), expected);
}

static const struct relay_digest_user *find(const struct relay_digestdir *dir, const char *name)
{
    const struct relay_digest_users *users = relay_digestdir_rules(dir)->users;
    const struct relay_digest_user *user =
        relay_digest_users_find(users, msrp_str_of(name), MSRP_DIGEST_MD5);

    return user ? user : relay_digest_users_find(users, msrp_str_of(name), MSRP_DIGEST_SHA256);
}

static void users_are_read(void **state)
{
    struct relay_settings s = settings();
    struct relay_digestdir *dir;
    char why[RELAY_CONF_WHY];

    (void)state;
    put("- user: Mufasa\n  ha1: " HA1 "\n  mcdata_id: sip:alice@IOPS.example\n"
        "- {user: \"bob smith\", password: \"Circle Of Life\", algorithm: SHA-256, "
        "mcdata_id: 'sip:bob@iops.example'}\n"
        "- user: Mufasa2\n  password: Circle Of Life\n  algorithm: MD5\n"
        "  mcdata_id: tel:+15551234\n");
    if (relay_digestdir_load(&s, &dir, why, sizeof why) < 0)
        fail_msg("%s", why);
    assert_string_equal(relay_digestdir_rules(dir)->realm, realm);
    assert_int_equal(relay_digestdir_rules(dir)->nonce_s, 300);
    assert_int_equal(relay_digest_users_count(relay_digestdir_rules(dir)->users), 3);
    assert_string_equal(find(dir, "Mufasa")->ha1, HA1);
    assert_string_equal(find(dir, "Mufasa")->mcdata_id, "sip:alice@iops.example");
    assert_int_equal(find(dir, "Mufasa")->algorithm, MSRP_DIGEST_MD5);
    assert_int_equal(find(dir, "bob smith")->algorithm, MSRP_DIGEST_SHA256);
    assert_int_equal(strlen(find(dir, "bob smith")->ha1), 64);
    assert_string_equal(find(dir, "Mufasa2")->mcdata_id, "tel:+15551234");
    relay_digestdir_free(dir);

    /* without digest.realm it is that of the Bearer challenge; a password is hashed with it */
    s.digest_realm = NULL;
    put("- user: Mufasa\n  password: Circle Of Life\n  mcdata_id: sip:alice@iops.example\n");
    assert_int_equal(relay_digestdir_load(&s, &dir, why, sizeof why), 0);
    assert_string_equal(relay_digestdir_rules(dir)->realm, other_realm);
    assert_string_not_equal(find(dir, "Mufasa")->ha1, HA1);
    relay_digestdir_free(dir);

    put("- {user: a, password: x, algorithm: both, mcdata_id: 'sip:a@b.example'}\n"
        "- {user: b, ha1: " HA1 ", mcdata_id: 'sip:b@b.example'}\n"
        "- {user: b, password: y, algorithm: SHA-256, mcdata_id: 'sip:b@b.example'}\n");
    assert_int_equal(relay_digestdir_load(&s, &dir, why, sizeof why), 0);
    assert_int_equal(relay_digest_users_count(relay_digestdir_rules(dir)->users), 4);
    relay_digestdir_free(dir);

    put("");
    assert_int_equal(relay_digestdir_load(&s, &dir, why, sizeof why), 0);
    assert_int_equal(relay_digest_users_count(relay_digestdir_rules(dir)->users), 0);
    relay_digestdir_free(dir);
    s.digest_users = NULL;
    assert_int_equal(relay_digestdir_load(&s, &dir, why, sizeof why), 0);
    assert_null(dir);
    assert_null(relay_digestdir_rules(dir));
}

static void what_is_wrong(void **state)
{
#define NEEDS ": a Digest user needs user, mcdata_id and one of ha1 and password"
#define WRITE                                                                                      \
    ": write a name without quotes, an MCData ID as sip:alice@iops.example, and a ha1 of %d "      \
    "lower-case hexadecimal digits (mcrelay key digest makes one)"
    char text[400];

    (void)state;
    wrong("user: a\n", RELAY_E_CONF,
          ":1: the list of Digest users must be a list; write [a, b] or `- a` lines");
    wrong("- user: a\n", RELAY_E_CONF, ":1" NEEDS);
    wrong("- user: a\n  mcdata_id: sip:a@b.example\n", RELAY_E_CONF, ":1" NEEDS);
    wrong("- user: a\n  ha1: " HA1 "\n", RELAY_E_CONF, ":1" NEEDS);
    wrong("- user: a\n  ha1: " HA1 "\n  password: x\n  mcdata_id: sip:a@b.example\n", RELAY_E_CONF,
          ":1" NEEDS);
    wrong("\n- user: a\n  passwort: secret\n", RELAY_E_CONF,
          ":3: passwort is not known here; did you mean password");
    wrong("- user: a\n  ha1: " HA1 "\n  algorithm: MD5-sess\n  mcdata_id: sip:a@b.example\n",
          RELAY_E_CONF,
          ":1: algorithm is \"MD5-sess\"; write MD5 or SHA-256, or with a password both");
    snprintf(text, sizeof text, ":1: a" WRITE, 32);
    wrong("- user: a\n  ha1: 939E\n  mcdata_id: sip:a@b.example\n", RELAY_E_CONF, text);
    wrong("- user: a\n  ha1: " HA1 "\n  mcdata_id: alice\n", RELAY_E_CONF, text);
    snprintf(text, sizeof text, ":1: a" WRITE, 64);
    wrong("- user: a\n  ha1: " HA1 "\n  algorithm: SHA-256\n  mcdata_id: sip:a@b.example\n",
          RELAY_E_CONF, text);
    snprintf(text, sizeof text, ":1: a\"b" WRITE, 32);
    wrong("- user: 'a\"b'\n  ha1: " HA1 "\n  mcdata_id: sip:a@b.example\n", RELAY_E_CONF, text);
    wrong("- {user: a, password: x, mcdata_id: 'sip:a@b.example'}\n"
          "- {user: a, password: y, mcdata_id: 'sip:a@b.example'}\n",
          RELAY_E_CONF,
          ": a user stands twice; keep one row for each algorithm, with one mcdata_id");
}

/* A file that everybody may read is no place for it; no error tells what it holds. */
static void secrets(void **state)
{
    struct relay_settings s = settings();
    struct relay_digestdir *dir;
    char why[RELAY_CONF_WHY];
    static const char *const broken[] = {
        "- user: a\n  password: hush-hush\n",
        "- user: a\n  password: [hush-hush]\n  mcdata_id: sip:a@b.example\n",
        "- user: a\n  ha1: hush-hush\n  mcdata_id: sip:a@b.example\n",
        "- user: a\n  password: hush-hush\n  mcdata_id: [\n",
        "- user: a\n  password: &x hush-hush\n  mcdata_id: sip:a@b.example\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        put(broken[i]);
        assert_true(relay_digestdir_load(&s, &dir, why, sizeof why) < 0);
        assert_null(strstr(why, "hush"));
    }
    put("- {user: a, password: x, mcdata_id: 'sip:a@b.example'}\n");
    assert_int_equal(chmod(path, 0604), 0);
    assert_int_equal(relay_digestdir_load(&s, &dir, why, sizeof why), RELAY_E_IO);
    assert_non_null(strstr(why, "everybody may read this secret; chmod 600 it"));
    assert_int_equal(chmod(path, 0600), 0);
    uint64_t stamp = relay_digestdir_stamp(&s);
    assert_int_equal(stamp, relay_digestdir_stamp(&s));
    put("");
    assert_int_not_equal(stamp, relay_digestdir_stamp(&s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(users_are_read),
        cmocka_unit_test(what_is_wrong),
        cmocka_unit_test(secrets),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
