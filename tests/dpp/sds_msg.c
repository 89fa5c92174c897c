/* sds_msg.c - the messages: vectors R1-R11 and O1-O7 of mcdata-messages 9, every head and every
 * element cut at every octet, the skip rule inside a message. ts24282#15.1 */
#include "dpp/sds/msg.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "dpp/err.h"
#include "tests/dpp/hex.h"

#define CONV_O "112233445566778899aabbccddeeff0f"

static const char R1[] =
    "01006abd11303f2a1b0c4d5e4f60a1b2c3d4e5f60718a10000000000400080000000000000"
    "0181";
static const char R2[] = "030178000e01ed9884ec9ea520eb8f84ecb0a9";
static const char R3[] =
    "01006abd11307c6b5a49384736a5b4c3d2e1f0091827a10000000000400080000000000000"
    "0281";
static const char R4[] = "030178000e01ed9995ec9db820ebb094eb9e8c";
static const char R5[] =
    "010102030405aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
    "81";
static const char R6[] = "0301780003016869";
static const char R8[] =
    "0100000000000102030405060708090a0b0c0d0e0f10f0efeeedecebeae9e8e7e6e5e4e3e2e1";
static const char R9[] =
    "050300000000000102030405060708090a0b0c0d0e0f10f0efeeedecebeae9e8e7e6e5e4e3e2e1";
static const char R11[] =
    "02006abd11303f2a1b0c4d5e4f60a1b2c3d4e5f60718a100000000004000800000000000000378005004"
    "68747470733a2f2f6373632e7074742e63696d732e6578616d706c652e6b723a343433302f6d63646174612f66642f"
    "3031323334353637383961626364656630313233343536373839616263646566"
    "79002d6e616d653a22736974652d6d61702e706e67222073697a653a343832313320747970653a696d6167652f706e"
    "67";
static const char O1[] =
    "010065f0c2a000112233445566778899aabbccddeeff0f1e2d3c4b5a69788796a5b4c3d2e1f021ffffffffeeeedddd"
    "ccccbbbbaaaa99992201837d000a016170703a2f2f782f315100147369703a616c696365406d63646174612e6f726"
    "7";
static const char O2[] = "03037800060168656c6c6f78000b03687474703a2f2f612f6278000306002a";
static const char O3[] =
    "05040065f0c2a000112233445566778899aabbccddeeff0f1e2d3c4b5a69788796a5b4c3d2e1f0";
static const char O4[] =
    "070065f0c2a00100112233445566778899aabbccddeeff0f1e2d3c4b5a69788796a5b4c3d2e1f000147369703a616c"
    "696365406d63646174612e6f7267817b00117369703a6731406d63646174612e6f72677800060168656c6c6f";
static const char O5[] =
    "08020065f0c2a000112233445566778899aabbccddeeff0f1e2d3c4b5a69788796a5b4c3d2e1f000127369703a626f"
    "62406d63646174612e6f7267";
static const char O7[] = "430065f0c2a0000000010101000102030405060708090a0b0c0d0e0f70000001";

/* Made here: the two heads without a vector, with their elements. */
static const char FD_NETWORK[] =
    "09010065f0c2a000112233445566778899aabbccddeeff0f1e2d3c4b5a69788796a5b4c3d2e1f0"
    "2205"
    "78000204"
    "61";
static const char FD_TERMINATION[] =
    "0d00112233445566778899aabbccddeeff0f1e2d3c4b5a69788796a5b4c3d2e1f001c1d27800020461";
static const char FD_NOTIFICATION[] =
    "06030065f0c2a000112233445566778899aabbccddeeff0f1e2d3c4b5a69788796a5b4c3d2e1f02201";

static void parse(struct dpp_msg *m, struct hex *h, const char *text)
{
    *h = hex_read(text);
    assert_int_equal(dpp_msg_parse(m, h->p, h->n, NULL), 0);
}

static int parse_error(const char *text, size_t *at)
{
    struct hex h = hex_read(text);
    struct dpp_msg m;
    int err = dpp_msg_parse(&m, h.p, h.n, at);

    free(h.p);
    return err;
}

static void assert_span(struct dpp_span got, const char *want)
{
    assert_int_equal(got.n, strlen(want));
    assert_memory_equal(got.p, want, got.n);
}

static void assert_hex(const uint8_t *got, const char *want)
{
    struct hex h = hex_read(want);

    assert_memory_equal(got, h.p, h.n);
    free(h.p);
}

static void assert_payload(const struct dpp_msg *m, size_t *at, uint8_t content, const char *text)
{
    struct dpp_ie ie;
    struct dpp_span data;
    uint8_t got;

    assert_int_equal(dpp_msg_payload_next(m, at, &ie), 1);
    assert_int_equal(ie.id, DPP_IE_PAYLOAD);
    assert_int_equal(dpp_ie_payload(ie.value, &got, &data), 0);
    assert_int_equal(got, content);
    assert_span(data, text);
}

static void assert_no_payload(const struct dpp_msg *m, size_t *at)
{
    struct dpp_ie ie;

    assert_int_equal(dpp_msg_payload_next(m, at, &ie), 0);
}

static void test_sds_signalling(void **state)
{
    struct dpp_msg m;
    struct hex h;

    (void)state;
    parse(&m, &h, R1);
    assert_int_equal(m.code, DPP_MSG_SDS_SIGNALLING);
    assert_false(m.is_protected);
    assert_false(m.is_authenticated);
    assert_int_equal(m.time_s, 1790775600);
    assert_hex(m.conversation_id, "3f2a1b0c4d5e4f60a1b2c3d4e5f60718");
    assert_hex(m.message_id, "a1000000000040008000000000000001");
    assert_true(m.optional[DPP_IE_SDS_REQUEST].is_present);
    assert_int_equal(m.optional[DPP_IE_SDS_REQUEST].number, DPP_SDS_REQUEST_DELIVERY);
    assert_false(m.optional[DPP_IE_IN_REPLY_TO].is_present);
    free(h.p);
    parse(&m, &h, R3);
    assert_hex(m.conversation_id, "7c6b5a49384736a5b4c3d2e1f0091827");
    assert_hex(m.message_id, "a1000000000040008000000000000002");
    free(h.p);
    parse(&m, &h, R5);
    assert_int_equal(m.time_s, 0x0102030405);
    assert_hex(m.conversation_id, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    assert_hex(m.message_id, "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
    assert_int_equal(h.n, 39);
    free(h.p);
    parse(&m, &h, R8);
    assert_int_equal(m.time_s, 0);
    assert_false(m.optional[DPP_IE_SDS_REQUEST].is_present);
    free(h.p);
}

static void test_data_payload(void **state)
{
    struct dpp_msg m;
    struct hex h;
    size_t at = 0;

    (void)state;
    parse(&m, &h, R2);
    assert_int_equal(m.code, DPP_MSG_DATA_PAYLOAD);
    assert_int_equal(m.payloads, 1);
    assert_payload(&m, &at, DPP_CONTENT_TEXT, "\xed\x98\x84\xec\x9e\xa5 \xeb\x8f\x84\xec\xb0\xa9");
    assert_no_payload(&m, &at);
    free(h.p);
    parse(&m, &h, R4);
    at = 0;
    assert_payload(&m, &at, DPP_CONTENT_TEXT, "\xed\x99\x95\xec\x9d\xb8 \xeb\xb0\x94\xeb\x9e\x8c");
    free(h.p);
    parse(&m, &h, R6);
    at = 0;
    assert_payload(&m, &at, DPP_CONTENT_TEXT, "hi");
    free(h.p);
    parse(&m, &h, O2);
    at = 0;
    assert_int_equal(m.payloads, 3);
    assert_payload(&m, &at, DPP_CONTENT_TEXT, "hello");
    assert_payload(&m, &at, DPP_CONTENT_HYPERLINKS, "http://a/b");
    struct dpp_ie ie;
    assert_int_equal(dpp_msg_payload_next(&m, &at, &ie), 1);
    assert_int_equal(ie.number, DPP_CONTENT_STATUS);
    assert_hex(ie.value.p, "06002a");
    assert_no_payload(&m, &at);
    free(h.p);
}

/* R7: elements of FD signalling inside SDS signalling, known but not its own, are skipped. */
static void test_foreign_elements_are_skipped(void **state)
{
    static const char R7[] = "91a121"
                             "07070707070707070707070707070707"
                             "2205";
    char text[256];
    struct dpp_msg m;
    struct hex h;

    (void)state;
    snprintf(text, sizeof text, "%.*s%s%s", 76, R5, R7, R5 + 76);
    parse(&m, &h, text);
    assert_false(m.optional[DPP_IE_FD_REQUEST].is_present);
    assert_false(m.optional[DPP_IE_MANDATORY_DOWNLOAD].is_present);
    assert_true(m.optional[DPP_IE_IN_REPLY_TO].is_present);
    assert_hex(m.optional[DPP_IE_IN_REPLY_TO].value.p, "07070707070707070707070707070707");
    assert_int_equal(m.optional[DPP_IE_APPLICATION_ID].number, 5);
    assert_int_equal(m.optional[DPP_IE_SDS_REQUEST].number, DPP_SDS_REQUEST_DELIVERY);
    free(h.p);
    text[0] = '0', text[1] = '2'; /* the same octets as FD signalling: they count */
    parse(&m, &h, text);
    assert_int_equal(m.optional[DPP_IE_FD_REQUEST].number, DPP_FD_REQUEST_COMPLETED_UPDATE);
    assert_int_equal(m.optional[DPP_IE_MANDATORY_DOWNLOAD].number, DPP_MANDATORY_DOWNLOAD_YES);
    assert_false(m.optional[DPP_IE_SDS_REQUEST].is_present);
    free(h.p);
}

/* mcdata-messages 1.4, inside a message */
static void test_unknown_elements_are_skipped(void **state)
{
    char text[512];
    struct dpp_msg m;
    struct hex h;

    (void)state;
    snprintf(text, sizeof text, "%s%s", R8,
             "e5"
             "5500028181"
             "700000"
             "82"
             "f0");
    parse(&m, &h, text);
    assert_int_equal(m.optional[DPP_IE_SDS_REQUEST].number, DPP_SDS_REQUEST_READ);
    assert_int_equal(m.ignored, 0);
    free(h.p);
    snprintf(text, sizeof text, "%s%s", R8,
             "82"
             "33"
             "83ff");
    parse(&m, &h, text);
    assert_int_equal(m.optional[DPP_IE_SDS_REQUEST].number, DPP_SDS_REQUEST_READ);
    assert_int_equal(m.ignored, 3);
    free(h.p);
    /* the first of two wins */
    snprintf(text, sizeof text, "%s%s", R8, "8381");
    parse(&m, &h, text);
    assert_int_equal(m.optional[DPP_IE_SDS_REQUEST].number, DPP_SDS_REQUEST_DELIVERY_AND_READ);
    free(h.p);
}

static void test_notifications(void **state)
{
    struct dpp_msg m;
    struct hex h;

    (void)state;
    parse(&m, &h, R9);
    assert_int_equal(m.code, DPP_MSG_SDS_NOTIFICATION);
    assert_int_equal(m.number, DPP_SDS_DISPOSITION_READ);
    assert_hex(m.conversation_id, "0102030405060708090a0b0c0d0e0f10");
    assert_hex(m.message_id, "f0efeeedecebeae9e8e7e6e5e4e3e2e1");
    free(h.p);
    parse(&m, &h, O3);
    assert_int_equal(m.number, DPP_SDS_DISPOSITION_DELIVERED_READ);
    assert_int_equal(m.time_s, 0x65f0c2a0);
    free(h.p);
    parse(&m, &h, FD_NOTIFICATION);
    assert_int_equal(m.code, DPP_MSG_FD_NOTIFICATION);
    assert_int_equal(m.number, DPP_FD_DISPOSITION_COMPLETED);
    assert_int_equal(m.optional[DPP_IE_APPLICATION_ID].number, DPP_APPLICATION_CALLOUT);
    free(h.p);
    parse(&m, &h, FD_NETWORK);
    assert_int_equal(m.code, DPP_MSG_FD_NETWORK_NOTIFICATION);
    assert_int_equal(m.number, DPP_NOTIFICATION_EXPIRED);
    assert_int_equal(m.optional[DPP_IE_APPLICATION_ID].number, 5);
    assert_int_equal(m.optional[DPP_IE_PAYLOAD].number, DPP_CONTENT_FILEURL);
    free(h.p);
    parse(&m, &h, FD_TERMINATION);
    assert_int_equal(m.code, DPP_MSG_FD_TERMINATION);
    assert_int_equal(m.time_s, 0);
    assert_hex(m.conversation_id, "00"
                                  "112233445566778899aabbccddeeff");
    assert_int_equal(m.number, DPP_TERMINATION_REQUEST);
    assert_int_equal(m.optional[DPP_IE_EXTENSION_RESPONSE].number, 1);
    assert_int_equal(m.optional[DPP_IE_RELEASE_RESPONSE].number, DPP_RELEASE_RESPONSE_FAILED);
    free(h.p);
}

static void test_fd_signalling(void **state)
{
    struct dpp_msg m;
    struct hex h;
    struct dpp_span data;
    uint8_t content;

    (void)state;
    parse(&m, &h, R11);
    assert_int_equal(h.n, 169);
    assert_true(m.optional[DPP_IE_PAYLOAD].is_present);
    assert_int_equal(dpp_ie_payload(m.optional[DPP_IE_PAYLOAD].value, &content, &data), 0);
    assert_int_equal(content, DPP_CONTENT_FILEURL);
    assert_span(data, "https://csc.ptt.cims.example.kr:4430/mcdata/fd/"
                      "0123456789abcdef0123456789abcdef");
    assert_span(m.optional[DPP_IE_METADATA].value,
                "name:\"site-map.png\" size:48213 type:image/png");
    free(h.p);
}

static void test_all_optional_elements(void **state)
{
    struct dpp_msg m;
    struct hex h;

    (void)state;
    parse(&m, &h, O1);
    assert_int_equal(h.n, 94);
    assert_hex(m.optional[DPP_IE_IN_REPLY_TO].value.p, "ffffffffeeeeddddccccbbbbaaaa9999");
    assert_int_equal(m.optional[DPP_IE_APPLICATION_ID].number, 1);
    assert_int_equal(m.optional[DPP_IE_SDS_REQUEST].number, 3);
    assert_int_equal(m.optional[DPP_IE_EXT_APPLICATION_ID].number, DPP_EXT_APPLICATION_TEXT);
    assert_span(m.optional[DPP_IE_EXT_APPLICATION_ID].value, "\x01"
                                                             "app://x/1");
    assert_span(m.optional[DPP_IE_SENDER_ID].value, "sip:alice@mcdata.org");
    free(h.p);
}

static void test_off_network(void **state)
{
    struct dpp_msg m;
    struct hex h;
    size_t at = 0;

    (void)state;
    parse(&m, &h, O4);
    assert_int_equal(h.n, 91);
    assert_int_equal(m.code, DPP_MSG_SDS_OFF_MESSAGE);
    assert_int_equal(m.time_s, 0x65f0c2a0);
    assert_int_equal(m.payloads, 1);
    assert_span(m.sender, "sip:alice@mcdata.org");
    assert_int_equal(m.optional[DPP_IE_SDS_REQUEST].number, 1);
    assert_span(m.optional[DPP_IE_GROUP_ID].value, "sip:g1@mcdata.org");
    assert_false(m.optional[DPP_IE_PAYLOAD].is_present); /* it repeats: see `elements` */
    assert_payload(&m, &at, DPP_CONTENT_TEXT, "hello");
    assert_no_payload(&m, &at);
    free(h.p);
    parse(&m, &h, O5);
    assert_int_equal(m.number, DPP_SDS_DISPOSITION_DELIVERED);
    assert_span(m.sender, "sip:bob@mcdata.org");
    assert_hex(m.conversation_id, "00"
                                  "112233445566778899aabbccddeeff");
    free(h.p);
}

/* R10, O7: the bits beside the code, and a protected message is not walked. ts24282#15.2.2 */
static void test_protected_is_not_walked(void **state)
{
    char text[256];
    struct dpp_msg m;
    struct hex h;
    uint8_t buf[64];

    (void)state;
    snprintf(text, sizeof text, "c1%s", R8 + 2);
    parse(&m, &h, text);
    assert_int_equal(m.code, DPP_MSG_SDS_SIGNALLING);
    assert_true(m.is_protected);
    assert_true(m.is_authenticated);
    assert_ptr_equal(m.whole.p, h.p);
    assert_int_equal(m.whole.n, h.n);
    assert_hex(m.message_id, "00000000000000000000000000000000");
    assert_int_equal(dpp_msg_encode(buf, sizeof buf, &m), DPP_E_PROTECTED);
    free(h.p);
    parse(&m, &h, O7);
    assert_int_equal(m.code, DPP_MSG_DATA_PAYLOAD);
    assert_true(m.is_protected);
    assert_false(m.is_authenticated);
    assert_int_equal(m.payloads, 0);
    size_t at = 0;
    assert_no_payload(&m, &at);
    free(h.p);
    assert_int_equal(parse_error("7f", NULL), DPP_E_MESSAGE_TYPE);
    assert_int_equal(parse_error("41", NULL), 0); /* its length is the frame's business */
}

/* Our reading of 0x80: the signature lies behind the message (profile 8). */
static void test_authenticated_has_a_signature(void **state)
{
    struct hex h = hex_read(R1);
    size_t n = h.n + DPP_MSG_SIGNATURE_SIZE;
    uint8_t *p = malloc(n), buf[256];
    struct dpp_msg m;

    (void)state;
    memcpy(p, h.p, h.n);
    memset(p + h.n, 0x82, DPP_MSG_SIGNATURE_SIZE); /* would read as elements */
    p[0] |= DPP_MSG_AUTHENTICATED;
    assert_int_equal(dpp_msg_parse(&m, p, n, NULL), 0);
    assert_true(m.is_authenticated);
    assert_int_equal(m.optional[DPP_IE_SDS_REQUEST].number, 1);
    assert_int_equal(m.signature.n, DPP_MSG_SIGNATURE_SIZE);
    assert_ptr_equal(m.signature.p, p + h.n);
    assert_int_equal(dpp_msg_encode(buf, sizeof buf, &m), DPP_E_PROTECTED);
    assert_int_equal(dpp_msg_parse(&m, p, h.n, NULL), DPP_E_TRUNCATED);
    assert_int_equal(dpp_msg_parse(&m, p, n - 2, NULL), DPP_E_TRUNCATED); /* head one short */
    free(p);
    free(h.p);
}

static void test_refusals(void **state)
{
    size_t at;

    (void)state;
    assert_int_equal(parse_error("", &at), DPP_E_TRUNCATED);
    assert_int_equal(at, 0);
    assert_int_equal(parse_error("3f", &at), DPP_E_MESSAGE_TYPE); /* R10 */
    assert_int_equal(at, 0);
    assert_int_equal(parse_error("010102", &at), DPP_E_TRUNCATED); /* R10 */
    assert_int_equal(at, 1);
    assert_int_equal(parse_error("00", NULL), DPP_E_MESSAGE_TYPE);
    assert_int_equal(parse_error("04", NULL), DPP_E_MESSAGE_TYPE); /* the gap in the table */
    assert_int_equal(parse_error("0e", NULL), DPP_E_MESSAGE_TYPE);
    assert_int_equal(parse_error("15", NULL), DPP_E_MESSAGE_TYPE); /* the carrier, not a message */
    assert_int_equal(parse_error("0300", &at), DPP_E_PAYLOAD_COUNT);
    assert_int_equal(parse_error("030078000101", NULL), DPP_E_PAYLOAD_COUNT);
    assert_int_equal(parse_error("0301", NULL), DPP_E_PAYLOAD_COUNT);
    assert_int_equal(parse_error("030278000101", NULL), DPP_E_PAYLOAD_COUNT);
    assert_int_equal(parse_error("03017800010178000101", NULL), DPP_E_PAYLOAD_COUNT);
    assert_int_equal(parse_error("03017a000101", NULL), 0);
    assert_int_equal(parse_error("030178000101780001", &at), DPP_E_TRUNCATED);
    assert_int_equal(at, 6);
    assert_int_equal(parse_error("0301780000", &at), DPP_E_IE);
    assert_int_equal(at, 2);
    /* an empty sender */
    assert_int_equal(parse_error("08020065f0c2a0" CONV_O CONV_O "0000", &at), DPP_E_IE);
}

/* Every message cut at every octet: an error, or a shorter message that ends between elements. */
static void test_truncation(void **state)
{
    static const struct {
        const char *text;
        size_t head;
    } all[] = {{R1, 38},         {R2, 2},
               {R8, 38},         {R9, 39},
               {R11, 38},        {O1, 38},
               {O2, 2},          {O3, 39},
               {O4, 61},         {O5, 59},
               {FD_NETWORK, 39}, {FD_TERMINATION, 34},
               {R5, 38},         {FD_NOTIFICATION, 39}};

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct hex h = hex_read(all[i].text);
        for (size_t n = 0; n < h.n; n++) {
            uint8_t *cut = malloc(n ? n : 1);
            struct dpp_msg m;
            size_t at = 0;
            memcpy(cut, h.p, n);
            int err = dpp_msg_parse(&m, cut, n, &at);
            if (n < all[i].head) {
                assert_int_equal(err, DPP_E_TRUNCATED);
                assert_in_range(at, 0, n);
            } else if (err) {
                assert_true(err == DPP_E_TRUNCATED || err == DPP_E_PAYLOAD_COUNT);
                assert_in_range(at, all[i].head, n);
            }
            free(cut);
        }
        free(h.p);
    }
}

static void test_opaque_messages(void **state)
{
    static const uint8_t codes[] = {0x0a, 0x0b, 0x0c, 0x11, 0x12, 0x13, 0x14};

    (void)state;
    for (size_t i = 0; i < sizeof codes; i++) {
        uint8_t octets[] = {codes[i], 0x33, 0x00}, buf[8];
        struct dpp_msg m;
        assert_int_equal(dpp_msg_parse(&m, octets, sizeof octets, NULL), 0);
        assert_int_equal(m.code, codes[i]);
        assert_int_equal(m.opaque.n, 2);
        assert_int_equal(dpp_msg_encode(buf, sizeof buf, &m), sizeof octets);
        assert_memory_equal(buf, octets, sizeof octets);
        assert_int_equal(dpp_msg_parse(&m, octets, 1, NULL), 0);
        assert_int_equal(m.opaque.n, 0);
    }
}

/* What has only known elements in the order of its table comes out octet for octet. */
static void test_encode_gives_the_same_octets(void **state)
{
    static const char *const all[] = {R1,
                                      R2,
                                      R3,
                                      R4,
                                      R5,
                                      R6,
                                      R8,
                                      R9,
                                      R11,
                                      O1,
                                      O2,
                                      O3,
                                      O4,
                                      O5,
                                      FD_NETWORK,
                                      FD_TERMINATION,
                                      FD_NOTIFICATION};

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct dpp_msg m;
        struct hex h;
        uint8_t buf[256];
        parse(&m, &h, all[i]);
        assert_int_equal(dpp_msg_encode(buf, sizeof buf, &m), (ssize_t)h.n);
        assert_memory_equal(buf, h.p, h.n);
        for (size_t cap = 0; cap < h.n; cap++) {
            uint8_t *small = malloc(cap ? cap : 1);
            assert_int_equal(dpp_msg_encode(small, cap, &m), DPP_E_SPACE);
            free(small);
        }
        free(h.p);
    }
}

static void test_encode_refuses(void **state)
{
    uint8_t buf[128];
    struct dpp_msg m = {.code = 4};

    (void)state;
    assert_int_equal(dpp_msg_encode(buf, sizeof buf, &m), DPP_E_MESSAGE_TYPE);
    m = (struct dpp_msg){.code = DPP_MSG_SDS_SIGNALLING, .time_s = 1ull << 40};
    assert_int_equal(dpp_msg_encode(buf, sizeof buf, &m), DPP_E_VALUE);
    m = (struct dpp_msg){.code = DPP_MSG_SDS_OFF_NOTIFICATION};
    assert_int_equal(dpp_msg_encode(buf, sizeof buf, &m), DPP_E_IE);
    m.sender = (struct dpp_span){.p = buf, .n = 65536};
    assert_int_equal(dpp_msg_encode(buf, sizeof buf, &m), DPP_E_LONG);
    m = (struct dpp_msg){.code = DPP_MSG_SDS_SIGNALLING};
    m.optional[DPP_IE_SDS_REQUEST] = (struct dpp_msg_optional){.is_present = true, .number = 16};
    assert_int_equal(dpp_msg_encode(buf, sizeof buf, &m), DPP_E_IE);
    m = (struct dpp_msg){.code = DPP_MSG_DATA_PAYLOAD};
    assert_int_equal(dpp_msg_encode(buf, sizeof buf, &m), DPP_E_PAYLOAD_COUNT);
    m.payloads = 2;
    assert_int_equal(dpp_msg_encode(buf, sizeof buf, &m),
                     2); /* the head alone, to be appended to */
    assert_memory_equal(buf, "\x03\x02", 2);
    static const uint8_t one[] = {0x78, 0, 1, 1};
    m.elements = (struct dpp_span){.p = one, .n = sizeof one};
    assert_int_equal(dpp_msg_encode(buf, sizeof buf, &m), DPP_E_PAYLOAD_COUNT);
    m.elements.n--;
    assert_int_equal(dpp_msg_encode(buf, sizeof buf, &m), DPP_E_TRUNCATED);
    m.code = DPP_MSG_SDS_OFF_MESSAGE, m.payloads = 1;
    m.sender = (struct dpp_span){.p = one, .n = 1};
    m.elements = (struct dpp_span){0};
    assert_int_equal(dpp_msg_encode(buf, sizeof buf, &m), DPP_E_PAYLOAD_COUNT);
}

static void test_255_payloads(void **state)
{
    static uint8_t buf[2 + 255 * 5];
    struct dpp_msg m = {.code = DPP_MSG_DATA_PAYLOAD, .payloads = 255};
    struct dpp_out o;
    struct dpp_ie ie;
    size_t at = 0, count = 0;

    (void)state;
    dpp_cur_out(&o, buf, sizeof buf);
    o.n = (size_t)dpp_msg_encode(buf, sizeof buf, &m);
    for (int i = 0; i < 255; i++)
        dpp_ie_put_payload(&o, DPP_CONTENT_TEXT, "x", 1);
    assert_int_equal(o.err, 0);
    assert_int_equal(o.n, sizeof buf);
    assert_int_equal(dpp_msg_parse(&m, buf, sizeof buf, NULL), 0);
    while (dpp_msg_payload_next(&m, &at, &ie) > 0)
        count++;
    assert_int_equal(count, 255);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sds_signalling),
        cmocka_unit_test(test_data_payload),
        cmocka_unit_test(test_foreign_elements_are_skipped),
        cmocka_unit_test(test_unknown_elements_are_skipped),
        cmocka_unit_test(test_notifications),
        cmocka_unit_test(test_fd_signalling),
        cmocka_unit_test(test_all_optional_elements),
        cmocka_unit_test(test_off_network),
        cmocka_unit_test(test_protected_is_not_walked),
        cmocka_unit_test(test_authenticated_has_a_signature),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_truncation),
        cmocka_unit_test(test_opaque_messages),
        cmocka_unit_test(test_encode_gives_the_same_octets),
        cmocka_unit_test(test_encode_refuses),
        cmocka_unit_test(test_255_payloads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
