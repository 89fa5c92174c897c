#include "dpp/keys/kms.h"

#include <string.h>

#include "dpp/keys/kms_value.h"
#include "dpp/xml.h"

#define KMS_NS "urn:3gpp:ns:mcsecKMSInterface:1.0"
#define XSI_NS "http://www.w3.org/2001/XMLSchema-instance"

/* Where we are: an element that has a meaning of its own, by what may stand in it. */
enum place {
    SKIP, /* an element we do not read, and all in it */
    DOCUMENT,
    REQUEST_DOCUMENT,
    SIGNED_RESPONSE,
    RESPONSE,
    MESSAGE,
    INIT,
    KEYPROV,
    CERTCACHE,
    ERROR,
    SIGNED_CERT,
    CERT,
    DOMAINS,
    SET,
    SIGNED_REQUEST,
    REQUEST,
    FIELD, /* an element with a value */
};

#define IN(place) (1u << (place))

/* ts33180#D.3 */
static const struct place_row {
    enum place place;
    const char *name;
    unsigned parents;
} places[] = {
    {SIGNED_RESPONSE, "SignedKmsResponse", IN(DOCUMENT)},
    {RESPONSE, "KmsResponse", IN(DOCUMENT) | IN(SIGNED_RESPONSE)},
    {MESSAGE, "KmsMessage", IN(RESPONSE)},
    {INIT, "KmsInit", IN(DOCUMENT) | IN(MESSAGE)},
    {KEYPROV, "KmsKeyProv", IN(DOCUMENT) | IN(MESSAGE)},
    {CERTCACHE, "KmsCertCache", IN(DOCUMENT) | IN(MESSAGE)},
    {ERROR, "KmsError", IN(RESPONSE) | IN(MESSAGE)},
    {SIGNED_CERT, "SignedKmsCertificate", IN(DOCUMENT) | IN(INIT) | IN(CERTCACHE)},
    {CERT, "KmsCertificate", IN(DOCUMENT) | IN(INIT) | IN(CERTCACHE) | IN(SIGNED_CERT)},
    {DOMAINS, "KmsDomainList", IN(CERT)},
    {SET, "KmsKeySet", IN(DOCUMENT) | IN(KEYPROV)},
    {SIGNED_REQUEST, "SignedKmsRequest", IN(REQUEST_DOCUMENT)},
    {REQUEST, "KmsRequest", IN(REQUEST_DOCUMENT) | IN(SIGNED_REQUEST)},
};

/* What a value is. */
enum content {
    CONTENT_URI,    /* printable, no space; may be empty when it is not a must */
    CONTENT_TEXT,   /* for a person; may be empty */
    CONTENT_TIME,   /* xs:dateTime */
    CONTENT_BOOL,   /* xs:boolean */
    CONTENT_PERIOD, /* seconds, not 0 */
    CONTENT_NUMBER, /* at most 2^31 - 1 */
    CONTENT_COUNT,  /* at most 2^32 - 1 */
    CONTENT_CODE,   /* an int */
    CONTENT_FORMAT, /* 2: the UID of clause F.2.1 */
    CONTENT_PARAMS, /* 1: the parameter set of RFC 6509 */
    CONTENT_POINT,  /* hexBinary, 04 | x | y */
    CONTENT_ID,     /* 32 octets, hexBinary or base64 */
    CONTENT_SECRET, /* hexBinary, a member of struct dpp_kms_secrets */
    CONTENT_DOMAIN, /* one more of the certificate's domains */
};

static const struct field {
    enum place place;
    const char *name;
    enum content content;
    bool is_must;
    size_t offset, size; /* of the member */
} fields[] = {
#define ROW(place, name, content, must, type, member)                                              \
    {                                                                                              \
        place, name, CONTENT_##content, must, offsetof(struct type, member),                       \
            sizeof((struct type *)0)->member                                                       \
    }
    ROW(RESPONSE, "UserUri", URI, false, dpp_kms_doc, user_uri),
    ROW(RESPONSE, "KmsUri", URI, false, dpp_kms_doc, kms_uri),
    ROW(RESPONSE, "Time", TIME, false, dpp_kms_doc, time_s),
    ROW(RESPONSE, "ClientReqUrl", URI, false, dpp_kms_doc, request_url),
    ROW(ERROR, "ErrorCode", CODE, true, dpp_kms_doc, error_code),
    ROW(ERROR, "ErrorMsg", TEXT, false, dpp_kms_doc, error_text),
    ROW(CERT, "CertUri", URI, false, dpp_kms_cert, cert_uri),
    ROW(CERT, "KmsUri", URI, true, dpp_kms_cert, kms_uri),
    ROW(CERT, "Issuer", TEXT, false, dpp_kms_cert, issuer),
    ROW(CERT, "ValidFrom", TIME, false, dpp_kms_cert, from_s),
    ROW(CERT, "ValidTo", TIME, false, dpp_kms_cert, to_s),
    ROW(CERT, "Revoked", BOOL, false, dpp_kms_cert, is_revoked),
    {CERT, "UserIdFormat", CONTENT_FORMAT, true, 0, 0},
    ROW(CERT, "UserKeyPeriod", PERIOD, true, dpp_kms_cert, period_s),
    ROW(CERT, "UserKeyOffset", NUMBER, true, dpp_kms_cert, offset_s),
    ROW(CERT, "PubEncKey", POINT, true, dpp_kms_cert, z),
    ROW(CERT, "PubAuthKey", POINT, true, dpp_kms_cert, kpak),
    {CERT, "ParameterSet", CONTENT_PARAMS, false, 0, 0},
    {DOMAINS, "KmsDomain", CONTENT_DOMAIN, false, 0, DPP_URI_MAX + 1},
    ROW(SET, "KmsUri", URI, true, dpp_kms_set, kms_uri),
    ROW(SET, "CertUri", URI, false, dpp_kms_set, cert_uri),
    ROW(SET, "Issuer", TEXT, false, dpp_kms_set, issuer),
    ROW(SET, "UserUri", URI, true, dpp_kms_set, user_uri),
    ROW(SET, "UserID", ID, true, dpp_kms_set, uid),
    ROW(SET, "ValidFrom", TIME, false, dpp_kms_set, from_s),
    ROW(SET, "ValidTo", TIME, false, dpp_kms_set, to_s),
    ROW(SET, "KeyPeriodNo", COUNT, true, dpp_kms_set, period_no),
    ROW(SET, "Revoked", BOOL, false, dpp_kms_set, is_revoked),
    ROW(SET, "UserDecryptKey", SECRET, true, dpp_kms_secrets, rsk),
    ROW(SET, "UserSigningKeySSK", SECRET, true, dpp_kms_secrets, ssk),
    ROW(SET, "UserPubTokenPVT", SECRET, true, dpp_kms_secrets, pvt),
    ROW(REQUEST, "UserUri", URI, true, dpp_kms_request, user_uri),
    ROW(REQUEST, "KmsUri", URI, true, dpp_kms_request, kms_uri),
    ROW(REQUEST, "Time", TIME, true, dpp_kms_request, time_s),
    ROW(REQUEST, "ClientId", TEXT, false, dpp_kms_request, client_id),
    ROW(REQUEST, "ClientReqUrl", URI, true, dpp_kms_request, request_url),
#undef ROW
};
#define FIELD_COUNT (sizeof fields / sizeof *fields)
_Static_assert(FIELD_COUNT <= 64, "a bit for every field");

/* One document being read. */
struct walk {
    struct dpp_kms_doc *doc;
    struct dpp_kms_request *request; /* or this */
    enum place at[DPP_KMS_DEPTH_MAX + 1];
    const struct field *field;
    uint64_t seen; /* bit per row of fields[], of the places that are open */
    bool has_message;
    const char *wrong; /* the element of DPP_E_KMS_FIELD */
    struct dpp_scrub_1024 *text;
};

/* ---- places ---- */

static void forget(struct walk *w, enum place place)
{
    for (size_t i = 0; i < FIELD_COUNT; i++)
        if (fields[i].place == place)
            w->seen &= ~(UINT64_C(1) << i);
}

static bool is_value(struct dpp_span value, const char *text)
{
    return value.p && value.n == strlen(text) && memcmp(value.p, text, value.n) == 0;
}

static int cert_open(struct walk *w, struct dpp_xml_attrs attrs)
{
    struct dpp_span role = dpp_xml_attr(attrs, "Role"),
                    gateway = dpp_xml_attr(attrs, "IsSecurityGateway");
    struct dpp_kms_cert *cert;
    int err = dpp_kms_add_cert(w->doc, &cert);

    if (err)
        return err;
    cert->is_external = is_value(role, "External");
    cert->is_gateway = is_value(gateway, "true") || is_value(gateway, "1");
    w->wrong = "Role";
    if (role.p && !cert->is_external && !is_value(role, "Root"))
        return DPP_E_KMS_FIELD;
    w->wrong = "IsSecurityGateway";
    return !gateway.p || cert->is_gateway || is_value(gateway, "false") || is_value(gateway, "0")
               ? 0
               : DPP_E_KMS_FIELD;
}

static int say_kind(struct walk *w, enum dpp_kms_kind kind)
{
    if (w->has_message)
        return DPP_E_XML_ELEMENT;
    w->has_message = true;
    w->doc->kind = kind;
    return 0;
}

static int place_open(struct walk *w, enum place place, enum place parent,
                      struct dpp_xml_attrs attrs)
{
    struct dpp_kms_set *set;
    int err = 0;

    if (place == SET && parent == DOCUMENT)
        err = say_kind(w, DPP_KMS_KEYPROV);
    else if ((place == CERT || place == SIGNED_CERT) && parent == DOCUMENT)
        err = say_kind(w, DPP_KMS_CERTCACHE);
    else if (place == INIT)
        err = say_kind(w, DPP_KMS_INIT);
    else if (place == KEYPROV)
        err = say_kind(w, DPP_KMS_KEYPROV);
    else if (place == CERTCACHE)
        err = say_kind(w, DPP_KMS_CERTCACHE);
    else if (place == ERROR)
        err = say_kind(w, DPP_KMS_ERROR);
    else if (place == REQUEST || place == RESPONSE)
        err = w->seen ? DPP_E_XML_ELEMENT : 0; /* a second one */
    if (err)
        return err;
    forget(w, place);
    if (place == CERT)
        return cert_open(w, attrs);
    return place == SET ? dpp_kms_add_set(w->doc, &set) : 0;
}

/* Everything that must stand in it does. */
static int place_close(struct walk *w, enum place place)
{
    for (size_t i = 0; i < FIELD_COUNT; i++)
        if (fields[i].place == place && fields[i].is_must && !(w->seen & UINT64_C(1) << i)) {
            w->wrong = fields[i].name;
            return DPP_E_KMS_FIELD;
        }
    return 0;
}

/* ---- values ---- */

/* What a field is a member of. */
static void *owner(const struct walk *w, const struct field *field)
{
    struct dpp_kms_doc *doc = w->doc;

    if (field->content == CONTENT_SECRET)
        return doc->sets[doc->sets_n - 1].secrets;
    switch (field->place) {
    case CERT:
    case DOMAINS:
        return &doc->certs[doc->certs_n - 1];
    case SET:
        return &doc->sets[doc->sets_n - 1];
    case REQUEST:
        return w->request;
    default:
        return doc;
    }
}

static int put_text(const struct field *field, const char *text, char *out)
{
    size_t n = strlen(text);

    if (n == 0 && field->is_must)
        return DPP_E_KMS_FIELD;
    if (n >= field->size)
        return DPP_E_LONG;
    for (size_t i = 0; field->content != CONTENT_TEXT && i < n; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return DPP_E_KMS_FIELD;
    memcpy(out, text, n + 1);
    return dpp_xml_check_text(text) ? DPP_E_KMS_FIELD : 0;
}

static int put_domain(struct dpp_kms_cert *cert, const struct field *field, const char *text)
{
    if (cert->domains_n == DPP_KMS_DOMAINS_MAX)
        return DPP_E_LONG;
    return *text ? put_text(field, text, cert->domains[cert->domains_n++]) : DPP_E_KMS_FIELD;
}

static int put_value(const struct walk *w, const struct field *field, const char *text)
{
    void *base = owner(w, field);
    uint8_t *p = (uint8_t *)base + field->offset;
    uint64_t number = 0;
    bool is_good = false;

    switch (field->content) {
    case CONTENT_URI:
    case CONTENT_TEXT:
        return put_text(field, text, (char *)p);
    case CONTENT_DOMAIN:
        return put_domain(base, field, text);
    case CONTENT_TIME:
        is_good = dpp_kms_value_time(text, (int64_t *)(void *)p);
        break;
    case CONTENT_BOOL:
        is_good = dpp_kms_value_bool(text, (bool *)p);
        break;
    case CONTENT_PERIOD:
    case CONTENT_NUMBER:
        is_good = dpp_kms_value_number(text, INT32_MAX, (uint64_t *)(void *)p) &&
                  (field->content == CONTENT_NUMBER || *(uint64_t *)(void *)p > 0);
        break;
    case CONTENT_COUNT:
        is_good = dpp_kms_value_number(text, UINT32_MAX, (uint64_t *)(void *)p);
        break;
    case CONTENT_CODE:
        is_good = dpp_kms_value_number(text, INT32_MAX, &number);
        *(int *)(void *)p = (int)number;
        break;
    case CONTENT_FORMAT:
        is_good = dpp_kms_value_number(text, 9, &number) && number == 2;
        break;
    case CONTENT_PARAMS:
        is_good = dpp_kms_value_number(text, 9, &number) && number == 1;
        break;
    case CONTENT_POINT:
        is_good = dpp_kms_value_hex(text, p, field->size) && p[0] == 4;
        break;
    case CONTENT_ID:
        is_good = dpp_kms_value_id(text, p);
        break;
    case CONTENT_SECRET:
        is_good = dpp_kms_value_hex(text, p, field->size) &&
                  (field->size == DPP_ECCSI_SCALAR || p[0] == 4);
        break;
    }
    return is_good ? 0 : DPP_E_KMS_FIELD;
}

/* ---- the walk ---- */

static const struct place_row *find_place(const char *name)
{
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (strcmp(places[i].name, name) == 0)
            return &places[i];
    return NULL;
}

/* Is the key encrypted with a transport key? By the type, or by what is in it. */
static bool is_encrypted(struct dpp_xml_attrs attrs)
{
    static const char type[] = "EncKeyContentType";
    struct dpp_span value = dpp_xml_attr_ns(attrs, "type", XSI_NS);

    if (!value.p)
        value = dpp_xml_attr(attrs, "type");
    return value.n >= sizeof type - 1 &&
           memcmp(value.p + value.n - (sizeof type - 1), type, sizeof type - 1) == 0;
}

static int field_open(struct dpp_xml *x, enum place parent, const char *name,
                      struct dpp_xml_attrs attrs)
{
    struct walk *w = x->ctx;

    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (fields[i].place != parent || strcmp(fields[i].name, name) != 0)
            continue;
        if ((w->seen & UINT64_C(1) << i) && fields[i].content != CONTENT_DOMAIN)
            return DPP_E_XML_ELEMENT;
        if (fields[i].content == CONTENT_SECRET && is_encrypted(attrs))
            return DPP_E_KMS_ENCRYPTED;
        w->seen |= UINT64_C(1) << i;
        w->field = &fields[i];
        w->at[x->depth] = FIELD;
        dpp_xml_gather(x, (char *)w->text->p, sizeof w->text->p);
        return 0;
    }
    return 0;
}

static int open_at(struct dpp_xml *x, enum place parent, const char *name, const char *ns,
                   struct dpp_xml_attrs attrs)
{
    struct walk *w = x->ctx;
    bool is_ours = !*ns || strcmp(ns, KMS_NS) == 0;
    const struct place_row *row = is_ours ? find_place(name) : NULL;

    if (parent == SKIP)
        return 0;
    if (strcmp(ns, DPP_XML_XENC) == 0 && x->depth > 1)
        return DPP_E_KMS_ENCRYPTED;
    if (x->depth == 1 && (!row || !(row->parents & IN(parent))))
        return DPP_E_XML_NAMESPACE;
    if (parent == FIELD)
        return DPP_E_XML_ELEMENT;
    if (!row)
        return is_ours ? field_open(x, parent, name, attrs) : 0;
    if (!(row->parents & IN(parent)))
        return DPP_E_XML_ELEMENT;
    w->at[x->depth] = row->place;
    return place_open(w, row->place, parent, attrs);
}

static void on_open(struct dpp_xml *x, const char *name, const char *ns, struct dpp_xml_attrs attrs)
{
    struct walk *w = x->ctx;

    w->at[x->depth] = SKIP;
    int err = open_at(x, w->at[x->depth - 1], name, ns, attrs);
    if (err)
        dpp_xml_stop(x, err);
}

/* Drops the white space with which people and tools fold long values into lines. */
static void unfold(enum content content, char *text)
{
    if (content != CONTENT_POINT && content != CONTENT_ID && content != CONTENT_SECRET)
        return;
    for (const char *from = text; (*text = *from); from++)
        text += !dpp_xml_is_space(*from);
}

static void on_close(struct dpp_xml *x)
{
    struct walk *w = x->ctx;
    char *text = (char *)w->text->p;
    size_t n;
    int err;

    if (dpp_xml_gathered(x, &n)) {
        unfold(w->field->content, text);
        w->wrong = w->field->name;
        err = put_value(w, w->field, text);
    } else {
        err = place_close(w, w->at[x->depth]);
    }

    if (err)
        dpp_xml_stop(x, err);
}

static int walk(struct walk *w, const char *xml, size_t n)
{
    static const struct dpp_xml_caps caps = {
        .octets = DPP_KMS_XML_MAX,
        .depth = DPP_KMS_DEPTH_MAX,
        .nodes = DPP_KMS_NODES_MAX,
        .attrs = DPP_KMS_ATTRS_MAX,
    };
    DPP_SCRUB(text, 1024);
    struct dpp_xml x = {.caps = &caps, .ctx = w, .open = on_open, .close = on_close};

    w->text = &text;
    w->at[0] = w->request ? REQUEST_DOCUMENT : DOCUMENT;
    return dpp_xml_walk(&x, xml, n);
}

int dpp_kms_parse(struct dpp_kms_doc **doc, const char *xml, size_t n)
{
    const char *field;

    return dpp_kms_parse_at(doc, xml, n, &field);
}

int dpp_kms_parse_at(struct dpp_kms_doc **doc, const char *xml, size_t n, const char **field)
{
    struct walk w = {0};
    int err = dpp_kms_new(&w.doc, DPP_KMS_ERROR);

    *doc = NULL;
    if (!err)
        err = walk(&w, xml, n);
    if (!err && !w.has_message) {
        w.wrong = "KmsMessage";
        err = DPP_E_KMS_FIELD;
    }
    *field = err == DPP_E_KMS_FIELD && w.wrong ? w.wrong : "";
    if (err)
        dpp_kms_free(w.doc);
    else
        *doc = w.doc;
    return err;
}

int dpp_kms_request_parse(struct dpp_kms_request *request, const char *xml, size_t n)
{
    struct walk w = {.request = request};

    *request = (struct dpp_kms_request){0};
    int err = walk(&w, xml, n);
    /* a SignedKmsRequest without a request in it */
    if (!err && !request->time_s)
        err = DPP_E_KMS_FIELD;
    if (err)
        *request = (struct dpp_kms_request){0};
    return err;
}
