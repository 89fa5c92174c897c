/* core_label.c - labels that do not read, are not allowed, or stand in the wrong order: the exact
 * answer, warning and reason of each. Profile section 4. */
#include "tests/relay/core_stage.h"

#define P(type) "--kit\r\nContent-Type: application/" type "\r\n\r\n"
#define NEXT    "\r\n"
#define END     "\r\n--kit--"
#define PARAMS(more)                                                                               \
    "<mcdatainfo xmlns=\"urn:3gpp:ns:mcdataInfo:1.0\"><mcdata-Params>" more                        \
    "</mcdata-Params></mcdatainfo>"
#define URI(name, uri) "<" name " type=\"Normal\"><mcdataURI>" uri "</mcdataURI></" name ">"
#define ONE                                                                                        \
    PARAMS("<request-type>one-to-one-sds</request-type>" URI("mcdata-request-uri",                 \
                                                             "sip:bob@iops.example"))
#define GROUP                                                                                      \
    PARAMS("<request-type>group-sds</request-type>" URI("mcdata-request-uri",                      \
                                                        "sip:rescue@iops.example"))
#define INFO  P("vnd.3gpp.mcdata-info+xml")
#define LISTS P("resource-lists+xml")
#define SIGN  P("vnd.3gpp.mcdata-signalling")
#define LOAD  P("vnd.3gpp.mcdata-payload")
#define MIKEY P("mikey")
#define LIST(entries)                                                                              \
    "<resource-lists xmlns=\"urn:ietf:params:xml:ns:resource-lists\"><list>" entries               \
    "</list></resource-lists>"
/* SDS SIGNALLING PAYLOAD, SDS NOTIFICATION DELIVERED, FD SIGNALLING PAYLOAD */
#define ID16 "iiiiiiiiiiiiiiii"
#define SDS                                                                                        \
    "\001"                                                                                         \
    "ttttt" ID16 ID16
#define NOTE                                                                                       \
    "\005\002"                                                                                     \
    "ttttt" ID16 ID16
#define FD                                                                                         \
    "\002"                                                                                         \
    "ttttt" ID16 ID16
#define SIGNATURE ID16 ID16 ID16 ID16 ID16 ID16 ID16 ID16 "i"
/* an unprotected payload: one TEXT "hi" */
#define TEXT "\003\001\x78\000\003\001hi"

struct fault {
    const char *name;
    const char *body;
    size_t n;
    int code, warning, err;
};
#define FAULT(name, code, warning, err, ...)                                                       \
    {                                                                                              \
        name, __VA_ARGS__, sizeof(__VA_ARGS__) - 1, code, warning, err                             \
    }

static void check(const struct fault *fault, bool split)
{
    struct stage s;
    struct kit_text body = {sim_alloc(NULL, fault->n + 1), fault->n};

    memcpy(body.p, fault->body, fault->n);
    stage_init(&s);
    s.sim.conf.payload = RELAY_PROTECTION_ALLOWED;
    kit_add_group(s.sim.policy);
    stage_up(&s);
    s.sim.split = split;
    const char *tid = kit_chunk(&s.sim, s.alice, "mid1", "", NULL, &body, 0, body.n, '$');
    int code = kit_code(&s.sim, s.alice, tid), warning = kit_warning(&s.sim, s.alice);
    if (code != fault->code || warning != fault->warning || s.sim.last_refusal != fault->err)
        fail_msg("%s: %d, warning %d, %s; want %d, %d, %s", fault->name, code, warning,
                 relay_err_row(s.sim.last_refusal)->name, fault->code, fault->warning,
                 relay_err_row(fault->err)->name);
    assert_int_equal(s.sim.refusals, fault->code != 200);
    kit_hear_all(&s.sim, s.bob, &s.b, 200);
    assert_int_equal(s.b.n, fault->code == 200); /* nobody gets anything of a refused one */
    free(body.p);
    stage_done(&s);
}

static void faults(void **state)
{
    static const struct fault list[] = {
        FAULT("good", 200, 0, 0, INFO ONE NEXT SIGN SDS NEXT LOAD TEXT END),
        FAULT("good, CRLF behind", 200, 0, 0, INFO ONE NEXT SIGN SDS NEXT LOAD TEXT END "\r\n"),
        FAULT("good, with a part 5", 200, 0, 0,
              INFO ONE NEXT SIGN SDS NEXT LOAD TEXT NEXT MIKEY "key" END),
        FAULT("good, key-only", 200, 0, 0, INFO ONE NEXT MIKEY "key" END),
        FAULT("good, lists", 200, 0, 0,
              INFO PARAMS("<request-type>one-to-one-sds</request-type>") NEXT LISTS LIST(
                  "<entry uri=\"sip:bob@iops.example\"/>") NEXT SIGN SDS NEXT LOAD TEXT END),
        FAULT("good, binary", 200, 0, 0,
              INFO ONE NEXT SIGN SDS NEXT
              "--kit\r\nContent-Transfer-Encoding: binary\r\nContent-Type: "
              "application/vnd.3gpp.mcdata-payload\r\n\r\n" TEXT END),

        /* the bodies that its kind needs: 400, 199 */
        FAULT("no info", 400, 199, RELAY_E_SDS_PARTS, SIGN SDS NEXT LOAD TEXT END),
        FAULT("no signalling", 400, 199, RELAY_E_SDS_PARTS, INFO ONE NEXT LOAD TEXT END),
        FAULT("no payload", 400, 199, RELAY_E_SDS_PARTS, INFO ONE NEXT SIGN SDS END),
        FAULT("info alone", 400, 199, RELAY_E_SDS_PARTS, INFO ONE END),
        FAULT("wrong order", 400, 199, RELAY_E_SDS_PARTS,
              INFO ONE NEXT SIGN SDS NEXT LISTS LIST("") NEXT LOAD TEXT END),
        FAULT("info twice", 400, 199, RELAY_E_SDS_PARTS,
              INFO ONE NEXT INFO ONE NEXT SIGN SDS NEXT LOAD TEXT END),
        FAULT("signalling twice", 400, 199, RELAY_E_SDS_PARTS,
              INFO ONE NEXT SIGN SDS NEXT SIGN SDS NEXT LOAD TEXT END),
        FAULT("a strange part", 400, 199, RELAY_E_SDS_PARTS,
              INFO ONE NEXT P("octet-stream") "x" NEXT SIGN SDS NEXT LOAD TEXT END),
        FAULT("a part without a type", 400, 199, RELAY_E_SDS_PARTS,
              INFO ONE NEXT "--kit\r\n\r\nx" NEXT SIGN SDS NEXT LOAD TEXT END),
        FAULT("payload twice", 400, 199, RELAY_E_SDS_PARTS,
              INFO ONE NEXT SIGN SDS NEXT LOAD TEXT NEXT LOAD TEXT END),
        FAULT("a part behind part 5", 400, 199, RELAY_E_SDS_PARTS,
              INFO ONE NEXT SIGN SDS NEXT LOAD TEXT NEXT MIKEY "k" NEXT MIKEY "k" END),
        FAULT("signalling and a key, no payload", 400, 199, RELAY_E_SDS_PARTS,
              INFO ONE NEXT SIGN SDS NEXT MIKEY "k" END),
        FAULT("a notification with a payload", 400, 199, RELAY_E_SDS_PARTS,
              INFO ONE NEXT SIGN NOTE NEXT LOAD TEXT END),
        FAULT("lists in a group message", 400, 199, RELAY_E_SDS_PARTS,
              INFO GROUP NEXT LISTS LIST("<entry uri=\"sip:b@c\"/>")
                  NEXT SIGN SDS NEXT LOAD TEXT END),

        /* and readable */
        FAULT("info is no XML", 400, 199, DPP_E_XML, INFO "hello" NEXT SIGN SDS NEXT LOAD TEXT END),
        FAULT("info with a DOCTYPE", 400, 199, DPP_E_XML_DTD,
              INFO "<!DOCTYPE a [<!ENTITY b \"c\">]>" ONE NEXT SIGN SDS NEXT LOAD TEXT END),
        FAULT("info of another namespace", 400, 199, DPP_E_XML_NAMESPACE,
              INFO "<mcdatainfo xmlns=\"urn:x\"/>" NEXT SIGN SDS NEXT LOAD TEXT END),
        FAULT("a request of another kind", 400, 199, RELAY_E_SDS_INFO,
              INFO PARAMS("<request-type>group-fd</request-type>")
                  NEXT SIGN SDS NEXT LOAD TEXT END),
        FAULT("no request-type", 400, 199, RELAY_E_SDS_INFO,
              INFO PARAMS("") NEXT SIGN SDS NEXT LOAD TEXT END),
        FAULT("a group's notification", 400, 199, RELAY_E_SDS_INFO, INFO GROUP NEXT SIGN NOTE END),
        FAULT("lists are no XML", 400, 199, DPP_E_XML,
              INFO ONE NEXT LISTS "?" NEXT SIGN SDS NEXT LOAD TEXT END),
        FAULT("signalling too short", 400, 199, DPP_E_TRUNCATED,
              INFO ONE NEXT SIGN "\001tttttiii" NEXT LOAD TEXT END),
        FAULT("signalling empty", 400, 199, RELAY_E_SDS_SIGNALLING,
              INFO ONE NEXT SIGN NEXT LOAD TEXT END),
        FAULT("signalling of files", 400, 199, RELAY_E_SDS_SIGNALLING,
              INFO ONE NEXT SIGN FD NEXT LOAD TEXT END),
        FAULT("signalling signed", 400, 199, RELAY_E_SDS_SIGNALLING,
              INFO ONE NEXT SIGN "\201ttttt" ID16 ID16 SIGNATURE NEXT LOAD TEXT END),
        FAULT("a group that is no URI", 400, 199, DPP_E_XML_URI,
              INFO PARAMS("<request-type>one-to-one-sds</request-type>" URI(
                  "mcdata-request-uri",
                  "sip:bob@iops.example") "<mcdata-calling-group-id "
                                          "type=\"Normal\"><mcdataString>x</mcdataString></"
                                          "mcdata-calling-group-id>") NEXT SIGN NOTE END),
        FAULT("signalling unknown", 400, 199, DPP_E_MESSAGE_TYPE,
              INFO ONE NEXT SIGN "\077ttttt" ID16 ID16 NEXT LOAD TEXT END),
        FAULT("a disposition without a type", 400, 199, RELAY_E_SDS_SIGNALLING,
              INFO ONE NEXT SIGN "\005\000"
                                 "ttttt" ID16 ID16 END),
        FAULT("the multipart ends early", 400, 199, RELAY_E_SDS_LABEL_SHORT,
              INFO ONE NEXT SIGN "\001tt"),
        FAULT("no octet of a part", 400, 199, RELAY_E_SDS_LABEL_SHORT, "--kit\r\n"),
        FAULT("no close delimiter", 400, 199, MSRP_E_MIME_SHORT,
              INFO ONE NEXT SIGN SDS NEXT LOAD TEXT),
        FAULT("a preamble", 400, 199, MSRP_E_MIME_PREAMBLE,
              "hello\r\n" INFO ONE NEXT SIGN SDS NEXT LOAD TEXT END),
        FAULT("an epilogue", 400, 199, MSRP_E_MIME_EPILOGUE,
              INFO ONE NEXT SIGN SDS NEXT LOAD TEXT END "\r\n\r\n"),
        FAULT("base64", 400, 199, MSRP_E_MIME_ENCODING,
              "--kit\r\nContent-Transfer-Encoding: base64\r\nContent-Type: "
              "application/vnd.3gpp.mcdata-info+xml\r\n\r\n" ONE NEXT SIGN SDS NEXT LOAD TEXT END),
        FAULT("base64 in part 4", 400, 199, MSRP_E_MIME_ENCODING,
              INFO ONE NEXT SIGN SDS NEXT
              "--kit\r\nContent-Transfer-Encoding: base64\r\nContent-Type: "
              "application/vnd.3gpp.mcdata-payload\r\n\r\n" TEXT END),

        /* the payload's own form */
        FAULT("the payload is none", 400, 0, DPP_E_FRAME_TYPE,
              INFO ONE NEXT SIGN SDS NEXT LOAD "hello" END),
        FAULT("fewer elements than said", 400, 0, DPP_E_FRAME_SHORT,
              INFO ONE NEXT SIGN SDS NEXT LOAD "\003\002\x78\000\003\001hi" END),
        FAULT("octets behind the last", 400, 0, DPP_E_FRAME_LENGTH,
              INFO ONE NEXT SIGN SDS NEXT LOAD TEXT "x" END),

        /* one-to-one: exactly one target */
        FAULT("no target", 403, 145, RELAY_E_SDS_TARGET,
              INFO PARAMS("<request-type>one-to-one-sds</request-type>")
                  NEXT SIGN SDS NEXT LOAD TEXT END),
        FAULT("two targets", 403, 145, RELAY_E_SDS_TARGET,
              INFO PARAMS("<request-type>one-to-one-sds</request-type>") NEXT LISTS LIST(
                  "<entry uri=\"sip:bob@iops.example\"/><entry uri=\"sip:carol@iops.example\"/>")
                  NEXT SIGN SDS NEXT LOAD TEXT END),
        FAULT("an empty list", 403, 145, RELAY_E_SDS_TARGET,
              INFO PARAMS("<request-type>one-to-one-sds</request-type>") NEXT LISTS LIST("")
                  NEXT SIGN SDS NEXT LOAD TEXT END),
        FAULT("two that differ", 403, 145, RELAY_E_SDS_TARGET,
              INFO ONE NEXT LISTS LIST("<entry uri=\"sip:carol@iops.example\"/>")
                  NEXT SIGN SDS NEXT LOAD TEXT END),
        FAULT("another sender", 403, 0, RELAY_E_IDENT,
              INFO PARAMS("<request-type>one-to-one-sds</request-type>" URI("mcdata-request-uri",
                                                                            "sip:bob@iops.example")
                              URI("mcdata-calling-user-id", "sip:carol@iops.example"))
                  NEXT SIGN SDS NEXT LOAD TEXT END),
        FAULT("a sender who is no MCData ID", 403, 0, RELAY_E_IDENT,
              INFO PARAMS("<request-type>one-to-one-sds</request-type>" URI("mcdata-request-uri",
                                                                            "sip:bob@iops.example")
                              URI("mcdata-calling-user-id", "carol:x"))
                  NEXT SIGN SDS NEXT LOAD TEXT END),
        FAULT("a notification without a target", 403, 145, RELAY_E_SDS_TARGET,
              INFO PARAMS("<request-type>one-to-one-sds</request-type>") NEXT SIGN NOTE END),
        FAULT("a key without a target", 403, 145, RELAY_E_SDS_TARGET,
              INFO PARAMS("<request-type>one-to-one-sds</request-type>") NEXT MIKEY "k" END),
        FAULT("a group that is none", 403, 113, RELAY_E_SDS_NO_GROUP,
              INFO PARAMS("<request-type>group-sds</request-type>" URI("mcdata-request-uri",
                                                                       "sip:nobody@iops.example"))
                  NEXT SIGN SDS NEXT LOAD TEXT END),
        FAULT("no group at all", 403, 113, RELAY_E_SDS_NO_GROUP,
              INFO PARAMS("<request-type>group-sds</request-type>")
                  NEXT SIGN SDS NEXT LOAD TEXT END),
        FAULT("encrypted", 403, 0, RELAY_E_SDS_ENCRYPTED,
              INFO PARAMS("<request-type>one-to-one-sds</request-type><mcdata-request-uri "
                          "type=\"Encrypted\"><x/></mcdata-request-uri>")
                  NEXT SIGN SDS NEXT LOAD TEXT END),
        FAULT("a key for a group", 400, 0, RELAY_E_SDS_MIKEY_GROUP, INFO GROUP NEXT MIKEY "k" END),
        FAULT("a key in a group message", 400, 0, RELAY_E_SDS_MIKEY_GROUP,
              INFO GROUP NEXT SIGN SDS NEXT LOAD TEXT NEXT MIKEY "k" END),
        FAULT("uncorrelated", 403, 216, RELAY_E_SDS_UNCORRELATED, INFO ONE NEXT SIGN NOTE END),
    };

    (void)state;
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
        for (int split = 0; split < 2; split++)
            check(&list[i], split);
    row_passed("10.24");
}

/* The label ends within its cap: 16 KiB, not an octet more. */
static void label_cap(void **state)
{
    (void)state;
    for (int over = 0; over < 2; over++) {
        for (int split = 0; split < 2; split++) {
            struct stage s;
            struct kit_text body = {NULL, 0};
            static const char front[] = INFO ONE NEXT SIGN SDS "\x53", back[] = NEXT LOAD;
            static char filler[20000];
            size_t pad = 16384 - (sizeof front - 1) - 2 - (sizeof back - 1) + (size_t)over;
            uint8_t len[2] = {(uint8_t)(pad >> 8), (uint8_t)pad};
            memset(filler, 'x', sizeof filler);
            kit_put(&body, front, sizeof front - 1);
            kit_put(&body, len, 2);
            kit_put(&body, filler, pad);
            kit_put(&body, back, sizeof back - 1);
            assert_int_equal(body.n, 16384 + over);
            kit_put(&body, TEXT END, sizeof TEXT END - 1);
            stage_init(&s);
            s.sim.conf.payload = RELAY_PROTECTION_ALLOWED;
            stage_up(&s);
            s.sim.split = split;
            const char *tid = kit_chunk(&s.sim, s.alice, "mid1", "", NULL, &body, 0, body.n, '$');
            assert_int_equal(kit_code(&s.sim, s.alice, tid), over ? 413 : 200);
            assert_int_equal(s.sim.last_refusal, over ? RELAY_E_SDS_LABEL_LONG : 0);
            if (!over) {
                stage_settle(&s);
                struct msrp_str part = kit_got_part(&s.b.got[0], "vnd.3gpp.mcdata-signalling");
                assert_int_equal(part.n, 38 + 3 + pad); /* signalling goes on as it is */
                assert_memory_equal(part.p + 41, filler, pad);
            }
            free(body.p);
            stage_done(&s);
        }
    }
}

/* A key-only message and a part 5: opaque, at most 8 KiB, octet for octet. */
static void keys(void **state)
{
    static char key[8193];
    struct stage s;

    (void)state;
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (char)(i * 13);
    for (int with_sds = 0; with_sds < 2; with_sds++) {
        struct kit_sds sds = kit_sds(SIM_BOB, "hello");
        if (!with_sds) {
            sds.type = 0;
            sds.data = NULL;
        }
        sds.mikey = key;
        sds.mikey_n = 8192;
        stage_group(&s);
        struct kit_text body = kit_body(&sds);
        kit_chunk(&s.sim, s.alice, "mid1", "", NULL, &body, 0, body.n - 2000, '+');
        kit_hear_all(&s.sim, s.bob, &s.b, 200);
        assert_int_equal(s.b.n, with_sds); /* a key-only message is held whole */
        kit_chunk(&s.sim, s.alice, "mid1", "", NULL, &body, body.n - 2000, 2000, '$');
        stage_settle(&s);
        assert_int_equal(s.b.n, 1);
        struct msrp_str part = kit_got_part(&s.b.got[0], "mikey");
        assert_int_equal(part.n, 8192);
        assert_memory_equal(part.p, key, 8192);
        assert_int_equal(kit_got_part(&s.b.got[0], "vnd.3gpp.mcdata-payload").n > 0, with_sds);
        if (!with_sds) { /* its duplicate key is the digest of part 5 */
            assert_int_equal(kit_send(&s.sim, s.alice, &sds, "mid2"), 200);
            stage_settle(&s);
            assert_int_equal(s.b.n, 1);
            assert_int_equal(relay_counts(s.sim.relay)->duplicates, 1);
            key[0]++;
            assert_int_equal(kit_send(&s.sim, s.alice, &sds, "mid3"), 200);
            stage_settle(&s);
            assert_int_equal(s.b.n, 2);
        }
        sds.mikey_n = 8193;
        sds.message = 8;
        assert_int_equal(kit_send(&s.sim, s.alice, &sds, "mid4"), 413);
        assert_int_equal(s.sim.last_refusal, RELAY_E_SDS_MIKEY_LONG);
        free(body.p);
        stage_done(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults),
        cmocka_unit_test(label_cap),
        cmocka_unit_test(keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
