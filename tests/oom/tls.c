/* tls.c - handshakes with certificates on both sides, with every allocation of ours refused in
 * turn, those of OpenSSL included: whoever does not prove a name never has one, and nothing leaks.
 */
#include "tests/relay/tls_kit.h"

#include "tests/oom/crypto.h"

/* OpenSSL allocates near 2,000 times in a handshake; what depends on one fails with its neighbours
 */
enum { STEP = 2 };

static struct kit_cert ca, other, leaf, peer_cert, strange;

/* What is granted while our side is at work; the far side gets all it wants. */
static long granted;

static void ours(void)
{
    oom_left = granted;
}

static void theirs(void)
{
    granted = oom_left;
    oom_left = -1;
}

static void refuse_from(long i)
{
    oom_start_once(i);
    theirs();
}

/* Both talk until it stands, breaks, or neither says anything more. */
static bool shake(struct relay_tls *tls, struct kit_peer *peer)
{
    ours();
    ssize_t err = relay_tls_read(tls, 0, NULL, 0);
    theirs();
    for (int i = 0; i < 8 && err >= 0; i++) {
        const char *p;
        char *q;
        size_t n = relay_tls_output(tls, &p);
        long m;

        if (n > 0)
            assert_int_equal(BIO_write(peer->in, p, (int)n), (int)n);
        relay_tls_sent(tls, n);
        (void)SSL_do_handshake(peer->ssl);
        ERR_clear_error();
        if ((m = BIO_get_mem_data(peer->out, &q)) > 0) {
            ours();
            err = relay_tls_feed(tls, q, (size_t)m);
            err = err < 0 ? err : relay_tls_poll(tls, 0);
            err = err < 0 ? err : relay_tls_hold(tls);
            theirs();
            (void)BIO_reset(peer->out);
        } else if (SSL_is_init_finished(peer->ssl)) {
            break;
        }
    }
    return err >= 0 && relay_tls_is_ready(tls) && SSL_is_init_finished(peer->ssl);
}

/* A client shows `own` to a server that asks for a certificate of ours. */
static void a_client_shows(const struct kit_cert *own, size_t expected, int version)
{
    struct relay_ctx *ctx = kit_server_ctx(&leaf);
    bool refused = true;
    long i = 0;

    kit_ask(ctx, &ca);
    for (; refused; i += STEP) {
        struct kit_peer peer = kit_peer();
        struct relay_tls_names names = {.n = 99};
        struct relay_tls *tls;
        bool stands = false;

        assert_int_equal(SSL_use_certificate(peer.ssl, own->cert), 1);
        assert_int_equal(SSL_use_PrivateKey(peer.ssl, own->key), 1);
        SSL_set_max_proto_version(peer.ssl, version);
        refuse_from(i);
        ours();
        tls = relay_tls_server(ctx);
        theirs();
        if (tls) {
            stands = shake(tls, &peer);
            ours();
            relay_tls_names(tls, &names);
            theirs();
        }
        refused = oom_stop();
        assert_true(!tls || names.n == 0 || names.n == expected);
        assert_true(refused || (stands && names.n == expected));
        relay_tls_free(tls);
        kit_peer_free(&peer);
    }
    assert_true(i > 100);
    relay_ctx_unref(ctx);
}

static void a_name_is_proven_or_there_is_none(void **state)
{
    (void)state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        a_client_shows(&peer_cert, 1, version);
        a_client_shows(&strange, 0, version);
    }
}

/* We dial somebody who shows `own`: the handshake stands only where that is right. */
static void we_dial(const struct kit_cert *own, bool right, int version)
{
    struct relay_ctx *ctx = kit_peer_ctx(&leaf, &ca);
    bool refused = true;
    long i = 0;

    for (; refused; i += STEP) {
        struct kit_peer peer = {.ctx = SSL_CTX_new(TLS_server_method())};
        struct relay_tls *tls;
        bool stands = false;

        peer.ssl = SSL_new(peer.ctx);
        peer.in = BIO_new(BIO_s_mem());
        peer.out = BIO_new(BIO_s_mem());
        SSL_set_bio(peer.ssl, peer.in, peer.out);
        SSL_set_accept_state(peer.ssl);
        assert_int_equal(SSL_use_certificate(peer.ssl, own->cert), 1);
        assert_int_equal(SSL_use_PrivateKey(peer.ssl, own->key), 1);
        SSL_set_max_proto_version(peer.ssl, version);
        refuse_from(i);
        ours();
        tls = relay_tls_client(ctx, "b.example");
        theirs();
        if (tls)
            stands = shake(tls, &peer);
        refused = oom_stop();
        assert_true(right || !tls || !relay_tls_is_ready(tls));
        assert_true(refused || stands == right);
        relay_tls_free(tls);
        kit_peer_free(&peer);
    }
    assert_true(i > 100);
    relay_ctx_unref(ctx);
}

static void only_the_right_peer_is_taken(void **state)
{
    struct kit_cert wrong = kit_cert("b.example", "DNS:c.example", &ca);

    (void)state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        we_dial(&peer_cert, true, version);
        we_dial(&wrong, false, version);
        we_dial(&strange, false, version);
    }
    kit_cert_free(&wrong);
}

static void contexts(void **state)
{
    struct relay_pem cert = kit_file("c.pem", leaf.cert_pem), key = kit_file("k.pem", leaf.key_pem);
    struct relay_pem anchors = kit_file("ca.pem", ca.cert_pem);
    char why[RELAY_CTX_WHY];
    bool refused = true;
    long i = 0;

    (void)state;
    for (; refused; i += 31) { /* there are thousands, most of them alike */
        struct relay_ctx *server = NULL, *peer = NULL;
        int err;

        oom_start_once(i);
        err = relay_ctx_server(&server, &cert, &key, KIT_NAME, why, sizeof why);
        err = err < 0 ? err : relay_ctx_ask(server, &anchors, why, sizeof why);
        err =
            err < 0 ? err : relay_ctx_peer(&peer, &cert, &key, KIT_NAME, &anchors, why, sizeof why);
        refused = oom_stop();
        assert_true(refused || err == 0);
        assert_true(err == 0 || err == RELAY_E_NOMEM || err == RELAY_E_CONF);
        assert_int_equal(err == 0, peer != NULL);
        assert_int_equal(ERR_peek_error(), 0);
        relay_ctx_unref(server);
        relay_ctx_unref(peer);
    }
    assert_true(i > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_proven_or_there_is_none),
        cmocka_unit_test(only_the_right_peer_is_taken),
        cmocka_unit_test(contexts),
    };

    if (!oom_crypto())
        return 1;
    ca = kit_cert("peers' CA", NULL, NULL);
    other = kit_cert("peers' CA", NULL, NULL);
    leaf = kit_cert("leaf", "DNS:" KIT_NAME, &ca);
    peer_cert = kit_cert("b", "DNS:b.example", &ca);
    strange = kit_cert("b", "DNS:b.example", &other);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    struct kit_cert *all[] = {&ca, &other, &leaf, &peer_cert, &strange};
    for (size_t i = 0; i < 5; i++)
        kit_cert_free(all[i]);
    return failed;
}
