/* Contexts: what is loaded, and what every wrong file is told. */
#include "tests/relay/tls_kit.h"

static struct kit_cert ca, leaf;

static int setup(void **state)
{
    (void)state;
    ca = kit_cert("test CA", NULL, NULL);
    leaf = kit_cert("leaf", "DNS:" KIT_NAME, &ca);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kit_cert_free(&ca);
    kit_cert_free(&leaf);
    return 0;
}

/* Loads and expects the whole error text to begin and to hold as told. */
static void refused(const char *cert, const char *key, const char *name, const char *begin,
                    const char *holds)
{
    struct relay_pem cert_pem = kit_file("c.pem", cert), key_pem = kit_file("k.pem", key);
    char why[RELAY_CTX_WHY];
    struct relay_ctx *ctx = (void *)why;

    assert_int_equal(relay_ctx_server(&ctx, &cert_pem, &key_pem, name, why, sizeof why),
                     RELAY_E_CONF);
    assert_null(ctx);
    if (strncmp(why, begin, strlen(begin)) != 0 || !strstr(why, holds))
        fail_msg("%s", why);
    assert_int_equal(ERR_peek_error(), 0);
}

static void a_pair_that_fits_loads(void **state)
{
    struct relay_ctx *ctx = kit_server_ctx(&leaf), *again = relay_ctx_ref(ctx);

    (void)state;
    relay_ctx_unref(ctx);
    relay_ctx_unref(again);
    relay_ctx_unref(NULL);
}

/* rfc4976#4.2 */
static void the_name_must_stand_in_the_certificate(void **state)
{
    struct kit_cert other = kit_cert(KIT_NAME, "DNS:other.iops.example", &ca);
    struct kit_cert cn_only = kit_cert(KIT_NAME, "", &ca);
    struct kit_cert address = kit_cert("leaf", "DNS:" KIT_NAME ",IP:192.0.2.1", &ca);

    (void)state;
    refused(other.cert_pem, other.key_pem, KIT_NAME, "c.pem: the certificate is not for " KIT_NAME,
            "DNS:" KIT_NAME);
    refused(cn_only.cert_pem, cn_only.key_pem, KIT_NAME, "c.pem: the certificate is not for", "");
    refused(address.cert_pem, address.key_pem, "192.0.2.1", "name: 192.0.2.1 is an IP address",
            "--connect");
    refused(address.cert_pem, address.key_pem, "[2001:db8::1]", "name: [2001:db8::1] is an IP", "");
    kit_cert_free(&other);
    kit_cert_free(&cn_only);
    kit_cert_free(&address);
}

static void wrong_files_are_named(void **state)
{
    struct kit_cert stranger = kit_cert("x", "DNS:" KIT_NAME, &ca);
    char *chain = NULL, *torn = strdup(leaf.cert_pem);

    (void)state;
    refused("", leaf.key_pem, KIT_NAME, "c.pem: holds no certificate", "PEM");
    refused("hello", leaf.key_pem, KIT_NAME, "c.pem: holds no certificate", "PEM");
    refused(leaf.key_pem, leaf.key_pem, KIT_NAME, "c.pem: holds no certificate", "");
    refused(leaf.cert_pem, leaf.cert_pem, KIT_NAME, "k.pem: holds no private key", "c.pem");
    refused(leaf.cert_pem, stranger.key_pem, KIT_NAME, "k.pem: is not the key", "c.pem");
    torn[strlen(torn) / 2] = '\0';
    refused(torn, leaf.key_pem, KIT_NAME, "c.pem: holds no certificate", "");
    assert_true(asprintf(&chain, "%s%s", leaf.cert_pem, torn) > 0);
    refused(chain, leaf.key_pem, KIT_NAME, "c.pem: certificate 2 does not read", "");
    free(chain);
    assert_true(asprintf(&chain, "%s%s%s%s%s", leaf.cert_pem, ca.cert_pem, ca.cert_pem, ca.cert_pem,
                         ca.cert_pem) > 0);
    refused(chain, leaf.key_pem, KIT_NAME, "c.pem: more than 4 certificates", "");
    free(chain);
    free(torn);
    kit_cert_free(&stranger);
}

/* A sealed key would make the daemon wait for a terminal. */
static void a_key_with_a_pass_phrase_is_refused(void **state)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *sealed;

    (void)state;
    PEM_write_bio_PKCS8PrivateKey(bio, leaf.key, EVP_aes_256_cbc(), "secret", 6, NULL, NULL);
    sealed = kit_pem(bio);
    refused(leaf.cert_pem, sealed, KIT_NAME, "k.pem: holds no private key", "pass phrase");
    free(sealed);
}

static void a_client_needs_a_ca_that_reads(void **state)
{
    struct relay_pem bad = kit_file("ca.pem", "nothing");
    char why[RELAY_CTX_WHY];
    struct relay_ctx *ctx;

    (void)state;
    assert_int_equal(relay_ctx_client(&ctx, &bad, why, sizeof why), RELAY_E_CONF);
    assert_null(ctx);
    assert_ptr_equal(strstr(why, "ca.pem: certificate 1 does not read"), why);
    relay_ctx_unref(kit_client_ctx(&ca));
}

static int load_peer(const struct kit_cert *own, const char *anchors, char *why)
{
    struct relay_pem cert = kit_file("c.pem", own->cert_pem), key = kit_file("k.pem", own->key_pem);
    struct relay_pem pem = kit_file("peers.pem", anchors);
    struct relay_ctx *ctx = (void *)why;
    int err = relay_ctx_peer(&ctx, &cert, &key, KIT_NAME, &pem, why, RELAY_CTX_WHY);

    assert_int_equal(err == 0, ctx != NULL);
    assert_int_equal(ERR_peek_error(), 0);
    relay_ctx_unref(ctx);
    return err;
}

/* Who dials must be good as a client, too. */
static void a_relay_dials_with_its_certificate(void **state)
{
    static const struct {
        const char *use;
        bool good;
    } rows[] = {{NULL, true}, {"serverAuth,clientAuth", true}, {"serverAuth", false}};
    struct kit_cert other = kit_cert("x", "DNS:other.iops.example", &ca);
    char why[RELAY_CTX_WHY];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct kit_cert own = kit_make(&(struct kit_wish){
            .cn = "x", .san = "DNS:" KIT_NAME, .ca = &ca, .use = rows[i].use, .ends_s = 3600});

        assert_int_equal(load_peer(&own, ca.cert_pem, why), rows[i].good ? 0 : RELAY_E_CONF);
        if (!rows[i].good)
            assert_string_equal(why, "c.pem: the certificate is not for TLS clients, and peers are "
                                     "dialled with it; issue one with serverAuth and clientAuth in "
                                     "its extendedKeyUsage");
        kit_cert_free(&own);
    }
    assert_int_equal(load_peer(&leaf, "nothing", why), RELAY_E_CONF);
    assert_ptr_equal(strstr(why, "peers.pem: certificate 1 does not read"), why);
    assert_int_equal(load_peer(&other, ca.cert_pem, why), RELAY_E_CONF);
    assert_ptr_equal(strstr(why, "c.pem: the certificate is not for " KIT_NAME), why);
    kit_cert_free(&other);
}

static void a_peers_ca_must_read(void **state)
{
    struct relay_ctx *ctx = kit_server_ctx(&leaf);
    struct relay_pem bad = kit_file("peers.pem", "nothing");
    char why[RELAY_CTX_WHY];

    (void)state;
    assert_int_equal(relay_ctx_ask(ctx, &bad, why, sizeof why), RELAY_E_CONF);
    assert_ptr_equal(strstr(why, "peers.pem: certificate 1 does not read"), why);
    kit_ask(ctx, &ca);
    relay_ctx_unref(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pair_that_fits_loads),
        cmocka_unit_test(the_name_must_stand_in_the_certificate),
        cmocka_unit_test(wrong_files_are_named),
        cmocka_unit_test(a_key_with_a_pass_phrase_is_refused),
        cmocka_unit_test(a_client_needs_a_ca_that_reads),
        cmocka_unit_test(a_relay_dials_with_its_certificate),
        cmocka_unit_test(a_peers_ca_must_read),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
