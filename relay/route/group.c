#include "relay/route/group.h"

#include <stdlib.h>
#include <string.h>

#include "relay/err.h"

struct relay_policy {
    unsigned refs;
    bool sealed;
    struct relay_user **users; /* sorted by id, as they are added */
    size_t users_n, users_cap;
    struct relay_group **groups;
    size_t groups_n, groups_cap;
};

size_t relay_id_normal(struct msrp_str id, char out[RELAY_ID_MAX + 1])
{
    struct msrp_str scheme, rest;

    if (id.n > RELAY_ID_MAX || !msrp_str_cut(id, ':', &scheme, &rest) || !scheme.n || !rest.n)
        return 0;

    /* the host: behind the userinfo, before a port, a parameter or a header */
    size_t host = scheme.n + 1;
    for (size_t i = host; i < id.n; i++)
        if (id.p[i] == '@')
            host = i + 1;
    size_t end = host;
    while (end < id.n && !strchr(":;?/", id.p[end]))
        end++;

    for (size_t i = 0; i < id.n; i++) {
        unsigned char c = (unsigned char)id.p[i];
        if (c <= ' ' || c == 0x7f)
            return 0;
        if (c >= 'A' && c <= 'Z' && (i < scheme.n || (i >= host && i < end)))
            c = (unsigned char)(c - 'A' + 'a');
        out[i] = (char)c;
    }
    out[id.n] = '\0';
    return id.n;
}

/* Where `id` stands in n sorted rows of `size` octets, or would stand. Every row begins with a
 * pointer to its id; rows of pointers (is_far) point to such a row. */
static size_t place_of(const void *rows, size_t n, size_t size, bool is_far, const char *id,
                       bool *is_there)
{
    size_t low = 0, high = n;

    *is_there = false;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const char *row = (const char *)rows + mid * size;
        char *row_id;
        if (is_far) {
            const char *far;
            memcpy(&far, row, sizeof far);
            row = far;
        }
        memcpy(&row_id, row, sizeof row_id);
        int order = strcmp(row_id, id);
        if (!order) {
            *is_there = true;
            return mid;
        }
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* Makes room for one more row at `at`; false without memory. */
static bool open_row(void **rows, size_t *n, size_t *cap, size_t size, size_t at)
{
    if (*n == *cap) {
        size_t wide = *cap ? *cap * 2 : 8;
        void *more = reallocarray(*rows, wide, size);
        if (!more)
            return false;
        *rows = more;
        *cap = wide;
    }
    char *row = (char *)*rows + at * size;
    memmove(row + size, row, (*n - at) * size);
    (*n)++;
    return true;
}

struct relay_policy *relay_policy_new(void)
{
    struct relay_policy *policy = calloc(1, sizeof *policy);

    if (policy)
        policy->refs = 1;
    return policy;
}

struct relay_policy *relay_policy_ref(struct relay_policy *policy)
{
    policy->refs++;
    return policy;
}

void relay_policy_unref(struct relay_policy *policy)
{
    if (!policy || --policy->refs)
        return;
    for (size_t i = 0; i < policy->users_n; i++) {
        struct relay_user *user = policy->users[i];
        for (size_t k = 0; k < user->one_to_n; k++)
            free(user->one_to[k]);
        free(user->one_to);
        dpp_key_free(user->csk);
        free(user->id);
        free(user);
    }
    for (size_t i = 0; i < policy->groups_n; i++) {
        struct relay_group *group = policy->groups[i];
        for (size_t k = 0; k < group->members_n; k++)
            free(group->members[k].id);
        free(group->members);
        free(group->id);
        free(group);
    }
    free(policy->users);
    free(policy->groups);
    free(policy);
}

struct relay_user *relay_policy_add_user(struct relay_policy *policy, const char *id)
{
    char normal[RELAY_ID_MAX + 1];
    bool is_there;

    if (!relay_id_normal(msrp_str_of(id), normal))
        return NULL;
    size_t at =
        place_of(policy->users, policy->users_n, sizeof *policy->users, true, normal, &is_there);
    if (is_there)
        return NULL;

    struct relay_user *user = calloc(1, sizeof *user);
    char *copy = strdup(normal);
    void *rows = policy->users;
    bool ok = user && copy &&
              open_row(&rows, &policy->users_n, &policy->users_cap, sizeof *policy->users, at);
    policy->users = rows;
    if (!ok) {
        free(user);
        free(copy);
        return NULL;
    }
    user->id = copy;
    user->may_send_one = true;
    policy->users[at] = user;
    return user;
}

int relay_user_allow(struct relay_user *user, const char *target)
{
    char normal[RELAY_ID_MAX + 1];

    if (!relay_id_normal(msrp_str_of(target), normal))
        return RELAY_E_CONF;
    char **list = reallocarray(user->one_to, user->one_to_n + 1, sizeof *list);
    if (!list)
        return RELAY_E_NOMEM;
    user->one_to = list;
    list[user->one_to_n] = strdup(normal);
    if (!list[user->one_to_n])
        return RELAY_E_NOMEM;
    user->one_to_n++;
    return 0;
}

struct relay_group *relay_policy_add_group(struct relay_policy *policy, const char *id)
{
    char normal[RELAY_ID_MAX + 1];
    bool is_there;

    if (!relay_id_normal(msrp_str_of(id), normal))
        return NULL;
    size_t at =
        place_of(policy->groups, policy->groups_n, sizeof *policy->groups, true, normal, &is_there);
    if (is_there)
        return NULL;

    struct relay_group *group = calloc(1, sizeof *group);
    char *copy = strdup(normal);
    void *rows = policy->groups;
    bool ok = group && copy &&
              open_row(&rows, &policy->groups_n, &policy->groups_cap, sizeof *policy->groups, at);
    policy->groups = rows;
    if (!ok) {
        free(group);
        free(copy);
        return NULL;
    }
    group->id = copy;
    group->sds = true;
    policy->groups[at] = group;
    return group;
}

struct relay_member *relay_group_add(struct relay_group *group, const char *id)
{
    char normal[RELAY_ID_MAX + 1];
    bool is_there;

    if (!relay_id_normal(msrp_str_of(id), normal))
        return NULL;
    size_t at = place_of(group->members, group->members_n, sizeof *group->members, false, normal,
                         &is_there);
    if (is_there)
        return NULL;

    char *copy = strdup(normal);
    void *rows = group->members;
    bool ok =
        copy && open_row(&rows, &group->members_n, &group->members_cap, sizeof *group->members, at);
    group->members = rows;
    if (!ok) {
        free(copy);
        return NULL;
    }
    group->members[at] = (struct relay_member){.id = copy, .may_transmit = true};
    return &group->members[at];
}

struct relay_user *relay_policy_edit_user(struct relay_policy *policy, const char *id)
{
    char normal[RELAY_ID_MAX + 1];
    bool is_there;

    if (policy->sealed || !relay_id_normal(msrp_str_of(id), normal))
        return NULL;
    size_t at =
        place_of(policy->users, policy->users_n, sizeof *policy->users, true, normal, &is_there);
    return is_there ? policy->users[at] : NULL;
}

int relay_policy_seal(struct relay_policy *policy)
{
    /* the rows are sorted as they come; sealing twice is a fault of the builder */
    if (policy->sealed)
        return RELAY_E_CONF;
    policy->sealed = true;
    return 0;
}

const struct relay_user *relay_policy_user(const struct relay_policy *policy, struct msrp_str id)
{
    char normal[RELAY_ID_MAX + 1];
    bool is_there;

    if (!policy || !relay_id_normal(id, normal))
        return NULL;
    size_t at =
        place_of(policy->users, policy->users_n, sizeof *policy->users, true, normal, &is_there);
    return is_there ? policy->users[at] : NULL;
}

const struct relay_group *relay_policy_group(const struct relay_policy *policy, struct msrp_str id)
{
    char normal[RELAY_ID_MAX + 1];
    bool is_there;

    if (!policy || !relay_id_normal(id, normal))
        return NULL;
    size_t at =
        place_of(policy->groups, policy->groups_n, sizeof *policy->groups, true, normal, &is_there);
    return is_there ? policy->groups[at] : NULL;
}

const struct relay_member *relay_group_member(const struct relay_group *group, struct msrp_str id)
{
    char normal[RELAY_ID_MAX + 1];
    bool is_there;

    if (!relay_id_normal(id, normal))
        return NULL;
    size_t at = place_of(group->members, group->members_n, sizeof *group->members, false, normal,
                         &is_there);
    return is_there ? &group->members[at] : NULL;
}

bool relay_policy_may_send(const struct relay_policy *policy, struct msrp_str from,
                           struct msrp_str to)
{
    const struct relay_user *user = relay_policy_user(policy, from);
    char normal[RELAY_ID_MAX + 1];

    if (!user)
        return true;
    if (user->revoked || !user->may_send_one)
        return false;
    if (!user->one_to)
        return true;
    if (!relay_id_normal(to, normal))
        return false;
    for (size_t i = 0; i < user->one_to_n; i++)
        if (!strcmp(user->one_to[i], normal))
            return true;
    return false;
}
