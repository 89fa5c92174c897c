/* core_request.c - what the answer table (answers*.c) leaves of one frame's way: signs of life,
 * what is legal though odd, and who gets the 200. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "relay/core/machine.h"
#include "tests/relay/answers.h"

#define END "-------tidx$\r\n"

static void test_signs_of_life(void **state)
{
    static const struct answer answers[] = {
        {.name = "to the Use-Path",
         .said = "MSRP tidx SEND\r\nTo-Path: %U\r\nFrom-Path: %F\r\n%VMessage-ID: mmmm\r\n" END,
         .status = 200},
        {.name = "to the service",
         .said = "MSRP tidx SEND\r\nTo-Path: %U %S\r\nFrom-Path: %F\r\n%VMessage-ID: mmmm\r\n" END,
         .status = 200},
        {.name = "with a range",
         .said = "MSRP tidx SEND\r\nTo-Path: %U\r\nFrom-Path: %F\r\n%VMessage-ID: mmmm\r\n"
                 "Byte-Range: 1-0/0\r\nSuccess-Report: yes\r\n" END,
         .status = 200},
        {.name = "continued", /* trap b.8.5: legal on a SEND without a body */
         .said = "MSRP tidx SEND\r\nTo-Path: %U\r\nFrom-Path: %F\r\n%VMessage-ID: mmmm\r\n"
                 "-------tidx+\r\n",
         .status = 200},
        {.name = "aborted, of a message nobody knows",
         .said = "MSRP tidx SEND\r\nTo-Path: %U %S\r\nFrom-Path: %F\r\n%VMessage-ID: mmmm\r\n"
                 "-------tidx#\r\n",
         .status = 200},
        {.name = "the service in other letters",
         .said = "MSRP tidx SEND\r\nTo-Path: %U msrps://RELAY.iops.EXAMPLE:2855/sds;TCP\r\n"
                 "From-Path: %F\r\n%VMessage-ID: mmmm\r\n" END,
         .status = 200},
        {.name = "header names in other letters",
         .said = "MSRP tidx SEND\r\nTO-PATH: %U\r\nfrom-path: %F\r\n%Vmessage-id: mmmm\r\n" END,
         .status = 200},
    };

    (void)state;
    ANSWERS(answers);
}

/* On a plain listener, where there is one, msrp: is the scheme; the rest is the same. */
static void test_plain(void **state)
{
    struct sim sim;

    (void)state;
    sim_init(&sim);
    sim.conf.plaintext_auth = true;
    sim_start(&sim);
    unsigned c = sim_open(&sim, false);
    assert_true(sim_login(&sim, c, SIM_ALICE));
    assert_int_equal(strncmp(sim.conns[c].use_path, "msrp://", 7), 0);
    sim_sayf(&sim, c,
             "MSRP tidx SEND\r\nTo-Path: %s msrp://" SIM_NAME ":2855/sds;tcp\r\nFrom-Path: %s\r\n"
             "Message-ID: mmmm\r\n" END,
             sim.conns[c].use_path, sim.conns[c].remote);
    assert_int_equal(strncmp(sim_heard(&sim, c), "MSRP tidx 200 OK\r\n", 18), 0);
    sim_done(&sim);
}

/* Fifty requests in one segment get fifty answers, in order, each with its own id. */
static void test_pipelined(void **state)
{
    (void)state;
    for (int split = 0; split < 2; split++) {
        struct sim sim;
        char all[20000] = "", want[20000] = "";
        size_t n = 0, k = 0;

        sim_init(&sim);
        sim_start(&sim);
        unsigned c = sim_user(&sim, SIM_ALICE);
        for (int i = 0; i < 50; i++) {
            n += (size_t)snprintf(all + n, sizeof all - n,
                                  "MSRP id%02d SEND\r\nTo-Path: %s\r\nFrom-Path: %s\r\n"
                                  "Message-ID: mmmm\r\n-------id%02d$\r\n",
                                  i, sim.conns[c].use_path, sim.conns[c].remote, i);
            k += (size_t)snprintf(want + k, sizeof want - k,
                                  "MSRP id%02d 200 OK\r\nTo-Path: %s\r\nFrom-Path: %s\r\n"
                                  "-------id%02d$\r\n",
                                  i, sim.conns[c].remote, sim.conns[c].use_path, i);
        }
        sim.split = split;
        sim_say_n(&sim, c, all, n);
        assert_string_equal(sim_heard(&sim, c), want);
        sim_done(&sim);
    }
}

/* rfc4975#7.1: a body far over its method's cap ends the connection; one a little over is refused.
 */
static void test_large_bodies(void **state)
{
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        bool huge = kind & 1, is_report = kind & 2;
        struct sim sim;
        char *body = sim_alloc(NULL, 20000);

        memset(body, 'x', 20000);
        body[huge ? 17000 : 10241] = '\0';
        sim_init(&sim);
        sim_start(&sim);
        unsigned c = sim_user(&sim, SIM_ALICE);
        sim_sayf(&sim, c,
                 "MSRP tidx %s\r\nTo-Path: %s\r\nFrom-Path: %s\r\n%s"
                 "Content-Type: text/plain\r\n\r\n%s\r\n" END,
                 is_report ? "REPORT" : "AUTH", is_report ? sim.conns[c].use_path : SIM_URI,
                 sim.conns[c].remote, is_report ? "Message-ID: mmmm\r\nStatus: 000 200 OK\r\n" : "",
                 body);
        if (is_report) /* G2 */
            assert_string_equal(sim_heard(&sim, c), "");
        else
            assert_int_equal(strncmp(sim_heard(&sim, c), "MSRP tidx 400 Bad Request\r\n", 27), 0);
        assert_int_equal(sim.conns[c].is_closing, huge);
        assert_int_equal(sim.last_refusal, huge ? MSRP_E_BODY_HUGE : MSRP_E_BODY_LONG);
        free(body);
        sim_done(&sim);
    }
    row_passed("10.49");
}

/* Ours by its letters or by the rules of rfc4975#6.1, and nobody else's. */
static void test_ours(void **state)
{
    static const struct {
        const char *uri;
        bool is_ours;
    } uris[] = {
        {"msrps://" SIM_NAME ":2855/abc;tcp", true},
        {"msrp://" SIM_NAME ":2855/abc;tcp", true},
        {"msrps://" SIM_NAME ":2855/a/b;tcp", true},
        {"msrps://" SIM_NAME ":2855;tcp", true},
        {"MSRPS://" SIM_NAME ":2855/abc;tcp", true},
        {"msrps://RELAY.iops.example:2855/abc;TCP", true},
        {"msrps://someone@" SIM_NAME ":2855/abc;tcp", true},
        {"msrps://" SIM_NAME "/abc;tcp", true},
        {"msrps://" SIM_NAME ":2855/abc;tcp;more=1", true},
        {"msrps://" SIM_NAME ":2855/abc;udp;tcp", false},
        {"msrps://" SIM_NAME ":28555/abc;tcp", false},
        {"msrps://" SIM_NAME ".x:2855/abc;tcp", false},
        {"msrps://x" SIM_NAME ":2855/abc;tcp", false},
        {"msrps://other.iops.example:2855/abc;tcp", false},
        {"msrps://a.b:1/x;tcp", false},
    };
    struct sim sim;

    (void)state;
    sim_init(&sim);
    sim_start(&sim);
    for (size_t i = 0; i < sizeof uris / sizeof uris[0]; i++) {
        struct msrp_limits limits = MSRP_LIMITS_DEFAULT;
        struct msrp_head head = {.tid = {NULL, 0}};

        assert_int_equal(msrp_path_parse(&head.to, msrp_str_of(uris[i].uri), &limits), 0);
        if (relay_first_is_ours(sim.relay, &head) != uris[i].is_ours)
            fail_msg("%s", uris[i].uri);
    }
    assert_false(relay_first_is_ours(sim.relay, &(struct msrp_head){.tid = {NULL, 0}}));
    sim_done(&sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signs_of_life), cmocka_unit_test(test_ours),
        cmocka_unit_test(test_plain),         cmocka_unit_test(test_pipelined),
        cmocka_unit_test(test_large_bodies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
