/* sdp_rules.c - tests of msrp/sdp_rules.c: facts of RFC 4975 8.6, RFC 6135 and RFC 6714. */
#include "tests/msrp/test.h"

static const struct msrp_str none = {NULL, 0};

/* An SDP of these lines; what the m= and path need not say is added. */
static struct msrp_sdp sdp_of(const char *text)
{
    struct msrp_sdp sdp;

    assert_string_equal(err_name(msrp_sdp_parse(&sdp, none, msrp_str_of(text))), "0");
    return sdp;
}

static bool takes(const char *lists, const char *type, bool is_wrapped)
{
    struct msrp_media media;
    char text[512];

    snprintf(
        text, sizeof(text),
        "m=message 1 TCP/MSRP *\r\nc=IN IP4 a.example\r\na=path:msrp://a.example:1/s;tcp\r\n%s",
        lists);
    struct msrp_sdp sdp = sdp_of(text);
    assert_int_equal(msrp_mime_parse_type(&media, msrp_str_of(type)), 0);
    return msrp_sdp_takes(&sdp, &media, is_wrapped);
}

/* rfc4975#8.6 */
static void types(void **state)
{
    static const char cpim[] = "a=accept-types:message/cpim text/*\r\n"
                               "a=accept-wrapped-types:image/png;x=y\r\n";

    (void)state;
    assert_true(takes(cpim, "message/cpim", false));
    assert_true(takes(cpim, "Message/CPIM;charset=utf-8", false)); /* parameters do not matter */
    assert_true(takes(cpim, "text/html", false));
    assert_true(takes(cpim, "text/plain", true)); /* what may be alone may be wrapped */
    assert_true(takes(cpim, "image/png", true));
    assert_false(takes(cpim, "image/png", false));
    assert_false(takes(cpim, "image/gif", true));
    assert_false(takes(cpim, "message/other", false));
    assert_true(takes("a=accept-types:*\r\n", "application/x", false));
    assert_true(takes("a=accept-types:*/*\r\n", "application/x", false));
    assert_true(takes("a=accept-types:text/plain;a=\"x y\" text/x\r\n", "text/x", false));
    assert_true(takes("a=accept-types:message/cpim\r\na=accept-wrapped-types:*\r\n", "a/b", true));
    assert_false(
        takes("a=accept-types:message/cpim\r\na=accept-wrapped-types:*\r\n", "a/b", false));
}

/* rfc6135#4.2.2: what is offered, what is answered, who is active, which port; #4.5 */
static void s2_setup(void **state)
{
    static const struct {
        enum msrp_setup offered, answered;
        enum msrp_sdp_active active;
    } rows[] = {
        /* rfc4975#8.5: who offered connects */
        {MSRP_SETUP_ABSENT, MSRP_SETUP_ABSENT, MSRP_SDP_OFFERER},
        {MSRP_SETUP_ABSENT, MSRP_SETUP_PASSIVE, MSRP_SDP_OFFERER},
        {MSRP_SETUP_ABSENT, MSRP_SETUP_ACTIVE, MSRP_SDP_NOBODY},
        {MSRP_SETUP_ABSENT, MSRP_SETUP_ACTPASS, MSRP_SDP_NOBODY},
        /* who knows no a=setup acts as passive */
        {MSRP_SETUP_ACTIVE, MSRP_SETUP_ABSENT, MSRP_SDP_OFFERER},
        {MSRP_SETUP_ACTIVE, MSRP_SETUP_PASSIVE, MSRP_SDP_OFFERER},
        {MSRP_SETUP_ACTIVE, MSRP_SETUP_ACTIVE, MSRP_SDP_NOBODY},
        {MSRP_SETUP_ACTIVE, MSRP_SETUP_ACTPASS, MSRP_SDP_NOBODY},
        {MSRP_SETUP_PASSIVE, MSRP_SETUP_ABSENT, MSRP_SDP_NOBODY},
        {MSRP_SETUP_PASSIVE, MSRP_SETUP_ACTIVE, MSRP_SDP_ANSWERER},
        {MSRP_SETUP_PASSIVE, MSRP_SETUP_PASSIVE, MSRP_SDP_NOBODY},
        {MSRP_SETUP_PASSIVE, MSRP_SETUP_ACTPASS, MSRP_SDP_NOBODY},
        {MSRP_SETUP_ACTPASS, MSRP_SETUP_ABSENT, MSRP_SDP_OFFERER},
        {MSRP_SETUP_ACTPASS, MSRP_SETUP_ACTIVE, MSRP_SDP_ANSWERER},
        {MSRP_SETUP_ACTPASS, MSRP_SETUP_PASSIVE, MSRP_SDP_OFFERER},
        {MSRP_SETUP_ACTPASS, MSRP_SETUP_ACTPASS, MSRP_SDP_NOBODY},
    };

    (void)state;
    assert_int_equal(msrp_sdp_offer_setup(true), MSRP_SETUP_ACTPASS);
    assert_int_equal(msrp_sdp_offer_setup(false), MSRP_SETUP_ACTIVE);
    assert_int_equal(msrp_sdp_answer_setup(MSRP_SETUP_ACTPASS, true), MSRP_SETUP_PASSIVE);
    assert_int_equal(msrp_sdp_answer_setup(MSRP_SETUP_ACTPASS, false), MSRP_SETUP_ACTIVE);
    for (int reachable = 0; reachable < 2; reachable++) {
        assert_int_equal(msrp_sdp_answer_setup(MSRP_SETUP_ACTIVE, reachable), MSRP_SETUP_PASSIVE);
        assert_int_equal(msrp_sdp_answer_setup(MSRP_SETUP_ABSENT, reachable), MSRP_SETUP_PASSIVE);
        assert_int_equal(msrp_sdp_answer_setup(MSRP_SETUP_PASSIVE, reachable), MSRP_SETUP_ACTIVE);
    }
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(msrp_sdp_active(rows[i].offered, rows[i].answered), rows[i].active);
    }
    /* two of our kind always agree: whoever can be reached is not the active one */
    for (int offerer = 0; offerer < 2; offerer++) {
        for (int answerer = 0; answerer < 2; answerer++) {
            enum msrp_setup offered = msrp_sdp_offer_setup(offerer);
            enum msrp_setup answered = msrp_sdp_answer_setup(offered, answerer);

            assert_int_equal(msrp_sdp_active(offered, answered),
                             offerer && !answerer ? MSRP_SDP_ANSWERER : MSRP_SDP_OFFERER);
        }
    }
    /* port 9 of who is active, the real one of all others */
    struct msrp_sdp sdp = sdp_of("m=message 1 TCP/MSRP *\r\nc=IN IP4 x\r\na=accept-types:*\r\n"
                                 "a=path:msrp://192.0.2.1:7394/s;tcp\r\n");
    sdp.setup = MSRP_SETUP_ACTIVE;
    assert_int_equal(msrp_sdp_set_place(&sdp), 0);
    assert_int_equal(sdp.port, 9);
    assert_true(msrp_str_is(sdp.address, "192.0.2.1"));
    sdp.setup = MSRP_SETUP_ACTPASS;
    assert_int_equal(msrp_sdp_set_place(&sdp), 0);
    assert_int_equal(sdp.port, 7394);
    row_passed("S2");
}

#define RELAYED                                                                                    \
    "a=accept-types:*\r\na=path:msrps://relay.example:2855/r;tcp "                                 \
    "msrps://[2001:db8::1]:7777/s;tcp\r\n"

/* Whose place we show: our own, under CEMA that of our relay. rfc4975#8.1, rfc6714#4.2 step 3 */
static void place(void **state)
{
    struct msrp_sdp sdp = sdp_of("m=message 1 TCP/TLS/MSRP *\r\nc=IN IP4 x\r\n" RELAYED);
    char out[512];

    (void)state;
    assert_int_equal(msrp_sdp_set_place(&sdp), 0);
    assert_true(msrp_str_is(sdp.address, "2001:db8::1") && sdp.is_ip6 && sdp.is_secure);
    assert_int_equal(sdp.port, 7777);
    assert_int_equal(msrp_sdp_match(&sdp), MSRP_SDP_SAME);
    assert_true(msrp_sdp_print(&sdp, out, sizeof(out)) > 0);
    sdp.has_cema = true;
    assert_int_equal(msrp_sdp_set_place(&sdp), 0);
    assert_true(msrp_str_is(sdp.address, "relay.example") && !sdp.is_ip6 && sdp.is_secure);
    assert_int_equal(sdp.port, 2855);
    assert_int_equal(msrp_sdp_match(&sdp), MSRP_SDP_SAME);
    assert_true(msrp_sdp_print(&sdp, out, sizeof(out)) > 0);
    sdp.path.last = MSRP_STR("x");
    assert_int_equal(msrp_sdp_set_place(&sdp), MSRP_E_SDP_PATH);
    sdp.path.first = MSRP_STR("x");
    assert_int_equal(msrp_sdp_set_place(&sdp), MSRP_E_SDP_PATH);
}

/* rfc6714#4.4 */
static void match(void **state)
{
    static const struct {
        const char *media, *path, *more;
        enum msrp_sdp_match match;
    } rows[] = {
        {"7394 IP4 192.0.2.1", "msrp://192.0.2.1:7394/s;tcp", "", MSRP_SDP_SAME},
        {"7394 IP4 192.0.2.2", "msrp://192.0.2.1:7394/s;tcp", "", MSRP_SDP_DIFFERENT},
        {"7395 IP4 192.0.2.1", "msrp://192.0.2.1:7394/s;tcp", "", MSRP_SDP_DIFFERENT},
        {"1 IP6 2001:DB8:0::1", "msrp://[2001:db8::1]:1/s;tcp", "", MSRP_SDP_SAME},
        {"1 IP6 2001:db8::2", "msrp://[2001:db8::1]:1/s;tcp", "", MSRP_SDP_DIFFERENT},
        {"1 IP4 192.0.2.1", "msrp://[2001:db8::1]:1/s;tcp", "", MSRP_SDP_DIFFERENT},
        {"1 IP4 A.example", "msrp://a.Example:1/s;tcp", "", MSRP_SDP_SAME},
        {"1 IP6 a.example", "msrp://%61.example:1/s;tcp", "", MSRP_SDP_SAME},
        /* a name is looked up by the caller, or both are */
        {"1 IP4 a.example", "msrp://b.example:1/s;tcp", "", MSRP_SDP_UNRESOLVED},
        {"1 IP4 192.0.2.1", "msrp://a.example:1/s;tcp", "", MSRP_SDP_UNRESOLVED},
        {"1 IP4 a.example", "msrp://192.0.2.1:1/s;tcp", "", MSRP_SDP_UNRESOLVED},
        {"2 IP4 a.example", "msrp://b.example:1/s;tcp", "", MSRP_SDP_DIFFERENT},
        /* one URI of the path is enough */
        {"1 IP4 192.0.2.1", "msrp://192.0.2.9:1/r;tcp msrp://192.0.2.1:1/s;tcp", "", MSRP_SDP_SAME},
        {"1 IP4 192.0.2.1", "msrp://192.0.2.1:1/r;tcp msrp://192.0.2.9:1/s;tcp", "", MSRP_SDP_SAME},
        {"1 IP4 192.0.2.1", "msrp://a.example:1/r;tcp msrp://192.0.2.9:1/s;tcp", "",
         MSRP_SDP_UNRESOLVED},
        {"1 IP4 192.0.2.1", "msrp://a.example:1/r;tcp msrp://192.0.2.1:1/s;tcp", "", MSRP_SDP_SAME},
        /* rfc6135: nobody connects to who is active */
        {"9 IP4 192.0.2.1", "msrp://192.0.2.1:1/s;tcp", "a=setup:active\r\n", MSRP_SDP_SAME},
        {"9 IP4 192.0.2.2", "msrp://192.0.2.1:1/s;tcp", "a=setup:active\r\n", MSRP_SDP_DIFFERENT},
        {"9 IP4 192.0.2.1", "msrp://192.0.2.1:1/s;tcp", "a=setup:passive\r\n", MSRP_SDP_DIFFERENT},
        {"8 IP4 192.0.2.1", "msrp://192.0.2.1:1/s;tcp", "a=setup:active\r\n", MSRP_SDP_DIFFERENT},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[512];
        int port;
        char address[64];

        assert_int_equal(sscanf(rows[i].media, "%d %63[^\n]", &port, address), 2);
        snprintf(text, sizeof(text),
                 "m=message %d TCP/MSRP *\r\nc=IN %s\r\na=accept-types:*\r\na=path:%s\r\n%s", port,
                 address, rows[i].path, rows[i].more);
        struct msrp_sdp sdp = sdp_of(text);
        if (msrp_sdp_match(&sdp) != rows[i].match) {
            fail_msg("%s: not %d", text, rows[i].match);
        }
    }
}

/* An offer or answer: over a relay of theirs?, its setup, its a=msrp-cema. */
static struct msrp_sdp theirs(bool has_relay, enum msrp_setup setup, bool has_cema)
{
    struct msrp_sdp sdp =
        sdp_of(has_relay ? "m=message 4000 TCP/TLS/MSRP *\r\nc=IN IP4 192.0.2.66\r\n" RELAYED
                         : "m=message 4000 TCP/MSRP *\r\nc=IN IP4 192.0.2.66\r\n"
                           "a=accept-types:*\r\na=path:msrp://bob.example:7777/s;tcp\r\n");

    sdp.setup = setup;
    sdp.has_cema = has_cema;
    return sdp;
}

enum { NO_RELAY, RELAY };
enum { LACKS, CEMA }; /* a=msrp-cema */
enum { ANCHORED, MATCHES };

struct cema_row {
    const char *fact;
    int relay;
    enum msrp_setup setup;
    int cema, matches, our_relay;
    enum msrp_cema verdict;
};

static void judge_all(const struct cema_row *rows, size_t n,
                      enum msrp_cema (*judge)(const struct msrp_sdp *, bool, bool))
{
    for (size_t i = 0; i < n; i++) {
        struct msrp_sdp sdp = theirs(rows[i].relay, rows[i].setup, rows[i].cema);

        if (judge(&sdp, rows[i].matches, rows[i].our_relay) != rows[i].verdict) {
            fail_msg("%s", rows[i].fact);
        }
    }
}

/* rfc6714#4.3: an offer came. */
static void cema_answer(void **state)
{
    static const struct cema_row rows[] = {
        {"no attribute, another address: rejected", NO_RELAY, MSRP_SETUP_ACTPASS, LACKS, ANCHORED,
         NO_RELAY, MSRP_CEMA_REJECT},
        {"whoever has relays", RELAY, MSRP_SETUP_ACTIVE, LACKS, ANCHORED, RELAY, MSRP_CEMA_REJECT},
        {"criterion 1: both use relays", RELAY, MSRP_SETUP_ACTPASS, CEMA, ANCHORED, RELAY,
         MSRP_CEMA_FALLBACK},
        {"in any case", RELAY, MSRP_SETUP_ACTPASS, CEMA, MATCHES, RELAY, MSRP_CEMA_FALLBACK},
        {"criterion 2: their relay, they are active", RELAY, MSRP_SETUP_ACTIVE, CEMA, ANCHORED,
         NO_RELAY, MSRP_CEMA_FALLBACK},
        {"by default", RELAY, MSRP_SETUP_ABSENT, CEMA, MATCHES, NO_RELAY, MSRP_CEMA_FALLBACK},
        {"their relay, they may be passive", RELAY, MSRP_SETUP_ACTPASS, CEMA, ANCHORED, NO_RELAY,
         MSRP_CEMA_USE},
        {"criterion 3: our relay, and we have to be active", NO_RELAY, MSRP_SETUP_PASSIVE, CEMA,
         ANCHORED, RELAY, MSRP_CEMA_FALLBACK},
        {"our relay, and we may be passive", NO_RELAY, MSRP_SETUP_ACTPASS, CEMA, ANCHORED, RELAY,
         MSRP_CEMA_USE},
        {"our relay, they are active", NO_RELAY, MSRP_SETUP_ACTIVE, CEMA, ANCHORED, RELAY,
         MSRP_CEMA_USE},
        {"no relays", NO_RELAY, MSRP_SETUP_ACTPASS, CEMA, ANCHORED, NO_RELAY, MSRP_CEMA_USE},
        {"nobody in between", NO_RELAY, MSRP_SETUP_ACTIVE, CEMA, MATCHES, NO_RELAY, MSRP_CEMA_USE},
        {"all other cases: without the attribute, too", NO_RELAY, MSRP_SETUP_ABSENT, LACKS, MATCHES,
         NO_RELAY, MSRP_CEMA_USE},
        {"#4.1: a relay of who knows no CEMA", RELAY, MSRP_SETUP_ACTPASS, LACKS, MATCHES, NO_RELAY,
         MSRP_CEMA_FALLBACK},
    };

    (void)state;
    judge_all(rows, COUNT(rows), msrp_sdp_cema_answer);
}

/* rfc6714#4.2: an answer came to our offer with a=msrp-cema. */
static void cema_offer(void **state)
{
    static const struct cema_row rows[] = {
        {"criterion 1: we are passive", NO_RELAY, MSRP_SETUP_ACTIVE, LACKS, ANCHORED, NO_RELAY,
         MSRP_CEMA_REOFFER},
        {"with our relay, too", NO_RELAY, MSRP_SETUP_ACTIVE, LACKS, ANCHORED, RELAY,
         MSRP_CEMA_REOFFER},
        {"criterion 2: our relay, we are active", NO_RELAY, MSRP_SETUP_PASSIVE, LACKS, ANCHORED,
         RELAY, MSRP_CEMA_REOFFER},
        {"by default", NO_RELAY, MSRP_SETUP_ABSENT, LACKS, ANCHORED, RELAY, MSRP_CEMA_REOFFER},
        {"criterion 3: their relay, we are active", RELAY, MSRP_SETUP_PASSIVE, LACKS, ANCHORED,
         NO_RELAY, MSRP_CEMA_REOFFER},
        {"by default", RELAY, MSRP_SETUP_ABSENT, LACKS, ANCHORED, NO_RELAY, MSRP_CEMA_REOFFER},
        {"their relay, nobody in between", RELAY, MSRP_SETUP_ABSENT, LACKS, MATCHES, NO_RELAY,
         MSRP_CEMA_FALLBACK},
        {"the same with the attribute", RELAY, MSRP_SETUP_PASSIVE, CEMA, MATCHES, NO_RELAY,
         MSRP_CEMA_FALLBACK},
        {"no attribute, but they wait where c= says", NO_RELAY, MSRP_SETUP_PASSIVE, LACKS, ANCHORED,
         NO_RELAY, MSRP_CEMA_USE},
        {"by default", NO_RELAY, MSRP_SETUP_ABSENT, LACKS, ANCHORED, NO_RELAY, MSRP_CEMA_USE},
        {"nobody in between", NO_RELAY, MSRP_SETUP_PASSIVE, LACKS, MATCHES, NO_RELAY,
         MSRP_CEMA_USE},
        {"we wait", NO_RELAY, MSRP_SETUP_ACTIVE, CEMA, ANCHORED, NO_RELAY, MSRP_CEMA_USE},
        {"our relay waits", NO_RELAY, MSRP_SETUP_ACTIVE, CEMA, ANCHORED, RELAY, MSRP_CEMA_USE},
        {"their relay waits behind a middlebox", RELAY, MSRP_SETUP_PASSIVE, CEMA, ANCHORED,
         NO_RELAY, MSRP_CEMA_USE},
        {"#4.1: our relay, we are active", NO_RELAY, MSRP_SETUP_PASSIVE, CEMA, ANCHORED, RELAY,
         MSRP_CEMA_REOFFER},
        {"and nobody in between", NO_RELAY, MSRP_SETUP_PASSIVE, CEMA, MATCHES, RELAY,
         MSRP_CEMA_FALLBACK},
    };

    (void)state;
    judge_all(rows, COUNT(rows), msrp_sdp_cema_offer);
}

/* Two endpoints and a middlebox that writes its own address into c= and m= of the offer and of the
 * answer: the connection goes to the middlebox, the paths say what they said. rfc6714#4, #6 */
static void s3_anchored(void **state)
{
    static const char offer_path[] = "msrps://alice.example:7394/2s93i93idj;tcp";
    struct msrp_sdp offer = {
        .path = {.text = MSRP_STR(offer_path), .count = 1},
        .types = MSRP_STR("*"),
        .setup = msrp_sdp_offer_setup(true),
        .has_cema = true,
    };
    struct msrp_sdp_target target;
    struct msrp_uri uri, own;
    char wire[512];

    (void)state;
    offer.path.first = offer.path.last = offer.path.text;
    assert_int_equal(msrp_sdp_set_place(&offer), 0);
    assert_true(msrp_str_is(offer.address, "alice.example") && offer.is_secure);
    offer.address = MSRP_STR("198.51.100.7"); /* the middlebox */
    offer.port = 40000;
    ssize_t n = msrp_sdp_print(&offer, wire, sizeof(wire));
    assert_true(n > 0);

    struct msrp_sdp got;
    assert_int_equal(msrp_sdp_parse(&got, none, (struct msrp_str){wire, (size_t)n}), 0);
    /* the answerer resolves alice.example, and does not find 198.51.100.7 */
    got.port = 7394;
    assert_int_equal(msrp_sdp_match(&got), MSRP_SDP_UNRESOLVED);
    got.port = 40000;
    assert_int_equal(msrp_sdp_match(&got), MSRP_SDP_DIFFERENT);
    assert_int_equal(msrp_sdp_cema_answer(&got, false, false), MSRP_CEMA_USE);
    enum msrp_setup answered = msrp_sdp_answer_setup(got.setup, false);
    assert_int_equal(msrp_sdp_active(got.setup, answered), MSRP_SDP_ANSWERER);
    assert_true(msrp_sdp_target(&got, MSRP_CEMA_USE, &target));
    assert_true(msrp_str_is(target.host, "198.51.100.7") && target.port == 40000);
    assert_true(target.is_secure);
    /* what it then sends to is the path, so the session is found by the rules of rfc4975#6.1 */
    assert_int_equal(msrp_uri_parse(&uri, got.path.first), 0);
    assert_int_equal(msrp_uri_parse(&own, MSRP_STR(offer_path)), 0);
    assert_true(msrp_uri_is_same(&uri, &own));

    assert_true(msrp_sdp_target(&got, MSRP_CEMA_FALLBACK, &target));
    assert_true(msrp_str_is(target.host, "alice.example") && target.port == 7394);
    assert_true(target.is_secure);
    assert_false(msrp_sdp_target(&got, MSRP_CEMA_REOFFER, &target));
    assert_false(msrp_sdp_target(&got, MSRP_CEMA_REJECT, &target));
    got.port = 0;
    assert_false(msrp_sdp_target(&got, MSRP_CEMA_USE, &target));
    got.port = 1;
    got.path.first = MSRP_STR("x");
    assert_false(msrp_sdp_target(&got, MSRP_CEMA_FALLBACK, &target));

    cema_answer(state);
    cema_offer(state);
    row_passed("S3");
}

/* The media plane of MCData: the offer of 24.282, the active side's empty SEND and its answer, then
 * signalling and payload in one SEND. 24.582#4.1, #6.1 */
static void s9_mcdata(void **state)
{
    struct msrp_sdp offer =
        sdp_of("m=message 7394 TCP/MSRP *\r\n"
               "c=IN IP4 192.0.2.1\r\n"
               "a=sendonly\r\n"
               "a=path:msrp://192.0.2.1:7394/s1;tcp\r\n"
               "a=accept-types:multipart/mixed application/vnd.3gpp.mcdata-signalling "
               "application/vnd.3gpp.mcdata-payload\r\n"
               "a=setup:actpass\r\n"
               "a=key-mgmt:mikey AQAFgM3XflABAAAAAAAAAAAAAAYAyO\r\n");
    static const char *const types[] = {"multipart/mixed", "application/vnd.3gpp.mcdata-signalling",
                                        "application/vnd.3gpp.mcdata-payload"};
    static const struct msrp_limits limits = MSRP_LIMITS_DEFAULT;
    static const char empty[] = "MSRP abcd SEND\r\n" PATHS ID "Byte-Range: 1-0/0\r\n";
    static const char bodies[] =
        "--b\r\nContent-Type: application/vnd.3gpp.mcdata-signalling\r\n\r\nx\r\n"
        "--b\r\nContent-Type: application/vnd.3gpp.mcdata-payload\r\n\r\ny\r\n--b--";
    struct msrp_mime_event ev = {.kind = MSRP_MIME_MORE};
    struct msrp_media media;
    struct msrp_mime mime;
    struct msrp_head head;
    size_t parts = 0;
    ssize_t used;

    (void)state;
    assert_int_equal(offer.direction, MSRP_SENDONLY);
    assert_int_equal(msrp_sdp_match(&offer), MSRP_SDP_SAME);
    for (size_t i = 0; i < COUNT(types); i++) {
        assert_int_equal(msrp_mime_parse_type(&media, msrp_str_of(types[i])), 0);
        assert_true(msrp_sdp_takes(&offer, &media, i > 0));
    }
    assert_int_equal(msrp_sdp_active(offer.setup, MSRP_SETUP_PASSIVE), MSRP_SDP_OFFERER);
    assert_int_equal(msrp_sdp_active(offer.setup, MSRP_SETUP_ACTIVE), MSRP_SDP_ANSWERER);

    /* the first SEND binds the session: no body, and answered */
    assert_int_equal(msrp_head_parse(&head, empty, strlen(empty), false, &limits), 0);
    assert_int_equal(head.err, 0);
    assert_false(head.has_body);
    assert_true(msrp_report_is_answered(&head, 200));

    /* both bodies in one SEND, in their order */
    assert_int_equal(msrp_mime_init(&mime, MSRP_STR("b"), 0), 0);
    for (size_t at = 0; ev.kind != MSRP_MIME_END; at += (size_t)used) {
        used = msrp_mime_next(&mime, bodies + at, strlen(bodies) - at, &ev);
        assert_true(used >= 0 && ev.kind != MSRP_MIME_MORE && parts < 3);
        if (ev.kind == MSRP_MIME_PART) {
            assert_true(msrp_str_is(ev.content_type, types[++parts]));
        }
    }
    assert_int_equal(parts, 2);
    row_passed("S9");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types),       cmocka_unit_test(s2_setup),    cmocka_unit_test(place),
        cmocka_unit_test(match),       cmocka_unit_test(cema_answer), cmocka_unit_test(cema_offer),
        cmocka_unit_test(s3_anchored), cmocka_unit_test(s9_mcdata),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
