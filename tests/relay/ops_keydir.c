#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "relay/err.h"
#include "relay/ops/keydir.h"

static char dir[] = "/tmp/keydir.XXXXXX";
static char kek_path[64], keys_path[64];
static const uint8_t kek[DPP_KEYFILE_KEK] = "a key over keys, 32 octets long";

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(dir) || dpp_keys_init(0) == DPP_E_SECURE_HEAP)
        return -1;
    snprintf(kek_path, sizeof kek_path, "%s/kek", dir);
    snprintf(keys_path, sizeof keys_path, "%s/keys", dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(kek_path);
    unlink(keys_path);
    snprintf(keys_path, sizeof keys_path, "%s/keys.lock", dir);
    unlink(keys_path);
    return rmdir(dir); /* fails when a temporary file was left */
}

static struct dpp_store *make_store(uint32_t id)
{
    struct dpp_store *store = dpp_store_new(2);
    struct dpp_key *key;

    assert_int_equal(dpp_key_new(&key, id, (const uint8_t *)"sixteen octets !", 16, 0, 0), 0);
    assert_int_equal(dpp_store_add(store, key, "sip:alice@iops.example", ""), 0);
    return store;
}

static void test_kek(void **state)
{
    uint8_t got[DPP_KEYFILE_KEK];
    struct stat st;

    (void)state;
    assert_int_equal(relay_keydir_kek(kek_path, got), RELAY_E_IO);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(relay_keydir_make_kek(kek_path, kek), 0);
    assert_int_equal(stat(kek_path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(relay_keydir_kek(kek_path, got), 0);
    assert_memory_equal(got, kek, sizeof got);
    /* never replaced */
    assert_int_equal(relay_keydir_make_kek(kek_path, kek), RELAY_E_IO);
    assert_int_equal(errno, EEXIST);
    /* every mode that lets others near it */
    for (mode_t mode = 0; mode < 0100; mode++) {
        assert_int_equal(chmod(kek_path, 0600 | mode), 0);
        assert_int_equal(relay_keydir_kek(kek_path, got), mode == 0 ? 0 : DPP_E_KEYFILE_MODE);
    }
    assert_int_equal(chmod(kek_path, 0400), 0); /* as systemd gives credentials */
    assert_int_equal(relay_keydir_kek(kek_path, got), 0);
    assert_int_equal(chmod(kek_path, 0600), 0);
    for (off_t size = 0; size < 40; size++) {
        assert_int_equal(truncate(kek_path, size), 0);
        assert_int_equal(relay_keydir_kek(kek_path, got), size == 32 ? 0 : DPP_E_KEYFILE_SIZE);
    }
    assert_int_equal(relay_keydir_kek(dir, got), RELAY_E_IO); /* a directory */
}

static void test_write_and_read(void **state)
{
    struct dpp_store *store = make_store(0x20000001), *back;
    uint8_t other[DPP_KEYFILE_KEK] = {0}, first[512], second[512];
    struct stat st;

    (void)state;
    assert_int_equal(relay_keydir_read(keys_path, kek, 0, &back), RELAY_E_IO);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(relay_keydir_write(keys_path, kek, store), 0);
    assert_int_equal(stat(keys_path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(st.st_size, dpp_keyfile_size(store));
    assert_int_equal(relay_keydir_read(keys_path, kek, 1, &back), 0);
    assert_int_equal(dpp_store_count(back), 1);
    assert_non_null(dpp_store_find(back, 0x20000001));
    dpp_store_free(back);
    assert_int_equal(relay_keydir_read_relay(keys_path, kek, &back), 0);
    dpp_store_free(back);

    assert_int_equal(relay_keydir_read(keys_path, other, 0, &back), DPP_E_KEYFILE_SUM);
    assert_null(back);
    /* written again: the same size, nothing of the ciphertext the same (a fresh nonce) */
    int fd = open(keys_path, O_RDONLY);
    ssize_t n = read(fd, first, sizeof first);
    close(fd);
    assert_int_equal(relay_keydir_write(keys_path, kek, store), 0);
    fd = open(keys_path, O_RDONLY);
    assert_int_equal(read(fd, second, sizeof second), n);
    close(fd);
    assert_memory_not_equal(first + 12, second + 12, 12);
    assert_memory_not_equal(first + 24, second + 24, 16);
    assert_int_equal(chmod(keys_path, 0640), 0);
    assert_int_equal(relay_keydir_read(keys_path, kek, 0, &back), DPP_E_KEYFILE_MODE);
    assert_int_equal(chmod(keys_path, 0600), 0);
    assert_int_equal(truncate(keys_path, st.st_size - 1), 0);
    assert_true(relay_keydir_read(keys_path, kek, 0, &back) < 0);
    assert_int_equal(truncate(keys_path, 100 << 20), 0);
    assert_int_equal(relay_keydir_read(keys_path, kek, 0, &back), DPP_E_KEYFILE_SIZE);
    dpp_store_free(store);
}

/* reliability I6: a daemon takes CSKs and nothing else, and no part of a mixed file */
static void test_what_a_relay_may_load(void **state)
{
    struct dpp_store *back;

    (void)state;
    for (uint32_t tag = 0; tag < 7; tag++) {
        struct dpp_store *store = make_store(0x20000002);
        struct dpp_key *key;
        assert_int_equal(
            dpp_key_new(&key, tag << 28 | 7, (const uint8_t *)"sixteen octets !", 16, 0, 0), 0);
        assert_int_equal(dpp_store_add(store, key, "sip:bob@iops.example", NULL), 0);
        assert_int_equal(relay_keydir_write(keys_path, kek, store), 0);
        assert_int_equal(relay_keydir_read_relay(keys_path, kek, &back),
                         tag == DPP_ROLE_CSK ? 0 : DPP_E_ROLE);
        assert_int_equal(back != NULL, tag == DPP_ROLE_CSK);
        dpp_store_free(back);
        dpp_store_free(store);
    }
}

/* A directory that cannot be written to: the old file stays as it is. */
static void test_failed_write_keeps_the_old_file(void **state)
{
    struct dpp_store *store = make_store(0x20000003), *back;
    char nowhere[80];

    (void)state;
    snprintf(nowhere, sizeof nowhere, "%s/absent/keys", dir);
    assert_int_equal(relay_keydir_write(nowhere, kek, store), RELAY_E_IO);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(relay_keydir_write(keys_path, kek, store), 0);
    assert_int_equal(relay_keydir_write(dir, kek, store),
                     RELAY_E_IO); /* a directory stands there */
    assert_int_equal(relay_keydir_read(keys_path, kek, 0, &back), 0);
    dpp_store_free(back);
    dpp_store_free(store);
}

/* One at a time: another process gets the lock when it is given back, not before. */
static void test_lock(void **state)
{
    int told[2];
    char c = 0;

    (void)state;
    int lock = relay_keydir_lock(keys_path);
    assert_true(lock >= 0);
    assert_int_equal(pipe(told), 0);
    pid_t other = fork();
    assert_true(other >= 0);
    if (other == 0) {
        (void)!write(told[1], "1", 1);
        int mine = relay_keydir_lock(keys_path);
        (void)!write(told[1], "2", 1);
        _exit(mine < 0);
    }
    assert_int_equal(read(told[0], &c, 1), 1);
    usleep(50000);
    assert_int_equal(fcntl(told[0], F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(read(told[0], &c, 1), -1); /* it waits */
    relay_keydir_unlock(lock);
    int status;
    assert_int_equal(waitpid(other, &status, 0), other);
    assert_int_equal(status, 0);
    assert_int_equal(read(told[0], &c, 1), 1);
    assert_int_equal(c, '2');
    close(told[0]);
    close(told[1]);
    assert_int_equal(relay_keydir_lock("/nonexistent/keys"), RELAY_E_IO);
    assert_int_equal(errno, ENOENT);
}

static void expect_zeros(int fd, size_t n)
{
    uint8_t octets[4096];

    assert_true(n > 0 && n <= sizeof octets);
    assert_int_equal(pread(fd, octets, sizeof octets, 0), (ssize_t)n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(octets[i], 0);
}

/* What was there is overwritten where it lay; what is there now opens. */
static void test_rewrite_and_wipe(void **state)
{
    struct dpp_store *before = make_store(0x10000001), *after = make_store(0x10000002), *got;

    (void)state;
    assert_int_equal(relay_keydir_rewrite("/nonexistent/keys", kek, after), RELAY_E_IO);
    assert_int_equal(relay_keydir_write(keys_path, kek, before), 0);
    int fd = open(keys_path, O_RDONLY);
    assert_int_equal(relay_keydir_rewrite(keys_path, kek, after), 0);
    expect_zeros(fd, dpp_keyfile_size(before));
    close(fd);
    assert_int_equal(relay_keydir_read(keys_path, kek, 0, &got), 0);
    assert_non_null(dpp_store_find(got, 0x10000002));
    dpp_store_free(got);

    fd = open(keys_path, O_RDONLY);
    assert_int_equal(relay_keydir_wipe(keys_path), 0);
    expect_zeros(fd, dpp_keyfile_size(after));
    close(fd);
    assert_int_equal(relay_keydir_wipe(keys_path), RELAY_E_IO);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(relay_keydir_wipe(dir), RELAY_E_IO); /* no regular file */
    dpp_store_free(before);
    dpp_store_free(after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kek),
        cmocka_unit_test(test_write_and_read),
        cmocka_unit_test(test_what_a_relay_may_load),
        cmocka_unit_test(test_failed_write_keeps_the_old_file),
        cmocka_unit_test(test_lock),
        cmocka_unit_test(test_rewrite_and_wipe),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
