/* cmd_key.c - mcrelay key: sealed key files from the command line. */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/rand.h>

#include "relay/cmd/cmd.h"
#include "relay/cmd/kms_files.h"
#include "relay/err.h"
#include "relay/ops/keydir.h"

#define FILES_MAX     64
#define CLOCK_SLACK_S 300 /* a new key is valid a little earlier: clocks differ */

static const char help[] =
    "usage: mcrelay key make-kek --kek KEK\n"
    "       mcrelay key make --role pck|gmk|csk --user URI [--peer URI | --group URI]\n"
    "                        [--ttl SECONDS] --file FILE --kek KEK [--file FILE --kek KEK ...]\n"
    "       mcrelay key list --file FILE --kek KEK [--json]\n"
    "       mcrelay key import --role ROLE --user URI [--peer URI | --group URI] [--id HEX]\n"
    "                        [--ttl SECONDS] --file FILE --kek KEK [...]   (hex on stdin)\n"
    "       mcrelay key export --id HEX --file FILE --kek KEK --to FILE --to-kek KEK\n"
    "       mcrelay key remove --id HEX --file FILE --kek KEK\n"
    "       mcrelay key fetch --help      (key sets from a KMS)\n"
    "       mcrelay key erase --help      (keys wiped from files)\n"
    "       mcrelay key digest --help     (a row for a user with a password)\n"
    "\n"
    "Keys rest in FILE, sealed with AES-256-GCM under the 32 octets in KEK (mode 0600, or a\n"
    "systemd credential). make and import create FILE when it is absent and print the key ID;\n"
    "with several --file/--kek pairs everybody gets the same key. No command prints a key.\n"
    "A CSK goes to its user's file and to the relay's; the relay refuses a file with a PCK or\n"
    "GMK in it.\n"
    "\n"
    "  --role    pck: one user and a peer, gmk: a group, csk: a user and the relay\n"
    "  --user    MCData ID that the key is made for\n"
    "  --ttl     valid for so many seconds from now (default: without end)\n"
    "  --json    for programs\n"
    "\n"
    "example: mcrelay key make-kek --kek alice.kek\n"
    "         mcrelay key make --role pck --user sip:alice@iops.example \\\n"
    "             --peer sip:bob@iops.example --file alice.keys --kek alice.kek \\\n"
    "             --file bob.keys --kek bob.kek\n"
    "\n"
    "exit: 0 done, 1 failed, 2 usage, 3 refused (wrong KEK, mode or role)\n";

/* What the command line said. */
struct words {
    const char *files[FILES_MAX], *keks[FILES_MAX];
    size_t files_n, keks_n;
    const char *user, *peer, *group, *to, *to_kek, *id_text, *ttl_text;
    int role; /* -1: not given */
    uint32_t id;
    uint32_t ttl_s; /* 0: without end */
    bool json;
};

/* A key file opened for a change. */
struct opened {
    const char *path;
    struct dpp_scrub_32 kek;
    struct dpp_store *store;
};

static int fail(const char *path, int err)
{
    enum relay_exit code = RELAY_EXIT_FAILED;

    if (err == RELAY_E_IO)
        return relay_cmd_fail("key", code, "%s: %s", path, strerror(errno));
    if (err == DPP_E_KEYFILE_SUM || err == DPP_E_KEYFILE_MODE || err == DPP_E_ROLE)
        code = RELAY_EXIT_REFUSED;
    return relay_cmd_fail("key", code, "%s: %s%s", path, relay_strerror(err),
                          err == DPP_E_KEYFILE_MODE  ? "; chmod 600 it"
                          : err == DPP_E_KEYFILE_SUM ? ": wrong KEK, or it was changed"
                                                     : "");
}

/* Opens a key file; with `create` an absent one is an empty one. */
static int open_file(struct opened *o, const char *path, const char *kek, bool create)
{
    o->path = path;
    o->store = NULL;
    int rc = relay_keydir_kek(kek, o->kek.p);
    if (rc != 0)
        return fail(kek, rc);
    rc = relay_keydir_read(path, o->kek.p, 1, &o->store);
    if (rc == RELAY_E_IO && errno == ENOENT && create) {
        o->store = dpp_store_new(1);
        rc = o->store ? 0 : RELAY_E_NOMEM;
    }
    return rc == 0 ? RELAY_EXIT_OK : fail(path, rc);
}

static int write_file(const struct opened *o)
{
    int rc = relay_keydir_write(o->path, o->kek.p, o->store);

    return rc == 0 ? RELAY_EXIT_OK : fail(o->path, rc);
}

static void close_file(struct opened *o)
{
    dpp_scrub_32(&o->kek);
    dpp_store_free(o->store);
    o->store = NULL;
}

static int make_kek(const struct words *w)
{
    DPP_SCRUB(kek, 32);

    if (w->keks_n != 1 || w->files_n != 0)
        return relay_cmd_usage("key", "make-kek takes one --kek and no --file");
    if (RAND_priv_bytes(kek.p, sizeof kek.p) != 1)
        return fail(w->keks[0], RELAY_E_RANDOM);
    int rc = relay_keydir_make_kek(w->keks[0], kek.p);
    return rc == 0 ? RELAY_EXIT_OK : fail(w->keks[0], rc);
}

static bool is_uri(const char *text)
{
    size_t scheme =
        strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");
    size_t n = strlen(text);

    if (scheme == 0 || text[scheme] != ':' || text[scheme + 1] == 0 || n > DPP_URI_MAX)
        return false;
    for (size_t i = 0; i < n; i++)
        if (text[i] <= 0x20 || text[i] > 0x7e || strchr("\"<>\\^`{|}", text[i]))
            return false;
    return true;
}

/* Whom the key is for: URIs that fit the role. */
static int check_names(const struct words *w)
{
    if (w->role < 0)
        return relay_cmd_usage("key", "--role is needed: pck, gmk or csk");
    if (w->role != DPP_ROLE_PCK && w->role != DPP_ROLE_GMK && w->role != DPP_ROLE_CSK)
        return relay_cmd_usage("key", "only pck, gmk and csk are kept in key files");
    if (!w->user || !is_uri(w->user))
        return relay_cmd_usage("key", "--user URI is needed, such as sip:alice@iops.example");
    if (w->role == DPP_ROLE_PCK && (!w->peer || !is_uri(w->peer) || w->group))
        return relay_cmd_usage("key", "a pck needs --peer URI, the other user");
    if (w->role == DPP_ROLE_GMK && (!w->group || !is_uri(w->group) || w->peer))
        return relay_cmd_usage("key", "a gmk needs --group URI");
    if (w->role == DPP_ROLE_CSK && (w->group || (w->peer && !is_uri(w->peer))))
        return relay_cmd_usage("key", "a csk has no --group, and its --peer is the relay's URI");
    if (w->files_n == 0)
        return relay_cmd_usage("key", "--file FILE --kek KEK is needed");
    return RELAY_EXIT_OK;
}

static void print_id(const struct words *w, uint32_t id)
{
    if (w->json)
        printf("{\"id\":\"%08x\",\"role\":\"%s\"}\n", id, dpp_role_name((int)(id >> 28)));
    else
        printf("%08x\n", id);
}

/* The given key ID, or a random one that stands in no file yet. */
static int choose_id(const struct words *w, const struct opened *files, uint32_t *id)
{
    bool taken = true;
    uint32_t random;

    if (w->id_text && dpp_role_of_id(w->id) != w->role)
        return relay_cmd_usage("key", "the purpose tag of --id %08x is not that of a %s", w->id,
                               dpp_role_name(w->role));
    *id = w->id;
    while (!w->id_text && taken) {
        if (RAND_bytes((unsigned char *)&random, sizeof random) != 1)
            return fail("random", RELAY_E_RANDOM);
        *id = dpp_role_make_id((enum dpp_role)w->role, random);
        taken = false;
        for (size_t i = 0; i < w->files_n; i++)
            taken = taken || dpp_store_find(files[i].store, *id);
    }
    return RELAY_EXIT_OK;
}

/* Puts one key into every file, then writes them; nothing is written before all have taken it. */
static int add_to_all(const struct words *w, struct opened *files, const uint8_t *octets, size_t n)
{
    int64_t now_s = time(NULL), from_s = now_s - CLOCK_SLACK_S;
    const char *peer = w->group ? w->group : w->peer;
    uint32_t id = 0;
    int code = choose_id(w, files, &id);

    for (size_t i = 0; i < w->files_n && code == RELAY_EXIT_OK; i++) {
        struct dpp_key *key;
        int rc = dpp_key_new(&key, id, octets, n, from_s, w->ttl_s ? now_s + w->ttl_s : 0);
        if (rc == 0 && (rc = dpp_store_add(files[i].store, key, w->user, peer)) != 0)
            dpp_key_free(key);
        if (rc != 0)
            code = fail(files[i].path, rc);
    }
    for (size_t i = 0; i < w->files_n && code == RELAY_EXIT_OK; i++)
        code = write_file(&files[i]);
    if (code == RELAY_EXIT_OK)
        print_id(w, id);
    return code;
}

static int add(const struct words *w, const uint8_t *octets, size_t n)
{
    static struct opened files[FILES_MAX];
    size_t opened = 0;
    int code = check_names(w);

    while (code == RELAY_EXIT_OK && opened < w->files_n) {
        code = open_file(&files[opened], w->files[opened], w->keks[opened], true);
        opened++;
    }
    if (code == RELAY_EXIT_OK)
        code = add_to_all(w, files, octets, n);
    for (size_t i = 0; i < opened; i++)
        close_file(&files[i]);
    return code;
}

static int make(const struct words *w)
{
    DPP_SCRUB(octets, 16);

    if (w->id_text)
        return relay_cmd_usage("key", "make chooses the key ID; --id is for import");
    if (RAND_priv_bytes(octets.p, sizeof octets.p) != 1)
        return fail("random", RELAY_E_RANDOM);
    return add(w, octets.p, sizeof octets.p);
}

static int digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The key comes on stdin and past stdio, whose buffers nobody wipes. */
static int import(const struct words *w)
{
    DPP_SCRUB(text, 1024);
    DPP_SCRUB(octets, 32);
    size_t n = 0, end;
    ssize_t got;

    while (n < sizeof text.p && (got = read(STDIN_FILENO, text.p + n, sizeof text.p - n)) > 0)
        n += (size_t)got;
    end = n;
    while (end > 0 && (text.p[end - 1] == '\n' || text.p[end - 1] == '\r'))
        end--;
    if (end != 32 && end != 64)
        return relay_cmd_usage("key", "import reads 32 or 64 hexadecimal digits from stdin");
    for (size_t i = 0; i < end; i += 2) {
        int high = digit(text.p[i]), low = digit(text.p[i + 1]);
        if (high < 0 || low < 0)
            return relay_cmd_usage("key", "import reads hexadecimal digits from stdin");
        octets.p[i / 2] = (uint8_t)(high << 4 | low);
    }
    return add(w, octets.p, end / 2);
}

static void print_date(int64_t unix_s, const char *none)
{
    char text[32] = "";
    time_t t = (time_t)unix_s;
    struct tm tm;

    if (unix_s == 0 || !gmtime_r(&t, &tm) || strftime(text, sizeof text, "%FT%TZ", &tm) == 0)
        printf("  %-20s", none);
    else
        printf("  %-20s", text);
}

static void print_row(const struct dpp_keyed *row, int64_t now_s)
{
    int state = dpp_key_check(row->key, now_s);

    printf("%08x  %-4s", dpp_key_id(row->key), dpp_role_name((int)dpp_key_role(row->key)));
    print_date(dpp_key_activation_s(row->key), "always");
    print_date(dpp_key_expiry_s(row->key), "never");
    printf("  %-7s  %s%s%s\n",
           state == 0                   ? "valid"
           : state == DPP_E_KEY_EXPIRED ? "expired"
                                        : "early",
           row->owner, row->peer[0] ? " - " : "", row->peer);
}

static void print_row_json(const struct dpp_keyed *row, int64_t now_s)
{
    size_t n;

    (void)dpp_key_octets(row->key, &n);
    printf("{\"id\":\"%08x\",\"role\":\"%s\",\"octets\":%zu,\"owner\":", dpp_key_id(row->key),
           dpp_role_name((int)dpp_key_role(row->key)), n);
    relay_cmd_json(stdout, row->owner);
    fputs(",\"peer\":", stdout);
    relay_cmd_json(stdout, row->peer);
    printf(",\"activation\":%lld,\"expiry\":%lld,\"valid\":%s}",
           (long long)dpp_key_activation_s(row->key), (long long)dpp_key_expiry_s(row->key),
           dpp_key_check(row->key, now_s) == 0 ? "true" : "false");
}

static int list(const struct words *w)
{
    struct opened o;
    int64_t now_s = time(NULL);

    if (w->files_n != 1)
        return relay_cmd_usage("key", "list takes one --file and one --kek");
    int code = open_file(&o, w->files[0], w->keks[0], false);
    if (code == RELAY_EXIT_OK && w->json)
        putchar('[');
    for (size_t i = 0; code == RELAY_EXIT_OK && i < dpp_store_count(o.store); i++) {
        if (!w->json) {
            if (i == 0)
                puts("ID        role  from                  until                 state    for");
            print_row(dpp_store_at(o.store, i), now_s);
            continue;
        }
        if (i > 0)
            putchar(',');
        print_row_json(dpp_store_at(o.store, i), now_s);
    }
    if (code == RELAY_EXIT_OK && w->json)
        puts("]");
    close_file(&o);
    return code;
}

/* One key from one file to another, and so from one KEK to another. */
static int export(const struct words *w)
{
    struct opened from, to = {0};

    if (!w->id_text || w->files_n != 1 || !w->to || !w->to_kek)
        return relay_cmd_usage("key", "export takes --id, --file, --kek, --to and --to-kek");
    int code = open_file(&from, w->files[0], w->keks[0], false);
    if (code == RELAY_EXIT_OK)
        code = open_file(&to, w->to, w->to_kek, true);
    if (code == RELAY_EXIT_OK) {
        const struct dpp_keyed *row = dpp_store_find(from.store, w->id);
        int rc = row ? dpp_store_add_copy(to.store, row) : DPP_E_KEY_ABSENT;
        code = rc == 0 ? write_file(&to) : fail(row ? w->to : w->files[0], rc);
    }
    close_file(&from);
    close_file(&to);
    return code;
}

static int take_out(const struct words *w)
{
    struct opened o;

    if (!w->id_text || w->files_n != 1)
        return relay_cmd_usage("key", "remove takes --id, --file and --kek");
    int code = open_file(&o, w->files[0], w->keks[0], false);
    if (code == RELAY_EXIT_OK) {
        int rc = dpp_store_remove(o.store, w->id);
        code = rc == 0 ? write_file(&o) : fail(o.path, rc);
    }
    close_file(&o);
    return code;
}

/* A whole number in the text, all of it; false when it is none or above max. */
static bool is_number(const char *text, int base, uint64_t max, uint32_t *out)
{
    char *end;

    if (strspn(text, "0123456789abcdefABCDEF") != strlen(text) || *text == 0 || strlen(text) > 10)
        return false;
    uint64_t v = strtoull(text, &end, base);
    *out = (uint32_t)v;
    return *end == 0 && v <= max;
}

static int read_words(struct words *w, int argc, char **argv)
{
    static const struct option options[] = {
        {"role", 1, NULL, 'r'},  {"user", 1, NULL, 'u'},   {"peer", 1, NULL, 'p'},
        {"group", 1, NULL, 'g'}, {"file", 1, NULL, 'f'},   {"kek", 1, NULL, 'k'},
        {"to", 1, NULL, 't'},    {"to-kek", 1, NULL, 'T'}, {"id", 1, NULL, 'i'},
        {"ttl", 1, NULL, 'l'},   {"json", 0, NULL, 'j'},   {NULL, 0, NULL, 0},
    };
    int c;

    optind = 1;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case 'r':
            w->role = dpp_role_parse(optarg);
            if (w->role < 0)
                return relay_cmd_usage("key", "no role \"%s\": pck, gmk or csk", optarg);
            break;
        case 'u':
            w->user = optarg;
            break;
        case 'p':
            w->peer = optarg;
            break;
        case 'g':
            w->group = optarg;
            break;
        case 'f':
        case 'k':
            if ((c == 'f' ? w->files_n : w->keks_n) == FILES_MAX)
                return relay_cmd_usage("key", "at most %d files", FILES_MAX);
            if (c == 'f')
                w->files[w->files_n++] = optarg;
            else
                w->keks[w->keks_n++] = optarg;
            break;
        case 't':
            w->to = optarg;
            break;
        case 'T':
            w->to_kek = optarg;
            break;
        case 'i':
            w->id_text = optarg;
            break;
        case 'l':
            w->ttl_text = optarg;
            break;
        case 'j':
            w->json = true;
            break;
        default:
            return relay_cmd_usage("key", "that is not understood");
        }
    }
    if (optind < argc)
        return relay_cmd_usage("key", "\"%s\" is one word too many", argv[optind]);
    if (w->id_text && !is_number(w->id_text, 16, UINT32_MAX, &w->id))
        return relay_cmd_usage("key", "--id takes 8 hexadecimal digits");
    if (w->ttl_text && (!is_number(w->ttl_text, 10, 3200000000, &w->ttl_s) || w->ttl_s == 0))
        return relay_cmd_usage("key", "--ttl takes seconds");
    if (w->files_n > 0 && w->files_n != w->keks_n)
        return relay_cmd_usage("key", "every --file needs its --kek");
    return RELAY_EXIT_OK;
}

int relay_cmd_key(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(const struct words *w);
    } verbs[] = {
        {"make-kek", make_kek}, {"make", make},     {"list", list},
        {"import", import},     {"export", export}, {"remove", take_out},
    };
    struct words w = {.role = -1};

    if (argc > 1 && strcmp(argv[1], "fetch") == 0)
        return relay_key_fetch(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "erase") == 0)
        return relay_key_erase(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "digest") == 0)
        return relay_key_digest(argc - 1, argv + 1);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            fputs(help, stdout);
            return RELAY_EXIT_OK;
        }
    }
    if (argc < 2)
        return relay_cmd_usage("key",
                               "say what to do: make-kek, make, list, import, export, remove");
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(argv[1], verbs[i].name) != 0)
            continue;
        int code = read_words(&w, argc - 1, argv + 1);
        if (code != RELAY_EXIT_OK)
            return code;
        int rc = dpp_keys_init(0);
        if (rc == DPP_E_HEAP_UNLOCKED)
            (void)relay_cmd_fail("key", RELAY_EXIT_OK, "warning: %s", relay_strerror(rc));
        else if (rc != 0)
            return fail("keys", rc);
        return verbs[i].run(&w);
    }
    return relay_cmd_usage("key", "\"%s\" is no key command", argv[1]);
}
