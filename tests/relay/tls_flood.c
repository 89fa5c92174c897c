/* Threat T13: what a peer may send to cost us time, before and after the handshake. */
#include <stdio.h>

#include <openssl/kdf.h>

#include "tests/relay/tls_kit.h"

static struct kit_cert ca, leaf;
static struct relay_ctx *server_ctx;

static int setup(void **state)
{
    (void)state;
    ca = kit_cert("test CA", NULL, NULL);
    leaf = kit_cert("leaf", "DNS:" KIT_NAME, &ca);
    server_ctx = kit_server_ctx(&leaf);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    relay_ctx_unref(server_ctx);
    kit_cert_free(&ca);
    kit_cert_free(&leaf);
    return 0;
}

/* --- a TLS 1.2 client whose records are made by hand: AES-128-GCM, rfc5246#6.3, rfc5288#3 --- */

struct forger {
    unsigned char key[16], salt[4];
    uint64_t seq;
};

/* The client's write key of the connection that stands, one record (Finished) being gone. */
static struct forger forger(SSL *ssl)
{
    unsigned char master[48], seed[13 + 64] = "key expansion", block[40];
    struct forger f = {.seq = 1};
    size_t n = sizeof block;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_TLS1_PRF, NULL);

    assert_int_equal(SSL_SESSION_get_master_key(SSL_get0_session(ssl), master, sizeof master), 48);
    SSL_get_server_random(ssl, seed + 13, 32);
    SSL_get_client_random(ssl, seed + 45, 32);
    assert_int_equal(EVP_PKEY_derive_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_tls1_prf_md(ctx, EVP_sha256()), 1);
    assert_int_equal(EVP_PKEY_CTX_set1_tls1_prf_secret(ctx, master, sizeof master), 1);
    assert_int_equal(EVP_PKEY_CTX_add1_tls1_prf_seed(ctx, seed, sizeof seed), 1);
    assert_int_equal(EVP_PKEY_derive(ctx, block, &n), 1);
    EVP_PKEY_CTX_free(ctx);
    memcpy(f.key, block, sizeof f.key);
    memcpy(f.salt, block + 32, sizeof f.salt);
    return f;
}

/* Feeds one record of this type and plaintext; what relay_tls_poll says. */
static int forge(struct forger *f, struct relay_tls *server, unsigned char type, const char *p,
                 size_t n)
{
    unsigned char record[13 + 64 + 16] = {type, 3, 3, 0, (unsigned char)(n + 24)};
    unsigned char nonce[12], aad[13] = {0};
    EVP_CIPHER_CTX *gcm = EVP_CIPHER_CTX_new();
    int out, err;

    for (int i = 0; i < 8; i++)
        aad[i] = record[5 + i] = (unsigned char)(f->seq >> (56 - 8 * i));
    f->seq++;
    aad[8] = type;
    aad[9] = aad[10] = 3;
    aad[12] = (unsigned char)n;
    memcpy(nonce, f->salt, 4);
    memcpy(nonce + 4, record + 5, 8);
    assert_int_equal(EVP_EncryptInit_ex(gcm, EVP_aes_128_gcm(), NULL, f->key, nonce), 1);
    assert_int_equal(EVP_EncryptUpdate(gcm, NULL, &out, aad, sizeof aad), 1);
    assert_int_equal(EVP_EncryptUpdate(gcm, record + 13, &out, (const unsigned char *)p, (int)n),
                     1);
    assert_int_equal(EVP_EncryptFinal_ex(gcm, record + 13 + n, &out), 1);
    assert_int_equal(EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_GCM_GET_TAG, 16, record + 13 + n), 1);
    EVP_CIPHER_CTX_free(gcm);
    assert_int_equal(relay_tls_feed(server, (char *)record, 13 + n + 16), 0);
    err = relay_tls_poll(server, 0);
    assert_int_equal(relay_tls_hold(server), 0);
    return err;
}

static struct relay_tls *stands(struct kit_peer *peer, struct forger *f)
{
    struct relay_tls *server = relay_tls_server(server_ctx);
    char got[8];

    *peer = kit_peer();
    SSL_set_max_proto_version(peer->ssl, TLS1_2_VERSION);
    assert_int_equal(SSL_set_cipher_list(peer->ssl, "ECDHE-ECDSA-AES128-GCM-SHA256"), 1);
    assert_int_equal(kit_shake(server, peer), 0);
    *f = forger(peer->ssl);
    /* the forged records are records: data comes through */
    assert_int_equal(forge(f, server, SSL3_RT_APPLICATION_DATA, "hello", 5), 1);
    assert_int_equal(relay_tls_read(server, 0, got, sizeof got), 5);
    assert_memory_equal(got, "hello", 5);
    return server;
}

/* A few empty records are nothing, row upon row of them are a flood. */
static void a_flood_of_empty_records_closes(void **state)
{
    struct kit_peer peer;
    struct forger f;
    struct relay_tls *server = stands(&peer, &f);
    int err = 0, n = 0;

    (void)state;
    while (err == 0 && n < 1000) {
        err = forge(&f, server, SSL3_RT_APPLICATION_DATA, "", 0);
        n++;
    }
    assert_int_equal(err, RELAY_E_TLS);
    assert_in_range(n, 2, 64);
    assert_int_equal(relay_tls_fail(server), RELAY_TLS_FAIL_EMPTY);
    assert_string_equal(relay_tls_fail_label(relay_tls_fail(server)), "empty_flood");
    kit_peer_free(&peer);
    relay_tls_free(server);
}

static void a_flood_of_warnings_closes(void **state)
{
    static const char warning[] = {SSL3_AL_WARNING, SSL_AD_USER_CANCELLED};
    struct kit_peer peer;
    struct forger f;
    struct relay_tls *server = stands(&peer, &f);
    int err = 0, n = 0;

    (void)state;
    while (err == 0 && n < 1000) {
        err = forge(&f, server, SSL3_RT_ALERT, warning, sizeof warning);
        n++;
    }
    assert_int_equal(err, RELAY_E_TLS);
    assert_in_range(n, 2, 16);
    assert_int_equal(relay_tls_fail(server), RELAY_TLS_FAIL_EMPTY);
    kit_peer_free(&peer);
    relay_tls_free(server);
}

/* The same in the clear, in place of a ClientHello. */
static void a_flood_before_the_handshake_closes(void **state)
{
    static const struct {
        const char *record;
        size_t n;
    } rows[] = {
        {"\x15\x03\x01\x00\x02\x01\x5a", 7}, /* warning: user_canceled */
        {"\x16\x03\x01\x00\x00", 5},         /* handshake, empty */
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct relay_tls *server = relay_tls_server(server_ctx);
        int err = 0, n = 0;

        while (err == 0 && n < 1000) {
            assert_int_equal(relay_tls_feed(server, rows[i].record, rows[i].n), 0);
            err = relay_tls_poll(server, 0);
            n++;
        }
        assert_int_equal(err, RELAY_E_TLS);
        assert_in_range(n, 1, 64);
        relay_tls_free(server);
    }
}

/* T13: 8 in 10 s are allowed, the ninth closes; a slow trickle is allowed for ever. */
static void a_flood_of_key_updates_closes(void **state)
{
    struct relay_tls *server = relay_tls_server(server_ctx);
    struct kit_peer peer = kit_peer();
    int64_t now_ms = 5;
    char got[16];

    (void)state;
    assert_int_equal(kit_shake(server, &peer), 0);
    for (int i = 0; i < 100; i++, now_ms += RELAY_TLS_KEY_UPDATES_MS / 8 + 1) {
        SSL_key_update(peer.ssl, SSL_KEY_UPDATE_REQUESTED);
        assert_int_equal(SSL_do_handshake(peer.ssl), 1);
        assert_int_equal(kit_from_peer(server, &peer, now_ms), 0);
        kit_to_peer(server, &peer);
    }
    now_ms += RELAY_TLS_KEY_UPDATES_MS;
    for (int i = 1; i <= RELAY_TLS_KEY_UPDATES + 1; i++) {
        SSL_key_update(peer.ssl, SSL_KEY_UPDATE_NOT_REQUESTED);
        assert_int_equal(SSL_do_handshake(peer.ssl), 1);
        assert_int_equal(kit_from_peer(server, &peer, now_ms++),
                         i <= RELAY_TLS_KEY_UPDATES ? 0 : RELAY_E_TLS);
    }
    assert_int_equal(relay_tls_fail(server), RELAY_TLS_FAIL_KEY_UPDATE);
    assert_string_equal(relay_tls_fail_label(relay_tls_fail(server)), "keyupdate_flood");
    /* it stays closed */
    assert_int_equal(SSL_write(peer.ssl, "x", 1), 1);
    assert_int_equal(kit_from_peer(server, &peer, now_ms), RELAY_E_TLS);
    assert_int_equal(relay_tls_read(server, now_ms + 100000, got, sizeof got), RELAY_E_TLS);
    assert_int_equal(relay_tls_write(server, "x", 1), RELAY_E_TLS);
    kit_peer_free(&peer);
    relay_tls_free(server);
}

/* All of a flood in one read, with plaintext behind it: nothing behind the limit comes out. */
static void a_flood_in_one_piece_closes(void **state)
{
    struct relay_tls *server = relay_tls_server(server_ctx);
    struct kit_peer peer = kit_peer();

    (void)state;
    assert_int_equal(kit_shake(server, &peer), 0);
    for (int i = 0; i < 1000; i++) {
        SSL_key_update(peer.ssl, SSL_KEY_UPDATE_NOT_REQUESTED);
        assert_int_equal(SSL_do_handshake(peer.ssl), 1);
    }
    assert_int_equal(SSL_write(peer.ssl, "x", 1), 1);
    assert_int_equal(kit_from_peer(server, &peer, 0), RELAY_E_TLS);
    assert_int_equal(relay_tls_fail(server), RELAY_TLS_FAIL_KEY_UPDATE);
    kit_peer_free(&peer);
    relay_tls_free(server);
}

/* T13 */
static void renegotiation_is_refused(void **state)
{
    struct relay_tls *server = relay_tls_server(server_ctx);
    struct kit_peer peer = kit_peer();
    char got[16];

    (void)state;
    SSL_set_max_proto_version(peer.ssl, TLS1_2_VERSION);
    assert_int_equal(kit_shake(server, &peer), 0);
    assert_int_equal(SSL_renegotiate(peer.ssl), 1);
    (void)SSL_do_handshake(peer.ssl);
    (void)kit_from_peer(server, &peer, 0);
    kit_to_peer(server, &peer);
    assert_true(SSL_do_handshake(peer.ssl) <= 0);
    assert_int_equal(SSL_get_error(peer.ssl, -1), SSL_ERROR_SSL);
    assert_int_equal(ERR_GET_REASON(ERR_peek_last_error()), SSL_R_NO_RENEGOTIATION);
    assert_int_equal(relay_tls_read(server, 0, got, sizeof got), 0); /* and nothing came of it */
    kit_peer_free(&peer);
    relay_tls_free(server);
}

/* T13: a peer may not send for ever before the handshake stands. */
static void a_handshake_has_a_size(void **state)
{
    struct relay_tls *server = relay_tls_server(server_ctx);
    /* a ClientHello of 100,000 octets (OpenSSL would take 131,396), in records of 16 KiB */
    char record[5 + RELAY_TLS_RECORD] = {22, 3, 1, 0x40, 0, 1, 1, (char)0x86, (char)0xa0};
    size_t fed = 0;
    int err = 0;

    (void)state;
    while (err == 0 && fed < 100000) {
        assert_int_equal(relay_tls_feed(server, record + fed % sizeof record, 1), 0);
        err = relay_tls_poll(server, 0);
        fed++;
        if (fed == sizeof record)
            memset(record + 5, 0, 4); /* the records behind the first go on with the message */
    }
    assert_int_equal(err, RELAY_E_TLS);
    assert_int_equal(relay_tls_fail(server), RELAY_TLS_FAIL_SHAKE_SIZE);
    assert_int_equal(fed, RELAY_TLS_SHAKE_MAX + 1);
    assert_string_equal(relay_tls_error(server), "the handshake is too large");
    relay_tls_free(server);
}

/* --- chains of a client's certificates, where the server asks for them --- */

/* A handshake of a client that shows a chain of `more` CAs below ours, with a name of `pad` octets
 * in each. Its result; *names_n is what the server takes from it. */
static int show_chain(int version, int more, size_t pad, size_t *names_n, enum relay_tls_fail *fail)
{
    struct relay_ctx *ctx = kit_server_ctx(&leaf);
    struct kit_cert chain[16], own;
    struct kit_peer peer = kit_peer();
    struct relay_tls *server;
    struct relay_tls_names names;
    char *san = calloc(1, pad + 100);
    int err;

    kit_ask(ctx, &ca);
    for (int i = 0; i < more; i++) {
        char cn[20];

        snprintf(cn, sizeof cn, "CA %d", i);
        chain[i] = kit_cert(cn, NULL, i ? &chain[i - 1] : &ca);
    }
    strcpy(san, "DNS:peer.example");
    for (size_t n = strlen(san); n < pad; n += 39)
        sprintf(san + n, ",DNS:%034zu", n);
    own = kit_cert("peer", san, more ? &chain[more - 1] : &ca);
    assert_int_equal(SSL_use_certificate(peer.ssl, own.cert), 1);
    assert_int_equal(SSL_use_PrivateKey(peer.ssl, own.key), 1);
    for (int i = more - 1; i >= 0; i--)
        assert_int_equal(SSL_add1_chain_cert(peer.ssl, chain[i].cert), 1);
    SSL_set_max_proto_version(peer.ssl, version);
    server = relay_tls_server(ctx);
    err = kit_shake(server, &peer);
    *fail = relay_tls_fail(server);
    relay_tls_names(server, &names);
    *names_n = names.n;
    relay_tls_free(server);
    kit_peer_free(&peer);
    kit_cert_free(&own);
    for (int i = 0; i < more; i++)
        kit_cert_free(&chain[i]);
    relay_ctx_unref(ctx);
    free(san);
    return err;
}

/* 4 certificates with the anchor are the most that is followed; more octets than 16 KiB are not
 * even read. */
static void a_chain_has_an_end(void **state)
{
    (void)state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        enum relay_tls_fail fail;
        size_t names_n;

        for (int more = 0; more <= 15; more++) {
            assert_int_equal(show_chain(version, more, 0, &names_n, &fail), 0);
            assert_int_equal(names_n, more <= RELAY_CTX_CHAIN_MAX - 2);
        }
        assert_int_equal(show_chain(version, 0, 12000, &names_n, &fail), 0);
        assert_int_equal(names_n, RELAY_TLS_NAMES_MAX);
        assert_int_equal(show_chain(version, 0, 20000, &names_n, &fail), RELAY_E_TLS);
        assert_int_equal(names_n, 0);
        assert_true(fail == RELAY_TLS_FAIL_CERT || fail == RELAY_TLS_FAIL_SHAKE_SIZE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flood_of_empty_records_closes),
        cmocka_unit_test(a_flood_of_warnings_closes),
        cmocka_unit_test(a_flood_before_the_handshake_closes),
        cmocka_unit_test(a_flood_of_key_updates_closes),
        cmocka_unit_test(a_flood_in_one_piece_closes),
        cmocka_unit_test(renegotiation_is_refused),
        cmocka_unit_test(a_handshake_has_a_size),
        cmocka_unit_test(a_chain_has_an_end),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
