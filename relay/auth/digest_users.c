/* digest_users.c - the list of users of digest.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "relay/auth/digest.h"
#include "relay/err.h"

struct relay_digest_users {
    struct relay_digest_user **v; /* sorted by name once sealed */
    size_t n, cap;
    bool has_md5, has_sha256;
};

struct relay_digest_users *relay_digest_users_new(void)
{
    return calloc(1, sizeof(struct relay_digest_users));
}

static void free_user(struct relay_digest_user *user)
{
    if (!user)
        return;
    free(user->name);
    free(user->mcdata_id);
    OPENSSL_cleanse(user, sizeof *user);
    free(user);
}

void relay_digest_users_free(struct relay_digest_users *users)
{
    if (!users)
        return;
    for (size_t i = 0; i < users->n; i++)
        free_user(users->v[i]);
    free(users->v);
    free(users);
}

static bool is_name(const char *name)
{
    size_t n = strlen(name);

    return n > 0 && n <= RELAY_DIGEST_NAME_MAX && !strpbrk(name, "\"\\") &&
           msrp_digest_is_quotable(msrp_str_of(name)) && msrp_str_is_utf8(msrp_str_of(name));
}

/* `DIGITS/NAME`: 32 bits over the whole row, so that a changed one is seen. */
static int make_tag(struct relay_digest_user *user)
{
    uint8_t sum[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
              EVP_DigestUpdate(ctx, user->ha1, sizeof user->ha1) == 1 &&
              EVP_DigestUpdate(ctx, user->mcdata_id, strlen(user->mcdata_id)) == 1 &&
              EVP_DigestFinal_ex(ctx, sum, &n) == 1;

    EVP_MD_CTX_free(ctx);
    if (!ok)
        return RELAY_E_DIGEST_HASH;
    snprintf(user->tag, sizeof user->tag, "%02x%02x%02x%02x/%s", sum[0], sum[1], sum[2], sum[3],
             user->name);
    OPENSSL_cleanse(sum, sizeof sum);
    return 0;
}

static int append(struct relay_digest_users *users, struct relay_digest_user *user)
{
    if (users->n == users->cap) {
        size_t cap = users->cap ? users->cap * 2 : 16;
        struct relay_digest_user **v =
            reallocarray(users->v, cap, sizeof(struct relay_digest_user *));
        if (!v)
            return RELAY_E_NOMEM;
        users->v = v;
        users->cap = cap;
    }
    users->v[users->n++] = user;
    return 0;
}

int relay_digest_users_add(struct relay_digest_users *users, const char *name,
                           const char *mcdata_id, enum msrp_digest_algorithm algorithm,
                           const char *ha1)
{
    char id[RELAY_MCDATA_ID_MAX + 1];

    if (!is_name(name) || relay_mcdata_id_parse(msrp_str_of(mcdata_id), id) ||
        algorithm == MSRP_DIGEST_OTHER || users->n == RELAY_DIGEST_USERS_MAX ||
        strlen(ha1) != relay_digest_digits(algorithm) ||
        strspn(ha1, "0123456789abcdef") != strlen(ha1))
        return RELAY_E_CONF;
    struct relay_digest_user *user = calloc(1, sizeof *user);
    int err = RELAY_E_NOMEM;
    if (!user || !(user->name = strdup(name)) || !(user->mcdata_id = strdup(id)))
        goto out;
    user->algorithm = algorithm;
    memcpy(user->ha1, ha1, strlen(ha1));
    if ((err = make_tag(user)) < 0 || (err = append(users, user)) < 0)
        goto out;
    users->has_md5 |= algorithm == MSRP_DIGEST_MD5;
    users->has_sha256 |= algorithm == MSRP_DIGEST_SHA256;
    return 0;
out:
    free_user(user);
    return err;
}

/* Like memcmp: of a user and a name with its algorithm. */
static int order(const struct relay_digest_user *user, struct msrp_str name,
                 enum msrp_digest_algorithm algorithm)
{
    size_t n = strlen(user->name);
    int rc = memcmp(user->name, name.p, n < name.n ? n : name.n);

    if (!rc && n == name.n)
        return (int)user->algorithm - (int)algorithm;
    return rc ? rc : n < name.n ? -1 : 1;
}

static int by_name(const void *a, const void *b)
{
    const struct relay_digest_user *second = *(struct relay_digest_user *const *)b;

    return order(*(struct relay_digest_user *const *)a, msrp_str_of(second->name),
                 second->algorithm);
}

int relay_digest_users_seal(struct relay_digest_users *users)
{
    if (users->n)
        qsort(users->v, users->n, sizeof(struct relay_digest_user *), by_name);
    for (size_t i = 0; i < users->n; i++) {
        struct relay_digest_user *user = users->v[i], *before = i ? users->v[i - 1] : NULL;
        user->place = i;
        if (!before || strcmp(before->name, user->name) != 0)
            continue;
        if (before->algorithm == user->algorithm || strcmp(before->mcdata_id, user->mcdata_id) != 0)
            return RELAY_E_CONF;
        user->place = i - 1;
    }
    return 0;
}

const struct relay_digest_user *relay_digest_users_find(const struct relay_digest_users *users,
                                                        struct msrp_str name,
                                                        enum msrp_digest_algorithm algorithm)
{
    size_t low = 0, high = users->n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int rc = order(users->v[mid], name, algorithm);
        if (!rc)
            return users->v[mid];
        if (rc < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

size_t relay_digest_users_count(const struct relay_digest_users *users)
{
    return users->n;
}

bool relay_digest_is_offered(const struct relay_digest_users *users,
                             enum msrp_digest_algorithm algorithm)
{
    if (algorithm == MSRP_DIGEST_SHA256)
        return users->has_sha256;
    return algorithm == MSRP_DIGEST_MD5 && (users->has_md5 || !users->n);
}

int relay_digest_recheck(const struct relay_digest_rules *rules, const char *tag)
{
    const char *name = strchr(tag, '/');

    for (int a = MSRP_DIGEST_MD5; rules && name && a <= MSRP_DIGEST_SHA256; a++) {
        const struct relay_digest_user *user = relay_digest_users_find(
            rules->users, msrp_str_of(name + 1), (enum msrp_digest_algorithm)a);
        if (user && strcmp(user->tag, tag) == 0)
            return 0;
    }
    return RELAY_E_DIGEST_USER;
}
