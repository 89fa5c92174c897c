/* dpp_kms.c - KMS documents with every allocation of ours and of libxml2 refused in turn: the
 * answer is DPP_E_NOMEM or the right one, never a crash, a leak or half a document. */
#include "tests/oom/oom.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <libxml/parser.h>
#include <libxml/xmlmemory.h>
#include <stdio.h>

#include "dpp/keys/kms.h"

static char document[8192];

static void write_document(void)
{
    struct dpp_kms_doc *doc;
    struct dpp_kms_cert *cert;
    struct dpp_kms_set *set;

    assert_int_equal(dpp_kms_new(&doc, DPP_KMS_KEYPROV), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(dpp_kms_add_set(doc, &set), 0);
        snprintf(set->kms_uri, sizeof set->kms_uri, "kms.example");
        snprintf(set->user_uri, sizeof set->user_uri, "sip:a@example");
        set->secrets->rsk[0] = set->secrets->pvt[0] = 4;
    }
    snprintf(doc->error_text, sizeof doc->error_text, "no error");
    assert_true(dpp_kms_print(doc, document, sizeof document) > 0);
    dpp_kms_free(doc);

    assert_int_equal(dpp_kms_new(&doc, DPP_KMS_INIT), 0);
    assert_int_equal(dpp_kms_add_cert(doc, &cert), 0);
    dpp_kms_free(doc);
}

static void test_parse(void **state)
{
    struct dpp_kms_doc *doc;
    size_t refusals = 0;

    (void)state;
    write_document();
    for (int once = 0; once < 2; once++) {
        for (long i = 0;; i++) {
            oom_begin(i, once);
            int err = dpp_kms_parse(&doc, document, strlen(document));
            bool was_refused = oom_stop();
            if (err == 0) {
                assert_int_equal(doc->sets_n, 2);
                assert_int_equal(doc->sets[1].secrets->pvt[0], 4);
            } else {
                assert_int_equal(err, DPP_E_NOMEM);
                assert_null(doc);
            }
            dpp_kms_free(doc);
            if (!was_refused)
                break;
            refusals += err == DPP_E_NOMEM;
        }
    }
    assert_true(refusals > 4);
}

/* The secure heap is full, or was never set up. */
static void test_no_heap(void **state)
{
    struct dpp_kms_doc *doc;

    (void)state;
    assert_int_equal(dpp_kms_parse(&doc, "<KmsKeySet/>", 12), DPP_E_SECURE_HEAP);
    assert_null(doc);
    assert_true(dpp_keys_init(0) != DPP_E_SECURE_HEAP);
    assert_int_equal(dpp_kms_parse(&doc, "<KmsKeySet/>", 12), DPP_E_KMS_FIELD);
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
        cmocka_unit_test(test_no_heap),
        cmocka_unit_test(test_parse),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
