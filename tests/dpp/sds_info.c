/* sds_info.c - mcdata-info and resource-lists: what is read, what is refused, what is written.
 * ts24282#D.1, rfc4826#3.1, T43 */
#include "dpp/sds/info.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dpp/err.h"

#define HEAD           "<mcdatainfo xmlns=\"urn:3gpp:ns:mcdataInfo:1.0\"><mcdata-Params>"
#define TAIL           "</mcdata-Params></mcdatainfo>"
#define URI(name, uri) "<" name " type=\"Normal\"><mcdataURI>" uri "</mcdataURI></" name ">"
#define XENC           "xmlns:x=\"http://www.w3.org/2001/04/xmlenc#\""

/* Parses a copy in an exact heap block. */
static int parse_octets(struct dpp_info *info, const void *p, size_t n)
{
    char *copy = malloc(n ? n : 1);

    memcpy(copy, p, n);
    memset(info, 0xee, sizeof *info);
    int err = dpp_info_parse(info, copy, n);
    free(copy);
    if (err) {
        struct dpp_info zero = {0};
        assert_memory_equal(info, &zero, sizeof zero);
    }
    return err;
}

static int parse(struct dpp_info *info, const char *text)
{
    return parse_octets(info, text, strlen(text));
}

static void assert_refused(const char *text, int want)
{
    struct dpp_info info;
    int err = parse(&info, text);

    if (err != want)
        fail_msg("%s for %.200s", dpp_errname(err), text);
}

static void test_reads_all_fields(void **state)
{
    static const char text[] =
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
        "<!-- a comment --><m:mcdatainfo xmlns:m=\"urn:3gpp:ns:mcdataInfo:1.0\">\n"
        " <m:mcdata-Params>\n"
        "  <m:mcdata-access-token type=\"Normal\"><m:mcdataString>ey.J</m:mcdataString>"
        "</m:mcdata-access-token>\n"
        "  <m:request-type> group-sds\n</m:request-type>\n"
        "  <m:mcdata-request-uri type=\"Normal\"><m:mcdataURI>\n\tsip:g1@iops.example;x=1&amp;2\n "
        "</m:mcdataURI></m:mcdata-request-uri>\n"
        "  <m:mcdata-calling-user-id><m:mcdataURI><![CDATA[sip:alice@iops.example]]></m:mcdataURI>"
        "</m:mcdata-calling-user-id>\n"
        "  <m:mcdata-called-party-id type=\"Normal\"><m:mcdataURI>tel:&#43;1</m:mcdataURI>"
        "</m:mcdata-called-party-id>\n"
        "  <m:mcdata-calling-group-id type=\"Normal\"><m:mcdataURI>sip:g2@iops.example"
        "</m:mcdataURI></m:mcdata-calling-group-id>\n"
        "  <m:alert-ind type=\"Normal\"><m:mcdataBoolean>true</m:mcdataBoolean></m:alert-ind>\n"
        "  <m:mcdata-client-id type=\"Normal\"><m:mcdataString>urn:uuid:1-2</m:mcdataString>"
        "</m:mcdata-client-id>\n"
        "  <v:more xmlns:v=\"urn:v\"><m:request-type>one-to-one-sds</m:request-type></v:more>\n"
        "  <m:anyExt><m:mcdata-request-uri/></m:anyExt>\n"
        " </m:mcdata-Params><v:x xmlns:v=\"urn:v\"/></m:mcdatainfo>\n";
    struct dpp_info info;

    (void)state;
    assert_int_equal(parse(&info, text), 0);
    assert_int_equal(info.request, DPP_REQUEST_GROUP_SDS);
    assert_string_equal(info.request_type, "group-sds");
    assert_string_equal(info.request_uri, "sip:g1@iops.example;x=1&2");
    assert_string_equal(info.calling_user_id, "sip:alice@iops.example");
    assert_string_equal(info.called_party_id, "tel:+1");
    assert_string_equal(info.calling_group_id, "sip:g2@iops.example");
    assert_string_equal(info.client_id, "urn:uuid:1-2");
    assert_true(info.has_access_token);
    assert_false(info.is_encrypted);
    /* cut anywhere, it is refused */
    for (size_t n = 0; n + 17 < strlen(text); n++)
        assert_int_not_equal(parse_octets(&info, text, n), 0);
}

static void test_request_types(void **state)
{
    static const struct {
        const char *text;
        enum dpp_request want;
    } rows[] = {
#define X(name, text) {text, DPP_REQUEST_##name},
        DPP_REQUESTS(X)
#undef X
            {"group-SDS", DPP_REQUEST_OTHER},
        {"x", DPP_REQUEST_OTHER},
    };
    struct dpp_info info;
    char text[512];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(text, sizeof text, HEAD "<request-type>%s</request-type>" TAIL, rows[i].text);
        assert_int_equal(parse(&info, text), 0);
        assert_int_equal(info.request, rows[i].want);
        assert_string_equal(info.request_type, rows[i].text);
    }
    assert_int_equal(parse(&info, HEAD TAIL), 0);
    assert_int_equal(info.request, DPP_REQUEST_NONE);
    assert_int_equal(parse(&info, "<mcdatainfo xmlns='urn:3gpp:ns:mcdataInfo:1.0'/>"), 0);
    snprintf(text, sizeof text, HEAD "<request-type>%064d</request-type>" TAIL, 1);
    assert_refused(text, DPP_E_LONG);
}

static void test_encrypted_is_seen(void **state)
{
    static const char *const all[] = {
        HEAD
        "<mcdata-request-uri type=\"Encrypted\"><x:EncryptedData " XENC "><x:CipherData>"
        "<k:KeyInfo xmlns:k=\"urn:k\"/></x:CipherData></x:EncryptedData></mcdata-request-uri>" TAIL,
        HEAD "<mcdata-request-uri><x:EncryptedData " XENC "/></mcdata-request-uri>" TAIL,
        HEAD "<mcdata-client-id type=\"Encrypted\"/>" TAIL,
        HEAD "<mcdata-client-id type=\"Encrypted\"><mcdataString>plain</mcdataString>"
             "</mcdata-client-id>" TAIL,
        /* in elements that we do not read */
        HEAD "<mcdata-access-token type=\"Encrypted\"/>" TAIL,
        HEAD "<alert-ind type=\"Encrypted\"/>" TAIL,
        HEAD "<anyExt><later type=\"Encrypted\"/></anyExt>" TAIL,
        HEAD "<anyExt><x:EncryptedData " XENC "/></anyExt>" TAIL,
    };
    struct dpp_info info;

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        assert_int_equal(parse(&info, all[i]), 0);
        assert_true(info.is_encrypted);
    }
    assert_int_equal(parse(&info, HEAD URI("mcdata-request-uri", "sip:a@b") TAIL), 0);
    assert_false(info.is_encrypted);
}

/* T43: no DTD, no entities, nothing fetched, depth and size capped. */
static void test_xml_bomb(void **state)
{
    (void)state;
    assert_refused("<!DOCTYPE mcdatainfo>" HEAD TAIL, DPP_E_XML_DTD);
    assert_refused(
        "<?xml version=\"1.0\"?><!DOCTYPE m SYSTEM \"http://127.0.0.1/x.dtd\">" HEAD TAIL,
        DPP_E_XML_DTD);
    assert_refused("<!DOCTYPE m PUBLIC \"p\" \"file:///etc/passwd\">" HEAD TAIL, DPP_E_XML_DTD);
    assert_refused("<!DOCTYPE m [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;\">"
                   "<!ENTITY c \"&b;&b;&b;&b;&b;&b;\"><!ENTITY d \"&c;&c;&c;&c;&c;&c;\">]>" HEAD
                   "<request-type>&d;</request-type>" TAIL,
                   DPP_E_XML_DTD);
    assert_refused("<!DOCTYPE m [<!ENTITY x SYSTEM \"file:///etc/hostname\">]>" HEAD
                   "<request-type>&x;</request-type>" TAIL,
                   DPP_E_XML_DTD);
    assert_refused("<!DOCTYPE m [<!ENTITY % p SYSTEM \"http://127.0.0.1/p\">%p;]>" HEAD TAIL,
                   DPP_E_XML_DTD);
    assert_refused("<!DOCTYPE m [<!ATTLIST m xmlns CDATA #FIXED \"urn:3gpp:ns:mcdataInfo:1.0\">]>"
                   "<mcdatainfo/>",
                   DPP_E_XML_DTD);
    /* an entity that nothing declares */
    assert_refused(HEAD "<request-type>&d;</request-type>" TAIL, DPP_E_XML);
    assert_refused(HEAD "<request-type a=\"&d;\">x</request-type>" TAIL, DPP_E_XML);
}

static char *repeat(const char *before, const char *what, size_t times, const char *after)
{
    char *text = malloc(strlen(before) + strlen(what) * times + strlen(after) + 1);
    char *end = stpcpy(text, before);

    while (times--)
        end = stpcpy(end, what);
    strcpy(end, after);
    return text;
}

static void assert_refused_repeat(const char *before, const char *what, size_t times,
                                  const char *after, int want)
{
    char *text = repeat(before, what, times, after);
    struct dpp_info info;

    assert_int_equal(parse(&info, text), want);
    free(text);
}

static void test_caps(void **state)
{
    struct dpp_info info;

    (void)state;
    /* depth: 14 more inside the two of HEAD make 16 */
    for (size_t more = 14; more <= 15; more++) {
        char *open = repeat(HEAD, "<e>", more, ""), *text = repeat(open, "</e>", more, TAIL);
        assert_int_equal(parse(&info, text), more == 14 ? 0 : DPP_E_XML_DEPTH);
        free(open);
        free(text);
    }
    assert_refused_repeat(HEAD, "<e>", 4000, "", DPP_E_XML_DEPTH);
    /* 256 elements */
    assert_refused_repeat(HEAD, "<e/>", 254, TAIL, 0);
    assert_refused_repeat(HEAD, "<e/>", 255, TAIL, DPP_E_XML_NODES);
    /* 16 attributes or namespaces on one */
    char attrs[512] = HEAD "<e";
    for (int i = 0; i < 16; i++)
        sprintf(attrs + strlen(attrs), " a%d=\"1\"", i);
    size_t n = strlen(attrs);
    strcpy(attrs + n, "/>" TAIL);
    assert_int_equal(parse(&info, attrs), 0);
    strcpy(attrs + n, " xmlns:q=\"urn:q\"/>" TAIL);
    assert_refused(attrs, DPP_E_XML_NODES);
    /* 16 KiB */
    size_t fixed = strlen(HEAD) + strlen(TAIL);
    assert_refused_repeat(HEAD, " ", DPP_INFO_SIZE_MAX - fixed, TAIL, 0);
    assert_refused_repeat(HEAD, " ", DPP_INFO_SIZE_MAX - fixed + 1, TAIL, DPP_E_XML_SIZE);
    size_t huge = 50u << 20;
    char *text = malloc(huge);
    memset(text, ' ', huge);
    memcpy(text, HEAD, strlen(HEAD));
    assert_int_equal(dpp_info_parse(&info, text, huge), DPP_E_XML_SIZE);
    free(text);
}

static void test_octets_that_are_no_text(void **state)
{
    static const char nul[] = HEAD "<request-type>group-sds\0</request-type>" TAIL;
    struct dpp_info info;

    (void)state;
    assert_int_equal(parse_octets(&info, nul, sizeof nul - 1), DPP_E_VALUE);
    assert_int_equal(parse_octets(&info, HEAD TAIL, strlen(HEAD TAIL) + 1), DPP_E_VALUE);
    assert_int_equal(parse(&info, ""), DPP_E_XML);
    assert_refused(HEAD "<request-type>\xff</request-type>" TAIL, DPP_E_UTF8);
    assert_refused(HEAD "<request-type>\xc0\xaf</request-type>" TAIL, DPP_E_UTF8);
    assert_refused(HEAD "<!-- \xed\xa0\x80 -->" TAIL, DPP_E_UTF8);
    assert_refused(HEAD "<request-type>a\x01</request-type>" TAIL, DPP_E_XML);
    assert_refused(HEAD "<request-type>a&#1;</request-type>" TAIL, DPP_E_XML);
    assert_refused(HEAD "<request-type>a&#0;</request-type>" TAIL, DPP_E_XML);
    assert_refused(HEAD "<request-type>a&#127;</request-type>" TAIL, DPP_E_VALUE);
    assert_refused(HEAD "<request-type>a\n b\xc2\x85</request-type>" TAIL, DPP_E_VALUE);
    /* a declared encoding does not make other octets of UTF-8 */
    assert_int_equal(parse(&info, "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>" HEAD
                                  "<request-type>\xc3\xa9</request-type>" TAIL),
                     0);
    assert_string_equal(info.request_type, "\xc3\xa9");
    assert_int_equal(parse(&info, "<?xml version=\"1.0\" encoding=\"UTF-16\"?>" HEAD TAIL), 0);
    assert_int_equal(parse(&info, "\xef\xbb\xbf" HEAD TAIL), 0); /* the mark of UTF-8 */
}

static void test_namespace_is_required(void **state)
{
    struct dpp_info info;

    (void)state;
    assert_refused("<mcdatainfo><mcdata-Params/></mcdatainfo>", DPP_E_XML_NAMESPACE);
    assert_refused("<mcdatainfo xmlns=\"urn:3gpp:ns:mcpttInfo:1.0\"/>", DPP_E_XML_NAMESPACE);
    assert_refused("<mcdataInfo xmlns=\"urn:3gpp:ns:mcdataInfo:1.0\"/>", DPP_E_XML_NAMESPACE);
    assert_refused("<m:mcdatainfo/>", DPP_E_XML_NAMESPACE);
    /* parameters of another namespace are not parameters */
    assert_int_equal(parse(&info, "<m:mcdatainfo xmlns:m=\"urn:3gpp:ns:mcdataInfo:1.0\">"
                                  "<mcdata-Params><request-type>group-sds</request-type>"
                                  "</mcdata-Params></m:mcdatainfo>"),
                     0);
    assert_int_equal(info.request, DPP_REQUEST_NONE);
}

static void test_elements_that_mislead(void **state)
{
    (void)state;
    assert_refused(HEAD "<request-type>a</request-type><request-type>b</request-type>" TAIL,
                   DPP_E_XML_ELEMENT);
    assert_refused(HEAD URI("mcdata-request-uri", "sip:a@b") URI("mcdata-request-uri", "sip:a@b")
                       TAIL,
                   DPP_E_XML_ELEMENT);
    assert_refused(HEAD "</mcdata-Params><mcdata-Params></mcdata-Params></mcdatainfo>",
                   DPP_E_XML_ELEMENT);
    assert_refused(HEAD "<request-type/>" TAIL, DPP_E_XML_ELEMENT);
    assert_refused(HEAD "<request-type> \n</request-type>" TAIL, DPP_E_XML_ELEMENT);
    assert_refused(HEAD "<request-type>group<b/>-sds</request-type>" TAIL, DPP_E_XML_ELEMENT);
    assert_refused(HEAD "<mcdata-request-uri/>" TAIL, DPP_E_XML_ELEMENT);
    assert_refused(HEAD "<mcdata-request-uri>sip:a@b</mcdata-request-uri>" TAIL, DPP_E_XML_ELEMENT);
    assert_refused(HEAD "<mcdata-request-uri><mcdataBoolean>true</mcdataBoolean>"
                        "</mcdata-request-uri>" TAIL,
                   DPP_E_XML_ELEMENT);
    assert_refused(HEAD "<mcdata-request-uri><mcdataURI>sip:a@b</mcdataURI><mcdataURI>sip:c@d"
                        "</mcdataURI></mcdata-request-uri>" TAIL,
                   DPP_E_XML_ELEMENT);
    assert_refused(HEAD "<mcdata-request-uri><mcdataURI>sip:<b/>a@b</mcdataURI>"
                        "</mcdata-request-uri>" TAIL,
                   DPP_E_XML_ELEMENT);
    assert_refused(HEAD "<mcdata-client-id><mcdataString/></mcdata-client-id>" TAIL,
                   DPP_E_XML_ELEMENT);
    assert_refused(HEAD "<request-type>a</request-type>" TAIL "<more/>", DPP_E_XML);
    assert_refused(HEAD "<request-type>a</request-typo>" TAIL, DPP_E_XML);
    assert_refused(HEAD "<request-type x=\"1\" x=\"2\">a</request-type>" TAIL, DPP_E_XML);
}

static void test_uris(void **state)
{
    static const char *const good[] = {"sip:a@b", "tel:+1", "urn:uuid:1", "A1+.-:x", "sip:%20"};
    static const char *const bad[] = {
        "",        "sip",          ":a",           "sip:",           "1sip:a",  "sip:a b",
        "sip:\ta", "s\xc3\xa9p:a", "sip:\xc3\xa9", "sip:a\r\nTo: b", "sip:<a>", "sip:\"a",
        "si p:a",  "-a:b",         "sip:a\x7f",    "@a:b",           "sip:a|b"};
    struct dpp_info info;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(dpp_info_is_uri(good[i], strlen(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(dpp_info_is_uri(bad[i], strlen(bad[i])));
    assert_false(dpp_info_is_uri("sip:a\0b", 7));
    assert_refused(HEAD URI("mcdata-request-uri", "alice") TAIL, DPP_E_XML_URI);
    assert_refused(HEAD URI("mcdata-calling-user-id", "sip:a b") TAIL, DPP_E_XML_URI);
    assert_refused(HEAD URI("mcdata-calling-group-id", "sip:a&#10;b") TAIL, DPP_E_XML_URI);
    assert_refused(HEAD URI("mcdata-called-party-id", "sip:&lt;a") TAIL, DPP_E_XML_URI);
    char text[1024];
    for (int more = 0; more < 2; more++) { /* 255 octets, then 256 */
        snprintf(text, sizeof text, HEAD URI("mcdata-request-uri", "sip:%0*d") TAIL, 251 + more, 1);
        assert_int_equal(parse(&info, text), more ? DPP_E_LONG : 0);
        if (!more)
            assert_int_equal(strlen(info.request_uri), DPP_INFO_URI_MAX);
    }
}

static void test_print(void **state)
{
    static const char want[] =
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
        "<mcdatainfo xmlns=\"urn:3gpp:ns:mcdataInfo:1.0\"><mcdata-Params>"
        "<request-type>group-sds</request-type>"
        "<mcdata-request-uri type=\"Normal\"><mcdataURI>sip:b@x;p=&apos;&amp;</mcdataURI>"
        "</mcdata-request-uri>"
        "<mcdata-calling-user-id type=\"Normal\"><mcdataURI>sip:a@x</mcdataURI>"
        "</mcdata-calling-user-id>"
        "<mcdata-calling-group-id type=\"Normal\"><mcdataURI>sip:g@x</mcdataURI>"
        "</mcdata-calling-group-id>"
        "<mcdata-client-id type=\"Normal\"><mcdataString>&lt;i&gt; &quot;d&quot;</mcdataString>"
        "</mcdata-client-id>"
        "</mcdata-Params></mcdatainfo>";
    struct dpp_info info = {.request = DPP_REQUEST_GROUP_SDS,
                            .request_uri = "sip:b@x;p='&",
                            .calling_user_id = "sip:a@x",
                            .calling_group_id = "sip:g@x",
                            .client_id = "<i> \"d\""};
    struct dpp_info again;
    char buf[1024];

    (void)state;
    ssize_t n = dpp_info_print(buf, sizeof buf, &info);
    assert_int_equal(n, strlen(want));
    assert_memory_equal(buf, want, (size_t)n);
    assert_int_equal(parse_octets(&again, buf, (size_t)n), 0);
    assert_string_equal(again.request_uri, info.request_uri);
    assert_string_equal(again.client_id, info.client_id);
    assert_int_equal(again.request, info.request);
    for (size_t cap = 0; cap < (size_t)n; cap++) {
        char *small = malloc(cap ? cap : 1);
        assert_int_equal(dpp_info_print(small, cap, &info), DPP_E_SPACE);
        free(small);
    }
    info = (struct dpp_info){.request = DPP_REQUEST_OTHER, .request_type = "key<only"};
    n = dpp_info_print(buf, sizeof buf, &info);
    assert_int_equal(parse_octets(&again, buf, (size_t)n), 0);
    assert_string_equal(again.request_type, "key<only");
    assert_int_equal(again.request, DPP_REQUEST_OTHER);
    info = (struct dpp_info){.request_uri = "no uri"};
    assert_int_equal(dpp_info_print(buf, sizeof buf, &info), DPP_E_XML_URI);
    info = (struct dpp_info){.client_id = "\x01"};
    assert_int_equal(dpp_info_print(buf, sizeof buf, &info), DPP_E_VALUE);
    info = (struct dpp_info){.client_id = "\xff"};
    assert_int_equal(dpp_info_print(buf, sizeof buf, &info), DPP_E_UTF8);
    info = (struct dpp_info){.is_encrypted = true};
    assert_int_equal(dpp_info_print(buf, sizeof buf, &info), DPP_E_VALUE);
}

#define LISTS "<resource-lists xmlns=\"urn:ietf:params:xml:ns:resource-lists\">"

static int targets(struct dpp_targets *t, const char *text)
{
    size_t n = strlen(text);
    char *copy = memcpy(malloc(n ? n : 1), text, n);
    int err = dpp_targets_parse(t, copy, n);

    free(copy);
    return err;
}

static void test_targets(void **state)
{
    struct dpp_targets t;
    char text[1024];

    (void)state;
    assert_int_equal(targets(&t, LISTS "<list><entry uri=\" sip:b@x&amp; \"><display-name>B"
                                       "</display-name></entry></list></resource-lists>"),
                     0);
    assert_int_equal(t.count, 1);
    assert_string_equal(t.uri, "sip:b@x&");
    assert_int_equal(targets(&t, LISTS "<list/></resource-lists>"), 0);
    assert_int_equal(t.count, 0);
    assert_string_equal(t.uri, "");
    /* wherever an entry stands, it counts */
    assert_int_equal(targets(&t,
                             LISTS "<list><entry uri=\"sip:a@x\"/><list><entry uri=\"sip:b@x\"/>"
                                   "</list></list><list><v:q xmlns:v=\"urn:v\"><entry "
                                   "uri=\"sip:c@x\"/></v:q></list></resource-lists>"),
                     0);
    assert_int_equal(t.count, 3);
    assert_string_equal(t.uri, "sip:a@x");
    assert_int_equal(targets(&t, LISTS "<list><entry/></list></resource-lists>"),
                     DPP_E_XML_ELEMENT);
    assert_int_equal(targets(&t, LISTS "<list><entry v:uri=\"sip:a@x\" xmlns:v=\"urn:v\"/></list>"
                                       "</resource-lists>"),
                     DPP_E_XML_ELEMENT);
    assert_int_equal(targets(&t, LISTS "<list><entry-ref ref=\"a\"/></list></resource-lists>"),
                     DPP_E_XML_ELEMENT);
    assert_int_equal(targets(&t, LISTS "<list><external anchor=\"a\"/></list></resource-lists>"),
                     DPP_E_XML_ELEMENT);
    assert_int_equal(targets(&t, LISTS "<list><entry uri=\"bob\"/></list></resource-lists>"),
                     DPP_E_XML_URI);
    assert_int_equal(targets(&t, "<resource-lists/>"), DPP_E_XML_NAMESPACE);
    assert_int_equal(targets(&t, "<!DOCTYPE a>" LISTS "</resource-lists>"), DPP_E_XML_DTD);
    assert_int_equal(targets(&t, LISTS), DPP_E_XML);
    assert_int_equal(t.count, 0);
    for (int more = 0; more < 2; more++) {
        snprintf(text, sizeof text, LISTS "<list><entry uri=\"sip:%0*d\"/></list></resource-lists>",
                 251 + more, 1);
        assert_int_equal(targets(&t, text), more ? DPP_E_LONG : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_all_fields),
        cmocka_unit_test(test_request_types),
        cmocka_unit_test(test_encrypted_is_seen),
        cmocka_unit_test(test_xml_bomb),
        cmocka_unit_test(test_caps),
        cmocka_unit_test(test_octets_that_are_no_text),
        cmocka_unit_test(test_namespace_is_required),
        cmocka_unit_test(test_elements_that_mislead),
        cmocka_unit_test(test_uris),
        cmocka_unit_test(test_print),
        cmocka_unit_test(test_targets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
