/* yaml.h - a strict piece of YAML, with the line of everything that is wrong.
 *
 * One document; mappings, sequences and scalars; no anchors, aliases or tags; a key stands once.
 * Every failure writes one line, `NAME:LINE: text`, into the buffer given to relay_yaml_open. */
#ifndef RELAY_OPS_YAML_H
#define RELAY_OPS_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include <yaml.h>

#include "relay/err.h"

struct relay_yaml {
    yaml_document_t doc;
    const char *name;
    char *why;
    size_t why_n;
};

/* One `key: value` of a mapping. */
struct relay_yaml_pair {
    const char *key;
    yaml_node_t *key_node, *value;
};

/* Reads a text. `name` and `why` are borrowed until relay_yaml_done. *root is the first node, NULL
 * for an empty text. 0, RELAY_E_CONF (then done already), RELAY_E_NOMEM. */
int relay_yaml_open(struct relay_yaml *yaml, const char *name, const char *p, size_t n, char *why,
                    size_t why_n, yaml_node_t **root) __attribute__((warn_unused_result));
void relay_yaml_done(struct relay_yaml *yaml);

/* Writes the error line for a node and returns RELAY_E_CONF. */
int relay_yaml_fail(struct relay_yaml *yaml, const yaml_node_t *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The number of pairs of a mapping (an empty scalar counts as a mapping without pairs), or
 * RELAY_E_CONF; pair i of it. `what` names it in the error. */
int relay_yaml_pairs(struct relay_yaml *yaml, const yaml_node_t *node, const char *what)
    __attribute__((warn_unused_result));
struct relay_yaml_pair relay_yaml_pair(struct relay_yaml *yaml, const yaml_node_t *node, int i);

/* The number of elements of a sequence, or RELAY_E_CONF; element i of it. */
int relay_yaml_items(struct relay_yaml *yaml, const yaml_node_t *node, const char *what)
    __attribute__((warn_unused_result));
yaml_node_t *relay_yaml_item(struct relay_yaml *yaml, const yaml_node_t *node, int i);

/* The text of a scalar: printable ASCII or UTF-8, not empty, no control octet, at most 4096 octets.
 * NULL after writing the error. Borrowed from the document. */
const char *relay_yaml_text(struct relay_yaml *yaml, const yaml_node_t *node, const char *what);

/* true or false, nothing else (not in quotes). */
int relay_yaml_bool(struct relay_yaml *yaml, const yaml_node_t *node, const char *what, bool *value)
    __attribute__((warn_unused_result));

bool relay_yaml_is_map(const yaml_node_t *node);
bool relay_yaml_is_list(const yaml_node_t *node);

/* The one of n names that is nearest to `word`, NULL when none is near. */
const char *relay_yaml_nearest(const char *word, const char *const *names, size_t n);

#endif
