/* dpp_info.c - mcdata-info and resource-lists with every allocation of libxml2 refused in turn: the
 * answer is DPP_E_NOMEM or the right one, never a crash, a leak or a half-read document. */
#include "tests/oom/oom.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <libxml/parser.h>
#include <libxml/xmlmemory.h>

#include "dpp/err.h"
#include "dpp/sds/info.h"

/* With attributes, namespaces, references, CDATA and a long text, so that every buffer grows. */
#define DOCUMENT                                                                                   \
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"                                                 \
    "<m:mcdatainfo xmlns:m=\"urn:3gpp:ns:mcdataInfo:1.0\" xmlns:v=\"urn:v\"><m:mcdata-Params>"     \
    "<m:mcdata-access-token type=\"Normal\"><m:mcdataString>t</m:mcdataString>"                    \
    "</m:mcdata-access-token><m:request-type>group-sds</m:request-type>"                           \
    "<m:mcdata-request-uri type=\"Encrypted\" a=\"1\" b=\"&amp;\" c=\"&#65;\"><m:mcdataURI>"       \
    "sip:g1@iops.example;a=1&amp;b</m:mcdataURI></m:mcdata-request-uri>"                           \
    "<m:mcdata-client-id type=\"Normal\"><m:mcdataString><![CDATA[some client]]></m:mcdataString>" \
    "</m:mcdata-client-id><v:a><v:b><v:c><v:d><v:e><v:f><v:g x=\"1\" y=\"2\" z=\"3\"/></v:f>"      \
    "</v:e></v:d></v:c></v:b></v:a><!-- comment --></m:mcdata-Params></m:mcdatainfo>"

#define BROKEN "<mcdatainfo xmlns=\"urn:3gpp:ns:mcdataInfo:1.0\"><a><b></a></mcdatainfo>"
#define DTD    "<!DOCTYPE m [<!ENTITY a \"b\">]><m>&a;</m>"
#define LISTS                                                                                      \
    "<resource-lists xmlns=\"urn:ietf:params:xml:ns:resource-lists\"><list>"                       \
    "<entry uri=\"sip:a@x;p=1&amp;q=2\"/><entry uri=\"sip:b@x\"/></list></resource-lists>"

/* A refusal that libxml2 meets while it builds an error report may leave the report's own answer.
 */
static void check_info(const char *text, int want)
{
    struct dpp_info right, info;
    size_t refusals = 0;

    assert_int_equal(dpp_info_parse(&right, text, strlen(text)), want);
    for (int once = 0; once < 2; once++) {
        for (long i = 0;; i++) {
            oom_begin(i, once);
            int err = dpp_info_parse(&info, text, strlen(text));
            bool was_refused = oom_stop();
            if (!was_refused)
                assert_int_equal(err, want);
            else if (err != DPP_E_NOMEM)
                assert_int_equal(err, want);
            if (err == want)
                assert_memory_equal(&info, &right, sizeof info);
            if (!was_refused)
                break;
            refusals += err == DPP_E_NOMEM;
        }
    }
    assert_true(refusals > 0);
}

static void test_info(void **state)
{
    (void)state;
    check_info(DOCUMENT, 0);
}

static void test_info_refused(void **state)
{
    (void)state;
    check_info(BROKEN, DPP_E_XML);
    check_info(DTD, DPP_E_XML_DTD);
}

static void test_targets(void **state)
{
    struct dpp_targets right, t;
    size_t refusals = 0;

    (void)state;
    assert_int_equal(dpp_targets_parse(&right, LISTS, strlen(LISTS)), 0);
    assert_int_equal(right.count, 2);
    for (long i = 0;; i++) {
        oom_start(i);
        int err = dpp_targets_parse(&t, LISTS, strlen(LISTS));
        bool was_refused = oom_stop();
        if (err != DPP_E_NOMEM) {
            assert_int_equal(err, 0);
            assert_memory_equal(&t, &right, sizeof t);
        }
        if (!was_refused)
            break;
        refusals += err == DPP_E_NOMEM;
    }
    assert_true(refusals > 0);
}

static int set_up(void **state)
{
    (void)state;
    if (xmlMemSetup(free, oom_malloc, oom_realloc, oom_strdup) != 0)
        return -1;
    xmlInitParser(); /* once per process; what it allocates lives as long as the process */
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_info),
        cmocka_unit_test(test_info_refused),
        cmocka_unit_test(test_targets),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
