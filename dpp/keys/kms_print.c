/* kms_print.c - KMS documents as XML. */
#include "dpp/keys/kms.h"
#include "dpp/keys/kms_value.h"
#include "dpp/xml.h"

#define KMS_NS  "urn:3gpp:ns:mcsecKMSInterface:1.0"
#define XMLNS   " xmlns=\"" KMS_NS "\""
#define XSI     " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\""
#define PROLOG  "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define VERSION " Version=\"1.1.0\""

static void begin(struct dpp_out *o, const char *name)
{
    dpp_cur_put_str(o, "<");
    dpp_cur_put_str(o, name);
    dpp_cur_put_str(o, ">");
}

static void end(struct dpp_out *o, const char *name)
{
    dpp_cur_put_str(o, "</");
    dpp_cur_put_str(o, name);
    dpp_cur_put_str(o, ">\n");
}

/* An empty text and the time 0 stand for nothing. */
static void put_text(struct dpp_out *o, const char *name, const char *value)
{
    if (!*value)
        return;
    begin(o, name);
    dpp_xml_put(o, value);
    end(o, name);
}

static void put_time(struct dpp_out *o, const char *name, int64_t unix_s)
{
    if (unix_s == 0)
        return;
    begin(o, name);
    dpp_kms_value_put_time(o, unix_s);
    end(o, name);
}

static void put_number(struct dpp_out *o, const char *name, uint64_t number)
{
    begin(o, name);
    dpp_kms_value_put_number(o, number);
    end(o, name);
}

static void put_hex(struct dpp_out *o, const char *name, const uint8_t *p, size_t n)
{
    begin(o, name);
    dpp_kms_value_put_hex(o, p, n);
    end(o, name);
}

static void put_key(struct dpp_out *o, const char *name, const uint8_t *p, size_t n)
{
    dpp_cur_put_str(o, "<");
    dpp_cur_put_str(o, name);
    dpp_cur_put_str(o, " xsi:type=\"KeyContentType\">");
    dpp_kms_value_put_hex(o, p, n);
    end(o, name);
}

/* ts33180#D.3.1, in the order of the schema */
static void put_cert(struct dpp_out *o, const struct dpp_kms_cert *cert, const char *namespaces)
{
    dpp_cur_put_str(o, "<KmsCertificate");
    dpp_cur_put_str(o, namespaces);
    dpp_cur_put_str(o, VERSION " Role=\"");
    dpp_cur_put_str(o, cert->is_external ? "External\"" : "Root\"");
    dpp_cur_put_str(o, cert->is_gateway ? " IsSecurityGateway=\"true\">\n" : ">\n");
    put_text(o, "CertUri", cert->cert_uri);
    put_text(o, "KmsUri", cert->kms_uri);
    put_text(o, "Issuer", cert->issuer);
    put_time(o, "ValidFrom", cert->from_s);
    put_time(o, "ValidTo", cert->to_s);
    put_text(o, "Revoked", cert->is_revoked ? "true" : "false");
    put_number(o, "UserIdFormat", 2);
    put_number(o, "UserKeyPeriod", cert->period_s);
    put_number(o, "UserKeyOffset", cert->offset_s);
    put_hex(o, "PubEncKey", cert->z, sizeof cert->z);
    put_hex(o, "PubAuthKey", cert->kpak, sizeof cert->kpak);
    put_number(o, "ParameterSet", 1);
    if (cert->domains_n > 0) {
        dpp_cur_put_str(o, "<KmsDomainList>\n");
        for (size_t i = 0; i < cert->domains_n; i++)
            put_text(o, "KmsDomain", cert->domains[i]);
        dpp_cur_put_str(o, "</KmsDomainList>\n");
    }
    dpp_cur_put_str(o, "</KmsCertificate>\n");
}

static void put_set(struct dpp_out *o, const struct dpp_kms_set *set, const char *namespaces)
{
    const struct dpp_kms_secrets *secrets = set->secrets;

    dpp_cur_put_str(o, "<KmsKeySet");
    dpp_cur_put_str(o, namespaces);
    dpp_cur_put_str(o, VERSION ">\n");
    put_text(o, "KmsUri", set->kms_uri);
    put_text(o, "CertUri", set->cert_uri);
    put_text(o, "Issuer", set->issuer);
    put_text(o, "UserUri", set->user_uri);
    put_hex(o, "UserID", set->uid, sizeof set->uid);
    put_time(o, "ValidFrom", set->from_s);
    put_time(o, "ValidTo", set->to_s);
    put_number(o, "KeyPeriodNo", set->period_no);
    put_text(o, "Revoked", set->is_revoked ? "true" : "false");
    put_key(o, "UserDecryptKey", secrets->rsk, sizeof secrets->rsk);
    put_key(o, "UserSigningKeySSK", secrets->ssk, sizeof secrets->ssk);
    put_key(o, "UserPubTokenPVT", secrets->pvt, sizeof secrets->pvt);
    dpp_cur_put_str(o, "</KmsKeySet>\n");
}

static void put_message(struct dpp_out *o, const struct dpp_kms_doc *doc)
{
    const char *name = doc->kind == DPP_KMS_INIT      ? "KmsInit"
                       : doc->kind == DPP_KMS_KEYPROV ? "KmsKeyProv"
                                                      : "KmsCertCache";

    if (doc->kind == DPP_KMS_ERROR) {
        dpp_cur_put_str(o, "<KmsError" VERSION ">\n");
        put_number(o, "ErrorCode", (uint64_t)doc->error_code);
        put_text(o, "ErrorMsg", doc->error_text);
        dpp_cur_put_str(o, "</KmsError>\n");
        return;
    }
    dpp_cur_put_str(o, "<KmsMessage>\n<");
    dpp_cur_put_str(o, name);
    dpp_cur_put_str(o, VERSION ">\n");
    for (size_t i = 0; i < doc->certs_n; i++)
        put_cert(o, &doc->certs[i], "");
    for (size_t i = 0; i < doc->sets_n; i++)
        put_set(o, &doc->sets[i], "");
    end(o, name);
    dpp_cur_put_str(o, "</KmsMessage>\n");
}

static ssize_t ended(struct dpp_out *o)
{
    dpp_cur_put(o, "", 1);
    return o->err ? o->err : (ssize_t)o->n - 1;
}

ssize_t dpp_kms_print(const struct dpp_kms_doc *doc, char *out, size_t cap)
{
    struct dpp_out o;

    dpp_cur_out(&o, out, cap);
    dpp_cur_put_str(&o, PROLOG "<KmsResponse" XMLNS XSI VERSION ">\n");
    put_text(&o, "KmsUri", doc->kms_uri);
    put_text(&o, "UserUri", doc->user_uri);
    put_time(&o, "Time", doc->time_s);
    put_text(&o, "ClientReqUrl", doc->request_url);
    put_message(&o, doc);
    dpp_cur_put_str(&o, "</KmsResponse>\n");
    return ended(&o);
}

size_t dpp_kms_print_max(const struct dpp_kms_doc *doc)
{
    /* Every octet of a text may become an entity of six. A certificate is 3 URIs, its domains, 322
     * octets of points and some 700 of tags; a key set 5 texts, 386 octets in hexadecimal, and some
     * 900 of tags. */
    size_t texts = 4, sum = 2048;

    for (size_t i = 0; i < doc->certs_n; i++) {
        texts += 3 + doc->certs[i].domains_n;
        sum += 2048;
    }
    texts += 4 * doc->sets_n;
    sum += 2048 * doc->sets_n;
    return sum + texts * (6 * (size_t)DPP_URI_MAX + 32);
}

ssize_t dpp_kms_print_cert(const struct dpp_kms_cert *cert, char *out, size_t cap)
{
    struct dpp_out o;

    dpp_cur_out(&o, out, cap);
    dpp_cur_put_str(&o, PROLOG);
    put_cert(&o, cert, XMLNS);
    return ended(&o);
}

ssize_t dpp_kms_print_set(const struct dpp_kms_set *set, char *out, size_t cap)
{
    struct dpp_out o;

    dpp_cur_out(&o, out, cap);
    dpp_cur_put_str(&o, PROLOG);
    put_set(&o, set, XMLNS XSI);
    return ended(&o);
}

ssize_t dpp_kms_request_print(const struct dpp_kms_request *request, char *out, size_t cap)
{
    struct dpp_out o;

    dpp_cur_out(&o, out, cap);
    dpp_cur_put_str(&o, PROLOG "<KmsRequest" XMLNS VERSION ">\n");
    put_text(&o, "UserUri", request->user_uri);
    put_text(&o, "KmsUri", request->kms_uri);
    put_time(&o, "Time", request->time_s);
    put_text(&o, "ClientId", request->client_id);
    put_text(&o, "ClientReqUrl", request->request_url);
    dpp_cur_put_str(&o, "</KmsRequest>\n");
    return ended(&o);
}
