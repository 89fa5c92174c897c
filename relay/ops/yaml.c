#include "relay/ops/yaml.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

enum { TEXT_MAX = 4096, WORD_MAX = 64, PAIRS_MAX = 256 };

static size_t line_of(const yaml_node_t *node)
{
    return node ? node->start_mark.line + 1 : 1;
}

int relay_yaml_fail(struct relay_yaml *yaml, const yaml_node_t *node, const char *format, ...)
{
    int n = snprintf(yaml->why, yaml->why_n, "%s:%zu: ", yaml->name, line_of(node));
    va_list ap;

    va_start(ap, format);
    if (n >= 0 && (size_t)n < yaml->why_n)
        vsnprintf(yaml->why + n, yaml->why_n - (size_t)n, format, ap);
    va_end(ap);
    return RELAY_E_CONF;
}

static int check_doubles(struct relay_yaml *yaml, yaml_node_t *node)
{
    int n = relay_yaml_pairs(yaml, node, "here");

    if (n > PAIRS_MAX)
        return relay_yaml_fail(yaml, node, "more than %d keys", PAIRS_MAX);
    for (int i = 0; i < n; i++) {
        struct relay_yaml_pair a = relay_yaml_pair(yaml, node, i);

        if (!a.key)
            return relay_yaml_fail(yaml, a.key_node, "a key must be a plain word");
        for (int j = 0; j < i; j++) {
            struct relay_yaml_pair b = relay_yaml_pair(yaml, node, j);

            if (strcmp(a.key, b.key) == 0)
                return relay_yaml_fail(yaml, a.key_node,
                                       "%s stands already in line %zu; keep one of them", a.key,
                                       line_of(b.key_node));
        }
    }
    return n < 0 ? n : 0;
}

static int syntax(struct relay_yaml *yaml, const yaml_parser_t *parser)
{
    snprintf(yaml->why, yaml->why_n, "%s:%zu: %s%s%s", yaml->name, parser->problem_mark.line + 1,
             parser->context ? parser->context : "", parser->context ? ": " : "",
             parser->problem ? parser->problem : "out of memory");
    return RELAY_E_CONF;
}

/* What no part of the text may hold, whatever it means. Loaded documents do not show it any more: a
 * tag that is the default one is gone, and an alias is only a node in two places. */
static int check_event(struct relay_yaml *yaml, const yaml_event_t *event, int *documents)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    const char *trick = NULL;

    if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
    } else if (event->type == YAML_ALIAS_EVENT) {
        trick = "an alias; write the value out, without *";
    } else if (event->type == YAML_DOCUMENT_START_EVENT && ++*documents > 1) {
        trick = "a second document; keep one";
    }
    if (tag)
        trick = "a tag; write the value without !";
    if (anchor)
        trick = "an anchor; write the value without &";
    if (!trick)
        return 0;
    snprintf(yaml->why, yaml->why_n, "%s:%zu: %s", yaml->name, event->start_mark.line + 1, trick);
    return RELAY_E_CONF;
}

/* Some texts hold passwords: what libyaml has copied of them does not stay. (Of a long scalar it
 * may have freed the first octets before: relay/ops/digestdir.h says so.) */
static void delete_parser(yaml_parser_t *parser)
{
    OPENSSL_cleanse(parser->raw_buffer.start,
                    (size_t)(parser->raw_buffer.end - parser->raw_buffer.start));
    OPENSSL_cleanse(parser->buffer.start, (size_t)(parser->buffer.end - parser->buffer.start));
    yaml_parser_delete(parser);
}

static void delete_event(yaml_event_t *event)
{
    if (event->type == YAML_SCALAR_EVENT)
        OPENSSL_cleanse(event->data.scalar.value, event->data.scalar.length);
    yaml_event_delete(event);
}

static int check_events(struct relay_yaml *yaml, const char *p, size_t n)
{
    yaml_parser_t parser;
    int documents = 0, err = 0;
    bool ended = false;

    if (!yaml_parser_initialize(&parser)) {
        snprintf(yaml->why, yaml->why_n, "%s: out of memory", yaml->name);
        return RELAY_E_NOMEM;
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)p, n);
    while (err == 0 && !ended) {
        yaml_event_t event;

        if (!yaml_parser_parse(&parser, &event)) {
            err = syntax(yaml, &parser);
            break;
        }
        ended = event.type == YAML_STREAM_END_EVENT;
        err = check_event(yaml, &event, &documents);
        delete_event(&event);
    }
    delete_parser(&parser);
    return err;
}

/* No key stands twice, anywhere. */
static int check_keys(struct relay_yaml *yaml)
{
    int n = (int)(yaml->doc.nodes.top - yaml->doc.nodes.start), err = 0;

    for (int i = 1; i <= n && err == 0; i++) {
        yaml_node_t *node = yaml_document_get_node(&yaml->doc, i);

        if (node->type == YAML_MAPPING_NODE)
            err = check_doubles(yaml, node);
    }
    return err;
}

int relay_yaml_open(struct relay_yaml *yaml, const char *name, const char *p, size_t n, char *why,
                    size_t why_n, yaml_node_t **root)
{
    yaml_parser_t parser;
    int err;

    *yaml = (struct relay_yaml){.name = name, .why = why, .why_n = why_n};
    if ((err = check_events(yaml, p, n)) < 0)
        return err;
    if (!yaml_parser_initialize(&parser)) {
        snprintf(why, why_n, "%s: out of memory", name);
        return RELAY_E_NOMEM;
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)p, n);
    if (!yaml_parser_load(&parser, &yaml->doc)) {
        err = syntax(yaml, &parser);
        delete_parser(&parser);
        return err;
    }
    *root = yaml_document_get_root_node(&yaml->doc);
    err = *root ? check_keys(yaml) : 0;
    delete_parser(&parser);
    if (err < 0)
        relay_yaml_done(yaml);
    return err;
}

void relay_yaml_done(struct relay_yaml *yaml)
{
    for (yaml_node_t *node = yaml->doc.nodes.start; node < yaml->doc.nodes.top; node++)
        if (node->type == YAML_SCALAR_NODE)
            OPENSSL_cleanse(node->data.scalar.value, node->data.scalar.length);
    yaml_document_delete(&yaml->doc);
}

bool relay_yaml_is_map(const yaml_node_t *node)
{
    return node->type == YAML_MAPPING_NODE;
}

bool relay_yaml_is_list(const yaml_node_t *node)
{
    return node->type == YAML_SEQUENCE_NODE;
}

int relay_yaml_pairs(struct relay_yaml *yaml, const yaml_node_t *node, const char *what)
{
    if (node->type == YAML_SCALAR_NODE && node->data.scalar.length == 0)
        return 0;
    if (node->type != YAML_MAPPING_NODE)
        return relay_yaml_fail(yaml, node, "%s must be a mapping; write `key: value` lines", what);
    return (int)(node->data.mapping.pairs.top - node->data.mapping.pairs.start);
}

struct relay_yaml_pair relay_yaml_pair(struct relay_yaml *yaml, const yaml_node_t *node, int i)
{
    const yaml_node_pair_t *at = node->data.mapping.pairs.start + i;
    yaml_node_t *key = yaml_document_get_node(&yaml->doc, at->key);
    bool is_word = key->type == YAML_SCALAR_NODE && key->data.scalar.length > 0 &&
                   key->data.scalar.length < WORD_MAX &&
                   strlen((char *)key->data.scalar.value) == key->data.scalar.length;

    return (struct relay_yaml_pair){
        .key = is_word ? (char *)key->data.scalar.value : NULL,
        .key_node = key,
        .value = yaml_document_get_node(&yaml->doc, at->value),
    };
}

int relay_yaml_items(struct relay_yaml *yaml, const yaml_node_t *node, const char *what)
{
    if (node->type != YAML_SEQUENCE_NODE)
        return relay_yaml_fail(yaml, node, "%s must be a list; write [a, b] or `- a` lines", what);
    return (int)(node->data.sequence.items.top - node->data.sequence.items.start);
}

yaml_node_t *relay_yaml_item(struct relay_yaml *yaml, const yaml_node_t *node, int i)
{
    return yaml_document_get_node(&yaml->doc, node->data.sequence.items.start[i]);
}

const char *relay_yaml_text(struct relay_yaml *yaml, const yaml_node_t *node, const char *what)
{
    const char *p;
    size_t n;

    if (node->type != YAML_SCALAR_NODE) {
        (void)relay_yaml_fail(yaml, node, "%s must be one value, not a list or a mapping", what);
        return NULL;
    }
    p = (const char *)node->data.scalar.value;
    n = node->data.scalar.length;
    if (n == 0 || n > TEXT_MAX) {
        (void)relay_yaml_fail(yaml, node, n == 0 ? "%s has no value" : "%s is too long", what);
        return NULL;
    }
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)p[i] < 0x20 || p[i] == 0x7f) {
            (void)relay_yaml_fail(yaml, node, "%s holds a control character", what);
            return NULL;
        }
    return p;
}

int relay_yaml_bool(struct relay_yaml *yaml, const yaml_node_t *node, const char *what, bool *value)
{
    const char *text = relay_yaml_text(yaml, node, what);

    if (!text)
        return RELAY_E_CONF;
    *value = strcmp(text, "true") == 0;
    if (node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE || (!*value && strcmp(text, "false")))
        return relay_yaml_fail(yaml, node, "%s is \"%.32s\"; write true or false", what, text);
    return 0;
}

static size_t distance(const char *a, const char *b)
{
    size_t row[WORD_MAX + 1], n = strlen(b);

    if (n > WORD_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];

        row[0] = i + 1;
        for (size_t j = 0; j < n; j++) {
            size_t best = diagonal + (a[i] != b[j]);

            diagonal = row[j + 1];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j + 1] + 1 < best)
                best = row[j + 1] + 1;
            row[j + 1] = best;
        }
    }
    return row[n];
}

const char *relay_yaml_nearest(const char *word, const char *const *names, size_t n)
{
    size_t best = strlen(word) / 2 + 2; /* farther is no help */
    const char *name = NULL;

    for (size_t i = 0; i < n; i++) {
        size_t d = distance(word, names[i]);

        if (d < best) {
            best = d;
            name = names[i];
        }
    }
    return name;
}
