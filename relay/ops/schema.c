#include "relay/ops/schema.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define MIB ((uint64_t)1024 * 1024)
#define DAY ((uint64_t)86400)

/* clang-format off */
#define AT(member) offsetof(struct relay_settings, member)
#define BOOLEAN(key, member, standard, help) \
    {key, RELAY_SCHEMA_BOOL, AT(member), standard, 0, 1, NULL, NULL, help}
#define NUMBER(key, type, member, standard, min, max, help) \
    {key, RELAY_SCHEMA_##type, AT(member), standard, min, max, NULL, NULL, help}
#define CHOICE(key, type, member, standard, words, help) \
    {key, RELAY_SCHEMA_##type, AT(member), standard, 0, 0, words, NULL, help}
#define VALUE(key, type, member, sample, help) \
    {key, RELAY_SCHEMA_##type, AT(member), NULL, 0, 0, NULL, sample, help}

#undef AT
#define AT(member) offsetof(struct relay_conf_issuer, member)
static const struct relay_schema_row issuer_rows[] = {
    VALUE("iss", TEXT, iss, "https://idms.iops.example", "as in the claim (required)"),
    VALUE("jwks", TEXT, jwks, "/etc/mcdata-relay/jwks.json", "file with its public keys (required)"),
    VALUE("audience", TEXT, audience, "mcrelay", "must stand in `aud`; the same for all issuers"),
    VALUE("domains", STRINGS, domains, "[iops.example]", "of the MCData IDs it may speak for"),
};

#undef AT
#define AT(member) offsetof(struct relay_conf_peer, member)
static const struct relay_schema_row peer_rows[] = {
    VALUE("name", TEXT, name, "relay-b.iops.example", "host in its URIs; over TLS it stands in its certificate (required)"),
    NUMBER("port", PORT, port, "2855", 1, 65535, "port in its URIs, and to connect to"),
    VALUE("connect", ADDRESS, connect, "\"192.0.2.2:2855\"", "ADDRESS:PORT to connect to instead of asking DNS"),
    CHOICE("tls", CHOICE_BOOL, tls, "on", "off|on", "off: without TLS, to a loopback address only"),
    VALUE("domains", STRINGS, domains, "[b.example]", "of the users it may speak for"),
    NUMBER("messages_per_s", COUNT, messages_per_s, "5000", 0, 1000000, "messages from it per second; 0: no limit"),
    NUMBER("messages_burst", COUNT, messages_burst, "20000", 1, 1000000, "messages from it at once"),
};

#undef AT
#define AT(member) offsetof(struct relay_settings, member)
static const struct relay_schema_row rows[] = {
    VALUE("name", TEXT, name, "relay.iops.example", "host name in every URI of the relay; stands in the certificate (required)"),
    NUMBER("port", PORT, core.port, NULL, 1, 65535, "port in every URI of the relay; without it that of the first listener"),
    VALUE("listen", ADDRESSES, listen, "[\"0.0.0.0:2855\"]", "ADDRESS:PORT of the TLS listeners"),
    VALUE("certificate", TEXT, certificate, "/etc/mcdata-relay/relay.pem", "PEM file: the relay's certificate, then the intermediates"),
    VALUE("key", TEXT, key, "/etc/mcdata-relay/relay.key", "PEM file: the private key of the certificate"),
    VALUE("plain", ADDRESSES, plain, "[\"127.0.0.1:2856\"]", "ADDRESS:PORT of listeners without TLS; loopback unless allow_plaintext"),
    BOOLEAN("allow_plaintext", allow_plaintext, "false", "plain listeners may bind other addresses than loopback"),
    VALUE("service", TEXT, service, "\"msrps://relay.iops.example:2855/sds;tcp\"", "service URI; without it msrps://NAME:PORT/sds;tcp"),
    VALUE("realm", TEXT, realm, "relay.iops.example", "realm of the Bearer challenge; without it the name"),
    CHOICE("affiliation", CHOICE_BOOL, core.affiliation_explicit, "implicit", "implicit|explicit", "who is affiliated: connected members, or members marked so"),

    {"tokens.issuers", RELAY_SCHEMA_ISSUERS, AT(issuers), NULL, 0, 0, NULL, NULL, "who issues tokens that are accepted (required)"},
    CHOICE("tokens.scope", TEXT, scope, "3gpp:mc:data_service", NULL, "scope that a token must have"),
    NUMBER("tokens.skew", SECONDS, core.skew_s, "30s", 0, 60, "allowed difference between the issuer's clock and ours"),

    BOOLEAN("iops.enabled", iops, "true", "the IOPS rule holds: only IOPS MCData IDs, no mcvideo_id and mcrec_id"),
    VALUE("iops.domains", STRINGS, iops_domains, "[iops.example]", "domains of IOPS MCData IDs"),
    VALUE("iops.users", STRINGS, iops_users, "[\"sip:alice@other.example\"]", "single IOPS MCData IDs outside those domains"),

    VALUE("digest.users", TEXT, digest_users, "/etc/mcdata-relay/digest.yaml", "file with users who AUTH with a password (RFC 4976 Digest) instead of a token; mode 0600; see mcrelay key digest"),
    VALUE("digest.realm", TEXT, digest_realm, "relay.iops.example", "realm of the Digest challenge, part of every ha1; without it the realm above"),
    NUMBER("digest.nonce_time", SECONDS, digest_nonce_s, "5m", 10, DAY, "how long a nonce of a challenge is good"),

    VALUE("groups", TEXT, groups, "/etc/mcdata-relay/groups", "directory with one YAML file per group"),
    VALUE("users", TEXT, users, "/etc/mcdata-relay/users.yaml", "file with what single users may do"),
    VALUE("csk.file", TEXT, csk_file, "/etc/mcdata-relay/relay.keys", "sealed key file with the CSKs of users"),
    VALUE("csk.kek", TEXT, csk_kek_file, "/etc/mcdata-relay/relay.kek", "file with the 32 octets that open csk.file; mode 0600"),

    VALUE("mdsi", TEXT, mdsi, "sip:relay@iops.example", "MC service ID of the relay itself (MDSI): to it clients upload their CSKs"),
    VALUE("keyset.file", TEXT, keyset_file, "/var/lib/mcdata-relay/relay.set", "sealed file with the key sets of the mdsi (mcrelay key fetch, mcrelay kms issue); its folder must be writable where kms is used"),
    VALUE("keyset.kek", TEXT, keyset_kek, "/etc/mcdata-relay/relay.kek", "file with the 32 octets that open keyset.file; mode 0600"),
    VALUE("kms.url", TEXT, kms_url, "https://kms.iops.example:8443", "KMS that is asked for key sets when there are none or they are about to end"),
    VALUE("kms.uri", TEXT, kms_uri, "kms.iops.example", "its KMS URI, where that is not the host of the URL"),
    VALUE("kms.connect", TEXT, kms_connect, "\"127.0.0.1:8443\"", "ADDRESS:PORT to connect to instead of asking DNS"),
    VALUE("kms.ca", TEXT, kms_ca, "/etc/mcdata-relay/ca.pem", "PEM file with the certificates to trust; without it those of the system"),
    VALUE("kms.token", TEXT, kms_token, "/etc/mcdata-relay/relay.jwt", "file with an access token of the mdsi for the KMS, read anew for each request"),

    {"peers", RELAY_SCHEMA_PEERS, AT(peers), NULL, 0, 0, NULL, NULL, "relays that we are linked with"},
    VALUE("peers_ca", TEXT, peers_ca, "/etc/mcdata-relay/peers-ca.pem", "PEM file with the CAs of the peers' certificates; needed for peers with TLS"),
    CHOICE("path.relaying", CHOICE_BOOL, core.path_off, "on", "on|off", "may clients reach others through their Use-Path URIs (RFC 4976)? off: only the service"),
    CHOICE("path.foreign", CHOICE_BOOL, core.path_foreign, "deny", "deny|allow", "may strangers, neither our clients nor peers, send to our clients?"),
    CHOICE("path.methods", CHOICE_BOOL, core.path_methods, "block", "block|forward", "what becomes of unknown methods: 501, or they go on"),
    CHOICE("path.content", CHOICE_BOOL, core.path_signed, "any", "any|signed", "what clients may send each other: anything, or only multipart/signed and application/pkcs7-mime (415)"),
    NUMBER("path.message", OCTETS_64, core.path_message_max, "0B", 0, 65536ull * 1024 * MIB, "octets of one message between clients; 0B: no limit"),

    CHOICE("protection.payload", CHOICE, core.payload, "required", "required|allowed", "must payloads be protected end to end?"),
    CHOICE("protection.signalling", CHOICE, core.signalling, "auto", "required|allowed|auto", "must signalling be protected with the CSK? auto: once the connection has one"),

    NUMBER("limits.message", OCTETS_64, core.message_max, "15MiB", 1024, 4095 * MIB, "octets of one MSRP message"),
    NUMBER("limits.label", OCTETS, core.label_max, "16KiB", 1024, 16384, "octets before the payload of an SDS"),
    NUMBER("limits.mikey", OCTETS, core.mikey_max, "8KiB", 512, 32768, "octets of an I_MESSAGE"),
    NUMBER("limits.csk_uploads", COUNT, core.csk_uploads_max, "64", 1, 4096, "CSK uploads that wait to be opened, in all"),
    NUMBER("limits.gap", OCTETS, core.gap_max, "64KiB", 0, 16 * MIB, "octets held out of order, per message"),
    NUMBER("limits.gaps", COUNT, core.gaps_max, "64", 1, 64, "holes in one message"),
    NUMBER("limits.open_messages", COUNT, core.open_messages_max, "8", 1, 1024, "incomplete messages of a session"),
    NUMBER("limits.sessions", COUNT, core.sessions_per_conn_max, "64", 1, 4096, "sessions of a connection"),
    NUMBER("limits.peer_sessions", COUNT, core.sessions_per_peer_max, "10000", 0, 1000000, "sessions of clients behind one peer (chained AUTH)"),
    NUMBER("limits.user_connections", COUNT, core.conns_per_user_max, "4", 1, 1000, "connections of a user"),
    NUMBER("limits.connections", COUNT, core.conns_max, "10000", 1, 1000000, "connections in all; never more than half the descriptor limit less 256"),
    NUMBER("limits.source_connections", COUNT, core.conns_unauth_per_source_max, "64", 1, 1000000, "connections of an address before AUTH"),
    NUMBER("limits.unauth_percent", COUNT, core.unauth_percent_max, "10", 1, 100, "share of all connections that may be before AUTH"),
    NUMBER("limits.messages_per_s", COUNT, core.rate_messages_per_s, "50", 1, 1000000, "messages of a user per second"),
    NUMBER("limits.messages_burst", COUNT, core.rate_messages_burst, "200", 1, 1000000, "messages of a user at once"),
    NUMBER("limits.deliveries_per_s", COUNT, core.rate_deliveries_per_s, "2000", 0, 10000000, "deliveries per second that a user's messages cause; 0: no limit"),
    NUMBER("limits.deliveries_burst", COUNT, core.rate_deliveries_burst, "4000", 1, 10000000, "deliveries at once; one message to a larger group goes all the same, and is waited for"),
    NUMBER("limits.auth_fails", COUNT, core.auth_fails, "5", 1, 1000, "failed AUTHs of an address; from that one on each closes its connection"),
    NUMBER("limits.auth_fails_time", MILLIS, core.auth_fails_ms, "60s", 1000, DAY * 1000, "window in which they count, from the first one on"),
    NUMBER("limits.out_low", OCTETS, core.out_low, "128KiB", 4096, 1024 * MIB, "output of a connection below which its senders go on"),
    NUMBER("limits.out_high", OCTETS, core.out_high, "256KiB", 8192, 1024 * MIB, "output of a connection above which its senders pause"),
    NUMBER("limits.out_hard", OCTETS, core.out_hard, "1MiB", 16384, 1024 * MIB, "output that a connection may never exceed"),
    NUMBER("limits.transactions", COUNT, core.hops_max, "256", 1, 65535, "unanswered requests of ours on a connection"),
    NUMBER("limits.duplicates", COUNT, core.dedup_max_per_sender, "20000", 16, 1000000, "messages of a sender that are remembered"),
    NUMBER("limits.duplicates_time", SECONDS, core.dedup_ttl_s, "24h", 60, 30 * DAY, "how long a message is remembered"),
    NUMBER("limits.memory", OCTETS_64, core.memory_max, "256MiB", MIB, 65536 * MIB, "octets of messages under way, in all"),
    NUMBER("limits.line", OCTETS_SIZE, core.head.line, "4KiB", 512, 8192, "octets of a header line"),
    NUMBER("limits.headers", COUNT_SIZE, core.head.headers, "32", 8, 256, "header lines of a request"),
    NUMBER("limits.header_block", OCTETS_SIZE, core.head.block, "16KiB", 2048, 16384, "octets of all header lines"),
    NUMBER("limits.uri", OCTETS_SIZE, core.head.uri, "512B", 64, 512, "octets of a URI"),
    NUMBER("limits.path_uris", COUNT_SIZE, core.head.uris, "8", 2, 8, "URIs of a path"),
    NUMBER("limits.report_body", OCTETS_SIZE, core.head.body, "10KiB", 0, 10240, "octets of a body that is not a SEND's"),
    NUMBER("limits.stopped_chunks", COUNT, core.stopped_chunks, "8", 1, 1000, "chunks of a refused message after times.stopped before the connection is closed"),

    NUMBER("times.expires", SECONDS, core.expires_default_s, "1h", 1, 30 * DAY, "lifetime of a session when the client asks for none"),
    NUMBER("times.expires_min", SECONDS, core.expires_min_s, "60s", 1, 30 * DAY, "shortest lifetime that may be asked for"),
    NUMBER("times.expires_max", SECONDS, core.expires_max_s, "24h", 1, 30 * DAY, "longest lifetime that may be asked for"),
    NUMBER("times.handshake", MILLIS, handshake_ms, "10s", 100, 600000, "TLS handshake"),
    NUMBER("times.probation", MILLIS, core.probation_ms, "30s", 100, 600000, "first good request of a connection"),
    NUMBER("times.header", MILLIS, core.head_ms, "10s", 100, 600000, "header block of a request"),
    NUMBER("times.body_window", MILLIS, core.body_rate_window_ms, "30s", 1000, 3600000, "window of body_rate"),
    NUMBER("times.body_rate", COUNT, core.body_rate_bytes_per_s, "128", 0, 1000000000, "octets per second that a body must bring"),
    NUMBER("times.keepalive", MILLIS, core.keepalive_ms, "60s", 1000, DAY * 1000, "idle time before the relay asks"),
    NUMBER("times.keepalive_answer", MILLIS, core.keepalive_answer_ms, "30s", 1000, 3600000, "time to answer that"),
    NUMBER("times.write_stall", MILLIS, core.write_stall_ms, "30s", 1000, 3600000, "time in which a peer must take an octet"),
    NUMBER("times.output_rate", COUNT, core.out_rate_bytes_per_s, "128", 0, 1000000000, "octets per second that a peer must take over write_stall, or all there are"),
    NUMBER("times.transaction", MILLIS, core.transaction_ms, "30s", 1000, 3600000, "time to answer a request"),
    NUMBER("times.message_idle", MILLIS, core.message_idle_ms, "60s", 1000, DAY * 1000, "how long an incomplete message waits for its next chunk"),
    NUMBER("times.pause", MILLIS, core.pause_max_ms, "10s", 0, 600000, "how long a sender pauses for slow receivers, per message"),
    NUMBER("times.stopped", MILLIS, core.stopped_ms, "30s", 1000, 600000, "how long chunks of a refused message are put up with"),
    NUMBER("times.drain", MILLIS, drain_ms, "5s", 0, 600000, "how long open messages may go on after SIGTERM"),

    VALUE("metrics", ADDRESS, metrics, "\"127.0.0.1:9855\"", "ADDRESS:PORT of /metrics and /healthz; loopback only"),
    CHOICE("log.level", CHOICE, log_level, "info", "error|warn|info|debug", "what is logged"),
    CHOICE("log.format", CHOICE, log_format, "auto", "auto|json|text", "auto: text on a terminal, else JSON lines"),
    VALUE("log.file", TEXT, log_file, "/var/log/mcdata-relay.log", "without it standard error"),

    BOOLEAN("test.plaintext_auth", plaintext_auth, "false", "AUTH on plain loopback listeners; for load tests only"),
    BOOLEAN("test.allow_core", allow_core, "false", "core images may be taken; for tests only"),
};
/* clang-format on */

const struct relay_schema_row *relay_schema_at(size_t i)
{
    return i < sizeof rows / sizeof *rows ? &rows[i] : NULL;
}

static const struct relay_schema_list issuers = {"an issuer", sizeof(struct relay_conf_issuer),
                                                 issuer_rows,
                                                 sizeof issuer_rows / sizeof *issuer_rows};
static const struct relay_schema_list peers = {"a peer", sizeof(struct relay_conf_peer), peer_rows,
                                               sizeof peer_rows / sizeof *peer_rows};

const struct relay_schema_list *relay_schema_list(enum relay_schema_type type)
{
    return type == RELAY_SCHEMA_ISSUERS ? &issuers : type == RELAY_SCHEMA_PEERS ? &peers : NULL;
}

bool relay_schema_is_required(const struct relay_schema_row *row)
{
    return strstr(row->help, "(required)") != NULL;
}

/* A list of maps in the settings, whatever its elements are. */
struct list {
    void *v;
    size_t n;
};

void relay_schema_free(void *base, const struct relay_schema_row *row)
{
    const struct relay_schema_list *list = relay_schema_list(row->type);
    void *at = (char *)base + row->offset;

    if (row->type == RELAY_SCHEMA_TEXT) {
        free(*(char **)at);
    } else if (row->type == RELAY_SCHEMA_ADDRESS || row->type == RELAY_SCHEMA_ADDRESSES) {
        free(((struct relay_addresses *)at)->v);
    } else if (row->type == RELAY_SCHEMA_STRINGS) {
        struct relay_strings *strings = at;

        for (size_t i = 0; i < strings->n; i++)
            free(strings->v[i]);
        free(strings->v);
    } else if (list) {
        struct list *elements = at;

        for (size_t i = 0; i < elements->n; i++)
            for (size_t j = 0; j < list->n; j++)
                relay_schema_free((char *)elements->v + i * list->size, &list->rows[j]);
        free(elements->v);
    }
}

struct unit {
    const char *name;
    uint64_t factor;
};

/* Digits, then a unit of the list (which ends with a NULL name). */
static bool read_number(const char *text, const struct unit *units, uint64_t *value)
{
    const char *p = text;
    uint64_t n = 0;

    if (*p < '0' || *p > '9' || (p[0] == '0' && p[1] >= '0' && p[1] <= '9'))
        return false;
    for (; *p >= '0' && *p <= '9'; p++)
        if (__builtin_mul_overflow(n, 10u, &n) || __builtin_add_overflow(n, *p - '0', &n))
            return false;
    for (; units->name; units++)
        if (strcmp(p, units->name) == 0)
            return !__builtin_mul_overflow(n, units->factor, value);
    return false;
}

static const struct unit plain[] = {{"", 1}, {NULL, 0}};
static const struct unit octets[] = {
    {"B", 1}, {"KiB", 1024}, {"MiB", 1024 * 1024}, {"GiB", 1024 * 1024 * 1024}, {NULL, 0}};
static const struct unit seconds[] = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {NULL, 0}};
static const struct unit millis[] = {{"ms", 1},      {"s", 1000},     {"m", 60000},
                                     {"h", 3600000}, {"d", 86400000}, {NULL, 0}};

bool relay_schema_octets(const char *text, uint64_t *value)
{
    return read_number(text, octets, value);
}

/* A number of the row in the largest unit that divides it. */
static void print_number(uint64_t value, const struct unit *units, char *out, size_t n)
{
    const struct unit *best = units;

    for (const struct unit *unit = units; unit->name; unit++)
        if (value > 0 && value % unit->factor == 0)
            best = unit;
    snprintf(out, n, "%llu%s", (unsigned long long)(value / best->factor), best->name);
}

static int set_number(void *base, const struct relay_schema_row *row, const struct unit *units,
                      const char *example, size_t size, const char *text, char *why, size_t why_n)
{
    char *to = (char *)base + row->offset, low[32], high[32];
    uint64_t value;

    print_number(row->min, units, low, sizeof low);
    print_number(row->max, units, high, sizeof high);
    if (!read_number(text, units, &value)) {
        snprintf(why, why_n, "is \"%.32s\"; write %s, %s to %s", text, example, low, high);
        return RELAY_E_CONF;
    }
    if (value < row->min || value > row->max) {
        snprintf(why, why_n, "is %.32s; write a value from %s to %s", text, low, high);
        return RELAY_E_CONF;
    }
    if (size == sizeof(uint16_t))
        memcpy(to, &(uint16_t){(uint16_t)value}, size);
    else if (size == sizeof(uint32_t))
        memcpy(to, &(uint32_t){(uint32_t)value}, size);
    else
        memcpy(to, &value, size);
    return 0;
}

static int set_choice(void *base, const struct relay_schema_row *row, const char *text, char *why,
                      size_t why_n)
{
    char *to = (char *)base + row->offset;
    const char *word = row->words;
    size_t n = strlen(text);

    for (unsigned i = 0; word; i++) {
        const char *end = strchr(word, '|');
        size_t word_n = end ? (size_t)(end - word) : strlen(word);

        if (word_n == n && memcmp(word, text, n) == 0) {
            if (row->type == RELAY_SCHEMA_CHOICE_BOOL)
                *(bool *)to = i != 0;
            else
                memcpy(to, &i, sizeof i);
            return 0;
        }
        word = end ? end + 1 : NULL;
    }
    snprintf(why, why_n, "is \"%.32s\"; write one of %s", text, row->words);
    return RELAY_E_CONF;
}

static int read_address(struct relay_address *address, const char *text)
{
    static const struct unit port_unit[] = {{"", 1}, {NULL, 0}};
    const char *colon = strrchr(text, ':');
    size_t n = colon ? (size_t)(colon - text) : 0;
    char host[INET6_ADDRSTRLEN];
    uint64_t port;

    *address = (struct relay_address){.is_loopback = false};
    if (n < 2 || n >= sizeof host || strlen(text) >= sizeof address->text ||
        !read_number(colon + 1, port_unit, &port) || port > 65535)
        return RELAY_E_CONF;
    snprintf(address->text, sizeof address->text, "%s", text);
    if (text[0] == '[' && text[n - 1] == ']') {
        memcpy(host, text + 1, n - 2);
        host[n - 2] = '\0';
        address->sa.v6.sin6_family = AF_INET6;
        address->sa.v6.sin6_port = htons((uint16_t)port);
        if (inet_pton(AF_INET6, host, &address->sa.v6.sin6_addr) != 1)
            return RELAY_E_CONF;
        address->is_loopback = IN6_IS_ADDR_LOOPBACK(&address->sa.v6.sin6_addr);
        return 0;
    }
    memcpy(host, text, n);
    host[n] = '\0';
    address->sa.v4.sin_family = AF_INET;
    address->sa.v4.sin_port = htons((uint16_t)port);
    if (inet_pton(AF_INET, host, &address->sa.v4.sin_addr) != 1)
        return RELAY_E_CONF;
    address->is_loopback = ntohl(address->sa.v4.sin_addr.s_addr) >> 24 == 127;
    return 0;
}

static int add_address(struct relay_addresses *list, size_t max, const char *text, char *why,
                       size_t why_n)
{
    struct relay_address address, *more;

    if (read_address(&address, text) < 0) {
        snprintf(why, why_n, "is \"%.80s\"; write ADDRESS:PORT, as 127.0.0.1:2855 or [::1]:2855",
                 text);
        return RELAY_E_CONF;
    }
    if (list->n == max) {
        snprintf(why, why_n, "has more than %zu elements", max);
        return RELAY_E_CONF;
    }
    if (!(more = reallocarray(list->v, list->n + 1, sizeof *more)))
        return RELAY_E_NOMEM;
    list->v = more;
    list->v[list->n++] = address;
    return 0;
}

static int add_string(struct relay_strings *list, const char *text, char *why, size_t why_n)
{
    char **more, *copy;

    if (list->n == RELAY_CONF_LIST_MAX) {
        snprintf(why, why_n, "has more than %d elements", RELAY_CONF_LIST_MAX);
        return RELAY_E_CONF;
    }
    if (!(more = reallocarray(list->v, list->n + 1, sizeof *more)))
        return RELAY_E_NOMEM;
    list->v = more;
    if (!(copy = strdup(text)))
        return RELAY_E_NOMEM;
    list->v[list->n++] = copy;
    return 0;
}

int relay_schema_set(void *base, const struct relay_schema_row *row, const char *text, char *why,
                     size_t why_n)
{
    void *to = (char *)base + row->offset;
    char *copy;

    switch (row->type) {
    case RELAY_SCHEMA_BOOL:
        if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0) {
            snprintf(why, why_n, "is \"%.32s\"; write true or false", text);
            return RELAY_E_CONF;
        }
        *(bool *)to = text[0] == 't';
        return 0;
    case RELAY_SCHEMA_COUNT:
        return set_number(base, row, plain, "a whole number", sizeof(uint32_t), text, why, why_n);
    case RELAY_SCHEMA_PORT:
        return set_number(base, row, plain, "a whole number", sizeof(uint16_t), text, why, why_n);
    case RELAY_SCHEMA_COUNT_SIZE:
        return set_number(base, row, plain, "a whole number", sizeof(size_t), text, why, why_n);
    case RELAY_SCHEMA_SECONDS:
        return set_number(base, row, seconds, "a time with its unit (s, m, h, d)", sizeof(uint32_t),
                          text, why, why_n);
    case RELAY_SCHEMA_MILLIS:
        return set_number(base, row, millis, "a time with its unit (ms, s, m, h, d)",
                          sizeof(uint32_t), text, why, why_n);
    case RELAY_SCHEMA_OCTETS:
        return set_number(base, row, octets, "a size with its unit (B, KiB, MiB, GiB)",
                          sizeof(uint32_t), text, why, why_n);
    case RELAY_SCHEMA_OCTETS_64:
    case RELAY_SCHEMA_OCTETS_SIZE:
        return set_number(base, row, octets, "a size with its unit (B, KiB, MiB, GiB)",
                          sizeof(uint64_t), text, why, why_n);
    case RELAY_SCHEMA_TEXT:
        if (!(copy = strdup(text)))
            return RELAY_E_NOMEM;
        free(*(char **)to);
        *(char **)to = copy;
        return 0;
    case RELAY_SCHEMA_CHOICE:
    case RELAY_SCHEMA_CHOICE_BOOL:
        return set_choice(base, row, text, why, why_n);
    case RELAY_SCHEMA_ADDRESS:
        return add_address(to, 1, text, why, why_n);
    case RELAY_SCHEMA_ADDRESSES:
        return add_address(to, RELAY_CONF_LIST_MAX, text, why, why_n);
    case RELAY_SCHEMA_STRINGS:
        return add_string(to, text, why, why_n);
    case RELAY_SCHEMA_ISSUERS:
    case RELAY_SCHEMA_PEERS:
        break;
    }
    return RELAY_E_CONF;
}
