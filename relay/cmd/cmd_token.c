/* cmd_token.c - mcrelay token: make a test issuer, issue test tokens, say what a token is worth. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "relay/auth/base64.h"
#include "relay/auth/claims.h"
#include "relay/auth/jws.h"
#include "relay/cmd/cmd.h"
#include "relay/cmd/cmd_token.h"
#include "relay/err.h"

#define TEXT_MAX 8192 /* octets of a header or a payload we make */

static const char usage[] =
    "usage: mcrelay token keygen  --out-key FILE --out-jwks FILE [--kid KID]\n"
    "       mcrelay token issue   --key FILE --kid KID --iss URL --client-id ID [--mcdata-id URI]\n"
    "                             [--aud NAME] [--scope WORDS] [--mcptt-id URI] [--ttl SECONDS]\n"
    "                             [--claim NAME=JSON]...\n"
    "       mcrelay token inspect [FILE] [--jwks FILE --iss URL] [--aud NAME] [--scope WORD]\n"
    "                             [--skew SECONDS] [--now SECONDS] [--domain NAME]...\n"
    "                             [--iops-domain NAME]... [--iops-user URI]... [--revoked URI]...\n"
    "                             [--json]\n";

static const char help[] =
    "\n"
    "keygen   makes a P-256 key pair: the private key as PEM (mode 0600), the public one as a "
    "JWKS\n"
    "         for the relay. Neither file may exist yet.\n"
    "issue    prints an ES256 access token. Without --scope: 3gpp:mc:data_service; without --ttl:\n"
    "         3600. --claim adds a claim whose value is JSON, or replaces one of ours.\n"
    "inspect  prints a token (from FILE, or standard input) and what is wrong with it. With "
    "--jwks\n"
    "         and --iss it is judged as the relay would; --iops-domain and --iops-user switch the\n"
    "         IOPS rule on. Exit 0: well formed, and accepted where judged; 3: refused.\n"
    "\n"
    "example:\n"
    "  mcrelay token keygen --out-key idms.pem --out-jwks idms.json --kid k1\n"
    "  mcrelay token issue --key idms.pem --kid k1 --iss https://idms.iops.example \\\n"
    "      --client-id demo --mcdata-id sip:alice@iops.example >alice.jwt\n"
    "  mcrelay token inspect alice.jwt --jwks idms.json --iss https://idms.iops.example \\\n"
    "      --iops-domain iops.example\n";

int relay_token_complain(int exit_code, const char *format, ...)
{
    va_list args;

    fputs("mcrelay token: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    if (exit_code == RELAY_EXIT_USAGE)
        fputs("try: mcrelay token --help\n", stderr);
    return exit_code;
}

/* --- options ---------------------------------------------------------------------------------- */

enum option_id {
    OPT_HELP = 1,
    OPT_JSON,
    OPT_KEY,
    OPT_KID,
    OPT_ISS,
    OPT_AUD,
    OPT_SCOPE,
    OPT_CLIENT_ID,
    OPT_MCDATA_ID,
    OPT_MCPTT_ID,
    OPT_TTL,
    OPT_NOW,
    OPT_SKEW,
    OPT_CLAIM,
    OPT_OUT_KEY,
    OPT_OUT_JWKS,
    OPT_JWKS,
    OPT_DOMAIN,
    OPT_IOPS_DOMAIN,
    OPT_IOPS_USER,
    OPT_REVOKED,
};

static const struct option long_options[] = {
    {"help", no_argument, NULL, OPT_HELP},
    {"json", no_argument, NULL, OPT_JSON},
    {"key", required_argument, NULL, OPT_KEY},
    {"kid", required_argument, NULL, OPT_KID},
    {"iss", required_argument, NULL, OPT_ISS},
    {"aud", required_argument, NULL, OPT_AUD},
    {"scope", required_argument, NULL, OPT_SCOPE},
    {"client-id", required_argument, NULL, OPT_CLIENT_ID},
    {"mcdata-id", required_argument, NULL, OPT_MCDATA_ID},
    {"mcptt-id", required_argument, NULL, OPT_MCPTT_ID},
    {"ttl", required_argument, NULL, OPT_TTL},
    {"now", required_argument, NULL, OPT_NOW},
    {"skew", required_argument, NULL, OPT_SKEW},
    {"claim", required_argument, NULL, OPT_CLAIM},
    {"out-key", required_argument, NULL, OPT_OUT_KEY},
    {"out-jwks", required_argument, NULL, OPT_OUT_JWKS},
    {"jwks", required_argument, NULL, OPT_JWKS},
    {"domain", required_argument, NULL, OPT_DOMAIN},
    {"iops-domain", required_argument, NULL, OPT_IOPS_DOMAIN},
    {"iops-user", required_argument, NULL, OPT_IOPS_USER},
    {"revoked", required_argument, NULL, OPT_REVOKED},
    {NULL, 0, NULL, 0},
};

static bool add_string(struct relay_token_list *strings, const char *value)
{
    if (strings->n == RELAY_TOKEN_LIST_MAX)
        return false;
    strings->p[strings->n++] = value;
    return true;
}

static bool read_seconds(const char *text, int64_t *out)
{
    char *end;
    long long v;

    errno = 0;
    v = strtoll(text, &end, 10);
    if (errno || end == text || *end)
        return false;
    *out = v;
    return true;
}

static bool take_option(struct relay_token_options *o, int id)
{
    switch (id) {
    case OPT_HELP:
        return o->is_help = true;
    case OPT_JSON:
        return o->is_json = true;
    case OPT_KEY:
        return (o->key = optarg) != NULL;
    case OPT_KID:
        return (o->kid = optarg) != NULL;
    case OPT_ISS:
        return (o->iss = optarg) != NULL;
    case OPT_AUD:
        return (o->aud = optarg) != NULL;
    case OPT_SCOPE:
        return (o->scope = optarg) != NULL;
    case OPT_CLIENT_ID:
        return (o->client_id = optarg) != NULL;
    case OPT_MCDATA_ID:
        return (o->mcdata_id = optarg) != NULL;
    case OPT_MCPTT_ID:
        return (o->mcptt_id = optarg) != NULL;
    case OPT_OUT_KEY:
        return (o->out_key = optarg) != NULL;
    case OPT_OUT_JWKS:
        return (o->out_jwks = optarg) != NULL;
    case OPT_JWKS:
        return (o->jwks = optarg) != NULL;
    case OPT_TTL:
        return read_seconds(optarg, &o->ttl_s);
    case OPT_NOW:
        return read_seconds(optarg, &o->now_s);
    case OPT_SKEW:
        return read_seconds(optarg, &o->skew_s) && o->skew_s >= 0 && o->skew_s <= RELAY_SKEW_MAX_S;
    case OPT_CLAIM:
        return strchr(optarg, '=') && add_string(&o->claims, optarg);
    case OPT_DOMAIN:
        return add_string(&o->domains, optarg);
    case OPT_IOPS_DOMAIN:
        return add_string(&o->iops_domains, optarg);
    case OPT_IOPS_USER:
        return add_string(&o->iops_users, optarg);
    case OPT_REVOKED:
        return add_string(&o->revoked, optarg);
    default:
        return false;
    }
}

/* --- files ------------------------------------------------------------------------------------ */

/* A file that must not exist yet, so that no key is overwritten. */
static FILE *create_file(const char *path, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

    if (!f && fd >= 0)
        close(fd);
    return f;
}

/* --- keygen ----------------------------------------------------------------------------------- */

static bool print_coordinate(EVP_PKEY *key, const char *param, char out[44])
{
    BIGNUM *bn = NULL;
    uint8_t octets[32];
    bool is_good = EVP_PKEY_get_bn_param(key, param, &bn) == 1 &&
                   BN_bn2binpad(bn, octets, sizeof octets) == sizeof octets;

    BN_free(bn);
    if (is_good)
        relay_base64_encode(octets, sizeof octets, out);
    return is_good;
}

static int write_pair(const struct relay_token_options *o, EVP_PKEY *key)
{
    const char *kid = o->kid ? o->kid : "k1";
    char x[44], y[44];
    bool is_good;
    int status;
    FILE *f;

    if (!print_coordinate(key, OSSL_PKEY_PARAM_EC_PUB_X, x) ||
        !print_coordinate(key, OSSL_PKEY_PARAM_EC_PUB_Y, y))
        return relay_token_complain(RELAY_EXIT_FAILED, "the key has no point");
    f = create_file(o->out_key, 0600);
    if (!f)
        return relay_token_complain(RELAY_EXIT_FAILED, "%s: %s", o->out_key, strerror(errno));
    is_good = PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1;
    if (fclose(f) != 0 || !is_good)
        return relay_token_complain(RELAY_EXIT_FAILED, "%s: cannot write", o->out_key);
    f = create_file(o->out_jwks, 0644);
    if (!f) {
        status = relay_token_complain(RELAY_EXIT_FAILED, "%s: %s", o->out_jwks, strerror(errno));
        unlink(o->out_key); /* half a pair only stands in the way of the next try */
        return status;
    }
    fprintf(f,
            "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"ES256\",\"use\":\"sig\","
            "\"kid\":\"%s\",\"x\":\"%s\",\"y\":\"%s\"}]}\n",
            kid, x, y);
    if (fclose(f) != 0)
        return relay_token_complain(RELAY_EXIT_FAILED, "%s: %s", o->out_jwks, strerror(errno));
    return RELAY_EXIT_OK;
}

static int token_keygen(const struct relay_token_options *o)
{
    EVP_PKEY *key;
    int status;

    if (!o->out_key || !o->out_jwks)
        return relay_token_complain(RELAY_EXIT_USAGE, "keygen needs --out-key and --out-jwks");
    if (o->kid && !relay_kid_is_plain(msrp_str_of(o->kid)))
        return relay_token_complain(RELAY_EXIT_USAGE,
                                    "a kid is 1 to 128 characters of [A-Za-z0-9._~-]");
    key = EVP_EC_gen("P-256");
    if (!key)
        return relay_token_complain(RELAY_EXIT_FAILED, "libcrypto made no key");
    status = write_pair(o, key);
    EVP_PKEY_free(key);
    return status;
}

/* --- issue ------------------------------------------------------------------------------------ */

struct text {
    char p[TEXT_MAX];
    size_t n;
    bool is_full;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *format, ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(t->p + t->n, sizeof t->p - t->n, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof t->p - t->n)
        t->is_full = true;
    else
        t->n += (size_t)n;
}

static void add_quoted(struct text *t, const char *s)
{
    add(t, "\"");
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            add(t, "\\%c", *s);
        else if ((unsigned char)*s < 0x20)
            add(t, "\\u%04x", (unsigned)*s);
        else
            add(t, "%c", *s);
    }
    add(t, "\"");
}

static bool is_replaced(const struct relay_token_options *o, const char *name)
{
    size_t n = strlen(name);

    for (size_t i = 0; i < o->claims.n; i++)
        if (strncmp(o->claims.p[i], name, n) == 0 && o->claims.p[i][n] == '=')
            return true;
    return false;
}

/* One claim of ours, unless it has no value or --claim replaces it. */
static void add_claim(struct text *t, const struct relay_token_options *o, const char *name,
                      const char *value)
{
    if (!value || is_replaced(o, name))
        return;
    add(t, "%s\"%s\":", t->n > 1 ? "," : "", name);
    add_quoted(t, value);
}

static void add_time(struct text *t, const struct relay_token_options *o, const char *name,
                     int64_t value)
{
    if (!is_replaced(o, name))
        add(t, "%s\"%s\":%" PRId64, t->n > 1 ? "," : "", name, value);
}

static void print_claims(struct text *t, const struct relay_token_options *o)
{
    int64_t now_s = o->now_s >= 0 ? o->now_s : (int64_t)time(NULL);

    add(t, "{");
    add_claim(t, o, "iss", o->iss);
    add_claim(t, o, "aud", o->aud);
    add_time(t, o, "iat", now_s);
    add_time(t, o, "exp", now_s + o->ttl_s);
    add_claim(t, o, "scope", o->scope ? o->scope : RELAY_SCOPE_DATA);
    add_claim(t, o, "client_id", o->client_id);
    add_claim(t, o, "mcdata_id", o->mcdata_id);
    add_claim(t, o, "mcptt_id", o->mcptt_id);
    for (size_t i = 0; i < o->claims.n; i++) {
        const char *eq = strchr(o->claims.p[i], '=');
        add(t, "%s\"%.*s\":%s", t->n > 1 ? "," : "", (int)(eq - o->claims.p[i]), o->claims.p[i],
            eq + 1);
    }
    add(t, "}");
}

/* rfc7518#3.4: the DER of libcrypto becomes r || s. */
static bool sign_es256(EVP_PKEY *key, const char *input, size_t n, uint8_t raw[64])
{
    uint8_t der[80];
    const uint8_t *p = der;
    size_t der_n = sizeof der;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    ECDSA_SIG *sig = NULL;
    bool is_good = false;

    if (ctx && EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, key, NULL) == 1 &&
        EVP_DigestSign(ctx, der, &der_n, (const uint8_t *)input, n) == 1 &&
        (sig = d2i_ECDSA_SIG(NULL, &p, (long)der_n)))
        is_good = BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, 32) == 32 &&
                  BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + 32, 32) == 32;
    ECDSA_SIG_free(sig);
    EVP_MD_CTX_free(ctx);
    return is_good;
}

static EVP_PKEY *read_key(const char *path)
{
    FILE *f = fopen(path, "re");
    EVP_PKEY *key = f ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;
    char group[32];

    if (f)
        fclose(f);
    if (key && (EVP_PKEY_get_group_name(key, group, sizeof group, NULL) != 1 ||
                strcmp(group, "prime256v1") != 0)) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    return key;
}

static int print_token(const struct relay_token_options *o, EVP_PKEY *key)
{
    static struct text head, payload;
    static char token[2 * RELAY_BASE64_CHARS(TEXT_MAX) + 128];
    struct relay_json *json;
    uint8_t sig[64];
    size_t n;

    add(&head, "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"%s\"}", o->kid);
    print_claims(&payload, o);
    if (payload.is_full)
        return relay_token_complain(RELAY_EXIT_USAGE, "the claims are too long");
    /* broken claims are what some tests want, but never by accident */
    if (relay_json_parse(payload.p, payload.n, TEXT_MAX, &json))
        fputs("mcrelay token: warning: the claims are not valid JSON\n", stderr);
    else
        relay_json_free(json);
    n = relay_base64_encode(head.p, head.n, token);
    token[n++] = '.';
    n += relay_base64_encode(payload.p, payload.n, token + n);
    if (!sign_es256(key, token, n, sig))
        return relay_token_complain(RELAY_EXIT_FAILED, "libcrypto did not sign");
    token[n++] = '.';
    relay_base64_encode(sig, sizeof sig, token + n);
    puts(token);
    OPENSSL_cleanse(token, sizeof token);
    return fflush(stdout) == 0 ? RELAY_EXIT_OK
                               : relay_token_complain(RELAY_EXIT_FAILED, "cannot write");
}

static int token_issue(const struct relay_token_options *o)
{
    EVP_PKEY *key;
    int status;

    if (!o->key || !o->kid || !o->iss || !o->client_id)
        return relay_token_complain(RELAY_EXIT_USAGE,
                                    "issue needs --key, --kid, --iss and --client-id");
    if (!relay_kid_is_plain(msrp_str_of(o->kid)))
        return relay_token_complain(RELAY_EXIT_USAGE,
                                    "a kid is 1 to 128 characters of [A-Za-z0-9._~-]");
    key = read_key(o->key);
    if (!key)
        return relay_token_complain(RELAY_EXIT_FAILED, "%s: no P-256 private key in PEM", o->key);
    status = print_token(o, key);
    EVP_PKEY_free(key);
    return status;
}

int relay_cmd_token(int argc, char **argv)
{
    struct relay_token_options o = {.ttl_s = 3600, .now_s = -1, .skew_s = RELAY_SKEW_S};
    const char *action;
    int id;

    while ((id = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (id == '?')
            return relay_token_complain(RELAY_EXIT_USAGE,
                                        "an option that is not known or lacks its value");
        if (!take_option(&o, id))
            return relay_token_complain(RELAY_EXIT_USAGE, "a value that is not allowed: %s",
                                        optarg);
    }
    if (o.is_help) {
        printf("%s%s", usage, help);
        return RELAY_EXIT_OK;
    }
    action = optind < argc ? argv[optind++] : "";
    if (strcmp(action, "inspect") == 0) {
        o.file = optind < argc ? argv[optind++] : "-";
        return optind == argc ? relay_token_inspect(&o)
                              : relay_token_complain(RELAY_EXIT_USAGE, "one token at a time");
    }
    if (optind < argc)
        return relay_token_complain(RELAY_EXIT_USAGE, "what is %s?", argv[optind]);
    if (strcmp(action, "keygen") == 0)
        return token_keygen(&o);
    if (strcmp(action, "issue") == 0)
        return token_issue(&o);
    fputs(usage, stderr);
    return RELAY_EXIT_USAGE;
}
