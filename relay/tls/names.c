/* names.c - who a peer's certificate says it is. */
#include <stdlib.h>
#include <string.h>

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "relay/tls/inside.h"
#include "relay/tls/tls.h"

/* A host name in printable ASCII, without wildcards and empty text. */
static bool is_name(const unsigned char *p, size_t n)
{
    if (n == 0 || n > 253)
        return false;
    for (size_t i = 0; i < n; i++)
        if (p[i] <= ' ' || p[i] >= 0x7f || p[i] == '*')
            return false;
    return true;
}

void relay_tls_names(const struct relay_tls *tls, struct relay_tls_names *names)
{
    SSL *ssl = relay_tls_ssl(tls);
    X509 *cert = relay_tls_is_ready(tls) ? SSL_get0_peer_certificate(ssl) : NULL;
    GENERAL_NAMES *alt;
    size_t at = 0;

    names->n = 0;
    if (!cert || SSL_get_verify_result(ssl) != X509_V_OK)
        return;
    alt = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(alt) && names->n < RELAY_TLS_NAMES_MAX; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(alt, i);
        const unsigned char *p;
        size_t n;

        if (name->type != GEN_DNS)
            continue;
        p = ASN1_STRING_get0_data(name->d.dNSName);
        n = (size_t)ASN1_STRING_length(name->d.dNSName);
        if (!is_name(p, n) || n >= sizeof names->octets - at)
            continue;
        memcpy(names->octets + at, p, n);
        names->octets[at + n] = '\0';
        names->v[names->n++] = names->octets + at;
        at += n + 1;
    }
    GENERAL_NAMES_free(alt);
}

const char *relay_tls_stranger(const struct relay_tls *tls)
{
    SSL *ssl = relay_tls_ssl(tls);
    long verdict = SSL_get_verify_result(ssl);

    if (!SSL_is_server(ssl) || !SSL_get0_peer_certificate(ssl) || verdict == X509_V_OK)
        return NULL;
    return X509_verify_cert_error_string(verdict);
}
