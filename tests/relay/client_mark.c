/* An end-line that would stand in the body is found, however the body is cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "relay/client/mark.h"

#define TID  "abcdefghijkmnpqrstuvwxyz23"
#define MARK "-------" TID

/* Writes a body in steps, as far as the mark allows; how many octets that were. */
static size_t write_in(const char *body, size_t n, size_t step)
{
    struct relay_mark mark = {.tid = TID};
    size_t at = 0;
    while (at < n) {
        size_t now = step < n - at ? step : n - at;
        size_t clear = relay_mark_clear(&mark, body + at, now);
        assert_true(clear <= now);
        relay_mark_passed(&mark, body + at, clear);
        at += clear;
        if (clear < now) {
            break;
        }
    }
    return at;
}

static void found_at_every_cut(void **state)
{
    static const char before[] = "text\r\n--and-------more";
    char body[200];
    size_t lead = strlen(before);
    (void)state;
    memcpy(body, before, lead);
    memcpy(body + lead, MARK, strlen(MARK));
    memcpy(body + lead + strlen(MARK), "$\r\nrest", 7);
    size_t n = lead + strlen(MARK) + 7;
    for (size_t step = 1; step <= n; step++) {
        size_t wrote = write_in(body, n, step);
        /* what was written holds no whole mark, and all before it got through */
        assert_true(wrote >= lead && wrote < lead + strlen(MARK));
    }
}

static void look_alikes_pass(void **state)
{
    static const char body[] = "-------abcdefghijkmnpqrstuvwxyz22$\r\n------" TID
                               "\r\n-------\r\n-------ABCDEFGHIJKMNPQRSTUVWXYZ23$\r\n-------abc";
    (void)state;
    for (size_t step = 1; step <= sizeof(body); step++) {
        assert_int_equal(write_in(body, sizeof(body), step), sizeof(body));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(found_at_every_cut),
        cmocka_unit_test(look_alikes_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
