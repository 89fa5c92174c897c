#include "relay/ops/groupdir.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "relay/ops/file.h"
#include "relay/ops/keydir.h"
#include "relay/ops/schema.h"
#include "relay/ops/yaml.h"

/* One file under way. */
struct reading {
    struct relay_yaml yaml;
    struct relay_policy *policy;
};

static int size_of(struct reading *r, yaml_node_t *node, uint64_t *size)
{
    const char *text = relay_yaml_text(&r->yaml, node, "size_max");

    if (!text)
        return RELAY_E_CONF;
    if (relay_schema_octets(text, size))
        return 0;
    return relay_yaml_fail(&r->yaml, node, "size_max: %s; write digits with B, KiB, MiB or GiB",
                           text);
}

static int unknown(struct reading *r, const struct relay_yaml_pair *pair, const char *const *names,
                   size_t n)
{
    const char *near = relay_yaml_nearest(pair->key, names, n);

    return relay_yaml_fail(&r->yaml, pair->key_node, "%s is not known here%s%s", pair->key,
                           near ? "; did you mean " : "", near ? near : "");
}

static int read_member(struct reading *r, struct relay_group *group, yaml_node_t *node)
{
    static const char *const names[] = {"id", "may_transmit", "affiliated"};
    bool may_transmit = true, affiliated = false;
    const char *id = NULL;
    int n, err = 0;

    if (!relay_yaml_is_map(node)) {
        id = relay_yaml_text(&r->yaml, node, "a member");
        if (!id)
            return RELAY_E_CONF;
    } else if ((n = relay_yaml_pairs(&r->yaml, node, "a member")) < 0) {
        return n;
    } else {
        for (int i = 0; i < n && err == 0; i++) {
            struct relay_yaml_pair pair = relay_yaml_pair(&r->yaml, node, i);
            if (strcmp(pair.key, "id") == 0)
                err = (id = relay_yaml_text(&r->yaml, pair.value, "id")) ? 0 : RELAY_E_CONF;
            else if (strcmp(pair.key, "may_transmit") == 0)
                err = relay_yaml_bool(&r->yaml, pair.value, pair.key, &may_transmit);
            else if (strcmp(pair.key, "affiliated") == 0)
                err = relay_yaml_bool(&r->yaml, pair.value, pair.key, &affiliated);
            else
                err = unknown(r, &pair, names, sizeof names / sizeof *names);
        }
        if (err < 0)
            return err;
        if (!id)
            return relay_yaml_fail(&r->yaml, node, "a member without id");
    }
    struct relay_member *member = relay_group_add(group, id);
    if (!member)
        return relay_yaml_fail(&r->yaml, node, "%s: not an MCData ID, or a member already", id);
    member->may_transmit = may_transmit;
    member->affiliated = affiliated;
    return 0;
}

static int read_group(struct reading *r, yaml_node_t *root)
{
    static const char *const names[] = {"uri", "name", "sds", "size_max", "members"};
    yaml_node_t *uri_node = NULL, *members = NULL;
    const char *uri = NULL;
    uint64_t size_max = 0;
    bool sds = true;
    int err = 0, n = relay_yaml_pairs(&r->yaml, root, "a group");

    if (n < 0)
        return n;
    for (int i = 0; i < n && err == 0; i++) {
        struct relay_yaml_pair pair = relay_yaml_pair(&r->yaml, root, i);
        if (strcmp(pair.key, "uri") == 0) {
            uri_node = pair.value;
            err = (uri = relay_yaml_text(&r->yaml, pair.value, "uri")) ? 0 : RELAY_E_CONF;
        } else if (strcmp(pair.key, "name") == 0) {
            err = relay_yaml_text(&r->yaml, pair.value, "name") ? 0 : RELAY_E_CONF;
        } else if (strcmp(pair.key, "sds") == 0) {
            err = relay_yaml_bool(&r->yaml, pair.value, pair.key, &sds);
        } else if (strcmp(pair.key, "size_max") == 0) {
            err = size_of(r, pair.value, &size_max);
        } else if (strcmp(pair.key, "members") == 0) {
            members = pair.value;
        } else {
            err = unknown(r, &pair, names, sizeof names / sizeof *names);
        }
    }
    if (err < 0)
        return err;
    if (!uri)
        return relay_yaml_fail(&r->yaml, root, "a group without uri");
    if (!members)
        return relay_yaml_fail(&r->yaml, root, "a group without members");
    struct relay_group *group = relay_policy_add_group(r->policy, uri);
    if (!group)
        return relay_yaml_fail(&r->yaml, uri_node, "%s: not a URI, or a group already", uri);
    group->sds = sds;
    group->size_max = size_max;
    n = relay_yaml_items(&r->yaml, members, "members");
    for (int i = 0; i < n && err == 0; i++)
        err = read_member(r, group, relay_yaml_item(&r->yaml, members, i));
    return n < 0 ? n : err;
}

static int read_user(struct reading *r, yaml_node_t *node)
{
    static const char *const names[] = {"id", "one_to_one", "one_to", "size_max", "revoked"};
    struct relay_user values = {.may_send_one = true};
    yaml_node_t *one_to = NULL;
    const char *id = NULL;
    int err = 0, n = relay_yaml_pairs(&r->yaml, node, "a user");

    if (n < 0)
        return n;
    for (int i = 0; i < n && err == 0; i++) {
        struct relay_yaml_pair pair = relay_yaml_pair(&r->yaml, node, i);
        if (strcmp(pair.key, "id") == 0)
            err = (id = relay_yaml_text(&r->yaml, pair.value, "id")) ? 0 : RELAY_E_CONF;
        else if (strcmp(pair.key, "one_to_one") == 0)
            err = relay_yaml_bool(&r->yaml, pair.value, pair.key, &values.may_send_one);
        else if (strcmp(pair.key, "one_to") == 0)
            one_to = pair.value;
        else if (strcmp(pair.key, "size_max") == 0)
            err = size_of(r, pair.value, &values.size_max);
        else if (strcmp(pair.key, "revoked") == 0)
            err = relay_yaml_bool(&r->yaml, pair.value, pair.key, &values.revoked);
        else
            err = unknown(r, &pair, names, sizeof names / sizeof *names);
    }
    if (err < 0)
        return err;
    if (!id)
        return relay_yaml_fail(&r->yaml, node, "a user without id");
    struct relay_user *user = relay_policy_add_user(r->policy, id);
    if (!user)
        return relay_yaml_fail(&r->yaml, node, "%s: not an MCData ID, or a user already", id);
    user->may_send_one = values.may_send_one;
    user->size_max = values.size_max;
    user->revoked = values.revoked;
    n = one_to ? relay_yaml_items(&r->yaml, one_to, "one_to") : 0;
    if (one_to && n == 0)
        user->may_send_one = false; /* an empty list allows nobody */
    for (int i = 0; i < n && err == 0; i++) {
        yaml_node_t *item = relay_yaml_item(&r->yaml, one_to, i);
        const char *target = relay_yaml_text(&r->yaml, item, "one_to");
        if (!target)
            return RELAY_E_CONF;
        if ((err = relay_user_allow(user, target)) < 0)
            err = relay_yaml_fail(&r->yaml, item, "%s: not an MCData ID", target);
    }
    return n < 0 ? n : err;
}

static int read_users(struct reading *r, yaml_node_t *root)
{
    int err = 0, n = relay_yaml_items(&r->yaml, root, "users");

    for (int i = 0; i < n && err == 0; i++)
        err = read_user(r, relay_yaml_item(&r->yaml, root, i));
    return n < 0 ? n : err;
}

/* Reads one file with `read`. An empty users file is no users; an empty group file is an error. */
static int read_yaml(struct relay_policy *policy, const char *path,
                     int (*read)(struct reading *, yaml_node_t *), char *why, size_t why_n)
{
    struct reading r = {.policy = policy};
    yaml_node_t *root;
    char *p;
    size_t n;
    int err = relay_file_read(path, RELAY_GROUPDIR_OCTETS, false, &p, &n, why, why_n);

    if (err < 0)
        return err;
    err = relay_yaml_open(&r.yaml, path, p, n, why, why_n, &root);
    if (err == 0) {
        if (root)
            err = read(&r, root);
        else if (read == read_group)
            err = relay_yaml_fail(&r.yaml, NULL, "is empty; a group needs uri and members");
        relay_yaml_done(&r.yaml);
    }
    relay_file_free(p, n);
    return err;
}

static int is_group_file(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);

    return entry->d_name[0] != '.' && n > 5 && strcmp(entry->d_name + n - 5, ".yaml") == 0;
}

/* The group files in the order of their names, so that errors are the same every time. */
static int list_groups(const char *folder, struct dirent ***files, char *why, size_t why_n)
{
    int n = scandir(folder, files, is_group_file, alphasort);

    if (n < 0) {
        snprintf(why, why_n, "%s: %s; create it, or leave `groups` out", folder, strerror(errno));
        return RELAY_E_IO;
    }
    return n;
}

static void free_list(struct dirent **files, int n)
{
    for (int i = 0; i < n; i++)
        free(files[i]);
    free(files);
}

static int read_groups(struct relay_policy *policy, const char *folder, char *why, size_t why_n)
{
    struct dirent **files;
    char path[PATH_MAX];
    int err = 0, n = list_groups(folder, &files, why, why_n);

    if (n < 0)
        return n;
    if (n > RELAY_GROUPDIR_FILES) {
        snprintf(why, why_n, "%s: more than %d groups", folder, RELAY_GROUPDIR_FILES);
        err = RELAY_E_CONF;
    }
    for (int i = 0; i < n && err == 0; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]->d_name);
        err = read_yaml(policy, path, read_group, why, why_n);
    }
    free_list(files, n);
    return err;
}

/* A provisioned CSK stands from AUTH on: profile section 6. */
static int read_csks(struct relay_policy *policy, const struct relay_settings *settings, char *why,
                     size_t why_n)
{
    DPP_SCRUB(kek, 32);
    struct dpp_store *store = NULL;
    const char *path = settings->csk_kek_file;
    int err = relay_keydir_kek(path, kek.p);

    if (err == 0) {
        path = settings->csk_file;
        err = relay_keydir_read_relay(path, kek.p, &store);
    }
    if (err < 0) {
        snprintf(why, why_n, "%s: %s%s%s", path, relay_strerror(err), err == RELAY_E_IO ? ": " : "",
                 err == RELAY_E_IO ? strerror(errno) : "");
        return err;
    }
    for (size_t n; (n = dpp_store_count(store)) > 0 && err == 0;) {
        const struct dpp_keyed *row = dpp_store_at(store, n - 1);
        struct relay_user *user = relay_policy_edit_user(policy, row->owner);
        if (!user)
            user = relay_policy_add_user(policy, row->owner);
        if (!user || user->csk) {
            snprintf(why, why_n, "%s: %s: %s", path, row->owner,
                     user ? "has two CSKs; keep one" : "not an MCData ID");
            err = RELAY_E_CONF;
        } else {
            user->csk = dpp_store_take(store, dpp_key_id(row->key)); /* moved: it stands once */
        }
    }
    dpp_store_free(store);
    return err;
}

int relay_groupdir_load(const struct relay_settings *settings, struct relay_policy **out, char *why,
                        size_t why_n)
{
    struct relay_policy *policy = relay_policy_new();
    int err = 0;

    *out = NULL;
    if (!policy) {
        snprintf(why, why_n, "out of memory");
        return RELAY_E_NOMEM;
    }
    if (settings->users)
        err = read_yaml(policy, settings->users, read_users, why, why_n);
    if (err == 0 && settings->groups)
        err = read_groups(policy, settings->groups, why, why_n);
    if (err == 0 && settings->csk_file)
        err = read_csks(policy, settings, why, why_n);
    if (err == 0 && (err = relay_policy_seal(policy)) < 0)
        snprintf(why, why_n, "users and groups: %s", relay_strerror(err));
    if (err < 0)
        relay_policy_unref(policy);
    else
        *out = policy;
    return err;
}

int relay_groupdir_read_group(const char *path, const char *uri, struct relay_policy **out,
                              char *why, size_t why_n)
{
    struct relay_policy *policy = relay_policy_new();
    int err = RELAY_E_NOMEM;

    *out = NULL;
    snprintf(why, why_n, "out of memory");
    if (policy)
        err = read_yaml(policy, path, read_group, why, why_n);
    if (err == 0 && (err = relay_policy_seal(policy)) < 0)
        snprintf(why, why_n, "%s: %s", path, relay_strerror(err));
    if (err == 0 && !relay_policy_group(policy, msrp_str_of(uri))) {
        snprintf(why, why_n, "%s: this is not the file of %s", path, uri);
        err = RELAY_E_CONF;
    }
    if (err < 0)
        relay_policy_unref(policy);
    else
        *out = policy;
    return err;
}

uint64_t relay_groupdir_stamp(const struct relay_settings *settings)
{
    uint64_t sum = relay_stamp_mix(0, settings->users);
    struct dirent **files;
    char path[PATH_MAX], why[RELAY_CONF_WHY];

    sum = relay_stamp_mix(sum, settings->csk_file);
    sum = relay_stamp_mix(sum, settings->groups);
    if (!settings->groups)
        return sum;
    int n = list_groups(settings->groups, &files, why, sizeof why);
    if (n < 0)
        return sum;
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/%s", settings->groups, files[i]->d_name);
        sum = relay_stamp_mix(sum, path);
    }
    free_list(files, n);
    return sum;
}
