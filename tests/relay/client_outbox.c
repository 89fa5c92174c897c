/* What goes out: chunks, cuts, aborts, and an end-line that never stands in a body. */
#include "relay/client/outbox.h"
#include "tests/relay/client_kit.h"
#include "tests/row.h"

enum { LARGE = 400000 };

/* What a peer makes of the said octets. */
struct peer {
    struct msrp_join join;
    struct msrp_run runs[MSRP_RANGE_RUNS];
    char *body;
    unsigned chunks, answers, aborts;
    uint64_t shortest_cut; /* body octets of the shortest chunk that ended with '+' */
    char last_tid[MSRP_IDENT_MAX + 1];
    char tids[64][MSRP_IDENT_MAX + 1];
};

static void read_all(struct peer *peer, const struct kit *kit)
{
    struct msrp_reader reader;
    struct msrp_event event;
    struct msrp_piece piece;
    size_t at = 0, octets = 0;
    bool is_send = false;
    memset(peer, 0, sizeof(*peer));
    peer->body = malloc(2 * LARGE);
    peer->shortest_cut = UINT64_MAX;
    msrp_join_init(&peer->join, peer->runs, MSRP_RANGE_RUNS, 2 * LARGE, 0);
    msrp_reader_init(&reader, NULL);
    for (;;) {
        ssize_t used = msrp_reader_next(&reader, kit->said + at, kit->said_n - at, &event);
        assert_true(used >= 0);
        if (event.kind == MSRP_EV_MORE) {
            break;
        }
        if (event.kind == MSRP_EV_HEAD) {
            assert_int_equal(event.err, 0);
            is_send = event.head->method == MSRP_SEND;
            octets = 0;
            if (is_send) {
                snprintf(peer->tids[peer->chunks], sizeof(peer->tids[0]), "%.*s",
                         (int)event.head->tid.n, event.head->tid.p);
                assert_true(peer->chunks < 63);
                peer->chunks++;
                assert_true(event.head->range.end == MSRP_UNKNOWN ||
                            event.head->range.end - event.head->range.start < 2048); /* row C4 */
                assert_int_equal(msrp_join_begin(&peer->join, &event.head->range, 0), 0);
            }
            peer->answers += event.head->is_response ? 1 : 0;
        } else if (event.kind == MSRP_EV_BODY) {
            octets += event.body.n;
            assert_int_equal(msrp_join_feed(&peer->join, event.body.n, &piece), 0);
            assert_int_equal(piece.kind, MSRP_JOIN_DELIVER); /* row C8: in order, nothing twice */
            memcpy(peer->body + piece.from, event.body.p, event.body.n);
        } else if (is_send) {
            peer->aborts += event.flag == '#' ? 1 : 0;
            if (event.flag == '+' && octets < peer->shortest_cut) {
                peer->shortest_cut = octets;
            }
            (void)!msrp_join_end(&peer->join, event.flag, 0);
        }
        at += (size_t)used;
    }
    assert_int_equal(at, kit->said_n);
}

static void login_alice(struct kit *kit)
{
    struct relay_client_conf conf = {.me = KIT_ALICE};
    kit_login(kit, &conf);
    kit->is_mute = true;
}

/* Takes n octets of output, or all that is there now. */
static void take(struct kit *kit, size_t most)
{
    const char *p;
    size_t n;
    while (most > 0 && (p = relay_client_output(kit->client, &kit->now, &n)) != NULL) {
        n = n < most ? n : most;
        kit->said = realloc(kit->said, kit->said_n + n + 1);
        memcpy(kit->said + kit->said_n, p, n);
        kit->said_n += n;
        kit->said[kit->said_n] = '\0';
        relay_client_sent(kit->client, &kit->now, n);
        most -= n;
    }
}

static uint64_t send_large(struct kit *kit, const uint8_t *data, size_t size)
{
    uint64_t id = 0;
    struct relay_client_sds sds = {
        .to = KIT_BOB, .content_type = DPP_CONTENT_BINARY, .size = size, .data = data};
    assert_int_equal(relay_client_send(kit->client, &kit->now, &sds, &id), 0);
    return id;
}

/* An unprotected body, so that the data can be found in it. */
static void expect_body(const struct peer *peer, const uint8_t *data, size_t size)
{
    const char *payload = memmem(peer->body, peer->join.delivered, "mcdata-payload\r\n\r\n", 18);
    assert_true(msrp_join_is_complete(&peer->join));
    assert_non_null(payload);
    payload += 18 + 2;
    for (size_t at = 0; at < size;) {
        size_t n = size - at < DPP_PAYLOAD_PART_MAX ? size - at : DPP_PAYLOAD_PART_MAX;
        assert_memory_equal(payload + 4, data + at, n);
        payload += 4 + n;
        at += n;
    }
    assert_memory_equal(payload, "\r\n--", 4);
}

static uint8_t *make_data(size_t size)
{
    uint8_t *data = malloc(size);
    for (size_t i = 0; i < size; i++) {
        data[i] = (uint8_t)(i * 7 + (i >> 9));
    }
    return data;
}

/* rows C2-C5: a label chunk, then large ones, in order, all under one Message-ID */
static void large_message_in_chunks(void **state)
{
    struct kit kit = {0};
    struct peer peer;
    uint8_t *data = make_data(LARGE);
    (void)state;
    login_alice(&kit);
    send_large(&kit, data, LARGE);
    take(&kit, SIZE_MAX);
    read_all(&peer, &kit);
    assert_int_equal(peer.chunks, 3); /* label, 256 KiB, the rest */
    expect_body(&peer, data, LARGE);
    free(peer.body);
    free(data);
    kit_close(&kit);
}

/* row C6: a chunk over 2048 octets is cut when a response waits, wherever that is */
static void chunk_is_cut_for_a_response(void **state)
{
    uint8_t *data = make_data(LARGE);
    (void)state;
    for (size_t at = 1; at < LARGE; at += 37777) {
        struct kit kit = {0};
        struct peer peer;
        login_alice(&kit);
        send_large(&kit, data, LARGE);
        take(&kit, at);
        kit_hear(&kit,
                 "MSRP ping1 SEND\r\nTo-Path: %s\r\nFrom-Path: " KIT_USE
                 "\r\nMessage-ID: 1234\r\n-------ping1$\r\n",
                 kit.own);
        size_t before = kit.said_n;
        take(&kit, SIZE_MAX);
        const char *answer = memmem(kit.said, kit.said_n, "MSRP ping1 200", 14);
        assert_non_null(answer);
        assert_true((size_t)(answer - kit.said) < before + 2 * RELAY_OUTBOX_AHEAD);
        read_all(&peer, &kit);
        assert_int_equal(peer.answers, 1);
        assert_true(peer.shortest_cut >= 2048);
        expect_body(&peer, data, LARGE);
        free(peer.body);
        kit_close(&kit);
    }
    free(data);
    row_passed("C6");
}

/* rows C14, C15: refused in the middle of a chunk: `#` at once, and nothing of it afterwards */
static void refused_message_stops(void **state)
{
    struct kit kit = {0};
    struct peer peer;
    uint8_t *data = make_data(LARGE);
    char tid[40];
    (void)state;
    login_alice(&kit);
    uint64_t id = send_large(&kit, data, LARGE);
    take(&kit, 100000);
    kit_tid(kit.said, tid);
    kit_hear(&kit, "MSRP %s 413 Stop\r\nTo-Path: %s\r\nFrom-Path: " KIT_USE "\r\n-------%s$\r\n",
             tid, kit.own, tid);
    assert_int_equal(kit_last(&kit, RELAY_CLIENT_REFUSED)->id, id);
    free(data); /* REFUSED was told: the source is not touched again */
    take(&kit, SIZE_MAX);
    read_all(&peer, &kit);
    assert_int_equal(peer.aborts, 1);
    assert_true(peer.join.delivered < 200000);
    assert_true(relay_client_is_quiet(kit.client));
    assert_int_equal(relay_client_counts(kit.client)->refused, 1);
    free(peer.body);
    kit_close(&kit);
    row_passed("C15");
}

/* Refused between two chunks: the far side has a part, so an empty chunk with `#` tells. */
static void refused_between_chunks_is_told(void **state)
{
    struct kit kit = {0};
    struct relay_client_random random = {kit_random, &kit};
    struct relay_letter_from from = {&random, NULL, KIT_UNIX_S, NULL};
    struct relay_outbox_route route = {KIT_USE " " KIT_SERVICE, KIT_USE};
    struct relay_outbox box = {0};
    struct peer peer;
    uint8_t *data = make_data(LARGE);
    char *answers = calloc(1, 2 * RELAY_OUTBOX_AHEAD); /* so many that they fill what is ahead */
    struct relay_client_sds sds = {.to = KIT_BOB, .size = LARGE, .data = data};
    int err;
    (void)state;
    struct relay_letter *letter = relay_letter_sds(&from, &sds, &err);
    assert_non_null(letter);
    relay_outbox_add(&box, letter);
    assert_int_equal(relay_outbox_pump(&box, &random, &route), 0);
    kit.said_n = relay_octets_left(&box.out);
    kit.said = malloc(kit.said_n + 4096);
    memcpy(kit.said, box.out.p + box.out.at, kit.said_n);
    relay_outbox_sent(&box, 0, kit.said_n);
    assert_int_equal(relay_octets_put(&box.control, answers, 2 * RELAY_OUTBOX_AHEAD), 0);
    assert_int_equal(relay_outbox_pump(&box, &random, &route), 0);
    assert_null(box.open);
    size_t end = relay_octets_left(&box.out) - 2 * RELAY_OUTBOX_AHEAD;
    memcpy(kit.said + kit.said_n, box.out.p + box.out.at, end);
    kit.said_n += end;
    relay_outbox_sent(&box, 0, relay_octets_left(&box.out));

    relay_outbox_refuse(&box, letter, 403, 116, 0, "no");
    assert_ptr_equal(relay_outbox_ended(&box), letter);
    assert_null(relay_outbox_ended(&box)); /* told once */
    relay_outbox_sweep(&box);
    assert_ptr_equal(box.letters, letter); /* it owes the abort */
    assert_int_equal(relay_outbox_pump(&box, &random, &route), 0);
    memcpy(kit.said + kit.said_n, box.out.p + box.out.at, relay_octets_left(&box.out));
    kit.said_n += relay_octets_left(&box.out);
    relay_outbox_sweep(&box);
    assert_null(box.letters);
    read_all(&peer, &kit);
    assert_int_equal(peer.aborts, 1);
    free(peer.body);
    free(kit.said);
    free(answers);
    free(data);
    relay_outbox_done(&box);
    row_passed("C14");
}

static int zeros(void *ctx, void *p, size_t n)
{
    (void)ctx;
    memset(p, 0, n);
    return 0;
}

/* row F8: the id of the running chunk stands in the data, again and again */
static void end_line_in_the_body(void **state)
{
    struct relay_client_random random = {zeros, NULL};
    struct relay_client_conf conf = {
        .relay = KIT_RELAY, .me = KIT_ALICE, .token = "t", .expires_s = 0};
    struct kit kit = {.now = {1000, KIT_UNIX_S}};
    struct peer peer;
    char tid[40], mark[60];
    (void)state;
    /* a random source that always gives the same: every id is known beforehand */
    kit.client = relay_client_new(&conf, &random);
    assert_non_null(kit.client);
    kit_feed(&kit, RELAY_CLIENT_IN_OPEN);
    sscanf(strstr(kit.said, "From-Path: "), "From-Path: %599s", kit.own);
    kit_tid(kit.said, tid);
    kit_hear(&kit,
             "MSRP %s 200 OK\r\nTo-Path: %s\r\nFrom-Path: " KIT_RELAY "\r\nUse-Path: " KIT_USE
             "\r\n-------%s$\r\n",
             tid, kit.own, tid);
    kit_forget_said(&kit);
    uint8_t *data = make_data(LARGE);
    int n = snprintf(mark, sizeof(mark), "\r\n-------%s$\r\n", tid);
    for (size_t at = 70000; at + 100 < LARGE; at += 16384 - 17) {
        memcpy(data + at, mark, (size_t)n);
    }
    send_large(&kit, data, LARGE);
    take(&kit, SIZE_MAX);
    read_all(&peer, &kit);
    assert_true(peer.chunks > 15);
    expect_body(&peer, data, LARGE);
    free(peer.body);
    free(data);
    kit_close(&kit);
    row_passed("F8");
}

/* Without a session nothing but AUTH goes out; the queue has an end. */
static void queue_is_bounded(void **state)
{
    struct kit kit = {0};
    struct relay_client_conf conf = {.me = KIT_ALICE};
    struct relay_client_sds sds = {
        .to = KIT_BOB, .content_type = DPP_CONTENT_TEXT, .size = 1, .data = "x"};
    uint64_t id;
    (void)state;
    kit_open(&kit, &conf);
    kit_forget_said(&kit);
    for (int i = 0; i < RELAY_CLIENT_QUEUE_MAX; i++) {
        assert_int_equal(relay_client_send(kit.client, &kit.now, &sds, &id), 0);
        assert_int_equal(id, i + 1);
    }
    assert_int_equal(relay_client_send(kit.client, &kit.now, &sds, &id), RELAY_E_TOO_MANY_OPEN);
    take(&kit, SIZE_MAX);
    assert_int_equal(kit.said_n, 0);
    assert_false(relay_client_is_quiet(kit.client));
    kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(large_message_in_chunks), cmocka_unit_test(chunk_is_cut_for_a_response),
        cmocka_unit_test(refused_message_stops),   cmocka_unit_test(refused_between_chunks_is_told),
        cmocka_unit_test(end_line_in_the_body),    cmocka_unit_test(queue_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
