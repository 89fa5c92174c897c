#include "relay/loop/fetch.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>
#include <openssl/crypto.h>

#include "relay/tls/ctx.h"

/* ---- libcurl's memory, wiped when it is freed: answers pass through its buffers ---- */

static void wiping_free(void *p)
{
    if (p)
        OPENSSL_cleanse(p, malloc_usable_size(p));
    free(p);
}

static void *wiping_realloc(void *p, size_t n)
{
    size_t had = p ? malloc_usable_size(p) : 0;
    void *q = malloc(n ? n : 1);

    if (!q)
        return NULL;
    if (p)
        memcpy(q, p, had < n ? had : n);
    wiping_free(p);
    return q;
}

int relay_fetch_init(void)
{
    return curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, wiping_free, wiping_realloc, strdup,
                                calloc) == CURLE_OK
               ? 0
               : RELAY_E_NOMEM;
}

/* ---- one request ---- */

struct answer {
    struct relay_fetched *got;
    bool is_too_large;
};

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
    struct answer *answer = arg;
    struct relay_fetched *got = answer->got;

    n *= size;
    if (n > RELAY_FETCH_BODY_MAX - got->body_n) {
        answer->is_too_large = true;
        return 0;
    }
    memcpy(got->body + got->body_n, p, n);
    got->body_n += n;
    got->body[got->body_n] = '\0';
    return n;
}

static CURLcode on_tls(CURL *curl, void *ssl_ctx, void *arg)
{
    (void)curl, (void)arg;
    relay_ctx_cleanse(ssl_ctx);
    return CURLE_OK;
}

/* One more line of a list; false without memory. */
static bool add(struct curl_slist **list, const char *name, const char *value)
{
    char *line = NULL;

    if (asprintf(&line, "%s%s", name, value) < 0)
        return false;
    struct curl_slist *longer = curl_slist_append(*list, line);
    if (longer)
        *list = longer;
    OPENSSL_cleanse(line, strlen(line)); /* it may be the token */
    free(line);
    return longer != NULL;
}

static int reason(CURLcode code)
{
    switch (code) {
    case CURLE_OK:
        return 0;
    case CURLE_OUT_OF_MEMORY:
        return RELAY_E_NOMEM;
    case CURLE_OPERATION_TIMEDOUT:
        return RELAY_E_STALE;
    case CURLE_ABORTED_BY_CALLBACK:
        return RELAY_E_STOPPED;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CIPHER:
        return RELAY_E_TLS;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SETOPT_OPTION_SYNTAX:
        return RELAY_E_CONF;
    default:
        return RELAY_E_IO;
    }
}

static int on_progress(void *stop, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)a, (void)b, (void)c, (void)d;
    return atomic_load((const atomic_bool *)stop);
}

/* The first option that is refused is the answer. */
static CURLcode set_up(CURL *curl, const struct relay_fetch *fetch, struct answer *answer,
                       struct curl_slist *heads, struct curl_slist *connect, char *error)
{
    CURLcode code = CURLE_OK;

#define SET(option, value) (code = code ? code : curl_easy_setopt(curl, option, value))
    SET(CURLOPT_ERRORBUFFER, error);
    SET(CURLOPT_PROTOCOLS_STR, "https");
    SET(CURLOPT_URL, fetch->url);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_PROXY, ""); /* nor one of the environment */
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_TIMEOUT_MS, (long)RELAY_FETCH_TIMEOUT_MS);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_SSL_CTX_FUNCTION, on_tls);
    if (fetch->stop) {
        SET(CURLOPT_XFERINFOFUNCTION, on_progress);
        SET(CURLOPT_XFERINFODATA, fetch->stop);
        SET(CURLOPT_NOPROGRESS, 0L);
    }
    if (fetch->ca) {
        SET(CURLOPT_CAINFO, fetch->ca);
        SET(CURLOPT_CAPATH, NULL); /* that one and no other */
    }
    if (connect)
        SET(CURLOPT_CONNECT_TO, connect);
    SET(CURLOPT_HTTPHEADER, heads);
    SET(CURLOPT_POST, 1L);
    SET(CURLOPT_POSTFIELDS, fetch->body);
    SET(CURLOPT_POSTFIELDSIZE, (long)fetch->body_n);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, answer);
#undef SET
    return code;
}

static bool is_plain(const char *token)
{
    for (; *token; token++)
        if (*token <= ' ' || *token > '~')
            return false;
    return true;
}

static int ask(const struct relay_fetch *fetch, struct relay_fetched *got)
{
    char error[CURL_ERROR_SIZE] = "";
    struct curl_slist *heads = NULL, *connect = NULL;
    struct answer answer = {.got = got};
    CURL *curl = curl_easy_init();
    int rc = RELAY_E_NOMEM;
    long status = 0;

    if (!curl || !add(&heads, "Content-Type: ", fetch->type) || !add(&heads, "Expect:", "") ||
        (fetch->token && !add(&heads, "Authorization: Bearer ", fetch->token)) ||
        (fetch->connect && !add(&connect, "::", fetch->connect)))
        goto out;
    CURLcode code = set_up(curl, fetch, &answer, heads, connect, error);
    if (code == CURLE_OK)
        code = curl_easy_perform(curl);
    rc = answer.is_too_large ? RELAY_E_TOO_LARGE : reason(code);
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    got->status = (int)status;
    if (rc != 0)
        snprintf(got->why, sizeof got->why, "%s",
                 answer.is_too_large ? "the answer is too large"
                 : *error            ? error
                                     : curl_easy_strerror(code));
out:
    if (curl)
        curl_easy_cleanup(curl);
    curl_slist_free_all(heads);
    curl_slist_free_all(connect);
    return rc;
}

int relay_fetch(const struct relay_fetch *fetch, struct relay_fetched *got)
{
    *got = (struct relay_fetched){0};
    if (strncmp(fetch->url, "https://", 8) != 0 || (fetch->token && !is_plain(fetch->token))) {
        snprintf(got->why, sizeof got->why, "%s",
                 strncmp(fetch->url, "https://", 8) != 0 ? "the URL does not begin with https://"
                                                         : "the token is not one line of text");
        return RELAY_E_CONF;
    }
    got->body = calloc(1, (size_t)RELAY_FETCH_BODY_MAX + 1);
    int rc = got->body ? ask(fetch, got) : RELAY_E_NOMEM;
    if (rc == RELAY_E_NOMEM)
        snprintf(got->why, sizeof got->why, "%s", relay_strerror(rc));
    if (rc != 0 || got->body_n == 0)
        relay_fetch_done(got);
    return rc;
}

void relay_fetch_done(struct relay_fetched *got)
{
    if (got->body)
        OPENSSL_cleanse(got->body, got->body_n);
    free(got->body);
    got->body = NULL;
    got->body_n = 0;
}
