/* /metrics and /healthz over a real socket. */
#include "tests/relay/loop_kit.h"

static struct kit kit;

static int setup(void **state)
{
    (void)state;
    kit_init(&kit);
    kit_start(&kit);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kit_stop(&kit);
    return 0;
}

/* Asks and returns the whole answer. */
static char *ask(const char *method, const char *path)
{
    static char text[8192];
    struct kit_line line = {.fd = kit_socket(&kit, 2)};
    int n = snprintf(text, sizeof text, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                     method, path);

    assert_int_equal(write(line.fd, text, (size_t)n), n);
    assert_true(kit_ended(&line, 5000));
    snprintf(text, sizeof text, "%s", line.heard ? line.heard : "");
    kit_hang_up(&line);
    return text;
}

static void pages(void **state)
{
    char *text;

    (void)state;
    text = ask("GET", "/metrics");
    assert_ptr_equal(strstr(text, "HTTP/1.1 200 "), text);
    assert_non_null(strstr(text, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    assert_non_null(strstr(text, "\r\n\r\nmcrelay_connections 1\n"));
    text = ask("GET", "/healthz");
    assert_ptr_equal(strstr(text, "HTTP/1.1 200 "), text);
    assert_non_null(strstr(text, "\r\n\r\nok\n"));
    text = ask("HEAD", "/healthz");
    assert_ptr_equal(strstr(text, "HTTP/1.1 200 "), text);
    assert_null(strstr(text, "\r\n\r\nok"));
}

static void everything_else_is_refused(void **state)
{
    (void)state;
    assert_non_null(strstr(ask("GET", "/"), "HTTP/1.1 404 "));
    assert_non_null(strstr(ask("GET", "/metrics/../../etc/passwd"), "HTTP/1.1 404 "));
    assert_non_null(strstr(ask("POST", "/metrics"), "HTTP/1.1 405 "));
    assert_non_null(strstr(ask("DELETE", "/healthz"), "HTTP/1.1 405 "));
}

/* More askers than allowed, all silent: the relay's own work goes on, and later askers are served.
 */
static void silent_askers_do_no_harm(void **state)
{
    struct kit_line idle[40], line;

    (void)state;
    for (int i = 0; i < 40; i++)
        idle[i] = (struct kit_line){.fd = kit_socket(&kit, 2)};
    line = kit_connect(&kit, true);
    assert_true(relay_tls_is_ready(line.tls));
    kit_hang_up(&line);
    for (int i = 0; i < 40; i++)
        kit_hang_up(&idle[i]);
    usleep(100000);
    assert_non_null(strstr(ask("GET", "/healthz"), "HTTP/1.1 200 "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages),
        cmocka_unit_test(everything_else_is_refused),
        cmocka_unit_test(silent_askers_do_no_harm),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
