/* walk.h - what the files that read a configuration share. Private to relay/ops. */
#ifndef RELAY_OPS_WALK_H
#define RELAY_OPS_WALK_H

#include "relay/ops/schema.h"

struct relay_walk {
    struct relay_yaml yaml;
    struct relay_settings *settings;
    yaml_node_t *root;
};

/* Writes the error line of a value that its row refused; returns err. */
int relay_walk_refused(struct relay_walk *walk, const yaml_node_t *node, const char *key, int err,
                       const char *text);

/* The value of one key into the settings, or into the element of a list of maps. */
int relay_walk_set(struct relay_walk *walk, void *base, const struct relay_schema_row *row,
                   const yaml_node_t *node) __attribute__((warn_unused_result));

/* A full host name in lower case, no IP address. */
bool relay_walk_is_host(const char *name);

/* element.c: the lists of maps. */
int relay_walk_issuers(struct relay_walk *walk, const yaml_node_t *node)
    __attribute__((warn_unused_result));
int relay_walk_peers(struct relay_walk *walk, const yaml_node_t *node)
    __attribute__((warn_unused_result));
/* core.peers from the peers. 0 or RELAY_E_NOMEM. */
int relay_walk_links(struct relay_settings *settings) __attribute__((warn_unused_result));

#endif
