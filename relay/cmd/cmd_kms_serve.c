/* cmd_kms_serve.c - mcrelay kms serve: the embedded KMS over HTTPS. */
#include <getopt.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "relay/cmd/cmd.h"
#include "relay/cmd/kms_files.h"
#include "relay/cmd/quote.h"
#include "relay/kms/request.h"
#include "relay/loop/https.h"
#include "relay/ops/file.h"

#define PEM_MAX  65536
#define JWKS_MAX 262144

/* What the command line said. */
struct words {
    const char *dir, *kek, *listen, *certificate, *key, *issuer, *jwks, *audience;
};

/* What every answer needs. */
struct kms {
    struct relay_domain *domain;
    struct relay_auth auth;
};

/* One line per request: when, who, what, the answer and why. No secret. */
static void audit(const struct relay_https_ask *ask, const struct relay_claims *claims, int err,
                  const struct relay_kms_answer *answer)
{
    char when[32] = "";
    time_t now = time(NULL);
    struct tm tm;

    if (gmtime_r(&now, &tm))
        (void)strftime(when, sizeof when, "%FT%TZ", &tm);
    fprintf(stderr, "%s kms who=%s method=", when, claims ? claims->mcdata_id : "-");
    relay_quote_json(stderr, ask->method, strlen(ask->method));
    fputs(" path=", stderr);
    relay_quote_json(stderr, ask->path, strlen(ask->path) < 512 ? strlen(ask->path) : 512);
    fprintf(stderr, " status=%d reason=\"%s%s%s\"\n", answer->status, answer->reason,
            err && answer->status == 403 ? ": " : "",
            err && answer->status == 403 ? relay_strerror(err) : "");
}

/* The user of the token; 0 or why there is none. */
static int identify(const struct kms *kms, const char *authorization, struct relay_claims *claims)
{
    if (!authorization)
        return RELAY_E_AUTH_NONE;
    if (strncasecmp(authorization, "Bearer ", 7) != 0)
        return RELAY_E_AUTH_SCHEME;
    authorization += 7 + strspn(authorization + 7, " ");
    return relay_auth_token(&kms->auth,
                            (struct msrp_str){.p = authorization, .n = strlen(authorization)},
                            time(NULL), claims);
}

static void on_request(void *ctx, const struct relay_https_ask *ask,
                       struct relay_https_answer *answer)
{
    struct kms *kms = ctx;
    struct relay_claims claims;
    struct relay_kms_answer said = {.status = 503, .reason = "out of memory"};
    int err = identify(kms, ask->authorization, &claims), rc = DPP_E_RETRY;
    struct relay_kms_request request = {
        .method = ask->method,
        .path = ask->path,
        .body = ask->body,
        .body_n = ask->body_n,
        .claims = err == 0 ? &claims : NULL,
        .now_s = time(NULL),
    };
    char *out = malloc(RELAY_KMS_ANSWER_MAX);

    while (out && rc == DPP_E_RETRY) {
        if (RAND_priv_bytes(request.random, sizeof request.random) != 1) {
            said = (struct relay_kms_answer){.status = 503, .reason = "no randomness"};
            break;
        }
        rc = relay_kms_answer(kms->domain, &request, out, &said);
    }
    OPENSSL_cleanse(request.random, sizeof request.random);
    answer->status = said.status;
    if (out && said.n > 0) {
        answer->body = out;
        answer->body_n = said.n;
    } else if (out) { /* half of an answer may hold keys */
        OPENSSL_cleanse(out, RELAY_KMS_ANSWER_MAX);
        free(out);
    }
    audit(ask, request.claims, err, &said);
}

static int read_words(struct words *w, int argc, char **argv)
{
    static const struct option options[] = {
        {"dir", 1, NULL, 'd'},  {"kek", 1, NULL, 'k'},         {"listen", 1, NULL, 'l'},
        {"key", 1, NULL, 'p'},  {"certificate", 1, NULL, 'c'}, {"issuer", 1, NULL, 'i'},
        {"jwks", 1, NULL, 'j'}, {"audience", 1, NULL, 'a'},    {NULL, 0, NULL, 0},
    };
    int c;

    optind = 1;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        const char **text = c == 'd'   ? &w->dir
                            : c == 'k' ? &w->kek
                            : c == 'l' ? &w->listen
                            : c == 'p' ? &w->key
                            : c == 'c' ? &w->certificate
                            : c == 'i' ? &w->issuer
                            : c == 'j' ? &w->jwks
                            : c == 'a' ? &w->audience
                                       : NULL;
        if (!text)
            return relay_cmd_usage("kms", "that is not understood");
        *text = optarg;
    }
    if (optind < argc)
        return relay_cmd_usage("kms", "\"%s\" is one word too many", argv[optind]);
    if (!w->dir || !w->listen || !w->certificate || !w->key || !w->issuer || !w->jwks)
        return relay_cmd_usage("kms", "serve needs --dir, --listen, --certificate, --key, --issuer "
                                      "and --jwks");
    return RELAY_EXIT_OK;
}

/* Serves until a signal. The signals are blocked before the server's thread is made, so that it
 * never gets one. */
static int serve(const struct words *w, struct kms *kms, const char *certificate, char *key,
                 size_t key_n)
{
    struct relay_https_conf conf = {
        .listen = w->listen,
        .certificate = certificate,
        .key = key,
        .body_max = RELAY_KMS_BODY_MAX,
        .ctx = kms,
        .answer = on_request,
    };
    struct relay_https *https;
    uint16_t port;
    sigset_t ends;
    int sig;

    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    signal(SIGPIPE, SIG_IGN);
    int rc = relay_https_open(&https, &conf, &port);
    OPENSSL_cleanse(key, key_n);
    if (rc != 0)
        return relay_cmd_fail("kms", RELAY_EXIT_FAILED, "%s: %s", w->listen,
                              rc == RELAY_E_CONF ? "not ADDR:PORT"
                              : rc == RELAY_E_IO ? "cannot serve: is the port in use, do "
                                                   "certificate and key belong together?"
                                                 : relay_strerror(rc));
    fprintf(stderr, "mcrelay kms: serving %s on port %u\n", relay_domain_cert(kms->domain)->kms_uri,
            port);
    while (sigwait(&ends, &sig) != 0)
        ;
    relay_https_close(https);
    return RELAY_EXIT_OK;
}

int relay_kms_serve(int argc, char **argv)
{
    struct words w = {0};
    char why[512], *jwks_text = NULL, *certificate = NULL, *key = NULL;
    size_t jwks_n, certificate_n, key_n = 0;
    struct relay_jwks *jwks = NULL;
    struct kms kms = {.domain = NULL};
    const char *wrong = why;
    int code = read_words(&w, argc, argv);

    if (code != RELAY_EXIT_OK)
        return code;
    code = relay_kms_load(w.dir, w.kek, &kms.domain);
    if (code != RELAY_EXIT_OK)
        return code;
    int rc = relay_file_read(w.jwks, JWKS_MAX, false, &jwks_text, &jwks_n, why, sizeof why);
    if (rc == 0 && (rc = relay_jwks_parse(jwks_text, jwks_n, &jwks)) != 0)
        snprintf(why, sizeof why, "%s: %s", w.jwks, relay_strerror(rc));
    if (rc == 0)
        rc = relay_file_read(w.certificate, PEM_MAX, false, &certificate, &certificate_n, why,
                             sizeof why);
    if (rc == 0)
        rc = relay_file_read(w.key, PEM_MAX, true, &key, &key_n, why, sizeof why);
    struct relay_issuer issuer = {.iss = w.issuer, .keys = jwks};
    kms.auth = (struct relay_auth){
        .issuers = &issuer,
        .issuers_n = 1,
        .scope = RELAY_SCOPE_KMS,
        .audience = w.audience,
        .skew_s = RELAY_SKEW_S,
    };
    if (rc == 0)
        rc = relay_auth_check(&kms.auth, &wrong);
    code = rc == 0 ? serve(&w, &kms, certificate, key, key_n)
                   : relay_cmd_fail("kms", RELAY_EXIT_FAILED, "%s", wrong);
    relay_file_free(key, key_n);
    relay_file_free(certificate, 0);
    relay_file_free(jwks_text, 0);
    relay_jwks_free(jwks);
    relay_domain_free(kms.domain);
    return code;
}
