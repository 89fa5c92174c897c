/* The metrics page is valid Prometheus text with every reason in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "relay/err.h"
#include "relay/ops/metric.h"

static const struct relay_metric_extra extra[] = {
    {"mcrelay_sockets_total", "cause=\"accepted\"", "what became of sockets", 5, false},
    {"mcrelay_sockets_total", "cause=\"closed\"", "what became of sockets", 3, false},
    {"mcrelay_other", "", "one more", 1, true},
};

/* All reasons were hit, reason i i+1 times. */
static char *full_page(size_t *reasons)
{
    static struct relay_counts counts;
    static uint64_t refused[1000];
    size_t n = 0;

    while (relay_err_at(n)) {
        refused[n] = n + 1;
        n++;
    }
    assert_in_range(n, 90, 1000);
    memset(&counts, 0, sizeof counts);
    counts.refused = refused;
    counts.refused_n = n;
    counts.answers[200] = 42;
    counts.answers[403] = 7;
    counts.conns_now = 11;
    *reasons = n;
    return relay_metric_page(&counts, extra, 3);
}

static bool is_name(const char *p, size_t n)
{
    return n > 0 && strspn(p, "abcdefghijklmnopqrstuvwxyz_") == n;
}

/* name{label="value",...} number; the labels' values need no escaping */
static void valid_sample(const char *line)
{
    size_t n = strcspn(line, "{ ");
    const char *p = line + n;
    char *end;

    assert_true(is_name(line, n));
    assert_int_equal(strncmp(line, "mcrelay_", 8), 0);
    if (*p == '{') {
        do {
            p++;
            n = strcspn(p, "=");
            assert_true(is_name(p, n));
            p += n;
            assert_int_equal(strncmp(p, "=\"", 2), 0);
            p += 2;
            p += strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
            assert_int_equal(*p++, '"');
        } while (*p == ',');
        assert_int_equal(*p++, '}');
    }
    assert_int_equal(*p++, ' ');
    (void)strtoull(p, &end, 10);
    assert_ptr_not_equal(end, p);
    assert_int_equal(*end, '\0');
}

static void every_line_is_valid_and_stands_once(void **state)
{
    size_t reasons, n = 0, types = 0;
    char *page = full_page(&reasons), *seen[2000], type[128] = "";

    (void)state;
    assert_non_null(page);
    assert_int_equal(page[strlen(page) - 1], '\n');
    for (char *line = strtok(page, "\n"); line; line = strtok(NULL, "\n")) {
        if (strncmp(line, "# HELP ", 7) == 0)
            continue;
        if (strncmp(line, "# TYPE ", 7) == 0) {
            char kind[16];

            assert_int_equal(sscanf(line + 7, "%127s %15s", type, kind), 2);
            assert_true(strcmp(kind, "counter") == 0 || strcmp(kind, "gauge") == 0);
            /* a counter says so in its name */
            assert_int_equal(strcmp(kind, "counter") == 0, strstr(type, "_total") != NULL);
            types++;
            continue;
        }
        valid_sample(line);
        assert_int_equal(strncmp(line, type, strlen(type)), 0); /* stands under its TYPE */
        line[strcspn(line, " ")] = '\0';
        for (size_t i = 0; i < n; i++)
            assert_string_not_equal(line, seen[i]);
        assert_true(n < sizeof seen / sizeof *seen);
        seen[n++] = line;
    }
    assert_true(n > reasons + 20);
    assert_true(types > 20);
    free(page);
}

static void the_numbers_are_there(void **state)
{
    size_t reasons;
    char *page = full_page(&reasons), line[160];

    (void)state;
    assert_non_null(strstr(page, "\nmcrelay_answers_total{status=\"200\"} 42\n"));
    assert_non_null(strstr(page, "\nmcrelay_connections 11\n"));
    assert_non_null(strstr(page, "\nmcrelay_sockets_total{cause=\"closed\"} 3\n"));
    assert_non_null(strstr(page, "\nmcrelay_other 1\n"));
    for (size_t i = 0; i < reasons; i++) {
        const struct relay_err_row *row = relay_err_at(i);

        snprintf(line, sizeof line, "\nmcrelay_refused_total{reason=\"%s\",answer=\"%d\"} %zu\n",
                 row->label, row->status, i + 1);
        if (!strstr(page, line))
            fail_msg("%s", line);
    }
    free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_line_is_valid_and_stands_once),
        cmocka_unit_test(the_numbers_are_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
