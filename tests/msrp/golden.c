/* golden.c - wire transcripts in Markdown against the reader, under many splits.
 *
 * In tests/golden/msrp/ each "```msrp" block is followed by an "```events" block. In a msrp block
 * each line end stands for CRLF; a `\` at the end of a line stands for no line end; \r \n \t \\ and
 * \xHH are octets. What the events say is in trace.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <dirent.h>

#include "tests/msrp/trace.h"
#include "tests/row.h"

/* The octets that a msrp block stands for. */
static size_t wire_of(const char *text, size_t n, char *out)
{
    size_t len = 0;

    for (size_t i = 0; i < n; i++) {
        if (text[i] == '\n') {
            out[len++] = '\r';
            out[len++] = '\n';
        } else if (text[i] != '\\') {
            out[len++] = text[i];
        } else {
            char c = text[++i];

            if (c == 'x') {
                out[len++] = (char)strtol((char[]){text[i + 1], text[i + 2], '\0'}, NULL, 16);
                i += 2;
            } else if (c != '\n') {
                out[len++] = c == 'r' ? '\r' : c == 'n' ? '\n' : c == 't' ? '\t' : c;
            }
        }
    }
    return len;
}

static void check(const char *file, const char *title, const char *wire, size_t len,
                  const char *events, size_t events_n)
{
    size_t by[] = {1, 2, 3, 5, 7, 64};
    struct trace *t = trace_run(wire, len, NULL, trace_all, NULL);

    if (t->n != events_n || memcmp(t->text, events, events_n) != 0) {
        fail_msg("%s: %s\nexpected:\n%.*s\ngot:\n%s", file, title, (int)events_n, events, t->text);
    }
    trace_free(t);
    for (size_t i = 0; i < sizeof(by) / sizeof(by[0]); i++) {
        t = trace_run(wire, len, NULL, trace_by, &by[i]);
        if (t->n != events_n || memcmp(t->text, events, events_n) != 0) {
            fail_msg("%s: %s, %zu octets at a time\ngot:\n%s", file, title, by[i], t->text);
        }
        trace_free(t);
    }
}

/* Checks all pairs of one file; returns how many. */
static unsigned check_file(const char *file)
{
    static char text[1 << 17], wire[1 << 17];
    char path[512], title[256] = "";
    unsigned pairs = 0;
    size_t len = 0;
    FILE *f;

    snprintf(path, sizeof(path), "%s/tests/golden/msrp/%s", MC_SOURCE_DIR, file);
    f = fopen(path, "r");
    assert_non_null(f);
    len = fread(text, 1, sizeof(text) - 1, f);
    text[len] = '\0';
    fclose(f);

    for (char *line = text; line && *line; line = strchr(line, '\n'), line += line != NULL) {
        if (strncmp(line, "## ", 3) == 0) {
            snprintf(title, sizeof(title), "%.*s", (int)strcspn(line + 3, "\n"), line + 3);
        }
        if (strncmp(line, "```msrp\n", 8) == 0) {
            char *end = strstr(line + 8, "\n```\n");
            char *events, *events_end;
            size_t n;

            assert_non_null(end);
            n = wire_of(line + 8, (size_t)(end + 1 - (line + 8)), wire);
            events = strstr(end, "```events\n");
            assert_non_null(events);
            events += 10;
            events_end = strstr(events, "```");
            assert_non_null(events_end);
            check(file, title, wire, n, events, (size_t)(events_end - events));
            pairs++;
            line = events_end;
        }
    }
    return pairs;
}

static void golden_transcripts(void **state)
{
    DIR *dir = opendir(MC_SOURCE_DIR "/tests/golden/msrp");
    unsigned pairs = 0;

    (void)state;
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        size_t n = strlen(e->d_name);

        if (n > 3 && strcmp(e->d_name + n - 3, ".md") == 0) {
            unsigned found = check_file(e->d_name);

            if (found == 0) {
                fail_msg("%s holds no transcript", e->d_name);
            }
            pairs += found;
        }
    }
    closedir(dir);
    print_message("%u transcripts\n", pairs);
    assert_true(pairs >= 120);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(golden_transcripts)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
