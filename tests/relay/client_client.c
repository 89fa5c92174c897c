/* The client machine against a service written by hand. */
#include "tests/relay/client_kit.h"

static const struct relay_client_conf bob = {.me = KIT_BOB, .accepts_plain = false};

/* rfc4976#5.1 with a Bearer token: one AUTH at once, no round for a challenge */
static void auth_goes_out_at_once(void **state)
{
    struct kit kit = {0};
    struct relay_client_conf conf = {.me = KIT_ALICE, .expires_s = 600};
    char tid[40], expect[1024];
    (void)state;
    kit_open(&kit, &conf);
    kit_tid(kit.said, tid);
    snprintf(expect, sizeof(expect),
             "MSRP %s AUTH\r\nTo-Path: " KIT_RELAY
             "\r\nFrom-Path: %s\r\nAuthorization: Bearer a.b.c\r\nExpires: 600\r\n-------%s$\r\n",
             tid, kit.own, tid);
    assert_string_equal(kit.said, expect);
    assert_memory_equal(kit.own, "msrps://client.invalid:2855/", 28);
    kit_close(&kit);
}

static void refused(const char *answer, int status, const char *text)
{
    struct kit kit = {0};
    char tid[40];
    kit_open(&kit, &bob);
    kit_tid(kit.said, tid);
    char frame[1024];
    const char *rest = strchr(answer, '\n');
    int line = rest != NULL ? (int)(rest - answer) : (int)strlen(answer);
    snprintf(frame, sizeof(frame),
             "MSRP %s %.*s\r\nTo-Path: %s\r\nFrom-Path: " KIT_RELAY "\r\n%s%s-------%s$\r\n", tid,
             line, answer, kit.own, rest != NULL ? rest + 1 : "", rest != NULL ? "\r\n" : "", tid);
    kit_hear_n(&kit, frame, strlen(frame), 1);
    assert_int_equal(kit.events_n, 1);
    assert_int_equal(kit_last(&kit, RELAY_CLIENT_CLOSED)->status, status);
    assert_string_equal(kit.events[0].text, text);
    size_t n;
    assert_null(relay_client_buffer(kit.client, &n));
    kit_close(&kit);
}

/* profile section 2.5: what a refusal means, as a sentence */
static void refusals_of_auth_are_sentences(void **state)
{
    (void)state;
    refused("401 Unauthorized\nWWW-Authenticate: Bearer realm=\"iops\", error=\"invalid_token\"",
            401, "the relay does not accept the token: invalid_token");
    refused("401 Unauthorized\nWWW-Authenticate: Bearer realm=\"iops\"", 401,
            "the relay does not accept the token");
    refused("403 Forbidden", 403, "the token is good, but the relay does not let this user in");
    refused("423 Out\nMin-Expires: 60", 423, "the relay gives no session shorter than 60 s");
    refused("423 Out\nMax-Expires: 86400", 423, "the relay gives no session longer than 86400 s");
    refused("501 \xc3\xa9", 501, "??");
}

static void session_is_renewed_before_it_expires(void **state)
{
    struct kit kit = {0};
    char tid[40];
    (void)state;
    kit_login(&kit, &bob);
    assert_int_equal(relay_client_next_ms(kit.client), 1000 + 2700000);
    kit.now.mono_ms = 1000 + 2699999;
    kit_feed(&kit, RELAY_CLIENT_IN_TICK);
    assert_int_equal(kit.said_n, 0);
    kit.now.mono_ms++;
    kit_feed(&kit, RELAY_CLIENT_IN_TICK);
    assert_non_null(strstr(kit.said, " AUTH\r\n"));
    assert_non_null(strstr(kit.said, kit.own)); /* the same From-Path: a renewal */
    kit_tid(kit.said, tid);
    kit_hear(&kit,
             "MSRP %s 200 OK\r\nTo-Path: %s\r\nFrom-Path: " KIT_RELAY "\r\nUse-Path: " KIT_USE
             "\r\nExpires: 60\r\n-------%s$\r\n",
             tid, kit.own, tid);
    assert_int_equal(kit_last(&kit, RELAY_CLIENT_READY)->expires_s, 60);
    assert_int_equal(relay_client_next_ms(kit.client), kit.now.mono_ms + 45000);
    kit_close(&kit);
}

static void auth_without_answer_ends(void **state)
{
    struct kit kit = {0};
    (void)state;
    kit_open(&kit, &bob);
    kit.now.mono_ms += 29999;
    kit_feed(&kit, RELAY_CLIENT_IN_TICK);
    assert_int_equal(kit.events_n, 0);
    kit.now.mono_ms++;
    kit_feed(&kit, RELAY_CLIENT_IN_TICK);
    assert_int_equal(kit_last(&kit, RELAY_CLIENT_CLOSED)->status, 408);
    kit_close(&kit);
}

/* profile section 2.9: a bodyless SEND is answered and is no message */
static void keep_alive_is_answered(void **state)
{
    struct kit kit = {0};
    char expect[1024];
    (void)state;
    kit_login(&kit, &bob);
    kit_hear(&kit,
             "MSRP ping1 SEND\r\nTo-Path: %s\r\nFrom-Path: " KIT_USE "\r\nMessage-ID: 1234\r\n"
             "-------ping1$\r\n",
             kit.own);
    snprintf(expect, sizeof(expect),
             "MSRP ping1 200 OK\r\nTo-Path: " KIT_USE "\r\nFrom-Path: %s\r\n-------ping1$\r\n",
             kit.own);
    assert_string_equal(kit.said, expect);
    assert_int_equal(kit.events_n, 0);
    kit_close(&kit);
}

/* The message arrives whole, in every cut of its octets: the same events, the same answers. */
static void any_split_gives_the_same(void **state)
{
    struct dpp_store *keys = kit_keys(0);
    struct relay_client_conf conf = {
        .me = KIT_BOB, .keys = keys, .answer = RELAY_CLIENT_ANSWER_READ};
    char frame[8192];
    char *expect = NULL;
    size_t size = 1;
    (void)state;
    for (size_t step = 0; step < size; step++) {
        struct kit kit = {.seed = 5};
        kit_login(&kit, &conf);
        size = kit_text(frame, sizeof(frame), &kit, keys, "Stairwell B is clear.", 3, 0x11, 1);
        /* step n: first n octets alone, then the rest; every octet by itself for step 1 */
        size_t first = step == 1 ? size : step;
        kit_hear_n(&kit, frame, first, step == 1 ? 1 : 0);
        kit_hear_n(&kit, frame + first, size - first, 0);
        assert_int_equal(kit.events_n, 2);
        const struct relay_client_event *message = &kit.events[0];
        assert_int_equal(message->kind, RELAY_CLIENT_MESSAGE);
        assert_string_equal(message->from, KIT_ALICE);
        assert_string_equal(message->group, "");
        assert_int_equal(message->disposition, 3);
        assert_int_equal(message->date_s, KIT_UNIX_S);
        assert_int_equal(message->message[0], 0x11);
        assert_int_equal(kit_last(&kit, RELAY_CLIENT_DONE)->bytes, 21);
        assert_int_equal(kit.data_n, 21);
        assert_memory_equal(kit.data, "Stairwell B is clear.", 21);
        /* 200 for the message, then one DELIVERED AND READ to alice (24.282 clause 12) */
        const char *answer = strstr(kit.said, "MSRP tid1234 200 OK\r\nTo-Path: " KIT_USE "\r\n");
        assert_ptr_equal(answer, kit.said);
        assert_non_null(strstr(kit.said, " SEND\r\nTo-Path: " KIT_USE " " KIT_SERVICE "\r\n"));
        assert_non_null(strstr(kit.said, KIT_ALICE));
        if (expect == NULL) {
            expect = strdup(kit.said);
        }
        assert_string_equal(kit.said, expect);
        kit_close(&kit);
    }
    free(expect);
    dpp_store_free(keys);
}

/* "Delivered" is said of what the caller has: not before he comes back from DONE, and never of what
 * he could not keep. 24.282 clause 12 */
static void dispositions_wait_for_the_caller(void **state)
{
    struct dpp_store *keys = kit_keys(0);
    struct relay_client_conf conf = {
        .me = KIT_BOB, .keys = keys, .answer = RELAY_CLIENT_ANSWER_DELIVERED};
    char frame[8192];
    (void)state;
    for (int keeps = 0; keeps < 2; keeps++) {
        struct kit kit = {.seed = 5};
        struct relay_client_event event = {.kind = RELAY_CLIENT_MESSAGE};
        size_t n;
        kit_login(&kit, &conf);
        size_t size = kit_text(frame, sizeof(frame), &kit, keys, "Stairwell B.", 1, 0x11, 1);
        char *room = relay_client_buffer(kit.client, &n);
        assert_true(n >= size);
        memcpy(room, frame, size);
        struct relay_client_in in = {.kind = RELAY_CLIENT_IN_DATA, .now = kit.now, .n = size};
        relay_client_feed(kit.client, &in);
        while (event.kind != RELAY_CLIENT_DONE) {
            assert_true(kit_take(&kit, &event));
        }
        const char *said = relay_client_output(kit.client, &kit.now, &n);
        assert_true(said == NULL || memmem(said, n, " SEND\r\n", 7) == NULL);
        assert_false(relay_client_is_quiet(kit.client));
        if (!keeps) {
            relay_client_disown(kit.client);
        }
        kit_turn(&kit);
        assert_int_equal(strstr(kit.said, " SEND\r\n") != NULL, keeps);
        kit_close(&kit);
    }
    dpp_store_free(keys);
}

/* Gives a request (to NULL: to the client) and looks at the status of its answer. */
static void answered(const char *method, const char *to, const char *rest, const char *status)
{
    struct kit kit = {0};
    char frame[2048], expect[64];
    kit_login(&kit, &bob);
    int n = snprintf(frame, sizeof(frame), "MSRP tid1 %s\r\nTo-Path: %s\r\n%s", method,
                     to != NULL ? to : kit.own, rest);
    assert_true(n > 0);
    kit_hear_n(&kit, frame, (size_t)n, 0);
    snprintf(expect, sizeof(expect), "MSRP tid1 %s ", status);
    assert_memory_equal(kit.said != NULL ? kit.said : "", expect, strlen(expect));
    assert_int_equal(kit.events_n, 0);
    kit_close(&kit);
}

#define FROM  "From-Path: " KIT_USE " " KIT_SERVICE "\r\n"
#define MULTI "Content-Type: multipart/mixed;boundary=b\r\n\r\nx\r\n-------tid1$\r\n"
static void wrong_requests_are_answered(void **state)
{
    (void)state;
    /* row 13: another session */
    answered("SEND", "msrps://client.invalid:2855/other;tcp", FROM "Message-ID: 1234\r\n" MULTI,
             "481");
    /* row 21: not from the service */
    answered("SEND", NULL,
             "From-Path: msrps://evil.example:1/x;tcp\r\n"
             "Message-ID: 1234\r\n" MULTI,
             "403");
    answered("SEND", NULL,
             FROM "Message-ID: 1234\r\nContent-Type: text/plain\r\n\r\nx\r\n-------tid1$\r\n",
             "415");
    answered("SEND", NULL,
             FROM "Message-ID: 1234\r\nContent-Type: multipart/mixed\r\n\r\nx\r\n-------tid1$\r\n",
             "400");
    answered("SEND", NULL, FROM MULTI, "400"); /* row 22 */
    answered("NICKNAME", NULL, "From-Path: " KIT_USE "\r\n-------tid1$\r\n", "501");
}

/* row P3: Failure-Report no means no answer, whatever happens */
static void silence_is_kept(void **state)
{
    struct kit kit = {0};
    (void)state;
    kit_login(&kit, &bob);
    kit_hear(&kit,
             "MSRP tid1 SEND\r\nTo-Path: %s\r\n" FROM
             "Message-ID: 1234\r\nFailure-Report: no\r\nContent-Type: text/plain\r\n\r\nx\r\n"
             "-------tid1$\r\n",
             kit.own);
    kit_hear(&kit,
             "MSRP tid2 NICKNAME\r\nTo-Path: %s\r\n" FROM "Failure-Report: no\r\n-------tid2$\r\n",
             kit.own);
    assert_int_equal(kit.said_n, 0);
    kit_close(&kit);
}

static void broken_stream_ends_it(void **state)
{
    struct kit kit = {0};
    (void)state;
    kit_login(&kit, &bob);
    kit_hear(&kit, "HTTP/1.1 200 OK\r\n");
    assert_int_equal(kit_last(&kit, RELAY_CLIENT_CLOSED)->err, MSRP_E_PREFIX);
    kit_close(&kit);
}

static uint64_t send_text(struct kit *kit, struct dpp_store *keys, const char *text)
{
    uint64_t id = 0;
    struct relay_client_sds sds = {.to = KIT_BOB,
                                   .key = kit_key(keys, KIT_PCK_ID),
                                   .content_type = DPP_CONTENT_TEXT,
                                   .size = strlen(text),
                                   .data = text};
    assert_int_equal(relay_client_send(kit->client, &kit->now, &sds, &id), 0);
    kit_turn(kit);
    return id;
}

/* profile section 4: the answer, with its Warning, is what became of the message */
static void answers_end_messages(void **state)
{
    struct kit kit = {0};
    struct dpp_store *keys = kit_keys(0);
    struct relay_client_conf conf = {.me = KIT_ALICE, .keys = keys};
    char tid[40], message_id[40];
    (void)state;
    kit_login(&kit, &conf);
    uint64_t first = send_text(&kit, keys, "one");
    kit_tid(kit.said, tid);
    sscanf(strstr(kit.said, "Message-ID: "), "Message-ID: %39s", message_id);
    kit_hear(&kit,
             "MSRP wrong 200 OK\r\nTo-Path: %s\r\nFrom-Path: " KIT_USE "\r\n-------wrong$\r\n",
             kit.own); /* row F13 */
    assert_int_equal(kit.events_n, 0);
    kit_hear(&kit, "MSRP %s 200 OK\r\nTo-Path: %s\r\nFrom-Path: " KIT_USE "\r\n-------%s$\r\n", tid,
             kit.own, tid);
    assert_int_equal(kit_last(&kit, RELAY_CLIENT_SENT)->id, first);
    assert_int_equal(kit_last(&kit, RELAY_CLIENT_SENT)->bytes, 3);
    assert_true(relay_client_is_quiet(kit.client));

    kit_forget_said(&kit);
    uint64_t second = send_text(&kit, keys, "two");
    assert_int_equal(second, first + 1);
    kit_tid(kit.said, tid);
    kit_hear(&kit,
             "MSRP %s 403 Forbidden\r\nTo-Path: %s\r\nFrom-Path: " KIT_USE
             "\r\nWarning: 399 relay.iops.example \"116 user is not part of the MCData group\"\r\n"
             "-------%s$\r\n",
             tid, kit.own, tid);
    const struct relay_client_event *event = kit_last(&kit, RELAY_CLIENT_REFUSED);
    assert_int_equal(event->id, second);
    assert_int_equal(event->status, 403);
    assert_int_equal(event->warning, 116);
    assert_string_equal(event->text, "116 user is not part of the MCData group");

    /* the first one failed after all: told by a REPORT, once */
    for (int i = 0; i < 2; i++) {
        kit_hear(&kit,
                 "MSRP rep%d REPORT\r\nTo-Path: %s\r\nFrom-Path: " KIT_USE " " KIT_SERVICE
                 "\r\nMessage-ID: %s\r\nByte-Range: 1-9/9\r\nStatus: 000 408 Timeout\r\n"
                 "-------rep%d$\r\n",
                 i, kit.own, message_id, i);
    }
    event = kit_last(&kit, RELAY_CLIENT_REFUSED);
    assert_int_equal(event->id, first);
    assert_int_equal(event->status, 408);
    assert_int_equal(kit.events_n, 3);
    kit_close(&kit);
    dpp_store_free(keys);
}

/* row P4: no answer in 30 s */
static void silence_of_the_relay_is_a_failure(void **state)
{
    struct kit kit = {0};
    struct dpp_store *keys = kit_keys(0);
    struct relay_client_conf conf = {.me = KIT_ALICE, .keys = keys};
    (void)state;
    kit_login(&kit, &conf);
    send_text(&kit, keys, "one");
    assert_int_equal(relay_client_next_ms(kit.client), 31000);
    kit.now.mono_ms = 31000;
    kit_feed(&kit, RELAY_CLIENT_IN_TICK);
    assert_int_equal(kit_last(&kit, RELAY_CLIENT_REFUSED)->status, 408);
    assert_true(relay_client_is_quiet(kit.client));
    kit_close(&kit);
    dpp_store_free(keys);
}

/* A lost connection: what waits is refused, what comes is lost, then CLOSED. */
static void closing_ends_everything(void **state)
{
    struct kit kit = {0};
    struct dpp_store *keys = kit_keys(0);
    struct relay_client_conf conf = {.me = KIT_BOB, .keys = keys};
    char frame[8192];
    uint64_t id;
    (void)state;
    kit_login(&kit, &conf);
    size_t n = kit_text(frame, sizeof(frame), &kit, keys, "half of it", 0, 1, 1);
    kit_hear_n(&kit, frame, n - 60, 0);
    send_text(&kit, keys, "one");
    kit.events_n = 0;
    struct relay_client_in in = {.kind = RELAY_CLIENT_IN_CLOSED,
                                 .now = kit.now,
                                 .err = RELAY_E_IO,
                                 .text = "writing: broken pipe"};
    relay_client_feed(kit.client, &in);
    kit_turn(&kit);
    assert_int_equal(kit.events_n, 3);
    assert_int_equal(kit.events[0].kind, RELAY_CLIENT_REFUSED);
    assert_int_equal(kit.events[1].kind, RELAY_CLIENT_LOST);
    assert_int_equal(kit.events[1].err, RELAY_E_END);
    assert_int_equal(kit_last(&kit, RELAY_CLIENT_CLOSED)->err, RELAY_E_IO);
    assert_string_equal(kit.events[2].text, "writing: broken pipe");
    struct relay_client_sds sds = {.to = KIT_BOB};
    assert_int_equal(relay_client_send(kit.client, &kit.now, &sds, &id), RELAY_E_END);
    kit_close(&kit);
    dpp_store_free(keys);
}

static void unusable_conf_gives_no_client(void **state)
{
    struct kit kit = {0};
    struct relay_client_random random = {kit_random, &kit};
    struct relay_client_conf conf = {.me = KIT_BOB, .token = "t", .relay = "http://x"};
    (void)state;
    assert_null(relay_client_new(&conf, &random));
    conf.relay = KIT_RELAY;
    conf.service = "sip:service";
    assert_null(relay_client_new(&conf, &random));
    conf.service = NULL;
    kit.is_random_broken = true;
    assert_null(relay_client_new(&conf, &random));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dispositions_wait_for_the_caller),
        cmocka_unit_test(auth_goes_out_at_once),
        cmocka_unit_test(refusals_of_auth_are_sentences),
        cmocka_unit_test(session_is_renewed_before_it_expires),
        cmocka_unit_test(auth_without_answer_ends),
        cmocka_unit_test(keep_alive_is_answered),
        cmocka_unit_test(any_split_gives_the_same),
        cmocka_unit_test(wrong_requests_are_answered),
        cmocka_unit_test(silence_is_kept),
        cmocka_unit_test(broken_stream_ends_it),
        cmocka_unit_test(answers_end_messages),
        cmocka_unit_test(silence_of_the_relay_is_a_failure),
        cmocka_unit_test(closing_ends_everything),
        cmocka_unit_test(unusable_conf_gives_no_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
