/* fuzz_dpp_info.c - any octets as mcdata-info and as resource-lists. What is read is printed and
 * read again to the same; every string ends within its array. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dpp/sds/info.h"

#define check(is_right) ((is_right) ? (void)0 : abort())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dpp_info info, again;
    struct dpp_targets targets;
    char xml[16384];

    if (dpp_targets_parse(&targets, data, size) == 0) {
        check(memchr(targets.uri, 0, sizeof targets.uri) != NULL);
        check(targets.count ? dpp_info_is_uri(targets.uri, strlen(targets.uri)) : !*targets.uri);
    }
    if (dpp_info_parse(&info, data, size) != 0)
        return 0;
    check(memchr(info.request_uri, 0, sizeof info.request_uri) != NULL);
    check(memchr(info.client_id, 0, sizeof info.client_id) != NULL);
    check(!*info.request_uri || dpp_info_is_uri(info.request_uri, strlen(info.request_uri)));
    ssize_t n = dpp_info_print(xml, sizeof xml, &info);
    check(info.is_encrypted ? n < 0 : n > 0);
    if (n < 0)
        return 0;
    check(dpp_info_parse(&again, xml, (size_t)n) == 0);
    info.has_access_token = false; /* never printed */
    check(info.request == again.request && strcmp(info.request_type, again.request_type) == 0 &&
          strcmp(info.request_uri, again.request_uri) == 0 &&
          strcmp(info.calling_user_id, again.calling_user_id) == 0 &&
          strcmp(info.called_party_id, again.called_party_id) == 0 &&
          strcmp(info.calling_group_id, again.calling_group_id) == 0 &&
          strcmp(info.client_id, again.client_id) == 0 && !again.has_access_token);
    return 0;
}
