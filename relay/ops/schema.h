/* schema.h - one row per setting; the loader, the defaults and the reference read the same rows. */
#ifndef RELAY_OPS_SCHEMA_H
#define RELAY_OPS_SCHEMA_H

#include "relay/ops/conf.h"
#include "relay/ops/yaml.h"

enum relay_schema_type {
    RELAY_SCHEMA_BOOL,    /* bool */
    RELAY_SCHEMA_COUNT,   /* uint32_t */
    RELAY_SCHEMA_PORT,    /* uint16_t */
    RELAY_SCHEMA_SECONDS, /* uint32_t, a time */
    RELAY_SCHEMA_MILLIS,  /* uint32_t, a time */
    RELAY_SCHEMA_OCTETS,  /* uint32_t, a size */
    RELAY_SCHEMA_OCTETS_64,
    RELAY_SCHEMA_OCTETS_SIZE, /* size_t, a size */
    RELAY_SCHEMA_COUNT_SIZE,  /* size_t */
    RELAY_SCHEMA_TEXT,        /* char * */
    RELAY_SCHEMA_CHOICE,      /* an enum: the place of the word in `words` */
    RELAY_SCHEMA_CHOICE_BOOL, /* bool: the first word is false */
    RELAY_SCHEMA_ADDRESS,     /* struct relay_addresses with at most one */
    RELAY_SCHEMA_ADDRESSES,
    RELAY_SCHEMA_STRINGS,
    RELAY_SCHEMA_ISSUERS, /* lists of maps: a pointer to the elements, then their number */
    RELAY_SCHEMA_PEERS,
};

struct relay_schema_row {
    const char *key; /* "limits.message" */
    enum relay_schema_type type;
    size_t offset;        /* in struct relay_settings, or in the element of a list of maps */
    const char *standard; /* the default as it would be written; NULL: none */
    uint64_t min, max;    /* of numbers, in the unit of the member */
    const char *words;    /* of choices, separated by '|' */
    const char *sample;   /* for the reference when there is no default */
    const char *help;
};

/* Row i in the order of the reference, NULL past the last. */
const struct relay_schema_row *relay_schema_at(size_t i);

/* What an element of a list of maps holds. */
struct relay_schema_list {
    const char *what; /* "an issuer" */
    size_t size;      /* of the struct */
    const struct relay_schema_row *rows;
    size_t n;
};

/* The list behind a type, NULL when it is none. */
const struct relay_schema_list *relay_schema_list(enum relay_schema_type type);

/* Must it be written? */
bool relay_schema_is_required(const struct relay_schema_row *row);

/* Frees what the row owns in the settings or the element, lists of maps too. */
void relay_schema_free(void *base, const struct relay_schema_row *row);

/* Reads a value of the row's type from its text into the settings or the element. `why` gets the
 * part of the error line behind the key: what is wrong and what to write. Lists: adds one element.
 * 0, RELAY_E_CONF, RELAY_E_NOMEM. */
int relay_schema_set(void *base, const struct relay_schema_row *row, const char *text, char *why,
                     size_t why_n) __attribute__((warn_unused_result));

/* Reads a size: digits with B, KiB, MiB or GiB. */
bool relay_schema_octets(const char *text, uint64_t *value);

#endif
