/* The log: one record is one line of printable ASCII, whatever a field holds (T30, T31). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "relay/auth/json.h"
#include "relay/err.h"
#include "relay/ops/log.h"

enum { NOW = 1700000000 };
static const int64_t now_ms = (int64_t)NOW * 1000 + 7;

static struct relay_event refusal(void)
{
    return (struct relay_event){.kind = RELAY_EVENT_REFUSED,
                                .err = RELAY_E_SDS_NOT_MEMBER,
                                .status = 403,
                                .conn = 7,
                                .source = "192.0.2.1",
                                .user = "sip:dave@iops.example",
                                .target = "sip:rescue-1@iops.example",
                                .tid = "a786hjs2",
                                .session = 0xbeef,
                                .bytes = 4711};
}

static void a_refusal_is_one_line(void **state)
{
    struct relay_event event = refusal();
    char out[RELAY_LOG_LINE];

    (void)state;
    relay_log_print(out, sizeof out, true, &event, 0, now_ms);
    assert_string_equal(
        out, "{\"time\":\"2023-11-14T22:13:20.007Z\",\"level\":\"info\",\"event\":\"REFUSED\","
             "\"reason\":\"sds_not_member\",\"text\":\"the sender is not in the group\","
             "\"answer\":403,\"conn\":7,\"source\":\"192.0.2.1\","
             "\"user\":\"sip:dave@iops.example\",\"target\":\"sip:rescue-1@iops.example\","
             "\"tid\":\"a786hjs2\",\"session\":\"0000beef\",\"bytes\":4711}");
    relay_log_print(out, sizeof out, false, &event, 3, now_ms);
    assert_string_equal(out,
                        "2023-11-14T22:13:20.007Z info event=\"REFUSED\" reason=\"sds_not_member\" "
                        "text=\"the sender is not in the group\" answer=403 conn=7 "
                        "source=\"192.0.2.1\" user=\"sip:dave@iops.example\" "
                        "target=\"sip:rescue-1@iops.example\" tid=\"a786hjs2\" "
                        "session=\"0000beef\" bytes=4711 suppressed=3");
}

static void printable(const char *out, size_t n)
{
    assert_int_equal(strlen(out), n);
    for (size_t i = 0; i < n; i++)
        assert_in_range((unsigned char)out[i], 0x20, 0x7e);
}

/* Every octet value in every field, in both forms. */
static void no_octet_breaks_the_line(void **state)
{
    (void)state;
    for (unsigned c = 1; c < 256; c++) {
        for (int field = 0; field < 4; field++) {
            struct relay_event event = refusal();
            char *fields[] = {event.source, event.user, event.target, event.tid}, expected[32];
            char out[RELAY_LOG_LINE];
            struct relay_json *json = NULL;

            snprintf(fields[field], sizeof event.tid, "a%cb", (int)c);
            if (c < 0x20 || c > 0x7e || c == '"' || c == '\\')
                snprintf(expected, sizeof expected, "\"a\\u%04xb\"", c);
            else
                snprintf(expected, sizeof expected, "\"a%cb\"", (int)c);
            size_t n = relay_log_print(out, sizeof out, true, &event, 0, now_ms);
            printable(out, n);
            assert_non_null(strstr(out, expected));
            assert_int_equal(relay_json_parse(out, n, sizeof out, &json), 0);
            relay_json_free(json);
            n = relay_log_print(out, sizeof out, false, &event, 0, now_ms);
            printable(out, n);
            assert_non_null(strstr(out, expected));
        }
    }
}

/* The longest event, each octet escaped, is still a whole JSON line. */
static void the_longest_event_fits(void **state)
{
    struct relay_event event = refusal();
    char out[RELAY_LOG_LINE];
    struct relay_json *json = NULL;
    size_t n;

    (void)state;
    memset(event.source, 1, sizeof event.source - 1);
    memset(event.user, 0xff, sizeof event.user - 1);
    memset(event.target, '\n', sizeof event.target - 1);
    memset(event.tid, '"', sizeof event.tid - 1);
    event.conn = event.bytes = UINT64_MAX;
    event.count = UINT32_MAX;
    n = relay_log_print(out, sizeof out, true, &event, UINT64_MAX, now_ms);
    printable(out, n);
    assert_int_equal(relay_json_parse(out, n, sizeof out, &json), 0);
    relay_json_free(json);
}

struct kept {
    struct relay_settings settings;
    struct relay_log *log;
    char path[32], text[65536];
};

static void open_log(struct kept *kept, enum relay_log_level level)
{
    char why[RELAY_CONF_WHY];

    memset(kept, 0, sizeof *kept);
    strcpy(kept->path, "/tmp/relay-log-XXXXXX");
    close(mkstemp(kept->path));
    kept->settings = (struct relay_settings){
        .log_file = kept->path, .log_level = level, .log_format = RELAY_LOG_AUTO};
    kept->log = relay_log_new(&kept->settings, why, sizeof why);
    assert_non_null(kept->log);
}

/* Reads what was written; returns the lines. */
static size_t lines(struct kept *kept)
{
    FILE *file = fopen(kept->path, "r");
    size_t n = fread(kept->text, 1, sizeof kept->text - 1, file), count = 0;

    kept->text[n] = '\0';
    fclose(file);
    for (size_t i = 0; i < n; i++)
        count += kept->text[i] == '\n';
    return count;
}

static void close_log(struct kept *kept)
{
    relay_log_free(kept->log);
    remove(kept->path);
}

static void a_reason_is_limited_and_counted(void **state)
{
    static struct kept kept;
    struct relay_event event = refusal(), other = refusal();

    (void)state;
    other.err = RELAY_E_SDS_NO_GROUP;
    open_log(&kept, RELAY_LOG_INFO);
    for (int i = 0; i < 1000; i++)
        relay_log_event(kept.log, &event, now_ms);
    assert_int_equal(lines(&kept), RELAY_LOG_BURST);
    relay_log_event(kept.log, &other, now_ms); /* another reason has a budget of its own */
    assert_int_equal(lines(&kept), RELAY_LOG_BURST + 1);
    assert_null(strstr(kept.text, "suppressed"));
    relay_log_event(kept.log, &event, now_ms + 1000);
    assert_int_equal(lines(&kept), RELAY_LOG_BURST + 2);
    assert_non_null(strstr(kept.text, "\"suppressed\":980}\n"));
    close_log(&kept);
}

/* Anybody can make handshakes fail: their lines are limited, warnings and errors are not. */
static void notes_are_limited_below_a_warning(void **state)
{
    static struct kept kept;

    (void)state;
    open_log(&kept, RELAY_LOG_INFO);
    for (int i = 0; i < 100; i++)
        relay_log_note(kept.log, RELAY_LOG_INFO, "tls", "failed", now_ms);
    assert_int_equal(lines(&kept), RELAY_LOG_BURST);
    for (int i = 0; i < 100; i++)
        relay_log_note(kept.log, RELAY_LOG_ERROR, "alarm", "bad file", now_ms);
    assert_int_equal(lines(&kept), RELAY_LOG_BURST + 100);
    assert_null(strstr(kept.text, "suppressed"));
    relay_log_note(kept.log, RELAY_LOG_INFO, "tls", "failed", now_ms + 1000);
    assert_int_equal(lines(&kept), RELAY_LOG_BURST + 101);
    assert_non_null(strstr(kept.text, "\"suppressed\":80}\n"));
    close_log(&kept);
}

static void the_level_is_obeyed(void **state)
{
    static struct kept kept;
    struct relay_event event = {.kind = RELAY_EVENT_CONN_OPEN, .conn = 1};

    (void)state;
    open_log(&kept, RELAY_LOG_WARN);
    relay_log_event(kept.log, &event, now_ms);
    event.kind = RELAY_EVENT_AUTH_OK;
    relay_log_event(kept.log, &event, now_ms);
    relay_log_note(kept.log, RELAY_LOG_INFO, "start", "ready", now_ms);
    assert_int_equal(lines(&kept), 0);
    event.kind = RELAY_EVENT_ALARM;
    relay_log_event(kept.log, &event, now_ms);
    relay_log_note(kept.log, RELAY_LOG_WARN, "tls", "a\nb\x1b[31m", now_ms);
    assert_int_equal(lines(&kept), 2);
    assert_non_null(strstr(kept.text, "{\"time\":\"2023-11-14T22:13:20.007Z\",\"level\":\"warn\","
                                      "\"event\":\"tls\",\"text\":\"a\\u000ab\\u001b[31m\"}\n"));
    close_log(&kept);
}

static void a_note_of_any_length_is_one_line(void **state)
{
    static struct kept kept;
    size_t octets = 0;
    char text[2000];

    (void)state;
    memset(text, '\r', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    open_log(&kept, RELAY_LOG_INFO);
    relay_log_note(kept.log, RELAY_LOG_INFO, text, text, now_ms);
    assert_int_equal(lines(&kept), 1);
    /* each field is cut after RELAY_LOG_FIELD octets, here \u000d each */
    for (const char *p = kept.text; (p = strstr(p, "\\u000d")); p += 6)
        octets++;
    assert_int_equal(octets, 2 * RELAY_LOG_FIELD);
    close_log(&kept);
}

static void a_renamed_file_is_opened_anew(void **state)
{
    static struct kept kept;
    char old[40];

    (void)state;
    open_log(&kept, RELAY_LOG_INFO);
    relay_log_note(kept.log, RELAY_LOG_INFO, "one", "1", now_ms);
    snprintf(old, sizeof old, "%s.1", kept.path);
    assert_int_equal(rename(kept.path, old), 0);
    relay_log_reopen(kept.log);
    relay_log_note(kept.log, RELAY_LOG_INFO, "two", "2", now_ms);
    assert_int_equal(lines(&kept), 1);
    assert_non_null(strstr(kept.text, "\"two\""));
    remove(old);
    close_log(&kept);
}

static void a_file_that_cannot_be_written_is_named(void **state)
{
    char path[] = "/nowhere/log", why[RELAY_CONF_WHY];
    struct relay_settings settings = {.log_file = path};

    (void)state;
    assert_null(relay_log_new(&settings, why, sizeof why));
    assert_ptr_equal(strstr(why, "/nowhere/log: No such file"), why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refusal_is_one_line),
        cmocka_unit_test(no_octet_breaks_the_line),
        cmocka_unit_test(the_longest_event_fits),
        cmocka_unit_test(a_reason_is_limited_and_counted),
        cmocka_unit_test(notes_are_limited_below_a_warning),
        cmocka_unit_test(the_level_is_obeyed),
        cmocka_unit_test(a_note_of_any_length_is_one_line),
        cmocka_unit_test(a_renamed_file_is_opened_anew),
        cmocka_unit_test(a_file_that_cannot_be_written_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
