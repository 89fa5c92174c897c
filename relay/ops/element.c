/* element.c - lists of maps in a configuration: issuers of tokens, and peers. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "relay/ops/walk.h"
#include "relay/route/peer.h"

enum { ROWS_MAX = 16 };

bool relay_walk_is_host(const char *name)
{
    unsigned char sa[16];
    size_t n = strlen(name);
    const char *dot = strrchr(name, '.');

    /* a last label of digits is what a broken address has */
    if (dot && dot[1] && strspn(dot + 1, "0123456789") == strlen(dot + 1))
        return false;
    return n > 0 && n <= 253 && inet_pton(AF_INET, name, sa) != 1 && dot && dot != name && dot[1] &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-.") == n && !strstr(name, "..") &&
           name[0] != '-';
}

/* --- one map --- */

static int set_standards(struct relay_walk *walk, const struct relay_schema_list *list,
                         void *element)
{
    char what[RELAY_CONF_WHY];
    int err = 0;

    for (size_t i = 0; err == 0 && i < list->n; i++)
        if (list->rows[i].standard)
            err = relay_schema_set(element, &list->rows[i], list->rows[i].standard, what,
                                   sizeof what);
    return err < 0 ? relay_walk_refused(walk, NULL, "", err, what) : 0;
}

/* What an element may not be without, as "iss and jwks". */
static void required_text(const struct relay_schema_list *list, char *text, size_t n)
{
    size_t at = 0;

    text[0] = '\0';
    for (size_t i = 0; i < list->n; i++)
        if (relay_schema_is_required(&list->rows[i]) && at < n)
            at += (size_t)snprintf(text + at, n - at, "%s%s", at ? " and " : "", list->rows[i].key);
}

static int set_element(struct relay_walk *walk, const struct relay_schema_list *list, void *element,
                       const yaml_node_t *node)
{
    const char *names[ROWS_MAX];
    char required[64];
    bool seen[ROWS_MAX] = {false};
    int n = relay_yaml_pairs(&walk->yaml, node, list->what), err = n < 0 ? n : 0;

    for (size_t i = 0; i < list->n; i++)
        names[i] = list->rows[i].key;
    err = err < 0 ? err : set_standards(walk, list, element);
    for (int i = 0; err == 0 && i < n; i++) {
        struct relay_yaml_pair pair = relay_yaml_pair(&walk->yaml, node, i);
        const char *near = relay_yaml_nearest(pair.key, names, list->n);
        size_t at = 0;

        while (at < list->n && strcmp(names[at], pair.key) != 0)
            at++;
        if (at == list->n)
            return relay_yaml_fail(
                &walk->yaml, pair.key_node, "unknown key %s of %s%s%s", pair.key, list->what,
                near ? "; did you mean " : "; see mcrelay check --reference", near ? near : "");
        seen[at] = true;
        err = relay_walk_set(walk, element, &list->rows[at], pair.value);
    }
    required_text(list, required, sizeof required);
    for (size_t i = 0; err == 0 && i < list->n; i++)
        if (relay_schema_is_required(&list->rows[i]) && !seen[i])
            err = relay_yaml_fail(&walk->yaml, node, "%s needs %s; write the missing one",
                                  list->what, required);
    return err;
}

/* The number of elements, as an array of them in *out (NULL for none); negative after an error. The
 * caller keeps both before the first one is filled. */
static int begin_list(struct relay_walk *walk, const struct relay_schema_list *list,
                      const char *key, int min, const yaml_node_t *node, void *out)
{
    int n = relay_yaml_items(&walk->yaml, node, key);
    void *v;

    if (n >= 0 && (n < min || n > RELAY_CONF_LIST_MAX))
        return relay_yaml_fail(&walk->yaml, node, "%s has %d elements; write %d to %d", key, n, min,
                               RELAY_CONF_LIST_MAX);
    if (n <= 0)
        return n;
    if (!(v = calloc((size_t)n, list->size)))
        return relay_walk_refused(walk, node, "", RELAY_E_NOMEM, "");
    memcpy(out, &v, sizeof v);
    return n;
}

/* --- issuers --- */

int relay_walk_issuers(struct relay_walk *walk, const yaml_node_t *node)
{
    const struct relay_schema_list *list = relay_schema_list(RELAY_SCHEMA_ISSUERS);
    struct relay_settings *settings = walk->settings;
    int n = begin_list(walk, list, "tokens.issuers", 1, node, &settings->issuers), err = 0;

    if (n < 0)
        return n;
    settings->issuers_n = (size_t)n;
    for (int i = 0; err == 0 && i < n; i++) {
        const yaml_node_t *item = relay_yaml_item(&walk->yaml, node, i);
        const char *first = settings->issuers[0].audience, *own;

        err = set_element(walk, list, &settings->issuers[i], item);
        own = settings->issuers[i].audience;
        if (err == 0 && i > 0 && (!first != !own || (first && strcmp(first, own) != 0)))
            err = relay_yaml_fail(&walk->yaml, item,
                                  "the audience differs from that of the first issuer; write the "
                                  "same, it is our own name");
    }
    return err;
}

/* --- peers --- */

/* An address that no relay has: unspecified, link-local, multicast, or port 0. */
static bool is_barred(const struct relay_address *address)
{
    const struct in6_addr *v6 = &address->sa.v6.sin6_addr;
    uint32_t ip = ntohl(address->sa.v4.sin_addr.s_addr);

    if (address->sa.v4.sin_port == 0) /* at the same place in both */
        return true;
    if (address->sa.any.sa_family == AF_INET)
        return ip >> 24 == 0 || ip >> 16 == 0xa9fe || ip >> 28 >= 0xe;
    return IN6_IS_ADDR_UNSPECIFIED(v6) || IN6_IS_ADDR_LINKLOCAL(v6) || IN6_IS_ADDR_MULTICAST(v6) ||
           IN6_IS_ADDR_V4MAPPED(v6);
}

static int check_peer(struct relay_walk *walk, size_t i, const yaml_node_t *node)
{
    const struct relay_conf_peer *peers = walk->settings->peers, *peer = &peers[i];
    const char *connect = peer->connect.n > 0 ? peer->connect.v[0].text : NULL;

    if (!relay_walk_is_host(peer->name))
        return relay_yaml_fail(&walk->yaml, node,
                               "the peer's name is \"%.80s\"; write a full host name in lower "
                               "case, as relay-b.iops.example (an IP address goes to connect)",
                               peer->name);
    for (size_t j = 0; j < i; j++)
        if (strcmp(peers[j].name, peer->name) == 0)
            return relay_yaml_fail(&walk->yaml, node, "the peer %s stands twice; keep one of them",
                                   peer->name);
    if (connect && is_barred(&peer->connect.v[0]))
        return relay_yaml_fail(&walk->yaml, node,
                               "connect of %s is %s; write the address and port of its listener",
                               peer->name, connect);
    if (!peer->tls && (!connect || !peer->connect.v[0].is_loopback))
        return relay_yaml_fail(&walk->yaml, node,
                               "the peer %s has tls: off; write tls: on, or a loopback address as "
                               "connect",
                               peer->name);
    return 0;
}

int relay_walk_peers(struct relay_walk *walk, const yaml_node_t *node)
{
    const struct relay_schema_list *list = relay_schema_list(RELAY_SCHEMA_PEERS);
    struct relay_settings *settings = walk->settings;
    int n = begin_list(walk, list, "peers", 0, node, &settings->peers), err = 0;

    if (n < 0)
        return n;
    settings->peers_n = (size_t)n;
    for (int i = 0; err == 0 && i < n; i++) {
        const yaml_node_t *item = relay_yaml_item(&walk->yaml, node, i);

        err = set_element(walk, list, &settings->peers[i], item);
        err = err < 0 ? err : check_peer(walk, (size_t)i, item);
    }
    return err;
}

int relay_walk_links(struct relay_settings *settings)
{
    size_t n = settings->peers_n;

    if (n > 0 && !(settings->links = calloc(n, sizeof *settings->links)))
        return RELAY_E_NOMEM;
    for (size_t i = 0; i < n; i++) {
        const struct relay_conf_peer *peer = &settings->peers[i];
        const char *const *domains;

        /* the same array, none of whose strings is written to any more */
        memcpy(&domains, &peer->domains.v, sizeof domains);
        settings->links[i] = (struct relay_peer_conf){
            .name = peer->name,
            .port = peer->port,
            .connect = peer->connect.n > 0 ? peer->connect.v[0].text : NULL,
            .tls = peer->tls,
            .domains = domains,
            .domains_n = peer->domains.n,
            .messages_per_s = peer->messages_per_s,
            .messages_burst = peer->messages_burst,
        };
    }
    settings->core.peers = settings->links;
    settings->core.peers_n = n;
    return 0;
}
