/* What arrives: chunks in any order, multiparts of every wrong kind, keys that do not fit. */
#include "relay/client/inbox.h"
#include "tests/relay/client_kit.h"

static struct kit_body *new_body(void)
{
    struct kit_body *body = calloc(1, sizeof(*body));
    assert_non_null(body);
    return body;
}

static struct kit_body *text_body(struct dpp_store *keys, const char *text, uint8_t id)
{
    struct kit_body *body = new_body();
    kit_info(body, KIT_BOB, KIT_ALICE, "", false);
    kit_signalling(body, DPP_MSG_SDS_SIGNALLING, 0, 0, id);
    kit_payload(body, kit_key(keys, KIT_PCK_ID), id, text);
    kit_finish(body);
    return body;
}

static void say_chunk(struct kit *kit, const struct kit_body *body, const char *tid, size_t from,
                      size_t to, char flag)
{
    char *frame = malloc(body->n + 2048);
    size_t n = kit_frame(frame, body->n + 2048, kit, body, tid, "mid1234", from, to, flag);
    kit_hear_n(kit, frame, n, 0);
    free(frame);
}

static void login_bob(struct kit *kit, struct dpp_store *keys)
{
    struct relay_client_conf conf = {.me = KIT_BOB, .keys = keys};
    kit_login(kit, &conf);
}

static void expect_text(const struct kit *kit, const char *text)
{
    kit_last(kit, RELAY_CLIENT_DONE);
    assert_int_equal(kit->data_n, strlen(text));
    assert_memory_equal(kit->data, text, strlen(text));
}

/* rows C9, C10, 10.36: any order, overlaps, `$` before the rest */
static void chunks_in_any_order(void **state)
{
    static const struct {
        size_t from, to;
        char flag;
    } orders[][4] = {
        {{0, 100, '+'}, {100, 200, '+'}, {200, 0, '$'}},
        {{200, 0, '$'}, {100, 200, '+'}, {0, 100, '+'}},
        {{100, 200, '+'}, {200, 0, '$'}, {0, 100, '+'}},
        {{0, 150, '+'}, {100, 250, '+'}, {50, 0, '$'}},
        {{0, 1, '+'}, {3, 0, '$'}, {1, 2, '+'}, {2, 3, '+'}},
        {{50, 60, '+'}, {40, 200, '+'}, {0, 45, '+'}, {190, 0, '$'}},
    };
    struct dpp_store *keys = kit_keys(0);
    (void)state;
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        struct kit kit = {0};
        struct kit_body *body = text_body(keys, "in any order", 1);
        login_bob(&kit, keys);
        for (size_t j = 0; j < 4 && orders[i][j].flag != '\0'; j++) {
            char tid[16];
            size_t to = orders[i][j].to != 0 ? orders[i][j].to : body->n;
            snprintf(tid, sizeof(tid), "chunk%zu", j);
            say_chunk(&kit, body, tid, orders[i][j].from, to, orders[i][j].flag);
        }
        expect_text(&kit, "in any order");
        assert_int_equal(kit.events_n, 2);
        const char *answer = kit.said;
        for (size_t j = 0; j < 4 && orders[i][j].flag != '\0'; j++) {
            char line[32];
            snprintf(line, sizeof(line), "MSRP chunk%zu 200 OK\r\n", j);
            answer = strstr(answer, line);
            assert_non_null(answer);
        }
        kit_close(&kit);
        free(body);
    }
    dpp_store_free(keys);
}

/* row 10.40: `#` is answered 200; the same message may come again */
static void aborted_message_may_come_again(void **state)
{
    struct dpp_store *keys = kit_keys(0);
    struct kit kit = {0};
    struct kit_body *body = text_body(keys, "again", 1);
    (void)state;
    login_bob(&kit, keys);
    say_chunk(&kit, body, "chunk1", 0, body->n - 20, '+');
    kit_hear(&kit,
             "MSRP chunk2 SEND\r\nTo-Path: %s\r\nFrom-Path: " KIT_USE " " KIT_SERVICE
             "\r\nMessage-ID: mid1234\r\nByte-Range: 1-0/*\r\n-------chunk2#\r\n",
             kit.own);
    assert_int_equal(kit_last(&kit, RELAY_CLIENT_LOST)->err, MSRP_E_JOIN_ABORTED);
    assert_non_null(strstr(kit.said, "MSRP chunk2 200 OK"));
    say_chunk(&kit, body, "chunk3", 0, body->n, '$');
    expect_text(&kit, "again");
    kit_close(&kit);
    free(body);
    dpp_store_free(keys);
}

/* The same IDs again: 200 and nothing shown. The same frame under new IDs: a replay. */
static void repeated_and_replayed(void **state)
{
    struct dpp_store *keys = kit_keys(0);
    struct kit kit = {0};
    struct kit_body *body = text_body(keys, "once", 1);
    (void)state;
    login_bob(&kit, keys);
    say_chunk(&kit, body, "chunk1", 0, body->n, '$');
    expect_text(&kit, "once");
    kit_forget_said(&kit);
    say_chunk(&kit, body, "chunk2", 0, body->n, '$');
    assert_int_equal(kit.events_n, 2);
    assert_memory_equal(kit.said, "MSRP chunk2 200 OK", 18);
    assert_int_equal(relay_client_counts(kit.client)->duplicates, 1);

    struct kit_body *other = new_body();
    kit_info(other, KIT_BOB, KIT_ALICE, "", false);
    kit_signalling(other, DPP_MSG_SDS_SIGNALLING, 0, 0, 2);
    kit_payload(other, kit_key(keys, KIT_PCK_ID), 1, "once");
    kit_finish(other);
    say_chunk(&kit, other, "chunk3", 0, other->n, '$');
    assert_int_equal(kit_last(&kit, RELAY_CLIENT_LOST)->err, DPP_E_REPLAY);
    assert_int_equal(relay_client_counts(kit.client)->replays, 1);
    assert_int_equal(relay_client_counts(kit.client)->received, 1);
    kit_close(&kit);
    free(body);
    free(other);
    dpp_store_free(keys);
}

/* One wrong message: what is told, and the status of the answer. */
static void lost(const struct relay_client_conf *conf, const struct kit_body *body, int err,
                 int status)
{
    struct kit kit = {0};
    char line[32];
    kit_login(&kit, conf);
    say_chunk(&kit, body, "chunk1", 0, body->n, '$');
    assert_int_equal(kit_last(&kit, RELAY_CLIENT_LOST)->err, err);
    assert_int_equal(relay_client_counts(kit.client)->lost, 1);
    assert_int_equal(kit.data_n, 0);
    snprintf(line, sizeof(line), "MSRP chunk1 %d ", status);
    assert_memory_equal(kit.said, line, strlen(line));
    /* the connection goes on */
    kit_forget_said(&kit);
    kit_hear(&kit,
             "MSRP ping1 SEND\r\nTo-Path: %s\r\nFrom-Path: " KIT_USE "\r\nMessage-ID: 1234\r\n"
             "-------ping1$\r\n",
             kit.own);
    assert_memory_equal(kit.said, "MSRP ping1 200", 14);
    kit_close(&kit);
}

/* The parts of a message, each of them may be missing or wrong. */
static struct kit_body *body_of(struct dpp_store *keys, const char *to, const char *from,
                                uint8_t code, const char *text)
{
    struct kit_body *body = new_body();
    if (to != NULL) {
        kit_info(body, to, from, "", false);
    }
    if (code != 0) {
        kit_signalling(body, code, code == DPP_MSG_SDS_NOTIFICATION ? 2 : 0, 0, 1);
    }
    if (text != NULL) {
        kit_payload(body, kit_key(keys, KIT_PCK_ID), 1, text);
    }
    kit_finish(body);
    return body;
}

static void wrong_messages_are_lost(void **state)
{
    struct dpp_store *keys = kit_keys(0), *others = kit_keys(9), *none = dpp_store_new(1);
    struct relay_client_conf conf = {.me = KIT_BOB, .keys = keys};
    struct relay_client_conf wrong = {.me = KIT_BOB, .keys = others};
    struct relay_client_conf empty = {.me = KIT_BOB, .keys = none};
    struct relay_client_conf csk = {.me = KIT_BOB, .keys = keys, .csk = kit_key(keys, KIT_CSK_ID)};
    struct kit_body *bodies[8];
    (void)state;
    bodies[0] = body_of(keys, KIT_BOB, KIT_ALICE, DPP_MSG_SDS_SIGNALLING, "secret");
    lost(&wrong, bodies[0], DPP_E_SEALED, 200);
    lost(&empty, bodies[0], DPP_E_KEY_ABSENT, 200);
    lost(&csk, bodies[0], RELAY_E_SDS_SIGNAL_PLAIN, 200); /* no silent downgrade */
    bodies[1] = body_of(keys, KIT_CAROL, KIT_ALICE, DPP_MSG_SDS_SIGNALLING, "not for bob");
    lost(&conf, bodies[1], RELAY_E_SDS_TARGET, 200);
    /* the key of alice and bob does not open what carol sent */
    bodies[2] = body_of(keys, KIT_BOB, KIT_CAROL, DPP_MSG_SDS_SIGNALLING, "from alice, honest");
    lost(&conf, bodies[2], DPP_E_KEY_ABSENT, 200);
    bodies[3] = body_of(keys, KIT_BOB, "", DPP_MSG_SDS_SIGNALLING, "who speaks?");
    lost(&conf, bodies[3], RELAY_E_SDS_INFO, 200);
    bodies[4] = body_of(keys, KIT_BOB, KIT_ALICE, 0, "no signalling");
    lost(&conf, bodies[4], RELAY_E_SDS_PARTS, 200);
    bodies[5] = body_of(keys, NULL, NULL, DPP_MSG_SDS_SIGNALLING, "no info");
    lost(&conf, bodies[5], RELAY_E_SDS_PARTS, 200);
    bodies[6] = body_of(keys, KIT_BOB, KIT_ALICE, DPP_MSG_SDS_SIGNALLING, NULL);
    lost(&conf, bodies[6], RELAY_E_SDS_PARTS, 200);
    bodies[7] = body_of(keys, KIT_BOB, KIT_ALICE, DPP_MSG_SDS_NOTIFICATION, "a payload too");
    lost(&conf, bodies[7], RELAY_E_SDS_PARTS, 200);
    for (size_t i = 0; i < 8; i++) {
        free(bodies[i]);
    }
    struct kit_body *body = new_body();
    kit_put(body, "x", 1);
    kit_finish(body);
    lost(&conf, body, MSRP_E_MIME_PREAMBLE, 400);
    body->n = 0;
    kit_part(body, "application/vnd.3gpp.mcdata-info+xml", "<!DOCTYPE x><x/>", 16);
    kit_finish(body);
    lost(&conf, body, DPP_E_XML_DTD, 200);
    body->n = 0;
    kit_info(body, KIT_BOB, KIT_ALICE, "", false);
    kit_info(body, KIT_BOB, KIT_CAROL, "", false);
    kit_finish(body);
    lost(&conf, body, RELAY_E_SDS_PARTS, 200);
    /* cut in the middle: the multipart is not closed */
    body->n = 0;
    kit_info(body, KIT_BOB, KIT_ALICE, "", false);
    lost(&conf, body, MSRP_E_MIME_SHORT, 400);
    free(body);
    dpp_store_free(keys);
    dpp_store_free(others);
    dpp_store_free(none);
}

static struct kit_body *payload_body(const void *p, size_t n)
{
    struct kit_body *body = new_body();
    kit_info(body, KIT_BOB, KIT_ALICE, "", false);
    kit_signalling(body, DPP_MSG_SDS_SIGNALLING, 0, 0, 1);
    kit_part(body, "application/vnd.3gpp.mcdata-payload", p, n);
    kit_finish(body);
    return body;
}

/* An unprotected payload is taken only by a client that was told so. */
static void plain_payloads(void **state)
{
    struct dpp_store *keys = kit_keys(0);
    struct relay_client_conf conf = {.me = KIT_BOB, .keys = keys};
    static const uint8_t plain[] = {3, 2, 0x78, 0, 3, 1, 'h', 'i', 0x78, 0, 2, 1, '!'};
    struct kit_body *body = payload_body(plain, sizeof(plain));
    (void)state;
    {
        struct kit kit = {0};
        kit_login(&kit, &conf);
        say_chunk(&kit, body, "chunk1", 0, body->n, '$');
        assert_int_equal(kit_last(&kit, RELAY_CLIENT_LOST)->err, DPP_E_FRAME_UNPROTECTED);
        kit_close(&kit);
    }
    conf.accepts_plain = true;
    struct kit kit = {0};
    kit_login(&kit, &conf);
    say_chunk(&kit, body, "chunk1", 0, body->n, '$');
    expect_text(&kit, "hi!");
    kit_close(&kit);
    free(body);
    /* signed, which we cannot verify */
    uint8_t authenticated[13 + 129] = {0x83, 2, 0x78, 0, 3, 1, 'h', 'i', 0x78, 0, 2, 1, '!'};
    body = payload_body(authenticated, sizeof(authenticated));
    lost(&conf, body, DPP_E_FRAME_AUTH, 200);
    free(body);
    dpp_store_free(keys);
}

/* Frames of a many-frame payload: one changed, dropped or swapped is noticed. */
static void many_frames(void **state)
{
    struct dpp_store *keys = kit_keys(0);
    struct relay_client_conf conf = {.me = KIT_BOB, .keys = keys};
    struct dpp_seal seal;
    uint8_t whole[2 + 3 * 60];
    (void)state;
    assert_int_equal(dpp_seal_init(&seal, kit_key(keys, KIT_PCK_ID), KIT_PCK_ID, DPP_USE_ONE,
                                   DPP_ALG_AES_128_GCM),
                     0);
    dpp_payload_head(3, whole);
    for (uint8_t i = 0; i < 3; i++) {
        uint8_t iv[16] = {i}, data[5] = {'a', 'b', 'c', 'd', (uint8_t)('0' + i)};
        assert_int_equal(dpp_payload_seal_part(&seal, DPP_CONTENT_TEXT, data, 5, KIT_UNIX_S, 7, i,
                                               iv, whole + 2 + i * 60, 60),
                         60);
    }
    dpp_seal_done(&seal);
    struct kit_body *body = payload_body(whole, sizeof(whole));
    struct kit kit = {0};
    kit_login(&kit, &conf);
    say_chunk(&kit, body, "chunk1", 0, body->n, '$');
    expect_text(&kit, "abcd0abcd1abcd2");
    kit_close(&kit);
    free(body);

    /* the last octet of the last tag: the first two frames were given, the message is lost */
    whole[sizeof(whole) - 1] ^= 1;
    body = payload_body(whole, sizeof(whole));
    kit_login(&kit, &conf);
    say_chunk(&kit, body, "chunk1", 0, body->n, '$');
    assert_int_equal(kit.data_n, 10);
    assert_int_equal(kit_last(&kit, RELAY_CLIENT_LOST)->err, DPP_E_SEALED);
    kit_close(&kit);
    free(body);
    whole[sizeof(whole) - 1] ^= 1;

    body = payload_body(whole, sizeof(whole) - 60);
    kit_login(&kit, &conf);
    say_chunk(&kit, body, "chunk1", 0, body->n, '$');
    assert_int_equal(kit_last(&kit, RELAY_CLIENT_LOST)->err, DPP_E_FRAME_SHORT);
    kit_close(&kit);
    free(body);

    uint8_t swap[60];
    memcpy(swap, whole + 2, 60);
    memcpy(whole + 2, whole + 62, 60);
    memcpy(whole + 62, swap, 60);
    body = payload_body(whole, sizeof(whole));
    lost(&conf, body, DPP_E_FRAME_SEQUENCE, 200);
    free(body);
    dpp_store_free(keys);
}

/* A disposition, plain and under the CSK; repeated ones are not told twice, other types are. */
static void notifications(void **state)
{
    struct dpp_store *keys = kit_keys(0);
    struct relay_client_conf conf = {.me = KIT_BOB, .keys = keys};
    struct kit kit = {0};
    (void)state;
    kit_login(&kit, &conf);
    for (uint8_t type = 2; type <= 3; type++) {
        struct kit_body *body = new_body();
        kit_info(body, KIT_BOB, KIT_CAROL, KIT_GROUP, false);
        kit_signalling(body, DPP_MSG_SDS_NOTIFICATION, type, 0, 0x77);
        kit_finish(body);
        say_chunk(&kit, body, "chunk1", 0, body->n, '$');
        say_chunk(&kit, body, "chunk2", 0, body->n, '$');
        const struct relay_client_event *event = kit_last(&kit, RELAY_CLIENT_NOTIFICATION);
        assert_int_equal(event->notification, type);
        assert_string_equal(event->from, KIT_CAROL);
        assert_string_equal(event->group, KIT_GROUP);
        assert_int_equal(event->message[15], 0x77);
        free(body);
    }
    assert_int_equal(kit.events_n, 2);
    assert_int_equal(relay_client_counts(kit.client)->notifications, 2);
    kit_close(&kit);
    dpp_store_free(keys);
}

/* rows 10.37, 10.38: more than is allowed is 413, and later chunks of it too */
static void limits(void **state)
{
    struct dpp_store *keys = kit_keys(0);
    struct kit kit = {0};
    struct kit_body *body = text_body(keys, "limits", 1);
    (void)state;
    login_bob(&kit, keys);
    for (int i = 0; i < 2; i++) {
        kit_hear(&kit,
                 "MSRP large%d SEND\r\nTo-Path: %s\r\nFrom-Path: " KIT_USE " " KIT_SERVICE
                 "\r\nMessage-ID: large\r\nByte-Range: 1-*/99000000\r\n"
                 "Content-Type: multipart/mixed;boundary=b\r\n\r\nx\r\n-------large%d+\r\n",
                 i, kit.own, i);
        char line[32];
        snprintf(line, sizeof(line), "MSRP large%d 413 ", i);
        assert_memory_equal(kit.said, line, strlen(line));
        kit_forget_said(&kit);
    }
    assert_int_equal(kit.events_n, 1);
    assert_int_equal(kit_last(&kit, RELAY_CLIENT_LOST)->err, MSRP_E_JOIN_SIZE);
    for (int i = 0; i < RELAY_CLIENT_OPEN_MAX + 1; i++) {
        char message_id[16];
        char frame[4096];
        snprintf(message_id, sizeof(message_id), "open%d", i);
        size_t n = kit_frame(frame, sizeof(frame), &kit, body, "tid9", message_id, 0, 10, '+');
        kit_forget_said(&kit);
        kit_hear_n(&kit, frame, n, 0);
    }
    assert_memory_equal(kit.said, "MSRP tid9 413 ", 14);
    /* nobody continues them: after two minutes they are given up */
    kit.now.mono_ms += 121000;
    kit_feed(&kit, RELAY_CLIENT_IN_TICK);
    assert_int_equal(kit_last(&kit, RELAY_CLIENT_LOST)->err, RELAY_E_STALE);
    kit_forget_said(&kit);
    say_chunk(&kit, body, "chunk1", 0, body->n, '$');
    expect_text(&kit, "limits");
    kit_close(&kit);
    free(body);
    dpp_store_free(keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_in_any_order),   cmocka_unit_test(aborted_message_may_come_again),
        cmocka_unit_test(repeated_and_replayed), cmocka_unit_test(wrong_messages_are_lost),
        cmocka_unit_test(plain_payloads),        cmocka_unit_test(many_frames),
        cmocka_unit_test(notifications),         cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
