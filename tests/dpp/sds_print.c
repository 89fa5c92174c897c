/* sds_print.c - messages as text and as JSON: the vectors, the calendar, what is escaped, what does
 * not fit. Every JSON is read back by a parser that is not ours. */
#include "dpp/sds/print.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "dpp/err.h"
#include "tests/dpp/hex.h"

static char printed[4096];

static const char *print(const char *text, bool is_json)
{
    struct hex h = hex_read(text);
    struct dpp_msg m;
    struct dpp_out o;

    assert_int_equal(dpp_msg_parse(&m, h.p, h.n, NULL), 0);
    dpp_cur_out(&o, printed, sizeof printed - 1);
    assert_int_equal(is_json ? dpp_print_json(&o, &m) : dpp_print_text(&o, &m), 0);
    printed[o.n] = '\0';
    free(h.p);
    if (is_json) {
        cJSON *json = cJSON_ParseWithOpts(printed, NULL, 1);
        assert_true(cJSON_IsObject(json));
        cJSON_Delete(json);
    }
    return printed;
}

/* O1 of mcdata-messages 9 */
static const char O1[] =
    "010065f0c2a000112233445566778899aabbccddeeff0f1e2d3c4b5a69788796a5b4c3d2e1f021ffffffffeeeedddd"
    "ccccbbbbaaaa99992201837d000a016170703a2f2f782f315100147369703a616c696365406d63646174612e6f726"
    "7";

static void test_signalling(void **state)
{
    (void)state;
    assert_string_equal(print(O1, false),
                        "message: SDS SIGNALLING PAYLOAD\n"
                        "  date and time: 2024-03-12T21:01:20Z\n"
                        "  conversation ID: 00112233-4455-6677-8899-aabbccddeeff\n"
                        "  message ID: 0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0\n"
                        "  InReplyTo message ID: ffffffff-eeee-dddd-cccc-bbbbaaaa9999\n"
                        "  Application ID: BROADBAND CALLOUT\n"
                        "  SDS disposition request type: DELIVERY AND READ\n"
                        "  Extended application ID:\n"
                        "    type: TEXT\n"
                        "    text: \"app://x/1\"\n"
                        "  Sender MCData user ID: \"sip:alice@mcdata.org\"\n");
    assert_string_equal(print(O1, true),
                        "{\"message\":\"SDS SIGNALLING PAYLOAD\","
                        "\"date_and_time\":\"2024-03-12T21:01:20Z\","
                        "\"conversation_id\":\"00112233-4455-6677-8899-aabbccddeeff\","
                        "\"message_id\":\"0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0\","
                        "\"inreplyto_message_id\":\"ffffffff-eeee-dddd-cccc-bbbbaaaa9999\","
                        "\"application_id\":\"BROADBAND CALLOUT\","
                        "\"sds_disposition_request_type\":\"DELIVERY AND READ\","
                        "\"extended_application_id\":{\"type\":\"TEXT\",\"text\":\"app://x/1\"},"
                        "\"sender_mcdata_user_id\":\"sip:alice@mcdata.org\"}");
}

/* O2, O6 and the rest of table 15.2.13-2 */
static void test_payloads(void **state)
{
    static const char six[] = "0306"
                              "78000301"
                              "6869"
                              "780003"
                              "06002a"
                              "780007"
                              "05457ccc01a1b3"
                              "780003"
                              "02beef"
                              "780002"
                              "0501"
                              "780003"
                              "63ff00";

    (void)state;
    assert_string_equal(print(six, false), "message: DATA PAYLOAD\n"
                                           "  number of payloads: 6\n"
                                           "  Payload:\n"
                                           "    content type: TEXT\n"
                                           "    text: \"hi\"\n"
                                           "  Payload:\n"
                                           "    content type: ENHANCED STATUS\n"
                                           "    status: 42\n"
                                           "  Payload:\n"
                                           "    content type: LOCATION\n"
                                           "    latitude: 48.858390\n"
                                           "    longitude: 2.294490\n"
                                           "  Payload:\n"
                                           "    content type: BINARY\n"
                                           "    data: beef\n"
                                           "  Payload:\n"
                                           "    content type: LOCATION\n"
                                           "    data: 01\n"
                                           "  Payload:\n"
                                           "    content type: reserved (99)\n"
                                           "    data: ff00\n");
    assert_string_equal(
        print(six, true),
        "{\"message\":\"DATA PAYLOAD\",\"number_of_payloads\":6,\"payloads\":["
        "{\"element\":\"Payload\",\"content_type\":\"TEXT\",\"text\":\"hi\"},"
        "{\"element\":\"Payload\",\"content_type\":\"ENHANCED STATUS\",\"status\":42},"
        "{\"element\":\"Payload\",\"content_type\":\"LOCATION\",\"latitude\":48.858390,"
        "\"longitude\":2.294490},"
        "{\"element\":\"Payload\",\"content_type\":\"BINARY\",\"data\":\"beef\"},"
        "{\"element\":\"Payload\",\"content_type\":\"LOCATION\",\"data\":\"01\"},"
        "{\"element\":\"Payload\",\"content_type\":99,\"data\":\"ff00\"}]}");
    /* south and west: ts23032#6.1 */
    assert_non_null(strstr(print("0301780007"
                                 "05800001ffffff",
                                 false),
                           "latitude: -0.000011\n    longitude: -0.000021\n"));
    assert_non_null(strstr(print("030178000206"
                                 "00",
                                 true),
                           "\"data\":\"00\""));
}

/* O7 with an element behind it: the clear header, nothing more. ts33180#8.5.4.1 */
#define HEADER "0065f0c2a0000000010101000102030405060708090a0b0c0d0e0f70000001"

static void test_protected_shows_the_clear_header(void **state)
{
    (void)state;
    assert_string_equal(print("43" HEADER "000003c0ffee", false),
                        "message: DATA PAYLOAD\n"
                        "  protected: yes\n"
                        "  frame type: DATA PAYLOAD\n"
                        "  date and time: 2024-03-12T21:01:20Z\n"
                        "  payload id: 1\n"
                        "  payload sequence number: 1\n"
                        "  algorithm: AEAD_AES_128_GCM\n"
                        "  iv: 000102030405060708090a0b0c0d0e0f\n"
                        "  dppk id: 70000001\n"
                        "  payload element: 0\n"
                        "  protected octets: 3\n");
    assert_null(strstr(print("43" HEADER "000003c0ffee", true), "c0ffee"));
    assert_non_null(strstr(printed, "\"dppk_id\":\"70000001\""));
    assert_non_null(strstr(print("c1" HEADER "000004c0ffee", false),
                           "authenticated: yes, not verified\n  protected: yes\n"));
    assert_non_null(strstr(printed, "missing octets: 1\n"));
    assert_non_null(strstr(print("45" HEADER "000001c0ffee", false), "octets behind: 2\n"));
    assert_non_null(strstr(print("43" HEADER, false), "short frame: 43"));
    /* the same header inside an element 7A; an algorithm and a type we do not know */
    assert_non_null(strstr(print("03017a0026"
                                 "43" HEADER "000003c0ffee",
                                 false),
                           "  Security parameters and payload:\n    frame type: DATA PAYLOAD\n"));
    assert_non_null(strstr(print("43"
                                 "0065f0c2a0"
                                 "00000001"
                                 "02"
                                 "02"
                                 "00000000000000000000000000000000"
                                 "00000001"
                                 "000000",
                                 true),
                           "\"algorithm\":\"AEAD_AES_256_GCM\""));
    assert_non_null(strstr(print("03017a0023"
                                 "3f"
                                 "0065f0c2a0"
                                 "00000001"
                                 "02"
                                 "07"
                                 "00000000000000000000000000000000"
                                 "00000001"
                                 "000000",
                                 true),
                           "\"frame_type\":\"UNKNOWN\""));
    assert_non_null(strstr(printed, "\"algorithm\":7"));
}

static void test_every_kind_of_message(void **state)
{
    static const char ids[] = "00112233445566778899aabbccddeeff0f1e2d3c4b5a69788796a5b4c3d2e1f0";
    char text[512];

    (void)state;
    snprintf(text, sizeof text, "05030000000000%s", ids);
    assert_non_null(strstr(print(text, false), "SDS disposition notification type: READ\n"));
    snprintf(text, sizeof text, "05090000000000%s", ids);
    assert_non_null(strstr(print(text, false), "notification type: reserved (9)\n"));
    assert_non_null(strstr(print(text, true), "\"sds_disposition_notification_type\":9"));
    snprintf(text, sizeof text, "06040000000000%s", ids);
    assert_non_null(strstr(print(text, false), ": FILE DOWNLOAD DEFERRED\n"));
    snprintf(text, sizeof text,
             "09020000000000%s78000204"
             "61",
             ids);
    assert_non_null(strstr(print(text, true), "\"notification_type\":\"FILE DELETED"));
    assert_non_null(strstr(printed, "\"payload\":{\"content_type\":\"FILEURL\",\"text\":\"a\"}"));
    snprintf(text, sizeof text, "0d%s03b1c1d2", ids);
    assert_non_null(
        strstr(print(text, false), "termination information type: TRANSMISSION STOPPED"));
    assert_non_null(strstr(printed, "Release response type: FAILED\n"));
    snprintf(text, sizeof text,
             "0800"
             "0000000000%s"
             "0003"
             "613a62",
             ids);
    assert_non_null(strstr(print(text, false), "sender: \"a:b\"\n"));
    snprintf(text, sizeof text,
             "010000000000%s7e000201ff"
             "33"
             "00",
             ids);
    assert_non_null(strstr(print(text, false), "User location: 01ff\n  octets ignored: 2\n"));
    assert_string_equal(print("0a0102", true),
                        "{\"message\":\"COMMUNICATION RELEASE\",\"opaque\":\"0102\"}");
    /* a signature behind an authenticated message */
    size_t n = (size_t)snprintf(text, sizeof text, "8a55");
    memset(text + n, '7', 2 * DPP_MSG_SIGNATURE_SIZE);
    text[n + 2 * DPP_MSG_SIGNATURE_SIZE] = '\0';
    assert_non_null(strstr(print(text, false), "opaque: 55\n  signature: 7777"));
    assert_non_null(strstr(printed, "77... (129 octets)\n")); /* text is cut after 64 */
    assert_null(strstr(print(text, true), "..."));            /* JSON is not */

    struct dpp_msg none = {.code = 0x3f};
    struct dpp_out o;
    dpp_cur_out(&o, printed, sizeof printed);
    assert_int_equal(dpp_print_json(&o, &none), 0);
    assert_memory_equal(printed, "{\"message\":\"UNKNOWN\"}", o.n);
}

static const char *print_payload_text(const char *hex, bool is_json)
{
    char text[512];

    snprintf(text, sizeof text,
             "0301"
             "78%04zx01%s",
             strlen(hex) / 2 + 1, hex);
    print(text, is_json);
    return printed;
}

static void test_text_cannot_reach_the_terminal(void **state)
{
    (void)state;
    /* ESC [ 2 J, quote, backslash, line feed, tab, DEL, NUL */
    assert_non_null(strstr(print_payload_text("1b5b324a"
                                              "225c"
                                              "0a09"
                                              "7f00",
                                              false),
                           "text: \"\\u001b[2J\\\"\\\\\\n\\u0009\\u007f\\u0000\"\n"));
    assert_non_null(strstr(print_payload_text("1b5b324a"
                                              "225c"
                                              "0a09"
                                              "7f00",
                                              true),
                           "\"text\":\"\\u001b[2J\\\"\\\\\\n\\u0009\\u007f\\u0000\"}"));
    /* U+009B (CSI), U+202E (override), U+2066 (isolate), U+200F, then letters of 2 to 4 octets */
    assert_non_null(strstr(print_payload_text("c29b"
                                              "e280ae"
                                              "e281a6"
                                              "e2808f"
                                              "c3a9"
                                              "f09f9880",
                                              false),
                           "text: \"\\u009b\\u202e\\u2066\\u200f\xc3\xa9\xf0\x9f\x98\x80\"\n"));
    /* no UTF-8 at all */
    assert_non_null(strstr(print_payload_text("c328", false), "text hex: c328\n"));
    assert_non_null(strstr(print_payload_text("c328", true), "\"text_hex\":\"c328\""));
    assert_non_null(strstr(print_payload_text("", true), "\"text\":\"\""));
}

static void test_calendar(void **state)
{
    static const struct {
        uint64_t time_s;
        const char *want;
    } rows[] = {
        {0, "1970-01-01T00:00:00Z"},
        {951782399, "2000-02-28T23:59:59Z"},
        {951782400, "2000-02-29T00:00:00Z"},
        {951868800, "2000-03-01T00:00:00Z"},
        {1709164800, "2024-02-29T00:00:00Z"},
        {1709251200, "2024-03-01T00:00:00Z"},
        {1704067199, "2023-12-31T23:59:59Z"},
        {1790775600, "2026-09-30T13:40:00Z"},
        {4107542400, "2100-03-01T00:00:00Z"},
        {4107542399, "2100-02-28T23:59:59Z"},
        {253402300799, "9999-12-31T23:59:59Z"},
        {253402300800, "253402300800"},
        {(1ull << 40) - 1, "1099511627775"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct dpp_out o;
        dpp_cur_out(&o, printed, sizeof printed);
        dpp_print_time(&o, rows[i].time_s);
        assert_int_equal(o.n, strlen(rows[i].want));
        assert_memory_equal(printed, rows[i].want, o.n);
    }
}

static void test_what_does_not_fit_is_an_error(void **state)
{
    struct hex h = hex_read(O1);
    struct dpp_msg m;
    struct dpp_out o;

    (void)state;
    assert_int_equal(dpp_msg_parse(&m, h.p, h.n, NULL), 0);
    dpp_cur_out(&o, printed, sizeof printed);
    assert_int_equal(dpp_print_text(&o, &m), 0);
    for (size_t cap = 0, whole = o.n; cap < whole; cap++) {
        char *small = malloc(cap ? cap : 1);
        dpp_cur_out(&o, small, cap);
        assert_int_equal(dpp_print_text(&o, &m), DPP_E_SPACE);
        assert_memory_equal(small, printed, o.n);
        dpp_cur_out(&o, small, cap);
        assert_int_equal(dpp_print_json(&o, &m), DPP_E_SPACE);
        free(small);
    }
    free(h.p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signalling),
        cmocka_unit_test(test_payloads),
        cmocka_unit_test(test_protected_shows_the_clear_header),
        cmocka_unit_test(test_every_kind_of_message),
        cmocka_unit_test(test_text_cannot_reach_the_terminal),
        cmocka_unit_test(test_calendar),
        cmocka_unit_test(test_what_does_not_fit_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
