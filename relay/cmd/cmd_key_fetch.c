/* cmd_key_fetch.c - mcrelay key fetch: a user's key sets from his KMS, checked and sealed. */
#include <getopt.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dpp/keys/key.h"
#include "relay/cmd/cmd.h"
#include "relay/cmd/input.h"
#include "relay/cmd/kms_files.h"
#include "relay/loop/fetch.h"
#include "relay/ops/file.h"
#include "relay/ops/keydir.h"

#define TOKEN_MAX    16384
#define SETS_AT_ONCE 8 /* key sets of one answer that are made ready */

static const char help[] =
    "usage: mcrelay key fetch --kms https://HOST:PORT [--connect ADDR:PORT] --ca CA.pem\n"
    "                         --token FILE --user URI [--kms-uri URI]\n"
    "                         --keyset FILE --kek KEK [--json]\n"
    "       mcrelay key fetch --kms-file CERT.xml --keyset-file KEYSET.xml [--user URI]\n"
    "                         --keyset FILE --kek KEK [--json]\n"
    "\n"
    "Gets the certificate of a KMS and the key sets of a user, checks every key of them, and "
    "seals\n"
    "them in FILE under the 32 octets in KEK. The first form asks the KMS over HTTPS; the second\n"
    "takes files that mcrelay kms made and that were carried by hand.\n"
    "\n"
    "  --connect   where to connect to, instead of asking DNS for HOST\n"
    "  --ca        PEM certificates to trust; else those of the system\n"
    "  --token     access token of scope 3gpp:mc:data_key_management_service\n"
    "  --user      MC service ID in the token\n"
    "  --kms-uri   the KMS URI, where it is not HOST\n"
    "\n"
    "example: mcrelay key fetch --kms https://kms.iops.example:8443 --ca ca.pem \\\n"
    "             --token alice.jwt --user sip:alice@iops.example \\\n"
    "             --keyset alice.set --kek alice.kek\n"
    "\n"
    "exit: 0 done, 1 failed, 2 usage, 3 refused (by the KMS, or the keys are wrong)\n";

/* What the command line said. */
struct words {
    const char *kms, *connect, *ca, *token, *user, *kms_uri, *keyset, *kek, *kms_file, *keyset_file;
    bool json;
};

static int read_words(struct words *w, int argc, char **argv)
{
    static const struct option options[] = {
        {"kms", 1, NULL, 'k'},    {"connect", 1, NULL, 'c'},     {"ca", 1, NULL, 'a'},
        {"token", 1, NULL, 't'},  {"user", 1, NULL, 'u'},        {"kms-uri", 1, NULL, 'U'},
        {"keyset", 1, NULL, 's'}, {"kek", 1, NULL, 'K'},         {"kms-file", 1, NULL, 'f'},
        {"json", 0, NULL, 'j'},   {"keyset-file", 1, NULL, 'F'}, {NULL, 0, NULL, 0},
    };
    int c;

    optind = 1;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        const char **text = c == 'k'   ? &w->kms
                            : c == 'c' ? &w->connect
                            : c == 'a' ? &w->ca
                            : c == 't' ? &w->token
                            : c == 'u' ? &w->user
                            : c == 'U' ? &w->kms_uri
                            : c == 's' ? &w->keyset
                            : c == 'K' ? &w->kek
                            : c == 'f' ? &w->kms_file
                            : c == 'F' ? &w->keyset_file
                                       : NULL;
        if (text)
            *text = optarg;
        else if (c == 'j')
            w->json = true;
        else
            return relay_cmd_usage("key", "that is not understood");
    }
    if (optind < argc)
        return relay_cmd_usage("key", "\"%s\" is one word too many", argv[optind]);
    if (!w->keyset || !w->kek)
        return relay_cmd_usage("key", "fetch needs --keyset FILE and --kek KEK");
    if (w->kms_file || w->keyset_file ? !w->kms_file || !w->keyset_file || w->kms
                                      : !w->kms || !w->token || !w->user)
        return relay_cmd_usage("key", "fetch needs --kms, --token and --user, or --kms-file and "
                                      "--keyset-file");
    return RELAY_EXIT_OK;
}

/* What was got; no key. */
static void print(const struct words *w, const struct dpp_ring *ring)
{
    const struct dpp_kms_cert *cert = &dpp_ring_kms_at(ring, 0)->cert;

    if (w->json) {
        fputs("{\"user\":", stdout);
        relay_cmd_json(stdout, dpp_ring_user(ring));
        fputs(",\"kms\":", stdout);
        relay_cmd_json(stdout, cert->kms_uri);
        printf(",\"sets\":%zu,\"period\":%llu}\n", dpp_ring_sets(ring),
               (unsigned long long)cert->period_s);
        return;
    }
    printf("%s: %zu key sets of %s, key period %llu s, in %s\n", dpp_ring_user(ring),
           dpp_ring_sets(ring), cert->kms_uri, (unsigned long long)cert->period_s, w->keyset);
}

static bool is_refusal(int rc)
{
    return rc == DPP_E_KMS_ERROR || rc == DPP_E_KMS_USER || rc == DPP_E_KMS_UID ||
           rc == DPP_E_KMS_REVOKED || rc == DPP_E_KMS_DATE || rc == DPP_E_ECCSI_PAIR ||
           rc == DPP_E_ECCSI_POINT || rc == DPP_E_SAKKE_PAIR || rc == DPP_E_SAKKE_POINT ||
           rc == DPP_E_KMS_ENCRYPTED || rc == RELAY_E_TLS;
}

/* The token, one line, to be wiped and freed. */
static char *read_token(const char *path, size_t *n)
{
    char *token;
    int rc = relay_input_read(path, TOKEN_MAX, &token, n);

    if (rc != 0) {
        (void)relay_kms_fail("key", path, rc);
        return NULL;
    }
    size_t end = *n;
    while (end > 0 && strchr("\r\n \t", token[end - 1]))
        token[--end] = '\0';
    return token;
}

static int from_kms(const struct words *w, const uint8_t *kek)
{
    struct relay_kms_got got;
    size_t n = 0;
    char *token = read_token(w->token, &n);

    if (!token)
        return RELAY_EXIT_FAILED;
    struct relay_kms_fetch from = {
        .url = w->kms,
        .kms_uri = w->kms_uri,
        .connect = w->connect,
        .ca = w->ca,
        .token = token,
        .user = w->user,
    };
    int rc = relay_fetch_init();
    if (rc == 0)
        rc = relay_kms_fetch(&from, time(NULL), &got);
    else
        snprintf(got.why, sizeof got.why, "%s", relay_strerror(rc));
    relay_file_free(token, n);
    if (rc != 0)
        return relay_cmd_fail("key", is_refusal(rc) ? RELAY_EXIT_REFUSED : RELAY_EXIT_FAILED,
                              "%s: %s", w->kms, got.why);
    rc = relay_keydir_write_set(w->keyset, kek, (const char *const *)got.xml, got.xml_n, 2);
    if (rc == 0)
        print(w, got.ring);
    relay_kms_fetch_done(&got);
    return rc == 0 ? RELAY_EXIT_OK : relay_kms_fail("key", w->keyset, rc);
}

/* Reads one file; `why` gets what is wrong with its form. */
static int read_doc(const char *path, bool is_secret, struct dpp_kms_doc **doc, char **xml,
                    size_t *n, char *why, size_t why_n)
{
    const char *field;
    int rc = relay_file_read(path, DPP_KMS_XML_MAX, is_secret, xml, n, why, why_n);

    if (rc != 0)
        return rc;
    rc = dpp_kms_parse_at(doc, *xml, *n, &field);
    if (rc == DPP_E_KMS_FIELD)
        snprintf(why, why_n, "%s: %s: %s", path, relay_strerror(rc), field);
    return rc;
}

static int from_files(const struct words *w, const uint8_t *kek)
{
    const char *paths[2] = {w->kms_file, w->keyset_file}, *at = NULL;
    char *xml[2] = {NULL, NULL}, why[512] = "";
    size_t n[2] = {0, 0};
    struct dpp_kms_doc *docs[2] = {NULL, NULL};
    struct dpp_ring *ring = NULL;
    int rc = 0;

    for (int i = 0; i < 2 && rc == 0; i++) {
        at = paths[i];
        rc = read_doc(at, i == 1, &docs[i], &xml[i], &n[i], why, sizeof why);
    }
    /* the ring is made for the user of the first key set */
    if (rc == 0)
        rc = docs[1]->sets_n ? dpp_ring_new(&ring, w->user ? w->user : docs[1]->sets[0].user_uri)
                             : DPP_E_KMS_ABSENT;
    for (int i = 0; i < 2 && rc == 0; i++) {
        at = paths[i];
        rc = dpp_ring_add(ring, docs[i], time(NULL));
    }
    if (rc == 0) {
        at = w->keyset;
        rc = relay_keydir_write_set(at, kek, (const char *const *)xml, n, 2);
    }
    int code = RELAY_EXIT_OK;
    if (rc == 0)
        print(w, ring);
    else if (*why)
        code = relay_cmd_fail("key", RELAY_EXIT_FAILED, "%s", why);
    else if (is_refusal(rc))
        code = relay_cmd_fail("key", RELAY_EXIT_REFUSED, "%s: %s", at, relay_strerror(rc));
    else
        code = relay_kms_fail("key", at, rc);
    for (int i = 0; i < 2; i++) {
        relay_file_free(xml[i], n[i]);
        dpp_kms_free(docs[i]);
    }
    dpp_ring_free(ring);
    return code;
}

int relay_key_fetch(int argc, char **argv)
{
    struct words w = {0};
    DPP_SCRUB(kek, 32);

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            fputs(help, stdout);
            return RELAY_EXIT_OK;
        }
    }
    int code = read_words(&w, argc, argv);
    if (code != RELAY_EXIT_OK)
        return code;
    int rc = dpp_keys_init((SETS_AT_ONCE + 1) * DPP_RING_SET_OCTETS);
    if (rc == DPP_E_HEAP_UNLOCKED)
        (void)relay_cmd_fail("key", RELAY_EXIT_OK, "warning: %s", relay_strerror(rc));
    else if (rc != 0)
        return relay_kms_fail("key", "keys", rc);
    rc = relay_keydir_kek(w.kek, kek.p);
    if (rc != 0)
        return relay_kms_fail("key", w.kek, rc);
    return w.kms ? from_kms(&w, kek.p) : from_files(&w, kek.p);
}
