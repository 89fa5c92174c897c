#include "tests/relay/auth_token.h"

/* rfc4648#10 without padding, and the two characters that differ from plain base64 */
static void test_vectors(void **state)
{
    static const struct {
        struct raw octets;
        const char *text;
    } rows[] = {
        {RAW(""), ""},
        {RAW("f"), "Zg"},
        {RAW("fo"), "Zm8"},
        {RAW("foo"), "Zm9v"},
        {RAW("foob"), "Zm9vYg"},
        {RAW("fooba"), "Zm9vYmE"},
        {RAW("foobar"), "Zm9vYmFy"},
        {RAW("\xfb\xff"), "-_8"},
        {RAW("\0\0"), "AAA"},
        /* rfc7515#A.1.1 */
        {RAW("{\"typ\":\"JWT\",\r\n \"alg\":\"HS256\"}"),
         "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[64];
        uint8_t octets[64];
        size_t n = strlen(rows[i].text);
        assert_int_equal(relay_base64_encode(rows[i].octets.p, rows[i].octets.n, text), n);
        assert_string_equal(text, rows[i].text);
        assert_int_equal(RELAY_BASE64_CHARS(rows[i].octets.n), n);
        assert_int_equal(RELAY_BASE64_OCTETS(n), rows[i].octets.n);
        assert_int_equal(relay_base64_decode(text, n, octets, rows[i].octets.n), rows[i].octets.n);
        assert_memory_equal(octets, rows[i].octets.p, rows[i].octets.n);
        assert_int_equal(relay_base64_decode(text, n, NULL, 0), rows[i].octets.n);
        if (rows[i].octets.n)
            assert_int_equal(relay_base64_decode(text, n, octets, rows[i].octets.n - 1),
                             RELAY_E_JWS_BASE64);
    }
}

static void test_strict(void **state)
{
    static const struct raw bad[] = {
        RAW("A"),    RAW("AAAAA"), RAW("Zg=="),     RAW("Zm8="), RAW("Z g"),
        RAW("Zg\n"), RAW(" Zg"),   RAW("Zm+v"),     RAW("Zm/v"), RAW("Zh"),
        RAW("Zm9"),  RAW("A\0AA"), RAW("\xc3\xa9"), RAW("Zg."),  RAW("Zm9vYg\0"),
    };
    uint8_t out[16];
    (void)state;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(relay_base64_decode(bad[i].p, bad[i].n, out, sizeof out),
                         RELAY_E_JWS_BASE64);
}

/* Any two characters decode in one way only: what decodes, encodes to itself. */
static void test_canonical(void **state)
{
    int accepted = 0;
    (void)state;

    for (int a = 0; a < 256; a++)
        for (int b = 0; b < 256; b++) {
            char text[2] = {(char)a, (char)b}, again[4];
            uint8_t octet;
            if (relay_base64_decode(text, 2, &octet, 1) != 1)
                continue;
            accepted++;
            assert_int_equal(relay_base64_encode(&octet, 1, again), 2);
            assert_memory_equal(again, text, 2);
        }
    assert_int_equal(accepted, 256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_strict),
        cmocka_unit_test(test_canonical),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
