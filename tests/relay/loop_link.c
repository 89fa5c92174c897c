/* Peers are dialled: every address in turn, with TLS both ways, and never what is none of theirs.
 */
#include "tests/relay/loop_kit.h"

#include <netdb.h>
#include <netinet/tcp.h>

#include "relay/loop/street.h"
#include "tests/row.h"

#define PEER "relay-b.iops.example"

/* --- the resolver of these tests: what a name means is in the name --- */

static volatile unsigned *lookups; /* shared with the child */

static struct addrinfo *add(struct addrinfo *next, int family, const char *text)
{
    struct addrinfo *info = calloc(1, sizeof *info + sizeof(struct sockaddr_in6));

    info->ai_family = family;
    info->ai_socktype = SOCK_STREAM;
    info->ai_addr = (struct sockaddr *)(info + 1);
    info->ai_next = next;
    if (family == AF_INET) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)info->ai_addr;

        info->ai_addrlen = sizeof *v4;
        v4->sin_family = AF_INET;
        assert_int_equal(inet_pton(AF_INET, text, &v4->sin_addr), 1);
    } else {
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)info->ai_addr;

        info->ai_addrlen = sizeof *v6;
        v6->sin6_family = AF_INET6;
        assert_int_equal(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
    }
    return info;
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **list)
{
    unsigned n = __sync_add_and_fetch(lookups, 1);

    (void)service, (void)hints;
    *list = NULL;
    if (strcmp(name, "once.example") == 0 && n > 1)
        return EAI_AGAIN;
    if (strcmp(name, "silent.example") == 0)
        sleep(30); /* longer than any stop may take */
    if (strcmp(name, "none.example") == 0)
        return EAI_NONAME;
    if (strcmp(name, "turns.example") == 0) /* three that are not there, one that is */
        *list =
            add(add(add(add(NULL, AF_INET, "127.0.0.1"), AF_INET6, "::1"), AF_INET, "127.0.0.9"),
                AF_INET, "0.0.0.0");
    else if (strcmp(name, "barred.example") == 0)
        *list = add(add(add(add(add(NULL, AF_INET6, "::ffff:0.0.0.0"), AF_INET6, "ff02::1"),
                            AF_INET, "169.254.1.1"),
                        AF_INET6, "::"),
                    AF_INET, "224.0.0.1");
    else
        *list = add(NULL, AF_INET, "127.0.0.1");
    return 0;
}

void freeaddrinfo(struct addrinfo *list)
{
    while (list) {
        struct addrinfo *next = list->ai_next;

        free(list);
        list = next;
    }
}

/* --- the far end: OpenSSL, not ours --- */

struct far {
    int fd, conn;
    SSL_CTX *ctx;
    SSL *ssl;
    char sni[100];
    char connect[64];
    uint16_t port;
};

static int note_sni(SSL *ssl, int *alert, void *arg)
{
    struct far *far = arg;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

    (void)alert;
    snprintf(far->sni, sizeof far->sni, "%s", name ? name : "(none)");
    return SSL_TLSEXT_ERR_OK;
}

/* Listens on loopback with this certificate; asks for one of `ca`. */
static void far_open(struct far *far, const struct kit_cert *own, const struct kit_cert *ca,
                     bool v6)
{
    const struct kit where = {.v6 = v6};
    struct sockaddr_storage sa = kit_address(&where, 0);
    socklen_t n = sizeof sa;

    *far = (struct far){.fd = socket(sa.ss_family, SOCK_STREAM, 0), .conn = -1};
    assert_int_equal(bind(far->fd, (struct sockaddr *)&sa, sizeof sa), 0);
    assert_int_equal(listen(far->fd, 16), 0);
    assert_int_equal(getsockname(far->fd, (struct sockaddr *)&sa, &n), 0);
    far->port =
        ntohs(v6 ? ((struct sockaddr_in6 *)&sa)->sin6_port : ((struct sockaddr_in *)&sa)->sin_port);
    snprintf(far->connect, sizeof far->connect, v6 ? "[::1]:%u" : "127.0.0.1:%u", far->port);
    far->ctx = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate(far->ctx, own->cert), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(far->ctx, own->key), 1);
    assert_int_equal(X509_STORE_add_cert(SSL_CTX_get_cert_store(far->ctx), ca->cert), 1);
    SSL_CTX_set_verify(far->ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_tlsext_servername_callback(far->ctx, note_sni);
    SSL_CTX_set_tlsext_servername_arg(far->ctx, far);
}

static void far_hang_up(struct far *far)
{
    SSL_free(far->ssl);
    if (far->conn >= 0)
        close(far->conn);
    far->ssl = NULL;
    far->conn = -1;
}

static void far_close(struct far *far)
{
    far_hang_up(far);
    SSL_CTX_free(far->ctx);
    close(far->fd);
}

/* Takes the next connection within ms; true when one came. */
static bool far_accept(struct far *far, int ms)
{
    struct pollfd waits = {far->fd, POLLIN, 0};
    const struct timeval patience = {5, 0};

    if (poll(&waits, 1, ms) <= 0)
        return false;
    far->conn = accept(far->fd, NULL, NULL);
    assert_true(far->conn >= 0);
    setsockopt(far->conn, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return true;
}

/* The handshake on it; true when it stands. */
static bool far_shake(struct far *far)
{
    far->ssl = SSL_new(far->ctx);
    SSL_set_fd(far->ssl, far->conn);
    return SSL_accept(far->ssl) == 1;
}

/* --- the near end --- */

static unsigned dials; /* in the child: how many more */

static void dial(struct kit *kit)
{
    if (dials == 0 || kit->loop->links)
        return;
    dials--;
    relay_link_dial(kit->loop, 0);
}

/* A relay that dials this peer, `times` times one after the other. */
static void start(struct kit *kit, const struct relay_peer_conf *peer, unsigned times)
{
    kit->loop_conf.peers = kit->sim.conf.peers = peer;
    kit->loop_conf.peers_n = kit->sim.conf.peers_n = 1;
    kit->loop_conf.poll_ms = 20;
    kit->in_child = dial;
    dials = times;
    *lookups = 0;
    if (!kit->peer)
        kit->peer = kit_peer_ctx(&kit->leaf, &kit->ca);
    kit_start(kit);
}

static bool fails_with(const struct kit *kit, const char *text, unsigned times)
{
    if (!KIT_REACHES(kit->shared->counts.n[RELAY_LOOP_DIAL_FAILED], times, 5000))
        fail_msg("the dial does not fail");
    if (strcmp(kit->shared->note, text) != 0)
        fail_msg("\"%s\" instead of \"%s\"", kit->shared->note, text);
    return true;
}

static bool is_told(const struct kit *kit, unsigned conns)
{
    return KIT_REACHES(kit->shared->conns, conns, 5000) && kit->shared->conns == conns;
}

/* Says something that every MSRP connection answers, and hears the answer. */
static void converse(struct far *far, bool tls)
{
    static const char text[] = "MSRP aaaa1111 AUTH\r\nTo-Path: msrps://" SIM_NAME ":2855;tcp\r\n"
                               "From-Path: msrps://" PEER ":2855;tcp\r\n-------aaaa1111$\r\n";
    char heard[2000] = "";
    ssize_t n;

    if (tls) {
        assert_int_equal(SSL_write(far->ssl, text, sizeof text - 1), sizeof text - 1);
        n = SSL_read(far->ssl, heard, sizeof heard - 1);
    } else {
        assert_int_equal(write(far->conn, text, sizeof text - 1), sizeof text - 1);
        n = read(far->conn, heard, sizeof heard - 1);
    }
    assert_true(n > 0);
    heard[n] = '\0';
    assert_ptr_equal(strstr(heard, "MSRP aaaa1111 40"), heard);
}

/* Both sides prove their names, SNI is sent, no ALPN, and the stream is one like all others. */
static void a_peer_is_dialled_over_tls(void **state)
{
    (void)state;
    for (int v6 = 0; v6 < 2; v6++) {
        struct kit kit;
        struct kit_cert own;
        struct far far;
        const unsigned char *alpn;
        unsigned alpn_n;
        X509 *shown;

        kit_init(&kit);
        own = kit_cert("peer", "DNS:" PEER, &kit.ca);
        far_open(&far, &own, &kit.ca, v6);
        struct relay_peer_conf peer = {
            .name = PEER, .port = 2855, .connect = far.connect, .tls = true};
        start(&kit, &peer, 1);
        assert_true(far_accept(&far, 5000));
        assert_true(far_shake(&far));
        assert_string_equal(far.sni, PEER);
        SSL_get0_alpn_selected(far.ssl, &alpn, &alpn_n);
        assert_int_equal(alpn_n, 0);
        shown = SSL_get0_peer_certificate(far.ssl);
        assert_int_equal(X509_check_host(shown, KIT_NAME, 0, 0, NULL), 1);
        assert_int_equal(SSL_get_verify_result(far.ssl), X509_V_OK);
        converse(&far, true);
        assert_true(is_told(&kit, 1));
        assert_string_equal(kit.shared->source, v6 ? "::1" : "127.0.0.1");
        assert_int_equal(kit.shared->counts.n[RELAY_LOOP_DIALLED], 1);
        assert_int_equal(kit.shared->counts.n[RELAY_LOOP_DIAL_FAILED], 0);
        far_close(&far);
        kit_cert_free(&own);
        kit_stop(&kit);
    }
    row_passed("R21");
}

/* A certificate that is none of the peer's: the relay is told nothing of the connection. row U11 */
static void a_peer_must_prove_its_name(void **state)
{
    static const struct {
        const char *san;
        bool other_ca;
        const char *reason;
    } rows[] = {
        {"DNS:relay-c.iops.example", false, "hostname mismatch"},
        {"DNS:*.iops.example", false, "hostname mismatch"},
        {"IP:127.0.0.1", false, "hostname mismatch"},
        {"", false, "hostname mismatch"}, /* CN is not looked at */
        {"DNS:" PEER, true, "unable to get local issuer certificate"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct kit kit;
        struct kit_cert own, ca;
        struct far far;
        char text[500];

        kit_init(&kit);
        ca = kit_cert("other CA", NULL, NULL);
        own = kit_cert(PEER, rows[i].san, rows[i].other_ca ? &ca : &kit.ca);
        far_open(&far, &own, &kit.ca, false);
        struct relay_peer_conf peer = {
            .name = PEER, .port = 2855, .connect = far.connect, .tls = true};
        start(&kit, &peer, 1);
        assert_true(far_accept(&far, 5000));
        assert_false(far_shake(&far));
        snprintf(text, sizeof text,
                 PEER ": the certificate of %s is not taken (%s); it needs DNS:" PEER
                      " in its subjectAltName, and a CA that stands in peers_ca",
                 far.connect, rows[i].reason);
        assert_true(fails_with(&kit, text, 1));
        assert_int_equal(kit.shared->conns, 0);
        far_close(&far);
        kit_cert_free(&own);
        kit_cert_free(&ca);
        kit_stop(&kit);
    }
    row_passed("U11");
}

/* Nobody there, somebody who says nothing, and somebody who speaks no TLS. */
static void a_peer_that_is_not_there(void **state)
{
    (void)state;
    for (int how = 0; how < 3; how++) {
        struct kit kit;
        struct far far;
        char text[500];

        kit_init(&kit);
        far_open(&far, &kit.leaf, &kit.ca, false);
        struct relay_peer_conf peer = {
            .name = PEER, .port = 2855, .connect = far.connect, .tls = true};
        if (how == 0)
            close(far.fd);
        if (how == 1)
            kit.loop_conf.handshake_ms = 300;
        start(&kit, &peer, 1);
        if (how == 2) {
            assert_true(far_accept(&far, 5000));
            assert_int_equal(write(far.conn, "220 mail.example ready\r\n", 24), 24);
            snprintf(text, sizeof text,
                     PEER ": TLS with %s fails (wrong version number); see that connect and port "
                          "are those of its TLS listener, and that its CA for relays is that of "
                          "our certificate",
                     far.connect);
        } else {
            snprintf(text, sizeof text,
                     PEER ": %s does not answer (%s); see that the relay runs there, and that no "
                          "firewall is in between",
                     far.connect, how == 0 ? "connection refused" : "timed out");
        }
        assert_true(fails_with(&kit, text, 1));
        assert_int_equal(kit.shared->conns, 0);
        far_close(&far);
        kit_stop(&kit);
    }
}

/* A name has several addresses: the first that works is taken. row U5 */
static void every_address_is_tried(void **state)
{
    struct kit kit;
    struct kit_cert own;
    struct far far;

    (void)state;
    kit_init(&kit);
    own = kit_cert("peer", "DNS:turns.example", &kit.ca);
    far_open(&far, &own, &kit.ca, false);
    struct relay_peer_conf peer = {.name = "turns.example", .port = far.port, .tls = true};
    start(&kit, &peer, 1);
    assert_true(far_accept(&far, 5000));
    assert_true(far_shake(&far));
    converse(&far, true);
    assert_true(is_told(&kit, 1));
    assert_int_equal(*lookups, 1);
    /* 0.0.0.0 was not tried, 127.0.0.9 and [::1] were */
    assert_int_equal(kit.shared->counts.n[RELAY_LOOP_DIALLED], 3);
    assert_int_equal(kit.shared->counts.n[RELAY_LOOP_DIAL_FAILED], 0);
    far_close(&far);
    kit_cert_free(&own);
    kit_stop(&kit);
    row_passed("U5");
}

/* Whatever the resolver says, addresses that are no relay's are left alone. (T19) */
static void some_addresses_are_not_dialled(void **state)
{
    struct kit kit;
    struct relay_peer_conf peer = {.name = "barred.example", .port = 2855, .tls = true};

    (void)state;
    kit_init(&kit);
    start(&kit, &peer, 1);
    assert_true(fails_with(&kit,
                           "barred.example: [::ffff:0.0.0.0]:2855 is an unspecified address, which "
                           "is not dialled; correct the peer's name in DNS or its connect",
                           1));
    assert_int_equal(kit.shared->counts.n[RELAY_LOOP_DIALLED], 0);
    kit_stop(&kit);
}

/* Without TLS only loopback is dialled. */
static void a_plain_peer_is_on_loopback(void **state)
{
    struct kit kit;
    struct far far;

    (void)state;
    kit_init(&kit);
    far_open(&far, &kit.leaf, &kit.ca, false);
    struct relay_peer_conf peer = {.name = PEER, .port = 2855, .connect = far.connect};
    start(&kit, &peer, 1);
    assert_true(far_accept(&far, 5000));
    converse(&far, false);
    assert_true(is_told(&kit, 1));
    far_close(&far);
    kit_stop(&kit);

    kit_init(&kit);
    peer.connect = "192.0.2.1:2855";
    start(&kit, &peer, 1);
    assert_true(fails_with(&kit,
                           PEER ": 192.0.2.1:2855 is not a loopback address, and the peer has tls: "
                                "off; write tls: on",
                           1));
    assert_int_equal(kit.shared->counts.n[RELAY_LOOP_DIALLED], 0);
    kit_stop(&kit);
}

/* A name that is not found; and one that was: its old address serves. */
static void a_name_that_is_not_found(void **state)
{
    struct kit kit;
    struct kit_cert own;
    struct far far;
    struct relay_peer_conf peer = {.name = "none.example", .port = 2855, .tls = true};

    (void)state;
    kit_init(&kit);
    start(&kit, &peer, 1);
    assert_true(fails_with(&kit,
                           "none.example: the name is not found (Name or service not known); write "
                           "connect: ADDRESS:PORT, or repair DNS",
                           1));
    kit_stop(&kit);

    kit_init(&kit);
    own = kit_cert("peer", "DNS:once.example", &kit.ca);
    far_open(&far, &own, &kit.ca, false);
    peer = (struct relay_peer_conf){.name = "once.example", .port = far.port, .tls = true};
    start(&kit, &peer, 2);
    for (int i = 1; i <= 2; i++) {
        assert_true(far_accept(&far, 5000));
        assert_true(far_shake(&far));
        converse(&far, true);
        assert_true(is_told(&kit, (unsigned)i));
        far_hang_up(&far);
    }
    assert_int_equal(*lookups, 2);
    far_close(&far);
    kit_cert_free(&own);
    kit_stop(&kit);
}

/* A stop waits for no name server and for no peer, and leaks nothing. */
static void a_stop_does_not_hang(void **state)
{
    struct kit kit;
    struct far far;
    struct relay_peer_conf peer = {.name = "silent.example", .port = 2855, .tls = true};

    (void)state;
    kit_init(&kit);
    start(&kit, &peer, 1);
    assert_true(kit_reaches(lookups, sizeof *lookups, 1, 5000));
    kit_stop(&kit);

    kit_init(&kit);
    far_open(&far, &kit.leaf, &kit.ca, false);
    peer = (struct relay_peer_conf){.name = PEER, .connect = far.connect, .tls = true};
    start(&kit, &peer, 1);
    assert_true(far_accept(&far, 5000)); /* and says nothing */
    kit_stop(&kit);
    far_close(&far);
}

/* The lookup has its share of the time, too. */
static void a_silent_name_server_ends_the_dial(void **state)
{
    struct kit kit;
    struct relay_peer_conf peer = {.name = "silent.example", .port = 2855, .tls = true};

    (void)state;
    kit_init(&kit);
    kit.loop_conf.handshake_ms = 300;
    start(&kit, &peer, 1);
    assert_true(fails_with(&kit,
                           "silent.example: the name is not found (no name server answers in "
                           "time); write connect: ADDRESS:PORT, or repair DNS",
                           1));
    kit_stop(&kit);
}

/* A new context dials from then on; the link that stands stays. */
static void without_a_certificate_nothing_is_dialled(void **state)
{
    struct kit kit;
    struct far far;

    (void)state;
    kit_init(&kit);
    far_open(&far, &kit.leaf, &kit.ca, false);
    struct relay_peer_conf peer = {.name = PEER, .port = 2855, .connect = far.connect, .tls = true};
    kit.loop_conf.peers = kit.sim.conf.peers = &peer;
    kit.loop_conf.peers_n = kit.sim.conf.peers_n = 1;
    kit.in_child = dial;
    dials = 1;
    kit_start(&kit);
    assert_true(fails_with(&kit,
                           PEER ": there is no certificate to dial with; write certificate, key "
                                "and peers_ca",
                           1));
    far_close(&far);
    kit_stop(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_peer_is_dialled_over_tls),
        cmocka_unit_test(a_peer_must_prove_its_name),
        cmocka_unit_test(a_peer_that_is_not_there),
        cmocka_unit_test(every_address_is_tried),
        cmocka_unit_test(some_addresses_are_not_dialled),
        cmocka_unit_test(a_plain_peer_is_on_loopback),
        cmocka_unit_test(a_name_that_is_not_found),
        cmocka_unit_test(a_stop_does_not_hang),
        cmocka_unit_test(a_silent_name_server_ends_the_dial),
        cmocka_unit_test(without_a_certificate_nothing_is_dialled),
    };

    lookups =
        mmap(NULL, sizeof *lookups, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
