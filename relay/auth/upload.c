#include "relay/auth/upload.h"

#include <stdlib.h>

#include "relay/err.h"

void relay_upload_open(const struct dpp_ring *ring, struct relay_upload *upload)
{
    const struct dpp_mikey_want want = {
        .now_s = upload->now_s,
        .roles = 1u << DPP_ROLE_CSK,
        .initiator = upload->initiator,
    };
    struct dpp_mikey_got got;

    upload->err = RELAY_E_SDS_MIKEY_UPLOAD;
    if (!ring)
        return;
    upload->err = dpp_mikey_open(ring, upload->p, upload->n, &want, &got);
    if (upload->err)
        return;
    upload->time_s = got.time_s;
    upload->key = got.key;
    if (got.is_revoked)
        upload->err = DPP_E_MIKEY_REVOKED;
}

void relay_upload_free(struct relay_upload *upload)
{
    if (upload)
        dpp_key_free(upload->key);
    free(upload);
}
