/* reasons.c - refusals that no other test of a whole relay sees: each on the wire, with its answer,
 * once. tests/coverage-reasons wants every one of them seen. */
#include "tests/relay/auth_token.h"
#include "tests/relay/digest_kit.h"
#include "tests/relay/limits_kit.h"

/* --- tokens: rows 53, 54 ---------------------------------------------------------------------- */

#define D17  "[[[[[[[[[[[[[[[[["
#define E17  "]]]]]]]]]]]]]]]]]"
#define X50  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X500 X50 X50 X50 X50 X50 X50 X50 X50 X50 X50
#define ID(text)                                                                                   \
    {                                                                                              \
        .mcdata_id = "\"" text "\""                                                                \
    }
#define HEAD(text)                                                                                 \
    {                                                                                              \
        .head_more = text                                                                          \
    }
#define MORE(text)                                                                                 \
    {                                                                                              \
        .more = text                                                                               \
    }

static const struct {
    int err;
    struct spec spec;
} tokens[] = {
    {0, {.alg = NULL}},
    {RELAY_E_JSON_SIZE, HEAD("\"x\":\"" X500 X500 X500 X500 "\"")},
    {RELAY_E_JSON_UTF8, MORE("\"a\":\"\xff\"")},
    {RELAY_E_JSON_NUL, ID("sip:alice@iops.example\\u0000")},
    {RELAY_E_JSON_DEPTH, MORE("\"a\":" D17 E17)},
    {RELAY_E_JSON_DUPLICATE, MORE("\"exp\":1")},
    {RELAY_E_JSON_TRAILING, {.payload = RAW("{} {}")}},
    {RELAY_E_JSON_NUMBER, MORE("\"a\":1e400")},
    {RELAY_E_JSON_SYNTAX, MORE("\"a\":+1")},
    {RELAY_E_JSON_TYPE, {.exp = "\"1\""}},
    {RELAY_E_JWS_FORM, {.text = TEXT_TWO_PARTS}},
    {RELAY_E_JWS_BASE64, {.text = TEXT_PLUS}},
    {RELAY_E_JWS_ALG, {.alg = "\"ES384\""}},
    {RELAY_E_JWS_ALG_BARRED, {.alg = "\"none\""}},
    {RELAY_E_JWS_KID, {.kid = "\"other\""}},
    {RELAY_E_JWS_KID_FORM, {.kid = "\"../ec-1\""}},
    {RELAY_E_JWS_KEY_INSIDE, HEAD("\"jku\":\"https://evil.example\"")},
    {RELAY_E_JWS_CRIT, HEAD("\"crit\":[\"x\"],\"x\":1")},
    {RELAY_E_JWS_B64, HEAD("\"b64\":false")},
    {RELAY_E_JWS_SIG_SIZE, {.sig = SIG_CUT}},
    {RELAY_E_JWS_SIG_RANGE, {.sig = SIG_R_ZERO}},
    {RELAY_E_JWS_SIG, {.sig = SIG_FLIP_FIRST}},
    {RELAY_E_JWS_TYP, {.typ = "\"id+jwt\""}},
    {RELAY_E_CLAIM_EXP_NONE, {.exp = NONE}},
    {RELAY_E_CLAIM_EXP, {.exp = "1"}},
    {RELAY_E_CLAIM_NBF, {.nbf = LATER_TEXT}},
    {RELAY_E_CLAIM_IAT, {.iat = LATER_TEXT}},
    {RELAY_E_CLAIM_ISS, {.iss = "\"https://evil.example\""}},
    {RELAY_E_CLAIM_AUD, {.aud = "\"another.example\""}},
    {RELAY_E_CLAIM_SCOPE, {.scope = "\"openid\""}},
    {RELAY_E_CLAIM_CLIENT, {.client_id = NONE}},
    {RELAY_E_CLAIM_MCDATA_ID, {.mcdata_id = NONE}},
    {RELAY_E_CLAIM_MCDATA_URI, ID("alice")},
    {RELAY_E_IOPS_DOMAIN, ID("sip:eve@outside.example")},
    {RELAY_E_IOPS_MCVIDEO, MORE("\"mcvideo_id\":\"sip:v@iops.example\"")},
    {RELAY_E_IOPS_MCREC, MORE("\"mcrec_id\":\"sip:v@iops.example\"")},
    {RELAY_E_ISSUER_DOMAIN, ID("sip:bob@b.example")},
    {RELAY_E_REVOKED, ID("sip:mallory@iops.example")},
};

static void say_token(struct sim *sim, unsigned c, const struct spec *spec)
{
    static char text[TOKEN_ROOM];
    struct msrp_str token = token_make(spec, text);

    sim_sayf(sim, c,
             "MSRP tidx AUTH\r\nTo-Path: " SIM_URI "\r\nFrom-Path: msrps://c.invalid:1/s;tcp\r\n"
             "Authorization: Bearer %.*s\r\n-------tidx$\r\n",
             (int)token.n, token.p);
}

static void each_token(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
        struct sim sim;

        sim_init(&sim);
        sim.conf.auth = &token_auth;
        sim.now.unix_s = NOW;
        sim_start(&sim);
        unsigned c = sim_open(&sim, true);
        limit_mark(&sim);
        say_token(&sim, c, &tokens[i].spec);
        int code = limit_code(&sim, c, "tidx");
        if (code != (tokens[i].err ? relay_err_row(tokens[i].err)->status : 200))
            fail_msg("%s: %d", relay_err_row(tokens[i].err)->name, code);
        limit_refused(&sim, tokens[i].err);
        sim_done(&sim);
    }
}

/* More values than a token may have, and it still fits into a header line. */
static void many_values(void **state)
{
    static char more[4096] = "\"a\":[1";
    struct spec spec = MORE(more);
    struct sim sim;

    (void)state;
    for (unsigned i = 0; i < 2000; i++)
        strcat(more, ",1");
    strcat(more, "]");
    sim_init(&sim);
    sim.conf.auth = &token_auth;
    sim.conf.head.line = 8192;
    sim.now.unix_s = NOW;
    sim_start(&sim);
    unsigned c = sim_open(&sim, true);
    limit_mark(&sim);
    say_token(&sim, c, &spec);
    assert_int_equal(limit_code(&sim, c, "tidx"), 401);
    limit_refused(&sim, RELAY_E_JSON_NODES);
    sim_done(&sim);
}

/* Digest credentials longer than their caps. */
static void long_digest(void **state)
{
    struct digest_kit kit;
    struct sim sim;
    char name[600];

    (void)state;
    memset(name, 'a', sizeof name);
    name[sizeof name - 1] = '\0';
    sim_init(&sim);
    digest_kit_init(&kit, &sim);
    sim_start(&sim);
    unsigned c = sim_open(&sim, true);
    limit_mark(&sim);
    sim_sayf(&sim, c,
             "MSRP tidx AUTH\r\nTo-Path: " SIM_URI "\r\nFrom-Path: msrps://c.invalid:1/s;tcp\r\n"
             "Authorization: Digest username=\"%s\"\r\n-------tidx$\r\n",
             name);
    assert_int_equal(limit_code(&sim, c, "tidx"), 401);
    limit_refused(&sim, MSRP_E_DIGEST_LONG);
    sim_done(&sim);
    digest_kit_done(&kit);
}

/* --- heads ------------------------------------------------------------------------------------ */

/* A To-Path that begins with us and does not read behind; a Content-Type that does not. */
static void heads(void **state)
{
    static const struct {
        const char *to, *type;
        int err;
    } rows[] = {
        {"msrps://bad host:1/x;tcp", "text/plain", MSRP_E_TO_URI},
        {SIM_SERVICE, "text", MSRP_E_TYPE_FORM},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct way_site site;

        way_start(&site, false);
        limit_mark(&site.sim);
        sim_sayf(&site.sim, site.a,
                 "MSRP tidx SEND\r\nTo-Path: %s %s\r\nFrom-Path: %s\r\nMessage-ID: mmmm\r\n"
                 "Content-Type: %s\r\n\r\nhi\r\n-------tidx$\r\n",
                 way_use(&site, site.a), rows[i].to, way_uri(&site, site.a), rows[i].type);
        assert_int_equal(limit_code(&site.sim, site.a, "tidx"), 400);
        limit_refused(&site.sim, rows[i].err);
        way_done(&site);
    }
}

/* --- labels ----------------------------------------------------------------------------------- */

#define P(type) "--kit\r\nContent-Type: application/" type "\r\n\r\n"
#define INFO    P("vnd.3gpp.mcdata-info+xml")
#define OPEN    "<mcdatainfo xmlns=\"urn:3gpp:ns:mcdataInfo:1.0\">"
#define SHUT    "</mcdatainfo>"
#define REST                                                                                       \
    "\r\n" P("vnd.3gpp.mcdata-signalling") "\001tttttiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii\r\n" P(      \
        "vnd.3gpp.mcdata-payload") "\003\001x\r\n--kit--"

static void say_label(struct way_site *site, const char *body, size_t n, int err)
{
    struct kit_text text = {NULL, 0};

    way_start(site, false);
    limit_mark(&site->sim);
    kit_put(&text, body, n);
    const char *tid = kit_chunk(&site->sim, site->a, "mid1", "", NULL, &text, 0, text.n, '$');
    int code = kit_code(&site->sim, site->a, tid);
    if (site->sim.last_refusal != err)
        fail_msg("%s, want %s", relay_err_row(site->sim.last_refusal)->name,
                 relay_err_row(err)->name);
    assert_int_equal(code, relay_err_row(err)->status);
    limit_refused(&site->sim, err);
    free(text.p);
    way_done(site);
}

static void labels(void **state)
{
    static const struct {
        const char *body;
        int err;
    } rows[] = {
        {INFO OPEN "<mcdata-Params><request-type>a</request-type><request-type>b</request-type>"
                   "</mcdata-Params>" SHUT REST,
         DPP_E_XML_ELEMENT},
        {INFO OPEN "<mcdata-Params><request-type>" X50 X50
                   "</request-type></mcdata-Params>" SHUT REST,
         DPP_E_LONG},
        {INFO OPEN "<!-- \xff -->" SHUT REST, DPP_E_UTF8},
        {"--kit\r\nContent Type: text/plain\r\n\r\nx\r\n--kit--", MSRP_E_MIME_HEADER},
        {"--kit\r\nContent-Type: text/plain\r\nContent-Type: text/plain\r\n\r\nx\r\n--kit--",
         MSRP_E_MIME_HEADER_DUP},
        {"--kit\r\nContent-Type: text\r\n\r\nx\r\n--kit--", MSRP_E_MIME_TYPE},
        {"--kit--\r\n", MSRP_E_MIME_EMPTY},
        {"--kit junk\r\nContent-Type: text/plain\r\n\r\nx\r\n--kit--", MSRP_E_MIME_DELIMITER},
    };
    struct way_site site;
    struct kit_text deep = {NULL, 0}, many = {NULL, 0}, header = {NULL, 0};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        say_label(&site, rows[i].body, strlen(rows[i].body), rows[i].err);
    static const char nul[] = INFO OPEN "<!-- \0 -->" SHUT REST;
    say_label(&site, nul, sizeof nul - 1, DPP_E_VALUE);
    kit_puts(&deep, INFO OPEN);
    for (int i = 0; i < 40; i++)
        kit_puts(&deep, "<a>");
    for (int i = 0; i < 40; i++)
        kit_puts(&deep, "</a>");
    kit_puts(&deep, SHUT REST);
    say_label(&site, deep.p, deep.n, DPP_E_XML_DEPTH);
    kit_puts(&many, INFO OPEN);
    for (int i = 0; i < 2500; i++)
        kit_puts(&many, "<a/>");
    kit_puts(&many, SHUT REST);
    say_label(&site, many.p, many.n, DPP_E_XML_NODES);
    kit_puts(&header, "--kit\r\nContent-Type: text/plain\r\nX: ");
    for (int i = 0; i < 600; i++)
        kit_puts(&header, "0123456789");
    kit_puts(&header, "\r\n\r\nx\r\n--kit--");
    say_label(&site, header.p, header.n, MSRP_E_MIME_HEADER_LONG);
    free(deep.p);
    free(many.p);
    free(header.p);
}

/* --- part 4: frames that do not belong together ------------------------------------------------
 */

static void frames(void **state)
{
    enum { FIRST = 5, PAYLOAD_ID = 6, ALGORITHM = 11, KEY_ID = 28 };
    static char data[70000];
    static const struct {
        bool is_second;
        size_t at;
        int err;
    } rows[] = {
        {false, ALGORITHM, DPP_E_FRAME_ALGORITHM},
        {true, PAYLOAD_ID, DPP_E_FRAME_PAYLOAD_ID},
        {true, KEY_ID + 3, DPP_E_FRAME_KEY},
        {true, SIZE_MAX, DPP_E_FRAME_COUNT}, /* none, says the head */
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct kit_text sealed = {NULL, 0};
        struct kit_sds sds = kit_sds(SIM_BOB, "");
        struct way_site site;

        kit_seal(&sealed, data, sizeof data, KIT_PCK);
        uint8_t *p = (uint8_t *)sealed.p;
        size_t second = FIRST + (size_t)(p[FIRST - 2] << 8 | p[FIRST - 1]) + 3;
        if (rows[i].at == SIZE_MAX)
            p[1] = 0;
        else
            p[(rows[i].is_second ? second : FIRST) + rows[i].at] ^= 0x55;
        sds.payload = sealed.p;
        sds.payload_n = sealed.n;
        way_start(&site, false);
        limit_mark(&site.sim);
        int code = kit_send(&site.sim, site.a, &sds, "mid1");
        assert_int_equal(code, relay_err_row(rows[i].err)->status);
        limit_refused(&site.sim, rows[i].err);
        free(sealed.p);
        way_done(&site);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_token), cmocka_unit_test(many_values), cmocka_unit_test(long_digest),
        cmocka_unit_test(heads),      cmocka_unit_test(labels),      cmocka_unit_test(frames),
    };

    return cmocka_run_group_tests(tests, token_setup, token_teardown);
}
