#include "relay/cmd/keyset.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "relay/err.h"
#include "relay/ops/keydir.h"

int daemon_keyset_fail(int err, const char *path, char *why, size_t why_n)
{
    bool is_io = err == RELAY_E_IO;

    snprintf(why, why_n, "%s: %s%s%s", path, relay_strerror(err), is_io ? ": " : "",
             is_io ? strerror(errno) : "");
    return err;
}

static const struct dpp_kms_cert *cert_of(const struct dpp_ring *ring)
{
    return &dpp_ring_set_at(ring, 0)->kms->cert;
}

int64_t daemon_keyset_end_s(const struct dpp_ring *ring, int64_t now_s)
{
    const struct dpp_kms_cert *cert = cert_of(ring);
    uint64_t no = dpp_ring_period(cert, now_s);
    const struct dpp_ring_set *set;
    int64_t end_s = now_s;

    while ((set = dpp_ring_set(ring, dpp_ring_set_at(ring, 0)->kms, no)) != NULL) {
        if (set->to_s != 0 && set->to_s <= end_s)
            break;
        end_s = dpp_ring_period_begin(cert, ++no);
        if (set->to_s != 0 && set->to_s < end_s)
            return set->to_s;
    }
    return cert->to_s != 0 && cert->to_s < end_s ? cert->to_s : end_s;
}

int64_t daemon_keyset_lead_s(const struct dpp_ring *ring)
{
    int64_t tenth_s = (int64_t)(cert_of(ring)->period_s / 10), day_s = 86400;

    return tenth_s < 1 ? 1 : tenth_s > day_s ? day_s : tenth_s;
}

int daemon_keyset_read(const struct relay_settings *settings, struct dpp_ring **ring, char *why,
                       size_t why_n)
{
    DPP_SCRUB(kek, 32);
    int err;

    *ring = NULL;
    if (!settings->keyset_file)
        return 0;
    err = relay_keydir_kek(settings->keyset_kek, kek.p);
    if (err < 0)
        return daemon_keyset_fail(err, settings->keyset_kek, why, why_n);
    /* without dates: a set of a period that is over must not hide the one of this period. What may
     * be used when is looked at with every I_MESSAGE. */
    err = relay_keydir_read_ring(settings->keyset_file, kek.p, settings->mdsi, 0, ring);
    if (err == RELAY_E_IO && errno == ENOENT && settings->kms_url) {
        snprintf(why, why_n, "%s: not there yet; it will be fetched from %s", settings->keyset_file,
                 settings->kms_url);
        return 0;
    }
    if (err == DPP_E_KMS_USER) {
        snprintf(why, why_n, "%s: it holds keys of another user than mdsi, %s",
                 settings->keyset_file, settings->mdsi);
        return err;
    }
    if (err < 0)
        return daemon_keyset_fail(err, settings->keyset_file, why, why_n);
    if (daemon_keyset_end_s(*ring, time(NULL)) <= time(NULL))
        snprintf(why, why_n, "%s: no key set for this key period; CSK uploads will be refused%s",
                 settings->keyset_file, settings->kms_url ? " until one is fetched" : "");
    return 0;
}
