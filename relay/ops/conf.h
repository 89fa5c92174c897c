/* conf.h - the configuration file: YAML in, checked settings out.
 *
 * Every setting is one row of the schema (schema.c): key path, type, default, range, help. The
 * reference (`mcrelay check --reference`) is printed from the same rows. Scalars are strict: a
 * number is digits; a size is digits with B, KiB, MiB or GiB; a time is digits with ms, s, m, h or
 * d; true and false are the only booleans. An unknown key is an error that names the nearest known
 * one; a key that stands twice is an error; no anchors, no tags, no second document.
 *
 * Errors are one line, `FILE:LINE: what is wrong; what to write instead`. */
#ifndef RELAY_OPS_CONF_H
#define RELAY_OPS_CONF_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "relay/core/conf.h"

enum {
    RELAY_CONF_WHY = 512,            /* room for an error line */
    RELAY_CONF_OCTETS = 1024 * 1024, /* of a configuration file */
    RELAY_CONF_LIST_MAX = 64,        /* elements of a list */
};

/* ADDRESS:PORT, numeric; IPv6 in brackets. */
struct relay_address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } sa;
    char text[64];
    bool is_loopback;
};

struct relay_addresses {
    struct relay_address *v;
    size_t n;
};

struct relay_strings {
    char **v;
    size_t n;
};

/* Who issues tokens that we accept. */
struct relay_conf_issuer {
    char *iss;
    char *jwks;                   /* file with its JWKS */
    char *audience;               /* NULL: not looked at; the same for all issuers */
    struct relay_strings domains; /* of the MCData IDs it may speak for; empty: any */
};

/* A relay that we are linked with. */
struct relay_conf_peer {
    char *name; /* a host name in lower case, not ours */
    uint16_t port;
    struct relay_addresses connect; /* at most one; none: the name is looked up */
    bool tls;                       /* false only with a loopback address to connect to */
    struct relay_strings domains;
    uint32_t messages_per_s, messages_burst;
};

enum relay_log_level { RELAY_LOG_ERROR, RELAY_LOG_WARN, RELAY_LOG_INFO, RELAY_LOG_DEBUG };
enum relay_log_format { RELAY_LOG_AUTO, RELAY_LOG_JSON, RELAY_LOG_TEXT };

/* The settings. Strings are owned; core's strings point to them; core.auth is NULL (jwksdir),
 * core.digest too (digestdir). */
struct relay_settings {
    struct relay_conf core;

    char *name, *service, *realm, *scope;
    struct relay_addresses listen, plain, metrics; /* metrics: at most one */
    bool allow_plaintext;
    char *certificate, *key;

    struct relay_conf_issuer *issuers;
    size_t issuers_n;
    struct relay_conf_peer *peers; /* core.peers says the same */
    size_t peers_n;
    struct relay_peer_conf *links; /* what core.peers points to */
    char *peers_ca;                /* NULL: no client certificate is asked for */
    bool iops;
    struct relay_strings iops_domains, iops_users;

    char *digest_users, *digest_realm; /* users NULL: no Digest; realm NULL: that of Bearer */
    uint32_t digest_nonce_s;

    char *groups; /* directory, NULL: none */
    char *users;  /* file, NULL: none */
    char *csk_file, *csk_kek_file;

    char *mdsi; /* the relay's own MC service ID, NULL: no keys of its own */
    char *keyset_file, *keyset_kek;
    char *kms_url, *kms_uri, *kms_connect, *kms_ca, *kms_token; /* kms_url NULL: none */

    bool plaintext_auth, allow_core;
    uint32_t handshake_ms, drain_ms;

    enum relay_log_level log_level;
    enum relay_log_format log_format;
    char *log_file; /* NULL: standard error */
};

/* Reads and checks a configuration. `name` stands in the errors; the text is `p[0..n)`. Relative
 * file names in it are taken as they are. On failure the settings are done already and `why`
 * (why_n octets) holds the error line. 0, RELAY_E_CONF, RELAY_E_NOMEM. */
int relay_conf_parse(struct relay_settings *settings, const char *name, const char *p, size_t n,
                     char *why, size_t why_n) __attribute__((warn_unused_result));

/* The same from a file. Also RELAY_E_IO (why says so). */
int relay_conf_load(struct relay_settings *settings, const char *path, char *why, size_t why_n)
    __attribute__((warn_unused_result));

void relay_conf_done(struct relay_settings *settings);

/* Prints every setting with type, default, range and help, as a YAML file that loads when the
 * required ones are filled in. */
void relay_conf_reference(FILE *out);

#endif
