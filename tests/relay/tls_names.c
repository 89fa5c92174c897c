/* Who a client is by its certificate: a peer that proves its names, or an ordinary client. */
#include <stdio.h>

#include "tests/relay/tls_kit.h"
#include "tests/row.h"

static struct kit_cert ca, leaf;
static struct relay_ctx *asking;

static int setup(void **state)
{
    (void)state;
    ca = kit_cert("peers' CA", NULL, NULL);
    leaf = kit_cert("leaf", "DNS:" KIT_NAME, &ca);
    asking = kit_server_ctx(&leaf);
    kit_ask(asking, &ca);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    relay_ctx_unref(asking);
    kit_cert_free(&ca);
    kit_cert_free(&leaf);
    return 0;
}

/* A handshake of a client that shows `own` (NULL: nothing) to a server that asks: it stands. The
 * names that the server takes from it as one text, each with a blank behind it. */
static const char *names_of(const struct kit_cert *own, int version, const char **stranger)
{
    static char text[RELAY_TLS_NAMES_OCTETS + RELAY_TLS_NAMES_MAX];
    struct relay_tls *server = relay_tls_server(asking);
    struct kit_peer peer = kit_peer();
    struct relay_tls_names names;

    if (own) {
        assert_int_equal(SSL_use_certificate(peer.ssl, own->cert), 1);
        assert_int_equal(SSL_use_PrivateKey(peer.ssl, own->key), 1);
    }
    SSL_set_max_proto_version(peer.ssl, version);
    relay_tls_names(server, &names);
    assert_int_equal(names.n, 0); /* not before the handshake stands */
    assert_int_equal(kit_shake(server, &peer), 0);
    relay_tls_names(server, &names);
    *stranger = relay_tls_stranger(server);
    text[0] = '\0';
    for (size_t i = 0; i < names.n; i++)
        strcat(strcat(text, names.v[i]), " ");
    /* what we show is what our file says: the peers' CA is no part of it */
    assert_int_equal(sk_X509_num(SSL_get_peer_cert_chain(peer.ssl)), 1);
    /* data goes both ways, whoever it is */
    assert_int_equal(SSL_write(peer.ssl, "x", 1), 1);
    assert_int_equal(kit_from_peer(server, &peer, 0), 1);
    kit_peer_free(&peer);
    relay_tls_free(server);
    return text;
}

#define EACH_VERSION(v) for (int v = TLS1_2_VERSION; v <= TLS1_3_VERSION; v++)

static void a_peer_is_known_by_its_names(void **state)
{
    static const struct {
        const char *san, *use, *names;
    } rows[] = {
        {"DNS:b.example", NULL, "b.example "},
        {"DNS:b.example,DNS:B2.example", "serverAuth,clientAuth", "b.example B2.example "},
        {"DNS:*.example", "clientAuth", ""},
        {"DNS:*.example,DNS:b*.example,DNS:c.example", NULL, "c.example "},
        {"IP:192.0.2.1,email:b@b.example,URI:msrps://b.example:1", NULL, ""},
        {"DNS:b b.example,DNS:c.example", NULL, "c.example "},
        {"", NULL, ""}, /* the CN is none */
    };
    const char *stranger;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct kit_cert own = kit_make(&(struct kit_wish){
            .cn = "b.example", .san = rows[i].san, .ca = &ca, .use = rows[i].use, .ends_s = 3600});

        EACH_VERSION(version)
        {
            assert_string_equal(names_of(&own, version, &stranger), rows[i].names);
            assert_null(stranger);
        }
        kit_cert_free(&own);
    }
}

/* "b.example\0.evil.example" is not b.example. */
static void a_nul_ends_no_name(void **state)
{
    static const unsigned char der[] = {0x30, 0x15, 0x82, 0x13, 'b', '.', 'e', 'x',
                                        'a',  'm',  'p',  'l',  'e', 0,   '.', 'e',
                                        'v',  'i',  'l',  '.',  'e', 'x', 'a'};
    struct kit_cert own = kit_cert("x", "", &ca);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension;
    const char *stranger;

    (void)state;
    ASN1_OCTET_STRING_set(value, der, sizeof der);
    extension = X509_EXTENSION_create_by_NID(NULL, NID_subject_alt_name, 0, value);
    assert_int_equal(X509_add_ext(own.cert, extension, -1), 1);
    assert_true(X509_sign(own.cert, ca.key, EVP_sha256()) > 0);
    EACH_VERSION(version)
    assert_string_equal(names_of(&own, version, &stranger), "");
    assert_null(stranger);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
    kit_cert_free(&own);
}

/* rfc4976#6.1: whoever shows no certificate, or one that is none of a peer's, is a client. */
static void everybody_else_is_a_client(void **state)
{
    struct kit_cert other = kit_cert("peers' CA", NULL, NULL); /* the name of ours, another key */
    struct kit_cert strange = kit_cert("a bank", NULL, NULL);
    const struct {
        struct kit_wish wish;
        const char *why;
    } rows[] = {
        {{"b", "DNS:b.example", &other, NULL, 3600}, "certificate signature failure"},
        {{"b", "DNS:b.example", &strange, NULL, 3600}, "unable to get local issuer certificate"},
        {{"b", "DNS:b.example", NULL, NULL, 3600}, "self-signed certificate"},
        {{"b", "DNS:b.example", &ca, NULL, -60}, "certificate has expired"},
        {{"b", "DNS:b.example", &ca, "serverAuth", 3600}, "unsuitable certificate purpose"},
    };
    const char *stranger;

    (void)state;
    EACH_VERSION(version)
    {
        assert_string_equal(names_of(NULL, version, &stranger), "");
        assert_null(stranger);
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct kit_cert own = kit_make(&rows[i].wish);

        EACH_VERSION(version)
        {
            assert_string_equal(names_of(&own, version, &stranger), "");
            assert_non_null(stranger);
            assert_string_equal(stranger, rows[i].why);
        }
        kit_cert_free(&own);
    }
    kit_cert_free(&other);
    kit_cert_free(&strange);
    row_passed("R18");
}

/* Without a peers' CA nobody is asked, and nobody is a peer. */
static void who_is_not_asked_shows_nothing(void **state)
{
    struct relay_ctx *ctx = kit_server_ctx(&leaf), *keep = asking;
    struct kit_cert own = kit_cert("b", "DNS:b.example", &ca);
    const char *stranger;

    (void)state;
    asking = ctx;
    EACH_VERSION(version)
    {
        assert_string_equal(names_of(&own, version, &stranger), "");
        assert_null(stranger);
    }
    asking = keep;
    kit_cert_free(&own);
    relay_ctx_unref(ctx);
}

static int saw_hint(SSL *ssl, X509 **cert, EVP_PKEY **key)
{
    const STACK_OF(X509_NAME) *hints = SSL_get0_peer_CA_list(ssl);

    (void)cert, (void)key;
    assert_int_equal(sk_X509_NAME_num(hints), 1);
    assert_int_equal(X509_NAME_cmp(sk_X509_NAME_value(hints, 0), X509_get_subject_name(ca.cert)),
                     0);
    *(bool *)SSL_get_app_data(ssl) = true;
    return 0; /* none */
}

/* The CA is named, so that a client with certificates of others keeps them to itself. */
static void the_ca_is_named(void **state)
{
    (void)state;
    EACH_VERSION(version)
    {
        struct relay_tls *server = relay_tls_server(asking);
        struct kit_peer peer = kit_peer();
        bool saw = false;

        SSL_set_max_proto_version(peer.ssl, version);
        SSL_set_app_data(peer.ssl, &saw);
        SSL_CTX_set_client_cert_cb(peer.ctx, saw_hint);
        assert_int_equal(kit_shake(server, &peer), 0);
        assert_true(saw);
        kit_peer_free(&peer);
        relay_tls_free(server);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_peer_is_known_by_its_names),
        cmocka_unit_test(a_nul_ends_no_name),
        cmocka_unit_test(everybody_else_is_a_client),
        cmocka_unit_test(who_is_not_asked_shows_nothing),
        cmocka_unit_test(the_ca_is_named),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
