/* What the service manager is told. */
#include <sys/un.h>

#include "tests/relay/loop_kit.h"

static void the_manager_hears_ready_watchdog_stopping(const char *name, bool is_abstract)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    size_t n = strlen(name);
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    bool ready = false, watchdog = false, stopping = false;
    char text[64];
    struct kit kit;
    ssize_t got;

    memcpy(sa.sun_path, name, n);
    if (is_abstract)
        sa.sun_path[0] = '\0';
    assert_int_equal(
        bind(fd, (struct sockaddr *)&sa, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)),
        0);
    setenv("NOTIFY_SOCKET", name, 1);
    setenv("WATCHDOG_USEC", "100000", 1);
    unsetenv("WATCHDOG_PID");
    kit_init(&kit);
    kit_start(&kit);
    for (int i = 0; i < 3; i++) { /* READY, then the watchdog at least twice */
        got = recv(fd, text, sizeof text - 1, 0);
        assert_true(got > 0);
        text[got] = '\0';
        ready = ready || strcmp(text, "READY=1") == 0;
        watchdog = watchdog || strcmp(text, "WATCHDOG=1") == 0;
    }
    assert_true(ready && watchdog);
    kit_stop(&kit);
    while ((got = recv(fd, text, sizeof text - 1, MSG_DONTWAIT)) > 0) {
        text[got] = '\0';
        stopping = stopping || strcmp(text, "STOPPING=1") == 0;
    }
    assert_true(stopping);
    close(fd);
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
}

static void by_path(void **state)
{
    char path[64];

    (void)state;
    snprintf(path, sizeof path, "/tmp/relay-notify-%d", (int)getpid());
    the_manager_hears_ready_watchdog_stopping(path, false);
    unlink(path);
}

static void by_abstract_name(void **state)
{
    char path[64];

    (void)state;
    snprintf(path, sizeof path, "@relay-notify-%d", (int)getpid());
    the_manager_hears_ready_watchdog_stopping(path, true);
}

static void a_manager_that_is_not_there_does_no_harm(void **state)
{
    static const char *const names[] = {"", "/", "/nowhere/at/all", "relative", "@"};
    struct kit kit;

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        setenv("NOTIFY_SOCKET", names[i], 1);
        kit_init(&kit);
        kit_start(&kit);
        kit_stop(&kit);
    }
    unsetenv("NOTIFY_SOCKET");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_path),
        cmocka_unit_test(by_abstract_name),
        cmocka_unit_test(a_manager_that_is_not_there_does_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
