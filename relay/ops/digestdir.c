#include "relay/ops/digestdir.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "relay/ops/file.h"
#include "relay/ops/yaml.h"

struct relay_digestdir {
    struct relay_digest_rules rules;
    struct relay_digest_users *users;
};

/* One row of the file, borrowed from the document. */
struct row {
    const char *user, *ha1, *password, *algorithm, *mcdata_id;
};

static int read_row(struct relay_yaml *yaml, yaml_node_t *node, struct row *row)
{
    static const char *const names[] = {"user", "ha1", "password", "algorithm", "mcdata_id"};
    const char **to[] = {&row->user, &row->ha1, &row->password, &row->algorithm, &row->mcdata_id};
    int n = relay_yaml_pairs(yaml, node, "a Digest user");

    for (int i = 0; i < n; i++) {
        struct relay_yaml_pair pair = relay_yaml_pair(yaml, node, i);
        const char *near = relay_yaml_nearest(pair.key, names, 5);
        size_t at = 0;
        while (at < 5 && strcmp(names[at], pair.key) != 0)
            at++;
        if (at == 5)
            return relay_yaml_fail(yaml, pair.key_node, "%s is not known here%s%s", pair.key,
                                   near ? "; did you mean " : "", near ? near : "");
        if (!(*to[at] = relay_yaml_text(yaml, pair.value, pair.key)))
            return RELAY_E_CONF;
    }
    if (n < 0)
        return n;
    if (!row->user || !row->mcdata_id || !row->ha1 == !row->password)
        return relay_yaml_fail(yaml, node,
                               "a Digest user needs user, mcdata_id and one of ha1 and password");
    return 0;
}

static int add_row(struct relay_yaml *yaml, yaml_node_t *node, struct relay_digestdir *dir,
                   const struct row *row)
{
    enum msrp_digest_algorithm algorithm = MSRP_DIGEST_MD5;
    const char *said = row->algorithm ? row->algorithm : "MD5";
    char ha1[MSRP_DIGEST_HEX_MAX + 1];
    int err;

    if (strcmp(said, "both") == 0 && row->password) {
        struct row first = *row, second = *row;
        first.algorithm = "MD5";
        second.algorithm = "SHA-256";
        err = add_row(yaml, node, dir, &first);
        return err < 0 ? err : add_row(yaml, node, dir, &second);
    }
    if (strcmp(said, "SHA-256") == 0)
        algorithm = MSRP_DIGEST_SHA256;
    else if (strcmp(said, "MD5") != 0)
        return relay_yaml_fail(yaml, node,
                               "algorithm is \"%.32s\"; write MD5 or SHA-256, or with a password "
                               "both",
                               said);
    if (row->password) {
        err = relay_digest_ha1(algorithm, msrp_str_of(row->user), msrp_str_of(dir->rules.realm),
                               msrp_str_of(row->password), ha1);
        if (err == 0)
            err = relay_digest_users_add(dir->users, row->user, row->mcdata_id, algorithm, ha1);
        OPENSSL_cleanse(ha1, sizeof ha1);
    } else {
        err = relay_digest_users_add(dir->users, row->user, row->mcdata_id, algorithm, row->ha1);
    }
    if (err == RELAY_E_CONF)
        return relay_yaml_fail(yaml, node,
                               "%.80s: write a name without quotes, an MCData ID as "
                               "sip:alice@iops.example, and a ha1 of %zu lower-case hexadecimal "
                               "digits (mcrelay key digest makes one)",
                               row->user, relay_digest_digits(algorithm));
    if (err < 0)
        (void)relay_yaml_fail(yaml, node, "%.80s: %s", row->user, relay_strerror(err));
    return err;
}

static int read_rows(struct relay_yaml *yaml, yaml_node_t *root, struct relay_digestdir *dir)
{
    int n = relay_yaml_items(yaml, root, "the list of Digest users"), err = n < 0 ? n : 0;

    for (int i = 0; err == 0 && i < n; i++) {
        yaml_node_t *node = relay_yaml_item(yaml, root, i);
        struct row row = {.user = NULL};
        err = read_row(yaml, node, &row);
        if (err == 0)
            err = add_row(yaml, node, dir, &row);
    }
    return err;
}

static int read_file(const char *path, struct relay_digestdir *dir, char *why, size_t why_n)
{
    struct relay_yaml yaml;
    yaml_node_t *root;
    char *p;
    size_t n;
    int err = relay_file_read(path, RELAY_DIGESTDIR_OCTETS, true, &p, &n, why, why_n);

    if (err < 0)
        return err;
    err = relay_yaml_open(&yaml, path, p, n, why, why_n, &root);
    if (err == 0) {
        err = root ? read_rows(&yaml, root, dir) : 0; /* an empty file: nobody */
        relay_yaml_done(&yaml);
    }
    relay_file_free(p, n);
    if (err == 0 && (err = relay_digest_users_seal(dir->users)) < 0)
        snprintf(why, why_n,
                 "%s: a user stands twice; keep one row for each algorithm, with one mcdata_id",
                 path);
    return err;
}

int relay_digestdir_load(const struct relay_settings *settings, struct relay_digestdir **out,
                         char *why, size_t why_n)
{
    struct relay_digestdir *dir;
    int err = RELAY_E_NOMEM;

    *out = NULL;
    if (!settings->digest_users)
        return 0;
    dir = calloc(1, sizeof *dir);
    if (!dir || !(dir->users = relay_digest_users_new())) {
        snprintf(why, why_n, "out of memory");
        goto out;
    }
    dir->rules = (struct relay_digest_rules){
        .users = dir->users,
        .realm = settings->digest_realm ? settings->digest_realm : settings->realm,
        .nonce_s = settings->digest_nonce_s,
    };
    err = read_file(settings->digest_users, dir, why, why_n);
out:
    if (err < 0)
        relay_digestdir_free(dir);
    else
        *out = dir;
    return err;
}

const struct relay_digest_rules *relay_digestdir_rules(const struct relay_digestdir *digestdir)
{
    return digestdir ? &digestdir->rules : NULL;
}

void relay_digestdir_free(struct relay_digestdir *digestdir)
{
    if (!digestdir)
        return;
    relay_digest_users_free(digestdir->users);
    free(digestdir);
}

uint64_t relay_digestdir_stamp(const struct relay_settings *settings)
{
    return relay_stamp_mix(0, settings->digest_users);
}
