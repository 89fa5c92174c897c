/* fuzz_dpp_kms.c - any octets as a KMS document and as a KMS request. What is read is printed and
 * read again to the same; every string ends within its array. It is longer than 40 lines because a
 * document has two arrays, one of them with secrets elsewhere, that memcmp alone cannot compare. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dpp/keys/kms.h"

#define check(is_right) ((is_right) ? (void)0 : abort())

static void check_same(const struct dpp_kms_doc *a, const struct dpp_kms_doc *b)
{
    check(a->certs_n == b->certs_n && a->sets_n == b->sets_n);
    check(memcmp(a, b, offsetof(struct dpp_kms_doc, certs_n)) == 0);
    check(!a->certs_n || memcmp(a->certs, b->certs, a->certs_n * sizeof *a->certs) == 0);
    for (size_t i = 0; i < a->sets_n; i++) {
        check(memcmp(&a->sets[i], &b->sets[i], offsetof(struct dpp_kms_set, secrets)) == 0);
        check(memcmp(a->sets[i].secrets, b->sets[i].secrets, sizeof *a->sets->secrets) == 0);
        check(memchr(a->sets[i].user_uri, 0, sizeof a->sets->user_uri) != NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char xml[DPP_KMS_XML_MAX];
    struct dpp_kms_request request, same;
    struct dpp_kms_doc *doc, *again;
    ssize_t n;

    check(dpp_keys_init(0) != DPP_E_SECURE_HEAP);
    if (dpp_kms_request_parse(&request, (const char *)data, size) == 0) {
        check((n = dpp_kms_request_print(&request, xml, sizeof xml)) > 0);
        check(dpp_kms_request_parse(&same, xml, (size_t)n) == 0);
        check(memcmp(&request, &same, sizeof same) == 0);
    }
    if (dpp_kms_parse(&doc, (const char *)data, size) != 0)
        return 0;
    check(dpp_kms_print(doc, xml,
                        dpp_kms_print_max(doc) < sizeof xml ? dpp_kms_print_max(doc) : sizeof xml) >
          0);
    check(dpp_kms_parse(&again, xml, strlen(xml)) == 0);
    check_same(doc, again);
    dpp_kms_free(again);
    dpp_kms_free(doc);
    return 0;
}
