/* cmd_mikey.c - mcrelay mikey: I_MESSAGEs opened and made by hand. */
#include "relay/cmd/cmd_mikey.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "relay/cmd/input.h"
#include "relay/cmd/quote.h"
#include "relay/err.h"
#include "relay/ops/file.h"

#define HEAP_OCTETS ((size_t)256 * 1024) /* of secure heap beside the key sets */
#define ALL_ROLES   (1u << DPP_ROLE_PCK | 1u << DPP_ROLE_GMK | 1u << DPP_ROLE_CSK)
#define MESSAGE_MAX (3 * DPP_MIKEY_MAX) /* as text, with white space */

static const char help[] =
    "usage: mcrelay mikey open --kms CERT.xml --keys KEYSET.xml [--from URI] [--own]\n"
    "                     [--any-time] [--tolerate WHAT,...] [--show-key] [--json] < MESSAGE\n"
    "       mcrelay mikey make --kms CERT.xml --keys KEYSET.xml --to URI --type pck|gmk|csk\n"
    "                     [--group URI ...] [--ttl SECONDS] [--uris] [--to-self] [--text]\n"
    "\n"
    "open checks a MIKEY-SAKKE I_MESSAGE and prints what it carries. MESSAGE is its octets or\n"
    "\"mikey BASE64\". make writes one: the key is read from stdin in hexadecimal, or drawn.\n"
    "\n"
    "  --kms       KMS certificates: a KmsResponse, KmsInit, KmsCertCache or KmsCertificate\n"
    "  --keys      own key sets: a KmsResponse, KmsKeyProv or KmsKeySet; says who opens or makes\n"
    "  --from      the initiator must be this user (a message may hide who it is from)\n"
    "  --own       the message is one's own: open its SAKKE-to-self extension\n"
    "  --any-time  for analysis: no check of clocks, key periods and dates\n"
    "  --tolerate  known deviations, each refused otherwise: sign-short (the signature leaves out\n"
    "              the SIGN header), status-zero (status 0 for a live key), clear (key parameters\n"
    "              not protected), stripped (g^r hashed without leading zeros), no-parameters\n"
    "  --show-key  print the key too\n"
    "  --json      one object for programs: IDs in hexadecimal, time in unix seconds\n"
    "  --group     of a GMK; may stand several times\n"
    "  --ttl       the key expires after so many seconds (default: never)\n"
    "  --uris      name initiator and responder in clear, instead of their hashed UIDs\n"
    "  --to-self   also to the initiator's own other devices\n"
    "  --text      write \"mikey BASE64\"\n"
    "\n"
    "example: mcrelay mikey make --kms kms.xml --keys alice.xml --to sip:bob@iops.example \\\n"
    "             --type pck --text </dev/null | mcrelay mikey open --kms kms.xml --keys bob.xml\n"
    "\n"
    "exit: 0 every check passed, 1 a file cannot be read, 2 usage, 3 a check refused\n";

static const struct {
    const char *name;
    enum dpp_mikey_tolerance bit;
} tolerances[] = {
    {"sign-short", DPP_MIKEY_SIGN_SHORT},
    {"status-zero", DPP_MIKEY_STATUS_ZERO},
    {"clear", DPP_MIKEY_CLEAR},
    {"stripped", DPP_MIKEY_STRIPPED},
    {"no-parameters", DPP_MIKEY_NO_PARAMETERS},
};

int relay_mikey_fail(const char *what, int err)
{
    bool is_ours = err == DPP_E_NOMEM || err == DPP_E_CRYPTO || err == DPP_E_SECURE_HEAP ||
                   err == RELAY_E_NOMEM || err == RELAY_E_RANDOM || err == RELAY_E_IO;

    return relay_cmd_fail("mikey", is_ours ? RELAY_EXIT_FAILED : RELAY_EXIT_REFUSED, "%s: %s", what,
                          relay_strerror(err));
}

/* --- files --- */

/* Reads one KMS document. The file's mode is its owner's affair: it is no key file of ours. */
static int read_text(const char *path, char **text, size_t *n)
{
    char why[512];

    return relay_file_read(path, DPP_KMS_XML_MAX, false, text, n, why, sizeof why) == 0
               ? RELAY_EXIT_OK
               : relay_cmd_fail("mikey", RELAY_EXIT_FAILED, "%s", why);
}

static int parse(const char *path, const char *text, size_t n, struct dpp_kms_doc **doc)
{
    const char *field;
    int rc = dpp_kms_parse_at(doc, text, n, &field);

    return rc == 0 ? RELAY_EXIT_OK
                   : relay_cmd_fail("mikey", RELAY_EXIT_FAILED, "%s: %s%s%s", path,
                                    relay_strerror(rc), *field ? ": " : "", field);
}

/* Room for so many sets made ready, and for one certificate under its checks. */
static int init_heap(const char *text)
{
    size_t n = 1;

    for (const char *p = text; (p = strstr(p, "UserDecryptKey")); p++)
        n++; /* start and end tag: twice as many at most */
    int rc = dpp_keys_init(HEAP_OCTETS + n * DPP_RING_SET_OCTETS);
    if (rc == DPP_E_HEAP_UNLOCKED)
        (void)relay_cmd_fail("mikey", RELAY_EXIT_OK, "warning: %s", relay_strerror(rc));
    else if (rc != 0)
        return relay_mikey_fail("keys", rc);
    return RELAY_EXIT_OK;
}

/* Of the first document only the certificates count: it may be anybody's. */
static int fill(struct dpp_ring *ring, const struct relay_mikey_words *w, struct dpp_kms_doc *certs,
                const struct dpp_kms_doc *sets, int64_t now_s)
{
    struct dpp_kms_doc only = *certs;

    only.sets_n = 0;
    int rc = dpp_ring_add(ring, &only, now_s);
    if (rc != 0)
        return relay_mikey_fail(w->kms, rc);
    rc = dpp_ring_add(ring, sets, now_s);
    return rc == 0 ? RELAY_EXIT_OK : relay_mikey_fail(w->keys, rc);
}

int relay_mikey_ring(struct dpp_ring **ring, const struct relay_mikey_words *w, int64_t now_s)
{
    struct dpp_kms_doc *certs = NULL, *sets = NULL;
    char *kms = NULL, *keys = NULL;
    size_t kms_n = 0, keys_n = 0;
    int code = read_text(w->kms, &kms, &kms_n);

    if (code == RELAY_EXIT_OK)
        code = read_text(w->keys, &keys, &keys_n);
    if (code == RELAY_EXIT_OK)
        code = init_heap(keys);
    if (code == RELAY_EXIT_OK)
        code = parse(w->kms, kms, kms_n, &certs);
    if (code == RELAY_EXIT_OK)
        code = parse(w->keys, keys, keys_n, &sets);
    if (code == RELAY_EXIT_OK && sets->kind != DPP_KMS_ERROR && sets->sets_n == 0)
        code = relay_cmd_fail("mikey", RELAY_EXIT_FAILED, "%s: no key set in it", w->keys);
    if (code == RELAY_EXIT_OK) {
        int rc = dpp_ring_new(ring, sets->sets_n > 0 ? sets->sets[0].user_uri : "");
        code = rc == 0 ? fill(*ring, w, certs, sets, now_s) : relay_mikey_fail("ring", rc);
    }
    dpp_kms_free(certs);
    dpp_kms_free(sets);
    relay_file_free(kms, kms_n);
    relay_file_free(keys, keys_n);
    return code;
}

/* --- open --- */

static void hex(char *out, const uint8_t *p, size_t n)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[p[i] >> 4];
        out[2 * i + 1] = digits[p[i] & 15];
    }
    out[2 * n] = 0;
}

/* The URI where it is known, else the UID. */
static const char *name_of(const char *uri, const uint8_t uid[32], char room[65])
{
    if (uri[0])
        return uri;
    hex(room, uid, 32);
    return room;
}

static void print_time(const char *name, int64_t unix_s, const char *none)
{
    char text[32] = "";
    time_t t = (time_t)unix_s;
    struct tm tm;

    if (unix_s != 0 && gmtime_r(&t, &tm) && strftime(text, sizeof text, "%FT%TZ", &tm) > 0)
        none = text;
    printf("%-11s %s\n", name, none);
}

static void print_quoted(const char *name, const char *text)
{
    printf("%-11s ", name);
    relay_quote_text(stdout, text, strlen(text));
    putchar('\n');
}

static void print_text(const struct dpp_mikey_got *got, const char *initiator,
                       const char *responder)
{
    printf("%-11s %s\n%-11s %08x\n%-11s %08x\n", "type:", dpp_role_name((int)got->role),
           "key ID:", got->key_id, "CSB-ID:", got->csb_id);
    print_quoted("initiator:", initiator);
    print_quoted("responder:", responder);
    print_time("time:", got->time_s, "1970-01-01T00:00:00Z");
    printf("%-11s %08x%s%s\n", "status:", got->status, got->is_revoked ? ", revoked" : ", valid",
           got->status & 2 ? ", shared with a security gateway" : "");
    print_time("activation:", got->activation_s, "at once");
    print_time("expiry:", got->expiry_s, "never");
    for (size_t i = 0; i < got->groups_n; i++)
        print_quoted("group:", got->groups[i]);
}

static void print_json(const struct dpp_mikey_got *got, const char *initiator,
                       const char *responder)
{
    printf("{\"type\":\"%s\",\"key_id\":\"%08x\",\"csb_id\":\"%08x\"",
           dpp_role_name((int)got->role), got->key_id, got->csb_id);
    relay_quote_member(stdout, "initiator", initiator);
    relay_quote_member(stdout, "responder", responder);
    printf(",\"time\":%" PRId64 ",\"status\":%" PRIu32 ",\"groups\":[", got->time_s, got->status);
    for (size_t i = 0; i < got->groups_n; i++) {
        if (i > 0)
            putchar(',');
        relay_cmd_json(stdout, got->groups[i]);
    }
    putchar(']');
}

/* A key that is shown passes through a buffer of ours, which is wiped. */
static int print(const struct relay_mikey_words *w, const struct dpp_mikey_got *got)
{
    static char buffer[65536];
    char uids[2][65], key[65] = "";
    const char *initiator = name_of(got->initiator, got->initiator_uid, uids[0]);
    const char *responder = name_of(got->responder, got->responder_uid, uids[1]);
    size_t n;

    setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    if (got->key && w->show_key) {
        const uint8_t *octets = dpp_key_octets(got->key, &n);
        hex(key, octets, n);
    }
    if (w->json)
        print_json(got, initiator, responder);
    else
        print_text(got, initiator, responder);
    if (key[0])
        printf(w->json ? ",\"key\":\"%s\"" : "key:        %s\n", key);
    if (w->json)
        puts("}");
    bool failed = fflush(stdout) != 0 || ferror(stdout);
    OPENSSL_cleanse(buffer, sizeof buffer);
    OPENSSL_cleanse(key, sizeof key);
    if (failed)
        return relay_cmd_fail("mikey", RELAY_EXIT_FAILED, "output: %s", strerror(errno));
    return got->is_revoked ? relay_mikey_fail("message", DPP_E_MIKEY_REVOKED) : RELAY_EXIT_OK;
}

static int open_message(const struct relay_mikey_words *w)
{
    static struct dpp_mikey_got got;
    uint8_t octets[DPP_MIKEY_MAX];
    struct dpp_mikey_want want = {.now_s = w->any_time ? 0 : time(NULL),
                                  .any_time = w->any_time,
                                  .roles = ALL_ROLES,
                                  .initiator = w->from,
                                  .tolerance = w->tolerance};
    struct dpp_ring *ring = NULL;
    char *text = NULL;
    size_t n;
    int code = relay_mikey_ring(&ring, w, want.now_s);

    if (code != RELAY_EXIT_OK)
        goto out;
    int rc = relay_input_read("-", MESSAGE_MAX, &text, &n);
    if (rc != 0) {
        code = relay_cmd_fail("mikey", RELAY_EXIT_FAILED, "standard input: %s",
                              rc == RELAY_E_IO ? strerror(errno) : relay_strerror(rc));
        goto out;
    }
    ssize_t octets_n = dpp_mikey_text(text, n, octets, sizeof octets);
    rc = octets_n == DPP_E_SPACE ? DPP_E_LONG : octets_n < 0 ? (int)octets_n : 0;
    if (rc == 0)
        rc = w->own ? dpp_mikey_open_own(ring, octets, (size_t)octets_n, &want, &got)
                    : dpp_mikey_open(ring, octets, (size_t)octets_n, &want, &got);
    code = rc == 0 ? print(w, &got) : relay_mikey_fail("message", rc);
    dpp_key_free(got.key);
out:
    free(text);
    dpp_ring_free(ring);
    return code;
}

/* --- the command line --- */

static int read_tolerance(struct relay_mikey_words *w, const char *list)
{
    while (*list) {
        size_t n = strcspn(list, ","), i = 0;
        while (i < sizeof tolerances / sizeof tolerances[0] &&
               (strlen(tolerances[i].name) != n || memcmp(tolerances[i].name, list, n) != 0))
            i++;
        if (i == sizeof tolerances / sizeof tolerances[0])
            return relay_cmd_usage("mikey", "nothing to tolerate is called \"%.*s\"", (int)n, list);
        w->tolerance |= (unsigned)tolerances[i].bit;
        list += n + (list[n] == ',');
    }
    return RELAY_EXIT_OK;
}

static int read_value(struct relay_mikey_words *w, int c, const char *value)
{
    switch (c) {
    case 'k':
        w->kms = value;
        break;
    case 's':
        w->keys = value;
        break;
    case 'f':
        w->from = value;
        break;
    case 't':
        w->to = value;
        break;
    case 'T':
        w->role = dpp_role_parse(value);
        if (w->role != DPP_ROLE_PCK && w->role != DPP_ROLE_GMK && w->role != DPP_ROLE_CSK)
            return relay_cmd_usage("mikey", "no type \"%s\": pck, gmk or csk", value);
        break;
    case 'g':
        if (w->groups_n == DPP_MIKEY_GROUPS_MAX)
            return relay_cmd_usage("mikey", "at most %d groups", DPP_MIKEY_GROUPS_MAX);
        w->groups[w->groups_n++] = value;
        break;
    case 'l':
        if (relay_input_number(value, 3200000000, &w->ttl_s) != 0)
            return relay_cmd_usage("mikey", "--ttl takes seconds");
        break;
    default:
        return read_tolerance(w, value);
    }
    return RELAY_EXIT_OK;
}

/* Options that belong to the other verb are not understood. */
static int read_words(struct relay_mikey_words *w, bool is_open, int argc, char **argv)
{
    int any_time = 0, show_key = 0, json = 0, own = 0, uris = 0, to_self = 0, text = 0;
    const struct option for_open[] = {
        {"kms", 1, NULL, 'k'},      {"keys", 1, NULL, 's'},        {"from", 1, NULL, 'f'},
        {"tolerate", 1, NULL, 'x'}, {"any-time", 0, &any_time, 1}, {"json", 0, &json, 1},
        {"own", 0, &own, 1},        {"show-key", 0, &show_key, 1}, {NULL, 0, NULL, 0},
    };
    const struct option for_make[] = {
        {"kms", 1, NULL, 'k'},  {"keys", 1, NULL, 's'},  {"to", 1, NULL, 't'},
        {"type", 1, NULL, 'T'}, {"group", 1, NULL, 'g'}, {"ttl", 1, NULL, 'l'},
        {"uris", 0, &uris, 1},  {"text", 0, &text, 1},   {"to-self", 0, &to_self, 1},
        {NULL, 0, NULL, 0},
    };
    int c;

    optind = 1;
    while ((c = getopt_long(argc, argv, "", is_open ? for_open : for_make, NULL)) != -1) {
        int code = c == '?' ? relay_cmd_usage("mikey", "that is not understood")
                   : c == 0 ? RELAY_EXIT_OK
                            : read_value(w, c, optarg);
        if (code != RELAY_EXIT_OK)
            return code;
    }
    if (optind < argc)
        return relay_cmd_usage("mikey", "\"%s\" is one word too many", argv[optind]);
    if (!w->kms || !w->keys)
        return relay_cmd_usage("mikey", "--kms and --keys are needed");
    w->any_time = any_time;
    w->show_key = show_key;
    w->json = json;
    w->own = own;
    w->uris = uris;
    w->to_self = to_self;
    w->text = text;
    return RELAY_EXIT_OK;
}

int relay_cmd_mikey(int argc, char **argv)
{
    struct relay_mikey_words w = {.role = -1};

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            fputs(help, stdout);
            return RELAY_EXIT_OK;
        }
    }
    bool is_open = argc > 1 && strcmp(argv[1], "open") == 0;
    if (argc < 2 || (!is_open && strcmp(argv[1], "make") != 0))
        return relay_cmd_usage("mikey", "say what to do: open or make");
    int code = read_words(&w, is_open, argc - 1, argv + 1);
    if (code != RELAY_EXIT_OK)
        return code;
    return is_open ? open_message(&w) : relay_mikey_make(&w);
}
