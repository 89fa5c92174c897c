/* cmd_kms.c - mcrelay kms: the embedded KMS of an isolated site. */
#include <errno.h>
#include <getopt.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "dpp/keys/key.h"
#include "dpp/keys/ring.h"
#include "relay/auth/iops.h"
#include "relay/cmd/cmd.h"
#include "relay/cmd/input.h"
#include "relay/cmd/kms_files.h"
#include "relay/ops/keydir.h"

#define CLOCK_SLACK_S 300 /* a new certificate is valid a little earlier: clocks differ */
#define YEAR_S        31557600

static const char help[] =
    "usage: mcrelay kms init --dir DIR --uri KMSURI [--period SECONDS] [--offset SECONDS]\n"
    "                        [--valid SECONDS] [--domain NAME]... [--kek KEK]\n"
    "       mcrelay kms issue --dir DIR URI [--out FILE [--seal-kek KEK]] [--kek KEK]\n"
    "       mcrelay kms serve --dir DIR --listen ADDR:PORT --certificate PEM --key PEM\n"
    "                        --issuer ISS --jwks FILE [--audience NAME] [--kek KEK]\n"
    "\n"
    "init   makes a security domain: CERT.xml for everybody, and the master secrets, sealed in\n"
    "       DIR/domain.sealed. Who has them can read everything and sign as anybody.\n"
    "issue  makes the key sets of one user, of this key period and the next: XML on stdout or in\n"
    "       FILE (mode 0600), and with --seal-kek sealed, certificate included, as for --keyset.\n"
    "serve  gives users their own key sets over HTTPS, each with an access token of scope\n"
    "       3gpp:mc:data_key_management_service, until SIGTERM or SIGINT. A line on stderr tells\n"
    "       of every request.\n"
    "\n"
    "  --uri       the KMS URI, such as kms.iops.example; part of every user's identity\n"
    "  --period    seconds of a key period (default 2592000)\n"
    "  --valid     seconds for which the certificate is valid (default ten years)\n"
    "  --domain    a domain whose users this KMS serves (default: any)\n"
    "  --kek       32 octets that seal the master secrets (default DIR/domain.kek)\n"
    "\n"
    "example: mcrelay kms init --dir kms --uri kms.iops.example\n"
    "         mcrelay kms serve --dir kms --listen 127.0.0.1:8443 --certificate kms.pem \\\n"
    "             --key kms.key --issuer https://idms.iops.example --jwks idms.json\n"
    "\n"
    "exit: 0 done, 1 failed, 2 usage, 3 refused (wrong KEK or mode)\n";

/* What the command line said. */
struct words {
    const char *dir, *uri, *kek, *out, *seal_kek;
    uint64_t period_s, offset_s, valid_s;
    struct dpp_kms_cert plan;
};

/* --- init ------------------------------------------------------------------------------------- */

/* The KEK that was named, else that of the folder, made when it is not there. */
static int need_kek(const char *path, bool may_make)
{
    DPP_SCRUB(kek, 32);

    if (!may_make || access(path, F_OK) == 0)
        return RELAY_EXIT_OK;
    if (RAND_priv_bytes(kek.p, sizeof kek.p) != 1)
        return relay_kms_fail("kms", path, RELAY_E_RANDOM);
    int rc = relay_keydir_make_kek(path, kek.p);
    return rc == 0 ? RELAY_EXIT_OK : relay_kms_fail("kms", path, rc);
}

static int make_domain(const struct dpp_kms_cert *plan, struct relay_domain **domain)
{
    DPP_SCRUB(random, 1024);
    int rc = DPP_E_RETRY;

    while (rc == DPP_E_RETRY)
        rc = RAND_priv_bytes(random.p, RELAY_DOMAIN_RANDOM) == 1
                 ? relay_domain_new(domain, plan, random.p)
                 : RELAY_E_RANDOM;
    return rc;
}

static int init(struct words *w)
{
    struct relay_domain *domain = NULL;
    char *sealed = relay_kms_path(w->dir, "domain.sealed");
    char *own = relay_kms_path(w->dir, "domain.kek");
    const char *kek = w->kek ? w->kek : own;
    int code = RELAY_EXIT_OK;

    if (!w->uri || strlen(w->uri) > DPP_URI_MAX)
        code = relay_cmd_usage("kms", "--uri KMSURI is needed, such as kms.iops.example");
    else if (!sealed || !own)
        code = relay_kms_fail("kms", w->dir, RELAY_E_NOMEM);
    else if (mkdir(w->dir, 0700) != 0 && errno != EEXIST)
        code = relay_kms_fail("kms", w->dir, RELAY_E_IO);
    else if (access(sealed, F_OK) == 0)
        code = relay_cmd_fail("kms", RELAY_EXIT_REFUSED,
                              "%s: there is a domain already; its users would lose their keys",
                              sealed);
    if (code == RELAY_EXIT_OK)
        code = need_kek(kek, !w->kek);
    if (code == RELAY_EXIT_OK) {
        int64_t now_s = time(NULL);
        snprintf(w->plan.kms_uri, sizeof w->plan.kms_uri, "%s", w->uri);
        w->plan.period_s = w->period_s;
        w->plan.offset_s = w->offset_s;
        w->plan.from_s = now_s - CLOCK_SLACK_S;
        w->plan.to_s = now_s + (int64_t)w->valid_s;
        int rc = make_domain(&w->plan, &domain);
        code = rc == 0 ? relay_kms_save(w->dir, kek, domain) : relay_kms_fail("kms", w->dir, rc);
    }
    if (code == RELAY_EXIT_OK)
        printf("%s/CERT.xml\n", w->dir);
    relay_domain_free(domain);
    free(sealed);
    free(own);
    return code;
}

/* --- issue ------------------------------------------------------------------------------------ */

static int issue_into(const struct relay_domain *domain, const char *user, struct dpp_kms_doc *doc)
{
    DPP_SCRUB(v, 32);
    uint64_t no = dpp_ring_period(relay_domain_cert(domain), time(NULL));

    for (uint64_t i = 0; i < 2; i++) {
        if (RAND_priv_bytes(v.p, sizeof v.p) != 1)
            return RELAY_E_RANDOM;
        int rc = relay_domain_issue(domain, user, no + i, v.p, doc);
        if (rc != 0) /* DPP_E_RETRY has a chance of 2^-32: start again by hand */
            return rc;
    }
    return 0;
}

static int put(const struct words *w, const struct relay_domain *domain, const char *xml, size_t n)
{
    char cert[RELAY_DOMAIN_XML_MAX];
    struct dpp_span texts[2];
    DPP_SCRUB(kek, 32);

    if (!w->out)
        return fwrite(xml, 1, n, stdout) == n && fflush(stdout) == 0 ? 0 : RELAY_E_IO;
    if (!w->seal_kek)
        return relay_keydir_replace(w->out, xml, n);
    int rc = relay_keydir_kek(w->seal_kek, kek.p);
    if (rc == 0)
        rc = relay_domain_texts(domain, cert, texts);
    if (rc == 0)
        rc = relay_keydir_write_set(w->out, kek.p,
                                    (const char *const[]){(const char *)texts[0].p, xml},
                                    (const size_t[]){texts[0].n, n}, 2);
    return rc;
}

static int issue(struct words *w)
{
    struct relay_domain *domain = NULL;
    struct dpp_kms_doc *doc = NULL;
    char user[RELAY_MCDATA_ID_MAX + 1];

    if (!w->uri ||
        relay_mcdata_id_parse((struct msrp_str){.p = w->uri, .n = strlen(w->uri)}, user) != 0)
        return relay_cmd_usage("kms", "issue takes a user, such as sip:alice@iops.example");
    if (w->seal_kek && !w->out)
        return relay_cmd_usage("kms", "--seal-kek goes with --out");
    /* stdio's buffer would keep the keys */
    setvbuf(stdout, NULL, _IONBF, 0);
    int code = relay_kms_load(w->dir, w->kek, &domain);
    if (code != RELAY_EXIT_OK)
        return code;
    int rc = dpp_kms_new(&doc, DPP_KMS_KEYPROV);
    if (rc == 0)
        rc = issue_into(domain, user, doc);
    size_t cap = rc == 0 ? dpp_kms_print_max(doc) : 0;
    char *xml = rc == 0 ? malloc(cap) : NULL;
    if (rc == 0) {
        ssize_t n = xml ? dpp_kms_print(doc, xml, cap) : RELAY_E_NOMEM;
        rc = n < 0 ? (int)n : put(w, domain, xml, (size_t)n);
    }
    if (xml)
        OPENSSL_cleanse(xml, cap);
    free(xml);
    dpp_kms_free(doc);
    relay_domain_free(domain);
    return rc == 0 ? RELAY_EXIT_OK : relay_kms_fail("kms", w->out ? w->out : w->uri, rc);
}

/* --- words ------------------------------------------------------------------------------------ */

static int add_domain(struct words *w, const char *name)
{
    struct dpp_kms_cert *plan = &w->plan;

    if (plan->domains_n == DPP_KMS_DOMAINS_MAX || strlen(name) > DPP_URI_MAX)
        return relay_cmd_usage("kms", "at most %d domains", DPP_KMS_DOMAINS_MAX);
    snprintf(plan->domains[plan->domains_n++], sizeof plan->domains[0], "%s", name);
    return RELAY_EXIT_OK;
}

static int read_words(struct words *w, int argc, char **argv)
{
    static const struct option options[] = {
        {"dir", 1, NULL, 'd'},    {"uri", 1, NULL, 'u'},   {"period", 1, NULL, 'p'},
        {"offset", 1, NULL, 'o'}, {"valid", 1, NULL, 'v'}, {"domain", 1, NULL, 'D'},
        {"kek", 1, NULL, 'k'},    {"out", 1, NULL, 'O'},   {"seal-kek", 1, NULL, 'S'},
        {NULL, 0, NULL, 0},
    };
    int c, code = RELAY_EXIT_OK;

    optind = 1;
    while (code == RELAY_EXIT_OK && (c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        uint64_t *number = c == 'p'   ? &w->period_s
                           : c == 'o' ? &w->offset_s
                           : c == 'v' ? &w->valid_s
                                      : NULL;
        const char **text = c == 'd'   ? &w->dir
                            : c == 'u' ? &w->uri
                            : c == 'k' ? &w->kek
                            : c == 'O' ? &w->out
                            : c == 'S' ? &w->seal_kek
                                       : NULL;
        if (number && strcmp(optarg, "0") == 0 && c == 'o')
            *number = 0;
        else if (number && relay_input_number(optarg, INT32_MAX, number) != 0)
            code = relay_cmd_usage("kms", "\"%s\" is no number of seconds", optarg);
        else if (text)
            *text = optarg;
        else if (c == 'D')
            code = add_domain(w, optarg);
        else if (!number)
            code = relay_cmd_usage("kms", "that is not understood");
    }
    if (code == RELAY_EXIT_OK && optind < argc && !w->uri)
        w->uri = argv[optind++];
    if (code == RELAY_EXIT_OK && optind < argc)
        code = relay_cmd_usage("kms", "\"%s\" is one word too many", argv[optind]);
    if (code == RELAY_EXIT_OK && !w->dir)
        code = relay_cmd_usage("kms", "--dir DIR is needed");
    return code;
}

int relay_cmd_kms(int argc, char **argv)
{
    static struct words w = {.period_s = 2592000, .valid_s = 10 * (uint64_t)YEAR_S};

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            fputs(help, stdout);
            return RELAY_EXIT_OK;
        }
    }
    if (argc < 2)
        return relay_cmd_usage("kms", "say what to do: init, issue, serve");
    int rc = dpp_keys_init(0);
    if (rc == DPP_E_HEAP_UNLOCKED)
        (void)relay_cmd_fail("kms", RELAY_EXIT_OK, "warning: %s", relay_strerror(rc));
    else if (rc != 0)
        return relay_kms_fail("kms", "keys", rc);
    if (strcmp(argv[1], "serve") == 0)
        return relay_kms_serve(argc - 1, argv + 1);
    bool is_init = strcmp(argv[1], "init") == 0;
    if (!is_init && strcmp(argv[1], "issue") != 0)
        return relay_cmd_usage("kms", "\"%s\" is no kms command", argv[1]);
    int code = read_words(&w, argc - 1, argv + 1);
    if (code != RELAY_EXIT_OK)
        return code;
    return is_init ? init(&w) : issue(&w);
}
