/* sdp.c - tests of msrp/sdp.c: what reads, what does not, what is printed. */
#include "tests/msrp/test.h"

static const struct msrp_str none = {NULL, 0};

static int parse(struct msrp_sdp *sdp, const char *section)
{
    return msrp_sdp_parse(sdp, none, msrp_str_of(section));
}

/* Reads a whole SDP with one section. */
static void parse_whole(struct msrp_sdp *sdp, const char *text)
{
    struct msrp_str rest, session, section;

    session = msrp_sdp_cut_session(msrp_str_of(text), &rest);
    assert_true(msrp_sdp_next_section(&rest, &section));
    assert_true(msrp_sdp_is_message(section));
    assert_string_equal(err_name(msrp_sdp_parse(sdp, session, section)), "0");
    assert_false(msrp_sdp_next_section(&rest, &section));
}

static void expect_print(const struct msrp_sdp *sdp, const char *text)
{
    char out[8192];
    ssize_t n = msrp_sdp_print(sdp, out, sizeof(out));

    assert_int_equal(n, strlen(text));
    assert_memory_equal(out, text, (size_t)n);
    for (size_t cap = 0; cap < (size_t)n; cap += 7) {
        assert_int_equal(msrp_sdp_print(sdp, out, cap), MSRP_E_SPACE);
    }
}

/* rfc4975#8.7: the offer of A and the answer of B, as they stand there. */
static void s1_exchange(void **state)
{
    struct msrp_sdp a, b;

    (void)state;
    parse_whole(&a, "v=0\r\n"
                    "o=usera 2890844526 2890844527 IN IP4 alice.example.com\r\n"
                    "s= -\r\n"
                    "c=IN IP4 alice.example.com\r\n"
                    "t=0 0\r\n"
                    "m=message 7394 TCP/MSRP *\r\n"
                    "a=accept-types:message/cpim text/plain text/html\r\n"
                    "a=path:msrp://alice.example.com:7394/2s93i93idj;tcp\r\n");
    assert_int_equal(a.port, 7394);
    assert_false(a.is_secure || a.is_ip6 || a.has_max_size || a.has_cema);
    assert_true(msrp_str_is(a.address, "alice.example.com"));
    assert_int_equal(a.path.count, 1);
    assert_true(msrp_str_is(a.path.last, "msrp://alice.example.com:7394/2s93i93idj;tcp"));
    assert_true(msrp_str_is(a.types, "message/cpim text/plain text/html"));
    assert_int_equal(a.wrapped.n, 0);
    assert_int_equal(a.setup, MSRP_SETUP_ABSENT);
    assert_int_equal(a.direction, MSRP_SENDRECV);
    assert_int_equal(a.fingerprints_n, 0);
    assert_int_equal(msrp_sdp_match(&a), MSRP_SDP_SAME);
    expect_print(&a, "m=message 7394 TCP/MSRP *\r\n"
                     "c=IN IP4 alice.example.com\r\n"
                     "a=accept-types:message/cpim text/plain text/html\r\n"
                     "a=path:msrp://alice.example.com:7394/2s93i93idj;tcp\r\n");

    parse_whole(&b, "v=0\n"
                    "o=userb 2890844530 2890844532 IN IP4 bob.example.com\n"
                    "s= -\n"
                    "c=IN IP4 bob.example.com\n"
                    "t=0 0\n"
                    "m=message 8493 TCP/MSRP *\n"
                    "a=accept-types:message/cpim text/plain\n"
                    "a=path:msrp://bob.example.com:8493/si438dsaodes;tcp\n");
    assert_int_equal(b.port, 8493);
    assert_int_equal(msrp_sdp_match(&b), MSRP_SDP_SAME);
    expect_print(&b, "m=message 8493 TCP/MSRP *\r\n"
                     "c=IN IP4 bob.example.com\r\n"
                     "a=accept-types:message/cpim text/plain\r\n"
                     "a=path:msrp://bob.example.com:8493/si438dsaodes;tcp\r\n");
    row_passed("S1");
}

/* rfc4976#11: a path over a relay; rfc4975#14.4: a fingerprint. Folded there in print only. */
static void relay_and_fingerprint(void **state)
{
    struct msrp_sdp sdp;

    (void)state;
    parse_whole(&sdp, "c=IN IP4 bob.example.com\r\n"
                      "m=message 1234 TCP/TLS/MSRP *\r\n"
                      "a=accept-types: message/cpim text/plain\r\n"
                      "a=path:msrps://relay.example.com:9000/hjdhfha;tcp "
                      "msrps://bob.example.com:1234/fuige;tcp\r\n");
    assert_true(sdp.is_secure);
    assert_int_equal(sdp.path.count, 2);
    assert_true(msrp_str_is(sdp.path.first, "msrps://relay.example.com:9000/hjdhfha;tcp"));
    assert_true(msrp_str_is(sdp.path.last, "msrps://bob.example.com:1234/fuige;tcp"));
    assert_true(msrp_str_is(sdp.types, "message/cpim text/plain"));
    assert_int_equal(msrp_sdp_match(&sdp), MSRP_SDP_SAME);

    parse_whole(&sdp, "c=IN IP4 atlanta.example.com\r\n"
                      "m=message 7654 TCP/TLS/MSRP *\r\n"
                      "a=accept-types:text/plain\r\n"
                      "a=path:msrps://atlanta.example.com:7654/jshA7weso3ks;tcp\r\n"
                      "a=fingerprint:SHA-1 "
                      "4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB\r\n");
    assert_int_equal(sdp.fingerprints_n, 1);
    assert_true(msrp_str_is(sdp.fingerprints[0],
                            "SHA-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB"));
}

#define M     "m=message 7394 TCP/MSRP *\r\n"
#define C     "c=IN IP4 192.0.2.1\r\n"
#define TYPES "a=accept-types:*\r\n"
#define PATH  "a=path:msrp://192.0.2.1:7394/s;tcp\r\n"

/* All fields at once; the lines of the session stand in where the section has none. */
static void fields(void **state)
{
    static const char session[] = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\n"
                                  "b=AS:64\r\nt=0 0\r\na=setup:passive\r\na=sendonly\r\n"
                                  "a=fingerprint:sha-256 AA:BB\r\na=fingerprint:sha-1 CC\r\n"
                                  "a=path:no path of ours\r\na=msrp-cema\r\na=tool:x\r\n";
    static const char own[] = "m=message 9 TCP/TLS/MSRP *\r\n"
                              "c=IN IP6 2001:db8::1\r\n"
                              "a=recvonly\r\n"
                              "a=accept-types:message/cpim;x=\"a b\\\" c\" text/* *\r\n"
                              "a=accept-wrapped-types:text/plain image/*\r\n"
                              "a=max-size:9223372036854775807\r\n"
                              "a=path:msrps://[2001:db8::1]:2855/s;tcp\r\n"
                              "a=setup:active\r\n"
                              "a=msrp-cema\r\n"
                              "a=fingerprint:sha-512 00:ff\r\n";
    struct msrp_str rest, entry;
    struct msrp_sdp sdp;

    (void)state;
    assert_int_equal(msrp_sdp_parse(&sdp, msrp_str_of(session), msrp_str_of(own)), 0);
    assert_int_equal(sdp.port, MSRP_SDP_PORT_NONE);
    assert_true(sdp.is_secure && sdp.is_ip6 && sdp.has_cema && sdp.has_max_size);
    assert_true(msrp_str_is(sdp.address, "2001:db8::1"));
    assert_true(sdp.max_size == MSRP_U63_MAX);
    assert_int_equal(sdp.setup, MSRP_SETUP_ACTIVE);
    assert_int_equal(sdp.direction, MSRP_RECVONLY);
    assert_int_equal(sdp.fingerprints_n, 1);
    assert_true(msrp_str_is(sdp.fingerprints[0], "sha-512 00:ff"));
    expect_print(&sdp, own);
    rest = sdp.types;
    assert_true(msrp_sdp_next_type(&rest, &entry));
    assert_true(msrp_str_is(entry, "message/cpim;x=\"a b\\\" c\""));
    assert_true(msrp_sdp_next_type(&rest, &entry) && msrp_str_is(entry, "text/*"));
    assert_true(msrp_sdp_next_type(&rest, &entry) && msrp_str_is(entry, "*"));
    assert_false(msrp_sdp_next_type(&rest, &entry));

    assert_int_equal(msrp_sdp_parse(&sdp, msrp_str_of(session), msrp_str_of(M TYPES PATH)), 0);
    assert_true(msrp_str_is(sdp.address, "192.0.2.9"));
    assert_int_equal(sdp.setup, MSRP_SETUP_PASSIVE);
    assert_int_equal(sdp.direction, MSRP_SENDONLY);
    assert_int_equal(sdp.fingerprints_n, 2);
    assert_true(msrp_str_is(sdp.fingerprints[1], "sha-1 CC"));
    assert_false(sdp.has_cema); /* of a section, not of a session */
    expect_print(&sdp, M "c=IN IP4 192.0.2.9\r\na=sendonly\r\n" TYPES PATH "a=setup:passive\r\n"
                         "a=fingerprint:sha-256 AA:BB\r\na=fingerprint:sha-1 CC\r\n");
}

/* rfc6135#4.2.1: holdconn is as nothing; the others are read, in any section. */
static void setups(void **state)
{
    static const struct {
        const char *line;
        enum msrp_setup setup;
    } rows[] = {{"", MSRP_SETUP_ABSENT},
                {"a=setup:active\r\n", MSRP_SETUP_ACTIVE},
                {"a=setup:passive\r\n", MSRP_SETUP_PASSIVE},
                {"a=setup:actpass\r\n", MSRP_SETUP_ACTPASS},
                {"a=setup:holdconn\r\n", MSRP_SETUP_ABSENT},
                {"a=connection:new\r\na=setup:active\r\n", MSRP_SETUP_ACTIVE}};
    struct msrp_sdp sdp;
    char text[512], out[512];

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        snprintf(text, sizeof(text), M C TYPES PATH "%s", rows[i].line);
        assert_int_equal(parse(&sdp, text), 0);
        assert_int_equal(sdp.setup, rows[i].setup);
        ssize_t n = msrp_sdp_print(&sdp, out, sizeof(out) - 1);
        assert_true(n > 0);
        out[n] = '\0';
        assert_null(strstr(out, "holdconn"));
        assert_null(strstr(out, "connection"));
    }
}

/* Unknown attributes count for nothing, whatever they hold; rfc8873: those of data channels, too.
 */
static void s5_passed_over(void **state)
{
    struct msrp_sdp sdp;

    (void)state;
    assert_int_equal(parse(&sdp,
                           M "i=a title \xc3\xa9\xff\r\n" C "b=AS:64\r\nk=prompt\r\n"
                             "a=dcmap:0 label=\"chat\";subprotocol=\"msrp\"\r\n"
                             "a=dcsa:0 msrp-cema\r\n"
                             "a=dcsa:0 setup:active\r\n"
                             "a=dcsa:0 accept-types:message/cpim text/plain\r\n"
                             "a=dcsa:0 path:msrps://2001:db8::3:54111/si438dsaodes;dc\r\n"
                             "a=dcsa:2 sendonly\r\n"
                             "a=max-message-size:100000\r\n"
                             "a=sctp-port:5000\r\n"
                             "a=tls-id:4a756565cddef001be82\r\n"
                             "a=\r\na=:\r\na=x\r\na=x:y\r\na=Path:\r\na=setup2:x\r\n"
                             "a=key-mgmt:mikey AQAFgM3XflABAAAAAAAAAAAAAAYAyO\r\n" TYPES PATH),
                     0);
    assert_false(sdp.has_cema);
    assert_int_equal(sdp.setup, MSRP_SETUP_ABSENT);
    assert_int_equal(sdp.direction, MSRP_SENDRECV);
    expect_print(&sdp, M C TYPES PATH);
    row_passed("S5");
}

/* A media line that is refused carries port 0, and may carry nothing else. */
static void refused_media(void **state)
{
    struct msrp_sdp sdp;

    (void)state;
    assert_int_equal(parse(&sdp, "m=message 0 TCP/MSRP *\r\n" C), 0);
    assert_int_equal(sdp.port, 0);
    assert_int_equal(sdp.path.count, 0);
    expect_print(&sdp, "m=message 0 TCP/MSRP *\r\n" C);
    assert_int_equal(parse(&sdp, "m=message 0 TCP/MSRP *\r\n" C TYPES PATH), 0);
    assert_int_equal(parse(&sdp, "m=message 0 TCP/MSRP *\r\n" C "a=path:x\r\n"), MSRP_E_SDP_PATH);
    assert_int_equal(parse(&sdp, "m=message 0 TCP/MSRP *\r\n"), MSRP_E_SDP_ADDRESS);
}

/* Sections are counted, those of other media too. */
static void sections(void **state)
{
    static const char text[] =
        "v=0\r\ns=m=message\r\nm=audio 4000 RTP/AVP 0\r\na=x:m=1\r\n" M C "m=message 1\r\nm=";
    struct msrp_str rest, session, section;

    (void)state;
    session = msrp_sdp_cut_session(msrp_str_of(text), &rest);
    assert_true(msrp_str_is(session, "v=0\r\ns=m=message\r\n"));
    assert_true(msrp_sdp_next_section(&rest, &section));
    assert_true(msrp_str_is(section, "m=audio 4000 RTP/AVP 0\r\na=x:m=1\r\n"));
    assert_false(msrp_sdp_is_message(section));
    assert_true(msrp_sdp_next_section(&rest, &section));
    assert_true(msrp_str_is(section, M C) && msrp_sdp_is_message(section));
    assert_true(msrp_sdp_next_section(&rest, &section) && msrp_sdp_is_message(section));
    assert_true(msrp_sdp_next_section(&rest, &section) && msrp_str_is(section, "m="));
    assert_false(msrp_sdp_next_section(&rest, &section));

    session = msrp_sdp_cut_session(MSRP_STR("v=0\r\n"), &rest);
    assert_int_equal(session.n, 5);
    assert_false(msrp_sdp_next_section(&rest, &section));
    session = msrp_sdp_cut_session(none, &rest);
    assert_int_equal(session.n + rest.n, 0);
    session = msrp_sdp_cut_session(MSRP_STR("m=x\nm=y"), &rest);
    assert_int_equal(session.n, 0);
    assert_true(msrp_sdp_next_section(&rest, &section) && msrp_str_is(section, "m=x\n"));
    assert_true(msrp_sdp_next_section(&rest, &section) && msrp_str_is(section, "m=y"));
}

/* threat T42: one line wrong, and which error tells it. */
static void sdp_matrix(void **state)
{
    static const struct {
        const char *text;
        int err;
    } rows[] = {
        {"", MSRP_E_SDP_LINE},
        {"m=message 7394 TCP/MSRP *", MSRP_E_SDP_LINE}, /* no end */
        {"x", MSRP_E_SDP_LINE},
        {C M TYPES PATH, MSRP_E_SDP_MEDIA},
        {"m=audio 7394 TCP/MSRP *\r\n" C TYPES PATH, MSRP_E_SDP_MEDIA},
        {"m=Message 7394 TCP/MSRP *\r\n" C TYPES PATH, MSRP_E_SDP_MEDIA},
        {"m=message 7394 tcp/msrp *\r\n" C TYPES PATH, MSRP_E_SDP_MEDIA},
        {"m=message 7394 UDP/DTLS/SCTP webrtc-datachannel\r\n" C TYPES PATH, MSRP_E_SDP_MEDIA},
        {"m=message 7394 TCP/MSRP null\r\n" C TYPES PATH, MSRP_E_SDP_MEDIA},
        {"m=message 7394 TCP/MSRP * *\r\n" C TYPES PATH, MSRP_E_SDP_MEDIA},
        {"m=message 7394 TCP/MSRP\r\n" C TYPES PATH, MSRP_E_SDP_MEDIA},
        {"m=message  7394 TCP/MSRP *\r\n" C TYPES PATH, MSRP_E_SDP_MEDIA},
        {"m=message\r\n" C TYPES PATH, MSRP_E_SDP_MEDIA},
        {"m=message 65536 TCP/MSRP *\r\n" C TYPES PATH, MSRP_E_SDP_PORT},
        {"m=message 99999999999999999999 TCP/MSRP *\r\n" C TYPES PATH, MSRP_E_SDP_PORT},
        {"m=message -1 TCP/MSRP *\r\n" C TYPES PATH, MSRP_E_SDP_PORT},
        {"m=message 7394/2 TCP/MSRP *\r\n" C TYPES PATH, MSRP_E_SDP_PORT},
        {"m=message x TCP/MSRP *\r\n" C TYPES PATH, MSRP_E_SDP_PORT},
        {M TYPES PATH, MSRP_E_SDP_ADDRESS},
        {M C C TYPES PATH, MSRP_E_SDP_TWICE},
        {M "c=IN IP4 192.0.2.1/127\r\n" TYPES PATH, MSRP_E_SDP_ADDRESS},
        {M "c=IN IP4 192.0.2.256\r\n" TYPES PATH, MSRP_E_SDP_ADDRESS},
        {M "c=IN IP4 \r\n" TYPES PATH, MSRP_E_SDP_ADDRESS},
        {M "c=IN IP4 2001:db8::1\r\n" TYPES PATH, MSRP_E_SDP_ADDRESS},
        {M "c=IN IP6 192.0.2.1\r\n" TYPES PATH, MSRP_E_SDP_ADDRESS},
        {M "c=IN IP6 [2001:db8::1]\r\n" TYPES PATH, MSRP_E_SDP_ADDRESS},
        {M "c=IN IP6 2001:db8::g\r\n" TYPES PATH, MSRP_E_SDP_ADDRESS},
        {M "c=IN IP4 a/b\r\n" TYPES PATH, MSRP_E_SDP_ADDRESS},
        {M "c=IN IP4 a@b\r\n" TYPES PATH, MSRP_E_SDP_ADDRESS},
        {M "c=IN IP4 %41\r\n" TYPES PATH, MSRP_E_SDP_ADDRESS},
        {M "c=IN IP4 a b\r\n" TYPES PATH, MSRP_E_SDP_ADDRESS},
        {M "c=IN IP4 a \r\n" TYPES PATH, MSRP_E_SDP_ADDRESS},
        {M "c=ATM NSAP 47\r\n" TYPES PATH, MSRP_E_SDP_ADDRESS},
        {M C TYPES, MSRP_E_SDP_PATH_NONE},
        {M C, MSRP_E_SDP_PATH_NONE},
        {M C TYPES PATH PATH, MSRP_E_SDP_TWICE},
        {M C TYPES "a=path\r\n", MSRP_E_SDP_LINE},
        {M C TYPES "a=path:\r\n", MSRP_E_SDP_PATH},
        {M C TYPES "a=path:sip:alice@a.example\r\n", MSRP_E_SDP_PATH},
        {M C TYPES "a=path: msrp://a.example:1/s;tcp\r\n", MSRP_E_SDP_PATH},
        {M C TYPES "a=path:msrp://a.example:1/s;tcp \r\n", MSRP_E_SDP_PATH},
        {M C TYPES "a=path:msrp://a.example:1/s;tcp  msrp://b.example:1/s;tcp\r\n",
         MSRP_E_SDP_PATH},
        {M C TYPES "a=path:msrp://a.example/s;tcp\r\n", MSRP_E_SDP_PATH}, /* no port */
        {M C TYPES "a=path:msrp://a.example:1/s;tcp msrp://b.example/s;tcp\r\n", MSRP_E_SDP_PATH},
        {M C TYPES "a=path:msrp://a.example:0/s;tcp\r\n", MSRP_E_SDP_PATH},
        {M C TYPES "a=path:msrp://a.example:65536/s;tcp\r\n", MSRP_E_SDP_PATH},
        {M C TYPES "a=path:msrp://a.example:1/s;tcp msrp://A.example:1/s;tcp\r\n",
         MSRP_E_SDP_PATH}, /* a loop */
        {M C TYPES "a=path:msrps://a.example:1/s;tcp\r\n", MSRP_E_SDP_SCHEME},
        {"m=message 1 TCP/TLS/MSRP *\r\n" C TYPES PATH, MSRP_E_SDP_SCHEME},
        {M C PATH, MSRP_E_SDP_TYPES_NONE},
        {M C PATH TYPES TYPES, MSRP_E_SDP_TWICE},
        {M C PATH "a=accept-types:\r\n", MSRP_E_SDP_TYPES},
        {M C PATH "a=accept-types: \r\n", MSRP_E_SDP_TYPES},
        {M C PATH "a=accept-types:text\r\n", MSRP_E_SDP_TYPES},
        {M C PATH "a=accept-types:/\r\n", MSRP_E_SDP_TYPES},
        {M C PATH "a=accept-types:*;x=y\r\n", MSRP_E_SDP_TYPES},
        {M C PATH "a=accept-types:text/plain  text/html\r\n", MSRP_E_SDP_TYPES},
        {M C PATH "a=accept-types:text/plain \r\n", MSRP_E_SDP_TYPES},
        {M C PATH "a=accept-types:text/plain,text/html\r\n", MSRP_E_SDP_TYPES},
        {M C PATH "a=accept-types:text/plain;x=\"y\r\n", MSRP_E_SDP_TYPES},
        {M C PATH "a=accept-types:text/plain;x=\"y\\\r\n", MSRP_E_SDP_TYPES},
        {M C PATH TYPES "a=accept-wrapped-types:x\r\n", MSRP_E_SDP_TYPES},
        {M C PATH TYPES "a=max-size:\r\n", MSRP_E_SDP_SIZE},
        {M C PATH TYPES "a=max-size:-1\r\n", MSRP_E_SDP_SIZE},
        {M C PATH TYPES "a=max-size:9223372036854775808\r\n", MSRP_E_SDP_SIZE},
        {M C PATH TYPES "a=max-size:1\r\na=max-size:1\r\n", MSRP_E_SDP_TWICE},
        {M C PATH TYPES "a=setup:\r\n", MSRP_E_SDP_SETUP},
        {M C PATH TYPES "a=setup:Active\r\n", MSRP_E_SDP_SETUP},
        {M C PATH TYPES "a=setup:active\r\na=setup:passive\r\n", MSRP_E_SDP_TWICE},
        {M C PATH TYPES "a=sendonly\r\na=recvonly\r\n", MSRP_E_SDP_TWICE},
        {M C PATH TYPES "a=msrp-cema\r\na=msrp-cema\r\n", MSRP_E_SDP_TWICE},
        {M C PATH TYPES "a=msrp-cema:\r\n", MSRP_E_SDP_LINE},
        {M C PATH TYPES "a=fingerprint:sha-1\r\n", MSRP_E_SDP_FINGERPRINT},
        {M C PATH TYPES "a=fingerprint:sha-1 \r\n", MSRP_E_SDP_FINGERPRINT},
        {M C PATH TYPES "a=fingerprint:sha-1 A\r\n", MSRP_E_SDP_FINGERPRINT},
        {M C PATH TYPES "a=fingerprint:sha-1 AB:C\r\n", MSRP_E_SDP_FINGERPRINT},
        {M C PATH TYPES "a=fingerprint:sha-1 AB-CD\r\n", MSRP_E_SDP_FINGERPRINT},
        {M C PATH TYPES "a=fingerprint:sha-1 GG\r\n", MSRP_E_SDP_FINGERPRINT},
        {M C PATH TYPES "a=fingerprint: AB\r\n", MSRP_E_SDP_FINGERPRINT},
        {M C PATH TYPES M, MSRP_E_SDP_LINE},
        {M C PATH TYPES "t=0 0\r\n", MSRP_E_SDP_LINE},
        {M C PATH TYPES "A=x\r\n", MSRP_E_SDP_LINE},
        {M C PATH TYPES "\r\n", MSRP_E_SDP_LINE},
        {M C PATH TYPES "a\r\n", MSRP_E_SDP_LINE},
        {M C PATH TYPES "a =x\r\n", MSRP_E_SDP_LINE},
        {M C PATH TYPES " a=x\r\n", MSRP_E_SDP_LINE},
        {M C PATH TYPES "a=x", MSRP_E_SDP_LINE},
        {M C PATH TYPES "a=x\ry\r\n", MSRP_E_SDP_CONTROL},
        {M C PATH TYPES "a=x\r\r\n", MSRP_E_SDP_CONTROL},
        {M C PATH TYPES "a=x\x01\r\n", MSRP_E_SDP_CONTROL},
        {M C PATH TYPES "a=x\x7f\r\n", MSRP_E_SDP_CONTROL},
    };
    struct msrp_sdp sdp;

    (void)state;
    assert_int_equal(parse(&sdp, M C TYPES PATH), 0);
    for (size_t i = 0; i < COUNT(rows); i++) {
        int err = parse(&sdp, rows[i].text);

        if (err != rows[i].err) {
            fail_msg("%s\n%s, not %s", rows[i].text, err_name(err), err_name(rows[i].err));
        }
    }
    /* of the session's lines only form and caps count, and what they stand in for */
    assert_int_equal(msrp_sdp_parse(&sdp, MSRP_STR("v=0\r\nx\r\n"), MSRP_STR(M C TYPES PATH)),
                     MSRP_E_SDP_LINE);
    assert_int_equal(msrp_sdp_parse(&sdp, MSRP_STR("m=x\r\n"), MSRP_STR(M C TYPES PATH)),
                     MSRP_E_SDP_LINE);
    assert_int_equal(msrp_sdp_parse(&sdp, MSRP_STR(C C), MSRP_STR(M C TYPES PATH)),
                     MSRP_E_SDP_TWICE);
    assert_int_equal(msrp_sdp_parse(&sdp, MSRP_STR("a=setup:x\r\n"), MSRP_STR(M C TYPES PATH)),
                     MSRP_E_SDP_SETUP);
}

static void repeat(char *out, const char *one, size_t n)
{
    for (out += strlen(out); n > 0; n--) {
        out = stpcpy(out, one);
    }
}

/* threat T42: every cap, at it and over it. */
static void caps(void **state)
{
    static char text[2 * MSRP_SDP_MAX];
    struct msrp_sdp sdp;

    (void)state;
    /* 8 URIs of 512 octets read; 9 do not, nor do 100, nor one of 513 */
    for (int uris = 8; uris <= 100; uris += uris == 8 ? 1 : 91) {
        strcpy(text, M C TYPES "a=path:");
        for (int i = 0; i < uris; i++) {
            char uri[64];
            snprintf(uri, sizeof(uri), "%smsrp://192.0.2.1:%05d/", i ? " " : "", i + 1);
            strcat(text, uri);
            repeat(text, "x", uris > 9 ? 1 : MSRP_URI_MAX - 27);
            strcat(text, ";tcp");
        }
        strcat(text, "\r\n");
        assert_int_equal(parse(&sdp, text), uris == 8 ? 0 : MSRP_E_SDP_PATH_MANY);
    }
    strcpy(text, M C TYPES "a=path:msrp://192.0.2.1:7394/");
    repeat(text, "x", MSRP_URI_MAX - 25);
    strcat(text, ";tcp\r\n");
    assert_int_equal(parse(&sdp, text), MSRP_E_SDP_PATH);

    for (int n = MSRP_SDP_TYPES_MAX; n <= MSRP_SDP_TYPES_MAX + 1; n++) {
        strcpy(text, M C PATH "a=accept-types:*");
        repeat(text, " text/plain", (size_t)n - 1);
        strcat(text, "\r\n");
        assert_int_equal(parse(&sdp, text), n > MSRP_SDP_TYPES_MAX ? MSRP_E_SDP_TYPES_MANY : 0);
    }
    for (int n = MSRP_SDP_LINE_MAX; n <= MSRP_SDP_LINE_MAX + 1; n++) {
        for (int has_end = 0; has_end < 2; has_end++) {
            strcpy(text, M C PATH TYPES "a=");
            repeat(text, "x", (size_t)n - 2);
            strcat(text, has_end ? "\r\n" : "");
            assert_int_equal(parse(&sdp, text), n > MSRP_SDP_LINE_MAX ? MSRP_E_SDP_LINE_LONG
                                                : has_end             ? 0
                                                                      : MSRP_E_SDP_LINE);
        }
    }
    for (int n = MSRP_SDP_LINES_MAX; n <= MSRP_SDP_LINES_MAX + 1; n++) {
        strcpy(text, M C PATH TYPES);
        repeat(text, "a=x\n", (size_t)n - 6);
        assert_int_equal(msrp_sdp_parse(&sdp, MSRP_STR("v=0\ns=-\n"), msrp_str_of(text)),
                         n > MSRP_SDP_LINES_MAX ? MSRP_E_SDP_LINES_MANY : 0);
    }
    for (int n = MSRP_SDP_FINGERPRINTS_MAX; n <= MSRP_SDP_FINGERPRINTS_MAX + 1; n++) {
        strcpy(text, M C PATH TYPES);
        repeat(text, "a=fingerprint:sha-1 AB\r\n", (size_t)n);
        assert_int_equal(parse(&sdp, text), n > MSRP_SDP_FINGERPRINTS_MAX ? MSRP_E_SDP_TWICE : 0);
    }
    strcpy(text, M "c=IN IP4 ");
    repeat(text, "x", MSRP_SDP_ADDRESS_MAX);
    strcat(text, "\r\n" TYPES PATH);
    assert_int_equal(parse(&sdp, text), 0);
    strcpy(text, M "c=IN IP4 ");
    repeat(text, "x", MSRP_SDP_ADDRESS_MAX + 1);
    strcat(text, "\r\n" TYPES PATH);
    assert_int_equal(parse(&sdp, text), MSRP_E_SDP_ADDRESS);
    memset(text, 'x', sizeof(text));
    assert_int_equal(msrp_sdp_parse(&sdp, none, (struct msrp_str){text, MSRP_SDP_MAX + 1}),
                     MSRP_E_SDP_LONG);
    assert_int_equal(
        msrp_sdp_parse(&sdp, (struct msrp_str){text, MSRP_SDP_MAX}, (struct msrp_str){text, 1}),
        MSRP_E_SDP_LONG);
    assert_int_equal(
        msrp_sdp_parse(&sdp, (struct msrp_str){text, SIZE_MAX}, (struct msrp_str){text, 2}),
        MSRP_E_SDP_LONG);
}

/* What would read as something else is not printed. */
static void printed_reads_back(void **state)
{
    const struct msrp_sdp good = {
        .port = 7394,
        .address = MSRP_STR("192.0.2.1"),
        .path = {.text = MSRP_STR("msrp://192.0.2.1:7394/s;tcp")},
        .types = MSRP_STR("*"),
        .max_size = 7, /* without has_max_size it is not there */
    };
    struct msrp_sdp sdp = good;
    char out[512];

    (void)state;
    expect_print(&good, M C TYPES PATH);
    sdp.types = MSRP_STR("*\r\na=setup:active");
    assert_int_equal(msrp_sdp_print(&sdp, out, sizeof(out)), MSRP_E_SDP_LINE);
    sdp.types = MSRP_STR("*\r\na=x");
    assert_int_equal(msrp_sdp_print(&sdp, out, sizeof(out)), MSRP_E_SDP_LINE);
    sdp.types = MSRP_STR(" *"); /* reads, but as another */
    assert_int_equal(msrp_sdp_print(&sdp, out, sizeof(out)), MSRP_E_SDP_LINE);
    sdp.types = MSRP_STR("");
    assert_int_equal(msrp_sdp_print(&sdp, out, sizeof(out)), MSRP_E_SDP_TYPES_NONE);
    sdp = good;
    sdp.is_secure = true;
    assert_int_equal(msrp_sdp_print(&sdp, out, sizeof(out)), MSRP_E_SDP_SCHEME);
    sdp = good;
    sdp.address = MSRP_STR("a b");
    assert_int_equal(msrp_sdp_print(&sdp, out, sizeof(out)), MSRP_E_SDP_ADDRESS);
    sdp = good;
    sdp.address = MSRP_STR("192.0.2.1\r\na=x");
    assert_int_equal(msrp_sdp_print(&sdp, out, sizeof(out)), MSRP_E_SDP_LINE);
    sdp = good;
    sdp.path.text = MSRP_STR("msrp://192.0.2.1:7394/s;tcp\na=msrp-cema");
    assert_int_equal(msrp_sdp_print(&sdp, out, sizeof(out)), MSRP_E_SDP_LINE);
    sdp = good;
    sdp.wrapped = MSRP_STR("*\na=inactive");
    assert_int_equal(msrp_sdp_print(&sdp, out, sizeof(out)), MSRP_E_SDP_LINE);
    sdp.wrapped = MSRP_STR("*\na=max-size:7");
    assert_int_equal(msrp_sdp_print(&sdp, out, sizeof(out)), MSRP_E_SDP_LINE);
    sdp = good;
    sdp.has_max_size = true;
    sdp.max_size = UINT64_MAX;
    assert_int_equal(msrp_sdp_print(&sdp, out, sizeof(out)), MSRP_E_SDP_SIZE);
    sdp = good;
    sdp.fingerprints[0] = MSRP_STR("sha-1 AB\r\na=fingerprint:sha-1 AC");
    sdp.fingerprints_n = 1;
    assert_int_equal(msrp_sdp_print(&sdp, out, sizeof(out)), MSRP_E_SDP_LINE);
    sdp.fingerprints[0] = MSRP_STR("sha-1 AB\r\na=x");
    assert_int_equal(msrp_sdp_print(&sdp, out, sizeof(out)), MSRP_E_SDP_LINE);
    sdp.fingerprints_n = MSRP_SDP_FINGERPRINTS_MAX + 1;
    assert_int_equal(msrp_sdp_print(&sdp, out, sizeof(out)), MSRP_E_SDP_TWICE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s1_exchange),    cmocka_unit_test(relay_and_fingerprint),
        cmocka_unit_test(fields),         cmocka_unit_test(setups),
        cmocka_unit_test(s5_passed_over), cmocka_unit_test(refused_media),
        cmocka_unit_test(sections),       cmocka_unit_test(sdp_matrix),
        cmocka_unit_test(caps),           cmocka_unit_test(printed_reads_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
