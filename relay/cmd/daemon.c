#include "relay/cmd/daemon.h"

#include <stdio.h>
#include <string.h>

#include "relay/cmd/keyset.h"
#include "relay/err.h"
#include "relay/ops/file.h"
#include "relay/ops/keydir.h"

enum {
    PEM_OCTETS = 1024 * 1024,
    HEAP_OCTETS = 1024 * 1024, /* of secure heap, for all but CSKs and key sets */
};

static bool has_tls_peer(const struct relay_settings *settings)
{
    for (size_t i = 0; i < settings->peers_n; i++)
        if (settings->peers[i].tls)
            return true;
    return false;
}

static int make_contexts(const struct relay_settings *settings, const struct relay_pem *cert,
                         const struct relay_pem *key, const struct relay_pem *ca,
                         struct relay_ctx **tls, struct relay_ctx **peer_tls, char *why,
                         size_t why_n)
{
    int err = 0;

    if (settings->listen.n > 0)
        err = relay_ctx_server(tls, cert, key, settings->name, why, why_n);
    if (err == 0 && *tls && ca->p)
        err = relay_ctx_ask(*tls, ca, why, why_n);
    if (err == 0 && has_tls_peer(settings))
        err = relay_ctx_peer(peer_tls, cert, key, settings->name, ca, why, why_n);
    return err;
}

int daemon_files_tls(const struct relay_settings *settings, struct relay_ctx **tls,
                     struct relay_ctx **peer_tls, char *why, size_t why_n)
{
    struct relay_pem cert = {.name = settings->certificate}, key = {.name = settings->key};
    struct relay_pem ca = {.name = settings->peers_ca};
    char *cert_text = NULL, *key_text = NULL, *ca_text = NULL;
    int err;

    *tls = *peer_tls = NULL;
    if (settings->listen.n == 0 && !has_tls_peer(settings))
        return 0;
    err = relay_file_read(cert.name, PEM_OCTETS, false, &cert_text, &cert.n, why, why_n);
    if (err == 0)
        err = relay_file_read(key.name, PEM_OCTETS, true, &key_text, &key.n, why, why_n);
    if (err == 0 && ca.name)
        err = relay_file_read(ca.name, PEM_OCTETS, false, &ca_text, &ca.n, why, why_n);
    cert.p = cert_text;
    key.p = key_text;
    ca.p = ca_text;
    if (err == 0)
        err = make_contexts(settings, &cert, &key, &ca, tls, peer_tls, why, why_n);
    if (err < 0) {
        relay_ctx_unref(*tls);
        relay_ctx_unref(*peer_tls);
        *tls = *peer_tls = NULL;
    }
    relay_file_free(cert_text, cert.n);
    relay_file_free(key_text, key.n);
    relay_file_free(ca_text, ca.n);
    return err;
}

/* Before the first key: a heap for all that will stand in it at once. A reload reads the new CSKs
 * and key sets while the old ones are in use. */
static int make_heap(const struct relay_settings *settings, char *why, size_t why_n)
{
    size_t keys = settings->core.conns_max;
    size_t sets = settings->keyset_file ? 2 * relay_keydir_heap(settings->keyset_file) : 0;

    if (settings->csk_file)
        keys += 2 * relay_keydir_keys_max(settings->csk_file);
    int err = dpp_keys_init(HEAP_OCTETS + keys * DPP_KEYS_OCTETS + sets);

    if (err < 0)
        snprintf(why, why_n, "%s", relay_strerror(err));
    return err == DPP_E_HEAP_UNLOCKED ? 0 : err; /* keys work, but may reach the swap */
}

int daemon_files_load(struct daemon_files *files, const char *path, char *why, size_t why_n)
{
    char keys[RELAY_CONF_WHY] = "";
    int err;

    memset(files, 0, sizeof *files);
    if ((err = relay_conf_load(&files->settings, path, why, why_n)) < 0)
        return err;
    err = make_heap(&files->settings, why, why_n);
    if (err == 0)
        err = relay_groupdir_load(&files->settings, &files->policy, why, why_n);
    if (err == 0)
        err = relay_jwksdir_load(&files->settings, &files->rules, why, why_n);
    if (err == 0)
        err = relay_digestdir_load(&files->settings, &files->digest, why, why_n);
    if (err == 0)
        err = daemon_files_tls(&files->settings, &files->tls, &files->peer_tls, why, why_n);
    if (err == 0) {
        size_t at = strlen(why);
        err = daemon_keyset_read(&files->settings, &files->ring, keys, sizeof keys);
        at = err < 0 ? 0 : at;
        if (keys[0])
            snprintf(why + at, why_n - at, "%s%s", at ? "; " : "", keys);
    }
    if (err < 0) {
        daemon_files_done(files);
        return err;
    }
    files->settings.core.auth = relay_rules_auth(files->rules);
    files->settings.core.digest = relay_digestdir_rules(files->digest);
    return 0;
}

void daemon_files_done(struct daemon_files *files)
{
    dpp_ring_free(files->ring);
    relay_ctx_unref(files->tls);
    relay_ctx_unref(files->peer_tls);
    relay_digestdir_free(files->digest);
    relay_rules_free(files->rules);
    relay_policy_unref(files->policy);
    relay_conf_done(&files->settings);
    memset(files, 0, sizeof *files);
}
