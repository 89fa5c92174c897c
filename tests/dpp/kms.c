#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dpp/keys/key.h"
#include "dpp/keys/kms.h"
#include "dpp/keys/kms_value.h"

#define NS  " xmlns=\"urn:3gpp:ns:mcsecKMSInterface:1.0\""
#define XSI " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\""

static char z[515], kpak[131], ssk[65]; /* hexadecimal */

static int set_up(void **state)
{
    (void)state;
    memset(z, 'a', 514);
    memcpy(z, "04", 2);
    memset(kpak, 'B', 130);
    memcpy(kpak, "04", 2);
    memset(ssk, '7', 64);
    return dpp_keys_init(0) == DPP_E_SECURE_HEAP;
}

static char *cert(const char *extra)
{
    static char text[8192];

    snprintf(text, sizeof text,
             "<KmsCertificate" NS " Version=\"1.1.0\" Role=\"Root\"><CertUri>cert1.kms</CertUri>"
             "<KmsUri>kms.example.org</KmsUri><Issuer>An issuer &amp; more</Issuer>"
             "<ValidFrom>2020-02-29T00:00:00Z</ValidFrom><ValidTo>2040-01-01T01:00:00+01:00"
             "</ValidTo><Revoked>false</Revoked><UserIdFormat>2</UserIdFormat>"
             "<UserKeyPeriod>2592000</UserKeyPeriod><UserKeyOffset>0</UserKeyOffset>"
             "<PubEncKey>%s</PubEncKey><PubAuthKey>\n %s\n</PubAuthKey>"
             "<ParameterSet>1</ParameterSet><KmsDomainList><KmsDomain>a.example</KmsDomain>"
             "<KmsDomain>b.example</KmsDomain></KmsDomainList>%s</KmsCertificate>",
             z, kpak, extra);
    return text;
}

/* A set that takes its namespaces from around it, or stands alone with NS. */
static char *set(const char *ns, const char *id, const char *extra)
{
    static char text[8192];

    snprintf(text, sizeof text,
             "<KmsKeySet%s Version=\"1.1.0\"><KmsUri>kms.example.org</KmsUri>"
             "<CertUri>cert1.kms</CertUri><Issuer></Issuer>"
             "<UserUri>sip:user@example.org</UserUri><UserID>%s</UserID>"
             "<ValidFrom>2014-01-26T10:07:14</ValidFrom><ValidTo>2014-02-26T10:07:14.250Z</ValidTo>"
             "<KeyPeriodNo>1388</KeyPeriodNo><Revoked>0</Revoked>"
             "<UserDecryptKey xsi:type=\"KeyContentType\">%s</UserDecryptKey>"
             "<UserSigningKeySSK xsi:type=\"KeyContentType\">%s</UserSigningKeySSK>"
             "<UserPubTokenPVT xsi:type=\"KeyContentType\">%s</UserPubTokenPVT>%s</KmsKeySet>",
             ns, id, z, ssk, kpak, extra);
    return text;
}

#define ID_HEX    "3a81fb14c3b1d0fe43c9c577104d55a6d81788bfd2f09743c4557746a5a0353b"
#define ID_BASE64 "OoH7FMOx0P5DycV3EE1VptgXiL/S8JdDxFV3RqWgNTs="

static int parse(const char *xml)
{
    struct dpp_kms_doc *doc = (void *)1;
    int err = dpp_kms_parse(&doc, xml, strlen(xml));

    if (err)
        assert_null(doc);
    dpp_kms_free(doc);
    return err;
}

/* ts33180#D.3.1 */
static void test_cert(void **state)
{
    struct dpp_kms_doc *doc;
    char *xml = cert("");

    (void)state;
    assert_int_equal(dpp_kms_parse(&doc, xml, strlen(xml)), 0);
    assert_int_equal(doc->kind, DPP_KMS_CERTCACHE);
    assert_int_equal(doc->certs_n, 1);
    const struct dpp_kms_cert *c = doc->certs;
    assert_false(c->is_external || c->is_gateway || c->is_revoked);
    assert_string_equal(c->cert_uri, "cert1.kms");
    assert_string_equal(c->kms_uri, "kms.example.org");
    assert_string_equal(c->issuer, "An issuer & more");
    assert_int_equal(c->from_s, 1582934400);
    assert_int_equal(c->to_s, 2208988800);
    assert_int_equal(c->period_s, 2592000);
    assert_int_equal(c->offset_s, 0);
    assert_int_equal(c->z[0], 4);
    assert_int_equal(c->z[256], 0xaa);
    assert_int_equal(c->kpak[64], 0xbb);
    assert_int_equal(c->domains_n, 2);
    assert_string_equal(c->domains[1], "b.example");
    dpp_kms_free(doc);
}

static void test_set(void **state)
{
    static const char *const ids[] = {
        ID_HEX, "3A81FB14C3B1D0FE43C9C577104D55A6D81788BFD2F09743C4557746A5A0353B", ID_BASE64,
        "OoH7FMOx0P5DycV3EE1VptgXiL/S8JdDxFV3RqWgNTs",
        "\n  OoH7FMOx0P5DycV3EE1V\r\n  ptgXiL/S8JdDxFV3RqWg NTs=\n"};

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        char *xml = set(NS XSI, ids[i], "");
        struct dpp_kms_doc *doc;
        assert_int_equal(dpp_kms_parse(&doc, xml, strlen(xml)), 0);
        assert_int_equal(doc->kind, DPP_KMS_KEYPROV);
        const struct dpp_kms_set *s = doc->sets;
        assert_string_equal(s->user_uri, "sip:user@example.org");
        assert_string_equal(s->issuer, "");
        assert_int_equal(s->uid[0], 0x3a);
        assert_int_equal(s->uid[31], 0x3b);
        assert_int_equal(s->from_s, 1390730834);
        assert_int_equal(s->to_s, 1390730834 + 31 * 86400);
        assert_int_equal(s->period_no, 1388);
        assert_int_equal(s->secrets->rsk[256], 0xaa);
        assert_int_equal(s->secrets->ssk[31], 0x77);
        assert_int_equal(s->secrets->pvt[1], 0xbb);
        dpp_kms_free(doc);
    }
}

/* What is wrong is named. */
static void test_named(void **state)
{
    static const struct {
        const char *xml, *field;
    } rows[] = {
        {"<KmsCertificate><KmsUri>k</KmsUri></KmsCertificate>", "UserIdFormat"},
        {"<KmsCertificate><UserIdFormat>1</UserIdFormat></KmsCertificate>", "UserIdFormat"},
        {"<KmsCertificate><PubAuthKey>04</PubAuthKey></KmsCertificate>", "PubAuthKey"},
        {"<KmsCertificate Role=\"Leaf\"/>", "Role"},
        {"<KmsCertificate IsSecurityGateway=\"2\"/>", "IsSecurityGateway"},
        {"<KmsKeySet><UserID>zz</UserID></KmsKeySet>", "UserID"},
        {"<KmsKeySet/>", "KmsUri"},
        {"<KmsResponse/>", "KmsMessage"},
        {"<KmsKeySet>", ""}, /* not XML */
    };
    struct dpp_kms_doc *doc;
    const char *field;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(dpp_kms_parse_at(&doc, rows[i].xml, strlen(rows[i].xml), &field),
                         *rows[i].field ? DPP_E_KMS_FIELD : DPP_E_XML);
        assert_string_equal(field, rows[i].field);
    }
    assert_int_equal(dpp_kms_parse_at(&doc, cert(""), strlen(cert("")), &field), 0);
    assert_string_equal(field, "");
    dpp_kms_free(doc);
}

/* Long values folded into lines, as pretty printers write them. */
static void test_folded(void **state)
{
    char flat[3][515], text[3][1024];
    char *const all[] = {z, kpak, ssk};
    struct dpp_kms_doc *doc;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        size_t at = 0;
        snprintf(flat[i], sizeof flat[i], "%s", all[i]);
        for (const char *p = flat[i]; *p; p++)
            at += (size_t)snprintf(text[i] + at, sizeof text[i] - at, "%s%c",
                                   (p - flat[i]) % 32 == 0 ? "\r\n\t    " : "", *p);
    }
    char xml[8192];
    snprintf(xml, sizeof xml,
             "<KmsKeySet><KmsUri>kms</KmsUri><UserUri>u</UserUri><UserID>" ID_HEX "</UserID>"
             "<KeyPeriodNo>1</KeyPeriodNo><UserDecryptKey>%s\n</UserDecryptKey>"
             "<UserSigningKeySSK>%s</UserSigningKeySSK><UserPubTokenPVT>%s</UserPubTokenPVT>"
             "</KmsKeySet>",
             text[0], text[2], text[1]);
    assert_int_equal(dpp_kms_parse(&doc, xml, strlen(xml)), 0);
    assert_int_equal(doc->sets->secrets->rsk[256], 0xaa);
    assert_int_equal(doc->sets->secrets->ssk[31], 0x77);
    assert_int_equal(doc->sets->secrets->pvt[64], 0xbb);
    dpp_kms_free(doc);
    /* numbers and names are not folded */
    assert_int_equal(parse("<KmsKeySet><KeyPeriodNo>1 2</KeyPeriodNo></KmsKeySet>"),
                     DPP_E_KMS_FIELD);
}

/* Everything that a document says, but the addresses of its arrays. */
static void assert_same(const struct dpp_kms_doc *a, const struct dpp_kms_doc *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_string_equal(a->user_uri, b->user_uri);
    assert_string_equal(a->kms_uri, b->kms_uri);
    assert_string_equal(a->request_url, b->request_url);
    assert_int_equal(a->time_s, b->time_s);
    assert_int_equal(a->error_code, b->error_code);
    assert_string_equal(a->error_text, b->error_text);
    assert_int_equal(a->certs_n, b->certs_n);
    assert_int_equal(a->sets_n, b->sets_n);
    if (a->certs_n)
        assert_memory_equal(a->certs, b->certs, a->certs_n * sizeof *a->certs);
    for (size_t i = 0; i < a->sets_n; i++) {
        assert_memory_equal(a->sets + i, b->sets + i, offsetof(struct dpp_kms_set, secrets));
        assert_memory_equal(a->sets[i].secrets, b->sets[i].secrets, sizeof *a->sets->secrets);
    }
}

/* Parse, print, parse again; frees nothing of the first. */
static struct dpp_kms_doc *check_round(const char *xml)
{
    struct dpp_kms_doc *doc, *again;

    assert_int_equal(dpp_kms_parse(&doc, xml, strlen(xml)), 0);
    size_t cap = dpp_kms_print_max(doc);
    char *out = malloc(cap);
    ssize_t n = dpp_kms_print(doc, out, cap);
    assert_true(n > 0 && (size_t)n < cap && strlen(out) == (size_t)n);
    assert_int_equal(dpp_kms_print(doc, out, (size_t)n), DPP_E_SPACE);
    assert_int_equal(dpp_kms_print(doc, out, (size_t)n + 1), n);
    assert_int_equal(dpp_kms_parse(&again, out, (size_t)n), 0);
    assert_same(doc, again);
    dpp_kms_free(again);
    free(out);
    return doc;
}

#define RESPONSE                                                                                   \
    "<?xml version=\"1.0\"?><SignedKmsResponse" NS XSI "><KmsResponse Id=\"xmldoc\" "              \
    "Version=\"1.1.0\"><KmsUri>kms.example.org</KmsUri><UserUri>sip:user@example.org</UserUri>"    \
    "<KmsId>k</KmsId><Time>2014-01-26T10:07:14Z</Time>"                                            \
    "<ClientReqUrl>https://kms.example.org/keymanagement/identity/v1/init</ClientReqUrl>"
#define END                                                                                        \
    "</KmsResponse><Signature xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><KmsKeySet/>"           \
    "</Signature></SignedKmsResponse>"

static void test_responses(void **state)
{
    char text[32768];
    struct dpp_kms_doc *doc;

    (void)state;
    snprintf(text, sizeof text,
             RESPONSE "<KmsMessage><KmsInit Version=\"1.1.0\"><SignedKmsCertificate>%s"
                      "</SignedKmsCertificate><NewTransportKey><EncryptedKey "
                      "xmlns=\"http://www.w3.org/2001/04/xmlenc#\"/></NewTransportKey></KmsInit>"
                      "</KmsMessage>" END,
             cert(""));
    doc = check_round(text);
    assert_int_equal(doc->kind, DPP_KMS_INIT);
    assert_int_equal(doc->certs_n, 1);
    assert_int_equal(doc->time_s, 1390730834);
    assert_string_equal(doc->kms_uri, "kms.example.org");
    assert_string_equal(doc->request_url, "https://kms.example.org/keymanagement/identity/v1/init");
    dpp_kms_free(doc);

    int n = snprintf(text, sizeof text, RESPONSE "<KmsMessage><KmsKeyProv>%s", set("", ID_HEX, ""));
    snprintf(text + n, sizeof text - (size_t)n, "%s</KmsKeyProv></KmsMessage>" END,
             set("", ID_BASE64, ""));
    doc = check_round(text);
    assert_int_equal(doc->kind, DPP_KMS_KEYPROV);
    assert_int_equal(doc->sets_n, 2);
    assert_string_equal(doc->user_uri, "sip:user@example.org");
    dpp_kms_free(doc);

    snprintf(text, sizeof text,
             RESPONSE "<KmsError><ErrorCode>403</ErrorCode><ErrorMsg>not you</ErrorMsg>"
                      "</KmsError>" END);
    doc = check_round(text);
    assert_int_equal(doc->kind, DPP_KMS_ERROR);
    assert_int_equal(doc->error_code, 403);
    assert_string_equal(doc->error_text, "not you");
    dpp_kms_free(doc);

    snprintf(text, sizeof text, "<KmsCertCache" NS ">%s</KmsCertCache>",
             cert("<Unknown><KmsUri>x</KmsUri></Unknown>"));
    doc = check_round(text);
    assert_int_equal(doc->kind, DPP_KMS_CERTCACHE);
    dpp_kms_free(doc);
    /* several certificates of external KMSs, and none at all */
    dpp_kms_free(check_round("<KmsCertCache" NS "/>"));
}

static void test_print_alone(void **state)
{
    struct dpp_kms_doc *doc, *again;
    char out[16384];
    char *xml = cert("");

    (void)state;
    assert_int_equal(dpp_kms_parse(&doc, xml, strlen(xml)), 0);
    doc->certs[0].is_external = doc->certs[0].is_gateway = doc->certs[0].is_revoked = true;
    ssize_t n = dpp_kms_print_cert(doc->certs, out, sizeof out);
    assert_true(n > 0);
    assert_int_equal(dpp_kms_parse(&again, out, (size_t)n), 0);
    assert_same(doc, again);
    dpp_kms_free(doc);
    dpp_kms_free(again);
    xml = set(NS XSI, ID_HEX, "");
    assert_int_equal(dpp_kms_parse(&doc, xml, strlen(xml)), 0);
    n = dpp_kms_print_set(doc->sets, out, sizeof out);
    assert_int_equal(dpp_kms_parse(&again, out, (size_t)n), 0);
    assert_same(doc, again);
    dpp_kms_free(doc);
    dpp_kms_free(again);
}

static void test_namespace(void **state)
{
    char text[16384];

    (void)state;
    /* products write files without a namespace */
    snprintf(text, sizeof text, "<KmsKeySet" XSI "%s", set("", ID_HEX, "") + strlen("<KmsKeySet"));
    assert_int_equal(parse(text), 0);
    snprintf(text, sizeof text,
             "<s:KmsKeyProv xmlns:s=\"urn:3gpp:ns:mcsecKMSInterface:1.0\">%s"
             "</s:KmsKeyProv>",
             set(NS XSI, ID_HEX, ""));
    assert_int_equal(parse(text), 0);
    assert_int_equal(parse("<KmsCertCache xmlns=\"urn:3gpp:ns:other\"/>"), DPP_E_XML_NAMESPACE);
    assert_int_equal(parse("<KmsRequest" NS "/>"), DPP_E_XML_NAMESPACE);
    assert_int_equal(parse("<KmsMessage" NS "/>"), DPP_E_XML_NAMESPACE);
    assert_int_equal(parse("<KmsError" NS "/>"), DPP_E_XML_NAMESPACE);
}

/* What must stand, what may not, and values out of their range. */
static void test_refused(void **state)
{
    static const struct {
        const char *what, *instead; /* replaced in a good document */
        int err;
    } bad_cert[] = {
        {"<UserIdFormat>2</UserIdFormat>", "", DPP_E_KMS_FIELD},
        {"<UserIdFormat>2", "<UserIdFormat>1", DPP_E_KMS_FIELD},
        {"<ParameterSet>1", "<ParameterSet>2", DPP_E_KMS_FIELD},
        {"<KmsUri>kms.example.org</KmsUri>", "", DPP_E_KMS_FIELD},
        {"<KmsUri>kms.example.org", "<KmsUri>", DPP_E_KMS_FIELD},
        {"<KmsUri>kms.example.org", "<KmsUri>kms example", DPP_E_KMS_FIELD},
        {"<UserKeyPeriod>2592000", "<UserKeyPeriod>0", DPP_E_KMS_FIELD},
        {"<UserKeyPeriod>2592000", "<UserKeyPeriod>2147483648", DPP_E_KMS_FIELD},
        {"<UserKeyPeriod>2592000", "<UserKeyPeriod>-1", DPP_E_KMS_FIELD},
        {"<UserKeyOffset>0", "<UserKeyOffset>", DPP_E_KMS_FIELD},
        {"<PubEncKey>04", "<PubEncKey>03", DPP_E_KMS_FIELD},
        {"<PubEncKey>04", "<PubEncKey>0", DPP_E_KMS_FIELD},
        {"<PubEncKey>04", "<PubEncKey>0404", DPP_E_KMS_FIELD},
        {"<PubEncKey>04", "<PubEncKey>04g", DPP_E_KMS_FIELD},
        {"2020-02-29T", "2021-02-29T", DPP_E_KMS_FIELD},
        {"Role=\"Root\"", "Role=\"King\"", DPP_E_KMS_FIELD},
        {"Role=\"Root\"", "IsSecurityGateway=\"so\"", DPP_E_KMS_FIELD},
        {"<Revoked>false", "<Revoked>no", DPP_E_KMS_FIELD},
        {"<KmsDomain>a.example", "<KmsDomain>", DPP_E_KMS_FIELD},
        {"<Revoked>false", "<Revoked/><Revoked>false", DPP_E_KMS_FIELD},
        {"<Issuer>", "<Issuer>x</Issuer><Issuer>", DPP_E_XML_ELEMENT},
        {"An issuer", "An <b>issuer</b>", DPP_E_XML_ELEMENT},
        {"<Issuer>", "<KmsKeySet/><Issuer>", DPP_E_XML_ELEMENT},
        {"</Issuer>", "</issuer>", DPP_E_XML},
        {"<CertUri>", "<CertUri>\xc3\x28", DPP_E_UTF8},
        {"<CertUri>", "<CertUri>\xc3\xa4", DPP_E_KMS_FIELD},
        {"An issuer", "An \xc2\x85 issuer", DPP_E_KMS_FIELD},
        {"&amp;", "&lol;", DPP_E_XML},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad_cert / sizeof *bad_cert; i++) {
        char *good = cert(""), text[8192];
        char *at = strstr(good, bad_cert[i].what);
        assert_non_null(at);
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - good), good, bad_cert[i].instead,
                 at + strlen(bad_cert[i].what));
        if (parse(text) != bad_cert[i].err)
            fail_msg("%s -> %s: %d", bad_cert[i].what, bad_cert[i].instead, parse(text));
    }
    assert_int_equal(parse(set(NS XSI, "00", "")), DPP_E_KMS_FIELD);
    assert_int_equal(parse(set(NS XSI, ID_BASE64 "=", "")), DPP_E_KMS_FIELD);
    /* a bit of the last character that stands for nothing */
    assert_int_equal(parse(set(NS XSI, "OoH7FMOx0P5DycV3EE1VptgXiL/S8JdDxFV3RqWgNTt=", "")),
                     DPP_E_KMS_FIELD);
    assert_int_equal(parse("<SignedKmsResponse" NS "/>"), DPP_E_KMS_FIELD);
    assert_int_equal(parse("<KmsKeyProv" NS "><KmsCertificate/></KmsKeyProv>"), DPP_E_XML_ELEMENT);
    assert_int_equal(parse("<KmsResponse" NS "><KmsMessage><KmsInit/><KmsKeyProv/></KmsMessage>"
                           "</KmsResponse>"),
                     DPP_E_XML_ELEMENT);
    assert_int_equal(parse("<KmsResponse" NS "><KmsError/></KmsResponse>"), DPP_E_KMS_FIELD);
    for (size_t n = 0; n < strlen(cert("")); n++) {
        struct dpp_kms_doc *doc;
        assert_int_not_equal(dpp_kms_parse(&doc, cert(""), n), 0);
    }
}

/* Keys under a transport key, by the type or by what is in the element. */
static void test_encrypted(void **state)
{
    char text[8192];
    char *good = set(NS XSI, ID_HEX, "");
    char *at = strstr(good, "\"KeyContentType\">7");

    (void)state;
    snprintf(text, sizeof text, "%.*s\"x:EncKeyContentType\">7%s", (int)(at - good), good,
             at + strlen("\"KeyContentType\">7"));
    assert_int_equal(parse(text), DPP_E_KMS_ENCRYPTED);
    snprintf(text, sizeof text,
             "%.*s\"KeyContentType\"><EncryptedKey xmlns=\"http://www.w3.org/2001/04/xmlenc#\"/>%s",
             (int)(at - good), good, at + strlen("\"KeyContentType\">"));
    assert_int_equal(parse(text), DPP_E_KMS_ENCRYPTED);
    assert_int_equal(parse("<KmsResponse" NS "><e:EncryptedData "
                           "xmlns:e=\"http://www.w3.org/2001/04/xmlenc#\"/></KmsResponse>"),
                     DPP_E_KMS_ENCRYPTED);
}

/* threat T43, `xml_bomb` */
static void test_bombs(void **state)
{
    static char text[DPP_KMS_XML_MAX + 64];
    size_t n;

    (void)state;
    assert_int_equal(parse("<!DOCTYPE a [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>"
                           "<KmsCertCache" NS ">&b;</KmsCertCache>"),
                     DPP_E_XML_DTD);
    assert_int_equal(parse("<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><KmsCertCache" NS "/>"),
                     DPP_E_XML_DTD);
    assert_int_equal(parse("<!DOCTYPE a [<!ENTITY % p SYSTEM \"http://127.0.0.1:1/\">%p;]><a/>"),
                     DPP_E_XML_DTD);
    n = (size_t)snprintf(text, sizeof text, "<KmsCertCache" NS ">");
    for (int i = 0; i < DPP_KMS_DEPTH_MAX; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "<a>");
    assert_int_equal(parse(text), DPP_E_XML_DEPTH);
    n = (size_t)snprintf(text, sizeof text, "<KmsCertCache" NS ">");
    for (int i = 0; i < DPP_KMS_NODES_MAX; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "<a/>");
    assert_int_equal(parse(text), DPP_E_XML_NODES);
    n = (size_t)snprintf(text, sizeof text, "<KmsCertCache" NS);
    for (int i = 0; i < DPP_KMS_ATTRS_MAX; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, " a%d=\"\"", i);
    snprintf(text + n, sizeof text - n, "/>");
    assert_int_equal(parse(text), DPP_E_XML_NODES);
    memset(text, ' ', sizeof text);
    memcpy(text, "<KmsCertCache/>", 15);
    struct dpp_kms_doc *doc;
    assert_int_equal(dpp_kms_parse(&doc, text, DPP_KMS_XML_MAX + 1), DPP_E_XML_SIZE);
    assert_int_equal(dpp_kms_parse(&doc, text, DPP_KMS_XML_MAX), 0);
    dpp_kms_free(doc);
    /* a value without end */
    n = (size_t)snprintf(text, sizeof text, "<KmsCertificate" NS "><KmsUri>");
    memset(text + n, 'k', 256);
    snprintf(text + n + 256, 64, "</KmsUri></KmsCertificate>");
    assert_int_equal(parse(text), DPP_E_LONG);
    memset(text + n, 'k', 200000);
    assert_int_equal(dpp_kms_parse(&doc, text, 200000), DPP_E_LONG);
    assert_int_equal(dpp_kms_parse(&doc, "<KmsCertCache/>\0", 16), DPP_E_VALUE);
}

static void test_counts(void **state)
{
    struct dpp_kms_doc *doc;
    struct dpp_kms_cert *c;
    struct dpp_kms_set *s;

    (void)state;
    assert_int_equal(dpp_kms_new(&doc, DPP_KMS_INIT), 0);
    for (int i = 0; i < DPP_KMS_CERTS_MAX; i++)
        assert_int_equal(dpp_kms_add_cert(doc, &c), 0);
    assert_int_equal(dpp_kms_add_cert(doc, &c), DPP_E_LONG);
    for (int i = 0; i < DPP_KMS_SETS_MAX; i++)
        assert_int_equal(dpp_kms_add_set(doc, &s), 0);
    assert_int_equal(dpp_kms_add_set(doc, &s), DPP_E_LONG);
    dpp_kms_free(doc);
}

static void test_request(void **state)
{
    struct dpp_kms_request in = {.user_uri = "sip:a@x",
                                 .kms_uri = "kms.x",
                                 .client_id = "a <client>",
                                 .request_url = "https://kms.x/keymanagement/identity/v1/init?a&b",
                                 .time_s = 1700000000},
                           out;
    char xml[1024];

    (void)state;
    ssize_t n = dpp_kms_request_print(&in, xml, sizeof xml);
    assert_true(n > 0);
    assert_int_equal(dpp_kms_request_parse(&out, xml, (size_t)n), 0);
    assert_memory_equal(&in, &out, sizeof in);
    assert_int_equal(dpp_kms_request_print(&in, xml, (size_t)n), DPP_E_SPACE);
    assert_int_equal(dpp_kms_request_parse(&out, "<SignedKmsRequest/>", 19), DPP_E_KMS_FIELD);
    assert_int_equal(dpp_kms_request_parse(&out, "<KmsRequest/>", 13), DPP_E_KMS_FIELD);
    assert_int_equal(dpp_kms_request_parse(&out, "<KmsCertCache/>", 15), DPP_E_XML_NAMESPACE);
    assert_int_equal(parse(xml), DPP_E_XML_NAMESPACE);
}

static void test_time(void **state)
{
    static const struct {
        const char *text;
        int64_t unix_s; /* 0: refused */
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01T00:00:01Z", 1},
        {"1970-01-01T00:00:01", 1},
        {"2000-02-29T23:59:59Z", 951868799},
        {"2000-03-01T00:00:00Z", 951868800},
        {"2026-11-24T12:00:00.123456Z", 1795521600},
        {"2026-11-24T14:30:00+02:30", 1795521600},
        {"2026-11-24T04:00:00-08:00", 1795521600},
        {"2100-02-28T00:00:00Z", 4107456000},
        {"9999-12-31T23:59:59Z", 253402300799},
        {"2100-02-29T00:00:00Z", 0},
        {"2026-13-01T00:00:00Z", 0},
        {"2026-00-01T00:00:00Z", 0},
        {"2026-01-00T00:00:00Z", 0},
        {"2026-01-01T24:00:00Z", 0},
        {"2026-01-01T00:60:00Z", 0},
        {"2026-01-01T00:00:60Z", 0},
        {"2026-01-01T00:00:00z", 0},
        {"2026-01-01T00:00:00.Z", 0},
        {"2026-01-01T00:00:00+15:00", 0},
        {"2026-01-01T00:00:00+0100", 0},
        {"2026-01-01T00:00:00ZZ", 0},
        {"2026-01-01 00:00:00Z", 0},
        {"26-01-01T00:00:00Z", 0},
        {"-2026-01-01T00:00:00Z", 0},
        {"1969-12-31T23:59:59Z", 0},
        {"", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t t = 0;
        bool is_good = dpp_kms_value_time(rows[i].text, &t);
        if (is_good != (rows[i].unix_s > 0) || (is_good && t != rows[i].unix_s))
            fail_msg("%s: %lld", rows[i].text, (long long)t);
    }
    /* every 11 days and some: print and parse are inverse */
    for (int64_t t = 1; t < INT64_C(253402300799); t += 987654) {
        char text[32] = "";
        struct dpp_out o;
        int64_t back;
        dpp_cur_out(&o, text, sizeof text - 1);
        dpp_kms_value_put_time(&o, t);
        assert_true(dpp_kms_value_time(text, &back));
        assert_int_equal(back, t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cert),      cmocka_unit_test(test_set),
        cmocka_unit_test(test_responses), cmocka_unit_test(test_print_alone),
        cmocka_unit_test(test_namespace), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_encrypted), cmocka_unit_test(test_bombs),
        cmocka_unit_test(test_counts),    cmocka_unit_test(test_request),
        cmocka_unit_test(test_time),      cmocka_unit_test(test_folded),
        cmocka_unit_test(test_named),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
