/* TLS as bytes in, bytes out: handshakes, floods, what is refused, what it costs. */
#include <malloc.h>
#include <stdio.h>

#include "tests/relay/tls_kit.h"
#include "tests/row.h"

static struct kit_cert ca, leaf;
static struct relay_ctx *server_ctx, *client_ctx;

/* Octets that OpenSSL has on the heap. */
static size_t held;

static void *count_malloc(size_t n, const char *file, int line)
{
    void *p = malloc(n);

    (void)file, (void)line;
    held += p ? malloc_usable_size(p) : 0;
    return p;
}

static void count_free(void *p, const char *file, int line)
{
    (void)file, (void)line;
    held -= p ? malloc_usable_size(p) : 0;
    free(p);
}

static void *count_realloc(void *p, size_t n, const char *file, int line)
{
    (void)file, (void)line;
    held -= p ? malloc_usable_size(p) : 0;
    p = realloc(p, n);
    held += p ? malloc_usable_size(p) : 0;
    return p;
}

static int setup(void **state)
{
    (void)state;
    ca = kit_cert("test CA", NULL, NULL);
    leaf = kit_cert("leaf", "DNS:" KIT_NAME, &ca);
    server_ctx = kit_server_ctx(&leaf);
    client_ctx = kit_client_ctx(&ca);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    relay_ctx_unref(server_ctx);
    relay_ctx_unref(client_ctx);
    kit_cert_free(&ca);
    kit_cert_free(&leaf);
    return 0;
}

/* Moves ciphertext from one of ours to the other in pieces of at most `step` octets. Plaintext
 * that comes out is added to `text`. Returns the last result of relay_tls_read. */
static ssize_t move(struct relay_tls *from, struct relay_tls *to, size_t step, char *text,
                    size_t *text_n)
{
    const char *p;
    size_t n;
    ssize_t got = 0;

    while ((n = relay_tls_output(from, &p)) > 0) {
        char piece[4096], plain[700];

        n = n < step ? n : step;
        n = n < sizeof piece ? n : sizeof piece;
        memcpy(piece, p, n);
        relay_tls_sent(from, n);
        assert_int_equal(relay_tls_feed(to, piece, n), 0);
        while ((got = relay_tls_read(to, 0, plain, sizeof plain)) > 0) {
            memcpy(text + *text_n, plain, (size_t)got);
            *text_n += (size_t)got;
        }
        memset(piece, 0xee, sizeof piece); /* the borrowed octets are gone */
        if (got < 0)
            break;
    }
    return got;
}

static int shake(struct relay_tls *server, struct relay_tls *client, size_t step)
{
    char text[1];
    size_t n = 0;

    assert_int_equal(relay_tls_read(client, 0, NULL, 0), 0);
    for (int i = 0; i < 4; i++) {
        ssize_t err = move(client, server, step, text, &n);

        if (err == 0)
            err = move(server, client, step, text, &n);
        if (err < 0)
            return (int)err;
    }
    return relay_tls_is_ready(server) && relay_tls_is_ready(client) ? 0 : -1;
}

static void speak(size_t step)
{
    struct relay_tls *server = relay_tls_server(server_ctx);
    struct relay_tls *client = relay_tls_client(client_ctx, KIT_NAME);
    char sent[RELAY_TLS_RECORD + 1], got[4 * RELAY_TLS_RECORD];
    size_t n = 0, sizes[] = {1, 200, 701, RELAY_TLS_RECORD};
    const char *p;

    for (size_t i = 0; i < sizeof sent; i++)
        sent[i] = (char)(i * 31);
    assert_int_equal(shake(server, client, step), 0);
    assert_int_equal(relay_tls_fail(server), RELAY_TLS_FAIL_NONE);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        n = 0;
        assert_int_equal(relay_tls_write(client, sent, sizes[i]), sizes[i]);
        assert_int_equal(move(client, server, step, got, &n), 0);
        assert_int_equal(n, sizes[i]);
        assert_memory_equal(got, sent, n);
        n = 0;
        assert_int_equal(relay_tls_write(server, sent, sizes[i]), sizes[i]);
        assert_int_equal(move(server, client, step, got, &n), 0);
        assert_int_equal(n, sizes[i]);
        assert_memory_equal(got, sent, n);
    }
    /* more than a record is taken in parts, so that a slow peer costs one record */
    assert_int_equal(relay_tls_write(server, sent, sizeof sent), RELAY_TLS_RECORD);
    n = relay_tls_output(server, &p);
    assert_in_range(n, RELAY_TLS_RECORD, RELAY_TLS_RECORD + 64);
    n = 0;
    relay_tls_bye(server);
    relay_tls_bye(server);
    assert_int_equal(move(server, client, step, got, &n), RELAY_E_END);
    assert_int_equal(n, RELAY_TLS_RECORD);
    relay_tls_free(server);
    relay_tls_free(client);
}

static void both_sides_in_memory(void **state)
{
    (void)state;
    speak(4096);
}

static void ciphertext_one_octet_at_a_time(void **state)
{
    (void)state;
    speak(1);
}

static void held_input_survives_its_buffer(void **state)
{
    struct relay_tls *server = relay_tls_server(server_ctx);
    struct relay_tls *client = relay_tls_client(client_ctx, KIT_NAME);
    char buffer[256], got[64];
    const char *p;
    size_t n;

    (void)state;
    assert_int_equal(shake(server, client, 4096), 0);
    for (int i = 0; i < 2; i++) { /* the second is appended to what is held */
        assert_int_equal(relay_tls_write(client, i ? "two" : "one", 3), 3);
        n = relay_tls_output(client, &p);
        memcpy(buffer, p, n);
        relay_tls_sent(client, n);
        assert_int_equal(relay_tls_feed(server, buffer, n), 0);
        assert_int_equal(relay_tls_poll(server, 0), 1);
        assert_int_equal(relay_tls_hold(server), 0);
        memset(buffer, 0xee, sizeof buffer);
    }
    assert_int_equal(relay_tls_read(server, 0, got, 2), 2);
    assert_int_equal(relay_tls_read(server, 0, got + 2, sizeof got - 2), 1);
    assert_int_equal(relay_tls_read(server, 0, got + 3, sizeof got - 3), 3);
    assert_memory_equal(got, "onetwo", 6);
    assert_int_equal(relay_tls_read(server, 0, got, sizeof got), 0);
    relay_tls_free(server);
    relay_tls_free(client);
}

/* The client's side of threat T12. */
static void a_client_checks_chain_and_name(void **state)
{
    static const struct {
        const char *host;
        bool own_ca;
        enum relay_tls_fail fail;
    } rows[] = {
        {KIT_NAME, true, RELAY_TLS_FAIL_NONE},
        {"other.iops.example", true, RELAY_TLS_FAIL_CERT},
        {"iops.example", true, RELAY_TLS_FAIL_CERT},
        {KIT_NAME, false, RELAY_TLS_FAIL_CERT},
    };
    struct kit_cert stranger = kit_cert("other CA", NULL, NULL);
    struct relay_ctx *strange = kit_client_ctx(&stranger);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct relay_tls *server = relay_tls_server(server_ctx);
        struct relay_tls *client =
            relay_tls_client(rows[i].own_ca ? client_ctx : strange, rows[i].host);
        int err = shake(server, client, 4096);

        assert_int_equal(err, rows[i].fail ? RELAY_E_TLS : 0);
        assert_int_equal(relay_tls_fail(client), rows[i].fail);
        if (rows[i].fail)
            assert_non_null(strstr(relay_tls_error(client),
                                   rows[i].own_ca ? "hostname mismatch" : "unable to get"));
        relay_tls_free(server);
        relay_tls_free(client);
    }
    relay_ctx_unref(strange);
    kit_cert_free(&stranger);
}

/* T12: old versions, no forward secrecy, CBC. */
static void old_tls_is_refused(void **state)
{
    static const struct {
        int version;
        const char *ciphers;
        enum relay_tls_fail fail;
    } rows[] = {
        {TLS1_3_VERSION, NULL, RELAY_TLS_FAIL_NONE},
        {TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256", RELAY_TLS_FAIL_NONE},
        {TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305", RELAY_TLS_FAIL_NONE},
        {TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA", RELAY_TLS_FAIL_CIPHER},
        {TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA256", RELAY_TLS_FAIL_CIPHER},
        {TLS1_2_VERSION, "AES128-GCM-SHA256", RELAY_TLS_FAIL_CIPHER},
        {TLS1_2_VERSION, "AES128-SHA", RELAY_TLS_FAIL_CIPHER},
        {TLS1_2_VERSION, "DHE-RSA-AES128-GCM-SHA256", RELAY_TLS_FAIL_CIPHER},
        {TLS1_1_VERSION, NULL, RELAY_TLS_FAIL_VERSION},
        {TLS1_VERSION, NULL, RELAY_TLS_FAIL_VERSION},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct relay_tls *server = relay_tls_server(server_ctx);
        struct kit_peer peer = kit_peer();

        SSL_set_min_proto_version(peer.ssl, rows[i].version);
        SSL_set_max_proto_version(peer.ssl, rows[i].version);
        if (rows[i].ciphers)
            assert_int_equal(SSL_set_cipher_list(peer.ssl, rows[i].ciphers), 1);
        assert_int_equal(kit_shake(server, &peer), rows[i].fail ? RELAY_E_TLS : 0);
        assert_int_equal(relay_tls_fail(server), rows[i].fail);
        kit_peer_free(&peer);
        relay_tls_free(server);
    }
    row_passed("R22");
}

static void no_session_is_resumed(void **state)
{
    SSL_SESSION *session = NULL;

    (void)state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        for (int round = 0; round < 2; round++) {
            struct relay_tls *server = relay_tls_server(server_ctx);
            struct kit_peer peer = kit_peer();

            SSL_set_max_proto_version(peer.ssl, version);
            if (session)
                SSL_set_session(peer.ssl, session);
            assert_int_equal(kit_shake(server, &peer), 0);
            kit_to_peer(server, &peer);
            assert_false(SSL_session_reused(peer.ssl));
            assert_int_equal(SSL_SESSION_has_ticket(SSL_get0_session(peer.ssl)), 0);
            assert_int_equal(SSL_SESSION_get_max_early_data(SSL_get0_session(peer.ssl)), 0);
            SSL_SESSION_free(session);
            session = round ? NULL : SSL_get1_session(peer.ssl);
            kit_peer_free(&peer);
            relay_tls_free(server);
        }
    }
}

/* Data may follow the last flight of the handshake in one segment, and more of it than a handshake
 * may have. */
static void data_behind_the_handshake_is_no_handshake(void **state)
{
    struct relay_tls *server = relay_tls_server(server_ctx);
    struct kit_peer peer = kit_peer();
    static char data[4 * RELAY_TLS_SHAKE_MAX], got[sizeof data];
    size_t got_n = 0;
    ssize_t n;

    (void)state;
    (void)SSL_do_handshake(peer.ssl);
    assert_int_equal(kit_from_peer(server, &peer, 0), 0);
    kit_to_peer(server, &peer);
    assert_int_equal(SSL_do_handshake(peer.ssl), 1);
    memset(data, 'd', sizeof data);
    assert_int_equal(SSL_write(peer.ssl, data, sizeof data), sizeof data);
    assert_int_equal(kit_from_peer(server, &peer, 0), 1);
    while ((n = relay_tls_read(server, 0, got + got_n, sizeof got - got_n)) > 0)
        got_n += (size_t)n;
    assert_int_equal(got_n, sizeof data);
    assert_memory_equal(got, data, sizeof data);
    kit_peer_free(&peer);
    relay_tls_free(server);
}

static void garbage_is_refused(void **state)
{
    static const char *const texts[] = {"MSRP a786hjs2 SEND\r\nTo-Path: ", "GET / HTTP/1.1\r\n\r\n",
                                        "\x16\x03\x01\xff\xff\x01\x02\x03\x04\x05\x06\x07"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct relay_tls *server = relay_tls_server(server_ctx);

        assert_int_equal(relay_tls_feed(server, texts[i], strlen(texts[i])), 0);
        assert_int_equal(relay_tls_poll(server, 0), RELAY_E_TLS);
        assert_true(strlen(relay_tls_error(server)) > 0);
        assert_int_equal(ERR_peek_error(), 0);
        relay_tls_free(server);
    }
}

static void a_forged_record_is_refused(void **state)
{
    struct relay_tls *server = relay_tls_server(server_ctx);
    struct kit_peer peer = kit_peer();
    char *p;
    long n;

    (void)state;
    assert_int_equal(kit_shake(server, &peer), 0);
    assert_int_equal(SSL_write(peer.ssl, "x", 1), 1);
    n = BIO_get_mem_data(peer.out, &p);
    p[n - 1] ^= 1;
    assert_int_equal(kit_from_peer(server, &peer, 0), RELAY_E_TLS);
    kit_peer_free(&peer);
    relay_tls_free(server);
}

/* What OpenSSL holds for an idle connection that has read and written. Ours is struct relay_tls
 * alone: input is borrowed, output was sent. */
static void an_idle_connection_is_small(void **state)
{
    enum { N = 200 };
    struct relay_tls *servers[N];
    size_t before = 0, after = 0;
    char got[4096];
    size_t got_n;

    (void)state;
    for (int i = 0; i < N; i++) {
        struct kit_peer peer = kit_peer();

        if (i == N / 2) /* the first half warms up what is made once */
            before = held;
        servers[i] = relay_tls_server(server_ctx);
        assert_int_equal(kit_shake(servers[i], &peer), 0);
        assert_int_equal(SSL_write(peer.ssl, got, sizeof got), sizeof got);
        assert_int_equal(kit_from_peer(servers[i], &peer, 0), 1);
        for (got_n = 0; got_n < sizeof got;) {
            ssize_t n = relay_tls_read(servers[i], 0, got, sizeof got);

            assert_true(n > 0);
            got_n += (size_t)n;
        }
        assert_int_equal(relay_tls_read(servers[i], 0, got, sizeof got), 0);
        assert_int_equal(relay_tls_write(servers[i], got, sizeof got), sizeof got);
        kit_to_peer(servers[i], &peer);
        kit_peer_free(&peer);
    }
    after = held;
    for (int i = 0; i < N; i++)
        relay_tls_free(servers[i]);
    printf("idle TLS 1.3 connection: %zu octets\n", (after - before) / (N - N / 2));
    assert_in_range((after - before) / (N - N / 2), 1, 16 * 1024);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_sides_in_memory),
        cmocka_unit_test(ciphertext_one_octet_at_a_time),
        cmocka_unit_test(held_input_survives_its_buffer),
        cmocka_unit_test(a_client_checks_chain_and_name),
        cmocka_unit_test(old_tls_is_refused),
        cmocka_unit_test(no_session_is_resumed),
        cmocka_unit_test(data_behind_the_handshake_is_no_handshake),
        cmocka_unit_test(garbage_is_refused),
        cmocka_unit_test(a_forged_record_is_refused),
        cmocka_unit_test(an_idle_connection_is_small),
    };

    if (CRYPTO_set_mem_functions(count_malloc, count_realloc, count_free) != 1)
        return 1;
    return cmocka_run_group_tests(tests, setup, teardown);
}
