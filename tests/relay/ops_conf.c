/* The configuration: every setting by its row, every fault by its file and line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "relay/ops/schema.h"
#include "relay/route/peer.h"

#define TOKENS "tokens:\n  issuers:\n    - {iss: i, jwks: j}\n"
#define BASE                                                                                       \
    "name: relay.iops.example\n" /* 1 */                                                           \
    "listen: [\"127.0.0.1:2855\"]\n"                                                               \
    "certificate: c\n" /* 3 */                                                                     \
    "key: k\n"                                                                                     \
    "tokens:\n" /* 5 */                                                                            \
    "  issuers:\n"                                                                                 \
    "    - iss: https://idms.iops.example\n" /* 7 */                                               \
    "      jwks: j\n"                                                                              \
    "iops:\n" /* 9 */                                                                              \
    "  domains: [iops.example]\n"

static int parse(struct relay_settings *settings, const char *text, char *why)
{
    return relay_conf_parse(settings, "f", text, strlen(text), why, RELAY_CONF_WHY);
}

/* The text must give exactly this error line. */
static void wrong(const char *text, const char *expected)
{
    static const struct relay_settings none;
    struct relay_settings settings;
    char why[RELAY_CONF_WHY] = "";

    assert_int_equal(parse(&settings, text, why), RELAY_E_CONF);
    assert_string_equal(why, expected);
    assert_memory_equal(&settings, &none, sizeof none); /* nothing is left */
}

static void the_smallest_file_gives_the_defaults(void **state)
{
    struct relay_settings settings;
    struct relay_conf core = {.name = NULL};
    char why[RELAY_CONF_WHY];

    (void)state;
    assert_int_equal(parse(&settings, BASE, why), 0);
    assert_string_equal(why, "");
    assert_string_equal(settings.core.name, "relay.iops.example");
    assert_string_equal(settings.core.realm, "relay.iops.example");
    assert_string_equal(settings.core.service, "msrps://relay.iops.example:2855/sds;tcp");
    assert_string_equal(settings.core.scope, "3gpp:mc:data_service");
    assert_int_equal(settings.core.port, 2855);
    assert_int_equal(settings.listen.n, 1);
    assert_true(settings.listen.v[0].is_loopback);
    assert_true(settings.iops);
    assert_int_equal(settings.log_level, RELAY_LOG_INFO);
    assert_int_equal(settings.handshake_ms, 10000);
    assert_int_equal(settings.drain_ms, 5000);
    /* the rows of the schema and the defaults of the core say the same */
    relay_conf_default(&core);
    core.name = settings.core.name;
    core.port = settings.core.port;
    core.service = settings.core.service;
    core.realm = settings.core.realm;
    core.scope = settings.core.scope;
    assert_memory_equal(&settings.core, &core, sizeof core);
    relay_conf_done(&settings);
}

static void every_setting_is_read(void **state)
{
    static const char text[] =
        "name: r.example\nport: 443\nlisten: [\"0.0.0.0:1\", \"[::1]:2\"]\ncertificate: c\n"
        "key: k\nplain: [\"10.0.0.1:3\"]\nallow_plaintext: true\n"
        "service: \"msrps://r.example:443/data;tcp\"\nrealm: here\naffiliation: explicit\n"
        "tokens:\n  scope: other\n  skew: 1m\n  issuers:\n"
        "    - {iss: one, jwks: a, audience: us, domains: [a.example, b.example]}\n"
        "    - {iss: two, jwks: b, audience: us, domains: [c.example]}\n"
        "iops: {enabled: true, domains: [d.example], users: [\"sip:x@y.example\"]}\n"
        "groups: g\nusers: u\ncsk: {file: f, kek: q}\n"
        "mdsi: sip:relay@iops.example\nkeyset: {file: ks, kek: kk}\n"
        "kms: {url: \"https://kms.test:1\", uri: kms, connect: \"127.0.0.1:1\", ca: ca, token: t}\n"
        "protection: {payload: allowed, signalling: required}\n"
        "limits: {message: 2MiB, gaps: 7, line: 1KiB, memory: 1GiB, out_low: 8192B}\n"
        "times: {handshake: 250ms, keepalive: 2m, expires_max: 2d, drain: 1s}\n"
        "metrics: \"[::1]:9\"\nlog: {level: debug, format: json, file: l}\n"
        "test: {plaintext_auth: true, allow_core: true}\n";
    struct relay_settings s;
    char why[RELAY_CONF_WHY];

    (void)state;
    if (parse(&s, text, why) < 0)
        fail_msg("%s", why);
    assert_int_equal(s.core.port, 443);
    assert_int_equal(s.listen.n, 2);
    assert_false(s.listen.v[0].is_loopback);
    assert_int_equal(s.listen.v[1].sa.any.sa_family, AF_INET6);
    assert_true(s.listen.v[1].is_loopback);
    assert_int_equal(s.plain.n, 1);
    assert_string_equal(s.core.service, "msrps://r.example:443/data;tcp");
    assert_string_equal(s.core.realm, "here");
    assert_true(s.core.affiliation_explicit);
    assert_string_equal(s.core.scope, "other");
    assert_int_equal(s.core.skew_s, 60);
    assert_int_equal(s.issuers_n, 2);
    assert_string_equal(s.issuers[1].iss, "two");
    assert_string_equal(s.issuers[0].domains.v[1], "b.example");
    assert_string_equal(s.iops_users.v[0], "sip:x@y.example");
    assert_string_equal(s.groups, "g");
    assert_string_equal(s.users, "u");
    assert_string_equal(s.csk_file, "f");
    assert_string_equal(s.csk_kek_file, "q");
    assert_string_equal(s.mdsi, "sip:relay@iops.example");
    assert_string_equal(s.keyset_file, "ks");
    assert_string_equal(s.keyset_kek, "kk");
    assert_string_equal(s.kms_url, "https://kms.test:1");
    assert_string_equal(s.kms_uri, "kms");
    assert_string_equal(s.kms_connect, "127.0.0.1:1");
    assert_string_equal(s.kms_ca, "ca");
    assert_string_equal(s.kms_token, "t");
    assert_int_equal(s.core.payload, RELAY_PROTECTION_ALLOWED);
    assert_int_equal(s.core.signalling, RELAY_PROTECTION_REQUIRED);
    assert_int_equal(s.core.message_max, 2 * 1024 * 1024);
    assert_int_equal(s.core.gaps_max, 7);
    assert_int_equal(s.core.head.line, 1024);
    assert_int_equal(s.core.memory_max, 1024 * 1024 * 1024);
    assert_int_equal(s.core.out_low, 8192);
    assert_int_equal(s.handshake_ms, 250);
    assert_int_equal(s.core.keepalive_ms, 120000);
    assert_int_equal(s.core.expires_max_s, 2 * 86400);
    assert_string_equal(s.metrics.v[0].text, "[::1]:9");
    assert_int_equal(s.log_level, RELAY_LOG_DEBUG);
    assert_int_equal(s.log_format, RELAY_LOG_JSON);
    assert_true(s.core.plaintext_auth);
    assert_true(s.allow_core);
    relay_conf_done(&s);
}

/* The text of a number in the unit that its type is written in. */
static void spell(const struct relay_schema_row *row, uint64_t value, char *out, size_t n)
{
    const char *unit = "";

    if (row->type == RELAY_SCHEMA_SECONDS)
        unit = "s";
    else if (row->type == RELAY_SCHEMA_MILLIS)
        unit = "ms";
    else if (row->type == RELAY_SCHEMA_OCTETS || row->type == RELAY_SCHEMA_OCTETS_64 ||
             row->type == RELAY_SCHEMA_OCTETS_SIZE)
        unit = "B";
    snprintf(out, n, "%llu%s", (unsigned long long)value, unit);
}

/* limit - 1, limit, limit + 1 of every number in the schema */
static void every_number_keeps_its_range(void **state)
{
    const struct relay_schema_row *row;
    struct relay_settings settings = {.name = NULL};
    char text[64], why[RELAY_CONF_WHY];
    size_t numbers = 0;

    (void)state;
    for (size_t i = 0; (row = relay_schema_at(i)); i++) {
        if (row->max <= 1)
            continue;
        numbers++;
        assert_true(row->min < row->max);
        spell(row, row->min, text, sizeof text);
        assert_int_equal(relay_schema_set(&settings, row, text, why, sizeof why), 0);
        spell(row, row->max, text, sizeof text);
        assert_int_equal(relay_schema_set(&settings, row, text, why, sizeof why), 0);
        spell(row, row->max + 1, text, sizeof text);
        assert_int_equal(relay_schema_set(&settings, row, text, why, sizeof why), RELAY_E_CONF);
        assert_non_null(strstr(why, "write a value from"));
        if (row->min > 0) {
            spell(row, row->min - 1, text, sizeof text);
            assert_int_equal(relay_schema_set(&settings, row, text, why, sizeof why), RELAY_E_CONF);
        }
        /* the default lies inside */
        if (row->standard)
            assert_int_equal(relay_schema_set(&settings, row, row->standard, why, sizeof why), 0);
    }
    assert_true(numbers > 40);
}

static void scalars_are_strict(void **state)
{
    static const char *const bad[] = {"5",
                                      "5 s",
                                      "5S",
                                      "s",
                                      "-5s",
                                      "+5s",
                                      "05s",
                                      "5.5s",
                                      "0x5s",
                                      "5s ",
                                      "1e3s",
                                      "5sec",
                                      "five",
                                      "5ss",
                                      "99999999999999999999s",
                                      "18446744073709551615d",
                                      "5ks"};
    char text[1024], expected[512];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct relay_settings settings;
        char why[RELAY_CONF_WHY];

        snprintf(text, sizeof text, BASE "times:\n  probation: \"%s\"\n", bad[i]);
        assert_int_equal(parse(&settings, text, why), RELAY_E_CONF);
        snprintf(expected, sizeof expected, "f:12: times.probation is \"%.32s\"; write ", bad[i]);
        if (strncmp(why, expected, strlen(expected)) != 0)
            fail_msg("%s", why);
    }
    wrong(BASE "limits: {message: 15MB}\n",
          "f:11: limits.message is \"15MB\"; write a size with its unit (B, KiB, MiB, GiB), 1KiB "
          "to 4095MiB");
    wrong(BASE "limits: {open_messages: 64KiB}\n",
          "f:11: limits.open_messages is \"64KiB\"; write a whole number, 1 to 1024");
    wrong(BASE "times: {handshake: 99ms}\n",
          "f:11: times.handshake is 99ms; write a value from 100ms to 10m");
    wrong(BASE "test: {allow_core: yes}\n",
          "f:11: test.allow_core is \"yes\"; write true or false");
    wrong(BASE "test: {allow_core: \"true\"}\n",
          "f:11: test.allow_core is \"true\"; write true or false");
    wrong(BASE "affiliation: maybe\n",
          "f:11: affiliation is \"maybe\"; write one of implicit|explicit");
    wrong(BASE "metrics: localhost:9855\n",
          "f:11: metrics is \"localhost:9855\"; write ADDRESS:PORT, as 127.0.0.1:2855 or "
          "[::1]:2855");
    wrong(BASE "metrics: 127.0.0.1:65536\n",
          "f:11: metrics is \"127.0.0.1:65536\"; write ADDRESS:PORT, as 127.0.0.1:2855 or "
          "[::1]:2855");
    wrong(BASE "metrics: [\"127.0.0.1:1\"]\n",
          "f:11: metrics must be one value, not a list or a mapping");
    wrong(BASE "realm: \"a\\nb\"\n", "f:11: realm holds a control character");
    wrong(BASE "realm: \"a\\0b\"\n", "f:11: realm holds a control character");
    wrong(BASE "realm:\n", "f:11: realm has no value");
}

static void unknown_keys_name_the_nearest(void **state)
{
    (void)state;
    wrong(BASE "metrisc: 127.0.0.1:1\n", "f:11: unknown key metrisc; did you mean metrics");
    wrong(BASE "limits:\n  mesage: 1MiB\n",
          "f:12: unknown key limits.mesage; did you mean limits.message");
    wrong(BASE "open_messages: 1\n",
          "f:11: unknown key open_messages; did you mean limits.open_messages");
    wrong(BASE "zzzzzzzzzzzzzzzzzzzz: 1\n",
          "f:11: unknown key zzzzzzzzzzzzzzzzzzzz; see mcrelay check --reference");
    wrong(BASE "name.x: 1\n", "f:11: unknown key name.x; did you mean name");
    wrong("tokens:\n  issuers:\n    - iss: i\n      jwsk: j\n",
          "f:4: unknown key jwsk of an issuer; did you mean jwks");
    wrong(BASE "limits: 5\n", "f:11: limits must be a mapping; write `key: value` lines");
}

#define PEER "peers:\n  - name: b.example\n"

static void peers_are_read(void **state)
{
    struct relay_settings settings;
    char why[RELAY_CONF_WHY];
    const struct relay_peer_conf *peer;

    (void)state;
    if (parse(&settings,
              BASE "peers_ca: ca.pem\npeers:\n  - name: b.example\n"
                   "  - {name: c.example, port: 2900, connect: '[::1]:2901', tls: off,"
                   " domains: [c.example, d.example], messages_per_s: 7, messages_burst: 9}\n"
                   "path: {relaying: off, foreign: allow, methods: forward, content: signed,"
                   " message: 3MiB}\n",
              why) < 0)
        fail_msg("%s", why);
    assert_int_equal(settings.core.peers_n, 2);
    peer = settings.core.peers;
    assert_string_equal(peer->name, "b.example");
    assert_int_equal(peer->port, 2855);
    assert_null(peer->connect);
    assert_true(peer->tls);
    assert_int_equal(peer->domains_n, 0);
    assert_int_equal(peer->messages_per_s, 5000);
    assert_int_equal(peer->messages_burst, 20000);
    peer++;
    assert_string_equal(peer->name, "c.example");
    assert_int_equal(peer->port, 2900);
    assert_string_equal(peer->connect, "[::1]:2901");
    assert_false(peer->tls);
    assert_int_equal(peer->domains_n, 2);
    assert_string_equal(peer->domains[1], "d.example");
    assert_int_equal(peer->messages_per_s, 7);
    assert_int_equal(peer->messages_burst, 9);
    assert_string_equal(settings.peers_ca, "ca.pem");
    assert_true(settings.core.path_off);
    assert_true(settings.core.path_foreign);
    assert_true(settings.core.path_methods);
    assert_true(settings.core.path_signed);
    assert_int_equal(settings.core.path_message_max, 3 << 20);
    relay_conf_done(&settings);

    assert_int_equal(parse(&settings, BASE "peers: []\n", why), 0);
    assert_int_equal(settings.core.peers_n, 0);
    assert_false(settings.core.path_off);
    assert_false(settings.core.path_foreign);
    assert_false(settings.core.path_methods);
    assert_false(settings.core.path_signed);
    assert_int_equal(settings.core.path_message_max, 0);
    relay_conf_done(&settings);
}

static void wrong_peers_are_refused(void **state)
{
    static const char *const barred[] = {"0.0.0.0:2855",
                                         "0.1.2.3:2855",
                                         "169.254.169.254:80",
                                         "224.0.0.1:2855",
                                         "255.255.255.255:2855",
                                         "10.0.0.1:0",
                                         "[::]:2855",
                                         "[fe80::1]:2855",
                                         "[ff02::1]:2855",
                                         "[::ffff:169.254.169.254]:80"};

    (void)state;
    wrong(BASE PEER, "f:11: the peer b.example needs peers_ca, certificate and key; write the "
                     "missing one");
    wrong("name: a.example\nplain: ['127.0.0.1:1']\niops: {enabled: false}\n" TOKENS
          "peers_ca: x\n" PEER,
          "f:8: the peer b.example needs peers_ca, certificate and key; write the missing one");
    wrong(BASE "peers:\n  - port: 1\n", "f:12: a peer needs name; write the missing one");
    wrong(BASE PEER "  - name: b.example\n", "f:13: the peer b.example stands twice; keep one of "
                                             "them");
    for (size_t i = 0; i < 4; i++) {
        static const char *const names[] = {"192.0.2.1", "B.example", "localhost", "b_c.example"};
        char text[2000], expected[300];

        snprintf(text, sizeof text, BASE "peers:\n  - name: %s\n", names[i]);
        snprintf(expected, sizeof expected,
                 "f:12: the peer's name is \"%s\"; write a full host name in lower case, as "
                 "relay-b.iops.example (an IP address goes to connect)",
                 names[i]);
        wrong(text, expected);
    }
    wrong(BASE PEER "    tls: off\n",
          "f:12: the peer b.example has tls: off; write tls: on, or a loopback address as connect");
    wrong(BASE PEER "    tls: off\n    connect: 10.0.0.1:2855\n",
          "f:12: the peer b.example has tls: off; write tls: on, or a loopback address as connect");
    wrong(BASE PEER "    tls: yes\n", "f:13: tls is \"yes\"; write one of off|on");
    wrong(BASE PEER "    conect: 10.0.0.1:2855\n",
          "f:13: unknown key conect of a peer; did you mean connect");
    wrong(BASE PEER "    connect: b.example:2855\n",
          "f:13: connect is \"b.example:2855\"; write ADDRESS:PORT, as 127.0.0.1:2855 or "
          "[::1]:2855");
    wrong(BASE PEER "    port: 0\n", "f:13: port is 0; write a value from 1 to 65535");
    wrong(BASE "peers: b.example\n", "f:11: peers must be a list; write [a, b] or `- a` lines");
    wrong(BASE "path: {relaying: no}\n", "f:11: path.relaying is \"no\"; write one of on|off");
    for (size_t i = 0; i < sizeof barred / sizeof *barred; i++) {
        char text[2000], expected[300];

        snprintf(text, sizeof text, BASE PEER "    connect: \"%s\"\n", barred[i]);
        snprintf(expected, sizeof expected,
                 "f:12: connect of b.example is %s; write the address and port of its listener",
                 barred[i]);
        wrong(text, expected);
    }
}

/* A relay is no peer of itself. */
static void a_peer_is_not_us(void **state)
{
    (void)state;
    wrong("name: b.example\nplain: ['127.0.0.1:1']\niops: {enabled: false}\n" TOKENS PEER,
          "f:7: the peer b.example has our own name; write that of the other relay");
}

static void yaml_tricks_are_refused(void **state)
{
    struct relay_settings settings;
    char why[RELAY_CONF_WHY];

    (void)state;
    wrong(BASE "name: other.example\n", "f:11: name stands already in line 1; keep one of them");
    wrong(BASE "limits:\n  gap: 1B\n  gaps: 2\n  gap: 1B\n",
          "f:14: gap stands already in line 12; keep one of them");
    wrong(BASE "realm: !!binary aGk=\n", "f:11: a tag; write the value without !");
    wrong(BASE "plain: &a [\"127.0.0.1:1\"]\nmetrics: *a\n",
          "f:11: an anchor; write the value without &");
    wrong(BASE "realm: &a b\n", "f:11: an anchor; write the value without &");
    wrong(BASE "plain: *a\n", "f:11: an alias; write the value out, without *");
    wrong(BASE "realm: !!str x\n", "f:11: a tag; write the value without !");
    wrong(BASE "realm: ! x\n", "f:11: a tag; write the value without !");
    wrong(BASE "plain: !!seq [\"127.0.0.1:1\"]\n", "f:11: a tag; write the value without !");
    wrong(BASE "limits: !!map {gaps: 1}\n", "f:11: a tag; write the value without !");
    wrong(BASE "---\nname: x\n", "f:11: a second document; keep one");
    wrong(BASE "...\n---\n", "f:12: a second document; keep one");
    wrong(BASE "realm: [\n", "f:12: while parsing a flow node: did not find expected node content");
    wrong(BASE "? [a]\n: b\n", "f:11: a key must be a plain word");
    wrong("", "f:1: is empty; see mcrelay check --reference");
    wrong("[a, b]\n", "f:1: the configuration must be a mapping; write `key: value` lines");
    assert_int_equal(parse(&settings, BASE "realm: \"open\n", why), RELAY_E_CONF);
    assert_ptr_equal(strstr(why, "f:1"), why);
    assert_int_equal(parse(&settings, BASE "realm: \xff\xfe\n", why), RELAY_E_CONF);
    assert_int_equal(parse(&settings, BASE "\trealm: x\n", why), RELAY_E_CONF);
    assert_ptr_equal(strstr(why, "f:11: "), why);
}

static void settings_must_fit_together(void **state)
{
    (void)state;
    wrong("listen: [\"127.0.0.1:1\"]\n", "f:1: name is missing; write the host name of the relay");
    wrong("\nname: 192.0.2.1\n",
          "f:2: name is \"192.0.2.1\"; write a full host name in lower case, as relay.iops.example "
          "(no IP address: clients take --connect)");
    wrong("name: a.example\n", "f:1: listen is missing; write listen: [\"0.0.0.0:2855\"]");
    wrong("name: a.example\nlisten: [\"127.0.0.1:1\"]\n",
          "f:2: TLS needs certificate and key; write the paths of both PEM files");
    wrong("name: a.example\nplain: [\"10.0.0.1:1\"]\n",
          "f:2: plain listener 10.0.0.1:1 is not on loopback; use listen for TLS, or write "
          "allow_plaintext: true");
    wrong(BASE "metrics: 0.0.0.0:9855\n",
          "f:11: metrics is 0.0.0.0:9855; write a loopback address, as 127.0.0.1:9855");
    wrong("name: a.example\nplain: [\"127.0.0.1:1\"]\n",
          "f:1: tokens.issuers is missing; write who issues the tokens");
    wrong("name: a.example\nplain: [\"127.0.0.1:1\"]\n" TOKENS,
          "f:1: iops.domains is missing; write the domains of the IOPS MCData IDs, or iops: "
          "{enabled: false}");
    wrong("tokens: {issuers: []}\n", "f:1: tokens.issuers has 0 elements; write 1 to 64");
    wrong("tokens:\n  issuers:\n    - iss: i\n",
          "f:3: an issuer needs iss and jwks; write the missing one");
    wrong("tokens:\n  issuers:\n    - {iss: i, jwks: j, audience: a}\n    - {iss: k, jwks: j}\n",
          "f:4: the audience differs from that of the first issuer; write the same, it is our own "
          "name");
    wrong(BASE "csk: {file: a}\n", "f:11: csk needs both file and kek; write the missing one");
    wrong(BASE "keyset: {file: a, kek: b}\n",
          "f:11: mdsi, keyset.file and keyset.kek belong together; write the missing one");
    wrong(BASE "mdsi: sip:relay@iops.example\nkeyset: {file: a}\n",
          "f:11: mdsi, keyset.file and keyset.kek belong together; write the missing one");
    wrong(BASE "keyset: {file: a, kek: b}\nmdsi: relay\n",
          "f:12: mdsi is \"relay\"; write a URI, as sip:relay@iops.example");
    wrong(BASE "kms: {url: \"https://kms.test\", token: t}\n",
          "f:11: kms needs url and token, and mdsi and keyset; write the missing one");
    wrong(BASE "mdsi: sip:relay@iops.example\nkeyset: {file: a, kek: b}\nkms: {ca: c}\n",
          "f:13: kms needs url and token, and mdsi and keyset; write the missing one");
    wrong(BASE "mdsi: sip:relay@iops.example\nkeyset: {file: a, kek: b}\n"
               "kms: {url: \"http://kms.test\", token: t}\n",
          "f:13: kms.url is \"http://kms.test\"; write https://HOST:PORT");
    wrong(BASE "limits: {out_low: 256KiB}\n",
          "f:11: limits.out_low < out_high <= out_hard does not hold");
    wrong(BASE "times: {expires: 30s}\n",
          "f:11: times.expires_min <= expires <= expires_max does not hold");
    wrong(BASE "service: \"http://x/\"\n",
          "f:11: service is \"http://x/\"; write msrps://relay.iops.example:2855/sds;tcp");
}

static void a_file_is_loaded_with_its_name(void **state)
{
    char path[] = "/tmp/relay-conf-XXXXXX", why[RELAY_CONF_WHY], expected[256];
    struct relay_settings settings;
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");

    (void)state;
    fputs(BASE "colour: red\n", file);
    fclose(file);
    assert_int_equal(relay_conf_load(&settings, path, why, sizeof why), RELAY_E_CONF);
    snprintf(expected, sizeof expected, "%s:11: unknown key colour", path);
    assert_ptr_equal(strstr(why, expected), why);
    remove(path);
    assert_int_equal(relay_conf_load(&settings, path, why, sizeof why), RELAY_E_IO);
    assert_non_null(strstr(why, "give the path of a file that exists"));
    assert_int_equal(relay_conf_load(&settings, "/tmp", why, sizeof why), RELAY_E_IO);
    assert_string_equal(why, "/tmp: is not a regular file");
}

/* What the reference prints loads as it is: its required lines are filled with examples. And with
 * every default uncommented it says the same. */
static void the_reference_loads(void **state)
{
    struct relay_settings plain, whole;
    char *text = NULL, *bare, why[RELAY_CONF_WHY];
    const struct relay_schema_row *row;
    size_t n;
    FILE *out = open_memstream(&text, &n);

    (void)state;
    relay_conf_reference(out);
    fclose(out);
    if (parse(&plain, text, why) < 0)
        fail_msg("%s", why);
    for (size_t i = 0; (row = relay_schema_at(i)); i++) {
        const char *dot = strchr(row->key, '.');

        assert_non_null(strstr(text, row->help));
        assert_non_null(strstr(text, dot ? dot + 1 : row->key));
    }
    /* `# key: value` becomes `key: value`, prose stays */
    bare = calloc(1, n + 1);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        char *hash = strstr(line, "# "), *p = hash ? hash + 2 : NULL;
        size_t word = p ? strspn(p, "abcdefghijklmnopqrstuvwxyz_") : 0;

        if (hash && hash == line + strspn(line, " ") && word > 0 && p[word] == ':' &&
            p[word + 1] == ' ' && !strchr(p + word + 2, ','))
            memmove(hash, p, strlen(p) + 1);
        strcat(strcat(bare, line), "\n");
    }
    if (parse(&whole, bare, why) < 0)
        fail_msg("%s\n%s", why, bare);
    assert_int_equal(whole.core.message_max, plain.core.message_max);
    assert_int_equal(whole.core.keepalive_ms, plain.core.keepalive_ms);
    assert_string_equal(whole.groups, "/etc/mcdata-relay/groups");
    relay_conf_done(&plain);
    relay_conf_done(&whole);
    free(bare);
    free(text);
}

/* The sample configuration is the reference, and loads: made anew by
 * `mcrelay check --reference >relay/dist/mcrelayd.yaml`. */
static void the_sample_is_the_reference(void **state)
{
    static char sample[64 * 1024];
    struct relay_settings settings;
    char *text = NULL, why[RELAY_CONF_WHY];
    size_t n, sample_n;
    FILE *out = open_memstream(&text, &n), *in;

    (void)state;
    relay_conf_reference(out);
    fclose(out);
    in = fopen(MC_SOURCE_DIR "/relay/dist/mcrelayd.yaml", "r");
    assert_non_null(in);
    sample_n = fread(sample, 1, sizeof sample, in);
    fclose(in);
    assert_int_equal(sample_n, n);
    assert_memory_equal(sample, text, n);
    if (relay_conf_parse(&settings, "mcrelayd.yaml", sample, sample_n, why, sizeof why) < 0)
        fail_msg("%s", why);
    assert_string_equal(settings.name, "relay.iops.example");
    assert_int_equal(settings.core.port, 2855);
    relay_conf_done(&settings);
    free(text);
}

/* T41: no mutant of a good file does more than be refused. */
static void mutants_are_refused_or_read(void **state)
{
    char text[sizeof BASE], why[RELAY_CONF_WHY];
    struct relay_settings settings;
    size_t refused = 0;

    (void)state;
    for (size_t at = 0; at < sizeof BASE - 1; at++) {
        static const char marks[] = {0, '\n', ':', '[', '{', '"', '&', '*', '\t', (char)0xff};

        for (size_t i = 0; i < sizeof marks; i++) {
            memcpy(text, BASE, sizeof BASE);
            text[at] = marks[i];
            if (relay_conf_parse(&settings, "f", text, sizeof BASE - 1, why, sizeof why) == 0) {
                relay_conf_done(&settings);
                continue;
            }
            refused++;
            assert_ptr_equal(strstr(why, "f:"), why);
            assert_null(strchr(why, '\n'));
        }
    }
    assert_true(refused > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_smallest_file_gives_the_defaults),
        cmocka_unit_test(every_setting_is_read),
        cmocka_unit_test(every_number_keeps_its_range),
        cmocka_unit_test(scalars_are_strict),
        cmocka_unit_test(unknown_keys_name_the_nearest),
        cmocka_unit_test(peers_are_read),
        cmocka_unit_test(wrong_peers_are_refused),
        cmocka_unit_test(a_peer_is_not_us),
        cmocka_unit_test(yaml_tricks_are_refused),
        cmocka_unit_test(settings_must_fit_together),
        cmocka_unit_test(a_file_is_loaded_with_its_name),
        cmocka_unit_test(the_reference_loads),
        cmocka_unit_test(the_sample_is_the_reference),
        cmocka_unit_test(mutants_are_refused_or_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
