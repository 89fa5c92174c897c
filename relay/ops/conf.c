#include "relay/ops/conf.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "msrp/uri.h"
#include "relay/ops/file.h"
#include "relay/ops/walk.h"
#include "relay/route/group.h"

enum { DIGEST_REALM_MAX = 128 }; /* a challenge stays a short line */

/* --- defaults and freeing --- */

void relay_conf_done(struct relay_settings *settings)
{
    const struct relay_schema_row *row;

    for (size_t i = 0; (row = relay_schema_at(i)); i++)
        relay_schema_free(settings, row);
    free(settings->links);
    *settings = (struct relay_settings){.name = NULL};
}

static int set_standards(struct relay_settings *settings, char *why, size_t why_n)
{
    const struct relay_schema_row *row;
    int err = 0;

    for (size_t i = 0; err == 0 && (row = relay_schema_at(i)); i++)
        if (row->standard)
            err = relay_schema_set(settings, row, row->standard, why, why_n);
    return err;
}

/* --- walking the file --- */

int relay_walk_refused(struct relay_walk *walk, const yaml_node_t *node, const char *key, int err,
                       const char *text)
{
    if (err == RELAY_E_NOMEM)
        snprintf(walk->yaml.why, walk->yaml.why_n, "%s: out of memory", walk->yaml.name);
    else
        (void)relay_yaml_fail(&walk->yaml, node, "%s %s", key, text);
    return err;
}

static int set_one(struct relay_walk *walk, void *base, const struct relay_schema_row *row,
                   const yaml_node_t *node)
{
    const char *text = relay_yaml_text(&walk->yaml, node, row->key);
    char what[RELAY_CONF_WHY];
    bool ignored;
    int err;

    if (!text)
        return RELAY_E_CONF;
    if (row->type == RELAY_SCHEMA_BOOL &&
        relay_yaml_bool(&walk->yaml, node, row->key, &ignored) < 0)
        return RELAY_E_CONF;
    err = relay_schema_set(base, row, text, what, sizeof what);
    return err < 0 ? relay_walk_refused(walk, node, row->key, err, what) : 0;
}

static int set_list(struct relay_walk *walk, void *base, const struct relay_schema_row *row,
                    const yaml_node_t *node)
{
    int n = relay_yaml_items(&walk->yaml, node, row->key), err = n < 0 ? n : 0;

    for (int i = 0; err == 0 && i < n; i++)
        err = set_one(walk, base, row, relay_yaml_item(&walk->yaml, node, i));
    return err;
}

static int unknown(struct relay_walk *walk, const yaml_node_t *node, const char *key)
{
    const struct relay_schema_row *row;
    const char *names[128], *near;
    size_t n = 0;

    while (n < 128 && (row = relay_schema_at(n)))
        names[n++] = row->key;
    near = NULL;
    /* a key in the wrong section: the last word is right */
    for (size_t i = 0; i < n && !near; i++) {
        const char *dot = strrchr(names[i], '.'), *own = strrchr(key, '.');

        if (dot && strcmp(dot + 1, own ? own + 1 : key) == 0)
            near = names[i];
    }
    near = near ? near : relay_yaml_nearest(key, names, n);
    return relay_yaml_fail(&walk->yaml, node, "unknown key %s%s%s", key,
                           near ? "; did you mean " : "; see mcrelay check --reference",
                           near ? near : "");
}

int relay_walk_set(struct relay_walk *walk, void *base, const struct relay_schema_row *row,
                   const yaml_node_t *node)
{
    switch (row->type) {
    case RELAY_SCHEMA_ISSUERS:
        return relay_walk_issuers(walk, node);
    case RELAY_SCHEMA_PEERS:
        return relay_walk_peers(walk, node);
    case RELAY_SCHEMA_ADDRESSES:
    case RELAY_SCHEMA_STRINGS:
        return set_list(walk, base, row, node);
    default:
        return set_one(walk, base, row, node);
    }
}

/* One mapping; `section` is "" at the top, else "limits." and the like. */
static int walk_map(struct relay_walk *walk, const char *section, const yaml_node_t *node)
{
    char what[40] = "the configuration";
    int n, err;

    if (*section) /* without its dot */
        snprintf(what, sizeof what, "%.*s", (int)strlen(section) - 1, section);
    n = relay_yaml_pairs(&walk->yaml, node, what);
    err = n < 0 ? n : 0;
    for (int i = 0; err == 0 && i < n; i++) {
        struct relay_yaml_pair pair = relay_yaml_pair(&walk->yaml, node, i);
        const struct relay_schema_row *row, *inside = NULL;
        char key[160];
        size_t key_n = (size_t)snprintf(key, sizeof key, "%s%s", section, pair.key);

        for (size_t j = 0; (row = relay_schema_at(j)); j++) {
            if (strcmp(row->key, key) == 0)
                break;
            if (strncmp(row->key, key, key_n) == 0 && row->key[key_n] == '.')
                inside = row;
        }
        if (row) {
            err = relay_walk_set(walk, walk->settings, row, pair.value);
        } else if (inside && !*section) {
            key[key_n] = '.';
            key[key_n + 1] = '\0';
            err = walk_map(walk, key, pair.value);
        } else {
            err = unknown(walk, pair.key_node, key);
        }
    }
    return err;
}

/* --- what must fit together --- */

/* The node of a top-level key, for the line of an error; the whole document when it is absent. */
static const yaml_node_t *place(struct relay_walk *walk, const char *path)
{
    const yaml_node_t *node = walk->root;
    size_t n = strcspn(path, ".");

    if (!node || !relay_yaml_is_map(node))
        return node;
    for (int i = 0; i < relay_yaml_pairs(&walk->yaml, node, ""); i++) {
        struct relay_yaml_pair pair = relay_yaml_pair(&walk->yaml, node, i);

        if (strlen(pair.key) == n && memcmp(pair.key, path, n) == 0)
            return pair.key_node;
    }
    return node;
}

static int check_street(struct relay_walk *walk)
{
    const struct relay_settings *s = walk->settings;
    struct relay_yaml *yaml = &walk->yaml;

    if (!s->name)
        return relay_yaml_fail(yaml, walk->root,
                               "name is missing; write the host name of the relay");
    if (!relay_walk_is_host(s->name))
        return relay_yaml_fail(yaml, place(walk, "name"),
                               "name is \"%.80s\"; write a full host name in lower case, as "
                               "relay.iops.example (no IP address: clients take --connect)",
                               s->name);
    if (s->listen.n == 0 && s->plain.n == 0)
        return relay_yaml_fail(yaml, walk->root,
                               "listen is missing; write listen: [\"0.0.0.0:2855\"]");
    if (s->listen.n > 0 && (!s->certificate || !s->key))
        return relay_yaml_fail(yaml, place(walk, "listen"),
                               "TLS needs certificate and key; write the paths of both PEM files");
    for (size_t i = 0; i < s->plain.n; i++)
        if (!s->plain.v[i].is_loopback && !s->allow_plaintext)
            return relay_yaml_fail(yaml, place(walk, "plain"),
                                   "plain listener %s is not on loopback; use listen for TLS, or "
                                   "write allow_plaintext: true",
                                   s->plain.v[i].text);
    if (s->metrics.n > 0 && !s->metrics.v[0].is_loopback)
        return relay_yaml_fail(yaml, place(walk, "metrics"),
                               "metrics is %s; write a loopback address, as 127.0.0.1:9855",
                               s->metrics.v[0].text);
    return 0;
}

static int check_rules(struct relay_walk *walk)
{
    const struct relay_settings *s = walk->settings;
    const struct relay_conf *core = &s->core;
    struct relay_yaml *yaml = &walk->yaml;
    char mdsi[RELAY_ID_MAX + 1];

    if (s->issuers_n == 0 && !s->digest_users)
        return relay_yaml_fail(yaml, place(walk, "tokens"),
                               "tokens.issuers is missing; write who issues the tokens");
    if (s->digest_realm &&
        (strpbrk(s->digest_realm, "\"\\") || strlen(s->digest_realm) > DIGEST_REALM_MAX))
        return relay_yaml_fail(yaml, place(walk, "digest"),
                               "digest.realm is \"%.80s\"; write at most %d characters without "
                               "quotes and backslashes",
                               s->digest_realm, DIGEST_REALM_MAX);
    if (s->iops && s->iops_domains.n == 0 && s->iops_users.n == 0)
        return relay_yaml_fail(yaml, place(walk, "iops"),
                               "iops.domains is missing; write the domains of the IOPS MCData "
                               "IDs, or iops: {enabled: false}");
    if (!s->csk_file != !s->csk_kek_file)
        return relay_yaml_fail(yaml, place(walk, "csk"),
                               "csk needs both file and kek; write the missing one");
    if (!s->keyset_file != !s->keyset_kek || !s->keyset_file != !s->mdsi)
        return relay_yaml_fail(yaml, place(walk, s->mdsi ? "mdsi" : "keyset"),
                               "mdsi, keyset.file and keyset.kek belong together; write the "
                               "missing one");
    if (s->mdsi && !relay_id_normal(msrp_str_of(s->mdsi), mdsi))
        return relay_yaml_fail(yaml, place(walk, "mdsi"),
                               "mdsi is \"%.80s\"; write a URI, as sip:relay@iops.example",
                               s->mdsi);
    if ((s->kms_url || s->kms_uri || s->kms_connect || s->kms_ca || s->kms_token) &&
        (!s->kms_url || !s->kms_token || !s->mdsi))
        return relay_yaml_fail(yaml, place(walk, "kms"),
                               "kms needs url and token, and mdsi and keyset; write the missing "
                               "one");
    if (s->kms_url && strncmp(s->kms_url, "https://", 8) != 0)
        return relay_yaml_fail(yaml, place(walk, "kms"),
                               "kms.url is \"%.80s\"; write https://HOST:PORT", s->kms_url);
    if (core->out_low >= core->out_high || core->out_high > core->out_hard)
        return relay_yaml_fail(yaml, place(walk, "limits"),
                               "limits.out_low < out_high <= out_hard does not hold");
    if (core->expires_min_s > core->expires_default_s ||
        core->expires_default_s > core->expires_max_s)
        return relay_yaml_fail(yaml, place(walk, "times"),
                               "times.expires_min <= expires <= expires_max does not hold");
    if (core->head.line > core->head.block)
        return relay_yaml_fail(yaml, place(walk, "limits"),
                               "limits.line is larger than limits.header_block");
    return 0;
}

/* What of the peers hangs together with the rest; the rest of them is looked at in element.c. */
static int check_peers(struct relay_walk *walk)
{
    const struct relay_settings *s = walk->settings;

    for (size_t i = 0; i < s->peers_n; i++) {
        if (strcmp(s->peers[i].name, s->name) == 0)
            return relay_yaml_fail(&walk->yaml, place(walk, "peers"),
                                   "the peer %s has our own name; write that of the other relay",
                                   s->name);
        if (s->peers[i].tls && (!s->peers_ca || !s->certificate || !s->key))
            return relay_yaml_fail(&walk->yaml, place(walk, "peers"),
                                   "the peer %s needs peers_ca, certificate and key; write the "
                                   "missing one",
                                   s->peers[i].name);
    }
    return 0;
}

static uint16_t port_of(const struct relay_address *address)
{
    return ntohs(address->sa.any.sa_family == AF_INET6 ? address->sa.v6.sin6_port
                                                       : address->sa.v4.sin_port);
}

/* Fills in what follows from other settings, and lets the core's strings point to ours. */
static int derive(struct relay_walk *walk)
{
    struct relay_settings *s = walk->settings;
    struct msrp_uri uri;

    if (s->core.port == 0)
        s->core.port = port_of(s->listen.n > 0 ? &s->listen.v[0] : &s->plain.v[0]);
    if (s->core.port == 0)
        return relay_yaml_fail(&walk->yaml, place(walk, "listen"),
                               "the first listener has port 0; write port: as well");
    if (!s->realm && !(s->realm = strdup(s->name)))
        return relay_walk_refused(walk, NULL, "", RELAY_E_NOMEM, "");
    if (!s->service && asprintf(&s->service, "msrps://%s:%u/sds;tcp", s->name, s->core.port) < 0) {
        s->service = NULL;
        return relay_walk_refused(walk, NULL, "", RELAY_E_NOMEM, "");
    }
    if (msrp_uri_parse(&uri, msrp_str_of(s->service)) < 0 || !uri.has_port || !uri.has_session)
        return relay_yaml_fail(&walk->yaml, place(walk, "service"),
                               "service is \"%.80s\"; write msrps://%s:%u/sds;tcp", s->service,
                               s->name, s->core.port);
    if (relay_walk_links(walk->settings) < 0)
        return relay_walk_refused(walk, NULL, "", RELAY_E_NOMEM, "");
    s->core.name = s->name;
    s->core.service = s->service;
    s->core.realm = s->realm;
    s->core.scope = s->scope;
    s->core.plaintext_auth = s->plaintext_auth;
    return 0;
}

/* --- the public face --- */

int relay_conf_parse(struct relay_settings *settings, const char *name, const char *p, size_t n,
                     char *why, size_t why_n)
{
    struct relay_walk walk = {.settings = settings};
    int err;

    *settings = (struct relay_settings){.name = NULL};
    relay_conf_default(&settings->core);
    settings->core.port = 0;
    if ((err = set_standards(settings, why, why_n)) < 0)
        goto out;
    if ((err = relay_yaml_open(&walk.yaml, name, p, n, why, why_n, &walk.root)) < 0)
        goto out;
    if (!walk.root)
        err = relay_yaml_fail(&walk.yaml, NULL, "is empty; see mcrelay check --reference");
    err = err < 0 ? err : walk_map(&walk, "", walk.root);
    err = err < 0 ? err : check_street(&walk);
    err = err < 0 ? err : check_rules(&walk);
    err = err < 0 ? err : check_peers(&walk);
    err = err < 0 ? err : derive(&walk);
    relay_yaml_done(&walk.yaml);
out:
    if (err < 0)
        relay_conf_done(settings);
    else
        why[0] = '\0';
    return err;
}

int relay_conf_load(struct relay_settings *settings, const char *path, char *why, size_t why_n)
{
    char *p;
    size_t n;
    int err = relay_file_read(path, RELAY_CONF_OCTETS, false, &p, &n, why, why_n);

    *settings = (struct relay_settings){.name = NULL};
    if (err < 0)
        return err;
    err = relay_conf_parse(settings, path, p, n, why, why_n);
    relay_file_free(p, n);
    return err;
}
