#include "relay/cmd/renew.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "relay/cmd/keyset.h"
#include "relay/cmd/reload.h"
#include "relay/loop/fetch.h"
#include "relay/ops/file.h"
#include "relay/ops/keydir.h"

enum { TOKEN_MAX = 16384, AGAIN_MAX_S = 600, AGAIN_S = 10 };

/* How long until the KMS is asked again. */
static int64_t pause_s(const struct dpp_ring *ring)
{
    int64_t s = ring ? daemon_keyset_lead_s(ring) / 10 : AGAIN_S;

    return s < 1 ? 1 : s > AGAIN_MAX_S ? AGAIN_MAX_S : s;
}

/* Asks the KMS and seals what it gave. */
static int fetch(const struct relay_settings *settings, const atomic_bool *stop,
                 struct dpp_ring **ring, char *why, size_t why_n)
{
    DPP_SCRUB(kek, 32);
    struct relay_kms_got got;
    char *token;
    size_t n;
    int err = relay_keydir_kek(settings->keyset_kek, kek.p);

    *ring = NULL;
    if (err < 0)
        return daemon_keyset_fail(err, settings->keyset_kek, why, why_n);
    err = relay_file_read(settings->kms_token, TOKEN_MAX, false, &token, &n, why, why_n);
    if (err < 0)
        return err;
    token[strcspn(token, "\r\n \t")] = '\0';
    struct relay_kms_fetch from = {
        .url = settings->kms_url,
        .kms_uri = settings->kms_uri,
        .connect = settings->kms_connect,
        .ca = settings->kms_ca,
        .token = token,
        .user = settings->mdsi,
        .stop = stop,
    };
    err = relay_kms_fetch(&from, time(NULL), &got);
    relay_file_free(token, n);
    if (err < 0) {
        snprintf(why, why_n, "%.120s: %.380s", settings->kms_url, got.why);
        return err;
    }
    err = relay_keydir_write_set(settings->keyset_file, kek.p, (const char *const *)got.xml,
                                 got.xml_n, sizeof got.xml / sizeof *got.xml);
    /* not being able to keep it is no reason not to use it */
    if (err < 0)
        (void)daemon_keyset_fail(err, settings->keyset_file, why, why_n);
    *ring = got.ring;
    got.ring = NULL;
    relay_kms_fetch_done(&got);
    return 0;
}

/* --- while the relay runs --- */

struct job {
    struct daemon *daemon;
    bool fetches;
    struct dpp_ring *ring;
    int err;
    char why[RELAY_CONF_WHY];
};

static void run(void *ctx)
{
    struct job *job = ctx;
    const struct relay_settings *settings = &job->daemon->files.settings;

    if (job->fetches)
        job->err = fetch(settings, &job->daemon->renew.stop, &job->ring, job->why, sizeof job->why);
    else
        job->err = daemon_keyset_read(settings, &job->ring, job->why, sizeof job->why);
    OPENSSL_thread_stop(); /* TLS drew random octets: this thread may not live to clear that away */
}

static void tell(struct daemon *daemon)
{
    const struct dpp_ring *ring = relay_loop_ring_now(daemon->loop);
    int64_t now_s = time(NULL);
    char text[RELAY_CONF_WHY];

    snprintf(text, sizeof text, "keys of %s: %zu key periods held, %lld s to the end of the last",
             dpp_ring_user(ring), dpp_ring_sets(ring),
             (long long)(daemon_keyset_end_s(ring, now_s) - now_s));
    daemon_note(daemon, RELAY_LOG_INFO, "keyset", text);
}

/* From now on this one, unless there is none. */
static int put(struct daemon *daemon, struct dpp_ring *ring)
{
    if (!ring)
        return 0;
    int err = relay_loop_ring(daemon->loop, ring);
    if (err < 0) {
        dpp_ring_free(ring);
        return err;
    }
    daemon->renew.is_worn = daemon->renew.is_over = false;
    tell(daemon);
    return 0;
}

static void done(void *ctx)
{
    struct job *job = ctx;
    struct daemon *daemon = job->daemon;
    struct daemon_renew *renew = &daemon->renew;

    renew->is_busy = false;
    if (job->err == 0 && (job->err = put(daemon, job->ring)) < 0)
        snprintf(job->why, sizeof job->why, "%s", relay_strerror(job->err));
    if (job->err == 0) {
        renew->done += job->ring != NULL;
        if (job->why[0])
            daemon_note(daemon, RELAY_LOG_ERROR, "keyset", job->why);
    } else if (!atomic_load(&renew->stop)) {
        renew->failed++;
        daemon_note(daemon, RELAY_LOG_ERROR, "the relay's keys stay as they were", job->why);
    }
    if (job->fetches) /* our own change of the file is none */
        renew->stamp = relay_stamp_mix(0, daemon->files.settings.keyset_file);
    else if (daemon_is_passing(job->err))
        renew->stamp = 0;
    free(job);
}

static void begin(struct daemon *daemon, bool fetches)
{
    struct job *job = calloc(1, sizeof *job);

    if (!job)
        return;
    job->daemon = daemon;
    job->fetches = fetches;
    daemon->renew.is_busy = relay_loop_work(daemon->loop, job, run, done) == 0;
    if (!daemon->renew.is_busy)
        free(job);
}

int daemon_renew_start(struct daemon *daemon)
{
    struct daemon_files *files = &daemon->files;
    int err;

    if (!files->settings.keyset_file)
        return 0;
    daemon->renew.stamp = relay_stamp_mix(0, files->settings.keyset_file);
    if (files->settings.kms_url && (err = relay_fetch_init()) < 0)
        return err;
    struct dpp_ring *ring = files->ring;
    files->ring = NULL;
    if ((err = put(daemon, ring)) == 0)
        daemon_renew_poll(daemon); /* without keys: not a moment later */
    return err;
}

/* Says it once when the end is near, and once when it is there. */
static void watch_end(struct daemon *daemon, int64_t left_s, int64_t lead)
{
    struct daemon_renew *renew = &daemon->renew;

    if (left_s <= 0 && !renew->is_over)
        daemon_note(daemon, RELAY_LOG_ERROR, "keyset",
                    "no key set for this key period: CSK uploads are refused");
    else if (left_s > 0 && left_s <= lead && !renew->is_worn)
        daemon_note(daemon, RELAY_LOG_WARN, "keyset", "the key sets held are about to end");
    renew->is_over = left_s <= 0;
    renew->is_worn = left_s <= lead;
}

void daemon_renew_poll(struct daemon *daemon)
{
    const struct relay_settings *settings = &daemon->files.settings;
    struct daemon_renew *renew = &daemon->renew;
    const struct dpp_ring *ring = relay_loop_ring_now(daemon->loop);
    int64_t now_s = time(NULL);

    if (!settings->keyset_file || renew->is_busy)
        return;
    uint64_t stamp = relay_stamp_mix(0, settings->keyset_file);
    if (stamp != renew->stamp) {
        renew->stamp = stamp;
        begin(daemon, false);
        return;
    }
    int64_t left_s = ring ? daemon_keyset_end_s(ring, now_s) - now_s : 0;
    int64_t lead = ring ? daemon_keyset_lead_s(ring) : 0;
    if (ring)
        watch_end(daemon, left_s, lead);
    if (settings->kms_url && left_s <= lead && now_s >= renew->again_s) {
        renew->again_s = now_s + pause_s(ring);
        begin(daemon, true);
    }
}

void daemon_renew_reload(struct daemon *daemon)
{
    daemon->renew.stamp = 0;
}
