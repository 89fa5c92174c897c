/* Small files, read whole; what was looked at is told apart from what came later. */
#include <fcntl.h>
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

#include "relay/ops/file.h"

static char dir[] = "/tmp/relay-file.XXXXXX", path[64];

static int setup(void **state)
{
    (void)state;
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/f", dir);
    return 0;
}

static int clear(void **state)
{
    (void)state;
    unlink(path);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return rmdir(dir);
}

static void put(const char *text, size_t n, mode_t mode)
{
    FILE *file = fopen(path, "w");

    assert_int_equal(fwrite(text, 1, n, file), n);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

/* Reading `name` fails with exactly this behind its name, and gives nothing. */
static void wrong(const char *name, size_t max, bool is_secret, const char *expected)
{
    char why[256] = "", *p = dir;
    size_t n = 1;

    assert_int_equal(relay_file_read(name, max, is_secret, &p, &n, why, sizeof why), RELAY_E_IO);
    assert_null(p);
    assert_int_equal(n, 0);
    assert_int_equal(strncmp(why, name, strlen(name)), 0);
    assert_string_equal(why + strlen(name), expected);
}

static void a_file_is_read_whole(void **state)
{
    static const char text[] = "one\0two\xff\n";
    char why[256] = "", *p;
    size_t n;

    (void)state;
    put(text, sizeof text, 0600);
    assert_int_equal(relay_file_read(path, sizeof text, true, &p, &n, why, sizeof why), 0);
    assert_int_equal(n, sizeof text);
    assert_memory_equal(p, text, n);
    assert_int_equal(p[n], '\0');
    relay_file_free(p, n);
    put("", 0, 0600);
    assert_int_equal(relay_file_read(path, 0, false, &p, &n, why, sizeof why), 0);
    assert_int_equal(n, 0);
    assert_string_equal(p, "");
    relay_file_free(p, n);
    relay_file_free(NULL, 0);
    assert_string_equal(why, "");
}

static void what_is_refused_says_what_to_do(void **state)
{
    (void)state;
    wrong(path, 10, false, ": No such file or directory; give the path of a file that exists");
    put("eleven octs", 11, 0600);
    wrong(path, 10, false, ": is larger than 10 octets");
    wrong(dir, 10, false, ": is not a regular file");
    put("x", 1, 0604);
    wrong(path, 10, true, ": everybody may read this secret; chmod 600 it");
    put("x", 1, 0602);
    wrong(path, 10, true, ": everybody may read this secret; chmod 600 it");
}

/* A pipe in the place of a file does not keep the relay waiting for its writer. */
static void a_pipe_is_no_file(void **state)
{
    (void)state;
    assert_int_equal(mkfifo(path, 0600), 0);
    wrong(path, 10, false, ": is not a regular file");
}

static void a_secret_may_be_read_by_its_group(void **state)
{
    char why[256], *p;
    size_t n;

    (void)state;
    put("x", 1, 0640);
    assert_int_equal(relay_file_read(path, 10, true, &p, &n, why, sizeof why), 0);
    relay_file_free(p, n);
    put("x", 1, 0644); /* what is no secret may be read by everybody */
    assert_int_equal(relay_file_read(path, 10, false, &p, &n, why, sizeof why), 0);
    relay_file_free(p, n);
}

static void a_stamp_tells_a_change(void **state)
{
    struct relay_stamp stamp = relay_file_stamp(path), none = {0};
    struct timespec times[2];
    char other[80];
    uint64_t sums[5];

    (void)state;
    assert_memory_equal(&stamp, &none, sizeof none);
    sums[0] = relay_stamp_mix(7, path); /* there is none yet */
    assert_true(sums[0] == relay_stamp_mix(7, NULL));
    put("a", 1, 0600);
    stamp = relay_file_stamp(path);
    assert_int_equal(stamp.size, 1);
    assert_true(stamp.sec > 0 && stamp.inode > 0);
    sums[1] = relay_stamp_mix(7, path);
    assert_true(sums[1] == relay_stamp_mix(7, path));
    put("ab", 2, 0600);
    sums[2] = relay_stamp_mix(7, path);
    stamp = relay_file_stamp(path);
    /* the same octets and time under another inode: a rename over the old file */
    snprintf(other, sizeof other, "%s/g", dir);
    assert_int_equal(link(path, other), 0);
    unlink(path);
    put("ab", 2, 0600);
    times[0] = times[1] = (struct timespec){stamp.sec, stamp.nsec};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    sums[3] = relay_stamp_mix(7, path);
    unlink(other);
    sums[4] = relay_stamp_mix(8, path); /* the sum goes on from what it was */
    for (int i = 0; i < 5; i++)
        for (int j = 0; j < i; j++)
            assert_true(sums[i] != sums[j]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_file_is_read_whole, clear),
        cmocka_unit_test_teardown(what_is_refused_says_what_to_do, clear),
        cmocka_unit_test_teardown(a_pipe_is_no_file, clear),
        cmocka_unit_test_teardown(a_secret_may_be_read_by_its_group, clear),
        cmocka_unit_test_teardown(a_stamp_tells_a_change, clear),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
